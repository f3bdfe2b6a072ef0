/* The rule table as JSON: the file that a configuration names, what HQ publishes, what a store
 * keeps (WIRE.md, "Rules"). What is left out is as delivered; what is not known is a fault: a rule
 * that does nothing must not look as if it did. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "event/member.h"
#include "identity/quota.h"
#include "identity/rule.h"

#define TABLE_BYTES_MAX (1024 * 1024) /* 4,096 values take about 400 KB */

struct reading {
	struct rule_set *out;
	char *err;
	size_t err_size;
};

__attribute__((format(printf, 2, 3))) static int fault(const struct reading *r, const char *fmt,
                                                       ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(r->err, r->err_size, fmt, ap);
	va_end(ap);
	return -1;
}

static const char *const list_names[RULE_LIST_COUNT] = {
    [RULE_LIST_BLOCKED] = "blocked", [RULE_LIST_OWN] = "own", [RULE_LIST_STAFF] = "staff"};
static const char *const join_names[] = {
    [RULE_JOIN_NEVER] = "never", [RULE_JOIN_VERIFIED] = "verified", [RULE_JOIN_NAMED] = "named"};

/* ---- single members ---- */

struct member {
	const char *key;
	int *number;
	int min, max;
	char *text;
	size_t size;
	bool *flag;
};

static int read_number(const struct reading *r, const char *in, const struct member *m,
                       const json_t *v)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < m->min || n > m->max)
		return fault(r, "%s%s: expected a whole number from %d to %d", in, m->key, m->min,
		             m->max);
	*m->number = (int)n;
	return 0;
}

static int read_text(const struct reading *r, const char *in, const struct member *m,
                     const json_t *v)
{
	const char *text = json_string_value(v);

	if (!text || !text[0] || text_has_control(text, strlen(text)) ||
	    !text_copy(m->text, m->size, text))
		return fault(r, "%s%s: expected a text of 1 to %zu bytes", in, m->key, m->size - 1);
	return 0;
}

/* A member without a place is read elsewhere. */
static int read_member(const struct reading *r, const char *in, const struct member *m,
                       const json_t *v)
{
	if (m->number)
		return read_number(r, in, m, v);
	if (m->text)
		return read_text(r, in, m, v);
	if (m->flag && !json_is_boolean(v))
		return fault(r, "%s%s: expected true or false", in, m->key);
	if (m->flag)
		*m->flag = json_is_true(v);
	return 0;
}

/* One object by its members; what is not among them is refused. */
static int read_members(const struct reading *r, const char *in, json_t *o, const struct member *m)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o))
		return fault(r, "%sexpected an object", in);
	json_object_foreach(o, key, v)
	{
		const struct member *at = m;
		while (at->key && strcmp(at->key, key) != 0)
			at++;
		if (!at->key)
			return fault(r, "%s\"%.32s\" is not known here", in, key);
		if (read_member(r, in, at, v) < 0)
			return -1;
	}
	return 0;
}

/* ---- the parts ---- */

static struct rule *row_of(struct rule_set *rules, enum ident_kind kind)
{
	for (int i = 0; i < rules->rule_count; i++) {
		if (rules->rule[i].kind == kind)
			return &rules->rule[i];
	}
	return NULL;
}

static int read_join(const struct reading *r, const char *in, const char *word, struct rule *row)
{
	for (size_t i = 0; i < sizeof join_names / sizeof *join_names; i++) {
		if (strcmp(join_names[i], word) != 0)
			continue;
		row->join = (enum rule_join)i;
		return 0;
	}
	return fault(r, "%sjoin: expected never, verified or named", in);
}

static int read_rule(const struct reading *r, json_t *o, size_t i)
{
	char in[48], kind[17] = "", join[17] = "";
	const char *name = json_string_value(json_object_get(o, "kind"));
	enum ident_kind which = name ? ident_kind_of(name) : IDENT_NONE;
	struct rule *row = row_of(r->out, which);

	snprintf(in, sizeof in, "rules[%zu]: ", i);
	if (!row)
		return fault(r,
		             "%skind: expected loyalty, phone, email or another kind of "
		             "identifier",
		             in);
	const struct member members[] = {
	    {.key = "kind", .text = kind, .size = sizeof kind},
	    {.key = "name", .text = row->name, .size = sizeof row->name},
	    {.key = "priority", .number = &row->priority, .max = 1000},
	    {.key = "limit", .number = &row->limit, .max = 1000},
	    {.key = "unique", .flag = &row->unique},
	    {.key = "join", .text = join, .size = sizeof join},
	    {.key = "trust", .number = &row->trust, .max = 100},
	    {.key = "stale_days", .number = &row->stale_days, .max = 36500},
	    {.key = NULL},
	};
	if (read_members(r, in, o, members) < 0)
		return -1;
	return join[0] ? read_join(r, in, join, row) : 0;
}

/* The table stands in the order of its priorities. */
static void sort_rules(struct rule_set *rules)
{
	for (int i = 1; i < rules->rule_count; i++) {
		struct rule row = rules->rule[i];
		int at = i;
		for (; at > 0 && rules->rule[at - 1].priority > row.priority; at--)
			rules->rule[at] = rules->rule[at - 1];
		rules->rule[at] = row;
	}
}

/* A domain with '@' in front stands for itself; all else must have a normal form. */
static bool value_form(const struct rule_set *rules, const char *given, struct rule_value *out)
{
	static const struct ident_rules no_forms;
	struct ident_form form;
	const struct ident_given as = {.kind = out->kind, .value = given};

	if (out->kind == IDENT_EMAIL && given[0] == '@') {
		char address[IDENT_VALUE_SIZE + 1], nf[IDENT_VALUE_SIZE];
		snprintf(address, sizeof address, "x%s", given);
		return ident_email(address, nf) && text_copy(out->value, sizeof out->value, nf + 1);
	}
	return ident_normalise(rules->forms ? rules->forms : &no_forms, &as, &form) == IDENT_OK &&
	       text_copy(out->value, sizeof out->value, form.value);
}

static int read_value(const struct reading *r, json_t *o, enum rule_list list, size_t i)
{
	struct rule_value value = {.list = list};
	char in[48], kind[17] = "loyalty", given[IDENT_VALUE_SIZE] = "", why[129];
	const struct member members[] = {
	    {.key = "kind", .text = kind, .size = sizeof kind},
	    {.key = "value", .text = given, .size = sizeof given},
	    {.key = "staff_ref", .text = value.staff_ref, .size = sizeof value.staff_ref},
	    {.key = "note", .text = why, .size = sizeof why},
	    {.key = NULL},
	};

	snprintf(in, sizeof in, "%s[%zu]: ", list_names[list], i);
	if (read_members(r, in, o, members) < 0)
		return -1;
	value.kind = ident_kind_of(kind);
	/* The value itself is not repeated: it may be somebody's. */
	if (value.kind == IDENT_NONE || !value_form(r->out, given, &value))
		return fault(r, "%svalue: expected a %.16s in one of its forms", in, kind);
	if (rule_add(r->out, &value) < 0)
		return fault(r, "%stoo many values: expected at most %d", in, RULE_VALUES_MAX);
	return 0;
}

static int read_list(const struct reading *r, json_t *o, enum rule_list list)
{
	json_t *a = json_object_get(o, list_names[list]), *v;
	size_t i;

	if (a && !json_is_array(a))
		return fault(r, "%s: expected a list", list_names[list]);
	json_array_foreach(a, i, v)
	{
		if (read_value(r, v, list, i) < 0)
			return -1;
	}
	return 0;
}

static int read_table(const struct reading *r, json_t *o)
{
	struct rule_set *out = r->out;
	struct rule_guard *g = &out->guard;
	json_t *rules = json_object_get(o, "rules"), *guard = json_object_get(o, "guard"), *v;
	size_t i;
	const struct member top[] = {
	    {.key = "version", .text = out->version, .size = sizeof out->version},
	    {.key = "author", .text = out->author, .size = sizeof out->author},
	    {.key = "reason", .text = out->reason, .size = sizeof out->reason},
	    {.key = "rules"},
	    {.key = "guard"},
	    {.key = "blocked"},
	    {.key = "own"},
	    {.key = "staff"},
	    {.key = NULL},
	};
	const struct member guards[] = {
	    {.key = "persons_max", .number = &g->persons_max, .min = 1, .max = 1000},
	    {.key = "day_baskets_max", .number = &g->day_baskets_max, .min = 1, .max = 1000},
	    {.key = "lane_baskets", .number = &g->lane_baskets, .min = 2, .max = 8},
	    {.key = "lane_window_s", .number = &g->lane_window_s, .min = 60, .max = 86400},
	    {.key = "clean_days", .number = &g->clean_days, .min = 1, .max = 3650},
	    {.key = "lookups_max", .number = &g->lookups_max, .min = 1, .max = QUOTA_MAX},
	    {.key = NULL},
	};

	if (read_members(r, "", o, top) < 0)
		return -1;
	for (size_t k = 0; k < 3; k++) {
		if (!json_object_get(o, top[k].key))
			return fault(r, "%s is missing: a rule table says who wrote it and why",
			             top[k].key);
	}
	if (guard && read_members(r, "guard: ", guard, guards) < 0)
		return -1;
	if (rules && !json_is_array(rules))
		return fault(r, "rules: expected a list");
	json_array_foreach(rules, i, v)
	{
		if (read_rule(r, v, i) < 0)
			return -1;
	}
	sort_rules(out);
	for (int list = 0; list < RULE_LIST_COUNT; list++) {
		if (read_list(r, o, (enum rule_list)list) < 0)
			return -1;
	}
	return 0;
}

int rule_read(const char *json, size_t len, const struct ident_rules *forms, struct rule_set *out,
              char *err, size_t err_size)
{
	const struct reading r = {out, err, err_size};
	json_error_t at;
	json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);

	rule_defaults(out);
	out->forms = forms;
	int rc = o ? read_table(&r, o) : fault(&r, "line %d: no JSON", at.line);
	json_decref(o);
	if (rc < 0)
		rule_free(out);
	return rc;
}

int rule_read_file(const char *path, const struct ident_rules *forms, struct rule_set *out,
                   char *err, size_t err_size)
{
	char why[200] = "";
	struct buf text = {0};
	struct stat st;
	bool other = stat(path, &st) == 0 && !S_ISREG(st.st_mode); /* a pipe would be waited for */
	FILE *f = other ? NULL : fopen(path, "re");
	uint8_t *room = f ? buf_room(&text, TABLE_BYTES_MAX + 1) : NULL;
	size_t len = room ? fread(room, 1, TABLE_BYTES_MAX + 1, f) : 0;
	int rc = -1;

	if (other)
		snprintf(why, sizeof why, "not a file, expected a rule table");
	else if (!f || ferror(f))
		snprintf(why, sizeof why, "%s, expected a rule table", strerror(errno));
	else if (!room)
		snprintf(why, sizeof why, "out of memory");
	else if (len > TABLE_BYTES_MAX)
		snprintf(why, sizeof why, "too long, expected at most %d bytes", TABLE_BYTES_MAX);
	else
		rc = rule_read((const char *)room, len, forms, out, why, sizeof why);
	if (rc < 0)
		snprintf(err, err_size, "%s: %s", path, why);
	if (f)
		fclose(f);
	if (room)
		explicit_bzero(room, len);
	buf_free(&text);
	return rc;
}

/* ---- writing ---- */

static void write_rule(struct buf *b, const struct rule *row)
{
	member_next(b);
	buf_byte(b, '{');
	member_text(b, "join", join_names[row->join]);
	member_text(b, "kind", ident_kind_name(row->kind));
	member_integer(b, "limit", row->limit);
	member_text(b, "name", row->name);
	member_integer(b, "priority", row->priority);
	member_integer(b, "stale_days", row->stale_days);
	member_integer(b, "trust", row->trust);
	member_bool(b, "unique", row->unique);
	buf_byte(b, '}');
}

static void write_list(struct buf *b, const struct rule_set *rules, enum rule_list list)
{
	member_key(b, list_names[list]);
	buf_byte(b, '[');
	for (int i = 0; i < rules->value_count; i++) {
		const struct rule_value *v = &rules->value[i];
		if (v->list != list)
			continue;
		member_next(b);
		buf_byte(b, '{');
		member_text(b, "kind", ident_kind_name(v->kind));
		if (v->staff_ref[0])
			member_text(b, "staff_ref", v->staff_ref);
		member_text(b, "value", v->value);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

void rule_write(struct buf *b, const struct rule_set *rules)
{
	buf_byte(b, '{');
	member_text(b, "author", rules->author);
	write_list(b, rules, RULE_LIST_BLOCKED);
	member_key(b, "guard");
	buf_byte(b, '{');
	member_integer(b, "clean_days", rules->guard.clean_days);
	member_integer(b, "day_baskets_max", rules->guard.day_baskets_max);
	member_integer(b, "lane_baskets", rules->guard.lane_baskets);
	member_integer(b, "lane_window_s", rules->guard.lane_window_s);
	member_integer(b, "lookups_max", rules->guard.lookups_max);
	member_integer(b, "persons_max", rules->guard.persons_max);
	buf_byte(b, '}');
	write_list(b, rules, RULE_LIST_OWN);
	member_text(b, "reason", rules->reason);
	member_key(b, "rules");
	buf_byte(b, '[');
	for (int i = 0; i < rules->rule_count; i++)
		write_rule(b, &rules->rule[i]);
	buf_byte(b, ']');
	write_list(b, rules, RULE_LIST_STAFF);
	member_text(b, "version", rules->version);
	buf_byte(b, '}');
}
