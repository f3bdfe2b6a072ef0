/* What a store takes back that HQ has already: it is so at once, as far as HQ's line tells. */
#include "identity_overlay_world.h"

/* References of 16 bytes of one letter, as literals: "u" and others. */
#define U "dXV1dXV1dXV1dXV1dXV1dQ"
#define V "dnZ2dnZ2dnZ2dnZ2dnZ2dg"
#define LINK "bGxsbGxsbGxsbGxsbGxsbA"
#define OTHER_LINK "bW1tbW1tbW1tbW1tbW1tbQ"
#define CLAIM "Y2NjY2NjY2NjY2NjY2NjYw"
#define BLOCK "YmJiYmJiYmJiYmJiYmJiYg"

#define FACT(of, field, value, from)                                                               \
	"{\"at\":[\"2026-01-01T00:00:00.000Z\"],\"field\":\"" field "\",\"id\":\"" of              \
	"\",\"source\":\"" from "\",\"trust\":90,\"unit\":\"" of "\",\"value\":\"" value "\"}"
#define UNITS                                                                                      \
	"\"units\":[{\"confirmed\":false,\"number\":4,\"ref\":\"" U                                \
	"\"},{\"confirmed\":false,\"number\":5,\"ref\":\"" V "\"}],"
#define MATCH(id) "{\"id\":\"" id "\",\"left\":\"" U "\",\"right\":\"" V "\"}"
#define FACTS                                                                                      \
	"\"facts\":[" FACT(U, "first_name", "Anna", "steward") "," FACT(V, "first_name", "Bert",   \
	                                                                "steward") "],"

static int ask(struct world *w, const char *unit, struct overlay_person *out)
{
	const struct overlay_hq hq = hq_of(w);
	return overlay_person(w->o, &hq, "unit", unit, out);
}

static void unlink_them(struct world *w, const char *what)
{
	char p[400];
	snprintf(p, sizeof p,
	         "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"" U "\",\"link_id\":\"%s\","
	         "\"right_ref\":\"" V "\",\"rule\":\"manual\",\"ruleset\":\"1\",\"status\":\"x\"}",
	         what);
	assert_int_equal(take(w, "Identity Unlinked", p, NULL), 1);
}

static void two_of_hqs_who_were_linked_are_two_as_soon_as_the_link_is_taken_back(void **state)
{
	struct world *w = *state;
	struct overlay_person p;
	known(w, (struct hq_person){"C000004",
	                            "Anna",
	                            {"phone|" PHONE},
	                            U,
	                            UNITS "\"points\":70,\"matches\":[" MATCH(LINK) "]," FACTS});
	assert_int_equal(ask(w, U, &p), 1);
	assert_int_equal(p.unit_count, 2);
	overlay_person_free(&p);
	unlink_them(w, LINK);
	assert_int_equal(ask(w, U, &p), 1);
	assert_int_equal(p.unit_count, 1);
	assert_int_equal(p.match_count, 0);
	assert_string_equal(p.profile.customer_id, "C000004");
	assert_string_equal(p.profile.first_name, "Anna");
	assert_false(p.profile.has_points); /* 70 were both's */
	overlay_person_free(&p);
	assert_int_equal(ask(w, V, &p), 1);
	assert_int_equal(p.unit_count, 1);
	assert_string_equal(p.profile.first_name, "Bert");
	assert_false(p.profile.has_points);
	overlay_person_free(&p);
}

static void whom_a_second_reason_links_stay_one(void **state)
{
	struct world *w = *state;
	struct overlay_person p;
	known(w, (struct hq_person){"C000004",
	                            "Anna",
	                            {"phone|" PHONE},
	                            U,
	                            UNITS
	                            "\"matches\":[" MATCH(LINK) "," MATCH(OTHER_LINK) "]," FACTS});
	unlink_them(w, LINK);
	assert_int_equal(ask(w, U, &p), 1);
	assert_int_equal(p.unit_count, 2);
	assert_int_equal(p.match_count, 1);
	overlay_person_free(&p);
}

static void whom_hq_links_without_a_reason_stay_one(void **state)
{
	struct world *w = *state;
	struct overlay_person p;
	known(w, (struct hq_person){"C000004", "Anna", {"phone|" PHONE}, U, UNITS FACTS});
	unlink_them(w, LINK);
	assert_int_equal(ask(w, U, &p), 1);
	assert_int_equal(p.unit_count, 2);
	overlay_person_free(&p);
}

/* HQ made two of a restricted person, or of one to be kept confidential: neither is less so. */
static void a_part_heeds_what_hq_said_of_both(void **state)
{
	struct world *w = *state;
	struct profile p = {0};
	struct overlay_person part;
	known(w, (struct hq_person){"C000004",
	                            "Anna",
	                            {"phone|" PHONE},
	                            U,
	                            UNITS "\"matches\":[" MATCH(LINK) "]," FACTS});
	w->restricted = true;
	unlink_them(w, LINK);
	assert_int_equal(overlay_profile(w->o, "C000004", &p), 1);
	assert_true(p.restricted);
	assert_int_equal(ask(w, V, &part), 1);
	assert_true(part.profile.restricted);
	overlay_person_free(&part);
}

static void lift(struct world *w, bool tells)
{
	assert_int_equal(take(w, "Identifier Unblocked",
	                      "{\"ident_ref\":\"" BLOCK
	                      "\",\"reason\":\"manager\",\"scope\":\"blocked\",\"until\":null}",
	                      tells ? "{\"kind\":\"phone\",\"value\":\"" PHONE "\"}" : NULL),
	                 tells);
}

static void a_block_of_its_own_that_hq_has_is_lifted_at_once(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	w->of_ident = "\"by\":[\"" BLOCK "\"],\"state\":\"blocked\",";
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, U, NULL});
	enrol(w, 'k', "Bert", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_true(hit.blocked);
	lift(w, false); /* without its value nobody knows whose it is */
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_true(hit.blocked);
	lift(w, true);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_false(hit.blocked);
}

/* After a start nobody would know whose the block was that is HQ's by now. */
static void what_lifts_a_block_without_its_value_lifts_none_of_hqs(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	const char *blocked = "{\"ident_ref\":\"" BLOCK
	                      "\",\"reason\":\"manager\",\"scope\":\"blocked\",\"until\":null}";
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, U, NULL});
	assert_int_equal(
	    take(w, "Identifier Blocked", blocked, "{\"kind\":\"phone\",\"value\":\"" PHONE "\"}"),
	    1);
	assert_int_equal(take(w, "Identifier Unblocked", blocked, NULL), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_false(hit.blocked);
	overlay_included(w->o, epoch, 1, 1);
	w->of_ident = "\"by\":[\"" BLOCK "\"],\"state\":\"blocked\",";
	refresh(w);
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_true(hit.blocked);
}

static void a_block_of_anothers_stands(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	w->of_ident = "\"by\":[\"" BLOCK "\",\"" LINK "\"],\"state\":\"blocked\",";
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, U, NULL});
	lift(w, true);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_true(hit.blocked);
	w->of_ident = "\"state\":\"blocked\",";
	refresh(w);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_true(hit.blocked);
}

static void an_identifier_is_theirs_until_the_last_claim_on_it_is_dropped(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	w->of_ident = "\"also\":[{\"ref\":\"" CLAIM "\",\"unit\":\"" U "\",\"verified\":false}],";
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, U, NULL});
	correct(w, 'p', U, "", "\"drop\":[\"B71AAAAAAAAAAAAAAAAAAA\"]");
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_false(hit.verified);
	correct(w, 'q', U, "", "\"drop\":[\"" CLAIM "\"]");
	assert_int_equal(found(w, "phone", PHONE, &hit), 0);
}

/* Two stores, one phone, days apart: what parts them is the name that stands, not the last one that
 * was said. */
static void a_name_that_does_not_stand_parts_nobody(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	w->made = "\"at\":[\"2026-11-20T17:02:03.123Z\"],\"store\":\"s2\",";
	known(w, (struct hq_person){"C000117",
	                            "Anna",
	                            {"phone|" PHONE},
	                            U,
	                            "\"facts\":[" FACT(U, "first_name", "Anna", "steward") "],"});
	correct(w, 'p', U, "", "\"fields\":{\"first_name\":\"Bert\"}");
	enrol(w, 'k', "Anna", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)
	const struct CMUnitTest tests[] = {
	    TEST(two_of_hqs_who_were_linked_are_two_as_soon_as_the_link_is_taken_back),
	    TEST(whom_a_second_reason_links_stay_one),
	    TEST(whom_hq_links_without_a_reason_stay_one),
	    TEST(a_part_heeds_what_hq_said_of_both),
	    TEST(a_block_of_its_own_that_hq_has_is_lifted_at_once),
	    TEST(what_lifts_a_block_without_its_value_lifts_none_of_hqs),
	    TEST(a_block_of_anothers_stands),
	    TEST(an_identifier_is_theirs_until_the_last_claim_on_it_is_dropped),
	    TEST(a_name_that_does_not_stand_parts_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
