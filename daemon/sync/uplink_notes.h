/* What HQ said of seqs beyond confirming them, as the journal keeps it: for the screens, and so
 * that each is logged and counted once. Sync thread only. */
#ifndef LANEWAY_SYNC_UPLINK_NOTES_H
#define LANEWAY_SYNC_UPLINK_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "store/journal.h"
#include "sync/uplink_runs.h"

struct uplink_noted {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	enum journal_note_kind kind;
	char reason[33]; /* of the newest */
	int64_t wall_us; /* when the first was named */
	struct uplink_runs runs;
};
struct uplink_notes {
	struct uplink_noted *list; /* one per epoch, kind and reason */
	size_t count, cap;
	unsigned changes; /* rises with every change */
	/* What the journal's list had no room for, oldest first. */
	struct journal_note *later;
	size_t later_count, later_cap;
};

void uplink_notes_free(struct uplink_notes *n);
/* As the journal has them. 0 or -1 (logged). */
int uplink_notes_load(struct uplink_notes *n, struct journal_reader *reader);
/* Remember, and let the journal remember, at once or later; how many seqs are new (0 also when
 * there is no memory: it must be said again). */
uint64_t uplink_notes_add(struct uplink_notes *n, struct journal *journal,
                          const struct journal_note *note);
/* These seqs are no longer of this kind. */
void uplink_notes_cut(struct uplink_notes *n, struct journal *journal,
                      const struct journal_note *note);
/* Tell the journal what it had no room for. false: there is more. */
bool uplink_notes_flush(struct uplink_notes *n, struct journal *journal);
/* Another generation: all but what is lost is to be heard anew. The journal forgets it by itself.
 */
void uplink_notes_rewind(struct uplink_notes *n);
uint64_t uplink_notes_total(const struct uplink_notes *n, enum journal_note_kind kind);
/* One row per run, those of the latest reasons first. The number, at most max. */
int uplink_notes_newest(const struct uplink_notes *n, struct journal_note *out, int max);
/* The seqs of one epoch and kind, whatever the reason, into out. */
void uplink_notes_runs(const struct uplink_notes *n, const uint8_t epoch[EVENT_EPOCH_BYTES],
                       enum journal_note_kind kind, struct uplink_runs *out);

#endif
