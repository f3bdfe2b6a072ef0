/* What hq_time_boot.c (what is known of a boot) and hq_time_redo.c (events repaired anew) share.
 * Not for other rooms. */
#ifndef LANEWAY_HQ_TIME_INTERNAL_H
#define LANEWAY_HQ_TIME_INTERNAL_H

#include "hq/intake/hq_time.h"

/* What bounds the events of one boot: its points, settled; without any, where its monotonic 0 lies.
 */
struct hq_time_model {
	int64_t boot, store; /* boot 0: none is held */
	struct hq_time_point *point;
	size_t count, room;
	bool
	    contradicted; /* a point was dropped: trusted clocks of this boot may have been wrong */
	struct hq_time_span start;
};

struct hq_time {
	struct hq_db *db;
	const struct clock *clock;
	struct hq_time_model model;
	int64_t epoch, epoch_boot; /* rows: the epoch asked for last, and its boot */
	char boot_id[CLOCK_BOOT_ID_SIZE];
	bool contradicted; /* that boot */
};

/* One event's clock. */
struct hq_time_event {
	int64_t epoch, mono_us, wall_us;
	uint64_t seq;
	enum clock_trust trust;
};

/* Let t->model be this boot's. false: no such boot, or out of memory. */
bool hq_time_model(struct hq_time *t, int64_t boot);

/* Where a moment of this boot lies. Nothing known: INT64_MIN to INT64_MAX. lo_us may stand behind
 * hi_us: the two come from different neighbours, and stay apart so that lower bounds only go
 * forward from boot to boot and upper ones only back. */
struct hq_time_span hq_time_bounds(struct hq_time *t, int64_t boot, int64_t mono_us);

/* Let the row of an event of t->model's boot say what the model says: written, or dropped where the
 * event's own time stands. The time to fold it by. */
int64_t hq_time_place(struct hq_time *t, const struct hq_time_event *e);

/* Draw a boot without points anew from its neighbours. */
void hq_time_draw(struct hq_time *t, int64_t boot);

#endif
