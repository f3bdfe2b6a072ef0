#include "identity/fold.h"

#include <stdlib.h>

#include "base/memory.h"
#include "identity/fold_internal.h"

#define ALIGN_BYTES 16

const char *fold_reason_name(enum fold_reason reason)
{
	static const char *const name[] = {
	    [FOLD_NO_REASON] = "none",
	    [FOLD_LIMIT] = "limit",
	    [FOLD_TWO_CONFIRMED] = "two_confirmed",
	    [FOLD_BIRTH_DATES] = "birth_dates",
	    [FOLD_FIRST_NAMES] = "first_names",
	    [FOLD_LAST_NAMES] = "last_names",
	    [FOLD_NOT_VERIFIED] = "not_verified",
	    [FOLD_NOT_ALIKE] = "not_alike",
	    [FOLD_NOT_OFFLINE] = "not_offline",
	    [FOLD_KEPT_APART] = "kept_apart",
	    [FOLD_COMPANY] = "company",
	    [FOLD_SHARED] = "shared",
	    [FOLD_BLOCKED] = "blocked",
	    [FOLD_ERASED] = "erased",
	    [FOLD_UNKNOWN] = "unknown",
	};
	_Static_assert(sizeof name / sizeof *name == FOLD_REASON_COUNT, "a name for each");
	return (unsigned)reason < FOLD_REASON_COUNT ? name[reason] : "none";
}

uint32_t fold_store(const char *name)
{
	uint32_t h = UINT32_C(2166136261);
	if (!*name)
		return 0;
	for (const char *c = name; *c; c++)
		h = (h ^ (uint8_t)*c) * UINT32_C(16777619);
	return h && h < FOLD_MIXED ? h : 1;
}

void fold_made_also(struct fold_made *made, const struct fold_made *also)
{
	if (also->from_us < made->from_us)
		made->from_us = also->from_us;
	if (also->to_us > made->to_us)
		made->to_us = also->to_us;
	if (also->store != made->store)
		made->store = 0;
}

/* Called twice for the same list: without memory to count, then to hand out. */
static void *carve(uint8_t *memory, size_t *used, size_t n, size_t size)
{
	void *p = memory ? memory + *used : NULL;
	*used += (n * size + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	return p;
}

static size_t lay_out_work(struct fold_work *w, uint8_t *m)
{
	size_t units = w->in->unit_count, ops = w->in->op_count, used = 0;
	size_t most = units > w->claim_count ? units : w->claim_count;
	if (w->undo_count > most)
		most = w->undo_count;
	w->unit_key = carve(m, &used, units, sizeof *w->unit_key);
	w->claim_key = carve(m, &used, w->claim_count, sizeof *w->claim_key);
	w->undo_key = carve(m, &used, w->undo_count, sizeof *w->undo_key);
	w->sort_room = carve(m, &used, most, sizeof *w->sort_room);
	w->group = carve(m, &used, w->claim_count, sizeof *w->group);
	w->cluster = carve(m, &used, units, sizeof *w->cluster);
	w->parent = carve(m, &used, units, sizeof *w->parent);
	w->member_next = carve(m, &used, units, sizeof *w->member_next);
	w->apart_first = carve(m, &used, units, sizeof *w->apart_first);
	w->stamp_of = carve(m, &used, units, sizeof *w->stamp_of);
	w->entry_of = carve(m, &used, units, sizeof *w->entry_of);
	w->erased = carve(m, &used, units, sizeof *w->erased);
	w->left = carve(m, &used, ops, sizeof *w->left);
	w->right = carve(m, &used, ops, sizeof *w->right);
	w->entry_next = carve(m, &used, ops, sizeof *w->entry_next);
	w->entry_verified = carve(m, &used, ops, sizeof *w->entry_verified);
	w->held_next = carve(m, &used, ops, sizeof *w->held_next);
	w->apart_next = carve(m, &used, ops, sizeof *w->apart_next);
	return used;
}

/* The j-th claim on an identifier proposes at most j joins, and no more than the persons that may
 * stand beside its own before the identifier is shared; then one. */
static size_t joins_max(const struct fold_work *w)
{
	int persons = w->in->rules->guard.persons_max;
	size_t most = persons > 2 ? (size_t)persons - 1 : 1, n = 0;
	for (uint32_t g = 0; g < w->group_count; g++) {
		size_t k = w->group[g].claim_count - 1;
		n += k <= most ? k * (k + 1) / 2 : most * (most + 1) / 2 + (k - most) * most;
	}
	return n;
}

static size_t lay_out_result(const struct fold_work *w, struct fold *f, size_t joins, uint8_t *m)
{
	size_t used = 0;
	carve(m, &used, 1, sizeof *f);
	f->person = carve(m, &used, w->in->unit_count, sizeof *f->person);
	f->verdict = carve(m, &used, w->in->op_count, sizeof *f->verdict);
	f->join = carve(m, &used, joins, sizeof *f->join);
	f->ident = carve(m, &used, w->group_count, sizeof *f->ident);
	return used;
}

static struct fold *new_result(const struct fold_work *w)
{
	size_t joins = joins_max(w);
	struct fold none = {0};
	uint8_t *m = memory_zeroed(1, lay_out_result(w, &none, joins, NULL));
	if (!m)
		return NULL;
	struct fold *f = (struct fold *)(void *)m;
	lay_out_result(w, f, joins, m);
	return f;
}

static void count(struct fold_work *w)
{
	for (size_t i = 0; i < w->in->op_count; i++) {
		w->claim_count += w->in->op[i].kind == FOLD_CLAIM;
		w->undo_count += w->in->op[i].kind == FOLD_UNDO;
	}
	for (int i = 0; i < w->in->rules->rule_count; i++) {
		enum ident_kind kind = w->in->rules->rule[i].kind;
		if ((unsigned)kind < IDENT_KIND_COUNT && !w->rule[kind])
			w->rule[kind] = &w->in->rules->rule[i];
	}
}

static void find_places(struct fold_work *w)
{
	for (uint32_t i = 0; i < w->in->op_count; i++) {
		const struct fold_op *op = &w->in->op[i];
		switch (op->kind) {
		case FOLD_LINK:
		case FOLD_APART:
			w->right[i] = fold_index_unit(w, &op->right);
			w->left[i] = fold_index_unit(w, &op->left);
			break;
		case FOLD_CLAIM:
		case FOLD_ERASE:
			w->left[i] = fold_index_unit(w, &op->left);
			break;
		case FOLD_BLOCK:
		case FOLD_SHARE:
			w->left[i] = fold_index_group(w, &op->left);
			break;
		case FOLD_UNDO:
			break;
		}
	}
}

static void keep_apart(struct fold_work *w, uint32_t op)
{
	uint32_t l = w->left[op], r = w->right[op];
	if (l == FOLD_NONE || r == FOLD_NONE || l == r)
		return;
	w->apart_next[op][0] = w->apart_first[l];
	w->apart_first[l] = op;
	w->apart_next[op][1] = w->apart_first[r];
	w->apart_first[r] = op;
}

/* What holds from the beginning, wherever in the order it stands. */
static void first_pass(struct fold_work *w)
{
	for (uint32_t i = 0; i < w->in->op_count; i++) {
		enum fold_kind kind = w->in->op[i].kind;
		if (kind == FOLD_ERASE) {
			if (w->left[i] != FOLD_NONE)
				w->erased[w->left[i]] = true;
			continue;
		}
		if ((kind != FOLD_APART && kind != FOLD_BLOCK) ||
		    fold_index_is_undone(w, &w->in->op[i].id))
			continue;
		if (kind == FOLD_APART)
			keep_apart(w, i);
		else if (w->left[i] != FOLD_NONE)
			w->group[w->left[i]].blocked = true;
	}
}

static enum fold_reason take_claim(struct fold_work *w, uint32_t i)
{
	struct fold_group *g = &w->group[w->right[i]];
	const struct rule *rule = w->rule[fold_kind_of(w, i)];
	if (g->blocked)
		return FOLD_BLOCKED;
	uint32_t root = fold_cluster_root(w, w->left[i]);
	if (!fold_cluster_holds(w, root, w->right[i])) {
		uint32_t held = w->cluster[root].held[fold_kind_of(w, i)];
		if (rule && rule->limit && held >= (uint32_t)rule->limit)
			return FOLD_LIMIT;
		fold_cluster_hold(w, root, i);
	}
	w->entry_next[i] = FOLD_NONE;
	w->entry_verified[i] = w->in->op[i].verified ? i : FOLD_NONE;
	if (g->first == FOLD_NONE)
		g->first = i;
	else
		w->entry_next[g->last] = i;
	g->last = i;
	fold_join_propose(w, i);
	return FOLD_NO_REASON;
}

static enum fold_reason take_link(struct fold_work *w, uint32_t i)
{
	uint32_t p = fold_cluster_root(w, w->left[i]), q = fold_cluster_root(w, w->right[i]);
	if (p == q)
		return FOLD_NO_REASON;
	enum fold_reason reason = w->in->op[i].by_person
	                              ? fold_cluster_never(w, p, q)
	                              : fold_cluster_conflict(w, p, q, FOLD_NAMES_FIRST);
	if (!reason)
		fold_cluster_unite(w, p, q);
	return reason;
}

static enum fold_reason take_one(struct fold_work *w, uint32_t i)
{
	enum fold_kind kind = w->in->op[i].kind;
	uint32_t l = w->left[i], r = w->right[i];
	bool two = kind == FOLD_LINK || kind == FOLD_APART;
	if (kind == FOLD_SHARE && l != FOLD_NONE)
		w->group[l].shared = true;
	if (kind == FOLD_SHARE || kind == FOLD_BLOCK || kind == FOLD_UNDO)
		return FOLD_NO_REASON;
	if (l == FOLD_NONE || (two && r == FOLD_NONE))
		return FOLD_UNKNOWN;
	if (kind == FOLD_ERASE)
		return FOLD_NO_REASON;
	if (w->erased[l] || (two && w->erased[r]))
		return FOLD_ERASED;
	if (kind == FOLD_CLAIM)
		return take_claim(w, i);
	return kind == FOLD_LINK ? take_link(w, i) : FOLD_NO_REASON;
}

static void second_pass(struct fold_work *w)
{
	for (uint32_t i = 0; i < w->in->op_count; i++) {
		struct fold_verdict *v = &w->out->verdict[i];
		enum fold_kind kind = w->in->op[i].kind;
		if (kind != FOLD_UNDO && kind != FOLD_ERASE &&
		    fold_index_is_undone(w, &w->in->op[i].id)) {
			v->fate = FOLD_UNDONE;
			continue;
		}
		v->reason = take_one(w, i);
		v->fate = v->reason ? FOLD_REFUSED : FOLD_HOLDS;
	}
}

static bool names_before(const struct fold_unit *a, const struct fold_unit *b)
{
	return a->number && (!b->number || a->number < b->number);
}

/* entry_of is free now: the unit that names the person of a root. */
static void name_persons(struct fold_work *w)
{
	const struct fold_unit *unit = w->in->unit;
	for (uint32_t i = 0; i < w->in->unit_count; i++)
		w->entry_of[i] = FOLD_NONE;
	for (uint32_t i = 0; i < w->in->unit_count; i++) {
		uint32_t *name = &w->entry_of[fold_cluster_root(w, i)];
		if (*name == FOLD_NONE || names_before(&unit[i], &unit[*name]))
			*name = i;
	}
	for (uint32_t i = 0; i < w->in->unit_count; i++)
		w->out->person[i] =
		    w->erased[i] ? FOLD_NOBODY : w->entry_of[fold_cluster_root(w, i)];
}

static void tell_identifiers(struct fold_work *w)
{
	w->out->ident_count = w->group_count;
	for (uint32_t i = 0; i < w->group_count; i++) {
		struct fold_group *g = &w->group[i];
		struct fold_ident *out = &w->out->ident[i];
		int64_t persons = fold_group_persons(w, g);
		out->ident = w->in->op[g->claim].right;
		out->kind = fold_kind_of(w, g->claim);
		out->person_count = (size_t)persons;
		if (g->blocked)
			out->state = FOLD_IDENT_BLOCKED;
		else if (g->shared || persons > w->in->rules->guard.persons_max)
			out->state = FOLD_IDENT_SHARED;
		else
			out->state = persons > 1 ? FOLD_IDENT_SEVERAL : FOLD_IDENT_ONE;
	}
}

struct fold *fold_run(const struct fold_input *in)
{
	struct fold_work w = {.in = in};
	if (in->unit_count >= FOLD_MIXED || in->op_count >= FOLD_MIXED)
		return NULL;
	count(&w);
	uint8_t *memory = memory_zeroed(1, lay_out_work(&w, NULL) + ALIGN_BYTES);
	if (!memory)
		return NULL;
	lay_out_work(&w, memory);
	fold_index_units(&w);
	fold_index_undone(&w);
	fold_index_claims(&w);
	w.out = new_result(&w);
	if (w.out) {
		find_places(&w);
		fold_cluster_begin(&w);
		first_pass(&w);
		second_pass(&w);
		name_persons(&w);
		tell_identifiers(&w);
	}
	free(memory);
	return w.out;
}

void fold_free(struct fold *f)
{
	free(f);
}
