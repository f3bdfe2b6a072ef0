#include "serve/verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/queue.h"
#include "serve/stream.h"

#define NOTES_MAX 64             /* progress that nobody fetches is left out */
#define PROGRESS_US_MIN 100000   /* at most ten lines a second */
#define PENDING_BYTES_MAX 262144 /* for a client that does not read */

/* A line from the thread to the loop. */
struct note {
	bool last;
	char text[512];
};

struct verify {
	verify_fn *work;
	void *ctx;
	struct queue *notes;
	struct event *readable;
	struct stream *stream; /* NULL: the client is gone */
	pthread_t thread;
	bool running;
	atomic_bool stop;
	int64_t told_us; /* the thread's own: its last progress */
};

static void closed_cb(void *ctx, struct stream *s)
{
	struct verify *v = ctx;

	(void)s;
	v->stream = NULL;
}

static bool progress_cb(void *ctx, uint64_t done, uint64_t total)
{
	struct verify *v = ctx;
	int64_t now = clock_mono_us(clock_system());
	struct note *n;

	if (atomic_load(&v->stop))
		return false;
	if (now - v->told_us < PROGRESS_US_MIN)
		return true;
	v->told_us = now;
	n = calloc(1, sizeof(*n));
	if (!n)
		return true;
	snprintf(n->text, sizeof(n->text), "{\"done\":%" PRIu64 ",\"total\":%" PRIu64 "}\n", done,
	         total);
	if (!queue_push(v->notes, n))
		free(n);
	return true;
}

static void say_result(struct note *n, int rc, const struct journal_verify *out, const char *err)
{
	json_t *o;

	n->last = true;
	if (rc == 0) {
		snprintf(n->text, sizeof(n->text),
		         "{\"ok\":true,\"epochs\":%" PRIu64 ",\"packs\":%" PRIu64
		         ",\"events\":%" PRIu64 "}\n",
		         out->epochs, out->packs, out->events);
		return;
	}
	o = json_pack("{s:b,s:s}", "ok", 0, "error", err);
	if (!o || json_dumpb(o, n->text, sizeof(n->text) - 2, JSON_COMPACT) > sizeof(n->text) - 2)
		strcpy(n->text, "{\"ok\":false,\"error\":\"the journal has a fault\"}");
	strcat(n->text, "\n");
	json_decref(o);
}

static void *thread_main(void *arg)
{
	struct verify *v = arg;
	struct journal_verify out = {0};
	char err[400] = "";
	struct note *n = calloc(1, sizeof(*n));
	int rc = v->work(v->ctx, progress_cb, v, &out, err, sizeof(err));

	if (!n)
		abort(); /* 500 bytes */
	say_result(n, rc, &out, err);
	while (!queue_push(v->notes, n)) {
		struct note *oldest = queue_pop(v->notes); /* only progress can be in the way */
		free(oldest);
	}
	return NULL;
}

static void finish(struct verify *v)
{
	pthread_join(v->thread, NULL);
	v->running = false;
	if (v->stream)
		stream_end(v->stream);
}

static void readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct verify *v = arg;
	struct note *n;

	(void)fd;
	(void)what;
	while ((n = queue_pop(v->notes)) != NULL) {
		bool last = n->last;
		if (v->stream)
			stream_send(v->stream, n->text, strlen(n->text));
		free(n);
		if (last)
			finish(v);
	}
}

struct verify *verify_new(struct event_base *base, verify_fn *work, void *ctx)
{
	struct verify *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->work = work;
	v->ctx = ctx;
	v->notes = queue_new(NOTES_MAX);
	if (v->notes)
		v->readable =
		    event_new(base, queue_fd(v->notes), EV_READ | EV_PERSIST, readable_cb, v);
	if (!v->readable || event_add(v->readable, NULL) != 0) {
		verify_free(v);
		return NULL;
	}
	return v;
}

void verify_free(struct verify *v)
{
	struct note *n;

	if (!v)
		return;
	atomic_store(&v->stop, true);
	if (v->running)
		finish(v);
	while (v->notes && (n = queue_pop(v->notes)) != NULL)
		free(n);
	if (v->readable)
		event_free(v->readable);
	queue_free(v->notes);
	free(v);
}

bool verify_start(struct verify *v, struct evhttp_request *req)
{
	if (v->running)
		return false;
	v->told_us = 0;
	if (pthread_create(&v->thread, NULL, thread_main, v) != 0)
		return false;
	v->running = true;
	v->stream = stream_open(req, "application/x-ndjson", PENDING_BYTES_MAX, closed_cb, v);
	return true;
}
