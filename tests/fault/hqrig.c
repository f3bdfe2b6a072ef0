/* HQ in a child: what hq_serve finds in place of MQTT, TLS and the control socket (--wrap). */
#include "hqrig.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_memory.h"
#include "hq/base/hq_conf.h"
#include "hq/base/hq_db.h"
#include "hq/identity/hq_profile.h"
#include "hq/serve/hq_apply.h"
#include "hq/serve/hq_control.h"
#include "hq/serve/hq_serve.h"
#include "sync/batch.h"
#include "sync/confirm.h"
#include "sync/mqtt.h"

#define SECOND_US INT64_C(1000000)
#define BATCHES_MAX 4 /* of one round */
#define EVENTS_MAX 12 /* of one batch */
#define EVENTS_LAST_MAX 200
#define TURNS_MAX 400 /* of the loop, until all must be folded */
#define TRIES_MAX 30  /* a disk that is full for a while */
#define LOG_PAGES 12  /* few, so that checkpoints are frequent */

/* One child, one HQ. */
static struct {
	struct hq_db *db;
	int fd, left; /* batches left in this round */
	bool silent;  /* no store says anything */
	bool folded;  /* the last step found nothing more */
	bool stop;
	uint32_t rounds;
	struct confirm confirm;
} run;

struct hqrig *hqrig_mine(void)
{
	return (struct hqrig *)base_mine;
}

static bool is_confirmed(int e, uint64_t seq)
{
	return hqrig_mine()->confirmed[e][seq / 8] >> (seq % 8) & 1;
}

/* ---- what stores say ---- */

static struct mqtt_item *item_of(int e, bool clone, uint64_t first, uint64_t last)
{
	size_t len;
	uint8_t *payload = hqrig_batch(e, clone, first, last, &len);
	struct mqtt_item *item = calloc(1, sizeof *item + len);

	if (!item)
		abort();
	item->type = MQTT_MESSAGE;
	item->len = len;
	snprintf(item->topic, sizeof item->topic, "laneway/1/%s/up", hqrig_store(e));
	memcpy(item->payload, payload, len);
	free(payload);
	hqrig_mine()->b.sent++;
	return item;
}

/* The lowest seq that is not confirmed; one above the last when all are. */
static uint64_t open_seq(int e)
{
	uint64_t seq = 1;

	while (seq <= hqrig_last(e, false) && is_confirmed(e, seq))
		seq++;
	return seq;
}

/* Only where HQ holds the device's own lines; otherwise the clone would be the first, and the
 * device the fork. */
static struct mqtt_item *clone_batch(struct hqrig *h, int e)
{
	uint64_t top = open_seq(e) - 1;

	if (top > hqrig_last(e, true))
		top = hqrig_last(e, true);
	if (top == 0 || h->clone_count == HQRIG_CLONES_MAX)
		return NULL;
	uint64_t first = 1 + dice_below(&h->b.dice, top);
	uint64_t last = first + dice_below(&h->b.dice, EVENTS_MAX);
	if (last > top)
		last = top;
	h->clones[h->clone_count++] =
	    (struct hqrig_clone){(uint8_t)e, (uint16_t)first, (uint16_t)(last - first + 1), false};
	return item_of(e, true, first, last);
}

/* Mostly what is not confirmed yet, the lowest or any; now and then something again. */
static struct mqtt_item *real_batch(struct hqrig *h, int e)
{
	uint64_t last = hqrig_last(e, false), roll = dice_below(&h->b.dice, 10);
	uint64_t first = roll < 6 ? open_seq(e) : 1 + dice_below(&h->b.dice, last);

	if (first > last)
		first = last;
	h->b.again += is_confirmed(e, first);
	uint64_t end = first + dice_below(&h->b.dice, h->b.last ? EVENTS_LAST_MAX : EVENTS_MAX);
	return item_of(e, false, first, end > last ? last : end);
}

static bool all_confirmed(void)
{
	for (int e = 0; e < HQRIG_EPOCHS; e++) {
		if (open_seq(e) <= hqrig_last(e, false))
			return false;
	}
	return true;
}

/* What HQ has said nothing about since, it need not hold. */
static void forget_unanswered(struct hqrig *h)
{
	while (h->clone_count && !h->clones[h->clone_count - 1].taken)
		h->clone_count--;
}

static void begin_round(struct hqrig *h)
{
	forget_unanswered(h);
	h->b.mono_us += SECOND_US;
	h->b.wall_us += SECOND_US;
	run.left = 1 + (int)dice_below(&h->b.dice, BATCHES_MAX);
	run.rounds++;
	run.stop = h->b.last      ? all_confirmed()
	           : h->b.actions ? run.rounds > h->b.actions
	                          : dice_below(&h->b.dice, 100) == 0;
}

static struct mqtt_item *next(struct hqrig *h)
{
	static bool in_round;
	struct mqtt_item *item = NULL;

	if (run.silent)
		return NULL;
	if (!in_round) {
		begin_round(h);
		in_round = !run.stop;
	}
	if (run.left == 0 || run.stop) {
		in_round = false;
		return NULL;
	}
	run.left--;
	int e = (int)dice_below(&h->b.dice, HQRIG_EPOCHS);
	if (dice_below(&h->b.dice, 8) == 0)
		item = clone_batch(h, e);
	return item ? item : real_batch(h, e);
}

struct mqtt_item *__wrap_mqtt_next(struct mqtt *m);
struct mqtt_item *__wrap_mqtt_next(struct mqtt *m)
{
	(void)m;
	base_memory_off();
	struct mqtt_item *item = next(hqrig_mine());
	base_memory_on();
	return item;
}

/* ---- what HQ says ---- */

static void note_range(struct hqrig *h, int e, uint64_t first, uint64_t last)
{
	if (last > hqrig_last(e, false))
		base_wrong("HQ confirms seq %llu of epoch %d, which nobody sent",
		           (unsigned long long)last, e);
	for (uint64_t seq = first; seq <= last; seq++)
		h->confirmed[e][seq / 8] |= (uint8_t)(1 << seq % 8);
}

static void note_epoch(struct hqrig *h, const struct confirm_epoch *c)
{
	int e = 0;

	while (e < HQRIG_EPOCHS && memcmp(hqrig_epoch_id(e), c->epoch, EVENT_EPOCH_BYTES) != 0)
		e++;
	if (e == HQRIG_EPOCHS)
		base_wrong("HQ confirms an epoch that nobody sent");
	for (uint32_t i = 0; i < h->clone_count; i++)
		h->clones[i].taken = h->clones[i].taken || h->clones[i].epoch == e;
	note_range(h, e, 1, c->through);
	for (int i = 0; i < c->range_count; i++)
		note_range(h, e, c->ranges[i].first, c->ranges[i].last);
	if (c->quarantined_count)
		base_wrong("HQ quarantines seq %llu of epoch %d: %s",
		           (unsigned long long)c->quarantined[0].seq, e, c->quarantined[0].reason);
}

static void note_generation(struct hqrig *h, const char *generation)
{
	if (strcmp(h->generation, generation) == 0)
		return;
	if (h->generation[0])
		base_wrong("HQ took a power cut for a database restored from a copy");
	snprintf(h->generation, sizeof h->generation, "%s", generation);
}

int __wrap_mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len);
int __wrap_mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len)
{
	struct hqrig *h = hqrig_mine();
	struct frame frame;
	char err[200], store[33];

	(void)m;
	if (sscanf(topic, "laneway/1/%32[^/]/confirm", store) != 1 || !strstr(topic, "/confirm"))
		return 1;
	base_memory_off();
	if (frame_decode("LNWC", store, payload, len, hqrig_sign_pub(), &frame, err, sizeof err) ||
	    confirm_parse(frame.header, frame.header_len, &run.confirm, err, sizeof err))
		base_wrong("a confirmation that cannot be read: %s", err);
	if (run.confirm.unreadable_count && !h->b.may_refuse)
		base_wrong("HQ cannot read a batch");
	note_generation(h, run.confirm.generation);
	for (int i = 0; i < run.confirm.epoch_count; i++)
		note_epoch(h, &run.confirm.epochs[i]);
	base_memory_on();
	return 1;
}

/* ---- in place of the connection, TLS and the socket ---- */

static char nothing;

struct mqtt *__wrap_mqtt_new(const struct mqtt_params *params, char *err, size_t err_size);
struct mqtt *__wrap_mqtt_new(const struct mqtt_params *params, char *err, size_t err_size)
{
	(void)params, (void)err, (void)err_size;
	run.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* always readable */
	return (struct mqtt *)(void *)&nothing;
}

int __wrap_mqtt_start(struct mqtt *m);
int __wrap_mqtt_start(struct mqtt *m)
{
	(void)m;
	return 0;
}

bool __wrap_mqtt_stop(struct mqtt *m);
bool __wrap_mqtt_stop(struct mqtt *m)
{
	(void)m;
	return true;
}

void __wrap_mqtt_free(struct mqtt *m);
void __wrap_mqtt_free(struct mqtt *m)
{
	(void)m;
}

int __wrap_mqtt_fd(const struct mqtt *m);
int __wrap_mqtt_fd(const struct mqtt *m)
{
	(void)m;
	return run.fd;
}

struct ssl_ctx_st *__wrap_vault_tls_client(void);
struct ssl_ctx_st *__wrap_vault_tls_client(void)
{
	return (struct ssl_ctx_st *)(void *)&nothing;
}

void __wrap_vault_tls_free(struct ssl_ctx_st *tls);
void __wrap_vault_tls_free(struct ssl_ctx_st *tls)
{
	(void)tls;
}

int __wrap_hq_control_open(struct hq_control **out, const struct hq_control_params *params,
                           char *err, size_t err_size);
int __wrap_hq_control_open(struct hq_control **out, const struct hq_control_params *params,
                           char *err, size_t err_size)
{
	(void)params, (void)err, (void)err_size;
	*out = NULL;
	return 0;
}

void __wrap_hq_control_close(struct hq_control *c);
void __wrap_hq_control_close(struct hq_control *c)
{
	(void)c;
}

/* ---- the database ---- */

int __real_hq_db_open(struct hq_db **out, const char *dir, bool *held, char *err, size_t err_size);
int __wrap_hq_db_open(struct hq_db **out, const char *dir, bool *held, char *err, size_t err_size);
int __wrap_hq_db_open(struct hq_db **out, const char *dir, bool *held, char *err, size_t err_size)
{
	int rc = __real_hq_db_open(out, dir, held, err, err_size);

	if (rc == 0 && base_mine) {
		run.db = *out;
		hq_db_checkpoint_at(*out, LOG_PAGES);
	}
	return rc;
}

int __real_hq_apply_step(struct hq_apply *a);
int __wrap_hq_apply_step(struct hq_apply *a);
int __wrap_hq_apply_step(struct hq_apply *a)
{
	disk_set_phase(base_mine->disk, DISK_FOLD);
	int rc = __real_hq_apply_step(a);
	run.folded = rc == 0;
	disk_set_phase(base_mine->disk, DISK_COMMIT);
	return rc;
}

/* The customers are imported before the first batch. */
static void import(void)
{
	for (int i = 1, tries = 0; i <= HQRIG_CUSTOMERS; i++) {
		char key[8];
		const struct hq_person p = {.external = key, .first_name = "Anna"};
		snprintf(key, sizeof key, "X%d", i);
		if (hq_db_begin(run.db) != 0 ||
		    hq_profile_upsert(run.db, &p, &(int64_t){0}) > HQ_UPSERT_SAME ||
		    hq_db_commit(run.db) != 0) {
			if (!base_mine->may_refuse)
				base_wrong("a customer cannot be imported");
			if (++tries > TRIES_MAX) { /* a disk that fails for good */
				base_mine->ready = false;
				_exit(1);
			}
			hq_db_rollback(run.db);
			i--;
		}
	}
}

static void check(struct hqrig *h, bool folded)
{
	base_memory_off();
	hqrig_check(h, run.db, folded);
	base_memory_on();
}

/* ---- in place of the loop's waiting ---- */

static void fold_all(struct event_base *base)
{
	run.silent = true;
	for (int i = 0; !run.folded; i++) {
		if (i == TURNS_MAX && base_mine->may_refuse)
			return;
		if (i == TURNS_MAX)
			base_wrong("HQ does not fold what it holds");
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

int __wrap_event_base_dispatch(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base)
{
	struct hqrig *h = hqrig_mine();

	h->b.ready = true;
	disk_set_phase(h->b.disk, DISK_COMMIT);
	forget_unanswered(h);
	check(h, false);
	import();
	fold_all(base);
	check(h, run.folded);
	run.silent = false;
	while (!run.stop)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (h->b.last) {
		fold_all(base);
		check(h, run.folded);
		h->b.digest = hqrig_digest(run.db);
	}
	disk_set_phase(h->b.disk, DISK_CLOSE);
	return 0;
}
