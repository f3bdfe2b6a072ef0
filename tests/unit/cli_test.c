/* The admin CLI's commands against a server that says what the test wrote down for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "laneway/cli.h"

#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

struct server {
	char dir[FOLDER_SIZE], path[96];
	int listener;
	pthread_t thread;
	const char *answer;
	char asked[2000];
	bool stays; /* does not hang up by itself: until the client does */
	/* called when the answer has been sent */
	void (*then)(void *ctx);
	void *ctx;
};

static void *serve_one(void *arg)
{
	struct server *s = arg;
	size_t len = 0;
	ssize_t n;
	char rest;
	int fd = accept(s->listener, NULL, NULL);

	while (!strstr(s->asked, "\r\n\r\n") &&
	       (n = recv(fd, s->asked + len, sizeof(s->asked) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		s->asked[len] = '\0';
	}
	/* in small pieces: a line may come in two */
	for (const char *p = s->answer; *p; p += n) {
		n = send(fd, p, strlen(p) < 7 ? strlen(p) : 7, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	if (s->then)
		s->then(s->ctx);
	while (s->stays && recv(fd, &rest, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

static void start(struct server *s, const char *answer)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	s->answer = answer;
	folder_make(s->dir, "cli");
	snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	strcpy(un.sun_path, s->path);
	s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	pthread_create(&s->thread, NULL, serve_one, s);
}

static void stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	folder_drop(s->dir);
}

struct said {
	struct cli cli;
	char *out, *err;
	size_t out_len, err_len;
};

static void listen_to(struct said *w, const char *socket)
{
	memset(w, 0, sizeof(*w));
	w->cli.socket = socket;
	w->cli.out = tmpfile();
	w->cli.err = open_memstream(&w->err, &w->err_len);
}

static void heard(struct said *w)
{
	w->out_len = (size_t)ftell(w->cli.out);
	w->out = calloc(1, w->out_len + 1);
	rewind(w->cli.out);
	w->out_len = fread(w->out, 1, w->out_len, w->cli.out);
	fclose(w->cli.out);
	fclose(w->cli.err);
}

static void forget(struct said *w)
{
	free(w->out);
	free(w->err);
}

/* Run a command against an answer. */
static int ask(struct said *w, int (*run)(struct cli *, char **), bool json, char *arg,
               const char *answer)
{
	struct server s = {0};
	char *args[] = {arg, NULL};
	int rc;

	start(&s, answer);
	listen_to(w, s.path);
	w->cli.json = json;
	rc = run(&w->cli, args);
	heard(w);
	stop(&s);
	return rc;
}

#define UNTIL_CLOSE "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

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
    "\"tills\":[{\"till\":\"T3\",\"lane\":\"3\",\"up\":false}],"
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
	listen_to(&w, "/nonexistent");
	assert_int_equal(cli_profile(&w.cli, (char *[]){longer, NULL}), CLI_USAGE);
	heard(&w);
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
	    cmocka_unit_test(a_healthy_box_is_a_table_and_status_0),
	    cmocka_unit_test(a_box_that_starts_says_what_waits),
	    cmocka_unit_test(what_is_wrong_comes_first_and_makes_the_status_1),
	    cmocka_unit_test(what_holds_days_and_packs_is_said_in_plain_words),
	    cmocka_unit_test(days_that_are_in_order_are_one_line),
	    cmocka_unit_test(a_box_without_hq_has_no_problem_with_hq),
	    cmocka_unit_test(a_store_whose_events_are_all_confirmed_says_so),
	    cmocka_unit_test(json_is_the_daemons_own_and_the_status_says_the_same),
	    cmocka_unit_test(a_daemon_that_is_not_there_is_status_3_and_named),
	    cmocka_unit_test(each_event_is_one_line_that_names_nobody),
	    cmocka_unit_test(
	        a_json_tail_is_the_bytes_that_were_kept_and_status_3_when_the_daemon_goes),
	    cmocka_unit_test(a_tail_that_breaks_off_within_a_chunk_is_still_the_daemon_gone),
	    cmocka_unit_test(a_tail_that_is_interrupted_ends_well),
	    cmocka_unit_test(a_tail_that_nobody_reads_any_more_ends_well),
	    cmocka_unit_test(a_whole_journal_is_status_0_and_a_fault_status_1),
	    cmocka_unit_test(the_check_is_asked_for_with_a_json_post),
	    cmocka_unit_test(closed_days_are_shown_with_hqs_word_on_each),
	    cmocka_unit_test(a_profile_is_shown_and_a_missing_one_said_in_the_daemons_words),
	    cmocka_unit_test(numbers_are_written_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
