/* Chance, and the changes that it makes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world.h"

/* Per pool, small and big. */
#define UNITS_MAX 7
#define BIG_UNITS_MAX 80
#define IDENTS_MAX 6
#define BIG_IDENTS_MAX 60
#define CHOICES_MAX 14
#define STORES 3
#define DAY_US INT64_C(86400000000)

uint64_t chance_next(struct chance *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15U);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

size_t chance_below(struct chance *r, size_t n)
{
	return n ? (size_t)(chance_next(r) % n) : 0;
}

bool chance_in(struct chance *r, unsigned percent)
{
	return chance_next(r) % 100 < percent;
}

struct ref chance_ref(struct chance *r)
{
	struct ref ref;
	uint64_t a = chance_next(r), b = chance_next(r);
	memcpy(ref.byte, &a, 8);
	memcpy(ref.byte + 8, &b, 8);
	return ref;
}

void generate_rules(struct rule_set out[RULES_COUNT])
{
	for (int i = 0; i < RULES_COUNT; i++)
		rule_defaults(&out[i]);
	for (int k = 0; k < out[1].rule_count; k++)
		out[1].rule[k].limit = 2;
	for (int k = 0; k < out[2].rule_count; k++) {
		out[2].rule[k].limit = k == 1 ? 0 : 1;
		out[2].rule[k].join = k == 1 ? RULE_JOIN_NAMED : RULE_JOIN_VERIFIED;
	}
	out[2].guard.persons_max = 2;
	for (int k = 0; k < out[3].rule_count; k++) {
		out[3].rule[k].limit = 3;
		out[3].rule[k].join = k == 2 ? RULE_JOIN_NEVER : RULE_JOIN_NAMED;
		out[3].rule[k].unique = k == 4;
	}
	out[3].guard.persons_max = 4;
	out[3].guard.offline_days = 3;
}

void generate_pool(struct chance *r, const struct rule_set *rules, uint32_t number, bool big,
                   struct pool *out)
{
	static const enum ident_kind kind[] = {IDENT_LOYALTY, IDENT_LOYALTY, IDENT_PHONE,
	                                       IDENT_PHONE,   IDENT_EMAIL,   IDENT_WALLET};
	size_t n = big ? BIG_IDENTS_MAX : 1 + chance_below(r, IDENTS_MAX);
	*out = (struct pool){.rules = rules, .number = number, .big = big};
	for (size_t i = 0; i < n; i++) {
		out->ident = pool_more(out->ident, i, sizeof *out->ident);
		out->ident[i].ref = chance_ref(r);
		out->ident[i].kind = kind[chance_below(r, sizeof kind / sizeof *kind)];
	}
	out->ident_count = n;
}

/* Most are of one week and of a few stores; of some the clock was not known. */
void generate_made(struct chance *r, struct fold_unit *u)
{
	static const int day[] = {0, 0, 1, 2, 3, 3, 4, 6, 7, 8, 11, 300};
	struct fold_made *m = &u->made;
	m->store = chance_in(r, 10) ? 0 : 1 + (uint32_t)chance_below(r, 5);
	m->from_us = day[chance_below(r, sizeof day / sizeof *day)] * DAY_US +
	             (int64_t)chance_below(r, 2) * (DAY_US / 2);
	m->to_us = m->from_us + (chance_in(r, 15) ? (int64_t)chance_below(r, 8) * DAY_US : 0);
}

static void say_of_itself(struct chance *r, struct fold_unit *u)
{
	static const char *const name[] = {"",     "",     "",     "",    "",
	                                   "anna", "anna", "anna", "bob", "zoe"};
	static const uint32_t born[] = {0, 0, 0, 0, 0, 0, 19900228, 19900228, 19900228, 20010101};
	static const char *const last[] = {"", "", "", "berg", "berg", "berg", "anna", "lind"};
	u->confirmed = u->number && chance_in(r, 60);
	(void)snprintf(u->first_name, sizeof u->first_name, "%s",
	               name[chance_below(r, sizeof name / sizeof *name)]);
	(void)snprintf(u->last_name, sizeof u->last_name, "%s",
	               last[chance_below(r, sizeof last / sizeof *last)]);
	u->born = born[chance_below(r, sizeof born / sizeof *born)];
	generate_made(r, u);
}

void generate_unit(struct chance *r, struct fold_unit *out)
{
	*out = (struct fold_unit){.ref = chance_ref(r)};
	if (chance_in(r, 40))
		out->number = 1 + (uint32_t)chance_below(r, 999999);
	out->company = chance_in(r, 2);
	say_of_itself(r, out);
}

static struct place somewhere(struct chance *r)
{
	return (struct place){.store = (uint32_t)chance_below(r, STORES),
	                      .epoch = (uint32_t)chance_below(r, 2),
	                      .seq = (uint32_t)chance_below(r, 1U << 30),
	                      .at = (uint32_t)chance_below(r, 4)};
}

static struct ref some_unit(struct chance *r, const struct pool *p)
{
	return p->unit_count ? p->unit[chance_below(r, p->unit_count)].ref : chance_ref(r);
}

static struct ref some_ident(struct chance *r, const struct pool *p, enum ident_kind *kind)
{
	/* A few are met often. */
	size_t n = chance_in(r, 40) && p->ident_count > 2 ? 2 : p->ident_count;
	const struct pool_ident *i = &p->ident[chance_below(r, n)];
	*kind = i->kind;
	return i->ref;
}

static struct ref what_never_was(struct chance *r, struct pool *p)
{
	if (!p->said_count || chance_in(r, 10)) {
		struct ref id = chance_ref(r);
		p->promised = pool_more(p->promised, p->promised_count, sizeof *p->promised);
		p->promised[p->promised_count++] = id;
		return id;
	}
	const struct fold_op *a = &p->said[chance_below(r, p->said_count)].op;
	if (chance_in(r, 60) || a->kind != FOLD_CLAIM)
		return a->id;
	for (int tries = 0; tries < 30; tries++) {
		const struct fold_op *b = &p->said[chance_below(r, p->said_count)].op;
		if (b == a || b->kind != FOLD_CLAIM || !ref_same(&a->right, &b->right))
			continue;
		struct ref id = a->id;
		for (size_t i = 0; i < sizeof id.byte; i++)
			id.byte[i] ^= b->id.byte[i];
		return id;
	}
	return a->id;
}

static enum fold_kind some_kind(struct chance *r, bool big)
{
	size_t n = chance_below(r, 100);
	if (n < 14)
		return FOLD_UNDO;
	if (n < 20)
		return FOLD_APART;
	if (n < 23)
		return big && n < 22 ? FOLD_CLAIM : FOLD_BLOCK;
	if (n < 26)
		return big && n < 25 ? FOLD_CLAIM : FOLD_SHARE;
	if (n < 28)
		return big && n < 27 ? FOLD_LINK : FOLD_ERASE;
	return n < (big ? 60 : 45) ? FOLD_LINK : FOLD_CLAIM;
}

void generate_said(struct chance *r, struct pool *p, struct said *out)
{
	struct fold_op *op = &out->op;
	*out = (struct said){.place = somewhere(r)};
	op->kind = some_kind(r, p->big);
	op->id = chance_ref(r);
	if (p->promised_count && chance_in(r, 5))
		op->id = p->promised[--p->promised_count];
	switch (op->kind) {
	case FOLD_CLAIM:
		op->left = some_unit(r, p);
		op->right = some_ident(r, p, &op->ident);
		op->verified = chance_in(r, 55);
		break;
	case FOLD_LINK:
	case FOLD_APART:
		op->left = some_unit(r, p);
		op->right = some_unit(r, p);
		op->by_person = chance_in(r, p->big ? 85 : 50);
		break;
	case FOLD_UNDO:
		op->left = what_never_was(r, p);
		break;
	case FOLD_BLOCK:
	case FOLD_SHARE:
		op->left = some_ident(r, p, &op->ident);
		break;
	case FOLD_ERASE:
		op->left = some_unit(r, p);
		break;
	}
}

/* Half milliseconds: what is finer than a whole one orders no facts. */
static void some_time(struct chance *r, int64_t *from_us, int64_t *to_us)
{
	*from_us = (int64_t)chance_below(r, 60) * 500;
	*to_us = *from_us + (chance_in(r, 30) ? (int64_t)chance_below(r, 12) * 500 : 0);
}

/* Of one of the first operations, or none. */
static void some_claim(struct chance *r, const struct pool *p, struct ref *unit, struct ref *claim)
{
	if (!p->said_count)
		return;
	size_t n = p->said_count < 8 ? p->said_count : 8;
	const struct fold_op *op = &p->said[chance_below(r, n)].op;
	if (op->kind != FOLD_CLAIM)
		return;
	*unit = op->left;
	*claim = op->id;
}

/* "<claim>:ok" of one of its unit's claims. */
static void generate_contact(struct chance *r, const struct pool *p, struct saying *out)
{
	static const char *const said[] = {"ok", "bounced", ""};
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	struct ref claim = {{0}};
	some_claim(r, p, &out->fact.unit, &claim);
	text_b64(claim.byte, sizeof claim.byte, text);
	out->fact.field = FIELD_CONTACT;
	out->no_value = chance_in(r, 5);
	if (!out->no_value)
		(void)snprintf(out->value, sizeof out->value, "%s:%s", text,
		               said[chance_below(r, 3)]);
}

static void generate_fact(struct chance *r, const struct pool *p, struct saying *out)
{
	static const enum field field[] = {FIELD_FIRST_NAME, FIELD_FIRST_NAME, FIELD_CITY,
	                                   FIELD_STATE,      FIELD_NOTE,       FIELD_TIER};
	static const char *const value[] = {"Anna", "Zo\xc3\xab \"Z\" O'Hara\\", "", "gold"};
	static const char *const state[] = {"active", "active", "restricted", "confidential"};
	static const char *const source[] = {"import", "till", "steward"};
	static const int trust[] = {0, 30, 30, 70};
	struct field_fact *f = &out->fact;
	*out = (struct saying){.fact = {.id = chance_ref(r), .unit = some_unit(r, p)}};
	f->field = field[chance_below(r, 6)];
	(void)snprintf(out->value, sizeof out->value, "%s",
	               f->field == FIELD_STATE ? state[chance_below(r, 4)]
	                                       : value[chance_below(r, 4)]);
	out->no_value = chance_in(r, 5);
	f->source = source[chance_below(r, 3)];
	f->trust = trust[chance_below(r, 4)];
	some_time(r, &f->from_us, &f->to_us);
	if (chance_in(r, 20))
		generate_contact(r, p, out);
}

static void generate_covers(struct chance *r, const struct pool *p, struct consent_choice *out)
{
	size_t n = chance_in(r, 40) ? chance_below(r, 4) : 0;
	struct ref *covers = pool_more(NULL, 0, (n + 1) * sizeof *covers);
	for (size_t i = 0; i < n; i++)
		covers[i] = some_unit(r, p);
	covers[n] = out->unit;
	out->covers = covers;
	out->cover_count = ref_none(&out->unit) ? n : n + 1;
}

static void generate_choice(struct chance *r, const struct pool *p, struct consent_choice *out)
{
	enum ident_kind kind;
	*out = (struct consent_choice){.id = chance_ref(r)};
	out->purpose = chance_in(r, 70)
	                   ? CONSENT_MARKETING
	                   : (enum consent_purpose)chance_below(r, CONSENT_PURPOSE_COUNT);
	out->channel = chance_in(r, 40)
	                   ? CONSENT_ANY
	                   : (enum consent_channel)chance_below(r, CONSENT_CHANNEL_COUNT);
	out->value = (enum consent_value)(chance_in(r, 60) ? CONSENT_GRANTED
	                                                   : CONSENT_REFUSED + chance_below(r, 2));
	out->method = (enum consent_method)chance_below(r, CONSENT_METHOD_COUNT);
	out->has_text = chance_in(r, 50);
	some_time(r, &out->from_us, &out->to_us);
	if (chance_in(r, 50))
		out->address = some_ident(r, p, &kind);
	if (ref_none(&out->address) || chance_in(r, 80))
		out->unit = some_unit(r, p);
	generate_covers(r, p, out);
}

static void generate_points(struct chance *r, const struct pool *p, struct person_points *out)
{
	*out = (struct person_points){.id = chance_ref(r), .unit = some_unit(r, p)};
	out->points = (int64_t)chance_below(r, 500) - 230;
	out->time_us = (int64_t)chance_below(r, 50); /* often the same */
	if (chance_in(r, 50))
		some_claim(r, p, &out->unit, &out->claim);
}

static void amend(struct chance *r, const struct pool *p, struct change *out)
{
	out->kind = CHANGE_AMEND;
	out->at = chance_below(r, p->unit_count);
	out->unit = p->unit[out->at];
	say_of_itself(r, &out->unit);
}

static void unsay(struct chance *r, const struct pool *p, struct change *out)
{
	out->kind = CHANGE_UNSAY;
	out->at = chance_below(r, p->fact_count);
	out->fact = p->fact[out->at];
}

void generate_change(struct chance *r, struct pool *p, struct change *out)
{
	size_t n = chance_below(r, 100), most = p->big ? BIG_UNITS_MAX : UNITS_MAX;
	*out = (struct change){.kind = CHANGE_SAID};
	if (!p->unit_count || (p->unit_count < most && n < (p->big ? 35 : 15))) {
		out->kind = CHANGE_UNIT;
		generate_unit(r, &out->unit);
	} else if (n < 18) {
		amend(r, p, out);
	} else if (n < 30) {
		out->kind = CHANGE_FACT;
		generate_fact(r, p, &out->fact);
	} else if (n < 33 && p->fact_count) {
		unsay(r, p, out);
	} else if (n < 42 && p->choice_count < CHOICES_MAX) {
		out->kind = CHANGE_CHOICE;
		generate_choice(r, p, &out->choice);
	} else if (n < 50) {
		out->kind = CHANGE_POINTS;
		generate_points(r, p, &out->points);
	} else {
		generate_said(r, p, &out->said);
	}
}
