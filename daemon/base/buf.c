#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define BUF_FIRST_BYTES 256 /* smaller first blocks only cost reallocations */

static bool grow(struct buf *b, size_t n)
{
	if (n > SIZE_MAX / 2 - b->len)
		return false;
	size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
	while (cap < b->len + n)
		cap *= 2;
	uint8_t *data = memory_more(b->data, cap);
	if (!data)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if ((!b->data || n > b->cap - b->len) && !grow(b, n)) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *to = buf_room(b, n);
	if (!to || n == 0)
		return;
	memcpy(to, p, n);
	b->len += n;
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_byte(struct buf *b, uint8_t c)
{
	uint8_t *to = buf_room(b, 1);
	if (!to)
		return;
	*to = c;
	b->len++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	if (b->failed)
		return;
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t left = b->cap - b->len;
	int n = vsnprintf(left ? (char *)b->data + b->len : NULL, left, fmt, ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < left) {
		b->len += (size_t)n;
	} else {
		/* vsnprintf also wants a byte for its NUL. */
		uint8_t *to = buf_room(b, (size_t)n + 1);
		if (to) {
			vsnprintf((char *)to, (size_t)n + 1, fmt, again);
			b->len += (size_t)n;
		}
	}
	va_end(again);
	va_end(ap);
}

void buf_be16(struct buf *b, uint16_t v)
{
	uint8_t p[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	buf_add(b, p, sizeof p);
}

void buf_be32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	buf_add(b, p, sizeof p);
}

void buf_be64(struct buf *b, uint64_t v)
{
	buf_be32(b, (uint32_t)(v >> 32));
	buf_be32(b, (uint32_t)v);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

uint16_t buf_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t buf_get32(const uint8_t *p)
{
	return (uint32_t)buf_get16(p) << 16 | buf_get16(p + 2);
}

uint64_t buf_get64(const uint8_t *p)
{
	return (uint64_t)buf_get32(p) << 32 | buf_get32(p + 4);
}
