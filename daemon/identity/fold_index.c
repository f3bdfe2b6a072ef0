#include <string.h>

#include "base/buf.h"
#include "identity/fold_internal.h"

/* Fewer are sorted faster by inserting them one by one. */
#define INSERT_COUNT_MAX 12

static struct fold_key key_of(const struct ref *r, uint32_t at)
{
	return (struct fold_key){buf_get64(r->byte), buf_get64(r->byte + 8), at};
}

static bool key_before(const struct fold_key *a, const struct fold_key *b)
{
	if (a->high != b->high)
		return a->high < b->high;
	return a->low != b->low ? a->low < b->low : a->at < b->at;
}

static bool same_ref(const struct fold_key *a, const struct fold_key *b)
{
	return a->high == b->high && a->low == b->low;
}

static void insert_sort(struct fold_key *k, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct fold_key one = k[i];
		size_t at = i;
		for (; at > 0 && key_before(&one, &k[at - 1]); at--)
			k[at] = k[at - 1];
		k[at] = one;
	}
}

static void merge(struct fold_key *k, size_t half, size_t n, struct fold_key *room)
{
	size_t a = 0, b = half, out = 0;
	memcpy(room, k, half * sizeof *k);
	while (a < half)
		k[out++] = b < n && key_before(&k[b], &room[a]) ? k[b++] : room[a++];
}

/* From short runs upwards, so that the depth does not go with what comes from outside. */
static void sort(struct fold_key *k, size_t n, struct fold_key *room)
{
	for (size_t at = 0; at < n; at += INSERT_COUNT_MAX)
		insert_sort(k + at, n - at < INSERT_COUNT_MAX ? n - at : INSERT_COUNT_MAX);
	for (size_t run = INSERT_COUNT_MAX; run < n; run *= 2)
		for (size_t at = 0; at + run < n; at += 2 * run)
			merge(k + at, run, n - at < 2 * run ? n - at : 2 * run, room);
}

/* The first that is not before r, or n. */
static size_t first_from(const struct fold_key *k, size_t n, const struct ref *r)
{
	const struct fold_key wanted = key_of(r, 0);
	size_t from = 0;
	while (n > from) {
		size_t middle = from + (n - from) / 2;
		if (key_before(&k[middle], &wanted))
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

static bool is_at(const struct fold_key *k, size_t n, size_t at, const struct ref *r)
{
	const struct fold_key wanted = key_of(r, 0);
	return at < n && same_ref(&k[at], &wanted);
}

void fold_index_units(struct fold_work *w)
{
	for (size_t i = 0; i < w->in->unit_count; i++)
		w->unit_key[i] = key_of(&w->in->unit[i].ref, (uint32_t)i);
	sort(w->unit_key, w->in->unit_count, w->sort_room);
}

uint32_t fold_index_unit(const struct fold_work *w, const struct ref *unit)
{
	size_t at = first_from(w->unit_key, w->in->unit_count, unit);
	return is_at(w->unit_key, w->in->unit_count, at, unit) ? w->unit_key[at].at : FOLD_NONE;
}

void fold_index_undone(struct fold_work *w)
{
	uint32_t n = 0;
	for (size_t i = 0; i < w->in->op_count; i++)
		if (w->in->op[i].kind == FOLD_UNDO)
			w->undo_key[n++] = key_of(&w->in->op[i].left, 0);
	sort(w->undo_key, n, w->sort_room);
}

bool fold_index_is_undone(const struct fold_work *w, const struct ref *id)
{
	size_t n = w->undo_count;
	return n && is_at(w->undo_key, n, first_from(w->undo_key, n, id), id);
}

static void group_begin(struct fold_work *w, uint32_t key)
{
	w->group[w->group_count] = (struct fold_group){
	    .claim = w->claim_key[key].at, .key = key, .first = FOLD_NONE, .last = FOLD_NONE};
	w->group_count++;
}

void fold_index_claims(struct fold_work *w)
{
	uint32_t n = 0;
	for (size_t i = 0; i < w->in->op_count; i++)
		if (w->in->op[i].kind == FOLD_CLAIM)
			w->claim_key[n++] = key_of(&w->in->op[i].right, (uint32_t)i);
	sort(w->claim_key, n, w->sort_room);
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || !same_ref(&w->claim_key[i], &w->claim_key[i - 1]))
			group_begin(w, i);
		w->group[w->group_count - 1].claim_count++;
		w->right[w->claim_key[i].at] = w->group_count - 1;
	}
}

uint32_t fold_index_group(const struct fold_work *w, const struct ref *ident)
{
	size_t at = first_from(w->claim_key, w->claim_count, ident);
	return is_at(w->claim_key, w->claim_count, at, ident) ? w->right[w->claim_key[at].at]
	                                                      : FOLD_NONE;
}
