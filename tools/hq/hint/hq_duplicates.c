#include "hq/hint/hq_duplicates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "identity/hint.h"

#define PAIRS_MAX (4 << 20) /* held at once; more of them: only those above the middle one */
#define WEEK_SIZE 12
#define SHOWN_SIZE 64
#define HQ_DUPLICATES_WORDS_SIZE 181 /* what HQ keeps of a pair's reasons, and NUL */

struct found {
	uint32_t a, b; /* places; the person of a has the lower number */
	int32_t mbit;
	uint8_t pass;
};

struct search {
	struct hq_units *u;
	const struct hq_duplicates_ask *ask;
	struct found *found;
	size_t count, room;
	int mbit_min; /* rises when there are too many */
	bool failed;
};

static uint32_t person(const struct search *s, uint32_t at)
{
	return s->u->row[at].person;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool kept_apart(const struct search *s, uint32_t a, uint32_t b)
{
	uint64_t pair = (uint64_t)a << 32 | b;

	return s->u->apart_count > 0 &&
	       bsearch(&pair, s->u->apart, s->u->apart_count, sizeof pair, by_number) != NULL;
}

static int likely_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->mbit != y->mbit)
		return x->mbit > y->mbit ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static int grow(struct search *s)
{
	size_t room = s->room ? s->room * 2 : 4096;
	struct found *more;

	if (s->room == PAIRS_MAX) {
		qsort(s->found, s->count, sizeof *s->found, likely_first);
		s->count /= 2;
		s->mbit_min = s->found[s->count - 1].mbit;
		return 0;
	}
	more = memory_more(s->found, room * sizeof *more);
	if (!more)
		return -1;
	s->found = more;
	s->room = room;
	return 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strncmp(p, word, n) == 0 && (!p[n] || p[n] == ' '))
			return true;
	}
	return false;
}

static bool asked_for(const struct search *s, uint32_t a, uint32_t b)
{
	const struct hq_unit_row *x = &s->u->row[a], *y = &s->u->row[b];
	const char *source = s->ask->source;

	if (x->since_us < s->ask->since_us && y->since_us < s->ask->since_us)
		return false;
	return !source || has_word(hq_intern_text(&s->u->source, x->source), source) ||
	       has_word(hq_intern_text(&s->u->source, y->source), source);
}

static void take(void *ctx, const struct hq_pair *pair)
{
	struct search *s = ctx;
	bool turned = person(s, pair->a) > person(s, pair->b);
	uint32_t a = turned ? pair->b : pair->a, b = turned ? pair->a : pair->b;
	struct score score;

	if (s->failed || person(s, a) == person(s, b) || !asked_for(s, a, b))
		return;
	score_pair(s->ask->model, &pair->left, &pair->right, &score);
	if (score.mbit < s->mbit_min || kept_apart(s, person(s, a), person(s, b)))
		return;
	if (s->count == s->room && grow(s) != 0) {
		s->failed = true;
		return;
	}
	s->found[s->count++] = (struct found){a, b, score.mbit, (uint8_t)pair->pass};
}

/* Of the records of two persons the pair that is the likeliest. */
static void keep_best(struct search *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct found *f = &s->found[i];
		if (kept > 0 && person(s, s->found[kept - 1].a) == person(s, f->a) &&
		    person(s, s->found[kept - 1].b) == person(s, f->b))
			continue;
		s->found[kept++] = *f;
	}
	s->count = kept;
}

static int by_persons(const void *a, const void *b, void *ctx)
{
	const struct search *s = ctx;
	const struct found *x = a, *y = b;

	if (person(s, x->a) != person(s, y->a))
		return person(s, x->a) < person(s, y->a) ? -1 : 1;
	if (person(s, x->b) != person(s, y->b))
		return person(s, x->b) < person(s, y->b) ? -1 : 1;
	return likely_first(a, b);
}

/* The week in which the younger of the two came: that is when there were two. */
static void week_of(const struct search *s, const struct found *f, char out[WEEK_SIZE])
{
	int64_t a = s->u->row[f->a].since_us, b = s->u->row[f->b].since_us;
	time_t at = (time_t)((a > b ? a : b) / 1000000);
	struct tm tm;

	if (at == 0 || !gmtime_r(&at, &tm) || strftime(out, WEEK_SIZE, "%G-W%V", &tm) == 0)
		snprintf(out, WEEK_SIZE, "?");
}

/* "import + till berlin-7", whichever came first. */
static void sources_of(const struct search *s, const struct found *f, char *out, size_t size)
{
	const char *a = hq_intern_text(&s->u->source, s->u->row[f->a].source);
	const char *b = hq_intern_text(&s->u->source, s->u->row[f->b].source);
	bool turned = strcmp(a, b) > 0;

	snprintf(out, size, "%s + %s", turned ? b : a, turned ? a : b);
}

static void count_in(json_t *all, const char *name, const struct found *f)
{
	json_t *one = json_object_get(all, name);
	bool sure = f->mbit >= SCORE_SURE_MBIT;

	if (!one) {
		one = json_pack("{s:i,s:i}", "pairs", 0, "sure", 0);
		json_object_set_new(all, name, one);
	}
	json_object_set_new(one, "pairs",
	                    json_integer(json_integer_value(json_object_get(one, "pairs")) + 1));
	json_object_set_new(one, "sure",
	                    json_integer(json_integer_value(json_object_get(one, "sure")) + sure));
}

static json_t *record(const struct search *s, struct sqlite3 *db, uint32_t at)
{
	const struct hq_unit_row *row = &s->u->row[at];
	char id[24], unit[24], shown[SHOWN_SIZE], since[CLOCK_ISO8601_SIZE];

	snprintf(id, sizeof id, "C%06u", row->person);
	snprintf(unit, sizeof unit, "C%06u", row->unit);
	hq_units_shown(db, row->unit, shown, sizeof shown);
	clock_iso8601(row->since_us, since);
	return json_pack("{s:s,s:s,s:s,s:s,s:s*}", "customer", id, "record", unit, "shown", shown,
	                 "source", hq_intern_text(&s->u->source, row->source), "since",
	                 row->since_us ? since : NULL);
}

static json_t *reasons(const struct score *score)
{
	json_t *list = json_array();

	for (int i = 0; i < score->reason_count; i++) {
		const struct score_reason *r = &score->reason[i];
		bool field = r->why == SCORE_WHY_FIELD;
		json_array_append_new(list,
		                      json_pack("{s:s*,s:s*,s:i,s:s}", "field",
		                                field ? score_field_name(r->field) : NULL, "level",
		                                field ? score_level_name(r->field, r->level) : NULL,
		                                "mbit", r->mbit, "words", score_reason_words(r)));
	}
	return list;
}

static json_t *listed(const struct search *s, struct sqlite3 *db, const struct found *f)
{
	char week[WEEK_SIZE];
	struct score_record a, b;
	struct score score;

	hq_people_record(s->u->people, f->a, &a);
	hq_people_record(s->u->people, f->b, &b);
	score_pair(s->ask->model, &a, &b, &score);
	week_of(s, f, week);
	return json_pack("{s:i,s:i,s:s,s:s,s:o,s:o,s:o}", "mbit", score.mbit, "percent",
	                 score_percent(score.mbit), "cause", hq_pairs_name(f->pass), "week", week,
	                 "a", record(s, db, f->a), "b", record(s, db, f->b), "reasons",
	                 reasons(&score));
}

/* "first_name:same,email:folded": only what speaks for it or against it. */
static json_t *words(const struct search *s, const struct found *f)
{
	struct score_record a, b;
	struct score score;
	char text[HQ_DUPLICATES_WORDS_SIZE] = "";
	size_t len = 0;

	hq_people_record(s->u->people, f->a, &a);
	hq_people_record(s->u->people, f->b, &b);
	score_pair(s->ask->model, &a, &b, &score);
	for (int i = 0; i < score.reason_count; i++) {
		const struct score_reason *r = &score.reason[i];
		const char *field = score_field_name(r->field),
		           *level = score_level_name(r->field, r->level);
		if (r->why == SCORE_WHY_FIELD &&
		    len + strlen(field) + strlen(level) + 3 < sizeof text)
			len += (size_t)snprintf(text + len, sizeof text - len, "%s%s:%s",
			                        len ? "," : "", field, level);
	}
	return json_string(text);
}

/* At the bar of a store's own suggestions, whatever is listed. */
static json_t *told(const struct search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->count && i < s->ask->told_max; i++) {
		const struct found *f = &s->found[i];
		if (f->mbit < HINT_MBIT_MIN)
			break;
		json_array_append_new(list, json_pack("[i,i,i,o]", (int)s->u->row[f->a].unit,
		                                      (int)s->u->row[f->b].unit, (int)f->mbit,
		                                      words(s, f)));
	}
	return list;
}

static json_t *answer(const struct search *s, struct sqlite3 *db,
                      const struct hq_pairs_report *walked)
{
	json_t *causes = json_object(), *sources = json_object(), *weeks = json_object();
	json_t *pairs = json_array();
	char week[WEEK_SIZE], both[200];
	uint64_t over = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct found *f = &s->found[i];
		week_of(s, f, week);
		sources_of(s, f, both, sizeof both);
		count_in(causes, hq_pairs_name(f->pass), f);
		count_in(sources, both, f);
		count_in(weeks, week, f);
		if (i < s->ask->list_max)
			json_array_append_new(pairs, listed(s, db, f));
	}
	for (int p = 0; p < HQ_PASS_COUNT; p++)
		over += walked->passed_over[p];
	return json_pack("{s:I,s:I,s:i,s:I,s:I,s:o,s:o,s:o,s:o,s:o*}", "records",
	                 (json_int_t)s->u->count, "pairs", (json_int_t)s->count, "from_mbit",
	                 s->mbit_min, "compared", (json_int_t)walked->given, "passed_over",
	                 (json_int_t)over, "by_cause", causes, "by_source", sources, "by_week",
	                 weeks, "list", pairs, "pairs_told", s->ask->told_max ? told(s) : NULL);
}

json_t *hq_duplicates(struct sqlite3 *db, struct hq_units *u, const struct hq_duplicates_ask *ask)
{
	struct search s = {.u = u, .ask = ask, .mbit_min = ask->mbit_min};
	struct hq_pairs_ask pairs = {.take = take, .ctx = &s, .what = ask->what};
	struct hq_pairs_report walked;
	json_t *out = NULL;

	if (hq_pairs_walk(u->people, &pairs, &walked) == 0 && !s.failed) {
		if (s.count > 0)
			qsort_r(s.found, s.count, sizeof *s.found, by_persons, &s);
		keep_best(&s);
		if (s.count > 0)
			qsort(s.found, s.count, sizeof *s.found, likely_first);
		out = answer(&s, db, &walked);
	}
	free(s.found);
	return out;
}
