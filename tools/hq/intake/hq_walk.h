/* Walking through what HQ holds of a statement's ranges, and recomputing all of it from the stored
 * bytes: leaf by leaf, the chain up to the signed h, counts, keys. `prove` and the countersigner
 * both use it; it only reads, through any connection.
 */
#ifndef LANEWAY_HQ_WALK_H
#define LANEWAY_HQ_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "hq/base/hq_keys.h"
#include "hq/base/hq_line.h"
#include "store/statement.h"

#define HQ_WALK_STEP_LINES 1000 /* of one step: some 20 ms, so that HQ's loop serves others */
#define HQ_WALK_SPANS_MAX 1000  /* of each list; what is over it is only counted */

struct sqlite3;
struct hq_walk;

/* Seqs from to to of an epoch, and why they are named. */
struct hq_span {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t from, to;
	char why[33];
};
struct hq_spans {
	struct buf list; /* struct hq_span each */
	uint64_t seqs;   /* of all, also of those that are not in the list */
};

struct hq_walk_result {
	struct statement_counts counts, training; /* by HQ's own reading of the lines */
	uint64_t held;                            /* lines of the ranges that are here, whole */
	struct hq_spans lost;                     /* not here, and no longer at the store */
	struct hq_spans missing;        /* not here, still at the store as far as HQ knows */
	struct hq_spans quarantined;    /* here, but not understood */
	struct hq_spans forked;         /* a second history of these seqs is kept too */
	struct hq_spans faults;         /* not what the store journaled:
	                                 *   leaf     the line's bytes are not those of its leaf
	                                 *   chain    the lines do not lead to the h that is signed
	                                 *   place    the line says that it is another event
	                                 *   twice    two rows hold this seq
	                                 *   key      a sealed field cannot be opened with its key
	                                 *   no_key   its key is not here and was not destroyed
	                                 *   erased   a key that was destroyed is here */
	uint64_t sealed;                /* lines that name a person */
	uint64_t erased;                /* visit keys among them that were destroyed */
	struct buf erased_ids, key_ids; /* 16 bytes each, sorted, each once */
};

struct hq_walk_params {
	struct sqlite3 *db;
	const struct hq_keys *keys;
	const char *store;
	int64_t store_row;
	const struct statement *statement;
	/* each line that could be read; may be NULL */
	void (*line)(void *ctx, int64_t epoch_row, uint64_t seq, const struct hq_line *line);
	void *ctx;
};

struct hq_walk *hq_walk_new(const struct hq_walk_params *params); /* NULL: out of memory */
void hq_walk_free(struct hq_walk *w);
/* 1: there is more; 0: the result is whole; -1: database error (logged) or out of memory. */
int hq_walk_step(struct hq_walk *w);
const struct hq_walk_result *hq_walk_result(const struct hq_walk *w);

/* Seqs of the statement that HQ does not hold, by its runs alone: quick. -1: database error. */
int64_t hq_walk_missing(struct sqlite3 *db, int64_t store_row, const struct statement *s);

#endif
