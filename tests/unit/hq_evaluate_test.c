#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "hq/hint/hq_evaluate.h"
#include "hq/hint/hq_pairs.h"
#include "identity/rule.h"

static int read_text(const char *text, struct hq_labelled *out, char err[200])
{
	static const struct ident_rules rules = {.region = "DE"};

	return hq_labelled_read(text, strlen(text), &rules, out, err, 200);
}

static void febrls_own_columns_say_who_is_who(void **state)
{
	struct hq_labelled l;
	struct score_record r;
	char err[200];

	(void)state;
	assert_int_equal(
	    read_text("rec_id, given_name, surname, street_number, address_1, address_2, suburb, "
	              "postcode, state, date_of_birth, soc_sec_id\n"
	              "rec-1070-org, michaela, neumann, 8, stanley street, miami, winston hills, "
	              "4223, nsw, 19151111, 5304218\n"
	              "rec-1070-dup-0, michala, neumann, 8, stanley st, , winston hills, 4223, , "
	              "19151111, 5304218\n"
	              "rec-107-org, a, b, , , , , , , , 1\n",
	              &l, err),
	    0);
	assert_int_equal(l.count, 3);
	assert_int_equal(l.row[0].person, l.row[1].person);
	assert_int_not_equal(l.row[0].person, l.row[2].person);
	hq_people_record(l.people, 0, &r);
	assert_string_equal(r.first, "michala"); /* as people spell it without umlauts */
	assert_string_equal(r.street, "stanleystreet");
	assert_string_equal(r.house, "8");
	assert_string_equal(r.city, "winston hills");
	assert_int_equal(r.born, 19151111);
	hq_labelled_free(&l);
}

static void a_file_without_labels_is_refused(void **state)
{
	struct hq_labelled l;
	char err[200];

	(void)state;
	assert_int_equal(read_text("given_name,surname\na,b\n", &l, err), -1);
	assert_non_null(strstr(err, "expected person"));
	hq_labelled_free(&l);
	assert_int_equal(read_text("\n", &l, err), -1);
	assert_non_null(strstr(err, "no header row"));
	hq_labelled_free(&l);
	assert_int_equal(read_text("person,name\n,A\nx\n", &l, err), -1);
	assert_non_null(strstr(err, "no record of a person, expected at least one; 2 rows"));
	hq_labelled_free(&l);
}

static void rows_that_cannot_be_read_are_counted_and_card_numbers_are_not_taken(void **state)
{
	struct hq_labelled l;
	char err[200];

	(void)state;
	assert_int_equal(read_text("person,name,loyalty,phone\np1,A B,4111111111111111,\np1,\"x\n"
	                           "p2,A B\np2,A B,77,nonsense\np3,A B,77,0341 123456\n",
	                           &l, err),
	                 0);
	assert_int_equal(l.count, 3);
	assert_int_equal(l.bad, 2);
	assert_int_equal(l.first_bad_line, 3);
	assert_int_equal(l.refused, 2);
	assert_int_equal(l.row[0].ident[IDENT_LOYALTY], 0);
	assert_int_equal(l.row[1].ident[IDENT_LOYALTY], l.row[2].ident[IDENT_LOYALTY]);
	assert_true(l.row[2].ident[IDENT_PHONE] != 0);
	hq_labelled_free(&l);
}

/* Somebody has labelled half of a file: the other half is not one person. */
static void a_row_that_says_no_person_is_left_out_and_counted(void **state)
{
	struct hq_labelled l;
	char err[200];

	(void)state;
	assert_int_equal(
	    read_text("cluster,name\nc1,Anna Berg\n,Bo Lind\n ,Cem Oz\nc1,Ana Berg\n", &l, err), 0);
	assert_int_equal(l.count, 2);
	assert_int_equal(hq_people_count(l.people), 2);
	assert_int_equal(l.bad, 2);
	assert_int_equal(l.first_bad_line, 3);
	hq_labelled_free(&l);
}

static void a_kind_that_is_called_all_is_one_kind_beside_all_of_them(void **state)
{
	struct hq_labelled l;
	char err[200];
	const struct hq_evaluate_ask how = {.made = "2026-11-22T00:00:00.000Z", .defaults = true};
	json_t *answer, *kinds;

	(void)state;
	assert_int_equal(read_text("person,name,kind\np,Anna Berg,all\np,Ana Berg,typo\n", &l, err),
	                 0);
	answer = hq_evaluate(&l, &how);
	kinds = json_object_get(answer, "kinds");
	assert_int_equal(json_array_size(kinds), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    json_integer_value(json_object_get(json_array_get(kinds, i), "pairs")), 1);
	json_decref(answer);
	hq_labelled_free(&l);
}

/* Persons A (3 records), B (2), C (1): clusters {A1 A2}, {A3 B1}, {B2}, {C1}. */
static void merges_are_counted_per_person(void **state)
{
	struct hq_label row[6] = {{.person = 1}, {.person = 1}, {.person = 1},
	                          {.person = 2}, {.person = 2}, {.person = 3}};
	struct hq_labelled l = {.row = row, .count = 6, .person = {.count = 4}};
	const uint32_t cluster[6] = {0, 0, 2, 2, 4, 5};
	struct hq_clusters c;

	(void)state;
	uint8_t became[4];
	assert_int_equal(hq_evaluate_clusters(&l, cluster, became, &c), 0);
	assert_int_equal(became[1], HQ_EVALUATE_FALSE | HQ_EVALUATE_MISSED);
	assert_int_equal(became[2], HQ_EVALUATE_FALSE | HQ_EVALUATE_MISSED);
	assert_int_equal(became[3], 0);
	assert_int_equal(c.persons, 3);
	assert_int_equal(c.several, 2);
	assert_int_equal(c.false_merged, 2);
	assert_int_equal(c.missed, 2);
	assert_int_equal(c.true_pairs, 4);
	assert_int_equal(c.joined_pairs, 2);
	assert_int_equal(c.found_pairs, 1);
}

/* Published: 10 of 100 is 5.5 to 17.4 %; none of 100 at most 3.7 %. */
static void intervals_are_wilsons(void **state)
{
	double low, high;

	(void)state;
	hq_evaluate_wilson(10, 100, &low, &high);
	assert_true(fabs(low - 0.0552) < 0.0001 && fabs(high - 0.1744) < 0.0001);
	hq_evaluate_wilson(0, 100, &low, &high);
	assert_true(low == 0 && fabs(high - 0.0370) < 0.0001);
	hq_evaluate_wilson(100, 100, &low, &high);
	assert_true(fabs(low - 0.9630) < 0.0001 && high == 1);
}

static void the_rules_join_by_verified_identifiers_and_keep_others_apart(void **state)
{
	struct hq_labelled l;
	struct rule_set rules;
	struct hq_evaluate_joins joins;
	uint32_t cluster[6];
	char err[200];

	(void)state;
	rule_defaults(&rules);
	assert_int_equal(read_text("person,given_name,loyalty,phone\n"
	                           "p1,Anna,77,\np1,Anna,77,+493411234567\n"
	                           "p2,Bernd,,+493411234567\np3,,,0000000\n",
	                           &l, err),
	                 0);
	assert_int_equal(hq_evaluate_link(&l, &rules, cluster, &joins), 0);
	assert_int_equal(cluster[0], cluster[1]);
	assert_int_not_equal(cluster[1], cluster[2]);
	assert_int_not_equal(cluster[2], cluster[3]);
	hq_labelled_free(&l);
	rule_free(&rules);
}

/* The same day in two stores, a week's distance to the day, and a time to the second. */
static void where_and_when_it_was_made_decides_what_a_typed_phone_joins(void **state)
{
	static const struct {
		const char *one, *other;
		bool joined;
	} made[] = {
	    {"s1,2026-03-01", "s2,2026-03-01", true},
	    {"s1,2026-03-01", "s2,2026-03-07", true},
	    {"s1,2026-03-01", "s2,2026-03-08", false},
	    {"s1,2026-03-01", "s1,2026-03-02", false},
	    {"s1,2026-03-01", ",2026-03-01", false},
	    {"s1,2026-03-01", "s2,yesterday", false},
	    {"s1,", "s2,2026-03-01", false},
	    {"s1,2026-03-01T10:00:00.000Z", "s2,2026-03-08T10:00:00.000Z", true},
	    {"s1,2026-03-01T10:00:00.000Z", "s2,2026-03-08T10:00:00.001Z", false},
	};
	struct rule_set rules;
	char text[300], err[200];

	(void)state;
	rule_defaults(&rules);
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		struct hq_evaluate_joins joins;
		struct hq_labelled l;
		uint32_t cluster[2];
		snprintf(text, sizeof text,
		         "person,given_name,surname,phone,store,made\n"
		         "p1,Anna,Berg,+493412076863,%s\np2,Anna,,+493412076863,%s\n",
		         made[i].one, made[i].other);
		assert_int_equal(read_text(text, &l, err), 0);
		assert_int_equal(hq_evaluate_link(&l, &rules, cluster, &joins), 0);
		if ((cluster[0] == cluster[1]) != made[i].joined)
			fail_msg("%s and %s", made[i].one, made[i].other);
		assert_int_equal(joins.made[IDENT_PHONE][0], made[i].joined);
		assert_int_equal(joins.wrong[IDENT_PHONE][0], made[i].joined);
		hq_labelled_free(&l);
	}
	rule_free(&rules);
}

/* Two thousand people, each twice, one slip in each copy. */
static void make_people(struct buf *out)
{
	static const char *const sounds[] = {"ba", "de", "ki", "lo", "mu",
	                                     "na", "pe", "ri", "so", "tu"};

	srand(7);
	buf_str(out, "person,given_name,surname,birth_date,street,postcode,kind\n");
	for (int i = 0; i < 2000; i++) {
		char first[32], last[32];
		int day = rand() % 28 + 1, month = rand() % 12 + 1, year = 1940 + rand() % 60;
		int street = rand() % 400, code = 10000 + rand() % 300;
		snprintf(first, sizeof first, "%s%s%s", sounds[rand() % 10], sounds[rand() % 10],
		         sounds[i % 10]);
		snprintf(last, sizeof last, "%s%s%s%s", sounds[rand() % 10], sounds[rand() % 10],
		         sounds[rand() % 10], i % 2 ? "mann" : "er");
		for (int copy = 0; copy < 2; copy++) {
			bool slip = copy == 1;
			buf_printf(out, "p%d,%s,%s%s,%d-%02d-%02d,Weg%dstr. %d,%d,%s\n", i, first,
			           last, slip && i % 3 == 0 ? "n" : "", year, month,
			           slip && i % 3 == 1 ? day % 28 + 1 : day, street, i % 50,
			           slip && i % 3 == 2 ? code + 1 : code, slip ? "slip" : "");
		}
	}
}

static void hints_find_who_slipped_and_say_how_sure_they_are(void **state)
{
	struct buf text = {0};
	struct hq_labelled l;
	struct ident_rules rules = {0};
	const json_t *hints, *curve, *first;
	json_t *a;
	FILE *csv = tmpfile();
	char err[200], line[64];

	(void)state;
	make_people(&text);
	assert_int_equal(
	    hq_labelled_read((const char *)text.data, text.len, &rules, &l, err, sizeof err), 0);
	a = hq_evaluate(
	    &l, &(struct hq_evaluate_ask){.made = "2026-11-22T00:00:00.000Z", .curve = csv});
	assert_non_null(a);
	hints = json_object_get(a, "hints");
	assert_true(json_number_value(json_object_get(hints, "precision")) > 0.999);
	assert_true(json_number_value(json_object_get(hints, "recall")) > 0.98);
	assert_true(json_number_value(json_object_get(a, "blocking_recall")) > 0.999);
	assert_true(json_is_true(json_object_get(json_object_get(a, "weights"), "converged")));
	/* Every true pair that the curve counts is one: the last line has them all. */
	curve = json_object_get(a, "curve");
	first = json_array_get(curve, json_array_size(curve) - 1);
	assert_int_equal(json_integer_value(json_object_get(first, "right")), 2000);
	rewind(csv);
	assert_non_null(fgets(line, sizeof line, csv));
	assert_string_equal(line, "bits,right,wrong,precision,recall\n");
	fclose(csv);
	json_decref(a);
	hq_labelled_free(&l);
	buf_free(&text);
}

struct seen {
	unsigned char pair[64][64];
	unsigned passes;
};

static void see(void *ctx, const struct hq_pair *pair)
{
	struct seen *s = ctx;

	assert_true(pair->a < pair->b);
	s->pair[pair->a][pair->b]++;
	s->passes |= 1U << pair->pass;
}

static void add(struct hq_people *p, const char *first, const char *last, const char *born,
                const char *street, const char *postcode, const char *phone)
{
	assert_true(hq_people_add(p, &(struct score_plain){.first_name = first,
	                                                   .last_name = last,
	                                                   .birth_date = born,
	                                                   .street = street,
	                                                   .postcode = postcode,
	                                                   .phone = {phone}}) >= 0);
}

static void each_pass_finds_what_it_is_for_and_a_pair_comes_once(void **state)
{
	struct hq_people *p = hq_people_new();
	struct hq_pairs_report report;
	static struct seen s;

	(void)state;
	add(p, "Anna", "Müller", "1990-01-01", "Ring 1", "04109", "+491"); /* 0 */
	add(p, "Bernd", "Lang", "1990-01-01", "", "", NULL);               /* 1: born */
	add(p, "", "Mueler", "", "", "04109", NULL);                       /* 2: place, last */
	add(p, "Annalena", "Schmitz", "", "", "04109", NULL);              /* 3: place, first */
	add(p, "Miller", "Anne", "", "", "", NULL);                        /* 4: names */
	add(p, "X", "Y", "", "Ring 1", "", NULL);                          /* 5: address */
	add(p, "X", "Z", "", "", "", "+491");                              /* 6: phone */
	add(p, "Anna", "Müller", "1990-01-01", "Ring 1", "04109", "+491"); /* 7: all */
	assert_int_equal(hq_pairs_walk(p, &(struct hq_pairs_ask){.take = see, .ctx = &s}, &report),
	                 0);
	for (int i = 1; i < 8; i++)
		assert_int_equal(s.pair[0][i], 1);
	assert_int_equal(s.pair[1][2], 0);
	assert_int_equal(s.passes, ((1U << HQ_PASS_COUNT) - 1) & ~(1U << HQ_PASS_MAIL));
	memset(&s, 0, sizeof s);
	assert_int_equal(
	    hq_pairs_walk(p, &(struct hq_pairs_ask){.take = see, .ctx = &s, .all = true}, &report),
	    0);
	assert_int_equal(s.pair[0][7], HQ_PASS_COUNT - 1);
	hq_people_free(p);
}

static void count(void *ctx, const struct hq_pair *pair)
{
	(void)pair;
	++*(unsigned long *)ctx;
}

static void a_number_of_too_many_is_nobodys_and_a_block_too_large_is_parted(void **state)
{
	struct hq_people *p = hq_people_new();
	struct hq_pairs_report report;
	struct score_record r;
	unsigned long n = 0;

	(void)state;
	for (int i = 0; i < HQ_PAIRS_BLOCK_MAX + 50; i++) {
		char last[32];
		snprintf(last, sizeof last, "%c%cx", 'a' + i % 26, 'a' + i / 26);
		add(p, i % 2 ? "B" : "A", last, "1970-01-01", "", "", "+491");
	}
	assert_int_equal(
	    hq_pairs_walk(p, &(struct hq_pairs_ask){.take = count, .ctx = &n}, &report), 0);
	assert_int_equal(report.passed_over[HQ_PASS_PHONE], HQ_PAIRS_BLOCK_MAX + 50);
	hq_people_record(p, 3, &r);
	assert_true(r.phone[0] == 0);
	/* Parted by the first name's initial: two halves. */
	assert_int_equal(report.by_pass[HQ_PASS_BORN], 2 * (175 * 174 / 2));
	assert_int_equal(n, report.given);
	hq_people_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(febrls_own_columns_say_who_is_who),
	    cmocka_unit_test(a_file_without_labels_is_refused),
	    cmocka_unit_test(rows_that_cannot_be_read_are_counted_and_card_numbers_are_not_taken),
	    cmocka_unit_test(a_row_that_says_no_person_is_left_out_and_counted),
	    cmocka_unit_test(a_kind_that_is_called_all_is_one_kind_beside_all_of_them),
	    cmocka_unit_test(merges_are_counted_per_person),
	    cmocka_unit_test(intervals_are_wilsons),
	    cmocka_unit_test(the_rules_join_by_verified_identifiers_and_keep_others_apart),
	    cmocka_unit_test(where_and_when_it_was_made_decides_what_a_typed_phone_joins),
	    cmocka_unit_test(hints_find_who_slipped_and_say_how_sure_they_are),
	    cmocka_unit_test(each_pass_finds_what_it_is_for_and_a_pair_comes_once),
	    cmocka_unit_test(a_number_of_too_many_is_nobodys_and_a_block_too_large_is_parted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
