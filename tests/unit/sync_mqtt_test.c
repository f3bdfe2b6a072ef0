#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "broker.h"
#include "store/vault.h"
#include "sync/mqtt.h"

#define WAIT_MS 20000

static const char *const topics[] = {"laneway/1/s1/confirm", "laneway/1/s1/tell", NULL};

struct fixture {
	bool lasting; /* sessions outlive their connections */
	struct broker broker;
	struct counters counters;
	size_t bytes_max;
};

struct client {
	struct mqtt *mqtt;
	struct ssl_ctx_st *tls;
};

static struct client client_new(struct fixture *f, const char *ca, const char *cert,
                                const char *host, int port, size_t queue_max)
{
	char dir[128], key[64], crt[64], err[300] = "";
	snprintf(dir, sizeof(dir), "%s/%s", f->broker.dir, ca);
	snprintf(key, sizeof(key), "%s.key", cert);
	snprintf(crt, sizeof(crt), "%s.crt", cert);
	struct client c = {.tls = vault_tls_client(dir, key, crt, host, err, sizeof(err))};
	assert_string_equal(err, "");
	struct mqtt_params params = {.host = host,
	                             .port = port,
	                             .client_id = cert,
	                             .clean_session = !f->lasting,
	                             .tls = c.tls,
	                             .topics = topics,
	                             .queue_max = queue_max,
	                             .queue_bytes_max = f->bytes_max,
	                             .counters = &f->counters};
	c.mqtt = mqtt_new(&params, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c.mqtt);
	return c;
}

static void client_free(struct client *c)
{
	assert_true(mqtt_stop(c->mqtt));
	mqtt_free(c->mqtt);
	vault_tls_free(c->tls);
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The next item of this type, others are thrown away. NULL after timeout_ms. */
static struct mqtt_item *want(struct mqtt *m, enum mqtt_item_type type, int timeout_ms)
{
	for (int64_t end = now_ms() + timeout_ms; now_ms() < end;) {
		struct mqtt_item *item = mqtt_next(m);
		if (item && item->type == type)
			return item;
		mqtt_item_free(item);
		if (!item)
			mqtt_wait(m, 100);
	}
	return NULL;
}

static void expect(struct mqtt *m, enum mqtt_item_type type)
{
	struct mqtt_item *item = want(m, type, WAIT_MS);
	assert_non_null(item);
	mqtt_item_free(item);
}

/* The connection is there, and the broker had kept nothing for it: anew. */
static void expect_up(struct mqtt *m, bool anew)
{
	struct mqtt_item *item = want(m, MQTT_UP, WAIT_MS);
	assert_non_null(item);
	assert_int_equal(item->anew, anew);
	mqtt_item_free(item);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	broker_new(&f->broker);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	broker_free(&f->broker);
	free(f);
	return 0;
}

static void nothing_is_connected_without_tls(void **state)
{
	struct mqtt_params params = {.host = "127.0.0.1", .port = 1, .queue_max = 1};
	char err[200];
	(void)state;
	assert_null(mqtt_new(&params, err, sizeof(err)));
	assert_non_null(strstr(err, "TLS"));
}

static void what_is_published_reaches_a_subscriber_and_is_acknowledged(void **state)
{
	struct fixture *f = *state;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	struct client hq = client_new(f, "right", "hq", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_publish(hq.mqtt, topics[0], "x", 1), -1);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	assert_int_equal(mqtt_start(hq.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	expect(hq.mqtt, MQTT_UP);
	int mid = mqtt_publish(hq.mqtt, topics[0], "a\0b", 3);
	assert_true(mid > 0);
	struct mqtt_item *item = want(store.mqtt, MQTT_MESSAGE, WAIT_MS);
	assert_non_null(item);
	assert_string_equal(item->topic, topics[0]);
	assert_int_equal(item->len, 3);
	assert_memory_equal(item->payload, "a\0b", 3);
	mqtt_item_free(item);
	item = want(hq.mqtt, MQTT_ACKED, WAIT_MS);
	assert_non_null(item);
	assert_int_equal(item->mid, mid);
	mqtt_item_free(item);
	client_free(&store);
	client_free(&hq);
}

static void a_store_cannot_speak_on_another_stores_topics(void **state)
{
	struct fixture *f = *state;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	mqtt_publish(store.mqtt, "laneway/1/s2/confirm", "foreign", 7);
	mqtt_publish(store.mqtt, topics[0], "own", 3);
	struct mqtt_item *item = want(store.mqtt, MQTT_MESSAGE, WAIT_MS);
	assert_non_null(item);
	assert_memory_equal(item->payload, "own", 3);
	mqtt_item_free(item);
	client_free(&store);
}

static void a_broker_of_another_root_or_name_is_never_up(void **state)
{
	struct fixture *f = *state;
	struct client root = client_new(f, "other", "tls", "127.0.0.1", f->broker.port, 100);
	struct client name = client_new(f, "right", "tls", "localhost", f->broker.port, 100);
	assert_int_equal(mqtt_start(root.mqtt), 0);
	assert_int_equal(mqtt_start(name.mqtt), 0);
	assert_null(want(root.mqtt, MQTT_UP, 2500));
	assert_null(want(name.mqtt, MQTT_UP, 100));
	assert_false(mqtt_connected(root.mqtt));
	assert_false(mqtt_connected(name.mqtt));
	client_free(&root);
	client_free(&name);
}

static void it_comes_back_by_itself_after_the_broker_was_killed(void **state)
{
	struct fixture *f = *state;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	for (int i = 0; i < 2; i++) {
		broker_kill(&f->broker);
		expect(store.mqtt, MQTT_DOWN);
		assert_false(mqtt_connected(store.mqtt));
		assert_int_equal(mqtt_publish(store.mqtt, topics[0], "x", 1), -1);
		broker_start(&f->broker);
		expect(store.mqtt, MQTT_UP);
		assert_true(mqtt_publish(store.mqtt, topics[0], "again", 5) > 0);
		expect(store.mqtt, MQTT_MESSAGE);
	}
	client_free(&store);
}

/* The refused connection is one of the errors after which libmosquitto's own loop would end for
 * good. */
static void it_waits_for_a_broker_that_is_not_there_yet(void **state)
{
	struct fixture *f = *state;
	broker_kill(&f->broker);
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	assert_null(want(store.mqtt, MQTT_UP, 500));
	broker_start(&f->broker);
	expect(store.mqtt, MQTT_UP);
	client_free(&store);
}

static void a_peer_that_never_answers_holds_up_neither_start_nor_stop(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	struct client c = client_new(f, "right", "tls", "127.0.0.1", ntohs(sa.sin_port), 100);
	int64_t start = now_ms();
	assert_int_equal(mqtt_start(c.mqtt), 0);
	assert_true(now_ms() - start < 500);
	assert_null(want(c.mqtt, MQTT_UP, 300));
	start = now_ms();
	client_free(&c);
	assert_true(now_ms() - start < 3000);
	close(fd);
}

/* A listener whose queue of connections is full: what comes to it now is swallowed. */
struct hole {
	int fd, fillers[4], port;
};

static void hole_open(struct hole *h)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	h->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(h->fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(h->fd, 0), 0);
	assert_int_equal(getsockname(h->fd, (struct sockaddr *)&sa, &len), 0);
	h->port = ntohs(sa.sin_port);
	for (int i = 0; i < 4; i++) {
		h->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(h->fillers[i], (struct sockaddr *)&sa, len);
	}
}

static void hole_close(struct hole *h)
{
	for (int i = 0; i < 4; i++)
		close(h->fillers[i]);
	close(h->fd);
}

static void a_line_that_swallows_packets_holds_up_no_stop(void **state)
{
	struct fixture *f = *state;
	struct hole hole;
	hole_open(&hole);
	struct client c = client_new(f, "right", "tls", "127.0.0.1", hole.port, 100);
	assert_int_equal(mqtt_start(c.mqtt), 0);
	assert_null(want(c.mqtt, MQTT_UP, 1500));
	int64_t start = now_ms();
	client_free(&c);
	assert_true(now_ms() - start < 1500);
	hole_close(&hole);
}

static void a_connection_tells_whether_the_broker_kept_what_came_since_the_last(void **state)
{
	struct fixture *f = *state;
	f->lasting = true;
	struct client hq = client_new(f, "right", "hq", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(hq.mqtt), 0);
	expect_up(hq.mqtt, true);
	mqtt_drop(hq.mqtt);
	expect_up(hq.mqtt, false);
	broker_kill(&f->broker); /* with all that it kept */
	broker_start(&f->broker);
	expect_up(hq.mqtt, true);
	client_free(&hq);
}

/* libmosquitto by itself would send it again before everything else. */
static void what_an_ended_connection_did_not_bring_over_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	kill(f->broker.pid, SIGSTOP);
	for (int i = 0; i < 3; i++)
		assert_true(mqtt_publish(store.mqtt, topics[0], "old", 3) > 0);
	broker_kill(&f->broker);
	expect(store.mqtt, MQTT_DOWN);
	broker_start(&f->broker);
	expect(store.mqtt, MQTT_UP);
	assert_true(mqtt_publish(store.mqtt, topics[0], "new", 3) > 0);
	struct mqtt_item *item = want(store.mqtt, MQTT_MESSAGE, WAIT_MS);
	assert_non_null(item);
	assert_memory_equal(item->payload, "new", 3);
	mqtt_item_free(item);
	client_free(&store);
}

/* "localhost" has two addresses on most machines; nobody listens on the first. The name still
 * stands in the handshake, for servers behind a router of names. */
static void an_address_that_is_dead_is_passed_over_and_the_name_is_told(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	uint8_t hello[2048];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	struct client c = client_new(f, "right", "tls", "localhost", ntohs(sa.sin_port), 100);
	assert_int_equal(mqtt_start(c.mqtt), 0);
	int peer = accept(fd, NULL, NULL);
	ssize_t n = recv(peer, hello, sizeof(hello), 0);
	assert_true(n > 0);
	assert_non_null(memmem(hello, (size_t)n, "localhost", 9));
	assert_null(memmem(hello, (size_t)n, "127.0.0.1", 9));
	close(peer);
	close(fd);
	client_free(&c);
}

static void payloads_that_wait_are_bounded_by_their_bytes(void **state)
{
	struct fixture *f = *state;
	f->bytes_max = 250;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 100);
	static const char payload[100];
	assert_int_equal(mqtt_start(store.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			assert_true(mqtt_publish(store.mqtt, topics[0], payload, 100) > 0);
		uint64_t dropped = 2 * (uint64_t)(round + 1);
		for (int64_t end = now_ms() + WAIT_MS; now_ms() < end;)
			if (counter_get(&f->counters, COUNTER_MQTT_DROPPED) == dropped)
				break;
		assert_int_equal(counter_get(&f->counters, COUNTER_MQTT_DROPPED), dropped);
		expect(store.mqtt, MQTT_MESSAGE);
		expect(store.mqtt, MQTT_MESSAGE);
	}
	client_free(&store);
}

static void a_full_queue_counts_what_it_drops_but_never_loses_the_state(void **state)
{
	struct fixture *f = *state;
	struct client store = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 2);
	struct client hq = client_new(f, "right", "hq", "127.0.0.1", f->broker.port, 100);
	assert_int_equal(mqtt_start(store.mqtt), 0);
	assert_int_equal(mqtt_start(hq.mqtt), 0);
	expect(store.mqtt, MQTT_UP);
	expect(hq.mqtt, MQTT_UP);
	for (int i = 0; i < 5; i++)
		assert_true(mqtt_publish(hq.mqtt, topics[0], "x", 1) > 0);
	for (int i = 0; i < 5; i++)
		expect(hq.mqtt, MQTT_ACKED);
	for (int64_t end = now_ms() + WAIT_MS;
	     counter_get(&f->counters, COUNTER_MQTT_DROPPED) < 3 && now_ms() < end;)
		sched_yield(); /* what a killed broker has under way may not come */
	broker_kill(&f->broker);
	expect(hq.mqtt, MQTT_DOWN);
	for (int64_t end = now_ms() + WAIT_MS; mqtt_connected(store.mqtt) && now_ms() < end;)
		sched_yield();
	for (int i = 0; i < 2; i++) {
		struct mqtt_item *item = mqtt_next(store.mqtt);
		assert_non_null(item);
		assert_int_equal(item->type, MQTT_MESSAGE);
		mqtt_item_free(item);
	}
	assert_int_equal(counter_get(&f->counters, COUNTER_MQTT_DROPPED), 3);
	expect(store.mqtt, MQTT_DOWN);
	client_free(&store);
	client_free(&hq);
}

static void a_wake_ends_a_wait_and_is_no_item(void **state)
{
	struct fixture *f = *state;
	struct client c = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 2);
	assert_false(mqtt_wait(c.mqtt, 0));
	for (int i = 0; i < 5; i++)
		mqtt_wake(c.mqtt);
	assert_true(mqtt_wait(c.mqtt, WAIT_MS));
	assert_null(mqtt_next(c.mqtt));
	assert_false(mqtt_wait(c.mqtt, 0));
	mqtt_wake(c.mqtt);
	assert_true(mqtt_wait(c.mqtt, WAIT_MS));
	client_free(&c);
}

#define WAKES 200000

static void *wakes(void *mqtt)
{
	for (int i = 0; i < WAKES; i++)
		mqtt_wake(mqtt);
	return NULL;
}

static void wakes_that_come_while_one_is_taken_are_no_items(void **state)
{
	struct fixture *f = *state;
	struct client c = client_new(f, "right", "tls", "127.0.0.1", f->broker.port, 2);
	pthread_t others[2];
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&others[i], NULL, wakes, c.mqtt), 0);
	for (int i = 0; i < WAKES; i++)
		assert_null(mqtt_next(c.mqtt));
	for (int i = 0; i < 2; i++)
		pthread_join(others[i], NULL);
	client_free(&c);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_connected_without_tls),
	    TEST(what_is_published_reaches_a_subscriber_and_is_acknowledged),
	    TEST(a_store_cannot_speak_on_another_stores_topics),
	    TEST(a_broker_of_another_root_or_name_is_never_up),
	    TEST(it_comes_back_by_itself_after_the_broker_was_killed),
	    TEST(it_waits_for_a_broker_that_is_not_there_yet),
	    TEST(a_peer_that_never_answers_holds_up_neither_start_nor_stop),
	    TEST(a_line_that_swallows_packets_holds_up_no_stop),
	    TEST(a_connection_tells_whether_the_broker_kept_what_came_since_the_last),
	    TEST(what_an_ended_connection_did_not_bring_over_is_forgotten),
	    TEST(an_address_that_is_dead_is_passed_over_and_the_name_is_told),
	    TEST(payloads_that_wait_are_bounded_by_their_bytes),
	    TEST(a_full_queue_counts_what_it_drops_but_never_loses_the_state),
	    TEST(a_wake_ends_a_wait_and_is_no_item),
	    TEST(wakes_that_come_while_one_is_taken_are_no_items),
	};
	log_open("sync_mqtt_test", LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
