#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

#define RANDOM_EVENTS 20000

static const uint8_t epoch[EVENT_EPOCH_BYTES] = {0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff};

static struct lw_event plain_event(void)
{
	return (struct lw_event){.kind = EVENT_BASKET_OPENED,
	                         .mono_us = 123,
	                         .wall_us = 1795280523123000,
	                         .trust = CLOCK_KERNEL,
	                         .business_date = "2026-11-21",
	                         .utc_offset_min = -60,
	                         .source = "till:T3",
	                         .properties = "{\"a\":1}"};
}

static struct lw_event_stamp plain_stamp(void)
{
	return (struct lw_event_stamp){
	    .store = "s1", .boot = "00112233445566778899aabbccddeeff", .epoch = epoch, .seq = 7};
}

static void assert_line(const struct lw_event *ev, const struct lw_event_stamp *stamp,
                        const char *expected)
{
	struct buf out = {0};
	assert_int_equal(lw_event_line(&out, ev, stamp), 0);
	buf_byte(&out, 0);
	assert_string_equal((char *)out.data, expected);
	buf_free(&out);
}

static void the_smallest_line_has_only_what_is_always_there(void **state)
{
	(void)state;
	struct lw_event ev = plain_event();
	struct lw_event_stamp stamp = plain_stamp();
	assert_line(&ev, &stamp,
	            "{\"context\":{\"laneway\":{\"boot\":\"00112233445566778899aabbccddeeff\","
	            "\"business_date\":\"2026-11-21\",\"clock\":\"kernel\",\"epoch\":"
	            "\"00010203fcfdfeff\",\"mono_us\":123,\"schema\":1,\"seq\":7,\"source\":"
	            "\"till:T3\",\"store\":\"s1\",\"training\":false,\"utc_offset_min\":-60}},"
	            "\"event\":\"Basket Opened\",\"messageId\":\"s1:00010203fcfdfeff:7\","
	            "\"originalTimestamp\":\"2026-11-21T17:02:03.123Z\",\"properties\":{\"a\":1}}");
}

static void the_fullest_line_has_every_member_in_its_place(void **state)
{
	(void)state;
	struct entry_id id = {.source = "till:T3", .session = "boot-1", .counter = 12};
	struct lw_event ev = plain_event();
	struct lw_event_stamp stamp = plain_stamp();
	ev.kind = EVENT_CUSTOMER_ATTACHED;
	ev.lane = "3";
	ev.visit_id = "V";
	ev.basket_id = "B";
	ev.staff_ref = "S";
	ev.training = true;
	ev.identity = (struct lw_event_identity){.profile_ref = "P",
	                                         .rule = "loyalty_exact",
	                                         .ruleset = "1",
	                                         .confidence = "certain",
	                                         .status = "provisional",
	                                         .as_of = "2026-11-21T00:00:00.000Z"};
	stamp.id = &id;
	stamp.sealed_k = "K";
	stamp.sealed_n = "N";
	stamp.sealed_c = "C";
	assert_line(
	    &ev, &stamp,
	    "{\"anonymousId\":\"V\",\"context\":{\"laneway\":{\"basket_id\":\"B\","
	    "\"boot\":\"00112233445566778899aabbccddeeff\",\"business_date\":"
	    "\"2026-11-21\",\"clock\":\"kernel\",\"epoch\":\"00010203fcfdfeff\",\"identity\":"
	    "{\"as_of\":\"2026-11-21T00:00:00.000Z\",\"confidence\":\"certain\","
	    "\"profile_ref\":\"P\",\"rule\":\"loyalty_exact\",\"ruleset\":\"1\",\"status\":"
	    "\"provisional\"},\"lane\":\"3\",\"mono_us\":123,\"schema\":2,\"sealed\":{\"c\":"
	    "\"C\",\"k\":\"K\",\"n\":\"N\"},\"seq\":7,\"source\":\"till:T3\","
	    "\"source_message_id\":\"boot-1:12\",\"staff_ref\":\"S\",\"store\":\"s1\","
	    "\"training\":true,\"utc_offset_min\":-60,\"visit_id\":\"V\"}},\"event\":"
	    "\"Customer Attached\",\"messageId\":\"s1:00010203fcfdfeff:7\","
	    "\"originalTimestamp\":\"2026-11-21T17:02:03.123Z\",\"properties\":{\"a\":1}}");
}

static void an_empty_text_is_there_and_only_null_is_absent(void **state)
{
	(void)state;
	struct lw_event ev = plain_event();
	struct lw_event_stamp stamp = plain_stamp();
	struct buf out = {0};
	ev.staff_ref = "";
	assert_int_equal(lw_event_line(&out, &ev, &stamp), 0);
	buf_byte(&out, 0);
	assert_non_null(strstr((char *)out.data, ",\"staff_ref\":\"\","));
	assert_null(strstr((char *)out.data, "lane\":null"));
	assert_null(strstr((char *)out.data, "basket_id"));
	buf_free(&out);
}

static void strings_escape_only_what_json_demands(void **state)
{
	(void)state;
	struct buf out = {0};
	lw_event_json_string(&out, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xe2\x82\xac<>&");
	buf_byte(&out, 0);
	assert_string_equal((char *)out.data, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f"
	                                      "\xc3\xa9\xe2\x82\xac<>&\"");
	buf_free(&out);
}

/* --- against jansson's own idea of sorted and compact ------------------------------------------
 */

static uint32_t seed = 20261121;

static uint32_t dice(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % sides;
}

static const char *random_text(struct entry *e)
{
	static const char *const pieces[] = {"\"",
	                                     "\\",
	                                     "/",
	                                     "\n",
	                                     "\t",
	                                     "\r",
	                                     "\b",
	                                     "\f",
	                                     "\x01",
	                                     "\x1f",
	                                     "\x7f",
	                                     "{",
	                                     "}",
	                                     ",",
	                                     ":",
	                                     "a",
	                                     "B",
	                                     "7",
	                                     " ",
	                                     "\xc3\xbc",
	                                     "\xe2\x82\xac",
	                                     "\xf0\x9f\x98\x80"};
	char text[64] = "";
	for (uint32_t n = dice(12); n > 0; n--)
		strcat(text, pieces[dice(sizeof pieces / sizeof *pieces)]);
	return entry_text(e, text);
}

static const char *maybe_text(struct entry *e)
{
	return dice(2) ? random_text(e) : NULL;
}

static int64_t random_int(void)
{
	return (int64_t)((uint64_t)dice(UINT32_MAX) << 32 | dice(UINT32_MAX)) >> dice(64);
}

static const char *random_properties(struct entry *e)
{
	json_t *o = json_object();
	for (uint32_t n = dice(6); n > 0; n--) {
		const char *key = random_text(e);
		if (dice(2))
			json_object_set_new(o, key, json_string(random_text(e)));
		else
			json_object_set_new(o, key, json_pack("{s:I,s:n}", "z", random_int(), "a"));
	}
	char *text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
	const char *copy = entry_text(e, text);
	free(text);
	json_decref(o);
	return copy;
}

static struct lw_event *random_event(struct entry *e)
{
	struct lw_event *ev = entry_add(e, (enum event_kind)dice(EVENT_KIND_COUNT));
	ev->mono_us = random_int();
	ev->wall_us = random_int();
	ev->trust = (enum clock_trust)dice(4);
	ev->business_date = "2026-11-21";
	ev->utc_offset_min = (int)dice(1560) - 720;
	ev->source = random_text(e);
	ev->lane = maybe_text(e);
	ev->visit_id = maybe_text(e);
	ev->basket_id = maybe_text(e);
	ev->staff_ref = maybe_text(e);
	ev->training = dice(2);
	ev->identity.profile_ref = maybe_text(e);
	ev->identity.rule = maybe_text(e);
	ev->identity.ruleset = maybe_text(e);
	ev->identity.confidence = maybe_text(e);
	ev->identity.status = maybe_text(e);
	ev->identity.as_of = maybe_text(e);
	ev->properties = random_properties(e);
	return ev;
}

static void every_line_is_what_jansson_would_write(void **state)
{
	(void)state;
	struct buf out = {0};
	for (int i = 0; i < RANDOM_EVENTS; i++) {
		struct entry *e = entry_new();
		struct lw_event *ev = random_event(e);
		struct entry_id id = {.session = "s_.-9", .counter = (uint64_t)random_int()};
		struct lw_event_stamp stamp = plain_stamp();
		stamp.seq = (uint64_t)random_int() >> 1;
		stamp.id = dice(2) ? &id : NULL;
		if (dice(2)) {
			stamp.sealed_k = random_text(e);
			stamp.sealed_n = random_text(e);
			stamp.sealed_c = random_text(e);
		}
		buf_reset(&out);
		assert_int_equal(lw_event_line(&out, ev, &stamp), 0);
		json_error_t error;
		json_t *parsed =
		    json_loadb((char *)out.data, out.len, JSON_REJECT_DUPLICATES, &error);
		if (!parsed)
			fail_msg("%s: %.*s", error.text, (int)out.len, (char *)out.data);
		char *dumped = json_dumps(parsed, JSON_SORT_KEYS | JSON_COMPACT);
		assert_int_equal(strlen(dumped), out.len);
		assert_memory_equal(dumped, out.data, out.len);
		free(dumped);
		json_decref(parsed);
		entry_free(e);
	}
	buf_free(&out);
}

static void a_line_beyond_the_limit_is_refused_and_leaves_nothing(void **state)
{
	(void)state;
	struct lw_event ev = plain_event();
	struct lw_event_stamp stamp = plain_stamp();
	struct buf out = {0};
	buf_str(&out, "before");
	assert_int_equal(lw_event_line(&out, &ev, &stamp), 0);
	size_t rest = out.len - strlen("before") - strlen("{\"a\":1}");
	char *big = malloc(EVENT_LINE_MAX + 1);
	memset(big, ' ', EVENT_LINE_MAX);
	ev.properties = big;
	big[EVENT_LINE_MAX - rest] = 0;
	out.len = strlen("before");
	assert_int_equal(lw_event_line(&out, &ev, &stamp), 0);
	assert_int_equal(out.len, strlen("before") + EVENT_LINE_MAX);
	big[EVENT_LINE_MAX - rest] = ' ';
	big[EVENT_LINE_MAX - rest + 1] = 0;
	out.len = strlen("before");
	assert_int_equal(lw_event_line(&out, &ev, &stamp), -1);
	assert_int_equal(out.len, strlen("before"));
	assert_false(out.failed);
	free(big);
	buf_free(&out);
}

static void a_buffer_that_has_its_size_is_not_allocated_again(void **state)
{
	(void)state;
	struct lw_event ev = plain_event();
	struct lw_event_stamp stamp = plain_stamp();
	struct buf out = {0};
	assert_int_equal(lw_event_line(&out, &ev, &stamp), 0);
	const uint8_t *data = out.data;
	size_t cap = out.cap;
	buf_reset(&out);
	assert_int_equal(lw_event_line(&out, &ev, &stamp), 0);
	assert_ptr_equal(out.data, data);
	assert_int_equal(out.cap, cap);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_smallest_line_has_only_what_is_always_there),
	    cmocka_unit_test(the_fullest_line_has_every_member_in_its_place),
	    cmocka_unit_test(an_empty_text_is_there_and_only_null_is_absent),
	    cmocka_unit_test(strings_escape_only_what_json_demands),
	    cmocka_unit_test(every_line_is_what_jansson_would_write),
	    cmocka_unit_test(a_line_beyond_the_limit_is_refused_and_leaves_nothing),
	    cmocka_unit_test(a_buffer_that_has_its_size_is_not_allocated_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
