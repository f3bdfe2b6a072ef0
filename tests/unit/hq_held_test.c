/* What HQ says of a store's epochs when it is asked, what it keeps raw on the store's word, and
 * confirmations that do not fit into one. */
#include "hq_world.h"

#include <jansson.h>

#include "hq/intake/hq_held.h"
#include "hq/intake/hq_raw.h"
#include "hq/intake/hq_run.h"

static struct confirm_epoch *said(struct world *w)
{
	assert_int_equal(w->confirms, 1);
	assert_int_equal(w->confirm[0].epoch_count, 1);
	return &w->confirm[0].epochs[0];
}

static void ask(struct world *w, const char *store, const char *json)
{
	assert_true(hq_held_is(json, strlen(json)));
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	hq_ingest_held(w->ingest, store, json, strlen(json));
	assert_int_equal(hq_ingest_commit(w->ingest), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
}

static const char *held_ask(const struct store *s, const char *more)
{
	static char json[300];
	char epoch[EVENT_EPOCH_SIZE];

	text_hex(s->epoch, EVENT_EPOCH_BYTES, epoch);
	snprintf(json, sizeof json,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"held\","
	         "\"epochs\":[{\"epoch\":\"%s\"%s}]}",
	         epoch, more);
	return json;
}

static void an_ask_is_answered_with_all_that_is_held_of_the_epoch(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 3);
	store_raw(s, "{\"event\":");
	store_chatter(s, 5);
	store_send(s, 1, 6);
	store_send(s, 9, 10);
	ask(w, "s1", held_ask(s, ""));
	assert_int_equal(said(w)->through, 6);
	assert_memory_equal(said(w)->h, s->line[6].h, EVENT_HASH_BYTES);
	assert_int_equal(said(w)->range_count, 1);
	assert_memory_equal(said(w)->ranges[0].h, s->line[10].h, EVENT_HASH_BYTES);
	assert_int_equal(said(w)->quarantined_count, 1);
	assert_int_equal(said(w)->quarantined[0].seq, 5);
	store_free(s);
}

/* What a page says of its seqs, counted: beside through and the lowest ranges. */
static uint64_t count_page(const struct confirm_epoch *e, uint8_t *told)
{
	uint64_t n = 0;

	assert_true(e->same_count <= CONFIRM_SEQS_MAX);
	for (int i = 0; i < e->same_count + e->range_count; i++) {
		const struct confirm_range *r =
		    i < e->same_count ? &e->same[i] : &e->ranges[i - e->same_count];
		for (uint64_t seq = r->first; seq <= r->last; seq++) {
			n += seq >= e->held_first && seq <= e->held_last && !told[seq];
			told[seq] = 1;
		}
	}
	return n;
}

/* Every second event of a long epoch: page by page, each seq that is held is named by the page that
 * speaks of it, and no page is more than a confirmation carries. */
static void an_answer_is_whole_however_many_gaps_there_are(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	uint64_t told = 0, from = 1, pages = 0;
	static uint8_t seen[WORLD_LINES_MAX + 1];
	char more[64];

	store_chatter(s, 4999);
	for (uint64_t seq = 1; seq <= 5000; seq += 2)
		store_send(s, seq, seq);
	while (from) {
		snprintf(more, sizeof more, ",\"gone\":4000,\"from\":%" PRIu64, from);
		ask(w, "s1", held_ask(s, more));
		assert_int_equal(said(w)->through, 1);
		assert_int_equal(said(w)->held_first, from);
		told += count_page(said(w), seen);
		from = said(w)->held_last == UINT64_MAX ? 0 : said(w)->held_last + 1;
		pages++;
	}
	assert_int_equal(told, 2499); /* and through */
	assert_int_equal(pages, (2500 + CONFIRM_SEQS_MAX - 1) / CONFIRM_SEQS_MAX);
	store_free(s);
}

/* While the question waits for its round's commit a batch closes gaps: nothing that was held when
 * it was asked falls out of the answer. */
static void gaps_that_close_in_the_same_round_leave_no_hole_in_the_answer(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};
	static uint8_t seen[WORLD_LINES_MAX + 1];
	const char *json;

	store_chatter(s, 200);
	for (uint64_t seq = 1; seq < 100; seq += 2)
		store_send(s, seq, seq);
	json = held_ask(s, ",\"gone\":150,\"from\":1");
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	hq_ingest_held(w->ingest, "s1", json, strlen(json));
	store_batch_of(s, 2, 60, true, &payload);
	hq_ingest_up(w->ingest, "s1", payload.data, payload.len);
	assert_int_equal(hq_ingest_commit(w->ingest), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	memset(seen, 0, sizeof seen);
	for (int i = 0; i < w->confirms; i++)
		for (int k = 0; k < w->confirm[i].epoch_count; k++)
			count_page(&w->confirm[i].epochs[k], seen);
	assert_int_equal(w->confirm[0].epochs[0].through, 61);
	for (uint64_t seq = 63; seq < 100; seq += 2)
		assert_int_equal(seen[seq], 1);
	buf_free(&payload);
	store_free(s);
}

static void an_epoch_that_hq_lost_is_answered_with_nothing_held(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 7);

	ask(w, "s1", held_ask(s, ",\"gone\":40"));
	assert_int_equal(said(w)->through, 0);
	assert_false(said(w)->has_h);
	assert_memory_equal(said(w)->epoch, s->epoch, EVENT_EPOCH_BYTES);
	assert_string_equal(world_text(w, "SELECT device || gone FROM epoch"), "d140");
	store_free(s);
}

/* What the status says is lost at HQ. */
static void lost_is(struct world *w, const char *want)
{
	json_t *list = hq_raw_lost(hq_db_handle(w->db), "s1"), *o;
	char text[200] = "";
	size_t i;

	json_array_foreach(list, i, o)
	{
		size_t n = strlen(text);
		snprintf(text + n, sizeof text - n, "%lld-%lld ",
		         json_integer_value(json_object_get(o, "first")),
		         json_integer_value(json_object_get(o, "last")));
	}
	assert_string_equal(text, want);
	json_decref(list);
}

static void what_neither_side_holds_any_more_is_lost_until_it_comes_after_all(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 19);
	store_send(s, 1, 4);
	store_send(s, 8, 9);
	lost_is(w, "");
	ask(w, "s1", held_ask(s, ",\"gone\":12"));
	ask(w, "s1", held_ask(s, ",\"gone\":11")); /* an older word, late */
	store_send(s, 16, 20);
	lost_is(w, "5-7 10-12 ");
	store_send(s, 5, 15);
	lost_is(w, "");
	store_free(s);
}

/* Two histories with one beginning: three events are the same, the rest is said at its own time. */
static struct store *twin(struct world *w)
{
	struct store *s;

	w->wall_us = WORLD_WALL_US;
	s = store_new(w, "s1", 1);
	store_chatter(s, 2);
	return s;
}

static void say(struct store *s, int n, int64_t later_us)
{
	s->world->wall_us = WORLD_WALL_US + later_us;
	store_chatter(s, n);
}

static void send_in_one_round(struct store *s)
{
	struct world *w = s->world;
	struct buf payload = {0};

	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	for (uint64_t first = 1; first <= s->seq; first += 1000) {
		buf_reset(&payload);
		store_batch_of(s, first, first + 999 < s->seq ? first + 999 : s->seq, true,
		               &payload);
		hq_ingest_up(w->ingest, s->name, payload.data, payload.len);
	}
	assert_int_equal(hq_ingest_commit(w->ingest), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	buf_free(&payload);
}

/* Every second event of b differs from a's: no two forked seqs stand side by side. */
static void forks_that_do_not_fit_into_one_confirmation_are_all_named(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w), *b = twin(w);
	static uint64_t at[WORLD_LINES_MAX + 1];
	uint64_t named = 0;

	for (int i = 0; i < 4000; i++) {
		say(a, 1, 1000);
		say(b, 1, i % 2 ? 1000 : 9000);
	}
	send_in_one_round(a);
	send_in_one_round(b);
	assert_true(w->confirms > 1);
	for (int i = 0; i < w->confirms; i++) {
		struct confirm_epoch *e = &w->confirm[i].epochs[0];
		assert_int_equal(e->through, a->seq);
		for (int k = 0; k < e->forked_count; k++, named++) {
			at[e->forked[k].seq]++;
			assert_int_equal(e->forked[k].last, e->forked[k].seq);
			assert_memory_equal(e->forked[k].h, b->line[e->forked[k].seq].h,
			                    EVENT_HASH_BYTES);
		}
	}
	assert_int_equal(named, 2000);
	for (uint64_t seq = 4; seq <= b->seq; seq += 2)
		assert_int_equal(at[seq], 1);
	store_free(a);
	store_free(b);
}

static void a_long_fork_is_one_range_also_when_it_is_asked_for(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w), *b = twin(w);

	say(a, 200, 1000);
	say(b, 900, 77000);
	store_send(a, 1, a->seq);
	store_send(b, 1, 500);
	store_send(b, 201, b->seq);
	ask(w, "s1", held_ask(a, ""));
	assert_int_equal(said(w)->forked_count, 2); /* other_leaf, then chain */
	assert_int_equal(said(w)->forked[0].seq, 4);
	assert_int_equal(said(w)->forked[0].last, a->seq);
	assert_int_equal(said(w)->forked[1].last, b->seq);
	assert_memory_equal(said(w)->forked[1].h, b->line[b->seq].h, EVENT_HASH_BYTES);
	assert_memory_equal(said(w)->h, a->line[a->seq].h, EVENT_HASH_BYTES);
	store_free(a);
	store_free(b);
}

static void a_settled_fork_is_said_to_be_settled(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w), *b = twin(w);

	say(a, 10, 1000);
	say(b, 5, 77000);
	store_send(a, 1, a->seq);
	store_send(b, 1, b->seq);
	assert_int_equal(said(w)->forked_count, 1);
	world_number(w, "UPDATE fork SET settled_us = 5");
	store_send(b, 1, b->seq);
	assert_int_equal(said(w)->forked_count, 0);
	assert_int_equal(said(w)->settled_count, 1);
	assert_int_equal(said(w)->settled[0].first, 4);
	assert_int_equal(said(w)->settled[0].last, 8);
	assert_memory_equal(said(w)->settled[0].h, b->line[8].h, EVENT_HASH_BYTES);
	ask(w, "s1", held_ask(a, ""));
	assert_int_equal(said(w)->settled[0].last, 8);
	say(b, 1, 77000); /* what comes later nobody has looked at */
	store_send(b, 9, 9);
	assert_int_equal(said(w)->forked_count, 1);
	assert_int_equal(said(w)->forked[0].seq, 9);
	store_free(a);
	store_free(b);
}

static void a_resent_piece_in_the_middle_is_said_with_its_own_h(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 9);
	store_send(s, 1, 10);
	assert_int_equal(said(w)->same_count, 0); /* through says it */
	store_send(s, 3, 5);
	assert_int_equal(said(w)->same_count, 1);
	assert_int_equal(said(w)->same[0].first, 3);
	assert_int_equal(said(w)->same[0].last, 5);
	assert_memory_equal(said(w)->same[0].h, s->line[5].h, EVENT_HASH_BYTES);
	store_free(s);
}

/* ---- an event that cannot be read even alone ---- */

struct broken {
	struct buf payload;
	uint8_t sha[EVENT_HASH_BYTES];
	char ask[600];
};

/* The batch of this one event, its body spoilt, and what its store says of it. */
static struct broken break_one(struct store *s, uint64_t seq)
{
	struct broken b = {.payload = {0}};
	char hex[4][65];

	store_batch_of(s, seq, seq, true, &b.payload);
	b.payload.data[b.payload.len - 3] ^= 0x55;
	vault_sha256(s->world->work, b.payload.data, b.payload.len, b.sha);
	text_hex(b.sha, 32, hex[0]);
	text_hex(s->epoch, EVENT_EPOCH_BYTES, hex[1]);
	text_hex(s->line[seq - 1].h, 32, hex[2]);
	text_hex(s->line[seq].h, 32, hex[3]);
	snprintf(b.ask, sizeof b.ask,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"held\",\"raw\":"
	         "[{\"sha256\":\"%s\",\"epoch\":\"%s\",\"seq\":%" PRIu64
	         ",\"h_prev\":\"%s\",\"h\":\"%s\"}]}",
	         hex[0], hex[1], seq, hex[2], hex[3]);
	return b;
}

static void an_event_that_cannot_be_read_alone_is_quarantined_on_its_stores_word(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct broken b;

	store_chatter(s, 4);
	store_send(s, 1, 2);
	b = break_one(s, 3);
	world_up(w, "s1", b.payload.data, b.payload.len);
	assert_int_equal(w->confirm[0].unreadable_count, 1);
	ask(w, "s1", b.ask);
	assert_int_equal(said(w)->through, 3);
	assert_int_equal(said(w)->quarantined_count, 1);
	assert_string_equal(said(w)->quarantined[0].reason, "unreadable");
	assert_memory_equal(said(w)->h, s->line[3].h, EVENT_HASH_BYTES);
	assert_int_equal(world_number(w, "SELECT count(*) FROM unreadable"), 0);
	ask(w, "s1", b.ask); /* again: the same answer, nothing new */
	assert_int_equal(said(w)->through, 3);
	assert_int_equal(world_number(w, "SELECT count(*) FROM quarantine"), 1);
	store_send(s, 4, 5);
	assert_int_equal(said(w)->through, 5);
	buf_free(&b.payload);
	store_free(s);
}

static void a_payload_that_its_store_did_not_send_is_never_taken_for_an_event(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct broken b;

	store_chatter(s, 4);
	store_send(s, 1, 2);
	b = break_one(s, 3);
	b.payload.data[200] ^= 1; /* damaged on its way: another hash than the store's */
	world_up(w, "s1", b.payload.data, b.payload.len);
	ask(w, "s1", b.ask);
	assert_int_equal(said(w)->through, 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM quarantine"), 0);
	store_send(s, 3, 3);
	assert_int_equal(said(w)->through, 3);
	buf_free(&b.payload);
	store_free(s);
}

static void an_event_that_was_kept_as_a_payload_and_comes_readable_is_the_same_event(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *other;
	struct broken b;

	store_chatter(s, 2);
	store_send(s, 1, 2);
	b = break_one(s, 3);
	world_up(w, "s1", b.payload.data, b.payload.len);
	ask(w, "s1", b.ask);
	w->wall_us += 5000;
	other = store_new(w, "s1", 1);
	store_chatter(other, 2);
	store_send(other, 3, 3);
	assert_int_equal(said(w)->forked_count, 1);
	store_send(s, 1, 3);
	assert_int_equal(said(w)->forked_count, 0);
	assert_int_equal(said(w)->quarantined_count, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM quarantine"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 3);
	buf_free(&b.payload);
	store_free(s);
	store_free(other);
}

static void what_is_no_ask_is_said_to_be_none(void **state)
{
	static const char *const bad[] = {
	    "{\"v\":1,\"ask\":\"held\"}",
	    "{\"v\":2,\"device\":\"d1\",\"ask\":\"held\"}",
	    "{\"v\":1,\"device\":\"D 1\",\"ask\":\"held\"}",
	    "{\"v\":1,\"device\":\"d1\",\"ask\":\"held\",\"epochs\":[{\"epoch\":\"00\"}]}",
	    "{\"v\":1,\"device\":\"d1\",\"ask\":\"held\",\"epochs\":[{\"epoch\":"
	    "\"0000000000000001\",\"gone\":1.5}]}",
	    "{\"v\":1,\"device\":\"d1\",\"ask\":\"held\",\"raw\":[{\"seq\":1}]}",
	    "{\"v\":1,\"device\":\"d1\",\"ask\":\"held\",\"raw\":[1,2,3,4,5,6,7,8,9]}",
	};
	struct hq_held_ask out;
	char err[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err[0] = '\0';
		assert_int_equal(hq_held_parse(bad[i], strlen(bad[i]), &out, err, sizeof err), -1);
		assert_int_not_equal(err[0], '\0');
	}
	assert_false(hq_held_is("{\"ask\":\"changes\"}", 17));
	assert_false(hq_held_is("held", 4));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_ask_is_answered_with_all_that_is_held_of_the_epoch),
	    TEST(an_answer_is_whole_however_many_gaps_there_are),
	    TEST(gaps_that_close_in_the_same_round_leave_no_hole_in_the_answer),
	    TEST(an_epoch_that_hq_lost_is_answered_with_nothing_held),
	    TEST(what_neither_side_holds_any_more_is_lost_until_it_comes_after_all),
	    TEST(forks_that_do_not_fit_into_one_confirmation_are_all_named),
	    TEST(a_long_fork_is_one_range_also_when_it_is_asked_for),
	    TEST(a_settled_fork_is_said_to_be_settled),
	    TEST(a_resent_piece_in_the_middle_is_said_with_its_own_h),
	    TEST(an_event_that_cannot_be_read_alone_is_quarantined_on_its_stores_word),
	    TEST(a_payload_that_its_store_did_not_send_is_never_taken_for_an_event),
	    TEST(an_event_that_was_kept_as_a_payload_and_comes_readable_is_the_same_event),
	    TEST(what_is_no_ask_is_said_to_be_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
