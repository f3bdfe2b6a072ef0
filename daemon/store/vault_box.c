#include <openssl/evp.h>
#include <string.h>

#include "store/vault_internal.h"

#define BOX_VERSION 1
#define BOX_ID_BYTES 8
#define BOX_HEAD_BYTES (1 + BOX_ID_BYTES + 32) /* in front of the nonce */
#define BOX_PURPOSE_BYTES_MAX 32

static void recipient_id(struct vault_work *w, const uint8_t pub[32], uint8_t out[BOX_ID_BYTES])
{
	uint8_t hash[VAULT_HASH_BYTES];

	vault_sha256(w, pub, 32, hash);
	memcpy(out, hash, BOX_ID_BYTES);
}

/* X25519; -1 also for a public key that leads to the all-zero secret. */
static int agree(EVP_PKEY *mine, const uint8_t theirs[32], uint8_t secret[32])
{
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	size_t n = 32;
	int rc = -1;

	if (peer != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &n) == 1 &&
	    n == 32)
		rc = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return rc;
}

static int box_key(struct vault_work *w, uint8_t secret[32], const uint8_t ephemeral[32],
                   const uint8_t recipient[32], const char *purpose, uint8_t key[VAULT_KEY_BYTES])
{
	static const char info[] = "laneway box v1 ";
	uint8_t salt[64];

	if (strlen(purpose) > BOX_PURPOSE_BYTES_MAX)
		return -1;
	memcpy(salt, ephemeral, 32);
	memcpy(salt + 32, recipient, 32);
	vault_hkdf(w, (struct vault_bytes){secret, 32}, (struct vault_bytes){salt, sizeof(salt)},
	           (struct vault_bytes[2]){{info, sizeof(info) - 1}, {purpose, strlen(purpose)}},
	           key);
	return 0;
}

int vault_box(struct vault_work *w, const uint8_t pub[32], const char *purpose, const void *ad,
              size_t ad_len, const void *p, size_t n, uint8_t *out)
{
	EVP_PKEY *mine = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	uint8_t *ephemeral = out + 1 + BOX_ID_BYTES;
	uint8_t secret[32], key[VAULT_KEY_BYTES];
	size_t len = 32;
	int rc = -1;

	out[0] = BOX_VERSION;
	recipient_id(w, pub, out + 1);
	if (mine != NULL && EVP_PKEY_get_raw_public_key(mine, ephemeral, &len) == 1 &&
	    agree(mine, pub, secret) == 0 && box_key(w, secret, ephemeral, pub, purpose, key) == 0)
		rc = vault_seal_parts(w, key,
		                      (struct vault_bytes[2]){{out, BOX_HEAD_BYTES}, {ad, ad_len}},
		                      (struct vault_bytes){p, n}, out + BOX_HEAD_BYTES);
	vault_wipe(secret, sizeof(secret));
	vault_wipe(key, sizeof(key));
	EVP_PKEY_free(mine);
	return rc;
}

ssize_t vault_unbox(struct vault_work *w, const uint8_t priv[32], const char *purpose,
                    const void *ad, size_t ad_len, const uint8_t *box, size_t n, uint8_t *out)
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
	const uint8_t *ephemeral = box + 1 + BOX_ID_BYTES;
	uint8_t secret[32], key[VAULT_KEY_BYTES], pub[32], id[BOX_ID_BYTES];
	size_t len = sizeof(pub);
	ssize_t rc = -1;

	if (mine == NULL || EVP_PKEY_get_raw_public_key(mine, pub, &len) != 1)
		goto err_free_key;
	recipient_id(w, pub, id);
	if (n < VAULT_BOX_OVERHEAD || box[0] != BOX_VERSION || memcmp(box + 1, id, sizeof(id)) != 0)
		goto err_free_key;
	if (agree(mine, ephemeral, secret) == 0 &&
	    box_key(w, secret, ephemeral, pub, purpose, key) == 0)
		rc = vault_unseal_parts(
		    w, key, (struct vault_bytes[2]){{box, BOX_HEAD_BYTES}, {ad, ad_len}},
		    (struct vault_bytes){box + BOX_HEAD_BYTES, n - BOX_HEAD_BYTES}, out);
	vault_wipe(secret, sizeof(secret));
	vault_wipe(key, sizeof(key));
err_free_key:
	EVP_PKEY_free(mine);
	return rc;
}

bool vault_verify(const uint8_t pub[32], const void *p, size_t n,
                  const uint8_t signature[VAULT_SIGNATURE_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = key != NULL && ctx != NULL &&
	          EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	          EVP_DigestVerify(ctx, signature, VAULT_SIGNATURE_BYTES, p, n) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

int vault_sign(const uint8_t priv[32], const void *p, size_t n,
               uint8_t signature[VAULT_SIGNATURE_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, priv, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = VAULT_SIGNATURE_BYTES;
	bool ok = key != NULL && ctx != NULL &&
	          EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	          EVP_DigestSign(ctx, signature, &len, p, n) == 1 && len == VAULT_SIGNATURE_BYTES;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? 0 : -1;
}
