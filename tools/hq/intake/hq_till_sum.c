#include "base/memory.h"
#include "hq/intake/hq_till_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static int by_event(const void *a, const void *b)
{
	const struct hq_till_row *x = *(const struct hq_till_row *const *)a,
	                         *y = *(const struct hq_till_row *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

enum { TENDERS_MAX = 16 };
#define COUNT_MAX 1000000000000 /* of one close */

struct side {
	int64_t n, sum;
};
struct tender {
	char type[33];
	int64_t counted, received;
};

/* One till on one day. */
struct group {
	const struct hq_till_row *row;
	size_t rows;
	const char *currency;
	struct side counted[3], received[3]; /* by enum hq_till_kind */
	int64_t closes, late, doubled;
	struct tender tender[TENDERS_MAX];
	int tenders;
};

static int64_t money_of(const struct group *g, const json_t *o, const char *key)
{
	int64_t minor = 0;
	int digits = num_currency_digits(g->currency);

	if (digits >= 0)
		num_money(text_of(o, key), digits, &minor);
	return minor;
}

/* What a store says may be any number; sums over all tills are to be numbers still. */
static int64_t count_of(const json_t *o, const char *key)
{
	int64_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : n < COUNT_MAX ? n : COUNT_MAX;
}

/* It stays at the edge instead of turning over. */
static void add(int64_t *sum, int64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = n < 0 ? -INT64_MAX : INT64_MAX;
}

static struct tender *tender_of(struct group *g, const char *type)
{
	for (int i = 0; i < g->tenders; i++) {
		if (strcmp(g->tender[i].type, type) == 0)
			return &g->tender[i];
	}
	if (g->tenders == TENDERS_MAX || !text_copy(g->tender[g->tenders].type, 33, type))
		return NULL;
	return &g->tender[g->tenders++];
}

static void add_tenders(struct group *g, const json_t *list, bool counted, int sign)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct tender *t = tender_of(g, text_of(o, "type"));
		if (t && counted)
			add(&t->counted, sign * money_of(g, o, "amount"));
		else if (t)
			add(&t->received, sign * money_of(g, o, "amount"));
	}
}

static void add_close(struct group *g, const struct hq_till_row *r)
{
	static const char *const keys[3][2] = {[HQ_TILL_ORDER] = {"orders", "orders_sum"},
	                                       [HQ_TILL_REFUND] = {"refunds", "refunds_sum"},
	                                       [HQ_TILL_VOID] = {"voids", "voids_sum"}};

	g->closes++;
	for (int k = 0; k < 3; k++) {
		g->counted[k].n += count_of(r->properties, keys[k][0]);
		add(&g->counted[k].sum, money_of(g, r->properties, keys[k][1]));
	}
	add_tenders(g, json_object_get(r->properties, "tenders"), true, 1);
	add_tenders(g, json_object_get(r->properties, "refund_tenders"), true, -1);
}

static void add_receipt(struct group *g, const struct hq_till_row *r)
{
	struct tender *cash;

	g->received[r->kind].n++;
	add(&g->received[r->kind].sum, r->amount);
	if (r->kind == HQ_TILL_VOID)
		return;
	add_tenders(g, json_object_get(r->properties, "tenders"), false,
	            r->kind == HQ_TILL_ORDER ? 1 : -1);
	cash = r->kind == HQ_TILL_ORDER ? tender_of(g, "cash") : NULL;
	if (cash)
		add(&cash->received, -money_of(g, r->properties, "change"));
}

static void add_up(struct group *g)
{
	for (size_t i = 0; i < g->rows; i++) {
		const struct hq_till_row *r = &g->row[i], *before = i > 0 ? r - 1 : NULL;

		if (r->training)
			continue;
		g->late += r->late;
		if (before && !before->training && before->kind == r->kind &&
		    strcmp(before->number, r->number) == 0) {
			g->doubled += r->kind != HQ_TILL_CLOSED;
		} else if (r->kind == HQ_TILL_CLOSED) {
			add_close(g, r);
		} else {
			add_receipt(g, r);
		}
	}
}

static json_t *money(const struct group *g, int64_t minor)
{
	char text[NUM_MONEY_SIZE];
	int digits = num_currency_digits(g->currency);

	num_money_text(minor, digits >= 0 ? digits : 2, text);
	return json_string(text);
}

static json_t *side_json(const struct group *g, enum hq_till_kind kind)
{
	bool closed = g->closes > 0;

	return json_pack(
	    "{s:o,s:o,s:I,s:o}", "counted", closed ? json_integer(g->counted[kind].n) : json_null(),
	    "counted_sum", closed ? money(g, g->counted[kind].sum) : json_null(), "received",
	    (json_int_t)g->received[kind].n, "received_sum", money(g, g->received[kind].sum));
}

static bool agrees(const struct group *g)
{
	for (int k = 0; k < 3; k++) {
		if (g->counted[k].n != g->received[k].n || g->counted[k].sum != g->received[k].sum)
			return false;
	}
	return true;
}

static int by_type(const void *a, const void *b)
{
	return strcmp(((const struct tender *)a)->type, ((const struct tender *)b)->type);
}

static json_t *tenders_json(struct group *g)
{
	json_t *list = json_array();

	qsort(g->tender, (size_t)g->tenders, sizeof g->tender[0], by_type);
	for (int i = 0; i < g->tenders; i++) {
		const struct tender *t = &g->tender[i];
		if (t->counted != 0 || t->received != 0)
			json_array_append_new(
			    list, json_pack("{s:o,s:o,s:s}", "counted",
			                    g->closes > 0 ? money(g, t->counted) : json_null(),
			                    "received", money(g, t->received), "type", t->type));
	}
	return list;
}

/* Orders and refunds draw their numbers at the same till; voids name an order's. */
static int gaps_json(const struct group *g, json_t *out)
{
	struct hq_till_number *numbers = memory_zeroed(g->rows, sizeof *numbers);
	struct hq_till_close *closes = memory_zeroed(g->rows, sizeof *closes);
	const struct hq_till_row **rows = memory_zeroed(g->rows, sizeof *rows);
	json_t *list = json_array();
	size_t n = 0, c = 0;
	int64_t not_numeric = 0;
	int rc = -1;

	if (!numbers || !closes || !rows || !list)
		goto done;
	for (size_t i = 0; i < g->rows; i++)
		rows[i] = &g->row[i];
	qsort(rows, g->rows, sizeof *rows, by_event);
	for (size_t i = 0; i < g->rows; i++) {
		const json_t *p = rows[i]->properties;
		if (rows[i]->kind == HQ_TILL_CLOSED)
			closes[c++] = (struct hq_till_close){
			    json_string_value(json_object_get(p, "first_receipt_number")),
			    json_string_value(json_object_get(p, "last_receipt_number"))};
		else if (rows[i]->kind != HQ_TILL_VOID)
			numbers[n++].text = rows[i]->number;
	}
	hq_till_gaps(numbers, n, closes, c, list, &not_numeric);
	json_object_set(out, "gaps", list);
	json_object_set_new(out, "not_numeric", json_integer(not_numeric));
	rc = 0;
done:
	json_decref(list);
	free(numbers);
	free(closes);
	free(rows);
	return rc;
}

json_t *hq_till_sum(const struct hq_till_row *rows, size_t n)
{
	struct group g = {.row = rows, .rows = n, .currency = ""};
	json_t *o;

	for (size_t i = 0; i < n && !g.currency[0]; i++)
		g.currency = rows[i].currency;
	add_up(&g);
	o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "business_date", rows->day,
	              "till", rows->till, "closes", (json_int_t)g.closes, "late",
	              (json_int_t)g.late, "doubled", (json_int_t)g.doubled, "currency", g.currency,
	              "orders", side_json(&g, HQ_TILL_ORDER), "refunds",
	              side_json(&g, HQ_TILL_REFUND), "voids", side_json(&g, HQ_TILL_VOID),
	              "tenders", tenders_json(&g), "agrees",
	              g.closes > 0 ? json_boolean(agrees(&g)) : json_null());
	if (o && gaps_json(&g, o) == 0)
		return o;
	json_decref(o);
	return NULL;
}
