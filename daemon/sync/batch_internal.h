/* What the files of the codec share: batch.c (version 1 and what all versions have),
 * batch_squeezed.c, batch_dict.c, page.c. */
#ifndef LANEWAY_SYNC_BATCH_INTERNAL_H
#define LANEWAY_SYNC_BATCH_INTERNAL_H

#include <stdbool.h>
#include <zstd.h>

#include "sync/batch.h"
#include "sync/squeeze.h"

#define BATCH_ZSTD_LEVEL                                                                           \
	3                   /* of whole lines: a level more costs twice the time for two per cent  \
	                     */
#define BATCH_WIRES 0x0eull /* versions 1 to 3 */
#define BATCH_WIRE_BEST 3
#define BATCH_DICTIONARIES_MAX 4 /* ids below this */
#define BATCH_KEY_BYTES (EVENT_ID_BYTES + VAULT_KEY_BYTES)
#define BATCH_PREFIX_BYTES 16 /* magic to epoch: alike in all versions */

struct batch_codec {
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
	ZSTD_CDict *cdict[BATCH_DICTIONARIES_MAX]; /* made when they are first used */
	ZSTD_DDict *ddict[BATCH_DICTIONARIES_MAX];
	struct vault_work *work;
	struct squeeze *squeeze;
	struct buf lines; /* decompressed lines */
	struct buf keys;  /* plain visit keys: wiped before they are given back */
	struct buf
	    tmp; /* compressed page before it is boxed, or after it was opened; a squeezed text */
	struct buf proof; /* what was squeezed, unpacked again */
};

/* ---- batch.c ---- */

/* Append one zstd frame of p[0..n) to out. 0 or -1. */
int batch_compress(struct batch_codec *c, const void *p, size_t n, struct buf *out);
/* Read exactly one zstd frame into `to` (which is emptied), at most max bytes. 0 or -1. */
int batch_decompress(struct batch_codec *c, const uint8_t *p, size_t n, size_t max, struct buf *to);
/* magic, version, flags, dictionary, epoch */
void batch_put_prefix(const struct batch *b, struct buf *out);
/* The box of the keys, if there are any. 0 or -1. */
int batch_put_keys(struct batch_codec *c, const struct batch *b, const char *store,
                   const uint8_t hq_pub[32], struct buf *out);
/* What is wrong with lines that came, or NULL. */
const char *batch_lines_fault(const uint8_t *lines, size_t len, uint32_t count);

/* ---- batch_dict.c ---- */

/* The dictionary for the next call of cctx or dctx; 0 is none. 0, or -1: not known, or out of
 * memory. */
int batch_dict_compress(struct batch_codec *c, uint16_t id);
int batch_dict_decompress(struct batch_codec *c, uint16_t id);
void batch_dict_free(struct batch_codec *c);
bool batch_dict_known(uint16_t id);

/* ---- batch_squeezed.c: versions 2, which is only read, and 3 ---- */

/* 0; 1: the lines do not fit (nothing was appended); -1. */
int batch_squeezed_encode(struct batch_codec *c, const struct batch *b, const char *store,
                          const uint8_t hq_pub[32], struct buf *out);
/* What is wrong with a payload, or NULL. out->lines is set, and where its box of keys stands. */
struct batch_box {
	const uint8_t *p;
	size_t n;
};
const char *batch_squeezed_decode(struct batch_codec *c, const uint8_t *p, size_t n,
                                  const char *store, struct batch *out, struct batch_box *box);

#endif
