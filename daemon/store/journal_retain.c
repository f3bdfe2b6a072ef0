#include <string.h>

#include "base/log.h"
#include "store/journal_internal.h"

#define RETAIN_PACKS_MAX 64  /* of one step: a transaction that keeps no scan waiting */
#define RETAIN_EPOCHS_MAX 64 /* looked at in one step */
#define KNOWN_PACKS_MAX 256  /* without a time, looked over in one step */

struct step {
	int64_t id[RETAIN_PACKS_MAX];
	int count;
	bool emptied; /* nothing is left of the epoch */
	uint64_t deleted;
	uint8_t deleted_h[EVENT_HASH_BYTES];
	struct journal_held held; /* the first old pack that stays */
};

/* The last seqs of an epoch that may go as far as others are concerned than HQ's confirmations. */
struct wanted {
	uint64_t awaited, covered;
};

static const char *const held_names[] = {
    [JOURNAL_HELD_NOT] = NULL,
    [JOURNAL_HELD_CLOCK] = "clock",
    [JOURNAL_HELD_UNCONFIRMED] = "unconfirmed",
    [JOURNAL_HELD_SHARD] = "shard",
    [JOURNAL_HELD_STATEMENT] = "statement",
};

const char *journal_held_name(enum journal_held_by by)
{
	return held_names[by];
}

static bool confirmed(const struct journal_row *row, uint64_t first, uint64_t last)
{
	if (last <= row->through)
		return true;
	for (uint32_t i = 0; i < row->range_count; i++) {
		if (first >= row->ranges[i].first && last <= row->ranges[i].last)
			return true;
	}
	return false;
}

/* One number of one row; what is `missing` without one. */
static int64_t ask(sqlite3_stmt *stmt, int64_t missing)
{
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		missing = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return missing;
}

/* A statement of the day covers all packs that go, once there is one: it could not be made from
 * what is gone. */
static uint64_t covered_to(struct journal *j, const struct journal_row *row)
{
	uint64_t to = UINT64_MAX;
	if (sqlite3_step(j->get_covered) == SQLITE_ROW &&
	    sqlite3_column_bytes(j->get_covered, 0) == 16) {
		const uint8_t *mark = sqlite3_column_blob(j->get_covered, 0);
		int64_t ordinal = (int64_t)buf_get64(mark);
		if (row->ordinal == ordinal)
			to = buf_get64(mark + 8);
		else if (row->ordinal > ordinal)
			to = 0;
	}
	sqlite3_reset(j->get_covered);
	return to;
}

/* The shard has to include what is awaited, the statement of the day has to cover what goes. Where
 * events are refused for want of room no statement is waited for: HQ has what goes. */
static struct wanted wanted_from(struct journal *j, const struct journal_row *row)
{
	sqlite3_bind_int64(j->first_awaited, 1, row->ordinal);
	return (struct wanted){
	    .awaited = (uint64_t)ask(j->first_awaited, INT64_MAX) - 1,
	    .covered = journal_is_short(j) ? UINT64_MAX : covered_to(j, row),
	};
}

/* Does the pack that begins at `first` follow what was deleted, but for what never came back? */
static bool follows(struct journal *j, const struct journal_row *row, uint64_t deleted,
                    uint64_t first)
{
	if (first == deleted + 1)
		return true;
	sqlite3_bind_int64(j->hole_end, 1, row->ordinal);
	sqlite3_bind_int64(j->hole_end, 2, (sqlite3_int64)deleted + 1);
	return (uint64_t)ask(j->hole_end, 0) == first - 1;
}

/* Each epoch's row goes after those of older ones: what their packs name may be under its key. */
static int is_oldest(struct journal *j, const struct journal_row *row)
{
	struct journal_row oldest;
	int rc = journal_seek_epoch(&j->seek, 0, &oldest);
	return rc < 0 ? -1 : rc == 1 && oldest.ordinal == row->ordinal;
}

/* A box may have run for weeks without a time: some packs at once, or no scan would be kept
 * meanwhile. */
static void find_known(struct journal *j)
{
	int n = 0;
	j->known_id = 0;
	j->known_us = INT64_MAX;
	sqlite3_bind_int64(j->next_known, 1, j->untimed_to);
	sqlite3_bind_int(j->next_known, 2, KNOWN_PACKS_MAX);
	while (j->known_id == 0 && sqlite3_step(j->next_known) == SQLITE_ROW) {
		int64_t wall_us = sqlite3_column_int64(j->next_known, 1);
		j->untimed_to = sqlite3_column_int64(j->next_known, 0);
		n++;
		if (wall_us == 0)
			continue;
		j->known_id = j->untimed_to;
		j->known_us = wall_us;
	}
	sqlite3_reset(j->next_known);
	j->known_more = j->known_id == 0 && n == KNOWN_PACKS_MAX;
}

/* When a pack was written, at the latest: packs stand in order of time, so one without a time of
 * its own is not younger than the next that has one. */
static int64_t written_us(struct journal *j, int64_t id, int64_t wall_us)
{
	if (wall_us)
		return wall_us;
	if (id <= j->known_id)
		return j->known_us;
	if (id < j->untimed_from || id > j->untimed_to)
		j->untimed_from = j->untimed_to = id;
	find_known(j);
	return j->known_us;
}

/* What an old pack waits for. */
static enum journal_held_by held_by(struct journal *j, const struct journal_row *row,
                                    const struct journal_range *pack, const struct step *step,
                                    const struct wanted *wanted)
{
	if (!follows(j, row, step->deleted, pack->first) ||
	    !confirmed(row, pack->first, pack->last))
		return JOURNAL_HELD_UNCONFIRMED;
	if (pack->last > wanted->awaited)
		return JOURNAL_HELD_SHARD;
	return pack->last > wanted->covered ? JOURNAL_HELD_STATEMENT : JOURNAL_HELD_NOT;
}

/* The packs of this epoch that may go: a prefix, so that the anchor stays one seq and one h. */
static int plan(struct journal *j, const struct journal_row *row, int64_t before_wall_us,
                struct step *step)
{
	struct journal_place p;
	sqlite3_stmt *stmt = j->old_packs;

	const struct wanted wanted = wanted_from(j, row);
	*step = (struct step){.deleted = row->deleted};
	memcpy(step->deleted_h, row->deleted_h, sizeof(step->deleted_h));
	/* Of a salvaged epoch the next pack may stand behind a hole. */
	int rc =
	    row->salvaged
	        ? journal_seek_from(&j->seek, journal_pack_id(row->ordinal, row->deleted + 1), &p)
	        : journal_seek_pack(&j->seek, row->ordinal, row->deleted + 1, &p);
	if (rc <= 0 || p.ordinal != row->ordinal)
		return rc < 0 ? -1 : 0;
	sqlite3_bind_int64(stmt, 1, p.id);
	sqlite3_bind_int64(stmt, 2, RETAIN_PACKS_MAX);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct journal_range pack = {.first = (uint64_t)sqlite3_column_int64(stmt, 2)};
		pack.last = pack.first + (uint64_t)sqlite3_column_int64(stmt, 3) - 1;
		if (sqlite3_column_int64(stmt, 1) != row->ordinal ||
		    sqlite3_column_bytes(stmt, 5) != EVENT_HASH_BYTES)
			break;
		step->held.since_us =
		    written_us(j, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 4));
		if (step->held.since_us >= before_wall_us)
			break;
		step->held.by = held_by(j, row, &pack, step, &wanted);
		if (step->held.by != JOURNAL_HELD_NOT)
			break;
		step->id[step->count++] = sqlite3_column_int64(stmt, 0);
		step->deleted = pack.last;
		memcpy(step->deleted_h, sqlite3_column_blob(stmt, 5), EVENT_HASH_BYTES);
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

static int drop(struct journal *j, const struct journal_row *row, const struct step *step)
{
	for (int i = 0; i < step->count; i++) {
		sqlite3_bind_int64(j->drop_pack, 1, step->id[i]);
		if (journal_commit_run(j, j->drop_pack))
			return -1;
	}
	if (step->count && journal_taken_drop(j, step->id[0], step->id[step->count - 1]))
		return -1;
	/* The newest epochs keep their rows: their end is what the next `Epoch Opened` names. */
	if (step->emptied) {
		sqlite3_bind_int64(j->drop_epoch, 1, row->ordinal);
		sqlite3_bind_int64(j->drop_holes, 1, row->ordinal);
		return journal_note_past(j, row, step->deleted, step->deleted_h) ||
		               journal_commit_run(j, j->drop_epoch) ||
		               journal_commit_run(j, j->drop_holes) ||
		               journal_commit_run(j, j->vacuum)
		           ? -1
		           : 0;
	}
	if (journal_note_anchor(j, row->ordinal, step->deleted))
		return -1;
	sqlite3_bind_int64(j->set_anchor, 1, row->ordinal);
	sqlite3_bind_int64(j->set_anchor, 2, (sqlite3_int64)step->deleted);
	sqlite3_bind_blob(j->set_anchor, 3, step->deleted_h, EVENT_HASH_BYTES, SQLITE_STATIC);
	return journal_commit_run(j, j->set_anchor) || journal_commit_run(j, j->vacuum) ? -1 : 0;
}

bool journal_retain_vacuum(struct journal *j)
{
	int64_t pages = 0;
	if (sqlite3_step(j->free_count) == SQLITE_ROW)
		pages = sqlite3_column_int64(j->free_count, 0);
	sqlite3_reset(j->free_count);
	if (pages == 0 || journal_commit_begin(j))
		return false;
	if (journal_commit_run(j, j->vacuum)) {
		journal_commit_undo(j);
		return false;
	}
	return journal_commit_end(j) == 0;
}

static bool commit_step(struct journal *j, const struct journal_row *row, const struct step *step)
{
	if (journal_commit_begin(j))
		return false;
	if (drop(j, row, step)) {
		journal_commit_undo(j);
		return false;
	}
	if (journal_commit_end(j))
		return false;
	j->totals.kept -= step->deleted - row->deleted;
	j->totals.confirmed -= step->deleted - row->deleted;
	if (row->salvaged && journal_mark_totals(j, &j->totals))
		log_error("journal: its events cannot be counted");
	return true;
}

static int epoch_step(struct journal *j, const struct journal_row *row, int64_t before_wall_us,
                      bool *more)
{
	struct step step;
	uint64_t last = j->last_seq;
	uint8_t h[EVENT_HASH_BYTES];

	if (plan(j, row, before_wall_us, &step))
		return -1;
	if (j->holding.by == JOURNAL_HELD_NOT && step.held.by != JOURNAL_HELD_NOT)
		j->holding = step.held;
	if (row->ordinal != j->ordinal && journal_seek_end(&j->seek, row, &last, h))
		return -1;
	/* Before an epoch is open, the newest one's row is what the next one will name. */
	bool newest = row->ordinal == (j->epoch_open ? j->ordinal : j->prev_ordinal);
	int oldest = is_oldest(j, row);
	if (oldest < 0)
		return -1;
	step.emptied = oldest && !newest && step.deleted == last && confirmed(row, last, last);
	if (step.count || step.emptied)
		*more = commit_step(j, row, &step) && step.count == RETAIN_PACKS_MAX;
	return 0;
}

bool journal_retain_step(struct journal *j)
{
	const struct journal_params *p = &j->params;
	int64_t age_us =
	    p->retention_us > p->resend_window_us ? p->retention_us : p->resend_window_us;
	struct clock_now now;
	struct journal_row row;
	bool more = false;

	j->known_more = false;
	clock_read(p->clock, &now);
	if (!now.trust) {
		j->held = (struct journal_held){.by = JOURNAL_HELD_CLOCK};
		return false;
	}
	int64_t before_wall_us = now.wall_us - age_us;

	for (int i = 0; i < RETAIN_EPOCHS_MAX && !more; i++) {
		int rc = journal_seek_epoch(&j->seek, j->retain_ordinal, &row);
		if (rc == 1)
			rc = epoch_step(j, &row, before_wall_us, &more) ? -1 : 1;
		more = more || j->known_more;
		if (rc < 0)
			journal_commit_unknown(j, "reading old packs", sqlite3_errcode(j->db));
		if (rc == 0) { /* behind the newest: from the oldest again, next time */
			j->retain_ordinal = 0;
			j->held = j->holding;
			j->holding = (struct journal_held){.by = JOURNAL_HELD_NOT};
			return false;
		}
		if (!more)
			j->retain_ordinal = row.ordinal + 1;
	}
	return true;
}
