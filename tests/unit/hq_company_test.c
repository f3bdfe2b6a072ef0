/* Person and company are two customers: whatever a store says, neither gets what is the other's. */
#include "hq_import_world.h"
#include "hq_say.h"

#include <jansson.h>

#include "hq/identity/hq_profile.h"

#define PHONE "+4915127418395"
#define VAT_ID "DE136695976"
#define CARD "2600000000178"

static void trouble(struct world *w, const char *expected)
{
	assert_string_equal(
	    world_text(w,
	               "SELECT coalesce(group_concat(said, '; '), '') FROM (SELECT cause || ' ' ||"
	               " detail AS said FROM review ORDER BY detail)"),
	    expected);
}

/* A company of HQ's, under the reference of nines. */
static void company(struct world *w)
{
	world_import(w, "customer_id,vat_id\nK1," VAT_ID "\n");
	assert_int_equal(
	    sqlite3_exec(hq_db_handle(w->db),
	                 "UPDATE profile SET ref = x'09090909090909090909090909090909'", NULL, NULL,
	                 NULL),
	    SQLITE_OK);
	assert_int_equal(world_number(w, "SELECT company FROM profile"), 1);
}

static void claims(struct store *s, uint8_t id, uint8_t unit, const char *kind, const char *value)
{
	char members[300];

	snprintf(members, sizeof members,
	         "\"fields\":{},\"identifiers\":[{\"kind\":\"%s\",\"ref\":\"%s\",\"value\":\"%s\","
	         "\"verified\":false}]",
	         kind, ref((uint8_t)(id + 100)), value);
	correct(s, id, unit, members);
}

static void a_person_gets_no_vat_id_and_keeps_the_rest(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	claims(s, 3, 1, "vat_id", VAT_ID);
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier"), 1);
	assert_string_equal(world_text(w, "SELECT kind FROM identifier"), "phone");
	trouble(w, "company store s1 said a vat_id of a person: each is a customer of its own");
	store_free(s);
}

static void a_company_gets_no_card_and_no_first_name_and_keeps_its_own(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	company(w);
	claims(s, 3, 9, "loyalty", CARD);
	claims(s, 4, 9, "phone", PHONE);
	correct(s, 5, 9, "\"fields\":{\"first_name\":\"Anna\",\"language\":\"de\"}");
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier WHERE kind = 'loyalty'"),
	                 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier"), 2);
	assert_string_equal(
	    world_text(w, "SELECT coalesce(first_name, '') || language FROM profile"), "de");
	trouble(w,
	        "company store s1 said a first_name of a company: each is a customer of its own; "
	        "company store s1 said a loyalty of a company: each is a customer of its own");
	store_free(s);
}

static void a_buyers_consent_is_not_the_companys_but_what_forbids_is_taken(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	company(w);
	choose_for(s, 6, 9, 0, 0, "granted", CHOSEN);
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 0);
	trouble(w, "company store s1 was granted marketing for a company: a buyer's consent is not "
	           "the company's");
	choose_for(s, 7, 9, 0, 0, "refused", CHOSEN);
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM choice"), 1);
	store_free(s);
}

static void a_store_is_told_which_unit_is_a_company(void **state)
{
	struct world *w = *state;
	struct buf out = {0};

	company(w);
	hq_profile_line(w->db, 1, &out);
	buf_byte(&out, '\0');
	assert_non_null(strstr((char *)out.data, "\"company\":true,\"confirmed\":true"));
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_person_gets_no_vat_id_and_keeps_the_rest),
	    TEST(a_company_gets_no_card_and_no_first_name_and_keeps_its_own),
	    TEST(a_buyers_consent_is_not_the_companys_but_what_forbids_is_taken),
	    TEST(a_store_is_told_which_unit_is_a_company),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
