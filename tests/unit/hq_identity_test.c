/* Events of stores about who somebody is: what HQ makes of them, in every order of arrival. */
#include "hq_say.h"

#include "hq/identity/hq_identity.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"
#include "hq/identity/hq_unit.h"

#define PHONE "+4915127418395"

static void an_enrolment_becomes_a_customer_with_what_was_said(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char *line, expected[200];

	enrol(s, 1, 2, "Anna", "0151 27418395");
	choose(s, 3, 1, 2, "granted");
	arrive(s);
	assert_string_equal(world_text(w, "SELECT id || first_name || state FROM profile"),
	                    "C000001Annaactive");
	line = line_of(w, 1);
	snprintf(expected, sizeof expected,
	         "{\"kind\":\"phone\",\"ref\":\"%s\",\"value\":\"" PHONE "\",\"verified\":false}]",
	         ref(2));
	assert_non_null(strstr(line, expected));
	/* The store finds it by the name that it gave. */
	snprintf(expected, sizeof expected,
	         "\"identifiers\":[{\"kind\":\"unit\",\"ref\":\"%s\",\"value\":\"%s\"", ref(1),
	         ref(1));
	assert_non_null(strstr(line, expected));
	snprintf(expected, sizeof expected,
	         "\"],\"confirmed\":false,\"number\":1,\"ref\":\"%s\",\"store\":\"s1\"}]", ref(1));
	assert_non_null(strstr(line, "\"units\":[{\"at\":[\"2026-"));
	assert_non_null(strstr(line, expected));
	snprintf(expected, sizeof expected, "\"choices\":[{\"address\":\"%s\"", ref(2));
	assert_non_null(strstr(line, expected));
	assert_non_null(strstr(line, "\"field\":\"age_ok\""));
	assert_non_null(strstr(line, "\"source\":\"till\""));
	free(line);
	store_free(s);
}

static void an_event_that_comes_again_says_nothing_twice(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	points(s, 3, 1, 10);
	arrive(s);
	int64_t version = (int64_t)hq_profile_version(w->db);
	arrive(s);
	assert_int_equal(hq_profile_version(w->db), version);
	/* the same history in a second epoch, as after a copy of a store's disk */
	struct store *copy = store_new(w, "s1", 2);
	enrol(copy, 1, 2, "Anna", PHONE);
	points(copy, 3, 1, 10);
	arrive(copy);
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile"), 1);
	assert_int_equal(world_number(w, "SELECT points FROM profile"), 10);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier"), 1);
	store_free(s);
	store_free(copy);
}

static void what_hqs_rules_refuse_is_listed_and_takes_nothing_else_with_it(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", "not a number");
	correct(s, 3, 1,
	        "\"fields\":{\"city\":\"4111111111111111\",\"language\":\"de\","
	        "\"last_name\":\"\\u202egreB\"}");
	arrive(s);
	assert_string_equal(world_text(w, "SELECT first_name || language FROM profile"), "Annade");
	assert_int_equal(world_number(w, "SELECT count(*) FROM claim"), 0);
	assert_string_equal(world_text(w, "SELECT cause FROM review"),
	                    "refused_at_hq,refused_at_hq,refused_at_hq");
	assert_int_equal(world_number(w, "SELECT count(*) FROM review WHERE detail LIKE '%4111%'"
	                                 " OR detail LIKE '%not a number%'"),
	                 0);
	store_free(s);
}

static void a_correction_waits_for_its_enrolment_and_what_was_nulled_is_gone(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *t = store_new(w, "s2", 2);

	enrol(s, 1, 2, "Ana", PHONE);
	correct(t, 3, 1, "\"fields\":{\"first_name\":\"Anna\",\"city\":\"Bonn\"}");
	correct(t, 4, 1, "\"fields\":{\"city\":null}");
	arrive(t);
	assert_int_equal(world_number(w, "SELECT count(*) FROM profile"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM waiting_unit"), 2);
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM waiting_unit"), 0);
	assert_string_equal(world_text(w, "SELECT first_name FROM profile"), "Anna");
	assert_string_equal(world_text(w, "SELECT count(*) || max(to_us = to_us) FROM unit_fact"
	                                  " WHERE field = 'city'"),
	                    "21");
	store_free(s);
	store_free(t);
}

static void a_dropped_identifier_never_was_the_customers(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char drop[60];

	enrol(s, 1, 2, "Anna", PHONE);
	snprintf(drop, sizeof drop, "\"drop\":[\"%s\"]", ref(2));
	correct(s, 3, 1, drop);
	arrive(s);
	assert_int_equal(world_number(w, "SELECT count(*) FROM identifier"), 0);
	assert_string_equal(world_text(w, "SELECT fate FROM claim"), "undone");
	store_free(s);
}

/* ---- one phone, two stores ---- */

static void two_stores_enrol(struct world *w, const char *one, const char *other, bool second_first)
{
	struct store *s = store_new(w, "s1", 1), *t = store_new(w, "s2", 2);

	enrol(s, 1, 2, one, PHONE);
	enrol(t, 3, 4, other, PHONE);
	arrive(second_first ? t : s);
	arrive(second_first ? s : t);
	store_free(s);
	store_free(t);
}

static void one_phone_and_one_name_enrolled_in_two_stores_is_one_person(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct world *w = world_new();
		two_stores_enrol(w, "Anna", i & 2 ? NULL : "anna ", i & 1);
		assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,1");
		assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
		assert_string_equal(
		    world_text(w, "SELECT upper(trim(first_name)) FROM profile WHERE n = 1"),
		    "ANNA");
		assert_int_equal(world_number(w, "SELECT count(*) FROM review"), 0);
		assert_true(says(w, 1, "\"matches\":[{\"id\":\""));
		assert_true(says(w, 1, "\",\"kind\":\"phone\",\"left\":\""));
		world_free(w);
	}
}

/* Which units are one person when the phone is enrolled twice, the second time `later_us` after
 * the first, and what the steward is asked. */
static const char *enrolled_again(bool elsewhere, int64_t later_us)
{
	static char out[8192];
	struct world *w = world_new();
	struct store *s = store_new(w, "s1", 1), *t = elsewhere ? store_new(w, "s2", 2) : s;

	enrol(s, 1, 2, "Anna", PHONE);
	w->wall_us += later_us;
	enrol(t, 3, 4, "Anna", PHONE);
	arrive(s);
	if (elsewhere)
		arrive(t);
	snprintf(out, sizeof out, "%s", world_text(w, "SELECT person FROM profile"));
	snprintf(out + strlen(out), sizeof out - strlen(out), " %s",
	         world_text(w, "SELECT state FROM ident"));
	snprintf(out + strlen(out), sizeof out - strlen(out), " %s",
	         world_text(w, "SELECT cause FROM review ORDER BY cause"));
	if (elsewhere)
		store_free(t);
	store_free(s);
	world_free(w);
	return out;
}

#define DAY_US INT64_C(86400000000)

static void one_phone_enrolled_where_the_first_could_be_known_is_a_stewards_to_decide(void **state)
{
	(void)state;
	assert_string_equal(enrolled_again(true, 6 * DAY_US), "1,1 one ");
	assert_string_equal(enrolled_again(true, 7 * DAY_US), "1,2 several not_offline,several");
	assert_string_equal(enrolled_again(false, DAY_US), "1,2 several not_offline,several");
}

/* When HQ learns when it was, it may have been offline after all, or no longer. */
static void a_repaired_time_parts_and_joins(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1), *t = store_new(w, "s2", 2);

	enrol(s, 1, 2, "Anna", PHONE);
	enrol(t, 3, 4, "Anna", PHONE);
	arrive(s);
	arrive(t);
	int64_t epoch = world_number(w, "SELECT epoch FROM claim ORDER BY id LIMIT 1");
	uint64_t seq = (uint64_t)world_number(w, "SELECT seq FROM claim ORDER BY id LIMIT 1");
	int64_t from_us = world_number(w, "SELECT from_us FROM claim ORDER BY id LIMIT 1");
	assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,1");
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_identity_moved(w->db, epoch, seq, from_us - 8 * DAY_US, from_us);
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,2");
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_identity_moved(w->db, epoch, seq, from_us - DAY_US, from_us);
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,1");
	store_free(s);
	store_free(t);
}

static void one_phone_and_two_names_are_two_persons_and_the_phone_is_shared(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *w = world_new();
		char *line;
		two_stores_enrol(w, "Anna", "Bert", i & 1);
		assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,2");
		assert_string_equal(world_text(w, "SELECT state FROM ident"), "shared");
		assert_string_equal(world_text(w, "SELECT cause FROM review ORDER BY cause"),
		                    "first_names,shared");
		line = line_of(w, 2);
		assert_non_null(strstr(line, "\"state\":\"shared\""));
		assert_null(strstr(line, "\"matches\""));
		free(line);
		world_free(w);
	}
}

/* ---- orders go with the identifier they came with ---- */

static void after_an_unlink_each_order_is_his_whose_identifier_it_came_with(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	enrol(s, 3, 4, "Bert", "+4915127418396");
	link_event(s, "Identity Linked", "same", 9, 1, 3);
	arrive(s);
	assert_string_equal(world_text(w, "SELECT person FROM profile"), "1,1");
	/* the store knows one customer by now, and presents both phones */
	attach(s, "b1", "C000001", ref(2));
	order(s, "b1", "1", "1.00");
	attach(s, "b2", "C000001", ref(4));
	order(s, "b2", "2", "5.00");
	arrive(s);
	assert_string_equal(world_text(w, "SELECT spend FROM profile"), "600,0");
	assert_string_equal(world_text(w, "SELECT body LIKE '%C000001%' FROM outbox"), "1,1");
	link_event(s, "Identity Unlinked", "mistake", 9, 1, 3);
	arrive(s);
	assert_string_equal(world_text(w, "SELECT person || ' ' || spend FROM profile"),
	                    "1 100,2 500");
	link_event(s, "Identity Unlinked", "not_me", 10, 1, 3);
	link_event(s, "Identity Linked", "again", 11, 1, 3);
	arrive(s);
	assert_string_equal(world_text(w, "SELECT kind || fate FROM op"),
	                    "linkundone,undoholds,apartholds,linkholds");
	store_free(s);
}

static void an_order_of_somebody_not_yet_known_is_found_when_the_enrolment_comes(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	attach(s, "b1", ref(1), ref(2));
	order(s, "b1", "1", "1.00");
	attach(s, "b2", ref(1), "");
	order(s, "b2", "2", "2.00");
	store_send(s, 3, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM sale WHERE owner IS NULL"), 2);
	store_send(s, 1, 2);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT spend FROM profile"), "300");
	store_free(s);
}

/* ---- every order of arrival ---- */

#define HISTORY_MAX 24
#define HISTORY_ROUNDS 30
struct history {
	struct world *w;
	struct store *one, *two, *later;
	struct place {
		struct store *s;
		uint64_t seq;
	} place[HISTORY_MAX];
	int count;
};

static void write_history(struct history *h, struct world *w)
{
	h->w = w;
	h->one = store_new(w, "s1", 9);
	h->two = store_new(w, "s2", 3);
	enrol(h->one, 1, 2, "Anna", PHONE);
	enrol(h->two, 3, 4, NULL, PHONE);
	attach(h->two, "b1", ref(3), ref(4));
	order(h->two, "b1", "1", "7.00");
	points(h->two, 20, 3, -5);
	link_event(h->one, "Identity Linked", "same", 9, 1, 5);
	/* of four on one phone those of two stores with one name are one; it is shared because the
	 * other store's last one met another name, whenever that was heard of */
	enrol(h->one, 30, 31, "Carl", "+4915127418397");
	enrol(h->two, 32, 33, "Carl", "+4915127418397");
	enrol(h->two, 34, 35, "Carl", "+4915127418397");
	/* the box restarts: another epoch, whose number sorts in front of the first */
	h->later = store_after(w, "s1", 5, h->one);
	enrol(h->later, 5, 6, "Berta", "+4915127418396");
	correct(h->later, 7, 1, "\"fields\":{\"first_name\":\"Anne\"}");
	link_event(h->later, "Identity Unlinked", "mistake", 9, 1, 5);
	choose(h->later, 8, 5, 6, "withdrawn");
	enrol(h->later, 36, 37, "Dora", "+4915127418397");
	h->count = 0;
	for (uint64_t seq = 1; seq <= h->one->seq; seq++)
		h->place[h->count++] = (struct place){h->one, seq};
	for (uint64_t seq = 1; seq <= h->two->seq; seq++)
		h->place[h->count++] = (struct place){h->two, seq};
	for (uint64_t seq = 1; seq <= h->later->seq; seq++)
		h->place[h->count++] = (struct place){h->later, seq};
	assert_true(h->count <= HISTORY_MAX);
}

/* Persons by their units' references: the numbers are given as units come. */
static const char *outcome(struct world *w)
{
	static char out[8192];
	const char *const parts[] = {
	    "SELECT who FROM (SELECT (SELECT group_concat(substr(hex(ref), 1, 2), '+')"
	    " FROM (SELECT ref FROM profile u WHERE u.person = p.n ORDER BY ref)) || ':' ||"
	    " coalesce(first_name, '-') || ':' || coalesce(points, '-') || ':' || spend || ':' ||"
	    " visits || ':' || (SELECT count(*) FROM identifier WHERE profile = p.n) || ':' ||"
	    " (SELECT count(*) FROM choice c JOIN profile u ON u.n = c.unit WHERE u.person = p.n "
	    "AND"
	    " c.address IS NOT NULL) AS who FROM profile p WHERE p.person = p.n) ORDER BY who",
	    "SELECT kind || ' ' || fate || coalesce(' ' || reason, '') FROM op ORDER BY kind, ref",
	    "SELECT state FROM ident ORDER BY kind, value",
	    "SELECT cause FROM review ORDER BY cause",
	    "SELECT count(*) FROM waiting_unit UNION ALL SELECT count(*) FROM dirty"};

	out[0] = '\0';
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? " | " : "",
		         world_text(w, parts[i]));
	return out;
}

static void every_order_of_arrival_gives_the_same_persons(void **state)
{
	char expected[4096] = "";
	uint32_t dice = 1;

	(void)state;
	for (int round = 0; round < HISTORY_ROUNDS; round++) {
		struct world *w = world_new();
		struct history h;
		write_history(&h, w);
		for (int i = h.count - 1; i > 0 && round > 0; i--) {
			dice = dice * 1664525u + 1013904223u;
			int k = (int)((dice >> 8) % (uint32_t)(i + 1));
			struct place swap = h.place[i];
			h.place[i] = h.place[k];
			h.place[k] = swap;
		}
		for (int i = 0; i < h.count; i++) {
			store_send(h.place[i].s, h.place[i].seq, h.place[i].seq);
			world_fold(w);
		}
		if (round == 0) {
			snprintf(expected, sizeof expected, "%s", outcome(w));
			assert_string_equal(
			    expected,
			    "01+03:Anne:0:700:1:1:0,05:Berta:-:0:0:1:1,1E+20:Carl:-:0:0:1:0,22:"
			    "Carl:-:0:0:1:0,24:Dora:-:0:0:1:0 | link undone,undo holds | "
			    "one,one,shared | first_names,first_names,first_names,not_offline,"
			    "shared,shortfall | 0,0");
		}
		if (strcmp(outcome(w), expected) != 0) {
			for (int i = 0; i < h.count; i++)
				print_message("%s:%d ", h.place[i].s->name, (int)h.place[i].seq);
			print_message("round %d\n", round);
		}
		assert_string_equal(outcome(w), expected);
		store_free(h.one);
		store_free(h.two);
		store_free(h.later);
		world_free(w);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

#define LOG                                                                                        \
	"SELECT op.kind || ' ' || op.fate FROM op LEFT JOIN epoch ON epoch.id = op.epoch"          \
	" LEFT JOIN store ON store.id = epoch.store ORDER BY store.name, op.seq"

static void what_blocks_a_value_of_nobodys_is_undone_in_every_order(void **state)
{
	struct world *w = *state;

	for (int turned = 0; turned < 2; turned++) {
		world_free(w);
		*state = w = world_new();
		struct store *a = store_new(w, "s1", 1), *b = store_new(w, "s2", 2);
		block(a, "Identifier Blocked", "blocked", 7, "phone", PHONE);
		block(b, "Identifier Unblocked", "blocked", 7, "phone", PHONE);
		arrive(turned ? b : a);
		assert_string_equal(world_text(w, LOG), turned ? "undo holds" : "block holds");
		arrive(turned ? a : b);
		assert_string_equal(world_text(w, LOG), "block undone,undo holds");
		assert_int_equal(world_number(w, "SELECT count(*) FROM dirty_op"), 0);
		assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
		store_free(a);
		store_free(b);
	}
}

static void a_link_of_nobody_who_is_here_is_told_as_that(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1);

	link_event(a, "Identity Linked", "manager", 7, 1, 2);
	arrive(a);
	assert_string_equal(world_text(w, "SELECT fate || ' ' || reason FROM op"),
	                    "refused unknown");
	link_event(a, "Identity Unlinked", "manager", 7, 1, 2);
	arrive(a);
	assert_string_equal(world_text(w, LOG), "link undone,undo holds");
	store_free(a);
}

static void what_clears_itself_names_no_value_and_takes_back_its_own_block_alone(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b = store_new(w, "s2", 2);

	enrol(a, 1, 2, "Anna", PHONE);
	block(a, "Identifier Blocked", "shared", 7, "phone", PHONE);
	arrive(a);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "shared");
	block(a, "Identifier Unblocked", "shared", 7, NULL, NULL);
	arrive(a);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
	assert_int_equal(world_number(w, "SELECT count(*) FROM uncounted"), 0);
	/* A block of another store's, which came before by the clock, stays. */
	block(b, "Identifier Blocked", "blocked", 8, "phone", PHONE);
	block(a, "Identifier Blocked", "shared", 9, "phone", PHONE);
	arrive(b);
	block(a, "Identifier Unblocked", "shared", 9, NULL, NULL);
	arrive(a);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "blocked");
	block(b, "Identifier Unblocked", "blocked", 8, "phone", PHONE);
	arrive(b);
	assert_string_equal(world_text(w, "SELECT state FROM ident"), "one");
	assert_string_equal(world_text(w, "SELECT fate FROM op WHERE kind <> 'undo'"),
	                    "undone,undone,undone");
	store_free(a);
	store_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_enrolment_becomes_a_customer_with_what_was_said),
	    TEST(an_event_that_comes_again_says_nothing_twice),
	    TEST(what_hqs_rules_refuse_is_listed_and_takes_nothing_else_with_it),
	    TEST(a_correction_waits_for_its_enrolment_and_what_was_nulled_is_gone),
	    TEST(a_dropped_identifier_never_was_the_customers),
	    cmocka_unit_test(one_phone_and_one_name_enrolled_in_two_stores_is_one_person),
	    cmocka_unit_test(
	        one_phone_enrolled_where_the_first_could_be_known_is_a_stewards_to_decide),
	    TEST(a_repaired_time_parts_and_joins),
	    cmocka_unit_test(one_phone_and_two_names_are_two_persons_and_the_phone_is_shared),
	    TEST(after_an_unlink_each_order_is_his_whose_identifier_it_came_with),
	    TEST(an_order_of_somebody_not_yet_known_is_found_when_the_enrolment_comes),
	    cmocka_unit_test(every_order_of_arrival_gives_the_same_persons),
	    TEST(what_blocks_a_value_of_nobodys_is_undone_in_every_order),
	    TEST(a_link_of_nobody_who_is_here_is_told_as_that),
	    TEST(what_clears_itself_names_no_value_and_takes_back_its_own_block_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
