/* `profile --why`: every value has its line, and what a line names is what makes it so. */
#include "hq_import_world.h"
#include "why_line.h"

#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_unit.h"
#include "hq/identity/hq_why.h"
#include "identity/field.h"

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

	assert_int_equal(hq_why(hq_db_handle(w->db), &w->scope, id, &out), 1);
	buf_byte(&out, '\0');
	return (char *)out.data;
}

static void link_both(struct world *w)
{
	change(w,
	       "INSERT INTO op(kind, ref, left, right, by_person, actor, why, made_us, seq) SELECT "
	       "'link',"
	       " randomblob(16), a.ref, b.ref, 1, 'eva', 'same', 0, 1000 FROM profile a, profile b"
	       " WHERE a.n = 1 AND b.n = 2; INSERT OR IGNORE INTO dirty(unit) VALUES(1)");
}

/* The reference behind this word, as SQL has it. */
static bool hex_behind(const char *line, const char *word, char hex[40])
{
	uint8_t bytes[EVENT_ID_BYTES];
	const char *at = strstr(line, word);

	if (!at ||
	    text_unb64(at + strlen(word), EVENT_ID_SIZE - 1, bytes, sizeof bytes) != EVENT_ID_BYTES)
		return false;
	text_hex(bytes, sizeof bytes, hex);
	return true;
}

/* What stands in front of the first ';': the value. Of a consent yes or no is. */
static void value_of(const char *line, char out[200])
{
	snprintf(out, 200, "%.*s", (int)strcspn(line, ";"), line);
}

/* Take away what the line names, until there is no such line. How often. */
static int take_away_until_nothing_is_left(struct world *w, const char *name, const char *word,
                                           const char *table)
{
	char *text, was[200], now[200], sql[300], hex[40];
	int taken = 0;

	for (;; taken++) {
		text = why(w, "C000002");
		const char *line = line_of(text, name);
		value_of(line, was);
		bool named = hex_behind(line, word, hex);
		free(text);
		if (!named)
			return taken;
		snprintf(sql, sizeof sql,
		         "DELETE FROM %s WHERE ref = x'%s'; INSERT OR IGNORE INTO dirty(unit)"
		         " VALUES(1), (2)",
		         table, hex);
		change(w, sql);
		text = why(w, "C000002");
		value_of(line_of(text, name), now);
		if (strcmp(now, was) == 0)
			fail_msg("\"%s\" stands without what it names", was);
		free(text);
	}
}

static void say(struct world *w, int64_t unit, const char *field, const char *value,
                const char *source)
{
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_true(hq_unit_say(w->db, &(struct hq_said){.unit = unit,
	                                                 .field = field,
	                                                 .value = value,
	                                                 .source = source,
	                                                 .from_us = w->wall_us += 1000000,
	                                                 .to_us = w->wall_us}));
	assert_int_equal(hq_db_commit(w->db), 0);
}

#define CLAIM "AAAAAAAAAAAAAAAAAAAAAQ"

/* Every field that there is. */
static void a_value_goes_with_the_fact_that_its_line_names(void **state)
{
	static const char *const values[FIELD_COUNT][3] = {
	    [FIELD_FIRST_NAME] = {"Ana", "Anne", "Anna"},
	    [FIELD_LAST_NAME] = {"Berg", "Bergh", "Lind"},
	    [FIELD_NAME] = {"Ana Berg", "Anne Bergh", "Anna Lind"},
	    [FIELD_BIRTH_DATE] = {"1990-02-28", "1990-02-27", "1990-02-26"},
	    [FIELD_LANGUAGE] = {"de", "en", "fr"},
	    [FIELD_STREET] = {"Hof 1", "Hof 2", "Hof 3"},
	    [FIELD_POSTCODE] = {"10115", "10117", "10119"},
	    [FIELD_CITY] = {"Bonn", "Ulm", "Kiel"},
	    [FIELD_COUNTRY] = {"DE", "AT", "CH"},
	    [FIELD_TIER] = {"silver", "gold", "platinum"},
	    [FIELD_STATE] = {"active", "restricted", "confidential"},
	    [FIELD_NOTE] = {"quiet", "invoice", "no_bag"},
	    [FIELD_AGE_OK] = {"yes", "no", "yes"},
	    [FIELD_CONTACT] = {CLAIM ":ok", CLAIM ":bounced", CLAIM ":wrong_person"}};
	struct world *w = *state;

	world_import(w, "customer_id\nK1\nK2\n");
	link_both(w);
	for (int f = 0; f < FIELD_COUNT; f++) {
		const char *name = field_name((enum field)f);
		say(w, 1, name, values[f][0], "import");
		say(w, 2, name, values[f][1], "hq");
		say(w, 1, name, values[f][2], "steward");
	}
	for (int f = 0; f < FIELD_COUNT; f++) {
		/* of a name that somebody took apart the parts are explained */
		if (f == FIELD_NAME)
			continue;
		if (take_away_until_nothing_is_left(w, field_name((enum field)f), ", fact ",
		                                    "unit_fact") != 3)
			fail_msg("%s", field_name((enum field)f));
	}
	assert_int_equal(take_away_until_nothing_is_left(w, "name", ", fact ", "unit_fact"), 3);
	assert_int_equal(world_number(w, "SELECT count(*) FROM unit_fact"), 0);
	assert_string_equal(
	    world_text(w, "SELECT coalesce(first_name, '') || coalesce(tier, '') ||"
	                  " coalesce(name, '') || coalesce(language, '') FROM profile WHERE n = 1"),
	    "");
}

static void a_consent_goes_with_the_choice_that_its_line_names(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id,consent_profiling,consent_marketing_post\n"
	                "K1,granted 2026-01-02 v1 customer,withdrawn 2026-03-01\n"
	                "K2,refused 2026-02-02,granted 2026-03-02 v1 customer\n");
	link_both(w);
	/* the two values differ each time: no, yes, nothing recorded */
	assert_int_equal(
	    take_away_until_nothing_is_left(w, "consent profiling", ", choice ", "choice"), 2);
	assert_int_equal(
	    take_away_until_nothing_is_left(w, "consent marketing_post", ", choice ", "choice"), 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 0);
}

static void a_match_goes_with_the_link_that_its_line_names(void **state)
{
	struct world *w = *state;
	char *text, sql[200], hex[40];

	world_import(w, "customer_id,first_name\nK1,Anna\nK2,Anne\n");
	link_both(w);
	text = why(w, "C000002");
	const char *line = line_of(text, "match C000001 and C000002");
	assert_true(hex_behind(line, "; link ", hex));
	free(text);
	snprintf(sql, sizeof sql,
	         "DELETE FROM op WHERE ref = x'%s'; INSERT OR IGNORE INTO dirty(unit) VALUES(1)",
	         hex);
	change(w, sql);
	text = why(w, "C000002");
	assert_string_equal(line_of(text, "match C000001 and C000002"), "");
	assert_int_equal(strncmp(line_of(text, "first_name"), "first_name: Anne;", 17), 0);
	free(text);
}

static void two_with_one_phone_who_are_not_one_are_told_why(void **state)
{
	struct world *w = *state;
	char *text;

	world_import(
	    w, "customer_id,first_name,phone\nK1,Anna,0151 27418395\nK2,Anna,0151 27418395\n");
	text = why(w, "C000002");
	assert_non_null(strstr(text,
	                       "\nno match C000001 and C000002: both have phone +4**********95, but"
	                       " not both have proven it, by rules 1; link "));
	free(text);
	change(w, "UPDATE profile SET confirmed = 0; INSERT OR IGNORE INTO dirty(unit) VALUES(1)");
	text = why(w, "C000001");
	assert_non_null(
	    strstr(text, ", but who was enrolled first could be known where the other was,"));
	free(text);
	link_both(w);
	text = why(w, "C000001");
	assert_null(strstr(text, "no match"));
	free(text);
}

static void no_value_is_without_a_line(void **state)
{
	struct world *w = *state;
	char *text;

	world_import(
	    w, "customer_id,first_name,last_name,email,phone,tier,points,points_as_of,birth_date,"
	       "consent_marketing_email\n"
	       "K1,Anna,Berg,anna@example.com,0151 27418395,gold,10,2026-01-01,1990-02-28,"
	       "granted 2026-01-02 v1 customer\n"
	       "K2,Anna,Berg,anna@example.com,,,,,,withdrawn\n");
	link_both(w);
	text = why(w, "C000001");
	for (const char *const *name =
	         (const char *const[]){"first_name", "last_name", "name", "tier", "birth_date",
	                               "state", "points", "visits", "spend", "identifier email",
	                               "identifier phone", NULL};
	     *name; name++) {
		if (!line_of(text, *name)[0])
			fail_msg("no line for %s in:\n%s", *name, text);
	}
	assert_non_null(strstr(text, "\nmatch C000001 and C000002: said by eva"));
	assert_non_null(strstr(text, "; +10 imported for C000001 as of 2026-01-01"));
	assert_non_null(strstr(text, "consent marketing_email to a***@e******.com: no, strictest"));
	assert_null(strstr(text, "anna@"));
	assert_null(strstr(text, "7418395"));
	free(text);
	struct buf out = {0};
	assert_int_equal(hq_why(hq_db_handle(w->db), &w->scope, "C000009", &out), 0);
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
		world_import(w, csv);
		world_import(w, csv);
		assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 1);
		text = why(w, "C000001");
		const char *line = line_of(text, "consent profiling");
		if (!strstr(line, cells[i].expected))
			fail_msg("%s: %s", cells[i].cell, line);
		free(text);
		world_free(w);
	}
}

/* ---- sums: points, visits, spend ---- */

#define FIRST_US "1795000000000000"

/* n orders with a visit each, the newest with one more, and as many points entries, in turn of two
 * records; the oldest first. */
static struct world *with_sums(int n)
{
	struct world *w = world_new();
	char sql[1400];

	world_import(w, "customer_id,points,points_as_of\nK1,1000,2026-01-01\nK2,,\n");
	link_both(w);
	snprintf(sql, sizeof sql,
	         "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i <= %d)"
	         " INSERT INTO sale(order_id, owner, visit, time_us, amount, refunded, cancelled, "
	         "training,"
	         " currency, items, kind) SELECT printf('s1/T1/2026-11-21/%%02d', i), CASE i %% 2 "
	         "WHEN 0 THEN"
	         " 'C000001' ELSE 'C000002' END, 'V' || min(i, %d), " FIRST_US
	         " + i * 60000000, 100 * i, 0, 0,"
	         " 0, 'EUR', '[{\"name\":\"Milk ' || i || '\"}]', '' FROM k",
	         n, n);
	change(w, sql);
	snprintf(sql, sizeof sql,
	         "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d)"
	         " INSERT INTO points_entry SELECT CAST(printf('%%016d', i) AS BLOB), 1 + i %% 2, "
	         "NULL, 'earn', i,"
	         " NULL, " FIRST_US " + i * 60000000, 0, i FROM k;"
	         /* in the import already */
	         "INSERT INTO points_entry VALUES(x'%032d', 1, NULL, 'earn', 7, NULL, "
	         "1700000000000000, 0, 99);"
	         "INSERT OR IGNORE INTO dirty(unit) VALUES(1), (2)",
	         n, 1);
	change(w, sql);
	return w;
}

/* Does the value of this line go when this is done? A word of more than one letter: the line named
 * it. */
static void goes(struct world *w, const char *name, const char *sql)
{
	char was[200], now[200], all[400];
	char *text = why(w, "C000001");

	value_of(line_of(text, name), was);
	free(text);
	snprintf(all, sizeof all, "%s; INSERT OR IGNORE INTO dirty(unit) VALUES(1), (2)", sql);
	change(w, all);
	text = why(w, "C000001");
	value_of(line_of(text, name), now);
	free(text);
	if (strcmp(was, now) == 0)
		fail_msg("\"%s\" stands without what it names: %s", was, sql);
}

/* The word behind "; <what> " of the line; "" when there is none. */
static const char *named(struct world *w, const char *name, const char *what)
{
	static char word[64];
	char mark[32];
	char *text = why(w, "C000001");
	const char *line = line_of(text, name), *at;

	snprintf(mark, sizeof mark, "; %s ", what);
	at = strstr(line, mark);
	snprintf(word, sizeof word, "%.*s", at ? (int)strcspn(at + strlen(mark), " ;") : 0,
	         at ? at + strlen(mark) : "");
	free(text);
	return word;
}

/* One after the other, until nothing is named. How many there were. */
static int each_goes(struct world *w, const char *name, const char *what, const char *sql)
{
	char one[200], hex[40] = "";
	uint8_t bytes[EVENT_ID_BYTES];
	int n = 0;

	for (const char *word; (word = named(w, name, what))[0]; n++) {
		if (strcmp(what, "entry") == 0) {
			assert_int_equal(text_unb64(word, strlen(word), bytes, sizeof bytes),
			                 EVENT_ID_BYTES);
			text_hex(bytes, sizeof bytes, hex);
			word = hex;
		}
		snprintf(one, sizeof one, sql, word);
		goes(w, name, one);
	}
	return n;
}

static void a_sum_goes_with_each_entry_that_its_line_names(void **state)
{
	static const struct {
		const char *name, *what, *sql;
		int n;
	} lines[] = {
	    {"points", "entry", "DELETE FROM points_entry WHERE ref = x'%s'", 20},
	    {"visits", "visit", "DELETE FROM sale WHERE visit = '%s'", 20},
	    {"spend", "order", "DELETE FROM sale WHERE order_id = '%s'", 21},
	    {"last_seen", "order", "DELETE FROM sale WHERE order_id = '%s'", 21},
	    {"last_items", "order", "DELETE FROM sale WHERE order_id = '%s'", 21},
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct world *w = with_sums(20);
		assert_int_equal(each_goes(w, lines[i].name, lines[i].what, lines[i].sql),
		                 lines[i].n);
		world_free(w);
	}
}

/* All of them, and no others: named ones stand. */
static void a_sum_goes_with_those_that_its_line_only_counts(void **state)
{
	static const struct {
		const char *name, *more, *sql;
	} lines[] = {
	    {"points", "; and 12 more, +78 in all, since 2026-11-18T",
	     "DELETE FROM points_entry WHERE seq <= 12"},
	    {"visits", "; and 12 more, since 2026-11-18T", "DELETE FROM sale WHERE amount <= 1200"},
	    {"spend", "; and 13 more, +9100 in all, since 2026-11-18T",
	     "DELETE FROM sale WHERE amount <= 1300"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct world *w = with_sums(20);
		char *text = why(w, "C000001");
		if (!strstr(line_of(text, lines[i].name), lines[i].more))
			fail_msg("%s", line_of(text, lines[i].name));
		free(text);
		goes(w, lines[i].name, lines[i].sql);
		text = why(w, "C000001");
		assert_null(strstr(line_of(text, lines[i].name), " more"));
		free(text);
		world_free(w);
	}
}

static void what_was_imported_is_named_with_its_day_and_what_is_in_it_is_not(void **state)
{
	struct world *w = with_sums(2);
	char *text = why(w, "C000001");

	(void)state;
	assert_non_null(strstr(line_of(text, "points"), "points: 1003 as of 2026-11-18T"));
	assert_non_null(
	    strstr(line_of(text, "points"), "; +1000 imported for C000001 as of 2026-01-01"));
	assert_null(strstr(line_of(text, "points"), " +7 "));
	free(text);
	goes(w, "points", "UPDATE profile SET base_points = NULL, base_as_of = NULL WHERE n = 1");
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

/* While customers are folded by a new table, some stand by the one before it. */
static void each_line_says_by_which_version_of_the_rules_it_stands(void **state)
{
	struct world *w = *state;
	char *text;

	world_import(w, "customer_id,phone\nK1,+4915127418395\nK2,\n");
	link_both(w);
	strcpy(w->rules.version, "8");
	change(w, "UPDATE claim SET rules = '7'");
	text = why(w, "C000001");
	assert_non_null(
	    strstr(line_of(text, "identifier phone"), "; rule phone_exact of rules 7, "));
	assert_non_null(strstr(text, "\"same\", holds by rules 1; link "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_line_says_by_which_version_of_the_rules_it_stands,
	                                    world_set_up, world_tear_down),
	    TEST(a_value_goes_with_the_fact_that_its_line_names),
	    TEST(a_consent_goes_with_the_choice_that_its_line_names),
	    TEST(a_match_goes_with_the_link_that_its_line_names),
	    TEST(two_with_one_phone_who_are_not_one_are_told_why),
	    TEST(no_value_is_without_a_line),
	    cmocka_unit_test(a_sum_goes_with_each_entry_that_its_line_names),
	    cmocka_unit_test(a_sum_goes_with_those_that_its_line_only_counts),
	    cmocka_unit_test(what_was_imported_is_named_with_its_day_and_what_is_in_it_is_not),
	    cmocka_unit_test(an_import_raises_only_with_its_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
