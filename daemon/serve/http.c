#include "serve/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <jansson.h>

#include "serve/bind.h"

#define ARG_SIZE 65     /* a lane, a file or a customer id and NUL */
#define BACKLOG_AS_IS 0 /* the socket is listening already */
#define METHODS                                                                                    \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
	 EVHTTP_REQ_OPTIONS |                                                                      \
	 EVHTTP_REQ_PATCH) /* all get an answer in JSON, two of them a good one */

enum door_kind { DOOR_LOOPBACK, DOOR_LOCAL, DOOR_COUNT };

struct door {
	struct http *http;
	struct evhttp *evhttp;
	struct guard *guard;
	bool local;
};

struct http {
	struct http_params params;
	struct door doors[DOOR_COUNT];
	char *local_path; /* to be removed at the end */
};

/* ---- answers ---- */

void http_add_header(struct http_call *call, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(call->req), name, value);
}

const char *http_header(const struct http_call *call, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(call->req), name);
}

void http_reply(struct http_call *call, int status, const char *type, const void *p, size_t n)
{
	struct evbuffer *body = evbuffer_new();

	if (body && n > 0)
		evbuffer_add(body, p, n);
	http_add_header(call, "Content-Type", type);
	http_add_header(call, "X-Content-Type-Options", "nosniff");
	evhttp_send_reply(call->req, status, NULL, body);
	if (body)
		evbuffer_free(body);
}

void http_refuse(struct http_call *call, int status, const char *code, const char *message)
{
	json_t *o = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	http_reply(call, status, "application/json", text ? text : "", text ? strlen(text) : 0);
	free(text);
	json_decref(o);
}

/* ---- who may ask ---- */

static bool loopback_name(const char *host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);
		if (strncasecmp(host, names[i], n) != 0)
			continue;
		if (host[n] == '\0')
			return true;
		if (host[n] == ':' && host[n + 1 + strspn(host + n + 1, "0123456789")] == '\0')
			return true;
	}
	return false;
}

static bool same_origin(const char *origin, const char *host)
{
	return strncmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0;
}

/* true: go on. Else the request has been answered. */
static bool may_ask(struct http_call *call, bool post)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->req);
	const char *host = http_header(call, "Host"), *origin = http_header(call, "Origin");
	const char *type = http_header(call, "Content-Type");

	if (!host || !loopback_name(host) || evhttp_uri_get_host(uri)) {
		http_refuse(call, 403, "host",
		            "the Host header must be localhost, 127.0.0.1 or [::1]");
		return false;
	}
	if (origin && !same_origin(origin, host)) {
		http_refuse(call, 403, "origin", "requests from pages of other sites are refused");
		return false;
	}
	if (post && (!type || strncasecmp(type, "application/json", 16) != 0 ||
	             (type[16] != '\0' && type[16] != ';' && type[16] != ' '))) {
		http_refuse(call, 415, "content_type", "the body must be application/json");
		return false;
	}
	return true;
}

/* ---- routes ---- */

/* Does this path fit; the segment at '*' goes to arg, decoded. */
static bool fits(const char *route, const char *path, char arg[ARG_SIZE])
{
	const char *star = strchr(route, '*');
	size_t head = star ? (size_t)(star - route) : strlen(route), raw;
	char segment[3 * ARG_SIZE], *text;
	size_t len;

	arg[0] = '\0';
	if (!star)
		return strcmp(route, path) == 0;
	if (strncmp(route, path, head) != 0)
		return false;
	raw = strcspn(path + head, "/");
	if (raw == 0 || raw >= sizeof(segment) || strcmp(path + head + raw, star + 1) != 0)
		return false;
	memcpy(segment, path + head, raw);
	segment[raw] = '\0';
	text = evhttp_uridecode(segment, 0, &len);
	if (!text)
		return false;
	if (len < ARG_SIZE && strlen(text) == len) /* no %00 inside */
		memcpy(arg, text, len + 1);
	free(text);
	return arg[0] != '\0';
}

static const struct http_route *find_route(const struct door *d, const char *path, bool post,
                                           char arg[ARG_SIZE], bool *other_method)
{
	*other_method = false;
	for (const struct http_route *r = d->http->params.routes; r->path; r++) {
		if ((r->local_only && !d->local) || !fits(r->path, path, arg))
			continue;
		if (r->post == post)
			return r;
		*other_method = true;
	}
	return NULL;
}

/* The body as text with NUL; NULL: out of memory. */
static char *take_body(struct evhttp_request *req, size_t *len)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	char *body;

	*len = evbuffer_get_length(in);
	body = malloc(*len + 1);
	if (!body)
		return NULL;
	if (*len > 0)
		evbuffer_copyout(in, body, *len);
	body[*len] = '\0';
	return body;
}

static void run(struct door *d, const struct http_route *route, struct http_call *call)
{
	char *body = NULL;

	if (!may_ask(call, route->post))
		return;
	call->body = "";
	if (route->post) {
		body = take_body(call->req, &call->body_len);
		if (!body) {
			http_refuse(call, 503, "memory", "out of memory");
			return;
		}
		call->body = body;
	}
	route->run(d->http->params.ctx, call);
	free(body);
}

static void request_cb(struct evhttp_request *req, void *arg)
{
	struct door *d = arg;
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	char segment[ARG_SIZE] = "";
	struct http_call call = {.req = req, .arg = segment, .local = d->local};
	const struct http_route *route;
	bool post = method == EVHTTP_REQ_POST, other_method;

	guard_request(d->guard, req);
	route = find_route(d, path ? path : "", post, segment, &other_method);
	if (route && (post || method == EVHTTP_REQ_GET))
		run(d, route, &call);
	else if (route || other_method)
		http_refuse(&call, 405, "method", "this path does not take this method");
	else
		http_refuse(&call, 404, "not_found", "there is nothing at this path");
}

/* ---- doors ---- */

static int open_door(struct http *h, enum door_kind kind, int fd)
{
	struct door *d = &h->doors[kind];
	struct evconnlistener *listener;

	d->http = h;
	d->local = kind == DOOR_LOCAL;
	d->evhttp = evhttp_new(h->params.base);
	if (!d->evhttp)
		goto err_close_fd;
	d->guard = guard_new(h->params.base, d->evhttp, h->params.counters, &h->params.limits);
	if (!d->guard)
		goto err_free_evhttp;
	listener =
	    evconnlistener_new(h->params.base, NULL, NULL,
	                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG_AS_IS, fd);
	if (!listener)
		goto err_free_guard;
	if (!evhttp_bind_listener(d->evhttp, listener)) {
		evconnlistener_free(listener);
		fd = -1;
		goto err_free_guard;
	}
	guard_listener(d->guard, listener);
	evhttp_set_allowed_methods(d->evhttp, METHODS);
	evhttp_set_gencb(d->evhttp, request_cb, d);
	return 0;

err_free_guard:
	guard_free(d->guard);
	d->guard = NULL;
err_free_evhttp:
	evhttp_free(d->evhttp);
	d->evhttp = NULL;
err_close_fd:
	if (fd >= 0)
		close(fd);
	return -1;
}

int http_open_loopback(struct http *h, const char *address, int *port, char *err, size_t err_size)
{
	int fd = bind_loopback(address, port, err, err_size);

	if (fd < 0)
		return -1;
	if (open_door(h, DOOR_LOOPBACK, fd) != 0) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	return 0;
}

int http_open_local(struct http *h, const char *path, char *err, size_t err_size)
{
	int fd = bind_local(path, err, err_size);

	if (fd < 0)
		return -1;
	if (open_door(h, DOOR_LOCAL, fd) != 0) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	h->local_path =
	    strdup(path); /* without memory the path stays and is found stale next time */
	return 0;
}

struct http *http_new(const struct http_params *params)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h)
		h->params = *params;
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (int i = 0; i < DOOR_COUNT; i++) {
		if (h->doors[i].evhttp)
			evhttp_free(h->doors[i].evhttp);
		guard_free(h->doors[i].guard);
	}
	if (h->local_path)
		unlink(h->local_path);
	free(h->local_path);
	free(h);
}
