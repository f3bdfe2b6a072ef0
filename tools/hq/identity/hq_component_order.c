/* A component in its canonical order. */
#include <stdlib.h>

#include "base/memory.h"
#include "hq/identity/hq_component_internal.h"
#include "hq/identity/hq_facts.h"

static int by_number(const void *a, const void *b)
{
	const struct hq_component_unit *x = a, *y = b;

	return x->n < y->n ? -1 : x->n > y->n;
}

static int by_ref(const void *a, const void *b)
{
	const struct hq_component_ident *x = a, *y = b;

	return memcmp(&x->ref, &y->ref, sizeof x->ref);
}

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b)
{
	const struct hq_component_entry *x = a, *y = b;
	int by = strcmp(x->store, y->store);

	if (by == 0)
		by = compare(x->rank, y->rank);
	if (by == 0)
		by = compare(x->seq, y->seq);
	if (by == 0)
		by = compare(x->place, y->place);
	return by ? by : memcmp(&x->op.id, &y->op.id, sizeof x->op.id);
}

static void put_units(struct hq_component_loading *l)
{
	struct hq_component *c = l->c;
	struct sqlite3_stmt *q;

	if (l->unit_count > 1)
		qsort(l->unit, l->unit_count, sizeof *l->unit, by_number);
	c->unit = memory_zeroed(l->unit_count + 1, sizeof *c->unit);
	c->person = memory_zeroed(l->unit_count + 1, sizeof *c->person);
	if (!c->unit || !c->person) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < l->unit_count; i++) {
		q = hq_db_query(l->db, HQ_SQL_UNIT_GET, "i", l->unit[i].n);
		if (!hq_db_row(l->db, q))
			continue;
		c->unit[c->unit_count] = (struct fold_unit){.ref = hq_component_ref(q, 0),
		                                            .number = (uint32_t)l->unit[i].n,
		                                            .made = l->unit[i].made,
		                                            .confirmed = sqlite3_column_int(q, 1),
		                                            .company = sqlite3_column_int(q, 2)};
		c->person[c->unit_count++] = sqlite3_column_int64(q, 3);
		hq_db_end(q);
	}
	/* Alone it conflicts with nobody: its names are not asked for. */
	for (size_t i = 0; i < c->unit_count && c->unit_count > 1; i++)
		hq_facts_compared(l->db, &c->unit[i]);
}

static size_t place_of(const struct hq_component *c, int64_t n)
{
	size_t low = 0, high = c->unit_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (c->unit[mid].number < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void put_op(struct hq_component *c, const struct fold_op *op,
                   const struct hq_component_row *row)
{
	c->op[c->op_count] = *op;
	c->row[c->op_count++] = *row;
}

/* An `unblock` takes back all that stands against the identifier in front of it. */
static void put_unblock(struct hq_component_loading *l, size_t at)
{
	const struct hq_component_entry *e = &l->entry[at];

	for (size_t i = 0; i < at; i++) {
		struct fold_op op = {.kind = FOLD_UNDO, .left = l->entry[i].op.id};
		if (l->entry[i].row.ident != e->row.ident ||
		    (l->entry[i].kind != HQ_OP_BLOCK && l->entry[i].kind != HQ_OP_SHARE))
			continue;
		for (size_t k = 0; k < sizeof op.id.byte; k++)
			op.id.byte[k] = e->op.id.byte[k] ^ op.left.byte[k];
		put_op(l->c, &op, &e->row);
	}
}

static const struct hq_component_ident *ident_of(const struct hq_component *c, int64_t id)
{
	for (size_t i = 0; i < c->ident_count; i++) {
		if (c->ident[i].id == id)
			return &c->ident[i];
	}
	return NULL;
}

static void put_entry(struct hq_component_loading *l, size_t i)
{
	struct hq_component_entry *e = &l->entry[i];
	struct hq_component *c = l->c;
	const struct hq_component_ident *ident;

	if (e->kind == HQ_OP_UNBLOCK) {
		put_unblock(l, i);
		return;
	}
	if (e->row.claim) {
		e->row.unit = place_of(c, e->unit);
		e->op.left = c->unit[e->row.unit].ref;
	}
	if (e->kind == HQ_OP_BLOCK || e->kind == HQ_OP_SHARE) {
		ident = ident_of(c, e->row.ident);
		if (!ident)
			return;
		e->op.left = ident->ref;
	}
	put_op(c, &e->op, &e->row);
}

/* At most one made-up entry per identifier in front, and one per pair of unblock and block. */
static size_t ops_max(const struct hq_component_loading *l)
{
	size_t unblocks = 0, blocks = 0;

	for (size_t i = 0; i < l->entry_count; i++) {
		unblocks += l->entry[i].kind == HQ_OP_UNBLOCK;
		blocks += l->entry[i].kind == HQ_OP_BLOCK || l->entry[i].kind == HQ_OP_SHARE;
	}
	return l->c->ident_count + l->entry_count + unblocks * blocks + 1;
}

static void put_ops(struct hq_component_loading *l)
{
	struct hq_component *c = l->c;
	size_t max = ops_max(l);

	if (l->entry_count > 1)
		qsort(l->entry, l->entry_count, sizeof *l->entry, by_place);
	if (c->ident_count > 1)
		qsort(c->ident, c->ident_count, sizeof *c->ident, by_ref);
	c->op = memory_zeroed(max, sizeof *c->op);
	c->row = memory_zeroed(max, sizeof *c->row);
	if (!c->op || !c->row) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < c->ident_count; i++) {
		const struct hq_component_ident *ident = &c->ident[i];
		struct fold_op op = {.kind = ident->blocked ? FOLD_BLOCK : FOLD_SHARE,
		                     .id = ident->ref,
		                     .left = ident->ref};
		if (ident->blocked || ident->crowded)
			put_op(c, &op, &(struct hq_component_row){0});
	}
	for (size_t i = 0; i < l->entry_count; i++)
		put_entry(l, i);
}

void hq_component_order(struct hq_component_loading *l)
{
	put_units(l);
	if (!l->failed)
		put_ops(l);
}
