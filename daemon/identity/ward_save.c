/* What the guards know over a restart, set by set: with a basket only what it changed is written.
 */
#include "identity/ward_internal.h"

#include <string.h>

#include "base/text.h"

#define SAVED_VERSION 2
#define SAVED_VERSION_WHOLE 1 /* of a release that wrote all rows at once */

/* ---- saving ---- */

static void save_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_byte(out, (uint8_t)len);
	buf_add(out, text, len);
}

static void save_row(struct buf *out, const struct ward_row *row)
{
	uint8_t recent = 0;

	buf_add(out, row->key, WARD_KEY_BYTES);
	buf_byte(out, (uint8_t)row->cause);
	save_text(out, ident_kind_name(row->kind));
	save_text(out, row->ref);
	save_text(out, row->mask);
	save_text(out, row->reason);
	buf_be32(out, (uint32_t)row->since);
	buf_be32(out, (uint32_t)row->last);
	buf_be32(out, (uint32_t)row->day);
	buf_be32(out, row->baskets);
	buf_byte(out, (uint8_t)row->next);
	buf_be64(out, (uint64_t)row->touched_us);
	for (size_t i = 0; i < WARD_RECENT; i++)
		recent |= (uint8_t)((row->recent[i].basket != 0) << i);
	buf_byte(out, recent);
	for (size_t i = 0; i < WARD_RECENT; i++) {
		if (!row->recent[i].basket)
			continue;
		buf_be32(out, row->recent[i].basket);
		buf_be32(out, row->recent[i].place);
		buf_be64(out, (uint64_t)row->recent[i].at_us);
	}
}

bool ward_unsaved(const struct ward *g, size_t *set)
{
	while (*set < WARD_SETS && !g->unsaved[*set])
		++*set;
	return *set < WARD_SETS;
}

void ward_save(struct ward *g, size_t set, struct buf *out)
{
	const struct ward_row *row = &g->row[set * WARD_WAYS];

	buf_byte(out, SAVED_VERSION);
	for (size_t i = 0; i < WARD_WAYS; i++) {
		if (!ward_is_free(&row[i]))
			save_row(out, &row[i]);
	}
	g->unsaved[set] = out->failed;
}

void ward_lost(struct ward *g, size_t set)
{
	g->unsaved[set] = true;
}

/* ---- loading ---- */

/* What is left of what was saved; `at` NULL: it ended too early. */
struct loading {
	const uint8_t *at, *end;
	bool whole;
};

static const uint8_t *take(struct loading *l, size_t n)
{
	const uint8_t *at = l->at;

	l->at = at && (size_t)(l->end - at) >= n ? at + n : NULL;
	return l->at ? at : NULL;
}

static void take_text(struct loading *l, char *out, size_t size)
{
	const uint8_t *len = take(l, 1), *text = len ? take(l, *len) : NULL;

	if (!text || *len >= size || memchr(text, 0, *len)) {
		l->at = NULL;
		return;
	}
	memcpy(out, text, *len);
	out[*len] = '\0';
}

static uint8_t take_byte(struct loading *l)
{
	const uint8_t *at = take(l, 1);

	return at ? *at : 0;
}

static uint32_t take_number(struct loading *l)
{
	const uint8_t *at = take(l, 4);

	return at ? buf_get32(at) : 0;
}

static int64_t take_time(struct loading *l)
{
	const uint8_t *at = take(l, 8);

	return at ? (int64_t)buf_get64(at) : 0;
}

static void take_recent(struct loading *l, struct ward_row *row)
{
	uint8_t recent = l->whole ? 0xff : take_byte(l);

	for (size_t i = 0; i < WARD_RECENT; i++) {
		if (!(recent & 1 << i))
			continue;
		row->recent[i].basket = take_number(l);
		row->recent[i].place = take_number(l);
		row->recent[i].at_us = take_time(l);
	}
}

static bool take_row(struct loading *l, struct ward_row *row)
{
	char kind[17] = "";
	const uint8_t *key = take(l, WARD_KEY_BYTES);
	uint8_t cause = take_byte(l);

	take_text(l, kind, sizeof kind);
	take_text(l, row->ref, sizeof row->ref);
	take_text(l, row->mask, sizeof row->mask);
	take_text(l, row->reason, sizeof row->reason);
	row->since = (int32_t)take_number(l);
	row->last = (int32_t)take_number(l);
	row->day = (int32_t)take_number(l);
	row->baskets = take_number(l);
	row->next = take_byte(l);
	row->touched_us = l->whole ? 0 : take_time(l);
	take_recent(l, row);
	if (!l->at || cause >= WARD_CAUSE_COUNT || row->next >= WARD_RECENT || !row->mask[0])
		return false;
	memcpy(row->key, key, WARD_KEY_BYTES);
	row->cause = (enum ward_cause)cause;
	row->kind = ident_kind_of(kind);
	return true;
}

bool ward_load(struct ward *g, const uint8_t *saved, size_t len)
{
	struct loading l = {saved + 1, saved + len, len && saved[0] == SAVED_VERSION_WHOLE};

	if (len == 0 || (saved[0] != SAVED_VERSION && !l.whole))
		return false;
	while (l.at < l.end) {
		struct ward_row row = {0};
		if (!take_row(&l, &row))
			return false;
		const struct ward_row *held = ward_find(g, row.key);
		struct ward_row *place = held ? &g->row[held - g->row] : ward_room(g, row.key);
		if (place)
			*place = row;
		g->unsaved[ward_set_of(row.key)] |= l.whole;
	}
	return true;
}

/* ---- forgetting ---- */

static bool is_over(const struct ward_row *row, int32_t today, int64_t from_us)
{
	if (ward_is_free(row) || row->cause != WARD_COUNTED || row->day == today)
		return false;
	for (size_t i = 0; i < WARD_RECENT; i++) {
		if (row->recent[i].basket && row->recent[i].at_us >= from_us)
			return false;
	}
	return true;
}

bool ward_forget(struct ward *g, int32_t today, int64_t from_us)
{
	bool any = false;

	for (size_t i = 0; i < WARD_ROWS_MAX; i++) {
		if (!is_over(&g->row[i], today, from_us))
			continue;
		explicit_bzero(&g->row[i], sizeof g->row[i]);
		g->unsaved[i / WARD_WAYS] = any = true;
	}
	return any;
}
