#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define UNKNOWN_SUFFIX ".unknown" /* behind the journal's path: when commits ended unknown */
#define UNKNOWN_KEPT 3            /* exits that make "cannot keep" */
#define UNKNOWN_WITHIN_S 600
#define UNKNOWN_FILE_BYTES 256

#define LOG_HEAD_BYTES 32
#define LOG_FRAME_BYTES (24 + JOURNAL_PAGE_BYTES)
#define LOG_SHORT_FRAMES 2 /* hardly a commit's */
/* Room made in the log at once: a share of what it holds, so that a store that does little writes
 * little, and no more than a slow card takes in a few hundredths of a second. */
#define LOG_ROOM_SHARE 4
#define LOG_ROOM_BYTES_MAX (256u * 1024)
#define LOG_ZEROS_BYTES 16384u /* of one write */
#define READER_WAIT_MS 500     /* for one that is in the way of copying the log */
#define MEASURE_EVERY_PAGES 64 /* of the log: asking SQLite costs a twentieth of a commit */

/* ---- the file that remembers exits ---- */

static void unknown_path(const struct journal *j, const char *suffix,
                         char out[JOURNAL_PATH_SIZE + 32])
{
	snprintf(out, JOURNAL_PATH_SIZE + 32, "%s%s%s", j->path, UNKNOWN_SUFFIX, suffix);
}

/* The last times in the file, oldest first. How many. */
static int unknown_read(const struct journal *j, int64_t out[UNKNOWN_KEPT])
{
	char path[JOURNAL_PATH_SIZE + 32], text[UNKNOWN_FILE_BYTES + 1];
	unknown_path(j, "", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC), count = 0;
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, UNKNOWN_FILE_BYTES);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int64_t s;
		if (!num_i64(line, INT64_MIN / 2, INT64_MAX / 2, &s))
			continue;
		if (count == UNKNOWN_KEPT)
			memmove(out, out + 1, (size_t)--count * sizeof(*out));
		out[count++] = s;
	}
	return count;
}

/* Not synced: the disk has just shown what its syncs are worth, and a power cut begins a new count.
 */
static void unknown_add(const struct journal *j, int64_t now_s)
{
	char path[JOURNAL_PATH_SIZE + 32], aside[JOURNAL_PATH_SIZE + 32];
	int64_t times[UNKNOWN_KEPT];
	int count = unknown_read(j, times);

	unknown_path(j, "", path);
	unknown_path(j, ".new", aside);
	FILE *f = fopen(aside, "we");
	if (!f)
		return;
	for (int i = count == UNKNOWN_KEPT ? 1 : 0; i < count; i++)
		fprintf(f, "%lld\n", (long long)times[i]);
	fprintf(f, "%lld\n", (long long)now_s);
	if (fclose(f) == 0)
		rename(aside, path);
}

bool journal_commit_cannot_keep(const struct journal *j)
{
	int64_t times[UNKNOWN_KEPT], now_s = clock_wall_us(j->params.clock) / 1000000;
	int count = unknown_read(j, times), recent = 0;
	/* In both directions: a clock set back between two exits must not hide them. */
	for (int i = 0; i < count; i++)
		recent += llabs(now_s - times[i]) <= UNKNOWN_WITHIN_S;
	return recent >= UNKNOWN_KEPT;
}

_Noreturn void journal_commit_unknown(struct journal *j, const char *what, int rc)
{
	log_error(
	    "journal: %s failed (%s); whether the last events are durable is unknown, so nobody is "
	    "answered and the daemon ends; the next start finds out",
	    what, sqlite3_errstr(rc));
	unknown_add(j, clock_wall_us(j->params.clock) / 1000000);
	_exit(JOURNAL_EXIT_UNKNOWN);
}

/* ---- one transaction ---- */

int journal_commit_run(struct journal *j, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE) {
		sqlite3_reset(stmt);
		return 0;
	}
	if ((rc & 0xff) != SQLITE_FULL)
		journal_commit_unknown(j, sqlite3_sql(stmt), rc);
	j->no_room = true;
	sqlite3_reset(stmt);
	return -1;
}

int journal_commit_begin(struct journal *j)
{
	return journal_commit_run(j, j->begin);
}

void journal_commit_undo(struct journal *j)
{
	/* SQLite may have rolled back by itself. */
	if (sqlite3_get_autocommit(j->db))
		return;
	int rc = sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		journal_commit_unknown(j, "ROLLBACK", rc);
}

/* Others see how long the disk is waited for, also while it does not answer at all. */
static int64_t wait_begins(struct journal *j)
{
	int64_t now_us = clock_mono_us(j->params.clock);
	pthread_mutex_lock(&j->lock);
	j->state.busy_since_us = now_us;
	pthread_mutex_unlock(&j->lock);
	return now_us;
}

static void wait_ends(struct journal *j, int64_t since_us)
{
	int64_t now_us = clock_mono_us(j->params.clock);
	bool slow = now_us - since_us > JOURNAL_SLOW_US;
	pthread_mutex_lock(&j->lock);
	j->state.busy_since_us = 0;
	if (slow) {
		j->state.slow_us = now_us - since_us;
		j->state.slow_end_us = now_us;
	}
	pthread_mutex_unlock(&j->lock);
	if (!slow)
		return;
	counter_add(j->params.counters, COUNTER_COMMITS_SLOW, 1);
	log_warn("ALARM: journal: the disk took %lld ms for one commit; it may be failing",
	         (long long)((now_us - since_us) / 1000));
}

int journal_commit_end(struct journal *j)
{
	int64_t since_us = wait_begins(j);
	int rc = journal_commit_run(j, j->commit);
	wait_ends(j, since_us);
	if (rc)
		journal_commit_undo(j);
	return rc;
}

/* ---- the batch's rows ---- */

static uint8_t *known_place(struct journal *j, const uint8_t id[EVENT_ID_BYTES])
{
	return j->known_keys[buf_get16(id) % JOURNAL_KNOWN_KEYS];
}

static int put_keys(struct journal *j)
{
	struct journal_batch *b = j->batch;
	uint8_t wrapped[VAULT_WRAP_BYTES], rescue[JOURNAL_RESCUE_BYTES];
	const struct visit_key *key = (const struct visit_key *)(void *)b->keys.data;
	for (size_t n = b->keys.len / sizeof(*key); n > 0; n--, key++) {
		if (memcmp(known_place(j, key->id), key->id, EVENT_ID_BYTES) == 0)
			continue;
		memcpy(rescue, j->epoch, EVENT_EPOCH_BYTES);
		if (vault_wrap(j->params.vault, pack_work(j->codec), "visit-key", key->id, key->key,
		               wrapped) ||
		    vault_rescue(pack_work(j->codec), j->rescue_key, key->id, key->key,
		                 rescue + EVENT_EPOCH_BYTES))
			journal_commit_unknown(j, "wrapping a key", SQLITE_ERROR);
		sqlite3_bind_blob(j->put_key, 1, key->id, EVENT_ID_BYTES, SQLITE_STATIC);
		sqlite3_bind_blob(j->put_key, 2, wrapped, sizeof(wrapped), SQLITE_STATIC);
		sqlite3_bind_blob(j->put_key, 3, rescue, sizeof(rescue), SQLITE_STATIC);
		if (journal_commit_run(j, j->put_key))
			return -1;
	}
	return 0;
}

static int put_urgent(struct journal *j)
{
	const struct buf *urgent = &j->batch->urgent;
	for (size_t at = 0; at < urgent->len; at += sizeof(uint64_t)) {
		uint64_t seq;
		memcpy(&seq, urgent->data + at, sizeof(seq));
		sqlite3_bind_int64(j->put_urgent, 1, j->ordinal);
		sqlite3_bind_int64(j->put_urgent, 2, (sqlite3_int64)seq);
		if (journal_commit_run(j, j->put_urgent))
			return -1;
	}
	return 0;
}

static int put_awaited(struct journal *j)
{
	const struct buf *awaited = &j->batch->awaited;
	struct journal_awaited a;
	for (size_t at = 0; at < awaited->len; at += sizeof(a)) {
		memcpy(&a, awaited->data + at, sizeof(a));
		sqlite3_bind_int64(j->put_awaited, 1, j->ordinal);
		sqlite3_bind_int64(j->put_awaited, 2, (sqlite3_int64)a.seq);
		sqlite3_bind_text(j->put_awaited, 3, lw_event_name(a.kind), -1, SQLITE_STATIC);
		if (journal_commit_run(j, j->put_awaited))
			return -1;
	}
	return 0;
}

static void bind_bytes(sqlite3_stmt *stmt, int column, const struct buf *b)
{
	sqlite3_bind_blob64(stmt, column, b->data ? b->data : (const void *)"", b->len,
	                    SQLITE_STATIC);
}

/* What makes a pack readable when all around it is lost: its epoch, the chain in front of it, and
 * in one of many the way to the epoch's key for HQ. */
static void make_link(struct journal *j)
{
	struct buf *link = &j->batch->link;
	buf_reset(link);
	buf_add(link, j->epoch, sizeof(j->epoch));
	buf_add(link, j->h, sizeof(j->h));
	if (j->packs % JOURNAL_BOX_EVERY_PACKS == 0)
		buf_add(link, j->hq_box, sizeof(j->hq_box));
}

static int put_pack(struct journal *j)
{
	struct journal_batch *b = j->batch;
	struct pack_head head = {.first = b->first, .count = (uint32_t)(b->next - b->first)};
	memcpy(head.epoch, j->epoch, sizeof(head.epoch));
	if (pack_seal(j->codec, j->key, &head, &b->lines, &b->body))
		journal_commit_unknown(j, "sealing a pack", SQLITE_NOMEM);
	make_link(j);
	sqlite3_bind_int64(j->put_pack, 1, journal_pack_id(j->ordinal, head.first));
	sqlite3_bind_int64(j->put_pack, 2, j->ordinal);
	sqlite3_bind_int64(j->put_pack, 3, (sqlite3_int64)head.first);
	sqlite3_bind_int64(j->put_pack, 4, head.count);
	struct clock_now now;
	clock_read(j->params.clock, &now);
	sqlite3_bind_int64(j->put_pack, 5, now.trust ? now.wall_us : 0);
	sqlite3_bind_blob(j->put_pack, 6, b->h, sizeof(b->h), SQLITE_STATIC);
	bind_bytes(j->put_pack, 7, &b->key_ids);
	bind_bytes(j->put_pack, 8, &b->ids);
	bind_bytes(j->put_pack, 9, &b->body);
	bind_bytes(j->put_pack, 10, &b->link);
	return journal_commit_run(j, j->put_pack);
}

/* In the order of the entries: the last mark of a name is the one that stays. */
static int put_marks(struct journal *j)
{
	const struct journal_batch *b = j->batch;
	for (size_t i = 0; i < b->slot_count; i++) {
		const struct entry *e = b->slots[i].entry;
		if (e->status != ENTRY_PENDING)
			continue;
		for (const struct entry_mark *m = e->marks; m; m = m->next) {
			sqlite3_bind_text(j->put_mark, 1, m->name, -1, SQLITE_STATIC);
			sqlite3_bind_blob64(j->put_mark, 2, m->value, m->len, SQLITE_STATIC);
			if (journal_commit_run(j, j->put_mark))
				return -1;
		}
	}
	return 0;
}

void journal_commit_forget_key(struct journal *j, const uint8_t id[EVENT_ID_BYTES])
{
	if (memcmp(known_place(j, id), id, EVENT_ID_BYTES) == 0)
		memset(known_place(j, id), 0, EVENT_ID_BYTES);
}

int journal_commit_batch(struct journal *j)
{
	journal_sweep_named(j, j->batch->key_ids.data, j->batch->key_ids.len);
	return put_keys(j) || put_pack(j) || put_urgent(j) || put_awaited(j) || put_marks(j) ? -1
	                                                                                     : 0;
}

void journal_commit_done(struct journal *j)
{
	struct journal_batch *b = j->batch;
	uint64_t count = b->next - b->first;
	for (size_t at = 0; at < b->key_ids.len; at += EVENT_ID_BYTES)
		memcpy(known_place(j, b->key_ids.data + at), b->key_ids.data + at, EVENT_ID_BYTES);
	j->packs++;
	j->last_seq = b->next - 1;
	memcpy(j->h, b->h, sizeof(j->h));
	j->totals.kept += count;
	counter_add(j->params.counters, COUNTER_EVENTS_KEPT, count);
	counter_add(j->params.counters, COUNTER_PACKS, 1);
}

/* Not left to SQLite's own checkpoint after a COMMIT: that one makes the commit's callers wait, and
 * it hides a failed sync of the file. After one, pages may be lost although a second sync succeeds;
 * only ending here and recovering from the log brings them back. true: all of the log is in the
 * file. */
static bool copy_log(struct journal *j, int mode)
{
	int pages = 0, copied = 0;
	int64_t since_us = wait_begins(j);
	int rc = sqlite3_wal_checkpoint_v2(j->db, NULL, mode, &pages, &copied);
	wait_ends(j, since_us);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_FULL && (rc & 0xff) != SQLITE_BUSY)
		journal_commit_unknown(j, "copying the log into the file", rc);
	if ((rc & 0xff) == SQLITE_FULL)
		j->no_room = true;
	return rc == SQLITE_OK && copied == pages;
}

/* A reader that stays in an old state of the file keeps what is newer in the log. It is not met
 * again at every commit; but what the log holds has to fit into the reserve, or a disk that fills
 * up now would have no way out. So the log's next look waits until readers are through. */
static void bear_with_reader(struct journal *j)
{
	j->checkpoint_at = j->wal_pages + JOURNAL_READER_PAGES;
	journal_commit_measure(j);
	if (!journal_reserve_make(j) || !journal_reserve_covers(j))
		j->no_room = true;
}

void journal_commit_checkpoint(struct journal *j)
{
	if (j->wal_pages < j->checkpoint_at && !(j->disk_full && j->wal_pages))
		return;
	bool again = j->checkpoint_at > JOURNAL_CHECKPOINT_PAGES && !j->disk_full;
	sqlite3_busy_timeout(j->db, READER_WAIT_MS);
	bool whole = copy_log(j, again ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
	sqlite3_busy_timeout(j->db, DB_BUSY_MS);
	if (j->no_room)
		return;
	if (!whole && !j->disk_full) {
		bear_with_reader(j);
		return;
	}
	j->checkpoint_at = JOURNAL_CHECKPOINT_PAGES;
	if (whole)
		j->wal_pages = 0;
}

void journal_commit_cut_log(struct journal *j)
{
	sqlite3_busy_timeout(j->db, 0); /* a reader in the way: next time */
	if (copy_log(j, SQLITE_CHECKPOINT_TRUNCATE))
		j->wal_pages = 0;
	sqlite3_busy_timeout(j->db, DB_BUSY_MS);
}

/* The log's file, or NULL: there is none yet. */
static sqlite3_file *log_file(struct journal *j)
{
	sqlite3_file *log = NULL;
	int rc = sqlite3_file_control(j->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return rc == SQLITE_OK && log && log->pMethods ? log : NULL;
}

static void measure_log(struct journal *j)
{
	sqlite3_file *log = log_file(j);
	sqlite3_int64 bytes = 0;
	if (!log || log->pMethods->xFileSize(log, &bytes) != SQLITE_OK)
		bytes = 0;
	j->log_bytes = (uint64_t)bytes;
	if (j->log_bytes > j->log_bytes_max)
		j->log_bytes_max = j->log_bytes;
}

/* A commit that makes the log longer also has to write how long it is: a second write to wait for.
 * So it is made longer ahead of them. Behind the last good frame SQLite looks at nothing; where
 * this fails, the commit that needs the room says why. */
void journal_commit_lengthen_log(struct journal *j)
{
	static const uint8_t zeros[LOG_ZEROS_BYTES];
	uint64_t used = LOG_HEAD_BYTES + (uint64_t)j->wal_pages * LOG_FRAME_BYTES;
	uint64_t wanted = used + LOG_SHORT_FRAMES * LOG_FRAME_BYTES;
	if (j->disk_full || j->wal_pages == 0 || j->log_bytes >= wanted)
		return;
	measure_log(j);
	sqlite3_file *log = log_file(j);
	if (!log || j->log_bytes >= wanted)
		return;
	uint64_t room = used / LOG_ROOM_SHARE;
	if (room > LOG_ROOM_BYTES_MAX)
		room = LOG_ROOM_BYTES_MAX;
	for (uint64_t end = j->log_bytes + room; j->log_bytes < end;) {
		uint64_t n =
		    end - j->log_bytes < sizeof(zeros) ? end - j->log_bytes : sizeof(zeros);
		if (log->pMethods->xWrite(log, zeros, (int)n, (sqlite3_int64)j->log_bytes))
			return;
		j->log_bytes += n;
	}
}

void journal_commit_measure(struct journal *j)
{
	uint64_t bytes = 0;
	if (sqlite3_step(j->page_count) == SQLITE_ROW)
		bytes = (uint64_t)sqlite3_column_int64(j->page_count, 0) * JOURNAL_PAGE_BYTES;
	sqlite3_reset(j->page_count);
	measure_log(j);
	j->file_bytes = bytes + j->log_bytes;
	j->measured_pages = j->wal_pages;
}

void journal_commit_measure_roughly(struct journal *j)
{
	if (abs(j->wal_pages - j->measured_pages) >= MEASURE_EVERY_PAGES)
		journal_commit_measure(j);
}
