/* A reference: 16 random bytes that stand for a unit, an identifier, a claim or a link. Never made
 * of a value, so that it says nothing once what it named is gone.
 */
#ifndef LANEWAY_IDENTITY_REF_H
#define LANEWAY_IDENTITY_REF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "event/event.h"

struct ref {
	uint8_t byte[EVENT_ID_BYTES];
};

static inline bool ref_same(const struct ref *a, const struct ref *b)
{
	return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

static inline bool ref_none(const struct ref *r)
{
	static const struct ref none;
	return ref_same(r, &none);
}

#endif
