/* Whom HQ believes what: a hierarchy that is configured anew folds every person again. */
#include "hq_import_world.h"

#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_unit.h"
#include "hq/prove/hq_trust.h"

/* C000001, whom an import calls Ana and a till, later, Anna. */
static void begin(struct world *w)
{
	struct hq_said said = {.unit = 1,
	                       .field = "first_name",
	                       .value = "Anna",
	                       .source = "till",
	                       .from_us = w->wall_us + 1,
	                       .to_us = w->wall_us + 1};

	world_import_at(w, "customer_id,first_name\n1,Ana\n", w->wall_us);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_true(hq_unit_say(w->db, &said));
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static void take(struct world *w, const struct field_trust *trust, int64_t marked)
{
	assert_int_equal(hq_trust_take(w->db, trust), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM dirty WHERE later = 1"), marked);
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 10), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static bool called(struct world *w, const char *name)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM profile WHERE n = 1 AND first_name = '%s'",
	         name);
	return world_number(w, sql) == 1;
}

static void persons_are_folded_by_the_configured_hierarchy_and_again_when_it_changes(void **state)
{
	struct world *w = *state;
	struct field_trust trust;

	begin(w);
	assert_true(called(w, "Anna"));
	field_trust_defaults(&trust);
	take(w, &trust, 0); /* as delivered: nothing to do */
	trust.trust[FIELD_FIRST_NAME][FIELD_IMPORT] = 41;
	take(w, &trust, 1);
	assert_true(called(w, "Ana"));
	take(w, &trust, 0);
	field_trust_defaults(&trust);
	take(w, &trust, 1);
	assert_true(called(w, "Anna"));
}

static void a_source_without_a_say_is_heard_no_more(void **state)
{
	struct world *w = *state;
	struct field_trust trust;

	begin(w);
	field_trust_defaults(&trust);
	trust.trust[FIELD_FIRST_NAME][FIELD_TILL] = 0;
	take(w, &trust, 1);
	assert_true(called(w, "Ana"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM unit_fact WHERE value = 'Anna'"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(persons_are_folded_by_the_configured_hierarchy_and_again_when_it_changes),
	    TEST(a_source_without_a_say_is_heard_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
