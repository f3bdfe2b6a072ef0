/* Pairs of customers who may be one person, as `laneway-hq duplicates --suggest` found them, for
 * stores to ask about: a lane that has both shows one of them to the cashier as a suggestion.
 *
 * Nothing here joins anybody, and nothing makes pairs by itself. A pair is told in the page lines
 * of both, as long as both are customers of their own and active, and nobody has said of the two
 * what they are. The next run's pairs take the place of all that there are.
 */
#ifndef LANEWAY_HQ_LIKELY_H
#define LANEWAY_HQ_LIKELY_H

#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"

struct json_t;
struct hq_conf;

#define HQ_LIKELY_MAX 20000       /* pairs that are kept: what one call carries */
#define HQ_LIKELY_BECAUSE_MAX 180 /* bytes of the words of one pair */

/* ask: {"pairs":[[17,23,9100,"first_name:same,email:folded"],...]}: two records by their numbers,
 * the score in mbit, and what was compared. {"kept":2,"changed":1,"gone":0}, or NULL with a
 * sentence in err. Not within a transaction; of whom something else is told now is marked as dirty,
 * for later. */
struct json_t *hq_likely_keep(struct hq_db *db, const struct json_t *ask, char *err,
                              size_t err_size);

/* The same through the control socket of a running HQ, or here when none runs. */
struct json_t *hq_likely_call(const struct hq_conf *conf, const struct json_t *ask, char *err,
                              size_t err_size);

#endif
