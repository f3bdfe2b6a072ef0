#include "serve/later.h"

#include <stdlib.h>

#include <event2/http.h>

struct later {
	struct evhttp_request *req; /* NULL: the client is gone */
};

static void closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct later *later = arg;

	(void)evcon;
	/* Taken off its connection by evhttp, the request is ours to free. */
	if (!evhttp_request_get_connection(later->req))
		evhttp_request_free(later->req);
	later->req = NULL;
}

struct later *later_keep(const struct http_call *call)
{
	struct later *later = calloc(1, sizeof(*later));

	if (!later)
		return NULL;
	later->req = call->req;
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), closed_cb, later);
	return later;
}

bool later_take(struct later *later, struct http_call *call)
{
	*call = (struct http_call){.req = later->req, .arg = "", .body = ""};
	free(later);
	if (!call->req)
		return false;
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), NULL, NULL);
	return true;
}
