#include "sync/inquiry.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "sync/tell.h"

#define GIVEN_UP_US 10000000ll /* nobody stands at the lane for longer with one card in hand */

static const char purpose[] = "ask";

enum stage { FREE, PUT, ASKED, ANSWERED };

struct slot {
	enum stage stage;
	uint64_t ticket;
	int64_t put_us;
	char id[TELL_ID_SIZE];
	struct inquiry_question question;
	struct inquiry_answer answer;
};

struct inquiry {
	struct inquiry_params params;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	struct vault_work *work;
	struct buf payload;
	pthread_mutex_t lock; /* what follows */
	bool up;
	uint64_t tickets;
	struct slot slots[INQUIRY_MAX];
};

struct inquiry *inquiry_new(const struct inquiry_params *params)
{
	struct inquiry *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->params = *params;
	text_copy(q->store, sizeof(q->store), params->store);
	text_copy(q->device, sizeof(q->device), params->device);
	pthread_mutex_init(&q->lock, NULL);
	q->work = vault_work_new();
	if (q->work)
		return q;
	inquiry_free(q);
	return NULL;
}

void inquiry_free(struct inquiry *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	vault_work_free(q->work);
	buf_free(&q->payload);
	vault_wipe(q->slots, sizeof(q->slots));
	free(q);
}

static struct slot *slot_of(struct inquiry *q, enum stage stage)
{
	for (int i = 0; i < INQUIRY_MAX; i++)
		if (q->slots[i].stage == stage)
			return &q->slots[i];
	return NULL;
}

/* ---- any thread ---- */

uint64_t inquiry_put(struct inquiry *q, const char *kind, const char *nf)
{
	uint64_t ticket = 0;
	pthread_mutex_lock(&q->lock);
	struct slot *s = q->up ? slot_of(q, FREE) : NULL;
	if (s && text_copy(s->question.kind, sizeof(s->question.kind), kind) &&
	    text_copy(s->question.value, sizeof(s->question.value), nf)) {
		s->stage = PUT;
		s->ticket = ticket = ++q->tickets;
		s->put_us = clock_mono_us(q->params.clock);
	}
	pthread_mutex_unlock(&q->lock);
	return ticket;
}

bool inquiry_next(struct inquiry *q, struct inquiry_answer *out)
{
	pthread_mutex_lock(&q->lock);
	struct slot *s = slot_of(q, ANSWERED);
	if (s) {
		*out = s->answer;
		vault_wipe(s, sizeof(*s));
	}
	pthread_mutex_unlock(&q->lock);
	return s != NULL;
}

/* ---- the sync thread; the lock is held where a name ends in _locked ---- */

static void answer_locked(struct slot *s, bool answered, int profiles)
{
	s->answer = (struct inquiry_answer){s->ticket, answered, profiles};
	s->stage = ANSWERED;
}

void inquiry_up(struct inquiry *q)
{
	pthread_mutex_lock(&q->lock);
	q->up = true;
	pthread_mutex_unlock(&q->lock);
}

void inquiry_down(struct inquiry *q)
{
	pthread_mutex_lock(&q->lock);
	q->up = false;
	for (int i = 0; i < INQUIRY_MAX; i++)
		if (q->slots[i].stage == PUT || q->slots[i].stage == ASKED)
			answer_locked(&q->slots[i], false, 0);
	pthread_mutex_unlock(&q->lock);
}

size_t inquiry_context(const char *store, const char *device, const char *id,
                       char out[INQUIRY_CONTEXT_MAX])
{
	int n = snprintf(out, INQUIRY_CONTEXT_MAX, "%s%c%s%c%s", store, 0, device, 0, id);
	return n > 0 && n < INQUIRY_CONTEXT_MAX ? (size_t)n : 0;
}

/* The box, in base64url with NUL; false: it could not be made. */
static bool make_box(struct inquiry *q, const struct slot *s, char *out)
{
	uint8_t box[INQUIRY_PLAIN_BYTES + VAULT_BOX_OVERHEAD];
	char plain[INQUIRY_PLAIN_BYTES], context[INQUIRY_CONTEXT_MAX];
	struct buf json = {0};
	buf_str(&json, "{\"kind\":");
	lw_event_json_string(&json, s->question.kind);
	buf_str(&json, ",\"value\":");
	lw_event_json_string(&json, s->question.value);
	buf_byte(&json, '}');
	bool ok = !json.failed && json.len <= sizeof(plain);
	if (ok) {
		memset(plain, ' ', sizeof(plain));
		memcpy(plain, json.data, json.len);
		size_t n = inquiry_context(q->store, q->device, s->id, context);
		ok = vault_box(q->work, vault_hq_box_pub(q->params.vault), purpose, context, n,
		               plain, sizeof(plain), box) == 0;
	}
	if (ok)
		text_b64(box, sizeof(box), out);
	if (json.len)
		vault_wipe(json.data, json.len);
	buf_free(&json);
	vault_wipe(plain, sizeof(plain));
	return ok;
}

static void send_locked(struct inquiry *q, struct slot *s)
{
	char box[TEXT_B64_SIZE(INQUIRY_PLAIN_BYTES + VAULT_BOX_OVERHEAD)];
	uint8_t id[8];
	vault_random(id, sizeof(id));
	text_hex(id, sizeof(id), s->id);
	buf_reset(&q->payload);
	if (make_box(q, s, box)) {
		buf_str(&q->payload, "{\"v\":1,\"device\":");
		lw_event_json_string(&q->payload, q->device);
		buf_printf(&q->payload, ",\"id\":\"%s\",\"ask\":\"profile\",\"box\":\"%s\"}", s->id,
		           box);
	}
	if (q->payload.len && !q->payload.failed &&
	    q->params.publish(q->params.ctx, q->payload.data, q->payload.len))
		s->stage = ASKED;
	else
		answer_locked(s, false, 0);
}

int64_t inquiry_step(struct inquiry *q, bool *answers)
{
	int64_t now = clock_mono_us(q->params.clock), next = INT64_MAX;
	*answers = false;
	pthread_mutex_lock(&q->lock);
	for (int i = 0; i < INQUIRY_MAX; i++) {
		struct slot *s = &q->slots[i];
		if (s->stage == PUT)
			send_locked(q, s);
		if (s->stage == ASKED && now - s->put_us >= GIVEN_UP_US)
			answer_locked(s, false, 0);
		if (s->stage == ASKED && s->put_us + GIVEN_UP_US < next)
			next = s->put_us + GIVEN_UP_US;
		*answers = *answers || s->stage == ANSWERED;
	}
	pthread_mutex_unlock(&q->lock);
	return next;
}

static struct slot *asked_locked(struct inquiry *q, const char *id)
{
	for (int i = 0; i < INQUIRY_MAX; i++)
		if (q->slots[i].stage == ASKED && strcmp(q->slots[i].id, id) == 0)
			return &q->slots[i];
	return NULL;
}

int inquiry_tell(struct inquiry *q, const struct frame *frame, char *err, size_t err_size)
{
	struct tell tell;
	const uint8_t *lines;
	size_t len;
	int kept = 0;
	if (tell_parse(frame->header, frame->header_len, &tell, err, err_size))
		return -1;
	pthread_mutex_lock(&q->lock);
	struct slot *s = asked_locked(q, tell.id);
	pthread_mutex_unlock(&q->lock);
	if (!s) /* given up, or asked before the line was down */
		return 0;
	if (page_decode(q->params.codec, q->store, q->device,
	                vault_device_box_priv(q->params.vault), frame->body, frame->body_len,
	                &lines, &len, err, err_size))
		return -1;
	if (len)
		kept = q->params.keep(q->params.ctx, (const char *)lines, len);
	pthread_mutex_lock(&q->lock);
	answer_locked(s, kept >= 0, kept > 0 ? kept : 0);
	pthread_mutex_unlock(&q->lock);
	return 1;
}

/* ---- HQ's end ---- */

int inquiry_read(const char *json, size_t len, struct inquiry_question *out)
{
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const char *kind = json_string_value(json_object_get(root, "kind"));
	const char *value = json_string_value(json_object_get(root, "value"));
	bool ok = kind && kind[0] && value && value[0] &&
	          text_copy(out->kind, sizeof(out->kind), kind) &&
	          text_copy(out->value, sizeof(out->value), value);
	json_decref(root);
	return ok ? 0 : -1;
}
