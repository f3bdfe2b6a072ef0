/* What goes on: server-sent events of each lane, and the tail of kept lines.
 *
 * A lane's stream begins with a snapshot and gets every change in the loop pass in which it
 * happens. A client that lets more than the limit pile up is dropped and counted; it reconnects to
 * a snapshot. Loop thread only.
 */
#ifndef LANEWAY_SERVE_LIVE_H
#define LANEWAY_SERVE_LIVE_H

#include <stddef.h>

#include "base/counter.h"

struct event_base;
struct evhttp_request;
struct live;

struct live_limits {
	size_t lane_bytes, tail_bytes; /* pending for one client */
	int comment_ms;                /* how often a lane's stream is told that we are here */
};

struct live *live_new(struct event_base *base, struct counters *counters,
                      const struct live_limits *limits);
/* Ends every stream. Before its evhttp is freed. */
void live_free(struct live *l);

/* Answer this request with the stream of a lane, beginning with its view (one line of JSON). */
void live_open_lane(struct live *l, struct evhttp_request *req, const char *lane, const char *json,
                    size_t len);
void live_open_tail(struct live *l, struct evhttp_request *req);

/* Say to all who listen: the lane's new view; lines that have been kept, each ended by '\n'. */
void live_lane(struct live *l, const char *lane, const char *json, size_t len);
void live_kept(struct live *l, const char *lines, size_t len);

#endif
