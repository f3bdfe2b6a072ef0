/* What a start reads in place of all packs: rows that say the same, whatever happened to the file.
 */
#include "journal_place.h"
#include "store/journal_internal.h"

#define TOLD_MAX 4096

struct told {
	struct {
		struct entry_id id;
		uint8_t epoch[8];
		uint64_t seq;
		uint32_t count;
		int64_t wall_s;
	} m[TOLD_MAX];
	size_t n;
};

static int set_up(void **state)
{
	*state = place_new();
	place_start(*state);
	return 0;
}

static int tear_down(void **state)
{
	place_free(*state);
	return 0;
}

static int64_t sql(struct place *p, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	int rc = sqlite3_step(stmt);
	int64_t v = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return v;
}

static int64_t rows(struct place *p)
{
	return sql(p, "SELECT count(*) FROM taken");
}

static struct entry *message(uint64_t counter, int events)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	for (int i = 1; i < events; i++) {
		struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), copy = *e->first;
		copy.next = NULL;
		*ev = copy;
	}
	e->has_id = true;
	snprintf(e->id.source, sizeof(e->id.source), "till:T%u", (unsigned)(counter % 3));
	snprintf(e->id.session, sizeof(e->id.session), "s%u", (unsigned)(counter % 7));
	e->id.counter = counter;
	memset(e->id.body, (int)counter, sizeof(e->id.body));
	return e;
}

/* n packs, two of three with a message. */
static void trade(struct place *p, uint64_t from, int n)
{
	for (int i = 0; i < n; i++) {
		if (i % 3 == 2)
			place_fill(p, 1);
		else
			entry_free(place_commit(p, message(from + (uint64_t)i, 1 + i % 4)));
		atomic_fetch_add(&p->wall_us, 700000);
	}
}

static bool tell(void *ctx, const struct entry_id *id, const uint8_t epoch[8], uint64_t seq,
                 uint32_t count, int64_t wall_us)
{
	struct told *t = ctx;
	assert_true(t->n < TOLD_MAX);
	strcpy(t->m[t->n].id.source, id->source);
	strcpy(t->m[t->n].id.session, id->session);
	t->m[t->n].id.counter = id->counter;
	memcpy(t->m[t->n].id.body, id->body, 8); /* more is not promised */
	memcpy(t->m[t->n].epoch, epoch, 8);
	t->m[t->n].seq = seq;
	t->m[t->n].count = count;
	t->m[t->n++].wall_s = wall_us / 1000000;
	return true;
}

static void hear(struct place *p, struct told *t)
{
	memset(t, 0, sizeof(*t));
	assert_int_equal(journal_reader_ids(place_reader(p), 0, tell, t), 0);
	journal_reader_free(p->reader);
	p->reader = NULL;
}

/* Open the file, and let all be summed up that can be; without the thread. */
static void sum_up(struct place *p, unsigned step, unsigned packs)
{
	char err[256];
	place_stop(p);
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	p->journal->taken.packs_step = step;
	p->journal->taken.packs_max = packs;
	while (journal_taken_step(p->journal))
		;
	place_stop(p);
}

/* What the rows say is what the packs say. */
static void same_as_packs(struct place *p, int64_t rows_min)
{
	static struct told by_rows, by_packs;
	if (rows(p) < rows_min)
		fail_msg("%d rows, not %d", (int)rows(p), (int)rows_min);
	hear(p, &by_rows);
	sql(p, "DELETE FROM taken");
	hear(p, &by_packs);
	assert_int_equal(by_rows.n, by_packs.n);
	assert_memory_equal(&by_rows, &by_packs, sizeof(by_rows));
}

static void rows_say_what_the_packs_say_over_epochs_and_steps_of_any_size(void **state)
{
	struct place *p = *state;
	static const struct {
		unsigned step, packs;
		int64_t rows;
	} ways[] = {{1, 1, 120}, {5, 7, 17}, {64, 1024, 3}, {3, 1000, 3}};

	for (uint64_t epoch = 0; epoch < 3; epoch++) {
		trade(p, 1 + epoch * 1000, 40);
		place_stop(p);
		place_start(p);
	}
	place_stop(p);
	sql(p, "DELETE FROM taken");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		sum_up(p, ways[i].step, ways[i].packs);
		same_as_packs(p, ways[i].rows);
	}
}

static void messages_without_a_trusted_time_stay_without(void **state)
{
	struct place *p = *state;
	trade(p, 1, 5);
	atomic_store(&p->untrusted, true);
	trade(p, 11, 5);
	atomic_store(&p->untrusted, false);
	trade(p, 21, 5);
	sum_up(p, 64, 1024);
	same_as_packs(p, 1);
}

static void an_epoch_is_summed_up_while_it_goes_on(void **state)
{
	struct place *p = *state;
	place_stop(p);
	char err[256];
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	p->journal->taken.packs_step = 4;
	p->journal->taken.packs_max = 10;
	assert_int_equal(journal_start(p->journal), 0);
	trade(p, 1, 60);
	/* The thread takes its steps behind its answers: the last is to be seen by the next. */
	for (int i = 0; rows(p) < 5 && i < 20000; i++)
		usleep(1000);
	assert_true(rows(p) >= 5);
	place_stop(p);
	same_as_packs(p, 5);
}

static void little_that_is_new_makes_no_row(void **state)
{
	struct place *p = *state;
	trade(p, 1, 30);
	sum_up(p, 64, 1024);
	assert_int_equal(rows(p), 1); /* of the epoch that is over */
	sum_up(p, 64, 1024);
	assert_int_equal(rows(p), 2);
}

static void a_row_that_cannot_be_opened_is_done_without(void **state)
{
	struct place *p = *state;
	trade(p, 1, 60);
	static const char *const damages[] = {
	    "UPDATE taken SET ids = zeroblob(length(ids)) WHERE id % 2",
	    "UPDATE taken SET ids = x'' WHERE id = (SELECT max(id) FROM taken)",
	    "UPDATE taken SET last = last + 3 WHERE id = (SELECT min(id) FROM taken)",
	    "UPDATE taken SET ordinal = 77",
	    "UPDATE taken SET last = id - 1",
	    "DELETE FROM taken WHERE id % 2",
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		sum_up(p, 5, 7);
		sql(p, damages[i]);
		sum_up(p, 5, 7); /* goes over it, and ends */
		same_as_packs(p, 1);
	}
}

static void gaps_between_rows_are_closed_again(void **state)
{
	struct place *p = *state;
	trade(p, 1, 60);
	sum_up(p, 5, 7);
	int64_t all = rows(p);
	sql(p,
	    "DELETE FROM taken WHERE rowid IN (SELECT id FROM taken ORDER BY id LIMIT 3 OFFSET 2)");
	sum_up(p, 5, 7);
	assert_true(rows(p) >= all);
	assert_int_equal(
	    sql(p, "SELECT count(*) FROM pack p WHERE p.ordinal < (SELECT max(ordinal) FROM epoch)"
	           " AND NOT EXISTS (SELECT 1 FROM taken t WHERE p.id BETWEEN t.id AND t.last)"),
	    0);
	same_as_packs(p, 1);
}

static void a_journal_of_the_format_before_gets_rows(void **state)
{
	struct place *p = *state;
	trade(p, 1, 30);
	place_stop(p);
	sql(p, "DROP TABLE taken");
	sql(p, "PRAGMA user_version = 3");
	static struct told before, after;
	hear(p, &before); /* a reader needs no newer release to have been there */
	place_start(p);
	assert_false(p->set_aside);
	sum_up(p, 64, 1024);
	assert_true(rows(p) >= 1);
	hear(p, &after);
	assert_true(before.n > 0);
	assert_memory_equal(&before, &after, sizeof(before));
	same_as_packs(p, 1);
}

static void a_pack_whose_ids_are_garbage_keeps_no_other_from_being_known(void **state)
{
	struct place *p = *state;
	static struct told t;
	trade(p, 1, 30);
	place_stop(p);
	sql(p, "UPDATE pack SET ids = x'21ff' WHERE id = " PLACE_PACK("8"));
	hear(p, &t);
	size_t without = t.n;
	assert_int_equal(without, 19);
	sum_up(p, 5, 7);
	same_as_packs(p, 3);
}

static void rows_go_with_their_packs(void **state)
{
	struct place *p = *state;
	struct journal_confirm c = {.through = UINT64_MAX};
	trade(p, 1, 60);
	memcpy(c.epoch, place_state(p).epoch, 8);
	sum_up(p, 5, 7);
	assert_true(rows(p) >= 8);
	place_start(p);
	assert_true(journal_confirm(p->journal, &c));
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	for (int i = 0; place_state(p).kept > 3 && i < 20000; i++) {
		atomic_fetch_add(&p->wall_us, 11 * 1000000LL);
		place_fill(p, 0);
		journal_included(p->journal, (const uint8_t[8]){1}, &(struct journal_range){1, 1});
		usleep(1000);
	}
	place_stop(p);
	assert_int_equal(sql(p, "SELECT count(*) FROM taken WHERE last <"
	                        " (SELECT min(id) FROM pack)"),
	                 0);
	assert_true(rows(p) <= 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(rows_say_what_the_packs_say_over_epochs_and_steps_of_any_size),
	    TEST(messages_without_a_trusted_time_stay_without),
	    TEST(an_epoch_is_summed_up_while_it_goes_on),
	    TEST(little_that_is_new_makes_no_row),
	    TEST(a_row_that_cannot_be_opened_is_done_without),
	    TEST(gaps_between_rows_are_closed_again),
	    TEST(a_journal_of_the_format_before_gets_rows),
	    TEST(a_pack_whose_ids_are_garbage_keeps_no_other_from_being_known),
	    TEST(rows_go_with_their_packs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
