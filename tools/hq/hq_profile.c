#include "hq/hq_profile.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hq/hq_unit.h"

#define HQ_PROFILE_ITEMS_MAX 10 /* last items kept */

uint64_t hq_profile_version(struct hq_db *db)
{
	return (uint64_t)hq_db_meta(db, "version");
}

/* One sequencer for all: versions rise in the order of commits. */
static void bump(struct hq_db *db, int64_t n)
{
	int64_t version = hq_db_meta(db, "version") + 1;

	hq_db_meta_set(db, "version", version);
	hq_db_run(db, HQ_SQL_PROFILE_VERSION, "ii", n, version);
}

/* The customer that has this identifier; 0 nobody, -1 several. */
static int64_t owner_of(struct hq_db *db, enum ident_kind kind, const char *value)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_IDENT_OWNERS, "tt", ident_kind_name(kind), value);
	int64_t n = 0;
	int hits = 0;

	for (; hq_db_row(db, q); hits++)
		n = sqlite3_column_int64(q, 0);
	return hits > 1 ? -1 : n;
}

/* A customer that came without the chain's key so far gets it with the first row that names it. */
static int64_t find_person(struct hq_db *db, const struct hq_person *p)
{
	int64_t n = 0;

	if (p->external) {
		n = hq_db_int(db, 0, HQ_SQL_PROFILE_BY_EXTERNAL, "t", p->external);
		if (n != 0)
			return n;
	}
	for (int i = 0; i < p->ident_count && n == 0; i++)
		n = owner_of(db, p->ident[i].kind, p->ident[i].value);
	if (p->external &&
	    (n < 0 || hq_db_run(db, HQ_SQL_PROFILE_ADOPT, "it", n, p->external) != 1))
		return 0;
	return n;
}

static bool has_ident(struct hq_db *db, int64_t n, const struct hq_person *p, int i)
{
	return hq_db_int(db, 0, HQ_SQL_CLAIM_OF, "tti", ident_kind_name(p->ident[i].kind),
	                 p->ident[i].value, n) != 0;
}

static int missing_idents(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	int missing = 0;

	for (int i = 0; i < p->ident_count; i++)
		missing += !has_ident(db, n, p, i);
	return missing;
}

static int add_idents(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	int added = 0;

	for (int i = 0; i < p->ident_count; i++) {
		/* A card or an account was handed out by the chain; a number or an address is only
		 * what somebody said. */
		struct hq_claim claim = {.unit = n,
		                         .kind = p->ident[i].kind,
		                         .value = p->ident[i].value,
		                         .verified = p->ident[i].kind != IDENT_PHONE &&
		                                     p->ident[i].kind != IDENT_EMAIL,
		                         .source = "import"};
		if (has_ident(db, n, p, i))
			continue;
		claim.at.seq = hq_unit_sequence(db);
		added += hq_unit_claim(db, &claim);
	}
	return added;
}

/* What the newest import said already stands as it is. */
static bool say(struct hq_db *db, int64_t n, const struct hq_person *p, const char *field,
                const char *value)
{
	struct sqlite3_stmt *q;
	bool same;

	if (!value)
		return false;
	q = hq_db_query(db, HQ_SQL_FACT_SAID, "itt", n, field, "import");
	same = hq_db_row(db, q);
	if (same) {
		same = strcmp(hq_db_text(q, 0), value) == 0;
		hq_db_end(q);
	}
	return !same && hq_unit_say(db, &(struct hq_said){.unit = n,
	                                                  .field = field,
	                                                  .value = value,
	                                                  .source = "import",
	                                                  .from_us = p->as_of_us,
	                                                  .to_us = p->as_of_us});
}

static bool say_all(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	const struct {
		const char *field, *value;
	} said[] = {
	    {"first_name", p->first_name},
	    {"last_name", p->last_name},
	    {"name", p->name},
	    {"birth_date", p->birth_date},
	    {"language", p->language},
	    {"street", p->street},
	    {"postcode", p->postcode},
	    {"city", p->city},
	    {"country", p->country},
	    {"tier", p->tier},
	    {"state", p->state},
	};
	bool changed = false;

	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		changed |= say(db, n, p, said[i].field, said[i].value);
	return changed;
}

static bool set_fields(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	char made[HQ_PROFILE_NAME_SIZE];
	const char *name = p->name;
	bool changed;

	if (!name && p->last_name) {
		snprintf(made, sizeof made, "%s%s%s", p->first_name ? p->first_name : "",
		         p->first_name ? " " : "", p->last_name);
		name = made;
	}
	changed = say_all(db, n, p);
	changed |= hq_db_run(db, HQ_SQL_PROFILE_SET, "itttttt", n, p->first_name, name, p->tier,
	                     p->points_as_of, p->language, p->state) == 1;
	if (p->has_points)
		changed |= hq_db_run(db, HQ_SQL_PROFILE_POINTS, "ii", n, p->points) == 1;
	return changed;
}

static enum hq_upsert delete_person(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	if (n == 0)
		return HQ_UPSERT_SAME;
	hq_unit_forget(db, n, p->as_of_us);
	bump(db, n);
	return HQ_UPSERT_CHANGED;
}

enum hq_upsert hq_profile_upsert(struct hq_db *db, const struct hq_person *person)
{
	int64_t n = find_person(db, person);
	bool is_new = n == 0, changed;

	if (n < 0)
		return HQ_UPSERT_AMBIGUOUS;
	if (person->state && strcmp(person->state, "deleted") == 0)
		return delete_person(db, n, person);
	if (!is_new &&
	    hq_db_int(db, 0, HQ_SQL_CLAIM_COUNT, "i", n) + missing_idents(db, n, person) >
	        HQ_PROFILE_IDENTS_MAX)
		return HQ_UPSERT_FULL;
	if (is_new)
		n = hq_unit_new(db,
		                &(struct hq_unit){.external = person->external, .confirmed = true});
	changed = set_fields(db, n, person);
	changed |= add_idents(db, n, person) > 0;
	if (is_new || changed)
		bump(db, n);
	return is_new ? HQ_UPSERT_NEW : changed ? HQ_UPSERT_CHANGED : HQ_UPSERT_SAME;
}

/* The newest items over the customer's newest orders, as one JSON list; NULL: out of memory. */
static char *last_items(struct hq_db *db, const char *customer_id)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_SALE_ITEMS, "ti", customer_id, (int64_t)HQ_PROFILE_ITEMS_MAX);
	json_t *list = json_array();
	char *text;

	while (hq_db_row(db, q)) {
		json_t *items = json_loads(hq_db_text(q, 0), 0, NULL);
		for (size_t i = 0; i < json_array_size(items); i++) {
			if (json_array_size(list) < HQ_PROFILE_ITEMS_MAX)
				json_array_append(list, json_array_get(items, i));
		}
		json_decref(items);
	}
	text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(list);
	return text;
}

void hq_profile_derive(struct hq_db *db, const char *customer_id, const char *currency)
{
	int64_t n = hq_db_int(db, 0, HQ_SQL_PROFILE_BY_ID, "t", customer_id);
	int64_t visits, spend, seen;
	struct sqlite3_stmt *q;
	char *items;
	bool ever;

	if (n == 0)
		return;
	q = hq_db_query(db, HQ_SQL_SALE_SUMS, "tt", customer_id, currency);
	if (!hq_db_row(db, q))
		return;
	visits = sqlite3_column_int64(q, 0);
	spend = sqlite3_column_int64(q, 1);
	ever = sqlite3_column_type(q, 2) != SQLITE_NULL;
	seen = sqlite3_column_int64(q, 2);
	hq_db_end(q);
	items = last_items(db, customer_id);
	hq_db_run(db, HQ_SQL_PROFILE_SPEND, "iit", n, spend, items);
	free(items);
	if (ever && hq_db_run(db, HQ_SQL_PROFILE_SEEN, "iii", n, visits, seen) == 1)
		bump(db, n);
	if (!ever && hq_db_run(db, HQ_SQL_PROFILE_UNSEEN, "i", n) == 1)
		bump(db, n);
}
