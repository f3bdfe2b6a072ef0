#include "hq/intake/hq_time.h"

#include <stdlib.h>

#define DRIFT_PARTS 10000 /* 100 ppm */

/* Rounded away from what is claimed. */
static int64_t drift_us(int64_t distance_us)
{
	return distance_us / DRIFT_PARTS + 1;
}

static int64_t sum(int64_t bound_us, int64_t by_us)
{
	return bound_us == INT64_MIN || bound_us == INT64_MAX ? bound_us : bound_us + by_us;
}

/* The moment `by_us` of monotonic time later (earlier when negative). */
static struct hq_time_span moved(struct hq_time_span s, int64_t by_us)
{
	int64_t drift = drift_us(llabs(by_us));
	return (struct hq_time_span){sum(s.lo_us, by_us - drift), sum(s.hi_us, by_us + drift)};
}

static struct hq_time_span meet(struct hq_time_span a, struct hq_time_span b)
{
	return (struct hq_time_span){a.lo_us > b.lo_us ? a.lo_us : b.lo_us,
	                             a.hi_us < b.hi_us ? a.hi_us : b.hi_us};
}

static struct hq_time_span join(struct hq_time_span a, struct hq_time_span b)
{
	return (struct hq_time_span){a.lo_us < b.lo_us ? a.lo_us : b.lo_us,
	                             a.hi_us > b.hi_us ? a.hi_us : b.hi_us};
}

static struct hq_time_span own(const struct hq_time_point *p)
{
	return (struct hq_time_span){p->wall_us - p->error_us, p->wall_us + p->error_us};
}

static int by_time(const void *a, const void *b)
{
	const struct hq_time_point *x = a, *y = b;
	if (x->mono_us != y->mono_us)
		return x->mono_us < y->mono_us ? -1 : 1;
	if (x->wall_us != y->wall_us)
		return x->wall_us < y->wall_us ? -1 : 1;
	if (x->error_us != y->error_us)
		return x->error_us < y->error_us ? -1 : 1;
	return x->is_signed - y->is_signed;
}

static bool is_empty(struct hq_time_span s)
{
	return s.lo_us > s.hi_us;
}

/* Once through all points that count, each tightened by the one before it. false: two of them
 * cannot both be true. */
static bool sweep(struct hq_time_point *p, size_t n, bool back)
{
	const struct hq_time_point *last = NULL;
	for (size_t k = 0; k < n; k++) {
		struct hq_time_point *at = &p[back ? n - 1 - k : k];
		if (at->dropped)
			continue;
		if (last)
			at->span = meet(at->span, moved(last->span, at->mono_us - last->mono_us));
		if (is_empty(at->span))
			return false;
		last = at;
	}
	return true;
}

/* There and back. Points that contradict each other tighten nothing. */
static void tighten(struct hq_time_point *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i].span = own(&p[i]);
	bool torn = !sweep(p, n, false) || !sweep(p, n, true);
	for (size_t i = 0; i < n; i++) {
		p[i].torn = torn;
		if (torn)
			p[i].span = own(&p[i]);
	}
}

static bool apart(struct hq_time_span a, struct hq_time_span b)
{
	return a.lo_us - HQ_TIME_AGREE_US > b.hi_us || b.lo_us - HQ_TIME_AGREE_US > a.hi_us;
}

void hq_time_settle(struct hq_time_point *p, size_t n)
{
	bool any_signed = false;
	struct hq_time_span word;
	if (n == 0)
		return;
	qsort(p, n, sizeof(*p), by_time);
	for (size_t i = 0; i < n; i++) {
		any_signed = any_signed || p[i].is_signed;
		p[i].dropped = !p[i].is_signed;
	}
	if (any_signed)
		tighten(p, n);
	/* Judged by HQ's points alone: those that follow are still marked as dropped here. */
	for (size_t i = 0; i < n; i++) {
		if (!p[i].is_signed)
			p[i].span = hq_time_at(p, n, p[i].mono_us, &word) ? word : own(&p[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (!p[i].is_signed)
			p[i].dropped = any_signed && apart(own(&p[i]), p[i].span);
	}
	tighten(p, n);
}

bool hq_time_at(const struct hq_time_point *p, size_t n, int64_t mono_us, struct hq_time_span *out)
{
	size_t from = 0, to = n;
	const struct hq_time_point *before = NULL, *after = NULL;
	while (from < to) { /* the first point after mono_us */
		size_t middle = from + (to - from) / 2;
		if (p[middle].mono_us <= mono_us)
			from = middle + 1;
		else
			to = middle;
	}
	for (size_t i = from; i-- > 0 && !before;)
		before = p[i].dropped ? NULL : &p[i];
	for (size_t i = from; i < n && !after; i++)
		after = p[i].dropped ? NULL : &p[i];
	if (before)
		*out = moved(before->span, mono_us - before->mono_us);
	if (after) {
		struct hq_time_span s = moved(after->span, mono_us - after->mono_us);
		if (before)
			s = after->torn ? join(*out, s) : meet(*out, s);
		*out = s;
	}
	return before || after;
}

struct hq_time_span hq_time_from_start(struct hq_time_span start, int64_t mono_us)
{
	return moved(start, mono_us);
}

struct hq_time_span hq_time_to_start(struct hq_time_span at, int64_t mono_us)
{
	return moved(at, -mono_us);
}
