#include <string.h>

#include "base/log.h"
#include "sync/uplink_internal.h"

static void drop_covered(struct uplink *u)
{
	for (int i = u->batch_count - 1; i >= 0; i--) {
		const struct uplink_batch *b = &u->batches[i];
		const struct uplink_epoch *e = uplink_epoch_by_ordinal(u, b->ordinal);
		if (!e || uplink_epoch_open(e, b->first) >= b->first + b->count)
			uplink_batch_drop(u, i);
	}
}

/* One event a batch from now on, for the batch's seqs. A full list grows its last range: more
 * events travel alone than need to, none is forgotten. */
static void travel_alone(struct uplink_epoch *e, uint64_t first, uint64_t last)
{
	if (e->single_count < UPLINK_SINGLES_MAX) {
		e->singles[e->single_count++] = (struct journal_range){first, last};
		return;
	}
	struct journal_range *r = &e->singles[UPLINK_SINGLES_MAX - 1];
	r->first = first < r->first ? first : r->first;
	r->last = last > r->last ? last : r->last;
}

static void note_unreadable(struct uplink *u, const uint8_t hash[EVENT_HASH_BYTES])
{
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		struct uplink_epoch *e = uplink_epoch_by_ordinal(u, b->ordinal);
		if (!e || memcmp(b->payload, hash, EVENT_HASH_BYTES) != 0)
			continue;
		if (b->count == 1 && b->plain) {
			uplink_held_raw(u, e, b);
			return;
		}
		log_warn("uplink: HQ cannot read a batch of %u events: they go one by one, in wire "
		         "version 1",
		         b->count);
		travel_alone(e, b->first, b->first + b->count - 1);
		uplink_batch_drop(u, i);
		return;
	}
}

static const struct uplink_epoch *epoch_of(const struct uplink *u, const uint8_t *epoch)
{
	for (int i = 0; i < u->epoch_count; i++)
		if (memcmp(u->epochs[i].epoch, epoch, EVENT_EPOCH_BYTES) == 0)
			return &u->epochs[i];
	return NULL;
}

int uplink_ours(const struct uplink *u, const uint8_t epoch[EVENT_EPOCH_BYTES],
                const struct journal_range *of, struct journal_range *out, int max)
{
	const struct uplink_epoch *e = epoch_of(u, epoch);
	uint64_t seq = of->first, end;
	int n = 0;

	if (!e)
		out[n++] = *of;
	while (e && seq <= of->last && n < max) {
		end = seq <= e->through ? e->through : uplink_runs_end(&e->confirmed, seq);
		if (!end) {
			seq = uplink_runs_next(&e->confirmed, seq);
			continue;
		}
		if (end > of->last)
			end = of->last;
		out[n++] = (struct journal_range){seq, end};
		seq = end + 1;
	}
	return n;
}

void uplink_confirm(struct uplink *u, const struct confirm *c)
{
	uint64_t gained = 0;
	uplink_epochs_refresh(u);
	for (int i = 0; i < c->epoch_count; i++) {
		struct uplink_epoch *e = uplink_epoch_by_id(u, c->epochs[i].epoch);
		if (e)
			gained += uplink_word_take(u, e, &c->epochs[i]);
		uplink_held_answer(u, &c->epochs[i]);
	}
	drop_covered(u);
	for (int i = 0; i < c->unreadable_count; i++)
		note_unreadable(u, c->unreadable[i]);
	u->credit = c->credit;
	u->form = batch_form_best(&c->accepts);
	u->full[UPLINK_LIVE] = u->full[UPLINK_BACKLOG] = false;
	if (gained > 0)
		uplink_progress(u);
	uplink_epochs_flush(u);
}
