#include "capture/pos_value.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

/* Payment account references are not read from tills. */
static const char *const kinds[] = {"loyalty", "phone",   "email",  "gsrn",
                                    "wallet",  "account", "vat_id", NULL};
static const char *const line_kinds[] = {"goods", "service",  "gift_card", "deposit",
                                         "fee",   "donation", NULL};
static const char *const tender_types[] = {"cash",   "card",    "gift_card", "voucher",
                                           "points", "account", "other",     NULL};

const char *pos_value_found(const json_t *v)
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

void pos_value_expected(const struct pos_value_rule *rule, char out[POS_VALUE_WORDS_SIZE])
{
	static const char *const words[POS_TYPE_COUNT] = {
	    [POS_QUANTITY] = "a quantity as decimal text over zero with at most 3 decimals",
	    [POS_BOOL] = "true or false",
	    [POS_INTEGER] = "a whole number",
	    [POS_DATE] = "a date as text, YYYY-MM-DD",
	    [POS_KIND] = "loyalty, gsrn, wallet, phone, email, account or vat_id",
	    [POS_RATE] = "a percentage as decimal text with at most 4 decimals",
	    [POS_LINE_KIND] = "goods, service, gift_card, deposit, fee or donation",
	    [POS_TENDER_TYPE] = "cash, card, gift_card, voucher, points, account or other",
	};
	if (rule->type == POS_TEXT)
		(void)snprintf(out, POS_VALUE_WORDS_SIZE,
		               "text of 1 to %zu bytes without control characters", rule->max);
	else if (rule->type == POS_LINES || rule->type == POS_TENDERS)
		(void)snprintf(out, POS_VALUE_WORDS_SIZE, "a list of at most %zu objects",
		               rule->max);
	else if (rule->type == POS_MONEY || rule->type == POS_SIGNED)
		(void)snprintf(out, POS_VALUE_WORDS_SIZE,
		               "decimal text with %d digits after the point%s", rule->digits,
		               rule->type == POS_MONEY ? ", not negative" : "");
	else
		(void)snprintf(out, POS_VALUE_WORDS_SIZE, "%s", words[rule->type]);
}

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
	return json_is_integer(v) && n >= 0 && (uint64_t)n <= POS_INTEGER_MAX;
}

bool pos_value_ok(const struct pos_value_rule *rule, const json_t *v)
{
	switch (rule->type) {
	case POS_TEXT:
		return is_text(v, rule->max);
	case POS_MONEY:
		return is_money(v, rule->digits, false);
	case POS_SIGNED:
		return is_money(v, rule->digits, true);
	case POS_QUANTITY:
		return is_quantity(v);
	case POS_BOOL:
		return json_is_boolean(v);
	case POS_INTEGER:
		return is_integer(v);
	case POS_DATE:
		return is_date(v);
	case POS_KIND:
		return is_one_of(v, kinds);
	case POS_RATE:
		return is_rate(v);
	case POS_LINE_KIND:
		return is_one_of(v, line_kinds);
	case POS_TENDER_TYPE:
		return is_one_of(v, tender_types);
	default:
		return json_is_array(v) && json_array_size(v) <= rule->max;
	}
}
