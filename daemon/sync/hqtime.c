#include "sync/hqtime.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "store/vault.h"
#include "sync/tell.h"

#define HOUR_US 3600000000ll  /* 100 ppm in an hour are 0.4 s */
#define GOOD_TRIP_US 500000ll /* slower, and a better answer is asked for soon */
#define AGAIN_US 60000000ll
#define ROUND_TRIP_US 10000000ll /* slower answers say too little: half of it is the error */
#define ANSWER_US 10000000ll     /* the first wait for an answer, doubling */
#define ALIVE_US 1000000ll       /* HQ speaks, but has not answered for this long: it never heard */
#define ANSWER_US_MAX 300000000ll        /* 5 min */
#define WALL_US_MAX 253402300800000000ll /* year 10000 */
#define ERROR_US_MAX 60000000ll          /* an HQ that knows its own time worse than this is none */

struct hqtime {
	struct hqtime_params params;
	char device[EVENT_STORE_SIZE];
	bool up;
	char id[17];      /* the nonce of the ask on its way */
	int64_t asked_us; /* 0: none is on its way */
	int64_t wait_us, next_us;
	bool differed; /* the kernel contradicted HQ when last looked */
	struct buf payload;
};

static int64_t now_us(const struct hqtime *t)
{
	return clock_mono_us(clock_keep_clock(t->params.keep));
}

struct hqtime *hqtime_new(const struct hqtime_params *params)
{
	struct hqtime *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->params = *params;
	text_copy(t->device, sizeof(t->device), params->device);
	t->wait_us = ANSWER_US;
	return t;
}

void hqtime_free(struct hqtime *t)
{
	if (!t)
		return;
	buf_free(&t->payload);
	free(t);
}

void hqtime_up(struct hqtime *t)
{
	if (!t->params.keep)
		return;
	t->up = true;
	t->asked_us = 0;
	t->wait_us = ANSWER_US;
	t->next_us = now_us(t);
}

void hqtime_down(struct hqtime *t)
{
	t->up = false;
	t->asked_us = 0;
}

void hqtime_alive(struct hqtime *t, bool anew)
{
	int64_t now = t->up ? now_us(t) : 0;
	if (!t->asked_us || (!anew && now - t->asked_us < ALIVE_US))
		return;
	t->asked_us = 0;
	t->wait_us = ANSWER_US;
	t->next_us = now;
}

static const char *word_fault(const json_t *root, struct hqtime_word *out)
{
	const json_t *wall = json_object_get(root, "wall_us");
	const json_t *error = json_object_get(root, "error_us");
	struct tell head;
	const char *fault = tell_fault(root, &head);
	if (fault)
		return fault;
	if (strcmp(head.kind, "time") != 0)
		return "tell: expected time";
	if (!json_is_integer(wall) || json_integer_value(wall) <= 0 ||
	    json_integer_value(wall) >= WALL_US_MAX)
		return "wall_us: expected microseconds since 1970";
	if (error && (!json_is_integer(error) || json_integer_value(error) < 0 ||
	              json_integer_value(error) > ERROR_US_MAX))
		return "error_us: expected at most 60 seconds in microseconds";
	memcpy(out->id, head.id, sizeof(out->id));
	out->wall_us = json_integer_value(wall);
	out->error_us = json_integer_value(error);
	return NULL;
}

int hqtime_parse(const char *header, size_t len, struct hqtime_word *out, char *err,
                 size_t err_size)
{
	memset(out, 0, sizeof(*out));
	json_t *root = json_loadb(header, len, JSON_REJECT_DUPLICATES, NULL);
	const char *fault = word_fault(root, out);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "the tell's %s", fault);
	return -1;
}

/* The wait counts from the ask that was in vain. */
static void again_later(struct hqtime *t)
{
	t->next_us = t->asked_us + t->wait_us;
	t->asked_us = 0;
	t->wait_us = t->wait_us * 2 < ANSWER_US_MAX ? t->wait_us * 2 : ANSWER_US_MAX;
}

/* HQ read its clock somewhere between our asking and our hearing: in the middle, give or take half.
 */
static void take(struct hqtime *t, const struct hqtime_word *word, int64_t now)
{
	int64_t trip_us = now - t->asked_us;
	const struct clock_point point = {.mono_us = t->asked_us + trip_us / 2,
	                                  .wall_us = word->wall_us,
	                                  .error_us = trip_us / 2 + 1 + word->error_us,
	                                  .source = CLOCK_HQ};
	clock_keep_hq(t->params.keep, &point);
	counter_add(t->params.counters, COUNTER_TIME_HEARD, 1);
	t->asked_us = 0;
	t->wait_us = ANSWER_US;
	t->next_us = now + (trip_us > GOOD_TRIP_US ? AGAIN_US : HOUR_US);
	t->params.heard(t->params.time_ctx);
}

int hqtime_tell(struct hqtime *t, const char *header, size_t len, char *err, size_t err_size)
{
	struct hqtime_word word;
	if (hqtime_parse(header, len, &word, err, err_size))
		return -1;
	if (!t->asked_us || strcmp(word.id, t->id) != 0)
		return 0; /* an answer of yesterday, or to somebody else */
	int64_t now = now_us(t);
	if (now - t->asked_us <= ROUND_TRIP_US) {
		take(t, &word, now);
		return 0;
	}
	counter_add(t->params.counters, COUNTER_TIME_REFUSED, 1);
	log_info("sync: HQ's time was %lld s on its way and is not used",
	         (long long)(now - t->asked_us) / 1000000);
	again_later(t);
	return 0;
}

static void ask(struct hqtime *t, int64_t now)
{
	uint8_t id[8];
	vault_random(id, sizeof(id));
	text_hex(id, sizeof(id), t->id);
	buf_reset(&t->payload);
	buf_printf(&t->payload, "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"ask\":\"time\"}",
	           t->device, t->id);
	if (!t->payload.failed && t->params.publish(t->params.ctx, t->payload.data, t->payload.len))
		t->asked_us = now;
	else
		t->next_us = now + ANSWER_US;
}

int64_t hqtime_step(struct hqtime *t)
{
	struct clock_state state;
	if (!t->up)
		return INT64_MAX;
	int64_t now = now_us(t);
	/* An answer later than ROUND_TRIP_US is of no use: the ask is then given up. */
	if (t->asked_us && now - t->asked_us > ROUND_TRIP_US)
		again_later(t);
	clock_keep_state(t->params.keep, &state);
	bool differs = state.differs_us != 0;
	if (state.trust == CLOCK_NONE && t->next_us > now + t->wait_us)
		t->next_us = now + t->wait_us;
	/* Perhaps HQ's word is the stale one: a machine that was paused. */
	if (differs && !t->differed)
		t->next_us = now;
	t->differed = differs;
	if (!t->asked_us && now >= t->next_us)
		ask(t, now);
	return t->asked_us ? t->asked_us + ROUND_TRIP_US + 1 : t->next_us;
}
