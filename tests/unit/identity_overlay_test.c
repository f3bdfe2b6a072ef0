/* What this store said of customers, laid over what HQ's shard says. */
#include "identity_overlay_world.h"

/* ---- enrolments ---- */

static void who_is_enrolled_is_found_by_phone_and_nobody_else_is_touched(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	assert_int_equal(found(w, "phone", PHONE, &hit), OVERLAY_UNTOUCHED);
	enrol(w, 'a', "Anna", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
	assert_string_equal(hit.profile.customer_id, ref('a'));
	assert_string_equal(hit.ident_ref, ref('b'));
	assert_false(hit.verified);
	assert_true(overlay_is_new(w->o, ref('a')));
	assert_int_equal(found(w, "phone", "+491711234568", &hit), OVERLAY_UNTOUCHED);
	assert_int_equal(found(w, "loyalty", CARD, &hit), OVERLAY_UNTOUCHED);
}

static void asking_costs_hq_nothing(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "phone", PHONE);
	unsigned asked = w->asked;
	found(w, "phone", PHONE, &hit);
	found(w, "email", "a@example.org", &hit);
	assert_int_equal(w->asked, asked);
}

static void the_same_event_twice_is_one(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "phone", PHONE);
	w->seq = 0;
	enrol(w, 'a', "Anna", "phone", PHONE);
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
}

static void two_of_one_first_name_on_one_phone_in_one_store_are_two_persons(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "phone", PHONE);
	enrol(w, 'k', "anna", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_false(hit.shared);
}

/* How many have the phone when somebody of this first name enrols with it, whom HQ told as this. */
static int after_enrolment(struct world *w, const char *name, const char *made)
{
	struct shard_hit hit;
	known(w, (struct hq_person){"C000117", "Anna", {"phone|" PHONE}, ref('u'), NULL});
	w->made = made;
	enrol(w, 'a', name, "phone", PHONE);
	return found(w, "phone", PHONE, &hit);
}

static void whom_another_store_enrolled_in_these_days_is_the_same_person(void **state)
{
	assert_int_equal(after_enrolment(*state, "anna",
	                                 "\"at\":[\"2026-11-19T17:02:03.123Z\"],\"store\":\"s2\","),
	                 1);
}

static void whom_another_store_enrolled_last_month_is_not(void **state)
{
	assert_int_equal(after_enrolment(*state, "anna",
	                                 "\"at\":[\"2026-10-19T17:02:03.123Z\"],\"store\":\"s2\","),
	                 2);
}

static void whom_this_store_enrolled_in_these_days_is_not(void **state)
{
	assert_int_equal(after_enrolment(*state, "anna",
	                                 "\"at\":[\"2026-11-19T17:02:03.123Z\"],\"store\":\"s1\","),
	                 2);
}

static void of_whom_hq_does_not_say_where_it_was_is_not(void **state)
{
	assert_int_equal(after_enrolment(*state, "anna", NULL), 2);
}

static void a_correction_makes_an_enrolment_known_where_it_was_made(void **state)
{
	static const char unit[] = "dXV1dXV1dXV1dXV1dXV1dQ";
	struct world *w = *state;
	struct shard_hit hit;
	known(w, (struct hq_person){"C000117", "Anna", {"email|anna@example.org"}, unit, NULL});
	w->made = "\"at\":[\"2026-11-19T17:02:03.123Z\"],\"store\":\"s2\",";
	correct(w, 'c', unit, "C000117",
	        "\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"QkJCQkJCQkJCQkJCQkJCQg\",\"value\":"
	        "\"" PHONE "\",\"verified\":false}]");
	enrol(w, 'a', "Anna", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
}

static void other_last_names_on_one_phone_are_two_persons(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	known(w, (struct hq_person){
	             "C000117",
	             "Anna",
	             {"phone|" PHONE},
	             ref('u'),
	             "\"facts\":[{\"at\":[\"2026-11-19T17:02:03.123Z\"],\"field\":\"last_name\","
	             "\"id\":\"QUJCQkJCQkJCQkJCQkJCQg\",\"source\":\"till\",\"trust\":30,\"unit\":"
	             "\"dXV1dXV1dXV1dXV1dXV1dQ\",\"value\":\"Lind\"}],"});
	w->made = "\"at\":[\"2026-11-19T17:02:03.123Z\"],\"store\":\"s2\",";
	enrol(w, 'a', "Anna\",\"last_name\":\"Berg", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_true(hit.shared);
}

static void what_was_linked_by_a_scan_tells_its_units(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "loyalty", CARD);
	enrol(w, 'k', "anna", "loyalty", CARD);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	struct overlay_person p;
	const struct overlay_hq hq = hq_of(w);
	assert_int_equal(overlay_person(w->o, &hq, "unit", ref('k'), &p), 1);
	assert_int_equal(p.unit_count, 2);
	assert_true(p.touched);
	overlay_person_free(&p);
}

static void two_names_on_one_phone_are_two_persons(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "phone", PHONE);
	enrol(w, 'k', "Bert", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_true(overlay_is_new(w->o, ref('a')));
	assert_true(overlay_is_new(w->o, ref('k')));
}

static void an_enrolment_on_a_known_customers_phone_leaves_the_customer_alone(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	known(w,
	      (struct hq_person){"C000017", "Anna", {"phone|" PHONE, "loyalty|" CARD}, NULL, NULL});
	enrol(w, 'a', "Bert", "phone", PHONE);
	assert_int_equal(found(w, "phone", PHONE, &hit), 2);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_string_equal(hit.profile.customer_id, "C000017");
	assert_string_equal(hit.profile.first_name, "Anna");
}

static void a_scanned_card_of_an_enrolment_and_a_verified_one_of_hqs_make_one(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	known(w, (struct hq_person){
	             "C000017", "Anna", {"loyalty|" CARD, "email|anna@example.org"}, NULL, NULL});
	enrol(w, 'a', "Anna", "loyalty", CARD);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_string_equal(hit.profile.customer_id, "C000017");
	assert_false(overlay_is_new(w->o, ref('a')));
	/* Whatever else leads to that customer says the same. */
	assert_int_equal(found(w, "email", "anna@example.org", &hit), 1);
	assert_string_equal(hit.profile.customer_id, "C000017");
}

/* ---- corrections ---- */

static void a_corrected_name_is_told_by_whatever_leads_to_the_customer(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	struct profile p;
	known(w, (struct hq_person){
	             "C000017", "Ana", {"phone|" PHONE, "loyalty|" CARD}, ref('u'), NULL});
	correct(w, 'c', ref('u'), "C000017", "\"fields\":{\"first_name\":\"Anna\"}");
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
	assert_int_equal(overlay_profile(w->o, "C000017", &p), 1);
	assert_string_equal(p.first_name, "Anna");
	assert_false(overlay_is_new(w->o, "C000017"));
}

static void a_correction_stands_as_far_as_its_source_is_trusted_now(void **state)
{
	struct world *w = *state;
	struct profile p;
	known(w, (struct hq_person){"C000017", "Ana", {"loyalty|" CARD}, ref('u'), NULL});
	correct(w, 'c', ref('u'), "C000017", "\"fields\":{\"first_name\":\"Anna\"}");
	w->trust.trust[FIELD_FIRST_NAME][FIELD_TILL] = 0;
	refresh(w);
	assert_true(overlay_profile(w->o, "C000017", &p) == 1 && !strcmp(p.first_name, "Ana"));
}

static void a_new_phone_leads_to_the_customer_and_the_dropped_one_does_not(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, ref('u'), NULL});
	char members[300];
	snprintf(members, sizeof members,
	         "\"drop\":[\"B71AAAAAAAAAAAAAAAAAAA\"],\"fields\":{},\"identifiers\":[{\"kind\":"
	         "\"phone\",\"ref\":\"%s\",\"value\":\"+491719999999\",\"verified\":false}]",
	         ref('d'));
	correct(w, 'c', ref('u'), "C000017", members);
	assert_int_equal(found(w, "phone", "+491719999999", &hit), 1);
	assert_string_equal(hit.profile.customer_id, "C000017");
	assert_int_equal(found(w, "phone", PHONE, &hit), 0);
}

static void a_customer_of_an_older_hq_is_corrected_by_its_id(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	struct overlay_person p;
	const struct overlay_hq hq = hq_of(w);
	char unit[EVENT_ID_SIZE];
	known(w, (struct hq_person){"C000017", "Ana", {"loyalty|" CARD}, NULL, NULL});
	assert_int_equal(overlay_person(w->o, &hq, "customer_id", "C000017", &p), 1);
	assert_int_equal(p.unit_count, 1);
	assert_int_equal(p.claim_count, 1);
	assert_false(p.touched);
	text_b64(p.unit[0].byte, sizeof p.unit[0].byte, unit);
	overlay_person_free(&p);
	correct(w, 'c', unit, "C000017", "\"fields\":{\"first_name\":\"Anna\"}");
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
}

static void a_correction_stays_when_hq_begins_to_name_units(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	struct overlay_person p;
	const struct overlay_hq hq = hq_of(w);
	char unit[EVENT_ID_SIZE];
	known(w, (struct hq_person){"C000017", "Ana", {"loyalty|" CARD}, NULL, NULL});
	assert_int_equal(overlay_person(w->o, &hq, "customer_id", "C000017", &p), 1);
	text_b64(p.unit[0].byte, sizeof p.unit[0].byte, unit);
	overlay_person_free(&p);
	correct(w, 'c', unit, "C000017", "\"fields\":{\"first_name\":\"Anna\"}");
	w->hq[0].unit = ref('u');
	refresh(w);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anna");
	w->hq[0].more = "\"includes\":{\"0102030405060708\":1},";
	refresh(w);
	assert_int_equal(pending(w), 0);
}

/* ---- giving way ---- */

static void what_hq_includes_is_hqs(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	struct overlay_kept kept;
	enrol(w, 'a', "Anna", "phone", PHONE);
	known(w, (struct hq_person){"C000123",
	                            "Anna",
	                            {"phone|" PHONE},
	                            ref('a'),
	                            "\"includes\":{\"0102030405060708\":1},"});
	refresh(w);
	assert_int_equal(pending(w), 0);
	assert_int_equal(found(w, "phone", PHONE, &hit), OVERLAY_UNTOUCHED);
	assert_false(overlay_kept_next(w->o, &kept));
}

static void what_hq_has_not_reached_yet_stays(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "phone", PHONE);
	correct(w, 'c', ref('a'), "", "\"fields\":{\"first_name\":\"Anne\"}");
	known(w, (struct hq_person){"C000123",
	                            "Anna",
	                            {"phone|" PHONE},
	                            ref('a'),
	                            "\"includes\":{\"0102030405060708\":1},"});
	refresh(w);
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_string_equal(hit.profile.customer_id, "C000123");
	assert_string_equal(hit.profile.first_name, "Anne");
}

static void an_older_hqs_word_lets_nothing_go(void **state)
{
	struct world *w = *state;
	enrol(w, 'a', "Anna", "phone", PHONE);
	known(w, (struct hq_person){"C000017",
	                            "Bert",
	                            {"phone|" PHONE},
	                            NULL,
	                            "\"includes\":{\"0102030405060708\":9},"});
	refresh(w);
	assert_int_equal(pending(w), 1);
	/* Not of a correction of that customer either. */
	const struct overlay_hq hq = hq_of(w);
	struct overlay_person p;
	char unit[EVENT_ID_SIZE];
	assert_int_equal(overlay_person(w->o, &hq, "customer_id", "C000017", &p), 1);
	text_b64(p.unit[0].byte, sizeof p.unit[0].byte, unit);
	overlay_person_free(&p);
	correct(w, 'c', unit, "C000017", "\"fields\":{\"first_name\":\"Ben\"}");
	refresh(w);
	assert_int_equal(pending(w), 2);
}

static void two_customers_of_hqs_are_never_joined_by_what_a_store_adds(void **state)
{
	struct world *w = *state;
	struct profile a, b;
	known(w, (struct hq_person){"C000201", "Mia", {"phone|" PHONE}, ref('u'), NULL});
	known(w, (struct hq_person){
	             "C000202", "Mia", {"phone|" PHONE, "loyalty|" CARD}, ref('v'), NULL});
	correct(w, 'c', ref('u'), "C000201", "\"fields\":{\"language\":\"de\"}");
	correct(w, 'd', ref('v'), "C000202", "\"fields\":{\"language\":\"fr\"}");
	assert_int_equal(overlay_profile(w->o, "C000201", &a), 1);
	assert_int_equal(overlay_profile(w->o, "C000202", &b), 1);
	assert_string_equal(a.customer_id, "C000201");
	assert_string_equal(b.customer_id, "C000202");
	assert_string_equal(a.language, "de");
	assert_string_equal(b.language, "fr");
}

static void a_value_that_hq_did_not_take_is_told_once(void **state)
{
	struct world *w = *state;
	struct overlay_kept kept;
	known(w, (struct hq_person){"C000017", "Anna", {"loyalty|" CARD}, ref('u'), NULL});
	correct(w, 'c', ref('u'), "C000017", "\"fields\":{\"first_name\":\"Anne\"}");
	w->hq[0].more = "\"includes\":{\"0102030405060708\":1},";
	refresh(w);
	assert_int_equal(pending(w), 0);
	assert_true(overlay_kept_next(w->o, &kept));
	assert_string_equal(kept.customer_id, "C000017");
	assert_string_equal(kept.ours, "Anne");
	assert_string_equal(kept.hqs, "Anna");
	assert_int_equal(kept.field, FIELD_FIRST_NAME);
	assert_false(overlay_kept_next(w->o, &kept));
}

static void a_store_wide_word_lets_go_what_no_line_speaks_of(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	const struct overlay_hq hq = hq_of(w);
	enrol(w, 'a', "Anna", "phone", PHONE);
	enrol(w, 'k', "Bert", "email", "bert@example.org");
	overlay_included(w->o, epoch, 1, 1);
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), OVERLAY_UNTOUCHED);
	assert_int_equal(found(w, "email", "bert@example.org", &hit), 1);
}

static void what_waits_at_hq_stays_although_more_is_included_behind_it(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	const struct overlay_hq hq = hq_of(w);
	enrol(w, 'a', "Anna", "phone", PHONE);
	enrol(w, 'k', "Bert", "email", "bert@example.org");
	enrol(w, 'p', "Carl", "email", "carl@example.org");
	overlay_included(w->o, epoch, 2, 3);
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &hit), OVERLAY_UNTOUCHED);
}

static void a_line_names_what_it_includes_beyond_what_waits(void **state)
{
	static const struct {
		const char *beyond;
		size_t pending;
	} cases[] = {{"[[1,3],[5,9]]", 2}, {"[[4,4]]", 1}, {"[[3,5]]", 1}, {"[[5,3]]", 2},
	             {"[[4]]", 2},         {"[4,4]", 2},   {"[[0,9]]", 2}, {"{}", 2}};
	struct world *w = *state;
	char more[200];
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, ref('u'), ""});
	enrol(w, 'a', "Dora", "email", "dora@example.org");
	w->seq = 3;
	correct(w, 'c', ref('u'), "C000017", "\"fields\":{\"first_name\":\"Anne\"}");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(more, sizeof more, "\"beyond\":{\"0102030405060708\":%s},\"includes\":{},",
		         cases[i].beyond);
		w->hq[0].more = more;
		refresh(w);
		assert_int_equal(pending(w), cases[i].pending);
		if (cases[i].pending == 1) { /* it is gone: said once more for the next case */
			w->seq = 3;
			w->hq[0].more = "";
			correct(w, 'c', ref('u'), "C000017",
			        "\"fields\":{\"first_name\":\"Anne\"}");
		}
	}
}

static void a_word_that_cannot_be_read_changes_nothing_until_it_can(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	const struct overlay_hq hq = hq_of(w);
	enrol(w, 'a', "Anna", "phone", PHONE);
	w->broken = true;
	overlay_stale(w->o);
	assert_int_equal(overlay_refresh(w->o, &hq, 10), -1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	enrol(w, 'k', "Bert", "email", "bert@example.org");
	assert_int_equal(found(w, "email", "bert@example.org", &hit), -1);
	w->broken = false;
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &hit), 1);
}

/* ---- links and blocks ---- */

static void links(struct world *w, const char *event, const char *rule, char id, char a, char b)
{
	char p[512];
	snprintf(
	    p, sizeof p,
	    "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	    "\"right_ref\":\"%s\",\"rule\":\"%s\",\"ruleset\":\"1\",\"status\":\"provisional\"}",
	    ref(a), ref(id), ref(b), rule);
	assert_int_equal(take(w, event, p, NULL), 1);
}

static void a_link_makes_one_of_two_and_taking_it_back_two_again(void **state)
{
	struct world *w = *state;
	struct shard_hit a, b;
	enrol(w, 'a', "Anna", "phone", PHONE);
	enrol(w, 'k', "Bert", "email", "bert@example.org");
	links(w, "Identity Linked", "manual", 'x', 'a', 'k');
	assert_int_equal(found(w, "phone", PHONE, &a), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &b), 1);
	assert_string_equal(a.profile.customer_id, b.profile.customer_id);
	links(w, "Identity Unlinked", "manual", 'x', 'a', 'k');
	assert_int_equal(found(w, "phone", PHONE, &a), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &b), 1);
	assert_string_not_equal(a.profile.customer_id, b.profile.customer_id);
	assert_string_equal(a.profile.first_name, "Anna");
	assert_string_equal(b.profile.first_name, "Bert");
}

static void two_who_were_said_not_to_be_one_stay_two(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	enrol(w, 'a', "Anna", "loyalty", CARD);
	enrol(w, 'k', "Anna", "loyalty", CARD);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	links(w, "Identity Unlinked", "not_me", 'x', 'a', 'k');
	assert_int_equal(found(w, "loyalty", CARD, &hit), 2);
}

static void a_blocked_phone_is_said_to_be_blocked_until_it_is_unblocked(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	char p[256];
	known(w, (struct hq_person){"C000017", "Anna", {"phone|" PHONE}, ref('u'), NULL});
	snprintf(p, sizeof p,
	         "{\"ident_ref\":\"%s\",\"reason\":\"nobodys\",\"scope\":\"store\",\"until\":null}",
	         ref('i'));
	assert_int_equal(
	    take(w, "Identifier Blocked", p, "{\"kind\":\"phone\",\"value\":\"" PHONE "\"}"), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_true(hit.blocked);
	assert_int_equal(
	    take(w, "Identifier Unblocked", p, "{\"kind\":\"phone\",\"value\":\"" PHONE "\"}"), 1);
	assert_int_equal(found(w, "phone", PHONE, &hit), 1);
	assert_false(hit.blocked);
}

/* ---- what is no change ---- */

static void what_cannot_be_opened_or_read_is_nothing(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	assert_int_equal(take(w, "Customer Enrolled", "{}", NULL), 0);
	assert_int_equal(take(w, "Customer Enrolled", "{\"enrolment_id\":\"short\"}", "{"), 0);
	assert_int_equal(take(w, "Order Completed", "{}", NULL), 0);
	assert_int_equal(
	    take(w, "Identifier Blocked", "{\"ident_ref\":\"AAAAAAAAAAAAAAAAAAAAAQ\"}", NULL), 0);
	assert_int_equal(pending(w), 0);
	assert_int_equal(found(w, "phone", PHONE, &hit), OVERLAY_UNTOUCHED);
}

static void every_order_of_arrival_gives_the_same_persons(void **state)
{
	static const char *const names[] = {"Anna", "Bert", "Anna"};
	struct world *w = *state;
	char first[3][33];
	for (int order = 0; order < 6; order++) {
		static const int perm[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
		                               {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
		overlay_free(w->o);
		w->o = overlay_new(&w->rules, &w->trust);
		for (int i = 0; i < 3; i++) {
			int at = perm[order][i];
			w->seq = (uint64_t)at;
			enrol(w, (char)('a' + 4 * at), names[at], "phone", PHONE);
		}
		for (int i = 0; i < 3; i++) {
			struct profile p;
			assert_int_equal(overlay_profile(w->o, ref((char)('a' + 4 * i)), &p), 1);
			if (order)
				assert_string_equal(p.customer_id, first[i]);
			else
				text_copy(first[i], sizeof first[i], p.customer_id);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)
	const struct CMUnitTest tests[] = {
	    TEST(who_is_enrolled_is_found_by_phone_and_nobody_else_is_touched),
	    TEST(asking_costs_hq_nothing),
	    TEST(the_same_event_twice_is_one),
	    TEST(two_of_one_first_name_on_one_phone_in_one_store_are_two_persons),
	    TEST(whom_another_store_enrolled_in_these_days_is_the_same_person),
	    TEST(whom_another_store_enrolled_last_month_is_not),
	    TEST(whom_this_store_enrolled_in_these_days_is_not),
	    TEST(of_whom_hq_does_not_say_where_it_was_is_not),
	    TEST(a_correction_makes_an_enrolment_known_where_it_was_made),
	    TEST(other_last_names_on_one_phone_are_two_persons),
	    TEST(what_was_linked_by_a_scan_tells_its_units),
	    TEST(two_names_on_one_phone_are_two_persons),
	    TEST(an_enrolment_on_a_known_customers_phone_leaves_the_customer_alone),
	    TEST(a_scanned_card_of_an_enrolment_and_a_verified_one_of_hqs_make_one),
	    TEST(a_corrected_name_is_told_by_whatever_leads_to_the_customer),
	    TEST(a_correction_stands_as_far_as_its_source_is_trusted_now),
	    TEST(a_new_phone_leads_to_the_customer_and_the_dropped_one_does_not),
	    TEST(a_customer_of_an_older_hq_is_corrected_by_its_id),
	    TEST(a_correction_stays_when_hq_begins_to_name_units),
	    TEST(what_hq_includes_is_hqs),
	    TEST(what_waits_at_hq_stays_although_more_is_included_behind_it),
	    TEST(a_line_names_what_it_includes_beyond_what_waits),
	    TEST(what_hq_has_not_reached_yet_stays),
	    TEST(an_older_hqs_word_lets_nothing_go),
	    TEST(two_customers_of_hqs_are_never_joined_by_what_a_store_adds),
	    TEST(a_value_that_hq_did_not_take_is_told_once),
	    TEST(a_store_wide_word_lets_go_what_no_line_speaks_of),
	    TEST(a_word_that_cannot_be_read_changes_nothing_until_it_can),
	    TEST(a_link_makes_one_of_two_and_taking_it_back_two_again),
	    TEST(two_who_were_said_not_to_be_one_stay_two),
	    TEST(a_blocked_phone_is_said_to_be_blocked_until_it_is_unblocked),
	    TEST(what_cannot_be_opened_or_read_is_nothing),
	    TEST(every_order_of_arrival_gives_the_same_persons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
