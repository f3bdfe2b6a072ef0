#include "serve/stream.h"

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#define INPUT_BYTES_MAX 4096 /* what a stream's client may send although nobody reads it */
#define END_S 10             /* for the last bytes to leave */

struct stream {
	struct evhttp_request *req;
	struct bufferevent *bev;
	struct evbuffer *chunk;
	size_t pending_max;
	stream_closed_fn *closed;
	void *ctx;
};

static void finish(struct stream *s)
{
	s->closed(s->ctx, s);
	evbuffer_free(s->chunk);
	free(s);
}

static void closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct stream *s = arg;

	(void)evcon;
	/* Taken off its connection by evhttp, the request is ours to free. */
	if (!evhttp_request_get_connection(s->req))
		evhttp_request_free(s->req);
	finish(s);
}

struct stream *stream_open(struct evhttp_request *req, const char *type, size_t pending_max,
                           stream_closed_fn *closed, void *ctx)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct stream *s = calloc(1, sizeof(*s));
	struct evbuffer *chunk = evbuffer_new();

	if (!s || !chunk) {
		free(s);
		if (chunk)
			evbuffer_free(chunk);
		evhttp_send_error(req, 503, NULL);
		return NULL;
	}
	s->req = req;
	s->bev = evhttp_connection_get_bufferevent(evcon);
	s->chunk = chunk;
	s->pending_max = pending_max;
	s->closed = closed;
	s->ctx = ctx;
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Connection", "close");
	evhttp_connection_set_closecb(evcon, closed_cb, s);
	bufferevent_set_timeouts(s->bev, NULL, NULL);
	bufferevent_setwatermark(s->bev, EV_READ, 0, INPUT_BYTES_MAX);
	evhttp_send_reply_start(req, 200, "OK");
	return s;
}

bool stream_send(struct stream *s, const void *p, size_t n)
{
	struct evbuffer *pending = bufferevent_get_output(s->bev);

	if (evbuffer_get_length(pending) + n > s->pending_max) {
		stream_drop(s);
		return false;
	}
	evbuffer_add(s->chunk, p, n);
	evhttp_send_reply_chunk(s->req, s->chunk);
	return true;
}

void stream_end(struct stream *s)
{
	struct timeval tv = {.tv_sec = END_S};

	evhttp_connection_set_closecb(evhttp_request_get_connection(s->req), NULL, NULL);
	bufferevent_set_timeouts(s->bev, &tv, &tv);
	evhttp_send_reply_end(s->req);
	finish(s);
}

void stream_drop(struct stream *s)
{
	/* evhttp takes it for the client's hanging up: request off, closed_cb, connection freed. */
	bufferevent_trigger_event(s->bev, BEV_EVENT_READING | BEV_EVENT_EOF, 0);
}
