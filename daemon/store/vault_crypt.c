#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "store/vault_internal.h"

void vault_random(void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		int step = n > INT_MAX ? INT_MAX : (int)n;

		if (RAND_bytes(p, step) != 1) {
			log_error(
			    "the system gives no random bytes; nothing can be sealed without them");
			abort();
		}
		p += step;
		n -= (size_t)step;
	}
}

void vault_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

struct vault_work *vault_work_new(void)
{
	struct vault_work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	w->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	w->md = EVP_MD_CTX_new();
	w->encrypt = EVP_CIPHER_CTX_new();
	w->decrypt = EVP_CIPHER_CTX_new();
	if (w->sha256 == NULL || w->gcm == NULL || w->md == NULL || w->encrypt == NULL ||
	    w->decrypt == NULL || EVP_DigestInit_ex2(w->md, w->sha256, NULL) != 1 ||
	    EVP_EncryptInit_ex2(w->encrypt, w->gcm, NULL, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(w->decrypt, w->gcm, NULL, NULL, NULL) != 1) {
		vault_work_free(w);
		return NULL;
	}
	return w;
}

void vault_work_free(struct vault_work *w)
{
	if (w == NULL)
		return;
	EVP_CIPHER_CTX_free(w->decrypt);
	EVP_CIPHER_CTX_free(w->encrypt);
	EVP_MD_CTX_free(w->md);
	EVP_CIPHER_free(w->gcm);
	EVP_MD_free(w->sha256);
	free(w);
}

/* `count` parts as one message. */
static void digest(struct vault_work *w, const struct vault_bytes *parts, size_t count,
                   uint8_t out[VAULT_HASH_BYTES])
{
	bool ok = EVP_DigestInit_ex2(w->md, w->sha256, NULL) == 1;

	for (size_t i = 0; i < count; i++)
		ok = ok && EVP_DigestUpdate(w->md, parts[i].p, parts[i].n) == 1;
	if (!ok || EVP_DigestFinal_ex(w->md, out, NULL) != 1) {
		log_error("OpenSSL cannot compute SHA-256");
		abort();
	}
}

void vault_sha256(struct vault_work *w, const void *p, size_t n, uint8_t out[VAULT_HASH_BYTES])
{
	digest(w, &(struct vault_bytes){p, n}, 1, out);
}

void vault_chain(struct vault_work *w, uint8_t h[VAULT_HASH_BYTES], const uint8_t epoch[8],
                 uint64_t seq, const uint8_t leaf[VAULT_HASH_BYTES])
{
	uint8_t link[VAULT_HASH_BYTES + 8 + 8 + VAULT_HASH_BYTES];

	memcpy(link, h, VAULT_HASH_BYTES);
	memcpy(link + VAULT_HASH_BYTES, epoch, 8);
	for (int i = 0; i < 8; i++)
		link[VAULT_HASH_BYTES + 8 + i] = (uint8_t)(seq >> (56 - 8 * i));
	memcpy(link + VAULT_HASH_BYTES + 16, leaf, VAULT_HASH_BYTES);
	vault_sha256(w, link, sizeof(link), h);
}

/* HMAC by its definition over two hashes: OpenSSL's own object allocates at every use. */
void vault_hmac_init(struct vault_hmac_key *k, const void *key, size_t n)
{
	memset(k->inner, 0x36, sizeof(k->inner));
	memset(k->outer, 0x5c, sizeof(k->outer));
	for (size_t i = 0; i < n && i < VAULT_BLOCK_BYTES; i++) {
		k->inner[i] ^= ((const uint8_t *)key)[i];
		k->outer[i] ^= ((const uint8_t *)key)[i];
	}
}

void vault_hmac(struct vault_work *w, const struct vault_hmac_key *k,
                const struct vault_bytes *parts, size_t count, uint8_t out[VAULT_HASH_BYTES])
{
	struct vault_bytes in[1 + VAULT_HMAC_PARTS_MAX] = {{k->inner, sizeof(k->inner)}};
	uint8_t hash[VAULT_HASH_BYTES];

	for (size_t i = 0; i < count && i < VAULT_HMAC_PARTS_MAX; i++)
		in[1 + i] = parts[i];
	digest(w, in, 1 + count, hash);
	digest(w, (struct vault_bytes[]){{k->outer, sizeof(k->outer)}, {hash, sizeof(hash)}}, 2,
	       out);
	vault_wipe(hash, sizeof(hash));
}

void vault_hkdf(struct vault_work *w, struct vault_bytes ikm, struct vault_bytes salt,
                const struct vault_bytes info[2], uint8_t out[VAULT_KEY_BYTES])
{
	struct vault_hmac_key k;
	uint8_t prk[VAULT_HASH_BYTES];
	const uint8_t one = 1;

	vault_hmac_init(&k, salt.p, salt.n);
	vault_hmac(w, &k, &ikm, 1, prk);
	vault_hmac_init(&k, prk, sizeof(prk));
	vault_hmac(w, &k, (struct vault_bytes[]){info[0], info[1], {&one, 1}}, 3, out);
	vault_wipe(&k, sizeof(k));
	vault_wipe(prk, sizeof(prk));
}

static bool add_ad(EVP_CIPHER_CTX *ctx, const struct vault_bytes ad[2])
{
	int n;

	for (int i = 0; i < 2; i++) {
		if (ad[i].n > INT_MAX)
			return false;
		if (ad[i].n > 0 && EVP_CipherUpdate(ctx, NULL, &n, ad[i].p, (int)ad[i].n) != 1)
			return false;
	}
	return true;
}

int vault_seal_parts(struct vault_work *w, const uint8_t *key, const struct vault_bytes ad[2],
                     struct vault_bytes plain, uint8_t *out)
{
	uint8_t *text = out + VAULT_NONCE_BYTES;
	uint8_t tail[1];
	int n;

	if (plain.n > INT_MAX - VAULT_SEAL_OVERHEAD)
		return -1;
	vault_random(out, VAULT_NONCE_BYTES);
	if (EVP_EncryptInit_ex2(w->encrypt, NULL, key, out, NULL) != 1 || !add_ad(w->encrypt, ad))
		return -1;
	if (plain.n > 0 && EVP_EncryptUpdate(w->encrypt, text, &n, plain.p, (int)plain.n) != 1)
		return -1;
	if (EVP_EncryptFinal_ex(w->encrypt, tail, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(w->encrypt, EVP_CTRL_AEAD_GET_TAG, VAULT_TAG_BYTES,
	                        text + plain.n) != 1)
		return -1;
	return 0;
}

ssize_t vault_unseal_parts(struct vault_work *w, const uint8_t *key, const struct vault_bytes ad[2],
                           struct vault_bytes seal, uint8_t *out)
{
	const uint8_t *in = seal.p;
	uint8_t tag[VAULT_TAG_BYTES], tail[1];
	size_t len;
	int n;

	if (seal.n < VAULT_SEAL_OVERHEAD || seal.n > INT_MAX)
		return -1;
	len = seal.n - VAULT_SEAL_OVERHEAD;
	memcpy(tag, in + VAULT_NONCE_BYTES + len, sizeof(tag));
	if (EVP_DecryptInit_ex2(w->decrypt, NULL, key, in, NULL) != 1 || !add_ad(w->decrypt, ad))
		return -1;
	if (len > 0 &&
	    EVP_DecryptUpdate(w->decrypt, out, &n, in + VAULT_NONCE_BYTES, (int)len) != 1)
		return -1;
	if (EVP_CIPHER_CTX_ctrl(w->decrypt, EVP_CTRL_AEAD_SET_TAG, VAULT_TAG_BYTES, tag) != 1 ||
	    EVP_DecryptFinal_ex(w->decrypt, tail, &n) != 1) {
		vault_wipe(out, len);
		return -1;
	}
	return (ssize_t)len;
}

int vault_seal(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES], const void *ad,
               size_t ad_len, const void *p, size_t n, uint8_t *out)
{
	return vault_seal_parts(w, key, (struct vault_bytes[2]){{ad, ad_len}},
	                        (struct vault_bytes){p, n}, out);
}

ssize_t vault_unseal(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES], const void *ad,
                     size_t ad_len, const uint8_t *seal, size_t n, uint8_t *out)
{
	return vault_unseal_parts(w, key, (struct vault_bytes[2]){{ad, ad_len}},
	                          (struct vault_bytes){seal, n}, out);
}
