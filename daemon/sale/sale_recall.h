/* What sale_replay.c (the journal's lines, and baskets), sale_recall.c (people who are not tied to
 * a basket) and sale_restart.c (after the last line) share. */
#ifndef LANEWAY_SALE_RECALL_H
#define LANEWAY_SALE_RECALL_H

#include "sale/sale_internal.h"

/* When something happened, by a clock that has stopped since. */
struct moment {
	char boot[CLOCK_BOOT_ID_SIZE];
	int64_t mono_us, wall_us;
	bool trusted;
};

/* What is only known while lines are replayed. The lanes' own `held` and `wait` are filled as they
 * were; whether they still stand is decided after the last line. */
struct recall {
	bool failed;       /* out of memory */
	struct buf before; /* the line before this one */
	struct buf thin;   /* a line without what is not needed of it */
	int64_t ended_us;  /* wall time of the last line before the newest epoch */
	uint8_t epoch[EVENT_EPOCH_BYTES];
	struct lane_recall {
		struct moment wait, held, last, staff;
	} * lanes;
};

/* One of the journal's lines, opened. */
struct replayed {
	struct sale *s;
	const struct sale_sources *from;
	const uint8_t *epoch;
	uint64_t seq;
	json_t *root, *context, *properties; /* context.laneway */
};

/* ---- sale_replay.c ---- */
const char *sale_replay_text(const json_t *object, const char *key); /* "": not there */
struct lane *sale_replay_lane(const struct replayed *r);
/* The plain text of the line's sealed field, or NULL: its key is gone, or it was not sealed. */
json_t *sale_replay_sealed(const struct replayed *r, struct visit_key *key);
struct spot sale_replay_spot(const struct replayed *r);
/* Work in the basket's lines that were only noted. 0, or -1: out of memory. */
int sale_replay_later(struct sale *s, struct basket *b);
/* Wall time of the last line; 0: there was none. */
int64_t sale_replay_ended(const struct sale *s);
/* The box was gone (`why`, static text) while this basket was open, and is back in this boot. */
void sale_basket_gone(struct basket *b, const char *why, int64_t ended_us, const char *boot,
                      int64_t mono_us);

/* ---- sale_recall.c: the same events, as they bear on who was not tied ---- */
struct lane_recall *sale_recall_of(const struct sale *s, const struct lane *lane);
void sale_recall_moment(const struct replayed *r, struct moment *m);
void sale_recall_presented(const struct replayed *r);
void sale_recall_visit_started(const struct replayed *r);
void sale_recall_visit_ended(const struct replayed *r);
void sale_recall_opened(struct basket *b);
void sale_recall_attached(const struct replayed *r, const char *ident_ref);
void sale_recall_first_line(const struct replayed *r, const struct basket *b);
void sale_recall_claimed(const struct replayed *r);

/* ---- sale_staff.c ---- */
/* An identifier was presented in this basket, or before one (NULL): was it, or is it no more, a
 * staff sale's card? */
void sale_staff_replay(const struct replayed *r, struct basket *b);
void sale_recall_free(struct sale *s);

#endif
