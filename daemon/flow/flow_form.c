/* Forms of the lane: what is done with them. */
#include "flow/flow_form.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int refuse(struct sale_error *err, const char *code, const char *message)
{
	form_wrong(err, code, "", "%s", message);
	return FLOW_FORM_REFUSED;
}

/* ---- handing it over ---- */

struct form_call {
	struct flow *f;
	const struct flow_form *from;
	struct form form;
	struct form_told told;
	struct sale_now now;
	struct answer who;
	bool attach;
	const char *reason;
};

static int put(struct form_call *c, struct sale_error *err)
{
	struct entry *e = entry_new();
	const struct sale_about about = {.lane = c->from->lane,
	                                 .who = &c->who,
	                                 .attach = c->attach,
	                                 .reason = c->reason,
	                                 .told = c->told.told,
	                                 .count = c->told.count};

	if (!e)
		return refuse(err, "no_memory", "out of memory: press again");
	if (sale_about(c->f->sale, e, &c->now, &about, err) < 0) {
		entry_free(e);
		return FLOW_FORM_REFUSED;
	}
	return flow_tap_put(c->f, e, c->from->done, c->from->ctx, err) < 0 ? FLOW_FORM_REFUSED : 0;
}

/* When something was said: now; where the clock is not trusted not before what is certain, and
 * there is no telling how long after. */
static void moment(const struct form_call *c, struct form_person *who)
{
	int64_t least_us = clock_least_us(c->f->p.clock);
	bool trusted = c->now.trust != CLOCK_NONE;

	who->from_us = trusted ? c->now.wall_us : least_us;
	who->to_us = trusted ? c->now.wall_us : INT64_MAX;
}

/* ---- enrolments ---- */

/* The first of the form's identifiers that somebody has; NULL: none. */
static const struct form_ident *known_ident(const struct form *form)
{
	for (int i = 0; i < form->ident_count; i++) {
		enum outcome o = form->ident[i].answer.outcome;
		if (o == OUTCOME_MATCHED || o == OUTCOME_CONFLICT || o == OUTCOME_SHARED)
			return &form->ident[i];
	}
	return NULL;
}

static void mask(const struct profile *p, char out[16])
{
	size_t n = 1;

	if (p->confidential || !p->first_name[0]) {
		text_copy(out, 16, "Member");
		return;
	}
	while (((unsigned char)p->first_name[n] & 0xc0) == 0x80)
		n++;
	memcpy(out, p->first_name, n);
	text_copy(out + n, 16 - n, "\u2026");
}

/* Same first name, or one of them is missing. */
static bool name_fits(const struct form *form, const struct profile *p)
{
	char a[65], b[65];

	field_compare_form(form->first_name, a, sizeof a);
	field_compare_form(p->first_name, b, sizeof b);
	return !a[0] || !b[0] || strcmp(a, b) == 0;
}

/* Does it look somebody up whom the lane has not been told of? */
static bool is_new_look_up(const struct form_call *c, const struct form_ident *id)
{
	bool attach = strcmp(c->form.known, "attach") == 0;

	return flow_lookup_is(&id->answer) &&
	       !(attach && flow_lookup_told(c->f, c->from->lane, &id->answer));
}

/* Whose an identifier is, is said in an open basket only, and each time told. false: not now. */
static bool may_say(struct form_call *c, const struct form_ident *id, struct sale_error *err)
{
	struct lane_view v;
	bool open = sale_view(c->f->sale, c->from->lane, &v) &&
	            (v.state == LANE_BASKET || v.state == LANE_TENDER);

	if (is_new_look_up(c, id) && !flow_lookup_tell(c->f, c->from->lane, &id->answer))
		refuse(err, "busy", "the box cannot keep it now; press again");
	else if (!open)
		form_wrong(err, "no_basket", id->field,
		           "somebody has this %s already: open the sale to see who", id->field);
	else
		return true;
	return false;
}

static bool is_company(const struct overlay_person *p)
{
	for (size_t i = 0; i < p->claim_count; i++) {
		enum ident_kind kind = ident_kind_of(p->claim[i].kind);
		if (kind == IDENT_ACCOUNT || kind == IDENT_VAT_ID)
			return true;
	}
	return false;
}

static bool finds_company(const struct form_call *c, const char *customer_id)
{
	const struct overlay_hq hq = flow_overlay_hq(c->f->shard);
	struct overlay_person p;
	bool company;

	if (overlay_person(c->f->overlay, &hq, "customer_id", customer_id, &p) != 1)
		return false;
	company = is_company(&p);
	overlay_person_free(&p);
	return company;
}

/* Whoever buys for a company is not the company, and their consent is not the company's. */
static bool is_a_buyers(const struct form *form)
{
	bool grants = false, card = false;

	for (int i = 0; i < form->choice_count; i++)
		grants |= form->choice[i].value == CONSENT_GRANTED;
	for (int i = 0; i < form->ident_count; i++)
		card |= strcmp(form->ident[i].field, "card") == 0;
	return grants || card || form->first_name[0] || form->last_name[0] || form->has_age;
}

static int is_known(struct form_call *c, const struct form_ident *id, struct flow_known *known,
                    struct sale_error *err)
{
	const struct form *form = &c->form;
	const struct profile *p = &id->answer.hit.profile;

	if (!may_say(c, id, err))
		return FLOW_FORM_REFUSED;
	*known = (struct flow_known){.is = true, .several = id->answer.outcome != OUTCOME_MATCHED};
	if (known->several) {
		form_wrong(err, "known_customer", id->field,
		           "several customers have this %s already", id->field);
		return FLOW_FORM_REFUSED;
	}
	mask(p, known->first_name);
	known->attach =
	    name_fits(form, p) && !(is_a_buyers(form) && finds_company(c, p->customer_id));
	form_wrong(err, "known_customer", id->field, "%s has this %s already", known->first_name,
	           id->field);
	return FLOW_FORM_REFUSED;
}

/* Whoever was just made, as an answer: what screens and events say from now on. */
static void answer_new(struct form_call *c, const struct form_person *who)
{
	const struct form *form = &c->form;
	const struct form_ident *id = &form->ident[form->ident_count - 1];
	struct profile *p = &c->who.hit.profile;

	c->who = id->answer;
	c->who.outcome = OUTCOME_MATCHED;
	c->who.verified = c->who.scanned = id->verified;
	text_copy(c->who.rule, sizeof c->who.rule, "enrolled");
	text_copy(c->who.confidence, sizeof c->who.confidence,
	          id->verified ? "certain" : "probable");
	c->who.hit = (struct shard_hit){.verified = id->verified};
	text_b64(id->ref.byte, sizeof id->ref.byte, c->who.hit.ident_ref);
	text_b64(who->unit.byte, sizeof who->unit.byte, p->customer_id);
	text_copy(p->first_name, sizeof p->first_name, form->first_name);
	text_copy(p->language, sizeof p->language, form->language);
}

static int enrol_new(struct form_call *c, struct sale_error *err)
{
	struct form_person who = {.unit_count = 1};

	vault_random(who.unit.byte, sizeof who.unit.byte);
	who.id = who.unit;
	who.units = &who.unit;
	moment(c, &who);
	if (!form_tell_person(&c->told, EVENT_CUSTOMER_ENROLLED, &c->form, &who) ||
	    !form_tell_choices(&c->told, &c->form, &who, NULL))
		return refuse(err, "no_memory", "out of memory: press again");
	answer_new(c, &who);
	flow_guard_known(c->f, c->who.kind, c->who.value, c->who.hit.ident_ref);
	c->attach = true;
	c->reason = "enrolled";
	return put(c, err);
}

/* What the person has already is not said again. */
static void drop_known(struct form *form, const struct overlay_person *p)
{
	int kept = 0;

	for (int i = 0; i < form->ident_count; i++) {
		bool has = false;
		for (size_t k = 0; k < p->claim_count && !has; k++)
			has = strcmp(p->claim[k].value, form->ident[i].answer.value) == 0 &&
			      strcmp(p->claim[k].kind,
			             ident_kind_name(form->ident[i].answer.kind)) == 0;
		if (!has)
			form->ident[kept++] = form->ident[i];
	}
	form->ident_count = kept;
}

static bool lets_go(const struct form *form, enum ident_kind kind)
{
	return kind == IDENT_PHONE ? form->no_phone : kind == IDENT_EMAIL && form->no_email;
}

/* The person's numbers or addresses that the form lets go, but one that it says as well. */
static void let_go(struct form *form, const struct overlay_person *p)
{
	for (size_t i = 0; i < p->claim_count && form->drop_count < FORM_DROPS_MAX; i++) {
		const struct overlay_claim *c = &p->claim[i];
		bool said = false;
		for (int k = 0; k < form->ident_count && !said; k++)
			said = strcmp(c->value, form->ident[k].answer.value) == 0;
		if (!said && lets_go(form, ident_kind_of(c->kind)))
			form->drop[form->drop_count++] = c->ref;
	}
}

/* Anybody can say somebody's number: who does gets no card or address that leads to them. */
static int refuse_new_ident(const struct form_ident *id, struct sale_error *err)
{
	bool card = strcmp(id->field, "card") == 0;

	form_wrong(err, "not_verified", id->field,
	           card ? "a new card is not given to a known customer whose number was only said: "
	                  "have their own card shown"
	                : "%s: not given to a known customer whose number was only said: leave it "
	                  "out, or have their card shown",
	           id->field);
	return FLOW_FORM_REFUSED;
}

/* What is told of a person who is known: a correction if there is one, and choices. shown: by their
 * own card, here. */
static int tell_known(struct form_call *c, const char *customer_id, bool shown,
                      struct sale_error *err)
{
	const struct overlay_hq hq = flow_overlay_hq(c->f->shard);
	struct overlay_person p;
	struct form_person who = {0};
	int rc = 0, found = overlay_person(c->f->overlay, &hq, "customer_id", customer_id, &p);

	if (found != 1)
		return refuse(err, "unknown_customer", "this customer is not known here any more");
	who.unit = p.unit[0];
	who.units = p.unit;
	who.unit_count = p.unit_count;
	who.customer_id = p.provisional ? NULL : p.profile.customer_id;
	vault_random(who.id.byte, sizeof who.id.byte);
	moment(c, &who);
	let_go(&c->form, &p);
	drop_known(&c->form, &p);
	const struct form *form = &c->form;
	bool says = form->ident_count || form->first_name[0] || form->last_name[0] ||
	            form->language[0] || form->note[0] || form->no_note[0] || form->text[0] ||
	            form->has_age || form->drop_count;
	if (is_company(&p) && is_a_buyers(form))
		rc = refuse(err, "company",
		            "this is a company: make a customer of its own of who buys for it");
	else if (form->ident_count && !shown)
		rc = refuse_new_ident(&form->ident[0], err);
	else if ((form->no_phone || form->no_email) && !shown)
		rc = refuse(err, "not_verified",
		            "the card has to be shown before phone or e-mail are changed");
	else if ((form->no_phone || form->no_email) && !says)
		rc = refuse(err, "not_known", "this customer has none here that could go");
	else if ((says && !form_tell_person(&c->told, EVENT_CUSTOMER_CORRECTED, form, &who)) ||
	         !form_tell_choices(&c->told, form, &who, &p))
		rc = refuse(err, "no_memory", "out of memory: press again");
	overlay_person_free(&p);
	return rc;
}

/* The person found is who stands there: what is new is added, but no card and no address. */
static int enrol_found(struct form_call *c, const struct form_ident *id, struct sale_error *err)
{
	struct form *form = &c->form;

	if (!may_say(c, id, err))
		return FLOW_FORM_REFUSED;
	if (id->answer.outcome != OUTCOME_MATCHED || !name_fits(form, &id->answer.hit.profile))
		return refuse(err, "other_customer",
		              "the name differs: make a second customer, or leave the name out");
	c->who = id->answer;
	if (c->who.hit.profile.first_name[0])
		form->first_name[0] = '\0';
	int rc = tell_known(c, c->who.hit.profile.customer_id, false, err);
	if (rc < 0)
		return rc;
	c->attach = true;
	c->reason = "found";
	return put(c, err);
}

static int enrol(struct form_call *c, struct flow_known *known, struct sale_error *err)
{
	const struct form *form = &c->form;
	const struct form_ident *id = known_ident(form);

	if (!form->ident_count)
		return form_wrong(err, "missing_field", "phone",
		                  "expected a phone number, an e-mail address, or a new card shown "
		                  "just before");
	if (id && strcmp(form->known, "attach") == 0)
		return enrol_found(c, id, err);
	if (id && strcmp(form->known, "new") != 0)
		return is_known(c, id, known, err);
	if (!form->first_name[0])
		return form_wrong(err, "missing_field", "first_name", "expected a first name");
	return enrol_new(c, err);
}

/* ---- who is there already ---- */

/* The person on the lane, into c->who. */
static int who_is_there(struct form_call *c, struct lane_view *v, struct sale_error *err)
{
	if (!sale_view(c->f->sale, c->from->lane, v))
		return refuse(err, "unknown_lane", "there is no such lane");
	if (v->person != PERSON_KNOWN || v->person_struck || v->person_early)
		return refuse(err, "no_customer", "nobody is attached on this lane");
	c->who = (struct answer){.outcome = OUTCOME_MATCHED, .hit.profile = v->profile};
	text_copy(c->who.ruleset, sizeof c->who.ruleset, c->f->rules.ruleset);
	text_copy(c->who.rule, sizeof c->who.rule, "attached");
	c->who.scanned = v->person_scanned;
	text_copy(c->who.confidence, sizeof c->who.confidence,
	          v->person_scanned ? "certain" : "probable");
	return 0;
}

static int check_notes(struct form *form, struct sale_error *err)
{
	if (form->note[0] && !note_listed(form->note))
		return form_wrong(err, "bad_field", "note", "note: expected one of the list");
	if (form->no_note[0] && !note_listed(form->no_note))
		return form_wrong(err, "bad_field", "no_note", "no_note: expected one of the list");
	if (form->note[0] && form->no_note[0])
		return form_wrong(err, "bad_field", "no_note",
		                  "no_note: expected one note at a time");
	if (form->no_note[0])
		strcat(form->no_note, ":");
	return 0;
}

/* Between a look at the screen and a tap another customer may have come. */
static bool is_whom_it_showed(const struct form_call *c, const struct lane_view *v)
{
	const char *now = flow_view_details(v, flow_view_level(c->f));

	return !c->form.details[0] || (now && strcmp(now, c->form.details) == 0);
}

static int correct(struct form_call *c, struct sale_error *err)
{
	const struct form *form = &c->form;
	struct lane_view v;
	int rc = who_is_there(c, &v, err);

	if (rc < 0)
		return rc;
	if (!is_whom_it_showed(c, &v))
		return refuse(err, "no_customer", "this customer is not in the sale any more");
	bool shown = v.person_scanned && !v.person_shared;
	if ((form->ident_count || form->no_phone || form->no_email) && !shown)
		return refuse(err, "not_verified",
		              "the card has to be shown before phone or e-mail are changed");
	const struct form_ident *theirs = known_ident(form);
	if (theirs && flow_lookup_is(&theirs->answer) &&
	    !flow_lookup_tell(c->f, c->from->lane, &theirs->answer))
		return refuse(err, "busy", "the box cannot keep it now; press again");
	if (theirs) {
		form_wrong(err, "known_customer", theirs->field,
		           "somebody else has this %s already", theirs->field);
		return FLOW_FORM_REFUSED;
	}
	if (check_notes(&c->form, err) < 0)
		return FLOW_FORM_WRONG;
	rc = tell_known(c, v.profile.customer_id, shown, err);
	if (rc == 0 && !c->told.count)
		return form_wrong(err, "missing_field", "first_name",
		                  "expected something to change");
	return rc < 0 ? rc : put(c, err);
}

/* The hint that is shown, still for this customer and this basket, about somebody who is still
 * here. */
static int hint_shown(struct form_call *c, const struct lane_view *v, struct hint *out,
                      struct sale_error *err)
{
	const struct hint *h = flow_hint_on(c->f, v);
	char id[EVENT_ID_SIZE] = "";
	struct overlay_person other;
	int rc;

	if (h)
		text_b64(h->other.byte, sizeof h->other.byte, id);
	if (!h || strcmp(id, c->form.suggestion) != 0)
		return refuse(err, "suggestion_gone",
		              "this is no longer suggested: customer or basket are other ones");
	rc = flow_hint_person(c->f, h->customer_id, &other);
	*out = *h;
	overlay_person_free(&other);
	return rc == 1 ? 0
	               : refuse(err, "suggestion_gone",
	                        "the suggested customer is not known here any more");
}

static int said_of_hint(struct form_call *c, struct sale_error *err)
{
	struct lane_view v;
	struct hint h;
	int rc = who_is_there(c, &v, err);

	if (rc == 0)
		rc = hint_shown(c, &v, &h, err);
	if (rc == 0 &&
	    !form_tell_pair(&c->told, &h, c->from->kind == FLOW_SAME_PERSON, c->f->rules.ruleset))
		rc = refuse(err, "no_memory", "out of memory: press again");
	return rc < 0 ? rc : put(c, err);
}

/* ---- a form ---- */

/* A second customer is made whoever has the number: nobody is looked up for that. */
static bool looks_up(const struct form_call *c)
{
	bool does = false;

	for (int i = 0; i < c->form.ident_count; i++)
		does |= is_new_look_up(c, &c->form.ident[i]);
	return does && strcmp(c->form.known, "new") != 0;
}

/* A manager's own words on who stands there; none takes back what was said before. */
static int note(struct form_call *c, struct sale_error *err)
{
	struct lane_view v;
	int rc = form_read_note(c->f, c->from, &c->form, err);

	if (rc == 0)
		rc = who_is_there(c, &v, err);
	if (rc == 0)
		rc = tell_known(c, v.profile.customer_id, false, err);
	return rc < 0 ? rc : put(c, err);
}

static int fill_in(struct form_call *c, struct flow_known *known, struct sale_error *err)
{
	char words[97];

	if (c->from->kind == FLOW_NOTE)
		return note(c, err);
	int rc = form_read(c->f, c->from, &c->form, err);
	if (rc < 0)
		return rc;
	if (looks_up(c) && flow_lookup_used_up(c->f, c->from->lane, words))
		return refuse(err, "too_many_look_ups", words);
	if (c->from->kind == FLOW_ENROL)
		return enrol(c, known, err);
	return c->from->kind == FLOW_CORRECT ? correct(c, err) : said_of_hint(c, err);
}

int flow_form(struct flow *f, const struct flow_form *form, struct flow_known *known,
              struct sale_error *err)
{
	struct form_call *c;
	int rc;

	*known = (struct flow_known){0};
	if (f->stage == FLOW_STARTING)
		return refuse(err, "starting", "the box is starting; press again in a moment");
	if (flow_overlay_full(f))
		return refuse(err, "too_many",
		              "too many changes wait for HQ already: this can be done when HQ is "
		              "reached again");
	c = calloc(1, sizeof *c);
	if (!c)
		return refuse(err, "no_memory", "out of memory: press again");
	c->f = f;
	c->from = form;
	flow_now(f, &c->now);
	rc = fill_in(c, known, err);
	form_told_free(&c->told);
	explicit_bzero(c, sizeof *c);
	free(c);
	return rc;
}
