/* What a fold changes, seen by the database itself: what was so far is written down by triggers, in
 * tables of this connection only. Begin it in front of a transaction, read it within, and end it
 * behind; a transaction that is rolled back leaves nothing in it. */
#ifndef LANEWAY_HQ_WATCH_H
#define LANEWAY_HQ_WATCH_H

#include <stdint.h>

#include "hq/base/hq_db.h"

struct json_t;

/* 0, or -1: hq.db could not be written (logged). */
int hq_watch_begin(struct hq_db *db);
void hq_watch_end(struct hq_db *db);

/* Records that are part of another customer now, at most `max`: [{"customer_id","was","is"}]. NULL:
 * it could not be read. */
struct json_t *hq_watch_changes(struct hq_db *db, int max);
/* How many claims hold no longer, or hold again. */
int64_t hq_watch_claims(struct hq_db *db);

/* All of it in figures, each {"count":N,"first":["C000001",...]} with the first customers whom it
 * is about. Persons: "joined", "parted", "moved" (to another one); identifiers: "blocked",
 * "unblocked", "shared", "unshared", "claims" (that hold no longer, or again); "listed",
 * "unlisted": entries of the steward's list; "lines": of pages. NULL: it could not be read. */
struct json_t *hq_watch_figures(struct hq_db *db);
/* Add what `more` says to `sum` (which is empty at first). Both stay the caller's. */
void hq_watch_add(struct json_t *sum, const struct json_t *more);

#endif
