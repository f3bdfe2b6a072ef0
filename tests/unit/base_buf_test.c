#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"

static void what_is_added_stands_in_order(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_str(&b, "one");
	buf_byte(&b, ' ');
	buf_printf(&b, "%s-%d", "two", 3);
	buf_add(&b, "\0x", 2);
	assert_false(b.failed);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "one two-3\0x", 11);
	buf_free(&b);
}

static void numbers_are_big_endian_and_come_back(void **state)
{
	(void)state;
	static const uint8_t expected[] = {0xfe, 0xdc, 0x89, 0xab, 0xcd, 0xef, 0xf1,
	                                   0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	struct buf b = {0};
	buf_be16(&b, 0xfedc);
	buf_be32(&b, 0x89abcdef);
	buf_be64(&b, 0xf123456789abcdef);
	assert_int_equal(b.len, sizeof expected);
	assert_memory_equal(b.data, expected, sizeof expected);
	assert_int_equal(buf_get16(b.data), 0xfedc);
	assert_int_equal(buf_get32(b.data + 2), 0x89abcdef);
	assert_true(buf_get64(b.data + 6) == 0xf123456789abcdef);
	buf_free(&b);
}

static void a_long_printf_is_whole(void **state)
{
	(void)state;
	struct buf b = {0};
	char x[1001];
	memset(x, 'x', 1000);
	x[1000] = 0;
	for (int i = 0; i < 5; i++)
		buf_printf(&b, "%d%s", i, x);
	assert_int_equal(b.len, 5 * 1001);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(b.data[i * 1001], '0' + (int)i);
		assert_memory_equal(b.data + i * 1001 + 1, x, 1000);
	}
	buf_free(&b);
}

static void a_printf_that_fits_exactly_but_for_its_nul_is_whole(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_byte(&b, 'a');
	size_t left = b.cap - b.len;
	buf_printf(&b, "%*s", (int)left, "z");
	assert_false(b.failed);
	assert_int_equal(b.len, left + 1);
	assert_int_equal(b.data[left], 'z');
	buf_free(&b);
}

static void consume_keeps_the_rest(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_consume(&b, 0);
	buf_str(&b, "abcdef");
	buf_consume(&b, 2);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "cdef", 4);
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void after_a_failure_nothing_happens_until_reset(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_str(&b, "kept");
	assert_null(buf_room(&b, SIZE_MAX - 2));
	assert_true(b.failed);
	buf_str(&b, "lost");
	buf_printf(&b, "lost %d", 1);
	buf_be64(&b, 1);
	assert_null(buf_room(&b, 1));
	assert_int_equal(b.len, 4);
	buf_reset(&b);
	buf_str(&b, "again");
	assert_false(b.failed);
	assert_memory_equal(b.data, "again", 5);
	buf_free(&b);
}

static void reset_keeps_the_memory(void **state)
{
	(void)state;
	struct buf b = {0};
	assert_non_null(buf_room(&b, 10000));
	b.len = 10000;
	const uint8_t *before = b.data;
	buf_reset(&b);
	assert_ptr_equal(buf_room(&b, 10000), before);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_added_stands_in_order),
	    cmocka_unit_test(numbers_are_big_endian_and_come_back),
	    cmocka_unit_test(a_long_printf_is_whole),
	    cmocka_unit_test(a_printf_that_fits_exactly_but_for_its_nul_is_whole),
	    cmocka_unit_test(consume_keeps_the_rest),
	    cmocka_unit_test(after_a_failure_nothing_happens_until_reset),
	    cmocka_unit_test(reset_keeps_the_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
