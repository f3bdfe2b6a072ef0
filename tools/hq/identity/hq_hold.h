/* Which customers a store holds: HQ's choice, under a budget of bytes.
 *
 * A store whose budget takes all customers holds all of them. For any other HQ chooses: those who
 * come to the store, those who come to stores that share customers with it, then whoever is active
 * in the chain at all; a budget is never left unused. A store that was chosen for stays so, if need
 * be for all. Once a day each store is chosen for anew; in between whoever is met there and was not
 * held is held from then on.
 *
 * A customer's weight in a store is the sum of 2^(age of a visit / -60 days) over the visits,
 * counted from a fixed day, so that it needs no ageing: the order of customers does not change by
 * waiting, and not by the order in which sales arrive. A store's own feed is its rows of `holding`,
 * each with the version at which it came, went or changed last. All of it inside a transaction of
 * the caller.
 */
#ifndef LANEWAY_HQ_HOLD_H
#define LANEWAY_HQ_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/identity/hq_profile.h"

/* Of one customer in shard.db: sealed body, keys, two or three identifiers, indices. */
#define HQ_HOLD_PROFILE_BYTES 900

/* The unit's sales or meetings have changed: weigh it in every store. */
void hq_hold_weigh(struct hq_db *db, int64_t unit);

/* This store has met somebody at this time (enrolled them, or asked for them): held from now on. */
void hq_hold_met(struct hq_db *db, int64_t store, int64_t unit, int64_t time_us);

/* The same for all who have an identifier that it has asked for; in a transaction of its own. */
void hq_hold_asked(struct hq_db *db, int64_t store, const char *kind, const char *value,
                   int64_t time_us);

/* The unit has got this version: so have the feeds of all stores that hold it. Who holds `unit` and
 * finds it is part of another person (person, else 0) holds that one, too. */
void hq_hold_changed(struct hq_db *db, int64_t unit, int64_t person, uint64_t version);

/* Choose for one store: the one chosen for longest ago, when that was a day or more. budget_bytes:
 * of each store's shard. The store's row id; 0: none is due. */
int64_t hq_hold_choose(struct hq_db *db, int64_t budget_bytes, int64_t wall_us);

/* The same in a transaction of its own; it takes up to some hundred milliseconds. */
void hq_hold_choose_one(struct hq_db *db, int64_t budget_bytes, int64_t wall_us);

/* Must a store that stands at `since` be filled afresh? (It held all, and is chosen for now.) */
bool hq_hold_fresh(struct hq_db *db, int64_t store, uint64_t since);

/* As hq_profile_page, of what this store holds. */
uint64_t hq_hold_page(struct hq_db *db, int64_t store, const struct hq_profile_page *page,
                      struct buf *out, bool *more);

#endif
