#include "flow/flow_day.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "event/member.h"
#include "flow/flow_internal.h"
#include "store/ledger.h"
#include "store/statement.h"
#include "store/statement_log.h"

#define LOOK_S 1          /* how often the clock is looked at: the cut, and trust that comes */
#define RETRY_US 60000000 /* after a failure: a full disk may have room again */

/* What the thread is asked and answers; the loop does not touch it while the thread runs. */
struct work {
	bool probe; /* only find the first date */
	char path[256], store[EVENT_STORE_SIZE];
	struct statement_job job;
	struct statement_place end;
	struct statement statement;
	char first_date[CLOCK_DATE_SIZE];
	bool recalled; /* marks came back with a damaged journal: log */
	struct statement_log log;
	int rc;
	char err[256];
};

struct flow_day {
	struct flow *f;
	struct statement_log log;
	char since[CLOCK_DATE_SIZE]; /* the first date that is not closed; "": to be found */
	const char *blocked;         /* why no day is closed now, or NULL */
	struct work work;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	int done_fd;
	struct event *done_event, *look_event;
	struct statement_record pending; /* of the `Day Closed` that is with the journal */
	bool is_pending;
	int64_t retry_mono_us;
};

/* What is closed determines where the open days begin. */
static void open_after(struct flow_day *d, const struct statement_record *r)
{
	if (r->more)
		text_copy(d->since, sizeof d->since, r->first_date);
	else
		statement_date_move(r->business_date, 1, d->since);
}

static const struct statement_record *newest(const struct flow_day *d)
{
	return d->log.records > 0 ? &d->log.record[d->log.records - 1] : NULL;
}

/* The newest one is what HQ's word is waited for. */
static void expect(const struct flow_day *d)
{
	const struct statement_record *r = newest(d);

	if (r && d->f->p.ledger)
		ledger_expect(d->f->p.ledger, r->epoch, r->to);
}

/* ---- the thread ---- */

static bool go_on(void *ctx)
{
	struct flow_day *d = ctx;

	return !atomic_load(&d->stop);
}

/* What was closed stood in a journal that was damaged, and has come back since the start. */
static bool recall(struct work *w, struct journal_reader *r)
{
	if (w->job.covered.ordinal != 0)
		return false;
	statement_log_read(&w->log, r);
	return w->log.covered.ordinal != 0 && w->log.records > 0;
}

static int run_job(struct flow_day *d, struct journal_reader *r)
{
	struct work *w = &d->work;
	const uint8_t *priv = vault_device_sign_priv(d->f->p.vault);

	w->recalled = recall(w, r);
	if (w->recalled)
		return 0;
	if (w->probe)
		return statement_first_date(r, &w->job, w->first_date, w->err, sizeof w->err) < 0
		           ? -1
		           : 0;
	if (statement_build(r, &w->job, &w->statement, &w->end, w->err, sizeof w->err) != 0)
		return -1;
	snprintf(w->err, sizeof w->err, "the statement cannot be signed");
	return priv && w->statement.ranges > 0 ? statement_sign(&w->statement, w->store, priv) : -1;
}

static void *thread_main(void *arg)
{
	struct flow_day *d = arg;
	struct work *w = &d->work;
	struct journal_reader *r = NULL;
	uint64_t one = 1;

	w->rc = -1;
	if (journal_reader_open(&r, w->path, w->store, d->f->p.vault, w->err, sizeof w->err) == 0)
		w->rc = run_job(d, r);
	journal_reader_free(r);
	if (write(d->done_fd, &one, sizeof one) < 0)
		log_error("closing the day: %s", strerror(errno));
	return NULL;
}

static void start(struct flow_day *d, bool probe)
{
	struct journal_state state;
	sigset_t all, before;
	struct work *w = &d->work;
	int rc;

	journal_state(d->f->p.journal, &state);
	w->probe = probe;
	w->job = (struct statement_job){.covered = d->log.covered,
	                                .until = {state.ordinal, state.last_seq},
	                                .go_on = go_on,
	                                .ctx = d};
	w->first_date[0] = '\0';
	w->recalled = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&d->thread, NULL, thread_main, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	d->running = rc == 0;
	if (rc != 0)
		d->retry_mono_us = clock_mono_us(d->f->p.clock) + RETRY_US;
}

/* ---- what comes back ---- */

static void again_later(struct flow_day *d, const char *why)
{
	log_warn("the day is not closed yet: %s", why);
	d->retry_mono_us = clock_mono_us(d->f->p.clock) + RETRY_US;
}

static void put_day_closed(struct flow_day *d)
{
	const struct statement *s = &d->work.statement;
	const struct statement_range *last = &s->range[s->ranges - 1];
	struct statement_record r = {
	    .to = last->to, .events = s->counts.total + s->training.total, .more = s->more};
	struct buf json = {0};
	struct entry *e = NULL;

	memcpy(r.first_date, s->first_date, sizeof r.first_date);
	memcpy(r.business_date, s->business_date, sizeof r.business_date);
	memcpy(r.epoch, last->epoch, sizeof r.epoch);
	statement_write(s, true, &json);
	buf_byte(&json, '\0');
	if (!json.failed)
		e = flow_box_entry(d->f, EVENT_DAY_CLOSED, NULL, (const char *)json.data);
	buf_free(&json);
	if (!e || statement_log_mark(&d->log, e, &r, &d->work.end) < 0) {
		entry_free(e);
		again_later(d, "out of memory");
		return;
	}
	d->pending = r;
	d->is_pending = flow_put(d->f, e);
	if (!d->is_pending)
		again_later(d, "the journal's queue is full");
}

static void take_result(struct flow_day *d)
{
	struct sale_now now;

	if (atomic_load(&d->stop))
		return;
	if (d->work.recalled) {
		d->log = d->work.log;
		open_after(d, newest(d));
		flow_day_tick(d);
	} else if (d->work.rc != 0) {
		again_later(d, d->work.err);
	} else if (d->work.probe) {
		/* Nothing that a trusted clock has stamped: the days begin today. */
		flow_now(d->f, &now);
		text_copy(d->since, sizeof d->since,
		          d->work.first_date[0] ? d->work.first_date : now.business_date);
		flow_day_tick(d);
	} else {
		put_day_closed(d);
	}
}

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
	struct flow_day *d = ctx;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) != (ssize_t)sizeof n || !d->running)
		return;
	pthread_join(d->thread, NULL);
	d->running = false;
	take_result(d);
}

void flow_day_answered(struct flow_day *d, const struct entry *e)
{
	d->is_pending = false;
	if (e->status != ENTRY_KEPT) {
		again_later(d, e->reason);
		return;
	}
	d->log.covered = d->work.end;
	statement_log_add(&d->log, &d->pending);
	open_after(d, &d->pending);
	expect(d);
	log_info("closed %s%s%s: %" PRIu64 " events", d->pending.first_date,
	         strcmp(d->pending.first_date, d->pending.business_date) == 0 ? "" : " to ",
	         strcmp(d->pending.first_date, d->pending.business_date) == 0
	             ? ""
	             : d->pending.business_date,
	         d->pending.events);
	flow_day_tick(d);
}

/* ---- when ---- */

static const char *reason_not_to(const struct flow_day *d, const struct sale_now *now)
{
	if (!vault_device_sign_priv(d->f->p.vault))
		return "no_key";
	if (now->trust == CLOCK_NONE)
		return "untrusted_clock";
	return now->mono_us < d->retry_mono_us ? "failed" : NULL;
}

static bool is_blocked(struct flow_day *d, const struct sale_now *now)
{
	const char *why = reason_not_to(d, now);

	if (why && why != d->blocked && strcmp(why, "failed") != 0)
		log_warn("days are not closed: %s",
		         strcmp(why, "no_key") == 0
		             ? "device-sign.key is missing in the keys folder; `laneway-hq ca "
		               "sign` makes it"
		             : "the clock is not trusted yet");
	d->blocked = why;
	return why != NULL;
}

void flow_day_tick(struct flow_day *d)
{
	struct sale_now now;
	struct statement *s = &d->work.statement;

	flow_now(d->f, &now);
	if (d->running || d->is_pending || atomic_load(&d->stop) || is_blocked(d, &now))
		return;
	if (!d->since[0]) {
		start(d, true);
		return;
	}
	if (strcmp(d->since, now.business_date) > 0) {
		log_warn("%s was closed by a clock that ran ahead; it is %s now", d->since,
		         now.business_date);
		text_copy(d->since, sizeof d->since, now.business_date);
	}
	if (strcmp(d->since, now.business_date) == 0)
		return;
	text_copy(s->device, sizeof s->device, d->f->conf->device);
	text_copy(s->first_date, sizeof s->first_date, d->since);
	statement_date_move(now.business_date, -1, s->business_date);
	s->version = 1;
	start(d, false);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	flow_day_tick(ctx);
}

/* ---- making and ending ---- */

struct flow_day *flow_day_new(struct flow *f, struct journal_reader *r, char *err, size_t err_size)
{
	const struct timeval look = {LOOK_S, 0};
	struct flow_day *d = calloc(1, sizeof *d);

	snprintf(err, err_size, "out of memory");
	if (!d)
		return NULL;
	d->f = f;
	text_copy(d->work.store, sizeof d->work.store, f->conf->store);
	snprintf(d->work.path, sizeof d->work.path, "%s/journal.db", f->conf->data_dir);
	d->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->done_fd >= 0)
		d->done_event = event_new(f->p.base, d->done_fd, EV_READ | EV_PERSIST, on_done, d);
	d->look_event = event_new(f->p.base, -1, EV_PERSIST, on_look, d);
	if (!d->done_event || event_add(d->done_event, NULL) < 0 || !d->look_event ||
	    event_add(d->look_event, &look) < 0) {
		flow_day_free(d);
		return NULL;
	}
	statement_log_read(&d->log, r);
	if (newest(d))
		open_after(d, newest(d));
	expect(d);
	return d;
}

void flow_day_stop(struct flow_day *d)
{
	if (d)
		atomic_store(&d->stop, true);
}

void flow_day_free(struct flow_day *d)
{
	if (!d)
		return;
	flow_day_stop(d);
	if (d->running)
		pthread_join(d->thread, NULL);
	if (d->done_event)
		event_free(d->done_event);
	if (d->look_event)
		event_free(d->look_event);
	if (d->done_fd >= 0)
		close(d->done_fd);
	free(d);
}

/* ---- what is shown ---- */

/* HQ's word on a statement. */
static struct ledger_entry word_on(const struct flow_day *d, const struct statement_record *r)
{
	struct ledger_entry e = {.state = "waiting"};

	if (d->f->p.ledger)
		ledger_find(d->f->p.ledger, r->epoch, r->to, &e);
	return e;
}

static void record_json(const struct flow_day *d, const struct statement_record *r, struct buf *out)
{
	struct ledger_entry e = word_on(d, r);
	char epoch[EVENT_EPOCH_SIZE];

	text_hex(r->epoch, sizeof r->epoch, epoch);
	member_next(out);
	buf_byte(out, '{');
	member_text(out, "business_date", r->business_date);
	member_text(out, "countersigned", e.made[0] ? e.made : NULL);
	member_text(out, "epoch", epoch);
	member_count(out, "events", r->events);
	member_text(out, "first_date", r->first_date);
	member_count(out, "missing", e.missing);
	member_text(out, "state", e.state);
	member_count(out, "to", r->to);
	member_count(out, "version", e.version);
	buf_byte(out, '}');
}

void flow_day_json(const struct flow_day *d, struct buf *out)
{
	buf_byte(out, '{');
	member_text(out, "blocked", d->blocked);
	member_text(out, "open_since", d->since[0] ? d->since : NULL);
	member_key(out, "statements");
	buf_byte(out, '[');
	for (int i = d->log.records; i > 0; i--)
		record_json(d, &d->log.record[i - 1], out);
	buf_str(out, "]}");
}

void flow_day_status(const struct flow_day *d, struct buf *out)
{
	struct ledger_entry oldest = {.state = ""};
	uint64_t open = 0;

	for (int i = d ? d->log.records : 0; i > 0; i--) {
		const struct statement_record *r = &d->log.record[i - 1];
		struct ledger_entry e = word_on(d, r);
		if (strcmp(e.state, "countersigned") == 0)
			continue;
		open++;
		oldest = e;
		memcpy(oldest.business_date, r->business_date, sizeof oldest.business_date);
	}
	member_key(out, "days");
	buf_byte(out, '{');
	member_text(out, "blocked", d ? d->blocked : "starting");
	member_text(out, "open_since", d && d->since[0] ? d->since : NULL);
	member_count(out, "not_countersigned", open);
	member_text(out, "oldest", open ? oldest.business_date : NULL);
	member_text(out, "state", open ? oldest.state : NULL);
	member_count(out, "missing", oldest.missing);
	buf_byte(out, '}');
}

void flow_statements_json(struct flow *f, struct buf *out)
{
	if (f->day)
		flow_day_json(f->day, out);
	else
		buf_str(out, "{\"blocked\":\"starting\",\"open_since\":null,\"statements\":[]}");
}
