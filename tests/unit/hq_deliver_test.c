#include "hq_world.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "hq/base/hq_outbox.h"
#include "hq/serve/hq_deliver.h"
#include "hq/serve/hq_stores.h"
#include "hq/serve/hq_webhook.h"

#define WAIT_S 10

/* A webhook's receiver in the test's own loop, beside HQ's end of it. */
struct posting {
	struct world *w;
	struct event_base *base;
	struct evhttp *http;
	struct hq_webhook *webhook;
	struct hq_deliver *deliver;
	struct event *answers;
	int status; /* what the receiver says; 0: it is not there */
	int posts, wanted;
	char body[512], key[128], first_key[128];
};

static void receive(struct evhttp_request *req, void *ctx)
{
	struct posting *p = ctx;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	const char *key =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Idempotency-Key");
	int n = evbuffer_copyout(in, p->body, sizeof p->body - 1) >= 0
	            ? (int)evbuffer_get_length(in)
	            : 0;

	p->body[n] = '\0';
	snprintf(p->key, sizeof p->key, "%s", key ? key : "");
	if (p->posts++ == 0)
		snprintf(p->first_key, sizeof p->first_key, "%s", p->key);
	assert_string_equal(
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type"),
	    "application/json");
	evhttp_send_reply(req, p->status, NULL, NULL);
}

static void answered(evutil_socket_t fd, short what, void *ctx)
{
	struct posting *p = ctx;

	(void)fd;
	(void)what;
	hq_deliver_answers(p->deliver);
	if (--p->wanted == 0)
		event_base_loopbreak(p->base);
}

static void start(struct posting *p, const char *url)
{
	p->webhook = hq_webhook_start(url);
	assert_non_null(p->webhook);
	p->deliver = hq_deliver_new(p->w->db, p->webhook, &p->w->clock);
	p->answers =
	    event_new(p->base, hq_webhook_fd(p->webhook), EV_READ | EV_PERSIST, answered, p);
	event_add(p->answers, NULL);
}

static void halt(struct posting *p)
{
	event_free(p->answers);
	hq_webhook_stop(p->webhook);
	hq_deliver_free(p->deliver);
}

static int set_up(void **state)
{
	struct posting *p = calloc(1, sizeof *p);
	struct evhttp_bound_socket *bound;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char url[64];

	p->w = world_new();
	p->base = event_base_new();
	p->http = evhttp_new(p->base);
	bound = evhttp_bind_socket_with_handle(p->http, "127.0.0.1", 0);
	assert_int_equal(
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&sa, &len), 0);
	evhttp_set_gencb(p->http, receive, p);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/hook",
	         ntohs(((struct sockaddr_in *)&sa)->sin_port));
	p->status = 200;
	start(p, url);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct posting *p = *state;

	halt(p);
	evhttp_free(p->http);
	event_base_free(p->base);
	world_free(p->w);
	free(p);
	return 0;
}

static void out_of_time(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	fail_msg("no answer within %d s", WAIT_S);
}

/* Until so many rounds of answers have been taken. */
static void run(struct posting *p, int answers)
{
	struct event *limit = evtimer_new(p->base, out_of_time, p);
	const struct timeval wait = {WAIT_S, 0};

	p->wanted = answers;
	evtimer_add(limit, &wait);
	event_base_dispatch(p->base);
	event_free(limit);
}

static void an_order_is_posted_until_it_is_answered(void **state)
{
	struct posting *p = *state;

	assert_int_equal(
	    hq_outbox_suppress(p->w->db, "C000017", "s1/T3/2026-11-21/0042", WORLD_WALL_US, 1), 1);
	p->status = 503;
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(p->posts, 1);
	assert_int_equal(world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NULL"),
	                 1);
	hq_deliver_pump(p->deliver); /* not due yet */
	p->w->mono_us += 1000001;
	p->status = 204;
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(p->posts, 2);
	assert_string_equal(p->key, p->first_key);
	assert_string_equal(p->body,
	                    "{\"type\":\"suppress\",\"customer_id\":\"C000017\",\"order_id\":"
	                    "\"s1/T3/2026-11-21/0042\",\"time\":\"2026-11-21T17:02:03.123Z\"}");
	assert_int_equal(world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NULL"),
	                 0);
	assert_string_equal(world_text(p->w, "SELECT body FROM outbox"), "");
}

static void a_job_is_known_by_its_key_even_after_it_was_told(void **state)
{
	struct posting *p = *state;

	assert_int_equal(
	    hq_outbox_suppress(p->w->db, "C000017", "s1/T3/2026-11-21/0042", WORLD_WALL_US, 1), 1);
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(
	    hq_outbox_suppress(p->w->db, "C000018", "s1/T3/2026-11-21/0042", WORLD_WALL_US, 1), 0);
	hq_deliver_pump(p->deliver);
	assert_int_equal(p->posts, 1);
}

static void what_was_not_answered_is_posted_after_a_restart_under_the_same_key(void **state)
{
	struct posting *p = *state;

	p->status = 500;
	hq_outbox_suppress(p->w->db, "C000017", "s1/T3/2026-11-21/0042", WORLD_WALL_US, 1);
	hq_deliver_pump(p->deliver);
	run(p, 1);
	hq_deliver_free(p->deliver);
	p->deliver = hq_deliver_new(p->w->db, p->webhook, &p->w->clock);
	p->status = 200;
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(p->posts, 2);
	assert_string_equal(p->key, p->first_key);
	assert_int_equal(world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NULL"),
	                 0);
}

static void a_receiver_that_is_not_there_is_asked_again(void **state)
{
	struct posting *p = *state;

	halt(p);
	start(p, "http://127.0.0.1:1/hook");
	hq_outbox_suppress(p->w->db, "C000017", "s1/T3/2026-11-21/0042", WORLD_WALL_US, 1);
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NULL"),
	                 1);
	p->w->mono_us += 1000001;
	hq_deliver_pump(p->deliver);
	run(p, 1);
	assert_int_equal(p->posts, 0);
}

static void a_silent_store_is_dark_once_and_back_when_it_is_heard(void **state)
{
	struct posting *p = *state;
	struct world *w = p->w;
	struct hq_stores_params params = {w->db, &w->clock, 300, true};
	struct hq_stores *s = hq_stores_new(&params);

	hq_stores_heard(s, "s1");
	assert_false(hq_stores_tick(s));
	w->mono_us += 299000000;
	w->wall_us += 299000000;
	assert_false(hq_stores_tick(s));
	w->mono_us += 2000000;
	assert_true(hq_stores_tick(s));
	assert_false(hq_stores_tick(s));
	assert_string_equal(
	    world_text(w, "SELECT body FROM outbox"),
	    "{\"type\":\"store_dark\",\"store\":\"s1\",\"since\":\"2026-11-21T17:02:03.123Z\"}");
	hq_stores_free(s);
	s = hq_stores_new(&params);
	w->mono_us += 400000000;
	assert_false(hq_stores_tick(s)); /* a restart does not tell it again */
	hq_stores_heard(s, "s1");
	assert_true(hq_stores_tick(s));
	assert_false(hq_stores_tick(s));
	assert_string_equal(
	    world_text(w, "SELECT body FROM outbox WHERE key LIKE 'back%'"),
	    "{\"type\":\"store_back\",\"store\":\"s1\",\"time\":\"2026-11-21T17:07:02.123Z\"}");
	hq_stores_free(s);
}

static void a_store_has_its_time_again_after_hq_was_away(void **state)
{
	struct posting *p = *state;
	struct world *w = p->w;
	struct hq_stores_params params = {w->db, &w->clock, 300, true};
	struct hq_stores *s = hq_stores_new(&params);

	hq_stores_heard(s, "s1");
	hq_stores_tick(s);
	hq_stores_free(s);
	w->mono_us += 900000000;
	s = hq_stores_new(&params);
	assert_false(hq_stores_tick(s));
	w->mono_us += 301000000;
	assert_true(hq_stores_tick(s));
	hq_stores_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* What another release, or a mistake, might put there. */
static void nothing_about_a_person_leaves_but_what_stops_a_message(void **state)
{
	static const char *const held[] = {
	    "{\"type\":\"order\",\"customer_id\":\"C000001\",\"total\":\"9.99\"}",
	    "{\"type\":\"suppress\",\"customer_id\":\"C000001\",\"order_id\":\"s1/"
	    "1\",\"time\":\"t\","
	    "\"first_name\":\"Anna\"}",
	    "{\"type\":\"store_dark\",\"store\":\"s1\",\"since\":\"t\",\"customer_id\":"
	    "\"C000001\"}",
	    "{\"type\":\"store_dark\",\"store\":{\"email\":\"a@b.de\"},\"since\":\"t\"}",
	    "{\"type\":\"order\",\"customer_id\":\"C000001\",\"context\":{\"consent\":{"
	    "\"categoryPreferences\":{\"loyalty\":true,\"marketing_email\":true}}}}",
	    "{\"type\":\"suppress\",\"type\":\"suppress\",\"customer_id\":\"C000001\"}",
	    "{}",
	    "[]",
	    "no JSON"};
	struct posting *p = *state;

	for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
		char key[16];
		snprintf(key, sizeof key, "held:%zu", i);
		assert_non_null(hq_outbox_gate(held[i]));
		hq_db_run(p->w->db, HQ_SQL_OUTBOX_ADD, "tti", key, held[i], (int64_t)1);
	}
	hq_outbox_suppress(p->w->db, "C000017", "s1/T1/2026-11-21/7", p->w->wall_us, p->w->wall_us);
	hq_outbox_dark(p->w->db, "s1", p->w->wall_us, p->w->wall_us);
	hq_outbox_back(p->w->db, "s1", p->w->wall_us, p->w->wall_us);
	p->status = 204;
	hq_deliver_pump(p->deliver);
	while (world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NOT NULL") < 3)
		run(p, 1);
	assert_int_equal(p->posts, 3);
	assert_int_equal(world_number(p->w, "SELECT count(*) FROM outbox WHERE done_us IS NULL"),
	                 sizeof held / sizeof held[0]);
	hq_deliver_pump(p->deliver);
	assert_int_equal(p->posts, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_order_is_posted_until_it_is_answered),
	    TEST(a_job_is_known_by_its_key_even_after_it_was_told),
	    TEST(what_was_not_answered_is_posted_after_a_restart_under_the_same_key),
	    TEST(a_receiver_that_is_not_there_is_asked_again),
	    TEST(a_silent_store_is_dark_once_and_back_when_it_is_heard),
	    TEST(a_store_has_its_time_again_after_hq_was_away),
	    TEST(nothing_about_a_person_leaves_but_what_stops_a_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
