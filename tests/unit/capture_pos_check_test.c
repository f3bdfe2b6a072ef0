#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "capture/pos.h"

#define LINE_JSON                                                                                  \
	"{\"line\":\"1\",\"sku\":\"4001\",\"name\":\"Bread\",\"quantity\":\"1\",\"unit\":"         \
	"\"piece\","                                                                               \
	"\"price\":\"2.50\",\"line_total\":\"2.50\",\"discount\":\"0.00\",\"tax_rate\":\"7\","     \
	"\"line_kind\":\"goods\"}"

/* One right message of each type. */
static const char *const right[TILL_TYPE_COUNT] = {
    [TILL_HELLO] =
        "{\"type\":\"hello\",\"protocol\":1,\"till\":\"T3\",\"lane\":\"3\",\"token\":\"t\"}",
    [TILL_MADE] = "{\"type\":\"made\",\"before_ms\":5321}",
    [TILL_BASKET_OPENED] =
        "{\"type\":\"basket_opened\",\"source_message_id\":\"s:1\",\"basket\":\"B1\","
        "\"mode\":\"sale\",\"staff_ref\":\"S7\",\"training\":false}",
    [TILL_LINE_ADDED] =
        "{\"type\":\"line_added\",\"source_message_id\":\"s:1\",\"basket\":\"B1\",\"line\":\"1\","
        "\"sku\":\"4001\",\"name\":\"Br\u00f6tchen\",\"quantity\":\"0.420\",\"unit\":\"kg\","
        "\"price\":\"2.50\",\"entry_method\":\"scan\"}",
    [TILL_LINE_REMOVED] =
        "{\"type\":\"line_removed\",\"source_message_id\":\"s:1\",\"basket\":\"B1\",\"line\":\"1\","
        "\"reason\":\"void\"}",
    [TILL_LINE_CHANGED] =
        "{\"type\":\"line_changed\",\"source_message_id\":\"s:1\",\"basket\":\"B1\",\"line\":\"1\","
        "\"quantity\":\"2\",\"reason\":\"count\"}",
    [TILL_TENDER_STARTED] = "{\"type\":\"tender_started\",\"source_message_id\":\"s:1\","
                            "\"basket\":\"B1\",\"value\":\"2.50\"}",
    [TILL_CUSTOMER_CHOSEN] = "{\"type\":\"customer_chosen\",\"source_message_id\":\"s:1\","
                             "\"basket\":\"B1\",\"kind\":\"phone\",\"value\":\"+49 30 1234\"}",
    [TILL_CUSTOMER_REMOVED] =
        "{\"type\":\"customer_removed\",\"source_message_id\":\"s:1\",\"basket\":\"B1\"}",
    [TILL_ORDER_COMPLETED] =
        "{\"type\":\"order_completed\",\"source_message_id\":\"s:1\",\"basket\":\"B1\","
        "\"receipt_number\":\"0042\",\"business_date\":\"2026-02-28\",\"subtotal\":\"2.50\","
        "\"discount\":\"0.00\",\"tax\":\"0.16\",\"rounding\":\"-0.01\",\"total\":\"2.49\","
        "\"revenue\":\"2.33\",\"prices_include_tax\":true,\"sale_kind\":\"sale\","
        "\"products\":[" LINE_JSON "],\"tenders\":[{\"type\":\"cash\",\"amount\":\"5.00\"}],"
        "\"change\":\"2.51\"}",
    [TILL_ORDER_CANCELLED] = "{\"type\":\"order_cancelled\",\"source_message_id\":\"s:1\","
                             "\"order_id\":\"s1/T3/2026-11-21/0042\",\"reason\":\"void\"}",
    [TILL_BASKET_VOIDED] =
        "{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\",\"basket\":\"B1\"}",
    [TILL_REFUND] = "{\"type\":\"refund\",\"source_message_id\":\"s:1\",\"refund_number\":\"9\","
                    "\"original_order_id\":null,\"products\":[" LINE_JSON "],\"total\":\"2.50\","
                    "\"tax\":\"0.16\",\"tenders\":[]}",
    [TILL_OPENED] = "{\"type\":\"till_opened\",\"source_message_id\":\"s:1\",\"staff_ref\":\"S7\"}",
    [TILL_CLOSED] =
        "{\"type\":\"till_closed\",\"source_message_id\":\"s:1\",\"business_date\":\"2026-02-28\","
        "\"orders\":3,\"orders_sum\":\"7.47\",\"refunds\":1,\"refunds_sum\":\"2.49\",\"voids\":0,"
        "\"voids_sum\":\"0.00\",\"tenders\":[{\"type\":\"cash\",\"amount\":\"7.47\"}],"
        "\"first_receipt_number\":\"0040\",\"last_receipt_number\":\"0042\"}",
};

static struct pos_fault fault;
static enum till_type type;

static int check_json(json_t *body)
{
	assert_non_null(body);
	int r = pos_check(body, 2, &type, &fault);
	json_decref(body);
	return r;
}

static json_t *message(enum till_type t)
{
	json_error_t e;
	json_t *body = json_loads(right[t], JSON_REJECT_DUPLICATES, &e);
	assert_non_null(body);
	return body;
}

/* The right message of this type with one member replaced by the given JSON, or taken out (NULL).
 */
static int with(enum till_type t, const char *key, const char *value)
{
	json_t *body = message(t);
	if (value == NULL)
		json_object_del(body, key);
	else
		json_object_set_new(body, key,
		                    json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	return check_json(body);
}

/* The same in the first element of a list. */
static int with_in(enum till_type t, const char *list, const char *key, const char *value)
{
	json_t *body = message(t), *first = json_array_get(json_object_get(body, list), 0);
	if (value == NULL)
		json_object_del(first, key);
	else
		json_object_set_new(first, key, json_loads(value, JSON_DECODE_ANY, NULL));
	return check_json(body);
}

static void assert_fault(int r, const char *code, const char *field)
{
	assert_int_equal(r, -1);
	assert_string_equal(fault.code, code);
	assert_string_equal(fault.field, field);
	assert_true(fault.message[0] != '\0');
}

static void a_right_message_of_each_type_passes(void **state)
{
	(void)state;
	for (int t = 0; t < TILL_TYPE_COUNT; t++) {
		assert_int_equal(check_json(message((enum till_type)t)), 0);
		assert_int_equal(type, t);
	}
}

static void every_required_member_of_every_message_is_missed_by_name(void **state)
{
	(void)state;
	static const struct {
		enum till_type t;
		const char *key;
	} required[] = {
#define WANT_REQUIRED 1
#define WANT_NULLABLE 1
#define WANT_OPTIONAL 0
#define MEMBER(symbol, k, ty, need, max) {WANT_##need ? TILL_##symbol : TILL_TYPE_COUNT, k},
#include "laneway/till.def"
	};
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (required[i].t != TILL_TYPE_COUNT && required[i].t != TILL_LINE_CHANGED)
			assert_fault(with(required[i].t, required[i].key, NULL), "missing_field",
			             required[i].key);
}

static void every_member_refuses_a_value_of_another_type(void **state)
{
	(void)state;
	static const struct {
		enum till_type t;
		const char *key;
	} all[] = {
#define MEMBER(symbol, k, ty, need, max) {TILL_##symbol, k},
#include "laneway/till.def"
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_fault(with(all[i].t, all[i].key, "-7.5"), "bad_field", all[i].key);
		assert_fault(with(all[i].t, all[i].key, "{}"), "bad_field", all[i].key);
		assert_fault(with(all[i].t, all[i].key, "\"\""), "bad_field", all[i].key);
		bool nullable = strcmp(all[i].key, "original_order_id") == 0;
		if (nullable)
			assert_int_equal(with(all[i].t, all[i].key, "null"), 0);
		else
			assert_fault(with(all[i].t, all[i].key, "null"), "bad_field", all[i].key);
	}
}

static void an_unknown_member_is_refused_by_name(void **state)
{
	(void)state;
	assert_fault(with(TILL_BASKET_OPENED, "colour", "1"), "unknown_field", "colour");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "products", "pan", "\"x\""), "unknown_field",
	             "products[0].pan");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "tenders", "holder", "\"x\""), "unknown_field",
	             "tenders[0].holder");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "products", "type", "\"x\""), "unknown_field",
	             "products[0].type");
	assert_fault(with(TILL_HELLO, "source_message_id", "\"s:1\""), "unknown_field",
	             "source_message_id");
}

static void a_long_unknown_name_is_cut_between_characters(void **state)
{
	(void)state;
	char key[200];
	for (size_t i = 0; i < 66; i++)
		memcpy(key + 3 * i, "\xe2\x82\xac", 4);
	json_t *body = message(TILL_BASKET_VOIDED);
	json_object_set_new(body, key, json_true());
	assert_int_equal(check_json(body), -1);
	assert_int_equal(strlen(fault.field), 63);
}

static void a_wrong_type_is_named_with_what_was_expected(void **state)
{
	(void)state;
	assert_fault(with(TILL_TENDER_STARTED, "value", "2.5"), "bad_field", "value");
	assert_string_equal(
	    fault.message,
	    "expected decimal text with 2 digits after the point, not negative, got a number");
	assert_fault(with(TILL_BASKET_VOIDED, "basket", "17"), "bad_field", "basket");
	assert_string_equal(
	    fault.message,
	    "expected text of 1 to 64 bytes without control characters, got a number");
	assert_fault(with(TILL_BASKET_OPENED, "training", "\"yes\""), "bad_field", "training");
	assert_string_equal(fault.message, "expected true or false, got other text");
}

static void a_fault_never_repeats_the_value(void **state)
{
	(void)state;
	assert_fault(with(TILL_TENDER_STARTED, "value", "\"4111111111111111\""), "bad_field",
	             "value");
	assert_null(strstr(fault.message, "4111"));
}

static void text_is_bounded_and_free_of_control_characters(void **state)
{
	(void)state;
	char text[70];
	memset(text, 'x', sizeof(text));
	text[0] = text[65] = '"';
	text[66] = '\0';
	assert_int_equal(with(TILL_BASKET_VOIDED, "basket", text), 0); /* 64 bytes */
	text[65] = 'x', text[66] = '"', text[67] = '\0';
	assert_fault(with(TILL_BASKET_VOIDED, "basket", text), "bad_field", "basket");
	assert_fault(with(TILL_BASKET_VOIDED, "basket", "\"a\\u0007b\""), "bad_field", "basket");
	assert_fault(with(TILL_BASKET_VOIDED, "basket", "\"a\\u0000b\""), "bad_field", "basket");
	assert_int_equal(with(TILL_BASKET_VOIDED, "basket", "\"\xc3\xa4\xc3\xb6 1/2\""), 0);
}

static void money_has_the_currencys_digits_and_is_not_negative(void **state)
{
	(void)state;
	static const char *const bad[] = {"\"2.5\"",   "\"2\"",     "\"2.500\"", "\"-2.50\"",
	                                  "\"+2.50\"", "\" 2.50\"", "\"2,50\"",  "\"2.50 \"",
	                                  "\".50\"",   "2.50"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fault(with(TILL_TENDER_STARTED, "value", bad[i]), "bad_field", "value");
	assert_int_equal(with(TILL_TENDER_STARTED, "value", "\"0.00\""), 0);
	assert_int_equal(with(TILL_ORDER_COMPLETED, "rounding", "\"0.02\""), 0);
	assert_int_equal(with(TILL_ORDER_COMPLETED, "rounding", "\"-0.02\""), 0);
	json_t *body = message(TILL_TENDER_STARTED);
	assert_int_equal(pos_check(body, 0, &type, &fault), -1);
	json_object_set_new(body, "value", json_string("250"));
	assert_int_equal(pos_check(body, 0, &type, &fault), 0);
	json_decref(body);
}

static void quantities_and_rates_are_decimal_text(void **state)
{
	(void)state;
	assert_fault(with(TILL_LINE_ADDED, "quantity", "\"0\""), "bad_field", "quantity");
	assert_fault(with(TILL_LINE_ADDED, "quantity", "\"-1\""), "bad_field", "quantity");
	assert_fault(with(TILL_LINE_ADDED, "quantity", "\"1.2345\""), "bad_field", "quantity");
	static const char *const good[] = {"\"0\"", "\"7\"", "\"19.00\"", "\"100\"", "\"7.1234\""};
	static const char *const bad[] = {"\"7.\"",      "\".7\"",   "\"-7\"", "\"1000\"",
	                                  "\"7.12345\"", "\"7.1x\"", "7"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(with_in(TILL_ORDER_COMPLETED, "products", "tax_rate", good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fault(with_in(TILL_ORDER_COMPLETED, "products", "tax_rate", bad[i]),
		             "bad_field", "products[0].tax_rate");
}

static void a_date_is_a_day_that_there_was(void **state)
{
	(void)state;
	static const char *const bad[] = {"\"2026-02-29\"",  "\"2026-13-01\"", "\"2026-1-1\"",
	                                  "\"20260101\"",    "\"2026-04-31\"", "\"0000-01-01\"",
	                                  "\"2026-01-01T\"", "20260101"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fault(with(TILL_ORDER_COMPLETED, "business_date", bad[i]), "bad_field",
		             "business_date");
	assert_int_equal(with(TILL_ORDER_COMPLETED, "business_date", "\"2028-02-29\""), 0);
	assert_int_equal(with(TILL_ORDER_COMPLETED, "business_date", NULL), 0);
}

static void words_come_from_their_lists(void **state)
{
	(void)state;
	assert_fault(with(TILL_CUSTOMER_CHOSEN, "kind", "\"pan\""), "bad_field", "kind");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "products", "line_kind", "\"good\""),
	             "bad_field", "products[0].line_kind");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "tenders", "type", "\"gold\""), "bad_field",
	             "tenders[0].type");
}

static void each_member_of_a_line_and_a_tender_is_wanted(void **state)
{
	(void)state;
	static const char *const line[] = {"line",     "sku",      "name",       "quantity",
	                                   "unit",     "price",    "line_total", "discount",
	                                   "tax_rate", "line_kind"};
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		char field[65];
		snprintf(field, sizeof(field), "products[0].%s", line[i]);
		assert_fault(with_in(TILL_ORDER_COMPLETED, "products", line[i], NULL),
		             "missing_field", field);
		assert_fault(with_in(TILL_REFUND, "products", line[i], "3"), "bad_field", field);
	}
	assert_fault(with_in(TILL_ORDER_COMPLETED, "tenders", "amount", NULL), "missing_field",
	             "tenders[0].amount");
	assert_fault(with_in(TILL_ORDER_COMPLETED, "tenders", "amount", "\"-5.00\""), "bad_field",
	             "tenders[0].amount");
}

static void original_line_belongs_to_refunds_only(void **state)
{
	(void)state;
	assert_int_equal(with_in(TILL_REFUND, "products", "original_line", "\"4\""), 0);
	assert_fault(with_in(TILL_ORDER_COMPLETED, "products", "original_line", "\"4\""),
	             "unknown_field", "products[0].original_line");
}

static void lists_hold_objects_up_to_their_limit(void **state)
{
	(void)state;
	assert_fault(with(TILL_ORDER_COMPLETED, "tenders", "[7]"), "bad_field", "tenders[0]");
	for (int n = 32; n <= 33; n++) {
		json_t *body = message(TILL_ORDER_COMPLETED), *list = json_array();
		for (int i = 0; i < n; i++)
			json_array_append_new(
			    list, json_pack("{s:s,s:s}", "type", "cash", "amount", "1.00"));
		json_object_set_new(body, "tenders", list);
		assert_int_equal(check_json(body), n == 32 ? 0 : -1);
	}
	assert_string_equal(fault.field, "tenders");
}

static void a_changed_line_changes_quantity_or_price(void **state)
{
	(void)state;
	assert_fault(with(TILL_LINE_CHANGED, "quantity", NULL), "missing_field", "quantity");
	assert_string_equal(fault.message, "quantity or price has to be there");
}

static void the_type_is_text_that_is_known(void **state)
{
	(void)state;
	assert_fault(check_json(json_array()), "not_object", "");
	assert_fault(check_json(json_object()), "no_type", "type");
	assert_int_equal(type, TILL_TYPE_COUNT);
	assert_fault(with(TILL_HELLO, "type", "7"), "no_type", "type");
	assert_fault(with(TILL_HELLO, "type", "\"Hello\""), "unknown_type", "type");
	assert_fault(with(TILL_HELLO, "type", "\"hello\\u0000\""), "unknown_type", "type");
}

static void every_message_but_hello_and_made_has_an_id_of_the_right_form(void **state)
{
	(void)state;
	for (int t = 0; t < TILL_TYPE_COUNT; t++)
		if (t != TILL_HELLO && t != TILL_MADE)
			assert_fault(with((enum till_type)t, "source_message_id", NULL), "no_id",
			             "source_message_id");
	assert_fault(with(TILL_BASKET_VOIDED, "source_message_id", "7"), "bad_id",
	             "source_message_id");
	assert_fault(with(TILL_BASKET_VOIDED, "source_message_id", "\"s:0\""), "bad_id",
	             "source_message_id");
}

static void an_id_is_session_and_counter(void **state)
{
	(void)state;
	char session[EVENT_SESSION_SIZE];
	uint64_t n = 0;
	assert_true(pos_check_id("2026-11-21.a_B:17", session, &n));
	assert_string_equal(session, "2026-11-21.a_B");
	assert_int_equal(n, 17);
	assert_true(pos_check_id("s:9007199254740992", session, &n));
	assert_true(pos_check_id("12345678901234567890123456789012:1", session, &n));
	static const char *const bad[] = {"",
	                                  ":1",
	                                  "s",
	                                  "s:",
	                                  "s:0",
	                                  "s:01",
	                                  "s:-1",
	                                  "s:+1",
	                                  "s: 1",
	                                  "s:1 ",
	                                  "s:9007199254740993",
	                                  "s:1:2",
	                                  "a b:1",
	                                  "\xc3\xa4:1",
	                                  "123456789012345678901234567890123:1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(pos_check_id(bad[i], session, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_right_message_of_each_type_passes),
	    cmocka_unit_test(every_required_member_of_every_message_is_missed_by_name),
	    cmocka_unit_test(every_member_refuses_a_value_of_another_type),
	    cmocka_unit_test(an_unknown_member_is_refused_by_name),
	    cmocka_unit_test(a_long_unknown_name_is_cut_between_characters),
	    cmocka_unit_test(a_wrong_type_is_named_with_what_was_expected),
	    cmocka_unit_test(a_fault_never_repeats_the_value),
	    cmocka_unit_test(text_is_bounded_and_free_of_control_characters),
	    cmocka_unit_test(money_has_the_currencys_digits_and_is_not_negative),
	    cmocka_unit_test(quantities_and_rates_are_decimal_text),
	    cmocka_unit_test(a_date_is_a_day_that_there_was),
	    cmocka_unit_test(words_come_from_their_lists),
	    cmocka_unit_test(each_member_of_a_line_and_a_tender_is_wanted),
	    cmocka_unit_test(original_line_belongs_to_refunds_only),
	    cmocka_unit_test(lists_hold_objects_up_to_their_limit),
	    cmocka_unit_test(a_changed_line_changes_quantity_or_price),
	    cmocka_unit_test(the_type_is_text_that_is_known),
	    cmocka_unit_test(every_message_but_hello_and_made_has_an_id_of_the_right_form),
	    cmocka_unit_test(an_id_is_session_and_counter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
