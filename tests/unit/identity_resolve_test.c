#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "identity/resolve.h"

/* A shard of one identifier, held by `profiles` customers. */
struct fake {
	const char *kind, *nf;
	int profiles; /* -1: the shard cannot be read */
	bool verified;
	int asked;
	const char *seen, *last_seen;
	bool shared, blocked;
	enum guard_state guard;
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
	for (int i = 0; i < fake->profiles && i < max; i++) {
		memset(&out[i], 0, sizeof out[i]);
		snprintf(out[i].profile.customer_id, sizeof out[i].profile.customer_id, "C%06d",
		         17 + i);
		strcpy(out[i].ident_ref, "reference");
		out[i].verified = fake->verified;
		out[i].shared = fake->shared && i == 0;
		out[i].blocked = fake->blocked;
		snprintf(out[i].seen, sizeof out[i].seen, "%s", fake->seen ? fake->seen : "");
		snprintf(out[i].profile.last_seen, sizeof out[i].profile.last_seen, "%s",
		         fake->last_seen ? fake->last_seen : "");
	}
	return fake->profiles;
}

static enum guard_state fake_guard(void *ctx, enum ident_kind kind, const char *nf)
{
	struct fake *fake = ctx;
	assert_int_not_equal(kind, IDENT_NONE);
	assert_string_not_equal(nf, "");
	return fake->guard;
}

static const struct ident_rules rules = {
    .schemes = {{.name = "card", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN}},
    .scheme_count = 1,
    .region = "DE",
    .ruleset = "rules-7"};

#define CARD "2600000000178"

/* 2026-11-21T17:02:03.123Z */
#define NOW_US INT64_C(1795280523123000)

static struct rule_set table;
static int64_t now_us = NOW_US;
static const char *serves;
static struct answer answer;

static int delivered(void **state)
{
	(void)state;
	rule_free(&table);
	rule_defaults(&table);
	strcpy(table.version, "rules-7");
	table.forms = &rules;
	now_us = NOW_US;
	serves = NULL;
	return 0;
}

static void ask(struct fake *fake, enum ident_kind kind, const char *value, bool scanned)
{
	struct lookup lookup = {.find = fake_find, .ctx = fake, .guard = fake_guard};
	struct resolver r = {&rules, &table, &lookup, now_us, serves};
	const struct ident_given given = {.kind = kind, .scanned = scanned, .value = value};
	memset(&answer, 0x55, sizeof answer);
	resolve(&r, &given, &answer);
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = false};
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = false};
	ask(&fake, IDENT_LOYALTY, CARD, false);
	assert_answer(OUTCOME_MATCHED, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_string_equal(answer.confidence, "probable");
	assert_false(answer.verified);
}

static void what_hq_has_verified_is_certain_even_when_typed(void **state)
{
	(void)state;
	struct fake fake = {
	    .kind = "phone", .nf = "+4917612345698", .profiles = 1, .verified = true};
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_answer(OUTCOME_MATCHED, IDENT_PHONE, "phone_exact", "+4917612345698");
	assert_string_equal(answer.confidence, "certain");
	assert_true(answer.verified);
}

static void a_scanned_address_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = {
	    .kind = "email", .nf = "anna@example.com", .profiles = 1, .verified = false};
	ask(&fake, IDENT_NONE, "Anna@Example.com", true);
	assert_answer(OUTCOME_MATCHED, IDENT_EMAIL, "email_exact", "anna@example.com");
	assert_string_equal(answer.confidence, "probable");
}

static void a_card_nobody_has_is_unknown(void **state)
{
	(void)state;
	struct fake fake = {.kind = "loyalty", .nf = "another", .profiles = 1, .verified = false};
	ask(&fake, IDENT_NONE, CARD, true);
	assert_answer(OUTCOME_UNKNOWN, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_nobody();
}

static void two_customers_on_one_number_are_a_conflict_never_a_guess(void **state)
{
	(void)state;
	struct fake fake = {
	    .kind = "phone", .nf = "+4917612345698", .profiles = 2, .verified = true};
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_answer(OUTCOME_CONFLICT, IDENT_PHONE, "phone_exact", "+4917612345698");
	assert_nobody();
}

static void stale(const char *seen, const char *last_seen, enum outcome outcome)
{
	struct fake fake = {.kind = "phone",
	                    .nf = "+4917612345698",
	                    .profiles = 1,
	                    .seen = seen,
	                    .last_seen = last_seen};
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_string_equal(outcome_name(answer.outcome), outcome_name(outcome));
}

static void a_phone_unseen_for_24_months_asks_instead_of_finding(void **state)
{
	(void)state;
	stale("2024-11-20T00:00:00.000Z", NULL, OUTCOME_STALE);
	assert_nobody();
	assert_string_equal(answer.why, "long_unseen");
	assert_int_equal(answer.candidate_count, 1);
	assert_string_equal(answer.candidate[0].profile.customer_id, "C000017");
	stale("2024-11-23T00:00:00.000Z", NULL, OUTCOME_MATCHED);
	/* The person came, but not with this number. */
	stale("2024-11-20T00:00:00.000Z", "2026-11-01T00:00:00.000Z", OUTCOME_STALE);
	/* Where it is not known when the number was seen, the person's last visit counts. */
	stale(NULL, "2024-11-20T00:00:00.000Z", OUTCOME_STALE);
	stale(NULL, "2026-11-01T00:00:00.000Z", OUTCOME_MATCHED);
	stale(NULL, NULL, OUTCOME_MATCHED);
	now_us = 0; /* no time is trusted */
	stale("2024-11-20T00:00:00.000Z", NULL, OUTCOME_MATCHED);
}

static void a_card_never_grows_stale(void **state)
{
	(void)state;
	struct fake fake = {
	    .kind = "loyalty", .nf = CARD, .profiles = 1, .seen = "2001-01-01T00:00:00.000Z"};
	ask(&fake, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_MATCHED);
}

static void one_persons_shared_identifier_earns_and_is_certain_of_nobody(void **state)
{
	(void)state;
	struct fake guarded = {
	    .kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true, .guard = GUARD_SHARED};
	struct fake hqs = {
	    .kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true, .shared = true};
	struct fake *both[] = {&guarded, &hqs};
	for (size_t i = 0; i < 2; i++) {
		ask(both[i], IDENT_NONE, CARD, true);
		assert_answer(OUTCOME_SHARED, IDENT_LOYALTY, "loyalty_exact", CARD);
		assert_true(answer_is_somebody(&answer));
		assert_string_equal(answer.hit.profile.customer_id, "C000017");
		assert_string_equal(answer.confidence, "shared");
		assert_string_equal(answer.why, "shared");
		assert_false(answer.verified);
	}
}

static void an_identifier_on_more_than_three_profiles_is_shared(void **state)
{
	(void)state;
	struct fake fake = {.kind = "phone", .nf = "+4917612345698", .profiles = 3};
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_int_equal(answer.outcome, OUTCOME_CONFLICT);
	assert_int_equal(answer.candidate_count, 3);
	fake.shared = true;
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_int_equal(answer.outcome, OUTCOME_SHARED);
	assert_string_equal(answer.why, "shared");
	fake.shared = false;
	fake.profiles = 9;
	ask(&fake, IDENT_PHONE, "0176 12345698", false);
	assert_int_equal(answer.outcome, OUTCOME_SHARED);
	assert_string_equal(answer.why, "many_customers");
	assert_nobody();
	assert_false(answer_is_somebody(&answer));
	assert_int_equal(answer.found, 9);
	assert_int_equal(answer.candidate_count, RESOLVE_CANDIDATES_MAX);
	for (int i = 0; i < RESOLVE_CANDIDATES_MAX; i++)
		assert_string_not_equal(answer.candidate[i].profile.customer_id, "");
}

static void what_is_nobodys_is_blocked_and_not_looked_up(void **state)
{
	(void)state;
	struct fake fake = {.kind = "phone", .nf = "+12015550123", .profiles = 1};
	ask(&fake, IDENT_PHONE, "+1 201 555 0123", false);
	assert_answer(OUTCOME_BLOCKED, IDENT_PHONE, "phone_exact", "+12015550123");
	assert_string_equal(answer.why, "nobodys");
	assert_string_equal(answer.words, "Ask for another: a country's example number");
	assert_nobody();
	assert_int_equal(fake.asked, 0);
}

static void a_value_blocked_by_a_manager_or_hq_finds_nobody(void **state)
{
	(void)state;
	struct fake managers = {
	    .kind = "loyalty", .nf = CARD, .profiles = 1, .guard = GUARD_BLOCKED};
	struct fake hqs = {.kind = "loyalty", .nf = CARD, .profiles = 2, .blocked = true};
	ask(&managers, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_BLOCKED);
	assert_string_equal(answer.why, "blocked");
	assert_nobody();
	ask(&hqs, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_BLOCKED);
	assert_string_equal(answer.why, "blocked_at_hq");
	assert_nobody();
}

static void ones_own_staff_card_is_a_colleagues_to_scan(void **state)
{
	(void)state;
	struct rule_value mine = {
	    .kind = IDENT_LOYALTY, .list = RULE_LIST_STAFF, .value = CARD, .staff_ref = "staff-7"};
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1};
	assert_int_equal(rule_add(&table, &mine), 0);
	serves = "staff-7";
	ask(&fake, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_STAFF);
	assert_string_equal(answer.why, "own_card");
	assert_true(answer.staff);
	assert_nobody();
	serves = "staff-8";
	ask(&fake, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_MATCHED);
	assert_true(answer.staff);
	serves = NULL;
	ask(&fake, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_MATCHED);
	assert_true(answer.staff);
}

static void a_staff_card_that_is_no_customers_says_staff_and_names_nobody(void **state)
{
	(void)state;
	struct rule_value theirs = {
	    .kind = IDENT_LOYALTY, .list = RULE_LIST_STAFF, .value = CARD, .staff_ref = "staff-7"};
	struct fake nobodys = {.kind = "loyalty", .nf = CARD};
	assert_int_equal(rule_add(&table, &theirs), 0);
	serves = "staff-8";
	ask(&nobodys, IDENT_NONE, CARD, true);
	assert_int_equal(answer.outcome, OUTCOME_STAFF);
	assert_string_equal(answer.why, "staff_card");
	assert_true(answer.staff);
	assert_nobody();
	serves = "staff-7"; /* on one's own lane it is refused all the same */
	ask(&nobodys, IDENT_NONE, CARD, true);
	assert_string_equal(answer.why, "own_card");
	serves = NULL;
}

/* A reason without a guess: each answer says in a word and in a sentence why it is what it is. */
static void every_answer_has_its_reason(void **state)
{
	(void)state;
	static const char *const values[] = {CARD, "2600000000002", "hello", "",
	                                     "4111111111111111"};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		for (int profiles = -1; profiles < 6; profiles++) {
			struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = profiles};
			ask(&fake, IDENT_NONE, values[i], true);
			assert_string_not_equal(answer.why, "");
			assert_true(strlen(answer.words) > 10);
			assert_string_not_equal(answer.rule, "");
			assert_string_not_equal(answer.confidence, "");
		}
	}
}

static void a_kind_without_a_rule_finds_nobody(void **state)
{
	(void)state;
	struct fake fake = {.kind = "email", .nf = "anna@mail.de", .profiles = 1};
	table.rule_count = 2;
	ask(&fake, IDENT_EMAIL, "anna@mail.de", false);
	assert_answer(OUTCOME_UNKNOWN, IDENT_EMAIL, "no_rule", "anna@mail.de");
	assert_int_equal(fake.asked, 0);
}

static void a_shard_that_cannot_be_read_knows_nobody(void **state)
{
	(void)state;
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = -1, .verified = false};
	ask(&fake, IDENT_NONE, CARD, true);
	assert_answer(OUTCOME_UNKNOWN, IDENT_LOYALTY, "loyalty_exact", CARD);
	assert_nobody();
}

static void a_card_number_is_refused_before_anything_is_looked_up(void **state)
{
	(void)state;
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
	ask(&fake, IDENT_NONE, "017612345698", true);
	assert_answer(OUTCOME_REFUSED, IDENT_NONE, "no_rule", "017612345698");
}

static void a_long_value_is_refused_and_cut_between_characters(void **state)
{
	(void)state;
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
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
	struct fake fake = {.kind = "loyalty", .nf = CARD, .profiles = 1, .verified = true};
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
	assert_string_equal(outcome_name(OUTCOME_STALE), "stale");
	assert_string_equal(outcome_name(OUTCOME_STAFF), "staff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_scanned_card_is_its_customer_for_certain, delivered),
	    cmocka_unit_test_setup(a_typed_card_is_probable, delivered),
	    cmocka_unit_test_setup(what_hq_has_verified_is_certain_even_when_typed, delivered),
	    cmocka_unit_test_setup(a_scanned_address_proves_nothing, delivered),
	    cmocka_unit_test_setup(a_card_nobody_has_is_unknown, delivered),
	    cmocka_unit_test_setup(two_customers_on_one_number_are_a_conflict_never_a_guess,
	                           delivered),
	    cmocka_unit_test_setup(a_phone_unseen_for_24_months_asks_instead_of_finding, delivered),
	    cmocka_unit_test_setup(a_card_never_grows_stale, delivered),
	    cmocka_unit_test_setup(one_persons_shared_identifier_earns_and_is_certain_of_nobody,
	                           delivered),
	    cmocka_unit_test_setup(an_identifier_on_more_than_three_profiles_is_shared, delivered),
	    cmocka_unit_test_setup(what_is_nobodys_is_blocked_and_not_looked_up, delivered),
	    cmocka_unit_test_setup(a_value_blocked_by_a_manager_or_hq_finds_nobody, delivered),
	    cmocka_unit_test_setup(ones_own_staff_card_is_a_colleagues_to_scan, delivered),
	    cmocka_unit_test_setup(a_staff_card_that_is_no_customers_says_staff_and_names_nobody,
	                           delivered),
	    cmocka_unit_test_setup(every_answer_has_its_reason, delivered),
	    cmocka_unit_test_setup(a_kind_without_a_rule_finds_nobody, delivered),
	    cmocka_unit_test_setup(a_shard_that_cannot_be_read_knows_nobody, delivered),
	    cmocka_unit_test_setup(a_card_number_is_refused_before_anything_is_looked_up,
	                           delivered),
	    cmocka_unit_test_setup(what_has_no_form_is_refused_and_stays_as_presented, delivered),
	    cmocka_unit_test_setup(an_unknown_card_is_not_taken_for_a_phone, delivered),
	    cmocka_unit_test_setup(a_long_value_is_refused_and_cut_between_characters, delivered),
	    cmocka_unit_test_setup(a_cut_leaves_no_front_of_a_card_number, delivered),
	    cmocka_unit_test_setup(a_cut_makes_no_card_number_of_a_longer_one, delivered),
	    cmocka_unit_test_setup(outcomes_have_the_words_of_the_event, delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
