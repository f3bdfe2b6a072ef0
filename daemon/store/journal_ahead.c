/* While one batch is committed, a second thread writes the lines of the next: the disk and the
 * processor work at the same time. Lines and chain are most of a commit's time on a fast disk. */
#include <errno.h>

#include "store/journal_internal.h"

#define WORTH_EVENTS 8 /* in the batch before: fewer, and there is hardly more to come */
/* Waited for before the thread wakes: a wake-up costs its sender as much as writing several lines.
 * What is fewer when the commit is done is written by the journal's thread. */
#define SOME_ENTRIES 16
#define WAIT_MS 20 /* for entries; a slower disk's commit finds the rest in the queue */

/* Write what waits. true: more could be written into this batch. */
static bool write_ahead(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	return journal_write_waiting(j, a->batch, a->worst_class, &a->enough) &&
	       !atomic_load(&a->enough);
}

static void *run(void *arg)
{
	struct journal *j = arg;
	struct journal_ahead *a = &j->ahead;

	pthread_mutex_lock(&a->lock);
	while (!a->ending) {
		if (!a->begun) {
			pthread_cond_wait(&a->turn, &a->lock);
			continue;
		}
		a->writing = true;
		pthread_mutex_unlock(&a->lock);
		bool more = write_ahead(j);
		pthread_mutex_lock(&a->lock);
		a->writing = false;
		a->begun = a->begun && more;
		pthread_cond_signal(&a->rests);
		if (!a->begun)
			continue;
		pthread_mutex_unlock(&a->lock);
		queue_wait_many(j->in, SOME_ENTRIES, WAIT_MS);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void destroy(struct journal_ahead *a)
{
	pthread_cond_destroy(&a->rests);
	pthread_cond_destroy(&a->turn);
	pthread_mutex_destroy(&a->lock);
}

int journal_ahead_start(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->turn, NULL);
	pthread_cond_init(&a->rests, NULL);
	a->ending = a->begun = a->writing = false;
	int rc = pthread_create(&a->thread, NULL, run, j);
	a->started = rc == 0;
	if (a->started)
		return 0;
	destroy(a);
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
	destroy(a);
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
	a->begun = true;
	pthread_cond_signal(&a->turn);
	pthread_mutex_unlock(&a->lock);
	return a->batch;
}

void journal_ahead_end(struct journal *j)
{
	struct journal_ahead *a = &j->ahead;
	atomic_store(&a->enough, true);
	pthread_mutex_lock(&a->lock);
	/* One that waits for entries need not be woken for it: it touches nothing. */
	a->begun = false;
	while (a->writing)
		pthread_cond_wait(&a->rests, &a->lock);
	pthread_mutex_unlock(&a->lock);
}
