/* One answer that goes on: chunks to a client until one of the two ends it.
 *
 * A client that does not read lets bytes pile up; past pending_max it is dropped. evhttp frees the
 * request.
 */
#ifndef LANEWAY_SERVE_STREAM_H
#define LANEWAY_SERVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct evhttp_request;
struct stream;

/* The stream is gone, whoever ended it; the last call about it. */
typedef void stream_closed_fn(void *ctx, struct stream *s);

/* Send the headers of a 200 answer. The request belongs to the stream. NULL: out of memory,
 * answered 503. */
struct stream *stream_open(struct evhttp_request *req, const char *type, size_t pending_max,
                           stream_closed_fn *closed, void *ctx);

/* Send one chunk. false: too much was pending and the client has been dropped (closed has been
 * called). */
bool stream_send(struct stream *s, const void *p, size_t n);

void stream_end(struct stream *s);  /* all was said: what is pending still goes out */
void stream_drop(struct stream *s); /* at once */

#endif
