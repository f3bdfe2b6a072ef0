#include "sync/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/batch_internal.h"

#define KEY_PAIR_BYTES (EVENT_ID_BYTES + VAULT_KEY_BYTES)
#define CONTEXT_BYTES (EVENT_STORE_SIZE + EVENT_EPOCH_BYTES + 8)

static const uint8_t batch_magic[4] = {'L', 'N', 'W', 'B'};

struct batch_codec *batch_codec_new(void)
{
	struct batch_codec *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->cctx = ZSTD_createCCtx();
	c->dctx = ZSTD_createDCtx();
	c->work = vault_work_new();
	if (!c->cctx || !c->dctx || !c->work) {
		batch_codec_free(c);
		return NULL;
	}
	ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_compressionLevel, BATCH_ZSTD_LEVEL);
	return c;
}

void batch_codec_free(struct batch_codec *c)
{
	if (!c)
		return;
	if (c->keys.data)
		vault_wipe(c->keys.data, c->keys.cap);
	buf_free(&c->lines);
	buf_free(&c->keys);
	buf_free(&c->tmp);
	vault_work_free(c->work);
	ZSTD_freeCCtx(c->cctx);
	ZSTD_freeDCtx(c->dctx);
	free(c);
}

int batch_compress(struct batch_codec *c, const void *p, size_t n, struct buf *out)
{
	size_t bound = ZSTD_compressBound(n);
	uint8_t *to = buf_room(out, bound);
	if (!to)
		return -1;
	size_t got = ZSTD_compress2(c->cctx, to, bound, p, n);
	if (ZSTD_isError(got))
		return -1;
	out->len += got;
	return 0;
}

int batch_decompress(struct batch_codec *c, const uint8_t *p, size_t n, size_t max)
{
	if (ZSTD_findFrameCompressedSize(p, n) != n)
		return -1;
	buf_reset(&c->lines);
	uint8_t *to = buf_room(&c->lines, max ? max : 1);
	if (!to)
		return -1;
	size_t got = ZSTD_decompressDCtx(c->dctx, to, max, p, n);
	if (ZSTD_isError(got))
		return -1;
	c->lines.len = got;
	return 0;
}

/* Associated data of the keys' box: store NUL epoch first. */
static size_t keys_context(const char *store, const uint8_t *epoch, uint64_t first,
                           uint8_t out[CONTEXT_BYTES])
{
	size_t n = strnlen(store, EVENT_STORE_SIZE - 1);
	memcpy(out, store, n);
	out[n++] = 0;
	memcpy(out + n, epoch, EVENT_EPOCH_BYTES);
	n += EVENT_EPOCH_BYTES;
	for (int i = 0; i < 8; i++)
		out[n++] = (uint8_t)(first >> (56 - 8 * i));
	return n;
}

static bool encodable(const struct batch *b)
{
	return b->count >= 1 && b->count <= BATCH_EVENTS_MAX && b->first >= 1 &&
	       b->lines_len >= 1 && b->lines_len <= BATCH_RAW_MAX && b->key_count <= b->count;
}

/* Where out stands when its length is not yet known, and the patch once it is. */
static void put32_at(struct buf *out, size_t at, uint32_t v)
{
	if (out->failed)
		return;
	out->data[at] = (uint8_t)(v >> 24);
	out->data[at + 1] = (uint8_t)(v >> 16);
	out->data[at + 2] = (uint8_t)(v >> 8);
	out->data[at + 3] = (uint8_t)v;
}

static void put_header(const struct batch *b, struct buf *out)
{
	buf_add(out, batch_magic, sizeof(batch_magic));
	buf_byte(out, BATCH_WIRE_VERSION);
	buf_byte(out, 0);
	buf_be16(out, 0);
	buf_add(out, b->epoch, EVENT_EPOCH_BYTES);
	buf_be64(out, b->first);
	buf_be32(out, b->count);
	buf_be32(out, (uint32_t)b->lines_len);
	buf_add(out, b->h_prev, EVENT_HASH_BYTES);
	buf_add(out, b->h_last, EVENT_HASH_BYTES);
	buf_be32(out, 0); /* K and B are written when they are known */
	buf_be32(out, 0);
	buf_be32(out, 0);
}

static int put_keys(struct batch_codec *c, const struct batch *b, const char *store,
                    const uint8_t hq_pub[32], struct buf *out)
{
	if (!b->key_count)
		return 0;
	uint8_t context[CONTEXT_BYTES];
	size_t context_len = keys_context(store, b->epoch, b->first, context);
	size_t n = (size_t)b->key_count * KEY_PAIR_BYTES;
	uint8_t *to = buf_room(out, n + VAULT_BOX_OVERHEAD);
	if (!to || vault_box(c->work, hq_pub, "visit-keys", context, context_len, b->keys, n, to))
		return -1;
	out->len += n + VAULT_BOX_OVERHEAD;
	return 0;
}

int batch_encode(struct batch_codec *c, const struct batch *b, const char *store,
                 const uint8_t hq_pub[32], struct buf *out)
{
	if (!encodable(b))
		return -1;
	size_t start = out->len;
	put_header(b, out);
	if (out->failed || put_keys(c, b, store, hq_pub, out))
		return -1;
	size_t keys_end = out->len;
	if (batch_compress(c, b->lines, b->lines_len, out))
		return -1;
	put32_at(out, start + 96, (uint32_t)(keys_end - start - BATCH_HEADER_BYTES));
	put32_at(out, start + 100, (uint32_t)(out->len - keys_end));
	return out->failed || out->len - start > BATCH_PAYLOAD_MAX ? -1 : 0;
}

/* What is wrong with the 108 bytes and the payload's length, or NULL. */
static const char *header_fault(const uint8_t *p, size_t n)
{
	if (n < BATCH_HEADER_BYTES)
		return "shorter than its header";
	if (n > BATCH_PAYLOAD_MAX)
		return "longer than 2 MiB";
	if (memcmp(p, batch_magic, sizeof(batch_magic)) != 0)
		return "not a batch: the magic is not LNWB";
	if (p[4] != BATCH_WIRE_VERSION)
		return "a wire version other than 1";
	if (p[5] != 0)
		return "flags that version 1 does not know";
	if (buf_get16(p + 6) != 0)
		return "a dictionary that is not known";
	if (buf_get32(p + 104) != 0)
		return "its zero bytes are not zero";
	if (buf_get64(p + 16) < 1 || buf_get64(p + 16) > INT64_MAX)
		return "a first seq outside 1 to 2^63-1";
	if (buf_get32(p + 24) < 1 || buf_get32(p + 24) > BATCH_EVENTS_MAX)
		return "a count outside 1 to 1,000";
	if (buf_get32(p + 28) < 1 || buf_get32(p + 28) > BATCH_RAW_MAX)
		return "lines outside 1 to 1,048,576 bytes";
	uint64_t keys = buf_get32(p + 96), body = buf_get32(p + 100);
	if (keys != 0 &&
	    (keys < VAULT_BOX_OVERHEAD || (keys - VAULT_BOX_OVERHEAD) % KEY_PAIR_BYTES != 0))
		return "a length of keys that is not whole pairs";
	if (BATCH_HEADER_BYTES + keys + body != n)
		return "parts that do not add up to its length";
	return NULL;
}

static const char *lines_fault(const uint8_t *lines, size_t len, uint32_t count)
{
	uint32_t got = 0;
	for (size_t at = 0; at < len; got++) {
		const uint8_t *end = memchr(lines + at, '\n', len - at);
		if (!end)
			return "a last line without its newline";
		if ((size_t)(end - lines) - at > EVENT_LINE_MAX)
			return "a line of more than 262,144 bytes";
		at = (size_t)(end - lines) + 1;
	}
	return got == count ? NULL : "not as many lines as its count";
}

static int open_keys(struct batch_codec *c, const char *store, const uint8_t *hq_priv,
                     const uint8_t *box, size_t n, struct batch *out)
{
	uint8_t context[CONTEXT_BYTES];
	size_t context_len = keys_context(store, out->epoch, out->first, context);
	buf_reset(&c->keys);
	uint8_t *to = buf_room(&c->keys, n);
	if (!to)
		return -1;
	ssize_t got = vault_unbox(c->work, hq_priv, "visit-keys", context, context_len, box, n, to);
	if (got < 0)
		return -1;
	out->keys = to;
	out->key_count = (uint32_t)((size_t)got / KEY_PAIR_BYTES);
	return 0;
}

static int fail(char *err, size_t err_size, const char *fault)
{
	snprintf(err, err_size, "the batch has %s", fault);
	return -1;
}

int batch_decode(struct batch_codec *c, const uint8_t *p, size_t n, const char *store,
                 const uint8_t *hq_priv, struct batch *out, char *err, size_t err_size)
{
	memset(out, 0, sizeof(*out));
	const char *fault = header_fault(p, n);
	if (fault)
		return fail(err, err_size, fault);
	memcpy(out->epoch, p + 8, EVENT_EPOCH_BYTES);
	out->first = buf_get64(p + 16);
	out->count = buf_get32(p + 24);
	memcpy(out->h_prev, p + 32, EVENT_HASH_BYTES);
	memcpy(out->h_last, p + 64, EVENT_HASH_BYTES);
	size_t raw = buf_get32(p + 28), keys = buf_get32(p + 96);
	const uint8_t *body = p + BATCH_HEADER_BYTES + keys;
	if (batch_decompress(c, body, n - BATCH_HEADER_BYTES - keys, raw) || c->lines.len != raw)
		return fail(err, err_size,
		            "a body that is not one zstd frame of the length it says");
	fault = lines_fault(c->lines.data, raw, out->count);
	if (fault)
		return fail(err, err_size, fault);
	if (keys && hq_priv && open_keys(c, store, hq_priv, p + BATCH_HEADER_BYTES, keys, out))
		return fail(err, err_size, "keys that are not sealed to this HQ and store");
	out->lines = c->lines.data;
	out->lines_len = raw;
	return 0;
}

int batch_verify(struct vault_work *w, const struct batch *b, uint8_t *leaves)
{
	uint8_t h[EVENT_HASH_BYTES], leaf[EVENT_HASH_BYTES];
	memcpy(h, b->h_prev, sizeof(h));
	size_t at = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		const uint8_t *end =
		    at < b->lines_len ? memchr(b->lines + at, '\n', b->lines_len - at) : NULL;
		if (!end)
			return -1;
		vault_sha256(w, b->lines + at, (size_t)(end - b->lines) - at, leaf);
		vault_chain(w, h, b->epoch, b->first + i, leaf);
		if (leaves)
			memcpy(leaves + (size_t)i * EVENT_HASH_BYTES, leaf, EVENT_HASH_BYTES);
		at = (size_t)(end - b->lines) + 1;
	}
	return at == b->lines_len && memcmp(h, b->h_last, sizeof(h)) == 0 ? 0 : -1;
}
