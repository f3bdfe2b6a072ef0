/* A growable byte buffer that remembers failure, so that writers check once at the end.
 *
 * struct buf b = {0}; ... buf_add(&b, ...); ... if (b.failed) ...; buf_free(&b);
 * After a failed allocation every call is a no-op until buf_reset. Memory is kept by buf_reset, so
 * a buffer that is reused allocates nothing once it has reached its size.
 */
#ifndef LANEWAY_BASE_BUF_H
#define LANEWAY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len, cap;
	bool failed;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_byte(struct buf *b, uint8_t c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);

/* Room for n more bytes; the place to write them, or NULL (then failed is set). Add to len
 * yourself. */
uint8_t *buf_room(struct buf *b, size_t n);

/* Drop the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

void buf_reset(struct buf *b); /* empty, not failed, memory kept */
void buf_free(struct buf *b);  /* empty, memory given back */

uint16_t buf_get16(const uint8_t *p);
uint32_t buf_get32(const uint8_t *p);
uint64_t buf_get64(const uint8_t *p);

#endif
