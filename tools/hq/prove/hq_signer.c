#include "hq/prove/hq_signer.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/prove/hq_statement.h"

#define REASON_SIZE 128

struct hq_signer {
	struct hq_db *db;
	struct hq_keys *keys;
	const struct clock *clock;
	struct hq_statement *st; /* the one that is looked at */
	struct hq_walk *walk;    /* NULL: none is */
	struct hq_tills *tills;
	int64_t due; /* as it was when the look began */
	uint64_t memory_at_begin;
};

struct hq_signer *hq_signer_new(struct hq_db *db, struct hq_keys *keys, const struct clock *clock)
{
	struct hq_signer *s = memory_zeroed(1, sizeof *s);

	if (!s)
		return NULL;
	s->db = db;
	s->keys = keys;
	s->clock = clock;
	s->st = memory_zeroed(1, sizeof *s->st);
	if (s->st)
		return s;
	free(s);
	return NULL;
}

static void end_look(struct hq_signer *s)
{
	hq_walk_free(s->walk);
	hq_tills_free(s->tills);
	s->walk = NULL;
	s->tills = NULL;
}

void hq_signer_free(struct hq_signer *s)
{
	if (!s)
		return;
	end_look(s);
	free(s->st);
	free(s);
}

void hq_signer_again(struct hq_signer *s, bool disputed)
{
	hq_db_run(s->db, HQ_SQL_STATEMENT_OPEN, "i", (int64_t)disputed);
}

/* ---- the version before ---- */

/* The newest version's document, or NULL: none was given yet. *version 0 then. */
static json_t *last_doc(struct hq_signer *s, int64_t *version)
{
	struct sqlite3_stmt *q = hq_db_query(s->db, HQ_SQL_COUNTERSIGN_LAST, "i", s->st->id);
	json_t *doc = NULL;

	*version = 0;
	if (hq_db_row(s->db, q)) {
		*version = sqlite3_column_int64(q, 0);
		doc = json_loadb(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), 0,
		                 NULL);
	}
	hq_db_end(q);
	return doc;
}

/* Versions that the store holds from a life of this database that it has lost. */
struct floor {
	int64_t version; /* 0: none */
	char generation[17];
};

static void read_floor(struct hq_signer *s, struct floor *out)
{
	struct sqlite3_stmt *q = hq_db_query(s->db, HQ_SQL_FLOOR_GET, "i", s->st->id);

	*out = (struct floor){0};
	if (!hq_db_row(s->db, q))
		return;
	out->version = sqlite3_column_int64(q, 0);
	text_copy(out->generation, sizeof out->generation, hq_db_text(q, 1));
	hq_db_end(q);
}

/* Does the store hold a version that is not among ours? */
static bool is_behind(const struct floor *f, const json_t *was, int64_t version)
{
	const char *generation = json_string_value(json_object_get(was, "generation"));

	return version < f->version || (version == f->version && f->version > 0 &&
	                                (!generation || strcmp(generation, f->generation) != 0));
}

static void add_reason(char *out, const char *word)
{
	size_t n = strlen(out);

	snprintf(out + n, REASON_SIZE - n, "%s%s", n ? "," : "", word);
}

/* What is another than it was, in words. */
static void reason_of(const json_t *was, const json_t *is, char out[REASON_SIZE])
{
	static const struct {
		const char *member, *word;
	} words[] = {
	    {"missing", "missing"}, {"lost", "lost_at_hq"},        {"erased", "erased"},
	    {"tills", "late"},      {"quarantined", "quarantine"}, {"forked", "forked"},
	    {"faults", "fault"},    {"received", "received"},      {"counts", "recounted"}};

	out[0] = '\0';
	if (!was) {
		snprintf(out, REASON_SIZE, "complete");
		return;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const json_t *a = json_object_get(was, words[i].member),
		             *b = json_object_get(is, words[i].member);
		if (json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b))
			continue;
		bool came = i < 2 && json_array_size(b) == 0; /* what was not here is here again */
		add_reason(out, came ? "came_again" : words[i].word);
	}
	if (!out[0])
		snprintf(out, REASON_SIZE, "changed");
}

/* ---- writing ---- */

static void set_state(struct hq_signer *s, const char *state, int64_t missing)
{
	hq_db_run(s->db, HQ_SQL_STATEMENT_SET, "itii", s->st->id, state, missing, s->due);
}

static json_t *make_doc(struct hq_signer *s, int64_t version, const char *reason, json_t *findings)
{
	const struct hq_statement *st = s->st;
	char leaf[TEXT_HEX_SIZE(EVENT_HASH_BYTES)], epoch[EVENT_EPOCH_SIZE],
	    made[CLOCK_ISO8601_SIZE];

	text_hex(st->leaf, sizeof st->leaf, leaf);
	text_hex(st->epoch, sizeof st->epoch, epoch);
	clock_iso8601(clock_wall_us(s->clock), made);
	json_t *doc =
	    json_pack("{s:i,s:s,s:s,s:s,s:s,s:{s:s,s:s,s:I},s:I,s:s,s:s,s:s,s:O}", "v", 1, "store",
	              st->store, "device", st->s.device, "business_date", st->s.business_date,
	              "first_date", st->s.first_date, "statement", "epoch", epoch, "leaf", leaf,
	              "seq", (json_int_t)st->seq, "version", (json_int_t)version, "reason", reason,
	              "made", made, "generation", hq_db_generation(s->db), "findings", findings);
	if (doc && hq_statement_sign(doc, st->store, hq_keys_sign(s->keys)) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

static int add_version(struct hq_signer *s, const json_t *was, int64_t version, json_t *findings,
                       bool restored)
{
	char reason[REASON_SIZE], *text = NULL;
	json_t *doc;

	if (restored)
		snprintf(reason, sizeof reason, "restored");
	else
		reason_of(json_object_get(was, "findings"), findings, reason);
	doc = make_doc(s, version, reason, findings);
	if (doc)
		text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	if (!text)
		return -1;
	hq_db_run(s->db, HQ_SQL_COUNTERSIGN_ADD, "iiib", s->st->id, version,
	          clock_wall_us(s->clock), text, strlen(text));
	log_info("store %s: %s of %s, version %" PRId64 ": %s", s->st->store,
	         s->st->s.business_date, s->st->s.device, version, reason);
	free(text);
	return 0;
}

/* Which people's keys the statement's lines name: their erasure concerns it. */
static void keep_keys(struct hq_signer *s, const struct hq_walk_result *r)
{
	for (size_t at = 0; at < r->key_ids.len; at += EVENT_ID_BYTES)
		hq_db_run(s->db, HQ_SQL_STATEMENT_KEY_ADD, "bi", r->key_ids.data + at,
		          (size_t)EVENT_ID_BYTES, s->st->id);
}

static const char *state_to_keep(const char *state, bool countersigned)
{
	if (strcmp(state, "complete") == 0)
		return "countersigned";
	return strcmp(state, "incomplete") == 0 && countersigned ? "lost" : state;
}

/* Was everything read that this look goes by? */
static bool had_memory(const struct hq_signer *s)
{
	if (memory_failures() == s->memory_at_begin)
		return true;
	log_error("store %s: out of memory while a statement was looked at", s->st->store);
	return false;
}

static int write_down(struct hq_signer *s, const struct hq_walk_result *r, json_t *findings)
{
	const char *state = hq_statement_state(s->st, r);
	int64_t version;
	json_t *was = last_doc(s, &version);
	bool complete = strcmp(state, "complete") == 0, is_new, restored;
	struct floor floor;
	int rc = -1;

	read_floor(s, &floor);
	restored = complete && is_behind(&floor, was, version);
	is_new =
	    restored ||
	    (version == 0 ? complete : !json_equal(json_object_get(was, "findings"), findings));
	if (version < floor.version)
		version = floor.version;
	if (hq_db_begin(s->db) != 0)
		goto done;
	keep_keys(s, r);
	if (!had_memory(s) ||
	    (is_new && add_version(s, was, version + 1, findings, restored) != 0)) {
		hq_db_rollback(s->db);
		goto done;
	}
	set_state(s, state_to_keep(state, was || is_new),
	          (int64_t)(r->missing.seqs + r->lost.seqs));
	rc = hq_db_commit(s->db);
done:
	json_decref(was);
	return rc;
}

static int finish(struct hq_signer *s)
{
	const struct hq_walk_result *r = hq_walk_result(s->walk);
	json_t *tills = hq_tills_compare(s->tills);
	json_t *findings = tills ? hq_statement_findings(s->st, r, tills) : NULL;
	int rc = findings ? write_down(s, r, findings) : -1;

	json_decref(findings);
	json_decref(tills);
	end_look(s);
	return rc;
}

/* ---- a look ---- */

static void on_line(void *ctx, int64_t epoch_row, uint64_t seq, const struct hq_line *line)
{
	struct hq_signer *s = ctx;

	hq_tills_line(s->tills, epoch_row, seq, line);
}

static int settle(struct hq_signer *s, const char *state, int64_t missing)
{
	if (!had_memory(s) || hq_db_begin(s->db) != 0)
		return -1;
	set_state(s, state, missing);
	return hq_db_commit(s->db);
}

static int begin_walk(struct hq_signer *s)
{
	const struct hq_walk_params params = {.db = hq_db_handle(s->db),
	                                      .keys = s->keys,
	                                      .store = s->st->store,
	                                      .store_row = s->st->store_row,
	                                      .statement = &s->st->s,
	                                      .line = on_line,
	                                      .ctx = s};

	s->walk = hq_walk_new(&params);
	s->tills = hq_tills_new(params.db, s->st->store, s->st->store_row, s->st->s.first_date,
	                        s->st->s.business_date);
	if (s->walk && s->tills)
		return 0;
	end_look(s);
	return -1;
}

/* 1 a look has begun or was short, 0 nothing is due, -1 */
static int begin_look(struct hq_signer *s)
{
	struct hq_statement *st = s->st;
	int64_t missing, version;

	s->memory_at_begin = memory_failures();
	struct sqlite3_stmt *q = hq_db_query(s->db, HQ_SQL_STATEMENT_NEXT, "");
	if (!hq_db_row(s->db, q))
		return q && had_memory(s) ? 0 : -1;
	st->id = sqlite3_column_int64(q, 0);
	st->store_row = sqlite3_column_int64(q, 1);
	text_copy(st->store, sizeof st->store, hq_db_text(q, 2));
	st->epoch_row = sqlite3_column_int64(q, 3);
	st->seq = (uint64_t)sqlite3_column_int64(q, 4);
	s->due = sqlite3_column_int64(q, 5);
	hq_db_end(q);
	if (hq_statement_read(hq_db_handle(s->db), s->keys, st) != 0)
		return -1;
	if (st->fault[0]) {
		log_error("store %s: the statement at seq %" PRIu64 " is not countersigned: %s",
		          st->store, st->seq, st->fault);
		return settle(s, "disputed", 0) == 0 ? 1 : -1;
	}
	missing = hq_walk_missing(hq_db_handle(s->db), st->store_row, &st->s);
	if (missing < 0)
		return -1;
	json_decref(last_doc(s, &version));
	if (missing > 0 && version == 0)
		return settle(s, "incomplete", missing) == 0 ? 1 : -1;
	return begin_walk(s) == 0 ? 1 : -1;
}

int hq_signer_step(struct hq_signer *s)
{
	int rc;

	if (!s->walk)
		return begin_look(s);
	rc = hq_walk_step(s->walk);
	if (rc == 0)
		return finish(s) == 0 ? 1 : -1;
	if (rc < 0)
		end_look(s);
	return rc;
}
