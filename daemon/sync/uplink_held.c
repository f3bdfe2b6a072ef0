#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define ANSWER_US 10000000ll      /* 10 s: the first wait for an answer, doubling */
#define ANSWER_US_MAX 300000000ll /* 5 min */
#define WRITES_US 100000ll        /* the journal writes down that an epoch has been heard of */

void uplink_held_up(struct uplink *u)
{
	struct uplink_ask *a = &u->ask;
	a->look = true;
	a->epoch_count = 0;
	a->wait_us = ANSWER_US;
	a->due_us = uplink_now(u);
}

static struct uplink_asked *asked(struct uplink_ask *a, const uint8_t *epoch)
{
	for (int i = 0; i < a->epoch_count; i++)
		if (memcmp(a->epochs[i].epoch, epoch, EVENT_EPOCH_BYTES) == 0)
			return &a->epochs[i];
	return NULL;
}

/* ---- asking ---- */

/* The journal has written the generation that is being asked about: what it calls unheard is so. */
static bool journal_knows(struct uplink *u)
{
	char text[sizeof(u->generation)];
	return journal_reader_text(u->params.reader, "generation", text, sizeof(text)) == 0 &&
	       strcmp(text, u->generation) == 0;
}

static void add_epoch(struct uplink_ask *a, const struct journal_unheard *epoch)
{
	struct uplink_asked *place = &a->epochs[a->epoch_count++];
	memcpy(place->epoch, epoch->epoch, sizeof(place->epoch));
	place->gone = epoch->gone;
	place->from = 1;
}

static void add_noted(struct uplink *u, enum journal_note_kind kind)
{
	struct uplink_ask *a = &u->ask;
	struct journal_unheard epoch;
	for (size_t i = 0; i < u->notes.count && a->epoch_count < UPLINK_ASKED_MAX; i++) {
		const struct uplink_noted *noted = &u->notes.list[i];
		if (noted->kind != kind || !noted->runs.count || asked(a, noted->epoch) ||
		    journal_reader_gone(u->params.reader, noted->epoch, &epoch.gone) != 1)
			continue;
		memcpy(epoch.epoch, noted->epoch, sizeof(epoch.epoch));
		add_epoch(a, &epoch);
	}
}

/* What was asked for before and is half answered is asked on from there. */
static void go_on(struct uplink_ask *a, const struct uplink_asked *before, int n)
{
	for (int i = 0; i < n; i++) {
		struct uplink_asked *again = asked(a, before[i].epoch);
		if (again)
			again->from = before[i].from;
	}
}

static void gather(struct uplink *u)
{
	struct uplink_ask *a = &u->ask;
	struct journal_unheard unheard[UPLINK_ASKED_MAX];
	struct uplink_asked before[UPLINK_ASKED_MAX];
	int had = a->epoch_count;
	memcpy(before, a->epochs, sizeof(before));
	a->epoch_count = 0;
	if (a->unheard) {
		bool knows = journal_knows(u); /* before it is read: it may be written in between */
		int n = journal_reader_unheard(u->params.reader, unheard, UPLINK_ASKED_MAX);
		for (int i = 0; i < n; i++) {
			const struct uplink_epoch *e = uplink_epoch_by_id(u, unheard[i].epoch);
			if (!e || !e->heard)
				add_epoch(a, &unheard[i]);
		}
		a->unheard = n != 0 || !knows;
	}
	if (a->look) {
		add_noted(u, JOURNAL_NOTE_LOST);
		add_noted(u, JOURNAL_NOTE_FORKED);
		add_noted(u, JOURNAL_NOTE_FOREIGN);
	}
	go_on(a, before, had);
}

static void put_hex(struct buf *out, const char *before, const uint8_t *bytes, size_t n)
{
	char hex[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
	text_hex(bytes, n, hex);
	buf_printf(out, "%s\"%s\"", before, hex);
}

static void write_ask(struct uplink *u)
{
	const struct uplink_ask *a = &u->ask;
	struct buf *out = &u->text;
	uint8_t id[8];
	vault_random(id, sizeof(id));
	buf_reset(out);
	buf_str(out, "{\"v\":1,\"device\":");
	lw_event_json_string(out, u->params.device);
	put_hex(out, ",\"id\":", id, sizeof(id));
	buf_str(out, ",\"ask\":\"held\",\"epochs\":[");
	for (int i = 0; i < a->epoch_count; i++) {
		put_hex(out, i ? ",{\"epoch\":" : "{\"epoch\":", a->epochs[i].epoch,
		        EVENT_EPOCH_BYTES);
		buf_printf(out, ",\"gone\":%llu,\"from\":%llu}",
		           (unsigned long long)a->epochs[i].gone,
		           (unsigned long long)a->epochs[i].from);
	}
	buf_str(out, "],\"raw\":[");
	for (int i = 0; i < a->raw_count; i++) {
		put_hex(out, i ? ",{\"sha256\":" : "{\"sha256\":", a->raw[i].sha256,
		        EVENT_HASH_BYTES);
		put_hex(out, ",\"epoch\":", a->raw[i].epoch, EVENT_EPOCH_BYTES);
		put_hex(out, ",\"h_prev\":", a->raw[i].h_prev, EVENT_HASH_BYTES);
		put_hex(out, ",\"h\":", a->raw[i].h, EVENT_HASH_BYTES);
		buf_printf(out, ",\"seq\":%llu}", (unsigned long long)a->raw[i].seq);
	}
	buf_str(out, "]}");
}

int64_t uplink_held_step(struct uplink *u)
{
	struct uplink_ask *a = &u->ask;
	int64_t now = uplink_now(u);
	if (!a->unheard && !a->look && !a->raw_count && !a->epoch_count)
		return INT64_MAX;
	if (now < a->due_us)
		return a->due_us;
	gather(u);
	if (!a->epoch_count && !a->raw_count) {
		a->look = false;
		a->wait_us = ANSWER_US;
		a->due_us = now + (a->unheard ? WRITES_US : 0);
		return a->unheard ? a->due_us : INT64_MAX;
	}
	write_ask(u);
	if (!u->text.failed && u->params.ask)
		u->params.ask(u->params.ctx, u->text.data, u->text.len);
	a->due_us = now + a->wait_us;
	a->wait_us = a->wait_us * 2 < ANSWER_US_MAX ? a->wait_us * 2 : ANSWER_US_MAX;
	return a->due_us;
}

bool uplink_held_waits(const struct uplink *u)
{
	return u->ask.unheard && uplink_now(u) < u->ask.hold_us;
}

/* ---- what HQ cannot read ---- */

void uplink_held_raw(struct uplink *u, const struct uplink_epoch *e, const struct uplink_batch *b)
{
	struct uplink_ask *a = &u->ask;
	struct journal_note note = {.kind = JOURNAL_NOTE_UNREADABLE,
	                            .first = b->first,
	                            .last = b->first,
	                            .reason = "unreadable",
	                            .wall_us = clock_wall_us(u->params.clock)};
	int i = 0;
	memcpy(note.epoch, e->epoch, sizeof(note.epoch));
	if (uplink_notes_add(&u->notes, u->params.journal, &note))
		log_error("uplink: HQ cannot read event %llu even alone: it is to keep it as it is",
		          (unsigned long long)b->first);
	while (i < a->raw_count && (a->raw[i].seq != b->first ||
	                            memcmp(a->raw[i].epoch, e->epoch, EVENT_EPOCH_BYTES) != 0))
		i++;
	if (i == UPLINK_RAW_MAX ||
	    journal_reader_h(u->params.reader, e->epoch, b->first - 1, a->raw[i].h_prev) != 0)
		return; /* its timer brings it here again */
	a->raw_count = i == a->raw_count ? i + 1 : a->raw_count;
	a->raw[i].seq = b->first;
	memcpy(a->raw[i].epoch, e->epoch, sizeof(a->raw[i].epoch));
	memcpy(a->raw[i].sha256, b->payload, sizeof(a->raw[i].sha256));
	memcpy(a->raw[i].h, b->h_last, sizeof(a->raw[i].h));
	a->wait_us = ANSWER_US;
	a->due_us = uplink_now(u);
}

/* ---- what neither side holds any more ---- */

static void cut_words(struct uplink_runs *gone, const struct confirm_epoch *c)
{
	uplink_runs_cut(gone, 1, c->through);
	for (int i = 0; i < c->range_count; i++)
		uplink_runs_cut(gone, c->ranges[i].first, c->ranges[i].last);
	for (int i = 0; i < c->same_count; i++)
		uplink_runs_cut(gone, c->same[i].first, c->same[i].last);
}

/* What of these seqs is noted as lost. */
static void noted_lost(const struct uplink *u, const uint8_t *epoch,
                       const struct journal_range *page, struct uplink_runs *out)
{
	uplink_notes_runs(&u->notes, epoch, JOURNAL_NOTE_LOST, out);
	uplink_runs_cut(out, 1, page->first - 1);
	uplink_runs_cut(out, page->last + 1, UINT64_MAX);
}

/* These are lost, no others of the page. true: the journal has been told, or needs not be. */
static bool note_lost(struct uplink *u, const uint8_t *epoch, const struct journal_range *page,
                      const struct uplink_runs *lost)
{
	struct journal_note note = {.kind = JOURNAL_NOTE_LOST,
	                            .reason = "lost_at_hq",
	                            .wall_us = clock_wall_us(u->params.clock)};
	struct uplink_runs noted = {0};
	char hex[EVENT_EPOCH_SIZE];
	uint64_t n = 0, all;
	memcpy(note.epoch, epoch, sizeof(note.epoch));
	for (size_t i = 0; i < lost->count; i++) {
		note.first = lost->run[i].first;
		note.last = lost->run[i].last;
		n += uplink_notes_add(&u->notes, u->params.journal, &note);
	}
	noted_lost(u, epoch, page, &noted);
	for (size_t i = 0; i < lost->count; i++)
		uplink_runs_cut(&noted, lost->run[i].first, lost->run[i].last);
	for (size_t i = 0; i < noted.count; i++) {
		note.first = noted.run[i].first;
		note.last = noted.run[i].last;
		uplink_notes_cut(&u->notes, u->params.journal, &note);
	}
	uplink_runs_free(&noted);
	text_hex(epoch, EVENT_EPOCH_BYTES, hex);
	if (n)
		log_error("uplink: ALARM: HQ no longer holds %llu events of epoch %s that it had "
		          "confirmed and that have been deleted here since: lost at HQ",
		          (unsigned long long)n, hex);
	noted_lost(u, epoch, page, &noted);
	all = uplink_runs_total(&noted);
	uplink_runs_free(&noted);
	return all == uplink_runs_total(lost);
}

/* Of which seqs a confirmation says all that is held. One that answers batches names up to 32
 * ranges from the lowest on: with fewer, it has named all. */
static bool page_of(const struct confirm_epoch *c, struct journal_range *page)
{
	page->first = c->held_first ? c->held_first : 1;
	page->last = c->held_first ? c->held_last : UINT64_MAX;
	return c->held_first || c->range_count < CONFIRM_RANGES_MAX;
}

static bool page_lost(struct uplink *u, const struct uplink_asked *of,
                      const struct journal_range *page, const struct confirm_epoch *c)
{
	struct journal_range gone = {of->from, of->gone < page->last ? of->gone : page->last};
	struct uplink_runs lost = {0};
	if (gone.last < gone.first)
		return true;
	uplink_runs_add(&lost, gone.first, gone.last);
	cut_words(&lost, c);
	bool told = note_lost(u, of->epoch, &gone, &lost);
	uplink_runs_free(&lost);
	return told;
}

/* HQ has said all of it: the journal is to know. */
static void answered(struct uplink *u, struct uplink_asked *of, struct uplink_epoch *e)
{
	struct uplink_ask *a = &u->ask;
	struct journal_confirm heard = {.through = 0};
	memcpy(heard.epoch, of->epoch, sizeof(heard.epoch));
	if (!e && !journal_confirm(u->params.journal, &heard))
		return;
	if (e)
		e->dirty = e->heard = true;
	*of = a->epochs[--a->epoch_count];
	if (a->epoch_count == 0) {
		a->look = false;
		a->wait_us = ANSWER_US;
		a->due_us = uplink_now(u);
	}
}

void uplink_held_answer(struct uplink *u, const struct confirm_epoch *c)
{
	struct uplink_ask *a = &u->ask;
	struct uplink_asked *of = asked(a, c->epoch);
	struct uplink_epoch *e = uplink_epoch_by_id(u, c->epoch);
	struct journal_range page;

	for (int i = a->raw_count - 1; i >= 0; i--) {
		if (e && memcmp(a->raw[i].epoch, e->epoch, EVENT_EPOCH_BYTES) == 0 &&
		    uplink_epoch_covers(e, a->raw[i].seq, a->raw[i].seq))
			a->raw[i] = a->raw[--a->raw_count];
	}
	if (!of || !page_of(c, &page) || page.first > of->from || page.last < of->from ||
	    !page_lost(u, of, &page, c))
		return;
	if (page.last == UINT64_MAX) {
		answered(u, of, e);
		return;
	}
	of->from = page.last + 1;
	a->wait_us = ANSWER_US;
	a->due_us = uplink_now(u);
}
