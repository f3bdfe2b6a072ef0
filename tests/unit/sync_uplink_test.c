#include "journal_place.h"

#include "base/log.h"
#include "sync/uplink.h"
#include "sync_keys.h"

#define S 1000000LL
#define SENT_MAX 4096
#define BIG 100000000

/* What the fake HQ got: one payload, and what it says of it. */
struct sent {
	uint64_t first;
	uint32_t count;
	uint8_t epoch[8];
	size_t bytes;
	uint8_t hash[32];
	uint32_t keys;
};

struct fixture {
	struct place *place;
	struct uplink *uplink;
	struct batch_codec *codec, *hq_codec;
	struct vault_work *work;
	struct confirm *confirm;
	uint8_t hq_priv[32];
	struct sent sent[SENT_MAX];
	int sent_count;
	bool refuse;   /* publishing fails */
	uint8_t *seen; /* per seq of the watched epoch: how often it came */
	uint64_t seen_max;
	char last_keys[48];
	struct buf last_lines;
};

/* Every payload must be one that HQ can use: it opens, and its lines fit its chain. */
static bool take(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	struct batch b;
	char err[200];
	if (f->refuse)
		return false;
	if (batch_decode(f->hq_codec, payload, len, "s1", f->hq_priv, &b, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(batch_verify(f->work, &b, NULL), 0);
	assert_true(f->sent_count < SENT_MAX);
	struct sent *s = &f->sent[f->sent_count++];
	*s = (struct sent){.first = b.first, .count = b.count, .bytes = len, .keys = b.key_count};
	memcpy(s->epoch, b.epoch, 8);
	vault_sha256(f->work, payload, len, s->hash);
	if (b.key_count)
		memcpy(f->last_keys, b.keys, 48);
	buf_reset(&f->last_lines);
	buf_add(&f->last_lines, b.lines, b.lines_len);
	return true;
}

static void uplink_start(struct fixture *f)
{
	char err[200] = "";
	struct uplink_params params = {.store = "s1",
	                               .vault = f->place->vault,
	                               .clock = &f->place->clock,
	                               .counters = &f->place->counters,
	                               .journal = f->place->journal,
	                               .reader = place_reader(f->place),
	                               .codec = f->codec,
	                               .publish = take,
	                               .ctx = f};
	f->uplink = uplink_new(&params, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(f->uplink);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->place = place_new();
	place_start(f->place);
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	f->work = vault_work_new();
	f->confirm = calloc(1, sizeof(*f->confirm));
	f->confirm->credit = BIG;
	memset(f->hq_priv, 0x44, sizeof(f->hq_priv));
	uplink_start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	uplink_free(f->uplink);
	place_free(f->place);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	vault_work_free(f->work);
	buf_free(&f->last_lines);
	free(f->confirm);
	free(f->seen);
	free(f);
	return 0;
}

static void later(struct fixture *f, int64_t us)
{
	atomic_fetch_add(&f->place->wall_us, us);
}

static void fill(struct fixture *f, int n)
{
	place_fill(f->place, n);
}

/* One entry of n events: one pack. */
static void fill_pack(struct fixture *f, int n, bool urgent)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	e->first->urgent = urgent;
	for (int i = 1; i < n; i++) {
		struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED);
		struct lw_event *next = ev->next;
		*ev = *e->first;
		ev->next = next;
	}
	place_commit(f->place, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static struct confirm_epoch *word(struct fixture *f, uint64_t through)
{
	struct confirm *c = f->confirm;
	memset(c->epochs, 0, sizeof(c->epochs[0]));
	c->epoch_count = 1;
	c->unreadable_count = 0;
	struct journal_state s = place_state(f->place);
	memcpy(c->epochs[0].epoch, s.epoch, 8);
	c->epochs[0].through = through;
	return &c->epochs[0];
}

static void confirm(struct fixture *f, uint64_t through)
{
	word(f, through);
	uplink_confirm(f->uplink, f->confirm, false);
}

static struct uplink_state now(struct fixture *f)
{
	struct uplink_state s;
	uplink_state(f->uplink, &s);
	return s;
}

static void expect_sent(struct fixture *f, int i, uint64_t first, uint32_t count)
{
	if (i >= f->sent_count || f->sent[i].first != first || f->sent[i].count != count)
		fail_msg("batch %d of %d: expected %u from %llu, got %u from %llu", i,
		         f->sent_count, count, (unsigned long long)first, f->sent[i].count,
		         (unsigned long long)f->sent[i].first);
}

/* The journal's thread has taken in what was confirmed. */
static void await_confirmed(struct fixture *f, uint64_t n)
{
	for (int i = 0; i < 2000; i++) {
		if (place_state(f->place).confirmed == n)
			return;
		place_fill(f->place, 0);
		poll(NULL, 0, 5);
	}
	fail_msg("the journal counts %llu confirmed, expected %llu",
	         (unsigned long long)place_state(f->place).confirmed, (unsigned long long)n);
}

static void nothing_leaves_before_the_connection_and_after_its_end(void **state)
{
	struct fixture *f = *state;
	assert_true(uplink_step(f->uplink) == INT64_MAX);
	assert_int_equal(f->sent_count, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 1);
	uplink_down(f->uplink);
	fill(f, 3);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	assert_int_equal(now(f).unconfirmed, 4);
}

static void a_new_event_leaves_at_once_and_once(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	fill(f, 1);
	uplink_step(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 1, 2, 1);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 2);
}

static void what_waits_leaves_in_order_in_large_batches(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1500, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 0);
	uplink_step(f->uplink);
	uint64_t next = 1;
	for (int i = 0; i < f->sent_count; i++) {
		assert_int_equal(f->sent[i].first, next);
		next += f->sent[i].count;
		assert_true(f->sent[i].count > 50 || next == 1502);
	}
	assert_int_equal(next, 1502);
}

static void confirmed_batches_are_forgotten_and_the_journal_is_told(void **state)
{
	struct fixture *f = *state;
	fill(f, 4);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_true(now(f).outstanding_bytes > 0);
	confirm(f, 5);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(now(f).unconfirmed, 0);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_EVENTS_CONFIRMED), 5);
	await_confirmed(f, 5);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
}

static void an_unconfirmed_batch_goes_again_after_ten_seconds_doubling(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	static const int waits_s[] = {10, 20, 40, 80, 160, 320, 640, 900, 900};
	for (int i = 0; i < 9; i++) {
		later(f, waits_s[i] * S * 95 / 100);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, i + 1);
		later(f, waits_s[i] * S * 10 / 100);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, i + 2);
		expect_sent(f, i + 1, 1, 1);
	}
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_RESENT), 9);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 1);
}

static void the_step_says_when_it_wants_to_be_called_again(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	int64_t at = uplink_step(f->uplink) - f->place->wall_us;
	assert_true(at > 9 * S && at < 11 * S);
	confirm(f, 1);
	assert_true(uplink_step(f->uplink) == INT64_MAX);
}

static void a_new_connection_sends_the_oldest_at_once_and_the_rest_after_ten_seconds(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	for (int i = 0; i < 3; i++) {
		uplink_step(f->uplink);
		fill(f, 1);
	}
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 4);
	later(f, 700 * S);
	uplink_down(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 4);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 5);
	expect_sent(f, 4, 1, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 9);
}

static void hqs_word_after_a_silence_wakes_only_what_has_waited(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	for (int i = 0; i < 6; i++) {
		later(f, 1000 * S);
		uplink_step(f->uplink);
	}
	fill(f, 1);
	uplink_step(f->uplink);
	int n = f->sent_count;
	later(f, 1 * S);
	uplink_alive(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n);
	later(f, 11 * S);
	uplink_alive(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
	expect_sent(f, n, 1, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 3);
}

static void a_publish_that_failed_is_tried_again_and_not_counted(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	f->refuse = true;
	uplink_step(f->uplink);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 0);
	f->refuse = false;
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 1);
}

static void the_bytes_on_their_way_stay_within_the_credit(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 4000, false);
	f->confirm->credit = 1;
	confirm(f, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	f->confirm->credit = 3 * f->sent[0].bytes + f->sent[0].bytes / 2;
	confirm(f, 0);
	uplink_step(f->uplink);
	int n = f->sent_count;
	assert_true(n >= 3 && n <= 5);
	assert_true(now(f).outstanding_bytes <= f->confirm->credit);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n);
	confirm(f, f->sent[0].count);
	uplink_step(f->uplink);
	assert_true(f->sent_count > n);
	assert_true(now(f).outstanding_bytes <= f->confirm->credit);
}

static void only_what_lies_between_confirmed_ranges_is_sent(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 99, false);
	struct confirm_epoch *e = word(f, 10);
	e->range_count = 2;
	e->ranges[0].first = 21, e->ranges[0].last = 50;
	e->ranges[1].first = 61, e->ranges[1].last = 99;
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(now(f).unconfirmed, 10 + 10 + 1);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 3);
	expect_sent(f, 0, 11, 10);
	expect_sent(f, 1, 51, 10);
	expect_sent(f, 2, 100, 1);
	await_confirmed(f, 79);
}

static void later_ranges_join_with_those_before(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 99, false);
	struct confirm_epoch *e = word(f, 0);
	e->range_count = 1;
	e->ranges[0].first = 11, e->ranges[0].last = 20;
	uplink_confirm(f->uplink, f->confirm, false);
	e->ranges[0].first = 21, e->ranges[0].last = 30;
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(now(f).unconfirmed, 80);
	confirm(f, 10);
	assert_int_equal(now(f).unconfirmed, 70);
	confirm(f, 5);
	assert_int_equal(now(f).unconfirmed, 70);
}

static void hq_cannot_confirm_what_does_not_exist_yet(void **state)
{
	struct fixture *f = *state;
	confirm(f, 1000);
	uplink_up(f->uplink);
	fill(f, 1);
	uplink_step(f->uplink);
	expect_sent(f, 0, 2, 1);
}

static void an_urgent_event_goes_alone_before_a_backlog(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 3000, false);
	fill_pack(f, 1, true);
	fill_pack(f, 10, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 3002, 1);
	assert_int_equal(f->sent[1].first, 1);
	for (int i = 1; i < f->sent_count; i++)
		assert_true(
		    f->sent[i].first != 3002 &&
		    (f->sent[i].first > 3002 || f->sent[i].first + f->sent[i].count <= 3002));
}

static void an_urgent_event_that_the_next_batch_carries_goes_with_it(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 5, false);
	fill_pack(f, 1, true);
	fill_pack(f, 5, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	expect_sent(f, 0, 1, 12);
}

static void a_forked_seq_is_never_confirmed_and_not_sent_again(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct confirm_epoch *e = word(f, 4);
	e->range_count = 1;
	e->ranges[0].first = 6, e->ranges[0].last = 8;
	e->forked_count = 1;
	e->forked[0] = (struct confirm_seq){5, "other_leaf"};
	uplink_confirm(f->uplink, f->confirm, false);
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_FORKED), 1);
	assert_int_equal(now(f).forked, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	expect_sent(f, 1, 1, 10);
	e->ranges[0].last = 10;
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(now(f).unconfirmed, 1);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	await_confirmed(f, 9);
}

static void a_quarantined_seq_is_counted_once(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct confirm_epoch *e = word(f, 10);
	e->quarantined_count = 2;
	e->quarantined[0] = (struct confirm_seq){7, "not_json"};
	e->quarantined[1] = (struct confirm_seq){3, "not_json"};
	uplink_confirm(f->uplink, f->confirm, false);
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_QUARANTINED), 2);
	assert_int_equal(now(f).unconfirmed, 0);
}

static void an_unreadable_batch_goes_again_one_by_one(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 4, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 5);
	f->confirm->epoch_count = 0;
	f->confirm->unreadable_count = 1;
	memcpy(f->confirm->unreadable[0], f->sent[0].hash, 32);
	uplink_confirm(f->uplink, f->confirm, false);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 6);
	for (int i = 1; i <= 5; i++)
		expect_sent(f, i, (uint64_t)i, 1);
	memcpy(f->confirm->unreadable[0], f->sent[3].hash, 32);
	uplink_confirm(f->uplink, f->confirm, false);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 6);
	fill_pack(f, 2, false);
	uplink_step(f->uplink);
	expect_sent(f, 6, 6, 2);
}

static void another_generation_sends_everything_that_is_held_again(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 10);
	await_confirmed(f, 10);
	uplink_rewind(f->uplink);
	word(f, 6);
	uplink_confirm(f->uplink, f->confirm, true);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 1, 7, 4);
	await_confirmed(f, 6);
	confirm(f, 10);
	await_confirmed(f, 10);
}

static void after_a_restart_only_what_is_not_confirmed_goes_oldest_epoch_first(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 4);
	await_confirmed(f, 4);
	uint8_t old[8];
	memcpy(old, f->sent[0].epoch, 8);
	uplink_free(f->uplink);
	place_stop(f->place);
	place_start(f->place);
	uplink_start(f);
	f->sent_count = 0;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 0, 5, 6);
	assert_memory_equal(f->sent[0].epoch, old, 8);
	expect_sent(f, 1, 1, 1);
	assert_memory_not_equal(f->sent[1].epoch, old, 8);
	confirm(f, 1);
	memcpy(f->confirm->epochs[0].epoch, old, 8);
	f->confirm->epochs[0].through = 10;
	uplink_confirm(f->uplink, f->confirm, false);
	await_confirmed(f, 11);
	memset(f->confirm->epochs[0].epoch, 0xee, 8);
	uplink_confirm(f->uplink, f->confirm, false);
	assert_int_equal(now(f).unconfirmed, 0);
}

static void a_batch_carries_the_keys_that_its_own_lines_name(void **state)
{
	struct fixture *f = *state;
	struct visit_key keys[2];
	memset(&keys[0], 0x61, sizeof(keys[0]));
	memset(&keys[1], 0x62, sizeof(keys[1]));
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
	for (int i = 1; i < 3; i++) {
		struct lw_event *ev = entry_add(e, EVENT_IDENTIFIER_PRESENTED);
		struct lw_event *next = ev->next;
		*ev = *e->first;
		ev->next = next;
		ev->person = "{\"value\":\"x\"}";
		ev->key = keys[i - 1];
	}
	place_commit(f->place, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
	uplink_step(f->uplink);
	expect_sent(f, 1, 2, 3);
	assert_int_equal(f->sent[1].keys, 2);
	struct confirm_epoch *c = word(f, 3);
	(void)c;
	uplink_confirm(f->uplink, f->confirm, false);
	f->confirm->unreadable_count = 1;
	memcpy(f->confirm->unreadable[0], f->sent[1].hash, 32);
	uplink_confirm(f->uplink, f->confirm, false);
	uplink_step(f->uplink);
	expect_sent(f, 2, 4, 1);
	assert_int_equal(f->sent[2].keys, 1);
	assert_memory_equal(f->last_keys, &keys[1], 48);
}

/* A pipe that loses half of everything in both directions: in the end all is confirmed, and what HQ
 * got is every seq. */
static void whatever_is_lost_on_the_way_everything_arrives(void **state)
{
	struct fixture *f = *state;
	uint64_t total = 1, got[600] = {0}, through = 0;
	srand(7);
	f->confirm->credit = 4000;
	uplink_up(f->uplink);
	for (int round = 0; round < 3000 && through < 401; round++) {
		if (total < 401) {
			fill_pack(f, 4, rand() % 8 == 0);
			total += 4;
		}
		int from = f->sent_count = 0;
		uplink_step(f->uplink);
		for (int i = from; i < f->sent_count; i++) {
			bool lost = rand() % 2;
			for (uint64_t s = 0; !lost && s < f->sent[i].count; s++)
				got[f->sent[i].first + s] = 1;
		}
		while (through + 1 < 600 && got[through + 1])
			through++;
		struct confirm_epoch *e = word(f, through);
		for (uint64_t s = through + 1; s < 600; s++) {
			if (!got[s])
				continue;
			if (e->range_count && e->ranges[e->range_count - 1].last == s - 1)
				e->ranges[e->range_count - 1].last = s;
			else if (e->range_count < CONFIRM_RANGES_MAX)
				e->ranges[e->range_count].first = e->ranges[e->range_count].last =
				    s,
				e->range_count++;
		}
		if (rand() % 2)
			uplink_confirm(f->uplink, f->confirm, false);
		if (rand() % 20 == 0) {
			uplink_down(f->uplink);
			uplink_up(f->uplink);
		}
		later(f, rand() % 15 * S);
	}
	assert_int_equal(through, 401);
	confirm(f, through);
	await_confirmed(f, 401);
	assert_int_equal(now(f).unconfirmed, 0);
	assert_int_equal(now(f).outstanding_bytes, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_leaves_before_the_connection_and_after_its_end),
	    TEST(a_new_event_leaves_at_once_and_once),
	    TEST(what_waits_leaves_in_order_in_large_batches),
	    TEST(confirmed_batches_are_forgotten_and_the_journal_is_told),
	    TEST(an_unconfirmed_batch_goes_again_after_ten_seconds_doubling),
	    TEST(the_step_says_when_it_wants_to_be_called_again),
	    TEST(a_new_connection_sends_the_oldest_at_once_and_the_rest_after_ten_seconds),
	    TEST(hqs_word_after_a_silence_wakes_only_what_has_waited),
	    TEST(a_publish_that_failed_is_tried_again_and_not_counted),
	    TEST(the_bytes_on_their_way_stay_within_the_credit),
	    TEST(only_what_lies_between_confirmed_ranges_is_sent),
	    TEST(later_ranges_join_with_those_before),
	    TEST(hq_cannot_confirm_what_does_not_exist_yet),
	    TEST(an_urgent_event_goes_alone_before_a_backlog),
	    TEST(an_urgent_event_that_the_next_batch_carries_goes_with_it),
	    TEST(a_forked_seq_is_never_confirmed_and_not_sent_again),
	    TEST(a_quarantined_seq_is_counted_once),
	    TEST(an_unreadable_batch_goes_again_one_by_one),
	    TEST(another_generation_sends_everything_that_is_held_again),
	    TEST(after_a_restart_only_what_is_not_confirmed_goes_oldest_epoch_first),
	    TEST(a_batch_carries_the_keys_that_its_own_lines_name),
	    TEST(whatever_is_lost_on_the_way_everything_arrives),
	};
	log_open("sync_uplink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
