/* Reading the journal from a place on, as a start does. */
#include "journal_place.h"

struct seen {
	int n, stop_at;
	uint64_t counter;
};

static bool stop_id(void *ctx, const struct entry_id *id, const uint8_t epoch[8], uint64_t seq,
                    uint32_t count, int64_t wall_us)
{
	struct seen *s = ctx;
	(void)epoch, (void)seq, (void)count, (void)wall_us;
	s->counter = id->counter;
	return ++s->n != s->stop_at;
}

static bool count_line(void *ctx, const uint8_t epoch[8], uint64_t seq, const char *line,
                       size_t len)
{
	struct seen *s = ctx;
	char id[64], hex[EVENT_EPOCH_SIZE];
	text_hex(epoch, 8, hex);
	snprintf(id, sizeof(id), "\"messageId\":\"s1:%s:%llu\"", hex, (unsigned long long)seq);
	assert_non_null(memmem(line, len, id, strlen(id)));
	return ++s->n != s->stop_at;
}

static struct entry *with_id(uint64_t counter)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	e->has_id = true;
	strcpy(e->id.source, "till:T3");
	strcpy(e->id.session, "boot-1.x");
	e->id.counter = counter;
	return e;
}

static void message_ids_stop_when_told(void **state)
{
	struct place *p = *state;
	struct seen s = {.stop_at = 2};
	for (uint64_t i = 1; i <= 4; i++)
		entry_free(place_commit(p, with_id(i)));
	assert_int_equal(journal_reader_ids(place_reader(p), 0, stop_id, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.counter, 2);
}

static int lines_from(struct place *p, const uint8_t *epoch, uint64_t seq, uint64_t newest)
{
	struct seen s = {0};
	const struct journal_from from = {epoch, seq, newest};
	uint64_t unread = 0;
	assert_int_equal(journal_reader_lines_from(place_reader(p), &from, count_line, &s, &unread),
	                 0);
	assert_int_equal(unread, 0);
	return s.n;
}

static void lines_are_told_from_a_place_on_whatever_the_clock_said(void **state)
{
	struct place *p = *state;
	const uint8_t none[EVENT_EPOCH_BYTES] = {1};
	struct journal_state first = place_state(p), second;
	place_fill(p, 99); /* one pack each, with Epoch Opened: seq 1 to 100 */
	place_stop(p);
	atomic_store(&p->wall_us, 0); /* a clock that began anew */
	place_start(p);
	second = place_state(p);
	place_fill(p, 9);
	assert_int_equal(lines_from(p, first.epoch, 1, 1), 110);
	assert_int_equal(lines_from(p, first.epoch, 100, 1), 11);
	assert_int_equal(lines_from(p, second.epoch, 1, 1), 10);
	assert_int_equal(lines_from(p, second.epoch, 10, 1), 1);
	assert_int_equal(lines_from(p, NULL, 0, 7), 7);
	assert_int_equal(lines_from(p, none, 3, 12), 12);
	assert_int_equal(lines_from(p, NULL, 0, 1000), 110);
}

static void a_pack_that_cannot_be_opened_is_left_out_and_counted(void **state)
{
	struct place *p = *state;
	struct seen s = {0};
	const struct journal_from from = {.newest = 1000};
	uint64_t unread = 0;
	place_fill(p, 9);
	place_stop(p);
	place_damage(p, "UPDATE pack SET body = x'00' WHERE id = " PLACE_PACK("4"));
	assert_int_equal(journal_reader_lines_from(place_reader(p), &from, count_line, &s, &unread),
	                 0);
	assert_int_equal(s.n, 9);
	assert_int_equal(unread, 1);
}

static void an_orderly_stop_leaves_no_log_behind_though_somebody_reads(void **state)
{
	struct place *p = *state;
	place_fill(p, 20);
	place_reader(p);
	journal_free(p->journal);
	p->journal = NULL;
	place_start(p);
	assert_int_equal(place_state(p).recovered_frames, 0);
	assert_true(place_state(p).clean);
}

static void lines_stop_when_told(void **state)
{
	struct place *p = *state;
	struct seen s = {.stop_at = 70};
	const struct journal_from from = {.newest = 1000};
	uint64_t unread = 0;
	place_fill(p, 100);
	assert_int_equal(journal_reader_lines_from(place_reader(p), &from, count_line, &s, &unread),
	                 0);
	assert_int_equal(s.n, 70);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(message_ids_stop_when_told),
	    TEST(lines_are_told_from_a_place_on_whatever_the_clock_said),
	    TEST(a_pack_that_cannot_be_opened_is_left_out_and_counted),
	    TEST(an_orderly_stop_leaves_no_log_behind_though_somebody_reads),
	    TEST(lines_stop_when_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
