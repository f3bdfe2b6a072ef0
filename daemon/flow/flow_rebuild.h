/* What the journal brings back at a start, read on a thread of its own: first the shard of profiles
 * and the baskets that were open, then the window of messages that were taken already.
 *
 * The thread has its own connections and stops in front of the epoch of this run. What it made is
 * the loop's once the stage says so. Loop thread, but for the thread's own work.
 */
#ifndef LANEWAY_FLOW_REBUILD_H
#define LANEWAY_FLOW_REBUILD_H

#include <stdatomic.h>

#include "identity/overlay.h"
#include "identity/resolve.h"
#include "sale/sale.h"
#include "store/shard.h"
#include "store/window.h"

struct conf;
struct flow_rebuild;
struct journal_reader;

struct flow_rebuild_params {
	const struct conf *conf; /* what is needed of it is copied */
	const struct vault *vault;
	struct shard_gate *gate;          /* or NULL */
	const struct ident_rules *rules;  /* copied */
	const struct rule_set *table;     /* copied */
	const struct field_trust *trust;  /* copied */
	uint8_t epoch[EVENT_EPOCH_BYTES]; /* of this run */
	int64_t window_age_us, now_us;    /* now_us: as window_expire's */
	size_t window_ids_max;
	atomic_bool *done; /* set when nothing more is read; may be NULL */
};

/* Starts the thread. NULL with a sentence in err. */
struct flow_rebuild *flow_rebuild_start(const struct flow_rebuild_params *params, char *err,
                                        size_t err_size);
/* Ends it early if it still runs, and frees what was not taken. NULL is allowed. */
void flow_rebuild_free(struct flow_rebuild *r);
/* Let it end soon; flow_rebuild_free then does not wait long. */
void flow_rebuild_stop(struct flow_rebuild *r);

/* Wait until the thread is done; for tests, which want one thing after the other. */
void flow_rebuild_wait(struct flow_rebuild *r);

/* Readable when there is something new to take. */
int flow_rebuild_fd(const struct flow_rebuild *r);

/* The run before this one, as its last lines and marks tell. */
struct flow_before {
	bool any;                            /* there was one */
	char boot[CLOCK_BOOT_ID_SIZE];       /* of its last line */
	char version[64];                    /* empty: not known */
	char guard_boot[CLOCK_BOOT_ID_SIZE]; /* whose guards' clock it was; empty: not known */
	int64_t guard_base_us;
};

/* Tills known before: the mark of that name, empty if there is none. With the baskets. */
const struct buf *flow_rebuild_tills(const struct flow_rebuild *r);
/* The same for what the guards knew, as journal_reader_marks gives it. */
const struct buf *flow_rebuild_guards(const struct flow_rebuild *r);
const struct buf *flow_rebuild_rules(const struct flow_rebuild *r);
const struct buf *flow_rebuild_lookups(const struct flow_rebuild *r);
const struct buf *flow_rebuild_kept(const struct flow_rebuild *r);
const struct buf *flow_rebuild_weights(const struct flow_rebuild *r);
const struct buf *flow_rebuild_serving(const struct flow_rebuild *r);

/* Baskets and profiles, with this store's own changes to them; they belong to the caller. false:
 * not yet, or taken before. */
struct flow_names {
	struct sale *sale;
	struct shard_reader *shard; /* NULL: nobody can be named */
	struct overlay *overlay;
	bool overlay_whole; /* all that is awaited could be read */
	struct flow_before before;
};
bool flow_rebuild_baskets(struct flow_rebuild *r, struct flow_names *out);
/* The window, its ids not expired yet, and the connection they came by (NULL: none could be
 * opened). false: not yet, or taken before. */
bool flow_rebuild_window(struct flow_rebuild *r, struct window **window,
                         struct journal_reader **reader);

/* Marks in the journal that a rebuild reads. */
#define FLOW_MARK_OPEN "open"       /* epoch || seq (u64): where to begin */
#define FLOW_MARK_TILLS "tills"     /* each till and its lane: u8 length || name */
#define FLOW_MARK_RULES "rules"     /* HQ's rule table, sealed (WIRE.md, section 4) */
#define FLOW_MARK_KEPT "kept"       /* what HQ kept of what was said here, sealed (same) */
#define FLOW_MARK_GUARDS "guards"   /* what guards know (identity/ward.h): guards_000 and on */
#define FLOW_MARK_LOOKUPS "lookups" /* who looked somebody up when (identity/quota.h) */
#define FLOW_MARK_WEIGHTS "weights" /* HQ's, for suggestions: hq.weights, shortened */
#define FLOW_MARK_SERVING "serving" /* 1 || who serves where (sale_serving) */
#define FLOW_MARK_CLOCK "clock"     /* boot (32 hex digits) || flow_guard_age_us at 0 (i64) */
#define FLOW_MARK_STARTED "started" /* boot (32 hex digits) || version */

#endif
