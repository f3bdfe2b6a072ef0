/* A day as bytes: each pair is one call and its argument, with a journal that keeps, refuses or is
 * late. Every event has to fit the catalogue, and every error has to leave no event.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sale/sale.h"

#define PENDING_MAX 8

struct day {
	struct sale *s;
	struct sale_now now;
	struct entry *pending[PENDING_MAX];
	size_t pending_count;
};

static void check(const struct entry *e, int rc)
{
	char why[200];
	if (rc && e->count)
		abort();
	for (const struct lw_event *ev = e->first; ev; ev = ev->next) {
		json_t *properties = json_loads(ev->properties, 0, NULL);
		if (!properties || lw_event_check(ev->kind, properties, why, sizeof why)) {
			fprintf(stderr, "%s: %s\n", properties ? why : "not JSON", ev->properties);
			abort();
		}
		json_decref(properties);
	}
}

static void answer(struct day *d, bool kept)
{
	struct entry *e = d->pending[0];
	memmove(d->pending, d->pending + 1, --d->pending_count * sizeof *d->pending);
	e->status = kept ? ENTRY_KEPT : ENTRY_REFUSED;
	sale_answered(d->s, e, &d->now);
	entry_free(e);
}

static void resolved(uint8_t arg, struct answer *a)
{
	static const enum outcome outcomes[] = {
	    OUTCOME_MATCHED, OUTCOME_MATCHED, OUTCOME_MATCHED,  OUTCOME_MATCHED,
	    OUTCOME_UNKNOWN, OUTCOME_SHARED,  OUTCOME_CONFLICT, OUTCOME_REFUSED_PAN};
	memset(a, 0, sizeof *a);
	a->outcome = outcomes[arg % 8];
	a->kind = IDENT_LOYALTY;
	snprintf(a->hit.profile.customer_id, sizeof a->hit.profile.customer_id, "C%d", arg % 12);
	snprintf(a->hit.profile.first_name, sizeof a->hit.profile.first_name, "\"N%d", arg % 12);
	a->hit.profile.confidential = arg % 5 == 0;
}

static const char *const messages[] = {
    [TILL_BASKET_OPENED] = "{\"basket\":\"%d\",\"training\":false}",
    [TILL_LINE_ADDED] = "{\"basket\":\"%d\",\"line\":\"%d\",\"sku\":\"1\",\"name\":\"x\","
                        "\"quantity\":\"0.5\",\"unit\":\"kg\",\"price\":\"9999999999999.99\","
                        "\"entry_method\":\"scan\"}",
    [TILL_LINE_REMOVED] = "{\"basket\":\"%d\",\"line\":\"%d\",\"reason\":\"x\"}",
    [TILL_LINE_CHANGED] =
        "{\"basket\":\"%d\",\"line\":\"%d\",\"price\":\"1.00\",\"quantity\":\"7\","
        "\"reason\":\"x\"}",
    [TILL_TENDER_STARTED] = "{\"basket\":\"%d\",\"value\":\"1.00\"}",
    [TILL_CUSTOMER_CHOSEN] = "{\"basket\":\"%d\",\"kind\":\"loyalty\",\"value\":\"x\"}",
    [TILL_CUSTOMER_REMOVED] = "{\"basket\":\"%d\"}",
    [TILL_ORDER_COMPLETED] =
        "{\"basket\":\"%d\",\"receipt_number\":\"%d\",\"subtotal\":\"1.00\",\"discount\":\"0.00\","
        "\"tax\":\"0.00\",\"rounding\":\"-0.01\",\"total\":\"1.00\",\"revenue\":\"1.00\","
        "\"prices_include_tax\":true,\"sale_kind\":\"sale\",\"products\":[],\"tenders\":[],"
        "\"change\":\"0.00\"}",
    [TILL_ORDER_CANCELLED] = "{\"order_id\":\"%d\",\"reason\":\"x\"}",
    [TILL_BASKET_VOIDED] = "{\"basket\":\"%d\"}",
    [TILL_REFUND] = "{\"refund_number\":\"%d\",\"original_order_id\":null,\"products\":[],"
                    "\"total\":\"1.00\",\"tax\":\"0.00\",\"tenders\":[]}",
    [TILL_OPENED] = "{\"staff_ref\":\"%d\"}",
    [TILL_CLOSED] = "{\"first_receipt_number\":\"%d\",\"last_receipt_number\":\"%d\","
                    "\"orders\":2,\"orders_sum\":\"1.00\",\"refunds\":0,"
                    "\"refunds_sum\":\"0.00\",\"voids\":0,\"voids_sum\":\"0.00\","
                    "\"tenders\":[{\"type\":\"cash\",\"amount\":\"1.00\"}]}",
};
_Static_assert(sizeof messages / sizeof messages[0] == TILL_TYPE_COUNT,
               "every message of the table can come");

static int till(struct day *d, struct entry *e, enum till_type type, uint8_t arg)
{
	char json[512];
	struct answer chosen;
	struct sale_error err;
	/* Two tills on the first lane, so that baskets meet there. */
	struct till_message m = {.type = type,
	                         .till = arg & 64 ? "T4" : "T3",
	                         .lane = arg & 128 ? "4" : "3",
	                         .source = "till:T"};
	resolved(arg, &chosen);
	if (type == TILL_HELLO || type == TILL_MADE)
		return sale_till(d->s, e, &d->now, &m, NULL, &err);
#pragma clang diagnostic ignored "-Wformat-nonliteral"
	snprintf(json, sizeof json, messages[type], arg & 3, arg >> 2 & 7);
	m.body = json_loads(json, 0, NULL);
	int rc = sale_till(d->s, e, &d->now, &m, &chosen, &err);
	json_decref(m.body);
	return rc;
}

static int tap(struct day *d, struct entry *e, uint8_t arg)
{
	static const char *const choices[] = {"this", "next", "last", "replace", "keep", ""};
	struct lane_view view;
	struct sale_error err;
	const char *lane = arg & 128 ? "4" : "3";
	sale_view(d->s, lane, &view);
	if (arg & 64)
		return sale_wrong_customer(d->s, e, &d->now, lane, &err);
	return sale_choose(d->s, e, &d->now, lane, view.question_id, choices[arg % 6], &err);
}

static int scan(struct day *d, struct entry *e, uint8_t arg)
{
	struct answer a;
	resolved(arg, &a);
	return sale_scan(d->s, e, &d->now, arg & 128 ? "4" : "3", "scan-3", "scan", "]C1", &a);
}

/* A lane whose till is awaited: scans are kept, and find their place later. */
static int early(struct day *d, struct entry *e, uint8_t arg)
{
	const char *lane = arg & 128 ? "4" : "3";
	struct sale_early found;
	struct answer a;
	resolved(arg, &a);
	sale_await(d->s, lane, arg & 64);
	if (arg & 32)
		return sale_early(d->s, e, &d->now, lane, "scan-3", "scan", NULL, &a);
	if (!sale_early_next(d->s, lane, d->now.mono_us + 1, &found))
		return 0;
	return sale_tie(d->s, e, &d->now, &found, arg & 16, &a);
}

/* The upper bits of the call say what the journal does. */
static void one(struct day *d, uint8_t call, uint8_t arg)
{
	struct entry *e = entry_new();
	int rc = 0;
	uint8_t what = call & 31;
	if (what < TILL_TYPE_COUNT) {
		rc = till(d, e, (enum till_type)what, arg);
	} else if (what < 20) {
		rc = scan(d, e, arg);
	} else if (what < 24) {
		rc = tap(d, e, arg);
	} else if (what < 26) {
		rc = early(d, e, arg);
	} else {
		d->now.mono_us += (int64_t)arg * arg * 20000;
		if (sale_tick(d->s, e, &d->now) <= d->now.mono_us)
			abort();
	}
	check(e, rc);
	d->pending[d->pending_count++] = e;
	if (call >> 6 != 3)
		answer(d, call >> 6 != 2);
	else if (d->pending_count == PENDING_MAX)
		answer(d, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lanes[] = {"3", "4", NULL};
	const struct sale_params params = {.store = "s1", .currency = "EUR", .lanes = lanes};
	struct day d = {.s = sale_new(&params), .now = {.business_date = "2026-11-21"}};
	struct lane_view view;
	if (!d.s)
		return 0;
	for (size_t i = 0; i + 1 < size && i < 2000; i += 2) {
		one(&d, data[i], data[i + 1]);
		if (!sale_view(d.s, "3", &view) || !sale_view(d.s, "4", &view))
			abort();
		while (sale_changed(d.s))
			continue;
	}
	while (d.pending_count)
		answer(&d, true);
	sale_free(d.s);
	return 0;
}
