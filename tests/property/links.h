#ifndef TESTS_PROPERTY_LINKS_H
#define TESTS_PROPERTY_LINKS_H

#include "world.h"

struct links_options {
	uint64_t seed, steps, pools, big, scenarios, at, unit;
};

/* 0, or 1 after saying what was wrong. */
int links_orders(const struct links_options *o);
int links_undo(const struct links_options *o);

#endif
