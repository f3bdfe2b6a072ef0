#include "store/journal_wreck.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/vault.h"

#define EPOCHS_MAX 65535  /* a crash a minute for six weeks */
#define ASK_EVERY_ROWS 64 /* between two questions whether to go on */

/* A pack that can be read; 16 bytes, because there may be millions. */
struct place {
	uint64_t first : 48, epoch : 16;
	uint32_t page;
	uint16_t cell : 15, linked : 1;
	uint16_t count; /* 0: left out */
};

struct part {
	struct journal_wreck_epoch e;
	uint8_t key[VAULT_KEY_BYTES];
	size_t from, to; /* its places */
};

struct journal_wreck {
	struct journal_wreck_params params;
	struct journal_raw *raw;
	struct pack_codec *codec;
	struct buf lines;
	struct part *parts;
	size_t part_count, part_room;
	struct place *places;
	size_t place_count, place_room;
	uint64_t rows, unopened, unchained;
	bool stopped, no_memory;
	/* where the last pack ended, for one that does not say what stood in front of it */
	size_t last_part;
	uint64_t last_seq;
	uint8_t last_h[EVENT_HASH_BYTES];
};

static bool go_on(struct journal_wreck *w)
{
	if (w->params.go_on && ++w->rows % ASK_EVERY_ROWS == 0 && !w->params.go_on(w->params.ctx))
		w->stopped = true;
	return !w->stopped && !w->no_memory;
}

/* ---- epochs ---- */

static struct part *part_of(struct journal_wreck *w, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	for (size_t i = w->part_count; i-- > 0;)
		if (memcmp(w->parts[i].e.epoch, epoch, EVENT_EPOCH_BYTES) == 0)
			return &w->parts[i];
	return NULL;
}

static struct part *part_by_ordinal(struct journal_wreck *w, int64_t ordinal)
{
	for (size_t i = w->part_count; i-- > 0;)
		if (w->parts[i].e.row && w->parts[i].e.ordinal == ordinal)
			return &w->parts[i];
	return NULL;
}

static struct part *add_part(struct journal_wreck *w, const uint8_t epoch[EVENT_EPOCH_BYTES],
                             int64_t ordinal)
{
	if (w->part_count == w->part_room) {
		size_t room = w->part_room ? 2 * w->part_room : 16;
		struct part *more =
		    room <= EPOCHS_MAX + 1 ? realloc(w->parts, room * sizeof(*more)) : NULL;
		if (!more) {
			w->no_memory = true;
			return NULL;
		}
		w->parts = more;
		w->part_room = room;
	}
	struct part *p = &w->parts[w->part_count++];
	memset(p, 0, sizeof(*p));
	memcpy(p->e.epoch, epoch, EVENT_EPOCH_BYTES);
	p->e.ordinal = ordinal;
	return p;
}

static void take_epoch(struct journal_wreck *w, const struct journal_raw_row *row)
{
	const struct journal_raw_value *v = row->v;
	struct part *p = part_of(w, v[1].p);
	if (!p)
		p = add_part(w, v[1].p, row->rowid);
	if (!p)
		return;
	struct journal_wreck_epoch *e = &p->e;
	e->row = true;
	e->ordinal = row->rowid;
	e->opened_us = v[2].i;
	memcpy(e->box, v[4].p, sizeof(e->box));
	e->has_box = true;
	e->confirmed = (uint64_t)v[5].i;
	e->range_count = 0;
	for (size_t at = 0; at < v[6].n && e->range_count < 32; at += 16) {
		e->ranges[e->range_count].first = buf_get64(v[6].p + at);
		e->ranges[e->range_count++].last = buf_get64(v[6].p + at + 8);
	}
	e->deleted = (uint64_t)v[7].i;
	memcpy(e->deleted_h, v[8].p, EVENT_HASH_BYTES);
}

static const uint8_t *link_of(const struct journal_raw_row *row)
{
	const struct journal_raw_value *v = &row->v[9];
	return v->type == 'b' && v->n >= EVENT_EPOCH_BYTES + EVENT_HASH_BYTES ? v->p : NULL;
}

/* Packs name epochs too, and some of them the way to the key. */
static void take_link(struct journal_wreck *w, const struct journal_raw_row *row)
{
	const uint8_t *link = link_of(row);
	struct part *p = link ? part_of(w, link) : NULL;
	if (!link)
		return;
	if (!p)
		p = add_part(w, link, row->v[1].i);
	if (!p || p->e.has_box ||
	    row->v[9].n != EVENT_EPOCH_BYTES + EVENT_HASH_BYTES + JOURNAL_WRECK_BOX_BYTES)
		return;
	memcpy(p->e.box, link + EVENT_EPOCH_BYTES + EVENT_HASH_BYTES, sizeof(p->e.box));
	p->e.has_box = true;
}

static bool on_head(void *ctx, const struct journal_raw_row *row)
{
	struct journal_wreck *w = ctx;
	if (row->kind == JOURNAL_RAW_EPOCH)
		take_epoch(w, row);
	else
		take_link(w, row);
	return go_on(w);
}

static void find_keys(struct journal_wreck *w)
{
	for (size_t i = 0; i < w->part_count; i++) {
		struct part *p = &w->parts[i];
		p->e.has_key = w->params.key(w->params.ctx, p->e.epoch,
		                             p->e.has_box ? p->e.box : NULL, p->key);
	}
}

/* ---- packs ---- */

static void head_of(const struct journal_raw_row *row, const struct part *p, struct pack_head *head)
{
	*head = (struct pack_head){.first = (uint64_t)row->v[2].i, .count = (uint32_t)row->v[3].i};
	memcpy(head->epoch, p->e.epoch, EVENT_EPOCH_BYTES);
}

/* Its lines into w->lines, if the seal opens and, where the row says where the chain comes from, it
 * leads to where the row says. */
static bool opens(struct journal_wreck *w, const struct journal_raw_row *row, const struct part *p)
{
	const uint8_t *link = link_of(row);
	struct pack_head head;
	uint8_t h[EVENT_HASH_BYTES];

	head_of(row, p, &head);
	if (!p->e.has_key || head.first >= UINT64_C(1) << 40 ||
	    pack_open(w->codec, p->key, &head, row->v[8].p, row->v[8].n, &w->lines))
		return false;
	if (!link)
		return true;
	memcpy(h, link + EVENT_EPOCH_BYTES, sizeof(h));
	pack_chain(w->codec, &head, &w->lines, h);
	return memcmp(h, row->v[5].p, sizeof(h)) == 0;
}

static struct place *add_place(struct journal_wreck *w)
{
	if (w->place_count == w->place_room) {
		size_t room = w->place_room ? w->place_room + w->place_room / 2 : 4096;
		struct place *more = realloc(w->places, room * sizeof(*more));
		if (!more) {
			w->no_memory = true;
			return NULL;
		}
		w->places = more;
		w->place_room = room;
	}
	return &w->places[w->place_count++];
}

static bool on_pack(void *ctx, const struct journal_raw_row *row)
{
	struct journal_wreck *w = ctx;
	const uint8_t *link = link_of(row);
	struct part *p = link ? part_of(w, link) : part_by_ordinal(w, row->v[1].i);

	if (!p || !opens(w, row, p)) {
		w->unopened++;
		return go_on(w);
	}
	struct place *at = add_place(w);
	if (at)
		*at = (struct place){.first = (uint64_t)row->v[2].i & 0xffffffffffffu,
		                     .epoch = (uint16_t)(p - w->parts),
		                     .page = (uint32_t)(row->place >> 16),
		                     .cell = row->place & 0x7fff,
		                     .linked = link != NULL,
		                     .count = (uint16_t)row->v[3].i};
	return go_on(w);
}

/* ---- what stands in a chain ---- */

static int by_seq(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->linked > y->linked ? -1 : x->linked < y->linked;
}

/* Take out what comes twice and what hangs in the air. */
static void thin(struct journal_wreck *w, struct part *p)
{
	uint64_t next = p->e.deleted + 1;
	for (size_t i = p->from; i < p->to; i++) {
		struct place *at = &w->places[i];
		bool again = at->first < next;
		bool chained = at->linked || at->first == next || at->first == 1;
		w->unchained += !again && !chained;
		if (again || !chained)
			at->count = 0;
		else
			next = at->first + at->count;
	}
}

struct span {
	size_t from, to; /* places */
	uint64_t events;
};

/* The next run of packs without a gap from place `at` on. false: there is none. */
static bool next_span(const struct journal_wreck *w, const struct part *p, size_t at,
                      struct span *s)
{
	while (at < p->to && w->places[at].count == 0)
		at++;
	if (at == p->to)
		return false;
	uint64_t next = w->places[at].first;
	*s = (struct span){.from = at};
	for (; at < p->to; at++) {
		const struct place *pl = &w->places[at];
		if (pl->count && pl->first != next)
			break;
		if (pl->count)
			next += pl->count;
	}
	s->to = at;
	s->events = next - w->places[s->from].first;
	return true;
}

/* The largest runs, the smallest of them first. */
static size_t largest(const struct journal_wreck *w, const struct part *p, struct span *out,
                      size_t max)
{
	struct span s;
	size_t n = 0;
	for (size_t at = p->from; next_span(w, p, at, &s); at = s.to) {
		if (n == max && s.events <= out[0].events)
			continue;
		if (n == max)
			memmove(out, out + 1, --n * sizeof(*out));
		size_t k = n++;
		for (; k > 0 && out[k - 1].events > s.events; k--)
			out[k] = out[k - 1];
		out[k] = s;
	}
	return n;
}

/* Of more runs than a confirmation has room for, the smallest are left out. */
static void bound_holes(struct journal_wreck *w, struct part *p)
{
	struct span keep[JOURNAL_WRECK_HOLES_MAX + 1], s;
	size_t n = largest(w, p, keep, JOURNAL_WRECK_HOLES_MAX + 1);
	if (n <= JOURNAL_WRECK_HOLES_MAX)
		return;
	for (size_t at = p->from; next_span(w, p, at, &s); at = s.to) {
		size_t k = 1; /* [0] is one too many */
		while (k < n && keep[k].from != s.from)
			k++;
		if (k < n)
			continue;
		for (size_t i = s.from; i < s.to; i++)
			w->places[i].count = 0;
		p->e.left += s.events;
	}
}

static void describe(struct journal_wreck *w, struct part *p)
{
	struct journal_wreck_epoch *e = &p->e;
	struct span s;
	uint64_t next = e->deleted + 1;
	for (size_t at = p->from; next_span(w, p, at, &s); at = s.to) {
		uint64_t first = w->places[s.from].first;
		if (first > next)
			e->missing[e->missing_count++] = (struct journal_range){next, first - 1};
		if (e->events == 0)
			e->first = first;
		e->events += s.events;
		e->last = first + s.events - 1;
		next = e->last + 1;
	}
}

/* Without those left out. */
static void close_ranks(struct journal_wreck *w, struct part *p, size_t *end)
{
	size_t to = *end;
	for (size_t i = p->from; i < p->to; i++)
		if (w->places[i].count)
			w->places[to++] = w->places[i];
	p->from = *end;
	p->to = *end = to;
	p->e.packs = p->to - p->from;
}

static int by_ordinal(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	return x->e.ordinal < y->e.ordinal ? -1 : x->e.ordinal > y->e.ordinal;
}

static void plan(struct journal_wreck *w)
{
	size_t at = 0, end = 0;
	if (w->place_count)
		qsort(w->places, w->place_count, sizeof(*w->places), by_seq);
	for (size_t i = 0; i < w->part_count; i++) {
		struct part *p = &w->parts[i];
		p->from = at;
		while (at < w->place_count && w->places[at].epoch == i)
			at++;
		p->to = at;
		thin(w, p);
		bound_holes(w, p);
		describe(w, p);
		close_ranks(w, p, &end);
	}
	w->place_count = end;
	if (w->part_count)
		qsort(w->parts, w->part_count, sizeof(*w->parts), by_ordinal);
}

/* What each epoch that begins here says of the end of the one before it. */
static void find_ends(struct journal_wreck *w)
{
	struct journal_wreck_pack pack;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	size_t at, len;
	for (size_t i = 0; i < w->part_count; i++) {
		const struct part *p = &w->parts[i];
		at = 0;
		if (p->e.first != 1 || journal_wreck_pack(w, i, 0, &pack, NULL))
			continue;
		const char *line = pack_line(&w->lines, &at, &len);
		json_t *root = line ? json_loadb(line, len, 0, NULL) : NULL;
		const json_t *properties = json_object_get(root, "properties");
		const char *name = json_string_value(json_object_get(properties, "prev_epoch"));
		json_int_t last = json_integer_value(json_object_get(properties, "prev_last_seq"));
		struct part *prev =
		    name && text_unhex(name, epoch, sizeof(epoch)) ? part_of(w, epoch) : NULL;
		if (prev && last > 0 && prev->e.events && (uint64_t)last > prev->e.last)
			prev->e.missing[prev->e.missing_count++] =
			    (struct journal_range){prev->e.last + 1, (uint64_t)last};
		json_decref(root);
	}
}

/* ---- the calls ---- */

static int read_through(struct journal_wreck *w, char *err, size_t err_size)
{
	bool told =
	    journal_raw_scan(w->raw, 1u << JOURNAL_RAW_EPOCH | 1u << JOURNAL_RAW_PACK, on_head, w);
	if (told) {
		find_keys(w);
		told = journal_raw_scan(w->raw, 1u << JOURNAL_RAW_PACK, on_pack, w);
	}
	if (!told) {
		snprintf(err, err_size, "%s: %s", w->params.path,
		         w->no_memory ? "out of memory" : "stopped before the end");
		return -1;
	}
	plan(w);
	find_ends(w);
	return 0;
}

int journal_wreck_open(struct journal_wreck **out, const struct journal_wreck_params *params,
                       char *err, size_t err_size)
{
	struct journal_wreck *w = calloc(1, sizeof(*w));
	snprintf(err, err_size, "%s: out of memory", params->path);
	if (!w)
		return -1;
	w->params = *params;
	w->last_part = SIZE_MAX;
	w->codec = pack_codec_new(params->store);
	if (!w->codec || journal_raw_open(&w->raw, params->path, err, err_size) ||
	    read_through(w, err, err_size)) {
		journal_wreck_free(w);
		return -1;
	}
	*out = w;
	return 0;
}

void journal_wreck_free(struct journal_wreck *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->part_count; i++)
		vault_wipe(w->parts[i].key, sizeof(w->parts[i].key));
	journal_raw_free(w->raw);
	pack_codec_free(w->codec);
	buf_free(&w->lines);
	free(w->parts);
	free(w->places);
	free(w);
}

size_t journal_wreck_epochs(const struct journal_wreck *w)
{
	return w->part_count;
}

const struct journal_wreck_epoch *journal_wreck_epoch(const struct journal_wreck *w, size_t i)
{
	return &w->parts[i].e;
}

void journal_wreck_counts(const struct journal_wreck *w, struct journal_wreck_count *out)
{
	*out = (struct journal_wreck_count){.unopened = w->unopened, .unchained = w->unchained};
	journal_raw_counts(w->raw, &out->raw);
}

/* What stood in front: what the pack says, else where the pack read before it ended. */
static int find_h_prev(const struct journal_wreck *w, const struct part *p,
                       const struct journal_wreck_pack *pack, uint8_t h[EVENT_HASH_BYTES])
{
	const uint8_t *link = link_of(&pack->row);
	uint64_t before = pack->head.first - 1;
	if (link)
		memcpy(h, link + EVENT_EPOCH_BYTES, EVENT_HASH_BYTES);
	else if (before == 0)
		memset(h, 0, EVENT_HASH_BYTES);
	else if (before == p->e.deleted)
		memcpy(h, p->e.deleted_h, EVENT_HASH_BYTES);
	else if (w->last_part == (size_t)(p - w->parts) && w->last_seq == before)
		memcpy(h, w->last_h, EVENT_HASH_BYTES);
	else
		return -1;
	return 0;
}

int journal_wreck_pack(struct journal_wreck *w, size_t i, uint64_t n,
                       struct journal_wreck_pack *out, struct buf *lines)
{
	struct part *p = &w->parts[i];
	const struct place *at = &w->places[p->from + n];
	uint8_t h[EVENT_HASH_BYTES];

	if (journal_raw_at(w->raw, (uint64_t)at->page << 16 | at->cell, &out->row) ||
	    out->row.kind != JOURNAL_RAW_PACK || !opens(w, &out->row, p))
		return -1;
	head_of(&out->row, p, &out->head);
	memcpy(out->h_last, out->row.v[5].p, EVENT_HASH_BYTES);
	if (find_h_prev(w, p, out, out->h_prev))
		return -1;
	memcpy(h, out->h_prev, sizeof(h));
	pack_chain(w->codec, &out->head, &w->lines, h);
	if (memcmp(h, out->h_last, sizeof(h)) != 0)
		return -1;
	w->last_part = i;
	w->last_seq = out->head.first + out->head.count - 1;
	memcpy(w->last_h, h, sizeof(h));
	if (lines) {
		buf_reset(lines);
		buf_add(lines, w->lines.data, w->lines.len);
	}
	return lines && lines->failed ? -1 : 0;
}

bool journal_wreck_rows(struct journal_wreck *w, unsigned kinds, journal_raw_fn *fn, void *ctx)
{
	return journal_raw_scan(w->raw, kinds, fn, ctx);
}
