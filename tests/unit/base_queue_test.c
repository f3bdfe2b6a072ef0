#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/queue.h"

#define PRODUCERS 4
#define ITEMS_EACH 20000

static int numbers[64];

static bool readable(struct queue *q)
{
	struct pollfd p = {.fd = queue_fd(q), .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static void items_come_out_in_order_across_the_rings_end(void **state)
{
	(void)state;
	struct queue *q = queue_new(3);
	for (int i = 0; i < 20; i += 2) {
		assert_true(queue_push(q, &numbers[i]));
		assert_true(queue_push(q, &numbers[i + 1]));
		assert_ptr_equal(queue_pop(q), &numbers[i]);
		assert_ptr_equal(queue_pop(q), &numbers[i + 1]);
	}
	assert_null(queue_pop(q));
	queue_free(q);
}

static void several_go_in_together_or_not_at_all(void **state)
{
	(void)state;
	struct queue *q = queue_new(4);
	void *items[] = {&numbers[0], &numbers[1], &numbers[2]}, *out[5];
	assert_true(queue_push_many(q, items, 0));
	assert_false(readable(q));
	for (int round = 0; round < 3; round++) {
		assert_true(queue_push_many(q, items, 3));
		assert_true(readable(q));
		assert_false(queue_push_many(q, items, 2));
		assert_int_equal(queue_pop_many(q, out, 5), 3);
		assert_memory_equal(out, items, sizeof(items));
		assert_false(readable(q));
	}
	queue_close(q);
	assert_false(queue_push_many(q, items, 1));
	queue_free(q);
}

static void a_full_queue_refuses(void **state)
{
	(void)state;
	struct queue *q = queue_new(2);
	assert_true(queue_push(q, &numbers[0]));
	assert_true(queue_push(q, &numbers[1]));
	assert_false(queue_push(q, &numbers[2]));
	assert_int_equal(queue_len(q), 2);
	assert_ptr_equal(queue_pop(q), &numbers[0]);
	assert_true(queue_push(q, &numbers[2]));
	void *out[5];
	assert_int_equal(queue_pop_many(q, out, 5), 2);
	assert_ptr_equal(out[0], &numbers[1]);
	assert_ptr_equal(out[1], &numbers[2]);
	queue_free(q);
}

static void the_descriptor_is_readable_exactly_while_something_is_inside(void **state)
{
	(void)state;
	struct queue *q = queue_new(4);
	assert_false(readable(q));
	queue_push(q, &numbers[0]);
	queue_push(q, &numbers[1]);
	assert_true(readable(q));
	queue_pop(q);
	assert_true(readable(q));
	queue_pop(q);
	assert_false(readable(q));
	queue_pop(q);
	assert_false(readable(q));
	queue_free(q);
}

static void who_asks_late_for_the_descriptor_sees_what_is_inside(void **state)
{
	(void)state;
	struct queue *q = queue_new(2);
	queue_push(q, &numbers[0]);
	assert_true(readable(q));
	queue_pop(q);
	assert_false(readable(q));
	queue_free(q);
}

static void a_closed_queue_takes_nothing_and_still_gives(void **state)
{
	(void)state;
	struct queue *q = queue_new(4);
	queue_push(q, &numbers[0]);
	queue_close(q);
	assert_false(queue_push(q, &numbers[1]));
	assert_true(queue_wait(q, -1));
	assert_ptr_equal(queue_pop(q), &numbers[0]);
	assert_false(queue_wait(q, -1));
	queue_free(q);
}

static void waiting_ends_at_its_time(void **state)
{
	(void)state;
	struct queue *q = queue_new(1);
	assert_false(queue_wait(q, 0));
	assert_false(queue_wait(q, 5));
	queue_push(q, &numbers[0]);
	assert_true(queue_wait(q, 0));
	queue_free(q);
}

static void impossible_sizes_are_refused(void **state)
{
	(void)state;
	assert_null(queue_new(0));
	assert_null(queue_new(1048577));
	queue_free(NULL);
}

struct waiter {
	struct queue *q;
	size_t some; /* items waited for; 0: any */
	_Atomic pid_t tid;
	atomic_bool woken;
	bool filled;
};

static void *wait_forever(void *arg)
{
	struct waiter *w = arg;
	w->tid = gettid();
	w->filled = w->some ? queue_wait_many(w->q, w->some, -1) : queue_wait(w->q, -1);
	atomic_store(&w->woken, true);
	return NULL;
}

/* Is this thread asleep? Its queue is empty, so it sleeps in queue_wait. */
static bool asleep(pid_t tid)
{
	char path[64], state = 0;
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
	FILE *f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state == 'S';
}

static pthread_t start_waiter(struct waiter *w)
{
	pthread_t t;
	assert_int_equal(pthread_create(&t, NULL, wait_forever, w), 0);
	while (!w->tid || !asleep(w->tid))
		sched_yield();
	return t;
}

static void join_within_10_s(pthread_t t)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	assert_int_equal(pthread_timedjoin_np(t, NULL, &until), 0);
}

static void closing_wakes_a_waiter(void **state)
{
	(void)state;
	struct waiter w = {.q = queue_new(1), .filled = true};
	pthread_t t = start_waiter(&w);
	queue_close(w.q);
	join_within_10_s(t);
	assert_false(w.filled);
	queue_free(w.q);
}

static void an_item_wakes_a_waiter(void **state)
{
	(void)state;
	struct waiter w = {.q = queue_new(1)};
	pthread_t t = start_waiter(&w);
	queue_push(w.q, &numbers[0]);
	join_within_10_s(t);
	assert_true(w.filled);
	queue_free(w.q);
}

static void who_waits_for_several_is_woken_when_they_are_there(void **state)
{
	(void)state;
	struct waiter w = {.q = queue_new(8), .some = 3};
	pthread_t t = start_waiter(&w);
	queue_push(w.q, &numbers[0]);
	queue_push(w.q, &numbers[1]);
	usleep(20000);
	assert_false(atomic_load(&w.woken));
	assert_true(asleep(w.tid));
	queue_push(w.q, &numbers[2]);
	join_within_10_s(t);
	assert_true(w.filled);
	queue_free(w.q);
}

static void several_are_waited_for_no_longer_than_said(void **state)
{
	(void)state;
	struct queue *q = queue_new(8);
	assert_false(queue_wait_many(q, 3, 1));
	queue_push(q, &numbers[0]);
	assert_true(queue_wait_many(q, 3, 1)); /* fewer are still something */
	queue_free(q);
	q = queue_new(2);
	queue_push(q, &numbers[0]);
	queue_push(q, &numbers[1]);
	assert_true(queue_wait_many(q, 100, -1)); /* more than it holds is all it holds */
	queue_free(q);
}

static void who_waits_for_several_is_in_nobodys_way(void **state)
{
	(void)state;
	struct waiter many = {.q = queue_new(8), .some = 5}, any = {.q = many.q};
	pthread_t t_many = start_waiter(&many), t_any = start_waiter(&any);
	queue_push(any.q, &numbers[0]);
	join_within_10_s(t_any);
	assert_true(any.filled);
	queue_close(many.q);
	join_within_10_s(t_many);
	queue_free(any.q);
}

static int marks[PRODUCERS][ITEMS_EACH];
static struct producer {
	struct queue *q;
	int *marks;
} producers[PRODUCERS];

static void *produce(void *arg)
{
	struct producer *p = arg;
	for (int i = 0; i < ITEMS_EACH; i++)
		while (!queue_push(p->q, &p->marks[i]))
			sched_yield();
	return NULL;
}

static void many_producers_lose_and_double_nothing(void **state)
{
	(void)state;
	struct queue *q = queue_new(64);
	pthread_t t[PRODUCERS];
	for (int i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){q, marks[i]};
		assert_int_equal(pthread_create(&t[i], NULL, produce, &producers[i]), 0);
	}
	int *last[PRODUCERS] = {0};
	for (size_t got = 0; got < (size_t)PRODUCERS * ITEMS_EACH;) {
		void *items[16];
		assert_true(queue_wait(q, 10000));
		size_t n = queue_pop_many(q, items, 16);
		for (size_t i = 0; i < n; i++) {
			int *mark = items[i];
			ptrdiff_t who = (mark - &marks[0][0]) / ITEMS_EACH;
			assert_true(!last[who] || mark == last[who] + 1);
			last[who] = mark;
			++*mark;
		}
		got += n;
	}
	for (int i = 0; i < PRODUCERS; i++) {
		pthread_join(t[i], NULL);
		for (int k = 0; k < ITEMS_EACH; k++)
			assert_int_equal(marks[i][k], 1);
	}
	assert_int_equal(queue_len(q), 0);
	assert_false(readable(q));
	queue_free(q);
}

static void counters_add_up_and_have_names(void **state)
{
	(void)state;
	struct counters c = {0};
	counter_add(&c, COUNTER_SCANS, 1);
	counter_add(&c, COUNTER_SCANS, 41);
	assert_int_equal(counter_get(&c, COUNTER_SCANS), 42);
	assert_int_equal(counter_get(&c, COUNTER_SCANS_REPEATED), 0);
	assert_string_equal(counter_name(COUNTER_SCANS), "laneway_scans_total");
	for (int i = 0; i < COUNTER_COUNT; i++) {
		assert_non_null(counter_name((enum counter_id)i));
		assert_non_null(counter_help((enum counter_id)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items_come_out_in_order_across_the_rings_end),
	    cmocka_unit_test(several_go_in_together_or_not_at_all),
	    cmocka_unit_test(a_full_queue_refuses),
	    cmocka_unit_test(the_descriptor_is_readable_exactly_while_something_is_inside),
	    cmocka_unit_test(who_asks_late_for_the_descriptor_sees_what_is_inside),
	    cmocka_unit_test(a_closed_queue_takes_nothing_and_still_gives),
	    cmocka_unit_test(waiting_ends_at_its_time),
	    cmocka_unit_test(impossible_sizes_are_refused),
	    cmocka_unit_test(closing_wakes_a_waiter),
	    cmocka_unit_test(an_item_wakes_a_waiter),
	    cmocka_unit_test(who_waits_for_several_is_woken_when_they_are_there),
	    cmocka_unit_test(several_are_waited_for_no_longer_than_said),
	    cmocka_unit_test(who_waits_for_several_is_in_nobodys_way),
	    cmocka_unit_test(many_producers_lose_and_double_nothing),
	    cmocka_unit_test(counters_add_up_and_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
