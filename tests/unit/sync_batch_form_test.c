/* Batches in every form: wire versions and dictionaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sync/batch.h"
#include "sync_keys.h"

#define STORE "s1"

static const struct batch_form forms[] = {{1, 0}, {3, 0}, {3, 3}};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

struct fixture {
	struct batch_codec *codec;
	struct vault_work *work;
	struct key_pair hq;
	struct buf lines, payload;
	struct batch batch;
	uint8_t keys[2][48];
	char err[200];
};

static void begin(struct fixture *f)
{
	struct batch *b = &f->batch;
	buf_reset(&f->lines);
	memset(b, 0, sizeof(*b));
	memcpy(b->epoch, "\xdb\x3b\xf9\x30\x57\xe8\xb8\xc0", 8);
	memset(b->h_prev, 0xab, sizeof(b->h_prev));
	memcpy(b->h_last, b->h_prev, sizeof(b->h_last));
	b->first = 5;
}

static void add(struct fixture *f, const char *line, size_t len)
{
	struct batch *b = &f->batch;
	uint8_t leaf[32];
	vault_sha256(f->work, line, len, leaf);
	vault_chain(f->work, b->h_last, b->epoch, b->first + b->count++, leaf);
	buf_add(&f->lines, line, len);
	buf_byte(&f->lines, '\n');
	b->lines = f->lines.data;
	b->lines_len = f->lines.len;
}

static void fill(struct fixture *f, uint32_t n)
{
	begin(f);
	for (uint32_t i = 0; i < n; i++) {
		char line[900];
		int len = snprintf(
		    line, sizeof(line),
		    "{\"anonymousId\":\"njlCHjtBh1Js5xwvcwj3hw\",\"context\":{\"laneway\":{"
		    "\"basket_id\":"
		    "\"gN7qr7JcbWktCj35jFcj4A\",\"boot\":\"222b0a526e35438f9bf5abb5f8abbb31\","
		    "\"business_"
		    "date\":\"2026-11-21\",\"clock\":\"none\",\"epoch\":\"db3bf93057e8b8c0\","
		    "\"lane\":\"1\","
		    "\"mono_us\":%u,\"schema\":1,\"seq\":%u,\"source\":\"till:T1\",\"source_"
		    "message_id\":\"s5-"
		    "6b024bc0:%u\",\"store\":\"s1\",\"training\":false,\"utc_offset_min\":60,"
		    "\"visit_id\":"
		    "\"njlCHjtBh1Js5xwvcwj3hw\"}},\"event\":\"Product Added\",\"messageId\":\"s1:"
		    "db3bf93057e8b8c0:%u\",\"originalTimestamp\":\"2026-11-22T01:56:%02u.334Z\","
		    "\"properties\":"
		    "{\"cart_id\":\"gN7qr7JcbWktCj35jFcj4A\",\"line_id\":\"%u\"}}",
		    4000000 * i, 5 + i, i, 5 + i, 4 * i % 60, i);
		add(f, line, (size_t)len);
	}
	f->batch.keys = f->keys[0];
	f->batch.key_count = n < 2 ? n : 2;
}

static void encode(struct fixture *f, struct batch_form form)
{
	f->batch.form = form;
	buf_reset(&f->payload);
	assert_int_equal(batch_encode(f->codec, &f->batch, STORE, f->hq.pub, &f->payload), 0);
}

static int decode(struct fixture *f, struct batch *out)
{
	return batch_decode(f->codec, f->payload.data, f->payload.len, STORE, f->hq.priv, out,
	                    f->err, sizeof(f->err));
}

/* Read back, it is what was written. */
static bool is_the_batch(struct fixture *f, const struct batch *got)
{
	const struct batch *b = &f->batch;
	return got->first == b->first && got->count == b->count && got->lines_len == b->lines_len &&
	       memcmp(got->lines, b->lines, b->lines_len) == 0 &&
	       memcmp(got->epoch, b->epoch, 8) == 0 && memcmp(got->h_prev, b->h_prev, 32) == 0 &&
	       memcmp(got->h_last, b->h_last, 32) == 0 && got->key_count == b->key_count &&
	       (!b->key_count || memcmp(got->keys, b->keys, 48 * (size_t)b->key_count) == 0);
}

static void expect_the_batch(struct fixture *f)
{
	struct batch got;
	if (decode(f, &got))
		fail_msg("%s", f->err);
	assert_true(is_the_batch(f, &got));
	assert_int_equal(batch_verify(f->work, &got, NULL), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->codec = batch_codec_new();
	f->work = vault_work_new();
	f->hq = key_pair(EVP_PKEY_X25519, 1);
	memset(f->keys[0], 0x11, 48);
	memset(f->keys[1], 0x22, 48);
	fill(f, 12);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	batch_codec_free(f->codec);
	vault_work_free(f->work);
	buf_free(&f->lines);
	buf_free(&f->payload);
	free(f);
	return 0;
}

static void a_batch_comes_back_in_every_form_and_says_which(void **state)
{
	struct fixture *f = *state;
	for (uint32_t n = 1; n <= 1000; n = n * 3 + 1)
		for (size_t i = 0; i < FORMS; i++) {
			fill(f, n);
			encode(f, forms[i]);
			expect_the_batch(f);
			assert_int_equal(f->payload.data[4], forms[i].wire);
			assert_int_equal(buf_get16(f->payload.data + 6), forms[i].dictionary);
		}
}

/* The promise to whoever pays for the line; the bench has the figures. */
static void each_form_is_smaller_than_the_one_before(void **state)
{
	struct fixture *f = *state;
	static const uint32_t counts[] = {1, 20, 200};
	static const size_t times_min[] = {3, 10, 25};
	for (int i = 0; i < 3; i++) {
		size_t before = SIZE_MAX;
		fill(f, counts[i]);
		f->batch.key_count = 0;
		for (size_t k = 0; k < FORMS; k++) {
			encode(f, forms[k]);
			assert_true(f->payload.len < before);
			before = f->payload.len;
		}
		assert_true(before * times_min[i] < f->batch.lines_len);
	}
}

static void a_flipped_bit_anywhere_is_noticed_or_changes_nothing(void **state)
{
	struct fixture *f = *state;
	for (size_t k = 0; k < FORMS; k++) {
		encode(f, forms[k]);
		for (size_t i = 0; i < 8 * f->payload.len; i++) {
			struct batch got;
			f->payload.data[i / 8] ^= (uint8_t)(1 << i % 8);
			if (decode(f, &got) == 0 && !is_the_batch(f, &got))
				assert_int_equal(batch_verify(f->work, &got, NULL), -1);
			f->payload.data[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
}

static void a_payload_cut_anywhere_or_longer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	for (size_t k = 0; k < FORMS; k++) {
		encode(f, forms[k]);
		size_t whole = f->payload.len;
		for (f->payload.len = 0; f->payload.len < whole; f->payload.len++)
			assert_int_equal(decode(f, &got), -1);
		buf_byte(&f->payload, 0);
		assert_int_equal(decode(f, &got), -1);
	}
}

static void a_version_or_dictionary_of_the_future_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	encode(f, forms[2]);
	f->payload.data[7] = 2;
	assert_int_equal(decode(f, &got), -1);
	assert_non_null(strstr(f->err, "a dictionary that is not known"));
	f->payload.data[7] = 3;
	f->payload.data[4] = 4;
	assert_int_equal(decode(f, &got), -1);
	assert_non_null(strstr(f->err, "a wire version that is not known"));
}

static void without_its_dictionary_a_batch_does_not_open(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	encode(f, forms[2]);
	f->payload.data[7] = 0;
	assert_int_equal(decode(f, &got), -1);
}

static void lines_of_another_batch_are_refused_by_their_hash(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	f->batch.h_last[0] ^= 1;
	encode(f, forms[2]);
	assert_int_equal(decode(f, &got), -1);
	assert_non_null(strstr(f->err, "lines that do not give the h"));
}

/* The scratch of version 2 has room for 262,144 values: further lines travel whole. */
static void lines_of_more_values_than_there_is_room_for_come_back(void **state)
{
	struct fixture *f = *state;
	char *line = malloc(200001);
	begin(f);
	for (int i = 0; i < 200000; i++)
		line[i] = "7,"[i % 2];
	for (int i = 0; i < 5; i++)
		add(f, line, 200000);
	free(line);
	for (size_t k = 0; k < FORMS; k++) {
		encode(f, forms[k]);
		expect_the_batch(f);
	}
}

/* Version 2 is read, no longer written: a store does without rather than send what only some read.
 */
static void a_form_that_is_no_longer_written_goes_as_version_1(void **state)
{
	struct fixture *f = *state;
	encode(f, (struct batch_form){2, 1});
	assert_int_equal(f->payload.data[4], 1);
	assert_int_equal(buf_get16(f->payload.data + 6), 0);
	expect_the_batch(f);
}

/* Random names make a text of more than one of zstd's blocks, of which some are raw. */
static void a_text_of_several_blocks_comes_back(void **state)
{
	struct fixture *f = *state;
	char line[1000];
	begin(f);
	srand(7);
	for (int i = 0; i < 400; i++) {
		size_t n = (size_t)snprintf(line, sizeof(line), "{\"a\":\"");
		while (n < 900)
			line[n++] = (char)(i < 200 ? '#' + rand() % 50 : 'A' + rand() % 3);
		add(f, line, n + (size_t)snprintf(line + n, sizeof(line) - n, "\"}"));
	}
	for (size_t k = 0; k < FORMS; k++) {
		encode(f, forms[k]);
		expect_the_batch(f);
	}
}

/* A line of nothing that zstd could make smaller: its block is raw. */
static void a_text_that_does_not_get_smaller_comes_back(void **state)
{
	struct fixture *f = *state;
	begin(f);
	add(f, "#", 1);
	for (size_t k = 0; k < FORMS; k++) {
		encode(f, forms[k]);
		expect_the_batch(f);
	}
	assert_int_equal(f->payload.len, 52 + 3 + 1 + 3 + 6);
}

static void the_best_form_is_the_newest_that_both_sides_read(void **state)
{
	(void)state;
	static const struct {
		struct batch_accepts theirs;
		struct batch_form best;
	} cases[] = {
	    {{0, 0, 0}, {1, 0}},        {{1 << 1, 1, 1}, {1, 0}},      {{1 << 1, 3, 1}, {1, 0}},
	    {{7 << 1, 1, 1}, {3, 0}},   {{7 << 1, 11, 1}, {3, 3}},     {{1 << 3, 8, 1}, {3, 3}},
	    {{7 << 1, 3, 1}, {3, 1}},   {{3 << 1, 3, 1}, {1, 0}},      {{1 << 2, 2, 1}, {1, 0}},
	    {{15 << 1, 31, 9}, {3, 3}}, {{1 << 4, 1 << 9, 9}, {1, 0}}, {{~0ull, ~0ull, 9}, {3, 3}},
	};
	struct batch_accepts ours;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct batch_form got = batch_form_best(&cases[i].theirs);
		assert_int_equal(got.wire, cases[i].best.wire);
		assert_int_equal(got.dictionary, cases[i].best.dictionary);
	}
	batch_accepts(&ours);
	assert_int_equal(ours.wires, 7 << 1);
	assert_int_equal(ours.dictionaries, 1 | 1 << 1 | 1 << 3);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_batch_comes_back_in_every_form_and_says_which),
	    TEST(each_form_is_smaller_than_the_one_before),
	    TEST(a_flipped_bit_anywhere_is_noticed_or_changes_nothing),
	    TEST(a_payload_cut_anywhere_or_longer_is_refused),
	    TEST(a_version_or_dictionary_of_the_future_is_refused_by_name),
	    TEST(without_its_dictionary_a_batch_does_not_open),
	    TEST(lines_of_another_batch_are_refused_by_their_hash),
	    TEST(lines_of_more_values_than_there_is_room_for_come_back),
	    TEST(a_form_that_is_no_longer_written_goes_as_version_1),
	    TEST(a_text_of_several_blocks_comes_back),
	    TEST(a_text_that_does_not_get_smaller_comes_back),
	    TEST(the_best_form_is_the_newest_that_both_sides_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
