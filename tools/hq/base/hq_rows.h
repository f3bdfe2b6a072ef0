/* Rows of hq.db as JSON, read through any connection. */
#ifndef LANEWAY_HQ_ROWS_H
#define LANEWAY_HQ_ROWS_H

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;
struct json_t;

/* What could not be read is neither nothing nor none. */
struct hq_rows {
	struct sqlite3 *db;
	bool failed;
};

/* The query's rows as objects by their columns' names; *_us become times without that ending. arg:
 * of ?1, where there is one. */
struct json_t *hq_rows_list(struct hq_rows *r, const char *sql, int64_t arg);

#endif
