/* The pack: what one commit of the journal stores. Bytes in and out, no database. WIRE.md
 * section 4.
 *
 * A codec holds the compression contexts and scratch of one thread; it allocates nothing per pack
 * once its buffers have their size.
 */
#ifndef LANEWAY_STORE_PACK_H
#define LANEWAY_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"
#include "store/vault.h"

#define PACK_LINES_MAX                                                                             \
	(8u * 1024 * 1024) /* bytes of lines in one pack; a body that claims more is bad */
#define PACK_EVENTS_MAX 8192

struct pack_head {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t first;
	uint32_t count;
};

struct pack_codec;
struct pack_codec *pack_codec_new(const char *store); /* NULL: out of memory */
void pack_codec_free(struct pack_codec *c);
struct vault_work *pack_work(struct pack_codec *c); /* the codec's own, for its thread */

/* Compress and seal the lines; body is replaced. 0 or -1 (out of memory, or the cipher failed). */
int pack_seal(struct pack_codec *c, const uint8_t key[VAULT_KEY_BYTES],
              const struct pack_head *head, const struct buf *lines, struct buf *body);

/* Open and unpack; lines is replaced. 0, or -1: forged, torn, too long, or not `count` whole lines.
 */
int pack_open(struct pack_codec *c, const uint8_t key[VAULT_KEY_BYTES],
              const struct pack_head *head, const void *body, size_t n, struct buf *lines);

/* Replace h by h after all lines of the pack. */
void pack_chain(struct pack_codec *c, const struct pack_head *head, const struct buf *lines,
                uint8_t h[EVENT_HASH_BYTES]);

/* The line that starts at *offset; *offset then stands behind its newline. NULL: no more. */
const char *pack_line(const struct buf *lines, size_t *offset, size_t *len);

/* One record of pack.ids. offset: of the message's first event in the pack. */
struct pack_id {
	struct entry_id id;
	uint32_t offset, count;
};
void pack_id_add(struct buf *ids, const struct pack_id *id);
/* 1 read and *at moved on, 0 at the end, -1 malformed. */
int pack_id_next(const uint8_t *ids, size_t n, size_t *at, struct pack_id *out);

#endif
