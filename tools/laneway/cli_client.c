#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "laneway/cli.h"

#define CONNECT_TIMEOUT_MS 3000L
#define ANSWER_TIMEOUT_MS 15000L    /* for a whole answer; a followed one has no end */
#define ANSWER_BYTES_MAX (4u << 20) /* the longest is a profile or the status: some KiB */
#define LINE_BYTES_MAX (1u << 20)   /* four times the longest canonical line */
#define POLL_MS 60000 /* nothing depends on it: every cause to wake has a descriptor */

struct answer {
	struct cli *cli;
	CURL *curl;
	struct buf body;
	const struct cli_stream *stream; /* NULL: the body is collected */
	int verdict;                     /* of the stream's line function */
	const char *json;                /* what is posted, or NULL */
};

static bool refused(struct answer *a)
{
	long status = 0;

	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	return status != 200;
}

/* Hand on the whole lines that have come. */
static void take_lines(struct answer *a)
{
	struct buf *b = &a->body;
	uint8_t *end;

	while (a->verdict == CLI_OK && (end = memchr(b->data, '\n', b->len)) != NULL) {
		size_t len = (size_t)(end - b->data);
		*end = '\0';
		if (len > 0)
			a->verdict = a->stream->line(a->stream->ctx, (const char *)b->data, len);
		buf_consume(b, len + 1);
	}
}

static size_t write_cb(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t len = size * n;

	buf_add(&a->body, p, len);
	if (a->stream && !refused(a))
		take_lines(a);
	if (a->body.failed || a->verdict != CLI_OK ||
	    a->body.len > (a->stream ? LINE_BYTES_MAX : ANSWER_BYTES_MAX))
		return CURL_WRITEFUNC_ERROR;
	return len;
}

static const char *place(const struct cli *c)
{
	return c->url ? c->url : c->socket;
}

static int say_unreachable(struct cli *c, const char *why)
{
	fprintf(c->err, "laneway: cannot reach lanewayd at %s: %s\n", place(c), why);
	return CLI_UNREACHABLE;
}

/* The daemon's own words for why it refused. */
static int say_refused(struct answer *a)
{
	struct cli *c = a->cli;
	json_t *o = json_loadb((const char *)a->body.data, a->body.len, 0, NULL);
	json_t *error = json_object_get(o, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	fputs("laneway: ", c->err);
	cli_put(c->err, message ? message : "the daemon refused without saying why");
	if (c->url && code && strcmp(code, "not_found") == 0)
		fputs(" (this is answered on the local socket only: use --socket)", c->err);
	putc('\n', c->err);
	json_decref(o);
	return CLI_PROBLEM;
}

static void set_way(CURL *curl, const struct cli *c, const char *path)
{
	char url[512];

	const char *base = c->url ? c->url : "http://localhost";
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	snprintf(url, sizeof(url), "%.*s%s", (int)len, base, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (!c->url)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
}

static struct curl_slist *set_call(struct answer *a, const char *path)
{
	struct curl_slist *headers = NULL;

	set_way(a->curl, a->cli, path);
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, write_cb);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, a);
	const char *post = a->stream && a->stream->post ? "{}" : a->json;
	if (post) {
		headers = curl_slist_append(NULL, "Content-Type: application/json");
		curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, post);
	}
	return headers;
}

int cli_get(struct cli *c, const char *path, struct buf *out)
{
	return cli_post(c, path, NULL, out);
}

int cli_post(struct cli *c, const char *path, const char *json, struct buf *out)
{
	struct answer a = {.cli = c, .curl = curl_easy_init(), .json = json};
	struct curl_slist *headers;
	CURLcode rc;
	int result = CLI_OK;

	if (!a.curl)
		return say_unreachable(c, "out of memory");
	headers = set_call(&a, path);
	curl_easy_setopt(a.curl, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS);
	rc = curl_easy_perform(a.curl);
	if (rc != CURLE_OK)
		result = say_unreachable(c, curl_easy_strerror(rc));
	else if (refused(&a))
		result = say_refused(&a);
	else
		buf_add(out, a.body.data, a.body.len);
	curl_slist_free_all(headers);
	curl_easy_cleanup(a.curl);
	buf_free(&a.body);
	return result;
}

/* ---- following ---- */

/* SIGINT and SIGTERM as a descriptor; the old mask comes back when it is closed. */
static int open_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void close_signals(int fd, const sigset_t *before)
{
	struct signalfd_siginfo info;

	/* Take the signal that ended us, or it ends the process when the mask comes back. */
	while (fd >= 0 && read(fd, &info, sizeof(info)) > 0)
		;
	if (fd >= 0)
		close(fd);
	sigprocmask(SIG_SETMASK, before, NULL);
}

static bool interrupted(struct cli *c, int signals)
{
	struct pollfd p[2] = {{.fd = signals, .events = POLLIN}, {.fd = fileno(c->out)}};

	/* Nobody reads what we print: POLLERR on a pipe. */
	return poll(p, 2, 0) > 0 && (p[0].revents || (p[1].revents & (POLLERR | POLLHUP)));
}

/* true: the transfer is over, its result in *rc. false: interrupted. */
static bool follow(struct cli *c, CURLM *multi, int signals, CURLcode *rc)
{
	struct curl_waitfd more[2] = {{.fd = signals, .events = CURL_WAIT_POLLIN},
	                              {.fd = fileno(c->out)}};
	int running = 1, left;
	CURLMsg *msg;

	while (running) {
		if (interrupted(c, signals))
			return false;
		curl_multi_poll(multi, more, 2, POLL_MS, NULL);
		curl_multi_perform(multi, &running);
	}
	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE)
			*rc = msg->data.result;
	return true;
}

static int verdict_of(struct answer *a, CURLcode rc)
{
	long status = 0;

	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	if (a->verdict != CLI_OK)
		return a->verdict == CLI_STOP ? CLI_OK : a->verdict;
	if (status == 0)
		return say_unreachable(a->cli, curl_easy_strerror(rc));
	if (status != 200)
		return say_refused(a);
	return a->stream->at_end;
}

int cli_follow(struct cli *c, const struct cli_stream *s)
{
	struct answer a = {.cli = c, .curl = curl_easy_init(), .stream = s};
	CURLM *multi = curl_multi_init();
	struct curl_slist *headers = NULL;
	CURLcode rc = CURLE_OK;
	sigset_t before;
	int signals = open_signals(&before), result;

	if (!a.curl || !multi || signals < 0) {
		result = say_unreachable(c, strerror(ENOMEM));
	} else {
		headers = set_call(&a, s->path);
		curl_multi_add_handle(multi, a.curl);
		result = follow(c, multi, signals, &rc) ? verdict_of(&a, rc) : CLI_OK;
		curl_multi_remove_handle(multi, a.curl);
	}
	close_signals(signals, &before);
	curl_slist_free_all(headers);
	curl_multi_cleanup(multi);
	curl_easy_cleanup(a.curl);
	buf_free(&a.body);
	return result;
}
