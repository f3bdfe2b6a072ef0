/* jansson's and SQLite's memory: what fails there is counted as well (base/memory.h). */
#ifndef LANEWAY_HQ_MEMORY_H
#define LANEWAY_HQ_MEMORY_H

/* Before either is used. */
void hq_memory_watch(void);

#endif
