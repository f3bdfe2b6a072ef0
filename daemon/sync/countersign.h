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

#include "store/ledger.h"
#include "sync/downlink.h"

struct countersign;

/* The params are the downlink's (shard is not used); both are pointed to from then on. NULL: no
 * ledger, or out of memory (then HQ is not asked in this run). Every other function does nothing
 * when its first argument is NULL. */
struct countersign *countersign_new(const struct downlink_params *params, struct ledger *ledger);
void countersign_free(struct countersign *c);

void countersign_up(struct countersign *c);
void countersign_down(struct countersign *c);
/* HQ's database is another one: ask at once, and soon again until it has caught up. */
void countersign_again(struct countersign *c);

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
