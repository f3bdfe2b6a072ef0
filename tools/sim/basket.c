/* What a customer buys, as till messages: pure building, no time in it. */
#include "sim/basket.h"

#include <stdlib.h>
#include <string.h>

static void money(char out[24], int64_t cents)
{
	snprintf(out, 24, "%lld.%02lld", (long long)(cents / 100), (long long)(cents % 100));
}

static void quantity(char out[16], int milli)
{
	if (milli % 1000)
		snprintf(out, 16, "%d.%03d", milli / 1000, milli % 1000);
	else
		snprintf(out, 16, "%d", milli / 1000);
}

static int64_t line_cents(const struct sim_line *l)
{
	return ((int64_t)l->cents * l->milli + 500) / 1000;
}

static json_t *message(const struct sim_basket *b, const char *type)
{
	return json_pack("{s:s,s:s}", "type", type, "basket", b->name);
}

json_t *sim_basket_open(const struct sim_basket *b)
{
	json_t *m = message(b, "basket_opened");

	json_object_set_new(m, "staff_ref", json_string(b->staff));
	if (b->training)
		json_object_set_new(m, "training", json_true());
	return m;
}

json_t *sim_basket_add(struct sim_basket *b, struct sim_random *r)
{
	struct sim_line *l = &b->lines[b->count];
	char price[24], amount[16];
	struct sim_good good;
	json_t *m = message(b, "line_added");

	snprintf(l->name, sizeof l->name, "%d", ++b->numbered);
	l->good = sim_good_pick(r);
	sim_good(l->good, &good);
	l->milli = good.weighed
	               ? 100 + (int)sim_random_below(r, 2400)
	               : 1000 * (1 + (int)(sim_random_chance(r, 20) ? sim_random_below(r, 5) : 0));
	l->cents = good.cents;
	b->count++;
	money(price, l->cents);
	quantity(amount, l->milli);
	json_object_set_new(m, "line", json_string(l->name));
	json_object_set_new(m, "sku", json_string(good.sku));
	json_object_set_new(m, "name", json_string(good.name));
	json_object_set_new(m, "quantity", json_string(amount));
	json_object_set_new(m, "unit", json_string(good.unit));
	json_object_set_new(m, "price", json_string(price));
	json_object_set_new(m, "entry_method", json_string("scanned"));
	return m;
}

json_t *sim_basket_remove(struct sim_basket *b, struct sim_random *r)
{
	uint32_t at = sim_random_below(r, (uint32_t)b->count);
	json_t *m = message(b, "line_removed");

	json_object_set_new(m, "line", json_string(b->lines[at].name));
	json_object_set_new(m, "reason", json_string("void"));
	memmove(&b->lines[at], &b->lines[at + 1],
	        (size_t)(b->count - 1 - (int)at) * sizeof b->lines[0]);
	b->count--;
	return m;
}

json_t *sim_basket_change(struct sim_basket *b, struct sim_random *r)
{
	struct sim_line *l = &b->lines[sim_random_below(r, (uint32_t)b->count)];
	bool price = sim_random_chance(r, 40), both = price && sim_random_chance(r, 30);
	char text[24];
	json_t *m = message(b, "line_changed");

	json_object_set_new(m, "line", json_string(l->name));
	json_object_set_new(m, "reason", json_string(price ? "damaged" : "quantity"));
	if (price) {
		l->cents -= (int)sim_random_below(r, (uint32_t)l->cents / 2 + 1);
		money(text, l->cents);
		json_object_set_new(m, "price", json_string(text));
		json_object_set_new(m, "approver_ref", json_string("S1"));
	}
	if (!price || both) {
		l->milli = 1000 * (1 + (int)sim_random_below(r, 6));
		quantity(text, l->milli);
		json_object_set_new(m, "quantity", json_string(text));
	}
	return m;
}

static int64_t total(const struct sim_basket *b)
{
	int64_t sum = 0;

	for (int i = 0; i < b->count; i++)
		sum += line_cents(&b->lines[i]);
	return sum;
}

json_t *sim_basket_tender(const struct sim_basket *b)
{
	char value[24];
	json_t *m = message(b, "tender_started");

	money(value, total(b));
	json_object_set_new(m, "value", json_string(value));
	return m;
}

json_t *sim_basket_choose(const struct sim_basket *b, const char *kind, const char *value)
{
	json_t *m = message(b, "customer_chosen");

	json_object_set_new(m, "kind", json_string(kind));
	json_object_set_new(m, "value", json_string(value));
	return m;
}

json_t *sim_basket_unchoose(const struct sim_basket *b)
{
	json_t *m = message(b, "customer_removed");

	json_object_set_new(m, "reason", json_string("mistyped"));
	return m;
}

static json_t *product(const struct sim_line *l)
{
	char price[24], sum[24], amount[16];
	struct sim_good good;

	sim_good(l->good, &good);
	money(price, l->cents);
	money(sum, line_cents(l));
	quantity(amount, l->milli);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "line", l->name, "sku",
	                 good.sku, "name", good.name, "quantity", amount, "unit", good.unit,
	                 "price", price, "line_total", sum, "discount", "0.00", "tax_rate", "19.0",
	                 "line_kind", "goods");
}

static json_t *products(const struct sim_basket *b)
{
	json_t *list = json_array();

	for (int i = 0; i < b->count; i++)
		json_array_append_new(list, product(&b->lines[i]));
	return list;
}

json_t *sim_basket_complete(const struct sim_basket *b, const char *receipt, struct sim_random *r)
{
	int64_t sum = total(b), tax = (sum * 19 + 59) / 119;
	bool cash = sim_random_chance(r, 35);
	int64_t paid = cash ? (sum + 499) / 500 * 500 : sum;
	char sum_text[24], tax_text[24], paid_text[24], change_text[24], revenue[24];
	json_t *m = message(b, "order_completed");

	money(sum_text, sum);
	money(tax_text, tax);
	money(paid_text, paid);
	money(change_text, paid - sum);
	money(revenue, sum - tax);
	json_object_set_new(m, "receipt_number", json_string(receipt));
	json_object_set_new(m, "subtotal", json_string(sum_text));
	json_object_set_new(m, "discount", json_string("0.00"));
	json_object_set_new(m, "tax", json_string(tax_text));
	json_object_set_new(m, "rounding", json_string("0.00"));
	json_object_set_new(m, "total", json_string(sum_text));
	json_object_set_new(m, "revenue", json_string(revenue));
	json_object_set_new(m, "prices_include_tax", json_true());
	json_object_set_new(m, "sale_kind", json_string("sale"));
	json_object_set_new(m, "products", products(b));
	json_object_set_new(
	    m, "tenders",
	    json_pack("[{s:s,s:s}]", "type", cash ? "cash" : "card", "amount", paid_text));
	json_object_set_new(m, "change", json_string(change_text));
	return m;
}

json_t *sim_basket_void(const struct sim_basket *b)
{
	json_t *m = message(b, "basket_voided");

	json_object_set_new(m, "reason", json_string("void"));
	return m;
}

json_t *sim_basket_refund(const struct sim_basket *b, const char *number, const char *order_id)
{
	struct sim_basket one = *b;
	char sum[24], tax[24];

	one.count = 1;
	money(sum, total(&one));
	money(tax, (total(&one) * 19 + 59) / 119);
	json_t *m =
	    json_pack("{s:s,s:s,s:s?,s:o,s:s,s:s,s:[{s:s,s:s}]}", "type", "refund", "refund_number",
	              number, "original_order_id", order_id, "products", products(&one), "total",
	              sum, "tax", tax, "tenders", "type", "cash", "amount", sum);
	json_t *came_back = json_array_get(json_object_get(m, "products"), 0);
	if (order_id) {
		json_object_set_new(came_back, "original_line", json_string(one.lines[0].name));
	} else {
		json_object_set_new(m, "no_receipt_reason", json_string("lost"));
		json_object_set_new(m, "approver_ref", json_string("S1"));
		json_object_set_new(m, "exchange_id", json_string(number));
	}
	if (b->training)
		json_object_set_new(m, "training", json_true());
	return m;
}

json_t *sim_order_cancel(const char *order_id)
{
	return json_pack("{s:s,s:s,s:s,s:s}", "type", "order_cancelled", "order_id", order_id,
	                 "reason", "post_void", "approver_ref", "S2");
}
