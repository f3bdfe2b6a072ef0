/* What the files of hq_till share: hq_till.c reads and collects, hq_till_sum.c adds up one till's
 * day, hq_till_gap.c names gaps. */
#ifndef LANEWAY_HQ_TILL_INTERNAL_H
#define LANEWAY_HQ_TILL_INTERNAL_H

#include <jansson.h>
#include <sqlite3.h>

#include "hq/intake/hq_till.h"

/* One event of these days; texts are its own. */
struct hq_till_row {
	enum hq_till_kind kind;
	char till[33], day[CLOCK_DATE_SIZE], currency[4];
	char *number;
	int64_t amount, epoch_row, rank;
	uint64_t seq;
	bool training, late;
	json_t *properties;
};

struct hq_tills {
	sqlite3 *db;
	char store[EVENT_STORE_SIZE], first[CLOCK_DATE_SIZE], last[CLOCK_DATE_SIZE];
	int64_t store_row;
	struct hq_till_row *row;
	size_t rows, cap;
	bool failed;
	bool late; /* what is added now stands in no range of the statement */
	sqlite3_stmt *rank, *order;
};

/* The rows of one till on one day, ordered by kind and number, as an object; NULL: out of memory.
 */
json_t *hq_till_sum(const struct hq_till_row *rows, size_t n);

#endif
