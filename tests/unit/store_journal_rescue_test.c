/* What stands in the file for the day on which only parts of it can be read. */
#include "journal_place.h"

#include "store/journal_internal.h"

struct rows {
	sqlite3 *db;
	sqlite3_stmt *stmt;
};

static void rows_open(struct rows *r, struct place *p, const char *sql)
{
	assert_int_equal(sqlite3_open_v2(p->path, &r->db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL), SQLITE_OK);
}

static const uint8_t *blob(struct rows *r, int column, int size)
{
	assert_int_equal(sqlite3_column_bytes(r->stmt, column), size);
	return sqlite3_column_blob(r->stmt, column);
}

static void rows_close(struct rows *r)
{
	sqlite3_finalize(r->stmt);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(r->db);
}

/* As HQ does it: with its private key and nothing of the device. */
static void open_box(struct place *p, const uint8_t epoch[8], const uint8_t *box, uint8_t key[32])
{
	uint8_t ad[3 + EVENT_EPOCH_BYTES] = "s1";
	struct vault_work *w = vault_work_new();
	memcpy(ad + 3, epoch, EVENT_EPOCH_BYTES);
	assert_int_equal(vault_unbox(w, vault_device_box_priv(p->vault), "epoch-key", ad,
	                             sizeof(ad), box, JOURNAL_EPOCH_BOX_BYTES, key),
	                 32);
	vault_work_free(w);
}

static void every_pack_names_its_epoch_and_the_chain_in_front_of_it(void **state)
{
	struct place *p = *state;
	struct rows r;
	uint8_t h[32] = {0};
	int boxes = 0;
	place_fill(p, 2 * JOURNAL_BOX_EVERY_PACKS - 1);
	rows_open(&r, p, "SELECT substr(link, 1, 40), h, id, first, substr(link, 41) FROM pack");
	for (int i = 0; sqlite3_step(r.stmt) == SQLITE_ROW; i++) {
		const uint8_t *link = blob(&r, 0, 40);
		assert_memory_equal(link, place_state(p).epoch, 8);
		assert_memory_equal(link + 8, h, 32);
		memcpy(h, blob(&r, 1, 32), 32);
		assert_int_equal(sqlite3_column_int64(r.stmt, 2),
		                 (1LL << 40) + sqlite3_column_int64(r.stmt, 3));
		if (!sqlite3_column_bytes(r.stmt, 4))
			continue;
		uint8_t key[32], want[32];
		open_box(p, place_state(p).epoch, blob(&r, 4, JOURNAL_EPOCH_BOX_BYTES), key);
		place_epoch_key(p->vault, place_state(p).epoch, want);
		assert_memory_equal(key, want, 32);
		assert_int_equal(i % JOURNAL_BOX_EVERY_PACKS, 0);
		boxes++;
	}
	rows_close(&r);
	assert_int_equal(boxes, 2);
}

static void keep_person(struct place *p, const struct visit_key *key)
{
	struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
	e->first->person = "{\"value\":\"1\"}";
	e->first->key = *key;
	place_commit(p, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static void expect_rescue(struct place *p, const struct visit_key *key, const uint8_t epoch[8])
{
	struct rows r;
	uint8_t epoch_key[32], rescue_key[32], got[32];
	struct vault_work *w = vault_work_new();
	rows_open(&r, p,
	          "SELECT v.rescue, e.hq_key FROM visit_key v JOIN epoch e"
	          " ON e.epoch = substr(v.rescue, 1, 8)");
	assert_int_equal(sqlite3_step(r.stmt), SQLITE_ROW);
	const uint8_t *rescue = blob(&r, 0, JOURNAL_RESCUE_BYTES);
	assert_memory_equal(rescue, epoch, 8);
	open_box(p, epoch, blob(&r, 1, JOURNAL_EPOCH_BOX_BYTES), epoch_key);
	vault_rescue_key(w, epoch_key, rescue_key);
	assert_int_equal(vault_rescued(w, rescue_key, key->id, rescue + 8, got), 0);
	assert_memory_equal(got, key->key, 32);
	assert_int_equal(vault_rescued(w, epoch_key, key->id, rescue + 8, got), -1);
	assert_int_equal(sqlite3_step(r.stmt), SQLITE_DONE);
	rows_close(&r);
	vault_work_free(w);
}

static void hq_can_open_a_visit_key_with_the_epochs_key(void **state)
{
	struct place *p = *state;
	struct visit_key key;
	vault_random(&key, sizeof(key));
	keep_person(p, &key);
	expect_rescue(p, &key, place_state(p).epoch);
	keep_person(p, &key);
	expect_rescue(p, &key, place_state(p).epoch);
}

static void a_visit_key_met_again_is_under_the_newest_epoch(void **state)
{
	struct place *p = *state;
	struct visit_key key;
	vault_random(&key, sizeof(key));
	keep_person(p, &key);
	place_stop(p);
	place_start(p);
	keep_person(p, &key);
	expect_rescue(p, &key, place_state(p).epoch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(every_pack_names_its_epoch_and_the_chain_in_front_of_it),
	    TEST(hq_can_open_a_visit_key_with_the_epochs_key),
	    TEST(a_visit_key_met_again_is_under_the_newest_epoch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
