/* A growing set of short texts: what a round of folding has to look at again. */
#ifndef LANEWAY_HQ_NAMES_H
#define LANEWAY_HQ_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct hq_names {
	char **name;
	size_t count, room;
	bool failed; /* out of memory: the set is not whole */
};

/* Keep a copy; "" is left out. */
void hq_names_add(struct hq_names *set, const char *name);
/* Sort and drop what stands twice; after it name[0..count) are distinct. */
void hq_names_settle(struct hq_names *set);
void hq_names_free(struct hq_names *set); /* empty again */

#endif
