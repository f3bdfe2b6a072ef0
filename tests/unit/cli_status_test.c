/* laneway status: what is wrong comes first, a line each; then the table. */
#include "cli_world.h"

static const char healthy[] = UNTIL_CLOSE
    "{\"store\":\"s1\",\"device\":\"d1\",\"version\":\"v1\",\"uptime_s\":7500,"
    "\"epoch\":\"00112233aabbccdd\",\"seq\":40,"
    "\"journal\":{\"events\":12041,\"confirmed\":12040,\"bytes\":123456,"
    "\"cannot_keep\":false,\"full\":false},"
    "\"clock\":{\"trust\":\"hq\",\"error_ms\":1020,\"machine_ahead_ms\":-3600000,"
    "\"kernel_differs_ms\":0,\"disputed\":false},"
    "\"sync\":{\"configured\":true,\"connected\":true,\"reachable\":true,\"unsent\":2041,"
    "\"backlog\":1990,\"backlog_wait_s\":12,\"batches\":3,\"oldest_unconfirmed_s\":75,\"silent_s\":"
    "9,\"alarm\":false,"
    "\"outstanding_bytes\":900,\"quarantined\":0,\"forked\":0,\"shard_version\":2000,"
    "\"profiles\":2000,\"synced\":\"2026-11-21T17:02:03.123Z\"},"
    "\"sources\":[{\"name\":\"scan-3\",\"lane\":\"3\",\"kind\":\"scanner\",\"up\":true}],"
    "\"tills\":[{\"till\":\"T3\",\"lane\":\"3\",\"up\":false},"
    "{\"till\":\"T4\",\"lane\":\"4\",\"up\":false,\"awaited\":true}],"
    "\"counters\":{\"laneway_scans_total\":12,\"laneway_scan_bad_total\":0}}";
static const char sick[] = UNTIL_CLOSE
    "{\"store\":\"s1\",\"journal\":{\"cannot_keep\":true,\"full\":true,\"slow\":true,"
    "\"check\":{\"done\":true,\"packs\":9,\"total\":9,\"faults\":2,"
    "\"epoch\":\"00112233aabbccdd\",\"seq\":77},"
    "\"salvage\":{\"running\":true,\"events\":5,\"files\":{"
    "\"journal.db.unreadable-1\":{\"events\":500,\"damaged\":[{\"epoch\":\"aa\","
    "\"missing\":[[3,9]]}]},\"journal.db.unreadable-2\":{\"events\":8,\"damaged\":[]}}}},"
    "\"clock\":{\"trust\":\"none\",\"last_trusted\":\"2026-11-21T17:02:03.123Z\","
    "\"kernel_differs_ms\":400000,\"disputed\":false},"
    "\"sync\":{\"connected\":false,\"unsent\":7,\"alarm\":true,\"silent_s\":7500,\"quarantined\":2,"
    "\"forked\":1,\"foreign\":3,\"unreadable\":0,\"lost\":20,\"notes\":[{\"kind\":\"forked\","
    "\"epoch\":\"00112233aabbccdd\",\"first\":7,\"last\":7,\"reason\":\"chain\","
    "\"since\":\"2026-11-21T17:02:03.123Z\"},{\"kind\":\"lost\",\"epoch\":\"00112233aabbccdd\","
    "\"first\":21,\"last\":40,\"reason\":\"lost_at_hq\","
    "\"since\":\"2026-11-21T17:02:03.123Z\"}]},"
    "\"sources\":[{\"name\":\"scan\\u001b[2J\",\"lane\":\"3\",\"kind\":\"scanner\",\"up\":false}]}";

static void a_healthy_box_is_a_table_and_status_0(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_status, false, NULL, healthy), CLI_OK);
	assert_null(strstr(w.out, "PROBLEM"));
	assert_non_null(strstr(w.out, "store s1, device d1, lanewayd v1, up 2 h 5 min\n"));
	assert_non_null(strstr(
	    w.out, "12,041 events, 12,040 confirmed, 120 KiB; epoch 00112233aabbccdd at 40\n"));
	assert_non_null(strstr(
	    w.out, "clock     trusted by HQ, within 1.0 s; the machine's own is -3600 s off\n"));
	assert_non_null(strstr(w.out, "HQ        connected, answering\n"));
	assert_non_null(strstr(
	    w.out, "uplink    2,041 events unsent, 1,990 of them backlog behind "
	           "the live ones (begins in 12 s); 3 batches (900 bytes) on the way, the oldest "
	           "for 1 min\n"));
	assert_non_null(strstr(w.out, "lane 3  scan-3  up\n"));
	assert_non_null(strstr(w.out, "lane 3  T3  down\n"));
	assert_non_null(
	    strstr(w.out, "lane 4  T4  down, not heard since the start: cards wait for it\n"));
	assert_non_null(strstr(w.out, "12  laneway_scans_total\n"));
	assert_null(strstr(w.out, "laneway_scan_bad_total"));
	assert_null(strchr(w.out, '\033'));
	forget(&w);
}

static void a_box_that_starts_says_what_waits(void **state)
{
	static const char *const stages[][2] = {
	    {"starting", "start     cards are kept; names, baskets and tills wait\n"},
	    {"names", "start     names and baskets are there; tills wait"},
	    {"ready", NULL},
	};
	char answer[256];
	struct said w;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(answer, sizeof answer, "%s{\"store\":\"s1\",\"start\":\"%s\"}",
		         UNTIL_CLOSE, stages[i][0]);
		ask(&w, cli_status, false, NULL, answer);
		if (stages[i][1])
			assert_non_null(strstr(w.out, stages[i][1]));
		else
			assert_null(strstr(w.out, "\nstart "));
		forget(&w);
	}
}

static void what_is_wrong_comes_first_and_makes_the_status_1(void **state)
{
	struct said w;

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_int_equal(ask(&w, cli_status, false, NULL, sick), CLI_PROBLEM);
	assert_ptr_equal(strstr(w.out, "PROBLEM"), w.out);
	assert_non_null(strstr(w.out, "PROBLEM  the journal cannot keep anything"));
	assert_non_null(strstr(w.out, "PROBLEM  the journal is full"));
	assert_non_null(strstr(w.out, "PROBLEM  the disk took over 2 s for a commit"));
	assert_non_null(strstr(w.out, "PROBLEM  2 packs of the journal are damaged, the first at "
	                              "seq 77 of epoch 00112233aabbccdd"));
	assert_non_null(strstr(w.out, "PROBLEM  a journal that could not be read was set aside"));
	assert_non_null(strstr(w.out,
	                       "PROBLEM  journal.db.unreadable-1 was damaged: 500 events came "
	                       "back, in 1 epochs some are missing"));
	assert_null(strstr(w.out, "unreadable-2"));
	assert_non_null(strstr(w.out, "PROBLEM  no connection to the broker; 7 events wait\n"));
	assert_non_null(strstr(w.out, "PROBLEM  HQ has confirmed nothing for 2 h 5 min; nothing is "
	                              "lost, 7 events wait\n"));
	assert_non_null(strstr(w.out, "PROBLEM  2 events could not be read by HQ"));
	assert_non_null(strstr(w.out, "PROBLEM  1 event refused by HQ: it holds others"));
	assert_non_null(strstr(w.out, "PROBLEM  20 events lost at HQ: it had confirmed them"));
	assert_non_null(strstr(w.out, "PROBLEM  3 events of another copy of this device"));
	assert_non_null(strstr(w.out, "notes     forked  seq 7 of epoch 00112233aabbccdd: chain, "
	                              "since 2026-11-21 17:02\n"));
	assert_non_null(strstr(w.out, "lost  seq 21 to 40 of epoch 00112233aabbccdd: lost_at_hq"));
	assert_non_null(strstr(w.out, "PROBLEM  nobody has said what time it is"));
	assert_non_null(strstr(w.out, "is +400 s from HQ's time"));
	assert_non_null(strstr(w.out, "clock     not trusted; last trusted 2026-11-21 17:02\n"));
	assert_non_null(strstr(w.out, "PROBLEM  no customer data"));
	assert_non_null(strstr(w.out, "PROBLEM  scanner scan?[2J on lane 3 is not there\n"));
	assert_null(strchr(w.out, '\033'));
	forget(&w);
}

/* Each reason why a day is not closed, or a pack not let go, has a line of its own. */
static void what_holds_days_and_packs_is_said_in_plain_words(void **state)
{
	static const char *const cases[][2] = {
	    {"\"days\":{\"blocked\":\"untrusted_clock\"}",
	     "days are not closed and nothing is deleted until the clock is trusted\n"},
	    {"\"days\":{\"blocked\":\"no_key\"}",
	     "days are not closed: device-sign.key is missing"},
	    {"\"days\":{\"blocked\":\"failed\"}", "closing the day failed (see the log)"},
	    {"\"days\":{\"not_countersigned\":2,\"oldest\":\"2026-11-19\",\"state\":\"incomplete\","
	     "\"missing\":7}",
	     "2 days are not countersigned, the oldest is 2026-11-19: HQ waits for 7 of its "
	     "events\n"},
	    {"\"days\":{\"not_countersigned\":3,\"oldest\":\"2026-11-19\",\"state\":\"waiting\","
	     "\"missing\":0}",
	     "3 days are not countersigned, the oldest is 2026-11-19: HQ has not answered on it\n"},
	    {"\"days\":{\"not_countersigned\":1,\"oldest\":\"2026-11-19\",\"state\":\"disputed\"}",
	     "the statement of 2026-11-19 is disputed at HQ"},
	    {"\"journal\":{\"held\":{\"by\":\"statement\",\"since\":\"2026-11-02T17:02:03.123Z\"}}",
	     "packs from 2026-11-02 17:02 on are kept beyond the retention: no statement of the "
	     "day"},
	    {"\"journal\":{\"held\":{\"by\":\"unconfirmed\",\"since\":\"2026-11-02T17:02:03.123Z\"}"
	     "}",
	     "kept beyond the retention: HQ has not confirmed them"},
	    {"\"journal\":{\"held\":{\"by\":\"shard\",\"since\":\"2026-11-02T17:02:03.123Z\"}}",
	     "kept beyond the retention: HQ's customer data does not include yet"},
	};
	char answer[400];
	struct said w;

	(void)state;
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(answer, sizeof answer, "%s{%s}", UNTIL_CLOSE, cases[i][0]);
		assert_int_equal(ask(&w, cli_status, false, NULL, answer), CLI_PROBLEM);
		assert_non_null(strstr(w.out, cases[i][1]));
		forget(&w);
	}
}

/* A day that was closed just now, and an open one, are no problem; nor is a store without HQ. */
static void days_that_are_in_order_are_one_line(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(
	    ask(&w, cli_status, false, NULL,
	        UNTIL_CLOSE
	        "{\"sync\":{\"configured\":false},\"journal\":{\"held\":null},\"days\":"
	        "{\"blocked\":null,\"open_since\":\"2026-11-21\",\"not_countersigned\":9,"
	        "\"oldest\":\"2026-11-12\",\"state\":\"waiting\",\"missing\":0}}"),
	    CLI_OK);
	assert_non_null(strstr(w.out, "days      open since 2026-11-21; 9 not countersigned, from "
	                              "2026-11-12: waiting\n"));
	forget(&w);
}

static void a_box_without_hq_has_no_problem_with_hq(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(
	    ask(&w, cli_status, false, NULL, UNTIL_CLOSE "{\"sync\":{\"configured\":false}}"),
	    CLI_OK);
	assert_non_null(strstr(w.out, "HQ        not configured\n"));
	forget(&w);
}

static void a_store_whose_events_are_all_confirmed_says_so(void **state)
{
	struct said w;

	(void)state;
	ask(&w, cli_status, false, NULL,
	    UNTIL_CLOSE "{\"sync\":{\"connected\":true,\"reachable\":true,\"unsent\":0}}");
	assert_non_null(strstr(w.out, "uplink    everything is confirmed\n"));
	forget(&w);
}

static void json_is_the_daemons_own_and_the_status_says_the_same(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_status, true, NULL, sick), CLI_PROBLEM);
	assert_string_equal(w.out + w.out_len - 3, "]}\n");
	assert_memory_equal(w.out, strstr(sick, "{\"store\""), w.out_len - 1);
	forget(&w);
}

static void a_daemon_that_is_not_there_is_status_3_and_named(void **state)
{
	struct said w;
	char *args[] = {NULL};

	(void)state;
	listen_to(&w, "/nonexistent/api.sock");
	assert_int_equal(cli_status(&w.cli, args), CLI_UNREACHABLE);
	heard(&w);
	assert_non_null(strstr(w.err, "cannot reach lanewayd at /nonexistent/api.sock"));
	forget(&w);
	listen_to(&w, "/nonexistent/api.sock");
	assert_int_equal(cli_tail(&w.cli, args), CLI_UNREACHABLE);
	heard(&w);
	assert_non_null(strstr(w.err, "cannot reach lanewayd"));
	forget(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_healthy_box_is_a_table_and_status_0),
	    cmocka_unit_test(a_box_that_starts_says_what_waits),
	    cmocka_unit_test(what_is_wrong_comes_first_and_makes_the_status_1),
	    cmocka_unit_test(what_holds_days_and_packs_is_said_in_plain_words),
	    cmocka_unit_test(days_that_are_in_order_are_one_line),
	    cmocka_unit_test(a_box_without_hq_has_no_problem_with_hq),
	    cmocka_unit_test(a_store_whose_events_are_all_confirmed_says_so),
	    cmocka_unit_test(json_is_the_daemons_own_and_the_status_says_the_same),
	    cmocka_unit_test(a_daemon_that_is_not_there_is_status_3_and_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
