/* The whole of serve over real sockets. flow and the journal's reader are doubles: what the linker
 * finds here it does not take from the library. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/stat.h>

#include "flow.h"
#include "serve/serve.h"
#include "serve/ui.h"
#include "serve_client.h"
#include "store/journal.h"

#define JSON_POST "Content-Type: application/json\r\n"

/* ---- doubles ---- */

struct flow {
	flow_lane_fn *lane;
	flow_kept_fn *kept;
	void *ctx;
	const char *view; /* of lane 1; of lane 2 it is "{}" */
	char question[65], choice[65], wrong[33];
	int choices;
	struct sale_error refuse; /* with a code: taps are refused */
};

bool flow_lane_json(struct flow *f, const char *lane, struct buf *out)
{
	if (strcmp(lane, "1") != 0 && strcmp(lane, "2") != 0)
		return false;
	buf_str(out, strcmp(lane, "1") == 0 ? f->view : "{}");
	return true;
}

int flow_choose(struct flow *f, const char *lane, const char *question, const char *choice,
                struct sale_error *err)
{
	(void)lane;
	f->choices++;
	snprintf(f->question, sizeof(f->question), "%s", question);
	snprintf(f->choice, sizeof(f->choice), "%s", choice);
	*err = f->refuse;
	return err->code[0] ? -1 : 0;
}

int flow_wrong_customer(struct flow *f, const char *lane, struct sale_error *err)
{
	snprintf(f->wrong, sizeof(f->wrong), "%s", lane);
	*err = f->refuse;
	return err->code[0] ? -1 : 0;
}

void flow_status_json(struct flow *f, struct buf *out)
{
	(void)f;
	buf_str(out, "{\"store\":\"s1\",\"uptime_s\":12,\"journal\":{\"events\":41,\"bytes\":9,"
	             "\"cannot_keep\":true},\"sync\":{\"connected\":false,\"unsent\":7},"
	             "\"sources\":[{\"name\":\"sc\\\"an\",\"lane\":\"1\",\"up\":true}],"
	             "\"tills\":[{\"till\":\"T1\",\"lane\":\"1\",\"up\":false}]}");
}

int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out)
{
	(void)f;
	if (strcmp(customer_id, "broken") == 0)
		return -1;
	if (strcmp(customer_id, "C000017") != 0)
		return 0;
	buf_str(out, "{\"customer_id\":\"C000017\"}");
	return 1;
}

void flow_watch(struct flow *f, flow_lane_fn *lane, flow_kept_fn *kept, void *ctx)
{
	f->lane = lane;
	f->kept = kept;
	f->ctx = ctx;
}

struct journal_reader {
	char path[200];
};

/* The double of the reader's work waits here until the test lets it go on. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

int journal_reader_open(struct journal_reader **out, const char *path, const char *store,
                        const struct vault *vault, char *err, size_t err_size)
{
	(void)vault;
	assert_string_equal(store, "s1");
	if (strcmp(path, "broken") == 0) {
		snprintf(err, err_size, "pack 7 is \"torn\"");
		return -1;
	}
	*out = calloc(1, sizeof(**out));
	return 0;
}

void journal_reader_free(struct journal_reader *r)
{
	free(r);
}

int journal_reader_verify(struct journal_reader *r, struct journal_verify *out,
                          void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                          char *err, size_t err_size)
{
	(void)r;
	(void)err;
	(void)err_size;
	progress(ctx, 1, 3);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	*out = (struct journal_verify){.epochs = 2, .packs = 3, .events = 40};
	return 0;
}

/* ---- the world ---- */

struct world {
	struct event_base *base;
	struct counters counters;
	struct flow flow;
	struct serve *serve;
	char dir[64], socket[96];
	struct serve_params params;
};

static const char *const lanes[] = {"1", "2", NULL};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char err[300];

	signal(SIGPIPE, SIG_IGN);
	strcpy(w->dir, "/tmp/serve_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->socket, sizeof(w->socket), "%s/api.sock", w->dir);
	w->base = event_base_new();
	w->flow.view = "{\"lane\":\"1\",\"rev\":1}";
	w->params = (struct serve_params){.base = w->base,
	                                  .flow = &w->flow,
	                                  .counters = &w->counters,
	                                  .listen = "127.0.0.1",
	                                  .socket = w->socket,
	                                  .lanes = lanes,
	                                  .journal_path = "journal.db",
	                                  .store = "s1"};
	w->serve = serve_new(&w->params, err, sizeof(err));
	assert_non_null(w->serve);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	serve_free(w->serve);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	unlink(w->socket);
	rmdir(w->dir);
	free(w);
	return 0;
}

static struct client loopback(struct world *w)
{
	return client_loopback(serve_port(w->serve));
}

/* One question and its answer on the loopback door. The answer is kept until the next call. */
static int ask(struct world *w, struct client *c, const char *method, const char *path,
               const char *headers, const char *body)
{
	if (c->in)
		client_close(c);
	*c = loopback(w);
	return client_ask(w->base, c, method, path, headers, body);
}

static const char *body_of(const struct client *c)
{
	const char *p = strstr(c->in, "\r\n\r\n");

	return p ? p + 4 : "";
}

static bool has_code(const struct client *c, const char *code)
{
	json_t *o = json_loads(body_of(c), JSON_DISABLE_EOF_CHECK, NULL);
	json_t *error = json_object_get(o, "error");
	const char *is = json_string_value(json_object_get(error, "code"));
	bool same =
	    is && strcmp(is, code) == 0 && json_is_string(json_object_get(error, "message"));

	json_decref(o);
	return same;
}

/* ---- pages ---- */

static void the_page_and_its_parts_come_out_of_the_program_itself(void **state)
{
	struct world *w = *state;
	struct client c = {0};
	struct ui_file f;

	assert_int_equal(ask(w, &c, "GET", "/lane/1", "", ""), 200);
	assert_non_null(strstr(c.in, "Content-Type: text/html; charset=utf-8\r\n"));
	assert_non_null(strstr(c.in, "Content-Security-Policy: default-src 'self'"));
	assert_true(ui_find("lane.html", &f));
	assert_int_equal(strlen(body_of(&c)), f.len);
	assert_memory_equal(body_of(&c), f.data, f.len);
	assert_int_equal(ask(w, &c, "GET", "/ui/lane.js", "", ""), 200);
	assert_non_null(strstr(c.in, "text/javascript"));
	assert_int_equal(ask(w, &c, "GET", "/ui/lane.css", "", ""), 200);
	assert_int_equal(ask(w, &c, "GET", "/ui/passwd", "", ""), 404);
	assert_int_equal(ask(w, &c, "GET", "/ui/..%2f..%2fetc%2fpasswd", "", ""), 404);
	assert_int_equal(ask(w, &c, "GET", "/lane/9", "", ""), 404);
	assert_true(has_code(&c, "unknown_lane"));
	client_close(&c);
}

static void a_page_that_the_browser_still_holds_is_not_sent_again(void **state)
{
	struct world *w = *state;
	struct client c = {0};
	struct ui_file f;
	char header[80];

	assert_true(ui_find("lane.css", &f));
	snprintf(header, sizeof(header), "If-None-Match: %s\r\n", f.tag);
	assert_int_equal(ask(w, &c, "GET", "/ui/lane.css", header, ""), 304);
	assert_string_equal(body_of(&c), "");
	assert_int_equal(ask(w, &c, "GET", "/ui/lane.css", "If-None-Match: \"other\"\r\n", ""),
	                 200);
	client_close(&c);
}

/* ---- who may ask ---- */

static void a_name_that_was_bent_to_this_machine_is_refused(void **state)
{
	static const struct {
		const char *host;
		int status;
	} cases[] = {{"evil.example", 403},
	             {"localhost.evil.example", 403},
	             {"127.0.0.1.evil.example", 403},
	             {"localhost:80x", 403},
	             {"", 403},
	             {"localhost:8080", 200},
	             {"127.0.0.1:8080", 200},
	             {"[::1]:8080", 200},
	             {"LOCALHOST", 200}};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client c = loopback(w);
		char text[200];
		snprintf(text, sizeof(text),
		         "GET /api/v1/lanes HTTP/1.1\r\nConnection: close\r\nHost: %s\r\n\r\n",
		         cases[i].host);
		client_send(&c, text);
		assert_true(client_wait_eof(w->base, &c));
		assert_int_equal(atoi(c.in + 9), cases[i].status);
		client_close(&c);
	}
}

static void a_page_of_another_site_cannot_press_a_key(void **state)
{
	static const char body[] = "{\"question\":\"q\",\"choice\":\"this\"}";
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose",
	                     JSON_POST "Origin: http://evil.example\r\n", body),
	                 403);
	assert_int_equal(
	    ask(w, &c, "POST", "/api/v1/lanes/1/choose", JSON_POST "Origin: null\r\n", body), 403);
	assert_int_equal(
	    ask(w, &c, "POST", "/api/v1/lanes/1/choose", "Content-Type: text/plain\r\n", body),
	    415);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose", "", body), 415);
	assert_int_equal(w->flow.choices, 0);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose",
	                     JSON_POST "Origin: http://localhost\r\n", body),
	                 200);
	assert_int_equal(w->flow.choices, 1);
	client_close(&c);
}

static void what_is_not_there_or_not_done_so_is_said_in_json_and_counted(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "GET", "/", "", ""), 404);
	assert_true(has_code(&c, "not_found"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/1/choose", "", ""), 405);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/status", JSON_POST, "{}"), 405);
	assert_int_equal(ask(w, &c, "DELETE", "/api/v1/status", "", ""), 405);
	assert_true(has_code(&c, "method"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/9", "", ""), 404);
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/1/", "", ""), 404);
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/%00", "", ""), 404);
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS), 7);
	client_close(&c);
}

static void what_names_people_is_on_the_local_socket_only(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "GET", "/api/v1/profiles/C000017", "", ""), 404);
	assert_true(has_code(&c, "not_found"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/tail", "", ""), 404);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/journal/verify", JSON_POST, "{}"), 404);
	client_close(&c);

	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C000017", "", ""), 200);
	assert_string_equal(body_of(&c), "{\"customer_id\":\"C000017\"}");
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C1", "", ""), 404);
	assert_true(has_code(&c, "unknown_profile"));
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/broken", "", ""), 503);
	client_close(&c);
}

/* ---- lanes ---- */

static void lanes_and_their_views_are_told(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes", "", ""), 200);
	assert_string_equal(body_of(&c), "{\"lanes\":[\"1\",\"2\"]}");
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/1", "", ""), 200);
	assert_string_equal(body_of(&c), w->flow.view);
	client_close(&c);
}

static void a_choice_reaches_flow_and_its_refusal_the_cashier(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose", JSON_POST,
	                     "{\"question\":\"q7\",\"choice\":\"next\"}"),
	                 200);
	assert_string_equal(w->flow.question, "q7");
	assert_string_equal(w->flow.choice, "next");
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/2/wrong-customer", JSON_POST, "{}"),
	                 200);
	assert_string_equal(w->flow.wrong, "2");

	strcpy(w->flow.refuse.code, "no_question");
	strcpy(w->flow.refuse.message, "the question is gone");
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose", JSON_POST,
	                     "{\"question\":\"q7\",\"choice\":\"next\"}"),
	                 409);
	assert_true(has_code(&c, "no_question"));
	client_close(&c);
}

static void a_body_that_is_no_choice_does_not_reach_flow(void **state)
{
	static const char *const bodies[] = {
	    "",
	    "{",
	    "[]",
	    "{}",
	    "{\"question\":1,\"choice\":\"this\"}",
	    "{\"question\":\"\",\"choice\":\"this\"}",
	    "{\"question\":\"q\",\"question\":\"r\",\"choice\":\"this\"}",
	    "{\"question\":\"q\",\"choice\":\"a\\u0000b\"}",
	    "{\"question\":"
	    "\"0123456789012345678901234567890123456789012345678901234567890123456789\","
	    "\"choice\":\"this\"}",
	};
	struct world *w = *state;
	struct client c = {0};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/choose", JSON_POST, bodies[i]),
		                 400);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/9/choose", JSON_POST, "{}"), 404);
	assert_int_equal(w->flow.choices, 0);
	client_close(&c);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_page_and_its_parts_come_out_of_the_program_itself),
	    TEST(a_page_that_the_browser_still_holds_is_not_sent_again),
	    TEST(a_name_that_was_bent_to_this_machine_is_refused),
	    TEST(a_page_of_another_site_cannot_press_a_key),
	    TEST(what_is_not_there_or_not_done_so_is_said_in_json_and_counted),
	    TEST(what_names_people_is_on_the_local_socket_only),
	    TEST(lanes_and_their_views_are_told),
	    TEST(a_choice_reaches_flow_and_its_refusal_the_cashier),
	    TEST(a_body_that_is_no_choice_does_not_reach_flow),
	    TEST(a_stream_begins_with_the_lane_as_it_is_and_gets_its_changes_only),
	    TEST(a_change_is_on_the_stream_in_the_same_loop_pass),
	    TEST(a_screen_that_does_not_read_is_dropped_and_counted_and_the_other_goes_on),
	    TEST(the_tail_gets_kept_lines_as_they_are),
	    TEST(metrics_hold_counters_and_the_state_of_the_box),
	    TEST(the_journal_is_verified_once_at_a_time_while_the_loop_goes_on),
	    TEST(a_client_that_leaves_during_the_check_leaves_it_running),
	    TEST(a_fault_in_the_journal_is_told_in_words),
	    TEST(only_a_loopback_address_is_listened_on),
	    TEST(a_stale_socket_is_replaced_and_a_live_one_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
