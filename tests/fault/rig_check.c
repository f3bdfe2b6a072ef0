/* What a start must find: all that anybody was told, once, with its bytes, and a whole chain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "flow/flow_internal.h"
#include "rig.h"
#include "store/journal.h"
#include "store/vault.h"

#define AGE_US (FLOW_RESEND_WINDOW_US) /* longer than the retention of one day */
#define EPOCHS_MAX RIG_EPOCHS_MAX

/* What was found in the file. */
struct found {
	struct rig *rig;
	struct rig_event *events;
	uint32_t count;
	/* by message: where its last event stood */
	struct {
		uint64_t epoch, seq;
		uint32_t count;
	} said[RIG_MESSAGES_MAX];
	uint64_t last_counter[RIG_TILLS];
	struct journal_epoch epochs[EPOCHS_MAX];
	int epoch_count;
};

struct rig_epoch *rig_epoch(struct rig *r, uint64_t epoch)
{
	for (uint32_t i = r->epoch_count; i > 0; i--) {
		if (r->epochs[i - 1].epoch == epoch)
			return &r->epochs[i - 1];
	}
	if (r->epoch_count == RIG_EPOCHS_MAX)
		base_wrong("the rig has room for %d epochs", RIG_EPOCHS_MAX);
	struct rig_epoch *e = &r->epochs[r->epoch_count++];
	e->epoch = epoch;
	e->last = 0;
	return e;
}

static bool is_confirmed(struct rig *r, uint64_t epoch, uint64_t seq)
{
	const struct rig_epoch *e = rig_epoch(r, epoch);
	return seq < RIG_SEQS_MAX && (e->confirmed[seq / 8] >> (seq % 8) & 1);
}

static const char *after(const char *line, size_t len, const char *key)
{
	const char *at = memmem(line, len, key, strlen(key));
	return at ? at + strlen(key) : NULL;
}

void rig_line(const char *line, size_t len, struct rig_event *out)
{
	const char *id = after(line, len, "\"messageId\":\"s1:");
	struct vault_work *work = vault_work_new();
	uint8_t hash[VAULT_HASH_BYTES];

	const char *at = after(line, len, "\"originalTimestamp\":\"");
	char time[CLOCK_ISO8601_SIZE] = "";

	if (!id || sscanf(id, "%16" SCNx64 ":%" SCNu64, &out->epoch, &out->seq) != 2)
		base_wrong("a line without its messageId");
	if (at && (size_t)(line + len - at) >= sizeof time)
		snprintf(time, sizeof time, "%.*s", CLOCK_ISO8601_SIZE - 1, at);
	if (clock_parse_iso8601(time, &out->wall_us) != 0)
		base_wrong("a line without its time");
	out->in_wreck = false;
	vault_sha256(work, line, len, hash);
	vault_work_free(work);
	memcpy(out->hash, hash, sizeof out->hash);
}

void rig_know(struct rig *r, const struct rig_event *e)
{
	struct rig_epoch *epoch = rig_epoch(r, e->epoch);
	uint64_t name;

	if (r->event_count == RIG_EVENTS_MAX || e->seq >= RIG_SEQS_MAX)
		base_wrong("the rig has room for %d events, %d in an epoch", RIG_EVENTS_MAX,
		           RIG_SEQS_MAX);
	memcpy(&name, e->hash, sizeof name);
	if (epoch->name[e->seq] && epoch->name[e->seq] != name)
		base_wrong("doubled: the name %016" PRIx64 ":%" PRIu64 " was given to two events",
		           e->epoch, e->seq);
	epoch->name[e->seq] = name;
	r->events[r->event_count++] = *e;
	if (e->seq > epoch->last)
		epoch->last = e->seq;
}

/* The message an event came from: each once, its events side by side, in sending order. */
static void note_message(struct found *f, const struct rig_event *e, const char *line, size_t len)
{
	const char *id = after(line, len, "\"source_message_id\":\"t");
	unsigned till;
	uint64_t counter;
	uint32_t i = 0;

	if (!id)
		return;
	if (sscanf(id, "%u:%" SCNu64, &till, &counter) != 2 || till >= RIG_TILLS)
		base_wrong("%016" PRIx64 ":%" PRIu64 " names a message that nobody sent", e->epoch,
		           e->seq);
	while (i < f->rig->message_count &&
	       (f->rig->messages[i].till != till || f->rig->messages[i].counter != counter))
		i++;
	if (i == f->rig->message_count)
		base_wrong("till %u never sent its message %" PRIu64, till, counter);
	if (f->said[i].count && (f->said[i].epoch != e->epoch || e->seq != f->said[i].seq + 1))
		base_wrong("message %" PRIu64 " of till %u is there twice: %016" PRIx64 ":%" PRIu64
		           " and :%" PRIu64,
		           counter, till, e->epoch, f->said[i].seq, e->seq);
	/* Of two files that were set aside the older one may bring back what was confirmed and gone
	 * in the newer one: then behind it. */
	if (counter < f->last_counter[till] && f->rig->spoils < 2)
		base_wrong("message %" PRIu64 " of till %u stands behind its %" PRIu64, counter,
		           till, f->last_counter[till]);
	f->last_counter[till] = counter;
	f->said[i].epoch = e->epoch;
	f->said[i].seq = e->seq;
	f->said[i].count++;
}

static bool note_line(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                      const char *line, size_t len)
{
	struct found *f = ctx;
	struct rig_event *e = &f->events[f->count];

	if (f->count == RIG_EVENTS_MAX)
		base_wrong("more lines than the rig has room for");
	rig_line(line, len, e);
	if (e->seq != seq || buf_get64(epoch) != e->epoch)
		base_wrong("a line that names another place than its own");
	f->count++;
	note_message(f, e, line, len);
	return true;
}

static const struct journal_epoch *held_epoch(const struct found *f, uint64_t epoch)
{
	for (int i = 0; i < f->epoch_count; i++) {
		if (buf_get64(f->epochs[i].epoch) == epoch)
			return &f->epochs[i];
	}
	return NULL;
}

/* Gone is right only for what HQ has and what is old. */
static void check_gone(struct found *f, const struct rig_event *e)
{
	const struct journal_epoch *held = held_epoch(f, e->epoch);

	if (e->in_wreck && rig_salvages())
		return; /* it comes */
	if (held && e->seq > held->deleted_through && !e->in_wreck)
		base_wrong("lost: %016" PRIx64 ":%" PRIu64 " was kept", e->epoch, e->seq);
	if (!is_confirmed(f->rig, e->epoch, e->seq))
		base_wrong("lost: %016" PRIx64 ":%" PRIu64 " was let go, but HQ does not have it",
		           e->epoch, e->seq);
	if (f->rig->b.wall_us - e->wall_us < AGE_US)
		base_wrong("lost: %016" PRIx64 ":%" PRIu64 " was let go %" PRId64
		           " s after it came",
		           e->epoch, e->seq, (f->rig->b.wall_us - e->wall_us) / 1000000);
}

static int by_place(const void *a, const void *b)
{
	const struct rig_event *x = a, *y = b;
	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static void compare(struct found *f)
{
	struct rig *r = f->rig;
	uint32_t at = 0, known = r->event_count;

	qsort(f->events, f->count, sizeof *f->events, by_place);
	qsort(r->events, known, sizeof *r->events, by_place);
	for (uint32_t i = 0; i < known; i++) {
		const struct rig_event *e = &r->events[i];
		for (; at < f->count && by_place(&f->events[at], e) < 0; at++)
			rig_know(r, &f->events[at]);
		if (at == f->count || by_place(&f->events[at], e) > 0)
			check_gone(f, e);
		else if (memcmp(f->events[at].hash, e->hash, sizeof e->hash) != 0)
			base_wrong("%016" PRIx64 ":%" PRIu64 " has other bytes than it had",
			           e->epoch, e->seq);
		else
			at++;
	}
	for (; at < f->count; at++)
		rig_know(r, &f->events[at]);
}

/* What the store takes for confirmed, HQ has said. */
static void check_marks(struct found *f)
{
	for (int i = 0; i < f->epoch_count; i++) {
		const struct journal_epoch *e = &f->epochs[i];
		uint64_t epoch = buf_get64(e->epoch);
		for (uint64_t seq = 1; seq <= e->confirmed_through; seq++) {
			if (!is_confirmed(f->rig, epoch, seq))
				base_wrong("%016" PRIx64 " is marked as confirmed through %" PRIu64
				           ", but HQ never said so of %" PRIu64,
				           epoch, e->confirmed_through, seq);
		}
		for (uint32_t k = 0; k < e->confirmed_count; k++) {
			for (uint64_t s = e->confirmed[k].first; s <= e->confirmed[k].last; s++) {
				if (!is_confirmed(f->rig, epoch, s))
					base_wrong("%016" PRIx64 ":%" PRIu64
					           " is marked as confirmed, but HQ never said so",
					           epoch, s);
			}
		}
	}
}

/* An answer that was given names what is there. */
static void check_answers(struct found *f)
{
	struct rig *r = f->rig;

	for (uint32_t i = 0; i < r->message_count; i++) {
		const struct rig_message *m = &r->messages[i];
		if (!m->acked || f->said[i].count == 0) /* if it is lost, compare has said so */
			continue;
		if (f->said[i].epoch != m->epoch || f->said[i].count != m->count ||
		    f->said[i].seq != m->seq + m->count - 1)
			base_wrong("message %" PRIu64 " of till %u was answered as %016" PRIx64
			           ":%" PRIu64 "+%u and stands elsewhere",
			           m->counter, m->till, m->epoch, m->seq, m->count);
	}
}

void rig_check(struct rig *r)
{
	struct found *f = calloc(1, sizeof *f);
	struct flow *flow = rig_flow();
	struct journal_verify count;
	struct journal_reader *reader;
	char path[256], err[512] = "";

	if (!f || !(f->events = calloc(RIG_EVENTS_MAX, sizeof *f->events)))
		abort();
	f->rig = r;
	snprintf(path, sizeof path, "%s/journal.db", flow->conf->data_dir);
	if (journal_reader_open(&reader, path, "s1", flow->p.vault, err, sizeof err) ||
	    journal_reader_verify(reader, &count, NULL, NULL, err, sizeof err))
		base_wrong("the journal is not whole: %s", err);
	if (journal_reader_lines(reader, 0, note_line, f))
		base_wrong("the lines cannot be read");
	f->epoch_count = journal_reader_epochs(reader, f->epochs, EPOCHS_MAX);
	if (f->epoch_count < 0)
		base_wrong("the epochs cannot be read");
	journal_reader_free(reader);
	compare(f);
	check_marks(f);
	check_answers(f);
	free(f->events);
	free(f);
}
