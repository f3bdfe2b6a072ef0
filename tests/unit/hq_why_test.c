/* `profile --why`: every value has its line, and what a line names is what makes it so. */
#include "hq_world.h"

#include "hq/hq_import.h"
#include "hq/hq_op.h"
#include "hq/hq_persons.h"
#include "hq/hq_why.h"

static void bring(struct world *w, const char *csv)
{
	struct hq_import_report report = {0};
	struct hq_import_piece piece = {
	    .csv = csv, .len = strlen(csv), .first_line = 2, .as_of_us = w->wall_us += 1000000};

	if (hq_import_rows(w->db, &w->scope, &piece, &report) != 0)
		fail_msg("%s", piece.err);
	assert_int_equal(report.bad, 0);
	hq_import_report_free(&report);
}

static void change(struct world *w, const char *sql)
{
	assert_int_equal(hq_db_begin(w->db), 0);
	if (sqlite3_exec(hq_db_handle(w->db), sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(hq_db_handle(w->db)));
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static char *why(struct world *w, const char *id)
{
	struct buf out = {0};

	assert_int_equal(hq_why(hq_db_handle(w->db), &w->rules, id, &out), 1);
	buf_byte(&out, '\0');
	return (char *)out.data;
}

/* The line of this value, without its end; "" when there is none. */
static const char *line_of(const char *text, const char *name)
{
	static char line[1000];
	char start[64];
	const char *at;

	snprintf(start, sizeof start, "\n%s: ", name);
	at = strstr(text, start);
	snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at + 1, "\n") : 0, at ? at + 1 : "");
	return line;
}

static void link_both(struct world *w)
{
	change(w,
	       "INSERT INTO op(kind, ref, left, right, by_person, actor, why, made_us, seq) SELECT "
	       "'link',"
	       " randomblob(16), a.ref, b.ref, 1, 'eva', 'same', 0, 1000 FROM profile a, profile b"
	       " WHERE a.n = 1 AND b.n = 2; INSERT OR IGNORE INTO dirty(unit) VALUES(1)");
}

/* Take each fact away that a line names, until nothing is left: each time the value is another. */
static void a_value_goes_with_the_fact_that_its_line_names(void **state)
{
	static const char *const fields[] = {"first_name", "last_name", "tier", "city", "language"};
	struct world *w = *state;
	char *text, value[200], sql[300], ref[EVENT_ID_SIZE], hex[40];
	uint8_t bytes[EVENT_ID_BYTES];

	bring(w, "customer_id,first_name,last_name,tier,city,language\n"
	         "K1,Ana,Berg,silver,Bonn,de\nK2,Anne,Bergh,gold,Ulm,en\n");
	bring(w, "customer_id,first_name,tier\nK1,Anna,\nK2,,platinum\n");
	link_both(w);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		int taken = 0;
		for (;; taken++) {
			text = why(w, "C000002");
			snprintf(value, sizeof value, "%s", line_of(text, fields[i]));
			free(text);
			const char *fact = strstr(value, ", fact ");
			if (!fact)
				break;
			snprintf(ref, sizeof ref, "%s", fact + 7);
			assert_int_equal(text_unb64(ref, 22, bytes, sizeof bytes), EVENT_ID_BYTES);
			text_hex(bytes, sizeof bytes, hex);
			*strchr(value, ';') = '\0';
			snprintf(sql, sizeof sql,
			         "DELETE FROM unit_fact WHERE ref = x'%s'; INSERT OR IGNORE INTO"
			         " dirty(unit) VALUES(1)",
			         hex);
			change(w, sql);
			text = why(w, "C000002");
			const char *now = line_of(text, fields[i]);
			if (strncmp(now, value, strlen(value)) == 0 && now[strlen(value)] == ';')
				fail_msg("\"%s\" stands without its fact", value);
			free(text);
		}
		assert_int_equal(taken, i == 0 || i == 2 ? 3 : 2);
	}
	assert_string_equal(
	    world_text(w, "SELECT coalesce(first_name, '') || coalesce(tier, '') FROM profile"),
	    "");
}

static void no_value_is_without_a_line(void **state)
{
	struct world *w = *state;
	char *text;

	bring(w, "customer_id,first_name,last_name,email,phone,tier,points,points_as_of,birth_date,"
	         "consent_marketing_email\n"
	         "K1,Anna,Berg,anna@example.com,0151 27418395,gold,10,2026-01-01,1990-02-28,"
	         "granted 2026-01-02 v1 customer\n"
	         "K2,Anna,Berg,anna@example.com,,,,,,withdrawn\n");
	link_both(w);
	text = why(w, "C000001");
	for (const char *const *name =
	         (const char *const[]){"first_name", "last_name", "name", "tier", "birth_date",
	                               "state", "points", "identifier email", "identifier phone",
	                               NULL};
	     *name; name++) {
		if (!line_of(text, *name)[0])
			fail_msg("no line for %s in:\n%s", *name, text);
	}
	assert_non_null(strstr(text, "\nmatch C000001 and C000002: said by eva"));
	assert_non_null(strstr(text, "points of C000001: 10 imported as of 2026-01-01"));
	assert_non_null(strstr(text, "consent marketing_email to a***@e******.com: no, strictest"));
	assert_null(strstr(text, "anna@"));
	assert_null(strstr(text, "7418395"));
	free(text);
	struct buf out = {0};
	assert_int_equal(hq_why(hq_db_handle(w->db), &w->rules, "C000009", &out), 0);
	buf_free(&out);
}

/* Rule 7: an import may lower; it raises only with day, text and method. */
static void an_import_raises_only_with_its_proof(void **state)
{
	static const struct {
		const char *cell, *expected;
	} cells[] = {{"granted 2026-01-02 v1 customer", ": yes, latest"},
	             {"granted 2026-01-02 v1", ": no, import"},
	             {"granted", ": no, import"},
	             {"withdrawn", ": no, latest"},
	             {"refused 2026-01-02", ": no, latest"}};
	char csv[200], *text;

	(void)state;
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		struct world *w = world_new();
		snprintf(csv, sizeof csv, "customer_id,consent_profiling\nK1,%s\n", cells[i].cell);
		bring(w, csv);
		bring(w, csv);
		assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 1);
		text = why(w, "C000001");
		const char *line = line_of(text, "consent profiling");
		if (!strstr(line, cells[i].expected))
			fail_msg("%s: %s", cells[i].cell, line);
		free(text);
		world_free(w);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_value_goes_with_the_fact_that_its_line_names),
	    TEST(no_value_is_without_a_line),
	    cmocka_unit_test(an_import_raises_only_with_its_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
