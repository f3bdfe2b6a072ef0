/* Two stores and HQ, without a network: what each store shows of people is what HQ says of them
 * once everything has arrived everywhere; until then every change of its own is there at once,
 * once.
 *
 * A case is phases. In some both stores and HQ say things, and batches and pages flow at random
 * moments, late, out of order and without their keys. In others one store speaks alone: what it
 * showed before HQ heard is what HQ makes of it, for everybody whom both take for the same records.
 * A store knows of HQ's customers only some claims and no history, so HQ may find that records are
 * one, or two, or that an identifier is shared, where the store could not: how often is counted.
 */
#include "two_stores.h"

#include <jansson.h>

#include "hq/tell/hq_page.h"
#include "identity/consent_object.h"
#include "identity/field_json.h"

#define PHASES 4
#define STEPS 14 /* of a phase */
#define VIEW_SIZE (64 * 1024)

/* ---- what flows ---- */

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

/* ---- what a store shows ---- */

static size_t place_of(const struct bench *b, const struct ref *unit)
{
	size_t i = 0;
	while (i < b->unit_count && !ref_same(&b->unit[i], unit))
		i++;
	return i;
}

static void put_fields(const struct overlay_person *p, struct buf *out)
{
	size_t win[FIELD_COUNT];
	field_choose(p->fact, p->fact_count, win);
	for (int f = 0; f < FIELD_COUNT; f++)
		if (win[f] < p->fact_count)
			buf_printf(out, " %s=%s", field_name((enum field)f),
			           p->fact[win[f]].value ? p->fact[win[f]].value : "null");
}

static void put_consents(const struct overlay_person *p, struct buf *out)
{
	const struct consent_person asked = {.choice = p->choice,
	                                     .choice_count = p->choice_count,
	                                     .unit = p->unit,
	                                     .unit_count = p->unit_count,
	                                     .restricted = p->profile.restricted};
	consent_why(&asked, out);
}

/* Of each unit: whose it is, and what is shown of them, as the same words whatever HQ calls them.
 */
struct view {
	bool is[UNITS_MAX][UNITS_MAX + 1];
	struct buf unit[UNITS_MAX], idents;
};

static void put_unit(struct bench *b, struct shop *s, size_t at, struct view *v)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	struct buf *out = &v->unit[at];
	int rc = overlay_person(s->o, &hq, "unit", text_of(&b->unit[at]), &p);
	assert_true(rc >= 0);
	if (rc == 0)
		return;
	for (size_t i = 0; i < p.unit_count; i++)
		v->is[at][place_of(b, &p.unit[i])] = true;
	buf_printf(out, "unit %zu: %s; %s; %s; %d points;", at, p.profile.first_name,
	           p.profile.name, p.profile.language,
	           (int)(p.profile.has_points ? p.profile.points : 0));
	put_fields(&p, out);
	buf_byte(out, '\n');
	put_consents(&p, out);
	overlay_person_free(&p);
}

static void put_ident(struct bench *b, struct shop *s, const char *kind, const char *value,
                      struct buf *out)
{
	const struct overlay_hq hq = shop_hq(s);
	struct shard_hit hit[8];
	struct overlay_person p;
	size_t who[8];
	int n = shop_find(s, kind, value, hit, 8);
	assert_true(n >= 0 && n <= 8);
	buf_printf(out, "%s: %d%s%s", value, n, n && hit[0].shared ? " shared" : "",
	           n && hit[0].blocked ? " blocked" : "");
	for (int i = 0; i < n; i++) {
		who[i] = UNITS_MAX;
		if (overlay_person(s->o, &hq, "customer_id", hit[i].profile.customer_id, &p) != 1)
			continue;
		for (size_t k = 0; k < p.unit_count; k++)
			if (place_of(b, &p.unit[k]) < who[i])
				who[i] = place_of(b, &p.unit[k]);
		overlay_person_free(&p);
	}
	for (size_t u = 0; u <= UNITS_MAX; u++)
		for (int i = 0; i < n; i++)
			if (who[i] == u)
				buf_printf(out, " %zu", u);
	buf_byte(out, '\n');
}

static struct view *view_of(struct bench *b, struct shop *s)
{
	struct view *v = calloc(1, sizeof *v);
	assert_non_null(v);
	for (size_t i = 0; i < b->unit_count; i++) {
		put_unit(b, s, i, v);
		buf_byte(&v->unit[i], '\0');
	}
	for (int i = 0; i < 3; i++) {
		put_ident(b, s, "phone", phones[i], &v->idents);
		put_ident(b, s, "loyalty", cards[i], &v->idents);
		put_ident(b, s, "email", mails[i], &v->idents);
	}
	buf_byte(&v->idents, '\0');
	return v;
}

static void view_free(struct view *v)
{
	for (size_t i = 0; i < UNITS_MAX; i++)
		buf_free(&v->unit[i]);
	buf_free(&v->idents);
	free(v);
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

static const char *column(struct bench *b, const char *what, const char *id)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT coalesce(%s, '') FROM profile WHERE id = '%s'", what, id);
	return world_text(b->w, sql);
}

static int64_t units_with(struct bench *b, const struct ref *unit)
{
	char sql[200], hex[TEXT_HEX_SIZE(16)];
	text_hex(unit->byte, sizeof unit->byte, hex);
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM profile WHERE person ="
	         " (SELECT person FROM profile WHERE ref = x'%s')",
	         hex);
	return world_number(b->w, sql);
}

/* Everything has arrived everywhere. */
static bool shows_what_hq_says(struct bench *b, struct shop *s)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_state state;
	struct overlay_person p;
	char points[32];
	overlay_state(s->o, &state);
	if (state.events || state.persons)
		return broken(b, s, "HQ has all and something still waits");
	for (size_t i = 0; i < b->unit_count; i++) {
		int rc = overlay_person(s->o, &hq, "unit", text_of(&b->unit[i]), &p);
		const char *id = p.profile.customer_id;
		if (rc == 0 && units_with(b, &b->unit[i]) > HQ_PAGE_ENROLLED_MAX)
			continue; /* a line names so many */
		if (rc != 1)
			return broken(b, s, "somebody is not known");
		snprintf(points, sizeof points, "%d", (int)p.profile.points);
		bool good = strcmp(column(b, "first_name", id), p.profile.first_name) == 0 &&
		            strcmp(column(b, "name", id), p.profile.name) == 0 &&
		            strcmp(column(b, "language", id), p.profile.language) == 0 &&
		            strcmp(column(b, "state", id), "active") == 0 &&
		            (!p.profile.has_points || strcmp(column(b, "points", id), points) == 0);
		overlay_person_free(&p);
		if (!good)
			return broken(b, s, "a person is shown otherwise than HQ says");
	}
	return true;
}

/* Of whom both say that they are the same records. */
static bool same_values(const struct bench *b, const struct view *was, const struct view *is)
{
	for (size_t i = 0; i < b->unit_count; i++) {
		if (memcmp(was->is[i], is->is[i], sizeof was->is[i]) != 0 ||
		    strcmp((char *)was->unit[i].data, (char *)is->unit[i].data) == 0)
			continue;
		(void)printf("shown:\n%s\nHQ:\n%s\n", (char *)was->unit[i].data,
		             (char *)is->unit[i].data);
		return false;
	}
	return true;
}

static bool same_persons(const struct view *was, const struct view *is)
{
	return memcmp(was->is, is->is, sizeof was->is) == 0;
}

static bool same_idents(const struct view *was, const struct view *is)
{
	return strcmp((char *)was->idents.data, (char *)is->idents.data) == 0;
}

/* One store speaks alone. What it shows before HQ hears is what it shows after. */
static bool alone(struct bench *b, struct shop *s)
{
	struct view *was, *is;
	bool good = true;
	settle(b);
	for (unsigned n = 1 + below(b, 6); n > 0; n--) {
		say(b, s);
		good = good && own_changes_are_there(b, s);
	}
	was = view_of(b, s);
	shop_restart(s);
	is = view_of(b, s);
	if (!same_persons(was, is) || !same_idents(was, is) || !same_values(b, was, is))
		good = broken(b, s, "a restart changes what is shown");
	view_free(is);
	settle(b);
	is = view_of(b, s);
	b->compared++;
	b->other_persons += !same_persons(was, is);
	b->other_idents += same_persons(was, is) && !same_idents(was, is);
	if (good && !same_values(b, was, is))
		good = broken(b, s, "HQ makes something else of it than was shown");
	view_free(was);
	view_free(is);
	return good;
}

static bool together(struct bench *b)
{
	for (int step = 0; step < STEPS; step++) {
		struct shop *s = &b->shop[below(b, 2)];
		unsigned what = below(b, 100);
		if (what < 45)
			say(b, s);
		else if (what < 65)
			send(b, s, false);
		else if (what < 85)
			hear(b, s);
		else if (what < 90)
			shop_restart(s);
		else if (what < 95)
			steward_says(b);
		else
			steward_does(b);
		if (!own_changes_are_there(b, &b->shop[0]) ||
		    !own_changes_are_there(b, &b->shop[1]))
			return false;
	}
	settle(b);
	return shows_what_hq_says(b, &b->shop[0]) && shows_what_hq_says(b, &b->shop[1]);
}

static bool run_case(struct bench *b, const struct property *prop, uint64_t at)
{
	bool good = true;
	b->at = at;
	b->r = property_case(prop, at);
	b->unit_count = b->claim_count = 0;
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
	for (; at < prop.count && good; at++)
		good = run_case(b, &prop, at);
	(void)printf("two_stores: %" PRIu64 " cases, %" PRIu64
	             " changes said in two stores, %" PRIu64
	             " times one alone (HQ parted people otherwise %" PRIu64
	             " times, identifiers %" PRIu64 "); seed %" PRIu64 "; %s\n",
	             at - first_case, b->events, b->compared, b->other_persons, b->other_idents,
	             prop.seed, good ? "all as promised" : "one is not");
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

/* PROGRAM [SEED [COUNT [FIRST CASE]]] */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	    both_stores_show_what_hq_says_and_their_own_at_once, NULL, ended)};
	prop = property_begin(argc, argv, 12);
	if (argc > 3)
		first_case = strtoull(argv[3], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
