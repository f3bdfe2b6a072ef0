/* lanewayd: arguments, configuration, start in order, loop, stop in reverse. No logic lives here.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "conf.h"
#include "flow.h"
#include "serve/serve.h"
#include "store/journal.h"
#include "store/vault.h"
#include "sync/sync.h"

#define JOURNAL_STALL_US 60000000 /* the journal thread may sit in one fsync this long */
#define SYNC_STALL_US 60000000
#define WATCHDOG_PERIOD_S 2
#define DISPATCH_SLICE_US 500     /* a scan waits no longer than this for other callbacks, */
#define DISPATCH_CALLBACKS_MAX 16 /* or for this many */

struct app {
	struct conf *conf;    /* as last read */
	struct conf *started; /* as read at the start: modules keep its names and folders */
	struct counters counters;
	struct vault *vault;
	struct journal *journal;
	struct sync *sync;
	struct flow *flow;
	struct serve *serve;
	struct event_base *base;
	struct event *on_term, *on_int, *on_hup, *on_watchdog;
	int sync_fd;
	bool set_aside, journal_running;
	char err[512];
};

static const char usage[] =
    "usage: lanewayd [-c FILE] [-n] [-V] [-h]\n"
    "  -c FILE  configuration (default /etc/laneway/lanewayd.conf)\n"
    "  -n       check the configuration and stop: exit 0 if it is right, 1 with one line if not\n"
    "  -V       print the version\n"
    "Signals: SIGTERM and SIGINT stop in order, SIGHUP reads the configuration again.\n";

/* ---- what threads tell each other ---- */

static void on_commit(void *ctx)
{
	struct app *a = ctx;

	if (a->sync)
		sync_wake(a->sync);
}

static void on_sync_changed(void *ctx)
{
	struct app *a = ctx;
	uint64_t one = 1;

	if (write(a->sync_fd, &one, sizeof one) < 0)
		log_debug("sync notice: %s", strerror(errno));
}

/* ---- start, in this order ---- */

static int start_folders(struct app *a)
{
	if (mkdir(a->conf->data_dir, 0700) < 0 && errno != EEXIST) {
		snprintf(a->err, sizeof a->err, "data folder %s: %s", a->conf->data_dir,
		         strerror(errno));
		return -1;
	}
	setenv("TZ", a->conf->timezone, 1);
	tzset();
	return 0;
}

static int start_vault(struct app *a)
{
	char path[256];

	snprintf(path, sizeof path, "%s/journal.db", a->conf->data_dir);
	return vault_open(&a->vault, a->conf->keys_dir, access(path, F_OK) != 0, a->err,
	                  sizeof a->err);
}

static int start_journal(struct app *a)
{
	char path[256];
	const struct journal_params params = {
	    .path = path,
	    .store = a->conf->store,
	    .device = a->conf->device,
	    .vault = a->vault,
	    .clock = clock_system(),
	    .counters = &a->counters,
	    .queue_max = FLOW_QUEUE_MAX,
	    .quota_bytes = (uint64_t)a->conf->quota_bytes,
	    .day_cut_min = a->conf->day_cut_min,
	    .retention_us = a->conf->retention_days * 86400LL * 1000000,
	    .resend_window_us = FLOW_RESEND_WINDOW_US,
	    .notify = on_commit,
	    .notify_ctx = a,
	};

	snprintf(path, sizeof path, "%s/journal.db", a->conf->data_dir);
	if (journal_open(&a->journal, &params, &a->set_aside, a->err, sizeof a->err) < 0)
		return -1;
	if (a->set_aside)
		log_error("ALARM: the journal could not be read; it was renamed aside and a new "
		          "one was started");
	return 0;
}

static int start_sync(struct app *a)
{
	char journal[256], shard[256];
	const struct sync_params params = {
	    .store = a->conf->store,
	    .device = a->conf->device,
	    .journal_path = journal,
	    .shard_path = shard,
	    .keys_dir = a->conf->keys_dir,
	    .broker_host = a->conf->broker_host,
	    .broker_port = a->conf->broker_port,
	    .vault = a->vault,
	    .clock = clock_system(),
	    .counters = &a->counters,
	    .journal = a->journal,
	    .changed = on_sync_changed,
	    .ctx = a,
	};

	if (!a->conf->broker_host[0]) {
		log_warn("no uplink is configured: events are kept here only");
		return 0;
	}
	snprintf(journal, sizeof journal, "%s/journal.db", a->conf->data_dir);
	snprintf(shard, sizeof shard, "%s/shard.db", a->conf->data_dir);
	return sync_start(&a->sync, &params, a->err, sizeof a->err);
}

static int start_flow(struct app *a)
{
	const struct flow_params params = {
	    .base = a->base,
	    .conf = a->conf,
	    .vault = a->vault,
	    .clock = clock_system(),
	    .counters = &a->counters,
	    .journal = a->journal,
	    .sync = a->sync,
	    .sync_changed_fd = a->sync ? a->sync_fd : -1,
	};
	struct journal_state state;

	a->flow = flow_new(&params, a->err, sizeof a->err);
	if (!a->flow)
		return -1;
	if (journal_start(a->journal) < 0) {
		snprintf(a->err, sizeof a->err, "journal thread: %s", strerror(errno));
		return -1;
	}
	a->journal_running = true;
	journal_state(a->journal, &state);
	flow_box_started(a->flow, state.clean ? "start" : "unclean", state.clean);
	return flow_start(a->flow, a->err, sizeof a->err);
}

static int start_serve(struct app *a)
{
	char journal[256];
	const struct serve_params params = {
	    .base = a->base,
	    .flow = a->flow,
	    .counters = &a->counters,
	    .listen = a->conf->http_listen,
	    .port = a->conf->http_port,
	    .socket = a->conf->http_socket,
	    .lanes = a->conf->lane_names,
	    .journal_path = journal,
	    .store = a->conf->store,
	    .vault = a->vault,
	};

	snprintf(journal, sizeof journal, "%s/journal.db", a->conf->data_dir);
	a->serve = serve_new(&params, a->err, sizeof a->err);
	if (!a->serve)
		return -1;
	log_info("screens: http://%s:%d/lane/%s", a->conf->http_listen, serve_port(a->serve),
	         a->conf->lane_names[0]);
	return 0;
}

/* ---- signals and the watchdog ---- */

static void on_stop(evutil_socket_t sig, short what, void *ctx)
{
	struct app *a = ctx;

	(void)what;
	log_info("stopping: %s", strsignal(sig));
	event_base_loopbreak(a->base);
}

/* The options that only a restart can change. */
static const char *fixed_difference(const struct conf *was, const struct conf *is)
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

static enum log_level level_named(const char *name)
{
	static const char *const names[] = {
	    [LOG_LEVEL_ERROR] = "error",
	    [LOG_LEVEL_WARN] = "warn",
	    [LOG_LEVEL_INFO] = "info",
	    [LOG_LEVEL_DEBUG] = "debug",
	};

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	}
	return LOG_LEVEL_INFO;
}

/* The configuration, whole and right; NULL with one line in a->err. */
static struct conf *read_conf(struct app *a, const char *path)
{
	struct conf *conf;

	if (conf_read(path, &conf, a->err, sizeof a->err) < 0)
		return NULL;
	if (flow_check(conf, a->err, sizeof a->err) == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

static void on_reload(evutil_socket_t sig, short what, void *ctx)
{
	struct app *a = ctx;
	struct conf *fresh = read_conf(a, a->conf->path);

	(void)sig;
	(void)what;
	sd_notify(0, "RELOADING=1");
	if (!fresh) {
		log_error("reload: %s; the old configuration stays", a->err);
	} else if (fixed_difference(a->conf, fresh)) {
		log_error("reload: %s cannot change without a restart; the old configuration stays",
		          fixed_difference(a->conf, fresh));
		conf_free(fresh);
	} else {
		flow_reload(a->flow, fresh);
		if (a->conf != a->started)
			conf_free(a->conf);
		a->conf = fresh;
		log_open("lanewayd", level_named(fresh->log_level));
		log_info("reloaded %s", fresh->path);
	}
	sd_notify(0, "READY=1");
}

/* Feed the service manager's watchdog while every thread has moved within its own limit. */
static void on_watchdog(evutil_socket_t fd, short what, void *ctx)
{
	struct app *a = ctx;
	struct journal_state j;
	struct sync_state s;
	int64_t now = clock_mono_us(clock_system());

	(void)fd;
	(void)what;
	journal_state(a->journal, &j);
	if (now - j.progress_us > JOURNAL_STALL_US) {
		log_error("ALARM: the journal has not moved for %d s",
		          (int)((now - j.progress_us) / 1000000));
		return;
	}
	if (a->sync) {
		sync_state(a->sync, &s);
		if (now - s.progress_us > SYNC_STALL_US) {
			log_error("ALARM: sync has not moved for %d s",
			          (int)((now - s.progress_us) / 1000000));
			return;
		}
	}
	sd_notify(0, "WATCHDOG=1");
}

static int start_signals(struct app *a)
{
	const struct timeval period = {WATCHDOG_PERIOD_S, 0};

	signal(SIGPIPE, SIG_IGN);
	a->on_term = evsignal_new(a->base, SIGTERM, on_stop, a);
	a->on_int = evsignal_new(a->base, SIGINT, on_stop, a);
	a->on_hup = evsignal_new(a->base, SIGHUP, on_reload, a);
	a->on_watchdog = event_new(a->base, -1, EV_PERSIST, on_watchdog, a);
	snprintf(a->err, sizeof a->err, "signals: out of memory");
	if (!a->on_term || !a->on_int || !a->on_hup || !a->on_watchdog)
		return -1;
	if (event_add(a->on_term, NULL) < 0 || event_add(a->on_int, NULL) < 0 ||
	    event_add(a->on_hup, NULL) < 0)
		return -1;
	return event_add(a->on_watchdog, &period);
}

static int start(struct app *a)
{
	static int (*const steps[])(struct app *) = {
	    start_folders, start_signals, start_vault, start_journal,
	    start_sync,    start_flow,    start_serve,
	};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](a) < 0)
			return -1;
	}
	return 0;
}

/* ---- stop, in reverse ---- */

static void stop(struct app *a)
{
	bool hangs = false;

	sd_notify(0, "STOPPING=1");
	serve_free(a->serve);
	if (a->flow)
		flow_stop(a->flow);
	if (a->journal_running)
		journal_stop(a->journal);
	if (a->flow)
		flow_drained(a->flow);
	flow_free(a->flow);
	if (a->sync)
		hangs = !sync_stop(a->sync);
	if (hangs) {
		log_warn("the network thread hangs in a connection; leaving without it");
		_exit(0);
	}
	journal_free(a->journal);
	vault_free(a->vault);
	struct event *const events[] = {a->on_term, a->on_int, a->on_hup, a->on_watchdog};
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i])
			event_free(events[i]);
	}
	event_base_free(a->base);
	if (a->conf != a->started)
		conf_free(a->conf);
	conf_free(a->started);
	close(a->sync_fd);
}

/* Two priorities: scanners first, and looked after again after every few callbacks of the others.
 */
static struct event_base *make_base(void)
{
	const struct timeval slice = {0, DISPATCH_SLICE_US};
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config &&
	    event_config_set_max_dispatch_interval(config, &slice, DISPATCH_CALLBACKS_MAX, 1) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (base && event_base_priority_init(base, 2) == 0)
		return base;
	if (base)
		event_base_free(base);
	return NULL;
}

static int run(struct app *a)
{
	a->started = a->conf;
	log_open("lanewayd", level_named(a->conf->log_level));
	a->base = make_base();
	a->sync_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!a->base || a->sync_fd < 0) {
		log_error("no event loop: %s", strerror(errno));
		return 1;
	}
	if (start(a) < 0) {
		log_error("%s", a->err);
		stop(a);
		return 1;
	}
	sd_notify(0, "READY=1");
	log_info("ready: store %s, device %s", a->conf->store, a->conf->device);
	event_base_dispatch(a->base);
	stop(a);
	log_info("stopped");
	return 0;
}

int main(int argc, char **argv)
{
	static struct app app;
	const char *path = "/etc/laneway/lanewayd.conf";
	bool check = false;
	int opt;

	while ((opt = getopt(argc, argv, "c:nVh")) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'n':
			check = true;
			break;
		case 'V':
			printf("lanewayd %s\n", version_text());
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	app.conf = read_conf(&app, path);
	if (!app.conf) {
		fprintf(stderr, "lanewayd: %s\n", app.err);
		return 1;
	}
	if (check) {
		printf("%s: right\n", path);
		conf_free(app.conf);
		return 0;
	}
	return run(&app);
}
