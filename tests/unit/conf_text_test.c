/* What a configuration file may look like: text, shapes, and which fault is named. */
#include "conf_place.h"

/* ---- what is not text, or has no end ---- */

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct place *p = *state;
	assert_int_equal(conf_read("/nonexistent/x", &p->c, p->err, sizeof p->err), -1);
	assert_string_equal(p->err, "/nonexistent/x: No such file or directory, expected a "
	                            "configuration file");
	assert_int_equal(conf_read(p->dir, &p->c, p->err, sizeof p->err), -1);
	assert_non_null(strstr(p->err, ": Is a directory, expected a configuration file"));
}

static void a_file_that_is_far_too_long_is_refused(void **state)
{
	struct place *p = *state;
	char *text = malloc(300001);
	memset(text, '\n', 300000);
	text[300000] = '\0';
	refused_alone(p, text, ": the file is too long, expected at most 262144 bytes");
	free(text);
}

static void an_empty_file_says_what_is_missing(void **state)
{
	refused_alone(*state, "",
	              ": store is missing, expected the store's id, such as store = \"berlin-7\"");
}

static void each_needed_option_is_missed_by_name(void **state)
{
	refused_alone(*state, "store = \"a\"\n",
	              ": device is missing, expected this box's id, such as device = \"box-1\"");
	refused_alone(*state, "store = a device = b\n",
	              ": currency is missing, expected an ISO 4217 code such as currency = "
	              "\"EUR\"");
	refused_alone(*state, "store = a device = b currency = EUR\n",
	              ": region is missing, expected a country for phone numbers such as region = "
	              "\"DE\"");
	refused_alone(*state, "store = a device = b currency = EUR region = DE\n",
	              ": lanes is missing, expected a list such as lanes = {\"1\", \"2\"}");
}

static void bytes_that_are_not_text_are_named_with_their_line(void **state)
{
	static const struct fault faults[] = {
	    {"log_level = \"\xff\"\n", ":6: the line is not text, expected UTF-8"},
	    {"\n\nlog_level = \"a\x01\"\n",
	     ":8: a control character, expected text, tabs and line ends only"},
	};
	EACH_REFUSED(*state, faults);
}

static void what_is_never_closed_is_named_where_it_was_opened(void **state)
{
	static const struct fault faults[] = {
	    {"journal {\n quota_mb = 5\n", ":6: a \"{\" is not closed, expected a \"}\" after it"},
	    {"}\n", ":6: a \"}\" closes nothing, expected a \"{\" before it"},
	    {"\nlog_level = \"info\njournal { }\n",
	     ":7: a text is not closed, expected a quotation mark on the same line"},
	    {"log_level = 'info", ":6: a text is not closed, expected a quotation mark on the same "
	                          "line"},
	    {"/* never\n\n", ":6: a comment is not closed, expected \"*/\""},
	    {"a {{{{{{{{{\n", ":6: too many braces are open, expected a section, and a list in it"},
	};
	EACH_REFUSED(*state, faults);
}

/* ---- shapes ---- */

#define ROOT_OPTIONS                                                                               \
	"store, device, data, keys, timezone, day_cut, currency, region, ruleset, rules, "         \
	"log_level, lanes, journal, uplink, http, pos, prompt, scanner, loyalty, wallet, "         \
	"account, "                                                                                \
	"gs1 or trust"

static void an_unknown_name_is_answered_with_the_known_ones(void **state)
{
	static const struct fault faults[] = {
	    {"colour = 1\n", ":6: unknown option \"colour\", expected " ROOT_OPTIONS},
	    {"\nprinter { }\n", ":7: unknown option \"printer\", expected " ROOT_OPTIONS},
	    {"printer \"x\" { y = 1 }\n", ":6: unknown option \"printer\", expected " ROOT_OPTIONS},
	    {"journal {\n  colour = 1\n}\n",
	     ":7: unknown option \"colour\" in journal, expected retention_days or quota_mb"},
	    {"/* a */ /* b\n */ scanner \"a\" { colour = 1 }\n",
	     ":7: unknown option \"colour\" in scanner, expected lane, role, port, baud, "
	     "terminator, prefix, aim, min, max or guard_ms"},
	    {"http|port = 5\n", ":6: port is not an option here, expected it in its section"},
	    {"scanner|port = 5\n", ":6: \"scanner\" is not an option, expected NAME = VALUE"},
	};
	EACH_REFUSED(*state, faults);
}

static void a_wrong_shape_is_answered_with_the_right_one(void **state)
{
	static const struct fault faults[] = {
	    {"timezone \"UTC\"\n", ":6: timezone is not followed by \"=\", expected NAME = VALUE"},
	    {"timezone += \"UTC\"\n", ":6: timezone has one value, expected \"=\" instead of "
	                              "\"+=\""},
	    {"timezone = {\"UTC\"}\n", ":6: \"{\" is out of place, expected NAME = VALUE, NAME = "
	                               "{VALUE, ...} or NAME { ... }"},
	    {"\n\"\" = 5\n", ":7: a name is empty, expected NAME = VALUE"},
	    {"= 5\n", ":6: \"=\" is out of place, expected NAME = VALUE, NAME = {VALUE, ...} or "
	              "NAME { ... }"},
	    {"timezone =\n", ":7: the file ends in the middle of an option, expected NAME = VALUE"},
	    {"journal = 5\n", ":6: journal is a section and is not followed by \"{\", expected "
	                      "NAME { ... }"},
	    {"scanner { }\n", ":6: scanner is a section and has no name, expected NAME "
	                      "\"WHICH\" { ... }"},
	    {"timezone = \"\\9\"\n", ":6: \"\\9\" is no character, expected \"\\\\\" for one "
	                             "backslash"},
	};
	EACH_REFUSED(*state, faults);
}

static void what_stands_twice_is_refused(void **state)
{
	static const struct fault faults[] = {
	    {"day_cut = \"05:00\"\n\nday_cut = \"06:00\"\n",
	     ":8: day_cut stands twice, expected once: line 6 has it"},
	    {"journal { }\njournal { }\n",
	     ":7: journal stands twice, expected once: line 6 has it"},
	    {"scanner \"a\" { lane = 1 port = x }\nscanner \"a\" { lane = 1 port = y }\n",
	     ":7: the name \"a\" is used twice, expected each name once"},
	    {"loyalty \"a\" { prefix = 26 length = 13 }\nloyalty \"a\" { }\n",
	     ":7: the name \"a\" is used twice, expected each name once"},
	    {"lanes += {\"3\", \"1\"}\n", ":6: lanes is \"1\", expected names of 1 to 32 letters, "
	                                  "digits, '_' or '-', each once"},
	};
	EACH_REFUSED(*state, faults);
}

/* ---- which fault ---- */

static void the_first_of_several_faults_is_named(void **state)
{
	refused(*state, "log_level = loud\njournal { quota_mb = 0 }\ncolour = 1\n",
	        ":6: log_level is \"loud\", expected error, warn, info or debug");
}

static void a_wrong_file_leaves_nothing_behind_for_the_next(void **state)
{
	struct place *p = *state;
	refused(p, "log_level = \"in\\x",
	        ":6: a text is not closed, expected a quotation mark on "
	        "the same line");
	refused(p, "day_cut = \"05:00\"\nday_cut = \"\\400\"\n",
	        ":7: \"\\400\" is no character, expected \"\\\\\" for one backslash");
	assert_string_equal(right(p, "log_level = \"info\"\n")->log_level, "info");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_file_that_cannot_be_read_is_named),
	    T(a_file_that_is_far_too_long_is_refused),
	    T(an_empty_file_says_what_is_missing),
	    T(each_needed_option_is_missed_by_name),
	    T(bytes_that_are_not_text_are_named_with_their_line),
	    T(what_is_never_closed_is_named_where_it_was_opened),
	    T(an_unknown_name_is_answered_with_the_known_ones),
	    T(a_wrong_shape_is_answered_with_the_right_one),
	    T(what_stands_twice_is_refused),
	    T(the_first_of_several_faults_is_named),
	    T(a_wrong_file_leaves_nothing_behind_for_the_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
