/* Who is one person, out of what was imported, linked, blocked and taken back. */
#include "hq_import_world.h"

#include <jansson.h>

#include "hq/identity/hq_links.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"

#define CARD_0 "2600000000000"

static void fold(struct world *w)
{
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
}

static struct ref unit(struct world *w, int64_t n)
{
	struct sqlite3_stmt *q = hq_db_query(w->db, HQ_SQL_UNIT_GET, "i", n);
	struct ref ref = {0};

	assert_true(hq_db_row(w->db, q));
	memcpy(ref.byte, hq_db_bytes(q, 0, sizeof ref.byte), sizeof ref.byte);
	hq_db_end(q);
	return ref;
}

/* An entry of HQ's own log, folded at once. */
static struct ref say(struct world *w, struct hq_op op)
{
	struct ref made;

	op.actor = "steward";
	op.why = "test";
	op.made_us = w->wall_us;
	assert_int_equal(hq_db_begin(w->db), 0);
	op.at.seq = hq_unit_sequence(w->db);
	assert_true(hq_op_add(w->db, &op, &made));
	fold(w);
	assert_int_equal(hq_db_commit(w->db), 0);
	return made;
}

static struct ref link_units(struct world *w, int64_t a, int64_t b)
{
	return say(
	    w, (struct hq_op){
	           .kind = HQ_OP_LINK, .left = unit(w, a), .right = unit(w, b), .by_person = true});
}

static void undo(struct world *w, struct ref what)
{
	say(w, (struct hq_op){.kind = HQ_OP_UNDO, .left = what});
}

/* All lines of everybody, without versions. */
static char *lines(struct world *w)
{
	int64_t n = world_number(w, "SELECT max(n) FROM profile");
	struct buf out = {0};

	for (int64_t i = 1; i <= n; i++)
		hq_profile_line(w->db, i, &out);
	buf_byte(&out, '\0');
	assert_false(out.failed);
	return (char *)out.data;
}

#define PERSONS "SELECT n || '>' || person FROM profile ORDER BY n"
#define HEADER "customer_id,first_name,email,points,points_as_of,tier\n"

static void two_records_are_one_person_under_the_lower_number_and_two_again_after(void **state)
{
	struct world *w = *state;
	char *before, *after;
	struct ref made;

	world_import(
	    w, HEADER
	    "K1,Anna,a@example.com,100,2026-01-01,gold\nK2,Ann,b@example.com,50,2026-02-01,\n");
	before = lines(w);
	made = link_units(w, 2, 1);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	assert_string_equal(world_text(w, "SELECT points || tier FROM profile WHERE n = 1"),
	                    "150gold");
	assert_string_equal(world_text(w, "SELECT state FROM profile"), "active,merged");
	assert_int_equal(hq_profile_version(w->db), 4);
	after = lines(w);
	assert_non_null(
	    strstr(after, "{\"customer_id\":\"C000002\",\"deleted\":true,\"merged\":\"C000001\"}"));
	assert_non_null(strstr(after, "b@example.com"));
	free(after);
	undo(w, made);
	after = lines(w);
	assert_string_equal(after, before);
	assert_int_equal(hq_profile_version(w->db), 6);
	free(after);
	free(before);
}

static void a_line_tells_what_stands_for_each_record_so_that_a_store_can_part_them(void **state)
{
	struct world *w = *state;
	char *text;

	world_import(w, HEADER "K1,Anna,a@example.com,,,\nK2,Ann,b@example.com,,,\n");
	world_import(w, HEADER "K1,Anne,,,,\n");
	world_import(w, HEADER "K1,Annie,,,,\n");
	link_units(w, 2, 1);
	text = lines(w);
	assert_non_null(strstr(text, "\"value\":\"Annie\""));
	assert_non_null(strstr(text, "\"value\":\"Anne\""));
	assert_non_null(strstr(text, "\"value\":\"Ann\""));
	assert_null(strstr(text, "\"value\":\"Anna\""));
	free(text);
}

static void what_comes_after_a_link_goes_to_the_record_that_it_names(void **state)
{
	struct world *w = *state;
	char *with, *without;
	struct ref made;

	world_import(w, HEADER "K1,Anna,,,,\nK2,Bo,,,,\n");
	made = link_units(w, 1, 2);
	world_import(w, HEADER "K2,Bob,b@example.com,7,2026-03-01,gold\n");
	assert_string_equal(world_text(w, "SELECT tier FROM profile WHERE n = 1"), "gold");
	undo(w, made);
	with = lines(w);
	assert_non_null(strstr(with, "\"first_name\":\"Anna\""));
	assert_non_null(strstr(with, "\"first_name\":\"Bob\""));
	assert_string_equal(world_text(w, "SELECT coalesce(points, '-') FROM profile"), "-,7");
	/* folding everything again changes nothing */
	assert_int_equal(hq_db_begin(w->db), 0);
	sqlite3_exec(hq_db_handle(w->db), "INSERT OR IGNORE INTO dirty(unit) SELECT n FROM profile",
	             NULL, NULL, NULL);
	fold(w);
	assert_int_equal(hq_db_commit(w->db), 0);
	without = lines(w);
	assert_string_equal(with, without);
	free(with);
	free(without);
}

static void two_customers_of_hq_with_one_address_stay_two_and_are_listed(void **state)
{
	struct world *w = *state;

	world_import(w, HEADER "K1,Anna,a@example.com,,,\nK2,Anna,a@example.com,,,\n");
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "several");
	assert_string_equal(world_text(w, "SELECT cause || ' ' || unit FROM review ORDER BY cause"),
	                    "several 1");
	link_units(w, 1, 2);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
	assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 0);
}

static void a_blocked_identifier_joins_nobody_and_its_people_part(void **state)
{
	struct world *w = *state;
	char *before, *after;
	struct ref made;

	world_import(w, "customer_id,loyalty\nK1," CARD_0 "\nK2," CARD_0 "\n");
	/* both are of HQ's own list: only without that would the card make one of them */
	sqlite3_exec(hq_db_handle(w->db), "UPDATE profile SET confirmed = 0", NULL, NULL, NULL);
	link_units(w, 1, 1);
	assert_string_equal(world_text(w, PERSONS), "1>1,2>1");
	before = lines(w);
	made = say(w, (struct hq_op){.kind = HQ_OP_BLOCK, .ident = 1});
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "blocked");
	after = lines(w);
	assert_non_null(strstr(after, "\"state\":\"blocked\""));
	free(after);
	undo(w, made);
	after = lines(w);
	assert_string_equal(after, before);
	free(after);
	free(before);
}

static void an_unblock_takes_back_what_stood_in_front_of_it_and_nothing_later(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id,loyalty\nK1," CARD_0 "\n");
	say(w, (struct hq_op){.kind = HQ_OP_BLOCK, .ident = 1});
	say(w, (struct hq_op){.kind = HQ_OP_UNBLOCK, .ident = 1});
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
	assert_string_equal(world_text(w, "SELECT fate FROM op"), "undone,holds");
	say(w, (struct hq_op){.kind = HQ_OP_BLOCK, .ident = 1});
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "blocked");
}

static void who_is_deleted_leaves_a_linked_person_and_takes_the_values_along(void **state)
{
	struct world *w = *state;

	world_import(w, HEADER "K1,Anna,a@example.com,,,\nK2,Bo,b@example.com,9,2026-01-01,\n");
	link_units(w, 1, 2);
	world_import(w, "customer_id,state\nK1,deleted\n");
	assert_string_equal(world_text(w, PERSONS), "1>1,2>2");
	assert_string_equal(world_text(w, "SELECT state FROM profile"), "deleted,active");
	assert_string_equal(world_text(w, "SELECT value FROM ident"), "b@example.com");
	assert_string_equal(world_text(w, "SELECT first_name || points FROM profile WHERE n = 2"),
	                    "Bo9");
}

static void a_crowded_identifier_is_shared_and_connects_nobody(void **state)
{
	struct world *w = *state;
	struct buf csv = {0};

	buf_str(&csv, "customer_id,loyalty\n");
	for (int i = 0; i < 300; i++)
		buf_printf(&csv, "K%d," CARD_0 "\n", i);
	buf_byte(&csv, '\0');
	world_import(w, (char *)csv.data);
	buf_free(&csv);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "shared");
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile WHERE person <> n"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM review WHERE cause = 'shared'"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM dirty"), 0);
}

static void the_claim_that_is_too_many_parts_whom_the_identifier_had_joined(void **state)
{
	struct world *w = *state;
	struct buf csv = {0};

	buf_str(&csv, "customer_id,loyalty\n");
	for (int i = 0; i < 256; i++)
		buf_printf(&csv, "K%d," CARD_0 "\n", i);
	buf_byte(&csv, '\0');
	world_import(w, (char *)csv.data);
	buf_free(&csv);
	sqlite3_exec(hq_db_handle(w->db), "UPDATE profile SET confirmed = 0", NULL, NULL, NULL);
	link_units(w, 1, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile WHERE person = 1"), 256);
	world_import(w, "customer_id,loyalty\nL1," CARD_0 "\n");
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile WHERE person <> n"), 0);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "shared");
}

static void a_value_that_is_nobodys_by_its_form_holds_for_nobody(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id,phone,email\nK1,+4915111111111,test@example.com\n");
	assert_string_equal(world_text(w, "SELECT fate || ' ' || reason FROM claim"),
	                    "refused blocked,refused blocked");
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "blocked,blocked");
}

/* ---- points ---- */

static void entry(struct world *w, int n, int64_t unit_n, int64_t points, const char *at)
{
	char sql[300];

	snprintf(sql, sizeof sql,
	         "INSERT INTO points_entry VALUES(x'%032d', %d, NULL, 'redeem', %d, NULL,"
	         " CAST(strftime('%%s', '%s') AS INTEGER) * 1000000, 1, %d);"
	         "INSERT OR IGNORE INTO dirty(unit) VALUES(%d)",
	         n, (int)unit_n, (int)points, at, n, (int)unit_n);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(sqlite3_exec(hq_db_handle(w->db), sql, NULL, NULL, NULL), SQLITE_OK);
	fold(w);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static void a_balance_is_what_was_imported_and_what_came_after_that(void **state)
{
	struct world *w = *state;

	world_import(w, HEADER "K1,Anna,,100,2026-05-01,\n");
	entry(w, 1, 1, 30, "2026-05-02");
	entry(w, 2, 1, 1000, "2026-04-30"); /* late: the import has it in it */
	assert_string_equal(world_text(w, "SELECT points || ' ' || points_as_of FROM profile"),
	                    "130 2026-05-02T00:00:00.000Z");
}

static void points_that_were_spent_while_linked_stay_spent_and_debit_nobody_later(void **state)
{
	struct world *w = *state;
	struct ref made;

	world_import(w, HEADER "K1,Anna,,100,2026-05-01,\nK2,Bo,,50,2026-05-01,\n");
	made = link_units(w, 1, 2);
	entry(w, 1, 2, -120, "2026-05-02");
	assert_string_equal(world_text(w, "SELECT points FROM profile WHERE n = 1"), "30");
	undo(w, made);
	assert_string_equal(world_text(w, "SELECT points FROM profile"), "100,0");
	assert_string_equal(
	    world_text(w, "SELECT unit || ' ' || detail FROM review WHERE cause = 'shortfall'"),
	    "2 70 points");
	entry(w, 2, 2, 10, "2026-05-03");
	assert_string_equal(world_text(w, "SELECT points FROM profile"), "100,10");
}

#define SHORTFALLS                                                                                 \
	"SELECT coalesce(group_concat(unit || ' ' || detail), '') FROM review WHERE cause = "      \
	"'shortfall'"

static void what_is_missing_goes_when_they_are_one_again_and_when_it_is_settled(void **state)
{
	struct world *w = *state;
	struct hq_links links = {.db = w->db, .scope = &w->scope, .wall_us = w->wall_us};
	char number[24], err[200] = "", *said;
	struct ref made;
	json_t *ask, *answer;

	world_import(w, HEADER "K1,Anna,,100,2026-05-01,\nK2,Bo,,50,2026-05-01,\n");
	made = link_units(w, 1, 2);
	entry(w, 1, 2, -120, "2026-05-02");
	undo(w, made);
	assert_string_equal(world_text(w, SHORTFALLS), "2 70 points");
	said = lines(w);
	assert_non_null(strstr(said, "\"shortfall\":70,\"shortfall_since\":\"2026-05-02T"));
	free(said);
	made = link_units(w, 2, 1);
	assert_string_equal(world_text(w, SHORTFALLS), "");
	undo(w, made);
	assert_string_equal(world_text(w, SHORTFALLS), "2 70 points");

	snprintf(number, sizeof number, "%d",
	         (int)world_number(w, "SELECT id FROM review WHERE cause = 'shortfall'"));
	ask = json_pack("{s:s,s:s,s:s,s:s,s:b}", "action", "settle", "first", number, "actor",
	                "eva", "reason", "written off", "yes", 1);
	answer = hq_links_do(&links, ask, err, sizeof err);
	assert_string_equal(answer ? "" : err, "");
	json_decref(answer);
	json_decref(ask);
	assert_string_equal(world_text(w, SHORTFALLS), "");
	said = lines(w);
	assert_null(strstr(said, "shortfall"));
	free(said);
	entry(w, 2, 2, -5, "2026-05-03"); /* and what is missing behind that is all there is */
	assert_string_equal(world_text(w, SHORTFALLS), "2 5 points");
	assert_string_equal(world_text(w, "SELECT points FROM profile"), "100,0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_value_that_is_nobodys_by_its_form_holds_for_nobody),
	    TEST(two_records_are_one_person_under_the_lower_number_and_two_again_after),
	    TEST(a_line_tells_what_stands_for_each_record_so_that_a_store_can_part_them),
	    TEST(what_comes_after_a_link_goes_to_the_record_that_it_names),
	    TEST(two_customers_of_hq_with_one_address_stay_two_and_are_listed),
	    TEST(a_blocked_identifier_joins_nobody_and_its_people_part),
	    TEST(an_unblock_takes_back_what_stood_in_front_of_it_and_nothing_later),
	    TEST(who_is_deleted_leaves_a_linked_person_and_takes_the_values_along),
	    TEST(a_crowded_identifier_is_shared_and_connects_nobody),
	    TEST(the_claim_that_is_too_many_parts_whom_the_identifier_had_joined),
	    TEST(a_balance_is_what_was_imported_and_what_came_after_that),
	    TEST(what_is_missing_goes_when_they_are_one_again_and_when_it_is_settled),
	    TEST(points_that_were_spent_while_linked_stay_spent_and_debit_nobody_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
