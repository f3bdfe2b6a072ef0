#include "capture/scanner.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/port.h"

#define IDLE_MS 50         /* longest gap inside one read: six bytes at 1200 baud */
#define BACKOFF_MIN_MS 250 /* a replugged scanner is back before the cashier wonders */
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 10000 /* open this long: the next loss starts at BACKOFF_MIN_MS again */
#define REPORT_MS 1000  /* refusals of one kind are reported once in this time */
#define GUARD_STRETCH 3 /* guard times from the accepted scan until a repeat counts again */
#define READ_BYTES 4096 /* per turn of the loop, so that one port cannot hold up the others */
#define FRAME_BYTES                                                                                \
	(16 + 3 + CAPTURE_SCAN_MAX + 2) /* prefix, AIM identifier, value, terminator               \
	                                 */

/* Invariants: port and readable are both set or both NULL. in_len <= FRAME_BYTES between callbacks.
 * skipping: the bytes up to the next terminator belong to a scan already refused. */
struct scanner {
	struct scanner_params params;
	struct event_base *base;
	const struct clock *clock;
	struct counters *counters;
	struct capture_ops ops;
	struct port *port;
	struct event *readable, *idle, *retry, *report;
	bool was_up, said_down;
	int backoff_ms;
	int64_t up_us;
	uint8_t in[FRAME_BYTES + READ_BYTES];
	size_t in_len;
	bool skipping;
	uint64_t refused[FRAME_RESULT_COUNT]; /* not yet reported */
	struct {
		int64_t first_us, last_us;
		size_t len; /* 0: nothing read yet */
		char symbology[4];
		char value[CAPTURE_SCAN_MAX + 1];
	} last;
	char text[CAPTURE_SCAN_MAX + 1];
};

static void arm(struct event *ev, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
	(void)event_add(ev, &tv);
}

/* ---- what is reported ---- */

static void report_refused(struct scanner *s)
{
	for (int r = 0; r < FRAME_RESULT_COUNT; r++) {
		if (s->refused[r] == 0)
			continue;
		uint64_t count = s->refused[r];
		s->refused[r] = 0;
		s->ops.refused(s->ops.ctx, s->params.name, s->params.lane, scan_frame_reason(r),
		               count);
	}
	arm(s->report, REPORT_MS);
}

static void on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct scanner *s = arg;
	for (int r = 0; r < FRAME_RESULT_COUNT; r++) {
		if (s->refused[r] > 0) {
			report_refused(s);
			return;
		}
	}
}

static void refuse(struct scanner *s, enum frame_result result)
{
	enum counter_id id = COUNTER_SCAN_BAD;
	if (result == FRAME_TOO_LONG)
		id = COUNTER_SCAN_TOO_LONG;
	else if (result == FRAME_TOO_SHORT)
		id = COUNTER_SCAN_TOO_SHORT;
	counter_add(s->counters, id, 1);
	s->refused[result]++;
	if (!evtimer_pending(s->report, NULL))
		report_refused(s);
}

/* True: a double read. Else this scan is the one that later reads are compared with. */
static bool is_repeat(struct scanner *s, const struct capture_scan *scan, const char symbology[4])
{
	int64_t guard_us = (int64_t)s->params.guard_ms * 1000;
	int64_t now = scan->mono_us;
	bool same = s->last.len == scan->len &&
	            memcmp(s->last.value, scan->value, scan->len) == 0 &&
	            memcmp(s->last.symbology, symbology, 4) == 0;
	if (same && now - s->last.last_us < guard_us &&
	    now - s->last.first_us < GUARD_STRETCH * guard_us) {
		s->last.last_us = now;
		return true;
	}
	s->last.first_us = s->last.last_us = now;
	s->last.len = scan->len;
	memcpy(s->last.value, scan->value, scan->len);
	memcpy(s->last.symbology, symbology, 4);
	return false;
}

static void deliver(struct scanner *s, const struct frame_scan *frame, int64_t mono_us,
                    int64_t wall_us)
{
	struct capture_scan scan = {.source = s->params.name,
	                            .lane = s->params.lane,
	                            .symbology = frame->symbology[0] ? frame->symbology : NULL,
	                            .value = s->text,
	                            .mono_us = mono_us,
	                            .wall_us = wall_us};
	scan.len = scan_frame_text(frame, s->text, sizeof(s->text));
	if (scan.len == 0) {
		refuse(s, FRAME_TOO_LONG);
		return;
	}
	counter_add(s->counters, COUNTER_SCANS, 1);
	s->backoff_ms = BACKOFF_MIN_MS;
	if (is_repeat(s, &scan, frame->symbology))
		counter_add(s->counters, COUNTER_SCANS_REPEATED, 1);
	else
		s->ops.scan(s->ops.ctx, &scan);
}

/* ---- bytes to scans ---- */

/* One step over the bytes from `at`: how many to drop, 0 when more must come. */
static size_t step(struct scanner *s, size_t at, bool idle, int64_t mono_us, int64_t wall_us)
{
	const uint8_t *data = s->in + at;
	size_t n = s->in_len - at, drop;
	if (s->skipping) {
		s->skipping = !scan_frame_skip(&s->params, data, n, &drop);
		return drop;
	}
	struct frame_scan frame;
	enum frame_result r = scan_frame(&s->params, data, n, idle, &frame, &drop);
	if (r == FRAME_SCAN)
		deliver(s, &frame, mono_us, wall_us);
	else if (r != FRAME_NEED_MORE && r != FRAME_EMPTY)
		refuse(s, r);
	s->skipping = frame.unended;
	return drop;
}

static void take_bytes(struct scanner *s, bool idle)
{
	int64_t mono_us = clock_mono_us(s->clock), wall_us = clock_wall_us(s->clock);
	size_t at = 0, drop;
	while (at < s->in_len && (drop = step(s, at, idle, mono_us, wall_us)) > 0)
		at += drop;
	s->in_len -= at;
	memmove(s->in, s->in + at, s->in_len);
	if (idle) {
		s->in_len = 0;
		s->skipping = false;
	}
	if (s->in_len > 0 || s->skipping)
		arm(s->idle, IDLE_MS);
	else
		(void)event_del(s->idle);
}

/* ---- the port ---- */

static void close_port(struct scanner *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	s->readable = NULL;
	port_close(s->port);
	s->port = NULL;
	(void)event_del(s->idle);
	s->in_len = 0;
	s->skipping = false;
}

static void retry_later(struct scanner *s)
{
	arm(s->retry, s->backoff_ms);
	s->backoff_ms = s->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : s->backoff_ms * 2;
}

/* Said once per loss, however many tries fail after it. */
static void say_down(struct scanner *s, const char *cause)
{
	if (s->said_down)
		return;
	s->said_down = true;
	counter_add(s->counters, COUNTER_DEVICE_LOST, 1);
	log_warn("scanner %s on %s: %s; trying again until it is there", s->params.name,
	         s->params.port, cause);
	s->ops.device(s->ops.ctx, s->params.name, s->params.lane, false, cause);
}

static void lose(struct scanner *s, const char *cause)
{
	if (s->in_len > 0)
		refuse(s, FRAME_INCOMPLETE);
	close_port(s);
	if (clock_mono_us(s->clock) - s->up_us >= (int64_t)STEADY_MS * 1000)
		s->backoff_ms = BACKOFF_MIN_MS;
	retry_later(s);
	say_down(s, cause);
}

/* 1: bytes came; 0: nothing there; -1: the device is gone. */
static int read_some(struct scanner *s)
{
	ssize_t n = read(port_fd(s->port), s->in + s->in_len, READ_BYTES);
	if (n > 0) {
		s->in_len += (size_t)n;
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	bool gone = n == 0 || errno == EIO || errno == ENXIO || errno == ENODEV;
	lose(s, gone ? "unplugged" : strerror(errno));
	return -1;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct scanner *s = arg;
	if (read_some(s) > 0)
		take_bytes(s, false);
}

/* The loop may have been busy for longer than the gap: what waits in the kernel came in time. */
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct scanner *s = arg;
	int got = read_some(s);
	if (got >= 0)
		take_bytes(s, got == 0);
}

static int open_port(struct scanner *s, char *err, size_t err_size)
{
	if (port_open(&s->port, s->params.port, s->params.baud, err, err_size) < 0)
		return -1;
	s->readable = event_new(s->base, port_fd(s->port), EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL)
		goto err_close;
	(void)event_priority_set(s->readable, 0);
	if (event_add(s->readable, NULL) < 0)
		goto err_close;
	return 0;

err_close:
	close_port(s);
	(void)snprintf(err, err_size, "cannot wait for it");
	return -1;
}

static void try_open(struct scanner *s)
{
	char err[128];
	if (open_port(s, err, sizeof(err)) < 0) {
		retry_later(s);
		say_down(s, err);
		return;
	}
	const char *cause = s->was_up || s->said_down ? "plugged" : "start";
	s->was_up = true;
	s->said_down = false;
	s->up_us = clock_mono_us(s->clock);
	log_info("scanner %s on %s: open", s->params.name, s->params.port);
	s->ops.device(s->ops.ctx, s->params.name, s->params.lane, true, cause);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	try_open(arg);
}

struct scanner *scanner_new(struct event_base *base, const struct scanner_params *params,
                            const struct clock *clock, struct counters *counters,
                            const struct capture_ops *ops)
{
	struct scanner *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->params = *params;
	s->base = base;
	s->clock = clock;
	s->counters = counters;
	s->ops = *ops;
	s->backoff_ms = BACKOFF_MIN_MS;
	s->idle = evtimer_new(base, on_idle, s);
	s->retry = evtimer_new(base, on_retry, s);
	s->report = evtimer_new(base, on_report, s);
	if (s->idle == NULL || s->retry == NULL || s->report == NULL) {
		scanner_free(s);
		return NULL;
	}
	(void)event_priority_set(s->idle, 0);
	try_open(s);
	return s;
}

void scanner_free(struct scanner *s)
{
	if (s == NULL)
		return;
	if (s->port != NULL)
		close_port(s);
	if (s->idle != NULL)
		event_free(s->idle);
	if (s->retry != NULL)
		event_free(s->retry);
	if (s->report != NULL)
		event_free(s->report);
	free(s);
}

bool scanner_is_up(const struct scanner *s)
{
	return s->port != NULL;
}

const struct scanner_params *scanner_params(const struct scanner *s)
{
	return &s->params;
}
