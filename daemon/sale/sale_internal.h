/* The inside of the sale room: its state, and what its files share. Not for other rooms.
 *
 * Invariants:
 *
 *   S1  A lane has a question exactly while somebody is held on it.
 *   S2  Somebody who waits has a visit that was started; it ends with the wait or with the basket
 * that takes it over. S3  `pending` names an entry that the journal has not answered yet, or is
 * NULL. It is compared, never followed. S4  People and places are copied by value; a basket that
 * may be gone is named by its basket_id. S5  A call changes nothing unless all of its events were
 * added: it works on a lane and a basket whose copies sale_end puts back when memory ran out.
 */
#ifndef LANEWAY_SALE_INTERNAL_H
#define LANEWAY_SALE_INTERNAL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "event/member.h"
#include "sale/sale.h"

#define SEEN_MAX 8                          /* people of one visit whose references are kept */
#define LINES_MAX 1000                      /* lines of a basket: what an order may carry */
#define BASKETS_PER_TILL_MAX 16             /* open at once: one in front, the others suspended */
#define BASKETS_MAX 4096                    /* open at once in the store: a bound on memory */
#define MINOR_MAX 999999999999999           /* 15 digits: what num_money reads */
#define WAIT_US (180 * INT64_C(1000000))    /* an early scan waits for its basket */
#define LAST_US (20 * INT64_C(1000000))     /* a scan after an order may mean its customer */
#define HELD_US (60 * INT64_C(1000000))     /* an unanswered scan after an order */
#define DONE_US (5 * INT64_C(1000000))      /* the panel blanks after the sale */
#define NOTICE_US (10 * INT64_C(1000000))   /* a notice has been read by then */
#define CONFIRM_US (600 * INT64_C(1000000)) /* a restored basket waits for its till */
#define CONFIRM_BOOTS_MAX 3                 /* ... and in no more boots in a row than these */
#define IDLE_US                                                                                    \
	(86400 * INT64_C(1000000))      /* a till says nothing about a basket: the rebuild after   \
	                                   a restart need not look further back */
#define RETRY_US (1 * INT64_C(1000000)) /* after memory ran out in a tick */
#define NEVER_US INT64_MAX

/* Somebody in a visit. profile_ref empty: nobody. */
struct person {
	struct profile profile;
	char profile_ref[EVENT_ID_SIZE], ident_ref[EVENT_ID_SIZE];
	char rule[33], ruleset[33], confidence[17];
	bool scanned; /* by a card or wallet that was read here */
	bool staff;   /* by a card of the staff list: the sale is a staff sale */
	struct visit_key key;
};

/* What stays the same when a person is scanned again in the same visit. */
struct seen {
	char customer_id[33], profile_ref[EVENT_ID_SIZE];
	struct visit_key key;
};

/* Where an event stands in the journal; seq 0: not known, it is not kept yet. `nth` is the epoch's
 * number in order, as far as this process has seen epochs. */
struct spot {
	uint32_t nth;
	struct sale_spot at;
};

/* A visit, perhaps with its basket, and who was seen in it. */
struct place {
	char visit_id[EVENT_ID_SIZE], basket_id[EVENT_ID_SIZE], staff_ref[33];
	bool training;
	struct seen seen[SEEN_MAX];
	unsigned seen_next;
};

/* An identifier as presented, kept while more may be told about it. */
struct scanned {
	enum ident_kind kind;
	enum ident_reason reason; /* why it is refused */
	char country[4];          /* of a phone number, where it was guessed */
	char method[9], symbology[9], ident_ref[EVENT_ID_SIZE], value[IDENT_VALUE_SIZE];
	char why[33], words[97]; /* as the answer said; empty after a restart */
	const char *again;       /* static: it was told before, and why ("early", "asked"); NULL */
};

enum question { ASK_REPLACE, ASK_HELD, ASK_LAST };

/* Somebody whose scan may mean this basket, the next one, or the order just closed. */
struct held {
	bool on;
	enum question kind;
	struct place place; /* where it was scanned */
	struct person person;
	struct scanned id;
	char question_id[EVENT_ID_SIZE], text[129];
	int64_t until_us;
	const struct entry *pending;
	struct spot spot;
};

/* An identifier that may mean several people, in this basket: the cashier says who it is. */
struct pick {
	bool on;
	char question_id[EVENT_ID_SIZE], basket_id[EVENT_ID_SIZE];
	struct scanned id;
	struct shard_hit who[RESOLVE_CANDIDATES_MAX];
	int count;
	char rule[33], ruleset[33], confidence[17];
	bool staff;
};

/* Somebody who was scanned before there was a basket. */
struct wait {
	bool on;
	struct place place;
	struct person person;
	struct scanned id;
	int64_t until_us;
	const struct entry *pending;
	struct spot spot; /* its visit's first event */
};

/* The order just closed, until the next basket's first line. */
struct last {
	bool on, shown; /* shown: the panel still stands */
	struct place place;
	struct person person;
	char order_id[129], till[EVENT_NAME_SIZE];
	int64_t at_us;
	struct person before; /* the order's person before the pending entry changed it */
	const struct entry *pending;
	struct spot spot; /* its basket's opening */
};

/* The last scan of a lane, when it named nobody. */
struct missed {
	bool on;
	char source[EVENT_NAME_SIZE], basket_id[EVENT_ID_SIZE];
	struct scanned id;
	int64_t mono_us, wall_us;
};

/* A staff card that is no customer's: nobody is attached, but the sale is a staff sale. */
struct staff_card {
	bool on;
	struct scanned id;
	int64_t until_us; /* on a lane: so long it waits for a basket */
	const struct entry *pending;
	struct spot spot; /* where it was shown, while it waits */
};

/* A scan that is kept, but not tied: it is not known yet what stands on its lane. */
struct early {
	struct lane *lane;
	char source[EVENT_NAME_SIZE];
	char basket_id[EVENT_ID_SIZE]; /* what stood in front as far as was known */
	struct scanned id;
	int64_t mono_us, wall_us;
	char boot[CLOCK_BOOT_ID_SIZE]; /* of a run before this one */
	struct visit_key key;
	bool known; /* whose it is */
	struct profile profile;
	const struct entry *pending;
	struct spot spot;
};

struct lane {
	char name[EVENT_NAME_SIZE];
	uint64_t rev;
	bool changed;
	char staff_ref[33]; /* who serves here, as far as its till said */
	bool awaits; /* its till is to say what it did: until then nothing here is too late */
	struct held held;
	struct wait wait;
	struct last last;
	struct missed missed;
	int64_t asking_until_us; /* 0: HQ is not asked */
	struct pick pick;
	struct staff_card staff;
	enum person_state presented; /* what the last identifier was, if nobody is known */
	struct profile struck;       /* whose attachment the journal refused */
	char struck_ref[EVENT_ID_SIZE];
	char notice[129];
	int64_t notice_until_us;
};

struct line {
	struct lane_line shown;
	char sku[65], entry_method[17];
	int64_t milli;
	bool gone; /* removed, not yet kept */
	const struct entry *pending;
	bool changed; /* the pending entry changed it from what follows */
	char old_quantity[16];
	int64_t old_milli, old_price;
};

/* HQ's word on the basket's person, until it is taken over. id empty: none. */
struct word {
	char id[EVENT_ID_SIZE], of[33]; /* of: whom it is about */
	struct sale_heard heard;
};

enum stage { STAGE_OPEN, STAGE_TENDER, STAGE_CLOSING };
enum since { SINCE_NONE, SINCE_START, SINCE_DURING, SINCE_END };

struct basket {
	struct basket *next; /* in order of opening */
	struct lane *lane;   /* NULL: restored on a lane that is no longer configured */
	char till[EVENT_NAME_SIZE], name[65];
	struct place place;
	enum stage stage, stage_before; /* before: what it is again when closing is refused */
	const struct entry *opening, *closing;
	bool visit_from_here; /* opening it started the visit */
	bool unopened;        /* its opening was refused: the till opens it again */
	struct person person;
	enum since since;
	const struct entry *person_pending;
	struct word word;
	struct staff_card staff;
	struct person again;   /* was attached by the refused opening */
	struct person removed; /* detached by an entry not yet kept */
	const struct entry *removed_pending;
	bool had_line, unsettled;      /* unsettled: has a line that is pending */
	bool waits;                    /* restored; its till has not spoken of it since */
	int64_t ends_us;               /* without its till's word */
	const char *restored;          /* why the box was gone; NULL: never while it was open */
	int64_t restored_wall_us;      /* the last kept before that */
	char boot[CLOCK_BOOT_ID_SIZE]; /* in which it waits, */
	int64_t boot_mono_us;          /* since when, */
	unsigned boots;                /* and in how many so far */
	struct spot spot;              /* its opening */
	struct line *lines;
	size_t line_count, line_cap;
	struct buf later; /* while it is replayed: what is not worked into `lines` yet */
};

struct sale {
	char store[EVENT_STORE_SIZE], currency[4];
	int digits;
	struct lane *lanes;
	size_t lane_count;
	struct basket *first;
	size_t basket_count;
	struct buf scratch; /* properties being written */
	struct lane_line
	    *shown; /* what the last view points to; always room for every basket's lines */
	size_t shown_cap;
	struct early *early; /* in order; NULL: never any */
	size_t early_count;
	uint64_t early_lost;    /* beyond SALE_EARLY_MAX: kept, but tied to nobody */
	uint32_t epochs;        /* seen so far: the number of the open one */
	struct recall *recall;  /* while lines are replayed */
	bool serving_changed;   /* some lane's staff_ref */
	struct lane saved_lane; /* sale_end puts these back */
	struct basket saved_basket;
};

/* One call at work. Set s, e, now, source (and date for a till's own business date), lane, basket
 * (NULL: none), then sale_begin. */
struct act {
	struct sale *s;
	struct entry *e;
	const struct sale_now *now;
	const char *source, *date;
	struct lane *lane;
	struct basket *basket;
	struct lw_event *mark;
	uint32_t mark_count;
	bool failed;
};

/* ---- sale.c: what there is ---- */
void sale_id(char out[EVENT_ID_SIZE]); /* 16 random bytes */
void sale_key(struct visit_key *key);
struct lane *sale_lane(struct sale *s, const char *name);
struct basket *sale_front(const struct sale *s, const struct lane *lane);
struct basket *sale_basket(const struct sale *s, const char *till, const char *name);
struct basket *sale_basket_by_id(const struct sale *s, const char *basket_id);
struct line *sale_line(struct basket *b, const char *line_id);
struct basket *sale_basket_new(void);
void sale_basket_add(struct sale *s, struct basket *b);
void sale_basket_drop(struct sale *s, struct basket *b);
size_t sale_basket_count(const struct sale *s, const char *till);
/* Room for one more line, here and in the view. false: out of memory. */
bool sale_line_room(struct sale *s, struct basket *b);
bool sale_line_total(int64_t milli, int64_t price, int64_t *total);
size_t sale_lines(const struct basket *b, int64_t *value);
bool sale_same(const struct person *a, const struct person *b);
void sale_person(struct place *at, const struct answer *a, struct person *out);
/* The same person in another visit. */
void sale_person_move(struct place *to, const struct person *who, struct person *out);
void sale_seen(struct place *at, const struct person *who);
/* Known by an identifier that is several people's. */
bool sale_shared(const struct person *who);
const char *sale_first_name(const struct profile *p);
/* Its till has named who serves; empty: nobody. */
void sale_served_by(struct sale *s, struct lane *lane, const char *staff_ref);
void sale_touch(struct lane *lane); /* its screen changes */
void sale_news(struct lane *lane);  /* ... and what was said before no longer stands */
void sale_notice(struct lane *lane, const struct sale_now *now, const char *text);

/* ---- sale_event.c: events ---- */
void sale_begin(struct act *act);
int sale_end(struct act *act);           /* 0, or -1: out of memory, everything as before */
struct buf *sale_object(struct sale *s); /* begun; its members by event/member.h */
void sale_money(struct sale *s, const char *key, int64_t minor);
/* Add the event whose properties were written since sale_object. who: NULL or nobody: no identity.
 */
struct lw_event *sale_event(struct act *act, enum event_kind kind, const struct place *at,
                            const struct person *who);
/* Give the event a sealed part: what was written since sale_object. */
void sale_seal(struct act *act, struct lw_event *ev, const struct visit_key *key);
void sale_presented(struct act *act, const struct place *at, const struct scanned *id,
                    const struct person *who, enum outcome outcome);
void sale_attach(struct act *act, struct basket *b, const struct person *who, const char *by,
                 const char *reason);
void sale_detach(struct act *act, struct basket *b, const char *by, const char *reason);
/* The same for who was detached already, by an entry that the journal refused. */
void sale_detach_again(struct act *act, struct basket *b, const char *by, const char *reason);
void sale_detached(struct act *act, const struct place *at, const struct person *who,
                   const char *by, const char *reason);
void sale_visit_started(struct act *act, const struct place *at, const char *evidence);
void sale_visit_ended(struct act *act, const struct place *at, const struct person *who,
                      const char *reason);
/* till_reason: the till's own word, or NULL. */
void sale_abandoned(struct act *act, struct basket *b, const char *reason, const char *till_reason);

/* ---- sale_scan.c: people before, in and after baskets ---- */
void sale_scanned(struct scanned *out, const char *method, const char *symbology,
                  const struct answer *a);
/* Say that an identifier did not lead to a person. */
void sale_unmatched(struct act *act, const struct place *at, const struct scanned *id,
                    enum outcome outcome);
/* ... on the screen alone. */
void sale_unmatched_shown(struct lane *lane, const struct sale_now *now, const struct scanned *id,
                          enum outcome outcome);
void sale_ask(struct lane *lane, enum question kind, const struct person *instead_of);
void sale_held_drop(struct act *act); /* nothing if nobody is held */
/* Whom an identifier means only if the cashier says so: nobody is attached before. */
void sale_hold(struct act *act, struct basket *b, const struct person *who,
               const struct scanned *id);
/* The held or waiting person is the next customer: of an empty basket in front, or waits. */
void sale_wait(struct act *act, const struct person *who, const struct scanned *id);
void sale_wait_replace(struct act *act);
/* A visit of who waits begins: its place. Nobody waits yet. */
struct place *sale_wait_begin(struct act *act, const char *evidence);
/* The first line of a basket: who is held is its customer; the order before is over. */
void sale_first_line(struct act *act);
/* The basket is closing: what is held on it moves on. */
void sale_held_closed(struct act *act, struct basket *b, bool order);

/* ---- sale_pick.c ---- */
/* Ask who it is, if the basket is open and nobody's. b may be NULL. */
void sale_pick_offer(struct act *act, struct basket *b, const struct scanned *id,
                     const struct answer *a);
void sale_pick_view(const struct pick *pick, struct lane_view *v);
/* -1: no such choice, nothing done. The act's basket is that of the question. */
int sale_pick_choose(struct act *act, const char *choice);

/* ---- sale_staff.c ---- */
bool sale_staff_card(const struct scanned *id, enum outcome outcome);
/* One was shown: for the basket in front, or for the next one of this lane. */
void sale_staff_shown(struct act *act, const struct scanned *id);
/* A basket was opened: a card that waited is its. */
void sale_staff_opened(struct act *act, struct basket *b);
/* The cashier takes it back. false: there is none. */
bool sale_staff_drop(struct act *act);
/* Is what this basket becomes a staff sale? */
bool sale_staff_sale(const struct basket *b);
int64_t sale_staff_tick(struct lane *lane, int64_t now_us);
/* The journal has answered e. The card's lane or, if b is not NULL, its basket. true: it was
 * refused, and has to be shown again. */
bool sale_staff_answered(struct lane *lane, struct basket *b, const struct entry *e);

/* ---- sale_early.c ---- */
struct early *sale_early_new(struct sale *s); /* NULL: too many, or out of memory */
void sale_early_remove(struct sale *s, struct early *early);
void sale_early_free(struct sale *s);
/* Note what stands in front of its lane now. */
void sale_early_front(const struct sale *s, struct early *early);
void sale_early_drop(struct act *act, struct early *early);
/* Those of the act's lane. How many, or -1: out of memory. */
int sale_early_drop_all(struct act *act);
int64_t sale_early_tick(struct act *act);
void sale_early_answered(struct sale *s, const struct entry *e);

/* ---- sale_missed.c ---- */
/* This scan of the act's lane has named nobody. */
void sale_missed_note(const struct act *act, const struct scanned *id);

/* ---- sale_word.c ---- */
/* HQ's word that still concerns the basket's person, or NULL. b may be NULL. */
const struct word *sale_word_of(const struct basket *b);

/* ---- sale_time.c ---- */
/* Begin an act of the box itself on a lane. */
void sale_act_of_box(struct act *act, struct lane *lane, struct basket *b);
/* The till has spoken of its basket. */
void sale_basket_heard(struct basket *b, const struct sale_now *now);

/* ---- sale_line.c, sale_order.c: till messages; the act is set, the basket found ---- */
struct call {
	struct act act;
	const struct till_message *m;
	const struct answer *chosen;
	struct sale_error *err;
	struct basket *basket;
};
const char *sale_member(const struct call *c, const char *key); /* NULL: not there, or null */
int sale_fail(struct sale_error *err, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int sale_done(struct call *c); /* sale_end, with an error when memory ran out */
int sale_line_added(struct call *c);
int sale_line_removed(struct call *c);
int sale_line_changed(struct call *c);
int sale_order_completed(struct call *c);
int sale_order_cancelled(struct call *c);
int sale_refund(struct call *c);
/* A list of tenders of the message as the event's property of the same name; not the first one. */
void sale_tenders(const struct call *c, struct buf *b, const char *key);

/* ---- sale_shift.c: the till's own day ---- */
int sale_till_opened(struct call *c);
int sale_till_closed(struct call *c);

#endif
