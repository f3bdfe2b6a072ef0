/* HQ without network for tests: a folder with keys and hq.db, a clock that is turned by hand, and
 * stores that journal, chain and batch as a device does. */
#ifndef LANEWAY_TESTS_HQ_WORLD_H
#define LANEWAY_TESTS_HQ_WORLD_H

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "folder.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/intake/hq_ingest.h"
#include "hq/serve/hq_apply.h"
#include "store/vault.h"
#include "sync/batch.h"
#include "sync_keys.h"

#define WORLD_CONFIRMS_MAX 64
#define WORLD_LINES_MAX 5000
#define WORLD_WALL_US INT64_C(1795280523123000) /* 2026-11-21T17:02:03.123Z */

struct world {
	char dir[FOLDER_SIZE];
	int64_t mono_us, wall_us;
	struct clock clock;
	struct {
		const char *boot, *trust;
		int64_t mono_us;
	} stamp; /* what lines say of their clock; boot NULL: nothing */
	struct ident_rules forms;
	struct rule_set rules;
	struct hq_scope scope;
	struct key_pair box, sign;
	struct hq_keys *keys;
	struct hq_db *db;
	struct hq_ingest *ingest;
	struct hq_apply *apply;
	struct vault_work *work;
	struct batch_codec *codec;
	struct confirm confirm[WORLD_CONFIRMS_MAX]; /* of the last round */
	char confirm_store[WORLD_CONFIRMS_MAX][33];
	int confirms;
};

static inline int64_t world_mono(void *ctx)
{
	return ((struct world *)ctx)->mono_us;
}

static inline int64_t world_wall(void *ctx)
{
	return ((struct world *)ctx)->wall_us;
}

static inline enum clock_trust world_trust(void *ctx)
{
	(void)ctx;
	return CLOCK_KERNEL;
}

static inline void world_write_key(const struct world *w, const char *name, int type,
                                   const uint8_t priv[32])
{
	char path[128];
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, priv, 32);
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fchmod(fileno(f), 0600);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(key);
}

static inline void world_write_public(const struct world *w, const char *name, int type,
                                      const uint8_t pub[32])
{
	char path[300];
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(type, NULL, pub, 32);
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PUBKEY(f, key), 1);
	fclose(f);
	EVP_PKEY_free(key);
}

static inline void world_write_text(const struct world *w, const char *name, const char *text,
                                    mode_t mode)
{
	folder_put(w->dir, name, text, mode);
}

static inline void world_open(struct world *w)
{
	char err[400];
	bool held;
	struct hq_apply_params apply = {.clock = &w->clock, .scope = &w->scope, .webhook = true};

	assert_int_equal(hq_db_open(&w->db, w->dir, &held, err, sizeof err), 0);
	w->ingest = hq_ingest_new(w->db, w->keys, &w->clock);
	apply.db = w->db;
	apply.keys = w->keys;
	w->apply = hq_apply_new(&apply);
	assert_non_null(w->ingest);
	assert_non_null(w->apply);
}

static inline void world_close(struct world *w)
{
	hq_apply_free(w->apply);
	hq_ingest_free(w->ingest);
	hq_db_close(w->db);
}

static inline struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);
	char err[400];

	assert_non_null(w);
	folder_make(w->dir, "hq-world");
	w->mono_us = 1000000;
	w->wall_us = WORLD_WALL_US;
	w->clock = (struct clock){
	    .mono_us = world_mono, .wall_us = world_wall, .trust = world_trust, .ctx = w};
	w->forms = (struct ident_rules){.scheme_count = 1, .region = "DE", .ruleset = "1"};
	w->forms.schemes[0] = (struct ident_scheme){
	    .name = "club", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN};
	rule_defaults(&w->rules);
	w->scope = (struct hq_scope){&w->forms, &w->rules, "EUR"};
	w->box = key_pair(EVP_PKEY_X25519, 11);
	w->sign = key_pair(EVP_PKEY_ED25519, 12);
	world_write_key(w, "hq-box.key", EVP_PKEY_X25519, w->box.priv);
	world_write_key(w, "hq-sign.key", EVP_PKEY_ED25519, w->sign.priv);
	world_write_text(w, "hq-vault.key",
	                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
	                 0600);
	if (hq_keys_open(&w->keys, w->dir, err, sizeof err) != 0)
		fail_msg("%s", err);
	w->work = vault_work_new();
	w->codec = batch_codec_new();
	world_open(w);
	return w;
}

static inline void world_free(struct world *w)
{
	world_close(w);
	hq_keys_free(w->keys);
	vault_work_free(w->work);
	batch_codec_free(w->codec);
	folder_drop(w->dir);
	rule_free(&w->rules);
	free(w);
}

/* For cmocka: a world per test. */
static inline int world_set_up(void **state)
{
	*state = world_new();
	return 0;
}

static inline int world_tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static inline void world_note(void *ctx, const char *store, const struct confirm *confirm)
{
	struct world *w = ctx;

	assert_true(w->confirms < WORLD_CONFIRMS_MAX);
	w->confirm[w->confirms] = *confirm;
	text_copy(w->confirm_store[w->confirms++], 33, store);
}

/* One round with one payload, and the confirmations it gives. */
static inline void world_up(struct world *w, const char *store, const void *payload, size_t len)
{
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	hq_ingest_up(w->ingest, store, payload, len);
	assert_int_equal(hq_ingest_commit(w->ingest), 0);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
}

static inline void world_fold(struct world *w)
{
	int rc;

	while ((rc = hq_apply_step(w->apply)) > 0)
		continue;
	assert_int_equal(rc, 0);
}

static inline int64_t world_number(struct world *w, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(hq_db_handle(w->db), sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(hq_db_handle(w->db)));
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

/* The first column of all rows, joined by commas; valid until the next call. */
static inline const char *world_text(struct world *w, const char *sql)
{
	static char out[4096];
	sqlite3_stmt *q = NULL;

	out[0] = '\0';
	if (sqlite3_prepare_v2(hq_db_handle(w->db), sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(hq_db_handle(w->db)));
	while (sqlite3_step(q) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(q, 0);
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", out[0] ? "," : "",
		         text ? text : "null");
	}
	sqlite3_finalize(q);
	return out;
}

/* ---- a store's journal ---- */

struct journal_line {
	char *text;
	uint8_t h[EVENT_HASH_BYTES];
	struct visit_key key;
	bool has_key;
};
struct store {
	struct batch_form form; /* of its batches; zeros: version 1 */
	struct world *world;
	const char *name, *device;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	struct journal_line line[WORLD_LINES_MAX + 1]; /* by seq, from 1 */
	uint64_t seq;
};

static inline void store_raw(struct store *s, const char *text)
{
	struct journal_line *line = &s->line[++s->seq];
	uint8_t leaf[VAULT_HASH_BYTES];

	assert_true(s->seq <= WORLD_LINES_MAX);
	line->text = strdup(text);
	memcpy(line->h, s->line[s->seq - 1].h, EVENT_HASH_BYTES);
	vault_sha256(s->world->work, text, strlen(text), leaf);
	vault_chain(s->world->work, line->h, s->epoch, s->seq, leaf);
}

/* Where an event stands: visit and basket as one name each; person NULL: nobody is named. */
struct said {
	const char *event, *properties, *visit, *person;
	const char *till, *date; /* whose message it was, on which business date; NULL: neither */
	int64_t wall_us;
	bool training;
};

static inline void store_seal(struct store *s, const char *person, struct visit_key *key, char *out,
                              size_t out_size)
{
	uint8_t ad[64], seal[512];
	size_t n = strlen(person);
	struct buf b = {.data = ad, .cap = sizeof ad};
	char k[32], nonce[32], c[700];

	vault_random(key->id, sizeof key->id);
	vault_random(key->key, sizeof key->key);
	buf_add(&b, s->name, strlen(s->name) + 1);
	buf_add(&b, s->epoch, EVENT_EPOCH_BYTES);
	buf_be64(&b, s->seq + 1);
	assert_int_equal(vault_seal(s->world->work, key->key, ad, b.len, person, n, seal), 0);
	text_b64(key->id, sizeof key->id, k);
	text_b64(seal, VAULT_NONCE_BYTES, nonce);
	text_b64(seal + VAULT_NONCE_BYTES, n + VAULT_TAG_BYTES, c);
	snprintf(out, out_size, "\"sealed\":{\"c\":\"%s\",\"k\":\"%s\",\"n\":\"%s\"},", c, k,
	         nonce);
}

static inline void store_say(struct store *s, const struct said *e)
{
	char line[4096], epoch[EVENT_EPOCH_SIZE], at[CLOCK_ISO8601_SIZE],
	    sealed[1200] = "", visit[200] = "", till[120] = "", stamp[160] = "";
	struct visit_key key = {0};

	text_hex(s->epoch, EVENT_EPOCH_BYTES, epoch);
	clock_iso8601(e->wall_us ? e->wall_us : s->world->wall_us, at);
	if (e->visit)
		snprintf(visit, sizeof visit, ",\"visit_id\":\"%s\"", e->visit);
	if (e->till)
		snprintf(till, sizeof till, "\"business_date\":\"%s\",\"source\":\"till:%s\",",
		         e->date ? e->date : "2026-11-21", e->till);
	if (s->world->stamp.boot)
		snprintf(stamp, sizeof stamp,
		         "\"boot\":\"%s\",\"clock\":\"%s\",\"mono_us\":%" PRId64 ",",
		         s->world->stamp.boot, s->world->stamp.trust, s->world->stamp.mono_us);
	if (e->person)
		store_seal(s, e->person, &key, sealed, sizeof sealed);
	snprintf(
	    line, sizeof line,
	    "{\"context\":{\"laneway\":{%s%s\"epoch\":\"%s\",\"schema\":1,%s\"seq\":%" PRIu64
	    ",\"store\":\"%s\",\"training\":%s%s}},\"event\":\"%s\",\"messageId\":\"%s:%s:%" PRIu64
	    "\",\"originalTimestamp\":\"%s\",\"properties\":%s}",
	    stamp, till, epoch, sealed, s->seq + 1, s->name, e->training ? "true" : "false", visit,
	    e->event, s->name, epoch, s->seq + 1, at, e->properties ? e->properties : "{}");
	store_raw(s, line);
	s->line[s->seq].key = key;
	s->line[s->seq].has_key = e->person != NULL;
}

/* A journal whose first event names the one before it (prev may be NULL). */
static inline struct store *store_after(struct world *w, const char *name, uint8_t epoch,
                                        const struct store *prev)
{
	struct store *s = calloc(1, sizeof *s);
	char properties[300], prev_epoch[EVENT_EPOCH_SIZE + 2] = "null",
	                                                    h[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];

	assert_non_null(s);
	s->world = w;
	s->name = name;
	s->device = "d1";
	memset(s->epoch, epoch, EVENT_EPOCH_BYTES);
	text_hex(prev ? prev->line[prev->seq].h : s->line[0].h, EVENT_HASH_BYTES, h);
	if (prev) {
		prev_epoch[0] = '"';
		text_hex(prev->epoch, EVENT_EPOCH_BYTES, prev_epoch + 1);
		strcat(prev_epoch, "\"");
	}
	snprintf(properties, sizeof properties,
	         "{\"cause\":\"start\",\"device\":\"%s\",\"prev_epoch\":%s,\"prev_h\":\"%s\","
	         "\"prev_last_seq\":%" PRIu64 "}",
	         s->device, prev_epoch, h, prev ? prev->seq : 0);
	store_say(s, &(struct said){.event = "Epoch Opened", .properties = properties});
	return s;
}

static inline struct store *store_new(struct world *w, const char *name, uint8_t epoch)
{
	return store_after(w, name, epoch, NULL);
}

static inline void store_free(struct store *s)
{
	for (uint64_t i = 1; i <= s->seq; i++)
		free(s->line[i].text);
	free(s);
}

static inline void store_chatter(struct store *s, int n)
{
	for (int i = 0; i < n; i++)
		store_say(
		    s, &(struct said){.event = "Device Connected",
		                      .properties = "{\"cause\":\"start\",\"source\":\"scan-1\"}"});
}

/* first to last as a payload; without its visit keys if keys is false. */
static inline void store_batch_of(struct store *s, uint64_t first, uint64_t last, bool keys,
                                  struct buf *out)
{
	struct buf lines = {0}, boxed = {0};
	struct batch b = {.form = s->form, .first = first, .count = (uint32_t)(last - first + 1)};

	memcpy(b.epoch, s->epoch, EVENT_EPOCH_BYTES);
	memcpy(b.h_prev, s->line[first - 1].h, EVENT_HASH_BYTES);
	memcpy(b.h_last, s->line[last].h, EVENT_HASH_BYTES);
	for (uint64_t i = first; i <= last; i++) {
		buf_str(&lines, s->line[i].text);
		buf_byte(&lines, '\n');
		if (keys && s->line[i].has_key) {
			buf_add(&boxed, s->line[i].key.id, EVENT_ID_BYTES);
			buf_add(&boxed, s->line[i].key.key, VAULT_KEY_BYTES);
			b.key_count++;
		}
	}
	b.keys = boxed.data;
	b.lines = lines.data;
	b.lines_len = lines.len;
	assert_int_equal(batch_encode(s->world->codec, &b, s->name, s->world->box.pub, out), 0);
	buf_free(&lines);
	buf_free(&boxed);
}

/* Send first to last in a round of its own. */
static inline void store_send(struct store *s, uint64_t first, uint64_t last)
{
	struct buf payload = {0};

	store_batch_of(s, first, last, true, &payload);
	world_up(s->world, s->name, payload.data, payload.len);
	buf_free(&payload);
}

#endif
