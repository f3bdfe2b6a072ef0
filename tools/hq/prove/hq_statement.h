/* A statement as HQ keeps it: the store's `Day Closed` read back from its line, HQ's findings, and
 * the countersigned versions (WIRE.md section 16). Reads through any connection.
 */
#ifndef LANEWAY_HQ_STATEMENT_H
#define LANEWAY_HQ_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/intake/hq_till.h"
#include "hq/intake/hq_walk.h"
#include "store/statement.h"

struct sqlite3;
struct json_t;

/* One statement and where its event stands. */
struct hq_statement {
	int64_t id, store_row, epoch_row;
	uint64_t seq;
	char store[EVENT_STORE_SIZE];
	uint8_t epoch[EVENT_EPOCH_BYTES], leaf[EVENT_HASH_BYTES];
	bool signed_by_device; /* the signature is the device's */
	char fault[200];       /* why not, or why the line is none; else empty */
	struct statement s;
};

/* Read the line of (epoch_row, seq), check its leaf and the signature. A fault stays in the result,
 * also that there is no such event. -1: the database cannot be read (logged). */
int hq_statement_read(struct sqlite3 *db, struct hq_keys *keys, struct hq_statement *out);

/* What HQ found, as the object that a version carries. tills: from hq_tills_compare. */
struct json_t *hq_statement_findings(const struct hq_statement *st, const struct hq_walk_result *r,
                                     const struct json_t *tills);

/* "complete", "incomplete", "disputed": what the findings make of it. */
const char *hq_statement_state(const struct hq_statement *st, const struct hq_walk_result *r);
/* The store counted what HQ counts; lines in quarantine may be of any kind. */
bool hq_statement_counts_agree(const struct hq_statement *st, const struct hq_walk_result *r);

/* Sign a version: adds the member `signature`. 0 or -1. */
int hq_statement_sign(struct json_t *doc, const char *store, const uint8_t priv[32]);

/* Append the versions after `since` of a device's statements, one a line, and behind the last of
 * them what is not countersigned. The number up to which it goes; *more: another page follows. */
struct hq_statement_ask {
	const char *store, *device;
	uint64_t since;
};
uint64_t hq_statement_page(struct hq_db *db, const struct hq_statement_ask *ask, struct buf *out,
                           bool *more);

#endif
