/* The event path as the daemon runs it: a journal, a shard, scanners on pseudo-terminals, a till on
 * a socket and one loop. Only the clock and the word of the sync thread are the test's. */
#ifndef LANEWAY_TESTS_FLOW_WORLD_H
#define LANEWAY_TESTS_FLOW_WORLD_H

#include "journal_place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <pty.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>

#include "base/log.h"
#include "flow/flow_internal.h"

#define PATIENCE_MS 60000 /* longest wait for something that must come */
#define TOKEN "0123456789abcdef"
#define CARD "2600000000170"
#define PAN "4111111111111111"
#define SECOND_US 1000000LL

struct seen_lane {
	char lane[33];
	json_t *view;
	uint64_t kept_before; /* kept lines that had been told when this was shown */
};

struct world {
	struct place *p; /* folder, keys, vault, journal */
	char conf_path[96], log_path[96], token_path[96];
	struct conf *conf, *next;
	struct clock clock;
	struct clock_keep *keep; /* NULL: clock */
	_Atomic int64_t mono_us;
	enum clock_trust trust;
	struct sync_state sync;
	bool has_sync;
	bool holds_other; /* HQ confirms nothing of ours */
	struct event_base *base;
	struct event *turn_end;
	struct flow *flow;
	bool running;
	int master[2], slave[2]; /* of scan-1's first port, and of the spare one */
	char port[2][96];
	int till;
	char in[65536];
	size_t in_len;
	json_t *said; /* every answer to the till, in order */
	struct seen_lane seen[256];
	size_t seen_count;
	struct buf kept; /* every kept line */
	uint64_t kept_count;
	int stderr_fd, sync_fd;
};

/* The sync thread's word, which flow asks for: the test's own. */
static struct world *the_world;

void sync_state(struct sync *s, struct sync_state *out)
{
	(void)s;
	*out = the_world->sync;
	/* HQ holds all that it speaks of, unless a test says otherwise. */
	for (int i = 0; i < out->includes.count && !the_world->holds_other; i++) {
		out->held.at[i] = out->includes.at[i];
		out->held.at[i].seq = INT64_MAX;
		out->held.count = i + 1;
	}
}

int sync_notes(struct sync *s, struct journal_note *out, int max)
{
	(void)s, (void)out, (void)max;
	return 0;
}

/* The rules that HQ has to tell; NULL: nothing new. */
static const char *hq_rules;

bool sync_rules(struct sync *s, struct buf *out)
{
	(void)s;
	if (!hq_rules)
		return false;
	buf_reset(out);
	buf_str(out, hq_rules);
	hq_rules = NULL;
	return true;
}

/* What HQ was told of which rules are in force: "version/refused/why". */
static char stands[300];

void sync_rules_stand(struct sync *s, const char *version, const char *refused, const char *why)
{
	(void)s;
	snprintf(stands, sizeof stands, "%s/%s/%s", version, refused, why);
}

/* The same for weights. */
static const char *hq_weights;

bool sync_weights(struct sync *s, struct buf *out)
{
	(void)s;
	if (!hq_weights)
		return false;
	buf_reset(out);
	buf_str(out, hq_weights);
	hq_weights = NULL;
	return true;
}

/* What HQ was told of which weights are in use. */
static char weighs[64];

void sync_weights_stand(struct sync *s, const char *made)
{
	(void)s;
	snprintf(weighs, sizeof weighs, "%s", made);
}

/* HQ is asked about nobody, except in the test of that, which is HQ. */
#ifndef WORLD_ANSWERS
uint64_t sync_inquire(struct sync *s, const char *kind, const char *nf)
{
	(void)s, (void)kind, (void)nf;
	return 0;
}

bool sync_inquired(struct sync *s, struct inquiry_answer *out)
{
	(void)s, (void)out;
	return false;
}
#endif

/* ---- time ---- */

static inline int64_t world_mono(void *ctx)
{
	return atomic_load(&((struct world *)ctx)->mono_us);
}

static inline int64_t world_wall(void *ctx)
{
	return atomic_load(&((struct world *)ctx)->p->wall_us);
}

static inline enum clock_trust world_trust(void *ctx)
{
	return ((struct world *)ctx)->trust;
}

static inline void pass(struct world *w, int64_t us)
{
	atomic_fetch_add(&w->mono_us, us);
	atomic_fetch_add(&w->p->wall_us, us);
}

/* ---- making ---- */

static inline struct conf *world_conf(struct world *w, const char *more)
{
	struct conf *c;
	char text[4096], err[512];
	snprintf(text, sizeof text,
	         "store = \"s1\"\ndevice = \"d1\"\ndata = \"%s\"\nkeys = \"%s\"\ncurrency = "
	         "\"EUR\"\nregion = \"DE\"\nlanes = {\"1\", \"2\"}\n"
	         "pos { port = 0 token_file = \"%s\" }\n%s",
	         w->p->dir, w->p->dir, w->token_path, more);
	FILE *f = fopen(w->conf_path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	if (conf_read(w->conf_path, &c, err, sizeof err) < 0)
		fail_msg("%s", err);
	return c;
}

/* A page of HQ's is put into the shard. */
static inline void world_page(struct world *w, const char *page, uint64_t version)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = version};
	char path[96], err[256] = "";
	struct shard *s;
	bool made;
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, page, strlen(page), &mark, true, err, sizeof err) != 1)
		fail_msg("%s", err);
	shard_free(s);
}

static inline void world_shard(struct world *w)
{
	static const char anna[] =
	    "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"
	    "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"" CARD
	    "\",\"verified\":true}],\"includes\":{},\"language\":\"de\",\"name\":\"Anna Berg\","
	    "\"points\":1200,\"points_as_of\":\"2026-11-20T00:00:00.000Z\",\"state\":\"active\","
	    "\"tier\":\"gold\",\"version\":812,\"visits\":7}\n";
	world_page(w, anna, 812);
}

/* Behind a link, which goes first: the kernel gives the number of a pseudo-terminal that is gone to
 * the next one, perhaps of a test beside this one. */
static inline void world_plug(struct world *w, int i)
{
	struct termios raw;
	char name[64];
	assert_int_equal(openpty(&w->master[i], &w->slave[i], name, NULL, NULL), 0);
	tcgetattr(w->slave[i], &raw);
	cfmakeraw(&raw);
	tcsetattr(w->slave[i], TCSANOW, &raw);
	snprintf(w->port[i], sizeof w->port[i], "%s/scanner-%d", w->p->dir, i);
	assert_int_equal(symlink(name, w->port[i]), 0);
}

static inline void world_unplug(struct world *w, int i)
{
	unlink(w->port[i]);
	close(w->slave[i]);
	close(w->master[i]);
}

static inline void on_lane_seen(void *ctx, const char *lane, const char *json, size_t len)
{
	struct world *w = ctx;
	if (w->seen_count == sizeof w->seen / sizeof *w->seen) {
		json_decref(w->seen[0].view);
		memmove(w->seen, w->seen + 1, sizeof w->seen - sizeof *w->seen);
		w->seen_count--;
	}
	struct seen_lane *s = &w->seen[w->seen_count++];
	text_copy(s->lane, sizeof s->lane, lane);
	s->view = json_loadb(json, len, 0, NULL);
	s->kept_before = w->kept_count;
	assert_non_null(s->view);
}

static inline void on_kept_seen(void *ctx, const char *lines, size_t len)
{
	struct world *w = ctx;
	buf_add(&w->kept, lines, len);
	for (size_t i = 0; i < len; i++)
		w->kept_count += lines[i] == '\n';
}

/* Everything but the journal's thread, which `keep` starts, and the end of the start. */
static inline void world_begin(struct world *w)
{
	char err[512] = "";
	w->p->params.queue_max = FLOW_QUEUE_MAX;
	if (journal_open(&w->p->journal, &w->p->params, &w->p->set_aside, err, sizeof err))
		fail_msg("%s", err);
	const struct flow_params params = {
	    .base = w->base,
	    .conf = w->conf,
	    .vault = w->p->vault,
	    .clock = w->keep ? clock_keep_clock(w->keep) : &w->clock,
	    .keep = w->keep,
	    .counters = &w->p->counters,
	    .journal = w->p->journal,
	};
	w->flow = flow_new(&params, err, sizeof err);
	if (!w->flow)
		fail_msg("%s", err);
	flow_watch(w->flow, on_lane_seen, on_kept_seen, w);
	if (w->has_sync)
		assert_int_equal(flow_sync(w->flow, (struct sync *)w, w->sync_fd), 0);
	if (flow_start(w->flow, err, sizeof err) < 0)
		fail_msg("%s", err);
}

/* The end of a run, as main does it. */
static inline void world_close(struct world *w)
{
	if (!w->flow)
		return;
	flow_stop(w->flow);
	journal_stop(w->p->journal);
	flow_drained(w->flow);
	flow_free(w->flow);
	w->flow = NULL;
	journal_free(w->p->journal);
	w->p->journal = NULL;
	w->running = false;
}

static inline void keep(struct world *w)
{
	assert_int_equal(journal_start(w->p->journal), 0);
	w->running = true;
}

static inline void on_turn_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

static inline int world_tear_down(void **state)
{
	struct world *w = *state;
	world_close(w);
	event_free(w->turn_end);
	close(w->sync_fd);
	event_base_free(w->base);
	conf_free(w->conf);
	conf_free(w->next);
	for (int i = 0; i < 2; i++)
		world_unplug(w, i);
	if (w->till >= 0)
		close(w->till);
	for (size_t i = 0; i < w->seen_count; i++)
		json_decref(w->seen[i].view);
	json_decref(w->said);
	buf_free(&w->kept);
	place_free(w->p);
	free(w);
	return 0;
}

/* ---- the loop, and waiting ---- */

static inline int64_t world_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void read_till(struct world *w)
{
	ssize_t n;
	char *end;
	while (w->till >= 0 && w->in_len < sizeof w->in &&
	       (n = recv(w->till, w->in + w->in_len, sizeof w->in - w->in_len, MSG_DONTWAIT)) > 0)
		w->in_len += (size_t)n;
	while ((end = memchr(w->in, '\n', w->in_len)) != NULL) {
		size_t len = (size_t)(end - w->in);
		json_t *answer = json_loadb(w->in, len, 0, NULL);
		assert_non_null(answer);
		json_array_append_new(w->said, answer);
		w->in_len -= len + 1;
		memmove(w->in, end + 1, w->in_len);
	}
}

/* One pass of the loop, at most 5 ms. */
static inline void turn(struct world *w)
{
	const struct timeval tv = {.tv_usec = 5000};
	evtimer_add(w->turn_end, &tv);
	event_base_loop(w->base, EVLOOP_ONCE);
	evtimer_del(w->turn_end);
	read_till(w);
}

#define WAIT_FOR(w, condition)                                                                     \
	do {                                                                                       \
		int64_t end_ms = world_now_ms() + PATIENCE_MS;                                     \
		while (!(condition)) {                                                             \
			if (world_now_ms() > end_ms)                                               \
				fail_msg("waited for: %s", #condition);                            \
			turn(w);                                                                   \
		}                                                                                  \
	} while (0)

/* Begin, and wait for the end of the start. */
static inline void world_open(struct world *w)
{
	world_begin(w);
	WAIT_FOR(w, flow_stage(w->flow) == FLOW_READY);
}

static inline int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	char more[256];
	signal(SIGPIPE, SIG_IGN);
	setenv("TZ", "UTC", 1);
	tzset();
	the_world = w;
	w->p = place_new();
	w->clock = (struct clock){
	    .mono_us = world_mono, .wall_us = world_wall, .trust = world_trust, .ctx = w};
	w->mono_us = 5000 * SECOND_US;
	w->trust = CLOCK_KERNEL;
	w->till = w->stderr_fd = -1;
	w->has_sync = true;
	w->sync.synced_mono_us = w->mono_us;
	w->said = json_array();
	snprintf(w->conf_path, sizeof w->conf_path, "%s/store.conf", w->p->dir);
	snprintf(w->log_path, sizeof w->log_path, "%s/log", w->p->dir);
	snprintf(w->token_path, sizeof w->token_path, "%s/pos.token", w->p->dir);
	place_put(w->p, "pos.token", TOKEN "\n");
	world_shard(w);
	for (int i = 0; i < 2; i++)
		world_plug(w, i);
	snprintf(more, sizeof more,
	         "scanner \"scan-1\" { lane = 1 port = \"%s\" terminator = cr }\n"
	         "loyalty \"card\" { prefix = 26 length = 13 }\n",
	         w->port[0]);
	w->conf = world_conf(w, more);
	w->base = event_base_new();
	w->sync_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->turn_end = evtimer_new(w->base, on_turn_end, NULL);
	world_open(w);
	*state = w;
	return 0;
}

/* ---- the till ---- */

static inline void till_say(struct world *w, const char *line)
{
	size_t n = strlen(line);
	assert_int_equal(send(w->till, line, n, MSG_NOSIGNAL), n);
	assert_int_equal(send(w->till, "\n", 1, MSG_NOSIGNAL), 1);
}

static inline size_t said_count(const struct world *w)
{
	return json_array_size(w->said);
}

static inline const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

/* The answer of this type to this message (NULL: any), from answer number `from` on. */
static inline json_t *said(struct world *w, size_t from, const char *type, const char *id)
{
	for (size_t i = from; i < said_count(w); i++) {
		json_t *a = json_array_get(w->said, i);
		if (strcmp(text_of(a, "type"), type) == 0 &&
		    (!id || strcmp(text_of(a, "source_message_id"), id) == 0))
			return a;
	}
	return NULL;
}

static inline size_t said_times(struct world *w, const char *type, const char *id)
{
	size_t n = 0;
	for (size_t i = 0; i < said_count(w); i++)
		n += said(w, i, type, id) == json_array_get(w->said, i);
	return n;
}

/* What the till was told last of its customer; NULL: nothing yet. */
static inline json_t *told(struct world *w)
{
	for (size_t i = said_count(w); i > 0; i--) {
		json_t *a = json_array_get(w->said, i - 1);
		if (strcmp(text_of(a, "type"), "customer") == 0)
			return a;
	}
	return NULL;
}

static inline void till_connect(struct world *w, const char *till, const char *lane)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)pos_port(w->flow->pos)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char hello[256];
	if (w->till >= 0)
		close(w->till);
	w->in_len = 0;
	w->till = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(w->till, (struct sockaddr *)&to, sizeof to), 0);
	snprintf(
	    hello, sizeof hello,
	    "{\"type\":\"hello\",\"protocol\":1,\"till\":\"%s\",\"lane\":\"%s\",\"token\":\"" TOKEN
	    "\"}",
	    till, lane);
	size_t from = said_count(w);
	till_say(w, hello);
	WAIT_FOR(w, said(w, from, "welcome", NULL));
}

static inline void till_open(struct world *w, const char *id, const char *basket)
{
	char line[256];
	snprintf(line, sizeof line,
	         "{\"type\":\"basket_opened\",\"source_message_id\":\"%s\",\"basket\":\"%s\"}", id,
	         basket);
	till_say(w, line);
}

/* ---- the scanner and the screen ---- */

static inline void scan(struct world *w, const char *value)
{
	size_t n = strlen(value);
	pass(w, SECOND_US);
	assert_int_equal(write(w->master[0], value, n), n);
	assert_int_equal(write(w->master[0], "\r", 1), 1);
}

/* What the lane's screen was told last. */
static inline json_t *shown(struct world *w, const char *lane)
{
	for (size_t i = w->seen_count; i > 0; i--) {
		if (strcmp(w->seen[i - 1].lane, lane) == 0)
			return w->seen[i - 1].view;
	}
	return NULL;
}

static inline json_t *person(struct world *w, const char *lane)
{
	return json_object_get(shown(w, lane), "person");
}

static inline bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static inline bool person_is(struct world *w, const char *lane, const char *state)
{
	return strcmp(text_of(person(w, lane), "state"), state) == 0;
}

/* ---- what is kept ---- */

/* The kept line that begins at *at as an object to be released, or NULL; moves on to the next. */
static inline json_t *kept_next(const struct world *w, size_t *at)
{
	if (*at >= w->kept.len)
		return NULL;
	const char *from = (const char *)w->kept.data + *at;
	size_t len = (size_t)((const char *)memchr(from, '\n', w->kept.len - *at) - from);
	json_t *line = json_loadb(from, len, 0, NULL);
	assert_non_null(line);
	*at += len + 1;
	return line;
}

/* The n-th kept event of this name as an object to be released, or NULL. */
static inline json_t *kept(struct world *w, const char *event, int n)
{
	json_t *line;
	for (size_t at = 0; (line = kept_next(w, &at)) != NULL; json_decref(line)) {
		if (strcmp(text_of(line, "event"), event) == 0 && n-- == 0)
			return line;
	}
	return NULL;
}

static inline int kept_times(struct world *w, const char *event)
{
	json_t *line;
	int n = 0;
	for (size_t at = 0; (line = kept_next(w, &at)) != NULL; json_decref(line))
		n += strcmp(text_of(line, "event"), event) == 0;
	return n;
}

static inline uint64_t counted(struct world *w, enum counter_id id)
{
	return counter_get(&w->p->counters, id);
}

#endif
