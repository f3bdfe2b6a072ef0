/* Key pairs as raw bytes, for tests of what is sealed and signed between store and HQ. */
#ifndef LANEWAY_TESTS_SYNC_KEYS_H
#define LANEWAY_TESTS_SYNC_KEYS_H

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

struct key_pair {
	uint8_t priv[32], pub[32];
};

/* type: EVP_PKEY_X25519 (boxes) or EVP_PKEY_ED25519 (signatures); seed makes the same key each
 * time. */
static inline struct key_pair key_pair(int type, uint8_t seed)
{
	struct key_pair k;
	for (int i = 0; i < 32; i++)
		k.priv[i] = (uint8_t)(seed + 7 * i);
	size_t n = 32;
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(type, NULL, k.priv, 32);
	if (!pkey || EVP_PKEY_get_raw_public_key(pkey, k.pub, &n) != 1)
		abort();
	EVP_PKEY_free(pkey);
	return k;
}

#endif
