#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "laneway/cli.h"

struct report {
	struct cli *cli;
	int problems;
};

static uint64_t number(json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

static bool yes(json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* ---- what is wrong ---- */

static void __attribute__((format(printf, 2, 3))) problem(struct report *r, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r->problems++;
	if (r->cli->json)
		return;
	fprintf(r->cli->out, "%sPROBLEM%s  ", r->cli->colour ? "\033[1;31m" : "",
	        r->cli->colour ? "\033[0m" : "");
	cli_put(r->cli->out, line);
	putc('\n', r->cli->out);
}

/* Of each file that was set aside: what is missing in it. */
static void salvage_problems(struct report *r, json_t *files)
{
	const char *file;
	json_t *result;

	json_object_foreach(files, file, result)
	{
		size_t damaged = json_array_size(json_object_get(result, "damaged"));
		if (damaged)
			problem(
			    r,
			    "%.120s was damaged: %" PRIu64 " events came back, in %zu epochs "
			    "some are missing (laneway status --json names them); keep the file",
			    file, number(result, "events"), damaged);
	}
}

static void background_problems(struct report *r, json_t *journal)
{
	json_t *check = json_object_get(journal, "check");
	json_t *salvage = json_object_get(journal, "salvage");

	if (number(check, "faults"))
		problem(r,
		        "%" PRIu64 " packs of the journal are damaged, the first at seq %" PRIu64
		        " of epoch %s: is the disk failing? (laneway journal verify)",
		        number(check, "faults"), number(check, "seq"), text(check, "epoch"));
	if (yes(salvage, "running"))
		problem(r, "a journal that could not be read was set aside; what is left in it is "
		           "being brought back");
	salvage_problems(r, json_object_get(salvage, "files"));
}

/* Why what is older than the retention is still here. An untrusted clock has a line of its own. */
static void held_problems(struct report *r, json_t *held)
{
	static const struct {
		const char *by, *text;
	} reasons[] = {
	    {"unconfirmed", "HQ has not confirmed them (a fork waits for HQ to settle it)"},
	    {"shard", "HQ's customer data does not include yet what they changed"},
	    {"statement", "no statement of the day covers them yet (laneway statements)"},
	};
	char since[32] = "";

	cli_local_time(text(held, "since"), since);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(text(held, "by"), reasons[i].by) == 0)
			problem(r, "packs from %s on are kept beyond the retention: %s", since,
			        reasons[i].text);
	}
}

static void journal_problems(struct report *r, json_t *journal)
{
	if (yes(journal, "cannot_keep"))
		problem(r,
		        "the journal cannot keep anything: every source is told no (see the log)");
	if (yes(journal, "full"))
		problem(
		    r,
		    "the journal is full: sources are told no until HQ confirms and packs age out");
	if (yes(journal, "slow"))
		problem(r, "the disk took over 2 s for a commit: it may be failing");
	held_problems(r, json_object_get(journal, "held"));
	background_problems(r, journal);
}

/* Why days are not closed, or not countersigned; one that waits behind the newest is late. */
static void day_problems(struct report *r, json_t *days, bool has_hq)
{
	const char *why = text(days, "blocked"), *state = text(days, "state");
	uint64_t open = has_hq ? number(days, "not_countersigned") : 0;

	if (strcmp(why, "no_key") == 0)
		problem(r, "days are not closed: device-sign.key is missing in the keys folder "
		           "(laneway-hq ca sign makes it); packs stay until a day is closed");
	else if (strcmp(why, "untrusted_clock") == 0)
		problem(r, "days are not closed and nothing is deleted until the clock is trusted");
	else if (strcmp(why, "failed") == 0)
		problem(r, "closing the day failed (see the log); it is tried again every minute");
	if (strcmp(state, "lost") == 0 || strcmp(state, "disputed") == 0)
		problem(r, "the statement of %s is %s at HQ (there: laneway-hq prove)",
		        text(days, "oldest"), state);
	else if (open > 1 && number(days, "missing") > 0)
		problem(r,
		        "%" PRIu64 " days are not countersigned, the oldest is %s: HQ waits for "
		        "%" PRIu64 " of its events",
		        open, text(days, "oldest"), number(days, "missing"));
	else if (open > 1)
		problem(r,
		        "%" PRIu64 " days are not countersigned, the oldest is %s: HQ has not "
		        "answered on it",
		        open, text(days, "oldest"));
}

/* What HQ did not simply confirm, each with what to do; the runs follow in the table. */
static void note_problems(struct report *r, json_t *sync)
{
	static const struct {
		const char *key, *text;
	} notes[] = {
	    {"lost", "lost at HQ: it had confirmed them, they were deleted here, and its database "
	             "was restored from before; only a copy of this journal or of hq.db can bring "
	             "them back"},
	    {"forked",
	     "refused by HQ: it holds others under their names. They are kept here until HQ "
	     "settles them (there: laneway-hq forks); was this device's disk copied, or a "
	     "running machine set back?"},
	    {"foreign",
	     "of another copy of this device are kept at HQ: is its disk or backup running "
	     "elsewhere? Stop that one, give it a device of its own"},
	    {"unreadable", "cannot be read by HQ even alone, and are not quarantined there yet"},
	    {"quarantined",
	     "could not be read by HQ, which keeps them raw: nothing is lost (there: "
	     "laneway-hq quarantine)"},
	};
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		uint64_t n = number(sync, notes[i].key);
		if (n > 0)
			problem(r, "%" PRIu64 " event%s %s", n, n == 1 ? "" : "s", notes[i].text);
	}
}

static void sync_problems(struct report *r, json_t *sync)
{
	/* A store without HQ is a choice, not a fault. */
	if (json_is_false(json_object_get(sync, "configured")))
		return;
	if (!yes(sync, "connected"))
		problem(r, "no connection to the broker; %" PRIu64 " events wait",
		        number(sync, "unsent"));
	else if (!yes(sync, "reachable"))
		problem(r, "HQ does not answer; %" PRIu64 " events wait", number(sync, "unsent"));
	if (yes(sync, "alarm")) {
		char silent[32];
		cli_duration((int64_t)number(sync, "silent_s"), silent);
		problem(r,
		        "HQ has confirmed nothing for %s; nothing is lost, %" PRIu64 " events wait",
		        silent, number(sync, "unsent"));
	}
	note_problems(r, sync);
	if (!text(sync, "synced")[0])
		problem(r, "no customer data has come from HQ yet: nobody is recognised");
}

static void pending_problems(struct report *r, json_t *pending)
{
	if (yes(pending, "alarm"))
		problem(r,
		        "HQ has not confirmed changes to customers since %s; %" PRIu64
		        " wait, and none is dropped",
		        text(pending, "oldest"), number(pending, "events"));
	if (yes(pending, "full"))
		problem(r,
		        "nobody can be enrolled or corrected now: %" PRIu64 " changes wait for HQ",
		        number(pending, "events"));
}

static void rules_problems(struct report *r, json_t *rules)
{
	json_t *refused = json_object_get(rules, "refused");

	if (json_is_object(refused))
		problem(r, "version %s of HQ's rules is not taken: %s; version %s stays in force",
		        text(refused, "version"), text(refused, "why"), text(rules, "version"));
}

static void clock_problems(struct report *r, json_t *clock)
{
	json_int_t differs_ms = json_integer_value(json_object_get(clock, "kernel_differs_ms"));

	if (!clock)
		return;
	if (yes(clock, "disputed"))
		problem(
		    r,
		    "the machine's clock calls itself synchronised, but it has jumped: no time is "
		    "trusted until HQ has been heard");
	else if (strcmp(text(clock, "trust"), "none") == 0)
		problem(r,
		        "nobody has said what time it is since the start (no NTP, no RTC, no HQ): "
		        "events are kept, HQ repairs their times");
	if (differs_ms)
		problem(
		    r,
		    "the machine's clock calls itself synchronised, but is %+.0f s from HQ's time, "
		    "which is used: check NTP here, and HQ's clock",
		    (double)differs_ms / 1000);
}

static void source_problems(struct report *r, json_t *sources)
{
	json_t *o;
	size_t i;

	json_array_foreach(sources, i, o)
	{
		if (!yes(o, "up"))
			problem(r, "%s %s on lane %s is not there", text(o, "kind"),
			        text(o, "name"), text(o, "lane"));
	}
}

/* ---- the table ---- */

static void row(struct cli *c, const char *name)
{
	fprintf(c->out, "%s%-10s%s", c->colour ? "\033[2m" : "", name, c->colour ? "\033[0m" : "");
}

static void put_local_time(FILE *f, const char *iso)
{
	char out[32];

	cli_local_time(iso, out);
	fputs(out, f);
}

/* Nothing once the start is over. */
static void put_start(struct cli *c, const char *stage)
{
	if (strcmp(stage, "starting") != 0 && strcmp(stage, "names") != 0)
		return;
	row(c, "start");
	fputs(strcmp(stage, "names") == 0
	          ? "names and baskets are there; tills wait until it is known what was taken\n"
	          : "cards are kept; names, baskets and tills wait\n",
	      c->out);
}

static void put_box(struct cli *c, json_t *o)
{
	char up[32];

	cli_duration((int64_t)number(o, "uptime_s"), up);
	row(c, "box");
	fputs("store ", c->out);
	cli_put(c->out, text(o, "store"));
	fputs(", device ", c->out);
	cli_put(c->out, text(o, "device"));
	fputs(", lanewayd ", c->out);
	cli_put(c->out, text(o, "version"));
	fprintf(c->out, ", up %s\n", up);
	put_start(c, text(o, "start"));
}

static void put_rules(struct cli *c, json_t *rules)
{
	if (!json_is_object(rules))
		return;
	row(c, "rules");
	fputs("version ", c->out);
	cli_put(c->out, text(rules, "version"));
	fputs(strcmp(text(rules, "from"), "hq") == 0 ? " of HQ, by " : " of this store, by ",
	      c->out);
	cli_put(c->out, text(rules, "author"));
	fputs(": ", c->out);
	cli_put(c->out, text(rules, "reason"));
	putc('\n', c->out);
}

static void put_journal(struct cli *c, json_t *o)
{
	json_t *journal = json_object_get(o, "journal");
	char events[27], confirmed[27], bytes[32];

	cli_count(number(journal, "events"), events);
	cli_count(number(journal, "confirmed"), confirmed);
	cli_bytes(number(journal, "bytes"), bytes);
	row(c, "journal");
	fprintf(c->out, "%s events, %s confirmed, %s; epoch ", events, confirmed, bytes);
	cli_put(c->out, text(o, "epoch"));
	fprintf(c->out, " at %" PRIu64 "\n", number(o, "seq"));
}

static void put_uplink(struct cli *c, json_t *sync)
{
	char n[27], behind[27], batches[27], bytes[32], age[32];
	int64_t oldest = (int64_t)number(sync, "oldest_unconfirmed_s");

	row(c, "uplink");
	if (number(sync, "unsent") == 0) {
		fputs("everything is confirmed\n", c->out);
		return;
	}
	cli_count(number(sync, "unsent"), n);
	cli_count(number(sync, "backlog"), behind);
	cli_count(number(sync, "batches"), batches);
	cli_bytes(number(sync, "outstanding_bytes"), bytes);
	fprintf(c->out, "%s events unsent", n);
	if (number(sync, "backlog") > 0)
		fprintf(c->out, ", %s of them backlog behind the live ones", behind);
	if (number(sync, "backlog_wait_s") > 0)
		fprintf(c->out, " (begins in %" PRIu64 " s)", number(sync, "backlog_wait_s"));
	fprintf(c->out, "; %s batches (%s) on the way", batches, bytes);
	if (number(sync, "batches") > 0) {
		cli_duration(oldest, age);
		fprintf(c->out, ", the oldest for %s", age);
	}
	putc('\n', c->out);
}

static void put_clock(struct cli *c, json_t *clock)
{
	json_int_t ahead_ms = json_integer_value(json_object_get(clock, "machine_ahead_ms"));
	const char *trust = text(clock, "trust");

	if (!clock)
		return;
	row(c, "clock");
	if (strcmp(trust, "none") == 0) {
		fputs("not trusted; last trusted ", c->out);
		put_local_time(c->out, text(clock, "last_trusted"));
	} else {
		fprintf(c->out, "trusted by %s, within %.1f s",
		        strcmp(trust, "hq") == 0 ? "HQ" : trust,
		        (double)number(clock, "error_ms") / 1000);
	}
	if (ahead_ms >= 1000 || ahead_ms <= -1000)
		fprintf(c->out, "; the machine's own is %+.0f s off", (double)ahead_ms / 1000);
	putc('\n', c->out);
}

static void put_sync(struct cli *c, json_t *sync)
{
	char n[27];

	row(c, "HQ");
	if (json_is_false(json_object_get(sync, "configured"))) {
		fputs("not configured\n", c->out);
		return;
	}
	fprintf(c->out, "%s, %s\n", yes(sync, "connected") ? "connected" : "not connected",
	        yes(sync, "reachable") ? "answering" : "not answering");
	put_uplink(c, sync);
	cli_count(number(sync, "profiles"), n);
	row(c, "customers");
	fprintf(c->out, "%s, version %" PRIu64 ", as of ", n, number(sync, "shard_version"));
	put_local_time(c->out, text(sync, "synced"));
	putc('\n', c->out);
}

/* One line: since when the open day counts, and what of the closed ones is not countersigned. */
static void put_days(struct cli *c, json_t *days)
{
	uint64_t open = number(days, "not_countersigned");

	if (!text(days, "open_since")[0] && !open)
		return;
	row(c, "days");
	if (text(days, "open_since")[0]) {
		fputs("open since ", c->out);
		cli_put(c->out, text(days, "open_since"));
	} else {
		fputs("none is open yet", c->out);
	}
	if (open) {
		fprintf(c->out, "; %" PRIu64 " not countersigned, from ", open);
		cli_put(c->out, text(days, "oldest"));
		fputs(": ", c->out);
		cli_put(c->out, text(days, "state"));
	}
	putc('\n', c->out);
}

static void put_notes(struct cli *c, json_t *list)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		row(c, i == 0 ? "notes" : "");
		cli_put(c->out, text(o, "kind"));
		fprintf(c->out, "  seq %" PRIu64, number(o, "first"));
		if (number(o, "last") > number(o, "first"))
			fprintf(c->out, " to %" PRIu64, number(o, "last"));
		fputs(" of epoch ", c->out);
		cli_put(c->out, text(o, "epoch"));
		fputs(": ", c->out);
		cli_put(c->out, text(o, "reason"));
		fputs(", since ", c->out);
		put_local_time(c->out, text(o, "since"));
		putc('\n', c->out);
	}
}

static void put_devices(struct cli *c, json_t *list, const char *title, const char *key)
{
	const char *good = c->colour ? "\033[32m" : "", *bad = c->colour ? "\033[31m" : "";
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		row(c, i == 0 ? title : "");
		fputs("lane ", c->out);
		cli_put(c->out, text(o, "lane"));
		fputs("  ", c->out);
		cli_put(c->out, text(o, key));
		fprintf(c->out, "  %s%s%s%s\n", yes(o, "up") ? good : bad,
		        yes(o, "up") ? "up" : "down", c->colour ? "\033[0m" : "",
		        yes(o, "awaited") ? ", not heard since the start: cards wait for it" : "");
	}
}

static void put_counters(struct cli *c, json_t *counters)
{
	const char *key, *title = "counters";
	json_t *v;

	json_object_foreach(counters, key, v)
	{
		char n[27];
		if (!json_is_integer(v) || json_integer_value(v) <= 0)
			continue;
		cli_count((uint64_t)json_integer_value(v), n);
		row(c, title);
		fprintf(c->out, "%12s  ", n);
		cli_put(c->out, key);
		putc('\n', c->out);
		title = "";
	}
}

static void put_table(struct cli *c, json_t *o)
{
	put_box(c, o);
	put_journal(c, o);
	put_rules(c, json_object_get(o, "rules"));
	put_clock(c, json_object_get(o, "clock"));
	put_days(c, json_object_get(o, "days"));
	put_sync(c, json_object_get(o, "sync"));
	put_notes(c, json_object_get(json_object_get(o, "sync"), "notes"));
	put_devices(c, json_object_get(o, "sources"), "scanners", "name");
	put_devices(c, json_object_get(o, "tills"), "tills", "till");
	put_counters(c, json_object_get(o, "counters"));
}

int cli_status(struct cli *c, char **args)
{
	struct report r = {.cli = c};
	struct buf body = {0};
	int rc = cli_get(c, "/api/v1/status", &body);
	json_t *o = rc == CLI_OK ? json_loadb((const char *)body.data, body.len, 0, NULL) : NULL;

	(void)args;
	if (rc == CLI_OK && !json_is_object(o)) {
		fputs("laneway: the daemon's status is not JSON\n", c->err);
		rc = CLI_PROBLEM;
	} else if (rc == CLI_OK) {
		journal_problems(&r, json_object_get(o, "journal"));
		day_problems(
		    &r, json_object_get(o, "days"),
		    !json_is_false(json_object_get(json_object_get(o, "sync"), "configured")));
		sync_problems(&r, json_object_get(o, "sync"));
		pending_problems(&r, json_object_get(o, "pending"));
		rules_problems(&r, json_object_get(o, "rules"));
		clock_problems(&r, json_object_get(o, "clock"));
		source_problems(&r, json_object_get(o, "sources"));
		if (!c->json)
			put_table(c, o);
		else
			fprintf(c->out, "%.*s\n", (int)body.len, (const char *)body.data);
		rc = r.problems > 0 ? CLI_PROBLEM : CLI_OK;
	}
	json_decref(o);
	buf_free(&body);
	return rc;
}
