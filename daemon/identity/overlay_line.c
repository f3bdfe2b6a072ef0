/* A page line of HQ's, as far as persons are made of it. An older HQ names no units: then the
 * customer is one unit with what the plain members say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Where HQ named none: of the customer id, the same every time. */
static void make_up_ref(const char *customer_id, struct ref *out)
{
	*out = (struct ref){0};
	for (size_t i = 0; customer_id[i]; i++)
		out->byte[i % sizeof out->byte] ^= (uint8_t)customer_id[i];
}

static uint32_t number_of(const char *customer_id)
{
	const char *digits = customer_id + strcspn(customer_id, "0123456789");
	return (uint32_t)strtoul(digits, NULL, 10);
}

static int read_units(struct overlay_known *l)
{
	const json_t *list = json_object_get(l->json, "units");
	size_t n = json_array_size(list);
	l->unit = memory_zeroed(n ? n : 1, sizeof *l->unit);
	if (!l->unit)
		return -1;
	for (size_t i = 0; i < n && i < OVERLAY_UNITS_MAX; i++) {
		const json_t *o = json_array_get(list, i);
		struct fold_unit *u = &l->unit[l->unit_count];
		if (!json_part_ref(json_object_get(o, "ref"), &u->ref))
			continue;
		u->number = (uint32_t)json_integer_value(json_object_get(o, "number"));
		u->confirmed = json_is_true(json_object_get(o, "confirmed"));
		u->company = json_is_true(json_object_get(o, "company"));
		if (text_at(o, "store") &&
		    json_part_at(json_object_get(o, "at"), &u->made.from_us, &u->made.to_us))
			u->made.store = fold_store(text_at(o, "store"));
		l->unit_count++;
	}
	l->tells_units = l->unit_count > 0;
	if (!l->unit_count) {
		make_up_ref(l->profile.customer_id, &l->unit[0].ref);
		l->unit[0].number = number_of(l->profile.customer_id);
		l->unit[0].confirmed = true;
		l->unit_count = 1;
	}
	return 0;
}

size_t overlay_known_unit(const struct overlay_known *l, const struct ref *ref)
{
	size_t i = 0;
	while (i < l->unit_count && !ref_same(&l->unit[i].ref, ref))
		i++;
	return i;
}

static void add_claim(struct overlay_known *l, const struct hq_claim *c, const json_t *o)
{
	struct hq_claim *at = &l->claim[l->claim_count];
	struct ref unit;
	*at = *c;
	if (!json_part_ref(json_object_get(o, "ref"), &at->ref))
		return;
	if (json_part_ref(json_object_get(o, "unit"), &unit))
		at->unit = overlay_known_unit(l, &unit);
	at->verified = json_is_true(json_object_get(o, "verified"));
	l->claim_count += at->unit < l->unit_count;
}

/* And those that the same person has beside it. */
static void read_claim(struct overlay_known *l, const json_t *o)
{
	const char *kind = text_at(o, "kind"), *state = text_at(o, "state");
	const json_t *also = json_object_get(o, "also");
	struct hq_claim c = {.value = text_at(o, "value"),
	                     .seen = text_at(o, "seen"),
	                     .by = json_object_get(o, "by"),
	                     .shared = state && !strcmp(state, "shared"),
	                     .blocked = state && !strcmp(state, "blocked")};
	if (!kind || !c.value || !text_copy(c.kind_name, sizeof c.kind_name, kind))
		return;
	c.kind = ident_kind_of(kind);
	add_claim(l, &c, o);
	for (size_t i = 0; i < json_array_size(also); i++)
		add_claim(l, &c, json_array_get(also, i));
}

static int read_claims(struct overlay_known *l)
{
	const json_t *list = json_object_get(l->json, "identifiers");
	size_t n = json_array_size(list), most = 1;
	for (size_t i = 0; i < n; i++)
		most += 1 + json_array_size(json_object_get(json_array_get(list, i), "also"));
	l->claim = memory_zeroed(most, sizeof *l->claim);
	if (!l->claim)
		return -1;
	for (size_t i = 0; i < n; i++)
		read_claim(l, json_array_get(list, i));
	return 0;
}

/* ---- facts and choices ---- */

/* HQ leaves out plain yeses before anything else. Where it left something out and not one of them
 * is there, a no may be missing. */
static bool lacks_a_no(const struct overlay_known *l)
{
	json_int_t left =
	    json_integer_value(json_object_get(json_object_get(l->json, "left_out"), "choices"));
	bool yes = false;
	for (size_t i = 0; i < l->choices.count; i++)
		yes = yes || consent_plain_yes(&l->choices.choice[i]);
	return left > 0 && !yes;
}

/* A plain member: a fact of the customer's own record, older than everything. */
static void add_plain(struct overlay_known *l, enum field field)
{
	const char *value = text_at(l->json, field_name(field));
	struct field_fact *f = &l->facts.fact[l->facts.count];
	if (!value || !value[0])
		return;
	*f = (struct field_fact){.field = field,
	                         .id = field_fact_ref(&l->unit[0].ref, field),
	                         .unit = l->unit[0].ref,
	                         .value = value,
	                         .source = "import",
	                         .trust = field_trust(NULL, field, "import")};
	l->facts.count++;
}

/* A list that cannot be read says nothing: of facts the plain members stand, of choices nothing is
 * allowed. */
static int read_said(struct overlay_known *l)
{
	const json_t *facts = json_object_get(l->json, "facts");
	char err[128];
	l->choices_unreadable = consent_json_read(json_object_get(l->json, "choices"), &l->choices,
	                                          err, sizeof err) != 0 ||
	                        lacks_a_no(l);
	l->tells_facts = facts && field_json_read(facts, &l->facts, err, sizeof err) == 0;
	if (l->tells_facts)
		return 0;
	l->facts.fact = memory_zeroed(5, sizeof *l->facts.fact);
	if (!l->facts.fact)
		return -1;
	add_plain(l, FIELD_FIRST_NAME);
	add_plain(l, FIELD_NAME);
	add_plain(l, FIELD_LANGUAGE);
	add_plain(l, FIELD_TIER);
	add_plain(l, FIELD_STATE);
	return 0;
}

bool overlay_known_pair(const struct overlay_known *l, size_t n, struct overlay_pair *out)
{
	const json_t *list = json_object_get(l->json, "pairs"), *o = json_array_get(list, n);
	const char *is = text_at(o, "is");

	if (n >= json_array_size(list))
		return false;
	*out = (struct overlay_pair){.unit = l->unit[0].ref, .apart = is && !strcmp(is, "apart")};
	json_part_ref(json_object_get(o, "unit"), &out->unit);
	json_part_ref(json_object_get(o, "other"), &out->other);
	return true;
}

/* "email:folded" */
static bool is_word(const char *text)
{
	size_t n = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz_:") : 0;

	return n > 0 && !text[n];
}

/* What does not fit is not told. */
static void read_evidence(const json_t *list, char out[OVERLAY_EVIDENCE_SIZE])
{
	size_t len = 1;

	out[0] = '[';
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		if (!is_word(word) || len + strlen(word) + 5 > OVERLAY_EVIDENCE_SIZE)
			continue;
		len += (size_t)snprintf(out + len, OVERLAY_EVIDENCE_SIZE - len, "%s\"%s\"",
		                        len > 1 ? "," : "", word);
	}
	memcpy(out + len, "]", 2);
}

int overlay_known_likely(const struct overlay_known *l, size_t n, struct overlay_likely *out)
{
	const json_t *list = json_object_get(l->json, "likely"), *o = json_array_get(list, n);
	json_int_t mbit = json_integer_value(json_object_get(o, "mbit"));
	const char *who = text_at(o, "who");

	if (n >= json_array_size(list))
		return 0;
	*out = (struct overlay_likely){.unit = l->unit[0].ref, .mbit = (int)mbit};
	json_part_ref(json_object_get(o, "unit"), &out->unit);
	if (!json_part_ref(json_object_get(o, "other"), &out->other) || !who ||
	    !text_copy(out->customer_id, sizeof out->customer_id, who) || mbit < 0 ||
	    mbit > OVERLAY_MBIT_MAX)
		return -1;
	read_evidence(json_object_get(o, "because"), out->evidence);
	return 1;
}

int overlay_known_read(struct overlay_known *out, const struct profile *p, const char *line,
                       size_t len)
{
	*out = (struct overlay_known){.profile = *p, .json = json_loadb(line, len, 0, NULL)};
	if (json_is_object(out->json) && read_units(out) == 0 && read_claims(out) == 0 &&
	    read_said(out) == 0)
		return 0;
	overlay_known_free(out);
	return -1;
}

void overlay_known_drop(struct overlay_known *l, size_t unit)
{
	const struct ref ref = l->unit[unit].ref;
	size_t facts = 0, claims = 0;
	for (size_t i = 0; i < l->facts.count; i++)
		if (!ref_same(&l->facts.fact[i].unit, &ref))
			l->facts.fact[facts++] = l->facts.fact[i];
	l->facts.count = facts;
	for (size_t i = 0; i < l->claim_count; i++) {
		if (l->claim[i].unit == unit)
			continue;
		l->claim[claims] = l->claim[i];
		l->claim[claims++].unit -= l->claim[i].unit > unit;
	}
	l->claim_count = claims;
	memmove(&l->unit[unit], &l->unit[unit + 1], (l->unit_count - unit - 1) * sizeof *l->unit);
	l->unit_count--;
}

void overlay_known_free(struct overlay_known *l)
{
	json_decref(l->json);
	field_list_free(&l->facts);
	consent_list_free(&l->choices);
	free(l->unit);
	free(l->claim);
	*l = (struct overlay_known){0};
}

/* An element that is not there reads as 0, and seqs begin at 1. */
static bool in_run(const json_t *run, json_int_t seq)
{
	return json_integer_value(json_array_get(run, 0)) > 0 &&
	       json_integer_value(json_array_get(run, 0)) <= seq &&
	       json_integer_value(json_array_get(run, 1)) >= seq;
}

bool overlay_known_includes(const struct overlay_known *l, const uint8_t epoch[EVENT_EPOCH_BYTES],
                            uint64_t seq)
{
	char name[EVENT_EPOCH_SIZE];
	text_hex(epoch, EVENT_EPOCH_BYTES, name);
	const json_t *through = json_object_get(json_object_get(l->json, "includes"), name);
	const json_t *beyond = json_object_get(json_object_get(l->json, "beyond"), name);
	bool is = json_integer_value(through) >= (json_int_t)seq;
	for (size_t i = 0; i < json_array_size(beyond) && !is; i++)
		is = in_run(json_array_get(beyond, i), (json_int_t)seq);
	return l->tells_units && is;
}
