/* The journal's background thread (salvage, the check of all packs) in lockstep with the load: it
 * runs when the rig lets it, until it hands something to the journal's thread, rests, or is
 * through. The linker puts these in front (--wrap). */
#include <pthread.h>

#include "rig.h"
#include "store/journal_internal.h"

/* Under lock: it stands at a gate (waits), it may go on (go), it waits for the journal's thread
 * (handed), it will do nothing more (done). */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started, waits, go, handed, done, checks;
} back = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Thread_local bool in_back;

/* ---- the thread's side ---- */

static void gate(void)
{
	pthread_mutex_lock(&back.lock);
	back.handed = false;
	back.waits = true;
	pthread_cond_broadcast(&back.changed);
	while (!back.go)
		pthread_cond_wait(&back.changed, &back.lock);
	back.waits = back.go = false;
	pthread_mutex_unlock(&back.lock);
}

void __real_journal_salvage_all(struct journal *j);
void __wrap_journal_salvage_all(struct journal *j);
void __wrap_journal_salvage_all(struct journal *j)
{
	in_back = true;
	gate();
	__real_journal_salvage_all(j);
}

/* Again and again, as it does once a day. */
void __real_journal_sweep(struct journal *j);
void __wrap_journal_sweep(struct journal *j);
void __wrap_journal_sweep(struct journal *j)
{
	for (gate(); journal_back_go_on(j); gate()) {
		back.checks = true;
		__real_journal_sweep(j);
		back.checks = false;
	}
	pthread_mutex_lock(&back.lock);
	back.done = true;
	pthread_cond_broadcast(&back.changed);
	pthread_mutex_unlock(&back.lock);
}

enum journal_job_end __real_journal_back_do(struct journal *j, struct journal_job *job);
enum journal_job_end __wrap_journal_back_do(struct journal *j, struct journal_job *job);
enum journal_job_end __wrap_journal_back_do(struct journal *j, struct journal_job *job)
{
	enum journal_job_end end = __real_journal_back_do(j, job);

	gate();
	return end;
}

/* How long it rests follows from how long it took: here it is a turn of the others. */
bool __wrap_journal_back_rest(struct journal *j, int64_t ms);
bool __wrap_journal_back_rest(struct journal *j, int64_t ms)
{
	(void)ms;
	gate();
	return journal_back_go_on(j);
}

void __real_journal_wake(struct journal *j);
void __wrap_journal_wake(struct journal *j);
void __wrap_journal_wake(struct journal *j)
{
	__real_journal_wake(j);
	if (!in_back)
		return;
	pthread_mutex_lock(&back.lock);
	back.handed = true;
	pthread_cond_broadcast(&back.changed);
	pthread_mutex_unlock(&back.lock);
}

/* ---- the others' ---- */

static void await(bool (*met)(void))
{
	pthread_mutex_lock(&back.lock);
	while (!met())
		pthread_cond_wait(&back.changed, &back.lock);
	pthread_mutex_unlock(&back.lock);
}

static bool stands(void)
{
	return back.waits || back.done;
}

static bool has_stopped(void)
{
	return !back.go && (back.waits || back.handed || back.done);
}

int __real_journal_back_start(struct journal *j);
int __wrap_journal_back_start(struct journal *j);
int __wrap_journal_back_start(struct journal *j)
{
	int rc = __real_journal_back_start(j);

	back.started = rc == 0;
	if (back.started)
		await(stands);
	return rc;
}

void rig_back_turn(void)
{
	if (!back.started || back.done)
		return;
	pthread_mutex_lock(&back.lock);
	back.go = true;
	pthread_cond_broadcast(&back.changed);
	pthread_mutex_unlock(&back.lock);
	await(has_stopped);
}

void rig_back_settle(void)
{
	if (back.started && back.handed)
		await(stands);
}

/* What it has handed over is done before it ends. */
void __real_journal_back_stop(struct journal *j);
void __wrap_journal_back_stop(struct journal *j);
void __wrap_journal_back_stop(struct journal *j)
{
	if (back.started) {
		atomic_store(&j->back_stop, true);
		while (!back.done) {
			rig_back_turn();
			rig_turn_journal();
			rig_back_settle();
		}
	}
	__real_journal_back_stop(j);
}

/* What is written for it has a phase of its own. */
void __real_journal_back_serve(struct journal *j);
void __wrap_journal_back_serve(struct journal *j);
void __wrap_journal_back_serve(struct journal *j)
{
	enum disk_phase was = disk_phase(rig_mine()->b.disk);

	if (j->job && was != DISK_OPEN)
		disk_set_phase(rig_mine()->b.disk, back.checks ? DISK_CHECK : DISK_SALVAGE);
	__real_journal_back_serve(j);
	disk_set_phase(rig_mine()->b.disk, was);
}
