#include "hq/base/hq_call.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"

#define HQ_CALL_TIMEOUT_S 120L /* a retry over a large quarantine */
#define HQ_CALL_ANSWER_MAX (1024 * 1024)

struct hq_call {
	CURL *curl;
	const char *socket;
	struct buf url, answer;
};

struct hq_call *hq_call_open(const char *socket)
{
	struct hq_call *c = memory_zeroed(1, sizeof *c);

	if (!c)
		return NULL;
	c->curl = curl_easy_init();
	c->socket = socket;
	if (c->curl)
		return c;
	free(c);
	return NULL;
}

void hq_call_close(struct hq_call *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	buf_free(&c->url);
	buf_free(&c->answer);
	free(c);
}

static size_t take_answer(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *answer = ctx;

	if (answer->len + size * n > HQ_CALL_ANSWER_MAX)
		return 0;
	buf_add(answer, p, size * n);
	return answer->failed ? 0 : size * n;
}

static const char *url_of(struct hq_call *c, const char *path, const struct hq_call_param *params)
{
	char sep = '?';

	buf_reset(&c->url);
	buf_str(&c->url, "http://laneway-hq");
	buf_str(&c->url, path);
	for (const struct hq_call_param *p = params; p->name; p++) {
		char *value = p->value ? curl_easy_escape(c->curl, p->value, 0) : NULL;
		if (!value)
			continue;
		buf_byte(&c->url, (uint8_t)sep);
		buf_str(&c->url, p->name);
		buf_byte(&c->url, '=');
		buf_str(&c->url, value);
		curl_free(value);
		sep = '&';
	}
	buf_byte(&c->url, '\0');
	return c->url.failed ? NULL : (const char *)c->url.data;
}

static json_t *read_answer(const struct buf *answer, char *err, size_t err_size)
{
	json_t *root = json_loadb((const char *)answer->data, answer->len, 0, NULL);
	const char *message =
	    json_string_value(json_object_get(json_object_get(root, "error"), "message"));

	if (json_is_object(root) && !message)
		return root;
	snprintf(err, err_size, "%s", message ? message : "the running HQ gave no answer");
	json_decref(root);
	return NULL;
}

json_t *hq_call_post(struct hq_call *c, const char *path, const struct hq_call_param *params,
                     const void *body, size_t len, char *err, size_t err_size)
{
	const char *url = url_of(c, path, params);
	CURLcode rc;

	if (!url) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	buf_reset(&c->answer);
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, HQ_CALL_TIMEOUT_S);
	curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->answer);
	rc = curl_easy_perform(c->curl);
	if (rc == CURLE_OK)
		return read_answer(&c->answer, err, err_size);
	snprintf(err, err_size, "another process has hq.db open, but %s does not answer: %s",
	         c->socket, curl_easy_strerror(rc));
	return NULL;
}

json_t *hq_call_ask(const char *socket, const char *path, const json_t *ask, char *err,
                    size_t err_size)
{
	struct hq_call *call = hq_call_open(socket);
	const struct hq_call_param none[] = {{NULL, NULL}};
	char *body = json_dumps(ask, JSON_COMPACT);
	json_t *answer = NULL;

	if (call && body)
		answer = hq_call_post(call, path, none, body, strlen(body), err, err_size);
	else
		snprintf(err, err_size, "out of memory");
	free(body);
	hq_call_close(call);
	return answer;
}
