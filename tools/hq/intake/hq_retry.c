#include "hq/intake/hq_retry.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hq/base/hq_line.h"
#include "hq/intake/hq_epoch.h"
#include "sync/batch.h"

#define HQ_RETRY_ROWS_MAX 200 /* of one transaction: a short pause for the running HQ */

struct row {
	int64_t epoch_row, seq;
	char store[EVENT_STORE_SIZE], reason[33];
	uint8_t epoch[EVENT_EPOCH_BYTES], leaf[EVENT_HASH_BYTES];
	uint8_t h_prev[EVENT_HASH_BYTES], h_last[EVENT_HASH_BYTES];
	bool has_h;
	struct buf line;
};

struct retry {
	struct hq_db *db;
	const struct hq_keys *keys;
	struct vault_work *work;
	struct batch_codec *codec;
	struct hq_retry *out;
};

static bool fetch(struct retry *r, const char *store, const struct row *after, struct row *row)
{
	struct sqlite3_stmt *q =
	    hq_db_query(r->db, HQ_SQL_QUARANTINE_NEXT, "iit", after->epoch_row, after->seq, store);
	const void *epoch, *leaf, *h_prev, *h_last;

	if (!hq_db_row(r->db, q))
		return false;
	row->epoch_row = sqlite3_column_int64(q, 0);
	row->seq = sqlite3_column_int64(q, 1);
	text_copy(row->store, sizeof row->store, hq_db_text(q, 2));
	text_copy(row->reason, sizeof row->reason, hq_db_text(q, 4));
	epoch = hq_db_bytes(q, 3, EVENT_EPOCH_BYTES);
	leaf = hq_db_bytes(q, 5, EVENT_HASH_BYTES);
	h_prev = hq_db_bytes(q, 7, EVENT_HASH_BYTES);
	h_last = hq_db_bytes(q, 8, EVENT_HASH_BYTES);
	if (epoch)
		memcpy(row->epoch, epoch, sizeof row->epoch);
	if (leaf)
		memcpy(row->leaf, leaf, sizeof row->leaf);
	row->has_h = h_prev && h_last;
	if (row->has_h) {
		memcpy(row->h_prev, h_prev, sizeof row->h_prev);
		memcpy(row->h_last, h_last, sizeof row->h_last);
	}
	buf_reset(&row->line);
	buf_add(&row->line, sqlite3_column_blob(q, 6), (size_t)sqlite3_column_bytes(q, 6));
	hq_db_end(q);
	return epoch && leaf && !row->line.failed;
}

static void take_keys(struct retry *r, const struct batch *b)
{
	uint8_t wrapped[VAULT_WRAP_BYTES];

	for (uint32_t i = 0; i < b->key_count; i++) {
		const uint8_t *id = b->keys + (size_t)i * (EVENT_ID_BYTES + VAULT_KEY_BYTES);
		if (hq_keys_wrap(r->keys, r->work, id, id + EVENT_ID_BYTES, wrapped) == 0)
			hq_db_run(r->db, HQ_SQL_KEY_ADD, "bb", id, (size_t)EVENT_ID_BYTES, wrapped,
			          sizeof wrapped);
	}
}

/* A payload becomes the line that it carries, when that stands where its store said. */
static bool open_payload(struct retry *r, struct row *row)
{
	struct batch b;
	char err[200];
	uint8_t leaf[EVENT_HASH_BYTES];

	if (!row->has_h ||
	    batch_decode(r->codec, row->line.data, row->line.len, row->store, hq_keys_box(r->keys),
	                 &b, err, sizeof err) != 0 ||
	    b.count != 1 || (int64_t)b.first != row->seq ||
	    memcmp(b.epoch, row->epoch, sizeof row->epoch) != 0 ||
	    memcmp(b.h_prev, row->h_prev, EVENT_HASH_BYTES) != 0 ||
	    memcmp(b.h_last, row->h_last, EVENT_HASH_BYTES) != 0 ||
	    batch_verify(r->work, &b, leaf) != 0)
		return false;
	take_keys(r, &b);
	memcpy(row->leaf, leaf, sizeof row->leaf);
	buf_reset(&row->line);
	buf_add(&row->line, b.lines, b.lines_len - 1);
	return !row->line.failed;
}

static void accept(struct retry *r, const struct row *row, const struct hq_line *line)
{
	struct hq_line_opened opened;

	hq_db_run(r->db, HQ_SQL_QUARANTINE_DROP, "ii", row->epoch_row, row->seq);
	hq_db_run(r->db, HQ_SQL_EVENT_ADD, "iibb", row->epoch_row, row->seq, row->leaf,
	          sizeof row->leaf, row->line.data, row->line.len);
	hq_db_run(r->db, HQ_SQL_EPOCH_INCLUDED_BELOW, "ii", row->epoch_row, row->seq);
	if (row->seq == 1 && hq_line_epoch_opened(line, &opened)) {
		hq_epoch_opened(r->db, row->epoch_row, &opened);
		hq_epoch_check(r->db, row->store, row->epoch_row, clock_wall_us(clock_system()));
	}
	log_info("store %s: seq %" PRId64 " can be read now and leaves the quarantine", row->store,
	         row->seq);
	r->out->read++;
}

static void try_row(struct retry *r, struct row *row)
{
	struct hq_line_at at = {.store = row->store, .seq = (uint64_t)row->seq};
	struct hq_line line;

	r->out->tried++;
	if (strcmp(row->reason, "unreadable") == 0 && !open_payload(r, row))
		return;
	memcpy(at.epoch, row->epoch, sizeof at.epoch);
	if (hq_line_read(&at, (const char *)row->line.data, row->line.len, &line) != NULL)
		return;
	accept(r, row, &line);
	hq_line_free(&line);
}

int hq_retry_run(struct hq_db *db, const struct hq_keys *keys, const char *store,
                 struct hq_retry *out)
{
	struct retry r = {db, keys, vault_work_new(), batch_codec_new(), out};
	struct row row = {0};
	bool more = true;
	int rc = r.work && r.codec ? 0 : -1;

	*out = (struct hq_retry){0};
	/* What was read and counted for nothing is folded again by the next step. */
	if (rc == 0 && hq_db_begin(db) == 0) {
		int n = hq_db_run(db, HQ_SQL_UNCOUNTED_RETRY, "t", store);
		out->again = n > 0 ? (uint64_t)n : 0;
		rc = hq_db_commit(db);
	}
	while (rc == 0 && more) {
		rc = hq_db_begin(db);
		for (int i = 0; rc == 0 && more && i < HQ_RETRY_ROWS_MAX; i++) {
			more = fetch(&r, store, &row, &row);
			if (more)
				try_row(&r, &row);
		}
		rc = rc == 0 ? hq_db_commit(db) : rc;
	}
	buf_free(&row.line);
	batch_codec_free(r.codec);
	vault_work_free(r.work);
	return rc;
}
