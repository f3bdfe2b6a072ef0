#include "hq/serve/hq_stores.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_outbox.h"
#include "hq/intake/hq_epoch.h"

#define HQ_STORES_NOTE_US                                                                          \
	INT64_C(10000000) /* how often the time of hearing is written, at most                     \
	                   */

struct store {
	struct store *next;
	char name[EVENT_STORE_SIZE];
	int64_t heard_mono_us, heard_wall_us;
	int64_t noted_us; /* heard_wall_us as hq.db has it */
	int64_t dark_us;  /* since; 0: not dark */
	bool back;        /* heard while it was dark; told at the next tick */
};

struct hq_stores {
	struct hq_stores_params p;
	struct store *first;
};

static struct store *add(struct hq_stores *s, const char *name)
{
	struct store *store = memory_zeroed(1, sizeof *store);

	if (!store)
		return NULL;
	text_copy(store->name, sizeof store->name, name);
	store->heard_mono_us = clock_mono_us(s->p.clock);
	store->next = s->first;
	s->first = store;
	return store;
}

struct hq_stores *hq_stores_new(const struct hq_stores_params *params)
{
	struct hq_stores *s = memory_zeroed(1, sizeof *s);
	struct sqlite3_stmt *q;
	struct store *store;

	if (!s)
		return NULL;
	s->p = *params;
	q = hq_db_query(s->p.db, HQ_SQL_STORE_ALL, "");
	while (hq_db_row(s->p.db, q)) {
		store = add(s, hq_db_text(q, 1));
		if (!store) {
			hq_db_end(q);
			hq_stores_free(s);
			return NULL;
		}
		store->heard_wall_us = store->noted_us = sqlite3_column_int64(q, 2);
		store->dark_us = sqlite3_column_int64(q, 3);
	}
	return s;
}

void hq_stores_free(struct hq_stores *s)
{
	if (!s)
		return;
	while (s->first) {
		struct store *store = s->first;
		s->first = store->next;
		free(store);
	}
	free(s);
}

void hq_stores_heard(struct hq_stores *s, const char *name)
{
	struct store *store = s->first;

	while (store && strcmp(store->name, name) != 0)
		store = store->next;
	if (!store)
		store = add(s, name);
	if (!store)
		return;
	store->heard_mono_us = clock_mono_us(s->p.clock);
	store->heard_wall_us = clock_wall_us(s->p.clock);
	store->back |= store->dark_us != 0;
}

static bool came_back(struct hq_stores *s, struct store *store)
{
	int64_t row = hq_epoch_store(s->p.db, store->name);

	log_info("store %s is heard again", store->name);
	hq_db_run(s->p.db, HQ_SQL_STORE_BACK, "ii", row, store->heard_wall_us);
	if (s->p.webhook)
		hq_outbox_back(s->p.db, store->name, store->dark_us, store->heard_wall_us);
	store->noted_us = store->heard_wall_us;
	store->dark_us = 0;
	store->back = false;
	return true;
}

static bool went_dark(struct hq_stores *s, struct store *store)
{
	int64_t row = hq_epoch_store(s->p.db, store->name);

	store->dark_us = store->heard_wall_us ? store->heard_wall_us : clock_wall_us(s->p.clock);
	log_warn("store %s is dark: nothing heard for %d s", store->name, s->p.dark_s);
	hq_db_run(s->p.db, HQ_SQL_STORE_DARK, "ii", row, store->dark_us);
	if (s->p.webhook)
		hq_outbox_dark(s->p.db, store->name, store->dark_us, clock_wall_us(s->p.clock));
	return true;
}

static bool is_silent(const struct hq_stores *s, const struct store *store)
{
	return clock_mono_us(s->p.clock) - store->heard_mono_us > s->p.dark_s * INT64_C(1000000);
}

static bool due(const struct hq_stores *s, const struct store *store)
{
	if (store->back || (!store->dark_us && is_silent(s, store)))
		return true;
	return store->heard_wall_us - store->noted_us > HQ_STORES_NOTE_US;
}

bool hq_stores_tick(struct hq_stores *s)
{
	struct store *store = s->first;
	bool told = false;

	while (store && !due(s, store))
		store = store->next;
	if (!store || hq_db_begin(s->p.db) != 0)
		return false;
	for (; store; store = store->next) {
		if (store->back) {
			told |= came_back(s, store);
		} else if (!store->dark_us && is_silent(s, store)) {
			told |= went_dark(s, store);
		} else if (due(s, store)) {
			hq_db_run(s->p.db, HQ_SQL_STORE_HEARD, "ii",
			          hq_epoch_store(s->p.db, store->name), store->heard_wall_us);
			store->noted_us = store->heard_wall_us;
		}
	}
	/* What could not be written is told again only when the store changes once more: the log
	 * has it. */
	return hq_db_commit(s->p.db) == 0 && told;
}

void hq_stores_each(struct hq_stores *s, void (*fn)(void *ctx, const char *store), void *ctx)
{
	for (struct store *store = s->first; store; store = store->next)
		fn(ctx, store->name);
}
