#include "store/pack.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "store/dictionary.h"

/* Level 1: level 3 takes half as long again for a twentieth fewer bytes, and a commit waits for it.
 */
#define PACK_ZSTD_LEVEL 1
/* Lines of a pack up to which a dictionary pays: with one event to a commit the file grows by four
 * tenths less; packs of hundreds would save a sixth and take a tenth longer. */
#define DICTIONARY_LINES_BYTES_MAX 16384
#define ID_TAIL_BYTES (8 + EVENT_ID_BYTES + 4 + 4) /* of an id record, behind its two texts */

struct pack_codec {
	char store[EVENT_STORE_SIZE];
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
	ZSTD_CDict *cdict; /* made when they are first used */
	ZSTD_DDict *ddict[DICTIONARIES_MAX];
	struct vault_work *work;
	struct buf packed;
};

struct pack_ad {
	uint8_t bytes[5 + EVENT_STORE_SIZE + EVENT_EPOCH_BYTES + 8 + 4];
	size_t len;
};

struct pack_codec *pack_codec_new(const char *store)
{
	struct pack_codec *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	memcpy(c->store, store, strnlen(store, sizeof(c->store) - 1));
	c->cctx = ZSTD_createCCtx();
	c->dctx = ZSTD_createDCtx();
	c->work = vault_work_new();
	if (c->cctx && c->dctx && c->work)
		return c;
	pack_codec_free(c);
	return NULL;
}

void pack_codec_free(struct pack_codec *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->cctx);
	ZSTD_freeDCtx(c->dctx);
	ZSTD_freeCDict(c->cdict);
	for (unsigned id = 0; id < DICTIONARIES_MAX; id++)
		ZSTD_freeDDict(c->ddict[id]);
	vault_work_free(c->work);
	buf_free(&c->packed);
	free(c);
}

struct vault_work *pack_work(struct pack_codec *c)
{
	return c->work;
}

static void put_be(uint8_t *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static void make_ad(const struct pack_codec *c, const struct pack_head *head, struct pack_ad *ad)
{
	size_t store = strlen(c->store) + 1;
	uint8_t *p = ad->bytes;
	memcpy(p, "pack", 5);
	p += 5;
	memcpy(p, c->store, store);
	p += store;
	memcpy(p, head->epoch, EVENT_EPOCH_BYTES);
	p += EVENT_EPOCH_BYTES;
	put_be(p, head->first, 8);
	put_be(p + 8, head->count, 4);
	ad->len = (size_t)(p + 12 - ad->bytes);
}

static size_t compress(struct pack_codec *c, uint8_t *to, size_t room, const struct buf *lines)
{
	struct dictionary d;
	if (lines->len > DICTIONARY_LINES_BYTES_MAX)
		return ZSTD_compressCCtx(c->cctx, to, room, lines->data, lines->len,
		                         PACK_ZSTD_LEVEL);
	if (!c->cdict && dictionary_find(DICTIONARY_LINES, &d))
		c->cdict = ZSTD_createCDict(d.data, d.len, PACK_ZSTD_LEVEL);
	if (!c->cdict)
		return (size_t)-ZSTD_error_GENERIC;
	return ZSTD_compress_usingCDict(c->cctx, to, room, lines->data, lines->len, c->cdict);
}

static bool for_packs(unsigned id)
{
	return id == DICTIONARY_LINES || id == DICTIONARY_LINES_OLD;
}

/* The frame names its dictionary; packs of older releases have an older one, or none. */
static size_t decompress(struct pack_codec *c, uint8_t *to, size_t room, const uint8_t *p, size_t n)
{
	struct dictionary d;
	unsigned id = ZSTD_getDictID_fromFrame(p, n);
	if (id == 0)
		return ZSTD_decompressDCtx(c->dctx, to, room, p, n);
	if (!for_packs(id) || !dictionary_find(id, &d))
		return (size_t)-ZSTD_error_dictionary_wrong;
	if (!c->ddict[id])
		c->ddict[id] = ZSTD_createDDict(d.data, d.len);
	if (!c->ddict[id])
		return (size_t)-ZSTD_error_memory_allocation;
	return ZSTD_decompress_usingDDict(c->dctx, to, room, p, n, c->ddict[id]);
}

int pack_seal(struct pack_codec *c, const uint8_t key[VAULT_KEY_BYTES],
              const struct pack_head *head, const struct buf *lines, struct buf *body)
{
	struct pack_ad ad;
	size_t bound = ZSTD_compressBound(lines->len);

	buf_reset(&c->packed);
	buf_reset(body);
	uint8_t *packed = buf_room(&c->packed, bound);
	if (!packed || lines->failed)
		return -1;
	size_t n = compress(c, packed, bound, lines);
	uint8_t *sealed = ZSTD_isError(n) ? NULL : buf_room(body, n + VAULT_SEAL_OVERHEAD);
	if (!sealed)
		return -1;
	make_ad(c, head, &ad);
	if (vault_seal(c->work, key, ad.bytes, ad.len, packed, n, sealed))
		return -1;
	body->len = n + VAULT_SEAL_OVERHEAD;
	return 0;
}

static int count_lines(const struct buf *lines, uint32_t count)
{
	size_t at = 0, len;
	uint32_t n = 0;
	while (pack_line(lines, &at, &len))
		n++;
	return at == lines->len && n == count ? 0 : -1;
}

int pack_open(struct pack_codec *c, const uint8_t key[VAULT_KEY_BYTES],
              const struct pack_head *head, const void *body, size_t n, struct buf *lines)
{
	struct pack_ad ad;

	buf_reset(lines);
	buf_reset(&c->packed);
	uint8_t *packed = buf_room(&c->packed, n + 1);
	if (!packed || n < VAULT_SEAL_OVERHEAD)
		return -1;
	make_ad(c, head, &ad);
	ssize_t got = vault_unseal(c->work, key, ad.bytes, ad.len, body, n, packed);
	if (got < 0)
		return -1;
	unsigned long long size = ZSTD_getFrameContentSize(packed, (size_t)got);
	if (size > PACK_LINES_MAX ||
	    ZSTD_findFrameCompressedSize(packed, (size_t)got) != (size_t)got)
		return -1;
	uint8_t *room = buf_room(lines, (size_t)size + 1);
	if (!room)
		return -1;
	size_t len = decompress(c, room, (size_t)size, packed, (size_t)got);
	if (ZSTD_isError(len) || len != size)
		return -1;
	lines->len = len;
	return count_lines(lines, head->count);
}

void pack_chain(struct pack_codec *c, const struct pack_head *head, const struct buf *lines,
                uint8_t h[EVENT_HASH_BYTES])
{
	uint8_t leaf[EVENT_HASH_BYTES];
	uint64_t seq = head->first;
	size_t at = 0, len;
	const char *line;
	while ((line = pack_line(lines, &at, &len))) {
		vault_sha256(c->work, line, len, leaf);
		vault_chain(c->work, h, head->epoch, seq++, leaf);
	}
}

const char *pack_line(const struct buf *lines, size_t *offset, size_t *len)
{
	if (*offset >= lines->len)
		return NULL;
	const uint8_t *line = lines->data + *offset;
	const uint8_t *end = memchr(line, '\n', lines->len - *offset);
	if (!end)
		return NULL;
	*len = (size_t)(end - line);
	*offset += *len + 1;
	return (const char *)line;
}

static void short_text(struct buf *b, const char *s, size_t size)
{
	size_t n = strnlen(s, size - 1);
	buf_byte(b, (uint8_t)n);
	buf_add(b, s, n);
}

void pack_id_add(struct buf *ids, const struct pack_id *id)
{
	short_text(ids, id->id.source, sizeof(id->id.source));
	short_text(ids, id->id.session, sizeof(id->id.session));
	buf_be64(ids, id->id.counter);
	buf_add(ids, id->id.body, sizeof(id->id.body));
	buf_be32(ids, id->offset);
	buf_be32(ids, id->count);
}

static int read_text(const uint8_t *ids, size_t n, size_t *at, char *out, size_t size)
{
	if (*at >= n)
		return -1;
	size_t len = ids[(*at)++];
	if (len >= size || len > n - *at || memchr(ids + *at, '\0', len))
		return -1;
	memcpy(out, ids + *at, len);
	out[len] = '\0';
	*at += len;
	return 0;
}

int pack_id_next(const uint8_t *ids, size_t n, size_t *at, struct pack_id *out)
{
	if (*at >= n)
		return 0;
	if (read_text(ids, n, at, out->id.source, sizeof(out->id.source)) ||
	    read_text(ids, n, at, out->id.session, sizeof(out->id.session)) ||
	    n - *at < ID_TAIL_BYTES)
		return -1;
	const uint8_t *p = ids + *at;
	out->id.counter = buf_get64(p);
	memcpy(out->id.body, p + 8, EVENT_ID_BYTES);
	out->offset = buf_get32(p + 8 + EVENT_ID_BYTES);
	out->count = buf_get32(p + 12 + EVENT_ID_BYTES);
	*at += ID_TAIL_BYTES;
	return 1;
}
