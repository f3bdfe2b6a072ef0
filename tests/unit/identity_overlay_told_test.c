/* What an overlay tells of a person beside the values: why several records are one. */
#include "identity_overlay_world.h"

static void person(struct world *w, const char *customer_id, struct overlay_person *out)
{
	const struct overlay_hq hq = hq_of(w);
	assert_int_equal(overlay_person(w->o, &hq, "customer_id", customer_id, out), 1);
}

/* References of 16 bytes of one letter, as literals: "u" and others. */
#define U "dXV1dXV1dXV1dXV1dXV1dQ"
#define V "dnZ2dnZ2dnZ2dnZ2dnZ2dg"
#define JOIN "ampqampqampqampqampqag"
#define LINK "bGxsbGxsbGxsbGxsbGxsbA"

static void named(const struct ref *is, const char *should)
{
	char text[EVENT_ID_SIZE];
	text_b64(is->byte, sizeof is->byte, text);
	assert_string_equal(text, should);
}

static void hqs_joins_are_told_as_hq_told_them(void **state)
{
	struct world *w = *state;
	struct overlay_person p;
	known(w, (struct hq_person){"C000004",
	                            "Anna",
	                            {"phone|" PHONE},
	                            NULL,
	                            "\"units\":[{\"confirmed\":false,\"number\":4,\"ref\":\"" U
	                            "\"},{\"confirmed\":false,"
	                            "\"number\":5,\"ref\":\"" V "\"}],\"matches\":[{\"id\":\"" JOIN
	                            "\",\"kind\":\"phone\","
	                            "\"left\":\"" U "\",\"right\":\"" V
	                            "\"},{\"id\":\"short\"},{\"id\":\"" LINK "\","
	                            "\"left\":\"" U "\",\"right\":\"" V "\"}],"});
	person(w, "C000004", &p);
	assert_int_equal(p.match_count, 2);
	named(&p.match[0].id, JOIN);
	assert_int_equal(p.match[0].kind, IDENT_PHONE);
	assert_int_equal(p.match[0].left_number, 4);
	assert_int_equal(p.match[0].right_number, 5);
	assert_false(p.match[0].pending);
	named(&p.match[1].id, LINK);
	assert_int_equal(p.match[1].kind, IDENT_NONE);
	overlay_person_free(&p);
}

static void what_this_store_joins_is_told_until_it_is_taken_back(void **state)
{
	struct world *w = *state;
	struct overlay_person p;
	char line[512];
	known(w, (struct hq_person){"C000017", "Anna", {"loyalty|" CARD}, U, NULL});
	enrol(w, 'a', "Anna", "loyalty", CARD);
	person(w, "C000017", &p);
	assert_int_equal(p.match_count, 1);
	assert_int_equal(p.match[0].kind, IDENT_LOYALTY);
	assert_int_equal(p.match[0].left_number + p.match[0].right_number, 17);
	assert_true(p.match[0].pending);
	overlay_person_free(&p);

	enrol(w, 'k', "Bert", "email", "bert@example.org");
	snprintf(line, sizeof line,
	         "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	         "\"right_ref\":\"%s\",\"rule\":\"manual\",\"ruleset\":\"1\",\"status\":\"x\"}",
	         ref('k'), ref('x'), U);
	assert_int_equal(take(w, "Identity Linked", line, NULL), 1);
	person(w, "C000017", &p);
	assert_int_equal(p.match_count, 2);
	named(&p.match[0].id, ref('x'));
	assert_int_equal(p.match[0].kind, IDENT_NONE);
	overlay_person_free(&p);
	assert_int_equal(take(w, "Identity Unlinked", line, NULL), 1);
	person(w, "C000017", &p);
	assert_int_equal(p.match_count, 1);
	overlay_person_free(&p);
}

/* The number that is typed when nobody says one. */
static void a_number_that_hundreds_are_enrolled_with_is_each_ones_and_joins_nobody(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	uint8_t bytes[EVENT_ID_BYTES] = {1};
	char unit[EVENT_ID_SIZE], claim[EVENT_ID_SIZE], p[256];
	struct overlay_state s;

	for (int i = 0; i < 400; i++) {
		bytes[0] = 1;
		bytes[1] = (uint8_t)i;
		bytes[2] = (uint8_t)(i >> 8);
		text_b64(bytes, sizeof bytes, unit);
		bytes[0] = 2;
		text_b64(bytes, sizeof bytes, claim);
		snprintf(p, sizeof p,
		         "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
		         "\"verified\":[]}",
		         unit);
		snprintf(w->sealed, sizeof w->sealed,
		         "{\"fields\":{\"first_name\":\"N%c%c\"},\"identifiers\":[{\"kind\":"
		         "\"phone\",\"ref\":\"%s\",\"value\":\"" PHONE "\",\"verified\":false}]}",
		         'a' + i / 26, 'a' + i % 26, claim);
		assert_int_equal(take(w, "Customer Enrolled", p, w->sealed), 1);
		assert_int_equal(found(w, "phone", PHONE, &hit), i + 1);
	}
	assert_true(hit.shared);
	overlay_state(w->o, &s);
	assert_int_equal(s.persons, 400);
	assert_true(overlay_is_new(w->o, unit));
	struct profile last;
	assert_int_equal(overlay_profile(w->o, unit, &last), 1);
	assert_string_equal(last.first_name, "Npj");
}

/* HQ includes what was said of a name and has another: is there something to tell? */
static bool told(struct world *w, const char *ours, const char *hqs, bool corrected)
{
	const struct overlay_hq hq = hq_of(w);
	struct overlay_kept kept;
	char change[64];
	int left;

	w->hq_count = 0;
	known(w, (struct hq_person){"C000123", hqs, {"loyalty|" CARD}, ref('a'), NULL});
	snprintf(change, sizeof change, "\"fields\":{\"first_name\":\"%s\"}", ours);
	if (corrected)
		correct(w, 'c', ref('a'), "C000123", change);
	else
		enrol(w, 'a', ours, "loyalty", CARD);
	overlay_stale(w->o);
	overlay_included(w->o, epoch, 1, w->seq);
	while ((left = overlay_refresh(w->o, &hq, 8)) > 0)
		;
	assert_int_equal(left, 0);
	return overlay_kept_next(w->o, &kept);
}

/* Who enrols types as it comes; who corrects means the letters. */
static void other_capitals_are_no_news_of_an_enrolment_and_are_of_a_correction(void **state)
{
	struct world *w = *state;
	assert_false(told(w, "Ida", "IDA", false));
	assert_false(told(w, "\xc3\xa9lise", "\xc3\x89LISE", false));
	assert_true(told(w, "Ida", "Idah", false));
	assert_true(told(w, "Elise", "\xc3\x89lise", false));
	assert_true(told(w, "Ida", "IDA", true));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)
	const struct CMUnitTest tests[] = {
	    TEST(a_number_that_hundreds_are_enrolled_with_is_each_ones_and_joins_nobody),
	    TEST(hqs_joins_are_told_as_hq_told_them),
	    TEST(what_this_store_joins_is_told_until_it_is_taken_back),
	    TEST(other_capitals_are_no_news_of_an_enrolment_and_are_of_a_correction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
