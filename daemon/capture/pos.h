/* Tills: newline-delimited JSON over TCP. Shapes, limits and answers are in WIRE.md.
 *
 * The listener serves 256 connections (32 per address, loopback exempt from that) and closes the
 * others. A connection that has not said hello within 5 s is closed. A malformed line is answered
 * with an error naming what was wrong and counted; the connection goes on, except after a line over
 * TILL_LINE_MAX or a failed hello. A till that does not read (1 MiB of answers waiting) is cut off.
 * Loop thread only; the process ignores SIGPIPE.
 */
#ifndef LANEWAY_CAPTURE_POS_H
#define LANEWAY_CAPTURE_POS_H

#include "capture/capture.h"

struct pos;

/* Text is copied. */
struct pos_params {
	const char *listen; /* address, default 127.0.0.1 */
	int port;           /* 0: pick one (pos_port tells) */
	const char *token;  /* compared in constant time; 1 to 128 bytes */
	const char *store;
	const char *currency;
	const char *const *lanes; /* names a hello may use, NULL-terminated */
	int connections_max;      /* 0: 256 */
};

/* *ops is copied. NULL with a sentence in err ("pos: 127.0.0.1:7001: Address already in use"). */
struct pos *pos_new(struct event_base *base, const struct pos_params *params,
                    const struct clock *clock, struct counters *counters,
                    const struct capture_ops *ops, char *err, size_t err_size);
/* Accept and read nothing more; pos_send goes on, so that what is kept can still be answered. */
void pos_stop(struct pos *p);
/* Ends the connections without calling back; what can be written without waiting is. NULL is
 * allowed. Not from inside a callback. */
void pos_free(struct pos *p);
int pos_port(const struct pos *p);

/* Send one JSON object (no newline) to a connection; nothing happens if it has ended. Never calls
 * back. */
void pos_send(struct pos *p, uint64_t link, const char *json, size_t len);
/* {"type":"error", ...}, counted as POS_REFUSED; id and field may be NULL. */
void pos_send_error(struct pos *p, uint64_t link, const char *source_message_id, const char *code,
                    const char *field, const char *message);
int pos_connections(const struct pos *p);

/* Check one message against till.def: the fuzz harness, the tests and the connection share it.
 * 0, or -1 with code, field and message set. *type: the message's, TILL_TYPE_COUNT while unknown;
 * it is set in both cases. `digits`: of the store's currency. No value stands in a fault, only
 * names. */
struct pos_fault {
	char code[33], field[65], message[200];
};
int pos_check(const struct json_t *body, int digits, enum till_type *type, struct pos_fault *fault);

/* "session:counter" in its parts; false when it is not of that form. */
bool pos_check_id(const char *text, char session[EVENT_SESSION_SIZE], uint64_t *counter);

#endif
