#include "capture/pos.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "capture/pos_value.h"

#define ELEMENT_FIELD_SIZE 48 /* "products[999]" */

enum need { NEED_REQUIRED, NEED_NULLABLE, NEED_OPTIONAL };

struct member {
	int of; /* enum till_type, or one of the elements below */
	const char *key;
	enum pos_type type;
	enum need need;
	size_t max;
};

/* A refund's line is a line with one member more. */
enum { OF_LINE = TILL_TYPE_COUNT, OF_REFUND_LINE, OF_TENDER };

static const struct member members[] = {
#define MEMBER(symbol, key, type, need, max) {TILL_##symbol, key, POS_##type, NEED_##need, max},
#include "laneway/till.def"
    {OF_LINE, "line", POS_TEXT, NEED_REQUIRED, 32},
    {OF_LINE, "sku", POS_TEXT, NEED_REQUIRED, 64},
    {OF_LINE, "name", POS_TEXT, NEED_REQUIRED, 200},
    {OF_LINE, "quantity", POS_QUANTITY, NEED_REQUIRED, 0},
    {OF_LINE, "unit", POS_TEXT, NEED_REQUIRED, 16},
    {OF_LINE, "price", POS_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "line_total", POS_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "discount", POS_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "tax_rate", POS_RATE, NEED_REQUIRED, 0},
    {OF_LINE, "line_kind", POS_LINE_KIND, NEED_REQUIRED, 0},
    {OF_REFUND_LINE, "original_line", POS_TEXT, NEED_OPTIONAL, 32},
    {OF_TENDER, "type", POS_TENDER_TYPE, NEED_REQUIRED, 0},
    {OF_TENDER, "amount", POS_MONEY, NEED_REQUIRED, 0},
};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static const char *const names[TILL_TYPE_COUNT] = {
#define MESSAGE(symbol, name) [TILL_##symbol] = name,
#include "laneway/till.def"
};

/* Where a check stands. */
struct check {
	int digits;
	int of;             /* whose members */
	const char *parent; /* "products[3]" or NULL */
	struct pos_fault *fault;
};

/* ---- faults ---- */

/* Cut between characters, so that the field stays UTF-8. */
static void name_field(const struct check *c, const char *key)
{
	char *field = c->fault->field;
	size_t size = sizeof(c->fault->field);
	int n = c->parent ? snprintf(field, size, "%s.%s", c->parent, key)
	                  : snprintf(field, size, "%s", key);
	if (n < (int)size)
		return;
	size_t len = size - 1;
	while (len > 0 && !text_utf8_ok(field, len))
		field[--len] = '\0';
}

__attribute__((format(printf, 4, 5))) static int fail(const struct check *c, const char *code,
                                                      const char *key, const char *fmt, ...)
{
	va_list ap;
	(void)snprintf(c->fault->code, sizeof(c->fault->code), "%s", code);
	name_field(c, key);
	va_start(ap, fmt);
	(void)vsnprintf(c->fault->message, sizeof(c->fault->message), fmt, ap);
	va_end(ap);
	return -1;
}

static int fail_type(const struct check *c, const char *key, const struct pos_value_rule *rule,
                     const json_t *v)
{
	char want[POS_VALUE_WORDS_SIZE];
	pos_value_expected(rule, want);
	if (json_is_string(v) && json_string_length(v) == 0)
		return fail(c, "bad_field", key, "expected %s, got empty text", want);
	return fail(c, "bad_field", key, "expected %s, got %s", want, pos_value_found(v));
}

/* ---- objects ---- */

static bool belongs(const struct member *m, int of)
{
	return m->of == of || (of == OF_REFUND_LINE && m->of == OF_LINE);
}

static const struct member *find_member(int of, const char *key)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (belongs(&members[i], of) && strcmp(members[i].key, key) == 0)
			return &members[i];
	return NULL;
}

static bool has_id(int of)
{
	return of != TILL_HELLO && of != TILL_MADE;
}

static bool is_common(int of, const char *key)
{
	if (of >= TILL_TYPE_COUNT)
		return false;
	return strcmp(key, "type") == 0 || (has_id(of) && strcmp(key, "source_message_id") == 0);
}

static int check_known(const struct check *c, const json_t *object)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)object, key, v)
	{
		if (find_member(c->of, key) == NULL && !is_common(c->of, key))
			return fail(c, "unknown_field", key,
			            "this member is not part of the message; leave it out");
	}
	return 0;
}

static int check_list(const struct check *c, const struct member *m, const json_t *list);

static int check_members(const struct check *c, const json_t *object)
{
	if (check_known(c, object) < 0)
		return -1;
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		const struct member *m = &members[i];
		if (!belongs(m, c->of))
			continue;
		const json_t *v = json_object_get(object, m->key);
		if (v == NULL && m->need == NEED_OPTIONAL)
			continue;
		if (v == NULL)
			return fail(c, "missing_field", m->key, "this member has to be there");
		if (json_is_null(v) && m->need == NEED_NULLABLE)
			continue;
		struct pos_value_rule rule = {m->type, m->max, c->digits};
		if (!pos_value_ok(&rule, v))
			return fail_type(c, m->key, &rule, v);
		if (json_is_array(v) && check_list(c, m, v) < 0)
			return -1;
	}
	return 0;
}

static int check_list(const struct check *c, const struct member *m, const json_t *list)
{
	struct check inner = *c;
	inner.of = OF_TENDER;
	if (m->type == POS_LINES)
		inner.of = c->of == TILL_REFUND ? OF_REFUND_LINE : OF_LINE;
	for (size_t i = 0; i < json_array_size(list); i++) {
		char parent[ELEMENT_FIELD_SIZE];
		(void)snprintf(parent, sizeof(parent), "%s[%zu]", m->key, i);
		const json_t *v = json_array_get(list, i);
		if (!json_is_object(v))
			return fail(c, "bad_field", parent, "expected an object, got %s",
			            pos_value_found(v));
		inner.parent = parent;
		if (check_members(&inner, v) < 0)
			return -1;
	}
	return 0;
}

/* ---- the message ---- */

bool pos_check_id(const char *text, char session[EVENT_SESSION_SIZE], uint64_t *counter)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t n = strspn(text, allowed);
	if (n < 1 || n >= EVENT_SESSION_SIZE || text[n] != ':' || text[n + 1] == '0' ||
	    !num_u64(text + n + 1, 1, POS_INTEGER_MAX, counter))
		return false;
	memcpy(session, text, n);
	session[n] = '\0';
	return true;
}

static int check_type(const struct check *c, const json_t *body, enum till_type *type)
{
	const json_t *v = json_object_get(body, "type");
	if (!json_is_string(v))
		return fail(c, "no_type", "type",
		            "every message has a member \"type\" that is text");
	for (int t = 0; t < TILL_TYPE_COUNT; t++) {
		if (strcmp(json_string_value(v), names[t]) == 0 &&
		    json_string_length(v) == strlen(names[t])) {
			*type = (enum till_type)t;
			return 0;
		}
	}
	return fail(c, "unknown_type", "type", "expected a message type such as basket_opened");
}

static int check_id(const struct check *c, const json_t *body)
{
	char session[EVENT_SESSION_SIZE];
	uint64_t counter;
	const json_t *v = json_object_get(body, "source_message_id");
	if (v == NULL)
		return fail(c, "no_id", "source_message_id",
		            "every message but hello and made has a member \"source_message_id\"");
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v) ||
	    !pos_check_id(json_string_value(v), session, &counter))
		return fail(
		    c, "bad_id", "source_message_id",
		    "expected session:counter, 1 to 32 of A-Z a-z 0-9 _ . - before the colon, a "
		    "number from 1 to 2^53 without leading zeros behind it");
	return 0;
}

int pos_check(const json_t *body, int digits, enum till_type *type, struct pos_fault *fault)
{
	struct check c = {.digits = digits, .fault = fault};
	*type = TILL_TYPE_COUNT;
	memset(fault, 0, sizeof(*fault));
	if (!json_is_object(body))
		return fail(&c, "not_object", "", "expected one JSON object on the line, got %s",
		            pos_value_found(body));
	if (check_type(&c, body, type) < 0)
		return -1;
	c.of = (int)*type;
	if (has_id(c.of) && check_id(&c, body) < 0)
		return -1;
	if (check_members(&c, body) < 0)
		return -1;
	if (*type == TILL_LINE_CHANGED && json_object_get(body, "quantity") == NULL &&
	    json_object_get(body, "price") == NULL)
		return fail(&c, "missing_field", "quantity", "quantity or price has to be there");
	return 0;
}
