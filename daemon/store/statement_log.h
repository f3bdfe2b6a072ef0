/* What this device has closed, as two marks of its journal remember it (WIRE.md section 4). */
#ifndef LANEWAY_STORE_STATEMENT_LOG_H
#define LANEWAY_STORE_STATEMENT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "store/statement.h"

#define STATEMENT_LOG_MAX 400 /* statements: a year of days, and some that were cut in two */

struct entry;
struct journal_reader;

/* A statement is named by the last event that it covers. */
struct statement_record {
	char first_date[CLOCK_DATE_SIZE], business_date[CLOCK_DATE_SIZE];
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t to, events;
	bool more;
};

struct statement_log {
	struct statement_place covered; /* the last event that any statement covers */
	struct statement_record record[STATEMENT_LOG_MAX]; /* oldest first */
	int records;
};

/* As the marks say; empty when there are none. */
void statement_log_read(struct statement_log *log, struct journal_reader *r);
/* The oldest makes room. */
void statement_log_add(struct statement_log *log, const struct statement_record *r);
/* Let the entry's commit remember the log with one more record. 0, or -1: out of memory. */
int statement_log_mark(const struct statement_log *log, struct entry *e,
                       const struct statement_record *added, const struct statement_place *end);

#endif
