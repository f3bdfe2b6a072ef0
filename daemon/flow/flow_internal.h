/* What flow's own files share: flow.c (to the journal and back), flow_scan.c and flow_till.c (what
 * comes in), flow_tap.c (the cashier's keys), flow_start.c (making, reloading, ending),
 * flow_rebuild.c (what the journal brings back), flow_view.c, flow_fresh.c and flow_status.c (what
 * screens and tools are told). */
#ifndef LANEWAY_FLOW_INTERNAL_H
#define LANEWAY_FLOW_INTERNAL_H

#include "capture/capture.h"
#include "capture/pos.h"
#include "capture/scanner.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/flow_day.h"
#include "flow/flow_hq_kept.h"
#include "flow/flow_overlay.h"
#include "flow/flow_rebuild.h"
#include "flow/flow_recall.h"
#include "identity/field.h"
#include "identity/resolve.h"
#include "identity/rule.h"
#include "identity/ward.h"
#include "store/journal.h"
#include "store/shard.h"
#include "store/vault.h"
#include "store/window.h"
#include "sync/inquiry.h"
#include "sync/ruling.h"
#include "sync/sync.h"

/* What an entry without an id is: its tag. (A till's entry has an id, and its link as tag.) */
enum flow_tag {
	FLOW_TAG_NONE,
	FLOW_TAG_SCAN, /* refused, it is a gap */
	FLOW_TAG_GAP,  /* cookie: struct flow_gap */
	FLOW_TAG_TAP,  /* cookie: struct flow_waiting, of flow_tap.c */
};

#define FLOW_TILLS_MAX 256         /* known at once: as many as are served */
#define FLOW_MARK_EVERY 500        /* events between two notes of where a rebuild would begin */
#define FLOW_QUEUE_SPARE 128       /* of FLOW_QUEUE_MAX, kept for sources that cannot wait */
#define FLOW_RESEND_IDS_MAX 200000 /* per source */

struct event; /* libevent's */

/* A till, and what it was last told about its customer. */
struct flow_till {
	char till[EVENT_NAME_SIZE], lane[EVENT_NAME_SIZE];
	uint64_t link; /* 0: not connected */
	char told[512];
	bool awaited;          /* since the start: it has not said again what it was not answered */
	bool through, goes_on; /* it has said all of that; it said more since */
	bool says_made;        /* it says how old that is */
	int64_t welcome_us;    /* when its connection was greeted */
	int64_t heard_us;      /* its last message while it was awaited */
};

/* One-way input that could not be kept, waiting to be journaled as a Capture Gap. */
struct flow_gap {
	char source[EVENT_NAME_SIZE];
	int64_t from_wall_us, to_wall_us;
	uint64_t missing;  /* not yet journaled */
	uint64_t reported; /* of them in an entry that is with the journal */
};

/* A scan that named nobody, about which HQ is asked. ticket 0: none. */
struct flow_asked {
	uint64_t ticket;
	bool scanned; /* read from a card, not typed */
	struct sale_early scan;
};

struct flow {
	struct flow_params p;
	const struct conf *conf;
	struct capture_ops ops;
	struct ident_rules rules;
	struct field_trust trust; /* whom to believe what */
	struct rule_set table;    /* in force */
	struct buf hq_table;      /* HQ's that is in force, in JSON; empty: the configured one is */
	char
	    rules_refused[33]; /* the version of one that HQ told and that is not taken, or empty */
	char rules_why[RULING_WHY_SIZE];
	struct flow_guard *guard;
	struct flow_lookup *lookup;
	struct sync *sync; /* NULL: not configured, or not started yet */
	struct sale *sale;
	struct window *window;
	struct flow_day *day;          /* NULL until FLOW_READY */
	struct flow_recall *recall;    /* same */
	struct journal_reader *reader; /* same */
	struct shard_reader *shard;
	struct vault_work *work;
	struct flow_hints *hints; /* flow_hint.c's */
	struct buf hq_weights;    /* HQ's, in JSON; empty: the built-in ones */
	char weights_made[33];    /* when those were made */
	struct overlay *overlay;  /* NULL until FLOW_NAMES */
	bool overlay_failed;      /* something that is kept is not in it */
	struct event *overlay_event;
	uint64_t overlay_version; /* of the shard, as the overlay last heard of it */
	char overlay_generation[17];
	struct downlink_includes overlay_includes, overlay_held; /* same */
	bool overlay_late;
	struct flow_hq_kept hq_kept;
	int64_t overlay_alarm_us; /* monotonic: when its age was logged last; 0: never */
	struct scanner *scanners[CONF_SCANNERS_MAX];
	int scanner_count;
	struct pos *pos;
	struct flow_till tills[FLOW_TILLS_MAX];
	int till_count;
	bool tills_unmarked;   /* which tills there are has changed since it was noted */
	bool serving_unmarked; /* who serves at them likewise */
	int64_t word_until_us; /* until then their word is awaited */
	struct flow_gap gaps[CONF_SCANNERS_MAX];
	struct flow_asked asked[INQUIRY_MAX];
	struct event *done_event, *sync_event, *tick_event, *clock_event, *rebuild_event;
	int64_t age_base_us;   /* flow_age_us at monotonic 0 */
	int64_t guard_base_us; /* flow_guard_age_us at monotonic 0 */
	size_t in_flight;      /* entries with the journal */
	int64_t started_mono_us;

	/* the start; `sale` is a room without baskets until FLOW_NAMES, `shard` NULL, `window` NULL
	 * until FLOW_READY */
	enum flow_stage stage;
	struct flow_rebuild *rebuild; /* NULL: done, or not begun */

	struct sale_spot kept;  /* the newest kept event; seq 0: none in this run */
	uint64_t kept_unmarked; /* events kept since the last note */
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

/* Hand an entry to the journal, with a note of where a rebuild would begin when one is due, or free
 * it when it is empty. A full queue: the sale is told that it was refused; false. */
bool flow_put(struct flow *f, struct entry *e);

/* Tell screens and tills about every lane that changed. */
void flow_publish(struct flow *f);
/* ... or screens about all of them. */
void flow_publish_all(struct flow *f);

/* ... or screens about one that did not change in the sale. */
void flow_publish_lane(struct flow *f, const char *lane);

/* Let time pass in the sale and arm the next tick. */
void flow_tick(struct flow *f);

/* Entries that the journal has answered. */
void flow_drain(struct flow *f);

/* The callbacks of capture: each file sets its own. */
void flow_scan_ops(struct capture_ops *ops);
/* Whose an identifier is: this store's own word on it where there is one, else the shard's. As
 * shard_find. */
int flow_find(struct flow *f, const char *kind, const char *nf, struct shard_hit *out, int max);
/* Who an identifier means that is presented on this lane: the shard's word, or nobody while it is
 * not open. */
void flow_resolve(struct flow *f, const char *lane, const struct ident_given *given,
                  struct answer *out);
void flow_resolve_scan(struct flow *f, const struct capture_scan *scan, struct answer *out);
/* Somebody gave a value that is none, or a card number: once for each time. */
void flow_count_refused(struct flow *f, const struct answer *a);
void flow_till_ops(struct capture_ops *ops);

/* What message ids are aged by: the wall clock of the start, run on by the monotonic clock, so that
 * no jump ages them. */
int64_t flow_age_us(const struct flow *f);
/* The same as guards and quotas count by: it goes on over a restart within one boot, also when the
 * clock has come to be trusted in between, which would make all that they know look older. */
int64_t flow_guard_age_us(const struct flow *f);
void flow_guard_age_begin(struct flow *f, const struct flow_before *before, const char *boot);

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
bool flow_owes_gaps(const struct flow *f);
/* At the end: say in the log what was missed and will not be told any more. */
void flow_lost_gaps(const struct flow *f);
/* A Capture Gap was answered: what it said is settled, or is still to be said. */
void flow_settle_gap(const struct entry *e);
void flow_note_refused(struct flow *f, const char *source, const char *lane, const char *reason,
                       uint64_t count);

/* ---- flow_inquiry.c ---- */
/* The lane's scan named nobody: ask HQ, if it is one that HQ could know and there is a line. */
void flow_inquire(struct flow *f, const char *lane, bool scanned, const struct answer *a,
                  const struct sale_now *now);
/* Take what HQ has answered: who was missed is told, if the basket still stands there. */
void flow_inquired(struct flow *f);

/* ---- flow_mark.c ---- */
/* A mark with this entry whose value is sealed; an empty one stays empty. 0 or -1. */
int flow_mark_put(struct flow *f, struct entry *e, const char *name, const char *purpose,
                  const struct buf *plain);
/* Append what such a mark holds. 1; 0: nothing; -1: it cannot be opened. */
int flow_mark_open(struct flow *f, const char *purpose, const struct buf *mark, struct buf *out);

/* ---- flow_rules.c ---- */
/* Put HQ's rules in force, or the configured ones. -1 (logged): those in force stay. */
int flow_rules_set(struct flow *f);
/* Let HQ know which rules are in force, once that is known. */
void flow_rules_stand(struct flow *f);
/* For tools: {"version","author","reason","from","refused"}. */
void flow_rules_status(struct flow *f, struct buf *out);
/* What HQ said in an earlier run: the mark of that name. */
void flow_rules_begin(struct flow *f, const struct buf *mark);
/* HQ may have said something new. */
void flow_rules_heard(struct flow *f);
/* Journal which table is in force now, who wrote it and why. */
void flow_rules_changed(struct flow *f);
void flow_rules_free(struct flow *f);

/* ---- flow_guard.c ---- */
struct flow_guard;
struct flow_guard *flow_guard_new(void); /* NULL: out of memory */
void flow_guard_free(struct flow_guard *g);
/* What the run before knew: its marks, as journal_reader_marks gives them. */
void flow_guard_begin(struct flow *f, const struct buf *marks);
enum guard_state flow_guard_state(struct flow *f, enum ident_kind kind, const char *nf);
/* An identifier was answered; the basket that it is for may come next. */
void flow_guard_presented(struct flow *f, const struct answer *a);
/* The same of one that was presented before a restart; its basket may come now. */
void flow_guard_known(void *ctx, enum ident_kind kind, const char *value, const char *ref);
/* An entry goes to the journal: count its baskets, add what that says of identifiers, and note what
 * is known now. */
void flow_guard_entry(struct flow *f, struct entry *e);
/* The journal has answered: what it refused has not been. */
void flow_guard_answered(struct flow *f, const struct entry *e);
void flow_guard_tick(struct flow *f);
/* The next row of the manager's list from *at on (0 at first); NULL: the end. */
struct ward_row;
const struct ward_row *flow_guard_next(const struct flow *f, size_t *at);
/* What a manager's word changed, should it not be kept. */
struct flow_guard_said {
	uint8_t key[WARD_KEY_BYTES];
	bool had;
	struct ward_row was;
	bool *at_hq; /* as flow_block has it; NULL: nothing was lifted */
	enum ident_kind kind;
	char value[IDENT_VALUE_SIZE];
};
/* Fill an empty entry with what a manager said. 0, or -1 with err, nothing done. */
int flow_guard_block(struct flow *f, struct entry *e, const struct flow_block *b,
                     struct flow_guard_said *said, struct sale_error *err);
void flow_guard_unsaid(struct flow *f, const struct flow_guard_said *said);
/* It is kept: what HQ's own word on it is now is told. */
void flow_guard_said(struct flow *f, struct flow_guard_said *said);

/* ---- flow_lookup.c ---- */
struct flow_lookup;
struct flow_lookup *flow_lookup_new(void); /* NULL: out of memory */
void flow_lookup_free(struct flow_lookup *l);
/* What the run before knew: the mark of that name. */
void flow_lookup_begin(struct flow *f, const struct buf *mark);
/* Was a phone number or an e-mail address looked up? */
bool flow_lookup_is(const struct answer *a);
/* A till looked this up on the lane: counted, or the answer becomes that there are no more. */
void flow_lookup_chosen(struct flow *f, const char *lane, struct answer *a);
/* A form would. true: no more for now, and words say until when. */
bool flow_lookup_used_up(struct flow *f, const char *lane, char words[97]);
/* A form did, and what was found is about to be said: counted and journaled. false: it could not be
 * kept, so nothing must be said. */
bool flow_lookup_tell(struct flow *f, const char *lane, const struct answer *a);
/* Somebody is searched for on the lane: counted, and an entry that tells it, to be handed over
 * before anything is said. why: as sale_looked_up. NULL: out of memory. */
struct entry *flow_lookup_search(struct flow *f, const char *lane, const struct answer *a,
                                 const struct sale_search *why);
/* Has the lane been told of this before? Then to attach who has it is no second look-up. */
bool flow_lookup_told(const struct flow *f, const char *lane, const struct answer *a);
/* Those that were refused, of the day on which one was last. */
struct flow_lookup_refused {
	char day[CLOCK_DATE_SIZE]; /* empty: never */
	uint32_t count;
};
struct flow_lookup_refused flow_lookup_refused(const struct flow *f);
void flow_lookup_note(struct flow *f, struct entry *e); /* with this entry what is new */
void flow_lookup_lost(struct flow *f); /* an entry was refused: its note may have gone with it */

/* ---- flow_early.c: the start ---- */
/* Begin to read the journal back. 0, or -1 with err. */
int flow_begin(struct flow *f, char *err, size_t err_size);
/* Take what has been read back so far. */
void flow_rebuilt(struct flow *f);
/* A scan while it is not known what stands on its lane. 0, or -1: it could not be kept. */
int flow_early_scan(struct flow *f, const struct capture_scan *scan);
/* Why the box was gone, for Box Started. */
const char *flow_cause(const struct flow_before *before, const char *boot, bool clean);

/* ---- flow_word.c ---- */
/* Await the tills of the mark, and those of restored baskets. */
void flow_word_begin(struct flow *f, const struct buf *mark);
/* Is a till of this lane awaited? */
bool flow_word_awaited(const struct flow *f, const char *lane);
/* Tie what is kept on lanes that wait for nobody. */
void flow_word_settle(struct flow *f);
/* Note with this entry which tills there are, if that changed. */
void flow_word_note(struct flow *f, struct entry *e);
/* The same for who serves at them; and what the run before noted. */
void flow_word_serving(struct flow *f, struct entry *e);
void flow_word_serving_begin(struct flow *f, const struct buf *mark);
/* A message came by this connection. */
void flow_word_message(struct flow *f, uint64_t link);
enum capture_verdict flow_word_made(void *ctx, uint64_t link, int64_t before_us);
void flow_word_given(void *ctx, uint64_t link);
/* Tills are heard from now on. */
void flow_word_heard(struct flow *f, int64_t now_us);
/* When to call again; not after now: scans have found their place. */
int64_t flow_word_tick(struct flow *f, int64_t now_us);

/* ---- flow_tap.c ---- */
/* Hand a tap's entry over, which the sale has filled; done as in struct flow_tap. 0, or -1 with
 * err: it has been freed. */
int flow_tap_put(struct flow *f, struct entry *e,
                 void (*done)(void *ctx, const struct sale_error *err), void *ctx,
                 struct sale_error *err);
/* The same for what somebody asks to see: when the entry is kept they get it. Takes json's memory,
 * which is wiped, in every case. 0, or FLOW_FORM_REFUSED with err. */
int flow_ask_put(struct flow *f, struct entry *e, const struct flow_ask *ask, struct buf *json,
                 struct sale_error *err);
/* The journal has answered a tap's entry. */
void flow_tap_answered(struct flow *f, const struct entry *e);

/* ---- flow_till.c ---- */
/* Say `customer` to the lane's tills, to each about its own basket, when it differs from what it
 * was told last. */
void flow_tell_tills(struct flow *f, const char *lane);
/* The till's place, or one that no longer matters; NULL: all are in use. */
struct flow_till *flow_till_place(struct flow *f, const char *till);
/* The journal has answered a till's entry. */
void flow_till_answered(struct flow *f, const struct entry *e);

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
/* The journal's disk took over 2 s for a commit a little while ago, or does so now. */
bool flow_disk_slow(const struct flow *f, const struct journal_state *j);
void flow_clock_text(int64_t wall_us, char out[6]);

/* ---- flow_view.c ---- */
/* Was a person's card that nobody has shown there just now? An enrolment takes it. (An account is a
 * company's.) */
bool flow_new_card(const struct flow *f, const char *lane, struct sale_early *scan);
/* Is a basket open on the lane that is shown, so that its customer is named? */
bool flow_view_open(const struct lane_view *v);
/* The level that goes with all names now. */
enum freshness flow_view_level(const struct flow *f);
/* Under what name more of the customer may be asked for; NULL: now it may not. */
const char *flow_view_details(const struct lane_view *v, enum freshness level);
/* Append the members by which a lane's view tells of who is known, of somebody who was searched
 * for. open: a basket is. */
void flow_view_found(const struct flow *f, const struct profile *p, bool open, bool shared,
                     struct buf *out);
/* {"type":"customer", ...} for a lane's till. */
void flow_customer_json(const struct flow *f, const struct lane_view *v, struct buf *out);

#endif
