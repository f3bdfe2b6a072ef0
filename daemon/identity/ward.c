#include "identity/ward_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

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
	return memory_zeroed(1, sizeof(struct ward));
}

void ward_free(struct ward *g)
{
	if (g)
		explicit_bzero(g, sizeof *g);
	free(g);
}

/* ---- rows ---- */

bool ward_is_free(const struct ward_row *row)
{
	return !row->mask[0];
}

size_t ward_set_of(const uint8_t *key)
{
	return buf_get16(key) % WARD_SETS;
}

static void changed(struct ward *g, const struct ward_row *row)
{
	g->unsaved[(row - g->row) / WARD_WAYS] = true;
}

const struct ward_row *ward_find(const struct ward *g, const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *set = &g->row[ward_set_of(key) * WARD_WAYS];

	for (size_t i = 0; i < WARD_WAYS; i++) {
		if (!ward_is_free(&set[i]) && memcmp(set[i].key, key, WARD_KEY_BYTES) == 0)
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
struct ward_row *ward_room(struct ward *g, const uint8_t *key)
{
	struct ward_row *set = &g->row[ward_set_of(key) * WARD_WAYS], *gone = NULL;

	for (size_t i = 0; i < WARD_WAYS; i++) {
		if (ward_is_free(&set[i]))
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
	struct ward_row *row = held ? &g->row[held - g->row] : ward_room(g, b->key);

	if (!row)
		return NULL;
	if (!held) {
		*row = (struct ward_row){.kind = b->kind, .day = b->day};
		memcpy(row->key, b->key, WARD_KEY_BYTES);
		ward_mask(b->kind, b->value, row->mask);
	}
	row->touched_us = b->at_us;
	changed(g, row);
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
	struct ward_row *row = held ? &g->row[held - g->row] : ward_room(g, key);

	if (!row)
		return;
	if (was)
		*row = *was;
	else if (held)
		explicit_bzero(row, sizeof *row);
	changed(g, row);
}

bool ward_clear(struct ward *g, const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *row = ward_find(g, key);

	if (!row || row->cause == WARD_COUNTED)
		return false;
	changed(g, row);
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

bool ward_counted(const struct ward *g, const uint8_t key[WARD_KEY_BYTES], const char *basket_id)
{
	const struct ward_row *row = ward_find(g, key);

	return row && counted_before(row, hash(basket_id, HASH_BEGIN));
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

void ward_uncount(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const char *basket_id,
                  const struct ward_row *was)
{
	const struct ward_row *held = ward_find(g, key);
	struct ward_row *row = held ? &g->row[held - g->row] : NULL;
	uint32_t basket = hash(basket_id, HASH_BEGIN);

	for (size_t i = 0; row && i < WARD_RECENT; i++) {
		if (row->recent[i].basket != basket)
			continue;
		memset(&row->recent[i], 0, sizeof row->recent[i]);
		if (row->baskets)
			row->baskets--;
		changed(g, row);
	}
	if (row && was)
		ward_uncause(g, key, was);
}

void ward_uncause(struct ward *g, const uint8_t key[WARD_KEY_BYTES], const struct ward_row *was)
{
	const struct ward_row *held = ward_find(g, key);
	struct ward_row *row = held ? &g->row[held - g->row] : NULL;

	if (!row)
		return;
	row->cause = was->cause;
	row->since = was->since;
	row->last = was->last;
	memcpy(row->ref, was->ref, sizeof row->ref);
	memcpy(row->reason, was->reason, sizeof row->reason);
	changed(g, row);
}

/* ---- the list ---- */

const struct ward_row *ward_next(const struct ward *g, size_t *at)
{
	while (*at < WARD_ROWS_MAX) {
		const struct ward_row *row = &g->row[(*at)++];
		if (!ward_is_free(row) && row->cause != WARD_COUNTED)
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
