#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char caught[8192];

struct capture {
	int old, pipe[2];
};

static struct capture capture_start(void)
{
	struct capture c;
	assert_int_equal(pipe(c.pipe), 0);
	c.old = dup(STDERR_FILENO);
	dup2(c.pipe[1], STDERR_FILENO);
	close(c.pipe[1]);
	return c;
}

/* Everything that went to standard error since the start. */
static const char *capture_end(struct capture c)
{
	dup2(c.old, STDERR_FILENO);
	close(c.old);
	size_t len = 0;
	ssize_t n;
	while ((n = read(c.pipe[0], caught + len, sizeof caught - 1 - len)) > 0)
		len += (size_t)n;
	caught[len] = 0;
	close(c.pipe[0]);
	return caught;
}

static void under_the_service_manager_each_line_has_its_level(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("laned", LOG_LEVEL_DEBUG);
	struct capture c = capture_start();
	log_error("a %d", 1);
	log_warn("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(capture_end(c),
	                    "<3>laned: a 1\n<4>laned: b\n<6>laned: c\n<7>laned: d\n");
}

static void what_is_more_talkative_than_asked_is_not_written(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("laned", LOG_LEVEL_WARN);
	struct capture c = capture_start();
	log_info("c");
	log_debug("d");
	log_warn("b");
	assert_string_equal(capture_end(c), "<4>laned: b\n");
}

static void elsewhere_the_time_stands_in_front(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open("laned", LOG_LEVEL_INFO);
	struct capture c = capture_start();
	log_warn("b");
	const char *line = capture_end(c);
	assert_int_equal(strlen(line), 24 + strlen(" laned: warning: b\n"));
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " laned: warning: b\n");
}

static void a_message_stays_one_line(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("laned", LOG_LEVEL_INFO);
	struct capture c = capture_start();
	log_info("%s", "one\ntwo\x1b[0m");
	assert_string_equal(capture_end(c), "<6>laned: one two [0m\n");
}

static void a_long_message_is_cut_between_characters(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("laned", LOG_LEVEL_INFO);
	char text[3001];
	for (size_t i = 0; i < 3000; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	text[3000] = 0;
	struct capture c = capture_start();
	log_info("%s", text);
	const char *line = capture_end(c);
	assert_int_equal(strlen(line), strlen("<6>laned: ") + 999 + 1);
	assert_int_equal(line[strlen(line) - 1], '\n');
	c = capture_start();
	log_info("%.1000s", "x");
	log_info("%1000s", "x");
	line = capture_end(c);
	assert_int_equal(strlen(line), 2 * strlen("<6>laned: ") + 2 + 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(under_the_service_manager_each_line_has_its_level),
	    cmocka_unit_test(what_is_more_talkative_than_asked_is_not_written),
	    cmocka_unit_test(elsewhere_the_time_stands_in_front),
	    cmocka_unit_test(a_message_stays_one_line),
	    cmocka_unit_test(a_long_message_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
