/* What a cashier's form does on a lane, and HQ's word on who stands there. */
#include "sale_world.h"

/* One event about Mia, who is new, or about somebody who is known. */
static const char *about(struct world *w, const char *who, bool attach)
{
	static const struct sale_told told = {
	    .kind = EVENT_CUSTOMER_ENROLLED,
	    .properties = "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"e\",\"fields\":[],"
	                  "\"verified\":[]}",
	    .sealed = "{\"fields\":{},\"identifiers\":[]}"};
	struct answer a;
	struct entry *e = world_begin(w);
	world_answer_for(who, &a);
	const struct sale_about what = {.lane = w->lane,
	                                .who = &a,
	                                .attach = attach,
	                                .reason = "enrolled",
	                                .told = &told,
	                                .count = 1};
	return world_end(w, e, sale_about(w->s, e, &w->now, &what, &w->err));
}

/* ---- forms ---- */

static void the_basket_in_front_gets_who_is_enrolled(void **state)
{
	struct world *w = *state;
	json_t *person = NULL;
	opened(w, "B1");
	assert_string_equal(about(w, "Mia", true), "Customer Enrolled, Customer Attached");
	assert_string_equal(
	    json_string_value(json_object_get(
	        json_object_get(event(w, "Customer Attached", &person), "properties"), "reason")),
	    "enrolled");
	assert_string_equal(json_string_value(json_object_get(person, "customer_id")), "C-Mia");
	assert_string_equal(shown(w), "Mia");
	assert_string_equal(order(w, "B1"), "Order Completed, Visit Ended");
}

static void before_a_basket_the_enrolled_waits(void **state)
{
	struct world *w = *state;
	assert_string_equal(about(w, "Mia", true),
	                    "Visit Started, Customer Enrolled, Identifier Presented");
	assert_string_equal(shown(w), "Mia");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	assert_string_equal(shown(w), "Mia");
}

static void nobody_is_replaced_without_being_taken_off_first(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	assert_string_equal(about(w, "Mia", true), "customer_attached");
	opened(w, "B1");
	assert_string_equal(about(w, "Mia", true), "customer_attached");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(about(w, "Mia", true), "Customer Enrolled, Customer Attached");
}

static void an_enrolment_that_is_not_kept_is_struck_out(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = SILENT;
	about(w, "Mia", true);
	assert_true(look(w)->person_provisional);
	answer(w, false);
	assert_string_equal(shown(w), "(struck) Mia");
	w->journal = KEEPS;
	assert_string_equal(about(w, "Mia", true), "Customer Enrolled, Customer Attached");
}

static void what_is_told_of_a_customer_goes_to_the_visit_they_are_in(void **state)
{
	struct world *w = *state;
	assert_string_equal(about(w, "Anna", false), "no_customer");
	opened(w, "B1");
	scan(w, "Anna");
	assert_string_equal(about(w, "Anna", false), "Customer Enrolled");
	line(w, "B1", "1");
	order(w, "B1");
	assert_string_equal(about(w, "Anna", false), "Customer Enrolled");
	assert_string_equal(about(w, "Ben", false), "no_customer");
}

/* ---- HQ's word ---- */

struct word {
	const char *of, *name, *id;
	enum sale_word what;
	bool gone;
};

static enum sale_word on_word(void *ctx, const char *customer_id, struct sale_heard *out)
{
	const struct word *word = ctx;
	if (strcmp(customer_id, word->of) != 0)
		return SALE_WORD_NONE;
	snprintf(out->profile.customer_id, sizeof out->profile.customer_id, "%s", word->id);
	snprintf(out->profile.first_name, sizeof out->profile.first_name, "%s", word->name);
	snprintf(out->text, sizeof out->text, "HQ knows %s", word->name);
	out->gone = word->gone;
	return word->what;
}

static void heard(struct world *w, struct word word)
{
	sale_heard(w->s, on_word, &word);
}

static const char *take_over(struct world *w, const char *change)
{
	struct entry *e = world_begin(w);
	return world_end(w, e, sale_take_over(w->s, e, &w->now, w->lane, change, &w->err));
}

static void the_same_customer_under_hqs_id_goes_on_without_a_word(void **state)
{
	struct world *w = *state;
	char ref[EVENT_ID_SIZE];
	opened(w, "B1");
	about(w, "Mia", true);
	memcpy(ref, look(w)->profile_ref, sizeof ref);
	heard(w, (struct word){"C-Mia", "Mia", "C000200", SALE_WORD_SAME, false});
	assert_string_equal(look(w)->profile.customer_id, "C000200");
	assert_string_equal(look(w)->profile_ref, ref);
	assert_string_equal(look(w)->change_id, "");
}

static void another_customer_waits_for_a_tap(void **state)
{
	struct world *w = *state;
	char change[EVENT_ID_SIZE];
	uint64_t rev;
	opened(w, "B1");
	about(w, "Mia", true);
	heard(w, (struct word){"C-Mia", "Maria", "C000017", SALE_WORD_OTHER, false});
	assert_string_equal(shown(w), "Mia");
	assert_string_equal(look(w)->change_text, "HQ knows Maria");
	rev = look(w)->rev;
	memcpy(change, look(w)->change_id, sizeof change);
	heard(w, (struct word){"C-Mia", "Maria", "C000017", SALE_WORD_OTHER, false});
	assert_string_equal(look(w)->change_id, change);
	assert_int_equal(look(w)->rev, rev);

	assert_string_equal(take_over(w, "another"), "change_gone");
	assert_string_equal(take_over(w, change), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "reason"), "hq");
	assert_string_equal(shown(w), "Maria");
	assert_string_equal(look(w)->change_id, "");
	assert_string_equal(take_over(w, change), "change_gone");
}

static void after_the_sale_hqs_word_counts_by_itself(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	about(w, "Mia", true);
	line(w, "B1", "1");
	heard(w, (struct word){"C-Mia", "Maria", "C000017", SALE_WORD_OTHER, false});
	order(w, "B1");
	assert_string_equal(shown(w), "Mia");
	heard(w, (struct word){"C-Mia", "Maria", "C000017", SALE_WORD_OTHER, false});
	assert_string_equal(shown(w), "Maria");
	assert_string_equal(look(w)->change_id, "");
}

static void a_word_on_somebody_who_was_taken_off_is_gone_with_them(void **state)
{
	struct world *w = *state;
	char change[EVENT_ID_SIZE];
	opened(w, "B1");
	about(w, "Mia", true);
	heard(w, (struct word){"C-Mia", "Maria", "C000017", SALE_WORD_OTHER, false});
	memcpy(change, look(w)->change_id, sizeof change);
	wrong(w);
	scan(w, "Anna");
	assert_string_equal(look(w)->change_id, "");
	assert_string_equal(take_over(w, change), "change_gone");
	assert_string_equal(shown(w), "Anna");
}

static void whom_hq_has_not_taken_is_taken_off_when_the_cashier_says_so(void **state)
{
	struct world *w = *state;
	char change[EVENT_ID_SIZE];
	opened(w, "B1");
	about(w, "Mia", true);
	heard(w, (struct word){"C-Mia", "", "", SALE_WORD_OTHER, true});
	assert_string_equal(shown(w), "Mia");
	memcpy(change, look(w)->change_id, sizeof change);
	assert_string_equal(take_over(w, change), "Customer Detached");
	assert_string_equal(shown(w), "-");
}

static void what_hq_kept_is_said_where_the_customer_is(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	assert_false(sale_tell(w->s, &w->now, "C-Ben", "HQ kept"));
	assert_true(sale_tell(w->s, &w->now, "C-Anna", "HQ kept"));
	assert_string_equal(look(w)->notice, "HQ kept");
	later(w, 11);
	assert_string_equal(look(w)->notice, "");
}

static bool corrected(void *ctx, const char *customer_id, struct profile *now)
{
	(void)ctx;
	*now = (struct profile){0};
	snprintf(now->customer_id, sizeof now->customer_id, "%s", customer_id);
	strcpy(now->first_name, "Hanna");
	return strcmp(customer_id, "C-Anna") == 0;
}

static void a_correction_is_on_every_lane_where_the_customer_is(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->lane = "4";
	scan(w, "Ben");
	sale_refresh(w->s, corrected, NULL);
	assert_string_equal(shown(w), "Ben");
	w->lane = "3";
	assert_string_equal(shown(w), "Hanna");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_basket_in_front_gets_who_is_enrolled),
	    T(before_a_basket_the_enrolled_waits),
	    T(nobody_is_replaced_without_being_taken_off_first),
	    T(an_enrolment_that_is_not_kept_is_struck_out),
	    T(what_is_told_of_a_customer_goes_to_the_visit_they_are_in),
	    T(the_same_customer_under_hqs_id_goes_on_without_a_word),
	    T(another_customer_waits_for_a_tap),
	    T(after_the_sale_hqs_word_counts_by_itself),
	    T(a_word_on_somebody_who_was_taken_off_is_gone_with_them),
	    T(whom_hq_has_not_taken_is_taken_off_when_the_cashier_says_so),
	    T(what_hq_kept_is_said_where_the_customer_is),
	    T(a_correction_is_on_every_lane_where_the_customer_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
