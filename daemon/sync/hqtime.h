/* HQ's signed time: asks with a nonce, measures the way there and back, hands the point to the
 * clock.
 *
 * Sync thread only. Asked at each new connection, every hour, and soon whenever the clock trusts
 * nothing or contradicts HQ.
 */
#ifndef LANEWAY_SYNC_HQTIME_H
#define LANEWAY_SYNC_HQTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock_keep.h"
#include "base/counter.h"

struct hqtime;

struct hqtime_params {
	const char *device;
	struct clock_keep *keep; /* NULL: nothing is ever asked */
	struct counters *counters;
	/* Publish on `ask`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	void *ctx;
	/* A time has been taken: the clock is trusted now. */
	void (*heard)(void *time_ctx);
	void *time_ctx;
};

struct hqtime *hqtime_new(const struct hqtime_params *params); /* NULL: out of memory */
void hqtime_free(struct hqtime *t);

void hqtime_up(struct hqtime *t);
void hqtime_down(struct hqtime *t);

/* HQ lives: what it has not answered for a second it never heard, and is asked again. anew: it
 * says that it has not heard it. */
void hqtime_alive(struct hqtime *t, bool anew);

/* A tell of time for this device, its frame's signature checked. 0; -1 with a sentence in err. */
int hqtime_tell(struct hqtime *t, const char *header, size_t len, char *err, size_t err_size);

/* Ask if it is time. The mono time at which it wants to be called again (INT64_MAX: when
 * connected).
 */
int64_t hqtime_step(struct hqtime *t);

/* The header of a tell of time. Pure; 0, or -1 with err. */
struct hqtime_word {
	char id[17];
	int64_t wall_us, error_us;
};
int hqtime_parse(const char *header, size_t len, struct hqtime_word *out, char *err,
                 size_t err_size);

#endif
