#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "store/vault_internal.h"

struct vault_shard {
	struct vault_hmac_key index_key;
	EVP_CIPHER *ecb;
	EVP_CIPHER_CTX *seeds; /* AES-256 on single blocks: a seed is two random ones */
};

static bool set_keys(struct vault_shard *s, const struct vault *v, struct vault_work *w,
                     struct vault_bytes salt)
{
	uint8_t key[VAULT_KEY_BYTES];
	bool ok;

	vault_derive(v, w, salt, "laneway shard index v1", key);
	vault_hmac_init(&s->index_key, key, sizeof(key));
	vault_derive(v, w, salt, "laneway shard seeds v1", key);
	ok = EVP_EncryptInit_ex2(s->seeds, s->ecb, key, NULL, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(s->seeds, 0) == 1;
	vault_wipe(key, sizeof(key));
	return ok;
}

struct vault_shard *vault_shard_new(const struct vault *v, struct vault_work *w,
                                    const uint8_t salt[VAULT_SALT_BYTES])
{
	struct vault_shard *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	s->seeds = EVP_CIPHER_CTX_new();
	if (s->ecb == NULL || s->seeds == NULL ||
	    !set_keys(s, v, w, (struct vault_bytes){salt, VAULT_SALT_BYTES})) {
		vault_shard_free(s);
		return NULL;
	}
	return s;
}

void vault_shard_free(struct vault_shard *s)
{
	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->seeds);
	EVP_CIPHER_free(s->ecb);
	vault_wipe(s, sizeof(*s));
	free(s);
}

void vault_shard_blind(const struct vault_shard *s, struct vault_work *w, const char *kind,
                       const char *nf, uint8_t out[VAULT_BLIND_BYTES])
{
	uint8_t hash[VAULT_HASH_BYTES];

	vault_hmac(w, &s->index_key,
	           (struct vault_bytes[]){{kind, strlen(kind)}, {"|", 1}, {nf, strlen(nf)}}, 3,
	           hash);
	memcpy(out, hash, VAULT_BLIND_BYTES);
}

int vault_shard_key(struct vault_shard *s, const uint8_t seed[VAULT_SEED_BYTES],
                    uint8_t out[VAULT_KEY_BYTES])
{
	int n;

	return EVP_EncryptUpdate(s->seeds, out, &n, seed, VAULT_SEED_BYTES) == 1 &&
	               n == VAULT_KEY_BYTES
	           ? 0
	           : -1;
}

int vault_seal_numbered(struct vault_work *w, const uint8_t *key, uint8_t number, const void *p,
                        size_t n, uint8_t *out)
{
	const uint8_t nonce[VAULT_NONCE_BYTES] = {[VAULT_NONCE_BYTES - 1] = number};
	uint8_t tail[1];
	int len;

	if (n > INT_MAX - VAULT_TAG_BYTES ||
	    EVP_EncryptInit_ex2(w->encrypt, NULL, key, nonce, NULL) != 1)
		return -1;
	if (n > 0 && EVP_EncryptUpdate(w->encrypt, out, &len, p, (int)n) != 1)
		return -1;
	if (EVP_EncryptFinal_ex(w->encrypt, tail, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(w->encrypt, EVP_CTRL_AEAD_GET_TAG, VAULT_TAG_BYTES, out + n) != 1)
		return -1;
	return 0;
}

ssize_t vault_unseal_numbered(struct vault_work *w, const uint8_t *key, uint8_t number,
                              const uint8_t *seal, size_t n, uint8_t *out)
{
	const uint8_t nonce[VAULT_NONCE_BYTES] = {[VAULT_NONCE_BYTES - 1] = number};
	uint8_t tag[VAULT_TAG_BYTES], tail[1];
	size_t text;
	int len;

	if (n < VAULT_TAG_BYTES || n > INT_MAX)
		return -1;
	text = n - VAULT_TAG_BYTES;
	memcpy(tag, seal + text, sizeof(tag));
	if (EVP_DecryptInit_ex2(w->decrypt, NULL, key, nonce, NULL) != 1 ||
	    (text > 0 && EVP_DecryptUpdate(w->decrypt, out, &len, seal, (int)text) != 1))
		return -1;
	if (EVP_CIPHER_CTX_ctrl(w->decrypt, EVP_CTRL_AEAD_SET_TAG, VAULT_TAG_BYTES, tag) != 1 ||
	    EVP_DecryptFinal_ex(w->decrypt, tail, &len) != 1) {
		vault_wipe(out, text);
		return -1;
	}
	return (ssize_t)text;
}
