#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define SAID_MAX (1 + CONFIRM_RANGES_MAX + 2 * CONFIRM_SEQS_MAX)

/* The end of a batch that is on its way is known without reading: the usual case. */
static const uint8_t *sent_h(const struct uplink *u, const struct uplink_epoch *e, uint64_t seq)
{
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		if (b->ordinal == e->ordinal && b->first + b->count - 1 == seq)
			return b->h_last;
	}
	return NULL;
}

bool uplink_word_is_ours(struct uplink *u, const struct uplink_epoch *e, uint64_t seq,
                         const uint8_t *h)
{
	uint8_t read[EVENT_HASH_BYTES];
	if (!h || seq < e->deleted || seq == 0)
		return true;
	if (seq > e->last_seq)
		return false;
	const uint8_t *own = sent_h(u, e, seq);
	if (!own && journal_reader_h(u->params.reader, e->epoch, seq, read) != 0)
		return false; /* it will be said again */
	return memcmp(own ? own : read, h, EVENT_HASH_BYTES) == 0;
}

/* ---- confirmed ---- */

struct said {
	struct journal_range list[SAID_MAX];
	int count;
};

/* What says nothing new is not worth a look at the chain. */
static void add(struct uplink *u, struct said *said, const struct uplink_epoch *e,
                const struct confirm_range *r)
{
	if (uplink_epoch_covers(e, r->first, r->last) ||
	    !uplink_word_is_ours(u, e, r->last, r->has_h ? r->h : NULL))
		return;
	said->list[said->count++] = (struct journal_range){r->first, r->last};
}

static void add_all(struct uplink *u, struct said *said, const struct uplink_epoch *e,
                    const struct confirm_range *list, int n)
{
	for (int i = 0; i < n; i++)
		add(u, said, e, &list[i]);
}

/* A run of our own that was forked and is confirmed after all, or settled. */
static void let_go(struct uplink *u, struct uplink_epoch *e, const struct said *said)
{
	for (int i = 0; i < said->count; i++) {
		struct journal_note note = {.kind = JOURNAL_NOTE_FORKED,
		                            .first = said->list[i].first,
		                            .last = said->list[i].last};
		memcpy(note.epoch, e->epoch, sizeof(note.epoch));
		if (uplink_runs_cut(&e->forked, note.first, note.last))
			uplink_notes_cut(&u->notes, u->params.journal, &note);
		note.kind = JOURNAL_NOTE_UNREADABLE;
		uplink_notes_cut(&u->notes, u->params.journal, &note);
	}
}

/* What another copy's forks were is told no longer once HQ has settled them. */
static void let_go_foreign(struct uplink *u, const struct uplink_epoch *e,
                           const struct confirm_epoch *c)
{
	struct journal_note note = {.kind = JOURNAL_NOTE_FOREIGN};
	memcpy(note.epoch, e->epoch, sizeof(note.epoch));
	for (int i = 0; i < c->settled_count; i++) {
		note.first = c->settled[i].first;
		note.last = c->settled[i].last;
		uplink_notes_cut(&u->notes, u->params.journal, &note);
	}
}

/* ---- kept raw ---- */

static struct journal_note note_of(const struct uplink *u, const struct uplink_epoch *e,
                                   enum journal_note_kind kind, const struct confirm_seq *s)
{
	struct journal_note note = {.kind = kind,
	                            .first = s->seq,
	                            .last = s->last,
	                            .wall_us = clock_wall_us(u->params.clock)};
	memcpy(note.epoch, e->epoch, sizeof(note.epoch));
	text_copy(note.reason, sizeof(note.reason), s->reason);
	return note;
}

static void note_quarantined(struct uplink *u, const struct uplink_epoch *e,
                             const struct confirm_seq *s)
{
	struct journal_note note = note_of(u, e, JOURNAL_NOTE_QUARANTINED, s);
	char hex[EVENT_EPOCH_SIZE];
	uint64_t n = uplink_notes_add(&u->notes, u->params.journal, &note);
	if (!n)
		return;
	counter_add(u->params.counters, COUNTER_QUARANTINED, n);
	text_hex(e->epoch, sizeof(e->epoch), hex);
	log_warn("uplink: HQ keeps event %s:%llu to %llu raw: %s", hex, (unsigned long long)s->seq,
	         (unsigned long long)s->last, s->reason);
}

/* Held back from now on, and never deleted, until a person at HQ has settled it. */
static void note_forked(struct uplink *u, struct uplink_epoch *e, const struct confirm_seq *s)
{
	bool ours = uplink_word_is_ours(u, e, s->last, s->has_h ? s->h : NULL);
	struct journal_note note =
	    note_of(u, e, ours ? JOURNAL_NOTE_FORKED : JOURNAL_NOTE_FOREIGN, s);
	char hex[EVENT_EPOCH_SIZE];
	if (ours && (s->last > e->last_seq || uplink_epoch_covers(e, s->seq, s->last)))
		return;
	uint64_t n = uplink_notes_add(&u->notes, u->params.journal, &note);
	if (!n)
		return;
	text_hex(e->epoch, sizeof(e->epoch), hex);
	if (!ours) {
		log_error("uplink: another copy of this device sent events as %s:%llu to %llu "
		          "(%s): HQ keeps them beside ours; is its disk or its backup running "
		          "elsewhere?",
		          hex, (unsigned long long)s->seq, (unsigned long long)s->last, s->reason);
		return;
	}
	uplink_runs_add(&e->forked, s->seq, s->last);
	counter_add(u->params.counters, COUNTER_FORKED, n);
	log_error("uplink: HQ holds other events %s:%llu to %llu than ours (%s): ours are kept "
	          "here and not sent again until HQ settles them; was this device's disk copied?",
	          hex, (unsigned long long)s->seq, (unsigned long long)s->last, s->reason);
}

uint64_t uplink_word_take(struct uplink *u, struct uplink_epoch *e, const struct confirm_epoch *c)
{
	struct confirm_range through = {.first = 1, .last = c->through, .has_h = c->has_h};
	struct said said = {.count = 0};
	memcpy(through.h, c->h, sizeof(through.h));
	if (c->through)
		add(u, &said, e, &through);
	add_all(u, &said, e, c->ranges, c->range_count);
	add_all(u, &said, e, c->same, c->same_count);
	add_all(u, &said, e, c->settled, c->settled_count);
	uint64_t gained = uplink_epoch_confirm(e, said.list, said.count);
	let_go(u, e, &said);
	let_go_foreign(u, e, c);
	for (int i = 0; i < c->quarantined_count; i++)
		note_quarantined(u, e, &c->quarantined[i]);
	for (int i = 0; i < c->forked_count; i++)
		note_forked(u, e, &c->forked[i]);
	return gained;
}
