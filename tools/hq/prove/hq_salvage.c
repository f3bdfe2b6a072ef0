#include "hq/prove/hq_salvage.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/db.h"
#include "store/journal_wreck.h"
#include "sync/batch.h"

#define RESCUE_BYTES (EVENT_EPOCH_BYTES + VAULT_WRAP_BYTES)

struct hq_salvage {
	const struct hq_keys *keys;
	char path[512], store[EVENT_STORE_SIZE], device[EVENT_NAME_SIZE];
	struct vault_work *work;
	struct journal_wreck *wreck;
	struct buf open; /* struct visit_key each, by id */
	uint64_t device_only;
	struct buf lines, run, carried, payload;
	struct batch_codec *codec;
};

/* ---- whose it is ---- */

static bool is_name(const struct journal_raw_row *row, const char *name)
{
	return row->v[0].n == strlen(name) && memcmp(row->v[0].p, name, row->v[0].n) == 0;
}

static void take_name(const struct journal_raw_row *row, char *out, size_t size)
{
	if (row->v[1].n > 0 && row->v[1].n < size && !memchr(row->v[1].p, 0, row->v[1].n)) {
		memcpy(out, row->v[1].p, row->v[1].n);
		out[row->v[1].n] = '\0';
	}
}

static bool on_meta(void *ctx, const struct journal_raw_row *row)
{
	struct hq_salvage *s = ctx;
	if (is_name(row, "store") && !s->store[0])
		take_name(row, s->store, sizeof(s->store));
	if (is_name(row, "device"))
		take_name(row, s->device, sizeof(s->device));
	return true;
}

static int find_names(struct hq_salvage *s, const char *store, char *err, size_t err_size)
{
	struct journal_raw *raw;
	if (store && !text_copy(s->store, sizeof(s->store), store))
		s->store[0] = '\0';
	if (journal_raw_open(&raw, s->path, err, err_size))
		return -1;
	journal_raw_scan(raw, 1u << JOURNAL_RAW_META, on_meta, s);
	journal_raw_free(raw);
	if (hq_keys_name_ok(s->store))
		return 0;
	snprintf(err, err_size,
	         "%s: it cannot be read whose it is; say it with --store, if it is a journal.db",
	         s->path);
	return -1;
}

/* ---- keys ---- */

static bool key_of(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], const uint8_t *box,
                   uint8_t key[VAULT_KEY_BYTES])
{
	struct hq_salvage *s = ctx;
	uint8_t ad[EVENT_STORE_SIZE + EVENT_EPOCH_BYTES];
	size_t n = strlen(s->store) + 1;
	memcpy(ad, s->store, n);
	memcpy(ad + n, epoch, EVENT_EPOCH_BYTES);
	return box &&
	       vault_unbox(s->work, hq_keys_box(s->keys), "epoch-key", ad, n + EVENT_EPOCH_BYTES,
	                   box, JOURNAL_WRECK_BOX_BYTES, key) == VAULT_KEY_BYTES;
}

/* The key under which an epoch's visit keys stand. */
static bool rescue_key(struct hq_salvage *s, const uint8_t epoch[EVENT_EPOCH_BYTES],
                       uint8_t out[VAULT_KEY_BYTES])
{
	uint8_t key[VAULT_KEY_BYTES];
	for (size_t i = 0; i < journal_wreck_epochs(s->wreck); i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(s->wreck, i);
		if (memcmp(e->epoch, epoch, EVENT_EPOCH_BYTES) != 0)
			continue;
		if (!key_of(s, epoch, e->has_box ? e->box : NULL, key))
			return false;
		vault_rescue_key(s->work, key, out);
		vault_wipe(key, sizeof(key));
		return true;
	}
	return false;
}

struct key_scan {
	struct hq_salvage *s;
	uint8_t epoch[EVENT_EPOCH_BYTES], key[VAULT_KEY_BYTES];
	bool known; /* epoch and key hold what was looked up last */
	bool has;
};

static bool on_key(void *ctx, const struct journal_raw_row *row)
{
	struct key_scan *k = ctx;
	struct visit_key key;
	const struct journal_raw_value *rescue = &row->v[2];
	if (rescue->type == 'b' && rescue->n == RESCUE_BYTES) {
		if (!k->known || memcmp(k->epoch, rescue->p, EVENT_EPOCH_BYTES) != 0) {
			memcpy(k->epoch, rescue->p, EVENT_EPOCH_BYTES);
			k->has = rescue_key(k->s, k->epoch, k->key);
			k->known = true;
		}
		memcpy(key.id, row->v[0].p, EVENT_ID_BYTES);
		if (k->has && vault_rescued(k->s->work, k->key, key.id,
		                            rescue->p + EVENT_EPOCH_BYTES, key.key) == 0) {
			buf_add(&k->s->open, &key, sizeof(key));
			vault_wipe(&key, sizeof(key));
			return true;
		}
	}
	k->s->device_only++;
	return true;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, EVENT_ID_BYTES);
}

static size_t key_count(const struct hq_salvage *s)
{
	return s->open.len / sizeof(struct visit_key);
}

static void find_keys(struct hq_salvage *s)
{
	struct key_scan k = {.s = s};
	journal_wreck_rows(s->wreck, 1u << JOURNAL_RAW_KEY, on_key, &k);
	vault_wipe(k.key, sizeof(k.key));
	if (s->open.len)
		qsort(s->open.data, key_count(s), sizeof(struct visit_key), by_id);
}

/* ---- opening ---- */

int hq_salvage_open(struct hq_salvage **out, const char *path, const char *store,
                    const struct hq_keys *keys, char *err, size_t err_size)
{
	struct hq_salvage *s = memory_zeroed(1, sizeof(*s));
	snprintf(err, err_size, "out of memory");
	if (!s)
		return -1;
	s->keys = keys;
	s->work = vault_work_new();
	s->codec = batch_codec_new();
	if (!s->work || !s->codec)
		goto err_free;
	if (!text_copy(s->path, sizeof(s->path), path)) {
		snprintf(err, err_size, "the file's path is too long");
		goto err_free;
	}
	if (find_names(s, store, err, err_size))
		goto err_free;
	const struct journal_wreck_params params = {
	    .path = s->path, .store = s->store, .key = key_of, .ctx = s};
	if (journal_wreck_open(&s->wreck, &params, err, err_size))
		goto err_free;
	find_keys(s);
	*out = s;
	return 0;
err_free:
	hq_salvage_free(s);
	return -1;
}

void hq_salvage_free(struct hq_salvage *s)
{
	if (!s)
		return;
	journal_wreck_free(s->wreck);
	batch_codec_free(s->codec);
	vault_work_free(s->work);
	if (s->open.len)
		vault_wipe(s->open.data, s->open.len);
	if (s->carried.len)
		vault_wipe(s->carried.data, s->carried.len);
	buf_free(&s->open);
	buf_free(&s->lines);
	buf_free(&s->run);
	buf_free(&s->carried);
	buf_free(&s->payload);
	free(s);
}

/* ---- what HQ holds ---- */

/* Seqs from first to last that stand in runs of this store's epoch. */
static uint64_t held_of(const struct hq_salvage *s, struct sqlite3 *db,
                        const uint8_t epoch[EVENT_EPOCH_BYTES], const struct journal_range *seqs,
                        bool *failed)
{
	uint64_t n = 0;
	sqlite3_stmt *stmt = db_prepare(
	    db, "SELECT max(r.first, ?3), min(r.last, ?4) FROM run r JOIN epoch e ON e.id = r.epoch"
	        " JOIN store s ON s.id = e.store"
	        " WHERE s.name = ?1 AND e.epoch = ?2 AND r.first <= ?4 AND r.last >= ?3");
	if (stmt) {
		sqlite3_bind_text(stmt, 1, s->store, -1, SQLITE_STATIC);
		sqlite3_bind_blob(stmt, 2, epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 3, (sqlite3_int64)seqs->first);
		sqlite3_bind_int64(stmt, 4, (sqlite3_int64)seqs->last);
	}
	while (db_row(stmt, failed))
		n += (uint64_t)(sqlite3_column_int64(stmt, 1) - sqlite3_column_int64(stmt, 0) + 1);
	sqlite3_finalize(stmt);
	return n;
}

/* The runs of packs that can be read: fn for each. */
typedef int run_fn(struct hq_salvage *s, void *ctx, size_t epoch, uint64_t first, uint64_t last);

static int each_run(struct hq_salvage *s, size_t i, run_fn *fn, void *ctx)
{
	const struct journal_wreck_epoch *e = journal_wreck_epoch(s->wreck, i);
	uint64_t first = e->first;
	for (uint32_t k = 0; e->events && k <= e->missing_count; k++) {
		bool end = k == e->missing_count || e->missing[k].first > e->last;
		uint64_t last = end ? e->last : e->missing[k].first - 1;
		if (last >= first && fn(s, ctx, i, first, last))
			return -1;
		if (end)
			break;
		if (e->missing[k].last >= first)
			first = e->missing[k].last + 1;
	}
	return 0;
}

struct held_sum {
	struct sqlite3 *db;
	uint64_t held;
	bool failed;
};

static int add_held(struct hq_salvage *s, void *ctx, size_t i, uint64_t first, uint64_t last)
{
	struct held_sum *sum = ctx;
	const struct journal_range seqs = {first, last};
	sum->held +=
	    held_of(s, sum->db, journal_wreck_epoch(s->wreck, i)->epoch, &seqs, &sum->failed);
	return 0;
}

/* ---- the report ---- */

static json_t *epoch_object(struct hq_salvage *s, size_t i, struct sqlite3 *db)
{
	const struct journal_wreck_epoch *e = journal_wreck_epoch(s->wreck, i);
	char hex[EVENT_EPOCH_SIZE];
	struct held_sum sum = {.db = db};
	json_t *missing = json_array();

	text_hex(e->epoch, EVENT_EPOCH_BYTES, hex);
	for (uint32_t k = 0; k < e->missing_count; k++)
		json_array_append_new(missing, json_pack("[I,I]", (json_int_t)e->missing[k].first,
		                                         (json_int_t)e->missing[k].last));
	json_t *o = json_pack("{s:s,s:I,s:I,s:I,s:b,s:o}", "epoch", hex, "events",
	                      (json_int_t)e->events, "first", (json_int_t)e->first, "last",
	                      (json_int_t)e->last, "readable", (int)e->has_key, "missing", missing);
	if (o && db)
		each_run(s, i, add_held, &sum);
	if (o && db && !sum.failed) {
		json_object_set_new(o, "held", json_integer((json_int_t)sum.held));
		json_object_set_new(o, "new", json_integer((json_int_t)(e->events - sum.held)));
	} else if (sum.failed) {
		json_object_set_new(o, "held", json_null());
	}
	return o;
}

json_t *hq_salvage_report(struct hq_salvage *s, struct sqlite3 *db)
{
	struct journal_wreck_count c;
	json_t *epochs = json_array();

	journal_wreck_counts(s->wreck, &c);
	for (size_t i = 0; i < journal_wreck_epochs(s->wreck); i++)
		json_array_append_new(epochs, epoch_object(s, i, db));
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:{s:I,s:I},s:o}", "file", s->path, "store",
	                 s->store, "device", s->device, "unopened", (json_int_t)c.unopened,
	                 "unchained", (json_int_t)c.unchained, "keys", "open",
	                 (json_int_t)key_count(s), "device_only", (json_int_t)s->device_only,
	                 "epochs", epochs);
}

static int64_t count(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_epoch(const json_t *e)
{
	const json_t *missing = json_object_get(e, "missing");
	printf("  epoch %s  ", json_string_value(json_object_get(e, "epoch")));
	if (!json_is_true(json_object_get(e, "readable")))
		printf("its key was not found: nothing of it can be read\n");
	else if (count(e, "events") == 0)
		printf("nothing of it is left\n");
	else
		printf("%" PRId64 " events, seq %" PRId64 " to %" PRId64, count(e, "events"),
		       count(e, "first"), count(e, "last"));
	if (count(e, "events") && json_is_null(json_object_get(e, "held")))
		printf("; hq.db could not be read, so it is not known how many are new");
	else if (count(e, "events") && json_object_get(e, "held"))
		printf("; HQ holds %" PRId64 " of them, %" PRId64 " are new", count(e, "held"),
		       count(e, "new"));
	if (count(e, "events"))
		putchar('\n');
	for (size_t i = 0; i < json_array_size(missing); i++) {
		const json_t *m = json_array_get(missing, i);
		printf("    missing: seq %" PRId64 " to %" PRId64 "\n",
		       (int64_t)json_integer_value(json_array_get(m, 0)),
		       (int64_t)json_integer_value(json_array_get(m, 1)));
	}
}

void hq_salvage_print(const json_t *report)
{
	const json_t *keys = json_object_get(report, "keys");
	const json_t *epochs = json_object_get(report, "epochs");
	printf("%s: store %s, device %s\n", json_string_value(json_object_get(report, "file")),
	       json_string_value(json_object_get(report, "store")),
	       json_string_value(json_object_get(report, "device")));
	for (size_t i = 0; i < json_array_size(epochs); i++)
		print_epoch(json_array_get(epochs, i));
	if (json_array_size(epochs) == 0)
		printf("  nothing of a journal is left in it\n");
	printf("  visit keys: %" PRId64 " can be opened", count(keys, "open"));
	if (count(keys, "device_only"))
		printf(", %" PRId64 " are sealed to the device: who their visitors were, HQ "
		       "knows only if a batch brought the key",
		       count(keys, "device_only"));
	putchar('\n');
	if (count(report, "unopened"))
		printf("  %" PRId64 " rows look like packs and cannot be opened\n",
		       count(report, "unopened"));
	if (count(report, "unchained"))
		printf("  %" PRId64 " packs can be opened, but what stood in front of them is "
		       "not known\n",
		       count(report, "unchained"));
}

/* ---- sending ---- */

/* The batch that is being filled, and where the chain stands behind its last line. */
struct sending {
	const struct hq_salvage_sink *sink;
	struct batch batch;
	uint64_t next; /* seq */
	uint8_t h[EVENT_HASH_BYTES];
	char *err;
	size_t err_size;
};

/* Keys that these lines name and that can be opened, once each. A key id stands as text in
 * `"k":"..."`, which inside a text would be escaped. */
static void carry_keys(struct hq_salvage *s)
{
	static const char member[] = ",\"k\":\"";
	const uint8_t *p = s->run.data, *end = p + s->run.len;
	buf_reset(&s->carried);
	while ((p = memmem(p, (size_t)(end - p), member, sizeof(member) - 1))) {
		struct visit_key want = {0};
		bool have = false;
		p += sizeof(member) - 1;
		if (end - p < EVENT_ID_SIZE || p[EVENT_ID_SIZE - 1] != '"' ||
		    text_unb64((const char *)p, EVENT_ID_SIZE - 1, want.id, sizeof(want.id)) !=
		        EVENT_ID_BYTES)
			continue;
		const struct visit_key *key =
		    s->open.len ? bsearch(&want, s->open.data, key_count(s), sizeof(want), by_id)
		                : NULL;
		for (size_t at = 0; key && at < s->carried.len && !have; at += sizeof(*key))
			have = memcmp(s->carried.data + at, key->id, EVENT_ID_BYTES) == 0;
		if (key && !have)
			buf_add(&s->carried, key, sizeof(*key));
	}
}

/* What HQ holds whole is not sent. */
static int flush(struct hq_salvage *s, struct sending *to)
{
	struct batch *b = &to->batch;
	struct sqlite3 *db = to->sink->db;
	uint32_t n = b->count;
	const struct journal_range seqs = {b->first, b->first + n - 1};
	bool failed = false;
	b->count = 0;
	if (n == 0 || (db && held_of(s, db, b->epoch, &seqs, &failed) == n && !failed))
		return 0;
	b->count = n;
	b->lines = s->run.data;
	b->lines_len = s->run.len;
	carry_keys(s);
	b->keys = s->carried.data;
	b->key_count = (uint32_t)(s->carried.len / sizeof(struct visit_key));
	buf_reset(&s->payload);
	int rc = s->run.failed || s->carried.failed
	             ? -1
	             : batch_encode(s->codec, b, s->store, to->sink->hq_box_pub, &s->payload);
	b->count = 0;
	if (rc) {
		snprintf(to->err, to->err_size, "a batch cannot be made: out of memory?");
		return -1;
	}
	return to->sink->send(to->sink->ctx, s->store, s->payload.data, s->payload.len);
}

static int add_line(struct hq_salvage *s, struct sending *to, const char *line, size_t len)
{
	struct batch *b = &to->batch;
	uint8_t leaf[EVENT_HASH_BYTES];
	bool full = b->count == BATCH_EVENTS_MAX || s->run.len + len + 1 > BATCH_RAW_MAX;
	if (b->count && full && flush(s, to))
		return -1;
	if (b->count == 0) {
		b->first = to->next;
		memcpy(b->h_prev, to->h, EVENT_HASH_BYTES);
		buf_reset(&s->run);
	}
	buf_add(&s->run, line, len + 1);
	vault_sha256(s->work, line, len, leaf);
	vault_chain(s->work, to->h, b->epoch, to->next++, leaf);
	memcpy(b->h_last, to->h, EVENT_HASH_BYTES);
	b->count++;
	return 0;
}

static int send_pack(struct hq_salvage *s, struct sending *to,
                     const struct journal_wreck_pack *pack)
{
	size_t at = 0, len;
	const char *line;

	/* Behind a gap another batch begins, from what the pack says stood there. */
	if (to->next != pack->head.first) {
		if (flush(s, to))
			return -1;
		memcpy(to->batch.epoch, pack->head.epoch, EVENT_EPOCH_BYTES);
		memcpy(to->h, pack->h_prev, EVENT_HASH_BYTES);
		to->next = pack->head.first;
	}
	while ((line = pack_line(&s->lines, &at, &len)))
		if (add_line(s, to, line, len))
			return -1;
	return 0;
}

static int send_epoch(struct hq_salvage *s, struct sending *to, size_t i)
{
	const struct journal_wreck_epoch *e = journal_wreck_epoch(s->wreck, i);
	struct journal_wreck_pack pack;
	to->next = 0;
	for (uint64_t n = 0; n < e->packs; n++) {
		if (journal_wreck_pack(s->wreck, i, n, &pack, &s->lines)) {
			snprintf(to->err, to->err_size,
			         "%s: what could be read once cannot be read again", s->path);
			return -1;
		}
		if (send_pack(s, to, &pack))
			return -1;
	}
	return flush(s, to);
}

int hq_salvage_send(struct hq_salvage *s, const struct hq_salvage_sink *sink, char *err,
                    size_t err_size)
{
	struct sending to = {.sink = sink, .err = err, .err_size = err_size};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < journal_wreck_epochs(s->wreck); i++)
		rc = send_epoch(s, &to, i);
	return rc;
}
