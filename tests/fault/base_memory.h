/* Memory that runs out, in a child. */
#ifndef LANEWAY_TESTS_BASE_MEMORY_H
#define LANEWAY_TESTS_BASE_MEMORY_H

/* What the rig itself allocates between these two neither counts nor fails. */
void base_memory_off(void);
void base_memory_on(void);

/* SQLite's allocations count too. Before it is used in this process. */
void base_memory_sqlite(void);

#endif
