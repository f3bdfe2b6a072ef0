/* `duplicates` for people. */
#include <stdio.h>
#include <string.h>

#include "hq/hint/hq_duplicates.h"

#define SHOWN_MBIT_MIN 50 /* of a reason: less is 0.0; all of them stand in --json */

static long long whole(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));

	return t ? t : "";
}

static const char *cause_words(const char *name)
{
	for (enum hq_pass p = 0; p < HQ_PASS_COUNT; p++) {
		if (strcmp(hq_pairs_name(p), name) == 0)
			return hq_pairs_reason(p);
	}
	return name;
}

static void print_counts(const char *title, json_t *counts, bool causes)
{
	const char *name;
	json_t *one;

	printf("\n%s\n  %8s %8s\n", title, "pairs", "sure");
	json_object_foreach(counts, name, one)
	{
		printf("  %8lld %8lld  %s\n", whole(one, "pairs"), whole(one, "sure"),
		       causes ? cause_words(name) : name);
	}
}

static void print_record(const json_t *r)
{
	printf("    %-9s %-26s %s%s%s\n", text(r, "customer"), text(r, "shown"), text(r, "source"),
	       *text(r, "since") ? ", " : "", text(r, "since"));
}

static void print_pair(const json_t *p)
{
	const json_t *r;
	size_t i;

	printf("\n  %.1f bits, %lld %%; %s\n", (double)whole(p, "mbit") / 1000, whole(p, "percent"),
	       text(p, "week"));
	print_record(json_object_get(p, "a"));
	print_record(json_object_get(p, "b"));
	json_array_foreach(json_object_get(p, "reasons"), i, r)
	{
		long long mbit = whole(r, "mbit");
		if (mbit <= -SHOWN_MBIT_MIN || mbit >= SHOWN_MBIT_MIN)
			printf("    %+8.1f  %s\n", (double)mbit / 1000, text(r, "words"));
	}
}

void hq_duplicates_print(const json_t *a)
{
	const json_t *list = json_object_get(a, "list"), *weights = json_object_get(a, "weights"),
	             *p;
	size_t i;

	printf("%lld pair%s of customers may be one person (%.1f bits or more)\n%lld records, %lld "
	       "pairs compared\n",
	       whole(a, "pairs"), whole(a, "pairs") == 1 ? "" : "s",
	       (double)whole(a, "from_mbit") / 1000, whole(a, "records"), whole(a, "compared"));
	if (whole(weights, "records") == 0)
		printf("weights as shipped: there are too few customers to learn others from\n");
	else
		printf("weights %s of %s%s\n", text(weights, "version"), text(weights, "made"),
		       json_is_false(json_object_get(weights, "converged")) ? ", NOT converged"
		                                                            : "");
	if (whole(a, "passed_over") > 0)
		printf("%lld times a record stood among too many that agree with it in one thing, "
		       "and was not compared by that\n",
		       whole(a, "passed_over"));
	if (json_object_get(a, "suggested"))
		printf("stores that have both customers of a pair may ask about %lld of them (%lld "
		       "are new or changed, %lld no longer)\n",
		       whole(json_object_get(a, "suggested"), "kept"),
		       whole(json_object_get(a, "suggested"), "changed"),
		       whole(json_object_get(a, "suggested"), "gone"));
	if (whole(a, "pairs") == 0)
		return;
	print_counts("by cause", json_object_get(a, "by_cause"), true);
	print_counts("by source", json_object_get(a, "by_source"), false);
	print_counts("by week in which the younger one came", json_object_get(a, "by_week"), false);
	printf("\nthe likeliest %zu (laneway-hq profile ID shows a customer; link ID ID "
	       "or apart ID ID decides)\n",
	       json_array_size(list));
	json_array_foreach(list, i, p)
	{
		print_pair(p);
	}
}
