#include <string.h>

#include "sale/sale_internal.h"

static void product(struct call *c, enum event_kind kind, const struct line *line,
                    const char *reason)
{
	struct sale *s = c->act.s;
	const struct lane_line *shown = &line->shown;
	struct buf *p = sale_object(s);
	member_text(p, "cart_id", c->basket->place.basket_id);
	member_text(p, "currency", s->currency);
	member_text(p, "entry_method", line->entry_method);
	member_text(p, "line_id", shown->line_id);
	member_text(p, "name", shown->name);
	sale_money(s, "price", shown->price);
	member_text(p, "quantity", shown->quantity);
	if (reason)
		member_text(p, "reason", reason);
	member_text(p, "sku", line->sku);
	member_text(p, "unit", shown->unit);
	sale_event(&c->act, kind, &c->basket->place, &c->basket->person);
}

/* Quantity and price of the line as it would be, with its total. */
static int line_value(struct call *c, struct line *line)
{
	const char *quantity = sale_member(c, "quantity"), *price = sale_member(c, "price");
	struct lane_line *shown = &line->shown;
	if (quantity && (!num_quantity(quantity, &line->milli) ||
	                 !text_copy(shown->quantity, sizeof shown->quantity, quantity)))
		return sale_fail(c->err, "bad_field", "quantity",
		                 "expected a quantity such as \"0.420\"");
	if (price && (!num_money(price, c->act.s->digits, &shown->price) || shown->price < 0))
		return sale_fail(c->err, "bad_field", "price",
		                 "expected an amount that is not negative");
	if (!sale_line_total(line->milli, shown->price, &shown->total))
		return sale_fail(c->err, "bad_field", quantity ? "quantity" : "price",
		                 "quantity times price has more than 15 digits");
	return 0;
}

/* The most that a line can come to count, whatever the journal says to what is on its way. */
static int64_t worst_total(const struct line *line)
{
	int64_t old = 0;
	if (line->changed && !sale_line_total(line->old_milli, line->old_price, &old))
		return MINOR_MAX;
	return old > line->shown.total ? old : line->shown.total;
}

static int value_fits(struct call *c, const struct line *old, const struct line *new)
{
	const struct basket *b = c->basket;
	int64_t value = new->shown.total;
	/* A change may be refused: then the line is what it was. */
	if (old && new->changed && old->shown.total > value)
		value = old->shown.total;
	for (size_t i = 0; b->lines && i < b->line_count; i++) {
		if (&b->lines[i] != old)
			value += worst_total(&b->lines[i]);
	}
	if (value <= MINOR_MAX)
		return 0;
	return sale_fail(c->err, "bad_field", "price",
	                 "the basket's value has more than 15 digits");
}

static int line_read(struct call *c, struct line *line)
{
	text_copy(line->shown.line_id, sizeof line->shown.line_id, sale_member(c, "line"));
	text_copy(line->shown.name, sizeof line->shown.name, sale_member(c, "name"));
	text_copy(line->shown.unit, sizeof line->shown.unit, sale_member(c, "unit"));
	text_copy(line->sku, sizeof line->sku, sale_member(c, "sku"));
	text_copy(line->entry_method, sizeof line->entry_method, sale_member(c, "entry_method"));
	return line_value(c, line);
}

int sale_line_added(struct call *c)
{
	struct basket *b = c->basket;
	struct line *old = sale_line(b, sale_member(c, "line"));
	struct line line = {.pending = c->act.e, .shown.provisional = true};
	if (!old && b->line_count >= LINES_MAX)
		return sale_fail(c->err, "too_many", "line", "a basket has at most %d lines",
		                 LINES_MAX);
	if (line_read(c, &line) || value_fits(c, old, &line))
		return -1;
	sale_first_line(&c->act);
	product(c, EVENT_PRODUCT_ADDED, &line, NULL);
	if (sale_done(c))
		return -1;
	if (old)
		*old = line;
	else
		b->lines[b->line_count++] = line;
	b->unsettled = true;
	sale_touch(b->lane);
	return 0;
}

static struct line *find_line(struct call *c)
{
	const char *line_id = sale_member(c, "line");
	struct line *line = sale_line(c->basket, line_id);
	if (line && !line->gone)
		return line;
	sale_fail(c->err, "unknown_line", "line", "basket \"%s\" has no line \"%s\"",
	          c->basket->name, line_id);
	return NULL;
}

int sale_line_removed(struct call *c)
{
	struct line *line = find_line(c);
	if (!line)
		return -1;
	product(c, EVENT_PRODUCT_REMOVED, line, sale_member(c, "reason"));
	if (sale_done(c))
		return -1;
	line->gone = true;
	line->changed = false;
	line->pending = c->act.e;
	c->basket->unsettled = true;
	sale_touch(c->basket->lane);
	return 0;
}

static void line_change(struct call *c, const char *field, const char *from)
{
	struct basket *b = c->basket;
	struct buf *p = sale_object(c->act.s);
	member_text(p, "approver_ref", sale_member(c, "approver_ref"));
	member_text(p, "basket_id", b->place.basket_id);
	member_text(p, "field", field);
	member_text(p, "from", from);
	member_text(p, "line_id", sale_member(c, "line"));
	member_text(p, "reason", sale_member(c, "reason"));
	member_text(p, "to", sale_member(c, field));
	sale_event(&c->act, EVENT_BASKET_LINE_CHANGED, &b->place, &b->person);
}

int sale_line_changed(struct call *c)
{
	char price[NUM_MONEY_SIZE];
	struct line *line = find_line(c);
	if (!line)
		return -1;
	struct line new = *line;
	if (!sale_member(c, "quantity") && !sale_member(c, "price"))
		return sale_fail(c->err, "missing_field", "quantity",
		                 "expected quantity, price or both");
	new.changed = true;
	if (line_value(c, &new) || value_fits(c, line, &new))
		return -1;
	if (sale_member(c, "quantity"))
		line_change(c, "quantity", line->shown.quantity);
	num_money_text(line->shown.price, c->act.s->digits, price);
	if (sale_member(c, "price"))
		line_change(c, "price", price);
	if (sale_done(c))
		return -1;
	memcpy(new.old_quantity, line->shown.quantity, sizeof new.old_quantity);
	new.old_milli = line->milli;
	new.old_price = line->shown.price;
	new.pending = c->act.e;
	new.shown.provisional = true;
	*line = new;
	c->basket->unsettled = true;
	sale_touch(c->basket->lane);
	return 0;
}
