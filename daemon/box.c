#include "box.h"
#include "box_sync.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock_keep.h"
#include "base/log.h"
#include "base/version.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "serve/serve.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/shard.h"
#include "store/vault.h"
#include "sync/sync.h"

#define JOURNAL_STALL_US 60000000 /* the journal thread may sit in one fsync this long */
#define SYNC_STALL_US 60000000

struct box {
	const struct conf *conf; /* as at the start: modules keep its names and folders */
	struct counters counters;
	struct clock_keep *clock;
	struct vault *vault;
	struct shard_gate *gate; /* of the loop's shard and of sync's */
	struct journal *journal;
	struct ledger *ledger;
	_Atomic(struct box_sync *) sync; /* the journal's thread wakes it; NULL: no uplink */
	char journal_path[256], shard_path[256];
	struct flow *flow;
	struct serve *serve;
	struct event_base *base;
	int sync_fd;
	bool set_aside, journal_running;
	atomic_bool read_back; /* of the journal, what a start needs */
	char *err;
	size_t err_size;
};

/* ---- what threads tell each other ---- */

static void on_commit(void *ctx)
{
	struct box *b = ctx;
	struct sync *sync = box_sync_get(atomic_load(&b->sync));

	if (sync)
		sync_wake(sync);
}

static void on_sync_changed(void *ctx)
{
	struct box *b = ctx;
	uint64_t one = 1;

	if (write(b->sync_fd, &one, sizeof one) < 0)
		log_debug("sync notice: %s", strerror(errno));
}

/* ---- start, in this order ---- */

static int start_folders(struct box *b)
{
	if (mkdir(b->conf->data_dir, 0700) < 0 && errno != EEXIST) {
		snprintf(b->err, b->err_size, "data folder %s: %s", b->conf->data_dir,
		         strerror(errno));
		return -1;
	}
	setenv("TZ", b->conf->timezone, 1);
	tzset();
	b->sync_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(b->err, b->err_size, "eventfd: %s", strerror(errno));
	return b->sync_fd < 0 ? -1 : 0;
}

static int start_clock(struct box *b)
{
	b->clock = clock_keep_new(clock_raw_system(), version_built_us(), &b->counters);
	snprintf(b->err, b->err_size, "out of memory");
	return b->clock ? 0 : -1;
}

static int start_vault(struct box *b)
{
	char path[256];

	snprintf(path, sizeof path, "%s/journal.db", b->conf->data_dir);
	return vault_open(&b->vault, b->conf->keys_dir, access(path, F_OK) != 0, b->err,
	                  b->err_size);
}

static int start_gate(struct box *b)
{
	b->gate = shard_gate_new();
	snprintf(b->err, b->err_size, "out of memory");
	return b->gate ? 0 : -1;
}

static int start_journal(struct box *b)
{
	char path[256];
	const struct journal_params params = {
	    .path = path,
	    .store = b->conf->store,
	    .device = b->conf->device,
	    .vault = b->vault,
	    .clock = clock_keep_clock(b->clock),
	    .counters = &b->counters,
	    .queue_max = FLOW_QUEUE_MAX,
	    .quota_bytes = (uint64_t)b->conf->quota_bytes,
	    .day_cut_min = b->conf->day_cut_min,
	    .retention_us = b->conf->retention_days * 86400LL * 1000000,
	    .resend_window_us = FLOW_RESEND_WINDOW_US,
	    .notify = on_commit,
	    .notify_ctx = b,
	};

	snprintf(path, sizeof path, "%s/journal.db", b->conf->data_dir);
	if (journal_open(&b->journal, &params, &b->set_aside, b->err, b->err_size) < 0)
		return -1;
	if (b->set_aside)
		log_error("ALARM: the journal could not be read; it was renamed aside and a new "
		          "one was started");
	flow_clock_recall(b->clock, path, b->conf->store, b->vault);
	return 0;
}

static int start_ledger(struct box *b)
{
	char path[256];

	snprintf(path, sizeof path, "%s/statements", b->conf->data_dir);
	return ledger_open(&b->ledger, path, b->err, b->err_size);
}

static void on_sync_up(void *ctx, struct sync *sync)
{
	struct box *b = ctx;

	if (flow_sync(b->flow, sync, b->sync_fd) < 0)
		log_error("sync: out of memory; its state is not shown");
}

static int start_sync(struct box *b)
{
	struct box_sync *sync;
	const struct sync_params sync_params = {
	    .store = b->conf->store,
	    .device = b->conf->device,
	    .journal_path = b->journal_path,
	    .shard_path = b->shard_path,
	    .keys_dir = b->conf->keys_dir,
	    .broker_host = b->conf->broker_host,
	    .broker_port = b->conf->broker_port,
	    .vault = b->vault,
	    .gate = b->gate,
	    .clock = clock_keep_clock(b->clock),
	    .keep = b->clock,
	    .counters = &b->counters,
	    .journal = b->journal,
	    .ledger = b->ledger,
	    .changed = on_sync_changed,
	    .ctx = b,
	};
	const struct box_sync_params params = {
	    .sync = sync_params, .up = on_sync_up, .read_back = &b->read_back};

	if (!b->conf->broker_host[0]) {
		log_warn("no uplink is configured: events are kept here only");
		return 0;
	}
	snprintf(b->journal_path, sizeof b->journal_path, "%s/journal.db", b->conf->data_dir);
	snprintf(b->shard_path, sizeof b->shard_path, "%s/shard.db", b->conf->data_dir);
	if (box_sync_start(&sync, b->base, &params, b->err, b->err_size) < 0)
		return -1;
	atomic_store(&b->sync, sync);
	return 0;
}

static int start_flow(struct box *b)
{
	const struct flow_params params = {
	    .base = b->base,
	    .conf = b->conf,
	    .vault = b->vault,
	    .gate = b->gate,
	    .clock = clock_keep_clock(b->clock),
	    .keep = b->clock,
	    .counters = &b->counters,
	    .journal = b->journal,
	    .ledger = b->ledger,
	    .read_back = &b->read_back,
	};

	b->flow = flow_new(&params, b->err, b->err_size);
	if (!b->flow)
		return -1;
	if (journal_start(b->journal) < 0) {
		snprintf(b->err, b->err_size, "journal thread: %s", strerror(errno));
		return -1;
	}
	b->journal_running = true;
	return flow_start(b->flow, b->err, b->err_size);
}

static int start_serve(struct box *b)
{
	char journal[256];
	const struct serve_params params = {
	    .base = b->base,
	    .flow = b->flow,
	    .counters = &b->counters,
	    .listen = b->conf->http_listen,
	    .port = b->conf->http_port,
	    .socket = b->conf->http_socket,
	    .lanes = b->conf->lane_names,
	    .journal_path = journal,
	    .store = b->conf->store,
	    .vault = b->vault,
	};

	snprintf(journal, sizeof journal, "%s/journal.db", b->conf->data_dir);
	b->serve = serve_new(&params, b->err, b->err_size);
	if (!b->serve)
		return -1;
	log_info("screens: http://%s:%d/lane/%s", b->conf->http_listen, serve_port(b->serve),
	         b->conf->lane_names[0]);
	return 0;
}

int box_start(struct box **out, struct event_base *base, const struct conf *conf, char *err,
              size_t err_size)
{
	static int (*const steps[])(struct box *) = {
	    start_folders, start_clock, start_vault, start_gate, start_journal,
	    start_ledger,  start_flow,  start_serve, start_sync,
	};
	struct box *b = calloc(1, sizeof *b);

	snprintf(err, err_size, "out of memory");
	if (!b)
		return -1;
	*b = (struct box){
	    .conf = conf, .base = base, .sync_fd = -1, .err = err, .err_size = err_size};
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](b) < 0) {
			/* Sync is started last: there is none that could hang. */
			if (!box_stop(b))
				abort();
			return -1;
		}
	}
	*out = b;
	return 0;
}

/* ---- while it runs ---- */

const char *box_fixed(const struct conf *was, const struct conf *is)
{
	if (strcmp(was->store, is->store) != 0 || strcmp(was->device, is->device) != 0)
		return "store and device";
	if (strcmp(was->data_dir, is->data_dir) != 0 || strcmp(was->keys_dir, is->keys_dir) != 0)
		return "data and keys";
	if (memcmp(was->lanes, is->lanes, sizeof was->lanes) != 0)
		return "lanes";
	if (strcmp(was->broker_host, is->broker_host) != 0 || was->broker_port != is->broker_port)
		return "uplink";
	if (strcmp(was->http_listen, is->http_listen) != 0 || was->http_port != is->http_port ||
	    strcmp(was->http_socket, is->http_socket) != 0)
		return "http";
	if (strcmp(was->pos_listen, is->pos_listen) != 0 || was->pos_port != is->pos_port ||
	    strcmp(was->pos_token, is->pos_token) != 0)
		return "pos";
	if (strcmp(was->currency, is->currency) != 0 || strcmp(was->timezone, is->timezone) != 0)
		return "currency and timezone";
	if (was->retention_days != is->retention_days || was->quota_bytes != is->quota_bytes)
		return "journal";
	return NULL;
}

void box_reload(struct box *b, const struct conf *conf)
{
	flow_reload(b->flow, conf);
}

bool box_moves(struct box *b)
{
	struct journal_state j;
	struct sync_state s;
	int64_t now = clock_mono_us(clock_system());

	journal_state(b->journal, &j);
	if (now - j.progress_us > JOURNAL_STALL_US) {
		log_error("ALARM: the journal has not moved for %d s",
		          (int)((now - j.progress_us) / 1000000));
		return false;
	}
	struct sync *sync = box_sync_get(b->sync);
	if (!sync)
		return true;
	sync_state(sync, &s);
	if (now - s.progress_us <= SYNC_STALL_US)
		return true;
	log_error("ALARM: sync has not moved for %d s", (int)((now - s.progress_us) / 1000000));
	return false;
}

/* ---- stop, in reverse ---- */

bool box_stop(struct box *b)
{
	if (!b)
		return true;
	if (b->flow)
		flow_stop(b->flow);
	if (b->journal_running)
		journal_stop(b->journal);
	if (b->flow)
		flow_drained(b->flow);
	serve_free(b->serve); /* taps have been answered */
	flow_free(b->flow);
	if (!box_sync_stop(b->sync)) {
		log_warn("the network thread hangs; leaving without it");
		return false;
	}
	shard_gate_free(b->gate);
	ledger_free(b->ledger);
	journal_free(b->journal);
	vault_free(b->vault);
	clock_keep_free(b->clock);
	if (b->sync_fd >= 0)
		close(b->sync_fd);
	free(b);
	return true;
}
