/* Limits of the doors, with a server that knows one word. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "serve/http.h"
#include "serve/stream.h"
#include "serve_client.h"

#define GET_HELLO "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define GET_STREAM "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"

struct world {
	struct event_base *base;
	struct counters counters;
	struct http *http;
	struct stream *stream;
	int port, streams_closed, hellos;
};

static void hello(void *ctx, struct http_call *call)
{
	struct world *w = ctx;

	w->hellos++;
	http_reply(call, 200, "text/plain", "hello", 5);
}

static void closed(void *ctx, struct stream *s)
{
	struct world *w = ctx;

	assert_ptr_equal(s, w->stream);
	w->stream = NULL;
	w->streams_closed++;
}

static void open_stream(void *ctx, struct http_call *call)
{
	struct world *w = ctx;

	w->stream = stream_open(call->req, "text/plain", 100000, closed, w);
}

static const struct http_route routes[] = {
    {"/hello", false, false, hello},
    {"/hello", true, false, hello},
    {"/stream", false, false, open_stream},
    {NULL, false, false, NULL},
};

static struct guard_limits limits(void)
{
	return (struct guard_limits){.connections = 4,
	                             .per_address = 4,
	                             .loopback_exempt = true,
	                             .header_bytes = 1024,
	                             .body_bytes = 2048,
	                             .request_ms = 60000,
	                             .tick_ms = 10};
}

static struct world *open_world(struct guard_limits l)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_params p;
	char err[200];

	signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	p = (struct http_params){
	    .base = w->base, .counters = &w->counters, .routes = routes, .ctx = w, .limits = l};
	w->http = http_new(&p);
	assert_int_equal(http_open_loopback(w->http, "127.0.0.1", &w->port, err, sizeof(err)), 0);
	return w;
}

static void close_world(struct world *w)
{
	if (w->stream)
		stream_drop(w->stream);
	http_free(w->http);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	free(w);
}

static void a_connection_over_the_limit_is_closed_unread_and_the_others_are_served(void **state)
{
	struct world *w = open_world(limits());
	struct client c[4], late;

	(void)state;
	for (int i = 0; i < 4; i++) {
		c[i] = client_loopback(w->port);
		client_send(&c[i], GET_HELLO);
		assert_true(client_wait(w->base, &c[i], "hello"));
	}
	late = client_loopback(w->port);
	client_send(&late, GET_HELLO);
	assert_true(client_wait_eof(w->base, &late));
	assert_int_equal(late.len, 0);
	assert_int_equal(w->hellos, 4);
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_CONNECTIONS_REFUSED), 1);
	for (int i = 0; i < 4; i++) {
		client_forget(&c[i]);
		client_send(&c[i], GET_HELLO);
		assert_true(client_wait(w->base, &c[i], "hello"));
		client_close(&c[i]);
	}
	client_close(&late);
	close_world(w);
}

static void a_place_that_was_given_up_is_free_again(void **state)
{
	struct world *w = open_world(limits());

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct client c[4];
		for (int i = 0; i < 4; i++) {
			c[i] = client_loopback(w->port);
			/* every other one leaves without having said a word */
			if (i % 2 == 0)
				client_send(&c[i], GET_HELLO);
			if (i % 2 == 0)
				assert_true(client_wait(w->base, &c[i], "hello"));
		}
		for (int i = 0; i < 4; i++)
			client_close(&c[i]);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(w->hellos, 40);
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_CONNECTIONS_REFUSED), 0);
	close_world(w);
}

static void note_byte(evutil_socket_t fd, short what, void *arg)
{
	char byte;

	(void)what;
	*(int *)arg += read(fd, &byte, 1) == 1;
}

/* The next scanner, till or pipe gets the number of a descriptor that a connection gave back: the
 * loop must listen to what it is now. */
static void what_reuses_the_descriptor_of_a_closed_connection_is_heard(void **state)
{
	struct guard_limits l = limits();
	struct client c;
	int pipes[8][2], heard = 0;
	struct event *ev[8];
	struct world *w;

	(void)state;
	l.tick_ms = 60000;
	w = open_world(l);
	c = client_loopback(w->port);
	assert_int_equal(client_ask(w->base, &c, "GET", "/hello", "", ""), 200);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
		ev[i] = event_new(w->base, pipes[i][0], EV_READ | EV_PERSIST, note_byte, &heard);
		event_add(ev[i], NULL);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(heard, 8);
	for (int i = 0; i < 8; i++) {
		event_free(ev[i]);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	client_close(&c);
	close_world(w);
}

static void a_thousand_connections_at_once_leave_the_first_ones_served(void **state)
{
	struct world *w = open_world(limits());
	struct client first = client_loopback(w->port), flood[200];
	int refused = 0;

	(void)state;
	client_send(&first, GET_HELLO);
	assert_true(client_wait(w->base, &first, "hello"));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			flood[i] = client_loopback(w->port);
		for (int i = 0; i < 10; i++)
			event_base_loop(w->base, EVLOOP_NONBLOCK);
		for (int i = 0; i < 100; i++) {
			client_read(&flood[i]);
			refused += flood[i].eof;
			client_close(&flood[i]);
		}
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(refused, 5 * 97);
	client_forget(&first);
	client_send(&first, GET_HELLO);
	assert_true(client_wait(w->base, &first, "hello"));
	client_close(&first);
	close_world(w);
}

static void one_address_gets_its_share_only_unless_it_is_exempt(void **state)
{
	struct guard_limits l = limits();
	struct world *w;
	struct client c[3];

	(void)state;
	l.per_address = 2;
	l.loopback_exempt = false;
	w = open_world(l);
	for (int i = 0; i < 3; i++) {
		c[i] = client_loopback(w->port);
		client_send(&c[i], GET_HELLO);
	}
	assert_true(client_wait(w->base, &c[0], "hello"));
	assert_true(client_wait(w->base, &c[1], "hello"));
	assert_true(client_wait_eof(w->base, &c[2]));
	assert_int_equal(w->hellos, 2);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	close_world(w);

	l.loopback_exempt = true;
	w = open_world(l);
	for (int i = 0; i < 3; i++) {
		c[i] = client_loopback(w->port);
		client_send(&c[i], GET_HELLO);
		assert_true(client_wait(w->base, &c[i], "hello"));
	}
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	close_world(w);
}

static void a_request_that_drips_in_is_cut_off_even_though_bytes_keep_coming(void **state)
{
	struct guard_limits l = limits();
	struct world *w;
	struct client c;
	int64_t began, end;

	(void)state;
	l.request_ms = 100;
	w = open_world(l);
	c = client_loopback(w->port);
	client_send(&c, "GET /hello HTTP/1.1\r\nX: ");
	began = client_now_ms();
	end = began + 2000;
	while (!c.eof && client_now_ms() < end) {
		client_send(&c, "a");
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		client_read(&c);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_true(c.eof);
	assert_true(client_now_ms() - began < 1000);
	assert_int_equal(w->hellos, 0);
	client_close(&c);
	close_world(w);
}

static void a_stream_outlives_the_time_limit_of_requests(void **state)
{
	struct guard_limits l = limits();
	struct world *w;
	struct client c;
	int64_t end;

	(void)state;
	l.request_ms = 50;
	w = open_world(l);
	c = client_loopback(w->port);
	client_send(&c, GET_STREAM);
	assert_true(client_wait(w->base, &c, "200 OK"));
	end = client_now_ms() + 200;
	while (client_now_ms() < end)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_true(stream_send(w->stream, "still here", 10));
	assert_true(client_wait(w->base, &c, "still here"));
	stream_end(w->stream);
	assert_true(client_wait_eof(w->base, &c));
	assert_int_equal(w->streams_closed, 1);
	client_close(&c);
	close_world(w);
}

static void a_stream_whose_client_hangs_up_is_closed_at_once(void **state)
{
	struct world *w = open_world(limits());
	struct client c = client_loopback(w->port);
	int64_t end;

	(void)state;
	client_send(&c, GET_STREAM);
	assert_true(client_wait(w->base, &c, "200 OK"));
	client_close(&c);
	end = client_now_ms() + 2000;
	while (w->streams_closed == 0 && client_now_ms() < end)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(w->streams_closed, 1);
	close_world(w);
}

static void a_stream_client_that_talks_back_is_not_heard_and_does_no_harm(void **state)
{
	struct world *w = open_world(limits());
	struct client c = client_loopback(w->port);
	char noise[1025];

	(void)state;
	memset(noise, 'x', sizeof(noise) - 1);
	noise[sizeof(noise) - 1] = '\0';
	client_send(&c, GET_STREAM);
	assert_true(client_wait(w->base, &c, "200 OK"));
	for (int i = 0; i < 16; i++) {
		client_send(&c, noise);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_true(stream_send(w->stream, "go on", 5));
	assert_true(client_wait(w->base, &c, "go on"));
	client_close(&c);
	close_world(w);
}

static void a_client_that_does_not_read_is_dropped_when_too_much_is_pending(void **state)
{
	struct world *w = open_world(limits());
	struct client c = client_loopback(w->port);
	char part[8192];
	int sent = 0;

	(void)state;
	memset(part, 'x', sizeof(part));
	client_send(&c, GET_STREAM);
	assert_true(client_wait(w->base, &c, "200 OK"));
	while (w->stream && sent < 10000) {
		stream_send(w->stream, part, sizeof(part));
		sent++;
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(w->streams_closed, 1);
	assert_true(sent > 12); /* 100,000 bytes may be pending */
	client_close(&c);
	close_world(w);
}

static void heads_and_bodies_that_are_too_long_are_refused(void **state)
{
	struct world *w = open_world(limits());
	struct client c = client_loopback(w->port);
	char text[4097];

	(void)state;
	memset(text, 'x', 4096);
	text[4096] = '\0';
	client_send(&c, "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ");
	client_send(&c, text);
	assert_true(client_wait_eof(w->base, &c));
	assert_null(strstr(c.in, "200"));
	client_close(&c);

	c = client_loopback(w->port);
	assert_int_equal(
	    client_ask(w->base, &c, "POST", "/hello", "Content-Type: application/json\r\n", text),
	    413);
	client_close(&c);
	assert_int_equal(w->hellos, 0);
	close_world(w);
}

static void without_descriptors_the_door_rests_and_serves_again_later(void **state)
{
	struct world *w = open_world(limits());
	struct rlimit before, tight;
	struct client c;
	int probe;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &before);
	c = client_loopback(w->port);
	probe = dup(0);
	close(probe);
	tight = (struct rlimit){(rlim_t)probe, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &tight);
	client_send(&c, GET_HELLO);
	for (int i = 0; i < 20; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(w->hellos, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(client_wait(w->base, &c, "hello"));
	client_close(&c);
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        a_connection_over_the_limit_is_closed_unread_and_the_others_are_served),
	    cmocka_unit_test(a_place_that_was_given_up_is_free_again),
	    cmocka_unit_test(what_reuses_the_descriptor_of_a_closed_connection_is_heard),
	    cmocka_unit_test(a_thousand_connections_at_once_leave_the_first_ones_served),
	    cmocka_unit_test(one_address_gets_its_share_only_unless_it_is_exempt),
	    cmocka_unit_test(a_request_that_drips_in_is_cut_off_even_though_bytes_keep_coming),
	    cmocka_unit_test(a_stream_outlives_the_time_limit_of_requests),
	    cmocka_unit_test(a_stream_whose_client_hangs_up_is_closed_at_once),
	    cmocka_unit_test(a_stream_client_that_talks_back_is_not_heard_and_does_no_harm),
	    cmocka_unit_test(a_client_that_does_not_read_is_dropped_when_too_much_is_pending),
	    cmocka_unit_test(heads_and_bodies_that_are_too_long_are_refused),
	    cmocka_unit_test(without_descriptors_the_door_rests_and_serves_again_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
