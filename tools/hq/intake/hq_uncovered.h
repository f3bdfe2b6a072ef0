/* Events of a day that HQ holds and that stand in no statement: they came back from a damaged
 * journal after the cut, or the statement that covers them is still to come. Only reads. */
#ifndef LANEWAY_HQ_UNCOVERED_H
#define LANEWAY_HQ_UNCOVERED_H

#include <jansson.h>
#include <stdint.h>

struct sqlite3;

struct hq_uncovered_day {
	const char *store, *day; /* the business date in the events */
	int64_t store_row;
};

/* A list of {"epoch", "from", "to"}, of at most 1,000; *events counts all. NULL: the database could
 * not be read, or out of memory. */
json_t *hq_uncovered(struct sqlite3 *db, const struct hq_uncovered_day *of, json_int_t *events);

#endif
