/* What flow's own files share: flow.c (to the journal and back), flow_scan.c and flow_till.c (what
 * comes in), flow_tap.c (the cashier's keys), flow_start.c (making, reloading, ending),
 * flow_rebuild.c (what the journal brings back), flow_view.c, flow_fresh.c and flow_status.c (what
 * screens and tools are told). */
#ifndef LANEWAY_FLOW_INTERNAL_H
#define LANEWAY_FLOW_INTERNAL_H

#include "capture/capture.h"
#include "capture/pos.h"
#include "capture/scanner.h"
#include "conf.h"
#include "flow.h"
#include "flow_day.h"
#include "identity/resolve.h"
#include "store/journal.h"
#include "store/shard.h"
#include "store/vault.h"
#include "store/window.h"
#include "sync/sync.h"

/* entry.tag of what a scanner brought; a till's entry has its link there, and an id. */
#define FLOW_TAG_SCAN 1
#define FLOW_QUEUE_SPARE 128       /* of FLOW_QUEUE_MAX, kept for sources that cannot wait */
#define FLOW_RESEND_IDS_MAX 200000 /* per source */

struct event; /* libevent's */

/* What the till of a lane was last told about its customer. */
struct flow_lane {
	char lane[EVENT_NAME_SIZE];
	char till[EVENT_NAME_SIZE];
	uint64_t link; /* 0: no till connected */
	char told[512];
};

/* One-way input that could not be kept, waiting to be journaled as a Capture Gap. */
struct flow_gap {
	char source[EVENT_NAME_SIZE];
	int64_t from_wall_us, to_wall_us;
	uint64_t missing;  /* not yet journaled */
	uint64_t reported; /* of them in an entry that is with the journal */
};

struct flow {
	struct flow_params p;
	const struct conf *conf;
	struct capture_ops ops;
	struct ident_rules rules;
	struct lookup lookup;
	struct sale *sale;
	struct window *window;
	struct flow_day *day;
	struct shard_reader *shard;
	struct vault_work *work;
	struct scanner *scanners[CONF_SCANNERS_MAX];
	int scanner_count;
	struct pos *pos;
	struct flow_lane lanes[CONF_LANES_MAX];
	struct flow_gap gaps[CONF_SCANNERS_MAX];
	struct event *done_event, *sync_event, *tick_event, *clock_event;
	int64_t age_base_us; /* flow_age_us at monotonic 0 */
	size_t in_flight;    /* entries with the journal */
	int restored;        /* baskets found open at the start */
	int64_t started_mono_us;
	flow_lane_fn *watch_lane;
	flow_kept_fn *watch_kept;
	void *watch_ctx;
	struct buf json; /* scratch for what goes out */
};

/* The moment, in the store's own terms. */
void flow_now(const struct flow *f, struct sale_now *now);

/* An event of the box itself, stamped, in an entry of its own; NULL when out of memory.
 * `properties` is canonical JSON and is copied. */
struct entry *flow_box_entry(struct flow *f, enum event_kind kind, const char *lane,
                             const char *properties);

/* Hand an entry to the journal, or free it when it is empty. A full queue: the sale is told that it
 * was refused; false. */
bool flow_put(struct flow *f, struct entry *e);

/* Tell screens and tills about every lane that changed. */
void flow_publish(struct flow *f);

/* Let time pass in the sale and arm the next tick. */
void flow_tick(struct flow *f);

/* Entries that the journal has answered. */
void flow_drain(struct flow *f);

/* The callbacks of capture: each file sets its own. */
void flow_scan_ops(struct capture_ops *ops);
void flow_till_ops(struct capture_ops *ops);

/* The loyalty schemes and the region of the configuration as identity's rules. */
void flow_set_rules(struct flow *f);

/* What message ids are aged by: the wall clock of the start, run on by the monotonic clock, so that
 * no jump ages them. */
int64_t flow_age_us(const struct flow *f);

/* ---- flow_clock.c ---- */
/* Look at the clock at once and every second; journal its trusted points. 0 or -1. */
int flow_clock_start(struct flow *f);
void flow_clock_look(struct flow *f);
void flow_clock_free(struct flow *f);

/* ---- flow_scan.c ---- */
/* A scan of this source could not be kept. */
void flow_note_gap(struct flow *f, const char *source);
/* Journal what was missed, as soon as the journal takes entries again. */
void flow_flush_gaps(struct flow *f);
/* A Capture Gap was answered: what it said is settled, or is still to be said. */
void flow_settle_gap(const struct entry *e);
void flow_note_refused(struct flow *f, const char *source, const char *lane, const char *reason,
                       uint64_t count);

/* ---- flow_till.c ---- */
struct flow_lane *flow_lane_of(struct flow *f, const char *lane);
/* Say `customer` to the lane's till, but only when it differs from what it was told last. */
void flow_tell_till(struct flow *f, struct flow_lane *l);
/* The journal has answered a till's entry. */
void flow_till_kept(struct flow *f, const struct entry *e);
void flow_till_refused(struct flow *f, const struct entry *e);

/* ---- flow_fresh.c ---- */
enum freshness {
	FRESH_NOW,
	FRESH_AS_OF,
	FRESH_AMBER,
	FRESH_NO_PROMPTS,
	FRESH_NO_POINTS,
	FRESH_LOCKED
};

struct freshness_view {
	enum freshness level;
	int64_t age_us; /* -1: never synced */
	char as_of[6];
	char text[64];
};

void flow_freshness(const struct flow *f, const struct sync_state *s, struct freshness_view *v);
const char *flow_freshness_name(enum freshness level);
/* "17:02", local time. */
void flow_clock_text(int64_t wall_us, char out[6]);

/* ---- flow_view.c ---- */
/* {"type":"customer", ...} for a lane's till. */
void flow_customer_json(const struct flow *f, const struct lane_view *v, struct buf *out);

#endif
