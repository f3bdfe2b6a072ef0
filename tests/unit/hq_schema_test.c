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
#include "hq/base/hq_schema.h"
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

static const char *text(struct place *p, const char *sql)
{
	static char out[1000];
	sqlite3_stmt *q = db_prepare(p->sql, sql);

	assert_non_null(q);
	out[0] = '\0';
	while (sqlite3_step(q) == SQLITE_ROW)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", out[0] ? "," : "",
		         (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return out;
}

#define BEFORE_UNITS 8

/* What a customer had before stands as what the chain's own list said of a unit. */
static void customers_of_an_older_file_become_units_with_their_claims_and_facts(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(hq_schema_bring_to(p.sql, BEFORE_UNITS, p.path, p.err, sizeof p.err), 0);
	assert_int_equal(
	    db_exec(
	        p.sql,
	        "INSERT INTO profile(id, external, first_name, name, tier, points, state, version)"
	        " VALUES('C000001', 'K1', 'Anna', 'Anna Berg', 'gold', 5, 'active', 1),"
	        " ('C000002', NULL, NULL, NULL, NULL, NULL, 'deleted', 2),"
	        " ('C000003', 'K3', 'Bo', NULL, NULL, NULL, 'restricted', 3);"
	        "INSERT INTO identifier VALUES('email', 'a@example.com', 1, 0, x'01'),"
	        " ('loyalty', '2600000000000', 1, 1, x'02'), ('email', 'a@example.com', 3, 0, "
	        "x'03')"),
	    0);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), 0);
	assert_string_equal(text(&p, "SELECT n || ' ' || person || ' ' || confirmed || ' ' ||"
	                             " length(ref) || ' ' || coalesce(base_points, '-') || ' ' ||"
	                             " coalesce(gone_us, '-') FROM profile ORDER BY n"),
	                    "1 1 1 16 5 -,2 2 0 16 - 0,3 3 1 16 - -");
	assert_int_equal(number(&p, "SELECT count(DISTINCT ref) FROM profile"), 3);
	assert_string_equal(
	    text(&p, "SELECT unit || ' ' || field || ' ' || value || ' ' || source"
	             " FROM unit_fact ORDER BY unit, field"),
	    "1 first_name Anna import,1 name Anna Berg import,1 state active import,"
	    "1 tier gold import,"
	    "3 first_name Bo import,3 state restricted import");
	assert_string_equal(
	    text(&p,
	         "SELECT seq || ' ' || unit || ' ' || kind || ' ' || verified || ' ' ||"
	         " hex(claim.ref) FROM claim JOIN ident ON ident.id = claim.ident ORDER BY seq"),
	    "1 1 email 0 01,2 1 loyalty 1 02,3 3 email 0 03");
	assert_string_equal(
	    text(&p, "SELECT profile || kind || value || verified || hex(ref)"
	             " FROM identifier"),
	    "1emaila@example.com001,1loyalty2600000000000102,3emaila@example.com003");
	assert_int_equal(number(&p, "SELECT count(*) FROM ident"), 2);
	assert_int_equal(number(&p, "SELECT value FROM meta WHERE name = 'identity'"), 3);
	close_place(&p);
}

#define BEFORE_KINDS 12

/* What kind of sale an order was stands in its line. */
static void orders_of_an_older_file_get_their_kind_from_their_lines(void **state)
{
	struct place p;
	(void)state;

	open_place(&p);
	assert_int_equal(hq_schema_bring_to(p.sql, BEFORE_KINDS, p.path, p.err, sizeof p.err), 0);
	assert_int_equal(
	    db_exec(p.sql, "INSERT INTO event(epoch, seq, leaf, line) VALUES"
	                   "(1, 1, x'00', '{\"properties\":{\"sale_kind\":\"staff\"}}'),"
	                   "(1, 2, x'00', '{\"properties\":{\"sale_kind\":\"sale\"}}');"
	                   "INSERT INTO fact(epoch, seq, store, kind, order_id, training) VALUES"
	                   "(1, 1, 1, 'order', 's/1', 0), (1, 2, 1, 'order', 's/2', 0);"
	                   "INSERT INTO sale(order_id) VALUES('s/1'), ('s/2'), ('s/3')"),
	    0);
	assert_int_equal(hq_schema_bring(p.sql, p.path, p.err, sizeof p.err), 0);
	assert_string_equal(text(&p, "SELECT order_id || kind FROM sale ORDER BY order_id"),
	                    "s/1staff,s/2sale,s/3");
	close_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_file_gets_all_tables_and_a_generation),
	    cmocka_unit_test(bringing_it_again_changes_nothing),
	    cmocka_unit_test(a_newer_release_s_file_is_refused_by_its_number),
	    cmocka_unit_test(customers_of_an_older_file_become_units_with_their_claims_and_facts),
	    cmocka_unit_test(orders_of_an_older_file_get_their_kind_from_their_lines),
	    cmocka_unit_test(a_file_of_somebody_else_is_refused_and_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
