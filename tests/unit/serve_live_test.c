/* The API over real sockets: what goes on, the box, the doors. */
#include "serve_world.h"

static void a_stream_begins_with_the_lane_as_it_is_and_gets_its_changes_only(void **state)
{
	struct world *w = *state;
	struct client c = loopback(w);

	client_send(&c, "GET /api/v1/lanes/1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(client_wait(w->base, &c, "event: lane\ndata: {\"lane\":\"1\",\"rev\":1}\n\n"));
	assert_non_null(strstr(c.in, "text/event-stream"));
	client_forget(&c);
	w->flow.lane(w->flow.ctx, "2", "{\"rev\":5}", 9);
	w->flow.lane(w->flow.ctx, "1", "{\"rev\":2}", 9);
	assert_true(client_wait(w->base, &c, "event: lane\ndata: {\"rev\":2}\n\n"));
	assert_null(strstr(c.in, "{\"rev\":5}"));
	client_close(&c);
}

static void a_change_is_on_the_stream_in_the_same_loop_pass(void **state)
{
	struct world *w = *state;
	struct client c = loopback(w);

	client_send(&c, "GET /api/v1/lanes/1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(client_wait(w->base, &c, "\"rev\":1"));
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	client_forget(&c);
	w->flow.lane(w->flow.ctx, "1", "{\"rev\":2}", 9);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	client_read(&c);
	assert_non_null(strstr(c.in, "{\"rev\":2}"));
	client_close(&c);
}

static void a_screen_that_does_not_read_is_dropped_and_counted_and_the_other_goes_on(void **state)
{
	struct world *w = *state;
	struct client sleeper = loopback(w), reader = loopback(w);
	static char view[60000];
	int sent = 0;

	memset(view, 'x', sizeof(view));
	client_send(&sleeper, "GET /api/v1/lanes/1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_send(&reader, "GET /api/v1/lanes/1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(client_wait(w->base, &reader, "\"rev\":1"));
	assert_true(client_wait(w->base, &sleeper, "\"rev\":1"));
	while (counter_get(&w->counters, COUNTER_HTTP_SLOW_DROPPED) == 0 && sent++ < 1000) {
		w->flow.lane(w->flow.ctx, "1", view, sizeof(view));
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		client_read(&reader);
		client_forget(&reader);
	}
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_SLOW_DROPPED), 1);
	w->flow.lane(w->flow.ctx, "1", "{\"rev\":9}", 9);
	assert_true(client_wait(w->base, &reader, "{\"rev\":9}"));
	assert_true(client_wait_eof(w->base, &sleeper));
	client_close(&sleeper);
	client_close(&reader);
}

/* ---- the box ---- */

static void the_tail_gets_kept_lines_as_they_are(void **state)
{
	static const char lines[] = "{\"a\":1}\n{\"b\":2}\n";
	struct world *w = *state;
	struct client c = client_local(w->socket);

	client_send(&c, "GET /api/v1/tail HTTP/1.0\r\nHost: localhost\r\n\r\n");
	assert_true(client_wait(w->base, &c, "200 OK"));
	w->flow.kept(w->flow.ctx, lines, strlen(lines));
	assert_true(client_wait(w->base, &c, lines));
	client_close(&c);
}

static void metrics_hold_counters_and_the_state_of_the_box(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	counter_add(&w->counters, COUNTER_SCANS, 12);
	assert_int_equal(ask(w, &c, "GET", "/metrics", "", ""), 200);
	assert_non_null(
	    strstr(c.in, "# TYPE laneway_scans_total counter\nlaneway_scans_total 12\n"));
	assert_non_null(
	    strstr(c.in, "# TYPE laneway_journal_events gauge\nlaneway_journal_events 41\n"));
	assert_non_null(strstr(c.in, "\nlaneway_journal_cannot_keep 1\n"));
	assert_non_null(strstr(c.in, "\nlaneway_sync_connected 0\n"));
	assert_non_null(strstr(c.in, "\nlaneway_pending_changes 3\n"));
	assert_non_null(strstr(c.in, "\nlaneway_pending_oldest_seconds 2592000\n"));
	assert_non_null(strstr(c.in, "\nlaneway_pending_alarm 1\n"));
	assert_non_null(strstr(c.in, "\nlaneway_source_up{source=\"sc\\\"an\",lane=\"1\"} 1\n"));
	assert_non_null(strstr(c.in, "\nlaneway_till_up{till=\"T1\",lane=\"1\"} 0\n"));
	assert_null(strstr(c.in, "laneway_shard_profiles"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/status", "", ""), 200);
	client_close(&c);
}

static void the_journal_is_verified_once_at_a_time_while_the_loop_goes_on(void **state)
{
	struct world *w = *state;
	struct client first = client_local(w->socket), second = client_local(w->socket), c = {0};

	pthread_mutex_lock(&gate);
	client_send(&first, "POST /api/v1/journal/verify HTTP/1.1\r\nHost: localhost\r\n" JSON_POST
	                    "Content-Length: 2\r\n\r\n{}");
	assert_true(client_wait(w->base, &first, "{\"done\":1,\"total\":3}\n"));
	assert_int_equal(
	    client_ask(w->base, &second, "POST", "/api/v1/journal/verify", JSON_POST, "{}"), 409);
	assert_true(has_code(&second, "running"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes", "", ""), 200);
	pthread_mutex_unlock(&gate);
	assert_true(
	    client_wait(w->base, &first, "{\"ok\":true,\"epochs\":2,\"packs\":3,\"events\":40}\n"));
	assert_true(client_wait_eof(w->base, &first));
	client_close(&first);
	client_close(&second);
	second = client_local(w->socket);
	assert_int_equal(
	    client_ask(w->base, &second, "POST", "/api/v1/journal/verify", JSON_POST, "{}"), 200);
	client_close(&second);
	client_close(&c);
}

static void a_client_that_leaves_during_the_check_leaves_it_running(void **state)
{
	struct world *w = *state;
	struct client c = client_local(w->socket);

	pthread_mutex_lock(&gate);
	client_send(&c, "POST /api/v1/journal/verify HTTP/1.1\r\nHost: localhost\r\n" JSON_POST
	                "Content-Length: 2\r\n\r\n{}");
	assert_true(client_wait(w->base, &c, "\"done\""));
	client_close(&c);
	for (int i = 0; i < 5; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	pthread_mutex_unlock(&gate);
}

static void a_fault_in_the_journal_is_told_in_words(void **state)
{
	struct world *w = *state;
	struct client c;
	char err[300];

	serve_free(w->serve);
	w->params.journal_path = "broken";
	w->serve = serve_new(&w->params, err, sizeof(err));
	assert_non_null(w->serve);
	c = client_local(w->socket);
	client_send(&c, "POST /api/v1/journal/verify HTTP/1.1\r\nHost: localhost\r\n" JSON_POST
	                "Content-Length: 2\r\n\r\n{}");
	assert_true(
	    client_wait(w->base, &c, "{\"ok\":false,\"error\":\"pack 7 is \\\"torn\\\"\"}\n"));
	client_close(&c);
}

static void a_box_that_stops_does_not_wait_for_the_end_of_the_check(void **state)
{
	struct world *w = *state;
	struct client c;
	char err[300];

	serve_free(w->serve);
	w->params.journal_path = "endless";
	w->serve = serve_new(&w->params, err, sizeof(err));
	assert_non_null(w->serve);
	c = client_local(w->socket);
	client_send(&c, "POST /api/v1/journal/verify HTTP/1.1\r\nHost: localhost\r\n" JSON_POST
	                "Content-Length: 2\r\n\r\n{}");
	assert_true(client_wait(w->base, &c, "\"done\""));
	client_close(&c);
	/* tear_down hangs if it waits */
}

/* ---- doors ---- */

static void only_a_loopback_address_is_listened_on(void **state)
{
	static const char *const bad[] = {
	    "0.0.0.0", "192.168.1.5", "::", "::ffff:127.0.0.1", "example.org", ""};
	struct world *w = *state;
	struct serve_params p = w->params;
	char err[300], other[120];

	snprintf(other, sizeof(other), "%s/other.sock", w->dir);
	p.socket = other;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p.listen = bad[i];
		assert_null(serve_new(&p, err, sizeof(err)));
		assert_non_null(strstr(err, "loopback"));
		assert_non_null(strstr(err, bad[i]));
	}
	p.listen = "127.0.0.1";
	p.port = serve_port(w->serve);
	assert_null(serve_new(&p, err, sizeof(err)));
	assert_non_null(strstr(err, "Address already in use"));
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	struct world *w = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct serve_params p = w->params;
	struct stat st;
	char err[300];
	int fd;

	assert_null(serve_new(&p, err, sizeof(err)));
	assert_non_null(strstr(err, "in use"));

	assert_int_equal(stat(w->socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	serve_free(w->serve);
	assert_int_equal(stat(w->socket, &st), -1);

	strcpy(un.sun_path, w->socket);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd); /* the path stays: stale */
	w->serve = serve_new(&p, err, sizeof(err));
	assert_non_null(w->serve);

	serve_free(w->serve);
	fd = open(w->socket, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_null(serve_new(&p, err, sizeof(err)));
	assert_non_null(strstr(err, "in the way"));
	unlink(w->socket);
	w->serve = serve_new(&p, err, sizeof(err));
	assert_non_null(w->serve);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_stream_begins_with_the_lane_as_it_is_and_gets_its_changes_only),
	    TEST(a_change_is_on_the_stream_in_the_same_loop_pass),
	    TEST(a_screen_that_does_not_read_is_dropped_and_counted_and_the_other_goes_on),
	    TEST(the_tail_gets_kept_lines_as_they_are),
	    TEST(metrics_hold_counters_and_the_state_of_the_box),
	    TEST(the_journal_is_verified_once_at_a_time_while_the_loop_goes_on),
	    TEST(a_client_that_leaves_during_the_check_leaves_it_running),
	    TEST(a_fault_in_the_journal_is_told_in_words),
	    TEST(a_box_that_stops_does_not_wait_for_the_end_of_the_check),
	    TEST(only_a_loopback_address_is_listened_on),
	    TEST(a_stale_socket_is_replaced_and_a_live_one_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
