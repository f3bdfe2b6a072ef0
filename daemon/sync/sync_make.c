/* The parts of the thread, and how they are joined. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/shard.h"
#include "sync/sync_internal.h"

#define QUEUE_MAX 1024 /* incoming items; what overflows is asked for or confirmed again */

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

static int awaits(void *ctx, uint8_t (*epochs)[EVENT_EPOCH_BYTES], int max)
{
	return journal_reader_awaited_epochs(((struct sync *)ctx)->reader, epochs, max);
}

static int keep_profiles(void *ctx, const char *lines, size_t len)
{
	return downlink_keep(((struct sync *)ctx)->downlink, lines, len);
}

/* ---- what trust says of the connection ---- */

static void on_good(void *ctx)
{
	struct sync *s = ctx;
	uplink_up(s->uplink);
	downlink_up(s->downlink);
	countersign_up(s->countersign);
	inquiry_up(s->inquiry);
	ruling_up(s->ruling);
	ruling_up(s->weighing);
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

/* ---- making and ending ---- */

void sync_make_free(struct sync *s)
{
	if (!s)
		return;
	mqtt_free(s->mqtt);
	vault_tls_free(s->tls);
	downlink_free(s->downlink);
	trust_free(s->trust);
	countersign_free(s->countersign);
	inquiry_free(s->inquiry);
	ruling_free(s->ruling);
	ruling_free(s->weighing);
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
		snprintf(names[i].topic, SYNC_TOPIC_SIZE, "laneway/1/%s/%s", s->store,
		         names[i].last);
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
	                               .awaits = awaits,
	                               .ctx = s};
	s->downlink = downlink_new(&down, err, err_size);
	if (!s->downlink)
		return -1;
	s->countersign = countersign_new(&down, p->ledger);
	s->ruling = ruling_new(&down, "rules");
	s->weighing = ruling_new(&down, "weights");
	const struct inquiry_params inquiry = {.store = s->store,
	                                       .device = s->device,
	                                       .vault = p->vault,
	                                       .clock = p->clock,
	                                       .codec = s->codec,
	                                       .publish = publish_ask,
	                                       .keep = keep_profiles,
	                                       .ctx = s};
	s->inquiry = inquiry_new(&inquiry);
	const struct trust_params trust = {.device = s->device,
	                                   .keep = p->keep,
	                                   .counters = p->counters,
	                                   .publish = publish_ask,
	                                   .good = on_good,
	                                   .close = on_close,
	                                   .heard = on_time_heard,
	                                   .ctx = s};
	s->trust = trust_new(&trust);
	if (s->trust && s->inquiry)
		return 0;
	snprintf(err, err_size, "sync: out of memory");
	return -1;
}

static int open_files(struct sync *s, char *err, size_t err_size)
{
	bool made = false;
	if (shard_open(&s->shard, s->params.shard_path, s->params.vault, &made, err, err_size))
		return -1;
	shard_share(s->shard, s->params.gate);
	if (made)
		log_info("sync: the shard is new and is fetched from HQ");
	return journal_reader_open(&s->reader, s->params.journal_path, s->store, s->params.vault,
	                           err, err_size);
}

int sync_make(struct sync *s, char *err, size_t err_size)
{
	name_topics(s);
	return open_files(s, err, err_size) || make_links(s, err, err_size) ||
	               make_connection(s, err, err_size)
	           ? -1
	           : 0;
}
