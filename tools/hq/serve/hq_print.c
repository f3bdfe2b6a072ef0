/* hq_status.h's objects as lines for a person. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "hq/serve/hq_status.h"

#define HQ_PRINT_RAWS_MAX 10 /* shown of what is kept raw: the rest has commands of its own */
#define HQ_PRINT_KNOWS_DAYS 7

static const char *text(const json_t *o, const char *key, const char *none)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : none;
}

static int64_t count(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Each object of the list under this key. */
static void each(const json_t *o, const char *key, void (*print)(const json_t *))
{
	const json_t *list = json_object_get(o, key);

	for (size_t i = 0; i < json_array_size(list); i++)
		print(json_array_get(list, i));
}

static void print_range(const json_t *range)
{
	printf("  %" PRId64 "-%" PRId64, count(range, "first"), count(range, "last"));
}

static void print_alarm(const json_t *alarm)
{
	printf("ALARM %s  store %s: %s: %s\n", text(alarm, "raised", "?"),
	       text(alarm, "store", "?"), text(alarm, "kind", "?"), text(alarm, "detail", ""));
}

static void print_identifier(const json_t *ident)
{
	const char *typed = text(ident, "typed", "");

	printf("  %s %s%s%s%s\n", text(ident, "kind", "?"), text(ident, "value", "?"),
	       count(ident, "verified") ? "" : " (not verified)", typed[0] ? ", typed " : "",
	       typed);
}

static void print_item(const json_t *item)
{
	printf("  %s x %s  %s\n", text(item, "quantity", "?"), text(item, "name", "?"),
	       text(item, "sku", ""));
}

static void print_epoch(const json_t *epoch)
{
	printf("    epoch %s  device %s  through %" PRId64, text(epoch, "epoch", "?"),
	       text(epoch, "device", "not known yet"), count(epoch, "through"));
	each(epoch, "ranges", print_range);
	printf("\n");
}

static void print_clock(const json_t *clock)
{
	if (count(clock, "untrusted_boots"))
		printf("    clock: %" PRId64 " of %" PRId64
		       " boots never met trusted time; %" PRId64
		       " events are known by an interval only\n",
		       count(clock, "untrusted_boots"), count(clock, "boots"),
		       count(clock, "interval"));
	if (count(clock, "interpolated"))
		printf("    clock: the times of %" PRId64 " events are repaired\n",
		       count(clock, "interpolated"));
	if (count(clock, "contradicted"))
		printf("    clock: %" PRId64 " of them were stamped by a clock that called itself "
		       "right and was not\n",
		       count(clock, "contradicted"));
}

/* Of the last seven days on which somebody came. */
static void print_knows(const json_t *days)
{
	int64_t known = 0, answered = 0;

	for (size_t i = 0; i < json_array_size(days) && i < HQ_PRINT_KNOWS_DAYS; i++) {
		known += count(json_array_get(days, i), "known");
		answered += count(json_array_get(days, i), "answered");
	}
	if (known)
		printf("    knows %.1f %% of the customers who come without asking (%" PRId64
		       " of %" PRId64 ", last 7 days)\n",
		       100.0 * (double)answered / (double)known, answered, known);
}

static void print_rules(const json_t *rules)
{
	const char *version = text(rules, "version", ""), *refused = text(rules, "refused", "");

	printf("    rules of device %s: %s%s\n", text(rules, "device", "?"),
	       version[0] ? "version " : "its own", version);
	if (refused[0])
		printf("    REFUSED rules version %s: %s\n", refused, text(rules, "why", "?"));
}

static void print_store(const json_t *store)
{
	const char *dark = text(store, "dark_since", NULL);

	printf("  %s  last heard %s%s%s\n", text(store, "store", "?"),
	       text(store, "heard", "never"), dark ? "  DARK since " : "", dark ? dark : "");
	print_clock(json_object_get(store, "clock"));
	each(store, "rules", print_rules);
	print_knows(json_object_get(store, "knows"));
	each(store, "epochs", print_epoch);
}

static void print_raw(const json_t *item)
{
	printf("RAW %s  store %s: %s: %s", text(item, "arrived", "?"), text(item, "store", "?"),
	       text(item, "what", "?"), text(item, "reason", "?"));
	if (count(item, "seq"))
		printf(": epoch %s seq %" PRId64 "\n", text(item, "epoch", "?"),
		       count(item, "seq"));
	else
		printf(": SHA-256 %s\n", text(item, "sha256", "?"));
}

static void print_raws(const json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < HQ_PRINT_RAWS_MAX; i++)
		print_raw(json_array_get(list, i));
	if (n > HQ_PRINT_RAWS_MAX)
		printf("RAW ... more\n");
	if (n > 0)
		printf("    (laneway-hq forks and laneway-hq quarantine say what they are and what "
		       "to do)\n");
}

static void print_lost(const json_t *lost)
{
	printf("LOST  store %s, device %s, epoch %s: seq %" PRId64 " to %" PRId64
	       ": the store deleted them when they were confirmed, and this hq.db does not hold "
	       "them: only a newer copy of it can bring them back\n",
	       text(lost, "store", "?"), text(lost, "device", "not known"),
	       text(lost, "epoch", "?"), count(lost, "first"), count(lost, "last"));
}

static void print_generation(const json_t *g)
{
	printf("RESTORED %s  generation %s: %s\n", text(g, "began", "?"),
	       text(g, "generation", "?"), text(g, "detail", ""));
}

void hq_status_print(const json_t *s)
{
	const json_t *outbox = json_object_get(s, "outbox");

	printf("generation %s  feed version %" PRId64 "  profiles %" PRId64 "\n",
	       text(s, "generation", "?"), count(s, "version"), count(s, "profiles"));
	printf("events held %" PRId64 "  not folded yet %" PRId64
	       "  waiting for a visit key %" PRId64 "\n",
	       count(s, "held"), count(s, "unfolded"), count(s, "waiting_for_keys"));
	printf("rules version %" PRId64 "  customers not folded by it yet %" PRId64 "\n",
	       count(s, "rules"), count(s, "unfolded_profiles"));
	printf("forked %" PRId64 "  quarantined %" PRId64 "  unreadable payloads %" PRId64 "\n",
	       count(s, "forked"), count(s, "quarantined"), count(s, "unreadable"));
	if (count(s, "came_twice"))
		printf("messages of tills that came under two names, counted once: %" PRId64 "\n",
		       count(s, "came_twice"));
	printf("webhook: %" PRId64 " waiting, oldest of %s\n", count(outbox, "open"),
	       text(outbox, "oldest", "-"));
	each(s, "alarms", print_alarm);
	print_raws(json_object_get(s, "raw"));
	each(s, "lost", print_lost);
	each(s, "generations", print_generation);
	printf("stores\n");
	each(s, "stores", print_store);
}

void hq_status_print_profile(const json_t *p)
{
	if (json_is_string(json_object_get(p, "is_part_of"))) {
		printf("%s is part of %s\n", text(p, "customer_id", "?"),
		       text(p, "is_part_of", "?"));
		return;
	}
	printf("%s  %s  %s  tier %s\n", text(p, "customer_id", "?"),
	       text(p, "name", text(p, "first_name", "")), text(p, "state", "?"),
	       text(p, "tier", "-"));
	printf("points %" PRId64 " as of %s\n", count(p, "points"), text(p, "points_as_of", "-"));
	printf("visits %" PRId64 "  spend %" PRId64 " (minor units)  last seen %s\n",
	       count(p, "visits"), count(p, "spend"), text(p, "last_seen", "never"));
	each(p, "identifiers", print_identifier);
	each(p, "last_items", print_item);
}
