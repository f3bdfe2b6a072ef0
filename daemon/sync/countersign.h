/* Asks HQ for its word on this device's statements and keeps it in the ledger.
 *
 * Sync thread only. Asked at each new connection, soon and again while a statement waits, and every
 * quarter of an hour: a version may be followed by another one.
 */
#ifndef LANEWAY_SYNC_COUNTERSIGN_H
#define LANEWAY_SYNC_COUNTERSIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "store/ledger.h"
#include "store/vault.h"
#include "sync/batch.h"

struct countersign;

struct countersign_params {
	const char *store, *device;
	const struct vault *vault;
	const struct clock *clock;
	struct counters *counters;
	struct ledger *ledger;
	struct batch_codec *codec;
	/* Publish on `ask`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	void *ctx;
};

struct countersign *countersign_new(const struct countersign_params *params); /* NULL: no memory */
void countersign_free(struct countersign *c);

void countersign_up(struct countersign *c);
void countersign_down(struct countersign *c);

/* The newest statement that this device has journaled. */
void countersign_expect(struct countersign *c, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to);

/* A tell of statements for this device. 0; -1 with a sentence in err. */
int countersign_tell(struct countersign *c, const struct frame *frame, char *err, size_t err_size);

/* Ask if it is time. The mono time at which it wants to be called again (INT64_MAX: when
 * connected). */
int64_t countersign_step(struct countersign *c);

/* One line of a page: e is filled; *doc, *doc_len: the version's bytes within the line, NULL when
 * it has none. 0, or -1 with a sentence in err: it is no line of ours, or its signature is not
 * HQ's. Pure. */
int countersign_line(const char *line, size_t len, const char *store, const uint8_t hq_pub[32],
                     struct ledger_entry *e, const char **doc, size_t *doc_len, char *err,
                     size_t err_size);

#endif
