/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "identity/consent.h"

/* Units u1 .. u4, addresses a1, a2. */
enum { NONE = 0, U1 = 1, U2, U3, U4, A1 = 20, A2 };

static struct ref ref(uint8_t n)
{
	struct ref r = {{0}};
	r.byte[0] = n;
	return r;
}

#define MAX 8
struct log {
	struct consent_choice choice[MAX];
	struct ref covers[MAX][4];
	size_t n;
};

/* "marketing email granted till 10" or "... 10-20"; covers is the unit alone until it is said. */
static struct consent_choice *say(struct log *l, const char *text, uint8_t unit, uint8_t address)
{
	char purpose[32], channel[16], value[16], method[16];
	long long from, to;
	int got = sscanf(text, "%31s %15s %15s %15s %lld-%lld", purpose, channel, value, method,
	                 &from, &to);
	assert_true(got >= 5 && l->n < MAX);
	struct consent_choice *c = &l->choice[l->n];
	*c = (struct consent_choice){.id = ref((uint8_t)(100 + l->n)),
	                             .purpose = consent_purpose_named(purpose),
	                             .channel = consent_channel_named(channel),
	                             .value = consent_value_named(value),
	                             .method = consent_method_named(method),
	                             .has_text = true,
	                             .from_us = from,
	                             .to_us = got == 6 ? to : from,
	                             .unit = ref(unit),
	                             .address = ref(address),
	                             .covers = l->covers[l->n],
	                             .cover_count = unit != NONE};
	l->covers[l->n][0] = c->unit;
	l->n++;
	return c;
}

static void covers(struct log *l, uint8_t second)
{
	struct consent_choice *c = &l->choice[l->n - 1];
	l->covers[l->n - 1][c->cover_count++] = ref(second);
}

static struct consent_answer ask(const struct log *l, const char *what, const uint8_t *units,
                                 uint8_t address)
{
	char purpose[32], channel[16];
	struct ref unit[4];
	struct consent_answer out, again;
	struct consent_choice turned[MAX];
	assert_int_equal(sscanf(what, "%31s %15s", purpose, channel), 2);
	struct consent_question q = {.purpose = consent_purpose_named(purpose),
	                             .channel = consent_channel_named(channel),
	                             .address = ref(address),
	                             .unit = unit};
	for (; units[q.unit_count]; q.unit_count++)
		unit[q.unit_count] = ref(units[q.unit_count]);
	consent_evaluate(l->choice, l->n, &q, &out);
	for (size_t i = 0; i < l->n; i++)
		turned[i] = l->choice[l->n - 1 - i];
	consent_evaluate(turned, l->n, &q, &again);
	assert_int_equal(out.value, again.value);
	assert_string_equal(out.rule, again.rule);
	assert_int_equal(out.because == NULL, again.because == NULL);
	if (out.because)
		assert_memory_equal(&out.because->id, &again.because->id, sizeof(struct ref));
	assert_int_equal(out.allowed, out.value == CONSENT_GRANTED);
	return out;
}

#define ASK(l, what, address, ...) ask(l, what, (const uint8_t[]){__VA_ARGS__, 0}, address)
#define EXPECT(l, what, address, wanted, why, ...)                                                 \
	do {                                                                                       \
		struct consent_answer got_ = ASK(l, what, address, __VA_ARGS__);                   \
		assert_string_equal(consent_value_name(got_.value), wanted);                       \
		assert_string_equal(got_.rule, why);                                               \
	} while (0)

static void names_are_read_as_they_are_written(void **state)
{
	(void)state;
	for (int i = 0; i <= CONSENT_PURPOSE_COUNT; i++)
		assert_int_equal(
		    consent_purpose_named(consent_purpose_name((enum consent_purpose)i)), i);
	for (int i = 0; i <= CONSENT_CHANNEL_COUNT; i++)
		assert_int_equal(
		    consent_channel_named(consent_channel_name((enum consent_channel)i)), i);
	for (int i = 0; i <= CONSENT_VALUE_COUNT; i++)
		assert_int_equal(consent_value_named(consent_value_name((enum consent_value)i)), i);
	for (int i = 0; i <= CONSENT_METHOD_COUNT; i++)
		assert_int_equal(consent_method_named(consent_method_name((enum consent_method)i)),
		                 i);
}

static void nothing_recorded_is_not_allowed_and_is_no_refusal(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	EXPECT(&l, "loyalty any", NONE, "not_asked", "nothing_recorded", U1);
	say(&l, "loyalty any granted till 10", U1, NONE);
	EXPECT(&l, "loyalty any", NONE, "granted", "latest", U1);
	EXPECT(&l, "profiling any", NONE, "not_asked", "nothing_recorded", U1);
	EXPECT(&l, "loyalty any", NONE, "granted", "latest", U1, U2); /* u2 forbids nothing */
	EXPECT(&l, "loyalty any", NONE, "not_asked", "nothing_recorded", U2);
}

static void the_latest_choice_wins_however_late_it_comes(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any withdrawn customer 20", U1, NONE);
	say(&l, "profiling any granted till 10", U1, NONE);
	EXPECT(&l, "profiling any", NONE, "withdrawn", "latest", U1);
	say(&l, "profiling any granted till 30", U1, NONE);
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U1);
}

static void where_times_overlap_the_stricter_choice_wins(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any refused till 10-30", U1, NONE);
	say(&l, "profiling any granted till 30-40", U1, NONE);
	EXPECT(&l, "profiling any", NONE, "refused", "overlap", U1);
	l.choice[1].from_us = 31;
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U1);
}

static void a_choice_about_all_channels_is_one_about_each(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "personalisation any granted till 10", U1, NONE);
	say(&l, "personalisation sms refused till 20", U1, NONE);
	EXPECT(&l, "personalisation email", NONE, "granted", "latest", U1);
	EXPECT(&l, "personalisation sms", NONE, "refused", "latest", U1);
	EXPECT(&l, "personalisation any", NONE, "refused", "latest", U1);
	say(&l, "personalisation sms granted till 30", U1, NONE);
	EXPECT(&l, "personalisation any", NONE, "granted", "latest", U1);
}

static void one_channel_that_nobody_was_asked_about_is_not_every_channel(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "personalisation email granted till 10", U1, NONE);
	EXPECT(&l, "personalisation any", NONE, "not_asked", "nothing_recorded", U1);
}

static void of_linked_units_the_strictest_record_wins(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any refused till 10", U1, NONE);
	say(&l, "profiling any granted till 20", U2, NONE);
	EXPECT(&l, "profiling any", NONE, "refused", "strictest", U1, U2);
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U2);
}

static void a_choice_on_the_merged_person_decides_until_they_are_unlinked(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any refused till 10", U1, NONE);
	say(&l, "profiling any granted till 20", U2, NONE);
	covers(&l, U1);
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U1, U2);
	EXPECT(&l, "profiling any", NONE, "refused", "latest", U1);
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U2);
	EXPECT(&l, "profiling any", NONE, "refused", "latest", U1, U3);
}

static void a_withdrawal_while_linked_stays_on_both_sides(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any granted till 10", U1, NONE);
	say(&l, "profiling any granted till 10", U2, NONE);
	say(&l, "profiling any withdrawn customer 20", U2, NONE);
	covers(&l, U1);
	EXPECT(&l, "profiling any", NONE, "withdrawn", "latest", U1);
	EXPECT(&l, "profiling any", NONE, "withdrawn", "latest", U2);
	EXPECT(&l, "profiling any", NONE, "withdrawn", "latest", U1, U2);
}

static void a_grant_covers_only_the_address_it_was_given_for(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email granted confirmed 10", U1, A1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	EXPECT(&l, "marketing email", A2, "not_asked", "nothing_recorded", U1);
	EXPECT(&l, "marketing email", NONE, "not_asked", "nothing_recorded", U1);
	say(&l, "marketing any withdrawn customer 20", U1, NONE);
	EXPECT(&l, "marketing email", A1, "withdrawn", "latest", U1);
}

static void stop_binds_everybody_who_has_the_address(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email granted confirmed 10", U2, A1);
	say(&l, "marketing email withdrawn stop 20", U1, A1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U2);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U1, U2);
	say(&l, "marketing email granted customer 30", U2, A1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U2);
	say(&l, "marketing email granted confirmed 40", U2, A1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U2);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U1); /* u2's, not u1's */
	EXPECT(&l, "marketing email", A2, "not_asked", "nothing_recorded", U1);
}

static void stop_is_lifted_only_by_what_is_wholly_later(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email withdrawn stop 20-40", NONE, A1);
	say(&l, "marketing email granted confirmed 40-50", U1, A1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U1);
	l.choice[1].from_us = 41;
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U2);
}

static void what_the_address_itself_chose_is_a_record_of_everybody_who_has_it(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email withdrawn complaint 20", NONE, A1);
	say(&l, "marketing email granted confirmed 30", NONE, A1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	EXPECT(&l, "marketing email", A2, "not_asked", "nothing_recorded", U1);
}

static void what_an_address_refused_by_itself_ends_when_it_confirms(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email refused customer 20", NONE, A1);
	say(&l, "marketing email granted customer 30", U1, A1);
	EXPECT(&l, "marketing email", A1, "refused", "strictest", U1);
	say(&l, "marketing email granted confirmed 40", U1, A1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	EXPECT(&l, "marketing email", A1, "refused", "latest", U2);
}

static void a_stop_is_a_withdrawal_whatever_its_value_says(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email granted stop 20", U1, A1);
	EXPECT(&l, "marketing email", A1, "withdrawn", "stop", U1);
}

static void an_import_lowers_and_raises_only_with_its_text(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "profiling any granted import 30", U1, NONE)->has_text = false;
	EXPECT(&l, "profiling any", NONE, "not_asked", "import", U1);
	say(&l, "profiling any refused till 20", U1, NONE);
	EXPECT(&l, "profiling any", NONE, "refused", "latest", U1);
	l.choice[0].has_text = true;
	EXPECT(&l, "profiling any", NONE, "granted", "latest", U1);
	say(&l, "profiling any withdrawn import 0-50", U1, NONE)->has_text = false;
	EXPECT(&l, "profiling any", NONE, "withdrawn", "overlap", U1);
}

static void marketing_typed_at_a_till_pends_until_the_address_confirms(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email granted till 10", U1, A1);
	EXPECT(&l, "marketing email", A1, "pending", "pending", U1);
	say(&l, "marketing email granted confirmed 20", U1, A1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	say(&l, "marketing email granted till 30", U1, A1); /* asked once more: nothing new */
	EXPECT(&l, "marketing email", A1, "granted", "latest", U1);
	say(&l, "marketing email withdrawn customer 25", U1, A1);
	EXPECT(&l, "marketing email", A1, "pending", "pending", U1);
}

static void another_persons_confirmation_confirms_nothing(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	say(&l, "marketing email granted till 10", U1, A1);
	say(&l, "marketing email granted confirmed 20", U2, A1);
	EXPECT(&l, "marketing email", A1, "pending", "pending", U1);
	EXPECT(&l, "marketing email", A1, "granted", "latest", U2);
}

static void restriction_leaves_loyalty_alone(void **state)
{
	(void)state;
	struct log l = {.n = 0};
	struct ref unit = ref(U1);
	struct consent_answer out;
	say(&l, "profiling any granted customer 10", U1, NONE);
	say(&l, "loyalty any granted customer 10", U1, NONE);
	struct consent_question q = {
	    .purpose = CONSENT_PROFILING, .unit = &unit, .unit_count = 1, .restricted = true};
	consent_evaluate(l.choice, l.n, &q, &out);
	assert_false(out.allowed);
	assert_string_equal(out.rule, "restricted");
	q.purpose = CONSENT_LOYALTY;
	consent_evaluate(l.choice, l.n, &q, &out);
	assert_true(out.allowed);
}

/* Is the first of the two superseded by the second? */
static bool over(const char *first, uint8_t address, const char *second, uint8_t other)
{
	struct log l = {.n = 0};

	say(&l, first, U1, address);
	say(&l, second, U1, other);
	return consent_superseded(&l.choice[0], &l.choice[1]);
}

static void a_later_word_supersedes_only_what_it_is_about_as_well(void **state)
{
	(void)state;
	assert_true(
	    over("profiling any granted till 10", NONE, "profiling any refused till 11", NONE));
	assert_true(
	    over("marketing sms granted till 10", A1, "marketing any refused till 11", NONE));
	assert_true(over("marketing sms refused till 10", A1, "marketing sms refused till 11", A1));
	assert_false(
	    over("marketing any granted till 10", A1, "marketing sms refused till 11", A1));
	assert_false(
	    over("marketing sms granted till 10", A1, "marketing sms refused till 11", A2));
	assert_false(
	    over("profiling any granted till 10", NONE, "loyalty any refused till 11", NONE));
	/* asked with an address, only the no speaks */
	assert_false(
	    over("profiling any refused till 10", NONE, "profiling any granted till 11", NONE));
}

static void what_may_overlap_supersedes_nothing(void **state)
{
	(void)state;
	assert_false(
	    over("profiling any granted till 10", NONE, "profiling any refused till 10", NONE));
	assert_false(
	    over("profiling any granted till 10-12", NONE, "profiling any refused till 12", NONE));
	assert_false(
	    over("profiling any granted till 11", NONE, "profiling any refused till 10", NONE));
}

static void what_still_holds_something_back_is_not_superseded(void **state)
{
	(void)state;
	/* a STOP, until another one or nothing; the confirmation that lifted it */
	assert_false(
	    over("marketing sms withdrawn stop 10", A1, "marketing sms refused till 11", A1));
	assert_false(
	    over("marketing sms withdrawn stop 10", A1, "marketing sms granted confirmed 11", A1));
	assert_true(
	    over("marketing sms withdrawn stop 10", A1, "marketing sms withdrawn stop 11", A1));
	assert_false(
	    over("marketing sms granted confirmed 10", A1, "marketing sms refused till 11", A1));
	assert_true(over("marketing sms granted confirmed 10", A1,
	                 "marketing sms granted confirmed 11", A1));
	/* a no, behind which an older confirmation does not count */
	assert_false(
	    over("marketing sms refused till 10", A1, "marketing sms granted customer 11", A1));
	assert_true(
	    over("marketing sms refused till 10", A1, "marketing sms granted confirmed 11", A1));
	assert_true(
	    over("profiling sms refused till 10", A1, "profiling sms granted customer 11", A1));
}

static void of_linked_units_each_has_to_be_spoken_for(void **state)
{
	(void)state;
	struct log l = {.n = 0};

	say(&l, "profiling any refused till 10", U1, A1);
	covers(&l, U2);
	say(&l, "profiling any granted customer 20", U1, A1);
	covers(&l, U2);
	assert_false(
	    consent_superseded(&l.choice[0], &l.choice[1])); /* after an unlink U2 has it */
	say(&l, "profiling any refused till 30", U2, A1);
	assert_false(consent_superseded(&l.choice[1], &l.choice[2]));
	covers(&l, U1);
	assert_true(consent_superseded(&l.choice[0], &l.choice[2]));
	assert_true(consent_superseded(&l.choice[1], &l.choice[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_read_as_they_are_written),
	    cmocka_unit_test(nothing_recorded_is_not_allowed_and_is_no_refusal),
	    cmocka_unit_test(the_latest_choice_wins_however_late_it_comes),
	    cmocka_unit_test(where_times_overlap_the_stricter_choice_wins),
	    cmocka_unit_test(a_choice_about_all_channels_is_one_about_each),
	    cmocka_unit_test(one_channel_that_nobody_was_asked_about_is_not_every_channel),
	    cmocka_unit_test(of_linked_units_the_strictest_record_wins),
	    cmocka_unit_test(a_choice_on_the_merged_person_decides_until_they_are_unlinked),
	    cmocka_unit_test(a_withdrawal_while_linked_stays_on_both_sides),
	    cmocka_unit_test(a_grant_covers_only_the_address_it_was_given_for),
	    cmocka_unit_test(stop_binds_everybody_who_has_the_address),
	    cmocka_unit_test(stop_is_lifted_only_by_what_is_wholly_later),
	    cmocka_unit_test(what_the_address_itself_chose_is_a_record_of_everybody_who_has_it),
	    cmocka_unit_test(what_an_address_refused_by_itself_ends_when_it_confirms),
	    cmocka_unit_test(a_stop_is_a_withdrawal_whatever_its_value_says),
	    cmocka_unit_test(an_import_lowers_and_raises_only_with_its_text),
	    cmocka_unit_test(marketing_typed_at_a_till_pends_until_the_address_confirms),
	    cmocka_unit_test(another_persons_confirmation_confirms_nothing),
	    cmocka_unit_test(restriction_leaves_loyalty_alone),
	    cmocka_unit_test(a_later_word_supersedes_only_what_it_is_about_as_well),
	    cmocka_unit_test(what_may_overlap_supersedes_nothing),
	    cmocka_unit_test(what_still_holds_something_back_is_not_superseded),
	    cmocka_unit_test(of_linked_units_each_has_to_be_spoken_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
