/* Which customers may be one person: for a steward, who decides. Reads hq.db only, changes nothing
 * in it, and lists nobody twice who is known to be one person, or to be two. */
#ifndef LANEWAY_HQ_DUPLICATES_H
#define LANEWAY_HQ_DUPLICATES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_intern.h"
#include "hq/hint/hq_pairs.h"

struct sqlite3;

/* Units of hq.db in their comparing forms. */
struct hq_units {
	struct hq_people *people;
	struct hq_unit_row {
		uint32_t unit, person; /* numbers of HQ's */
		uint32_t source;       /* of hq_intern: "import", "till berlin-7" */
		int64_t since_us;      /* when it was first told of; 0: not known */
	} * row;                       /* one for each of people */
	size_t count, room;
	struct hq_intern source;
	uint64_t *apart; /* persons that somebody said are two: the lower number above; sorted */
	size_t apart_count;
};
/* what: progress is told under this name. 0, or -1: it could not be read (logged), or no memory. */
int hq_units_load(struct sqlite3 *db, const char *what, struct hq_units *out);
void hq_units_free(struct hq_units *u);
/* A customer as a list may show him or her: "A... B..., 04109". */
void hq_units_shown(struct sqlite3 *db, uint32_t unit, char *out, size_t size);

struct hq_duplicates_ask {
	const struct score_model *model;
	int mbit_min;
	int64_t since_us;   /* the younger record is as young as that */
	const char *source; /* a word of the source of one of the two; NULL: any */
	size_t list_max;    /* pairs that are listed; all are counted */
	size_t told_max;    /* the likeliest that stores may ask about: hq_likely.h; 0: none */
	const char *what;
};
/* NULL: out of memory. With told_max the member `pairs_told` is what hq_likely_keep takes. */
json_t *hq_duplicates(struct sqlite3 *db, struct hq_units *u, const struct hq_duplicates_ask *ask);
void hq_duplicates_print(const json_t *answer);

#endif
