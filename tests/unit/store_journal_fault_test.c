#include "journal_place.h"

#include <sys/wait.h>

#include "fault_vfs.h"
#include "store/journal_internal.h"

#define ANSWERED 3 /* exit status of a child that was told something it must not be told */

static int set_up(void **state)
{
	memset(&fault, 0, sizeof(fault));
	*state = place_new();
	return 0;
}

static int tear_down(void **state)
{
	memset(&fault, 0, sizeof(fault));
	place_free(*state);
	return 0;
}

/* Run in a process of its own; how it ended. */
static int in_child(struct place *p, void (*fn)(struct place *p))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		fn(p);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Put a few entries; whoever is answered says so with the exit status. */
static void put_and_hope(struct place *p)
{
	for (int i = 0; i < 20; i++)
		journal_put(p->journal, place_entry(EVENT_PRODUCT_ADDED));
	place_wait(p);
	_exit(ANSWERED);
}

static void fail_a_sync(struct place *p)
{
	place_start(p);
	place_fill(p, 3);
	atomic_store(&fault.log_sync_fails, true);
	put_and_hope(p);
}

static void fail_a_write(struct place *p)
{
	place_start(p);
	place_fill(p, 3);
	atomic_store(&fault.log_write_fails, true);
	put_and_hope(p);
}

static void fail_the_first_sync(struct place *p)
{
	atomic_store(&fault.log_sync_fails, true);
	place_start(p);
	_exit(ANSWERED);
}

static void fail_the_checkpoint(struct place *p)
{
	place_start(p);
	while (!place_state(p).check.done) /* its reader would be in the way */
		usleep(1000);
	p->journal->checkpoint_at = 1;
	atomic_store(&fault.file_sync_fails, true);
	place_fill(p, 3);
	sleep(30); /* it ends before */
	_exit(ANSWERED);
}

static void comes_up_whole(struct place *p)
{
	struct journal_verify v;
	char err[256] = "";
	place_start(p);
	assert_false(p->set_aside);
	assert_false(place_state(p).clean);
	place_fill(p, 2);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 2);
}

static void comes_up_whole_after(struct place *p)
{
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	place_stop(p);
	place_start(p);
	assert_true(place_state(p).clean);
}

/* How often the log became longer while that many commits were made. */
static int times_longer(struct place *p, int commits)
{
	char log[160];
	struct stat st;
	int times = 0;
	off_t was = 0;
	snprintf(log, sizeof(log), "%s-wal", p->path);
	for (int i = 0; i < commits; i++) {
		place_fill(p, 1);
		assert_int_equal(stat(log, &st), 0);
		times += st.st_size != was;
		was = st.st_size;
	}
	return times;
}

static void few_commits_make_the_log_longer(void **state)
{
	struct place *p = *state;
	place_start(p);
	assert_in_range(times_longer(p, 200), 5, 60);
	comes_up_whole_after(p);
}

static void a_log_that_cannot_be_made_longer_ahead_grows_with_its_commits(void **state)
{
	struct place *p = *state;
	place_start(p);
	atomic_store(&fault.log_room_fails, true);
	assert_in_range(times_longer(p, 100), 90, 100);
	comes_up_whole_after(p);
}

static void leave_room_in_the_log(struct place *p)
{
	place_start(p);
	times_longer(p, 100);
	_exit(0);
}

static void room_in_the_log_is_not_taken_for_a_commit(void **state)
{
	struct place *p = *state;
	char log[160];
	struct stat st;
	assert_int_equal(in_child(p, leave_room_in_the_log), 0);
	snprintf(log, sizeof(log), "%s-wal", p->path);
	assert_int_equal(stat(log, &st), 0);
	place_start(p);
	assert_true(place_state(p).recovered_frames > 100);
	assert_true(place_state(p).recovered_frames < (st.st_size - 32) / 4120);
	place_stop(p);
}

static void after_a_failed_sync_nobody_is_answered_and_the_process_ends(void **state)
{
	struct place *p = *state;
	assert_int_equal(in_child(p, fail_a_sync), JOURNAL_EXIT_UNKNOWN);
	comes_up_whole(p);
}

static void after_a_failed_write_nobody_is_answered_and_the_process_ends(void **state)
{
	struct place *p = *state;
	assert_int_equal(in_child(p, fail_a_write), JOURNAL_EXIT_UNKNOWN);
	comes_up_whole(p);
}

static void a_failed_sync_of_the_first_commit_ends_the_process_too(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_stop(p);
	assert_int_equal(in_child(p, fail_the_first_sync), JOURNAL_EXIT_UNKNOWN);
}

static void a_failed_sync_of_the_file_itself_is_not_passed_over(void **state)
{
	struct place *p = *state;
	assert_int_equal(in_child(p, fail_the_checkpoint), JOURNAL_EXIT_UNKNOWN);
	comes_up_whole(p);
}

static void a_failure_that_says_nothing_about_the_file_sets_nothing_aside(void **state)
{
	struct place *p = *state;
	char err[512] = "";
	place_start(p);
	place_fill(p, 3);
	place_stop(p);
	atomic_store(&fault.log_open_fails, true);
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)),
	                 -1);
	assert_false(p->set_aside);
	assert_non_null(strstr(err, "journal.db"));
	atomic_store(&fault.log_open_fails, false);
	place_start(p);
	assert_int_equal(place_state(p).kept, 5);
}

static void an_entry_is_kept_only_behind_a_sync_of_its_own(void **state)
{
	struct place *p = *state;
	place_start(p);
	for (int i = 0; i < 20; i++) {
		int before = atomic_load(&fault.log_syncs);
		place_fill(p, 1);
		assert_true(atomic_load(&fault.log_syncs) > before);
	}
}

static struct place *slow_place;

static void take_three_seconds(void)
{
	struct journal_state s = place_state(slow_place);
	assert_true(s.busy_since_us > 0);
	atomic_fetch_add(&slow_place->wall_us, 3000000);
}

static void a_disk_that_takes_over_two_seconds_is_told_of(void **state)
{
	struct place *p = slow_place = *state;
	place_start(p);
	place_fill(p, 3);
	assert_int_equal(place_state(p).slow_end_us, 0);
	fault.on_log_sync = take_three_seconds;
	place_fill(p, 1);
	fault.on_log_sync = NULL;
	assert_true(place_state(p).slow_us >= 3000000);
	assert_int_equal(place_state(p).slow_end_us, atomic_load(&p->wall_us));
	assert_int_equal(place_state(p).busy_since_us, 0);
	assert_int_equal(counter_get(&p->counters, COUNTER_COMMITS_SLOW), 1);
}

static void three_such_exits_within_ten_minutes_and_every_source_is_told_no(void **state)
{
	struct place *p = *state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(in_child(p, fail_a_sync), JOURNAL_EXIT_UNKNOWN);
		atomic_fetch_add(&p->wall_us, 100 * 1000000LL);
	}
	place_start(p);
	assert_true(place_state(p).cannot_keep);
	struct entry *e = place_commit(p, place_entry(EVENT_ORDER_COMPLETED));
	assert_int_equal(e->status, ENTRY_REFUSED);
	assert_string_equal(e->reason, "cannot_keep");
	assert_false(journal_confirm(p->journal, &(struct journal_confirm){.through = 1}));
	entry_free(e);
	place_stop(p);
	atomic_fetch_add(&p->wall_us, 601 * 1000000LL);
	place_start(p);
	assert_false(place_state(p).cannot_keep);
	place_fill(p, 1);
}

static void ten_minutes_later_sources_are_served_again_by_itself(void **state)
{
	struct place *p = *state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(in_child(p, fail_a_sync), JOURNAL_EXIT_UNKNOWN);
	place_start(p);
	assert_true(place_state(p).cannot_keep);
	for (int kept = 0, i = 0; !kept; i++) {
		assert_true(i < 20);
		struct entry *e = place_commit(p, place_entry(EVENT_ORDER_COMPLETED));
		kept = e->status == ENTRY_KEPT;
		entry_free(e);
		assert_true(!kept || i > 10); /* minutes */
		atomic_fetch_add(&p->wall_us, 60 * 1000000LL);
	}
	assert_false(place_state(p).cannot_keep);
	comes_up_whole_after(p);
}

static void two_such_exits_are_not_enough(void **state)
{
	struct place *p = *state;
	assert_int_equal(in_child(p, fail_a_sync), JOURNAL_EXIT_UNKNOWN);
	assert_int_equal(in_child(p, fail_a_sync), JOURNAL_EXIT_UNKNOWN);
	place_start(p);
	assert_false(place_state(p).cannot_keep);
}

/* ---- a full disk ---- */

static void a_full_disk_refuses_and_the_same_seqs_are_given_again(void **state)
{
	struct place *p = *state;
	struct buf mark = {0};
	struct journal_verify v;
	char err[256] = "";
	place_start(p);
	place_fill(p, 3);
	atomic_store(&fault.log_write_full, true);
	for (int i = 0; i < 5; i++) {
		struct entry *e = place_entry(EVENT_ORDER_COMPLETED);
		assert_int_equal(entry_mark(e, "one", "a", 1), 0);
		place_commit(p, e);
		assert_int_equal(e->status, ENTRY_REFUSED);
		assert_string_equal(e->reason, "disk_full");
		assert_int_equal(e->lines_len, 0);
		entry_free(e);
	}
	assert_true(place_state(p).full);
	assert_int_equal(place_state(p).last_seq, 4);
	assert_int_equal(counter_get(&p->counters, COUNTER_EVENTS_REFUSED), 5);
	atomic_store(&fault.log_write_full, false);
	struct entry *e = place_kept_soon(p);
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_int_equal(e->seq, 5);
	entry_free(e);
	assert_false(place_state(p).full);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.events, 5);
	assert_int_equal(journal_reader_mark(place_reader(p), "one", &mark), -1);
	buf_free(&mark);
}

static void a_visit_key_refused_with_its_event_is_stored_with_the_next(void **state)
{
	struct place *p = *state;
	struct visit_key key, found;
	place_start(p);
	vault_random(&key, sizeof(key));
	for (int i = 0; i < 2; i++) {
		atomic_store(&fault.log_write_full, i == 0);
		if (i == 1)
			entry_free(place_kept_soon(p));
		struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
		e->first->person = "{\"value\":\"1\"}";
		e->first->key = key;
		place_commit(p, e);
		assert_int_equal(e->status, i == 0 ? ENTRY_REFUSED : ENTRY_KEPT);
		entry_free(e);
	}
	assert_int_equal(journal_reader_key(place_reader(p), key.id, &found), 0);
}

static void on_a_full_disk_the_journal_starts_and_begins_its_epoch_when_there_is_room(void **state)
{
	struct place *p = *state;
	place_start(p);
	place_fill(p, 3);
	place_stop(p);
	atomic_store(&fault.log_write_full, true);
	place_start(p);
	assert_false(p->set_aside);
	struct entry *e = place_commit(p, place_entry(EVENT_ORDER_COMPLETED));
	assert_int_equal(e->status, ENTRY_REFUSED);
	assert_string_equal(e->reason, "disk_full");
	entry_free(e);
	assert_true(place_state(p).full);
	atomic_store(&fault.log_write_full, false);
	e = place_kept_soon(p);
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_int_equal(e->seq, 2);
	entry_free(e);
	assert_false(place_state(p).full);
}

static void a_confirmation_on_a_full_disk_is_not_half_applied(void **state)
{
	struct place *p = *state;
	struct journal_epoch e;
	place_start(p);
	place_fill(p, 3);
	struct journal_confirm c = {.through = 3};
	memcpy(c.epoch, place_state(p).epoch, 8);
	atomic_store(&fault.log_write_full, true);
	assert_true(journal_confirm(p->journal, &c));
	entry_free(place_commit(p, place_entry(EVENT_ORDER_COMPLETED)));
	assert_int_equal(place_state(p).confirmed, 0);
	atomic_store(&fault.log_write_full, false);
	entry_free(place_kept_soon(p));
	assert_true(journal_confirm(p->journal, &c));
	place_fill(p, 1);
	assert_int_equal(place_state(p).confirmed, 3);
	assert_int_equal(journal_reader_epochs(place_reader(p), &e, 1), 1);
	assert_int_equal(e.confirmed_through, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(few_commits_make_the_log_longer),
	    TEST(a_log_that_cannot_be_made_longer_ahead_grows_with_its_commits),
	    TEST(room_in_the_log_is_not_taken_for_a_commit),
	    TEST(after_a_failed_sync_nobody_is_answered_and_the_process_ends),
	    TEST(after_a_failed_write_nobody_is_answered_and_the_process_ends),
	    TEST(a_failed_sync_of_the_first_commit_ends_the_process_too),
	    TEST(a_failed_sync_of_the_file_itself_is_not_passed_over),
	    TEST(a_failure_that_says_nothing_about_the_file_sets_nothing_aside),
	    TEST(an_entry_is_kept_only_behind_a_sync_of_its_own),
	    TEST(a_disk_that_takes_over_two_seconds_is_told_of),
	    TEST(three_such_exits_within_ten_minutes_and_every_source_is_told_no),
	    TEST(ten_minutes_later_sources_are_served_again_by_itself),
	    TEST(two_such_exits_are_not_enough),
	    TEST(a_full_disk_refuses_and_the_same_seqs_are_given_again),
	    TEST(a_visit_key_refused_with_its_event_is_stored_with_the_next),
	    TEST(on_a_full_disk_the_journal_starts_and_begins_its_epoch_when_there_is_room),
	    TEST(a_confirmation_on_a_full_disk_is_not_half_applied),
	};
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
