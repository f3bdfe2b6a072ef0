#include "journal_place.h"

#include <jansson.h>
#include <sys/wait.h>

/* The properties of the newest epoch's seq 1. */
static json_t *opened(struct place *p)
{
	struct journal_state s = place_state(p);
	struct journal_run run;
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 1, 1, 4096, &run), 1);
	json_t *line = json_loadb((const char *)run.lines.data, run.lines.len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "event")), "Epoch Opened");
	json_t *properties = json_incref(json_object_get(line, "properties"));
	json_decref(line);
	journal_run_free(&run);
	return properties;
}

static const char *text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void a_new_journal_begins_with_epoch_opened(void **state)
{
	struct place *p = *state;
	place_start(p);
	struct journal_state s = place_state(p);
	assert_false(p->set_aside);
	assert_int_equal(s.last_seq, 1);
	assert_int_equal(s.kept, 1);
	assert_int_equal(s.confirmed, 0);
	assert_true(s.clean);
	assert_false(s.cannot_keep);
	assert_false(s.full);
	assert_true(s.file_bytes > 0);
	json_t *o = opened(p);
	assert_string_equal(text(o, "cause"), "new");
	assert_string_equal(text(o, "device"), "d1");
	assert_true(json_is_null(json_object_get(o, "prev_epoch")));
	assert_int_equal(json_integer_value(json_object_get(o, "prev_last_seq")), 0);
	json_decref(o);
}

static void epoch_opened_is_what_the_catalogue_wants(void **state)
{
	struct place *p = *state;
	char err[256] = "";
	place_start(p);
	json_t *o = opened(p);
	if (lw_event_check(EVENT_EPOCH_OPENED, o, err, sizeof(err)))
		fail_msg("%s", err);
	json_decref(o);
}

static void a_kept_entry_comes_back_with_epoch_seq_and_lines(void **state)
{
	struct place *p = *state;
	place_start(p);
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	struct lw_event *second = entry_add(e, EVENT_PRODUCT_ADDED);
	*second = *e->first;
	second->next = NULL;
	e->cookie = p;
	e->tag = 77;
	place_commit(p, e);
	struct journal_state s = place_state(p);
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_memory_equal(e->epoch, s.epoch, sizeof(s.epoch));
	assert_int_equal(e->seq, 2);
	assert_ptr_equal(e->cookie, p);
	assert_int_equal(e->tag, 77);
	assert_int_equal(s.last_seq, 3);
	char want[64], hex[EVENT_EPOCH_SIZE];
	text_hex(s.epoch, sizeof(s.epoch), hex);
	snprintf(want, sizeof(want), "\"messageId\":\"s1:%s:2\"", hex);
	const char *lines = e->lines, *end = memchr(lines, '\n', e->lines_len);
	assert_non_null(memmem(lines, (size_t)(end - lines), want, strlen(want)));
	assert_int_equal(e->lines[e->lines_len - 1], '\n');
	assert_ptr_not_equal(end + 1, lines + e->lines_len);
	assert_int_equal(counter_get(&p->counters, COUNTER_EVENTS_KEPT), 3);
	entry_free(e);
}

static void entries_come_back_in_the_order_they_were_put_without_gaps(void **state)
{
	struct place *p = *state;
	place_start(p);
	for (uint64_t i = 0; i < 10000; i++) {
		struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
		e->tag = i;
		assert_true(journal_put(p->journal, e));
	}
	for (uint64_t i = 0; i < 10000; i++) {
		struct entry *e = place_wait(p);
		assert_int_equal(e->tag, i);
		assert_int_equal(e->status, ENTRY_KEPT);
		assert_int_equal(e->seq, i + 2);
		entry_free(e);
	}
	assert_true(place_ask(p, "SELECT count(*) FROM pack") < 9000);
	assert_int_equal(place_ask(p, "SELECT sum(count) FROM pack"), 10001);
	assert_int_equal(place_ask(p, "SELECT max(count) <= 4096 FROM pack"), 1);
}

static void all_events_of_an_entry_stand_in_one_pack(void **state)
{
	struct place *p = *state;
	place_start(p);
	for (int i = 0; i < 40; i++) {
		struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
		for (int k = 1; k < 300; k++) {
			struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), copy = *e->first;
			struct lw_event *next = ev->next;
			*ev = copy;
			ev->next = next;
		}
		assert_true(journal_put(p->journal, e));
	}
	for (int i = 0; i < 40; i++)
		entry_free(place_wait(p));
	assert_int_equal(place_ask(p, "SELECT sum(count) FROM pack"), 12001);
	assert_int_equal(
	    place_ask(p, "SELECT count(*) FROM pack WHERE first > 1 AND count % 300 <> 0"), 0);
}

static void a_full_queue_refuses_and_the_entry_stays_the_callers(void **state)
{
	struct place *p = *state;
	char err[256];
	p->params.queue_max = 3;
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	struct entry *e[4];
	for (int i = 0; i < 4; i++) {
		e[i] = place_entry(EVENT_PRODUCT_ADDED);
		assert_int_equal(journal_put(p->journal, e[i]), i < 3);
	}
	entry_free(e[3]);
	assert_int_equal(journal_start(p->journal), 0);
	for (int i = 0; i < 3; i++)
		entry_free(place_wait(p));
}

static void stop_commits_what_is_queued_and_closes_the_epoch(void **state)
{
	struct place *p = *state;
	char err[256];
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	for (int i = 0; i < 5; i++)
		assert_true(journal_put(p->journal, place_entry(EVENT_PRODUCT_ADDED)));
	assert_int_equal(journal_start(p->journal), 0);
	journal_stop(p->journal);
	for (int i = 0; i < 5; i++) {
		struct entry *e = journal_done(p->journal);
		assert_non_null(e);
		assert_int_equal(e->status, ENTRY_KEPT);
		entry_free(e);
	}
	struct entry *late = place_entry(EVENT_PRODUCT_ADDED);
	assert_false(journal_put(p->journal, late));
	entry_free(late);
	assert_int_equal(place_ask(p, "SELECT sum(count) FROM pack"), 6);
	assert_int_equal(place_ask(p, "SELECT closed FROM epoch"), 1);
}

static void the_next_epoch_names_the_end_of_the_one_before(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_fill(p, 4);
	struct journal_state before = place_state(p);
	place_stop(p);
	place_start(p);
	struct journal_state s = place_state(p);
	json_t *o = opened(p);
	char hex[EVENT_EPOCH_SIZE], h[65];
	uint8_t bytes[32];
	text_hex(before.epoch, sizeof(before.epoch), hex);
	assert_memory_not_equal(s.epoch, before.epoch, sizeof(s.epoch));
	assert_string_equal(text(o, "cause"), "start");
	assert_string_equal(text(o, "prev_epoch"), hex);
	assert_int_equal(json_integer_value(json_object_get(o, "prev_last_seq")), 5);
	struct journal_run run;
	assert_int_equal(journal_reader_run(place_reader(p), before.epoch, 5, 1, 4096, &run), 1);
	text_hex(run.h_last, sizeof(run.h_last), h);
	assert_string_equal(text(o, "prev_h"), h);
	assert_true(text_unhex(text(o, "prev_h"), bytes, sizeof(bytes)));
	assert_true(s.clean);
	assert_int_equal(s.kept, 6);
	journal_run_free(&run);
	json_decref(o);
}

static void an_epoch_that_was_not_closed_is_followed_by_an_unclean_one(void **state)
{
	struct place *p = *state;
	pid_t child = fork();
	if (child == 0) {
		place_start(p);
		place_fill(p, 3);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	place_start(p);
	struct journal_state s = place_state(p);
	assert_false(s.clean);
	assert_true(s.recovered_frames > 0);
	assert_int_equal(s.kept, 5);
	json_t *o = opened(p);
	assert_string_equal(text(o, "cause"), "unclean");
	assert_int_equal(json_integer_value(json_object_get(o, "prev_last_seq")), 4);
	json_decref(o);
}

static bool dir_has(struct place *p, const char *pattern)
{
	char command[200];
	snprintf(command, sizeof(command), "ls %s/%s >/dev/null 2>&1", p->dir, pattern);
	return system(command) == 0;
}

static void starts_anew(struct place *p)
{
	place_start(p);
	assert_true(p->set_aside);
	assert_true(dir_has(p, "journal.db.unreadable-2026*"));
	assert_false(place_state(p).clean);
	assert_true(place_state(p).kept >= 1); /* more when something has come back */
	json_t *o = opened(p);
	assert_string_equal(text(o, "cause"), "unreadable");
	assert_true(json_is_null(json_object_get(o, "prev_epoch")));
	json_decref(o);
	place_fill(p, 1);
}

static void a_file_that_is_no_database_is_set_aside(void **state)
{
	struct place *p = *state;
	char garbage[9000];
	memset(garbage, 'g', sizeof(garbage) - 1);
	garbage[sizeof(garbage) - 1] = '\0';
	place_put(p, "journal.db", garbage);
	starts_anew(p);
}

static void a_newer_format_is_set_aside_untouched(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_fill(p, 2);
	place_stop(p);
	place_damage(p, "PRAGMA user_version=99");
	starts_anew(p);
}

static void a_damaged_last_pack_is_found_at_start(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_fill(p, 2);
	place_stop(p);
	place_damage(p, "UPDATE pack SET body = zeroblob(100) WHERE id = " PLACE_PACK("2"));
	starts_anew(p);
}

static void a_missing_pack_in_the_tail_is_found_at_start(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_fill(p, 5);
	place_stop(p);
	place_damage(p, "DELETE FROM pack WHERE id = " PLACE_PACK("3"));
	starts_anew(p);
}

static void another_format_that_cannot_be_is_set_aside_too(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_stop(p);
	place_damage(p, "PRAGMA user_version=0");
	starts_anew(p);
}

static void another_stores_journal_is_refused_not_set_aside(void **state)
{
	struct place *p = *state;
	char err[512] = "";
	place_start(p);
	place_stop(p);
	p->params.store = "s2";
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)),
	                 -1);
	assert_non_null(strstr(err, "s1"));
	assert_non_null(strstr(err, "s2"));
	assert_false(dir_has(p, "journal.db.unreadable*"));
}

static void a_second_writer_is_refused(void **state)
{
	struct place *p = *state;
	struct journal *second;
	char err[512] = "";
	bool aside;
	place_start(p);
	assert_int_equal(journal_open(&second, &p->params, &aside, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "another process"));
	assert_false(dir_has(p, "journal.db.unreadable*"));
}

static void the_epoch_key_is_sealed_to_hq(void **state)
{
	struct place *p = *state;
	uint8_t ad[3 + EVENT_EPOCH_BYTES] = "s1", key[200], want[32];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	place_start(p);
	struct journal_state s = place_state(p);
	memcpy(ad + 3, s.epoch, sizeof(s.epoch));
	place_epoch_key(p->vault, s.epoch, want);
	assert_int_equal(sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT hq_key FROM epoch", -1, &stmt, NULL);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	struct vault_work *w = vault_work_new();
	assert_int_equal(vault_unbox(w, vault_device_box_priv(p->vault), "epoch-key", ad,
	                             sizeof(ad), sqlite3_column_blob(stmt, 0),
	                             (size_t)sqlite3_column_bytes(stmt, 0), key),
	                 32);
	assert_memory_equal(key, want, 32);
	vault_work_free(w);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* ---- person ---- */

static struct entry *person_entry(const struct visit_key *key, const char *person)
{
	struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
	e->first->person = person;
	e->first->key = *key;
	return e;
}

static size_t unb64(const json_t *o, const char *name, uint8_t *out, size_t max)
{
	const char *s = text(o, name);
	ssize_t n = text_unb64(s, strlen(s), out, max);
	assert_true(n >= 0);
	return (size_t)n;
}

static void a_person_is_sealed_under_the_visit_key_and_stands_nowhere_else(void **state)
{
	struct place *p = *state;
	struct visit_key key;
	const char *person = "{\"value\":\"2600000000170\"}";
	uint8_t seal[200], id[16], out[200], ad[3 + 8 + 8] = "s1";
	place_start(p);
	vault_random(&key, sizeof(key));
	struct entry *e = place_commit(p, person_entry(&key, person));
	assert_null(memmem(e->lines, e->lines_len, "2600000000170", 13));

	json_t *line = json_loadb(e->lines, e->lines_len, 0, NULL);
	json_t *sealed =
	    json_object_get(json_object_get(json_object_get(line, "context"), "laneway"), "sealed");
	assert_int_equal(unb64(sealed, "k", id, sizeof(id)), 16);
	assert_memory_equal(id, key.id, 16);
	size_t n = unb64(sealed, "n", seal, 12);
	assert_int_equal(n, 12);
	n += unb64(sealed, "c", seal + n, sizeof(seal) - n);
	memcpy(ad + 3, e->epoch, 8);
	ad[18] = 2; /* seq */
	struct vault_work *w = vault_work_new();
	ssize_t len = vault_unseal(w, key.key, ad, sizeof(ad), seal, n, out);
	assert_int_equal(len, strlen(person));
	assert_memory_equal(out, person, (size_t)len);
	vault_work_free(w);
	json_decref(line);
	entry_free(e);
}

static void a_visit_key_is_stored_once_and_survives_a_restart(void **state)
{
	struct place *p = *state;
	struct visit_key key[3], found;
	place_start(p);
	vault_random(key, sizeof(key));
	for (int i = 0; i < 6; i++)
		entry_free(place_commit(p, person_entry(&key[i % 2], "{\"value\":\"x\"}")));
	assert_int_equal(place_ask(p, "SELECT count(*) FROM visit_key"), 2);
	place_stop(p);
	place_start(p);
	entry_free(place_commit(p, person_entry(&key[0], "{\"value\":\"x\"}")));
	assert_int_equal(place_ask(p, "SELECT count(*) FROM visit_key"), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(journal_reader_key(place_reader(p), key[i].id, &found), 0);
		assert_memory_equal(&found, &key[i], sizeof(found));
	}
	assert_int_equal(journal_reader_key(place_reader(p), key[2].id, &found), -1);
}

/* ---- limits ---- */

static void a_line_that_is_too_long_is_refused_alone(void **state)
{
	struct place *p = *state;
	char err[256];
	char *huge = malloc(EVENT_LINE_MAX + 100);
	memset(huge, 'x', EVENT_LINE_MAX + 99);
	huge[0] = '"';
	huge[EVENT_LINE_MAX + 98] = '"';
	huge[EVENT_LINE_MAX + 99] = '\0';
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	struct entry *e[3];
	for (int i = 0; i < 3; i++) {
		e[i] = place_entry(EVENT_PRODUCT_ADDED);
		if (i == 1) { /* behind one that fits: that one must not stay either */
			struct lw_event *ev = entry_add(e[i], EVENT_PRODUCT_ADDED);
			*ev = *e[0]->first;
			ev->properties = huge;
		}
		assert_true(journal_put(p->journal, e[i]));
	}
	assert_int_equal(journal_start(p->journal), 0);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(place_wait(p), e[i]);
	assert_int_equal(e[0]->seq, 2);
	assert_int_equal(e[1]->status, ENTRY_REFUSED);
	assert_string_equal(e[1]->reason, "too_long");
	assert_int_equal(e[2]->status, ENTRY_KEPT);
	assert_int_equal(e[2]->seq, 3);
	struct journal_verify v;
	assert_int_equal(journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)),
	                 0);
	assert_int_equal(v.events, 3);
	for (int i = 0; i < 3; i++)
		entry_free(e[i]);
	free(huge);
}

/* What each class gets at this share of the quota: one character each, 'k' or 'r'. */
static void at_share(struct place *p, int percent, char out[4])
{
	const enum event_kind kinds[] = {EVENT_ORDER_COMPLETED, EVENT_IDENTIFIER_PRESENTED,
	                                 EVENT_PRODUCT_ADDED};
	struct entry *e[3];
	struct lw_event *line;
	char err[256];
	if (p->journal)
		place_stop(p);
	p->params.quota_bytes = 0;
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	uint64_t bytes = place_state(p).file_bytes;
	place_stop(p);
	/* Another opening finds the same bytes but a few pages. */
	p->params.quota_bytes = bytes * 100 / (uint64_t)percent;
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	for (int i = 0; i < 3; i++)
		e[i] = place_entry(kinds[i]);
	/* An entry is as important as its most important event. */
	line = entry_add(e[0], EVENT_PRODUCT_ADDED);
	*line = *e[2]->first;
	for (int i = 0; i < 3; i++)
		assert_true(journal_put(p->journal, e[i]));
	assert_int_equal(journal_start(p->journal), 0);
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(place_wait(p), e[i]);
		out[i] = e[i]->status == ENTRY_KEPT ? 'k' : 'r';
		if (e[i]->status == ENTRY_REFUSED)
			assert_string_equal(e[i]->reason, "disk_full");
	}
	out[3] = place_state(p).full ? 'f' : '-';
	for (int i = 0; i < 3; i++)
		entry_free(e[i]);
}

static void classes_are_refused_one_after_the_other_as_the_quota_fills(void **state)
{
	struct place *p = *state;
	char got[4];
	place_start(p);
	for (int i = 0; i < 60; i++) /* pages, so that a share is precise enough */
		place_fill(p, 30);
	at_share(p, 60, got);
	assert_memory_equal(got, "kkk-", 4);
	at_share(p, 86, got);
	assert_memory_equal(got, "kkrf", 4);
	at_share(p, 97, got);
	assert_memory_equal(got, "krrf", 4);
	at_share(p, 120, got);
	assert_memory_equal(got, "rrrf", 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_new_journal_begins_with_epoch_opened),
	    TEST(epoch_opened_is_what_the_catalogue_wants),
	    TEST(a_kept_entry_comes_back_with_epoch_seq_and_lines),
	    TEST(entries_come_back_in_the_order_they_were_put_without_gaps),
	    TEST(all_events_of_an_entry_stand_in_one_pack),
	    TEST(a_full_queue_refuses_and_the_entry_stays_the_callers),
	    TEST(stop_commits_what_is_queued_and_closes_the_epoch),
	    TEST(the_next_epoch_names_the_end_of_the_one_before),
	    TEST(an_epoch_that_was_not_closed_is_followed_by_an_unclean_one),
	    TEST(a_file_that_is_no_database_is_set_aside),
	    TEST(a_newer_format_is_set_aside_untouched),
	    TEST(another_format_that_cannot_be_is_set_aside_too),
	    TEST(a_damaged_last_pack_is_found_at_start),
	    TEST(a_missing_pack_in_the_tail_is_found_at_start),
	    TEST(another_stores_journal_is_refused_not_set_aside),
	    TEST(a_second_writer_is_refused),
	    TEST(the_epoch_key_is_sealed_to_hq),
	    TEST(a_person_is_sealed_under_the_visit_key_and_stands_nowhere_else),
	    TEST(a_visit_key_is_stored_once_and_survives_a_restart),
	    TEST(a_line_that_is_too_long_is_refused_alone),
	    TEST(classes_are_refused_one_after_the_other_as_the_quota_fills),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
