#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sale/sale_internal.h"
#include "sale/sale_recall.h"

static void random_bytes(void *out, size_t n)
{
	/* A guessable reference would tie visits together: better no process than such a one. */
	if (getrandom(out, n, 0) != (ssize_t)n)
		abort();
}

void sale_id(char out[EVENT_ID_SIZE])
{
	uint8_t bytes[EVENT_ID_BYTES];
	random_bytes(bytes, sizeof bytes);
	text_b64(bytes, sizeof bytes, out);
}

void sale_key(struct visit_key *key)
{
	random_bytes(key->id, sizeof key->id);
	random_bytes(key->key, sizeof key->key);
}

struct sale *sale_new(const struct sale_params *params)
{
	struct sale *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	while (params->lanes[s->lane_count])
		s->lane_count++;
	s->lanes = calloc(s->lane_count + 1, sizeof *s->lanes);
	if (!s->lanes) {
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < s->lane_count; i++)
		text_copy(s->lanes[i].name, sizeof s->lanes[i].name, params->lanes[i]);
	text_copy(s->store, sizeof s->store, params->store);
	text_copy(s->currency, sizeof s->currency, params->currency);
	s->digits = num_currency_digits(s->currency);
	if (s->digits < 0)
		s->digits = 0; /* the configuration names a currency that exists */
	return s;
}

void sale_free(struct sale *s)
{
	if (!s)
		return;
	while (s->first)
		sale_basket_drop(s, s->first);
	sale_recall_free(s);
	sale_early_free(s);
	buf_free(&s->scratch);
	free(s->shown);
	/* Persons and visit keys in plain: a core dump must not hold those of yesterday. */
	explicit_bzero(s->lanes, s->lane_count * sizeof *s->lanes);
	free(s->lanes);
	explicit_bzero(s, sizeof *s);
	free(s);
}

struct lane *sale_lane(struct sale *s, const char *name)
{
	for (size_t i = 0; i < s->lane_count; i++)
		if (!strcmp(s->lanes[i].name, name))
			return &s->lanes[i];
	return NULL;
}

struct basket *sale_front(const struct sale *s, const struct lane *lane)
{
	struct basket *front = NULL;
	for (struct basket *b = s->first; b; b = b->next)
		if (b->lane == lane && b->stage != STAGE_CLOSING)
			front = b;
	return front;
}

struct basket *sale_basket(const struct sale *s, const char *till, const char *name)
{
	for (struct basket *b = s->first; b; b = b->next)
		if (b->stage != STAGE_CLOSING && !strcmp(b->till, till) && !strcmp(b->name, name))
			return b;
	return NULL;
}

struct basket *sale_basket_by_id(const struct sale *s, const char *basket_id)
{
	for (struct basket *b = s->first; b; b = b->next)
		if (!strcmp(b->place.basket_id, basket_id))
			return b;
	return NULL;
}

struct line *sale_line(struct basket *b, const char *line_id)
{
	for (size_t i = 0; i < b->line_count; i++)
		if (!strcmp(b->lines[i].shown.line_id, line_id))
			return &b->lines[i];
	return NULL;
}

struct basket *sale_basket_new(void)
{
	struct basket *b = calloc(1, sizeof *b);
	if (b)
		b->ends_us = NEVER_US;
	return b;
}

void sale_basket_add(struct sale *s, struct basket *b)
{
	struct basket **end = &s->first;
	while (*end)
		end = &(*end)->next;
	*end = b;
	s->basket_count++;
}

void sale_basket_drop(struct sale *s, struct basket *b)
{
	for (struct basket **at = &s->first; *at; at = &(*at)->next) {
		if (*at == b) {
			*at = b->next;
			s->basket_count--;
			break;
		}
	}
	free(b->lines);
	buf_free(&b->later);
	explicit_bzero(b, sizeof *b);
	free(b);
}

size_t sale_basket_count(const struct sale *s, const char *till)
{
	size_t n = 0;
	for (struct basket *b = s->first; b; b = b->next)
		n += b->stage != STAGE_CLOSING && !strcmp(b->till, till);
	return n;
}

/* The array with room for `need`, or NULL: then the old one still stands. */
static void *array_room(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16;
	if (need <= *cap)
		return array;
	while (want < need)
		want *= 2;
	void *p = realloc(array, want * size);
	if (p)
		*cap = want;
	return p;
}

bool sale_line_room(struct sale *s, struct basket *b)
{
	struct line *lines = array_room(b->lines, &b->line_cap, b->line_count + 1, sizeof *lines);
	if (!lines)
		return false;
	b->lines = lines;
	struct lane_line *shown =
	    array_room(s->shown, &s->shown_cap, b->line_count + 1, sizeof *shown);
	if (!shown)
		return false;
	s->shown = shown;
	return true;
}

bool sale_line_total(int64_t milli, int64_t price, int64_t *total)
{
	__extension__ __int128 exact = (__int128)milli * price;
	exact = (exact + 500) / 1000; /* half up; neither factor is negative */
	if (exact > MINOR_MAX)
		return false;
	*total = (int64_t)exact;
	return true;
}

size_t sale_lines(const struct basket *b, int64_t *value)
{
	size_t n = 0;
	*value = 0;
	for (size_t i = 0; i < b->line_count; i++) {
		if (b->lines[i].gone)
			continue;
		*value += b->lines[i].shown.total;
		n++;
	}
	return n;
}

bool sale_same(const struct person *a, const struct person *b)
{
	return a->profile_ref[0] && b->profile_ref[0] &&
	       !strcmp(a->profile.customer_id, b->profile.customer_id);
}

void sale_seen(struct place *at, const struct person *who)
{
	struct seen *seen = &at->seen[at->seen_next++ % SEEN_MAX];
	memcpy(seen->customer_id, who->profile.customer_id, sizeof seen->customer_id);
	memcpy(seen->profile_ref, who->profile_ref, sizeof seen->profile_ref);
	seen->key = who->key;
}

static void person_refs(struct place *at, struct person *who)
{
	for (unsigned i = 0; i < SEEN_MAX; i++) {
		const struct seen *seen = &at->seen[i];
		if (!seen->profile_ref[0] || strcmp(seen->customer_id, who->profile.customer_id))
			continue;
		memcpy(who->profile_ref, seen->profile_ref, sizeof who->profile_ref);
		who->key = seen->key;
		return;
	}
	sale_id(who->profile_ref);
	sale_key(&who->key);
	sale_seen(at, who);
}

void sale_person(struct place *at, const struct answer *a, struct person *out)
{
	*out = (struct person){.profile = a->hit.profile};
	text_copy(out->ident_ref, sizeof out->ident_ref, a->hit.ident_ref);
	text_copy(out->rule, sizeof out->rule, a->rule);
	text_copy(out->ruleset, sizeof out->ruleset, a->ruleset);
	text_copy(out->confidence, sizeof out->confidence, a->confidence);
	out->scanned = a->scanned;
	out->staff = a->staff;
	person_refs(at, out);
}

bool sale_shared(const struct person *who)
{
	return !strcmp(who->confidence, "shared");
}

void sale_person_move(struct place *to, const struct person *who, struct person *out)
{
	*out = *who;
	person_refs(to, out);
}

const char *sale_first_name(const struct profile *p)
{
	if (p->confidential)
		return "Member";
	return p->first_name[0] ? p->first_name : "Customer";
}

void sale_touch(struct lane *lane)
{
	if (!lane)
		return;
	lane->rev++;
	lane->changed = true;
}

void sale_news(struct lane *lane)
{
	if (!lane)
		return;
	lane->notice[0] = '\0';
	lane->notice_until_us = NEVER_US;
	lane->presented = PERSON_NONE;
	lane->pick.on = false;
	lane->struck_ref[0] = '\0';
	lane->asking_until_us = 0;
	sale_touch(lane);
}

void sale_notice(struct lane *lane, const struct sale_now *now, const char *text)
{
	if (!lane)
		return;
	text_copy(lane->notice, sizeof lane->notice, text);
	lane->notice_until_us = now->mono_us + NOTICE_US;
	sale_touch(lane);
}

const char *sale_changed(struct sale *s)
{
	for (size_t i = 0; i < s->lane_count; i++) {
		if (s->lanes[i].changed) {
			s->lanes[i].changed = false;
			return s->lanes[i].name;
		}
	}
	return NULL;
}

void sale_unreadable(struct sale *s, const struct sale_now *now, const char *lane)
{
	for (size_t i = 0; i < s->lane_count; i++) {
		if (strcmp(s->lanes[i].name, lane) == 0)
			sale_notice(&s->lanes[i], now, "Not readable: scan it again, or type it");
	}
}

const char *sale_operator(const struct sale *s, const char *lane_name)
{
	for (size_t i = 0; i < s->lane_count; i++) {
		const struct lane *lane = &s->lanes[i];
		if (strcmp(lane->name, lane_name) != 0)
			continue;
		const struct basket *front = sale_front(s, lane);
		if (front && front->place.staff_ref[0])
			return front->place.staff_ref;
		return lane->staff_ref[0] ? lane->staff_ref : NULL;
	}
	return NULL;
}

/* ---- who serves ---- */

void sale_served_by(struct sale *s, struct lane *lane, const char *staff_ref)
{
	if (strcmp(lane->staff_ref, staff_ref) == 0)
		return;
	text_copy(lane->staff_ref, sizeof lane->staff_ref, staff_ref);
	s->serving_changed = true;
}

bool sale_serving_changed(struct sale *s)
{
	bool changed = s->serving_changed;
	s->serving_changed = false;
	return changed;
}

static void add_name(struct buf *out, const char *name)
{
	size_t len = strlen(name);
	buf_byte(out, (uint8_t)len);
	buf_add(out, name, len);
}

void sale_serving(const struct sale *s, struct buf *out)
{
	for (size_t i = 0; i < s->lane_count; i++) {
		const struct lane *lane = &s->lanes[i];
		if (!lane->staff_ref[0])
			continue;
		add_name(out, lane->name);
		add_name(out, lane->staff_ref);
	}
}

/* The next name; false: it is cut off. */
static bool take_name(const uint8_t **at, const uint8_t *end, char *out, size_t size)
{
	size_t len = *at < end ? **at : size;
	if (len >= size || (size_t)(end - *at) <= len)
		return false;
	memcpy(out, *at + 1, len);
	out[len] = '\0';
	*at += 1 + len;
	return true;
}

bool sale_serving_again(struct sale *s, const uint8_t *said, size_t len)
{
	const uint8_t *end = said + len;
	char name[EVENT_NAME_SIZE], staff_ref[sizeof s->lanes->staff_ref];
	for (size_t i = 0; i < s->lane_count; i++)
		s->lanes[i].staff_ref[0] = '\0';
	while (said < end) {
		if (!take_name(&said, end, name, sizeof name) ||
		    !take_name(&said, end, staff_ref, sizeof staff_ref))
			return false;
		struct lane *lane = sale_lane(s, name);
		if (lane)
			text_copy(lane->staff_ref, sizeof lane->staff_ref, staff_ref);
	}
	s->serving_changed = false;
	return true;
}

void sale_idents(const struct sale *s,
                 void (*fn)(void *ctx, enum ident_kind kind, const char *value, const char *ref),
                 void *ctx)
{
	for (size_t i = 0; i < s->lane_count; i++) {
		const struct wait *wait = &s->lanes[i].wait;
		const struct held *held = &s->lanes[i].held;
		if (wait->on && wait->id.value[0])
			fn(ctx, wait->id.kind, wait->id.value, wait->person.ident_ref);
		if (held->on && held->id.value[0])
			fn(ctx, held->id.kind, held->id.value, held->person.ident_ref);
	}
}

void sale_tills(const struct sale *s, void (*fn)(void *ctx, const char *till, const char *lane),
                void *ctx)
{
	for (const struct basket *b = s->first; b; b = b->next)
		if (b->lane)
			fn(ctx, b->till, b->lane->name);
}

void sale_till_baskets(const struct sale *s, const char *till, struct buf *json)
{
	bool more = false;
	buf_byte(json, '[');
	for (const struct basket *b = s->first; b; b = b->next) {
		if (b->stage == STAGE_CLOSING || b->unopened || strcmp(b->till, till) != 0)
			continue;
		if (more)
			buf_byte(json, ',');
		lw_event_json_string(json, b->name);
		more = true;
	}
	buf_byte(json, ']');
}
