/* Tills: newline-delimited JSON over TCP. Shapes, limits and answers are in WIRE.md.
 *
 * The listener serves 256 connections (32 per address, loopback exempt from that) and closes the others.
 * A connection that has not said hello within 5 s is closed. A malformed line is answered with an error
 * naming what was wrong and counted; the connection goes on, except after a line over TILL_LINE_MAX or
 * a failed hello.
 */
#ifndef LANEWAY_CAPTURE_POS_H
#define LANEWAY_CAPTURE_POS_H

#include "capture/capture.h"

struct pos;

struct pos_params {
	const char *listen; /* address, default 127.0.0.1 */
	int port;           /* 0: pick one (pos_port tells) */
	const char *token;  /* compared in constant time; at most 128 bytes */
	const char *store;
	const char *currency;
	const char *const *lanes; /* names a hello may use, NULL-terminated */
	int connections_max;      /* 256 */
};

/* NULL with a sentence in err ("pos: 127.0.0.1:7001: Address already in use"). */
struct pos *pos_new(struct event_base *base, const struct pos_params *params, const struct clock *clock,
                    struct counters *counters, const struct capture_ops *ops, char *err, size_t err_size);
void pos_free(struct pos *p);
int pos_port(const struct pos *p);

/* Send one JSON object (no newline) to a connection; nothing happens if it has ended. */
void pos_send(struct pos *p, uint64_t link, const char *json, size_t len);
/* {"type":"error", ...}; id may be NULL. */
void pos_send_error(struct pos *p, uint64_t link, const char *source_message_id, const char *code,
                    const char *field, const char *message);
int pos_connections(const struct pos *p);

/* Check one message against till.def: the fuzz harness, the tests and the connection share it.
 * 0 with *type set, or -1 with code, field and message set. `digits`: of the store's currency. */
struct pos_fault {
	char code[33], field[65], message[200];
};
int pos_check(const struct json_t *body, int digits, enum till_type *type, struct pos_fault *fault);

#endif
