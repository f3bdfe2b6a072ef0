/* hq_prove.h's objects as a table for a person. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hq/prove/hq_prove.h"

#define LIST_MAX 10 /* spans that are printed; --json has them all */

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "-";
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static int64_t seqs(const json_t *spans)
{
	int64_t n = 0;

	for (size_t i = 0; i < json_array_size(spans); i++)
		n += number(json_array_get(spans, i), "to") -
		     number(json_array_get(spans, i), "from") + 1;
	return n;
}

static void print_spans(const char *what, const json_t *spans)
{
	size_t n = json_array_size(spans);

	if (n == 0)
		return;
	printf("    %-12s %" PRId64 "\n", what, seqs(spans));
	for (size_t i = 0; i < n && i < LIST_MAX; i++) {
		const json_t *s = json_array_get(spans, i);
		printf("      epoch %s seq %" PRId64 "-%" PRId64 "  %s\n", text(s, "epoch"),
		       number(s, "from"), number(s, "to"),
		       json_object_get(s, "why") ? text(s, "why") : "");
	}
	if (n > LIST_MAX)
		printf("      and %zu more (--json)\n", n - LIST_MAX);
}

static void print_versions(const json_t *versions)
{
	for (size_t i = 0; i < json_array_size(versions); i++) {
		const json_t *v = json_array_get(versions, i);
		printf("    version %" PRId64 "    %s  %s%s\n", number(v, "version"),
		       text(v, "made"), text(v, "reason"),
		       json_is_true(json_object_get(v, "good")) ? "" : "  SIGNATURE WRONG");
	}
}

static void print_statement(const json_t *s)
{
	const json_t *f = json_object_get(s, "findings");

	printf("  device %s, %s", text(s, "device"), text(s, "first_date"));
	if (strcmp(text(s, "first_date"), text(s, "business_date")) != 0)
		printf(" to %s", text(s, "business_date"));
	printf(": %s\n", json_is_true(json_object_get(s, "signed")) ? "signed by the device"
	                                                            : "NOT SIGNED BY THE DEVICE");
	printf("    stated       %" PRId64 "\n", number(s, "stated"));
	if (!f)
		return;
	printf("    received     %" PRId64 "\n", number(f, "received"));
	print_spans("missing", json_object_get(f, "missing"));
	print_spans("lost at HQ", json_object_get(f, "lost"));
	print_spans("quarantined", json_object_get(f, "quarantined"));
	print_spans("forked", json_object_get(f, "forked"));
	print_spans("in no statement before it", json_object_get(s, "unstated"));
	if (number(f, "erased") > 0)
		printf("    erased       %" PRId64 " people's keys destroyed\n",
		       number(f, "erased"));
	print_versions(json_object_get(s, "versions"));
}

static void print_side(const json_t *t, const char *key)
{
	const json_t *side = json_object_get(t, key);
	bool counted = !json_is_null(json_object_get(side, "counted"));

	printf("    %-8s", key);
	if (counted)
		printf(" till %5" PRId64 " %12s  ", number(side, "counted"),
		       text(side, "counted_sum"));
	else
		printf(" till     - %12s  ", "-");
	printf("received %5" PRId64 " %12s\n", number(side, "received"),
	       text(side, "received_sum"));
}

static void print_till(const json_t *t)
{
	const json_t *gaps = json_object_get(t, "gaps"), *agrees = json_object_get(t, "agrees");

	printf("  till %s  %s  %s", text(t, "till"), text(t, "business_date"),
	       json_is_null(agrees)   ? "did not close"
	       : json_is_true(agrees) ? "agrees"
	                              : "DIFFERS");
	if (number(t, "late") > 0)
		printf("; %" PRId64 " came after the day's statement", number(t, "late"));
	if (number(t, "doubled") > 0)
		printf("; %" PRId64 " numbers came twice and count once", number(t, "doubled"));
	printf("\n");
	print_side(t, "orders");
	print_side(t, "refunds");
	print_side(t, "voids");
	for (size_t i = 0; i < json_array_size(gaps) && i < LIST_MAX; i++) {
		const json_t *g = json_array_get(gaps, i);
		printf("    gap      %s to %s: %" PRId64 " numbers\n", text(g, "from"),
		       text(g, "to"), number(g, "count"));
	}
	if (number(t, "not_numeric") > 0)
		printf("    %" PRId64
		       " receipt numbers do not end in digits: gaps cannot be seen\n",
		       number(t, "not_numeric"));
}

static void print_capture(const json_t *capture)
{
	int64_t counted = number(capture, "counted"), received = number(capture, "received");

	if (counted > 0)
		printf("captured     %" PRId64 " of %" PRId64
		       " sales that the tills counted (%" PRId64 ".%02" PRId64 " %%)\n",
		       received, counted, received * 100 / counted,
		       received * 10000 / counted % 100);
	else
		printf("captured     unknown: no till has closed\n");
	if (number(capture, "tills_not_closed") > 0)
		printf("             %" PRId64 " tills did not say what they counted\n",
		       number(capture, "tills_not_closed"));
}

void hq_prove_print(const json_t *proof)
{
	const json_t *statements = json_object_get(proof, "statements"),
	             *tills = json_object_get(proof, "tills"),
	             *reasons = json_object_get(proof, "reasons");

	printf("store %s, %s\n", text(proof, "store"), text(proof, "day"));
	for (size_t i = 0; i < json_array_size(statements); i++)
		print_statement(json_array_get(statements, i));
	for (size_t i = 0; i < json_array_size(tills); i++)
		print_till(json_array_get(tills, i));
	printf("received     %" PRId64 " of %" PRId64 " events that the store stated\n",
	       number(proof, "received"), number(proof, "stated"));
	if (number(proof, "uncovered_events") > 0 && json_array_size(statements) > 0) {
		printf("unsigned     %" PRId64
		       " events of this day stand in no statement (they came back "
		       "after the cut, or a later one covers them)\n",
		       number(proof, "uncovered_events"));
		print_spans("in none", json_object_get(proof, "uncovered"));
	}
	if (number(proof, "erased") > 0)
		printf("erased       %" PRId64 " people\n", number(proof, "erased"));
	print_capture(json_object_get(proof, "capture"));
	if (json_is_true(json_object_get(proof, "proven"))) {
		printf("PROVEN\n");
		return;
	}
	printf("NOT PROVEN\n");
	for (size_t i = 0; i < json_array_size(reasons); i++)
		printf("  %s\n", json_string_value(json_array_get(reasons, i)));
}

void hq_prove_print_list(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *s = json_array_get(list, i);
		printf("%-12s %-12s ", text(s, "store"), text(s, "device"));
		if (strcmp(text(s, "first_date"), text(s, "business_date")) != 0)
			printf("%s to ", text(s, "first_date"));
		printf("%s  %s", text(s, "business_date"), text(s, "state"));
		if (number(s, "missing") > 0)
			printf(", %" PRId64 " missing", number(s, "missing"));
		if (number(s, "version") > 0)
			printf(", version %" PRId64, number(s, "version"));
		printf("\n");
	}
	if (json_array_size(list) == 0)
		printf("no day has been closed yet\n");
}
