/* Boxes, seals and signatures as they come from outside: only what was made with the right key
 * opens, and what was made here opens again. */
#include <stdlib.h>
#include <string.h>

#include "store/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The private key of the box in the corpus. */
#define PRIV_BYTE 0x44

static const uint8_t pub[32] = {0xff, 0x2e, 0xe4, 0x56, 0x01, 0xec, 0x1b, 0x67, 0x31, 0x0c, 0x77,
                                0x90, 0x40, 0x45, 0x85, 0xae, 0x69, 0x73, 0x31, 0xee, 0xe1, 0xc1,
                                0xf8, 0xcf, 0x24, 0x19, 0x73, 0x1c, 0x1f, 0xff, 0x3e, 0x6b};

static void round_trip(struct vault_work *w, const uint8_t priv[32], const uint8_t *data,
                       size_t size)
{
	uint8_t *box = malloc(size + VAULT_BOX_OVERHEAD), *back = malloc(size + 1);

	if (vault_box(w, pub, "page", data, size % 16, data, size, box) != 0 ||
	    vault_unbox(w, priv, "page", data, size % 16, box, size + VAULT_BOX_OVERHEAD, back) !=
	        (ssize_t)size ||
	    memcmp(back, data, size) != 0)
		abort();
	free(back);
	free(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vault_work *w = vault_work_new();
	uint8_t priv[32], *out = malloc(size + 1);

	memset(priv, PRIV_BYTE, sizeof(priv));
	vault_unbox(w, priv, "page", "s1\0d1", 5, data, size, out);
	if (vault_unseal(w, priv, "place", 5, data, size, out) >= 0)
		abort();
	if (size >= VAULT_SIGNATURE_BYTES && vault_verify(pub, data, size - VAULT_SIGNATURE_BYTES,
	                                                  data + size - VAULT_SIGNATURE_BYTES))
		abort();
	round_trip(w, priv, data, size);
	free(out);
	vault_work_free(w);
	return 0;
}
