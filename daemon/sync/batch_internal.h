/* What batch.c and page.c share: the codec's scratch. */
#ifndef LANEWAY_SYNC_BATCH_INTERNAL_H
#define LANEWAY_SYNC_BATCH_INTERNAL_H

#include <zstd.h>

#include "sync/batch.h"

#define BATCH_ZSTD_LEVEL 3 /* a level more costs twice the time for two per cent */

struct batch_codec {
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
	struct vault_work *work;
	struct buf lines; /* decompressed lines */
	struct buf keys;  /* plain visit keys: wiped before they are given back */
	struct buf tmp;   /* compressed page before it is boxed, or after it was opened */
};

/* Append one zstd frame of p[0..n) to out. 0 or -1. */
int batch_compress(struct batch_codec *c, const void *p, size_t n, struct buf *out);

/* Read exactly one zstd frame into c->lines, at most max bytes. 0 or -1. */
int batch_decompress(struct batch_codec *c, const uint8_t *p, size_t n, size_t max);

#endif
