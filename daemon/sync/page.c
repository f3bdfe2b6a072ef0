#include <stdio.h>
#include <string.h>

#include "sync/batch_internal.h"

#define CONTEXT_BYTES (2 * EVENT_STORE_SIZE)

static const char page_purpose[] = "page";

/* Associated data of a page's box: store NUL device. */
static size_t page_context(const char *store, const char *device, char out[CONTEXT_BYTES])
{
	size_t s = strnlen(store, EVENT_STORE_SIZE - 1), d = strnlen(device, EVENT_STORE_SIZE - 1);
	memcpy(out, store, s);
	out[s] = 0;
	memcpy(out + s + 1, device, d);
	return s + 1 + d;
}

int page_encode(struct batch_codec *c, const char *store, const char *device, const uint8_t pub[32],
                const void *lines, size_t n, struct buf *out)
{
	if (n > PAGE_RAW_MAX)
		return -1;
	buf_reset(&c->tmp);
	if (batch_dict_compress(c, 0) || batch_compress(c, n ? lines : "", n, &c->tmp))
		return -1;
	char context[CONTEXT_BYTES];
	size_t context_len = page_context(store, device, context);
	uint8_t *to = buf_room(out, c->tmp.len + VAULT_BOX_OVERHEAD);
	if (!to || vault_box(c->work, pub, page_purpose, context, context_len, c->tmp.data,
	                     c->tmp.len, to))
		return -1;
	out->len += c->tmp.len + VAULT_BOX_OVERHEAD;
	return 0;
}

static int fail(char *err, size_t err_size, const char *fault)
{
	snprintf(err, err_size, "the page %s", fault);
	return -1;
}

int page_decode(struct batch_codec *c, const char *store, const char *device,
                const uint8_t priv[32], const uint8_t *body, size_t n, const uint8_t **lines,
                size_t *len, char *err, size_t err_size)
{
	if (n < VAULT_BOX_OVERHEAD || n > FRAME_BODY_MAX)
		return fail(err, err_size, "is shorter than a box or longer than 1 MiB");
	char context[CONTEXT_BYTES];
	size_t context_len = page_context(store, device, context);
	buf_reset(&c->tmp);
	uint8_t *to = buf_room(&c->tmp, n);
	if (!to)
		return fail(err, err_size, "does not fit into memory");
	ssize_t got = vault_unbox(c->work, priv, page_purpose, context, context_len, body, n, to);
	if (got < 0)
		return fail(err, err_size, "is not sealed to this device");
	if (batch_dict_decompress(c, 0) ||
	    batch_decompress(c, to, (size_t)got, PAGE_RAW_MAX, &c->lines))
		return fail(err, err_size, "is not one zstd frame of at most 1 MiB");
	if (c->lines.len && c->lines.data[c->lines.len - 1] != '\n')
		return fail(err, err_size, "has a last line without its newline");
	*lines = c->lines.data;
	*len = c->lines.len;
	return 0;
}
