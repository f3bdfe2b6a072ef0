/* Wire versions 2 and 3: squeezed lines, and a header of what cannot be worked out. */
#include <string.h>

#include "sync/batch_internal.h"

#define CHECK_BYTES 4 /* of h(last): HQ works it out from h(first-1) and the lines */
#define MAGIC_BYTES 4 /* of a zstd frame */
/* What reading puts in front of the blocks that came: a frame's header of one form. */
#define FRAME_SINGLE_SIZE32 0xa0 /* one segment, its size in 4 bytes, no dictionary named */
#define BLOCK_HEADER_BYTES 3
#define BLOCK_LAST_COMPRESSED (1 | 2 << 1)
#define BLOCK_SIZE_SHIFT 3
#define NUMBER_BITS_MAX 63

static void put_number(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_byte(out, (uint8_t)(v | 0x80));
	buf_byte(out, (uint8_t)v);
}

static struct squeeze_head head_of(const struct batch *b, const char *store)
{
	return (struct squeeze_head){
	    .store = store, .epoch = b->epoch, .first = b->first, .count = b->count};
}

static bool comes_back(struct batch_codec *c, const struct batch *b,
                       const struct squeeze_head *head, const struct buf *text,
                       const struct buf *raw)
{
	/* Unpacking begins a new batch in the same scratch: what was packed moves out first. */
	buf_reset(&c->tmp);
	buf_add(&c->tmp, text->data, text->len);
	buf_add(&c->tmp, raw->data, raw->len);
	buf_reset(&c->proof);
	if (c->tmp.failed)
		return false;
	struct squeeze_form form = {c->tmp.data, c->tmp.data + text->len, text->len, raw->len};
	return squeeze_unpack(c->squeeze, head, &form, b->lines_len, &c->proof) == 0 &&
	       c->proof.len == b->lines_len && memcmp(c->proof.data, b->lines, b->lines_len) == 0;
}

static void put_head(const struct batch *b, size_t raw, struct buf *out)
{
	batch_put_prefix(b, out);
	buf_add(out, b->h_prev, EVENT_HASH_BYTES);
	buf_add(out, b->h_last, CHECK_BYTES);
	put_number(out, b->first);
	put_number(out, 2 * (uint64_t)b->count + (b->key_count > 0));
	if (b->key_count)
		put_number(out, b->key_count);
	put_number(out, raw);
}

/* Bytes of a zstd frame up to its first block (RFC 8878, 3.1.1.1). */
static size_t frame_head_bytes(uint8_t descriptor)
{
	static const uint8_t dictionary_bytes[] = {0, 1, 2, 4};
	unsigned single = descriptor >> 5 & 1u, size = descriptor >> 6;
	return MAGIC_BYTES + 2 - single + dictionary_bytes[descriptor & 3] +
	       (size ? (size_t)1 << size : single);
}

/* The one compressed block that most frames are: its header follows from its length. */
static bool is_one_block(const uint8_t *p, size_t n)
{
	uint32_t header = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
	return (header & ((1 << BLOCK_SIZE_SHIFT) - 1)) == BLOCK_LAST_COMPRESSED &&
	       n == BLOCK_HEADER_BYTES + (header >> BLOCK_SIZE_SHIFT);
}

/* The text's length and how its blocks stand there; the blocks. */
static int put_text(struct batch_codec *c, uint16_t dictionary, size_t text_len, struct buf *out)
{
	buf_reset(&c->proof);
	if (batch_dict_compress(c, dictionary) ||
	    batch_compress(c, c->tmp.data, text_len, &c->proof))
		return -1;
	const uint8_t *p = c->proof.data + frame_head_bytes(c->proof.data[MAGIC_BYTES]);
	size_t n = (size_t)(c->proof.data + c->proof.len - p);
	bool one = is_one_block(p, n);
	put_number(out, 2 * (uint64_t)text_len + !one);
	buf_add(out, p + (one ? BLOCK_HEADER_BYTES : 0), n - (one ? BLOCK_HEADER_BYTES : 0));
	return 0;
}

int batch_squeezed_encode(struct batch_codec *c, const struct batch *b, const char *store,
                          const uint8_t hq_pub[32], struct buf *out)
{
	const struct buf *text, *raw;
	struct squeeze_head head = head_of(b, store);
	size_t start = out->len;
	if (squeeze_pack(c->squeeze, &head, b->lines, b->lines_len, &text, &raw))
		return 1;
	size_t text_len = text->len, raw_len = raw->len;
	if (!comes_back(c, b, &head, text, raw))
		return 1;
	put_head(b, raw_len, out);
	if (out->failed || batch_put_keys(c, b, store, hq_pub, out))
		return -1;
	buf_add(out, c->tmp.data + text_len, raw_len);
	if (put_text(c, b->form.dictionary, text_len, out))
		return -1;
	return out->failed || out->len - start > BATCH_PAYLOAD_MAX ? -1 : 0;
}

/* ---- reading ---- */

struct bytes {
	const uint8_t *p, *end;
};

static bool take_number(struct bytes *from, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < NUMBER_BITS_MAX && from->p < from->end; shift += 7) {
		uint8_t c = *from->p++;
		*v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return true;
	}
	return false;
}

static const uint8_t *take(struct bytes *from, size_t n)
{
	if ((size_t)(from->end - from->p) < n)
		return NULL;
	from->p += n;
	return from->p - n;
}

/* Most batches of one carry no keys: version 3 says so in the bit below the count. */
static bool take_counts(struct bytes *from, uint8_t wire, uint64_t *count, uint64_t *keys)
{
	*keys = 0;
	if (!take_number(from, count))
		return false;
	bool more = wire == 2 || *count % 2;
	if (wire != 2)
		*count /= 2;
	return !more || take_number(from, keys);
}

static const char *read_head(struct bytes *from, struct batch *out, uint64_t *raw,
                             struct batch_box *box)
{
	const uint8_t *hashes = take(from, EVENT_HASH_BYTES + CHECK_BYTES);
	uint64_t count, keys;
	if (!hashes || !take_number(from, &out->first) ||
	    !take_counts(from, out->form.wire, &count, &keys) || !take_number(from, raw))
		return "shorter than its header";
	if (out->first < 1)
		return "a first seq outside 1 to 2^63-1";
	if (count < 1 || count > BATCH_EVENTS_MAX)
		return "a count outside 1 to 1,000";
	if (keys > count)
		return "more keys than events";
	memcpy(out->h_prev, hashes, EVENT_HASH_BYTES);
	memcpy(out->h_last, hashes + EVENT_HASH_BYTES, CHECK_BYTES);
	out->count = (uint32_t)count;
	box->n = keys ? (size_t)keys * BATCH_KEY_BYTES + VAULT_BOX_OVERHEAD : 0;
	box->p = take(from, box->n);
	return box->p ? NULL : "parts that do not add up to its length";
}

/* The frame that came without its magic, into c->proof. */
static bool read_frame_v2(struct batch_codec *c, const struct bytes *from)
{
	static const uint8_t magic[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};
	buf_add(&c->proof, magic, sizeof(magic));
	buf_add(&c->proof, from->p, (size_t)(from->end - from->p));
	return !c->proof.failed;
}

/* The frame that put_text() took the blocks of, into c->proof. */
static bool read_frame_v3(struct batch_codec *c, struct bytes *from)
{
	uint64_t number;
	if (!take_number(from, &number) || number / 2 > SQUEEZE_TEXT_MAX)
		return false;
	uint32_t size = (uint32_t)(number / 2), n = (uint32_t)(from->end - from->p);
	uint32_t block = BLOCK_LAST_COMPRESSED | n << BLOCK_SIZE_SHIFT;
	const uint8_t head[] = {0x28,
	                        0xb5,
	                        0x2f,
	                        0xfd,
	                        FRAME_SINGLE_SIZE32,
	                        (uint8_t)size,
	                        (uint8_t)(size >> 8),
	                        (uint8_t)(size >> 16),
	                        (uint8_t)(size >> 24)};
	buf_add(&c->proof, head, sizeof(head));
	for (int i = 0; number % 2 == 0 && i < BLOCK_HEADER_BYTES; i++)
		buf_byte(&c->proof, (uint8_t)(block >> 8 * i));
	buf_add(&c->proof, from->p, n);
	return !c->proof.failed;
}

/* The squeezed text into c->tmp. */
static bool read_text(struct batch_codec *c, const struct batch *b, struct bytes *from)
{
	buf_reset(&c->proof);
	if (b->form.wire == 2 ? !read_frame_v2(c, from) : !read_frame_v3(c, from))
		return false;
	unsigned long long size = ZSTD_getFrameContentSize(c->proof.data, c->proof.len);
	return size <= SQUEEZE_TEXT_MAX && !batch_dict_decompress(c, b->form.dictionary) &&
	       !batch_decompress(c, c->proof.data, c->proof.len, (size_t)size, &c->tmp);
}

/* h(last), of which the payload has only the beginning. */
static bool complete_hash(struct batch_codec *c, struct batch *b)
{
	uint8_t h[EVENT_HASH_BYTES], leaf[EVENT_HASH_BYTES];
	const uint8_t *p = b->lines, *end = b->lines + b->lines_len;
	memcpy(h, b->h_prev, sizeof(h));
	for (uint32_t i = 0; i < b->count; i++) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		vault_sha256(c->work, p, (size_t)(nl - p), leaf);
		vault_chain(c->work, h, b->epoch, b->first + i, leaf);
		p = nl + 1;
	}
	if (memcmp(h, b->h_last, CHECK_BYTES) != 0)
		return false;
	memcpy(b->h_last, h, sizeof(h));
	return true;
}

const char *batch_squeezed_decode(struct batch_codec *c, const uint8_t *p, size_t n,
                                  const char *store, struct batch *out, struct batch_box *box)
{
	struct bytes from = {p + BATCH_PREFIX_BYTES, p + n};
	uint64_t raw_len;
	const char *fault = read_head(&from, out, &raw_len, box);
	if (fault)
		return fault;
	const uint8_t *raw = raw_len <= n ? take(&from, (size_t)raw_len) : NULL;
	if (!raw)
		return "parts that do not add up to its length";
	if (!read_text(c, out, &from))
		return "a body that is not one zstd frame";
	struct squeeze_head head = head_of(out, store);
	struct squeeze_form form = {c->tmp.data, raw, c->tmp.len, (size_t)raw_len};
	buf_reset(&c->lines);
	if (squeeze_unpack(c->squeeze, &head, &form, BATCH_RAW_MAX, &c->lines))
		return "a body that does not unpack to its lines";
	out->lines = c->lines.data;
	out->lines_len = c->lines.len;
	fault = batch_lines_fault(out->lines, out->lines_len, out->count);
	if (fault)
		return fault;
	return complete_hash(c, out) ? NULL : "lines that do not give the h that its header names";
}
