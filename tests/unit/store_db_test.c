#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "store/db.h"

struct place {
	char dir[FOLDER_SIZE], path[96];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	folder_make(p->dir, "db");
	snprintf(p->path, sizeof(p->path), "%s/x.db", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	folder_drop(p->dir);
	free(p);
	return 0;
}

static sqlite3 *writer(const struct place *p, enum db_sync sync, int *lock)
{
	sqlite3 *db = NULL;
	char err[256] = "";
	bool held;

	if (db_open_writer(&db, lock, p->path, sync, &held, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_false(held);
	return db;
}

static void touch(const struct place *p)
{
	int lock;
	sqlite3 *db = writer(p, DB_SYNC_FULL, &lock);

	db_close_writer(db, lock);
}

static void pragma_is(sqlite3 *db, const char *name, const char *expected)
{
	char sql[64];
	sqlite3_stmt *stmt;

	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	stmt = db_prepare(db, sql);
	assert_non_null(stmt);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), expected);
	sqlite3_finalize(stmt);
}

static void mode_is(const char *path, const char *end)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, end);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_new_file_is_private_and_set_up_before_its_first_table(void **state)
{
	struct place *p = *state;
	int lock;
	sqlite3 *db;

	umask(0);
	db = writer(p, DB_SYNC_FULL, &lock);
	assert_int_equal(db_exec(db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"), 0);
	pragma_is(db, "journal_mode", "wal");
	pragma_is(db, "synchronous", "2");
	pragma_is(db, "secure_delete", "1");
	pragma_is(db, "auto_vacuum", "2");
	pragma_is(db, "page_size", "4096");
	mode_is(p->path, "");
	mode_is(p->path, "-wal");
	mode_is(p->path, "-shm");
	mode_is(p->path, ".lock");
	db_close_writer(db, lock);
	db = writer(p, DB_SYNC_NORMAL, &lock);
	pragma_is(db, "synchronous", "1");
	pragma_is(db, "auto_vacuum", "2");
	db_close_writer(db, lock);
	umask(022);
}

static void a_file_left_open_to_others_becomes_private(void **state)
{
	struct place *p = *state;

	touch(p);
	assert_int_equal(chmod(p->path, 0666), 0);
	touch(p);
	mode_is(p->path, "");
}

static void a_second_process_cannot_become_a_second_writer(void **state)
{
	struct place *p = *state;
	int lock, status;
	sqlite3 *db = writer(p, DB_SYNC_FULL, &lock), *other = NULL;
	pid_t child = fork();

	if (child == 0) {
		char err[256] = "";
		bool held = false;
		int fd;

		_exit(db_open_writer(&other, &fd, p->path, DB_SYNC_FULL, &held, err, sizeof(err)) ==
		                  -1 &&
		              held && strstr(err, "another process") != NULL
		          ? 0
		          : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	db_close_writer(db, lock);
	touch(p);
}

static void a_reader_sees_commits_and_cannot_write(void **state)
{
	struct place *p = *state;
	char err[256];
	int lock;
	sqlite3 *db = writer(p, DB_SYNC_NORMAL, &lock), *reader = NULL;
	sqlite3_stmt *count;

	assert_int_equal(db_exec(db, "CREATE TABLE t(a)"), 0);
	assert_int_equal(db_open_reader(&reader, p->path, err, sizeof(err)), 0);
	count = db_prepare(reader, "SELECT count(*) FROM t");
	assert_non_null(count);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sqlite3_step(count), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(count, 0), i);
		sqlite3_reset(count);
		assert_int_equal(db_exec(db, "INSERT INTO t VALUES(1)"), 0);
	}
	sqlite3_finalize(count);
	assert_int_equal(db_exec(reader, "INSERT INTO t VALUES(1)"), -1);
	db_close_reader(reader);
	db_close_writer(db, lock);
}

static void a_reader_that_closes_last_leaves_the_log_alone(void **state)
{
	struct place *p = *state;
	char err[256], wal[128];
	int lock;
	sqlite3 *db = writer(p, DB_SYNC_NORMAL, &lock), *reader = NULL;
	struct stat st;

	assert_int_equal(db_exec(db, "CREATE TABLE t(a)"), 0);
	assert_int_equal(db_open_reader(&reader, p->path, err, sizeof(err)), 0);
	pragma_is(reader, "user_version", "0");
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close_writer(db, lock);
	db_close_reader(reader);
	snprintf(wal, sizeof(wal), "%s-wal", p->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size > 0);
}

static void faults_come_back_with_the_file_and_the_reason(void **state)
{
	struct place *p = *state;
	sqlite3 *db = NULL;
	char err[256];
	bool held = true;
	int lock;
	FILE *f;

	assert_int_equal(db_open_reader(&db, p->path, err, sizeof(err)), -1);
	assert_non_null(strstr(err, p->path));
	assert_int_equal(
	    db_open_writer(&db, &lock, "/nowhere/x.db", DB_SYNC_FULL, &held, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "/nowhere/x.db"));
	assert_false(held);
	f = fopen(p->path, "w");
	for (int i = 0; i < 2000; i++)
		fputs("not a database ", f);
	fclose(f);
	assert_int_equal(db_open_writer(&db, &lock, p->path, DB_SYNC_FULL, &held, err, sizeof(err)),
	                 -1);
	assert_non_null(strstr(err, "not a database"));
	assert_false(held);
	unlink(p->path);
	db = writer(p, DB_SYNC_FULL, &lock);
	assert_int_equal(db_exec(db, "SELECT nonsense"), -1);
	assert_null(db_prepare(db, "SELECT nonsense"));
	db_close_writer(db, lock);
	db_close_writer(NULL, -1);
	db_close_reader(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_file_is_private_and_set_up_before_its_first_table),
	    TEST(a_file_left_open_to_others_becomes_private),
	    TEST(a_second_process_cannot_become_a_second_writer),
	    TEST(a_reader_sees_commits_and_cannot_write),
	    TEST(a_reader_that_closes_last_leaves_the_log_alone),
	    TEST(faults_come_back_with_the_file_and_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
