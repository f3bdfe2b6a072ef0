#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define IDLE_MS 1000             /* the longest the thread waits: the watchdog sees it move */
#define BUSY_MS 20               /* while there is more that may go: scans come first */
#define RETAIN_EVERY_US 10000000 /* between looks at what may go */
/* Shares of the quota, in per cent, from which a class is refused. */
#define FULL_C_PERCENT 80
#define FULL_B_PERCENT 95
#define FULL_A_PERCENT 100

/* The least important class that is still taken; below 'A': none. */
static char worst_class(const struct journal *j)
{
	uint64_t quota = j->params.quota_bytes, bytes = j->file_bytes;
	if (quota == 0 || bytes < quota / 100 * FULL_C_PERCENT)
		return 'C';
	if (bytes < quota / 100 * FULL_B_PERCENT)
		return 'B';
	return bytes < quota / 100 * FULL_A_PERCENT ? 'A' : 'A' - 1;
}

bool journal_is_short(const struct journal *j)
{
	return j->disk_full || worst_class(j) != 'C';
}

void journal_publish(struct journal *j)
{
	struct journal_state *s = &j->state;
	pthread_mutex_lock(&j->lock);
	memcpy(s->epoch, j->epoch, sizeof(s->epoch));
	s->ordinal = j->ordinal;
	s->last_seq = j->last_seq;
	s->kept = j->totals.kept;
	s->confirmed = j->totals.confirmed;
	s->file_bytes = j->file_bytes;
	s->cannot_keep = j->cannot_keep;
	s->full = journal_is_short(j);
	s->clean = j->clean;
	s->recovered_frames = j->recovered_frames;
	s->held = j->held;
	s->progress_us = clock_mono_us(j->params.clock);
	pthread_mutex_unlock(&j->lock);
}

static void progress(struct journal *j)
{
	int64_t now_us = clock_mono_us(j->params.clock);
	pthread_mutex_lock(&j->lock);
	j->state.progress_us = now_us;
	pthread_mutex_unlock(&j->lock);
}

/* ---- the thread ---- */

bool journal_has_words(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	bool has = j->word_count > 0 || j->applying_count > 0 || journal_notes_wait(&j->notes) ||
	           journal_notes_wait(&j->noting);
	pthread_mutex_unlock(&j->lock);
	return has;
}

static void take_words(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	journal_notes_take(j); /* first: a rewind is about words older than those that wait now */
	if (j->applying_count == 0) {
		memcpy(j->applying, j->words, j->word_count * sizeof(*j->words));
		j->applying_count = j->word_count;
		j->word_count = 0;
	}
	pthread_mutex_unlock(&j->lock);
}

int journal_apply(struct journal *j, struct journal_totals *totals)
{
	*totals = j->totals;
	take_words(j);
	if (journal_notes_apply(j, totals))
		return -1;
	for (size_t i = 0; i < j->applying_count; i++) {
		if (journal_mark_apply(j, &j->applying[i], totals))
			return -1;
	}
	return 0;
}

void journal_applied(struct journal *j, const struct journal_totals *totals)
{
	if (totals->confirmed > j->totals.confirmed)
		counter_add(j->params.counters, COUNTER_EVENTS_CONFIRMED,
		            totals->confirmed - j->totals.confirmed);
	j->totals = *totals;
	j->applying_count = 0;
	journal_notes_applied(j);
}

static bool has_events(const struct journal_batch *b)
{
	return b->next > b->first;
}

/* One transaction for the batch and the confirmations. 0, or -1: disk full, nothing of it happened.
 */
static int commit(struct journal *j)
{
	bool pack = has_events(j->batch);
	struct journal_totals totals;

	if (journal_commit_begin(j))
		return -1;
	if (journal_apply(j, &totals) || (pack && journal_commit_batch(j))) {
		journal_commit_undo(j);
		return -1;
	}
	journal_commit_measure_roughly(j);
	if (journal_commit_end(j))
		return -1;
	journal_applied(j, &totals);
	if (pack)
		journal_commit_done(j);
	return 0;
}

static void refuse(struct journal *j, struct entry *e, const char *reason)
{
	e->status = ENTRY_REFUSED;
	e->reason = reason;
	counter_add(j->params.counters, COUNTER_EVENTS_REFUSED, e->count);
	queue_push(j->done, e);
}

static void refuse_taken(struct journal *j, const char *reason)
{
	struct journal_intake *in = &j->intake;
	while (in->at < in->count)
		refuse(j, in->entries[in->at++], reason);
}

/* What waits now. Whether what comes meanwhile can be kept is asked anew, or sources that never
 * pause would be refused for ever. */
static void refuse_waiting(struct journal *j, const char *reason)
{
	if (j->batch->begun)
		journal_write_answer(j, j->batch, false);
	refuse_taken(j, reason);
	journal_write_take_in(j);
	refuse_taken(j, reason);
}

/* The entries that were written ahead of a commit that found no room: their seqs are not theirs. */
static void answer(struct journal *j, struct journal_batch *ahead, bool kept)
{
	journal_write_answer(j, j->batch, kept);
	if (!ahead)
		return;
	if (!kept)
		journal_write_answer(j, ahead, false);
	j->batch = ahead;
}

/* One batch: what was written ahead, and what waits. The next one may be begun meanwhile. */
static void keep_batch(struct journal *j)
{
	char worst = worst_class(j);
	struct journal_batch *ahead = NULL;

	if (!j->batch->begun)
		journal_write_begin(j->batch, j->last_seq, j->h);
	journal_write_waiting(j, j->batch, worst, NULL);
	bool kept = true;
	if (has_events(j->batch) || journal_has_words(j)) {
		ahead = journal_ahead_begin(j, worst);
		kept = commit(j) == 0;
		if (ahead)
			journal_ahead_end(j);
	}
	if (!kept)
		journal_full_say(j, true);
	journal_publish(j);
	answer(j, ahead, kept);
	if (j->params.notify)
		j->params.notify(j->params.notify_ctx);
}

static void retain(struct journal *j)
{
	int64_t now_us = clock_mono_us(j->params.clock);
	if (now_us < j->retain_due_us)
		return;
	bool more = journal_retain_step(j);
	journal_commit_measure(j);
	journal_publish(j);
	j->retain_more = more;
	j->retain_due_us = more ? now_us : now_us + RETAIN_EVERY_US;
	if (!more)
		journal_full_watch(j);
}

/* Why nothing can be kept now; NULL: it can. */
static const char *refusal(struct journal *j)
{
	if (j->cannot_keep && !journal_open_again(j))
		return "cannot_keep";
	if (j->disk_full)
		journal_full_step(j);
	if (!j->disk_full && !j->epoch_open && journal_epoch_open(j) != 0)
		journal_full_say(j, true);
	return j->disk_full ? "disk_full" : NULL;
}

/* Entries that left the queue and have no answer yet. */
static bool has_entries(const struct journal *j)
{
	return j->batch->slot_count || j->intake.at < j->intake.count;
}

static void work(struct journal *j)
{
	if (has_entries(j) || queue_len(j->in) > 0 || journal_has_words(j))
		keep_batch(j);
	j->no_room = false;
	journal_commit_lengthen_log(j);
	journal_commit_checkpoint(j);
	retain(j);
	j->taken_more = !j->no_room && journal_taken_step(j);
	if (j->no_room)
		journal_full_say(j, true);
}

/* There is something to do, now or within IDLE_MS. false: the end. */
static bool await_work(struct journal *j)
{
	if (has_entries(j) || (!j->disk_full && journal_has_words(j)))
		return true;
	int wait_ms = j->retain_more || j->taken_more ? BUSY_MS : IDLE_MS;
	if (j->disk_full && j->full_due_us == 0)
		wait_ms = 0;
	return queue_wait(j->in, wait_ms) || !atomic_load(&j->stopping);
}

static void *run(void *arg)
{
	struct journal *j = arg;

	while (await_work(j)) {
		progress(j);
		const char *reason = refusal(j);
		journal_back_serve(j);
		if (reason)
			refuse_waiting(j, reason);
		else
			work(j);
	}
	return NULL;
}

/* ---- the calls ---- */

int journal_start(struct journal *j)
{
	if (journal_ahead_start(j))
		return -1;
	int rc = pthread_create(&j->thread, NULL, run, j);
	j->started = rc == 0;
	if (!j->started)
		goto err_stop_ahead;
	if (!j->cannot_keep && journal_back_start(j))
		log_error("journal: no thread for the background: %s; nothing is checked there or "
		          "salvaged",
		          strerror(errno));
	return 0;
err_stop_ahead:
	journal_ahead_stop(j);
	errno = rc;
	return -1;
}

void journal_stop(struct journal *j)
{
	if (!j)
		return;
	journal_back_stop(j);
	atomic_store(&j->stopping, true);
	queue_close(j->in);
	if (j->started)
		pthread_join(j->thread, NULL);
	j->started = false;
	journal_ahead_stop(j);
	journal_open_end(j);
}

static void free_entries(struct journal *j, struct queue *q)
{
	void *item;
	while (q && (item = queue_pop(q))) {
		if (item != &j->wake)
			entry_free(item);
	}
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_stop(j);
	free_entries(j, j->in);
	free_entries(j, j->done);
	queue_free(j->in);
	queue_free(j->done);
	journal_open_free(j);
}

bool journal_put(struct journal *j, struct entry *e)
{
	if (j->out >= j->params.queue_max || !queue_push(j->in, e))
		return false;
	j->out++;
	return true;
}

struct entry *journal_done(struct journal *j)
{
	struct entry *e = queue_pop(j->done);
	if (e)
		j->out--;
	return e;
}

int journal_done_fd(const struct journal *j)
{
	return queue_fd(j->done);
}

void journal_wake(struct journal *j)
{
	/* A full queue needs no waking. */
	if (!atomic_exchange(&j->wake_queued, true) && !queue_push(j->in, &j->wake))
		atomic_store(&j->wake_queued, false);
}

static bool put_word(struct journal *j, const struct journal_word *word)
{
	pthread_mutex_lock(&j->lock);
	bool taken = !j->cannot_keep && j->word_count < JOURNAL_WORDS_MAX;
	if (taken)
		j->words[j->word_count++] = *word;
	pthread_mutex_unlock(&j->lock);
	if (taken)
		journal_wake(j);
	return taken;
}

bool journal_confirm(struct journal *j, const struct journal_confirm *c)
{
	return put_word(j, &(struct journal_word){.confirm = *c});
}

bool journal_included(struct journal *j, const uint8_t epoch[EVENT_EPOCH_BYTES],
                      const struct journal_range *seqs)
{
	struct journal_word word = {.included = *seqs};
	memcpy(word.confirm.epoch, epoch, EVENT_EPOCH_BYTES);
	return seqs->last == 0 || put_word(j, &word);
}

void journal_state(struct journal *j, struct journal_state *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->state;
	pthread_mutex_unlock(&j->lock);
}
