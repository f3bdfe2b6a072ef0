/* The resend window: which messages were already taken, so that one sent again is not a second
 * event.
 *
 * A message's identity is (source, session, counter) with the counter rising within a session, and
 * the first 8 bytes of the keyed hash of its body. 32 to 40 bytes of memory an id. Pure data
 * structure, loop thread only; rebuilt at start from the journal.
 *
 * At most 1,024 sources, and of each the 4,096 sessions heard last: a till opens one per start. A
 * session that was pushed out is forgotten with its marks.
 */
#ifndef LANEWAY_STORE_WINDOW_H
#define LANEWAY_STORE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct window;

enum window_verdict {
	WINDOW_NEW,       /* not seen: keep it */
	WINDOW_QUEUED,    /* the first copy waits for its commit: answer when that comes */
	WINDOW_KEPT,      /* already durable: answer with its epoch, seq and count */
	WINDOW_DIFFERENT, /* same id, another body: an error */
	WINDOW_TOO_OLD,   /* at or below the highest counter already dropped for its session */
};

struct window_slot {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
	uint32_t count;
	struct entry *queued; /* WINDOW_QUEUED: the entry of the first copy */
};

/* age_us_max: 72 h; ids_max: per source, 200,000. NULL: out of memory. */
struct window *window_new(int64_t age_us_max, size_t ids_max);
void window_free(struct window *w);

enum window_verdict window_ask(const struct window *w, const struct entry_id *id,
                               struct window_slot *slot);

/* A new id is on its way in `e`. 0, or -1 out of memory (then refuse the message). */
int window_queued(struct window *w, const struct entry_id *id, struct entry *e, int64_t wall_us);
/* It is durable now (also used to rebuild). */
int window_kept(struct window *w, const struct entry_id *id, const uint8_t epoch[EVENT_EPOCH_BYTES],
                uint64_t seq, uint32_t count, int64_t wall_us);
/* Take over what `from` knows of durable ids and this one does not, `max` ids at most, the lowest
 * counters of a session first; `from` loses them. How many are left, 0: with them the marks of what
 * is too old have come. -1: out of memory. */
int64_t window_move(struct window *w, struct window *from, size_t max);
/* It was durable and has left the window since: only its counter is remembered (to rebuild, oldest
 * first, without room for what would go at once). 0 or -1, out of memory. */
int window_gone(struct window *w, const struct entry_id *id);
/* It was refused: forget it, the source may try again. */
void window_forget(struct window *w, const struct entry_id *id);

/* Drop ids older than the window; remember the highest dropped counter per session. */
void window_expire(struct window *w, int64_t now_wall_us);
size_t window_len(const struct window *w);

#endif
