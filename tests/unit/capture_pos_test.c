/* Tills over real sockets in a real loop. The tills are plain blocking-free sockets of this
 * process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/pos_internal.h"

#define PATIENCE_S 10 /* longest wait for something that must come */
#define TILLS_MAX 600

struct till {
	int fd;
	char in[64 * 1024];
	size_t len;
	bool ended;
};

struct bench {
	struct event_base *base;
	struct counters counters;
	struct capture_ops ops;
	struct pos_params params;
	struct pos *pos;
	int messages, ups, downs, waits; /* waits: how often still to say CAPTURE_WAIT */
	uint64_t last_link, last_counter;
	enum till_type last_type;
	char last_session[EVENT_SESSION_SIZE], last_raw[512], last_till[64];
	size_t answer_bytes; /* each message is answered with so much */
	bool late;
};

static const char *const lanes[] = {"1", "3", NULL};

static enum capture_verdict on_till(void *ctx, uint64_t link, const struct till_message *m,
                                    const char *session, uint64_t counter, const char *raw,
                                    size_t len)
{
	struct bench *b = ctx;
	if (b->waits > 0) {
		b->waits--;
		return CAPTURE_WAIT;
	}
	b->messages++;
	b->last_link = link;
	b->last_type = m->type;
	b->last_counter = counter;
	snprintf(b->last_session, sizeof(b->last_session), "%s", session);
	snprintf(b->last_raw, sizeof(b->last_raw), "%.*s", (int)len, raw);
	snprintf(b->last_till, sizeof(b->last_till), "%s %s %s", m->till, m->lane, m->source);
	if (b->answer_bytes > 0) {
		char *answer = malloc(b->answer_bytes);
		memset(answer, 'x', b->answer_bytes);
		pos_send(b->pos, link, answer, b->answer_bytes);
		free(answer);
	}
	return CAPTURE_TAKEN;
}

static void on_link(void *ctx, uint64_t link, const char *till, const char *lane, bool up)
{
	struct bench *b = ctx;
	b->last_link = link;
	assert_non_null(till);
	assert_non_null(lane);
	*(up ? &b->ups : &b->downs) += 1;
	/* What flow may do at any time, also for the link that is going. */
	if (!up)
		pos_send(b->pos, link, "{}", 2);
}

static void on_baskets(void *ctx, const char *till, struct buf *json)
{
	(void)ctx;
	buf_printf(json, "[\"B-%s\"]", till);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct bench *)arg)->late = true;
}

/* One turn of the loop, at most 20 ms, then read what came for this till. */
static void turn(struct bench *b, struct till *t)
{
	struct timeval tv = {.tv_usec = 20000};
	event_base_loopexit(b->base, &tv);
	event_base_loop(b->base, EVLOOP_ONCE);
	while (t != NULL && !t->ended && t->len < sizeof(t->in) - 1) {
		ssize_t n = recv(t->fd, t->in + t->len, sizeof(t->in) - 1 - t->len, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			t->ended = true;
		else
			t->len += (size_t)n;
	}
}

static void begin_patience(struct bench *b, struct event **late)
{
	struct timeval tv = {.tv_sec = PATIENCE_S};
	*late = evtimer_new(b->base, on_late, b);
	evtimer_add(*late, &tv);
}

static void end_patience(struct bench *b, struct event *late)
{
	event_free(late);
	assert_false(b->late);
}

static void wait_for(struct bench *b, struct till *t, const int *what, int n)
{
	struct event *late;
	begin_patience(b, &late);
	while (*what < n && !b->late)
		turn(b, t);
	end_patience(b, late);
	assert_int_equal(*what, n);
}

/* The next line for this till as JSON; NULL: the connection ended. */
static json_t *answer(struct bench *b, struct till *t)
{
	struct event *late;
	char *end;
	begin_patience(b, &late);
	while ((end = memchr(t->in, '\n', t->len)) == NULL && !t->ended && !b->late)
		turn(b, t);
	end_patience(b, late);
	if (end == NULL)
		return NULL;
	size_t n = (size_t)(end - t->in);
	json_t *json = json_loadb(t->in, n, 0, NULL);
	assert_non_null(json);
	t->len -= n + 1;
	memmove(t->in, end + 1, t->len);
	return json;
}

static void assert_member(const json_t *json, const char *key, const char *want)
{
	const char *is = json_string_value(json_object_get(json, key));
	assert_non_null(is);
	assert_string_equal(is, want);
}

static void expect_error(struct bench *b, struct till *t, const char *code, const char *field)
{
	json_t *json = answer(b, t);
	assert_non_null(json);
	assert_member(json, "type", "error");
	assert_member(json, "code", code);
	assert_member(json, "field", field);
	json_decref(json);
}

static void expect_end(struct bench *b, struct till *t)
{
	assert_null(answer(b, t));
	assert_true(t->ended);
}

static void dial_from(struct bench *b, struct till *t, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)pos_port(b->pos))};
	inet_pton(AF_INET, address, &to.sin_addr);
	memset(t, 0, sizeof(*t));
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(t->fd >= 0);
	assert_int_equal(connect(t->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static struct till *dial(struct bench *b)
{
	struct till *t = malloc(sizeof(*t));
	dial_from(b, t, "127.0.0.1");
	return t;
}

static void hang_up(struct till *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static void say_n(struct bench *b, struct till *t, const char *bytes, size_t n)
{
	struct event *late;
	begin_patience(b, &late);
	while (n > 0 && !b->late) {
		ssize_t done = send(t->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && errno == EAGAIN) {
			turn(b, NULL);
			continue;
		}
		assert_true(done > 0);
		bytes += done;
		n -= (size_t)done;
	}
	end_patience(b, late);
}

static void say(struct bench *b, struct till *t, const char *line)
{
	say_n(b, t, line, strlen(line));
	say_n(b, t, "\n", 1);
}

static void say_hello(struct bench *b, struct till *t, const char *till, const char *lane,
                      const char *token)
{
	char line[256];
	snprintf(
	    line, sizeof(line),
	    "{\"type\":\"hello\",\"protocol\":1,\"till\":\"%s\",\"lane\":\"%s\",\"token\":\"%s\"}",
	    till, lane, token);
	say(b, t, line);
}

static void say_void(struct bench *b, struct till *t, int counter)
{
	char line[128];
	snprintf(line, sizeof(line),
	         "{\"type\":\"basket_voided\",\"source_message_id\":\"s:%d\",\"basket\":\"B\"}",
	         counter);
	say(b, t, line);
}

static struct till *hello(struct bench *b, const char *till)
{
	struct till *t = dial(b);
	say_hello(b, t, till, "3", "secret");
	json_t *json = answer(b, t);
	assert_non_null(json);
	assert_member(json, "type", "welcome");
	json_decref(json);
	return t;
}

static void start(struct bench *b)
{
	char err[200] = "";
	b->pos =
	    pos_new(b->base, &b->params, clock_system(), &b->counters, &b->ops, err, sizeof(err));
	if (b->pos == NULL)
		fail_msg("%s", err);
	assert_true(pos_port(b->pos) > 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	signal(SIGPIPE, SIG_IGN);
	b->base = event_base_new();
	b->ops = (struct capture_ops){
	    .till = on_till, .till_link = on_link, .till_baskets = on_baskets, .ctx = b};
	b->params = (struct pos_params){.listen = "127.0.0.1",
	                                .token = "secret",
	                                .store = "s1",
	                                .currency = "EUR",
	                                .lanes = lanes};
	start(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	pos_free(b->pos);
	event_base_free(b->base);
	free(b);
	return 0;
}

/* ---- hello ---- */

static void hello_is_answered_with_welcome_and_the_open_baskets(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_hello(b, t, "T3", "3", "secret");
	json_t *json = answer(b, t);
	json_t *want = json_pack("{s:s,s:i,s:s,s:s,s:s,s:[s]}", "type", "welcome", "protocol", 1,
	                         "store", "s1", "till", "T3", "lane", "3", "baskets", "B-T3");
	assert_true(json_equal(json, want));
	assert_int_equal(b->ups, 1);
	json_decref(json);
	json_decref(want);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(pos_connections(b->pos), 0);
}

static void a_failed_hello_says_why_and_ends_the_connection(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *till, *lane, *token, *code, *field;
	} cases[] = {{"T3", "3", "secreT", "bad_token", "token"},
	             {"T3", "3", "secret2", "bad_token", "token"},
	             {"T3", "3", "secre", "bad_token", "token"},
	             {"T3", "4", "secret", "unknown_lane", "lane"},
	             {"T/3", "3", "secret", "bad_field", "till"},
	             {"T3", "3", "", "bad_field", "token"},
	             {"T3456789012345678901234567890", "3", "secret", "bad_field", "till"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct till *t = dial(b);
		say_hello(b, t, cases[i].till, cases[i].lane, cases[i].token);
		expect_error(b, t, cases[i].code, cases[i].field);
		expect_end(b, t);
		hang_up(t);
	}
	struct till *t = dial(b);
	say(b, t,
	    "{\"type\":\"hello\",\"protocol\":2,\"till\":\"T\",\"lane\":\"3\",\"token\":\"x\"}");
	expect_error(b, t, "bad_protocol", "protocol");
	expect_end(b, t);
	hang_up(t);
	assert_int_equal(b->ups, 0);
	assert_int_equal(b->downs, 0);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_REFUSED), 8);
}

static void the_last_answer_arrives_although_the_till_goes_on_sending(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_hello(b, t, "T3", "3", "wrong");
	for (int i = 0; i < 1000; i++)
		say_void(b, t, i + 1);
	expect_error(b, t, "bad_token", "token");
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

static void a_second_connection_for_a_till_is_refused_while_the_first_lives(void **state)
{
	struct bench *b = *state;
	struct till *first = hello(b, "T3"), *second = dial(b), *other = hello(b, "T4");
	say_hello(b, second, "T3", "3", "secret");
	expect_error(b, second, "till_busy", "till");
	expect_end(b, second);
	say_void(b, first, 1);
	wait_for(b, first, &b->messages, 1);
	hang_up(first);
	wait_for(b, NULL, &b->downs, 1);
	struct till *again = hello(b, "T3");
	hang_up(again);
	hang_up(second);
	hang_up(other);
}

static void a_message_before_hello_is_refused(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_void(b, t, 7);
	json_t *json = answer(b, t);
	assert_member(json, "code", "no_hello");
	assert_member(json, "source_message_id", "s:7");
	json_decref(json);
	say(b, t, "{\"type\":\"basket_voided\"}");
	expect_error(b, t, "no_hello", "type");
	say_hello(b, t, "T3", "3", "secret");
	json_decref(answer(b, t));
	assert_int_equal(b->ups, 1);
	say_hello(b, t, "T3", "3", "secret");
	expect_error(b, t, "already_hello", "type");
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

static void a_connection_that_says_nothing_is_closed_after_five_seconds(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	expect_end(b, t);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double took_s =
	    (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	assert_true(took_s > 4.5 && took_s < 7);
	hang_up(t);
}

/* ---- messages ---- */

static void a_message_is_handed_over_as_it_was_sent(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	const char *line =
	    "{ \"basket\":\"B\",\"source_message_id\":\"day-1:12\", \"type\":\"basket_voided\"}";
	say_n(b, t, line, 20);
	turn(b, t);
	say(b, t, line + 20);
	wait_for(b, t, &b->messages, 1);
	assert_int_equal(b->last_type, TILL_BASKET_VOIDED);
	assert_string_equal(b->last_session, "day-1");
	assert_int_equal(b->last_counter, 12);
	assert_string_equal(b->last_raw, line);
	assert_string_equal(b->last_till, "T3 3 till:T3");
	hang_up(t);
}

static void a_bad_line_is_answered_by_name_and_the_connection_goes_on(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *line, *code, *field;
	} cases[] = {
	    {"", "not_json", ""},
	    {"nonsense", "not_json", ""},
	    {"{\"type\":\"basket_voided\"", "not_json", ""},
	    {"{\"type\":\"basket_voided\",\"basket\":\"a\",\"basket\":\"b\"}", "not_json", ""},
	    {"{\"basket\":\"a\\u0000b\"}", "not_json", ""},
	    {"[1]", "not_object", ""},
	    {"17", "not_object", ""},
	    {"{\"type\":\"basket_voided\",\"basket\":\"\xff\"}", "not_utf8", ""},
	    {"{}", "no_type", "type"},
	    {"{\"type\":\"dance\"}", "unknown_type", "type"},
	    {"{\"type\":\"basket_voided\",\"basket\":\"B\"}", "no_id", "source_message_id"},
	    {"{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\"}", "missing_field",
	     "basket"},
	    {"{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\",\"basket\":\"B\",\"card\":"
	     "1}",
	     "unknown_field", "card"},
	};
	struct till *t = hello(b, "T3");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(b, t, cases[i].line);
		expect_error(b, t, cases[i].code, cases[i].field);
	}
	say_n(b, t, "{\"type\"\0:1}\n", 12);
	expect_error(b, t, "not_utf8", "");
	assert_int_equal(b->messages, 0);
	say_void(b, t, 1);
	wait_for(b, t, &b->messages, 1);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_REFUSED), 14);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_MESSAGES), 16);
	hang_up(t);
}

static void an_error_names_the_message_it_answers(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	say(b, t, "{\"type\":\"basket_voided\",\"source_message_id\":\"s:5\",\"basket\":7}");
	json_t *json = answer(b, t);
	assert_member(json, "source_message_id", "s:5");
	assert_member(json, "message",
	              "expected text of 1 to 64 bytes without control characters, got a number");
	json_decref(json);
	say(b, t, "{\"type\":\"basket_voided\",\"source_message_id\":\"s\",\"basket\":\"B\"}");
	json = answer(b, t);
	assert_member(json, "code", "bad_id");
	assert_null(json_object_get(json, "source_message_id"));
	json_decref(json);
	hang_up(t);
}

/* A void of exactly n bytes, newline included. */
static char *padded(size_t n)
{
	char *line = malloc(n + 1);
	memset(line, ' ', n);
	const char *body =
	    "{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\",\"basket\":\"B\"}";
	memcpy(line, body, strlen(body));
	line[n - 1] = '\n';
	line[n] = '\0';
	return line;
}

static void the_longest_line_is_taken(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	char *line = padded(TILL_LINE_MAX);
	say_n(b, t, line, TILL_LINE_MAX);
	wait_for(b, t, &b->messages, 1);
	free(line);
	hang_up(t);
}

static void a_longer_line_ends_the_connection_with_a_reason(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	char *line = padded(TILL_LINE_MAX + 1);
	say_n(b, t, line, TILL_LINE_MAX + 1);
	expect_error(b, t, "too_long", "");
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	assert_int_equal(b->downs, 1);
	free(line);
	hang_up(t);
}

static void many_messages_in_one_burst_are_taken_in_order_also_when_the_till_leaves(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	for (int i = 1; i <= 500; i++)
		say_void(b, t, i);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(b->messages, 500);
	assert_int_equal(b->last_counter, 500);
}

static void a_full_journal_makes_the_till_wait_and_loses_nothing(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	b->waits = 5;
	for (int i = 1; i <= 3; i++)
		say_void(b, t, i);
	wait_for(b, t, &b->messages, 3);
	assert_int_equal(b->waits, 0);
	assert_int_equal(b->last_counter, 3);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_MESSAGES), 4);
	hang_up(t);
}

static void a_till_that_leaves_while_it_waits_is_still_heard(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	b->waits = 5;
	say_void(b, t, 1);
	say_void(b, t, 2);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(b->messages, 2);
}

/* ---- answers ---- */

static void what_is_sent_to_a_connection_that_has_ended_goes_nowhere(void **state)
{
	struct bench *b = *state;
	struct till *first = hello(b, "T3");
	uint64_t gone = b->last_link;
	hang_up(first);
	wait_for(b, NULL, &b->downs, 1);
	struct till *second = hello(b, "T3");
	assert_true(b->last_link != gone);
	pos_send(b->pos, gone, "{\"type\":\"old\"}", 14);
	pos_send(b->pos, 0, "{\"type\":\"old\"}", 14);
	pos_send(b->pos, b->last_link, "{\"type\":\"new\"}", 14);
	json_t *json = answer(b, second);
	assert_member(json, "type", "new");
	json_decref(json);
	hang_up(second);
}

static void a_till_that_does_not_read_is_cut_off(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3"), *other = hello(b, "T4");
	b->answer_bytes = 300 * 1024;
	struct event *late;
	begin_patience(b, &late);
	/* What lies in the kernel's buffers comes on top of the limit. */
	for (int i = 1; b->downs == 0 && i < 100 && !b->late; i++) {
		say_void(b, t, i);
		turn(b, NULL);
	}
	end_patience(b, late);
	assert_int_equal(b->downs, 1);
	assert_true(b->messages < 50);
	b->answer_bytes = 0;
	int before = b->messages;
	say_void(b, other, 1);
	wait_for(b, other, &b->messages, before + 1);
	hang_up(t);
	hang_up(other);
}

static void after_a_stop_nothing_is_read_but_answers_still_arrive(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	uint64_t link = b->last_link;
	pos_stop(b->pos);
	say_void(b, t, 1);
	pos_send(b->pos, link, "{\"type\":\"kept\"}", 15);
	json_t *json = answer(b, t);
	assert_member(json, "type", "kept");
	json_decref(json);
	pos_send(b->pos, link, "{\"type\":\"last\"}", 15);
	pos_free(b->pos);
	b->pos = NULL;
	json = answer(b, t);
	assert_member(json, "type", "last");
	json_decref(json);
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

/* ---- limits ---- */

static void over_the_limit_connections_are_closed_and_counted_and_tills_go_on(void **state)
{
	struct bench *b = *state;
	static struct till crowd[TILLS_MAX];
	struct till *t = hello(b, "T3");
	for (int i = 0; i < TILLS_MAX; i++) {
		dial_from(b, &crowd[i], "127.0.0.1");
		if (i % 50 == 0) /* under the backlog of the listener */
			for (int k = 0; k < 8; k++)
				turn(b, NULL);
	}
	say_void(b, t, 1);
	wait_for(b, t, &b->messages, 1);
	struct event *late;
	begin_patience(b, &late);
	while (counter_get(&b->counters, COUNTER_POS_CONNECTIONS_REFUSED) < TILLS_MAX - 255 &&
	       !b->late)
		turn(b, NULL);
	end_patience(b, late);
	assert_int_equal(pos_connections(b->pos), 256);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_CONNECTIONS_REFUSED),
	                 TILLS_MAX - 255);
	for (int i = 0; i < TILLS_MAX; i++)
		close(crowd[i].fd);
	begin_patience(b, &late);
	while (pos_connections(b->pos) > 1 && !b->late)
		turn(b, NULL);
	end_patience(b, late);
	struct till *next = hello(b, "T4");
	hang_up(next);
	hang_up(t);
}

static void an_address_has_32_connections_and_loopback_is_exempt(void **state)
{
	struct bench *b = *state;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_storage from = {0};
	struct pos_address far, near, mapped, other;
	inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
	memcpy(&from, &v4, sizeof(v4));
	pos_address_of(&from, &far);
	inet_pton(AF_INET, "192.0.2.8", &((struct sockaddr_in *)&from)->sin_addr);
	pos_address_of(&from, &other);
	inet_pton(AF_INET, "127.3.2.1", &((struct sockaddr_in *)&from)->sin_addr);
	pos_address_of(&from, &near);
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr);
	memcpy(&from, &v6, sizeof(v6));
	pos_address_of(&from, &mapped);
	assert_true(near.loopback);
	assert_false(far.loopback);
	struct till tills[32];
	for (int i = 0; i < 32; i++) {
		assert_true(pos_has_room(b->pos, &far));
		dial_from(b, &tills[i], "127.0.0.1");
		wait_for(b, NULL, &b->pos->link_count, i + 1);
		b->pos->links[i]->from = far;
	}
	assert_false(pos_has_room(b->pos, &far));
	assert_false(pos_has_room(b->pos, &mapped));
	assert_true(pos_has_room(b->pos, &other));
	for (int i = 0; i < 32; i++)
		b->pos->links[i]->from = near;
	assert_true(pos_has_room(b->pos, &near));
	for (int i = 0; i < 32; i++)
		close(tills[i].fd);
}

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void out_of_descriptors_the_listener_pauses_and_comes_back(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	struct rlimit all, few;
	getrlimit(RLIMIT_NOFILE, &all);
	few = all;
	int next = dup(0);
	close(next);
	few.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &few);
	double before = cpu_s();
	for (int i = 0; i < 15; i++)
		turn(b, NULL);
	assert_true(cpu_s() - before < 0.1);
	assert_int_equal(pos_connections(b->pos), 0);
	setrlimit(RLIMIT_NOFILE, &all);
	say_hello(b, t, "T3", "3", "secret");
	wait_for(b, t, &b->ups, 1);
	hang_up(t);
}

/* ---- starting ---- */

static void what_cannot_work_is_refused_at_start_in_one_sentence(void **state)
{
	struct bench *b = *state;
	char err[200], want[200];
	struct pos_params p = b->params;
	p.port = pos_port(b->pos);
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	snprintf(want, sizeof(want), "pos: 127.0.0.1:%d: Address already in use", p.port);
	assert_string_equal(err, want);
	p = b->params;
	p.listen = "localhost.example";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: localhost.example is not an IP address");
	p = b->params;
	p.token = "";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: the token has to have 1 to 128 bytes");
	p = b->params;
	p.currency = "XQQ";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: the currency is not an ISO 4217 code");
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    WITH_BENCH(hello_is_answered_with_welcome_and_the_open_baskets),
	    WITH_BENCH(a_failed_hello_says_why_and_ends_the_connection),
	    WITH_BENCH(the_last_answer_arrives_although_the_till_goes_on_sending),
	    WITH_BENCH(a_second_connection_for_a_till_is_refused_while_the_first_lives),
	    WITH_BENCH(a_message_before_hello_is_refused),
	    WITH_BENCH(a_connection_that_says_nothing_is_closed_after_five_seconds),
	    WITH_BENCH(a_message_is_handed_over_as_it_was_sent),
	    WITH_BENCH(a_bad_line_is_answered_by_name_and_the_connection_goes_on),
	    WITH_BENCH(an_error_names_the_message_it_answers),
	    WITH_BENCH(the_longest_line_is_taken),
	    WITH_BENCH(a_longer_line_ends_the_connection_with_a_reason),
	    WITH_BENCH(many_messages_in_one_burst_are_taken_in_order_also_when_the_till_leaves),
	    WITH_BENCH(a_full_journal_makes_the_till_wait_and_loses_nothing),
	    WITH_BENCH(a_till_that_leaves_while_it_waits_is_still_heard),
	    WITH_BENCH(what_is_sent_to_a_connection_that_has_ended_goes_nowhere),
	    WITH_BENCH(a_till_that_does_not_read_is_cut_off),
	    WITH_BENCH(after_a_stop_nothing_is_read_but_answers_still_arrive),
	    WITH_BENCH(over_the_limit_connections_are_closed_and_counted_and_tills_go_on),
	    WITH_BENCH(an_address_has_32_connections_and_loopback_is_exempt),
	    WITH_BENCH(out_of_descriptors_the_listener_pauses_and_comes_back),
	    WITH_BENCH(what_cannot_work_is_refused_at_start_in_one_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
