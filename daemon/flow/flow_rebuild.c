#include "flow/flow_rebuild.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "conf/conf.h"
#include "flow/flow_overlay.h"
#include "store/journal.h"
#include "store/sealed.h"
#include "store/vault.h"

#define TRIES_MAX 3
#define PAUSE_MS 500 /* between tries: a disk that stumbles gets its breath */
/* Without a mark (a journal of an older release) baskets are looked for in this many events: more
 * than a store's day. */
#define NEWEST_EVENTS 300000

enum stage { STAGE_READING, STAGE_BASKETS, STAGE_WINDOW };

struct flow_rebuild {
	struct flow_rebuild_params p; /* conf, rules: not used after the start */
	struct ident_rules rules;
	struct rule_set table;
	struct lookup lookup;
	struct field_trust trust; /* bytes, like what follows */
	char journal[256], profiles[256], store[EVENT_STORE_SIZE], currency[4];
	char lanes[CONF_LANES_MAX][EVENT_NAME_SIZE];
	const char *lane_names[CONF_LANES_MAX + 1];
	pthread_t thread;
	int fd;
	_Atomic enum stage stage;
	atomic_bool stopping;
	bool running;
	bool overlay_whole, no_memory; /* the thread's too */

	/* the thread's, until the stage hands them over */
	struct journal_reader *reader;
	struct vault_work *work;
	struct sale_sources sources;
	struct buf last; /* the last line */
	struct buf tills, guards, lookups, rule_table, hq_kept, weights, serving;
	struct flow_before before;
	struct shard_reader *shard;
	struct overlay *overlay;
	struct sale *sale;
	struct window *window;
};

/* ---- what the sale asks for ---- */

static int find_profiles(void *ctx, const char *kind, const char *nf, struct shard_hit *out,
                         int max)
{
	struct flow_rebuild *r = ctx;
	int touched = r->overlay ? overlay_find(r->overlay, kind, nf, out, max) : OVERLAY_UNTOUCHED;

	if (touched != OVERLAY_UNTOUCHED)
		return touched;
	return r->shard ? shard_find(r->shard, kind, nf, out, max) : 0;
}

static int source_key(void *ctx, const uint8_t id[EVENT_ID_BYTES], struct visit_key *out)
{
	struct flow_rebuild *r = ctx;

	return journal_reader_key(r->reader, id, out);
}

static int source_open(void *ctx, const struct visit_key *key,
                       const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq, const char *n,
                       const char *c, struct buf *json)
{
	struct flow_rebuild *r = ctx;
	const struct sealed_at at = {.store = r->store, .epoch = epoch, .seq = seq};

	return sealed_text(r->work, key->key, &at, n, c, json);
}

static int source_profile(void *ctx, const char *customer_id, struct profile *out)
{
	struct flow_rebuild *r = ctx;

	return flow_overlay_profile(r->overlay, r->shard, customer_id, out);
}

static void source_resolve(void *ctx, enum ident_kind kind, const char *value, struct answer *out)
{
	struct flow_rebuild *r = ctx;
	const struct ident_given given = {.kind = kind, .scanned = true, .value = value};
	const struct resolver with = {.forms = &r->rules, .rules = &r->table, .lookup = &r->lookup};

	resolve(&with, &given, out);
}

/* ---- this store's own changes ---- */

static int make_overlay(struct flow_rebuild *r)
{
	const struct flow_overlay_from from = {.reader = r->reader,
	                                       .work = r->work,
	                                       .shard = r->shard,
	                                       .store = r->store,
	                                       .epoch = r->p.epoch};

	overlay_free(r->overlay);
	r->overlay = overlay_new(&r->table, &r->trust);
	if (!r->overlay)
		return -1;
	overlay_held(r->overlay, NULL, 0);
	int rc = r->reader ? flow_overlay_recall(r->overlay, &from) : 1;
	r->overlay_whole = rc == 0;
	return rc;
}

/* ---- baskets ---- */

static bool take_line(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                      const char *line, size_t len)
{
	struct flow_rebuild *r = ctx;

	if (atomic_load(&r->stopping) || memcmp(epoch, r->p.epoch, EVENT_EPOCH_BYTES) == 0)
		return false;
	buf_reset(&r->last);
	buf_add(&r->last, line, len);
	r->no_memory = sale_replay(r->sale, epoch, seq, line, len, &r->sources) < 0;
	return !r->no_memory;
}

static void read_before(struct flow_rebuild *r)
{
	struct buf mark = {0};
	json_t *root =
	    r->last.len ? json_loadb((const char *)r->last.data, r->last.len, 0, NULL) : NULL;
	const json_t *context = json_object_get(json_object_get(root, "context"), "laneway");
	const char *boot = json_string_value(json_object_get(context, "boot"));

	r->before.any = root != NULL;
	text_copy(r->before.boot, sizeof r->before.boot, boot ? boot : "");
	if (journal_reader_mark(r->reader, FLOW_MARK_STARTED, &mark) == 0 &&
	    mark.len > CLOCK_BOOT_ID_SIZE - 1)
		snprintf(r->before.version, sizeof r->before.version, "%.*s",
		         (int)(mark.len - (CLOCK_BOOT_ID_SIZE - 1)),
		         (const char *)mark.data + CLOCK_BOOT_ID_SIZE - 1);
	if (journal_reader_mark(r->reader, FLOW_MARK_CLOCK, &mark) == 0 &&
	    mark.len == CLOCK_BOOT_ID_SIZE - 1 + 8) {
		snprintf(r->before.guard_boot, sizeof r->before.guard_boot, "%.*s",
		         CLOCK_BOOT_ID_SIZE - 1, (const char *)mark.data);
		r->before.guard_base_us = (int64_t)buf_get64(mark.data + CLOCK_BOOT_ID_SIZE - 1);
	}
	json_decref(root);
	buf_free(&mark);
}

static int read_lines(struct flow_rebuild *r)
{
	struct buf mark = {0};
	struct journal_from from = {.newest = NEWEST_EVENTS};
	uint64_t unread = 0;

	if (journal_reader_mark(r->reader, FLOW_MARK_OPEN, &mark) == 0 &&
	    mark.len == EVENT_EPOCH_BYTES + 8) {
		from.epoch = mark.data;
		from.seq = buf_get64(mark.data + EVENT_EPOCH_BYTES);
	}
	buf_reset(&r->last);
	buf_reset(&r->tills);
	journal_reader_mark(r->reader, FLOW_MARK_TILLS, &r->tills);
	buf_reset(&r->rule_table);
	journal_reader_mark(r->reader, FLOW_MARK_RULES, &r->rule_table);
	buf_reset(&r->hq_kept);
	journal_reader_mark(r->reader, FLOW_MARK_KEPT, &r->hq_kept);
	buf_reset(&r->guards);
	journal_reader_marks(r->reader, FLOW_MARK_GUARDS, &r->guards);
	buf_reset(&r->lookups);
	journal_reader_mark(r->reader, FLOW_MARK_LOOKUPS, &r->lookups);
	buf_reset(&r->weights);
	journal_reader_mark(r->reader, FLOW_MARK_WEIGHTS, &r->weights);
	buf_reset(&r->serving);
	journal_reader_mark(r->reader, FLOW_MARK_SERVING, &r->serving);
	int rc = journal_reader_lines_from(r->reader, &from, take_line, r, &unread);
	if (unread)
		log_error("ALARM: %" PRIu64 " packs of the journal cannot be opened; baskets are "
		          "continued without what stands in them",
		          unread);
	if (rc == 0)
		read_before(r);
	buf_free(&mark);
	return rc;
}

/* These two: 0; 1: not all of it could be read; -1: out of memory, which passes. */
static int make_baskets(struct flow_rebuild *r)
{
	const struct sale_params sale = {
	    .store = r->store, .currency = r->currency, .lanes = r->lane_names};

	sale_free(r->sale);
	r->no_memory = false;
	r->sale = sale_new(&sale);
	if (!r->sale)
		return -1;
	return r->reader && read_lines(r) == 0 && !r->no_memory ? 0 : 1;
}

/* ---- the window ---- */

static bool take_id(void *ctx, const struct entry_id *id, const uint8_t epoch[EVENT_EPOCH_BYTES],
                    uint64_t seq, uint32_t count, int64_t wall_us)
{
	struct flow_rebuild *r = ctx;

	/* What was kept while no time was trusted ages from now on. */
	if (wall_us == 0 || wall_us > r->p.now_us)
		wall_us = r->p.now_us;
	if (wall_us < r->p.now_us - r->p.window_age_us)
		r->no_memory = window_gone(r->window, id) < 0;
	else
		r->no_memory = window_kept(r->window, id, epoch, seq, count, wall_us) < 0;
	return !r->no_memory && !atomic_load(&r->stopping);
}

/* All ids that the journal still has: those beyond the window tell the highest counter that left
 * it. */
static int make_window(struct flow_rebuild *r)
{
	window_free(r->window);
	r->no_memory = false;
	r->window = window_new(r->p.window_age_us, r->p.window_ids_max);
	if (!r->window)
		return -1;
	bool read = r->reader && journal_reader_ids(r->reader, 0, take_id, r) == 0;
	return r->no_memory ? -1 : read ? 0 : 1;
}

/* ---- the thread ---- */

static void open_reader(struct flow_rebuild *r)
{
	char err[300];

	journal_reader_free(r->reader);
	r->reader = NULL;
	if (journal_reader_open(&r->reader, r->journal, r->store, r->p.vault, err, sizeof err) < 0)
		log_error("rebuilding: %s", err);
}

/* What cannot be read after some tries is done without: a box that serves nobody loses more. */
static void make(struct flow_rebuild *r, int (*part)(struct flow_rebuild *), const char *loss)
{
	const struct timespec pause = {PAUSE_MS / 1000, PAUSE_MS % 1000 * 1000000};
	int made = -1;

	for (int i = 0; (i < TRIES_MAX || made < 0) && !atomic_load(&r->stopping); i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (i || !r->reader)
			open_reader(r);
		made = part(r);
		if (made == 0)
			return;
	}
	if (!atomic_load(&r->stopping))
		log_error("ALARM: %s cannot be read back: %s", r->journal, loss);
}

static void hand_over(struct flow_rebuild *r, enum stage stage)
{
	uint64_t one = 1;

	if (atomic_load(&r->stopping))
		return;
	atomic_store(&r->stage, stage);
	if (write(r->fd, &one, sizeof one) < 0)
		log_error("rebuilding: %s", strerror(errno));
}

static void *thread_main(void *arg)
{
	struct flow_rebuild *r = arg;
	char err[300];

	if (shard_reader_open(&r->shard, r->profiles, r->p.vault, err, sizeof err) < 0)
		log_error("ALARM: nobody can be named: %s", err);
	else
		shard_reader_share(r->shard, r->p.gate);
	make(r, make_overlay, "customers enrolled here may not be known before HQ knows them");
	make(r, make_baskets, "open baskets are not all continued");
	hand_over(r, STAGE_BASKETS);
	make(r, make_window, "a message that is sent again may be counted twice");
	hand_over(r, STAGE_WINDOW);
	if (r->p.done)
		atomic_store(r->p.done, true);
	return NULL;
}

/* ---- the loop's side ---- */

static void copy_conf(struct flow_rebuild *r, const struct conf *conf)
{
	snprintf(r->journal, sizeof r->journal, "%s/journal.db", conf->data_dir);
	snprintf(r->profiles, sizeof r->profiles, "%s/shard.db", conf->data_dir);
	text_copy(r->store, sizeof r->store, conf->store);
	text_copy(r->currency, sizeof r->currency, conf->currency);
	for (int i = 0; i < conf->lane_count; i++) {
		text_copy(r->lanes[i], sizeof r->lanes[i], conf->lanes[i]);
		r->lane_names[i] = r->lanes[i];
	}
}

struct flow_rebuild *flow_rebuild_start(const struct flow_rebuild_params *params, char *err,
                                        size_t err_size)
{
	struct flow_rebuild *r = calloc(1, sizeof *r);
	sigset_t all, before;

	snprintf(err, err_size, "out of memory");
	if (!r)
		return NULL;
	r->p = *params;
	r->rules = *params->rules;
	r->trust = *params->trust;
	if (rule_copy(&r->table, params->table) < 0) {
		free(r);
		return NULL;
	}
	r->table.forms = &r->rules;
	r->lookup = (struct lookup){.find = find_profiles, .ctx = r};
	r->sources =
	    (struct sale_sources){source_key, source_open, source_profile, source_resolve, r};
	copy_conf(r, params->conf);
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->work = vault_work_new();
	if (r->fd < 0 || !r->work)
		goto err_free;
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r->running = pthread_create(&r->thread, NULL, thread_main, r) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r->running)
		return r;
	snprintf(err, err_size, "no thread to read the journal back");
err_free:
	flow_rebuild_free(r);
	return NULL;
}

void flow_rebuild_stop(struct flow_rebuild *r)
{
	atomic_store(&r->stopping, true);
}

void flow_rebuild_free(struct flow_rebuild *r)
{
	if (!r)
		return;
	flow_rebuild_stop(r);
	if (r->running)
		pthread_join(r->thread, NULL);
	sale_free(r->sale);
	overlay_free(r->overlay);
	window_free(r->window);
	shard_reader_free(r->shard);
	journal_reader_free(r->reader);
	vault_work_free(r->work);
	buf_free(&r->last);
	buf_free(&r->tills);
	buf_free(&r->guards);
	buf_free(&r->lookups);
	buf_free(&r->weights);
	buf_free(&r->serving);
	buf_free(&r->rule_table);
	buf_free(&r->hq_kept);
	rule_free(&r->table);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

void flow_rebuild_wait(struct flow_rebuild *r)
{
	if (r->running)
		pthread_join(r->thread, NULL);
	r->running = false;
}

int flow_rebuild_fd(const struct flow_rebuild *r)
{
	return r->fd;
}

const struct buf *flow_rebuild_tills(const struct flow_rebuild *r)
{
	return &r->tills;
}

const struct buf *flow_rebuild_kept(const struct flow_rebuild *r)
{
	return &r->hq_kept;
}

const struct buf *flow_rebuild_guards(const struct flow_rebuild *r)
{
	return &r->guards;
}

const struct buf *flow_rebuild_lookups(const struct flow_rebuild *r)
{
	return &r->lookups;
}

const struct buf *flow_rebuild_weights(const struct flow_rebuild *r)
{
	return &r->weights;
}

const struct buf *flow_rebuild_serving(const struct flow_rebuild *r)
{
	return &r->serving;
}

const struct buf *flow_rebuild_rules(const struct flow_rebuild *r)
{
	return &r->rule_table;
}

bool flow_rebuild_baskets(struct flow_rebuild *r, struct flow_names *out)
{
	if (atomic_load(&r->stage) < STAGE_BASKETS || !r->sale)
		return false;
	*out = (struct flow_names){.sale = r->sale,
	                           .shard = r->shard,
	                           .overlay = r->overlay,
	                           .overlay_whole = r->overlay_whole,
	                           .before = r->before};
	r->sale = NULL;
	r->shard = NULL;
	r->overlay = NULL;
	return true;
}

bool flow_rebuild_window(struct flow_rebuild *r, struct window **window,
                         struct journal_reader **reader)
{
	if (atomic_load(&r->stage) < STAGE_WINDOW || !r->window)
		return false;
	*window = r->window;
	*reader = r->reader;
	r->window = NULL;
	r->reader = NULL;
	return true;
}
