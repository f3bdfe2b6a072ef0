/* A client in the same thread as the loop under test: everything happens in `pump`. */
#ifndef TESTS_UNIT_SERVE_CLIENT_H
#define TESTS_UNIT_SERVE_CLIENT_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

struct client {
	int fd;
	char *in; /* what has come, with NUL */
	size_t len;
	bool eof;
};

static int64_t client_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline struct client client_loopback(int port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	                   .in = calloc(1, 1)};

	if (connect(c.fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		abort();
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	return c;
}

static inline struct client client_local(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct client c = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	                   .in = calloc(1, 1)};

	strcpy(un.sun_path, path);
	if (connect(c.fd, (struct sockaddr *)&un, sizeof(un)) != 0)
		abort();
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	return c;
}

static inline void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	c->fd = -1;
	c->in = NULL;
}

static inline void client_send(struct client *c, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t w = send(c->fd, text, n, MSG_NOSIGNAL);
		if (w < 0)
			return; /* closed on us: the test sees it when it reads */
		text += w;
		n -= (size_t)w;
	}
}

static inline void client_read(struct client *c)
{
	char part[16384];
	ssize_t n;

	while ((n = recv(c->fd, part, sizeof(part), 0)) > 0) {
		c->in = realloc(c->in, c->len + (size_t)n + 1);
		memcpy(c->in + c->len, part, (size_t)n);
		c->len += (size_t)n;
		c->in[c->len] = '\0';
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->eof = true;
}

/* Let the loop run until the text has come. false: it has not within two seconds, or the end came
 * first. */
static inline bool client_wait(struct event_base *base, struct client *c, const char *text)
{
	int64_t end = client_now_ms() + 2000;

	for (;;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		client_read(c);
		if (strstr(c->in, text))
			return true;
		if (c->eof || client_now_ms() > end)
			return false;
	}
}

static inline bool client_wait_eof(struct event_base *base, struct client *c)
{
	int64_t end = client_now_ms() + 2000;

	while (!c->eof && client_now_ms() <= end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		client_read(c);
	}
	return c->eof;
}

static inline void client_forget(struct client *c)
{
	c->len = 0;
	c->in[0] = '\0';
}

static inline void client_begin(struct client *c, const char *method, const char *path,
                                const char *more_headers, const char *body)
{
	char head[1024];

	snprintf(head, sizeof(head),
	         "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
	         "%zu\r\n%s\r\n",
	         method, path, strlen(body), more_headers);
	client_send(c, head);
	client_send(c, body);
}

/* A whole answer to the request; the status, or -1. The body's end is told by the closed
 * connection.
 */
static inline int client_answer(struct event_base *base, struct client *c)
{
	if (!client_wait_eof(base, c) || strncmp(c->in, "HTTP/1.1 ", 9) != 0)
		return -1;
	return atoi(c->in + 9);
}

static inline int client_ask(struct event_base *base, struct client *c, const char *method,
                             const char *path, const char *more_headers, const char *body)
{
	client_begin(c, method, path, more_headers, body);
	return client_answer(base, c);
}

#endif
