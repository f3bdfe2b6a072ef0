/* What stands of a person, in the row of the unit that names it: recomputed whole out of all its
 * units' facts, orders and points, so that no order of arrival matters and an unlink needs no
 * repair. When the person's line on a page comes out different, the feed goes on by one. */
#ifndef LANEWAY_HQ_PERSON_H
#define LANEWAY_HQ_PERSON_H

#include <stdint.h>

#include "base/buf.h"
#include "hq/base/hq_db.h"
#include "store/vault.h"

struct hq_person_work {
	struct hq_db *db;
	const char *currency; /* what spend is counted in */
	int64_t wall_us;
	struct vault_work *vault;
	struct buf line;
};
/* 0, or -1: out of memory. */
int hq_person_begin(struct hq_person_work *w, struct hq_db *db, const char *currency,
                    int64_t wall_us);
void hq_person_end(struct hq_person_work *w);

/* A unit's row: what stands of the person that it names, or that it is part of another. */
void hq_person_settle(struct hq_person_work *w, int64_t unit);

#endif
