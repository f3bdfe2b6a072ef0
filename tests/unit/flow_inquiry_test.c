/* A scan that named nobody, on the running event path. The test is the sync thread and HQ. */
#define WORLD_ANSWERS
#include "flow_world.h"

#define NEW_CARD "2600000000286"

static struct {
	char kind[33], value[IDENT_VALUE_SIZE];
	int asked;
	bool deaf;
	struct inquiry_answer answer[4];
	int count;
} hq;

uint64_t sync_inquire(struct sync *s, const char *kind, const char *nf)
{
	(void)s;
	if (hq.deaf)
		return 0;
	text_copy(hq.kind, sizeof hq.kind, kind);
	text_copy(hq.value, sizeof hq.value, nf);
	return (uint64_t)++hq.asked;
}

bool sync_inquired(struct sync *s, struct inquiry_answer *out)
{
	(void)s;
	if (hq.count == 0)
		return false;
	*out = hq.answer[--hq.count];
	return true;
}

/* HQ's word on a ticket: this customer is in the shard now, or nobody. */
static void answer(struct world *w, uint64_t ticket, const char *name)
{
	uint64_t one = 1;
	if (name) {
		const struct shard_mark mark = {.generation = "00000000000000aa", .version = 812};
		char line[600], path[96], err[256] = "";
		struct shard *s;
		bool made;
		snprintf(line, sizeof line,
		         "{\"customer_id\":\"C000018\",\"first_name\":\"%s\",\"identifiers\":[{"
		         "\"kind\":\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0OEA\",\"value\":"
		         "\"" NEW_CARD "\",\"verified\":true}],\"state\":\"active\",\"version\":"
		         "900}\n",
		         name);
		snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
		if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
		    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) != 1)
			fail_msg("%s", err);
		shard_free(s);
	}
	hq.answer[hq.count++] = (struct inquiry_answer){ticket, true, name ? 1 : 0};
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
}

static int set_up(void **state)
{
	memset(&hq, 0, sizeof hq);
	return world_set_up(state);
}

static void begin(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
}

static void miss(struct world *w)
{
	scan(w, NEW_CARD);
	WAIT_FOR(w, person_is(w, "1", "unknown"));
}

static void hq_is_asked_and_the_name_comes_by_itself(void **state)
{
	struct world *w = *state;
	begin(w);
	miss(w);
	assert_int_equal(hq.asked, 1);
	assert_string_equal(hq.kind, "loyalty");
	assert_string_equal(hq.value, NEW_CARD);
	assert_true(is(person(w, "1"), "asking"));
	answer(w, 1, "Berta");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Berta");
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), 2);
	assert_int_equal(counted(w, COUNTER_PROFILES_ASKED), 1);
}

static void nobody_at_hq_either_stays_unknown(void **state)
{
	struct world *w = *state;
	begin(w);
	miss(w);
	answer(w, 1, NULL);
	pass(w, SECOND_US);
	scan(w, CARD); /* what comes behind the answer */
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), 2);
}

static void an_answer_that_comes_after_another_card_changes_nothing(void **state)
{
	struct world *w = *state;
	begin(w);
	miss(w);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	answer(w, 1, "Berta");
	WAIT_FOR(w, hq.count == 0);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Anna");
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	/* but the shard has her now */
	scan(w, NEW_CARD);
	WAIT_FOR(
	    w, strcmp(text_of(json_object_get(shown(w, "1"), "question"), "kind"), "replace") == 0);
	assert_int_equal(hq.asked, 1);
}

static void without_a_line_it_is_unknown_at_once(void **state)
{
	struct world *w = *state;
	hq.deaf = true;
	begin(w);
	miss(w);
	assert_false(is(person(w, "1"), "asking"));
	assert_int_equal(counted(w, COUNTER_PROFILES_ASKED), 0);
}

static void what_is_no_identifier_is_not_asked_for(void **state)
{
	struct world *w = *state;
	begin(w);
	scan(w, "hello");
	WAIT_FOR(w, person_is(w, "1", "unknown"));
	scan(w, PAN);
	WAIT_FOR(w, person_is(w, "1", "refused_card"));
	assert_int_equal(hq.asked, 0);
}

/* Staff are customers too, of other stores perhaps. */
static void a_staff_card_that_is_nobodys_here_may_be_somebodys_at_hq(void **state)
{
	struct world *w = *state;
	uint64_t one = 1;
	begin(w);
	hq_rules =
	    "{\"version\":\"7\",\"author\":\"Ida\",\"reason\":\"a test\",\"staff\":[{\"kind\":"
	    "\"loyalty\",\"value\":\"" NEW_CARD "\",\"staff_ref\":\"K17\"}]}";
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	WAIT_FOR(w, strcmp(w->flow->table.version, "7") == 0);
	scan(w, NEW_CARD);
	WAIT_FOR(w, person_is(w, "1", "staff"));
	assert_int_equal(hq.asked, 1);
	assert_string_equal(hq.value, NEW_CARD);
	assert_false(is(shown(w, "1"), "new_card")); /* nobody is enrolled with it */
	answer(w, 1, NULL);
	WAIT_FOR(w, hq.count == 0);
	pass(w, SECOND_US);
	assert_true(person_is(w, "1", "staff"));
	scan(w, NEW_CARD);
	WAIT_FOR(w, hq.asked == 2);
	answer(w, 2, "Berta");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Berta");
	assert_true(is(person(w, "1"), "staff"));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	json_t *line = kept(w, "Customer Attached", 0);
	assert_true(json_is_true(json_object_get(json_object_get(line, "properties"), "staff")));
	json_decref(line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(hq_is_asked_and_the_name_comes_by_itself),
	    TEST(nobody_at_hq_either_stays_unknown),
	    TEST(an_answer_that_comes_after_another_card_changes_nothing),
	    TEST(without_a_line_it_is_unknown_at_once),
	    TEST(a_staff_card_that_is_nobodys_here_may_be_somebodys_at_hq),
	    TEST(what_is_no_identifier_is_not_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
