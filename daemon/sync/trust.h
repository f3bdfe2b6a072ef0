/* May this connection be used? Certificates against a clock that may be wrong, and HQ's signed time
 * that settles both.
 *
 * While no time is trusted, a chain is let in without its dates; once one is, the live chain has to
 * be good in full, or the connection is closed. A chain that fails by its dates alone, at a time
 * that HQ has not confirmed in this boot, is let in too, but the connection is then held: nothing
 * goes over it but the question for HQ's time, whose answer says which of the two was wrong. Sync
 * thread only.
 */
#ifndef LANEWAY_SYNC_TRUST_H
#define LANEWAY_SYNC_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock_keep.h"
#include "base/counter.h"

struct ssl_ctx_st;
struct trust;

struct trust_params {
	const char *device;
	struct clock_keep *keep; /* NULL: every connection is good, the time is never asked for */
	struct counters *counters;
	/* Publish on `ask`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	void (*good)(void *ctx);  /* the connection may be used: once for each */
	void (*close)(void *ctx); /* it may not: close it */
	void (*heard)(void *ctx); /* HQ's time has been taken; may be NULL */
	void *ctx;
};

struct trust *trust_new(const struct trust_params *params); /* NULL: out of memory */
void trust_free(struct trust *t);

/* From now on handshakes of this context go by t, which outlives them. 0, or -1: out of memory. */
int trust_watch(struct trust *t, struct ssl_ctx_st *tls);

void trust_up(struct trust *t);
void trust_down(struct trust *t);

/* HQ has said something: an ask for its time that it never heard is sent again. anew: as for
 * hqtime_alive. */
void trust_alive(struct trust *t, bool anew);
/* A tell of time for this device, its frame's signature checked. 0; -1 with a sentence in err. */
int trust_tell(struct trust *t, const char *header, size_t len, char *err, size_t err_size);

/* The mono time at which it wants to be called again. */
int64_t trust_step(struct trust *t);

#endif
