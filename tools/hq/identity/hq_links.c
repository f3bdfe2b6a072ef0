#include "hq/identity/hq_links.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_rules.h"
#include "hq/identity/hq_watch.h"

#define HQ_LINKS_REASON_MAX 200 /* bytes of why somebody did it */
#define HQ_LINKS_ACTOR_MAX 64
#define HQ_LINKS_RECORDS_MAX 256  /* of one person: FOLD_UNITS_MAX */
#define HQ_LINKS_CHANGES_MAX 1000 /* told; the rest is counted */
#define HQ_LINKS_BLOCKS_MAX 256   /* stores' blocks of one value that one word lifts */

struct doing {
	const struct hq_links *l;
	const json_t *ask;
	struct hq_op op;
	const char *says; /* what comes of it beyond who is part of whom; or NULL */
	char *err;
	size_t err_size;
};

static const char *said(const struct doing *d, const char *key)
{
	const char *text = json_string_value(json_object_get(d->ask, key));

	return text ? text : "";
}

static int fault(const struct doing *d, const char *sentence)
{
	snprintf(d->err, d->err_size, "%s", sentence);
	return -1;
}

static int unit_of(const struct doing *d, const char *key, struct ref *out)
{
	struct hq_db *db = d->l->db;
	int64_t n = hq_db_int(db, 0, HQ_SQL_PROFILE_BY_ID, "t", said(d, key));
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_UNIT_GET, "i", n);
	const void *bytes;

	if (n == 0 || !hq_db_row(db, q)) {
		snprintf(d->err, d->err_size, "%.32s is not known, expected a customer's id",
		         said(d, key));
		return -1;
	}
	bytes = hq_db_bytes(q, 0, sizeof out->byte);
	if (bytes)
		memcpy(out->byte, bytes, sizeof out->byte);
	hq_db_end(q);
	return bytes ? 0 : fault(d, "hq.db could not be read");
}

static int two_units(struct doing *d)
{
	if (unit_of(d, "first", &d->op.left) != 0 || unit_of(d, "second", &d->op.right) != 0)
		return -1;
	return ref_same(&d->op.left, &d->op.right) ? fault(d, "expected two customers") : 0;
}

/* What is taken back, and whom it was about. */
static int taken_back(struct doing *d)
{
	struct hq_db *db = d->l->db;
	const char *text = said(d, "first");
	struct ref *what = &d->op.left;
	struct sqlite3_stmt *q;
	const void *near_left, *near_right;

	if (text_unb64(text, strlen(text), what->byte, sizeof what->byte) !=
	    (ssize_t)sizeof what->byte)
		return fault(d, "expected a reference of 22 characters, as `links show` prints it");
	q = hq_db_query(db, HQ_SQL_NAMED, "b", what->byte, sizeof what->byte);
	if (!hq_db_row(db, q))
		return fault(d, "nothing has this reference");
	near_left = hq_db_bytes(q, 0, sizeof what->byte);
	near_right = hq_db_bytes(q, 1, sizeof what->byte);
	if (near_left)
		memcpy(d->op.near_left.byte, near_left, sizeof what->byte);
	if (near_right)
		memcpy(d->op.near_right.byte, near_right, sizeof what->byte);
	hq_db_end(q);
	if (hq_db_int(db, 0, HQ_SQL_OP_TAKES_BACK, "b", what->byte, sizeof what->byte))
		return fault(d, "it takes something back itself: say that again instead");
	if (hq_db_int(db, 0, HQ_SQL_OP_UNDONE, "b", what->byte, sizeof what->byte))
		return fault(d, "it has been taken back already");
	return 0;
}

/* HQ's entries stand in front of all that stores say, so what they blocked is taken back by name.
 */
static void lift_stores(struct doing *d)
{
	struct hq_op undo = {.kind = HQ_OP_UNDO,
	                     .by_person = true,
	                     .actor = said(d, "actor"),
	                     .why = said(d, "reason"),
	                     .made_us = d->l->wall_us};
	struct ref ref[HQ_LINKS_BLOCKS_MAX];
	struct sqlite3_stmt *q = hq_db_query(d->l->db, HQ_SQL_OP_STORES_BLOCK, "ii", d->op.ident,
	                                     (int64_t)HQ_LINKS_BLOCKS_MAX);
	const void *bytes;
	int n = 0;

	while (hq_db_row(d->l->db, q)) {
		bytes = hq_db_bytes(q, 0, sizeof ref[0].byte);
		if (bytes)
			memcpy(ref[n++].byte, bytes, sizeof ref[0].byte);
	}
	while (n > 0) {
		undo.left = ref[--n];
		undo.at.seq = hq_unit_sequence(d->l->db);
		hq_op_add(d->l->db, &undo, NULL);
	}
}

static int value(struct doing *d)
{
	struct ident_given given = {.kind = ident_kind_of(said(d, "kind")),
	                            .value = said(d, "value")};
	struct ident_form form;
	const char *blocked;

	if (said(d, "kind")[0] && given.kind == IDENT_NONE)
		return fault(
		    d, "expected a kind: loyalty, phone, email, gsrn, wallet, account or vat_id");
	if (ident_normalise(d->l->scope->forms, &given, &form) != IDENT_OK) {
		snprintf(d->err, d->err_size, "the value is no identifier: %s",
		         ident_reason_text(form.reason));
		return -1;
	}
	blocked = rule_blocked(d->l->scope->rules, form.kind, form.value);
	if (blocked && d->op.kind == HQ_OP_UNBLOCK) {
		snprintf(d->err, d->err_size, "it is nobody's by the rules: %s", blocked);
		return -1;
	}
	d->op.ident = hq_unit_ident(d->l->db, form.kind, form.value);
	if (d->op.ident && d->op.kind == HQ_OP_UNBLOCK)
		lift_stores(d);
	return d->op.ident ? 0 : fault(d, "hq.db could not be written");
}

/* Who is one person now is meant: enrolments that their phone has joined stay one. */
static void link_records(struct doing *d, const struct ref *unit)
{
	struct hq_op link = {.kind = HQ_OP_LINK,
	                     .left = *unit,
	                     .by_person = true,
	                     .actor = said(d, "actor"),
	                     .why = "confirmed together",
	                     .made_us = d->l->wall_us};
	struct ref other[HQ_LINKS_RECORDS_MAX];
	struct sqlite3_stmt *q = hq_db_query(d->l->db, HQ_SQL_RECORDS_WITH, "bi", unit->byte,
	                                     sizeof unit->byte, (int64_t)HQ_LINKS_RECORDS_MAX);
	const void *bytes;
	int n = 0;

	while (hq_db_row(d->l->db, q)) {
		bytes = hq_db_bytes(q, 0, sizeof other[0].byte);
		if (bytes)
			memcpy(other[n++].byte, bytes, sizeof other[0].byte);
	}
	for (int i = 0; i < n; i++) {
		link.right = other[i];
		link.at.seq = hq_unit_sequence(d->l->db);
		hq_op_add(d->l->db, &link, NULL);
	}
}

/* Not an entry of the log: what HQ says of the record itself. */
static int confirm(struct doing *d)
{
	struct ref unit;

	if (unit_of(d, "first", &unit) != 0)
		return -1;
	link_records(d, &unit);
	d->says = hq_db_int(d->l->db, 0, HQ_SQL_UNIT_CONFIRMED, "b", unit.byte, sizeof unit.byte)
	              ? "HQ vouches for this record already"
	              : "HQ vouches for this record from then on";
	hq_db_run(d->l->db, HQ_SQL_UNIT_CONFIRM, "b", unit.byte, sizeof unit.byte);
	hq_db_run(d->l->db, HQ_SQL_DIRTY_UNIT, "b", unit.byte, sizeof unit.byte);
	return 0;
}

/* An entry of the steward's list that no fold takes away. */
static int settle(struct doing *d)
{
	int64_t number;

	if (!num_i64(said(d, "first"), 1, INT64_MAX, &number))
		return fault(d, "expected the number of an entry that a person settles");
	d->says = "that entry leaves the list";
	if (hq_db_run(d->l->db, HQ_SQL_SHORTFALL_SETTLE, "i", number) == 1) {
		hq_db_run(d->l->db, HQ_SQL_SHORTFALL_DIRTY, "i", number);
		return 0;
	}
	return hq_db_run(d->l->db, HQ_SQL_REVIEW_SETTLE, "i", number) == 1
	           ? 0
	           : fault(d, "expected the number of an entry that a person settles");
}

static const struct {
	const char *name;
	enum hq_op_kind kind;
	int (*read)(struct doing *d);
} actions[] = {
    {"link", HQ_OP_LINK, two_units},      {"apart", HQ_OP_APART, two_units},
    {"unlink", HQ_OP_UNDO, taken_back},   {"block", HQ_OP_BLOCK, value},
    {"unblock", HQ_OP_UNBLOCK, value},    {"confirm", HQ_OP_KIND_COUNT, confirm},
    {"settle", HQ_OP_KIND_COUNT, settle},
};

static int read_action(struct doing *d)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(actions[i].name, said(d, "action")) == 0) {
			d->op.kind = actions[i].kind;
			return actions[i].read(d);
		}
	}
	return fault(d, "expected link, unlink, apart, block, unblock or confirm");
}

/* ---- what it changes ---- */

static json_t *refusal(const struct doing *d, const struct ref *made)
{
	struct sqlite3_stmt *q;
	json_t *why = NULL;

	if (d->op.kind == HQ_OP_KIND_COUNT)
		return json_null();
	q = hq_db_query(d->l->db, HQ_SQL_OP_REFUSED, "b", made->byte, sizeof made->byte);
	if (hq_db_row(d->l->db, q)) {
		why = json_string(hq_db_text(q, 0));
		hq_db_end(q);
	}
	return why ? why : json_null();
}

static bool are_one(const struct doing *d)
{
	return hq_db_int(d->l->db, 0, HQ_SQL_UNITS_ONE, "bb", d->op.left.byte,
	                 sizeof d->op.left.byte, d->op.right.byte, sizeof d->op.right.byte) != 0;
}

/* Within the transaction. */
static json_t *try_out(struct doing *d)
{
	struct ref made = {0};
	char id[EVENT_ID_SIZE] = "";
	json_t *changes;

	if (read_action(d) != 0)
		return NULL;
	d->op.by_person = true;
	d->op.actor = said(d, "actor");
	d->op.why = said(d, "reason");
	d->op.made_us = d->l->wall_us;
	if (d->op.kind != HQ_OP_KIND_COUNT) {
		d->op.at.seq = hq_unit_sequence(d->l->db);
		hq_op_add(d->l->db, &d->op, &made);
	}
	if (d->op.kind != HQ_OP_KIND_COUNT && d->op.kind != HQ_OP_UNDO &&
	    d->op.kind != HQ_OP_UNBLOCK)
		text_b64(made.byte, sizeof made.byte, id);
	fault(d, "hq.db could not be written");
	if (hq_persons_fold(d->l->db, d->l->scope, d->l->wall_us, 0) < 0)
		return NULL;
	if (d->op.kind == HQ_OP_APART && are_one(d))
		d->says = "they are one customer all the same: `laneway-hq links` shows by what, "
		          "and `unlink` takes that back";
	changes = hq_watch_changes(d->l->db, HQ_LINKS_CHANGES_MAX);
	return changes ? json_pack("{s:s,s:o,s:o,s:I,s:s?}", "id", id, "refused", refusal(d, &made),
	                           "changes", changes, "claims",
	                           (json_int_t)hq_watch_claims(d->l->db), "says", d->says)
	               : NULL;
}

static int check_words(const struct doing *d)
{
	const char *reason = said(d, "reason"), *actor = said(d, "actor");

	if (!reason[0] || strlen(reason) > HQ_LINKS_REASON_MAX ||
	    !text_utf8_ok(reason, strlen(reason)) || text_has_hidden(reason, strlen(reason)))
		return fault(d, "expected a reason of 1 to 200 bytes");
	if (pan_find(reason, false))
		return fault(d, "the reason holds a card number, expected none");
	if (strlen(actor) > HQ_LINKS_ACTOR_MAX || !text_utf8_ok(actor, strlen(actor)) ||
	    text_has_hidden(actor, strlen(actor)))
		return fault(d, "expected an actor of at most 64 bytes");
	return 0;
}

json_t *hq_links_do(const struct hq_links *l, const struct json_t *ask, char *err, size_t err_size)
{
	struct doing d = {.l = l, .ask = ask, .err = err, .err_size = err_size};
	bool yes = json_is_true(json_object_get(ask, "yes"));
	json_t *answer;

	if (check_words(&d) != 0)
		return NULL;
	fault(&d, "hq.db could not be written");
	if (hq_watch_begin(l->db) != 0 || hq_db_begin(l->db) != 0)
		return NULL;
	answer = try_out(&d);
	if (!answer || !yes) {
		hq_db_rollback(l->db);
	} else if (hq_db_commit(l->db) != 0) {
		fault(&d, "hq.db could not be written");
		json_decref(answer);
		answer = NULL;
	}
	hq_watch_end(l->db);
	if (answer)
		json_object_set_new(answer, "done", json_boolean(yes));
	if (answer && yes)
		log_info("%s by a person: %zu records are part of another customer now",
		         said(&d, "action"), json_array_size(json_object_get(answer, "changes")));
	return answer;
}

/* ---- from the command line ---- */

json_t *hq_links_call(const struct hq_conf *conf, const json_t *ask, char *err, size_t err_size)
{
	struct hq_rules rules = {.version = 0};
	struct hq_links l = {.scope = &rules.scope, .wall_us = clock_wall_us(clock_system())};
	json_t *answer = NULL;
	bool held;

	if (hq_db_open(&l.db, conf->data, &held, err, err_size) != 0)
		return held ? hq_call_ask(conf->socket, "/v1/links", ask, err, err_size) : NULL;
	if (hq_rules_open(&rules, l.db, conf, err, err_size) == 0)
		answer = hq_links_do(&l, ask, err, err_size);
	hq_rules_free(&rules);
	hq_db_close(l.db);
	return answer;
}
