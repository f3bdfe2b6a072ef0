/* What can still be read of journals that were set aside comes back under its own names: epochs
 * older than all that were opened here, packs with their seals as they are. The second thread
 * reads; the journal's thread puts (journal_salvage_put.c). A file that is through is remembered,
 * one that was interrupted is begun again: what is there is not put twice. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/journal_salvage.h"

#define FILES_MAX 64
#define WAIT_ROOM_MS 1000
#define TOLD_MAX 100 /* damaged epochs of a file that are named in its result */
#define SUFFIX ".unreadable-"

/* ---- which files ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);
	return n >= k && strcmp(s + n - k, end) == 0;
}

static void split(const struct journal *j, char dir[JOURNAL_PATH_SIZE], const char **name)
{
	text_copy(dir, JOURNAL_PATH_SIZE, j->path);
	char *slash = strrchr(dir, '/');
	*name = slash ? j->path + (slash - dir) + 1 : j->path;
	if (slash)
		slash[slash == dir] = '\0';
	else
		text_copy(dir, JOURNAL_PATH_SIZE, ".");
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

/* Names of set-aside files without their logs, newest first; -1: it cannot be said. */
static int list_files(const struct journal *j, char out[FILES_MAX][SALVAGE_NAME_SIZE])
{
	char dir[JOURNAL_PATH_SIZE];
	const char *name;
	int n = 0;
	split(j, dir, &name);
	DIR *d = opendir(dir);
	if (!d) {
		log_error("journal: %s: %s", dir, strerror(errno));
		return -1;
	}
	for (struct dirent *e; n < FILES_MAX && (e = readdir(d));) {
		size_t len = strlen(name);
		if (strncmp(e->d_name, name, len) != 0 ||
		    strncmp(e->d_name + len, SUFFIX, strlen(SUFFIX)) != 0 ||
		    ends_with(e->d_name, "-wal") || ends_with(e->d_name, "-shm") ||
		    strlen(e->d_name) >= SALVAGE_NAME_SIZE)
			continue;
		text_copy(out[n++], SALVAGE_NAME_SIZE, e->d_name);
	}
	closedir(d);
	qsort(out, (size_t)n, SALVAGE_NAME_SIZE, newest_first);
	return n;
}

bool journal_salvage_beside(const struct journal *j)
{
	char files[FILES_MAX][SALVAGE_NAME_SIZE];
	return list_files(j, files) != 0;
}

bool journal_salvage_waits(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	bool waits = j->state.salvage.running;
	pthread_mutex_unlock(&j->lock);
	return waits;
}

static bool is_done(sqlite3 *db, const char *file)
{
	sqlite3_stmt *stmt =
	    db_prepare(db, "SELECT 1 FROM salvage WHERE file = ?1 AND result IS NOT NULL");
	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, file, -1, SQLITE_STATIC);
	bool done = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return done;
}

/* ---- handing over ---- */

/* Waits for room: this is not worth a scan. false: stopping. */
static bool hand_over(struct salvage *s, int (*run)(struct journal *, void *),
                      void (*committed)(struct journal *, void *))
{
	struct journal_job job = {.run = run, .committed = committed, .ctx = s, .adds = true};
	while (journal_back_do(s->j, &job) != JOURNAL_JOB_DONE) {
		s->waited = true;
		if (!journal_back_rest(s->j, WAIT_ROOM_MS))
			return false;
	}
	return journal_back_go_on(s->j);
}

static void chunk_reset(struct salvage_chunk *c)
{
	buf_reset(&c->bytes);
	c->count = 0;
}

static struct salvage_blob keep_blob(struct salvage_chunk *c, const void *p, size_t n)
{
	struct salvage_blob blob = {c->bytes.len, n};
	buf_add(&c->bytes, p, n);
	return blob;
}

/* ---- small rows ---- */

static bool put_small(struct salvage *s)
{
	bool ok = s->chunk.count == 0 || hand_over(s, journal_salvage_put_small, NULL);
	chunk_reset(&s->chunk);
	return ok;
}

static bool on_small(void *ctx, const struct journal_raw_row *row)
{
	struct salvage *s = ctx;
	struct salvage_row *r = &s->chunk.rows[s->chunk.count++];
	memset(r, 0, sizeof(*r));
	r->kind = row->kind;
	for (int i = 0; i < 3; i++) {
		r->i[i] = row->v[i].i;
		r->blob[i] = keep_blob(&s->chunk, row->v[i].p, row->v[i].n);
	}
	return s->chunk.count < SALVAGE_ROWS || put_small(s);
}

/* Before the packs: nobody may meet a pack whose keys are not there. */
static bool bring_keys(struct salvage *s)
{
	chunk_reset(&s->chunk);
	return journal_wreck_rows(s->w, 1u << JOURNAL_RAW_KEY, on_small, s) && put_small(s);
}

/* Behind them: only of what came. */
static bool bring_marks(struct salvage *s)
{
	chunk_reset(&s->chunk);
	return journal_wreck_rows(s->w,
	                          1u << JOURNAL_RAW_URGENT | 1u << JOURNAL_RAW_AWAITED |
	                              1u << JOURNAL_RAW_META,
	                          on_small, s) &&
	       put_small(s);
}

/* ---- packs ---- */

static void keep_pack(struct salvage_chunk *c, const struct journal_wreck_pack *pack)
{
	const struct journal_raw_value *v = pack->row.v;
	struct salvage_row *r = &c->rows[c->count++];
	const size_t link = EVENT_EPOCH_BYTES + EVENT_HASH_BYTES;
	memset(r, 0, sizeof(*r));
	r->kind = JOURNAL_RAW_PACK;
	r->i[0] = (int64_t)pack->head.first;
	r->i[1] = pack->head.count;
	r->i[2] = v[4].i;
	for (int i = 0; i < 4; i++)
		r->blob[i] = keep_blob(c, v[5 + i].p, v[5 + i].n);
	r->blob[4] = keep_blob(c, pack->head.epoch, EVENT_EPOCH_BYTES);
	keep_blob(c, pack->h_prev, EVENT_HASH_BYTES);
	r->blob[4].n = link;
	if (v[9].type == 'b' && v[9].n > link)
		r->blob[4].n += keep_blob(c, v[9].p + link, v[9].n - link).n;
}

static bool bring_epoch(struct salvage *s, size_t i)
{
	const struct journal_wreck_epoch *e = journal_wreck_epoch(s->w, i);
	struct journal_wreck_pack pack;
	s->epoch = e;
	s->ordinal = 0;
	for (uint64_t n = 0; n < e->packs;) {
		chunk_reset(&s->chunk);
		for (; n < e->packs && s->chunk.count < SALVAGE_ROWS &&
		       s->chunk.bytes.len < SALVAGE_BYTES;
		     n++) {
			if (journal_wreck_pack(s->w, i, n, &pack, NULL)) {
				s->lost_packs++;
				continue;
			}
			keep_pack(&s->chunk, &pack);
		}
		if (s->chunk.bytes.failed)
			return false;
		if (s->chunk.count &&
		    !hand_over(s, journal_salvage_put_packs, journal_salvage_count))
			return false;
		if (s->skip)
			return true;
	}
	return true;
}

/* ---- what is told ---- */

static void describe_epoch(const struct journal_wreck_epoch *e, struct buf *out)
{
	char hex[EVENT_EPOCH_SIZE];
	text_hex(e->epoch, EVENT_EPOCH_BYTES, hex);
	buf_printf(out, "{\"epoch\":\"%s\",\"confirmed\":%" PRIu64 ",\"left\":%" PRIu64, hex,
	           e->confirmed, e->left);
	buf_str(out, ",\"missing\":[");
	for (uint32_t i = 0; i < e->missing_count; i++)
		buf_printf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", e->missing[i].first,
		           e->missing[i].last);
	buf_str(out, "]}");
}

static void describe(struct salvage *s)
{
	struct journal_wreck_count c;
	struct buf *out = &s->result;
	size_t n = journal_wreck_epochs(s->w), told = 0;
	journal_wreck_counts(s->w, &c);
	buf_reset(out);
	buf_printf(out,
	           "{\"events\":%" PRIu64 ",\"packs\":%" PRIu64
	           ",\"epochs\":%zu,\"unopened\":%" PRIu64 ",\"unchained\":%" PRIu64
	           ",\"damaged\":[",
	           s->events, s->packs, n, c.unopened, c.unchained);
	for (size_t i = 0; i < n && told < TOLD_MAX; i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(s->w, i);
		if (!e->missing_count && !e->left)
			continue;
		if (told++)
			buf_byte(out, ',');
		describe_epoch(e, out);
	}
	buf_str(out, "]}");
	buf_byte(out, '\0');
}

static void log_missing(const struct salvage *s)
{
	char hex[EVENT_EPOCH_SIZE];
	for (size_t i = 0; i < journal_wreck_epochs(s->w); i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(s->w, i);
		text_hex(e->epoch, EVENT_EPOCH_BYTES, hex);
		for (uint32_t k = 0; k < e->missing_count; k++) {
			if (e->missing[k].last > e->confirmed)
				log_error("ALARM: journal: epoch %s, seq %" PRIu64 " to %" PRIu64
				          ": not readable in %s",
				          hex, e->missing[k].first, e->missing[k].last, s->file);
		}
	}
}

/* ---- one file ---- */

static bool key_of(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], const uint8_t *box,
                   uint8_t key[VAULT_KEY_BYTES])
{
	const struct salvage *s = ctx;
	(void)box;
	vault_epoch_key(s->j->params.vault, s->work, epoch, key);
	return true;
}

static bool go_on(void *ctx)
{
	const struct salvage *s = ctx;
	return journal_back_go_on(s->j);
}

static bool bring_all(struct salvage *s)
{
	if (!bring_keys(s))
		return false;
	/* Newest first: each new one is put below those that are there. */
	s->newer = s->newer_there = 0;
	for (size_t i = journal_wreck_epochs(s->w); i-- > 0;) {
		if (!bring_epoch(s, i))
			return false;
		s->newer = s->ordinal;
		s->newer_there = s->epoch->row ? s->epoch->ordinal : 0;
	}
	if (!bring_marks(s))
		return false;
	describe(s);
	if (!hand_over(s, journal_salvage_put_result, journal_salvage_told))
		return false;
	log_missing(s);
	log_info("journal: %" PRIu64 " events in %" PRIu64 " packs came back from %s", s->events,
	         s->packs, s->file);
	return true;
}

static bool bring_file(struct salvage *s, const char *dir)
{
	char path[JOURNAL_PATH_SIZE + SALVAGE_NAME_SIZE], err[256] = "";
	struct journal_wreck_params params = {
	    .path = path, .store = s->j->store, .key = key_of, .go_on = go_on, .ctx = s};
	snprintf(path, sizeof(path), "%s/%.*s", dir, SALVAGE_NAME_SIZE - 1, s->file);
	log_info("journal: reading what is left in %s", path);
	if (journal_wreck_open(&s->w, &params, err, sizeof(err))) {
		if (journal_back_go_on(s->j))
			log_error("ALARM: journal: nothing can be brought back from %s", err);
		return false;
	}
	bool done = bring_all(s);
	journal_wreck_free(s->w);
	s->w = NULL;
	return done;
}

/* ---- all ---- */

static void say(struct journal *j, bool running)
{
	pthread_mutex_lock(&j->lock);
	j->state.salvage.running = running;
	pthread_mutex_unlock(&j->lock);
}

/* Those that are not known to be done, or -1: it cannot be said. Keys that only such a file names
 * must stay, so what cannot be read counts as waiting. */
static int list_waiting(struct journal *j, char files[FILES_MAX][SALVAGE_NAME_SIZE])
{
	char err[256] = "";
	sqlite3 *db;
	int all = list_files(j, files), n = 0;
	if (all <= 0)
		return all;
	if (db_open_reader(&db, j->path, err, sizeof(err))) {
		log_error("journal: %s", err);
		return -1;
	}
	for (int i = 0; i < all; i++) {
		if (!is_done(db, files[i]))
			memmove(files[n++], files[i], SALVAGE_NAME_SIZE);
	}
	db_close_reader(db);
	return n;
}

void journal_salvage_look(struct journal *j)
{
	char files[FILES_MAX][SALVAGE_NAME_SIZE];
	say(j, list_waiting(j, files) != 0);
}

void journal_salvage_all(struct journal *j)
{
	char files[FILES_MAX][SALVAGE_NAME_SIZE], dir[JOURNAL_PATH_SIZE];
	const char *name;
	int n = list_waiting(j, files), done = 0;
	struct salvage *s = n > 0 ? calloc(1, sizeof(*s)) : NULL;

	split(j, dir, &name);
	if (s)
		s->work = vault_work_new();
	for (size_t i = 0; s && s->work && i < (size_t)n && journal_back_go_on(j); i++) {
		s->j = j;
		s->file = files[i];
		s->events = s->packs = s->lost_packs = 0;
		done += bring_file(s, dir);
	}
	/* One that could not be read keeps the keys it may name. */
	say(j, done != n);
	if (s) {
		buf_free(&s->chunk.bytes);
		buf_free(&s->result);
		vault_work_free(s->work);
	}
	free(s);
}
