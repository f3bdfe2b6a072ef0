/* Keys and everything done with them: sealing, hashing, signatures, the TLS context.
 *
 * The only user of OpenSSL in the daemon. A device's keys live in one folder:
 *
 *   vault.key         64 hex digits: the device key; made by vault_open when it is missing, mode
 * 0600 device-box.key    X25519 private key, PEM (PKCS 8); pages from HQ are sealed to it tls.key,
 * tls.crt  the device's TLS key and certificate followed by its store's intermediate ca.crt the
 * root hq-box.pub        HQ's X25519 public key, PEM; epoch and visit keys are sealed to it
 *   hq-sign.pub       HQ's Ed25519 public key, PEM; confirmations and pages are signed with it
 *   device-sign.key   Ed25519 private key, PEM; days are closed with it. May be missing
 *
 * All but vault.key are made by `laneway-hq ca device`. Keys are never logged. Formats: WIRE.md.
 *
 * A struct vault is read-only after vault_open and may be used by every thread; what needs scratch
 * space takes a struct vault_work, one per thread, so that sealing allocates nothing per call.
 */
#ifndef LANEWAY_STORE_VAULT_H
#define LANEWAY_STORE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VAULT_KEY_BYTES 32
#define VAULT_NONCE_BYTES 12
#define VAULT_TAG_BYTES 16
#define VAULT_SEAL_OVERHEAD (VAULT_NONCE_BYTES + VAULT_TAG_BYTES) /* nonce || ciphertext || tag */
#define VAULT_WRAP_BYTES (VAULT_KEY_BYTES + VAULT_SEAL_OVERHEAD)
/* version || recipient key id || ephemeral public key || nonce || ciphertext || tag */
#define VAULT_BOX_OVERHEAD (1 + 8 + 32 + VAULT_SEAL_OVERHEAD)
#define VAULT_HASH_BYTES 32
#define VAULT_BLIND_BYTES 16
#define VAULT_SIGNATURE_BYTES 64

struct vault;
struct vault_work;
struct ssl_ctx_st;

/* Read the folder. make_key: make vault.key if it is missing (refuse when a journal already exists:
 * its key is what is lost). 0, or -1 with a sentence naming the file in err. */
int vault_open(struct vault **out, const char *dir, bool make_key, char *err, size_t err_size);
void vault_free(struct vault *v);

struct vault_work *vault_work_new(void); /* NULL: out of memory */
void vault_work_free(struct vault_work *w);

/* --- plain tools; no key of ours in them --- */
void vault_random(void *out, size_t n); /* ends the process if the system has no randomness */
void vault_sha256(struct vault_work *w, const void *p, size_t n, uint8_t out[VAULT_HASH_BYTES]);
void vault_wipe(void *p, size_t n);

/* h(seq) = SHA-256(h(seq-1) || epoch || seq as u64 big-endian || leaf). h is read and replaced. */
void vault_chain(struct vault_work *w, uint8_t h[VAULT_HASH_BYTES], const uint8_t epoch[8],
                 uint64_t seq, const uint8_t leaf[VAULT_HASH_BYTES]);

/* AES-256-GCM with a random nonce. out has n + VAULT_SEAL_OVERHEAD bytes. 0 or -1. */
int vault_seal(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES], const void *ad,
               size_t ad_len, const void *p, size_t n, uint8_t *out);
/* Open a seal of n bytes into out (n - VAULT_SEAL_OVERHEAD bytes, returned); -1: forged or short.
 */
ssize_t vault_unseal(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES], const void *ad,
                     size_t ad_len, const uint8_t *seal, size_t n, uint8_t *out);

/* --- under the device key --- */
/* HMAC-SHA256(index key, kind || '|' || normal form), first 16 bytes: the blind index. */
void vault_blind(const struct vault *v, struct vault_work *w, const char *kind, const char *nf,
                 uint8_t out[VAULT_BLIND_BYTES]);
/* Keyed hash of a source's message, so that stored hashes of small bodies cannot be guessed. */
void vault_body_hash(const struct vault *v, struct vault_work *w, const void *p, size_t n,
                     uint8_t out[16]);
/* HKDF-SHA-256(device key, salt = epoch, info "laneway epoch v1"): the key of an epoch's packs. */
void vault_epoch_key(const struct vault *v, struct vault_work *w, const uint8_t epoch[8],
                     uint8_t out[VAULT_KEY_BYTES]);
/* Wrap a data key; `purpose` ("visit-key", "shard-salt") and id are associated data. */
int vault_wrap(const struct vault *v, struct vault_work *w, const char *purpose,
               const uint8_t id[16], const uint8_t key[VAULT_KEY_BYTES],
               uint8_t out[VAULT_WRAP_BYTES]);
int vault_unwrap(const struct vault *v, struct vault_work *w, const char *purpose,
                 const uint8_t id[16], const uint8_t wrapped[VAULT_WRAP_BYTES],
                 uint8_t out[VAULT_KEY_BYTES]);

/* --- one shard's keys; all follow from the device key and the shard's salt, so that a salt that is
 * gone takes everything sealed under it along. One thread each. --- */
#define VAULT_SALT_BYTES 32
#define VAULT_SEED_BYTES 32
struct vault_shard;
/* NULL: out of memory. */
struct vault_shard *vault_shard_new(const struct vault *v, struct vault_work *w,
                                    const uint8_t salt[VAULT_SALT_BYTES]);
void vault_shard_free(struct vault_shard *s);
/* As vault_blind, under the shard's own index key. */
void vault_shard_blind(const struct vault_shard *s, struct vault_work *w, const char *kind,
                       const char *nf, uint8_t out[VAULT_BLIND_BYTES]);
/* The key that a random seed stands for: for one state of one profile, whose few seals are
 * numbered. The seed is the key, wrapped: it is stored beside the seals, and what destroys it
 * destroys the key. 0 or -1. */
int vault_shard_key(struct vault_shard *s, const uint8_t seed[VAULT_SEED_BYTES],
                    uint8_t out[VAULT_KEY_BYTES]);
/* AES-256-GCM with the seal's number as nonce: only for a key that seals each number once. key
 * NULL: the one of the call before. out has n + VAULT_TAG_BYTES bytes. 0 or -1. */
int vault_seal_numbered(struct vault_work *w, const uint8_t *key, uint8_t number, const void *p,
                        size_t n, uint8_t *out);
/* Open such a seal of n bytes into out; the length, or -1: forged or short. */
ssize_t vault_unseal_numbered(struct vault_work *w, const uint8_t *key, uint8_t number,
                              const uint8_t *seal, size_t n, uint8_t *out);

/* --- for a rescued card: HQ can open an epoch's key, and with it what is wrapped under the key
 * derived here --- */
void vault_rescue_key(struct vault_work *w, const uint8_t epoch_key[VAULT_KEY_BYTES],
                      uint8_t out[VAULT_KEY_BYTES]);
/* A visit key wrapped under it, and back. 0 or -1. */
int vault_rescue(struct vault_work *w, const uint8_t rescue_key[VAULT_KEY_BYTES],
                 const uint8_t id[16], const uint8_t key[VAULT_KEY_BYTES],
                 uint8_t out[VAULT_WRAP_BYTES]);
int vault_rescued(struct vault_work *w, const uint8_t rescue_key[VAULT_KEY_BYTES],
                  const uint8_t id[16], const uint8_t wrapped[VAULT_WRAP_BYTES],
                  uint8_t out[VAULT_KEY_BYTES]);

/* --- boxes: sealed to a public key (X25519, HKDF-SHA-256, AES-256-GCM; WIRE.md) --- */
/* out has n + VAULT_BOX_OVERHEAD bytes. purpose: "epoch-key", "visit-keys", "page". 0 or -1. */
int vault_box(struct vault_work *w, const uint8_t pub[32], const char *purpose, const void *ad,
              size_t ad_len, const void *p, size_t n, uint8_t *out);
ssize_t vault_unbox(struct vault_work *w, const uint8_t priv[32], const char *purpose,
                    const void *ad, size_t ad_len, const uint8_t *box, size_t n, uint8_t *out);
const uint8_t *vault_hq_box_pub(const struct vault *v);
const uint8_t *vault_device_box_priv(const struct vault *v);

/* Ed25519 (RFC 8032), pure. */
bool vault_verify(const uint8_t pub[32], const void *p, size_t n,
                  const uint8_t signature[VAULT_SIGNATURE_BYTES]);
int vault_sign(const uint8_t priv[32], const void *p, size_t n,
               uint8_t signature[VAULT_SIGNATURE_BYTES]);
const uint8_t *vault_hq_sign_pub(const struct vault *v);
/* The device's own Ed25519 key, private; NULL: the device was set up without one. */
const uint8_t *vault_device_sign_priv(const struct vault *v);

/* Raw 32-byte keys out of PEM files (X25519 and Ed25519); private ones must be mode 0600 or less.
 * 0, or -1 with a sentence naming the file in err. */
int vault_read_public(const char *path, uint8_t out[32], char *err, size_t err_size);
int vault_read_private(const char *path, uint8_t out[32], char *err, size_t err_size);

/* A client context for mutual TLS: TLS 1.2 or newer, the given files, the peer's chain and its host
 * name or IP address checked against ca.crt (a device's folder) or root.crt (HQ's). key and crt are
 * file names in dir. NULL with a sentence in err. The caller owns it (vault_tls_free). */
struct ssl_ctx_st *vault_tls_client(const char *dir, const char *key, const char *crt,
                                    const char *host, char *err, size_t err_size);
void vault_tls_free(struct ssl_ctx_st *ctx);

/* What time it is for certificates. */
struct vault_tls_now {
	bool trusted;
	int64_t wall_us;  /* used when trusted */
	int64_t floor_us; /* it is not earlier than this */
	/* Trusted by a source that may itself be wrong: a chain that fails by its dates alone is
	 * let through as if nothing were trusted, and vault_tls_doubted says so. */
	bool may_doubt;
};
typedef void vault_tls_now_fn(void *ctx, struct vault_tls_now *out);

/* From now on the peer's chain is checked by `now`, asked at each handshake from the connection's
 * thread: in full while a time is trusted. Else chain, name and key usage; notBefore is not
 * checked, notAfter only against floor_us. 0, or -1: out of memory. */
int vault_tls_clock(struct ssl_ctx_st *ctx, vault_tls_now_fn *now, void *now_ctx);

/* Check the chain of the last handshake again, in full, at this time. 0; -1 with why in err (also
 * when there was no handshake). Any thread. */
int vault_tls_check(struct ssl_ctx_st *ctx, int64_t wall_us, char *err, size_t err_size);

/* Was the last handshake let through although its dates did not fit a trusted time? Any thread. */
bool vault_tls_doubted(struct ssl_ctx_st *ctx);

#endif
