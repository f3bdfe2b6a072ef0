/* What HQ's pages and our own journal say of persons: whatever they hold, persons are made of it or
 * not, and everything goes again. The bytes are lines: the first is HQ's line on whoever is asked
 * for, the others are an event's line and what it seals, in turn. */
#include <stdlib.h>
#include <string.h>

#include "identity/hint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hq {
	const char *line;
	size_t len;
};

static int lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn, void *fn_ctx)
{
	const struct hq *hq = ctx;
	struct profile p = {.customer_id = "C000017", .first_name = "Anna"};
	(void)kind;
	(void)value;
	fn(fn_ctx, &p, hq->line, hq->len);
	return 1;
}

static size_t line_at(const uint8_t *data, size_t size, size_t at)
{
	const uint8_t *nl = at < size ? memchr(data + at, '\n', size - at) : NULL;
	return nl ? (size_t)(nl - data) : size;
}

static bool typed(void *ctx, const struct overlay_typed *e)
{
	const struct hint_ask *ask = ctx;
	const struct score_plain plain = {.first_name = e->first_name,
	                                  .last_name = e->last_name,
	                                  .phone = {e->phone},
	                                  .mail = {e->email}};
	hint_alike(ask, &plain);
	return true;
}

/* A suggestion of this person to somebody of the same name and number. */
static void suggest(const struct overlay *o, const struct overlay_person *p)
{
	static const char anna[] = "Anna", berg[] = "Berg";
	struct rule_set rules;
	struct ref unit = {.byte = {9}};
	struct field_fact fact[] = {{FIELD_FIRST_NAME, {{1}}, unit, anna, "till", 50, 1, 1},
	                            {FIELD_LAST_NAME, {{2}}, unit, berg, "till", 50, 1, 1}};
	struct overlay_claim claim = {.kind = "phone", .value = "+4917283940571", .unit = unit};
	const struct overlay_person here = {.unit = &unit,
	                                    .unit_count = 1,
	                                    .claim = &claim,
	                                    .claim_count = 1,
	                                    .fact = fact,
	                                    .fact_count = 2};
	struct hint_ask ask = {.who = &here, .rules = &rules, .model = score_model_defaults()};
	struct hint best = {.mbit = 0};
	rule_defaults(&rules);
	if (!ask.model)
		return;
	hint_begin(&ask);
	hint_look(&ask, p, &best);
	if (best.mbit && (strlen(best.text) >= HINT_TEXT_SIZE || strstr(best.text, berg) ||
	                  strstr(best.text, "8394")))
		abort();
	overlay_typed(o, 16, typed, &ask);
	score_model_free((struct score_model *)ask.model);
	rule_free(&rules);
}

static void ask(struct overlay *o, const struct overlay_hq *hq)
{
	struct shard_hit hits[4];
	struct overlay_person p;
	if (overlay_find(o, "phone", "+4917283940571", hits, 4) > 4096)
		abort();
	if (overlay_person(o, hq, "customer_id", "C000017", &p) == 1) {
		if (!p.unit_count || p.unit_count > 256)
			abort();
		suggest(o, &p);
		overlay_person_free(&p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t epoch[EVENT_EPOCH_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct rule_set rules;
	size_t at = line_at(data, size, 0);
	struct hq line = {(const char *)data, at};
	const struct overlay_hq hq = {lines, &line};
	rule_defaults(&rules);
	struct overlay *o = overlay_new(&rules, NULL);
	for (uint64_t seq = 1; o && at < size && seq < 64; seq++) {
		size_t end = line_at(data, size, at + 1), last = line_at(data, size, end + 1);
		struct overlay_event ev = {.ordinal = 1, .epoch = epoch, .seq = seq};
		ev.line = (const char *)data + at + 1;
		ev.line_len = end > at ? end - at - 1 : 0;
		ev.sealed = last > end ? (const char *)data + end + 1 : NULL;
		ev.sealed_len = last > end ? last - end - 1 : 0;
		overlay_take(o, &hq, &ev);
		at = last;
	}
	if (o) {
		struct overlay_state state;
		ask(o, &hq);
		overlay_included(o, epoch, 1, UINT64_MAX);
		while (overlay_refresh(o, &hq, 16) == 1)
			;
		overlay_state(o, &state);
		if (state.events)
			line.len = 0; /* HQ's line cannot be read: then nothing is let go */
	}
	overlay_free(o);
	rule_free(&rules);
	return 0;
}
