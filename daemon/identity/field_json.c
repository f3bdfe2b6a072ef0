#include "identity/field_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "event/member.h"
#include "identity/json_part.h"

struct reading {
	struct field_list *out;
	size_t text_len;
	char *err;
	size_t err_size;
};

static int fault(const struct reading *r, const char *member, const char *expected)
{
	snprintf(r->err, r->err_size, "facts: %s: expected %s", member, expected);
	return -1;
}

void field_list_free(struct field_list *l)
{
	free(l->fact);
	free(l->text);
	memset(l, 0, sizeof *l);
}

static const char *keep_text(struct reading *r, const char *text)
{
	char *at = r->out->text + r->text_len;
	size_t n = strlen(text) + 1;

	memcpy(at, text, n);
	r->text_len += n;
	return at;
}

static int begin(struct reading *r, size_t count, size_t text_bytes)
{
	struct field_list *l = r->out;

	memset(l, 0, sizeof *l);
	l->fact = memory_zeroed(count + 1, sizeof *l->fact);
	l->text = memory_zeroed(text_bytes + 1, 1);
	if (l->fact && l->text)
		return 0;
	field_list_free(l);
	snprintf(r->err, r->err_size, "facts: out of memory");
	return -1;
}

static int end(struct reading *r, int rc)
{
	if (rc < 0)
		field_list_free(r->out);
	return rc;
}

/* Does it begin with a claim's reference and a colon? */
static bool names_claim(const char *text)
{
	const char *colon = strchr(text, ':');
	struct ref claim;
	json_t *name = colon ? json_stringn(text, (size_t)(colon - text)) : NULL;
	bool named = json_part_ref(name, &claim);

	json_decref(name);
	return named;
}

/* FIELD_CONTACT has to name its claim also where it takes back. */
static int read_value(struct reading *r, const json_t *value, struct field_fact *f)
{
	const char *text = json_part_text(value, FIELD_VALUE_SIZE - 1);

	if (value && !json_is_null(value) && !text)
		return fault(r, field_name(f->field),
		             "text of at most 800 bytes without control characters, or null");
	if (f->field == FIELD_CONTACT && !(text && names_claim(text)))
		return fault(r, "contact", "a claim's reference, ':' and a word");
	f->value = text && text[0] ? keep_text(r, text) : NULL;
	return 0;
}

static int read_fact(struct reading *r, const json_t *object)
{
	struct field_fact f = {.trust = 0};
	const char *name = json_part_text(json_object_get(object, "field"), 32);
	const char *source =
	    json_part_text(json_object_get(object, "source"), FIELD_SOURCE_SIZE - 1);

	if (!name)
		return fault(r, "field", "a name of at most 32 bytes");
	f.field = field_named(name);
	if (f.field == FIELD_COUNT)
		return 0;
	if (!json_part_ref(json_object_get(object, "id"), &f.id))
		return fault(r, "id", "a reference");
	if (!json_part_ref(json_object_get(object, "unit"), &f.unit))
		return fault(r, "unit", "a reference");
	if (!json_part_at(json_object_get(object, "at"), &f.from_us, &f.to_us))
		return fault(r, "at", "one time, or two that do not fall");
	if (!json_part_number(json_object_get(object, "trust"), FIELD_TRUST_MAX, &f.trust))
		return fault(r, "trust", "0 to 100");
	if (!source || !source[0])
		return fault(r, "source", "text of 1 to 16 bytes");
	if (read_value(r, json_object_get(object, "value"), &f) != 0)
		return -1;
	f.source = keep_text(r, source);
	r->out->fact[r->out->count++] = f;
	return 0;
}

static size_t bytes_of(const json_t *value)
{
	return json_string_length(value) + 1;
}

int field_json_read(const struct json_t *facts, struct field_list *out, char *err, size_t err_size)
{
	struct reading r = {.out = out, .err = err, .err_size = err_size};
	size_t n = json_array_size(facts), bytes = 0;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if ((facts && !json_is_array(facts)) || n > FIELD_FACTS_MAX)
		return fault(&r, "list", "a list of at most 512");
	for (size_t i = 0; i < n; i++) {
		const json_t *fact = json_array_get(facts, i);
		bytes += bytes_of(json_object_get(fact, "value")) +
		         bytes_of(json_object_get(fact, "source"));
	}
	if (begin(&r, n, bytes) != 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_fact(&r, json_array_get(facts, i));
	return end(&r, rc);
}

struct ref field_fact_ref(const struct ref *enrolment, enum field f)
{
	struct ref r = *enrolment;

	r.byte[sizeof r.byte - 1] ^= (uint8_t)(f + 1);
	return r;
}

static int read_said(struct reading *r, const char *key, const json_t *value,
                     const struct field_fact *as, const struct field_trust *trust)
{
	struct field_fact f = *as;

	f.field = field_named(key);
	if (f.field == FIELD_COUNT)
		return 0;
	if (read_value(r, value, &f) != 0)
		return -1;
	f.id = field_fact_ref(&as->id, f.field);
	f.source = keep_text(r, as->source);
	f.trust = field_trust(trust, f.field, as->source);
	r->out->fact[r->out->count++] = f;
	return 0;
}

int field_json_said(const struct json_t *fields, const struct field_fact *as,
                    const struct field_trust *trust, struct field_list *out, char *err,
                    size_t err_size)
{
	struct reading r = {.out = out, .err = err, .err_size = err_size};
	json_t *object = (json_t *)(uintptr_t)fields; /* jansson walks only what is not const */
	size_t n = json_object_size(fields), bytes = 0;
	const char *key;
	json_t *value;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if ((fields && !json_is_object(fields)) || n > FIELD_FACTS_MAX)
		return fault(&r, "fields", "an object of at most 512 members");
	json_object_foreach(object, key, value)
	{
		bytes += bytes_of(value) + strlen(as->source) + 1;
	}
	if (begin(&r, n, bytes) != 0)
		return -1;
	json_object_foreach(object, key, value)
	{
		if (rc == 0)
			rc = read_said(&r, key, value, as, trust);
	}
	return end(&r, rc);
}

void field_json_write(struct buf *out, const struct field_fact *f)
{
	member_next(out);
	buf_byte(out, '{');
	json_part_put_at(out, f->from_us, f->to_us);
	member_text(out, "field", field_name(f->field));
	json_part_put_ref(out, "id", &f->id);
	member_text(out, "source", f->source);
	member_integer(out, "trust", f->trust);
	json_part_put_ref(out, "unit", &f->unit);
	member_text(out, "value", f->value);
	buf_byte(out, '}');
}

/* The fact whose field's name comes next behind `last`, or NULL. */
static const struct field_fact *next_by_name(const struct field_fact *facts, size_t n,
                                             const char *last)
{
	const struct field_fact *next = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = field_name(facts[i].field);
		if (strcmp(name, last) > 0 && (!next || strcmp(name, field_name(next->field)) < 0))
			next = &facts[i];
	}
	return next;
}

void field_json_fields(struct buf *out, const struct field_fact *facts, size_t n)
{
	buf_byte(out, '{');
	for (const struct field_fact *f = next_by_name(facts, n, ""); f;
	     f = next_by_name(facts, n, field_name(f->field)))
		member_text(out, field_name(f->field), f->value);
	buf_byte(out, '}');
}
