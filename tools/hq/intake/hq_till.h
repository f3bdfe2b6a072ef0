/* What a store's tills say they sold against what was received: counts, sums, gaps in receipt
 * numbers. Receipts are read from the lines themselves; the table till_fact only says where to
 * look. Prove and the countersigner both use this file.
 */
#ifndef LANEWAY_HQ_TILL_H
#define LANEWAY_HQ_TILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_line.h"

struct sqlite3;
struct json_t;

enum hq_till_kind { HQ_TILL_ORDER, HQ_TILL_REFUND, HQ_TILL_VOID, HQ_TILL_CLOSED };
const char *hq_till_kind_name(enum hq_till_kind kind); /* as in hq.db */

/* What one event says of a till's day. Texts point into the line. */
struct hq_till_fact {
	enum hq_till_kind kind;
	char till[33];
	char day[CLOCK_DATE_SIZE]; /* of the receipt: as it stands in its number */
	const char *number; /* of an order or refund; a void: the order; a close: its message id */
	const char *currency;
	int64_t amount; /* minor units; of a void and a close: 0 */
	bool training;
};
/* false: the event says nothing of that. Pure. */
bool hq_till_read(const struct hq_line *line, const char *store, struct hq_till_fact *out);

struct hq_tills;

/* For the business dates first to last (inclusive) of a store. NULL: out of memory. */
struct hq_tills *hq_tills_new(struct sqlite3 *db, const char *store, int64_t store_row,
                              const char *first, const char *last);
void hq_tills_free(struct hq_tills *t);

/* A line that a statement covers; what is none of these days is skipped. */
void hq_tills_line(struct hq_tills *t, int64_t epoch_row, uint64_t seq, const struct hq_line *line);
/* Add what belongs to these days and stands elsewhere, and compare. A list with one object per day
 * and till (WIRE.md section 16), or NULL: out of memory, or a database error (logged). */
struct json_t *hq_tills_compare(struct hq_tills *t);

/* Gaps in receipt numbers. Pure; the numbers in the order of their events. */
struct hq_till_number {
	const char *text;
};
struct hq_till_close {
	const char *first, *last; /* receipt numbers, or NULL */
};
/* Append {"from","to","count"} objects to list; *not_numeric counts numbers without digits at
 * their end, which cannot have gaps. */
void hq_till_gaps(const struct hq_till_number *numbers, size_t n,
                  const struct hq_till_close *closes, size_t close_count, struct json_t *list,
                  int64_t *not_numeric);

#endif
