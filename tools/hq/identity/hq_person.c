#include "hq/identity/hq_person.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/identity/hq_facts.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_points.h"
#include "hq/identity/hq_profile.h"
#include "hq/identity/hq_review.h"

#define SHORTFALL_KEY_SIZE 48
#define HQ_PERSON_ITEMS_MAX 10    /* last items kept */
#define HQ_PERSON_DIGEST_BYTES 16 /* of the line: enough to see a change */

int hq_person_begin(struct hq_person_work *w, struct hq_db *db, const char *currency,
                    int64_t wall_us)
{
	*w = (struct hq_person_work){
	    .db = db, .currency = currency, .wall_us = wall_us, .vault = vault_work_new()};
	return w->vault ? 0 : -1;
}

void hq_person_end(struct hq_person_work *w)
{
	vault_work_free(w->vault);
	buf_free(&w->line);
}

/* The newest items over the newest orders, as one JSON list; NULL: out of memory. */
static char *last_items(struct hq_db *db, int64_t person)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_SALE_ITEMS, "ii", person, (int64_t)HQ_PERSON_ITEMS_MAX);
	json_t *list = json_array();
	char *text;

	while (hq_db_row(db, q)) {
		json_t *items = json_loads(hq_db_text(q, 0), 0, NULL);
		for (size_t i = 0; i < json_array_size(items); i++) {
			if (json_array_size(list) < HQ_PERSON_ITEMS_MAX)
				json_array_append(list, json_array_get(items, i));
		}
		json_decref(items);
	}
	text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(list);
	return text;
}

struct folded {
	struct hq_facts facts;
	size_t winner[FIELD_COUNT];
	char name[HQ_PROFILE_NAME_SIZE];
	struct hq_points points;
	int64_t visits, spend, seen_us;
	char *items;
};

/* NULL: nothing stands. */
static const char *value_of(const struct folded *f, enum field field)
{
	const char *value =
	    f->winner[field] < f->facts.count ? f->facts.fact[f->winner[field]].value : NULL;

	return value && value[0] ? value : NULL;
}

static const char *name_of(struct folded *f)
{
	const char *value[FIELD_COUNT];

	for (int i = 0; i < FIELD_COUNT; i++)
		value[i] = value_of(f, (enum field)i);
	field_whole_name(value, f->name, sizeof f->name);
	return f->name[0] ? f->name : NULL;
}

static void read_facts(struct hq_person_work *w, int64_t person, struct folded *f)
{
	hq_facts_of_person(&f->facts, w->db, person);
	field_choose(f->facts.fact, f->facts.count, f->winner);
}

static void read_orders(struct hq_person_work *w, int64_t person, struct folded *f)
{
	struct sqlite3_stmt *q = hq_db_query(w->db, HQ_SQL_SALE_SUMS, "it", person, w->currency);

	f->seen_us = INT64_MIN;
	if (hq_db_row(w->db, q)) {
		f->visits = sqlite3_column_int64(q, 0);
		f->spend = sqlite3_column_int64(q, 1);
		if (sqlite3_column_type(q, 2) != SQLITE_NULL)
			f->seen_us = sqlite3_column_int64(q, 2);
		hq_db_end(q);
	}
	f->items = f->seen_us == INT64_MIN ? memory_text("[]") : last_items(w->db, person);
}

static void shortfall_key(int64_t person, char key[SHORTFALL_KEY_SIZE])
{
	snprintf(key, SHORTFALL_KEY_SIZE, "shortfall:%" PRId64, person);
}

static void no_shortfall(struct hq_db *db, int64_t unit)
{
	char key[SHORTFALL_KEY_SIZE];

	shortfall_key(unit, key);
	hq_review_drop(db, key);
}

static void note_shortfall(struct hq_db *db, int64_t person, int64_t points, int64_t wall_us)
{
	char key[SHORTFALL_KEY_SIZE], detail[48];

	shortfall_key(person, key);
	snprintf(detail, sizeof detail, "%" PRId64 " points", points);
	if (points > 0)
		hq_review_add(db, &(struct hq_review){.cause = "shortfall",
		                                      .key = key,
		                                      .detail = detail,
		                                      .unit = person,
		                                      .wall_us = wall_us});
	else
		no_shortfall(db, person);
}

static void fold(struct hq_person_work *w, int64_t person)
{
	struct folded *f = memory_zeroed(1, sizeof *f);
	const char *state;
	int64_t settled = hq_db_int(w->db, 0, HQ_SQL_PROFILE_SETTLED, "i", person), missing;

	if (!f)
		return;
	read_facts(w, person, f);
	read_orders(w, person, f);
	hq_points_read(w->db, person, settled, &f->points);
	missing = f->points.shortfall > settled ? f->points.shortfall - settled : 0;
	note_shortfall(w->db, person, missing, w->wall_us);
	state = value_of(f, FIELD_STATE);
	hq_db_run(
	    w->db, HQ_SQL_PROFILE_FOLDED, "itttttitiiitiit", person, value_of(f, FIELD_FIRST_NAME),
	    name_of(f), value_of(f, FIELD_TIER), value_of(f, FIELD_LANGUAGE),
	    state ? state : "active", f->points.known ? f->points.balance : INT64_MIN,
	    f->points.as_of[0] ? f->points.as_of : NULL, f->visits, f->spend, f->seen_us, f->items,
	    missing, f->points.shortfall, f->points.short_since[0] ? f->points.short_since : NULL);
	hq_facts_free(&f->facts);
	free(f->items);
	free(f);
}

/* One sequencer for all: versions rise in the order of commits. */
static void bump(struct hq_db *db, int64_t n, int64_t person)
{
	int64_t version = hq_db_meta(db, "version") + 1;

	hq_db_meta_set(db, "version", version);
	hq_db_run(db, HQ_SQL_PROFILE_VERSION, "ii", n, version);
	hq_hold_changed(db, n, person, (uint64_t)version);
}

static void tell_if_changed(struct hq_person_work *w, int64_t unit, int64_t person)
{
	uint8_t digest[VAULT_HASH_BYTES];

	buf_reset(&w->line);
	hq_profile_line(w->db, unit, &w->line);
	vault_sha256(w->vault, w->line.data, w->line.len, digest);
	if (hq_db_run(w->db, HQ_SQL_PROFILE_DIGEST, "ib", unit, digest,
	              (size_t)HQ_PERSON_DIGEST_BYTES) == 1)
		bump(w->db, unit, person);
}

void hq_person_settle(struct hq_person_work *w, int64_t unit)
{
	struct sqlite3_stmt *q = hq_db_query(w->db, HQ_SQL_UNIT_GET, "i", unit);
	int64_t person;
	bool gone;

	if (!hq_db_row(w->db, q))
		return;
	person = sqlite3_column_int64(q, 3);
	gone = sqlite3_column_int(q, 4) != 0;
	hq_db_end(q);
	if (!gone && person == unit) {
		fold(w, unit);
	} else {
		no_shortfall(w->db, unit);
		if (!gone)
			hq_db_run(w->db, HQ_SQL_PROFILE_PART, "i", unit);
	}
	hq_hold_weigh(w->db, unit);
	tell_if_changed(w, unit, gone ? unit : person);
}
