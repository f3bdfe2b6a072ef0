/* The child's side: what the daemon's main finds in place of the clock, the sockets, the screens
 * and the waiting. The linker puts these in front of the real functions (--wrap). */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock_keep.h"
#include "base/version.h"
#include "base_memory.h"
#include "capture/pos.h"
#include "flow/flow_internal.h"
#include "serve/serve.h"
#include "store/journal_internal.h"

#define BACK_TURNS                                                                                 \
	6           /* one in so many is one of the check in the background, which reads it all    \
	             */
#define TAKEN_MIN 8 /* entries of a commit while more wait: enough for the next to be begun */

struct rig *rig_mine(void)
{
	return (struct rig *)base_mine;
}

/* One child, one daemon. */
static struct {
	struct flow *flow;
	struct journal *journal;
	/* the lockstep */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool waits, go, free_running;
	atomic_uint ahead_waits; /* how often the thread that writes ahead had written all */
} run = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct flow *rig_flow(void)
{
	return run.flow;
}

struct journal *rig_journal(void)
{
	return run.journal;
}

/* ---- time ---- */

static bool kernel(void *ctx, int64_t *error_us)
{
	(void)ctx;
	*error_us = 1000;
	return true;
}

static bool rtc(void *ctx, int64_t at_us)
{
	(void)ctx, (void)at_us;
	return false;
}

const struct clock_raw *__wrap_clock_raw_system(void);
const struct clock_raw *__wrap_clock_raw_system(void)
{
	static const struct clock_raw raw = {base_mono_us, base_wall_us, kernel, rtc, NULL};
	return &raw;
}

int64_t __wrap_version_built_us(void);
int64_t __wrap_version_built_us(void)
{
	return 0; /* the rig's time is always later */
}

/* ---- the journal, and its thread in lockstep ---- */

int __real_journal_open(struct journal **out, const struct journal_params *params, bool *set_aside,
                        char *err, size_t err_size);
int __wrap_journal_open(struct journal **out, const struct journal_params *params, bool *set_aside,
                        char *err, size_t err_size);
int __wrap_journal_open(struct journal **out, const struct journal_params *params, bool *set_aside,
                        char *err, size_t err_size)
{
	int rc = __real_journal_open(out, params, set_aside, err, err_size);

	if (rc != 0)
		return rc;
	if (*set_aside && !rig_mine()->spoilt)
		base_wrong("the journal was set aside as unreadable");
	rig_mine()->set_aside += *set_aside;
	run.journal = *out;
	/* Small, so that checkpoints are frequent, and messages are summed up often. */
	if (run.journal->checkpoint_at)
		run.journal->checkpoint_at = 8 + (int)dice_below(&rig_mine()->b.dice, 24);
	run.journal->taken.packs_step = 1 + (unsigned)dice_below(&rig_mine()->b.dice, 6);
	run.journal->taken.packs_max = 1 + (unsigned)dice_below(&rig_mine()->b.dice, 12);
	return 0;
}

bool __real_queue_wait(struct queue *q, int timeout_ms);
bool __wrap_queue_wait(struct queue *q, int timeout_ms);
bool __wrap_queue_wait(struct queue *q, int timeout_ms)
{
	bool free_running;

	pthread_mutex_lock(&run.lock);
	run.waits = true;
	pthread_cond_broadcast(&run.changed);
	while (!run.go && !run.free_running)
		pthread_cond_wait(&run.changed, &run.lock);
	run.waits = run.go = false;
	free_running = run.free_running;
	pthread_mutex_unlock(&run.lock);
	return __real_queue_wait(q, free_running ? timeout_ms : 0);
}

/* The thread that writes ahead: it has written what was there. */
bool __real_queue_wait_many(struct queue *q, size_t n, int timeout_ms);
bool __wrap_queue_wait_many(struct queue *q, size_t n, int timeout_ms);
bool __wrap_queue_wait_many(struct queue *q, size_t n, int timeout_ms)
{
	atomic_fetch_add(&run.ahead_waits, 1);
	return __real_queue_wait_many(q, n, run.free_running ? timeout_ms : 0);
}

/* The journal's thread takes some of what waits: the rest is written ahead, and before the commit
 * goes on, so that the same seed gives the same bytes. */
size_t __real_queue_pop_many(struct queue *q, void **items, size_t n);
size_t __wrap_queue_pop_many(struct queue *q, void **items, size_t n);
size_t __wrap_queue_pop_many(struct queue *q, void **items, size_t n)
{
	const struct journal *j = run.journal;
	size_t some = n;

	if (j && q == j->in && j->started && !run.free_running &&
	    pthread_equal(pthread_self(), j->thread))
		some = TAKEN_MIN + dice_below(&rig_mine()->b.dice, TAKEN_MIN);
	return __real_queue_pop_many(q, items, some < n ? some : n);
}

struct journal_batch *__real_journal_ahead_begin(struct journal *j, char worst_class);
struct journal_batch *__wrap_journal_ahead_begin(struct journal *j, char worst_class);
struct journal_batch *__wrap_journal_ahead_begin(struct journal *j, char worst_class)
{
	unsigned before = atomic_load(&run.ahead_waits);
	struct journal_batch *ahead = __real_journal_ahead_begin(j, worst_class);

	/* The first time may still be the end of the round before. */
	while (ahead && !run.free_running && atomic_load(&run.ahead_waits) - before < 2)
		sched_yield();
	return ahead;
}

/* From here on the loop may have told the source, whatever the journal's thread does next. */
bool __real_queue_push_many(struct queue *q, void *const *items, size_t n);
bool __wrap_queue_push_many(struct queue *q, void *const *items, size_t n);
bool __wrap_queue_push_many(struct queue *q, void *const *items, size_t n)
{
	for (size_t i = 0; run.journal && q == run.journal->done && i < n; i++)
		rig_told(rig_mine(), items[i]);
	return __real_queue_push_many(q, items, n);
}

void rig_turn_journal(void)
{
	pthread_mutex_lock(&run.lock);
	while (!run.waits)
		pthread_cond_wait(&run.changed, &run.lock);
	run.waits = false;
	run.go = true;
	pthread_cond_broadcast(&run.changed);
	while (!run.waits)
		pthread_cond_wait(&run.changed, &run.lock);
	pthread_mutex_unlock(&run.lock);
}

void rig_step(void)
{
	/* An answer may bring an event of its own, such as a question that ran out. */
	for (int i = 0; i < 8; i++) {
		if (rig_salvages() || dice_below(&rig_mine()->b.dice, BACK_TURNS) == 0)
			rig_back_turn();
		rig_turn_journal();
		rig_back_settle();
		rig_salvages();
		flow_drain(run.flow);
		flow_tick(run.flow);
		if (run.flow->in_flight == 0)
			return;
	}
	base_wrong("%zu entries are never answered", run.flow->in_flight);
}

void __real_journal_stop(struct journal *j);
void __wrap_journal_stop(struct journal *j);
void __wrap_journal_stop(struct journal *j)
{
	if (rig_mine()->b.ready)
		disk_set_phase(rig_mine()->b.disk, DISK_CLOSE);
	__real_journal_stop(j);
}

/* Nothing more comes: from here on the journal's thread runs to its end. */
void __real_queue_close(struct queue *q);
void __wrap_queue_close(struct queue *q);
void __wrap_queue_close(struct queue *q)
{
	__real_queue_close(q);
	if (!run.journal || q != run.journal->in)
		return;
	pthread_mutex_lock(&run.lock);
	run.free_running = true;
	pthread_cond_broadcast(&run.changed);
	pthread_mutex_unlock(&run.lock);
}

void __real_journal_commit_checkpoint(struct journal *j);
void __wrap_journal_commit_checkpoint(struct journal *j);
void __wrap_journal_commit_checkpoint(struct journal *j)
{
	enum disk_phase was = disk_phase(rig_mine()->b.disk);

	disk_set_phase(rig_mine()->b.disk, DISK_CHECKPOINT);
	__real_journal_commit_checkpoint(j);
	disk_set_phase(rig_mine()->b.disk, was);
}

bool __real_journal_retain_step(struct journal *j);
bool __wrap_journal_retain_step(struct journal *j);
bool __wrap_journal_retain_step(struct journal *j)
{
	enum disk_phase was = disk_phase(rig_mine()->b.disk);

	disk_set_phase(rig_mine()->b.disk, DISK_RETENTION);
	bool more = __real_journal_retain_step(j);
	disk_set_phase(rig_mine()->b.disk, was);
	return more;
}

/* ---- the event path ---- */

struct flow *__real_flow_new(const struct flow_params *params, char *err, size_t err_size);
struct flow *__wrap_flow_new(const struct flow_params *params, char *err, size_t err_size);
struct flow *__wrap_flow_new(const struct flow_params *params, char *err, size_t err_size)
{
	run.flow = __real_flow_new(params, err, err_size);
	return run.flow;
}

/* What is read back is read before anything else happens: one thing after the other. */
struct flow_rebuild *__real_flow_rebuild_start(const struct flow_rebuild_params *params, char *err,
                                               size_t err_size);
struct flow_rebuild *__wrap_flow_rebuild_start(const struct flow_rebuild_params *params, char *err,
                                               size_t err_size);
struct flow_rebuild *__wrap_flow_rebuild_start(const struct flow_rebuild_params *params, char *err,
                                               size_t err_size)
{
	struct flow_rebuild *r = __real_flow_rebuild_start(params, err, err_size);

	if (r)
		flow_rebuild_wait(r);
	return r;
}

/* The tills' listener: links are the tills' numbers from 1. */
static char listener;

struct pos *__wrap_pos_new(struct event_base *base, const struct pos_params *params,
                           const struct clock *clock, struct counters *counters,
                           const struct capture_ops *ops, char *err, size_t err_size);
struct pos *__wrap_pos_new(struct event_base *base, const struct pos_params *params,
                           const struct clock *clock, struct counters *counters,
                           const struct capture_ops *ops, char *err, size_t err_size)
{
	(void)base, (void)params, (void)clock, (void)counters, (void)ops, (void)err, (void)err_size;
	return (struct pos *)(void *)&listener;
}

void __wrap_pos_stop(struct pos *p);
void __wrap_pos_stop(struct pos *p)
{
	(void)p;
}

void __wrap_pos_free(struct pos *p);
void __wrap_pos_free(struct pos *p)
{
	(void)p;
}

int __wrap_pos_port(const struct pos *p);
int __wrap_pos_port(const struct pos *p)
{
	(void)p;
	return 0;
}

void __wrap_pos_send(struct pos *p, uint64_t link, const char *json, size_t len);
void __wrap_pos_send(struct pos *p, uint64_t link, const char *json, size_t len)
{
	(void)p;
	base_memory_off();
	rig_answered(rig_mine(), (uint8_t)(link - 1), json, len);
	base_memory_on();
}

void __wrap_pos_send_error(struct pos *p, uint64_t link, const char *id, const char *code,
                           const char *field, const char *message);
void __wrap_pos_send_error(struct pos *p, uint64_t link, const char *id, const char *code,
                           const char *field, const char *message)
{
	(void)p;
	if (base_mine->may_refuse && code && strcmp(code, "no_memory") == 0) {
		base_mine->refused++;
		return;
	}
	if (rig_mine()->unheard && code && strcmp(code, "unknown_basket") == 0) {
		rig_give_up(rig_mine(), (uint8_t)(link - 1), id);
		return;
	}
	base_wrong("till %d: %s was answered with the error %s (%s): %s", (int)link, id, code,
	           field ? field : "", message);
}

/* ---- the screens: their watcher sees every kept line ---- */

static void on_lane(void *ctx, const char *lane, const char *json, size_t len)
{
	(void)ctx, (void)lane, (void)json, (void)len;
}

static void on_kept(void *ctx, const char *lines, size_t len)
{
	(void)ctx;
	base_memory_off();
	rig_kept(rig_mine(), lines, len);
	base_memory_on();
}

struct serve *__wrap_serve_new(const struct serve_params *params, char *err, size_t err_size);
struct serve *__wrap_serve_new(const struct serve_params *params, char *err, size_t err_size)
{
	(void)err, (void)err_size;
	flow_watch(params->flow, on_lane, on_kept, NULL);
	return (struct serve *)(void *)&listener;
}

void __wrap_serve_free(struct serve *s);
void __wrap_serve_free(struct serve *s)
{
	(void)s;
}

int __wrap_serve_port(const struct serve *s);
int __wrap_serve_port(const struct serve *s)
{
	(void)s;
	return 0;
}

/* ---- in place of the loop ---- */

bool rig_salvages(void)
{
	struct journal_state s;

	journal_state(run.journal, &s);
	rig_mine()->b.salvages = s.salvage.running;
	return s.salvage.running;
}

static void check(struct rig *r)
{
	base_memory_off();
	rig_check(r);
	base_memory_on();
}

int __wrap_event_base_dispatch(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base)
{
	(void)base;
	struct rig *r = rig_mine();

	r->b.ready = true;
	r->b.told_no = run.journal->cannot_keep;
	if (r->b.must_refuse && !r->b.told_no)
		base_wrong("three commits ended unknown in ten minutes, and it goes on");
	r->b.may_refuse = r->b.may_refuse || r->b.told_no;
	r->unheard = r->unheard || r->b.may_refuse;
	r->spoilt = r->spoilt && r->b.told_no; /* else its file has been opened, or set aside */
	disk_set_phase(r->b.disk, DISK_COMMIT);
	flow_rebuilt(run.flow);
	check(r);
	bool comes = rig_salvages();
	rig_step();
	rig_resend(r, !comes);
	if (!r->b.last) {
		rig_load(r);
		return 0;
	}
	while (rig_salvages())
		rig_step();
	check(r);
	return 0;
}
