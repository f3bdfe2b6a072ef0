/* Values that were said at a lane and of which HQ kept another: told once, when the customer is
 * there, over restarts and power cuts too. And what HQ does not hear of for long. */
#include "flow_world.h"

#include <sqlite3.h>

#define KEPT "HQ kept \u201cAnna\u201d, not \u201cHanna\u201d"

static bool done;

static void on_done(void *ctx, const struct sale_error *err)
{
	(void)ctx;
	assert_null(err);
	done = true;
}

static void correct(struct world *w, const char *body)
{
	struct flow_known known;
	struct sale_error err;
	json_t *o = json_loads(body, 0, NULL);
	const struct flow_form f = {.kind = FLOW_CORRECT, .lane = "1", .body = o, .done = on_done};
	done = false;
	if (flow_form(w->flow, &f, &known, &err) != 0)
		fail_msg("%s: %s", err.code, err.message);
	WAIT_FOR(w, done);
	json_decref(o);
}

/* The card is shown in a basket of this name, whose messages begin with this session. */
static void comes(struct world *w, const char *session, const char *basket)
{
	char id[16];
	snprintf(id, sizeof id, "%s:1", session);
	till_open(w, id, basket);
	WAIT_FOR(w, said(w, 0, "kept", id));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
}

static void goes(struct world *w, const char *session, const char *basket)
{
	char line[128], id[16];
	snprintf(id, sizeof id, "%s:2", session);
	snprintf(line, sizeof line,
	         "{\"type\":\"basket_voided\",\"source_message_id\":\"%s\",\"basket\":\"%s\"}", id,
	         basket);
	till_say(w, line);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

static const char *notice(struct world *w)
{
	const char *text = text_of(shown(w, "1"), "notice");
	return text ? text : "";
}

/* HQ's page: its word on Anna, which includes all of this run, and facts beside the plain members.
 */
static void hq_includes(struct world *w, const char *first_name, const char *facts,
                        uint64_t version)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = version};
	char line[1500], path[96], err[256] = "";
	struct journal_state j;
	struct shard *s;
	bool made;
	uint64_t one = 1;
	snprintf(line, sizeof line,
	         "{\"customer_id\":\"C000017\",%s\"first_name\":\"%s\",\"identifiers\":[{\"kind\":"
	         "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"" CARD
	         "\",\"verified\":true}],\"name\":\"Anna Berg\",\"state\":\"active\",\"units\":[{"
	         "\"confirmed\":true,\"number\":17,\"ref\":\"AAECAwQFBgcICQoLDA0OEQ\"}],"
	         "\"version\":%d,\"visits\":7}\n",
	         facts, first_name, (int)version);
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(s);
	journal_state(w->p->journal, &j);
	for (int i = w->sync.includes.count; i > 0; i--)
		w->sync.includes.at[i] = w->sync.includes.at[i - 1];
	memcpy(w->sync.includes.at[0].epoch, j.epoch, sizeof j.epoch);
	w->sync.includes.at[0].seq = j.last_seq;
	w->sync.includes.count++;
	w->sync.shard_version = version;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
}

static size_t pending(struct world *w)
{
	struct overlay_state o;
	overlay_state(w->flow->overlay, &o);
	return o.events;
}

/* What the journal still awaits. */
static int awaited(struct world *w)
{
	char path[96];
	sqlite3 *db;
	sqlite3_stmt *q;
	int n = -1;
	snprintf(path, sizeof path, "%s/journal.db", w->p->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM awaited", -1, &q, NULL),
	                 SQLITE_OK);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

static void again(struct world *w)
{
	world_close(w);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
	till_say(w, "{\"type\":\"made\",\"before_ms\":0}");
}

/* Anna is Hanna here, HQ has heard of it and keeps Anna. */
static void hanna(struct world *w, const char *facts)
{
	keep(w);
	till_connect(w, "T1", "1");
	comes(w, "a", "B1");
	correct(w, "{\"first_name\":\"Hanna\"}");
	goes(w, "a", "B1");
	hq_includes(w, "Anna", facts, 900);
	WAIT_FOR(w, pending(w) == 0);
}

static void it_is_told_once_after_a_restart_too(void **state)
{
	struct world *w = *state;
	hanna(w, "");
	till_open(w, "n:1", "N"); /* the next thing that is kept takes the note along */
	WAIT_FOR(w, said(w, 0, "kept", "n:1"));
	goes(w, "n", "N");
	WAIT_FOR(w, awaited(w) == 0);
	for (int run = 0; run < 2; run++) {
		again(w);
		comes(w, run ? "d" : "c", "B2");
		if (run == 0)
			WAIT_FOR(w, strcmp(notice(w), KEPT) == 0);
		goes(w, run ? "d" : "c", "B2");
	}
	assert_string_not_equal(notice(w), KEPT);
	assert_true(w->flow->hq_kept.count == 1 && w->flow->hq_kept.at[0].told);
}

static void a_power_cut_before_it_is_noted_loses_nothing(void **state)
{
	struct world *w = *state;
	uint64_t one = 1;
	hanna(w, "");
	assert_true(awaited(w) > 0);
	again(w);
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	WAIT_FOR(w, pending(w) == 0);
	comes(w, "c", "B2");
	WAIT_FOR(w, strcmp(notice(w), KEPT) == 0);
	WAIT_FOR(w, awaited(w) == 0);
}

static void in_the_file_it_is_sealed(void **state)
{
	struct world *w = *state;
	char path[96];
	struct buf file = {0};
	uint8_t bytes[4096];
	size_t n;
	hanna(w, "");
	till_open(w, "n:1", "N");
	WAIT_FOR(w, said(w, 0, "kept", "n:1"));
	WAIT_FOR(w, awaited(w) == 0);
	for (int wal = 0; wal < 2; wal++) {
		snprintf(path, sizeof path, "%s/journal.db%s", w->p->dir, wal ? "-wal" : "");
		FILE *f = fopen(path, "r");
		while (f && (n = fread(bytes, 1, sizeof bytes, f)) > 0)
			buf_add(&file, bytes, n);
		if (f)
			fclose(f);
	}
	assert_non_null(memmem(file.data, file.len, "mark.kept", 9));
	assert_null(memmem(file.data, file.len, "Hanna", 5));
	assert_null(memmem(file.data, file.len, "C000017", 7));
	buf_free(&file);
}

static void what_hq_took_in_the_meantime_is_not_told(void **state)
{
	struct world *w = *state;
	hanna(w, "");
	hq_includes(w, "Hanna", "", 901);
	WAIT_FOR(w, w->flow->overlay_version == 901);
	comes(w, "c", "B2");
	WAIT_FOR(w, w->flow->hq_kept.count == 0);
	assert_string_equal(notice(w), "");
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Hanna");
}

static void who_is_told_by_the_till_is_told_what_hq_kept(void **state)
{
	struct world *w = *state;
	hanna(w, "");
	till_open(w, "c:1", "B2");
	till_say(w, "{\"type\":\"customer_chosen\",\"source_message_id\":\"c:2\",\"basket\":"
	            "\"B2\",\"kind\":\"loyalty\",\"value\":\"" CARD "\"}");
	WAIT_FOR(w, strcmp(notice(w), KEPT) == 0);
}

/* Of what a lane does not always show there is no value on the screen, and one after the other. */
static void every_field_is_compared_and_told_one_by_one(void **state)
{
	struct world *w = *state;
	struct buf why = {0};
	keep(w);
	till_connect(w, "T1", "1");
	comes(w, "a", "B1");
	correct(w, "{\"last_name\":\"Hagen\",\"note\":\"quiet\",\"language\":\"fr\"}");
	goes(w, "a", "B1");
	hq_includes(
	    w, "Anna",
	    "\"facts\":[{\"at\":[\"2026-11-20T00:00:00.000Z\"],\"field\":\"last_name\","
	    "\"id\":\"AAECAwQFBgcICQoLDA0OEg\",\"source\":\"steward\",\"trust\":90,"
	    "\"unit\":\"AAECAwQFBgcICQoLDA0OEQ\",\"value\":\"Berg\"},{\"at\":[\"2026-11-20T00:"
	    "00:00.000Z\"],\"field\":\"language\",\"id\":\"AAECAwQFBgcICQoLDA0OEw\","
	    "\"source\":\"steward\",\"trust\":90,\"unit\":\"AAECAwQFBgcICQoLDA0OEQ\","
	    "\"value\":\"de\"}],",
	    900);
	WAIT_FOR(w, pending(w) == 0);
	assert_int_equal(flow_profile_why(w->flow, "C000017", &why), 1);
	buf_byte(&why, '\0');
	assert_non_null(
	    strstr((char *)why.data, "\nHQ kept last_name: Berg, not Hagen, as was said here\n"));
	assert_non_null(
	    strstr((char *)why.data, "\nHQ kept note: nothing, not quiet, as was said here\n"));
	assert_non_null(
	    strstr((char *)why.data, "\nHQ kept language: de, not fr, as was said here\n"));
	buf_free(&why);
	comes(w, "c", "B2");
	WAIT_FOR(w, strcmp(notice(w), "HQ kept \u201cde\u201d, not \u201cfr\u201d") == 0);
	pass(w, 11 * SECOND_US);
	WAIT_FOR(w, strcmp(notice(w), "HQ kept another last name") == 0);
	pass(w, 11 * SECOND_US);
	WAIT_FOR(w, strcmp(notice(w), "HQ did not take the new note") == 0);
	pass(w, 11 * SECOND_US);
	WAIT_FOR(w, strcmp(notice(w), "") == 0);
}

static void who_is_gone_is_forgotten(void **state)
{
	struct world *w = *state;
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 901};
	static const char gone[] =
	    "{\"customer_id\":\"C000017\",\"deleted\":true,\"version\":901}\n";
	char path[96], err[256] = "";
	struct shard *s;
	bool made;
	uint64_t one = 1;
	hanna(w, "");
	WAIT_FOR(w, w->flow->hq_kept.count == 1);
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, gone, strlen(gone), &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(s);
	w->sync.shard_version = 901;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	WAIT_FOR(w, w->flow->hq_kept.count == 0);
}

/* The member `pending` of the status, valid until the next call. */
static json_t *pending_status(struct world *w)
{
	static json_t *status;
	struct buf json = {0};
	json_decref(status);
	flow_status_json(w->flow, &json);
	status = json_loadb((char *)json.data, json.len, 0, NULL);
	buf_free(&json);
	return json_object_get(status, "pending");
}

static void what_waits_for_30_days_raises_an_alarm_and_stays(void **state)
{
	struct world *w = *state;
	char log[4096] = "";
	FILE *err = tmpfile();
	keep(w);
	till_connect(w, "T1", "1");
	comes(w, "a", "B1");
	correct(w, "{\"first_name\":\"Hanna\"}");
	goes(w, "a", "B1");
	pass(w, 30 * 86400 * SECOND_US - SECOND_US);
	assert_false(is(pending_status(w), "alarm"));
	int before = dup(2);
	dup2(fileno(err), 2);
	pass(w, 86400 * SECOND_US);
	for (int i = 0; i < 3; i++) {
		assert_true(is(pending_status(w), "alarm"));
		pass(w, SECOND_US);
	}
	dup2(before, 2);
	close(before);
	rewind(err);
	assert_true(fread(log, 1, sizeof log - 1, err) > 0);
	fclose(err);
	const char *alarm = strstr(log, "ALARM: HQ has not confirmed a change to a customer for 30 "
	                                "days; 1 wait");
	assert_non_null(alarm);
	assert_null(strstr(alarm + 1, "ALARM"));
	assert_int_equal(json_integer_value(json_object_get(pending_status(w), "oldest_s")),
	                 31 * 86400 + 2);
	assert_int_equal(pending(w), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(it_is_told_once_after_a_restart_too),
	    T(a_power_cut_before_it_is_noted_loses_nothing),
	    T(in_the_file_it_is_sealed),
	    T(what_hq_took_in_the_meantime_is_not_told),
	    T(who_is_told_by_the_till_is_told_what_hq_kept),
	    T(every_field_is_compared_and_told_one_by_one),
	    T(who_is_gone_is_forgotten),
	    T(what_waits_for_30_days_raises_an_alarm_and_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
