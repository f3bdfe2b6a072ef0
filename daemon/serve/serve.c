#include "serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "serve/api.h"
#include "serve/live.h"
#include "serve/verify.h"

static const struct guard_limits door_limits = {
    .connections = 256,      /* a store has at most 64 lanes; some pages open twice, some tools */
    .per_address = 32,       /* one machine must not take them all */
    .loopback_exempt = true, /* ... but the box's own tablets and tests may */
    .header_bytes = 8192,
    .body_bytes = 65536,
    .request_ms = 10000,
    .tick_ms = 1000,
};
static const struct live_limits stream_limits = {
    .lane_bytes = 262144,  /* a screen that is so far behind is better off with a snapshot */
    .tail_bytes = 4194304, /* about 5,000 events: a tail has no snapshot to come back to */
    .comment_ms = 10000,   /* a screen blanks the person after 30 s without a byte */
};

struct serve {
	struct api api;
	struct http *http;
	const struct vault *vault;
	char *journal_path, *store;
	int port;
};

static int verify_cb(void *ctx, bool (*progress)(void *, uint64_t, uint64_t), void *progress_ctx,
                     struct journal_verify *out, char *err, size_t err_size)
{
	struct serve *s = ctx;
	struct journal_reader *r;
	int rc;

	if (journal_reader_open(&r, s->journal_path, s->store, s->vault, err, err_size) != 0)
		return -1;
	rc = journal_reader_verify(r, out, progress, progress_ctx, err, err_size);
	journal_reader_free(r);
	return rc;
}

static void lane_cb(void *ctx, const char *lane, const char *json, size_t len)
{
	struct serve *s = ctx;

	live_lane(s->api.live, lane, json, len);
}

static void kept_cb(void *ctx, const char *lines, size_t len)
{
	struct serve *s = ctx;

	live_kept(s->api.live, lines, len);
}

static int open_doors(struct serve *s, const struct serve_params *params, char *err,
                      size_t err_size)
{
	s->port = params->port;
	if (http_open_loopback(s->http, params->listen, &s->port, err, err_size) != 0)
		return -1;
	return http_open_local(s->http, params->socket, err, err_size);
}

struct serve *serve_new(const struct serve_params *params, char *err, size_t err_size)
{
	struct serve *s = calloc(1, sizeof(*s));
	struct http_params http = {.base = params->base,
	                           .counters = params->counters,
	                           .routes = api_routes,
	                           .limits = door_limits};

	snprintf(err, err_size, "out of memory");
	if (!s)
		return NULL;
	s->vault = params->vault;
	s->journal_path = strdup(params->journal_path);
	s->store = strdup(params->store);
	s->api.flow = params->flow;
	s->api.counters = params->counters;
	s->api.lanes = params->lanes;
	s->api.live = live_new(params->base, params->counters, &stream_limits);
	s->api.verify = verify_new(params->base, verify_cb, s);
	http.ctx = &s->api;
	s->http = http_new(&http);
	if (!s->journal_path || !s->store || !s->api.live || !s->api.verify || !s->http ||
	    open_doors(s, params, err, err_size) != 0) {
		serve_free(s);
		return NULL;
	}
	flow_watch(params->flow, lane_cb, kept_cb, s);
	return s;
}

void serve_free(struct serve *s)
{
	if (!s)
		return;
	flow_watch(s->api.flow, NULL, NULL, NULL);
	verify_free(s->api.verify);
	live_free(s->api.live);
	http_free(s->http);
	buf_free(&s->api.scratch);
	free(s->journal_path);
	free(s->store);
	free(s);
}

int serve_port(const struct serve *s)
{
	return s->port;
}
