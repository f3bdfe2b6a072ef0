/* What stores were told of a suggestion: "that is not me", and "the same person". */
#include "hq_world.h"

#include "hq/hint/hq_duplicates.h"
#include "hq/identity/hq_likely.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"
#include "identity/score.h"
#include "store/db.h"

#define PHONE "+4915127418395"

/* References: 16 bytes of one value, as base64url. */
static const char *ref(uint8_t byte)
{
	static char text[8][EVENT_ID_SIZE];
	static int next;
	uint8_t bytes[EVENT_ID_BYTES];

	next = (next + 1) % 8;
	memset(bytes, byte, sizeof bytes);
	text_b64(bytes, sizeof bytes, text[next]);
	return text[next];
}

static void speak(struct store *s, const char *event, const char *properties, const char *sealed)
{
	s->world->wall_us += 1000000;
	store_say(s, &(struct said){
	                 .event = event, .properties = properties, .visit = "v", .person = sealed});
}

static void enrol(struct store *s, uint8_t unit, const char *email)
{
	char properties[300], sealed[400];

	snprintf(properties, sizeof properties,
	         "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":["
	         "\"first_name\",\"last_name\"],\"verified\":[]}",
	         ref(unit));
	snprintf(sealed, sizeof sealed,
	         "{\"fields\":{\"first_name\":\"Clara\",\"last_name\":\"Kern\"},\"identifiers\":[{"
	         "\"kind\":\"email\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":false}]}",
	         ref((uint8_t)(unit + 100)), email);
	speak(s, "Customer Enrolled", properties, sealed);
}

static void tap(struct store *s, bool same, uint8_t id, uint8_t here, uint8_t other)
{
	char properties[400];

	snprintf(properties, sizeof properties,
	         "{\"actor\":\"cashier\",\"evidence\":[\"email:folded\"],\"left_ref\":\"%s\","
	         "\"link_id\":\"%s\",\"right_ref\":\"%s\",\"rule\":\"%s\",\"ruleset\":\"1\","
	         "\"status\":\"%s\"}",
	         ref(here), ref(id), ref(other), same ? "same_person" : "not_me",
	         same ? "proposed" : "provisional");
	speak(s, same ? "Identity Linked" : "Identity Unlinked", properties, NULL);
}

static void arrive(struct store *s)
{
	store_send(s, 1, s->seq);
	world_fold(s->world);
}

static bool line_has(struct world *w, int64_t n, const char *text)
{
	struct buf out = {0};

	hq_profile_line(w->db, n, &out);
	buf_byte(&out, '\0');
	bool has = strstr((const char *)out.data, text) != NULL;
	buf_free(&out);
	return has;
}

/* Of whom the steward is asked. */
static int duplicates(struct world *w)
{
	struct score_model *model = score_model_defaults();
	const struct hq_duplicates_ask ask = {.model = model, .mbit_min = 3000, .list_max = 10};
	struct sqlite3 *db = hq_db_handle(w->db);
	struct hq_units units;

	assert_int_equal(hq_units_load(db, NULL, &units), 0);
	json_t *answer = hq_duplicates(db, &units, &ask);
	int n = (int)json_integer_value(json_object_get(answer, "pairs"));
	json_decref(answer);
	hq_units_free(&units);
	score_model_free(model);
	return n;
}

static struct store *two_claras(struct world *w)
{
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, "clara.kern@gmail.com");
	enrol(s, 2, "clarakern@gmail.com");
	arrive(s);
	assert_int_equal(duplicates(w), 1);
	return s;
}

static void who_are_not_one_person_is_told_to_all_stores_and_listed_no_more(void **state)
{
	struct world *w = *state;
	struct store *s = two_claras(w);
	char both[2][120];
	uint64_t version = hq_profile_version(w->db);

	for (uint8_t i = 0; i < 2; i++)
		snprintf(both[i], sizeof both[i], "\"pairs\":[{\"is\":\"apart\",\"other\":\"%s\"}]",
		         ref((uint8_t)(2 - i)));
	tap(s, false, 9, 2, 1);
	arrive(s);
	assert_int_equal(duplicates(w), 0);
	assert_true(line_has(w, 1, both[0]) && line_has(w, 2, both[1]));
	assert_int_equal(hq_profile_version(w->db), version + 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 0);
	store_free(s);
}

static void who_may_be_one_person_stays_two_until_a_steward_decides(void **state)
{
	struct world *w = *state;
	struct store *s = two_claras(w);

	tap(s, true, 9, 2, 1);
	arrive(s);
	assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,2");
	assert_string_equal(world_text(w, "SELECT cause || unit || other FROM review"),
	                    "same_person21");
	assert_true(line_has(w, 1, "\"pairs\":[{\"is\":\"same\""));
	assert_int_equal(duplicates(w), 1);
	store_free(s);
}

static void a_proposal_is_settled_by_a_link_an_apart_or_by_taking_it_back(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct world *w = world_new();
		struct store *s = two_claras(w);
		struct hq_op op = {.kind = i == 0   ? HQ_OP_LINK
		                           : i == 1 ? HQ_OP_APART
		                                    : HQ_OP_UNDO,
		                   .actor = "steward",
		                   .why = "asked them",
		                   .by_person = true};
		tap(s, true, 9, 2, 1);
		arrive(s);
		assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 1);
		assert_int_equal(hq_db_begin(w->db), 0);
		memset(op.left.byte, i < 2 ? 2 : 9, sizeof op.left.byte);
		if (i < 2)
			memset(op.right.byte, 1, sizeof op.right.byte);
		assert_true(hq_op_add(w->db, &op, NULL));
		assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
		assert_int_equal(hq_db_commit(w->db), 0);
		assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 0);
		assert_int_equal(line_has(w, 1, "\"pairs\""), i == 1);
		assert_string_equal(world_text(w, "SELECT person FROM profile"),
		                    i == 0 ? "1,1" : "1,2");
		store_free(s);
		world_free(w);
	}
}

static void many_pairs_leave_room_for_the_rest_of_the_line(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf out = {0};
	char email[40];

	for (uint8_t i = 1; i <= 40; i++) {
		snprintf(email, sizeof email, "c%d@example.com", i);
		enrol(s, i, email);
		if (i > 1)
			tap(s, false, (uint8_t)(200 - i), i, 1);
	}
	arrive(s);
	hq_profile_line(w->db, 1, &out);
	assert_true(out.len < 3000);
	/* the newest is told, and the other side tells all the others */
	assert_true(line_has(w, 1, ref(40)));
	assert_true(line_has(w, 2, "\"pairs\"") && line_has(w, 40, "\"pairs\""));
	buf_free(&out);
	store_free(s);
}

/* ---- pairs that HQ found ---- */

/* {kept, changed, gone} of the next run; what is dirty is folded. */
static const char *suggested(struct world *w, const char *pairs)
{
	static char text[200];
	char err[200] = "";
	json_t *ask = json_pack("{s:o}", "pairs", json_loads(pairs, 0, NULL)), *answer;

	answer = hq_likely_keep(w->db, ask, err, sizeof err);
	json_decref(ask);
	if (!answer)
		return strcpy(text, err);
	char *plain = json_dumps(answer, JSON_COMPACT);
	snprintf(text, sizeof text, "%s", plain);
	free(plain);
	json_decref(answer);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 1000), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	return text;
}

#define PAIR "[[2,1,9100,\"first_name:same,email:folded\"]]"

static bool told(struct world *w, int64_t n, uint8_t other, const char *who)
{
	char text[200];

	snprintf(text, sizeof text,
	         "\"likely\":[{\"because\":[\"first_name:same\",\"email:folded\"],\"mbit\":9100,"
	         "\"other\":\"%s\",\"who\":\"%s\"}]",
	         ref(other), who);
	return line_has(w, n, text);
}

static void a_pair_stands_in_the_lines_of_both_until_the_next_run(void **state)
{
	struct world *w = *state;
	struct store *s = two_claras(w);
	uint64_t version = hq_profile_version(w->db);

	assert_false(line_has(w, 1, "likely"));
	assert_string_equal(suggested(w, PAIR), "{\"kept\":1,\"changed\":1,\"gone\":0}");
	assert_true(told(w, 1, 2, "C000002") && told(w, 2, 1, "C000001"));
	assert_int_equal(hq_profile_version(w->db), version + 2);
	assert_string_equal(suggested(w, PAIR), "{\"kept\":1,\"changed\":0,\"gone\":0}");
	assert_int_equal(hq_profile_version(w->db), version + 2);
	assert_string_equal(suggested(w, "[[1,2,9200,\"first_name:same\"]]"),
	                    "{\"kept\":1,\"changed\":1,\"gone\":0}");
	assert_true(line_has(w, 1, "9200") && line_has(w, 2, "9200"));
	assert_string_equal(suggested(w, "[]"), "{\"kept\":0,\"changed\":0,\"gone\":1}");
	assert_false(line_has(w, 1, "likely") || line_has(w, 2, "likely"));
	assert_int_equal(hq_profile_version(w->db), version + 6);
	store_free(s);
}

/* By a store or by a steward: no, yes, or "the same person", which a steward has to decide. */
static void of_whom_somebody_has_said_what_they_are_no_store_is_told(void **state)
{
	static const enum hq_op_kind kinds[] = {HQ_OP_APART, HQ_OP_PROPOSE, HQ_OP_LINK};

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct world *w = world_new();
		struct store *s = two_claras(w);
		struct hq_op op = {
		    .kind = kinds[i / 2], .actor = "ida", .why = "x", .by_person = true};

		suggested(w, PAIR);
		assert_true(told(w, 1, 2, "C000002"));
		memset(op.left.byte, i % 2 ? 1 : 2, sizeof op.left.byte);
		memset(op.right.byte, i % 2 ? 2 : 1, sizeof op.right.byte);
		assert_int_equal(hq_db_begin(w->db), 0);
		assert_true(hq_op_add(w->db, &op, NULL));
		assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
		assert_int_equal(hq_db_commit(w->db), 0);
		assert_false(line_has(w, 1, "likely") || line_has(w, 2, "likely"));
		suggested(w, PAIR);
		assert_false(line_has(w, 1, "likely") || line_has(w, 2, "likely"));
		store_free(s);
		world_free(w);
	}
}

static void a_pair_follows_who_is_part_of_another_customer_now(void **state)
{
	struct world *w = *state;
	struct store *s = two_claras(w);
	struct hq_op op = {.kind = HQ_OP_LINK, .actor = "ida", .why = "x", .by_person = true};

	enrol(s, 3, "c.lara.kern@gmail.com");
	arrive(s);
	suggested(w, "[[3,2,9100,\"first_name:same,email:folded\"]]");
	assert_true(told(w, 3, 2, "C000002"));
	int64_t version = world_number(w, "SELECT version FROM profile WHERE n = 3");
	memset(op.left.byte, 1, sizeof op.left.byte);
	memset(op.right.byte, 2, sizeof op.right.byte);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_true(hq_op_add(w->db, &op, NULL));
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 1000), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_true(told(w, 3, 2, "C000001"));
	assert_true(world_number(w, "SELECT version FROM profile WHERE n = 3") > version);
	/* of two records it says which one is meant */
	assert_true(line_has(w, 1, ref(3)) && line_has(w, 1, "\"unit\":"));
	store_free(s);
}

static void who_is_restricted_or_confidential_is_in_no_pair(void **state)
{
	struct world *w = *state;
	struct store *s = two_claras(w);

	assert_int_equal(hq_db_begin(w->db), 0);
	assert_true(hq_unit_say(w->db, &(struct hq_said){.unit = 2,
	                                                 .field = "state",
	                                                 .value = "confidential",
	                                                 .source = "steward",
	                                                 .from_us = w->wall_us,
	                                                 .to_us = w->wall_us}));
	assert_int_equal(hq_db_commit(w->db), 0);
	suggested(w, PAIR);
	assert_string_equal(world_text(w, "SELECT state FROM profile"), "active,confidential");
	assert_false(line_has(w, 1, "likely") || line_has(w, 2, "likely"));
	store_free(s);
}

static void what_is_no_pair_is_refused_with_all_that_came_with_it(void **state)
{
	static const char *const wrong[] = {"[[1,1,9100,\"a\"]]",
	                                    "[[0,1,9100,\"a\"]]",
	                                    "[[1,2,0,\"a\"]]",
	                                    "[[1,2,2000000,\"a\"]]",
	                                    "[[1,2,9100,7]]",
	                                    "[[1,2,9100,\"Clara Kern\"]]",
	                                    "[[1,2,9100,\"a\\\"b\"]]",
	                                    "[7]",
	                                    "{}"};
	struct world *w = *state;
	struct store *s = two_claras(w);

	suggested(w, PAIR);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (!strstr(suggested(w, wrong[i]), "expected "))
			fail_msg("%s", wrong[i]);
		assert_string_equal(
		    world_text(w, "SELECT unit || '-' || other || state FROM likely"), "1-20");
	}
	assert_string_equal(suggested(w, "[[1,99,9100,\"a\"]]"), /* nobody's number */
	                    "{\"kept\":0,\"changed\":0,\"gone\":1}");
	store_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_are_not_one_person_is_told_to_all_stores_and_listed_no_more),
	    TEST(who_may_be_one_person_stays_two_until_a_steward_decides),
	    cmocka_unit_test(a_proposal_is_settled_by_a_link_an_apart_or_by_taking_it_back),
	    TEST(a_pair_stands_in_the_lines_of_both_until_the_next_run),
	    cmocka_unit_test(of_whom_somebody_has_said_what_they_are_no_store_is_told),
	    TEST(a_pair_follows_who_is_part_of_another_customer_now),
	    TEST(who_is_restricted_or_confidential_is_in_no_pair),
	    TEST(what_is_no_pair_is_refused_with_all_that_came_with_it),
	    TEST(many_pairs_leave_room_for_the_rest_of_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
