/* HQ's own keys, and the public keys of the devices it answers to (WIRE.md, "Files and keys"). */
#ifndef LANEWAY_HQ_KEYS_H
#define LANEWAY_HQ_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/vault.h"

struct hq_keys;

/* Read hq-box.key, hq-sign.key and hq-vault.key. 0, or -1 with a sentence naming the file in err.
 */
int hq_keys_open(struct hq_keys **out, const char *dir, char *err, size_t err_size);
void hq_keys_free(struct hq_keys *k);

const uint8_t *hq_keys_box(const struct hq_keys *k);  /* X25519, private */
const uint8_t *hq_keys_sign(const struct hq_keys *k); /* Ed25519, private */

/* A visit key as hq.db keeps it. 0 or -1. */
int hq_keys_wrap(const struct hq_keys *k, struct vault_work *w, const uint8_t id[16],
                 const uint8_t key[VAULT_KEY_BYTES], uint8_t out[VAULT_WRAP_BYTES]);
int hq_keys_unwrap(const struct hq_keys *k, struct vault_work *w, const uint8_t id[16],
                   const uint8_t wrapped[VAULT_WRAP_BYTES], uint8_t out[VAULT_KEY_BYTES]);

/* "<turn>.<seal>": what HQ gives a store to show how far HQ had come (WIRE.md section 9), and what
 * a store hands back. 0 or -1. hq_keys_seen_open: the turn, or 0 when HQ never gave this store
 * that. */
#define HQ_KEYS_SEEN_SIZE 80
int hq_keys_seen(const struct hq_keys *k, struct vault_work *w, const char *store, uint64_t turn,
                 char out[HQ_KEYS_SEEN_SIZE]);
uint64_t hq_keys_seen_open(const struct hq_keys *k, struct vault_work *w, const char *store,
                           const char *seen);

/* A device's box key out of stores/<store>/<device>/device-box.pub, remembered. NULL: no such
 * device (logged), or names that are none. Loop thread only. */
const uint8_t *hq_keys_device(struct hq_keys *k, const char *store, const char *device);

/* A device's signing key out of stores/<store>/<device>/device-sign.pub, and HQ's own out of
 * hq-sign.pub. 0, or -1 with a sentence in err. */
int hq_keys_device_sign(const struct hq_keys *k, const char *store, const char *device,
                        uint8_t out[32], char *err, size_t err_size);
int hq_keys_sign_pub(const struct hq_keys *k, uint8_t out[32], char *err, size_t err_size);

/* [a-z0-9-]{1,32}: what may stand in a topic or a path. */
bool hq_keys_name_ok(const char *name);

#endif
