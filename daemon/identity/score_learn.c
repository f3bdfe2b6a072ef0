#include "identity/score_learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/score_learn_internal.h"

#define ROOM_FIRST 4096
#define ROOM_MAX (1 << 22) /* patterns; more than levels can make: out of memory */

struct score_learn *score_learn_new(void)
{
	struct score_learn *l = memory_zeroed(1, sizeof *l);

	if (!l)
		return NULL;
	l->pattern_room = ROOM_FIRST;
	l->pattern = memory_zeroed(l->pattern_room, sizeof *l->pattern);
	l->failed = !l->pattern;
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		l->value[f].top = memory_zeroed(SCORE_LEARN_OFTEN, sizeof *l->value[f].top);
		l->failed = l->failed || !l->value[f].top;
	}
	if (!l->failed)
		return l;
	score_learn_free(l);
	return NULL;
}

void score_learn_free(struct score_learn *l)
{
	if (!l)
		return;
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++)
		free(l->value[f].top);
	free(l->pattern);
	free(l);
}

void score_learn_random(struct score_learn *l, const uint8_t level[SCORE_FIELD_COUNT])
{
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++)
		l->random[f][level[f]]++;
}

static uint64_t spread(const struct score_pattern *p)
{
	uint64_t key = p->pass;

	for (int f = 0; f < SCORE_FIELD_COUNT; f++)
		key = key << 3 | p->level[f];
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 29;
}

static struct score_pattern *place_of(struct score_pattern *table, size_t room,
                                      const struct score_pattern *p)
{
	size_t at = spread(p) & (room - 1);

	while (table[at].count > 0 && (table[at].pass != p->pass ||
	                               memcmp(table[at].level, p->level, sizeof p->level) != 0))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow(struct score_learn *l)
{
	size_t room = l->pattern_room * 2;
	struct score_pattern *table = room <= ROOM_MAX ? memory_zeroed(room, sizeof *table) : NULL;

	if (!table) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < l->pattern_room; i++) {
		if (l->pattern[i].count > 0)
			*place_of(table, room, &l->pattern[i]) = l->pattern[i];
	}
	free(l->pattern);
	l->pattern = table;
	l->pattern_room = room;
}

static void count_pattern(struct score_learn *l, const struct score_pattern *p)
{
	struct score_pattern *at;

	if (l->pattern_count * 2 >= l->pattern_room)
		grow(l);
	if (l->failed)
		return;
	at = place_of(l->pattern, l->pattern_room, p);
	if (at->count == 0) {
		*at = *p;
		l->pattern_count++;
	}
	at->count++;
}

void score_learn_pair(struct score_learn *l, const struct score_learn_pass *pass,
                      const uint8_t level[SCORE_FIELD_COUNT])
{
	struct score_pattern p = {.pass = (uint8_t)pass->pass};

	for (int f = 0; f < SCORE_FIELD_COUNT; f++)
		p.level[f] = pass->demands & 1U << f ? SCORE_UNSAID : level[f];
	count_pattern(l, &p);
	if (!pass->first)
		return;
	p.pass = SCORE_LEARN_ONCE;
	memcpy(p.level, level, sizeof p.level);
	count_pattern(l, &p);
}

static void swap(struct score_value *a, struct score_value *b)
{
	struct score_value v = *a;

	*a = *b;
	*b = v;
}

/* Of two that are as frequent the greater hash goes first, so that the order they come in says
 * nothing. */
static bool rarer(const struct score_value *a, const struct score_value *b)
{
	return a->records != b->records ? a->records < b->records : a->hash > b->hash;
}

static void sink(struct score_value *heap, int n)
{
	for (int at = 0, child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && rarer(&heap[child + 1], &heap[child]))
			child++;
		if (!rarer(&heap[child], &heap[at]))
			break;
		swap(&heap[child], &heap[at]);
	}
}

static void keep_often(struct score_value *heap, int *n, const struct score_value *v)
{
	int at;

	if (*n == SCORE_LEARN_OFTEN) {
		if (rarer(v, &heap[0]))
			return;
		heap[0] = *v;
		sink(heap, *n);
		return;
	}
	at = (*n)++;
	heap[at] = *v;
	for (; at > 0 && rarer(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&heap[at], &heap[(at - 1) / 2]);
}

void score_learn_value(struct score_learn *l, enum score_field field, uint64_t hash,
                       uint64_t records)
{
	struct score_value v = {hash, records};

	l->value[field].records += (double)records;
	l->value[field].pairs += (double)records * (double)(records - 1);
	if (records > 1)
		keep_often(l->value[field].top, &l->value[field].count, &v);
}
