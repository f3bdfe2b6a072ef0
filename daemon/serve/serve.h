/* The screens and the API over HTTP: lane pages for loopback, everything for the local socket.
 *
 * `serve` owns its listeners: 256 connections each, 32 per address (loopback exempt), header, body
 * and time limits. A stream client that lets more than 256 KiB pile up is dropped. Loop thread
 * only. Paths and bodies: WIRE.md, "HTTP API".
 */
#ifndef LANEWAY_SERVE_SERVE_H
#define LANEWAY_SERVE_SERVE_H

#include <stddef.h>

#include "base/counter.h"

struct event_base;
struct flow;
struct serve;

struct serve_params {
	struct event_base *base;
	struct flow *flow;
	struct counters *counters;
	const char *listen;       /* loopback address */
	int port;                 /* 0: pick one */
	const char *socket;       /* path of the local socket, mode 0660; replaced if stale */
	const char *const *lanes; /* NULL-terminated */
	const char *journal_path, *store;
	const void *vault; /* struct vault: to verify the journal in a thread of its own */
};

/* NULL with a sentence in err naming address and reason. */
struct serve *serve_new(const struct serve_params *params, char *err, size_t err_size);
void serve_free(struct serve *s);
int serve_port(const struct serve *s);

#endif
