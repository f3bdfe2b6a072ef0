/* Whom a suggestion may name, and what it shows of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "identity/hint.h"
#include "store/shard_internal.h"

/* A person of one unit, with room for what a test says of it. */
struct one {
	struct overlay_person p;
	struct ref unit;
	struct overlay_claim claim[4];
	struct field_fact fact[6];
	struct overlay_pair pair[2];
};

static void says(struct one *o, enum field f, const char *value)
{
	struct field_fact *fact = &o->fact[o->p.fact_count++];

	*fact = (struct field_fact){
	    .field = f, .unit = o->unit, .value = value, .source = "import", .trust = 30};
	fact->id.byte[0] = (uint8_t)o->p.fact_count;
}

static void has(struct one *o, const char *kind, const char *value)
{
	struct overlay_claim *c = &o->claim[o->p.claim_count++];

	*c = (struct overlay_claim){.unit = o->unit};
	text_copy(c->kind, sizeof c->kind, kind);
	text_copy(c->value, sizeof c->value, value);
}

static struct one *one(uint8_t unit, const char *first, const char *last)
{
	struct one *o = calloc(1, sizeof *o);

	memset(o->unit.byte, unit, sizeof o->unit.byte);
	o->p = (struct overlay_person){
	    .unit = &o->unit, .unit_count = 1, .claim = o->claim, .fact = o->fact, .pair = o->pair};
	text_copy(o->p.profile.customer_id, sizeof o->p.profile.customer_id, "C000031");
	if (first)
		says(o, FIELD_FIRST_NAME, first);
	if (last)
		says(o, FIELD_LAST_NAME, last);
	return o;
}

struct world {
	struct rule_set rules;
	struct score_model *model;
	struct one *here, *other;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	rule_defaults(&w->rules);
	w->model = score_model_defaults();
	w->here = one(1, "Clara", "Kern");
	has(w->here, "email", "clarakern+x@gmail.com");
	w->other = one(2, "Clara", "Kern");
	has(w->other, "email", "clara.kern@gmail.com");
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	rule_free(&w->rules);
	score_model_free(w->model);
	free(w->here);
	free(w->other);
	free(w);
	return 0;
}

static struct hint hint(struct world *w)
{
	struct hint_ask ask = {.who = &w->here->p, .rules = &w->rules, .model = w->model};
	struct hint best = {.mbit = 0};

	hint_begin(&ask);
	hint_look(&ask, &w->other->p, &best);
	return best;
}

static void the_same_mailbox_and_name_are_thirty_to_one(void **state)
{
	struct hint h = hint(*state);

	assert_true(h.mbit >= HINT_MBIT_MIN);
	assert_string_equal(h.text, "Maybe already a customer: C. K.");
	assert_string_equal(h.evidence,
	                    "[\"first_name:same\",\"last_name:same\",\"email:folded\"]");
	assert_string_equal(h.customer_id, "C000031");
}

static void it_shows_initials_and_the_numbers_end(void **state)
{
	struct world *w = *state;

	says(w->other, FIELD_POSTCODE, "50667");
	says(w->other, FIELD_STREET, "Ring 1");
	has(w->other, "phone", "+491728394042");
	assert_string_equal(hint(w).text, "Maybe already a customer: C. K., phone \u202642");
}

static void letters_of_any_script_are_whole(void **state)
{
	struct world *w = *state;

	free(w->other);
	w->other = one(2, NULL, NULL);
	says(w->other, FIELD_NAME, "Özge İlkay Şen");
	has(w->other, "email", "clara.kern@gmail.com");
	w->here->p.fact_count = 0;
	says(w->here, FIELD_NAME, "Özge İlkay Şen");
	assert_string_equal(hint(w).text, "Maybe already a customer: Ö. Ş.");
}

static void names_alone_are_not_enough(void **state)
{
	struct world *w = *state;

	w->other->p.claim_count = 0;
	assert_int_equal(hint(w).mbit, 0);
}

static void a_family_on_one_mailbox_is_not_one_person(void **state)
{
	struct world *w = *state;

	w->other->fact[0].value = "Bernd";
	assert_int_equal(hint(w).mbit, 0);
}

static void of_two_the_likelier_is_named(void **state)
{
	struct world *w = *state;
	struct hint_ask ask = {.who = &w->here->p, .rules = &w->rules, .model = w->model};
	struct one *likelier = one(3, "Clara", "Kern");
	struct hint best = {.mbit = 0};

	has(likelier, "email", "clara.kern@gmail.com");
	has(likelier, "phone", "+491728394042");
	has(w->here, "phone", "+491728394042");
	hint_begin(&ask);
	hint_look(&ask, &w->other->p, &best);
	hint_look(&ask, &likelier->p, &best);
	assert_int_equal(best.other.byte[0], 3);
	hint_look(&ask, &w->other->p, &best);
	assert_int_equal(best.other.byte[0], 3);
	free(likelier);
}

static void of_many_who_were_typed_the_alike_are_looked_at(void **state)
{
	static const struct {
		struct score_plain typed;
		bool alike;
	} cases[] = {
	    {{.first_name = "Clara", .last_name = "Kern", .mail = {"clarakern@gmail.com"}}, true},
	    {{.first_name = "clara", .last_name = "Kern-M", .mail = {"c.larakern@gmail.com"}},
	     true},
	    {{.first_name = "Kern", .last_name = "Clara", .mail = {"clarakern@gmail.com"}}, true},
	    {{.first_name = "Clara", .last_name = "Kern", .mail = {"other@example.net"}}, false},
	    {{.first_name = "Ben", .last_name = "Mohr", .mail = {"clarakern@gmail.com"}}, false},
	    {{.phone = {"+491728394042"}}, false},
	    {{.first_name = NULL}, false},
	};
	struct world *w = *state;
	struct hint_ask ask = {.who = &w->here->p, .rules = &w->rules, .model = w->model};

	hint_begin(&ask);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(hint_alike(&ask, &cases[i].typed), cases[i].alike);
}

static void who_is_protected_is_not_suggested_and_gets_no_suggestion(void **state)
{
	struct world *w = *state;
	struct one *both[] = {w->here, w->other};

	for (int i = 0; i < 2; i++) {
		both[i]->p.profile.confidential = true;
		assert_int_equal(hint_may(&both[i]->p, &w->rules), false);
		both[i]->p.profile.confidential = false;
		both[i]->p.profile.restricted = true;
		assert_int_equal(hint_may(&both[i]->p, &w->rules), false);
		both[i]->p.profile.restricted = false;
		assert_int_equal(hint_may(&both[i]->p, &w->rules), true);
	}
	w->other->p.profile.confidential = true;
	assert_int_equal(hint(w).mbit, 0);
}

static void staff_and_companies_are_not_suggested(void **state)
{
	struct world *w = *state;
	const struct rule_value staff = {
	    .kind = IDENT_LOYALTY, .list = RULE_LIST_STAFF, .value = "2600000000178"};

	assert_int_equal(rule_add(&w->rules, &staff), 0);
	has(w->other, "loyalty", "2600000000170");
	assert_true(hint(w).mbit > 0);
	has(w->other, "loyalty", "2600000000178");
	assert_int_equal(hint(w).mbit, 0);
	text_copy(w->other->claim[2].kind, sizeof w->other->claim[2].kind, "vat_id");
	assert_int_equal(hint(w).mbit, 0);
}

static void of_whom_something_was_said_nothing_is_suggested(void **state)
{
	struct world *w = *state;
	struct one *both[] = {w->here, w->other};

	for (int i = 0; i < 2; i++) {
		for (int apart = 0; apart < 2; apart++) {
			both[i]->pair[0] = (struct overlay_pair){
			    .unit = both[i]->unit, .other = both[1 - i]->unit, .apart = apart};
			both[i]->p.pair_count = 1;
			assert_int_equal(hint(w).mbit, 0);
		}
		memset(&both[i]->pair[0].other, 9, sizeof(struct ref));
		assert_true(hint(w).mbit > 0);
	}
}

static void nobody_is_suggested_to_oneself(void **state)
{
	struct world *w = *state;

	w->other->unit = w->here->unit;
	assert_int_equal(hint(w).mbit, 0);
}

static void a_shard_folds_addresses_as_identity_does(void **state)
{
	static const char *const addresses[] = {
	    "clara.kern@gmail.com", "clarakern@gmail.com",     "c.l.a.r.a+shop+x@gmail.com",
	    "clara+@gmail.com",     "clara.kern@example.com",  "clara+a@example.com",
	    "a@notgmail.com",       "clara.kern@gmail.com.de", "g.m@mail.gmail.com",
	};
	char by_shard[SHARD_IDENT_VALUE_SIZE], by_identity[IDENT_VALUE_SIZE], nf[IDENT_VALUE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		assert_true(ident_email(addresses[i], nf));
		assert_true(ident_email_uid2(nf, by_identity));
		bool other = shard_fold(nf, by_shard);
		assert_string_equal(other ? by_shard : nf, by_identity);
		assert_int_equal(other, strcmp(nf, by_identity) != 0);
	}
	assert_false(shard_fold("@gmail.com", by_shard));
	assert_false(shard_fold("+a@gmail.com", by_shard));
	assert_false(shard_fold("..@gmail.com", by_shard));
	assert_false(shard_fold("", by_shard));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_same_mailbox_and_name_are_thirty_to_one),
	    T(it_shows_initials_and_the_numbers_end),
	    T(letters_of_any_script_are_whole),
	    T(names_alone_are_not_enough),
	    T(a_family_on_one_mailbox_is_not_one_person),
	    T(of_two_the_likelier_is_named),
	    T(of_many_who_were_typed_the_alike_are_looked_at),
	    T(who_is_protected_is_not_suggested_and_gets_no_suggestion),
	    T(staff_and_companies_are_not_suggested),
	    T(of_whom_something_was_said_nothing_is_suggested),
	    T(nobody_is_suggested_to_oneself),
	    T(a_shard_folds_addresses_as_identity_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
