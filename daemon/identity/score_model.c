/* The model as a text, and what stands in its place until there is one. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "identity/score_internal.h"

#define SHARE_MIN 1e-12 /* so that no weight is without bounds */

/* Guesses for a chain of some ten thousand customers, on the careful side; in order of the levels
 * from 1. Sums are made 1 when they are used. */
static const double default_same[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX] = {
    [SCORE_FIRST] = {0, 0.83, 0.04, 0.02, 0.05, 0.02, 0.01, 0.03},
    [SCORE_LAST] = {0, 0.87, 0.04, 0.01, 0.02, 0.06},
    [SCORE_BORN] = {0, 0.93, 0.01, 0.03, 0.01, 0.02},
    [SCORE_PLACE] = {0, 0.94, 0.02, 0.02, 0.01, 0.01},
    [SCORE_STREET] = {0, 0.90, 0.05, 0.02, 0.03},
    [SCORE_HOUSE] = {0, 0.91, 0.05, 0.04},
    [SCORE_PHONE] = {0, 0.75, 0.25},
    [SCORE_MAIL] = {0, 0.70, 0.05, 0.25},
};
static const double default_strange[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX] = {
    [SCORE_FIRST] = {0, 0.006, 0.003, 0.02, 0.004, 0.002, 0.00001, 0.965},
    [SCORE_LAST] = {0, 0.001, 0.0015, 0.01, 0.001, 0.9865},
    [SCORE_BORN] = {0, 0.00006, 0.00003, 0.002, 0.002, 0.99591},
    [SCORE_PLACE] = {0, 0.004, 0.01, 0.04, 0.1, 0.846},
    [SCORE_STREET] = {0, 0.001, 0.002, 0.02, 0.977},
    [SCORE_HOUSE] = {0, 0.015, 0.06, 0.925},
    [SCORE_PHONE] = {0, 0.000002, 0.999998},
    [SCORE_MAIL] = {0, 0.000001, 0.0000005, 0.9999985},
};
static const double default_house[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX] = {
    [SCORE_FIRST] = {0, 0.012, 0.004, 0.02, 0.004, 0.002, 0.00001, 0.957},
    [SCORE_LAST] = {0, 0.75, 0.02, 0.01, 0.02, 0.20},
    [SCORE_BORN] = {0, 0.02, 0.00003, 0.002, 0.004, 0.97397},
    [SCORE_PHONE] = {0, 0.35, 0.65},
    [SCORE_MAIL] = {0, 0.10, 0.01, 0.89},
};

static void whole(const double in[SCORE_LEVELS_MAX], double out[SCORE_LEVELS_MAX])
{
	double sum = 0;

	for (int l = 1; l < SCORE_LEVELS_MAX; l++)
		sum += in[l];
	for (int l = 1; l < SCORE_LEVELS_MAX; l++)
		out[l] = in[l] / sum;
	out[0] = 0;
}

struct score_model *score_model_defaults(void)
{
	struct score_model *m = memory_zeroed(1, sizeof *m);

	if (!m)
		return NULL;
	snprintf(m->version, sizeof m->version, "defaults-1");
	snprintf(m->made, sizeof m->made, "2026-11-22T00:00:00.000Z");
	m->match = 1e-5;
	m->houses = 2e-5;
	m->moved = 0.10;
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		whole(default_same[f], m->same[f]);
		whole(default_strange[f], m->strange[f]);
		whole(score_is_address(f) ? default_same[f] : default_house[f], m->house[f]);
	}
	return m;
}

const char *score_model_version(const struct score_model *m)
{
	return m->version;
}

const char *score_model_made(const struct score_model *m)
{
	return m->made;
}

uint64_t score_model_records(const struct score_model *m)
{
	return m->records;
}

void score_model_free(struct score_model *m)
{
	if (!m)
		return;
	free(m->often);
	free(m);
}

static int frequent_first(const void *a, const void *b)
{
	const struct score_often *x = a, *y = b;

	if (x->share < y->share || x->share > y->share)
		return x->share > y->share ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static int by_key(const void *a, const void *b)
{
	const struct score_often *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static enum score_field field_of(const struct score_often *o)
{
	return (enum score_field)(o->key & 15);
}

void score_model_shorten(struct score_model *m)
{
	int kept = 0;

	if (m->often_count > 0)
		qsort(m->often, (size_t)m->often_count, sizeof *m->often, frequent_first);
	for (int i = 0; i < m->often_count; i++) {
		const struct score_often *o = &m->often[i];
		enum score_field f = field_of(o);
		if (f == SCORE_BORN || f >= SCORE_FIELD_COUNT)
			continue;
		if (kept < SCORE_TOLD_OFTEN_MAX)
			m->often[kept++] = *o;
		else if (m->rest[f] > 0)
			m->rest[f] = fmax(m->rest[f], o->share);
	}
	m->often_count = kept;
	if (kept > 0)
		qsort(m->often, (size_t)kept, sizeof *m->often, by_key);
}

static void write_levels(const char *name, const double p[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX],
                         struct buf *out)
{
	buf_printf(out, ",\"%s\":{", name);
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		buf_printf(out, "%s\"%s\":{", f ? "," : "", score_field_name(f));
		for (int l = 1; l < score_level_count(f); l++)
			buf_printf(out, "%s\"%s\":%.9g", l > 1 ? "," : "", score_level_name(f, l),
			           p[f][l]);
		buf_str(out, "}");
	}
	buf_str(out, "}");
}

void score_model_write(const struct score_model *m, struct buf *out)
{
	buf_printf(out,
	           "{\"version\":\"%s\",\"made\":\"%s\",\"records\":%llu,\"match\":%.9g,"
	           "\"houses\":%.9g,\"moved\":%.9g",
	           m->version, m->made, (unsigned long long)m->records, m->match, m->houses,
	           m->moved);
	write_levels("same", m->same, out);
	write_levels("house", m->house, out);
	write_levels("strange", m->strange, out);
	buf_str(out, ",\"rest\":{");
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++)
		buf_printf(out, "%s\"%s\":%.9g", f ? "," : "", score_field_name(f), m->rest[f]);
	buf_str(out, "},\"often\":[");
	for (int i = 0; i < m->often_count; i++)
		buf_printf(out, "%s[\"%016llx\",%.6g]", i ? "," : "",
		           (unsigned long long)m->often[i].key, m->often[i].share);
	buf_str(out, "]}");
}

struct reading {
	struct score_model *m;
	char *err;
	size_t err_size;
};

static bool wrong(struct reading *r, const char *what, const char *expected)
{
	snprintf(r->err, r->err_size, "weights: %s, expected %s", what, expected);
	return false;
}

static bool share(const json_t *v, double *out)
{
	*out = json_number_value(v);
	return json_is_number(v) && isfinite(*out) && *out > 0 && *out <= 1;
}

static bool read_levels(struct reading *r, const json_t *all, const char *name,
                        double p[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX])
{
	const json_t *fields = json_object_get(all, name);

	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		const json_t *field = json_object_get(fields, score_field_name(f));
		double sum = 0;
		for (int l = 1; l < score_level_count(f); l++) {
			if (!share(json_object_get(field, score_level_name(f, l)), &p[f][l]))
				return wrong(r, "a level without its share",
				             "a number above 0, at most 1");
			p[f][l] = fmax(p[f][l], SHARE_MIN);
			sum += p[f][l];
		}
		if (fabs(sum - 1) > 1e-3)
			return wrong(r, "shares that do not sum up", "1 for each field");
	}
	return true;
}

static bool read_often(struct reading *r, const json_t *all)
{
	const json_t *list = json_object_get(all, "often"), *row;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n > SCORE_OFTEN_MAX)
		return wrong(r, "often", "a list of at most 16384 values");
	r->m->often = memory_zeroed(n + 1, sizeof *r->m->often);
	if (!r->m->often)
		return wrong(r, "no memory", "some");
	json_array_foreach(list, i, row)
	{
		const char *key = json_string_value(json_array_get(row, 0));
		struct score_often *o = &r->m->often[i];
		if (!key || strlen(key) != 16 || key[strspn(key, "0123456789abcdef")] ||
		    !share(json_array_get(row, 1), &o->share))
			return wrong(r, "a frequent value", "16 hex digits and a share");
		o->key = strtoull(key, NULL, 16);
		o->share = fmax(o->share, SHARE_MIN);
		if (i > 0 && o[-1].key >= o->key)
			return wrong(r, "frequent values out of order", "rising ones");
		r->m->often_count++;
	}
	return true;
}

static bool read_rest(struct reading *r, const json_t *all)
{
	const json_t *rest = json_object_get(all, "rest");

	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		const json_t *v = json_object_get(rest, score_field_name(f));
		r->m->rest[f] = json_number_value(v);
		if (!json_is_number(v) || !(r->m->rest[f] >= 0 && r->m->rest[f] <= 1))
			return wrong(r, "rest", "a share of each field");
		if (r->m->rest[f] > 0)
			r->m->rest[f] = fmax(r->m->rest[f], SHARE_MIN);
	}
	return true;
}

static bool read_word(const json_t *all, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(all, name));

	return text && *text && text_copy(out, size, text) && !strpbrk(out, "\"\\") &&
	       !text_has_control(out, strlen(out));
}

static bool read_all(struct reading *r, const json_t *all)
{
	struct score_model *m = r->m;
	json_int_t records = json_integer_value(json_object_get(all, "records"));

	if (!read_word(all, "version", m->version, sizeof m->version) ||
	    !read_word(all, "made", m->made, sizeof m->made) || records < 0)
		return wrong(r, "version, made or records", "two words and a number");
	m->records = (uint64_t)records;
	if (!share(json_object_get(all, "match"), &m->match) ||
	    !share(json_object_get(all, "houses"), &m->houses) ||
	    !share(json_object_get(all, "moved"), &m->moved) || m->moved > 0.9)
		return wrong(r, "match, houses or moved", "shares");
	m->match = fmax(m->match, SHARE_MIN);
	m->houses = fmax(m->houses, SHARE_MIN);
	return read_levels(r, all, "same", m->same) && read_levels(r, all, "house", m->house) &&
	       read_levels(r, all, "strange", m->strange) && read_rest(r, all) &&
	       read_often(r, all);
}

struct score_model *score_model_read(const char *json, size_t len, char *err, size_t err_size)
{
	struct reading r = {memory_zeroed(1, sizeof *r.m), err, err_size};
	json_t *all = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	bool ok = false;

	if (!r.m)
		wrong(&r, "no memory", "some");
	else if (!json_is_object(all))
		wrong(&r, "no JSON", "an object");
	else
		ok = read_all(&r, all);
	json_decref(all);
	if (ok)
		return r.m;
	score_model_free(r.m);
	return NULL;
}
