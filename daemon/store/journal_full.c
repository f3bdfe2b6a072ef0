/* The disk that is full. From the first write that finds no room until the reserve is whole again,
 * sources are told no: what room there is belongs to what frees more. Confirmations are applied,
 * the log is copied into the file, what may go goes, the file shrinks. When one of these finds no
 * room either, a slice of the reserve is released for it; when there is room, whoever made it, the
 * reserve is made again and sources are served. */
#include "base/log.h"
#include "store/journal_internal.h"

#define FULL_EVERY_US                                                                              \
	1000000 /* between looks whether there is room; a confirmation does not wait */
#define FULL_MORE_BYTES (1024u * 1024)
#define FULL_AGAIN_US 10000000
#define FULL_STEPS 16 /* of retention and vacuum in one go: a source waits for its refusal */

void journal_full_say(struct journal *j, bool full)
{
	if (full && !j->disk_full)
		log_error("journal: the disk is full; sources are told no until there is room");
	if (!full && j->disk_full)
		log_info("journal: there is room on the disk again");
	if (full && !j->disk_full) {
		j->full_since_us = clock_mono_us(j->params.clock);
		j->full_free_bytes = journal_reserve_room(j);
		j->full_kept = j->totals.kept;
	}
	j->disk_full = full;
	if (full)
		j->full_due_us = 0;
	journal_publish(j);
}

static void confirm(struct journal *j)
{
	struct journal_totals totals;
	if (journal_commit_begin(j))
		return;
	if (journal_apply(j, &totals)) {
		journal_commit_undo(j);
		return;
	}
	if (journal_commit_end(j) == 0)
		journal_applied(j, &totals);
}

/* All of the log is in the file, so what comes next finds room in the log itself. */
static bool copied(struct journal *j)
{
	journal_commit_checkpoint(j);
	return !j->no_room && j->wal_pages == 0;
}

/* Something of everything that frees room, as long as the log does not grow from it: the reserve is
 * as long as the log was. true: there may be more of it. */
static bool free_room(struct journal *j)
{
	bool more = true;
	j->no_room = false;
	if (!copied(j))
		return false;
	confirm(j);
	for (int i = 0; i < FULL_STEPS && more && !j->no_room; i++) {
		more = journal_retain_step(j);
		more = (!j->no_room && journal_retain_vacuum(j)) || more;
		/* What was given back leaves the file when its log has been copied into it. */
		if (!j->no_room && !copied(j))
			break;
	}
	journal_commit_measure(j);
	return more;
}

/* What was free was not enough: there has to be more, or some time to have passed. */
static bool has_changed(const struct journal *j)
{
	return journal_reserve_room(j) > j->full_free_bytes + FULL_MORE_BYTES ||
	       clock_mono_us(j->params.clock) - j->full_since_us > FULL_AGAIN_US;
}

void journal_full_step(struct journal *j)
{
	int64_t now_us = clock_mono_us(j->params.clock);
	if (now_us < j->full_due_us && !journal_has_words(j))
		return;
	bool more;
	do {
		more = free_room(j);
	} while (j->no_room && journal_reserve_release(j));
	/* When all has gone that may go, the log's own room may be what the reserve lacks. */
	if (!j->no_room && !more && j->totals.kept < j->full_kept && !journal_reserve_make(j))
		journal_commit_cut_log(j);
	if (!j->no_room && has_changed(j) && journal_reserve_make(j) && journal_reserve_covers(j))
		journal_full_say(j, false);
	j->full_due_us = more && !j->no_room ? 0 : now_us + FULL_EVERY_US;
	journal_publish(j);
}

void journal_full_watch(struct journal *j)
{
	if (!journal_reserve_make(j))
		journal_full_say(j, true);
}
