#include "hq/identity/hq_hold.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "base/log.h"
#include "hq/identity/hq_profile.h"

#define DAY_US INT64_C(86400000000)
#define NEIGHBOURS 8 /* stores whose customers are weighed, too: those that share most with it */
#define SAMPLED 2000 /* of its best customers, to see which those are */

void hq_hold_weigh(struct hq_db *db, int64_t unit)
{
	hq_db_run(db, HQ_SQL_PRESENCE_DROP, "i", unit);
	hq_db_run(db, HQ_SQL_PRESENCE_WEIGH, "i", unit);
}

/* One sequencer for all feeds. */
static int64_t next_version(struct hq_db *db)
{
	int64_t version = hq_db_meta(db, "version") + 1;

	hq_db_meta_set(db, "version", version);
	return version;
}

static bool is_chosen(struct hq_db *db, int64_t store)
{
	return hq_db_int(db, 0, HQ_SQL_STORE_CHOSEN, "i", store) != 0;
}

void hq_hold_met(struct hq_db *db, int64_t store, int64_t unit, int64_t time_us)
{
	hq_db_run(db, HQ_SQL_MET_SET, "iii", store, unit, time_us);
	hq_hold_weigh(db, unit);
	if (is_chosen(db, store) && hq_db_int(db, 0, HQ_SQL_HOLDS, "ii", store, unit) == 0)
		hq_db_run(db, HQ_SQL_HOLD, "iii", store, unit, next_version(db));
}

void hq_hold_asked(struct hq_db *db, int64_t store, const char *kind, const char *value,
                   int64_t time_us)
{
	int64_t unit[HQ_PROFILE_ASKED_MAX];
	struct sqlite3_stmt *q;
	int n = 0;

	if (hq_db_begin(db) != 0)
		return;
	q = hq_db_query(db, HQ_SQL_HOLD_ASKED, "tti", kind, value, (int64_t)HQ_PROFILE_ASKED_MAX);
	while (hq_db_row(db, q))
		unit[n++] = sqlite3_column_int64(q, 0);
	while (n > 0)
		hq_hold_met(db, store, unit[--n], time_us);
	if (hq_db_commit(db) != 0)
		log_error("whom a store has asked for could not be noted; it will ask again");
}

void hq_hold_changed(struct hq_db *db, int64_t unit, int64_t person, uint64_t version)
{
	hq_db_run(db, HQ_SQL_HOLDING_CHANGED, "ii", unit, (int64_t)version);
	if (person && person != unit &&
	    hq_db_run(db, HQ_SQL_HOLD_TOO, "iii", unit, person, hq_db_meta(db, "version") + 1) > 0)
		next_version(db);
}

/* ---- choosing ---- */

/* Each gets a version of its own: a page may end behind any of them. */
static int64_t take_over(struct hq_db *db, int64_t store)
{
	int64_t version = hq_db_meta(db, "version"), changed = 0;
	int n = hq_db_run(db, HQ_SQL_HOLDING_DROP, "ii", store, version);

	changed += n > 0 ? n : 0;
	n = hq_db_run(db, HQ_SQL_HOLDING_ADD, "ii", store, version + changed);
	changed += n > 0 ? n : 0;
	hq_db_meta_set(db, "version", version + changed);
	return changed;
}

static void choose(struct hq_db *db, int64_t store, int64_t most)
{
	int64_t room;

	hq_db_run(db, HQ_SQL_CHOICE_CLEAR, "");
	hq_db_run(db, HQ_SQL_NEAR_CLEAR, "");
	hq_db_run(db, HQ_SQL_NEAR_SET, "iii", store, (int64_t)SAMPLED, (int64_t)NEIGHBOURS);
	hq_db_run(db, HQ_SQL_CHOICE_WEIGHED, "ii", store, most);
	room = most - hq_db_int(db, 0, HQ_SQL_CHOICE_COUNT, "");
	if (room > 0)
		hq_db_run(db, HQ_SQL_CHOICE_FILL, "i", room);
}

static void log_taken(struct hq_db *db, int64_t store, int64_t changed)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_STORE_NAME, "i", store);

	if (!hq_db_row(db, q))
		return;
	log_info("store %s: %" PRId64 " customers come to its shard or leave it", hq_db_text(q, 0),
	         changed);
	hq_db_end(q);
}

int64_t hq_hold_choose(struct hq_db *db, int64_t budget_bytes, int64_t wall_us)
{
	int64_t store = hq_db_int(db, 0, HQ_SQL_STORE_DUE, "i", wall_us - DAY_US);
	int64_t most = budget_bytes / HQ_HOLD_PROFILE_BYTES;
	bool chosen;

	if (store == 0)
		return 0;
	chosen = is_chosen(db, store);
	hq_db_run(db, HQ_SQL_STORE_CHOSEN_AT, "ii", store, wall_us);
	if (!chosen && hq_db_int(db, 0, HQ_SQL_PERSON_COUNT, "") <= most)
		return store;
	choose(db, store, most);
	if (!chosen)
		hq_db_run(db, HQ_SQL_STORE_FEED, "ii", store, next_version(db));
	log_taken(db, store, take_over(db, store));
	hq_db_run(db, HQ_SQL_CHOICE_CLEAR, "");
	return store;
}

void hq_hold_choose_one(struct hq_db *db, int64_t budget_bytes, int64_t wall_us)
{
	if (hq_db_begin(db) != 0)
		return;
	hq_hold_choose(db, budget_bytes, wall_us);
	if (hq_db_commit(db) != 0)
		log_error("which customers a store holds could not be chosen; trying again");
}

/* ---- the feed ---- */

bool hq_hold_fresh(struct hq_db *db, int64_t store, uint64_t since)
{
	return (int64_t)since < hq_db_int(db, 0, HQ_SQL_STORE_FLOOR, "i", store);
}

uint64_t hq_hold_page(struct hq_db *db, int64_t store, const struct hq_profile_page *page,
                      struct buf *out, bool *more)
{
	struct hq_profile_page own = *page;
	uint64_t to;

	own.store = is_chosen(db, store) ? store : 0;
	to = hq_profile_page(db, &own, out, more);
	/* What changed since for other stores is not this one's to ask for again. */
	return own.store && !*more ? hq_profile_version(db) : to;
}
