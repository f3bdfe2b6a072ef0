/* The tables of hq.db, as steps that only add: `user_version` says how many a file has seen.
 * A new release appends steps; it never changes one. Tables: WIRE.md, "hq.db". */
#ifndef LANEWAY_HQ_SCHEMA_H
#define LANEWAY_HQ_SCHEMA_H

#include <stddef.h>

struct sqlite3;

/* Bring a file, new or of an older release, to this release's tables; each step is a transaction.
 * 0; -1 with a sentence in err: it is of a newer release, or none of ours. */
int hq_schema_bring(struct sqlite3 *sql, const char *path, char *err, size_t err_size);
/* Only as far as the step of this number. */
int hq_schema_bring_to(struct sqlite3 *sql, int to, const char *path, char *err, size_t err_size);

#endif
