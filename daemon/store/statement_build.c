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

/* What is left of an epoch to go through. */
struct stretch {
	struct journal_epoch epoch;
	uint64_t next, to;
};

/* Take one piece into the range. 1 taken; 0: a hole begins, or nothing is left; -1 error. */
static int pass_piece(struct pass *p, struct stretch *left, struct statement_range *range)
{
	uint64_t max = left->to - left->next + 1;
	struct journal_run run;
	bool begins = range->to == 0;
	int rc = journal_reader_run(p->r, range->epoch, left->next,
	                            max < PIECE_EVENTS ? (uint32_t)max : PIECE_EVENTS, PIECE_BYTES,
	                            &run);

	if (rc < 0)
		return fail(p, "it cannot be read");
	if (rc == 0 || run.first > left->to || (!begins && run.first != left->next)) {
		uint64_t behind = rc == 1 && run.first <= left->to ? run.first : left->to + 1;
		journal_run_free(&run);
		/* Only what came back from a damaged file may lack something in the middle. */
		if (left->epoch.hole_count == 0 && left->next > left->epoch.deleted_through)
			return fail(p, "an epoch ends before its end");
		left->next = behind;
		return 0;
	}
	if (begins) {
		range->from = run.first;
		memcpy(range->h_prev, run.h_prev, EVENT_HASH_BYTES);
	}
	range->to = run.first + run.count - 1;
	memcpy(range->h, run.h_last, EVENT_HASH_BYTES);
	left->next = range->to + 1;
	bool good = range->to <= left->to && p->piece(p, &run);
	journal_run_free(&run);
	if (!good)
		return fail(p, "a line is none, or events went away");
	if (p->job->go_on && !p->job->go_on(p->job->ctx))
		return fail(p, "stopped");
	return 1;
}

/* An unbroken range of what is left, as long as it is; to is 0 when nothing is held of it. 0 or -1.
 */
static int pass_range(struct pass *p, struct stretch *left, struct statement_range *range)
{
	int rc = 1;

	memset(range, 0, sizeof *range);
	memcpy(range->epoch, left->epoch.epoch, sizeof range->epoch);
	while (rc == 1 && left->next <= left->to && !p->done)
		rc = pass_piece(p, left, range);
	return rc < 0 ? -1 : 0;
}

/* The next epoch that the job has a part of. 1 there is one, 0 no more, -1 error. */
static int next_epoch(struct pass *p, int64_t *ordinal, struct stretch *left)
{
	const struct statement_job *job = p->job;
	struct journal_epoch *e = &left->epoch;

	for (; *ordinal <= job->until.ordinal; *ordinal = e->ordinal + 1) {
		int rc = journal_reader_epoch(p->r, *ordinal, e);
		if (rc < 0)
			return fail(p, "its epochs cannot be read");
		if (rc == 0 || e->ordinal > job->until.ordinal)
			return 0;
		left->next = e->ordinal == job->covered.ordinal ? job->covered.seq + 1 : 1;
		if (left->next <= e->deleted_through)
			left->next = e->deleted_through + 1;
		left->to = e->ordinal == job->until.ordinal ? job->until.seq : e->last_seq;
		if (left->next <= left->to) {
			*ordinal = e->ordinal;
			return 1;
		}
	}
	return 0;
}

static bool count_piece(struct pass *p, const struct journal_run *run)
{
	return count_lines(p->out, &run->lines);
}

/* The ranges of one epoch. 0; 1: there are too many for this statement; -1 error. */
static int build_epoch(struct pass *p, struct stretch *left, struct statement_place *end)
{
	struct statement *out = p->out;

	while (left->next <= left->to) {
		struct statement_range *range = &out->range[out->ranges];
		if (out->ranges == STATEMENT_RANGES_MAX)
			return 1;
		if (pass_range(p, left, range) != 0)
			return -1;
		if (range->to == 0)
			continue;
		out->ranges++;
		*end = (struct statement_place){left->epoch.ordinal, range->to};
	}
	return 0;
}

int statement_build(struct journal_reader *r, const struct statement_job *job,
                    struct statement *out, struct statement_place *end, char *err, size_t err_size)
{
	struct pass p = {r, job, count_piece, out, NULL, false, err, err_size};
	int64_t ordinal = job->covered.ordinal;
	struct stretch left;
	int rc;

	*end = job->covered;
	out->ranges = 0;
	out->more = false;
	memset(&out->counts, 0, sizeof out->counts);
	memset(&out->training, 0, sizeof out->training);
	while ((rc = next_epoch(&p, &ordinal, &left)) == 1) {
		rc = build_epoch(&p, &left, end);
		if (rc < 0)
			return -1;
		out->more = rc == 1;
		if (out->more)
			return 0;
		ordinal++;
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
	struct stretch left;
	int rc;

	for (; !p.done && (rc = next_epoch(&p, &ordinal, &left)) == 1; ordinal++) {
		while (!p.done && left.next <= left.to) {
			if (pass_range(&p, &left, &range) != 0)
				return -1;
		}
	}
	if (!p.done)
		out[0] = '\0';
	return p.done ? 1 : rc;
}
