/* What HQ keeps raw and why, branches of history, restores, what is lost: as JSON, for the command
 * line. Reads only, through any connection. */
#ifndef LANEWAY_HQ_RAW_H
#define LANEWAY_HQ_RAW_H

#include <stddef.h>

struct sqlite3;
struct json_t;

/* store NULL: all. Lists are bounded; the numbers count all. NULL: the database cannot be read
 * (logged). */
struct json_t *hq_raw_forks(struct sqlite3 *db, const char *store);
struct json_t *hq_raw_quarantine(struct sqlite3 *db, const char *store);

/* Everything held under one name: `where` is EPOCH:SEQ, or the SHA-256 of an unreadable payload.
 * NULL with a sentence in err. */
struct json_t *hq_raw_one(struct sqlite3 *db, const char *where, char *err, size_t err_size);

/* For the status: renewals, newest first; runs that are lost at HQ. NULL as above. */
struct json_t *hq_raw_generations(struct sqlite3 *db);
struct json_t *hq_raw_lost(struct sqlite3 *db, const char *store);

void hq_raw_print_forks(const struct json_t *forks);
void hq_raw_print_quarantine(const struct json_t *quarantine);
void hq_raw_print_one(const struct json_t *one);

#endif
