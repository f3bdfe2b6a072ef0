#include "hq/serve/hq_control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/base/hq_keys.h"
#include "hq/identity/hq_import.h"
#include "hq/identity/hq_likely.h"
#include "hq/identity/hq_links.h"
#include "hq/identity/hq_publish.h"
#include "hq/serve/hq_status.h"

#define HQ_CONTROL_HEADERS_MAX 8192
#define HQ_CONTROL_TIMEOUT_S 60
#define HQ_CONTROL_BACKLOG 16
#define HQ_CONTROL_ERR_SIZE 400

struct hq_control {
	struct hq_control_params p;
	struct evhttp *http;
	char path[108];
};

static void answer(struct evhttp_request *req, int status, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct evbuffer *out = evhttp_request_get_output_buffer(req);

	json_decref(body);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
	                  "application/json");
	if (text)
		evbuffer_add(out, text, strlen(text));
	free(text);
	evhttp_send_reply(req, text ? status : HTTP_INTERNAL, NULL, NULL);
}

static void refuse(struct evhttp_request *req, int status, const char *code, const char *message)
{
	answer(req, status, json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message));
}

static void on_status(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	uint64_t before = memory_failures();
	json_t *status = hq_status_read(hq_db_handle(c->p.db));

	if (status && memory_failures() == before) {
		answer(req, HTTP_OK, status);
		return;
	}
	json_decref(status);
	if (memory_failures() == before) {
		refuse(req, HTTP_INTERNAL, "not_read", "hq.db cannot be read; the log says why");
		return;
	}
	refuse(req, HTTP_SERVUNAVAIL, "no_memory", "out of memory; ask again");
}

/* Of the query; `none` where it is not there, or no number up to max. */
static uint64_t number(struct evhttp_request *req, const char *name, uint64_t max, uint64_t none)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
	struct evkeyvalq params;
	const char *value;
	uint64_t n = none;

	if (!query || evhttp_parse_query_str(query, &params) != 0)
		return none;
	value = evhttp_find_header(&params, name);
	if (value && !num_u64(value, 1, max, &n))
		n = none;
	evhttp_clear_headers(&params);
	return n;
}

static void on_act(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
	struct evkeyvalq params;
	const char *action;
	char err[HQ_CONTROL_ERR_SIZE] = "expected ?action=...";
	json_t *body = NULL;

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		refuse(req, HTTP_BADMETHOD, "bad_method", "expected POST");
		return;
	}
	if (query && evhttp_parse_query_str(query, &params) == 0) {
		action = evhttp_find_header(&params, "action");
		if (action && c->p.act)
			body = c->p.act(c->p.ctx, action, evhttp_find_header(&params, "store"),
			                evhttp_find_header(&params, "epoch"), err, sizeof err);
		evhttp_clear_headers(&params);
	}
	if (body)
		answer(req, HTTP_OK, body);
	else
		refuse(req, HTTP_BADREQUEST, "not_done", err);
}

/* The body of a POST, to be dropped; NULL: it was answered with what is wrong. */
static json_t *posted(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	const char *text = (const char *)evbuffer_pullup(in, -1);
	json_t *ask = text ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST)
		refuse(req, HTTP_BADMETHOD, "bad_method", "expected POST");
	else if (!json_is_object(ask))
		refuse(req, HTTP_BADREQUEST, "not_done", "expected a JSON object");
	else
		return ask;
	json_decref(ask);
	return NULL;
}

static void on_links(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	const struct hq_links links = {c->p.db, c->p.scope, clock_wall_us(clock_system())};
	char err[HQ_CONTROL_ERR_SIZE];
	json_t *ask = posted(req), *body;

	if (!ask)
		return;
	body = hq_links_do(&links, ask, err, sizeof err);
	json_decref(ask);
	if (!body) {
		refuse(req, HTTP_BADREQUEST, "not_done", err);
		return;
	}
	if (json_is_true(json_object_get(body, "done")))
		c->p.changed(c->p.ctx);
	answer(req, HTTP_OK, body);
}

static void on_rules(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	const struct hq_publish p = {c->p.db, c->p.rules, clock_wall_us(clock_system()), false};
	char err[HQ_CONTROL_ERR_SIZE] = "rules are not published here";
	json_t *ask = posted(req), *body = NULL;
	bool ruled;

	if (!ask)
		return;
	if (c->p.rules)
		body = hq_publish_do(&p, ask, err, sizeof err);
	json_decref(ask);
	ruled = json_object_get(body, "version") != NULL;
	if (body)
		answer(req, HTTP_OK, body);
	else
		refuse(req, HTTP_BADREQUEST, "not_done", err);
	if (ruled)
		c->p.again(c->p.ctx);
}

static void on_likely(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	char err[HQ_CONTROL_ERR_SIZE];
	json_t *ask = posted(req), *body;

	if (!ask)
		return;
	body = hq_likely_keep(c->p.db, ask, err, sizeof err);
	json_decref(ask);
	if (!body) {
		refuse(req, HTTP_BADREQUEST, "not_done", err);
		return;
	}
	answer(req, HTTP_OK, body);
	if (c->p.again)
		c->p.again(c->p.ctx);
}

static void on_import(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct hq_import_piece piece = {.len = evbuffer_get_length(in),
	                                .first_line =
	                                    (unsigned)number(req, "first_line", 1000000000, 2),
	                                .as_of_us = clock_wall_us(clock_system())};
	struct hq_import_report report = {0};

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		refuse(req, HTTP_BADMETHOD, "bad_method", "expected POST");
		return;
	}
	piece.csv = (const char *)evbuffer_pullup(in, -1);
	if (!piece.csv)
		piece.csv = "";
	piece.began_us = (int64_t)number(req, "began", INT64_MAX, (uint64_t)piece.as_of_us);
	if (hq_import_rows(c->p.db, c->p.scope, &piece, &report) != 0) {
		refuse(req, HTTP_BADREQUEST, "bad_file", piece.err);
		goto out;
	}
	buf_byte(&report.problems, '\0');
	answer(req, HTTP_OK,
	       json_pack("{s:i,s:i,s:i,s:i,s:s}", "new", (int)report.made, "changed",
	                 (int)report.changed, "same", (int)report.same, "bad", (int)report.bad,
	                 "problems",
	                 report.problems.failed ? "" : (const char *)report.problems.data));
	if (report.made + report.changed > 0)
		c->p.changed(c->p.ctx);
out:
	hq_import_report_free(&report);
}

static void on_up(struct evhttp_request *req, void *ctx)
{
	struct hq_control *c = ctx;
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct evkeyvalq params;
	const char *store;
	int rc = 1; /* 1: no batch; -1: it could not be kept */

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		refuse(req, HTTP_BADMETHOD, "bad_method", "expected POST");
		return;
	}
	if (query && evhttp_parse_query_str(query, &params) == 0) {
		const uint8_t *payload = evbuffer_pullup(in, -1);
		store = evhttp_find_header(&params, "store");
		if (store && hq_keys_name_ok(store) && payload && c->p.up)
			rc = c->p.up(c->p.ctx, store, payload, evbuffer_get_length(in));
		evhttp_clear_headers(&params);
	}
	if (rc == 0)
		answer(req, HTTP_OK, json_object());
	else if (rc > 0)
		refuse(req, HTTP_BADREQUEST, "bad_batch", "expected ?store=.. and a batch");
	else
		refuse(req, HTTP_INTERNAL, "not_kept",
		       "the running HQ could not keep a batch (see its log)");
}

static void on_other(struct evhttp_request *req, void *ctx)
{
	(void)ctx;
	refuse(req, HTTP_NOTFOUND, "not_found",
	       "expected /v1/status, /v1/import, /v1/up, /v1/act, /v1/likely, /v1/links or "
	       "/v1/rules");
}

static int open_socket(const char *path, char *err, size_t err_size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, rc;

	if (!text_copy(addr.sun_path, sizeof addr.sun_path, path)) {
		snprintf(err, err_size, "%s: the socket's path is too long", path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	unlink(path);
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
	umask(mask);
	if (rc == 0 && listen(fd, HQ_CONTROL_BACKLOG) == 0)
		return fd;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

int hq_control_open(struct hq_control **out, const struct hq_control_params *params, char *err,
                    size_t err_size)
{
	struct hq_control *c = memory_zeroed(1, sizeof *c);
	int fd;

	snprintf(err, err_size, "out of memory");
	if (!c)
		return -1;
	c->p = *params;
	text_copy(c->path, sizeof c->path, params->path);
	c->http = evhttp_new(params->base);
	if (!c->http)
		goto err_free;
	fd = open_socket(params->path, err, err_size);
	if (fd < 0)
		goto err_free_http;
	if (evhttp_accept_socket(c->http, fd) != 0) {
		snprintf(err, err_size, "%s: cannot be served", params->path);
		goto err_close_fd;
	}
	evhttp_set_max_headers_size(c->http, HQ_CONTROL_HEADERS_MAX);
	evhttp_set_max_body_size(c->http, HQ_CONTROL_BODY_MAX);
	evhttp_set_timeout(c->http, HQ_CONTROL_TIMEOUT_S);
	evhttp_set_cb(c->http, "/v1/status", on_status, c);
	evhttp_set_cb(c->http, "/v1/import", on_import, c);
	evhttp_set_cb(c->http, "/v1/act", on_act, c);
	evhttp_set_cb(c->http, "/v1/links", on_links, c);
	evhttp_set_cb(c->http, "/v1/rules", on_rules, c);
	evhttp_set_cb(c->http, "/v1/likely", on_likely, c);
	evhttp_set_cb(c->http, "/v1/up", on_up, c);
	evhttp_set_gencb(c->http, on_other, c);
	*out = c;
	return 0;
err_close_fd:
	close(fd);
err_free_http:
	evhttp_free(c->http);
err_free:
	free(c);
	return -1;
}

void hq_control_close(struct hq_control *c)
{
	if (!c)
		return;
	evhttp_free(c->http);
	unlink(c->path);
	free(c);
}
