/* One profile on a miss: asks HQ who has an identifier that the shard does not know.
 *
 * The loop puts an inquiry and goes on; the sync thread asks, keeps whom HQ names in the shard and
 * leaves an answer. The broker learns nothing: the ask is sealed to HQ and of one length, the
 * answer is sealed to this device. What is not answered within 10 s is given up; nothing is asked
 * twice.
 */
#ifndef LANEWAY_SYNC_INQUIRY_H
#define LANEWAY_SYNC_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/vault.h"
#include "sync/batch.h"

#define INQUIRY_MAX 8           /* on their way at once: a lane has one, and few miss at a time */
#define INQUIRY_PLAIN_BYTES 448 /* of every ask, whatever it asks for */

struct inquiry;

struct inquiry_params {
	const char *store, *device;
	const struct vault *vault;
	const struct clock *clock;
	struct batch_codec *codec; /* the sync thread's */
	/* Publish on `ask`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	/* Keep these profiles, a line each, in the shard. The number kept, or -1. */
	int (*keep)(void *ctx, const char *lines, size_t len);
	void *ctx;
};

struct inquiry_answer {
	uint64_t ticket;
	bool answered; /* false: HQ said nothing in time, or the line is down */
	int profiles;  /* kept in the shard now */
};

struct inquiry *inquiry_new(const struct inquiry_params *params); /* NULL: out of memory */
void inquiry_free(struct inquiry *q);

/* ---- any thread ---- */

/* Ask for (kind, normal form). A ticket above 0; 0: not now (no line to HQ, or enough is on its
 * way). The caller wakes the sync thread. */
uint64_t inquiry_put(struct inquiry *q, const char *kind, const char *nf);
/* The next answer. false: none. Each put that gave a ticket has one answer. */
bool inquiry_next(struct inquiry *q, struct inquiry_answer *out);

/* ---- the sync thread ---- */

void inquiry_up(struct inquiry *q);
void inquiry_down(struct inquiry *q);
/* A tell of a profile for this device. 1: an answer lies ready; 0: to no ask of ours; -1 with a
 * sentence in err. */
int inquiry_tell(struct inquiry *q, const struct frame *frame, char *err, size_t err_size);
/* Send what was put, give up what is too old. *answers: something lies ready. The mono time at
 * which it wants to be called again. */
int64_t inquiry_step(struct inquiry *q, bool *answers);

/* ---- what HQ reads, here so that both ends share it ---- */

/* The plain text of an ask's box: a JSON object {"kind", "value"}. Pure; 0, or -1. */
struct inquiry_question {
	char kind[33];
	char value[321];
};
int inquiry_read(const char *json, size_t len, struct inquiry_question *out);
/* Associated data of the box: store NUL device NUL id. The length. */
#define INQUIRY_CONTEXT_MAX 96
size_t inquiry_context(const char *store, const char *device, const char *id,
                       char out[INQUIRY_CONTEXT_MAX]);

#endif
