/* The confirmation's header as a struct: read by the store, written by HQ. JSON in WIRE.md. */
#ifndef LANEWAY_SYNC_CONFIRM_H
#define LANEWAY_SYNC_CONFIRM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"

#define CONFIRM_EPOCHS_MAX 32
#define CONFIRM_RANGES_MAX 32
#define CONFIRM_SEQS_MAX 64

struct confirm_seq {
	uint64_t seq;
	char reason[33];
};
struct confirm_epoch {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t through;
	struct {
		uint64_t first, last;
	} ranges[CONFIRM_RANGES_MAX];
	int range_count;
	struct confirm_seq quarantined[CONFIRM_SEQS_MAX], forked[CONFIRM_SEQS_MAX];
	int quarantined_count, forked_count;
};
struct confirm {
	char generation[17];
	uint64_t credit; /* bytes the store may have outstanding */
	struct confirm_epoch epochs[CONFIRM_EPOCHS_MAX];
	int epoch_count;
	uint8_t unreadable[8][EVENT_HASH_BYTES]; /* SHA-256 of payloads that could not be read */
	int unreadable_count;
};

/* 0, or -1 with a sentence in err. Unknown members are skipped. */
int confirm_parse(const char *json, size_t len, struct confirm *out, char *err, size_t err_size);
/* Reasons must match [a-z0-9_]{1,32}: they are written as they are. 0, or -1 out of memory. */
int confirm_write(const struct confirm *c, struct buf *out);

#endif
