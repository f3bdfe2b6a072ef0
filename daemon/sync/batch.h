/* The bytes between store and HQ: batch, signed frame, page. Pure codecs; both ends use them.
 * WIRE.md.
 */
#ifndef LANEWAY_SYNC_BATCH_H
#define LANEWAY_SYNC_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"
#include "store/vault.h"

#define BATCH_HEADER_BYTES 108 /* of version 1 */
#define BATCH_EVENTS_MAX 1000
#define BATCH_RAW_MAX (1024 * 1024) /* bytes of lines in one batch */
#define BATCH_PAYLOAD_MAX (2 * 1024 * 1024)
#define FRAME_HEADER_MAX (512 * 1024)
#define FRAME_BODY_MAX (1024 * 1024)
#define PAGE_RAW_MAX (1024 * 1024) /* bytes of lines in one page */

/* How a batch travels: wire version, and dictionary (0: none). All zero is version 1 without one,
 * which every HQ reads. Version 2 is read and no longer written. */
struct batch_form {
	uint8_t wire;
	uint16_t dictionary;
};

/* What one side reads, a bit each: wire versions and dictionaries from 0 to 63; and the newest
 * schema of events it knows. */
struct batch_accepts {
	uint64_t wires, dictionaries;
	int schemas;
};
/* Of this program: every version and dictionary ever shipped. */
void batch_accepts(struct batch_accepts *out);
/* The smallest form that both sides know. */
struct batch_form batch_form_best(const struct batch_accepts *theirs);

struct batch {
	struct batch_form form; /* in: the one wanted (1 or 3); out: the one that came */
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t first;
	uint32_t count;
	uint8_t h_prev[EVENT_HASH_BYTES], h_last[EVENT_HASH_BYTES];
	const uint8_t *keys; /* plain: (id 16, key 32) each; the codec seals and opens them */
	uint32_t key_count;
	const uint8_t *lines; /* each ended by '\n' */
	size_t lines_len;
};

struct batch_codec; /* zstd contexts, dictionaries and scratch, one per thread */
struct batch_codec *batch_codec_new(void);
void batch_codec_free(struct batch_codec *c);

/* Of a payload that batch_encode made. */
struct batch_form batch_form_of(const uint8_t *payload);

/* Append the payload to out; keys are boxed to hq_pub. Lines that do not fit the form that is
 * wanted travel in version 1. 0 or -1. */
int batch_encode(struct batch_codec *c, const struct batch *b, const char *store,
                 const uint8_t hq_pub[32], struct buf *out);

/* Read a payload of any version. lines and keys point into the codec's scratch until its next call.
 * hq_priv NULL: keys are not opened (key_count 0). 0, or -1 with a sentence in err: nothing of it
 * can be used. */
int batch_decode(struct batch_codec *c, const uint8_t *p, size_t n, const char *store,
                 const uint8_t *hq_priv, struct batch *out, char *err, size_t err_size);

/* Recompute h(first-1) to h(last) over the lines; leaves (count times 32 bytes, may be NULL) out.
 * 0 whole; -1: the lines are not `count`, or h_last differs. */
int batch_verify(struct vault_work *w, const struct batch *b, uint8_t *leaves);

/* A signed frame from HQ: magic "LNWC" (confirm) or "LNWT" (tell), JSON header, body, Ed25519. */
int frame_encode(const char magic[4], const char *store, const char *header, const void *body,
                 size_t body_len, const uint8_t sign_priv[32], struct buf *out);
struct frame {
	const char *header; /* into the payload; header_len bytes */
	size_t header_len;
	const uint8_t *body;
	size_t body_len;
};
/* 0, or -1 with err (magic, version, lengths, signature). */
int frame_decode(const char magic[4], const char *store, const uint8_t *p, size_t n,
                 const uint8_t sign_pub[32], struct frame *out, char *err, size_t err_size);

/* A page's body: lines, zstd, then a box to the device ("page", ad = store NUL device). */
int page_encode(struct batch_codec *c, const char *store, const char *device, const uint8_t pub[32],
                const void *lines, size_t n, struct buf *out);
int page_decode(struct batch_codec *c, const char *store, const char *device,
                const uint8_t priv[32], const uint8_t *body, size_t n, const uint8_t **lines,
                size_t *len, char *err, size_t err_size);

#endif
