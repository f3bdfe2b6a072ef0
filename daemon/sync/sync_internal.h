/* What the files of the thread share: sync.c (the thread, and what others may know of it),
 * sync_make.c (its parts and how they are joined), sync_hear.c (what HQ says). */
#ifndef LANEWAY_SYNC_SYNC_INTERNAL_H
#define LANEWAY_SYNC_SYNC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "sync/countersign.h"
#include "sync/downlink.h"
#include "sync/generation.h"
#include "sync/inquiry.h"
#include "sync/mqtt.h"
#include "sync/ruling.h"
#include "sync/sync.h"
#include "sync/trust.h"
#include "sync/uplink.h"

#define SYNC_SILENCE_US 30000000ll /* HQ silent for this long is away, if something waits */
#define SYNC_TOPIC_SIZE 64

struct sync {
	struct sync_params params;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	char up_topic[SYNC_TOPIC_SIZE], ask_topic[SYNC_TOPIC_SIZE];
	char confirm_topic[SYNC_TOPIC_SIZE], tell_topic[SYNC_TOPIC_SIZE],
	    poke_topic[SYNC_TOPIC_SIZE];
	struct ssl_ctx_st *tls;
	struct mqtt *mqtt;
	struct journal_reader *reader;
	struct shard *shard;
	struct batch_codec *codec;
	struct uplink *uplink;
	struct downlink *downlink;
	struct trust *trust;
	struct countersign *countersign;
	struct inquiry *inquiry;
	struct ruling *ruling;   /* NULL: HQ is not asked for rules in this run */
	struct ruling *weighing; /* the same for weights */
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

/* ---- sync_make.c ---- */

/* All parts of s->params, joined but not started. 0, or -1 with err: then sync_make_free() has to
 * follow all the same. */
int sync_make(struct sync *s, char *err, size_t err_size);
/* Of a thread that ended, or never began. */
void sync_make_free(struct sync *s);

/* ---- sync_ours.c ---- */

/* Of what HQ says that it includes, what it holds as it stands here. */
void sync_ours(const struct sync *s, const struct downlink_includes *said,
               struct downlink_includes *out);
/* All that it holds so of these epochs. */
void sync_held(const struct sync *s, const struct downlink_includes *said,
               struct downlink_includes *out);

/* ---- sync_hear.c ---- */

/* A message from HQ. */
void sync_hear(struct sync *s, const struct mqtt_item *item);
/* HQ's generation as it was heard; the others are told what follows from it. */
enum generation_word sync_hear_generation(struct sync *s, const char *heard);

#endif
