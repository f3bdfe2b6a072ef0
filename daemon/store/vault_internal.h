/* What the vault's files share. Not for other rooms. */
#ifndef LANEWAY_STORE_VAULT_INTERNAL_H
#define LANEWAY_STORE_VAULT_INTERNAL_H

#include <openssl/evp.h>

#include "store/vault.h"

#define VAULT_BLOCK_BYTES 64 /* SHA-256 works on blocks of this size; HMAC pads its key to it */

/* Fetched algorithms and the contexts that every call uses again. */
struct vault_work {
	EVP_MD *sha256;
	EVP_CIPHER *gcm;
	EVP_MD_CTX *md;
	EVP_CIPHER_CTX *encrypt, *decrypt;
};

/* A piece of input; associated data comes in two. */
struct vault_bytes {
	const void *p;
	size_t n;
};

/* An HMAC-SHA-256 key, padded once for the inner and the outer hash. */
struct vault_hmac_key {
	uint8_t inner[VAULT_BLOCK_BYTES], outer[VAULT_BLOCK_BYTES];
};

/* key: at most VAULT_BLOCK_BYTES; n 0 is the "no salt" of RFC 5869. */
void vault_hmac_init(struct vault_hmac_key *k, const void *key, size_t n);
/* At most VAULT_HMAC_PARTS_MAX parts. */
#define VAULT_HMAC_PARTS_MAX 3
void vault_hmac(struct vault_work *w, const struct vault_hmac_key *k,
                const struct vault_bytes *parts, size_t count, uint8_t out[VAULT_HASH_BYTES]);

/* HKDF-SHA-256, 32 bytes out. salt: at most 64 bytes. */
void vault_hkdf(struct vault_work *w, struct vault_bytes ikm, struct vault_bytes salt,
                const struct vault_bytes info[2], uint8_t out[VAULT_KEY_BYTES]);

/* HKDF of the device key. salt: at most 64 bytes. */
void vault_derive(const struct vault *v, struct vault_work *w, struct vault_bytes salt,
                  const char *info, uint8_t out[VAULT_KEY_BYTES]);

/* vault_seal and vault_unseal with associated data in two parts. */
int vault_seal_parts(struct vault_work *w, const uint8_t *key, const struct vault_bytes ad[2],
                     struct vault_bytes plain, uint8_t *out);
ssize_t vault_unseal_parts(struct vault_work *w, const uint8_t *key, const struct vault_bytes ad[2],
                           struct vault_bytes seal, uint8_t *out);

/* vault_read_public and vault_read_private, refusing other types than EVP_PKEY_X25519 or
 * EVP_PKEY_ED25519 as given (0: either). */
int vault_pem_public(const char *path, int type, uint8_t out[32], char *err, size_t err_size);
int vault_pem_private(const char *path, int type, uint8_t out[32], char *err, size_t err_size);

/* Refuse a file that others than its owner may read. 0, or -1 with a sentence in err. */
int vault_check_mode(int fd, const char *path, char *err, size_t err_size);

/* OpenSSL's call for a pass phrase: there is none, and nobody to ask. */
int vault_no_pass(char *buf, int size, int writing, void *ctx);

#endif
