/* What tools are told of the box (WIRE.md, "Status"). */
#include "flow/flow_internal.h"

#include "base/text.h"
#include "base/version.h"
#include "event/member.h"

static void add_check(struct buf *out, const struct journal_check *c)
{
	char epoch[EVENT_EPOCH_SIZE];

	member_key(out, "check");
	buf_byte(out, '{');
	member_bool(out, "done", c->done);
	member_count(out, "packs", c->packs);
	member_count(out, "total", c->total);
	member_count(out, "faults", c->faults);
	if (c->faults) {
		text_hex(c->fault_epoch, EVENT_EPOCH_BYTES, epoch);
		member_text(out, "epoch", epoch);
		member_count(out, "seq", c->fault_seq);
	}
	buf_byte(out, '}');
}

static void add_salvage(struct flow *f, struct buf *out, const struct journal_salvaged *s)
{
	member_key(out, "salvage");
	buf_byte(out, '{');
	member_bool(out, "running", s->running);
	member_count(out, "events", s->events);
	member_bool(out, "known", flow_recall_known(f->recall));
	member_key(out, "files");
	buf_byte(out, '{');
	journal_salvaged_files(f->p.journal, out);
	buf_str(out, "}}");
}

static void member_time(struct buf *out, const char *key, int64_t wall_us)
{
	char text[CLOCK_ISO8601_SIZE] = "";

	if (wall_us)
		clock_iso8601(wall_us, text);
	member_text(out, key, wall_us ? text : NULL);
}

static void add_held(struct buf *out, const struct journal_held *held)
{
	if (held->by == JOURNAL_HELD_NOT) {
		member_text(out, "held", NULL);
		return;
	}
	member_key(out, "held");
	buf_byte(out, '{');
	member_text(out, "by", journal_held_name(held->by));
	member_time(out, "since", held->since_us);
	buf_byte(out, '}');
}

static void add_journal(struct flow *f, struct buf *out)
{
	struct journal_state j;
	char epoch[EVENT_EPOCH_SIZE];

	journal_state(f->p.journal, &j);
	text_hex(j.epoch, EVENT_EPOCH_BYTES, epoch);
	member_text(out, "epoch", epoch);
	member_count(out, "seq", j.last_seq);
	member_key(out, "journal");
	buf_byte(out, '{');
	member_count(out, "events", j.kept);
	member_count(out, "confirmed", j.confirmed);
	member_count(out, "bytes", j.file_bytes);
	member_bool(out, "cannot_keep", j.cannot_keep);
	member_bool(out, "full", j.full);
	member_bool(out, "slow", flow_disk_slow(f, &j));
	member_count(out, "recovered_frames", j.recovered_frames);
	add_held(out, &j.held);
	add_check(out, &j.check);
	add_salvage(f, out, &j.salvage);
	buf_byte(out, '}');
}

/* Seqs that HQ did not simply confirm: a run each. */
static void add_notes(struct flow *f, struct buf *out)
{
	struct journal_note list[SYNC_NOTES_MAX];
	char epoch[EVENT_EPOCH_SIZE], since[CLOCK_ISO8601_SIZE];
	int n = f->sync ? sync_notes(f->sync, list, SYNC_NOTES_MAX) : 0;

	member_key(out, "notes");
	buf_byte(out, '[');
	for (int i = 0; i < n; i++) {
		text_hex(list[i].epoch, EVENT_EPOCH_BYTES, epoch);
		clock_iso8601(list[i].wall_us, since);
		member_next(out);
		buf_byte(out, '{');
		member_text(out, "kind", journal_note_name(list[i].kind));
		member_text(out, "epoch", epoch);
		member_count(out, "first", list[i].first);
		member_count(out, "last", list[i].last);
		member_text(out, "reason", list[i].reason);
		member_text(out, "since", since);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void add_sync(struct flow *f, struct buf *out)
{
	struct sync_state s = {0};
	char synced[CLOCK_ISO8601_SIZE] = "";

	if (f->sync)
		sync_state(f->sync, &s);
	if (s.synced_wall_us)
		clock_iso8601(s.synced_wall_us, synced);
	member_key(out, "sync");
	buf_byte(out, '{');
	member_bool(out, "configured", f->sync || f->conf->broker_host[0]);
	member_bool(out, "connected", s.connected);
	member_bool(out, "reachable", s.connected && s.hq_heard);
	member_count(out, "unsent", s.unsent);
	member_count(out, "backlog", s.backlog);
	member_integer(out, "backlog_wait_s", (s.backlog_wait_us + 999999) / 1000000);
	member_count(out, "batches", s.batches);
	member_count(out, "outstanding_bytes", s.outstanding_bytes);
	member_count(out, "credit", s.credit);
	member_integer(out, "oldest_unconfirmed_s", s.oldest_unconfirmed_us / 1000000);
	member_integer(out, "silent_s", s.silent_us / 1000000);
	member_bool(out, "alarm", s.alarm);
	member_count(out, "quarantined", s.quarantined);
	member_count(out, "forked", s.forked);
	member_count(out, "foreign", s.foreign);
	member_count(out, "unreadable", s.unreadable);
	member_count(out, "lost", s.lost);
	add_notes(f, out);
	member_text(out, "generation", s.generation[0] ? s.generation : NULL);
	member_count(out, "shard_version", s.shard_version);
	member_count(out, "profiles", f->shard ? shard_count(f->shard) : 0);
	member_text(out, "synced", synced[0] ? synced : NULL);
	buf_byte(out, '}');
}

/* Since when the oldest waits; 0: nothing does, or it is not known what time it is. */
static int64_t pending_age_us(struct flow *f, const struct overlay_state *o)
{
	struct clock_now now;

	clock_read(f->p.clock, &now);
	if (!now.trust || !o->oldest_wall_us || now.wall_us < o->oldest_wall_us)
		return 0;
	return now.wall_us - o->oldest_wall_us;
}

/* This store's own changes to customers that HQ does not include yet. */
static void add_pending(struct flow *f, struct buf *out)
{
	struct overlay_state o;
	bool late = flow_overlay_late(f, &o);

	member_key(out, "pending");
	buf_byte(out, '{');
	member_count(out, "events", o.events);
	member_count(out, "persons", o.persons);
	member_time(out, "oldest", o.oldest_wall_us);
	member_integer(out, "oldest_s", pending_age_us(f, &o) / 1000000);
	member_count(out, "let_go", o.let_go);
	member_bool(out, "alarm", late);
	member_bool(out, "full", flow_overlay_full(f));
	buf_byte(out, '}');
}

static void add_clock(struct flow *f, struct buf *out)
{
	struct clock_state s;

	if (!f->p.keep)
		return;
	clock_keep_state(f->p.keep, &s);
	member_key(out, "clock");
	buf_byte(out, '{');
	member_text(out, "trust", clock_trust_name(s.trust));
	member_time(out, "time", s.wall_us);
	member_integer(out, "error_ms", (s.error_us + 999) / 1000);
	member_integer(out, "machine_ahead_ms", s.ahead_us / 1000);
	member_integer(out, "kernel_differs_ms", s.differs_us / 1000);
	member_bool(out, "disputed", s.disputed);
	member_time(out, "last_trusted", s.trusted_us);
	member_time(out, "certificates_checked", s.floor_us);
	buf_byte(out, '}');
}

static void add_scanners(struct flow *f, struct buf *out)
{
	member_key(out, "sources");
	buf_byte(out, '[');
	for (int i = 0; i < f->scanner_count; i++) {
		const struct scanner_params *p = scanner_params(f->scanners[i]);
		member_next(out);
		buf_byte(out, '{');
		member_text(out, "name", p->name);
		member_text(out, "lane", p->lane);
		member_text(out, "kind", "scanner");
		member_bool(out, "up", scanner_is_up(f->scanners[i]));
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void add_tills(struct flow *f, struct buf *out)
{
	member_key(out, "tills");
	buf_byte(out, '[');
	for (int i = 0; i < f->till_count; i++) {
		const struct flow_till *t = &f->tills[i];
		member_next(out);
		buf_byte(out, '{');
		member_text(out, "till", t->till);
		member_text(out, "lane", t->lane);
		member_bool(out, "up", t->link != 0);
		member_bool(out, "awaited", t->awaited);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

void flow_status_json(struct flow *f, struct buf *out)
{
	static const char *const stages[] = {
	    [FLOW_STARTING] = "starting", [FLOW_NAMES] = "names", [FLOW_READY] = "ready"};
	char boot[CLOCK_BOOT_ID_SIZE];

	clock_boot_id(boot);
	buf_byte(out, '{');
	member_text(out, "store", f->conf->store);
	member_text(out, "device", f->conf->device);
	member_text(out, "version", version_text());
	member_text(out, "boot", boot);
	member_integer(out, "uptime_s", (clock_mono_us(f->p.clock) - f->started_mono_us) / 1000000);
	member_integer(out, "pos_port", f->pos ? pos_port(f->pos) : 0);
	member_text(out, "start", stages[f->stage]);
	add_journal(f, out);
	add_clock(f, out);
	flow_day_status(f->day, out);
	flow_rules_status(f, out);
	add_sync(f, out);
	add_pending(f, out);
	add_scanners(f, out);
	add_tills(f, out);
	member_key(out, "counters");
	buf_byte(out, '{');
	for (int i = 0; i < COUNTER_COUNT; i++)
		member_count(out, counter_name((enum counter_id)i),
		             counter_get(f->p.counters, (enum counter_id)i));
	buf_str(out, "}}");
}

int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out)
{
	struct profile p;

	return f->shard ? shard_get(f->shard, customer_id, &p, out) : 0;
}
