/* Check the journal while everything goes on: a thread of its own, told as lines of JSON. One at a
 * time. */
#ifndef LANEWAY_SERVE_VERIFY_H
#define LANEWAY_SERVE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/journal.h"

struct event_base;
struct evhttp_request;
struct verify;

/* The work, called in the thread; as journal_reader_verify. 0, or -1 with a sentence in err. */
typedef int verify_fn(void *ctx,
                      bool (*progress)(void *progress_ctx, uint64_t done, uint64_t total),
                      void *progress_ctx, struct journal_verify *out, char *err, size_t err_size);

struct verify *verify_new(struct event_base *base, verify_fn *work,
                          void *ctx); /* NULL: out of memory */
/* Tells the work to stop and waits until it has. */
void verify_free(struct verify *v);

/* Start, and answer this request with progress and result. false: one is running already, or no
 * thread could be had; the request is untouched. A client that hangs up does not end the work, only
 * the telling. */
bool verify_start(struct verify *v, struct evhttp_request *req);

#endif
