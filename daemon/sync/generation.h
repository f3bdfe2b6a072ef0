/* Which life of HQ's database speaks, and how far it had come: what the store remembers of it and
 * hands back. Sync thread only. */
#ifndef LANEWAY_SYNC_GENERATION_H
#define LANEWAY_SYNC_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/journal.h"
#include "sync/confirm.h"

#define GENERATION_LEN 16
#define GENERATIONS_OVER 8 /* remembered: more restores than a year brings */

struct generation {
	char now[GENERATION_LEN + 1];                     /* last heard; empty: never */
	char over[GENERATIONS_OVER * GENERATION_LEN + 1]; /* those before it, newest first */
	char seen[CONFIRM_SEEN_SIZE]; /* the newest that HQ gave us (confirm.h) */
	int64_t seen_kept_us;         /* when the journal was told of it; 0: not in this run */
};

/* As the journal remembers it. */
void generation_load(struct generation *g, struct journal_reader *reader);

enum generation_word {
	GENERATION_SAME,
	GENERATION_FIRST, /* the first that was ever heard */
	GENERATION_OTHER, /* HQ's database was restored or is another one */
	/* One whose end we have heard: a frame that was late on its way, or an HQ that was brought
	 * back with all that could tell it so. What it confirms it may no longer hold. */
	GENERATION_OVER,
};
enum generation_word generation_note(struct generation *g, const char *heard);

/* true: it is newer than what we had, and is to be handed back from now on. The journal is told now
 * and then. */
bool generation_see(struct generation *g, const char *seen, const struct clock *clock,
                    struct journal *journal);

#endif
