/* Two stores and HQ, without a network: what each store shows of people is what HQ says of them
 * once everything has arrived everywhere; until then every change of its own is there at once,
 * once.
 *
 * They say all that a store can say of people: enrolments, corrections, points, choices, links and
 * what takes them back, blocks, shares and what lifts them; HQ's steward does the same. A case is
 * phases. In some both stores and HQ say things, batches and pages flow at random moments, late,
 * out of order and without their keys, and stores start anew in between. In others one store speaks
 * alone: what it showed before HQ heard is what HQ makes of it, for everybody whom both take for
 * the same records with the same identifiers. Where they do not is counted by cause
 * (two_stores_cause.c). Behind each phase, when all has arrived, both stores show what HQ's own
 * tables say: who is one person, fields, consent, points, and of each identifier who has it and
 * whether it is shared or blocked.
 */
#include "two_stores.h"

#include <jansson.h>

#include "identity/field_json.h"

#define PHASES 4
#define STEPS 14 /* of a phase */

/* ---- what flows ---- */

static void tell(const struct bench *b)
{
	if (b->told)
		(void)printf("  %s\n", b->what);
}

/* A run of what was not sent, perhaps without its keys; those come when it is sent again. */
static void send(struct bench *b, struct shop *s, bool all)
{
	struct store *j = s->journal;
	uint64_t first = 1, last;
	struct buf payload = {0};
	bool keys = all || below(b, 5) > 0;
	while (first <= j->seq && (s->event[first].sent || (!all && below(b, 3) == 0)))
		first++;
	if (first > j->seq)
		return;
	last = first + (all ? j->seq - first : below(b, (unsigned)(j->seq - first + 1)));
	store_batch_of(j, first, last, keys, &payload);
	world_up(b->w, j->name, payload.data, payload.len);
	for (uint64_t i = first; keys && i <= last; i++)
		s->event[i].sent = true;
	world_fold(b->w);
	buf_free(&payload);
	snprintf(b->what, sizeof b->what, "%s sends %d to %d%s", j->name, (int)first, (int)last,
	         keys ? "" : " without keys");
	tell(b);
}

static void hear(struct bench *b, struct shop *s)
{
	shop_page(s, 1 + (int)below(b, 4));
	snprintf(b->what, sizeof b->what, "%s hears HQ up to %d", s->journal->name,
	         (int)s->version);
}

static bool all_sent(const struct shop *s)
{
	for (uint64_t i = 1; i <= s->journal->seq; i++)
		if (!s->event[i].sent)
			return false;
	return true;
}

static void settle(struct bench *b)
{
	for (int i = 0; i < 2; i++)
		while (!all_sent(&b->shop[i]))
			send(b, &b->shop[i], true);
	for (int i = 0; i < 2; i++)
		shop_sync(&b->shop[i]);
}

/* ---- the promises ---- */

static bool broken(struct bench *b, const struct shop *s, const char *what)
{
	(void)printf("FAILED: case %" PRIu64 ": store %s, %s, after: %s\n", b->at, s->journal->name,
	             what, b->what);
	return false;
}

/* How often a fact is among what is shown of this unit's person. */
static int times_shown(struct shop *s, const struct ref *unit, const struct ref *fact)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	int n = 0;
	if (overlay_person(s->o, &hq, "unit", text_of(unit), &p) != 1)
		return -1;
	for (size_t i = 0; i < p.fact_count; i++)
		n += ref_same(&p.fact[i].id, fact);
	overlay_person_free(&p);
	return n;
}

/* Has HQ's line of this unit what this event says? */
static bool on_line(const struct shop *s, const struct ref *unit, uint64_t seq)
{
	char name[EVENT_EPOCH_SIZE];
	bool is = false;
	text_hex(s->journal->epoch, EVENT_EPOCH_BYTES, name);
	for (size_t i = 0; i < s->line_count && !is; i++) {
		if (!strstr(s->line[i].text, text_of(unit)))
			continue;
		json_t *line = json_loads(s->line[i].text, 0, NULL);
		const json_t *runs = json_object_get(json_object_get(line, "beyond"), name);
		is = (uint64_t)json_integer_value(
		         json_object_get(json_object_get(line, "includes"), name)) >= seq;
		for (size_t k = 0; k < json_array_size(runs) && !is; k++) {
			const json_t *run = json_array_get(runs, k);
			is = (uint64_t)json_integer_value(json_array_get(run, 0)) <= seq &&
			     (uint64_t)json_integer_value(json_array_get(run, 1)) >= seq;
		}
		json_decref(line);
	}
	return is;
}

/* What it said and HQ has not is there, once; what HQ has is not there twice. */
static bool own_changes_are_there(struct bench *b, struct shop *s)
{
	for (uint64_t seq = 2; seq <= s->journal->seq; seq++) {
		const struct shop_event *e = &s->event[seq];
		json_t *sealed = e->sealed ? json_loads(e->sealed, 0, NULL) : NULL;
		const char *field;
		json_t *value;
		bool good = true;
		json_object_foreach(json_object_get(sealed, "fields"), field, value)
		{
			struct ref fact = field_fact_ref(&e->id, field_named(field));
			int n = times_shown(s, &e->unit, &fact);
			bool has = e->folded_in || on_line(s, &e->unit, seq);
			good = good && n <= 1 && (n == 1 || has || (n < 0 && s->more));
			if (!good)
				(void)printf("%s of seq %d is there %d times\n", field, (int)seq,
				             n);
		}
		json_decref(sealed);
		if (!good)
			return broken(b, s, "a change of its own is lost or there twice");
	}
	return true;
}

/* ---- the promises ---- */

/* The same words for all of whom both say that they are the same records with the same claims. */
static bool same_values(const struct bench *b, const struct view *was, const struct view *is)
{
	for (size_t i = 0; i < b->unit_count; i++) {
		if (!view_same_person(was, is, i) || !view_same_claims(was, is, i) ||
		    view_same_words(was, is, i))
			continue;
		(void)printf("one says %d points:\n%s\nthe other %d:\n%s\n", (int)was->points[i],
		             (char *)was->unit[i].data, (int)is->points[i],
		             (char *)is->unit[i].data);
		return false;
	}
	return true;
}

static bool same_persons(const struct bench *b, const struct view *was, const struct view *is)
{
	size_t i = 0;
	while (i < b->unit_count && view_same_person(was, is, i))
		i++;
	return i == b->unit_count;
}

static bool same_idents(const struct view *was, const struct view *is)
{
	for (size_t i = 0; i < IDENTS; i++)
		if (!view_same_ident(was, is, i))
			return false;
	return true;
}

static bool same_unit(const struct view *hq, const struct view *is, size_t i)
{
	if (view_is_large(hq, i) || (view_same_person(hq, is, i) && view_same_words(hq, is, i) &&
	                             view_same_refs(hq, is, i)))
		return true;
	(void)printf("claims at HQ: %s\nin the store: %s\n", (char *)hq->claims[i].data,
	             (char *)is->claims[i].data);
	(void)printf("HQ, %d points:\n%s\nthe store, %d:\n%s\n", (int)hq->points[i],
	             (char *)hq->unit[i].data, (int)is->points[i], (char *)is->unit[i].data);
	for (size_t k = 0; k <= UNITS_MAX; k++)
		if (hq->is[i][k] != is->is[i][k])
			(void)printf("%zu is %s with %zu\n", i, hq->is[i][k] ? "one" : "not one",
			             k);
	return false;
}

/* Everything has arrived everywhere. */
static bool shows_what_hq_says(struct bench *b, struct shop *s, const struct view *hq)
{
	struct overlay_state state;
	struct view *is = view_of(b, s);
	bool good = true, large = false;
	overlay_state(s->o, &state);
	if (state.events || state.persons)
		good = broken(b, s, "HQ has all and something still waits");
	for (size_t i = 0; i < b->unit_count; i++)
		large = large || view_is_large(hq, i);
	for (size_t i = 0; good && i < b->unit_count; i++)
		if (!same_unit(hq, is, i))
			good = broken(b, s, "a person is shown otherwise than HQ says");
	for (size_t i = 0; good && !large && i < IDENTS; i++) {
		if (view_same_ident(hq, is, i))
			continue;
		(void)printf("HQ: %s\nthe store: %s\n", (char *)hq->ident[i].data,
		             (char *)is->ident[i].data);
		good = broken(b, s, "an identifier is shown otherwise than HQ says");
	}
	view_free(is);
	return good;
}

static bool all_show_the_same(struct bench *b)
{
	struct view *hq = view_of_hq(b);
	bool good =
	    shows_what_hq_says(b, &b->shop[0], hq) && shows_what_hq_says(b, &b->shop[1], hq);
	view_free(hq);
	return good;
}

/* The process dies, and what is shown is what was. */
static bool restart(struct bench *b, struct shop *s)
{
	struct view *was = view_of(b, s), *is;
	bool good = true;
	shop_restart(s);
	is = view_of(b, s);
	if (!same_persons(b, was, is) || !same_idents(was, is) || !same_values(b, was, is))
		good = broken(b, s, "a restart changes what is shown");
	view_free(was);
	view_free(is);
	return good;
}

static bool say_and_look(struct bench *b, struct shop *s)
{
	return say(b, s) || broken(b, s, "what it takes back stands");
}

/* One store speaks alone. What it shows before HQ hears is what it shows after. */
static bool alone(struct bench *b, struct shop *s)
{
	struct view *was, *is, *before;
	bool good = true;
	settle(b);
	before = view_of(b, s);
	for (unsigned n = 1 + below(b, 6); n > 0; n--) {
		good = good && say_and_look(b, s);
		tell(b);
		good = good && own_changes_are_there(b, s);
	}
	good = good && restart(b, s);
	was = view_of(b, s);
	settle(b);
	is = view_of(b, s);
	cause_count(b, before, was, is);
	if (good && !same_values(b, was, is))
		good = broken(b, s, "HQ makes something else of it than was shown");
	good = good && all_show_the_same(b);
	view_free(before);
	view_free(was);
	view_free(is);
	return good;
}

static bool together(struct bench *b)
{
	bool good = true;
	for (int step = 0; step < STEPS && good; step++) {
		struct shop *s = &b->shop[below(b, 2)];
		unsigned what = below(b, 100);
		if (what < 42)
			good = say_and_look(b, s);
		else if (what < 62)
			send(b, s, false);
		else if (what < 80)
			hear(b, s);
		else if (what < 85)
			good = restart(b, s);
		else if (what < 92)
			steward_says(b);
		else
			steward_does(b);
		tell(b);
		if (!own_changes_are_there(b, &b->shop[0]) ||
		    !own_changes_are_there(b, &b->shop[1]))
			return false;
	}
	settle(b);
	return good && all_show_the_same(b);
}

static bool run_case(struct bench *b, const struct property *prop, uint64_t at)
{
	bool good = true;
	b->at = at;
	b->r = property_case(prop, at);
	b->unit_count = b->claim_count = b->block_count = 0;
	memset(b->steward_blocked, 0, sizeof b->steward_blocked);
	b->w = world_new();
	sqlite3_exec(hq_db_handle(b->w->db), "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	shop_open(&b->shop[0], b->w, "s1", (uint8_t[8]){1});
	shop_open(&b->shop[1], b->w, "s2", (uint8_t[8]){2});
	for (int i = 0; i < PHASES && good; i++)
		good = below(b, 2) ? together(b) : alone(b, &b->shop[below(b, 2)]);
	shop_free(&b->shop[0]);
	shop_free(&b->shop[1]);
	world_free(b->w);
	return good;
}

/* HQ's world asserts as unit tests do. */
static struct property prop;
static uint64_t first_case;

static void both_stores_show_what_hq_says_and_their_own_at_once(void **state)
{
	struct bench *b = *state = calloc(1, sizeof *b);
	uint64_t at = first_case;
	bool good = true;
	assert_non_null(b);
	b->told = first_case + 1 == prop.count;
	for (; at < prop.count && good; at++)
		good = run_case(b, &prop, at);
	(void)printf("two_stores: %" PRIu64 " cases, %" PRIu64
	             " changes said in two stores, %" PRIu64
	             " times one alone (HQ parted people otherwise %" PRIu64
	             " times, identifiers %" PRIu64 "); seed %" PRIu64 "; %s\n",
	             at - first_case, b->events, b->compared, b->other_persons, b->other_idents,
	             prop.seed, good ? "all as promised" : "one is not");
	cause_print(b);
	free(b);
	*state = NULL;
	assert_true(good);
}

static int ended(void **state)
{
	const struct bench *b = *state;
	if (b)
		(void)printf("FAILED: case %" PRIu64 " of seed %" PRIu64 ", after: %s\n", b->at,
		             prop.seed, b->what);
	return 0;
}

/* PROGRAM [SEED [COUNT [FIRST CASE]]]: of one case alone each step is told. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	    both_stores_show_what_hq_says_and_their_own_at_once, NULL, ended)};
	prop = property_begin(argc, argv, 12);
	if (argc > 3)
		first_case = strtoull(argv[3], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
