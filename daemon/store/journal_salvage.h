/* What journal_salvage.c (the second thread) hands to journal_salvage_put.c (the journal's). Not
 * for others. */
#ifndef LANEWAY_STORE_JOURNAL_SALVAGE_H
#define LANEWAY_STORE_JOURNAL_SALVAGE_H

#include "store/journal_internal.h"
#include "store/journal_wreck.h"

#define SALVAGE_NAME_SIZE 128
#define SALVAGE_ROWS 64             /* in one transaction: it keeps no scan waiting */
#define SALVAGE_BYTES (512u * 1024) /* same */

struct salvage_blob {
	size_t at, n; /* in the chunk's bytes */
};

/* A pack: i first, count, wall_us; blob h, keys, ids, body, link. Others: as in the table. */
struct salvage_row {
	enum journal_raw_kind kind;
	int64_t i[3];
	struct salvage_blob blob[5];
};

struct salvage_chunk {
	struct salvage_row rows[SALVAGE_ROWS];
	size_t count;
	struct buf bytes;
};

struct salvage {
	struct journal *j;
	const char *file;
	struct journal_wreck *w;
	struct vault_work *work;
	struct salvage_chunk chunk;
	const struct journal_wreck_epoch *epoch; /* whose packs the chunk holds */
	int64_t ordinal;                         /* here; 0: not known yet */
	bool skip;                               /* this epoch is not one that came from a file */
	uint64_t deleted; /* through here they have been here before, confirmed and gone */
	int64_t newer, newer_there; /* the epoch before it (they come newest first): its place
	                               here and in the file; 0: not known */
	bool waited;
	uint64_t events, packs, lost_packs;
	uint64_t new_events, new_packs; /* of the chunk that is being put */
	struct buf result;
};

/* Each in a transaction of the journal's thread. 0, or -1: the disk is full. */
int journal_salvage_put_packs(struct journal *j, void *ctx);
int journal_salvage_put_small(struct journal *j, void *ctx);
int journal_salvage_put_result(struct journal *j, void *ctx);
/* After the commit of packs; of a result. */
void journal_salvage_count(struct journal *j, void *ctx);
void journal_salvage_told(struct journal *j, void *ctx);

#endif
