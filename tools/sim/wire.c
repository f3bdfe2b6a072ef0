/* What leaves the simulator, each logged before it goes: scans, till messages, taps. */
#include <curl/curl.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sim/sim.h"

/* ---- the log ---- */

struct sim_log {
	int fd;
};

struct sim_log *sim_log_open(const char *dir)
{
	struct sim_log *l = calloc(1, sizeof *l);
	char path[512];

	if (!l)
		return NULL;
	snprintf(path, sizeof path, "%s/sent.jsonl", dir);
	l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd < 0) {
		perror(path);
		free(l);
		return NULL;
	}
	return l;
}

void sim_log_close(struct sim_log *l)
{
	if (l)
		close(l->fd);
	free(l);
}

void sim_log_write(struct sim_log *l, json_t *record)
{
	struct timespec now;
	char *text;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(record, "t_us",
	                    json_integer((json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000));
	text = json_dumps(record, JSON_COMPACT);
	json_decref(record);
	/* A log that lost a record would accuse the daemon of what the simulator did. */
	if (!text || dprintf(l->fd, "%s\n", text) < 0) {
		perror("the simulator's log");
		_exit(4);
	}
	free(text);
}

/* ---- scanners ---- */

struct sim_scanner {
	int master, slave; /* the slave is held open, so that a daemon's restart is no unplugging */
	char lane[33], link[512];
	bool aim;
	struct sim_log *log;
	uint64_t sent;
};

struct sim_scanner *sim_scanner_open(const char *dir, const char *lane, bool aim,
                                     struct sim_log *log)
{
	struct sim_scanner *s = calloc(1, sizeof *s);
	struct termios raw;
	char name[128], fresh[540];

	if (!s)
		return NULL;
	snprintf(s->lane, sizeof s->lane, "%s", lane);
	snprintf(s->link, sizeof s->link, "%s/scanner-%s", dir, lane);
	snprintf(fresh, sizeof fresh, "%s.new", s->link);
	s->aim = aim;
	s->log = log;
	if (openpty(&s->master, &s->slave, name, NULL, NULL) < 0)
		goto err_free;
	tcgetattr(s->slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(s->slave, TCSANOW, &raw);
	fcntl(s->master, F_SETFL, O_NONBLOCK);
	unlink(fresh);
	if (symlink(name, fresh) < 0 || rename(fresh, s->link) < 0)
		goto err_close;
	return s;
err_close:
	close(s->master);
	close(s->slave);
err_free:
	perror(s->link);
	free(s);
	return NULL;
}

void sim_scanner_free(struct sim_scanner *s)
{
	if (!s)
		return;
	unlink(s->link);
	close(s->master);
	close(s->slave);
	free(s);
}

/* ISO 15424: EAN-13 for thirteen digits, Code 128 for anything else. */
static const char *aim_of(const struct sim_scanner *s, const char *payload)
{
	if (!s->aim)
		return NULL;
	return strlen(payload) == 13 ? "]E0" : "]C0";
}

void sim_scanner_send(struct sim_scanner *s, const struct sim_scan *scan)
{
	char frame[600], source[48];
	const char *aim = aim_of(s, scan->payload);
	int n = snprintf(frame, sizeof frame, "%s%s\r", aim ? aim : "", scan->payload);

	snprintf(source, sizeof source, "scan-%s", s->lane);
	sim_log_write(s->log,
	              json_pack("{s:s,s:s,s:s,s:I,s:s?,s:s,s:s,s:s?,s:s?}", "type", "scan", "lane",
	                        s->lane, "source", source, "n", (json_int_t)++s->sent, "symbology",
	                        aim, "payload", scan->payload, "what", scan->what, "person",
	                        scan->person, "basket", scan->basket));
	if (write(s->master, frame, (size_t)n) != n)
		fprintf(stderr, "scanner of lane %s: %s\n", s->lane, strerror(errno));
}

/* ---- tills ---- */

struct waiting {
	struct waiting *next;
	char id[64], type[33];
	char *text;
	int64_t made_ms;
};

struct sim_till {
	struct sim_till_params p;
	struct bufferevent *link;
	struct event *retry;
	struct waiting *first, *last;
	size_t count;
	uint64_t counter;
	bool welcome;
};

static void till_connect(struct sim_till *t);

static void till_retry_later(struct sim_till *t)
{
	const struct timeval wait = {0, 200000};

	if (t->link)
		bufferevent_free(t->link);
	t->link = NULL;
	if (t->welcome)
		t->p.customer(t->p.ctx, "none", NULL);
	t->welcome = false;
	event_add(t->retry, &wait);
}

static void till_put(struct sim_till *t, const char *text)
{
	bufferevent_write(t->link, text, strlen(text));
	bufferevent_write(t->link, "\n", 1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void till_made(struct sim_till *t, int64_t before_ms)
{
	char text[64];

	snprintf(text, sizeof text, "{\"type\":\"made\",\"before_ms\":%lld}", (long long)before_ms);
	till_put(t, text);
}

/* Everything that was not answered goes out again, in order, byte for byte, and how old it is. */
static void till_welcome(struct sim_till *t)
{
	int64_t now = now_ms();

	t->welcome = true;
	for (struct waiting *w = t->first; w; w = w->next) {
		till_made(t, now - w->made_ms + 1);
		till_put(t, w->text);
	}
	till_made(t, 0);
}

static bool till_answered(struct sim_till *t, const char *id, char type[33])
{
	struct waiting **at = &t->first, *prev = NULL;

	for (; *at; prev = *at, at = &(*at)->next) {
		struct waiting *w = *at;
		if (strcmp(w->id, id) != 0)
			continue;
		*at = w->next;
		if (t->last == w)
			t->last = prev;
		t->count--;
		memcpy(type, w->type, sizeof w->type);
		free(w->text);
		free(w);
		return true;
	}
	return false;
}

static void till_answer(struct sim_till *t, json_t *answer, const char *type)
{
	const char *id = json_string_value(json_object_get(answer, "source_message_id"));
	char sent[33];

	if (strcmp(type, "welcome") == 0) {
		till_welcome(t);
		return;
	}
	if (strcmp(type, "customer") == 0) {
		const char *state = json_string_value(json_object_get(answer, "state"));
		if (state)
			t->p.customer(t->p.ctx, state,
			              json_string_value(json_object_get(answer, "basket")));
		return;
	}
	sim_log_write(t->p.log, json_pack("{s:s,s:s,s:O}", "type", "answer", "till", t->p.till,
	                                  "answer", answer));
	if (!id || strcmp(type, "refused") == 0) {
		/* Refused for now: it stays in the list and goes out again on the next connection.
		 */
		if (strcmp(type, "error") == 0)
			till_retry_later(t);
		return;
	}
	if (till_answered(t, id, sent) && strcmp(type, "kept") == 0)
		t->p.kept(t->p.ctx, sent, json_string_value(json_object_get(answer, "order_id")));
}

static void till_read(struct bufferevent *link, void *ctx)
{
	struct sim_till *t = ctx;
	char *line;

	while (t->link == link &&
	       (line = evbuffer_readln(bufferevent_get_input(link), NULL, EVBUFFER_EOL_LF))) {
		json_t *answer = json_loads(line, 0, NULL);
		const char *type = json_string_value(json_object_get(answer, "type"));
		if (type)
			till_answer(t, answer, type);
		json_decref(answer);
		free(line);
	}
}

static void till_event(struct bufferevent *link, short what, void *ctx)
{
	struct sim_till *t = ctx;

	if (what & BEV_EVENT_CONNECTED) {
		json_t *hello =
		    json_pack("{s:s,s:i,s:s,s:s,s:s}", "type", "hello", "protocol", 1, "till",
		              t->p.till, "lane", t->p.lane, "token", t->p.token);
		char *text = json_dumps(hello, JSON_COMPACT);
		till_put(t, text);
		free(text);
		json_decref(hello);
		return;
	}
	if (link == t->link)
		till_retry_later(t);
}

static void till_connect(struct sim_till *t)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)t->p.port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->link =
	    bufferevent_socket_new(t->p.base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!t->link)
		return;
	bufferevent_setcb(t->link, till_read, NULL, till_event, t);
	bufferevent_enable(t->link, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(t->link, (struct sockaddr *)&to, sizeof to) < 0)
		till_retry_later(t);
}

static void till_on_retry(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	till_connect(ctx);
}

struct sim_till *sim_till_new(const struct sim_till_params *params)
{
	struct sim_till *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->p = *params;
	t->retry = event_new(params->base, -1, 0, till_on_retry, t);
	till_connect(t);
	return t;
}

void sim_till_free(struct sim_till *t)
{
	if (!t)
		return;
	if (t->link)
		bufferevent_free(t->link);
	event_free(t->retry);
	while (t->first) {
		struct waiting *w = t->first;
		t->first = w->next;
		free(w->text);
		free(w);
	}
	free(t);
}

void sim_till_send(struct sim_till *t, json_t *message)
{
	struct waiting *w = calloc(1, sizeof *w);

	snprintf(w->id, sizeof w->id, "%s:%llu", t->p.session, (unsigned long long)++t->counter);
	snprintf(w->type, sizeof w->type, "%s",
	         json_string_value(json_object_get(message, "type")));
	json_object_set_new(message, "source_message_id", json_string(w->id));
	w->text = json_dumps(message, JSON_COMPACT);
	w->made_ms = now_ms();
	sim_log_write(t->p.log, json_pack("{s:s,s:s,s:s,s:o}", "type", "till", "till", t->p.till,
	                                  "lane", t->p.lane, "message", message));
	if (t->last)
		t->last->next = w;
	else
		t->first = w;
	t->last = w;
	t->count++;
	if (t->welcome)
		till_put(t, w->text);
}

size_t sim_till_waiting(const struct sim_till *t)
{
	return t->count;
}

/* ---- taps ---- */

struct reply {
	char text[65536];
	size_t len;
};

static size_t reply_add(char *data, size_t size, size_t n, void *ctx)
{
	struct reply *r = ctx;

	if (r->len + size * n >= sizeof r->text)
		return 0;
	memcpy(r->text + r->len, data, size * n);
	r->len += size * n;
	r->text[r->len] = '\0';
	return size * n;
}

/* GET, or POST when body is given. The status, 0 when nobody answers. */
static long fetch(const char *url, const char *body, struct reply *r)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;

	r->len = 0;
	r->text[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 1000L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, reply_add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

bool sim_tap(const char *url, const char *lane, const char *choice, struct sim_log *log,
             const char *basket)
{
	struct reply *r = malloc(sizeof *r);
	char at[300], body[200];
	long status = 0;

	snprintf(at, sizeof at, "%s/api/v1/lanes/%s", url, lane);
	json_t *view = fetch(at, NULL, r) == 200 ? json_loads(r->text, 0, NULL) : NULL;
	const char *id =
	    json_string_value(json_object_get(json_object_get(view, "question"), "id"));
	if (id) {
		snprintf(at, sizeof at, "%s/api/v1/lanes/%s/choose", url, lane);
		snprintf(body, sizeof body, "{\"question\":\"%s\",\"choice\":\"%s\"}", id, choice);
		sim_log_write(log, json_pack("{s:s,s:s,s:s,s:s}", "type", "tap", "lane", lane,
		                             "choice", choice, "basket", basket));
		status = fetch(at, body, r);
		sim_log_write(log,
		              json_pack("{s:s,s:s,s:s,s:s,s:i}", "type", "tapped", "lane", lane,
		                        "choice", choice, "basket", basket, "status", (int)status));
	}
	json_decref(view);
	free(r);
	return status == 200;
}
