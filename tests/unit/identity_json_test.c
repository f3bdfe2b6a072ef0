/* Facts and choices as JSON: what a page and an event carry. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <string.h>

#include "event/event.h"
#include "identity/consent_json.h"
#include "identity/field_json.h"

#define R1 "AAAAAAAAAAAAAAAAAAAAAQ"
#define R2 "AAAAAAAAAAAAAAAAAAAAAg"
#define R3 "AAAAAAAAAAAAAAAAAAAAAw"
#define R4 "AAAAAAAAAAAAAAAAAAAABA"
#define CHOICE                                                                                     \
	"{\"address\":\"" R4                                                                       \
	"\",\"at\":[\"2026-11-20T10:00:00.000Z\",\"2026-11-20T10:00:01.500Z\"]"                    \
	",\"channel\":\"email\",\"covers\":[\"" R2 "\",\"" R3 "\"],\"id\":\"" R1                   \
	"\",\"language\":\"de\",\"method\":\"till\",\"purpose\":\"marketing\",\"text\":\"2026-1\"" \
	",\"unit\":\"" R2 "\",\"value\":\"granted\"}"
#define FACT                                                                                       \
	"{\"at\":[\"2026-11-20T10:00:00.000Z\"],\"field\":\"first_name\",\"id\":\"" R1             \
	"\",\"source\":\"import\",\"trust\":30,\"unit\":\"" R2 "\",\"value\":\"Anna\"}"

static json_t *parse(const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	assert_non_null(root);
	return root;
}

/* The same text with something else in one place. */
static json_t *parse_with(const char *text, const char *what, const char *instead)
{
	char changed[4096] = "";
	const char *at = strstr(text, what);
	assert_non_null(at);
	strncat(changed, text, (size_t)(at - text));
	strcat(changed, instead);
	strcat(changed, at + strlen(what));
	return parse(changed);
}

static void expect_text(struct buf *b, const char *text)
{
	assert_false(b->failed);
	buf_byte(b, 0);
	assert_string_equal((const char *)b->data, text);
	buf_free(b);
}

static void a_choice_is_written_as_it_was_read(void **state)
{
	(void)state;
	struct consent_list l;
	struct buf b = {0};
	char err[160];
	json_t *root = parse("[" CHOICE "," CHOICE "]");
	assert_int_equal(consent_json_read(root, &l, err, sizeof err), 0);
	json_decref(root);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.choice[1].cover_count, 2);
	assert_true(l.choice[1].has_text);
	assert_int_equal(l.choice[0].to_us - l.choice[0].from_us, 1500000);
	buf_byte(&b, '[');
	for (size_t i = 0; i < l.count; i++)
		consent_json_write(&b, &l.choice[i]);
	buf_byte(&b, ']');
	expect_text(&b, "[" CHOICE "," CHOICE "]");
	consent_list_free(&l);
	consent_list_free(&l);
}

static void no_choices_are_an_empty_list(void **state)
{
	(void)state;
	struct consent_list l;
	char err[160];
	assert_int_equal(consent_json_read(NULL, &l, err, sizeof err), 0);
	assert_int_equal(l.count, 0);
	consent_list_free(&l);
}

struct change {
	const char *what, *instead, *member;
};

static void what_is_wrong_in_a_choice_refuses_the_list(void **state)
{
	(void)state;
	static const struct change changes[] = {
	    {"\"id\":\"" R1 "\"", "\"id\":\"short\"", "id"},
	    {"\"id\":\"" R1 "\"", "\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\"", "id"},
	    {"T10:00:01.500Z", "T09:00:00.000Z", "at"},
	    {"\"unit\":\"" R2 "\"", "\"unit\":7", "unit"},
	    {"\"address\":\"" R4 "\"", "\"address\":null", "address"},
	    {"\"covers\":[\"" R2 "\"", "\"covers\":[\"\"", "covers"},
	    {"\"covers\":[\"" R2 "\",\"" R3 "\"]", "\"covers\":{}", "covers"},
	    {"\"text\":\"2026-1\"", "\"text\":\"123456789012345678901234567890123\"", "text"},
	    {"\"value\":\"granted\"", "\"value\":true", "value"},
	    {"\"method\":\"till\",", "", "method"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct consent_list l;
		char err[160], start[64];
		json_t *root = parse_with("[" CHOICE "]", changes[i].what, changes[i].instead);
		assert_int_equal(consent_json_read(root, &l, err, sizeof err), -1);
		json_decref(root);
		snprintf(start, sizeof start, "choices: %s: expected ", changes[i].member);
		assert_memory_equal(err, start, strlen(start));
		assert_int_equal(l.count, 0);
		assert_null(l.choice);
	}
}

static void expect_read(const char *what, const char *instead, size_t count,
                        enum consent_value value, enum consent_method method)
{
	struct consent_list l;
	char err[160];
	json_t *root = parse_with("[" CHOICE "]", what, instead);
	assert_int_equal(consent_json_read(root, &l, err, sizeof err), 0);
	json_decref(root);
	assert_int_equal(l.count, count);
	if (count) {
		assert_int_equal(l.choice[0].value, value);
		assert_int_equal(l.choice[0].method, method);
	}
	consent_list_free(&l);
}

static void words_of_a_newer_release_never_allow_anything(void **state)
{
	(void)state;
	expect_read("\"marketing\"", "\"telepathy\"", 0, 0, 0);
	expect_read("\"email\"", "\"telex\"", 0, 0, 0);
	expect_read("\"granted\"", "\"objected\"", 1, CONSENT_WITHDRAWN, CONSENT_TILL);
	expect_read("\"till\"", "\"telex\"", 0, 0, 0);
	expect_read(
	    "\"method\":\"till\",\"purpose\":\"marketing\",\"text\":\"2026-1\",\"unit\":\"" R2
	    "\",\"value\":\"granted\"",
	    "\"method\":\"telex\",\"purpose\":\"marketing\",\"unit\":\"" R2
	    "\",\"value\":\"refused\"",
	    1, CONSENT_WITHDRAWN, CONSENT_COMPLAINT);
	expect_read("\"till\"", "\"stop\"", 1, CONSENT_WITHDRAWN, CONSENT_STOP);
	expect_read("\"granted\"", "\"not_asked\"", 0, 0, 0);
}

static void too_many_choices_are_refused(void **state)
{
	(void)state;
	struct consent_list l;
	char err[160];
	json_t *list = json_array(), *one = parse(CHOICE);
	for (int i = 0; i < CONSENT_CHOICES_MAX; i++)
		json_array_append(list, one);
	assert_int_equal(consent_json_read(list, &l, err, sizeof err), 0);
	assert_int_equal(l.count, CONSENT_CHOICES_MAX);
	consent_list_free(&l);
	json_array_append(list, one);
	assert_int_equal(consent_json_read(list, &l, err, sizeof err), -1);
	json_decref(list);
	json_decref(one);
}

static struct consent_choice read_one(struct consent_list *l)
{
	char err[160];
	json_t *root = parse("[" CHOICE "]");
	assert_int_equal(consent_json_read(root, l, err, sizeof err), 0);
	json_decref(root);
	return l->choice[0];
}

static void an_event_carries_a_choice_there_and_back(void **state)
{
	(void)state;
	struct consent_list l, back;
	struct buf properties = {0}, sealed = {0};
	struct consent_said said = {.profile_ref = R3};
	struct consent_choice c = read_one(&l);
	char err[160];
	consent_json_properties(&properties, &c, &said);
	consent_json_sealed(&sealed, &c, &said);
	json_t *p = json_loadb((char *)properties.data, properties.len, 0, NULL);
	json_t *s = json_loadb((char *)sealed.data, sealed.len, 0, NULL);
	if (lw_event_check(EVENT_CONSENT_CHANGED, p, err, sizeof err) != 0)
		fail_msg("%s", err);
	assert_int_equal(consent_json_event(p, s, &back, err, sizeof err), 0);
	assert_int_equal(back.count, 1);
	struct consent_choice *b = &back.choice[0];
	assert_memory_equal(&b->id, &c.id, sizeof c.id);
	assert_memory_equal(&b->unit, &c.unit, sizeof c.unit);
	assert_memory_equal(&b->address, &c.address, sizeof c.address);
	assert_memory_equal(b->covers, c.covers, 2 * sizeof *c.covers);
	assert_int_equal(b->purpose, c.purpose);
	assert_int_equal(b->channel, c.channel);
	assert_int_equal(b->value, c.value);
	assert_int_equal(b->method, c.method);
	assert_int_equal(b->from_us, c.from_us);
	assert_int_equal(b->to_us, c.to_us);
	assert_string_equal(b->text_version, "2026-1");
	assert_string_equal(b->language, "de");
	consent_list_free(&back);
	assert_int_equal(consent_json_event(p, NULL, &back, err, sizeof err), 0);
	assert_true(ref_none(&back.choice[0].unit));
	consent_list_free(&back);
	json_decref(p);
	json_decref(s);
	expect_text(&sealed, "{\"covers\":[\"" R2 "\",\"" R3 "\"],\"unit\":\"" R2 "\"}");
	expect_text(&properties,
	            "{\"channel\":\"email\",\"choice_id\":\"" R1
	            "\",\"chosen_from\":\"2026-11-20T10:00:00.000Z\",\"chosen_to\":"
	            "\"2026-11-20T10:00:01.500Z\",\"ident_ref\":\"" R4
	            "\",\"language\":\"de\",\"method\":\"till\",\"profile_ref\":\"" R3
	            "\",\"proof_ref\":null,\"purpose\":\"marketing\",\"scope\":\"address\","
	            "\"text_version\":\"2026-1\",\"value\":\"granted\"}");
	consent_list_free(&l);
}

static void times_are_rounded_outward(void **state)
{
	(void)state;
	struct consent_list l;
	struct buf b = {0};
	struct consent_choice c = read_one(&l);
	c = (struct consent_choice){
	    .id = c.id, .unit = c.unit, .value = CONSENT_GRANTED, .from_us = 1999, .to_us = 2001};
	consent_json_write(&b, &c);
	expect_text(&b, "{\"at\":[\"1970-01-01T00:00:00.001Z\",\"1970-01-01T00:00:00.003Z\"],"
	                "\"channel\":\"any\",\"id\":\"" R1 "\",\"method\":\"till\",\"purpose\":"
	                "\"loyalty\",\"unit\":\"" R2 "\",\"value\":\"granted\"}");
	consent_list_free(&l);
}

static void a_fact_is_written_as_it_was_read(void **state)
{
	(void)state;
	struct field_list l;
	struct buf b = {0};
	char err[160];
	json_t *root = parse("[" FACT ",{\"field\":\"shoe_size\",\"value\":44}]");
	assert_int_equal(field_json_read(root, &l, err, sizeof err), 0);
	json_decref(root);
	assert_int_equal(l.count, 1);
	buf_byte(&b, '[');
	field_json_write(&b, &l.fact[0]);
	buf_byte(&b, ']');
	expect_text(&b, "[" FACT "]");
	field_list_free(&l);
}

static void what_is_wrong_in_a_fact_refuses_the_list(void **state)
{
	(void)state;
	static const struct change changes[] = {
	    {"\"id\":\"" R1 "\"", "\"id\":1", "id"},
	    {"\"unit\":\"" R2 "\"", "\"unit\":null", "unit"},
	    {"\"trust\":30", "\"trust\":101", "trust"},
	    {"\"trust\":30", "\"trust\":-1", "trust"},
	    {"[\"2026-11-20T10:00:00.000Z\"]", "[]", "at"},
	    {"\"value\":\"Anna\"", "\"value\":\"An\\nna\"", "first_name"},
	    {"\"value\":\"Anna\"", "\"value\":1", "first_name"},
	    {"\"source\":\"import\"", "\"source\":\"\"", "source"},
	    {"\"field\":\"first_name\"", "\"field\":\"contact\"", "contact"},
	    {"\"field\":\"first_name\"", "\"field\":7", "field"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct field_list l;
		char err[160], start[64];
		json_t *root = parse_with("[" FACT "]", changes[i].what, changes[i].instead);
		assert_int_equal(field_json_read(root, &l, err, sizeof err), -1);
		json_decref(root);
		snprintf(start, sizeof start, "facts: %s: expected ", changes[i].member);
		assert_memory_equal(err, start, strlen(start));
		assert_null(l.fact);
	}
}

static void what_an_enrolment_says_becomes_facts_with_the_same_names_on_both_ends(void **state)
{
	(void)state;
	struct field_list l, again;
	struct buf b = {0};
	char err[160];
	struct field_fact as = {.source = "till", .from_us = 5, .to_us = 6};
	as.id.byte[0] = 9;
	as.unit.byte[0] = 8;
	json_t *root = parse("{\"first_name\":\"Anna\",\"city\":null,\"shoe_size\":\"44\"}");
	assert_int_equal(field_json_said(root, &as, NULL, &l, err, sizeof err), 0);
	assert_int_equal(field_json_said(root, &as, NULL, &again, err, sizeof err), 0);
	json_decref(root);
	assert_int_equal(l.count, 2);
	for (size_t i = 0; i < l.count; i++) {
		assert_memory_equal(&l.fact[i].id, &again.fact[i].id, sizeof l.fact[i].id);
		assert_memory_equal(&l.fact[i].unit, &as.unit, sizeof as.unit);
		assert_int_equal(l.fact[i].trust, 40);
		assert_int_equal(l.fact[i].to_us, 6);
	}
	assert_memory_not_equal(&l.fact[0].id, &l.fact[1].id, sizeof l.fact[0].id);
	field_json_fields(&b, l.fact, l.count);
	expect_text(&b, "{\"city\":null,\"first_name\":\"Anna\"}");
	field_list_free(&l);
	field_list_free(&again);
	root = parse("{\"first_name\":7}");
	assert_int_equal(field_json_said(root, &as, NULL, &l, err, sizeof err), -1);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_choice_is_written_as_it_was_read),
	    cmocka_unit_test(no_choices_are_an_empty_list),
	    cmocka_unit_test(what_is_wrong_in_a_choice_refuses_the_list),
	    cmocka_unit_test(words_of_a_newer_release_never_allow_anything),
	    cmocka_unit_test(too_many_choices_are_refused),
	    cmocka_unit_test(an_event_carries_a_choice_there_and_back),
	    cmocka_unit_test(times_are_rounded_outward),
	    cmocka_unit_test(a_fact_is_written_as_it_was_read),
	    cmocka_unit_test(what_is_wrong_in_a_fact_refuses_the_list),
	    cmocka_unit_test(what_an_enrolment_says_becomes_facts_with_the_same_names_on_both_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
