/* A hash table over (key, profile); keys are random already. */
#include <stdlib.h>
#include <string.h>

#include "store/shard_internal.h"

#define ROOM_FIRST 1024 /* slots; doubled when three quarters are taken */

enum word { NONE, HAS, HAS_NOT };

struct slot {
	int64_t key, profile;
	enum word word;
};

struct shard_pending {
	struct slot *slots;
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

static struct slot *find_slot(struct slot *slots, size_t room, int64_t key, int64_t profile)
{
	size_t i = (size_t)key & (room - 1);

	while (slots[i].word != NONE && (slots[i].key != key || slots[i].profile != profile))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static int grow(struct shard_pending *p)
{
	size_t room = 2 * p->room;
	struct slot *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < p->room; i++) {
		const struct slot *s = &p->slots[i];

		if (s->word != NONE)
			*find_slot(slots, room, s->key, s->profile) = *s;
	}
	free(p->slots);
	p->slots = slots;
	p->room = room;
	return 0;
}

int shard_pending_set(struct shard_pending *p, int64_t key, int64_t profile, bool has)
{
	struct slot *s;

	if (4 * (p->count + 1) > 3 * p->room && grow(p) != 0)
		return -1;
	s = find_slot(p->slots, p->room, key, profile);
	p->count += s->word == NONE;
	*s = (struct slot){key, profile, has ? HAS : HAS_NOT};
	return 0;
}

int64_t shard_pending_next(const struct shard_pending *p, int64_t key, size_t *at, bool *has)
{
	for (;;) {
		const struct slot *s = &p->slots[((size_t)key + *at) & (p->room - 1)];

		if (s->word == NONE)
			return 0;
		++*at;
		if (s->key == key) {
			*has = s->word == HAS;
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
	const struct slot *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->profile > y->profile) - (x->profile < y->profile);
}

int shard_pending_flush(struct shard_pending *p,
                        int (*each)(void *ctx, int64_t key, int64_t profile, bool has), void *ctx)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < p->room; i++) {
		if (p->slots[i].word != NONE)
			p->slots[n++] = p->slots[i];
	}
	qsort(p->slots, n, sizeof(*p->slots), by_key);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = each(ctx, p->slots[i].key, p->slots[i].profile, p->slots[i].word == HAS);
	shard_pending_drop(p);
	return rc;
}

/* What many pages took is given back; a page's worth is kept. */
void shard_pending_drop(struct shard_pending *p)
{
	struct slot *slots = p->room > ROOM_FIRST ? calloc(ROOM_FIRST, sizeof(*slots)) : NULL;

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
