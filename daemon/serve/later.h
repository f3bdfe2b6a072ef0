/* A request whose answer comes later: the client may be gone by then. Loop thread only. */
#ifndef LANEWAY_SERVE_LATER_H
#define LANEWAY_SERVE_LATER_H

#include "serve/http.h"

struct later;

/* Keep the request, which is not answered yet. NULL: out of memory; it is still to be answered. */
struct later *later_keep(const struct http_call *call);
/* The request to be answered now, in *call (its body is gone). false: its client has gone away.
 * `later` is freed in both cases. */
bool later_take(struct later *later, struct http_call *call);

#endif
