#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sync/confirm.h"

#define HEAD "{\"v\":1,\"generation\":\"0123456789abcdef\",\"credit\":262144,\"epochs\":["
#define EPOCH "\"epoch\":\"00000000000000aa\",\"through\":120"

static struct confirm got;
static char err[200];

static int parse(const char *json)
{
	return confirm_parse(json, strlen(json), &got, err, sizeof(err));
}

static void the_example_of_the_wire_document_is_read(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("{\"v\":1,\"generation\":\"0123456789ABCDEF\",\"credit\":262144,"
	          "\"accepts\":{\"wire\":[1],\"schemas\":1,\"dictionaries\":[0]},"
	          "\"epochs\":[{\"epoch\":\"00000000000000aa\",\"through\":120,"
	          "\"h\":\"0100000000000000000000000000000000000000000000000000000000000000\","
	          "\"ranges\":[[125,130],[132,132]],\"range_h\":["
	          "\"0200000000000000000000000000000000000000000000000000000000000000\","
	          "\"0300000000000000000000000000000000000000000000000000000000000000\"],"
	          "\"same\":[[3,9,"
	          "\"0400000000000000000000000000000000000000000000000000000000000000\"]],"
	          "\"settled\":[[140,150]],\"held\":[3,150],"
	          "\"quarantined\":[{\"seq\":126,\"reason\":\"not_json\"}],"
	          "\"forked\":[{\"seq\":131,\"last\":139,\"reason\":\"other_leaf\",\"h\":"
	          "\"0500000000000000000000000000000000000000000000000000000000000000\"}]}],"
	          "\"seen\":\"412.AAAA-_09\","
	          "\"unreadable\":["
	          "\"ff00000000000000000000000000000000000000000000000000000000000001\"]}"),
	    0);
	assert_string_equal(got.generation, "0123456789abcdef");
	assert_int_equal(got.credit, 262144);
	assert_int_equal(got.accepts.wires, 1 << 1);
	assert_int_equal(got.accepts.dictionaries, 1);
	assert_int_equal(got.accepts.schemas, 1);
	assert_int_equal(got.epoch_count, 1);
	assert_int_equal(got.epochs[0].epoch[7], 0xaa);
	assert_int_equal(got.epochs[0].through, 120);
	assert_int_equal(got.epochs[0].range_count, 2);
	assert_int_equal(got.epochs[0].ranges[0].first, 125);
	assert_int_equal(got.epochs[0].ranges[1].last, 132);
	assert_true(got.epochs[0].has_h && got.epochs[0].h[0] == 1);
	assert_true(got.epochs[0].ranges[1].has_h && got.epochs[0].ranges[1].h[0] == 3);
	assert_int_equal(got.epochs[0].held_first, 3);
	assert_int_equal(got.epochs[0].held_last, 150);
	assert_int_equal(got.epochs[0].same_count, 1);
	assert_int_equal(got.epochs[0].same[0].last, 9);
	assert_int_equal(got.epochs[0].same[0].h[0], 4);
	assert_int_equal(got.epochs[0].settled[0].first, 140);
	assert_false(got.epochs[0].settled[0].has_h);
	assert_int_equal(got.epochs[0].forked[0].last, 139);
	assert_int_equal(got.epochs[0].forked[0].h[0], 5);
	assert_string_equal(got.seen, "412.AAAA-_09");
	assert_int_equal(confirm_seen_turn(got.seen), 412);
	assert_int_equal(got.epochs[0].quarantined[0].last, 126);
	assert_int_equal(got.epochs[0].quarantined_count, 1);
	assert_int_equal(got.epochs[0].quarantined[0].seq, 126);
	assert_string_equal(got.epochs[0].quarantined[0].reason, "not_json");
	assert_int_equal(got.epochs[0].forked[0].seq, 131);
	assert_int_equal(got.unreadable_count, 1);
	assert_int_equal(got.unreadable[0][0], 0xff);
	assert_int_equal(got.unreadable[0][31], 1);
}

static void what_is_written_is_read_back_the_same(void **state)
{
	(void)state;
	struct confirm *c = calloc(1, sizeof(*c));
	snprintf(c->generation, sizeof(c->generation), "00112233445566ff");
	c->credit = 77;
	c->accepts = (struct batch_accepts){1ull << 63 | 6, 0x8001, 12};
	c->epoch_count = CONFIRM_EPOCHS_MAX;
	for (int i = 0; i < CONFIRM_EPOCHS_MAX; i++) {
		struct confirm_epoch *e = &c->epochs[i];
		e->epoch[0] = (uint8_t)i;
		e->through = (uint64_t)i * 1000;
		e->range_count = CONFIRM_RANGES_MAX;
		e->held_first = i % 3 ? (uint64_t)i : 0;
		e->held_last = i % 3 == 0 ? 0 : i % 3 == 1 ? UINT64_MAX : (uint64_t)i + 7;
		e->has_h = true;
		memset(e->h, i + 1, sizeof(e->h));
		for (int k = 0; k < CONFIRM_RANGES_MAX; k++) {
			e->ranges[k].first = e->through + 2 + (uint64_t)k * 3;
			e->ranges[k].last = e->ranges[k].first + 1;
			e->ranges[k].has_h = true;
			e->ranges[k].h[5] = (uint8_t)k;
		}
		e->quarantined_count = e->forked_count = CONFIRM_SEQS_MAX;
		e->same_count = e->settled_count = CONFIRM_SEQS_MAX;
		for (int k = 0; k < CONFIRM_SEQS_MAX; k++) {
			e->quarantined[k].seq = e->forked[k].seq = (uint64_t)k + 1;
			e->quarantined[k].last = e->forked[k].last = (uint64_t)k * 2 + 1;
			e->forked[k].has_h = true;
			e->forked[k].h[31] = (uint8_t)k;
			e->same[k] =
			    (struct confirm_range){(uint64_t)k + 1, (uint64_t)k + 3, true, {7}};
			e->settled[k] =
			    (struct confirm_range){(uint64_t)k + 9, (uint64_t)k + 9, false, {0}};
			snprintf(e->quarantined[k].reason, 33, "not_json");
			snprintf(e->forked[k].reason, 33, "abcdefghijklmnopqrstuvwxyz_01234");
		}
	}
	snprintf(c->seen, sizeof(c->seen), "9223372036854775807.%048d", 0);
	c->unreadable_count = 8;
	memset(c->unreadable, 0x5a, sizeof(c->unreadable));
	struct buf out = {0};
	assert_int_equal(confirm_write(c, &out), 0);
	assert_int_equal(confirm_parse((char *)out.data, out.len, &got, err, sizeof(err)), 0);
	assert_memory_equal(&got, c, sizeof(got));
	buf_free(&out);
	free(c);
}

static void an_hq_that_does_not_say_what_it_accepts_reads_version_1(void **state)
{
	(void)state;
	static const char *const silent[] = {HEAD "]}", HEAD "],\"accepts\":{}}",
	                                     HEAD "],\"accepts\":{\"wire\":[1],\"later\":[2]}}"};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(parse(silent[i]), 0);
		assert_int_equal(got.accepts.wires, 1 << 1);
		assert_int_equal(got.accepts.dictionaries, 1);
		assert_int_equal(batch_form_best(&got.accepts).wire, 1);
	}
}

static void what_hq_accepts_from_a_later_time_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(
	    parse(HEAD "],\"accepts\":{\"wire\":[1,3,64,9000000000],\"schemas\":99999999999,"
	               "\"dictionaries\":[0,1,2,65536]}}"),
	    0);
	assert_int_equal(got.accepts.wires, 10);
	assert_int_equal(got.accepts.dictionaries, 7);
	assert_int_equal(batch_form_best(&got.accepts).dictionary, 1);
}

static void unknown_members_are_skipped(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD "{" EPOCH ",\"later\":{\"x\":[1]}}],\"also\":null}"), 0);
	assert_int_equal(got.epochs[0].through, 120);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *json, *names;
	} cases[] = {
	    {"", "not JSON"},
	    {"[]", "object"},
	    {"{\"v\":2}", "v: expected 1"},
	    {"{\"v\":1,\"generation\":\"x\",\"credit\":1,\"epochs\":[]}", "generation"},
	    {"{\"v\":1,\"generation\":\"0123456789abcdef\",\"credit\":-1,\"epochs\":[]}", "credit"},
	    {"{\"v\":1,\"generation\":\"0123456789abcdef\",\"credit\":\"9\",\"epochs\":[]}",
	     "credit"},
	    {"{\"v\":1,\"generation\":\"0123456789abcdef\",\"credit\":1}", "epochs"},
	    {HEAD "{\"through\":1}]}", "epoch: expected"},
	    {HEAD "{\"epoch\":\"00000000000000aa\"}]}", "through"},
	    {HEAD "{\"epoch\":\"00000000000000aa\",\"through\":1.5}]}", "through"},
	    {HEAD "{" EPOCH ",\"ranges\":[[120,121]]}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125,124]]}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125,126],[126,127]]}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125]]}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125,126,127]]}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"ranges\":{}}]}", "ranges"},
	    {HEAD "{" EPOCH ",\"h\":\"00\"}]}", "h: expected"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125,126]],\"range_h\":[]}]}", "range_h"},
	    {HEAD "{" EPOCH ",\"ranges\":[[125,126]],\"range_h\":[7]}]}", "range_h"},
	    {HEAD "{" EPOCH ",\"same\":[[1,2,3]]}]}", "same"},
	    {HEAD "{" EPOCH ",\"settled\":[[0,2]]}]}", "settled"},
	    {HEAD "{" EPOCH ",\"held\":[]}]}", "held"},
	    {HEAD "{" EPOCH ",\"held\":[0,4]}]}", "held"},
	    {HEAD "{" EPOCH ",\"held\":[9,8]}]}", "held"},
	    {HEAD "{" EPOCH ",\"held\":{\"from\":1}}]}", "held"},
	    {HEAD "{" EPOCH ",\"forked\":[{\"seq\":9,\"last\":8,\"reason\":\"a\"}]}]}", "forked"},
	    {HEAD "],\"seen\":\"x.AAAA\"}", "seen"},
	    {HEAD "],\"seen\":\"12\"}", "seen"},
	    {HEAD "{" EPOCH ",\"quarantined\":[{\"seq\":1}]}]}", "quarantined"},
	    {HEAD "{" EPOCH ",\"quarantined\":[{\"seq\":1,\"reason\":\"a b\"}]}]}", "quarantined"},
	    {HEAD "{" EPOCH ",\"forked\":[{\"seq\":0,\"reason\":\"a\"}]}]}", "forked"},
	    {HEAD "],\"accepts\":[1]}", "accepts: expected {wire"},
	    {HEAD "],\"accepts\":{\"wire\":2}}", "list of numbers as wire"},
	    {HEAD "],\"accepts\":{\"dictionaries\":[-1]}}", "whole numbers from 0 in dictionaries"},
	    {HEAD "],\"accepts\":{\"schemas\":\"1\"}}", "schemas"},
	    {HEAD "],\"unreadable\":[\"00\"]}", "unreadable"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err[0] = 0;
		assert_int_equal(parse(cases[i].json), -1);
		if (!strstr(err, cases[i].names))
			fail_msg("%s: said \"%s\"", cases[i].json, err);
	}
}

static void more_than_the_bounds_is_refused(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_str(&b, HEAD);
	for (int i = 0; i <= CONFIRM_EPOCHS_MAX; i++)
		buf_printf(&b, "%s{" EPOCH "}", i ? "," : "");
	buf_str(&b, "]}");
	assert_int_equal(confirm_parse((char *)b.data, b.len, &got, err, sizeof(err)), -1);
	buf_reset(&b);
	buf_str(&b, HEAD "{" EPOCH ",\"ranges\":[");
	for (int i = 0; i <= CONFIRM_RANGES_MAX; i++)
		buf_printf(&b, "%s[%d,%d]", i ? "," : "", 200 + 2 * i, 200 + 2 * i);
	buf_str(&b, "]}]}");
	assert_int_equal(confirm_parse((char *)b.data, b.len, &got, err, sizeof(err)), -1);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_of_the_wire_document_is_read),
	    cmocka_unit_test(what_is_written_is_read_back_the_same),
	    cmocka_unit_test(an_hq_that_does_not_say_what_it_accepts_reads_version_1),
	    cmocka_unit_test(what_hq_accepts_from_a_later_time_is_skipped),
	    cmocka_unit_test(unknown_members_are_skipped),
	    cmocka_unit_test(what_is_wrong_is_named),
	    cmocka_unit_test(more_than_the_bounds_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
