#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define OVER_MAX "128"   /* characters: the eight generations before this one */
#define PAST_MAX "10000" /* drained epochs remembered by name: a restart a day for 27 years */

static const char *const kind_names[JOURNAL_NOTE_KINDS] = {
    [JOURNAL_NOTE_FORKED] = "forked",
    [JOURNAL_NOTE_FOREIGN] = "foreign",
    [JOURNAL_NOTE_QUARANTINED] = "quarantined",
    [JOURNAL_NOTE_UNREADABLE] = "unreadable",
    [JOURNAL_NOTE_LOST] = "lost",
};

const char *journal_note_name(enum journal_note_kind kind)
{
	return kind_names[kind];
}

/* ---- from other threads ---- */

bool journal_note(struct journal *j, const struct journal_note *n)
{
	struct journal_notes *w = &j->notes;
	pthread_mutex_lock(&j->lock);
	bool taken = !j->cannot_keep && w->count < JOURNAL_NOTES_MAX;
	if (taken)
		w->list[w->count++] = *n;
	pthread_mutex_unlock(&j->lock);
	if (taken)
		journal_wake(j);
	return taken;
}

void journal_seen(struct journal *j, const char *seen)
{
	pthread_mutex_lock(&j->lock);
	text_copy(j->notes.seen, sizeof(j->notes.seen), seen);
	pthread_mutex_unlock(&j->lock);
}

/* What a generation that is over confirmed is void; what the shard includes is not. */
static size_t forget_confirmed(struct journal_word *words, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (words[i].included.last)
			words[kept++] = words[i];
	return kept;
}

void journal_generation(struct journal *j, const char *generation, bool rewind)
{
	struct journal_notes *w = &j->notes;
	pthread_mutex_lock(&j->lock);
	if (rewind) {
		j->word_count = forget_confirmed(j->words, j->word_count);
		w->count = 0;
		w->rewind = true;
	}
	text_copy(w->generation, sizeof(w->generation), generation);
	pthread_mutex_unlock(&j->lock);
	journal_wake(j);
}

/* ---- the journal's thread ---- */

bool journal_notes_wait(const struct journal_notes *n)
{
	return n->count || n->generation[0];
}

void journal_notes_take(struct journal *j)
{
	struct journal_notes *from = &j->notes, *to = &j->noting;
	if (from->rewind)
		to->count = 0;
	else if (journal_notes_wait(to))
		return;
	to->count = from->count;
	memcpy(to->list, from->list, from->count * sizeof(*from->list));
	to->rewind = to->rewind || from->rewind;
	if (from->generation[0])
		memcpy(to->generation, from->generation, sizeof(to->generation));
	if (from->seen[0] || from->rewind)
		memcpy(to->seen, from->seen, sizeof(to->seen));
	if (from->rewind)
		j->applying_count = forget_confirmed(j->applying, j->applying_count);
	from->count = 0;
	from->rewind = false;
	from->generation[0] = from->seen[0] = '\0';
}

void journal_notes_applied(struct journal *j)
{
	struct journal_notes *n = &j->noting;
	n->count = 0;
	n->rewind = false;
	n->generation[0] = n->seen[0] = '\0';
}

/* These are rare: their statements are made when they are needed. NULL: out of memory. */
static sqlite3_stmt *prepare(struct journal *j, const char *sql)
{
	sqlite3_stmt *stmt = db_prepare(j->db, sql);
	if (!stmt)
		journal_commit_unknown(j, "preparing a note", sqlite3_errcode(j->db));
	return stmt;
}

static int run(struct journal *j, sqlite3_stmt *stmt)
{
	int rc = journal_commit_run(j, stmt);
	sqlite3_finalize(stmt);
	return rc;
}

static int run_sql(struct journal *j, const char *sql)
{
	return run(j, prepare(j, sql));
}

static int run_ordinal(struct journal *j, const char *sql, int64_t ordinal, uint64_t seq)
{
	sqlite3_stmt *stmt = prepare(j, sql);
	sqlite3_bind_int64(stmt, 1, ordinal);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)seq);
	return run(j, stmt);
}

static int put_meta(struct journal *j, const char *name, const char *value)
{
	sqlite3_stmt *stmt = prepare(j, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	return run(j, stmt);
}

/* All in the transaction that remembers the generation: a crash leaves the old word or the new. */
static int rewind_all(struct journal *j)
{
	return run_sql(j,
	               "INSERT OR REPLACE INTO meta(name, value) SELECT 'over', substr(value ||"
	               " coalesce((SELECT value FROM meta WHERE name = 'over'), ''), 1, " OVER_MAX
	               ") FROM meta WHERE name = 'generation'") ||
	               run_sql(j,
	                       "UPDATE epoch SET confirmed = deleted, ranges = x'', heard = 0") ||
	               run_sql(j, "UPDATE past SET heard = 0") ||
	               run_sql(
	                   j,
	                   "INSERT OR IGNORE INTO urgent SELECT ordinal, seq FROM urgent_done") ||
	               run_sql(j, "DELETE FROM urgent_done") ||
	               run_sql(j, "DELETE FROM noted WHERE kind <> 'lost'")
	           ? -1
	           : 0;
}

static int run_note(struct journal *j, const char *sql, const struct journal_note *n)
{
	sqlite3_stmt *stmt = prepare(j, sql);
	sqlite3_bind_blob(stmt, 1, n->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, kind_names[n->kind], -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)n->first);
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)n->last);
	if (sqlite3_bind_parameter_count(stmt) > 4) {
		sqlite3_bind_text(stmt, 5, n->reason, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 6, n->wall_us);
	}
	return run(j, stmt);
}

/* Rows may reach over the seqs on both sides: what lies above gets a row of its own, first. */
static int put_note(struct journal *j, const struct journal_note *n)
{
	if (!n->out)
		return run_note(j,
		                "INSERT OR REPLACE INTO noted(epoch, kind, first, last, reason,"
		                " wall_us) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
		                n);
	return run_note(j,
	                "INSERT OR REPLACE INTO noted SELECT epoch, kind, ?4 + 1, last, reason,"
	                " wall_us FROM noted WHERE epoch = ?1 AND kind = ?2 AND first <= ?4 AND"
	                " last > ?4 AND ?3 <= ?4",
	                n) ||
	               run_note(j,
	                        "UPDATE noted SET last = ?3 - 1 WHERE epoch = ?1 AND kind = ?2"
	                        " AND first < ?3 AND last >= ?3 AND ?3 <= ?4",
	                        n) ||
	               run_note(j,
	                        "DELETE FROM noted WHERE epoch = ?1 AND kind = ?2 AND"
	                        " first BETWEEN ?3 AND ?4",
	                        n)
	           ? -1
	           : 0;
}

int journal_notes_apply(struct journal *j, struct journal_totals *totals)
{
	const struct journal_notes *w = &j->noting;
	if (w->rewind) {
		if (rewind_all(j))
			return -1;
		totals->confirmed = 0;
	}
	if (w->generation[0] && put_meta(j, "generation", w->generation))
		return -1;
	if (w->seen[0] && put_meta(j, "seen", w->seen))
		return -1;
	for (size_t i = 0; i < w->count; i++)
		if (put_note(j, &w->list[i]))
			return -1;
	return 0;
}

int journal_note_heard(struct journal *j, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	sqlite3_stmt *stmt = prepare(j, "UPDATE past SET heard = 1 WHERE epoch = ?1");
	sqlite3_bind_blob(stmt, 1, epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	return run(j, stmt);
}

int journal_note_anchor(struct journal *j, int64_t ordinal, uint64_t deleted)
{
	return run_ordinal(j, "DELETE FROM urgent_done WHERE ordinal = ?1 AND seq <= ?2", ordinal,
	                   deleted);
}

int journal_note_past(struct journal *j, const struct journal_row *row, uint64_t last,
                      const uint8_t h[EVENT_HASH_BYTES])
{
	sqlite3_stmt *stmt =
	    prepare(j, "INSERT OR REPLACE INTO past(ordinal, epoch, last, h, heard)"
	               " SELECT ordinal, epoch, ?2, ?3, heard FROM epoch WHERE ordinal = ?1");
	sqlite3_bind_int64(stmt, 1, row->ordinal);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)last);
	sqlite3_bind_blob(stmt, 3, h, EVENT_HASH_BYTES, SQLITE_STATIC);
	if (run(j, stmt) ||
	    run_ordinal(j, "DELETE FROM urgent_done WHERE ordinal = ?1", row->ordinal, 0))
		return -1;
	stmt = prepare(j, "DELETE FROM noted WHERE epoch = ?1 AND kind <> 'lost'");
	sqlite3_bind_blob(stmt, 1, row->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	return run(j, stmt) || run_sql(j, "DELETE FROM past WHERE ordinal <="
	                                  " (SELECT max(ordinal) FROM past) - " PAST_MAX)
	           ? -1
	           : 0;
}

/* ---- readers ---- */

static int fault(struct journal_reader *r, const char *what)
{
	log_error("journal: %s: %s", what, sqlite3_errmsg(r->db));
	return -1;
}

static bool kind_of(const char *name, enum journal_note_kind *out)
{
	for (int i = 0; name && i < JOURNAL_NOTE_KINDS; i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*out = (enum journal_note_kind)i;
			return true;
		}
	}
	return false;
}

int journal_reader_notes(struct journal_reader *r, journal_note_fn *fn, void *ctx)
{
	sqlite3_stmt *q =
	    db_prepare(r->db, "SELECT epoch, kind, first, last, reason, wall_us FROM noted"
	                      " ORDER BY epoch, kind, first");
	int rc = SQLITE_DONE;
	while (q && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct journal_note n = {.first = (uint64_t)sqlite3_column_int64(q, 2),
		                         .last = (uint64_t)sqlite3_column_int64(q, 3),
		                         .wall_us = sqlite3_column_int64(q, 5)};
		const char *reason = (const char *)sqlite3_column_text(q, 4);
		if (sqlite3_column_bytes(q, 0) != EVENT_EPOCH_BYTES ||
		    !kind_of((const char *)sqlite3_column_text(q, 1), &n.kind))
			continue;
		memcpy(n.epoch, sqlite3_column_blob(q, 0), EVENT_EPOCH_BYTES);
		text_copy(n.reason, sizeof(n.reason), reason ? reason : "");
		fn(ctx, &n);
	}
	sqlite3_finalize(q);
	return q && rc == SQLITE_DONE ? 0 : fault(r, "what HQ said of events cannot be read");
}

int journal_reader_unheard(struct journal_reader *r, struct journal_unheard *out, int max)
{
	sqlite3_stmt *q = db_prepare(
	    r->db, "SELECT epoch, gone FROM (SELECT ordinal, epoch, deleted AS gone FROM epoch"
	           " WHERE heard = 0 UNION ALL SELECT ordinal, epoch, last FROM past"
	           " WHERE heard = 0) ORDER BY ordinal DESC LIMIT ?1");
	int n = 0, rc = SQLITE_DONE;
	if (q)
		sqlite3_bind_int(q, 1, max);
	while (q && n < max && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(q, 0) != EVENT_EPOCH_BYTES)
			continue;
		memcpy(out[n].epoch, sqlite3_column_blob(q, 0), EVENT_EPOCH_BYTES);
		out[n++].gone = (uint64_t)sqlite3_column_int64(q, 1);
	}
	sqlite3_finalize(q);
	return q && (rc == SQLITE_DONE || rc == SQLITE_ROW)
	           ? n
	           : fault(r, "epochs that HQ has not spoken of cannot be read");
}

int journal_reader_gone(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES],
                        uint64_t *gone)
{
	sqlite3_stmt *q = db_prepare(r->db, "SELECT deleted FROM epoch WHERE epoch = ?1 UNION ALL"
	                                    " SELECT last FROM past WHERE epoch = ?1");
	if (q)
		sqlite3_bind_blob(q, 1, epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	int rc = q ? sqlite3_step(q) : SQLITE_ERROR;
	*gone = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
	sqlite3_finalize(q);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : fault(r, "an epoch cannot be read");
}

int journal_reader_text(struct journal_reader *r, const char *name, char *out, size_t size)
{
	sqlite3_stmt *q = db_prepare(r->db, "SELECT value FROM meta WHERE name = ?1");
	out[0] = '\0';
	if (q)
		sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	int rc = q ? sqlite3_step(q) : SQLITE_ERROR;
	if (rc == SQLITE_ROW && sqlite3_column_text(q, 0))
		text_copy(out, size, (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return rc == SQLITE_ROW && out[0] ? 0 : -1;
}
