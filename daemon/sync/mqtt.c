#include "sync/mqtt.h"

#include <mosquitto.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/queue.h"

#define KEEPALIVE_S 10     /* a dead broker is noticed within 15 s; also bounds a TLS handshake */
#define LOOP_MS 500        /* how often the thread looks up while nothing happens */
#define CONNECT_MS 10000   /* a connect without an answer is given up */
#define RECONNECT_S_MIN 1  /* first wait after a lost connection */
#define RECONNECT_S_MAX 30 /* and the longest */
#define STOP_S 2           /* a thread inside DNS or a connect is left behind after this */
#define TOPICS_MAX 8       /* subscriptions */
#define PAYLOAD_MAX (4u << 20) /* twice the largest batch: more is nobody of ours */

/* Invariants: only `thread` calls mosquitto_loop and reconnects (M1); callbacks run in it and never
 * wait (M2); `up` is true from the SUBACK of the last topic to the end of the connection (M3). */
struct mqtt {
	struct mosquitto *mosq;
	struct queue *items;
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
	item->mid = 0;
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
	if (item && queue_push(m->items, item))
		return;
	if (item && (item->type == MQTT_UP || item->type == MQTT_DOWN))
		atomic_store(&m->state_lost, true);
	else if (m->counters)
		counter_add(m->counters, COUNTER_MQTT_DROPPED, 1);
	free(item);
}

static void now_up(struct mqtt *m)
{
	atomic_store(&m->up, true);
	push(m, item_new(MQTT_UP, NULL, 0));
}

/* ---- callbacks: in the thread, they only copy ---- */

static void on_connect(struct mosquitto *mosq, void *ctx, int code)
{
	struct mqtt *m = ctx;
	if (code != 0) {
		log_warn("mqtt: the broker refused the connection: %s",
		         mosquitto_connack_string(code));
		return;
	}
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
	const char *text = reason ? mosquitto_strerror(reason) : "asked for";
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

/* ---- the thread ---- */

/* true: stop. */
static bool pause_s(struct mqtt *m, int seconds)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&m->lock);
	int rc = 0;
	while (!atomic_load(&m->stopping) && rc == 0)
		rc = pthread_cond_timedwait(&m->stop, &m->lock, &until);
	pthread_mutex_unlock(&m->lock);
	return atomic_load(&m->stopping);
}

static bool several_addresses(const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	bool several = list && list->ai_next;
	freeaddrinfo(list);
	return several;
}

/* mosquitto_loop does not see that an asynchronous connect has failed: it spins until the
 * keep-alive ends it. So the socket is waited for here. */
static int await_socket(struct mqtt *m)
{
	struct pollfd fd = {.fd = mosquitto_socket(m->mosq), .events = POLLOUT};
	for (int waited_ms = 0; waited_ms < CONNECT_MS; waited_ms += LOOP_MS) {
		int n = poll(&fd, 1, LOOP_MS);
		if (atomic_load(&m->stopping))
			return MOSQ_ERR_CONN_LOST;
		if (n > 0 && !(fd.revents & (POLLERR | POLLHUP | POLLNVAL)))
			return MOSQ_ERR_SUCCESS;
		if (n > 0)
			return MOSQ_ERR_CONN_REFUSED;
	}
	return MOSQ_ERR_NO_CONN;
}

/* Resolves, and starts a connection. One address: asynchronously, so that an address that swallows
 * packets costs 10 s, not the kernel's two minutes. Several: the waiting way, the only one in which
 * libmosquitto goes on to the next address. Only the first call of all is a connect: it makes
 * libmosquitto's wake-up pipe anew, which a publisher may be using. */
static int start_connection(struct mqtt *m, bool again)
{
	bool wait = several_addresses(m->host);
	int rc;
	if (again)
		rc = wait ? mosquitto_reconnect(m->mosq) : mosquitto_reconnect_async(m->mosq);
	else if (wait)
		rc = mosquitto_connect(m->mosq, m->host, m->port, KEEPALIVE_S);
	else
		rc = mosquitto_connect_async(m->mosq, m->host, m->port, KEEPALIVE_S);
	return rc == MOSQ_ERR_SUCCESS && !wait ? await_socket(m) : rc;
}

/* One connection from resolving to its end; why it ended. *was_up: it got as far as the SUBACKs. */
static int run_connection(struct mqtt *m, bool again, bool *was_up)
{
	*was_up = false;
	m->fault[0] = 0;
	int rc = start_connection(m, again);
	while (rc == MOSQ_ERR_SUCCESS && !atomic_load(&m->stopping)) {
		rc = mosquitto_loop(m->mosq, LOOP_MS, 1);
		*was_up = *was_up || atomic_load(&m->up);
	}
	return rc;
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
	int wait_s = RECONNECT_S_MIN, last_rc = MOSQ_ERR_SUCCESS;
	for (bool again = false; !atomic_load(&m->stopping); again = true) {
		bool was_up;
		int rc = run_connection(m, again, &was_up);
		if (atomic_load(&m->stopping))
			break;
		on_disconnect(m->mosq, m, rc);
		if (was_up) {
			wait_s = RECONNECT_S_MIN;
			last_rc = MOSQ_ERR_SUCCESS;
		}
		if (rc != last_rc)
			log_info("mqtt: no connection to %s:%d (%s%s%s), trying again", m->host,
			         m->port, mosquitto_strerror(rc), m->fault[0] ? " " : "", m->fault);
		last_rc = rc;
		if (pause_s(m, wait_s))
			break;
		wait_s = wait_s * 2 < RECONNECT_S_MAX ? wait_s * 2 : RECONNECT_S_MAX;
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
	m->host = strdup(p->host);
	if (!m->host)
		return -1;
	for (; p->topics && p->topics[m->topic_count]; m->topic_count++) {
		if (m->topic_count == TOPICS_MAX)
			return -1;
		m->topics[m->topic_count] = strdup(p->topics[m->topic_count]);
		if (!m->topics[m->topic_count])
			return -1;
	}
	m->items = queue_new(p->queue_max);
	return m->items ? 0 : -1;
}

static int set_up_mosquitto(struct mqtt *m, const struct mqtt_params *p)
{
	mosquitto_lib_init();
	m->mosq = mosquitto_new(p->client_id, p->clean_session, m);
	if (!m->mosq) {
		mosquitto_lib_cleanup();
		return -1;
	}
	mosquitto_threaded_set(m->mosq, true);
	mosquitto_int_option(m->mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
	mosquitto_int_option(m->mosq, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_max_inflight_messages_set(m->mosq, 0);
	mosquitto_connect_callback_set(m->mosq, on_connect);
	mosquitto_subscribe_callback_set(m->mosq, on_subscribe);
	mosquitto_disconnect_callback_set(m->mosq, on_disconnect);
	mosquitto_message_callback_set(m->mosq, on_message);
	mosquitto_publish_callback_set(m->mosq, on_publish);
	mosquitto_log_callback_set(m->mosq, on_log);
	if (mosquitto_void_option(m->mosq, MOSQ_OPT_SSL_CTX, p->tls) != MOSQ_ERR_SUCCESS)
		return -1;
	return mosquitto_int_option(m->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS
	           ? 0
	           : -1;
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
	if (copy_params(m, params) || set_up_mosquitto(m, params)) {
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
	if (mqtt_connected(m))
		mosquitto_disconnect(m->mosq); /* ends the loop's wait, too */
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(m->thread, NULL, &until) != 0)
		return false;
	m->started = false;
	return true;
}

void mqtt_free(struct mqtt *m)
{
	if (!m)
		return;
	if (m->mosq) {
		mosquitto_destroy(m->mosq);
		mosquitto_lib_cleanup();
	}
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
	free(m);
}

/* ---- any thread ---- */

bool mqtt_connected(const struct mqtt *m)
{
	return atomic_load(&m->up);
}

int mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len)
{
	int mid = 0;
	if (!mqtt_connected(m) || len > PAYLOAD_MAX)
		return -1;
	int rc = mosquitto_publish(m->mosq, &mid, topic, (int)len, payload, 1, false);
	return rc == MOSQ_ERR_SUCCESS ? mid : -1;
}

struct mqtt_item *mqtt_next(struct mqtt *m)
{
	struct mqtt_item *item = queue_pop(m->items);
	if ((void *)item == &m->wake) {
		atomic_store(&m->wake_queued, false);
		item = queue_pop(m->items);
	}
	if (item || !atomic_exchange(&m->state_lost, false))
		return item;
	return item_new(mqtt_connected(m) ? MQTT_UP : MQTT_DOWN, NULL, 0);
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
