#include "hq_import_world.h"

#include "hq/hint/hq_duplicates.h"
#include "hq/hint/hq_weights.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "store/db.h"

static void bring(struct world *w, const char *csv)
{
	world_import_at(w, csv, WORLD_WALL_US);
}

#define HEADER "customer_id,first_name,last_name,birth_date,street,postcode,phone,email\n"
#define ANNA "K1,Anna,Zwerenz,1980-02-03,Hauptstr. 7,04109,+493419999001,anna@example.com\n"
#define ANA "K2,Ana,Zwerenz,1980-02-03,Hauptstraße 7,04109,,anna2@example.com\n"
#define BO "K3,Bo,Lind,1951-07-30,Ring 3,80331,+493419999002,\n"

static json_t *ask(struct world *w, struct hq_duplicates_ask a)
{
	struct score_model *m = score_model_defaults();
	struct hq_units units;
	json_t *answer;

	a.model = m;
	a.list_max = a.list_max ? a.list_max : 100;
	assert_int_equal(hq_units_load(hq_db_handle(w->db), NULL, &units), 0);
	answer = hq_duplicates(hq_db_handle(w->db), &units, &a);
	assert_non_null(answer);
	hq_units_free(&units);
	score_model_free(m);
	return answer;
}

static int pairs(struct world *w, struct hq_duplicates_ask a)
{
	json_t *answer = ask(w, a);
	int n = (int)json_integer_value(json_object_get(answer, "pairs"));

	json_decref(answer);
	return n;
}

#define LIKELY                                                                                     \
	(struct hq_duplicates_ask)                                                                 \
	{                                                                                          \
		.mbit_min = SCORE_LIKELY_MBIT                                                      \
	}

static void two_records_of_one_person_are_listed_with_reasons_that_add_up(void **state)
{
	struct world *w = *state;
	json_t *answer, *pair, *r;
	int sum = 0;
	size_t i;

	bring(w, HEADER ANNA ANA BO);
	answer = ask(w, LIKELY);
	assert_int_equal(json_integer_value(json_object_get(answer, "pairs")), 1);
	pair = json_array_get(json_object_get(answer, "list"), 0);
	json_array_foreach(json_object_get(pair, "reasons"), i, r)
	{
		sum += (int)json_integer_value(json_object_get(r, "mbit"));
		assert_true(strlen(json_string_value(json_object_get(r, "words"))) > 3);
	}
	assert_int_equal(sum, json_integer_value(json_object_get(pair, "mbit")));
	assert_string_equal(json_string_value(json_object_get(pair, "week")), "2026-W47");
	assert_non_null(json_object_get(json_object_get(answer, "by_source"), "import + import"));
	assert_non_null(json_object_get(json_object_get(answer, "by_cause"), "born"));
	json_decref(answer);
}

static void a_list_shows_initials_and_the_postcode_and_no_more_of_anybody(void **state)
{
	struct world *w = *state;
	json_t *answer;
	char *text;

	bring(w, HEADER ANNA ANA BO);
	answer = ask(w, LIKELY);
	text = json_dumps(answer, 0);
	assert_non_null(strstr(text, "A... Z..., 04109"));
	assert_non_null(strstr(text, "C000001"));
	assert_null(strstr(text, "Zwerenz"));
	assert_null(strstr(text, "1980"));
	assert_null(strstr(text, "example.com"));
	assert_null(strstr(text, "9999001"));
	free(text);
	json_decref(answer);
}

/* The value that stands for the customer is the one that is compared. */
static void a_list_believes_whom_the_chain_believes(void **state)
{
	struct world *w = *state;

	bring(w, HEADER ANNA ANA BO);
	assert_int_equal(
	    sqlite3_exec(hq_db_handle(w->db),
	                 "INSERT INTO unit_fact(unit, ref, field, value, source, from_us, to_us)"
	                 " SELECT n, randomblob(16), f.name, f.value, 'till', 1, 1 FROM"
	                 " profile, (SELECT 'last_name' AS name, 'Other' AS value UNION ALL SELECT"
	                 " 'birth_date', '1931-12-09') f WHERE external = 'K2'",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(pairs(w, LIKELY), 0);
	assert_int_equal(sqlite3_exec(hq_db_handle(w->db),
	                              "INSERT INTO field_trust VALUES ('last_name', 'till', 0),"
	                              " ('birth_date', 'till', 0)",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(pairs(w, LIKELY), 1);
}

static void say(struct world *w, enum hq_op_kind kind, const char *a, const char *b)
{
	struct hq_op op = {
	    .kind = kind, .by_person = true, .actor = "eve", .why = "asked", .made_us = w->wall_us};
	char sql[120];

	for (int i = 0; i < 2; i++) {
		snprintf(sql, sizeof sql,
		         "SELECT lower(hex(ref)) FROM profile WHERE external = '%s'", i ? b : a);
		assert_true(text_unhex(world_text(w, sql), (i ? &op.right : &op.left)->byte, 16));
	}
	assert_int_equal(hq_db_begin(w->db), 0);
	op.at.seq = hq_unit_sequence(w->db);
	assert_true(hq_op_add(w->db, &op, NULL));
	while (hq_persons_fold(w->db, &w->scope, w->wall_us, 1000) > 0)
		continue;
	assert_int_equal(hq_db_commit(w->db), 0);
}

static void who_is_known_to_be_one_or_to_be_two_is_not_listed_again(void **state)
{
	struct world *w = *state;

	bring(w, HEADER ANNA ANA BO);
	assert_int_equal(pairs(w, LIKELY), 1);
	say(w, HQ_OP_APART, "K2", "K1");
	assert_int_equal(pairs(w, LIKELY), 0);
}

static void a_link_takes_a_pair_off_the_list(void **state)
{
	struct world *w = *state;

	bring(w, HEADER ANNA ANA BO);
	say(w, HQ_OP_LINK, "K1", "K2");
	assert_int_equal(world_number(w, "SELECT count(DISTINCT person) FROM profile"), 2);
	assert_int_equal(pairs(w, LIKELY), 0);
}

/* Three records, two of them one person by a link: one pair of persons, not two of records. */
static void persons_are_listed_and_not_their_records(void **state)
{
	struct world *w = *state;

	bring(w, HEADER ANNA ANA "K4,Anna,Zwerenz,1980-03-02,Hauptstr. 7,04109,,\n");
	assert_int_equal(pairs(w, LIKELY), 3);
	say(w, HQ_OP_LINK, "K1", "K2");
	assert_int_equal(pairs(w, LIKELY), 1);
}

static void a_list_can_be_asked_by_source_time_and_score(void **state)
{
	struct world *w = *state;

	world_import_at(w, HEADER ANNA BO, WORLD_WALL_US - 86400000000);
	bring(w, HEADER ANA);
	assert_int_equal(pairs(w, (struct hq_duplicates_ask){.mbit_min = 3322, .source = "import"}),
	                 1);
	assert_int_equal(pairs(w, (struct hq_duplicates_ask){.mbit_min = 3322, .source = "till"}),
	                 0);
	assert_int_equal(
	    pairs(w, (struct hq_duplicates_ask){.mbit_min = 3322, .since_us = WORLD_WALL_US}), 1);
	assert_int_equal(pairs(w, (struct hq_duplicates_ask){.mbit_min = 3322,
	                                                     .since_us = WORLD_WALL_US + 1000}),
	                 0);
	assert_int_equal(pairs(w, (struct hq_duplicates_ask){.mbit_min = 60000}), 0);
}

static void weights_are_kept_beside_the_database_and_a_broken_file_is_named(void **state)
{
	struct world *w = *state;
	struct score_model *m = score_model_defaults(), *back;
	char err[300], path[200];
	FILE *out;

	assert_int_equal(hq_weights_read(w->dir, &back, err, sizeof err), 0);
	assert_null(back);
	assert_int_equal(hq_weights_write(w->dir, m, err, sizeof err), 0);
	assert_int_equal(hq_weights_read(w->dir, &back, err, sizeof err), 0);
	assert_string_equal(score_model_version(back), score_model_version(m));
	score_model_free(back);
	snprintf(path, sizeof path, "%s/hq.weights", w->dir);
	out = fopen(path, "w");
	fputs("{}", out);
	fclose(out);
	assert_int_equal(hq_weights_read(w->dir, &back, err, sizeof err), -1);
	assert_non_null(strstr(err, "hq.weights: weights: version"));
	assert_int_equal(hq_weights_write("/nowhere", m, err, sizeof err), -1);
	score_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
	    TEST(two_records_of_one_person_are_listed_with_reasons_that_add_up),
	    TEST(a_list_shows_initials_and_the_postcode_and_no_more_of_anybody),
	    TEST(who_is_known_to_be_one_or_to_be_two_is_not_listed_again),
	    TEST(a_link_takes_a_pair_off_the_list),
	    TEST(a_list_believes_whom_the_chain_believes),
	    TEST(persons_are_listed_and_not_their_records),
	    TEST(a_list_can_be_asked_by_source_time_and_score),
	    TEST(weights_are_kept_beside_the_database_and_a_broken_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
