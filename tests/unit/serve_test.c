/* The API over real sockets: pages, who may ask, lanes. */
#include "serve_world.h"

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
	assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes/1%00x", "", ""), 404);
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS), 8);
	client_close(&c);
}

static void what_names_people_is_on_the_local_socket_only(void **state)
{
	struct world *w = *state;
	struct client c = {0};

	assert_int_equal(ask(w, &c, "GET", "/api/v1/profiles/C000017", "", ""), 404);
	assert_true(has_code(&c, "not_found"));
	assert_int_equal(ask(w, &c, "GET", "/api/v1/profiles/C000017/why", "", ""), 404);
	assert_int_equal(ask(w, &c, "GET", "/api/v1/tail", "", ""), 404);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/journal/verify", JSON_POST, "{}"), 404);
	client_close(&c);

	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C000017", "", ""), 200);
	assert_string_equal(body_of(&c), "{\"customer_id\":\"C000017\"}");
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C000017/why", "", ""),
	                 200);
	assert_string_equal(body_of(&c), "tier: gold; hq\n");
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C1", "", ""), 404);
	assert_true(has_code(&c, "unknown_profile"));
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "GET", "/api/v1/profiles/C1/why", "", ""), 404);
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

static void a_choice_is_answered_when_it_is_kept(void **state)
{
	struct world *w = *state;
	struct client c = {0}, other = {0};

	w->flow.held = true;
	c = loopback(w);
	client_begin(&c, "POST", "/api/v1/lanes/1/choose", JSON_POST,
	             "{\"question\":\"q7\",\"choice\":\"next\"}");
	assert_int_equal(ask(w, &other, "GET", "/api/v1/lanes", "", ""), 200);
	assert_int_equal(w->flow.choices, 1);
	client_read(&c);
	assert_int_equal(c.len, 0);
	strcpy(w->flow.refuse.code, "disk_full");
	w->flow.tap.done(w->flow.tap.ctx, &w->flow.refuse);
	assert_int_equal(client_answer(w->base, &c), 409);
	assert_true(has_code(&c, "disk_full"));
	client_close(&c);
	client_close(&other);
}

static void a_value_that_hq_must_hear_of_first_is_answered_so(void **state)
{
	static const char body[] = "{\"kind\":\"phone\",\"reason\":\"r\",\"value\":\"1\"}";
	struct world *w = *state;
	struct client c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "POST", "/api/v1/unblock", JSON_POST, body), 200);
	assert_string_equal(body_of(&c), "{\"at_hq\":true}");
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "POST", "/api/v1/block", JSON_POST, body), 200);
	assert_string_equal(body_of(&c), "{}");
	client_close(&c);
	c = client_local(w->socket);
	w->flow.refuse = (struct sale_error){"not_blocked", "value", "it is not"};
	assert_int_equal(client_ask(w->base, &c, "POST", "/api/v1/unblock", JSON_POST, body), 409);
	assert_true(has_code(&c, "not_blocked"));
	client_close(&c);
	c = client_local(w->socket);
	assert_int_equal(client_ask(w->base, &c, "POST", "/api/v1/block", JSON_POST, "[]"), 400);
	client_close(&c);
}

static void a_client_that_left_before_its_tap_was_kept_harms_nobody(void **state)
{
	struct world *w = *state;
	struct client c = {0}, other = {0};

	w->flow.held = true;
	c = loopback(w);
	client_begin(&c, "POST", "/api/v1/lanes/1/wrong-customer", JSON_POST, "{}");
	assert_int_equal(ask(w, &other, "GET", "/api/v1/lanes", "", ""), 200);
	assert_string_equal(w->flow.wrong, "1");
	client_close(&c);
	assert_int_equal(ask(w, &other, "GET", "/api/v1/lanes", "", ""), 200);
	w->flow.tap.done(w->flow.tap.ctx, NULL);
	assert_int_equal(ask(w, &other, "GET", "/api/v1/lanes", "", ""), 200);
	client_close(&other);
}

static void a_tap_may_outlive_the_doors(void **state)
{
	struct world *w = *state;
	struct client c = {0}, other = {0};

	w->flow.held = true;
	c = loopback(w);
	client_begin(&c, "POST", "/api/v1/lanes/1/wrong-customer", JSON_POST, "{}");
	assert_int_equal(ask(w, &other, "GET", "/api/v1/lanes", "", ""), 200);
	serve_free(w->serve);
	w->serve = NULL;
	w->flow.tap.done(w->flow.tap.ctx, NULL);
	client_close(&c);
	client_close(&other);
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

/* ---- forms ---- */

static void a_form_is_answered_when_it_is_kept(void **state)
{
	static const char *const paths[] = {"enrol", "correct", "not-me"};
	struct world *w = *state;
	struct client c = {0};
	char path[64];
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/api/v1/lanes/1/%s", paths[i]);
		assert_int_equal(ask(w, &c, "POST", path, JSON_POST, "{}"), 200);
		assert_int_equal(w->flow.form, (enum flow_form_kind)i);
		client_close(&c);
	}
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/9/enrol", JSON_POST, "{}"), 404);
	client_close(&c);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/enrol", JSON_POST, "[]"), 400);
	client_close(&c);
	assert_int_equal(w->flow.forms, 3);
}

static void a_form_that_is_refused_says_why_and_whom_to_take_instead(void **state)
{
	struct world *w = *state;
	struct client c = {0};
	w->flow.form_rc = FLOW_FORM_WRONG;
	w->flow.refuse = (struct sale_error){"bad_field", "phone", "phone: expected a number"};
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/enrol", JSON_POST, "{}"), 400);
	assert_string_equal(body_of(&c), "{\"error\":{\"code\":\"bad_field\",\"field\":\"phone\","
	                                 "\"message\":\"phone: expected a number\"}}");
	client_close(&c);
	w->flow.form_rc = FLOW_FORM_REFUSED;
	w->flow.refuse = (struct sale_error){"known_customer", "phone", "M has it"};
	w->flow.known = (struct flow_known){.is = true, .attach = true, .first_name = "M"};
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/enrol", JSON_POST, "{}"), 409);
	assert_non_null(strstr(
	    body_of(&c), "\"known\":{\"attach\":true,\"first_name\":\"M\",\"several\":false}"));
	client_close(&c);
}

/* ---- looking ---- */

static void what_is_shown_of_a_customer_is_for_no_cache(void **state)
{
	static const char *const paths[] = {"/api/v1/lanes/1/details", "/api/v1/lanes/1/find"};
	struct world *w = *state;
	struct client c = {0};
	w->flow.shown = "{\"seconds\":10}";
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(w, &c, "POST", paths[i], JSON_POST, "{}"), 200);
		assert_string_equal(body_of(&c), "{\"seconds\":10}");
		assert_non_null(strstr(c.in, "Cache-Control: no-store\r\n"));
		assert_false(w->flow.tool);
		client_close(&c);
		c = client_local(w->socket);
		assert_int_equal(client_ask(w->base, &c, "POST", paths[i], JSON_POST, "{}"), 200);
		assert_true(w->flow.tool);
		client_close(&c);
		assert_int_equal(ask(w, &c, "GET", paths[i], "", ""), 405);
		client_close(&c);
	}
	assert_int_equal(w->flow.asks, 4);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/9/details", JSON_POST, "{}"), 404);
	client_close(&c);
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/find", JSON_POST, "[]"), 400);
	client_close(&c);
	assert_int_equal(w->flow.asks, 4);
}

static void what_is_not_to_be_shown_is_refused_with_a_sentence(void **state)
{
	struct world *w = *state;
	struct client c = {0};
	w->flow.refuse = (struct sale_error){"disk_full", "", "the box cannot keep it now"};
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/details", JSON_POST, "{}"), 409);
	assert_true(has_code(&c, "disk_full"));
	client_close(&c);
	w->flow.form_rc = FLOW_FORM_WRONG;
	w->flow.refuse = (struct sale_error){"reason_needed", "reason", "expected why"};
	assert_int_equal(ask(w, &c, "POST", "/api/v1/lanes/1/find", JSON_POST, "{}"), 400);
	assert_string_equal(body_of(&c), "{\"error\":{\"code\":\"reason_needed\",\"field\":"
	                                 "\"reason\",\"message\":\"expected why\"}}");
	client_close(&c);
}

/* ---- counting ---- */

/* The status of the answer to this request, which may be none that a door lets through. */
static int answer_to(struct world *w, const char *request, size_t body)
{
	struct client c = loopback(w);
	char *text = calloc(1, strlen(request) + body + 1);
	strcpy(text, request);
	memset(text + strlen(request), 'x', body);
	client_send(&c, text);
	assert_true(client_wait_eof(w->base, &c));
	int status = c.len > 12 ? atoi(c.in + 9) : 0;
	free(text);
	client_close(&c);
	return status;
}

static void what_never_reaches_a_route_is_counted_too(void **state)
{
#define FORM                                                                                       \
	"POST /api/v1/lanes/1/enrol HTTP/1.1\r\nHost: localhost\r\nConnection: "                   \
	"close\r\n" JSON_POST
	static const struct {
		const char *request;
		size_t body;
		int status;
	} cases[] = {
	    {FORM "Content-Length: 66000\r\n\r\n", 66000, 413},
	    {FORM "Content-Length: 66000\r\nExpect: 100-continue\r\n\r\n", 0, 413},
	    {FORM "Transfer-Encoding: chunked\r\n\r\n101d0\r\n", 66000, 413},
	    {FORM "Content-Length: 12x\r\n\r\n", 0, 400},
	    {"GET /api/v1/lanes HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 0,
	     403},
	    {FORM "Content-Length: 2\r\n\r\n", 2, 400},
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t before = counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS);
		int status = answer_to(w, cases[i].request, cases[i].body);
		if (status != cases[i].status ||
		    counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS) != before + 1)
			fail_msg(
			    "request %zu: status %d, counted %d", i, status,
			    (int)(counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS) - before));
	}
#undef FORM
}

static void on_one_connection_each_bad_request_counts_once_and_good_ones_do_not(void **state)
{
	struct world *w = *state;
	struct client c = {0};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(w, &c, "GET", "/api/v1/nothing", "", ""), 404);
		assert_int_equal(ask(w, &c, "GET", "/api/v1/lanes", "", ""), 200);
	}
	assert_int_equal(counter_get(&w->counters, COUNTER_HTTP_BAD_REQUESTS), 3);
	client_close(&c);
}

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
	    TEST(a_choice_is_answered_when_it_is_kept),
	    TEST(a_form_is_answered_when_it_is_kept),
	    TEST(a_form_that_is_refused_says_why_and_whom_to_take_instead),
	    TEST(a_value_that_hq_must_hear_of_first_is_answered_so),
	    TEST(what_is_shown_of_a_customer_is_for_no_cache),
	    TEST(what_is_not_to_be_shown_is_refused_with_a_sentence),
	    TEST(what_never_reaches_a_route_is_counted_too),
	    TEST(on_one_connection_each_bad_request_counts_once_and_good_ones_do_not),
	    TEST(a_client_that_left_before_its_tap_was_kept_harms_nobody),
	    TEST(a_tap_may_outlive_the_doors),
	    TEST(a_body_that_is_no_choice_does_not_reach_flow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
