/* Unpacking: every length is checked before a byte is taken, every value before it is written. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sync/squeeze_internal.h"

struct bytes {
	const uint8_t *p, *end;
};
/* One unpacking. bad: something was not there, or not possible; checked at the end of a line. */
struct opening {
	struct squeeze *s;
	struct bytes shapes, ops, texts, raw;
	struct buf *out;
	size_t start, room; /* bytes that may still come */
	bool bad;
};

static const uint8_t *take(struct opening *o, struct bytes *from, size_t n)
{
	if (o->bad || (size_t)(from->end - from->p) < n) {
		o->bad = true;
		return NULL;
	}
	from->p += n;
	return from->p - n;
}

static uint8_t take_byte(struct opening *o, struct bytes *from)
{
	const uint8_t *p = take(o, from, 1);
	return p ? *p : 0;
}

static uint64_t take_varint(struct opening *o, struct bytes *from)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t c = take_byte(o, from);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	o->bad = true;
	return 0;
}

static int64_t take_signed(struct opening *o, struct bytes *from)
{
	uint64_t v = take_varint(o, from);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Up to the next newline, which goes too. */
static const uint8_t *take_text(struct opening *o, struct bytes *from, size_t *n)
{
	const uint8_t *nl =
	    from->p < from->end ? memchr(from->p, '\n', (size_t)(from->end - from->p)) : NULL;
	*n = nl ? (size_t)(nl - from->p) : 0;
	const uint8_t *p = nl ? take(o, from, *n + 1) : NULL;
	o->bad = o->bad || !p;
	return p;
}

static void put(struct opening *o, const void *p, size_t n)
{
	if (o->bad || !p || n > o->room) {
		o->bad = true;
		return;
	}
	buf_add(o->out, p, n);
	o->room -= n;
}

static void put_value(struct opening *o, const struct squeeze_value *v)
{
	if (v)
		put(o, o->s->lines + v->at, v->len);
	else
		o->bad = true;
}

/* ---- one value ---- */

static void put_hex(struct opening *o)
{
	char text[TEXT_HEX_SIZE(UINT8_MAX)];
	size_t n = take_byte(o, &o->ops);
	const uint8_t *p = take(o, &o->raw, n);
	if (p)
		text_hex(p, n, text);
	put(o, p ? text : NULL, 2 * n);
}

static void put_b64(struct opening *o, size_t n)
{
	char text[TEXT_B64_SIZE(UINT8_MAX)];
	const uint8_t *p = take(o, &o->raw, n);
	if (p)
		text_b64(p, n, text);
	put(o, p ? text : NULL, p ? strlen(text) : 0);
}

static void put_number(struct opening *o, uint64_t v)
{
	char text[24];
	if (v >= SQUEEZE_NUMBERS) {
		o->bad = true;
		return;
	}
	put(o, text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v));
}

static void put_time(struct opening *o, int64_t base_ms)
{
	int64_t ms = take_signed(o, &o->raw);
	char text[CLOCK_ISO8601_SIZE];
	if (ms < -SQUEEZE_MS_MAX || ms > SQUEEZE_MS_MAX) {
		o->bad = true;
		return;
	}
	ms += base_ms;
	if (ms < 0 || ms > SQUEEZE_MS_MAX) {
		o->bad = true;
		return;
	}
	clock_iso8601(ms * 1000, text);
	put(o, text, sizeof(text) - 1);
}

static void put_day_time(struct opening *o, uint32_t k)
{
	int64_t noon;
	if (squeeze_noon(o->s, k, &noon))
		put_time(o, noon);
	else
		o->bad = true;
}

static void put_date(struct opening *o, int64_t days)
{
	char text[CLOCK_ISO8601_SIZE];
	if (days < 0 || days > SQUEEZE_DAYS_MAX) {
		o->bad = true;
		return;
	}
	squeeze_put_date(days, text);
	put(o, text, SQUEEZE_DATE_BYTES);
}

static void put_gtin(struct opening *o)
{
	char text[SQUEEZE_GTIN_DIGITS + 1];
	const uint8_t *p = take(o, &o->raw, SQUEEZE_GTIN_BYTES);
	uint64_t digits = 0;
	for (size_t i = 0; p && i < SQUEEZE_GTIN_BYTES; i++)
		digits = digits << 8 | p[i];
	put(o, p && squeeze_put_gtin(digits, text) ? text : NULL, SQUEEZE_GTIN_DIGITS);
}

static void put_prefix(struct opening *o, const struct squeeze_value *referred)
{
	size_t n = take_byte(o, &o->ops), rest;
	const uint8_t *p = take_text(o, &o->texts, &rest);
	if (!referred || n > referred->len) {
		o->bad = true;
		return;
	}
	put(o, o->s->lines + referred->at, n);
	put(o, p, rest);
}

static void put_own_id(struct opening *o, uint32_t k)
{
	char text[SQUEEZE_DERIVED_MAX];
	size_t n = squeeze_own(o->s, k, text), rest;
	const uint8_t *p = take_text(o, &o->texts, &rest);
	put(o, n ? text : NULL, n);
	put(o, p, rest);
}

static void put_counted(struct opening *o, const struct squeeze_value *from, uint64_t n)
{
	char text[SQUEEZE_DERIVED_MAX];
	size_t len = from ? squeeze_counted(o->s, from, n, text) : 0;
	put(o, len ? text : NULL, len);
}

static void put_expected(struct opening *o, uint32_t k, const struct squeeze_value *referred)
{
	char text[SQUEEZE_DERIVED_MAX];
	const uint8_t *p;
	size_t n = squeeze_expected(o->s, k, referred, text, &p);
	put(o, n ? p : NULL, n);
}

static void put_plain(struct opening *o)
{
	size_t n;
	const uint8_t *p = take_text(o, &o->texts, &n);
	put(o, p, n);
}

/* A value of the line at work, in front of value k. */
static void put_own(struct opening *o, uint32_t k, uint32_t i)
{
	if (i < k)
		put_value(o, squeeze_value(o->s, squeeze_line(o->s, o->s->at), i));
	else
		o->bad = true;
}

static void put_by_code(struct opening *o, uint32_t k, const struct squeeze_value *referred,
                        uint8_t code)
{
	switch (code) {
	case SQUEEZE_EXPECTED:
		put_expected(o, k, referred);
		break;
	case SQUEEZE_REFERRED:
		put_value(o, referred);
		break;
	case SQUEEZE_TEXT:
		put_plain(o);
		break;
	case SQUEEZE_ID:
		put_b64(o, EVENT_ID_BYTES);
		break;
	case SQUEEZE_HEX:
		put_hex(o);
		break;
	case SQUEEZE_B64:
		put_b64(o, take_byte(o, &o->ops));
		break;
	case SQUEEZE_NUMBER:
		put_number(o, o->s->mono + (uint64_t)take_signed(o, &o->raw));
		break;
	case SQUEEZE_TIME:
		put_time(o, squeeze_time(o->s));
		break;
	case SQUEEZE_DATE:
		put_date(o, (int64_t)take_varint(o, &o->raw));
		break;
	case SQUEEZE_PREFIX:
		put_prefix(o, referred);
		break;
	case SQUEEZE_OWN:
		put_own_id(o, k);
		break;
	case SQUEEZE_NEAR_DATE:
		put_date(o, SQUEEZE_DAYS_NEAR + take_signed(o, &o->raw));
		break;
	case SQUEEZE_DAY_TIME:
		put_day_time(o, k);
		break;
	case SQUEEZE_GTIN:
		put_gtin(o);
		break;
	case SQUEEZE_FIRST_NUMBER:
		put_number(o, take_varint(o, &o->raw));
		break;
	default:
		o->bad = true;
	}
}

static void open_value(struct opening *o, uint32_t k)
{
	struct squeeze *s = o->s;
	const struct squeeze_value *referred = squeeze_referred(s, k);
	uint8_t code = take_byte(o, &o->ops);
	size_t at = o->out->len;
	if (code >= SQUEEZE_NEXT)
		put_counted(o, squeeze_latest(s, k), (uint64_t)code - SQUEEZE_NEXT + 1);
	else if (code >= SQUEEZE_NEAR)
		put_own(o, k, k - 1 - (code - SQUEEZE_NEAR));
	else if (code >= SQUEEZE_SLOT)
		put_own(o, k, code - SQUEEZE_SLOT);
	else if (code >= SQUEEZE_ADD)
		put_counted(o, referred, (uint64_t)code - SQUEEZE_ADD + 1);
	else
		put_by_code(o, k, referred, code);
	size_t n = o->out->len - at;
	if (o->bad || !squeeze_add_value(s, (uint32_t)(at - o->start), (uint32_t)n))
		o->bad = true;
	else
		squeeze_note(s, k, o->out->data + at, n);
}

/* ---- lines ---- */

static const struct squeeze_shape *take_shape(struct opening *o, uint64_t code)
{
	struct squeeze *s = o->s;
	size_t n;
	if (code >= SQUEEZE_OLD_SHAPE)
		return code - SQUEEZE_OLD_SHAPE < s->shape_count
		           ? &s->shapes[code - SQUEEZE_OLD_SHAPE]
		           : NULL;
	const uint8_t *p = take_text(o, &o->shapes, &n);
	if (!p)
		return NULL;
	buf_add(&s->shape_text, p, n + 1);
	return squeeze_add_shape(s, (uint32_t)n);
}

static void open_shape(struct opening *o, const struct squeeze_shape *shape)
{
	struct squeeze *s = o->s;
	uint32_t back = take_byte(o, &o->ops), from = shape->text;
	if (back > SQUEEZE_BACK_MAX || back > s->at ||
	    (back && (!squeeze_line(s, s->at - back)->shape ||
	              !squeeze_line(s, s->at - back)->shape->slots))) {
		o->bad = true;
		return;
	}
	squeeze_refer(s, back);
	for (uint32_t k = 0; k < shape->slots && !o->bad; k++) {
		uint32_t at = squeeze_slot(s, shape, k)->at;
		put(o, s->shape_text.data + from, at - from);
		open_value(o, k);
		from = at + 1;
	}
	put(o, s->shape_text.data + from, shape->text + shape->len - from);
}

static void open_line(struct opening *o)
{
	struct squeeze *s = o->s;
	struct squeeze_line *line = squeeze_line(s, s->at);
	uint64_t code = take_varint(o, &o->ops);
	line->first_value = (uint32_t)(s->values.len / sizeof(struct squeeze_value));
	line->shape = NULL;
	if (code == SQUEEZE_WHOLE) {
		put_plain(o);
	} else {
		line->shape = take_shape(o, code);
		if (line->shape)
			open_shape(o, line->shape);
		else
			o->bad = true;
	}
	put(o, "\n", 1);
}

int squeeze_unpack(struct squeeze *s, const struct squeeze_head *head,
                   const struct squeeze_form *form, size_t max, struct buf *out)
{
	struct opening o = {.s = s, .out = out, .start = out->len, .room = max};
	struct bytes text = {form->text, form->text + form->text_len};
	uint8_t *to = buf_room(out, max); /* values point into it: it must not move */
	if (!to || form->text_len > SQUEEZE_TEXT_MAX)
		return -1;
	squeeze_begin(s, head, to);
	o.raw = (struct bytes){form->raw, form->raw + form->raw_len};
	uint64_t shapes = take_varint(&o, &text), ops = take_varint(&o, &text);
	if (o.bad || shapes > form->text_len || ops > form->text_len)
		return -1;
	o.shapes.p = take(&o, &text, (size_t)shapes);
	o.shapes.end = text.p;
	o.ops.p = take(&o, &text, (size_t)ops);
	o.ops.end = text.p;
	o.texts = text;
	for (; s->at < head->count && !o.bad; s->at++)
		open_line(&o);
	bool all = o.shapes.p == o.shapes.end && o.ops.p == o.ops.end && o.texts.p == o.texts.end &&
	           o.raw.p == o.raw.end;
	return o.bad || !all || s->shape_text.failed ? -1 : 0;
}
