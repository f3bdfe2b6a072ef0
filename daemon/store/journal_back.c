/* The journal's second thread: what takes long and nobody waits for. It reads with a connection of
 * its own, and what it wants written it hands to the journal's thread, a little at a time. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/journal_internal.h"

#define NICE 19
#define IO_CLASS_IDLE (3 << 13) /* of the disk, only what nobody else wants */
#define IO_WHO_PROCESS 1
#define AGAIN_MS (24 * 3600 * 1000) /* between two checks of everything: cards rot */
#define ROOM_PERCENT 70 /* of the quota; above it nothing is brought in: 80 refuses lines */

/* ---- the journal's thread ---- */

static bool has_room(const struct journal *j)
{
	return j->params.quota_bytes == 0 ||
	       j->file_bytes < j->params.quota_bytes / 100 * ROOM_PERCENT;
}

static enum journal_job_end do_job(struct journal *j, const struct journal_job *job)
{
	if (job->plain) {
		job->run(j, job->ctx);
		return JOURNAL_JOB_DONE;
	}
	if (j->disk_full || !j->epoch_open || (job->adds && !has_room(j)))
		return JOURNAL_JOB_NO_ROOM;
	if (journal_commit_begin(j))
		goto err_full;
	if (job->run(j, job->ctx)) {
		journal_commit_undo(j);
		goto err_full;
	}
	journal_commit_measure(j);
	if (journal_commit_end(j))
		goto err_full;
	if (job->committed)
		job->committed(j, job->ctx);
	journal_publish(j);
	return JOURNAL_JOB_DONE;
err_full:
	journal_full_say(j, true);
	return JOURNAL_JOB_NO_ROOM;
}

void journal_back_serve(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	struct journal_job *job = j->job;
	pthread_mutex_unlock(&j->lock);
	if (!job)
		return;
	enum journal_job_end end = do_job(j, job);
	pthread_mutex_lock(&j->lock);
	job->end = end;
	j->job = NULL;
	pthread_cond_broadcast(&j->back_wake);
	pthread_mutex_unlock(&j->lock);
}

/* ---- the second thread ---- */

bool journal_back_go_on(void *ctx)
{
	struct journal *j = ctx;
	return !atomic_load(&j->back_stop);
}

enum journal_job_end journal_back_do(struct journal *j, struct journal_job *job)
{
	pthread_mutex_lock(&j->lock);
	job->end = JOURNAL_JOB_WAITS;
	j->job = job;
	pthread_mutex_unlock(&j->lock);
	journal_wake(j);
	/* Not given up once it is handed over: the journal's thread outlives this one. */
	pthread_mutex_lock(&j->lock);
	while (job->end == JOURNAL_JOB_WAITS)
		pthread_cond_wait(&j->back_wake, &j->lock);
	pthread_mutex_unlock(&j->lock);
	return job->end;
}

bool journal_back_rest(struct journal *j, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&j->lock);
	int rc = 0;
	while (rc != ETIMEDOUT && journal_back_go_on(j))
		rc = pthread_cond_timedwait(&j->back_wake, &j->lock, &until);
	pthread_mutex_unlock(&j->lock);
	return journal_back_go_on(j);
}

static void stand_back(void)
{
	pid_t thread = (pid_t)syscall(SYS_gettid);
	if (setpriority(PRIO_PROCESS, (id_t)thread, NICE) != 0 ||
	    syscall(SYS_ioprio_set, IO_WHO_PROCESS, thread, IO_CLASS_IDLE) != 0)
		log_debug("journal: the background thread runs with ordinary priority");
}

static void *run(void *arg)
{
	struct journal *j = arg;
	stand_back();
	journal_salvage_all(j);
	do {
		journal_sweep(j);
	} while (journal_back_rest(j, AGAIN_MS));
	return NULL;
}

int journal_back_start(struct journal *j)
{
	journal_salvage_look(j);
	int rc = pthread_create(&j->back, NULL, run, j);
	j->back_started = rc == 0;
	errno = rc;
	return rc ? -1 : 0;
}

void journal_back_stop(struct journal *j)
{
	if (!j->back_started)
		return;
	pthread_mutex_lock(&j->lock);
	atomic_store(&j->back_stop, true);
	pthread_cond_broadcast(&j->back_wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->back, NULL);
	j->back_started = false;
}
