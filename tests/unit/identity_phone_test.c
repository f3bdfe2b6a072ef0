/* Phone numbers: the library's own examples, one of each country, as its people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "identity/phone.h"

typedef void example_fn(const char *region, const char *e164);

static int each_example(example_fn *fn)
{
	int n = 0;
	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++)
			for (int mobile = 0; mobile < 2; mobile++) {
				char region[] = {a, b, 0}, e164[PHONE_E164_SIZE];
				if (!phone_example(region, mobile, e164))
					continue;
				fn(region, e164);
				n++;
			}
	return n;
}

static void with_plus(const char *region, const char *e164)
{
	static const char *const homes[] = {"DE", "US", ""};
	struct phone p;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(phone_read(e164, homes[i], &p), PHONE_OK);
		assert_string_equal(p.e164, e164);
		assert_string_not_equal(p.region, "");
		if (p.foreign)
			fail_msg("%s of %s came with its country", e164, region);
	}
}

static void with_plus_an_example_is_itself_everywhere(void **state)
{
	(void)state;
	assert_in_range(each_example(with_plus), 400, 1000);
}

/* Without '+' in another country than its own it is refused or another number, or it says that its
 * country was guessed: it is never taken for sure. */
static void without_plus(const char *region, const char *e164)
{
	static const char *const homes[] = {"DE", "US", "GB", "IT"};
	struct phone p;
	for (size_t i = 0; i < 4; i++) {
		if (phone_read(e164 + 1, homes[i], &p) != PHONE_OK || strcmp(p.e164, e164) != 0)
			continue;
		if (strcmp(p.region, homes[i]) != 0 && !p.foreign)
			fail_msg("%s of %s without '+' is certain in %s", e164, region, homes[i]);
	}
}

static void without_plus_another_countrys_is_never_certain(void **state)
{
	(void)state;
	each_example(without_plus);
}

static void with_extension(const char *region, const char *e164)
{
	static const char *const forms[] = {"%s ext. 12", "%s x12", "%s;ext=12", "tel:%s;ext=12",
	                                    "%s #12"};
	struct phone p;
	char text[64];
	(void)region;
	if (strlen(e164) < 9)
		return; /* so short that the extension is what follows the country */
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		snprintf(text, sizeof text, forms[i], e164);
		if (phone_read(text, "DE", &p) != PHONE_EXTENSION)
			fail_msg("\"%s\" is a number", text);
	}
}

static void an_extension_is_refused_of_every_number(void **state)
{
	(void)state;
	each_example(with_extension);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(with_plus_an_example_is_itself_everywhere),
	    cmocka_unit_test(without_plus_another_countrys_is_never_certain),
	    cmocka_unit_test(an_extension_is_refused_of_every_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
