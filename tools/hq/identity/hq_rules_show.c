#include "hq/identity/hq_rules_show.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "hq/base/hq_rows.h"

#define HQ_RULES_SHOW_COLUMNS_MAX 16
#define HQ_RULES_SHOW_WIDTH 12

/* ---- what there is ---- */

static json_t *counts(const struct rule_set *table)
{
	json_t *all = json_array();

	for (int list = 0; list < RULE_LIST_COUNT; list++) {
		int count[IDENT_KIND_COUNT] = {0};
		for (int i = 0; i < table->value_count; i++)
			count[table->value[i].kind] += (int)table->value[i].list == list;
		for (int kind = 0; kind < IDENT_KIND_COUNT; kind++) {
			if (count[kind] > 0)
				json_array_append_new(
				    all, json_pack("{s:s,s:s,s:i}", "list",
				                   rule_list_name((enum rule_list)list), "kind",
				                   ident_kind_name((enum ident_kind)kind), "count",
				                   count[kind]));
		}
	}
	return all;
}

static json_t *table_of(const struct rule_set *table)
{
	struct buf text = {0};
	json_t *o;

	rule_write(&text, table);
	o = text.failed ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
	buf_free(&text);
	return o;
}

static const char history_sql[] =
    "SELECT version, author, reason, made_us AS published_us FROM rule_table ORDER BY version DESC";
static const char stores_sql[] =
    "SELECT store.name AS store, r.device, r.version, r.refused, r.why, r.since_us FROM store_rules"
    " r JOIN store ON store.id = r.store ORDER BY store.name, r.device";

static json_t *published(const json_t *history, int64_t version)
{
	for (size_t i = 0; i < json_array_size(history); i++) {
		json_t *row = json_array_get(history, i);
		if (json_integer_value(json_object_get(row, "version")) == version)
			return json_incref(json_object_get(row, "published"));
	}
	return json_null();
}

json_t *hq_rules_show(struct sqlite3 *db, int64_t version, const struct rule_set *table)
{
	struct hq_rows r = {.db = db};
	json_t *history = hq_rows_list(&r, history_sql, 0), *written = table_of(table),
	       *newest = json_array_get(history, 0),
	       *left = hq_rows_list(&r, "SELECT count(*) AS n FROM dirty", 0), *shown;
	json_int_t in_force =
	    newest ? json_integer_value(json_object_get(newest, "version")) : HQ_RULES_DELIVERED;

	shown = json_pack("{s:I,s:s,s:s,s:o,s:b,s:O,s:O,s:O,s:o,s:o,s:o}", "version",
	                  (json_int_t)version, "author", table->author, "reason", table->reason,
	                  "published", published(history, version), "in_force", version == in_force,
	                  "left", json_object_get(json_array_get(left, 0), "n"), "rules",
	                  json_object_get(written, "rules"), "guard",
	                  json_object_get(written, "guard"), "values", counts(table), "history",
	                  history, "stores", hq_rows_list(&r, stores_sql, 0));
	json_decref(written);
	json_decref(left);
	if (!r.failed)
		return shown;
	json_decref(shown);
	return NULL;
}

/* ---- for a person ---- */

static const char *text(const json_t *o, const char *key, const char *none)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : none;
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *cell(const json_t *row, const char *key, char out[48])
{
	const json_t *v = json_object_get(row, key);

	if (json_is_string(v))
		snprintf(out, 48, "%s", json_string_value(v));
	else if (json_is_boolean(v))
		snprintf(out, 48, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(out, 48, "%" PRId64, (int64_t)json_integer_value(v));
	return out;
}

/* Those that people look for first, then whatever else a row has; its name ends it. */
static size_t columns_of(json_t *row, const char *out[HQ_RULES_SHOW_COLUMNS_MAX])
{
	static const char *const first[] = {"kind", "priority", "limit",     "unique",
	                                    "join", "trust",    "stale_days"};
	size_t n = sizeof first / sizeof *first;
	const char *key;
	json_t *v;

	memcpy(out, first, sizeof first);
	json_object_foreach(row, key, v)
	{
		bool known = strcmp(key, "name") == 0;
		for (size_t i = 0; i < n && !known; i++)
			known = strcmp(out[i], key) == 0;
		if (!known && n < HQ_RULES_SHOW_COLUMNS_MAX - 1)
			out[n++] = key;
	}
	out[n++] = "name";
	return n;
}

static void print_rules(const json_t *rules)
{
	const char *column[HQ_RULES_SHOW_COLUMNS_MAX];
	size_t n = columns_of(json_array_get(rules, 0), column);
	char value[48];

	for (size_t k = 0; k < n; k++)
		printf("%-*s", k + 1 < n ? HQ_RULES_SHOW_WIDTH : 0, column[k]);
	printf("\n");
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *row = json_array_get(rules, i);
		for (size_t k = 0; k < n; k++)
			printf("%-*s", k + 1 < n ? HQ_RULES_SHOW_WIDTH : 0,
			       cell(row, column[k], value));
		printf("\n");
	}
}

static void print_guard(json_t *guard)
{
	const char *key, *comma = "guards: ";
	char value[48];
	json_t *v;

	json_object_foreach(guard, key, v)
	{
		printf("%s%s %s", comma, key, cell(guard, key, value));
		comma = ", ";
	}
	printf("\n");
}

static void print_values(const json_t *values)
{
	printf("values:");
	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *row = json_array_get(values, i);
		printf("%s %s: %" PRId64 " of %s", i ? "," : "", text(row, "list", "?"),
		       number(row, "count"), text(row, "kind", "?"));
	}
	printf("%s\n", json_array_size(values) ? "" : " none blocked, own or staff's");
}

static void print_history(const json_t *history)
{
	printf("history\n");
	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *row = json_array_get(history, i);
		printf("  %-6" PRId64 " %s  %s: %s\n", number(row, "version"),
		       text(row, "published", "?"), text(row, "author", "?"),
		       text(row, "reason", "?"));
	}
	printf("  %-6d as delivered\n", HQ_RULES_DELIVERED);
}

static void print_stores(const json_t *stores)
{
	if (json_array_size(stores) > 0)
		printf("stores\n");
	for (size_t i = 0; i < json_array_size(stores); i++) {
		const json_t *row = json_array_get(stores, i);
		const char *version = text(row, "version", ""), *refused = text(row, "refused", "");
		printf("  %s %s  %s%s since %s\n", text(row, "store", "?"),
		       text(row, "device", "?"), version[0] ? "version " : "its own", version,
		       text(row, "since", "?"));
		if (refused[0])
			printf("    refuses version %s: %s\n", refused, text(row, "why", "?"));
	}
}

void hq_rules_show_print(const json_t *shown)
{
	const char *when = text(shown, "published", NULL);

	printf("version %" PRId64 "%s%s by %s: %s%s\n", number(shown, "version"),
	       when ? " of " : "", when ? when : "", text(shown, "author", "?"),
	       text(shown, "reason", "?"),
	       json_is_true(json_object_get(shown, "in_force")) ? "  (in force)" : "");
	if (number(shown, "left") > 0)
		printf("%" PRId64 " customers are still to be folded by the table in force\n",
		       number(shown, "left"));
	printf("\n");
	print_rules(json_object_get(shown, "rules"));
	print_guard(json_object_get(shown, "guard"));
	print_values(json_object_get(shown, "values"));
	printf("\n");
	print_history(json_object_get(shown, "history"));
	print_stores(json_object_get(shown, "stores"));
}

/* ---- a preview ---- */

static const struct {
	const char *name, *one, *many;
} words[] = {
    {"joined", "customer becomes part of another", "customers become part of another"},
    {"parted", "customer is one again", "customers are ones again"},
    {"moved", "record goes to another customer", "records go to another customer"},
    {"blocked", "identifier is blocked", "identifiers are blocked"},
    {"unblocked", "identifier is blocked no longer", "identifiers are blocked no longer"},
    {"shared", "identifier becomes shared", "identifiers become shared"},
    {"unshared", "identifier is shared no longer", "identifiers are shared no longer"},
    {"claims", "identifier of a customer holds no longer, or again",
     "identifiers of customers hold no longer, or again"},
    {"listed", "more entry on the steward's list", "more entries on the steward's list"},
    {"unlisted", "entry goes from the steward's list", "entries go from the steward's list"},
    {"lines", "customer's line on pages changes and goes to stores",
     "customers' lines on pages change and go to stores"},
};

static void print_figure(const json_t *figure, const char *one, const char *many)
{
	const json_t *first = json_object_get(figure, "first");
	int64_t count = number(figure, "count");

	printf("  %" PRId64 " %s", count, count == 1 ? one : many);
	for (size_t i = 0; i < json_array_size(first); i++)
		printf("%s%s", i ? ", " : ": ", json_string_value(json_array_get(first, i)));
	printf("%s\n",
	       (size_t)count > json_array_size(first) && json_array_size(first) ? ", ..." : "");
}

void hq_rules_show_figures(const json_t *figures, bool done)
{
	bool any = false;

	printf("%s\n", done ? "what changes" : "what would change");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const json_t *figure = json_object_get(figures, words[i].name);
		if (number(figure, "count") == 0)
			continue;
		print_figure(figure, words[i].one, words[i].many);
		any = true;
	}
	if (!any)
		printf("  nothing for any customer\n");
}
