/* More of the customer in the basket in front, on a tap: notes, and contact data as the
 * identification allows. Told to the journal before it is shown. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/member.h"
#include "flow/flow_form.h"
#include "identity/assure.h"

#define SHOWN_S 10     /* as long as a thumb and a glance need */
#define NOTES_MAX 16   /* the list and a text, and what later releases know */
#define CONTACTS_MAX 8 /* of all kinds */
#define DAY_CHARS 10   /* of an ISO 8601 time */

struct details {
	struct flow *f;
	const struct flow_ask *ask;
	const char *profile_ref;
	enum assurance assurance;
	struct overlay_person p;
	struct field_stand *stand; /* NULL: not allocated yet */
	size_t stand_count;
	const char *fields[3]; /* that are shown */
	size_t field_count;
	struct buf json;
};

static int refuse(struct sale_error *err, const char *code, const char *message)
{
	form_wrong(err, code, "", "%s", message);
	return FLOW_FORM_REFUSED;
}

/* What does not show as what it is, is not shown. */
static bool is_shown(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && text_utf8_ok(text, n) && !text_has_hidden(text, n);
}

static void add_field(struct details *d, const char *name)
{
	for (size_t i = 0; i < d->field_count; i++)
		if (strcmp(d->fields[i], name) == 0)
			return;
	d->fields[d->field_count++] = name;
}

/* ---- notes ---- */

static void put_note(struct details *d, const struct field_fact *fact)
{
	char day[CLOCK_ISO8601_SIZE], code[33];
	size_t n = note_subject(fact->value);

	clock_iso8601(fact->from_us, day);
	day[DAY_CHARS] = '\0';
	text_copy(code, sizeof code, "");
	if (n < sizeof code) {
		memcpy(code, fact->value, n);
		code[n] = '\0';
	}
	member_next(&d->json);
	buf_byte(&d->json, '{');
	member_text(&d->json, "code", code);
	member_text(&d->json, "since", day);
	member_text(&d->json, "words", note_words(fact->value));
	buf_byte(&d->json, '}');
	add_field(d, "note");
}

/* What there is to choose from, for who may see what was chosen. */
static void put_choices(struct details *d, bool may)
{
	const char *code;

	member_key(&d->json, "choices");
	buf_byte(&d->json, '[');
	for (size_t i = 0; may && (code = note_code(i)) != NULL; i++) {
		member_next(&d->json);
		buf_byte(&d->json, '{');
		member_text(&d->json, "code", code);
		member_text(&d->json, "words", note_words(code));
		buf_byte(&d->json, '}');
	}
	buf_byte(&d->json, ']');
}

/* What a manager once wrote is over, also where HQ has not yet said so. */
static void put_notes(struct details *d)
{
	struct clock_now now;
	bool may = assure(d->assurance, ASSURE_SEE_NOTES, true) == ASSURE_YES;
	int left = may ? NOTES_MAX : 0;

	clock_read(d->f->p.clock, &now);
	member_key(&d->json, "notes");
	buf_byte(&d->json, '[');
	for (size_t i = 0; i < d->stand_count && left > 0; i++) {
		const struct field_fact *fact = &d->p.fact[d->stand[i].fact];
		if (fact->field != FIELD_NOTE || field_taken_back(fact) ||
		    note_over(fact, now.trust ? now.wall_us : 0) ||
		    !is_shown(note_words(fact->value)))
			continue;
		put_note(d, fact);
		left--;
	}
	buf_byte(&d->json, ']');
	member_text(&d->json, "notes_refused",
	            may ? NULL : "Notes: not by a card or number that several people use");
	put_choices(d, may);
}

/* ---- contact ---- */

/* What was found out of an address: "ok", "bounced", "wrong_person"; NULL: nothing. */
static const char *state_of(const struct details *d, const struct overlay_claim *c)
{
	char ref[EVENT_ID_SIZE];

	text_b64(c->ref.byte, sizeof c->ref.byte, ref);
	for (size_t i = 0; i < d->stand_count; i++) {
		const struct field_fact *fact = &d->p.fact[d->stand[i].fact];
		if (fact->field == FIELD_CONTACT && !field_taken_back(fact) &&
		    strncmp(fact->value, ref, EVENT_ID_SIZE - 1) == 0)
			return fact->value + EVENT_ID_SIZE;
	}
	return NULL;
}

/* Two records of one person may have the same. */
static bool came_before(const struct details *d, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(d->p.claim[i].kind, d->p.claim[at].kind) == 0 &&
		    strcmp(d->p.claim[i].value, d->p.claim[at].value) == 0)
			return true;
	return false;
}

static bool may_see(const struct details *d, const char *kind)
{
	bool email = strcmp(kind, "email") == 0;

	return (email || strcmp(kind, "phone") == 0) &&
	       assure(d->assurance, email ? ASSURE_SEE_EMAIL : ASSURE_SEE_PHONE, true) ==
	           ASSURE_YES;
}

static void put_contact(struct details *d)
{
	bool may = may_see(d, "phone") || may_see(d, "email");
	int left = CONTACTS_MAX;

	member_key(&d->json, "contact");
	buf_byte(&d->json, '[');
	for (size_t i = 0; i < d->p.claim_count && left > 0; i++) {
		const struct overlay_claim *c = &d->p.claim[i];
		if (!may_see(d, c->kind) || !is_shown(c->value) || came_before(d, i))
			continue;
		member_next(&d->json);
		buf_byte(&d->json, '{');
		member_text(&d->json, "kind", c->kind);
		member_text(&d->json, "state", state_of(d, c));
		member_text(&d->json, "value", c->value);
		member_bool(&d->json, "verified", c->verified);
		buf_byte(&d->json, '}');
		add_field(d, strcmp(c->kind, "email") == 0 ? "email" : "phone");
		left--;
	}
	buf_byte(&d->json, ']');
	member_text(&d->json, "contact_refused",
	            may ? NULL
	            : d->assurance == ASSURANCE_SHARED
	                ? "Phone and e-mail: not by a card or number "
	                  "that several people use"
	                : "Phone and e-mail: only after the customer's "
	                  "own card or wallet was scanned");
}

/* ---- both ---- */

static int put(struct details *d, struct sale_error *err)
{
	struct entry *e = entry_new();
	struct sale_now now;
	const struct sale_viewed what = {.lane = d->ask->lane,
	                                 .role = d->ask->tool ? "tool" : "cashier",
	                                 .profile_ref = d->profile_ref,
	                                 .fields = d->fields,
	                                 .count = d->field_count};

	if (!e)
		return refuse(err, "no_memory", "out of memory: press again");
	flow_now(d->f, &now);
	if (sale_viewed(d->f->sale, e, &now, &what, err) < 0) {
		entry_free(e);
		return FLOW_FORM_REFUSED;
	}
	return flow_ask_put(d->f, e, d->ask, &d->json, err);
}

static int show(struct details *d, struct sale_error *err)
{
	d->stand = calloc(d->p.fact_count + 1, sizeof *d->stand);
	if (!d->stand)
		return refuse(err, "no_memory", "out of memory: press again");
	d->stand_count = field_stand(d->p.fact, d->p.fact_count, d->stand);
	buf_byte(&d->json, '{');
	member_text(&d->json, "details", d->profile_ref);
	member_integer(&d->json, "seconds", SHOWN_S);
	put_notes(d);
	put_contact(d);
	buf_byte(&d->json, '}');
	return put(d, err);
}

/* Whom the screen showed when it was pressed. */
static int read_body(const struct flow_ask *ask, const char **asked, struct sale_error *err)
{
	const json_t *body = ask->body, *id = json_object_get(body, "details");

	*asked = json_string_value(id);
	if (!*asked || json_object_size(body) != 1)
		return form_wrong(err, "missing_field", "details",
		                  "expected \"details\" as in the lane view, and nothing else");
	return 0;
}

static int details(struct details *d, struct sale_error *err)
{
	const struct overlay_hq hq = flow_overlay_hq(d->f->shard);
	struct lane_view v;
	const char *asked;
	int rc = read_body(d->ask, &asked, err);

	if (rc < 0)
		return rc;
	if (!sale_view(d->f->sale, d->ask->lane, &v))
		return refuse(err, "unknown_lane", "there is no such lane");
	d->profile_ref = flow_view_details(&v, flow_view_level(d->f));
	if (!d->profile_ref || strcmp(d->profile_ref, asked) != 0)
		return refuse(err, "no_customer", "this customer is not in the sale any more");
	d->assurance = v.person_shared    ? ASSURANCE_SHARED
	               : v.person_scanned ? ASSURANCE_SCANNED
	                                  : ASSURANCE_TYPED;
	if (overlay_person(d->f->overlay, &hq, "customer_id", v.profile.customer_id, &d->p) != 1)
		return refuse(err, "unknown_customer", "this customer is not known here any more");
	rc = show(d, err);
	overlay_person_free(&d->p);
	return rc;
}

int flow_details(struct flow *f, const struct flow_ask *ask, struct sale_error *err)
{
	struct details *d;
	int rc;

	if (f->stage == FLOW_STARTING)
		return refuse(err, "starting", "the box is starting; press again in a moment");
	d = calloc(1, sizeof *d);
	if (!d)
		return refuse(err, "no_memory", "out of memory: press again");
	d->f = f;
	d->ask = ask;
	rc = details(d, err);
	if (d->json.data) /* it was not handed over */
		explicit_bzero(d->json.data, d->json.len);
	buf_free(&d->json);
	free(d->stand);
	free(d);
	return rc;
}
