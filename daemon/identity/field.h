/* What is known of a person, field by field: which of several facts stands, and why.
 *
 * A fact is one value of one field with its source, the trust in that source for this field, and
 * when it was said. The value of a field is the fact that wins. Order of two facts of one field:
 *
 *   1. more trust
 *   2. the later one by the earliest moment at which it can have been said (from_us): a fact whose
 *      time is uncertain gives way to one that may be newer
 *   3. of two that begin together the one that may be later (to_us)
 *   4. the greater id, then value, source and unit, byte by byte
 *
 * Moments are held against each other in whole milliseconds, as a store hears them of HQ.
 *
 * That is a total order over different facts, so it does not matter in which order facts came, and
 * a late fact goes into the history behind newer ones. Taking a fact away gives the field to the
 * next one. A fact of trust 0 never stands: its source has no say on this field.
 *
 * A person has one value per field, but FIELD_CONTACT has one per claim: its value begins with the
 * claim's reference.
 */
#ifndef LANEWAY_IDENTITY_FIELD_H
#define LANEWAY_IDENTITY_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/ref.h"

#define FIELD_VALUE_SIZE 801 /* a note of 200 characters, and NUL */
#define FIELD_SOURCE_SIZE 17
#define FIELD_TRUST_MAX 100

enum field {
	FIELD_FIRST_NAME,
	FIELD_LAST_NAME,
	FIELD_NAME,       /* as a whole, where nobody took it apart */
	FIELD_BIRTH_DATE, /* "1990-02-28": at HQ only, never in a store */
	FIELD_LANGUAGE,   /* "de", "pt-BR" */
	FIELD_STREET,
	FIELD_POSTCODE,
	FIELD_CITY,
	FIELD_COUNTRY, /* ISO 3166: "DE" */
	FIELD_TIER,
	FIELD_STATE, /* "active", "restricted", "confidential" */
	FIELD_NOTE,  /* what the staff should know: each note is one of its own (identity/note.h) */
	FIELD_AGE_OK,  /* "yes", "no": over 16 */
	FIELD_CONTACT, /* "<claim>:ok", "<claim>:bounced", "<claim>:wrong_person": is that address
	                  good; "<claim>:" takes it back */
	FIELD_COUNT
};
const char *field_name(enum field f);     /* "first_name", ...; "" for none of them */
enum field field_named(const char *name); /* FIELD_COUNT: no such field */

/* Who can have said it. */
enum field_source {
	FIELD_STEWARD,  /* who looks after the master data at HQ */
	FIELD_CUSTOMER, /* the customer themself, and it is certain that it was them */
	FIELD_MANAGER,
	FIELD_TILL,    /* typed at a till, also when the customer said it there */
	FIELD_HQ,      /* worked out by HQ's own programs, such as a tier */
	FIELD_IMPORT,  /* a file of another system */
	FIELD_DERIVED, /* worked out of something else: a country out of a phone number, a bounce */
	FIELD_SOURCE_COUNT
};
const char *field_source_name(enum field_source s);     /* "steward", ...; "" for none of them */
enum field_source field_source_named(const char *name); /* FIELD_SOURCE_COUNT: none of them */

/* The source hierarchy: 0 to FIELD_TRUST_MAX for each source on each field. */
struct field_trust {
	uint8_t trust[FIELD_COUNT][FIELD_SOURCE_COUNT];
};
/* The hierarchy as it is when nothing is configured. */
void field_trust_defaults(struct field_trust *out);
/* Why a configuration may not say this, or NULL. Tier and state come from HQ: who is not steward,
 * hq or import has no say. Static text. */
const char *field_trust_fault(enum field f, enum field_source s, long trust);
/* Trust in a source for a field; 0 for a source that is none. table NULL: the defaults. */
int field_trust(const struct field_trust *table, enum field f, const char *source);

struct field_fact {
	enum field field;
	struct ref id;      /* random: names this fact in explanations */
	struct ref unit;    /* whose record it came with */
	const char *value;  /* NULL or empty: the field was taken back; that stands like a value */
	const char *source; /* a field_source_name */
	int trust;          /* 0 to 100, out of the hierarchy when the fact was taken in */
	int64_t from_us, to_us; /* when it was said: an interval where the clock was not trusted */
};

/* Does a stand before b for the same field? */
bool field_wins(const struct field_fact *a, const struct field_fact *b);

/* The winner of each field among facts[0..n): its place, or n where the field has none. Of
 * FIELD_CONTACT and FIELD_NOTE the first of all; field_stand tells them apart. */
void field_choose(const struct field_fact *facts, size_t n, size_t winner[FIELD_COUNT]);

/* Are they about the same field, and the same claim or note where that has a value for each? */
bool field_same_subject(const struct field_fact *a, const struct field_fact *b);
/* Does it say that there is no value? */
bool field_taken_back(const struct field_fact *f);

/* A person's whole name of the values that stand (NULL or empty: none): put together of first and
 * last name where somebody said a last name, else the name as it was said. As much as fits, never
 * half a character; empty: nobody said it. */
void field_whole_name(const char *const value[FIELD_COUNT], char *out, size_t size);

/* A value that stands, and what would stand without it. */
struct field_stand {
	size_t fact, before; /* places; before is n where there is nothing before it */
};
/* One per field that has a fact (of FIELD_CONTACT one per claim, of FIELD_NOTE one per note),
 * sorted by field and that. The same as field_choose says. out has room for n; the count. O(n^2) at
 * worst, for one person. */
size_t field_stand(const struct field_fact *facts, size_t n, struct field_stand *out);

/* One line for each value that stands, ended by a newline:
 *
 *   first_name: Anna; till 2026-11-20T10:00:00.000Z, trust 40, fact Hs..; before it: Ana; import
 *       2024-01-01T00:00:00.000Z, trust 30, fact Ak..
 *
 * (in one line). Facts that say the same right behind the one that stands are named after "also":
 * without all that stand in front of "before it" the value is another one. masked: values but their
 * first letter become '*' where they describe a person (tier, state and the like stay). */
void field_why(const struct field_fact *facts, size_t n, bool masked, struct buf *out);

/* The same for a person who has them: the whole name has one line, that of what makes it, and a
 * state that nobody said has one, too. */
void field_why_person(const struct field_fact *facts, size_t n, bool masked, struct buf *out);

/* A first name's form for comparing: lower case, without marks, blanks or punctuation; the first
 * word of several. out is empty when nothing is left, or the name is no UTF-8. What does not fit is
 * cut between characters. */
void field_compare_form(const char *first_name, char *out, size_t size);
/* Are two names the same but for capital and small letters, accents and all else alike? */
bool field_same_letters(const char *a, const char *b);

#endif
