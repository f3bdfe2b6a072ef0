/* Memory runs out at each allocation of a fold in turn: nothing comes of it, nothing stays behind,
 * and the same fold succeeds afterwards. Whoever counts failed allocations sees it.
 *
 * The file that allocates is compiled into this test, so that allocations can be counted down.
 */
#include "counted_memory.h"

#include "base/memory.c"
#undef malloc
#undef calloc
#undef realloc

#include "fold_world.h"

#define ALLOCATIONS 2 /* of a fold: to work in, and the result */

static struct fold *fold(const struct fold_world *w)
{
	return fold_run(&(struct fold_input){.rules = &w->rules,
	                                     .unit = w->unit,
	                                     .unit_count = w->unit_count,
	                                     .op = w->op,
	                                     .op_count = w->op_count});
}

static void a_fold_without_memory_is_none_and_leaves_nothing_behind(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	enrol(w, "c", NULL);
	struct fold_op *first = typed(w, "a", "+49");
	typed(w, "b", "+49");
	link_two(w, "b", "c");
	undo(w, first);
	for (int fail_at = 0; fail_at < ALLOCATIONS; fail_at++) {
		uint64_t failed = memory_failures();
		allocations_left = fail_at;
		assert_null(fold(w));
		allocations_left = -1;
		assert_int_equal(memory_failures(), failed + 1);
	}
	allocations_left = ALLOCATIONS;
	struct fold *f = fold(w);
	allocations_left = -1;
	assert_non_null(f);
	assert_int_equal(f->person[0], 0);
	assert_int_equal(f->person[2], 1);
	fold_free(f);
}

static void a_fold_of_nothing_is_one(void **state)
{
	struct fold_world *w = *state;
	struct fold *f = fold(w);
	assert_non_null(f);
	assert_int_equal(f->join_count, 0);
	assert_int_equal(f->ident_count, 0);
	fold_free(f);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fold_world_start, fold_world_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_fold_without_memory_is_none_and_leaves_nothing_behind),
	    T(a_fold_of_nothing_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
