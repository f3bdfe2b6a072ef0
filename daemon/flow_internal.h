/* What flow's own files share: flow.c (the path of an event), flow_start.c (making, rebuilding,
 * reloading), flow_view.c (what screens and tools are told). */
#ifndef LANEWAY_FLOW_INTERNAL_H
#define LANEWAY_FLOW_INTERNAL_H

#include "capture/capture.h"
#include "capture/pos.h"
#include "capture/scanner.h"
#include "conf.h"
#include "flow.h"
#include "identity/resolve.h"
#include "store/journal.h"
#include "store/shard.h"
#include "store/vault.h"
#include "store/window.h"
#include "sync/sync.h"

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
	struct shard_reader *shard;
	struct vault_work *work;
	struct scanner *scanners[CONF_SCANNERS_MAX];
	int scanner_count;
	struct pos *pos;
	struct flow_lane lanes[CONF_LANES_MAX];
	struct flow_gap gaps[CONF_SCANNERS_MAX];
	struct event *done_event, *sync_event, *tick_event;
	size_t in_flight; /* entries with the journal */
	int restored;     /* baskets found open at the start */
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

/* The callbacks of capture. */
void flow_set_ops(struct flow *f);

/* The loyalty schemes and the region of the configuration as identity's rules. */
void flow_set_rules(struct flow *f);

/* {"type":"customer", ...} for a lane's till. */
void flow_customer_json(const struct flow *f, const struct lane_view *v, struct buf *out);

#endif
