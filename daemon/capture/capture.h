/* What the ways in hand to the rest of the daemon, and nothing more: one struct of callbacks that
 * flow sets. capture never includes identity, store, sale or sync. Loop thread only.
 */
#ifndef LANEWAY_CAPTURE_CAPTURE_H
#define LANEWAY_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "event/event.h"
#include "laneway/till.h"

#define CAPTURE_SCAN_MAX 8191 /* bytes of one scan */

struct event_base; /* libevent's */

/* One framed scan. Valid during the call. value has no NUL inside and one behind its end, is UTF-8
 * (Latin-1 input is converted), and may hold the GS separator 0x1D but no other control character.
 */
struct capture_scan {
	const char *source, *lane;
	const char *symbology; /* AIM identifier such as "]E0", or NULL */
	const char *value;
	size_t len;
	int64_t mono_us, wall_us; /* when its last byte was read */
};

/* What flow says to a till message. */
enum capture_verdict {
	CAPTURE_TAKEN, /* answered, or will be */
	CAPTURE_WAIT,  /* the journal's queue is full, or the box is starting: keep the line, stop
	                  reading, ask again in 10 ms */
};

struct capture_ops {
	void (*scan)(void *ctx, const struct capture_scan *scan);
	/* link: number of the connection, never reused; raw: the line as sent, without newline.
	 * session and counter come from source_message_id. */
	enum capture_verdict (*till)(void *ctx, uint64_t link, const struct till_message *m,
	                             const char *session, uint64_t counter, const char *raw,
	                             size_t len);
	/* A till said hello (up; its welcome is on the way) or its connection ended. */
	void (*till_link)(void *ctx, uint64_t link, const char *till, const char *lane, bool up);
	/* What the till sends next was made so long before its welcome ("made", WIRE.md). */
	enum capture_verdict (*till_made)(void *ctx, uint64_t link, int64_t before_us);
	/* It has sent all that was not answered before ("made", 0), and all that came is taken. */
	void (*till_word)(void *ctx, uint64_t link);
	/* Append a JSON array of this till's own names of its open baskets: ["B17"]. For the
	 * welcome, which waits (CAPTURE_WAIT, nothing appended) while they are not known. */
	enum capture_verdict (*till_baskets)(void *ctx, const char *till, struct buf *json);
	/* A scanner was opened ("start", "plugged") or lost ("unplugged", "no such device", or the
	 * system's words). Lost is said once, also for a scanner that is missing from the start. */
	void (*device)(void *ctx, const char *source, const char *lane, bool up, const char *cause);
	/* Input that was not accepted, never its bytes; reason: too_long, too_short, control,
	 * prefix, symbology, incomplete. At most once a second per scanner and reason, with how
	 * often. */
	void (*refused)(void *ctx, const char *source, const char *lane, const char *reason,
	                uint64_t count);
	void *ctx;
};

#endif
