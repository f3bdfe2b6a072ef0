#include "hq/identity/hq_persons.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hq/identity/hq_component.h"
#include "hq/identity/hq_person.h"
#include "hq/identity/hq_review.h"
#include "identity/note.h"

#define HQ_PERSONS_TRY_MAX 500 /* customers of a piece */

static const char *const fates[] = {
    [FOLD_HOLDS] = "holds", [FOLD_UNDONE] = "undone", [FOLD_REFUSED] = "refused"};
static const char *const states[] = {[FOLD_IDENT_ONE] = "one",
                                     [FOLD_IDENT_SEVERAL] = "several",
                                     [FOLD_IDENT_SHARED] = "shared",
                                     [FOLD_IDENT_BLOCKED] = "blocked"};

struct folding {
	struct hq_db *db;
	const struct hq_scope *scope;
	struct hq_person_work work;
	int64_t wall_us;
	bool failed;
};

static void write_persons(struct folding *f, const struct hq_component *c, const struct fold *r)
{
	for (size_t i = 0; i < c->unit_count; i++) {
		size_t name = r->person[i] == FOLD_NOBODY ? i : r->person[i];
		if (c->person[i] == (int64_t)c->unit[name].number)
			continue;
		hq_db_run(f->db, HQ_SQL_UNIT_PERSON, "ii", (int64_t)c->unit[i].number,
		          (int64_t)c->unit[name].number);
		hq_db_run(f->db, HQ_SQL_LIKELY_MOVED, "i", (int64_t)c->unit[i].number);
	}
}

static void write_verdicts(struct folding *f, const struct hq_component *c, const struct fold *r)
{
	for (size_t i = 0; i < c->op_count; i++) {
		const struct fold_verdict *v = &r->verdict[i];
		const char *reason =
		    v->reason == FOLD_NO_REASON ? NULL : fold_reason_name(v->reason);
		if (c->row[i].id != 0)
			hq_db_run(f->db, c->row[i].claim ? HQ_SQL_CLAIM_FATE : HQ_SQL_OP_FATE,
			          "ittt", c->row[i].id, fates[v->fate], reason,
			          f->scope->rules->version);
	}
}

/* Both are sorted by reference. */
static void write_idents(struct folding *f, const struct hq_component *c, const struct fold *r)
{
	size_t k = 0;

	for (size_t i = 0; i < c->ident_count; i++) {
		enum fold_ident_state state = FOLD_IDENT_ONE;
		while (k < r->ident_count &&
		       memcmp(&r->ident[k].ident, &c->ident[i].ref, sizeof c->ident[i].ref) < 0)
			k++;
		if (k < r->ident_count && ref_same(&r->ident[k].ident, &c->ident[i].ref))
			state = r->ident[k].state;
		hq_db_run(f->db, HQ_SQL_IDENT_STATE, "itit", c->ident[i].id, states[state],
		          f->wall_us, f->scope->rules->version);
	}
}

/* What the rules made by themselves, so that it can be named and taken back. */
static void write_joins(struct folding *f, const struct hq_component *c, const struct fold *r)
{
	for (size_t i = 0; i < c->unit_count; i++)
		hq_db_run(f->db, HQ_SQL_JOINED_DROP, "i", (int64_t)c->unit[i].number);
	for (size_t i = 0; i < r->join_count; i++) {
		const struct fold_join *j = &r->join[i];
		const struct hq_component_row *a = &c->row[j->claim[0]], *b = &c->row[j->claim[1]];
		hq_db_run(f->db, HQ_SQL_JOINED_ADD, "biiittt", j->id.byte, sizeof j->id.byte,
		          (int64_t)c->unit[a->unit].number, (int64_t)c->unit[b->unit].number,
		          a->ident, fates[j->verdict.fate],
		          j->verdict.reason == FOLD_NO_REASON ? NULL
		                                              : fold_reason_name(j->verdict.reason),
		          f->scope->rules->version);
	}
}

static void drop_dirty(struct folding *f, const struct hq_component *c)
{
	for (size_t i = 0; i < c->unit_count; i++)
		hq_db_run(f->db, HQ_SQL_DIRTY_DROP, "i", (int64_t)c->unit[i].number);
	for (size_t i = 0; i < c->op_count; i++) {
		if (c->row[i].id != 0 && !c->row[i].claim)
			hq_db_run(f->db, HQ_SQL_DIRTY_OP_DROP, "i", c->row[i].id);
	}
}

static void fold_component(struct folding *f, const struct hq_component *c)
{
	const struct fold_input in = {.rules = f->scope->rules,
	                              .unit = c->unit,
	                              .unit_count = c->unit_count,
	                              .op = c->op,
	                              .op_count = c->op_count};
	struct fold *r = fold_run(&in);

	if (!r) {
		f->failed = true;
		return;
	}
	write_persons(f, c, r);
	write_verdicts(f, c, r);
	write_idents(f, c, r);
	write_joins(f, c, r);
	hq_review_folded(f->db,
	                 &(struct hq_review_fold){c, r, f->scope->rules->version, f->wall_us});
	drop_dirty(f, c);
	for (size_t i = 0; i < c->unit_count; i++)
		hq_person_settle(&f->work, (int64_t)c->unit[i].number);
	fold_free(r);
}

/* Unless its component begins at `after` or below. */
static void fold_unit(struct folding *f, int64_t unit, int64_t after)
{
	struct hq_component *c = hq_component_load(f->db, f->scope->rules, unit);

	if (!c) {
		f->failed = true;
		return;
	}
	if (c->too_large) {
		log_error("more than %d customers hang together by their identifiers: who of them "
		          "is one person is not folded again until identifiers that many share are "
		          "blocked (laneway-hq review)",
		          HQ_COMPONENT_UNITS_MAX);
		hq_review_too_large(f->db, unit, f->scope->rules->version, f->wall_us);
		hq_person_settle(&f->work, unit);
	} else if (c->unit_count > 0 && (int64_t)c->unit[0].number <= after) {
		drop_dirty(f, c);
	} else {
		fold_component(f, c);
	}
	hq_db_run(f->db, HQ_SQL_DIRTY_DROP, "i", unit);
	hq_component_free(c);
}

/* An entry of the log that no customer's fold has reached: one that blocks a value of nobody's, or
 * takes that back. */
static void fold_op(struct folding *f, int64_t op)
{
	struct hq_component *c = hq_component_of_op(f->db, f->scope->rules, op);

	if (!c)
		f->failed = true;
	else if (!c->too_large)
		fold_component(f, c);
	hq_db_run(f->db, HQ_SQL_DIRTY_OP_DROP, "i", op);
	hq_component_free(c);
}

int hq_persons_fold(struct hq_db *db, const struct hq_scope *scope, int64_t wall_us, int later)
{
	struct folding f = {.db = db, .scope = scope, .wall_us = wall_us};
	int64_t unit = 0, op;

	if (hq_person_begin(&f.work, db, scope->currency, wall_us) != 0)
		return -1;
	hq_db_run(db, HQ_SQL_NOTE_OVER_DIRTY, "i", wall_us - NOTE_US);
	hq_db_run(db, HQ_SQL_NOTE_FORGET, "i", wall_us - NOTE_US);
	while (!f.failed && (unit = hq_db_int(db, 0, HQ_SQL_DIRTY_NEXT, "i", (int64_t)0)) != 0)
		fold_unit(&f, unit, 0);
	while (!f.failed && (op = hq_db_int(db, 0, HQ_SQL_DIRTY_OP_NEXT, "")) != 0)
		fold_op(&f, op);
	while (!f.failed && (unit = hq_db_int(db, 0, HQ_SQL_DIRTY_NEXT, "i", (int64_t)1)) != 0 &&
	       later-- > 0)
		fold_unit(&f, unit, 0);
	hq_person_end(&f.work);
	return f.failed ? -1 : unit != 0;
}

int hq_persons_try(struct hq_db *db, const struct hq_scope *scope, int64_t wall_us, int64_t *after)
{
	struct folding f = {.db = db, .scope = scope, .wall_us = wall_us};
	int64_t end_us = clock_mono_us(clock_system()) + HQ_PERSONS_TRY_US, unit;
	int marked = hq_db_run(db, HQ_SQL_DIRTY_FROM, "ii", *after, (int64_t)HQ_PERSONS_TRY_MAX);
	int64_t last = hq_db_int(db, *after, HQ_SQL_DIRTY_LAST, "");

	if (hq_person_begin(&f.work, db, scope->currency, wall_us) != 0)
		return -1;
	while (!f.failed && (unit = hq_db_int(db, 0, HQ_SQL_DIRTY_NEXT, "i", (int64_t)1)) != 0) {
		if (clock_mono_us(clock_system()) >= end_us && unit > *after + 1) {
			last = unit - 1;
			break;
		}
		fold_unit(&f, unit, *after);
	}
	hq_person_end(&f.work);
	*after = last;
	return f.failed ? -1 : marked > 0;
}
