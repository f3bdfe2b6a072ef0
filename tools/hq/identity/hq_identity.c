#include "hq/identity/hq_identity.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/identity/hq_identity_internal.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_review.h"
#include "identity/consent_json.h"
#include "identity/json_part.h"
#include "identity/pan.h"

#define HQ_IDENTITY_POINTS_MAX INT64_C(1000000000000)     /* of one entry */
#define HQ_IDENTITY_NO_END_US INT64_C(253402300799000000) /* the last second of 9999: not known */
#define HQ_IDENTITY_WHY_MAX 128 /* bytes of a reason that are kept of what a store wrote */

bool hq_identity_is(const struct hq_line *line)
{
	switch (lw_event_kind_of(line->event)) {
	case EVENT_CUSTOMER_ENROLLED:
	case EVENT_CUSTOMER_CORRECTED:
	case EVENT_IDENTITY_LINKED:
	case EVENT_IDENTITY_UNLINKED:
	case EVENT_IDENTIFIER_BLOCKED:
	case EVENT_IDENTIFIER_UNBLOCKED:
	case EVENT_CONSENT_CHANGED:
	case EVENT_POINTS_CHANGED:
		return true;
	default:
		return false;
	}
}

bool hq_identity_is_sealed(const struct hq_line *line)
{
	enum event_kind kind = lw_event_kind_of(line->event);

	return kind != EVENT_IDENTITY_LINKED && kind != EVENT_IDENTITY_UNLINKED &&
	       kind != EVENT_IDENTIFIER_UNBLOCKED;
}

int64_t hq_identity_unit(const struct hq_identity *id, const struct ref *ref)
{
	return hq_db_int(id->db, 0, HQ_SQL_UNIT_BY_REF, "b", ref->byte, sizeof ref->byte);
}

void hq_identity_orders(const struct hq_identity *id, enum hq_sql query, const struct ref *ref)
{
	struct sqlite3_stmt *q = hq_db_query(id->db, query, "b", ref->byte, sizeof ref->byte);

	while (hq_db_row(id->db, q))
		hq_names_add(id->orders, hq_db_text(q, 0));
}

static bool ref_in(const json_t *object, const char *key, struct ref *out)
{
	return json_part_ref(json_object_get(object, key), out);
}

/* ---- links ---- */

static enum hq_identity_result take_link(struct hq_identity *id, struct hq_identity_event *ev)
{
	const json_t *p = ev->line->properties;
	const char *actor = hq_line_text(ev->line, "actor"), *rule = hq_line_text(ev->line, "rule");
	bool linked = lw_event_kind_of(ev->line->event) == EVENT_IDENTITY_LINKED,
	     apart = !linked && strcmp(rule, "not_me") == 0,
	     proposed = linked && strcmp(hq_line_text(ev->line, "status"), "proposed") == 0;
	struct hq_op op = {.kind = proposed ? HQ_OP_PROPOSE
	                           : linked ? HQ_OP_LINK
	                           : apart  ? HQ_OP_APART
	                                    : HQ_OP_UNDO,
	                   .by_person = strcmp(actor, "box") != 0,
	                   .actor = "store",
	                   .why = strlen(rule) <= HQ_IDENTITY_WHY_MAX ? rule : "",
	                   .made_us = id->to_us,
	                   .at = id->at};
	struct ref link, left, right;

	ev->why = "a link without its reference and those of two units";
	if (!ref_in(p, "link_id", &link) || !ref_in(p, "left_ref", &left) ||
	    !ref_in(p, "right_ref", &right))
		return HQ_IDENTITY_BAD;
	if (linked || apart) {
		op.ref = link;
		op.left = left;
		op.right = right;
	} else {
		op.left = link;
		op.near_left = left;
		op.near_right = right;
	}
	hq_op_add(id->db, &op, NULL);
	return HQ_IDENTITY_TAKEN;
}

/* ---- blocked and shared identifiers ---- */

/* The identifier that the text names, by HQ's own rules; 0: it is none. */
static int64_t ident_in(struct hq_identity *id, enum ident_kind kind, const char *value)
{
	struct ident_given given = {.kind = kind, .value = value};
	struct ident_form form;

	if (kind == IDENT_NONE || kind == IDENT_PAR ||
	    ident_normalise(id->scope->forms, &given, &form) != IDENT_OK)
		return 0;
	return hq_unit_ident(id->db, form.kind, form.value);
}

/* A manager's own words, or the rule's; what no terminal should be shown is left out. */
static const char *words_of(const struct hq_identity_event *ev)
{
	const char *said = json_string_value(json_object_get(ev->sealed, "reason"));
	const char *why = said ? said : hq_line_text(ev->line, "reason");

	return strlen(why) <= HQ_IDENTITY_WHY_MAX && text_utf8_ok(why, strlen(why)) &&
	               !text_has_hidden(why, strlen(why)) && !pan_find(why, false)
	           ? why
	           : "";
}

/* What lifts a block or share names it, so a store takes back its own word and nobody else's. */
static enum hq_identity_result take_unblock(struct hq_identity *id, struct hq_op *op,
                                            const struct ref *named)
{
	op->kind = HQ_OP_UNDO;
	op->left = *named;
	hq_op_add(id->db, op, NULL);
	return HQ_IDENTITY_TAKEN;
}

static enum hq_identity_result take_block(struct hq_identity *id, struct hq_identity_event *ev)
{
	const char *kind = json_string_value(json_object_get(ev->sealed, "kind"));
	const char *value = json_string_value(json_object_get(ev->sealed, "value"));
	bool shared = strcmp(hq_line_text(ev->line, "scope"), "shared") == 0;
	struct hq_op op = {.kind = shared ? HQ_OP_SHARE : HQ_OP_BLOCK,
	                   .by_person = true,
	                   .actor = "store",
	                   .why = words_of(ev),
	                   .made_us = id->to_us,
	                   .at = id->at};
	struct ref named;

	ev->why = "a blocked identifier without the reference of its block";
	if (!ref_in(ev->line->properties, "ident_ref", &named))
		return HQ_IDENTITY_BAD;
	if (lw_event_kind_of(ev->line->event) == EVENT_IDENTIFIER_UNBLOCKED)
		return take_unblock(id, &op, &named);
	ev->why = "a block that ends by itself, expected no until: what lifts it is an event";
	if (hq_line_text(ev->line, "until")[0])
		return HQ_IDENTITY_BAD;
	ev->why = "a blocked identifier that HQ's rules do not know";
	if (!kind || !value)
		return HQ_IDENTITY_BAD;
	op.ref = named;
	op.ident = ident_in(id, ident_kind_of(kind), value);
	if (op.ident == 0)
		return HQ_IDENTITY_BAD;
	hq_op_add(id->db, &op, NULL);
	return HQ_IDENTITY_TAKEN;
}

/* ---- consent ---- */

/* The address by its claim; where HQ does not know that, by the value that came along. */
static int64_t address_of(struct hq_identity *id, const struct hq_identity_event *ev,
                          const struct consent_choice *c)
{
	const char *value = json_string_value(json_object_get(ev->sealed, "value"));
	int64_t ident = 0;

	if (!ref_none(&c->address))
		ident = hq_db_int(id->db, 0, HQ_SQL_IDENT_OF_CLAIM, "b", c->address.byte,
		                  sizeof c->address.byte);
	if (ident == 0 && value)
		ident = ident_in(id, strchr(value, '@') ? IDENT_EMAIL : IDENT_PHONE, value);
	return ident;
}

/* Was it chosen when the event happened, and not told later of a form that was signed before? Then
 * the event's time, which HQ may know better than the store's clock, is that of the choice. */
static bool is_loose(const struct hq_identity_event *ev, const struct consent_choice *c)
{
	return c->to_us >= HQ_IDENTITY_NO_END_US ||
	       (c->from_us <= ev->line->time_us && ev->line->time_us <= c->to_us);
}

static void put_covers(struct hq_identity *id, const struct consent_choice *c)
{
	for (size_t i = 0; i < c->cover_count; i++)
		hq_db_run(id->db, HQ_SQL_CHOICE_COVER, "bb", c->id.byte, sizeof c->id.byte,
		          c->covers[i].byte, sizeof c->covers[i].byte);
}

static void put_choice(struct hq_identity *id, const struct hq_identity_event *ev,
                       const struct consent_choice *c, int64_t unit)
{
	bool loose = is_loose(ev, c);
	const char *proof = hq_line_text(ev->line, "proof_ref");

	hq_db_run(id->db, HQ_SQL_CHOICE_PUT, "biibtttttttiibiiii", c->id.byte, sizeof c->id.byte,
	          unit, address_of(id, ev, c), ref_none(&c->address) ? NULL : c->address.byte,
	          sizeof c->address.byte, consent_purpose_name(c->purpose),
	          consent_channel_name(c->channel), consent_value_name(c->value),
	          consent_method_name(c->method), c->text_version, c->language,
	          proof[0] && strlen(proof) <= HQ_IDENTITY_WHY_MAX ? proof : NULL,
	          loose ? id->from_us : c->from_us, loose ? id->to_us : c->to_us,
	          c->covers ? (const void *)c->covers : "", c->cover_count * sizeof *c->covers,
	          id->at.epoch, id->at.seq, (int64_t)0, (int64_t)loose);
	put_covers(id, c);
	if (unit)
		hq_db_run(id->db, HQ_SQL_DIRTY_ADD, "i", unit);
	/* Whoever else was meant. */
	for (size_t i = 0; i < c->cover_count; i++)
		hq_db_run(id->db, HQ_SQL_DIRTY_UNIT, "b", c->covers[i].byte,
		          sizeof c->covers[i].byte);
	/* What binds an address binds all who have it; what one allows there is one's own. */
	if (!unit || c->method == CONSENT_STOP || c->method == CONSENT_COMPLAINT)
		hq_db_run(id->db, HQ_SQL_DIRTY_IDENT, "i", address_of(id, ev, c));
}

/* A buyer's consent is not the company's. What forbids is taken from anybody. */
static bool is_a_buyers(struct hq_identity *id, const struct consent_choice *c, int64_t unit)
{
	char key[64], name[EVENT_ID_SIZE], detail[160];

	if (c->value != CONSENT_GRANTED || c->method == CONSENT_CONFIRMED || unit == 0 ||
	    hq_db_int(id->db, 0, HQ_SQL_UNIT_COMPANY, "i", unit) == 0)
		return false;
	text_b64(c->id.byte, sizeof c->id.byte, name);
	snprintf(key, sizeof key, "choice:%s", name);
	snprintf(detail, sizeof detail,
	         "store %s was granted %s for a company: a buyer's consent is not the company's",
	         id->store, consent_purpose_name(c->purpose));
	hq_review_add(id->db, &(struct hq_review){.cause = "company",
	                                          .key = key,
	                                          .detail = detail,
	                                          .unit = unit,
	                                          .wall_us = id->wall_us});
	return true;
}

static enum hq_identity_result take_choice(struct hq_identity *id, struct hq_identity_event *ev)
{
	struct consent_list list = {0};
	enum hq_identity_result result = HQ_IDENTITY_TAKEN;
	char err[160];
	int64_t unit = 0;

	ev->why = "a choice that cannot be read";
	if (consent_json_event(ev->line->properties, ev->sealed, &list, err, sizeof err) != 0)
		return HQ_IDENTITY_BAD;
	for (size_t i = 0; i < list.count && result == HQ_IDENTITY_TAKEN; i++) {
		struct consent_choice *c = &list.choice[i];
		if (!ref_none(&c->unit))
			unit = hq_identity_unit(id, &c->unit);
		if (!ref_none(&c->unit) && unit == 0) {
			ev->unit = c->unit;
			result = HQ_IDENTITY_WAITS;
			break;
		}
		if (!is_a_buyers(id, c, unit))
			put_choice(id, ev, c, unit);
	}
	consent_list_free(&list);
	return result;
}

/* ---- points ---- */

static enum hq_identity_result take_points(struct hq_identity *id, struct hq_identity_event *ev)
{
	const char *order = hq_line_text(ev->line, "order_id");
	struct ref entry, unit, reverses = {0};
	int64_t points, n;

	ev->why = "points without their reference or without whose they are";
	if (!ref_in(ev->line->properties, "entry_id", &entry) ||
	    !ref_in(ev->sealed, "unit", &unit) ||
	    !hq_line_number(ev->line->properties, "points", &points))
		return HQ_IDENTITY_BAD;
	ev->why = "more points than one entry can have";
	if (points > HQ_IDENTITY_POINTS_MAX || points < -HQ_IDENTITY_POINTS_MAX)
		return HQ_IDENTITY_BAD;
	n = hq_identity_unit(id, &unit);
	if (n == 0) {
		ev->unit = unit;
		return HQ_IDENTITY_WAITS;
	}
	if (!ref_in(ev->line->properties, "reverses", &reverses))
		reverses = (struct ref){0};
	hq_db_run(id->db, HQ_SQL_POINTS_PUT, "bittibiii", entry.byte, sizeof entry.byte, n,
	          order[0] ? order : NULL, hq_line_text(ev->line, "change_type"), points,
	          ref_none(&reverses) ? NULL : reverses.byte, sizeof reverses.byte, id->to_us,
	          id->at.epoch, id->at.seq);
	hq_db_run(id->db, HQ_SQL_DIRTY_ADD, "i", n);
	return HQ_IDENTITY_TAKEN;
}

/* ---- all of them ---- */

static enum hq_identity_result take(struct hq_identity *id, struct hq_identity_event *ev)
{
	switch (lw_event_kind_of(ev->line->event)) {
	case EVENT_CUSTOMER_ENROLLED:
	case EVENT_CUSTOMER_CORRECTED:
		return hq_enrol_take(id, ev);
	case EVENT_IDENTITY_LINKED:
	case EVENT_IDENTITY_UNLINKED:
		return take_link(id, ev);
	case EVENT_IDENTIFIER_BLOCKED:
	case EVENT_IDENTIFIER_UNBLOCKED:
		return take_block(id, ev);
	case EVENT_CONSENT_CHANGED:
		return take_choice(id, ev);
	default:
		return take_points(id, ev);
	}
}

enum hq_identity_result hq_identity_take(struct hq_identity *id, const struct hq_line *line,
                                         const struct json_t *sealed, struct ref *unit,
                                         const char **why)
{
	struct hq_identity_event ev = {.line = line, .sealed = sealed, .why = ""};
	enum hq_identity_result result;

	result = take(id, &ev);
	*unit = ev.unit;
	*why = ev.why;
	return result;
}

void hq_identity_moved(struct hq_db *db, int64_t epoch, uint64_t seq, int64_t from_us,
                       int64_t to_us)
{
	hq_db_run(db, HQ_SQL_FACT_MOVED, "iiii", epoch, (int64_t)seq, from_us, to_us);
	hq_db_run(db, HQ_SQL_CLAIM_MOVED, "iiii", epoch, (int64_t)seq, from_us, to_us);
	hq_db_run(db, HQ_SQL_CHOICE_MOVED, "iiii", epoch, (int64_t)seq, from_us, to_us);
	hq_db_run(db, HQ_SQL_POINTS_MOVED, "iii", epoch, (int64_t)seq, to_us);
	hq_db_run(db, HQ_SQL_DIRTY_MOVED, "ii", epoch, (int64_t)seq);
}
