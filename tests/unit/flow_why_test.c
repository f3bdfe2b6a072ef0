/* `profile --why` in a store: every value has its line, and goes with the fact that it names. */
#include "flow_world.h"
#include "why_line.h"

#include <inttypes.h>

#include "flow/flow_overlay.h"
#include "identity/field_json.h"

#define ID "C000017"
#define UNIT_A "dXV1dXV1dXV1dXV1dXV1dQ"
#define UNIT_B "dnZ2dnZ2dnZ2dnZ2dnZ2dg"
#define CLAIM "AAECAwQFBgcICQoLDA0OEA"
#define FACTS_MAX 64

/* What HQ has; a fact without a value has been taken away. */
struct said {
	struct {
		enum field field;
		const char *value, *source;
	} fact[FACTS_MAX];
	struct {
		const char *purpose, *value;
	} choice[8];
	size_t facts, choices;
	bool linked, no_points;
	const char *kind;  /* of what joined the two; NULL: a person */
	const char *ident; /* HQ's word on the phone, or NULL */
	uint64_t version;
};

/* Of a fact (kind 'f') or choice ('c') by its place. */
static void id_of(char kind, size_t place, char out[EVENT_ID_SIZE])
{
	uint8_t bytes[EVENT_ID_BYTES] = {(uint8_t)kind, (uint8_t)place};

	text_b64(bytes, sizeof bytes, out);
}

static void put_facts(const struct said *s, struct buf *out)
{
	char id[EVENT_ID_SIZE];
	const char *comma = "";

	buf_str(out, "\"facts\":[");
	for (size_t i = 0; i < s->facts; i++) {
		if (!s->fact[i].value)
			continue;
		id_of('f', i, id);
		buf_printf(
		    out,
		    "%s{\"at\":[\"2026-01-01T00:00:%02zu.000Z\"],\"field\":\"%s\",\"id\":\"%s\","
		    "\"source\":\"%s\",\"trust\":%d,\"unit\":\"%s\",\"value\":\"%s\"}",
		    comma, i, field_name(s->fact[i].field), id, s->fact[i].source,
		    field_trust(NULL, s->fact[i].field, s->fact[i].source), i % 2 ? UNIT_B : UNIT_A,
		    s->fact[i].value);
		comma = ",";
	}
	buf_str(out, "],");
}

static void put_choices(const struct said *s, struct buf *out)
{
	char id[EVENT_ID_SIZE];
	const char *comma = "";

	buf_str(out, "\"choices\":[");
	for (size_t i = 0; i < s->choices; i++) {
		if (!s->choice[i].value)
			continue;
		id_of('c', i, id);
		buf_printf(
		    out,
		    "%s{\"at\":[\"2026-01-01T00:00:%02zu.000Z\"],\"channel\":\"any\",\"covers\":"
		    "[\"%s\"],\"id\":\"%s\",\"method\":\"customer\",\"purpose\":\"%s\",\"text\":"
		    "\"v1\",\"unit\":\"%s\",\"value\":\"%s\"}",
		    comma, i, i % 2 ? UNIT_B : UNIT_A, id, s->choice[i].purpose,
		    i % 2 ? UNIT_B : UNIT_A, s->choice[i].value);
		comma = ",";
	}
	buf_str(out, "],");
}

/* A page brings the customer as HQ has them now. */
static void hq_says(struct world *w, struct said *s)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = ++s->version};
	char path[96], err[256] = "";
	struct buf line = {0};
	struct shard *shard;
	bool made;

	buf_byte(&line, '{');
	put_choices(s, &line);
	buf_str(&line, "\"customer_id\":\"" ID "\",");
	put_facts(s, &line);
	buf_str(&line, "\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"" CLAIM "\",");
	if (s->ident)
		buf_printf(&line, "\"state\":\"%s\",", s->ident);
	buf_str(&line, "\"unit\":\"" UNIT_A
	               "\",\"value\":\"+491728394057\",\"verified\":false}],\"includes\":{},"
	               "\"last_seen\":\"2026-01-02T00:00:00.000Z\",");
	if (s->linked)
		buf_printf(
		    &line,
		    "\"matches\":[{\"id\":\"bGxsbGxsbGxsbGxsbGxsbA\",%s%s%s\"left\":\"" UNIT_A
		    "\",\"right\":\"" UNIT_B "\",\"rules\":\"7\"}],",
		    s->kind ? "\"kind\":\"" : "", s->kind ? s->kind : "", s->kind ? "\"," : "");
	if (!s->no_points)
		buf_str(&line, "\"points\":7,\"points_as_of\":\"2026-01-02T00:00:00.000Z\",");
	buf_str(
	    &line,
	    "\"state\":\"active\",\"units\":[{\"confirmed\":true,\"number\":17,\"ref\":\"" UNIT_A
	    "\"}");
	if (s->linked)
		buf_str(&line, ",{\"confirmed\":true,\"number\":18,\"ref\":\"" UNIT_B "\"}");
	buf_printf(&line, "],\"version\":%" PRIu64 ",\"visits\":3}\n", s->version);
	assert_false(line.failed);
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&shard, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(shard, (char *)line.data, line.len, &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(shard);
	buf_free(&line);
}

static char *why(struct world *w)
{
	struct buf out = {0};

	assert_int_equal(flow_profile_why(w->flow, ID, &out), 1);
	buf_byte(&out, '\0');
	return (char *)out.data;
}

/* What stands in front of the first ';' is the value. */
static void value_of(const char *line, char out[200])
{
	snprintf(out, 200, "%.*s", (int)strcspn(line, ";"), line);
}

/* Take away what the line names: the fact or choice behind this word. false: it names none. */
static bool take_away(struct said *s, const char *line, const char *word)
{
	const char *at = strstr(line, word);
	char id[EVENT_ID_SIZE];

	for (size_t i = 0; at && i < FACTS_MAX; i++) {
		id_of(word[2], i, id);
		if (strncmp(at + strlen(word), id, sizeof id - 1) != 0)
			continue;
		if (word[2] == 'f')
			s->fact[i].value = NULL;
		else
			s->choice[i].value = NULL;
		return true;
	}
	return false;
}

static int take_away_until_nothing_is_left(struct world *w, struct said *s, const char *name,
                                           const char *word)
{
	char was[200], now[200];

	for (int taken = 0;; taken++) {
		char *text = why(w);
		value_of(line_of(text, name), was);
		bool named = take_away(s, line_of(text, name), word);
		free(text);
		if (!named)
			return taken;
		hq_says(w, s);
		text = why(w);
		value_of(line_of(text, name), now);
		free(text);
		if (strcmp(now, was) == 0)
			fail_msg("\"%s\" stands without what it names", was);
	}
}

static void add(struct said *s, enum field f, const char *value, const char *source)
{
	s->fact[s->facts].field = f;
	s->fact[s->facts].value = value;
	s->fact[s->facts++].source = source;
}

/* Every field that a store is told. */
static void a_value_goes_with_the_fact_that_its_line_names(void **state)
{
	static const char *const values[FIELD_COUNT][2] = {
	    [FIELD_FIRST_NAME] = {"Ana", "Anna"},
	    [FIELD_LAST_NAME] = {"Berg", "Lind"},
	    [FIELD_NAME] = {"Ana Berg", "Anna Lind"},
	    [FIELD_LANGUAGE] = {"de", "fr"},
	    [FIELD_STREET] = {"Hof 1", "Hof 2"},
	    [FIELD_POSTCODE] = {"10115", "10117"},
	    [FIELD_CITY] = {"Bonn", "Ulm"},
	    [FIELD_COUNTRY] = {"DE", "AT"},
	    [FIELD_TIER] = {"silver", "gold"},
	    [FIELD_STATE] = {"active", "confidential"},
	    [FIELD_NOTE] = {"quiet", "invoice"},
	    [FIELD_AGE_OK] = {"yes", "no"},
	    [FIELD_CONTACT] = {CLAIM ":ok", CLAIM ":bounced"}};
	struct world *w = *state;
	struct said s = {.linked = true};

	for (int f = 0; f < FIELD_COUNT; f++) {
		if (f == FIELD_BIRTH_DATE)
			continue;
		add(&s, (enum field)f, values[f][0], "import");
		add(&s, (enum field)f, values[f][1], "steward");
	}
	hq_says(w, &s);
	for (int f = 0; f < FIELD_COUNT; f++) {
		const char *name = field_name((enum field)f);
		/* of a name that somebody took apart the parts are explained */
		if (f != FIELD_BIRTH_DATE && f != FIELD_NAME &&
		    take_away_until_nothing_is_left(w, &s, name, ", fact ") != 2)
			fail_msg("%s", name);
	}
	assert_int_equal(take_away_until_nothing_is_left(w, &s, "name", ", fact "), 2);
}

static void a_consent_goes_with_the_choice_that_its_line_names(void **state)
{
	struct world *w = *state;
	struct said s = {.linked = true,
	                 .choice = {{"profiling", "granted"},
	                            {"profiling", "refused"},
	                            {"loyalty", "withdrawn"},
	                            {"loyalty", "granted"}},
	                 .choices = 4};

	hq_says(w, &s);
	assert_int_equal(take_away_until_nothing_is_left(w, &s, "consent profiling", ", choice "),
	                 2);
	assert_int_equal(take_away_until_nothing_is_left(w, &s, "consent loyalty", ", choice "), 2);
}

static void a_match_goes_with_the_link_that_its_line_names(void **state)
{
	struct world *w = *state;
	struct said s = {.linked = true};
	char *text;

	hq_says(w, &s);
	text = why(w);
	assert_non_null(strstr(line_of(text, "match C000017 and C000018"), "; link bGxsbGxs"));
	assert_non_null(strstr(line_of(text, "match C000017 and C000018"),
	                       ": a person said so, holds by HQ's rules 7; link "));
	free(text);
	s.kind = "phone";
	hq_says(w, &s);
	text = why(w);
	assert_non_null(strstr(line_of(text, "match C000017 and C000018"),
	                       ": both have one phone, by HQ's rules 7; link "));
	free(text);
	s.linked = false;
	hq_says(w, &s);
	text = why(w);
	assert_string_equal(line_of(text, "match C000017 and C000018"), "");
	free(text);
}

/* Points that this store gave, n times; HQ does not include them yet. */
static void points_said_here(struct world *w, uint64_t n)
{
	static const uint8_t epoch[EVENT_EPOCH_BYTES] = {7};
	const struct overlay_hq hq = flow_overlay_hq(w->flow->shard);
	char line[400], id[EVENT_ID_SIZE];

	for (uint64_t i = 1; i <= n; i++) {
		id_of('p', i, id);
		int len =
		    snprintf(line, sizeof line,
		             "{\"context\":{\"laneway\":{\"store\":\"s1\"}},\"event\":\"Points "
		             "Changed\",\"originalTimestamp\":\"2026-11-22T10:00:00.000Z\","
		             "\"properties\":{\"entry_id\":\"%s\",\"points\":%" PRIu64 "}}",
		             id, i);
		const struct overlay_event ev = {.ordinal = 1,
		                                 .epoch = epoch,
		                                 .seq = i,
		                                 .line = line,
		                                 .line_len = (size_t)len,
		                                 .sealed = "{\"unit\":\"" UNIT_A "\"}",
		                                 .sealed_len = strlen("{\"unit\":\"" UNIT_A "\"}")};
		assert_int_equal(overlay_take(w->flow->overlay, &hq, &ev), 1);
	}
}

static void gone(struct world *w, uint64_t first, uint64_t last)
{
	static const uint8_t epoch[EVENT_EPOCH_BYTES] = {7};
	const struct overlay_hq hq = flow_overlay_hq(w->flow->shard);

	overlay_held(w->flow->overlay, &(struct overlay_run){epoch, 1, last}, 1);
	overlay_included(w->flow->overlay, epoch, first, last);
	while (overlay_refresh(w->flow->overlay, &hq, 8) > 0)
		;
}

static void points_are(struct world *w, const char *value, const char *more)
{
	char *text = why(w), got[200];

	value_of(line_of(text, "points"), got);
	assert_string_equal(got, value);
	if (!strstr(line_of(text, "points"), more))
		fail_msg("%s: no %s", line_of(text, "points"), more);
	free(text);
}

/* HQ's by the line that says them, what was said here by entry; of many the oldest are one. */
static void points_go_with_each_entry_that_their_line_names(void **state)
{
	struct world *w = *state;
	struct said s = {.linked = true};
	char mark[64], id[EVENT_ID_SIZE];

	hq_says(w, &s);
	points_are(w, "points: 7",
	           "; HQ's 7 for C000017 as of 2026-01-02T00:00:00.000Z, in its line of version 1");
	points_said_here(w, 10);
	points_are(w, "points: 62", "; and 2 older ones, +3 in all, said here");
	id_of('p', 10, id);
	snprintf(mark, sizeof mark, "; entry %s +10, said here", id);
	points_are(w, "points: 62", mark);
	gone(w, 1, 2);
	points_are(w, "points: 59", "said here");
	for (uint64_t i = 10, sum = 59; i > 2; sum -= i--) {
		char value[40];
		id_of('p', i, id);
		snprintf(mark, sizeof mark, "; entry %s +%" PRIu64 ", said here", id, i);
		snprintf(value, sizeof value, "points: %" PRIu64, sum);
		points_are(w, value, mark);
		gone(w, i, i);
	}
	points_are(w, "points: 7", "HQ's 7");
	s.no_points = true;
	hq_says(w, &s);
	char *text = why(w);
	assert_string_equal(line_of(text, "points"), "");
	free(text);
}

static void no_value_is_without_a_line(void **state)
{
	static const char *const names[] = {
	    "first_name", "name",   "tier",      "language",         "state",
	    "points",     "visits", "last_seen", "identifier phone", NULL};
	struct world *w = *state;
	struct said s = {.linked = true};

	add(&s, FIELD_FIRST_NAME, "Anna", "import");
	add(&s, FIELD_LAST_NAME, "Berg", "import");
	add(&s, FIELD_TIER, "gold", "hq");
	add(&s, FIELD_LANGUAGE, "de", "import");
	hq_says(w, &s);
	char *text = why(w);
	for (const char *const *name = names; *name; name++)
		if (!line_of(text, *name)[0])
			fail_msg("no line for %s in:\n%s", *name, text);
	/* one line each */
	assert_null(strstr(strstr(text, "\nname: ") + 1, "\nname: "));
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static bool ends_so(struct world *w, struct said *s, const char *state, const char *end)
{
	s->ident = state;
	hq_says(w, s);
	char *text = why(w);
	const char *line = line_of(text, "identifier phone");
	bool so = strlen(line) >= strlen(end) && !strcmp(line + strlen(line) - strlen(end), end);
	free(text);
	return so;
}

static void an_identifier_that_is_not_its_customers_alone_says_so(void **state)
{
	struct world *w = *state;
	struct said s = {.linked = true};

	assert_true(ends_so(w, &s, NULL, ", trust 60"));
	assert_true(ends_so(w, &s, "shared", ", trust 60; shared"));
	assert_true(ends_so(w, &s, NULL, ", trust 60"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_value_goes_with_the_fact_that_its_line_names),
	    T(a_consent_goes_with_the_choice_that_its_line_names),
	    T(a_match_goes_with_the_link_that_its_line_names),
	    T(points_go_with_each_entry_that_their_line_names),
	    T(no_value_is_without_a_line),
	    T(an_identifier_that_is_not_its_customers_alone_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
