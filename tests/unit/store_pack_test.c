#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "store/dictionary.h"
#include "store/pack.h"

struct fixture {
	struct pack_codec *codec;
	struct pack_head head;
	uint8_t key[VAULT_KEY_BYTES];
	struct buf lines, body, out;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->codec = pack_codec_new("s1");
	f->head = (struct pack_head){.epoch = {1, 2, 3, 4, 5, 6, 7, 8}, .first = 5, .count = 3};
	memset(f->key, 7, sizeof(f->key));
	buf_str(&f->lines, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
	assert_int_equal(pack_seal(f->codec, f->key, &f->head, &f->lines, &f->body), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	pack_codec_free(f->codec);
	buf_free(&f->lines);
	buf_free(&f->body);
	buf_free(&f->out);
	free(f);
	return 0;
}

static int reopen(struct fixture *f)
{
	return pack_open(f->codec, f->key, &f->head, f->body.data, f->body.len, &f->out);
}

static void what_was_sealed_opens(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(reopen(f), 0);
	assert_int_equal(f->out.len, f->lines.len);
	assert_memory_equal(f->out.data, f->lines.data, f->lines.len);
	assert_null(memmem(f->body.data, f->body.len, "\"a\":1", 5));
}

static void a_pack_of_another_place_store_or_key_does_not_open(void **state)
{
	struct fixture *f = *state;
	struct pack_codec *other = pack_codec_new("s2");
	f->head.first++;
	assert_int_equal(reopen(f), -1);
	f->head.first--;
	f->head.epoch[7]++;
	assert_int_equal(reopen(f), -1);
	f->head.epoch[7]--;
	f->key[0]++;
	assert_int_equal(reopen(f), -1);
	f->key[0]--;
	assert_int_equal(pack_open(other, f->key, &f->head, f->body.data, f->body.len, &f->out),
	                 -1);
	assert_int_equal(reopen(f), 0);
	pack_codec_free(other);
}

static void every_flipped_bit_and_every_cut_is_found(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < f->body.len; i++) {
		f->body.data[i] ^= 0x10;
		assert_int_equal(reopen(f), -1);
		f->body.data[i] ^= 0x10;
		assert_int_equal(pack_open(f->codec, f->key, &f->head, f->body.data, i, &f->out),
		                 -1);
	}
}

/* Seal these bytes as if they were a compressed body. */
static int open_forged(struct fixture *f, const void *packed, size_t n)
{
	uint8_t ad[] = "pack\0s1\0\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\5\0\0\0\3";
	uint8_t seal[400];
	assert_true(n + VAULT_SEAL_OVERHEAD <= sizeof(seal));
	assert_int_equal(
	    vault_seal(pack_work(f->codec), f->key, ad, sizeof(ad) - 1, packed, n, seal), 0);
	return pack_open(f->codec, f->key, &f->head, seal, n + VAULT_SEAL_OVERHEAD, &f->out);
}

static int open_lines(struct fixture *f, const char *lines)
{
	uint8_t packed[300];
	size_t n = ZSTD_compress(packed, sizeof(packed), lines, strlen(lines), 1);
	return open_forged(f, packed, n);
}

static void a_body_must_hold_exactly_the_lines_its_row_says(void **state)
{
	struct fixture *f = *state;
	uint8_t two[300];
	assert_int_equal(open_lines(f, "a\nb\nc\n"), 0);
	assert_int_equal(open_lines(f, "a\nb\n"), -1);
	assert_int_equal(open_lines(f, "a\nb\nc\nd\n"), -1);
	assert_int_equal(open_lines(f, "a\nb\nc\nd"), -1);
	assert_int_equal(open_lines(f, "a\nb\nc"), -1);
	assert_int_equal(open_lines(f, ""), -1);
	assert_int_equal(open_forged(f, "not zstd", 8), -1);
	assert_int_equal(open_forged(f, "", 0), -1);
	size_t n = ZSTD_compress(two, sizeof(two), "a\nb\nc\n", 6, 1);
	memcpy(two + n, two, n);
	assert_int_equal(open_forged(f, two, 2 * n), -1);
}

static void a_body_that_claims_to_be_huge_is_not_believed(void **state)
{
	struct fixture *f = *state;
	/* A zstd frame header with a content size of 1 TiB and nothing behind it. */
	const uint8_t huge[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};
	assert_int_equal(open_forged(f, huge, sizeof(huge)), -1);
}

/* The frame of a pack, out of its seal. */
static size_t frame_of(struct fixture *f, uint8_t out[400])
{
	uint8_t ad[] = "pack\0s1\0\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\5\0\0\0\3";
	ssize_t n = vault_unseal(pack_work(f->codec), f->key, ad, sizeof(ad) - 1, f->body.data,
	                         f->body.len, out);
	assert_in_range(n, 1, 400);
	return (size_t)n;
}

static void a_pack_names_its_dictionary_and_one_without_opens_as_well(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[400];
	size_t n = frame_of(f, frame);
	assert_int_equal(ZSTD_getDictID_fromFrame(frame, n), DICTIONARY_LINES);
	assert_int_equal(open_lines(f, "as written\nby an\nolder release\n"), 0);
	assert_int_equal(open_forged(f, frame, n), 0);
	assert_memory_equal(f->out.data, f->lines.data, f->lines.len);
}

static void a_pack_of_a_dictionary_that_is_not_known_does_not_open(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[400];
	size_t n = frame_of(f, frame);
	/* One byte of id behind the descriptor and, without a window, nothing else. */
	assert_int_equal(frame[5], DICTIONARY_LINES);
	for (uint8_t id = 1; id < 9; id++) {
		frame[5] = id;
		if (id != DICTIONARY_LINES_OLD)
			assert_int_equal(open_forged(f, frame, n), id == DICTIONARY_LINES ? 0 : -1);
	}
}

/* Dictionary 2 was in use before; packs that were made with it wait in journals. */
static void a_pack_of_any_dictionary_that_was_ever_in_use_opens(void **state)
{
	struct fixture *f = *state;
	static const unsigned ids[] = {DICTIONARY_LINES_OLD, DICTIONARY_LINES,
	                               DICTIONARY_LINES_OLD};
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	for (int i = 0; i < 3; i++) {
		struct dictionary d;
		uint8_t frame[400];
		assert_true(dictionary_find(ids[i], &d));
		size_t n = ZSTD_compress_usingDict(cctx, frame, sizeof(frame), f->lines.data,
		                                   f->lines.len, d.data, d.len, 1);
		assert_int_equal(ZSTD_getDictID_fromFrame(frame, n), ids[i]);
		assert_int_equal(open_forged(f, frame, n), 0);
		assert_memory_equal(f->out.data, f->lines.data, f->lines.len);
	}
	ZSTD_freeCCtx(cctx);
}

static void a_large_pack_does_without_a_dictionary(void **state)
{
	struct fixture *f = *state;
	uint8_t *frame = malloc(100000);
	uint8_t ad[] = "pack\0s1\0\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\5\0\0\0\x64";
	buf_reset(&f->lines);
	for (f->head.count = 0; f->head.count < 100; f->head.count++)
		for (int i = 0; i < 200; i++)
			buf_str(&f->lines, i == 199 ? "\n" : "x");
	assert_int_equal(pack_seal(f->codec, f->key, &f->head, &f->lines, &f->body), 0);
	ssize_t n = vault_unseal(pack_work(f->codec), f->key, ad, sizeof(ad) - 1, f->body.data,
	                         f->body.len, frame);
	assert_in_range(n, 1, 100000);
	assert_int_equal(ZSTD_getDictID_fromFrame(frame, (size_t)n), 0);
	assert_int_equal(reopen(f), 0);
	free(frame);
}

static void a_line_like_those_it_was_made_of_takes_a_third_less(void **state)
{
	struct fixture *f = *state;
	static const char line[] =
	    "{\"anonymousId\":\"njlCHjtBh1Js5xwvcwj3hw\",\"context\":{\"laneway\":{\"basket_id\":"
	    "\"gN7qr7JcbWktCj35jFcj4A\",\"boot\":\"222b0a526e35438f9bf5abb5f8abbb31\",\"business_"
	    "date\":"
	    "\"2026-11-21\",\"clock\":\"kernel\",\"epoch\":\"db3bf93057e8b8c0\",\"lane\":\"1\","
	    "\"mono_us\":"
	    "11782411240,\"schema\":1,\"seq\":8,\"source\":\"till:T1\",\"source_message_id\":\"s5-"
	    "6b024bc0:1\","
	    "\"staff_ref\":\"K3\",\"store\":\"s17\",\"training\":false,\"utc_offset_min\":60,"
	    "\"visit_id\":"
	    "\"njlCHjtBh1Js5xwvcwj3hw\"}},\"event\":\"Visit "
	    "Ended\",\"messageId\":\"s17:db3bf93057e8b8c0:8\","
	    "\"originalTimestamp\":\"2026-11-22T01:56:16.334Z\",\"properties\":{\"place\":\"lane\","
	    "\"reason\":"
	    "\"sale\"}}\n";
	uint8_t plain[1000];
	buf_reset(&f->lines);
	buf_str(&f->lines, line);
	f->head.count = 1;
	assert_int_equal(pack_seal(f->codec, f->key, &f->head, &f->lines, &f->body), 0);
	size_t without = ZSTD_compress(plain, sizeof(plain), line, sizeof(line) - 1, 1);
	assert_true((f->body.len - VAULT_SEAL_OVERHEAD) * 3 < without * 2);
	assert_int_equal(reopen(f), 0);
}

static void the_chain_goes_over_every_line(void **state)
{
	struct fixture *f = *state;
	struct vault_work *w = vault_work_new();
	uint8_t h[32] = {9}, want[32] = {9}, leaf[32];
	const char *line[] = {"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"};
	pack_chain(f->codec, &f->head, &f->lines, h);
	for (uint64_t i = 0; i < 3; i++) {
		vault_sha256(w, line[i], 7, leaf);
		vault_chain(w, want, f->head.epoch, 5 + i, leaf);
	}
	assert_memory_equal(h, want, 32);
	vault_work_free(w);
}

/* ---- ids ---- */

static struct pack_id some_id(const char *source, const char *session, uint64_t counter)
{
	struct pack_id id = {.offset = 3, .count = 4};
	strcpy(id.id.source, source);
	strcpy(id.id.session, session);
	id.id.counter = counter;
	memset(id.id.body, 0x5a, sizeof(id.id.body));
	return id;
}

static void id_records_are_the_bytes_of_the_wire_document(void **state)
{
	struct fixture *f = *state;
	struct pack_id id = some_id("t1", "s", 0x0102);
	const uint8_t want[] = {2,    't',  '1',  1,    's',  0,    0,    0,    0,    0,
	                        0,    1,    2,    0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
	                        0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0,
	                        0,    0,    3,    0,    0,    0,    4};
	pack_id_add(&f->out, &id);
	assert_int_equal(f->out.len, sizeof(want));
	assert_memory_equal(f->out.data, want, sizeof(want));
}

static void id_records_read_back_and_end(void **state)
{
	struct fixture *f = *state;
	struct pack_id in[2] = {some_id("till:T3", "boot-1.x", UINT64_MAX), some_id("", "", 1)};
	struct pack_id out;
	size_t at = 0;
	memset(in[0].id.source, 'x', EVENT_NAME_SIZE - 1);
	pack_id_add(&f->out, &in[0]);
	pack_id_add(&f->out, &in[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pack_id_next(f->out.data, f->out.len, &at, &out), 1);
		assert_string_equal(out.id.source, in[i].id.source);
		assert_string_equal(out.id.session, in[i].id.session);
		assert_true(out.id.counter == in[i].id.counter);
		assert_memory_equal(out.id.body, in[i].id.body, 16);
		assert_int_equal(out.offset, 3);
		assert_int_equal(out.count, 4);
	}
	assert_int_equal(pack_id_next(f->out.data, f->out.len, &at, &out), 0);
}

static void every_cut_id_record_is_malformed(void **state)
{
	struct fixture *f = *state;
	struct pack_id id = some_id("till:T3", "s", 1), out;
	pack_id_add(&f->out, &id);
	for (size_t n = 1; n < f->out.len; n++) {
		size_t at = 0;
		assert_int_equal(pack_id_next(f->out.data, n, &at, &out), -1);
	}
}

static void a_text_longer_than_its_field_is_malformed(void **state)
{
	uint8_t bytes[300] = {EVENT_NAME_SIZE};
	struct pack_id out;
	size_t at = 0;
	(void)state;
	memset(bytes + 1, 'x', sizeof(bytes) - 1);
	assert_int_equal(pack_id_next(bytes, sizeof(bytes), &at, &out), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_was_sealed_opens),
	    TEST(a_pack_of_another_place_store_or_key_does_not_open),
	    TEST(every_flipped_bit_and_every_cut_is_found),
	    TEST(a_body_must_hold_exactly_the_lines_its_row_says),
	    TEST(a_body_that_claims_to_be_huge_is_not_believed),
	    TEST(a_pack_names_its_dictionary_and_one_without_opens_as_well),
	    TEST(a_pack_of_a_dictionary_that_is_not_known_does_not_open),
	    TEST(a_pack_of_any_dictionary_that_was_ever_in_use_opens),
	    TEST(a_line_like_those_it_was_made_of_takes_a_third_less),
	    TEST(a_large_pack_does_without_a_dictionary),
	    TEST(the_chain_goes_over_every_line),
	    TEST(id_records_are_the_bytes_of_the_wire_document),
	    TEST(id_records_read_back_and_end),
	    TEST(every_cut_id_record_is_malformed),
	    TEST(a_text_longer_than_its_field_is_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
