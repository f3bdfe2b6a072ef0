/* Tills that end, do not read, or come in crowds; and starting. */
#include "capture_pos_world.h"

/* ---- answers ---- */

static void what_is_sent_to_a_connection_that_has_ended_goes_nowhere(void **state)
{
	struct bench *b = *state;
	struct till *first = hello(b, "T3");
	uint64_t gone = b->last_link;
	hang_up(first);
	wait_for(b, NULL, &b->downs, 1);
	struct till *second = hello(b, "T3");
	assert_true(b->last_link != gone);
	pos_send(b->pos, gone, "{\"type\":\"old\"}", 14);
	pos_send(b->pos, 0, "{\"type\":\"old\"}", 14);
	pos_send(b->pos, b->last_link, "{\"type\":\"new\"}", 14);
	json_t *json = answer(b, second);
	assert_member(json, "type", "new");
	json_decref(json);
	hang_up(second);
}

static void a_till_that_does_not_read_is_cut_off(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3"), *other = hello(b, "T4");
	b->answer_bytes = 300 * 1024;
	struct event *late;
	begin_patience(b, &late);
	/* What lies in the kernel's buffers comes on top of the limit. */
	for (int i = 1; b->downs == 0 && i < 100 && !b->late; i++) {
		say_void(b, t, i);
		turn(b, NULL);
	}
	end_patience(b, late);
	assert_int_equal(b->downs, 1);
	assert_true(b->messages < 50);
	b->answer_bytes = 0;
	int before = b->messages;
	say_void(b, other, 1);
	wait_for(b, other, &b->messages, before + 1);
	hang_up(t);
	hang_up(other);
}

static void after_a_stop_nothing_is_read_but_answers_still_arrive(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	uint64_t link = b->last_link;
	pos_stop(b->pos);
	say_void(b, t, 1);
	pos_send(b->pos, link, "{\"type\":\"kept\"}", 15);
	json_t *json = answer(b, t);
	assert_member(json, "type", "kept");
	json_decref(json);
	pos_send(b->pos, link, "{\"type\":\"last\"}", 15);
	pos_free(b->pos);
	b->pos = NULL;
	json = answer(b, t);
	assert_member(json, "type", "last");
	json_decref(json);
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

/* ---- limits ---- */

static void over_the_limit_connections_are_closed_and_counted_and_tills_go_on(void **state)
{
	struct bench *b = *state;
	static struct till crowd[TILLS_MAX];
	struct till *t = hello(b, "T3");
	for (int i = 0; i < TILLS_MAX; i++) {
		dial_from(b, &crowd[i], "127.0.0.1");
		if (i % 50 == 0) /* under the backlog of the listener */
			for (int k = 0; k < 8; k++)
				turn(b, NULL);
	}
	say_void(b, t, 1);
	wait_for(b, t, &b->messages, 1);
	struct event *late;
	begin_patience(b, &late);
	while (counter_get(&b->counters, COUNTER_POS_CONNECTIONS_REFUSED) < TILLS_MAX - 255 &&
	       !b->late)
		turn(b, NULL);
	end_patience(b, late);
	assert_int_equal(pos_connections(b->pos), 256);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_CONNECTIONS_REFUSED),
	                 TILLS_MAX - 255);
	for (int i = 0; i < TILLS_MAX; i++)
		close(crowd[i].fd);
	begin_patience(b, &late);
	while (pos_connections(b->pos) > 1 && !b->late)
		turn(b, NULL);
	end_patience(b, late);
	struct till *next = hello(b, "T4");
	hang_up(next);
	hang_up(t);
}

static void an_address_has_32_connections_and_loopback_is_exempt(void **state)
{
	struct bench *b = *state;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_storage from = {0};
	struct pos_address far, near, mapped, other;
	inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
	memcpy(&from, &v4, sizeof(v4));
	pos_address_of(&from, &far);
	inet_pton(AF_INET, "192.0.2.8", &((struct sockaddr_in *)&from)->sin_addr);
	pos_address_of(&from, &other);
	inet_pton(AF_INET, "127.3.2.1", &((struct sockaddr_in *)&from)->sin_addr);
	pos_address_of(&from, &near);
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr);
	memcpy(&from, &v6, sizeof(v6));
	pos_address_of(&from, &mapped);
	assert_true(near.loopback);
	assert_false(far.loopback);
	struct till tills[32];
	for (int i = 0; i < 32; i++) {
		assert_true(pos_has_room(b->pos, &far));
		dial_from(b, &tills[i], "127.0.0.1");
		wait_for(b, NULL, &b->pos->link_count, i + 1);
		b->pos->links[i]->from = far;
	}
	assert_false(pos_has_room(b->pos, &far));
	assert_false(pos_has_room(b->pos, &mapped));
	assert_true(pos_has_room(b->pos, &other));
	for (int i = 0; i < 32; i++)
		b->pos->links[i]->from = near;
	assert_true(pos_has_room(b->pos, &near));
	for (int i = 0; i < 32; i++)
		close(tills[i].fd);
}

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void out_of_descriptors_the_listener_pauses_and_comes_back(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	struct rlimit all, few;
	getrlimit(RLIMIT_NOFILE, &all);
	few = all;
	int next = dup(0);
	close(next);
	few.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &few);
	double before = cpu_s();
	struct timeval tv = {.tv_usec = 300000};
	event_base_loopexit(b->base, &tv);
	event_base_dispatch(b->base);
	assert_true(cpu_s() - before < 0.1);
	assert_int_equal(pos_connections(b->pos), 0);
	setrlimit(RLIMIT_NOFILE, &all);
	say_hello(b, t, "T3", "3", "secret");
	wait_for(b, t, &b->ups, 1);
	hang_up(t);
}

/* ---- starting ---- */

static void what_cannot_work_is_refused_at_start_in_one_sentence(void **state)
{
	struct bench *b = *state;
	char err[200], want[200];
	struct pos_params p = b->params;
	p.port = pos_port(b->pos);
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	snprintf(want, sizeof(want), "pos: 127.0.0.1:%d: Address already in use", p.port);
	assert_string_equal(err, want);
	p = b->params;
	p.listen = "localhost.example";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: localhost.example is not an IP address");
	p = b->params;
	p.token = "";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: the token has to have 1 to 128 bytes");
	p = b->params;
	p.currency = "XQQ";
	assert_null(pos_new(b->base, &p, clock_system(), &b->counters, &b->ops, err, sizeof(err)));
	assert_string_equal(err, "pos: the currency is not an ISO 4217 code");
}

/* ---- while the box starts ---- */

static void a_hello_waits_as_long_as_the_start_takes(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	b->starting = true;
	say_hello(b, t, "T3", "3", "secret");
	say_void(b, t, 1);
	wait_for(b, t, &b->asked_baskets, 3);
	/* It came in time: no deadline ends it. */
	assert_non_null(b->pos->links[0]);
	assert_false(evtimer_pending(b->pos->links[0]->deadline, NULL));
	assert_int_equal(b->ups, 0);
	assert_int_equal(t->len, 0);
	b->starting = false;
	json_t *json = answer(b, t);
	assert_member(json, "type", "welcome");
	assert_int_equal(json_array_size(json_object_get(json, "baskets")), 1);
	json_decref(json);
	wait_for(b, t, &b->messages, 1);
	hang_up(t);
}

static void a_wrong_hello_is_refused_also_while_the_box_starts(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	b->starting = true;
	say_hello(b, t, "T3", "3", "wrong");
	expect_error(b, t, "bad_token", "token");
	expect_end(b, t);
	hang_up(t);
}

static void a_till_that_hangs_up_before_it_is_greeted_leaves_its_place(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	b->starting = true;
	say_hello(b, t, "T3", "3", "secret");
	wait_for(b, t, &b->asked_baskets, 2);
	assert_int_equal(pos_connections(b->pos), 1);
	hang_up(t);
	struct event *late;
	begin_patience(b, &late);
	while (pos_connections(b->pos) && !b->late)
		turn(b, NULL);
	end_patience(b, late);
	assert_int_equal(b->ups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_BENCH(what_is_sent_to_a_connection_that_has_ended_goes_nowhere),
	    WITH_BENCH(a_till_that_does_not_read_is_cut_off),
	    WITH_BENCH(after_a_stop_nothing_is_read_but_answers_still_arrive),
	    WITH_BENCH(over_the_limit_connections_are_closed_and_counted_and_tills_go_on),
	    WITH_BENCH(an_address_has_32_connections_and_loopback_is_exempt),
	    WITH_BENCH(out_of_descriptors_the_listener_pauses_and_comes_back),
	    WITH_BENCH(what_cannot_work_is_refused_at_start_in_one_sentence),
	    WITH_BENCH(a_hello_waits_as_long_as_the_start_takes),
	    WITH_BENCH(a_wrong_hello_is_refused_also_while_the_box_starts),
	    WITH_BENCH(a_till_that_hangs_up_before_it_is_greeted_leaves_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
