/* A rescued card: what stands in its journal.db, what of that HQ does not hold yet, and how that
 * comes in: as batches, through the same door as a store's own. Reads the file only (WIRE.md
 * section 4), page by page, so that it may be damaged; its log ("FILE-wal") belongs beside it.
 */
#ifndef LANEWAY_HQ_SALVAGE_H
#define LANEWAY_HQ_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_keys.h"

struct hq_salvage;
struct json_t;
struct sqlite3;

/* store: NULL takes the one that the file names. 0, or -1 with a sentence in err. */
int hq_salvage_open(struct hq_salvage **out, const char *path, const char *store,
                    const struct hq_keys *keys, char *err, size_t err_size);
void hq_salvage_free(struct hq_salvage *s);

/* What is there, by epoch, beside what hq.db holds of it (db NULL: not looked at); NULL: out of
 * memory. A new object:
 *
 *   {"file","store","device","packs_bad","keys":{"open","device_only"},
 *    "epochs":[{"epoch","events","first","last","missing":[[a,b]..],"held","new","readable"}]}
 */
struct json_t *hq_salvage_report(struct hq_salvage *s, struct sqlite3 *db);
void hq_salvage_print(const struct json_t *report);

/* Every batch that holds something new to db (NULL: every one), as a payload for
 * hq_ingest_up. 0; -1: send said so, or with err. */
typedef int hq_salvage_send_fn(void *ctx, const char *store, const uint8_t *payload, size_t len);
struct hq_salvage_sink {
	hq_salvage_send_fn *send;
	void *ctx;
	struct sqlite3 *db;
	const uint8_t *hq_box_pub;
};
int hq_salvage_send(struct hq_salvage *s, const struct hq_salvage_sink *sink, char *err,
                    size_t err_size);

#endif
