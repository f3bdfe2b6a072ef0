/* HTTP for this machine: two doors, limits, who may ask, and a table of routes.
 *
 * Knows nothing of what is served. Refuses with JSON {"error":{"code","message"}}: a Host that is
 * no loopback name (a web page elsewhere whose name was bent to us), an Origin that is another
 * site, a POST whose body is not JSON. SIGPIPE must be ignored by the process. Loop thread only.
 */
#ifndef LANEWAY_SERVE_HTTP_H
#define LANEWAY_SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/counter.h"
#include "serve/guard.h"

struct event_base;
struct evhttp_request;
struct http;

/* One request, valid until it is answered. */
struct http_call {
	struct evhttp_request *req;
	const char *arg;  /* what stands at the '*' of its route, decoded; "" if there is none */
	const char *body; /* with NUL after it */
	size_t body_len;
	bool local; /* over the local socket */
};
typedef void http_fn(void *ctx, struct http_call *call);

struct http_route {
	const char *path; /* '*' is one path segment of 1 to 64 bytes */
	bool post;        /* else GET */
	bool local_only;  /* not there on the loopback port */
	http_fn *run;     /* answers now, or keeps the request (stream.h) */
};

struct http_params {
	struct event_base *base;
	struct counters *counters;
	const struct http_route *routes; /* ended by one without path; not copied */
	void *ctx;                       /* for the routes */
	struct guard_limits limits;      /* of each door */
};

struct http *http_new(const struct http_params *params); /* NULL: out of memory */
void http_free(struct http *h);

/* Open the doors, each at most once. 0, or -1 with a sentence in err. *port as in bind.h. */
int http_open_loopback(struct http *h, const char *address, int *port, char *err, size_t err_size);
int http_open_local(struct http *h, const char *path, char *err, size_t err_size);

/* Answer. Headers go before. */
void http_reply(struct http_call *call, int status, const char *type, const void *p, size_t n);
void http_add_header(struct http_call *call, const char *name, const char *value);
const char *http_header(const struct http_call *call,
                        const char *name); /* of the request, or NULL */
/* status 4xx or 5xx; code: a word for programs; message: a sentence. */
void http_refuse(struct http_call *call, int status, const char *code, const char *message);

#endif
