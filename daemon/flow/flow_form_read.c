/* Reading a form: each member by name, each with what was expected of it. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "flow/flow_form.h"
#include "identity/pan.h"

int form_wrong(struct sale_error *err, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;

	*err = (struct sale_error){0};
	text_copy(err->code, sizeof err->code, code);
	text_fit(err->field, sizeof err->field, field);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return FLOW_FORM_WRONG;
}

/* ---- text ---- */

/* Without blanks around it, as it stands in the object. NULL: no text, or with control characters.
 */
static const char *trimmed(const json_t *value, size_t *len)
{
	const char *s = json_string_value(value);
	size_t n;

	if (!s || strlen(s) != json_string_length(value))
		return NULL;
	s += strspn(s, " ");
	n = strlen(s);
	while (n && s[n - 1] == ' ')
		n--;
	*len = n;
	return text_utf8_ok(s, n) && !text_has_hidden(s, n) ? s : NULL;
}

/* false: none, or too long. */
static bool text_of(const json_t *value, char *out, size_t size)
{
	size_t n;
	const char *s = trimmed(value, &n);

	if (!s || n >= size)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

static bool is_name(const char *field)
{
	return strcmp(field, "first_name") == 0 || strcmp(field, "last_name") == 0;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* A cashier counts letters, which take one byte to four each: of this very name so many fit. */
static int name_wrong(const json_t *value, const char *field, size_t size, struct sale_error *err)
{
	size_t n;
	const char *s = trimmed(value, &n);
	char fits[65];

	if (!s)
		return form_wrong(err, "bad_field", field,
		                  "%s: expected a name, without control characters", field);
	text_fit(fits, size < sizeof fits ? size : sizeof fits, s);
	return form_wrong(err, "bad_field", field, "too long: use at most %zu letters of it",
	                  characters(fits));
}

static int read_text(struct flow *f, const json_t *value, const char *field, char *out, size_t size,
                     struct sale_error *err)
{
	bool fits = text_of(value, out, size);

	if (!fits && is_name(field))
		return name_wrong(value, field, size, err);
	if (!fits)
		return form_wrong(
		    err, "bad_field", field,
		    "%s: expected text of at most %zu bytes, without control characters", field,
		    size - 1);
	if (pan_find(out, false) || (is_name(field) && pan_grouped(out, false))) {
		out[0] = '\0';
		counter_add(f->p.counters, COUNTER_PAN_REFUSED, 1);
		return form_wrong(err, "card_number", field,
		                  "%s holds a payment card number; nothing of it was kept", field);
	}
	return 0;
}

/* ---- identifiers ---- */

/* What a kind's own words for a wrong value are. */
static const char *expected(enum ident_kind kind)
{
	return kind == IDENT_PHONE ? "a phone number, like 0171 2345678 or +49 171 2345678"
	                           : "an e-mail address, like anna@example.org";
}

static int check_ident(struct flow *f, const struct form_ident *id, struct sale_error *err)
{
	const struct answer *a = &id->answer;
	const char *blocked;

	flow_count_refused(f, a);
	if (a->outcome == OUTCOME_REFUSED_PAN)
		return form_wrong(err, "card_number", id->field,
		                  "%s holds a payment card number; nothing of it was kept",
		                  id->field);
	if (a->reason != IDENT_OK)
		return form_wrong(err, "bad_field", id->field, "%s: expected %s (%s)", id->field,
		                  expected(a->kind), ident_reason_text(a->reason));
	if (a->foreign)
		return form_wrong(
		    err, "foreign_phone", id->field,
		    "%s: this is a number of %s; expected it with + and its country code",
		    id->field, a->region);
	blocked = rule_blocked(&f->table, a->kind, a->value);
	if (!blocked && a->outcome == OUTCOME_BLOCKED)
		blocked = "it is blocked";
	if (blocked)
		return form_wrong(err, "blocked", id->field,
		                  "%s: this is nobody's own (%s); expected the customer's",
		                  id->field, blocked);
	return 0;
}

static int read_ident(struct flow *f, const json_t *value, enum ident_kind kind, struct form *out,
                      struct sale_error *err)
{
	struct form_ident *id = &out->ident[out->ident_count];
	const char *field = kind == IDENT_PHONE ? "phone" : "email";
	char text[IDENT_VALUE_SIZE];
	const struct ident_given given = {.kind = kind, .value = text};

	if (!text_of(value, text, sizeof text)) {
		flow_count_refused(f, &(struct answer){.outcome = OUTCOME_REFUSED});
		return form_wrong(err, "bad_field", field, "%s: expected %s", field,
		                  expected(kind));
	}
	if (!text[0])
		return 0;
	*id = (struct form_ident){.field = field};
	flow_resolve(f, NULL, &given, &id->answer);
	if (kind == IDENT_EMAIL && id->answer.reason == IDENT_OK)
		ident_email_typed(text, id->answer.value, id->typed);
	vault_random(id->ref.byte, sizeof id->ref.byte);
	out->ident_count++;
	return check_ident(f, id, err);
}

/* The card that was shown on the lane just now, and that nobody has. */
static void read_card(struct flow *f, const char *lane, struct form *out)
{
	struct form_ident *id = &out->ident[out->ident_count];
	struct sale_early scan;

	if (!flow_new_card(f, lane, &scan))
		return;
	const struct ident_given given = {
	    .kind = scan.kind,
	    .scanned = true,
	    .symbology = scan.symbology[0] ? scan.symbology : NULL,
	    .value = scan.value,
	};
	*id = (struct form_ident){.field = "card", .verified = true};
	flow_resolve(f, NULL, &given, &id->answer);
	if (id->answer.outcome != OUTCOME_UNKNOWN || id->answer.reason != IDENT_OK ||
	    id->answer.kind == IDENT_ACCOUNT || id->answer.kind == IDENT_VAT_ID ||
	    rule_blocked(&f->table, id->answer.kind, id->answer.value))
		return;
	vault_random(id->ref.byte, sizeof id->ref.byte);
	out->ident_count++;
}

/* ---- consent ---- */

static int choice_wrong(struct sale_error *err, const char *member, const char *what)
{
	return form_wrong(err, "bad_field", "consents", "consents[].%s: expected %s", member, what);
}

static int read_choice(const json_t *o, struct form *out, struct sale_error *err)
{
	struct form_choice *c = &out->choice[out->choice_count];
	char word[33] = "";

	if (!text_of(json_object_get(o, "purpose"), word, sizeof word) ||
	    (c->purpose = consent_purpose_named(word)) == CONSENT_PURPOSE_COUNT)
		return choice_wrong(err, "purpose",
		                    "loyalty, marketing, personalisation, recognise_by_payment, "
		                    "profiling or sell_share");
	if (!text_of(json_object_get(o, "channel"), word, sizeof word) ||
	    (c->channel = consent_channel_named(word)) == CONSENT_CHANNEL_COUNT)
		return choice_wrong(err, "channel", "any, email, sms, call, post or push");
	if (!text_of(json_object_get(o, "value"), word, sizeof word) ||
	    ((c->value = consent_value_named(word)) != CONSENT_GRANTED &&
	     c->value != CONSENT_REFUSED && c->value != CONSENT_WITHDRAWN))
		return choice_wrong(err, "value", "granted, refused or withdrawn");
	if (!text_of(json_object_get(o, "text_version"), c->text_version, sizeof c->text_version) ||
	    !c->text_version[0])
		return choice_wrong(err, "text_version", "which text the customer saw");
	if (!text_of(json_object_get(o, "language"), c->language, sizeof c->language) ||
	    !c->language[0])
		return choice_wrong(err, "language", "the language of that text, like de");
	out->choice_count++;
	return 0;
}

static int read_choices(const json_t *list, struct form *out, struct sale_error *err)
{
	if (!json_is_array(list) || json_array_size(list) > FORM_CHOICES_MAX)
		return form_wrong(err, "bad_field", "consents",
		                  "consents: expected a list of at most %d", FORM_CHOICES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int rc = read_choice(json_array_get(list, i), out, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A choice for an address needs the address. */
static int check_choices(const struct flow_form *from, const struct form *form,
                         struct sale_error *err)
{
	for (int i = 0; i < form->choice_count && from->kind == FLOW_ENROL; i++) {
		enum consent_channel channel = form->choice[i].channel;
		enum ident_kind needs = channel == CONSENT_EMAIL ? IDENT_EMAIL : IDENT_PHONE;
		bool there =
		    channel != CONSENT_EMAIL && channel != CONSENT_SMS && channel != CONSENT_CALL;
		for (int k = 0; k < form->ident_count && !there; k++)
			there = form->ident[k].answer.kind == needs;
		if (!there)
			return form_wrong(
			    err, "bad_field", "consents", "consents: a choice for %s needs %s",
			    consent_channel_name(channel),
			    needs == IDENT_EMAIL ? "an e-mail address" : "a phone number");
	}
	return 0;
}

/* ---- a form ---- */

static int read_age(const json_t *value, struct form *out, struct sale_error *err)
{
	if (!json_is_boolean(value))
		return form_wrong(err, "bad_field", "age_ok", "age_ok: expected true or false");
	out->has_age = true;
	out->age_ok = json_is_true(value);
	return 0;
}

static int read_known(struct flow *f, const json_t *value, struct form *out, struct sale_error *err)
{
	int rc = read_text(f, value, "known", out->known, sizeof out->known, err);

	if (rc == 0 && strcmp(out->known, "attach") != 0 && strcmp(out->known, "new") != 0)
		return form_wrong(err, "bad_field", "known", "known: expected attach or new");
	return rc;
}

static int read_yes(const json_t *value, const char *name, bool *out, struct sale_error *err)
{
	if (!json_is_boolean(value))
		return form_wrong(err, "bad_field", name, "%s: expected true or false", name);
	*out = json_is_true(value);
	return 0;
}

/* Whom the screen showed: said by a form on who stands there, and by no other. */
static int read_details(struct flow *f, const json_t *value, struct form *out,
                        struct sale_error *err)
{
	int rc = read_text(f, value, "details", out->details, sizeof out->details, err);

	if (rc == 0 && !out->details[0])
		return form_wrong(err, "bad_field", "details",
		                  "details: expected person.details of the lane view");
	return rc;
}

static int unknown_member(const char *name, struct sale_error *err)
{
	char shown[65];

	text_fit(shown, sizeof shown, name);
	return form_wrong(err, "unknown_field", name[0] ? name : "\"\"",
	                  "\"%s\" is no member of this form", shown);
}

static int read_member(struct flow *f, const char *name, const json_t *value, struct form *out,
                       struct sale_error *err)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} texts[] = {
	    {"first_name", out->first_name, sizeof out->first_name},
	    {"last_name", out->last_name, sizeof out->last_name},
	    {"language", out->language, sizeof out->language},
	    {"note", out->note, sizeof out->note},
	    {"no_note", out->no_note, sizeof out->no_note - 1},
	    {"suggestion", out->suggestion, sizeof out->suggestion},
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(name, texts[i].name) == 0)
			return read_text(f, value, name, texts[i].out, texts[i].size, err);
	if (strcmp(name, "phone") == 0)
		return read_ident(f, value, IDENT_PHONE, out, err);
	if (strcmp(name, "email") == 0)
		return read_ident(f, value, IDENT_EMAIL, out, err);
	if (strcmp(name, "no_phone") == 0)
		return read_yes(value, name, &out->no_phone, err);
	if (strcmp(name, "no_email") == 0)
		return read_yes(value, name, &out->no_email, err);
	if (strcmp(name, "age_ok") == 0)
		return read_age(value, out, err);
	if (strcmp(name, "known") == 0)
		return read_known(f, value, out, err);
	if (strcmp(name, "consents") == 0)
		return read_choices(value, out, err);
	return unknown_member(name, err);
}

int form_read(struct flow *f, const struct flow_form *from, struct form *out,
              struct sale_error *err)
{
	const char *name;
	json_t *value;
	int rc;

	memset(out, 0, sizeof *out);
	json_object_foreach((json_t *)from->body, name, value)
	{
		if (from->kind == FLOW_CORRECT && strcmp(name, "details") == 0)
			rc = read_details(f, value, out, err);
		else
			rc = json_is_null(value) ? 0 : read_member(f, name, value, out, err);
		if (rc < 0)
			return rc;
	}
	if (from->kind == FLOW_ENROL)
		read_card(f, from->lane, out);
	return check_choices(from, out, err);
}

int form_read_note(struct flow *f, const struct flow_form *from, struct form *out,
                   struct sale_error *err)
{
	const json_t *body = from->body, *text = json_object_get(body, "text");
	const size_t head = sizeof NOTE_TEXT - 1;

	memset(out, 0, sizeof *out);
	if (!text || json_object_size(body) != 1)
		return form_wrong(err, "missing_field", "text", "expected text, and nothing else");
	memcpy(out->text, NOTE_TEXT, head);
	int rc = read_text(f, text, "text", out->text + head, sizeof out->text - head, err);
	if (rc < 0)
		return rc;
	if (characters(out->text + head) > NOTE_CHARS_MAX)
		return form_wrong(err, "bad_field", "text", "text: expected at most %d characters",
		                  NOTE_CHARS_MAX);
	return 0;
}

static int read_find_member(struct flow *f, const char *name, const json_t *value, struct form *out,
                            struct sale_error *err)
{
	if (strcmp(name, "reason") == 0)
		return read_text(f, value, name, out->text, sizeof out->text, err);
	if (strcmp(name, "phone") == 0)
		return read_ident(f, value, IDENT_PHONE, out, err);
	if (strcmp(name, "email") == 0)
		return read_ident(f, value, IDENT_EMAIL, out, err);
	return unknown_member(name, err);
}

int form_read_find(struct flow *f, const void *body, struct form *out, struct sale_error *err)
{
	const char *name;
	json_t *value;

	memset(out, 0, sizeof *out);
	json_object_foreach((json_t *)body, name, value)
	{
		int rc = json_is_null(value) ? 0 : read_find_member(f, name, value, out, err);
		if (rc < 0)
			return rc;
	}
	if (out->ident_count != 1)
		return form_wrong(err, "missing_field", "phone",
		                  "expected one phone number or one e-mail address");
	if (characters(out->text) > FORM_REASON_CHARS_MAX)
		return form_wrong(err, "bad_field", "reason",
		                  "reason: expected at most %d characters", FORM_REASON_CHARS_MAX);
	return 0;
}
