/* A customer's line on a page: as much as a store takes, and what is left out is said. */
#include "hq_import_world.h"

#include <jansson.h>

#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"
#include "hq/tell/hq_page.h"
#include "identity/consent_json.h"
#include "store/shard.h"

static void run(struct world *w, const char *sql)
{
	char *err = NULL;

	assert_int_equal(hq_db_begin(w->db), 0);
	if (sqlite3_exec(hq_db_handle(w->db), sql, NULL, NULL, &err) != SQLITE_OK)
		fail_msg("%s", err);
	assert_int_equal(hq_db_commit(w->db), 0);
}

/* n rows of a counter, as a source of a SELECT. */
#define MANY "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) "

static void many(struct world *w, const char *select, int n)
{
	char sql[1000];

	snprintf(sql, sizeof sql, select, n);
	run(w, sql);
}

static json_t *line_of(struct world *w)
{
	struct buf out = {0};
	json_t *line;

	hq_profile_line(w->db, 1, &out);
	assert_true(out.len <= SHARD_PROFILE_MAX);
	line = json_loadb((char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	buf_free(&out);
	return line;
}

static void holds(json_t *line, const char *list, size_t n, int left)
{
	assert_int_equal(json_array_size(json_object_get(line, list)), n);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(line, "left_out"), list)), left);
	json_decref(line);
}

#define CHOICES                                                                                    \
	MANY "INSERT INTO choice(ref, unit, purpose, channel, value, method, text, from_us,"       \
	     " to_us, covers, seq) SELECT randomblob(16), 1, 'loyalty', 'any', %s, 'customer', "   \
	     "'v',"                                                                                \
	     " i * 1000000, i * 1000000 + %s, x'', i FROM k"

/* Between two moments that overlap with those of all others: none supersedes another. */
static void choose(struct world *w, int n, const char *value)
{
	char sql[1000];

	snprintf(sql, sizeof sql, CHOICES, n, value, "1000000000");
	run(w, sql);
}

/* One after the other. */
static void choose_surely(struct world *w, int n, const char *value)
{
	char sql[1000];

	snprintf(sql, sizeof sql, CHOICES, n, value, "0");
	run(w, sql);
}

/* n of them that fit, and one more. */
static void at_the_bound(struct world *w, const char *list, size_t n,
                         void (*add)(struct world *, int))
{
	add(w, (int)n);
	holds(line_of(w), list, n, 0);
	add(w, (int)n + 1);
	holds(line_of(w), list, n, 1);
}

static void refusals(struct world *w, int n)
{
	run(w, "DELETE FROM choice");
	choose(w, n, "'refused'");
}

static size_t fitting_choices(struct world *w)
{
	size_t n;
	json_t *line;

	refusals(w, 100);
	line = line_of(w);
	n = json_array_size(json_object_get(line, "choices"));
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(line, "left_out"), "choices")),
	    100 - n);
	json_decref(line);
	return n;
}

static void as_many_choices_as_there_is_room_for_and_not_one_more(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id\nK1\n");
	size_t n = fitting_choices(w);
	assert_in_range(n, 15, HQ_PAGE_CHOICES_MAX);
	at_the_bound(w, "choices", n, refusals);
}

/* refused 1 to 6, granted by a till 7 to 14, by the customer 15 to 22: the plain yeses stand last,
 * each part has its newest first. */
static void a_plain_yes_is_left_out_before_anything_else(void **state)
{
	struct world *w = *state;
	struct consent_list list;
	bool plain = false;
	char err[200];
	json_t *line;

	world_import(w, "customer_id\nK1\n");
	choose(w, 22, "CASE WHEN i <= 6 THEN 'refused' ELSE 'granted' END");
	run(w, "UPDATE choice SET method = 'till' WHERE from_us BETWEEN 7000000 AND 14000000;"
	       "UPDATE choice SET method = 'import', text = '' WHERE from_us = 14000000");
	line = line_of(w);
	assert_int_equal(
	    consent_json_read(json_object_get(line, "choices"), &list, err, sizeof err), 0);
	for (size_t i = 0; i < list.count; i++) {
		assert_false(plain && !consent_plain_yes(&list.choice[i]));
		if (i > 0 && plain == consent_plain_yes(&list.choice[i]))
			assert_true(list.choice[i].to_us < list.choice[i - 1].to_us);
		plain = consent_plain_yes(&list.choice[i]);
	}
	assert_in_range(list.count, 15, 21); /* all 14 others, and the newest of the plain ones */
	assert_true(plain);
	assert_int_equal(list.choice[14].from_us, 22000000);
	consent_list_free(&list);
	json_decref(line);
	refusals(w, 3);
	choose(w, 2, "'granted'");
	holds(line_of(w), "choices", 5, 0);
}

static struct consent_list choices_of(struct world *w, int left)
{
	json_t *line = line_of(w);
	struct consent_list list;
	char err[200];

	assert_int_equal(
	    consent_json_read(json_object_get(line, "choices"), &list, err, sizeof err), 0);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(line, "left_out"), "choices")),
	    left);
	json_decref(line);
	return list;
}

/* No and yes by turns for years, last of all a yes: it is the first that is told. */
static void a_long_history_does_not_push_out_what_was_chosen_last(void **state)
{
	struct world *w = *state;
	struct consent_list list;

	world_import(w, "customer_id\nK1\n");
	choose_surely(w, 3000, "CASE WHEN i % 2 THEN 'refused' ELSE 'granted' END");
	list = choices_of(w, 0);
	assert_in_range(list.count, 15, HQ_PAGE_CHOICES_MAX);
	assert_int_equal(list.choice[0].from_us, 2999000000); /* of what is asked with an address */
	assert_int_equal(list.choice[1].from_us, 3000000000);
	assert_int_equal(list.choice[1].value, CONSENT_GRANTED);
	consent_list_free(&list);
}

/* More than is read: what forbids is, and of the yeses those that a store may believe. */
static void of_more_choices_than_are_read_none_that_forbids_is_missing(void **state)
{
	struct world *w = *state;
	struct consent_list list;

	world_import(w, "customer_id\nK1\n");
	choose_surely(w, 5000, "'granted'");
	choose_surely(w, 2, "'refused'");
	list = choices_of(w, 5002 - 4096);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.choice[0].value, CONSENT_REFUSED);
	assert_int_equal(list.choice[1].value, CONSENT_GRANTED);
	assert_int_equal(list.choice[1].from_us, 5000000000);
	consent_list_free(&list);
}

static void units(struct world *w, int n)
{
	run(w, "DELETE FROM profile WHERE n > 1");
	if (n > 1)
		many(w,
		     MANY "INSERT INTO profile(n, id, state, ref, person, confirmed) SELECT i + 1,"
		          " 'C' || (100000 + i), 'merged', randomblob(16), 1, 1 FROM k",
		     n - 1);
}

static void claims(struct world *w, int n)
{
	run(w, "DELETE FROM claim; DELETE FROM ident");
	many(w,
	     MANY "INSERT INTO ident(id, kind, value, ref) SELECT i, 'phone', '+49' || i,"
	          " randomblob(16) FROM k",
	     n);
	many(w,
	     MANY "INSERT INTO claim(ref, unit, ident, verified, source, seq) SELECT"
	          " randomblob(16), 1, i, 0, 'import', i FROM k",
	     n);
}

static void enrolled(struct world *w, int n)
{
	units(w, n + 1);
	run(w, "UPDATE profile SET confirmed = 0, enrolled = 1 WHERE n > 1");
}

static void each_list_ends_at_its_bound(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id\nK1\n");
	at_the_bound(w, "units", HQ_PAGE_UNITS_MAX, units);
	units(w, 1);
	at_the_bound(w, "identifiers", HQ_PAGE_IDENTS_MAX, claims);
	run(w, "DELETE FROM claim");
	enrolled(w, HQ_PAGE_ENROLLED_MAX);
	json_t *line = line_of(w);
	assert_int_equal(json_array_size(json_object_get(line, "identifiers")),
	                 HQ_PAGE_ENROLLED_MAX);
	json_decref(line);
	enrolled(w, HQ_PAGE_ENROLLED_MAX + 1);
	line = line_of(w);
	assert_int_equal(json_array_size(json_object_get(line, "identifiers")),
	                 HQ_PAGE_ENROLLED_MAX);
	json_decref(line);
}

/* The numbers of other claims and of marks that a line names of its one identifier. */
static void names(struct world *w, size_t also, size_t by)
{
	json_t *line = line_of(w), *is = json_array_get(json_object_get(line, "identifiers"), 0);

	assert_int_equal(json_array_size(json_object_get(is, "also")), also);
	assert_int_equal(json_array_size(json_object_get(is, "by")), by);
	assert_int_equal(json_object_get(is, "also") != NULL, also > 0);
	assert_int_equal(json_object_get(is, "by") != NULL, by > 0);
	json_decref(line);
}

static void beside(struct world *w, int n)
{
	many(w,
	     MANY "INSERT INTO claim(ref, unit, ident, verified, source, seq) SELECT"
	          " randomblob(16), 2, 1, 0, 'till', 100 + i FROM k",
	     n);
}

#define MARK(kind, fate)                                                                           \
	"INSERT INTO op(kind, ref, ident, actor, why, made_us, seq, fate) VALUES('" kind           \
	"', randomblob(16), 1, 'store', '', 0, 1, '" fate "');"

static void an_identifier_names_the_other_claims_on_it_and_who_blocks_it(void **state)
{
	struct world *w = *state;

	world_import(w, "customer_id\nK1\n");
	units(w, 2);
	claims(w, 1);
	names(w, 0, 0);
	beside(w, 1);
	names(w, 1, 0);
	run(w, "UPDATE claim SET fate = 'refused', reason = 'limit' WHERE unit = 2");
	names(w, 0, 0);
	beside(w, HQ_PAGE_BESIDE_MAX + 1);
	names(w, HQ_PAGE_BESIDE_MAX, 0);
	run(w, MARK("block", "holds") MARK("block", "undone") MARK("share", "holds"));
	names(w, HQ_PAGE_BESIDE_MAX, 0); /* several have it, which nobody said */
	run(w, "UPDATE ident SET state = 'blocked'");
	names(w, HQ_PAGE_BESIDE_MAX, 1);
	for (int i = 1; i < HQ_PAGE_MARKS_MAX; i++)
		run(w, MARK("block", "holds"));
	names(w, HQ_PAGE_BESIDE_MAX, HQ_PAGE_MARKS_MAX);
	run(w, MARK("block", "holds")); /* some of them would not lift it */
	names(w, HQ_PAGE_BESIDE_MAX, 0);
}

/* Everything at once, each as long as it can be: a store takes the page. */
static void the_longest_line_is_one_that_a_store_takes(void **state)
{
	struct world *w = *state;
	struct hq_includes includes = {0};
	struct hq_profile_page page = {.max = 10, .bytes_max = 1 << 20, .includes = &includes};
	struct buf out = {0};
	bool more;

	world_import(w, "customer_id,first_name,tier,language\nK1,Anna,gold,de\n");
	units(w, 100);
	run(w, "UPDATE profile SET confirmed = 0, enrolled = 1 WHERE n > 1");
	claims(w, 100);
	run(w,
	    "UPDATE ident SET kind = 'email', value = id || replace(hex(zeroblob(140)), '00',"
	    " 'x') || '@example.com', state = 'shared'; UPDATE claim SET unit = 1 + ident % 100");
	run(w, "INSERT INTO store(id, name) VALUES(91, 'abcdefghijklmnopqrstuvwxyzabcde');"
	       "INSERT INTO epoch(id, store, epoch, rank) VALUES(91, 91, x'01', 0);"
	       "UPDATE claim SET epoch = 91, from_us = 1795280523123000, to_us = 1795280524123000");
	choose(w, 100, "'refused'");
	many(w,
	     MANY "INSERT INTO unit_fact(unit, field, ref, value, source, from_us, to_us) SELECT i,"
	          " 'street', randomblob(16), hex(zeroblob(60)) || i, 'import', i, i FROM k",
	     100);
	run(w,
	    "UPDATE profile SET first_name = replace(hex(zeroblob(32)), '0', '\"'),"
	    " name = replace(hex(zeroblob(64)), '0', '\"'), tier = replace(hex(zeroblob(16)), '0',"
	    " '\"'), points = 1000000000000, points_as_of = '2026-11-20T00:00:00.000Z',"
	    " last_seen_us = 1795280523123000, visits = 9223372036854775807, version = "
	    "9223372036854775807"
	    " WHERE n = 1");
	many(w,
	     MANY "INSERT INTO profile(n, id, state, ref, person, confirmed) SELECT i + 1000,"
	          " 'C' || (200000 + i), 'active', randomblob(16), i + 1000, 1 FROM k",
	     60);
	run(w, "INSERT INTO likely SELECT 1, n, 100000 + n, replace(hex(zeroblob(90)), '0', 'a'), 0"
	       " FROM profile WHERE n > 1000");
	for (int i = 0; i < 16; i++)
		buf_printf(&includes.through, "%s\"%016d\":9223372036854775807", i ? "," : "{", i);
	buf_byte(&includes.through, '}');
	for (int i = 0; i < 16; i++)
		buf_printf(&includes.beyond,
		           "%s\"%016d\":[[9223372036854775807,9223372036854775807],"
		           "[9223372036854775807,9223372036854775807]]",
		           i ? "," : "{", i);
	buf_byte(&includes.beyond, '}');
	page.since = INT64_MAX - 1;
	hq_profile_page(w->db, &page, &out, &more);
	assert_in_range(out.len, 12000, SHARD_PROFILE_MAX);
	assert_non_null(memmem(out.data, out.len, "\"mbit\":101060", 13));
	/* of the units as many as there is room for, and the others are counted */
	json_t *line = json_loadb((char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	size_t units = json_array_size(json_object_get(line, "units"));
	assert_in_range(units, 8, HQ_PAGE_UNITS_MAX - 1);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(line, "left_out"), "units")),
	    100 - units);
	json_decref(line);
	hq_includes_free(&includes);
	buf_free(&out);
}

/* Another table by which they are one all the same is no reason to send everybody again. */
static void a_match_says_by_which_rules_it_held_when_it_was_told(void **state)
{
	struct world *w = *state;
	struct hq_includes includes = {0};
	struct hq_profile_page page = {.max = 10, .bytes_max = 1 << 20, .includes = &includes};
	struct buf out = {0};
	bool more;

	world_import(w, "customer_id\nK1\nK2\n");
	run(w, "INSERT INTO op(kind, ref, left, right, by_person, actor, why, made_us, seq) SELECT"
	       " 'link', randomblob(16), a.ref, b.ref, 1, 'eva', 'same', 0, 1000 FROM profile a, "
	       "profile b"
	       " WHERE a.n = 1 AND b.n = 2; INSERT OR IGNORE INTO dirty(unit) VALUES(1)");
	strcpy(w->rules.version, "7");
	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	hq_profile_page(w->db, &page, &out, &more);
	assert_non_null(memmem(out.data, out.len, ",\"rules\":\"7\"}]", 14));
	buf_reset(&out);
	hq_profile_line(w->db, 1, &out);
	assert_non_null(memmem(out.data, out.len, "\"matches\"", 9));
	assert_null(memmem(out.data, out.len, "\"rules\"", 7));
	hq_includes_free(&includes);
	buf_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(as_many_choices_as_there_is_room_for_and_not_one_more),
	    TEST(a_long_history_does_not_push_out_what_was_chosen_last),
	    TEST(of_more_choices_than_are_read_none_that_forbids_is_missing),
	    TEST(a_plain_yes_is_left_out_before_anything_else),
	    TEST(an_identifier_names_the_other_claims_on_it_and_who_blocks_it),
	    TEST(each_list_ends_at_its_bound),
	    TEST(a_match_says_by_which_rules_it_held_when_it_was_told),
	    TEST(the_longest_line_is_one_that_a_store_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
