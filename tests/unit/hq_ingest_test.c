#include "hq_world.h"

#include "hq/identity/hq_fold.h"

static struct confirm_epoch *said(struct world *w)
{
	assert_int_equal(w->confirms, 1);
	assert_int_equal(w->confirm[0].epoch_count, 1);
	return &w->confirm[0].epochs[0];
}

static void a_batch_is_held_and_confirmed_through_its_last_seq(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 4);
	hq_ingest_credit(w->ingest, 54321);
	store_send(s, 1, 5);
	assert_int_equal(said(w)->through, 5);
	assert_int_equal(said(w)->range_count, 0);
	assert_memory_equal(said(w)->epoch, s->epoch, EVENT_EPOCH_BYTES);
	assert_string_equal(w->confirm_store[0], "s1");
	assert_string_equal(w->confirm[0].generation, hq_db_generation(w->db));
	assert_int_equal(w->confirm[0].credit, 54321);
	assert_int_equal(batch_form_best(&w->confirm[0].accepts).wire, 3);
	assert_int_equal(batch_form_best(&w->confirm[0].accepts).dictionary, 3);
	assert_int_equal(world_number(w, "SELECT count(*) FROM events WHERE store = 's1'"), 5);
	store_free(s);
}

static void the_line_is_kept_byte_for_byte_with_its_leaf(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	uint8_t leaf[VAULT_HASH_BYTES];
	char hex[TEXT_HEX_SIZE(VAULT_HASH_BYTES)];

	store_send(s, 1, 1);
	vault_sha256(w->work, s->line[1].text, strlen(s->line[1].text), leaf);
	text_hex(leaf, sizeof leaf, hex);
	assert_string_equal(world_text(w, "SELECT CAST(line AS TEXT) FROM events"),
	                    s->line[1].text);
	assert_string_equal(world_text(w, "SELECT lower(hex(leaf)) FROM events"), hex);
	store_free(s);
}

static void the_same_batch_twice_is_held_once_and_confirmed_twice(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 4);
	store_send(s, 1, 5);
	store_send(s, 1, 5);
	assert_int_equal(said(w)->through, 5);
	assert_int_equal(said(w)->forked_count, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 5);
	store_free(s);
}

static void a_gap_is_told_as_a_range_until_it_closes(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 9);
	store_send(s, 8, 10);
	assert_int_equal(said(w)->through, 0);
	assert_int_equal(said(w)->range_count, 1);
	assert_int_equal(said(w)->ranges[0].first, 8);
	assert_int_equal(said(w)->ranges[0].last, 10);
	store_send(s, 1, 3);
	assert_int_equal(said(w)->through, 3);
	assert_int_equal(said(w)->range_count, 1);
	store_send(s, 2, 9);
	assert_int_equal(said(w)->through, 10);
	assert_int_equal(said(w)->range_count, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 10);
	assert_int_equal(world_number(w, "SELECT count(*) FROM fork"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM run"), 1);
	store_free(s);
}

static void what_was_held_is_still_held_after_a_restart(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33];

	store_chatter(s, 4);
	store_send(s, 1, 3);
	text_copy(generation, sizeof generation, hq_db_generation(w->db));
	world_close(w);
	world_open(w);
	assert_string_equal(hq_db_generation(w->db), generation);
	store_send(s, 4, 5);
	assert_int_equal(said(w)->through, 5);
	store_free(s);
}

/* Two histories with one beginning: the same epoch on a copied card. */
static struct store *twin(struct world *w, int events)
{
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 2);
	w->wall_us += 1000;
	store_chatter(s, events);
	return s;
}

static void a_fork_with_its_tail_is_kept_raw_and_never_confirmed(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w, 3), *b;

	w->wall_us = WORLD_WALL_US;
	b = twin(w, 0);
	w->wall_us += 77000;
	store_chatter(b, 5);
	store_send(a, 1, 6);
	store_send(b, 1, 8);
	assert_int_equal(said(w)->through, 6);
	assert_int_equal(said(w)->range_count, 0);
	assert_int_equal(said(w)->forked_count, 2);
	assert_int_equal(said(w)->forked[0].seq, 4);
	assert_int_equal(said(w)->forked[0].last, 6);
	assert_string_equal(said(w)->forked[0].reason, "other_leaf");
	assert_memory_equal(said(w)->forked[0].h, b->line[6].h, EVENT_HASH_BYTES);
	assert_int_equal(said(w)->forked[1].seq, 7);
	assert_int_equal(said(w)->forked[1].last, 8);
	assert_string_equal(said(w)->forked[1].reason, "chain");
	assert_memory_equal(said(w)->h, a->line[6].h, EVENT_HASH_BYTES);
	assert_int_equal(said(w)->same_count, 1);
	assert_int_equal(said(w)->same[0].last, 3);
	assert_memory_equal(said(w)->same[0].h, b->line[3].h, EVENT_HASH_BYTES);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 6);
	assert_int_equal(world_number(w, "SELECT count(*) FROM fork"), 5);
	assert_true(world_number(w, "SELECT count(*) FROM alarm WHERE kind = 'fork'") > 0);
	store_send(b, 1, 8);
	assert_int_equal(said(w)->forked_count, 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM fork"), 5);
	store_free(a);
	store_free(b);
}

static void a_tail_that_does_not_join_what_is_held_is_a_fork(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w, 1), *b;

	w->wall_us = WORLD_WALL_US;
	b = twin(w, 0);
	w->wall_us += 77000;
	store_chatter(b, 3);
	store_send(a, 1, 4);
	store_send(b, 5, 6);
	assert_int_equal(said(w)->through, 4);
	assert_int_equal(said(w)->range_count, 0);
	assert_int_equal(said(w)->forked_count, 1);
	assert_int_equal(said(w)->forked[0].last, 6);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm WHERE kind = 'chain'"), 1);
	store_free(a);
	store_free(b);
}

static void through_never_goes_over_a_join_that_does_not_fit(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w, 1), *b;

	w->wall_us = WORLD_WALL_US;
	b = twin(w, 0);
	w->wall_us += 77000;
	store_chatter(b, 3);
	store_send(b, 5, 6);
	store_send(a, 1, 4);
	assert_int_equal(said(w)->through, 4);
	assert_int_equal(said(w)->range_count, 1);
	assert_int_equal(said(w)->forked_count, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm WHERE kind = 'chain'"), 1);
	store_free(a);
	store_free(b);
}

static void a_line_that_is_not_json_is_quarantined_and_counts_as_confirmed(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_raw(s, "{\"event\":");
	store_chatter(s, 1);
	store_send(s, 1, 3);
	assert_int_equal(said(w)->through, 3);
	assert_int_equal(said(w)->quarantined_count, 1);
	assert_int_equal(said(w)->quarantined[0].seq, 2);
	assert_string_equal(said(w)->quarantined[0].reason, "not_json");
	assert_string_equal(world_text(w, "SELECT CAST(line AS TEXT) FROM quarantine"),
	                    "{\"event\":");
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 2);
	store_send(s, 2, 2);
	assert_int_equal(said(w)->quarantined_count, 1);
	assert_int_equal(said(w)->forked_count, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM quarantine"), 1);
	store_free(s);
}

static void a_line_that_names_another_place_is_quarantined(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *other = store_new(w, "s2", 1);

	store_raw(s, other->line[1].text);
	store_send(s, 1, 2);
	assert_string_equal(said(w)->quarantined[0].reason, "wrong_message_id");
	assert_int_equal(said(w)->through, 2);
	store_free(s);
	store_free(other);
}

static void a_payload_that_cannot_be_read_is_named_by_its_hash_and_kept(void **state)
{
	struct world *w = *state;
	uint8_t sha[EVENT_HASH_BYTES];

	world_up(w, "s1", "garbage", 7);
	vault_sha256(w->work, "garbage", 7, sha);
	assert_int_equal(w->confirms, 1);
	assert_int_equal(w->confirm[0].epoch_count, 0);
	assert_int_equal(w->confirm[0].unreadable_count, 1);
	assert_memory_equal(w->confirm[0].unreadable[0], sha, sizeof sha);
	assert_string_equal(world_text(w, "SELECT CAST(payload AS TEXT) FROM unreadable"),
	                    "garbage");
}

static void a_payload_whose_h_does_not_verify_is_not_held(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};

	store_chatter(s, 1);
	store_batch_of(s, 1, 2, true, &payload);
	payload.data[64] ^= 1;
	world_up(w, "s1", payload.data, payload.len);
	assert_int_equal(w->confirm[0].unreadable_count, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 0);
	payload.data[64] ^= 1;
	world_up(w, "s1", payload.data, payload.len);
	assert_int_equal(said(w)->through, 2);
	buf_free(&payload);
	store_free(s);
}

static void only_the_newest_thousand_unreadable_payloads_are_kept(void **state)
{
	struct world *w = *state;
	char payload[16];

	for (int i = 0; i < 1010; i += 10) {
		assert_int_equal(hq_ingest_begin(w->ingest), 0);
		for (int k = i; k < i + 10; k++) {
			snprintf(payload, sizeof payload, "bad %d", k);
			hq_ingest_up(w->ingest, "s1", (uint8_t *)payload, strlen(payload));
		}
		assert_int_equal(hq_ingest_commit(w->ingest), 0);
		w->confirms = 0;
		hq_ingest_confirm(w->ingest, world_note, w);
		assert_int_equal(w->confirms, 2); /* eight hashes fit into one */
	}
	assert_int_equal(world_number(w, "SELECT count(*) FROM unreadable"), 1000);
	assert_int_equal(
	    world_number(w, "SELECT count(*) FROM unreadable WHERE payload = x'6261642031303039'"),
	    1);
}

static void a_round_that_cannot_be_written_confirms_nothing(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};

	store_batch_of(s, 1, 1, true, &payload);
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	sqlite3_exec(hq_db_handle(w->db), "PRAGMA query_only = 1", NULL, NULL, NULL);
	hq_ingest_up(w->ingest, "s1", payload.data, payload.len);
	assert_int_equal(hq_ingest_commit(w->ingest), -1);
	sqlite3_exec(hq_db_handle(w->db), "PRAGMA query_only = 0", NULL, NULL, NULL);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	assert_int_equal(w->confirms, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 0);
	world_up(w, "s1", payload.data, payload.len);
	assert_int_equal(said(w)->through, 1);
	buf_free(&payload);
	store_free(s);
}

static void one_line_that_cannot_be_written_undoes_its_whole_round(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};

	store_chatter(s, 2);
	store_batch_of(s, 1, 3, true, &payload);
	sqlite3_exec(hq_db_handle(w->db),
	             "CREATE TEMP TRIGGER t BEFORE INSERT ON event WHEN NEW.seq = 2"
	             " BEGIN SELECT RAISE(FAIL, 'no room'); END",
	             NULL, NULL, NULL);
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	hq_ingest_up(w->ingest, "s1", payload.data, payload.len);
	assert_int_equal(hq_ingest_commit(w->ingest), -1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM run"), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	assert_int_equal(w->confirms, 0);
	buf_free(&payload);
	store_free(s);
}

static void one_round_confirms_several_stores_and_many_epochs(void **state)
{
	struct world *w = *state;
	struct buf payload = {0};
	int epochs = 0;

	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	for (int i = 0; i < 40; i++) {
		struct store *s = store_new(w, i % 40 == 39 ? "s2" : "s1", (uint8_t)(i + 1));
		buf_reset(&payload);
		store_batch_of(s, 1, 1, true, &payload);
		hq_ingest_up(w->ingest, s->name, payload.data, payload.len);
		store_free(s);
	}
	assert_int_equal(hq_ingest_commit(w->ingest), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	assert_int_equal(w->confirms, 3);
	for (int i = 0; i < w->confirms; i++)
		epochs += w->confirm[i].epoch_count;
	assert_int_equal(epochs, 40);
	buf_free(&payload);
}

static void visit_keys_are_kept_wrapped(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	uint8_t key[VAULT_KEY_BYTES];

	store_say(s,
	          &(struct said){.event = "Identifier Presented", .person = "{\"value\":\"x\"}"});
	store_send(s, 1, 2);
	assert_int_equal(hq_fold_key(w->db, w->keys, w->work, s->line[2].key.id, key), 1);
	assert_memory_equal(key, s->line[2].key.key, VAULT_KEY_BYTES);
	assert_int_equal(world_number(w, "SELECT length(wrapped) FROM visit_key"),
	                 VAULT_WRAP_BYTES);
	store_send(s, 1, 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM visit_key"), 1);
	store_free(s);
}

static void two_successors_of_one_epoch_raise_an_alarm(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b = store_after(w, "s1", 2, a),
	             *c = store_after(w, "s1", 3, a);

	store_send(b, 1, 1);
	store_send(a, 1, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm"), 0);
	store_send(c, 1, 1);
	assert_string_equal(world_text(w, "SELECT kind FROM alarm"), "two_successors");
	assert_int_equal(said(w)->through, 1);
	store_free(a);
	store_free(b);
	store_free(c);
}

static void a_successor_that_ends_below_what_is_held_raises_an_alarm(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b;

	store_chatter(a, 2);
	b = store_after(w, "s1", 2, a);
	store_chatter(a, 1);
	store_send(b, 1, 1);
	store_send(a, 1, 3);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm"), 0);
	store_send(a, 4, 4);
	assert_string_equal(world_text(w, "SELECT kind FROM alarm"), "successor_below");
	store_free(a);
	store_free(b);
}

static void a_successor_that_names_another_h_raises_an_alarm(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b;
	uint8_t keep;

	store_chatter(a, 1);
	keep = a->line[2].h[0];
	a->line[2].h[0] ^= 1;
	b = store_after(w, "s1", 2, a);
	a->line[2].h[0] = keep;
	store_send(a, 1, 2);
	store_send(b, 1, 1);
	assert_string_equal(world_text(w, "SELECT kind FROM alarm"), "successor_hash");
	store_free(a);
	store_free(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_batch_is_held_and_confirmed_through_its_last_seq),
	    TEST(the_line_is_kept_byte_for_byte_with_its_leaf),
	    TEST(the_same_batch_twice_is_held_once_and_confirmed_twice),
	    TEST(a_gap_is_told_as_a_range_until_it_closes),
	    TEST(what_was_held_is_still_held_after_a_restart),
	    TEST(a_fork_with_its_tail_is_kept_raw_and_never_confirmed),
	    TEST(a_tail_that_does_not_join_what_is_held_is_a_fork),
	    TEST(through_never_goes_over_a_join_that_does_not_fit),
	    TEST(a_line_that_is_not_json_is_quarantined_and_counts_as_confirmed),
	    TEST(a_line_that_names_another_place_is_quarantined),
	    TEST(a_payload_that_cannot_be_read_is_named_by_its_hash_and_kept),
	    TEST(a_payload_whose_h_does_not_verify_is_not_held),
	    TEST(only_the_newest_thousand_unreadable_payloads_are_kept),
	    TEST(a_round_that_cannot_be_written_confirms_nothing),
	    TEST(one_line_that_cannot_be_written_undoes_its_whole_round),
	    TEST(one_round_confirms_several_stores_and_many_epochs),
	    TEST(visit_keys_are_kept_wrapped),
	    TEST(two_successors_of_one_epoch_raise_an_alarm),
	    TEST(a_successor_that_ends_below_what_is_held_raises_an_alarm),
	    TEST(a_successor_that_names_another_h_raises_an_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
