#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/journal_internal.h"

static int by_first(const void *a, const void *b)
{
	const struct journal_range *x = a, *y = b;
	return (x->first > y->first) - (x->first < y->first);
}

static size_t add_ranges(struct journal_range *all, size_t n, const struct journal_range *ranges,
                         uint32_t count, uint64_t last)
{
	for (uint32_t i = 0; i < count && i < JOURNAL_RANGES_MAX; i++) {
		struct journal_range r = ranges[i];
		if (r.last > last)
			r.last = last;
		if (r.first >= 1 && r.first <= r.last)
			all[n++] = r;
	}
	return n;
}

void journal_mark_merge(struct journal_row *row, const struct journal_confirm *c, uint64_t last)
{
	struct journal_range all[2 * JOURNAL_RANGES_MAX];
	uint64_t through = c->through > last ? last : c->through;
	size_t n = 0;

	if (row->through < through)
		row->through = through;
	n = add_ranges(all, n, row->ranges, row->range_count, last);
	n = add_ranges(all, n, c->ranges, c->range_count, last);
	qsort(all, n, sizeof(*all), by_first);
	row->range_count = 0;
	for (size_t i = 0; i < n; i++) {
		struct journal_range *top =
		    row->range_count ? &row->ranges[row->range_count - 1] : NULL;
		if (all[i].first <= row->through + 1) {
			if (all[i].last > row->through)
				row->through = all[i].last;
		} else if (top && all[i].first <= top->last + 1) {
			if (all[i].last > top->last)
				top->last = all[i].last;
		} else if (row->range_count < JOURNAL_RANGES_MAX) {
			row->ranges[row->range_count++] = all[i];
		}
	}
}

static uint64_t above(uint64_t first, uint64_t last, uint64_t deleted)
{
	if (first <= deleted)
		first = deleted + 1;
	return last >= first ? last - first + 1 : 0;
}

uint64_t journal_mark_held(const struct journal_row *row, uint64_t last)
{
	uint64_t held = above(1, row->through < last ? row->through : last, row->deleted);
	for (uint32_t i = 0; i < row->range_count; i++)
		held += above(row->ranges[i].first, row->ranges[i].last, row->deleted);
	return held;
}

/* They are urgent again when HQ takes its word back, so they are put aside, not forgotten. */
static int drop_urgent(struct journal *j, int64_t ordinal, uint64_t first, uint64_t last)
{
	sqlite3_stmt *const steps[] = {j->done_urgent, j->drop_urgent};
	for (size_t i = 0; i < 2 && first <= last; i++) {
		sqlite3_bind_int64(steps[i], 1, ordinal);
		sqlite3_bind_int64(steps[i], 2, (sqlite3_int64)first);
		sqlite3_bind_int64(steps[i], 3, (sqlite3_int64)last);
		if (journal_commit_run(j, steps[i]))
			return -1;
	}
	return 0;
}

size_t journal_mark_ranges(const struct journal_row *row, uint8_t out[16 * JOURNAL_RANGES_MAX])
{
	struct buf ranges = {.data = out, .cap = 16 * JOURNAL_RANGES_MAX};
	for (uint32_t i = 0; i < row->range_count; i++) {
		buf_be64(&ranges, row->ranges[i].first);
		buf_be64(&ranges, row->ranges[i].last);
	}
	return ranges.len;
}

static int store_row(struct journal *j, const struct journal_row *row, bool heard)
{
	uint8_t text[16 * JOURNAL_RANGES_MAX];
	sqlite3_bind_int64(j->set_marks, 1, row->ordinal);
	sqlite3_bind_int64(j->set_marks, 2, (sqlite3_int64)row->through);
	sqlite3_bind_blob(j->set_marks, 3, text, (int)journal_mark_ranges(row, text),
	                  SQLITE_STATIC);
	sqlite3_bind_int(j->set_marks, 4, heard);
	if (journal_commit_run(j, j->set_marks) || drop_urgent(j, row->ordinal, 1, row->through))
		return -1;
	for (uint32_t i = 0; i < row->range_count; i++) {
		if (drop_urgent(j, row->ordinal, row->ranges[i].first, row->ranges[i].last))
			return -1;
	}
	return 0;
}

static sqlite3_int64 bound(uint64_t seq)
{
	return seq < INT64_MAX ? (sqlite3_int64)seq : INT64_MAX;
}

static int include(struct journal *j, int64_t ordinal, const struct journal_range *seqs)
{
	sqlite3_bind_int64(j->drop_awaited, 1, ordinal);
	sqlite3_bind_int64(j->drop_awaited, 2, bound(seqs->first));
	sqlite3_bind_int64(j->drop_awaited, 3, bound(seqs->last));
	return journal_commit_run(j, j->drop_awaited);
}

/* What is not there is not waited for, whatever HQ says of it. */
static int merge_holes(struct journal *j, struct journal_row *row, uint64_t last)
{
	struct journal_confirm holes = {0};
	int n = journal_seek_holes(&j->seek, row->ordinal, row->deleted, holes.ranges);
	holes.range_count = n > 0 ? (uint32_t)n : 0;
	journal_mark_merge(row, &holes, last);
	return n < 0 ? -1 : 0;
}

/* Seqs above the anchor that are not there. */
static uint64_t missing(struct journal *j, const struct journal_row *row)
{
	struct journal_range holes[JOURNAL_RANGES_MAX];
	uint64_t sum = 0;
	int n = row->salvaged ? journal_seek_holes(&j->seek, row->ordinal, row->deleted, holes) : 0;
	for (int i = 0; i < n; i++)
		sum += holes[i].last - holes[i].first + 1;
	return sum;
}

int journal_mark_apply(struct journal *j, const struct journal_word *word,
                       struct journal_totals *totals)
{
	const struct journal_confirm *c = &word->confirm;
	struct journal_row row;
	uint8_t h[EVENT_HASH_BYTES];
	uint64_t last = j->last_seq;
	int rc = journal_seek_epoch_id(&j->seek, c->epoch, &row);

	if (rc < 0 ||
	    (rc == 1 && row.ordinal != j->ordinal && journal_seek_end(&j->seek, &row, &last, h)))
		journal_commit_unknown(j, "reading an epoch", sqlite3_errcode(j->db));
	if (rc == 0) /* another device's, or one that was drained long ago */
		return word->included.last || c->unheard ? 0 : journal_note_heard(j, c->epoch);
	if (word->included.last)
		return include(j, row.ordinal, &word->included);
	if (row.salvaged && merge_holes(j, &row, last))
		journal_commit_unknown(j, "reading an epoch", sqlite3_errcode(j->db));
	uint64_t before = journal_mark_held(&row, last);
	journal_mark_merge(&row, c, last);
	if (store_row(j, &row, !c->unheard))
		return -1;
	totals->confirmed = totals->confirmed - before + journal_mark_held(&row, last);
	return 0;
}

int journal_mark_totals(struct journal *j, struct journal_totals *out)
{
	struct journal_row row;
	uint8_t h[EVENT_HASH_BYTES];
	uint64_t last;
	int rc;

	memset(out, 0, sizeof(*out));
	for (int64_t from = 0; (rc = journal_seek_epoch(&j->seek, from, &row)) == 1;
	     from = row.ordinal + 1) {
		if (journal_seek_end(&j->seek, &row, &last, h))
			return -1;
		if (row.salvaged && merge_holes(j, &row, last))
			return -1;
		uint64_t absent = missing(j, &row);
		out->kept += last - row.deleted - absent;
		out->confirmed += journal_mark_held(&row, last) - absent;
	}
	return rc;
}
