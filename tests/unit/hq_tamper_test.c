/* One bit of what is stored is turned: the day is no longer proven. Random positions; the seed is
 * printed, LANEWAY_SEED sets it. */
#include "hq_day_world.h"

#include <time.h>

#define TURNS 300

static unsigned long long state_of_dice;

static uint64_t dice(uint64_t below)
{
	state_of_dice = state_of_dice * 6364136223846793005ull + 1442695040888963407ull;
	return (state_of_dice >> 33) % below;
}

/* A day with everything in it: a line in quarantine, a fork, two versions, an erased person. */
static int full_day(void **state)
{
	assert_int_equal(day_set_up(state), 0);
	struct day_world *d = *state;
	store_raw(d->s, "{\"event\":\"Device Connected\"}");
	sold(d);
	send_all(d);
	struct store *clone = store_new(d->w, "s1", 1);
	store_raw(clone, "{\"event\":\"Device Connected\"}");
	store_chatter(clone, 2);
	order(clone, "T3", "0099", "9.00");
	store_send(clone, 1, clone->seq);
	assert_int_equal(hq_day_erase_key(d->w->db, d->s->line[6].key.id, 1), 0);
	sign_all(d);
	store_free(clone);
	run_sql(d, "DROP TRIGGER countersign_stays");
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
	return 0;
}

/* What stands in the column of the n-th row. */
static void read_row(struct day_world *d, const char *table, const char *column, int64_t row,
                     struct buf *before)
{
	sqlite3 *db = hq_db_handle(d->w->db);
	sqlite3_stmt *q;
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT %s FROM %s ORDER BY 1 LIMIT 1 OFFSET %d", column, table,
	         (int)row);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	buf_reset(before);
	buf_add(before, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0));
	sqlite3_finalize(q);
}

static void put(struct day_world *d, const char *table, const char *column,
                const struct buf *instead_of, const struct buf *value)
{
	sqlite3 *db = hq_db_handle(d->w->db);
	sqlite3_stmt *q;
	char sql[200];
	snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE %s = ?2", table, column, column);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	sqlite3_bind_blob(q, 1, value->data, (int)value->len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, instead_of->data, (int)instead_of->len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(q);
}

static void turned(struct day_world *d, const char *table, const char *column)
{
	char count[80];
	struct buf before = {0}, after = {0};
	snprintf(count, sizeof count, "SELECT count(*) FROM %s", table);
	int64_t row = (int64_t)dice((uint64_t)world_number(d->w, count));
	read_row(d, table, column, row, &before);
	size_t at = (size_t)dice(before.len);
	uint8_t bit = (uint8_t)(1 << dice(8));
	buf_add(&after, before.data, before.len);
	after.data[at] ^= bit;
	put(d, table, column, &before, &after);
	if (prove(d, DAY))
		fail_msg("%s.%s of row %d, byte %zu, bit 0x%02x was turned, and the day is proven",
		         table, column, (int)row, at, bit);
	put(d, table, column, &after, &before);
	buf_free(&before);
	buf_free(&after);
}

static void one_turned_bit_of_a_stored_event_is_found(void **state)
{
	struct day_world *d = *state;
	for (int i = 0; i < TURNS; i++)
		turned(d, "event", "line");
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
}

static void it_is_named_by_epoch_and_seq(void **state)
{
	struct day_world *d = *state;
	run_sql(d,
	        "UPDATE event SET line = CAST(replace(CAST(line AS TEXT), '2.50', '2.51') AS BLOB)"
	        " WHERE seq = 9");
	assert_false(prove(d, DAY));
	assert_non_null(strstr(reasons(d), "epoch 0101010101010101 seq 9: the stored bytes are not "
	                                   "what the store journaled"));
}

static void one_turned_bit_in_each_column_that_matters_is_found(void **state)
{
	static const char *const columns[][2] = {{"event", "leaf"},        {"quarantine", "line"},
	                                         {"quarantine", "leaf"},   {"fork", "line"},
	                                         {"fork", "leaf"},         {"countersign", "doc"},
	                                         {"epoch", "epoch"},       {"erased_key", "id"},
	                                         {"visit_key", "wrapped"}, {"visit_key", "id"}};
	struct day_world *d = *state;
	for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
		for (int i = 0; i < TURNS / 10; i++)
			turned(d, columns[c][0], columns[c][1]);
	}
	if (!prove(d, DAY))
		fail_msg("%s", reasons(d));
}

static void a_line_that_is_changed_with_its_leaf_does_not_lead_to_the_signed_h(void **state)
{
	struct day_world *d = *state;
	for (int seq = 1; seq <= 12; seq++) {
		char sql[300], leaf[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
		uint8_t own[EVENT_HASH_BYTES];
		if (seq == 2) /* quarantined */
			continue;
		run_sql(d, "SAVEPOINT before");
		snprintf(sql, sizeof sql,
		         "UPDATE event SET line = CAST(replace(CAST(line AS TEXT), '\"schema\":1', "
		         "'\"schema\":2') AS BLOB) WHERE seq = %d",
		         seq);
		run_sql(d, sql);
		snprintf(sql, sizeof sql, "SELECT CAST(line AS TEXT) FROM event WHERE seq = %d",
		         seq);
		const char *line = world_text(d->w, sql);
		vault_sha256(d->w->work, line, strlen(line), own);
		text_hex(own, sizeof own, leaf);
		snprintf(sql, sizeof sql, "UPDATE event SET leaf = x'%s' WHERE seq = %d", leaf,
		         seq);
		run_sql(d, sql);
		run_sql(d, "RELEASE before");
		assert_false(prove(d, DAY));
		assert_non_null(strstr(reasons(d), "do not lead to the h that is signed"));
		run_sql(d,
		        "UPDATE event SET line = CAST(replace(CAST(line AS TEXT), '\"schema\":2', "
		        "'\"schema\":1') AS BLOB)");
		snprintf(sql, sizeof sql, "SELECT CAST(line AS TEXT) FROM event WHERE seq = %d",
		         seq);
		line = world_text(d->w, sql);
		vault_sha256(d->w->work, line, strlen(line), own);
		text_hex(own, sizeof own, leaf);
		snprintf(sql, sizeof sql, "UPDATE event SET leaf = x'%s' WHERE seq = %d", leaf,
		         seq);
		run_sql(d, sql);
		assert_true(prove(d, DAY));
	}
}

static void a_row_that_is_moved_taken_or_doubled_is_found(void **state)
{
	static const char *const acts[] = {
	    "UPDATE event SET seq = 99 WHERE seq = 5",
	    "DELETE FROM event WHERE seq = 5",
	    "DELETE FROM event WHERE seq = 13",
	    "DELETE FROM quarantine",
	    "DELETE FROM countersign WHERE version = 1",
	    "INSERT INTO quarantine(epoch, seq, leaf, line, reason) SELECT epoch, seq, leaf, line, "
	    "'x'"
	    " FROM event WHERE seq = 5",
	    "UPDATE event SET seq = -seq WHERE seq IN (4, 5); UPDATE event SET seq = 9 + seq WHERE"
	    " seq < 0",
	    "DELETE FROM statement",
	    "DELETE FROM visit_key",
	};
	struct day_world *d = *state;
	run_sql(d, "DROP TRIGGER countersign_remains");
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		run_sql(d,
		        "ATTACH ':memory:' AS was; CREATE TABLE was.event AS SELECT * FROM event;"
		        "CREATE TABLE was.quarantine AS SELECT * FROM quarantine;"
		        "CREATE TABLE was.countersign AS SELECT * FROM countersign;"
		        "CREATE TABLE was.statement AS SELECT * FROM statement;"
		        "CREATE TABLE was.visit_key AS SELECT * FROM visit_key");
		run_sql(d, acts[i]);
		if (prove(d, DAY))
			fail_msg("proven after: %s", acts[i]);
		run_sql(
		    d, "DELETE FROM main.event; INSERT INTO main.event SELECT * FROM was.event;"
		       "DELETE FROM main.quarantine; INSERT INTO main.quarantine SELECT * FROM"
		       " was.quarantine; DELETE FROM main.countersign; INSERT INTO main.countersign"
		       " SELECT * FROM was.countersign; DELETE FROM main.statement; INSERT INTO"
		       " main.statement SELECT * FROM was.statement; DELETE FROM main.visit_key;"
		       " INSERT INTO main.visit_key SELECT * FROM was.visit_key; DETACH was");
		if (!prove(d, DAY))
			fail_msg("not proven again after: %s: %s", acts[i], reasons(d));
	}
}

#define DAY_TEST(name) cmocka_unit_test_setup_teardown(name, full_day, day_tear_down)

int main(void)
{
	const char *seed = getenv("LANEWAY_SEED");
	state_of_dice = seed ? strtoull(seed, NULL, 10) : (unsigned long long)time(NULL);
	print_message("seed %llu\n", state_of_dice);
	const struct CMUnitTest tests[] = {
	    DAY_TEST(one_turned_bit_of_a_stored_event_is_found),
	    DAY_TEST(it_is_named_by_epoch_and_seq),
	    DAY_TEST(one_turned_bit_in_each_column_that_matters_is_found),
	    DAY_TEST(a_line_that_is_changed_with_its_leaf_does_not_lead_to_the_signed_h),
	    DAY_TEST(a_row_that_is_moved_taken_or_doubled_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
