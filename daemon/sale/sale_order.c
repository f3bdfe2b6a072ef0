#include <stdio.h>
#include <string.h>

#include "sale/sale_internal.h"

static const char *const since_names[] = {
    [SINCE_NONE] = "none",
    [SINCE_START] = "start",
    [SINCE_DURING] = "during",
    [SINCE_END] = "end",
};

/* The members of a list's object that the event has under another name, and all in the order of
 * their names in the event. */
struct rename {
	const char *key, *from;
};
static const struct rename product_members[] = {
    {"discount", "discount"},     {"line_id", "line"},      {"line_kind", "line_kind"},
    {"line_total", "line_total"}, {"name", "name"},         {"original_line_id", "original_line"},
    {"price", "price"},           {"quantity", "quantity"}, {"sku", "sku"},
    {"tax_rate", "tax_rate"},     {"unit", "unit"},
};
static const struct rename tender_members[] = {{"amount", "amount"}, {"type", "type"}};

static void list_of(struct buf *b, const json_t *list, const struct rename *members, size_t n)
{
	size_t i;
	const json_t *item;
	buf_byte(b, '[');
	json_array_foreach(list, i, item)
	{
		buf_str(b, i ? ",{" : "{");
		for (size_t m = 0; m < n; m++) {
			const char *value =
			    json_string_value(json_object_get(item, members[m].from));
			if (value)
				member_text(b, members[m].key, value);
		}
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static void products(const struct call *c, struct buf *b)
{
	buf_str(b, ",\"products\":");
	list_of(b, json_object_get(c->m->body, "products"), product_members,
	        sizeof product_members / sizeof *product_members);
}

void sale_tenders(const struct call *c, struct buf *b, const char *key)
{
	member_key(b, key);
	list_of(b, json_object_get(c->m->body, key), tender_members,
	        sizeof tender_members / sizeof *tender_members);
}

/* store/till/business date/number: numbers restart with the day and at every till. */
static void number_id(const struct call *c, const char *number, char out[129])
{
	const char *date = sale_member(c, "business_date");
	snprintf(out, 129, "%s/%s/%s/%s", c->act.s->store, c->m->till,
	         date ? date : c->act.now->business_date, number);
}

static void order_event(struct call *c, const char *order_id)
{
	struct basket *b = c->basket;
	struct buf *p = sale_object(c->act.s);
	member_text(p, "cart_id", b->place.basket_id);
	member_text(p, "change", sale_member(c, "change"));
	member_text(p, "currency", c->act.s->currency);
	member_text(p, "discount", sale_member(c, "discount"));
	member_text(p, "identified_at", since_names[b->since]);
	member_text(p, "order_id", order_id);
	member_bool(p, "prices_include_tax",
	            json_is_true(json_object_get(c->m->body, "prices_include_tax")));
	products(c, p);
	member_text(p, "receipt_number", sale_member(c, "receipt_number"));
	member_text(p, "revenue", sale_member(c, "revenue"));
	member_text(p, "rounding", sale_member(c, "rounding"));
	/* A till does not know whose card it was. */
	const char *kind = sale_member(c, "sale_kind");
	bool staff = sale_staff_sale(b) && !strcmp(kind, "sale");
	member_text(p, "sale_kind", staff ? "staff" : kind);
	member_text(p, "subtotal", sale_member(c, "subtotal"));
	member_text(p, "tax", sale_member(c, "tax"));
	sale_tenders(c, p, "tenders");
	member_text(p, "total", sale_member(c, "total"));
	struct lw_event *ev = sale_event(&c->act, EVENT_ORDER_COMPLETED, &b->place, &b->person);
	if (ev)
		ev->urgent = b->person.profile_ref[0] && !b->place.training;
}

static void order_last(struct call *c, const char *order_id)
{
	struct basket *b = c->basket;
	struct last *last = &c->act.lane->last;
	const struct basket *front = sale_front(c->act.s, c->act.lane);
	last->on = !front || !front->had_line;
	last->shown = !front;
	last->place = b->place;
	last->person = b->person;
	memcpy(last->till, b->till, sizeof last->till);
	text_copy(last->order_id, sizeof last->order_id, order_id);
	last->pending = NULL;
	last->spot = b->spot;
	last->at_us = c->act.now->mono_us;
}

int sale_order_completed(struct call *c)
{
	struct act *act = &c->act;
	struct basket *b = c->basket;
	char order_id[129];
	number_id(c, sale_member(c, "receipt_number"), order_id);
	if (sale_member(c, "business_date") &&
	    !(act->date = entry_text(act->e, sale_member(c, "business_date"))))
		act->failed = true;
	sale_first_line(act); /* a till may send its lines with the order alone */
	order_event(c, order_id);
	sale_visit_ended(act, &b->place, &b->person, "sale");
	b->stage_before = b->stage;
	b->stage = STAGE_CLOSING;
	b->closing = act->e;
	order_last(c, order_id);
	sale_news(b->lane);
	sale_held_closed(act, b, true);
	return sale_done(c);
}

int sale_order_cancelled(struct call *c)
{
	struct place nowhere = {0};
	sale_begin(&c->act);
	struct buf *p = sale_object(c->act.s);
	member_text(p, "approver_ref", sale_member(c, "approver_ref"));
	member_text(p, "order_id", sale_member(c, "order_id"));
	member_text(p, "reason", sale_member(c, "reason"));
	sale_event(&c->act, EVENT_ORDER_CANCELLED, &nowhere, NULL);
	return sale_done(c);
}

int sale_refund(struct call *c)
{
	char refund_id[129];
	struct place visit = {.training = json_is_true(json_object_get(c->m->body, "training"))};
	number_id(c, sale_member(c, "refund_number"), refund_id);
	c->act.date = sale_member(c, "business_date");
	sale_begin(&c->act);
	sale_id(visit.visit_id);
	struct buf *p = sale_object(c->act.s);
	member_text(p, "approver_ref", sale_member(c, "approver_ref"));
	member_text(p, "currency", c->act.s->currency);
	member_text(p, "exchange_id", sale_member(c, "exchange_id"));
	member_text(p, "no_receipt_reason", sale_member(c, "no_receipt_reason"));
	member_text(p, "original_order_id", sale_member(c, "original_order_id"));
	products(c, p);
	member_text(p, "refund_id", refund_id);
	member_text(p, "tax", sale_member(c, "tax"));
	sale_tenders(c, p, "tenders");
	member_text(p, "total", sale_member(c, "total"));
	sale_event(&c->act, EVENT_ORDER_REFUNDED, &visit, NULL);
	return sale_done(c);
}
