/* Scanners: scans, devices that come and go, and what they said that was not kept. */
#include "flow/flow_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "event/member.h"

/* ---- what could not be kept ---- */

void flow_note_gap(struct flow *f, const char *source)
{
	int64_t wall = clock_wall_us(f->p.clock);

	counter_add(f->p.counters, COUNTER_CAPTURE_GAPS, 1);
	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		struct flow_gap *g = &f->gaps[i];
		if (g->missing && strcmp(g->source, source) != 0)
			continue;
		if (!g->missing) {
			text_copy(g->source, sizeof g->source, source);
			g->from_wall_us = wall;
		}
		g->to_wall_us = wall;
		g->missing++;
		log_warn("%s: %" PRIu64 " scans could not be kept", source, g->missing);
		return;
	}
}

static struct entry *gap_entry(struct flow *f, const struct flow_gap *g)
{
	char from[CLOCK_ISO8601_SIZE], to[CLOCK_ISO8601_SIZE];
	struct buf p = {0};
	struct entry *e = NULL;

	clock_iso8601(g->from_wall_us, from);
	clock_iso8601(g->to_wall_us, to);
	buf_byte(&p, '{');
	member_text(&p, "from", from);
	member_count(&p, "known_missing", g->missing);
	member_text(&p, "source", g->source);
	member_text(&p, "to", to);
	buf_add(&p, "}", 2); /* with its NUL */
	if (!p.failed)
		e = flow_box_entry(f, EVENT_CAPTURE_GAP, NULL, (char *)p.data);
	buf_free(&p);
	return e;
}

void flow_flush_gaps(struct flow *f)
{
	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		struct flow_gap *g = &f->gaps[i];
		struct entry *e = g->missing && !g->reported ? gap_entry(f, g) : NULL;
		if (!e)
			continue;
		e->tag = FLOW_TAG_GAP;
		e->cookie = g;
		g->reported = flow_put(f, e) ? g->missing : 0;
	}
}

void flow_settle_gap(const struct entry *e)
{
	struct flow_gap *g = e->cookie;

	if (e->status == ENTRY_KEPT)
		g->missing -= g->reported;
	g->reported = 0;
}

bool flow_owes_gaps(const struct flow *f)
{
	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		if (f->gaps[i].missing)
			return true;
	}
	return false;
}

void flow_lost_gaps(const struct flow *f)
{
	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		const struct flow_gap *g = &f->gaps[i];
		if (g->missing)
			log_error("ALARM: %s: %" PRIu64
			          " scans could not be kept, nor that they are missing",
			          g->source, g->missing);
	}
}

/* ---- scans ---- */

int flow_find(struct flow *f, const char *kind, const char *nf, struct shard_hit *out, int max)
{
	int touched = f->overlay ? overlay_find(f->overlay, kind, nf, out, max) : OVERLAY_UNTOUCHED;

	if (touched != OVERLAY_UNTOUCHED)
		return touched;
	return f->shard ? shard_find(f->shard, kind, nf, out, max) : 0;
}

static int find_profiles(void *ctx, const char *kind, const char *nf, struct shard_hit *out,
                         int max)
{
	return flow_find(ctx, kind, nf, out, max);
}

static enum guard_state guard_state(void *ctx, enum ident_kind kind, const char *nf)
{
	return flow_guard_state(ctx, kind, nf);
}

void flow_resolve(struct flow *f, const char *lane, const struct ident_given *given,
                  struct answer *out)
{
	const struct lookup lookup = {.find = find_profiles, .ctx = f, .guard = guard_state};
	struct clock_now now;

	clock_read(f->p.clock, &now);
	const struct resolver r = {.forms = &f->rules,
	                           .rules = &f->table,
	                           .lookup = &lookup,
	                           .now_us = now.trust ? now.wall_us : 0,
	                           .staff_ref = lane ? sale_operator(f->sale, lane) : NULL};
	resolve(&r, given, out);
	flow_guard_presented(f, out);
}

void flow_count_refused(struct flow *f, const struct answer *a)
{
	if (a->outcome == OUTCOME_REFUSED_PAN)
		counter_add(f->p.counters, COUNTER_PAN_REFUSED, 1);
	else if (a->outcome == OUTCOME_REFUSED)
		counter_add(f->p.counters, COUNTER_IDENTIFIERS_REFUSED, 1);
}

void flow_resolve_scan(struct flow *f, const struct capture_scan *scan, struct answer *out)
{
	const struct ident_given given = {
	    .scanned = true, .symbology = scan->symbology, .value = scan->value};

	flow_resolve(f, scan->lane, &given, out);
}

static void on_scan(void *ctx, const struct capture_scan *scan)
{
	struct flow *f = ctx;
	struct answer a;
	struct sale_now now;
	struct entry *e;

	if (f->stage == FLOW_STARTING || flow_word_awaited(f, scan->lane)) {
		if (flow_early_scan(f, scan) < 0)
			flow_note_gap(f, scan->source);
		return;
	}
	e = entry_new();
	flow_now(f, &now);
	now.mono_us = scan->mono_us;
	now.wall_us = scan->wall_us;
	flow_resolve_scan(f, scan, &a);
	flow_count_refused(f, &a);
	if (!e || sale_scan(f->sale, e, &now, scan->lane, scan->source, "scan", scan->symbology,
	                    &a) < 0) {
		entry_free(e);
		flow_note_gap(f, scan->source);
		return;
	}
	e->tag = FLOW_TAG_SCAN;
	flow_inquire(f, scan->lane, true, &a, &now);
	/* The screen first: it does not wait for the commit. */
	flow_publish(f);
	if (!flow_put(f, e)) {
		flow_note_gap(f, scan->source);
		flow_publish(f);
	}
	flow_tick(f);
}

/* ---- devices ---- */

void flow_note_refused(struct flow *f, const char *source, const char *lane, const char *reason,
                       uint64_t count)
{
	struct buf p = {0};

	buf_printf(&p, "{\"count\":%" PRIu64 ",\"reason\":", count);
	lw_event_json_string(&p, reason);
	buf_str(&p, ",\"source\":");
	lw_event_json_string(&p, source);
	buf_add(&p, "}", 2); /* with its NUL */
	struct entry *e =
	    p.failed ? NULL : flow_box_entry(f, EVENT_INPUT_REFUSED, lane, (char *)p.data);
	if (e)
		flow_put(f, e);
	buf_free(&p);
}

static void on_device(void *ctx, const char *source, const char *lane, bool up, const char *cause)
{
	struct flow *f = ctx;
	struct buf p = {0};

	buf_str(&p, "{\"cause\":");
	lw_event_json_string(&p, cause);
	buf_str(&p, ",\"source\":");
	lw_event_json_string(&p, source);
	buf_add(&p, "}", 2);
	struct entry *e = p.failed
	                      ? NULL
	                      : flow_box_entry(f, up ? EVENT_DEVICE_CONNECTED : EVENT_DEVICE_LOST,
	                                       lane, (char *)p.data);
	if (e)
		flow_put(f, e);
	buf_free(&p);
}

static void on_refused(void *ctx, const char *source, const char *lane, const char *reason,
                       uint64_t count)
{
	struct flow *f = ctx;
	struct sale_now now;

	log_warn("%s: input refused: %s", source, reason);
	if (lane && f->stage != FLOW_STARTING) {
		flow_now(f, &now);
		sale_unreadable(f->sale, &now, lane);
		flow_publish(f);
		flow_tick(f);
	}
	flow_note_refused(f, source, lane, reason, count);
}

void flow_scan_ops(struct capture_ops *ops)
{
	ops->scan = on_scan;
	ops->device = on_device;
	ops->refused = on_refused;
}
