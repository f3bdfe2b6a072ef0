/* HQ when memory runs out: each allocation of jansson and SQLite fails in turn. (The same in HQ's
 * own `run`, with all others: tests/fault, fail_hq.) */
#include "hq_day_world.h"

#include <malloc.h>

#include "base/memory.h"
#include "hq/identity/hq_profile.h"
#include "hq/intake/hq_epoch.h"
#include "hq/tell/hq_tell.h"

#define LOOK_STEP                                                                                  \
	7 /* allocations between those that fail: all of them would take half a minute             \
	   */

/* ---- memory that fails when it is told to ---- */

static struct {
	uint64_t count, fail_at; /* 0: none */
} memory;

static bool fails(void)
{
	if (++memory.count != memory.fail_at)
		return false;
	memory_note();
	return true;
}

static void *alloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *sqlite_alloc(int n)
{
	return alloc((size_t)n);
}

static void *sqlite_more(void *p, int n)
{
	return fails() ? NULL : realloc(p, (size_t)n);
}

static int sqlite_size(void *p)
{
	return (int)malloc_usable_size(p);
}

static int sqlite_round_up(int n)
{
	return (n + 7) & ~7;
}

static int sqlite_begin(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static void sqlite_end(void *ctx)
{
	(void)ctx;
}

static void fail_at(uint64_t n)
{
	memory.count = 0;
	memory.fail_at = n;
}

/* false: the n-th allocation was not reached any more. */
static bool failed(void)
{
	bool reached = memory.count >= memory.fail_at;

	memory.fail_at = 0;
	return reached;
}

/* ---- transactions ---- */

static void a_transaction_in_which_memory_ran_out_is_not_kept(void **state)
{
	struct day_world *d = *state;

	assert_int_equal(hq_db_begin(d->w->db), 0);
	assert_true(hq_epoch_store(d->w->db, "s7") > 0);
	memory_note();
	assert_int_equal(hq_db_commit(d->w->db), -1);
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM store WHERE name = 's7'"), 0);
	assert_int_equal(hq_db_begin(d->w->db), 0);
	assert_true(hq_epoch_store(d->w->db, "s7") > 0);
	assert_int_equal(hq_db_commit(d->w->db), 0);
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM store WHERE name = 's7'"), 1);
}

/* Out of memory SQLite ends the transaction by itself; the next statement would be one of its own.
 */
static void what_stands_behind_a_statement_that_failed_is_not_run(void **state)
{
	struct day_world *d = *state;
	bool reached;

	hq_epoch_store(d->w->db, "warm");
	for (uint64_t n = 1; n < 40; n++) {
		assert_int_equal(hq_db_begin(d->w->db), 0);
		fail_at(n);
		sqlite3_exec(hq_db_handle(d->w->db), "SELECT 1", NULL, NULL, NULL);
		hq_db_run(d->w->db, HQ_SQL_ALARM_ADD, "itti", (int64_t)1, "a", "first", (int64_t)n);
		reached = failed();
		hq_db_run(d->w->db, HQ_SQL_ALARM_ADD, "itti", (int64_t)1, "b", "second",
		          (int64_t)n);
		assert_int_equal(hq_db_commit(d->w->db), reached ? -1 : 0);
		if (!reached)
			break;
		assert_int_equal(world_number(d->w, "SELECT count(*) FROM alarm"), 0);
	}
	assert_false(reached);
	assert_int_equal(world_number(d->w, "SELECT count(*) FROM alarm"), 2);
}

/* ---- what is told ---- */

static json_t *findings(struct day_world *d)
{
	json_t *doc =
	    json_loads(world_text(d->w, "SELECT CAST(doc AS TEXT) FROM countersign"), 0, NULL);
	json_t *of = json_incref(json_object_get(doc, "findings"));

	json_decref(doc);
	return of;
}

static void whatever_fails_a_day_is_countersigned_once_and_as_if_nothing_had(void **state)
{
	struct day_world *d = *state;
	uint64_t n = 0, looks = 0;
	json_t *first = NULL;
	bool reached = true;

	sold(d);
	store_send(d->s, 1, d->s->seq);
	world_fold(d->w);
	for (; reached; n += LOOK_STEP) {
		int rc, steps = 0;
		run_sql(d, "UPDATE statement SET due = due + 1");
		fail_at(n + 1);
		while ((rc = hq_signer_step(d->signer)) > 0 && ++steps < 10)
			continue;
		reached = failed();
		while (hq_signer_step(d->signer) > 0)
			continue;
		assert_string_equal(world_text(d->w, "SELECT state FROM statement"),
		                    "countersigned");
		assert_int_equal(world_number(d->w, "SELECT count(*) FROM countersign"), 1);
		json_t *now = findings(d);
		assert_non_null(now);
		assert_true(!first || json_equal(first, now));
		json_decref(first);
		first = now;
		looks += reached;
	}
	assert_true(looks > 100);
	assert_true(prove(d, DAY));
	json_decref(first);
}

/* false: HQ gave no answer. */
static bool told(struct hq_tell *tell, const struct key_pair *device, struct world *w, char **lines)
{
	static const char ask[] = "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\","
	                          "\"ask\":\"changes\",\"generation\":\"\",\"since\":0}";
	struct buf out = {0};
	struct frame frame;
	const uint8_t *at;
	char err[200];
	size_t len;

	if (hq_tell_answer(tell, "s1", ask, strlen(ask), &out) != 0) {
		buf_free(&out);
		return false;
	}
	memory.fail_at = 0;
	if (frame_decode("LNWT", "s1", out.data, out.len, w->sign.pub, &frame, err, sizeof err) ||
	    page_decode(w->codec, "s1", "d1", device->priv, frame.body, frame.body_len, &at, &len,
	                err, sizeof err))
		fail_msg("%s", err);
	*lines = strndup((const char *)at, len);
	buf_free(&out);
	return true;
}

static void import_some(struct world *w)
{
	char email[64];

	assert_int_equal(hq_db_begin(w->db), 0);
	for (int i = 0; i < 20; i++) {
		struct hq_person p = {.first_name = "Anna", .ident_count = 1};
		snprintf(email, sizeof email, "a%d@example.com", i);
		p.ident[0].kind = IDENT_EMAIL;
		text_copy(p.ident[0].value, sizeof p.ident[0].value, email);
		assert_int_equal(hq_profile_upsert(w->db, &p, &(int64_t){0}), HQ_UPSERT_NEW);
	}
	assert_int_equal(hq_db_commit(w->db), 0);
}

static void a_page_that_memory_was_short_for_is_not_told(void **state)
{
	struct day_world *d = *state;
	struct key_pair device = key_pair(EVP_PKEY_X25519, 33);
	struct hq_tell *tell = hq_tell_new(d->w->db, d->w->keys, &d->w->clock);
	char *whole = NULL, *lines = NULL;
	uint64_t refused = 0;
	bool reached = true;

	world_write_public(d->w, "stores/s1/d1/device-box.pub", EVP_PKEY_X25519, device.pub);
	import_some(d->w);
	assert_true(told(tell, &device, d->w, &whole));
	for (uint64_t n = 1; reached; n++) {
		sqlite3_db_release_memory(hq_db_handle(d->w->db));
		fail_at(n);
		bool answered = told(tell, &device, d->w, &lines);
		reached = memory.count >= n;
		memory.fail_at = 0;
		refused += !answered;
		if (answered)
			assert_string_equal(lines, whole);
		free(lines);
		lines = NULL;
	}
	assert_true(refused > 0);
	free(whole);
	hq_tell_free(tell);
}

int main(void)
{
	static const sqlite3_mem_methods methods = {
	    sqlite_alloc,    free,         sqlite_more, sqlite_size,
	    sqlite_round_up, sqlite_begin, sqlite_end,  NULL};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_transaction_in_which_memory_ran_out_is_not_kept,
	                                    day_set_up, day_tear_down),
	    cmocka_unit_test_setup_teardown(what_stands_behind_a_statement_that_failed_is_not_run,
	                                    day_set_up, day_tear_down),
	    cmocka_unit_test_setup_teardown(
	        whatever_fails_a_day_is_countersigned_once_and_as_if_nothing_had, day_set_up,
	        day_tear_down),
	    cmocka_unit_test_setup_teardown(a_page_that_memory_was_short_for_is_not_told,
	                                    day_set_up, day_tear_down),
	};

	json_set_alloc_funcs(alloc, free);
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
