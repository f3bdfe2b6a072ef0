#include "sync/mqtt.h"

#include <mosquitto.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "store/vault.h"
#include "sync/address.h"

#define KEEPALIVE_S                                                                                \
	10 /* a ping after it, the end after it once more: a dead line costs 20 s at most */
#define LOOP_MS 500 /* how often the thread looks up while nothing happens */
/* The kernel sends SYNs after 0, 1, 3, 7, 15, 31 s ... so an attempt that waited long sends none
 * for a long time. A fresh one begins after 7 s: at most 4 s pass between two SYNs, and an answer
 * may take 7 s. Where a name has several addresses each gets 4 s, so that dead ones do not starve
 * the others. */
#define CONNECT_MS 7000
#define CONNECT_MS_SEVERAL 4000
#define HANDSHAKE_MS 10000 /* TLS and CONNACK, from the answer to the SYN on */
#define PACE_MS_MIN 1000   /* from one fast failure (refused, no route) to the next attempt */
#define PACE_MS_MAX                                                                                \
	8000 /* and once a broker that answers refuses us again and again; under 12 s              \
	      */
#define PACE_JITTER_MS 1000    /* added, so that stores do not march in step */
#define STOP_S 2               /* a thread inside DNS is left behind after this */
#define TOPICS_MAX 8           /* subscriptions */
#define SESSION_PRESENT 1      /* of a CONNACK's flags (MQTT 3.1.1, 3.2.2.2) */
#define ID_SIZE 72             /* of a client id */
#define PAYLOAD_MAX (4u << 20) /* twice the largest batch: more is nobody of ours */

/* Invariants: only `thread` calls mosquitto_loop and connects (M1); callbacks run in it and never
 * wait (M2); `up` is true from the SUBACK of the last topic to the end of the connection (M3);
 * others touch `mosq` under `gate` only, and the thread holds it while it connects or puts another
 * in its place (M4); what one connection did not bring over is forgotten with it (M5). */
struct mqtt {
	struct mosquitto *mosq;
	pthread_mutex_t gate;
	struct ssl_ctx_st *tls;
	char client_id[ID_SIZE];
	bool clean_session, used; /* used: this mosq had a CONNACK */
	bool connacked;           /* in this connection */
	atomic_bool anew;         /* it began without a session of ours at the broker */
	struct address_list addresses;
	struct queue *items;
	size_t bytes_max;
	atomic_size_t bytes; /* of payloads in items */
	struct counters *counters;
	char *host;
	int port;
	char *topics[TOPICS_MAX];
	int topic_count;
	int subacks; /* still to come; the thread's own */
	pthread_t thread;
	bool started;
	atomic_bool up, stopping, wake_queued, state_lost;
	char wake;       /* its address in the queue ends a wait; never handed out */
	char fault[160]; /* libmosquitto's last words on an error; the thread's own */
	pthread_mutex_t lock;
	pthread_cond_t stop;
};

static struct mqtt_item *item_new(enum mqtt_item_type type, const void *payload, size_t len)
{
	struct mqtt_item *item = malloc(sizeof(*item) + len + 1);
	if (!item)
		return NULL;
	item->type = type;
	item->anew = false;
	item->mid = 0;
	item->mono_us = clock_mono_us(clock_system());
	item->topic[0] = 0;
	item->len = len;
	if (len)
		memcpy(item->payload, payload, len);
	item->payload[len] = 0;
	return item;
}

/* Up or down that found the queue full is not lost: mqtt_next says it when the queue is empty. */
static void push(struct mqtt *m, struct mqtt_item *item)
{
	size_t len = item ? item->len : 0;
	bool fits = atomic_fetch_add(&m->bytes, len) + len <= m->bytes_max || !m->bytes_max;
	if (item && fits && queue_push(m->items, item))
		return;
	atomic_fetch_sub(&m->bytes, len);
	if (item && (item->type == MQTT_UP || item->type == MQTT_DOWN))
		atomic_store(&m->state_lost, true);
	else if (m->counters)
		counter_add(m->counters, COUNTER_MQTT_DROPPED, 1);
	free(item);
}

static struct mqtt_item *item_up(const struct mqtt *m)
{
	struct mqtt_item *item = item_new(MQTT_UP, NULL, 0);

	if (item)
		item->anew = atomic_load(&m->anew);
	return item;
}

static void now_up(struct mqtt *m)
{
	atomic_store(&m->up, true);
	push(m, item_up(m));
}

/* libmosquitto's words for these would mislead. */
static const char *reason_text(int rc)
{
	switch (rc) {
	case MOSQ_ERR_SUCCESS:
		return "asked for";
	case MOSQ_ERR_NO_CONN:
		return "no answer to the connect";
	case MOSQ_ERR_KEEPALIVE:
		return "the broker has been silent for too long";
	case MOSQ_ERR_EAI:
		return "the name cannot be looked up:";
	default:
		return mosquitto_strerror(rc);
	}
}

/* ---- callbacks: in the thread, they only copy ---- */

static void on_connect(struct mosquitto *mosq, void *ctx, int code, int flags)
{
	struct mqtt *m = ctx;
	if (code != 0) {
		log_warn("mqtt: the broker refused the connection: %s",
		         mosquitto_connack_string(code));
		return;
	}
	m->connacked = m->used = true;
	atomic_store(&m->anew, (flags & SESSION_PRESENT) == 0);
	m->subacks = m->topic_count;
	for (int i = 0; i < m->topic_count; i++)
		mosquitto_subscribe(mosq, NULL, m->topics[i], 1);
	if (!m->topic_count)
		now_up(m);
}

static void on_subscribe(struct mosquitto *mosq, void *ctx, int mid, int n, const int *qos)
{
	struct mqtt *m = ctx;
	(void)mosq;
	(void)mid;
	if (n < 1 || qos[0] > 2)
		log_warn("mqtt: the broker refused a subscription; check its access rules");
	if (m->subacks > 0 && --m->subacks == 0)
		now_up(m);
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int reason)
{
	struct mqtt *m = ctx;
	(void)mosq;
	if (!atomic_exchange(&m->up, false))
		return;
	const char *text = reason_text(reason);
	push(m, item_new(MQTT_DOWN, text, strlen(text)));
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *msg)
{
	struct mqtt *m = ctx;
	(void)mosq;
	struct mqtt_item *item = NULL;
	size_t len = msg->payloadlen > 0 ? (size_t)msg->payloadlen : 0;
	if (len <= PAYLOAD_MAX && strlen(msg->topic) < sizeof(item->topic))
		item = item_new(MQTT_MESSAGE, msg->payload, len);
	if (item)
		snprintf(item->topic, sizeof(item->topic), "%s", msg->topic);
	push(m, item);
}

static void on_publish(struct mosquitto *mosq, void *ctx, int mid)
{
	struct mqtt *m = ctx;
	(void)mosq;
	struct mqtt_item *item = item_new(MQTT_ACKED, NULL, 0);
	if (item)
		item->mid = mid;
	push(m, item);
}

static void on_log(struct mosquitto *mosq, void *ctx, int level, const char *text)
{
	struct mqtt *m = ctx;
	(void)mosq;
	if (level == MOSQ_LOG_ERR && pthread_equal(pthread_self(), m->thread))
		snprintf(m->fault, sizeof(m->fault), "%s", text);
}

/* ---- one connection, in the thread ---- */

static int64_t now_ms(void)
{
	return clock_mono_us(clock_system()) / 1000;
}

static struct mosquitto *make_mosquitto(struct mqtt *m)
{
	struct mosquitto *mosq = mosquitto_new(m->client_id, m->clean_session, m);
	if (!mosq)
		return NULL;
	mosquitto_threaded_set(mosq, true);
	mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
	mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_max_inflight_messages_set(mosq, 0);
	mosquitto_connect_with_flags_callback_set(mosq, on_connect);
	mosquitto_subscribe_callback_set(mosq, on_subscribe);
	mosquitto_disconnect_callback_set(mosq, on_disconnect);
	mosquitto_message_callback_set(mosq, on_message);
	mosquitto_publish_callback_set(mosq, on_publish);
	mosquitto_log_callback_set(mosq, on_log);
	if (mosquitto_int_option(mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
	    mosquitto_void_option(mosq, MOSQ_OPT_SSL_CTX, m->tls) == MOSQ_ERR_SUCCESS)
		return mosq;
	mosquitto_destroy(mosq);
	return NULL;
}

/* libmosquitto keeps what was not acknowledged and sends all of it again at the next CONNACK, in
 * front of everything new, and again for every copy that was published meanwhile. What goes again
 * and when is decided elsewhere: a connection begins with nothing. */
static void forget_the_last(struct mqtt *m)
{
	struct mosquitto *fresh = m->used ? make_mosquitto(m) : NULL;
	if (!fresh)
		return;
	pthread_mutex_lock(&m->gate);
	struct mosquitto *old = m->mosq;
	m->mosq = fresh;
	m->used = false;
	pthread_mutex_unlock(&m->gate);
	mosquitto_destroy(old);
}

/* Wait for the socket; its events, 0 after LOOP_MS or when there is no socket any more. */
static short await_socket(struct mqtt *m, short events)
{
	struct pollfd fd = {.fd = mosquitto_socket(m->mosq), .events = events};
	return fd.fd >= 0 && poll(&fd, 1, LOOP_MS) > 0 ? fd.revents : 0;
}

/* mosquitto_loop does not see that an asynchronous connect has failed: it spins until the
 * keep-alive ends it. So the answer to the SYN is waited for here. */
static int await_answer(struct mqtt *m, int64_t until_ms)
{
	while (!atomic_load(&m->stopping) && now_ms() < until_ms) {
		short got = await_socket(m, POLLOUT);
		if (got & (POLLERR | POLLHUP | POLLNVAL))
			return MOSQ_ERR_CONN_REFUSED;
		if (got)
			return MOSQ_ERR_SUCCESS;
	}
	return MOSQ_ERR_NO_CONN;
}

/* Not by mosquitto_loop: its keep-alive counts from the SYN on and would end a handshake over a
 * line whose round trip takes four seconds. */
static int await_connack(struct mqtt *m, int64_t until_ms)
{
	int rc = MOSQ_ERR_SUCCESS;
	while (rc == MOSQ_ERR_SUCCESS && !m->connacked && !atomic_load(&m->stopping)) {
		if (now_ms() >= until_ms)
			return MOSQ_ERR_KEEPALIVE;
		short want = mosquitto_want_write(m->mosq) ? POLLIN | POLLOUT : POLLIN;
		short got = await_socket(m, want);
		if (got)
			rc = mosquitto_loop_read(m->mosq, 1);
		if (rc == MOSQ_ERR_SUCCESS && mosquitto_want_write(m->mosq))
			rc = mosquitto_loop_write(m->mosq, 1);
		if (rc == MOSQ_ERR_SUCCESS && mosquitto_socket(m->mosq) < 0)
			rc = MOSQ_ERR_CONN_LOST;
	}
	return rc;
}

/* A connection to this address as far as the CONNACK. Its name in the certificate is checked by
 * `tls`, which knows it. */
static int open_connection(struct mqtt *m, const char *address)
{
	int64_t wait_ms = m->addresses.count > 1 ? CONNECT_MS_SEVERAL : CONNECT_MS;
	m->connacked = false;
	pthread_mutex_lock(&m->gate); /* it makes the pipe anew that wakes the loop of a publish */
	int rc = mosquitto_connect_async(m->mosq, address, m->port, KEEPALIVE_S);
	pthread_mutex_unlock(&m->gate);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = await_answer(m, now_ms() + wait_ms);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = await_connack(m, now_ms() + HANDSHAKE_MS);
	return rc;
}

/* One connection from its name to its end; why it ended. */
static int run_connection(struct mqtt *m)
{
	const char *fault, *address = address_get(&m->addresses, m->host, &fault);
	m->fault[0] = 0;
	m->connacked = false;
	if (!address) {
		snprintf(m->fault, sizeof(m->fault), "%s", fault);
		return MOSQ_ERR_EAI;
	}
	forget_the_last(m);
	int rc = open_connection(m, address);
	if (m->connacked)
		address_good(&m->addresses);
	else
		address_bad(&m->addresses);
	while (rc == MOSQ_ERR_SUCCESS && m->connacked && !atomic_load(&m->stopping))
		rc = mosquitto_loop(m->mosq, LOOP_MS, 1);
	return rc;
}

/* ---- the thread ---- */

/* true: stop. */
static bool pause_until(struct mqtt *m, int64_t until_ms)
{
	struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
	pthread_mutex_lock(&m->lock);
	int rc = 0;
	while (!atomic_load(&m->stopping) && rc == 0)
		rc = pthread_cond_timedwait(&m->stop, &m->lock, &until);
	pthread_mutex_unlock(&m->lock);
	return atomic_load(&m->stopping);
}

/* When to try again after an attempt that began at begun_ms. One that took its time has paced
 * itself: the next packet should not wait. While a name has addresses that were not tried they come
 * at once. */
static int64_t next_attempt_ms(struct mqtt *m, int64_t begun_ms, int *pace_ms)
{
	uint8_t dice;
	int64_t now = now_ms(), from = m->connacked ? now : begun_ms;
	if (!m->connacked && address_round_open(&m->addresses))
		return now;
	if (m->connacked || now - begun_ms >= CONNECT_MS_SEVERAL)
		*pace_ms = PACE_MS_MIN;
	vault_random(&dice, sizeof(dice));
	int64_t at = from + *pace_ms + PACE_JITTER_MS * dice / 256;
	*pace_ms = *pace_ms * 2 < PACE_MS_MAX ? *pace_ms * 2 : PACE_MS_MAX;
	return at > now ? at : now;
}

/* Lets a DISCONNECT leave, so that the broker does not take the end for a failure. */
static void say_goodbye(struct mqtt *m)
{
	if (atomic_load(&m->up))
		mosquitto_disconnect(m->mosq);
	for (int i = 0; i < 10 && atomic_load(&m->up); i++)
		if (mosquitto_loop(m->mosq, 100, 1) != MOSQ_ERR_SUCCESS)
			return;
}

/* libmosquitto's own loop gives up for good on errors that pass (names, TLS, a refused login): this
 * one comes back after every one. */
static void *thread_main(void *arg)
{
	struct mqtt *m = arg;
	int pace_ms = PACE_MS_MIN, last_rc = MOSQ_ERR_SUCCESS;
	while (!atomic_load(&m->stopping)) {
		int64_t begun_ms = now_ms();
		int rc = run_connection(m);
		if (atomic_load(&m->stopping))
			break;
		on_disconnect(m->mosq, m, rc);
		if (rc != last_rc)
			log_info("mqtt: no connection to %s:%d (%s%s%s), trying again", m->host,
			         m->port, reason_text(rc), m->fault[0] ? " " : "", m->fault);
		last_rc = m->connacked ? MOSQ_ERR_SUCCESS : rc;
		if (pause_until(m, next_attempt_ms(m, begun_ms, &pace_ms)))
			break;
	}
	say_goodbye(m);
	on_disconnect(m->mosq, m, 0);
	return NULL;
}

/* ---- making and ending ---- */

static int copy_params(struct mqtt *m, const struct mqtt_params *p)
{
	m->port = p->port;
	m->counters = p->counters;
	m->tls = p->tls;
	m->clean_session = p->clean_session;
	m->bytes_max = p->queue_bytes_max;
	m->host = strdup(p->host);
	if (!m->host || !text_copy(m->client_id, sizeof(m->client_id), p->client_id))
		return -1;
	for (; p->topics && p->topics[m->topic_count]; m->topic_count++) {
		if (m->topic_count == TOPICS_MAX)
			return -1;
		m->topics[m->topic_count] = strdup(p->topics[m->topic_count]);
		if (!m->topics[m->topic_count])
			return -1;
	}
	m->items = queue_new(p->queue_max);
	m->mosq = m->items ? make_mosquitto(m) : NULL;
	return m->mosq ? 0 : -1;
}

struct mqtt *mqtt_new(const struct mqtt_params *params, char *err, size_t err_size)
{
	if (!params->tls) {
		snprintf(err, err_size, "mqtt: no TLS context; plain connections are not made");
		return NULL;
	}
	struct mqtt *m = calloc(1, sizeof(*m));
	if (!m) {
		snprintf(err, err_size, "mqtt: out of memory");
		return NULL;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->stop, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->gate, NULL);
	mosquitto_lib_init();
	if (copy_params(m, params)) {
		snprintf(err, err_size, "mqtt: cannot set up a connection to %s:%d", params->host,
		         params->port);
		mqtt_free(m);
		return NULL;
	}
	return m;
}

int mqtt_start(struct mqtt *m)
{
	/* OpenSSL writes to a closed socket with SIGPIPE; the process's handlers stay with others.
	 */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	m->started = pthread_create(&m->thread, NULL, thread_main, m) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return m->started ? 0 : -1;
}

bool mqtt_stop(struct mqtt *m)
{
	if (!m->started)
		return true;
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->stopping, true);
	pthread_cond_signal(&m->stop);
	pthread_mutex_unlock(&m->lock);
	pthread_mutex_lock(&m->gate);
	if (mqtt_connected(m))
		mosquitto_disconnect(m->mosq); /* ends the loop's wait, too */
	pthread_mutex_unlock(&m->gate);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	if (pthread_clockjoin_np(m->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		return false;
	m->started = false;
	return true;
}

void mqtt_free(struct mqtt *m)
{
	if (!m)
		return;
	if (m->mosq)
		mosquitto_destroy(m->mosq);
	mosquitto_lib_cleanup();
	if (m->items) {
		for (struct mqtt_item *item; (item = mqtt_next(m));)
			mqtt_item_free(item);
		queue_free(m->items);
	}
	for (int i = 0; i < m->topic_count; i++)
		free(m->topics[i]);
	free(m->host);
	pthread_cond_destroy(&m->stop);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->gate);
	free(m);
}

/* ---- any thread ---- */

void mqtt_drop(struct mqtt *m)
{
	pthread_mutex_lock(&m->gate);
	if (mqtt_connected(m))
		mosquitto_disconnect(m->mosq);
	pthread_mutex_unlock(&m->gate);
}

bool mqtt_connected(const struct mqtt *m)
{
	return atomic_load(&m->up);
}

int mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len)
{
	int mid = 0;
	int rc = MOSQ_ERR_NO_CONN;
	pthread_mutex_lock(&m->gate);
	if (mqtt_connected(m) && len <= PAYLOAD_MAX)
		rc = mosquitto_publish(m->mosq, &mid, topic, (int)len, payload, 1, false);
	pthread_mutex_unlock(&m->gate);
	return rc == MOSQ_ERR_SUCCESS ? mid : -1;
}

struct mqtt_item *mqtt_next(struct mqtt *m)
{
	struct mqtt_item *item = queue_pop(m->items);
	while ((void *)item == &m->wake) { /* another one may stand there at once */
		atomic_store(&m->wake_queued, false);
		item = queue_pop(m->items);
	}
	if (item)
		atomic_fetch_sub(&m->bytes, item->len);
	if (item || !atomic_exchange(&m->state_lost, false))
		return item;
	return mqtt_connected(m) ? item_up(m) : item_new(MQTT_DOWN, NULL, 0);
}

int mqtt_fd(const struct mqtt *m)
{
	return queue_fd(m->items);
}

bool mqtt_wait(struct mqtt *m, int timeout_ms)
{
	return queue_wait(m->items, timeout_ms);
}

void mqtt_wake(struct mqtt *m)
{
	if (!atomic_exchange(&m->wake_queued, true) && !queue_push(m->items, &m->wake))
		atomic_store(&m->wake_queued, false); /* full: the waiter is awake anyway */
}

void mqtt_item_free(struct mqtt_item *item)
{
	free(item);
}
