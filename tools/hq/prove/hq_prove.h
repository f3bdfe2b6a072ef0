/* `laneway-hq prove`: recompute a store's day from the stored bytes. Reads only, one snapshot. */
#ifndef LANEWAY_HQ_PROVE_H
#define LANEWAY_HQ_PROVE_H

#include <stddef.h>

#include "hq/base/hq_keys.h"

struct sqlite3;
struct json_t;

/* Everything about the day as one object (WIRE.md section 16); `proven` says whether all of it
 * holds, `reasons` why not. NULL with a sentence in err: it could not be looked at. */
struct json_t *hq_prove_day(struct sqlite3 *db, struct hq_keys *keys, const char *store,
                            const char *day, char *err, size_t err_size);

/* The statements of a store (NULL: of all), newest first. */
struct json_t *hq_prove_list(struct sqlite3 *db, const char *store);

/* Print for a person. */
void hq_prove_print(const struct json_t *proof);
void hq_prove_print_list(const struct json_t *list);

#endif
