#include "sim/shift.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

static int64_t cents(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	int64_t minor = 0;

	if (text)
		num_money(text, 2, &minor);
	return minor;
}

static void count_order(struct sim_shift *s, const json_t *m, bool training)
{
	const json_t *tender = json_array_get(json_object_get(m, "tenders"), 0);
	const char *receipt = json_string_value(json_object_get(m, "receipt_number"));
	int64_t taken = cents(tender, "amount") - cents(m, "change");

	s->last_order = training ? -1 : cents(m, "total");
	/* A training receipt draws a number too. */
	if (!s->first[0])
		text_copy(s->first, sizeof s->first, receipt);
	text_copy(s->last, sizeof s->last, receipt);
	if (training)
		return;
	s->orders.n++;
	s->orders.cents += cents(m, "total");
	if (strcmp(json_string_value(json_object_get(tender, "type")), "cash") == 0)
		s->cash += taken;
	else
		s->card += taken;
}

void sim_shift_count(struct sim_shift *s, const json_t *m, bool training)
{
	const char *type = json_string_value(json_object_get(m, "type"));

	if (strcmp(type, "order_completed") == 0) {
		count_order(s, m, training);
	} else if (strcmp(type, "refund") == 0 && !training) {
		s->refunds.n++;
		s->refunds.cents += cents(m, "total");
		s->cash_back += cents(m, "total");
	} else if (strcmp(type, "order_cancelled") == 0 && s->last_order >= 0) {
		s->voids.n++;
		s->voids.cents += s->last_order;
	}
}

json_t *sim_shift_open(void)
{
	return json_pack("{s:s}", "type", "till_opened");
}

static void put_money(json_t *m, const char *key, int64_t amount)
{
	char text[NUM_MONEY_SIZE];

	num_money_text(amount, 2, text);
	json_object_set_new(m, key, json_string(text));
}

static void put_tenders(json_t *m, const char *key, int64_t cash, int64_t card)
{
	json_t *list = json_array(), *one;

	if (cash > 0) {
		one = json_pack("{s:s}", "type", "cash");
		put_money(one, "amount", cash);
		json_array_append_new(list, one);
	}
	if (card > 0) {
		one = json_pack("{s:s}", "type", "card");
		put_money(one, "amount", card);
		json_array_append_new(list, one);
	}
	json_object_set_new(m, key, list);
}

json_t *sim_shift_close(const struct sim_shift *s)
{
	json_t *m =
	    json_pack("{s:s,s:I,s:I,s:I}", "type", "till_closed", "orders", (json_int_t)s->orders.n,
	              "refunds", (json_int_t)s->refunds.n, "voids", (json_int_t)s->voids.n);

	put_money(m, "orders_sum", s->orders.cents);
	put_money(m, "refunds_sum", s->refunds.cents);
	put_money(m, "voids_sum", s->voids.cents);
	put_tenders(m, "tenders", s->cash, s->card);
	put_tenders(m, "refund_tenders", s->cash_back, 0);
	if (s->first[0]) {
		json_object_set_new(m, "first_receipt_number", json_string(s->first));
		json_object_set_new(m, "last_receipt_number", json_string(s->last));
	}
	return m;
}
