/* The messages of many packs in one run of bytes: what a start reads in their place. Bytes in and
 * out, no database. WIRE.md section 4, `taken`.
 *
 * Of a body's hash the first TAKEN_BODY_BYTES are kept, and of the time whole seconds. One message
 * of a known session takes about 13 bytes.
 */
#ifndef LANEWAY_STORE_TAKEN_H
#define LANEWAY_STORE_TAKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"

#define TAKEN_BODY_BYTES 8
#define TAKEN_SESSIONS_MAX 4096 /* of one run */

struct taken_message {
	struct entry_id id; /* read: the body's other bytes are zeros */
	uint64_t seq;
	uint32_t count;
	int64_t wall_s; /* 0: not known */
};

/* Where writing or reading a run stands. */
struct taken;
struct taken *taken_new(void); /* NULL: out of memory */
void taken_free(struct taken *t);
void taken_begin(struct taken *t); /* the next call is about the first message of a run */

/* Append the message. 0; -1 with nothing appended: out of memory, or too many sessions. */
int taken_add(struct taken *t, struct buf *out, const struct taken_message *m);
/* 1 read and *at moved on, 0 at the end, -1 malformed or out of memory. */
int taken_next(struct taken *t, const uint8_t *p, size_t n, size_t *at, struct taken_message *out);

#endif
