#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/score.h"
#include "identity/score_internal.h"

struct one {
	struct score_room room;
	struct score_record record;
};

static void prepare(struct score_plain plain, struct one *out)
{
	score_prepare(&plain, &out->room, &out->record);
}

static void compare(struct score_plain a, struct score_plain b, struct score *out)
{
	struct score_model *m = score_model_defaults();
	struct one left, right;

	prepare(a, &left);
	prepare(b, &right);
	score_pair(m, &left.record, &right.record, out);
	score_model_free(m);
}

static int level(enum score_field f, struct score_plain a, struct score_plain b)
{
	struct score s;

	compare(a, b, &s);
	return s.level[f];
}

#define NAMED(first, last)                                                                         \
	(struct score_plain)                                                                       \
	{                                                                                          \
		.first_name = (first), .last_name = (last)                                         \
	}
#define FIRST(a, b) level(SCORE_FIRST, NAMED(a, "x"), NAMED(b, "x"))
#define LAST(a, b) level(SCORE_LAST, NAMED("x", a), NAMED("x", b))

static void first_names_have_levels(void **state)
{
	(void)state;
	assert_int_equal(FIRST("Anna", "ANNA"), SCORE_SAME);
	assert_int_equal(FIRST("Anna", ""), SCORE_UNSAID);
	assert_int_equal(FIRST("Annabella", "Anabella"), SCORE_FIRST_CLOSE);
	assert_int_equal(FIRST("Robert", "Bob"), SCORE_FIRST_SHORT);
	assert_int_equal(FIRST("Bobby", "Bob"), SCORE_FIRST_SHORT);
	assert_int_equal(FIRST("Anna Maria", "Maria"), SCORE_FIRST_SHORT);
	assert_int_equal(FIRST("Robert Karl", "Bob"), SCORE_FIRST_SHORT);
	assert_int_equal(FIRST("A.", "Anna"), SCORE_FIRST_INITIAL);
	assert_int_equal(FIRST("B.", "Anna"), SCORE_FIRST_OTHER);
	assert_int_equal(FIRST("Anna", "Thomas"), SCORE_FIRST_OTHER);
	assert_int_equal(FIRST("Bob", "Richard"), SCORE_FIRST_OTHER);
}

static void last_names_have_levels(void **state)
{
	(void)state;
	assert_int_equal(LAST("Müller", "Mueller"), SCORE_SAME);
	assert_int_equal(LAST("Schneider", "Schnieder"), SCORE_LAST_CLOSE);
	assert_int_equal(LAST("Müller-Lange", "Lange"), SCORE_LAST_PART);
	assert_int_equal(LAST("von der Heide", "von der Leyen"), SCORE_LAST_LIKE);
	assert_int_equal(LAST("Müller", "Schmidt"), SCORE_LAST_OTHER);
}

static void exchanged_names_are_seen_and_count_once(void **state)
{
	struct score s;

	(void)state;
	compare(NAMED("Schneider", "Anna"), NAMED("Anna", "Schneider"), &s);
	assert_int_equal(s.level[SCORE_FIRST], SCORE_FIRST_SWAPPED);
	assert_int_equal(s.level[SCORE_LAST], SCORE_UNSAID);
	compare(NAMED("Schneider", "Anna"), NAMED("Anna", "Weber"), &s);
	assert_int_equal(s.level[SCORE_FIRST], SCORE_FIRST_OTHER);
	compare(NAMED("Peter", "Martin"), NAMED("Peter", "Martin"), &s);
	assert_int_equal(s.level[SCORE_FIRST], SCORE_SAME);
	compare(NAMED("Anna", ""), NAMED("", "Anna"), &s);
	assert_int_equal(s.level[SCORE_FIRST], SCORE_UNSAID);
}

static int born(const char *a, const char *b)
{
	return level(SCORE_BORN, (struct score_plain){.birth_date = a},
	             (struct score_plain){.birth_date = b});
}

static void birth_dates_have_levels(void **state)
{
	(void)state;
	assert_int_equal(born("1990-02-03", "03.02.1990"), SCORE_SAME);
	assert_int_equal(born("1990-02-03", "1990-03-02"), SCORE_BORN_SWAPPED);
	assert_int_equal(born("1990-02-13", "1990-02-18"), SCORE_BORN_SLIP);
	assert_int_equal(born("1990-02-13", "1909-02-13"), SCORE_BORN_SLIP);
	assert_int_equal(born("1990-02-13", "1990-02-28"), SCORE_BORN_PART);
	assert_int_equal(born("1990-02-13", "1978-02-13"), SCORE_BORN_PART);
	assert_int_equal(born("1990-02-13", "1978-11-30"), SCORE_BORN_OTHER);
	assert_int_equal(born("", "1978-11-30"), SCORE_UNSAID);
}

static struct score_plain at(const char *street, const char *postcode, const char *city)
{
	return (struct score_plain){.street = street, .postcode = postcode, .city = city};
}

static void addresses_have_levels(void **state)
{
	(void)state;
#define PLACE(a, b, c, d) level(SCORE_PLACE, at("", a, b), at("", c, d))
	assert_int_equal(PLACE("04109", "Leipzig", "04109", ""), SCORE_SAME);
	assert_int_equal(PLACE("04109", "Leipzig", "04119", ""), SCORE_PLACE_SLIP);
	assert_int_equal(PLACE("04109", "Leipzig", "04277", "LEIPZIG"), SCORE_PLACE_CITY);
	assert_int_equal(PLACE("04109", "", "04277", "Leipzig"), SCORE_PLACE_AREA);
	assert_int_equal(PLACE("04109", "", "99425", ""), SCORE_PLACE_OTHER);
	assert_int_equal(PLACE("", "", "99425", "Weimar"), SCORE_UNSAID);
#define STREET(a, b) level(SCORE_STREET, at(a, "", ""), at(b, "", ""))
	assert_int_equal(STREET("Hauptstr. 1", "Hauptstraße 9"), SCORE_SAME);
	assert_int_equal(STREET("Hauptstr.", "Haubtstraße"), SCORE_STREET_CLOSE);
	assert_int_equal(STREET("Hauptstr.", "Am Weiher"), SCORE_STREET_OTHER);
#define HOUSE(a, b) level(SCORE_HOUSE, at("x " a, "", ""), at("x " b, "", ""))
	assert_int_equal(HOUSE("12a", "12 A"), SCORE_SAME);
	assert_int_equal(HOUSE("12a", "12"), SCORE_HOUSE_CLOSE);
	assert_int_equal(HOUSE("12", "12-14"), SCORE_HOUSE_CLOSE);
	assert_int_equal(HOUSE("127", "172"), SCORE_HOUSE_CLOSE);
	assert_int_equal(HOUSE("1", "2"), SCORE_HOUSE_OTHER);
	assert_int_equal(HOUSE("12", "90"), SCORE_HOUSE_OTHER);
}

static void contacts_have_levels(void **state)
{
	struct score_plain a = {.phone = {"+491701", "+491702"}, .mail = {"j.d@gmail.com"}},
	                   b = {.phone = {"+491702"}, .mail = {"jd+x@gmail.com"}},
	                   c = {.phone = {"+491709"}, .mail = {NULL, "jd@example.com"}};

	(void)state;
	assert_int_equal(level(SCORE_PHONE, a, b), SCORE_SAME);
	assert_int_equal(level(SCORE_PHONE, a, c), SCORE_PHONE_OTHER);
	assert_int_equal(level(SCORE_MAIL, a, a), SCORE_SAME);
	assert_int_equal(level(SCORE_MAIL, a, b), SCORE_MAIL_FOLDED);
	assert_int_equal(level(SCORE_MAIL, a, c), SCORE_MAIL_OTHER);
	assert_int_equal(level(SCORE_MAIL, a, NAMED("x", "y")), SCORE_UNSAID);
}

/* Records that differ in everything somewhere: each field of each takes each of three values. */
static struct score_plain any(unsigned n)
{
	static const char *const first[] = {"", "Anna", "Hanna", "Schneider"},
	                         *const last[] = {"Schneider", "Schnieder", "", "Anna"},
	                         *const born_on[] = {"", "1990-02-03", "1990-03-02", "1971-12-30"},
	                         *const street[] = {"Hauptstr. 3", "Haubtstr. 30", "", "Ring 7"},
	                         *const code[] = {"04109", "04190", "", "99425"},
	                         *const phone[] = {NULL, "+491", "+492", "+493"};

	return (struct score_plain){.first_name = first[n % 4],
	                            .last_name = last[n / 4 % 4],
	                            .birth_date = born_on[n / 16 % 4],
	                            .street = street[n / 64 % 4],
	                            .postcode = code[n / 256 % 4],
	                            .phone = {phone[n / 1024 % 4]}};
}

static void a_score_is_the_sum_of_its_reasons_and_the_same_from_both_sides(void **state)
{
	struct score_model *m = score_model_defaults();

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct one a, b;
		struct score s, turned;
		int sum = 0;
		prepare(any(i * 2654435761U >> 12), &a);
		prepare(any(i * 40503U >> 3), &b);
		score_pair(m, &a.record, &b.record, &s);
		score_pair(m, &b.record, &a.record, &turned);
		assert_memory_equal(&s, &turned, sizeof s);
		assert_true(s.reason_count > 0 && s.reason_count <= SCORE_REASONS_MAX);
		for (int r = 0; r < s.reason_count; r++) {
			sum += s.reason[r].mbit;
			assert_true(strlen(score_reason_words(&s.reason[r])) > 3);
		}
		assert_int_equal(sum, s.mbit);
	}
	score_model_free(m);
}

static const struct score_plain anna = {.first_name = "Anna",
                                        .last_name = "Schneider",
                                        .birth_date = "1990-02-13",
                                        .street = "Hauptstr. 12",
                                        .postcode = "04109",
                                        .phone = {"+4917012345"}};

static void a_twin_who_lives_there_too_is_not_taken_for_the_same(void **state)
{
	struct score_plain twin = anna, typo = anna;
	struct score s;

	(void)state;
	compare(anna, anna, &s);
	assert_true(s.mbit > SCORE_SURE_MBIT);
	typo.first_name = "Ana";
	typo.street = "Haupstraße 12";
	compare(anna, typo, &s);
	assert_true(s.mbit > SCORE_LIKELY_MBIT);
	twin.first_name = "Thomas";
	compare(anna, twin, &s);
	assert_true(s.mbit < SCORE_LIKELY_MBIT);
	twin.birth_date = "1962-05-30";
	compare(anna, twin, &s);
	assert_true(s.mbit < 0);
}

static void who_moved_is_still_found(void **state)
{
	struct score_plain moved = anna;
	struct score s;
	bool said = false;

	(void)state;
	moved.street = "Am Weiher 3";
	moved.postcode = "80331";
	compare(anna, moved, &s);
	assert_true(s.mbit > SCORE_LIKELY_MBIT);
	for (int i = 0; i < s.reason_count; i++)
		said = said || (s.reason[i].why == SCORE_WHY_MOVED && s.reason[i].mbit > 0);
	assert_true(said);
}

static void a_frequent_name_weighs_less_than_a_rare_one(void **state)
{
	struct score_model *m = score_model_defaults();
	struct one muller, rare;
	struct score frequent, seldom;
	struct score_often often = {score_often_key(SCORE_LAST, score_text_hash("muller")), 0.01};

	(void)state;
	m->rest[SCORE_LAST] = 0.00001;
	m->often = &often;
	m->often_count = 1;
	prepare(NAMED("Anna", "Müller"), &muller);
	prepare(NAMED("Anna", "Zwerenz"), &rare);
	score_pair(m, &muller.record, &muller.record, &frequent);
	score_pair(m, &rare.record, &rare.record, &seldom);
	/* A thousand times as rare: ten bits, less what a household would share as well. */
	assert_in_range(seldom.mbit - frequent.mbit, 7000, 9970);
	m->often = NULL;
	score_model_free(m);
}

static void a_name_as_a_whole_is_taken_apart(void **state)
{
	struct one a;

	(void)state;
	prepare((struct score_plain){.name = "Anna Maria Müller"}, &a);
	assert_string_equal(a.record.first, "anna maria");
	assert_string_equal(a.record.last, "muller");
	prepare((struct score_plain){.name = "Müller, Anna"}, &a);
	assert_string_equal(a.record.first, "anna");
	assert_string_equal(a.record.last, "muller");
	prepare((struct score_plain){.name = "Anna"}, &a);
	assert_string_equal(a.record.first, "anna");
	assert_string_equal(a.record.last, "");
	prepare((struct score_plain){.first_name = "Anna", .name = "Anna Müller"}, &a);
	assert_string_equal(a.record.first, "anna");
	assert_string_equal(a.record.last, "muller");
}

static void a_suggestion_shows_initials_and_the_postcode_only(void **state)
{
	char out[64];

	(void)state;
	score_mask(&anna, out, sizeof out);
	assert_string_equal(out, "A... S..., 04109");
	score_mask(&(struct score_plain){.name = "Özge Yılmaz"}, out, sizeof out);
	assert_string_equal(out, "Ö... Y...");
	score_mask(&(struct score_plain){.postcode = "04109"}, out, sizeof out);
	assert_string_equal(out, "04109");
	score_mask(&(struct score_plain){.name = ""}, out, sizeof out);
	assert_string_equal(out, "");
	score_mask(&(struct score_plain){.postcode = "ääääääääääääääääääääääääääääääää"}, out,
	           sizeof out);
	assert_true(text_utf8_ok(out, strlen(out))); /* cut between letters */
}

static void a_percentage_is_never_certain(void **state)
{
	(void)state;
	assert_int_equal(score_percent(0), 50);
	assert_int_equal(score_percent(SCORE_LIKELY_MBIT), 90);
	assert_int_equal(score_percent(SCORE_SURE_MBIT), 99);
	assert_int_equal(score_percent(60000), 99); /* all that there is to compare is the same */
	assert_int_equal(score_percent(-60000), 0);
}

static void a_model_survives_its_text_form(void **state)
{
	struct score_model *m = score_model_defaults(), *back;
	struct buf text = {0}, again = {0};
	char err[200];

	(void)state;
	m->rest[SCORE_LAST] = 0.0001;
	m->often = calloc(2, sizeof *m->often);
	m->often[0] = (struct score_often){7, 0.25};
	m->often[1] = (struct score_often){UINT64_MAX, 0.125};
	m->often_count = 2;
	score_model_write(m, &text);
	back = score_model_read((const char *)text.data, text.len, err, sizeof err);
	assert_non_null(back);
	score_model_write(back, &again);
	assert_int_equal(text.len, again.len);
	assert_memory_equal(text.data, again.data, text.len);
	score_model_free(m);
	score_model_free(back);
	buf_free(&text);
	buf_free(&again);
}

static void a_shortened_model_keeps_what_is_most_frequent_and_weighs_the_rest_no_more(void **state)
{
	struct score_model *m = score_model_defaults(), *back;
	struct buf text = {0};
	char err[200];

	(void)state;
	m->rest[SCORE_LAST] = 0.00001;
	m->often_count = SCORE_OFTEN_MAX;
	m->often = calloc((size_t)m->often_count, sizeof *m->often);
	for (int i = 0; i < m->often_count; i++)
		m->often[i] = (struct score_often){
		    (uint64_t)i << 4 | (i % 2 ? SCORE_LAST : SCORE_BORN), 0.001 + i * 1e-8};
	score_model_shorten(m);
	assert_int_equal(m->often_count, SCORE_TOLD_OFTEN_MAX);
	/* the most frequent half of the last names, still in order; none of birth dates */
	for (int i = 0; i < m->often_count; i++)
		assert_int_equal(m->often[i].key, (uint64_t)(2 * (4096 + i) + 1) << 4 | SCORE_LAST);
	assert_true(m->rest[SCORE_LAST] == 0.001 + 8191 * 1e-8);
	score_model_write(m, &text);
	assert_true(text.len < SCORE_TOLD_BYTES_MAX);
	back = score_model_read((const char *)text.data, text.len, err, sizeof err);
	assert_non_null(back);
	score_model_free(m);
	score_model_free(back);
	buf_free(&text);
}

/* Nothing that can stand in a file makes a score that is no number any more. */
static void a_share_next_to_nothing_weighs_as_much_as_one_can(void **state)
{
	static const struct score_plain plain = {
	    .first_name = "Anna", .last_name = "Berg", .street = "Ring 1", .postcode = "04109"};
	struct score_model *m = score_model_defaults(), *back;
	struct buf text = {0};
	struct one who;
	struct score s;
	char err[200];

	(void)state;
	prepare(plain, &who);
	struct score_often often[] = {
	    {score_often_key(SCORE_PLACE, score_text_hash(who.record.postcode)), 1e-300},
	    {score_often_key(SCORE_STREET, score_text_hash(who.record.street)), 1e-300}};
	if (often[0].key > often[1].key) {
		struct score_often first = often[0];
		often[0] = often[1];
		often[1] = first;
	}
	m->rest[SCORE_PLACE] = m->rest[SCORE_STREET] = 0.001;
	m->often = often;
	m->often_count = 2;
	score_model_write(m, &text);
	m->often = NULL;
	back = score_model_read((const char *)text.data, text.len, err, sizeof err);
	assert_non_null(back);
	score_pair(back, &who.record, &who.record, &s);
	assert_in_range(s.mbit, 1, 200000);
	score_model_free(m);
	score_model_free(back);
	buf_free(&text);
}

/* What is put in the place of what, in the defaults' text, must be refused. */
static void a_model_that_cannot_be_is_refused_with_a_reason(void **state)
{
	static const char *const changes[][2] = {
	    {"\"version\":\"defaults-1\"", "\"version\":\"a\\\"b\""},
	    {"\"version\"", "\"other\""},
	    {"\"match\":1e-05", "\"match\":0"},
	    {"\"match\":1e-05", "\"match\":\"x\""},
	    {"\"moved\":0.1", "\"moved\":1"},
	    {"\"initial\":", "\"initials\":"},
	    {"\"often\":[]", "\"often\":{}"},
	    {"\"often\":[]", "\"often\":[[\"00\",0.5]]"},
	    {"\"often\":[]", "\"often\":[[\"000000000000000g\",0.5]]"},
	    {"\"often\":[]", "\"often\":[[\"-000000000000001\",0.5]]"},
	    {"\"often\":[]", "\"often\":[[\"0000000000000002\",0.5],[\"0000000000000001\",0.5]]"},
	    {"\"rest\":{", "\"rest\":{\"x\":1},\"y\":{"},
	    {"}", ""}};
	struct score_model *m = score_model_defaults();
	struct buf text = {0};

	(void)state;
	score_model_write(m, &text);
	buf_byte(&text, '\0');
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const char *at = strstr((const char *)text.data, changes[i][0]);
		struct buf wrong = {0};
		char err[200] = "";
		assert_non_null(at);
		buf_add(&wrong, text.data, (size_t)((const uint8_t *)at - text.data));
		buf_str(&wrong, changes[i][1]);
		buf_str(&wrong, at + strlen(changes[i][0]));
		assert_null(score_model_read((const char *)wrong.data, wrong.len, err, sizeof err));
		assert_non_null(strstr(err, "expected"));
		buf_free(&wrong);
	}
	buf_free(&text);
	score_model_free(m);
}

static void short_forms_are_sorted_and_work_both_ways(void **state)
{
	static const char *const forms[] = {
#define SCORE_NICK(form, group) form,
#include "identity/score_nick.def"
	};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		char form[SCORE_TEXT_SIZE];
		score_text_form(forms[i], form);
		assert_string_equal(form, forms[i]);
		if (i > 0)
			assert_true(strcmp(forms[i - 1], forms[i]) <= 0);
	}
	assert_true(score_nick_same("bob", "robert") && score_nick_same("robert", "bob"));
	assert_true(score_nick_same("alex", "alexandra") && score_nick_same("alex", "alexander"));
	assert_false(score_nick_same("anna", "robert"));
	assert_false(score_nick_same("", "robert"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_names_have_levels),
	    cmocka_unit_test(last_names_have_levels),
	    cmocka_unit_test(exchanged_names_are_seen_and_count_once),
	    cmocka_unit_test(birth_dates_have_levels),
	    cmocka_unit_test(addresses_have_levels),
	    cmocka_unit_test(contacts_have_levels),
	    cmocka_unit_test(a_score_is_the_sum_of_its_reasons_and_the_same_from_both_sides),
	    cmocka_unit_test(a_twin_who_lives_there_too_is_not_taken_for_the_same),
	    cmocka_unit_test(who_moved_is_still_found),
	    cmocka_unit_test(a_frequent_name_weighs_less_than_a_rare_one),
	    cmocka_unit_test(a_name_as_a_whole_is_taken_apart),
	    cmocka_unit_test(a_suggestion_shows_initials_and_the_postcode_only),
	    cmocka_unit_test(a_percentage_is_never_certain),
	    cmocka_unit_test(a_model_survives_its_text_form),
	    cmocka_unit_test(
	        a_shortened_model_keeps_what_is_most_frequent_and_weighs_the_rest_no_more),
	    cmocka_unit_test(a_share_next_to_nothing_weighs_as_much_as_one_can),
	    cmocka_unit_test(a_model_that_cannot_be_is_refused_with_a_reason),
	    cmocka_unit_test(short_forms_are_sorted_and_work_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
