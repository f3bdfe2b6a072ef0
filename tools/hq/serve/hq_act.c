#include "hq/serve/hq_act.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"
#include "hq/base/hq_generation.h"
#include "hq/intake/hq_retry.h"

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

json_t *hq_act_call(const struct hq_conf *conf, const char *action, const char *store,
                    const char *epoch, char *err, size_t err_size)
{
	struct hq_act act = {.wall_us = clock_wall_us(clock_system())};
	struct hq_keys *keys = NULL;
	json_t *answer = NULL;
	const struct hq_call_param params[] = {
	    {"action", action}, {"store", store}, {"epoch", epoch}, {NULL, NULL}};
	struct hq_call *call;
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
	call = hq_call_open(conf->socket);
	if (call)
		answer = hq_call_post(call, "/v1/act", params, "{}", 2, err, err_size);
	else
		snprintf(err, err_size, "out of memory");
	hq_call_close(call);
	return answer;
}
