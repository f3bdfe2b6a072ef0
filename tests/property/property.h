/* What the property programs have in common: PROGRAM [SEED [COUNT]]. Without a seed, or with 0, it
 * is the time; the seed is printed, and with it the same run comes again. */
#ifndef LANEWAY_PROPERTY_H
#define LANEWAY_PROPERTY_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct property {
	const char *program;
	uint64_t seed, count;
};

static inline struct property property_begin(int argc, char **argv, uint64_t count)
{
	struct property p = {argv[0], 0, count};

	if (argc > 1)
		p.seed = strtoull(argv[1], NULL, 10);
	if (p.seed == 0)
		p.seed = (uint64_t)time(NULL);
	if (argc > 2)
		p.count = strtoull(argv[2], NULL, 10);
	return p;
}

/* Each case has a sequence of its own, so that one case can be run without those before it. */
struct property_random {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t property_next(struct property_random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 to n - 1. */
static inline unsigned property_below(struct property_random *r, unsigned n)
{
	return (unsigned)(property_next(r) % n);
}

static inline struct property_random property_case(const struct property *p, uint64_t i)
{
	struct property_random r = {p->seed};
	property_next(&r);
	r.state ^= i * 0xd1342543de82ef95;
	return r;
}

#endif
