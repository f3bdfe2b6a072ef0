/* Whoever buys for a company is not the company: no form of a lane gives it what is a person's. */
#include "flow_form_world.h"

#define ITS_PHONE "+493022446600"
#define TYPED "030 22446600"
#define VAT_ID "DE136695976"
#define YES                                                                                        \
	"\"consents\":[{\"purpose\":\"marketing\",\"channel\":\"sms\",\"value\":\"%s\","           \
	"\"text_version\":\"2026-1\",\"language\":\"de\"}]"

static void hq_says(struct world *w, const char *line)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 900};
	char path[96], err[256] = "";
	struct shard *s;
	bool made;
	uint64_t one = 1;

	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(s);
	w->sync.shard_version = 900;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
}

static void company(struct world *w)
{
	hq_says(w, "{\"customer_id\":\"C000200\",\"identifiers\":[{\"kind\":\"vat_id\",\"ref\":"
	           "\"AAECAwQFBgcICQoLDA0OEA\",\"value\":\"" VAT_ID
	           "\",\"verified\":true},{\"kind\":\"phone\",\"ref\":\"AAECAwQFBgcICQoLDA0OEQ\","
	           "\"value\":\"" ITS_PHONE
	           "\",\"verified\":true}],\"name\":\"Berg Ltd\",\"state\":\"active\",\"units\":["
	           "{\"company\":true,\"confirmed\":true,\"number\":200,\"ref\":"
	           "\"AAECAwQFBgcICQoLDA0OEg\"}],\"version\":900,\"visits\":0}\n");
}

static void on_the_lane(struct world *w)
{
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	till_say(w, "{\"type\":\"customer_chosen\",\"source_message_id\":\"a:2\",\"basket\":\"B1\","
	            "\"kind\":\"vat_id\",\"value\":\"" VAT_ID "\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	WAIT_FOR(w, person_is(w, "1", "known"));
}

static void refuses_company(struct world *w, const char *body)
{
	assert_true(form(w, FLOW_CORRECT, "1", body) < 0);
	assert_string_equal(refused.code, "company");
}

static void a_company_on_the_lane_gets_no_first_name_and_no_buyers_consent(void **state)
{
	struct world *w = *state;
	char choice[300];

	keep(w);
	company(w);
	on_the_lane(w);
	refuses_company(w, "{\"first_name\":\"Mia\"}");
	refuses_company(w, "{\"last_name\":\"Berg\"}");
	refuses_company(w, "{\"age_ok\":true}");
	snprintf(choice, sizeof choice, "{" YES "}", "granted");
	refuses_company(w, choice);
	snprintf(choice, sizeof choice, "{" YES "}", "refused");
	assert_int_equal(form(w, FLOW_CORRECT, "1", choice), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"note\":\"invoice\"}"), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(kept_times(w, "Consent Changed"), 1);
}

static void whoever_says_a_companys_number_is_not_offered_to_be_it(void **state)
{
	struct world *w = *state;

	keep(w);
	company(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	assert_true(form(w, FLOW_ENROL, "1", "{\"first_name\":\"Mia\",\"phone\":\"" TYPED "\"}") <
	            0);
	assert_string_equal(refused.code, "known_customer");
	assert_true(known.is && !known.attach);
	assert_true(form(w, FLOW_ENROL, "1",
	                 "{\"first_name\":\"Mia\",\"phone\":\"" TYPED
	                 "\",\"known\":\"attach\"}") < 0);
	assert_int_equal(form(w, FLOW_ENROL, "1",
	                      "{\"first_name\":\"Mia\",\"phone\":\"" TYPED "\",\"known\":\"new\"}"),
	                 0);
	WAIT_FOR(w, answered.done);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
	assert_int_equal(kept_times(w, "Customer Enrolled"), 1);
	assert_int_equal(kept_times(w, "Customer Corrected"), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_company_on_the_lane_gets_no_first_name_and_no_buyers_consent),
	    T(whoever_says_a_companys_number_is_not_offered_to_be_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
