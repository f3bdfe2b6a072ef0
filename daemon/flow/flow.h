/* The event path: the one place where capture, identity, sale and the journal meet. Loop thread
 * only.
 */
#ifndef LANEWAY_FLOW_H
#define LANEWAY_FLOW_H

#include <stdatomic.h>
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
struct ledger;
struct shard_gate;
struct sync;
struct vault;

struct flow_params {
	struct event_base *base;
	const struct conf *conf;
	const struct vault *vault;
	struct shard_gate *gate; /* shared with the shard's writer; may be NULL */
	const struct clock *clock;
	struct clock_keep *keep; /* behind clock; NULL: nothing is journaled of the clock */
	struct counters *counters;
	struct journal *journal;
	struct ledger *ledger;  /* HQ's word on statements; NULL: none is kept */
	atomic_bool *read_back; /* set when the start reads no more of the journal; may be NULL */
};

/* What the configuration alone cannot see: a loyalty scheme that would take payment cards for its
 * own. 0, or -1 with one line in err: "FILE:LINE: what, expected ...". */
int flow_check(const struct conf *conf, char *err, size_t err_size);

/* The journal has been opened; its thread may start later. NULL with a sentence in err. */
struct flow *flow_new(const struct flow_params *params, char *err, size_t err_size);
/* Open the ways in, and begin to read back what the journal holds. From here on events come: scans
 * are kept at once, whatever the size of the journal. 0, or -1 with err. */
int flow_start(struct flow *f, char *err, size_t err_size);
/* The sync thread runs: its state is shown; `changed_fd` is an eventfd raised when it changed. 0 or
 * -1. */
int flow_sync(struct flow *f, struct sync *sync, int changed_fd);

/* How far the start is. */
enum flow_stage {
	FLOW_STARTING, /* scans are kept, and tied when the baskets are back; tills wait */
	FLOW_NAMES, /* profiles and baskets are there, and Box Started is told; tills are greeted,
	               what they say waits */
	FLOW_READY, /* it is known what was taken: tills are heard */
};
enum flow_stage flow_stage(const struct flow *f);

/* Close the scanners and read no more from tills; their connections stay to hear the journal's last
 * answers. What could not be kept so far is handed to the journal as Capture Gaps. */
void flow_stop(struct flow *f);
/* After the journal has stopped: pass its last answers on. */
void flow_drained(struct flow *f);
void flow_free(struct flow *f);

/* Give the clock back what an earlier run journaled of it (the mark `trusted`), if anything. */
void flow_clock_recall(struct clock_keep *keep, const char *journal, const char *store,
                       const struct vault *vault);
/* Read that mark. boot: this one's id. false: it is none. Pure. */
bool flow_clock_past(const uint8_t *mark, size_t len, const char *boot, struct clock_past *out);

/* Take over another configuration: scanners, loyalty schemes, prompts. What needs a restart (names,
 * folders, addresses) must be the same in both. The old struct may be freed afterwards. */
void flow_reload(struct flow *f, const struct conf *conf);

/* The lane as its screen sees it: a JSON object (WIRE.md, "Lane view"). false: no such lane. */
bool flow_lane_json(struct flow *f, const char *lane, struct buf *out);
/* A cashier's tap: the choice of a question, HQ's other word taken over (`change`), or with both
 * NULL "wrong customer". 0: `done` is called once, when the journal has answered (err NULL: it is
 * kept), never before the call returns. -1 with err: nothing happened, and nothing is called. */
struct flow_tap {
	const char *lane, *question, *choice, *change;
	void (*done)(void *ctx, const struct sale_error *err);
	void *ctx;
};
int flow_tap(struct flow *f, const struct flow_tap *tap, struct sale_error *err);
/* What a cashier filled in (WIRE.md, "Forms of the lane"); body: the request's object (json_t). 0:
 * as flow_tap. Else nothing happened, and nothing is called: FLOW_FORM_WRONG: a member is wrong,
 * err says which; FLOW_FORM_REFUSED: not now, or somebody is known already (`known`). */
enum flow_form_kind { FLOW_ENROL, FLOW_CORRECT, FLOW_NOT_ME, FLOW_SAME_PERSON, FLOW_NOTE };
#define FLOW_FORM_REFUSED (-1)
#define FLOW_FORM_WRONG (-2)
struct flow_form {
	enum flow_form_kind kind;
	const char *lane;
	const void *body;
	void (*done)(void *ctx, const struct sale_error *err);
	void *ctx;
};
struct flow_known {
	bool is;             /* somebody has the identifier that err.field names */
	bool several;        /* not one person alone */
	bool attach;         /* the name fits: it may be attached instead */
	char first_name[16]; /* masked */
};
int flow_form(struct flow *f, const struct flow_form *form, struct flow_known *known,
              struct sale_error *err);
/* What a cashier asks to see (WIRE.md, "Looking"): more of the customer in the basket in front; or
 * who has a phone number or address. body: the request's object (json_t). 0: `done` is called once,
 * with what may be shown, when the journal has kept that it was asked for (err NULL), or with err,
 * and then without; never before the call returns. Else nothing happened, and nothing is called: as
 * flow_form. */
struct flow_ask {
	const char *lane;
	const void *body;
	bool tool; /* a tool asks, over the local socket; else a cashier on the lane's screen */
	void (*done)(void *ctx, const struct sale_error *err, const struct buf *json);
	void *ctx;
};
int flow_details(struct flow *f, const struct flow_ask *ask, struct sale_error *err);
int flow_search(struct flow *f, const struct flow_ask *ask, struct sale_error *err);
/* A manager blocks a value, which is nobody's then, or clears one that is blocked, shared or on the
 * list. Answered like a tap. */
struct flow_block {
	bool block;
	const char *kind, *value, *reason;
	bool *at_hq; /* set before `done`, where HQ's word on it holds all the same; may be NULL */
	void (*done)(void *ctx, const struct sale_error *err);
	void *ctx;
};
int flow_block(struct flow *f, const struct flow_block *block, struct sale_error *err);
/* What waits for a person: shared, blocked and doubtful identifiers, masked (WIRE.md, "Review"). */
void flow_review_json(struct flow *f, struct buf *out);
/* State of the box, its devices and its queues (WIRE.md, "Status"). */
void flow_status_json(struct flow *f, struct buf *out);
/* The days that were closed, newest first, with HQ's word (WIRE.md, "Statements"). */
void flow_statements_json(struct flow *f, struct buf *out);
/* A profile of the shard, for the local socket only. 1, 0 or -1. */
int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out);
/* Why that customer is told as they are, HQ's word and this store's own: a line for each
 * identifier, value and consent. The same results. */
int flow_profile_why(struct flow *f, const char *customer_id, struct buf *out);

/* Called on every change of a lane with its JSON, and with the lines of every kept entry. One
 * watcher each (serve). */
typedef void flow_lane_fn(void *ctx, const char *lane, const char *json, size_t len);
typedef void flow_kept_fn(void *ctx, const char *lines, size_t len);
void flow_watch(struct flow *f, flow_lane_fn *lane, flow_kept_fn *kept, void *ctx);

#endif
