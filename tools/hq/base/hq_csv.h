/* CSV as RFC 4180 has it, one row at a time out of memory: quotes, doubled quotes, line breaks
 * inside quotes, LF or CRLF, a byte order mark in front. Pure. A row that is wrong is told and
 * passed; the next one is read as if it had not been there. */
#ifndef LANEWAY_HQ_CSV_H
#define LANEWAY_HQ_CSV_H

#include <stddef.h>

#define HQ_CSV_CELLS_MAX 32
#define HQ_CSV_ROW_MAX (16 * 1024) /* bytes of one row */

struct hq_csv {
	const char *at, *end;
	unsigned line; /* of the next row; starts at 1 */
};

struct hq_csv_row {
	unsigned line;     /* on which the row begins */
	const char *begin; /* the row as it stands in the text, line end included */
	size_t len;
	int count;
	const char *cell[HQ_CSV_CELLS_MAX]; /* with NUL, into text */
	const char *fault;                  /* when hq_csv_next returned -1; static text */
	char text[HQ_CSV_ROW_MAX];
};

void hq_csv_open(struct hq_csv *csv, const char *text, size_t len);

/* 1: a row; 0: the end; -1: a row that cannot be read (row->fault says why). Empty lines are
 * passed. */
int hq_csv_next(struct hq_csv *csv, struct hq_csv_row *row);

#endif
