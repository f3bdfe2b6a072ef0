/* Customers that stores have enrolled or corrected. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_identity_internal.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_review.h"
#include "identity/field_json.h"
#include "identity/json_part.h"
#include "identity/note.h"

#define HQ_ENROL_CLAIMS_MAX 16 /* identifiers of one event; more are a steward's */
#define HQ_ENROL_KEY_SIZE 64
#define HQ_ENROL_DETAIL_SIZE 200

struct enrolling {
	struct hq_identity *id;
	struct hq_identity_event *ev;
	struct ref ref; /* of the enrolment or correction */
	struct ref unit_ref;
	int64_t unit;
	bool company; /* the unit is one */
	const char *source;
};

/* Bytes of a field's value, as a store's shard takes them. */
static size_t bytes_max(enum field f)
{
	static const size_t max[FIELD_COUNT] = {
	    [FIELD_FIRST_NAME] = 64, [FIELD_LAST_NAME] = 63, [FIELD_NAME] = 128,
	    [FIELD_BIRTH_DATE] = 10, [FIELD_LANGUAGE] = 8,   [FIELD_STREET] = 128,
	    [FIELD_POSTCODE] = 16,   [FIELD_CITY] = 64,      [FIELD_COUNTRY] = 2,
	    [FIELD_TIER] = 32,       [FIELD_STATE] = 16,     [FIELD_NOTE] = FIELD_VALUE_SIZE - 1,
	    [FIELD_AGE_OK] = 3,      [FIELD_CONTACT] = 64};

	return max[f];
}

/* Whoever stands behind a till is not HQ, whatever the event says. */
static const char *source_of(const struct hq_line *line)
{
	enum field_source source = field_source_named(hq_line_text(line, "by"));

	return field_source_name(source == FIELD_MANAGER || source == FIELD_CUSTOMER ? source
	                                                                             : FIELD_TILL);
}

struct trouble {
	const char *cause, *what;
	const struct ref *ref;
};

static void list_as(const struct enrolling *e, const struct trouble *t, const char *detail)
{
	char key[HQ_ENROL_KEY_SIZE], name[EVENT_ID_SIZE];

	text_b64(t->ref->byte, sizeof t->ref->byte, name);
	snprintf(key, sizeof key, "%s:%s", t->what, name);
	hq_review_add(e->id->db, &(struct hq_review){.cause = t->cause,
	                                             .key = key,
	                                             .detail = detail,
	                                             .unit = e->unit,
	                                             .wall_us = e->id->wall_us});
}

static void list_trouble(const struct enrolling *e, const char *what, const struct ref *ref,
                         const char *detail)
{
	list_as(e, &(struct trouble){"refused_at_hq", what, ref}, detail);
}

/* Whoever buys for a company is not the company: neither gets what is the other's. */
static void list_other(const struct enrolling *e, const char *what, const struct ref *ref,
                       const char *name)
{
	char detail[HQ_ENROL_DETAIL_SIZE];

	snprintf(detail, sizeof detail, "store %s said a %s of a %s: each is a customer of its own",
	         e->id->store, name, e->company ? "company" : "person");
	list_as(e, &(struct trouble){"company", what, ref}, detail);
}

static bool is_persons_field(enum field f)
{
	return f == FIELD_FIRST_NAME || f == FIELD_LAST_NAME || f == FIELD_BIRTH_DATE ||
	       f == FIELD_AGE_OK;
}

static bool is_persons_kind(enum ident_kind kind)
{
	return kind == IDENT_LOYALTY || kind == IDENT_GSRN || kind == IDENT_WALLET;
}

static bool is_companys_kind(enum ident_kind kind)
{
	return kind == IDENT_ACCOUNT || kind == IDENT_VAT_ID;
}

/* What is wrong with a value; NULL: nothing. */
static const char *fault_of(enum field f, const char *value)
{
	if (pan_find(value, false))
		return "is a card number";
	if (text_has_hidden(value, strlen(value)))
		return "has control characters";
	return strlen(value) > bytes_max(f) ? "is too long" : NULL;
}

/* What is wrong with a note; NULL: nothing. */
static const char *note_fault(const struct enrolling *e, const struct field_fact *f)
{
	bool text = f->field == FIELD_NOTE && f->value && note_is_text(f->value);

	return text && strcmp(e->source, field_source_name(FIELD_MANAGER)) != 0
	           ? "is free text, and not a manager's"
	           : NULL;
}

static void take_fact(struct enrolling *e, const struct field_fact *f)
{
	const char *value = f->value ? f->value : "", *wrong = fault_of(f->field, value);
	char detail[HQ_ENROL_DETAIL_SIZE];

	if (note_over(f, e->id->wall_us))
		return; /* it comes too late to be kept */
	wrong = wrong ? wrong : note_fault(e, f);
	if (!wrong && e->company && is_persons_field(f->field)) {
		list_other(e, "fact", &f->id, field_name(f->field));
		return;
	}
	if (wrong) {
		snprintf(detail, sizeof detail, "store %s said a %s that %s", e->id->store,
		         field_name(f->field), wrong);
		list_trouble(e, "fact", &f->id, detail);
		return;
	}
	hq_unit_say(e->id->db, &(struct hq_said){.unit = e->unit,
	                                         .field = field_name(f->field),
	                                         .value = value,
	                                         .source = e->source,
	                                         .ref = f->id,
	                                         .from_us = e->id->from_us,
	                                         .to_us = e->id->to_us,
	                                         .at = e->id->at});
}

static int take_facts(struct enrolling *e)
{
	const struct field_fact as = {.id = e->ref,
	                              .unit = e->unit_ref,
	                              .source = e->source,
	                              .from_us = e->id->from_us,
	                              .to_us = e->id->to_us};
	json_t *age = json_object_get(e->ev->line->properties, "age_ok");
	struct field_list list = {0};
	char err[HQ_ENROL_DETAIL_SIZE];

	if (field_json_said(json_object_get(e->ev->sealed, "fields"), &as, NULL, &list, err,
	                    sizeof err) != 0) {
		list_trouble(e, "fields", &e->ref, err);
		return -1;
	}
	for (size_t i = 0; i < list.count; i++)
		take_fact(e, &list.fact[i]);
	field_list_free(&list);
	if (json_is_boolean(age))
		take_fact(e, &(struct field_fact){.field = FIELD_AGE_OK,
		                                  .id = field_fact_ref(&e->ref, FIELD_AGE_OK),
		                                  .value = json_is_true(age) ? "yes" : "no"});
	return 0;
}

/* ---- identifiers ---- */

static void refuse_claim(struct enrolling *e, const struct ident_form *form, const char *kind,
                         const struct ref *ref)
{
	char detail[HQ_ENROL_DETAIL_SIZE];

	snprintf(detail, sizeof detail, "store %s claimed a %.16s that is none here: %s",
	         e->id->store, ident_kind_of(kind) == IDENT_NONE ? "new kind" : kind,
	         ident_reason_name(form->reason));
	list_trouble(e, "claim", ref, detail);
}

static void take_claim(struct enrolling *e, const json_t *object, int64_t place)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	const char *value = json_string_value(json_object_get(object, "value"));
	struct hq_claim claim = {.unit = e->unit,
	                         .source = e->source,
	                         .at = e->id->at,
	                         .from_us = e->id->from_us,
	                         .to_us = e->id->to_us};
	struct ident_given given = {.value = value ? value : ""};
	struct ident_form form = {.reason = IDENT_EMPTY};
	const char *said = json_string_value(json_object_get(object, "typed"));
	char typed[IDENT_VALUE_SIZE] = "";

	if (!json_part_ref(json_object_get(object, "ref"), &claim.ref))
		return;
	given.kind = ident_kind_of(kind ? kind : "");
	claim.verified = json_is_true(json_object_get(object, "verified"));
	given.scanned = claim.verified;
	if (given.kind == IDENT_NONE || given.kind == IDENT_PAR ||
	    ident_normalise(e->id->scope->forms, &given, &form) != IDENT_OK) {
		refuse_claim(e, &form, kind ? kind : "", &claim.ref);
		return;
	}
	if (e->company ? is_persons_kind(form.kind) : is_companys_kind(form.kind)) {
		list_other(e, "claim", &claim.ref, ident_kind_name(form.kind));
		return;
	}
	claim.kind = form.kind;
	claim.value = form.value;
	claim.typed = typed;
	if (said && form.kind == IDENT_EMAIL)
		ident_email_typed(said, form.value, typed);
	claim.at.place = place;
	hq_unit_claim(e->id->db, &claim);
	hq_identity_orders(e->id, HQ_SQL_ORDERS_OF_CLAIM, &claim.ref);
}

static void take_claims(struct enrolling *e)
{
	const json_t *list = json_object_get(e->ev->sealed, "identifiers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i < HQ_ENROL_CLAIMS_MAX)
			take_claim(e, json_array_get(list, i), (int64_t)i);
		else
			list_trouble(e, "claims", &e->ref, "more identifiers than one person has");
	}
}

/* An identifier that the unit no longer has: its claim never was. */
static void take_drops(struct enrolling *e)
{
	const json_t *list = json_object_get(e->ev->sealed, "drop");
	struct hq_op op = {.kind = HQ_OP_UNDO,
	                   .near_left = e->unit_ref,
	                   .by_person = true,
	                   .actor = e->source,
	                   .why = "corrected",
	                   .made_us = e->id->to_us,
	                   .at = e->id->at};

	for (size_t i = 0; i < json_array_size(list) && i < HQ_ENROL_CLAIMS_MAX; i++) {
		if (!json_part_ref(json_array_get(list, i), &op.left))
			continue;
		op.at.place = (int64_t)(HQ_ENROL_CLAIMS_MAX + i);
		hq_op_add(e->id->db, &op, NULL);
	}
}

/* ---- whose ---- */

static enum hq_identity_result find_unit(struct enrolling *e, bool enrolled)
{
	const char *customer = json_string_value(json_object_get(e->ev->sealed, "customer_id"));

	e->unit_ref = e->ref;
	if (!enrolled && !json_part_ref(json_object_get(e->ev->sealed, "unit"), &e->unit_ref) &&
	    !customer) {
		e->ev->why = "a correction of nobody";
		return HQ_IDENTITY_BAD;
	}
	e->unit = hq_identity_unit(e->id, &e->unit_ref);
	if (e->unit == 0 && !enrolled && customer && ref_same(&e->unit_ref, &e->ref))
		e->unit = hq_db_int(e->id->db, 0, HQ_SQL_PROFILE_BY_ID, "t", customer);
	if (e->unit == 0 && enrolled) {
		e->unit = hq_unit_new(e->id->db, &(struct hq_unit){.ref = e->ref});
		hq_identity_orders(e->id, HQ_SQL_ORDERS_OF_UNIT, &e->ref);
	}
	if (e->unit > 0)
		return HQ_IDENTITY_TAKEN;
	e->ev->unit = e->unit_ref;
	return HQ_IDENTITY_WAITS;
}

enum hq_identity_result hq_enrol_take(struct hq_identity *id, struct hq_identity_event *ev)
{
	struct enrolling e = {.id = id, .ev = ev, .source = source_of(ev->line)};
	bool enrolled = lw_event_kind_of(ev->line->event) == EVENT_CUSTOMER_ENROLLED;
	enum hq_identity_result found;

	ev->why = "an enrolment without its reference, or without what it says";
	if (!json_part_ref(json_object_get(ev->line->properties, "enrolment_id"), &e.ref) ||
	    !json_is_object(ev->sealed))
		return HQ_IDENTITY_BAD;
	found = find_unit(&e, enrolled);
	if (found != HQ_IDENTITY_TAKEN)
		return found;
	ev->why = "it is about somebody who is forgotten";
	if (hq_db_int(id->db, 0, HQ_SQL_UNIT_GONE, "i", e.unit) != 0)
		return HQ_IDENTITY_BAD;
	e.company = hq_db_int(id->db, 0, HQ_SQL_UNIT_COMPANY, "i", e.unit) != 0;
	take_facts(&e);
	take_claims(&e);
	take_drops(&e);
	hq_db_run(id->db, HQ_SQL_DIRTY_ADD, "i", e.unit);
	if (enrolled)
		hq_hold_met(id->db, hq_db_int(id->db, 0, HQ_SQL_STORE_ID, "t", id->store), e.unit,
		            id->to_us);
	return HQ_IDENTITY_TAKEN;
}
