/* A kept event's line as something pending. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

#define CLAIMS_MAX 32

static const char *text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static bool ref_at(const json_t *o, const char *key, struct ref *out)
{
	return json_part_ref(json_object_get(o, key), out);
}

static size_t room(size_t n, size_t max)
{
	return n < 1 ? 1 : n < max ? n : max;
}

/* ---- what a person is said to be ---- */

/* Whether somebody is old enough stands beside the fields, for it describes nobody. */
static json_t *fields_of(const json_t *properties, const json_t *sealed)
{
	const json_t *age = json_object_get(properties, "age_ok");
	json_t *fields = json_copy(json_object_get(sealed, "fields"));
	if (json_is_boolean(age) && !fields)
		fields = json_object();
	if (json_is_boolean(age))
		json_object_set_new(fields, field_name(FIELD_AGE_OK),
		                    json_string(json_is_true(age) ? "yes" : "no"));
	return fields;
}

static int read_facts(struct pending *p, const json_t *properties, const json_t *sealed)
{
	json_t *fields = fields_of(properties, sealed);
	const struct field_fact as = {.id = p->id,
	                              .unit = p->unit,
	                              .source = p->source,
	                              .from_us = p->from_us,
	                              .to_us = p->to_us};
	char err[128];
	/* What is wrong was written by a newer release: nothing of it can be shown. */
	field_json_said(fields, &as, NULL, &p->facts, err, sizeof err);
	json_decref(fields);
	return 0;
}

static int add_claim(struct pending *p, const json_t *o)
{
	enum ident_kind kind = ident_kind_of(text_at(o, "kind"));
	const char *value = text_at(o, "value");
	struct pending_claim *c = &p->claim[p->claim_count];
	if (kind == IDENT_NONE || !value[0] || strlen(value) >= IDENT_VALUE_SIZE)
		return 0;
	*c = (struct pending_claim){.kind = kind,
	                            .verified = json_is_true(json_object_get(o, "verified")),
	                            .value = memory_text(value)};
	ref_at(o, "ref", &c->ref);
	p->claim_count++;
	return c->value ? 0 : -1;
}

static int read_claims(struct pending *p, const json_t *sealed)
{
	const json_t *list = json_object_get(sealed, "identifiers");
	const json_t *drop = json_object_get(sealed, "drop");
	json_t *o;
	size_t i;
	p->claim = memory_zeroed(room(json_array_size(list), CLAIMS_MAX), sizeof *p->claim);
	p->drop = memory_zeroed(room(json_array_size(drop), CLAIMS_MAX), sizeof *p->drop);
	if (!p->claim || !p->drop)
		return -1;
	json_array_foreach((json_t *)list, i, o)
	{
		if (p->claim_count < CLAIMS_MAX && add_claim(p, o) < 0)
			return -1;
	}
	json_array_foreach((json_t *)drop, i, o)
	{
		if (p->drop_count < CLAIMS_MAX && json_part_ref(o, &p->drop[p->drop_count]))
			p->drop_count++;
	}
	return 0;
}

/* As HQ takes it: whoever stands behind a till is not HQ, whatever the event says. */
static const char *source_of(const char *by)
{
	enum field_source source = field_source_named(by);
	return field_source_name(source == FIELD_MANAGER || source == FIELD_CUSTOMER ? source
	                                                                             : FIELD_TILL);
}

static int read_about(struct pending *p, const json_t *properties, const json_t *sealed)
{
	if (!ref_at(properties, "enrolment_id", &p->id))
		return 0;
	text_copy(p->source, sizeof p->source, source_of(text_at(properties, "by")));
	text_copy(p->customer_id, sizeof p->customer_id, text_at(sealed, "customer_id"));
	p->unit = p->id;
	if (p->kind == EVENT_CUSTOMER_CORRECTED && !ref_at(sealed, "unit", &p->unit))
		return 0;
	return read_facts(p, properties, sealed) < 0 || read_claims(p, sealed) < 0 ? -1 : 1;
}

/* ---- links ---- */

static int read_link(struct pending *p, const json_t *properties)
{
	const char *actor = text_at(properties, "actor"), *rule = text_at(properties, "rule");
	if (!ref_at(properties, "link_id", &p->id) || !ref_at(properties, "left_ref", &p->unit) ||
	    !ref_at(properties, "right_ref", &p->other))
		return 0;
	p->by_person = strcmp(actor, "box") != 0;
	p->apart = p->kind == EVENT_IDENTITY_UNLINKED && !strcmp(rule, "not_me");
	p->proposed =
	    p->kind == EVENT_IDENTITY_LINKED && !strcmp(text_at(properties, "status"), "proposed");
	return 1;
}

static int read_block(struct pending *p, const json_t *properties, const json_t *sealed)
{
	if (!ref_at(properties, "ident_ref", &p->id))
		return 0;
	p->share = !strcmp(text_at(properties, "scope"), "shared");
	p->claim = memory_zeroed(1, sizeof *p->claim);
	if (!p->claim || add_claim(p, sealed) < 0)
		return -1;
	/* What clears by itself does not tell the value again. */
	return p->claim_count == 1 || p->kind == EVENT_IDENTIFIER_UNBLOCKED;
}

/* ---- consent, points ---- */

static int read_choice(struct pending *p, const json_t *properties, const json_t *sealed)
{
	char err[128];
	if (consent_json_event(properties, sealed, &p->choices, err, sizeof err) < 0 ||
	    !p->choices.count)
		return 0;
	p->id = p->choices.choice[0].id;
	p->unit = p->choices.choice[0].unit;
	return !ref_none(&p->unit);
}

static int read_points(struct pending *p, const json_t *properties, const json_t *sealed)
{
	p->points = json_integer_value(json_object_get(properties, "points"));
	ref_at(properties, "entry_id", &p->id);
	return ref_at(sealed, "unit", &p->unit);
}

/* ---- a line ---- */

static int read_kind(struct pending *p, const json_t *properties, const json_t *sealed)
{
	switch (p->kind) {
	case EVENT_CUSTOMER_ENROLLED:
	case EVENT_CUSTOMER_CORRECTED:
		return read_about(p, properties, sealed);
	case EVENT_IDENTITY_LINKED:
	case EVENT_IDENTITY_UNLINKED:
		return read_link(p, properties);
	case EVENT_IDENTIFIER_BLOCKED:
	case EVENT_IDENTIFIER_UNBLOCKED:
		return read_block(p, properties, sealed);
	case EVENT_CONSENT_CHANGED:
		return read_choice(p, properties, sealed);
	case EVENT_POINTS_CHANGED:
		return read_points(p, properties, sealed);
	default:
		return 0;
	}
}

/* Where no clock was trusted the line's own time says nothing: what was said then may be from any
 * time. */
static void read_time(struct pending *p, const json_t *root, const json_t *context)
{
	bool trusted = strcmp(text_at(context, "clock"), "none") != 0;
	clock_parse_iso8601(text_at(root, "originalTimestamp"), &p->wall_us);
	p->from_us = trusted ? p->wall_us : 0;
	p->to_us = p->wall_us;
}

int pending_read(struct pending **out, const struct overlay_event *ev)
{
	json_t *root = json_loadb(ev->line, ev->line_len, 0, NULL);
	json_t *sealed = ev->sealed ? json_loadb(ev->sealed, ev->sealed_len, 0, NULL) : NULL;
	const json_t *context = json_object_get(json_object_get(root, "context"), "laneway");
	struct pending *p = memory_zeroed(1, sizeof *p);
	int rc = p ? 0 : -1;

	if (p && root && !json_is_true(json_object_get(context, "training"))) {
		p->ordinal = ev->ordinal;
		p->seq = ev->seq;
		memcpy(p->epoch, ev->epoch, sizeof p->epoch);
		p->kind = lw_event_kind_of(text_at(root, "event"));
		p->store = fold_store(text_at(context, "store"));
		read_time(p, root, context);
		rc = read_kind(p, json_object_get(root, "properties"), sealed);
	}
	json_decref(root);
	json_decref(sealed);
	if (rc == 1)
		*out = p;
	else
		pending_free(p);
	return rc;
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->claim_count; i++)
		free(p->claim[i].value);
	field_list_free(&p->facts);
	consent_list_free(&p->choices);
	free(p->claim);
	free(p->drop);
	free(p);
}

/* ---- into the tables ---- */

/* Its place in canonical order: mostly the end. */
static size_t place_of(const struct overlay *o, const struct pending *p, bool *known)
{
	size_t i = o->pending.len;
	for (; i > 0; i--) {
		const struct pending *q = o->pending.at[i - 1];
		if (q->ordinal < p->ordinal || (q->ordinal == p->ordinal && q->seq <= p->seq))
			break;
	}
	*known = false;
	if (i > 0) {
		const struct pending *q = o->pending.at[i - 1];
		*known = q->ordinal == p->ordinal && q->seq == p->seq;
	}
	return i;
}

static bool hang_on(struct overlay *o, struct pending *p)
{
	static const struct ref nobody;
	const struct ref *units[] = {&p->unit, &p->other};
	for (size_t i = 0; i < 2; i++) {
		struct node *n;
		if (ref_same(units[i], &nobody))
			continue;
		n = overlay_node_make(o, units[i]);
		if (!n || !overlay_list_add(&n->pending, p))
			return false;
		if (i == 0 && p->customer_id[0])
			text_copy(n->customer_id, sizeof n->customer_id, p->customer_id);
	}
	for (size_t i = 0; i < p->claim_count; i++) {
		struct iden *iden =
		    overlay_iden_make(o, ident_kind_name(p->claim[i].kind), p->claim[i].value);
		if (!iden || !overlay_list_add(&iden->pending, p))
			return false;
	}
	return true;
}

void overlay_let_go(struct overlay *o, struct pending *p)
{
	const struct ref *units[] = {&p->unit, &p->other};
	for (size_t i = 0; i < 2; i++) {
		struct node *n = overlay_node(o, units[i]);
		if (!n)
			continue;
		overlay_list_remove(&n->pending, p);
		overlay_node_settle(o, n);
	}
	for (size_t i = 0; i < p->claim_count; i++) {
		struct iden *iden =
		    overlay_iden(o, ident_kind_name(p->claim[i].kind), p->claim[i].value);
		if (!iden)
			continue;
		overlay_list_remove(&iden->pending, p);
		overlay_iden_settle(o, iden);
	}
	overlay_list_remove(&o->pending, p);
	pending_free(p);
}

/* What lifts a block is about that block's identifier. 1, 0: it lifts nothing that is pending here,
 * -1: out of memory. */
static int lifted(const struct overlay *o, struct pending *p)
{
	for (size_t i = 0; i < o->pending.len; i++) {
		const struct pending *q = o->pending.at[i];
		if (q->kind != EVENT_IDENTIFIER_BLOCKED || !ref_same(&q->id, &p->id))
			continue;
		p->claim[0] = q->claim[0];
		p->claim[0].value = memory_text(q->claim[0].value);
		p->claim_count = p->claim[0].value ? 1 : 0;
		return p->claim[0].value ? 1 : -1;
	}
	return 0;
}

int overlay_take(struct overlay *o, const struct overlay_hq *hq, const struct overlay_event *ev)
{
	struct pending *p = NULL;
	bool known;
	int rc = pending_read(&p, ev);
	if (rc != 1)
		return rc;
	p->nameless = p->kind == EVENT_IDENTIFIER_UNBLOCKED && !p->claim_count;
	if (p->nameless && (rc = lifted(o, p)) != 1) {
		pending_free(p);
		return rc;
	}
	size_t at = place_of(o, p, &known);
	if (known) {
		pending_free(p);
		return 1;
	}
	if (!overlay_list_push(&o->pending, p)) {
		pending_free(p);
		return -1;
	}
	memmove(&o->pending.at[at + 1], &o->pending.at[at],
	        (o->pending.len - 1 - at) * sizeof *o->pending.at);
	o->pending.at[at] = p;
	if (!hang_on(o, p)) {
		overlay_let_go(o, p);
		return -1;
	}
	group_make(o, hq, p); /* if not now, then when the shard is heard of again */
	return 1;
}
