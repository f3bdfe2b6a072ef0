/* lanewayd: arguments, configuration, the loop, signals and the watchdog. No logic lives here; what
 * is started and stopped, and in which order, stands in box.c.
 */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "box.h"
#include "conf/conf.h"
#include "flow/flow.h"

#define WATCHDOG_PERIOD_S 2
#define DISPATCH_SLICE_US 500     /* a scan waits no longer than this for other callbacks, */
#define DISPATCH_CALLBACKS_MAX 16 /* or for this many */

struct app {
	struct conf *conf;    /* as last read */
	struct conf *started; /* as read at the start */
	struct event_base *base;
	struct box *box;
	struct event *on_term, *on_int, *on_hup, *on_watchdog;
	char err[512];
};

static const char usage[] =
    "usage: lanewayd [-c FILE] [-n]\n"
    "  -c, --config FILE  configuration (default /etc/laneway/lanewayd.conf)\n"
    "  -n, --check        check the configuration and stop: exit 0 if it is right, 1 with one line "
    "if not\n"
    "  -V, --version      print the version\n"
    "  -h, --help         this\n"
    "Signals: SIGTERM and SIGINT stop in order, SIGHUP reads the configuration again.\n";

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

/* ---- signals and the watchdog ---- */

static void on_stop(evutil_socket_t sig, short what, void *ctx)
{
	struct app *a = ctx;

	(void)what;
	log_info("stopping: %s", strsignal(sig));
	event_base_loopbreak(a->base);
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
	} else if (box_fixed(a->conf, fresh)) {
		log_error("reload: %s cannot change without a restart; the old configuration stays",
		          box_fixed(a->conf, fresh));
		conf_free(fresh);
	} else {
		box_reload(a->box, fresh);
		if (a->conf != a->started)
			conf_free(a->conf);
		a->conf = fresh;
		log_open("lanewayd", log_level_named(fresh->log_level));
		log_info("reloaded %s", fresh->path);
	}
	sd_notify(0, "READY=1");
}

/* Feed the service manager's watchdog while every thread has moved within its own limit. */
static void on_watchdog(evutil_socket_t fd, short what, void *ctx)
{
	struct app *a = ctx;

	(void)fd;
	(void)what;
	if (box_moves(a->box))
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

/* ---- one run ---- */

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

static void clean_up(struct app *a)
{
	struct event *const events[] = {a->on_term, a->on_int, a->on_hup, a->on_watchdog};

	sd_notify(0, "STOPPING=1");
	if (!box_stop(a->box))
		_exit(0);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i])
			event_free(events[i]);
	}
	event_base_free(a->base);
	if (a->conf != a->started)
		conf_free(a->conf);
	conf_free(a->started);
}

static int run(struct app *a)
{
	a->started = a->conf;
	log_open("lanewayd", log_level_named(a->conf->log_level));
	a->base = make_base();
	if (!a->base) {
		log_error("no event loop: out of memory");
		return 1;
	}
	if (start_signals(a) < 0 ||
	    box_start(&a->box, a->base, a->conf, a->err, sizeof a->err) < 0) {
		log_error("%s", a->err);
		clean_up(a);
		return 1;
	}
	sd_notify(0, "READY=1");
	log_info("ready: store %s, device %s", a->conf->store, a->conf->device);
	event_base_dispatch(a->base);
	clean_up(a);
	log_info("stopped");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	                                        {"check", no_argument, NULL, 'n'},
	                                        {"version", no_argument, NULL, 'V'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {NULL, 0, NULL, 0}};
	static struct app app;
	const char *path = "/etc/laneway/lanewayd.conf";
	bool check = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:nVh", options, NULL)) != -1) {
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
