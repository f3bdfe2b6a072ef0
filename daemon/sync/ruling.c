#include "sync/ruling.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "sync/tell.h"

#define ANSWER_US 30000000ll /* the first wait for an answer, doubling to a round */
#define ROUND_US 900000000ll /* 15 min */
#define POKE_BYTES_MAX 4096
#define POKED_US 10000000ll /* an ask on its way is not sent again by a poke before this */

struct ruling {
	struct downlink_params params;
	const char *word;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	bool up;
	char id[TELL_ID_SIZE];
	bool asked;
	int64_t next_us, answer_us, asked_us;
	char version[33]; /* heard in this run; empty: none */
	struct buf payload;
	pthread_mutex_t lock; /* what follows */
	struct buf table;
	bool news;
	bool known, changed; /* what stands; and another than was asked with */
	char standing[33], refused[33], why[RULING_WHY_SIZE];
};

struct ruling *ruling_new(const struct downlink_params *params, const char *word)
{
	struct ruling *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->params = *params;
	r->word = word;
	text_copy(r->store, sizeof r->store, params->store);
	text_copy(r->device, sizeof r->device, params->device);
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void ruling_free(struct ruling *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	buf_free(&r->payload);
	buf_free(&r->table);
	free(r);
}

void ruling_up(struct ruling *r)
{
	if (!r)
		return;
	r->up = true;
	ruling_again(r);
}

void ruling_down(struct ruling *r)
{
	if (!r)
		return;
	r->up = r->asked = false;
}

void ruling_again(struct ruling *r)
{
	if (!r)
		return;
	r->next_us = clock_mono_us(r->params.clock);
	r->answer_us = ANSWER_US;
}

/* One that cannot be used stays what was heard: it is not asked for at every poke. */
void ruling_poke(struct ruling *r, const void *poke, size_t len)
{
	json_t *root = r && len <= POKE_BYTES_MAX ? json_loadb(poke, len, 0, NULL) : NULL;
	const char *version = root ? json_string_value(json_object_get(root, r->word)) : NULL;
	bool waits = root && r->asked && clock_mono_us(r->params.clock) - r->asked_us < POKED_US;

	if (!waits && version && version[0] && strcmp(version, r->version) != 0) {
		pthread_mutex_lock(&r->lock);
		bool stands = r->known && strcmp(version, r->standing) == 0;
		pthread_mutex_unlock(&r->lock);
		if (!stands)
			ruling_again(r);
	}
	json_decref(root);
}

/* ---- tell ---- */

/* The one line of the page, without its newline; without a line there is nothing new. */
static int take_table(struct ruling *r, const struct frame *frame, char *err, size_t err_size)
{
	const uint8_t *lines;
	size_t len;

	if (page_decode(r->params.codec, r->store, r->device,
	                vault_device_box_priv(r->params.vault), frame->body, frame->body_len,
	                &lines, &len, err, err_size) != 0)
		return -1;
	if (len == 0)
		return 0;
	pthread_mutex_lock(&r->lock);
	buf_reset(&r->table);
	buf_add(&r->table, lines, len - 1);
	r->news = !r->table.failed;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

int ruling_tell(struct ruling *r, const struct frame *frame, char *err, size_t err_size)
{
	if (!r)
		return 0;
	json_t *root = json_loadb(frame->header, frame->header_len, JSON_REJECT_DUPLICATES, NULL);
	const char *version = json_string_value(json_object_get(root, "version"));
	char heard[sizeof r->version] = "";
	struct tell head;
	const char *fault = tell_fault(root, &head);

	if (!fault && (!version || !text_copy(heard, sizeof heard, version)))
		fault = "version: expected at most 32 bytes";
	json_decref(root);
	if (fault) {
		snprintf(err, err_size, "the tell's %s", fault);
		return -1;
	}
	if (!r->asked || strcmp(head.id, r->id) != 0)
		return 0;
	r->asked = false;
	r->next_us = clock_mono_us(r->params.clock) + ROUND_US;
	if (heard[0] && strcmp(heard, r->version) == 0)
		return 0;
	if (take_table(r, frame, err, err_size) != 0)
		return -1;
	memcpy(r->version, heard, sizeof heard);
	return 0;
}

/* ---- ask ---- */

static void say(struct ruling *r, const char *key, const char *text)
{
	buf_printf(&r->payload, ",\"%s\":", key);
	lw_event_json_string(&r->payload, text);
}

static void ask(struct ruling *r, int64_t now)
{
	uint8_t id[8];

	vault_random(id, sizeof id);
	text_hex(id, sizeof id, r->id);
	buf_reset(&r->payload);
	buf_printf(&r->payload, "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"ask\":\"%s\"",
	           r->device, r->id, r->word);
	pthread_mutex_lock(&r->lock);
	say(r, "version", r->standing);
	if (r->refused[0]) {
		say(r, "refused", r->refused);
		say(r, "why", r->why);
	}
	r->changed = false;
	pthread_mutex_unlock(&r->lock);
	buf_byte(&r->payload, '}');
	r->asked =
	    !r->payload.failed && r->params.publish(r->params.ctx, r->payload.data, r->payload.len);
	r->asked_us = now;
	r->next_us = now + r->answer_us;
	r->answer_us = r->answer_us * 2 < ROUND_US ? r->answer_us * 2 : ROUND_US;
}

int64_t ruling_step(struct ruling *r, bool *news)
{
	*news = false;
	if (!r || !r->up)
		return INT64_MAX;
	int64_t now = clock_mono_us(r->params.clock);
	pthread_mutex_lock(&r->lock);
	bool known = r->known, changed = r->changed;
	*news = r->news;
	pthread_mutex_unlock(&r->lock);
	if (changed)
		ruling_again(r);
	if (known && r->next_us <= now)
		ask(r, now);
	return known ? r->next_us : INT64_MAX;
}

bool ruling_next(struct ruling *r, struct buf *out)
{
	if (!r)
		return false;
	pthread_mutex_lock(&r->lock);
	bool news = r->news;
	buf_reset(out);
	if (news && r->table.len)
		buf_add(out, r->table.data, r->table.len);
	r->news = false;
	pthread_mutex_unlock(&r->lock);
	return news && !out->failed;
}

void ruling_stand(struct ruling *r, const char *version, const char *refused, const char *why)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->changed = !r->known || strcmp(r->standing, version) != 0 ||
	             strcmp(r->refused, refused) != 0 || strcmp(r->why, why) != 0;
	r->known = true;
	snprintf(r->standing, sizeof r->standing, "%s", version);
	snprintf(r->refused, sizeof r->refused, "%s", refused);
	snprintf(r->why, sizeof r->why, "%s", why);
	pthread_mutex_unlock(&r->lock);
}
