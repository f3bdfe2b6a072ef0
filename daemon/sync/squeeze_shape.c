/* Shapes, and what a value is expected to be. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sync/squeeze_internal.h"

#define NUMBER_DIGITS_MAX 18
#define MS_PER_DAY 86400000
#define GTIN_NUMBERS 1000000000000 /* 12 digits */
#define KEY_MAX 64                 /* bytes of a key that are looked at */

void squeeze_begin(struct squeeze *s, const struct squeeze_head *head, const uint8_t *lines)
{
	s->head = *head;
	s->lines = lines;
	s->shape_count = s->at = 0;
	s->mono = 0;
	s->timed = false;
	s->ref = NULL;
	buf_reset(&s->shape_text);
	buf_reset(&s->slots);
	buf_reset(&s->values);
	buf_reset(&s->ops);
	buf_reset(&s->texts);
	buf_reset(&s->text);
	buf_reset(&s->raw);
}

/* ---- shapes ---- */

static bool is(const uint8_t *p, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(p, text, n) == 0;
}

static enum squeeze_role role_of(const uint8_t *key, size_t n)
{
	static const struct {
		const char *key;
		enum squeeze_role role;
	} roles[] = {
	    {"epoch", SQUEEZE_EPOCH},
	    {"messageId", SQUEEZE_MESSAGE_ID},
	    {"mono_us", SQUEEZE_MONO},
	    {"seq", SQUEEZE_SEQ},
	    {"store", SQUEEZE_STORE},
	    {"originalTimestamp", SQUEEZE_WALL},
	    {"visit_id", SQUEEZE_VISIT},
	    {"cart_id", SQUEEZE_CART},
	    {"receipt_number", SQUEEZE_RECEIPT},
	};
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (is(key, n, roles[i].key))
			return roles[i].role;
	return SQUEEZE_PLAIN;
}

/* One slot for each place of the shape; its key is the last text in quotes that a colon follows. */
static void find_slots(struct squeeze *s, struct squeeze_shape *shape)
{
	const uint8_t *text = s->shape_text.data;
	struct squeeze_slot slot = {0};
	uint32_t quote = shape->text, end = shape->text + shape->len;
	for (uint32_t i = shape->text; i < end; i++) {
		if (text[i] == '"' && i + 1 < end && text[i + 1] == ':') {
			slot.key = quote + 1;
			slot.key_len = i - quote - 1 < KEY_MAX ? i - quote - 1 : KEY_MAX;
			slot.role = role_of(text + slot.key, slot.key_len);
		}
		if (text[i] == '"')
			quote = i;
		if (text[i] != SQUEEZE_PLACE)
			continue;
		slot.at = i;
		buf_add(&s->slots, &slot, sizeof(slot));
		shape->slots++;
	}
}

const struct squeeze_shape *squeeze_add_shape(struct squeeze *s, uint32_t len)
{
	if (s->shape_count == SQUEEZE_SHAPES_MAX || s->shape_text.failed)
		return NULL;
	struct squeeze_shape *shape = &s->shapes[s->shape_count];
	*shape = (struct squeeze_shape){.text = (uint32_t)s->shape_text.len - len - 1,
	                                .len = len,
	                                .first_slot =
	                                    (uint32_t)(s->slots.len / sizeof(struct squeeze_slot))};
	find_slots(s, shape);
	if (s->slots.failed)
		return NULL;
	s->shape_count++;
	return shape;
}

bool squeeze_add_value(struct squeeze *s, uint32_t at, uint32_t len)
{
	struct squeeze_value v = {at, len};
	if (s->values.len / sizeof(v) >= SQUEEZE_VALUES_MAX)
		return false;
	buf_add(&s->values, &v, sizeof(v));
	return !s->values.failed;
}

static bool same_key(const struct squeeze *s, const struct squeeze_slot *a,
                     const struct squeeze_slot *b)
{
	const uint8_t *text = s->shape_text.data;
	return a->key_len == b->key_len && memcmp(text + a->key, text + b->key, a->key_len) == 0;
}

/* ---- other values ---- */

void squeeze_refer(struct squeeze *s, uint32_t back)
{
	s->ref = back ? squeeze_line(s, s->at - back) : NULL;
	s->cursor = 0;
}

const struct squeeze_value *squeeze_referred(struct squeeze *s, uint32_t k)
{
	if (!s->ref)
		return NULL;
	const struct squeeze_shape *mine = squeeze_line(s, s->at)->shape, *other = s->ref->shape;
	if (mine == other)
		return squeeze_value(s, s->ref, k);
	const struct squeeze_slot *slot = squeeze_slot(s, mine, k);
	uint32_t look = other->slots < SQUEEZE_LOOK_MAX ? other->slots : SQUEEZE_LOOK_MAX;
	for (uint32_t i = 0; i < look; i++) {
		uint32_t at = (s->cursor + i) % other->slots;
		if (!same_key(s, slot, squeeze_slot(s, other, at)))
			continue;
		s->cursor = at + 1;
		return squeeze_value(s, s->ref, at);
	}
	return NULL;
}

const struct squeeze_value *squeeze_latest(const struct squeeze *s, uint32_t k)
{
	const struct squeeze_line *line = &s->line[s->at % (SQUEEZE_BACK_MAX + 1)];
	const struct squeeze_slot *slot = squeeze_slot(s, line->shape, k);
	for (uint32_t i = 1; i <= k && i <= SQUEEZE_LOOK_MAX; i++)
		if (same_key(s, slot, squeeze_slot(s, line->shape, k - i)))
			return squeeze_value(s, line, k - i);
	return NULL;
}

/* The first value of the line at work, among those in front of k, whose key is this. */
static size_t of_key(const struct squeeze *s, uint32_t k, const char *key, const uint8_t **p)
{
	const struct squeeze_line *line = &s->line[s->at % (SQUEEZE_BACK_MAX + 1)];
	for (uint32_t i = 0; i < k && i < SQUEEZE_LOOK_MAX; i++) {
		const struct squeeze_slot *slot = squeeze_slot(s, line->shape, i);
		if (!is(s->shape_text.data + slot->key, slot->key_len, key))
			continue;
		*p = s->lines + squeeze_value(s, line, i)->at;
		return squeeze_value(s, line, i)->len;
	}
	return 0;
}

size_t squeeze_own(const struct squeeze *s, uint32_t k, char out[SQUEEZE_DERIVED_MAX])
{
	static const char till[] = "till:";
	const uint8_t *source, *date;
	size_t skip = sizeof(till) - 1, n = of_key(s, k, "source", &source);
	size_t date_len = of_key(s, k, "business_date", &date), store_len = strlen(s->head.store);
	if (n <= skip || memcmp(source, till, skip) != 0 || !date_len ||
	    store_len + n + date_len + 3 > SQUEEZE_DERIVED_MAX)
		return 0;
	return (size_t)snprintf(out, SQUEEZE_DERIVED_MAX, "%s/%.*s/%.*s/", s->head.store,
	                        (int)(n - skip), (const char *)source + skip, (int)date_len,
	                        (const char *)date);
}

bool squeeze_noon(const struct squeeze *s, uint32_t k, int64_t *ms)
{
	const uint8_t *date;
	int64_t days;
	size_t n = of_key(s, k, "business_date", &date);
	if (!n || !squeeze_parse_date(date, n, &days))
		return false;
	*ms = days * MS_PER_DAY + MS_PER_DAY / 2;
	return true;
}

/* What stands behind the last slash of the order's id. */
static size_t receipt_of(const struct squeeze *s, uint32_t k, const uint8_t **p)
{
	size_t n = of_key(s, k, "order_id", p);
	const uint8_t *slash = n ? memrchr(*p, '/', n) : NULL;
	if (!slash)
		return 0;
	n -= (size_t)(slash + 1 - *p);
	*p = slash + 1;
	return n;
}

size_t squeeze_expected(struct squeeze *s, uint32_t k, const struct squeeze_value *referred,
                        char out[SQUEEZE_DERIVED_MAX], const uint8_t **p)
{
	char epoch[EVENT_EPOCH_SIZE];
	uint64_t seq = s->head.first + s->at;
	*p = (const uint8_t *)out;
	switch (squeeze_slot(s, squeeze_line(s, s->at)->shape, k)->role) {
	case SQUEEZE_EPOCH:
		text_hex(s->head.epoch, EVENT_EPOCH_BYTES, out);
		return EVENT_EPOCH_SIZE - 1;
	case SQUEEZE_MESSAGE_ID:
		text_hex(s->head.epoch, EVENT_EPOCH_BYTES, epoch);
		return (size_t)snprintf(out, SQUEEZE_DERIVED_MAX, "%s:%s:%" PRIu64, s->head.store,
		                        epoch, seq);
	case SQUEEZE_SEQ:
		return (size_t)snprintf(out, SQUEEZE_DERIVED_MAX, "%" PRIu64, seq);
	case SQUEEZE_STORE:
		*p = (const uint8_t *)s->head.store;
		return strlen(s->head.store);
	case SQUEEZE_WALL:
		clock_iso8601(squeeze_time(s) * 1000, out);
		return CLOCK_ISO8601_SIZE - 1;
	case SQUEEZE_VISIT:
		return of_key(s, k, "anonymousId", p);
	case SQUEEZE_CART:
		return of_key(s, k, "basket_id", p);
	case SQUEEZE_RECEIPT:
		return receipt_of(s, k, p);
	case SQUEEZE_PLAIN:
	case SQUEEZE_MONO:
		break;
	}
	*p = referred ? s->lines + referred->at : NULL;
	return referred ? referred->len : 0;
}

/* ---- numbers and times ---- */

size_t squeeze_counted(const struct squeeze *s, const struct squeeze_value *v, uint64_t n,
                       char out[SQUEEZE_DERIVED_MAX])
{
	const uint8_t *p = s->lines + v->at;
	size_t digits = 0;
	uint64_t number = 0;
	while (digits < v->len && p[v->len - 1 - digits] >= '0' && p[v->len - 1 - digits] <= '9')
		digits++;
	if (digits < 1 || digits > SQUEEZE_DIGITS_MAX || v->len > SQUEEZE_DERIVED_MAX - 2)
		return 0;
	size_t front = v->len - digits;
	for (size_t i = front; i < v->len; i++)
		number = number * 10 + (uint64_t)(p[i] - '0');
	memcpy(out, p, front);
	return front + (size_t)snprintf(out + front, SQUEEZE_DERIVED_MAX - front, "%0*" PRIu64,
	                                (int)digits, number + n);
}

int64_t squeeze_time(const struct squeeze *s)
{
	if (!s->timed)
		return 0;
	int64_t us = (int64_t)s->mono + s->low + (s->high - s->low) / 2;
	int64_t ms = us < 0 ? 0 : us / 1000;
	return ms < SQUEEZE_MS_MAX ? ms : SQUEEZE_MS_MAX;
}

/* Both clocks run alike: every line narrows what their difference can be, until one was set. */
static void note_time(struct squeeze *s, int64_t ms)
{
	int64_t low = ms * 1000 - (int64_t)s->mono, high = low + 999;
	if (s->timed && low <= s->high && high >= s->low) {
		low = low > s->low ? low : s->low;
		high = high < s->high ? high : s->high;
	}
	s->timed = true;
	s->low = low;
	s->high = high;
}

void squeeze_note(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n)
{
	enum squeeze_role role = squeeze_slot(s, squeeze_line(s, s->at)->shape, k)->role;
	int64_t ms;
	if (role == SQUEEZE_MONO)
		squeeze_parse_number(p, n, &s->mono);
	else if (role == SQUEEZE_WALL && squeeze_parse_time(p, n, &ms))
		note_time(s, ms);
}

bool squeeze_parse_time(const uint8_t *p, size_t n, int64_t *ms)
{
	char text[CLOCK_ISO8601_SIZE];
	int64_t us;
	if (n != sizeof(text) - 1)
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	if (clock_parse_iso8601(text, &us) || us < 0)
		return false;
	*ms = us / 1000;
	return true;
}

bool squeeze_parse_date(const uint8_t *p, size_t n, int64_t *days)
{
	char text[CLOCK_ISO8601_SIZE] = "0000-00-00T00:00:00.000Z";
	int64_t ms;
	if (n != SQUEEZE_DATE_BYTES)
		return false;
	memcpy(text, p, n);
	if (!squeeze_parse_time((const uint8_t *)text, sizeof(text) - 1, &ms))
		return false;
	*days = ms / MS_PER_DAY;
	return true;
}

void squeeze_put_date(int64_t days, char out[CLOCK_ISO8601_SIZE])
{
	clock_iso8601(days * MS_PER_DAY * 1000, out);
	out[SQUEEZE_DATE_BYTES] = '\0';
}

/* GS1: from the right, every second digit counts three times. */
static uint64_t check_digit(uint64_t digits)
{
	uint64_t sum = 0;
	for (uint64_t weight = 3; digits; digits /= 10, weight = 4 - weight)
		sum += digits % 10 * weight;
	return (10 - sum % 10) % 10;
}

bool squeeze_parse_gtin(const uint8_t *p, size_t n, uint64_t *digits)
{
	uint64_t v = 0;
	if (n != SQUEEZE_GTIN_DIGITS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*digits = v / 10;
	return check_digit(v / 10) == v % 10;
}

bool squeeze_put_gtin(uint64_t digits, char out[SQUEEZE_GTIN_DIGITS + 1])
{
	if (digits >= GTIN_NUMBERS)
		return false;
	snprintf(out, SQUEEZE_GTIN_DIGITS + 1, "%012" PRIu64 "%" PRIu64, digits,
	         check_digit(digits));
	return true;
}

bool squeeze_parse_number(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	if (n < 1 || n > NUMBER_DIGITS_MAX || (p[0] == '0' && n > 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return true;
}
