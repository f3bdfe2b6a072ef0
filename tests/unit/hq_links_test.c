/* What a steward does about links: looked at before it is done, and taken back. */
#include "hq_import_world.h"

#include <jansson.h>

#include "hq/base/hq_secret.h"
#include "hq/identity/hq_links.h"

#define CARD_0 "2600000000000"
#define PERSONS "SELECT n || '>' || person FROM profile ORDER BY n"

/* The answer, to be dropped; NULL with its sentence in *err. */
static json_t *ask(struct world *w, json_t *what, bool yes, char err[300])
{
	struct hq_links l = {w->db, &w->scope, w->wall_us};
	json_t *answer;

	json_object_set_new(what, "reason", json_string("test"));
	json_object_set_new(what, "actor", json_string("eva"));
	json_object_set_new(what, "yes", json_boolean(yes));
	answer = hq_links_do(&l, what, err, 300);
	json_decref(what);
	return answer;
}

static json_t *two(const char *action, const char *first, const char *second)
{
	return json_pack("{s:s,s:s,s:s}", "action", action, "first", first, "second", second);
}

/* Done; what was changed as "customer:was>is". The reference goes to id. */
static void expect(struct world *w, json_t *what, bool yes, const char *changes, char id[24])
{
	char err[300] = "", text[300] = "";
	json_t *answer = ask(w, what, yes, err), *list, *row;
	size_t i;

	if (!answer)
		fail_msg("%s", err);
	list = json_object_get(answer, "changes");
	json_array_foreach(list, i, row)
	{
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s:%s>%s",
		         i ? "," : "", json_string_value(json_object_get(row, "customer_id")),
		         json_string_value(json_object_get(row, "was")),
		         json_string_value(json_object_get(row, "is")));
	}
	assert_string_equal(text, changes);
	assert_int_equal(json_is_true(json_object_get(answer, "done")), yes);
	if (id)
		snprintf(id, 24, "%s", json_string_value(json_object_get(answer, "id")));
	json_decref(answer);
}

/* Of the log's last entry. */
static void newest_reference(struct world *w, char id[24])
{
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_prepare_v2(hq_db_handle(w->db),
	                                    "SELECT ref FROM op ORDER BY id DESC LIMIT 1", -1, &q,
	                                    NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	text_b64(sqlite3_column_blob(q, 0), 16, id);
	sqlite3_finalize(q);
}

/* What is said beyond who is part of whom, of something that is done. */
static const char *says(struct world *w, json_t *what)
{
	static char text[200];
	char err[300] = "";
	json_t *answer = ask(w, what, true, err);
	const char *found;

	if (!answer)
		fail_msg("%s", err);
	found = json_string_value(json_object_get(answer, "says"));
	snprintf(text, sizeof text, "%s", found ? found : "");
	json_decref(answer);
	return text;
}

static void who_are_one_by_a_link_are_so_still_when_they_are_told_apart(void **state)
{
	struct world *w = *state;
	char id[24];

	world_import(w, "customer_id,first_name\nK1,Anna\nK2,Anna\n");
	expect(w, two("link", "C000001", "C000002"), true, "C000002:C000002>C000001", id);
	assert_non_null(strstr(says(w, two("apart", "C000001", "C000002")),
	                       "they are one customer all the same"));
	expect(w, two("unlink", id, ""), true, "C000002:C000001>C000002", NULL);
	world_text(w, "INSERT INTO review(cause, key, detail, since_us, folded) VALUES('import', "
	              "'k', 'd', 1, 0)");
	assert_string_equal(
	    says(w, two("settle", world_text(w, "SELECT id FROM review WHERE key = 'k'"), "")),
	    "that entry leaves the list");
	assert_string_equal(says(w, two("confirm", "C000002", "")),
	                    "HQ vouches for this record already");
}

static void what_a_link_would_do_is_said_and_not_done(void **state)
{
	struct world *w = *state;
	char id[24];

	world_import(w, "customer_id,first_name\nK1,Anna\nK2,Anna\n");
	uint64_t turn = hq_db_turn(w->db);
	expect(w, two("link", "C000001", "C000002"), false, "C000002:C000002>C000001", NULL);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	assert_int_equal(world_number(w, "SELECT count(*) FROM op"), 0);
	assert_int_equal(hq_db_turn(w->db), turn);
	expect(w, two("link", "C000001", "C000002"), true, "C000002:C000002>C000001", id);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	assert_string_equal(world_text(w, "SELECT actor || ' ' || why FROM op"), "eva test");
	char err[300];
	expect(w, two("unlink", id, ""), true, "C000002:C000001>C000002", NULL);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	/* Once is enough, and for ever: whoever wants it back says it again. */
	assert_null(ask(w, two("unlink", id, ""), true, err));
	assert_string_equal(err, "it has been taken back already");
	newest_reference(w, id);
	assert_null(ask(w, two("unlink", id, ""), true, err));
	assert_string_equal(err, "it takes something back itself: say that again instead");
}

static void blocking_a_value_parts_whom_it_had_joined_in_one_step(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id,loyalty\nK1," CARD_0 "\nK2," CARD_0 "\n");
	sqlite3_exec(hq_db_handle(w->db),
	             "UPDATE profile SET confirmed = 0; INSERT INTO dirty(unit) VALUES(1)", NULL,
	             NULL, NULL);
	world_fold(w);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	json_t *block = json_pack("{s:s,s:s,s:s}", "action", "block", "kind", "loyalty", "value",
	                          " 2600000000000 ");
	expect(w, json_deep_copy(block), false, "C000002:C000001>C000002", NULL);
	expect(w, block, true, "C000002:C000001>C000002", NULL);
	assert_int_equal(world_number(w, "SELECT count(*) FROM claim WHERE fate = 'holds'"), 0);
	expect(w,
	       json_pack("{s:s,s:s,s:s}", "action", "unblock", "kind", "loyalty", "value", CARD_0),
	       true, "C000002:C000002>C000001", NULL);
}

/* The join has a name although nobody made it. */
static void what_the_rules_joined_is_taken_back_by_its_name(void **state)
{
	struct world *w = *state;
	json_t *links, *join;
	char id[24];

	world_import(w, "customer_id,loyalty\nK1," CARD_0 "\nK2," CARD_0 "\n");
	sqlite3_exec(hq_db_handle(w->db),
	             "UPDATE profile SET confirmed = 0; INSERT INTO dirty(unit) VALUES(1)", NULL,
	             NULL, NULL);
	world_fold(w);
	links = hq_links_read(hq_db_handle(w->db), "C000002");
	join = json_array_get(json_object_get(links, "joins"), 0);
	assert_string_equal(json_string_value(json_object_get(links, "is")), "C000001");
	assert_string_equal(json_string_value(json_object_get(join, "value")), "26*********00");
	snprintf(id, sizeof id, "%s", json_string_value(json_object_get(join, "id")));
	json_decref(links);
	expect(w, two("unlink", id, ""), true, "C000002:C000001>C000002", NULL);
	assert_string_equal(says(w, two("apart", "C000001", "C000002")), "");
}

static void who_is_confirmed_stays_one_person_with_what_was_joined(void **state)
{
	struct world *w = *state;

	/* As if two stores had enrolled them at one time. */
	world_import(w, "customer_id,phone\nK1,+4915127418395\nK2,+4915127418395\n");
	assert_int_equal(
	    sqlite3_exec(hq_db_handle(w->db),
	                 "INSERT INTO store(id, name) VALUES(91, 's1'), (92, 's2');"
	                 "INSERT INTO epoch(id, store, epoch, rank) VALUES(91, 91, x'01',"
	                 " 0), (92, 92, x'02', 0);"
	                 "UPDATE claim SET epoch = 90 + unit, from_us = 1, to_us = 1;"
	                 "UPDATE profile SET confirmed = 0;"
	                 "INSERT INTO dirty(unit) VALUES(1)",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	world_fold(w);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	expect(w, two("confirm", "C000001", ""), true, "", NULL);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	assert_string_equal(world_text(w, "SELECT confirmed FROM profile ORDER BY n"), "1,0");
}

static void what_cannot_be_done_is_said_with_what_was_expected(void **state)
{
	struct world *w = *state;
	const struct {
		json_t *what;
		const char *expected;
	} wrong[] = {
	    {two("link", "C000001", "C000009"), "C000009 is not known"},
	    {two("link", "C000001", "C000001"), "expected two customers"},
	    {two("unlink", "x", ""), "expected a reference of 22 characters"},
	    {two("unlink", "AAAAAAAAAAAAAAAAAAAAAA", ""), "nothing has this reference"},
	    {two("merge", "C000001", "C000001"), "expected link, unlink"},
	    {json_pack("{s:s,s:s,s:s}", "action", "block", "kind", "fax", "value", "1"),
	     "expected a kind"},
	    {json_pack("{s:s,s:s,s:s}", "action", "block", "kind", "phone", "value", "123"),
	     "the value is no identifier"},
	    {json_pack("{s:s,s:s,s:s}", "action", "unblock", "kind", "phone", "value",
	               "+4915111111111"),
	     "it is nobody's by the rules"},
	};

	world_import(w, "customer_id,first_name\nK1,Anna\n");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char err[300] = "";
		assert_null(ask(w, wrong[i].what, true, err));
		if (!strstr(err, wrong[i].expected))
			fail_msg("%s: not %s", err, wrong[i].expected);
	}
	assert_int_equal(world_number(w, "SELECT count(*) FROM op"), 0);
}

static void the_list_shows_no_value_in_full_and_what_was_looked_at_goes(void **state)
{
	struct world *w = *state;
	json_t *review;
	char number[24], *text;

	world_import(w, "customer_id,email\nK1,anna@example.com\nK2,anna@example.com\n");
	world_import(w, "email,tier\nanna@example.com,gold\n");
	review = hq_links_review(hq_db_handle(w->db));
	assert_int_equal(json_array_size(review), 2);
	text = json_dumps(review, 0);
	assert_null(strstr(text, "anna@"));
	assert_non_null(strstr(text, "a***@e******.com"));
	free(text);
	snprintf(number, sizeof number, "%d",
	         (int)world_number(w, "SELECT id FROM review WHERE cause = 'import'"));
	json_decref(review);
	expect(w, two("settle", number, ""), true, "", NULL);
	assert_string_equal(world_text(w, "SELECT cause FROM review"), "several");
	snprintf(number, sizeof number, "%d", (int)world_number(w, "SELECT id FROM review"));
	char err[300];
	assert_null(ask(w, two("settle", number, ""), true, err));
}

/* A value that cannot be cut into bytes is none that may stand there whole. */
static void an_address_in_any_script_is_masked_in_the_list(void **state)
{
	struct world *w = *state;

	world_import(
	    w, "customer_id,email\nK1,\xc3\xbclker@example.com\nK2,\xc3\xbclker@example.com\n");
	json_t *review = hq_links_review(hq_db_handle(w->db));
	char *text = json_dumps(review, 0);
	assert_non_null(strstr(text, "****@e******.com"));
	assert_null(strstr(text, "lker"));
	free(text);
	json_decref(review);
}

static void at_most_a_third_of_a_value_is_shown(void **state)
{
	const char *const values[][2] = {{"+4915127418395", "+4**********95"},
	                                 {"anna@example.com", "a***@e******.com"},
	                                 {"ab@x.de", "**@*.de"},
	                                 {"1234", "1***"},
	                                 {"", ""},
	                                 {"\xc3\xbclker@example.com", "\xc3\xbc****@e******.com"},
	                                 {"\xe5\xb1\xb1\xe7\x94\xb0@example.jp", "**@e******.jp"},
	                                 {"a@b", "a**"}};
	char shown[HQ_SECRET_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		hq_secret_mask(values[i][0], shown);
		assert_string_equal(shown, values[i][1]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_link_would_do_is_said_and_not_done),
	    TEST(who_are_one_by_a_link_are_so_still_when_they_are_told_apart),
	    TEST(blocking_a_value_parts_whom_it_had_joined_in_one_step),
	    TEST(what_the_rules_joined_is_taken_back_by_its_name),
	    TEST(who_is_confirmed_stays_one_person_with_what_was_joined),
	    TEST(what_cannot_be_done_is_said_with_what_was_expected),
	    TEST(the_list_shows_no_value_in_full_and_what_was_looked_at_goes),
	    TEST(an_address_in_any_script_is_masked_in_the_list),
	    cmocka_unit_test(at_most_a_third_of_a_value_is_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
