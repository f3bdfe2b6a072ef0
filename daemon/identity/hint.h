/* Whom the customer on a lane may be, too: a suggestion to the cashier, who asks the customer.
 *
 * Nothing follows from it: it changes nobody's points, joins nobody, and shows initials and the end
 * of a number, nothing else. Who is confidential or restricted, a company or on the staff list is
 * neither suggested nor suggested to, and no pair of which somebody has said anything already
 * ("that is not me", or "the same"). Pure.
 */
#ifndef LANEWAY_IDENTITY_HINT_H
#define LANEWAY_IDENTITY_HINT_H

#include "identity/overlay.h"
#include "identity/rule.h"
#include "identity/score.h"

/* Thirty to one. Below a steward's "sure" (a thousand to one), because a store knows no birth
 * dates, and a wrong one costs one tap, once. */
#define HINT_MBIT_MIN 5000
#define HINT_TEXT_SIZE 97
#define HINT_EVIDENCE_SIZE OVERLAY_EVIDENCE_SIZE

struct hint {
	struct ref here, other; /* units: of who is here, of who is suggested */
	char customer_id[33];   /* whom `other` is of, as the store knows them */
	int mbit;
	char text[HINT_TEXT_SIZE];         /* "Maybe already a customer: A. M., phone …42" */
	char evidence[HINT_EVIDENCE_SIZE]; /* what was compared, as a JSON list of words */
};

/* Is a hint about this person allowed at all? */
bool hint_may(const struct overlay_person *who, const struct rule_set *rules);

/* For whom is looked. The first three are given; hint_begin makes the rest, which points into
 * itself and into `who`. */
struct hint_ask {
	const struct overlay_person *who;
	const struct rule_set *rules;
	const struct score_model *model;
	struct score_plain plain;
	struct score_room room;
	struct score_record record;
};
void hint_begin(struct hint_ask *ask);

/* Look at one candidate for `who`: *best becomes it when it is likelier than *best, which is zeroed
 * before the first one, and at least HINT_MBIT_MIN. */
void hint_look(const struct hint_ask *ask, const struct overlay_person *other, struct hint *best);

/* The same of one whom HQ holds to be the same person as `who`, by HQ's score: it may know more of
 * both. `other` is whoever has that customer id here. */
void hint_told(const struct hint_ask *ask, const struct overlay_likely *told,
               const struct overlay_person *other, struct hint *best);

/* Is this enrolment, of which no more is known than what was typed, worth looking at? Most are not
 * by the first letters of their names, which costs next to nothing. */
bool hint_alike(const struct hint_ask *ask, const struct score_plain *other);

#endif
