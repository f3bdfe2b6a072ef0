/* The rows of a journal file, read page by page without SQLite: what is left of a file that SQLite
 * no longer opens. Other pages may be garbage or missing, the file's header among them; the log
 * ("<path>-wal") may be torn or gone. Nothing is ever written to either file.
 *
 * A page counts as it was last committed: pages of the log that belong to a transaction whose end
 * was written stand in front of those of the file. A row is recognised by its shape (WIRE.md
 * section 4) and no more: whether a pack is one only its seal can say, and rows of pages that were
 * in use before may come up, so the same row may come twice.
 */
#ifndef LANEWAY_STORE_JOURNAL_RAW_H
#define LANEWAY_STORE_JOURNAL_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_RAW_COLUMNS 16 /* the widest table, and what later formats may add to it */

enum journal_raw_kind {
	JOURNAL_RAW_PACK,  /* rowid: id */
	JOURNAL_RAW_EPOCH, /* rowid: ordinal */
	JOURNAL_RAW_KEY,   /* visit_key */
	JOURNAL_RAW_URGENT,
	JOURNAL_RAW_AWAITED,
	JOURNAL_RAW_HOLE,
	JOURNAL_RAW_META,
	JOURNAL_RAW_KINDS,
};

struct journal_raw_value {
	char type; /* 'n' null, 'i' integer, 't' text (no NUL behind it), 'b' blob */
	int64_t i;
	const uint8_t *p;
	size_t n;
};

/* The columns in the order of WIRE.md; those behind the last stored one are null. Values live until
 * the next row is read. */
struct journal_raw_row {
	enum journal_raw_kind kind;
	uint64_t place; /* for journal_raw_at */
	int64_t rowid;
	struct journal_raw_value v[JOURNAL_RAW_COLUMNS];
};

struct journal_raw_count {
	uint64_t pages;      /* of the file */
	uint64_t frames;     /* of the log that count */
	uint64_t bad_frames; /* of the log: damaged, of no finished transaction, only room */
	uint64_t bad_pages;  /* could not be read from the disk */
};

struct journal_raw;

/* 0, or -1 with a sentence in err. */
int journal_raw_open(struct journal_raw **out, const char *path, char *err, size_t err_size);
/* Over memory that the caller keeps; log may be NULL. NULL: out of memory. */
struct journal_raw *journal_raw_over(const void *file, size_t file_len, const void *log,
                                     size_t log_len);
void journal_raw_free(struct journal_raw *r);

/* Every row of the kinds in the set (1 << kind) until fn returns false; fn calls nothing of this
 * reader. true: all were told. */
typedef bool journal_raw_fn(void *ctx, const struct journal_raw_row *row);
bool journal_raw_scan(struct journal_raw *r, unsigned kinds, journal_raw_fn *fn, void *ctx);

/* A row that a scan told, again. 0, or -1: it cannot be read any more. */
int journal_raw_at(struct journal_raw *r, uint64_t place, struct journal_raw_row *out);

void journal_raw_counts(const struct journal_raw *r, struct journal_raw_count *out);

#endif
