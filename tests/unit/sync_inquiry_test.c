/* Asking HQ for one profile. The test is HQ. */
#include "journal_place.h"

#include <jansson.h>

#include "sync/inquiry.h"
#include "sync/tell.h"

#define S 1000000LL
#define ANNA                                                                                       \
	"{\"customer_id\":\"C1\",\"first_name\":\"Anna\",\"identifiers\":[],\"state\":\"active\"," \
	"\"version\":1}\n"

struct fixture {
	struct place *place;
	struct batch_codec *codec, *hq_codec;
	struct vault_work *work;
	struct inquiry *q;
	int asks, kept;
	char ask[2000], lines[400];
	bool refuse, keeps_nothing;
};

static bool publish(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	if (f->refuse)
		return false;
	assert_true(len < sizeof(f->ask));
	snprintf(f->ask, sizeof(f->ask), "%.*s", (int)len, (const char *)payload);
	f->asks++;
	return true;
}

static int keep(void *ctx, const char *lines, size_t len)
{
	struct fixture *f = ctx;
	if (f->keeps_nothing)
		return -1;
	snprintf(f->lines, sizeof(f->lines), "%.*s", (int)len, lines);
	f->kept++;
	return 1;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->place = place_new();
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	f->work = vault_work_new();
	const struct inquiry_params params = {.store = "s1",
	                                      .device = "d1",
	                                      .vault = f->place->vault,
	                                      .clock = &f->place->clock,
	                                      .codec = f->codec,
	                                      .publish = publish,
	                                      .keep = keep,
	                                      .ctx = f};
	f->q = inquiry_new(&params);
	assert_non_null(f->q);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	inquiry_free(f->q);
	vault_work_free(f->work);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	place_free(f->place);
	free(f);
	return 0;
}

static int64_t step(struct fixture *f)
{
	bool answers;
	return inquiry_step(f->q, &answers);
}

static uint64_t put(struct fixture *f, const char *value)
{
	uint64_t ticket = inquiry_put(f->q, "loyalty", value);
	step(f);
	return ticket;
}

static void id_of_ask(struct fixture *f, char id[TELL_ID_SIZE])
{
	snprintf(id, TELL_ID_SIZE, "%.16s", strstr(f->ask, "\"id\":\"") + 6);
}

/* What HQ reads in the last ask. -1: nothing. */
static int opened(struct fixture *f, const char *device, struct inquiry_question *out)
{
	uint8_t box[INQUIRY_PLAIN_BYTES + VAULT_BOX_OVERHEAD], plain[INQUIRY_PLAIN_BYTES];
	char context[INQUIRY_CONTEXT_MAX], id[TELL_ID_SIZE];
	json_t *ask = json_loads(f->ask, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(ask, "box"));
	assert_non_null(text);
	assert_int_equal(text_unb64(text, strlen(text), box, sizeof(box)), sizeof(box));
	id_of_ask(f, id);
	size_t n = inquiry_context("s1", device, id, context);
	/* the test's keys: HQ's box key is the device's own */
	ssize_t len = vault_unbox(f->work, vault_device_box_priv(f->place->vault), "ask", context,
	                          n, box, sizeof(box), plain);
	json_decref(ask);
	return len < 0 ? -1 : inquiry_read((const char *)plain, (size_t)len, out);
}

static int tell(struct fixture *f, const char *id, const char *lines, char *err, size_t err_size)
{
	struct buf body = {0};
	char header[200];
	snprintf(header, sizeof(header),
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"profile\"}", id);
	assert_int_equal(page_encode(f->hq_codec, "s1", "d1", vault_hq_box_pub(f->place->vault),
	                             lines, strlen(lines), &body),
	                 0);
	const struct frame frame = {header, strlen(header), body.data, body.len};
	int rc = inquiry_tell(f->q, &frame, err, err_size);
	buf_free(&body);
	return rc;
}

static int told(struct fixture *f, const char *lines)
{
	char id[TELL_ID_SIZE], err[200] = "";
	id_of_ask(f, id);
	return tell(f, id, lines, err, sizeof(err));
}

static void whom_hq_names_is_kept_and_answered(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	inquiry_up(f->q);
	uint64_t ticket = put(f, "2600000000170");
	assert_true(ticket > 0);
	assert_int_equal(f->asks, 1);
	assert_false(inquiry_next(f->q, &a));
	assert_int_equal(told(f, ANNA), 1);
	assert_string_equal(f->lines, ANNA);
	assert_true(inquiry_next(f->q, &a));
	assert_int_equal(a.ticket, ticket);
	assert_true(a.answered);
	assert_int_equal(a.profiles, 1);
	assert_false(inquiry_next(f->q, &a));
}

static void the_broker_sees_neither_value_nor_length(void **state)
{
	struct fixture *f = *state;
	struct inquiry_question q;
	inquiry_up(f->q);
	put(f, "2600000000170");
	size_t len = strlen(f->ask);
	assert_null(strstr(f->ask, "2600000000170"));
	assert_null(strstr(f->ask, "loyalty"));
	assert_int_equal(opened(f, "d1", &q), 0);
	assert_string_equal(q.kind, "loyalty");
	assert_string_equal(q.value, "2600000000170");
	assert_int_equal(opened(f, "d2", &q), -1); /* it is of this device alone */
	put(f, "7");
	assert_int_equal(strlen(f->ask), len);
}

static void nobody_is_an_answer_too(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	inquiry_up(f->q);
	put(f, "1");
	assert_int_equal(told(f, ""), 1);
	assert_int_equal(f->kept, 0);
	assert_true(inquiry_next(f->q, &a));
	assert_true(a.answered);
	assert_int_equal(a.profiles, 0);
}

static void without_a_line_nothing_is_taken(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	assert_int_equal(put(f, "1"), 0);
	inquiry_up(f->q);
	uint64_t ticket = put(f, "1");
	assert_true(ticket > 0);
	inquiry_down(f->q);
	assert_true(inquiry_next(f->q, &a));
	assert_int_equal(a.ticket, ticket);
	assert_false(a.answered);
	assert_int_equal(put(f, "1"), 0);
	f->refuse = true;
	inquiry_up(f->q);
	assert_true(put(f, "1") > 0);
	assert_true(inquiry_next(f->q, &a));
	assert_false(a.answered);
}

static void what_is_not_answered_is_given_up_after_ten_seconds(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	char id[TELL_ID_SIZE], err[200];
	bool answers;
	inquiry_up(f->q);
	put(f, "1");
	id_of_ask(f, id);
	atomic_fetch_add(&f->place->wall_us, 9 * S);
	assert_true(step(f) < INT64_MAX);
	assert_false(inquiry_next(f->q, &a));
	atomic_fetch_add(&f->place->wall_us, 1 * S);
	inquiry_step(f->q, &answers);
	assert_true(answers);
	assert_true(inquiry_next(f->q, &a));
	assert_false(a.answered);
	assert_int_equal(f->asks, 1);
	assert_int_equal(tell(f, id, ANNA, err, sizeof(err)), 0); /* late: nobody waits for it */
	assert_int_equal(f->kept, 0);
}

static void at_most_eight_are_on_their_way(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	inquiry_up(f->q);
	for (int i = 0; i < INQUIRY_MAX; i++)
		assert_true(put(f, "1") > 0);
	assert_int_equal(put(f, "1"), 0);
	assert_int_equal(told(f, ANNA), 1);
	assert_int_equal(put(f, "1"), 0); /* until its answer has been taken */
	assert_true(inquiry_next(f->q, &a));
	assert_true(put(f, "1") > 0);
}

static void a_page_that_cannot_be_kept_or_read_is_no_answer(void **state)
{
	struct fixture *f = *state;
	struct inquiry_answer a;
	char err[200] = "", id[TELL_ID_SIZE];
	inquiry_up(f->q);
	put(f, "1");
	id_of_ask(f, id);
	char header[200];
	snprintf(header, sizeof(header),
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"profile\"}", id);
	const struct frame frame = {header, strlen(header), (const uint8_t *)"x", 1};
	assert_int_equal(inquiry_tell(f->q, &frame, err, sizeof(err)), -1);
	assert_string_not_equal(err, "");
	f->keeps_nothing = true;
	assert_int_equal(told(f, ANNA), 1);
	assert_true(inquiry_next(f->q, &a));
	assert_false(a.answered);
}

static void what_is_no_question_is_refused(void **state)
{
	static const char *const bad[] = {"",
	                                  "[]",
	                                  "{}",
	                                  "{\"kind\":\"phone\"}",
	                                  "{\"kind\":\"\",\"value\":\"1\"}",
	                                  "{\"kind\":\"phone\",\"value\":\"\"}",
	                                  "{\"kind\":1,\"value\":\"1\"}"};
	struct inquiry_question q;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(inquiry_read(bad[i], strlen(bad[i]), &q), -1);
	static const char filled[] = "{\"kind\":\"phone\",\"value\":\"+49\"}   ";
	assert_int_equal(inquiry_read(filled, strlen(filled), &q), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(whom_hq_names_is_kept_and_answered),
	    TEST(the_broker_sees_neither_value_nor_length),
	    TEST(nobody_is_an_answer_too),
	    TEST(without_a_line_nothing_is_taken),
	    TEST(what_is_not_answered_is_given_up_after_ten_seconds),
	    TEST(at_most_eight_are_on_their_way),
	    TEST(a_page_that_cannot_be_kept_or_read_is_no_answer),
	    TEST(what_is_no_question_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
