#include "sync/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd_errors.h>

#include "base/memory.h"
#include "sync/batch_internal.h"

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
	c->squeeze = squeeze_new();
	if (!c->cctx || !c->dctx || !c->work || !c->squeeze) {
		batch_codec_free(c);
		return NULL;
	}
	ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_compressionLevel, BATCH_ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_dictIDFlag, 0); /* the header names it */
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
	buf_free(&c->proof);
	squeeze_free(c->squeeze);
	batch_dict_free(c);
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
	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		memory_note();
	if (ZSTD_isError(got))
		return -1;
	out->len += got;
	return 0;
}

int batch_decompress(struct batch_codec *c, const uint8_t *p, size_t n, size_t max, struct buf *to)
{
	if (ZSTD_findFrameCompressedSize(p, n) != n)
		return -1;
	buf_reset(to);
	uint8_t *room = buf_room(to, max ? max : 1);
	if (!room)
		return -1;
	size_t got = ZSTD_decompressDCtx(c->dctx, room, max, p, n);
	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		memory_note();
	if (ZSTD_isError(got))
		return -1;
	to->len = got;
	return 0;
}

/* ---- forms ---- */

void batch_accepts(struct batch_accepts *out)
{
	out->wires = BATCH_WIRES;
	out->dictionaries = 0;
	for (uint16_t id = 0; id < BATCH_DICTIONARIES_MAX; id++)
		if (id == 0 || batch_dict_known(id))
			out->dictionaries |= 1ull << id;
	out->schemas = 1;
}

/* The newest of each is the best of each; version 1 takes no dictionary, and version 2 is only
 * read.
 */
struct batch_form batch_form_best(const struct batch_accepts *theirs)
{
	struct batch_accepts ours;
	struct batch_form best = {.wire = 1};
	batch_accepts(&ours);
	if (!(ours.wires & theirs->wires & (1 << BATCH_WIRE_BEST)))
		return best;
	best.wire = BATCH_WIRE_BEST;
	for (uint16_t id = 1; id < BATCH_DICTIONARIES_MAX; id++)
		if (ours.dictionaries & theirs->dictionaries & (1ull << id))
			best.dictionary = id;
	return best;
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

void batch_put_prefix(const struct batch *b, struct buf *out)
{
	buf_add(out, batch_magic, sizeof(batch_magic));
	buf_byte(out, b->form.wire);
	buf_byte(out, 0);
	buf_be16(out, b->form.dictionary);
	buf_add(out, b->epoch, EVENT_EPOCH_BYTES);
}

static void put_header(const struct batch *b, struct buf *out)
{
	batch_put_prefix(b, out);
	buf_be64(out, b->first);
	buf_be32(out, b->count);
	buf_be32(out, (uint32_t)b->lines_len);
	buf_add(out, b->h_prev, EVENT_HASH_BYTES);
	buf_add(out, b->h_last, EVENT_HASH_BYTES);
	buf_be32(out, 0); /* K and B are written when they are known */
	buf_be32(out, 0);
	buf_be32(out, 0);
}

int batch_put_keys(struct batch_codec *c, const struct batch *b, const char *store,
                   const uint8_t hq_pub[32], struct buf *out)
{
	if (!b->key_count)
		return 0;
	uint8_t context[CONTEXT_BYTES];
	size_t context_len = keys_context(store, b->epoch, b->first, context);
	size_t n = (size_t)b->key_count * BATCH_KEY_BYTES;
	uint8_t *to = buf_room(out, n + VAULT_BOX_OVERHEAD);
	if (!to || vault_box(c->work, hq_pub, "visit-keys", context, context_len, b->keys, n, to))
		return -1;
	out->len += n + VAULT_BOX_OVERHEAD;
	return 0;
}

struct batch_form batch_form_of(const uint8_t *payload)
{
	return (struct batch_form){payload[4], buf_get16(payload + 6)};
}

static int encode_v1(struct batch_codec *c, const struct batch *asked, const char *store,
                     const uint8_t hq_pub[32], struct buf *out)
{
	size_t start = out->len;
	struct batch b = *asked;
	b.form = (struct batch_form){.wire = 1};
	put_header(&b, out);
	if (out->failed || batch_put_keys(c, &b, store, hq_pub, out))
		return -1;
	size_t keys_end = out->len;
	if (batch_dict_compress(c, 0) || batch_compress(c, b.lines, b.lines_len, out))
		return -1;
	put32_at(out, start + 96, (uint32_t)(keys_end - start - BATCH_HEADER_BYTES));
	put32_at(out, start + 100, (uint32_t)(out->len - keys_end));
	return out->failed || out->len - start > BATCH_PAYLOAD_MAX ? -1 : 0;
}

int batch_encode(struct batch_codec *c, const struct batch *b, const char *store,
                 const uint8_t hq_pub[32], struct buf *out)
{
	if (!encodable(b))
		return -1;
	int rc =
	    b->form.wire == BATCH_WIRE_BEST ? batch_squeezed_encode(c, b, store, hq_pub, out) : 1;
	return rc == 1 ? encode_v1(c, b, store, hq_pub, out) : rc;
}

/* What is wrong with what all versions have, or NULL. */
static const char *prefix_fault(const uint8_t *p, size_t n)
{
	if (n < BATCH_PREFIX_BYTES)
		return "shorter than its header";
	if (n > BATCH_PAYLOAD_MAX)
		return "longer than 2 MiB";
	if (memcmp(p, batch_magic, sizeof(batch_magic)) != 0)
		return "not a batch: the magic is not LNWB";
	if (p[4] > 63 || !(BATCH_WIRES >> p[4] & 1))
		return "a wire version that is not known";
	if (p[5] != 0)
		return "flags that are not known";
	if (buf_get16(p + 6) != 0 && !batch_dict_known(buf_get16(p + 6)))
		return "a dictionary that is not known";
	return NULL;
}

/* ... with the 108 bytes of version 1 and the payload's length. */
static const char *header_fault(const uint8_t *p, size_t n)
{
	if (n < BATCH_HEADER_BYTES)
		return "shorter than its header";
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
	    (keys < VAULT_BOX_OVERHEAD || (keys - VAULT_BOX_OVERHEAD) % BATCH_KEY_BYTES != 0))
		return "a length of keys that is not whole pairs";
	if (BATCH_HEADER_BYTES + keys + body != n)
		return "parts that do not add up to its length";
	return NULL;
}

const char *batch_lines_fault(const uint8_t *lines, size_t len, uint32_t count)
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

static const char *decode_v1(struct batch_codec *c, const uint8_t *p, size_t n, struct batch *out,
                             struct batch_box *box)
{
	const char *fault = header_fault(p, n);
	if (fault)
		return fault;
	out->first = buf_get64(p + 16);
	out->count = buf_get32(p + 24);
	memcpy(out->h_prev, p + 32, EVENT_HASH_BYTES);
	memcpy(out->h_last, p + 64, EVENT_HASH_BYTES);
	size_t raw = buf_get32(p + 28);
	*box = (struct batch_box){p + BATCH_HEADER_BYTES, buf_get32(p + 96)};
	const uint8_t *body = box->p + box->n;
	if (batch_dict_decompress(c, out->form.dictionary) ||
	    batch_decompress(c, body, n - (size_t)(body - p), raw, &c->lines) ||
	    c->lines.len != raw)
		return "a body that is not one zstd frame of the length it says";
	out->lines = c->lines.data;
	out->lines_len = raw;
	return batch_lines_fault(out->lines, raw, out->count);
}

static int open_keys(struct batch_codec *c, const char *store, const uint8_t *hq_priv,
                     const struct batch_box *box, struct batch *out)
{
	uint8_t context[CONTEXT_BYTES];
	size_t context_len = keys_context(store, out->epoch, out->first, context);
	buf_reset(&c->keys);
	uint8_t *to = buf_room(&c->keys, box->n);
	if (!to)
		return -1;
	ssize_t got =
	    vault_unbox(c->work, hq_priv, "visit-keys", context, context_len, box->p, box->n, to);
	if (got < 0)
		return -1;
	out->keys = to;
	out->key_count = (uint32_t)((size_t)got / BATCH_KEY_BYTES);
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
	struct batch_box box;
	memset(out, 0, sizeof(*out));
	const char *fault = prefix_fault(p, n);
	if (!fault) {
		out->form = batch_form_of(p);
		memcpy(out->epoch, p + 8, EVENT_EPOCH_BYTES);
		fault = out->form.wire == 1 ? decode_v1(c, p, n, out, &box)
		                            : batch_squeezed_decode(c, p, n, store, out, &box);
	}
	if (!fault && box.n && hq_priv && open_keys(c, store, hq_priv, &box, out))
		fault = "keys that are not sealed to this HQ and store";
	return fault ? fail(err, err_size, fault) : 0;
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
