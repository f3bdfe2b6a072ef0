#include "hq/serve/hq_serve_internal.h"

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock_keep.h"
#include "base/log.h"
#include "base/memory.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_profile.h"
#include "hq/prove/hq_trust.h"
#include "hq/serve/hq_act.h"

#define HQ_SERVE_QUEUE_MAX                                                                         \
	16384 /* incoming payloads; what does not fit is sent again by its store */
#define HQ_SERVE_TICK_MS 500
#define HQ_SERVE_AGAIN_S 2           /* after a database error: a full disk may have room again */
#define HQ_SERVE_CHOOSE_TICKS 10     /* between stores whose customers are chosen */
#define HQ_SERVE_OPEN_TICKS 60       /* between looks at all incomplete statements: 30 s */
#define HQ_SERVE_DISPUTED_TICKS 1200 /* and at the disputed ones: 10 minutes */
#define HQ_SERVE_ERR_SIZE 400

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

void hq_serve_fold(struct serve *s)
{
	const struct timeval at_once = {0, 0}, later = {HQ_SERVE_AGAIN_S, 0};
	int rc = hq_apply_step(s->apply);

	if (rc < 0)
		log_error("events could not be folded into profiles; trying again");
	if (rc != 0)
		evtimer_add(s->on_fold, rc > 0 ? &at_once : &later);
	hq_serve_changed(s);
	sign_soon(s);
	if (s->deliver)
		hq_deliver_pump(s->deliver);
}

static void on_fold(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	hq_serve_fold(ctx);
}

static void on_mqtt(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	hq_serve_take(ctx);
}

static void on_poke(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	hq_serve_poke(ctx);
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
	hq_serve_weigh(s);
	if (s->ticks % HQ_SERVE_CHOOSE_TICKS == 0)
		hq_hold_choose_one(s->db, s->conf->shard_bytes, clock_wall_us(clock_system()));
	hq_serve_changed(s);
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
	s->on_poke = evtimer_new(s->base, on_poke, s);
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

static json_t *act(void *ctx, const char *action, const char *store, const char *epoch, char *err,
                   size_t err_size)
{
	struct serve *s = ctx;
	const struct hq_act what = {s->db, s->keys, clock_wall_us(clock_system())};
	json_t *answer = hq_act_do(&what, action, store, epoch, err, err_size);

	if (answer && strcmp(action, "restored") == 0)
		hq_serve_poke(s);
	if (answer && strcmp(action, "settle") == 0)
		hq_serve_settled(s, store, epoch);
	if (answer && strcmp(action, "retry") == 0)
		hq_serve_fold(s);
	return answer;
}

/* Stores ask for the new table, customers are folded by it, or told of others, in steps. */
static void again(void *ctx)
{
	const struct timeval at_once = {0, 0};
	struct serve *s = ctx;

	hq_serve_poke(s);
	evtimer_add(s->on_fold, &at_once);
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
	hq_ingest_confirm(s->ingest, hq_serve_confirm, s);
	hq_serve_fold(s);
	return 0;
}

static int start(struct serve *s, char *err, size_t err_size)
{
	struct hq_control_params control = {.scope = &s->rules.scope,
	                                    .rules = &s->rules,
	                                    .again = again,
	                                    .path = s->conf->socket,
	                                    .changed = hq_serve_changed,
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
	hq_serve_die_hook(s);
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
