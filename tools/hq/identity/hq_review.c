#include "hq/identity/hq_review.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/text.h"
#include "event/event.h"

#define HQ_REVIEW_KEY_SIZE 64
#define HQ_REVIEW_DETAIL_SIZE 80

/* What a person has to decide; the rest is as it should be. */
static bool is_trouble(const struct fold_verdict *v)
{
	return v->fate == FOLD_REFUSED &&
	       (v->reason == FOLD_LIMIT || v->reason == FOLD_TWO_CONFIRMED ||
	        v->reason == FOLD_BIRTH_DATES || v->reason == FOLD_FIRST_NAMES ||
	        v->reason == FOLD_LAST_NAMES || v->reason == FOLD_NOT_OFFLINE ||
	        v->reason == FOLD_NOT_ALIKE);
}

void hq_review_add(struct hq_db *db, const struct hq_review *e)
{
	hq_db_run(db, HQ_SQL_REVIEW_PUT, "ttiiitiit", e->cause, e->key, e->unit, e->other, e->ident,
	          e->detail, e->wall_us, (int64_t)0, e->rules);
}

void hq_review_drop(struct hq_db *db, const char *key)
{
	hq_db_run(db, HQ_SQL_REVIEW_DROP, "t", key);
}

static void put(struct hq_db *db, const struct hq_review *e)
{
	hq_db_run(db, HQ_SQL_REVIEW_PUT, "ttiiitiit", e->cause, e->key, e->unit, e->other, e->ident,
	          e->detail, e->wall_us, (int64_t)1, e->rules);
}

static void put_join(struct hq_db *db, const struct hq_review_fold *f, const struct fold_join *j)
{
	const struct hq_component *c = f->c;
	const struct hq_component_row *a = &c->row[j->claim[0]], *b = &c->row[j->claim[1]];
	char key[HQ_REVIEW_KEY_SIZE], id[EVENT_ID_SIZE];

	text_b64(j->id.byte, sizeof j->id.byte, id);
	snprintf(key, sizeof key, "join:%s", id);
	put(db, &(struct hq_review){.cause = fold_reason_name(j->verdict.reason),
	                            .key = key,
	                            .unit = (int64_t)c->unit[a->unit].number,
	                            .other = (int64_t)c->unit[b->unit].number,
	                            .ident = a->ident,
	                            .detail = "two customers with one identifier",
	                            .rules = f->rules,
	                            .wall_us = f->wall_us});
}

static void put_op(struct hq_db *db, const struct hq_review_fold *f, size_t i)
{
	const struct hq_component *c = f->c;
	const struct hq_component_row *row = &c->row[i];
	char key[HQ_REVIEW_KEY_SIZE], id[EVENT_ID_SIZE];

	text_b64(c->op[i].id.byte, sizeof c->op[i].id.byte, id);
	snprintf(key, sizeof key, "%s:%s", row->claim ? "claim" : "op", id);
	put(db, &(struct hq_review){.cause = fold_reason_name(f->r->verdict[i].reason),
	                            .key = key,
	                            .unit = row->claim ? (int64_t)c->unit[row->unit].number
	                                               : (int64_t)c->unit[0].number,
	                            .ident = row->ident,
	                            .detail = row->claim ? "an identifier that does not hold"
	                                                 : "a link that was refused",
	                            .rules = f->rules,
	                            .wall_us = f->wall_us});
}

/* The first unit that claims it, so that the entry goes with that one's component, and the first
 * of another person: two to begin with. */
static void holders(const struct hq_review_fold *f, int64_t ident, struct hq_review *e)
{
	const struct hq_component *c = f->c;
	size_t first = 0;

	for (size_t i = 0; i < c->op_count && e->other == 0; i++) {
		size_t unit = c->row[i].unit;
		if (!c->row[i].claim || c->row[i].ident != ident)
			continue;
		if (e->unit == 0) {
			e->unit = (int64_t)c->unit[unit].number;
			first = unit;
		} else if (f->r->verdict[i].fate == FOLD_HOLDS &&
		           f->r->person[unit] != f->r->person[first]) {
			e->other = (int64_t)c->unit[unit].number;
		}
	}
}

static void put_ident(struct hq_db *db, const struct hq_review_fold *f, const struct fold_ident *i)
{
	const struct hq_component *c = f->c;
	bool shared = i->state == FOLD_IDENT_SHARED;
	char key[HQ_REVIEW_KEY_SIZE], detail[HQ_REVIEW_DETAIL_SIZE];
	struct hq_review e = {.cause = shared ? "shared" : "several",
	                      .key = key,
	                      .detail = detail,
	                      .rules = f->rules,
	                      .wall_us = f->wall_us};

	for (size_t k = 0; k < c->ident_count; k++) {
		if (!ref_same(&c->ident[k].ref, &i->ident))
			continue;
		snprintf(key, sizeof key, "ident:%" PRId64, c->ident[k].id);
		snprintf(detail, sizeof detail, "an identifier of %zu customer%s%s",
		         i->person_count, i->person_count == 1 ? "" : "s",
		         shared ? ", joins nobody" : "");
		e.ident = c->ident[k].id;
		holders(f, e.ident, &e);
		put(db, &e);
	}
}

/* What a cashier said of two who are two still. The entry is the left unit's, whichever of the two
 * was folded. */
static void put_proposed(struct hq_db *db, const struct ref *unit, int64_t wall_us)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_PROPOSED, "b", unit->byte, sizeof unit->byte);
	char key[HQ_REVIEW_KEY_SIZE], id[EVENT_ID_SIZE];
	const void *ref;

	while (hq_db_row(db, q)) {
		ref = hq_db_bytes(q, 0, EVENT_ID_BYTES);
		if (!ref)
			continue;
		text_b64(ref, EVENT_ID_BYTES, id);
		snprintf(key, sizeof key, "propose:%s", id);
		put(db, &(struct hq_review){.cause = "same_person",
		                            .key = key,
		                            .unit = sqlite3_column_int64(q, 1),
		                            .other = sqlite3_column_int64(q, 2),
		                            .detail = "a cashier says that these are one person: "
		                                      "link or apart decides",
		                            .wall_us = wall_us});
	}
}

void hq_review_folded(struct hq_db *db, const struct hq_review_fold *f)
{
	const struct hq_component *c = f->c;
	const struct fold *r = f->r;

	for (size_t i = 0; i < c->unit_count; i++)
		hq_db_run(db, HQ_SQL_REVIEW_STALE, "i", (int64_t)c->unit[i].number);
	for (size_t i = 0; i < r->join_count; i++) {
		if (is_trouble(&r->join[i].verdict))
			put_join(db, f, &r->join[i]);
	}
	for (size_t i = 0; i < c->op_count; i++) {
		if (c->row[i].id != 0 && is_trouble(&r->verdict[i]))
			put_op(db, f, i);
	}
	for (size_t i = 0; i < r->ident_count; i++) {
		if (r->ident[i].state == FOLD_IDENT_SEVERAL ||
		    r->ident[i].state == FOLD_IDENT_SHARED)
			put_ident(db, f, &r->ident[i]);
	}
	for (size_t i = 0; i < c->unit_count && hq_db_int(db, 0, HQ_SQL_OP_ANY, ""); i++)
		put_proposed(db, &c->unit[i].ref, f->wall_us);
	for (size_t i = 0; i < c->unit_count; i++)
		hq_db_run(db, HQ_SQL_REVIEW_SWEEP, "i", (int64_t)c->unit[i].number);
}

void hq_review_too_large(struct hq_db *db, int64_t unit, const char *rules, int64_t wall_us)
{
	char key[HQ_REVIEW_KEY_SIZE];

	snprintf(key, sizeof key, "large:%" PRId64, unit);
	put(db, &(struct hq_review){.cause = "too_large",
	                            .key = key,
	                            .unit = unit,
	                            .detail = "too many customers hang together to be folded",
	                            .rules = rules,
	                            .wall_us = wall_us});
}
