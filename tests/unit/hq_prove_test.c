/* A day is proven when all of it is here, unchanged and counted; each way in which it is not. */
#include "hq_day_world.h"

#include "hq/tell/hq_tell.h"

static void a_day_that_is_all_here_is_proven(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	const json_t *s = part(d, "statements", 0);
	assert_int_equal(json_integer_value(json_object_get(d->proof, "received")), 12);
	assert_int_equal(json_integer_value(json_object_get(d->proof, "stated")), 12);
	assert_true(json_is_true(json_object_get(s, "signed")));
	assert_int_equal(json_array_size(json_object_get(s, "versions")), 1);
	const json_t *capture = json_object_get(d->proof, "capture");
	assert_int_equal(json_integer_value(json_object_get(capture, "counted")), 4);
	assert_int_equal(json_integer_value(json_object_get(capture, "received")), 4);
	assert_string_equal(world_text(d->w, "SELECT state FROM statement"), "countersigned");
}

static void a_day_of_which_events_are_missing_is_incomplete_and_then_complete(void **state)
{
	struct day_world *d = *state;
	sold(d);
	store_send(d->s, 1, 4);
	store_send(d->s, 8, d->s->seq);
	sign_all(d);
	assert_false(prove(d, DAY));
	assert_string_equal(reasons(d),
	                    "3 events of d1 are missing; HQ has not countersigned d1's "
	                    "statement; till T3 counted other sales than were received");
	assert_string_equal(world_text(d->w, "SELECT state FROM statement"), "incomplete");
	assert_int_equal(world_number(d->w, "SELECT missing FROM statement"), 3);
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 0);
	const json_t *missing = json_array_get(
	    json_object_get(json_object_get(part(d, "statements", 0), "findings"), "missing"), 0);
	assert_int_equal(json_integer_value(json_object_get(missing, "from")), 5);
	assert_int_equal(json_integer_value(json_object_get(missing, "to")), 7);
	store_send(d->s, 5, 7);
	sign_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
}

static void a_statement_of_another_key_is_not_countersigned(void **state)
{
	struct day_world *d = *state;
	uint8_t right = d->device.priv[0];
	d->device.priv[0] ^= 1;
	sold(d);
	d->device.priv[0] = right;
	send_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "the signature is not that of device d1"));
	assert_string_equal(world_text(d->w, "SELECT state FROM statement"), "disputed");
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 0);
}

static void a_device_cannot_speak_for_another(void **state)
{
	struct day_world *d = *state;
	d->s->device = "d2"; /* the folder of d2 holds another key */
	struct key_pair own = d->device;
	d->device = key_pair(EVP_PKEY_ED25519, 78);
	day_device(d, "d2");
	d->device = own;
	sold(d);
	send_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "the signature is not that of device d2"));
}

static void a_store_that_counts_wrong_is_not_countersigned(void **state)
{
	struct day_world *d = *state;
	store_chatter(d->s, 2);
	struct statement *st = new_statement(d->s, DAY, DAY);
	count_journal(st, d->s, 1, d->s->seq);
	statement_count(&st->counts, "Order Completed", strlen("Order Completed"));
	say_statement(d, d->s, st);
	send_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "d1 counted other events than HQ"));
	assert_string_equal(world_text(d->w, "SELECT state FROM statement"), "disputed");
}

static void a_day_that_was_not_closed_is_not_proven(void **state)
{
	struct day_world *d = *state;
	store_chatter(d->s, 2);
	send_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "has not closed this day"));
}

static void every_day_that_a_statement_spans_is_proven_by_it(void **state)
{
	struct day_world *d = *state;
	store_chatter(d->s, 2);
	struct statement *st = new_statement(d->s, "2026-11-19", DAY);
	count_journal(st, d->s, 1, d->s->seq);
	say_statement(d, d->s, st);
	send_all(d);
	assert_true(prove(d, "2026-11-19"));
	assert_true(prove(d, "2026-11-20"));
	assert_true(prove(d, DAY));
	assert_false(prove(d, "2026-11-18"));
	assert_false(prove(d, "2026-11-22"));
}

static void two_epochs_and_two_devices_are_one_day(void **state)
{
	struct day_world *d = *state;
	store_chatter(d->s, 2);
	struct store *next = store_after(d->w, "s1", 2, d->s), *other = store_new(d->w, "s1", 9);
	order(next, "T3", "0001", "1.00");
	struct statement *st = new_statement(next, DAY, DAY);
	count_journal(st, d->s, 1, d->s->seq);
	count_journal(st, next, 1, next->seq);
	say_statement(d, next, st);
	other->device = "d2";
	day_device(d, "d2");
	order(other, "T4", "0001", "2.00");
	st = new_statement(other, DAY, DAY);
	count_journal(st, other, 1, other->seq);
	say_statement(d, other, st);
	store_send(other, 1, other->seq);
	store_send(next, 1, next->seq);
	sign_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "3 events of d1 are missing"));
	store_send(d->s, 1, d->s->seq);
	sign_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	assert_int_equal(json_array_size(json_object_get(d->proof, "statements")), 2);
	assert_int_equal(json_array_size(json_object_get(d->proof, "tills")), 2);
	assert_int_equal(json_integer_value(json_object_get(part(d, "tills", 0), "late")), 0);
	store_free(next);
	store_free(other);
}

/* ---- versions ---- */

static const char *reason(struct day_world *d, int n)
{
	char sql[160];
	snprintf(sql, sizeof sql,
	         "SELECT json_extract(CAST(doc AS TEXT), '$.reason') FROM countersign"
	         " WHERE version = %d",
	         n);
	return world_text(d->w, sql);
}

/* A version's bytes; released by the caller. */
static json_t *version(struct day_world *d, int n)
{
	sqlite3_stmt *q;
	assert_int_equal(sqlite3_prepare_v2(hq_db_handle(d->w->db),
	                                    "SELECT doc FROM countersign WHERE version = ?1", -1,
	                                    &q, NULL),
	                 SQLITE_OK);
	sqlite3_bind_int(q, 1, n);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	json_t *bytes = json_stringn(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0));
	sqlite3_finalize(q);
	return bytes;
}

static void a_late_receipt_makes_another_version_and_leaves_the_first(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	json_t *first = version(d, 1), *still;
	uint64_t from = d->s->seq + 1;
	order(d->s, "T3", "0044", "1.00"); /* of the closed day, after its statement */
	store_send(d->s, from, d->s->seq);
	sign_all(d);
	still = version(d, 1);
	assert_true(json_equal(first, still));
	json_decref(first);
	json_decref(still);
	assert_string_equal(reason(d, 2), "late");
	assert_false(prove(d, DAY)); /* the till had counted three */
	assert_string_equal(reasons(d), "till T3 counted other sales than were received");
	assert_int_equal(json_integer_value(json_object_get(part(d, "tills", 0), "late")), 1);
	sign_all(d);
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 2);
}

static void what_hq_has_not_countersigned_anew_is_not_proven(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	assert_int_equal(hq_day_erase_key(d->w->db, d->s->line[5].key.id, 1), 0);
	assert_false(prove(d, DAY)); /* HQ was stopped before it looked at the day again */
	assert_non_null(strstr(reasons(d), "a new version follows"));
	sign_all(d);
	assert_true(prove(d, DAY));
}

/* As the store's ask leaves it: it holds this version of the statement, from this generation. */
static void store_holds(struct day_world *d, int version, const char *generation)
{
	struct hq_tell *t = hq_tell_new(d->w->db, d->w->keys, &d->w->clock);
	struct key_pair box = key_pair(EVP_PKEY_X25519, 3);
	struct buf out = {0};
	char ask[300], epoch[EVENT_EPOCH_SIZE];
	text_hex(d->s->epoch, EVENT_EPOCH_BYTES, epoch);
	world_write_public(d->w, "stores/s1/d1/device-box.pub", EVP_PKEY_X25519, box.pub);
	snprintf(ask, sizeof ask,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0000000000000001\",\"ask\":\"statement\","
	         "\"generation\":\"%s\",\"since\":0,\"versions\":[[\"%s\",%d,%d]]}",
	         generation, epoch, (int)d->covered, version);
	assert_int_equal(hq_tell_answer(t, "s1", ask, strlen(ask), &out), 0);
	buf_free(&out);
	hq_tell_free(t);
	sign_all(d);
}

static void a_restored_hq_does_not_give_a_version_twice(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);                           /* version 1 of this life */
	store_holds(d, 2, "00000000000000ff"); /* the store has two of another one */
	assert_string_equal(reason(d, 3), "restored");
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 2);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	store_holds(d, 2, "00000000000000ff");
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 2);
}

static void a_version_that_both_hold_is_the_same_one(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	store_holds(d, 1, hq_db_generation(d->w->db));
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 1);
	run_sql(d, "DROP TRIGGER countersign_stays");
	run_sql(d, "DROP TRIGGER countersign_remains");
	run_sql(d, "UPDATE countersign SET version = 3");
	assert_false(prove(d, DAY)); /* numbers are left out by a restored HQ only */
}

static void a_version_can_be_neither_changed_nor_taken_away(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	sqlite3 *db = hq_db_handle(d->w->db);
	assert_int_not_equal(
	    sqlite3_exec(db, "UPDATE countersign SET doc = x'00'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM countersign", NULL, NULL, NULL),
	                     SQLITE_OK);
}

/* What a restored database looks like. */
static void lose(struct day_world *d, uint64_t seq)
{
	char sql[600], h[2][TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
	text_hex(d->s->line[seq - 1].h, EVENT_HASH_BYTES, h[0]);
	text_hex(d->s->line[seq].h, EVENT_HASH_BYTES, h[1]);
	snprintf(sql, sizeof sql,
	         "INSERT INTO run SELECT epoch, %d, last, x'%s', h_last FROM run;"
	         "UPDATE run SET last = %d, h_last = x'%s' WHERE first = 1;"
	         "DELETE FROM event WHERE seq = %d",
	         (int)seq + 1, h[1], (int)seq - 1, h[0], (int)seq);
	run_sql(d, sql);
}

static void events_that_hq_lost_make_a_version_that_says_so(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	lose(d, 6);
	run_sql(d, "UPDATE epoch SET gone = 9; UPDATE statement SET due = due + 1");
	sign_all(d);
	assert_non_null(strstr(reason(d, 2), "lost_at_hq"));
	assert_string_equal(world_text(d->w, "SELECT state FROM statement"), "lost");
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "1 events of d1 are lost at HQ"));
}

static void a_line_in_quarantine_is_received_and_named(void **state)
{
	struct day_world *d = *state;
	store_chatter(d->s, 1);
	store_raw(d->s, "{\"event\":\"Device Connected\"}");
	close_day(d);
	send_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	const json_t *f = json_object_get(part(d, "statements", 0), "findings");
	const json_t *q = json_array_get(json_object_get(f, "quarantined"), 0);
	assert_int_equal(json_integer_value(json_object_get(q, "from")), 3);
	assert_string_equal(json_string_value(json_object_get(q, "why")), "no_envelope");
	assert_int_equal(json_integer_value(json_object_get(f, "received")), 3);
}

/* An event of which only the payload of its batch could be kept: the chain goes on behind it. */
static void an_event_that_is_kept_as_its_payload_is_received_and_named(void **state)
{
	struct day_world *d = *state;
	char sql[900], h[2][TEXT_HEX_SIZE(EVENT_HASH_BYTES)], leaf[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
	uint8_t own[EVENT_HASH_BYTES];
	sold(d);
	send_all(d);
	vault_sha256(d->w->work, "payload", 7, own);
	text_hex(own, sizeof own, leaf);
	text_hex(d->s->line[2].h, EVENT_HASH_BYTES, h[0]);
	text_hex(d->s->line[3].h, EVENT_HASH_BYTES, h[1]);
	snprintf(
	    sql, sizeof sql,
	    "DELETE FROM event WHERE seq = 3;"
	    "INSERT INTO quarantine(epoch, seq, leaf, line, reason, h_prev, h_last) SELECT id, 3,"
	    " x'%s', CAST('payload' AS BLOB), 'unreadable', x'%s', x'%s' FROM epoch;"
	    "UPDATE statement SET due = due + 1",
	    leaf, h[0], h[1]);
	run_sql(d, sql);
	sign_all(d);
	assert_non_null(strstr(reason(d, 2), "quarantine"));
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	run_sql(d, "UPDATE quarantine SET h_prev = zeroblob(32)");
	assert_false(prove(d, DAY));
	snprintf(sql, sizeof sql, "UPDATE quarantine SET h_prev = x'%s'", h[0]);
	run_sql(d, sql);
	assert_true(prove(d, DAY));
	run_sql(d, "UPDATE quarantine SET h_last = h_prev");
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "do not lead to the h that is signed"));
}

static void a_second_history_is_named_and_makes_a_version(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	struct store *clone = store_new(d->w, "s1", 1);
	store_chatter(clone, 2);
	order(clone, "T3", "0099", "9.00");
	store_send(clone, 1, clone->seq);
	sign_all(d);
	assert_string_equal(reason(d, 2), "forked");
	assert_true(
	    prove(d, DAY)); /* what was stated is here; the other branch is kept beside it */
	const json_t *f = json_object_get(part(d, "statements", 0), "findings");
	assert_int_equal(json_array_size(json_object_get(f, "forked")), 1);
	store_free(clone);
}

/* ---- people who were erased ---- */

static void a_day_with_an_erased_person_is_proven_and_counts_them(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	const uint8_t *id = d->s->line[5].key.id;
	assert_int_equal(hq_day_erase_key(d->w->db, id, 1), 0);
	sign_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	assert_int_equal(json_integer_value(json_object_get(d->proof, "erased")), 1);
	assert_string_equal(reason(d, 2), "erased");
}

static void a_late_batch_does_not_bring_an_erased_key_back(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	assert_int_equal(hq_day_erase_key(d->w->db, d->s->line[5].key.id, 1), 0);
	send_all(d);
	assert_true(prove(d, DAY));
	assert_int_equal(json_integer_value(json_object_get(d->proof, "erased")), 1);
}

static void an_erased_key_that_still_opens_a_line_is_found(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	run_sql(d, "INSERT INTO erased_key SELECT id, 1 FROM visit_key LIMIT 1");
	sign_all(d);
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "a key that was destroyed still opens it"));
}

static void a_key_that_is_gone_without_being_erased_is_found(void **state)
{
	struct day_world *d = *state;
	sold(d);
	send_all(d);
	run_sql(d, "DELETE FROM visit_key");
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "its key is missing and was not destroyed"));
}

/* ---- reads that fail ---- */

static int interrupt(void *left)
{
	return --*(int *)left == 0;
}

/* The database breaks off at its n-th step: what is said of the day then. false: it never got so
 * far. */
static bool prove_broken_off(struct day_world *d, int n, json_t **proof, char err[300])
{
	sqlite3 *db = hq_db_handle(d->w->db);
	int left = n;
	sqlite3_progress_handler(db, 1, interrupt, &left);
	*proof = hq_prove_day(db, d->w->keys, "s1", DAY, err, 300);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	if (!sqlite3_get_autocommit(db))
		run_sql(d, "ROLLBACK");
	return left <= 0;
}

static void a_read_that_fails_is_said_and_accuses_nobody(void **state)
{
	struct day_world *d = *state;
	char err[300] = "";
	json_t *proof;
	int n = 1, failed = 0;
	sold(d);
	send_all(d);
	assert_int_equal(hq_day_erase_key(d->w->db, d->s->line[5].key.id, 1), 0);
	send_all(d);
	assert_true(prove(d, DAY));
	for (; prove_broken_off(d, n, &proof, err); n += 1 + n / 100) {
		if (!proof)
			assert_string_equal(err, "the database cannot be read");
		else if (!json_is_true(json_object_get(proof, "proven")))
			fail_msg("step %d failed, and the day is blamed", n);
		failed += !proof;
		json_decref(proof);
	}
	json_decref(proof);
	assert_true(failed > 50);
}

#define DAY_TEST(name) cmocka_unit_test_setup_teardown(name, day_set_up, day_tear_down)

static void opened(struct store *s, const char *date)
{
	store_say(s, &(struct said){.event = "Basket Opened", .till = "T3", .date = date});
}

/* An old epoch's tail comes back from a damaged file when its day is closed: no later range of it
 * will ever say that it is there. */
static void what_no_statement_covers_is_named_with_its_day(void **state)
{
	struct day_world *d = *state;
	struct store *back = store_new(d->w, "s1", 9);
	sold(d);
	send_all(d);
	assert_true(prove(d, DAY));
	assert_int_equal(json_integer_value(json_object_get(d->proof, "uncovered_events")), 0);
	for (int i = 0; i < 4; i++)
		opened(back, i == 2 ? "2026-11-19" : DAY);
	store_send(back, 1, back->seq);
	opened(d->s, DAY);
	opened(d->s, "2026-11-22");
	store_send(d->s, d->s->seq - 1, d->s->seq);
	sign_all(d);
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	assert_int_equal(json_integer_value(json_object_get(d->proof, "uncovered_events")), 4);
	char *list = json_dumps(json_object_get(d->proof, "uncovered"), JSON_COMPACT);
	assert_non_null(strstr(list, "{\"epoch\":\"0909090909090909\",\"from\":2,\"to\":3}"));
	assert_non_null(strstr(list, "{\"epoch\":\"0909090909090909\",\"from\":5,\"to\":5}"));
	assert_int_equal(json_array_size(json_object_get(d->proof, "uncovered")), 3);
	free(list);
	store_free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DAY_TEST(what_no_statement_covers_is_named_with_its_day),
	    DAY_TEST(a_day_that_is_all_here_is_proven),
	    DAY_TEST(a_day_of_which_events_are_missing_is_incomplete_and_then_complete),
	    DAY_TEST(a_statement_of_another_key_is_not_countersigned),
	    DAY_TEST(a_device_cannot_speak_for_another),
	    DAY_TEST(a_store_that_counts_wrong_is_not_countersigned),
	    DAY_TEST(a_day_that_was_not_closed_is_not_proven),
	    DAY_TEST(every_day_that_a_statement_spans_is_proven_by_it),
	    DAY_TEST(two_epochs_and_two_devices_are_one_day),
	    DAY_TEST(a_late_receipt_makes_another_version_and_leaves_the_first),
	    DAY_TEST(what_hq_has_not_countersigned_anew_is_not_proven),
	    DAY_TEST(a_restored_hq_does_not_give_a_version_twice),
	    DAY_TEST(a_version_that_both_hold_is_the_same_one),
	    DAY_TEST(a_version_can_be_neither_changed_nor_taken_away),
	    DAY_TEST(events_that_hq_lost_make_a_version_that_says_so),
	    DAY_TEST(a_line_in_quarantine_is_received_and_named),
	    DAY_TEST(an_event_that_is_kept_as_its_payload_is_received_and_named),
	    DAY_TEST(a_second_history_is_named_and_makes_a_version),
	    DAY_TEST(a_day_with_an_erased_person_is_proven_and_counts_them),
	    DAY_TEST(a_late_batch_does_not_bring_an_erased_key_back),
	    DAY_TEST(an_erased_key_that_still_opens_a_line_is_found),
	    DAY_TEST(a_key_that_is_gone_without_being_erased_is_found),
	    DAY_TEST(a_read_that_fails_is_said_and_accuses_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
