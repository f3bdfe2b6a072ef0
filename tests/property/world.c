#include "world.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

void *pool_more(void *array, size_t count, size_t size)
{
	/* Doubled whenever the count is a power of two. */
	if (count & (count - 1))
		return array;
	void *more = realloc(array, (count ? 2 * count : 1) * size);
	if (!more) {
		(void)fprintf(stderr, "out of memory\n");
		exit(2);
	}
	return more;
}

void pool_free(struct pool *p)
{
	for (size_t i = 0; i < p->choice_count; i++)
		free((void *)p->choice[i].covers);
	free(p->ident);
	free(p->unit);
	free(p->state);
	free(p->said);
	free(p->fact);
	free(p->choice);
	free(p->points);
	free(p->promised);
}

static size_t unit_at(const struct pool *p, const struct ref *unit)
{
	size_t i = 0;
	while (i < p->unit_count && !ref_same(&p->unit[i].ref, unit))
		i++;
	return i < p->unit_count ? i : NONE;
}

/* ---- components ---- */

static bool undone(const struct pool *p, const struct ref *id)
{
	for (size_t i = 0; i < p->said_count; i++)
		if (p->said[i].op.kind == FOLD_UNDO && ref_same(&p->said[i].op.left, id))
			return true;
	return false;
}

static bool blocked(const struct pool *p, const struct ref *ident)
{
	for (size_t i = 0; i < p->said_count; i++) {
		const struct fold_op *op = &p->said[i].op;
		if (op->kind == FOLD_BLOCK && ref_same(&op->left, ident) && !undone(p, &op->id))
			return true;
	}
	return false;
}

static size_t find(size_t *parent, size_t i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

/* Of two units, or of a unit and an identifier (behind the units). */
static void connect(const struct pool *p, const struct fold_op *op, size_t *parent)
{
	size_t a = unit_at(p, &op->left), b = NONE;
	if (op->kind == FOLD_CLAIM) {
		for (size_t i = 0; i < p->ident_count; i++)
			if (ref_same(&p->ident[i].ref, &op->right))
				b = p->unit_count + i;
		if (blocked(p, &op->right))
			return;
	} else if (op->kind == FOLD_LINK || op->kind == FOLD_APART) {
		b = unit_at(p, &op->right);
	}
	if (a != NONE && b != NONE && !undone(p, &op->id))
		parent[find(parent, a)] = find(parent, b);
}

/* A label per unit: units with the same one are connected. */
static size_t *components(const struct pool *p)
{
	size_t n = p->unit_count + p->ident_count;
	size_t *parent = pool_more(NULL, 0, (n + 1) * sizeof *parent);
	for (size_t i = 0; i < n; i++)
		parent[i] = i;
	for (size_t i = 0; i < p->said_count; i++)
		connect(p, &p->said[i].op, parent);
	for (size_t i = 0; i < p->unit_count; i++)
		parent[i] = find(parent, i);
	return parent;
}

/* ---- what a change can influence ---- */

static void seed(const struct pool *p, const struct ref *unit, uint8_t *seeds)
{
	size_t at = unit_at(p, unit);
	if (at != NONE)
		seeds[at] = 1;
}

static void seed_claimants(const struct pool *p, const struct ref *ident, uint8_t *seeds)
{
	for (size_t i = 0; i < p->said_count; i++)
		if (p->said[i].op.kind == FOLD_CLAIM && ref_same(&p->said[i].op.right, ident))
			seed(p, &p->said[i].op.left, seeds);
}

static void seed_named(const struct pool *p, const struct fold_op *op, uint8_t *seeds)
{
	if (op->kind == FOLD_BLOCK || op->kind == FOLD_SHARE)
		seed_claimants(p, &op->left, seeds);
	else if (op->kind != FOLD_UNDO)
		seed(p, &op->left, seeds);
	if (op->kind == FOLD_LINK || op->kind == FOLD_APART)
		seed(p, &op->right, seeds);
}

/* What it takes back: an operation, or the join of two claims. */
static void seed_undone(const struct pool *p, const struct ref *id, uint8_t *seeds)
{
	struct ref other;
	for (size_t i = 0; i < p->said_count; i++) {
		const struct fold_op *op = &p->said[i].op;
		if (ref_same(&op->id, id))
			seed_named(p, op, seeds);
		if (op->kind != FOLD_CLAIM)
			continue;
		for (size_t b = 0; b < sizeof other.byte; b++)
			other.byte[b] = op->id.byte[b] ^ id->byte[b];
		for (size_t k = 0; k < i; k++)
			if (ref_same(&p->said[k].op.id, &other))
				seed_named(p, op, seeds);
	}
}

static void seed_choice(const struct pool *p, const struct consent_choice *c, uint8_t *seeds)
{
	seed(p, &c->unit, seeds);
	for (size_t i = 0; i < c->cover_count; i++)
		seed(p, &c->covers[i], seeds);
	if (!ref_none(&c->address))
		seed_claimants(p, &c->address, seeds);
}

static void seed_change(const struct pool *p, const struct change *c, uint8_t *seeds)
{
	switch (c->kind) {
	case CHANGE_UNIT:
		seed(p, &c->unit.ref, seeds);
		break;
	case CHANGE_AMEND:
		seeds[c->at] = 1;
		break;
	case CHANGE_SAID:
		seed_named(p, &c->said.op, seeds);
		if (c->said.op.kind == FOLD_UNDO)
			seed_undone(p, &c->said.op.left, seeds);
		break;
	case CHANGE_FACT:
	case CHANGE_UNSAY:
		seed(p, &c->fact.fact.unit, seeds);
		break;
	case CHANGE_CHOICE:
		seed_choice(p, &c->choice, seeds);
		break;
	case CHANGE_POINTS:
		seed(p, &c->points.unit, seeds);
		break;
	}
}

static void touch(const struct pool *p, const size_t *label, const uint8_t *seeds, uint8_t *touched)
{
	for (size_t i = 0; i < p->unit_count; i++)
		for (size_t k = 0; seeds[i] && k < p->unit_count; k++)
			touched[k] |= label[k] == label[i];
}

static void put_in(struct pool *p, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_UNIT:
		p->unit = pool_more(p->unit, p->unit_count, sizeof *p->unit);
		p->state = pool_more(p->state, p->unit_count, sizeof *p->state);
		p->state[p->unit_count] = 0;
		p->unit[p->unit_count++] = c->unit;
		break;
	case CHANGE_AMEND:
		p->unit[c->at] = c->unit;
		break;
	case CHANGE_SAID:
		p->said = pool_more(p->said, p->said_count, sizeof *p->said);
		p->said[p->said_count++] = c->said;
		break;
	case CHANGE_FACT:
		p->fact = pool_more(p->fact, p->fact_count, sizeof *p->fact);
		p->fact[p->fact_count++] = c->fact;
		break;
	case CHANGE_UNSAY:
		p->fact[c->at] = p->fact[p->fact_count - 1];
		p->fact_count--;
		break;
	case CHANGE_CHOICE:
		p->choice = pool_more(p->choice, p->choice_count, sizeof *p->choice);
		p->choice[p->choice_count++] = c->choice;
		break;
	case CHANGE_POINTS:
		p->points = pool_more(p->points, p->points_count, sizeof *p->points);
		p->points[p->points_count++] = c->points;
		break;
	}
}

void pool_pop(struct pool *p, enum change_kind kind)
{
	p->unit_count -= kind == CHANGE_UNIT;
	p->said_count -= kind == CHANGE_SAID;
	p->fact_count -= kind == CHANGE_FACT;
	p->choice_count -= kind == CHANGE_CHOICE;
	p->points_count -= kind == CHANGE_POINTS;
}

/* ---- folding ---- */

static int by_place(const void *left, const void *right)
{
	const struct said *a = left, *b = right;
	const struct place *p = &a->place, *q = &b->place;
	if (p->store != q->store)
		return p->store < q->store ? -1 : 1;
	if (p->epoch != q->epoch)
		return p->epoch < q->epoch ? -1 : 1;
	if (p->seq != q->seq)
		return p->seq < q->seq ? -1 : 1;
	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	return memcmp(&a->op.id, &b->op.id, sizeof a->op.id);
}

static int by_ref(const void *left, const void *right)
{
	const struct fold_unit *a = left, *b = right;
	return memcmp(&a->ref, &b->ref, sizeof a->ref);
}

/* The units with that label (NONE: all), and the operations among them, in their orders. */
struct part {
	struct fold_input in;
	struct fold_unit *unit;
	struct said *said;
	struct fold_op *op;
	struct field_fact *fact;
	struct person_world world;
	struct fold *fold;
};

static bool belongs(const struct pool *p, const size_t *label, size_t of, const struct fold_op *op)
{
	if (!label || op->kind == FOLD_UNDO || op->kind == FOLD_BLOCK || op->kind == FOLD_SHARE)
		return true;
	size_t a = unit_at(p, &op->left), b = NONE;
	if (op->kind == FOLD_LINK || op->kind == FOLD_APART)
		b = unit_at(p, &op->right);
	return (a != NONE && label[a] == of) || (b != NONE && label[b] == of);
}

static void part_open(const struct pool *p, const size_t *label, size_t of, struct part *out)
{
	size_t units = 0, ops = 0;
	out->unit = pool_more(NULL, 0, (p->unit_count + 1) * sizeof *out->unit);
	out->said = pool_more(NULL, 0, (p->said_count + 1) * sizeof *out->said);
	out->op = pool_more(NULL, 0, (p->said_count + 1) * sizeof *out->op);
	for (size_t i = 0; i < p->unit_count; i++)
		if (!label || label[i] == of)
			out->unit[units++] = p->unit[i];
	qsort(out->unit, units, sizeof *out->unit, by_ref);
	for (size_t i = 0; i < p->said_count; i++)
		if (belongs(p, label, of, &p->said[i].op))
			out->said[ops++] = p->said[i];
	qsort(out->said, ops, sizeof *out->said, by_place);
	for (size_t i = 0; i < ops; i++)
		out->op[i] = out->said[i].op;
	out->fact = pool_more(NULL, 0, (p->fact_count + 1) * sizeof *out->fact);
	for (size_t i = 0; i < p->fact_count; i++) {
		out->fact[i] = p->fact[i].fact;
		out->fact[i].value = p->fact[i].no_value ? NULL : p->fact[i].value;
	}
	out->in = (struct fold_input){p->rules, out->unit, units, out->op, ops};
	out->fold = fold_run(&out->in);
	if (!out->fold) {
		(void)fprintf(stderr, "out of memory\n");
		exit(2);
	}
	out->world = (struct person_world){&out->in,  out->fold,       out->fact, p->fact_count,
	                                   p->choice, p->choice_count, p->points, p->points_count};
}

static void part_close(struct part *part)
{
	fold_free(part->fold);
	free(part->unit);
	free(part->said);
	free(part->op);
	free(part->fact);
}

static uint64_t hash_of(const struct buf *text)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	if (text->failed) {
		(void)fprintf(stderr, "out of memory\n");
		exit(2);
	}
	SHA256(text->data, text->len, hash);
	return buf_get64(hash) | 1;
}

/* The states of a part's units, written to where the pool has them. The most units of one person.
 */
static size_t part_states(const struct pool *p, const struct part *part, uint64_t *out)
{
	struct buf text = {0};
	size_t largest = 0, units = part->in.unit_count;
	for (size_t i = 0; i < units; i++) {
		size_t person = part->fold->person[i], members = 0;
		if (person == FOLD_NOBODY)
			out[unit_at(p, &part->unit[i].ref)] = 0;
		if (person != i)
			continue;
		buf_reset(&text);
		person_text(&part->world, person, &text);
		uint64_t state = hash_of(&text);
		for (size_t k = 0; k < units; k++) {
			if (part->fold->person[k] != person)
				continue;
			out[unit_at(p, &part->unit[k].ref)] = state;
			members++;
		}
		largest = members > largest ? members : largest;
	}
	buf_free(&text);
	return largest;
}

void pool_fold(const struct pool *p, uint64_t *out)
{
	struct part part;
	part_open(p, NULL, 0, &part);
	part_states(p, &part, out);
	part_close(&part);
}

void pool_persons(const struct pool *p, size_t *out)
{
	struct part part;
	part_open(p, NULL, 0, &part);
	for (size_t i = 0; i < part.in.unit_count; i++) {
		size_t person = part.fold->person[i];
		out[unit_at(p, &part.unit[i].ref)] =
		    person == FOLD_NOBODY ? FOLD_NOBODY : unit_at(p, &part.unit[person].ref);
	}
	part_close(&part);
}

void pool_verdicts(const struct pool *p, struct fold_verdict *out)
{
	struct part part;
	part_open(p, NULL, 0, &part);
	for (size_t i = 0; i < part.in.op_count; i++)
		for (size_t k = 0; k < p->said_count; k++)
			if (ref_same(&p->said[k].op.id, &part.op[i].id))
				out[k] = part.fold->verdict[i];
	part_close(&part);
}

int pool_ident_state(const struct pool *p, const struct ref *ident)
{
	struct part part;
	int state = -1;
	part_open(p, NULL, 0, &part);
	for (size_t i = 0; i < part.fold->ident_count; i++)
		if (ref_same(&part.fold->ident[i].ident, ident))
			state = (int)part.fold->ident[i].state;
	part_close(&part);
	return state;
}

void pool_text(const struct pool *p, size_t unit, struct buf *out)
{
	struct part part;
	part_open(p, NULL, 0, &part);
	for (size_t i = 0; i < part.in.unit_count; i++)
		if (ref_same(&part.unit[i].ref, &p->unit[unit].ref) &&
		    part.fold->person[i] != FOLD_NOBODY)
			person_text(&part.world, part.fold->person[i], out);
	part_close(&part);
}

static void fold_touched(struct pool *p, const size_t *label, struct touched *t)
{
	struct part part;
	for (size_t i = 0; i < p->unit_count; i++) {
		bool first = t->unit[i];
		for (size_t k = 0; k < i && first; k++)
			first = label[k] != label[i];
		if (!first)
			continue;
		part_open(p, label, label[i], &part);
		size_t largest = part_states(p, &part, p->state);
		t->largest = largest > t->largest ? largest : t->largest;
		part_close(&part);
	}
}

void pool_apply(struct pool *p, const struct change *c, struct touched *t)
{
	if (t->cap < p->unit_count + 1) {
		t->cap = 2 * (p->unit_count + 1);
		free(t->unit);
		t->unit = pool_more(NULL, 0, t->cap);
	}
	memset(t->unit, 0, t->cap);
	uint8_t *seeds = pool_more(NULL, 0, t->cap);
	memset(seeds, 0, t->cap);
	size_t *label = components(p);
	seed_change(p, c, seeds);
	touch(p, label, seeds, t->unit);
	free(label);
	put_in(p, c);
	label = components(p);
	memset(seeds, 0, t->cap);
	seed_change(p, c, seeds);
	touch(p, label, seeds, t->unit);
	fold_touched(p, label, t);
	free(label);
	free(seeds);
}
