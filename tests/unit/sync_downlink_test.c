#include "journal_place.h"

#include "base/log.h"
#include "store/shard.h"
#include "sync/downlink.h"

#define S 1000000LL
#define ANNA                                                                                       \
	"{\"customer_id\":\"C1\",\"first_name\":\"Anna\",\"identifiers\":[],\"state\":\"active\"," \
	"\"version\":1}\n"
#define BERT                                                                                       \
	"{\"customer_id\":\"C2\",\"first_name\":\"Bert\",\"identifiers\":[],\"state\":\"active\"," \
	"\"version\":2}\n"

struct fixture {
	struct place *place;
	struct shard *shard;
	struct downlink *downlink;
	struct batch_codec *codec, *hq_codec;
	struct downlink_tell tell; /* the fake HQ's next answer */
	int asks;
	char ask[400];
	bool refuse, busy;
	struct downlink_run included;
	int included_times;
};

static bool included(void *ctx, const struct downlink_run *run)
{
	struct fixture *f = ctx;
	if (f->busy)
		return false;
	assert_int_equal(run->epoch[7], 0xaa);
	f->included = *run;
	f->included_times++;
	return true;
}

static bool take(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	if (f->refuse)
		return false;
	snprintf(f->ask, sizeof(f->ask), "%.*s", (int)len, (const char *)payload);
	f->asks++;
	return true;
}

static void start(struct fixture *f)
{
	char path[128], err[200] = "";
	bool made;
	snprintf(path, sizeof(path), "%s/shard.db", f->place->dir);
	assert_int_equal(shard_open(&f->shard, path, f->place->vault, &made, err, sizeof(err)), 0);
	struct downlink_params params = {.store = "s1",
	                                 .device = "d1",
	                                 .vault = f->place->vault,
	                                 .clock = &f->place->clock,
	                                 .counters = &f->place->counters,
	                                 .shard = f->shard,
	                                 .codec = f->codec,
	                                 .publish = take,
	                                 .included = included,
	                                 .ctx = f};
	f->downlink = downlink_new(&params, err, sizeof(err));
	assert_non_null(f->downlink);
}

static void stop(struct fixture *f)
{
	downlink_free(f->downlink);
	shard_free(f->shard);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->place = place_new();
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	strcpy(f->tell.device, "d1");
	strcpy(f->tell.generation, "00000000000000aa");
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	stop(f);
	place_free(f->place);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	free(f);
	return 0;
}

static void later(struct fixture *f, int64_t us)
{
	atomic_fetch_add(&f->place->wall_us, us);
	downlink_step(f->downlink);
}

static struct downlink_state now(struct fixture *f)
{
	struct downlink_state s;
	downlink_state(f->downlink, &s);
	return s;
}

static void up(struct fixture *f)
{
	downlink_up(f->downlink);
	downlink_step(f->downlink);
}

/* Answer the last ask with these lines, sealed to the device `to` by name and its real key. */
static bool answer(struct fixture *f, const char *to, const char *lines)
{
	const char *id = strstr(f->ask, "\"id\":\"");
	assert_non_null(id);
	snprintf(f->tell.id, sizeof(f->tell.id), "%.16s", id + 6);
	assert_true(downlink_expects(f->downlink, &f->tell));
	struct buf body = {0};
	/* the test's keys: HQ's public box key is the device's own */
	assert_int_equal(page_encode(f->hq_codec, "s1", to, vault_hq_box_pub(f->place->vault),
	                             lines, strlen(lines), &body),
	                 0);
	bool ok = downlink_page(f->downlink, &f->tell, body.data, body.len);
	buf_free(&body);
	downlink_step(f->downlink);
	return ok;
}

/* Two profiles at version 2, nothing more. */
static void first_round(struct fixture *f)
{
	up(f);
	f->tell.fresh = true;
	f->tell.to = 2;
	assert_true(answer(f, "d1", ANNA BERT));
	f->tell.fresh = false;
	f->tell.since = 2;
}

static void a_new_connection_asks_from_where_the_shard_stands(void **state)
{
	struct fixture *f = *state;
	assert_true(downlink_step(f->downlink) == INT64_MAX);
	assert_int_equal(f->asks, 0);
	up(f);
	assert_int_equal(f->asks, 1);
	assert_non_null(strstr(f->ask, "{\"v\":1,\"device\":\"d1\",\"id\":\""));
	assert_non_null(strstr(f->ask, "\"ask\":\"changes\",\"generation\":\"\",\"since\":0}"));
	f->tell.fresh = true;
	f->tell.to = 2;
	assert_true(answer(f, "d1", ANNA BERT));
	stop(f);
	start(f);
	up(f);
	assert_non_null(strstr(f->ask, "\"generation\":\"00000000000000aa\",\"since\":2}"));
}

static void pages_are_applied_one_after_the_other_until_there_is_no_more(void **state)
{
	struct fixture *f = *state;
	up(f);
	f->tell.fresh = true;
	f->tell.more = true;
	f->tell.to = 1;
	assert_true(answer(f, "d1", ANNA));
	assert_int_equal(f->asks, 2);
	assert_int_equal(now(f).version, 1);
	assert_true(now(f).synced_wall_us == 0);
	f->tell.fresh = f->tell.more = false;
	f->tell.since = 1;
	f->tell.to = 2;
	assert_true(answer(f, "d1", BERT));
	assert_int_equal(f->asks, 2);
	assert_int_equal(now(f).version, 2);
	assert_true(now(f).synced_wall_us == f->place->wall_us);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_PROFILES_APPLIED), 2);
}

static void a_round_with_nothing_new_keeps_the_shard_fresh(void **state)
{
	struct fixture *f = *state;
	first_round(f);
	later(f, 59 * S);
	assert_int_equal(f->asks, 1);
	later(f, 2 * S);
	assert_int_equal(f->asks, 2);
	assert_true(answer(f, "d1", ""));
	assert_true(now(f).synced_wall_us == f->place->wall_us);
	assert_int_equal(now(f).version, 2);
}

static void an_answer_to_another_ask_or_device_is_not_expected(void **state)
{
	struct fixture *f = *state;
	struct downlink_tell t = {.device = "d1", .id = "0000000000000000"};
	assert_false(downlink_expects(f->downlink, &t));
	up(f);
	assert_false(downlink_expects(f->downlink, &t));
	memcpy(t.id, strstr(f->ask, "\"id\":\"") + 6, 16);
	assert_true(downlink_expects(f->downlink, &t));
	strcpy(t.device, "d2");
	assert_false(downlink_expects(f->downlink, &t));
	strcpy(t.device, "d1");
	downlink_down(f->downlink);
	assert_false(downlink_expects(f->downlink, &t));
}

static void bad(struct fixture *f, const char *to, const char *lines)
{
	uint64_t before = counter_get(&f->place->counters, COUNTER_DOWNLINK_BAD);
	int asks = f->asks;
	assert_false(answer(f, to, lines));
	assert_int_equal(counter_get(&f->place->counters, COUNTER_DOWNLINK_BAD), before + 1);
	assert_int_equal(now(f).version, 2);
	assert_int_equal(f->asks, asks);
	downlink_ask(f->downlink);
	downlink_step(f->downlink);
	assert_int_equal(f->asks, asks + 1);
}

static void a_bad_page_is_counted_and_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	first_round(f);
	struct downlink_tell good = f->tell;
	downlink_ask(f->downlink);
	downlink_step(f->downlink);
	f->tell.to = 3;
	bad(f, "d2", ANNA);
	bad(f, "d1", "{\"customer_id\":\"C3\",\"state\":\"active\",\"version\":3}\nnot json\n");
	f->tell.since = 1;
	bad(f, "d1", ANNA);
	f->tell = good;
	f->tell.to = 1;
	bad(f, "d1", ANNA);
	f->tell = good;
	f->tell.to = 2;
	f->tell.more = true;
	bad(f, "d1", "");
	f->tell = good;
	strcpy(f->tell.generation, "00000000000000bb");
	f->tell.to = 3;
	bad(f, "d1", ANNA);
	struct shard_reader *r;
	char path[128], err[200];
	snprintf(path, sizeof(path), "%s/shard.db", f->place->dir);
	assert_int_equal(shard_reader_open(&r, path, f->place->vault, err, sizeof(err)), 0);
	assert_int_equal(shard_count(r), 2);
	shard_reader_free(r);
}

static uint64_t profiles_seen(struct fixture *f)
{
	struct shard_reader *r;
	char path[128], err[200];
	snprintf(path, sizeof(path), "%s/shard.db", f->place->dir);
	assert_int_equal(shard_reader_open(&r, path, f->place->vault, err, sizeof(err)), 0);
	uint64_t n = shard_count(r);
	shard_reader_free(r);
	return n;
}

/* Pages are committed together while more of them come; none waits for one that does not. */
static void a_page_that_waits_for_the_next_is_there_after_two_seconds_or_when_the_line_goes(
    void **state)
{
	struct fixture *f = *state;
	up(f);
	f->tell.fresh = f->tell.more = true;
	f->tell.to = 1;
	assert_true(answer(f, "d1", ANNA));
	later(f, 2000000);
	assert_int_equal(profiles_seen(f), 1);
	f->tell.fresh = false;
	f->tell.since = 1;
	f->tell.to = 2;
	assert_true(answer(f, "d1", BERT));
	downlink_down(f->downlink);
	assert_int_equal(profiles_seen(f), 2);
	assert_int_equal(now(f).version, 2);
}

static void after_a_bad_page_it_asks_again_ever_more_slowly(void **state)
{
	struct fixture *f = *state;
	static const int waits_s[] = {10, 20, 40, 80, 160, 300, 300};
	up(f);
	f->tell.to = 1;
	f->tell.since = 7;
	for (int i = 0; i < 7; i++) {
		assert_int_equal(f->asks, i + 1);
		assert_false(answer(f, "d1", ANNA));
		later(f, waits_s[i] * S - 1);
		assert_int_equal(f->asks, i + 1);
		later(f, 1);
	}
}

static void without_an_answer_it_asks_again_ever_more_slowly(void **state)
{
	struct fixture *f = *state;
	static const int waits_s[] = {10, 20, 40, 80, 160, 300, 300};
	up(f);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(f->asks, i + 1);
		later(f, waits_s[i] * S - 1);
		assert_int_equal(f->asks, i + 1);
		later(f, 1);
	}
	first_round(f);
}

static void a_poke_for_something_newer_asks_at_once(void **state)
{
	struct fixture *f = *state;
	up(f);
	f->tell.fresh = true;
	f->tell.to = 2;
	answer(f, "d1", ANNA BERT);
	later(f, 1 * S);
	downlink_poke(f->downlink, "{\"v\":1,\"version\":2}", 19);
	downlink_step(f->downlink);
	assert_int_equal(f->asks, 1);
	downlink_poke(f->downlink, "{\"v\":1,\"version\":3}", 19);
	downlink_step(f->downlink);
	assert_int_equal(f->asks, 2);
	downlink_poke(f->downlink, "{\"v\":1,\"version\":4}", 19);
	downlink_step(f->downlink);
	assert_int_equal(f->asks, 2);
	f->tell.fresh = false;
	f->tell.since = 2;
	f->tell.to = 3;
	assert_true(answer(f, "d1", ANNA));
	assert_int_equal(f->asks, 3);
	downlink_poke(f->downlink, "nonsense", 8);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_DOWNLINK_BAD), 1);
}

static void poke(struct fixture *f, const char *json)
{
	downlink_poke(f->downlink, json, strlen(json));
	downlink_step(f->downlink);
}

static void a_poke_of_another_generation_or_from_an_hq_that_stands_below_itself_asks(void **state)
{
	struct fixture *f = *state;
	first_round(f);
	int asks = f->asks;
	later(f, 1 * S);
	char same[100];
	snprintf(same, sizeof(same), "{\"v\":1,\"generation\":\"%s\",\"turn\":7,\"version\":0}",
	         f->tell.generation);
	poke(f, same);
	assert_int_equal(f->asks, asks);
	downlink_seen(f->downlink, "7.AAAA");
	poke(f, same);
	assert_int_equal(f->asks, asks);
	downlink_seen(f->downlink, "8.AAAA");
	poke(f, same);
	assert_int_equal(f->asks, asks + 1);
	assert_non_null(strstr(f->ask, "\"seen\":\"8.AAAA\""));
	f->tell.since = f->tell.to;
	f->tell.fresh = false;
	assert_true(answer(f, "d1", ""));
	later(f, 1 * S);
	poke(f, "{\"v\":1,\"generation\":\"eeeeeeeeeeeeeeee\",\"version\":0}");
	assert_int_equal(f->asks, asks + 2);
}

static void a_poke_after_a_long_silence_does_not_wait_for_the_old_ask(void **state)
{
	struct fixture *f = *state;
	up(f);
	for (int i = 0; i < 40; i++)
		later(f, 30 * S);
	int asks = f->asks;
	later(f, 11 * S);
	assert_int_equal(f->asks, asks);
	downlink_poke(f->downlink, "{\"v\":1,\"version\":0}", 19);
	downlink_step(f->downlink);
	assert_int_equal(f->asks, asks + 1);
}

static void an_ask_that_hq_never_heard_goes_again_at_once(void **state)
{
	static const char anew[] = "{\"v\":1,\"anew\":true,\"version\":0}";
	struct fixture *f = *state;
	up(f);
	int asks = f->asks;
	later(f, 1 * S);
	assert_false(downlink_poke(f->downlink, "{\"v\":1,\"version\":0}", 19));
	downlink_step(f->downlink);
	assert_int_equal(f->asks, asks);
	assert_true(downlink_poke(f->downlink, anew, sizeof anew - 1));
	downlink_step(f->downlink);
	assert_int_equal(f->asks, asks + 1);
	assert_false(downlink_poke(f->downlink, "{\"anew\":true}", 13)); /* no poke */
	/* Whoever says so all the time is not believed. */
	for (int i = 0; i < 9; i++) {
		later(f, S / 10);
		assert_false(downlink_poke(f->downlink, anew, sizeof anew - 1));
	}
	assert_int_equal(f->asks, asks + 1);
	later(f, S / 10);
	assert_true(downlink_poke(f->downlink, anew, sizeof anew - 1));
}

static void pokes_without_end_are_answered_five_times_a_second(void **state)
{
	struct fixture *f = *state;
	first_round(f);
	for (int i = 0; i < 1000; i++) {
		downlink_poke(f->downlink, "{\"v\":1,\"version\":9}", 19);
		int asks = f->asks;
		later(f, 1000);
		if (f->asks > asks)
			assert_true(answer(f, "d1", ""));
	}
	assert_true(f->asks >= 4 && f->asks <= 7);
}

static void an_ask_that_cannot_leave_is_tried_again(void **state)
{
	struct fixture *f = *state;
	f->refuse = true;
	up(f);
	assert_true(now(f).asked_us == 0);
	f->refuse = false;
	later(f, 10 * S);
	assert_int_equal(f->asks, 1);
}

static void what_is_wrong_with_a_tell_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *json, *names;
	} cases[] = {
	    {"", "object"},
	    {"[]", "object"},
	    {"{}", "v: "},
	    {"{\"v\":1}", "tell: "},
	    {"{\"v\":1,\"tell\":\"time\",\"device\":\"d1\",\"id\":\"00000000000000aa\"}", "tell: "},
	    {"{\"v\":1,\"tell\":\"changes\"}", "device: "},
	    {"{\"v\":1,\"tell\":\"changes\",\"device\":\"d1\",\"id\":\"x\"}", "id: "},
	    {"{\"v\":1,\"tell\":\"changes\",\"device\":\"d1\",\"id\":\"00000000000000aa\"}",
	     "generation: "},
	    {"{\"v\":1,\"tell\":\"changes\",\"device\":\"d1\",\"id\":\"00000000000000aa\","
	     "\"generation\":\"00000000000000aa\",\"since\":0,\"to\":-1}",
	     "since, to: "},
	};
	struct downlink_tell t;
	char err[200];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err[0] = 0;
		assert_int_equal(
		    downlink_parse(cases[i].json, strlen(cases[i].json), &t, err, sizeof(err)), -1);
		if (!strstr(err, cases[i].names))
			fail_msg("%s: said \"%s\"", cases[i].json, err);
	}
	const char *good =
	    "{\"v\":1,\"tell\":\"changes\",\"device\":\"d1\",\"id\":\"00000000000000aa\","
	    "\"generation\":\"00000000000000bb\",\"since\":3,\"to\":4,\"more\":true,"
	    "\"fresh\":false,\"later\":1}";
	assert_int_equal(downlink_parse(good, strlen(good), &t, err, sizeof(err)), 0);
	assert_string_equal(t.generation, "00000000000000bb");
	assert_true(t.more && !t.fresh && t.since == 3 && t.to == 4);
}

/* The header that HQ would send, parsed. */
static void says(struct fixture *f, const char *members)
{
	char json[1600], err[200] = "";
	snprintf(json, sizeof json,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0000000000000000\",\"tell\":\"changes\","
	         "\"generation\":\"00000000000000aa\",%s}",
	         members);
	if (downlink_parse(json, strlen(json), &f->tell, err, sizeof err))
		fail_msg("%s", err);
}

static void what_hq_includes_counts_when_the_last_page_is_there(void **state)
{
	struct fixture *f = *state;
	up(f);
	says(f, "\"since\":0,\"to\":1,\"more\":true,\"fresh\":true,"
	        "\"includes\":{\"00000000000000aa\":41}");
	assert_true(answer(f, "d1", ANNA));
	assert_int_equal(f->included_times, 0);
	assert_int_equal(now(f).includes.count, 0);
	f->busy = true;
	says(f, "\"since\":1,\"to\":2,\"more\":false,\"fresh\":false,"
	        "\"includes\":{\"00000000000000aa\":41,\"nonsense\":7}");
	assert_true(answer(f, "d1", BERT));
	assert_int_equal(now(f).includes.count, 0);
	f->busy = false;
	later(f, 61 * S);
	says(f, "\"since\":2,\"to\":2,\"more\":false,\"fresh\":false,"
	        "\"includes\":{\"00000000000000aa\":41}");
	assert_true(answer(f, "d1", ""));
	assert_int_equal(f->included.first, 1);
	assert_int_equal(f->included.last, 41);
	assert_int_equal(now(f).includes.at[0].seq, 41);
	later(f, 61 * S);
	assert_true(answer(f, "d1", ""));
	assert_int_equal(f->included_times, 1);
}

static void what_lies_beyond_something_that_waits_is_included_once_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	up(f);
	says(f, "\"since\":0,\"to\":1,\"more\":false,\"fresh\":true,"
	        "\"includes\":{\"00000000000000aa\":41},"
	        "\"beyond\":{\"00000000000000aa\":[[43,50],[52],[60,52],[0,7],\"x\"]}");
	assert_true(answer(f, "d1", ANNA));
	assert_int_equal(f->included_times, 2);
	assert_int_equal(f->included.first, 43);
	assert_int_equal(f->included.last, 50);
	assert_int_equal(now(f).includes.beyond_count, 1);
	later(f, 61 * S);
	says(f, "\"since\":1,\"to\":1,\"more\":false,\"fresh\":false,"
	        "\"includes\":{\"00000000000000aa\":41},"
	        "\"beyond\":{\"00000000000000aa\":[[43,50]]}");
	assert_true(answer(f, "d1", ""));
	assert_int_equal(f->included_times, 2);
	later(f, 61 * S);
	says(f, "\"since\":1,\"to\":1,\"more\":false,\"fresh\":false,"
	        "\"includes\":{\"00000000000000aa\":50}");
	assert_true(answer(f, "d1", ""));
	assert_int_equal(f->included.last, 50);
	assert_int_equal(f->included_times, 3);
	assert_int_equal(now(f).includes.beyond_count, 0);
}

static void no_more_runs_are_taken_than_there_is_room_for(void **state)
{
	struct fixture *f = *state;
	char members[1200] = "\"since\":0,\"to\":1,\"beyond\":{\"00000000000000aa\":[";
	up(f);
	for (int i = 0; i <= DOWNLINK_BEYOND_MAX; i++)
		snprintf(members + strlen(members), sizeof members - strlen(members), "%s[%d,%d]",
		         i ? "," : "", 10 * i + 1, 10 * i + 5);
	strcat(members, "]}");
	says(f, members);
	assert_int_equal(f->tell.includes.beyond_count, DOWNLINK_BEYOND_MAX);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_hq_includes_counts_when_the_last_page_is_there),
	    TEST(what_lies_beyond_something_that_waits_is_included_once_and_nothing_else),
	    TEST(no_more_runs_are_taken_than_there_is_room_for),
	    TEST(a_new_connection_asks_from_where_the_shard_stands),
	    TEST(pages_are_applied_one_after_the_other_until_there_is_no_more),
	    TEST(a_round_with_nothing_new_keeps_the_shard_fresh),
	    TEST(an_answer_to_another_ask_or_device_is_not_expected),
	    TEST(a_bad_page_is_counted_and_leaves_nothing_behind),
	    TEST(a_page_that_waits_for_the_next_is_there_after_two_seconds_or_when_the_line_goes),
	    TEST(after_a_bad_page_it_asks_again_ever_more_slowly),
	    TEST(without_an_answer_it_asks_again_ever_more_slowly),
	    TEST(a_poke_for_something_newer_asks_at_once),
	    TEST(a_poke_of_another_generation_or_from_an_hq_that_stands_below_itself_asks),
	    TEST(an_ask_that_hq_never_heard_goes_again_at_once),
	    TEST(a_poke_after_a_long_silence_does_not_wait_for_the_old_ask),
	    TEST(pokes_without_end_are_answered_five_times_a_second),
	    TEST(an_ask_that_cannot_leave_is_tried_again),
	    cmocka_unit_test(what_is_wrong_with_a_tell_is_named),
	};
	log_open("sync_downlink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
