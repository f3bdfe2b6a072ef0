/* One MQTT 3.1.1 connection over mutual TLS: the only user of libmosquitto. HQ uses it too.
 *
 * The thread that runs libmosquitto only copies into a bounded queue and counts what it drops. QoS
 * 1, no retained messages, keep-alive 10 s: a line that went silent is given up after 20 s at most.
 *
 * It connects again by itself and owns the timing: on a line that swallows packets a SYN leaves at
 * least every 4 s (every 5 s to each of two addresses), and TLS and CONNACK get 10 s, so that a
 * CONNACK follows the first packet that can pass within 12 s. An address that refuses is asked
 * again after 1 to 2 s, doubling to 9 s. Never a blocking connect; only DNS can hold the thread up.
 *
 * Nothing outlives a connection: what was published and not acknowledged when it ended is
 * forgotten. Whoever published decides what goes again.
 */
#ifndef LANEWAY_SYNC_MQTT_H
#define LANEWAY_SYNC_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"

struct mqtt;
struct ssl_ctx_st;

struct mqtt_params {
	const char *host;
	int port;
	const char *client_id;
	bool clean_session;        /* stores: true (what matters is repaired); HQ: false */
	struct ssl_ctx_st *tls;    /* made by the vault; outlives the connection */
	const char *const *topics; /* subscribed after every CONNACK, NULL-terminated */
	size_t queue_max;          /* incoming items kept */
	size_t queue_bytes_max;    /* and bytes of their payloads; 0: as many as come */
	struct counters *counters; /* may be NULL */
};

enum mqtt_item_type { MQTT_MESSAGE, MQTT_UP, MQTT_DOWN, MQTT_ACKED };

/* MQTT_UP comes after the SUBACK of all topics. Owned by whoever popped it: mqtt_item_free. */
struct mqtt_item {
	enum mqtt_item_type type;
	bool anew;       /* MQTT_UP: the broker kept nothing for us since the last connection */
	int mid;         /* MQTT_ACKED: of the publish */
	int64_t mono_us; /* when it came in */
	char topic[96];  /* MQTT_MESSAGE */
	size_t len;
	uint8_t payload[]; /* MQTT_MESSAGE; MQTT_DOWN: the reason as text */
};

/* NULL with a sentence in err. Does not connect yet. */
struct mqtt *mqtt_new(const struct mqtt_params *params, char *err, size_t err_size);
/* Resolve and connect in libmosquitto's thread; returns at once. */
int mqtt_start(struct mqtt *m);
/* Disconnect; waits at most 2 s. false: the thread hangs in DNS; then leave it and exit. */
bool mqtt_stop(struct mqtt *m);
void mqtt_free(struct mqtt *m);

/* End this connection; the next one is made as after any other end. Any thread. */
void mqtt_drop(struct mqtt *m);
bool mqtt_connected(const struct mqtt *m);
/* QoS 1. The message id (> 0), or -1 (not connected, or refused). Publish only what fits the
 * window: libmosquitto's own queue is unbounded. */
int mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len);

struct mqtt_item *mqtt_next(struct mqtt *m); /* NULL: none */
int mqtt_fd(const struct mqtt *m);           /* readable while there is one */
bool mqtt_wait(struct mqtt *m, int timeout_ms);
void mqtt_wake(struct mqtt *m); /* let mqtt_wait return; any thread */
void mqtt_item_free(struct mqtt_item *item);

#endif
