#include "hq/identity/hq_fact.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define HQ_FACT_ORDER_ID_MAX 160 /* bytes: store/till/date/number */

static const char *const kind_names[HQ_FACT_KIND_COUNT] = {
    [HQ_FACT_NONE] = "none",         [HQ_FACT_ATTACHED] = "attached",
    [HQ_FACT_DETACHED] = "detached", [HQ_FACT_ORDER] = "order",
    [HQ_FACT_REFUNDED] = "refunded", [HQ_FACT_CANCELLED] = "cancelled",
    [HQ_FACT_CLAIMED] = "claimed",
};

const char *hq_fact_kind_name(enum hq_fact_kind kind)
{
	return kind_names[kind];
}

static enum hq_fact_kind kind_of(const char *event)
{
	switch (lw_event_kind_of(event)) {
	case EVENT_CUSTOMER_ATTACHED:
		return HQ_FACT_ATTACHED;
	case EVENT_CUSTOMER_DETACHED:
		return HQ_FACT_DETACHED;
	case EVENT_ORDER_COMPLETED:
		return HQ_FACT_ORDER;
	case EVENT_ORDER_REFUNDED:
		return HQ_FACT_REFUNDED;
	case EVENT_ORDER_CANCELLED:
		return HQ_FACT_CANCELLED;
	case EVENT_ORDER_CLAIMED:
		return HQ_FACT_CLAIMED;
	default:
		return HQ_FACT_NONE;
	}
}

static char *items_of(const json_t *products)
{
	json_t *list = json_array(), *item;
	char *text;

	for (size_t i = 0; i < json_array_size(products) && i < HQ_FACT_ITEMS_MAX; i++) {
		const json_t *p = json_array_get(products, i);
		item = json_object();
		for (const char *const *key =
		         (const char *const[]){"name", "quantity", "sku", NULL};
		     *key; key++) {
			json_t *value = json_object_get(p, *key);
			if (json_is_string(value))
				json_object_set(item, *key, value);
		}
		json_array_append_new(list, item);
	}
	text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(list);
	return text;
}

static bool read_money(const struct hq_line *line, const char *key, struct hq_fact *out)
{
	int digits;

	out->currency = hq_line_text(line, "currency");
	digits = num_currency_digits(out->currency);
	return digits >= 0 && num_money(hq_line_text(line, key), digits, &out->amount);
}

static bool order_id_ok(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n <= HQ_FACT_ORDER_ID_MAX;
}

/* An order's number begins with its store: no store can speak for another one's tills. */
static bool is_own(const char *order_id, const char *store)
{
	size_t n = strlen(store);

	return order_id_ok(order_id) && strncmp(order_id, store, n) == 0 && order_id[n] == '/';
}

static int read_order(const struct hq_line *line, const char *store, struct hq_fact *out,
                      const char **why)
{
	out->order_id = hq_line_text(line, "order_id");
	out->basket = hq_line_text(line, "cart_id");
	*why = "an order without a number of its own store";
	if (!is_own(out->order_id, store))
		return -1;
	*why = "an order without a total";
	if (!read_money(line, "total", out))
		return -1;
	if (!out->visit[0])
		out->visit = out->basket;
	out->ref = hq_line_text(line, "sale_kind");
	out->items = items_of(json_object_get(line->properties, "products"));
	return 0;
}

static int read_refund(const struct hq_line *line, struct hq_fact *out, const char **why)
{
	out->order_id = hq_line_text(line, "original_order_id");
	out->ref = hq_line_text(line, "refund_id");
	*why = "a refund without a number or a total";
	if (!out->ref[0] || strlen(out->order_id) > HQ_FACT_ORDER_ID_MAX)
		return -1;
	return read_money(line, "total", out) ? 0 : -1;
}

static int read_named(const struct hq_line *line, struct hq_fact *out, const char **why)
{
	out->order_id = hq_line_text(line, "order_id");
	*why = "a word on an order without its number";
	return order_id_ok(out->order_id) ? 0 : -1;
}

int hq_fact_read(const struct hq_line *line, const char *store, struct hq_fact *out,
                 const char **why)
{
	*out = (struct hq_fact){.kind = kind_of(line->event),
	                        .basket = line->basket,
	                        .order_id = "",
	                        .ref = "",
	                        .visit = line->visit,
	                        .currency = "",
	                        .time_us = line->time_us,
	                        .training = line->training};
	out->profile_ref = hq_line_text(line, "profile_ref");
	switch (out->kind) {
	case HQ_FACT_ATTACHED:
	case HQ_FACT_DETACHED:
		out->basket = hq_line_text(line, "basket_id");
		out->names_person = out->kind == HQ_FACT_ATTACHED;
		*why = "a customer on no basket";
		return out->basket[0] ? 0 : -1;
	case HQ_FACT_ORDER:
		return read_order(line, store, out, why);
	case HQ_FACT_REFUNDED:
		return read_refund(line, out, why);
	case HQ_FACT_CLAIMED:
		out->names_person = true;
		return read_named(line, out, why);
	case HQ_FACT_CANCELLED:
		return read_named(line, out, why);
	default:
		return 0;
	}
}

void hq_fact_free(struct hq_fact *fact)
{
	free(fact->items);
	fact->items = NULL;
}

static bool read_ref(const json_t *root, const char *key, struct ref *out)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text && text_unb64(text, strlen(text), out->byte, sizeof out->byte) ==
	                   (ssize_t)sizeof out->byte;
}

bool hq_fact_who(const char *json, size_t len, struct hq_fact_who *out)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	const char *id = json_string_value(json_object_get(root, "customer_id"));
	size_t n = id ? strlen(id) : 0;
	bool ok = n >= 7 && n <= 10 && id[0] == 'C' && strspn(id + 1, "0123456789") == n - 1;

	*out = (struct hq_fact_who){0};
	if (ok)
		memcpy(out->customer, id, n + 1);
	else
		ok = read_ref(root, "customer_id", &out->unit);
	if (!read_ref(root, "ident_ref", &out->claim))
		out->claim = (struct ref){0};
	json_decref(root);
	return ok;
}
