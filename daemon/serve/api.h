/* What stands at each path (WIRE.md, "HTTP API"): the one place where serve asks flow. */
#ifndef LANEWAY_SERVE_API_H
#define LANEWAY_SERVE_API_H

#include "base/buf.h"
#include "serve/http.h"

struct flow;
struct live;
struct verify;

struct api {
	struct flow *flow;
	struct counters *counters;
	const char *const *lanes; /* NULL-terminated */
	struct live *live;
	struct verify *verify;
	struct buf scratch; /* for answers; kept between requests */
};

/* Ended by one without path. Their context is a struct api. */
extern const struct http_route api_routes[];

#endif
