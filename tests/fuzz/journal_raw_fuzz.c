/* A journal file and its log as a failing card gives them: one byte says how many of the pages are
 * the log's. */
#include <stdlib.h>

#include "store/journal_raw.h"

#define PLACES_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t places[PLACES_MAX], sum;
	size_t count;
};

static bool on_row(void *ctx, const struct journal_raw_row *row)
{
	struct seen *s = ctx;
	for (int i = 0; i < JOURNAL_RAW_COLUMNS; i++)
		for (size_t k = 0; k < row->v[i].n; k++)
			s->sum += row->v[i].p[k];
	if (s->count < PLACES_MAX)
		s->places[s->count++] = row->place;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {.count = 0};
	struct journal_raw_row row;
	if (size < 1)
		return 0;
	size_t log = (size_t)data[0] * 4120, file = size - 1;
	if (log > file)
		log = file;
	struct journal_raw *r = journal_raw_over(data + 1, file - log, data + 1 + file - log, log);
	if (!r)
		abort();
	journal_raw_scan(r, (1u << JOURNAL_RAW_KINDS) - 1, on_row, &seen);
	for (size_t i = 0; i < seen.count; i++)
		if (journal_raw_at(r, seen.places[i], &row) || row.place != seen.places[i])
			abort();
	journal_raw_at(r, seen.sum, &row);
	journal_raw_free(r);
	return 0;
}
