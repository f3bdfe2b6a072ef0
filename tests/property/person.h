/* What one person is: the fold, facts, choices and points of its units, as one text, by which the
 * programs here and the model are compared.
 *
 * The text is canonical JSON (sorted keys, no blanks), so that two states are the same when their
 * bytes are. Nothing of what was undone stands in it. Members:
 *
 *   blocked      identifiers that its units claim and that are nobody's
 *   consents     for each purpose and channel on which something was ever chosen, and for each
 *                address that the person holds: what is allowed, which choice says so, by which
 *                rule
 *   customer_id  of the lowest number, or null
 *   fields       for each field that has a fact: the value that stands, the fact that it is from,
 *                and the fact that would stand without it. What is said about a claim that was
 *                undone is not there
 *   identifiers  those that its units hold by claims, with their state
 *   joins        of two claims on one identifier, that hold within this person
 *   links        that hold within this person
 *   points       taken one after the other, by time: the balance is never negative. What is missing
 *                when points were spent is a shortfall, for a manager's list, and what comes after
 *                is not debited for it. Who spent points while linked keeps them spent where they
 *                were
 *   refused      claims, links and joins of its units that do not hold, with the reason
 *   units        the lowest number first, those without one last, by their references
 */
#ifndef TESTS_PROPERTY_PERSON_H
#define TESTS_PROPERTY_PERSON_H

#include "base/buf.h"
#include "identity/consent.h"
#include "identity/field.h"
#include "identity/fold.h"

/* One line of the points ledger. It is the unit's, unless the claim that it came with never was
 * (is undone): then it is nobody's here. A claim that is only refused (blocked, over a limit) does
 * not take points away from anybody. */
struct person_points {
	struct ref id, unit;
	struct ref claim; /* with which it came; none: with the unit itself */
	int64_t points;   /* earned, or spent: less than 0 */
	int64_t time_us;
};

struct person_balance {
	int64_t balance; /* 0 or more */
	int64_t shortfall, earned, spent;
};

/* The world around a person: its component (fold.h), and all facts, choices and points of the units
 * in it. The choices must include those that cover a unit in it or are about an identifier that one
 * claims, whoever made them. */
struct person_world {
	const struct fold_input *in;
	const struct fold *fold; /* of in */
	const struct field_fact *fact;
	size_t fact_count;
	const struct consent_choice *choice;
	size_t choice_count;
	const struct person_points *points;
	size_t points_count;
};

/* person: a value of fold.person. Sums that do not fit into 63 bits stop at its ends. 0, or -1: out
 * of memory. */
int person_balance(const struct person_world *w, size_t person, struct person_balance *out);

/* Append the text. A lack of memory is out->failed. */
void person_text(const struct person_world *w, size_t person, struct buf *out);

#endif
