#include "hq/intake/hq_round.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/intake/hq_run.h"

#define HQ_ROUND_ENTRIES_MAX                                                                       \
	512 /* named seqs and ranges of one confirmation: well within a frame's header */

/* One confirmation. A store gets a second one when its first is full. */
struct sheet {
	struct sheet *next;
	char store[EVENT_STORE_SIZE];
	int64_t row[CONFIRM_EPOCHS_MAX];
	int entries;
	struct confirm confirm;
};

struct hq_round {
	struct sheet *first, **end;
};

struct hq_round *hq_round_new(void)
{
	struct hq_round *r = memory_zeroed(1, sizeof *r);

	if (r)
		r->end = &r->first;
	return r;
}

void hq_round_clear(struct hq_round *r)
{
	while (r->first) {
		struct sheet *sheet = r->first;
		r->first = sheet->next;
		free(sheet);
	}
	r->end = &r->first;
}

void hq_round_free(struct hq_round *r)
{
	if (!r)
		return;
	hq_round_clear(r);
	free(r);
}

static struct sheet *add_sheet(struct hq_round *r, const char *store)
{
	struct sheet *sheet = memory_zeroed(1, sizeof *sheet);

	if (!sheet)
		return NULL;
	text_copy(sheet->store, sizeof sheet->store, store);
	*r->end = sheet;
	r->end = &sheet->next;
	return sheet;
}

static int index_of(const struct sheet *sheet, int64_t row)
{
	for (int i = 0; i < sheet->confirm.epoch_count; i++) {
		if (sheet->row[i] == row)
			return i;
	}
	return -1;
}

/* An epoch's place in a sheet. */
struct spot {
	struct sheet *sheet;
	int at;
};

static struct confirm_epoch *epoch_at(const struct spot *spot)
{
	return &spot->sheet->confirm.epochs[spot->at];
}

static struct spot add_epoch(struct sheet *sheet, const struct hq_round_place *place)
{
	struct spot spot = {sheet, sheet->confirm.epoch_count++};

	sheet->row[spot.at] = place->epoch_row;
	memcpy(epoch_at(&spot)->epoch, place->epoch, EVENT_EPOCH_BYTES);
	return spot;
}

static int *list_count(struct confirm_epoch *e, enum hq_round_list list)
{
	switch (list) {
	case HQ_ROUND_FORKED:
		return &e->forked_count;
	case HQ_ROUND_SETTLED:
		return &e->settled_count;
	default:
		return &e->quarantined_count;
	}
}

/* The epoch's newest spot with room for another entry of a list; made when there is none. sheet is
 * NULL: out of memory. */
static struct spot find_room(struct hq_round *r, const struct hq_round_place *place,
                             int (*used)(const struct spot *spot, int list), int list)
{
	struct spot hit = {NULL, 0};
	struct sheet *open = NULL;

	for (struct sheet *sheet = r->first; sheet; sheet = sheet->next) {
		if (strcmp(sheet->store, place->store) != 0)
			continue;
		struct spot spot = {sheet, index_of(sheet, place->epoch_row)};
		bool room = sheet->entries < HQ_ROUND_ENTRIES_MAX;
		if (spot.at >= 0 && (!used || (room && used(&spot, list) < CONFIRM_SEQS_MAX)))
			hit = spot;
		if (spot.at < 0 && room && sheet->confirm.epoch_count < CONFIRM_EPOCHS_MAX)
			open = sheet;
	}
	if (hit.sheet)
		return hit;
	if (!open)
		open = add_sheet(r, place->store);
	return open ? add_epoch(open, place) : hit;
}

int hq_round_touch(struct hq_round *r, const struct hq_round_place *place)
{
	return find_room(r, place, NULL, 0).sheet ? 0 : -1;
}

static int used_of_list(const struct spot *spot, int list)
{
	return *list_count(epoch_at(spot), (enum hq_round_list)list);
}

/* Does the seq continue this run, in the same history? */
static bool continues(uint64_t last, const uint8_t *h, const struct hq_round_seq *seq)
{
	return seq->seq == last + 1 &&
	       (!seq->h_prev || memcmp(h, seq->h_prev, EVENT_HASH_BYTES) == 0);
}

static bool is_end(uint64_t last, const uint8_t *h, const struct hq_round_seq *seq)
{
	return seq->seq == last && (!seq->h || memcmp(h, seq->h, EVENT_HASH_BYTES) == 0);
}

static void end_at(uint64_t *last, bool *has_h, uint8_t *h, const struct hq_round_seq *seq)
{
	*last = seq->seq;
	*has_h = seq->h != NULL;
	if (seq->h)
		memcpy(h, seq->h, EVENT_HASH_BYTES);
}

/* true: a new entry. */
static bool settle(struct confirm_epoch *e, const struct hq_round_seq *seq)
{
	struct confirm_range *r = e->settled_count ? &e->settled[e->settled_count - 1] : NULL;
	bool fresh = !r || !continues(r->last, r->h, seq);

	if (r && is_end(r->last, r->h, seq))
		return false;
	if (fresh) {
		r = &e->settled[e->settled_count++];
		r->first = seq->seq;
	}
	end_at(&r->last, &r->has_h, r->h, seq);
	return fresh;
}

static bool add_raw(struct confirm_seq *seqs, int *count, const struct hq_round_seq *seq)
{
	struct confirm_seq *r = *count ? &seqs[*count - 1] : NULL;
	bool alike = r && strcmp(r->reason, seq->reason) == 0;
	bool fresh = !alike || !continues(r->last, r->h, seq);

	for (int i = 0; i < *count; i++) {
		if (is_end(seqs[i].last, seqs[i].h, seq) ||
		    (!seq->h && seq->seq >= seqs[i].seq && seq->seq <= seqs[i].last))
			return false;
	}
	if (fresh) {
		r = &seqs[(*count)++];
		r->seq = seq->seq;
		text_copy(r->reason, sizeof r->reason, seq->reason);
	}
	end_at(&r->last, &r->has_h, r->h, seq);
	return fresh;
}

int hq_round_name(struct hq_round *r, const struct hq_round_place *place, enum hq_round_list list,
                  const struct hq_round_seq *seq)
{
	struct spot spot = find_room(r, place, used_of_list, list);
	struct confirm_epoch *e;
	bool fresh;

	if (!spot.sheet)
		return -1;
	e = epoch_at(&spot);
	if (list == HQ_ROUND_SETTLED)
		fresh = settle(e, seq);
	else if (list == HQ_ROUND_FORKED)
		fresh = add_raw(e->forked, &e->forked_count, seq);
	else
		fresh = add_raw(e->quarantined, &e->quarantined_count, seq);
	spot.sheet->entries += fresh;
	return 0;
}

static int used_of_same(const struct spot *spot, int list)
{
	(void)list;
	return epoch_at(spot)->same_count;
}

int hq_round_same(struct hq_round *r, const struct hq_round_place *place, const struct hq_run *run)
{
	struct spot spot = find_room(r, place, used_of_same, 0);
	struct confirm_epoch *e;
	struct confirm_range *last;

	if (!spot.sheet)
		return -1;
	e = epoch_at(&spot);
	last = e->same_count ? &e->same[e->same_count - 1] : NULL;
	if (last && run->first == last->last + 1 &&
	    memcmp(last->h, run->h_prev, EVENT_HASH_BYTES) == 0) {
		last->last = run->last;
	} else {
		spot.sheet->entries++;
		last = &e->same[e->same_count++];
		*last = (struct confirm_range){run->first, run->last, .has_h = true};
	}
	memcpy(last->h, run->h_last, EVENT_HASH_BYTES);
	return 0;
}

/* What it says of its seqs stands in one place: a confirmation that has none of the epoch's yet. */
int hq_round_page(struct hq_round *r, const struct hq_round_place *place,
                  const struct hq_round_page *page)
{
	struct sheet *open = NULL;
	struct confirm_epoch *e;

	for (struct sheet *sheet = r->first; sheet; sheet = sheet->next) {
		if (strcmp(sheet->store, place->store) == 0 &&
		    index_of(sheet, place->epoch_row) < 0 &&
		    sheet->confirm.epoch_count < CONFIRM_EPOCHS_MAX &&
		    sheet->entries + page->n <= HQ_ROUND_ENTRIES_MAX)
			open = sheet;
	}
	if (!open)
		open = add_sheet(r, place->store);
	if (!open)
		return -1;
	struct spot spot = add_epoch(open, place);
	e = epoch_at(&spot);
	e->held_first = page->first;
	e->held_last = page->last;
	memcpy(e->same, page->run, (size_t)page->n * sizeof e->same[0]);
	e->same_count = page->n;
	open->entries += page->n;
	return 0;
}

int hq_round_unreadable(struct hq_round *r, const char *store,
                        const uint8_t sha256[EVENT_HASH_BYTES])
{
	const int max =
	    sizeof r->first->confirm.unreadable / sizeof r->first->confirm.unreadable[0];
	struct sheet *sheet, *open = NULL;

	for (sheet = r->first; sheet; sheet = sheet->next) {
		if (strcmp(sheet->store, store) == 0 && sheet->confirm.unreadable_count < max)
			open = sheet;
	}
	if (!open)
		open = add_sheet(r, store);
	if (!open)
		return -1;
	memcpy(open->confirm.unreadable[open->confirm.unreadable_count++], sha256,
	       EVENT_HASH_BYTES);
	return 0;
}

/* Where a run ends, its h says it all: a shorter word about the same history is left out. */
static void drop_same(struct confirm_epoch *out, uint64_t last, const uint8_t h[EVENT_HASH_BYTES])
{
	int kept = 0;

	for (int i = 0; i < out->same_count; i++) {
		if (out->same[i].last != last || memcmp(out->same[i].h, h, EVENT_HASH_BYTES) != 0)
			out->same[kept++] = out->same[i];
	}
	out->same_count = kept;
}

/* Ranges that touch (a join that does not fit) are told as they are held: they are durable. */
static void fill(struct hq_db *db, int64_t row, struct confirm_epoch *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_RUN_ALL, "i", row);

	while (out->range_count < CONFIRM_RANGES_MAX && hq_db_row(db, q)) {
		uint64_t first = (uint64_t)sqlite3_column_int64(q, 0);
		uint64_t last = (uint64_t)sqlite3_column_int64(q, 1);
		const void *h = hq_db_bytes(q, 2, EVENT_HASH_BYTES);
		struct confirm_range *range = &out->ranges[out->range_count];

		if (!h)
			continue;
		drop_same(out, last, h);
		if (first == 1) {
			out->through = last;
			out->has_h = true;
			memcpy(out->h, h, EVENT_HASH_BYTES);
			continue;
		}
		*range = (struct confirm_range){first, last, .has_h = true};
		memcpy(range->h, h, EVENT_HASH_BYTES);
		out->range_count++;
	}
	hq_db_end(q);
}

/* What a store hands back to show how far it has seen HQ come (WIRE.md section 9). */
static void write_seen(const struct hq_round_out *out, struct sheet *sheet)
{
	if (hq_keys_seen(out->keys, out->work, sheet->store, hq_db_turn(out->db),
	                 sheet->confirm.seen) != 0)
		sheet->confirm.seen[0] = '\0';
}

void hq_round_send(struct hq_round *r, const struct hq_round_out *out)
{
	for (struct sheet *sheet = r->first; sheet; sheet = sheet->next) {
		uint64_t before = memory_failures();
		for (int i = 0; i < sheet->confirm.epoch_count; i++)
			fill(out->db, sheet->row[i], &sheet->confirm.epochs[i]);
		text_copy(sheet->confirm.generation, sizeof sheet->confirm.generation,
		          hq_db_generation(out->db));
		sheet->confirm.credit = out->credit;
		batch_accepts(&sheet->confirm.accepts);
		write_seen(out, sheet);
		if (memory_failures() != before) {
			log_error("store %s: out of memory for a confirmation; it will ask again",
			          sheet->store);
			continue;
		}
		out->fn(out->ctx, sheet->store, &sheet->confirm);
	}
	hq_round_clear(r);
}
