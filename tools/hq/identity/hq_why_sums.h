/* Why points, visits, spend, the last visit and the last items are what they are: a line each,
 * which names the newest entries, visits or orders, and of the others how many there are and since
 * when. Without one of those named, or without all the others, the value is another one. */
#ifndef LANEWAY_HQ_WHY_SUMS_H
#define LANEWAY_HQ_WHY_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct sqlite3;

#define HQ_WHY_NAMED_MAX 8 /* entries that a line names */

/* The person's lines are appended; currency: what spend is counted in. false: it could not be read
 * (logged). */
bool hq_why_sums(struct sqlite3 *db, int64_t person, const char *currency, struct buf *out);

#endif
