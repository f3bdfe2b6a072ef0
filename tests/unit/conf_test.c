/* What each option may hold. */
#include "conf/field_conf.h"
#include "conf_place.h"

/* ---- what is right ---- */

static void the_least_configuration_has_the_documented_defaults(void **state)
{
	const struct conf *c = right(*state, "");
	assert_string_equal(c->store, "s1");
	assert_string_equal(c->device, "d1");
	assert_string_equal(c->data_dir, "/var/lib/laneway");
	assert_string_equal(c->keys_dir, "/etc/laneway/keys");
	assert_string_equal(c->timezone, "UTC");
	assert_int_equal(c->day_cut_min, 240);
	assert_int_equal(c->retention_days, 7);
	assert_int_equal(c->quota_bytes, INT64_C(2048) << 20);
	assert_string_equal(c->broker_host, "");
	assert_int_equal(c->pos_port, -1);
	assert_string_equal(c->http_listen, "127.0.0.1");
	assert_int_equal(c->http_port, 8080);
	assert_int_equal(c->lane_count, 2);
	assert_string_equal(c->lane_names[1], "2");
	assert_null(c->lane_names[2]);
	assert_int_equal(c->scanner_count, 0);
	assert_int_equal(c->ident.loyalty_count, 0);
}

static void everything_that_is_given_is_taken_over(void **state)
{
	struct place *p = *state;
	char text[2048];
	snprintf(text, sizeof text,
	         "day_cut = \"23:59\"\ntimezone = \"Europe/Berlin\"\nlog_level = debug\n"
	         "journal { retention_days = 3 quota_mb = 16 }\n"
	         "uplink { broker = \"b.example\" port = 1 }\n"
	         "pos { listen = \"0.0.0.0\" port = 0 token_file = \"%s\" }\n"
	         "scanner \"a\" { lane = \"2\" port = \"/dev/x\" baud = 115200 terminator = tab\n"
	         "  prefix = \"~\" aim = yes min = 4 max = 4 guard_ms = 0 }\n"
	         "loyalty \"card\" { length = 13 prefix = \"26\" check = ean }\n",
	         p->token);
	const struct conf *c = right(p, text);
	assert_int_equal(c->day_cut_min, 23 * 60 + 59);
	assert_string_equal(c->log_level, "debug");
	assert_int_equal(c->quota_bytes, 16 << 20);
	assert_string_equal(c->broker_host, "b.example");
	assert_string_equal(c->pos_listen, "0.0.0.0");
	assert_string_equal(c->pos_token, TOKEN);
	const struct conf_scanner *s = &c->scanners[0];
	assert_string_equal(s->name, "a");
	assert_string_equal(s->lane, "2");
	assert_int_equal(s->baud, 115200);
	assert_string_equal(s->terminator, "tab");
	assert_string_equal(s->prefix, "~");
	assert_true(s->aim);
	assert_int_equal(s->length_max, 4);
	assert_int_equal(s->guard_ms, 0);
	assert_string_equal(c->ident.loyalty[0].check, "ean");
	assert_int_equal(c->ident.loyalty[0].length, 13);
}

static void the_shipped_file_is_right_once_its_token_file_is_there(void **state)
{
	struct place *p = *state;
	char text[8192], shipped[4096];
	FILE *f = fopen("dist/lanewayd.conf", "r");
	if (!f)
		skip(); /* run from elsewhere */
	shipped[fread(shipped, 1, sizeof shipped - 1, f)] = '\0';
	fclose(f);
	char *at = strstr(shipped, "/etc/laneway/pos.token");
	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - shipped), shipped, p->token,
	         at + strlen("/etc/laneway/pos.token"));
	if (read_text(p, text) < 0 || flow_check(p->c, p->err, sizeof p->err) < 0)
		fail_msg("%s", p->err);
	assert_int_equal(p->c->scanner_count, 2);
	assert_int_equal(p->c->ident.loyalty_count, 1);
}

static void comments_and_quotes_hide_what_is_in_them(void **state)
{
	const struct conf *c = right(*state, "# { \" ' */ /*\n/* } \" // \n # */ // { \"\n"
	                                     "prompt { ask = \"a # b // c /* d } \\\" e\" greet = "
	                                     "'it \\'s {' } # end");
	assert_string_equal(c->prompt_ask, "a # b // c /* d } \" e");
	assert_string_equal(c->prompt_greet, "it 's {");
}

/* ---- values ---- */

static void a_value_of_the_wrong_type_is_answered_with_what_fits(void **state)
{
	static const struct fault faults[] = {
	    {"journal { quota_mb = \"lots\" }\n",
	     ":6: quota_mb is not a whole number, expected 4 to 1048576 MiB"},
	    {"journal { quota_mb = 4.5 }\n",
	     ":6: quota_mb is not a whole number, expected 4 to 1048576 MiB"},
	    {"journal { quota_mb = 99999999999999999999999 }\n",
	     ":6: quota_mb is too long a number, expected 4 to 1048576 MiB"},
	    {"scanner \"a\" { aim = perhaps }\n",
	     ":6: aim is neither true nor false, expected true or false"},
	};
	EACH_REFUSED(*state, faults);
}

static void numbers_are_refused_one_beyond_their_limits(void **state)
{
	static const struct fault faults[] = {
	    {"journal { retention_days = 0 }", ":6: retention_days is 0, expected 1 to 3650 days"},
	    {"journal { retention_days = 3651 }",
	     ":6: retention_days is 3651, expected 1 to 3650 days"},
	    {"journal { quota_mb = 3 }", ":6: quota_mb is 3, expected 4 to 1048576 MiB"},
	    {"http { port = 65536 }", ":6: port is 65536, expected a port from 0 (any free one) to "
	                              "65535"},
	    {"http { port = -1 }",
	     ":6: port is -1, expected a port from 0 (any free one) to 65535"},
	    {"uplink { port = 0 }", ":6: port is 0, expected a port from 1 to 65535"},
	    {"scanner \"a\" { baud = 1199 }", ":6: baud is 1199, expected 1200 to 921600"},
	    {"scanner \"a\" { max = 8192 }", ":6: max is 8192, expected 1 to 8191 bytes"},
	    {"scanner \"a\" { min = 0 }", ":6: min is 0, expected 1 to 8191 bytes"},
	    {"scanner \"a\" { guard_ms = 5001 }", ":6: guard_ms is 5001, expected 0 to 5000 ms"},
	    {"loyalty \"a\" { length = 3 }", ":6: length is 3, expected 4 to 32 characters"},
	    {"loyalty \"a\" { length = 33 }", ":6: length is 33, expected 4 to 32 characters"},
	};
	EACH_REFUSED(*state, faults);
}

static void numbers_are_taken_at_their_limits(void **state)
{
	const struct conf *c = right(
	    *state, "journal { retention_days = 3650 quota_mb = 4 }\nhttp { port = 65535 }\n"
	            "uplink { broker = b port = 1 }\nscanner \"a\" { lane = 1 port = x baud = "
	            "921600 min = 1 max = 8191 guard_ms = 5000 }\n");
	assert_int_equal(c->retention_days, 3650);
	assert_int_equal(c->http_port, 65535);
	assert_int_equal(c->broker_port, 1);
	assert_int_equal(c->scanners[0].length_max, 8191);
}

static void words_are_refused_with_the_words_that_fit(void **state)
{
	static const struct fault faults[] = {
	    {"log_level = loud", ":6: log_level is \"loud\", expected error, warn, info or debug"},
	    {"log_level = inf", ":6: log_level is \"inf\", expected error, warn, info or debug"},
	    {"log_level = \"warn info\"",
	     ":6: log_level is \"warn info\", expected error, warn, info or debug"},
	    {"log_level = \"\"", ":6: log_level is \"\", expected error, warn, info or debug"},
	    {"scanner \"a\" { terminator = nl }",
	     ":6: terminator is \"nl\", expected cr, lf, crlf, tab or any"},
	    {"scanner \"a\" { role = kiosk }", ":6: role is \"kiosk\", expected lane"},
	    {"loyalty \"a\" { check = crc }",
	     ":6: check is \"crc\", expected none, luhn, ean or mod11"},
	};
	EACH_REFUSED(*state, faults);
}

static void texts_are_refused_with_their_form(void **state)
{
	static const struct fault faults[] = {
	    {"day_cut = \"24:00\"", ":6: day_cut is \"24:00\", expected an hour of the day such as "
	                            "\"04:00\""},
	    {"day_cut = \"4:00\"", ":6: day_cut is \"4:00\", expected an hour of the day such as "
	                           "\"04:00\""},
	    {"ruleset = \"a b\"", ":6: ruleset is \"a b\", expected a version of 1 to 32 letters, "
	                          "digits, '.', '_' or '-'"},
	    {"data = \"\"", ":6: data is \"\", expected a folder"},
	    {"lanes += \"a.b\"", ":6: lanes is \"a.b\", expected names of 1 to 32 letters, digits, "
	                         "'_' or '-', each once"},
	    {"uplink { broker = \"\" }", ":6: broker is \"\", expected a host name or address"},
	    {"scanner \"a\" { prefix = 12345678901234567 }",
	     ":6: prefix is \"12345678901234567\", expected at most 16 bytes"},
	    {"prompt { ask = \"a\\nb\" }", ":6: ask is \"a?b\", expected at most 128 bytes"},
	};
	EACH_REFUSED(*state, faults);
}

static void the_names_of_store_currency_and_region_are_checked(void **state)
{
	refused_alone(*state, "store = \"S1\"",
	              ":1: store is \"S1\", expected 1 to 32 characters out of a-z, 0-9 and -");
	refused_alone(*state, "store = \"a/b\"",
	              ":1: store is \"a/b\", expected 1 to 32 characters out of a-z, 0-9 and -");
	refused_alone(*state, "\nstore = a\n\ncurrency = \"EURO\"",
	              ":4: currency is \"EURO\", expected an ISO 4217 code such as \"EUR\"");
	refused_alone(*state, "currency = \"ZZZ\"",
	              ":1: currency is \"ZZZ\", expected an ISO 4217 code such as \"EUR\"");
	refused_alone(*state, "region = \"DEU\"",
	              ":1: region is \"DEU\", expected an ISO 3166 code of two letters such as "
	              "\"DE\"");
}

static void a_time_zone_is_one_that_the_machine_knows(void **state)
{
	static const struct fault faults[] = {
	    {"timezone = \"Mars/Base\"", ":6: timezone is \"Mars/Base\", expected an IANA time "
	                                 "zone such as \"Europe/Berlin\""},
	    {"timezone = \"Europe\"", ":6: timezone is \"Europe\", expected an IANA time zone such "
	                              "as \"Europe/Berlin\""},
	    {"timezone = \"zone.tab\"", ":6: timezone is \"zone.tab\", expected an IANA time zone "
	                                "such as \"Europe/Berlin\""},
	    {"timezone = \"../zoneinfo/UTC\"",
	     ":6: timezone is \"../zoneinfo/UTC\", expected an IANA time zone such as "
	     "\"Europe/Berlin\""},
	};
	EACH_REFUSED(*state, faults);
}

static void the_screens_listen_on_loopback_only(void **state)
{
	static const struct fault faults[] = {
	    {"http { listen = \"0.0.0.0\" }", ":6: listen is \"0.0.0.0\", expected a loopback "
	                                      "address: the screens have no login yet"},
	    {"http { listen = \"192.168.1.5\" }", ":6: listen is \"192.168.1.5\", expected a "
	                                          "loopback address: the screens have no login "
	                                          "yet"},
	    {"http { listen = \"::\" }", ":6: listen is \"::\", expected a loopback address: the "
	                                 "screens have no login yet"},
	};
	EACH_REFUSED(*state, faults);
	right(*state, "http { listen = \"127.1.2.3\" }");
	right(*state, "http { listen = \"::1\" }");
}

/* ---- sections ---- */

static void a_scanner_needs_a_name_a_lane_and_a_port(void **state)
{
	static const struct fault faults[] = {
	    {"scanner \"a\" { port = x }", ":6: scanner \"a\": lane is missing, expected the name "
	                                   "of a lane"},
	    {"scanner \"a\" {\n lane = 1\n}\n", ":8: scanner \"a\": port is missing, expected a "
	                                        "device such as \"/dev/serial/by-path/...\""},
	    {"scanner \"a\" {\n lane = 9\n port = x }\n",
	     ":7: scanner \"a\": unknown lane, expected one of those in lanes"},
	    {"scanner \"box\" { lane = 1 port = x }",
	     ":6: scanner \"box\": the name is wrong, expected 1 to 32 bytes, not \"box\" and not "
	     "\"till:...\""},
	    {"scanner \"till:T1\" { lane = 1 port = x }",
	     ":6: scanner \"till:T1\": the name is wrong, expected 1 to 32 bytes, not \"box\" and "
	     "not \"till:...\""},
	    {"scanner \"123456789012345678901234567890123\" { lane = 1 port = x }",
	     ":6: scanner \"12345678901234567890123456789012\": the name is wrong, expected 1 to "
	     "32 "
	     "bytes, not \"box\" and not \"till:...\""},
	    {"scanner \"a\\nb\" { lane = 1 port = x }",
	     ":6: scanner \"a?b\": the name is wrong, expected 1 to 32 bytes, not \"box\" and not "
	     "\"till:...\""},
	    {"scanner \"a\" { lane = 1 port = x max = 4\n min = 5 }",
	     ":7: scanner \"a\": min is more than max, expected min at most max"},
	};
	EACH_REFUSED(*state, faults);
}

static void a_loyalty_scheme_needs_a_prefix_and_a_length(void **state)
{
	static const struct fault faults[] = {
	    {"loyalty \"c\" { length = 13 }",
	     ":6: loyalty \"c\": prefix is missing, expected what every card starts with"},
	    {"loyalty \"c\" { prefix = 26\n}",
	     ":7: loyalty \"c\": length is missing, expected 4 to 32 characters"},
	};
	EACH_REFUSED(*state, faults);
}

static void an_uplink_needs_a_broker(void **state)
{
	refused(*state, "uplink { }\n",
	        ":6: uplink: broker is missing, expected a host name or address");
}

static void more_than_the_house_holds_is_refused(void **state)
{
	static const struct {
		const char *one, *want;
		int n;
	} lists[] = {
	    {"lanes += \"x%d\"\n", ": too many lanes, expected at most 64", 63},
	    {"scanner \"s%d\" { lane = 1 port = x }\n", ": too many scanners, expected at most 64",
	     65},
	    {"loyalty \"l%d\" { prefix = 26 length = 13 }\n",
	     ": too many loyalty schemes, expected at most 16", 17},
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		char text[8000] = "";
		size_t len = 0;
		for (int k = 0; k < lists[i].n; k++)
			len += (size_t)snprintf(text + len, sizeof text - len, lists[i].one, k);
		refused(*state, text, lists[i].want);
	}
}

static void a_scheme_that_would_hide_card_numbers_is_refused(void **state)
{
	struct place *p = *state;
	char want[256];
	right(p, "loyalty \"card\" { prefix = 26 length = 13 }\nloyalty \"gold\" {\n length = 16\n"
	         " prefix = \"41\"\n}\n");
	assert_int_equal(flow_check(p->c, p->err, sizeof p->err), -1);
	snprintf(want, sizeof want,
	         "%s:9: loyalty \"gold\": prefix: inside a card issuer's range at a length that "
	         "card numbers have; expected another prefix or length",
	         p->conf);
	assert_string_equal(p->err, want);
	right(p, "loyalty \"gold\" { length = 10 prefix = \"41\" }\n");
	assert_int_equal(flow_check(p->c, p->err, sizeof p->err), 0);
}

static void wallets_accounts_and_gs1_are_read(void **state)
{
	const struct conf *c = right(
	    *state, "wallet \"apple\" { prefix = \"LWM:\" length = 14 check = \"luhn\" }\n"
	            "wallet \"turning\" { prefix = \"LWR:\" rotating = true }\n"
	            "account \"firm\" { prefix = \"K\" length = 8 }\n"
	            "gs1 { domains = {\"id.example.com\"} prefixes = {\"9501101\", \"4260\"} }\n");
	assert_int_equal(c->ident.wallet_count, 2);
	assert_string_equal(c->ident.wallet[0].prefix, "LWM:");
	assert_false(c->ident.wallet[0].rotating);
	assert_true(c->ident.wallet[1].rotating);
	assert_int_equal(c->ident.wallet[1].length, 0);
	assert_int_equal(c->ident.account[0].length, 8);
	assert_string_equal(c->ident.domains[0], "id.example.com");
	assert_int_equal(c->ident.gs1_prefix_count, 2);
	assert_string_equal(c->ident.gs1_prefixes[1], "4260");
	assert_int_equal(flow_check(c, ((struct place *)*state)->err, 64), 0);
}

static void a_number_of_the_chain_that_cannot_be_is_refused(void **state)
{
	static const struct fault faults[] = {
	    {"wallet \"w\" { prefix = \"LWM:\" }",
	     ":6: wallet \"w\": length is missing, expected 4 to 128 characters"},
	    {"wallet \"w\" { length = 9 }",
	     ":6: wallet \"w\": prefix is missing, expected what every code starts with"},
	    {"account \"a\" { length = 9 }",
	     ":6: account \"a\": prefix is missing, expected what every card starts with"},
	    {"gs1 { domains = {\"localhost\"} }", ":6: domains is \"localhost\", expected host "
	                                          "names such as \"id.example.com\", each once"},
	    {"gs1 { prefixes = {\"95a\"} }",
	     ":6: prefixes is \"95a\", expected GS1 company prefixes of 4 to 12 digits, each once"},
	};
	EACH_REFUSED(*state, faults);
}

static void no_two_kinds_claim_one_number(void **state)
{
	static const struct {
		const char *text, *want;
	} faults[] = {
	    {"loyalty \"card\" { prefix = 26 length = 13 }\n"
	     "account \"firm\" { prefix = 261 length = 13 }\n",
	     ":7: account \"firm\": prefix: claims numbers of loyalty \"card\"; expected another "
	     "prefix or length"},
	    {"wallet \"turning\" { prefix = LW rotating = true }\n"
	     "account \"firm\" { prefix = lw1 length = 9 }\n",
	     ":7: account \"firm\": prefix: claims numbers of wallet \"turning\"; expected another "
	     "prefix or length"},
	    {"wallet \"w\" { prefix = 41 length = 16 }\n",
	     ":6: wallet \"w\": prefix: inside a card issuer's range at a length that card numbers "
	     "have; expected another prefix or length"},
	    {"wallet \"w\" { prefix = \"a b\" length = 16 }\n",
	     ":6: wallet \"w\": prefix: has a space; expected none"},
	};
	struct place *p = *state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		right(p, faults[i].text);
		assert_int_equal(flow_check(p->c, p->err, sizeof p->err), -1);
		assert_string_equal(p->err + strlen(p->conf), faults[i].want);
	}
	right(p, "loyalty \"card\" { prefix = 26 length = 13 }\n"
	         "account \"firm\" { prefix = 26 length = 12 }\n");
	assert_int_equal(flow_check(p->c, p->err, sizeof p->err), 0);
}

static void a_hierarchy_of_sources_is_read_field_by_field(void **state)
{
	struct place *p = *state;
	struct field_trust t;
	right(p, "trust \"city\" { till = 70 import = 0 }\ntrust \"tier\" { import = 100 }\n");
	assert_int_equal(flow_check(p->c, p->err, sizeof p->err), 0);
	assert_int_equal(field_conf(&p->c->trusts, "f", &t, p->err, sizeof p->err), 0);
	assert_int_equal(field_trust(&t, FIELD_CITY, "till"), 70);
	assert_int_equal(field_trust(&t, FIELD_CITY, "import"), 0);
	assert_int_equal(field_trust(&t, FIELD_CITY, "steward"), 90); /* not said: as delivered */
	assert_int_equal(field_trust(&t, FIELD_STREET, "till"), 40);
	assert_int_equal(field_trust(&t, FIELD_TIER, "import"), 100);
}

static void a_hierarchy_that_is_wrong_is_refused_with_its_line(void **state)
{
	static const struct fault read[] = {
	    {"trust \"city\" { till = 101 }", ":6: till is 101, expected 0 to 100"},
	    {"trust \"city\" { till = -1 }", ":6: till is -1, expected 0 to 100"},
	    {"trust \"city\" { till = much }", ":6: till is not a whole number, expected 0 to 100"},
	};
	static const struct {
		const char *text, *want;
	} checked[] = {
	    {"trust \"shoe_size\" {\n till = 4\n}\n",
	     ":8: trust \"shoe_size\": no such field, expected one such as \"first_name\", "
	     "\"city\" "
	     "or \"contact\""},
	    {"trust \"tier\" {\n till = 4\n}\n", ":7: trust \"tier\": till is 4, expected 0: tier "
	                                         "and state come from HQ, as steward, hq "
	                                         "or import"},
	};
	struct place *p = *state;
	EACH_REFUSED(p, read);
	for (size_t i = 0; i < sizeof checked / sizeof *checked; i++) {
		right(p, checked[i].text);
		assert_int_equal(flow_check(p->c, p->err, sizeof p->err), -1);
		assert_string_equal(p->err + strlen(p->conf), checked[i].want);
	}
}

/* ---- the token file ---- */

static void pos_refused(struct place *p, const char *path, const char *want)
{
	char text[256], all[512];
	snprintf(text, sizeof text, "\npos {\n token_file = \"%s\"\n}\n", path);
	snprintf(all, sizeof all, ":8: token_file %s: %s", path, want);
	refused(p, text, all);
	assert_null(strstr(p->err, "0123456789"));
}

static void a_token_file_has_to_be_a_file_that_only_its_owner_reads(void **state)
{
	struct place *p = *state;
	refused(p, "pos { }",
	        ":6: pos: token_file is missing, expected a file that holds the "
	        "tills' token");
	pos_refused(p, "/nonexistent/token",
	            "No such file or directory, expected a file that can be read");
	pos_refused(p, p->dir, "not a file, expected a file that holds the tills' token");
	chmod(p->token, 0640);
	pos_refused(p, p->token, "others can read it, expected mode 0600 (chmod 600)");
	chmod(p->token, 0604);
	pos_refused(p, p->token, "others can read it, expected mode 0600 (chmod 600)");
}

static void a_token_has_16_to_128_characters(void **state)
{
	struct place *p = *state;
	char token[200], text[256];
	static const int wrong[] = {0, 15, 129, 135}, fine[] = {16, 128};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(token, sizeof token, "%.*s\r\n", wrong[i], TOKEN TOKEN TOKEN TOKEN TOKEN);
		put(p->token, token, 0600);
		pos_refused(p, p->token,
		            "its first line is too short or too long, expected a "
		            "token of 16 to 128 characters");
	}
	snprintf(text, sizeof text, "pos { token_file = \"%s\" }\n", p->token);
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		snprintf(token, sizeof token, "%.*s\r\n# a comment\n", fine[i],
		         TOKEN TOKEN TOKEN TOKEN);
		put(p->token, token, 0600);
		assert_int_equal(strlen(right(p, text)->pos_token), fine[i]);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_least_configuration_has_the_documented_defaults),
	    T(everything_that_is_given_is_taken_over),
	    T(the_shipped_file_is_right_once_its_token_file_is_there),
	    T(comments_and_quotes_hide_what_is_in_them),
	    T(a_value_of_the_wrong_type_is_answered_with_what_fits),
	    T(numbers_are_refused_one_beyond_their_limits),
	    T(numbers_are_taken_at_their_limits),
	    T(words_are_refused_with_the_words_that_fit),
	    T(texts_are_refused_with_their_form),
	    T(the_names_of_store_currency_and_region_are_checked),
	    T(a_time_zone_is_one_that_the_machine_knows),
	    T(the_screens_listen_on_loopback_only),
	    T(a_scanner_needs_a_name_a_lane_and_a_port),
	    T(a_loyalty_scheme_needs_a_prefix_and_a_length),
	    T(an_uplink_needs_a_broker),
	    T(more_than_the_house_holds_is_refused),
	    T(a_scheme_that_would_hide_card_numbers_is_refused),
	    T(wallets_accounts_and_gs1_are_read),
	    T(a_number_of_the_chain_that_cannot_be_is_refused),
	    T(a_hierarchy_of_sources_is_read_field_by_field),
	    T(a_hierarchy_that_is_wrong_is_refused_with_its_line),
	    T(no_two_kinds_claim_one_number),
	    T(a_token_file_has_to_be_a_file_that_only_its_owner_reads),
	    T(a_token_has_16_to_128_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
