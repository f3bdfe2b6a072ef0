/* A pack's body behind its seal, as somebody with the key could forge it, and the same bytes as
 * they might lie on a failing card. */
#include <stdlib.h>

#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "pack" NUL store NUL epoch, first, count: all zero but the first byte of the input as count. */
static int open_forged(struct pack_codec *c, const struct pack_head *head, const uint8_t *packed,
                       size_t n, struct buf *lines)
{
	static const uint8_t key[VAULT_KEY_BYTES];
	uint8_t ad[5 + 3 + 8 + 8 + 4] = "pack\0s1";
	ad[sizeof(ad) - 1] = (uint8_t)head->count;
	uint8_t *seal = malloc(n + VAULT_SEAL_OVERHEAD);
	if (!seal || vault_seal(pack_work(c), key, ad, sizeof(ad), packed, n, seal))
		abort();
	int rc = pack_open(c, key, head, seal, n + VAULT_SEAL_OVERHEAD, lines);
	free(seal);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[VAULT_KEY_BYTES];
	struct pack_codec *c = pack_codec_new("s1");
	struct buf lines = {0};
	uint8_t h[EVENT_HASH_BYTES] = {0};
	if (!c)
		abort();
	if (size) {
		struct pack_head head = {.count = data[0]};
		pack_open(c, key, &head, data, size, &lines);
		if (open_forged(c, &head, data + 1, size - 1, &lines) == 0)
			pack_chain(c, &head, &lines, h);
	}
	buf_free(&lines);
	pack_codec_free(c);
	return 0;
}
