/* Entries on their way to the journal and back, and who hears of what changed. */
#include "flow/flow_internal.h"

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

/* Where a rebuild would have to begin: every so many events is often enough to keep it short. What
 * is pending stands behind all that is kept. */
static void note_open(struct flow *f, struct entry *e)
{
	struct sale_spot spot = f->kept;
	struct buf mark = {0};

	if (f->stage == FLOW_STARTING || f->kept_unmarked < FLOW_MARK_EVERY)
		return;
	sale_oldest(f->sale, &spot);
	buf_add(&mark, spot.epoch, sizeof spot.epoch);
	buf_be64(&mark, spot.seq);
	if (!mark.failed && entry_mark(e, FLOW_MARK_OPEN, mark.data, mark.len) == 0)
		f->kept_unmarked = 0;
	buf_free(&mark);
}

/* What was noted with an entry is noted with the next one when it was refused. */
static void notes_answered(struct flow *f, const struct entry *e)
{
	if (e->status != ENTRY_KEPT) {
		f->tills_unmarked = f->serving_unmarked = true;
		flow_lookup_lost(f);
	}
	flow_guard_answered(f, e);
	flow_hq_kept_answered(f, e);
}

bool flow_put(struct flow *f, struct entry *e)
{
	struct sale_now now;

	if (e->count == 0) {
		entry_free(e);
		return true;
	}
	note_open(f, e);
	flow_word_note(f, e);
	flow_word_serving(f, e);
	flow_guard_entry(f, e);
	flow_lookup_note(f, e);
	flow_hq_kept_note(f, e);
	if (journal_put(f->p.journal, e)) {
		f->in_flight++;
		return true;
	}
	flow_now(f, &now);
	e->status = ENTRY_REFUSED;
	e->reason = "queue_full";
	notes_answered(f, e);
	sale_answered(f->sale, e, &now);
	counter_add(f->p.counters, COUNTER_EVENTS_REFUSED, e->count);
	entry_free(e);
	return false;
}

void flow_publish(struct flow *f)
{
	for (const char *lane = sale_changed(f->sale); lane; lane = sale_changed(f->sale)) {
		flow_hq_kept_met(f, lane);
		flow_publish_lane(f, lane);
		flow_tell_tills(f, lane);
	}
}

void flow_publish_lane(struct flow *f, const char *lane)
{
	buf_reset(&f->json);
	if (f->watch_lane && flow_lane_json(f, lane, &f->json) && !f->json.failed)
		f->watch_lane(f->watch_ctx, lane, (const char *)f->json.data, f->json.len);
}

void flow_publish_all(struct flow *f)
{
	for (int i = 0; i < f->conf->lane_count; i++)
		flow_publish_lane(f, f->conf->lanes[i]);
}

/* ---- the journal's answers ---- */

static void answered(struct flow *f, struct entry *e)
{
	bool kept = e->status == ENTRY_KEPT;

	if (!kept)
		log_warn("%u events of %s were refused: %s", (unsigned)e->count, e->first->source,
		         e->reason);
	if (kept) {
		memcpy(f->kept.epoch, e->epoch, sizeof f->kept.epoch);
		f->kept.seq = e->seq;
		f->kept_unmarked += e->count;
	}
	notes_answered(f, e);
	if (kept)
		flow_overlay_kept(f, e);
	if (e->has_id)
		flow_till_answered(f, e);
	else if (!kept && e->tag == FLOW_TAG_SCAN)
		flow_note_gap(f, e->first->source);
	else if (e->tag == FLOW_TAG_GAP)
		flow_settle_gap(e);
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
		if (!e->has_id && e->tag == FLOW_TAG_TAP)
			flow_tap_answered(f, e);
		if (e->first->kind == EVENT_DAY_CLOSED)
			flow_day_answered(f->day, e);
		entry_free(e);
	}
	if (kept)
		flow_flush_gaps(f);
	flow_publish(f);
	if (kept && f->stage == FLOW_STARTING)
		flow_publish_all(f); /* "Card kept" */
}
