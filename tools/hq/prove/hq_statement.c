#include "hq/prove/hq_statement.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

/* ---- the store's part ---- */

static bool leaf_fits(const void *line, size_t len, const void *leaf, size_t leaf_len)
{
	struct vault_work *work = vault_work_new();
	uint8_t own[EVENT_HASH_BYTES] = {0};

	if (!work)
		return false;
	vault_sha256(work, line, len, own);
	vault_work_free(work);
	return leaf_len == sizeof own && memcmp(own, leaf, sizeof own) == 0;
}

static void check_signature(struct hq_keys *keys, const json_t *properties,
                            struct hq_statement *out)
{
	uint8_t pub[32];
	struct buf bytes = {0};

	if (hq_keys_device_sign(keys, out->store, out->s.device, pub, out->fault,
	                        sizeof out->fault) != 0)
		return;
	snprintf(out->fault, sizeof out->fault, "the signature is not that of device %s",
	         out->s.device);
	if (statement_signed_bytes(out->store, properties, &bytes) == 0)
		out->signed_by_device = vault_verify(pub, bytes.data, bytes.len, out->s.signature);
	if (out->signed_by_device)
		out->fault[0] = '\0';
	buf_free(&bytes);
}

static void read_line(struct hq_keys *keys, const void *line, size_t len, struct hq_statement *out)
{
	struct hq_line_at at = {.store = out->store, .seq = out->seq};
	struct hq_line parsed;

	memcpy(at.epoch, out->epoch, sizeof at.epoch);
	snprintf(out->fault, sizeof out->fault, "its line is not the event that it should be");
	if (hq_line_read(&at, line, len, &parsed) != NULL)
		return;
	if (lw_event_kind_of(parsed.event) == EVENT_DAY_CLOSED &&
	    statement_read(parsed.properties, &out->s, out->fault, sizeof out->fault) == 0)
		check_signature(keys, parsed.properties, out);
	hq_line_free(&parsed);
}

int hq_statement_read(struct sqlite3 *db, struct hq_keys *keys, struct hq_statement *out)
{
	sqlite3_stmt *q = db_prepare(db, "SELECT event.leaf, event.line, epoch.epoch FROM event"
	                                 " JOIN epoch ON epoch.id = event.epoch"
	                                 " WHERE event.epoch = ?1 AND event.seq = ?2");
	bool failed = false;

	out->signed_by_device = false;
	memset(&out->s, 0, sizeof out->s);
	snprintf(out->fault, sizeof out->fault, "the event of the statement is not there");
	sqlite3_bind_int64(q, 1, out->epoch_row);
	sqlite3_bind_int64(q, 2, (int64_t)out->seq);
	if (db_row(q, &failed) && sqlite3_column_bytes(q, 2) == EVENT_EPOCH_BYTES) {
		const void *leaf = sqlite3_column_blob(q, 0), *line = sqlite3_column_blob(q, 1);
		size_t leaf_len = (size_t)sqlite3_column_bytes(q, 0),
		       len = (size_t)sqlite3_column_bytes(q, 1);
		memcpy(out->epoch, sqlite3_column_blob(q, 2), EVENT_EPOCH_BYTES);
		out->fault[0] = '\0';
		if (!line || !leaf_fits(line, len, leaf, leaf_len)) {
			snprintf(out->fault, sizeof out->fault,
			         "the bytes of its line are not those of its leaf");
		} else {
			memcpy(out->leaf, leaf, sizeof out->leaf);
			read_line(keys, line, len, out);
		}
	}
	sqlite3_finalize(q);
	return failed ? -1 : 0;
}

/* ---- HQ's part ---- */

/* Every kind that the store counted is here at least as often as lines of other kinds are not
 * missing; with nothing in quarantine the counts are the same. */
bool hq_statement_counts_agree(const struct hq_statement *st, const struct hq_walk_result *r)
{
	uint64_t stated = st->s.counts.total + st->s.training.total;

	if (r->quarantined.seqs == 0)
		return statement_counts_equal(&st->s.counts, &r->counts) &&
		       statement_counts_equal(&st->s.training, &r->training);
	return stated == r->counts.total + r->training.total + r->quarantined.seqs;
}

const char *hq_statement_state(const struct hq_statement *st, const struct hq_walk_result *r)
{
	if (r->faults.seqs > 0 || !st->signed_by_device)
		return "disputed";
	if (r->missing.seqs > 0 || r->lost.seqs > 0)
		return "incomplete";
	return hq_statement_counts_agree(st, r) ? "complete" : "disputed";
}

static json_t *spans_json(const struct hq_spans *spans)
{
	const struct hq_span *span = (const void *)spans->list.data;
	json_t *list = json_array();
	char epoch[EVENT_EPOCH_SIZE];

	for (size_t n = spans->list.len / sizeof *span; n > 0; n--, span++) {
		text_hex(span->epoch, sizeof span->epoch, epoch);
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:s}", "epoch", epoch, "from",
		                                      (json_int_t)span->from, "to",
		                                      (json_int_t)span->to, "why", span->why));
	}
	return list;
}

static json_t *counts_json(const struct statement_counts *c)
{
	json_t *o = json_object();

	for (int i = 0; i < c->kinds; i++)
		json_object_set_new(o, c->kind[i].event, json_integer((json_int_t)c->kind[i].n));
	return o;
}

/* Which statement a receipt stands in depends on who looks when; it is no finding. */
static json_t *without_late(const json_t *tills)
{
	json_t *copy = json_deep_copy(tills);

	for (size_t i = 0; i < json_array_size(copy); i++)
		json_object_del(json_array_get(copy, i), "late");
	return copy;
}

json_t *hq_statement_findings(const struct hq_statement *st, const struct hq_walk_result *r,
                              const json_t *tills)
{
	return json_pack("{s:s,s:I,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:o}", "state",
	                 hq_statement_state(st, r), "received", (json_int_t)r->held, "counts",
	                 counts_json(&r->counts), "training", counts_json(&r->training),
	                 "counts_agree", hq_statement_counts_agree(st, r), "lost",
	                 spans_json(&r->lost), "missing", spans_json(&r->missing), "quarantined",
	                 spans_json(&r->quarantined), "forked", spans_json(&r->forked), "faults",
	                 spans_json(&r->faults), "sealed", (json_int_t)r->sealed, "erased",
	                 (json_int_t)r->erased, "tills", without_late(tills));
}

/* ---- the signature of a version ---- */

int hq_statement_sign(json_t *doc, const char *store, const uint8_t priv[32])
{
	uint8_t signature[VAULT_SIGNATURE_BYTES];
	char text[2 * VAULT_SIGNATURE_BYTES];
	struct buf bytes = {0};
	int rc = -1;

	if (statement_version_bytes(store, doc, &bytes) == 0 &&
	    vault_sign(priv, bytes.data, bytes.len, signature) == 0) {
		text_b64(signature, sizeof signature, text);
		rc = json_object_set_new(doc, "signature", json_string(text));
	}
	buf_free(&bytes);
	return rc;
}
