/* Who may hold a connection of one evhttp server, and for how long.
 *
 * evhttp owns its listeners and connections and has no limits of its own but sizes. The guard makes
 * each connection's bufferevent (evhttp_set_bevcb), keeps one reference to it, and thereby knows
 * how many there are.
 *
 *   G1  A connection over a limit is closed in the loop pass that accepted it, before a byte is
 * read. G2  A request that is not complete within request_ms closes its connection; a streamed
 * answer has no such limit. G3  When the process has no descriptors left, a listener rests until
 * the next tick instead of spinning. G4  Every answer of 4xx is counted, also those that evhttp
 * gives by itself (a body over the limit).
 *
 * Loop thread only.
 */
#ifndef LANEWAY_SERVE_GUARD_H
#define LANEWAY_SERVE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/counter.h"

struct evconnlistener;
struct event_base;
struct evhttp;
struct evhttp_request;
struct guard;

struct guard_limits {
	int connections;      /* at once */
	int per_address;      /* at once from one IP address; peers on a local socket have none */
	bool loopback_exempt; /* from per_address */
	size_t header_bytes, body_bytes;
	int request_ms;
	int tick_ms; /* how often time limits are looked at, and how long a listener rests at most
	              */
};

/* Watches `http` from here on. The limits are copied. NULL: out of memory. */
struct guard *guard_new(struct event_base *base, struct evhttp *http, struct counters *counters,
                        const struct guard_limits *limits);
/* After evhttp_free of its server. */
void guard_free(struct guard *g);

/* Also look after this listener; it must live as long as the guard ticks, that is until
 * evhttp_free. */
void guard_listener(struct guard *g, struct evconnlistener *listener);

/* A complete request has come: its time limit ends here; the next one's begins when it is answered.
 */
void guard_request(struct guard *g, struct evhttp_request *req);

#endif
