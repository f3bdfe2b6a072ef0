/* The steward's list: what no rule may decide, each with its cause and since when. What the fold
 * finds comes and goes with it; what an import or a store said stays until a person settles it. It
 * holds no value in full. */
#ifndef LANEWAY_HQ_REVIEW_H
#define LANEWAY_HQ_REVIEW_H

#include "hq/identity/hq_component.h"

/* Replace what the fold said of these units by what it says now. */
struct hq_review_fold {
	const struct hq_component *c;
	const struct fold *r;
	const char *rules; /* the version that it went by */
	int64_t wall_us;
};
void hq_review_folded(struct hq_db *db, const struct hq_review_fold *f);
void hq_review_too_large(struct hq_db *db, int64_t unit, const char *rules, int64_t wall_us);

/* Something else than the fold found it. key: the same trouble stands once; unit, other: 0 for
 * none. */
struct hq_review {
	const char *cause; /* "import", "claim", "shortfall", ... */
	const char *key, *detail;
	const char *rules; /* the version by which it is so; NULL: it is no decision of theirs */
	int64_t unit, other, ident, wall_us;
};
void hq_review_add(struct hq_db *db, const struct hq_review *entry);
void hq_review_drop(struct hq_db *db, const char *key);

#endif
