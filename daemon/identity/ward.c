#include "identity/ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Rows lie in sets of eight, found by the key itself, which is as good as random: a look costs
 * eight comparisons, and no set of a store ever holds eight that are shared or blocked. */
#define WAYS 8
#define SETS (WARD_ROWS_MAX / WAYS)

struct ward {
	struct ward_row row[WARD_ROWS_MAX];
};

static const struct {
	const char *name, *words;
	enum guard_state state;
	int strength; /* the stronger cause stands */
} causes[WARD_CAUSE_COUNT] = {
    [WARD_COUNTED] = {"counted", "Counted only", GUARD_CLEAR, 0},
    [WARD_DAY_BASKETS] = {"day_baskets", "Used for many baskets in one day", GUARD_SHARED, 3},
    [WARD_LANE_BASKETS] = {"lane_baskets", "Used for one basket after the other on the same lane",
                           GUARD_SHARED, 3},
    [WARD_PERSONS] = {"persons", "Several customers have it", GUARD_SHARED, 2},
    [WARD_MANAGER] = {"manager", "Blocked by a manager", GUARD_BLOCKED, 4},
    [WARD_CONFLICT] = {"conflict", "More than one customer has it", GUARD_CLEAR, 1},
    [WARD_LONG_UNSEEN] = {"long_unseen", "Came back after a long time: the same person?",
                          GUARD_CLEAR, 1},
};

const char *ward_cause_name(enum ward_cause cause)
{
	return causes[cause].name;
}

const char *ward_cause_words(enum ward_cause cause)
{
	return causes[cause].words;
}

enum guard_state ward_state_of(enum ward_cause cause)
{
	return causes[cause].state;
}

struct ward *ward_new(void)
{
	return calloc(1, sizeof(struct ward));
}

void ward_free(struct ward *g)
{
	if (g)
		explicit_bzero(g, sizeof *g);
	free(g);
}

/* ---- rows ---- */

static bool is_free(const struct ward_row *row)
{
	return !row->mask[0];
}

static size_t set_of(const uint8_t *key)
{
	return (size_t)(buf_get16(key) % SETS) * WAYS;
}

const struct ward_row *ward_find(const struct ward *g, const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *set = &g->row[set_of(key)];

	for (size_t i = 0; i < WAYS; i++) {
		if (!is_free(&set[i]) && memcmp(set[i].key, key, WARD_KEY_BYTES) == 0)
			return &set[i];
	}
	return NULL;
}

enum guard_state ward_ask(const struct ward *g, const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *row = ward_find(g, key);

	return row ? ward_state_of(row->cause) : GUARD_CLEAR;
}

/* Of two rows the one that may go first: what is only counted before what is a question on the
 * list, then the longer unseen. */
static bool goes_before(const struct ward_row *a, const struct ward_row *b)
{
	int strength = causes[a->cause].strength - causes[b->cause].strength;

	return strength ? strength < 0 : a->touched_us < b->touched_us;
}

/* A place for a new row: a free one, or that of one that binds nobody. NULL: all eight are shared
 * or blocked. */
static struct ward_row *room(struct ward *g, const uint8_t *key)
{
	struct ward_row *set = &g->row[set_of(key)], *gone = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_free(&set[i]))
			return &set[i];
		if (ward_state_of(set[i].cause) == GUARD_CLEAR &&
		    (!gone || goes_before(&set[i], gone)))
			gone = &set[i];
	}
	return gone;
}

void ward_mask(enum ident_kind kind, const char *nf, char out[17])
{
	size_t len = strlen(nf), from = len > 6 ? len - 3 : len;
	size_t letter = 1;

	while (((unsigned char)nf[0] & 0xc0) == 0xc0 && ((unsigned char)nf[letter] & 0xc0) == 0x80)
		letter++;
	if (kind == IDENT_EMAIL && len)
		snprintf(out, 17, "%.*s\u2026@\u2026", (int)(letter < 5 ? letter : 0), nf);
	else
		snprintf(out, 17, "\u2026%s", nf + from);
}

/* The row of this identifier, made if need be. */
static struct ward_row *row_of(struct ward *g, const struct ward_basket *b)
{
	const struct ward_row *held = ward_find(g, b->key);
	struct ward_row *row = held ? &g->row[held - g->row] : room(g, b->key);

	if (!row)
		return NULL;
	if (!held) {
		*row = (struct ward_row){.kind = b->kind, .day = b->day};
		memcpy(row->key, b->key, WARD_KEY_BYTES);
		ward_mask(b->kind, b->value, row->mask);
	}
	row->touched_us = b->at_us;
	return row;
}

bool ward_set(struct ward *g, const struct ward_basket *b, enum ward_cause cause,
              const char *reason)
{
	struct ward_row *row = row_of(g, b);

	if (!row)
		return false;
	row->last = b->day;
	if (row->cause == cause || causes[row->cause].strength > causes[cause].strength)
		return false;
	row->cause = cause;
	row->since = b->day;
	row->reason[0] = row->ref[0] = '\0';
	if (b->ref)
		text_copy(row->ref, sizeof row->ref, b->ref);
	if (reason)
		text_copy(row->reason, sizeof row->reason, reason);
	return true;
}

void ward_put_back(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const struct ward_row *was)
{
	const struct ward_row *held = ward_find(g, key);
	struct ward_row *row = held ? &g->row[held - g->row] : room(g, key);

	if (!row)
		return;
	if (was)
		*row = *was;
	else if (held)
		explicit_bzero(row, sizeof *row);
}

bool ward_clear(struct ward *g, const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *row = ward_find(g, key);

	if (!row || row->cause == WARD_COUNTED)
		return false;
	explicit_bzero(&g->row[row - g->row], sizeof *row);
	return true;
}

/* ---- counting ---- */

/* FNV-1a; 0 means "not known". */
static uint32_t hash(const char *text, uint32_t h)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h ? h : 1;
}

#define HASH_BEGIN 2166136261U

static uint32_t place_of(const struct ward_basket *b)
{
	if (!b->lane || !b->staff_ref || !b->staff_ref[0])
		return 0;
	return hash(b->staff_ref, hash("|", hash(b->lane, HASH_BEGIN)));
}

static bool counted_before(const struct ward_row *row, uint32_t basket)
{
	for (size_t i = 0; i < WARD_RECENT; i++) {
		if (row->recent[i].basket == basket)
			return true;
	}
	return false;
}

/* Baskets on this lane with this operator, within the window. */
static int on_lane(const struct ward_row *row, uint32_t place, int64_t from_us)
{
	int n = 0;

	for (size_t i = 0; place && i < WARD_RECENT; i++)
		n += row->recent[i].basket && row->recent[i].place == place &&
		     row->recent[i].at_us >= from_us;
	return n;
}

enum ward_cause ward_basket(struct ward *g, const struct rule_guard *limits,
                            const struct ward_basket *b)
{
	struct ward_row *row = row_of(g, b);
	uint32_t basket = hash(b->basket_id, HASH_BEGIN), place = place_of(b);
	enum ward_cause cause = WARD_COUNTED;

	if (!row || counted_before(row, basket))
		return WARD_COUNTED;
	if (row->day != b->day) {
		row->day = b->day;
		row->baskets = 0;
	}
	row->baskets++;
	row->recent[row->next].basket = basket;
	row->recent[row->next].place = place;
	row->recent[row->next].at_us = b->at_us;
	row->next = (row->next + 1) % WARD_RECENT;
	int64_t window_us = limits->lane_window_s * INT64_C(1000000);
	if (on_lane(row, place, b->at_us - window_us) >= limits->lane_baskets)
		cause = WARD_LANE_BASKETS;
	else if (row->baskets > (uint32_t)limits->day_baskets_max)
		cause = WARD_DAY_BASKETS;
	if (cause == WARD_COUNTED)
		return cause;
	/* A shared one stays what it is: it was not clean today. */
	bool shared = ward_state_of(row->cause) == GUARD_SHARED;
	if (shared)
		row->last = b->day;
	return !shared && ward_set(g, b, cause, NULL) ? cause : WARD_COUNTED;
}

/* ---- the list ---- */

const struct ward_row *ward_next(const struct ward *g, size_t *at)
{
	while (*at < WARD_ROWS_MAX) {
		const struct ward_row *row = &g->row[(*at)++];
		if (!is_free(row) && row->cause != WARD_COUNTED)
			return row;
	}
	return NULL;
}

const struct ward_row *ward_clean(const struct ward *g, int32_t today, int clean_days)
{
	const struct ward_row *row;

	for (size_t at = 0; (row = ward_next(g, &at));) {
		if (row->cause != WARD_MANAGER && today - row->last >= clean_days)
			return row;
	}
	return NULL;
}

/* ---- over a restart ---- */

#define SAVED_VERSION 1

static void save_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_byte(out, (uint8_t)len);
	buf_add(out, text, len);
}

static void save_row(struct buf *out, const struct ward_row *row)
{
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
	for (size_t i = 0; i < WARD_RECENT; i++) {
		buf_be32(out, row->recent[i].basket);
		buf_be32(out, row->recent[i].place);
		buf_be64(out, (uint64_t)row->recent[i].at_us);
	}
}

void ward_save(const struct ward *g, int32_t today, uint32_t least, struct buf *out)
{
	buf_byte(out, SAVED_VERSION);
	for (size_t i = 0; i < WARD_ROWS_MAX; i++) {
		const struct ward_row *row = &g->row[i];
		bool counted = row->day == today && row->baskets >= least;
		if (!is_free(row) && (row->cause != WARD_COUNTED || counted))
			save_row(out, row);
	}
}

/* What is left of a snapshot; `at` NULL: it ended too early. */
struct loading {
	const uint8_t *at, *end;
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

static uint32_t take_number(struct loading *l)
{
	const uint8_t *at = take(l, 4);

	return at ? buf_get32(at) : 0;
}

static void take_recent(struct loading *l, struct ward_row *row)
{
	for (size_t i = 0; i < WARD_RECENT; i++) {
		row->recent[i].basket = take_number(l);
		row->recent[i].place = take_number(l);
		const uint8_t *at = take(l, 8);
		row->recent[i].at_us = at ? (int64_t)buf_get64(at) : 0;
	}
}

static bool take_row(struct loading *l, struct ward_row *row)
{
	char kind[17] = "";
	const uint8_t *key = take(l, WARD_KEY_BYTES), *cause = take(l, 1), *next;

	take_text(l, kind, sizeof kind);
	take_text(l, row->ref, sizeof row->ref);
	take_text(l, row->mask, sizeof row->mask);
	take_text(l, row->reason, sizeof row->reason);
	row->since = (int32_t)take_number(l);
	row->last = (int32_t)take_number(l);
	row->day = (int32_t)take_number(l);
	row->baskets = take_number(l);
	next = take(l, 1);
	take_recent(l, row);
	if (!l->at || *cause >= WARD_CAUSE_COUNT || *next >= WARD_RECENT || !row->mask[0])
		return false;
	memcpy(row->key, key, WARD_KEY_BYTES);
	row->cause = (enum ward_cause) * cause;
	row->kind = ident_kind_of(kind);
	row->next = *next;
	return true;
}

bool ward_load(struct ward *g, const uint8_t *saved, size_t len)
{
	struct loading l = {saved + 1, saved + len};

	if (len == 0 || saved[0] != SAVED_VERSION)
		return false;
	while (l.at < l.end) {
		struct ward_row row = {0};
		if (!take_row(&l, &row))
			return false;
		struct ward_row *place = ward_find(g, row.key) ? NULL : room(g, row.key);
		if (place)
			*place = row;
	}
	return true;
}
