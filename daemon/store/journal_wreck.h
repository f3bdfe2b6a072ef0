/* A journal that was set aside, or came in on a rescued card: which of its packs can still be read,
 * epoch by epoch, and what is missing between them. It needs the epochs' keys, from the device's
 * vault or from HQ's private key; it changes nothing.
 *
 * A pack counts when its seal opens and the chain through its lines leads to the h beside it. Where
 * packs in front of it are missing, the chain goes on from what the pack itself says stood there;
 * one that does not say (format 1) counts only behind its predecessor.
 *
 * One thread at a time.
 */
#ifndef LANEWAY_STORE_JOURNAL_WRECK_H
#define LANEWAY_STORE_JOURNAL_WRECK_H

#include "base/buf.h"
#include "store/journal.h"
#include "store/journal_raw.h"
#include "store/pack.h"

#define JOURNAL_WRECK_BOX_BYTES (VAULT_KEY_BYTES + VAULT_BOX_OVERHEAD)
#define JOURNAL_WRECK_HOLES_MAX 31 /* of an epoch: a confirmation has room for the runs between */

struct journal_wreck;

struct journal_wreck_params {
	const char *path, *store;
	/* The key of an epoch; box: that key sealed to HQ, NULL if it was not found. false: none.
	 */
	bool (*key)(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], const uint8_t *box,
	            uint8_t key[VAULT_KEY_BYTES]);
	/* Asked now and then; false ends the reading with -1. NULL: never. */
	bool (*go_on)(void *ctx);
	void *ctx;
};

struct journal_wreck_epoch {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	int64_t ordinal; /* in that file */
	bool row;        /* its row could be read, and with it what follows */
	int64_t opened_us;
	uint64_t confirmed;
	struct journal_range ranges[32];
	uint32_t range_count;
	uint64_t deleted; /* through here it was deleted in order, before the damage */
	uint8_t deleted_h[EVENT_HASH_BYTES];

	bool has_box, has_key;
	uint8_t box[JOURNAL_WRECK_BOX_BYTES];

	uint64_t packs, events; /* that can be read and stand in a chain */
	uint64_t first, last;   /* their seqs */
	uint64_t left; /* events of packs left out: more holes than JOURNAL_WRECK_HOLES_MAX */
	/* Seqs that are missing: in front of first, between, and behind last, as far as the next
	 * epoch says where this one ended. */
	struct journal_range missing[JOURNAL_WRECK_HOLES_MAX + 2];
	uint32_t missing_count;
};

struct journal_wreck_count {
	struct journal_raw_count raw;
	uint64_t unopened;  /* rows with the shape of a pack whose seal or chain is wrong */
	uint64_t unchained; /* packs of which nobody knows what stood in front */
};

/* Read the file through. 0, or -1 with a sentence in err (not readable at all, out of memory, or
 * stopped). */
int journal_wreck_open(struct journal_wreck **out, const struct journal_wreck_params *params,
                       char *err, size_t err_size);
void journal_wreck_free(struct journal_wreck *w);

/* Epochs in the order in which they were opened. */
size_t journal_wreck_epochs(const struct journal_wreck *w);
const struct journal_wreck_epoch *journal_wreck_epoch(const struct journal_wreck *w, size_t i);
void journal_wreck_counts(const struct journal_wreck *w, struct journal_wreck_count *out);

/* The n-th pack of the i-th epoch: its row as it stands in the file (values live until the next
 * call), the chain in front of it, and its lines when `lines` is not NULL. 0, or -1. */
struct journal_wreck_pack {
	struct journal_raw_row row;
	struct pack_head head;
	uint8_t h_prev[EVENT_HASH_BYTES], h_last[EVENT_HASH_BYTES];
};
int journal_wreck_pack(struct journal_wreck *w, size_t i, uint64_t n,
                       struct journal_wreck_pack *out, struct buf *lines);

/* Other rows of the file, each as often as it is found. */
bool journal_wreck_rows(struct journal_wreck *w, unsigned kinds, journal_raw_fn *fn, void *ctx);

#endif
