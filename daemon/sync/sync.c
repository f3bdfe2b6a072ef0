#include "sync/sync.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "store/shard.h"
#include "sync/countersign.h"
#include "sync/downlink.h"
#include "sync/generation.h"
#include "sync/mqtt.h"
#include "sync/tell.h"
#include "sync/trust.h"
#include "sync/uplink.h"
#include "sync/uplink_notes.h"

#define QUEUE_MAX 1024        /* incoming items; what overflows is asked for or confirmed again */
#define STEP_MS 1000          /* looks up this often while nothing happens */
#define STOP_S 1              /* for the thread; as long as the connection may take after it: 3 s */
#define SILENCE_US 30000000ll /* HQ silent for this long is away, if something waits ... */
#define ANSWER_US 10000000ll  /* ... for longer than this */
#define TOPIC_SIZE 64

struct sync {
	struct sync_params params;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	char up_topic[TOPIC_SIZE], ask_topic[TOPIC_SIZE];
	char confirm_topic[TOPIC_SIZE], tell_topic[TOPIC_SIZE], poke_topic[TOPIC_SIZE];
	struct ssl_ctx_st *tls;
	struct mqtt *mqtt;
	struct journal_reader *reader;
	struct shard *shard;
	struct batch_codec *codec;
	struct uplink *uplink;
	struct downlink *downlink;
	struct trust *trust;
	struct countersign *countersign;
	struct confirm *confirm; /* too large for a stack */
	struct generation generation;
	int64_t heard_us;
	pthread_t thread;
	atomic_bool stopping;
	pthread_mutex_t lock; /* state */
	struct sync_state state;
	struct journal_note notes[SYNC_NOTES_MAX];
	int note_count;
	unsigned notes_changes; /* what of the uplink's is copied: the sync thread's own */
};

static bool publish_up(void *ctx, const void *payload, size_t len)
{
	struct sync *s = ctx;
	return mqtt_publish(s->mqtt, s->up_topic, payload, len) > 0;
}

static bool publish_ask(void *ctx, const void *payload, size_t len)
{
	struct sync *s = ctx;
	return mqtt_publish(s->mqtt, s->ask_topic, payload, len) > 0;
}

/* ---- what arrives ---- */

static void bad(struct sync *s, const char *topic, const char *err)
{
	counter_add(s->params.counters, COUNTER_DOWNLINK_BAD, 1);
	log_warn("sync: dropped a message on %s: %s", topic, err);
}

/* HQ lives: after a silence what is on its way need not wait for its long timers. */
static void heard(struct sync *s)
{
	int64_t now = clock_mono_us(s->params.clock);
	bool silent = now - s->heard_us > SILENCE_US;
	s->heard_us = now;
	if (silent)
		uplink_alive(s->uplink);
}

static enum generation_word note_generation(struct sync *s, const char *heard)
{
	enum generation_word word = generation_note(&s->generation, heard);
	if (word == GENERATION_OVER)
		log_warn("sync: dropped a word of HQ's generation %s, which is over", heard);
	else if (word != GENERATION_SAME)
		uplink_generation(s->uplink, heard, word == GENERATION_OTHER);
	if (word == GENERATION_OTHER)
		countersign_again(s->countersign);
	return word;
}

static void on_confirm(struct sync *s, const struct mqtt_item *item)
{
	struct frame frame;
	char err[200];
	if (frame_decode("LNWC", s->store, item->payload, item->len,
	                 vault_hq_sign_pub(s->params.vault), &frame, err, sizeof(err)) ||
	    confirm_parse(frame.header, frame.header_len, s->confirm, err, sizeof(err))) {
		bad(s, item->topic, err);
		return;
	}
	enum generation_word word = note_generation(s, s->confirm->generation);
	if (word == GENERATION_OVER) {
		downlink_ask(s->downlink); /* HQ sees by what we have seen that it was restored */
		return;
	}
	uplink_confirm(s->uplink, s->confirm);
	if (generation_see(&s->generation, s->confirm->seen, s->params.clock, s->params.journal))
		downlink_seen(s->downlink, s->generation.seen);
	if (word == GENERATION_OTHER)
		downlink_ask(s->downlink);
	heard(s);
}

/* ---- tells: one row per kind; each gets a signed frame that is for this device ---- */

static int on_changes(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	struct downlink_tell tell;
	if (downlink_parse(frame->header, frame->header_len, &tell, err, err_size))
		return -1;
	if (!downlink_expects(s->downlink, &tell))
		return 0;
	if (note_generation(s, tell.generation) == GENERATION_OVER)
		return 0;
	downlink_page(s->downlink, &tell, frame->body, frame->body_len);
	return 0;
}

static int on_time(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return trust_tell(s->trust, frame->header, frame->header_len, err, err_size);
}

static int on_statement(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return countersign_tell(s->countersign, frame, err, err_size);
}

static const struct {
	const char *kind;
	/* 0, or -1 with what is wrong with it */
	int (*take)(struct sync *s, const struct frame *frame, char *err, size_t err_size);
} tells[] = {
    {"changes", on_changes},
    {"time", on_time},
    {"statement", on_statement},
};

static int take_tell(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	struct tell tell;
	if (tell_parse(frame->header, frame->header_len, &tell, err, err_size))
		return -1;
	heard(s);
	if (strcmp(tell.device, s->device) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
		if (strcmp(tells[i].kind, tell.kind) == 0)
			return tells[i].take(s, frame, err, err_size);
	}
	snprintf(err, err_size, "it tells something that was not asked for");
	return -1;
}

static void on_tell(struct sync *s, const struct mqtt_item *item)
{
	struct frame frame;
	char err[200];
	if (frame_decode("LNWT", s->store, item->payload, item->len,
	                 vault_hq_sign_pub(s->params.vault), &frame, err, sizeof(err)) ||
	    take_tell(s, &frame, err, sizeof(err)))
		bad(s, item->topic, err);
}

static void on_message(struct sync *s, const struct mqtt_item *item)
{
	if (strcmp(item->topic, s->confirm_topic) == 0)
		on_confirm(s, item);
	else if (strcmp(item->topic, s->tell_topic) == 0)
		on_tell(s, item);
	else if (strcmp(item->topic, s->poke_topic) == 0)
		downlink_poke(s->downlink, item->payload, item->len);
	else
		bad(s, item->topic, "a topic that was not asked for");
}

/* ---- what trust says of the connection ---- */

static void on_good(void *ctx)
{
	struct sync *s = ctx;
	uplink_up(s->uplink);
	downlink_up(s->downlink);
	countersign_up(s->countersign);
}

static void on_close(void *ctx)
{
	mqtt_drop(((struct sync *)ctx)->mqtt);
}

static void on_time_heard(void *ctx)
{
	struct sync *s = ctx;
	if (s->params.changed)
		s->params.changed(s->params.ctx);
}

static void on_item(struct sync *s, const struct mqtt_item *item)
{
	switch (item->type) {
	case MQTT_MESSAGE:
		on_message(s, item);
		break;
	case MQTT_UP:
		log_info("sync: connected to the broker");
		trust_up(s->trust);
		break;
	case MQTT_DOWN:
		log_warn("sync: lost the broker: %s", (const char *)item->payload);
		trust_down(s->trust);
		countersign_down(s->countersign);
		uplink_down(s->uplink);
		downlink_down(s->downlink);
		break;
	case MQTT_ACKED: /* in the pipe, no more: only a confirmation counts */
		break;
	}
}

/* ---- what the others may know ---- */

static bool reachable(const struct sync *s, const struct sync_state *n, int64_t asked_us,
                      int64_t now)
{
	if (!n->connected || !s->heard_us)
		return false;
	int64_t waits_us = asked_us ? now - asked_us : 0;
	if (n->oldest_unconfirmed_us > waits_us)
		waits_us = n->oldest_unconfirmed_us;
	return now - s->heard_us <= SILENCE_US || waits_us <= ANSWER_US;
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
		const int64_t next[] = {trust_step(s->trust), uplink_step(s->uplink),
		                        downlink_step(s->downlink),
		                        countersign_step(s->countersign)};
		tell_state(s);
		mqtt_wait(s->mqtt, wait_ms(s, next, sizeof(next) / sizeof(next[0])));
	}
	return NULL;
}

/* ---- making and ending ---- */

static void sync_free(struct sync *s)
{
	if (!s)
		return;
	mqtt_free(s->mqtt);
	vault_tls_free(s->tls);
	downlink_free(s->downlink);
	trust_free(s->trust);
	countersign_free(s->countersign);
	uplink_free(s->uplink);
	batch_codec_free(s->codec);
	shard_free(s->shard);
	journal_reader_free(s->reader);
	free(s->confirm);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void name_topics(struct sync *s)
{
	const struct {
		char *topic;
		const char *last;
	} names[] = {{s->up_topic, "up"},
	             {s->ask_topic, "ask"},
	             {s->confirm_topic, "confirm"},
	             {s->tell_topic, "tell"},
	             {s->poke_topic, "poke"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		snprintf(names[i].topic, TOPIC_SIZE, "laneway/1/%s/%s", s->store, names[i].last);
}

static int make_connection(struct sync *s, char *err, size_t err_size)
{
	char client_id[2 * EVENT_STORE_SIZE];
	snprintf(client_id, sizeof(client_id), "%s-%s", s->store, s->device);
	const char *topics[] = {s->confirm_topic, s->tell_topic, s->poke_topic, NULL};
	s->tls = vault_tls_client(s->params.keys_dir, "tls.key", "tls.crt", s->params.broker_host,
	                          err, err_size);
	if (!s->tls)
		return -1;
	if (trust_watch(s->trust, s->tls)) {
		snprintf(err, err_size, "sync: out of memory");
		return -1;
	}
	struct mqtt_params params = {.host = s->params.broker_host,
	                             .port = s->params.broker_port,
	                             .client_id = client_id,
	                             .clean_session = true,
	                             .tls = s->tls,
	                             .topics = topics,
	                             .queue_max = QUEUE_MAX,
	                             .counters = s->params.counters};
	s->mqtt = mqtt_new(&params, err, err_size);
	return s->mqtt ? 0 : -1;
}

static int make_links(struct sync *s, char *err, size_t err_size)
{
	const struct sync_params *p = &s->params;
	s->codec = batch_codec_new();
	s->confirm = calloc(1, sizeof(*s->confirm));
	if (!s->codec || !s->confirm) {
		snprintf(err, err_size, "sync: out of memory");
		return -1;
	}
	struct uplink_params up = {.store = s->store,
	                           .device = s->device,
	                           .vault = p->vault,
	                           .clock = p->clock,
	                           .counters = p->counters,
	                           .journal = p->journal,
	                           .reader = s->reader,
	                           .codec = s->codec,
	                           .publish = publish_up,
	                           .ask = publish_ask,
	                           .ctx = s};
	s->uplink = uplink_new(&up, err, err_size);
	if (!s->uplink)
		return -1;
	struct downlink_params down = {.store = s->store,
	                               .device = s->device,
	                               .vault = p->vault,
	                               .clock = p->clock,
	                               .counters = p->counters,
	                               .shard = s->shard,
	                               .codec = s->codec,
	                               .publish = publish_ask,
	                               .ctx = s};
	s->downlink = downlink_new(&down, err, err_size);
	if (!s->downlink)
		return -1;
	s->countersign = countersign_new(&down, p->ledger);
	const struct trust_params trust = {.device = s->device,
	                                   .keep = p->keep,
	                                   .counters = p->counters,
	                                   .publish = publish_ask,
	                                   .good = on_good,
	                                   .close = on_close,
	                                   .heard = on_time_heard,
	                                   .ctx = s};
	s->trust = trust_new(&trust);
	if (!s->trust)
		snprintf(err, err_size, "sync: out of memory");
	return s->trust ? 0 : -1;
}

static int open_files(struct sync *s, char *err, size_t err_size)
{
	bool made = false;
	if (shard_open(&s->shard, s->params.shard_path, s->params.vault, &made, err, err_size))
		return -1;
	if (made)
		log_info("sync: the shard is new and is fetched from HQ");
	return journal_reader_open(&s->reader, s->params.journal_path, s->store, s->params.vault,
	                           err, err_size);
}

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
	name_topics(s);
	if (open_files(s, err, err_size) || make_links(s, err, err_size) ||
	    make_connection(s, err, err_size))
		goto err_free;
	struct downlink_state down;
	downlink_state(s->downlink, &down);
	generation_load(&s->generation, s->reader);
	/* A journal of an older release does not say; then the shard's is the last one heard. */
	if (!s->generation.now[0] && down.generation[0])
		note_generation(s, down.generation);
	downlink_seen(s->downlink, s->generation.seen);
	gather(s, &s->state);
	if (start_threads(s, err, err_size))
		goto err_free;
	*out = s;
	return 0;
err_free:
	sync_free(s);
	return -1;
}

void sync_wake(struct sync *s)
{
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
	sync_free(s);
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
