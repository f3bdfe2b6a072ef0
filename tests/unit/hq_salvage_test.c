/* A rescued card at HQ: what stands on it, what of that is new, and that it comes in once. */
#include "hq_world.h"

#include "journal_place.h"

#include <fcntl.h>
#include <jansson.h>

#include "hq/prove/hq_salvage.h"

struct fixture {
	struct world *hq;
	struct place *card;
	char path[128]; /* the rescued copy */
};

/* The store's journal is sealed to this HQ. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char err[200] = "";
	f->hq = world_new();
	f->card = place_new();
	snprintf(f->path, sizeof(f->path), "%s/rescued.db", f->hq->dir);
	world_write_public(f->hq, "hq-box.pub", EVP_PKEY_X25519, f->hq->box.pub);
	char command[300];
	snprintf(command, sizeof(command), "cp %s/hq-box.pub %s/", f->hq->dir, f->card->dir);
	assert_int_equal(system(command), 0);
	vault_free(f->card->vault);
	if (vault_open(&f->card->vault, f->card->dir, false, err, sizeof(err)))
		fail_msg("%s", err);
	f->card->params.vault = f->card->vault;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	place_free(f->card);
	world_free(f->hq);
	free(f);
	return 0;
}

static void keep(struct place *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
		e->first->person = "{\"value\":\"anna\"}";
		memset(&e->first->key, i % 20 + 1, sizeof(e->first->key));
		place_commit(p, e);
		assert_int_equal(e->status, ENTRY_KEPT);
		entry_free(e);
	}
}

static void rescue(struct fixture *f)
{
	char command[600];
	snprintf(command, sizeof(command), "cp %s %s && cp %s-wal %s-wal", f->card->path, f->path,
	         f->card->path, f->path);
	assert_int_equal(system(command), 0);
}

/* Two epochs, the second one torn out of a running box. */
static void make_card(struct fixture *f)
{
	place_start(f->card);
	keep(f->card, 150);
	place_stop(f->card);
	place_start(f->card);
	keep(f->card, 100);
	rescue(f);
}

static struct hq_salvage *open_card(struct fixture *f)
{
	struct hq_salvage *s;
	char err[300] = "";
	if (hq_salvage_open(&s, f->path, NULL, f->hq->keys, err, sizeof(err)))
		fail_msg("%s", err);
	return s;
}

static int take(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	struct fixture *f = ctx;
	world_up(f->hq, store, payload, len);
	assert_int_equal(f->hq->confirms, 1);
	return 0;
}

static void ingest(struct fixture *f, struct hq_salvage *s)
{
	const struct hq_salvage_sink sink = {take, f, hq_db_handle(f->hq->db), f->hq->box.pub};
	char err[300] = "";
	if (hq_salvage_send(s, &sink, err, sizeof(err)))
		fail_msg("%s", err);
}

static int64_t of(json_t *report, int epoch, const char *key)
{
	json_t *e = json_array_get(json_object_get(report, "epochs"), (size_t)epoch);
	return json_integer_value(json_object_get(e, key));
}

static int64_t ask(struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(hq_db_handle(f->hq->db), sql, -1, &stmt, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return v;
}

static void run_sql(struct fixture *f, const char *sql)
{
	assert_int_equal(sqlite3_exec(hq_db_handle(f->hq->db), sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_card_comes_in_whole_and_once_with_its_visit_keys(void **state)
{
	struct fixture *f = *state;
	make_card(f);
	struct hq_salvage *s = open_card(f);
	json_t *report = hq_salvage_report(s, hq_db_handle(f->hq->db));
	assert_string_equal(json_string_value(json_object_get(report, "store")), "s1");
	assert_string_equal(json_string_value(json_object_get(report, "device")), "d1");
	assert_int_equal(json_array_size(json_object_get(report, "epochs")), 2);
	assert_int_equal(of(report, 0, "events"), 151);
	assert_int_equal(of(report, 0, "new"), 151);
	assert_int_equal(of(report, 1, "new"), 101);
	json_t *keys = json_object_get(report, "keys");
	assert_int_equal(json_integer_value(json_object_get(keys, "open")), 20);
	assert_int_equal(json_integer_value(json_object_get(keys, "device_only")), 0);
	json_decref(report);
	ingest(f, s);
	assert_int_equal(ask(f, "SELECT count(*) FROM event"), 252);
	assert_int_equal(ask(f, "SELECT count(*) FROM run"), 2);
	assert_int_equal(ask(f, "SELECT count(*) FROM fork"), 0);
	assert_int_equal(ask(f, "SELECT count(*) FROM visit_key"), 20);
	report = hq_salvage_report(s, hq_db_handle(f->hq->db));
	assert_int_equal(of(report, 0, "new") + of(report, 1, "new"), 0);
	assert_int_equal(of(report, 0, "held"), 151);
	json_decref(report);
	f->hq->confirms = 0;
	ingest(f, s); /* nothing goes again */
	assert_int_equal(f->hq->confirms, 0);
	hq_salvage_free(s);
	struct visit_key key;
	uint8_t wrapped[VAULT_WRAP_BYTES], got[32];
	sqlite3_stmt *stmt;
	memset(&key, 7, sizeof(key));
	sqlite3_prepare_v2(hq_db_handle(f->hq->db), "SELECT wrapped FROM visit_key WHERE id = ?1",
	                   -1, &stmt, NULL);
	sqlite3_bind_blob(stmt, 1, key.id, 16, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	memcpy(wrapped, sqlite3_column_blob(stmt, 0), sizeof(wrapped));
	sqlite3_finalize(stmt);
	assert_int_equal(hq_keys_unwrap(f->hq->keys, f->hq->work, key.id, wrapped, got), 0);
	assert_memory_equal(got, key.key, 32);
}

static int take_one(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	take(ctx, store, payload, len);
	return -1;
}

static void what_hq_holds_already_is_joined_not_doubled(void **state)
{
	struct fixture *f = *state;
	make_card(f);
	struct hq_salvage *s = open_card(f);
	const struct hq_salvage_sink one = {take_one, f, NULL, f->hq->box.pub};
	char err[300] = "";
	assert_int_equal(hq_salvage_send(s, &one, err, sizeof(err)), -1);
	assert_int_equal(ask(f, "SELECT count(*) FROM event"), 151);
	ingest(f, s);
	ingest(f, s);
	assert_int_equal(ask(f, "SELECT count(*) FROM event"), 252);
	assert_int_equal(ask(f, "SELECT count(*) FROM fork"), 0);
	hq_salvage_free(s);
}

static void a_damaged_card_gives_what_is_left_and_names_the_rest(void **state)
{
	struct fixture *f = *state;
	uint8_t page[4096];
	make_card(f);
	int fd = open(f->path, O_RDWR);
	for (int i = 0; i < 3; i++) {
		vault_random(page, sizeof(page));
		assert_int_equal(pwrite(fd, page, sizeof(page), i == 0 ? 0 : (8 + 6 * i) * 4096),
		                 sizeof(page));
	}
	close(fd);
	char err[300] = "";
	struct hq_salvage *s;
	/* Whose it is may be lost with the page that says so. */
	if (hq_salvage_open(&s, f->path, NULL, f->hq->keys, err, sizeof(err)) &&
	    hq_salvage_open(&s, f->path, "s1", f->hq->keys, err, sizeof(err)))
		fail_msg("%s", err);
	json_t *report = hq_salvage_report(s, hq_db_handle(f->hq->db));
	int64_t events = of(report, 0, "events") + of(report, 1, "events");
	assert_true(events < 252 && events > 150);
	json_decref(report);
	ingest(f, s);
	assert_int_equal(ask(f, "SELECT count(*) FROM event"), events);
	assert_true(ask(f, "SELECT count(*) FROM run") > 2);
	hq_salvage_free(s);
	/* The store, which is whole, sends the rest: the runs join. */
	rescue(f);
	s = open_card(f);
	ingest(f, s);
	hq_salvage_free(s);
	assert_int_equal(ask(f, "SELECT count(*) FROM event"), 252);
	assert_int_equal(ask(f, "SELECT count(*) FROM run"), 2);
	assert_int_equal(ask(f, "SELECT count(*) FROM fork"), 0);
}

static void a_key_that_was_destroyed_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	make_card(f);
	run_sql(f, "INSERT INTO erased_key VALUES(x'07070707070707070707070707070707', 1)");
	struct hq_salvage *s = open_card(f);
	ingest(f, s);
	hq_salvage_free(s);
	assert_int_equal(ask(f, "SELECT count(*) FROM visit_key"), 19);
}

static void of_a_format_that_had_no_such_keys_it_says_so(void **state)
{
	struct fixture *f = *state;
	char command[700], err[300] = "";
	struct hq_keys *keys;
	struct hq_salvage *s;
	snprintf(command, sizeof(command),
	         "mkdir %s/golden && cp tests/data/golden/hq-*.key tests/data/golden/hq-*.pub "
	         "%s/hq-vault.key %s/golden/ && chmod 600 %s/golden/*.key && "
	         "cp tests/data/golden/used-1.db* %s/golden/",
	         f->hq->dir, f->hq->dir, f->hq->dir, f->hq->dir, f->hq->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/golden", f->hq->dir);
	assert_int_equal(hq_keys_open(&keys, command, err, sizeof(err)), 0);
	snprintf(f->path, sizeof(f->path), "%s/golden/used-1.db", f->hq->dir);
	if (hq_salvage_open(&s, f->path, NULL, keys, err, sizeof(err)))
		fail_msg("%s", err);
	json_t *report = hq_salvage_report(s, NULL);
	assert_int_equal(of(report, 0, "events"), 5);
	assert_int_equal(of(report, 0, "first"), 7);
	assert_int_equal(of(report, 1, "events"), 6);
	assert_int_equal(of(report, 2, "events"), 3);
	json_t *key = json_object_get(report, "keys");
	assert_int_equal(json_integer_value(json_object_get(key, "open")), 0);
	assert_int_equal(json_integer_value(json_object_get(key, "device_only")), 2);
	json_decref(report);
	hq_salvage_free(s);
	hq_keys_free(keys);
}

static void another_hqs_card_is_not_read(void **state)
{
	struct fixture *f = *state;
	make_card(f);
	uint8_t other[32];
	memset(other, 3, sizeof(other));
	world_write_key(f->hq, "hq-box.key", EVP_PKEY_X25519, other);
	hq_keys_free(f->hq->keys);
	char err[300] = "";
	assert_int_equal(hq_keys_open(&f->hq->keys, f->hq->dir, err, sizeof(err)), 0);
	struct hq_salvage *s = open_card(f);
	json_t *report = hq_salvage_report(s, NULL);
	for (int i = 0; i < 2; i++) {
		json_t *e = json_array_get(json_object_get(report, "epochs"), (size_t)i);
		assert_true(json_is_false(json_object_get(e, "readable")));
		assert_int_equal(of(report, i, "events"), 0);
	}
	json_decref(report);
	hq_salvage_free(s);
}

static void a_file_that_is_no_journal_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct hq_salvage *s;
	char err[300] = "";
	assert_int_equal(hq_salvage_open(&s, "/nowhere", NULL, f->hq->keys, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "/nowhere"));
	world_write_text(f->hq, "rescued.db", "nothing of a journal", 0600);
	assert_int_equal(hq_salvage_open(&s, f->path, NULL, f->hq->keys, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "--store"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_card_comes_in_whole_and_once_with_its_visit_keys),
	    TEST(what_hq_holds_already_is_joined_not_doubled),
	    TEST(a_damaged_card_gives_what_is_left_and_names_the_rest),
	    TEST(a_key_that_was_destroyed_does_not_come_back),
	    TEST(of_a_format_that_had_no_such_keys_it_says_so),
	    TEST(another_hqs_card_is_not_read),
	    TEST(a_file_that_is_no_journal_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
