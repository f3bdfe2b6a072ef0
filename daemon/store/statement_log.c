#include "store/statement_log.h"

#include <string.h>

#include "store/journal.h"

#define RECORD_BYTES 45
#define COVERED_BYTES 16
#define DATE_BYTES (CLOCK_DATE_SIZE - 1)

static void put_record(struct buf *b, const struct statement_record *r)
{
	buf_add(b, r->first_date, DATE_BYTES);
	buf_add(b, r->business_date, DATE_BYTES);
	buf_add(b, r->epoch, sizeof r->epoch);
	buf_be64(b, r->to);
	buf_be64(b, r->events);
	buf_byte(b, r->more);
}

/* false: not one that this release wrote. */
static bool get_record(const uint8_t *p, struct statement_record *r)
{
	memset(r, 0, sizeof *r);
	memcpy(r->first_date, p, DATE_BYTES);
	memcpy(r->business_date, p + DATE_BYTES, DATE_BYTES);
	memcpy(r->epoch, p + 2 * DATE_BYTES, sizeof r->epoch);
	r->to = buf_get64(p + 28);
	r->events = buf_get64(p + 36);
	r->more = p[44] != 0;
	return statement_date_ok(r->first_date) && statement_date_ok(r->business_date);
}

void statement_log_add(struct statement_log *log, const struct statement_record *r)
{
	if (log->records == STATEMENT_LOG_MAX)
		memmove(log->record, log->record + 1, (size_t)--log->records * sizeof *r);
	log->record[log->records++] = *r;
}

void statement_log_read(struct statement_log *log, struct journal_reader *r)
{
	struct statement_record one;
	struct buf b = {0};

	memset(log, 0, sizeof *log);
	if (journal_reader_mark(r, "covered", &b) == 0 && b.len == COVERED_BYTES)
		log->covered =
		    (struct statement_place){(int64_t)buf_get64(b.data), buf_get64(b.data + 8)};
	if (journal_reader_mark(r, "statement", &b) == 0) {
		for (size_t at = 0; at + RECORD_BYTES <= b.len; at += RECORD_BYTES) {
			if (get_record(b.data + at, &one))
				statement_log_add(log, &one);
		}
	}
	buf_free(&b);
}

int statement_log_mark(const struct statement_log *log, struct entry *e,
                       const struct statement_record *added, const struct statement_place *end)
{
	struct buf b = {0};
	int rc = -1;

	buf_be64(&b, (uint64_t)end->ordinal);
	buf_be64(&b, end->seq);
	if (b.failed || entry_mark(e, "covered", b.data, b.len) < 0)
		goto done;
	buf_reset(&b);
	for (int i = log->records == STATEMENT_LOG_MAX; i < log->records; i++)
		put_record(&b, &log->record[i]);
	put_record(&b, added);
	if (!b.failed)
		rc = entry_mark(e, "statement", b.data, b.len);
done:
	buf_free(&b);
	return rc;
}
