/* Values that were said here and of which HQ kept another: each is told once, when its customer is
 * next on a lane, and remembered until then, over restarts too; and a week more, for the manager's
 * list.
 *
 * They are noted sealed with the next entry that the journal keeps. Only then is the journal told
 * what HQ includes, so that a power cut before it finds the events still awaited, and they are
 * compared anew. */
#ifndef LANEWAY_FLOW_HQ_KEPT_H
#define LANEWAY_FLOW_HQ_KEPT_H

#include "identity/overlay.h"
#include "sync/downlink.h"

#define FLOW_HQ_KEPT_MAX 64 /* the oldest is forgotten: some 5 KiB in a mark */

struct flow;
struct entry;

struct flow_kept {
	struct overlay_kept what;
	bool told; /* on a lane: it stays for the manager's list */
	int64_t heard_wall_us;
};
struct flow_hq_kept {
	struct flow_kept at[FLOW_HQ_KEPT_MAX]; /* oldest first */
	int count;
	bool unsaved;                      /* it has changed since it was noted */
	const struct entry *noted;         /* the note is with the journal */
	struct downlink_includes included; /* by HQ, and compared */
	bool due;                          /* the journal is to be told that */
};

/* What the run before knew: the mark of that name. */
void flow_hq_kept_begin(struct flow *f, const struct buf *mark);
/* The overlay is as HQ says: take over what it has to tell, forget customers who are gone, and tell
 * the journal what HQ includes as soon as that may be. Without an overlay, only that. */
void flow_hq_kept_take(struct flow *f);
/* Who is on this lane is told, unless something else stands there to be read. */
void flow_hq_kept_met(struct flow *f, const char *lane);
/* Lines for `profile --why`. */
void flow_hq_kept_why(const struct flow *f, const char *customer_id, struct buf *out);
/* With this entry it is noted, if it has changed. And: the journal has answered. */
void flow_hq_kept_note(struct flow *f, struct entry *e);
void flow_hq_kept_answered(struct flow *f, const struct entry *e);
/* Again, what the journal had no room for. */
void flow_hq_kept_tick(struct flow *f);

#endif
