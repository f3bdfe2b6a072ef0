/* How laneway-hq's subcommands read their command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd_args.h"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"raw", required_argument, NULL, 'r'},
    {"store", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

/* The words after the command's name; NULL ends them. */
#define READ(form, a, ...) read_words(form, a, (char *[]){"look", __VA_ARGS__, NULL})

static int read_words(const struct hq_cmd_form *form, struct hq_cmd_args *a, char **argv)
{
	int argc = 0, rc, err = dup(STDERR_FILENO);

	while (argv[argc])
		argc++;
	fflush(stderr);
	assert_non_null(freopen("/dev/null", "w", stderr));
	rc = hq_cmd_args_read(argc, argv, form, a);
	fflush(stderr);
	dup2(err, STDERR_FILENO);
	close(err);
	return rc;
}

static void options_and_words_come_in_any_order(void **state)
{
	const struct hq_cmd_form form = {"c:j", options, "the store", "[DAY]"};
	struct hq_cmd_args a;
	(void)state;

	assert_int_equal(READ(&form, &a, "s1", "--raw", "00:1", "-j", "d1", "--config", "x"), 0);
	assert_string_equal(a.command, "look");
	assert_string_equal(a.word, "s1");
	assert_string_equal(a.second, "d1");
	assert_string_equal(a.raw, "00:1");
	assert_string_equal(a.conf_path, "x");
	assert_true(a.json);
	assert_null(a.store);
	assert_false(a.check || a.ingest);
}

static void a_reference_that_begins_with_a_hyphen_is_a_word(void **state)
{
	const struct hq_cmd_form form = {"c:j", options, "a reference", NULL};
	struct hq_cmd_args a;
	(void)state;

	assert_int_equal(READ(&form, &a, "-Li5GvYYEHNZ2oYiSqnjIw", "-c", "x", "-j"), 0);
	assert_string_equal(a.word, "-Li5GvYYEHNZ2oYiSqnjIw");
	assert_string_equal(a.conf_path, "x");
	assert_int_equal(READ(&form, &a, "-j", "--", "--i5GvYYEHNZ2oYiSqnjIw"), 0);
	assert_string_equal(a.word, "--i5GvYYEHNZ2oYiSqnjIw");
	assert_int_equal(READ(&form, &a, "-Li5GvYYEHNZ2oYiSqnjI"), -1); /* too short for one */
}

static void what_is_left_out_has_its_default(void **state)
{
	const struct hq_cmd_form form = {"c:j", options, "the store", "[DAY]"};
	struct hq_cmd_args a;
	(void)state;

	assert_int_equal(READ(&form, &a, "s1"), 0);
	assert_string_equal(a.conf_path, HQ_CONF_DEFAULT);
	assert_null(a.second);
	assert_false(a.json);
}

static void what_is_missing_unknown_or_too_much_is_refused(void **state)
{
	const struct hq_cmd_form form = {"c:j", options, "the store", "[DAY]"};
	const struct hq_cmd_form bare = {"c:j", options, NULL, NULL};
	struct hq_cmd_args a;
	(void)state;

	assert_int_equal(READ(&form, &a, "-j"), -1);
	assert_int_equal(READ(&form, &a, "s1", "d1", "more"), -1);
	assert_int_equal(READ(&form, &a, "s1", "-n"), -1);
	assert_int_equal(READ(&form, &a, "s1", "--settle", "x"), -1);
	assert_int_equal(READ(&form, &a, "s1", "--store"), -1);
	assert_int_equal(READ(&bare, &a, "s1"), -1);
	assert_int_equal(READ(&bare, &a, "-j"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_and_words_come_in_any_order),
	    cmocka_unit_test(a_reference_that_begins_with_a_hyphen_is_a_word),
	    cmocka_unit_test(what_is_left_out_has_its_default),
	    cmocka_unit_test(what_is_missing_unknown_or_too_much_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
