/* While one batch is committed, a second thread writes the lines of the next: the disk and the
 * processor work at the same time. Lines and chain are most of a commit's time on a fast disk. */
#include <errno.h>

#include "store/journal_internal.h"

#define WORTH_EVENTS 8 /* in the batch before: fewer, and there is hardly more to come */
#define WAIT_MS 20     /* for entries; a slower disk's commit finds the rest in the queue */

static void write_ahead(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	while (journal_write_waiting(j, a->batch, a->worst_class, &a->enough) &&
	       !atomic_load(&a->enough)) {
		if (!queue_wait(j->in, WAIT_MS))
			return;
	}
}

static void *run(void *arg)
{
	struct journal *j = arg;
	struct journal_ahead *a = &j->ahead;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		while (!a->writing && !a->ending)
			pthread_cond_wait(&a->turn, &a->lock);
		if (a->ending)
			break;
		pthread_mutex_unlock(&a->lock);
		write_ahead(j);
		pthread_mutex_lock(&a->lock);
		a->writing = false;
		pthread_cond_signal(&a->turn);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int journal_ahead_start(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->turn, NULL);
	a->ending = a->writing = false;
	int rc = pthread_create(&a->thread, NULL, run, j);
	a->started = rc == 0;
	if (a->started)
		return 0;
	pthread_cond_destroy(&a->turn);
	pthread_mutex_destroy(&a->lock);
	errno = rc;
	return -1;
}

void journal_ahead_stop(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	if (!a->started)
		return;
	pthread_mutex_lock(&a->lock);
	a->ending = true;
	pthread_cond_signal(&a->turn);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->turn);
	pthread_mutex_destroy(&a->lock);
	a->started = false;
}

struct journal_batch *journal_ahead_begin(struct journal *j, char worst_class)
{
	struct journal_ahead *a = &j->ahead;
	const struct journal_batch *now = j->batch;
	if (now->next - now->first < WORTH_EVENTS)
		return NULL;
	a->batch = now == &j->batches[0] ? &j->batches[1] : &j->batches[0];
	a->worst_class = worst_class;
	atomic_store(&a->enough, false);
	journal_write_begin(a->batch, now->next - 1, now->h);
	pthread_mutex_lock(&a->lock);
	a->writing = true;
	pthread_cond_signal(&a->turn);
	pthread_mutex_unlock(&a->lock);
	return a->batch;
}

void journal_ahead_end(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	atomic_store(&a->enough, true);
	/* It may be waiting for entries. */
	if (!atomic_exchange(&j->wake_queued, true) && !queue_push(j->in, &j->wake))
		atomic_store(&j->wake_queued, false);
	pthread_mutex_lock(&a->lock);
	while (a->writing)
		pthread_cond_wait(&a->turn, &a->lock);
	pthread_mutex_unlock(&a->lock);
}
