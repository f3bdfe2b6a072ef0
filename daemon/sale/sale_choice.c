#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sale/sale_internal.h"

int sale_fail(struct sale_error *err, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;
	text_copy(err->code, sizeof err->code, code);
	text_copy(err->field, sizeof err->field, field);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return -1;
}

static int finish(struct act *act, struct sale_error *err)
{
	if (!sale_end(act))
		return 0;
	return sale_fail(err, "no_memory", "", "out of memory: do it again");
}

static void last_person(struct act *act, const struct person *who)
{
	struct last *last = &act->lane->last;
	last->before = last->person;
	last->person = *who;
	last->pending = act->e;
}

static void claim(struct act *act)
{
	struct lane *lane = act->lane;
	struct last *last = &lane->last;
	const struct person *who = &lane->held.person;
	char claim_id[EVENT_ID_SIZE];
	sale_id(claim_id);
	struct buf *b = sale_object(act->s);
	member_integer(b, "age_days", 0);
	member_text(b, "claim_id", claim_id);
	member_text(b, "method", "scan");
	member_text(b, "order_id", last->order_id);
	member_text(b, "profile_ref", who->profile_ref);
	struct lw_event *ev = sale_event(act, EVENT_ORDER_CLAIMED, &last->place, who);
	member_text(sale_object(act->s), "customer_id", who->profile.customer_id);
	sale_seal(act, ev, &who->key);
	last_person(act, who);
}

static void held_attach(struct act *act, struct basket *b, const char *reason)
{
	struct held *held = &act->lane->held;
	struct person who;
	sale_person_move(&b->place, &held->person, &who);
	if (!sale_same(&b->person, &who))
		sale_attach(act, b, &who, "cashier", reason);
}

static void held_next(struct act *act)
{
	struct held *held = &act->lane->held;
	if (held->kind == ASK_LAST && act->basket && !act->basket->had_line)
		held_attach(act, act->basket, "next");
	else
		sale_wait(act, &held->person, &held->id);
}

static int refuse_choice(struct sale_error *err, const char *choice)
{
	return sale_fail(err, "unknown_choice", "choice",
	                 "\"%.32s\" is not one of the question's choices", choice);
}

/* Do what was chosen; the question is over then. -1: no such choice, nothing done. */
static int choose(struct act *act, const char *choice, struct sale_error *err)
{
	struct held *held = &act->lane->held;
	enum question kind = held->kind;
	if (kind == ASK_REPLACE && !strcmp(choice, "keep")) {
		sale_held_drop(act);
	} else if (kind == ASK_REPLACE && !strcmp(choice, "replace")) {
		if (act->basket)
			held_attach(act, act->basket, "replaced");
		else
			sale_wait_replace(act);
	} else if (kind == ASK_HELD && !strcmp(choice, "this") && act->basket) {
		held_attach(act, act->basket, "this");
	} else if (kind == ASK_LAST && !strcmp(choice, "last") && act->lane->last.on) {
		claim(act);
	} else if (kind != ASK_REPLACE && !strcmp(choice, "next")) {
		held_next(act);
	} else {
		return refuse_choice(err, choice);
	}
	held->on = false;
	sale_news(act->lane);
	return 0;
}

static int pick(struct sale *s, struct entry *e, const struct sale_now *now, struct lane *lane,
                const char *choice, struct sale_error *err)
{
	struct basket *b = sale_basket_by_id(s, lane->pick.basket_id);
	struct act act = {.s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = b};
	if (!b || b->stage == STAGE_CLOSING || b->person.profile_ref[0])
		return sale_fail(err, "question_gone", "question",
		                 "this question is no longer open");
	sale_begin(&act);
	if (sale_pick_choose(&act, choice))
		return refuse_choice(err, choice);
	return finish(&act, err);
}

int sale_choose(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane_name,
                const char *question, const char *choice, struct sale_error *err)
{
	struct lane *lane = sale_lane(s, lane_name);
	if (!lane)
		return sale_fail(err, "unknown_lane", "lane", "there is no lane \"%.32s\"",
		                 lane_name);
	struct held *held = &lane->held;
	if (lane->pick.on && !strcmp(lane->pick.question_id, question))
		return pick(s, e, now, lane, choice, err);
	if (!held->on || strcmp(held->question_id, question) != 0)
		return sale_fail(err, "question_gone", "question",
		                 "this question is no longer open");
	/* Asked after an order, "next" means the basket in front now; else the basket of the scan
	 * is meant. */
	struct basket *b = held->kind == ASK_LAST ? sale_front(s, lane)
	                                          : sale_basket_by_id(s, held->place.basket_id);
	struct act act = {.s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = b};
	sale_begin(&act);
	if (choose(&act, choice, err))
		return -1;
	return finish(&act, err);
}

static void last_detach(struct act *act)
{
	struct last *last = &act->lane->last;
	struct basket *closing = act->basket;
	sale_detached(act, &last->place, &last->person, "cashier", "wrong_customer");
	if (closing) {
		closing->person = (struct person){0};
		closing->since = SINCE_NONE;
	}
	last_person(act, &(struct person){0});
	last->shown = false;
}

static void wait_end(struct act *act)
{
	struct wait *wait = &act->lane->wait;
	const struct held *held = &act->lane->held;
	if (held->on && !held->place.basket_id[0]) {
		sale_wait_replace(act);
		return;
	}
	sale_presented(act, &wait->place, &wait->id, &wait->person, OUTCOME_DROPPED);
	sale_visit_ended(act, &wait->place, &wait->person, "wrong_customer");
	wait->on = false;
	sale_news(act->lane);
}

int sale_wrong_customer(struct sale *s, struct entry *e, const struct sale_now *now,
                        const char *lane_name, struct sale_error *err)
{
	struct lane *lane = sale_lane(s, lane_name);
	if (!lane)
		return sale_fail(err, "unknown_lane", "lane", "there is no lane \"%.32s\"",
		                 lane_name);
	struct basket *front = sale_front(s, lane);
	struct act act = {
	    .s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = front};
	bool in_front = front && front->person.profile_ref[0];
	bool of_last = lane->last.on && lane->last.person.profile_ref[0];
	/* Pressed before, and refused by the journal: still to be kept. */
	bool owed = front && !in_front && front->removed.profile_ref[0] && !front->removed_pending;
	if (!in_front && !owed && !of_last && !lane->wait.on &&
	    (sale_early_drop_all(&act) || sale_staff_drop(&act)))
		return finish(&act, err);
	if (!in_front && !owed && !of_last && !lane->wait.on)
		return sale_fail(err, "no_customer", "lane", "nobody is attached on lane %s",
		                 lane->name);
	/* What the cashier sees is what is wrong: the panel of the order goes before who waits. */
	of_last = !in_front && !owed && of_last && (lane->last.shown || !lane->wait.on);
	if (of_last)
		act.basket = sale_basket_by_id(s, lane->last.place.basket_id);
	sale_begin(&act);
	if (in_front)
		sale_detach(&act, front, "cashier", "wrong_customer");
	else if (owed)
		sale_detach_again(&act, front, "cashier", "wrong_customer");
	else if (of_last)
		last_detach(&act);
	else
		wait_end(&act);
	return finish(&act, err);
}
