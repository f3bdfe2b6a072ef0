/* Entries on their way to the journal and back, and who hears of what changed. */
#include "flow_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* ---- small pieces ---- */

void flow_now(const struct flow *f, struct sale_now *now)
{
	int64_t date_us = clock_date_us(f->p.clock);
	struct clock_now at;

	clock_read(f->p.clock, &at);
	now->mono_us = at.mono_us;
	now->wall_us = at.wall_us;
	now->trust = at.trust;
	clock_business_date(date_us, f->conf->day_cut_min, now->business_date);
	now->utc_offset_min = clock_utc_offset_min(date_us);
}

struct entry *flow_box_entry(struct flow *f, enum event_kind kind, const char *lane,
                             const char *properties)
{
	struct entry *e = entry_new();
	struct lw_event *ev = e ? entry_add(e, kind) : NULL;
	struct sale_now now;

	if (!ev)
		goto err_free;
	flow_now(f, &now);
	ev->mono_us = now.mono_us;
	ev->wall_us = now.wall_us;
	ev->trust = now.trust;
	ev->business_date = entry_text(e, now.business_date);
	ev->utc_offset_min = now.utc_offset_min;
	ev->source = "box";
	ev->lane = entry_text(e, lane);
	ev->properties = entry_text(e, properties);
	if (ev->business_date && ev->properties)
		return e;
err_free:
	entry_free(e);
	return NULL;
}

bool flow_put(struct flow *f, struct entry *e)
{
	struct sale_now now;

	if (e->count == 0) {
		entry_free(e);
		return true;
	}
	if (journal_put(f->p.journal, e)) {
		f->in_flight++;
		return true;
	}
	flow_now(f, &now);
	e->status = ENTRY_REFUSED;
	e->reason = "queue_full";
	sale_answered(f->sale, e, &now);
	counter_add(f->p.counters, COUNTER_EVENTS_REFUSED, e->count);
	entry_free(e);
	return false;
}

void flow_publish(struct flow *f)
{
	for (const char *lane = sale_changed(f->sale); lane; lane = sale_changed(f->sale)) {
		buf_reset(&f->json);
		if (f->watch_lane && flow_lane_json(f, lane, &f->json) && !f->json.failed)
			f->watch_lane(f->watch_ctx, lane, (const char *)f->json.data, f->json.len);
		flow_tell_till(f, flow_lane_of(f, lane));
	}
}

/* ---- the journal's answers ---- */

static void answered(struct flow *f, const struct entry *e)
{
	bool kept = e->status == ENTRY_KEPT;

	if (!kept)
		log_warn("%u events of %s were refused: %s", (unsigned)e->count, e->first->source,
		         e->reason);
	if (e->has_id && kept)
		flow_till_kept(f, e);
	else if (e->has_id)
		flow_till_refused(f, e);
	else if (!kept && e->tag == FLOW_TAG_SCAN)
		flow_note_gap(f, e->first->source);
	if (kept && f->watch_kept)
		f->watch_kept(f->watch_ctx, e->lines, e->lines_len);
}

void flow_drain(struct flow *f)
{
	struct sale_now now;
	bool kept = false;

	flow_now(f, &now);
	for (struct entry *e = journal_done(f->p.journal); e; e = journal_done(f->p.journal)) {
		f->in_flight--;
		answered(f, e);
		kept = kept || e->status == ENTRY_KEPT;
		sale_answered(f->sale, e, &now);
		flow_settle_gap(e);
		if (e->first->kind == EVENT_DAY_CLOSED)
			flow_day_answered(f->day, e);
		entry_free(e);
	}
	if (kept)
		flow_flush_gaps(f);
	flow_publish(f);
}
