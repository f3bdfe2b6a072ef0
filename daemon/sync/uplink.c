#include "sync/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define CREDIT_START_BYTES 262144   /* until HQ's first word */
#define BATCH_RAW_BYTES (64 * 1024) /* lines of a batch: a lost one costs little to send again */
#define CONFIRM_US 10000000ll       /* 10 s: the first wait for a confirmation, doubling */
#define CONFIRM_US_MAX 900000000ll  /* 15 min */
#define JITTER_PERCENT 4            /* of a wait, so that stores do not march in step */
#define ALARM_US 3600000000ll       /* 1 h on the way without a confirmation */
#define READ_RETRY_US 1000000ll     /* after the journal could not be read */
#define URGENT_MAX 64               /* urgent seqs looked at in one step */

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
	if (uplink_epochs_load(u, false, err, err_size)) {
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
	vault_work_free(u->work);
	free(u->epochs);
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
	return wait + wait * JITTER_PERCENT * (r - 128) / 12800;
}

static void batch_sent(struct uplink *u, struct uplink_batch *b, uint32_t count)
{
	int64_t now = uplink_now(u);
	u->bytes += u->payload.len - b->bytes;
	b->bytes = u->payload.len;
	b->count = count;
	if (!b->first_sent_us)
		b->first_sent_us = now;
	b->times++;
	b->sent_us = now;
	b->due_us = now + confirm_wait(b->times);
	vault_sha256(u->work, u->payload.data, u->payload.len, b->payload);
}

/* ---- making one ---- */

static bool has_key(const struct buf *keys, const uint8_t id[EVENT_ID_BYTES])
{
	for (size_t at = 0; at < keys->len; at += EVENT_ID_BYTES + VAULT_KEY_BYTES)
		if (memcmp(keys->data + at, id, EVENT_ID_BYTES) == 0)
			return true;
	return false;
}

/* The visit keys that these lines name. A pack names those of all its lines, a batch carries only
 * its own:
 * `,"k":"` stands in a canonical line only where a member k does, never inside a text. A key that
 * was destroyed is left out: that is what erasure means. */
static void collect_keys(struct uplink *u, const struct buf *lines)
{
	static const char member[] = ",\"k\":\"";
	const size_t member_len = sizeof(member) - 1;
	const uint8_t *p = lines->data, *end = p + lines->len;
	buf_reset(&u->keys);
	while ((p = memmem(p, (size_t)(end - p), member, member_len)) != NULL) {
		p += member_len;
		struct visit_key key;
		if (end - p < EVENT_ID_SIZE || p[EVENT_ID_SIZE - 1] != '"' ||
		    text_unb64((const char *)p, EVENT_ID_SIZE - 1, key.id, sizeof(key.id)) !=
		        EVENT_ID_BYTES)
			continue;
		if (has_key(&u->keys, key.id) ||
		    journal_reader_key(u->params.reader, key.id, &key) != 0)
			continue;
		buf_add(&u->keys, key.id, sizeof(key.id));
		buf_add(&u->keys, key.key, sizeof(key.key));
		vault_wipe(&key, sizeof(key));
	}
}

static int encode(struct uplink *u, const struct uplink_epoch *e, const struct journal_run *run)
{
	struct batch b = {.first = run->first,
	                  .count = run->count,
	                  .lines = run->lines.data,
	                  .lines_len = run->lines.len};
	memcpy(b.epoch, e->epoch, sizeof(b.epoch));
	memcpy(b.h_prev, run->h_prev, sizeof(b.h_prev));
	memcpy(b.h_last, run->h_last, sizeof(b.h_last));
	collect_keys(u, &run->lines);
	b.keys = u->keys.data;
	b.key_count = (uint32_t)(u->keys.len / (EVENT_ID_BYTES + VAULT_KEY_BYTES));
	buf_reset(&u->payload);
	int rc = u->keys.failed ? -1
	                        : batch_encode(u->params.codec, &b, u->store,
	                                       vault_hq_box_pub(u->params.vault), &u->payload);
	if (rc)
		log_error("uplink: a batch of %u events cannot be encoded", run->count);
	return rc;
}

/* Seqs of this gap, as many as one batch carries. false: nothing can be read now. */
static bool read_gap(struct uplink *u, struct uplink_epoch *e, const struct journal_range *gap,
                     struct journal_run *run)
{
	uint64_t n = gap->last - gap->first + 1;
	uint32_t max = n < BATCH_EVENTS_MAX ? (uint32_t)n : BATCH_EVENTS_MAX;
	memset(run, 0, sizeof(*run));
	int rc =
	    journal_reader_run(u->params.reader, e->epoch, gap->first, max, BATCH_RAW_BYTES, run);
	if (rc == 1 && run->first == gap->first)
		return true;
	if (rc == 1) {
		/* A pack went between reading the epochs and now: nothing below is held any more.
		 */
		e->deleted = e->through = run->first - 1;
		journal_run_free(run);
	}
	u->retry_us = uplink_now(u) + READ_RETRY_US;
	return false;
}

/* ---- what goes next ---- */

/* An urgent seq that the run does not carry and that waits; it goes alone. */
static bool next_urgent(struct uplink *u, const struct uplink_epoch *e,
                        const struct journal_run *run, struct uplink_epoch **out,
                        struct journal_range *gap)
{
	struct journal_urgent list[URGENT_MAX];
	int n = journal_reader_urgent(u->params.reader, list, URGENT_MAX);
	for (int i = 0; i < n; i++) {
		*out = uplink_epoch_by_id(u, list[i].epoch);
		if (!*out || list[i].seq > (*out)->last_seq)
			continue;
		if (*out == e && list[i].seq >= run->first && list[i].seq < run->first + run->count)
			continue;
		if (!uplink_epoch_gap(u, *out, list[i].seq, gap) || gap->first != list[i].seq)
			continue;
		gap->last = gap->first;
		return true;
	}
	return false;
}

static bool waits_after(const struct uplink *u, const struct uplink_epoch *e, uint64_t seq)
{
	struct journal_range gap;
	for (; e < u->epochs + u->epoch_count; e++, seq = 0)
		if (uplink_epoch_gap(u, e, seq, &gap))
			return true;
	return false;
}

/* The run that goes next and its epoch. false: none waits, or none can be read now. */
static bool next_run(struct uplink *u, struct uplink_epoch **e, struct journal_run *run)
{
	struct journal_range gap = {0};
	for (*e = u->epochs; *e < u->epochs + u->epoch_count; (*e)++)
		if (uplink_epoch_gap(u, *e, 0, &gap))
			break;
	if (*e == u->epochs + u->epoch_count || !read_gap(u, *e, &gap, run))
		return false;
	struct uplink_epoch *other;
	if (!waits_after(u, *e, run->first + run->count) || !next_urgent(u, *e, run, &other, &gap))
		return true;
	journal_run_free(run);
	*e = other;
	return read_gap(u, other, &gap, run);
}

static bool publish(struct uplink *u)
{
	return u->params.publish(u->params.ctx, u->payload.data, u->payload.len);
}

/* true: one was sent. */
static bool send_next(struct uplink *u)
{
	struct uplink_epoch *e;
	struct journal_run run;
	if (u->batch_count == UPLINK_BATCHES_MAX || u->full ||
	    (u->batch_count && u->bytes >= u->credit))
		return false;
	if (u->retry_us > uplink_now(u) || !next_run(u, &e, &run))
		return false;
	bool sent = false;
	if (encode(u, e, &run) != 0)
		u->retry_us = uplink_now(u) + READ_RETRY_US;
	else if (u->batch_count && u->bytes + u->payload.len > u->credit)
		u->full = true;
	else
		sent = publish(u);
	if (sent) {
		batch_sent(u, batch_insert(u, e->ordinal, run.first), run.count);
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
	if (!e || !read_gap(u, e, &gap, &run))
		return;
	if (encode(u, e, &run) == 0 && publish(u)) {
		batch_sent(u, b, run.count);
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
	start_anew(u, 0);
}

void uplink_alive(struct uplink *u)
{
	start_anew(u, CONFIRM_US);
}

void uplink_down(struct uplink *u)
{
	u->up = false;
}

void uplink_rewind(struct uplink *u)
{
	char err[200];
	log_warn(
	    "uplink: HQ's database is another one than before: all that is still held goes again");
	if (uplink_epochs_load(u, true, err, sizeof(err)))
		log_error("%s", err);
	uplink_epochs_flush(u);
}

static void check_alarm(struct uplink *u, int64_t now)
{
	if (!u->batch_count) {
		u->progress_us = now;
		u->alarmed = false;
	}
	if (u->alarmed || now - u->progress_us < ALARM_US)
		return;
	u->alarmed = true;
	log_warn("uplink: no confirmation from HQ for an hour; nothing is lost, events stay in the "
	         "journal");
}

int64_t uplink_step(struct uplink *u)
{
	uplink_epochs_refresh(u);
	uplink_epochs_flush(u);
	int64_t now = uplink_now(u), next = INT64_MAX;
	check_alarm(u, now);
	if (!u->up)
		return next;
	for (int i = 0; i < u->batch_count; i++)
		if (u->batches[i].due_us <= now)
			send_again(u, &u->batches[i]);
	while (send_next(u))
		;
	for (int i = 0; i < u->batch_count; i++)
		next = u->batches[i].due_us < next ? u->batches[i].due_us : next;
	if (u->retry_us > now && u->retry_us < next)
		next = u->retry_us;
	return next;
}

void uplink_state(const struct uplink *u, struct uplink_state *out)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < u->epoch_count; i++)
		out->unconfirmed += uplink_epoch_unconfirmed(&u->epochs[i]);
	out->outstanding_bytes = u->bytes;
	out->credit = u->credit;
	out->quarantined = u->quarantined;
	out->forked = u->forked;
	int64_t oldest = INT64_MAX;
	for (int i = 0; i < u->batch_count; i++)
		oldest =
		    u->batches[i].first_sent_us < oldest ? u->batches[i].first_sent_us : oldest;
	if (u->batch_count)
		out->oldest_us = uplink_now(u) - oldest;
}
