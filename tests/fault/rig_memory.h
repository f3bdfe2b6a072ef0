/* Memory that runs out, in a child of the store rig. */
#ifndef LANEWAY_TESTS_RIG_MEMORY_H
#define LANEWAY_TESTS_RIG_MEMORY_H

/* What the rig itself allocates between these two neither counts nor fails. */
void rig_memory_off(void);
void rig_memory_on(void);

/* SQLite's allocations count too. Before it is used in this process. */
void rig_memory_sqlite(void);

#endif
