/* A store asks what HQ holds of its epochs (WIRE.md section 10, "held"): the answer is a
 * confirmation of all of them, of each as far as one confirmation carries. The store asks on.
 *
 * It asks when HQ has a new generation, when it has forked events, and when an event alone could
 * not be read. It says up to where it no longer holds an epoch: what HQ lacks of that is lost.
 */
#ifndef LANEWAY_HQ_HELD_H
#define LANEWAY_HQ_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/intake/hq_round.h"

#define HQ_HELD_EPOCHS_MAX CONFIRM_EPOCHS_MAX
#define HQ_HELD_RAW_MAX 8

struct hq_held_ask {
	char device[EVENT_STORE_SIZE];
	struct {
		uint8_t epoch[EVENT_EPOCH_BYTES];
		uint64_t gone; /* 1 to here are no longer at the store, where they were confirmed */
		uint64_t from; /* what is held of this seq and above; 0: of all */
	} epochs[HQ_HELD_EPOCHS_MAX];
	int epoch_count;
	/* Batches of one event that HQ could not read: what the store sent, and of what. */
	struct {
		uint8_t sha256[EVENT_HASH_BYTES], epoch[EVENT_EPOCH_BYTES];
		uint64_t seq;
		uint8_t h_prev[EVENT_HASH_BYTES], h[EVENT_HASH_BYTES];
	} raw[HQ_HELD_RAW_MAX];
	int raw_count;
};

/* Is this payload of `ask` such a question, well-formed or not? */
bool hq_held_is(const void *payload, size_t len);
/* 0, or -1 with a sentence in err. Pure. */
int hq_held_parse(const void *payload, size_t len, struct hq_held_ask *out, char *err,
                  size_t err_size);

/* Within a round's transaction: keep what the store said, take in what is to be kept raw, and put
 * every epoch into the round. 0, or -1: the round is not to be committed. */
struct hq_held {
	struct hq_db *db;
	struct hq_round *round;
	struct vault_work *work;
	const char *store;
	int64_t wall_us;
};
int hq_held_take(const struct hq_held *held, const struct hq_held_ask *ask);

#endif
