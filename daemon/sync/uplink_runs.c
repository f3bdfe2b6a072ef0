#include "sync/uplink_runs.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_FIRST 16

void uplink_runs_free(struct uplink_runs *r)
{
	free(r->run);
	memset(r, 0, sizeof(*r));
}

/* The first run that ends at or above seq. */
static size_t find(const struct uplink_runs *r, uint64_t seq)
{
	size_t lo = 0, hi = r->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->run[mid].last < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool make_room(struct uplink_runs *r)
{
	if (r->count < r->cap)
		return true;
	size_t cap = r->cap ? r->cap * 2 : RUNS_FIRST;
	struct journal_range *more = realloc(r->run, cap * sizeof(*more));
	if (!more)
		return false;
	r->run = more;
	r->cap = cap;
	return true;
}

static void move(struct uplink_runs *r, size_t from, size_t to)
{
	if (from != to && from < r->count)
		memmove(&r->run[to], &r->run[from], (r->count - from) * sizeof(*r->run));
	r->count = r->count + to - from;
}

uint64_t uplink_runs_add(struct uplink_runs *r, uint64_t first, uint64_t last)
{
	if (first < 1 || last < first || !make_room(r))
		return 0;
	/* Runs from i to k-1 touch the new one and become part of it. */
	size_t i = find(r, first > 1 ? first - 1 : 1), k = i;
	uint64_t had = 0, lo = first, hi = last;
	for (; k < r->count && r->run[k].first <= (last < UINT64_MAX ? last + 1 : last); k++) {
		uint64_t a = r->run[k].first > first ? r->run[k].first : first;
		uint64_t b = r->run[k].last < last ? r->run[k].last : last;
		had += b >= a ? b - a + 1 : 0;
		lo = r->run[k].first < lo ? r->run[k].first : lo;
		hi = r->run[k].last > hi ? r->run[k].last : hi;
	}
	move(r, k, i + 1);
	r->run[i] = (struct journal_range){lo, hi};
	return last - first + 1 - had;
}

uint64_t uplink_runs_cut(struct uplink_runs *r, uint64_t first, uint64_t last)
{
	uint64_t cut = 0;
	if (last < first || !make_room(r))
		return 0;
	for (size_t i = find(r, first); i < r->count && r->run[i].first <= last;) {
		struct journal_range was = r->run[i];
		uint64_t a = was.first > first ? was.first : first;
		uint64_t b = was.last < last ? was.last : last;
		cut += b - a + 1;
		if (was.first < a && was.last > b) {
			move(r, i, i + 1);
			r->run[i].last = a - 1;
			r->run[i + 1].first = b + 1;
			return cut;
		}
		if (was.first < a)
			r->run[i++].last = a - 1;
		else if (was.last > b)
			r->run[i++].first = b + 1;
		else
			move(r, i + 1, i);
	}
	return cut;
}

uint64_t uplink_runs_end(const struct uplink_runs *r, uint64_t seq)
{
	size_t i = find(r, seq);
	return i < r->count && r->run[i].first <= seq ? r->run[i].last : 0;
}

uint64_t uplink_runs_next(const struct uplink_runs *r, uint64_t seq)
{
	size_t i = find(r, seq);
	if (i < r->count && r->run[i].first <= seq)
		i++;
	return i < r->count ? r->run[i].first : UINT64_MAX;
}

uint64_t uplink_runs_total(const struct uplink_runs *r)
{
	uint64_t n = 0;
	for (size_t i = 0; i < r->count; i++)
		n += r->run[i].last - r->run[i].first + 1;
	return n;
}
