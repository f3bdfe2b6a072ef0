#include <stdlib.h>
#include <string.h>

#include "sale/sale_internal.h"

const char *sale_member(const struct call *c, const char *key)
{
	return json_string_value(json_object_get(c->m->body, key));
}

static int no_memory(struct call *c)
{
	return sale_fail(c->err, "no_memory", "",
	                 "out of memory: nothing was counted, send it again later");
}

int sale_done(struct call *c)
{
	return sale_end(&c->act) ? no_memory(c) : 0;
}

static void take_waiting(struct act *act, struct basket *b)
{
	struct wait *wait = &act->lane->wait;
	struct held *held = &act->lane->held;
	memcpy(b->place.visit_id, wait->place.visit_id, sizeof b->place.visit_id);
	memcpy(b->place.seen, wait->place.seen, sizeof b->place.seen);
	b->place.seen_next = wait->place.seen_next;
	wait->on = false;
	if (held->on && !held->place.basket_id[0])
		held->place = b->place;
}

static void opened_events(struct call *c, struct basket *b, const struct person *who)
{
	struct act *act = &c->act;
	const char *mode = sale_member(c, "mode");
	if (b->visit_from_here)
		sale_visit_started(act, &b->place, "basket");
	struct buf *p = sale_object(act->s);
	member_text(p, "basket_id", b->place.basket_id);
	member_text(p, "lane", act->lane->name);
	member_text(p, "mode", mode ? mode : "sale");
	member_text(p, "till", b->till);
	member_text(p, "till_basket", b->name);
	sale_event(act, EVENT_BASKET_OPENED, &b->place, NULL);
	if (who->profile_ref[0])
		sale_attach(act, b, who, "scan", "waiting");
	sale_staff_opened(act, b);
	b->opening = act->e;
	b->unopened = false;
	sale_basket_heard(b, act->now);
	act->lane->last.shown = false;
	sale_news(act->lane);
}

/* The journal refused the first opening: the same basket is told again. */
static int basket_opened_again(struct call *c, struct basket *b)
{
	struct person who = b->again;
	c->act.basket = b;
	sale_begin(&c->act);
	b->again = (struct person){0};
	opened_events(c, b, &who);
	return sale_done(c);
}

static void basket_name(struct call *c, struct basket *b)
{
	const char *staff_ref = sale_member(c, "staff_ref");
	text_copy(b->till, sizeof b->till, c->m->till);
	text_copy(b->name, sizeof b->name, sale_member(c, "basket"));
	if (staff_ref) {
		text_copy(b->place.staff_ref, sizeof b->place.staff_ref, staff_ref);
		sale_served_by(c->act.s, c->act.lane, staff_ref);
	}
	b->place.training = json_is_true(json_object_get(c->m->body, "training"));
	b->lane = c->act.lane;
	sale_id(b->place.basket_id);
	sale_id(b->place.visit_id);
}

static int basket_opened_new(struct call *c)
{
	struct sale *s = c->act.s;
	struct wait *wait = &c->act.lane->wait;
	struct person who = {0};
	struct basket *b = sale_basket_new();
	if (!b)
		return no_memory(c);
	basket_name(c, b);
	sale_begin(&c->act);
	b->visit_from_here = !wait->on;
	if (wait->on) {
		who = wait->person;
		take_waiting(&c->act, b);
	}
	opened_events(c, b, &who);
	if (sale_done(c)) {
		free(b);
		return -1;
	}
	sale_basket_add(s, b);
	return 0;
}

static int basket_opened(struct call *c)
{
	const char *name = sale_member(c, "basket");
	struct basket *b = sale_basket(c->act.s, c->m->till, name);
	if (b && b->unopened)
		return basket_opened_again(c, b);
	if (b)
		return sale_fail(c->err, "basket_exists", "basket", "basket \"%s\" is already open",
		                 name);
	if (sale_basket_count(c->act.s, c->m->till) >= BASKETS_PER_TILL_MAX)
		return sale_fail(c->err, "too_many", "basket",
		                 "this till has %d open baskets: complete or void one first",
		                 BASKETS_PER_TILL_MAX);
	if (c->act.s->basket_count >= BASKETS_MAX)
		return sale_fail(c->err, "too_many", "basket", "the store has %d open baskets",
		                 BASKETS_MAX);
	return basket_opened_new(c);
}

static int tender_started(struct call *c)
{
	struct basket *b = c->basket;
	struct held *held = &c->act.lane->held;
	int64_t value;
	size_t lines = sale_lines(b, &value);
	struct buf *p = sale_object(c->act.s);
	member_text(p, "cart_id", b->place.basket_id);
	member_text(p, "currency", c->act.s->currency);
	member_integer(p, "lines", (int64_t)lines);
	member_text(p, "value", sale_member(c, "value"));
	sale_event(&c->act, EVENT_CHECKOUT_STARTED, &b->place, &b->person);
	b->stage = STAGE_TENDER;
	if (held->on && held->kind == ASK_REPLACE &&
	    !strcmp(held->place.basket_id, b->place.basket_id))
		sale_ask(b->lane, ASK_HELD, NULL);
	sale_touch(b->lane);
	return sale_done(c);
}

/* The till's word ends the lane's question about this basket. */
static void question_over(struct act *act, const struct basket *b, const struct person *who)
{
	struct held *held = &act->lane->held;
	if (!held->on || strcmp(held->place.basket_id, b->place.basket_id) != 0)
		return;
	if (sale_same(&held->person, who))
		held->on = false;
	sale_held_drop(act);
	sale_touch(act->lane);
}

static int customer_chosen(struct call *c)
{
	struct act *act = &c->act;
	struct basket *b = c->basket;
	struct scanned id;
	struct person who;
	if (!c->chosen)
		return sale_fail(c->err, "bad_field", "value",
		                 "the identifier could not be looked up");
	sale_scanned(&id, "till", NULL, c->chosen);
	if (!answer_is_somebody(c->chosen)) {
		sale_unmatched(act, &b->place, &id, c->chosen->outcome);
		sale_pick_offer(act, b, &id, c->chosen);
		return sale_done(c);
	}
	sale_person(&b->place, c->chosen, &who);
	if (c->chosen->foreign && !sale_same(&b->person, &who)) {
		sale_hold(act, b, &who, &id);
		return sale_done(c);
	}
	sale_presented(act, &b->place, &id, &who, OUTCOME_MATCHED);
	question_over(act, b, &who);
	if (!sale_same(&b->person, &who))
		sale_attach(act, b, &who, "till", "chosen");
	return sale_done(c);
}

static int customer_removed(struct call *c)
{
	struct basket *b = c->basket;
	const char *reason = sale_member(c, "reason");
	if (!reason)
		reason = "removed";
	if (b->person.profile_ref[0])
		sale_detach(&c->act, b, "till", reason);
	else if (b->removed.profile_ref[0] && !b->removed_pending)
		sale_detach_again(&c->act, b, "till", reason);
	else
		return sale_fail(c->err, "no_customer", "basket",
		                 "nobody is attached to basket \"%s\"", b->name);
	return sale_done(c);
}

static int basket_voided(struct call *c)
{
	struct basket *b = c->basket;
	sale_held_closed(&c->act, b, false);
	sale_abandoned(&c->act, b, "void", sale_member(c, "reason"));
	sale_visit_ended(&c->act, &b->place, &b->person, "void");
	b->stage_before = b->stage;
	b->stage = STAGE_CLOSING;
	b->closing = c->act.e;
	sale_news(b->lane);
	return sale_done(c);
}

static int (*const handlers[TILL_TYPE_COUNT])(struct call *) = {
    [TILL_BASKET_OPENED] = basket_opened,
    [TILL_LINE_ADDED] = sale_line_added,
    [TILL_LINE_REMOVED] = sale_line_removed,
    [TILL_LINE_CHANGED] = sale_line_changed,
    [TILL_TENDER_STARTED] = tender_started,
    [TILL_CUSTOMER_CHOSEN] = customer_chosen,
    [TILL_CUSTOMER_REMOVED] = customer_removed,
    [TILL_ORDER_COMPLETED] = sale_order_completed,
    [TILL_ORDER_CANCELLED] = sale_order_cancelled,
    [TILL_BASKET_VOIDED] = basket_voided,
    [TILL_REFUND] = sale_refund,
    [TILL_OPENED] = sale_till_opened,
    [TILL_CLOSED] = sale_till_closed,
};

static bool in_basket(enum till_type type)
{
	return type != TILL_BASKET_OPENED && type != TILL_ORDER_CANCELLED && type != TILL_REFUND &&
	       type != TILL_OPENED && type != TILL_CLOSED;
}

/* Find the message's basket; a till that has changed its lane takes its baskets along. */
static int find_basket(struct call *c)
{
	const char *name = sale_member(c, "basket");
	struct basket *b = sale_basket(c->act.s, c->m->till, name ? name : "");
	if (!b)
		return sale_fail(
		    c->err, "unknown_basket", "basket",
		    "till %s has no open basket \"%s\": expected one from basket_opened",
		    c->m->till, name ? name : "");
	if (c->m->type == TILL_LINE_ADDED && !sale_line_room(c->act.s, b))
		return no_memory(c);
	c->basket = c->act.basket = b;
	sale_begin(&c->act);
	if (b->lane != c->act.lane)
		sale_news(b->lane);
	b->lane = c->act.lane;
	sale_basket_heard(b, c->act.now);
	return 0;
}

void sale_confirmed(struct sale *s, const char *till, const char *basket,
                    const struct sale_now *now)
{
	struct basket *b = sale_basket(s, till, basket);

	if (b)
		sale_basket_heard(b, now);
}

int sale_till(struct sale *s, struct entry *e, const struct sale_now *now,
              const struct till_message *m, const struct answer *chosen, struct sale_error *err)
{
	struct call c = {
	    .act = {.s = s, .e = e, .now = now, .source = m->source, .lane = sale_lane(s, m->lane)},
	    .m = m,
	    .chosen = chosen,
	    .err = err,
	};
	*err = (struct sale_error){0};
	if (!c.act.lane)
		return sale_fail(err, "unknown_lane", "lane", "there is no lane \"%s\"", m->lane);
	if (m->type >= TILL_TYPE_COUNT || !handlers[m->type])
		return sale_fail(err, "unknown_type", "type", "this message cannot be counted");
	if (in_basket(m->type) && find_basket(&c))
		return -1;
	int rc = handlers[m->type](&c);
	if (rc && c.basket) { /* an error found on the way leaves no trace either */
		c.act.failed = true;
		sale_end(&c.act);
	}
	return rc && !err->code[0] ? no_memory(&c) : rc;
}
