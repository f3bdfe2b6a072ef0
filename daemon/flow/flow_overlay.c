#include "flow/flow_overlay.h"

#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "flow/flow_hint.h"
#include "store/sealed.h"

#define HITS_MAX 16    /* persons on one identifier whom HQ is asked for: beyond, it is anybody's */
#define STEP_GROUPS 8  /* made anew at once: under a millisecond of the loop */
#define STEP_WAIT_US 1 /* until the next ones: the loop serves others first */
#define RETRY_US 1000000
#define DAY_US (86400 * INT64_C(1000000))
#define SAID_SIZE 41          /* of a name within a sentence, and NUL */
#define LATE_US (30 * DAY_US) /* what HQ has not confirmed for so long raises an alarm */

/* ---- HQ's word ---- */

static int hq_line(struct shard_reader *shard, const char *customer_id, overlay_line_fn *fn,
                   void *fn_ctx)
{
	struct profile p;
	struct buf json = {0};
	int rc = shard_get(shard, customer_id, &p, &json);

	if (rc == 1 && json.failed)
		rc = -1;
	if (rc == 1)
		fn(fn_ctx, &p, (const char *)json.data, json.len);
	buf_free(&json);
	return rc;
}

static int hq_lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn,
                    void *fn_ctx)
{
	struct shard_hit hits[HITS_MAX];
	struct shard_reader *shard = ctx;

	if (!shard)
		return 0;
	if (strcmp(kind, "customer_id") == 0)
		return hq_line(shard, value, fn, fn_ctx);
	int n = shard_find(shard, kind, value, hits, HITS_MAX);
	for (int i = 0; i < n && i < HITS_MAX; i++) {
		if (hq_line(shard, hits[i].profile.customer_id, fn, fn_ctx) < 0)
			return -1;
	}
	return n;
}

struct overlay_hq flow_overlay_hq(struct shard_reader *shard)
{
	return (struct overlay_hq){hq_lines, shard};
}

/* Of an enrolment that HQ has given an id since, the name that it had here still leads to it. */
int flow_overlay_profile(const struct overlay *o, struct shard_reader *shard,
                         const char *customer_id, struct profile *out)
{
	struct shard_hit hit;
	int rc = o ? overlay_profile(o, customer_id, out) : OVERLAY_UNTOUCHED;

	if (rc == OVERLAY_UNTOUCHED)
		rc = shard ? shard_get(shard, customer_id, out, NULL) : 0;
	if (rc == 0 && shard && strlen(customer_id) == EVENT_ID_SIZE - 1 &&
	    shard_find(shard, "unit", customer_id, &hit, 1) == 1) {
		*out = hit.profile;
		rc = 1;
	}
	return rc;
}

/* ---- the start ---- */

int flow_overlay_open(const struct flow_overlay_from *from, const uint8_t *epoch, uint64_t seq,
                      const char *line, size_t len, struct buf *out)
{
	json_t *root = json_loadb(line, len, 0, NULL);
	const json_t *sealed =
	    json_object_get(json_object_get(json_object_get(root, "context"), "laneway"), "sealed");
	const struct sealed_at at = {.store = from->store, .epoch = epoch, .seq = seq};
	const char *k = json_string_value(json_object_get(sealed, "k"));
	struct visit_key key;
	uint8_t id[EVENT_ID_BYTES];
	int rc = -1;

	if (k && text_unb64(k, strlen(k), id, sizeof id) == (ssize_t)sizeof id &&
	    journal_reader_key(from->reader, id, &key) == 0)
		rc = sealed_text(from->work, key.key, &at,
		                 json_string_value(json_object_get(sealed, "n")),
		                 json_string_value(json_object_get(sealed, "c")), out);
	vault_wipe(&key, sizeof key);
	json_decref(root);
	return rc;
}

struct recalling {
	struct overlay *o;
	const struct flow_overlay_from *from;
	struct buf plain;
	uint64_t closed; /* whose sealed part cannot be opened */
	bool no_memory;
};

static bool recall_line(void *ctx, int64_t ordinal, const uint8_t epoch[EVENT_EPOCH_BYTES],
                        uint64_t seq, const char *line, size_t len)
{
	struct recalling *r = ctx;
	const struct overlay_hq hq = flow_overlay_hq(r->from->shard);
	struct overlay_event ev = {
	    .ordinal = ordinal, .epoch = epoch, .seq = seq, .line = line, .line_len = len};

	if (memcmp(epoch, r->from->epoch, EVENT_EPOCH_BYTES) == 0)
		return false;
	buf_reset(&r->plain);
	if (flow_overlay_open(r->from, epoch, seq, line, len, &r->plain) == 0) {
		ev.sealed = (const char *)r->plain.data;
		ev.sealed_len = r->plain.len;
	}
	int rc = overlay_take(r->o, &hq, &ev);
	r->closed += rc == 0;
	r->no_memory = rc < 0;
	return !r->no_memory;
}

int flow_overlay_recall(struct overlay *o, const struct flow_overlay_from *from)
{
	struct recalling r = {.o = o, .from = from};
	uint64_t unread = 0;
	int rc = journal_reader_awaited(from->reader, recall_line, &r, &unread);

	if (unread)
		log_error("ALARM: %" PRIu64 " changes to customers cannot be read back; lanes do "
		          "not know them until HQ does",
		          unread);
	if (r.closed)
		log_info("%" PRIu64 " changes to customers are not told any more: their keys are "
		         "gone, or they say nothing of customers",
		         r.closed);
	buf_free(&r.plain);
	return r.no_memory ? -1 : rc < 0;
}

/* ---- the loop ---- */

void flow_overlay_back(struct flow *f, const struct overlay_event *event)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);

	if (f->overlay && overlay_take(f->overlay, &hq, event) < 0) {
		log_error("ALARM: out of memory: a change to a customer is kept, and not shown "
		          "before the next start");
		f->overlay_failed = true;
	}
}

static void take(struct flow *f, const struct entry *e, const struct lw_event *ev,
                 const struct overlay_event *event)
{
	struct overlay_event one = *event;

	one.epoch = e->epoch;
	one.sealed = ev->person;
	one.sealed_len = ev->person ? strlen(ev->person) : 0;
	flow_overlay_back(f, &one);
}

static bool known_now(void *ctx, const char *customer_id, struct profile *now)
{
	struct flow *f = ctx;

	return flow_overlay_profile(f->overlay, f->shard, customer_id, now) == 1;
}

void flow_overlay_kept(struct flow *f, const struct entry *e)
{
	const char *at = e->lines, *end = e->lines + e->lines_len;
	struct overlay_event event = {.seq = e->seq};
	struct journal_state j;
	bool any = false;

	for (const struct lw_event *ev = e->first; ev && !any; ev = ev->next)
		any = lw_event_awaited(ev->kind);
	if (!any || !f->overlay)
		return;
	journal_state(f->p.journal, &j);
	event.ordinal = j.ordinal;
	for (const struct lw_event *ev = e->first; ev && at < end; ev = ev->next, event.seq++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		event.line = at;
		event.line_len = (size_t)((nl ? nl : end) - at);
		if (lw_event_awaited(ev->kind))
			take(f, e, ev, &event);
		at = nl ? nl + 1 : end;
	}
	sale_refresh(f->sale, known_now, f);
	flow_hint_due(f);
}

bool flow_overlay_full(const struct flow *f)
{
	return !f->overlay || f->overlay_failed || overlay_full(f->overlay);
}

/* ---- HQ is heard ---- */

static void go_on(struct flow *f, int64_t wait_us)
{
	const struct timeval wait = {wait_us / 1000000, wait_us % 1000000};

	event_add(f->overlay_event, &wait);
}

/* ---- what HQ made of whom ---- */

/* What HQ made of an enrolment. Another customer than the one who was enrolled here: somebody whom
 * it knew before, or another name. */
static enum sale_word hq_made(struct flow *f, const char *enrolment, struct sale_heard *out)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);
	struct overlay_person p;
	int rc = overlay_person(f->overlay, &hq, "unit", enrolment, &p);
	enum sale_word word = SALE_WORD_NONE;
	char name[SAID_SIZE];

	if (rc == 1 && !p.provisional) {
		bool alone = p.unit_count == 1;
		out->profile = p.profile;
		word = alone ? SALE_WORD_SAME : SALE_WORD_OTHER;
		text_fit(name, sizeof name,
		         p.profile.confidential ? "Member" : p.profile.first_name);
		snprintf(out->text, sizeof out->text, "HQ knows this customer already: %s", name);
	} else if (rc == 0) {
		out->gone = true;
		word = SALE_WORD_OTHER;
		text_copy(out->text, sizeof out->text, "HQ has not taken this enrolment");
	}
	if (rc == 1)
		overlay_person_free(&p);
	return word;
}

static enum sale_word hq_word(void *ctx, const char *customer_id, struct sale_heard *out)
{
	struct flow *f = ctx;
	struct ref ref;

	if (strlen(customer_id) != EVENT_ID_SIZE - 1 ||
	    text_unb64(customer_id, strlen(customer_id), ref.byte, sizeof ref.byte) !=
	        (ssize_t)sizeof ref.byte ||
	    overlay_is_new(f->overlay, customer_id))
		return SALE_WORD_NONE;
	return hq_made(f, customer_id, out);
}

static void on_step(evutil_socket_t fd, short what, void *ctx)
{
	struct flow *f = ctx;
	const struct overlay_hq hq = flow_overlay_hq(f->shard);
	int rc = f->overlay ? overlay_refresh(f->overlay, &hq, STEP_GROUPS) : 0;

	(void)fd;
	(void)what;
	if (rc != 0) {
		go_on(f, rc > 0 ? STEP_WAIT_US : RETRY_US);
		return;
	}
	flow_hq_kept_take(f);
	if (!f->overlay)
		return;
	sale_heard(f->sale, hq_word, f);
	flow_hint_due(f);
	flow_publish(f);
}

/* What HQ holds as it stands here. */
static void tell_held(struct flow *f)
{
	struct overlay_run runs[DOWNLINK_EPOCHS_MAX + DOWNLINK_BEYOND_MAX];
	const struct downlink_includes *now = &f->overlay_held;
	size_t n = 0;

	for (int i = 0; i < now->count; i++)
		runs[n++] = (struct overlay_run){now->at[i].epoch, 1, now->at[i].seq};
	for (int i = 0; i < now->beyond_count; i++)
		runs[n++] = (struct overlay_run){now->beyond[i].epoch, now->beyond[i].first,
		                                 now->beyond[i].last};
	overlay_held(f->overlay, runs, n);
}

/* What HQ said that it includes. */
static void let_go(struct flow *f)
{
	const struct downlink_includes *now = &f->overlay_includes;

	if (!f->overlay)
		return;
	tell_held(f);
	for (int i = 0; i < now->count; i++)
		overlay_included(f->overlay, now->at[i].epoch, 1, now->at[i].seq);
	for (int i = 0; i < now->beyond_count; i++)
		overlay_included(f->overlay, now->beyond[i].epoch, now->beyond[i].first,
		                 now->beyond[i].last);
}

/* What HQ includes is not in the file any more soon, and was read from there. */
void flow_overlay_all_back(struct flow *f)
{
	if (!f->overlay)
		return;
	let_go(f);
	sale_refresh(f->sale, known_now, f);
	go_on(f, STEP_WAIT_US);
}

/* false: HQ has said nothing new. */
static bool take_word(struct flow *f, const struct sync_state *s)
{
	bool same = s->shard_version == f->overlay_version &&
	            strcmp(s->generation, f->overlay_generation) == 0;

	if (same && downlink_includes_same(&s->includes, &f->overlay_includes) &&
	    downlink_includes_same(&s->held, &f->overlay_held))
		return false;
	f->overlay_version = s->shard_version;
	text_copy(f->overlay_generation, sizeof f->overlay_generation, s->generation);
	f->overlay_includes = s->includes;
	f->overlay_held = s->held;
	let_go(f);
	return true;
}

void flow_overlay_heard(struct flow *f)
{
	struct sync_state s;

	if (!f->sync || f->stage == FLOW_STARTING)
		return;
	sync_state(f->sync, &s);
	if (!take_word(f, &s))
		return;
	if (f->overlay)
		overlay_stale(f->overlay);
	go_on(f, STEP_WAIT_US);
}

void flow_overlay_anew(struct flow *f)
{
	if (!f->overlay)
		return;
	overlay_stale(f->overlay);
	go_on(f, STEP_WAIT_US);
}

bool flow_overlay_late(struct flow *f, struct overlay_state *out)
{
	int64_t now_us = clock_mono_us(f->p.clock);
	struct clock_now now;

	*out = (struct overlay_state){0};
	if (!f->overlay)
		return false;
	overlay_state(f->overlay, out);
	clock_read(f->p.clock, &now);
	if (!now.trust || !out->oldest_wall_us || now.wall_us - out->oldest_wall_us < LATE_US)
		return false;
	if (!f->overlay_alarm_us || now_us - f->overlay_alarm_us > DAY_US) {
		log_error("ALARM: HQ has not confirmed a change to a customer for %d days; %zu "
		          "wait",
		          (int)((now.wall_us - out->oldest_wall_us) / DAY_US), out->events);
		f->overlay_alarm_us = now_us;
	}
	return true;
}

int flow_overlay_start(struct flow *f)
{
	f->overlay_event = event_new(f->p.base, -1, 0, on_step, f);
	return f->overlay_event ? 0 : -1;
}

void flow_overlay_free(struct flow *f)
{
	if (f->overlay_event)
		event_free(f->overlay_event);
	overlay_free(f->overlay);
}
