#include <stdio.h>
#include <string.h>

#include "sync/batch.h"

#define FRAME_VERSION 1
#define FRAME_PREFIX_BYTES 12 /* magic to H */
#define FRAME_FIXED_BYTES                                                                          \
	(FRAME_PREFIX_BYTES + 4 + VAULT_SIGNATURE_BYTES) /* header, body empty                     \
	                                                  */

static const char frame_context[] = "laneway frame v1"; /* its NUL is signed too */

/* What is signed: the context, the store, each with NUL, and the frame in front of the signature.
 */
static int signed_bytes(const char *store, const uint8_t *p, size_t n, struct buf *out)
{
	buf_add(out, frame_context, sizeof(frame_context));
	buf_add(out, store, strlen(store) + 1);
	buf_add(out, p, n);
	return out->failed ? -1 : 0;
}

int frame_encode(const char magic[4], const char *store, const char *header, const void *body,
                 size_t body_len, const uint8_t sign_priv[32], struct buf *out)
{
	size_t header_len = strlen(header), start = out->len;
	if (header_len > FRAME_HEADER_MAX || body_len > FRAME_BODY_MAX)
		return -1;
	buf_add(out, magic, 4);
	buf_byte(out, FRAME_VERSION);
	buf_add(out, "\0\0", 3);
	buf_be32(out, (uint32_t)header_len);
	buf_add(out, header, header_len);
	buf_be32(out, (uint32_t)body_len);
	if (body_len)
		buf_add(out, body, body_len);
	if (out->failed)
		return -1;
	uint8_t signature[VAULT_SIGNATURE_BYTES];
	struct buf tbs = {0};
	int rc = signed_bytes(store, out->data + start, out->len - start, &tbs);
	if (rc == 0)
		rc = vault_sign(sign_priv, tbs.data, tbs.len, signature);
	buf_free(&tbs);
	if (rc)
		return -1;
	buf_add(out, signature, sizeof(signature));
	return out->failed ? -1 : 0;
}

/* Fill in the parts, or say what is wrong with the lengths. */
static const char *frame_parts(const char magic[4], const uint8_t *p, size_t n, struct frame *out)
{
	if (n < FRAME_FIXED_BYTES)
		return "is shorter than an empty one";
	if (memcmp(p, magic, 4) != 0)
		return "is of another kind than its topic";
	if (p[4] != FRAME_VERSION)
		return "has a version other than 1";
	if (p[5] || p[6] || p[7])
		return "has zero bytes that are not zero";
	size_t room = n - FRAME_FIXED_BYTES;
	out->header_len = buf_get32(p + 8);
	if (out->header_len > room || out->header_len > FRAME_HEADER_MAX)
		return "has a header longer than itself or 512 KiB";
	out->header = (const char *)p + FRAME_PREFIX_BYTES;
	out->body_len = buf_get32(p + FRAME_PREFIX_BYTES + out->header_len);
	if (out->body_len != room - out->header_len || out->body_len > FRAME_BODY_MAX)
		return "has parts that do not add up to its length, or a body over 1 MiB";
	out->body = p + FRAME_PREFIX_BYTES + out->header_len + 4;
	return NULL;
}

int frame_decode(const char magic[4], const char *store, const uint8_t *p, size_t n,
                 const uint8_t sign_pub[32], struct frame *out, char *err, size_t err_size)
{
	memset(out, 0, sizeof(*out));
	const char *fault = frame_parts(magic, p, n, out);
	if (!fault) {
		size_t signed_len = n - VAULT_SIGNATURE_BYTES;
		struct buf tbs = {0};
		if (signed_bytes(store, p, signed_len, &tbs))
			fault = "does not fit into memory";
		else if (!vault_verify(sign_pub, tbs.data, tbs.len, p + signed_len))
			fault = "is not signed by this HQ for this store";
		buf_free(&tbs);
	}
	if (!fault)
		return 0;
	snprintf(err, err_size, "the frame %s", fault);
	return -1;
}
