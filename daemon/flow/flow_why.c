/* Why a customer is told as they are: each identifier, value and consent in one line. */
#include "flow/flow_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/flow_overlay.h"
#include "identity/consent_object.h"
#include "identity/note.h"

#define MASKED_TAIL 4 /* characters of a number that stay readable */
#define NAMED_MAX 8   /* entries that a line names */

struct why {
	struct flow *f;
	const struct overlay_person *p;
	struct buf *out;
	/* two per claim at most: a phone is for messages and for calls */
	struct consent_address *address;
	size_t address_count;
	char (*label)[IDENT_VALUE_SIZE];
};

/* An e-mail address by its first letter and domain, a number by its end. */
static void mask(const char *kind, const char *value, char out[IDENT_VALUE_SIZE])
{
	size_t n = strlen(value), from = n > MASKED_TAIL ? n - MASKED_TAIL : n;
	const char *at = strcmp(kind, "email") == 0 ? strrchr(value, '@') : NULL;
	size_t first = 1;

	text_copy(out, IDENT_VALUE_SIZE, value);
	memset(out, '*', n < IDENT_VALUE_SIZE ? (at ? (size_t)(at - value) : from) : 0);
	while (((unsigned char)value[first] & 0xc0) == 0x80)
		first++; /* a letter is whole, or none */
	if (at)
		memcpy(out, value, first);
}

static void put_ref(struct buf *out, const char *word, const struct ref *ref)
{
	char text[EVENT_ID_SIZE];

	text_b64(ref->byte, sizeof ref->byte, text);
	buf_printf(out, "%s %s", word, text);
}

static void add_address(struct why *w, enum consent_channel channel, const struct ref *ident,
                        const char *label)
{
	for (size_t i = 0; i < w->address_count; i++) {
		if (w->address[i].channel == channel && ref_same(&w->address[i].address, ident))
			return; /* claimed by another unit too */
	}
	w->address[w->address_count++] = (struct consent_address){channel, *ident, label};
}

/* Is it not this customer's alone? What is blocked is nobody's, and has no line. */
static const char *besides(struct flow *f, const struct overlay_claim *c)
{
	struct shard_hit hits[RESOLVE_CANDIDATES_MAX];
	int found = flow_find(f, c->kind, c->value, hits, RESOLVE_CANDIDATES_MAX);
	bool shared = flow_guard_state(f, ident_kind_of(c->kind), c->value) == GUARD_SHARED;

	for (int i = 0; i < found && i < RESOLVE_CANDIDATES_MAX; i++)
		shared |= hits[i].shared;
	explicit_bzero(hits, sizeof hits);
	if (shared)
		return "; shared";
	return found > 1 ? "; of several customers" : "";
}

/* `identifier phone: *********4567; verified, claim Ab.., of unit Cd..; finds by rule phone_exact,
 * trust 60`
 */
static void put_claim(struct why *w, size_t i)
{
	const struct overlay_claim *c = &w->p->claim[i];
	const struct rule *rule = rule_of(&w->f->table, ident_kind_of(c->kind));

	mask(c->kind, c->value, w->label[i]);
	buf_printf(w->out, "identifier %s: %s; %s, ", c->kind, w->label[i],
	           c->verified ? "verified" : "not verified");
	put_ref(w->out, "claim", &c->ref);
	put_ref(w->out, ", of unit", &c->unit);
	if (rule)
		buf_printf(w->out, "; finds by rule %s of rules %s, trust %d%s\n", rule->name,
		           w->f->table.version, rule->trust, besides(w->f, c));
	else
		buf_str(w->out, "; finds nobody: there is no rule for it\n");
	if (strcmp(c->kind, "email") == 0)
		add_address(w, CONSENT_EMAIL, &c->ident, w->label[i]);
	if (strcmp(c->kind, "phone") != 0)
		return;
	add_address(w, CONSENT_SMS, &c->ident, w->label[i]);
	add_address(w, CONSENT_CALL, &c->ident, w->label[i]);
}

static void put_unit(struct buf *out, const struct ref *ref, uint32_t number)
{
	char text[EVENT_ID_SIZE];

	text_b64(ref->byte, sizeof ref->byte, text);
	if (number)
		buf_printf(out, "C%06u", number);
	else
		buf_str(out, text);
}

/* `match C000004 and C000005: both have one phone, by HQ's rules 7; link Ab..` */
static void put_match(struct why *w, const struct overlay_match *m)
{
	buf_str(w->out, "match ");
	put_unit(w->out, &m->left, m->left_number);
	buf_str(w->out, " and ");
	put_unit(w->out, &m->right, m->right_number);
	if (m->kind == IDENT_NONE)
		buf_str(w->out, ": a person said so");
	else
		buf_printf(w->out, ": both have one %s", ident_kind_name(m->kind));
	if (m->kind != IDENT_NONE && m->pending)
		buf_printf(w->out, ", by rules %s", w->f->table.version);
	else if (m->kind != IDENT_NONE)
		buf_printf(w->out, ", by HQ's rules%s%s", m->rules[0] ? " " : "", m->rules);
	else if (m->rules[0])
		buf_printf(w->out, ", holds by HQ's rules %s", m->rules);
	if (m->pending)
		buf_str(w->out, ", not confirmed by HQ yet");
	put_ref(w->out, "; link", &m->id);
	buf_byte(w->out, '\n');
}

/* `apart: unit Ab.. is not unit Cd..: a person said so` */
static void put_pair(struct why *w, const struct overlay_pair *pair)
{
	put_ref(w->out, pair->apart ? "apart: unit" : "proposed: unit", &pair->unit);
	put_ref(w->out, pair->apart ? " is not unit" : " is unit", &pair->other);
	buf_printf(w->out, ": a person said so%s; not suggested any more\n",
	           pair->apart ? "" : ", a steward decides");
}

/* `points: 12; HQ's 7 for C000017 as of .., in its line of version 812; entry Ab.. +5, said here`
 */
static void put_points(struct why *w)
{
	const struct overlay_person *p = w->p;
	size_t named = p->entry_count < NAMED_MAX ? p->entry_count : NAMED_MAX;
	int64_t others = 0;

	if (!p->profile.has_points)
		return;
	buf_printf(w->out, "points: %" PRId64, p->profile.points);
	for (size_t i = 0; i < p->source_count; i++) {
		const struct overlay_source *s = &p->source[i];
		if (s->has_points)
			buf_printf(w->out,
			           "; HQ's %" PRId64
			           " for %s as of %s, in its line of version %" PRIu64,
			           s->points, s->customer_id,
			           s->points_as_of[0] ? s->points_as_of : "no date", s->version);
	}
	for (size_t i = p->entry_count; i > p->entry_count - named; i--) {
		put_ref(w->out, "; entry", &p->entry[i - 1].id);
		buf_printf(w->out, " %+" PRId64 ", said here", p->entry[i - 1].points);
	}
	for (size_t i = 0; i < p->entry_count - named; i++)
		others += p->entry[i].points;
	if (named < p->entry_count)
		buf_printf(w->out, "; and %zu older ones, %+" PRId64 " in all, said here",
		           p->entry_count - named, others);
	buf_byte(w->out, '\n');
}

/* What HQ adds up, of whom it knows. */
static void put_sums(struct why *w)
{
	const struct profile *p = &w->p->profile;

	put_points(w);
	if (p->version == 0)
		return;
	buf_printf(w->out, "visits: %" PRIu64 "; HQ's, in its line of %s of version %" PRIu64 "\n",
	           p->visits, p->customer_id, p->version);
	if (p->last_seen[0])
		buf_printf(w->out,
		           "last_seen: %s; HQ's, in its line of %s of version %" PRIu64 "\n",
		           p->last_seen, p->customer_id, p->version);
}

static void put_person(struct why *w)
{
	const struct overlay_person *p = w->p;

	buf_printf(w->out, "customer: %s%s;", p->profile.customer_id,
	           p->provisional ? ", not confirmed by HQ yet" : "");
	for (size_t i = 0; i < p->unit_count; i++)
		put_ref(w->out, i ? ", unit" : " unit", &p->unit[i]);
	buf_byte(w->out, '\n');
	for (size_t i = 0; i < p->match_count; i++)
		put_match(w, &p->match[i]);
	for (size_t i = 0; i < p->pair_count; i++)
		put_pair(w, &p->pair[i]);
	for (size_t i = 0; i < p->claim_count; i++)
		put_claim(w, i);
	field_why_person(p->fact, p->fact_count, false, w->out);
	put_sums(w);
	flow_hq_kept_why(w->f, p->profile.customer_id, w->out);
	const struct consent_person asked = {.choice = p->choice,
	                                     .choice_count = p->choice_count,
	                                     .unit = p->unit,
	                                     .unit_count = p->unit_count,
	                                     .address = w->address,
	                                     .address_count = w->address_count,
	                                     .restricted = p->profile.restricted};
	consent_why(&asked, w->out);
}

/* What a manager once wrote is over, also where HQ has not yet said so. */
static void drop_over(const struct flow *f, struct overlay_person *p)
{
	struct clock_now now;
	size_t kept = 0;

	clock_read(f->p.clock, &now);
	for (size_t i = 0; i < p->fact_count; i++)
		if (!note_over(&p->fact[i], now.trust ? now.wall_us : 0))
			p->fact[kept++] = p->fact[i];
	p->fact_count = kept;
}

int flow_profile_why(struct flow *f, const char *customer_id, struct buf *out)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);
	struct overlay_person p;
	int rc = f->overlay ? overlay_person(f->overlay, &hq, "customer_id", customer_id, &p) : -1;

	if (rc != 1)
		return rc;
	drop_over(f, &p);
	struct why w = {.f = f, .p = &p, .out = out};
	w.address = calloc(2 * p.claim_count + 1, sizeof *w.address);
	w.label = calloc(p.claim_count + 1, sizeof *w.label);
	if (w.address && w.label)
		put_person(&w);
	else
		rc = -1;
	free(w.label);
	free(w.address);
	overlay_person_free(&p);
	return rc == 1 && out->failed ? -1 : rc;
}
