/* A component is read: from a unit or an entry of the log on, whatever is within reach. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "hq/identity/hq_component_internal.h"

#define HQ_COMPONENT_SEEN_MIN 64 /* places of the table of what has been seen, at first */

/* What is read once: units, identifiers and entries of the log, by number. */
enum { SEEN_UNIT, SEEN_IDENT, SEEN_OP, SEEN_KINDS };

/* Room for one more of an array. */
static void *room(struct hq_component_loading *l, void *array, size_t count, size_t *cap,
                  size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *grown;

	if (count < *cap)
		return array;
	grown = memory_more(array, more * size);
	if (!grown) {
		l->failed = true;
		return array;
	}
	*cap = more;
	return grown;
}

static size_t slot_of(const struct hq_component_seen *s, uint64_t key)
{
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (s->cap - 1);

	while (s->slot[i] && s->slot[i] != key)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static bool grow_seen(struct hq_component_seen *s)
{
	struct hq_component_seen old = *s;

	s->cap = old.cap ? old.cap * 2 : HQ_COMPONENT_SEEN_MIN;
	s->slot = memory_zeroed(s->cap, sizeof *s->slot);
	if (!s->slot) {
		*s = old;
		return false;
	}
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slot[i])
			s->slot[slot_of(s, old.slot[i])] = old.slot[i];
	}
	free(old.slot);
	return true;
}

/* For the first time? */
static bool is_new(struct hq_component_loading *l, int kind, int64_t id)
{
	uint64_t key = (uint64_t)id * SEEN_KINDS + (uint64_t)kind + 1;
	size_t i;

	if (l->seen.count * 2 >= l->seen.cap && !grow_seen(&l->seen)) {
		l->failed = true;
		return false;
	}
	i = slot_of(&l->seen, key);
	if (l->seen.slot[i])
		return false;
	l->seen.slot[i] = key;
	l->seen.count++;
	return true;
}

static void add_unit(struct hq_component_loading *l, int64_t n)
{
	if (n == 0 || !is_new(l, SEEN_UNIT, n))
		return;
	l->unit = room(l, l->unit, l->unit_count, &l->unit_cap, sizeof *l->unit);
	if (!l->failed)
		l->unit[l->unit_count++] = (struct hq_component_unit){.n = n};
}

static struct hq_component_entry *add_entry(struct hq_component_loading *l)
{
	struct hq_component_entry *e;

	l->entry = room(l, l->entry, l->entry_count, &l->entry_cap, sizeof *l->entry);
	if (l->failed)
		return NULL;
	e = &l->entry[l->entry_count++];
	memset(e, 0, sizeof *e);
	return e;
}

/* ---- claims ---- */

static void add_ident(struct hq_component_loading *l, int64_t id, struct sqlite3_stmt *q)
{
	struct hq_component *c = l->c;
	struct hq_component_ident *ident;

	if (!is_new(l, SEEN_IDENT, id))
		return;
	c->ident = room(l, c->ident, c->ident_count, &l->ident_cap, sizeof *c->ident);
	if (l->failed)
		return;
	ident = &c->ident[c->ident_count++];
	*ident = (struct hq_component_ident){.id = id, .ref = hq_component_ref(q, 8)};
	ident->blocked = rule_blocked(l->rules, ident_kind_of(hq_db_text(q, 9)), hq_db_text(q, 10));
}

static void claimed(struct hq_component_unit *unit, struct sqlite3_stmt *q)
{
	struct fold_made here = {.from_us = sqlite3_column_int64(q, 11),
	                         .to_us = sqlite3_column_int64(q, 12)};

	if (sqlite3_column_type(q, 11) != SQLITE_NULL)
		here.store = fold_store(hq_db_text(q, 6));
	if (unit->said)
		fold_made_also(&unit->made, &here);
	else
		unit->made = here;
	unit->said = true;
}

static void read_claims(struct hq_component_loading *l, size_t at)
{
	int64_t unit = l->unit[at].n;
	struct sqlite3_stmt *q = hq_db_query(l->db, HQ_SQL_CLAIM_OF_UNIT, "i", unit);
	struct hq_component_entry *e;

	while (hq_db_row(l->db, q)) {
		e = add_entry(l);
		if (!e) {
			hq_db_end(q);
			return;
		}
		e->kind = HQ_OP_KIND_COUNT;
		e->unit = unit;
		e->row = (struct hq_component_row){.id = sqlite3_column_int64(q, 0),
		                                   .claim = true,
		                                   .ident = sqlite3_column_int64(q, 2)};
		e->op = (struct fold_op){.kind = FOLD_CLAIM,
		                         .id = hq_component_ref(q, 1),
		                         .right = hq_component_ref(q, 8),
		                         .ident = ident_kind_of(hq_db_text(q, 9)),
		                         .verified = sqlite3_column_int(q, 3) != 0};
		e->seq = sqlite3_column_int64(q, 4);
		e->place = sqlite3_column_int64(q, 5);
		text_copy(e->store, sizeof e->store, hq_db_text(q, 6));
		e->rank = sqlite3_column_int64(q, 7);
		claimed(&l->unit[at], q);
		add_ident(l, e->row.ident, q);
	}
}

/* ---- the log ---- */

static const enum fold_kind fold_kinds[HQ_OP_KIND_COUNT] = {
    [HQ_OP_LINK] = FOLD_LINK,   [HQ_OP_UNDO] = FOLD_UNDO,   [HQ_OP_APART] = FOLD_APART,
    [HQ_OP_BLOCK] = FOLD_BLOCK, [HQ_OP_SHARE] = FOLD_SHARE, [HQ_OP_UNBLOCK] = FOLD_UNDO,
    [HQ_OP_ERASE] = FOLD_ERASE,
};

static void read_ops(struct hq_component_loading *l, struct sqlite3_stmt *q)
{
	enum hq_op_kind kind;
	struct hq_component_entry *e;

	while (hq_db_row(l->db, q)) {
		kind = hq_op_kind_named(hq_db_text(q, 1));
		if (kind == HQ_OP_KIND_COUNT || kind == HQ_OP_PROPOSE ||
		    !is_new(l, SEEN_OP, sqlite3_column_int64(q, 0)))
			continue;
		e = add_entry(l);
		if (!e) {
			hq_db_end(q);
			return;
		}
		e->kind = kind;
		e->row = (struct hq_component_row){.id = sqlite3_column_int64(q, 0),
		                                   .ident = sqlite3_column_int64(q, 5)};
		e->op = (struct fold_op){.kind = fold_kinds[kind],
		                         .id = hq_component_ref(q, 2),
		                         .left = hq_component_ref(q, 3),
		                         .right = hq_component_ref(q, 4),
		                         .by_person = sqlite3_column_int(q, 6) != 0};
		e->seq = sqlite3_column_int64(q, 7);
		e->place = sqlite3_column_int64(q, 8);
		text_copy(e->store, sizeof e->store, hq_db_text(q, 9));
		e->rank = sqlite3_column_int64(q, 10);
	}
}

static int64_t unit_named(struct hq_component_loading *l, const struct ref *ref)
{
	return ref_none(ref)
	           ? 0
	           : hq_db_int(l->db, 0, HQ_SQL_UNIT_BY_REF, "b", ref->byte, sizeof ref->byte);
}

/* One that is named by the log, and maybe claimed by nobody. */
static void add_ident_by_id(struct hq_component_loading *l, int64_t id)
{
	struct sqlite3_stmt *q = hq_db_query(l->db, HQ_SQL_IDENT_AT, "i", id);

	if (!hq_db_row(l->db, q))
		return;
	add_ident(l, id, q);
	hq_db_end(q);
}

/* What an entry names, and what takes the entry back. */
static void follow(struct hq_component_loading *l, size_t i)
{
	struct hq_component_entry e = l->entry[i];

	if (!l->has_ops)
		return;
	if (e.kind == HQ_OP_LINK || e.kind == HQ_OP_APART) {
		add_unit(l, unit_named(l, &e.op.left));
		add_unit(l, unit_named(l, &e.op.right));
	}
	if (!e.row.claim && e.row.ident != 0)
		add_ident_by_id(l, e.row.ident);
	if (e.kind != HQ_OP_UNDO && e.kind != HQ_OP_ERASE)
		read_ops(l, hq_db_query(l->db, HQ_SQL_OP_UNDOING, "b", e.op.id.byte,
		                        sizeof e.op.id.byte));
}

static void read_unit(struct hq_component_loading *l, size_t at)
{
	struct sqlite3_stmt *q = hq_db_query(l->db, HQ_SQL_UNIT_GET, "i", l->unit[at].n);
	struct ref ref;

	if (!hq_db_row(l->db, q))
		return;
	ref = hq_component_ref(q, 0);
	hq_db_end(q);
	read_claims(l, at);
	if (l->has_ops)
		read_ops(l, hq_db_query(l->db, HQ_SQL_OP_OF_UNIT, "b", ref.byte, sizeof ref.byte));
}

static void read_ident(struct hq_component_loading *l, size_t i)
{
	int64_t id = l->c->ident[i].id, n[HQ_COMPONENT_HOLDERS_MAX + 1];
	struct sqlite3_stmt *q = hq_db_query(l->db, HQ_SQL_UNITS_OF_IDENT, "ii", id,
	                                     (int64_t)HQ_COMPONENT_HOLDERS_MAX + 1);
	int count = 0;

	while (hq_db_row(l->db, q))
		n[count++] = sqlite3_column_int64(q, 0);
	l->c->ident[i].crowded = count > HQ_COMPONENT_HOLDERS_MAX;
	for (int k = 0; k < count && !l->c->ident[i].crowded; k++)
		add_unit(l, n[k]);
	if (l->has_ops)
		read_ops(l, hq_db_query(l->db, HQ_SQL_OP_OF_IDENT, "i", id));
}

/* Everything within reach. */
static void walk(struct hq_component_loading *l)
{
	while (!l->failed && l->unit_count <= HQ_COMPONENT_UNITS_MAX) {
		if (l->unit_done < l->unit_count)
			read_unit(l, l->unit_done++);
		else if (l->ident_done < l->c->ident_count)
			read_ident(l, l->ident_done++);
		else if (l->entry_done < l->entry_count)
			follow(l, l->entry_done++);
		else
			return;
	}
	l->c->too_large = !l->failed;
}

static bool begin(struct hq_component_loading *l, struct hq_db *db, const struct rule_set *rules)
{
	*l = (struct hq_component_loading){
	    .db = db, .rules = rules, .c = memory_zeroed(1, sizeof *l->c)};
	l->has_ops = l->c && hq_db_int(db, 0, HQ_SQL_OP_ANY, "") != 0;
	return l->c != NULL;
}

/* All that is within reach of what was added. */
static struct hq_component *load(struct hq_component_loading *l)
{
	walk(l);
	if (!l->failed && !l->c->too_large)
		hq_component_order(l);
	free(l->seen.slot);
	free(l->unit);
	free(l->entry);
	if (!l->failed)
		return l->c;
	hq_component_free(l->c);
	return NULL;
}

struct hq_component *hq_component_load(struct hq_db *db, const struct rule_set *rules, int64_t unit)
{
	struct hq_component_loading l;

	if (!begin(&l, db, rules))
		return NULL;
	add_unit(&l, unit);
	return load(&l);
}

struct hq_component *hq_component_of_op(struct hq_db *db, const struct rule_set *rules, int64_t op)
{
	struct hq_component_loading l;
	struct sqlite3_stmt *q;

	if (!begin(&l, db, rules))
		return NULL;
	read_ops(&l, hq_db_query(db, HQ_SQL_OP_BY_ID, "i", op));
	read_ops(&l, hq_db_query(db, HQ_SQL_OP_NAMED, "i", op));
	q = hq_db_query(db, HQ_SQL_OP_CLAIMS, "i", op);
	while (hq_db_row(db, q))
		add_unit(&l, sqlite3_column_int64(q, 0));
	return load(&l);
}

void hq_component_free(struct hq_component *c)
{
	if (!c)
		return;
	free(c->unit);
	free(c->person);
	free(c->ident);
	free(c->op);
	free(c->row);
	free(c);
}
