#include "flow/flow_recall.h"

#include <errno.h>
#include <event2/event.h>
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
#include "flow/flow_changes.h"
#include "flow/flow_internal.h"

#define LOOK_S 1       /* how often the journal is asked what has come back */
#define MOVE_IDS 1000  /* taken in at once: under a millisecond of the loop */
#define MOVE_CHANGES 8 /* the same: each makes the persons anew on whom it bears */
#define MOVE_WAIT_US 1 /* until the next piece: the loop serves others first */

struct flow_recall {
	struct flow *f;
	char path[256], store[EVENT_STORE_SIZE];
	int64_t now_us;        /* as flow_age_us, when the thread began */
	uint64_t known, seen;  /* events that came back: the window knows; at the last look */
	uint64_t reading;      /* same: what the thread's reading will have told */
	struct window *window; /* what the thread read, until it is taken in */
	struct flow_changes *changes;     /* same */
	uint8_t epoch[EVENT_EPOCH_BYTES]; /* of this run */
	struct event *look_event, *done_event, *move_event;
	int done_fd;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	bool no_memory;
};

/* ---- the thread ---- */

static bool take_id(void *ctx, const struct entry_id *id, const uint8_t epoch[EVENT_EPOCH_BYTES],
                    uint64_t seq, uint32_t count, int64_t wall_us)
{
	struct flow_recall *r = ctx;

	/* What was kept while no time was trusted ages from now on. */
	if (wall_us == 0 || wall_us > r->now_us)
		wall_us = r->now_us;
	r->no_memory = window_kept(r->window, id, epoch, seq, count, wall_us) < 0;
	return !r->no_memory && !atomic_load(&r->stop);
}

static void *thread_main(void *arg)
{
	struct flow_recall *r = arg;
	struct journal_reader *reader = NULL;
	char err[300] = "out of memory";
	uint64_t one = 1;

	r->window = window_new(FLOW_RESEND_WINDOW_US, FLOW_RESEND_IDS_MAX);
	r->no_memory = !r->window;
	if (!r->window ||
	    journal_reader_open(&reader, r->path, r->store, r->f->p.vault, err, sizeof err) < 0 ||
	    journal_reader_ids(reader, 0, take_id, r) < 0 || r->no_memory ||
	    !(r->changes = flow_changes_read(reader, r->store, r->epoch))) {
		log_error("messages and changes of a damaged journal are not known yet: %s",
		          r->no_memory ? "out of memory" : err);
		window_free(r->window);
		r->window = NULL;
	}
	journal_reader_free(reader);
	if (write(r->done_fd, &one, sizeof one) < 0)
		log_error("messages of a damaged journal: %s", strerror(errno));
	return NULL;
}

/* ---- the loop's side ---- */

static void start(struct flow_recall *r, uint64_t events)
{
	sigset_t all, before;

	r->now_us = flow_age_us(r->f);
	r->reading = events;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r->running = pthread_create(&r->thread, NULL, thread_main, r) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Read when it has come to rest for a look: not once for each piece of a long salvage. */
static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct flow_recall *r = ctx;
	struct journal_state j;

	(void)fd;
	(void)what;
	journal_state(r->f->p.journal, &j);
	uint64_t events = j.salvage.events;
	bool rests = events == r->seen;

	r->seen = events;
	if (events != r->known && rests && !r->running && !r->window)
		start(r, events);
	else if (events == r->known && !j.salvage.running)
		event_del(r->look_event); /* nothing is set aside while the daemon runs */
}

static void forget(struct flow_recall *r)
{
	window_free(r->window);
	flow_changes_free(r->changes);
	r->window = NULL;
	r->changes = NULL;
}

static void on_move(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval soon = {0, MOVE_WAIT_US};
	struct flow_recall *r = ctx;
	int64_t left = window_move(r->f->window, r->window, MOVE_IDS);
	bool changes = flow_changes_take(r->changes, r->f, MOVE_CHANGES);

	(void)fd;
	(void)what;
	if (left > 0 || (left == 0 && changes)) {
		event_add(r->move_event, &soon);
		return;
	}
	forget(r);
	window_expire(r->f->window, flow_age_us(r->f));
	if (left < 0) {
		log_error("messages of a damaged journal are not known yet: out of memory");
		return; /* looked at again */
	}
	r->known = r->reading;
	log_info("messages of a damaged journal are known: %zu message ids",
	         window_len(r->f->window));
}

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
	struct flow_recall *r = ctx;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) != (ssize_t)sizeof n || !r->running)
		return;
	pthread_join(r->thread, NULL);
	r->running = false;
	if (r->window && !atomic_load(&r->stop))
		on_move(-1, 0, r);
}

bool flow_recall_known(const struct flow_recall *r)
{
	struct journal_state j;

	if (!r)
		return false;
	journal_state(r->f->p.journal, &j);
	return r->known == j.salvage.events;
}

/* ---- making and ending ---- */

struct flow_recall *flow_recall_new(struct flow *f)
{
	const struct timeval look = {LOOK_S, 0};
	struct flow_recall *r = calloc(1, sizeof *r);
	struct journal_state j;

	if (!r)
		return NULL;
	r->f = f;
	text_copy(r->store, sizeof r->store, f->conf->store);
	journal_state(f->p.journal, &j);
	memcpy(r->epoch, j.epoch, sizeof r->epoch);
	snprintf(r->path, sizeof r->path, "%s/journal.db", f->conf->data_dir);
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->look_event = event_new(f->p.base, -1, EV_PERSIST, on_look, r);
	r->move_event = event_new(f->p.base, -1, 0, on_move, r);
	if (r->done_fd >= 0)
		r->done_event = event_new(f->p.base, r->done_fd, EV_READ | EV_PERSIST, on_done, r);
	if (r->look_event && r->move_event && r->done_event &&
	    event_add(r->done_event, NULL) == 0 && event_add(r->look_event, &look) == 0)
		return r;
	flow_recall_free(r);
	return NULL;
}

void flow_recall_stop(struct flow_recall *r)
{
	if (r)
		atomic_store(&r->stop, true);
}

void flow_recall_free(struct flow_recall *r)
{
	if (!r)
		return;
	flow_recall_stop(r);
	if (r->running)
		pthread_join(r->thread, NULL);
	if (r->look_event)
		event_free(r->look_event);
	if (r->done_event)
		event_free(r->done_event);
	if (r->move_event)
		event_free(r->move_event);
	if (r->done_fd >= 0)
		close(r->done_fd);
	forget(r);
	free(r);
}
