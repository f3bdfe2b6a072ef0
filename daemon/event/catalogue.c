/* include/laneway/events.def as tables, and the check of an event's properties against them. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "event/event.h"

#define CURRENCY_DIGITS_MAX 4 /* ISO 4217 knows no currency with more */

enum field_type { TEXT, MONEY, QUANTITY, INTEGER, BOOL, LIST, OBJECT };
enum field_need { REQUIRED, NULLABLE, OPTIONAL };

struct kind {
	const char *name;
	int schema;
	char class;
};

struct field {
	enum event_kind kind;
	const char *key;
	enum field_type type;
	enum field_need need;
};

static const struct kind kinds[EVENT_KIND_COUNT] = {
#define EVENT(symbol, name, schema, class) [EVENT_##symbol] = {name, schema, class},
#include "laneway/events.def"
};

static const struct field fields[] = {
#define FIELD(symbol, key, type, need) {EVENT_##symbol, key, type, need},
#include "laneway/events.def"
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const char *const type_names[] = {
    [TEXT] = "text",
    [MONEY] = "decimal text with the currency's digits",
    [QUANTITY] = "a quantity as decimal text",
    [INTEGER] = "an integer",
    [BOOL] = "true or false",
    [LIST] = "a list",
    [OBJECT] = "an object",
};

static const bool awaited[EVENT_KIND_COUNT] = {
#define AWAITED(symbol) [EVENT_##symbol] = true,
#include "laneway/events.def"
};

const char *lw_event_name(enum event_kind kind)
{
	return kinds[kind].name;
}

int lw_event_schema(enum event_kind kind)
{
	return kinds[kind].schema;
}

char lw_event_class(enum event_kind kind)
{
	return kinds[kind].class;
}

bool lw_event_awaited(enum event_kind kind)
{
	return awaited[kind];
}

enum event_kind lw_event_kind_of(const char *name)
{
	int kind = 0;
	while (kind < EVENT_KIND_COUNT && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return (enum event_kind)kind;
}

/* Digits of the event's own currency; -1: it names none, so those of any currency will do. */
static int currency_digits(const json_t *properties)
{
	const char *code = json_string_value(json_object_get(properties, "currency"));
	return code ? num_currency_digits(code) : -1;
}

static bool money_ok(const char *text, int digits)
{
	int64_t minor;
	if (digits >= 0)
		return num_money(text, digits, &minor);
	for (digits = 0; digits <= CURRENCY_DIGITS_MAX; digits++)
		if (num_money(text, digits, &minor))
			return true;
	return false;
}

static bool value_ok(enum field_type type, const json_t *value, int digits)
{
	int64_t milli;
	switch (type) {
	case TEXT:
		return json_is_string(value);
	case MONEY:
		return json_is_string(value) && money_ok(json_string_value(value), digits);
	case QUANTITY:
		return json_is_string(value) && num_quantity(json_string_value(value), &milli);
	case INTEGER:
		return json_is_integer(value);
	case BOOL:
		return json_is_boolean(value);
	case LIST:
		return json_is_array(value);
	case OBJECT:
		return json_is_object(value);
	}
	return false;
}

/* NULL when the field may stand as it is, else what is wrong with it. */
static const char *field_fault(const struct field *f, const json_t *value, int digits)
{
	if (!value)
		return f->need == OPTIONAL ? NULL : "is missing";
	if (json_is_null(value))
		return f->need == NULLABLE ? NULL : "is null";
	return value_ok(f->type, value, digits) ? NULL : "is of another type";
}

static bool known(enum event_kind kind, const char *key)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (fields[i].kind == kind && strcmp(fields[i].key, key) == 0)
			return true;
	return false;
}

int lw_event_check(enum event_kind kind, const void *properties, char *err, size_t err_size)
{
	/* jansson's iteration wants a pointer to what it will not change. */
	json_t *object = (json_t *)(uintptr_t)properties;
	if (!json_is_object(object)) {
		snprintf(err, err_size, "%s: properties are not an object", kinds[kind].name);
		return -1;
	}
	int digits = currency_digits(object);
	size_t seen = 0;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct field *f = &fields[i];
		if (f->kind != kind)
			continue;
		const json_t *value = json_object_get(object, f->key);
		const char *fault = field_fault(f, value, digits);
		if (fault) {
			snprintf(err, err_size, "%s: \"%s\" %s, expected %s", kinds[kind].name,
			         f->key, fault, type_names[f->type]);
			return -1;
		}
		seen += value != NULL;
	}
	if (seen == json_object_size(object))
		return 0;
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value) if (!known(kind, key)) break;
	snprintf(err, err_size, "%s: \"%s\" is not in the catalogue", kinds[kind].name, key);
	return -1;
}
