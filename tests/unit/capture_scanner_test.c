/* Scanners on real pseudo-terminals in a real loop; only the clock that the guard reads is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "capture/port.h"
#include "capture/scanner.h"
#include "folder.h"

#define PATIENCE_S 60 /* longest wait for something that must come */

struct bench {
	struct event_base *base;
	struct counters counters;
	struct clock clock;
	int64_t mono_us;
	struct capture_ops ops;
	struct scanner_params params;
	struct scanner *scanner;
	int master;
	char folder[FOLDER_SIZE], link[96];
	int scans, ups, downs, refusals;
	uint64_t refused_count;
	char value[CAPTURE_SCAN_MAX + 1], symbology[8], cause[64], reason[32];
	bool late;
};

static int64_t bench_mono(void *ctx)
{
	return ((struct bench *)ctx)->mono_us;
}

static enum clock_trust bench_trust(void *ctx)
{
	(void)ctx;
	return CLOCK_KERNEL;
}

static void on_scan(void *ctx, const struct capture_scan *scan)
{
	struct bench *b = ctx;
	b->scans++;
	assert_string_equal(scan->source, "scan-3");
	assert_string_equal(scan->lane, "3");
	assert_int_equal(scan->value[scan->len], 0);
	memcpy(b->value, scan->value, scan->len + 1);
	snprintf(b->symbology, sizeof(b->symbology), "%s", scan->symbology ? scan->symbology : "");
}

static void on_device(void *ctx, const char *source, const char *lane, bool up, const char *cause)
{
	struct bench *b = ctx;
	assert_string_equal(source, "scan-3");
	assert_string_equal(lane, "3");
	*(up ? &b->ups : &b->downs) += 1;
	snprintf(b->cause, sizeof(b->cause), "%s", cause);
}

static void on_refused(void *ctx, const char *source, const char *lane, const char *reason,
                       uint64_t count)
{
	struct bench *b = ctx;
	assert_string_equal(source, "scan-3");
	assert_string_equal(lane, "3");
	b->refusals++;
	b->refused_count += count;
	snprintf(b->reason, sizeof(b->reason), "%s", reason);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct bench *)arg)->late = true;
}

/* Turn the loop until *what has reached n. */
static void wait_for(struct bench *b, const int *what, int n)
{
	struct timeval tv = {.tv_sec = PATIENCE_S};
	struct event *late = evtimer_new(b->base, on_late, b);
	evtimer_add(late, &tv);
	while (*what < n && !b->late)
		event_base_loop(b->base, EVLOOP_ONCE);
	event_free(late);
	assert_false(b->late);
	assert_int_equal(*what, n);
}

/* A new pseudo-terminal behind the link, cooked as the kernel makes it: the scanner is plugged in.
 */
static void plug(struct bench *b)
{
	b->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(b->master >= 0);
	assert_int_equal(grantpt(b->master), 0);
	assert_int_equal(unlockpt(b->master), 0);
	unlink(b->link);
	assert_int_equal(symlink(ptsname(b->master), b->link), 0);
}

static void unplug(struct bench *b)
{
	unlink(b->link);
	close(b->master);
	b->master = -1;
}

static void send_n(struct bench *b, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(b->master, bytes, n);
		assert_true(done > 0);
		bytes += done;
		n -= (size_t)done;
	}
}

static void send_text(struct bench *b, const char *text)
{
	send_n(b, text, strlen(text));
}

static void start(struct bench *b)
{
	b->scanner = scanner_new(b->base, &b->params, &b->clock, &b->counters, &b->ops);
	assert_non_null(b->scanner);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	assert_non_null(b);
	b->base = event_base_new();
	b->mono_us = 1000000;
	b->clock = (struct clock){
	    .mono_us = bench_mono, .wall_us = bench_mono, .trust = bench_trust, .ctx = b};
	b->ops = (struct capture_ops){
	    .scan = on_scan, .device = on_device, .refused = on_refused, .ctx = b};
	b->params = (struct scanner_params){.name = "scan-3",
	                                    .lane = "3",
	                                    .baud = 9600,
	                                    .terminator = SCAN_CR,
	                                    .length_min = 3,
	                                    .length_max = 40,
	                                    .guard_ms = 500};
	folder_make(b->folder, "scanner");
	snprintf(b->link, sizeof(b->link), "%s/port", b->folder);
	strcpy(b->params.port, b->link);
	b->master = -1;
	plug(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	scanner_free(b->scanner);
	if (b->master >= 0)
		close(b->master);
	folder_drop(b->folder);
	event_base_free(b->base);
	free(b);
	return 0;
}

static void a_scan_reaches_the_loop_with_its_symbology(void **state)
{
	struct bench *b = *state;
	b->params.aim = true;
	start(b);
	assert_true(scanner_is_up(b->scanner));
	assert_int_equal(b->ups, 1);
	assert_string_equal(b->cause, "start");
	send_text(b, "]E026000000");
	send_text(b, "00170\r");
	wait_for(b, &b->scans, 1);
	assert_string_equal(b->value, "2600000000170");
	assert_string_equal(b->symbology, "]E0");
	assert_int_equal(counter_get(&b->counters, COUNTER_SCANS), 1);
}

static void scans_in_one_burst_all_arrive(void **state)
{
	struct bench *b = *state;
	start(b);
	for (int i = 0; i < 200; i++) {
		char text[32];
		snprintf(text, sizeof(text), "card%05d\r\n", i);
		send_text(b, text);
	}
	wait_for(b, &b->scans, 200);
	assert_string_equal(b->value, "card00199");
	assert_int_equal(b->refusals, 0);
}

static void the_port_is_raw_at_the_configured_speed_and_locked(void **state)
{
	struct bench *b = *state;
	b->params.baud = 38400;
	start(b);
	struct termios t;
	assert_int_equal(tcgetattr(b->master, &t), 0);
	assert_int_equal(cfgetispeed(&t), B38400);
	assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_int_equal(t.c_iflag & (ICRNL | IXON | ISTRIP | IGNPAR), 0);
	assert_int_equal(t.c_cflag & CSIZE, CS8);
	struct port *second = NULL;
	char err[64];
	assert_int_equal(port_open(&second, b->link, 9600, err, sizeof(err)), -1);
	assert_string_equal(err, "in use by another program");
}

static void a_pseudo_terminal_takes_a_speed_that_termios_does_not_name(void **state)
{
	struct bench *b = *state;
	b->params.baud = 250000;
	start(b);
	send_text(b, "12345\r");
	wait_for(b, &b->scans, 1);
}

static void what_is_no_serial_port_is_refused_in_words(void **state)
{
	struct bench *b = *state;
	struct port *p = NULL;
	char err[64];
	assert_int_equal(port_open(&p, "/dev/null", 9600, err, sizeof(err)), -1);
	assert_string_equal(err, "not a serial port");
	assert_int_equal(port_open(&p, b->folder, 9600, err, sizeof(err)), -1);
	assert_string_equal(err, "not a serial port");
	assert_int_equal(port_open(&p, "/dev/ttyNONE7", 9600, err, sizeof(err)), -1);
	assert_string_equal(err, "no such device");
	assert_null(p);
}

static void opening_that_fails_or_not_loses_no_descriptor(void **state)
{
	(void)state;
	struct port *p = NULL;
	char err[64];
	int before = dup(0);
	close(before);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(port_open(&p, "/dev/null", 9600, err, sizeof(err)), -1);
		/* libserialport opens it and gives up for want of modem lines; termios does not. */
		assert_int_equal(port_open(&p, "/dev/ptmx", 9600, err, sizeof(err)), 0);
		port_close(p);
		p = NULL;
	}
	int after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void a_scan_that_arrives_twice_within_the_guard_is_one_scan(void **state)
{
	struct bench *b = *state;
	start(b);
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 1);
	b->mono_us += 499000;
	send_text(b, "11111\r22222\r");
	wait_for(b, &b->scans, 2);
	assert_string_equal(b->value, "22222");
	assert_int_equal(counter_get(&b->counters, COUNTER_SCANS_REPEATED), 1);
}

static void a_scan_that_arrives_again_after_the_guard_is_two(void **state)
{
	struct bench *b = *state;
	start(b);
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 1);
	b->mono_us += 500000;
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 2);
	assert_int_equal(counter_get(&b->counters, COUNTER_SCANS_REPEATED), 0);
}

static void a_trigger_held_down_comes_through_again_after_three_guard_times(void **state)
{
	struct bench *b = *state;
	b->params.guard_ms = 100;
	start(b);
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 1);
	/* 80 ms apart: repeats at 80, 160 and 240 ms, a scan again at 320 ms. */
	for (int i = 1; i <= 4; i++) {
		b->mono_us += 80000;
		send_text(b, "11111\r");
		if (i == 4)
			break;
		while (counter_get(&b->counters, COUNTER_SCANS_REPEATED) < (uint64_t)i)
			event_base_loop(b->base, EVLOOP_ONCE);
		assert_int_equal(b->scans, 1);
	}
	wait_for(b, &b->scans, 2);
	assert_int_equal(counter_get(&b->counters, COUNTER_SCANS_REPEATED), 3);
}

static void the_same_value_in_another_symbology_is_another_scan(void **state)
{
	struct bench *b = *state;
	b->params.aim = true;
	start(b);
	send_text(b, "]E012345\r]C012345\r");
	wait_for(b, &b->scans, 2);
	assert_string_equal(b->symbology, "]C0");
}

static void no_guard_means_every_read_counts(void **state)
{
	struct bench *b = *state;
	b->params.guard_ms = 0;
	start(b);
	send_text(b, "12345\r12345\r12345\r");
	wait_for(b, &b->scans, 3);
}

static void input_without_end_is_refused_once_and_the_next_scan_comes_through(void **state)
{
	struct bench *b = *state;
	char noise[3000];
	memset(noise, 'x', sizeof(noise));
	start(b);
	for (int i = 0; i < 5; i++) {
		send_n(b, noise, sizeof(noise));
		event_base_loop(b->base, EVLOOP_ONCE);
	}
	send_text(b, "still the same\rgood one\r");
	wait_for(b, &b->scans, 1);
	assert_string_equal(b->value, "good one");
	assert_int_equal(b->refusals, 1);
	assert_string_equal(b->reason, "too_long");
	assert_int_equal(counter_get(&b->counters, COUNTER_SCAN_TOO_LONG), 1);
}

static void a_read_cut_in_the_middle_is_dropped_and_does_not_spoil_the_next(void **state)
{
	struct bench *b = *state;
	start(b);
	send_text(b, "26000");
	wait_for(b, &b->refusals, 1);
	assert_string_equal(b->reason, "incomplete");
	assert_int_equal(b->scans, 0);
	send_text(b, "2600000000170\r");
	wait_for(b, &b->scans, 1);
	assert_string_equal(b->value, "2600000000170");
	assert_int_equal(counter_get(&b->counters, COUNTER_SCAN_BAD), 1);
}

static void silence_ends_the_skipping_of_a_scan_that_was_too_long(void **state)
{
	struct bench *b = *state;
	char noise[100];
	memset(noise, 'x', sizeof(noise));
	start(b);
	send_n(b, noise, sizeof(noise));
	wait_for(b, &b->refusals, 1);
	struct timeval more_than_idle = {.tv_usec = 80000};
	event_base_loopexit(b->base, &more_than_idle);
	event_base_dispatch(b->base);
	send_text(b, "12345\r");
	wait_for(b, &b->scans, 1);
	assert_string_equal(b->value, "12345");
}

static void many_refusals_are_reported_in_few_calls_and_counted_in_full(void **state)
{
	struct bench *b = *state;
	start(b);
	for (int i = 0; i < 500; i++)
		send_text(b, "x\r");
	send_text(b, "12345\r");
	wait_for(b, &b->scans, 1);
	assert_int_equal(b->refusals, 1);
	assert_string_equal(b->reason, "too_short");
	wait_for(b, &b->refusals, 2);
	assert_int_equal(b->refused_count, 500);
	assert_int_equal(counter_get(&b->counters, COUNTER_SCAN_TOO_SHORT), 500);
}

static void latin1_arrives_as_utf8(void **state)
{
	struct bench *b = *state;
	start(b);
	send_text(b, "M\xfcller\r");
	wait_for(b, &b->scans, 1);
	assert_string_equal(b->value, "M\xc3\xbcller");
}

static void unplugging_is_said_once_and_plugging_in_again_goes_on(void **state)
{
	struct bench *b = *state;
	start(b);
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 1);
	unplug(b);
	wait_for(b, &b->downs, 1);
	assert_string_equal(b->cause, "unplugged");
	assert_false(scanner_is_up(b->scanner));
	assert_int_equal(counter_get(&b->counters, COUNTER_DEVICE_LOST), 1);
	/* Two tries fail (0.25 s, 0.5 s) before the device is back. */
	struct timeval tv = {.tv_sec = 0, .tv_usec = 900000};
	event_base_loopexit(b->base, &tv);
	event_base_dispatch(b->base);
	plug(b);
	wait_for(b, &b->ups, 2);
	assert_string_equal(b->cause, "plugged");
	assert_int_equal(b->downs, 1);
	b->mono_us += 10000000;
	send_text(b, "22222\r");
	wait_for(b, &b->scans, 2);
}

static void a_device_missing_at_start_is_said_once_and_tried_again(void **state)
{
	struct bench *b = *state;
	unplug(b);
	start(b);
	assert_int_equal(b->downs, 1);
	assert_string_equal(b->cause, "no such device");
	assert_int_equal(b->ups, 0);
	plug(b);
	wait_for(b, &b->ups, 1);
	assert_string_equal(b->cause, "plugged");
	assert_int_equal(b->downs, 1);
	send_text(b, "11111\r");
	wait_for(b, &b->scans, 1);
}

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void a_lost_device_costs_no_processor_time(void **state)
{
	struct bench *b = *state;
	int slave = open(b->link, O_RDWR | O_NOCTTY | O_CLOEXEC); /* nobody gets its number */
	assert_true(slave >= 0);
	start(b);
	close(b->master); /* the link still points at the dead terminal */
	b->master = -1;
	double before = cpu_s();
	struct timeval tv = {.tv_sec = 0, .tv_usec = 600000};
	event_base_loopexit(b->base, &tv);
	event_base_dispatch(b->base);
	assert_int_equal(b->downs, 1);
	assert_true(cpu_s() - before < 0.1);
	close(slave);
}

/* Each time it opens and is gone again at once the wait doubles: 0.25, 0.5 s, not 4 times a second.
 */
static void a_device_that_comes_and_goes_is_tried_less_and_less_often(void **state)
{
	struct bench *b = *state;
	start(b);
	for (int i = 1; i <= 3; i++) {
		unplug(b);
		wait_for(b, &b->downs, i);
		plug(b);
		struct timeval start_tv, end_tv, took;
		event_base_gettimeofday_cached(b->base, &start_tv);
		wait_for(b, &b->ups, i + 1);
		gettimeofday(&end_tv, NULL);
		timersub(&end_tv, &start_tv, &took);
		long ms = took.tv_sec * 1000 + took.tv_usec / 1000;
		assert_true(ms >= (250 << (i - 1)) - 30);
	}
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    WITH_BENCH(a_scan_reaches_the_loop_with_its_symbology),
	    WITH_BENCH(scans_in_one_burst_all_arrive),
	    WITH_BENCH(the_port_is_raw_at_the_configured_speed_and_locked),
	    WITH_BENCH(a_pseudo_terminal_takes_a_speed_that_termios_does_not_name),
	    WITH_BENCH(what_is_no_serial_port_is_refused_in_words),
	    WITH_BENCH(opening_that_fails_or_not_loses_no_descriptor),
	    WITH_BENCH(a_scan_that_arrives_twice_within_the_guard_is_one_scan),
	    WITH_BENCH(a_scan_that_arrives_again_after_the_guard_is_two),
	    WITH_BENCH(a_trigger_held_down_comes_through_again_after_three_guard_times),
	    WITH_BENCH(the_same_value_in_another_symbology_is_another_scan),
	    WITH_BENCH(no_guard_means_every_read_counts),
	    WITH_BENCH(input_without_end_is_refused_once_and_the_next_scan_comes_through),
	    WITH_BENCH(a_read_cut_in_the_middle_is_dropped_and_does_not_spoil_the_next),
	    WITH_BENCH(silence_ends_the_skipping_of_a_scan_that_was_too_long),
	    WITH_BENCH(many_refusals_are_reported_in_few_calls_and_counted_in_full),
	    WITH_BENCH(latin1_arrives_as_utf8),
	    WITH_BENCH(unplugging_is_said_once_and_plugging_in_again_goes_on),
	    WITH_BENCH(a_device_missing_at_start_is_said_once_and_tried_again),
	    WITH_BENCH(a_lost_device_costs_no_processor_time),
	    WITH_BENCH(a_device_that_comes_and_goes_is_tried_less_and_less_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
