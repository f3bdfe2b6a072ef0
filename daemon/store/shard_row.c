/* The blobs and columns that writer and reader both know. */
#include <string.h>

#include "base/buf.h"
#include "store/shard_internal.h"

/* Not a kind that an identifier can have. */
#define WHO_KIND ""

enum { SEAL_HEAD, SEAL_JSON };

int shard_row_seal(struct vault_shard *keys, struct vault_work *w, const uint8_t *seed,
                   const struct shard_text text[2], struct shard_row *out)
{
	const struct shard_text *head = &text[SEAL_HEAD], *json = &text[SEAL_JSON];
	uint8_t key[VAULT_KEY_BYTES];
	bool ok;

	memcpy(out->head, seed, VAULT_SEED_BYTES);
	ok = vault_shard_key(keys, seed, key) == 0 &&
	     vault_seal_numbered(w, key, SEAL_HEAD, head->p, head->n,
	                         out->head + VAULT_SEED_BYTES) == 0 &&
	     vault_seal_numbered(w, NULL, SEAL_JSON, json->p, json->n, out->json) == 0;
	vault_wipe(key, sizeof(key));
	out->head_n = VAULT_SEED_BYTES + head->n + VAULT_TAG_BYTES;
	out->json_n = json->n + VAULT_TAG_BYTES;
	return ok ? 0 : -1;
}

ssize_t shard_row_head(struct vault_shard *keys, struct vault_work *w, const uint8_t *head,
                       size_t n, uint8_t *out)
{
	uint8_t key[VAULT_KEY_BYTES];
	ssize_t rc = -1;

	if (n >= VAULT_SEED_BYTES + VAULT_TAG_BYTES && n <= SHARD_HEAD_SEAL_MAX &&
	    vault_shard_key(keys, head, key) == 0)
		rc = vault_unseal_numbered(w, key, SEAL_HEAD, head + VAULT_SEED_BYTES,
		                           n - VAULT_SEED_BYTES, out);
	vault_wipe(key, sizeof(key));
	return rc;
}

ssize_t shard_row_json(struct vault_work *w, const uint8_t *json, size_t n, uint8_t *out)
{
	return n <= SHARD_JSON_SEAL_MAX ? vault_unseal_numbered(w, NULL, SEAL_JSON, json, n, out)
	                                : -1;
}

int64_t shard_ident_key(const uint8_t blind[VAULT_BLIND_BYTES])
{
	return (int64_t)(buf_get64(blind) >> 1);
}

int64_t shard_who_key(const struct vault_shard *keys, struct vault_work *w, const char *customer_id)
{
	uint8_t blind[VAULT_BLIND_BYTES];

	vault_shard_blind(keys, w, WHO_KIND, customer_id, blind);
	return shard_ident_key(blind);
}

/* The first entry of this key or a higher one. */
static size_t lower_bound(const uint8_t *entries, size_t count, int64_t key)
{
	size_t low = 0;

	while (count > 0) {
		size_t half = count / 2;

		if ((int64_t)buf_get64(entries + (low + half) * SHARD_ENTRY_BYTES) < key) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

int shard_list_get(struct shard_list *out, const uint8_t *entries, size_t n, int64_t key)
{
	size_t count = n / SHARD_ENTRY_BYTES, at;

	if (n == 0 || n % SHARD_ENTRY_BYTES != 0)
		return -1;
	at = lower_bound(entries, count, key);
	*out = (struct shard_list){.at = entries + at * SHARD_ENTRY_BYTES};
	while (at < count && (int64_t)buf_get64(entries + at * SHARD_ENTRY_BYTES) == key) {
		out->count++;
		at++;
	}
	return 0;
}

int64_t shard_list_at(const struct shard_list *l, int n)
{
	return buf_get32(l->at + (size_t)n * SHARD_ENTRY_BYTES + 8);
}
