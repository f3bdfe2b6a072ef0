/* The files in tests/data/golden were written once and must be read for ever. LANEWAY_GOLDEN=DIR
 * writes a set into DIR instead (for a new version of the format; the old set then stays beside
 * it). */
#include "golden_write.h"

static int set_up(void **state)
{
	*state = fixture_new(GOLDEN);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static void decode_batch(struct fixture *f, struct batch *b)
{
	char err[200] = "";
	load(f, "batch.bin");
	if (batch_decode(f->codec, f->file, f->file_len, "s1", f->hq_box, b, err, sizeof(err)))
		fail_msg("%s", err);
}

static void the_golden_journal_is_whole_and_its_first_epoch_is_the_golden_batch(void **state)
{
	struct fixture *f = *state;
	struct journal_verify v;
	struct journal_run run;
	struct batch b;
	struct visit_key key;
	char err[200] = "";
	sh("cp %s/journal.db %s/", GOLDEN, f->place->dir);
	struct journal_reader *r = place_reader(f->place);
	if (journal_reader_verify(r, &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 2);
	assert_int_equal(v.events, 4 + 3);
	decode_batch(f, &b);
	assert_int_equal(journal_reader_run(r, b.epoch, 1, 100, 100000, &run), 1);
	assert_int_equal(run.count, b.count);
	assert_int_equal(run.lines.len, b.lines_len);
	assert_memory_equal(run.lines.data, b.lines, b.lines_len);
	assert_memory_equal(run.h_last, b.h_last, 32);
	assert_int_equal(journal_reader_key(r, b.keys, &key), 0);
	assert_memory_equal(key.key, b.keys + 16, 32);
	journal_run_free(&run);
}

static void the_golden_journal_can_be_gone_on_with(void **state)
{
	struct fixture *f = *state;
	sh("cp %s/journal.db %s/", GOLDEN, f->place->dir);
	place_start(f->place);
	assert_false(f->place->set_aside);
	place_fill(f->place, 1);
	assert_int_equal(place_state(f->place).kept, 4 + 3 + 2);
}

/* used-1.db: a journal of format 1 with a history, its log not yet copied into it. */
static void the_used_golden_journal_keeps_all_it_holds(void **state)
{
	struct fixture *f = *state;
	struct place *p = f->place;
	struct journal_verify v;
	struct journal_epoch e[4];
	struct journal_urgent urgent[4];
	char err[200] = "";
	sh("cp %s/used-1.db %s/journal.db", GOLDEN, p->dir);
	sh("cp %s/used-1.db-wal %s/journal.db-wal", GOLDEN, p->dir);
	place_start(p);
	assert_false(p->set_aside);
	assert_false(place_state(p).clean);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 4);
	assert_int_equal(v.events, 5 + 6 + 3 + 1);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 4);
	assert_int_equal(e[0].deleted_through, 6);
	assert_int_equal(e[0].confirmed_through, 6);
	assert_int_equal(e[0].confirmed_count, 1);
	assert_int_equal(e[0].confirmed[0].first, 9);
	assert_int_equal(e[1].confirmed_through, 2);
	assert_int_equal(e[1].confirmed[0].last, 4);
	assert_int_equal(journal_reader_urgent(place_reader(p), urgent, 4), 1);
	assert_int_equal(urgent[0].seq, 5);
	assert_memory_equal(urgent[0].epoch, e[1].epoch, 8);
	assert_int_equal(place_ask(f->place, "PRAGMA user_version"), 4);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack WHERE link IS NULL"), 13);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack WHERE length(link) > 40"),
	                 1);
	/* A run, a place of the chain and retention are found in packs of both kinds of ids. */
	place_fill(p, 3);
	for (int i = 0; i < 4; i++) {
		struct journal_run run;
		uint8_t h[32];
		uint64_t first = e[i].deleted_through + 1, last = i == 3 ? 4 : e[i].last_seq;
		for (uint64_t seq = first; seq <= last; seq++) {
			assert_int_equal(journal_reader_run(place_reader(p), e[i].epoch, seq, 100,
			                                    1 << 20, &run),
			                 1);
			assert_int_equal(run.first, seq);
			assert_int_equal(run.first + run.count - 1, last);
			assert_int_equal(journal_reader_h(place_reader(p), e[i].epoch, seq - 1, h),
			                 0);
			assert_memory_equal(h, run.h_prev, 32);
			journal_run_free(&run);
		}
	}
	for (int i = 0; i < 3; i++) {
		struct journal_confirm c = {.through = e[i].last_seq};
		memcpy(c.epoch, e[i].epoch, 8);
		assert_true(journal_confirm(p->journal, &c));
	}
	place_fill(p, 1);
	atomic_fetch_add(&p->wall_us, 20 * PLACE_DAY_US);
	place_stop(p);
	place_start(p);
	while (place_ask(f->place, "SELECT count(*) FROM epoch") > 2)
		usleep(1000);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack"), 6);
}

static void the_golden_batch_is_whole(void **state)
{
	struct fixture *f = *state;
	struct batch b;
	decode_batch(f, &b);
	assert_int_equal(b.first, 1);
	assert_int_equal(b.count, 4);
	assert_int_equal(b.key_count, 2);
	assert_int_equal(batch_verify(f->work, &b, NULL), 0);
}

/* Whatever a store in the field sends, HQ reads. */
static void every_form_that_was_ever_sent_is_read_to_the_same_lines(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *store, *plain, *form;
		uint8_t wire;
		uint16_t dictionary;
	} forms[] = {
	    {"s1", "batch.bin", "batch-2-0.bin", 2, 0},
	    {"s1", "batch.bin", "batch-2-1.bin", 2, 1},
	    {"s17", "day-1-0.bin", "day-2-0.bin", 2, 0},
	    {"s17", "day-1-0.bin", "day-2-1.bin", 2, 1},
	    {"s1", "batch.bin", "batch-3-0.bin", 3, 0},
	    {"s1", "batch.bin", "batch-3-3.bin", 3, 3},
	    {"s17", "day-1-0.bin", "day-3-0.bin", 3, 0},
	    {"s17", "day-1-0.bin", "day-3-3.bin", 3, 3},
	    {"s17", "one-1-0.bin", "one-3-0.bin", 3, 0},
	    {"s17", "one-1-0.bin", "one-3-3.bin", 3, 3},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct batch b;
		struct buf lines = {0}, keys = {0};
		read_form(f, forms[i].store, forms[i].plain, &b);
		buf_add(&lines, b.lines, b.lines_len);
		buf_add(&keys, b.keys, b.key_count * 48);
		read_form(f, forms[i].store, forms[i].form, &b);
		assert_int_equal(b.form.wire, forms[i].wire);
		assert_int_equal(b.form.dictionary, forms[i].dictionary);
		assert_int_equal(b.lines_len, lines.len);
		assert_memory_equal(b.lines, lines.data, lines.len);
		assert_int_equal(b.key_count * 48, keys.len);
		assert_true(!keys.len || memcmp(b.keys, keys.data, keys.len) == 0);
		buf_free(&lines);
		buf_free(&keys);
	}
}

/* Version 2 is no longer written: what its reader refuses is tried on what was. */
static void an_old_form_with_a_bit_flipped_or_bytes_missing_is_refused_or_the_same(void **state)
{
	struct fixture *f = *state;
	struct batch b;
	struct buf lines = {0};
	char err[200];
	read_form(f, "s1", "batch-2-1.bin", &b);
	buf_add(&lines, b.lines, b.lines_len);
	for (size_t i = 0; i < 8 * f->file_len; i++) {
		f->file[i / 8] ^= (uint8_t)(1 << i % 8);
		if (batch_decode(f->codec, f->file, f->file_len, "s1", f->hq_box, &b, err,
		                 sizeof(err)) == 0) {
			assert_int_equal(b.lines_len, lines.len);
			assert_memory_equal(b.lines, lines.data, lines.len);
		}
		f->file[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t n = 0; n < f->file_len; n++)
		assert_int_equal(
		    batch_decode(f->codec, f->file, n, "s1", f->hq_box, &b, err, sizeof(err)), -1);
	buf_free(&lines);
}

/* Payloads wait in brokers, packs in journals, for the dictionary that they were made with. */
static void a_dictionary_that_was_shipped_is_as_it_was(void **state)
{
	struct fixture *f = *state;
	static const char *const shipped[DICTIONARIES_MAX] = {
	    [1] = "e899d4ec993cf05615d9cad57d421f60b73284e52c914e9251e090431bdc6bbf",
	    [2] = "dca4014b54d97a415eec8a085c0d790c5f340f735097c2296f33c374dd66b303",
	    [3] = "932cdeaff7f5d08e099c702123582477b5aff192b0f8ace7cb34a7770676b619",
	    [4] = "5a3c546feb53f467792a6d596fdaef80d51dd420225d9ce836c2373ad6ed92b8",
	};
	for (unsigned id = 1; id < DICTIONARIES_MAX; id++) {
		struct dictionary d;
		uint8_t hash[32];
		char hex[65];
		assert_true(dictionary_find(id, &d));
		vault_sha256(f->work, d.data, d.len, hash);
		text_hex(hash, sizeof(hash), hex);
		assert_string_equal(hex, shipped[id]);
	}
}

static void the_golden_confirmation_is_read(void **state)
{
	struct fixture *f = *state;
	struct confirm *c = calloc(1, sizeof(*c));
	struct frame frame;
	char err[200] = "";
	load(f, "confirm.bin");
	if (frame_decode("LNWC", "s1", f->file, f->file_len, vault_hq_sign_pub(f->place->vault),
	                 &frame, err, sizeof(err)) ||
	    confirm_parse(frame.header, frame.header_len, c, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(c->generation, "0123456789abcdef");
	assert_int_equal(c->epochs[0].through, 120);
	assert_int_equal(c->epochs[0].ranges[0].last, 130);
	assert_string_equal(c->epochs[0].forked[0].reason, "other_leaf");
	assert_int_equal(c->unreadable[0][31], 0xfe);
	free(c);
}

static void the_golden_page_goes_into_a_shard(void **state)
{
	struct fixture *f = *state;
	struct shard *shard;
	struct frame frame;
	struct shard_mark mark = {.generation = "0123456789abcdef", .version = 813};
	const uint8_t *lines;
	size_t len;
	bool made;
	char path[128], err[200] = "";
	load(f, "tell.bin");
	if (frame_decode("LNWT", "s1", f->file, f->file_len, vault_hq_sign_pub(f->place->vault),
	                 &frame, err, sizeof(err)) ||
	    page_decode(f->codec, "s1", "d1", vault_device_box_priv(f->place->vault), frame.body,
	                frame.body_len, &lines, &len, err, sizeof(err)))
		fail_msg("%s", err);
	assert_memory_equal(lines, PROFILE TOMBSTONE, len);
	snprintf(path, sizeof(path), "%s/shard.db", f->place->dir);
	assert_int_equal(shard_open(&shard, path, f->place->vault, &made, err, sizeof(err)), 0);
	assert_int_equal(
	    shard_apply(shard, (const char *)lines, len, &mark, true, err, sizeof(err)), 2);
	shard_free(shard);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_golden_journal_is_whole_and_its_first_epoch_is_the_golden_batch),
	    TEST(the_golden_journal_can_be_gone_on_with),
	    TEST(the_used_golden_journal_keeps_all_it_holds),
	    TEST(the_golden_batch_is_whole),
	    TEST(every_form_that_was_ever_sent_is_read_to_the_same_lines),
	    TEST(an_old_form_with_a_bit_flipped_or_bytes_missing_is_refused_or_the_same),
	    TEST(a_dictionary_that_was_shipped_is_as_it_was),
	    TEST(the_golden_confirmation_is_read),
	    TEST(the_golden_page_goes_into_a_shard),
	};
	log_open("golden_test", LOG_LEVEL_WARN);
	if (getenv("LANEWAY_GOLDEN")) {
		write_golden(getenv("LANEWAY_GOLDEN"));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
