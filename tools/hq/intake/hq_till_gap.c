/* Gaps in receipt numbers. A number is what it ends in: up to 15 digits; what stands in front of
 * them is a series of its own ("R0001" beside "0001"). */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/intake/hq_till.h"

#define SUFFIX_DIGITS_MAX 15
#define NUMBER_SIZE 64
#define LATE_MAX 100 /* a till sends what it kept within so many receipts of their order */
#define GAPS_MAX 100 /* named of one series; the rest is counted in the last one's `count` */

struct number {
	const char *text;
	size_t prefix; /* bytes in front of the digits */
	int width;     /* digits */
	int64_t value;
	size_t segment; /* rises where the numbers begin anew */
};

static bool read_number(const char *text, struct number *out)
{
	size_t n = text ? strlen(text) : 0, digits = 0;

	while (digits < n && digits < SUFFIX_DIGITS_MAX && text[n - digits - 1] >= '0' &&
	       text[n - digits - 1] <= '9')
		digits++;
	*out = (struct number){.text = text, .prefix = n - digits, .width = (int)digits};
	for (size_t i = n - digits; i < n; i++)
		out->value = 10 * out->value + (text[i] - '0');
	return digits > 0 && n < NUMBER_SIZE;
}

static bool same_series(const struct number *a, const struct number *b)
{
	return a->prefix == b->prefix && memcmp(a->text, b->text, a->prefix) == 0;
}

static int by_series(const void *a, const void *b)
{
	const struct number *x = a, *y = b;
	size_t n = x->prefix < y->prefix ? x->prefix : y->prefix;
	int order = memcmp(x->text, y->text, n);

	if (order == 0 && x->prefix != y->prefix)
		order = x->prefix < y->prefix ? -1 : 1;
	if (order == 0 && x->segment != y->segment)
		order = x->segment < y->segment ? -1 : 1;
	if (order == 0)
		order = x->value < y->value ? -1 : x->value > y->value;
	return order;
}

static int by_value(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* What is missing from lo to hi, by the rising numbers of one series. */
static void name_gap(const struct number *like, int64_t lo, int64_t hi, json_t *list)
{
	char from[NUMBER_SIZE + 24], to[NUMBER_SIZE + 24];
	json_int_t count = hi - lo + 1;

	if (lo > hi || json_array_size(list) >= GAPS_MAX)
		return;
	snprintf(from, sizeof from, "%.*s%0*" PRId64, (int)like->prefix, like->text, like->width,
	         lo);
	snprintf(to, sizeof to, "%.*s%0*" PRId64, (int)like->prefix, like->text, like->width, hi);
	json_array_append_new(list,
	                      json_pack("{s:s,s:s,s:I}", "from", from, "to", to, "count", count));
}

static void name_gaps(const struct number *numbers, size_t n, int64_t lo, int64_t hi, json_t *list)
{
	int64_t next = lo;

	for (size_t i = 0; i < n; i++) {
		if (numbers[i].value < next)
			continue;
		if (numbers[i].value > hi)
			break;
		name_gap(&numbers[0], next, numbers[i].value - 1, list);
		next = numbers[i].value + 1;
	}
	name_gap(&numbers[0], next, hi, list);
}

/* A number far below the first of its segment: the till has begun anew. One that comes late is near
 * it. */
static void segment(struct number *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t last = n;
		for (size_t k = i; k-- > 0 && last == n;) {
			if (same_series(&numbers[k], &numbers[i]))
				last = k;
		}
		if (last == n)
			continue;
		numbers[i].segment = numbers[last].segment;
		for (size_t k = 0; k < i; k++) { /* the first of that segment */
			if (numbers[k].segment != numbers[i].segment ||
			    !same_series(&numbers[k], &numbers[i]))
				continue;
			numbers[i].segment += numbers[i].value < numbers[k].value - LATE_MAX;
			break;
		}
	}
}

/* By the till's own first and last number; a first above the last: it began anew in between. */
static bool gaps_of_closes(struct number *numbers, size_t n, const struct hq_till_close *closes,
                           size_t close_count, json_t *list)
{
	bool any = false;

	for (size_t i = 0; i < close_count; i++) {
		struct number first, last;
		if (!read_number(closes[i].first, &first) || !read_number(closes[i].last, &last) ||
		    !same_series(&first, &numbers[0]) || !same_series(&last, &numbers[0]))
			continue;
		if (!any)
			qsort(numbers, n, sizeof *numbers, by_value);
		any = true;
		if (first.value <= last.value) {
			name_gaps(numbers, n, first.value, last.value, list);
			continue;
		}
		name_gaps(numbers, n, first.value,
		          numbers[n - 1].value > first.value ? numbers[n - 1].value : first.value,
		          list);
		name_gaps(numbers, n, numbers[0].value < last.value ? numbers[0].value : last.value,
		          last.value, list);
	}
	return any;
}

/* Of a series that a till names and of which nothing came. */
static void gaps_of_nothing(const struct number *numbers, size_t n,
                            const struct hq_till_close *close, json_t *list)
{
	struct number first, last;

	if (!read_number(close->first, &first) || !read_number(close->last, &last) ||
	    !same_series(&first, &last))
		return;
	for (size_t i = 0; i < n; i++) {
		if (same_series(&numbers[i], &first))
			return;
	}
	name_gap(&first, first.value, last.value, list);
}

void hq_till_gaps(const struct hq_till_number *numbers, size_t n,
                  const struct hq_till_close *closes, size_t close_count, json_t *list,
                  int64_t *not_numeric)
{
	struct number *all = memory_zeroed(n ? n : 1, sizeof *all);
	size_t good = 0, series, part;

	*not_numeric = 0;
	for (size_t i = 0; all && i < n; i++) {
		if (read_number(numbers[i].text, &all[good]))
			good++;
		else
			(*not_numeric)++;
	}
	if (all)
		segment(all, good);
	if (all && good > 0)
		qsort(all, good, sizeof *all, by_series);
	for (size_t at = 0; all && at < good; at = series) {
		for (series = at; series < good && same_series(&all[series], &all[at]);)
			series++;
		if (gaps_of_closes(&all[at], series - at, closes, close_count, list))
			continue;
		for (size_t s = at; s < series; s = part) {
			for (part = s; part < series && all[part].segment == all[s].segment;)
				part++;
			name_gaps(&all[s], part - s, all[s].value, all[part - 1].value, list);
		}
	}
	for (size_t i = 0; all && i < close_count; i++)
		gaps_of_nothing(all, good, &closes[i], list);
	free(all);
}
