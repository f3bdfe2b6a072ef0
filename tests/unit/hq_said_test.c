/* What stores say of consent and of blocked identifiers: what HQ makes of it. */
#include "hq_say.h"

#include <jansson.h>

#include "hq/identity/hq_identity.h"
#include "hq/identity/hq_links.h"
#include "hq/identity/hq_unit.h"
#include "hq/identity/hq_why.h"

#define PHONE "+4915127418395"

static void a_no_is_told_of_all_whom_it_covered_and_outlives_who_said_it(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	/* Two who were one when the first of them withdrew, and are two. */
	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 4, 5, "Bert", "+4915127418396");
	choose_for(s, 6, 1, 4, 0, "granted", CHOSEN);
	choose_for(s, 7, 1, 4, 0, "withdrawn", CHOSEN);
	arrive(s);
	assert_true(says(w, 1, "\"value\":\"withdrawn\""));
	assert_true(says(w, 2, "\"value\":\"withdrawn\""));
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_unit_forget(w->db, 1, WORLD_WALL_US);
	assert_int_equal(hq_db_commit(w->db), 0);
	world_fold(w);
	assert_true(says(w, 2, "\"value\":\"withdrawn\""));
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice_cover"), 1);
	store_free(s);
}

/* What is told to stores and what is explained at HQ is one answer. */
static void a_no_that_covered_somebody_is_explained_of_them_too(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf out = {0};

	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 4, 5, "Bert", "+4915127418396");
	choose_for(s, 7, 1, 4, 0, "withdrawn", CHOSEN);
	arrive(s);
	assert_int_equal(hq_why(hq_db_handle(w->db), &w->scope, "C000002", &out), 1);
	buf_byte(&out, '\0');
	const char *line = strstr((char *)out.data, "consent marketing_sms");
	assert_non_null(line);
	if (strncmp(strchr(line, ':'), ": no, latest; withdrawn", 23) != 0)
		fail_msg("%.120s", line);
	buf_free(&out);
	store_free(s);
}

static void stop(struct store *s, uint8_t id, uint8_t unit, uint8_t claim)
{
	char properties[500], sealed[100];

	snprintf(properties, sizeof properties,
	         "{\"channel\":\"sms\",\"choice_id\":\"%s\",\"chosen_from\":\"" CHOSEN
	         "\",\"chosen_to\":\"" CHOSEN
	         "\",\"ident_ref\":\"%s\",\"language\":null,\"method\":\"stop\",\"proof_ref\":null,"
	         "\"purpose\":\"marketing\",\"scope\":\"chain\",\"text_version\":null,\"value\":"
	         "\"withdrawn\"}",
	         ref(id), ref(claim));
	snprintf(sealed, sizeof sealed, "{\"covers\":[\"%s\"],\"unit\":\"%s\"}", ref(unit),
	         ref(unit));
	speak(s, "Consent Changed", properties, sealed);
}

/* Of all who have a number each is told of their own choices, and of what binds the number. */
static void what_one_chose_for_a_number_is_told_of_another_only_if_it_binds_the_number(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 4, 5, "Bert", PHONE);
	arrive(s);
	int64_t version = world_number(w, "SELECT version FROM profile WHERE n = 2");
	choose(s, 6, 1, 2, "granted");
	choose(s, 7, 1, 2, "refused");
	arrive(s);
	assert_true(says(w, 1, "\"value\":\"refused\""));
	assert_false(says(w, 2, "\"choices\""));
	assert_int_equal(world_number(w, "SELECT version FROM profile WHERE n = 2"), version);
	stop(s, 8, 1, 2);
	arrive(s);
	assert_true(says(w, 2, "\"method\":\"stop\""));
	assert_false(says(w, 2, "\"value\":\"refused\""));
	assert_true(world_number(w, "SELECT version FROM profile WHERE n = 2") > version);
	store_free(s);
}

static void a_choice_for_an_address_that_one_has_not_is_not_told_as_one_without(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	choose(s, 6, 1, 9, "granted"); /* of a claim that nobody knows */
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 1);
	assert_false(says(w, 1, "\"choices\""));
	store_free(s);
}

static void what_was_chosen_without_a_clock_has_the_time_that_hq_gives_its_event(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	choose_for(s, 6, 1, 0, 2, "granted", "9999-12-31T23:59:59.999Z");
	choose(s, 7, 1, 2, "refused"); /* a form that was signed before */
	arrive(s);
	assert_int_equal(
	    world_number(w, "SELECT to_us > from_us FROM choice WHERE value = 'granted'"), 0);
	assert_true(says(w, 1, "{\"address\":"));
	for (uint64_t seq = 1; seq <= s->seq; seq++)
		hq_identity_moved(w->db, 1, seq, 5000000, 9000000);
	assert_int_equal(world_number(w, "SELECT to_us FROM choice WHERE value = 'granted'"),
	                 9000000);
	assert_true(world_number(w, "SELECT to_us FROM choice WHERE value = 'refused'") > 9000000);
	assert_true(world_number(w, "SELECT count(*) FROM dirty") > 0);
	store_free(s);
}

/* value NULL: nothing is sealed, as of what clears by itself. */
static void block_event(struct store *s, const char *event, const char *scope, uint8_t id,
                        const char *value)
{
	char properties[300], sealed[100];

	snprintf(properties, sizeof properties,
	         "{\"ident_ref\":\"%s\",\"reason\":\"clean\",\"scope\":\"%s\",\"until\":null}",
	         ref(id), scope);
	snprintf(sealed, sizeof sealed, "{\"kind\":\"phone\",\"value\":\"%s\"}",
	         value ? value : "");
	speak(s, event, properties, value ? sealed : NULL);
}

static const char *phone_state(struct world *w)
{
	return world_text(w, "SELECT state FROM ident WHERE value = '" PHONE "'");
}

/* Nothing here lets go of anything when its time has come: what lifts a block is an event. */
static void a_block_that_says_until_when_counts_for_nothing(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char properties[300];

	enrol(s, 1, 2, "Anna", PHONE);
	snprintf(properties, sizeof properties,
	         "{\"ident_ref\":\"%s\",\"reason\":\"prank\",\"scope\":\"blocked\","
	         "\"until\":\"2026-12-01T00:00:00.000Z\"}",
	         ref(7));
	speak(s, "Identifier Blocked", properties, "{\"kind\":\"phone\",\"value\":\"" PHONE "\"}");
	arrive(s);
	assert_string_equal(phone_state(w), "one");
	assert_non_null(strstr(world_text(w, "SELECT reason FROM uncounted"), "ends by itself"));
	store_free(s);
}

static void what_clears_by_itself_in_a_store_is_clear_at_hq(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	block_event(s, "Identifier Blocked", "shared", 7, PHONE);
	arrive(s);
	assert_string_equal(phone_state(w), "shared");
	block_event(s, "Identifier Unblocked", "shared", 7, NULL);
	arrive(s);
	assert_string_equal(phone_state(w), "one");
	store_free(s);
}

static void a_store_takes_back_its_own_word_and_nobody_elses_block(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *t = store_new(w, "s2", 2);

	enrol(s, 1, 2, "Anna", PHONE);
	block_event(s, "Identifier Blocked", "blocked", 7, PHONE);
	block_event(t, "Identifier Blocked", "shared", 8, PHONE);
	block_event(t, "Identifier Unblocked", "shared", 8, PHONE);
	arrive(s);
	arrive(t);
	assert_string_equal(phone_state(w), "blocked");
	block_event(s, "Identifier Unblocked", "blocked", 7, PHONE);
	arrive(s);
	assert_string_equal(phone_state(w), "one");
	store_free(s);
	store_free(t);
}

static void a_steward_lifts_what_stores_have_blocked(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *t = store_new(w, "s2", 2);
	struct hq_links links = {.db = w->db, .scope = &w->scope, .wall_us = w->wall_us};
	json_t *ask = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "action", "unblock", "kind", "phone",
	                        "value", PHONE, "actor", "eva", "reason", "asked", "yes", 1);
	char err[200] = "";
	json_t *answer;

	enrol(s, 1, 2, "Anna", PHONE);
	block_event(s, "Identifier Blocked", "blocked", 7, PHONE);
	block_event(t, "Identifier Blocked", "shared", 8, PHONE);
	arrive(s);
	arrive(t);
	assert_string_equal(phone_state(w), "blocked");
	answer = hq_links_do(&links, ask, err, sizeof err);
	assert_string_equal(err[0] && !answer ? err : "", "");
	assert_string_equal(phone_state(w), "one");
	json_decref(answer);
	json_decref(ask);
	/* what a store says later stands again */
	block_event(t, "Identifier Blocked", "blocked", 9, PHONE);
	arrive(t);
	assert_string_equal(phone_state(w), "blocked");
	store_free(s);
	store_free(t);
}

static void block_in_words(struct store *s, const char *event, const char *words)
{
	char properties[300], sealed[300];

	snprintf(properties, sizeof properties,
	         "{\"ident_ref\":\"%s\",\"reason\":\"manager\",\"scope\":\"blocked\","
	         "\"until\":null}",
	         ref(7));
	snprintf(sealed, sizeof sealed,
	         "{\"kind\":\"phone\",\"reason\":\"%s\",\"value\":\"" PHONE "\"}", words);
	speak(s, event, properties, sealed);
}

static void has_why(struct world *w, const char *text, bool there)
{
	struct buf out = {0};

	assert_int_equal(hq_why(hq_db_handle(w->db), &w->scope, "C000001", &out), 1);
	buf_byte(&out, 0);
	if ((strstr((char *)out.data, text) != NULL) != there)
		fail_msg("expected %s%s in:\n%s", there ? "" : "no ", text, (char *)out.data);
	buf_free(&out);
}

static void what_a_manager_said_on_a_block_and_on_lifting_it_is_in_hqs_log(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	json_t *links, *log;

	enrol(s, 1, 2, "Anna", PHONE);
	block_in_words(s, "Identifier Blocked", "stood on a poster");
	block_in_words(s, "Identifier Unblocked", "was a misprint");
	arrive(s);
	assert_string_equal(phone_state(w), "one");
	links = hq_links_read(hq_db_handle(w->db), "C000001");
	log = json_object_get(links, "log");
	assert_int_equal(json_array_size(log), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *row = json_array_get(log, i);
		assert_string_equal(json_string_value(json_object_get(row, "what")),
		                    i ? "undo" : "block");
		assert_string_equal(json_string_value(json_object_get(row, "why")),
		                    i ? "was a misprint" : "stood on a poster");
		assert_string_equal(json_string_value(json_object_get(row, "store")), "s1");
	}
	json_decref(links);
	has_why(w, "blocked phone: ", true);
	has_why(w, ", \"stood on a poster\"; link ", true);
	has_why(w, "; said by store s1 ", true);
	has_why(w, ", \"was a misprint\"; link ", true);
	store_free(s);
}

/* The block is lifted all the same. */
static void words_that_no_terminal_should_show_are_left_out(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	block_in_words(s, "Identifier Blocked", "\\u001b[2J");
	block_in_words(s, "Identifier Unblocked", "he paid with 4111 1111 1111 1111");
	arrive(s);
	assert_string_equal(phone_state(w), "one");
	has_why(w, "blocked phone: ", true);
	has_why(w, "\033", false);
	has_why(w, "4111", false);
	store_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_no_is_told_of_all_whom_it_covered_and_outlives_who_said_it),
	    TEST(a_no_that_covered_somebody_is_explained_of_them_too),
	    TEST(what_one_chose_for_a_number_is_told_of_another_only_if_it_binds_the_number),
	    TEST(a_choice_for_an_address_that_one_has_not_is_not_told_as_one_without),
	    TEST(what_was_chosen_without_a_clock_has_the_time_that_hq_gives_its_event),
	    TEST(a_block_that_says_until_when_counts_for_nothing),
	    TEST(what_clears_by_itself_in_a_store_is_clear_at_hq),
	    TEST(a_store_takes_back_its_own_word_and_nobody_elses_block),
	    TEST(a_steward_lifts_what_stores_have_blocked),
	    TEST(what_a_manager_said_on_a_block_and_on_lifting_it_is_in_hqs_log),
	    TEST(words_that_no_terminal_should_show_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
