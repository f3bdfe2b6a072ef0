/* Baskets and moments: which basket a till has open on a lane, and whose it is.
 *
 * Pure state: calls come in with the time and an empty entry; events are added to the entry, the
 * state changes, changed lanes are marked. The caller (flow) hands the entry to the journal and
 * reports its answer by sale_answered. Loop thread only. Rules: DESIGN.md, "Baskets and moments".
 */
#ifndef LANEWAY_SALE_SALE_H
#define LANEWAY_SALE_SALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"
#include "identity/resolve.h"
#include "laneway/till.h"

struct sale;

struct sale_params {
	const char *store;
	const char *currency;     /* ISO 4217 */
	const char *const *lanes; /* names, NULL-terminated; copied */
};

/* The moment of a call; business_date and offset are the store's own. */
struct sale_now {
	int64_t mono_us, wall_us;
	enum clock_trust trust;
	char business_date[CLOCK_DATE_SIZE];
	int utc_offset_min;
};

struct sale *sale_new(const struct sale_params *params); /* NULL: out of memory */
void sale_free(struct sale *s);

/* What a refused call tells its sender; static or short text. */
struct sale_error {
	char code[33];  /* "unknown_basket", "basket_exists", "unknown_line", "no_customer", ... */
	char field[65]; /* the member that was wrong, or empty */
	char message[200]; /* a sentence */
};

/* A scan on a lane, already resolved. method: "scan", "typed". symbology: AIM identifier or NULL.
 * 0, or -1 (out of memory: count a gap). */
int sale_scan(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane,
              const char *source, const char *method, const char *symbology,
              const struct answer *a);

/* A scan that comes before it is known what stands on its lane: the journal's baskets are not back,
 * or a till has not said yet what it was not answered. Kept at once as "held", tied to no visit,
 * and remembered. What is no identifier is refused
 * at once. a->outcome OUTCOME_HELD: nobody can be named
 * yet. 0, or -1 (out of memory).
 *
 * When it is known, sale_early_next takes the lane's oldest one out and sale_tie tells it again,
 * with the same moment and source: that the two events are one scan can be seen by that. After ten
 * minutes it is told as dropped; after a restart in the same boot it is remembered again. */
int sale_early(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane,
               const char *source, const char *method, const char *symbology,
               const struct answer *a);
#define SALE_EARLY_MAX 256 /* remembered at once; more are kept, but tied to nobody */
struct sale_early {
	char lane[EVENT_NAME_SIZE], source[EVENT_NAME_SIZE], method[9], symbology[9];
	char basket_id[EVENT_ID_SIZE]; /* what stood in front then, as far as was known */
	enum ident_kind kind;
	char value[IDENT_VALUE_SIZE];
	int64_t mono_us, wall_us;
	bool asked; /* it was told as unknown, and HQ was asked */
	bool staff; /* a staff card that is nobody's here: nobody is enrolled with it */
};
/* The oldest one of the lane that was scanned before this moment. false: there is none. */
bool sale_early_next(struct sale *s, const char *lane, int64_t before_us, struct sale_early *out);
/* As if it had waited at the scanner until now. `ordered`: all that the till did before it has been
 * taken, and nothing that it did after it; otherwise the cashier is asked when another basket
 * stands in front than did then. 0, or -1 (out of memory). */
int sale_tie(struct sale *s, struct entry *e, const struct sale_now *now,
             const struct sale_early *early, bool ordered, const struct answer *a);
/* The lane's last scan, if it named nobody and the basket that it was for still stands there: HQ is
 * asked, and `asking_us` long the screen does not say that nobody is known. A word that comes is
 * told by sale_tie, if sale_missed still says the same scan. false: there is none. */
bool sale_missed(struct sale *s, const char *lane, struct sale_early *out);
void sale_asking(struct sale *s, const char *lane, const struct sale_now *now, int64_t asking_us);
/* A till of this lane is to say first what it did before: until then nobody waits there in vain. */
void sale_await(struct sale *s, const char *lane, bool awaits);
size_t sale_early_count(const struct sale *s, const char *lane); /* those that are kept */
uint64_t sale_early_lost(const struct sale *s);                  /* how many were not remembered */
/* The room of the start, `from`, gives way to the one that the journal brought back. Both rooms'
 * scans can be named now. */
typedef void sale_resolve_fn(void *ctx, enum ident_kind kind, const char *value,
                             struct answer *out);
void sale_early_take(struct sale *s, struct sale *from, const struct sale_now *now,
                     sale_resolve_fn *who, void *ctx);

/* A till's message. For customer_chosen, `chosen` is its resolved identifier; else NULL.
 * 0, or -1 with err: nothing changed, no event added. */
int sale_till(struct sale *s, struct entry *e, const struct sale_now *now,
              const struct till_message *m, const struct answer *chosen, struct sale_error *err);

/* The cashier's choice on the lane screen. question: the id shown. 0, or -1 with err (the question
 * is gone, or the choice is none of its). */
int sale_choose(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane,
                const char *question, const char *choice, struct sale_error *err);
/* The one big key. 0, or -1 with err (nobody is attached). */
int sale_wrong_customer(struct sale *s, struct entry *e, const struct sale_now *now,
                        const char *lane, struct sale_error *err);

/* A till repeated a message about this basket, or said something else that is no event: it knows
 * the basket. Nothing happens when it has none of this name. */
void sale_confirmed(struct sale *s, const char *till, const char *basket,
                    const struct sale_now *now);

/* Something is told of a customer at a lane, by the cashier's form: events that the caller made, as
 * canonical JSON objects, under the customer's key and with its name in this visit.
 *
 * attach: the customer is somebody new here. The basket in front gets it, or it waits for one;
 * where somebody else is attached or waits already that is refused. Otherwise it is who stands on
 * the lane (in the basket in front, waiting, or of the order just closed). 0, or -1 with err. */
struct sale_told {
	enum event_kind kind;
	const char *properties, *sealed; /* sealed: NULL, or goes under the customer's key */
};
struct sale_about {
	const char *lane;
	const struct answer *who; /* matched, with the profile */
	bool attach;
	const char *reason; /* of the attachment: "enrolled", "found" */
	const struct sale_told *told;
	size_t count;
};
int sale_about(struct sale *s, struct entry *e, const struct sale_now *now,
               const struct sale_about *about, struct sale_error *err);

/* A cashier's form asked whose this is, and will be told: an event, in the visit of the basket in
 * front or in one of its own. why: somebody was searched for, and nothing else; then there is a
 * second event, with the reason that was written, if one was. 0, or -1: there is no such lane, or
 * out of memory. */
struct sale_search {
	const char *role;          /* who asks: "cashier", "tool" */
	const char *reason;        /* or empty */
	const char *const *fields; /* what is about to be said of whom was found */
	size_t count, hits;
};
int sale_looked_up(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane,
                   const struct answer *a, const struct sale_search *why);
/* More than the panel says of the customer in the basket in front is about to be shown: an event.
 * 0, or -1 with err: nobody is there. */
struct sale_viewed {
	const char *lane, *role;
	const char *profile_ref; /* of whom */
	const char *const *fields;
	size_t count;
};
int sale_viewed(struct sale *s, struct entry *e, const struct sale_now *now,
                const struct sale_viewed *what, struct sale_error *err);

/* What is known of customers has changed: everybody who stands on a lane is looked up again. `now`
 * may name another customer id. false: leave it as it is. */
typedef bool sale_profile_fn(void *ctx, const char *customer_id, struct profile *now);
void sale_refresh(struct sale *s, sale_profile_fn *profile, void *ctx);

/* HQ may know people who stand on a lane under another name by now: each is asked about. Who waits,
 * is held, or has paid becomes whom HQ says. In an open basket only the id of a customer who is the
 * same (SALE_WORD_SAME) is taken; another one is shown, and sale_take_over does it when the cashier
 * says so. Without that the basket closes as it is. */
enum sale_word { SALE_WORD_NONE, SALE_WORD_SAME, SALE_WORD_OTHER };
struct sale_heard {
	struct profile profile;
	bool gone;     /* HQ has no such customer */
	char text[97]; /* of another one: a line for the screen */
};
typedef enum sale_word sale_heard_fn(void *ctx, const char *customer_id, struct sale_heard *out);
void sale_heard(struct sale *s, sale_heard_fn *fn, void *ctx);
/* change: the id that the view shows. 0, or -1 with err. */
int sale_take_over(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane,
                   const char *change, struct sale_error *err);
/* Say this of the customer's name on each lane where they are in front (nowhere of a confidential
 * one). false: on none. */
bool sale_tell(struct sale *s, const struct sale_now *now, const char *customer_id,
               const char *text);

/* Let time pass: held scans drop, panels blank, baskets end that a till did not confirm after a
 * restart, or has not spoken of for a day. Adds at most the events that are due. Returns the mono
 * time at which to call again (INT64_MAX: nothing waits). */
int64_t sale_tick(struct sale *s, struct entry *e, const struct sale_now *now);

/* The journal's answer for an entry that one of the calls above filled. Kept: what was provisional
 * stands. Refused: an attached person is struck out, a closing basket is open again. */
void sale_answered(struct sale *s, const struct entry *e, const struct sale_now *now);

/* ---- after a restart ----
 *
 * Rebuild from the journal's lines, oldest first, starting at or before what sale_oldest last said;
 * unknown lines are skipped. `key` fetches a visit key (as in journal.h), `open` opens a sealed
 * field and appends its plain text, `profile` fetches a profile by customer id (as in shard.h),
 * `resolve` is who an identifier means today. A basket's person whom the shard does not have is
 * restored without a name. Any thread, as long as it is one at a time. */
struct sale_sources { /* key, open: 0 or -1; profile: 1 found, 0 or -1 */
	int (*key)(void *ctx, const uint8_t id[EVENT_ID_BYTES], struct visit_key *out);
	int (*open)(void *ctx, const struct visit_key *key, const uint8_t epoch[EVENT_EPOCH_BYTES],
	            uint64_t seq, const char *n, const char *c, struct buf *json);
	int (*profile)(void *ctx, const char *customer_id, struct profile *out);
	void (*resolve)(void *ctx, enum ident_kind kind, const char *value, struct answer *out);
	void *ctx;
};
/* 0, or -1: out of memory. */
int sale_replay(struct sale *s, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                const char *line, size_t len, const struct sale_sources *from);
/* After the last line: what is open is restored, and named in words by why the box was gone; who
 * can no longer be meant is let go, with events. The number of open baskets, or -1: out of memory.
 */
struct sale_start {
	const char *boot;  /* the kernel's boot id now */
	const char *cause; /* static text: "power", "crash", "restart", "upgrade", "new" */
};
int sale_replayed(struct sale *s, struct entry *e, const struct sale_now *now,
                  const struct sale_start *start);
/* From now on tills are heard: restored baskets wait for their word (10 min of the box's running
 * time in all; after three boots without it they end at once). */
void sale_tills_heard(struct sale *s, const struct sale_now *now);

/* The oldest event that a rebuild would need for what is open now. false: nothing is open, or none
 * of it is kept yet. */
struct sale_spot {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
};
bool sale_oldest(const struct sale *s, struct sale_spot *out);

/* Something was read on this lane that is no code: its screen asks for it again. */
void sale_unreadable(struct sale *s, const struct sale_now *now, const char *lane);

/* Who serves on this lane, as its till named them last; NULL: it did not. */
const char *sale_operator(const struct sale *s, const char *lane);
/* Whom the lanes' tills named has changed since the last call. */
bool sale_serving_changed(struct sale *s);
/* Append what is known of that: for each such lane u8 length, lane || u8 length, staff_ref. */
void sale_serving(const struct sale *s, struct buf *out);
/* It is what sale_serving said, and nobody else. false: it is cut off. */
bool sale_serving_again(struct sale *s, const uint8_t *said, size_t len);

/* Each identifier whose customer waits for a basket, or for the cashier's answer. */
void sale_idents(const struct sale *s,
                 void (*fn)(void *ctx, enum ident_kind kind, const char *value, const char *ref),
                 void *ctx);

/* Each open basket's till, and its lane. */
void sale_tills(const struct sale *s, void (*fn)(void *ctx, const char *till, const char *lane),
                void *ctx);

/* Append a JSON array of the till's own names of its open baskets, in order of opening. */
void sale_till_baskets(const struct sale *s, const char *till, struct buf *json);

/* ---- what a lane's screen shows ---- */
enum lane_state { LANE_IDLE, LANE_BASKET, LANE_TENDER, LANE_DONE };
enum person_state {
	PERSON_NONE,
	PERSON_KNOWN,
	PERSON_UNKNOWN,
	PERSON_CARD_REFUSED,
	PERSON_CONFLICT,
	PERSON_SHARED, /* several people's identifier, and it is not known who of them this is */
	PERSON_BLOCKED,
	PERSON_STALE,
	PERSON_STAFF
};

struct lane_line {
	char line_id[33], name[201], quantity[16], unit[17];
	int64_t price, total; /* minor units */
	bool provisional;
};
struct lane_choice {
	char key[17], label[49];
};
struct lane_view {
	char lane[EVENT_NAME_SIZE];
	uint64_t rev; /* rises with every change of this lane */
	enum lane_state state;
	enum person_state person;
	struct profile profile;   /* valid when PERSON_KNOWN */
	bool person_provisional;  /* not yet kept */
	bool person_struck;       /* refused by the journal */
	bool asking;              /* PERSON_UNKNOWN here, and HQ may know more in a moment */
	bool person_early;        /* kept, but whose basket it means is not known yet */
	bool person_shared;       /* known by an identifier that is several people's */
	bool person_staff;        /* a staff card: what is sold here is a staff sale */
	bool person_scanned;      /* known by a card or wallet that was read here */
	const char *restored;     /* why the box was gone while this basket was open, or NULL */
	int64_t restored_wall_us; /* the last that was kept before it was gone */
	char profile_ref[EVENT_ID_SIZE];
	char basket_id[EVENT_ID_SIZE], till[33], till_basket[65];
	char question_id[EVENT_ID_SIZE]; /* empty: none */
	char question_kind[17];          /* "held", "last", "replace", "which" */
	char question_text[129];
	struct lane_choice choices[RESOLVE_CANDIDATES_MAX + 1];
	int choice_count;
	char change_id[EVENT_ID_SIZE]; /* HQ's other word on who this is, or empty */
	char change_text[97];
	char notice[129];              /* one line, or empty: "Card not known" */
	const struct lane_line *lines; /* owned by sale, valid until the next call */
	size_t line_count;
	int64_t value; /* minor units */
};
/* What stands in front on the lane. false: no such lane. */
bool sale_view(struct sale *s, const char *lane, struct lane_view *out);
/* The same as it concerns one of the lane's tills: its own basket, whatever stands in front;
 * without one, who waits, but nobody whom another till serves. */
bool sale_view_till(struct sale *s, const char *lane, const char *till, struct lane_view *out);

/* A lane changed since the last call: its name, or NULL. Clears the mark. */
const char *sale_changed(struct sale *s);

#endif
