#include "box_sync.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/db.h"

#define FULL_LOOK_MS 500 /* how often a full disk is looked at */
#define START_WAIT_S 1   /* what is wrong with the configuration is known by then */
#define STOP_WAIT_S 3
#define TURN_STEP_MS 10 /* while it is not this one's turn to read */
#define TURN_WAIT_MS 120000

struct box_sync {
	struct box_sync_params params;
	_Atomic(struct sync *) sync;
	pthread_t thread;
	bool running; /* the thread has not been joined */
	atomic_bool stopping;
	int fd;
	struct event *started;
	char err[512];
};

/* false: the box stops. */
static bool await_turn(struct box_sync *b)
{
	const struct timespec step = {.tv_nsec = TURN_STEP_MS * 1000000L};

	for (int ms = 0; !atomic_load(b->params.read_back) && ms < TURN_WAIT_MS;
	     ms += TURN_STEP_MS) {
		if (atomic_load(&b->stopping))
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

static void *thread_main(void *arg)
{
	struct box_sync *b = arg;
	struct sync *sync = NULL;
	uint64_t one = 1;

	if (!await_turn(b))
		return NULL;
	int rc = sync_start(&sync, &b->params.sync, b->err, sizeof b->err);
	if (rc != 0 && db_disk_is_full(b->params.sync.shard_path))
		log_error("ALARM: no uplink while the disk is full: %s", b->err);
	/* A full disk may have room again; nothing of what was fetched is thrown away for it. */
	while (rc != 0 && db_disk_is_full(b->params.sync.shard_path) &&
	       !atomic_load(&b->stopping)) {
		const struct timespec pause = {0, FULL_LOOK_MS * 1000000L};
		nanosleep(&pause, NULL);
		if (!db_disk_is_full(b->params.sync.shard_path))
			rc = sync_start(&sync, &b->params.sync, b->err, sizeof b->err);
	}
	if (rc == 0)
		atomic_store(&b->sync, sync);
	if (write(b->fd, &one, sizeof one) < 0)
		log_error("sync: %s", strerror(errno));
	return NULL;
}

static void on_started(evutil_socket_t fd, short what, void *ctx)
{
	struct box_sync *b = ctx;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) < 0)
		return;
	struct sync *sync = atomic_load(&b->sync);
	if (!sync) {
		log_error("ALARM: no uplink in this run, events are kept here only: %s", b->err);
		return;
	}
	sync_wake(sync); /* for what was kept meanwhile */
	b->params.up(b->params.sync.ctx, sync);
}

/* true: the thread has ended. */
static bool join(struct box_sync *b, int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	if (b->running && pthread_timedjoin_np(b->thread, NULL, &until) == 0)
		b->running = false;
	return !b->running;
}

static void box_sync_free(struct box_sync *b)
{
	if (b->started)
		event_free(b->started);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

static int run(struct box_sync *b)
{
	sigset_t all, before;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&b->thread, NULL, thread_main, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	b->running = rc == 0;
	return rc == 0 ? 0 : -1;
}

int box_sync_start(struct box_sync **out, struct event_base *base,
                   const struct box_sync_params *params, char *err, size_t err_size)
{
	struct box_sync *b = calloc(1, sizeof *b);

	snprintf(err, err_size, "sync: out of memory");
	if (!b)
		return -1;
	b->params = *params;
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->started = event_new(base, b->fd, EV_READ | EV_PERSIST, on_started, b);
	if (b->fd < 0 || !b->started || event_add(b->started, NULL) < 0 || run(b) < 0) {
		box_sync_free(b);
		return -1;
	}
	if (join(b, START_WAIT_S) && !atomic_load(&b->sync)) {
		snprintf(err, err_size, "%s", b->err);
		box_sync_free(b);
		return -1;
	}
	*out = b;
	return 0;
}

struct sync *box_sync_get(const struct box_sync *b)
{
	return b ? atomic_load(&b->sync) : NULL;
}

bool box_sync_stop(struct box_sync *b)
{
	struct sync *sync;

	if (!b)
		return true;
	atomic_store(&b->stopping, true);
	if (!join(b, STOP_WAIT_S))
		return false;
	sync = atomic_load(&b->sync);
	if (sync && !sync_stop(sync))
		return false;
	box_sync_free(b);
	return true;
}
