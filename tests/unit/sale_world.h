/* A store to tell stories about: two lanes, two tills, a few people, a clock, and a journal that
 * keeps what the sale room says. Every event is checked on the way: against the catalogue, for
 * canonical form, and for an identity and a key where there has to be one.
 *
 * Calls return the names of the events they gave, "Visit Started, Basket Opened", or the code of
 * the error.
 */
#ifndef LANEWAY_TESTS_SALE_WORLD_H
#define LANEWAY_TESTS_SALE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sale/sale.h"

#define WORLD_KEYS_MAX 256
#define WORLD_EVENTS_MAX 64

/* What the journal does with an entry: keeps it, refuses it, or has not answered yet. */
enum world_journal { KEEPS, REFUSES, SILENT };

struct world {
	struct sale *s;
	struct sale_now now;
	struct sale_error err;
	enum world_journal journal;
	const char *lane, *till;                 /* of the calls to come */
	struct entry *entry;                     /* of the last call */
	struct entry *pending[WORLD_EVENTS_MAX]; /* not answered yet: `answer` does */
	size_t pending_count;
	char said[1024];
	json_t *events[WORLD_EVENTS_MAX]; /* the last call's lines */
	json_t *persons[WORLD_EVENTS_MAX];
	size_t event_count;
	struct buf lines; /* every line kept, for a replay */
	struct visit_key keys[WORLD_KEYS_MAX];
	size_t key_count;
	uint64_t seq;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	char boot[CLOCK_BOOT_ID_SIZE];
	int64_t next_us; /* when sale_tick wants to be called again */
	struct lane_view view;
};

static const char *const world_lanes[] = {"3", "4", NULL};
static const struct sale_params world_params = {
    .store = "s1",
    .currency = "EUR",
    .lanes = world_lanes,
};

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->s = sale_new(&world_params);
	w->now = (struct sale_now){
	    .mono_us = INT64_C(1000000000),
	    .wall_us = INT64_C(1795280523123000),
	    .trust = CLOCK_KERNEL,
	    .business_date = "2026-11-21",
	    .utc_offset_min = 60,
	};
	w->lane = "3";
	w->till = "T3";
	w->epoch[0] = 1;
	strcpy(w->boot, "0123456789abcdef0123456789abcde0");
	*state = w;
	return !w->s;
}

static inline void world_forget(struct world *w)
{
	for (size_t i = 0; i < w->event_count; i++) {
		json_decref(w->events[i]);
		json_decref(w->persons[i]);
	}
	w->event_count = 0;
	w->said[0] = '\0';
	entry_free(w->entry);
	w->entry = NULL;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;
	world_forget(w);
	while (w->pending_count)
		entry_free(w->pending[--w->pending_count]);
	sale_free(w->s);
	buf_free(&w->lines);
	free(w);
	return 0;
}

static inline void world_canonical(const char *text, const json_t *parsed)
{
	char *again = json_dumps(parsed, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, again);
	free(again);
}

static inline json_t *world_object(const char *text)
{
	json_error_t why;
	json_t *object = json_loads(text, 0, &why);
	if (!object)
		fail_msg("%s: %s", why.text, text);
	world_canonical(text, object);
	return object;
}

/* "Seal" for the tests: c is the plain text itself in base64url. */
static inline void world_line(struct world *w, const struct lw_event *ev, struct buf *line)
{
	char k[EVENT_ID_SIZE], c[2048];
	struct lw_event_stamp stamp = {
	    .store = "s1", .boot = w->boot, .epoch = w->epoch, .seq = ++w->seq};
	if (ev->person) {
		text_b64(ev->key.id, sizeof ev->key.id, k);
		text_b64(ev->person, strlen(ev->person), c);
		stamp.sealed_k = k;
		stamp.sealed_n = "nonce";
		stamp.sealed_c = c;
		w->keys[w->key_count++ % WORLD_KEYS_MAX] = ev->key;
	}
	assert_int_equal(lw_event_line(line, ev, &stamp), 0);
	buf_byte(line, '\0');
}

static inline void world_event(struct world *w, const struct lw_event *ev)
{
	char why[200];
	struct buf line = {0};
	json_t *properties = world_object(ev->properties);
	if (lw_event_check(ev->kind, properties, why, sizeof why))
		fail_msg("%s", why);
	json_decref(properties);
	world_line(w, ev, &line);
	assert_true(w->event_count < WORLD_EVENTS_MAX);
	w->persons[w->event_count] = ev->person ? world_object(ev->person) : NULL;
	w->events[w->event_count++] = world_object((const char *)line.data);
	size_t at = strlen(w->said);
	snprintf(w->said + at, sizeof w->said - at, "%s%s", at ? ", " : "",
	         lw_event_name(ev->kind));
	if (w->journal != REFUSES) {
		line.data[line.len - 1] = '\n';
		buf_add(&w->lines, line.data, line.len);
	}
	buf_free(&line);
}

static inline void world_answer(struct world *w, struct entry *e, bool kept)
{
	e->status = kept ? ENTRY_KEPT : ENTRY_REFUSED;
	memcpy(e->epoch, w->epoch, sizeof e->epoch);
	sale_answered(w->s, e, &w->now);
}

static inline struct entry *world_begin(struct world *w)
{
	world_forget(w);
	memset(&w->err, 0, sizeof w->err);
	return entry_new();
}

/* Take an entry over: check and remember its events, and answer it as the journal does. */
static inline const char *world_end(struct world *w, struct entry *e, int rc)
{
	uint32_t count = 0;
	e->seq = w->seq + 1;
	for (const struct lw_event *ev = e->first; ev; ev = ev->next, count++)
		world_event(w, ev);
	assert_int_equal(count, e->count);
	if (rc) {
		assert_int_equal(e->count, 0);
		assert_true(w->err.message[0]);
		snprintf(w->said, sizeof w->said, "%s", w->err.code);
	}
	if (w->journal == SILENT) {
		assert_true(w->pending_count < WORLD_EVENTS_MAX);
		w->pending[w->pending_count++] = e;
		return w->said;
	}
	if (e->count)
		world_answer(w, e, w->journal == KEEPS);
	w->entry = e;
	return w->said;
}

/* The silent journal speaks about the oldest entry it was given. */
static inline void answer(struct world *w, bool kept)
{
	assert_true(w->pending_count > 0);
	struct entry *e = w->pending[0];
	memmove(w->pending, w->pending + 1, --w->pending_count * sizeof *w->pending);
	world_answer(w, e, kept);
	entry_free(e);
}

static inline void world_answer_for(const char *who, struct answer *a)
{
	memset(a, 0, sizeof *a);
	a->kind = IDENT_LOYALTY;
	a->outcome = OUTCOME_MATCHED;
	if (!strcmp(who, "?"))
		a->outcome = OUTCOME_UNKNOWN;
	else if (!strcmp(who, "pan"))
		a->outcome = OUTCOME_REFUSED_PAN;
	else if (!strcmp(who, "both"))
		a->outcome = OUTCOME_CONFLICT;
	snprintf(a->value, sizeof a->value, "26-%s", who);
	if (!strcmp(who, "Renee")) { /* by a phone number without its country code */
		a->kind = IDENT_PHONE;
		a->foreign = true;
		strcpy(a->region, "FR");
	}
	strcpy(a->ruleset, "1");
	strcpy(a->rule, a->outcome == OUTCOME_MATCHED ? "loyalty_exact" : "no_rule");
	strcpy(a->confidence, a->outcome == OUTCOME_MATCHED ? "certain" : "none");
	if (!strcmp(who, "both") || !strcmp(who, "namesakes") || !strcmp(who, "old")) {
		static const char *const names[] = {"Anna", "Ben"};
		a->outcome = !strcmp(who, "old") ? OUTCOME_STALE : OUTCOME_CONFLICT;
		a->candidate_count = a->found = a->outcome == OUTCOME_STALE ? 1 : 2;
		for (int i = 0; i < a->candidate_count; i++) {
			struct shard_hit *h = &a->candidate[i];
			snprintf(h->profile.customer_id, sizeof h->profile.customer_id, "C-%s",
			         names[i]);
			strcpy(h->profile.first_name, names[i]);
			strcpy(h->profile.points_as_of, "2026-11-20T00:00:00.000Z");
			snprintf(h->ident_ref, sizeof h->ident_ref, "%.22s%s", names[i],
			         "......................" + strlen(names[i]));
		}
	}
	if (!strcmp(who, "namesakes")) {
		strcpy(a->candidate[0].profile.first_name, "Leo");
		strcpy(a->candidate[0].profile.name, "Leo van \u00d6st");
		strcpy(a->candidate[1].profile.first_name, "Leo");
		strcpy(a->candidate[1].profile.tier, "silver");
	}
	if (a->outcome != OUTCOME_MATCHED)
		return;
	snprintf(a->hit.profile.customer_id, sizeof a->hit.profile.customer_id, "C-%s", who);
	snprintf(a->hit.profile.first_name, sizeof a->hit.profile.first_name, "%s", who);
	strcpy(a->hit.profile.points_as_of, "2026-11-20T00:00:00.000Z");
	a->hit.profile.confidential = !strcmp(who, "Vip");
	snprintf(a->hit.ident_ref, sizeof a->hit.ident_ref, "%.22s%s", who,
	         "......................" + strlen(who));
}

static inline enum till_type world_type(const char *name)
{
	static const struct {
		enum till_type type;
		const char *name;
	} types[] = {
#define MESSAGE(symbol, name) {TILL_##symbol, name},
#include "laneway/till.def"
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcmp(types[i].name, name))
			return types[i].type;
	fail_msg("no message is called %s", name);
	return TILL_TYPE_COUNT;
}

static inline const char *world_till(struct world *w, const char *type, const char *json)
{
	char source[64];
	struct answer chosen;
	struct entry *e = world_begin(w);
	json_t *body = json_loads(json, 0, NULL);
	if (!body)
		fail_msg("not JSON: %s", json);
	snprintf(source, sizeof source, "till:%s", w->till);
	struct till_message m = {.type = world_type(type),
	                         .till = w->till,
	                         .lane = w->lane,
	                         .source = source,
	                         .body = body};
	if (m.type == TILL_CUSTOMER_CHOSEN)
		world_answer_for(json_string_value(json_object_get(body, "value")), &chosen);
	int rc = sale_till(w->s, e, &w->now, &m, m.type == TILL_CUSTOMER_CHOSEN ? &chosen : NULL,
	                   &w->err);
	json_decref(body);
	return world_end(w, e, rc);
}

/* A till's message: JSON with ' for ". */
__attribute__((format(printf, 3, 4))) static inline const char *till(struct world *w,
                                                                     const char *type,
                                                                     const char *fmt, ...)
{
	char json[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(json, sizeof json, fmt, ap);
	va_end(ap);
	for (int i = 0; i < n; i++)
		if (json[i] == '\'')
			json[i] = '"';
	return world_till(w, type, json);
}

static inline const char *opened(struct world *w, const char *basket)
{
	return till(w, "basket_opened", "{'basket':'%s','staff_ref':'staff-7'}", basket);
}
static inline const char *line(struct world *w, const char *basket, const char *id)
{
	return till(w, "line_added",
	            "{'basket':'%s','line':'%s','sku':'4001','name':'Bread','quantity':'2',"
	            "'unit':'piece','price':'2.50','entry_method':'scan'}",
	            basket, id);
}
static inline const char *tender(struct world *w, const char *basket)
{
	return till(w, "tender_started", "{'basket':'%s','value':'5.00'}", basket);
}
static inline const char *order(struct world *w, const char *basket)
{
	return till(
	    w, "order_completed",
	    "{'basket':'%s','receipt_number':'R-%s','subtotal':'5.00','discount':'0.00',"
	    "'tax':'0.33','rounding':'-0.01','total':'4.99','revenue':'4.67',"
	    "'prices_include_tax':true,'sale_kind':'sale','products':[{'line':'1','sku':'4001',"
	    "'name':'Bread','quantity':'2','unit':'piece','price':'2.50','line_total':'5.00',"
	    "'discount':'0.00','tax_rate':'7','line_kind':'goods'}],"
	    "'tenders':[{'type':'cash','amount':'10.00'}],'change':'5.01'}",
	    basket, basket);
}
static inline const char *voided(struct world *w, const char *basket)
{
	return till(w, "basket_voided", "{'basket':'%s'}", basket);
}
static inline const char *chosen(struct world *w, const char *basket, const char *who)
{
	return till(w, "customer_chosen", "{'basket':'%s','kind':'loyalty','value':'%s'}", basket,
	            who);
}
static inline const char *removed(struct world *w, const char *basket)
{
	return till(w, "customer_removed", "{'basket':'%s'}", basket);
}

/* who: a name, or "?" (unknown), "pan" (a card number), "both" (two customers),
 * "namesakes" (two of one first name). */
static inline const char *scan(struct world *w, const char *who)
{
	struct answer a;
	struct entry *e = world_begin(w);
	world_answer_for(who, &a);
	assert_int_equal(sale_scan(w->s, e, &w->now, w->lane, "scan-3", "scan", "]C1", &a), 0);
	return world_end(w, e, 0);
}

static inline struct lane_view *look(struct world *w)
{
	assert_true(sale_view(w->s, w->lane, &w->view));
	return &w->view;
}

static inline const char *choose(struct world *w, const char *choice)
{
	char question[EVENT_ID_SIZE];
	memcpy(question, look(w)->question_id, sizeof question);
	struct entry *e = world_begin(w);
	int rc = sale_choose(w->s, e, &w->now, w->lane, question, choice, &w->err);
	return world_end(w, e, rc);
}

static inline const char *wrong(struct world *w)
{
	struct entry *e = world_begin(w);
	int rc = sale_wrong_customer(w->s, e, &w->now, w->lane, &w->err);
	return world_end(w, e, rc);
}

static inline const char *later(struct world *w, double seconds)
{
	struct entry *e = world_begin(w);
	w->now.mono_us += (int64_t)(seconds * 1e6);
	w->now.wall_us += (int64_t)(seconds * 1e6);
	w->next_us = sale_tick(w->s, e, &w->now);
	assert_true(w->next_us > w->now.mono_us);
	return world_end(w, e, 0);
}

/* Who the screen shows: the name, "-", "unknown", "refused", "conflict", "(struck) name". */
static inline const char *shown(struct world *w)
{
	static const char *const states[] = {"-",      "",        "unknown", "refused", "conflict",
	                                     "shared", "blocked", "stale",   "staff"};
	const struct lane_view *v = look(w);
	if (v->person != PERSON_KNOWN)
		return states[v->person];
	snprintf(w->said, sizeof w->said, "%s%s", v->person_struck ? "(struck) " : "",
	         v->profile.first_name);
	return w->said;
}

static inline const char *question(struct world *w)
{
	return look(w)->question_text;
}

/* The n-th event of this name in the last call, or a failed test. */
static inline json_t *event(struct world *w, const char *name, json_t **person)
{
	for (size_t i = 0; i < w->event_count; i++) {
		if (strcmp(json_string_value(json_object_get(w->events[i], "event")), name) != 0)
			continue;
		if (person)
			*person = w->persons[i];
		return w->events[i];
	}
	fail_msg("there is no %s", name);
	return NULL;
}

/* A member of that event: of its properties, else of context.laneway, else of the identity or
 * sealed part, else of the sealed person. "null" and "-" (absent) as text; booleans "true" and
 * "false". */
static inline const char *of(struct world *w, const char *name, const char *key)
{
	static char copies[8][512]; /* so that two answers can be compared */
	static unsigned turn;
	char *copy = copies[turn++ % 8];
	json_t *person = NULL, *ev = event(w, name, &person);
	json_t *context = json_object_get(json_object_get(ev, "context"), "laneway");
	json_t *places[] = {json_object_get(ev, "properties"), context,
	                    json_object_get(context, "identity"),
	                    json_object_get(context, "sealed"), person};
	json_t *value = NULL;
	for (size_t i = 0; i < sizeof places / sizeof *places && !value; i++)
		value = json_object_get(places[i], key);
	char *text =
	    value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	bool quoted = json_is_string(value);
	snprintf(copy, 512, "%.*s", (int)(text ? strlen(text) - (quoted ? 2 : 0) : 1),
	         text ? text + quoted : "-");
	free(text);
	return copy;
}

#define world_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
