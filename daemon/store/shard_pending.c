/* A hash table over (key, profile); keys are random already. */
#include <stdlib.h>
#include <string.h>

#include "store/shard_internal.h"

#define ROOM_FIRST 1024 /* slots; doubled when three quarters are taken */
#define RADIX_BITS 16   /* of a key, by which many are sorted before each few are */
#define RADIX_FROM 8192 /* changes */
#define FEW 24          /* changes that are sorted one by one */

struct shard_pending {
	struct shard_change *slots;
	size_t room, count; /* room: a power of two */
};

struct shard_pending *shard_pending_new(void)
{
	struct shard_pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->room = ROOM_FIRST;
	p->slots = calloc(p->room, sizeof(*p->slots));
	if (p->slots == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void shard_pending_free(struct shard_pending *p)
{
	if (p == NULL)
		return;
	free(p->slots);
	free(p);
}

static struct shard_change *find_slot(struct shard_change *slots, size_t room, int64_t key,
                                      uint32_t profile)
{
	size_t i = (size_t)key & (room - 1);

	while (slots[i].word != SHARD_NO_CHANGE &&
	       (slots[i].key != key || slots[i].profile != profile))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static int grow(struct shard_pending *p)
{
	size_t room = 2 * p->room;
	struct shard_change *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < p->room; i++) {
		const struct shard_change *s = &p->slots[i];

		if (s->word != SHARD_NO_CHANGE)
			*find_slot(slots, room, s->key, s->profile) = *s;
	}
	free(p->slots);
	p->slots = slots;
	p->room = room;
	return 0;
}

int shard_pending_set(struct shard_pending *p, int64_t key, int64_t profile, bool has)
{
	struct shard_change *s;

	if (4 * (p->count + 1) > 3 * p->room && grow(p) != 0)
		return -1;
	s = find_slot(p->slots, p->room, key, (uint32_t)profile);
	p->count += s->word == SHARD_NO_CHANGE;
	*s = (struct shard_change){key, (uint32_t)profile, has ? SHARD_HAS : SHARD_HAS_NOT};
	return 0;
}

int64_t shard_pending_next(const struct shard_pending *p, int64_t key, size_t *at, bool *has)
{
	for (;;) {
		const struct shard_change *s = &p->slots[((size_t)key + *at) & (p->room - 1)];

		if (s->word == SHARD_NO_CHANGE)
			return 0;
		++*at;
		if (s->key == key) {
			*has = s->word == SHARD_HAS;
			return s->profile;
		}
	}
}

size_t shard_pending_count(const struct shard_pending *p)
{
	return p->count;
}

static int by_key(const void *a, const void *b)
{
	const struct shard_change *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->profile > y->profile) - (x->profile < y->profile);
}

static void sort_few(struct shard_change *c, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct shard_change moved = c[i];
		size_t to = i;

		for (; to > 0 && by_key(&c[to - 1], &moved) > 0; to--)
			c[to] = c[to - 1];
		c[to] = moved;
	}
}

static void sort_some(struct shard_change *c, size_t n)
{
	if (n <= FEW)
		sort_few(c, n);
	else
		qsort(c, n, sizeof(*c), by_key);
}

static size_t digit_of(const struct shard_change *c)
{
	return (size_t)((uint64_t)c->key >> (63 - RADIX_BITS));
}

/* Each to where those with its first bits stand. next[d]: where the next with the digit d goes,
 * end[d]: behind the last of them. */
static void spread(struct shard_change *c, size_t *next, const size_t *end)
{
	for (size_t d = 0; d < (size_t)1 << RADIX_BITS; d++) {
		while (next[d] < end[d]) {
			struct shard_change *from = &c[next[d]], moved = *from;
			size_t to = digit_of(&moved);

			if (to == d) {
				next[d]++;
				continue;
			}
			*from = c[next[to]];
			c[next[to]++] = moved;
		}
	}
}

/* Keys are random, so that their first bits divide them evenly. */
static void sort_many(struct shard_change *c, size_t n)
{
	const size_t digits = (size_t)1 << RADIX_BITS;
	size_t *next = calloc(2 * digits, sizeof(*next)), *end, at = 0;

	if (next == NULL) {
		sort_some(c, n);
		return;
	}
	end = next + digits;
	for (size_t i = 0; i < n; i++)
		end[digit_of(&c[i])]++;
	for (size_t d = 0; d < digits; d++) {
		next[d] = at;
		at += end[d];
		end[d] = at;
	}
	spread(c, next, end);
	for (size_t d = 0, from = 0; d < digits; from = end[d], d++)
		sort_some(c + from, end[d] - from);
	free(next);
}

const struct shard_change *shard_pending_sort(struct shard_pending *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->room; i++) {
		if (p->slots[i].word != SHARD_NO_CHANGE)
			p->slots[n++] = p->slots[i];
	}
	(n < RADIX_FROM ? sort_some : sort_many)(p->slots, n);
	return p->slots;
}

/* What many pages took is given back; a page's worth is kept. */
void shard_pending_drop(struct shard_pending *p)
{
	struct shard_change *slots =
	    p->room > ROOM_FIRST ? calloc(ROOM_FIRST, sizeof(*slots)) : NULL;

	if (slots != NULL) {
		free(p->slots);
		p->slots = slots;
		p->room = ROOM_FIRST;
	} else {
		memset(p->slots, 0, p->room * sizeof(*p->slots));
	}
	p->count = 0;
}

/* ---- a Bloom filter of 2 MiB; the key's bits are its hashes ---- */

#define MET_BITS 24
#define MET_HASHES 2

struct shard_met {
	uint8_t bytes[(1u << MET_BITS) / 8];
};

struct shard_met *shard_met_new(void)
{
	return calloc(1, sizeof(struct shard_met));
}

void shard_met_free(struct shard_met *m)
{
	free(m);
}

bool shard_met_add(struct shard_met *m, int64_t key)
{
	bool met = true;

	for (int i = 0; i < MET_HASHES; i++) {
		size_t bit = (size_t)(key >> (i * MET_BITS)) & ((1u << MET_BITS) - 1);
		uint8_t mask = (uint8_t)(1u << (bit & 7));

		met = met && (m->bytes[bit / 8] & mask);
		m->bytes[bit / 8] |= mask;
	}
	return met;
}
