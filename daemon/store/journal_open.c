#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/journal_internal.h"

/* What is checked before the first scan is taken; the whole is `laneway journal verify`. */
#define AGAIN_US 60000000 /* between tries to keep again, after commits that ended unknown */
#define CHECK_PACKS_MAX 1000
#define CHECK_EVENTS_MAX 100000 /* about a second on a small board */
#define VACUUM_PAGES "256"      /* given back per step of retention: the pages of its packs */

/* ---- statements ---- */

static const struct {
	size_t at; /* of the statement in struct journal */
	const char *sql;
} statements[] = {
#define STATEMENT(name, sql)                                                                       \
	{                                                                                          \
		offsetof(struct journal, name), sql                                                \
	}
    STATEMENT(begin, "BEGIN IMMEDIATE"),
    STATEMENT(commit, "COMMIT"),
    STATEMENT(put_epoch, "INSERT INTO epoch(ordinal, epoch, opened_us, cause, hq_key, confirmed,"
                         " ranges, deleted, deleted_h, closed)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, 0, x'', 0, zeroblob(32), 0)"),
    STATEMENT(put_pack, "INSERT INTO pack(id, ordinal, first, count, wall_us, h, keys, ids,"
                        " body, link) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
    /* Met again in another epoch, a key is put under that one's: its packs stay longer. */
    STATEMENT(put_key, "INSERT INTO visit_key(id, wrapped, rescue) VALUES(?1, ?2, ?3)"
                       " ON CONFLICT(id) DO UPDATE SET rescue = excluded.rescue"
                       " WHERE substr(rescue, 1, 8) IS NOT substr(excluded.rescue, 1, 8)"),
    STATEMENT(put_urgent, "INSERT INTO urgent(ordinal, seq) VALUES(?1, ?2)"),
    STATEMENT(put_awaited, "INSERT INTO awaited(ordinal, seq, event) VALUES(?1, ?2, ?3)"),
    STATEMENT(put_mark, "INSERT OR REPLACE INTO meta(name, value)"
                        " VALUES('" JOURNAL_MARK_PREFIX "' || ?1, ?2)"),
    STATEMENT(set_marks, "UPDATE epoch SET confirmed = ?2, ranges = ?3, heard = heard OR ?4"
                         " WHERE ordinal = ?1"),
    STATEMENT(done_urgent, "INSERT OR IGNORE INTO urgent_done SELECT ordinal, seq FROM urgent"
                           " WHERE ordinal = ?1 AND seq BETWEEN ?2 AND ?3"),
    STATEMENT(drop_urgent, "DELETE FROM urgent WHERE ordinal = ?1 AND seq BETWEEN ?2 AND ?3"),
    STATEMENT(page_count, "PRAGMA page_count"),
    STATEMENT(close_epoch, "UPDATE epoch SET closed = 1 WHERE ordinal = ?1"),
    STATEMENT(drop_pack, "DELETE FROM pack WHERE id = ?1"),
    STATEMENT(set_anchor, "UPDATE epoch SET deleted = ?2, deleted_h = ?3 WHERE ordinal = ?1"),
    STATEMENT(drop_epoch, "DELETE FROM epoch WHERE ordinal = ?1"),
    STATEMENT(vacuum, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")"),
    STATEMENT(free_count, "PRAGMA freelist_count"),
    STATEMENT(old_packs, "SELECT id, ordinal, first, count, wall_us, h FROM pack WHERE id >= ?1"
                         " ORDER BY id LIMIT ?2"),
    STATEMENT(get_covered, "SELECT value FROM meta WHERE name = '" JOURNAL_MARK_PREFIX "covered'"),
    STATEMENT(first_awaited, "SELECT min(seq) FROM awaited WHERE ordinal = ?1"),
    STATEMENT(drop_awaited, "DELETE FROM awaited WHERE ordinal = ?1 AND seq BETWEEN ?2 AND ?3"),
    STATEMENT(hole_end, "SELECT last FROM hole WHERE ordinal = ?1 AND first = ?2"),
    STATEMENT(put_hole, "INSERT OR IGNORE INTO hole(ordinal, first, last) VALUES(?1, ?2, ?3)"),
    STATEMENT(drop_holes, "DELETE FROM hole WHERE ordinal = ?1"),
    STATEMENT(put_salvaged, "INSERT INTO epoch(ordinal, epoch, opened_us, cause, hq_key,"
                            " confirmed, ranges, deleted, deleted_h, closed)"
                            " VALUES(?1, ?2, ?3, 'salvaged', ?4, ?5, ?6, ?7, ?8, 1)"),
    STATEMENT(put_old_pack, "INSERT OR IGNORE INTO pack(id, ordinal, first, count, wall_us, h,"
                            " keys, ids, body, link)"
                            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
    STATEMENT(put_old_key,
              "INSERT OR IGNORE INTO visit_key(id, wrapped, rescue) VALUES(?1, ?2, ?3)"),
    STATEMENT(put_old_urgent, "INSERT OR IGNORE INTO urgent(ordinal, seq) VALUES(?1, ?2)"),
    STATEMENT(put_old_awaited,
              "INSERT OR IGNORE INTO awaited(ordinal, seq, event) VALUES(?1, ?2, ?3)"),
    STATEMENT(put_old_mark, "INSERT OR IGNORE INTO meta(name, value) VALUES(?1, ?2)"),
    STATEMENT(put_result, "INSERT OR REPLACE INTO salvage(file, result) VALUES(?1, ?2)"),
    STATEMENT(drop_key, "DELETE FROM visit_key WHERE id = ?1"),
    STATEMENT(put_taken, "INSERT OR REPLACE INTO taken(id, ordinal, last, ids)"
                         " VALUES(?1, ?2, ?3, ?4)"),
    STATEMENT(next_taken, "SELECT id, last FROM taken WHERE id >= ?1 ORDER BY id LIMIT 1"),
    STATEMENT(old_ids, "SELECT id, ordinal, first, count, wall_us, ids FROM pack"
                       " WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3"),
    STATEMENT(drop_taken, "DELETE FROM taken WHERE id BETWEEN ?1 AND ?2 AND last <= ?2"),
    STATEMENT(next_known, "SELECT id, wall_us FROM pack WHERE id > ?1 ORDER BY id LIMIT ?2"),
#undef STATEMENT
};
#define STATEMENT_COUNT (sizeof(statements) / sizeof(statements[0]))

static sqlite3_stmt **statement_at(struct journal *j, size_t i)
{
	return (sqlite3_stmt **)(void *)((char *)j + statements[i].at);
}

static int prepare(struct journal *j)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		*statement_at(j, i) = db_prepare(j->db, statements[i].sql);
		if (!*statement_at(j, i))
			return -1;
	}
	return journal_seek_open(&j->seek, j->db);
}

static void close_db(struct journal *j)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(*statement_at(j, i));
		*statement_at(j, i) = NULL;
	}
	journal_seek_close(&j->seek);
	db_close_writer(j->db, j->lock_fd);
	j->db = NULL;
	j->lock_fd = -1;
}

/* ---- the file ---- */

static enum journal_opened blame_file(const char *path)
{
	char err[64];
	sqlite3 *db;
	if (db_open_reader(&db, path, err, sizeof(err)))
		return JOURNAL_FAILED;
	sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	enum journal_opened rc = journal_format_blame(sqlite3_extended_errcode(db));
	db_close_reader(db);
	return rc;
}

static enum journal_opened check_packs(struct journal *j, char *err, size_t err_size)
{
	struct journal_reader *r;
	if (journal_reader_open(&r, j->path, j->store, j->params.vault, err, err_size))
		return JOURNAL_FAILED;
	int rc = journal_verify_tail(r, CHECK_PACKS_MAX, CHECK_EVENTS_MAX, err, err_size);
	int code = sqlite3_extended_errcode(r->db) & 0xff;
	journal_reader_free(r);
	if (rc == 0)
		return JOURNAL_OPENED;
	bool ours = code == SQLITE_NOMEM || code == SQLITE_BUSY || code == SQLITE_FULL;
	return ours ? JOURNAL_FAILED : JOURNAL_UNREADABLE;
}

static int log_grew(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct journal *j = ctx;
	(void)db;
	(void)name;
	j->wal_pages = pages;
	return SQLITE_OK;
}

/* Frames that the opening found in a log that was left behind; it is copied into the file. */
static enum journal_opened recover(struct journal *j, bool log_was_there, char *err,
                                   size_t err_size)
{
	int frames = 0;
	sqlite3_wal_hook(j->db, log_grew, j);
	j->checkpoint_at = JOURNAL_CHECKPOINT_PAGES;
	if (!log_was_there)
		return JOURNAL_OPENED;
	int rc = sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, NULL);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_FULL && (rc & 0xff) != SQLITE_BUSY) {
		snprintf(err, err_size, "%s: its log cannot be copied into it: %s", j->path,
		         sqlite3_errmsg(j->db));
		return JOURNAL_FAILED;
	}
	j->recovered_frames = frames > 0 ? (uint32_t)frames : 0;
	j->wal_pages = rc == SQLITE_OK ? 0 : frames;
	log_info("journal: %d frames recovered from the log of a run that did not end in order",
	         frames);
	return JOURNAL_OPENED;
}

static bool log_is_there(const struct journal *j)
{
	char wal[JOURNAL_PATH_SIZE + 8];
	struct stat st;
	snprintf(wal, sizeof(wal), "%s-wal", j->path);
	return stat(wal, &st) == 0 && st.st_size > 0;
}

static enum journal_opened open_file(struct journal *j, char *err, size_t err_size)
{
	bool lock_held, there = access(j->path, F_OK) == 0, log_was_there = log_is_there(j);
	enum journal_opened rc;
	char limit[64];

	if (there && access(j->path, R_OK | W_OK) != 0) {
		snprintf(err, err_size, "%s: %s; expected a file this user may read and write",
		         j->path, strerror(errno));
		return JOURNAL_FAILED;
	}
	if (db_open_writer(&j->db, &j->lock_fd, j->path, DB_SYNC_FULL, &lock_held, err, err_size))
		return lock_held || !there ? JOURNAL_FAILED : blame_file(j->path);
	rc = journal_format_check(j, err, err_size);
	if (rc == JOURNAL_OPENED)
		rc = check_packs(j, err, err_size);
	if (rc == JOURNAL_OPENED)
		rc = recover(j, log_was_there, err, err_size);
	snprintf(limit, sizeof(limit), "PRAGMA journal_size_limit=%u", JOURNAL_LOG_BYTES_MAX);
	if (rc == JOURNAL_OPENED && (db_exec(j->db, limit) || prepare(j))) {
		snprintf(err, err_size, "%s: %s", j->path, sqlite3_errmsg(j->db));
		rc = journal_format_blame(sqlite3_extended_errcode(j->db));
	}
	if (rc == JOURNAL_OPENED)
		return rc;
	/* What is set aside is for salvage: its log is not worked into it by a last checkpoint. */
	sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	close_db(j);
	return rc;
}

static int open_or_begin(struct journal *j, bool *set_aside, char *err, size_t err_size)
{
	if (journal_aside_finish(j))
		log_warn("journal: %s-wal is left of a file that was set aside: %s", j->path,
		         strerror(errno));
	enum journal_opened rc = open_file(j, err, err_size);
	/* Opening takes a little room too. */
	while (rc == JOURNAL_FAILED && journal_reserve_low(j) && journal_reserve_release(j))
		rc = open_file(j, err, err_size);
	if (rc == JOURNAL_FAILED && journal_reserve_low(j)) {
		size_t n = strlen(err);
		snprintf(err + n, err_size - n,
		         "; the disk is full and no reserve is there yet: "
		         "expected 20 MiB of room for this start");
	}
	if (rc == JOURNAL_UNREADABLE && !journal_aside_put(j, err)) {
		*set_aside = true;
		rc = open_file(j, err, err_size);
	}
	return rc == JOURNAL_OPENED ? 0 : -1;
}

/* ---- the object ---- */

void journal_open_end(struct journal *j)
{
	if (!j->db)
		return;
	if (j->epoch_open)
		journal_epoch_close(j);
	/* Readers may still have the file open; then closing would leave the log behind, and the
	 * next start would take it for one of a run that did not end in order. */
	sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	close_db(j);
}

static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static struct journal *make(const struct journal_params *params, char *err, size_t err_size)
{
	struct journal *j = NULL;
	if (strlen(params->path) >= JOURNAL_PATH_SIZE) {
		snprintf(err, err_size, "journal: the path is longer than %d bytes",
		         JOURNAL_PATH_SIZE - 1);
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		goto err_memory;
	j->params = *params;
	j->lock_fd = -1;
	pthread_mutex_init(&j->lock, NULL);
	init_cond(&j->back_wake);
	text_copy(j->path, sizeof(j->path), params->path);
	text_copy(j->store, sizeof(j->store), params->store);
	text_copy(j->device, sizeof(j->device), params->device);
	clock_boot_id(j->boot);
	journal_taken_init(j);
	j->codec = pack_codec_new(j->store);
	j->in = queue_new(params->queue_max + 1); /* one for the mark that wakes the thread */
	j->done = queue_new(params->queue_max);
	j->batch = &j->batches[0];
	for (int i = 0; i < 2; i++)
		j->batches[i].work = vault_work_new();
	if (j->codec && j->in && j->done && j->batches[0].work && j->batches[1].work)
		return j;
	queue_free(j->in);
	queue_free(j->done);
	journal_open_free(j);
err_memory:
	snprintf(err, err_size, "journal: out of memory");
	return NULL;
}

static void free_batch(struct journal_batch *b)
{
	struct buf *bufs[] = {&b->lines,  &b->body,   &b->ids,  &b->key_ids, &b->keys,
	                      &b->urgent, &b->sealed, &b->text, &b->awaited, &b->link};
	if (b->keys.len)
		vault_wipe(b->keys.data, b->keys.len);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
		buf_free(bufs[i]);
	vault_work_free(b->work);
}

void journal_open_free(struct journal *j)
{
	for (int i = 0; i < 2; i++)
		free_batch(&j->batches[i]);
	journal_taken_free(j);
	buf_free(&j->salvaged);
	pack_codec_free(j->codec);
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->back_wake);
	vault_wipe(j->key, sizeof(j->key));
	vault_wipe(j->rescue_key, sizeof(j->rescue_key));
	free(j);
}

static int open_all(struct journal *j, bool *set_aside, char *err, size_t err_size)
{
	if (open_or_begin(j, set_aside, err, err_size))
		return -1;
	if (journal_epoch_find_predecessor(j, *set_aside) || journal_mark_totals(j, &j->totals)) {
		snprintf(err, err_size, "%s: its epochs cannot be read", j->path);
		close_db(j); /* or the next try would meet our own lock */
		return -1;
	}
	if (!journal_reserve_make(j) || journal_epoch_open(j))
		journal_full_say(j, true);
	journal_salvage_read(j);
	journal_commit_measure(j);
	return 0;
}

int journal_open(struct journal **out, const struct journal_params *params, bool *set_aside,
                 char *err, size_t err_size)
{
	struct journal *j = make(params, err, err_size);
	*set_aside = false;
	if (!j)
		return -1;
	j->cannot_keep = journal_commit_cannot_keep(j);
	if (j->cannot_keep) {
		log_error("ALARM: journal: commits ended unknown three times within ten minutes; "
		          "nothing is kept, every source is told no, for ten minutes; check the "
		          "disk");
	} else if (open_all(j, set_aside, err, err_size)) {
		journal_free(j);
		return -1;
	}
	journal_publish(j);
	*out = j;
	return 0;
}

bool journal_open_again(struct journal *j)
{
	char err[512] = "";
	bool set_aside = false;

	if (clock_mono_us(j->params.clock) < j->again_due_us || journal_commit_cannot_keep(j))
		return false;
	j->again_due_us = clock_mono_us(j->params.clock) + AGAIN_US;
	if (open_all(j, &set_aside, err, sizeof(err))) {
		log_error("journal: still nothing can be kept: %s", err);
		return false;
	}
	pthread_mutex_lock(&j->lock);
	j->cannot_keep = false;
	pthread_mutex_unlock(&j->lock);
	log_warn("journal: ten minutes have passed since the last commit that ended unknown; "
	         "sources are served again");
	journal_publish(j);
	if (journal_back_start(j))
		log_error("journal: no thread for the background");
	return true;
}
