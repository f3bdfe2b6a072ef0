/* The events of a form: properties without a person in them, and what is sealed. */
#include <string.h>

#include "base/text.h"
#include "event/member.h"
#include "flow/flow_form.h"

static struct buf *begin(struct form_told *t)
{
	struct buf *b = &t->text[t->texts++];
	buf_byte(b, '{');
	return b;
}

static const char *end(struct buf *b)
{
	buf_byte(b, '}');
	buf_byte(b, '\0');
	return b->failed ? NULL : (const char *)b->data;
}

static bool add(struct form_told *t, enum event_kind kind, const char *properties,
                const char *sealed)
{
	t->told[t->count++] =
	    (struct sale_told){.kind = kind, .properties = properties, .sealed = sealed};
	return properties && sealed;
}

static void put_ref(struct buf *b, const char *key, const struct ref *ref)
{
	char text[EVENT_ID_SIZE];
	text_b64(ref->byte, sizeof ref->byte, text);
	member_text(b, key, text);
}

/* ---- who somebody is said to be ---- */

static size_t facts_of(const struct form *form, struct field_fact out[FORM_FACTS_MAX])
{
	size_t n = 0;
	if (form->first_name[0])
		out[n++] =
		    (struct field_fact){.field = FIELD_FIRST_NAME, .value = form->first_name};
	if (form->last_name[0])
		out[n++] = (struct field_fact){.field = FIELD_LAST_NAME, .value = form->last_name};
	if (form->language[0])
		out[n++] = (struct field_fact){.field = FIELD_LANGUAGE, .value = form->language};
	if (form->note[0])
		out[n++] = (struct field_fact){.field = FIELD_NOTE, .value = form->note};
	if (form->no_note[0])
		out[n++] = (struct field_fact){.field = FIELD_NOTE, .value = form->no_note};
	if (form->text[0])
		out[n++] = (struct field_fact){.field = FIELD_NOTE, .value = form->text};
	return n;
}

static void put_list(struct buf *b, const char *const *names, size_t n)
{
	buf_byte(b, '[');
	for (size_t i = 0; i < n; i++) {
		member_next(b);
		lw_event_json_string(b, names[i]);
	}
	buf_byte(b, ']');
}

static const char *properties_of(struct form_told *t, const struct form *form,
                                 const struct form_person *who)
{
	struct field_fact facts[FORM_FACTS_MAX];
	const char *names[FORM_FACTS_MAX], *verified[FORM_IDENTS_MAX];
	size_t n = facts_of(form, facts), v = 0;
	struct buf *b = begin(t);

	for (size_t i = 0; i < n; i++)
		names[i] = field_name(facts[i].field);
	for (int i = 0; i < form->ident_count; i++)
		if (form->ident[i].verified)
			verified[v++] = ident_kind_name(form->ident[i].answer.kind);
	if (!form->has_age)
		member_text(b, "age_ok", NULL);
	else
		member_bool(b, "age_ok", form->age_ok);
	member_text(b, "by", form->text[0] ? "manager" : "till");
	put_ref(b, "enrolment_id", &who->id);
	member_key(b, "fields");
	put_list(b, names, n);
	member_key(b, "verified");
	put_list(b, verified, v);
	return end(b);
}

static void put_idents(struct buf *b, const struct form *form)
{
	member_key(b, "identifiers");
	buf_byte(b, '[');
	for (int i = 0; i < form->ident_count; i++) {
		const struct form_ident *id = &form->ident[i];
		member_next(b);
		buf_byte(b, '{');
		member_text(b, "kind", ident_kind_name(id->answer.kind));
		put_ref(b, "ref", &id->ref);
		if (id->typed[0])
			member_text(b, "typed", id->typed);
		member_text(b, "value", id->answer.value);
		member_bool(b, "verified", id->verified);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static void put_drops(struct buf *b, const struct form *form)
{
	char text[FORM_DROPS_MAX][EVENT_ID_SIZE];
	const char *refs[FORM_DROPS_MAX];

	for (int i = 0; i < form->drop_count; i++) {
		text_b64(form->drop[i].byte, sizeof form->drop[i].byte, text[i]);
		refs[i] = text[i];
	}
	member_key(b, "drop");
	put_list(b, refs, (size_t)form->drop_count);
}

static const char *sealed_of(struct form_told *t, enum event_kind kind, const struct form *form,
                             const struct form_person *who)
{
	struct field_fact facts[FORM_FACTS_MAX];
	size_t n = facts_of(form, facts);
	struct buf *b = begin(t);

	if (who->customer_id)
		member_text(b, "customer_id", who->customer_id);
	if (form->drop_count)
		put_drops(b, form);
	member_key(b, "fields");
	field_json_fields(b, facts, n);
	put_idents(b, form);
	if (kind == EVENT_CUSTOMER_CORRECTED)
		put_ref(b, "unit", &who->unit);
	return end(b);
}

bool form_tell_person(struct form_told *t, enum event_kind kind, const struct form *form,
                      const struct form_person *who)
{
	const char *properties = properties_of(t, form, who);
	return add(t, kind, properties, sealed_of(t, kind, form, who));
}

/* ---- consent ---- */

static bool reaches(enum consent_channel channel, enum ident_kind kind)
{
	if (channel == CONSENT_EMAIL)
		return kind == IDENT_EMAIL;
	return (channel == CONSENT_SMS || channel == CONSENT_CALL) && kind == IDENT_PHONE;
}

static bool goes(const struct form *form, const struct ref *claim)
{
	for (int i = 0; i < form->drop_count; i++)
		if (ref_same(&form->drop[i], claim))
			return true;
	return false;
}

/* The claim that a choice is for: of the form, or of who is known already; none: the person. */
static struct ref address_of(const struct form *form, enum consent_channel channel,
                             const struct overlay_person *known)
{
	for (int i = 0; i < form->ident_count; i++)
		if (reaches(channel, form->ident[i].answer.kind))
			return form->ident[i].ref;
	for (size_t i = 0; known && i < known->claim_count; i++)
		if (reaches(channel, ident_kind_of(known->claim[i].kind)) &&
		    !goes(form, &known->claim[i].ref))
			return known->claim[i].ref;
	return (struct ref){0};
}

bool form_tell_choices(struct form_told *t, const struct form *form, const struct form_person *who,
                       const struct overlay_person *known)
{
	const struct consent_said nothing = {0};
	for (int i = 0; i < form->choice_count; i++) {
		const struct form_choice *said = &form->choice[i];
		struct buf *properties = &t->text[t->texts++], *sealed = &t->text[t->texts++];
		struct consent_choice c = {
		    .purpose = said->purpose,
		    .channel = said->channel,
		    .value = said->value,
		    .method = CONSENT_TILL,
		    .has_text = true,
		    .from_us = who->from_us,
		    .to_us = who->to_us,
		    .unit = who->unit,
		    .address = address_of(form, said->channel, known),
		    .covers = who->units,
		    .cover_count = who->unit_count,
		    .text_version = said->text_version,
		    .language = said->language,
		};
		vault_random(c.id.byte, sizeof c.id.byte);
		consent_json_properties(properties, &c, &nothing);
		consent_json_sealed(sealed, &c, &nothing);
		buf_byte(properties, '\0');
		buf_byte(sealed, '\0');
		if (properties->failed || sealed->failed ||
		    !add(t, EVENT_CONSENT_CHANGED, (const char *)properties->data,
		         (const char *)sealed->data))
			return false;
	}
	return true;
}

/* ---- the same person, or not ---- */

bool form_tell_pair(struct form_told *t, const struct hint *h, bool same, const char *ruleset)
{
	struct ref id;
	struct buf *b = begin(t);
	const char *properties;

	vault_random(id.byte, sizeof id.byte);
	member_text(b, "actor", "cashier");
	member_key(b, "evidence");
	buf_str(b, h->evidence);
	put_ref(b, "left_ref", &h->here);
	put_ref(b, "link_id", &id);
	put_ref(b, "right_ref", &h->other);
	member_text(b, "rule", same ? "same_person" : "not_me");
	member_text(b, "ruleset", ruleset);
	member_text(b, "status", same ? "proposed" : "provisional");
	properties = end(b);
	t->told[t->count++] =
	    (struct sale_told){.kind = same ? EVENT_IDENTITY_LINKED : EVENT_IDENTITY_UNLINKED,
	                       .properties = properties};
	return properties != NULL;
}

void form_told_free(struct form_told *t)
{
	for (size_t i = 0; i < t->texts; i++) {
		if (t->text[i].data)
			explicit_bzero(t->text[i].data, t->text[i].len);
		buf_free(&t->text[i]);
	}
}
