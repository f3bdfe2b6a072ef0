#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sync/uplink_internal.h"

#define EPOCHS_FIRST 64  /* epochs read at first; doubled while the journal has more */
#define EPOCHS_MAX 65536 /* a crash a minute for six weeks */

/* ---- one epoch's arithmetic ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t uplink_epoch_unconfirmed_below(const struct uplink_epoch *e, uint64_t seq)
{
	uint64_t last = min_u64(e->last_seq, seq ? seq - 1 : 0);
	uint64_t n = last > e->through ? last - e->through : 0;
	for (int i = 0; i < e->range_count && e->ranges[i].first <= last; i++)
		n -= min_u64(e->ranges[i].last, last) - e->ranges[i].first + 1;
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
		for (int i = 0; i < e->range_count; i++)
			if (seq >= e->ranges[i].first && seq <= e->ranges[i].last)
				seq = e->ranges[i].last + 1;
		uint64_t end = uplink_runs_end(&e->forked, seq);
		if (end)
			seq = end + 1;
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
	uint64_t last = e->last_seq;
	for (int i = 0; i < e->range_count; i++)
		if (e->ranges[i].first > seq)
			last = min_u64(last, e->ranges[i].first - 1);
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

static int by_first(const void *a, const void *b)
{
	const struct journal_range *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Ranges in any order, overlapping or not, become `through` and at most 32 rising ranges above it.
 */
static void settle(struct uplink_epoch *e, struct journal_range *r, int n)
{
	qsort(r, (size_t)n, sizeof(*r), by_first);
	e->range_count = 0;
	for (int i = 0; i < n; i++) {
		uint64_t last = min_u64(r[i].last, e->last_seq);
		if (last <= e->through || r[i].first > last)
			continue;
		struct journal_range *top = e->range_count ? &e->ranges[e->range_count - 1] : NULL;
		if (!top && r[i].first <= e->through + 1) {
			e->through = last;
		} else if (top && r[i].first <= top->last + 1) {
			top->last = last > top->last ? last : top->last;
		} else if (e->range_count < UPLINK_RANGES_MAX) {
			e->ranges[e->range_count].first = r[i].first;
			e->ranges[e->range_count++].last = last;
		}
	}
}

bool uplink_epoch_covers(const struct uplink_epoch *e, uint64_t first, uint64_t last)
{
	if (last <= e->through)
		return true;
	if (first <= e->through)
		first = e->through + 1;
	for (int i = 0; i < e->range_count; i++)
		if (first >= e->ranges[i].first && last <= e->ranges[i].last)
			return true;
	return false;
}

uint64_t uplink_epoch_confirm(struct uplink_epoch *e, const struct journal_range *said, int n)
{
	uint64_t before = uplink_epoch_unconfirmed(e);
	struct uplink_runs all = {0};
	if (n == 0)
		return 0;
	for (int i = 0; i < e->range_count; i++)
		uplink_runs_add(&all, e->ranges[i].first, e->ranges[i].last);
	for (int i = 0; i < n; i++)
		uplink_runs_add(&all, said[i].first, said[i].last);
	settle(e, all.run, (int)all.count);
	uplink_runs_free(&all);
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
	struct journal_range r[2 * UPLINK_RANGES_MAX];
	uint32_t n = from->hole_count;
	memcpy(r, from->holes, n * sizeof(r[0]));
	if (!rewind) {
		e->through =
		    from->confirmed_through > e->deleted ? from->confirmed_through : e->deleted;
		memcpy(r + n, from->confirmed, from->confirmed_count * sizeof(r[0]));
		n += from->confirmed_count;
	}
	settle(e, r, (int)n);
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
		if (old) {
			memcpy(e->singles, old->singles, sizeof(e->singles));
			e->single_count = old->single_count;
		}
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
		                            .range_count = (uint32_t)e->range_count};
		memcpy(c.epoch, e->epoch, sizeof(c.epoch));
		memcpy(c.ranges, e->ranges, (size_t)e->range_count * sizeof(e->ranges[0]));
		if (!journal_confirm(u->params.journal, &c))
			return;
		e->dirty = false;
	}
}
