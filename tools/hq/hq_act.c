#include "hq/hq_act.h"

#include <curl/curl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/hq_conf.h"
#include "hq/hq_generation.h"
#include "hq/hq_retry.h"

#define HQ_ACT_TIMEOUT_S 120L /* a retry over a large quarantine */
#define HQ_ACT_ANSWER_MAX 65536

static json_t *restored(const struct hq_act *act, char *err, size_t err_size)
{
	if (hq_generation_restored(act->db, act->wall_us) == 0)
		return json_pack("{s:s}", "generation", hq_db_generation(act->db));
	snprintf(err, err_size, "the new generation could not be written");
	return NULL;
}

static json_t *settle(const struct hq_act *act, const char *store, const char *epoch, char *err,
                      size_t err_size)
{
	uint8_t bytes[EVENT_EPOCH_BYTES];
	int64_t row;
	int n;

	if (!store || !epoch || !text_unhex(epoch, bytes, sizeof bytes)) {
		snprintf(err, err_size, "expected a store and an epoch of 16 hex digits");
		return NULL;
	}
	row = hq_db_int(act->db, -1, HQ_SQL_STORE_ID, "t", store);
	row = hq_db_int(act->db, -1, HQ_SQL_EPOCH_ID, "ib", row, bytes, sizeof bytes);
	if (row < 0) {
		snprintf(err, err_size, "store %s has no epoch %s here", store, epoch);
		return NULL;
	}
	if (hq_db_begin(act->db) != 0) {
		snprintf(err, err_size, "hq.db cannot be written");
		return NULL;
	}
	n = hq_db_run(act->db, HQ_SQL_FORK_SETTLE, "ii", row, act->wall_us);
	if (hq_db_commit(act->db) != 0) {
		snprintf(err, err_size, "hq.db could not be written");
		return NULL;
	}
	log_info("store %s: %d forked events of epoch %s are settled by a person", store, n, epoch);
	return json_pack("{s:i}", "settled", n);
}

static json_t *retry(const struct hq_act *act, const char *store, char *err, size_t err_size)
{
	struct hq_retry r = {0};

	if (hq_retry_run(act->db, act->keys, store, &r) == 0)
		return json_pack("{s:I,s:I,s:I}", "tried", (json_int_t)r.tried, "read",
		                 (json_int_t)r.read, "again", (json_int_t)r.again);
	snprintf(err, err_size, "hq.db could not be written");
	return NULL;
}

json_t *hq_act_do(const struct hq_act *act, const char *action, const char *store,
                  const char *epoch, char *err, size_t err_size)
{
	if (strcmp(action, "restored") == 0)
		return restored(act, err, err_size);
	if (strcmp(action, "settle") == 0)
		return settle(act, store, epoch, err, err_size);
	if (strcmp(action, "retry") == 0)
		return retry(act, store, err, err_size);
	snprintf(err, err_size, "expected restored, settle or retry");
	return NULL;
}

/* ---- from the command line ---- */

static size_t take_answer(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *answer = ctx;

	if (answer->len + size * n > HQ_ACT_ANSWER_MAX)
		return 0;
	buf_add(answer, p, size * n);
	return answer->failed ? 0 : size * n;
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

static json_t *call(const struct hq_conf *conf, const char *path, char *err, size_t err_size)
{
	CURL *curl = curl_easy_init();
	struct buf answer = {0};
	json_t *result = NULL;
	CURLcode rc;

	if (!curl) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, conf->socket);
	curl_easy_setopt(curl, CURLOPT_URL, path);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{}");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, HQ_ACT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	rc = curl_easy_perform(curl);
	if (rc == CURLE_OK)
		result = read_answer(&answer, err, err_size);
	else
		snprintf(err, err_size,
		         "another process has hq.db open, but %s does not answer: %s", conf->socket,
		         curl_easy_strerror(rc));
	curl_easy_cleanup(curl);
	buf_free(&answer);
	return result;
}

json_t *hq_act_call(const struct hq_conf *conf, const char *action, const char *store,
                    const char *epoch, char *err, size_t err_size)
{
	struct hq_act act = {.wall_us = clock_wall_us(clock_system())};
	struct hq_keys *keys = NULL;
	json_t *answer = NULL;
	char url[200];
	bool held;

	if (hq_db_open(&act.db, conf->data, &held, err, err_size) == 0) {
		if (hq_keys_open(&keys, conf->keys, err, err_size) == 0) {
			act.keys = keys;
			answer = hq_act_do(&act, action, store, epoch, err, err_size);
		}
		hq_keys_free(keys);
		hq_db_close(act.db);
		return answer;
	}
	if (!held)
		return NULL;
	snprintf(url, sizeof url, "http://laneway-hq/v1/act?action=%s%s%s%s%s", action,
	         store ? "&store=" : "", store ? store : "", epoch ? "&epoch=" : "",
	         epoch ? epoch : "");
	return call(conf, url, err, err_size);
}
