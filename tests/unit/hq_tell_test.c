#include "hq_tell_world.h"

#include "hq/tell/hq_tell_profile.h"
#include "identity/score.h"

static void add(struct telling *t, int from, int n)
{
	char email[64];

	assert_int_equal(hq_db_begin(t->w->db), 0);
	for (int i = from; i < from + n; i++) {
		struct hq_person p = {
		    .first_name = "An\"na", .last_name = "Berg", .tier = "gold", .ident_count = 1};
		snprintf(email, sizeof email, "a%d@example.com", i);
		p.ident[0].kind = IDENT_EMAIL;
		text_copy(p.ident[0].value, sizeof p.ident[0].value, email);
		assert_int_equal(hq_profile_upsert(t->w->db, &p, &(int64_t){0}), HQ_UPSERT_NEW);
	}
	assert_int_equal(hq_persons_fold(t->w->db, &t->w->scope, 1, 0), 0);
	assert_int_equal(hq_db_commit(t->w->db), 0);
}

static json_int_t number(const struct telling *t, const char *key)
{
	return json_integer_value(json_object_get(t->header, key));
}

static bool flag(const struct telling *t, const char *key)
{
	return json_is_true(json_object_get(t->header, key));
}

static int line_count(const struct telling *t)
{
	int n = 0;

	for (const char *p = t->lines; *p; p++)
		n += *p == '\n';
	return n;
}

static void a_store_that_asks_from_nothing_gets_everything_afresh(void **state)
{
	struct telling *t = *state;
	json_t *line;

	add(t, 0, 3);
	ask(t, "", 0);
	assert_true(flag(t, "fresh"));
	assert_false(flag(t, "more"));
	assert_int_equal(number(t, "to"), 3);
	assert_string_equal(json_string_value(json_object_get(t->header, "id")),
	                    "0123456789abcdef");
	assert_string_equal(json_string_value(json_object_get(t->header, "generation")),
	                    hq_db_generation(t->w->db));
	assert_int_equal(line_count(t), 3);
	*strchr(t->lines, '\n') = '\0';
	line = json_loads(t->lines, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "customer_id")), "C000001");
	assert_string_equal(json_string_value(json_object_get(line, "first_name")), "An\"na");
	assert_int_equal(json_array_size(json_object_get(line, "identifiers")), 1);
	assert_int_equal(json_array_size(json_object_get(line, "facts")), 3);
	assert_int_equal(json_integer_value(json_object_get(line, "version")), 1);
	json_decref(line);
}

static void a_store_that_is_up_to_date_gets_an_empty_page(void **state)
{
	struct telling *t = *state;

	add(t, 0, 3);
	ask(t, hq_db_generation(t->w->db), 3);
	assert_false(flag(t, "fresh"));
	assert_false(flag(t, "more"));
	assert_int_equal(number(t, "since"), 3);
	assert_int_equal(number(t, "to"), 3);
	assert_string_equal(t->lines, "");
}

static void changes_come_in_version_order_in_pages_of_at_most_500(void **state)
{
	struct telling *t = *state;
	uint64_t at = 0;
	int seen = 0, pages = 0;

	add(t, 0, 1203);
	do {
		ask(t, hq_db_generation(t->w->db), at);
		assert_int_equal(flag(t, "fresh"), at == 0);
		assert_true((uint64_t)number(t, "to") > at);
		at = (uint64_t)number(t, "to");
		seen += line_count(t);
		pages++;
	} while (flag(t, "more"));
	assert_int_equal(seen, 1203);
	assert_int_equal(pages, 3);
	assert_int_equal(at, 1203);
}

static void a_page_stops_at_its_bytes(void **state)
{
	struct telling *t = *state;
	struct hq_profile_page page = {.max = 500, .bytes_max = 2000};
	struct buf out = {0};
	bool more;

	add(t, 0, 10);
	assert_in_range(hq_profile_page(t->w->db, &page, &out, &more), 1, 5);
	assert_true(more);
	assert_true(out.len <= 2000);
	page.bytes_max = 1;
	buf_reset(&out);
	assert_int_equal(hq_profile_page(t->w->db, &page, &out, &more), 1);
	buf_free(&out);
}

static void another_generation_or_a_version_from_the_future_starts_afresh(void **state)
{
	struct telling *t = *state;

	add(t, 0, 2);
	ask(t, "0000000000000000", 2);
	assert_true(flag(t, "fresh"));
	assert_int_equal(number(t, "since"), 0);
	assert_int_equal(line_count(t), 2);
	ask(t, hq_db_generation(t->w->db), 77);
	assert_true(flag(t, "fresh"));
}

static void a_deleted_customer_comes_as_a_tombstone(void **state)
{
	struct telling *t = *state;
	struct hq_person p = {.state = "deleted", .ident_count = 1};

	add(t, 0, 2);
	p.ident[0].kind = IDENT_EMAIL;
	text_copy(p.ident[0].value, sizeof p.ident[0].value, "a0@example.com");
	assert_int_equal(hq_db_begin(t->w->db), 0);
	assert_int_equal(hq_profile_upsert(t->w->db, &p, &(int64_t){0}), HQ_UPSERT_CHANGED);
	assert_int_equal(hq_persons_fold(t->w->db, &t->w->scope, 1, 0), 0);
	assert_int_equal(hq_db_commit(t->w->db), 0);
	ask(t, hq_db_generation(t->w->db), 2);
	assert_string_equal(t->lines,
	                    "{\"customer_id\":\"C000001\",\"deleted\":true,\"version\":3}\n");
}

static void a_profile_says_what_of_the_stores_events_it_includes(void **state)
{
	struct telling *t = *state;
	struct store *s = store_new(t->w, "s1", 0xab);

	store_chatter(s, 4);
	store_send(s, 1, 5);
	add(t, 0, 1);
	ask(t, "", 0);
	assert_non_null(strstr(t->lines, "\"includes\":{},"));
	world_fold(t->w);
	ask(t, "", 0);
	assert_non_null(strstr(t->lines, "\"includes\":{\"abababababababab\":5},"));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(t->header, "includes"),
	                                                    "abababababababab")),
	                 5);
	store_free(s);
}

static void ask_for_the_time(struct telling *t)
{
	static const char text[] =
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"time\"}";
	struct buf out = {0};
	struct frame frame;
	char err[200];

	assert_int_equal(hq_tell_answer(t->tell, "s1", text, strlen(text), &out), 0);
	assert_int_equal(
	    frame_decode("LNWT", "s1", out.data, out.len, t->w->sign.pub, &frame, err, sizeof err),
	    0);
	json_decref(t->header);
	t->header = json_loadb(frame.header, frame.header_len, 0, NULL);
	assert_int_equal(frame.body_len, 0);
	buf_free(&out);
}

static void hqs_time_is_told_under_the_nonce_of_the_ask(void **state)
{
	struct telling *t = *state;

	t->w->wall_us = 1795280523000000;
	ask_for_the_time(t);
	assert_string_equal(json_string_value(json_object_get(t->header, "tell")), "time");
	assert_string_equal(json_string_value(json_object_get(t->header, "id")),
	                    "0123456789abcdef");
	assert_true(number(t, "wall_us") == 1795280523000000);
}

static bool kernel_says(void *ctx, int64_t *error_us)
{
	*error_us = *(int64_t *)ctx;
	return *error_us >= 0;
}

static void hqs_time_is_as_wrong_as_its_kernel_says(void **state)
{
	static const int64_t cases[][2] = {
	    {23456, 23456}, {5, 1000}, {90000000, 60000000}, {-1, 1000000}};
	struct telling *t = *state;

	ask_for_the_time(t);
	assert_int_equal(number(t, "error_us"), 1000000);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t error_us = cases[i][0];
		hq_tell_error(t->tell, kernel_says, &error_us);
		ask_for_the_time(t);
		assert_int_equal(number(t, "error_us"), cases[i][1]);
	}
}

static void an_unknown_device_and_a_broken_ask_are_not_answered(void **state)
{
	static const char *const bad[] = {
	    "",
	    "{}",
	    "[1]",
	    "{\"v\":2,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	    "\"generation\":\"\",\"since\":0}",
	    "{\"v\":1,\"device\":\"d2\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	    "\"generation\":\"\",\"since\":0}",
	    "{\"v\":1,\"device\":\"../"
	    "d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\",\"generation\":\"\",\"since\":0}",
	    "{\"v\":1,\"device\":\"d2\",\"id\":\"0123456789abcdef\",\"ask\":\"time\"}",
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"0123\",\"ask\":\"changes\",\"generation\":\"\","
	    "\"since\":0}",
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"weather\","
	    "\"generation\":\"\",\"since\":0}",
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	    "\"generation\":\"\",\"since\":-1}",
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	    "\"generation\":\"\",\"since\":\"0\"}",
	};
	struct telling *t = *state;
	struct buf out = {0};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(hq_tell_answer(t->tell, "s1", bad[i], strlen(bad[i]), &out), -1);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void one_profile_is_told_by_its_identifier(void **state)
{
	struct telling *t = *state;
	json_t *line;

	add(t, 0, 3);
	assert_int_equal(ask_one(t, "d1", "a1@example.com"), 0);
	assert_string_equal(json_string_value(json_object_get(t->header, "tell")), "profile");
	assert_int_equal(line_count(t), 1);
	*strchr(t->lines, '\n') = '\0';
	line = json_loads(t->lines, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "customer_id")), "C000002");
	json_decref(line);
	assert_int_equal(world_number(t->w, "SELECT unit FROM met"), 2);
	assert_int_equal(ask_one(t, "d1", "nobody@example.com"), 0);
	assert_int_equal(line_count(t), 0);
	assert_int_equal(world_number(t->w, "SELECT count(*) FROM met"), 1);
}

static void what_is_not_sealed_to_hq_for_this_device_is_not_answered(void **state)
{
	struct telling *t = *state;
	static const char open_ask[] = "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\","
	                               "\"ask\":\"profile\",\"box\":\"AAAA\"}";
	struct buf out = {0};

	add(t, 0, 1);
	assert_int_equal(ask_one(t, "d2", "a0@example.com"), -1);
	assert_int_equal(hq_tell_answer(t->tell, "s1", open_ask, strlen(open_ask), &out), -1);
	buf_free(&out);
}

static void a_store_cannot_read_the_customers_out_one_by_one(void **state)
{
	struct telling *t = *state;

	add(t, 0, 1);
	for (int i = 0; i < HQ_TELL_ASKS_PER_MINUTE; i++)
		assert_int_equal(ask_one(t, "d1", "a0@example.com"), 0);
	assert_int_equal(ask_one(t, "d1", "a0@example.com"), -1);
	t->w->mono_us += 60000000;
	assert_int_equal(ask_one(t, "d1", "a0@example.com"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, telling_set_up, telling_tear_down)

/* ---- weights ---- */

#define ASK_WEIGHTS                                                                                \
	"{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"weights\",\"version\":"  \
	"\"%s\"}"

static const char *weights_version(struct telling *t, const char *has)
{
	char text[256];

	snprintf(text, sizeof text, ASK_WEIGHTS, has);
	ask_with(t, text);
	return json_string_value(json_object_get(t->header, "version"));
}

static void put_weights(struct telling *t, int often)
{
	struct score_model *m = score_model_defaults();
	struct buf text = {0};
	char path[160];

	score_model_write(m, &text);
	buf_byte(&text, '\0');
	char *list = strstr((char *)text.data, "\"often\":[]}");
	snprintf(path, sizeof path, "%s/hq.weights.new", t->w->dir);
	FILE *f = fopen(path, "w");
	fprintf(f, "%.*s\"often\":[", (int)(list - (char *)text.data), (char *)text.data);
	for (int i = 0; i < often; i++)
		fprintf(f, "%s[\"%015x1\",0.001]", i ? "," : "", i + 1);
	fputs("]}", f);
	fclose(f);
	char to[160];
	snprintf(to, sizeof to, "%s/hq.weights", t->w->dir);
	assert_int_equal(rename(path, to), 0);
	buf_free(&text);
	score_model_free(m);
}

static void weights_are_told_as_they_stand_in_their_file_once_for_each_version(void **state)
{
	struct telling *t = *state;
	char version[33], err[200];
	struct score_model *m;

	assert_int_equal(hq_tell_weights(t->tell, t->w->dir), 0);
	assert_string_equal(weights_version(t, ""), "");
	assert_string_equal(t->lines, "");
	put_weights(t, 3);
	text_copy(version, sizeof version, weights_version(t, ""));
	assert_int_equal(line_count(t), 1);
	m = score_model_read(t->lines, strlen(t->lines) - 1, err, sizeof err);
	assert_non_null(m);
	assert_string_equal(score_model_made(m), version);
	score_model_free(m);
	assert_string_equal(weights_version(t, version), version);
	assert_string_equal(t->lines, "");
	put_weights(t, 16000); /* a chain's: what is told is bounded */
	weights_version(t, "");
	assert_true(strlen(t->lines) > 50000 && strlen(t->lines) < SCORE_TOLD_BYTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_store_that_asks_from_nothing_gets_everything_afresh),
	    TEST(a_store_that_is_up_to_date_gets_an_empty_page),
	    TEST(changes_come_in_version_order_in_pages_of_at_most_500),
	    TEST(a_page_stops_at_its_bytes),
	    TEST(another_generation_or_a_version_from_the_future_starts_afresh),
	    TEST(a_deleted_customer_comes_as_a_tombstone),
	    TEST(a_profile_says_what_of_the_stores_events_it_includes),
	    TEST(hqs_time_is_told_under_the_nonce_of_the_ask),
	    TEST(hqs_time_is_as_wrong_as_its_kernel_says),
	    TEST(an_unknown_device_and_a_broken_ask_are_not_answered),
	    TEST(one_profile_is_told_by_its_identifier),
	    TEST(what_is_not_sealed_to_hq_for_this_device_is_not_answered),
	    TEST(a_store_cannot_read_the_customers_out_one_by_one),
	    TEST(weights_are_told_as_they_stand_in_their_file_once_for_each_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
