#include "serve/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/http.h>

#include "base/buf.h"
#include "event/event.h"
#include "serve/stream.h"

/* After a broken line the browser asks again this often; a daemon's restart then costs a second. */
#define RETRY_LINE "retry: 1000\n"
#define TAIL "" /* no lane has this name */

struct watcher {
	struct watcher *next;
	struct live *live;
	struct stream *stream;
	char lane[EVENT_NAME_SIZE];
};

struct live {
	struct counters *counters;
	struct live_limits limits;
	struct event *comment;
	struct watcher *watchers;
	struct buf message; /* kept between changes: no allocation per event */
};

static void closed_cb(void *ctx, struct stream *s)
{
	struct watcher *w = ctx;
	struct live *l = w->live;

	(void)s;
	for (struct watcher **link = &l->watchers; *link; link = &(*link)->next) {
		if (*link != w)
			continue;
		*link = w->next;
		break;
	}
	free(w);
}

static void send_to(struct live *l, const char *lane, const void *p, size_t n)
{
	struct watcher *next;

	for (struct watcher *w = l->watchers; w; w = next) {
		next = w->next; /* a client that is dropped takes only its own watcher with it */
		if (strcmp(w->lane, lane) == 0 && !stream_send(w->stream, p, n))
			counter_add(l->counters, COUNTER_HTTP_SLOW_DROPPED, 1);
	}
}

static void comment_cb(evutil_socket_t unused, short what, void *arg)
{
	struct live *l = arg;
	struct watcher *next;

	(void)unused;
	(void)what;
	for (struct watcher *w = l->watchers; w; w = next) {
		next = w->next;
		if (strcmp(w->lane, TAIL) != 0 && !stream_send(w->stream, ": here\n\n", 8))
			counter_add(l->counters, COUNTER_HTTP_SLOW_DROPPED, 1);
	}
}

static const struct buf *lane_message(struct live *l, const char *json, size_t len)
{
	buf_reset(&l->message);
	buf_str(&l->message, "event: lane\ndata: ");
	buf_add(&l->message, json, len);
	buf_str(&l->message, "\n\n");
	return &l->message;
}

struct live *live_new(struct event_base *base, struct counters *counters,
                      const struct live_limits *limits)
{
	struct live *l = calloc(1, sizeof(*l));
	struct timeval tv = {limits->comment_ms / 1000, limits->comment_ms % 1000 * 1000};

	if (!l)
		return NULL;
	l->counters = counters;
	l->limits = *limits;
	l->comment = event_new(base, -1, EV_PERSIST, comment_cb, l);
	if (!l->comment || event_add(l->comment, &tv) != 0) {
		live_free(l);
		return NULL;
	}
	return l;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	while (l->watchers)
		stream_drop(l->watchers->stream);
	if (l->comment)
		event_free(l->comment);
	buf_free(&l->message);
	free(l);
}

static struct watcher *open_watcher(struct live *l, struct evhttp_request *req, const char *lane,
                                    const char *type, size_t pending_max)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w) {
		evhttp_send_error(req, 503, NULL);
		return NULL;
	}
	w->live = l;
	snprintf(w->lane, sizeof(w->lane), "%s", lane);
	w->stream = stream_open(req, type, pending_max, closed_cb, w);
	if (!w->stream) {
		free(w);
		return NULL;
	}
	w->next = l->watchers;
	l->watchers = w;
	return w;
}

void live_open_lane(struct live *l, struct evhttp_request *req, const char *lane, const char *json,
                    size_t len)
{
	struct watcher *w =
	    open_watcher(l, req, lane, "text/event-stream; charset=utf-8", l->limits.lane_bytes);
	const struct buf *message;

	if (!w || !stream_send(w->stream, RETRY_LINE, strlen(RETRY_LINE)))
		return;
	message = lane_message(l, json, len);
	if (!message->failed && !stream_send(w->stream, message->data, message->len))
		counter_add(l->counters, COUNTER_HTTP_SLOW_DROPPED, 1);
}

void live_open_tail(struct live *l, struct evhttp_request *req)
{
	open_watcher(l, req, TAIL, "application/x-ndjson", l->limits.tail_bytes);
}

void live_lane(struct live *l, const char *lane, const char *json, size_t len)
{
	const struct buf *message = lane_message(l, json, len);

	if (!message->failed)
		send_to(l, lane, message->data, message->len);
}

void live_kept(struct live *l, const char *lines, size_t len)
{
	send_to(l, TAIL, lines, len);
}
