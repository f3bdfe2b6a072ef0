/* laneway-sim: a store to play with. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "sim/sim.h"

#define LANES_MAX 64
#define TICK_MS 200

static const char usage[] =
    "usage: laneway-sim customers [--count N] [--seed N] > customers.csv\n"
    "       laneway-sim run --customers FILE --out FOLDER --port PORT --token-file FILE --url URL\n"
    "                       [--lanes 1,2,3] [--seed N] [--seconds N] [--scale X] [--tail COMMAND]\n"
    "\n"
    "customers   write a customer file for `laneway-hq import`, the same for the same seed\n"
    "run         open a pseudo-terminal per lane (FOLDER/scanner-<lane>), connect as its till, and "
    "trade\n"
    "  --out FOLDER      sent.jsonl (what is sent, before it is sent), tail.jsonl (what the daemon "
    "kept)\n"
    "  --port PORT       the daemon's till port\n"
    "  --url URL         the daemon's screens, for the cashier's taps\n"
    "  --seconds N       stop after N seconds of trading, when every message is answered (default: "
    "never)\n"
    "  --scale X         X times faster than a real store (default 1)\n"
    "  --aim             scanners put the AIM identifier in front of each code\n"
    "  --tail COMMAND    run COMMAND (such as \"laneway tail --json\") for the record of what was "
    "kept\n";

struct run {
	struct event_base *base;
	struct event *tick, *on_int, *on_term;
	struct people people;
	struct sim_log *log;
	struct sim_lane *lanes[LANES_MAX];
	char names[LANES_MAX][33];
	int lane_count;
	const char *customers, *out, *token_file, *url, *tail;
	char token[129], session[33];
	uint64_t seed, seconds, port;
	double scale;
	int64_t ticks;
	bool closing, aim;
	pid_t tail_pid;
};

/* The daemon's event stream as the word on what was kept; started again when it ends. */
static void keep_tail(struct run *r)
{
	char path[512];

	if (!r->tail || (r->tail_pid > 0 && waitpid(r->tail_pid, NULL, WNOHANG) == 0))
		return;
	snprintf(path, sizeof path, "%s/tail.jsonl", r->out);
	r->tail_pid = fork();
	if (r->tail_pid != 0)
		return;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDWR);
	if (fd < 0 || null < 0)
		_exit(4);
	dup2(fd, 1);
	dup2(null, 2);
	execl("/bin/sh", "sh", "-c", r->tail, (char *)NULL);
	_exit(4);
}

static void close_lanes(struct run *r)
{
	r->closing = true;
	for (int i = 0; i < r->lane_count; i++)
		sim_lane_close(r->lanes[i]);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct run *r = ctx;
	bool idle = r->closing;

	(void)fd;
	(void)what;
	keep_tail(r);
	if (r->seconds && !r->closing && ++r->ticks * TICK_MS >= (int64_t)r->seconds * 1000)
		close_lanes(r);
	for (int i = 0; i < r->lane_count; i++)
		idle = idle && sim_lane_idle(r->lanes[i]);
	if (idle)
		event_base_loopbreak(r->base);
}

/* The first asks to finish, the second to stop at once. */
static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	struct run *r = ctx;

	(void)sig;
	(void)what;
	if (r->closing)
		event_base_loopbreak(r->base);
	close_lanes(r);
}

static int read_token(struct run *r)
{
	FILE *f = fopen(r->token_file, "re");

	if (!f || !fgets(r->token, sizeof r->token, f)) {
		fprintf(stderr, "%s: %s\n", r->token_file, f ? "empty" : strerror(errno));
		if (f)
			fclose(f);
		return -1;
	}
	fclose(f);
	r->token[strcspn(r->token, "\r\n")] = '\0';
	return 0;
}

static int open_lanes(struct run *r)
{
	for (int i = 0; i < r->lane_count; i++) {
		const struct sim_lane_params lane = {
		    .base = r->base,
		    .people = &r->people,
		    .log = r->log,
		    .dir = r->out,
		    .lane = r->names[i],
		    .token = r->token,
		    .session = r->session,
		    .url = r->url,
		    .port = (int)r->port,
		    .seed = r->seed,
		    .lane_index = i,
		    .lane_count = r->lane_count,
		    .aim = r->aim,
		    .scale = r->scale,
		};
		r->lanes[i] = sim_lane_new(&lane);
		if (!r->lanes[i])
			return -1;
	}
	return 0;
}

static void report(const struct run *r)
{
	struct sim_totals t = {0};

	for (int i = 0; i < r->lane_count; i++)
		sim_lane_totals(r->lanes[i], &t);
	printf("{\"customers\":%llu,\"scans\":%llu,\"rescans\":%llu,\"messages\":%llu,\"kept\":%"
	       "llu,\"orders\":%llu}\n",
	       (unsigned long long)t.customers, (unsigned long long)t.scans,
	       (unsigned long long)t.rescans, (unsigned long long)t.messages,
	       (unsigned long long)t.kept, (unsigned long long)t.orders);
}

static int run(struct run *r)
{
	const struct timeval period = {0, TICK_MS * 1000};
	int rc = 1;

	signal(SIGPIPE, SIG_IGN);
	if (people_read(&r->people, r->customers) < 0 || read_token(r) < 0)
		return 1;
	/* A session of its own each time: its counters start at 1. */
	snprintf(r->session, sizeof r->session, "s%llu-%llx", (unsigned long long)r->seed,
	         (unsigned long long)time(NULL));
	r->base = event_base_new();
	r->log = sim_log_open(r->out);
	if (!r->base || !r->log)
		goto done;
	keep_tail(r);
	if (open_lanes(r) < 0)
		goto done;
	r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r);
	r->on_int = evsignal_new(r->base, SIGINT, on_signal, r);
	r->on_term = evsignal_new(r->base, SIGTERM, on_signal, r);
	event_add(r->tick, &period);
	event_add(r->on_int, NULL);
	event_add(r->on_term, NULL);
	event_base_dispatch(r->base);
	report(r);
	rc = 0;
	event_free(r->tick);
	event_free(r->on_int);
	event_free(r->on_term);
done:
	if (r->tail_pid > 0)
		kill(r->tail_pid, SIGTERM);
	for (int i = 0; i < r->lane_count; i++)
		sim_lane_free(r->lanes[i]);
	if (r->base) /* connections end in the loop */
		event_base_loop(r->base, EVLOOP_NONBLOCK);
	sim_log_close(r->log);
	people_free(&r->people);
	if (r->base)
		event_base_free(r->base);
	return rc;
}

static int parse_lanes(struct run *r, const char *text)
{
	char copy[1024], *save = NULL;

	if (!text_copy(copy, sizeof copy, text))
		return -1;
	r->lane_count = 0;
	for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (r->lane_count == LANES_MAX ||
		    !text_copy(r->names[r->lane_count++], sizeof r->names[0], t))
			return -1;
	}
	return r->lane_count > 0 ? 0 : -1;
}

enum sim_option {
	OPT_COUNT = 256,
	OPT_SEED,
	OPT_CUSTOMERS,
	OPT_OUT,
	OPT_PORT,
	OPT_TOKEN,
	OPT_URL,
	OPT_LANES,
	OPT_SECONDS,
	OPT_SCALE,
	OPT_TAIL,
	OPT_AIM,
};

static const struct option options[] = {
    {"count", required_argument, NULL, OPT_COUNT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"customers", required_argument, NULL, OPT_CUSTOMERS},
    {"out", required_argument, NULL, OPT_OUT},
    {"port", required_argument, NULL, OPT_PORT},
    {"token-file", required_argument, NULL, OPT_TOKEN},
    {"url", required_argument, NULL, OPT_URL},
    {"lanes", required_argument, NULL, OPT_LANES},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"scale", required_argument, NULL, OPT_SCALE},
    {"tail", required_argument, NULL, OPT_TAIL},
    {"aim", no_argument, NULL, OPT_AIM},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* 0; -1: not an option of ours, or a bad value. */
static int take(struct run *r, uint64_t *count, int opt, const char *value)
{
	switch (opt) {
	case OPT_COUNT:
		return num_u64(value, 1, 10000000, count) ? 0 : -1;
	case OPT_SEED:
		return num_u64(value, 0, UINT32_MAX, &r->seed) ? 0 : -1;
	case OPT_PORT:
		return num_u64(value, 1, 65535, &r->port) ? 0 : -1;
	case OPT_SECONDS:
		return num_u64(value, 1, 1000000, &r->seconds) ? 0 : -1;
	case OPT_LANES:
		return parse_lanes(r, value);
	case OPT_SCALE:
		r->scale = atof(value);
		return r->scale > 0 && r->scale <= 1000 ? 0 : -1;
	case OPT_CUSTOMERS:
		r->customers = value;
		return 0;
	case OPT_OUT:
		r->out = value;
		return 0;
	case OPT_TOKEN:
		r->token_file = value;
		return 0;
	case OPT_URL:
		r->url = value;
		return 0;
	case OPT_TAIL:
		r->tail = value;
		return 0;
	case OPT_AIM:
		r->aim = true;
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	static struct run r = {.seed = 1, .scale = 1};
	uint64_t count = 2000;
	int opt;

	parse_lanes(&r, "1,2,3");
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (take(&r, &count, opt, optarg) < 0) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "customers") == 0) {
		people_write(stdout, count, r.seed);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (optind + 1 == argc && strcmp(argv[optind], "run") == 0 && r.customers && r.out &&
	    r.port && r.token_file && r.url)
		return run(&r);
	fputs(usage, stderr);
	return 2;
}
