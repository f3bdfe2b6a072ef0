/* Packing. What it chooses is free: the reader follows whatever stands there. */
#include "sync/squeeze.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sync/squeeze_internal.h"

#define ALIKE_MIN 3   /* bytes of a value that is worth a look at its neighbours */
#define NEAR_FIRST 16 /* neighbours before the line's first values */
#define SLOTS_NAMED 64
#define PREFIX_MIN 4 /* bytes in common that are worth a PREFIX */
#define B64_MIN 40   /* characters: sealed text, nothing that a person wrote */
#define B64_MAX 340  /* characters that fill the u8 in front */
#define HEX_BYTES_MAX 32
#define GTIN_LINES_MAX 1

struct squeeze *squeeze_new(void)
{
	return calloc(1, sizeof(struct squeeze));
}

void squeeze_free(struct squeeze *s)
{
	if (!s)
		return;
	struct buf *all[] = {&s->shape_text, &s->slots, &s->values, &s->ops,
	                     &s->texts,      &s->text,  &s->raw};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_free(all[i]);
	free(s);
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_byte(b, (uint8_t)(v | 0x80));
	buf_byte(b, (uint8_t)v);
}

static void put_signed(struct buf *b, int64_t v)
{
	put_varint(b, v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1);
}

/* ---- taking a line apart ---- */

/* Words of a list stay in the shape: few of them stand in the same place. */
static bool is_word(const uint8_t *p, size_t n)
{
	size_t lower = 0, upper = 0;
	for (size_t i = 0; i < n; i++) {
		lower += (p[i] >= 'a' && p[i] <= 'z') || p[i] == '_';
		upper += p[i] >= 'A' && p[i] <= 'Z';
	}
	return lower == n || (upper == n && n == 3);
}

/* The end of the text in quotes that starts at p, behind its quote; NULL: it has none. */
static const uint8_t *text_end(const uint8_t *p, const uint8_t *end)
{
	for (p++; p < end; p++) {
		if (*p == '"')
			return p + 1;
		p += *p == '\\';
	}
	return NULL;
}

static bool keep_value(struct squeeze *s, const uint8_t *p, size_t n)
{
	buf_byte(&s->shape_text, SQUEEZE_PLACE);
	return squeeze_add_value(s, (uint32_t)(p - s->lines), (uint32_t)n);
}

/* Words stay in the shape as a rule, others are values. These keys are the exceptions: what goes
 * with the kind of event stays; names that a store gives, of which one may be a word, and the state
 * of its clock are values. */
enum kept { BY_RULE, STAYS, GOES };

static enum kept kept_of(const uint8_t *key, size_t n)
{
	static const struct {
		const char *key;
		enum kept kept;
	} keys[] = {
	    {"\"event\"", STAYS}, {"\"schema\"", STAYS},   {"\"ruleset\"", STAYS},
	    {"\"clock\"", GOES},  {"\"store\"", GOES},     {"\"lane\"", GOES},
	    {"\"source\"", GOES}, {"\"staff_ref\"", GOES}, {"\"till\"", GOES},
	    {"\"device\"", GOES}, {"\"name\"", GOES},      {"\"line_id\"", GOES},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (n == strlen(keys[i].key) && memcmp(key, keys[i].key, n) == 0)
			return keys[i].kept;
	return BY_RULE;
}

/* kept: what the key in front said of this text; then what this one says, if it is a key. */
static bool take_text(struct squeeze *s, const uint8_t *p, const uint8_t *after, const uint8_t *end,
                      enum kept *kept)
{
	size_t n = (size_t)(after - p);
	bool key = after < end && *after == ':';
	bool stays = key || *kept == STAYS || (*kept == BY_RULE && is_word(p + 1, n - 2));
	*kept = key ? kept_of(p, n) : BY_RULE;
	if (stays) {
		buf_add(&s->shape_text, p, n);
		return true;
	}
	buf_byte(&s->shape_text, '"');
	bool ok = keep_value(s, p + 1, n - 2);
	buf_byte(&s->shape_text, '"');
	return ok;
}

static size_t number_len(const uint8_t *p, const uint8_t *end)
{
	size_t n = 0;
	while (p + n < end && p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

/* Append the line's shape and values. false: it has none. */
static bool take_apart(struct squeeze *s, const uint8_t *p, const uint8_t *end)
{
	enum kept kept = BY_RULE;
	if (memchr(p, SQUEEZE_PLACE, (size_t)(end - p)))
		return false;
	while (p < end) {
		size_t digits = number_len(p, end);
		if (digits) {
			if (kept == STAYS)
				buf_add(&s->shape_text, p, digits);
			else if (!keep_value(s, p, digits))
				return false;
			kept = BY_RULE;
			p += digits;
		} else if (*p == '"') {
			const uint8_t *after = text_end(p, end);
			if (!after || after > end || !take_text(s, p, after, end, &kept))
				return false;
			p = after;
		} else {
			buf_byte(&s->shape_text, *p++);
		}
	}
	buf_byte(&s->shape_text, '\n');
	return !s->shape_text.failed && !s->values.failed;
}

/* The shape that stands at the end of shape_text: one that was there (then it is taken off again),
 * or a new one. */
static const struct squeeze_shape *find_shape(struct squeeze *s, size_t from, bool *known)
{
	uint32_t len = (uint32_t)(s->shape_text.len - from - 1), sum = 2166136261u;
	const uint8_t *text = s->shape_text.data + from;
	for (uint32_t i = 0; i < len; i++)
		sum = (sum ^ text[i]) * 16777619u;
	for (uint32_t i = 0; i < s->shape_count; i++) {
		const struct squeeze_shape *shape = &s->shapes[i];
		*known = shape->sum == sum && shape->len == len &&
		         memcmp(s->shape_text.data + shape->text, text, len) == 0;
		if (!*known)
			continue;
		s->shape_text.len = from;
		return shape;
	}
	const struct squeeze_shape *shape = squeeze_add_shape(s, len);
	if (shape)
		s->shapes[s->shape_count - 1].sum = sum;
	return shape;
}

/* ---- which line it is most like ---- */

static bool same(const struct squeeze *s, const struct squeeze_value *v, const uint8_t *p, size_t n)
{
	return v->len == n && memcmp(s->lines + v->at, p, n) == 0;
}

static bool same_values(const struct squeeze *s, const struct squeeze_value *a,
                        const struct squeeze_value *b)
{
	return same(s, a, s->lines + b->at, b->len);
}

static uint32_t likeness(struct squeeze *s, uint32_t back)
{
	const struct squeeze_line *mine = squeeze_line(s, s->at);
	uint32_t got = 0;
	squeeze_refer(s, back);
	for (uint32_t k = 0; k < mine->shape->slots; k++) {
		const struct squeeze_value *v = squeeze_referred(s, k);
		got += v && same_values(s, v, squeeze_value(s, mine, k));
	}
	return got;
}

/* The line before it, the latest of the same shape, of the same visit, of both. */
static uint32_t choose_line(struct squeeze *s)
{
	const struct squeeze_line *mine = squeeze_line(s, s->at);
	uint32_t best = 0, best_alike = 0;
	bool seen[4] = {false};
	for (uint32_t back = 1; back <= SQUEEZE_BACK_MAX && back <= s->at && !seen[3]; back++) {
		const struct squeeze_line *other = squeeze_line(s, s->at - back);
		if (!other->shape || !other->shape->slots || !mine->shape->slots)
			continue;
		int kind =
		    (other->shape == mine->shape) +
		    2 * same_values(s, squeeze_value(s, other, 0), squeeze_value(s, mine, 0));
		if (seen[kind])
			continue;
		seen[kind] = true;
		uint32_t alike = likeness(s, back);
		if (alike > best_alike || !best) {
			best = back;
			best_alike = alike;
		}
	}
	return best;
}

/* ---- one value ---- */

static bool put_derived(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n,
                        const struct squeeze_value *referred)
{
	char text[SQUEEZE_DERIVED_MAX];
	const uint8_t *expected;
	if (squeeze_expected(s, k, referred, text, &expected) == n && n &&
	    memcmp(expected, p, n) == 0)
		buf_byte(&s->ops, SQUEEZE_EXPECTED);
	else if (referred && same(s, referred, p, n))
		buf_byte(&s->ops, SQUEEZE_REFERRED);
	else
		return false;
	return true;
}

static bool put_clock(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n)
{
	enum squeeze_role role = squeeze_slot(s, squeeze_line(s, s->at)->shape, k)->role;
	uint64_t mono;
	int64_t ms, days, noon;
	if (role == SQUEEZE_MONO && squeeze_parse_number(p, n, &mono)) {
		buf_byte(&s->ops, s->mono ? SQUEEZE_NUMBER : SQUEEZE_FIRST_NUMBER);
		if (s->mono)
			put_signed(&s->raw, (int64_t)(mono - s->mono));
		else
			put_varint(&s->raw, mono);
	} else if (squeeze_parse_time(p, n, &ms) && !s->timed && squeeze_noon(s, k, &noon)) {
		buf_byte(&s->ops, SQUEEZE_DAY_TIME);
		put_signed(&s->raw, ms - noon);
	} else if (squeeze_parse_time(p, n, &ms)) {
		buf_byte(&s->ops, SQUEEZE_TIME);
		put_signed(&s->raw, ms - squeeze_time(s));
	} else if (squeeze_parse_date(p, n, &days)) {
		buf_byte(&s->ops, SQUEEZE_NEAR_DATE);
		put_signed(&s->raw, days - SQUEEZE_DAYS_NEAR);
	} else {
		return false;
	}
	return true;
}

static bool put_counted(struct squeeze *s, const struct squeeze_value *from, const uint8_t *p,
                        size_t n, uint8_t op, uint64_t max)
{
	char text[SQUEEZE_DERIVED_MAX];
	if (!from || n < from->len || n > from->len + 1 || n == 0 || p[n - 1] < '0' ||
	    p[n - 1] > '9')
		return false;
	uint64_t step = 1;
	uint8_t last = from->len ? s->lines[from->at + from->len - 1] : 0;
	if (last < '0' || last > '9')
		return false;
	/* Only steps that give the last digit can be right. */
	step = (uint64_t)((p[n - 1] - last + 10) % 10);
	for (step = step ? step : 10; step <= max; step += 10) {
		if (squeeze_counted(s, from, step, text) != n || memcmp(text, p, n) != 0)
			continue;
		buf_byte(&s->ops, (uint8_t)(op + step - 1));
		return true;
	}
	return false;
}

/* The same as another value of its own line. */
static bool put_alike(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n)
{
	const struct squeeze_line *mine = squeeze_line(s, s->at);
	if (n < ALIKE_MIN)
		return false;
	for (uint32_t d = 1; d <= k && d <= NEAR_FIRST; d++)
		if (same(s, squeeze_value(s, mine, k - d), p, n)) {
			buf_byte(&s->ops, (uint8_t)(SQUEEZE_NEAR + d - 1));
			return true;
		}
	for (uint32_t i = 0; i < k && i < SLOTS_NAMED; i++)
		if (same(s, squeeze_value(s, mine, i), p, n)) {
			buf_byte(&s->ops, (uint8_t)(SQUEEZE_SLOT + i));
			return true;
		}
	return false;
}

static bool put_hex(struct squeeze *s, const uint8_t *p, size_t n)
{
	char text[TEXT_HEX_SIZE(HEX_BYTES_MAX)], back[TEXT_HEX_SIZE(HEX_BYTES_MAX)];
	uint8_t bytes[HEX_BYTES_MAX];
	if (n != HEX_BYTES_MAX && n != (size_t)2 * HEX_BYTES_MAX)
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	if (!text_unhex(text, bytes, n / 2))
		return false;
	text_hex(bytes, n / 2, back);
	if (memcmp(back, text, n) != 0)
		return false;
	buf_byte(&s->ops, SQUEEZE_HEX);
	buf_byte(&s->ops, (uint8_t)(n / 2));
	buf_add(&s->raw, bytes, n / 2);
	return true;
}

/* Numbers of articles, where the batch has no earlier line in which zstd may find them. */
static bool put_gtin(struct squeeze *s, const uint8_t *p, size_t n)
{
	uint64_t digits;
	if (s->head.count > GTIN_LINES_MAX || !squeeze_parse_gtin(p, n, &digits))
		return false;
	buf_byte(&s->ops, SQUEEZE_GTIN);
	for (unsigned shift = 8 * SQUEEZE_GTIN_BYTES; shift; shift -= 8)
		buf_byte(&s->raw, (uint8_t)(digits >> (shift - 8)));
	return true;
}

/* Random ids, and what was sealed with its nonce. */
static bool put_b64(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n)
{
	const struct squeeze_slot *slot = squeeze_slot(s, squeeze_line(s, s->at)->shape, k);
	uint8_t bytes[B64_MAX];
	char back[TEXT_B64_SIZE(B64_MAX)];
	bool id = n == EVENT_ID_SIZE - 1;
	if (n > B64_MAX || (!id && n < B64_MIN && slot->key_len != 1))
		return false;
	ssize_t got = text_unb64((const char *)p, n, bytes, sizeof(bytes));
	if (got < 1 || got > UINT8_MAX)
		return false;
	text_b64(bytes, (size_t)got, back);
	if (memcmp(back, p, n) != 0)
		return false;
	buf_byte(&s->ops, id ? SQUEEZE_ID : SQUEEZE_B64);
	if (!id)
		buf_byte(&s->ops, (uint8_t)got);
	buf_add(&s->raw, bytes, (size_t)got);
	return true;
}

/* Whatever it begins with, and the rest. */
static void put_text(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n,
                     const struct squeeze_value *referred)
{
	char own[SQUEEZE_DERIVED_MAX];
	size_t common = 0, own_len = memchr(p, '/', n) ? squeeze_own(s, k, own) : 0;
	while (referred && common < n && common < referred->len && common < UINT8_MAX &&
	       s->lines[referred->at + common] == p[common])
		common++;
	if (own_len > common && own_len <= n && memcmp(own, p, own_len) == 0) {
		common = own_len;
		buf_byte(&s->ops, SQUEEZE_OWN);
	} else if (common >= PREFIX_MIN) {
		buf_byte(&s->ops, SQUEEZE_PREFIX);
		buf_byte(&s->ops, (uint8_t)common);
	} else {
		common = 0;
		buf_byte(&s->ops, SQUEEZE_TEXT);
	}
	buf_add(&s->texts, p + common, n - common);
	buf_byte(&s->texts, '\n');
}

static void put_value(struct squeeze *s, uint32_t k)
{
	const struct squeeze_value *v = squeeze_value(s, squeeze_line(s, s->at), k);
	const struct squeeze_value *referred = squeeze_referred(s, k);
	const uint8_t *p = s->lines + v->at;
	size_t n = v->len;
	if (!put_derived(s, k, p, n, referred) && !put_clock(s, k, p, n) &&
	    !put_counted(s, referred, p, n, SQUEEZE_ADD, 32) && !put_alike(s, k, p, n) &&
	    !put_counted(s, squeeze_latest(s, k), p, n, SQUEEZE_NEXT, 64) && !put_hex(s, p, n) &&
	    !put_b64(s, k, p, n) && !put_gtin(s, p, n))
		put_text(s, k, p, n, referred);
	squeeze_note(s, k, p, n);
}

/* ---- a batch ---- */

static void put_whole(struct squeeze *s, const uint8_t *p, size_t n)
{
	squeeze_line(s, s->at)->shape = NULL;
	put_varint(&s->ops, SQUEEZE_WHOLE);
	buf_add(&s->texts, p, n);
	buf_byte(&s->texts, '\n');
}

static void put_line(struct squeeze *s, const uint8_t *p, size_t n)
{
	struct squeeze_line *line = squeeze_line(s, s->at);
	size_t shape_from = s->shape_text.len, values_from = s->values.len;
	bool known = false;
	line->first_value = (uint32_t)(values_from / sizeof(struct squeeze_value));
	line->shape = take_apart(s, p, p + n) ? find_shape(s, shape_from, &known) : NULL;
	if (!line->shape) {
		s->shape_text.len = shape_from;
		s->values.len = values_from;
		put_whole(s, p, n);
		return;
	}
	put_varint(&s->ops, known ? (uint64_t)(line->shape - s->shapes) + SQUEEZE_OLD_SHAPE
	                          : SQUEEZE_NEW_SHAPE);
	uint32_t back = choose_line(s);
	buf_byte(&s->ops, (uint8_t)back);
	squeeze_refer(s, back);
	for (uint32_t k = 0; k < line->shape->slots; k++)
		put_value(s, k);
}

int squeeze_pack(struct squeeze *s, const struct squeeze_head *head, const uint8_t *lines, size_t n,
                 const struct buf **text, const struct buf **raw)
{
	squeeze_begin(s, head, lines);
	const uint8_t *p = lines, *end = lines + n;
	for (; p < end && s->at < head->count; s->at++) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return -1;
		put_line(s, p, (size_t)(nl - p));
		p = nl + 1;
	}
	put_varint(&s->text, s->shape_text.len);
	put_varint(&s->text, s->ops.len);
	buf_add(&s->text, s->shape_text.data, s->shape_text.len);
	buf_add(&s->text, s->ops.data, s->ops.len);
	buf_add(&s->text, s->texts.data, s->texts.len);
	*text = &s->text;
	*raw = &s->raw;
	bool failed = s->shape_text.failed || s->slots.failed || s->values.failed ||
	              s->ops.failed || s->texts.failed || s->text.failed || s->raw.failed;
	return failed || p != end || s->at != head->count || s->text.len > SQUEEZE_TEXT_MAX ? -1
	                                                                                    : 0;
}
