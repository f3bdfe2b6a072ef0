/* What is different in another rule table, by the members that it is written with: a figure that is
 * added to the table needs nothing here. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hq/identity/hq_rules_show.h"

#define HQ_RULES_DIFF_SIZE 240

static void scalar(const json_t *v, char out[48])
{
	if (json_is_integer(v))
		snprintf(out, 48, "%" PRId64, (int64_t)json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(out, 48, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(out, 48, "%s", json_is_string(v) ? json_string_value(v) : "nothing");
}

static void diff_members(json_t *lines, const char *of, const json_t *was, json_t *is)
{
	char line[HQ_RULES_DIFF_SIZE], before[48], now[48];
	const char *key;
	json_t *v;

	json_object_foreach(is, key, v)
	{
		if (json_equal(json_object_get(was, key), v))
			continue;
		scalar(json_object_get(was, key), before);
		scalar(v, now);
		snprintf(line, sizeof line, "%s: %s %s, then %s", of, key, before, now);
		json_array_append_new(lines, json_string(line));
	}
}

static const json_t *row_of(const json_t *rules, const char *kind)
{
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *row = json_array_get(rules, i);
		if (strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0)
			return row;
	}
	return NULL;
}

static void diff_rows(json_t *lines, const json_t *was, const json_t *is)
{
	for (size_t i = 0; i < json_array_size(is); i++) {
		json_t *row = json_array_get(is, i);
		const char *kind = json_string_value(json_object_get(row, "kind"));
		diff_members(lines, kind, row_of(was, kind), row);
	}
}

/* Values of a list that the other table does not have in it, by kind. */
static void diff_list(json_t *lines, const struct rule_set *of, const struct rule_set *other,
                      enum rule_list list, const char *word)
{
	int count[IDENT_KIND_COUNT] = {0};
	char line[HQ_RULES_DIFF_SIZE];

	for (int i = 0; i < of->value_count; i++) {
		const struct rule_value *v = &of->value[i], *same;
		same = v->list == list ? rule_listed(other, list, v->kind, v->value) : v;
		count[v->kind] += !same || strcmp(same->staff_ref, v->staff_ref) != 0;
	}
	for (int kind = 0; kind < IDENT_KIND_COUNT; kind++) {
		if (count[kind] == 0)
			continue;
		snprintf(line, sizeof line, "%s: %d of %s %s", rule_list_name(list), count[kind],
		         ident_kind_name((enum ident_kind)kind), word);
		json_array_append_new(lines, json_string(line));
	}
}

static json_t *json_of(const struct rule_set *table)
{
	struct buf text = {0};
	json_t *o;

	rule_write(&text, table);
	o = text.failed ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
	buf_free(&text);
	return o;
}

json_t *hq_rules_diff(const struct rule_set *was, const struct rule_set *is)
{
	json_t *before = json_of(was), *now = json_of(is), *lines = json_array();

	diff_rows(lines, json_object_get(before, "rules"), json_object_get(now, "rules"));
	diff_members(lines, "guard", json_object_get(before, "guard"),
	             json_object_get(now, "guard"));
	for (int list = 0; list < RULE_LIST_COUNT; list++) {
		diff_list(lines, is, was, (enum rule_list)list, "more");
		diff_list(lines, was, is, (enum rule_list)list, "less");
	}
	json_decref(before);
	json_decref(now);
	return lines;
}
