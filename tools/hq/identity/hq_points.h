/* A person's points out of the ledger.
 *
 * An imported balance stands for all that happened before its date (points_as_of; without one,
 * before everything): entries of its unit up to then are in it already. The rest is added in order
 * of time over all units of the person. Points spent stay spent: where more was spent than was
 * there, as after an unlink, the balance is 0 and goes on from there; what was missing is a
 * shortfall, which a person has to look at, and never a debit on what comes later.
 */
#ifndef LANEWAY_HQ_POINTS_H
#define LANEWAY_HQ_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"

struct hq_points {
	bool known; /* there is a balance or an entry */
	int64_t balance, shortfall;
	char as_of[CLOCK_ISO8601_SIZE];       /* of what is newest in it; empty: not known */
	char short_since[CLOCK_ISO8601_SIZE]; /* when more than `settled` was missing first */
};
/* settled: points of the shortfall that nobody has to look at any more. */
void hq_points_read(struct hq_db *db, int64_t person, int64_t settled, struct hq_points *out);

#endif
