#include "capture/pos.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define COUNTER_MAX (UINT64_C(1) << 53) /* what every JSON reader holds exactly */
#define LINES_FIELD_SIZE 48             /* "products[999]" */

enum type {
	TYPE_TEXT,
	TYPE_MONEY,
	TYPE_SIGNED,
	TYPE_QUANTITY,
	TYPE_BOOL,
	TYPE_INTEGER,
	TYPE_DATE,
	TYPE_LINES,
	TYPE_TENDERS,
	TYPE_KIND,
	TYPE_RATE,
	TYPE_LINE_KIND,
	TYPE_TENDER_TYPE,
	TYPE_COUNT
};
enum need { NEED_REQUIRED, NEED_NULLABLE, NEED_OPTIONAL };

struct member {
	int of; /* enum till_type, or one of the elements below */
	const char *key;
	enum type type;
	enum need need;
	size_t max;
};

/* A refund's line is a line with one member more. */
enum { OF_LINE = TILL_TYPE_COUNT, OF_REFUND_LINE, OF_TENDER };

static const struct member members[] = {
#define MEMBER(symbol, key, type, need, max) {TILL_##symbol, key, TYPE_##type, NEED_##need, max},
#include "laneway/till.def"
    {OF_LINE, "line", TYPE_TEXT, NEED_REQUIRED, 32},
    {OF_LINE, "sku", TYPE_TEXT, NEED_REQUIRED, 64},
    {OF_LINE, "name", TYPE_TEXT, NEED_REQUIRED, 200},
    {OF_LINE, "quantity", TYPE_QUANTITY, NEED_REQUIRED, 0},
    {OF_LINE, "unit", TYPE_TEXT, NEED_REQUIRED, 16},
    {OF_LINE, "price", TYPE_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "line_total", TYPE_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "discount", TYPE_MONEY, NEED_REQUIRED, 0},
    {OF_LINE, "tax_rate", TYPE_RATE, NEED_REQUIRED, 0},
    {OF_LINE, "line_kind", TYPE_LINE_KIND, NEED_REQUIRED, 0},
    {OF_REFUND_LINE, "original_line", TYPE_TEXT, NEED_OPTIONAL, 32},
    {OF_TENDER, "type", TYPE_TENDER_TYPE, NEED_REQUIRED, 0},
    {OF_TENDER, "amount", TYPE_MONEY, NEED_REQUIRED, 0},
};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static const char *const names[TILL_TYPE_COUNT] = {
#define MESSAGE(symbol, name) [TILL_##symbol] = name,
#include "laneway/till.def"
};

static const char *const kinds[] = {"loyalty", "phone", "email", NULL};
static const char *const line_kinds[] = {"goods", "service",  "gift_card", "deposit",
                                         "fee",   "donation", NULL};
static const char *const tender_types[] = {"cash",   "card",    "gift_card", "voucher",
                                           "points", "account", "other",     NULL};

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

static const char *json_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "other text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

static void expected(const struct check *c, const struct member *m, char *out, size_t size)
{
	static const char *const words[TYPE_COUNT] = {
	    [TYPE_QUANTITY] = "a quantity as decimal text over zero with at most 3 decimals",
	    [TYPE_BOOL] = "true or false",
	    [TYPE_INTEGER] = "a whole number",
	    [TYPE_DATE] = "a date as text, YYYY-MM-DD",
	    [TYPE_KIND] = "loyalty, phone or email",
	    [TYPE_RATE] = "a percentage as decimal text with at most 4 decimals",
	    [TYPE_LINE_KIND] = "goods, service, gift_card, deposit, fee or donation",
	    [TYPE_TENDER_TYPE] = "cash, card, gift_card, voucher, points, account or other",
	};
	if (m->type == TYPE_TEXT)
		(void)snprintf(out, size, "text of 1 to %zu bytes without control characters",
		               m->max);
	else if (m->type == TYPE_LINES || m->type == TYPE_TENDERS)
		(void)snprintf(out, size, "a list of at most %zu objects", m->max);
	else if (m->type == TYPE_MONEY || m->type == TYPE_SIGNED)
		(void)snprintf(out, size, "decimal text with %d digits after the point%s",
		               c->digits, m->type == TYPE_MONEY ? ", not negative" : "");
	else
		(void)snprintf(out, size, "%s", words[m->type]);
}

static int fail_type(const struct check *c, const struct member *m, const json_t *v)
{
	char want[128];
	expected(c, m, want, sizeof(want));
	if (json_is_string(v) && json_string_length(v) == 0)
		return fail(c, "bad_field", m->key, "expected %s, got empty text", want);
	return fail(c, "bad_field", m->key, "expected %s, got %s", want, json_word(v));
}

/* ---- single values ---- */

static bool is_text(const json_t *v, size_t max)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);
	return s != NULL && n >= 1 && n <= max && text_utf8_ok(s, n) && !text_has_control(s, n);
}

static bool is_one_of(const json_t *v, const char *const *words)
{
	const char *s = json_string_value(v);
	if (s == NULL || strlen(s) != json_string_length(v))
		return false;
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static bool is_money(const json_t *v, int digits, bool may_be_negative)
{
	int64_t minor;
	return is_text(v, NUM_MONEY_SIZE) && num_money(json_string_value(v), digits, &minor) &&
	       (may_be_negative || json_string_value(v)[0] != '-');
}

static bool is_quantity(const json_t *v)
{
	int64_t milli;
	return is_text(v, 16) && num_quantity(json_string_value(v), &milli);
}

static size_t count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

static bool is_rate(const json_t *v)
{
	if (!is_text(v, 8))
		return false;
	const char *s = json_string_value(v);
	size_t whole = count_digits(s);
	if (whole < 1 || whole > 3)
		return false;
	if (s[whole] == '\0')
		return true;
	size_t rest = count_digits(s + whole + 1);
	return s[whole] == '.' && rest >= 1 && rest <= 4 && s[whole + 1 + rest] == '\0';
}

static bool is_date(const json_t *v)
{
	if (!is_text(v, CLOCK_DATE_SIZE - 1))
		return false;
	char text[CLOCK_ISO8601_SIZE];
	int64_t wall_us;
	(void)snprintf(text, sizeof(text), "%.10sT00:00:00Z", json_string_value(v));
	return json_string_length(v) == CLOCK_DATE_SIZE - 1 &&
	       clock_parse_iso8601(text, &wall_us) == 0;
}

static bool is_integer(const json_t *v)
{
	json_int_t n = json_integer_value(v);
	return json_is_integer(v) && n >= 0 && (uint64_t)n <= COUNTER_MAX;
}

static bool is_value(const struct check *c, const struct member *m, const json_t *v)
{
	switch (m->type) {
	case TYPE_TEXT:
		return is_text(v, m->max);
	case TYPE_MONEY:
		return is_money(v, c->digits, false);
	case TYPE_SIGNED:
		return is_money(v, c->digits, true);
	case TYPE_QUANTITY:
		return is_quantity(v);
	case TYPE_BOOL:
		return json_is_boolean(v);
	case TYPE_INTEGER:
		return is_integer(v);
	case TYPE_DATE:
		return is_date(v);
	case TYPE_KIND:
		return is_one_of(v, kinds);
	case TYPE_RATE:
		return is_rate(v);
	case TYPE_LINE_KIND:
		return is_one_of(v, line_kinds);
	case TYPE_TENDER_TYPE:
		return is_one_of(v, tender_types);
	default:
		return json_is_array(v) && json_array_size(v) <= m->max;
	}
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

static bool is_common(int of, const char *key)
{
	if (of >= TILL_TYPE_COUNT)
		return false;
	return strcmp(key, "type") == 0 ||
	       (of != TILL_HELLO && strcmp(key, "source_message_id") == 0);
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
		if (!is_value(c, m, v))
			return fail_type(c, m, v);
		if (json_is_array(v) && check_list(c, m, v) < 0)
			return -1;
	}
	return 0;
}

static int check_list(const struct check *c, const struct member *m, const json_t *list)
{
	struct check inner = *c;
	inner.of = OF_TENDER;
	if (m->type == TYPE_LINES)
		inner.of = c->of == TILL_REFUND ? OF_REFUND_LINE : OF_LINE;
	for (size_t i = 0; i < json_array_size(list); i++) {
		char parent[LINES_FIELD_SIZE];
		(void)snprintf(parent, sizeof(parent), "%s[%zu]", m->key, i);
		const json_t *v = json_array_get(list, i);
		if (!json_is_object(v))
			return fail(c, "bad_field", parent, "expected an object, got %s",
			            json_word(v));
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
	    !num_u64(text + n + 1, 1, COUNTER_MAX, counter))
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
		            "every message but hello has a member \"source_message_id\"");
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
		            json_word(body));
	if (check_type(&c, body, type) < 0)
		return -1;
	c.of = (int)*type;
	if (*type != TILL_HELLO && check_id(&c, body) < 0)
		return -1;
	if (check_members(&c, body) < 0)
		return -1;
	if (*type == TILL_LINE_CHANGED && json_object_get(body, "quantity") == NULL &&
	    json_object_get(body, "price") == NULL)
		return fail(&c, "missing_field", "quantity", "quantity or price has to be there");
	return 0;
}
