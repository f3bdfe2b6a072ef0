/* The identifiers' table. An entry of its own for each would be found no faster, but would have to
 * be inserted, and a first fill has some four million: so a row holds some dozens, and what a
 * commit changes is merged into the rows it falls into, in the order of their keys. */
#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"
#include "store/shard_internal.h"

/* More are divided into rows of about ROW_ENTRIES. A lookup copies one row out of the file, a
 * commit writes each that it changes. */
#define ROW_ENTRIES_MAX 96
#define ROW_ENTRIES 64

/* A row: entries from `low` on. */
struct range {
	bool there;
	int64_t low;
	struct buf entries;
};

struct merge {
	struct shard *s;
	struct range at, next; /* that after it */
	struct buf out;
};

static size_t count_of(const struct buf *entries)
{
	return entries->len / SHARD_ENTRY_BYTES;
}

static int64_t key_at(const struct buf *entries, size_t n)
{
	return (int64_t)buf_get64(entries->data + n * SHARD_ENTRY_BYTES);
}

static uint32_t profile_at(const struct buf *entries, size_t n)
{
	return buf_get32(entries->data + n * SHARD_ENTRY_BYTES + 8);
}

/* 0 with the row that the statement finds, or none; or -1. */
static int load(struct shard *s, enum shard_statement which, int64_t key, struct range *out)
{
	sqlite3_stmt *stmt = s->stmt[which];
	int rc;

	buf_reset(&out->entries);
	out->low = 0;
	sqlite3_bind_int64(stmt, 1, key);
	rc = sqlite3_step(stmt);
	out->there = rc == SQLITE_ROW;
	if (out->there) {
		size_t n = (size_t)sqlite3_column_bytes(stmt, 1);

		s->torn = s->torn || n == 0 || n % SHARD_ENTRY_BYTES != 0;
		out->low = sqlite3_column_int64(stmt, 0);
		buf_add(&out->entries, sqlite3_column_blob(stmt, 1), n);
	}
	sqlite3_reset(stmt);
	return s->torn || out->entries.failed || (rc != SQLITE_ROW && rc != SQLITE_DONE) ? -1 : 0;
}

static bool is_behind(const struct merge *m, int64_t key)
{
	return m->next.there && key >= m->next.low;
}

/* To the row that the key falls into; most often that is the next one. */
static int go_to(struct merge *m, int64_t key)
{
	struct range before = m->at;

	m->at = m->next;
	m->next = before;
	if (load(m->s, SHARD_IDENT_NEXT, m->at.low, &m->next) != 0)
		return -1;
	if (m->at.there && m->at.low <= key && !is_behind(m, key))
		return 0;
	return load(m->s, SHARD_IDENT_GET, key, &m->at) != 0
	           ? -1
	           : load(m->s, SHARD_IDENT_NEXT, m->at.low, &m->next);
}

static void put_entry(struct buf *out, int64_t key, uint32_t profile)
{
	uint8_t *at = buf_room(out, SHARD_ENTRY_BYTES);

	if (at == NULL)
		return;
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)((uint64_t)key >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		at[8 + i] = (uint8_t)(profile >> (24 - 8 * i));
	out->len += SHARD_ENTRY_BYTES;
}

/* Negative: the row's nth entry stands before the change, 0: it is the one that is changed. */
static int order(const struct buf *entries, size_t n, const struct shard_change *c)
{
	int64_t key = key_at(entries, n);
	uint32_t profile = profile_at(entries, n);

	if (key != c->key)
		return key < c->key ? -1 : 1;
	return (profile > c->profile) - (profile < c->profile);
}

/* The changes that fall into the row, and what stood there, into m->out. The number of them. */
static size_t merge(struct merge *m, const struct shard_change *c, size_t count)
{
	const struct buf *old = &m->at.entries;
	size_t i = 0, n = 0;

	buf_reset(&m->out);
	for (; n < count && !is_behind(m, c[n].key); n++) {
		size_t first = i;

		while (i < count_of(old) && order(old, i, &c[n]) < 0)
			i++;
		buf_add(&m->out, old->data + first * SHARD_ENTRY_BYTES,
		        (i - first) * SHARD_ENTRY_BYTES);
		i += i < count_of(old) && order(old, i, &c[n]) == 0;
		if (c[n].word == SHARD_HAS)
			put_entry(&m->out, c[n].key, c[n].profile);
	}
	if (i < count_of(old))
		buf_add(&m->out, old->data + i * SHARD_ENTRY_BYTES,
		        (count_of(old) - i) * SHARD_ENTRY_BYTES);
	return n;
}

static int write_row(struct shard *s, enum shard_statement which, int64_t key,
                     struct shard_text entries)
{
	sqlite3_bind_int64(s->stmt[which], 1, key);
	if (which != SHARD_IDENT_DROP)
		sqlite3_bind_blob(s->stmt[which], 2, entries.p, (int)entries.n, SQLITE_STATIC);
	return shard_run(s->stmt[which]);
}

/* Behind the entries of one row that begins at `from`. Entries of one key stay together: a row is
 * found by its first. */
static size_t row_end(const struct buf *entries, size_t from, size_t size)
{
	size_t count = count_of(entries), end = from + size;

	while (end < count && key_at(entries, end) == key_at(entries, end - 1))
		end++;
	return end < count ? end : count;
}

static int write_out(struct merge *m)
{
	size_t count = count_of(&m->out), rows = (count + ROW_ENTRIES - 1) / ROW_ENTRIES, end;
	size_t size = count <= ROW_ENTRIES_MAX ? count : (count + rows - 1) / rows;
	enum shard_statement which = m->at.there ? SHARD_IDENT_SET : SHARD_IDENT_ADD;
	int rc = 0;

	if (m->out.failed)
		return -1;
	if (count == 0)
		return m->at.there ? write_row(m->s, SHARD_IDENT_DROP, m->at.low,
		                               (struct shard_text){NULL, 0})
		                   : 0;
	for (size_t from = 0; from < count && rc == 0; from = end) {
		end = row_end(&m->out, from, size);
		rc = write_row(m->s, from == 0 ? which : SHARD_IDENT_ADD,
		               from == 0 ? m->at.low : key_at(&m->out, from),
		               (struct shard_text){m->out.data + from * SHARD_ENTRY_BYTES,
		                                   (end - from) * SHARD_ENTRY_BYTES});
	}
	return rc;
}

int shard_ident_put(struct shard *s)
{
	size_t count = shard_pending_count(s->pending), n = 0;
	const struct shard_change *c = shard_pending_sort(s->pending);
	struct merge m = {.s = s};
	int rc = 0;

	while (n < count && rc == 0) {
		rc = go_to(&m, c[n].key);
		if (rc == 0) {
			n += merge(&m, c + n, count - n);
			rc = write_out(&m);
		}
	}
	buf_free(&m.at.entries);
	buf_free(&m.next.entries);
	buf_free(&m.out);
	shard_pending_drop(s->pending);
	return rc;
}
