#include "hq/base/hq_outbox.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "event/event.h"
#include "identity/consent_object.h"

#define HQ_OUTBOX_BATCH 64
#define HQ_OUTBOX_KEY_SIZE 256

/* {"type":type, then pairs of (name, value)}; pairs ends with NULL. */
static int add(struct hq_db *db, const char *key, const char *const *pairs, int64_t now_us)
{
	struct buf body = {0};
	int rc = -1;

	buf_byte(&body, '{');
	for (const char *const *p = pairs; *p; p += 2) {
		lw_event_json_string(&body, p[0]);
		buf_byte(&body, ':');
		lw_event_json_string(&body, p[1]);
		buf_byte(&body, p[2] ? ',' : '}');
	}
	buf_byte(&body, '\0');
	if (!body.failed)
		rc = hq_db_run(db, HQ_SQL_OUTBOX_ADD, "tti", key, (const char *)body.data, now_us);
	buf_free(&body);
	return rc;
}

int hq_outbox_suppress(struct hq_db *db, const char *customer_id, const char *order_id,
                       int64_t time_us, int64_t now_us)
{
	char key[HQ_OUTBOX_KEY_SIZE], time[CLOCK_ISO8601_SIZE];

	snprintf(key, sizeof key, "suppress:%s", order_id);
	clock_iso8601(time_us, time);
	return add(db, key,
	           (const char *const[]){"type", "suppress", "customer_id", customer_id, "order_id",
	                                 order_id, "time", time, NULL},
	           now_us);
}

int hq_outbox_dark(struct hq_db *db, const char *store, int64_t since_us, int64_t now_us)
{
	char key[HQ_OUTBOX_KEY_SIZE], since[CLOCK_ISO8601_SIZE];

	snprintf(key, sizeof key, "dark:%s:%" PRId64, store, since_us);
	clock_iso8601(since_us, since);
	return add(
	    db, key,
	    (const char *const[]){"type", "store_dark", "store", store, "since", since, NULL},
	    now_us);
}

int hq_outbox_back(struct hq_db *db, const char *store, int64_t since_us, int64_t now_us)
{
	char key[HQ_OUTBOX_KEY_SIZE], time[CLOCK_ISO8601_SIZE];

	snprintf(key, sizeof key, "back:%s:%" PRId64, store, since_us);
	clock_iso8601(now_us, time);
	return add(db, key,
	           (const char *const[]){"type", "store_back", "store", store, "time", time, NULL},
	           now_us);
}

int hq_outbox_open(struct hq_db *db, int64_t after, hq_outbox_fn *fn, void *ctx)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_OUTBOX_OPEN, "ii", after, (int64_t)HQ_OUTBOX_BATCH);
	int n = 0;

	while (hq_db_row(db, q)) {
		if (!fn(ctx, sqlite3_column_int64(q, 0), hq_db_text(q, 1))) {
			hq_db_end(q);
			break;
		}
		n++;
	}
	return n;
}

/* Exactly these members: whatever else stands there could be about somebody. */
static bool is_about_a_store(const json_t *body)
{
	const char *type = json_string_value(json_object_get(body, "type"));
	bool dark = type && strcmp(type, "store_dark") == 0,
	     back = type && strcmp(type, "store_back") == 0;

	return (dark || back) && json_object_size(body) == 3 &&
	       json_is_string(json_object_get(body, "store")) &&
	       json_is_string(json_object_get(body, dark ? "since" : "time"));
}

static bool is_suppression(const json_t *body)
{
	const char *type = json_string_value(json_object_get(body, "type"));

	return type && strcmp(type, "suppress") == 0;
}

const char *hq_outbox_gate(const char *body)
{
	json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	const struct consent_route route = {.suppression = is_suppression(root)};
	const char *why = is_about_a_store(root) ? NULL : consent_forward(&route, root);

	json_decref(root);
	return why;
}

int hq_outbox_done(struct hq_db *db, int64_t id, int64_t now_us)
{
	return hq_db_run(db, HQ_SQL_OUTBOX_DONE, "ii", id, now_us) >= 0 ? 0 : -1;
}
