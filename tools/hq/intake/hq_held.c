#include "hq/intake/hq_held.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hq/intake/hq_epoch.h"
#include "hq/intake/hq_run.h"

#define HQ_HELD_ASK_MAX 16384 /* bytes: 32 epochs and 8 payloads fit four times */

/* ---- reading ---- */

static json_t *load(const void *payload, size_t len)
{
	return len <= HQ_HELD_ASK_MAX ? json_loadb(payload, len, JSON_REJECT_DUPLICATES, NULL)
	                              : NULL;
}

bool hq_held_is(const void *payload, size_t len)
{
	json_t *root = load(payload, len);
	const char *what = json_string_value(json_object_get(root, "ask"));
	bool is = what && strcmp(what, "held") == 0;

	json_decref(root);
	return is;
}

static bool read_hex(const json_t *o, const char *key, void *out, size_t n)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && text_unhex(text, out, n);
}

static bool read_seq(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	*out =
	    json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
	return !v || json_is_integer(v);
}

static const char *ask_fault(const json_t *root, struct hq_held_ask *out)
{
	const char *device = json_string_value(json_object_get(root, "device"));
	const json_t *epochs = json_object_get(root, "epochs"), *raw = json_object_get(root, "raw");

	if (!json_is_object(root) || json_integer_value(json_object_get(root, "v")) != 1)
		return "an ask that is no JSON object of version 1";
	if (!device || !hq_keys_name_ok(device) ||
	    !text_copy(out->device, sizeof out->device, device))
		return "an ask without the name of a device";
	if (json_array_size(epochs) > HQ_HELD_EPOCHS_MAX || json_array_size(raw) > HQ_HELD_RAW_MAX)
		return "an ask for too many epochs or payloads";
	for (size_t i = 0; i < json_array_size(epochs); i++) {
		const json_t *o = json_array_get(epochs, i);
		if (!read_hex(o, "epoch", out->epochs[i].epoch, EVENT_EPOCH_BYTES) ||
		    !read_seq(o, "gone", &out->epochs[i].gone) ||
		    !read_seq(o, "from", &out->epochs[i].from))
			return "an ask for an epoch that is not {epoch, gone, from}";
		out->epoch_count++;
	}
	for (size_t i = 0; i < json_array_size(raw); i++) {
		const json_t *o = json_array_get(raw, i);
		if (!read_hex(o, "sha256", out->raw[i].sha256, EVENT_HASH_BYTES) ||
		    !read_hex(o, "epoch", out->raw[i].epoch, EVENT_EPOCH_BYTES) ||
		    !read_hex(o, "h_prev", out->raw[i].h_prev, EVENT_HASH_BYTES) ||
		    !read_hex(o, "h", out->raw[i].h, EVENT_HASH_BYTES) ||
		    !read_seq(o, "seq", &out->raw[i].seq) || !out->raw[i].seq)
			return "an ask for a payload that is not {sha256, epoch, seq, h_prev, h}";
		out->raw_count++;
	}
	return NULL;
}

int hq_held_parse(const void *payload, size_t len, struct hq_held_ask *out, char *err,
                  size_t err_size)
{
	json_t *root = load(payload, len);
	const char *fault;

	memset(out, 0, sizeof *out);
	fault = ask_fault(root, out);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "%s", fault);
	return -1;
}

/* ---- answering ---- */

/* Forks in order of seq: those that continue one another become one run in the answer. */
static int name_forks(const struct hq_held *held, const struct hq_round_place *place)
{
	struct sqlite3_stmt *q = hq_db_query(held->db, HQ_SQL_FORK_OF_EPOCH, "i", place->epoch_row);
	uint8_t last[EVENT_HASH_BYTES] = {0}, joined[EVENT_HASH_BYTES];
	int rc = 0;

	while (rc == 0 && hq_db_row(held->db, q)) {
		struct hq_round_seq seq = {.seq = (uint64_t)sqlite3_column_int64(q, 0),
		                           .reason = hq_db_text(q, 2),
		                           .h = hq_db_bytes(q, 3, EVENT_HASH_BYTES)};
		const void *leaf = hq_db_bytes(q, 1, EVENT_HASH_BYTES);
		bool settled = sqlite3_column_type(q, 4) != SQLITE_NULL;

		memcpy(joined, last, sizeof joined);
		if (leaf && seq.h) {
			vault_chain(held->work, joined, place->epoch, seq.seq, leaf);
			/* the one before, when it is; else one that nothing ends with */
			seq.h_prev = memcmp(joined, seq.h, sizeof joined) == 0 ? last : joined;
		}
		rc = hq_round_name(held->round, place, settled ? HQ_ROUND_SETTLED : HQ_ROUND_FORKED,
		                   &seq);
		if (seq.h)
			memcpy(last, seq.h, sizeof last);
	}
	hq_db_end(q);
	return rc;
}

static int name_quarantined(const struct hq_held *held, const struct hq_round_place *place)
{
	struct sqlite3_stmt *q =
	    hq_db_query(held->db, HQ_SQL_QUARANTINE_OF_EPOCH, "i", place->epoch_row);
	int rc = 0;

	while (rc == 0 && hq_db_row(held->db, q)) {
		struct hq_round_seq seq = {.seq = (uint64_t)sqlite3_column_int64(q, 0),
		                           .reason = hq_db_text(q, 1)};
		rc = hq_round_name(held->round, place, HQ_ROUND_QUARANTINED, &seq);
	}
	hq_db_end(q);
	return rc;
}

/* The event whose batch of one cannot be read is held as that payload, where the store says that
 * it stands. It is told apart from a payload that was damaged on its way by its SHA-256: a store
 * names only what it sent. */
static void take_raw(const struct hq_held *held, const struct hq_held_ask *ask, int i,
                     int64_t store, int64_t epoch)
{
	struct hq_run covering, run = {.first = ask->raw[i].seq, .last = ask->raw[i].seq};
	uint64_t next;

	if (hq_run_covering(held->db, epoch, run.first, &covering, &next) ||
	    !hq_db_int(held->db, 0, HQ_SQL_UNREADABLE_HAS, "ib", store, ask->raw[i].sha256,
	               sizeof ask->raw[i].sha256))
		return;
	memcpy(run.h_prev, ask->raw[i].h_prev, EVENT_HASH_BYTES);
	memcpy(run.h_last, ask->raw[i].h, EVENT_HASH_BYTES);
	if (hq_run_add(held->db, epoch, &run) == HQ_RUN_FORK) {
		log_error("store %s: seq %" PRIu64
		          " cannot be read and does not continue what is held: it stays at the "
		          "store",
		          held->store, run.first);
		return;
	}
	hq_db_run(held->db, HQ_SQL_QUARANTINE_ADD_PAYLOAD, "iiiibbb", epoch, (int64_t)run.first,
	          store, held->wall_us, run.h_prev, sizeof run.h_prev, run.h_last,
	          sizeof run.h_last, ask->raw[i].sha256, sizeof ask->raw[i].sha256);
	hq_db_run(held->db, HQ_SQL_UNREADABLE_DROP, "ib", store, ask->raw[i].sha256,
	          sizeof ask->raw[i].sha256);
	log_warn("store %s: seq %" PRIu64 " is quarantined: a batch of it alone cannot be read",
	         held->store, run.first);
}

/* What is held from `from` on, as far as one confirmation carries. */
static int name_runs(const struct hq_held *held, const struct hq_round_place *place, uint64_t from)
{
	struct hq_round_page page = {.first = from, .last = UINT64_MAX};
	struct sqlite3_stmt *q = hq_db_query(held->db, HQ_SQL_RUN_FROM, "iii", place->epoch_row,
	                                     (int64_t)from, (int64_t)CONFIRM_SEQS_MAX + 1);
	bool whole = true;

	while (hq_db_row(held->db, q)) {
		const void *h = hq_db_bytes(q, 2, EVENT_HASH_BYTES);
		struct confirm_range *run = &page.run[page.n];
		if (page.n == CONFIRM_SEQS_MAX) {
			page.last = page.run[page.n - 1].last;
			break;
		}
		*run = (struct confirm_range){.first = (uint64_t)sqlite3_column_int64(q, 0),
		                              .last = (uint64_t)sqlite3_column_int64(q, 1),
		                              .has_h = true};
		whole = h != NULL;
		if (!whole)
			break;
		memcpy(run->h, h, sizeof run->h);
		page.n++;
	}
	hq_db_end(q);
	return whole ? hq_round_page(held->round, place, &page) : -1;
}

/* What is kept raw goes with the first page. */
static int take_epoch(const struct hq_held *held, const struct hq_round_place *place,
                      const struct hq_held_ask *ask, int i)
{
	uint64_t from = ask->epochs[i].from;

	hq_db_run(held->db, HQ_SQL_EPOCH_GONE, "iit", place->epoch_row,
	          (int64_t)ask->epochs[i].gone, ask->device);
	if (name_runs(held, place, from ? from : 1))
		return -1;
	return from <= 1 && (name_forks(held, place) || name_quarantined(held, place)) ? -1 : 0;
}

int hq_held_take(const struct hq_held *held, const struct hq_held_ask *ask)
{
	int64_t store = hq_epoch_store(held->db, held->store);
	struct hq_round_place place = {.store = held->store};

	for (int i = 0; i < ask->raw_count; i++) {
		place.epoch = ask->raw[i].epoch;
		place.epoch_row = hq_epoch_row(held->db, store, place.epoch);
		if (place.epoch_row < 0)
			return -1;
		take_raw(held, ask, i, store, place.epoch_row);
		if (hq_round_touch(held->round, &place) || name_quarantined(held, &place))
			return -1;
	}
	for (int i = 0; i < ask->epoch_count; i++) {
		place.epoch = ask->epochs[i].epoch;
		place.epoch_row = hq_epoch_row(held->db, store, place.epoch);
		if (place.epoch_row < 0 || take_epoch(held, &place, ask, i) != 0)
			return -1;
	}
	return 0;
}
