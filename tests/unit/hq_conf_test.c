#include "hq_world.h"

#include "hq/base/hq_conf.h"
#include "hq/base/hq_line.h"

#define GOOD "region = \"DE\"\ncurrency = \"EUR\"\n"

static char dir[FOLDER_SIZE], path[FOLDER_SIZE + 16];

static struct hq_conf *read_text(const char *text, char *err, size_t err_size)
{
	struct hq_conf *conf = NULL;

	folder_put(dir, "hq.conf", text, 0600);
	err[0] = '\0';
	return hq_conf_read(path, &conf, err, err_size) == 0 ? conf : NULL;
}

static void a_short_file_gets_the_defaults(void **state)
{
	char err[600];
	struct hq_conf *c = read_text(GOOD, err, sizeof err);

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->data, "/var/lib/laneway-hq");
	assert_string_equal(c->keys, "/etc/laneway/hq");
	assert_string_equal(c->socket, "/var/lib/laneway-hq/hq.sock");
	assert_string_equal(c->broker_host, "127.0.0.1");
	assert_int_equal(c->broker_port, 8883);
	assert_string_equal(c->webhook_url, "");
	assert_int_equal(c->dark_s, 300);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	hq_conf_free(c);
}

static void everything_that_is_set_is_read(void **state)
{
	char err[600];
	struct hq_conf *c =
	    read_text(GOOD "data = \"/d\"\nkeys = \"/k\"\nsocket = \"/s\"\nlog_level = \"debug\"\n"
	                   "dark_seconds = 2\nbroker { host = \"b\" port = 1 }\n"
	                   "webhook { url = \"http://x/y\" }\n"
	                   "loyalty \"club\" { prefix = \"26\" length = 13 check = \"ean\" }\n"
	                   "trust \"city\" { till = 70 }\n",
	              err, sizeof err);

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->data, "/d");
	assert_string_equal(c->keys, "/k");
	assert_string_equal(c->socket, "/s");
	assert_string_equal(c->broker_host, "b");
	assert_int_equal(c->broker_port, 1);
	assert_string_equal(c->webhook_url, "http://x/y");
	assert_int_equal(c->dark_s, 2);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->rules.scheme_count, 1);
	assert_string_equal(c->rules.schemes[0].prefix, "26");
	assert_int_equal(c->rules.schemes[0].check, IDENT_CHECK_EAN);
	assert_string_equal(c->rules.region, "DE");
	assert_int_equal(field_trust(&c->trust, FIELD_CITY, "till"), 70);
	assert_int_equal(field_trust(&c->trust, FIELD_CITY, "customer"), 80);
	hq_conf_free(c);
}

static void a_fault_is_named_with_line_and_what_was_expected(void **state)
{
	static const struct {
		const char *text, *said;
	} faults[] = {
	    {GOOD "dark_seconds = 0\n", ":3: dark_seconds is 0, expected 1 to 86400"},
	    {GOOD "broker { port = 70000 }\n", ":3: port is 70000, expected a port"},
	    {GOOD "webhook { url = \"ftp://x\" }\n", "expected an http or https URL"},
	    {GOOD "log_level = \"loud\"\n", "expected error, warn, info or debug"},
	    {GOOD "shoe_size = 4\n", "shoe_size"},
	    {GOOD "rules = \"/t.json\"\n",
	     ":3: rules is no option any more, expected the table to be in hq.db"},
	    {GOOD "ruleset = \"7\"\n",
	     ":3: ruleset is no option any more, expected versions to be given in hq.db"},
	    {"region = \"DE\"\ncurrency = \"XXQ\"\n",
	     ":2: currency is \"XXQ\", expected an ISO 4217"},
	    {"region = \"de\"\n", "expected an ISO 3166"},
	    {"region = \"DE\"\n", ": currency is missing, expected an ISO 4217"},
	    {GOOD "loyalty \"c\" {\n length = 13\n}\n",
	     ":5: loyalty \"c\": prefix is missing, expected what every card"},
	    {GOOD "loyalty \"c\" { prefix = \"41\" length = 16 check = \"luhn\" }\n",
	     ":3: loyalty \"c\": prefix: inside a card issuer's range"},
	    {GOOD "trust \"state\" { manager = 5 }\n",
	     ":3: trust \"state\": manager is 5, expected 0"},
	    {GOOD "trust \"hat\" { manager = 5 }\n", ":3: trust \"hat\": no such field, expected"},
	    {GOOD "dark_seconds = soon\n",
	     ":3: dark_seconds is not a whole number, expected 1 to 86400"},
	};
	char err[600];

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		assert_null(read_text(faults[i].text, err, sizeof err));
		if (!strstr(err, faults[i].said))
			fail_msg("said \"%s\", expected \"%s\"", err, faults[i].said);
		if (strstr(err, path) != err)
			fail_msg("said \"%s\", expected it to begin with %s", err, path);
	}
}

static void refused(const char *at, const char *said)
{
	char err[600] = "";
	struct hq_conf *c = NULL;

	assert_int_equal(hq_conf_read(at, &c, err, sizeof err), -1);
	assert_memory_equal(err, at, strlen(at));
	assert_string_equal(err + strlen(at), said);
}

static void what_is_no_file_is_named(void **state)
{
	(void)state;
	refused(path, ": No such file or directory, expected a configuration file");
	refused(dir, ": Is a directory, expected a configuration file");
}

/* libconfuse alone takes all of these for whole files. */
static void a_file_that_breaks_off_is_refused_where_it_was_opened(void **state)
{
	static const struct {
		const char *text, *said;
	} faults[] = {
	    {GOOD "broker {\n host = \"b\"\n",
	     ":3: a \"{\" is not closed, expected a \"}\" after it"},
	    {GOOD "loyalty \"c\" { prefix = \"26\"",
	     ":3: a \"{\" is not closed, expected a \"}\" after it"},
	    {GOOD "/* webhook\n", ":3: a comment is not closed, expected \"*/\""},
	    {GOOD "data = \"/d\n",
	     ":3: a text is not closed, expected a quotation mark on the same line"},
	    {GOOD "currency = \"USD\"\n",
	     ":3: currency stands twice, expected once: line 2 has it"},
	    {GOOD "broker { }\nbroker { port = 1 }\n",
	     ":4: broker stands twice, expected once: line 3 has it"},
	    {GOOD "broker|port = 1\n",
	     ":3: port is not an option here, expected it in its section"},
	    {GOOD "loyalty \"\" { prefix = \"26\" length = 13 }\n",
	     ":3: loyalty \"\": the name is wrong, expected 1 to 32 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		folder_put(dir, "hq.conf", faults[i].text, 0600);
		refused(path, faults[i].said);
	}
}

/* ---- lines ---- */

static const char *reason_of(const char *text)
{
	struct hq_line_at at = {.store = "s1", .epoch = {0xab}, .seq = 7};
	struct hq_line line;
	const char *reason = hq_line_read(&at, text, strlen(text), &line);

	if (!reason)
		hq_line_free(&line);
	return reason ? reason : "";
}

#define LANEWAY "\"epoch\":\"ab00000000000000\",\"seq\":7,\"store\":\"s1\""
#define LINE(laneway, id, more)                                                                    \
	"{\"context\":{\"laneway\":{" laneway "}},\"event\":\"X\",\"messageId\":\"" id "\"," more  \
	"\"originalTimestamp\":\"2026-11-21T17:02:03.123Z\",\"properties\":{}}"

static void a_line_is_good_or_has_one_of_three_reasons(void **state)
{
	(void)state;
	assert_string_equal(reason_of(LINE(LANEWAY, "s1:ab00000000000000:7", "")), "");
	assert_string_equal(reason_of(LINE(LANEWAY, "s1:ab00000000000000:7", "\"new\":1.5,")), "");
	assert_string_equal(reason_of(""), "not_json");
	assert_string_equal(reason_of("{\"a\":1,\"a\":2}"), "not_json");
	assert_string_equal(reason_of("[]"), "no_envelope");
	assert_string_equal(reason_of("{}"), "no_envelope");
	assert_string_equal(reason_of(LINE(LANEWAY, "s1:ab00000000000000:8", "")),
	                    "wrong_message_id");
	assert_string_equal(
	    reason_of(LINE("\"epoch\":\"ab00000000000000\",\"seq\":8,\"store\":\"s1\"",
	                   "s1:ab00000000000000:7", "")),
	    "wrong_message_id");
	assert_string_equal(
	    reason_of(LINE("\"epoch\":\"ab00000000000000\",\"seq\":7,\"store\":\"s2\"",
	                   "s1:ab00000000000000:7", "")),
	    "wrong_message_id");
	assert_string_equal(
	    reason_of(
	        "{\"context\":{\"laneway\":{" LANEWAY "}},\"event\":\"X\",\"messageId\":"
	        "\"s1:ab00000000000000:7\",\"originalTimestamp\":\"noon\",\"properties\":{}}"),
	    "no_envelope");
}

static int set_up(void **state)
{
	(void)state;
	folder_make(dir, "hq-conf");
	snprintf(path, sizeof path, "%s/hq.conf", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_drop(dir);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_short_file_gets_the_defaults),
	    TEST(everything_that_is_set_is_read),
	    TEST(a_fault_is_named_with_line_and_what_was_expected),
	    TEST(what_is_no_file_is_named),
	    TEST(a_file_that_breaks_off_is_refused_where_it_was_opened),
	    cmocka_unit_test(a_line_is_good_or_has_one_of_three_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
