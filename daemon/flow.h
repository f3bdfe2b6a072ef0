/* The event path: the one place where capture, identity, sale and the journal meet. Loop thread
 * only.
 */
#ifndef LANEWAY_FLOW_H
#define LANEWAY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/clock_keep.h"
#include "base/counter.h"
#include "sale/sale.h"

#define FLOW_QUEUE_MAX 4096 /* entries between loop and journal */
#define FLOW_RESEND_WINDOW_US (72LL * 3600 * 1000000)

struct conf;
struct event_base;
struct flow;
struct journal;
struct sync;
struct vault;

struct flow_params {
	struct event_base *base;
	const struct conf *conf;
	const struct vault *vault;
	const struct clock *clock;
	struct clock_keep *keep; /* behind clock; NULL: nothing is journaled of the clock */
	struct counters *counters;
	struct journal *journal;
	struct sync *sync;   /* may be NULL: not configured */
	int sync_changed_fd; /* eventfd raised when sync_state changed; -1: none */
};

/* What the configuration alone cannot see: a loyalty scheme that would take payment cards for its
 * own. 0, or -1 with one line in err: "FILE:LINE: what, expected ...". */
int flow_check(const struct conf *conf, char *err, size_t err_size);

/* Rebuilds the resend window and the open baskets from the journal. NULL with a sentence in err. */
struct flow *flow_new(const struct flow_params *params, char *err, size_t err_size);
/* Open the ways in: from here on events come. 0, or -1 with err. */
int flow_start(struct flow *f, char *err, size_t err_size);
/* Close the scanners and read no more from tills; their connections stay to hear the journal's last
 * answers. */
void flow_stop(struct flow *f);
/* After the journal has stopped: pass its last answers on. */
void flow_drained(struct flow *f);
void flow_free(struct flow *f);

/* Give the clock back what an earlier run journaled of it (the mark `trusted`), if anything. */
void flow_clock_recall(struct clock_keep *keep, const char *journal, const char *store,
                       const struct vault *vault);
/* Read that mark. boot: this one's id. false: it is none. Pure. */
bool flow_clock_past(const uint8_t *mark, size_t len, const char *boot, struct clock_past *out);

/* Journal that the box started; cause: "start" or "unclean". */
void flow_box_started(struct flow *f, const char *cause, bool clean);

/* Take over another configuration: scanners, loyalty schemes, prompts. What needs a restart (names,
 * folders, addresses) must be the same in both. The old struct may be freed afterwards. */
void flow_reload(struct flow *f, const struct conf *conf);

/* The lane as its screen sees it: a JSON object (WIRE.md, "Lane view"). false: no such lane. */
bool flow_lane_json(struct flow *f, const char *lane, struct buf *out);
/* The cashier's taps. 0, or -1 with err. */
int flow_choose(struct flow *f, const char *lane, const char *question, const char *choice,
                struct sale_error *err);
int flow_wrong_customer(struct flow *f, const char *lane, struct sale_error *err);
/* State of the box, its devices and its queues (WIRE.md, "Status"). */
void flow_status_json(struct flow *f, struct buf *out);
/* A profile of the shard, for the local socket only. 1, 0 or -1. */
int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out);

/* Called on every change of a lane with its JSON, and with the lines of every kept entry. One
 * watcher each (serve). */
typedef void flow_lane_fn(void *ctx, const char *lane, const char *json, size_t len);
typedef void flow_kept_fn(void *ctx, const char *lines, size_t len);
void flow_watch(struct flow *f, flow_lane_fn *lane, flow_kept_fn *kept, void *ctx);

#endif
