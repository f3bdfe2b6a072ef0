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

struct fixture {
	struct batch_codec *codec;
	struct vault_work *work;
	struct key_pair hq, other, sign, device;
	struct buf lines, payload;
	struct batch batch;
	uint8_t keys[2][48];
	char err[200];
};

/* n lines of an epoch from seq 5 on, chained by the test's own hand. */
static void fill(struct fixture *f, uint32_t n)
{
	struct batch *b = &f->batch;
	buf_reset(&f->lines);
	memset(b, 0, sizeof(*b));
	memcpy(b->epoch, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	memset(b->h_prev, 0xab, sizeof(b->h_prev));
	memcpy(b->h_last, b->h_prev, sizeof(b->h_last));
	b->first = 5;
	b->count = n;
	for (uint32_t i = 0; i < n; i++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "{\"event\":\"number %u\"}", i);
		uint8_t leaf[32], input[32 + 8 + 8 + 32];
		vault_sha256(f->work, line, (size_t)len, leaf);
		memcpy(input, b->h_last, 32);
		memcpy(input + 32, b->epoch, 8);
		for (int k = 0; k < 8; k++)
			input[40 + k] = (uint8_t)((5 + (uint64_t)i) >> (56 - 8 * k));
		memcpy(input + 48, leaf, 32);
		vault_sha256(f->work, input, sizeof(input), b->h_last);
		buf_add(&f->lines, line, (size_t)len);
		buf_byte(&f->lines, '\n');
	}
	b->lines = f->lines.data;
	b->lines_len = f->lines.len;
}

static void encode(struct fixture *f)
{
	buf_reset(&f->payload);
	assert_int_equal(batch_encode(f->codec, &f->batch, STORE, f->hq.pub, &f->payload), 0);
}

static int decode(struct fixture *f, struct batch *out)
{
	return batch_decode(f->codec, f->payload.data, f->payload.len, STORE, f->hq.priv, out,
	                    f->err, sizeof(f->err));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->codec = batch_codec_new();
	f->work = vault_work_new();
	f->hq = key_pair(EVP_PKEY_X25519, 1);
	f->other = key_pair(EVP_PKEY_X25519, 2);
	f->device = key_pair(EVP_PKEY_X25519, 3);
	f->sign = key_pair(EVP_PKEY_ED25519, 4);
	memset(f->keys[0], 0x11, 48);
	memset(f->keys[1], 0x22, 48);
	fill(f, 10);
	f->batch.keys = f->keys[0];
	f->batch.key_count = 2;
	encode(f);
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

static void a_batch_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	assert_int_equal(decode(f, &got), 0);
	assert_memory_equal(got.epoch, f->batch.epoch, 8);
	assert_int_equal(got.first, 5);
	assert_int_equal(got.count, 10);
	assert_int_equal(got.lines_len, f->lines.len);
	assert_memory_equal(got.lines, f->lines.data, f->lines.len);
	assert_int_equal(got.key_count, 2);
	assert_memory_equal(got.keys, f->keys, 96);
	assert_int_equal(batch_verify(f->work, &got, NULL), 0);
}

static void the_header_is_the_108_bytes_of_the_wire_document(void **state)
{
	struct fixture *f = *state;
	const uint8_t *p = f->payload.data;
	assert_memory_equal(p, "LNWB\x01\x00\x00\x00", 8);
	assert_memory_equal(p + 8, f->batch.epoch, 8);
	assert_int_equal(buf_get64(p + 16), 5);
	assert_int_equal(buf_get32(p + 24), 10);
	assert_int_equal(buf_get32(p + 28), f->lines.len);
	assert_memory_equal(p + 32, f->batch.h_prev, 32);
	assert_memory_equal(p + 64, f->batch.h_last, 32);
	assert_int_equal(buf_get32(p + 96), VAULT_BOX_OVERHEAD + 96);
	assert_int_equal(108 + buf_get32(p + 96) + buf_get32(p + 100), f->payload.len);
	assert_int_equal(buf_get32(p + 104), 0);
}

static void a_batch_without_keys_or_without_the_private_key_is_read(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	assert_int_equal(batch_decode(f->codec, f->payload.data, f->payload.len, STORE, NULL, &got,
	                              f->err, sizeof(f->err)),
	                 0);
	assert_int_equal(got.key_count, 0);
	f->batch.key_count = 0;
	encode(f);
	assert_int_equal(decode(f, &got), 0);
	assert_int_equal(got.key_count, 0);
	assert_int_equal(got.count, 10);
}

static void keys_of_another_store_or_hq_do_not_open(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	assert_int_equal(batch_decode(f->codec, f->payload.data, f->payload.len, "s2", f->hq.priv,
	                              &got, f->err, sizeof(f->err)),
	                 -1);
	assert_non_null(strstr(f->err, "not sealed to this HQ"));
	assert_int_equal(batch_decode(f->codec, f->payload.data, f->payload.len, STORE,
	                              f->other.priv, &got, f->err, sizeof(f->err)),
	                 -1);
}

static void verify_finds_a_changed_byte_in_any_line_and_gives_the_leaves(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	uint8_t leaves[10][32], leaf[32];
	assert_int_equal(decode(f, &got), 0);
	assert_int_equal(batch_verify(f->work, &got, leaves[0]), 0);
	const char *last = "{\"event\":\"number 9\"}";
	vault_sha256(f->work, last, strlen(last), leaf);
	assert_memory_equal(leaves[9], leaf, 32);
	uint8_t *lines = malloc(got.lines_len);
	for (size_t i = 0; i < got.lines_len; i++) {
		memcpy(lines, got.lines, got.lines_len);
		lines[i] ^= 1;
		struct batch bad = got;
		bad.lines = lines;
		assert_int_equal(batch_verify(f->work, &bad, NULL), -1);
	}
	free(lines);
}

static void verify_wants_the_epoch_the_seqs_and_the_count_of_the_chain(void **state)
{
	struct fixture *f = *state;
	struct batch b = f->batch;
	b.first++;
	assert_int_equal(batch_verify(f->work, &b, NULL), -1);
	b = f->batch;
	b.epoch[0] ^= 1;
	assert_int_equal(batch_verify(f->work, &b, NULL), -1);
	b = f->batch;
	b.count--;
	assert_int_equal(batch_verify(f->work, &b, NULL), -1);
	b.count += 2;
	assert_int_equal(batch_verify(f->work, &b, NULL), -1);
}

/* Each byte of the payload turned over: refused, or its lines no longer fit the chain, or the byte
 * is one of the 16 whose meaning is checked elsewhere (epoch, first are in the chain and in the
 * keys' box). */
static void a_flipped_bit_anywhere_is_noticed(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < f->payload.len; i++) {
		struct batch got;
		f->payload.data[i] ^= 0x40;
		if (decode(f, &got) == 0)
			assert_int_equal(batch_verify(f->work, &got, NULL), -1);
		f->payload.data[i] ^= 0x40;
	}
}

static void a_payload_cut_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	for (size_t n = 0; n < f->payload.len; n++)
		assert_int_equal(batch_decode(f->codec, f->payload.data, n, STORE, f->hq.priv, &got,
		                              f->err, sizeof(f->err)),
		                 -1);
}

static void a_count_that_is_not_the_number_of_lines_is_refused(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	f->batch.count = 9;
	encode(f);
	assert_int_equal(decode(f, &got), -1);
	assert_non_null(strstr(f->err, "as many lines"));
}

static void what_is_over_the_bounds_is_not_encoded(void **state)
{
	struct fixture *f = *state;
	struct buf out = {0};
	f->batch.count = BATCH_EVENTS_MAX + 1;
	assert_int_equal(batch_encode(f->codec, &f->batch, STORE, f->hq.pub, &out), -1);
	f->batch.count = 0;
	assert_int_equal(batch_encode(f->codec, &f->batch, STORE, f->hq.pub, &out), -1);
	f->batch.count = 10;
	f->batch.lines_len = BATCH_RAW_MAX + 1;
	assert_int_equal(batch_encode(f->codec, &f->batch, STORE, f->hq.pub, &out), -1);
	buf_free(&out);
}

/* A body that says 100 bytes and unpacks to more is stopped at what its header allows. */
static void a_body_that_unpacks_to_more_than_it_says_is_refused(void **state)
{
	struct fixture *f = *state;
	struct batch got;
	f->payload.data[31] = (uint8_t)(f->payload.data[31] - 1);
	assert_int_equal(decode(f, &got), -1);
}

static void the_largest_batch_travels(void **state)
{
	struct fixture *f = *state;
	fill(f, BATCH_EVENTS_MAX);
	encode(f);
	struct batch got;
	assert_int_equal(decode(f, &got), 0);
	assert_int_equal(batch_verify(f->work, &got, NULL), 0);
}

static void frame(struct fixture *f, const char *body)
{
	buf_reset(&f->payload);
	assert_int_equal(
	    frame_encode("LNWC", STORE, "{\"v\":1}", body, strlen(body), f->sign.priv, &f->payload),
	    0);
}

static int read_frame(struct fixture *f, struct frame *out)
{
	return frame_decode("LNWC", STORE, f->payload.data, f->payload.len, f->sign.pub, out,
	                    f->err, sizeof(f->err));
}

static void a_frame_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct frame got;
	frame(f, "body");
	assert_int_equal(read_frame(f, &got), 0);
	assert_int_equal(got.header_len, 7);
	assert_memory_equal(got.header, "{\"v\":1}", 7);
	assert_int_equal(got.body_len, 4);
	assert_memory_equal(got.body, "body", 4);
	frame(f, "");
	assert_int_equal(read_frame(f, &got), 0);
	assert_int_equal(got.body_len, 0);
}

static void a_frame_with_any_bit_flipped_or_byte_missing_is_refused(void **state)
{
	struct fixture *f = *state;
	struct frame got;
	frame(f, "body");
	for (size_t i = 0; i < f->payload.len; i++) {
		f->payload.data[i] ^= 0x01;
		assert_int_equal(read_frame(f, &got), -1);
		f->payload.data[i] ^= 0x01;
	}
	for (size_t n = 0; n < f->payload.len; n++)
		assert_int_equal(frame_decode("LNWC", STORE, f->payload.data, n, f->sign.pub, &got,
		                              f->err, sizeof(f->err)),
		                 -1);
}

static void a_frame_for_another_store_or_of_another_kind_is_refused(void **state)
{
	struct fixture *f = *state;
	struct frame got;
	frame(f, "body");
	assert_int_equal(frame_decode("LNWC", "s2", f->payload.data, f->payload.len, f->sign.pub,
	                              &got, f->err, sizeof(f->err)),
	                 -1);
	assert_int_equal(frame_decode("LNWT", STORE, f->payload.data, f->payload.len, f->sign.pub,
	                              &got, f->err, sizeof(f->err)),
	                 -1);
	assert_int_equal(frame_decode("LNWC", STORE, f->payload.data, f->payload.len, f->hq.pub,
	                              &got, f->err, sizeof(f->err)),
	                 -1);
}

static void a_page_opens_only_on_its_own_device(void **state)
{
	struct fixture *f = *state;
	static const char lines[] = "{\"customer_id\":\"C1\"}\n{\"customer_id\":\"C2\"}\n";
	const uint8_t *got;
	size_t len;
	buf_reset(&f->payload);
	assert_int_equal(
	    page_encode(f->codec, STORE, "d1", f->device.pub, lines, strlen(lines), &f->payload),
	    0);
	assert_int_equal(page_decode(f->codec, STORE, "d1", f->device.priv, f->payload.data,
	                             f->payload.len, &got, &len, f->err, sizeof(f->err)),
	                 0);
	assert_int_equal(len, strlen(lines));
	assert_memory_equal(got, lines, len);
	assert_int_equal(page_decode(f->codec, STORE, "d2", f->device.priv, f->payload.data,
	                             f->payload.len, &got, &len, f->err, sizeof(f->err)),
	                 -1);
	assert_int_equal(page_decode(f->codec, STORE, "d1", f->other.priv, f->payload.data,
	                             f->payload.len, &got, &len, f->err, sizeof(f->err)),
	                 -1);
}

static void a_page_of_no_lines_is_a_page(void **state)
{
	struct fixture *f = *state;
	const uint8_t *got;
	size_t len = 1;
	buf_reset(&f->payload);
	assert_int_equal(page_encode(f->codec, STORE, "d1", f->device.pub, NULL, 0, &f->payload),
	                 0);
	assert_int_equal(page_decode(f->codec, STORE, "d1", f->device.priv, f->payload.data,
	                             f->payload.len, &got, &len, f->err, sizeof(f->err)),
	                 0);
	assert_int_equal(len, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_batch_comes_back_as_it_was),
	    TEST(the_header_is_the_108_bytes_of_the_wire_document),
	    TEST(a_batch_without_keys_or_without_the_private_key_is_read),
	    TEST(keys_of_another_store_or_hq_do_not_open),
	    TEST(verify_finds_a_changed_byte_in_any_line_and_gives_the_leaves),
	    TEST(verify_wants_the_epoch_the_seqs_and_the_count_of_the_chain),
	    TEST(a_flipped_bit_anywhere_is_noticed),
	    TEST(a_payload_cut_anywhere_is_refused),
	    TEST(a_count_that_is_not_the_number_of_lines_is_refused),
	    TEST(what_is_over_the_bounds_is_not_encoded),
	    TEST(a_body_that_unpacks_to_more_than_it_says_is_refused),
	    TEST(the_largest_batch_travels),
	    TEST(a_frame_comes_back_as_it_was),
	    TEST(a_frame_with_any_bit_flipped_or_byte_missing_is_refused),
	    TEST(a_frame_for_another_store_or_of_another_kind_is_refused),
	    TEST(a_page_opens_only_on_its_own_device),
	    TEST(a_page_of_no_lines_is_a_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
