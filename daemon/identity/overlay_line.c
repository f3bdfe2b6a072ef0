/* A page line of HQ's, as far as persons are made of it. An older HQ names no units: then the
 * customer is one unit with what the plain members say. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

static int read_units(struct hq_line *l)
{
	const json_t *list = json_object_get(l->json, "units");
	size_t n = json_array_size(list);
	l->unit = calloc(n ? n : 1, sizeof *l->unit);
	if (!l->unit)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		struct fold_unit *u = &l->unit[l->unit_count];
		if (!hq_ref(json_object_get(o, "ref"), &u->ref))
			continue;
		u->number = (uint32_t)json_integer_value(json_object_get(o, "number"));
		u->confirmed = json_is_true(json_object_get(o, "confirmed"));
		u->company = json_is_true(json_object_get(o, "company"));
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

size_t hq_line_unit(const struct hq_line *l, const struct ref *ref)
{
	size_t i = 0;
	while (i < l->unit_count && !ref_same(&l->unit[i].ref, ref))
		i++;
	return i;
}

static void read_claim(struct hq_line *l, const json_t *o)
{
	struct hq_claim *c = &l->claim[l->claim_count];
	const char *kind = text_at(o, "kind"), *state = text_at(o, "state");
	struct ref unit;
	c->value = text_at(o, "value");
	if (!kind || !c->value || !text_copy(c->kind_name, sizeof c->kind_name, kind) ||
	    !hq_ref(json_object_get(o, "ref"), &c->ref))
		return;
	c->kind = ident_kind_of(kind);
	c->verified = json_is_true(json_object_get(o, "verified"));
	c->shared = state && !strcmp(state, "shared");
	c->blocked = state && !strcmp(state, "blocked");
	if (hq_ref(json_object_get(o, "unit"), &unit))
		c->unit = hq_line_unit(l, &unit);
	if (c->unit < l->unit_count)
		l->claim_count++;
	else
		*c = (struct hq_claim){0};
}

static int read_claims(struct hq_line *l)
{
	const json_t *list = json_object_get(l->json, "identifiers");
	size_t n = json_array_size(list);
	l->claim = calloc(n ? n : 1, sizeof *l->claim);
	if (!l->claim)
		return -1;
	for (size_t i = 0; i < n; i++)
		read_claim(l, json_array_get(list, i));
	return 0;
}

/* What a unit's facts say for conflicts. */
static void compare_forms(struct hq_line *l)
{
	const json_t *facts = json_object_get(l->json, "facts"), *f;
	size_t i;
	field_compare_form(l->profile.first_name, l->unit[0].first_name,
	                   sizeof l->unit[0].first_name);
	json_array_foreach((json_t *)facts, i, f)
	{
		const char *field = text_at(f, "field"), *value = text_at(f, "value");
		struct ref unit;
		size_t u = hq_ref(json_object_get(f, "unit"), &unit) ? hq_line_unit(l, &unit)
		                                                     : l->unit_count;
		if (u > 0 && u < l->unit_count && field && value && !l->unit[u].first_name[0] &&
		    !strcmp(field, "first_name"))
			field_compare_form(value, l->unit[u].first_name,
			                   sizeof l->unit[u].first_name);
	}
}

int hq_line_read(struct hq_line *out, const struct profile *p, const char *line, size_t len)
{
	*out = (struct hq_line){.profile = *p, .json = json_loadb(line, len, 0, NULL)};
	if (json_is_object(out->json) && read_units(out) == 0 && read_claims(out) == 0) {
		compare_forms(out);
		return 0;
	}
	hq_line_free(out);
	return -1;
}

void hq_line_free(struct hq_line *l)
{
	json_decref(l->json);
	free(l->unit);
	free(l->claim);
	*l = (struct hq_line){0};
}

uint64_t hq_line_includes(const struct hq_line *l, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	char name[EVENT_EPOCH_SIZE];
	text_hex(epoch, EVENT_EPOCH_BYTES, name);
	json_int_t seq =
	    json_integer_value(json_object_get(json_object_get(l->json, "includes"), name));
	return l->tells_units && seq > 0 ? (uint64_t)seq : 0;
}

/* ---- facts and choices ---- */

static void read_at(const json_t *o, int64_t *from_us, int64_t *to_us)
{
	const json_t *at = json_object_get(o, "at");
	const char *first = json_string_value(json_array_get(at, 0));
	const char *last = json_string_value(json_array_get(at, 1));
	if (!first || clock_parse_iso8601(first, from_us) < 0)
		return;
	if (!last || clock_parse_iso8601(last, to_us) < 0)
		*to_us = *from_us;
}

static void add_fact(const struct hq_line *l, struct gathered *g, const json_t *o)
{
	const char *name = text_at(o, "field"), *value = text_at(o, "value");
	const char *source = text_at(o, "source");
	struct field_fact *f;
	enum field field = name ? field_named(name) : FIELD_COUNT;
	if (field == FIELD_COUNT || !value)
		return;
	f = gather_room(g, (void **)&g->fact, &g->fact_count, &g->fact_cap, sizeof *f);
	if (!f)
		return;
	*f = (struct field_fact){.field = field, .value = value, .source = source ? source : "hq"};
	f->trust = (int)json_integer_value(json_object_get(o, "trust"));
	hq_ref(json_object_get(o, "id"), &f->id);
	if (!hq_ref(json_object_get(o, "unit"), &f->unit))
		f->unit = l->unit[0].ref;
	read_at(o, &f->from_us, &f->to_us);
}

/* A plain member: a fact of the customer's own record, older than everything. */
static void add_plain(const struct hq_line *l, struct gathered *g, enum field field,
                      const char *value)
{
	struct field_fact *f;
	if (!value[0])
		return;
	f = gather_room(g, (void **)&g->fact, &g->fact_count, &g->fact_cap, sizeof *f);
	if (!f)
		return;
	*f = (struct field_fact){.field = field,
	                         .unit = l->unit[0].ref,
	                         .value = value,
	                         .source = "import",
	                         .trust = field_trust(NULL, field, "import")};
	f->id = f->unit;
	f->id.byte[sizeof f->id.byte - 1] ^= (uint8_t)(field + 1);
}

void hq_line_facts(const struct hq_line *l, struct gathered *g)
{
	const json_t *list = json_object_get(l->json, "facts");
	if (!json_is_array(list)) {
		add_plain(l, g, FIELD_FIRST_NAME, l->profile.first_name);
		add_plain(l, g, FIELD_NAME, l->profile.name);
		add_plain(l, g, FIELD_LANGUAGE, l->profile.language);
		add_plain(l, g, FIELD_TIER, l->profile.tier);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		add_fact(l, g, json_array_get(list, i));
}

/* The references of a list, in memory of g's. */
static const struct ref *refs_of(struct gathered *g, const json_t *list, size_t *count)
{
	size_t n = json_array_size(list);
	struct ref *refs = n && n <= FOLD_UNITS_MAX ? gather_own(g, n * sizeof *refs) : NULL;
	*count = 0;
	for (size_t i = 0; refs && i < n; i++)
		if (hq_ref(json_array_get(list, i), &refs[*count]))
			(*count)++;
	return refs;
}

void hq_line_choices(const struct hq_line *l, struct gathered *g)
{
	const json_t *list = json_object_get(l->json, "choices");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct consent_choice c = {0}, *at;
		if (!overlay_choice_read(&c, o))
			continue;
		c.has_text = text_at(o, "text") != NULL;
		hq_ref(json_object_get(o, "id"), &c.id);
		hq_ref(json_object_get(o, "address"), &c.address);
		hq_ref(json_object_get(o, "unit"), &c.unit);
		read_at(o, &c.from_us, &c.to_us);
		c.covers = refs_of(g, json_object_get(o, "covers"), &c.cover_count);
		at = gather_room(g, (void **)&g->choice, &g->choice_count, &g->choice_cap,
		                 sizeof *at);
		if (at)
			*at = c;
	}
}
