#include "hq_import_world.h"

#include "hq/base/hq_csv.h"
#include "hq/identity/hq_profile.h"

static struct ident_rules rules(void)
{
	struct ident_rules r = {.scheme_count = 1, .region = "DE", .ruleset = "1"};

	r.schemes[0] = (struct ident_scheme){
	    .name = "club", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN};
	return r;
}

#define CARD_0 "2600000000000"
#define CARD_1 "2600000000017"

/* ---- csv ---- */

static const char *cells(const char *text, size_t len)
{
	static char out[2048];
	static struct hq_csv_row row;
	struct hq_csv csv;
	int rc;

	out[0] = '\0';
	hq_csv_open(&csv, text, len);
	while ((rc = hq_csv_next(&csv, &row)) != 0) {
		snprintf(out + strlen(out), sizeof out - strlen(out), "%u:", row.line);
		if (rc < 0)
			strcat(out, "!");
		for (int i = 0; rc > 0 && i < row.count; i++)
			snprintf(out + strlen(out), sizeof out - strlen(out), "[%s]", row.cell[i]);
		strcat(out, " ");
	}
	return out;
}

#define CELLS(text) cells(text, strlen(text))

static void rows_are_read_as_rfc_4180_has_them(void **state)
{
	(void)state;
	assert_string_equal(CELLS("a,b\r\nc,\r\n"), "1:[a][b] 2:[c][] ");
	assert_string_equal(CELLS("a,b\nc,d"), "1:[a][b] 2:[c][d] ");
	assert_string_equal(CELLS("\"a,\"\"b\"\"\",c\n"), "1:[a,\"b\"][c] ");
	assert_string_equal(CELLS("\"a\nb\",c\nd,e\n"), "1:[a\nb][c] 3:[d][e] ");
	assert_string_equal(CELLS("\xef\xbb\xbf"
	                          "a\n"),
	                    "1:[a] ");
	assert_string_equal(CELLS(""), "");
	assert_string_equal(CELLS("\n\r\na\n\n\nb\n"), "3:[a] 6:[b] ");
	assert_string_equal(CELLS(",\n"), "1:[][] ");
}

static void a_row_that_is_wrong_takes_no_other_row_with_it(void **state)
{
	char big[HQ_CSV_ROW_MAX + 64];

	(void)state;
	assert_string_equal(CELLS("a\n\"never closed\nb\nc\n"), "1:[a] 2:! 3:[b] 4:[c] ");
	assert_string_equal(CELLS("\"a\"b\nc\n"), "1:! 2:[c] ");
	assert_string_equal(CELLS("a\"b\nc\n"), "1:! 2:[c] ");
	assert_string_equal(CELLS("a\xff\nc\n"), "1:! 2:[c] ");
	assert_string_equal(cells("a\0b\nc\n", 6), "1:! 2:[c] ");
	assert_string_equal(CELLS(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\nc\n"), "1:! 2:[c] ");
	memset(big, 'x', sizeof big);
	memcpy(big + sizeof big - 3, "\nc\n", 3);
	assert_string_equal(cells(big, sizeof big), "1:! 2:[c] ");
}

/* ---- rows ---- */

static const char *why_of(const char *header_text, const char *row_text)
{
	static struct hq_import_row out;
	static struct hq_csv_row header_row, row;
	struct ident_rules r = rules();
	struct hq_import_header header;
	struct hq_csv csv;
	static char err[300];

	hq_csv_open(&csv, header_text, strlen(header_text));
	assert_int_equal(hq_csv_next(&csv, &header_row), 1);
	if (hq_import_header(&header_row, &header, err, sizeof err) != 0)
		return err;
	out.now_us = WORLD_WALL_US;
	hq_csv_open(&csv, row_text, strlen(row_text));
	assert_int_equal(hq_csv_next(&csv, &row), 1);
	return hq_import_person(&header, &row, &r, &out) == 0 ? "" : out.why;
}

static void a_header_names_known_columns_once_and_says_who(void **state)
{
	(void)state;
	assert_non_null(strstr(why_of("loyalty,shoe_size", "x"), "column 2 is not known"));
	assert_non_null(strstr(why_of("loyalty,loyalty", "x"), "column 2 stands twice"));
	assert_non_null(strstr(why_of("first_name,tier", "x"), "no column says who"));
	assert_string_equal(why_of("phone", "+49 151 23456789"), "");
}

static void a_wrong_cell_is_named_with_what_was_expected_and_never_in_full(void **state)
{
	const char *why;

	(void)state;
	why = why_of("phone", "12345 no phone");
	assert_non_null(strstr(why, "phone: Letters or signs where this number has none, expected "
	                            "an international number"));
	assert_null(strstr(why, "12345"));
	assert_non_null(strstr(why_of("loyalty", "2600000000001"), "loyalty: A digit is wrong"));
	assert_non_null(strstr(why_of("email", "nobody"), "email: Not an e-mail"));
	assert_non_null(strstr(why_of("email,points", "a@example.com,1.5"), "points: "));
	assert_non_null(strstr(why_of("email,points", "a@example.com,-1"), "points: "));
	assert_non_null(
	    strstr(why_of("email,points_as_of", "a@example.com,yesterday"), "points_as_of: "));
	assert_non_null(
	    strstr(why_of("email,points_as_of", "a@example.com,2127-01-01"), "points_as_of: "));
	assert_non_null(
	    strstr(why_of("email,birth_date", "a@example.com,2127-01-01"), "a day to come"));
	assert_string_equal(why_of("email,birth_date", "a@example.com,1990-02-28"), "");
	assert_non_null(strstr(why_of("email,state", "a@example.com,asleep"), "state: "));
	assert_non_null(strstr(why_of("email,language", "a@example.com,d"), "language: "));
	assert_non_null(
	    strstr(why_of("email,first_name", "a@example.com,A\tB"), "first_name: a control"));
	assert_non_null(strstr(why_of("email,first_name", "a@example.com,\xe2\x80\xae"
	                                                  "annA"),
	                       "first_name: a control"));
	assert_non_null(strstr(why_of("customer_id,email", "K\xc2\x9b"
	                                                   "2J,a@example.com"),
	                       "customer_id: a"));
	assert_non_null(strstr(why_of("email,first_name", "a@example.com"), "1 cells, expected 2"));
	assert_non_null(strstr(why_of("email,first_name", ",Anna"), "nobody"));
}

static void a_card_number_anywhere_refuses_the_row_and_is_not_said(void **state)
{
	const char *why = why_of("email,first_name", "a@example.com,4111-1111-1111-1111");

	(void)state;
	assert_non_null(strstr(why, "a card number"));
	assert_null(strstr(why, "41"));
	assert_non_null(strstr(why_of("email", "4111111111111111,too,many"), "a card number"));
	/* Whatever groups its digits, where nothing but one value stands. */
	why = why_of("email,last_name", "a@example.com,4111.1111.1111.1111");
	assert_non_null(strstr(why, "a card number"));
	why = why_of("phone", "4111/1111/1111/1111");
	assert_non_null(strstr(why, "a card number"));
	assert_null(strstr(why, "41"));
	assert_string_equal(why_of("email,street", "a@example.com,4111.1111.1111.1111"), "");
	/* A number with its right check digit in its own place is none, written as it may be. */
	assert_string_equal(why_of("gsrn", "570000010000000076"), "");
	assert_string_equal(why_of("gsrn", "(8018)570000010000000076"), "");
	assert_non_null(strstr(why_of("gsrn", "4111111111111111"), "a card number"));
}

/* ---- into hq.db ---- */

static struct hq_import_report bring(struct world *w, const char *csv, unsigned first_line)
{
	struct hq_import_report report =
	    world_import_from(w, csv, first_line, w->wall_us += 1000000);

	buf_byte(&report.problems, '\0');
	return report;
}

static void expect(struct world *w, const char *csv, unsigned made, unsigned changed, unsigned same,
                   unsigned bad)
{
	struct hq_import_report r = bring(w, csv, 2);

	assert_int_equal(r.made, made);
	assert_int_equal(r.changed, changed);
	assert_int_equal(r.same, same);
	assert_int_equal(r.bad, bad);
	hq_import_report_free(&r);
}

static void an_import_runs_twice_without_doubling(void **state)
{
	struct world *w = *state;
	const char *csv = "customer_id,first_name,last_name,loyalty,phone,email,tier,points,points_"
	                  "as_of,language,"
	                  "state\n"
	                  "K1,Anna,Berg," CARD_0
	                  ",0151 27418395,Anna@Example.com,gold,1200,2026-11-20,de,active\n"
	                  "K2,Bo,Lind," CARD_1 ",,,,,,,\n";

	expect(w, csv, 2, 0, 0, 0);
	expect(w, csv, 0, 0, 2, 0);
	assert_string_equal(world_text(w, "SELECT id || name FROM profile"),
	                    "C000001Anna Berg,C000002Bo Lind");
	assert_string_equal(world_text(w, "SELECT kind || value FROM identifier WHERE profile = 1"),
	                    "emailanna@example.com,loyalty" CARD_0 ",phone+4915127418395");
	assert_string_equal(world_text(w, "SELECT points_as_of FROM profile WHERE n = 1"),
	                    "2026-11-20T00:00:00.000Z");
	assert_int_equal(hq_profile_version(w->db), 2);
}

static void what_differs_is_changed_and_gets_the_next_version(void **state)
{
	struct world *w = *state;

	expect(w, "customer_id,tier,points,email\nK1,silver,5,a@example.com\nK2,silver,,\n", 2, 0,
	       0, 0);
	expect(w, "customer_id,tier,points,email\nK1,gold,5,\nK2,,,\n", 0, 1, 1, 0);
	assert_string_equal(world_text(w, "SELECT tier FROM profile"), "gold,silver");
	assert_string_equal(world_text(w, "SELECT version FROM profile ORDER BY n"), "3,2");
	expect(w, "customer_id,points\nK1,0\n", 0, 1, 0, 0);
	assert_int_equal(world_number(w, "SELECT points FROM profile WHERE n = 1"), 0);
}

static void without_a_key_the_first_known_identifier_says_who_it_is(void **state)
{
	struct world *w = *state;

	expect(w, "loyalty,first_name\n" CARD_0 ",Anna\n", 1, 0, 0, 0);
	expect(w, "loyalty,email,first_name\n" CARD_0 ",a@example.com,Anna\n", 0, 1, 0, 0);
	expect(w, "email,tier\na@example.com,gold\n", 0, 1, 0, 0);
	assert_string_equal(world_text(w, "SELECT tier FROM profile"), "gold");
	expect(w, "customer_id,email\nK1,a@example.com\n", 0, 0, 1, 0);
	assert_string_equal(world_text(w, "SELECT external FROM profile"), "K1");
	expect(w, "customer_id,email\nK2,a@example.com\n", 1, 0, 0, 0);
	expect(w, "email,tier\na@example.com,silver\n", 0, 0, 0, 1);
}

static void every_cell_of_a_row_is_kept_as_a_fact_with_its_source_and_date(void **state)
{
	struct world *w = *state;
	const char
	    *header = "customer_id,first_name,last_name,birth_date,street,postcode,city,country\n",
	    *facts =
	        "SELECT field || '=' || value || ' ' || source || ' ' || (to_us - 1795280523123000)"
	        " FROM unit_fact WHERE unit = 1 ORDER BY field, to_us";
	char csv[300];

	snprintf(csv, sizeof csv, "%sK1,Anna,Berg,1990-02-28,Hauptstr. 1,10115,Berlin,de\n",
	         header);
	expect(w, csv, 1, 0, 0, 0);
	assert_string_equal(world_text(w, facts),
	                    "birth_date=1990-02-28 import 1000000,city=Berlin import "
	                    "1000000,country=DE import 1000000,"
	                    "first_name=Anna import 1000000,last_name=Berg import "
	                    "1000000,postcode=10115 import 1000000,"
	                    "street=Hauptstr. 1 import 1000000");
	assert_string_equal(world_text(w, "SELECT name FROM profile"), "Anna Berg");
	expect(w, csv, 0, 0, 1, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM unit_fact"), 7);
	expect(w, "customer_id,birth_date\nK1,1990-02-30\nK1,28.2.1990\nK2,\n", 1, 0, 0, 2);
	expect(w, "customer_id,country\nK2,D1\nK2,Deutschland\n", 0, 0, 0, 2);
}

static void a_row_that_names_two_customers_changes_nobody_and_is_listed(void **state)
{
	struct world *w = *state;

	expect(w, "customer_id,loyalty,tier\nK1," CARD_0 ",gold\nK2," CARD_1 ",gold\n", 2, 0, 0, 0);
	expect(w, "customer_id,loyalty,tier\nK1," CARD_1 ",silver\n", 0, 0, 0, 1);
	expect(w, "customer_id,loyalty,tier\nK1," CARD_1 ",silver\n", 0, 0, 0, 1);
	assert_string_equal(world_text(w, "SELECT tier FROM profile"), "gold,gold");
	assert_int_equal(world_number(w, "SELECT count(*) FROM claim"), 2);
	assert_string_equal(
	    world_text(w, "SELECT cause || ' ' || unit || ' ' || other || ' ' || detail"
	                  " FROM review"),
	    "import 1 2 import, line 2: key K1 and loyalty 26*********17 of another "
	    "customer");
}

static void two_people_with_one_address_are_both_taken_and_listed(void **state)
{
	struct world *w = *state;

	expect(w, "customer_id,email\nK1,a@example.com\nK2,a@example.com\n", 2, 0, 0, 0);
	assert_string_equal(
	    world_text(w,
	               "SELECT cause || ' ' || unit || ' ' || other || ' ' || detail FROM review"),
	    "several 1 2 an identifier of 2 customers");
	expect(w, "email,tier\na@example.com,gold\n", 0, 0, 0, 1);
	assert_string_equal(world_text(w, "SELECT detail FROM review WHERE cause = 'import'"),
	                    "import, line 2: email *@e******.com of several customers");
}

static void whoever_has_another_name_at_an_address_is_another_customer(void **state)
{
	static const char *const files[] = {
	    "first_name,email\nAnna,a@example.com\nBert,a@example.com\nANNA,a@example.com\n",
	    "name,phone\nAnna Berg,0151 27418395\nBert Berg,0151 27418395\nanna,0151 27418395\n",
	    "birth_date,email\n1990-02-28,a@example.com\n2012-05-05,a@example.com\n"
	    "1990-02-28,a@example.com\n"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		world_free(w);
		*state = w = world_new();
		struct hq_import_report r = bring(w, files[i], 2);
		assert_int_equal(r.made, 2);
		assert_int_equal(r.bad, 0);
		hq_import_report_free(&r);
		assert_int_equal(world_number(w, "SELECT count(*) FROM review WHERE cause IN "
		                                 "('several', 'shared')"),
		                 1);
		expect(w, files[i], 0, i < 2 ? 2 : 0, i < 2 ? 1 : 3, 0);
		assert_int_equal(world_number(w, "SELECT count(*) FROM profile"), 2);
	}
	/* A row with a key does not take another's record for its address either. */
	expect(w, "customer_id,birth_date,email\nK7,1999-01-01,a@example.com\n", 1, 0, 0, 0);
	/* Without a name it could be any of them. */
	expect(w, "email,tier\na@example.com,gold\n", 0, 0, 0, 1);
}

static void a_file_that_names_one_customer_twice_is_listed(void **state)
{
	struct world *w = *state;
	struct hq_import_report r =
	    bring(w, "customer_id,first_name\nK1,Anna\nK2,Bo\nK1,Anna\nK1,Berta\n", 2);

	assert_int_equal(r.bad, 0);
	assert_string_equal((char *)r.problems.data,
	                    "line 5: the customer of line 4 again, with other values; it is in "
	                    "`laneway-hq review`\n");
	hq_import_report_free(&r);
	assert_string_equal(
	    world_text(w, "SELECT cause || ' ' || unit || ' ' || detail FROM review"),
	    "import 1 import, line 5: the customer of line 4 again, with other "
	    "values");
	/* Another file may say something new. */
	expect(w, "customer_id,first_name\nK2,Bob\n", 0, 1, 0, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 1);
}

/* Whoever buys for a company is not the company, whatever row says so. */
static void a_person_does_not_become_a_company_nor_a_company_a_person(void **state)
{
	struct world *w = *state;

	expect(w, "customer_id,first_name,email\nK1,Anna,a@example.com\n", 1, 0, 0, 0);
	expect(w, "customer_id,vat_id\nK1,DE136695976\n", 0, 0, 0, 1);
	expect(w, "customer_id,vat_id,email\nF1,DE136695976,office@example.com\n", 1, 0, 0, 0);
	expect(w, "customer_id,first_name\nF1,Bo\n", 0, 0, 0, 1);
	expect(w, "email,birth_date\noffice@example.com,1990-02-28\n", 0, 0, 0, 1);
	expect(w, "email,city\noffice@example.com,Bonn\n", 0, 1, 0, 0);
	assert_string_equal(
	    world_text(w, "SELECT company || coalesce(first_name, '-') FROM profile"), "0Anna,1-");
}

static void a_choice_is_a_column_for_each_purpose_and_channel(void **state)
{
	struct world *w = *state;

	expect(w,
	       "customer_id,email,consent_marketing_email,consent_recognise_by_payment\n"
	       "K1,a@example.com,granted 2026-01-02 2026-1 paper,refused\n"
	       "K2,,maybe,\nK3,,granted 2026-01-32,\nK4,,granted 2026-01-02 v paper more,\n",
	       1, 0, 0, 3);
	assert_string_equal(
	    world_text(w,
	               "SELECT purpose || ' ' || channel || ' ' || value || ' ' || method || ' ' ||"
	               " coalesce(text, '-') || ' ' || coalesce(proof, '-') || ' ' ||"
	               " (address IS NULL) || ' ' || ((to_us - from_us) / 3600000000) FROM choice"
	               " WHERE purpose = 'marketing'"),
	    "marketing email granted import 2026-1 paper 0 23");
	assert_int_equal(world_number(w, "SELECT from_us FROM choice WHERE value = 'refused'"), 0);
	/* what nobody can have said yet would win against all that is said until then */
	expect(w,
	       "customer_id,consent_profiling\nK5,granted 2027-01-02 v paper\n"
	       "K6,withdrawn 2027-01-02\nK7,withdrawn 2026-11-21\n",
	       1, 0, 0, 2);
	struct hq_import_report r = {0};
	struct hq_import_piece wrong = {.csv = "customer_id,consent_marketing_fax\n", .len = 36},
	                       twice = {.csv = "customer_id,consent_profiling,consent_profiling\n",
	                                .len = 48};
	assert_int_equal(hq_import_rows(w->db, &w->scope, &wrong, &r), -1);
	assert_non_null(strstr(wrong.err, "column 2 is not known"));
	assert_int_equal(hq_import_rows(w->db, &w->scope, &twice, &r), -1);
	assert_non_null(strstr(twice.err, "column 3 stands twice"));
}

static void bad_rows_are_listed_with_their_line_and_good_ones_kept(void **state)
{
	struct world *w = *state;
	struct hq_import_report r =
	    bring(w, "email,first_name\na@example.com,A\n\nnobody,B\n\"x\nc@example.com,C\n", 100);

	assert_int_equal(r.made, 2);
	assert_int_equal(r.bad, 2);
	assert_non_null(strstr((char *)r.problems.data, "line 102: email: Not an e-mail address"));
	assert_non_null(strstr((char *)r.problems.data, "line 103: a quote that is never closed"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile"), 2);
	hq_import_report_free(&r);
}

static void a_deleted_customer_leaves_a_tombstone_and_comes_back_as_a_new_one(void **state)
{
	struct world *w = *state;

	expect(w, "customer_id,email,first_name\nK1,a@example.com,Anna\n", 1, 0, 0, 0);
	expect(w, "customer_id,state\nK1,deleted\n", 0, 1, 0, 0);
	expect(w, "customer_id,state\nK1,deleted\n", 0, 0, 1, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier"), 0);
	assert_string_equal(world_text(w, "SELECT first_name FROM profile"), "null");
	expect(w, "customer_id,email\nK1,a@example.com\n", 1, 0, 0, 0);
	assert_string_equal(world_text(w, "SELECT id FROM profile ORDER BY n"), "C000001,C000002");
}

static void a_customer_has_at_most_sixteen_identifiers(void **state)
{
	struct world *w = *state;
	char csv[128];

	for (int i = 0; i < 16; i++) {
		snprintf(csv, sizeof csv, "customer_id,email\nK1,a%d@example.com\n", i);
		expect(w, csv, i == 0, i > 0, 0, 0);
	}
	expect(w, "customer_id,email\nK1,b@example.com\n", 0, 0, 0, 1);
	expect(w, "customer_id,email\nK1,a3@example.com\n", 0, 0, 1, 0);
}

static void a_piece_without_a_header_is_refused_whole(void **state)
{
	struct world *w = *state;
	struct hq_import_report report = {0};
	struct hq_import_piece piece = {.csv = "Anna,Berg\n", .len = 10, .first_line = 2};

	assert_int_equal(hq_import_rows(w->db, &w->scope, &piece, &report), -1);
	assert_non_null(strstr(piece.err, "column 1 is not known, expected customer_id"));
	piece.len = 0;
	assert_int_equal(hq_import_rows(w->db, &w->scope, &piece, &report), -1);
	assert_non_null(strstr(piece.err, "no header row"));
	hq_import_report_free(&report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_read_as_rfc_4180_has_them),
	    cmocka_unit_test(a_row_that_is_wrong_takes_no_other_row_with_it),
	    cmocka_unit_test(a_header_names_known_columns_once_and_says_who),
	    cmocka_unit_test(a_wrong_cell_is_named_with_what_was_expected_and_never_in_full),
	    cmocka_unit_test(a_card_number_anywhere_refuses_the_row_and_is_not_said),
	    TEST(an_import_runs_twice_without_doubling),
	    TEST(what_differs_is_changed_and_gets_the_next_version),
	    TEST(without_a_key_the_first_known_identifier_says_who_it_is),
	    TEST(every_cell_of_a_row_is_kept_as_a_fact_with_its_source_and_date),
	    TEST(a_row_that_names_two_customers_changes_nobody_and_is_listed),
	    TEST(two_people_with_one_address_are_both_taken_and_listed),
	    TEST(whoever_has_another_name_at_an_address_is_another_customer),
	    TEST(a_file_that_names_one_customer_twice_is_listed),
	    TEST(a_person_does_not_become_a_company_nor_a_company_a_person),
	    TEST(a_choice_is_a_column_for_each_purpose_and_channel),
	    TEST(bad_rows_are_listed_with_their_line_and_good_ones_kept),
	    TEST(a_deleted_customer_leaves_a_tombstone_and_comes_back_as_a_new_one),
	    TEST(a_customer_has_at_most_sixteen_identifiers),
	    TEST(a_piece_without_a_header_is_refused_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
