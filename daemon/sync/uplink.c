#include "sync/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define CREDIT_START_BYTES 65536   /* until HQ's first word on a connection */
#define LIVE_RAW_BYTES (64 * 1024) /* lines of a batch: a lost one costs little to send again */
#define BACKLOG_RAW_BYTES                                                                          \
	(256 * 1024)               /* longer ones compress better, and nobody waits for them       \
	                            */
#define CONFIRM_US 10000000ll      /* 10 s: the first wait for a confirmation, doubling */
#define CONFIRM_US_MAX 900000000ll /* 15 min */
#define SPREAD_PERCENT 4           /* of a wait, so that stores do not march in step */
#define ALARM_US 3600000000ll      /* 1 h in which something waited and nothing was confirmed */
#define HELD_WAIT_US 10000000ll    /* for HQ's word on what it holds: an older one has none */
#define READ_RETRY_US 1000000ll    /* after the journal could not be read */
#define NOTES_WAIT_US 20000ll      /* the journal's list is full: a commit empties it */

struct uplink *uplink_new(const struct uplink_params *params, char *err, size_t err_size)
{
	struct uplink *u = calloc(1, sizeof(*u));
	if (!u) {
		snprintf(err, err_size, "uplink: out of memory");
		return NULL;
	}
	u->params = *params;
	text_copy(u->store, sizeof(u->store), params->store);
	u->params.store = u->store;
	u->credit = CREDIT_START_BYTES;
	u->work = vault_work_new();
	if (!u->work) {
		snprintf(err, err_size, "uplink: out of memory");
		uplink_free(u);
		return NULL;
	}
	journal_reader_text(params->reader, "generation", u->generation, sizeof(u->generation));
	u->ask.unheard = u->generation[0] != '\0';
	if (uplink_notes_load(&u->notes, params->reader) ||
	    uplink_epochs_load(u, false, err, err_size)) {
		uplink_free(u);
		return NULL;
	}
	u->progress_us = uplink_now(u);
	return u;
}

void uplink_free(struct uplink *u)
{
	if (!u)
		return;
	if (u->keys.data)
		vault_wipe(u->keys.data, u->keys.cap);
	buf_free(&u->keys);
	buf_free(&u->payload);
	buf_free(&u->text);
	vault_work_free(u->work);
	uplink_notes_free(&u->notes);
	uplink_epochs_free(u);
	free(u);
}

/* ---- batches on their way ---- */

void uplink_batch_drop(struct uplink *u, int i)
{
	u->bytes -= u->batches[i].bytes;
	u->batch_count--;
	memmove(&u->batches[i], &u->batches[i + 1],
	        (size_t)(u->batch_count - i) * sizeof(u->batches[0]));
}

static struct uplink_batch *batch_insert(struct uplink *u, int64_t ordinal, uint64_t first)
{
	int at = u->batch_count;
	while (at > 0 &&
	       (u->batches[at - 1].ordinal > ordinal ||
	        (u->batches[at - 1].ordinal == ordinal && u->batches[at - 1].first > first)))
		at--;
	memmove(&u->batches[at + 1], &u->batches[at],
	        (size_t)(u->batch_count - at) * sizeof(u->batches[0]));
	u->batch_count++;
	memset(&u->batches[at], 0, sizeof(u->batches[at]));
	u->batches[at].ordinal = ordinal;
	u->batches[at].first = first;
	return &u->batches[at];
}

static int64_t confirm_wait(unsigned times)
{
	int64_t wait = CONFIRM_US;
	for (unsigned i = 1; i < times && wait < CONFIRM_US_MAX; i++)
		wait *= 2;
	wait = wait < CONFIRM_US_MAX ? wait : CONFIRM_US_MAX;
	uint8_t r;
	vault_random(&r, 1);
	return wait + wait * SPREAD_PERCENT * (r - 128) / 12800;
}

static void batch_sent(struct uplink *u, struct uplink_batch *b, const struct journal_run *run)
{
	int64_t now = uplink_now(u);
	u->bytes += u->payload.len - b->bytes;
	b->bytes = u->payload.len;
	b->plain = batch_form_of(u->payload.data).wire == 1;
	b->count = run->count;
	memcpy(b->h_last, run->h_last, sizeof(b->h_last));
	if (!b->first_sent_us)
		b->first_sent_us = now;
	b->times++;
	b->sent_us = now;
	b->due_us = now + confirm_wait(b->times);
	vault_sha256(u->work, u->payload.data, u->payload.len, b->payload);
}

/* ---- sending ---- */

static bool publish(struct uplink *u)
{
	return u->params.publish(u->params.ctx, u->payload.data, u->payload.len);
}

static size_t raw_max(bool backlog)
{
	return backlog ? BACKLOG_RAW_BYTES : LIVE_RAW_BYTES;
}

/* What this place holds, or an urgent event that goes before it. false: nothing can be read now. */
static bool read_next(struct uplink *u, struct uplink_place *p, struct journal_run *run)
{
	struct uplink_place urgent;
	memset(run, 0, sizeof(*run));
	if (p->cursor == UPLINK_LIVE &&
	    !uplink_make_read(u, p->epoch, &p->gap, raw_max(false), run))
		return false;
	if (!u->full[UPLINK_LIVE] && uplink_next_urgent(u, p->epoch, run, &urgent)) {
		journal_run_free(run);
		*p = urgent;
		return uplink_make_read(u, p->epoch, &p->gap, raw_max(false), run);
	}
	if (p->cursor == UPLINK_BACKLOG)
		return uplink_make_read(u, p->epoch, &p->gap, raw_max(true), run);
	return p->cursor == UPLINK_LIVE;
}

/* true: one was sent. */
static bool send_next(struct uplink *u)
{
	struct uplink_place p;
	struct journal_run run;
	if (u->batch_count == UPLINK_BATCHES_MAX || u->retry_us > uplink_now(u) ||
	    uplink_held_waits(u))
		return false;
	uplink_next_place(u, &p);
	if (!read_next(u, &p, &run))
		return false;
	bool sent = false;
	if (uplink_make_payload(u, p.epoch, &run) != 0)
		u->retry_us = uplink_now(u) + READ_RETRY_US;
	else if (!uplink_next_fits(u, p.cursor, u->payload.len))
		u->full[p.cursor] = true;
	else
		sent = publish(u);
	if (sent) {
		struct uplink_batch *b = batch_insert(u, p.epoch->ordinal, run.first);
		b->backlog = p.cursor == UPLINK_BACKLOG;
		batch_sent(u, b, &run);
		uplink_next_sent(u, p.cursor, u->payload.len);
		counter_add(u->params.counters, COUNTER_BATCHES_SENT, 1);
	}
	journal_run_free(&run);
	return sent;
}

/* The same seqs again, read anew from the journal. */
static void send_again(struct uplink *u, struct uplink_batch *b)
{
	struct uplink_epoch *e = uplink_epoch_by_ordinal(u, b->ordinal);
	struct journal_range gap = {b->first, b->first + b->count - 1};
	struct journal_run run;
	b->due_us = uplink_now(u) + READ_RETRY_US;
	if (!e || !uplink_make_read(u, e, &gap, raw_max(b->backlog), &run))
		return;
	if (uplink_make_payload(u, e, &run) == 0 && publish(u)) {
		batch_sent(u, b, &run);
		counter_add(u->params.counters, COUNTER_BATCHES_RESENT, 1);
	}
	journal_run_free(&run);
}

/* ---- the outside ---- */

static void start_anew(struct uplink *u, int64_t age_us_min)
{
	int64_t now = uplink_now(u);
	bool oldest = true;
	for (int i = 0; i < u->batch_count; i++) {
		struct uplink_batch *b = &u->batches[i];
		if (now - b->sent_us < age_us_min)
			continue;
		b->times = oldest ? 0 : 1;
		b->due_us = oldest ? now : now + confirm_wait(1);
		oldest = false;
	}
}

void uplink_up(struct uplink *u)
{
	u->up = true;
	if (u->credit > CREDIT_START_BYTES)
		u->credit = CREDIT_START_BYTES;
	uplink_epochs_refresh(u);
	uplink_next_up(u);
	uplink_held_up(u);
	start_anew(u, 0);
}

void uplink_alive(struct uplink *u)
{
	start_anew(u, CONFIRM_US);
}

void uplink_anew(struct uplink *u)
{
	uplink_held_up(u);
	start_anew(u, 0);
}

void uplink_down(struct uplink *u)
{
	u->up = false;
}

void uplink_generation(struct uplink *u, const char *generation, bool rewind)
{
	char err[200];
	text_copy(u->generation, sizeof(u->generation), generation);
	journal_generation(u->params.journal, generation, rewind);
	if (!rewind)
		return;
	log_error("uplink: HQ's database was restored or is another one: generation %s. What it "
	          "lacks and is still held here goes again",
	          generation);
	uplink_notes_rewind(&u->notes);
	if (uplink_epochs_load(u, true, err, sizeof(err)))
		log_error("%s", err);
	u->ask.unheard = true;
	u->ask.raw_count = 0;
	u->ask.hold_us = uplink_now(u) + HELD_WAIT_US;
	uplink_held_up(u);
}

const struct uplink_notes *uplink_notes(const struct uplink *u)
{
	return &u->notes;
}

/* Something is there that HQ could confirm. */
static bool waits_for_hq(const struct uplink *u)
{
	for (int i = 0; i < u->epoch_count; i++)
		if (uplink_epoch_open(&u->epochs[i], 0) <= u->epochs[i].last_seq)
			return true;
	return false;
}

void uplink_progress(struct uplink *u)
{
	if (u->alarmed)
		log_info("uplink: HQ confirms again");
	u->alarmed = false;
	u->progress_us = uplink_now(u);
}

static void check_alarm(struct uplink *u, int64_t now)
{
	if (!waits_for_hq(u))
		uplink_progress(u);
	if (u->alarmed || now - u->progress_us < ALARM_US)
		return;
	u->alarmed = true;
	counter_add(u->params.counters, COUNTER_UPLINK_ALARMS, 1);
	log_error(
	    "uplink: ALARM: no confirmation from HQ for an hour; nothing is lost, events stay in "
	    "the journal");
}

static int64_t sooner(int64_t at, int64_t now, int64_t next)
{
	return at > now && at < next ? at : next;
}

int64_t uplink_step(struct uplink *u)
{
	uplink_epochs_refresh(u);
	uplink_epochs_flush(u);
	int64_t now = uplink_now(u), next = INT64_MAX;
	check_alarm(u, now);
	if (!uplink_notes_flush(&u->notes, u->params.journal))
		next = now + NOTES_WAIT_US;
	if (!u->up)
		return next;
	uplink_next_split(u);
	next = sooner(uplink_held_step(u), now, next);
	next = sooner(u->ask.hold_us, now, next);
	for (int i = 0; i < u->batch_count; i++)
		if (u->batches[i].due_us <= now)
			send_again(u, &u->batches[i]);
	while (send_next(u))
		;
	for (int i = 0; i < u->batch_count; i++)
		next = u->batches[i].due_us < next ? u->batches[i].due_us : next;
	next = sooner(u->retry_us, now, next);
	return u->split ? sooner(u->backlog_from_us, now, next) : next;
}

void uplink_state(const struct uplink *u, struct uplink_state *out)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < u->epoch_count; i++)
		out->unconfirmed += uplink_epoch_unconfirmed(&u->epochs[i]);
	out->outstanding_bytes = u->bytes;
	out->credit = u->credit;
	out->quarantined = uplink_notes_total(&u->notes, JOURNAL_NOTE_QUARANTINED);
	out->forked = uplink_notes_total(&u->notes, JOURNAL_NOTE_FORKED);
	out->foreign = uplink_notes_total(&u->notes, JOURNAL_NOTE_FOREIGN);
	out->unreadable = uplink_notes_total(&u->notes, JOURNAL_NOTE_UNREADABLE);
	out->lost = uplink_notes_total(&u->notes, JOURNAL_NOTE_LOST);
	out->backlog = uplink_next_behind(u);
	if (u->up && out->backlog && u->backlog_from_us > uplink_now(u))
		out->backlog_wait_us = u->backlog_from_us - uplink_now(u);
	out->batches = (uint64_t)u->batch_count;
	out->alarm = u->alarmed;
	if (waits_for_hq(u))
		out->silent_us = uplink_now(u) - u->progress_us;
	int64_t oldest = INT64_MAX;
	for (int i = 0; i < u->batch_count; i++)
		oldest =
		    u->batches[i].first_sent_us < oldest ? u->batches[i].first_sent_us : oldest;
	if (u->batch_count)
		out->oldest_us = uplink_now(u) - oldest;
}
