#include "journal_place.h"

#include "store/pack.h"

/* Packs of 1, 2, 3 ... 9 events behind Epoch Opened: seqs 2 to 46. */
static void fill_packs(struct place *p)
{
	for (int n = 1; n <= 9; n++) {
		struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
		for (int i = 1; i < n; i++) {
			struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), copy = *e->first;
			copy.next = NULL;
			*ev = copy;
		}
		place_commit(p, e);
		assert_int_equal(e->status, ENTRY_KEPT);
		entry_free(e);
	}
}

/* h after the run's lines, beginning with its h_prev. */
static void recompute(const struct journal_run *run, const uint8_t epoch[8], uint8_t h[32])
{
	struct pack_codec *c = pack_codec_new("s1");
	struct pack_head head = {.first = run->first, .count = run->count};
	memcpy(head.epoch, epoch, 8);
	memcpy(h, run->h_prev, 32);
	pack_chain(c, &head, &run->lines, h);
	pack_codec_free(c);
}

static uint32_t lines_of(const struct journal_run *run)
{
	uint32_t n = 0;
	for (size_t i = 0; i < run->lines.len; i++)
		n += run->lines.data[i] == '\n';
	return n;
}

static void a_run_from_any_seq_carries_the_chain_on_both_sides(void **state)
{
	struct place *p = *state;
	struct journal_run whole, run;
	uint8_t h[32];
	fill_packs(p);
	struct journal_state s = place_state(p);
	struct journal_reader *r = place_reader(p);
	assert_int_equal(journal_reader_run(r, s.epoch, 1, 1000, 1 << 20, &whole), 1);
	assert_int_equal(whole.first, 1);
	assert_int_equal(whole.count, 46);
	assert_int_equal(lines_of(&whole), 46);
	assert_memory_equal(whole.h_prev, (uint8_t[32]){0}, 32);
	recompute(&whole, s.epoch, h);
	assert_memory_equal(h, whole.h_last, 32);
	for (uint64_t first = 46; first >= 1; first--) {
		for (uint32_t count = 1; count <= 46; count += 5) {
			assert_int_equal(
			    journal_reader_run(r, s.epoch, first, count, 1 << 20, &run), 1);
			assert_int_equal(run.first, first);
			assert_int_equal(run.count, first + count > 46 ? 47 - first : count);
			assert_int_equal(lines_of(&run), run.count);
			recompute(&run, s.epoch, h);
			assert_memory_equal(h, run.h_last, 32);
			if (first + run.count == 47)
				assert_memory_equal(h, whole.h_last, 32);
			journal_run_free(&run);
		}
	}
	journal_run_free(&whole);
}

static void the_chain_can_be_asked_at_any_place_inside_packs_too(void **state)
{
	struct place *p = *state;
	struct journal_run run;
	uint8_t h[32], other[EVENT_EPOCH_BYTES] = {1};
	fill_packs(p);
	struct journal_state s = place_state(p);
	struct journal_reader *r = place_reader(p);
	assert_int_equal(journal_reader_h(r, s.epoch, 0, h), 0);
	assert_memory_equal(h, (uint8_t[32]){0}, 32);
	for (uint64_t seq = 46; seq >= 1; seq--) {
		assert_int_equal(journal_reader_run(r, s.epoch, seq, 1, 1 << 20, &run), 1);
		assert_int_equal(journal_reader_h(r, s.epoch, seq, h), 0);
		assert_memory_equal(h, run.h_last, 32);
		assert_int_equal(journal_reader_h(r, s.epoch, seq - 1, h), 0);
		assert_memory_equal(h, run.h_prev, 32);
		journal_run_free(&run);
	}
	assert_int_equal(journal_reader_h(r, s.epoch, 47, h), -1);
	assert_int_equal(journal_reader_h(r, other, 1, h), -1);
}

static void of_deleted_events_only_the_anchor_is_known_of_the_chain(void **state)
{
	struct place *p = *state;
	uint8_t h[32], want[32];
	fill_packs(p);
	struct journal_state s = place_state(p);
	assert_int_equal(journal_reader_h(place_reader(p), s.epoch, 4, want), 0);
	struct journal_confirm c = {.through = 5};
	memcpy(c.epoch, s.epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
	place_fill(p, 1);
	place_stop(p);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_start(p);
	while (place_state(p).kept > 44)
		usleep(1000);
	struct journal_reader *r = place_reader(p);
	assert_int_equal(journal_reader_h(r, s.epoch, 4, h), 0);
	assert_memory_equal(h, want, 32);
	assert_int_equal(journal_reader_h(r, s.epoch, 3, h), -1);
	assert_int_equal(journal_reader_h(r, s.epoch, 5, h), 0);
	assert_int_equal(journal_reader_h(r, s.epoch, 0, h), 0);
}

/* ---- marks ---- */

static void expect_mark(struct place *p, const char *name, const char *want)
{
	struct buf b = {0};
	assert_int_equal(journal_reader_mark(place_reader(p), name, &b), want ? 0 : -1);
	if (want) {
		assert_int_equal(b.len, strlen(want));
		assert_memory_equal(b.data, want, b.len);
	}
	buf_free(&b);
}

static struct entry *marked(const char *name, const char *value)
{
	struct entry *e = place_entry(EVENT_ORDER_COMPLETED);
	assert_int_equal(entry_mark(e, name, value, strlen(value)), 0);
	return e;
}

static void a_mark_is_there_from_its_entrys_commit_on_and_the_last_one_stays(void **state)
{
	struct place *p = *state;
	struct entry *e = marked("one", "a");
	assert_int_equal(entry_mark(e, "two", "b", 1), 0);
	expect_mark(p, "one", NULL);
	entry_free(place_commit(p, e));
	expect_mark(p, "one", "a");
	expect_mark(p, "two", "b");
	entry_free(place_commit(p, marked("one", "a longer value")));
	expect_mark(p, "one", "a longer value");
	expect_mark(p, "two", "b");
	place_stop(p);
	place_start(p);
	expect_mark(p, "one", "a longer value");
	expect_mark(p, "three", NULL);
}

static void of_two_entries_in_one_commit_the_later_ones_mark_stays(void **state)
{
	struct place *p = *state;
	char text[16];
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_true(journal_put(p->journal, marked("n", text)));
	}
	for (int i = 0; i < 500; i++)
		entry_free(place_wait(p));
	expect_mark(p, "n", "499");
}

static void an_entry_that_is_refused_writes_no_mark(void **state)
{
	struct place *p = *state;
	char big[EVENT_LINE_MAX + 100];
	struct entry *e = marked("one", "a");
	memset(big, 'x', sizeof(big));
	big[0] = '"', big[sizeof(big) - 2] = '"', big[sizeof(big) - 1] = 0;
	e->first->properties = big;
	/* Among others, so that its commit happens. */
	for (int i = 0; i < 401; i++)
		assert_true(
		    journal_put(p->journal, i == 200 ? e : place_entry(EVENT_PRODUCT_ADDED)));
	for (int i = 0; i < 401; i++) {
		struct entry *answered = place_wait(p);
		assert_int_equal(answered->status, answered == e ? ENTRY_REFUSED : ENTRY_KEPT);
		entry_free(answered);
	}
	expect_mark(p, "one", NULL);
}

static void a_mark_cannot_take_the_place_of_the_journals_own_rows(void **state)
{
	struct place *p = *state;
	entry_free(place_commit(p, marked("store", "another")));
	expect_mark(p, "store", "another");
	place_stop(p);
	place_start(p);
	assert_false(p->set_aside);
}

static void runs_one_after_the_other_give_every_line_once(void **state)
{
	struct place *p = *state;
	struct journal_run whole, run;
	struct buf all = {0};
	uint8_t h[32] = {0};
	fill_packs(p);
	struct journal_state s = place_state(p);
	struct journal_reader *r = place_reader(p);
	assert_int_equal(journal_reader_run(r, s.epoch, 1, 1000, 1 << 20, &whole), 1);
	for (uint64_t next = 1; next <= 46;) {
		assert_int_equal(journal_reader_run(r, s.epoch, next, 4, 1 << 20, &run), 1);
		assert_int_equal(run.first, next);
		assert_memory_equal(run.h_prev, h, 32);
		memcpy(h, run.h_last, 32);
		buf_add(&all, run.lines.data, run.lines.len);
		next += run.count;
		journal_run_free(&run);
	}
	assert_int_equal(all.len, whole.lines.len);
	assert_memory_equal(all.data, whole.lines.data, all.len);
	assert_int_equal(journal_reader_run(r, s.epoch, 47, 4, 1 << 20, &run), 0);
	place_fill(p, 1);
	assert_int_equal(journal_reader_run(r, s.epoch, 47, 4, 1 << 20, &run), 1);
	assert_memory_equal(run.h_prev, h, 32);
	journal_run_free(&run);
	journal_run_free(&whole);
	buf_free(&all);
}

static void a_run_is_bounded_by_bytes_but_gives_one_line_at_least(void **state)
{
	struct place *p = *state;
	struct journal_run one, run;
	fill_packs(p);
	struct journal_state s = place_state(p);
	struct journal_reader *r = place_reader(p);
	assert_int_equal(journal_reader_run(r, s.epoch, 10, 1000, 1, &one), 1);
	assert_int_equal(one.count, 1);
	assert_int_equal(journal_reader_run(r, s.epoch, 10, 1000, one.lines.len * 3, &run), 1);
	assert_int_equal(run.count, 3);
	journal_run_free(&run);
	assert_int_equal(journal_reader_run(r, s.epoch, 10, 1000, one.lines.len * 3 - 1, &run), 1);
	assert_int_equal(run.count, 2);
	journal_run_free(&run);
	journal_run_free(&one);
}

static void a_run_reads_at_most_64_packs(void **state)
{
	struct place *p = *state;
	struct journal_run run;
	place_fill(p, 100);
	struct journal_state s = place_state(p);
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 1, 1000, 1 << 20, &run), 1);
	assert_int_equal(run.count, 64);
	journal_run_free(&run);
}

static void an_unknown_epoch_has_no_run(void **state)
{
	struct place *p = *state;
	struct journal_run run;
	uint8_t other[8] = {1, 2, 3};
	assert_int_equal(journal_reader_run(place_reader(p), other, 1, 10, 4096, &run), 0);
}

static void a_run_names_the_visit_keys_of_its_packs(void **state)
{
	struct place *p = *state;
	struct visit_key key[2];
	struct journal_run run;
	vault_random(key, sizeof(key));
	for (int i = 0; i < 4; i++) {
		struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
		e->first->person = "{\"value\":\"1\"}";
		e->first->key = key[i / 2];
		entry_free(place_commit(p, e));
	}
	struct journal_state s = place_state(p);
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 2, 2, 1 << 20, &run), 1);
	assert_int_equal(run.key_ids.len, 16);
	assert_memory_equal(run.key_ids.data, key[0].id, 16);
	journal_run_free(&run);
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 1, 10, 1 << 20, &run), 1);
	assert_int_equal(run.key_ids.len, 32);
	journal_run_free(&run);
}

static void a_pack_whose_lines_do_not_fit_its_h_gives_no_run(void **state)
{
	struct place *p = *state;
	struct journal_run run;
	place_fill(p, 3);
	struct journal_state s = place_state(p);
	place_stop(p);
	place_damage(p, "UPDATE pack SET h = zeroblob(32) WHERE id = " PLACE_PACK("3"));
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 3, 10, 1 << 20, &run), -1);
}

static void a_body_moved_to_another_place_does_not_open(void **state)
{
	struct place *p = *state;
	struct journal_run run;
	place_fill(p, 3);
	struct journal_state s = place_state(p);
	place_stop(p);
	place_damage(p, "UPDATE pack SET body = (SELECT body FROM pack WHERE id = " PLACE_PACK(
	                    "2") ") WHERE id = " PLACE_PACK("3"));
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 3, 10, 1 << 20, &run), -1);
}

/* ---- ids and lines ---- */

struct seen {
	struct entry_id id[8];
	uint8_t epoch[8][8];
	uint64_t seq[8];
	uint32_t count[8];
	int n, stop_at;
};

static bool note_id(void *ctx, const struct entry_id *id, const uint8_t epoch[8], uint64_t seq,
                    uint32_t count, int64_t wall_us)
{
	struct seen *s = ctx;
	(void)wall_us;
	assert_true(s->n < 8);
	s->id[s->n] = *id;
	memcpy(s->epoch[s->n], epoch, 8);
	s->seq[s->n] = seq;
	s->count[s->n++] = count;
	return s->n != s->stop_at;
}

static struct entry *with_id(uint64_t counter, int events)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	for (int i = 1; i < events; i++) {
		struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), copy = *e->first;
		copy.next = NULL;
		*ev = copy;
	}
	e->has_id = true;
	strcpy(e->id.source, "till:T3");
	strcpy(e->id.session, "boot-1.x");
	e->id.counter = counter;
	memset(e->id.body, (int)counter, sizeof(e->id.body));
	return e;
}

static void message_ids_are_told_with_their_seq_after_a_restart(void **state)
{
	struct place *p = *state;
	struct seen s = {0};
	struct entry *e = with_id(41, 3);
	place_commit(p, e);
	uint8_t epoch[8];
	memcpy(epoch, e->epoch, 8);
	entry_free(e);
	place_fill(p, 2);
	place_stop(p);
	place_start(p);
	entry_free(place_commit(p, with_id(42, 1)));
	assert_int_equal(journal_reader_ids(place_reader(p), 0, note_id, &s), 0);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.id[0].source, "till:T3");
	assert_string_equal(s.id[0].session, "boot-1.x");
	assert_int_equal(s.id[0].counter, 41);
	assert_int_equal(s.id[0].body[7], 41); /* the rest is not promised */
	assert_memory_equal(s.epoch[0], epoch, 8);
	assert_int_equal(s.seq[0], 2);
	assert_int_equal(s.count[0], 3);
	assert_int_equal(s.id[1].counter, 42);
	assert_memory_not_equal(s.epoch[1], epoch, 8);
	assert_int_equal(s.seq[1], 2);
}

static void several_messages_in_one_pack_keep_their_own_seqs(void **state)
{
	struct place *p = *state;
	struct seen s = {0};
	char err[256];
	place_stop(p);
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_true(journal_put(p->journal, with_id(10 + i, (int)i + 1)));
	assert_int_equal(journal_start(p->journal), 0);
	for (int i = 0; i < 4; i++)
		entry_free(place_wait(p));
	assert_int_equal(journal_reader_ids(place_reader(p), 0, note_id, &s), 0);
	assert_int_equal(s.n, 4);
	for (uint64_t i = 0, seq = 2; i < 4; seq += ++i) {
		assert_int_equal(s.id[i].counter, 10 + i);
		assert_int_equal(s.seq[i], seq);
		assert_int_equal(s.count[i], i + 1);
	}
}

static void ids_older_than_asked_are_not_told(void **state)
{
	struct place *p = *state;
	struct seen s = {0};
	entry_free(place_commit(p, with_id(1, 1)));
	int64_t then = atomic_fetch_add(&p->wall_us, PLACE_DAY_US);
	entry_free(place_commit(p, with_id(2, 1)));
	assert_int_equal(journal_reader_ids(place_reader(p), then + 1, note_id, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.id[0].counter, 2);
}

static bool count_line(void *ctx, const uint8_t epoch[8], uint64_t seq, const char *line,
                       size_t len)
{
	struct seen *s = ctx;
	char id[64], hex[EVENT_EPOCH_SIZE];
	text_hex(epoch, 8, hex);
	snprintf(id, sizeof(id), "\"messageId\":\"s1:%s:%llu\"", hex, (unsigned long long)seq);
	assert_non_null(memmem(line, len, id, strlen(id)));
	s->n++;
	return s->n != s->stop_at;
}

static void lines_come_in_order_of_epoch_and_seq_and_stop_when_told(void **state)
{
	struct place *p = *state;
	struct seen s = {0};
	fill_packs(p);
	place_fill(p, 150);
	place_stop(p);
	place_start(p);
	place_fill(p, 2);
	assert_int_equal(journal_reader_lines(place_reader(p), 0, count_line, &s), 0);
	assert_int_equal(s.n, 46 + 150 + 3);
	s = (struct seen){.stop_at = 7};
	assert_int_equal(journal_reader_lines(place_reader(p), 0, count_line, &s), 0);
	assert_int_equal(s.n, 7);
	int64_t then = atomic_fetch_add(&p->wall_us, PLACE_DAY_US);
	place_fill(p, 5);
	s = (struct seen){0};
	assert_int_equal(journal_reader_lines(place_reader(p), then + 1, count_line, &s), 0);
	assert_int_equal(s.n, 5);
}

static void epochs_are_listed_oldest_first(void **state)
{
	struct place *p = *state;
	struct journal_epoch e[4];
	struct journal_state first = place_state(p);
	place_fill(p, 3);
	place_stop(p);
	place_start(p);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 2);
	assert_memory_equal(e[0].epoch, first.epoch, 8);
	assert_int_equal(e[0].last_seq, 4);
	assert_int_equal(e[1].last_seq, 1);
	assert_true(e[0].ordinal < e[1].ordinal);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 1), 1);
	assert_memory_equal(e[0].epoch, first.epoch, 8);
}

static void urgent_seqs_are_listed(void **state)
{
	struct place *p = *state;
	struct journal_urgent u[4];
	place_fill(p, 1);
	struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
	e->first->urgent = true;
	place_commit(p, e);
	assert_int_equal(journal_reader_urgent(place_reader(p), u, 4), 1);
	assert_memory_equal(u[0].epoch, e->epoch, 8);
	assert_int_equal(u[0].seq, 3);
	entry_free(e);
}

/* ---- verify ---- */

static int verify(struct place *p, struct journal_verify *v, char err[256])
{
	err[0] = '\0';
	return journal_reader_verify(place_reader(p), v, NULL, NULL, err, 256);
}

static void a_whole_journal_verifies_and_is_counted(void **state)
{
	struct place *p = *state;
	struct journal_verify v;
	char err[256];
	fill_packs(p);
	place_fill(p, 100);
	place_stop(p);
	place_start(p);
	if (verify(p, &v, err))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 2);
	assert_int_equal(v.packs, 1 + 9 + 100 + 1);
	assert_int_equal(v.events, 1 + 45 + 100 + 1);
}

static void verify_finds(struct place *p, const char *sql, const char *word)
{
	struct journal_verify v;
	char err[256];
	fill_packs(p);
	place_stop(p);
	place_start(p);
	place_fill(p, 3);
	if (verify(p, &v, err))
		fail_msg("%s", err);
	place_stop(p);
	place_damage(p, sql);
	assert_int_equal(verify(p, &v, err), -1);
	if (!strstr(err, word))
		fail_msg("\"%s\" does not say \"%s\"", err, word);
}

static void verify_finds_a_changed_body(void **state)
{
	verify_finds(*state,
	             "UPDATE pack SET body = x'00' || substr(body, 2) WHERE id = " PLACE_PACK("4"),
	             "cannot be opened");
}

static void verify_finds_a_missing_pack(void **state)
{
	verify_finds(*state, "DELETE FROM pack WHERE id = " PLACE_PACK("4"), "gap");
}

static void verify_finds_a_changed_h(void **state)
{
	verify_finds(*state, "UPDATE pack SET h = randomblob(32) WHERE id = " PLACE_PACK("4"),
	             "chain");
}

static void verify_finds_a_missing_end_of_an_epoch(void **state)
{
	verify_finds(*state, "DELETE FROM pack WHERE id = " PLACE_PACK("10"),
	             "end of the epoch before");
}

static void verify_finds_packs_in_the_wrong_order(void **state)
{
	verify_finds(*state, "UPDATE pack SET id = id + 1000 WHERE id = " PLACE_PACK("4"), "gap");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_run_from_any_seq_carries_the_chain_on_both_sides),
	    TEST(the_chain_can_be_asked_at_any_place_inside_packs_too),
	    TEST(of_deleted_events_only_the_anchor_is_known_of_the_chain),
	    TEST(a_mark_is_there_from_its_entrys_commit_on_and_the_last_one_stays),
	    TEST(of_two_entries_in_one_commit_the_later_ones_mark_stays),
	    TEST(an_entry_that_is_refused_writes_no_mark),
	    TEST(a_mark_cannot_take_the_place_of_the_journals_own_rows),
	    TEST(runs_one_after_the_other_give_every_line_once),
	    TEST(a_run_is_bounded_by_bytes_but_gives_one_line_at_least),
	    TEST(a_run_reads_at_most_64_packs),
	    TEST(an_unknown_epoch_has_no_run),
	    TEST(a_run_names_the_visit_keys_of_its_packs),
	    TEST(a_pack_whose_lines_do_not_fit_its_h_gives_no_run),
	    TEST(a_body_moved_to_another_place_does_not_open),
	    TEST(message_ids_are_told_with_their_seq_after_a_restart),
	    TEST(several_messages_in_one_pack_keep_their_own_seqs),
	    TEST(ids_older_than_asked_are_not_told),
	    TEST(lines_come_in_order_of_epoch_and_seq_and_stop_when_told),
	    TEST(epochs_are_listed_oldest_first),
	    TEST(urgent_seqs_are_listed),
	    TEST(a_whole_journal_verifies_and_is_counted),
	    TEST(verify_finds_a_changed_body),
	    TEST(verify_finds_a_missing_pack),
	    TEST(verify_finds_a_changed_h),
	    TEST(verify_finds_a_missing_end_of_an_epoch),
	    TEST(verify_finds_packs_in_the_wrong_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
