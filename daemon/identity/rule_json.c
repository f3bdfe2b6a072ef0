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
#define FAULT_SIZE 200

/* Reading goes on after a fault, so that whoever wrote the table hears of all of them at once. */
struct reading {
	struct rule_set *out;
	struct buf *faults;
	int count;
	bool draft; /* who wrote it and why is said elsewhere */
};

__attribute__((format(printf, 2, 3))) static int fault(struct reading *r, const char *fmt, ...)
{
	char line[FAULT_SIZE];
	va_list ap;

	if (r->count++ >= RULE_FAULTS_MAX)
		return -1;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	buf_str(r->faults, line);
	buf_byte(r->faults, '\n');
	return -1;
}

static const char *const list_names[RULE_LIST_COUNT] = {
    [RULE_LIST_BLOCKED] = "blocked", [RULE_LIST_OWN] = "own", [RULE_LIST_STAFF] = "staff"};
const char *rule_list_name(enum rule_list list)
{
	return list_names[list];
}

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

static int read_number(struct reading *r, const char *in, const struct member *m, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < m->min || n > m->max)
		return fault(r, "%s%s: expected a whole number from %d to %d", in, m->key, m->min,
		             m->max);
	*m->number = (int)n;
	return 0;
}

static int read_text(struct reading *r, const char *in, const struct member *m, const json_t *v)
{
	const char *text = json_string_value(v);

	if (!text || !text[0] || text_has_control(text, strlen(text)) ||
	    !text_copy(m->text, m->size, text))
		return fault(r, "%s%s: expected a text of 1 to %zu bytes", in, m->key, m->size - 1);
	return 0;
}

/* A member without a place is read elsewhere. */
static int read_member(struct reading *r, const char *in, const struct member *m, const json_t *v)
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
static int read_members(struct reading *r, const char *in, json_t *o, const struct member *m)
{
	const char *key;
	json_t *v;
	int rc = 0;

	if (!json_is_object(o))
		return fault(r, "%sexpected an object", in);
	json_object_foreach(o, key, v)
	{
		const struct member *at = m;
		while (at->key && strcmp(at->key, key) != 0)
			at++;
		if (!at->key)
			rc = fault(r, "%s\"%.32s\" is not known here", in, key);
		else if (read_member(r, in, at, v) < 0)
			rc = -1;
	}
	return rc;
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

static int read_join(struct reading *r, const char *in, const char *word, struct rule *row)
{
	for (size_t i = 0; i < sizeof join_names / sizeof *join_names; i++) {
		if (strcmp(join_names[i], word) != 0)
			continue;
		row->join = (enum rule_join)i;
		return 0;
	}
	return fault(r, "%sjoin: expected never, verified or named", in);
}

static int read_rule(struct reading *r, json_t *o, size_t i, bool stood[IDENT_KIND_COUNT])
{
	char in[48], kind[17] = "", join[17] = "";
	const char *name = json_string_value(json_object_get(o, "kind"));
	enum ident_kind which = name ? ident_kind_of(name) : IDENT_NONE;
	struct rule nowhere, *row = row_of(r->out, which);

	snprintf(in, sizeof in, "rules[%zu]: ", i);
	if (!row)
		fault(r,
		      "%skind: expected loyalty, phone, email or another kind of "
		      "identifier",
		      in);
	else if (stood[which])
		fault(r, "%skind: %s stands here for the second time, expected one row of each", in,
		      ident_kind_name(which));
	if (row)
		stood[which] = true;
	else
		row = &nowhere; /* its other members are looked at all the same */
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
	read_members(r, in, o, members);
	return join[0] ? read_join(r, in, join, row) : 0;
}

static void read_rules(struct reading *r, json_t *rules)
{
	bool stood[IDENT_KIND_COUNT] = {false};
	json_t *v;
	size_t i;

	if (rules && !json_is_array(rules))
		fault(r, "rules: expected a list");
	json_array_foreach(rules, i, v)
	{
		read_rule(r, v, i, stood);
	}
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

/* -1: there is no room for more. */
static int read_value(struct reading *r, json_t *o, enum rule_list list, size_t i)
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
		return 0;
	value.kind = ident_kind_of(kind);
	/* The value itself is not repeated: it may be somebody's. */
	if (value.kind == IDENT_NONE || !value_form(r->out, given, &value))
		fault(r, "%svalue: expected a %.16s in one of its forms", in, kind);
	else if (rule_add(r->out, &value) < 0)
		return fault(r, "%stoo many values: expected at most %d", in, RULE_VALUES_MAX);
	return 0;
}

static void read_list(struct reading *r, json_t *o, enum rule_list list)
{
	json_t *a = json_object_get(o, list_names[list]), *v;
	size_t i;

	if (a && !json_is_array(a))
		fault(r, "%s: expected a list", list_names[list]);
	json_array_foreach(a, i, v)
	{
		if (read_value(r, v, list, i) < 0)
			return;
	}
}

static void read_table(struct reading *r, json_t *o)
{
	struct rule_set *out = r->out;
	struct rule_guard *g = &out->guard;
	json_t *guard = json_object_get(o, "guard");
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
	    {.key = "offline_days", .number = &g->offline_days, .max = 90},
	    {.key = NULL},
	};

	if (r->draft)
		out->version[0] = '\0';
	read_members(r, "", o, top);
	for (size_t k = 0; k < 3 && !r->draft && json_is_object(o); k++) {
		if (!json_object_get(o, top[k].key))
			fault(r, "%s is missing: a rule table says who wrote it and why",
			      top[k].key);
	}
	if (guard)
		read_members(r, "guard: ", guard, guards);
	read_rules(r, json_object_get(o, "rules"));
	sort_rules(out);
	for (int list = 0; list < RULE_LIST_COUNT; list++)
		read_list(r, o, (enum rule_list)list);
}

/* How many faults. */
static int read_all(struct reading *r, const char *json, size_t len,
                    const struct ident_rules *forms)
{
	json_error_t at;
	json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);

	rule_defaults(r->out);
	r->out->forms = forms;
	if (o)
		read_table(r, o);
	else if (json_error_code(&at) == json_error_duplicate_key)
		fault(r, "line %d: no JSON, a member stands there twice", at.line);
	else
		fault(r, "line %d: no JSON from column %d on", at.line, at.column);
	json_decref(o);
	if (r->count > RULE_FAULTS_MAX)
		buf_printf(r->faults, "and %d more\n", r->count - RULE_FAULTS_MAX);
	if (r->count > 0)
		rule_free(r->out);
	return r->count;
}

int rule_read(const char *json, size_t len, const struct ident_rules *forms, struct rule_set *out,
              char *err, size_t err_size)
{
	struct buf faults = {0};
	struct reading r = {.out = out, .faults = &faults};
	int rc = read_all(&r, json, len, forms) > 0 ? -1 : 0;
	const char *end = faults.len ? memchr(faults.data, '\n', faults.len) : NULL;

	if (rc < 0)
		snprintf(err, err_size, "%.*s", end ? (int)(end - (char *)faults.data) : 13,
		         end ? (char *)faults.data : "out of memory");
	buf_free(&faults);
	return rc;
}

void rule_version(const char *json, size_t len, char out[33])
{
	json_t *o = json_loadb(json, len, 0, NULL);
	const char *version = json_string_value(json_object_get(o, "version"));

	if (!version || !version[0] || text_has_control(version, strlen(version)) ||
	    !text_copy(out, 33, version))
		text_copy(out, 33, "?");
	json_decref(o);
}

int rule_draft(const char *json, size_t len, const struct ident_rules *forms, struct rule_set *out,
               struct buf *faults)
{
	struct reading r = {.out = out, .faults = faults, .draft = true};

	return read_all(&r, json, len, forms);
}

/* The file's bytes; false with why. */
static bool read_bytes(const char *path, struct buf *text, char *why, size_t why_size)
{
	struct stat st;
	bool other = stat(path, &st) == 0 && !S_ISREG(st.st_mode); /* a pipe would be waited for */
	FILE *f = other ? NULL : fopen(path, "re");
	uint8_t *room = f ? buf_room(text, TABLE_BYTES_MAX + 1) : NULL;

	why[0] = '\0';
	text->len = room ? fread(room, 1, TABLE_BYTES_MAX + 1, f) : 0;
	if (other)
		snprintf(why, why_size, "not a file, expected a rule table");
	else if (!f || ferror(f))
		snprintf(why, why_size, "%s, expected a rule table", strerror(errno));
	else if (!room)
		snprintf(why, why_size, "out of memory");
	else if (text->len > TABLE_BYTES_MAX)
		snprintf(why, why_size, "too long, expected at most %d bytes", TABLE_BYTES_MAX);
	if (f)
		fclose(f);
	return !why[0];
}

static void drop_bytes(struct buf *text)
{
	if (text->data)
		explicit_bzero(text->data, text->len);
	buf_free(text);
}

int rule_read_file(const char *path, const struct ident_rules *forms, struct rule_set *out,
                   char *err, size_t err_size)
{
	char why[FAULT_SIZE];
	struct buf text = {0};
	int rc = -1;

	if (read_bytes(path, &text, why, sizeof why))
		rc = rule_read((const char *)text.data, text.len, forms, out, why, sizeof why);
	if (rc < 0)
		snprintf(err, err_size, "%s: %s", path, why);
	drop_bytes(&text);
	return rc;
}

int rule_draft_file(const char *path, const struct ident_rules *forms, struct rule_set *out,
                    struct buf *faults)
{
	char why[FAULT_SIZE];
	struct buf text = {0};
	int count = 1;

	if (read_bytes(path, &text, why, sizeof why))
		count = rule_draft((const char *)text.data, text.len, forms, out, faults);
	else
		buf_printf(faults, "%s\n", why);
	drop_bytes(&text);
	return count;
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
	member_integer(b, "offline_days", rules->guard.offline_days);
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
