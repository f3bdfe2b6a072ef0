/* A journal in a folder of its own, with keys and a clock that tests turn. */
#ifndef LANEWAY_TESTS_JOURNAL_PLACE_H
#define LANEWAY_TESTS_JOURNAL_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "store/db.h"
#include "store/journal.h"
#include "vault_files.h"

/* The public half of device-sign.key. */
#define PLACE_SIGN_PUB "6355691c178a8ff91007a7478afb955ef7352c63e7b25703984cf78b26e21a56"
#define PLACE_DAY_US (86400 * 1000000LL)

/* SQL: the id of the n-th pack of the file. */
#define PLACE_PACK(n) "(SELECT id FROM pack ORDER BY id LIMIT 1 OFFSET " n " - 1)"

struct place {
	char dir[FOLDER_SIZE], path[96];
	struct vault *vault;
	struct journal *journal;
	struct journal_reader *reader;
	struct counters counters;
	struct clock clock;
	_Atomic int64_t wall_us;   /* and monotonic time, which has no jumps ... */
	_Atomic int64_t jumped_us; /* ... as the wall clock has: added to it alone */
	_Atomic bool untrusted;
	struct journal_params params;
	bool set_aside;
};

static inline int64_t place_time(void *ctx)
{
	return atomic_load(&((struct place *)ctx)->wall_us);
}

static inline int64_t place_wall(void *ctx)
{
	return place_time(ctx) + atomic_load(&((struct place *)ctx)->jumped_us);
}

static inline enum clock_trust place_trust(void *ctx)
{
	return atomic_load(&((struct place *)ctx)->untrusted) ? CLOCK_NONE : CLOCK_KERNEL;
}

static inline void place_put(const struct place *p, const char *name, const char *text)
{
	folder_put(p->dir, name, text, 0600);
}

static inline struct place *place_new(void)
{
	struct place *p = calloc(1, sizeof(*p));
	char err[256] = "";
	assert_non_null(p);
	folder_make(p->dir, "journal");
	snprintf(p->path, sizeof(p->path), "%s/journal.db", p->dir);
	vault_files(p->dir);
	if (vault_open(&p->vault, p->dir, true, err, sizeof(err)))
		fail_msg("%s", err);
	atomic_store(&p->wall_us, 1795280523000000LL); /* 2026-11-21 */
	p->clock = (struct clock){
	    .mono_us = place_time, .wall_us = place_wall, .trust = place_trust, .ctx = p};
	p->params = (struct journal_params){.path = p->path,
	                                    .store = "s1",
	                                    .device = "d1",
	                                    .vault = p->vault,
	                                    .clock = &p->clock,
	                                    .counters = &p->counters,
	                                    .queue_max = 20000,
	                                    .quota_bytes = 1 << 30,
	                                    .retention_us = 7 * PLACE_DAY_US,
	                                    .resend_window_us = 3 * PLACE_DAY_US};
	return p;
}

static inline void place_start(struct place *p)
{
	char err[512] = "";
	if (journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(journal_start(p->journal), 0);
}

static inline void place_stop(struct place *p)
{
	journal_reader_free(p->reader);
	p->reader = NULL;
	journal_free(p->journal);
	p->journal = NULL;
}

static inline void place_free(struct place *p)
{
	place_stop(p);
	vault_free(p->vault);
	folder_drop(p->dir);
	free(p);
}

/* For cmocka: a place per test, its journal not open yet, or running. */
static inline int place_set_up(void **state)
{
	*state = place_new();
	return 0;
}

static inline int place_set_up_started(void **state)
{
	*state = place_new();
	place_start(*state);
	return 0;
}

static inline int place_tear_down(void **state)
{
	place_free(*state);
	return 0;
}

static inline struct journal_reader *place_reader(struct place *p)
{
	char err[256] = "";
	if (!p->reader &&
	    journal_reader_open(&p->reader, p->path, "s1", p->vault, err, sizeof(err)))
		fail_msg("%s", err);
	return p->reader;
}

static inline void place_epoch_key(const struct vault *v, const uint8_t epoch[8], uint8_t out[32])
{
	struct vault_work *w = vault_work_new();
	assert_non_null(w);
	vault_epoch_key(v, w, epoch, out);
	vault_work_free(w);
}

static inline struct entry *place_entry(enum event_kind kind)
{
	struct entry *e = entry_new();
	struct lw_event *ev = entry_add(e, kind);
	assert_non_null(ev);
	ev->business_date = "2026-11-21";
	ev->source = "till:T3";
	ev->lane = "3";
	ev->properties = "{\"reason\":\"test\"}";
	return e;
}

/* The next answer; waits for it. */
static inline struct entry *place_wait(struct place *p)
{
	struct entry *e;
	while (!(e = journal_done(p->journal))) {
		struct pollfd fd = {.fd = journal_done_fd(p->journal), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 20000), 1);
	}
	return e;
}

/* One entry there and back. */
static inline struct entry *place_commit(struct place *p, struct entry *e)
{
	assert_true(journal_put(p->journal, e));
	assert_ptr_equal(place_wait(p), e);
	return e;
}

/* n entries of one event each, kept one by one: n packs. */
static inline void place_fill(struct place *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct entry *e = place_commit(p, place_entry(EVENT_PRODUCT_ADDED));
		assert_int_equal(e->status, ENTRY_KEPT);
		entry_free(e);
	}
}

/* There is room again: by and by sources are served. */
static inline struct entry *place_kept_soon(struct place *p)
{
	for (int i = 0; i < 50; i++) {
		struct entry *e = place_commit(p, place_entry(EVENT_ORDER_COMPLETED));
		if (e->status == ENTRY_KEPT)
			return e;
		entry_free(e);
		atomic_fetch_add(&p->wall_us, 1000000);
		usleep(1000);
	}
	fail_msg("no room although there is room");
	return NULL;
}

static inline struct journal_state place_state(struct place *p)
{
	struct journal_state s;
	journal_state(p->journal, &s);
	return s;
}

/* One number out of the file, as a third party would see it. */
static inline int64_t place_ask(const struct place *p, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db);
	return v;
}

/* The file as somebody else left it. Nobody else writes while the journal runs: it makes the log
 * longer with zeros behind what it has committed itself. */
static inline void place_damage(const struct place *p, const char *sql)
{
	sqlite3 *db;
	assert_null(p->journal);
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

#endif
