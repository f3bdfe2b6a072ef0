/* What still has to be told to the webhook: kept in hq.db until the receiver has answered 2xx. */
#ifndef LANEWAY_HQ_OUTBOX_H
#define LANEWAY_HQ_OUTBOX_H

#include <stdint.h>

#include "hq/base/hq_db.h"

/* Each job has a key and is told once. 1: new; 0: known already; -1: database error. */
int hq_outbox_suppress(struct hq_db *db, const char *customer_id, const char *order_id,
                       int64_t time_us, int64_t now_us);
int hq_outbox_dark(struct hq_db *db, const char *store, int64_t since_us, int64_t now_us);
int hq_outbox_back(struct hq_db *db, const char *store, int64_t since_us, int64_t now_us);

/* The jobs not yet answered, oldest first, from after `id` on; stops when fn returns false. The
 * number handed out. */
typedef bool hq_outbox_fn(void *ctx, int64_t id, const char *body);
int hq_outbox_open(struct hq_db *db, int64_t after, hq_outbox_fn *fn, void *ctx);
/* The receiver has it. Outside a transaction. 0 or -1. */
int hq_outbox_done(struct hq_db *db, int64_t id, int64_t now_us);

/* May this body go to the webhook? NULL, or why not. What is about a store names nobody; what is
 * about a person flows only by consent_forward (identity/consent_object.h), and the webhook names
 * no category that it needs: it gets what stops a message, and nothing else. */
const char *hq_outbox_gate(const char *body);

#endif
