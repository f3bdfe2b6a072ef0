#include "sync/uplink_internal.h"

#define BACKLOG_EVENTS_MIN                                                                         \
	2000           /* more than this waiting is a backlog; less is gone in a second            \
	                */
#define LIVE_EVENTS 50 /* the newest ones are live from the start: one batch */
#define LIVE_BEHIND_MAX                                                                            \
	5000 /* the live cursor that far behind leaves all but those to the backlog */
#define SPLIT_RANGES_MAX 16 /* each line drawn anew leaves one more range; HQ names 32 */
#define BACKLOG_SHARE 4     /* the backlog gets one part in this many of what leaves */
#define AHEAD_BYTES_MAX                                                                            \
	65536                /* what one cursor may be ahead of its share after the other idled    \
	                      */
#define JITTER_US 30000000ll /* 0 to 30 s before the backlog begins */
#define JITTER_KEPT_US 300000000ll /* drawn at most every 5 min: a flapping line still drains */
#define URGENT_MAX 64              /* urgent seqs looked at for one batch */

/* ---- where the line runs ---- */

static bool is_backlog(const struct uplink *u, int64_t ordinal, uint64_t seq)
{
	return u->split &&
	       (ordinal < u->live_ordinal || (ordinal == u->live_ordinal && seq < u->live_first));
}

uint64_t uplink_next_behind(const struct uplink *u)
{
	uint64_t n = 0;
	for (int i = 0; u->split && i < u->epoch_count; i++) {
		const struct uplink_epoch *e = &u->epochs[i];
		if (e->ordinal < u->live_ordinal)
			n += uplink_epoch_unconfirmed(e);
		else if (e->ordinal == u->live_ordinal)
			n += uplink_epoch_unconfirmed_below(e, u->live_first);
	}
	return n;
}

/* Events that are not confirmed and on no batch: of the live cursor, or of both. Forked ones count,
 * a few too many do not matter. */
static uint64_t waiting(const struct uplink *u, bool live_only)
{
	uint64_t n = 0, on_way = 0;
	for (int i = 0; i < u->epoch_count; i++)
		n += uplink_epoch_unconfirmed(&u->epochs[i]);
	if (live_only)
		n -= uplink_next_behind(u);
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		if (!live_only || !is_backlog(u, b->ordinal, b->first))
			on_way += b->count;
	}
	return n > on_way ? n - on_way : 0;
}

static void draw_line(struct uplink *u)
{
	const struct uplink_epoch *e = &u->epochs[u->epoch_count - 1];
	u->split = true;
	u->live_ordinal = e->ordinal;
	u->live_first = e->last_seq > LIVE_EVENTS ? e->last_seq - LIVE_EVENTS + 1 : 1;
}

void uplink_next_split(struct uplink *u)
{
	if (!u->epoch_count)
		return;
	const struct uplink_epoch *newest = &u->epochs[u->epoch_count - 1];
	if (u->split && uplink_next_behind(u) == 0)
		u->split = false;
	if (!u->split && waiting(u, false) > BACKLOG_EVENTS_MIN) {
		u->ahead_bytes = 0;
		draw_line(u);
	} else if (u->split && waiting(u, true) > LIVE_BEHIND_MAX &&
	           newest->confirmed.count < SPLIT_RANGES_MAX) {
		draw_line(u);
	}
}

void uplink_next_up(struct uplink *u)
{
	int64_t now = uplink_now(u);
	uint32_t dice;
	for (int i = 0; i < u->batch_count; i++)
		u->batches[i].backlog = true;
	u->full[UPLINK_LIVE] = u->full[UPLINK_BACKLOG] = false;
	uplink_next_split(u);
	if (!u->split || (u->jitter_us && now - u->jitter_us < JITTER_KEPT_US))
		return;
	vault_random(&dice, sizeof(dice));
	u->jitter_us = now;
	u->backlog_from_us = now + (int64_t)(dice % (JITTER_US + 1));
}

/* ---- whose turn it is ---- */

/* The lowest waiting seq of this cursor. false: none waits. */
static bool place_of(struct uplink *u, enum uplink_cursor cursor, struct uplink_place *out)
{
	out->cursor = cursor;
	for (out->epoch = u->epochs; out->epoch < u->epochs + u->epoch_count; out->epoch++) {
		bool border = u->split && out->epoch->ordinal == u->live_ordinal;
		bool below = u->split && out->epoch->ordinal < u->live_ordinal;
		if (cursor == UPLINK_LIVE && below)
			continue;
		if (cursor == UPLINK_BACKLOG && !below && !border)
			return false;
		uint64_t from = cursor == UPLINK_LIVE && border ? u->live_first : 0;
		if (!uplink_epoch_gap(u, out->epoch, from, &out->gap))
			continue;
		return cursor == UPLINK_LIVE || below || out->gap.first < u->live_first;
	}
	return false;
}

static int of_live(const struct uplink *u)
{
	int n = 0;
	for (int i = 0; i < u->batch_count; i++)
		n += !u->batches[i].backlog;
	return n;
}

bool uplink_next_fits(const struct uplink *u, enum uplink_cursor cursor, size_t len)
{
	if (!u->batch_count || u->bytes + len <= u->credit)
		return true;
	/* The one batch that is always allowed is the live cursor's, if the backlog fills the
	 * credit. */
	return cursor == UPLINK_LIVE && u->bytes <= u->credit && of_live(u) == 0;
}

void uplink_next_place(struct uplink *u, struct uplink_place *out)
{
	struct uplink_place backlog, live;
	bool may = u->split && u->backlog_from_us <= uplink_now(u);
	bool old = may && place_of(u, UPLINK_BACKLOG, &backlog);
	bool fresh = place_of(u, UPLINK_LIVE, &live);
	bool turn = old && (!fresh || u->ahead_bytes > 0);
	*out = (struct uplink_place){.cursor = UPLINK_NEITHER};
	if (turn && !u->full[UPLINK_BACKLOG])
		*out = backlog;
	else if (fresh && !u->full[UPLINK_LIVE] && (!turn || of_live(u) == 0))
		*out = live;
	if (!old)
		u->ahead_bytes = 0;
}

void uplink_next_sent(struct uplink *u, enum uplink_cursor cursor, size_t len)
{
	int64_t n = (int64_t)len;
	u->ahead_bytes += cursor == UPLINK_LIVE ? n : -n * (BACKLOG_SHARE - 1);
	if (u->ahead_bytes > AHEAD_BYTES_MAX)
		u->ahead_bytes = AHEAD_BYTES_MAX;
	if (u->ahead_bytes < -AHEAD_BYTES_MAX)
		u->ahead_bytes = -AHEAD_BYTES_MAX;
}

bool uplink_next_urgent(struct uplink *u, const struct uplink_epoch *e,
                        const struct journal_run *run, struct uplink_place *out)
{
	struct journal_urgent list[URGENT_MAX];
	int n = journal_reader_urgent(u->params.reader, list, URGENT_MAX);
	out->cursor = UPLINK_LIVE;
	for (int i = 0; i < n; i++) {
		out->epoch = uplink_epoch_by_id(u, list[i].epoch);
		if (!out->epoch || list[i].seq > out->epoch->last_seq)
			continue;
		if (out->epoch == e && list[i].seq >= run->first &&
		    list[i].seq < run->first + run->count)
			continue;
		if (!uplink_epoch_gap(u, out->epoch, list[i].seq, &out->gap) ||
		    out->gap.first != list[i].seq)
			continue;
		out->gap.last = out->gap.first;
		return true;
	}
	return false;
}
