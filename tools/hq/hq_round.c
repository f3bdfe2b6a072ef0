#include "hq/hq_round.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hq/hq_run.h"

/* One confirmation. A store gets a second one when its first is full. */
struct sheet {
	struct sheet *next;
	char store[EVENT_STORE_SIZE];
	int64_t row[CONFIRM_EPOCHS_MAX];
	struct confirm confirm;
};

struct hq_round {
	struct sheet *first, **end;
};

struct hq_round *hq_round_new(void)
{
	struct hq_round *r = calloc(1, sizeof *r);

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
	struct sheet *sheet = calloc(1, sizeof *sheet);

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

static struct confirm_epoch *touch(struct hq_round *r, const struct hq_round_place *place)
{
	struct sheet *sheet, *open = NULL;
	struct confirm_epoch *epoch;

	for (sheet = r->first; sheet; sheet = sheet->next) {
		if (strcmp(sheet->store, place->store) != 0)
			continue;
		int at = index_of(sheet, place->epoch_row);
		if (at >= 0)
			return &sheet->confirm.epochs[at];
		if (sheet->confirm.epoch_count < CONFIRM_EPOCHS_MAX)
			open = sheet;
	}
	if (!open)
		open = add_sheet(r, place->store);
	if (!open)
		return NULL;
	open->row[open->confirm.epoch_count] = place->epoch_row;
	epoch = &open->confirm.epochs[open->confirm.epoch_count++];
	memcpy(epoch->epoch, place->epoch, EVENT_EPOCH_BYTES);
	return epoch;
}

int hq_round_touch(struct hq_round *r, const struct hq_round_place *place)
{
	return touch(r, place) ? 0 : -1;
}

/* A list that is full stays as it is: the store hears of the rest when it sends them again. */
int hq_round_name(struct hq_round *r, const struct hq_round_place *place, enum hq_round_list list,
                  uint64_t seq, const char *reason)
{
	struct confirm_epoch *epoch = touch(r, place);
	struct confirm_seq *seqs;
	int *count;

	if (!epoch)
		return -1;
	seqs = list == HQ_ROUND_FORKED ? epoch->forked : epoch->quarantined;
	count = list == HQ_ROUND_FORKED ? &epoch->forked_count : &epoch->quarantined_count;
	for (int i = 0; i < *count; i++) {
		if (seqs[i].seq == seq)
			return 0;
	}
	if (*count == CONFIRM_SEQS_MAX)
		return 0;
	seqs[*count].seq = seq;
	text_copy(seqs[*count].reason, sizeof seqs[*count].reason, reason);
	(*count)++;
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

/* Ranges that touch (a join that does not fit) are told as they are held: they are durable. */
static void fill(struct hq_db *db, int64_t row, struct confirm_epoch *out)
{
	struct sqlite3_stmt *q;

	out->through = hq_run_through(db, row);
	q = hq_db_query(db, HQ_SQL_RUN_ABOVE, "ii", row, (int64_t)out->through);
	while (out->range_count < CONFIRM_RANGES_MAX && hq_db_row(db, q)) {
		out->ranges[out->range_count].first = (uint64_t)sqlite3_column_int64(q, 0);
		out->ranges[out->range_count].last = (uint64_t)sqlite3_column_int64(q, 1);
		out->range_count++;
	}
	hq_db_end(q);
}

void hq_round_send(struct hq_round *r, struct hq_db *db, hq_ingest_confirm_fn *fn, void *ctx)
{
	for (struct sheet *sheet = r->first; sheet; sheet = sheet->next) {
		for (int i = 0; i < sheet->confirm.epoch_count; i++)
			fill(db, sheet->row[i], &sheet->confirm.epochs[i]);
		text_copy(sheet->confirm.generation, sizeof sheet->confirm.generation,
		          hq_db_generation(db));
		sheet->confirm.credit = HQ_ROUND_CREDIT_BYTES;
		fn(ctx, sheet->store, &sheet->confirm);
	}
	hq_round_clear(r);
}
