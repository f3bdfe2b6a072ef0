#include "hq/hq_serve.h"

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock_keep.h"
#include "base/memory.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/hq_act.h"
#include "hq/hq_apply.h"
#include "hq/hq_control.h"
#include "hq/hq_credit.h"
#include "hq/hq_deliver.h"
#include "hq/hq_generation.h"
#include "hq/hq_held.h"
#include "hq/hq_hold.h"
#include "hq/hq_ingest.h"
#include "hq/hq_profile.h"
#include "hq/hq_rules.h"
#include "hq/hq_signer.h"
#include "hq/hq_stores.h"
#include "hq/hq_tell.h"
#include "hq/hq_trust.h"
#include "hq/hq_webhook.h"
#include "sync/batch.h"
#include "sync/mqtt.h"

#define HQ_SERVE_QUEUE_MAX                                                                         \
	16384                 /* incoming payloads; what does not fit is sent again by its store */
#define HQ_SERVE_ROUND_MAX 64 /* payloads taken into one commit */
#define HQ_SERVE_POKE_MS 200  /* at most one poke per store in this time */
#define HQ_SERVE_TICK_MS 500
#define HQ_SERVE_AGAIN_S 2           /* after a database error: a full disk may have room again */
#define HQ_SERVE_CHOOSE_TICKS 10     /* between stores whose customers are chosen */
#define HQ_SERVE_OPEN_TICKS 60       /* between looks at all incomplete statements: 30 s */
#define HQ_SERVE_DISPUTED_TICKS 1200 /* and at the disputed ones: 10 minutes */
#define HQ_SERVE_ERR_SIZE 400
#define HQ_SERVE_DIE_STATUS 9

struct serve {
	const struct hq_conf *conf;
	struct event_base *base;
	struct hq_db *db;
	struct hq_rules rules; /* in force */
	struct hq_keys *keys;
	struct vault_work *work;
	struct hq_ingest *ingest;
	struct hq_credit *credit;
	struct hq_apply *apply;
	struct hq_signer *signer;
	struct hq_tell *tell;
	struct hq_stores *stores;
	struct hq_webhook *webhook; /* NULL: no URL */
	struct hq_deliver *deliver;
	struct hq_control *control;
	struct ssl_ctx_st *tls;
	struct mqtt *mqtt;
	struct event *on_mqtt, *on_answers, *on_tick, *on_fold, *on_sign, *on_poke, *on_term,
	    *on_int;
	struct buf out, header;
	struct mqtt_item *ask[HQ_SERVE_ROUND_MAX]; /* answered after the commit and the fold */
	int ask_count;
	unsigned ticks;
	uint64_t poked;    /* feed version that the stores have been told of */
	int64_t oldest_us; /* when the round's oldest batch came in */
	uint64_t die_left; /* commits until the test hook ends the process; 0: never */
};

/* ---- out ---- */

static void publish(struct serve *s, const char *store, const char *what, const struct buf *payload)
{
	char topic[96];

	snprintf(topic, sizeof topic, "laneway/1/%s/%s", store, what);
	if (payload->failed)
		log_error("store %s: out of memory for a %s", store, what);
	else if (mqtt_publish(s->mqtt, topic, payload->data, payload->len) < 0)
		log_debug("store %s: %s not sent, the store will ask again", store, what);
}

static void send_confirm(void *ctx, const char *store, const struct confirm *confirm)
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
	publish(s, store, "confirm", &s->out);
}

static void send_poke(void *ctx, const char *store)
{
	struct serve *s = ctx;

	buf_reset(&s->out);
	buf_printf(&s->out, "{\"v\":1,\"generation\":\"%s\",\"turn\":%llu,\"version\":%llu}",
	           hq_db_generation(s->db), (unsigned long long)hq_db_turn(s->db),
	           (unsigned long long)s->poked);
	publish(s, store, "poke", &s->out);
}

static void poke_stores(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	s->poked = hq_profile_version(s->db);
	hq_stores_each(s->stores, send_poke, s);
}

/* A timer that is already running carries later changes too: one poke tells of them all. */
static void profiles_changed(void *ctx)
{
	const struct timeval wait = {0, HQ_SERVE_POKE_MS * 1000L};
	struct serve *s = ctx;

	if (hq_profile_version(s->db) != s->poked && !evtimer_pending(s->on_poke, NULL))
		evtimer_add(s->on_poke, &wait);
}

/* A store that has seen HQ further than hq.db stands makes all of them begin anew. */
static void note_restored(struct serve *s, const char *store, const struct mqtt_item *item)
{
	const struct hq_generation g = {s->db, s->keys, s->work, clock_wall_us(clock_system())};

	if (hq_generation_ask(&g, store, item->payload, item->len))
		poke_stores(-1, 0, s);
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
		publish(s, store, "tell", &s->out);
}

static void answer_asks(struct serve *s)
{
	for (int i = 0; i < s->ask_count; i++) {
		answer_ask(s, s->ask[i]);
		mqtt_item_free(s->ask[i]);
	}
	s->ask_count = 0;
}

/* ---- statements ---- */

static void on_sign(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval at_once = {0, 0}, later = {HQ_SERVE_AGAIN_S, 0};
	struct serve *s = ctx;
	int rc = hq_signer_step(s->signer);

	(void)fd;
	(void)what;
	if (rc < 0)
		log_error("a statement could not be looked at; trying again");
	if (rc != 0)
		evtimer_add(s->on_sign, rc > 0 ? &at_once : &later);
}

static void sign_soon(struct serve *s)
{
	const struct timeval at_once = {0, 0};

	if (!evtimer_pending(s->on_sign, NULL))
		evtimer_add(s->on_sign, &at_once);
}

/* ---- folding, in steps between which the loop serves others ---- */

static void fold(struct serve *s)
{
	const struct timeval at_once = {0, 0}, later = {HQ_SERVE_AGAIN_S, 0};
	int rc = hq_apply_step(s->apply);

	if (rc < 0)
		log_error("events could not be folded into profiles; trying again");
	if (rc != 0)
		evtimer_add(s->on_fold, rc > 0 ? &at_once : &later);
	profiles_changed(s);
	sign_soon(s);
	if (s->deliver)
		hq_deliver_pump(s->deliver);
}

static void on_fold(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	fold(ctx);
}

/* ---- in ---- */

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
	hq_ingest_confirm(s->ingest, send_confirm, s);
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
		/* A store that waits for an answer lost with the broker asks again at once. */
		poke_stores(-1, 0, s);
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

static void on_mqtt(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;
	struct mqtt_item *item;
	bool round = false;

	(void)fd;
	(void)what;
	for (int i = 0; i < HQ_SERVE_ROUND_MAX && (item = mqtt_next(s->mqtt)) != NULL; i++) {
		if (!take_item(s, item, &round))
			mqtt_item_free(item);
	}
	if (round) {
		end_round(s);
		fold(s);
	}
	answer_asks(s);
}

static void on_answers(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	hq_deliver_answers(s->deliver);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	hq_stores_tick(s->stores);
	if (s->ticks % HQ_SERVE_CHOOSE_TICKS == 0)
		hq_hold_choose_one(s->db, s->conf->shard_bytes, clock_wall_us(clock_system()));
	profiles_changed(s);
	if (s->ticks++ % HQ_SERVE_OPEN_TICKS == 0) {
		hq_signer_again(s->signer, (s->ticks - 1) % HQ_SERVE_DISPUTED_TICKS == 0);
		sign_soon(s);
	}
	if (s->deliver)
		hq_deliver_pump(s->deliver);
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)number;
	(void)what;
	log_info("stopping");
	event_base_loopexit(s->base, NULL);
}

/* ---- start and stop ---- */

static void read_die_hook(struct serve *s)
{
	const char *hook = getenv("LANEWAY_HQ_DIE"), *name = "after_commit:";

	if (hook && strncmp(hook, name, strlen(name)) == 0)
		num_u64(hook + strlen(name), 1, UINT32_MAX, &s->die_left);
}

static int start_mqtt(struct serve *s, char *err, size_t err_size)
{
	static const char *const topics[] = {"laneway/1/+/up", "laneway/1/+/ask", NULL};
	struct mqtt_params params = {.host = s->conf->broker_host,
	                             .port = s->conf->broker_port,
	                             .client_id = "laneway-hq",
	                             .topics = topics,
	                             .queue_max = HQ_SERVE_QUEUE_MAX,
	                             .queue_bytes_max = 2 * HQ_CREDIT_TOTAL_BYTES};

	s->tls = vault_tls_client(s->conf->keys, "hq.key", "hq.crt", s->conf->broker_host, err,
	                          err_size);
	if (!s->tls)
		return -1;
	params.tls = s->tls;
	s->mqtt = mqtt_new(&params, err, err_size);
	return s->mqtt ? 0 : -1;
}

static int start_store(struct serve *s, char *err, size_t err_size)
{
	const struct clock *clock = clock_system();
	bool webhook = s->conf->webhook_url[0] != '\0', held;
	struct hq_apply_params apply = {
	    .clock = clock, .scope = &s->rules.scope, .webhook = webhook};
	struct hq_stores_params stores = {
	    .clock = clock, .dark_s = s->conf->dark_s, .webhook = webhook};

	if (hq_keys_open(&s->keys, s->conf->keys, err, err_size) != 0 ||
	    hq_db_open(&s->db, s->conf->data, &held, err, err_size) != 0)
		return -1;
	if (hq_trust_take(s->db, &s->conf->trust) != 0) {
		snprintf(err, err_size, "hq.db cannot be written");
		return -1;
	}
	if (hq_rules_open(&s->rules, s->db, s->conf, err, err_size) != 0)
		return -1;
	apply.db = stores.db = s->db;
	apply.keys = s->keys;
	snprintf(err, err_size, "out of memory");
	s->work = vault_work_new();
	s->credit = hq_credit_new();
	s->ingest = hq_ingest_new(s->db, s->keys, clock);
	s->apply = hq_apply_new(&apply);
	s->signer = hq_signer_new(s->db, s->keys, clock);
	s->tell = hq_tell_new(s->db, s->keys, clock);
	s->stores = hq_stores_new(&stores);
	if (!s->work || !s->credit || !s->ingest || !s->apply || !s->signer || !s->tell ||
	    !s->stores)
		return -1;
	hq_tell_rules(s->tell, &s->rules);
	if (hq_tell_weights(s->tell, s->conf->data) != 0)
		return -1;
	hq_tell_error(s->tell, clock_raw_system()->kernel, NULL);
	if (!webhook)
		return 0;
	s->webhook = hq_webhook_start(s->conf->webhook_url);
	s->deliver = s->webhook ? hq_deliver_new(s->db, s->webhook, clock) : NULL;
	return s->deliver ? 0 : -1;
}

static int start_events(struct serve *s, char *err, size_t err_size)
{
	const struct timeval tick = {0, HQ_SERVE_TICK_MS * 1000L}, at_once = {0, 0};

	s->on_mqtt = event_new(s->base, mqtt_fd(s->mqtt), EV_READ | EV_PERSIST, on_mqtt, s);
	s->on_tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	s->on_fold = evtimer_new(s->base, on_fold, s);
	s->on_sign = evtimer_new(s->base, on_sign, s);
	s->on_poke = evtimer_new(s->base, poke_stores, s);
	s->on_term = evsignal_new(s->base, SIGTERM, on_signal, s);
	s->on_int = evsignal_new(s->base, SIGINT, on_signal, s);
	if (s->webhook)
		s->on_answers = event_new(s->base, hq_webhook_fd(s->webhook), EV_READ | EV_PERSIST,
		                          on_answers, s);
	if (!s->on_mqtt || !s->on_tick || !s->on_fold || !s->on_sign || !s->on_poke ||
	    !s->on_term || !s->on_int ||
	    (s->webhook && (!s->on_answers || event_add(s->on_answers, NULL) != 0)) ||
	    event_add(s->on_mqtt, NULL) != 0 || event_add(s->on_tick, &tick) != 0 ||
	    event_add(s->on_term, NULL) != 0 || event_add(s->on_int, NULL) != 0 ||
	    evtimer_add(s->on_fold, &at_once) != 0 || mqtt_start(s->mqtt) != 0) {
		snprintf(err, err_size, "the event loop or MQTT's thread could not be started");
		return -1;
	}
	return 0;
}

/* The store is told at once; if it does not hear it, it asks at its next connection. */
static void tell_settled(struct serve *s, const char *store, const char *epoch)
{
	char ask[128];
	int n = snprintf(
	    ask, sizeof ask,
	    "{\"v\":1,\"device\":\"hq\",\"ask\":\"held\",\"epochs\":[{\"epoch\":\"%s\"}]}", epoch);

	if (hq_ingest_begin(s->ingest) != 0)
		return;
	hq_ingest_held(s->ingest, store, ask, (size_t)n);
	if (hq_ingest_commit(s->ingest) == 0)
		hq_ingest_confirm(s->ingest, send_confirm, s);
}

static json_t *act(void *ctx, const char *action, const char *store, const char *epoch, char *err,
                   size_t err_size)
{
	struct serve *s = ctx;
	const struct hq_act what = {s->db, s->keys, clock_wall_us(clock_system())};
	json_t *answer = hq_act_do(&what, action, store, epoch, err, err_size);

	if (answer && strcmp(action, "restored") == 0)
		poke_stores(-1, 0, s);
	if (answer && strcmp(action, "settle") == 0)
		tell_settled(s, store, epoch);
	if (answer && strcmp(action, "retry") == 0)
		fold(s);
	return answer;
}

/* Stores ask for the new table, customers are folded by it, in steps. */
static void ruled(void *ctx)
{
	struct serve *s = ctx;

	poke_stores(-1, 0, s);
	evtimer_add(s->on_fold, (&(const struct timeval){0, 0}));
}

/* A batch that comes in by hand; the store hears of what it has confirmed. */
static int take_up(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	struct serve *s = ctx;

	if (hq_ingest_begin(s->ingest) != 0)
		return -1;
	hq_ingest_up(s->ingest, store, payload, len);
	if (hq_ingest_commit(s->ingest) != 0)
		return -1;
	hq_ingest_confirm(s->ingest, send_confirm, s);
	fold(s);
	return 0;
}

static int start(struct serve *s, char *err, size_t err_size)
{
	struct hq_control_params control = {.scope = &s->rules.scope,
	                                    .rules = &s->rules,
	                                    .ruled = ruled,
	                                    .path = s->conf->socket,
	                                    .changed = profiles_changed,
	                                    .act = act,
	                                    .up = take_up,
	                                    .ctx = s};

	s->base = event_base_new();
	if (!s->base) {
		snprintf(err, err_size, "the event loop could not be made");
		return -1;
	}
	if (start_store(s, err, err_size) != 0 || start_mqtt(s, err, err_size) != 0)
		return -1;
	control.base = s->base;
	control.db = s->db;
	if (hq_control_open(&s->control, &control, err, err_size) != 0)
		return -1;
	return start_events(s, err, err_size);
}

static void stop(struct serve *s)
{
	struct event *const events[] = {s->on_int,  s->on_term, s->on_answers, s->on_poke,
	                                s->on_sign, s->on_fold, s->on_tick,    s->on_mqtt};

	hq_control_close(s->control);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		if (events[i])
			event_free(events[i]);
	}
	if (s->mqtt && !mqtt_stop(s->mqtt)) {
		/* Its thread hangs in a connect: everything of ours is committed, so just go. */
		hq_db_close(s->db);
		_exit(0);
	}
	mqtt_free(s->mqtt);
	vault_tls_free(s->tls);
	hq_webhook_stop(s->webhook);
	hq_deliver_free(s->deliver);
	hq_stores_free(s->stores);
	hq_tell_free(s->tell);
	hq_signer_free(s->signer);
	hq_apply_free(s->apply);
	hq_ingest_free(s->ingest);
	hq_credit_free(s->credit);
	hq_rules_free(&s->rules);
	hq_db_close(s->db);
	vault_work_free(s->work);
	hq_keys_free(s->keys);
	buf_free(&s->out);
	buf_free(&s->header);
	if (s->base)
		event_base_free(s->base);
}

int hq_serve(const struct hq_conf *conf)
{
	struct serve *s = memory_zeroed(1, sizeof *s);
	char err[HQ_SERVE_ERR_SIZE] = "out of memory";
	int rc = 1;

	if (!s)
		return 1;
	s->conf = conf;
	signal(SIGPIPE, SIG_IGN);
	read_die_hook(s);
	if (start(s, err, sizeof err) == 0) {
		s->poked = hq_profile_version(s->db);
		log_info("running: data in %s, generation %s", conf->data, hq_db_generation(s->db));
		event_base_dispatch(s->base);
		rc = 0;
	} else {
		log_error("%s", err);
	}
	stop(s);
	free(s);
	return rc;
}
