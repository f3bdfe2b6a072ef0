/* The chain's rule table: tried out, published, taken back, and whom it is that it changes. */
#include "hq_world.h"

#include <jansson.h>

#include "hq/base/hq_conf.h"
#include "hq/identity/hq_import.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_publish.h"
#include "hq/identity/hq_rules_show.h"
#include "hq/identity/hq_watch.h"

#define CARD "2600100000016"
#define PERSONS "SELECT n || '>' || person FROM profile ORDER BY n"
#define BLOCKS "{\"blocked\":[{\"kind\":\"loyalty\",\"value\":\"" CARD "\"}]}"
/* All that stands of anybody, without the versions by which it does. */
#define STATE                                                                                      \
	"SELECT n || person || state || coalesce(name, '') || hex(digest) FROM profile UNION ALL " \
	"SELECT id || fate || coalesce(reason, '') FROM claim UNION ALL SELECT id || state FROM "  \
	"ident UNION ALL SELECT hex(id) || fate FROM joined UNION ALL SELECT cause || key FROM "   \
	"review"

static struct hq_conf conf;
static struct hq_rules rules;

static void open_rules(struct world *w)
{
	char err[300];

	conf = (struct hq_conf){.currency = "EUR", .rules = w->forms};
	if (hq_rules_open(&rules, w->db, &conf, err, sizeof err) != 0)
		fail_msg("%s", err);
}

static int set_up(void **state)
{
	world_set_up(state);
	open_rules(*state);
	return 0;
}

static int tear_down(void **state)
{
	hq_rules_free(&rules);
	return world_tear_down(state);
}

static void bring(struct world *w, const char *csv)
{
	struct hq_import_report report = {0};
	struct hq_import_piece piece = {
	    .csv = csv, .len = strlen(csv), .first_line = 2, .as_of_us = w->wall_us += 1000000};

	piece.began_us = piece.as_of_us;
	if (hq_import_rows(w->db, &rules.scope, &piece, &report) != 0)
		fail_msg("%s", piece.err);
	hq_import_report_free(&report);
}

/* All that is marked, some at a time. */
static void fold(struct world *w)
{
	int more = 1;

	while (more > 0) {
		assert_int_equal(hq_db_begin(w->db), 0);
		more = hq_persons_fold(w->db, &rules.scope, w->wall_us, 1);
		assert_int_equal(hq_db_commit(w->db), 0);
	}
	assert_int_equal(more, 0);
}

/* Two enrolments, as the rules see them, whom a card made one. */
static void two_on_a_card(struct world *w)
{
	bring(w, "customer_id,first_name,loyalty\nK1,Anna," CARD "\nK2,Anna," CARD "\n");
	sqlite3_exec(hq_db_handle(w->db),
	             "UPDATE profile SET confirmed = 0;INSERT OR IGNORE INTO dirty(unit) SELECT n "
	             "FROM profile",
	             NULL, NULL, NULL);
	fold(w);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
}

static json_t *ask(struct world *w, const char *action, const char *table, int after, char *err)
{
	const struct hq_publish p = {w->db, &rules, w->wall_us, false};
	json_t *question = json_pack("{s:s,s:i}", "action", action, "after", after), *answer,
	       *t = table ? json_loads(table, 0, NULL) : NULL;

	if (t && strcmp(action, "publish") == 0 && !json_object_get(t, "reason")) {
		json_object_set_new(t, "author", json_string("Ida"));
		json_object_set_new(t, "reason", json_string("a test"));
	}
	if (t)
		json_object_set_new(question, "table", t);
	answer = hq_publish_do(&p, question, err, 400);
	json_decref(question);
	return answer;
}

/* The figures that are not 0, of all pieces. */
static const char *preview(struct world *w, const char *table, int *pieces)
{
	static char text[400];
	char err[400] = "";
	json_t *sum = json_object(), *figure;
	const char *name;
	int after = 0, n = 0;
	bool more = true;

	for (; more; n++) {
		json_t *answer = ask(w, "preview", table, after, err);
		if (!answer)
			fail_msg("%s", err);
		hq_watch_add(sum, json_object_get(answer, "figures"));
		more = json_is_true(json_object_get(answer, "more"));
		after = (int)json_integer_value(json_object_get(answer, "after"));
		json_decref(answer);
	}
	text[0] = '\0';
	json_object_foreach(sum, name, figure)
	{
		int count = (int)json_integer_value(json_object_get(figure, "count"));
		const char *first =
		    json_string_value(json_array_get(json_object_get(figure, "first"), 0));
		if (count > 0)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %d %s",
			         text[0] ? ", " : "", name, count, first ? first : "-");
	}
	json_decref(sum);
	if (pieces)
		*pieces = n;
	return text;
}

static void publish(struct world *w, const char *table, int version)
{
	char err[400] = "";
	json_t *answer = ask(w, "publish", table, 0, err);

	if (!answer)
		fail_msg("%s", err);
	assert_int_equal(json_integer_value(json_object_get(answer, "version")), version);
	json_decref(answer);
}

static void what_a_table_would_change_is_said_and_not_done(void **state)
{
	struct world *w = *state;

	two_on_a_card(w);
	uint64_t turn = hq_db_turn(w->db);
	assert_string_equal(
	    preview(w, BLOCKS, NULL),
	    "parted 1 C000002, blocked 1 C000001, claims 2 C000001, lines 2 C000001");
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	assert_int_equal(hq_db_turn(w->db), turn);
	assert_int_equal(hq_rules_left(w->db), 0);
	assert_int_equal(rules.version, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM rule_table"), 0);
}

static void a_published_table_has_a_version_an_author_and_a_reason_and_folds_everybody(void **state)
{
	struct world *w = *state;

	two_on_a_card(w);
	assert_string_equal(world_text(w, "SELECT DISTINCT rules FROM claim"), "1");
	publish(w, BLOCKS, 2);
	assert_int_equal(rules.version, 2);
	assert_string_equal(rules.table.version, "2");
	assert_int_equal(hq_rules_left(w->db), 1);
	assert_string_equal(world_text(w, "SELECT version || author || reason FROM rule_table"),
	                    "2Idaa test");
	fold(w);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	assert_string_equal(world_text(w, "SELECT DISTINCT rules FROM claim"), "2");
	assert_string_equal(world_text(w, "SELECT DISTINCT rules FROM ident"), "2");
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "blocked");
}

static void an_old_table_published_again_gives_the_old_state_byte_for_byte(void **state)
{
	struct world *w = *state;

	two_on_a_card(w);
	char *before = strdup(world_text(w, STATE));
	publish(w, BLOCKS, 2);
	fold(w);
	assert_string_not_equal(world_text(w, STATE), before);
	publish(w, "{}", 3);
	fold(w);
	assert_string_equal(world_text(w, STATE), before);
	assert_string_equal(world_text(w, "SELECT DISTINCT rules FROM joined"), "3");
	free(before);
}

static void who_ends_in_the_middle_of_folding_goes_on_where_it_was(void **state)
{
	struct world *w = *state;

	two_on_a_card(w);
	bring(w, "customer_id,first_name\nK3,Ben\nK4,Cem\n");
	publish(w, BLOCKS, 2);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(hq_persons_fold(w->db, &rules.scope, w->wall_us, 1), 1);
	assert_int_equal(hq_db_commit(w->db), 0);
	int64_t left = hq_rules_left(w->db);
	assert_int_equal(left, 2);
	hq_rules_free(&rules);
	world_close(w);
	world_open(w);
	open_rules(w);
	assert_int_equal(rules.version, 2);
	assert_int_equal(hq_rules_left(w->db), left);
	fold(w);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2,3>3,4>4");
}

/* While customers of the last table wait, what they will be is not known. */
static void nothing_is_tried_out_or_published_while_customers_are_folded(void **state)
{
	struct world *w = *state;
	char err[400] = "";
	json_t *answer;

	two_on_a_card(w);
	publish(w, BLOCKS, 2);
	for (int i = 0; i < 2; i++) {
		answer = ask(w, i ? "preview" : "publish", "{}", 0, err);
		assert_int_equal(json_integer_value(json_object_get(answer, "left")), 1);
		assert_null(json_object_get(answer, "version"));
		assert_null(json_object_get(answer, "figures"));
		json_decref(answer);
	}
	assert_int_equal(rules.version, 2);
}

/* The first and the last of them have one card, and are two; the pieces are of 500. */
static void a_component_counts_once_in_whatever_pieces_it_lies(void **state)
{
	struct world *w = *state;
	struct buf csv = {0};
	int pieces;

	buf_str(&csv, "customer_id,loyalty\n");
	for (int i = 0; i < 1100; i++)
		buf_printf(&csv, "K%04d,%s\n", i, i == 0 || i == 1099 ? CARD : "");
	buf_byte(&csv, '\0');
	bring(w, (char *)csv.data);
	buf_free(&csv);
	assert_string_equal(world_text(w, "SELECT cause FROM review ORDER BY 1"),
	                    "several,two_confirmed");
	assert_string_equal(preview(w, BLOCKS, &pieces),
	                    "blocked 1 C000001, claims 2 C000001, unlisted 2 C000001, lines 2 "
	                    "C000001");
	assert_true(pieces >= 3);
}

static void a_version_is_never_changed_or_taken_away(void **state)
{
	struct world *w = *state;
	sqlite3 *sql = hq_db_handle(w->db);

	publish(w, BLOCKS, 2);
	assert_int_not_equal(
	    sqlite3_exec(sql, "UPDATE rule_table SET reason = 'x'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(sql, "DELETE FROM rule_table", NULL, NULL, NULL),
	                     SQLITE_OK);
}

static void what_cannot_be_published_is_said_with_why(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *table, *says;
	} wrong[] = {
	    {"{\"version\":\"7\"}", "made from version 7, but version 1 is in force"},
	    {"{}", "nothing would change: it says what version 1 says"},
	    {"{\"version\":\"1\"}", "nothing would change"},
	    {"{\"rule\":[]}", "\"rule\" is not known here"},
	    {"{\"reason\":\"4111111111111111\",\"author\":\"a\",\"guard\":{\"clean_days\":9}}",
	     "the reason holds a card number"},
	    {"{\"reason\":\"no author\",\"guard\":{\"clean_days\":9}}", "expected an author"},
	    {"[]", "expected a JSON object"},
	};
	char err[400];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_null(ask(w, "publish", wrong[i].table, 0, err));
		if (!strstr(err, wrong[i].says))
			fail_msg("%s: not %s", err, wrong[i].says);
	}
	assert_null(ask(w, "pubish", "{}", 0, err));
	assert_non_null(strstr(err, "expected preview, publish or left"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM rule_table"), 0);
}

/* It was published by a life of this database that is lost: its number is not given twice. */
static void a_new_version_is_above_all_that_stores_hold(void **state)
{
	struct world *w = *state;

	sqlite3_exec(hq_db_handle(w->db),
	             "INSERT INTO store_rules VALUES(1, 'd1', '6', '', '', 0);"
	             "INSERT INTO store_rules VALUES(1, 'd2', '9223372036854775807', '', '', 0);"
	             "INSERT INTO store_rules VALUES(1, 'd3', 'own', '', '', 0)",
	             NULL, NULL, NULL);
	publish(w, BLOCKS, 7);
}

/* Stores may hold version 3 of a life that is lost here. */
static void a_database_that_was_restored_gives_no_number_twice(void **state)
{
	struct world *w = *state;
	struct hq_db_restored why = {.cause = "mark", .detail = "a copy", .turn = 500};

	publish(w, BLOCKS, 2);
	fold(w);
	assert_int_equal(hq_db_renew(w->db, &why), 0);
	uint64_t turn = hq_db_turn(w->db);
	assert_true(turn > 500);
	publish(w, "{}", (int)turn + 1);
	fold(w);
	publish(w, BLOCKS, (int)turn + 2);
}

static void everybody_is_folded_when_a_release_delivers_another_table(void **state)
{
	struct world *w = *state;

	two_on_a_card(w);
	hq_rules_free(&rules);
	open_rules(w);
	assert_int_equal(hq_rules_left(w->db), 0);
	sqlite3_exec(hq_db_handle(w->db), "UPDATE meta SET value = '{}' WHERE name = 'rules'", NULL,
	             NULL, NULL);
	hq_rules_free(&rules);
	open_rules(w);
	assert_int_equal(hq_rules_left(w->db), 1);
}

static void the_differences_stand_in_words_without_a_value(void **state)
{
	struct world *w = *state;
	struct rule_set is;
	struct buf faults = {0};
	const char *text =
	    "{\"guard\":{\"persons_max\":4},\"rules\":[{\"kind\":\"phone\",\"limit\":"
	    "3,\"unique\":true}],\"blocked\":[{\"value\":\"" CARD "\"}]}";

	assert_int_equal(rule_draft(text, strlen(text), &w->forms, &is, &faults), 0);
	json_t *diff = hq_rules_diff(&rules.table, &is);
	char *said = json_dumps(diff, JSON_COMPACT);
	assert_string_equal(said,
	                    "[\"phone: limit 5, then 3\",\"phone: unique no, then yes\",\"guard: "
	                    "persons_max 3, then 4\",\"blocked: 1 of loyalty more\"]");
	free(said);
	json_decref(diff);
	diff = hq_rules_diff(&is, &rules.table);
	assert_string_equal(json_string_value(json_array_get(diff, 3)),
	                    "blocked: 1 of loyalty less");
	json_decref(diff);
	json_t *shown = hq_rules_show(hq_db_handle(w->db), 1, &is);
	said = json_dumps(shown, JSON_COMPACT);
	assert_null(strstr(said, CARD));
	assert_non_null(strstr(said, "{\"list\":\"blocked\",\"kind\":\"loyalty\",\"count\":1}"));
	free(said);
	json_decref(shown);
	rule_free(&is);
	buf_free(&faults);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_a_table_would_change_is_said_and_not_done),
	    TEST(a_published_table_has_a_version_an_author_and_a_reason_and_folds_everybody),
	    TEST(an_old_table_published_again_gives_the_old_state_byte_for_byte),
	    TEST(who_ends_in_the_middle_of_folding_goes_on_where_it_was),
	    TEST(nothing_is_tried_out_or_published_while_customers_are_folded),
	    TEST(a_component_counts_once_in_whatever_pieces_it_lies),
	    TEST(a_version_is_never_changed_or_taken_away),
	    TEST(what_cannot_be_published_is_said_with_why),
	    TEST(a_new_version_is_above_all_that_stores_hold),
	    TEST(a_database_that_was_restored_gives_no_number_twice),
	    TEST(everybody_is_folded_when_a_release_delivers_another_table),
	    TEST(the_differences_stand_in_words_without_a_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
