/* What was said of a person, and what the person said. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/member.h"
#include "person_internal.h"

/* Was the claim that the contact is about undone? */
static bool of_no_claim(const struct person_view *v, const struct field_fact *f)
{
	struct ref claim;
	if (f->field != FIELD_CONTACT || !f->value || strlen(f->value) < EVENT_ID_SIZE - 1)
		return false;
	return text_unb64(f->value, EVENT_ID_SIZE - 1, claim.byte, sizeof claim.byte) ==
	           sizeof claim.byte &&
	       person_never_was(v->w, &claim);
}

static size_t facts_of(const struct person_view *v, struct field_fact *out)
{
	size_t n = 0;
	for (size_t i = 0; i < v->w->fact_count; i++) {
		const struct field_fact *f = &v->w->fact[i];
		if (!person_has(v, &f->unit) || of_no_claim(v, f))
			continue;
		if (out)
			out[n] = *f;
		n++;
	}
	return n;
}

static void put_field(struct buf *out, const struct field_fact *f, const struct field_fact *before)
{
	member_next(out);
	buf_byte(out, '{');
	person_put_ref(out, "because", &f->id);
	if (before)
		person_put_ref(out, "before", &before->id);
	member_text(out, "field", field_name(f->field));
	member_text(out, "source", f->source);
	member_integer(out, "trust", f->trust);
	person_put_ref(out, "unit", &f->unit);
	/* Of a contact even one that is taken back names its claim. */
	bool none = field_taken_back(f) && f->field != FIELD_CONTACT;
	member_text(out, "value", none ? NULL : f->value);
	buf_byte(out, '}');
}

void person_put_fields(const struct person_view *v, struct buf *out)
{
	size_t n = facts_of(v, NULL);
	struct field_fact *facts = calloc(n + 1, sizeof *facts);
	struct field_stand *stands = calloc(n + 1, sizeof *stands);
	member_key(out, "fields");
	buf_byte(out, '[');
	if (facts && stands) {
		facts_of(v, facts);
		size_t count = field_stand(facts, n, stands);
		for (size_t i = 0; i < count; i++)
			put_field(out, &facts[stands[i].fact],
			          stands[i].before < n ? &facts[stands[i].before] : NULL);
	} else {
		out->failed = true;
	}
	buf_byte(out, ']');
	free(stands);
	free(facts);
}

static bool concerns(const struct consent_choice *c, const struct person_view *v)
{
	bool does = !ref_none(&c->address) || person_has(v, &c->unit);
	for (size_t i = 0; i < c->cover_count && !does; i++)
		does = person_has(v, &c->covers[i]);
	return does;
}

static size_t choices_of(const struct person_view *v, struct consent_choice *out)
{
	size_t n = 0;
	for (size_t i = 0; i < v->w->choice_count; i++) {
		if (concerns(&v->w->choice[i], v))
			out[n++] = v->w->choice[i];
	}
	return n;
}

struct asked {
	const struct consent_choice *choice;
	size_t count;
	struct consent_question q;
	struct buf *out;
};

static void ask(struct asked *a, enum consent_purpose purpose, enum consent_channel channel,
                const struct ref *address)
{
	static const struct ref none;
	struct consent_answer answer;
	a->q.purpose = purpose;
	a->q.channel = channel;
	a->q.address = address ? *address : none;
	consent_evaluate(a->choice, a->count, &a->q, &answer);
	if (!answer.because)
		return;
	member_next(a->out);
	buf_byte(a->out, '{');
	if (address)
		person_put_ref(a->out, "address", address);
	member_bool(a->out, "allowed", answer.allowed);
	person_put_ref(a->out, "because", &answer.because->id);
	member_text(a->out, "channel", consent_channel_name(channel));
	member_text(a->out, "purpose", consent_purpose_name(purpose));
	member_text(a->out, "rule", answer.rule);
	member_text(a->out, "value", consent_value_name(answer.value));
	buf_byte(a->out, '}');
}

static void ask_all(struct asked *a, const struct person_view *v)
{
	bool holds;
	for (int p = 0; p < CONSENT_PURPOSE_COUNT; p++)
		ask(a, (enum consent_purpose)p, CONSENT_ANY, NULL);
	ask(a, CONSENT_MARKETING, CONSENT_POST, NULL);
	ask(a, CONSENT_MARKETING, CONSENT_PUSH, NULL);
	for (size_t at = 0, n; (n = person_claims(v, at, &holds)) > 0; at += n) {
		const struct fold_ident *id = person_ident(v, v->claim[at]);
		bool mail = id->kind == IDENT_EMAIL;
		if ((!mail && id->kind != IDENT_PHONE) || !holds)
			continue;
		ask(a, CONSENT_MARKETING, mail ? CONSENT_EMAIL : CONSENT_SMS, &id->ident);
		if (!mail)
			ask(a, CONSENT_MARKETING, CONSENT_CALL, &id->ident);
	}
}

static bool is_restricted(const struct person_view *v)
{
	const struct field_fact *state = NULL;
	for (size_t i = 0; i < v->w->fact_count; i++) {
		const struct field_fact *f = &v->w->fact[i];
		if (f->field == FIELD_STATE && f->trust > 0 && person_has(v, &f->unit) &&
		    (!state || field_wins(f, state)))
			state = f;
	}
	return state && state->value && strcmp(state->value, "restricted") == 0;
}

void person_put_consents(const struct person_view *v, struct buf *out)
{
	struct consent_choice *choices = calloc(v->w->choice_count + 1, sizeof *choices);
	member_key(out, "consents");
	buf_byte(out, '[');
	if (choices) {
		struct asked a = {.choice = choices,
		                  .count = choices_of(v, choices),
		                  .q = {.unit = v->unit,
		                        .unit_count = v->unit_count,
		                        .restricted = is_restricted(v)},
		                  .out = out};
		ask_all(&a, v);
	} else {
		out->failed = true;
	}
	buf_byte(out, ']');
	free(choices);
}
