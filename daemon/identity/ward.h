/* What this store has seen of identifiers: who is used by several people, who is blocked, and what
 * waits for a person to look at it.
 *
 * An identifier is known here by its blind index alone. Baskets are counted, not scans: on more
 * than guard.day_baskets_max of them in a business day, or guard.lane_baskets within lane_window_s
 * on one lane with one operator, an identifier is shared. It is cleared by a person or after
 * clean_days without a reason. Bounded: WARD_ROWS_MAX identifiers; what is only counted gives way,
 * then what is only a question on the list, the longest unseen first. Pure: the caller says what
 * time it is, and keeps what has changed. Loop thread.
 */
#ifndef LANEWAY_IDENTITY_WARD_H
#define LANEWAY_IDENTITY_WARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/resolve.h"

#define WARD_KEY_BYTES 16
#define WARD_ROWS_MAX 4096
#define WARD_RECENT 8 /* baskets remembered of an identifier */

enum ward_cause {
	WARD_COUNTED,      /* nothing but counted */
	WARD_DAY_BASKETS,  /* shared: many baskets in a day */
	WARD_LANE_BASKETS, /* shared: several baskets on one lane with one operator */
	WARD_PERSONS,      /* shared: many customers have it */
	WARD_MANAGER,      /* blocked by a person in this store */
	WARD_CONFLICT,     /* more than one customer has it: for a person to look at */
	WARD_LONG_UNSEEN,  /* it came back after a long time: for a person to look at */
	WARD_CAUSE_COUNT
};
const char *ward_cause_name(enum ward_cause cause);  /* "day_baskets", ... */
const char *ward_cause_words(enum ward_cause cause); /* one plain sentence */
enum guard_state ward_state_of(enum ward_cause cause);

/* A day as days since 1970. */
struct ward_row {
	uint8_t key[WARD_KEY_BYTES];
	enum ward_cause cause; /* WARD_COUNTED with an empty mask: the row is free */
	enum ident_kind kind;
	char ref[EVENT_ID_SIZE]; /* of the event that told of the cause; empty: none did */
	char mask[17];           /* what may be shown of the value: "…178" */
	char reason[129];        /* a person's, when blocked */
	int32_t since, last;     /* days: when the cause came, and was seen last */
	int32_t day;             /* of the count */
	uint32_t baskets;        /* on that day */
	int64_t touched_us;
	struct {
		uint32_t basket, place; /* hashes: of its id; of lane and operator, 0: not known */
		int64_t at_us;
	} recent[WARD_RECENT]; /* ring, `baskets` long in all */
	uint32_t next;
};

struct ward;
struct ward *ward_new(void); /* NULL: out of memory */
void ward_free(struct ward *g);

/* What is known of an identifier. */
enum guard_state ward_ask(const struct ward *g, const uint8_t key[WARD_KEY_BYTES]);
const struct ward_row *ward_find(const struct ward *g, const uint8_t key[WARD_KEY_BYTES]);

/* One more basket has this identifier. */
struct ward_basket {
	const uint8_t *key;
	enum ident_kind kind;
	const char *value;            /* normal form: only its mask is kept */
	const char *ref;              /* under which a cause will be told, or NULL */
	const char *basket_id, *lane; /* lane, staff_ref: NULL when not known */
	const char *staff_ref;
	int32_t day;
	int64_t at_us; /* of a clock that does not jump */
};
/* The cause when the identifier has become shared by this basket, else WARD_COUNTED. */
enum ward_cause ward_basket(struct ward *g, const struct rule_guard *limits,
                            const struct ward_basket *b);

/* Was this basket of the identifier counted, as far as is remembered? */
bool ward_counted(const struct ward *g, const uint8_t key[WARD_KEY_BYTES], const char *basket_id);

/* Give an identifier a cause; a weaker one than it has changes nothing but when it was last seen.
 * reason: of a person, or NULL. false: it had this cause already, or there is no room. */
bool ward_set(struct ward *g, const struct ward_basket *b, enum ward_cause cause,
              const char *reason);
/* Make an identifier's row what it was: NULL, it had none. */
void ward_put_back(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const struct ward_row *was);
/* The journal refused the basket: it does not count. was: what the row was before, when the basket
 * gave it a cause, else NULL. */
void ward_uncount(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const char *basket_id,
                  const struct ward_row *was);
/* ... or refused to tell of a cause: it has the one that it had. */
void ward_uncause(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const struct ward_row *was);
/* Take its cause away, with what was counted. false: it has none. */
bool ward_clear(struct ward *g, const uint8_t key[WARD_KEY_BYTES]);

/* The next row of the list from *at on (0 at first), whose cause stands: NULL at the end. */
const struct ward_row *ward_next(const struct ward *g, size_t *at);
/* A shared row that has been clean for so long; NULL: none. The caller clears it. */
const struct ward_row *ward_clean(const struct ward *g, int32_t today, int clean_days);

/* ---- over a restart ----
 *
 * Rows lie in WARD_SETS sets; what changed is saved set by set, with the event that changed it. */
#define WARD_SETS 512
/* The next set from *set on (0 at first) that was not saved as it is. false: there is none. */
bool ward_unsaved(const struct ward *g, size_t *set);
/* Append all that is known of a set; it counts as saved then, until ward_lost. */
void ward_save(struct ward *g, size_t set, struct buf *out);
void ward_lost(struct ward *g, size_t set);
/* Load what ward_save wrote. false: it is not that; what was readable stays. */
bool ward_load(struct ward *g, const uint8_t *saved, size_t len);
/* Let go what was only counted, on another day and before the window, which begins at from_us: it
 * decides nothing any more. true: there was some. */
bool ward_forget(struct ward *g, int32_t today, int64_t from_us);

/* What may be shown of a value to tell it from others: its last three characters; of an e-mail
 * address the first. */
void ward_mask(enum ident_kind kind, const char *nf, char out[17]);

#endif
