#include "sync/uplink_notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define NOTES_MAX 4096 /* epochs times reasons: thousands of copies of a device */
#define LATER_FIRST 256

void uplink_notes_free(struct uplink_notes *n)
{
	for (size_t i = 0; i < n->count; i++)
		uplink_runs_free(&n->list[i].runs);
	free(n->list);
	free(n->later);
	memset(n, 0, sizeof(*n));
}

static bool is_of(const struct uplink_noted *noted, const uint8_t *epoch,
                  enum journal_note_kind kind)
{
	return noted->kind == kind && memcmp(noted->epoch, epoch, EVENT_EPOCH_BYTES) == 0;
}

static struct uplink_noted *find(struct uplink_notes *n, const struct journal_note *note)
{
	for (size_t i = 0; i < n->count; i++)
		if (is_of(&n->list[i], note->epoch, note->kind) &&
		    strcmp(n->list[i].reason, note->reason) == 0)
			return &n->list[i];
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 16;
		struct uplink_noted *more =
		    cap <= NOTES_MAX ? realloc(n->list, cap * sizeof(*more)) : NULL;
		if (!more)
			return NULL;
		n->list = more;
		n->cap = cap;
	}
	struct uplink_noted *noted = &n->list[n->count++];
	memset(noted, 0, sizeof(*noted));
	memcpy(noted->epoch, note->epoch, EVENT_EPOCH_BYTES);
	noted->kind = note->kind;
	memcpy(noted->reason, note->reason, sizeof(noted->reason));
	noted->wall_us = note->wall_us;
	return noted;
}

static void loaded(void *ctx, const struct journal_note *note)
{
	struct uplink_notes *n = ctx;
	struct uplink_noted *noted = find(n, note);
	if (!noted)
		return;
	uplink_runs_add(&noted->runs, note->first, note->last);
	noted->wall_us = note->wall_us < noted->wall_us ? note->wall_us : noted->wall_us;
}

int uplink_notes_load(struct uplink_notes *n, struct journal_reader *reader)
{
	uplink_notes_free(n);
	n->changes = 1;
	return journal_reader_notes(reader, loaded, n);
}

/* The run that holds a seq, as a row of the journal. */
static struct journal_note row_of(const struct uplink_noted *noted, const struct journal_range *run)
{
	struct journal_note row = {
	    .kind = noted->kind, .first = run->first, .last = run->last, .wall_us = noted->wall_us};
	memcpy(row.epoch, noted->epoch, sizeof(row.epoch));
	memcpy(row.reason, noted->reason, sizeof(row.reason));
	return row;
}

/* HQ may name thousands of runs at once, and the journal's list is short. false: no memory. */
static bool tell(struct uplink_notes *n, struct journal *journal, const struct journal_note *note)
{
	if (n->later_count == 0 && journal_note(journal, note))
		return true;
	if (n->later_count == n->later_cap) {
		size_t cap = n->later_cap ? n->later_cap * 2 : LATER_FIRST;
		struct journal_note *more = realloc(n->later, cap * sizeof(*more));
		if (!more)
			return false;
		n->later = more;
		n->later_cap = cap;
	}
	n->later[n->later_count++] = *note;
	return true;
}

bool uplink_notes_flush(struct uplink_notes *n, struct journal *journal)
{
	size_t told = 0;
	while (told < n->later_count && journal_note(journal, &n->later[told]))
		told++;
	n->later_count -= told;
	if (told)
		memmove(n->later, n->later + told, n->later_count * sizeof(*n->later));
	return n->later_count == 0;
}

uint64_t uplink_notes_add(struct uplink_notes *n, struct journal *journal,
                          const struct journal_note *note)
{
	struct uplink_noted *noted = find(n, note);
	uint64_t fresh = noted ? uplink_runs_add(&noted->runs, note->first, note->last) : 0;
	if (!fresh)
		return 0;
	n->changes++;
	for (size_t i = 0; i < noted->runs.count; i++) {
		struct journal_note row = row_of(noted, &noted->runs.run[i]);
		if (row.first > note->first || row.last < note->last)
			continue;
		if (tell(n, journal, &row))
			return fresh;
		break;
	}
	uplink_runs_cut(&noted->runs, note->first, note->last);
	return 0;
}

void uplink_notes_cut(struct uplink_notes *n, struct journal *journal,
                      const struct journal_note *note)
{
	struct journal_note out = *note;
	uint64_t cut = 0;
	for (size_t i = 0; i < n->count; i++)
		if (is_of(&n->list[i], note->epoch, note->kind))
			cut += uplink_runs_cut(&n->list[i].runs, note->first, note->last);
	if (!cut)
		return;
	n->changes++;
	out.out = true;
	if (!tell(n, journal, &out))
		log_warn("uplink: what HQ said of some events is remembered until the next start "
		         "only");
}

void uplink_notes_rewind(struct uplink_notes *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->count; i++) {
		if (n->list[i].kind == JOURNAL_NOTE_LOST)
			n->list[kept++] = n->list[i];
		else
			uplink_runs_free(&n->list[i].runs);
	}
	n->count = kept;
	n->changes++;
	kept = 0;
	for (size_t i = 0; i < n->later_count; i++)
		if (n->later[i].kind == JOURNAL_NOTE_LOST)
			n->later[kept++] = n->later[i];
	n->later_count = kept;
}

uint64_t uplink_notes_total(const struct uplink_notes *n, enum journal_note_kind kind)
{
	uint64_t total = 0;
	for (size_t i = 0; i < n->count; i++)
		if (n->list[i].kind == kind)
			total += uplink_runs_total(&n->list[i].runs);
	return total;
}

int uplink_notes_newest(const struct uplink_notes *n, struct journal_note *out, int max)
{
	int count = 0;
	for (size_t i = n->count; i-- > 0;)
		for (size_t k = n->list[i].runs.count; k-- > 0 && count < max;)
			out[count++] = row_of(&n->list[i], &n->list[i].runs.run[k]);
	return count;
}

void uplink_notes_runs(const struct uplink_notes *n, const uint8_t epoch[EVENT_EPOCH_BYTES],
                       enum journal_note_kind kind, struct uplink_runs *out)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct uplink_runs *runs = &n->list[i].runs;
		for (size_t k = 0; is_of(&n->list[i], epoch, kind) && k < runs->count; k++)
			uplink_runs_add(out, runs->run[k].first, runs->run[k].last);
	}
}
