/* Bytes from a client, as they come, through libevent's parser, the checks and the routes. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "../unit/folder.h"
#include "serve/http.h"
#include "serve/stream.h"

struct world {
	struct event_base *base;
	struct counters counters;
	struct http *http;
	struct sockaddr_un address;
};

static void echo(void *ctx, struct http_call *call)
{
	(void)ctx;
	/* Both ends are real, and there is a NUL behind each. */
	if (strlen(call->arg) > 64 || call->body[call->body_len] != '\0')
		abort();
	http_reply(call, 200, "text/plain", call->body, call->body_len);
}

static void closed(void *ctx, struct stream *s)
{
	(void)ctx;
	(void)s;
}

static void talk(void *ctx, struct http_call *call)
{
	struct stream *s = stream_open(call->req, "text/plain", 1000, closed, ctx);

	if (s && stream_send(s, "hello\n", 6))
		stream_end(s);
}

static const struct http_route routes[] = {
    {"/echo/*", false, false, echo},
    {"/echo/*/deep", true, false, echo},
    {"/talk", false, true, talk},
    {NULL, false, false, NULL},
};

static struct world world; /* libFuzzer offers no other place */

static void close_world(void)
{
	http_free(world.http);
	event_base_free(world.base);
}

static void open_world(struct world *w)
{
	struct http_params p = {.counters = &w->counters,
	                        .routes = routes,
	                        .limits = {.connections = 8,
	                                   .per_address = 8,
	                                   .header_bytes = 8192,
	                                   .body_bytes = 65536,
	                                   .request_ms = 10000,
	                                   .tick_ms = 1000}};
	char folder[FOLDER_SIZE], err[200];

	signal(SIGPIPE, SIG_IGN);
	p.base = w->base = event_base_new();
	w->address.sun_family = AF_UNIX;
	folder_make(folder, "http-fuzz");
	snprintf(w->address.sun_path, sizeof(w->address.sun_path), "%s/s", folder);
	w->http = http_new(&p);
	if (!w->http || http_open_local(w->http, w->address.sun_path, err, sizeof(err)) != 0)
		abort();
	atexit(close_world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = &world;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char answer[4096];
	size_t sent = 0;

	if (!w->http)
		open_world(w);
	if (connect(fd, (struct sockaddr *)&w->address, sizeof(w->address)) != 0)
		abort();
	for (int i = 0; i < 20 && sent < size; i++) {
		ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		while (recv(fd, answer, sizeof(answer), 0) > 0)
			;
	}
	close(fd);
	for (int i = 0; i < 4; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	return 0;
}
