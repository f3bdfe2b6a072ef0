/* A line of a page, read and sealed, into the tables. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/shard_internal.h"

static int fault(const struct shard *s, char *err, size_t err_size)
{
	snprintf(err, err_size, "shard: %s",
	         s->torn ? "a profile cannot be opened" : sqlite3_errmsg(s->db));
	return -1;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, VAULT_BLIND_BYTES) == 0;
}

/* The head of a profile into s->old. Its length, 0: there is no such profile, or -1. */
static ssize_t load_head(struct shard *s, int64_t profile)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_PROFILE_GET];
	ssize_t n = 0;
	int rc;

	sqlite3_bind_int64(stmt, 1, profile);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		n = shard_row_head(s->keys, s->work, sqlite3_column_blob(stmt, 0),
		                   (size_t)sqlite3_column_bytes(stmt, 0), s->old);
		s->torn = n < 0;
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? n : -1;
}

/* Is this the profile of that customer? 1 with its head in s->old, 0 or -1. */
static int is_profile(struct shard *s, int64_t profile, const char *customer_id)
{
	struct profile found;

	s->old_len = load_head(s, profile);
	if (s->old_len <= 0)
		return (int)s->old_len;
	s->torn = shard_head_read(&found, s->old, (size_t)s->old_len) != 0;
	if (s->torn)
		return -1;
	return strcmp(found.customer_id, customer_id) == 0;
}

static int64_t find_waiting(struct shard *s, int64_t key, const char *customer_id)
{
	size_t at = 0;
	int64_t p;
	bool has;

	while ((p = shard_pending_next(s->pending, key, &at, &has)) != 0) {
		int rc = has ? is_profile(s, p, customer_id) : 0;

		if (rc != 0)
			return rc < 0 ? -1 : p;
	}
	return 0;
}

static int64_t find_written(struct shard *s, int64_t key, const char *customer_id)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_IDENT_GET];
	struct shard_list list = {0};
	int64_t found = 0;
	int rc;

	sqlite3_bind_int64(stmt, 1, key);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		s->torn = shard_list_get(&list, sqlite3_column_blob(stmt, 1),
		                         (size_t)sqlite3_column_bytes(stmt, 1), key) != 0;
	for (int i = 0; i < list.count && found == 0; i++) {
		int64_t p = shard_list_at(&list, i);
		int is = is_profile(s, p, customer_id);

		found = is > 0 ? p : is;
	}
	sqlite3_reset(stmt);
	return s->torn || (rc != SQLITE_ROW && rc != SQLITE_DONE) ? -1 : found;
}

/* The number of the line's customer, with the head in s->old; 0: new here, or -1. */
static int64_t find_profile(struct shard *s, const struct shard_made *made)
{
	int64_t p;

	if (s->met != NULL && !shard_met_add(s->met, made->who))
		return 0;
	p = find_waiting(s, made->who, made->customer_id);
	return p != 0 ? p : find_written(s, made->who, made->customer_id);
}

/* Identifiers that the profile had and the line has not, or the other way round. */
static int change_idents(struct shard *s, int64_t profile,
                         const uint8_t (*blinds)[VAULT_BLIND_BYTES], int count)
{
	const uint8_t *had;
	int rc = 0;

	for (int i = 0; (had = shard_head_ident(s->old, (size_t)s->old_len, i)) != NULL; i++) {
		bool kept = false;

		for (int k = 0; k < count && !kept; k++)
			kept = same(had, blinds[k]);
		if (!kept)
			rc |= shard_pending_set(s->pending, shard_ident_key(had), profile, false);
	}
	for (int k = 0; k < count; k++) {
		bool known = false;

		for (int i = 0; !known; i++) {
			had = shard_head_ident(s->old, (size_t)s->old_len, i);
			if (had == NULL)
				break;
			known = same(had, blinds[k]);
		}
		if (!known)
			rc |= shard_pending_set(s->pending, shard_ident_key(blinds[k]), profile,
			                        true);
	}
	return rc;
}

static int put_profile(struct shard *s, int64_t profile, bool known, const struct shard_row *row)
{
	sqlite3_stmt *stmt = s->stmt[known ? SHARD_PROFILE_SET : SHARD_PROFILE_ADD];

	sqlite3_bind_int64(stmt, 1, profile);
	sqlite3_bind_blob(stmt, 2, row->head, (int)row->head_n, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, row->json, (int)row->json_n, SQLITE_STATIC);
	return shard_run(stmt);
}

static int remove_profile(struct shard *s, int64_t profile, int64_t who)
{
	s->erased = true;
	s->count--;
	sqlite3_bind_int64(s->stmt[SHARD_PROFILE_DROP], 1, profile);
	return change_idents(s, profile, NULL, 0) |
	       shard_pending_set(s->pending, who, profile, false) |
	       shard_run(s->stmt[SHARD_PROFILE_DROP]);
}

static int set_profile(struct shard *s, int64_t profile, const struct shard_made *made)
{
	bool known = profile > 0;

	if (!known) {
		s->torn = s->last_profile == UINT32_MAX; /* made anew, it numbers from 1 again */
		if (s->torn)
			return -1;
		profile = ++s->last_profile;
		s->count++;
		s->old_len = 0;
		if (shard_pending_set(s->pending, made->who, profile, true) != 0)
			return -1;
	}
	return change_idents(s, profile, made->blinds, made->ident_count) |
	       put_profile(s, profile, known, &made->row);
}

int shard_put_made(struct shard *s, const struct shard_made *made, char *err, size_t err_size)
{
	int64_t profile;
	int rc = 0;

	if (made->failed) {
		snprintf(err, err_size, "%s", made->fault);
		return -1;
	}
	profile = find_profile(s, made);
	if (profile < 0)
		return fault(s, err, err_size);
	if (!made->deleted)
		rc = set_profile(s, profile, made);
	else if (profile > 0)
		rc = remove_profile(s, profile, made->who);
	return rc == 0 ? 0 : fault(s, err, err_size);
}
