/* What is known of a person, field by field: which of several facts stands, and why.
 *
 * A fact is one value of one field with its source, the trust in that source for this field, and
 * when it was true. The value of a field is the fact that wins: more trust first, then the later
 * one, then the greater id. That is a total order, so it does not matter in which order facts came,
 * and a late fact goes into the history behind newer ones. Taking a fact away gives the field to
 * the next one.
 */
#ifndef LANEWAY_IDENTITY_FIELD_H
#define LANEWAY_IDENTITY_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/ref.h"

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
	FIELD_STATE,   /* "active", "restricted", "confidential" */
	FIELD_NOTE,    /* a code from the list, or a manager's text */
	FIELD_AGE_OK,  /* "yes", "no": over 16 */
	FIELD_CONTACT, /* "<claim ref>:ok", "...:bounced", "...:wrong_person": is the address good
	                */
	FIELD_COUNT
};
const char *field_name(enum field f);     /* "first_name", ... */
enum field field_named(const char *name); /* FIELD_COUNT: no such field */

struct field_fact {
	enum field field;
	struct ref id;   /* random: names this fact in explanations */
	struct ref unit; /* whose record it came with */
	const char *value;
	const char *source;     /* "import", "till", "manager", "customer", "steward", ... */
	int trust;              /* 0 to 100 */
	int64_t from_us, to_us; /* when it was said: an interval where the clock was not trusted */
};

/* Trust in a source for a field, out of the hierarchy (configurable; without one the default). */
int field_trust(enum field f, const char *source);

/* Does a stand before b for the same field? */
bool field_wins(const struct field_fact *a, const struct field_fact *b);

/* The winner of each field among facts[0..n): its place, or n where the field has none. */
void field_choose(const struct field_fact *facts, size_t n, size_t winner[FIELD_COUNT]);

/* A first name's form for comparing: lower case, without marks, blanks or punctuation; the first
 * word of several. out is empty when nothing is left. */
void field_compare_form(const char *first_name, char *out, size_t size);

#endif
