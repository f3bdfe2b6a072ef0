#include "vectors.h"

#include <stdlib.h>

#include "identity/pan.h"

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

static void check_refused(const json_t *vector, const struct ident_form *form)
{
	const char *reason = text_of(vector, "reason");
	if (reason && strcmp(ident_reason_name(form->reason), reason) != 0)
		fail_msg("%s \"%s\" is refused as %s, not as %s", text_of(vector, "kind"),
		         text_of(vector, "in"), ident_reason_name(form->reason), reason);
	assert_false(pan_find(form->value, false));
	assert_false(pan_grouped(form->value, false) && !strstr(form->value, "://"));
	assert_true(text_utf8_ok(form->value, strlen(form->value)));
	assert_string_equal(form->region, "");
	assert_false(form->foreign);
	if (form->reason != IDENT_CARD_NUMBER)
		return;
	assert_int_equal(form->kind, IDENT_NONE);
	for (const char *p = form->value; *p; p++)
		if (strspn(p, "0123456789") >= 12)
			fail_msg("\"%s\" is kept as \"%s\"", text_of(vector, "in"), form->value);
}

/* What is a normal form once is one for ever, with its kind and without the scanner's word. */
static void check_again(const struct ident_rules *rules, const struct ident_form *form)
{
	const struct ident_given given = {.kind = form->kind, .value = form->value};
	struct ident_form again;
	assert_int_equal(ident_normalise(rules, &given, &again), IDENT_OK);
	assert_string_equal(again.value, form->value);
	assert_int_equal(again.kind, form->kind);
}

static void check_normal_form(const json_t *vectors, const json_t *vector)
{
	const char *in = text_of(vector, "in"), *out = text_of(vector, "out");
	const char *kind = text_of(vector, "kind"), *found = text_of(vector, "found");
	const json_t *foreign = json_object_get(vector, "foreign");
	const struct ident_given given = {
	    .kind = ident_kind_of(kind), .symbology = text_of(vector, "symbology"), .value = in};
	struct ident_rules rules;
	struct ident_form form;
	rules_of(vectors, vector, &rules);
	bool ok = ident_normalise(&rules, &given, &form) == IDENT_OK;
	if (ok != (out != NULL) || (ok && strcmp(form.value, out) != 0))
		fail_msg("%s \"%s\" is %s", kind, in,
		         ok ? form.value : ident_reason_name(form.reason));
	if (!ok)
		check_refused(vector, &form);
	if (strcmp(ident_kind_name(form.kind), found ? found
	                                       : ok  ? kind
	                                             : "none") != 0 &&
	    (ok || found))
		fail_msg("%s \"%s\" is of kind %s", kind, in, ident_kind_name(form.kind));
	if (!ok)
		return;
	if (text_of(vector, "country"))
		assert_string_equal(form.region, text_of(vector, "country"));
	if (foreign && form.foreign != json_is_true(foreign))
		fail_msg("\"%s\" is %s", in, form.foreign ? "foreign" : "not foreign");
	check_again(&rules, &form);
}

static void check_vector(const json_t *vectors, const json_t *vector)
{
	if (strcmp(text_of(vector, "kind"), "pan") == 0)
		check_pan(vector, text_of(vector, "in"), text_of(vector, "out"));
	else
		check_normal_form(vectors, vector);
}

static void every_vector_holds(void **state)
{
	(void)state;
	assert_true(each_vector(check_vector) > 600);
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

static void every_reason_has_a_word_of_its_own_and_a_short_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < IDENT_REASON_COUNT; i++) {
		const char *name = ident_reason_name((enum ident_reason)i);
		const char *text = ident_reason_text((enum ident_reason)i);
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name));
		assert_in_range(strlen(text), 1, 80);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(name, ident_reason_name((enum ident_reason)k));
			assert_string_not_equal(text, ident_reason_text((enum ident_reason)k));
		}
	}
}

/* Fills up to 64 KiB with copies of a text. */
static char *filled(const char *with, size_t n)
{
	char *text = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		text[i] = with[i % strlen(with)];
	text[n] = 0;
	return text;
}

static void nothing_long_is_an_identifier_of_any_kind(void **state)
{
	static const char *const with[] = {"9",
	                                   "a",
	                                   "26",
	                                   "a@",
	                                   "+49",
	                                   "(8018)",
	                                   "\x1d\x38\x30",
	                                   "\n",
	                                   "\x1b[",
	                                   "\xe2\x80\xae",
	                                   "\xff",
	                                   "https://a/8018/"};
	static const size_t sizes[] = {0, 321, 8191, 8192, 65536};
	static const char *const symbols[] = {NULL, "]C1", "]E0", "]Q1"};
	(void)state;
	for (size_t w = 0; w < sizeof with / sizeof *with; w++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
			for (int k = 0; k < 4 * IDENT_KIND_COUNT; k++) {
				char *text = filled(with[w], sizes[s]);
				struct ident_rules rules = {.region = "DE"};
				struct ident_form form;
				const struct ident_given given = {.kind = (enum ident_kind)(k / 4),
				                                  .symbology = symbols[k % 4],
				                                  .value = text};
				assert_int_not_equal(ident_normalise(&rules, &given, &form),
				                     IDENT_OK);
				assert_true(text_utf8_ok(form.value, strlen(form.value)));
				if (sizes[s] == 0)
					assert_int_equal(form.reason, IDENT_EMPTY);
				free(text);
			}
}

static void a_payment_reference_that_is_refused_leaves_nothing(void **state)
{
	struct ident_rules rules = {.region = "DE"};
	const struct ident_given given = {.kind = IDENT_PAR,
	                                  .value = "50015BJWZDR3GLZBPRVDO9T1NFTJ"};
	struct ident_form form;
	(void)state;
	assert_int_equal(ident_normalise(&rules, &given, &form), IDENT_PAR_FORM);
	assert_string_equal(form.value, "");
}

static void an_address_is_kept_as_typed_where_that_is_not_its_normal_form(void **state)
{
	(void)state;
	char out[IDENT_VALUE_SIZE];
	ident_email_typed(" Mia.Kern@Example.ORG\t", "mia.kern@example.org", out);
	assert_string_equal(out, "Mia.Kern@Example.ORG");
	ident_email_typed("mia@b\xc3\xbc"
	                  "cher.example",
	                  "mia@xn--bcher-kva.example", out);
	assert_string_equal(out, "mia@b\xc3\xbc"
	                         "cher.example");
	ident_email_typed(" mia@example.org ", "mia@example.org", out);
	assert_string_equal(out, "");
	ident_email_typed("Eve@example.org", "mia@example.org", out); /* somebody else's */
	assert_string_equal(out, "");
	ident_email_typed("no address", "mia@example.org", out);
	assert_string_equal(out, "");
}

/* The examples of UID2's documentation, and what must stay as it is. */
static void the_folding_of_ad_platforms_is_gmails_alone(void **state)
{
	static const char *const pairs[][2] = {
	    {"JANESAOIRSE@gmail.com", "janesaoirse@gmail.com"},
	    {"jane.saoirse@gmail.com", "janesaoirse@gmail.com"},
	    {"JaneSaoirse+UID2@gmail.com", "janesaoirse@gmail.com"},
	    {" MyEmail@example.com ", "myemail@example.com"},
	    {"jane.saoirse+x@example.com", "jane.saoirse+x@example.com"},
	    {"jane.saoirse@googlemail.com", "jane.saoirse@googlemail.com"},
	    {"jane@B\xc3\x9c"
	     "CHER.example",
	     "jane@b\xc3\xbc"
	     "cher.example"},
	};
	char out[IDENT_VALUE_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_true(ident_email_uid2(pairs[i][0], out));
		assert_string_equal(out, pairs[i][1]);
	}
	assert_false(ident_email_uid2("+x@gmail.com", out));
	assert_false(ident_email_uid2("...@gmail.com", out));
	assert_false(ident_email_uid2("jane", out));
}

static void no_two_schemes_claim_one_number(void **state)
{
	const struct ident_scheme card = {.prefix = "26", .length = 13};
	const struct ident_scheme longer = {.prefix = "261", .length = 13};
	const struct ident_scheme shorter = {.prefix = "26", .length = 12};
	const struct ident_scheme turning = {.prefix = "2", .rotating = true};
	(void)state;
	assert_true(ident_scheme_clash(&card, &longer));
	assert_true(ident_scheme_clash(&longer, &card));
	assert_false(ident_scheme_clash(&card, &shorter));
	assert_true(ident_scheme_clash(&turning, &card));
	assert_non_null(ident_wallet_fault(&turning));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_vector_holds),
	    cmocka_unit_test(every_reason_has_a_word_of_its_own_and_a_short_sentence),
	    cmocka_unit_test(nothing_long_is_an_identifier_of_any_kind),
	    cmocka_unit_test(a_payment_reference_that_is_refused_leaves_nothing),
	    cmocka_unit_test(an_address_is_kept_as_typed_where_that_is_not_its_normal_form),
	    cmocka_unit_test(the_folding_of_ad_platforms_is_gmails_alone),
	    cmocka_unit_test(no_two_schemes_claim_one_number),
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
