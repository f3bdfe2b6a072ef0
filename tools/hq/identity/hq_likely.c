#include "hq/identity/hq_likely.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"

#define MBIT_MAX 1000000 /* more is no score */

struct pair {
	int64_t unit, other, mbit;
	const char *because;
};

static bool is_words(const char *text)
{
	return text && strlen(text) <= HQ_LIKELY_BECAUSE_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz_:,") == strlen(text);
}

/* The lower number in front, so that each pair is there once. */
static bool read_pair(const json_t *row, struct pair *out)
{
	int64_t a = json_integer_value(json_array_get(row, 0)),
	        b = json_integer_value(json_array_get(row, 1));

	*out = (struct pair){.unit = a < b ? a : b,
	                     .other = a < b ? b : a,
	                     .mbit = json_integer_value(json_array_get(row, 2)),
	                     .because = json_string_value(json_array_get(row, 3))};
	return out->unit > 0 && out->unit < out->other && out->mbit > 0 && out->mbit <= MBIT_MAX &&
	       is_words(out->because);
}

/* Within the transaction. */
static int put_all(struct hq_db *db, const json_t *pairs, char *err, size_t err_size)
{
	struct pair p;

	hq_db_run(db, HQ_SQL_LIKELY_OLD, "");
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		if (!read_pair(json_array_get(pairs, i), &p)) {
			snprintf(err, err_size, "pair %zu: expected two records, a score and words",
			         i + 1);
			return -1;
		}
		hq_db_run(db, HQ_SQL_LIKELY_PUT, "iiit", p.unit, p.other, p.mbit, p.because);
	}
	return 0;
}

/* Within the transaction: what is other than before, told and swept. */
static json_t *settle(struct hq_db *db)
{
	int64_t changed = hq_db_int(db, 0, HQ_SQL_LIKELY_CHANGED, "");

	hq_db_run(db, HQ_SQL_LIKELY_DIRTY, "");
	int gone = hq_db_run(db, HQ_SQL_LIKELY_SWEEP, "");
	hq_db_run(db, HQ_SQL_LIKELY_TOLD, "");
	return json_pack("{s:I,s:I,s:i}", "kept",
	                 (json_int_t)hq_db_int(db, 0, HQ_SQL_LIKELY_COUNT, ""), "changed",
	                 (json_int_t)changed, "gone", gone);
}

json_t *hq_likely_keep(struct hq_db *db, const struct json_t *ask, char *err, size_t err_size)
{
	const json_t *pairs = json_object_get(ask, "pairs");
	json_t *answer = NULL;

	if (!json_is_array(pairs) || json_array_size(pairs) > HQ_LIKELY_MAX) {
		snprintf(err, err_size, "expected a list of at most %d pairs", HQ_LIKELY_MAX);
		return NULL;
	}
	snprintf(err, err_size, "hq.db could not be written");
	if (hq_db_begin(db) != 0)
		return NULL;
	if (put_all(db, pairs, err, err_size) == 0)
		answer = settle(db);
	if (!answer) {
		hq_db_rollback(db);
	} else if (hq_db_commit(db) != 0) {
		json_decref(answer);
		answer = NULL;
	} else {
		log_info("stores may ask about %lld pairs of customers",
		         (long long)json_integer_value(json_object_get(answer, "kept")));
	}
	return answer;
}

/* ---- from the command line ---- */

json_t *hq_likely_call(const struct hq_conf *conf, const struct json_t *ask, char *err,
                       size_t err_size)
{
	struct hq_db *db;
	json_t *answer;
	bool held;

	if (hq_db_open(&db, conf->data, &held, err, err_size) != 0)
		return held ? hq_call_ask(conf->socket, "/v1/likely", ask, err, err_size) : NULL;
	answer = hq_likely_keep(db, ask, err, err_size);
	hq_db_close(db);
	return answer;
}
