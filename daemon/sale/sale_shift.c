/* The till's own day: what it says it sold is compared at HQ with what was received. */
#include <string.h>

#include "sale/sale_internal.h"

static int64_t number(const struct call *c, const char *key)
{
	return json_integer_value(json_object_get(c->m->body, key));
}

/* The store's date unless the till keeps its own. */
static void begin(struct call *c, struct place *at)
{
	const char *staff_ref = sale_member(c, "staff_ref");
	if (staff_ref)
		text_copy(at->staff_ref, sizeof at->staff_ref, staff_ref);
	c->act.date = sale_member(c, "business_date");
	sale_begin(&c->act);
	bool opened = c->m->type == TILL_OPENED;
	sale_served_by(c->act.s, c->act.lane, opened ? at->staff_ref : "");
}

int sale_till_opened(struct call *c)
{
	struct place at = {0};
	begin(c, &at);
	struct buf *p = sale_object(c->act.s);
	member_text(p, "business_date", c->act.date);
	member_text(p, "till", c->m->till);
	sale_event(&c->act, EVENT_TILL_OPENED, &at, NULL);
	return sale_done(c);
}

int sale_till_closed(struct call *c)
{
	struct place at = {0};
	begin(c, &at);
	struct buf *p = sale_object(c->act.s);
	member_text(p, "business_date", c->act.date);
	member_text(p, "currency", c->act.s->currency);
	member_text(p, "first_receipt_number", sale_member(c, "first_receipt_number"));
	member_text(p, "last_receipt_number", sale_member(c, "last_receipt_number"));
	member_integer(p, "orders", number(c, "orders"));
	member_text(p, "orders_sum", sale_member(c, "orders_sum"));
	sale_tenders(c, p, "refund_tenders");
	member_integer(p, "refunds", number(c, "refunds"));
	member_text(p, "refunds_sum", sale_member(c, "refunds_sum"));
	sale_tenders(c, p, "tenders");
	member_text(p, "till", c->m->till);
	member_integer(p, "voids", number(c, "voids"));
	member_text(p, "voids_sum", sale_member(c, "voids_sum"));
	sale_event(&c->act, EVENT_TILL_CLOSED, &at, NULL);
	return sale_done(c);
}
