/* The next batch is written while one is committed. */
#include "journal_place.h"

#include <semaphore.h>

#include "fault_vfs.h"
#include "store/journal_internal.h"

#define FIRST 20 /* enough for the second thread to be worth its waking */
#define BEHIND 15
#define ALL (1 + FIRST + BEHIND)

/* While armed, a commit that begins to write waits for the test. */
static struct {
	struct place *place;
	atomic_bool armed;
	uint64_t first; /* of the batch that was held last */
	sem_t begun, go_on;
} held;

static void hold(void)
{
	if (!atomic_load(&held.armed) || held.place->journal->batch->first == held.first)
		return;
	held.first = held.place->journal->batch->first;
	atomic_store(&held.armed, false);
	sem_post(&held.begun);
	sem_wait(&held.go_on);
}

static int set_up(void **state)
{
	memset(&fault, 0, sizeof(fault));
	*state = held.place = place_new();
	held.first = 0;
	atomic_store(&held.armed, false);
	sem_init(&held.begun, 0, 0);
	sem_init(&held.go_on, 0, 0);
	fault.on_log_write = hold;
	return 0;
}

static int tear_down(void **state)
{
	memset(&fault, 0, sizeof(fault));
	place_free(*state);
	sem_destroy(&held.begun);
	sem_destroy(&held.go_on);
	return 0;
}

static void put(struct place *p, struct entry **list, int n)
{
	for (int i = 0; i < n; i++)
		assert_true(journal_put(p->journal, list[i] = place_entry(EVENT_ORDER_COMPLETED)));
}

static void put_and_hold(struct place *p, struct entry **list, int n)
{
	atomic_store(&held.armed, true);
	put(p, list, n);
	sem_wait(&held.begun);
}

/* One commit holds the queue up until FIRST wait together; theirs is held too. */
static void hold_a_commit(struct place *p, struct entry **list)
{
	put_and_hold(p, list, 1);
	put(p, list + 1, FIRST);
	atomic_store(&held.armed, true);
	sem_post(&held.go_on);
	sem_wait(&held.begun);
}

/* The second thread takes what is in the queue. */
static void let_it_be_taken(struct place *p)
{
	while (queue_len(p->journal->in) > 0)
		usleep(1000);
}

static void put_behind_a_held_commit(struct place *p, struct entry **list)
{
	hold_a_commit(p, list);
	put(p, list + 1 + FIRST, BEHIND);
	let_it_be_taken(p);
}

static void verify(struct place *p, uint64_t events)
{
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.events, events);
}

static void what_comes_during_a_commit_is_kept_behind_it_in_its_order(void **state)
{
	struct place *p = *state;
	struct entry *list[ALL];
	place_start(p);
	put_behind_a_held_commit(p, list);
	assert_ptr_equal(place_wait(p), list[0]);
	assert_null(journal_done(p->journal)); /* nobody is answered before the sync */
	sem_post(&held.go_on);
	for (int i = 0; i < ALL; i++) {
		if (i > 0)
			assert_ptr_equal(place_wait(p), list[i]);
		assert_int_equal(list[i]->status, ENTRY_KEPT);
		assert_int_equal(list[i]->seq, 2 + i);
		entry_free(list[i]);
	}
	verify(p, 1 + ALL);
}

static void a_full_disk_refuses_what_was_written_ahead_too_and_gives_the_seqs_again(void **state)
{
	struct place *p = *state;
	struct entry *list[ALL];
	place_start(p);
	put_behind_a_held_commit(p, list);
	atomic_store(&fault.log_write_full, true);
	sem_post(&held.go_on);
	for (int i = 0; i < ALL; i++) {
		assert_ptr_equal(place_wait(p), list[i]);
		assert_int_equal(list[i]->status, i == 0 ? ENTRY_KEPT : ENTRY_REFUSED);
		if (i > 0)
			assert_string_equal(list[i]->reason, "disk_full");
		entry_free(list[i]);
	}
	atomic_store(&fault.log_write_full, false);
	struct entry *e = place_kept_soon(p);
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_int_equal(e->seq, 3);
	entry_free(e);
	verify(p, 3);
}

static void a_stop_keeps_what_was_written_ahead(void **state)
{
	struct place *p = *state;
	struct entry *list[ALL];
	place_start(p);
	put_behind_a_held_commit(p, list);
	sem_post(&held.go_on);
	journal_stop(p->journal);
	for (int i = 0; i < ALL; i++) {
		assert_ptr_equal(journal_done(p->journal), list[i]);
		assert_int_equal(list[i]->status, ENTRY_KEPT);
		entry_free(list[i]);
	}
	verify(p, 1 + ALL);
}

static void a_confirmation_that_comes_during_a_commit_is_not_slept_over(void **state)
{
	struct place *p = *state;
	struct entry *list[ALL];
	struct journal_confirm c = {.through = 1};
	place_start(p);
	memcpy(c.epoch, p->journal->epoch, sizeof(c.epoch));
	hold_a_commit(p, list);
	assert_true(journal_confirm(p->journal, &c));
	let_it_be_taken(p); /* the mark that would wake the journal's thread */
	sem_post(&held.go_on);
	for (int i = 0; i < 1 + FIRST; i++)
		entry_free(place_wait(p));
	for (int ms = 0; place_state(p).confirmed == 0; ms++) {
		assert_true(ms < 500); /* who sleeps over it wakes after a second */
		usleep(1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_comes_during_a_commit_is_kept_behind_it_in_its_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_full_disk_refuses_what_was_written_ahead_too_and_gives_the_seqs_again, set_up,
	        tear_down),
	    cmocka_unit_test_setup_teardown(a_stop_keeps_what_was_written_ahead, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_confirmation_that_comes_during_a_commit_is_not_slept_over, set_up, tear_down),
	};
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
