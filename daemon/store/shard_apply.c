#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/db.h"
#include "store/shard_internal.h"

#define GROUP_US 1000000    /* 1 s: so long a page may wait for others to be committed with */
#define GROUP_IDENTS 360000 /* identifiers that may wait: 12 MiB with their table */

static int db_fault(const struct shard *s, char *err, size_t err_size)
{
	snprintf(err, err_size, "shard: %s", sqlite3_errmsg(s->db));
	return -1;
}

static int put(void *ctx, const struct shard_made *made, char *err, size_t err_size)
{
	return shard_put_made(ctx, made, err, err_size);
}

/* The number of lines, or -1. */
static int apply_alone(struct shard *s, const char *lines, size_t len, char *err, size_t err_size)
{
	int count = 0;

	while (len > 0) {
		const char *end = memchr(lines, '\n', len);
		size_t n = end != NULL ? (size_t)(end - lines) : len;
		char fault[SHARD_FAULT_SIZE];

		if (end == NULL) {
			snprintf(err, err_size, "line %d: expected a newline at its end",
			         count + 1);
			return -1;
		}
		shard_make(&s->maker, lines, n, &s->made);
		if (shard_put_made(s, &s->made, fault, sizeof(fault)) != 0) {
			snprintf(err, err_size, "line %d: %s", count + 1, fault);
			return -1;
		}
		count++;
		lines += n + 1;
		len -= n + 1;
	}
	return count;
}

static int apply_lines(struct shard *s, const char *lines, size_t len, char *err, size_t err_size)
{
	const struct shard_helping with = {
	    .maker = &s->maker, .put = put, .ctx = s, .err = err, .err_size = err_size};

	if (s->helper == NULL || len == 0 || lines[len - 1] != '\n')
		return apply_alone(s, lines, len, err, err_size);
	return shard_helper_apply(s->helper, &with, lines, len);
}

/* No more pages follow, or others than were thought. */
static void end_pages(struct shard *s)
{
	shard_met_free(s->met);
	s->met = NULL;
	shard_helper_free(s->helper);
	s->helper = NULL;
}

/* Pages that are freed are not overwritten one by one: without the salt nothing in them can be
 * opened, and what stood in the index is noise. */
static int drop_all(struct shard *s)
{
	int rc;

	s->erased = true;
	s->count = 0;
	s->last_profile = 0;
	shard_pending_drop(s->pending);
	end_pages(s);
	s->met = shard_met_new(); /* without the memory for it the fill is only slower */
	rc = db_exec(s->db, "PRAGMA secure_delete=OFF; DELETE FROM ident; DELETE FROM profile");
	rc |= db_exec(s->db, "PRAGMA secure_delete=ON; DELETE FROM meta");
	return rc == 0 ? shard_renew_salt(s) : -1;
}

static int set_mark(struct shard *s, const struct shard_mark *mark)
{
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 1, "generation", -1, SQLITE_STATIC);
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 2, mark->generation, -1, SQLITE_STATIC);
	if (shard_run(s->stmt[SHARD_META_SET]) != 0 ||
	    shard_mark_set(s, "count", (int64_t)s->count) != 0)
		return -1;
	return shard_mark_set(s, "version", (int64_t)mark->version);
}

static void make_anew(struct shard *s)
{
	char fault[SHARD_FAULT_SIZE];
	bool made;

	log_warn("shard: %s: damaged; it is made anew and fetched from HQ", s->path);
	shard_close_file(s);
	shard_delete_file(s);
	if (shard_make_ready(s, &made, fault, sizeof(fault)) != 0)
		log_error("shard: %s", fault);
}

/* Back to the last commit. What cannot be read there either makes the file anew. */
static void roll_back(struct shard *s)
{
	int code = sqlite3_errcode(s->db) & 0xff;

	s->open = false;
	end_pages(s);
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s->db, "ROLLBACK");
	shard_pending_drop(s->pending);
	if (s->torn || code == SQLITE_CORRUPT || code == SQLITE_NOTADB || shard_load(s) != 0)
		make_anew(s);
	shard_gate_open(s->gate);
}

static int begin(struct shard *s)
{
	if (s->open)
		return 0;
	s->erased = s->torn = false;
	shard_gate_close(s->gate);
	if (db_exec(s->db, "BEGIN IMMEDIATE") != 0)
		return -1;
	s->open = true;
	s->begun_us = clock_mono_us(clock_system());
	return 0;
}

static int commit(struct shard *s)
{
	if (shard_ident_put(s) != 0 || db_exec(s->db, "COMMIT") != 0)
		return -1;
	s->open = false;
	/* What was erased must be gone from the log too, not only from the tables. */
	if (s->erased)
		db_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	shard_gate_open(s->gate);
	return 0;
}

static bool may_wait(const struct shard *s, const struct shard_mark *mark)
{
	return mark->more && shard_pending_count(s->pending) < GROUP_IDENTS &&
	       clock_mono_us(clock_system()) - s->begun_us < GROUP_US;
}

/* Without the memory or the thread for it, it only takes longer. */
static void begin_help(struct shard *s)
{
	uint8_t salt[VAULT_SALT_BYTES];

	if (shard_salt_get(s->stmt[SHARD_META_GET], s->vault, s->work, salt) > 0)
		s->helper = shard_helper_new(s->vault, salt);
	vault_wipe(salt, sizeof(salt));
}

int shard_apply(struct shard *s, const char *lines, size_t len, const struct shard_mark *mark,
                bool fresh, char *err, size_t err_size)
{
	int count;

	if (s->db == NULL) {
		snprintf(err, err_size, "%s: could not be opened again", s->path);
		return -1;
	}
	if (begin(s) != 0 || (fresh && drop_all(s) != 0)) {
		db_fault(s, err, err_size);
		goto err_roll_back;
	}
	if (mark->more && s->helper == NULL)
		begin_help(s);
	count = apply_lines(s, lines, len, err, err_size);
	if (count < 0)
		goto err_roll_back;
	if (set_mark(s, mark) != 0 || (!may_wait(s, mark) && commit(s) != 0)) {
		db_fault(s, err, err_size);
		goto err_roll_back;
	}
	if (!mark->more)
		end_pages(s);
	return count;
err_roll_back:
	roll_back(s);
	return -1;
}

int shard_settle(struct shard *s)
{
	if (s->db == NULL)
		return -1;
	if (!s->open || commit(s) == 0)
		return 0;
	log_error("shard: %s: %s", s->path, sqlite3_errmsg(s->db));
	roll_back(s);
	return -1;
}

int shard_synced(struct shard *s, int64_t wall_us)
{
	int rc;

	if (shard_settle(s) != 0)
		return -1;
	shard_gate_close(s->gate);
	rc = shard_mark_set(s, "synced_wall_us", wall_us);
	shard_gate_open(s->gate);
	if (rc == 0)
		return 0;
	log_error("shard: %s: %s", s->path, sqlite3_errmsg(s->db));
	return -1;
}
