/* How likely it is that two records are of one person: Fellegi and Sunter's weights.
 *
 * A hint for people, never a link: nothing here joins anything, and nobody acts on a score but a
 * steward or a cashier who has asked the customer.
 *
 * A record's fields are compared one by one; each comparison has a level (the same, close, ...).
 * A level's weight is log2 of how much more often it is seen between two records of one person than
 * between two of strangers. The score is the sum, in thousandths of a bit (mbit), together with
 * what is so before anything is compared: 0 is even odds, 10,000 a thousand to one. Two things that
 * a plain sum would count several times over are put right by a line of their own:
 *   moved      who moves has another street, house and postcode at once
 *   household  people of one household share last name, address and telephone
 * Agreeing on what many have (a frequent name, a default birth date) weighs less than on what few
 * have. What a record does not say weighs nothing.
 *
 * Weights, frequencies and odds are the model's. It is estimated at HQ (score_learn.h); without one
 * there are defaults. Same records, same model: same score on every machine, whichever of the two
 * comes first.
 */
#ifndef LANEWAY_IDENTITY_SCORE_H
#define LANEWAY_IDENTITY_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/score_text.h"

#define SCORE_CONTACTS_MAX 2  /* telephones, and e-mail addresses, of one record */
#define SCORE_LEVELS_MAX 8    /* of one field */
#define SCORE_OFTEN_MAX 16384 /* frequent values that a model knows, of all fields together */
#define SCORE_TOLD_OFTEN_MAX 4096
#define SCORE_TOLD_BYTES_MAX (256 * 1024)
#define SCORE_LIKELY_MBIT 3322 /* ten to one: worth a steward's look */
#define SCORE_SURE_MBIT 9966   /* a thousand to one: worth asking the customer */
#define SCORE_RECORDS_MIN 1000 /* fewer than this are too few to learn from */

enum score_field {
	SCORE_FIRST,
	SCORE_LAST,
	SCORE_BORN,
	SCORE_PLACE, /* postcode, and the city where the postcode differs */
	SCORE_STREET,
	SCORE_HOUSE,
	SCORE_PHONE,
	SCORE_MAIL,
	SCORE_FIELD_COUNT
};

/* Levels of each field; 0 of every field: one of the two does not say. 1: the same. */
enum { SCORE_UNSAID, SCORE_SAME };
enum score_first {
	SCORE_FIRST_CLOSE = 2, /* Jaro-Winkler at least 0.92 */
	SCORE_FIRST_LIKE,      /* at least 0.80 */
	SCORE_FIRST_SHORT,     /* a short form: Bob, Robert; or one of several names */
	SCORE_FIRST_INITIAL,
	SCORE_FIRST_SWAPPED, /* first and last name exchanged; the last name is then unsaid */
	SCORE_FIRST_OTHER
};
enum score_last {
	SCORE_LAST_CLOSE = 2,
	SCORE_LAST_LIKE,
	SCORE_LAST_PART, /* a word of a double name */
	SCORE_LAST_OTHER
};
enum score_born {
	SCORE_BORN_SWAPPED = 2, /* day and month exchanged */
	SCORE_BORN_SLIP,        /* one digit, or two neighbours exchanged */
	SCORE_BORN_PART,        /* two of day, month and year */
	SCORE_BORN_OTHER
};
enum score_place {
	SCORE_PLACE_SLIP = 2, /* postcodes one slip apart */
	SCORE_PLACE_CITY,     /* the city is the same, or close */
	SCORE_PLACE_AREA,     /* postcodes begin the same */
	SCORE_PLACE_OTHER
};
enum score_street { SCORE_STREET_CLOSE = 2, SCORE_STREET_LIKE, SCORE_STREET_OTHER };
enum score_house { SCORE_HOUSE_CLOSE = 2, SCORE_HOUSE_OTHER };
enum score_phone { SCORE_PHONE_OTHER = 2 };
enum score_mail { SCORE_MAIL_FOLDED = 2, SCORE_MAIL_OTHER };

/* A record in its forms (score_text.h). Nothing of it is owned; "" and 0: not said. */
struct score_record {
	const char *first, *last, *street, *house, *postcode, *city;
	uint32_t born; /* yyyymmdd */
	/* score_text_hash of normal forms. */
	uint64_t phone[SCORE_CONTACTS_MAX], mail[SCORE_CONTACTS_MAX], folded[SCORE_CONTACTS_MAX];
};

/* A record as it was written. NULL or "": not said. */
struct score_plain {
	const char *first_name, *last_name;
	const char *name; /* as a whole: used where last_name is not said */
	const char *birth_date, *street, *house, *postcode, *city;
	const char *phone[SCORE_CONTACTS_MAX], *mail[SCORE_CONTACTS_MAX]; /* normal forms */
};
/* Room for the forms that a record points into. */
struct score_room {
	char first[SCORE_TEXT_SIZE], last[SCORE_TEXT_SIZE], street[SCORE_TEXT_SIZE],
	    house[SCORE_TEXT_SIZE], postcode[SCORE_TEXT_SIZE], city[SCORE_TEXT_SIZE];
};
void score_prepare(const struct score_plain *plain, struct score_room *room,
                   struct score_record *out);

/* What is told of one pair. */
enum score_why { SCORE_WHY_FIELD, SCORE_WHY_ODDS, SCORE_WHY_MOVED, SCORE_WHY_HOUSEHOLD };
#define SCORE_REASONS_MAX (SCORE_FIELD_COUNT + 3)
struct score {
	int mbit; /* the sum of the reasons' */
	uint8_t level[SCORE_FIELD_COUNT];
	struct score_reason {
		enum score_why why;
		enum score_field field; /* of SCORE_WHY_FIELD */
		int level;
		int mbit;
	} reason[SCORE_REASONS_MAX];
	int reason_count;
};

struct score_model;
void score_pair(const struct score_model *model, const struct score_record *a,
                const struct score_record *b, struct score *out);
/* Only the levels: what weights are learned from. */
void score_levels(const struct score_record *a, const struct score_record *b,
                  uint8_t level[SCORE_FIELD_COUNT]);

const char *score_field_name(enum score_field field);            /* "first_name", ... */
const char *score_level_name(enum score_field field, int level); /* "same", "close", ... */
int score_level_count(enum score_field field);
/* A reason for a person: "birth date: day and month exchanged". Static text. */
const char *score_reason_words(const struct score_reason *reason);
/* How likely, in percent, rounded down: 99 is never 100. */
int score_percent(int mbit);
/* A person as a suggestion may show him or her: "A... B..., 04109". */
void score_mask(const struct score_plain *who, char *out, size_t size);

/* A model in its text form, and back; WIRE.md section 15 has it (hq.weights). NULL: it cannot be
 * read, with a sentence in err; anything in it is checked. */
struct score_model *score_model_defaults(void);
struct score_model *score_model_read(const char *json, size_t len, char *err, size_t err_size);
void score_model_write(const struct score_model *model, struct buf *out);
void score_model_free(struct score_model *model);
/* What a store needs of it, at most SCORE_TOLD_BYTES_MAX as text: of frequent values the most
 * frequent ones, and none of birth dates. Those that are left out weigh no more than before. */
void score_model_shorten(struct score_model *model);
/* What it is, when it was made, of how many records (0: nobody's, the defaults). */
const char *score_model_version(const struct score_model *model);
const char *score_model_made(const struct score_model *model);
uint64_t score_model_records(const struct score_model *model);

#endif
