#include "sync/trust.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/version.h"
#include "store/vault.h"
#include "sync/hqtime.h"

#define HELD_US 15000000ll /* a connection in doubt waits this long for HQ's word */

struct trust {
	struct trust_params params;
	struct ssl_ctx_st *tls; /* its owner's */
	struct hqtime *hqtime;
	bool up;
	bool checked;    /* this connection's chain, in full, at a trusted time */
	int64_t held_us; /* mono time since when it is held; 0: not */
};

/* From the connection's thread, at each handshake. */
static void tls_now(void *ctx, struct vault_tls_now *out)
{
	const struct trust *t = ctx;
	int64_t built_us = version_built_us();
	struct clock_state s;
	clock_keep_state(t->params.keep, &s);
	*out = (struct vault_tls_now){.trusted = s.trust != CLOCK_NONE,
	                              .wall_us = s.wall_us,
	                              .floor_us = s.floor_us > built_us ? s.floor_us : built_us,
	                              .may_doubt = !s.hq_mono_us};
}

static void good(struct trust *t)
{
	t->held_us = 0;
	t->params.good(t->params.ctx);
}

/* In doubt only HQ's word counts. */
static void check_chain(struct trust *t)
{
	struct clock_state s;
	char err[160];
	clock_keep_state(t->params.keep, &s);
	if (!t->up || s.trust == CLOCK_NONE || (t->held_us && s.hq_mono_us < t->held_us))
		return;
	t->checked = true;
	if (vault_tls_check(t->tls, s.wall_us, err, sizeof(err)) == 0) {
		clock_keep_floor(t->params.keep, s.wall_us);
		if (t->held_us)
			good(t);
		return;
	}
	log_error("ALARM: sync: the broker's certificates are not good at the time now known: %s; "
	          "the connection is closed",
	          err);
	t->params.close(t->params.ctx);
}

static void on_time(void *ctx)
{
	struct trust *t = ctx;
	check_chain(t);
	if (t->params.heard)
		t->params.heard(t->params.ctx);
}

struct trust *trust_new(const struct trust_params *params)
{
	struct trust *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->params = *params;
	const struct hqtime_params time = {.device = params->device,
	                                   .keep = params->keep,
	                                   .counters = params->counters,
	                                   .publish = params->publish,
	                                   .heard = on_time,
	                                   .time_ctx = t,
	                                   .ctx = params->ctx};
	t->hqtime = hqtime_new(&time);
	if (t->hqtime)
		return t;
	free(t);
	return NULL;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	hqtime_free(t->hqtime);
	free(t);
}

int trust_watch(struct trust *t, struct ssl_ctx_st *tls)
{
	t->tls = tls;
	return t->params.keep ? vault_tls_clock(tls, tls_now, t) : 0;
}

void trust_up(struct trust *t)
{
	t->up = true;
	t->checked = !t->params.keep;
	hqtime_up(t->hqtime);
	if (!t->params.keep || !vault_tls_doubted(t->tls)) {
		good(t);
		return;
	}
	t->held_us = clock_mono_us(clock_keep_clock(t->params.keep));
	log_warn("sync: the broker's certificates do not fit the machine's clock; nothing is sent "
	         "until HQ has signed its time");
}

void trust_down(struct trust *t)
{
	t->up = false;
	t->held_us = 0;
	hqtime_down(t->hqtime);
}

void trust_alive(struct trust *t, bool anew)
{
	hqtime_alive(t->hqtime, anew);
}

int trust_tell(struct trust *t, const char *header, size_t len, char *err, size_t err_size)
{
	return hqtime_tell(t->hqtime, header, len, err, err_size);
}

int64_t trust_step(struct trust *t)
{
	if (t->up && !t->checked)
		check_chain(t);
	if (t->held_us && clock_mono_us(clock_keep_clock(t->params.keep)) - t->held_us > HELD_US) {
		t->held_us = 0;
		t->checked = true;
		log_warn("sync: HQ has not signed its time; the connection is closed");
		t->params.close(t->params.ctx);
	}
	return hqtime_step(t->hqtime);
}
