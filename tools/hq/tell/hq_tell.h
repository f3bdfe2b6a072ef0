/* Answers to a store's ask: pages of profiles in version order, sealed to the device that asked. */
#ifndef LANEWAY_HQ_TELL_H
#define LANEWAY_HQ_TELL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "event/event.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/identity/hq_includes.h"
#include "hq/identity/hq_rules.h"

struct hq_tell;

/* clock: the time that is told. NULL: out of memory. */
struct hq_tell *hq_tell_new(struct hq_db *db, struct hq_keys *keys, const struct clock *clock);
void hq_tell_free(struct hq_tell *t);
/* How wrong the clock may be: asked for with each time that is told; false: nobody knows, and what
 * HQ's operator has to keep it to is told (1 s). Without this call nobody knows. */
typedef bool hq_tell_error_fn(void *ctx, int64_t *error_us);
void hq_tell_error(struct hq_tell *t, hq_tell_error_fn *fn, void *ctx);

/* One payload from `laneway/1/<store>/ask`: append the frame for `.../tell` to out. 0; -1: there is
 * nothing to answer (logged): not an ask, or a device that nobody made. */
int hq_tell_answer(struct hq_tell *t, const char *store, const void *ask, size_t len,
                   struct buf *out);

#define HQ_TELL_VERSIONS_MAX 20 /* the store's newest */

#define HQ_TELL_WHY_SIZE 201  /* of why a store does not take a rule table */
#define HQ_TELL_BOX_SIZE 1024 /* base64url and NUL */

/* What is in force, which stores are told once it was published; without this call they keep
 * theirs. It must live as long as t. */
void hq_tell_rules(struct hq_tell *t, const struct hq_rules *rules);

/* Tell stores the weights that stand in this folder (hq_tell_weights.h). 0 or -1. */
int hq_tell_weights(struct hq_tell *t, const char *dir);
/* Which ones stand there now, by when they were made; empty: none. Valid until the next call. */
const char *hq_tell_weights_made(struct hq_tell *t);

/* What an ask says. Pure; 0, or -1 with err. */
struct hq_tell_ask {
	char kind[33]; /* what it asks for: picks who answers */
	char device[33], id[17];
	char generation[17];              /* of "changes" and "statement" */
	uint64_t since;                   /* same */
	struct hq_includes_awaits awaits; /* of "changes" */
	struct hq_tell_version {
		uint8_t epoch[EVENT_EPOCH_BYTES];
		uint64_t to, version;
	} versions[HQ_TELL_VERSIONS_MAX]; /* of "statement": what the store holds */
	int version_count;
	char box[HQ_TELL_BOX_SIZE]; /* of "profile": sealed to HQ, base64url */
	/* of "rules" and "weights": HQ's that the store goes by, or empty; of "rules" one that it
	 * does not take, and why */
	char version[33], refused[33], why[HQ_TELL_WHY_SIZE];
};
int hq_tell_parse(const void *ask, size_t len, struct hq_tell_ask *out, char *err, size_t err_size);

#endif
