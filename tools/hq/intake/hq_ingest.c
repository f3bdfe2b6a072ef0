#include "hq/intake/hq_ingest.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/base/hq_line.h"
#include "hq/intake/hq_epoch.h"
#include "hq/intake/hq_held.h"
#include "hq/intake/hq_round.h"
#include "hq/intake/hq_run.h"
#include "sync/batch.h"

#define HQ_INGEST_UNREADABLE_MAX                                                                   \
	1000 /* payloads kept of a store: enough to find a bug, bounded for a flood                \
	      */
#define HQ_INGEST_SEQ_MAX                                                                          \
	(UINT64_C(1) << 53) /* no device journals more; exact in every reader's numbers */
#define HQ_INGEST_ERR_SIZE 200

struct hq_ingest {
	struct hq_db *db;
	const struct hq_keys *keys;
	const struct clock *clock;
	struct vault_work *work;
	struct batch_codec *codec;
	struct hq_round *round;
	int64_t wall_us;
	uint64_t credit; /* told with every confirmation */
	bool failed;     /* out of memory in this round */
	uint8_t leaf[BATCH_EVENTS_MAX][EVENT_HASH_BYTES];
	uint8_t h[BATCH_EVENTS_MAX + 1][EVENT_HASH_BYTES]; /* h[i] stands in front of line i */
	size_t start[BATCH_EVENTS_MAX + 1];                /* of line i in the batch's lines */
};

/* The batch that is being taken in. */
struct taking {
	struct hq_ingest *in;
	const struct batch *batch;
	struct hq_round_place place;
	int64_t store_row;
};

struct hq_ingest *hq_ingest_new(struct hq_db *db, const struct hq_keys *keys,
                                const struct clock *clock)
{
	struct hq_ingest *in = memory_zeroed(1, sizeof *in);

	if (!in)
		return NULL;
	in->db = db;
	in->keys = keys;
	in->clock = clock;
	in->work = vault_work_new();
	in->codec = batch_codec_new();
	in->round = hq_round_new();
	if (in->work && in->codec && in->round)
		return in;
	hq_ingest_free(in);
	return NULL;
}

void hq_ingest_free(struct hq_ingest *in)
{
	if (!in)
		return;
	hq_round_free(in->round);
	batch_codec_free(in->codec);
	vault_work_free(in->work);
	free(in);
}

int hq_ingest_begin(struct hq_ingest *in)
{
	hq_round_clear(in->round);
	in->failed = false;
	in->wall_us = clock_wall_us(in->clock);
	return hq_db_begin(in->db);
}

int hq_ingest_commit(struct hq_ingest *in)
{
	int rc = -1;

	if (in->failed)
		hq_db_rollback(in->db);
	else
		rc = hq_db_commit(in->db) == 0 ? hq_db_mark(in->db) : -1;
	if (rc == 0)
		return 0;
	log_error("a round of batches could not be kept; the stores will send it again");
	hq_round_clear(in->round);
	return -1;
}

void hq_ingest_credit(struct hq_ingest *in, uint64_t bytes)
{
	in->credit = bytes;
}

void hq_ingest_confirm(struct hq_ingest *in, hq_ingest_confirm_fn *fn, void *ctx)
{
	const struct hq_round_out out = {in->db, in->keys, in->work, in->credit, fn, ctx};

	hq_round_send(in->round, &out);
}

static void keep_unreadable(struct hq_ingest *in, const char *store, const uint8_t *p, size_t len,
                            const char *reason)
{
	int64_t row = hq_epoch_store(in->db, store);
	uint8_t sha256[EVENT_HASH_BYTES];

	vault_sha256(in->work, p, len, sha256);
	if (hq_db_run(in->db, HQ_SQL_UNREADABLE_ADD, "ibbti", row, sha256, sizeof sha256, p, len,
	              reason, in->wall_us) > 0)
		hq_db_run(in->db, HQ_SQL_UNREADABLE_TRIM, "ii", row,
		          (int64_t)HQ_INGEST_UNREADABLE_MAX);
	log_error("store %s: a payload of %zu bytes cannot be read: %s", store, len, reason);
	if (hq_round_unreadable(in->round, store, sha256) != 0)
		in->failed = true;
}

static uint64_t seq_of(const struct taking *t, size_t i)
{
	return t->batch->first + i;
}

static const void *line_of(const struct taking *t, size_t i, size_t *len)
{
	*len = t->in->start[i + 1] - t->in->start[i] - 1;
	return t->batch->lines + t->in->start[i];
}

static void name(const struct taking *t, enum hq_round_list list, size_t i, const char *reason)
{
	bool raw = list == HQ_ROUND_QUARANTINED; /* it stands in the history that is held */
	struct hq_round_seq seq = {.seq = seq_of(t, i),
	                           .reason = reason,
	                           .h_prev = raw ? NULL : t->in->h[i],
	                           .h = raw ? NULL : t->in->h[i + 1]};

	if (hq_round_name(t->in->round, &t->place, list, &seq) != 0)
		t->in->failed = true;
}

static void raise_alarm(const struct taking *t, const char *kind, const char *detail)
{
	struct hq_alarm alarm = {t->store_row, t->place.store, kind, detail, t->in->wall_us};

	hq_epoch_alarm(t->in->db, &alarm);
}

static void keep_fork(const struct taking *t, size_t i, const char *reason)
{
	char epoch[EVENT_EPOCH_SIZE], detail[96];
	int64_t settled;
	size_t len;
	const void *line = line_of(t, i, &len);

	text_hex(t->place.epoch, EVENT_EPOCH_BYTES, epoch);
	if (hq_db_run(t->in->db, HQ_SQL_FORK_ADD, "iibbtib", t->place.epoch_row,
	              (int64_t)seq_of(t, i), t->in->leaf[i], sizeof t->in->leaf[i], line, len,
	              reason, t->in->wall_us, t->in->h[i + 1], sizeof t->in->h[i + 1]) > 0) {
		snprintf(detail, sizeof detail, "epoch %s has a second history (%s)", epoch,
		         reason);
		raise_alarm(t, "fork", detail);
	}
	settled = hq_db_int(t->in->db, 0, HQ_SQL_FORK_SETTLED, "iib", t->place.epoch_row,
	                    (int64_t)seq_of(t, i), t->in->leaf[i], sizeof t->in->leaf[i]);
	name(t, settled ? HQ_ROUND_SETTLED : HQ_ROUND_FORKED, i, reason);
}

static void note_opened(struct taking *t, const struct hq_line *line)
{
	struct hq_line_opened opened;
	char epoch[EVENT_EPOCH_SIZE], detail[96];

	if (hq_line_epoch_opened(line, &opened)) {
		hq_epoch_opened(t->in->db, t->place.epoch_row, &opened);
		return;
	}
	text_hex(t->place.epoch, EVENT_EPOCH_BYTES, epoch);
	snprintf(detail, sizeof detail, "epoch %s does not begin with Epoch Opened", epoch);
	raise_alarm(t, "no_epoch_opened", detail);
}

static void keep_line(struct taking *t, size_t i)
{
	struct hq_line_at at = {.store = t->place.store, .seq = seq_of(t, i)};
	struct hq_line parsed;
	size_t len;
	const void *line = line_of(t, i, &len);
	const char *reason;

	memcpy(at.epoch, t->place.epoch, EVENT_EPOCH_BYTES);
	reason = hq_line_read(&at, line, len, &parsed);
	if (reason) {
		hq_db_run(t->in->db, HQ_SQL_QUARANTINE_ADD, "iibbti", t->place.epoch_row,
		          (int64_t)at.seq, t->in->leaf[i], sizeof t->in->leaf[i], line, len, reason,
		          t->in->wall_us);
		log_warn("store %s: seq %" PRIu64 " is quarantined: %s", t->place.store, at.seq,
		         reason);
		name(t, HQ_ROUND_QUARANTINED, i, reason);
		return;
	}
	hq_db_run(t->in->db, HQ_SQL_EVENT_ADD, "iibb", t->place.epoch_row, (int64_t)at.seq,
	          t->in->leaf[i], sizeof t->in->leaf[i], line, len);
	if (at.seq == 1)
		note_opened(t, &parsed);
	hq_line_free(&parsed);
}

/* What was kept as the payload it came in has come again and can be read: the chain says that it is
 * the same event. */
static bool fits_payload(const struct taking *t, size_t i, struct sqlite3_stmt *q)
{
	const void *h_prev = hq_db_bytes(q, 2, EVENT_HASH_BYTES);
	const void *h_last = hq_db_bytes(q, 3, EVENT_HASH_BYTES);

	return h_prev && h_last && memcmp(h_prev, t->in->h[i], EVENT_HASH_BYTES) == 0 &&
	       memcmp(h_last, t->in->h[i + 1], EVENT_HASH_BYTES) == 0;
}

enum held { HELD_SAME, HELD_OTHER, HELD_RAW, HELD_AS_PAYLOAD };

/* What is held at the seq of line i: this line, another one, this one raw, or a payload of it. */
static enum held look_up(const struct taking *t, size_t i, char reason[33])
{
	struct hq_db *db = t->in->db;
	int64_t row = t->place.epoch_row, seq = (int64_t)seq_of(t, i);
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_EVENT_LEAF, "ii", row, seq);
	bool raw = false, found = hq_db_row(db, q);
	enum held held = HELD_OTHER;
	const void *leaf;

	if (!found) {
		q = hq_db_query(db, HQ_SQL_QUARANTINE_GET, "ii", row, seq);
		raw = found = hq_db_row(db, q);
	}
	if (!found)
		return held;
	leaf = hq_db_bytes(q, 0, EVENT_HASH_BYTES);
	if (raw)
		text_copy(reason, 33, hq_db_text(q, 1));
	if (leaf && memcmp(leaf, t->in->leaf[i], EVENT_HASH_BYTES) == 0)
		held = raw ? HELD_RAW : HELD_SAME;
	else if (raw && fits_payload(t, i, q))
		held = HELD_AS_PAYLOAD;
	hq_db_end(q);
	return held;
}

/* Held already: the leaf decides between a duplicate and a fork. true: it is held as it came. */
static bool compare_line(struct taking *t, size_t i)
{
	char reason[33] = "";

	switch (look_up(t, i, reason)) {
	case HELD_SAME:
		return true;
	case HELD_RAW:
		name(t, HQ_ROUND_QUARANTINED, i, reason);
		return true;
	case HELD_AS_PAYLOAD:
		hq_db_run(t->in->db, HQ_SQL_QUARANTINE_DROP, "ii", t->place.epoch_row,
		          (int64_t)seq_of(t, i));
		keep_line(t, i);
		return true;
	default:
		keep_fork(t, i, "other_leaf");
		return false;
	}
}

/* Lines i to n-1 are not held: one run of their own, if the chain lets them in. */
static bool keep_lines(struct taking *t, size_t i, size_t n)
{
	struct hq_run run = {.first = seq_of(t, i), .last = seq_of(t, n - 1)};
	char epoch[EVENT_EPOCH_SIZE], detail[128];
	enum hq_run_fit fit;

	memcpy(run.h_prev, t->in->h[i], EVENT_HASH_BYTES);
	memcpy(run.h_last, t->in->h[n], EVENT_HASH_BYTES);
	fit = hq_run_add(t->in->db, t->place.epoch_row, &run);
	if (fit != HQ_RUN_FITS) {
		text_hex(t->place.epoch, EVENT_EPOCH_BYTES, epoch);
		snprintf(detail, sizeof detail,
		         "epoch %s: seqs %" PRIu64 " to %" PRIu64
		         " do not join what is held around them",
		         epoch, run.first, run.last);
		raise_alarm(t, "chain", detail);
	}
	for (; i < n; i++) {
		if (fit == HQ_RUN_FORK)
			keep_fork(t, i, "chain");
		else
			keep_line(t, i);
	}
	return fit != HQ_RUN_FORK;
}

/* Lines i to n-1 are held as they came: what the confirmation says of them names the batch's h. */
static void say_same(struct taking *t, size_t i, size_t n)
{
	struct hq_run run = {.first = seq_of(t, i), .last = seq_of(t, n - 1)};

	memcpy(run.h_prev, t->in->h[i], EVENT_HASH_BYTES);
	memcpy(run.h_last, t->in->h[n], EVENT_HASH_BYTES);
	if (hq_round_same(t->in->round, &t->place, &run) != 0)
		t->in->failed = true;
}

/* Lines i to n-1 stand in one run that is held. */
static void compare_lines(struct taking *t, size_t i, size_t n)
{
	size_t from = i;

	for (; i < n; i++) {
		if (compare_line(t, i))
			continue;
		if (i > from)
			say_same(t, from, i);
		from = i + 1;
	}
	if (n > from)
		say_same(t, from, n);
}

static void take_lines(struct taking *t)
{
	size_t i = 0, end, count = t->batch->count;
	struct hq_run run;
	uint64_t next = 0;

	while (i < count) {
		bool held =
		    hq_run_covering(t->in->db, t->place.epoch_row, seq_of(t, i), &run, &next);
		uint64_t stop = held ? run.last + 1 : next;

		end = stop != 0 && stop - t->batch->first < count ? (size_t)(stop - t->batch->first)
		                                                  : count;
		if (held)
			compare_lines(t, i, end);
		else if (keep_lines(t, i, end))
			say_same(t, i, end);
		i = end;
	}
}

static void take_keys(struct hq_ingest *in, const struct batch *b)
{
	uint8_t wrapped[VAULT_WRAP_BYTES];

	for (uint32_t i = 0; i < b->key_count; i++) {
		const uint8_t *id = b->keys + (size_t)i * (EVENT_ID_BYTES + VAULT_KEY_BYTES);

		if (hq_keys_wrap(in->keys, in->work, id, id + EVENT_ID_BYTES, wrapped) != 0)
			in->failed = true;
		hq_db_run(in->db, HQ_SQL_KEY_ADD, "bb", id, (size_t)EVENT_ID_BYTES, wrapped,
		          sizeof wrapped);
	}
}

/* Leaves, the h in front of each line, and where each line starts. */
static void index_lines(struct hq_ingest *in, const struct batch *b)
{
	const uint8_t *line = b->lines, *end = b->lines + b->lines_len;
	uint32_t i;

	memcpy(in->h[0], b->h_prev, EVENT_HASH_BYTES);
	for (i = 0; i < b->count && line < end; i++) {
		const uint8_t *nl = memchr(line, '\n', (size_t)(end - line));

		in->start[i] = (size_t)(line - b->lines);
		memcpy(in->h[i + 1], in->h[i], EVENT_HASH_BYTES);
		vault_chain(in->work, in->h[i + 1], b->epoch, b->first + i, in->leaf[i]);
		line = nl ? nl + 1 : end;
	}
	in->start[i] = b->lines_len;
}

static const char *fault_of(struct hq_ingest *in, const struct batch *b)
{
	if (b->count == 0 || b->count > BATCH_EVENTS_MAX)
		return "the count is out of bounds";
	if (b->first == 0 || b->first > HQ_INGEST_SEQ_MAX)
		return "the first seq is out of bounds";
	if (batch_verify(in->work, b, in->leaf[0]) != 0)
		return "its lines do not give the h that its header names";
	return NULL;
}

void hq_ingest_up(struct hq_ingest *in, const char *store, const uint8_t *payload, size_t len)
{
	char err[HQ_INGEST_ERR_SIZE];
	struct batch b;
	const char *fault;
	struct taking t = {.in = in, .batch = &b, .place = {.store = store, .epoch = b.epoch}};

	if (batch_decode(in->codec, payload, len, store, hq_keys_box(in->keys), &b, err,
	                 sizeof err) != 0) {
		keep_unreadable(in, store, payload, len, err);
		return;
	}
	fault = fault_of(in, &b);
	if (fault) {
		keep_unreadable(in, store, payload, len, fault);
		return;
	}
	t.store_row = hq_epoch_store(in->db, store);
	t.place.epoch_row = hq_epoch_row(in->db, t.store_row, b.epoch);
	if (t.place.epoch_row < 0 || hq_round_touch(in->round, &t.place) != 0) {
		in->failed = true;
		return;
	}
	index_lines(in, &b);
	take_keys(in, &b);
	take_lines(&t);
	hq_epoch_check(in->db, store, t.place.epoch_row, in->wall_us);
}

void hq_ingest_held(struct hq_ingest *in, const char *store, const void *payload, size_t len)
{
	const struct hq_held held = {in->db, in->round, in->work, store, in->wall_us};
	char err[HQ_INGEST_ERR_SIZE];
	struct hq_held_ask ask;

	if (hq_held_parse(payload, len, &ask, err, sizeof err) != 0)
		log_warn("store %s: %s", store, err);
	else if (hq_held_take(&held, &ask) != 0)
		in->failed = true;
}
