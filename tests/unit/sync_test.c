/* The sync thread against a real broker, with a fake HQ on the other side of it. */
#include "journal_place.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "broker.h"
#include "store/shard.h"
#include "sync/batch.h"
#include "sync/confirm.h"
#include "sync/mqtt.h"
#include "sync/sync.h"
#include "sync_keys.h"

#define WAIT_MS 20000

static struct broker broker;

struct fixture {
	struct place *place;
	struct sync *_Atomic sync;
	char shard_path[128];
	atomic_int changes;
	/* the fake HQ */
	struct mqtt *hq;
	struct ssl_ctx_st *tls;
	struct batch_codec *codec;
	struct vault_work *work;
	struct key_pair sign;
	uint8_t box_priv[32];
	struct confirm *confirm;
	uint64_t through;          /* of the epoch it saw last, when seqs came without gaps */
	int batches, asks, firsts; /* firsts: batches that begin an epoch */
	char ask[400];
	bool silent;       /* gets everything, says nothing */
	const char *lines; /* of the next page */
	uint64_t version;
};

static void notify(void *ctx)
{
	struct fixture *f = ctx;
	struct sync *s = atomic_load(&f->sync);
	if (s)
		sync_wake(s);
}

static void changed(void *ctx)
{
	atomic_fetch_add(&((struct fixture *)ctx)->changes, 1);
}

/* ---- the fake HQ ---- */

static void hq_say(struct fixture *f, const char *topic, const char *magic, const char *header,
                   const struct buf *body)
{
	struct buf out = {0};
	assert_int_equal(frame_encode(magic, "s1", header, body ? body->data : NULL,
	                              body ? body->len : 0, f->sign.priv, &out),
	                 0);
	assert_true(mqtt_publish(f->hq, topic, out.data, out.len) > 0);
	buf_free(&out);
}

static void hq_confirm(struct fixture *f)
{
	struct buf header = {0};
	assert_int_equal(confirm_write(f->confirm, &header), 0);
	buf_byte(&header, 0);
	hq_say(f, "laneway/1/s1/confirm", "LNWC", (char *)header.data, NULL);
	buf_free(&header);
}

static void hq_batch(struct fixture *f, const struct mqtt_item *item)
{
	struct batch b;
	char err[200];
	if (batch_decode(f->codec, item->payload, item->len, "s1", f->box_priv, &b, err,
	                 sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(batch_verify(f->work, &b, NULL), 0);
	f->batches++;
	f->firsts += b.first == 1;
	struct confirm_epoch *e = &f->confirm->epochs[0];
	if (memcmp(e->epoch, b.epoch, 8) != 0)
		f->through = 0;
	memcpy(e->epoch, b.epoch, 8);
	if (b.first <= f->through + 1 && b.first + b.count - 1 > f->through)
		f->through = b.first + b.count - 1;
	e->through = f->through;
	f->confirm->epoch_count = 1;
	if (!f->silent)
		hq_confirm(f);
}

/* What this HQ holds: the epoch it heard last, through f->through, and nothing of others. */
static void hq_held(struct fixture *f, const struct mqtt_item *item)
{
	struct confirm *all = calloc(1, sizeof(*all));
	char text[2000], *at = text;
	snprintf(text, sizeof(text), "%.*s", (int)item->len, (const char *)item->payload);
	*all = *f->confirm;
	all->epoch_count = 0;
	while ((at = strstr(at, "\"epoch\":\"")) != NULL) {
		struct confirm_epoch *e = &all->epochs[all->epoch_count++];
		char hex[17];
		memset(e, 0, sizeof(*e));
		snprintf(hex, sizeof(hex), "%.16s", at + 9);
		assert_true(text_unhex(hex, e->epoch, 8));
		if (memcmp(e->epoch, f->confirm->epochs[0].epoch, 8) == 0)
			e->through = f->through;
		at += 9;
	}
	struct buf header = {0};
	assert_int_equal(confirm_write(all, &header), 0);
	buf_byte(&header, 0);
	hq_say(f, "laneway/1/s1/confirm", "LNWC", (char *)header.data, NULL);
	buf_free(&header);
	free(all);
}

static void hq_ask(struct fixture *f, const struct mqtt_item *item)
{
	char header[300], id[17];
	struct buf body = {0};
	snprintf(f->ask, sizeof(f->ask), "%.*s", (int)item->len, (const char *)item->payload);
	f->asks++;
	if (f->silent)
		return;
	unsigned long long since = strtoull(strstr(f->ask, "\"since\":") + 8, NULL, 10);
	bool fresh = since == 0 || !strstr(f->ask, f->confirm->generation);
	snprintf(id, sizeof(id), "%.16s", strstr(f->ask, "\"id\":\"") + 6);
	bool news = fresh || since < f->version;
	snprintf(
	    header, sizeof(header),
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"changes\",\"generation\":\"%s\","
	    "\"since\":%llu,\"to\":%llu,\"more\":false,\"fresh\":%s}",
	    id, f->confirm->generation, since, (unsigned long long)f->version,
	    fresh ? "true" : "false");
	assert_int_equal(page_encode(f->codec, "s1", "d1", vault_hq_box_pub(f->place->vault),
	                             f->lines, news ? strlen(f->lines) : 0, &body),
	                 0);
	hq_say(f, "laneway/1/s1/tell", "LNWT", header, &body);
	buf_free(&body);
}

/* Serves what arrived, for at most timeout_ms. */
static void hq_serve(struct fixture *f, int timeout_ms)
{
	struct mqtt_item *item = mqtt_next(f->hq);
	if (!item && mqtt_wait(f->hq, timeout_ms))
		item = mqtt_next(f->hq);
	if (item && item->type == MQTT_MESSAGE && strcmp(item->topic, "laneway/1/s1/up") == 0)
		hq_batch(f, item);
	else if (item && item->type == MQTT_MESSAGE &&
	         memmem(item->payload, item->len, "\"ask\":\"held\"", 12))
		hq_held(f, item);
	else if (item && item->type == MQTT_MESSAGE &&
	         memmem(item->payload, item->len, "\"ask\":\"changes\"", 15))
		hq_ask(f, item);
	mqtt_item_free(item);
}

static void hq_start(struct fixture *f)
{
	static const char *const topics[] = {"laneway/1/s1/up", "laneway/1/s1/ask", NULL};
	char dir[128], err[300] = "";
	snprintf(dir, sizeof(dir), "%s/right", broker.dir);
	f->tls = vault_tls_client(dir, "hq.key", "hq.crt", "127.0.0.1", err, sizeof(err));
	struct mqtt_params params = {.host = "127.0.0.1",
	                             .port = broker.port,
	                             .client_id = "laneway-hq",
	                             .clean_session = true,
	                             .tls = f->tls,
	                             .topics = topics,
	                             .queue_max = 1000,
	                             .counters = NULL};
	f->hq = mqtt_new(&params, err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_equal(mqtt_start(f->hq), 0);
	while (!mqtt_connected(f->hq))
		assert_true(mqtt_wait(f->hq, WAIT_MS));
	mqtt_item_free(mqtt_next(f->hq));
}

/* ---- the store ---- */

static void copy_file(struct fixture *f, const char *from, const char *to)
{
	char command[400];
	snprintf(command, sizeof(command), "install -m 600 %s/right/%s %s/%s", broker.dir, from,
	         f->place->dir, to);
	assert_int_equal(system(command), 0);
}

static void write_sign_pub(struct fixture *f)
{
	uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	char b64[80], pem[200];
	memcpy(der + 12, f->sign.pub, 32);
	EVP_EncodeBlock((unsigned char *)b64, der, sizeof(der));
	snprintf(pem, sizeof(pem), "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
	         b64);
	place_put(f->place, "hq-sign.pub", pem);
	vault_free(f->place->vault);
	char err[256] = "";
	if (vault_open(&f->place->vault, f->place->dir, false, err, sizeof(err)))
		fail_msg("%s", err);
	f->place->params.vault = f->place->vault;
}

static void store_start(struct fixture *f)
{
	char err[300] = "";
	place_start(f->place);
	struct sync_params params = {.store = "s1",
	                             .device = "d1",
	                             .journal_path = f->place->path,
	                             .shard_path = f->shard_path,
	                             .keys_dir = f->place->dir,
	                             .broker_host = "127.0.0.1",
	                             .broker_port = broker.port,
	                             .vault = f->place->vault,
	                             .clock = clock_system(),
	                             .counters = &f->place->counters,
	                             .journal = f->place->journal,
	                             .changed = changed,
	                             .ctx = f};
	struct sync *s;
	if (sync_start(&s, &params, err, sizeof(err)))
		fail_msg("%s", err);
	atomic_store(&f->sync, s);
}

/* In the daemon's order: nobody wakes a sync that is gone. */
static void store_stop(struct fixture *f)
{
	journal_stop(f->place->journal);
	struct sync *s = atomic_exchange(&f->sync, NULL);
	assert_true(sync_stop(s));
	place_stop(f->place);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->place = place_new();
	f->place->params.notify = notify;
	f->place->params.notify_ctx = f;
	snprintf(f->shard_path, sizeof(f->shard_path), "%s/shard.db", f->place->dir);
	f->sign = key_pair(EVP_PKEY_ED25519, 9);
	memset(f->box_priv, 0x44, sizeof(f->box_priv));
	copy_file(f, "tls.key", "tls.key");
	copy_file(f, "tls.crt", "tls.crt");
	copy_file(f, "ca.crt", "ca.crt");
	write_sign_pub(f);
	f->codec = batch_codec_new();
	f->work = vault_work_new();
	f->confirm = calloc(1, sizeof(*f->confirm));
	strcpy(f->confirm->generation, "00000000000000aa");
	f->confirm->credit = 262144;
	f->lines = "{\"customer_id\":\"C1\",\"first_name\":\"Anna\",\"identifiers\":[],"
	           "\"state\":\"active\",\"version\":1}\n";
	f->version = 1;
	hq_start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	if (f->sync)
		store_stop(f);
	assert_true(mqtt_stop(f->hq));
	mqtt_free(f->hq);
	vault_tls_free(f->tls);
	place_free(f->place);
	batch_codec_free(f->codec);
	vault_work_free(f->work);
	free(f->confirm);
	free(f);
	return 0;
}

static struct sync_state now(struct fixture *f)
{
	struct sync_state s;
	sync_state(f->sync, &s);
	return s;
}

/* Serve as HQ until the store's state is as wanted. */
#define UNTIL(f, condition)                                                                        \
	do {                                                                                       \
		int64_t end_us = clock_mono_us(clock_system()) + WAIT_MS * 1000LL;                 \
		for (;;) {                                                                         \
			struct sync_state s = now(f);                                              \
			(void)s;                                                                   \
			if (condition)                                                             \
				break;                                                             \
			if (clock_mono_us(clock_system()) > end_us)                                \
				fail_msg("waited in vain for: %s", #condition);                    \
			hq_serve(f, 20);                                                           \
		}                                                                                  \
	} while (0)

static void events_go_up_and_are_confirmed_and_the_shard_comes_down(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.connected && s.hq_heard && s.unsent == 0 && s.shard_version == 1);
	assert_true(now(f).synced_wall_us > 0);
	assert_true(now(f).hq_heard_mono_us > 0);
	assert_string_equal(now(f).generation, "00000000000000aa");
	assert_true(atomic_load(&f->changes) > 0);
	place_fill(f->place, 20);
	UNTIL(f, s.unsent == 0 && f->through == 21);
	UNTIL(f, place_state(f->place).confirmed == 21);
	struct shard_reader *r;
	char err[200];
	assert_int_equal(shard_reader_open(&r, f->shard_path, f->place->vault, err, sizeof(err)),
	                 0);
	assert_int_equal(shard_count(r), 1);
	shard_reader_free(r);
}

static void a_poke_brings_a_change_at_once(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.shard_version == 1);
	f->lines = "{\"customer_id\":\"C1\",\"deleted\":true,\"version\":2}\n";
	f->version = 2;
	assert_true(mqtt_publish(f->hq, "laneway/1/s1/poke", "{\"v\":1,\"version\":2}", 19) > 0);
	UNTIL(f, s.shard_version == 2);
}

static void after_the_broker_was_killed_the_oldest_batch_goes_again(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1);
	f->silent = true;
	int batches = f->batches;
	place_fill(f->place, 1);
	UNTIL(f, f->batches > batches);
	broker_kill(&broker);
	UNTIL(f, !s.connected && !s.hq_heard);
	place_fill(f->place, 1);
	broker_start(&broker);
	f->silent = false;
	UNTIL(f, s.connected && s.unsent == 0 && f->through == 3);
	assert_true(counter_get(&f->place->counters, COUNTER_BATCHES_RESENT) >= 1);
}

static void what_is_not_signed_by_hq_changes_nothing(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1);
	f->silent = true;
	int batches = f->batches;
	place_fill(f->place, 1);
	UNTIL(f, f->batches > batches);
	uint64_t before = counter_get(&f->place->counters, COUNTER_DOWNLINK_BAD);
	f->sign.priv[0] ^= 1;
	hq_confirm(f);
	UNTIL(f, counter_get(&f->place->counters, COUNTER_DOWNLINK_BAD) == before + 1);
	assert_int_equal(now(f).unsent, 1);
	f->sign.priv[0] ^= 1;
	hq_confirm(f);
	UNTIL(f, s.unsent == 0);
}

static void after_a_restart_it_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1);
	f->silent = true;
	place_fill(f->place, 5);
	store_stop(f);
	while (mqtt_wait(f->hq, 100))
		hq_serve(f, 0);
	f->silent = false;
	f->through = 1;
	store_start(f);
	assert_int_equal(now(f).unsent, 6);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1 && s.synced_mono_us > 0);
}

static void another_generation_brings_everything_anew(void **state)
{
	struct fixture *f = *state;
	store_start(f);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1);
	UNTIL(f, place_state(f->place).confirmed == 1);
	uint8_t first[8], second[8];
	memcpy(first, f->confirm->epochs[0].epoch, 8);
	store_stop(f);
	store_start(f); /* a second epoch */
	place_fill(f->place, 5);
	UNTIL(f, s.unsent == 0 && s.shard_version == 1);
	UNTIL(f, place_state(f->place).confirmed == 7);
	/* HQ lost all but the second epoch's first three events, and its feed begins anew. */
	strcpy(f->confirm->generation, "00000000000000bb");
	f->through = f->confirm->epochs[0].through = 3;
	f->silent = true;
	memcpy(second, f->confirm->epochs[0].epoch, 8);
	int batches = f->batches, asks = f->asks, firsts = f->firsts;
	hq_confirm(f);
	UNTIL(f, f->batches == batches + 2 && f->asks > asks);
	assert_int_equal(f->firsts, firsts + 1);
	assert_int_equal(now(f).unsent, 1 + 3);
	memcpy(f->confirm->epochs[0].epoch, first, 8);
	f->confirm->epochs[0].through = 1;
	hq_confirm(f);
	memcpy(f->confirm->epochs[0].epoch, second, 8);
	f->through = f->confirm->epochs[0].through = 6;
	f->silent = false;
	hq_confirm(f);
	f->lines = "";
	f->version = 7;
	place_fill(f->place, 1);
	mqtt_publish(f->hq, "laneway/1/s1/poke", "{\"v\":1,\"version\":7}", 19);
	UNTIL(f, s.unsent == 0 && f->through == 7);
}

static void stopping_does_not_wait_for_a_broker_that_never_answers(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = broker.port;
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	broker.port = ntohs(sa.sin_port);
	store_start(f);
	broker.port = port;
	int64_t start = clock_mono_us(clock_system());
	store_stop(f);
	assert_true(clock_mono_us(clock_system()) - start < 3000000);
	close(fd);
}

static int start_broker(void **state)
{
	(void)state;
	broker_new(&broker);
	return 0;
}

static int end_broker(void **state)
{
	(void)state;
	broker_free(&broker);
	return 0;
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(events_go_up_and_are_confirmed_and_the_shard_comes_down),
	    TEST(a_poke_brings_a_change_at_once),
	    TEST(after_the_broker_was_killed_the_oldest_batch_goes_again),
	    TEST(what_is_not_signed_by_hq_changes_nothing),
	    TEST(after_a_restart_it_goes_on_where_it_was),
	    TEST(another_generation_brings_everything_anew),
	    TEST(stopping_does_not_wait_for_a_broker_that_never_answers),
	};
	log_open("sync_test", LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, start_broker, end_broker);
}
