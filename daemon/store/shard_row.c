/* The blobs and columns that writer and reader both know. */
#include <string.h>

#include "base/buf.h"
#include "store/shard_internal.h"

#define HEAD_AT (VAULT_SEED_BYTES + 2)

/* Not a kind that an identifier can have. */
#define WHO_KIND ""

enum { SEAL_HEAD, SEAL_JSON };

size_t shard_row_seal(struct vault_shard *keys, struct vault_work *w, const uint8_t *seed,
                      const struct shard_text text[2], uint8_t out[SHARD_ROW_MAX])
{
	size_t head = text[SEAL_HEAD].n + VAULT_TAG_BYTES;
	uint8_t key[VAULT_KEY_BYTES];
	bool ok;

	memcpy(out, seed, VAULT_SEED_BYTES);
	out[VAULT_SEED_BYTES] = (uint8_t)(head >> 8);
	out[VAULT_SEED_BYTES + 1] = (uint8_t)head;
	ok = vault_shard_key(keys, seed, key) == 0 &&
	     vault_seal_numbered(w, key, SEAL_HEAD, text[SEAL_HEAD].p, text[SEAL_HEAD].n,
	                         out + HEAD_AT) == 0 &&
	     vault_seal_numbered(w, NULL, SEAL_JSON, text[SEAL_JSON].p, text[SEAL_JSON].n,
	                         out + HEAD_AT + head) == 0;
	vault_wipe(key, sizeof(key));
	return ok ? HEAD_AT + head + text[SEAL_JSON].n + VAULT_TAG_BYTES : 0;
}

/* The length of the head's seal, or 0. */
static size_t head_len(const uint8_t *row, size_t n)
{
	size_t len = n < HEAD_AT ? 0 : buf_get16(row + VAULT_SEED_BYTES);

	return len < VAULT_TAG_BYTES || len > SHARD_HEAD_MAX + VAULT_TAG_BYTES || len > n - HEAD_AT
	           ? 0
	           : len;
}

ssize_t shard_row_head(struct vault_shard *keys, struct vault_work *w, const uint8_t *row, size_t n,
                       uint8_t *out)
{
	uint8_t key[VAULT_KEY_BYTES];
	size_t len = head_len(row, n);
	ssize_t rc = -1;

	if (len > 0 && vault_shard_key(keys, row, key) == 0)
		rc = vault_unseal_numbered(w, key, SEAL_HEAD, row + HEAD_AT, len, out);
	vault_wipe(key, sizeof(key));
	return rc;
}

ssize_t shard_row_json(struct vault_work *w, const uint8_t *row, size_t n, uint8_t *out)
{
	size_t at = HEAD_AT + head_len(row, n);

	return vault_unseal_numbered(w, NULL, SEAL_JSON, row + at, n - at, out);
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

int shard_list_get(struct shard_list *out, sqlite3_stmt *stmt, int column)
{
	int n;

	if (sqlite3_column_type(stmt, column) == SQLITE_INTEGER) {
		*out = (struct shard_list){.one = sqlite3_column_int64(stmt, column), .count = 1};
		return 0;
	}
	n = sqlite3_column_bytes(stmt, column);
	if (sqlite3_column_type(stmt, column) != SQLITE_BLOB || n == 0 || n % 8 != 0)
		return -1;
	*out = (struct shard_list){.many = sqlite3_column_blob(stmt, column), .count = n / 8};
	return 0;
}

int64_t shard_list_at(const struct shard_list *l, int n)
{
	return l->many == NULL ? l->one : (int64_t)buf_get64(l->many + 8 * (size_t)n);
}
