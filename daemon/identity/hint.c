#include "identity/hint.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_TAIL 2 /* of a telephone number: digits that are shown */

/* ---- who may be told of ---- */

bool hint_may(const struct overlay_person *who, const struct rule_set *rules)
{
	if (who->profile.confidential || who->profile.restricted)
		return false;
	for (size_t i = 0; i < who->claim_count; i++) {
		const struct overlay_claim *c = &who->claim[i];
		enum ident_kind kind = ident_kind_of(c->kind);
		if (kind == IDENT_ACCOUNT || kind == IDENT_VAT_ID ||
		    rule_staff(rules, kind, c->value))
			return false;
	}
	return true;
}

static bool has_unit(const struct overlay_person *who, const struct ref *unit)
{
	for (size_t i = 0; i < who->unit_count; i++)
		if (ref_same(&who->unit[i], unit))
			return true;
	return false;
}

/* Somebody has said of the two what they are, or they are one. */
static bool settled(const struct overlay_person *a, const struct overlay_person *b)
{
	for (size_t i = 0; i < a->pair_count; i++)
		if (has_unit(b, &a->pair[i].other))
			return true;
	for (size_t i = 0; i < b->pair_count; i++)
		if (has_unit(a, &b->pair[i].other))
			return true;
	return has_unit(a, &b->unit[0]);
}

/* ---- what is compared ---- */

static const char *value_of(const struct overlay_person *who, const size_t winner[FIELD_COUNT],
                            enum field f)
{
	return winner[f] < who->fact_count ? who->fact[winner[f]].value : NULL;
}

static struct score_plain plain_of(const struct overlay_person *who)
{
	size_t winner[FIELD_COUNT], phones = 0, mails = 0;
	struct score_plain p;

	field_choose(who->fact, who->fact_count, winner);
	p = (struct score_plain){.first_name = value_of(who, winner, FIELD_FIRST_NAME),
	                         .last_name = value_of(who, winner, FIELD_LAST_NAME),
	                         .name = value_of(who, winner, FIELD_NAME),
	                         .birth_date = value_of(who, winner, FIELD_BIRTH_DATE),
	                         .street = value_of(who, winner, FIELD_STREET),
	                         .postcode = value_of(who, winner, FIELD_POSTCODE),
	                         .city = value_of(who, winner, FIELD_CITY)};
	for (size_t i = 0; i < who->claim_count; i++) {
		const struct overlay_claim *c = &who->claim[i];
		if (strcmp(c->kind, "phone") == 0 && phones < SCORE_CONTACTS_MAX)
			p.phone[phones++] = c->value;
		if (strcmp(c->kind, "email") == 0 && mails < SCORE_CONTACTS_MAX)
			p.mail[mails++] = c->value;
	}
	return p;
}

void hint_begin(struct hint_ask *ask)
{
	ask->plain = plain_of(ask->who);
	score_prepare(&ask->plain, &ask->room, &ask->record);
}

static void compare(const struct hint_ask *ask, const struct score_plain *other, struct score *out)
{
	struct score_record record;
	struct score_room room;

	score_prepare(other, &room, &record);
	score_pair(ask->model, &ask->record, &record, out);
}

static char letter_of(const char *name)
{
	char c = name ? *name : '\0';

	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letter(const char *a, const char *b)
{
	return letter_of(a) && letter_of(a) == letter_of(b);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Names that begin alike, in either order, or one number. */
static bool may_be_alike(const struct score_plain *a, const struct score_plain *b)
{
	return same_letter(a->first_name, b->first_name) ||
	       same_letter(a->last_name, b->last_name) ||
	       same_letter(a->first_name, b->last_name) ||
	       same_letter(a->last_name, b->first_name) || same_text(a->phone[0], b->phone[0]);
}

bool hint_alike(const struct hint_ask *ask, const struct score_plain *other)
{
	struct score score;

	if (!may_be_alike(&ask->plain, other))
		return false;
	compare(ask, other, &score);
	return score.mbit >= HINT_MBIT_MIN;
}

/* ---- what is shown ---- */

static void add_initial(struct buf *out, const char *name)
{
	size_t n = 1;

	name += strspn(name, " ");
	if (!*name)
		return;
	while (((unsigned char)name[n] & 0xc0) == 0x80)
		n++;
	buf_printf(out, "%s%.*s.", out->len ? " " : "", (int)n, name);
}

static const char *last_word(const char *name)
{
	const char *space = name ? strrchr(name, ' ') : NULL;

	return space ? space : "";
}

static const char *said(const char *text)
{
	return text ? text : "";
}

static void mask(const struct score_plain *p, struct buf *out)
{
	const char *first = *said(p->first_name) ? p->first_name : said(p->name);
	const char *last = *said(p->last_name) ? p->last_name : last_word(p->name);
	size_t digits = strlen(said(p->phone[0]));

	add_initial(out, first);
	add_initial(out, last);
	if (!out->len)
		buf_str(out, "no name");
	if (digits > SHOWN_TAIL)
		buf_printf(out, ", phone \u2026%s", p->phone[0] + digits - SHOWN_TAIL);
}

/* "email:folded": which field, and how it compares; never a value. */
static void evidence(const struct score *score, struct buf *out)
{
	const char *comma = "";

	buf_byte(out, '[');
	for (int i = 0; i < score->reason_count; i++) {
		const struct score_reason *r = &score->reason[i];
		if (r->why != SCORE_WHY_FIELD)
			continue;
		buf_printf(out, "%s\"%s:%s\"", comma, score_field_name(r->field),
		           score_level_name(r->field, r->level));
		comma = ",";
	}
	buf_byte(out, ']');
}

/* Its NUL included; what does not fit is not told. */
static bool copy(struct buf *from, char *to, size_t size)
{
	bool fits = from->data && !from->failed && from->len < size;

	if (fits) {
		memcpy(to, from->data, from->len);
		to[from->len] = '\0';
	}
	buf_free(from);
	return fits;
}

/* false: it does not fit. */
static bool show(const struct overlay_person *other, const struct score_plain *plain,
                 struct hint *h)
{
	struct buf text = {0}, shown = {0};

	text_copy(h->customer_id, sizeof h->customer_id, other->profile.customer_id);
	mask(plain, &shown);
	buf_byte(&shown, '\0');
	if (!shown.failed)
		buf_printf(&text, "Maybe already a customer: %s", (const char *)shown.data);
	buf_free(&shown);
	return copy(&text, h->text, sizeof h->text);
}

static bool may_be_suggested(const struct hint_ask *ask, const struct overlay_person *other)
{
	return hint_may(other, ask->rules) && !settled(ask->who, other);
}

void hint_look(const struct hint_ask *ask, const struct overlay_person *other, struct hint *best)
{
	const struct score_plain plain = plain_of(other);
	struct buf words = {0};
	struct score score;
	struct hint h;

	if (!may_be_suggested(ask, other))
		return;
	compare(ask, &plain, &score);
	if (score.mbit < HINT_MBIT_MIN || score.mbit <= best->mbit)
		return;
	h = (struct hint){.here = ask->who->unit[0], .other = other->unit[0], .mbit = score.mbit};
	evidence(&score, &words);
	if (copy(&words, h.evidence, sizeof h.evidence) && show(other, &plain, &h))
		*best = h;
}

void hint_told(const struct hint_ask *ask, const struct overlay_likely *told,
               const struct overlay_person *other, struct hint *best)
{
	const struct score_plain plain = plain_of(other);
	struct hint h = {.here = told->unit, .other = told->other, .mbit = told->mbit};

	if (told->mbit < HINT_MBIT_MIN || told->mbit <= best->mbit ||
	    !has_unit(other, &told->other) || !may_be_suggested(ask, other))
		return;
	memcpy(h.evidence, told->evidence, sizeof h.evidence);
	if (show(other, &plain, &h))
		*best = h;
}
