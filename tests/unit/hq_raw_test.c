/* What a person at HQ sees of forks, quarantine, restores and losses, and what he or she can do. */
#include "hq_world.h"

#include <jansson.h>

#include "hq/intake/hq_raw.h"
#include "hq/intake/hq_retry.h"
#include "hq/serve/hq_act.h"
#include "hq/serve/hq_status.h"

static struct store *twin(struct world *w)
{
	w->wall_us = WORLD_WALL_US;
	struct store *s = store_new(w, "s1", 1);
	store_chatter(s, 2);
	return s;
}

static void say(struct store *s, int n, int64_t later_us)
{
	s->world->wall_us = WORLD_WALL_US + later_us;
	store_chatter(s, n);
}

static int64_t number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static json_t *item(json_t *o, const char *key, size_t i)
{
	json_t *list = json_object_get(o, key);
	assert_true(json_array_size(list) > i);
	return json_array_get(list, i);
}

static void text_is(json_t *o, const char *key, const char *want)
{
	assert_string_equal(json_string_value(json_object_get(o, key)), want);
}

static json_t *act(struct world *w, const char *action, const char *store, const char *epoch)
{
	const struct hq_act what = {w->db, w->keys, w->wall_us};
	char err[200] = "";
	json_t *answer = hq_act_do(&what, action, store, epoch, err, sizeof err);
	if (!answer)
		assert_int_not_equal(err[0], '\0');
	return answer;
}

static void forks_are_shown_as_runs_with_both_lines_and_can_be_settled(void **state)
{
	struct world *w = *state;
	struct store *a = twin(w), *b = twin(w);
	char err[200], where[40];
	json_t *o;

	say(a, 10, 1000);
	say(b, 15, 5000);
	store_send(a, 1, a->seq);
	store_send(b, 1, b->seq);
	o = hq_raw_forks(hq_db_handle(w->db), "s1");
	assert_int_equal(number(o, "forked"), 15);
	assert_int_equal(number(o, "open"), 15);
	assert_int_equal(json_array_size(json_object_get(o, "runs")), 2);
	text_is(item(o, "runs", 0), "reason", "chain");
	assert_int_equal(number(item(o, "runs", 0), "first"), a->seq + 1);
	assert_int_equal(number(item(o, "runs", 0), "last"), b->seq);
	text_is(item(o, "runs", 1), "reason", "other_leaf");
	assert_int_equal(number(item(o, "runs", 1), "first"), 4);
	text_is(item(o, "runs", 1), "device", "d1");
	json_decref(o);
	o = hq_raw_forks(hq_db_handle(w->db), "s2");
	assert_int_equal(number(o, "forked"), 0);
	json_decref(o);
	snprintf(where, sizeof where, "0101010101010101:5");
	o = hq_raw_one(hq_db_handle(w->db), where, err, sizeof err);
	text_is(item(o, "held", 0), "what", "held");
	text_is(item(o, "held", 0), "line", a->line[5].text);
	text_is(item(o, "held", 1), "what", "forked");
	text_is(item(o, "held", 1), "line", b->line[5].text);
	json_decref(o);
	o = act(w, "settle", "s1", "0101010101010101");
	assert_int_equal(number(o, "settled"), 15);
	json_decref(o);
	o = hq_raw_forks(hq_db_handle(w->db), NULL);
	assert_int_equal(number(o, "forked"), 15); /* kept for ever */
	assert_int_equal(number(o, "open"), 0);
	json_decref(o);
	assert_null(act(w, "settle", "s1", "ffffffffffffffff"));
	assert_null(act(w, "settle", "nowhere", "0101010101010101"));
	assert_null(act(w, "settle", "s1", "01"));
	assert_null(act(w, "explode", NULL, NULL));
	store_free(a);
	store_free(b);
}

static void branches_are_shown_with_what_the_box_did_not_know(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b, *c, *next;
	json_t *o;

	store_chatter(a, 4);
	b = store_after(w, "s1", 2, a); /* the box as it was at its backup */
	store_chatter(a, 30);
	store_send(a, 1, a->seq);
	o = hq_raw_forks(hq_db_handle(w->db), NULL);
	assert_int_equal(json_array_size(json_object_get(o, "branches")), 0);
	json_decref(o);
	store_send(b, 1, 1);
	o = hq_raw_forks(hq_db_handle(w->db), NULL);
	assert_int_equal(json_array_size(json_object_get(o, "branches")), 1);
	assert_int_equal(number(item(o, "branches", 0), "after"), 5);
	assert_int_equal(number(item(o, "branches", 0), "held"), 35);
	assert_int_equal(number(item(o, "branches", 0), "successors"), 1);
	json_decref(o);
	c = store_after(w, "s1", 3, a);
	store_send(c, 1, 1);
	next = store_after(w, "s1", 4, c);
	store_send(next, 1, 1);
	o = hq_raw_forks(hq_db_handle(w->db), NULL);
	assert_int_equal(json_array_size(json_object_get(o, "branches")), 2);
	assert_int_equal(number(item(o, "branches", 1), "successors"), 2);
	json_decref(o);
	store_free(a);
	store_free(b);
	store_free(c);
	store_free(next);
}

static void what_is_lost_is_listed_between_and_behind_what_is_held(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	json_t *list;
	char got[200] = "";
	static const char *const sql[] = {
	    "INSERT INTO epoch(store, epoch, gone) VALUES(1, x'0909090909090909', 7)",
	    "UPDATE epoch SET gone = 16 WHERE id = 1",
	};

	store_chatter(s, 19);
	store_send(s, 4, 6);
	store_send(s, 10, 12);
	store_send(s, 18, 20);
	list = hq_raw_lost(hq_db_handle(w->db), NULL);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(sqlite3_exec(hq_db_handle(w->db), sql[i], NULL, NULL, NULL),
		                 SQLITE_OK);
	list = hq_raw_lost(hq_db_handle(w->db), "s1");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);
		snprintf(got + strlen(got), sizeof got - strlen(got), "%d-%d ",
		         (int)number(o, "first"), (int)number(o, "last"));
	}
	assert_string_equal(got, "1-3 7-9 13-16 1-7 ");
	json_decref(list);
	store_free(s);
}

/* ---- quarantine ---- */

/* A line that this release reads, made unreadable and quarantined as an older decoder would have.
 */
static void quarantine_as_an_older_release(struct world *w, const char *reason)
{
	char sql[300];

	snprintf(sql, sizeof sql,
	         "INSERT INTO quarantine(epoch, seq, leaf, line, reason, arrived_us) SELECT epoch,"
	         " seq, leaf, line, '%s', 7 FROM event WHERE seq = 3;"
	         "DELETE FROM event WHERE seq = 3",
	         reason);
	assert_int_equal(sqlite3_exec(hq_db_handle(w->db), sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_new_decoder_takes_lines_out_of_the_quarantine_unchanged(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *other = store_new(w, "s2", 2);
	json_t *o;

	store_say(s,
	          &(struct said){.event = "Basket Opened", .properties = "{\"basket_id\":\"B\"}"});
	store_say(s, &(struct said){.event = "Order Completed",
	                            .visit = "V",
	                            .properties = "{\"cart_id\":\"B\",\"currency\":\"EUR\","
	                                          "\"order_id\":\"s1/T1/2026-11-21/1\","
	                                          "\"products\":[],\"total\":\"5.00\"}"});
	store_raw(s, "{\"event\":");
	store_send(s, 1, 4);
	store_raw(other, "nonsense");
	store_send(other, 1, 2);
	quarantine_as_an_older_release(w, "not_json");
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM sale"), 0);
	o = hq_raw_quarantine(hq_db_handle(w->db), "s1");
	assert_int_equal(number(o, "quarantined"), 2);
	assert_int_equal(json_array_size(json_object_get(o, "runs")), 1);
	assert_int_equal(number(item(o, "runs", 0), "first"), 3);
	assert_int_equal(number(item(o, "runs", 0), "last"), 4);
	json_decref(o);
	o = act(w, "retry", "s1", NULL);
	assert_int_equal(number(o, "tried"), 2);
	assert_int_equal(number(o, "read"), 1);
	json_decref(o);
	assert_string_equal(world_text(w, "SELECT CAST(line AS TEXT) FROM event WHERE seq = 3"),
	                    s->line[3].text);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT amount FROM sale"), 500);
	o = act(w, "retry", NULL, NULL);
	assert_int_equal(number(o, "tried"), 2);
	assert_int_equal(number(o, "read"), 0);
	json_decref(o);
	store_send(s, 1, 4); /* and what comes again is the same event */
	assert_int_equal(world_number(w, "SELECT count(*) FROM fork"), 0);
	store_free(s);
	store_free(other);
}

static void an_event_kept_as_its_payload_is_read_when_the_decoder_can(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};
	uint8_t sha[32];
	json_t *o;
	sqlite3_stmt *q = NULL;

	store_chatter(s, 1);
	store_say(s,
	          &(struct said){.event = "Identifier Presented", .person = "{\"value\":\"x\"}"});
	store_send(s, 1, 2);
	store_batch_of(s, 3, 3, true, &payload);
	vault_sha256(w->work, payload.data, payload.len, sha);
	/* What an older release could not read. */
	assert_int_equal(
	    sqlite3_prepare_v2(hq_db_handle(w->db),
	                       "INSERT INTO quarantine(epoch, seq, leaf, line, reason, arrived_us,"
	                       " h_prev, h_last) VALUES(1, 3, ?1, ?2, 'unreadable', 7, ?3, ?4)",
	                       -1, &q, NULL),
	    SQLITE_OK);
	sqlite3_bind_blob(q, 1, sha, 32, SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, payload.data, (int)payload.len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, s->line[1].h, 32, SQLITE_STATIC); /* stands elsewhere */
	sqlite3_bind_blob(q, 4, s->line[3].h, 32, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	o = act(w, "retry", NULL, NULL);
	assert_int_equal(number(o, "read"), 0);
	json_decref(o);
	assert_int_equal(sqlite3_prepare_v2(hq_db_handle(w->db),
	                                    "UPDATE quarantine SET h_prev = ?1", -1, &q, NULL),
	                 SQLITE_OK);
	sqlite3_bind_blob(q, 1, s->line[2].h, 32, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	o = act(w, "retry", NULL, NULL);
	assert_int_equal(number(o, "read"), 1);
	json_decref(o);
	assert_string_equal(world_text(w, "SELECT CAST(line AS TEXT) FROM event WHERE seq = 3"),
	                    s->line[3].text);
	assert_int_equal(world_number(w, "SELECT count(*) FROM visit_key"), 1);
	buf_free(&payload);
	store_free(s);
}

static void claims_are_read(struct world *w, struct batch_form form)
{
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};
	json_t *o, *u;
	char err[200];

	s->form = form;
	store_chatter(s, 4);
	store_batch_of(s, 1, 5, true, &payload);
	payload.data[payload.len - 2] ^= 1;
	world_up(w, "s1", payload.data, payload.len);
	o = hq_raw_quarantine(hq_db_handle(w->db), NULL);
	u = item(o, "unreadable", 0);
	assert_int_equal(number(json_object_get(u, "claims"), "last"), 5);
	assert_true(json_is_false(json_object_get(json_object_get(u, "claims"), "held")));
	json_decref(o);
	store_send(s, 1, 5);
	o = hq_raw_quarantine(hq_db_handle(w->db), NULL);
	u = item(o, "unreadable", 0);
	assert_true(json_is_true(json_object_get(json_object_get(u, "claims"), "held")));
	json_t *one = hq_raw_one(hq_db_handle(w->db),
	                         json_string_value(json_object_get(u, "sha256")), err, sizeof err);
	assert_non_null(one);
	text_is(item(one, "held", 0), "what", "unreadable");
	json_decref(one);
	json_decref(o);
	assert_null(hq_raw_one(hq_db_handle(w->db), "0101010101010101:77", err, sizeof err));
	assert_null(hq_raw_one(hq_db_handle(w->db), "x:7", err, sizeof err));
	assert_null(hq_raw_one(hq_db_handle(w->db), "", err, sizeof err));
	buf_free(&payload);
	store_free(s);
}

static void an_unreadable_payload_says_what_it_claims_and_whether_that_came(void **state)
{
	claims_are_read(*state, (struct batch_form){0});
}

static void an_unreadable_payload_of_the_newest_version_does_so_too(void **state)
{
	struct batch_accepts ours;

	batch_accepts(&ours);
	claims_are_read(*state, batch_form_best(&ours));
}

static void an_event_that_counts_for_nothing_is_shown_and_tried_again(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	json_t *o;

	store_say(s, &(struct said){.event = "Order Completed",
	                            .properties = "{\"cart_id\":\"B\",\"currency\":\"EUR\","
	                                          "\"order_id\":\"s1/T1/2026-11-21/1\"}"});
	store_send(s, 1, 2);
	world_fold(w);
	o = hq_raw_quarantine(hq_db_handle(w->db), "s1");
	assert_int_equal(number(o, "quarantined"), 0);
	text_is(item(o, "uncounted", 0), "reason", "an order without a total");
	assert_int_equal(number(item(o, "uncounted", 0), "first"), 2);
	json_decref(o);
	o = act(w, "retry", "s1", NULL);
	assert_int_equal(number(o, "again"), 1);
	json_decref(o);
	world_fold(w); /* still the same decoder: it is back on the list */
	assert_int_equal(world_number(w, "SELECT count(*) FROM uncounted WHERE again IS NULL"), 1);
	/* What an older decoder could not use and this one can. */
	sqlite3_exec(hq_db_handle(w->db),
	             "UPDATE event SET line = replace(CAST(line AS TEXT), '\"currency\"',"
	             " '\"total\":\"5.00\",\"currency\"') WHERE seq = 2",
	             NULL, NULL, NULL);
	json_decref(act(w, "retry", NULL, NULL));
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM uncounted"), 0);
	assert_int_equal(world_number(w, "SELECT amount FROM sale"), 500);
	store_free(s);
}

static void a_restore_that_a_person_names_is_in_the_status(void **state)
{
	struct world *w = *state;
	char before[33];
	json_t *o;

	text_copy(before, sizeof before, hq_db_generation(w->db));
	o = act(w, "restored", NULL, NULL);
	assert_string_not_equal(json_string_value(json_object_get(o, "generation")), before);
	json_decref(o);
	o = hq_status_read(hq_db_handle(w->db));
	text_is(item(o, "generations", 0), "cause", "command");
	assert_int_equal(json_array_size(json_object_get(o, "lost")), 0);
	json_decref(o);
}

static int interrupt(void *left)
{
	return --*(int *)left == 0;
}

static json_t *all_forks(sqlite3 *db)
{
	return hq_raw_forks(db, NULL);
}

/* It tells all of the 15 forked events or nothing, wherever reading ends. */
static void tells_all_or_nothing(sqlite3 *db, json_t *(*read)(sqlite3 *db))
{
	int left = 0, failed = 0;

	for (int n = 1; left <= 0; n++) {
		left = n;
		sqlite3_progress_handler(db, 1, interrupt, &left);
		json_t *o = read(db);
		sqlite3_progress_handler(db, 0, NULL, NULL);
		if (o)
			assert_int_equal(number(o, "forked"), 15);
		failed += !o;
		json_decref(o);
	}
	assert_true(failed > 20);
}

static void none_is_not_said_of_what_cannot_be_read(void **state)
{
	struct world *w = *state;
	sqlite3 *db = hq_db_handle(w->db);
	struct store *a = twin(w), *b = twin(w);

	say(a, 10, 1000);
	say(b, 15, 5000);
	store_send(a, 1, a->seq);
	store_send(b, 1, b->seq);
	tells_all_or_nothing(db, all_forks);
	tells_all_or_nothing(db, hq_status_read);
	json_t *o = all_forks(db);
	assert_int_equal(json_array_size(json_object_get(o, "runs")), 2);
	json_decref(o);
	store_free(a);
	store_free(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(forks_are_shown_as_runs_with_both_lines_and_can_be_settled),
	    TEST(none_is_not_said_of_what_cannot_be_read),
	    TEST(branches_are_shown_with_what_the_box_did_not_know),
	    TEST(what_is_lost_is_listed_between_and_behind_what_is_held),
	    TEST(a_new_decoder_takes_lines_out_of_the_quarantine_unchanged),
	    TEST(an_event_kept_as_its_payload_is_read_when_the_decoder_can),
	    TEST(an_unreadable_payload_says_what_it_claims_and_whether_that_came),
	    TEST(an_unreadable_payload_of_the_newest_version_does_so_too),
	    TEST(an_event_that_counts_for_nothing_is_shown_and_tried_again),
	    TEST(a_restore_that_a_person_names_is_in_the_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
