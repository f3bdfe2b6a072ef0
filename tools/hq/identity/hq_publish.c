#include "hq/identity/hq_publish.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_watch.h"
#include "identity/pan.h"

#define HQ_PUBLISH_FOLD_MAX 200        /* customers in a transaction, when nobody else runs */
#define HQ_PUBLISH_AGAIN_NS 100000000L /* between asks for what the running HQ has left */

/* The table of an ask, as far as it can be published now. */
static int read_table(const struct hq_publish *p, const json_t *ask, struct rule_set *out,
                      char *err, size_t err_size)
{
	const json_t *table = json_object_get(ask, "table");
	char *text = json_is_object(table) ? json_dumps(table, JSON_COMPACT) : NULL;
	struct buf faults = {0};
	int count = 1;

	if (text)
		count = rule_draft(text, strlen(text), p->rules->scope.forms, out, &faults);
	if (count > 0)
		snprintf(err, err_size, "the table: %.*s", faults.len ? (int)faults.len - 1 : 24,
		         faults.len ? (const char *)faults.data : "expected a JSON object");
	if (count == 0 && out->version[0] && strcmp(out->version, p->rules->table.version) != 0) {
		snprintf(err, err_size,
		         "the table was made from version %.32s, but version %.32s is in force: "
		         "expected the changes in what `laneway-hq rules show --table` prints now",
		         out->version, p->rules->table.version);
		rule_free(out);
		count = 1;
	}
	free(text);
	buf_free(&faults);
	return count > 0 ? -1 : 0;
}

static json_t *left(int64_t count)
{
	return json_pack("{s:I}", "left", (json_int_t)count);
}

/* ---- tried out ---- */

/* Within a transaction. */
static json_t *try_piece(const struct hq_publish *p, const struct hq_scope *scope, int64_t after)
{
	int more = hq_persons_try(p->db, scope, p->wall_us, &after);
	json_t *figures = more < 0 ? NULL : hq_watch_figures(p->db);

	if (!figures)
		return NULL;
	return json_pack("{s:I,s:I,s:b,s:o}", "after", (json_int_t)after, "of",
	                 (json_int_t)hq_db_int(p->db, 0, HQ_SQL_PROFILE_LAST, ""), "more", more,
	                 "figures", figures);
}

static json_t *preview(const struct hq_publish *p, const json_t *ask, char *err, size_t err_size)
{
	int64_t after = json_integer_value(json_object_get(ask, "after"));
	uint64_t before = memory_failures();
	struct rule_set table;
	const struct hq_scope scope = {p->rules->scope.forms, &table, p->rules->scope.currency};
	json_t *answer = NULL;

	if (read_table(p, ask, &table, err, err_size) != 0)
		return NULL;
	/* Only the version would be another one in most of what is decided: not worth the writing.
	 */
	memcpy(table.version, p->rules->table.version, sizeof table.version);
	snprintf(err, err_size, "hq.db could not be written");
	if (hq_watch_begin(p->db) == 0 && hq_db_begin(p->db) == 0) {
		answer = try_piece(p, &scope, after);
		hq_db_rollback(p->db);
	}
	hq_watch_end(p->db);
	rule_free(&table);
	if (memory_failures() == before)
		return answer;
	snprintf(err, err_size, "out of memory");
	json_decref(answer);
	return NULL;
}

/* ---- done ---- */

static bool same_rules(const struct rule_set *a, const struct rule_set *b)
{
	struct rule_set x = *a;
	struct buf one = {0}, two = {0};
	bool same;

	memcpy(x.version, b->version, sizeof x.version);
	memcpy(x.author, b->author, sizeof x.author);
	memcpy(x.reason, b->reason, sizeof x.reason);
	rule_write(&one, &x);
	rule_write(&two, b);
	same = !one.failed && one.len == two.len && memcmp(one.data, two.data, one.len) == 0;
	buf_free(&one);
	buf_free(&two);
	return same;
}

static json_t *publish(const struct hq_publish *p, const json_t *ask, char *err, size_t err_size)
{
	struct rule_set table;
	json_t *answer = NULL;

	if (read_table(p, ask, &table, err, err_size) != 0)
		return NULL;
	if (!json_string_value(json_object_get(json_object_get(ask, "table"), "reason")) ||
	    !json_string_value(json_object_get(json_object_get(ask, "table"), "author"))) {
		snprintf(err, err_size, "expected an author and a reason");
	} else if (pan_find(table.reason, false)) {
		snprintf(err, err_size, "the reason holds a card number, expected none");
	} else if (same_rules(&table, &p->rules->table)) {
		snprintf(err, err_size, "nothing would change: it says what version %s says",
		         p->rules->table.version);
	} else if (hq_rules_publish(p->rules, p->db, &table, p->wall_us) != 0) {
		snprintf(err, err_size, "hq.db could not be written");
	} else {
		log_info("rules: version %" PRId64 " is published by a person", p->rules->version);
		answer = json_pack("{s:I}", "version", (json_int_t)p->rules->version);
	}
	rule_free(&table);
	return answer;
}

static json_t *fold_some(const struct hq_publish *p, char *err, size_t err_size)
{
	int rc = 0;

	if (p->folds && hq_rules_left(p->db) > 0) {
		rc = hq_db_begin(p->db);
		if (rc == 0 &&
		    hq_persons_fold(p->db, &p->rules->scope, p->wall_us, HQ_PUBLISH_FOLD_MAX) < 0) {
			hq_db_rollback(p->db);
			rc = -1;
		} else if (rc == 0) {
			rc = hq_db_commit(p->db);
		}
	}
	if (rc == 0)
		return left(hq_rules_left(p->db));
	snprintf(err, err_size, "hq.db could not be written");
	return NULL;
}

json_t *hq_publish_do(const struct hq_publish *p, const json_t *ask, char *err, size_t err_size)
{
	const char *action = json_string_value(json_object_get(ask, "action"));
	bool is_preview = action && strcmp(action, "preview") == 0;

	if (action && strcmp(action, "left") == 0)
		return fold_some(p, err, err_size);
	if (!is_preview && (!action || strcmp(action, "publish") != 0)) {
		snprintf(err, err_size, "expected preview, publish or left");
		return NULL;
	}
	if (hq_rules_left(p->db) > 0)
		return left(hq_rules_left(p->db));
	return is_preview ? preview(p, ask, err, err_size) : publish(p, ask, err, err_size);
}

/* ---- from the command line ---- */

struct hq_publish_way {
	struct hq_db *db; /* NULL: through the running HQ */
	struct hq_rules rules;
	struct hq_call *call;
};

int hq_publish_open(struct hq_publish_way **out, const struct hq_conf *conf, char *err,
                    size_t err_size)
{
	struct hq_publish_way *way = memory_zeroed(1, sizeof *way);
	bool held = false;
	int rc = -1;

	snprintf(err, err_size, "out of memory");
	if (!way)
		return -1;
	if (hq_db_open(&way->db, conf->data, &held, err, err_size) == 0)
		rc = hq_rules_open(&way->rules, way->db, conf, err, err_size);
	if (held) {
		way->call = hq_call_open(conf->socket);
		rc = way->call ? 0 : -1;
	}
	*out = way;
	if (rc != 0) {
		hq_publish_close(way);
		*out = NULL;
	}
	return rc;
}

void hq_publish_close(struct hq_publish_way *way)
{
	if (!way)
		return;
	hq_call_close(way->call);
	hq_rules_free(&way->rules);
	hq_db_close(way->db);
	free(way);
}

static json_t *ask_once(struct hq_publish_way *way, const json_t *ask, char *err, size_t err_size)
{
	const struct hq_call_param none[] = {{NULL, NULL}};
	struct hq_publish here = {way->db, &way->rules, clock_wall_us(clock_system()), true};
	char *body;
	json_t *answer = NULL;

	if (way->db)
		return hq_publish_do(&here, ask, err, err_size);
	body = json_dumps(ask, JSON_COMPACT);
	if (body)
		answer =
		    hq_call_post(way->call, "/v1/rules", none, body, strlen(body), err, err_size);
	else
		snprintf(err, err_size, "out of memory");
	free(body);
	return answer;
}

/* Somebody else folds: nothing to be done but to wait. */
static void wait_a_little(const struct hq_publish_way *way)
{
	const struct timespec again = {0, HQ_PUBLISH_AGAIN_NS};

	if (!way->db)
		nanosleep(&again, NULL);
}

json_t *hq_publish_ask(struct hq_publish_way *way, const json_t *ask, char *err, size_t err_size)
{
	const char *action = json_string_value(json_object_get(ask, "action"));
	json_t *answer = ask_once(way, ask, err, err_size), *of_left;

	if (strcmp(action, "left") == 0) {
		if (answer && json_integer_value(json_object_get(answer, "left")) > 0)
			wait_a_little(way);
		return answer;
	}
	while (answer && json_object_get(answer, "left")) {
		json_decref(answer);
		wait_a_little(way);
		of_left = json_pack("{s:s}", "action", "left");
		answer = ask_once(way, of_left, err, err_size);
		json_decref(of_left);
		if (!answer || json_integer_value(json_object_get(answer, "left")) > 0)
			continue;
		json_decref(answer);
		answer = ask_once(way, ask, err, err_size);
	}
	return answer;
}
