#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

/* A text of its own content and length for each number. */
static void fill(char text[600], int i)
{
	memset(text, 'a' + i % 26, (size_t)i + 1);
	text[i + 1] = 0;
}

static void what_is_handed_out_stays_where_it_is(void **state)
{
	(void)state;
	struct entry *e = entry_new();
	const char *texts[500];
	struct lw_event *ev = NULL;
	char expected[600];
	for (int i = 0; i < 500; i++) {
		fill(expected, i);
		texts[i] = entry_text(e, expected);
		ev = entry_add(e, EVENT_PRODUCT_ADDED);
		ev->mono_us = i;
		ev->properties = texts[i];
	}
	assert_int_equal(e->count, 500);
	assert_ptr_equal(e->last, ev);
	ev = e->first;
	for (int i = 0; i < 500; i++, ev = ev->next) {
		fill(expected, i);
		assert_int_equal(ev->mono_us, i);
		assert_int_equal((uintptr_t)ev % _Alignof(struct lw_event), 0);
		assert_ptr_equal(ev->properties, texts[i]);
		assert_string_equal(texts[i], expected);
	}
	assert_null(ev);
	entry_free(e);
}

static void a_text_larger_than_a_chunk_is_whole(void **state)
{
	(void)state;
	struct entry *e = entry_new();
	char *big = malloc(EVENT_LINE_MAX);
	memset(big, 'x', EVENT_LINE_MAX);
	const char *small = entry_text_n(e, "abcdef", 3);
	const char *copy = entry_text_n(e, big, EVENT_LINE_MAX);
	assert_memory_equal(copy, big, EVENT_LINE_MAX);
	assert_int_equal(copy[EVENT_LINE_MAX], 0);
	assert_string_equal(small, "abc");
	assert_string_equal(entry_text(e, "after"), "after");
	free(big);
	entry_free(e);
}

static void a_new_event_is_zeroed(void **state)
{
	(void)state;
	struct entry *e = entry_new();
	struct lw_event zero;
	memset(&zero, 0, sizeof zero);
	zero.kind = EVENT_BOX_STARTED;
	struct lw_event *ev = entry_add(e, EVENT_BOX_STARTED);
	assert_memory_equal(ev, &zero, sizeof zero);
	assert_null(entry_text(e, NULL));
	assert_null(entry_text_n(e, NULL, 3));
	entry_free(e);
	entry_free(NULL);
}

static void every_kind_is_found_by_its_name(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_KIND_COUNT; i++) {
		enum event_kind kind = (enum event_kind)i;
		assert_int_equal(lw_event_kind_of(lw_event_name(kind)), kind);
		assert_true(lw_event_schema(kind) >= 1);
		assert_non_null(strchr("ABC", lw_event_class(kind)));
	}
	assert_int_equal(lw_event_kind_of("Order completed"), EVENT_KIND_COUNT);
	assert_int_equal(lw_event_kind_of(""), EVENT_KIND_COUNT);
	assert_int_equal(lw_event_class(EVENT_ORDER_COMPLETED), 'A');
}

/* --- lw_event_check --------------------------------------------------------------------------- */

static const char line_added[] =
    "{\"cart_id\":\"B\",\"currency\":\"EUR\",\"entry_method\":\"scan\",\"line_id\":\"1\",\"name\":"
    "\"Bread\",\"price\":\"2.50\",\"quantity\":\"1\",\"sku\":\"4711\",\"unit\":\"piece\"}";

/* Checks line_added with one member replaced (value NULL: taken out); the sentence, or "". */
static const char *fault_of(const char *key, json_t *value)
{
	static char err[200];
	err[0] = 0;
	json_t *o = json_loads(line_added, 0, NULL);
	if (value)
		json_object_set_new(o, key, value);
	else
		json_object_del(o, key);
	int rc = lw_event_check(EVENT_PRODUCT_ADDED, o, err, sizeof err);
	assert_int_equal(rc, err[0] ? -1 : 0);
	json_decref(o);
	return err;
}

static void properties_as_the_catalogue_wants_them_pass(void **state)
{
	(void)state;
	assert_string_equal(fault_of("name", json_string("Butter")), "");
	assert_string_equal(fault_of("no such member", NULL), "");
}

static void a_missing_field_is_named(void **state)
{
	(void)state;
	assert_string_equal(fault_of("sku", NULL),
	                    "Product Added: \"sku\" is missing, expected text");
}

static void a_field_of_another_type_is_named(void **state)
{
	(void)state;
	assert_string_equal(
	    fault_of("quantity", json_integer(1)),
	    "Product Added: \"quantity\" is of another type, expected a quantity as "
	    "decimal text");
	assert_string_equal(fault_of("sku", json_null()),
	                    "Product Added: \"sku\" is null, expected text");
	assert_string_not_equal(fault_of("price", json_real(2.5)), "");
	assert_string_not_equal(fault_of("sku", json_true()), "");
	assert_string_not_equal(fault_of("name", json_array()), "");
}

static void an_unknown_field_is_named(void **state)
{
	(void)state;
	assert_string_equal(fault_of("colour", json_string("red")),
	                    "Product Added: \"colour\" is not in the catalogue");
}

static void money_has_the_digits_of_the_events_currency(void **state)
{
	(void)state;
	assert_string_equal(fault_of("price", json_string("0.00")), "");
	assert_string_not_equal(fault_of("price", json_string("2.5")), "");
	assert_string_not_equal(fault_of("price", json_string("2.500")), "");
	assert_string_not_equal(fault_of("price", json_string("2")), "");
	assert_string_not_equal(fault_of("currency", json_string("JPY")), "");
	assert_string_not_equal(fault_of("price", json_string("free")), "");
}

static int check(enum event_kind kind, json_t *properties)
{
	char err[200];
	int rc = lw_event_check(kind, properties, err, sizeof err);
	json_decref(properties);
	return rc;
}

static void without_a_currency_any_currencys_digits_will_do(void **state)
{
	(void)state;
	static const char format[] = "{s:s,s:s,s:i,s:s}";
	assert_int_equal(
	    check(EVENT_BASKET_ABANDONED,
	          json_pack(format, "basket_id", "B", "reason", "void", "lines", 2, "value", "12")),
	    0);
	assert_int_equal(
	    check(EVENT_BASKET_ABANDONED, json_pack(format, "basket_id", "B", "reason", "void",
	                                            "lines", 2, "value", "1.2345")),
	    0);
	assert_int_equal(
	    check(EVENT_BASKET_ABANDONED, json_pack(format, "basket_id", "B", "reason", "void",
	                                            "lines", 2, "value", "1,20")),
	    -1);
}

static void a_nullable_field_must_be_there(void **state)
{
	(void)state;
	assert_int_equal(check(EVENT_ORDER_CANCELLED, json_pack("{s:s,s:s,s:n}", "order_id", "o",
	                                                        "reason", "void", "approver_ref")),
	                 0);
	assert_int_equal(
	    check(EVENT_ORDER_CANCELLED, json_pack("{s:s,s:s}", "order_id", "o", "reason", "void")),
	    -1);
}

static void what_is_no_object_is_refused(void **state)
{
	(void)state;
	assert_int_equal(check(EVENT_ORDER_CANCELLED, json_array()), -1);
	assert_int_equal(check(EVENT_ORDER_CANCELLED, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_handed_out_stays_where_it_is),
	    cmocka_unit_test(a_text_larger_than_a_chunk_is_whole),
	    cmocka_unit_test(a_new_event_is_zeroed),
	    cmocka_unit_test(every_kind_is_found_by_its_name),
	    cmocka_unit_test(properties_as_the_catalogue_wants_them_pass),
	    cmocka_unit_test(a_missing_field_is_named),
	    cmocka_unit_test(a_field_of_another_type_is_named),
	    cmocka_unit_test(an_unknown_field_is_named),
	    cmocka_unit_test(money_has_the_digits_of_the_events_currency),
	    cmocka_unit_test(without_a_currency_any_currencys_digits_will_do),
	    cmocka_unit_test(a_nullable_field_must_be_there),
	    cmocka_unit_test(what_is_no_object_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
