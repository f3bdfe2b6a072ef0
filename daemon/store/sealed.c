#include "store/sealed.h"

#include <string.h>

#include "base/text.h"

#define AD_BYTES_MAX (EVENT_STORE_SIZE + EVENT_EPOCH_BYTES + 8)

/* Associated data: store NUL epoch seq. */
static size_t place(const struct sealed_at *at, uint8_t ad[AD_BYTES_MAX])
{
	size_t n = strlen(at->store) + 1;

	memcpy(ad, at->store, n);
	memcpy(ad + n, at->epoch, EVENT_EPOCH_BYTES);
	n += EVENT_EPOCH_BYTES;
	for (int i = 0; i < 8; i++)
		ad[n++] = (uint8_t)(at->seq >> (56 - 8 * i));
	return n;
}

int sealed_make(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                const struct sealed_at *at, const void *plain, size_t n, uint8_t *out)
{
	uint8_t ad[AD_BYTES_MAX];

	return vault_seal(w, key, ad, place(at, ad), plain, n, out);
}

ssize_t sealed_bytes(const char *n, const char *c, uint8_t *out, size_t size)
{
	ssize_t len;

	if (!n || !c || size < VAULT_SEAL_OVERHEAD ||
	    text_unb64(n, strlen(n), out, VAULT_NONCE_BYTES) != VAULT_NONCE_BYTES)
		return -1;
	len = text_unb64(c, strlen(c), out + VAULT_NONCE_BYTES, size - VAULT_NONCE_BYTES);
	return len < VAULT_TAG_BYTES ? -1 : VAULT_NONCE_BYTES + len;
}

ssize_t sealed_open(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                    const struct sealed_at *at, const uint8_t *seal, size_t len, uint8_t *out)
{
	uint8_t ad[AD_BYTES_MAX];

	return vault_unseal(w, key, ad, place(at, ad), seal, len, out);
}

int sealed_text(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                const struct sealed_at *at, const char *n, const char *c, struct buf *out)
{
	size_t room = c ? strlen(c) + VAULT_SEAL_OVERHEAD : 0;
	struct buf seal = {0};
	uint8_t *bytes = room ? buf_room(&seal, room) : NULL;
	ssize_t len = bytes ? sealed_bytes(n, c, bytes, room) : -1;

	if (len >= 0 && buf_room(out, (size_t)len))
		len = sealed_open(w, key, at, bytes, (size_t)len, out->data + out->len);
	else
		len = -1;
	if (len > 0)
		out->len += (size_t)len;
	buf_free(&seal);
	return len < 0 ? -1 : 0;
}
