#include "serve/metrics.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

struct gauge {
	const char *name, *part, *member, *help; /* part: NULL for the status object itself */
};

static const struct gauge gauges[] = {
    {"laneway_uptime_seconds", NULL, "uptime_s", "seconds since the daemon started"},
    {"laneway_journal_events", "journal", "events", "events in the journal"},
    {"laneway_journal_bytes", "journal", "bytes", "size of the journal's file"},
    {"laneway_journal_cannot_keep", "journal", "cannot_keep", "1: every event is refused"},
    {"laneway_journal_full", "journal", "full", "1: the disk or the quota is full"},
    {"laneway_sync_connected", "sync", "connected", "1: connected to the broker"},
    {"laneway_sync_reachable", "sync", "reachable", "1: HQ answers"},
    {"laneway_sync_unsent", "sync", "unsent", "events that HQ has not confirmed"},
    {"laneway_sync_backlog", "sync", "backlog", "of them, events behind the live cursor"},
    {"laneway_sync_oldest_unconfirmed_seconds", "sync", "oldest_unconfirmed_s",
     "age of the oldest batch that waits for its confirmation"},
    {"laneway_sync_silent_seconds", "sync", "silent_s",
     "seconds since HQ's last confirmation while events wait, else 0"},
    {"laneway_sync_alarm", "sync", "alarm",
     "1: HQ confirmed nothing for an hour while events wait"},
    {"laneway_sync_outstanding_bytes", "sync", "outstanding_bytes", "bytes sent and not confirmed"},
    {"laneway_sync_held_back", "sync", "forked",
     "events that HQ refused: it holds others under their names"},
    {"laneway_sync_foreign", "sync", "foreign",
     "events that another copy of this device sent under its names"},
    {"laneway_sync_unreadable", "sync", "unreadable",
     "events that HQ cannot read and has not quarantined"},
    {"laneway_sync_lost", "sync", "lost", "events that HQ confirmed once and nobody holds"},
    {"laneway_pending_changes", "pending", "events",
     "changes to customers that were said here and that HQ does not include yet"},
    {"laneway_pending_customers", "pending", "persons", "customers on whom they bear"},
    {"laneway_pending_oldest_seconds", "pending", "oldest_s", "age of the oldest of them"},
    {"laneway_pending_alarm", "pending", "alarm", "1: one of them has waited for 30 days"},
    {"laneway_pending_full", "pending", "full",
     "1: nobody can be enrolled or corrected: too many wait, or memory ran out"},
    {"laneway_shard_profiles", "sync", "profiles", "profiles cached in this store"},
    {"laneway_shard_version", "sync", "shard_version", "version of HQ's feed that is cached"},
};

static void head(struct buf *out, const char *name, const char *help, const char *type)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_gauges(struct buf *out, json_t *status)
{
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		const struct gauge *g = &gauges[i];
		json_t *v =
		    json_object_get(g->part ? json_object_get(status, g->part) : status, g->member);
		if (!json_is_integer(v) && !json_is_boolean(v))
			continue;
		head(out, g->name, g->help, "gauge");
		buf_printf(out, "%s %" JSON_INTEGER_FORMAT "\n", g->name,
		           json_is_integer(v) ? json_integer_value(v) : json_is_true(v));
	}
}

/* Names come from the configuration; still they must not be able to break a line. */
static void write_label(struct buf *out, const char *label, json_t *value)
{
	buf_printf(out, "%s=\"", label);
	for (const char *p = json_string_value(value) ?: ""; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_byte(out, '\\');
		buf_byte(out, (uint8_t)((unsigned char)*p < 0x20 ? ' ' : *p));
	}
	buf_byte(out, '"');
}

static void write_devices(struct buf *out, json_t *list, const char *name, const char *label,
                          const char *help)
{
	json_t *o;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	head(out, name, help, "gauge");
	json_array_foreach(list, i, o)
	{
		const char *key = strcmp(label, "till") == 0 ? "till" : "name";
		buf_printf(out, "%s{", name);
		write_label(out, label, json_object_get(o, key));
		buf_byte(out, ',');
		write_label(out, "lane", json_object_get(o, "lane"));
		buf_printf(out, "} %d\n", json_is_true(json_object_get(o, "up")));
	}
}

void metrics_write(struct buf *out, const struct counters *counters, const char *status, size_t len)
{
	json_t *o = json_loadb(status, len, 0, NULL);

	for (int i = 0; i < COUNTER_COUNT; i++) {
		const char *name = counter_name((enum counter_id)i);
		head(out, name, counter_help((enum counter_id)i), "counter");
		buf_printf(out, "%s %" PRIu64 "\n", name,
		           counter_get(counters, (enum counter_id)i));
	}
	write_gauges(out, o);
	write_devices(out, json_object_get(o, "sources"), "laneway_source_up", "source",
	              "1: the source is there");
	write_devices(out, json_object_get(o, "tills"), "laneway_till_up", "till",
	              "1: the till is connected");
	json_decref(o);
}
