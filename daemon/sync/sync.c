#include "sync/sync.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/sync_internal.h"
#include "sync/uplink_notes.h"

#define STEP_MS 1000         /* looks up this often while nothing happens */
#define STOP_S 1             /* for the thread; as long as the connection may take after it: 3 s */
#define ANSWER_US 10000000ll /* HQ silent and something waiting for longer than this: away */

/* ---- what the others may know ---- */

static bool reachable(const struct sync *s, const struct sync_state *n, int64_t asked_us,
                      int64_t now)
{
	if (!n->connected || !s->heard_us)
		return false;
	int64_t waits_us = asked_us ? now - asked_us : 0;
	if (n->oldest_unconfirmed_us > waits_us)
		waits_us = n->oldest_unconfirmed_us;
	return now - s->heard_us <= SYNC_SILENCE_US || waits_us <= ANSWER_US;
}

static void gather(struct sync *s, struct sync_state *n)
{
	struct uplink_state up;
	struct downlink_state down;
	int64_t now = clock_mono_us(s->params.clock);
	uplink_state(s->uplink, &up);
	downlink_state(s->downlink, &down);
	*n = (struct sync_state){.connected = mqtt_connected(s->mqtt),
	                         .hq_heard_mono_us = s->heard_us,
	                         .synced_wall_us = down.synced_wall_us,
	                         .synced_mono_us = down.synced_mono_us,
	                         .shard_version = down.version,
	                         .unsent = up.unconfirmed,
	                         .backlog = up.backlog,
	                         .backlog_wait_us = up.backlog_wait_us,
	                         .batches = up.batches,
	                         .silent_us = up.silent_us,
	                         .alarm = up.alarm,
	                         .outstanding_bytes = up.outstanding_bytes,
	                         .credit = up.credit,
	                         .quarantined = up.quarantined,
	                         .forked = up.forked,
	                         .foreign = up.foreign,
	                         .unreadable = up.unreadable,
	                         .lost = up.lost,
	                         .oldest_unconfirmed_us = up.oldest_us,
	                         .progress_us = now};
	sync_ours(s, &down.includes, &n->includes);
	sync_held(s, &down.includes, &n->held);
	memcpy(n->generation, s->generation.now, sizeof(n->generation));
	n->hq_heard = reachable(s, n, down.asked_us, now);
}

/* A copy for the screens, made when something changed: the newest runs, in no order. */
static void tell_notes(struct sync *s)
{
	const struct uplink_notes *from = uplink_notes(s->uplink);
	if (from->changes == s->notes_changes)
		return;
	s->notes_changes = from->changes;
	pthread_mutex_lock(&s->lock);
	s->note_count = uplink_notes_newest(from, s->notes, SYNC_NOTES_MAX);
	pthread_mutex_unlock(&s->lock);
}

static void tell_state(struct sync *s)
{
	struct sync_state n;
	gather(s, &n);
	tell_notes(s);
	pthread_mutex_lock(&s->lock);
	struct sync_state o = s->state;
	s->state = n;
	pthread_mutex_unlock(&s->lock);
	bool changed = n.connected != o.connected || n.hq_heard != o.hq_heard ||
	               n.synced_wall_us != o.synced_wall_us ||
	               n.synced_mono_us != o.synced_mono_us || n.shard_version != o.shard_version ||
	               strcmp(n.generation, o.generation) != 0;
	if (changed && s->params.changed)
		s->params.changed(s->params.ctx);
}

/* ---- the thread ---- */

static void on_item(struct sync *s, const struct mqtt_item *item)
{
	switch (item->type) {
	case MQTT_MESSAGE:
		sync_hear(s, item);
		break;
	case MQTT_UP:
		log_info("sync: connected to the broker");
		trust_up(s->trust);
		break;
	case MQTT_DOWN:
		log_warn("sync: lost the broker: %s", (const char *)item->payload);
		trust_down(s->trust);
		countersign_down(s->countersign);
		inquiry_down(s->inquiry);
		ruling_down(s->ruling);
		ruling_down(s->weighing);
		uplink_down(s->uplink);
		downlink_down(s->downlink);
		break;
	case MQTT_ACKED: /* in the pipe, no more: only a confirmation counts */
		break;
	}
}

static int wait_ms(const struct sync *s, const int64_t *until_us, size_t n)
{
	int64_t us = STEP_MS * 1000ll, now = clock_mono_us(s->params.clock);
	for (size_t i = 0; i < n; i++)
		us = until_us[i] - now < us ? until_us[i] - now : us;
	return us < 0 ? 0 : us == STEP_MS * 1000ll ? STEP_MS : (int)(us / 1000) + 1;
}

static void *thread_main(void *arg)
{
	struct sync *s = arg;
	while (!atomic_load(&s->stopping)) {
		for (struct mqtt_item *item; (item = mqtt_next(s->mqtt));) {
			on_item(s, item);
			mqtt_item_free(item);
		}
		bool answers, news, weights;
		const int64_t next[] = {trust_step(s->trust),
		                        uplink_step(s->uplink),
		                        downlink_step(s->downlink),
		                        countersign_step(s->countersign),
		                        inquiry_step(s->inquiry, &answers),
		                        ruling_step(s->ruling, &news),
		                        ruling_step(s->weighing, &weights)};
		tell_state(s);
		if ((answers || news || weights) && s->params.changed)
			s->params.changed(s->params.ctx);
		mqtt_wait(s->mqtt, wait_ms(s, next, sizeof(next) / sizeof(next[0])));
	}
	return NULL;
}

/* ---- starting and stopping ---- */

static int start_threads(struct sync *s, char *err, size_t err_size)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&s->thread, NULL, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		snprintf(err, err_size, "sync: no thread: %s", strerror(rc));
		return -1;
	}
	if (mqtt_start(s->mqtt) == 0)
		return 0;
	snprintf(err, err_size, "sync: no thread for the connection");
	atomic_store(&s->stopping, true);
	mqtt_wake(s->mqtt);
	pthread_join(s->thread, NULL);
	return -1;
}

int sync_start(struct sync **out, const struct sync_params *params, char *err, size_t err_size)
{
	struct sync *s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, err_size, "sync: out of memory");
		return -1;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->params = *params;
	text_copy(s->store, sizeof(s->store), params->store);
	text_copy(s->device, sizeof(s->device), params->device);
	if (sync_make(s, err, err_size))
		goto err_free;
	struct downlink_state down;
	downlink_state(s->downlink, &down);
	generation_load(&s->generation, s->reader);
	/* A journal of an older release does not say; then the shard's is the last one heard. */
	if (!s->generation.now[0] && down.generation[0])
		sync_hear_generation(s, down.generation);
	downlink_seen(s->downlink, s->generation.seen);
	gather(s, &s->state);
	if (start_threads(s, err, err_size))
		goto err_free;
	*out = s;
	return 0;
err_free:
	sync_make_free(s);
	return -1;
}

void sync_wake(struct sync *s)
{
	mqtt_wake(s->mqtt);
}

uint64_t sync_inquire(struct sync *s, const char *kind, const char *nf)
{
	uint64_t ticket = inquiry_put(s->inquiry, kind, nf);
	if (ticket)
		mqtt_wake(s->mqtt);
	return ticket;
}

bool sync_inquired(struct sync *s, struct inquiry_answer *out)
{
	return inquiry_next(s->inquiry, out);
}

bool sync_rules(struct sync *s, struct buf *out)
{
	return ruling_next(s->ruling, out);
}

void sync_rules_stand(struct sync *s, const char *version, const char *refused, const char *why)
{
	ruling_stand(s->ruling, version, refused, why);
	mqtt_wake(s->mqtt);
}

bool sync_weights(struct sync *s, struct buf *out)
{
	return ruling_next(s->weighing, out);
}

void sync_weights_stand(struct sync *s, const char *made)
{
	ruling_stand(s->weighing, made, "", "");
	mqtt_wake(s->mqtt);
}

bool sync_stop(struct sync *s)
{
	atomic_store(&s->stopping, true);
	mqtt_wake(s->mqtt);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	if (pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &until) != 0 ||
	    !mqtt_stop(s->mqtt))
		return false;
	sync_make_free(s);
	return true;
}

void sync_state(struct sync *s, struct sync_state *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->state;
	pthread_mutex_unlock(&s->lock);
}

int sync_notes(struct sync *s, struct journal_note *out, int max)
{
	pthread_mutex_lock(&s->lock);
	int n = s->note_count < max ? s->note_count : max;
	memcpy(out, s->notes, (size_t)n * sizeof(*out));
	pthread_mutex_unlock(&s->lock);
	return n;
}
