#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "store/taken.h"

#define MESSAGES 2000

static struct taken_message message(unsigned i)
{
	struct taken_message m = {
	    .seq = 100 + 2 * i, .count = 1 + i % 3, .wall_s = i % 97 ? 1795280523 + i / 4 : 0};
	snprintf(m.id.source, sizeof(m.id.source), "till:T%u", i % 8);
	snprintf(m.id.session, sizeof(m.id.session), "s%u", i % 16);
	m.id.counter = 1000 - i % 5 + i;
	for (unsigned k = 0; k < TAKEN_BODY_BYTES; k++)
		m.id.body[k] = (uint8_t)(i * 31 + k * 7);
	return m;
}

static void write_all(struct buf *out)
{
	struct taken *t = taken_new();
	assert_non_null(t);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct taken_message m = message(i);
		assert_int_equal(taken_add(t, out, &m), 0);
	}
	taken_free(t);
}

static void what_is_written_is_read_again(void **state)
{
	(void)state;
	struct taken *t = taken_new();
	struct taken_message m;
	struct buf b = {0};
	size_t at = 0;

	write_all(&b);
	for (int pass = 0; pass < 2; pass++, at = 0) {
		taken_begin(t);
		for (unsigned i = 0; i < MESSAGES; i++) {
			struct taken_message want = message(i);
			assert_int_equal(taken_next(t, b.data, b.len, &at, &m), 1);
			assert_string_equal(m.id.source, want.id.source);
			assert_string_equal(m.id.session, want.id.session);
			assert_int_equal(m.id.counter, want.id.counter);
			assert_memory_equal(m.id.body, want.id.body, EVENT_ID_BYTES);
			assert_int_equal(m.seq, want.seq);
			assert_int_equal(m.count, want.count);
			assert_int_equal(m.wall_s, want.wall_s);
		}
		assert_int_equal(taken_next(t, b.data, b.len, &at, &m), 0);
	}
	taken_free(t);
	buf_free(&b);
}

static void a_message_of_a_known_session_takes_few_bytes(void **state)
{
	(void)state;
	struct buf b = {0};
	write_all(&b);
	assert_true(b.len < MESSAGES * 14);
	buf_free(&b);
}

static void extremes_are_kept(void **state)
{
	(void)state;
	struct taken *in = taken_new(), *out = taken_new();
	struct taken_message m = {
	    .seq = UINT64_MAX, .count = UINT32_MAX, .wall_s = INT64_MAX / 1000000};
	struct taken_message got;
	struct buf b = {0};
	size_t at = 0;

	memset(m.id.source, 'x', EVENT_NAME_SIZE - 1);
	memset(m.id.session, 'y', EVENT_SESSION_SIZE - 1);
	m.id.counter = UINT64_MAX;
	assert_int_equal(taken_add(in, &b, &m), 0);
	assert_int_equal(taken_next(out, b.data, b.len, &at, &got), 1);
	assert_string_equal(got.id.source, m.id.source);
	assert_string_equal(got.id.session, m.id.session);
	assert_true(got.id.counter == UINT64_MAX && got.seq == UINT64_MAX);
	assert_true(got.count == UINT32_MAX && got.wall_s == m.wall_s);
	taken_free(in);
	taken_free(out);
	buf_free(&b);
}

static void bytes_that_are_cut_short_are_malformed(void **state)
{
	(void)state;
	struct taken *t = taken_new();
	struct taken_message m;
	struct buf b = {0};
	size_t at = 0;

	write_all(&b);
	assert_int_equal(taken_next(t, b.data, b.len, &at, &m), 1);
	for (size_t n = 1; n < at; n++) {
		size_t from = 0;
		taken_begin(t);
		assert_int_equal(taken_next(t, b.data, n, &from, &m), -1);
		assert_int_equal(from, 0);
	}
	taken_free(t);
	buf_free(&b);
}

static void nonsense_is_malformed(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t bytes[24];
		size_t n;
	} bad[] = {
	    {"a session that is not known", {1, 0, 0, 0, 0}, 16},
	    {"a number that never ends", {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 24},
	    {"a name that is too long", {0, 33}, 24},
	    {"a name with a NUL", {0, 2, 'a', 0, 1, 'b', 2, 2, 2, 2}, 24},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct taken *t = taken_new();
		struct taken_message m;
		size_t at = 0;
		if (taken_next(t, bad[i].bytes, bad[i].n, &at, &m) != -1)
			fail_msg("%s was read", bad[i].what);
		taken_free(t);
	}
}

static void more_sessions_than_a_run_holds_are_refused_and_nothing_is_written(void **state)
{
	(void)state;
	struct taken *t = taken_new();
	struct taken_message m = {.seq = 1, .count = 1};
	struct buf b = {0};

	strcpy(m.id.source, "till:T1");
	for (unsigned i = 0; i < TAKEN_SESSIONS_MAX; i++) {
		snprintf(m.id.session, sizeof(m.id.session), "%u", i);
		assert_int_equal(taken_add(t, &b, &m), 0);
	}
	size_t len = b.len;
	strcpy(m.id.session, "more");
	assert_int_equal(taken_add(t, &b, &m), -1);
	assert_int_equal(b.len, len);
	strcpy(m.id.session, "7");
	assert_int_equal(taken_add(t, &b, &m), 0);
	taken_free(t);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read_again),
	    cmocka_unit_test(a_message_of_a_known_session_takes_few_bytes),
	    cmocka_unit_test(extremes_are_kept),
	    cmocka_unit_test(bytes_that_are_cut_short_are_malformed),
	    cmocka_unit_test(nonsense_is_malformed),
	    cmocka_unit_test(more_sessions_than_a_run_holds_are_refused_and_nothing_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
