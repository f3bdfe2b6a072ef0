#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "identity/ident.h"

/* Vectors of tests/data/identity_vectors.json: {kind, region, in, out or null}, where kind "none"
 * means that the kind is found ("found"), kind "pan" means pan_mask, "scheme" is the one loyalty
 * scheme there is, and "product" that a product code is expected. */
#define VECTORS "tests/data/identity_vectors.json"

static enum ident_check check_of(const char *name)
{
	static const char *const names[] = {"none", "luhn", "ean", "mod11"};
	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum ident_check)i;
	fail_msg("no such check: %s", name);
	return IDENT_CHECK_NONE;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static struct ident_rules rules_of(const json_t *vector)
{
	struct ident_rules rules = {.ruleset = "1"};
	strncpy(rules.region, text_of(vector, "region"), sizeof rules.region - 1);
	const json_t *scheme = json_object_get(vector, "scheme");
	if (scheme) {
		struct ident_scheme *s = &rules.schemes[rules.scheme_count++];
		strncpy(s->prefix, text_of(scheme, "prefix"), sizeof s->prefix - 1);
		s->length = (int)json_integer_value(json_object_get(scheme, "length"));
		s->check = check_of(text_of(scheme, "check"));
		assert_null(ident_scheme_fault(s));
	}
	return rules;
}

static void check_pan(const json_t *vector, const char *in, const char *out)
{
	bool product = json_is_true(json_object_get(vector, "product"));
	if (pan_find(in, product) != (out != NULL))
		fail_msg("pan_find(\"%s\") says %s", in, out ? "no" : "yes");
	if (product)
		return;
	char *text = strdup(in);
	int masked = pan_mask(text);
	if (strcmp(text, out ? out : in) != 0)
		fail_msg("pan_mask(\"%s\") made \"%s\"", in, text);
	assert_int_equal(masked > 0, out != NULL);
	free(text);
}

static void check_normal_form(const json_t *vector, const char *in, const char *out)
{
	struct ident_rules rules = rules_of(vector);
	struct ident_given given = {.kind = ident_kind_of(text_of(vector, "kind")), .value = in};
	const char *found = text_of(vector, "found");
	struct ident_form form, again;
	bool ok = ident_normalise(&rules, &given, &form) == IDENT_OK;
	if (found)
		assert_string_equal(ident_kind_name(form.kind), found);
	if (ok != (out != NULL))
		fail_msg("%s \"%s\" is %s", text_of(vector, "kind"), in,
		         ok ? form.value : "refused");
	if (!ok)
		return;
	assert_string_equal(form.value, out);
	given = (struct ident_given){.kind = form.kind, .value = form.value};
	assert_int_equal(ident_normalise(&rules, &given, &again), IDENT_OK);
	assert_string_equal(again.value, form.value);
}

static void every_vector_holds(void **state)
{
	(void)state;
	json_error_t error;
	json_t *vectors = json_load_file(VECTORS, 0, &error);
	if (!vectors)
		fail_msg("%s:%d: %s", VECTORS, error.line, error.text);
	size_t i;
	json_t *vector;
	json_array_foreach(vectors, i, vector)
	{
		const char *in = text_of(vector, "in"), *out = text_of(vector, "out");
		if (strcmp(text_of(vector, "kind"), "pan") == 0)
			check_pan(vector, in, out);
		else
			check_normal_form(vector, in, out);
	}
	assert_true(i > 100);
	json_decref(vectors);
}

static void kinds_have_names_and_come_back(void **state)
{
	(void)state;
	for (int kind = 0; kind < IDENT_KIND_COUNT; kind++)
		assert_int_equal(ident_kind_of(ident_kind_name((enum ident_kind)kind)), kind);
	assert_int_equal(ident_kind_of("Phone"), IDENT_NONE);
	assert_int_equal(ident_kind_of(""), IDENT_NONE);
}

static void check_digits_are_those_of_the_standards(void **state)
{
	(void)state;
	assert_true(ident_luhn("79927398713"));
	assert_false(ident_luhn("79927398710"));
	assert_true(ident_mod10("4006381333931"));
	assert_true(ident_mod10("96385074"));
	assert_false(ident_mod10("4006381333932"));
	assert_true(ident_mod11("0365327"));
	assert_false(ident_mod11("0365328"));
}

static void check_digits_want_digits(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "0", "0 0", "00x", "-00", "\xd9\xa0\xd9\xa0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(ident_luhn(bad[i]));
		assert_false(ident_mod10(bad[i]));
		assert_false(ident_mod11(bad[i]));
	}
}

static void one_wrong_digit_is_always_seen(void **state)
{
	(void)state;
	bool (*const checks[])(const char *) = {ident_luhn, ident_mod10, ident_mod11};
	static const char *const right[] = {"79927398713", "4006381333931", "0365327"};
	for (size_t c = 0; c < 3; c++)
		for (size_t i = 0; right[c][i]; i++)
			for (char d = '0'; d <= '9'; d++) {
				char wrong[32];
				strcpy(wrong, right[c]);
				wrong[i] = d;
				assert_int_equal(checks[c](wrong), d == right[c][i]);
			}
}

static bool is_fault(const char *prefix, int length, enum ident_check check)
{
	struct ident_scheme s = {.length = length, .check = check};
	strncpy(s.prefix, prefix, sizeof s.prefix - 1);
	return ident_scheme_fault(&s) != NULL;
}

static void a_scheme_that_hides_card_numbers_is_a_fault(void **state)
{
	(void)state;
	assert_true(is_fault("4", 16, IDENT_CHECK_LUHN));
	assert_true(is_fault("4006", 13, IDENT_CHECK_EAN));
	assert_true(is_fault("", 16, IDENT_CHECK_NONE));
	assert_true(is_fault("2", 16, IDENT_CHECK_EAN));
	assert_true(is_fault("27209", 16, IDENT_CHECK_NONE));
	assert_true(is_fault("LW4", 18, IDENT_CHECK_NONE));
	assert_true(is_fault("67", 12, IDENT_CHECK_LUHN));
}

static void a_scheme_beside_the_issuers_is_none(void **state)
{
	(void)state;
	assert_false(is_fault("26", 13, IDENT_CHECK_EAN));
	assert_false(is_fault("4", 12, IDENT_CHECK_LUHN));
	assert_false(is_fault("4", 20, IDENT_CHECK_NONE));
	assert_false(is_fault("2721", 16, IDENT_CHECK_LUHN));
	assert_false(is_fault("", 8, IDENT_CHECK_NONE));
	assert_false(is_fault("LW", 18, IDENT_CHECK_NONE));
	assert_false(is_fault("LW4", 8, IDENT_CHECK_NONE));
}

static void a_scheme_that_cannot_be_is_a_fault(void **state)
{
	(void)state;
	assert_true(is_fault("9", 3, IDENT_CHECK_NONE));
	assert_true(is_fault("9", 33, IDENT_CHECK_NONE));
	assert_true(is_fault("90000", 4, IDENT_CHECK_NONE));
	assert_true(is_fault("9 0", 8, IDENT_CHECK_NONE));
	assert_true(is_fault("\xc3\xa4", 8, IDENT_CHECK_NONE));
	assert_true(is_fault("LW", 8, IDENT_CHECK_LUHN));
}

static enum ident_reason as_loyalty(const struct ident_rules *rules, const char *value)
{
	const struct ident_given given = {.kind = IDENT_LOYALTY, .value = value};
	struct ident_form form;
	return ident_normalise(rules, &given, &form);
}

static void the_first_scheme_that_fits_is_enough(void **state)
{
	(void)state;
	struct ident_rules rules = {
	    .scheme_count = 2,
	    .schemes = {{.prefix = "77", .length = 6}, {.prefix = "88", .length = 8}}};
	assert_int_equal(as_loyalty(&rules, "770000"), IDENT_OK);
	assert_int_equal(as_loyalty(&rules, "88000000"), IDENT_OK);
	assert_int_equal(as_loyalty(&rules, "880000"), IDENT_SCHEME);
	rules.scheme_count = 0;
	assert_int_equal(as_loyalty(&rules, "770000"), IDENT_SCHEME);
}

static void a_value_without_end_is_refused_not_read(void **state)
{
	(void)state;
	struct ident_rules rules = {.region = "DE"};
	char text[9000], nf[IDENT_VALUE_SIZE];
	memset(text, '1', sizeof text);
	text[0] = '+';
	text[sizeof text - 1] = 0;
	for (int kind = 0; kind < IDENT_KIND_COUNT; kind++) {
		const struct ident_given given = {.kind = (enum ident_kind)kind, .value = text};
		struct ident_form form;
		assert_int_not_equal(ident_normalise(&rules, &given, &form), IDENT_OK);
	}
	memset(text, ' ', sizeof text - 1);
	memcpy(text + 4000, "a@b.de", 6);
	assert_true(ident_email(text, nf));
	assert_string_equal(nf, "a@b.de");
}

static void broken_utf8_is_no_address(void **state)
{
	(void)state;
	char nf[IDENT_VALUE_SIZE];
	assert_false(ident_email("j\xf6rg@example.de", nf));
	assert_false(ident_email("a@b\xfc.example", nf));
	assert_false(ident_email("\xe2\x80@example.de", nf));
	assert_false(ident_email("\xe2", nf));
}

static void overlapping_card_numbers_are_masked_as_one(void **state)
{
	(void)state;
	/* The first four groups are a card number, and so are the last four. */
	char text[] = "4003 4123 5678 9012 1009";
	assert_int_equal(pan_mask(text), 1);
	assert_string_equal(text, "**** **** **** **** 1009");
}

static void what_a_mask_leaves_is_no_card_number_again(void **state)
{
	(void)state;
	/* The four digits that stay of the first begin a second one with what follows. */
	char text[] = "4000000000004111 1111 1111 1111";
	assert_true(pan_find(text, false));
	pan_mask(text);
	assert_false(pan_find(text, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_vector_holds),
	    cmocka_unit_test(kinds_have_names_and_come_back),
	    cmocka_unit_test(check_digits_are_those_of_the_standards),
	    cmocka_unit_test(check_digits_want_digits),
	    cmocka_unit_test(one_wrong_digit_is_always_seen),
	    cmocka_unit_test(a_scheme_that_hides_card_numbers_is_a_fault),
	    cmocka_unit_test(a_scheme_beside_the_issuers_is_none),
	    cmocka_unit_test(a_scheme_that_cannot_be_is_a_fault),
	    cmocka_unit_test(the_first_scheme_that_fits_is_enough),
	    cmocka_unit_test(a_value_without_end_is_refused_not_read),
	    cmocka_unit_test(broken_utf8_is_no_address),
	    cmocka_unit_test(overlapping_card_numbers_are_masked_as_one),
	    cmocka_unit_test(what_a_mask_leaves_is_no_card_number_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
