/* What the property of two stores has in common with what is said in it. */
#ifndef LANEWAY_PROPERTY_TWO_STORES_H
#define LANEWAY_PROPERTY_TWO_STORES_H

#include "shop.h"

#define UNITS_MAX 120

extern const char *const phones[3], *const cards[3], *const mails[3];

struct bench {
	struct property_random r;
	struct world *w;
	struct shop shop[2];
	struct ref unit[UNITS_MAX];
	size_t unit_count;
	struct ref claim[UNITS_MAX * 3], claim_unit[UNITS_MAX * 3];
	size_t claim_count;
	uint64_t at, compared, other_persons, other_idents, events;
	char what[800]; /* the last step */
};

unsigned below(struct bench *b, unsigned n);
struct ref a_ref(struct bench *b);
const char *text_of(const struct ref *ref);
/* A store says something, or HQ's steward does. */
void say(struct bench *b, struct shop *s);
void steward_says(struct bench *b);
void steward_does(struct bench *b);

#endif
