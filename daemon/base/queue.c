#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_ITEMS_MAX 1048576 /* no queue of this house is meant to be longer */

/* Under lock: (1) items[first .. first+len) modulo max are inside; (2) once watched is set, fd is
 * readable exactly while len > 0; (3) once closed or watched is set it stays set; (4) while
 * somebody waits, wanted is at most the number of items that any of them waits for. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t max, first, len, wanted;
	unsigned waiting;
	bool closed, watched;
	int fd;
	void *items[];
};

static int init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);
	if (rc)
		return rc;
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return rc;
}

struct queue *queue_new(size_t max)
{
	if (max < 1 || max > QUEUE_ITEMS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	struct queue *q = calloc(1, sizeof *q + max * sizeof *q->items);
	if (!q)
		return NULL;
	q->max = max;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		goto err_free;
	int rc = pthread_mutex_init(&q->lock, NULL);
	if (rc)
		goto err_close_fd;
	rc = init_cond(&q->filled);
	if (rc)
		goto err_destroy_lock;
	return q;
err_destroy_lock:
	pthread_mutex_destroy(&q->lock);
err_close_fd:
	close(q->fd);
	errno = rc;
err_free:
	free(q);
	return NULL;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	close(q->fd);
	free(q);
}

/* An eventfd at 0 or 1 can neither refuse this write nor this read. */
static void show_filled(struct queue *q)
{
	eventfd_write(q->fd, 1);
}

static void show_empty(struct queue *q)
{
	eventfd_t gone;
	eventfd_read(q->fd, &gone);
}

bool queue_push_many(struct queue *q, void *const *items, size_t n)
{
	pthread_mutex_lock(&q->lock);
	bool taken = !q->closed && n <= q->max - q->len;
	if (taken && n > 0) {
		for (size_t i = 0; i < n; i++)
			q->items[(q->first + q->len + i) % q->max] = items[i];
		if (q->watched && q->len == 0)
			show_filled(q);
		q->len += n;
		/* With several waiters a signal might reach one that waits for more. */
		if (q->waiting && q->len >= q->wanted)
			pthread_cond_broadcast(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

bool queue_push(struct queue *q, void *item)
{
	return queue_push_many(q, &item, 1);
}

size_t queue_pop_many(struct queue *q, void **items, size_t n)
{
	pthread_mutex_lock(&q->lock);
	if (n > q->len)
		n = q->len;
	for (size_t i = 0; i < n; i++)
		items[i] = q->items[(q->first + i) % q->max];
	if (n > 0) {
		q->first = (q->first + n) % q->max;
		q->len -= n;
		if (q->watched && q->len == 0)
			show_empty(q);
	}
	pthread_mutex_unlock(&q->lock);
	return n;
}

void *queue_pop(struct queue *q)
{
	void *item;
	return queue_pop_many(q, &item, 1) ? item : NULL;
}

static struct timespec deadline_in(int ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool queue_wait_many(struct queue *q, size_t n, int timeout_ms)
{
	struct timespec until = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
	int rc = 0;
	if (n > q->max)
		n = q->max;
	pthread_mutex_lock(&q->lock);
	if (q->waiting++ == 0 || n < q->wanted)
		q->wanted = n;
	while (q->len < n && !q->closed && rc == 0)
		rc = timeout_ms < 0 ? pthread_cond_wait(&q->filled, &q->lock)
		                    : pthread_cond_timedwait(&q->filled, &q->lock, &until);
	q->waiting--;
	bool filled = q->len > 0;
	pthread_mutex_unlock(&q->lock);
	return filled;
}

bool queue_wait(struct queue *q, int timeout_ms)
{
	return queue_wait_many(q, 1, timeout_ms);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	size_t len = q->len;
	pthread_mutex_unlock(&q->lock);
	return len;
}

int queue_fd(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	if (!q->watched && q->len > 0)
		show_filled(q);
	q->watched = true;
	pthread_mutex_unlock(&q->lock);
	return q->fd;
}
