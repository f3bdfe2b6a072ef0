/* When things happened, by clocks that may have been wrong: the store's monotonic clock, and the
 * moments at which it was known what time it was.
 *
 * Every boot of a device has trusted points (`Clock Repaired`): this much monotonic time is that
 * moment, so much wrong at most. A crystal drifts by 100 ppm at most. So each point bounds every
 * event of its boot, from both sides, and all points together bound it more tightly: the repaired
 * time is the middle of what they leave, its error half of that, never more than the nearest
 * point's own error plus 100 ppm of the distance to it. A boot without a point has an interval
 * only: after what the boot before it (by the chain of epochs) has proven, before the boot after it
 * and before HQ heard of it.
 *
 * An event that a trusted clock has stamped keeps its own time, unless a point that HQ has signed
 * contradicts the clock: then it is repaired like the others. Everything follows from the set of
 * events held, whatever order they came in, but for the interval's end where only HQ's hearing
 * bounds it. Tables: WIRE.md, "hq.db".
 */
#ifndef LANEWAY_HQ_TIME_H
#define LANEWAY_HQ_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_line.h"

/* ---- pure: hq_time.c ---- */

#define HQ_TIME_AGREE_US                                                                           \
	INT64_C(300000000) /* a clock further than this from HQ's word was wrong                   \
	                    */

struct hq_time_span {
	int64_t lo_us, hi_us;
};

struct hq_time_point {
	int64_t mono_us, wall_us, error_us;
	bool is_signed; /* by HQ */
	bool dropped;   /* out: HQ's word contradicts it */
	bool torn; /* out: points that count contradict each other: between two it may be either's
	              time */
	struct hq_time_span span; /* out: what all points together leave of it */
};

/* Sort the points of one boot, leave out those that HQ's word contradicts, and tighten each by the
 * others. */
void hq_time_settle(struct hq_time_point *p, size_t n);

/* What settled points leave of the moment at mono_us. false: there is no point. */
bool hq_time_at(const struct hq_time_point *p, size_t n, int64_t mono_us, struct hq_time_span *out);

/* The moment at mono_us when that at mono 0 is within `start`; INT64_MIN and INT64_MAX: not
 * bounded. */
struct hq_time_span hq_time_from_start(struct hq_time_span start, int64_t mono_us);

/* The other way: what a moment at mono_us says of mono 0. */
struct hq_time_span hq_time_to_start(struct hq_time_span at, int64_t mono_us);

/* ---- in hq.db: hq_time_boot.c and hq_time_redo.c; all within a transaction of the caller ---- */

struct hq_time;

/* clock: HQ's own. NULL: out of memory. */
struct hq_time *hq_time_new(struct hq_db *db, const struct clock *clock);
void hq_time_free(struct hq_time *t);
/* Forget what is remembered between calls: the transaction was rolled back. */
void hq_time_forget(struct hq_time *t);

struct hq_time_place {
	int64_t store, epoch; /* rows */
	uint64_t seq;
};

/* Take in what an event says of its clock. The time to fold it by: its own, or the repaired one, or
 * for an interval its beginning (its end if it has none). */
int64_t hq_time_take(struct hq_time *t, const struct hq_time_place *at, const struct hq_line *line);

/* The links between epochs, or their order, have changed: intervals may have, too. */
void hq_time_linked(struct hq_time *t, int64_t store);

/* More of this epoch is held: what it says of the boots around it may have changed. */
void hq_time_grown(struct hq_time *t, int64_t epoch);

/* Repair anew what has become stale, at most about `max` events. `moved` is told every event whose
 * time to fold by is another one now. true: there is more to do. */
typedef void hq_time_moved_fn(void *ctx, int64_t epoch, uint64_t seq, int64_t time_us);
bool hq_time_step(struct hq_time *t, int max, hq_time_moved_fn *moved, void *ctx);

#endif
