#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sync/uplink_internal.h"

#define EPOCHS_FIRST 64  /* epochs read at first; doubled while the journal has more */
#define EPOCHS_MAX 65536 /* a crash a minute for six weeks */
#define RANGES_TOLD                                                                                \
	32 /* of one epoch, to the journal: after a restart the rest is sent again, no more */

/* ---- one epoch's arithmetic ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t uplink_epoch_unconfirmed_below(const struct uplink_epoch *e, uint64_t seq)
{
	uint64_t last = min_u64(e->last_seq, seq ? seq - 1 : 0);
	uint64_t n = last > e->through ? last - e->through : 0;
	for (size_t i = 0; i < e->confirmed.count && e->confirmed.run[i].first <= last; i++)
		n -= min_u64(e->confirmed.run[i].last, last) - e->confirmed.run[i].first + 1;
	return n;
}

uint64_t uplink_epoch_unconfirmed(const struct uplink_epoch *e)
{
	return uplink_epoch_unconfirmed_below(e, e->last_seq + 1);
}

uint64_t uplink_epoch_open(const struct uplink_epoch *e, uint64_t seq)
{
	if (seq <= e->through)
		seq = e->through + 1;
	for (uint64_t before = 0; before != seq;) {
		before = seq;
		uint64_t end = uplink_runs_end(&e->confirmed, seq);
		seq = end ? end + 1 : seq;
		end = uplink_runs_end(&e->forked, seq);
		seq = end ? end + 1 : seq;
	}
	return seq;
}

/* The end of the batch on its way that carries seq, or 0; *next: where the next one above begins.
 */
static uint64_t carried_to(const struct uplink *u, const struct uplink_epoch *e, uint64_t seq,
                           uint64_t *next)
{
	*next = UINT64_MAX;
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		if (b->ordinal != e->ordinal || b->first + b->count <= seq)
			continue;
		if (b->first <= seq)
			return b->first + b->count - 1;
		*next = b->first;
		break;
	}
	return 0;
}

bool uplink_epoch_alone(const struct uplink_epoch *e, uint64_t seq)
{
	for (int i = 0; i < e->single_count; i++)
		if (seq >= e->singles[i].first && seq <= e->singles[i].last)
			return true;
	return false;
}

/* How far a batch that begins at seq may reach before something that is not to be carried. */
static uint64_t free_to(const struct uplink_epoch *e, uint64_t seq)
{
	uint64_t last = min_u64(e->last_seq, uplink_runs_next(&e->confirmed, seq) - 1);
	last = min_u64(last, uplink_runs_next(&e->forked, seq) - 1);
	if (uplink_epoch_alone(e, seq))
		return seq;
	for (int i = 0; i < e->single_count; i++)
		if (e->singles[i].first > seq)
			last = min_u64(last, e->singles[i].first - 1);
	return last;
}

bool uplink_epoch_gap(const struct uplink *u, const struct uplink_epoch *e, uint64_t from,
                      struct journal_range *gap)
{
	uint64_t seq = uplink_epoch_open(e, from), next = 0;
	while (seq <= e->last_seq) {
		uint64_t end = carried_to(u, e, seq, &next);
		if (!end) {
			gap->first = seq;
			gap->last = min_u64(free_to(e, seq), next - 1);
			return true;
		}
		seq = uplink_epoch_open(e, end + 1);
	}
	return false;
}

/* ---- what HQ said ---- */

/* What lies above `through` and touches it goes into it; what is beyond the last seq is nothing. */
static void settle(struct uplink_epoch *e)
{
	uint64_t end = uplink_runs_end(&e->confirmed, e->through + 1);
	uplink_runs_cut(&e->confirmed, e->last_seq + 1, UINT64_MAX);
	if (end)
		e->through = min_u64(end, e->last_seq);
	uplink_runs_cut(&e->confirmed, 1, e->through);
}

bool uplink_epoch_covers(const struct uplink_epoch *e, uint64_t first, uint64_t last)
{
	if (last <= e->through)
		return true;
	if (first <= e->through)
		first = e->through + 1;
	return uplink_runs_end(&e->confirmed, first) >= last;
}

uint64_t uplink_epoch_confirm(struct uplink_epoch *e, const struct journal_range *said, int n)
{
	uint64_t before = uplink_epoch_unconfirmed(e);
	if (n == 0)
		return 0;
	for (int i = 0; i < n; i++)
		uplink_runs_add(&e->confirmed, said[i].first, said[i].last);
	settle(e);
	uint64_t gained = before - uplink_epoch_unconfirmed(e);
	e->dirty = e->dirty || gained != 0;
	return gained;
}

/* ---- all of them ---- */

struct uplink_epoch *uplink_epoch_by_id(struct uplink *u, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	for (int i = 0; i < u->epoch_count; i++)
		if (memcmp(u->epochs[i].epoch, epoch, EVENT_EPOCH_BYTES) == 0)
			return &u->epochs[i];
	return NULL;
}

struct uplink_epoch *uplink_epoch_by_ordinal(struct uplink *u, int64_t ordinal)
{
	for (int i = 0; i < u->epoch_count; i++)
		if (u->epochs[i].ordinal == ordinal)
			return &u->epochs[i];
	return NULL;
}

static void take_over(struct uplink_epoch *e, const struct journal_epoch *from, bool rewind)
{
	e->ordinal = from->ordinal;
	memcpy(e->epoch, from->epoch, sizeof(e->epoch));
	e->last_seq = from->last_seq;
	e->deleted = from->deleted_through;
	e->through = from->deleted_through;
	/* There is nothing to send for holes, whatever HQ says of them. */
	for (uint32_t i = 0; i < from->hole_count; i++)
		uplink_runs_add(&e->confirmed, from->holes[i].first, from->holes[i].last);
	if (!rewind) {
		e->through =
		    from->confirmed_through > e->deleted ? from->confirmed_through : e->deleted;
		for (uint32_t i = 0; i < from->confirmed_count; i++)
			uplink_runs_add(&e->confirmed, from->confirmed[i].first,
			                from->confirmed[i].last);
	}
	settle(e);
}

/* What the journal was not told, or does not keep. */
static void keep_known(struct uplink_epoch *e, const struct uplink_epoch *old, bool rewind)
{
	memcpy(e->singles, old->singles, sizeof(e->singles));
	e->single_count = old->single_count;
	if (rewind)
		return;
	e->heard = old->heard;
	for (size_t i = 0; i < old->confirmed.count; i++)
		uplink_runs_add(&e->confirmed, old->confirmed.run[i].first,
		                old->confirmed.run[i].last);
	uplink_runs_add(&e->confirmed, 1, old->through);
}

/* All epochs of the journal, in memory of their own; the number, or -1. */
static int read_epochs(struct uplink *u, struct journal_epoch **out)
{
	for (int max = EPOCHS_FIRST; max <= EPOCHS_MAX; max *= 2) {
		struct journal_epoch *list = calloc((size_t)max, sizeof(*list));
		int n = list ? journal_reader_epochs(u->params.reader, list, max) : -1;
		if (n >= 0 && (n < max || max == EPOCHS_MAX)) {
			*out = list;
			return n;
		}
		free(list);
		if (n < 0)
			return -1;
	}
	return -1;
}

static void forget(struct uplink_epoch *e)
{
	uplink_runs_free(&e->forked);
	uplink_runs_free(&e->confirmed);
	memset(e, 0, sizeof(*e));
}

void uplink_epochs_free(struct uplink *u)
{
	for (int i = 0; i < u->epoch_count; i++)
		forget(&u->epochs[i]);
	free(u->epochs);
	u->epochs = NULL;
	u->epoch_count = 0;
}

int uplink_epochs_load(struct uplink *u, bool rewind, char *err, size_t err_size)
{
	struct journal_epoch *list = NULL;
	int n = read_epochs(u, &list), kept = 0;
	struct uplink_epoch *epochs = n >= 0 ? calloc((size_t)n + 1, sizeof(*epochs)) : NULL;
	if (!epochs) {
		free(list);
		snprintf(err, err_size, "uplink: the journal's epochs cannot be read");
		return -1;
	}
	for (int i = 0; i < n; i++) {
		struct uplink_epoch *e = &epochs[kept];
		struct uplink_epoch *old = uplink_epoch_by_ordinal(u, list[i].ordinal);
		if (old)
			keep_known(e, old, rewind);
		take_over(e, &list[i], rewind);
		uplink_notes_runs(&u->notes, e->epoch, JOURNAL_NOTE_FORKED, &e->forked);
		if (i == n - 1 || uplink_epoch_unconfirmed(e))
			kept++;
		else
			forget(e);
	}
	free(list);
	uplink_epochs_free(u);
	u->epochs = epochs;
	u->epoch_count = kept;
	return 0;
}

/* Epochs came back from a damaged journal, or one was opened late, for want of room: they wait too.
 */
static void load_new(struct uplink *u, uint64_t rev)
{
	char err[200];
	for (int i = 0; i < u->epoch_count; i++)
		if (u->epochs[i].dirty) /* told first: what is read anew is what the file says */
			return;
	if (uplink_epochs_load(u, false, err, sizeof(err)) == 0)
		u->epochs_rev = rev;
	else
		log_error("%s", err);
}

void uplink_epochs_refresh(struct uplink *u)
{
	struct journal_state state;
	journal_state(u->params.journal, &state);
	int kept = 0;
	if (state.epochs_rev != u->epochs_rev)
		load_new(u, state.epochs_rev);
	for (int i = 0; i < u->epoch_count; i++) {
		struct uplink_epoch *e = &u->epochs[i];
		bool open = memcmp(e->epoch, state.epoch, sizeof(e->epoch)) == 0;
		if (open && state.last_seq > e->last_seq)
			e->last_seq = state.last_seq;
		if (!open && !e->dirty && uplink_epoch_unconfirmed(e) == 0) {
			forget(e);
			continue;
		}
		if (kept != i)
			u->epochs[kept] = *e;
		kept++;
	}
	u->epoch_count = kept;
}

void uplink_epochs_flush(struct uplink *u)
{
	for (int i = 0; i < u->epoch_count; i++) {
		struct uplink_epoch *e = &u->epochs[i];
		if (!e->dirty)
			continue;
		struct journal_confirm c = {.through = e->through,
		                            .unheard = u->ask.unheard && !e->heard};
		memcpy(c.epoch, e->epoch, sizeof(c.epoch));
		for (; c.range_count < RANGES_TOLD && c.range_count < e->confirmed.count;
		     c.range_count++)
			c.ranges[c.range_count] = e->confirmed.run[c.range_count];
		if (!journal_confirm(u->params.journal, &c))
			return;
		e->dirty = false;
	}
}
