/* hq_status.h's objects as lines for a person. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "hq/hq_status.h"

static const char *text(const json_t *o, const char *key, const char *none)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : none;
}

static int64_t count(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_epoch(const json_t *epoch)
{
	const json_t *range;
	size_t i;

	printf("    epoch %s  device %s  through %" PRId64, text(epoch, "epoch", "?"),
	       text(epoch, "device", "not known yet"), count(epoch, "through"));
	json_array_foreach(json_object_get(epoch, "ranges"), i, range)
	    printf("  %" PRId64 "-%" PRId64, count(range, "first"), count(range, "last"));
	printf("\n");
}

static void print_store(const json_t *store)
{
	const char *dark = text(store, "dark_since", NULL);
	const json_t *epoch;
	size_t i;

	printf("  %s  last heard %s%s%s\n", text(store, "store", "?"),
	       text(store, "heard", "never"), dark ? "  DARK since " : "", dark ? dark : "");
	json_array_foreach(json_object_get(store, "epochs"), i, epoch) print_epoch(epoch);
}

void hq_status_print(const json_t *s)
{
	const json_t *item, *outbox = json_object_get(s, "outbox");
	size_t i;

	printf("generation %s  feed version %" PRId64 "  profiles %" PRId64 "\n",
	       text(s, "generation", "?"), count(s, "version"), count(s, "profiles"));
	printf("events held %" PRId64 "  not folded yet %" PRId64
	       "  waiting for a visit key %" PRId64 "\n",
	       count(s, "held"), count(s, "unfolded"), count(s, "waiting_for_keys"));
	printf("forked %" PRId64 "  quarantined %" PRId64 "  unreadable payloads %" PRId64 "\n",
	       count(s, "forked"), count(s, "quarantined"), count(s, "unreadable"));
	printf("webhook: %" PRId64 " waiting, oldest of %s\n", count(outbox, "open"),
	       text(outbox, "oldest", "-"));
	json_array_foreach(json_object_get(s, "alarms"), i, item)
	    printf("ALARM %s  store %s: %s: %s\n", text(item, "raised", "?"),
	           text(item, "store", "?"), text(item, "kind", "?"), text(item, "detail", ""));
	printf("stores\n");
	json_array_foreach(json_object_get(s, "stores"), i, item) print_store(item);
}

void hq_status_print_profile(const json_t *p)
{
	const json_t *item;
	size_t i;

	printf("%s  %s  %s  tier %s\n", text(p, "customer_id", "?"),
	       text(p, "name", text(p, "first_name", "")), text(p, "state", "?"),
	       text(p, "tier", "-"));
	printf("points %" PRId64 " as of %s\n", count(p, "points"), text(p, "points_as_of", "-"));
	printf("visits %" PRId64 "  spend %" PRId64 " (minor units)  last seen %s\n",
	       count(p, "visits"), count(p, "spend"), text(p, "last_seen", "never"));
	json_array_foreach(json_object_get(p, "identifiers"), i, item)
	    printf("  %s %s%s\n", text(item, "kind", "?"), text(item, "value", "?"),
	           count(item, "verified") ? "" : " (not verified)");
	json_array_foreach(json_object_get(p, "last_items"), i, item)
	    printf("  %s x %s  %s\n", text(item, "quantity", "?"), text(item, "name", "?"),
	           text(item, "sku", ""));
}
