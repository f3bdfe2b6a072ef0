/* What HQ says: confirmations, tells, pokes. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sync/sync_internal.h"
#include "sync/tell.h"

static void bad(struct sync *s, const char *topic, const char *err)
{
	counter_add(s->params.counters, COUNTER_DOWNLINK_BAD, 1);
	log_warn("sync: dropped a message on %s: %s", topic, err);
}

/* HQ lives: after a silence what is on its way need not wait for its long timers. */
static void heard(struct sync *s)
{
	int64_t now = clock_mono_us(s->params.clock);
	bool silent = now - s->heard_us > SYNC_SILENCE_US;
	s->heard_us = now;
	if (silent)
		uplink_alive(s->uplink);
}

enum generation_word sync_hear_generation(struct sync *s, const char *heard)
{
	enum generation_word word = generation_note(&s->generation, heard);
	if (word == GENERATION_OVER)
		log_warn("sync: dropped a word of HQ's generation %s, which is over", heard);
	else if (word != GENERATION_SAME)
		uplink_generation(s->uplink, heard, word == GENERATION_OTHER);
	if (word == GENERATION_OTHER)
		countersign_again(s->countersign);
	return word;
}

static void on_confirm(struct sync *s, const struct mqtt_item *item)
{
	struct frame frame;
	char err[200];
	if (frame_decode("LNWC", s->store, item->payload, item->len,
	                 vault_hq_sign_pub(s->params.vault), &frame, err, sizeof(err)) ||
	    confirm_parse(frame.header, frame.header_len, s->confirm, err, sizeof(err))) {
		bad(s, item->topic, err);
		return;
	}
	enum generation_word word = sync_hear_generation(s, s->confirm->generation);
	if (word == GENERATION_OVER) {
		downlink_ask(s->downlink); /* HQ sees by what we have seen that it was restored */
		return;
	}
	uplink_confirm(s->uplink, s->confirm);
	if (generation_see(&s->generation, s->confirm->seen, s->params.clock, s->params.journal))
		downlink_seen(s->downlink, s->generation.seen);
	if (word == GENERATION_OTHER)
		downlink_ask(s->downlink);
	heard(s);
}

/* ---- tells: one row per kind; each gets a signed frame that is for this device ---- */

static int on_changes(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	struct downlink_tell tell;
	if (downlink_parse(frame->header, frame->header_len, &tell, err, err_size))
		return -1;
	if (!downlink_expects(s->downlink, &tell))
		return 0;
	if (sync_hear_generation(s, tell.generation) == GENERATION_OVER)
		return 0;
	downlink_page(s->downlink, &tell, frame->body, frame->body_len);
	return 0;
}

static int on_time(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return trust_tell(s->trust, frame->header, frame->header_len, err, err_size);
}

static int on_statement(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return countersign_tell(s->countersign, frame, err, err_size);
}

static int on_rules(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return ruling_tell(s->ruling, frame, err, err_size);
}

static int on_weights(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return ruling_tell(s->weighing, frame, err, err_size);
}

static int on_profile(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	return inquiry_tell(s->inquiry, frame, err, err_size) < 0 ? -1 : 0;
}

static const struct {
	const char *kind;
	/* 0, or -1 with what is wrong with it */
	int (*take)(struct sync *s, const struct frame *frame, char *err, size_t err_size);
} tells[] = {
    {"changes", on_changes}, {"time", on_time},   {"statement", on_statement},
    {"profile", on_profile}, {"rules", on_rules}, {"weights", on_weights},
};

static int take_tell(struct sync *s, const struct frame *frame, char *err, size_t err_size)
{
	struct tell tell;
	if (tell_parse(frame->header, frame->header_len, &tell, err, err_size))
		return -1;
	heard(s);
	if (strcmp(tell.device, s->device) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
		if (strcmp(tells[i].kind, tell.kind) == 0)
			return tells[i].take(s, frame, err, err_size);
	}
	snprintf(err, err_size, "it tells something that was not asked for");
	return -1;
}

static void on_tell(struct sync *s, const struct mqtt_item *item)
{
	struct frame frame;
	char err[200];
	if (frame_decode("LNWT", s->store, item->payload, item->len,
	                 vault_hq_sign_pub(s->params.vault), &frame, err, sizeof(err)) ||
	    take_tell(s, &frame, err, sizeof(err)))
		bad(s, item->topic, err);
}

static void poked(struct sync *s, const struct mqtt_item *item)
{
	bool anew = downlink_poke(s->downlink, item->payload, item->len);
	trust_alive(s->trust, anew);
	if (anew)
		uplink_anew(s->uplink);
	ruling_again(s->ruling);
	ruling_poke(s->weighing, item->payload, item->len);
}

void sync_hear(struct sync *s, const struct mqtt_item *item)
{
	if (strcmp(item->topic, s->confirm_topic) == 0)
		on_confirm(s, item);
	else if (strcmp(item->topic, s->tell_topic) == 0)
		on_tell(s, item);
	else if (strcmp(item->topic, s->poke_topic) == 0)
		poked(s, item);
	else
		bad(s, item->topic, "a topic that was not asked for");
}
