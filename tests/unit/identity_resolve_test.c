#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "identity/resolve.h"

/* A shard of one identifier, held by `profiles` customers. */
struct fake {
	const char *kind, *nf;
	int profiles; /* -1: the shard cannot be read */
	bool verified;
	int asked;
};

static int fake_find(void *ctx, const char *kind, const char *nf, struct shard_hit *out, int max)
{
	struct fake *fake = ctx;
	fake->asked++;
	assert_true(max >= 1);
	if (fake->profiles < 0)
		return -1;
	if (strcmp(kind, fake->kind) != 0 || strcmp(nf, fake->nf) != 0)
		return 0;
	memset(out, 0, sizeof *out);
	strcpy(out->profile.customer_id, "C000017");
	strcpy(out->ident_ref, "reference");
	out->verified = fake->verified;
	return fake->profiles;
}

static const struct ident_rules rules = {
    .schemes = {{.name = "card", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN}},
    .scheme_count = 1,
    .region = "DE",
    .ruleset = "rules-7"};

#define CARD "2600000000178"

static struct answer answer;

static void ask(struct fake *fake, enum ident_kind kind, const char *value, bool scanned)
{
	struct lookup lookup = {fake_find, fake};
	memset(&answer, 0x55, sizeof answer);
	const struct ident_given given = {.kind = kind, .scanned = scanned, .value = value};
	resolve(&rules, &lookup, &given, &answer);
	assert_string_equal(answer.ruleset, "rules-7");
}

static void assert_answer(enum outcome outcome, enum ident_kind kind, const char *rule,
                          const char *value)
{
	assert_string_equal(outcome_name(answer.outcome), outcome_name(outcome));
	assert_int_equal(answer.kind, kind);
	assert_string_equal(answer.rule, rule);
	assert_string_equal(answer.value, value);
}

static void assert_nobody(void)
{
	assert_string_equal(answer.confidence, "none");
	assert_false(answer.verified);
	assert_string_equal(answer.hit.profile.customer_id, "");
	assert_string_equal(answer.hit.ident_ref, "");
}

static void a_scanned_card_is_its_customer_for_certain(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, false, 0};
	ask(&fake, IDENT_NONE, "2600 0000 0017 8", true);
	assert_answer(OUTCOME_MATCHED, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_string_equal(answer.confidence, "certain");
	assert_true(answer.verified);
	assert_string_equal(answer.hit.profile.customer_id, "C000017");
	assert_string_equal(answer.hit.ident_ref, "reference");
}

static void a_typed_card_is_probable(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, false, 0};
	ask(&fake, IDENT_LOYALTY, CARD, false);
	assert_answer(OUTCOME_MATCHED, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_string_equal(answer.confidence, "probable");
	assert_false(answer.verified);
}

static void what_hq_has_verified_is_certain_even_when_typed(void **state)
{
	(void)state;
	struct fake fake = {"phone", "+4917612345678", 1, true, 0};
	ask(&fake, IDENT_PHONE, "0176 12345678", false);
	assert_answer(OUTCOME_MATCHED, IDENT_PHONE, "phone_exact", "+4917612345678");
	assert_string_equal(answer.confidence, "certain");
	assert_true(answer.verified);
}

static void a_scanned_address_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = {"email", "anna@example.com", 1, false, 0};
	ask(&fake, IDENT_NONE, "Anna@Example.com", true);
	assert_answer(OUTCOME_MATCHED, IDENT_EMAIL, "email_exact", "anna@example.com");
	assert_string_equal(answer.confidence, "probable");
}

static void a_card_nobody_has_is_unknown(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", "another", 1, false, 0};
	ask(&fake, IDENT_NONE, CARD, true);
	assert_answer(OUTCOME_UNKNOWN, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_nobody();
}

static void two_customers_on_one_number_are_a_conflict_never_a_guess(void **state)
{
	(void)state;
	struct fake fake = {"phone", "+4917612345678", 2, true, 0};
	ask(&fake, IDENT_PHONE, "0176 12345678", false);
	assert_answer(OUTCOME_CONFLICT, IDENT_PHONE, "phone_exact", "+4917612345678");
	assert_nobody();
}

static void a_shard_that_cannot_be_read_knows_nobody(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, -1, false, 0};
	ask(&fake, IDENT_NONE, CARD, true);
	assert_answer(OUTCOME_UNKNOWN, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_nobody();
}

static void a_card_number_is_refused_before_anything_is_looked_up(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	for (int kind = 0; kind < IDENT_KIND_COUNT; kind++) {
		ask(&fake, (enum ident_kind)kind, "4111 1111 1111 1111", kind & 1);
		assert_answer(OUTCOME_REFUSED_PAN, IDENT_NONE, "card_number",
		              kind == IDENT_PAR ? "" : "**** **** **** 1111");
		assert_nobody();
	}
	assert_int_equal(fake.asked, 0);
}

static void what_has_no_form_is_refused_and_stays_as_presented(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	ask(&fake, IDENT_NONE, " hello ", true);
	assert_answer(OUTCOME_REFUSED, IDENT_NONE, "no_rule", " hello ");
	assert_nobody();
	ask(&fake, IDENT_PHONE, "no number", false);
	assert_answer(OUTCOME_REFUSED, IDENT_PHONE, "no_rule", "no number");
	ask(&fake, IDENT_NONE, "", true);
	assert_answer(OUTCOME_REFUSED, IDENT_NONE, "no_rule", "");
	assert_int_equal(fake.asked, 0);
}

static void an_unknown_card_is_not_taken_for_a_phone(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	ask(&fake, IDENT_NONE, "017612345678", true);
	assert_answer(OUTCOME_REFUSED, IDENT_NONE, "no_rule", "017612345678");
}

static void a_long_value_is_refused_and_cut_between_characters(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	char text[8192] = "";
	for (size_t i = 0; i + 3 < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	ask(&fake, IDENT_NONE, text, true);
	assert_int_equal(answer.outcome, OUTCOME_REFUSED);
	assert_int_equal(strlen(answer.value), 318);
	assert_memory_equal(answer.value, text, 318);
}

/* The card number stands across the place where the value is cut. */
static void a_cut_leaves_no_front_of_a_card_number(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	for (size_t lead = 300; lead < 330; lead++) {
		char text[400];
		memset(text, 'x', lead);
		strcpy(text + lead, "4111111111111111 and more");
		ask(&fake, IDENT_NONE, text, true);
		assert_int_equal(answer.outcome, OUTCOME_REFUSED_PAN);
		size_t digits = 0;
		for (const char *p = answer.value; *p; p++)
			digits += *p >= '0' && *p <= '9';
		assert_true(digits <= 4);
	}
}

/* A long number is none of a card, but its first 16 digits would be. */
static void a_cut_makes_no_card_number_of_a_longer_one(void **state)
{
	(void)state;
	struct fake fake = {"loyalty", CARD, 1, true, 0};
	char text[400];
	memset(text, 'x', 304);
	strcpy(text + 304, "41111111111111110000000000");
	ask(&fake, IDENT_NONE, text, true);
	assert_int_equal(answer.outcome, OUTCOME_REFUSED);
	assert_false(pan_find(answer.value, false));
}

static void outcomes_have_the_words_of_the_event(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(OUTCOME_MATCHED), "matched");
	assert_string_equal(outcome_name(OUTCOME_UNKNOWN), "unknown");
	assert_string_equal(outcome_name(OUTCOME_REFUSED), "refused");
	assert_string_equal(outcome_name(OUTCOME_SHARED), "shared");
	assert_string_equal(outcome_name(OUTCOME_BLOCKED), "blocked");
	assert_string_equal(outcome_name(OUTCOME_CONFLICT), "conflict");
	assert_string_equal(outcome_name(OUTCOME_HELD), "held");
	assert_string_equal(outcome_name(OUTCOME_DROPPED), "dropped");
	assert_string_equal(outcome_name(OUTCOME_REFUSED_PAN), "refused_pan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_scanned_card_is_its_customer_for_certain),
	    cmocka_unit_test(a_typed_card_is_probable),
	    cmocka_unit_test(what_hq_has_verified_is_certain_even_when_typed),
	    cmocka_unit_test(a_scanned_address_proves_nothing),
	    cmocka_unit_test(a_card_nobody_has_is_unknown),
	    cmocka_unit_test(two_customers_on_one_number_are_a_conflict_never_a_guess),
	    cmocka_unit_test(a_shard_that_cannot_be_read_knows_nobody),
	    cmocka_unit_test(a_card_number_is_refused_before_anything_is_looked_up),
	    cmocka_unit_test(what_has_no_form_is_refused_and_stays_as_presented),
	    cmocka_unit_test(an_unknown_card_is_not_taken_for_a_phone),
	    cmocka_unit_test(a_long_value_is_refused_and_cut_between_characters),
	    cmocka_unit_test(a_cut_leaves_no_front_of_a_card_number),
	    cmocka_unit_test(a_cut_makes_no_card_number_of_a_longer_one),
	    cmocka_unit_test(outcomes_have_the_words_of_the_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
