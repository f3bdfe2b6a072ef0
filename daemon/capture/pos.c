#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "capture/pos_internal.h"

#define CONNECTIONS_MAX 256 /* served at once; a store has tens of tills */
#define CONNECTIONS_PER_ADDRESS 32
#define BACKLOG 128
#define ACCEPTS_PER_TURN 16 /* so that a flood of connections leaves the loop to the scanners */
#define ACCEPT_PAUSE_MS 100 /* after EMFILE and its like: they do not go away by asking again */
#define WARN_US 1000000
#define KEEPALIVE_IDLE_S 10 /* a till that lost its power is gone after 10 + 3 * 3 s */
#define KEEPALIVE_INTERVAL_S 3
#define KEEPALIVE_PROBES 3
#define SEND_TIMEOUT_MS 20000 /* the same for answers on the way to it */

/* ---- who may come in ---- */

void pos_address_of(const struct sockaddr_storage *from, struct pos_address *out)
{
	memset(out, 0, sizeof(*out));
	if (from->ss_family == AF_INET6) {
		out->ip = ((const struct sockaddr_in6 *)from)->sin6_addr;
	} else {
		out->ip.s6_addr[10] = out->ip.s6_addr[11] = 0xff;
		memcpy(&out->ip.s6_addr[12], &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	out->loopback = IN6_IS_ADDR_LOOPBACK(&out->ip) ||
	                (IN6_IS_ADDR_V4MAPPED(&out->ip) && out->ip.s6_addr[12] == 127);
}

bool pos_has_room(const struct pos *p, const struct pos_address *from)
{
	int same = 0;
	for (int i = 0; i < p->link_max; i++)
		if (p->links[i] != NULL &&
		    memcmp(&p->links[i]->from.ip, &from->ip, sizeof(from->ip)) == 0)
			same++;
	return p->link_count < p->link_max && (from->loopback || same < CONNECTIONS_PER_ADDRESS);
}

bool pos_may_warn(struct pos *p)
{
	int64_t now = clock_mono_us(p->clock);
	if (p->warned_us != 0 && now - p->warned_us < WARN_US)
		return false;
	p->warned_us = now;
	return true;
}

struct pos_link *pos_find_till(const struct pos *p, const char *till)
{
	for (int i = 0; i < p->link_max; i++)
		if (p->links[i] != NULL && p->links[i]->state == POS_LINK_UP &&
		    strcmp(p->links[i]->till, till) == 0)
			return p->links[i];
	return NULL;
}

bool pos_knows_lane(const struct pos *p, const char *lane)
{
	for (int i = 0; i < p->lane_count; i++)
		if (strcmp(p->lanes[i], lane) == 0)
			return true;
	return false;
}

/* Always all bytes, whatever the first difference. */
bool pos_token_right(const struct pos *p, const char *token)
{
	char given[POS_TOKEN_SIZE] = {0};
	volatile unsigned different = !text_copy(given, sizeof(given), token);
	for (size_t i = 0; i < sizeof(given); i++)
		different |= (unsigned char)given[i] ^ (unsigned char)p->token[i];
	return different == 0;
}

/* ---- accepting ---- */

static void set_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, SEND_TIMEOUT_MS},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
		                 sizeof(int));
}

static int free_slot(const struct pos *p)
{
	int slot = 0;
	while (p->links[slot] != NULL)
		slot++;
	return slot;
}

static void admit(struct pos *p, int fd, const struct sockaddr_storage *from)
{
	struct pos_address address;
	pos_address_of(from, &address);
	if (!pos_has_room(p, &address)) {
		(void)close(fd);
		counter_add(p->counters, COUNTER_POS_CONNECTIONS_REFUSED, 1);
		if (pos_may_warn(p))
			log_warn(
			    "pos: a connection was closed: %d are served, at most %d and %d from "
			    "one address",
			    p->link_count, p->link_max, CONNECTIONS_PER_ADDRESS);
		return;
	}
	set_options(fd);
	int slot = free_slot(p);
	p->links[slot] = pos_link_new(p, fd, &address, slot);
	if (p->links[slot] == NULL) {
		counter_add(p->counters, COUNTER_POS_CONNECTIONS_REFUSED, 1);
		return;
	}
	p->link_count++;
}

static void pause_accepting(struct pos *p, int error)
{
	struct timeval tv = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	(void)event_del(p->acceptable);
	(void)event_add(p->pause, &tv);
	if (pos_may_warn(p))
		log_warn("pos: cannot accept connections: %s", strerror(error));
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct pos *p = arg;
	(void)event_add(p->acceptable, NULL);
}

static bool is_passing(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct pos *p = arg;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int s = accept4(fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s >= 0) {
			admit(p, s, &from);
		} else if (errno == EAGAIN) {
			return;
		} else if (!is_passing(errno)) {
			pause_accepting(p, errno);
			return;
		}
	}
}

/* ---- the listener ---- */

static int bound_port(int fd)
{
	/* Large enough for both families, whose ports stand at the same place. */
	struct sockaddr_in6 own = {0};
	socklen_t size = sizeof(own);
	if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
		return 0;
	return ntohs(own.sin6_port);
}

static int listen_on(const char *address, int port, char *err, size_t err_size)
{
	char service[12];
	struct addrinfo *to, want = {.ai_socktype = SOCK_STREAM,
	                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	(void)snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &want, &to) != 0) {
		(void)snprintf(err, err_size, "pos: %s is not an IP address", address);
		return -1;
	}
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		goto err_say;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		goto err_say;
	freeaddrinfo(to);
	return fd;

err_say:
	(void)snprintf(err, err_size, "pos: %s:%d: %s", address, port, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	freeaddrinfo(to);
	return -1;
}

static int copy_lanes(struct pos *p, const char *const *lanes)
{
	while (lanes[p->lane_count] != NULL)
		p->lane_count++;
	p->lanes = calloc((size_t)p->lane_count + 1, sizeof(p->lanes[0]));
	if (p->lanes == NULL)
		return -1;
	for (int i = 0; i < p->lane_count; i++)
		if (!text_copy(p->lanes[i], sizeof(p->lanes[0]), lanes[i]))
			return -1;
	return 0;
}

static int copy_params(struct pos *p, const struct pos_params *params, char *err, size_t err_size)
{
	p->link_max = params->connections_max > 0 ? params->connections_max : CONNECTIONS_MAX;
	p->digits = num_currency_digits(params->currency);
	p->links = calloc((size_t)p->link_max, sizeof(struct pos_link *));
	const char *fault = NULL;
	if (p->digits < 0)
		fault = "the currency is not an ISO 4217 code";
	else if (params->token == NULL || params->token[0] == '\0' ||
	         !text_copy(p->token, sizeof(p->token), params->token))
		fault = "the token has to have 1 to 128 bytes";
	else if (!text_copy(p->store, sizeof(p->store), params->store))
		fault = "the store's name is too long";
	else if (copy_lanes(p, params->lanes) < 0 || p->links == NULL)
		fault = "out of memory, or a lane's name is too long";
	if (fault == NULL)
		return 0;
	(void)snprintf(err, err_size, "pos: %s", fault);
	return -1;
}

struct pos *pos_new(struct event_base *base, const struct pos_params *params,
                    const struct clock *clock, struct counters *counters,
                    const struct capture_ops *ops, char *err, size_t err_size)
{
	struct pos *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		(void)snprintf(err, err_size, "pos: out of memory");
		return NULL;
	}
	p->base = base;
	p->clock = clock;
	p->counters = counters;
	p->ops = *ops;
	p->fd = -1;
	if (copy_params(p, params, err, err_size) < 0)
		goto err_free;
	p->fd =
	    listen_on(params->listen ? params->listen : "127.0.0.1", params->port, err, err_size);
	if (p->fd < 0)
		goto err_free;
	p->port = bound_port(p->fd);
	p->acceptable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_acceptable, p);
	p->pause = evtimer_new(base, on_pause_over, p);
	if (p->acceptable == NULL || p->pause == NULL || event_add(p->acceptable, NULL) < 0) {
		(void)snprintf(err, err_size, "pos: out of memory");
		goto err_free;
	}
	return p;

err_free:
	pos_free(p);
	return NULL;
}

static void stop_listening(struct pos *p)
{
	if (p->acceptable != NULL)
		event_free(p->acceptable);
	if (p->pause != NULL)
		event_free(p->pause);
	p->acceptable = p->pause = NULL;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

void pos_stop(struct pos *p)
{
	stop_listening(p);
	for (int i = 0; i < p->link_max; i++)
		if (p->links[i] != NULL)
			pos_link_stop(p->links[i]);
}

void pos_free(struct pos *p)
{
	if (p == NULL)
		return;
	stop_listening(p);
	for (int i = 0; p->links != NULL && i < p->link_max; i++)
		if (p->links[i] != NULL)
			pos_link_free(p->links[i], false);
	free(p->links);
	free(p->lanes);
	buf_free(&p->out);
	buf_free(&p->list);
	free(p);
}

int pos_port(const struct pos *p)
{
	return p->port;
}

int pos_connections(const struct pos *p)
{
	return p->link_count;
}

/* ---- answers ---- */

static struct pos_link *find_link(const struct pos *p, uint64_t id)
{
	struct pos_link *link = p->links[id % (uint64_t)p->link_max];
	return link != NULL && link->id == id ? link : NULL;
}

void pos_send(struct pos *p, uint64_t link, const char *json, size_t len)
{
	struct pos_link *to = find_link(p, link);
	if (to != NULL)
		pos_link_send(to, json, len);
}

static void add_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	lw_event_json_string(b, value);
}

void pos_send_error(struct pos *p, uint64_t link, const char *source_message_id, const char *code,
                    const char *field, const char *message)
{
	counter_add(p->counters, COUNTER_POS_REFUSED, 1);
	buf_reset(&p->out);
	buf_str(&p->out, "{\"type\":\"error\"");
	if (source_message_id != NULL)
		add_member(&p->out, "source_message_id", source_message_id);
	add_member(&p->out, "code", code);
	add_member(&p->out, "field", field ? field : "");
	add_member(&p->out, "message", message);
	buf_byte(&p->out, '}');
	if (!p->out.failed)
		pos_send(p, link, (const char *)p->out.data, p->out.len);
}
