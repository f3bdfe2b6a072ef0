#include "serve/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/log.h"

#define LISTENERS_MAX 2
#define ADDRESS_BYTES 16 /* IPv6, or IPv4 mapped into it */

struct conn {
	struct conn *next;
	struct guard *guard;
	struct bufferevent *bev; /* our reference; evhttp has the other */
	bool settled;            /* counted, its address is known */
	bool local;              /* no IP address, or exempt from the limit per address */
	bool busy;               /* between a complete request and its answer */
	int64_t waiting_since_ms;
	uint8_t address[ADDRESS_BYTES];
};

struct guard {
	struct counters *counters;
	struct guard_limits limits;
	struct conn *conns, **tail; /* in order of arrival: who came first is served first */
	struct event *settle;       /* made active by each accept; runs in the same loop pass */
	struct event *tick;
	struct evconnlistener *listeners[LISTENERS_MAX];
	int listener_count;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timeval of_ms(int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* bufferevent_free, which is how evhttp gives a connection up, takes all callbacks off. */
static bool given_up(const struct conn *c)
{
	bufferevent_event_cb event = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &event, NULL);
	return event == NULL;
}

static void sweep(struct guard *g)
{
	struct conn **link = &g->conns;

	while (*link) {
		struct conn *c = *link;
		if (!given_up(c)) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		bufferevent_decref(c->bev);
		free(c);
	}
	g->tail = link;
}

/* evhttp's own way out: it frees connection and request, and tells whoever asked for the close. */
static void close_conn(struct conn *c)
{
	bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_EOF, 0);
}

static void read_address(struct conn *c, bool loopback_exempt)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	bool loopback = false;

	c->local = true;
	if (getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&ss, &len) != 0)
		return;
	if (ss.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
		loopback = (ntohl(in->sin_addr.s_addr) >> 24) == 127;
		memcpy(c->address + 12, &in->sin_addr, 4);
	} else if (ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
		loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
		memcpy(c->address, &in6->sin6_addr, ADDRESS_BYTES);
	} else {
		return;
	}
	c->local = loopback && loopback_exempt;
}

static bool within_limits(const struct guard *g, const struct conn *c)
{
	int all = 0, same = 0;

	for (const struct conn *o = g->conns; o; o = o->next) {
		if (!o->settled)
			continue;
		all++;
		if (!o->local && memcmp(o->address, c->address, ADDRESS_BYTES) == 0)
			same++;
	}
	return all < g->limits.connections && (c->local || same < g->limits.per_address);
}

static void settle_cb(evutil_socket_t unused, short what, void *arg)
{
	struct guard *g = arg;
	int on = 1;

	(void)unused;
	(void)what;
	sweep(g);
	for (struct conn *c = g->conns; c; c = c->next) {
		if (c->settled)
			continue;
		read_address(c, g->limits.loopback_exempt);
		if (!within_limits(g, c)) {
			counter_add(g->counters, COUNTER_HTTP_CONNECTIONS_REFUSED, 1);
			close_conn(c);
			continue;
		}
		c->settled = true;
		/* Fails on a local socket, which has no Nagle to turn off. */
		(void)setsockopt(bufferevent_getfd(c->bev), IPPROTO_TCP, TCP_NODELAY, &on,
		                 sizeof(on));
	}
	sweep(g);
}

static void tick_cb(evutil_socket_t unused, short what, void *arg)
{
	struct guard *g = arg;
	int64_t now = now_ms();

	(void)unused;
	(void)what;
	sweep(g);
	for (struct conn *c = g->conns; c; c = c->next)
		if (c->settled && !c->busy && now - c->waiting_since_ms > g->limits.request_ms)
			close_conn(c);
	sweep(g);
	for (int i = 0; i < g->listener_count; i++)
		evconnlistener_enable(g->listeners[i]);
}

/* evhttp answers by itself what it does not let through to us: a body that is too long, a request
 * that it cannot read. So answers are counted where they begin: an answer's first line is put into
 * an empty buffer, and nothing else there looks like one. */
static void output_cb(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	static const char version[] = "HTTP/1.";
	const size_t status = sizeof version + 1; /* behind the version's last digit and a blank */
	struct guard *g = arg;
	char head[sizeof version + 2];

	if (info->orig_size != 0 || info->n_added < sizeof head ||
	    evbuffer_copyout(out, head, sizeof head) != (ssize_t)sizeof head)
		return;
	if (memcmp(head, version, sizeof version - 1) == 0 && head[status] == '4')
		counter_add(g->counters, COUNTER_HTTP_BAD_REQUESTS, 1);
}

static struct bufferevent *bufferevent_cb(struct event_base *base, void *arg)
{
	struct guard *g = arg;
	struct conn *c = calloc(1, sizeof(*c));
	/* The descriptor is closed with our reference and not by evhttp before it: libevent would
	 * still listen to a number that the next scanner or till gets, which would then be deaf. */
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (!c || !bev || !evbuffer_add_cb(bufferevent_get_output(bev), output_cb, g)) {
		log_error("out of memory for a connection");
		abort(); /* evhttp would go on with a connection that nobody counts */
	}
	bufferevent_setwatermark(bev, EV_READ, 0, g->limits.header_bytes + g->limits.body_bytes);
	bufferevent_incref(bev);
	c->bev = bev;
	c->guard = g;
	c->waiting_since_ms = now_ms();
	*g->tail = c;
	g->tail = &c->next;
	event_active(g->settle, EV_TIMEOUT, 0);
	return bev;
}

struct guard *guard_new(struct event_base *base, struct evhttp *http, struct counters *counters,
                        const struct guard_limits *limits)
{
	struct guard *g = calloc(1, sizeof(*g));
	struct timeval request = of_ms(limits->request_ms), tick = of_ms(limits->tick_ms);

	if (!g)
		return NULL;
	g->counters = counters;
	g->tail = &g->conns;
	g->limits = *limits;
	g->settle = event_new(base, -1, 0, settle_cb, g);
	g->tick = event_new(base, -1, EV_PERSIST, tick_cb, g);
	if (!g->settle || !g->tick || event_add(g->tick, &tick) != 0) {
		guard_free(g);
		return NULL;
	}
	evhttp_set_max_headers_size(http, (ev_ssize_t)limits->header_bytes);
	evhttp_set_max_body_size(http, (ev_ssize_t)limits->body_bytes);
	evhttp_set_timeout_tv(http, &request);
	evhttp_set_bevcb(http, bufferevent_cb, g);
	return g;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	sweep(g);
	if (g->settle)
		event_free(g->settle);
	if (g->tick)
		event_free(g->tick);
	free(g);
}

/* The argument is evhttp's (evhttp_bind_listener sets it), so that this cannot know its guard: the
 * tick wakes the listener. */
static void accept_error_cb(struct evconnlistener *listener, void *unused)
{
	int fault = EVUTIL_SOCKET_ERROR();

	(void)unused;
	log_warn("cannot accept connections for a moment: %s", strerror(fault));
	evconnlistener_disable(listener);
}

void guard_listener(struct guard *g, struct evconnlistener *listener)
{
	if (g->listener_count == LISTENERS_MAX)
		return;
	g->listeners[g->listener_count++] = listener;
	evconnlistener_set_error_cb(listener, accept_error_cb);
}

static void answered_cb(struct evhttp_request *req, void *arg)
{
	struct conn *c = arg;

	(void)req;
	c->busy = false;
	c->waiting_since_ms = now_ms();
}

void guard_request(struct guard *g, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);

	for (struct conn *c = g->conns; c; c = c->next) {
		if (c->bev != bev)
			continue;
		c->busy = true;
		evhttp_request_set_on_complete_cb(req, answered_cb, c);
		return;
	}
}
