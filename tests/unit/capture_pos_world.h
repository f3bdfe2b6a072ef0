/* Tills over real sockets in a real loop. The tills are plain blocking-free sockets of this
 * process. */
#ifndef LANEWAY_TESTS_CAPTURE_POS_WORLD_H
#define LANEWAY_TESTS_CAPTURE_POS_WORLD_H

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

#define PATIENCE_S 60 /* longest wait for something that must come */
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
	bool greets;         /* say something as soon as a till is up */
	bool late;
	bool starting; /* tills are not greeted yet */
	int asked_baskets;
	int mades, words, messages_at_word;
	int64_t last_made_us;
};

static const char *const lanes[] = {"1", "3", NULL};

static inline enum capture_verdict on_till(void *ctx, uint64_t link, const struct till_message *m,
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

static inline enum capture_verdict on_made(void *ctx, uint64_t link, int64_t before_us)
{
	struct bench *b = ctx;
	if (b->waits > 0) {
		b->waits--;
		return CAPTURE_WAIT;
	}
	b->last_link = link;
	b->last_made_us = before_us;
	b->mades++;
	return CAPTURE_TAKEN;
}

static inline void on_word(void *ctx, uint64_t link)
{
	struct bench *b = ctx;
	b->last_link = link;
	b->messages_at_word = b->messages;
	b->words++;
}

static inline void on_link(void *ctx, uint64_t link, const char *till, const char *lane, bool up)
{
	struct bench *b = ctx;
	b->last_link = link;
	assert_non_null(till);
	assert_non_null(lane);
	*(up ? &b->ups : &b->downs) += 1;
	/* What flow may do at any time, also for the link that is going. */
	if (!up)
		pos_send(b->pos, link, "{}", 2);
	else if (b->greets)
		pos_send(b->pos, link, "{\"type\":\"customer\"}", 19);
}

static inline enum capture_verdict on_baskets(void *ctx, const char *till, struct buf *json)
{
	struct bench *b = ctx;
	b->asked_baskets++;
	if (b->starting)
		return CAPTURE_WAIT;
	buf_printf(json, "[\"B-%s\"]", till);
	return CAPTURE_TAKEN;
}

static inline void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct bench *)arg)->late = true;
}

/* One turn of the loop, at most 20 ms, then read what came for this till. */
static inline void turn(struct bench *b, struct till *t)
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

static inline void begin_patience(struct bench *b, struct event **late)
{
	struct timeval tv = {.tv_sec = PATIENCE_S};
	*late = evtimer_new(b->base, on_late, b);
	evtimer_add(*late, &tv);
}

static inline void end_patience(struct bench *b, struct event *late)
{
	event_free(late);
	assert_false(b->late);
}

static inline void wait_for(struct bench *b, struct till *t, const int *what, int n)
{
	struct event *late;
	begin_patience(b, &late);
	while (*what < n && !b->late)
		turn(b, t);
	end_patience(b, late);
	assert_int_equal(*what, n);
}

/* The next line for this till as JSON; NULL: the connection ended. */
static inline json_t *answer(struct bench *b, struct till *t)
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

static inline void assert_member(const json_t *json, const char *key, const char *want)
{
	const char *is = json_string_value(json_object_get(json, key));
	assert_non_null(is);
	assert_string_equal(is, want);
}

static inline void expect_error(struct bench *b, struct till *t, const char *code,
                                const char *field)
{
	json_t *json = answer(b, t);
	assert_non_null(json);
	assert_member(json, "type", "error");
	assert_member(json, "code", code);
	assert_member(json, "field", field);
	json_decref(json);
}

static inline void expect_end(struct bench *b, struct till *t)
{
	assert_null(answer(b, t));
	assert_true(t->ended);
}

static inline void dial_from(struct bench *b, struct till *t, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)pos_port(b->pos))};
	inet_pton(AF_INET, address, &to.sin_addr);
	memset(t, 0, sizeof(*t));
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(t->fd >= 0);
	assert_int_equal(connect(t->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static inline struct till *dial(struct bench *b)
{
	struct till *t = malloc(sizeof(*t));
	dial_from(b, t, "127.0.0.1");
	return t;
}

static inline void hang_up(struct till *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static inline void say_n(struct bench *b, struct till *t, const char *bytes, size_t n)
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

static inline void say(struct bench *b, struct till *t, const char *line)
{
	say_n(b, t, line, strlen(line));
	say_n(b, t, "\n", 1);
}

static inline void say_hello(struct bench *b, struct till *t, const char *till, const char *lane,
                             const char *token)
{
	char line[256];
	snprintf(
	    line, sizeof(line),
	    "{\"type\":\"hello\",\"protocol\":1,\"till\":\"%s\",\"lane\":\"%s\",\"token\":\"%s\"}",
	    till, lane, token);
	say(b, t, line);
}

static inline void say_void(struct bench *b, struct till *t, int counter)
{
	char line[128];
	snprintf(line, sizeof(line),
	         "{\"type\":\"basket_voided\",\"source_message_id\":\"s:%d\",\"basket\":\"B\"}",
	         counter);
	say(b, t, line);
}

static inline struct till *hello(struct bench *b, const char *till)
{
	struct till *t = dial(b);
	say_hello(b, t, till, "3", "secret");
	json_t *json = answer(b, t);
	assert_non_null(json);
	assert_member(json, "type", "welcome");
	json_decref(json);
	return t;
}

static inline void start(struct bench *b)
{
	char err[200] = "";
	b->pos =
	    pos_new(b->base, &b->params, clock_system(), &b->counters, &b->ops, err, sizeof(err));
	if (b->pos == NULL)
		fail_msg("%s", err);
	assert_true(pos_port(b->pos) > 0);
}

static inline int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	signal(SIGPIPE, SIG_IGN);
	b->base = event_base_new();
	b->ops = (struct capture_ops){.till = on_till,
	                              .till_link = on_link,
	                              .till_made = on_made,
	                              .till_word = on_word,
	                              .till_baskets = on_baskets,
	                              .ctx = b};
	b->params = (struct pos_params){.listen = "127.0.0.1",
	                                .token = "secret",
	                                .store = "s1",
	                                .currency = "EUR",
	                                .lanes = lanes};
	start(b);
	*state = b;
	return 0;
}

static inline int tear_down(void **state)
{
	struct bench *b = *state;
	pos_free(b->pos);
	event_base_free(b->base);
	free(b);
	return 0;
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
