/* hq.db: every release's file can be brought to this release's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "folder.h"
#include "hq/hq_schema.h"
#include "store/db.h"

struct place {
	char dir[FOLDER_SIZE], path[FOLDER_SIZE + 16], err[200];
	struct sqlite3 *sql;
	int lock_fd;
};

static void open_place(struct place *p)
{
	bool held;

	folder_make(p->dir, "hq-schema");
	snprintf(p->path, sizeof p->path, "%s/hq.db", p->dir);
	assert_int_equal(db_open_writer(&p->sql, &p->lock_fd, p->path, DB_SYNC_FULL, &held, p->err,
	                                sizeof p->err),
	                 0);
}

static void close_place(struct place *p)
{
	db_close_writer(p->sql, p->lock_fd);
	folder_drop(p->dir);
}

static int number(struct place *p, const char *sql)
{
	sqlite3_stmt *q = db_prepare(p->sql, sql);

	assert_non_null(q);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	int n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void a_new_file_gets_all_tables_and_a_generation(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), 0);
	assert_true(number(&p, "PRAGMA user_version") >= 1);
	assert_int_equal(number(&p, "SELECT count(*) FROM event"), 0);
	assert_int_equal(number(&p, "SELECT value GLOB '[0-9a-f]*' AND length(value) = 16 FROM meta"
	                            " WHERE name = 'generation'"),
	                 1);
	close_place(&p);
}

static void bringing_it_again_changes_nothing(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), 0);
	assert_int_equal(db_exec(p.sql, "UPDATE meta SET value = 'x' WHERE name = 'generation'"),
	                 0);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), 0);
	assert_int_equal(number(&p, "SELECT value = 'x' FROM meta WHERE name = 'generation'"), 1);
	close_place(&p);
}

static void a_newer_release_s_file_is_refused_by_its_number(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(db_exec(p.sql, "PRAGMA user_version = 999"), 0);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), -1);
	assert_non_null(strstr(p.err, "its format is 999"));
	close_place(&p);
}

static void a_file_of_somebody_else_is_refused_and_left_alone(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(db_exec(p.sql, "CREATE TABLE meta(x)"), 0);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), -1);
	assert_non_null(strstr(p.err, "not a database of laneway-hq"));
	assert_int_equal(number(&p, "PRAGMA user_version"), 0);
	assert_int_equal(number(&p, "SELECT count(*) FROM sqlite_master"), 1);
	close_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_file_gets_all_tables_and_a_generation),
	    cmocka_unit_test(bringing_it_again_changes_nothing),
	    cmocka_unit_test(a_newer_release_s_file_is_refused_by_its_number),
	    cmocka_unit_test(a_file_of_somebody_else_is_refused_and_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
