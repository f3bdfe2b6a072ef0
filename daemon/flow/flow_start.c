/* Making, rebuilding, reloading and ending the event path. */
#include "flow/flow_hint.h"

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"

#define GAP_TRIES_MAX 20
#define GAP_TRY_MS 50
#define STRIP_PERIOD_MS 15000 /* how often the strip's age is brought up to date on every lane */

/* ---- the loop's events ---- */

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	flow_drain(ctx);
	flow_tick(ctx);
}

static void on_sync_changed(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) != (ssize_t)sizeof n)
		return;
	flow_rules_heard(ctx);
	flow_weights_heard(ctx);
	flow_clock_look(ctx); /* a trusted point is journaled as soon as there is one */
	flow_overlay_heard(ctx);
	flow_inquired(ctx);
	flow_publish_all(ctx);
}

/* When to look again. */
static int64_t tick_sale(struct flow *f, const struct sale_now *now)
{
	struct entry *e = entry_new();
	int64_t next = INT64_MAX;

	if (e) {
		next = sale_tick(f->sale, e, now);
		flow_publish(f);
		flow_put(f, e);
	}
	return next;
}

void flow_tick(struct flow *f)
{
	struct sale_now now;

	flow_now(f, &now);
	int64_t next = tick_sale(f, &now), word = flow_word_tick(f, now.mono_us);
	if (word < next)
		next = word;
	int64_t wait_us = next == INT64_MAX ? INT64_MAX : next - now.mono_us;
	if (wait_us < 1000)
		wait_us = 1000;
	if (wait_us > STRIP_PERIOD_MS * 1000LL)
		wait_us = STRIP_PERIOD_MS * 1000LL;
	struct timeval tv = {wait_us / 1000000, wait_us % 1000000};
	event_add(f->tick_event, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct flow *f = ctx;

	(void)fd;
	(void)what;
	struct overlay_state pending;

	if (f->window)
		window_expire(f->window, flow_age_us(f));
	f->overlay_late = flow_overlay_late(f, &pending);
	flow_guard_tick(f);
	flow_hq_kept_tick(f);
	flow_tick(f);
	flow_publish_all(f);
}

/* ---- making and ending ---- */

static int make_parts(struct flow *f)
{
	const struct sale_params sale = {
	    .store = f->conf->store,
	    .currency = f->conf->currency,
	    .lanes = f->conf->lane_names,
	};

	f->work = vault_work_new();
	f->guard = flow_guard_new();
	f->lookup = flow_lookup_new();
	f->sale = sale_new(&sale);
	f->done_event =
	    event_new(f->p.base, journal_done_fd(f->p.journal), EV_READ | EV_PERSIST, on_done, f);
	f->tick_event = event_new(f->p.base, -1, 0, on_tick, f);
	if (!f->work || !f->guard || !f->lookup || !f->sale || !f->done_event || !f->tick_event ||
	    flow_overlay_start(f) < 0 || flow_hint_start(f) < 0)
		return -1;
	return event_add(f->done_event, NULL);
}

static int64_t age_base_us(const struct clock *clock)
{
	struct clock_now now;

	clock_read(clock, &now);
	return (now.trust ? now.wall_us : clock_least_us(clock)) - now.mono_us;
}

int64_t flow_age_us(const struct flow *f)
{
	return f->age_base_us + clock_mono_us(f->p.clock);
}

int64_t flow_guard_age_us(const struct flow *f)
{
	return f->guard_base_us + clock_mono_us(f->p.clock);
}

void flow_guard_age_begin(struct flow *f, const struct flow_before *before, const char *boot)
{
	bool known = boot[strspn(boot, "0")] != '\0';

	if (known && strcmp(before->guard_boot, boot) == 0)
		f->guard_base_us = before->guard_base_us;
}

struct flow *flow_new(const struct flow_params *params, char *err, size_t err_size)
{
	struct flow *f = calloc(1, sizeof *f);

	snprintf(err, err_size, "out of memory");
	if (!f)
		return NULL;
	f->p = *params;
	f->conf = params->conf;
	f->started_mono_us = clock_mono_us(params->clock);
	f->guard_base_us = f->age_base_us = age_base_us(params->clock);
	f->ops.ctx = f;
	flow_scan_ops(&f->ops);
	flow_till_ops(&f->ops);
	flow_rules_set(f);
	if (make_parts(f) == 0)
		return f;
	flow_free(f);
	return NULL;
}

int flow_sync(struct flow *f, struct sync *sync, int changed_fd)
{
	f->sync = sync;
	flow_rules_stand(f);
	flow_weights_stand(f);
	f->sync_event = event_new(f->p.base, changed_fd, EV_READ | EV_PERSIST, on_sync_changed, f);
	return f->sync_event && event_add(f->sync_event, NULL) == 0 ? 0 : -1;
}

static void scanner_from(const struct conf_scanner *c, struct scanner_params *p)
{
	static const char *const terminators[] = {
	    [SCAN_CR] = "cr",   [SCAN_LF] = "lf",   [SCAN_CRLF] = "crlf",
	    [SCAN_TAB] = "tab", [SCAN_ANY] = "any",
	};

	memset(p, 0, sizeof *p);
	text_copy(p->name, sizeof p->name, c->name);
	text_copy(p->lane, sizeof p->lane, c->lane);
	text_copy(p->role, sizeof p->role, c->role);
	text_copy(p->port, sizeof p->port, c->port);
	text_copy(p->prefix, sizeof p->prefix, c->prefix);
	for (int i = SCAN_CR; i <= SCAN_ANY; i++) {
		if (strcmp(terminators[i], c->terminator) == 0)
			p->terminator = (enum scan_terminator)i;
	}
	p->baud = c->baud;
	p->aim = c->aim;
	p->length_min = c->length_min;
	p->length_max = c->length_max;
	p->guard_ms = c->guard_ms;
}

static void open_scanners(struct flow *f)
{
	for (int i = 0; i < f->conf->scanner_count; i++) {
		struct scanner_params p;
		scanner_from(&f->conf->scanners[i], &p);
		struct scanner *s = scanner_new(f->p.base, &p, f->p.clock, f->p.counters, &f->ops);
		if (s)
			f->scanners[f->scanner_count++] = s;
		else
			log_error("scanner %s: out of memory", p.name);
	}
}

static void close_scanners(struct flow *f)
{
	for (int i = 0; i < f->scanner_count; i++)
		scanner_free(f->scanners[i]);
	f->scanner_count = 0;
}

int flow_start(struct flow *f, char *err, size_t err_size)
{
	const struct pos_params pos = {
	    .listen = f->conf->pos_listen,
	    .port = f->conf->pos_port,
	    .token = f->conf->pos_token,
	    .store = f->conf->store,
	    .currency = f->conf->currency,
	    .lanes = f->conf->lane_names,
	    .connections_max = 256,
	};

	if (f->conf->pos_port >= 0) {
		f->pos =
		    pos_new(f->p.base, &pos, f->p.clock, f->p.counters, &f->ops, err, err_size);
		if (!f->pos)
			return -1;
		log_info("tills: %s:%d", f->conf->pos_listen, pos_port(f->pos));
	}
	open_scanners(f);
	flow_tick(f);
	snprintf(err, err_size, "out of memory");
	if (flow_clock_start(f) < 0)
		return -1;
	return flow_begin(f, err, err_size);
}

void flow_reload(struct flow *f, const struct conf *conf)
{
	close_scanners(f);
	f->conf = conf;
	flow_rules_set(f);
	flow_rules_stand(f);
	flow_overlay_anew(f);
	open_scanners(f);
	flow_rules_changed(f);
	flow_publish_all(f);
	if (f->day)
		flow_day_tick(f->day);
}

void flow_watch(struct flow *f, flow_lane_fn *lane, flow_kept_fn *kept, void *ctx)
{
	f->watch_lane = lane;
	f->watch_kept = kept;
	f->watch_ctx = ctx;
}

/* What is owed is handed over before the journal stops: its queue may still be full. */
static void last_gaps(struct flow *f)
{
	struct pollfd done = {.fd = journal_done_fd(f->p.journal), .events = POLLIN};

	flow_flush_gaps(f);
	for (int i = 0; i < GAP_TRIES_MAX && flow_owes_gaps(f); i++) {
		poll(&done, 1, GAP_TRY_MS);
		flow_drain(f);
		flow_flush_gaps(f);
	}
}

void flow_stop(struct flow *f)
{
	close_scanners(f);
	if (f->pos)
		pos_stop(f->pos);
	flow_day_stop(f->day);
	flow_recall_stop(f->recall);
	event_del(f->tick_event);
	flow_clock_free(f);
	if (f->rebuild)
		flow_rebuild_stop(f->rebuild);
	last_gaps(f);
}

void flow_drained(struct flow *f)
{
	flow_drain(f);
	flow_lost_gaps(f);
	event_base_loop(f->p.base, EVLOOP_NONBLOCK);
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	close_scanners(f);
	pos_free(f->pos);
	if (f->done_event)
		event_free(f->done_event);
	if (f->sync_event)
		event_free(f->sync_event);
	if (f->tick_event)
		event_free(f->tick_event);
	flow_day_free(f->day);
	flow_recall_free(f->recall);
	flow_clock_free(f);
	if (f->rebuild_event)
		event_free(f->rebuild_event);
	flow_rebuild_free(f->rebuild);
	sale_free(f->sale);
	flow_hint_free(f);
	flow_overlay_free(f);
	window_free(f->window);
	shard_reader_free(f->shard);
	journal_reader_free(f->reader);
	vault_work_free(f->work);
	buf_free(&f->json);
	flow_rules_free(f);
	buf_free(&f->hq_weights);
	flow_guard_free(f->guard);
	flow_lookup_free(f->lookup);
	free(f);
}
