/* The till protocol: names shared by the daemon, the simulator and integrators (WIRE.md). */
#ifndef LANEWAY_TILL_H
#define LANEWAY_TILL_H

#define TILL_PROTOCOL 1
#define TILL_LINE_MAX (256 * 1024) /* bytes of one message, newline included */

enum till_type {
#define MESSAGE(symbol, name) TILL_##symbol,
#include "laneway/till.def"
	TILL_TYPE_COUNT
};

struct json_t;

/* A message whose shape has been checked against till.def. Valid during the call that hands it
 * over. */
struct till_message {
	enum till_type type;
	const char *till, *lane; /* from the connection's hello */
	const char *source;      /* "till:<till>" */
	struct json_t *body;     /* the whole object */
};

#endif
