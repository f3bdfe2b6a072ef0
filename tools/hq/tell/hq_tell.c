#include "hq/tell/hq_tell.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_includes.h"
#include "hq/identity/hq_profile.h"
#include "hq/prove/hq_statement.h"
#include "hq/tell/hq_tell_profile.h"
#include "hq/tell/hq_tell_weights.h"
#include "sync/batch.h"

#define HQ_TELL_ASK_MAX 4096     /* bytes of a request */
#define HQ_TELL_PROFILES_MAX 500 /* of one page: what a store applies in one short transaction */
#define HQ_TELL_BYTES_MAX                                                                          \
	(512 * 1024) /* of one page's lines; the frame's body may be twice that                    \
	              */
#define HQ_TELL_ERR_SIZE 160
#define HQ_TELL_VERSION_MAX 1000000 /* each is a change that somebody caused */
/* HQ's clock is the chain's: what its operator has to keep it to where the kernel does not call it
 * synchronised. */
#define HQ_TELL_CLOCK_ERROR_US INT64_C(1000000)
#define HQ_TELL_CLOCK_ERROR_US_MIN INT64_C(1000)     /* no kernel's word is better */
#define HQ_TELL_CLOCK_ERROR_US_MAX INT64_C(60000000) /* what a store takes */

struct hq_tell {
	struct hq_db *db;
	struct hq_keys *keys;
	const struct clock *clock;
	hq_tell_error_fn *error;
	void *error_ctx;
	struct batch_codec *codec;
	struct hq_tell_profile *profile;
	const struct hq_rules *rules;    /* NULL: none */
	struct hq_tell_weights *weights; /* NULL: none are told */
	struct buf lines, body, header;
	struct hq_includes includes;
};

struct hq_tell *hq_tell_new(struct hq_db *db, struct hq_keys *keys, const struct clock *clock)
{
	struct hq_tell *t = memory_zeroed(1, sizeof *t);

	if (!t)
		return NULL;
	t->db = db;
	t->keys = keys;
	t->clock = clock;
	t->codec = batch_codec_new();
	t->profile = hq_tell_profile_new(db, keys, clock);
	if (t->codec && t->profile)
		return t;
	hq_tell_free(t);
	return NULL;
}

void hq_tell_error(struct hq_tell *t, hq_tell_error_fn *fn, void *ctx)
{
	t->error = fn;
	t->error_ctx = ctx;
}

static int64_t clock_error_us(const struct hq_tell *t)
{
	int64_t error_us;

	if (!t->error || !t->error(t->error_ctx, &error_us))
		return HQ_TELL_CLOCK_ERROR_US;
	if (error_us < HQ_TELL_CLOCK_ERROR_US_MIN)
		return HQ_TELL_CLOCK_ERROR_US_MIN;
	return error_us < HQ_TELL_CLOCK_ERROR_US_MAX ? error_us : HQ_TELL_CLOCK_ERROR_US_MAX;
}

void hq_tell_free(struct hq_tell *t)
{
	if (!t)
		return;
	batch_codec_free(t->codec);
	hq_tell_profile_free(t->profile);
	hq_tell_weights_free(t->weights);
	buf_free(&t->lines);
	buf_free(&t->body);
	buf_free(&t->header);
	hq_includes_free(&t->includes);
	free(t);
}

static bool copy_text(const json_t *root, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text && text_copy(out, size, text);
}

/* What is no epoch, and more than are spoken of, is left out: the store then hears of its newest.
 */
static void read_awaits(const json_t *list, struct hq_includes_awaits *out)
{
	for (size_t i = 0; i < json_array_size(list) && out->count < HQ_INCLUDES_ASKED_MAX; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		out->count += name && text_unhex(name, out->epoch[out->count], EVENT_EPOCH_BYTES);
	}
}

static const char *changes_fault(const json_t *root, struct hq_tell_ask *out)
{
	const json_t *since = json_object_get(root, "since");

	if (!copy_text(root, "generation", out->generation, sizeof out->generation) ||
	    !json_is_integer(since) || json_integer_value(since) < 0)
		return "an ask for changes without generation and since";
	read_awaits(json_object_get(root, "awaits"), &out->awaits);
	out->since = (uint64_t)json_integer_value(since);
	return NULL;
}

/* [["16 hex", to, version], ...], left out when the store holds none. */
static const char *statement_fault(const json_t *root, struct hq_tell_ask *out)
{
	static const char expected[] = "an ask for statements with versions that are none";
	const json_t *list = json_object_get(root, "versions"), *one;

	if (list && (!json_is_array(list) || json_array_size(list) > HQ_TELL_VERSIONS_MAX))
		return expected;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct hq_tell_version *v = &out->versions[out->version_count++];
		one = json_array_get(list, i);
		const char *epoch = json_string_value(json_array_get(one, 0));
		json_int_t to = json_integer_value(json_array_get(one, 1)),
		           version = json_integer_value(json_array_get(one, 2));
		if (!epoch || !text_unhex(epoch, v->epoch, sizeof v->epoch) || to < 1 ||
		    version < 1 || version > HQ_TELL_VERSION_MAX)
			return expected;
		v->to = (uint64_t)to;
		v->version = (uint64_t)version;
	}
	return changes_fault(root, out);
}

static const char *profile_fault(const json_t *root, struct hq_tell_ask *out)
{
	return copy_text(root, "box", out->box, sizeof out->box)
	           ? NULL
	           : "an ask for a profile without its box";
}

static const char *rules_fault(const json_t *root, struct hq_tell_ask *out)
{
	if (!copy_text(root, "version", out->version, sizeof out->version))
		return "an ask for rules or weights without a version";
	if (json_object_get(root, "refused") &&
	    (!copy_text(root, "refused", out->refused, sizeof out->refused) ||
	     !copy_text(root, "why", out->why, sizeof out->why) ||
	     text_has_control(out->why, strlen(out->why))))
		return "an ask for rules with a refusal that is none";
	return NULL;
}

static int answer_changes(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out);
static int answer_rules(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                        struct buf *out);
const char *hq_tell_weights_made(struct hq_tell *t)
{
	const struct buf *text;

	return t->weights ? hq_tell_weights_now(t->weights, &text) : "";
}

static int answer_weights(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out);
static int answer_time(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                       struct buf *out);
static int answer_statement(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                            struct buf *out);
static int answer_profile(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out);

/* One row per kind of ask. fault may be NULL: it has no members of its own. */
static const struct {
	const char *kind;
	const char *(*fault)(const json_t *root, struct hq_tell_ask *out);
	/* 0, or -1: there is nothing to answer (logged) */
	int (*answer)(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
	              struct buf *out);
} kinds[] = {
    {"changes", changes_fault, answer_changes},
    {"time", NULL, answer_time},
    {"statement", statement_fault, answer_statement},
    {"profile", profile_fault, answer_profile},
    {"rules", rules_fault, answer_rules},
    {"weights", rules_fault, answer_weights},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static size_t kind_of(const char *kind)
{
	size_t i = 0;

	while (i < KIND_COUNT && strcmp(kinds[i].kind, kind) != 0)
		i++;
	return i;
}

static const char *ask_fault(const json_t *root, struct hq_tell_ask *out)
{
	uint8_t id[8];
	size_t kind;

	if (!json_is_object(root) || json_integer_value(json_object_get(root, "v")) != 1)
		return "an ask that is no JSON object of version 1";
	if (!copy_text(root, "device", out->device, sizeof out->device) ||
	    !hq_keys_name_ok(out->device))
		return "an ask without the name of a device";
	if (!copy_text(root, "id", out->id, sizeof out->id) || !text_unhex(out->id, id, sizeof id))
		return "an ask whose id is not 16 hex digits";
	if (!copy_text(root, "ask", out->kind, sizeof out->kind))
		return "an ask that does not say for what";
	kind = kind_of(out->kind);
	if (kind == KIND_COUNT)
		return "an ask for something that this release does not know";
	return kinds[kind].fault ? kinds[kind].fault(root, out) : NULL;
}

int hq_tell_parse(const void *ask, size_t len, struct hq_tell_ask *out, char *err, size_t err_size)
{
	json_t *root =
	    len <= HQ_TELL_ASK_MAX ? json_loadb(ask, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *fault;

	memset(out, 0, sizeof *out);
	fault = ask_fault(root, out);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "%s", fault);
	return -1;
}

static int encode(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                  const uint8_t pub[32], struct buf *out)
{
	buf_reset(&t->body);
	if (t->lines.failed || t->header.failed ||
	    page_encode(t->codec, store, ask->device, pub, t->lines.data, t->lines.len, &t->body) !=
	        0 ||
	    frame_encode("LNWT", store, (const char *)t->header.data, t->body.data, t->body.len,
	                 hq_keys_sign(t->keys), out) != 0) {
		log_error("store %s: a page could not be made", store);
		return -1;
	}
	return 0;
}

static int answer_changes(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out)
{
	struct hq_profile_page page = {.max = HQ_TELL_PROFILES_MAX, .bytes_max = HQ_TELL_BYTES_MAX};
	const char *generation = hq_db_generation(t->db);
	const uint8_t *pub = hq_keys_device(t->keys, store, ask->device);
	int64_t row = hq_db_int(t->db, 0, HQ_SQL_STORE_ID, "t", store);
	uint64_t to;
	bool more, fresh;

	if (!pub)
		return -1;
	/* A store that is ahead of the feed has heard another history than this one. */
	fresh = ask->since == 0 || strcmp(ask->generation, generation) != 0 ||
	        ask->since > hq_profile_version(t->db) || hq_hold_fresh(t->db, row, ask->since);
	page.since = fresh ? 0 : ask->since;
	hq_includes_read(&t->includes, t->db, store, &ask->awaits);
	page.includes = &t->includes;
	buf_reset(&t->lines);
	to = hq_hold_page(t->db, row, &page, &t->lines, &more);
	buf_reset(&t->header);
	buf_printf(
	    &t->header,
	    "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"tell\":\"changes\",\"generation\":\"%s\","
	    "\"since\":%" PRIu64 ",\"to\":%" PRIu64 ",\"more\":%s,",
	    ask->device, ask->id, generation, page.since, to, more ? "true" : "false");
	hq_includes_beyond(&t->includes, &t->header);
	hq_includes_through(&t->includes, &t->header);
	buf_printf(&t->header, "\"fresh\":%s}", fresh ? "true" : "false");
	buf_byte(&t->header, '\0');
	return encode(t, store, ask, pub, out);
}

/* The signature of the frame is what makes it HQ's time; the nonce in it, that it is not an old
 * one. */
static int answer_time(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                       struct buf *out)
{
	if (!hq_keys_device(t->keys, store, ask->device))
		return -1;
	buf_reset(&t->header);
	buf_printf(&t->header,
	           "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"tell\":\"time\",\"wall_us\":%" PRId64
	           ",\"error_us\":%" PRId64 "}",
	           ask->device, ask->id, clock_wall_us(t->clock), clock_error_us(t));
	buf_byte(&t->header, '\0');
	if (t->header.failed)
		return -1;
	return frame_encode("LNWT", store, (const char *)t->header.data, NULL, 0,
	                    hq_keys_sign(t->keys), out);
}

/* This database has lost a part of its life in which it gave these versions: it will not give their
 * numbers again. */
static void keep_floors(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask)
{
	int64_t row = hq_db_int(t->db, -1, HQ_SQL_STORE_ID, "t", store);

	if (ask->version_count == 0 || !ask->generation[0] || row < 0 || hq_db_begin(t->db) != 0)
		return;
	for (int i = 0; i < ask->version_count; i++) {
		const struct hq_tell_version *v = &ask->versions[i];
		if (hq_db_run(t->db, HQ_SQL_FLOOR_SET, "ibiit", row, v->epoch, sizeof v->epoch,
		              (int64_t)v->to, (int64_t)v->version, ask->generation) > 0)
			hq_db_run(t->db, HQ_SQL_FLOOR_DUE, "ibi", row, v->epoch, sizeof v->epoch,
			          (int64_t)v->to);
	}
	if (hq_db_commit(t->db) != 0)
		log_error("store %s: the versions that it holds could not be kept", store);
}

/* From another generation everything is told anew. */
static int answer_statement(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                            struct buf *out)
{
	const char *generation = hq_db_generation(t->db);
	const uint8_t *pub = hq_keys_device(t->keys, store, ask->device);
	bool same = strcmp(ask->generation, generation) == 0, more;
	struct hq_statement_ask page = {store, ask->device, same ? ask->since : 0};
	uint64_t to;

	if (!pub)
		return -1;
	if (!same)
		keep_floors(t, store, ask);
	buf_reset(&t->lines);
	to = hq_statement_page(t->db, &page, &t->lines, &more);
	buf_reset(&t->header);
	buf_printf(&t->header,
	           "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"tell\":\"statement\",\"generation\":"
	           "\"%s\",\"since\":%" PRIu64 ",\"to\":%" PRIu64 ",\"more\":%s}",
	           ask->device, ask->id, generation, page.since, to, more ? "true" : "false");
	buf_byte(&t->header, '\0');
	return encode(t, store, ask, pub, out);
}

static int answer_profile(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out)
{
	const uint8_t *pub = hq_keys_device(t->keys, store, ask->device);
	int n;

	if (!pub)
		return -1;
	hq_includes_read(&t->includes, t->db, store, NULL);
	buf_reset(&t->lines);
	n = hq_tell_profile_lines(t->profile, store, ask, &t->includes, &t->lines);
	if (n < 0)
		return -1;
	buf_reset(&t->header);
	buf_printf(&t->header, "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"tell\":\"profile\"}",
	           ask->device, ask->id);
	buf_byte(&t->header, '\0');
	return encode(t, store, ask, pub, out);
}

void hq_tell_rules(struct hq_tell *t, const struct hq_rules *rules)
{
	t->rules = rules;
}

/* Which table the store goes by, for whoever looks at HQ's status. */
static void note_rules(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask)
{
	int64_t row = hq_db_int(t->db, -1, HQ_SQL_STORE_ID, "t", store);

	if (row < 0 || hq_db_begin(t->db) != 0)
		return;
	hq_db_run(t->db, HQ_SQL_RULES_HEARD, "itttti", row, ask->device, ask->version, ask->refused,
	          ask->why, clock_wall_us(t->clock));
	hq_db_commit(t->db);
}

/* What has a version, under the word that was asked with: the line that stands in t->lines. */
static int tell_text(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                     const char *version, struct buf *out)
{
	const uint8_t *pub = hq_keys_device(t->keys, store, ask->device);

	if (!pub)
		return -1;
	buf_reset(&t->header);
	buf_printf(&t->header,
	           "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"tell\":\"%s\",\"version\":",
	           ask->device, ask->id, ask->kind);
	lw_event_json_string(&t->header, version);
	buf_byte(&t->header, '}');
	buf_byte(&t->header, '\0');
	return encode(t, store, ask, pub, out);
}

/* The store has this version already, or has looked at it: nothing but the version is told. */
static int answer_rules(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                        struct buf *out)
{
	bool told = t->rules && t->rules->version > HQ_RULES_DELIVERED;
	const char *version = told ? t->rules->table.version : "";

	if (!hq_keys_device(t->keys, store, ask->device))
		return -1;
	note_rules(t, store, ask);
	buf_reset(&t->lines);
	if (told && strcmp(ask->version, version) != 0 && strcmp(ask->refused, version) != 0) {
		rule_write(&t->lines, &t->rules->table);
		buf_byte(&t->lines, '\n');
	}
	return tell_text(t, store, ask, version, out);
}

int hq_tell_weights(struct hq_tell *t, const char *dir)
{
	t->weights = hq_tell_weights_new(dir);
	return t->weights ? 0 : -1;
}

static int answer_weights(struct hq_tell *t, const char *store, const struct hq_tell_ask *ask,
                          struct buf *out)
{
	const struct buf *text = NULL;
	const char *version = t->weights ? hq_tell_weights_now(t->weights, &text) : "";

	buf_reset(&t->lines);
	if (version[0] && strcmp(ask->version, version) != 0) {
		buf_add(&t->lines, text->data, text->len);
		buf_byte(&t->lines, '\n');
	}
	return tell_text(t, store, ask, version, out);
}

int hq_tell_answer(struct hq_tell *t, const char *store, const void *ask_bytes, size_t len,
                   struct buf *out)
{
	char err[HQ_TELL_ERR_SIZE];
	struct hq_tell_ask ask;
	uint64_t before = memory_failures();
	int rc;

	if (hq_tell_parse(ask_bytes, len, &ask, err, sizeof err) != 0) {
		log_warn("store %s: %s", store, err);
		return -1;
	}
	rc = kinds[kind_of(ask.kind)].answer(t, store, &ask, out);
	if (memory_failures() == before)
		return rc;
	log_error("store %s: out of memory for an answer; it will ask again", store);
	return -1;
}
