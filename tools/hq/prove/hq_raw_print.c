/* hq_raw.h's objects as lines for a person who was woken up by them. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hq/intake/hq_raw.h"

static const char *text(const json_t *o, const char *key, const char *none)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : none;
}

static int64_t count(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_seqs(const json_t *run)
{
	int64_t first = count(run, "first"), last = count(run, "last");

	printf("seq %" PRId64, first);
	if (last > first)
		printf(" to %" PRId64 " (%" PRId64 " events)", last, last - first + 1);
}

static void print_place(const json_t *o)
{
	printf("store %s, device %s, epoch %s: ", text(o, "store", "?"),
	       text(o, "device", "not known"), text(o, "epoch", "?"));
}

static void print_times(const json_t *o)
{
	const char *first = text(o, "arrived", "?"), *newest = text(o, "newest", first);

	printf(", came %s", first);
	if (strcmp(first, newest) != 0)
		printf(" to %s", newest);
	printf("\n");
}

/* ---- forks ---- */

static void print_fork(const json_t *run)
{
	const char *settled = text(run, "settled", NULL);

	printf("  ");
	print_place(run);
	print_seqs(run);
	print_times(run);
	if (strcmp(text(run, "reason", ""), "other_leaf") == 0)
		printf("    other_leaf: HQ held other events under these names when they came\n");
	else
		printf("    chain: they do not continue what HQ holds of the epoch (1 to %" PRId64
		       ")\n",
		       count(run, "through"));
	if (settled)
		printf("    settled %s: the store may let them go\n", settled);
	else
		printf("    open: the store keeps them until they are settled\n");
}

static void print_branch(const json_t *b)
{
	printf("  store %s, device %s: epoch %s (%" PRId64 " events) follows %s after seq %" PRId64,
	       text(b, "store", "?"), text(b, "device", "not known"), text(b, "epoch", "?"),
	       count(b, "events"), text(b, "of", "?"), count(b, "after"));
	if (count(b, "held") > count(b, "after"))
		printf("; HQ holds %" PRId64 " of that one, %" PRId64
		       " more than the box knew: its journal was brought back from a backup",
		       count(b, "held"), count(b, "held") - count(b, "after"));
	if (count(b, "successors") > 1)
		printf("; %" PRId64 " epochs follow it: two boxes run from one journal, or one was "
		       "brought back",
		       count(b, "successors"));
	printf("\n");
}

static size_t print_list(const json_t *o, const char *key, const char *title,
                         void (*print)(const json_t *))
{
	const json_t *list = json_object_get(o, key);

	if (json_array_size(list) > 0)
		printf("%s\n", title);
	for (size_t i = 0; i < json_array_size(list); i++)
		print(json_array_get(list, i));
	return json_array_size(list);
}

void hq_raw_print_forks(const json_t *o)
{
	size_t forks, branches;

	printf("%" PRId64 " forked events, %" PRId64 " of them open\n", count(o, "forked"),
	       count(o, "open"));
	forks = print_list(o, "runs",
	                   "Forked: two histories under the same names. Both are kept; "
	                   "these are kept raw and count for nothing.",
	                   print_fork);
	branches = print_list(o, "branches",
	                      "Branches: one epoch with several ends. All of them are kept and "
	                      "counted.",
	                      print_branch);
	if (forks > 0)
		printf(
		    "To do: find out which box sent them (a copied card, a machine set back while "
		    "it ran) and stop it or\ngive it a device of its own. Compare with: "
		    "laneway-hq forks --raw EPOCH:SEQ. When nothing of them is needed\nany more: "
		    "laneway-hq forks STORE --settle EPOCH; until then the store's journal keeps "
		    "them.\n");
	if (branches > 0)
		printf(
		    "To do: if two boxes run with one device's journal, stop one and make it a "
		    "device of its own\n(laneway-hq ca device). After a backup was brought back on "
		    "purpose nothing is to be done.\n");
}

/* ---- quarantine ---- */

static const char *meaning(const char *reason)
{
	static const struct {
		const char *reason, *text;
	} known[] = {
	    {"not_json", "the line is no JSON"},
	    {"no_envelope", "event, time, properties or context are missing"},
	    {"wrong_message_id", "the line names another store, epoch or seq than its own"},
	    {"unreadable", "the batch of this event alone cannot be read; its payload is kept"},
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].reason, reason) == 0)
			return known[i].text;
	}
	return "of another release";
}

static void print_quarantined(const json_t *run)
{
	const char *reason = text(run, "reason", "?");

	printf("  ");
	print_place(run);
	print_seqs(run);
	print_times(run);
	printf("    %s: %s\n", reason, meaning(reason));
}

static void print_uncounted(const json_t *run)
{
	printf("  ");
	print_place(run);
	print_seqs(run);
	printf(": %s\n", text(run, "reason", "?"));
}

static void print_unreadable(const json_t *u)
{
	const json_t *claims = json_object_get(u, "claims");

	printf("  store %s: %" PRId64 " bytes, came %s: %s\n    SHA-256 %s\n",
	       text(u, "store", "?"), count(u, "bytes"), text(u, "arrived", "?"),
	       text(u, "reason", "?"), text(u, "sha256", "?"));
	if (!claims)
		return;
	printf("    says it is epoch %s, ", text(claims, "epoch", "?"));
	print_seqs(claims);
	printf("; %s\n", json_is_true(json_object_get(claims, "held"))
	                     ? "all of them are held now"
	                     : "not all of them are held yet");
}

void hq_raw_print_quarantine(const json_t *o)
{
	size_t runs, uncounted, payloads;

	printf("%" PRId64 " quarantined events\n", count(o, "quarantined"));
	runs = print_list(o, "runs",
	                  "Quarantined: durable here as they came, confirmed to the store, counted "
	                  "for nothing.",
	                  print_quarantined);
	uncounted =
	    print_list(o, "uncounted",
	               "Held as events, but they count for nothing: what they say cannot be "
	               "used.",
	               print_uncounted);
	payloads =
	    print_list(o, "unreadable",
	               "Unreadable payloads: named to the store, which sends their events one "
	               "by one.",
	               print_unreadable);
	if (runs + uncounted + payloads > 0)
		printf(
		    "To do: look at one with laneway-hq quarantine --raw EPOCH:SEQ (or SHA-256). A "
		    "line is never edited:\nafter an upgrade that reads it, laneway-hq quarantine "
		    "retry; or the store journals a new event that\ncorrects it.\n");
}

void hq_raw_print_one(const json_t *o)
{
	const json_t *list = json_object_get(o, "held"), *line;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		printf("%s at store %s", text(item, "what", "?"), text(item, "store", "?"));
		if (text(item, "reason", NULL))
			printf(" (%s), came %s", text(item, "reason", ""),
			       text(item, "arrived", "?"));
		printf(", SHA-256 %s\n", text(item, "leaf", text(item, "sha256", "?")));
		line = json_object_get(item, "line");
		printf("%s\n",
		       json_is_string(line) ? json_string_value(line) : text(line, "hex", ""));
	}
}
