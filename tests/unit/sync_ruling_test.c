/* HQ's rule table: asked for with what stands here, taken once. */
#include "journal_place.h"

#include <jansson.h>

#include "sync/ruling.h"
#include "sync_keys.h"

#define S 1000000LL

struct fixture {
	struct place *place;
	struct ruling *r;
	struct batch_codec *codec, *hq_codec;
	char ask[300], id[17]; /* what the last one said, without what each says */
	int asks;
};

static bool take(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	json_t *o = json_loadb(payload, len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "ask")), "rules");
	strcpy(f->id, json_string_value(json_object_get(o, "id")));
	const char *refused = json_string_value(json_object_get(o, "refused"));
	const char *why = json_string_value(json_object_get(o, "why"));
	snprintf(f->ask, sizeof f->ask, "%s/%s/%s",
	         json_string_value(json_object_get(o, "version")), refused ? refused : "",
	         why ? why : "");
	json_decref(o);
	f->asks++;
	return true;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->place = place_new();
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	const struct downlink_params params = {.store = "s1",
	                                       .device = "d1",
	                                       .vault = f->place->vault,
	                                       .clock = &f->place->clock,
	                                       .counters = &f->place->counters,
	                                       .codec = f->codec,
	                                       .publish = take,
	                                       .ctx = f};
	f->r = ruling_new(&params, "rules");
	assert_non_null(f->r);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	ruling_free(f->r);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	place_free(f->place);
	free(f);
	return 0;
}

static int step(struct fixture *f)
{
	bool news;
	int before = f->asks;
	ruling_step(f->r, &news);
	return f->asks - before;
}

static void tell(struct fixture *f, const char *version, const char *lines)
{
	struct buf body = {0};
	char header[200], err[200] = "";
	/* the test's keys: HQ's public box key is the device's own */
	const uint8_t *pub = vault_hq_box_pub(f->place->vault);
	assert_int_equal(page_encode(f->hq_codec, "s1", "d1", pub, lines, strlen(lines), &body), 0);
	int n = snprintf(
	    header, sizeof header,
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"rules\",\"version\":\"%s\"}",
	    f->id, version);
	const struct frame frame = {
	    .header = header, .header_len = (size_t)n, .body = body.data, .body_len = body.len};
	if (ruling_tell(f->r, &frame, err, sizeof err) != 0)
		fail_msg("%s", err);
	buf_free(&body);
}

/* The table that lies ready; "" when none does, "nothing" for an empty one. */
static const char *next(struct fixture *f)
{
	static char text[100];
	struct buf out = {0};
	bool news = ruling_next(f->r, &out);
	snprintf(text, sizeof text, "%.*s", news ? (int)out.len : 0, (char *)out.data);
	if (news && out.len == 0)
		strcpy(text, "nothing");
	buf_free(&out);
	return text;
}

static void nothing_is_asked_before_it_is_known_what_stands(void **state)
{
	struct fixture *f = *state;
	ruling_up(f->r);
	assert_int_equal(step(f), 0);
	ruling_stand(f->r, "", "", "");
	assert_int_equal(step(f), 1);
	assert_string_equal(f->ask, "//");
}

static void what_stands_is_said_again_when_it_is_something_else(void **state)
{
	struct fixture *f = *state;
	ruling_stand(f->r, "7", "", "");
	ruling_up(f->r);
	assert_int_equal(step(f), 1);
	assert_string_equal(f->ask, "7//");
	tell(f, "8", "{\"version\":\"8\"}\n");
	assert_string_equal(next(f), "{\"version\":\"8\"}");
	assert_int_equal(step(f), 0);
	ruling_stand(f->r, "7", "8", "no \"scheme\"");
	assert_int_equal(step(f), 1);
	assert_string_equal(f->ask, "7/8/no \"scheme\"");
	ruling_stand(f->r, "7", "8", "no \"scheme\"");
	assert_int_equal(step(f), 0);
}

/* HQ knows that it is here, or refused; or it has none at all. */
static void a_tell_without_a_table_takes_nothing_away(void **state)
{
	struct fixture *f = *state;
	ruling_stand(f->r, "7", "", "");
	ruling_up(f->r);
	step(f);
	tell(f, "7", "");
	assert_string_equal(next(f), "");
	ruling_again(f->r);
	step(f);
	tell(f, "", "");
	assert_string_equal(next(f), "");
}

static void poke(struct fixture *f, const char *text)
{
	ruling_poke(f->r, text, strlen(text));
}

/* One that could not be used is not asked for again at every poke. */
static void a_poke_that_names_another_version_is_asked_about_once(void **state)
{
	struct fixture *f = *state;
	poke(f, "{\"rules\":\"8\"}");
	ruling_stand(f->r, "7", "", "");
	ruling_up(f->r);
	assert_int_equal(step(f), 1);
	poke(f, "{\"rules\":\"8\"}");
	assert_int_equal(step(f), 0); /* the first ask is on its way */
	tell(f, "7", "");
	for (size_t i = 0; i < 5; i++) {
		poke(f, ((const char *const[]){"{\"rules\":\"7\"}", "{\"rules\":\"\"}", "{\"v\":1}",
		                               "{\"rules\":8}", "no JSON"})[i]);
		assert_int_equal(step(f), 0);
	}
	poke(f, "{\"rules\":\"8\"}");
	assert_int_equal(step(f), 1);
	tell(f, "8", "{\"version\":\"8\"}\n");
	assert_string_equal(next(f), "{\"version\":\"8\"}");
	poke(f, "{\"rules\":\"8\"}");
	assert_int_equal(step(f), 0);
	poke(f, "{\"rules\":\"7\"}");
	assert_int_equal(step(f), 0); /* it is in force here */
	poke(f, "{\"rules\":\"9\"}");
	assert_int_equal(step(f), 1);
	atomic_fetch_add(&f->place->wall_us, 11 * S);
	poke(f, "{\"rules\":\"9\"}"); /* HQ lives, and the ask was lost */
	assert_int_equal(step(f), 1);
}

static void an_ask_without_an_answer_is_sent_again_and_an_answered_one_after_a_while(void **state)
{
	struct fixture *f = *state;
	ruling_stand(f->r, "7", "", "");
	ruling_up(f->r);
	assert_int_equal(step(f), 1);
	atomic_fetch_add(&f->place->wall_us, 31 * S);
	assert_int_equal(step(f), 1);
	tell(f, "7", "");
	atomic_fetch_add(&f->place->wall_us, 899 * S);
	assert_int_equal(step(f), 0);
	atomic_fetch_add(&f->place->wall_us, 2 * S);
	assert_int_equal(step(f), 1);
	ruling_down(f->r);
	ruling_again(f->r);
	assert_int_equal(step(f), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_asked_before_it_is_known_what_stands),
	    TEST(what_stands_is_said_again_when_it_is_something_else),
	    TEST(a_tell_without_a_table_takes_nothing_away),
	    TEST(a_poke_that_names_another_version_is_asked_about_once),
	    TEST(an_ask_without_an_answer_is_sent_again_and_an_answered_one_after_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
