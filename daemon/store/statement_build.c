/* Counting a day out of the journal: a piece at a time, each in a snapshot of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/journal.h"
#include "store/statement.h"

#define PIECE_EVENTS 4096
#define PIECE_BYTES (1024 * 1024)

/* The event's name in a canonical line. In front of it stand anonymousId and context, in whose
 * texts a bare quote cannot occur. */
static const char *event_of(const char *line, size_t len, size_t *event_len)
{
	static const char key[] = ",\"event\":\"", bare[] = "{\"event\":\"";
	const char *at = memmem(line, len, key, sizeof key - 1), *end;

	if (!at && len > sizeof bare && memcmp(line, bare, sizeof bare - 1) == 0)
		at = line;
	if (!at)
		return NULL;
	at += sizeof key - 1;
	end = memchr(at, '"', len - (size_t)(at - line));
	if (!end)
		return NULL;
	*event_len = (size_t)(end - at);
	return at;
}

static bool is_training(const char *line, const char *event)
{
	static const char key[] = "\"training\":true";

	return memmem(line, (size_t)(event - line), key, sizeof key - 1) != NULL;
}

static bool count_line(struct statement *s, const char *line, size_t len)
{
	size_t event_len;
	const char *event = event_of(line, len, &event_len);

	return event && statement_count(is_training(line, event) ? &s->training : &s->counts, event,
	                                event_len);
}

static bool count_lines(struct statement *s, const struct buf *lines)
{
	const char *at = (const char *)lines->data, *end = at + lines->len, *nl;

	for (; at < end; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (!nl || !count_line(s, at, (size_t)(nl - at)))
			return false;
	}
	return true;
}

/* What one pass over the journal does with each piece; false ends it with an error. */
struct pass {
	struct journal_reader *r;
	const struct statement_job *job;
	bool (*piece)(struct pass *p, const struct journal_run *run);
	struct statement *out;
	char *date;
	bool done; /* nothing more is needed */
	char *err;
	size_t err_size;
};

static int fail(const struct pass *p, const char *what)
{
	snprintf(p->err, p->err_size, "the journal cannot be counted: %s", what);
	return -1;
}

/* from to `to` of one epoch, whole. *from becomes what is really held when the start is gone. */
static int pass_range(struct pass *p, struct statement_range *range)
{
	uint64_t next = range->from;

	while (next <= range->to && !p->done) {
		struct journal_run run;
		uint64_t left = range->to - next + 1;
		uint32_t max = left < PIECE_EVENTS ? (uint32_t)left : PIECE_EVENTS;
		int rc = journal_reader_run(p->r, range->epoch, next, max, PIECE_BYTES, &run);

		if (rc != 1)
			return fail(p, "an epoch ends before its end");
		if (next == range->from) {
			range->from = run.first;
			memcpy(range->h_prev, run.h_prev, EVENT_HASH_BYTES);
		} else if (run.first != next) {
			rc = -1;
		}
		if (run.first + run.count - 1 > range->to) /* deleted meanwhile */
			rc = -1;
		memcpy(range->h, run.h_last, EVENT_HASH_BYTES);
		next = run.first + run.count;
		bool good = rc == 1 && p->piece(p, &run);
		journal_run_free(&run);
		if (!good)
			return fail(p, "a line is none, or events are missing");
		if (p->job->go_on && !p->job->go_on(p->job->ctx))
			return fail(p, "stopped");
	}
	return 0;
}

/* The next epoch's part of the job. 1 there is one, 0 no more, -1 error. */
static int next_range(struct pass *p, int64_t *ordinal, struct statement_range *range)
{
	const struct statement_job *job = p->job;
	struct journal_epoch e;

	for (; *ordinal <= job->until.ordinal; *ordinal = e.ordinal + 1) {
		int rc = journal_reader_epoch(p->r, *ordinal, &e);
		if (rc < 0)
			return fail(p, "its epochs cannot be read");
		if (rc == 0 || e.ordinal > job->until.ordinal)
			return 0;
		memset(range, 0, sizeof *range);
		memcpy(range->epoch, e.epoch, sizeof range->epoch);
		range->from = e.ordinal == job->covered.ordinal ? job->covered.seq + 1 : 1;
		if (range->from <= e.deleted_through)
			range->from = e.deleted_through + 1;
		range->to = e.ordinal == job->until.ordinal ? job->until.seq : e.last_seq;
		if (range->from <= range->to) {
			*ordinal = e.ordinal;
			return 1;
		}
	}
	return 0;
}

static bool count_piece(struct pass *p, const struct journal_run *run)
{
	return count_lines(p->out, &run->lines);
}

int statement_build(struct journal_reader *r, const struct statement_job *job,
                    struct statement *out, struct statement_place *end, char *err, size_t err_size)
{
	struct pass p = {r, job, count_piece, out, NULL, false, err, err_size};
	int64_t ordinal = job->covered.ordinal;
	struct statement_range range;
	int rc;

	*end = job->covered;
	out->ranges = 0;
	out->more = false;
	memset(&out->counts, 0, sizeof out->counts);
	memset(&out->training, 0, sizeof out->training);
	while ((rc = next_range(&p, &ordinal, &range)) == 1) {
		out->more = out->ranges == STATEMENT_RANGES_MAX;
		if (out->more)
			return 0;
		if (pass_range(&p, &range) != 0)
			return -1;
		out->range[out->ranges++] = range;
		*end = (struct statement_place){ordinal++, range.to};
	}
	return rc;
}

/* ---- the first trusted date ---- */

static const char *date_of(const char *line, size_t len)
{
	static const char date[] = "\"business_date\":\"", none[] = "\"clock\":\"none\"";
	size_t event_len;
	const char *event = event_of(line, len, &event_len), *at;

	if (!event || memmem(line, (size_t)(event - line), none, sizeof none - 1))
		return NULL;
	at = memmem(line, (size_t)(event - line), date, sizeof date - 1);
	return at && event - at > (ptrdiff_t)(sizeof date + CLOCK_DATE_SIZE) ? at + sizeof date - 1
	                                                                     : NULL;
}

static bool date_piece(struct pass *p, const struct journal_run *run)
{
	const char *at = (const char *)run->lines.data, *end = at + run->lines.len, *nl, *date;

	for (; at < end && !p->done; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (!nl)
			return false;
		date = date_of(at, (size_t)(nl - at));
		if (!date)
			continue;
		memcpy(p->date, date, CLOCK_DATE_SIZE - 1);
		p->date[CLOCK_DATE_SIZE - 1] = '\0';
		p->done = statement_date_ok(p->date);
	}
	return true;
}

int statement_first_date(struct journal_reader *r, const struct statement_job *job,
                         char out[CLOCK_DATE_SIZE], char *err, size_t err_size)
{
	struct pass p = {r, job, date_piece, NULL, out, false, err, err_size};
	int64_t ordinal = job->covered.ordinal;
	struct statement_range range;
	int rc;

	for (; !p.done && (rc = next_range(&p, &ordinal, &range)) == 1; ordinal++) {
		if (pass_range(&p, &range) != 0)
			return -1;
	}
	if (!p.done)
		out[0] = '\0';
	return p.done ? 1 : rc;
}
