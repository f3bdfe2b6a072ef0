/* What of a store's events HQ says that it includes: as HQ tells it, and as the store hears it. */
#include "hq_say.h"
#include "hq_tell_world.h"

#include "hq/identity/hq_includes.h"
#include "hq/identity/hq_unit.h"
#include "hq/intake/hq_retry.h"
#include "hq/prove/hq_day.h"
#include "identity/overlay.h"
#include "sync/downlink.h"

#define PHONE "+4915127418395"

/* As the store's downlink reads it. */
static void hear(struct telling *t, struct downlink_includes *out)
{
	struct downlink_tell tell;
	char err[200] = "";
	char *header;

	ask(t, "", 0);
	header = json_dumps(t->header, JSON_COMPACT);
	if (downlink_parse(header, strlen(header), &tell, err, sizeof err) != 0)
		fail_msg("%s", err);
	*out = tell.includes;
	free(header);
}

static bool is_in(const struct downlink_includes *i, const struct store *s, uint64_t seq)
{
	bool in = false;

	for (int k = 0; k < i->count; k++)
		in |=
		    memcmp(i->at[k].epoch, s->epoch, EVENT_EPOCH_BYTES) == 0 && seq <= i->at[k].seq;
	for (int k = 0; k < i->beyond_count; k++)
		in |= memcmp(i->beyond[k].epoch, s->epoch, EVENT_EPOCH_BYTES) == 0 &&
		      seq >= i->beyond[k].first && seq <= i->beyond[k].last;
	return in;
}

/* All of the store's seqs but these (NULL: all), in the tell and in each line. */
static void includes_all_but(struct telling *t, struct store *s, const char *out)
{
	struct downlink_includes now;
	char name[30];

	hear(t, &now);
	for (uint64_t seq = 1; seq <= s->seq; seq++) {
		snprintf(name, sizeof name, ",%" PRIu64 ",", seq);
		assert_int_equal(is_in(&now, s, seq), !strstr(out, name));
	}
	assert_int_equal(strstr(t->lines, "\"beyond\":{") != NULL, now.beyond_count > 0);
}

static void send_without_keys(struct store *s, uint64_t first, uint64_t last)
{
	struct buf payload = {0};

	store_batch_of(s, first, last, false, &payload);
	world_up(s->world, s->name, payload.data, payload.len);
	buf_free(&payload);
}

/* A customer whose line the page has. */
static void other_customer(struct telling *t)
{
	struct store *s = store_new(t->w, "s2", 0x22);

	enrol(s, 90, 91, "Other", "+4915127419999");
	arrive(s);
	store_free(s);
}

static void what_waits_for_its_key_is_not_included(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);

	other_customer(t);
	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 3, 4, "Bert", "+4915127410001");
	attach(s, "b", "C000001", ref(91));
	store_chatter(s, 2);
	store_send(s, 1, 1);
	send_without_keys(s, 2, 2);
	store_send(s, 3, 3);
	send_without_keys(s, 4, 6); /* whose name is not known is not awaited by the store */
	world_fold(t->w);
	includes_all_but(t, s, ",2,");
	store_send(s, 1, 6);
	world_fold(t->w);
	includes_all_but(t, s, "");
	store_free(s);
}

static void what_came_behind_a_gap_is_included_as_it_is_counted(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);

	other_customer(t);
	enrol(s, 1, 2, "Anna", PHONE);
	store_chatter(s, 2);
	points(s, 8, 1, 5);
	store_chatter(s, 2);
	points(s, 9, 1, 7);
	store_send(s, 1, 2);
	store_send(s, 5, 6);
	world_fold(t->w);
	includes_all_but(t, s, ",3,4,7,8,");
	store_send(s, 8, 8);
	includes_all_but(t, s, ",3,4,7,8,"); /* has come, and is not folded yet */
	world_fold(t->w);
	includes_all_but(t, s, ",3,4,7,");
	store_send(s, 1, 8);
	world_fold(t->w);
	includes_all_but(t, s, "");
	assert_null(json_object_get(t->header, "beyond"));
	store_free(s);
}

static void what_waits_for_its_unit_is_not_included(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab), *late = store_new(t->w, "s2", 0xcd);

	other_customer(t);
	correct(s, 7, 1, "\"fields\":{\"first_name\":\"Anne\"}");
	points(s, 8, 1, 5);
	store_chatter(s, 1);
	choose(s, 9, 1, 0, "granted");
	arrive(s);
	includes_all_but(t, s, ",2,3,5,");
	enrol(late, 1, 2, "Anna", PHONE);
	arrive(late);
	includes_all_but(t, s, "");
	store_free(s);
	store_free(late);
}

static void what_waits_for_the_claim_of_its_address_is_not_included(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab), *late = store_new(t->w, "s2", 0xcd);

	other_customer(t);
	enrol(s, 1, 2, "Anna", PHONE);
	choose(s, 9, 1, 5, "granted"); /* 5: a claim that another store's correction brings */
	store_chatter(s, 1);
	arrive(s);
	includes_all_but(t, s, ",3,");
	correct(late, 7, 1,
	        "\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"BQUFBQUFBQUFBQUFBQUFBQ\","
	        "\"value\":\"+4915127410005\",\"verified\":false}]");
	arrive(late);
	includes_all_but(t, s, "");
	store_free(s);
	store_free(late);
}

static void a_choice_of_somebody_who_is_forgotten_waits_for_nothing(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);

	enrol(s, 1, 2, "Anna", PHONE);
	choose(s, 9, 1, 5, "refused");
	store_chatter(s, 1);
	arrive(s);
	includes_all_but(t, s, ",3,");
	assert_int_equal(hq_db_begin(t->w->db), 0);
	hq_unit_forget(t->w->db, 1, WORLD_WALL_US);
	assert_int_equal(hq_db_commit(t->w->db), 0);
	world_fold(t->w);
	ask(t, "", 0);
	assert_null(json_object_get(t->header, "beyond"));
	store_free(s);
}

static void what_can_never_be_opened_is_included_as_refused(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab), *after;

	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 3, 4, "Bert", "+4915127410001");
	send_without_keys(s, 1, 2);
	world_fold(t->w);
	assert_int_equal(hq_day_erase_key(t->w->db, s->line[2].key.id, WORLD_WALL_US), 0);
	assert_int_equal(hq_day_erase_key(t->w->db, s->line[3].key.id, WORLD_WALL_US), 0);
	store_send(s, 3, 3); /* its key was destroyed before it came */
	world_fold(t->w);
	after = store_new(t->w, "s2", 0x22);
	enrol(after, 5, 6, "Carl", "+4915127410002");
	arrive(after);
	includes_all_but(t, s, "");
	assert_int_equal(world_number(t->w, "SELECT count(*) FROM uncounted WHERE seq = 3"), 1);
	store_free(s);
	store_free(after);
}

static void what_cannot_be_read_is_not_included_until_it_is_read_and_folded(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);
	struct hq_retry retry;

	other_customer(t);
	enrol(s, 1, 2, "Anna", PHONE);
	store_chatter(s, 1);
	arrive(s);
	includes_all_but(t, s, "");
	/* As if the release of that time had not been able to read it. */
	world_number(t->w, "INSERT INTO quarantine(epoch, seq, leaf, line, reason, arrived_us)"
	                   " SELECT epoch, seq, leaf, line, 'no_envelope', 0 FROM event"
	                   " WHERE seq = 2 AND epoch = (SELECT id FROM epoch WHERE epoch ="
	                   " x'abababababababab')");
	world_number(t->w, "DELETE FROM event WHERE seq = 2 AND epoch = (SELECT id FROM epoch"
	                   " WHERE epoch = x'abababababababab')");
	includes_all_but(t, s, ",2,");
	assert_int_equal(hq_retry_run(t->w->db, t->w->keys, NULL, &retry), 0);
	assert_int_equal(retry.read, 1);
	includes_all_but(t, s, ",2,"); /* read, and not folded yet */
	world_fold(t->w);
	includes_all_but(t, s, "");
	store_free(s);
}

/* n events that wait, each with one that does not behind it. */
static struct store *many_waits(struct telling *t, int n)
{
	struct store *s = store_new(t->w, "s1", 0xab);

	store_chatter(s, 1);
	for (int i = 0; i < n; i++) {
		points(s, (uint8_t)(i + 1), 200, 5);
		store_chatter(s, 1);
	}
	arrive(s);
	return s;
}

static void as_many_runs_as_a_store_takes_and_not_one_more(void **state)
{
	struct telling *t = *state;
	struct downlink_includes now;
	struct store *s = many_waits(t, HQ_INCLUDES_RUNS_MAX);

	assert_int_equal(HQ_INCLUDES_RUNS_MAX, DOWNLINK_BEYOND_MAX);
	hear(t, &now);
	assert_int_equal(now.beyond_count, HQ_INCLUDES_RUNS_MAX);
	assert_true(is_in(&now, s, s->seq));
	store_free(s);
}

static void what_there_is_no_room_for_is_not_said_to_be_included(void **state)
{
	struct telling *t = *state;
	struct downlink_includes now;
	struct store *s = many_waits(t, HQ_INCLUDES_RUNS_MAX + 1);

	hear(t, &now);
	assert_int_equal(now.beyond_count, HQ_INCLUDES_RUNS_MAX);
	assert_false(is_in(&now, s, s->seq));
	assert_true(is_in(&now, s, s->seq - 2));
	for (uint64_t seq = 3; seq <= s->seq; seq += 2)
		assert_false(is_in(&now, s, seq));
	store_free(s);
}

/* ---- the whole way: HQ's word into a store's overlay ---- */

static int no_lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn,
                    void *fn_ctx)
{
	(void)ctx;
	(void)kind;
	(void)value;
	(void)fn;
	(void)fn_ctx;
	return 0;
}

static void take_into(struct overlay *o, const struct overlay_hq *hq, struct store *s, uint64_t seq,
                      const char *sealed)
{
	const struct overlay_event ev = {.ordinal = 1,
	                                 .epoch = s->epoch,
	                                 .seq = seq,
	                                 .line = s->line[seq].text,
	                                 .line_len = strlen(s->line[seq].text),
	                                 .sealed = sealed,
	                                 .sealed_len = strlen(sealed)};

	assert_int_equal(overlay_take(o, hq, &ev), 1);
}

static void let_go(struct overlay *o, const struct overlay_hq *hq,
                   const struct downlink_includes *now)
{
	for (int i = 0; i < now->count; i++)
		overlay_included(o, now->at[i].epoch, 1, now->at[i].seq);
	for (int i = 0; i < now->beyond_count; i++)
		overlay_included(o, now->beyond[i].epoch, now->beyond[i].first,
		                 now->beyond[i].last);
	while (overlay_refresh(o, hq, 8) > 0)
		continue;
}

static void whom_hq_cannot_read_yet_stays_on_the_stores_lanes(void **state)
{
	static const char anna[] =
	    "{\"fields\":{\"first_name\":\"Anna\"},\"identifiers\":[{\"kind\":\"phone\",\"ref\":"
	    "\"AgICAgICAgICAgICAgICAg\",\"value\":\"" PHONE "\",\"verified\":false}]}";
	static const char bert[] =
	    "{\"fields\":{\"first_name\":\"Bert\"},\"identifiers\":[{\"kind\":\"phone\",\"ref\":"
	    "\"BAQEBAQEBAQEBAQEBAQEBA\",\"value\":\"+4915127410001\",\"verified\":false}]}";
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);
	struct field_trust trust;
	const struct overlay_hq hq = {no_lines, NULL};
	struct downlink_includes now;
	struct overlay_state left;
	struct shard_hit hit;

	field_trust_defaults(&trust);
	struct overlay *o = overlay_new(&t->w->rules, &trust);
	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 3, 4, "Bert", "+4915127410001");
	take_into(o, &hq, s, 2, anna);
	take_into(o, &hq, s, 3, bert);
	send_without_keys(s, 1, 2);
	store_send(s, 3, 3);
	world_fold(t->w);
	hear(t, &now);
	let_go(o, &hq, &now);
	overlay_state(o, &left);
	assert_int_equal(left.events, 1);
	assert_int_equal(overlay_find(o, "phone", PHONE, &hit, 1), 1);
	assert_int_equal(overlay_find(o, "phone", "+4915127410001", &hit, 1), OVERLAY_UNTOUCHED);
	store_send(s, 2, 2);
	world_fold(t->w);
	hear(t, &now);
	let_go(o, &hq, &now);
	overlay_state(o, &left);
	assert_int_equal(left.events, 0);
	overlay_free(o);
	store_free(s);
}

/* A box that starts again and again: what it said in its first epoch HQ heard last. */
static void an_older_epoch_is_spoken_of_when_the_store_asks_for_it(void **state)
{
	struct telling *t = *state;
	struct store *s[HQ_INCLUDES_EPOCHS_MAX + 2];
	struct downlink_includes now;
	struct downlink_tell tell;
	char text[300], name[EVENT_EPOCH_SIZE], err[200] = "", *header;
	size_t n = sizeof s / sizeof s[0];

	for (size_t i = 0; i < n; i++) {
		s[i] = store_after(t->w, "s1", (uint8_t)(i + 1), i ? s[i - 1] : NULL);
		store_chatter(s[i], 2);
		arrive(s[i]);
	}
	hear(t, &now);
	assert_int_equal(now.count, HQ_INCLUDES_EPOCHS_MAX);
	assert_false(is_in(&now, s[0], 1));
	assert_true(is_in(&now, s[2], 1));
	text_hex(s[0]->epoch, EVENT_EPOCH_BYTES, name);
	snprintf(text, sizeof text,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	         "\"generation\":\"\",\"since\":0,\"awaits\":[7,\"x\",\"ffffffffffffffff\",\"%s\","
	         "\"%s\"]}",
	         name, name);
	ask_with(t, text);
	header = json_dumps(t->header, JSON_COMPACT);
	assert_int_equal(downlink_parse(header, strlen(header), &tell, err, sizeof err), 0);
	free(header);
	assert_int_equal(tell.includes.count, HQ_INCLUDES_EPOCHS_MAX);
	assert_true(is_in(&tell.includes, s[0], s[0]->seq));
	assert_true(is_in(&tell.includes, s[n - 1], 1));
	assert_false(is_in(&tell.includes, s[2], 1));
	for (size_t i = 0; i < n; i++)
		store_free(s[i]);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, telling_set_up, telling_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_waits_for_its_key_is_not_included),
	    TEST(what_came_behind_a_gap_is_included_as_it_is_counted),
	    TEST(what_waits_for_its_unit_is_not_included),
	    TEST(what_waits_for_the_claim_of_its_address_is_not_included),
	    TEST(a_choice_of_somebody_who_is_forgotten_waits_for_nothing),
	    TEST(what_can_never_be_opened_is_included_as_refused),
	    TEST(what_cannot_be_read_is_not_included_until_it_is_read_and_folded),
	    TEST(as_many_runs_as_a_store_takes_and_not_one_more),
	    TEST(what_there_is_no_room_for_is_not_said_to_be_included),
	    TEST(whom_hq_cannot_read_yet_stays_on_the_stores_lanes),
	    TEST(an_older_epoch_is_spoken_of_when_the_store_asks_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
