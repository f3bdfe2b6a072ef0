/* What HQ tells its stores by itself: confirmations, and pokes. */
#include "hq/serve/hq_serve_internal.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hq/identity/hq_profile.h"
#include "sync/batch.h"

#define HQ_SERVE_POKE_MS 200 /* at most one poke per store in this time */

void hq_serve_publish(struct serve *s, const char *store, const char *what,
                      const struct buf *payload)
{
	char topic[96];

	snprintf(topic, sizeof topic, "laneway/1/%s/%s", store, what);
	if (payload->failed)
		log_error("store %s: out of memory for a %s", store, what);
	else if (mqtt_publish(s->mqtt, topic, payload->data, payload->len) < 0)
		log_debug("store %s: %s not sent, the store will ask again", store, what);
}

void hq_serve_confirm(void *ctx, const char *store, const struct confirm *confirm)
{
	struct serve *s = ctx;

	buf_reset(&s->header);
	buf_reset(&s->out);
	if (confirm_write(confirm, &s->header) != 0) {
		log_error("store %s: a confirmation could not be written", store);
		return;
	}
	buf_byte(&s->header, '\0');
	if (s->header.failed || frame_encode("LNWC", store, (const char *)s->header.data, NULL, 0,
	                                     hq_keys_sign(s->keys), &s->out) != 0) {
		log_error("store %s: a confirmation could not be signed", store);
		return;
	}
	hq_serve_publish(s, store, "confirm", &s->out);
}

static void send_poke(void *ctx, const char *store)
{
	struct serve *s = ctx;

	buf_reset(&s->out);
	buf_printf(&s->out,
	           "{\"v\":1,%s\"generation\":\"%s\",\"turn\":%llu,\"version\":%llu,\"weights\":",
	           s->anew ? "\"anew\":true," : "", hq_db_generation(s->db),
	           (unsigned long long)hq_db_turn(s->db), (unsigned long long)s->poked);
	lw_event_json_string(&s->out, s->weights);
	buf_byte(&s->out, '}');
	hq_serve_publish(s, store, "poke", &s->out);
}

void hq_serve_weigh(struct serve *s)
{
	const char *now = hq_tell_weights_made(s->tell);

	if (strcmp(now, s->weights) == 0)
		return;
	text_copy(s->weights, sizeof s->weights, now);
	hq_serve_poke(s);
}

void hq_serve_poke(struct serve *s)
{
	s->poked = hq_profile_version(s->db);
	hq_stores_each(s->stores, send_poke, s);
}

/* A timer that is already running carries later changes too: one poke tells of them all. */
void hq_serve_changed(void *ctx)
{
	const struct timeval wait = {0, HQ_SERVE_POKE_MS * 1000L};
	struct serve *s = ctx;

	if (hq_profile_version(s->db) != s->poked && !evtimer_pending(s->on_poke, NULL))
		evtimer_add(s->on_poke, &wait);
}
