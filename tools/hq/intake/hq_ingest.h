/* Batches from stores into hq.db: any order, each seq once, everything else kept raw.
 *
 * A round is one transaction over several batches: begin, any number of ups, commit; only when
 * commit has returned 0 are confirmations made, from what is then on disk. What holds:
 *
 *   I1  A seq is held once, with the leaf that came first. The same leaf again is a duplicate;
 * another leaf is a fork, kept raw and never confirmed. I2  No seq is confirmed before the
 * transaction that holds it has been synced. I3  Lines are never changed; the leaf is of the bytes
 * as received. I4  Nothing a store sends is thrown away unseen: forks, quarantined lines and (the
 * newest of) unreadable payloads stay with their reason.
 */
#ifndef LANEWAY_HQ_INGEST_H
#define LANEWAY_HQ_INGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "sync/confirm.h"

struct hq_ingest;

struct hq_ingest *hq_ingest_new(struct hq_db *db, const struct hq_keys *keys,
                                const struct clock *clock);
void hq_ingest_free(struct hq_ingest *in);

int hq_ingest_begin(struct hq_ingest *in);
/* One payload from `laneway/1/<store>/up`; store is a checked name. */
void hq_ingest_up(struct hq_ingest *in, const char *store, const uint8_t *payload, size_t len);
/* One payload from `.../ask` that hq_held_is: the answer is a confirmation of this round. */
void hq_ingest_held(struct hq_ingest *in, const char *store, const void *payload, size_t len);
/* 0; -1: nothing of the round is held and nothing is to be confirmed (the stores send it again). */
int hq_ingest_commit(struct hq_ingest *in);

/* What confirmations tell from now on that a store may have on its way; 0 at first. */
void hq_ingest_credit(struct hq_ingest *in, uint64_t bytes);

/* After a commit: one call per confirmation to send; then the round is forgotten. */
typedef void hq_ingest_confirm_fn(void *ctx, const char *store, const struct confirm *confirm);
void hq_ingest_confirm(struct hq_ingest *in, hq_ingest_confirm_fn *fn, void *ctx);

#endif
