/* `evaluate` for people. */
#include "hq/hint/hq_evaluate.h"

#include "identity/score.h"

#define CURVE_STEP_BITS 2.0 /* between lines that are printed; all of it stands in --json */

static double number(const json_t *o, const char *name)
{
	return json_number_value(json_object_get(o, name));
}

static long long whole(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static double percent(double k, double n)
{
	return n > 0 ? 100 * k / n : 100;
}

static void print_rate(const char *what, const json_t *rate)
{
	printf("  %-15s %8.2f per 10,000 persons (%.2f to %.2f, 95 %%, Wilson); %lld persons\n",
	       what, number(rate, "per_10000"), number(rate, "low"), number(rate, "high"),
	       whole(rate, "persons"));
}

static void print_clusters(const json_t *c)
{
	print_rate("false merges", json_object_get(c, "false_merges"));
	print_rate("missed merges", json_object_get(c, "missed_merges"));
	printf("  %-15s precision %.5f, recall %.5f (%lld pairs, %lld right)\n", "pairs",
	       number(c, "precision"), number(c, "recall"), whole(c, "pairs"), whole(c, "right"));
}

static void print_curve(const json_t *curve)
{
	double last = 1e9;
	size_t i;
	const json_t *p;

	printf("\nhints by score (0 bits: even odds; likely from %.1f, sure from %.1f)\n"
	       "  %6s %10s %10s %10s %10s\n",
	       SCORE_LIKELY_MBIT / 1000.0, SCORE_SURE_MBIT / 1000.0, "bits", "right", "wrong",
	       "precision", "recall");
	json_array_foreach(curve, i, p)
	{
		double bits = number(p, "bits");
		if (last - bits < CURVE_STEP_BITS || bits > 40)
			continue;
		last = bits;
		if (bits < -10)
			break;
		printf("  %6.1f %10lld %10lld %10.5f %10.5f\n", bits, whole(p, "right"),
		       whole(p, "wrong"), number(p, "precision"), number(p, "recall"));
	}
}

static void print_joins(const json_t *joins)
{
	size_t i;
	const json_t *j;

	json_array_foreach(joins, i, j)
	{
		printf("  by %-8s %-8s %8lld joins, %lld of them wrong\n",
		       json_string_value(json_object_get(j, "kind")),
		       json_is_true(json_object_get(j, "verified")) ? "verified" : "typed",
		       whole(j, "made"), whole(j, "wrong"));
	}
}

static void print_persons(const json_t *kinds)
{
	size_t i;
	const json_t *k;

	printf(
	    "\nby kind, linking by the rules: persons who have a record of it, and per 10,000 of "
	    "them\n  %-18s %9s %26s %26s\n",
	    "kind", "persons", "false (95 %)", "missed (95 %)");
	json_array_foreach(kinds, i, k)
	{
		const json_t *f = json_object_get(k, "false_merges");
		const json_t *m = json_object_get(k, "missed_merges");
		printf("  %-18s %9lld %8.2f (%.2f to %.2f) %8.0f (%.0f to %.0f)\n",
		       json_string_value(json_object_get(k, "kind")), whole(k, "persons"),
		       number(f, "per_10000"), number(f, "low"), number(f, "high"),
		       number(m, "per_10000"), number(m, "low"), number(m, "high"));
	}
}

static void print_kinds(const json_t *kinds)
{
	size_t i;
	const json_t *k;

	printf("\nby kind: pairs of one person, share with an identifier in common, found by "
	       "rules,\nby likely and by sure hints; pairs of strangers that each has joined\n"
	       "  %-18s %9s %7s %7s %7s %7s %7s %7s %7s\n",
	       "kind", "pairs", "ident%", "rules%", "likely%", "sure%", "rules", "likely", "sure");
	json_array_foreach(kinds, i, k)
	{
		double n = number(k, "pairs");
		printf("  %-18s %9.0f %7.2f %7.2f %7.2f %7.2f %7lld %7lld %7lld\n",
		       json_string_value(json_object_get(k, "kind")), n,
		       percent(number(k, "identifier"), n), percent(number(k, "linked"), n),
		       percent(number(k, "likely"), n), percent(number(k, "sure"), n),
		       whole(k, "false_linked"), whole(k, "false_likely"), whole(k, "false_sure"));
	}
}

void hq_evaluate_print(const json_t *a)
{
	const json_t *w = json_object_get(a, "weights");

	printf("%lld records of %lld persons, %lld pairs of one person; %.2f %% of them have an "
	       "identifier in common\n",
	       whole(a, "records"), whole(a, "persons"), whole(a, "true_pairs"),
	       percent(number(a, "identifier_in_common"), number(a, "true_pairs")));
	if (whole(a, "bad_rows") > 0)
		printf("%lld rows could not be read and are left out, the first on line %lld\n",
		       whole(a, "bad_rows"), whole(a, "first_bad_line"));
	if (whole(a, "refused_identifiers") > 0)
		printf("%lld identifiers are none and are left out\n",
		       whole(a, "refused_identifiers"));
	printf("\nlinking by the rules, nobody asked\n");
	print_clusters(json_object_get(a, "linking"));
	print_joins(json_object_get(a, "joins"));
	printf("\nweights: %s", json_string_value(json_object_get(w, "from")));
	if (whole(w, "rounds") > 0)
		printf(", %s after %lld rounds, from %lld pairs",
		       json_is_true(json_object_get(w, "converged")) ? "converged"
		                                                     : "NOT converged",
		       whole(w, "rounds"), whole(w, "pairs"));
	printf("; %lld candidate pairs, among them %.3f %% of the true ones\n",
	       whole(a, "candidates"), 100 * number(a, "blocking_recall"));
	printf("\nif every hint that is sure were followed\n");
	print_clusters(json_object_get(a, "hints"));
	print_curve(json_object_get(a, "curve"));
	print_persons(json_object_get(a, "kinds"));
	print_kinds(json_object_get(a, "kinds"));
}
