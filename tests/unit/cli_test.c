/* The admin CLI's commands against a server that says what the test wrote down for it. */
#include "cli_world.h"

#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

#define LINE_1                                                                                     \
	"{\"context\":{\"laneway\":{\"lane\":\"3\",\"sealed\":{\"c\":\"x\"}}},"                    \
	"\"event\":\"Product Added\",\"originalTimestamp\":\"2026-11-21T17:02:03.123Z\","          \
	"\"properties\":{\"currency\":\"EUR\",\"name\":\"Bread\\u001b]0;x\\u0007\",\"price\":\"2." \
	"50\","                                                                                    \
	"\"quantity\":\"2\",\"unit\":\"piece\"}}"
#define LINE_2                                                                                     \
	"{\"context\":{\"laneway\":{\"training\":true}},\"event\":\"Something New\","              \
	"\"originalTimestamp\":\"2026-11-21T17:02:04.000Z\",\"properties\":{}}"

static void each_event_is_one_line_that_names_nobody(void **state)
{
	struct said w;

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_int_equal(ask(&w, cli_tail, false, NULL, UNTIL_CLOSE LINE_1 "\n" LINE_2 "\n"),
	                 CLI_UNREACHABLE);
	assert_string_equal(
	    w.out, "17:02:03.123  lane 3  Product Added         2 piece Bread?]0;x? at 2.50 EUR\n"
	           "17:02:04.000  box     Something New          (training)\n");
	forget(&w);
}

static void a_json_tail_is_the_bytes_that_were_kept_and_status_3_when_the_daemon_goes(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_tail, true, NULL, UNTIL_CLOSE LINE_1 "\n" LINE_2 "\n"),
	                 CLI_UNREACHABLE);
	assert_string_equal(w.out, LINE_1 "\n" LINE_2 "\n");
	forget(&w);
}

static void a_tail_that_breaks_off_within_a_chunk_is_still_the_daemon_gone(void **state)
{
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_tail, true, NULL, OK_CHUNKED "20\r\n{\"a\":1}\n"),
	                 CLI_UNREACHABLE);
	assert_string_equal(w.out, "{\"a\":1}\n");
	forget(&w);
}

static void interrupt(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGINT);
}

static void a_tail_that_is_interrupted_ends_well(void **state)
{
	struct server s = {.stays = true, .then = interrupt};
	struct said w;
	char *args[] = {NULL};
	sigset_t set;

	(void)state;
	/* The server's thread must not take the signal that is meant for the command. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(&s, UNTIL_CLOSE LINE_1 "\n");
	listen_to(&w, s.path);
	w.cli.json = true;
	assert_int_equal(cli_tail(&w.cli, args), CLI_OK);
	heard(&w);
	stop(&s);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	forget(&w);
}

static void hang_up(void *ctx)
{
	close(*(int *)ctx);
}

static void a_tail_that_nobody_reads_any_more_ends_well(void **state)
{
	int ends[2];
	struct server s = {.stays = true, .then = hang_up, .ctx = &ends[0]};
	struct said w;
	char *args[] = {NULL};

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	start(&s, UNTIL_CLOSE LINE_1 "\n");
	listen_to(&w, s.path);
	fclose(w.cli.out);
	w.cli.out = fdopen(ends[1], "w");
	assert_int_equal(cli_tail(&w.cli, args), CLI_OK);
	fclose(w.cli.out);
	fclose(w.cli.err);
	stop(&s);
	forget(&w);
}

static void a_whole_journal_is_status_0_and_a_fault_status_1(void **state)
{
	static const char whole[] = UNTIL_CLOSE
	    "{\"done\":1,\"total\":3}\n{\"ok\":true,\"epochs\":2,\"packs\":3,\"events\":1240}\n";
	static const char fault[] = UNTIL_CLOSE "{\"ok\":false,\"error\":\"pack 7: h differs\"}\n";
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_verify, false, NULL, whole), CLI_OK);
	assert_string_equal(w.out, "journal whole: 1,240 events in 3 packs, epochs: 2\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_verify, true, NULL, whole), CLI_OK);
	assert_string_equal(w.out, "{\"done\":1,\"total\":3}\n"
	                           "{\"ok\":true,\"epochs\":2,\"packs\":3,\"events\":1240}\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_verify, false, NULL, fault), CLI_PROBLEM);
	assert_string_equal(w.out, "journal: pack 7: h differs\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_verify, false, NULL, UNTIL_CLOSE "{\"done\":1,\"total\":3}\n"),
	                 CLI_UNREACHABLE);
	assert_non_null(strstr(w.err, "went away"));
	forget(&w);
}

static void the_check_is_asked_for_with_a_json_post(void **state)
{
	struct server s = {0};
	struct said w;
	char *args[] = {NULL};

	(void)state;
	start(&s, UNTIL_CLOSE "{\"ok\":true}\n");
	listen_to(&w, s.path);
	cli_verify(&w.cli, args);
	heard(&w);
	stop(&s);
	assert_ptr_equal(strstr(s.asked, "POST /api/v1/journal/verify HTTP/1.1\r\n"), s.asked);
	assert_non_null(strstr(s.asked, "\r\nHost: localhost\r\n"));
	assert_non_null(strstr(s.asked, "\r\nContent-Type: application/json\r\n"));
	forget(&w);
}

static void closed_days_are_shown_with_hqs_word_on_each(void **state)
{
	static const char some[] = UNTIL_CLOSE
	    "{\"blocked\":null,\"open_since\":\"2026-11-22\",\"statements\":[{\"business_date\":"
	    "\"2026-11-21\",\"countersigned\":null,\"epoch\":\"0102030405060708\",\"events\":5120,"
	    "\"first_date\":\"2026-11-19\",\"missing\":0,\"state\":\"waiting\",\"to\":7,"
	    "\"version\":0},{\"business_date\":\"2026-11-18\",\"countersigned\":\"2026-11-19T03:00:"
	    "09.120Z\",\"epoch\":\"0102030405060708\",\"events\":12,\"first_date\":\"2026-11-18\","
	    "\"missing\":0,\"state\":\"countersigned\",\"to\":3,\"version\":2}]}";
	static const char blocked[] =
	    UNTIL_CLOSE "{\"blocked\":\"no_key\",\"open_since\":null,\"statements\":[]}";
	static const char lost[] = UNTIL_CLOSE
	    "{\"blocked\":null,\"open_since\":\"2026-11-22\",\"statements\":[{\"business_date\":"
	    "\"2026-11-21\",\"countersigned\":\"x\",\"epoch\":\"0102030405060708\",\"events\":1,"
	    "\"first_date\":\"2026-11-21\",\"missing\":0,\"state\":\"lost\",\"to\":7,\"version\":2}"
	    "]}";
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_statements, false, NULL, some), CLI_OK);
	assert_string_equal(w.out, "2026-11-19 to 2026-11-21  5,120 events  waits for HQ\n"
	                           "2026-11-18  12 events  countersigned, version 2, "
	                           "2026-11-19T03:00:09.120Z\n"
	                           "Open since 2026-11-22.\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_statements, false, NULL, blocked), CLI_PROBLEM);
	assert_non_null(strstr(w.out, "`laneway-hq ca sign` makes it"));
	forget(&w);
	assert_int_equal(ask(&w, cli_statements, false, NULL, lost), CLI_PROBLEM);
	forget(&w);
	assert_int_equal(ask(&w, cli_statements, false, NULL, UNTIL_CLOSE "{\"x"), CLI_PROBLEM);
	forget(&w);
}

/* `laneway --json --why profile`: cli_profile, asked with both. */
static int json_why(struct cli *c, char **args)
{
	c->why = true;
	return cli_profile(c, args);
}

static int ask_why(struct said *w, char *id, const char *answer)
{
	return ask(w, json_why, true, id, answer);
}

static void a_profile_is_shown_and_a_missing_one_said_in_the_daemons_words(void **state)
{
	static const char found[] =
	    UNTIL_CLOSE "{\"customer_id\":\"C1\",\"first_name\":\"An\\u001bna\"}";
	static const char missing[] =
	    "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
	    "{\"error\":{\"code\":\"unknown_profile\",\"message\":\"no profile\"}}";
	char id[] = "C1/..", longer[] = "0123456789012345678901234567890123456789";
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_profile, false, id, found), CLI_OK);
	assert_string_equal(w.out, "customer_id  C1\nfirst_name   An?na\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_profile, false, id, missing), CLI_PROBLEM);
	assert_string_equal(w.err, "laneway: no profile\n");
	forget(&w);
	assert_int_equal(ask(&w, cli_profile, false, id, UNTIL_CLOSE "{\"customer"), CLI_PROBLEM);
	assert_string_equal(w.err, "laneway: the daemon's answer is not JSON\n");
	forget(&w);
	assert_int_equal(ask_why(&w, id, UNTIL_CLOSE "tier: gold\npoints: 7\n"), CLI_OK);
	assert_string_equal(w.out, "{\"why\":[\"tier: gold\",\"points: 7\"]}\n");
	forget(&w);
	listen_to(&w, "/nonexistent");
	assert_int_equal(cli_profile(&w.cli, (char *[]){longer, NULL}), CLI_USAGE);
	heard(&w);
	forget(&w);
}

/* `echo '0172 8394057' | laneway find LANE`. */
static int find_piped(struct cli *c, char **args)
{
	static char value[] = "0172 8394057\n";
	FILE *before = c->in;
	c->in = fmemopen(value, sizeof value - 1, "r");
	int rc = cli_find(c, args);
	fclose(c->in);
	c->in = before;
	return rc;
}

static void of_two_lines_none_is_dropped_in_silence(void **state)
{
	static char two[] = "0172 8394057\n0172 8394058\n";
	char lane[] = "1";
	struct said w;

	(void)state;
	listen_to(&w, "/nonexistent");
	w.cli.in = fmemopen(two, sizeof two - 1, "r");
	assert_int_equal(cli_find(&w.cli, (char *[]){lane, NULL}), CLI_USAGE);
	fclose(w.cli.in);
	heard(&w);
	assert_non_null(strstr(w.err, "one line"));
	forget(&w);
}

static void who_was_found_is_said_in_a_line_and_that_a_reason_is_missing(void **state)
{
	static const char found[] =
	    UNTIL_CLOSE "{\"first_name\":\"A\\u001b\\u2026\",\"masked\":true,\"points\":1200,"
	                "\"seconds\":10,\"state\":\"known\",\"tier\":\"gold\",\"words\":null}";
	static const char unknown[] = UNTIL_CLOSE
	    "{\"seconds\":10,\"state\":\"unknown\",\"words\":\"this phone is not known here\"}";
	static const char why[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
	                          "{\"error\":{\"code\":\"reason_needed\",\"field\":\"reason\","
	                          "\"message\":\"no sale is open\"}}";
	char lane[] = "1", other[] = "1/../2";
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, find_piped, false, lane, found), CLI_OK);
	assert_string_equal(w.out, "A?\u2026, gold, 1200 points\n"
	                           "The name is masked until a sale is open.\n");
	forget(&w);
	assert_int_equal(ask(&w, find_piped, false, lane, unknown), CLI_OK);
	assert_string_equal(w.out, "this phone is not known here\n");
	forget(&w);
	assert_int_equal(ask(&w, find_piped, false, lane, why), CLI_PROBLEM);
	assert_string_equal(w.err, "laneway: no sale is open\n");
	forget(&w);
	listen_to(&w, "/nonexistent");
	assert_int_equal(find_piped(&w.cli, (char *[]){other, NULL}), CLI_USAGE);
	heard(&w);
	forget(&w);
}

static void of_a_lane_where_nobody_is_no_details_are_asked(void **state)
{
	static const char nobody[] =
	    UNTIL_CLOSE "{\"lane\":\"1\",\"person\":{\"state\":\"none\",\"details\":null}}";
	char lane[] = "1";
	struct said w;

	(void)state;
	assert_int_equal(ask(&w, cli_details, false, lane, nobody), CLI_PROBLEM);
	assert_non_null(strstr(w.err, "no customer in an open sale"));
	forget(&w);
	assert_int_equal(ask(&w, cli_details, false, lane, UNTIL_CLOSE "{\"x"), CLI_PROBLEM);
	assert_string_equal(w.err, "laneway: the daemon's answer is not JSON\n");
	forget(&w);
}

static void numbers_are_written_for_people(void **state)
{
	char out[32];

	(void)state;
	cli_count(0, out);
	assert_string_equal(out, "0");
	cli_count(999, out);
	assert_string_equal(out, "999");
	cli_count(1234567, out);
	assert_string_equal(out, "1,234,567");
	cli_count(UINT64_MAX, out);
	assert_string_equal(out, "18,446,744,073,709,551,615");
	cli_duration(59, out);
	assert_string_equal(out, "59 s");
	cli_duration(60, out);
	assert_string_equal(out, "1 min");
	cli_duration(90000, out);
	assert_string_equal(out, "1 d 1 h");
	cli_bytes(10239, out);
	assert_string_equal(out, "10239 bytes");
	cli_bytes(10240, out);
	assert_string_equal(out, "10 KiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_event_is_one_line_that_names_nobody),
	    cmocka_unit_test(
	        a_json_tail_is_the_bytes_that_were_kept_and_status_3_when_the_daemon_goes),
	    cmocka_unit_test(a_tail_that_breaks_off_within_a_chunk_is_still_the_daemon_gone),
	    cmocka_unit_test(a_tail_that_is_interrupted_ends_well),
	    cmocka_unit_test(a_tail_that_nobody_reads_any_more_ends_well),
	    cmocka_unit_test(a_whole_journal_is_status_0_and_a_fault_status_1),
	    cmocka_unit_test(the_check_is_asked_for_with_a_json_post),
	    cmocka_unit_test(closed_days_are_shown_with_hqs_word_on_each),
	    cmocka_unit_test(who_was_found_is_said_in_a_line_and_that_a_reason_is_missing),
	    cmocka_unit_test(of_a_lane_where_nobody_is_no_details_are_asked),
	    cmocka_unit_test(a_profile_is_shown_and_a_missing_one_said_in_the_daemons_words),
	    cmocka_unit_test(of_two_lines_none_is_dropped_in_silence),
	    cmocka_unit_test(numbers_are_written_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
