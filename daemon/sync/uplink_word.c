#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define TOLD_SIZE 200
#define SAID_MAX 256 /* runs of one word on an epoch; what does not fit is said again */

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

/* Does h stand at this seq of our own history? What cannot be said (deleted, or an HQ that names no
 * h) counts as ours. */
static bool is_ours(struct uplink *u, const struct uplink_epoch *e, uint64_t seq, const uint8_t *h)
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

/* An HQ that names no h counts forked seqs into its words: they are taken out again. */
static void add_unnamed(struct said *said, const struct uplink_epoch *e,
                        const struct confirm_epoch *c, const struct confirm_range *r)
{
	struct uplink_runs left = {0};
	uplink_runs_add(&left, r->first, r->last);
	for (size_t i = 0; i < e->forked.count; i++)
		uplink_runs_cut(&left, e->forked.run[i].first, e->forked.run[i].last);
	for (int i = 0; i < c->forked_count; i++)
		uplink_runs_cut(&left, c->forked[i].seq, c->forked[i].last);
	for (size_t i = 0; i < left.count && said->count < SAID_MAX; i++)
		said->list[said->count++] = left.run[i];
	uplink_runs_free(&left);
}

/* What says nothing new is not worth a look at the chain. */
static void add(struct uplink *u, struct said *said, const struct uplink_epoch *e,
                const struct confirm_epoch *c, const struct confirm_range *r)
{
	if (said->count == SAID_MAX || uplink_epoch_covers(e, r->first, r->last))
		return;
	if (!r->has_h)
		add_unnamed(said, e, c, r);
	else if (is_ours(u, e, r->last, r->h))
		said->list[said->count++] = (struct journal_range){r->first, r->last};
}

static void add_all(struct uplink *u, struct said *said, const struct uplink_epoch *e,
                    const struct confirm_epoch *c)
{
	const struct {
		const struct confirm_range *list;
		int n;
	} words[] = {{c->ranges, c->range_count}, {c->same, c->same_count}};
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		for (int i = 0; i < words[k].n; i++)
			add(u, said, e, c, &words[k].list[i]);
	for (int i = 0; i < c->settled_count && said->count < SAID_MAX; i++) {
		const struct confirm_range *r = &c->settled[i];
		if (is_ours(u, e, r->last, r->has_h ? r->h : NULL))
			said->list[said->count++] = (struct journal_range){r->first, r->last};
	}
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

/* One line for what one word says, however many runs it names. */
struct telling {
	uint64_t events;
	int runs;
	const struct confirm_seq *first;
};

static void add_told(struct telling *t, const struct confirm_seq *s, uint64_t n)
{
	if (!n)
		return;
	if (!t->runs++)
		t->first = s;
	t->events += n;
}

/* "0123456789abcdef:7 to 9 (other_leaf)", and how many runs more. */
static const char *told_text(const struct telling *t, const struct uplink_epoch *e,
                             char out[TOLD_SIZE])
{
	char hex[EVENT_EPOCH_SIZE], more[64] = "";
	text_hex(e->epoch, sizeof(e->epoch), hex);
	if (t->runs > 1)
		snprintf(more, sizeof(more), " and %d runs more, %llu events in all", t->runs - 1,
		         (unsigned long long)t->events);
	snprintf(out, TOLD_SIZE, "%s:%llu to %llu (%s)%s", hex, (unsigned long long)t->first->seq,
	         (unsigned long long)t->first->last, t->first->reason, more);
	return out;
}

static void take_quarantined(struct uplink *u, const struct uplink_epoch *e,
                             const struct confirm_epoch *c)
{
	struct telling t = {0};
	char text[TOLD_SIZE];
	for (int i = 0; i < c->quarantined_count; i++) {
		struct journal_note note =
		    note_of(u, e, JOURNAL_NOTE_QUARANTINED, &c->quarantined[i]);
		add_told(&t, &c->quarantined[i],
		         uplink_notes_add(&u->notes, u->params.journal, &note));
	}
	counter_add(u->params.counters, COUNTER_QUARANTINED, t.events);
	if (t.runs)
		log_warn("uplink: HQ keeps events %s raw", told_text(&t, e, text));
}

/* Held back from now on, and never deleted, until a person at HQ has settled it. */
static uint64_t note_forked(struct uplink *u, struct uplink_epoch *e, const struct confirm_seq *s,
                            bool ours)
{
	struct journal_note note =
	    note_of(u, e, ours ? JOURNAL_NOTE_FORKED : JOURNAL_NOTE_FOREIGN, s);
	if (ours && (s->last > e->last_seq || uplink_epoch_covers(e, s->seq, s->last)))
		return 0;
	uint64_t n = uplink_notes_add(&u->notes, u->params.journal, &note);
	if (n && ours)
		uplink_runs_add(&e->forked, s->seq, s->last);
	return n;
}

static void take_forked(struct uplink *u, struct uplink_epoch *e, const struct confirm_epoch *c)
{
	struct telling of_ours = {0}, of_others = {0};
	char text[TOLD_SIZE];
	for (int i = 0; i < c->forked_count; i++) {
		const struct confirm_seq *s = &c->forked[i];
		bool ours = is_ours(u, e, s->last, s->has_h ? s->h : NULL);
		add_told(ours ? &of_ours : &of_others, s, note_forked(u, e, s, ours));
	}
	counter_add(u->params.counters, COUNTER_FORKED, of_ours.events);
	if (of_others.runs)
		log_error("uplink: another copy of this device sent events as %s: HQ keeps them "
		          "beside ours; is its disk or its backup running elsewhere?",
		          told_text(&of_others, e, text));
	if (of_ours.runs)
		log_error("uplink: HQ holds other events %s than ours: ours are kept here and not "
		          "sent again until HQ settles them; was this device's disk copied?",
		          told_text(&of_ours, e, text));
}

uint64_t uplink_word_take(struct uplink *u, struct uplink_epoch *e, const struct confirm_epoch *c)
{
	struct confirm_range through = {.first = 1, .last = c->through, .has_h = c->has_h};
	struct said said = {.count = 0};
	memcpy(through.h, c->h, sizeof(through.h));
	if (c->through)
		add(u, &said, e, c, &through);
	add_all(u, &said, e, c);
	uint64_t gained = uplink_epoch_confirm(e, said.list, said.count);
	let_go(u, e, &said);
	let_go_foreign(u, e, c);
	take_quarantined(u, e, c);
	take_forked(u, e, c);
	return gained;
}
