/* What stores send: batches are taken into a round and confirmed behind its commit, asks are
 * answered after it. */
#include "hq/serve/hq_serve_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "hq/base/hq_generation.h"
#include "hq/intake/hq_held.h"

#define HQ_SERVE_DIE_STATUS 9

/* A store that has seen HQ further than hq.db stands makes all of them begin anew. */
static void note_restored(struct serve *s, const char *store, const struct mqtt_item *item)
{
	const struct hq_generation g = {s->db, s->keys, s->work, clock_wall_us(clock_system())};

	if (hq_generation_ask(&g, store, item->payload, item->len))
		hq_serve_poke(s);
}

/* "laneway/1/<store>/up": the store and the last word. */
static bool split_topic(const char *topic, char store[EVENT_STORE_SIZE], const char **word)
{
	const char *name = topic + strlen("laneway/1/"), *slash;

	if (strncmp(topic, "laneway/1/", strlen("laneway/1/")) != 0)
		return false;
	slash = strchr(name, '/');
	if (!slash || slash - name >= EVENT_STORE_SIZE)
		return false;
	memcpy(store, name, (size_t)(slash - name));
	store[slash - name] = '\0';
	*word = slash + 1;
	return hq_keys_name_ok(store);
}

static void answer_ask(struct serve *s, const struct mqtt_item *item)
{
	char store[EVENT_STORE_SIZE];
	const char *word;

	if (!split_topic(item->topic, store, &word))
		return;
	note_restored(s, store, item);
	buf_reset(&s->out);
	if (hq_tell_answer(s->tell, store, item->payload, item->len, &s->out) == 0 &&
	    hq_db_mark(s->db) == 0)
		hq_serve_publish(s, store, "tell", &s->out);
}

static void answer_asks(struct serve *s)
{
	for (int i = 0; i < s->ask_count; i++) {
		answer_ask(s, s->ask[i]);
		mqtt_item_free(s->ask[i]);
	}
	s->ask_count = 0;
}

void hq_serve_die_hook(struct serve *s)
{
	const char *hook = getenv("LANEWAY_HQ_DIE"), *name = "after_commit:";

	if (hook && strncmp(hook, name, strlen(name)) == 0)
		num_u64(hook + strlen(name), 1, UINT32_MAX, &s->die_left);
}

/* For tests: end after a commit and before its confirmations, as a power cut could. */
static void maybe_die(struct serve *s)
{
	if (s->die_left == 0 || --s->die_left > 0)
		return;
	log_warn("LANEWAY_HQ_DIE: ending after a commit, before its confirmations");
	_exit(HQ_SERVE_DIE_STATUS);
}

static void end_round(struct serve *s)
{
	int64_t now_us;

	if (hq_ingest_commit(s->ingest) != 0)
		return;
	maybe_die(s);
	now_us = clock_mono_us(clock_system());
	hq_credit_lag(s->credit, now_us - s->oldest_us, now_us);
	hq_ingest_credit(s->ingest, hq_credit_now(s->credit, now_us));
	hq_ingest_confirm(s->ingest, hq_serve_confirm, s);
}

/* true: the item has been kept for later. */
static bool take_message(struct serve *s, struct mqtt_item *item, bool *round)
{
	char store[EVENT_STORE_SIZE];
	const char *word;

	if (!split_topic(item->topic, store, &word))
		return false;
	hq_stores_heard(s->stores, store);
	bool up = strcmp(word, "up") == 0, ask = strcmp(word, "ask") == 0;
	if (ask && !hq_held_is(item->payload, item->len)) {
		s->ask[s->ask_count++] = item;
		return true;
	}
	if (!up && !ask)
		return false;
	if (!*round && hq_ingest_begin(s->ingest) != 0)
		return false;
	if (!*round)
		s->oldest_us = item->mono_us;
	*round = true;
	if (up) {
		hq_credit_heard(s->credit, store, item->len, item->mono_us);
		hq_ingest_up(s->ingest, store, item->payload, item->len);
	} else {
		hq_ingest_held(s->ingest, store, item->payload, item->len);
	}
	return false;
}

static bool take_item(struct serve *s, struct mqtt_item *item, bool *round)
{
	switch (item->type) {
	case MQTT_MESSAGE:
		return take_message(s, item, round);
	case MQTT_UP:
		log_info("connected to the broker at %s:%d", s->conf->broker_host,
		         s->conf->broker_port);
		/* A store that waits for an answer lost with the broker asks again at once; what
		 * came while the broker knew nothing of us was lost, too. */
		s->anew = item->anew;
		hq_serve_poke(s);
		s->anew = false;
		break;
	case MQTT_DOWN:
		log_warn("the broker at %s:%d is gone: %.*s", s->conf->broker_host,
		         s->conf->broker_port, (int)item->len, (const char *)item->payload);
		break;
	case MQTT_ACKED:
		break;
	}
	return false;
}

void hq_serve_take(struct serve *s)
{
	struct mqtt_item *item;
	bool round = false;

	for (int i = 0; i < HQ_SERVE_ROUND_MAX && (item = mqtt_next(s->mqtt)) != NULL; i++) {
		if (!take_item(s, item, &round))
			mqtt_item_free(item);
	}
	if (round) {
		end_round(s);
		hq_serve_fold(s);
	}
	answer_asks(s);
}

/* The store is told at once; if it does not hear it, it asks at its next connection. */
void hq_serve_settled(struct serve *s, const char *store, const char *epoch)
{
	char ask[128];
	int n = snprintf(
	    ask, sizeof ask,
	    "{\"v\":1,\"device\":\"hq\",\"ask\":\"held\",\"epochs\":[{\"epoch\":\"%s\"}]}", epoch);

	if (hq_ingest_begin(s->ingest) != 0)
		return;
	hq_ingest_held(s->ingest, store, ask, (size_t)n);
	if (hq_ingest_commit(s->ingest) == 0)
		hq_ingest_confirm(s->ingest, hq_serve_confirm, s);
}
