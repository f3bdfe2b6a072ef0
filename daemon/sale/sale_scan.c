#include <stdio.h>
#include <string.h>

#include "sale/sale_internal.h"

#define COUNTRY_SIZE 32 /* a flag, its two letters, " number: " */

void sale_scanned(struct scanned *out, const char *method, const char *symbology,
                  const struct answer *a)
{
	*out = (struct scanned){.kind = a->outcome == OUTCOME_REFUSED_PAN ? IDENT_NONE : a->kind,
	                        .reason = a->reason};
	text_copy(out->method, sizeof out->method, method);
	if (symbology)
		text_copy(out->symbology, sizeof out->symbology, symbology);
	text_copy(out->value, sizeof out->value, a->value);
	if (a->foreign)
		text_copy(out->country, sizeof out->country, a->region);
	text_copy(out->why, sizeof out->why, a->why);
	text_copy(out->words, sizeof out->words, a->words);
	if (answer_is_somebody(a))
		text_copy(out->ident_ref, sizeof out->ident_ref, a->hit.ident_ref);
	if (!out->ident_ref[0])
		sale_id(out->ident_ref);
}

static const char *unmatched_text(const struct scanned *id, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_REFUSED_PAN:
		return ident_reason_text(IDENT_CARD_NUMBER);
	case OUTCOME_REFUSED:
		return ident_reason_text(id->reason);
	case OUTCOME_CONFLICT:
		return "More than one customer has this: ask for another card";
	case OUTCOME_SHARED:
		return "Ask for the customer's own card";
	case OUTCOME_BLOCKED:
		return id->words[0] ? id->words : "Ask for another card";
	case OUTCOME_STALE:
		return "Not used for a long time: ask for another card";
	case OUTCOME_STAFF:
		return sale_staff_card(id, outcome) ? "Staff sale" : "Ask a colleague to serve you";
	case OUTCOME_MATCHED:
	case OUTCOME_UNKNOWN:
	case OUTCOME_HELD:
	case OUTCOME_DROPPED:
		break;
	}
	switch (id->kind) {
	case IDENT_PHONE:
		return "Phone number not known";
	case IDENT_EMAIL:
		return "E-mail address not known";
	case IDENT_ACCOUNT:
		return "Account not known";
	case IDENT_VAT_ID:
		return "VAT number not known";
	default:
		return "Card not known";
	}
}

static enum person_state unmatched_state(enum outcome outcome)
{
	static const enum person_state states[] = {
	    [OUTCOME_MATCHED] = PERSON_UNKNOWN,
	    [OUTCOME_UNKNOWN] = PERSON_UNKNOWN,
	    [OUTCOME_SHARED] = PERSON_SHARED,
	    [OUTCOME_BLOCKED] = PERSON_BLOCKED,
	    [OUTCOME_CONFLICT] = PERSON_CONFLICT,
	    [OUTCOME_HELD] = PERSON_UNKNOWN,
	    [OUTCOME_DROPPED] = PERSON_UNKNOWN,
	    [OUTCOME_STALE] = PERSON_STALE,
	    [OUTCOME_REFUSED_PAN] = PERSON_CARD_REFUSED,
	    [OUTCOME_REFUSED] = PERSON_UNKNOWN,
	    [OUTCOME_STAFF] = PERSON_STAFF,
	};
	return states[outcome];
}

/* "FR" with its flag, where the country of a phone number was guessed. Nothing otherwise. */
static void guessed_country(const struct scanned *id, char out[COUNTRY_SIZE])
{
	const char *c = id->country;
	out[0] = '\0';
	if (strlen(c) == 2 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z')
		snprintf(out, COUNTRY_SIZE,
		         "\xf0\x9f\x87%c\xf0\x9f\x87%c %s number: ", (char)(0xa6 + c[0] - 'A'),
		         (char)(0xa6 + c[1] - 'A'), c);
	else if (c[0])
		snprintf(out, COUNTRY_SIZE, "%s number: ", c);
}

void sale_unmatched_shown(struct lane *lane, const struct sale_now *now, const struct scanned *id,
                          enum outcome outcome)
{
	char text[sizeof lane->notice];
	sale_news(lane);
	lane->presented = unmatched_state(outcome);
	guessed_country(id, text);
	size_t n = strlen(text);
	snprintf(text + n, sizeof text - n, "%s", unmatched_text(id, outcome));
	sale_notice(lane, now, text);
}

void sale_unmatched(struct act *act, const struct place *at, const struct scanned *id,
                    enum outcome outcome)
{
	sale_presented(act, at, id, NULL, outcome);
	sale_unmatched_shown(act->lane, act->now, id, outcome);
	if (!sale_staff_card(id, outcome))
		return;
	sale_staff_shown(act, id);
	if (!act->basket)
		sale_notice(act->lane, act->now, "Staff card: the next sale is a staff sale");
}

void sale_ask(struct lane *lane, enum question kind, const struct person *instead_of)
{
	struct held *held = &lane->held;
	const char *name = sale_first_name(&held->person.profile);
	char from[COUNTRY_SIZE];
	guessed_country(&held->id, from);
	held->kind = kind;
	held->until_us = NEVER_US;
	sale_id(held->question_id);
	if (kind == ASK_REPLACE)
		snprintf(held->text, sizeof held->text, "%sReplace %s?", from,
		         sale_first_name(&instead_of->profile));
	else if (kind == ASK_HELD)
		snprintf(held->text, sizeof held->text, "%s%s: this customer or next?", from, name);
	else
		snprintf(held->text, sizeof held->text, "%s%s: last customer?", from, name);
	sale_news(lane);
}

void sale_held_drop(struct act *act)
{
	struct held *held = &act->lane->held;
	if (!held->on)
		return;
	sale_presented(act, &held->place, &held->id, &held->person, OUTCOME_DROPPED);
	held->on = false;
	sale_touch(act->lane);
}

/* A scan at a place: who it is there, and the identifier as it will be told. */
struct scan {
	struct act act;
	struct place *at;
	struct person who;
	struct scanned id;
	bool unsure; /* the basket in front may not be the one that it meant */
};

static void scan_hold(struct act *act, const struct scan *scan, enum question kind,
                      const struct person *instead_of)
{
	struct lane *lane = act->lane;
	struct held *held = &lane->held;
	if (held->on && sale_same(&held->person, &scan->who)) {
		sale_presented(act, scan->at, &scan->id, &scan->who, OUTCOME_HELD);
		return;
	}
	sale_held_drop(act);
	sale_presented(act, scan->at, &scan->id, &scan->who, OUTCOME_HELD);
	held->on = true;
	held->place = *scan->at;
	held->person = scan->who;
	held->id = scan->id;
	held->pending = act->e;
	held->spot = (struct spot){0};
	sale_ask(lane, kind, instead_of);
	if (kind == ASK_LAST)
		held->until_us = act->now->mono_us + HELD_US;
}

void sale_hold(struct act *act, struct basket *b, const struct person *who,
               const struct scanned *id)
{
	const struct scan scan = {.at = &b->place, .who = *who, .id = *id};
	bool replaces = b->person.profile_ref[0];
	scan_hold(act, &scan, replaces ? ASK_REPLACE : ASK_HELD, replaces ? &b->person : NULL);
}

/* The visit of who waits: begun by the scan, or by the cashier's word on a scan before ("next"). */
static void wait_open(struct act *act, const char *evidence)
{
	struct wait *wait = &act->lane->wait;
	if (!wait->on) {
		wait->place = (struct place){0};
		wait->spot = (struct spot){0};
		sale_id(wait->place.visit_id);
		sale_visit_started(act, &wait->place, evidence);
	}
	wait->on = true;
	wait->until_us = act->now->mono_us + WAIT_US;
	wait->pending = act->e;
	sale_news(act->lane);
}

struct place *sale_wait_begin(struct act *act, const char *evidence)
{
	wait_open(act, evidence);
	return &act->lane->wait.place;
}

void sale_wait(struct act *act, const struct person *who, const struct scanned *id)
{
	struct wait *wait = &act->lane->wait;
	if (wait->on && !sale_same(&wait->person, who))
		sale_presented(act, &wait->place, &wait->id, &wait->person, OUTCOME_DROPPED);
	bool first = !wait->on;
	wait_open(act, "next");
	if (first) /* who it is was said by the scan that was held */
		wait->spot = act->lane->held.spot;
	sale_person_move(&wait->place, who, &wait->person);
	wait->id = *id;
}

void sale_wait_replace(struct act *act)
{
	struct held *held = &act->lane->held;
	sale_wait(act, &held->person, &held->id);
	held->on = false;
}

static void scan_early(struct scan *scan, const struct answer *a)
{
	struct act *act = &scan->act;
	struct wait *wait = &act->lane->wait;
	bool alone = !wait->on;
	if (alone)
		wait_open(act, "scan");
	scan->at = &wait->place;
	sale_person(scan->at, a, &scan->who);
	if (!alone && !sale_same(&wait->person, &scan->who)) {
		scan_hold(act, scan, ASK_REPLACE, &wait->person);
		return;
	}
	sale_presented(act, scan->at, &scan->id, &scan->who, OUTCOME_MATCHED);
	wait->until_us = act->now->mono_us + WAIT_US;
	if (!alone)
		return;
	wait->person = scan->who;
	wait->id = scan->id;
}

static void scan_in_basket(struct scan *scan, struct basket *b, const struct answer *a)
{
	struct lane *lane = scan->act.lane;
	bool tender = b->stage == STAGE_TENDER;
	scan->at = &b->place;
	sale_person(scan->at, a, &scan->who);
	if (sale_same(&b->person, &scan->who) ||
	    (tender && lane->wait.on && sale_same(&lane->wait.person, &scan->who))) {
		sale_presented(&scan->act, scan->at, &scan->id, &scan->who, OUTCOME_MATCHED);
	} else if (tender || scan->unsure) {
		scan_hold(&scan->act, scan, ASK_HELD, NULL);
	} else if (b->person.profile_ref[0]) {
		scan_hold(&scan->act, scan, ASK_REPLACE, &b->person);
	} else {
		if (lane->held.on && sale_same(&lane->held.person, &scan->who))
			lane->held.on = false;
		else if (!strcmp(lane->held.place.basket_id, b->place.basket_id))
			sale_held_drop(&scan->act);
		sale_presented(&scan->act, scan->at, &scan->id, &scan->who, OUTCOME_MATCHED);
		sale_attach(&scan->act, b, &scan->who, "scan", "scan");
	}
}

static void scan_after_order(struct scan *scan, struct basket *front, const struct answer *a)
{
	struct lane *lane = scan->act.lane;
	scan->at = &lane->last.place;
	if (front && front->person.profile_ref[0] &&
	    !strcmp(front->person.profile.customer_id, a->hit.profile.customer_id))
		scan->at = &front->place;
	sale_person(scan->at, a, &scan->who);
	if (scan->at != &lane->last.place || sale_same(&lane->last.person, &scan->who) ||
	    (lane->wait.on && sale_same(&lane->wait.person, &scan->who)))
		sale_presented(&scan->act, scan->at, &scan->id, &scan->who, OUTCOME_MATCHED);
	else
		scan_hold(&scan->act, scan, ASK_LAST, NULL);
}

static void scan_unmatched(struct scan *scan, struct basket *front, bool after,
                           const struct answer *a)
{
	struct lane *lane = scan->act.lane;
	struct place nowhere = {0}, *at = &nowhere;
	if (front)
		at = &front->place;
	else if (after)
		at = &lane->last.place;
	else if (lane->wait.on)
		at = &lane->wait.place;
	else
		sale_id(nowhere.visit_id);
	sale_unmatched(&scan->act, at, &scan->id, a->outcome);
	sale_pick_offer(&scan->act, front, &scan->id, a);
	if (answer_is_asked(a))
		sale_missed_note(&scan->act, &scan->id);
}

static int scan_take(struct scan *scan, const struct answer *a)
{
	struct act *act = &scan->act;
	struct lane *lane = act->lane;
	struct basket *front = act->basket;
	bool after = lane->last.on && act->now->mono_us - lane->last.at_us <= LAST_US;
	sale_begin(act);
	sale_news(lane);
	lane->missed.on = false;
	if (!answer_is_somebody(a))
		scan_unmatched(scan, front, after, a);
	else if (after && (!front || !front->had_line))
		scan_after_order(scan, front, a);
	else if (front)
		scan_in_basket(scan, front, a);
	else
		scan_early(scan, a);
	return sale_end(act);
}

int sale_scan(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane_name,
              const char *source, const char *method, const char *symbology, const struct answer *a)
{
	struct lane *lane = sale_lane(s, lane_name);
	if (!lane)
		return -1;
	struct scan scan = {.act = {.s = s,
	                            .e = e,
	                            .now = now,
	                            .source = source,
	                            .lane = lane,
	                            .basket = sale_front(s, lane)}};
	sale_scanned(&scan.id, method, symbology, a);
	return scan_take(&scan, a);
}

int sale_tie(struct sale *s, struct entry *e, const struct sale_now *now,
             const struct sale_early *early, bool ordered, const struct answer *a)
{
	struct lane *lane = sale_lane(s, early->lane);
	struct sale_now then = *now;
	if (!lane)
		return -1;
	struct basket *front = sale_front(s, lane);
	struct scan scan = {.act = {.s = s,
	                            .e = e,
	                            .now = &then,
	                            .source = early->source,
	                            .lane = lane,
	                            .basket = front}};
	then.mono_us = early->mono_us;
	then.wall_us = early->wall_us;
	scan.unsure =
	    !ordered && strcmp(early->basket_id, front ? front->place.basket_id : "") != 0;
	sale_scanned(&scan.id, early->method, early->symbology[0] ? early->symbology : NULL, a);
	scan.id.again = early->asked ? "asked" : "early";
	return scan_take(&scan, a);
}

void sale_first_line(struct act *act)
{
	struct basket *b = act->basket;
	struct held *held = &act->lane->held;
	struct person who;
	if (b->had_line)
		return;
	act->lane->last.on = false;
	if (held->on && strcmp(held->place.basket_id, b->place.basket_id) != 0) {
		if (!b->person.profile_ref[0]) {
			sale_person_move(&b->place, &held->person, &who);
			sale_attach(act, b, &who, "scan", "held_next");
			held->on = false;
		} else if (sale_same(&b->person, &held->person)) {
			held->on = false;
		}
		sale_held_drop(act);
	}
	b->had_line = true;
	sale_touch(act->lane);
}

void sale_held_closed(struct act *act, struct basket *b, bool order)
{
	struct held *held = act->lane ? &act->lane->held : NULL;
	if (!held || !held->on || strcmp(held->place.basket_id, b->place.basket_id) != 0)
		return;
	if (!order) {
		sale_held_drop(act);
		return;
	}
	sale_ask(act->lane, ASK_LAST, NULL);
	held->until_us = act->now->mono_us + HELD_US;
}
