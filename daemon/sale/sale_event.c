#include <string.h>

#include "sale/sale_internal.h"

void sale_begin(struct act *act)
{
	act->mark = act->e->last;
	act->mark_count = act->e->count;
	act->failed = false;
	act->source = entry_text(act->e, act->source);
	act->date = entry_text(act->e, act->date ? act->date : act->now->business_date);
	if (!act->source || !act->date)
		act->failed = true;
	if (act->lane)
		act->s->saved_lane = *act->lane;
	if (act->basket)
		act->s->saved_basket = *act->basket;
}

int sale_end(struct act *act)
{
	struct entry *e = act->e;
	if (!act->failed)
		return 0;
	if (act->lane)
		*act->lane = act->s->saved_lane;
	if (act->basket)
		*act->basket = act->s->saved_basket;
	e->last = act->mark;
	e->count = act->mark_count;
	if (e->last)
		e->last->next = NULL;
	else
		e->first = NULL;
	return -1;
}

struct buf *sale_object(struct sale *s)
{
	buf_reset(&s->scratch);
	buf_byte(&s->scratch, '{');
	return &s->scratch;
}

void sale_money(struct sale *s, const char *key, int64_t minor)
{
	char text[NUM_MONEY_SIZE];
	num_money_text(minor, s->digits, text);
	member_text(&s->scratch, key, text);
}

/* The object written since sale_object, in the entry's memory. */
static const char *object_text(struct act *act)
{
	struct buf *b = &act->s->scratch;
	buf_byte(b, '}');
	const char *text = b->failed ? NULL : entry_text_n(act->e, (const char *)b->data, b->len);
	if (!text)
		act->failed = true;
	return text;
}

static const char *keep(struct act *act, const char *text)
{
	if (!text || !text[0])
		return NULL;
	const char *kept = entry_text(act->e, text);
	if (!kept)
		act->failed = true;
	return kept;
}

static void identify(struct act *act, struct lw_event_identity *identity, const struct person *who)
{
	identity->profile_ref = keep(act, who->profile_ref);
	identity->rule = keep(act, who->rule);
	identity->ruleset = keep(act, who->ruleset);
	identity->confidence = keep(act, who->confidence);
	identity->status = "provisional";
	identity->as_of = keep(act, who->profile.points_as_of);
}

struct lw_event *sale_event(struct act *act, enum event_kind kind, const struct place *at,
                            const struct person *who)
{
	const char *properties = act->failed ? NULL : object_text(act);
	struct lw_event *ev = act->failed ? NULL : entry_add(act->e, kind);
	if (!ev) {
		act->failed = true;
		return NULL;
	}
	ev->mono_us = act->now->mono_us;
	ev->wall_us = act->now->wall_us;
	ev->trust = act->now->trust;
	ev->business_date = act->date;
	ev->utc_offset_min = act->now->utc_offset_min;
	ev->source = act->source;
	ev->lane = act->lane ? keep(act, act->lane->name) : NULL;
	ev->visit_id = keep(act, at->visit_id);
	ev->basket_id = keep(act, at->basket_id);
	ev->staff_ref = keep(act, at->staff_ref);
	ev->training = at->training;
	ev->properties = properties;
	if (who && who->profile_ref[0])
		identify(act, &ev->identity, who);
	return ev;
}

void sale_seal(struct act *act, struct lw_event *ev, const struct visit_key *key)
{
	const char *person = act->failed ? NULL : object_text(act);
	if (!ev || !person)
		return;
	ev->person = person;
	ev->key = *key;
}

void sale_presented(struct act *act, const struct place *at, const struct scanned *id,
                    const struct person *who, enum outcome outcome)
{
	struct visit_key own;
	bool shared = who && who->profile_ref[0] && sale_shared(who);
	if (outcome == OUTCOME_MATCHED && shared)
		outcome = OUTCOME_SHARED;
	struct buf *b = sale_object(act->s);
	if (id->again)
		member_text(b, "again", id->again);
	member_text(b, "ident_ref", id->ident_ref);
	member_text(b, "kind", ident_kind_name(id->kind));
	member_text(b, "method", id->method);
	member_text(b, "outcome", outcome_name(outcome));
	if (id->why[0] && outcome != OUTCOME_MATCHED && outcome != OUTCOME_HELD &&
	    outcome != OUTCOME_DROPPED)
		member_text(b, "reason", id->why);
	member_text(b, "symbology", id->symbology[0] ? id->symbology : NULL);
	struct lw_event *ev = sale_event(act, EVENT_IDENTIFIER_PRESENTED, at, who);
	member_text(sale_object(act->s), "value", id->value);
	if (!who)
		sale_key(&own);
	sale_seal(act, ev, who ? &who->key : &own);
}

void sale_attach(struct act *act, struct basket *b, const struct person *who, const char *by,
                 const char *reason)
{
	const char *replaces = b->person.profile_ref[0] ? b->person.profile_ref : NULL;
	struct buf *p = sale_object(act->s);
	if (!who->scanned)
		member_text(p, "assurance", "typed");
	member_text(p, "basket_id", b->place.basket_id);
	member_text(p, "by", by);
	member_text(p, "profile_ref", who->profile_ref);
	member_text(p, "reason", reason);
	member_text(p, "replaces", replaces);
	if (who->staff)
		member_bool(p, "staff", true);
	struct lw_event *ev = sale_event(act, EVENT_CUSTOMER_ATTACHED, &b->place, who);
	p = sale_object(act->s);
	member_text(p, "customer_id", who->profile.customer_id);
	member_text(p, "ident_ref", who->ident_ref);
	sale_seal(act, ev, &who->key);
	b->person = *who;
	b->person_pending = act->e;
	if (b->stage == STAGE_TENDER)
		b->since = SINCE_END;
	else
		b->since = b->had_line ? SINCE_DURING : SINCE_START;
	sale_news(b->lane);
}

void sale_detached(struct act *act, const struct place *at, const struct person *who,
                   const char *by, const char *reason)
{
	struct buf *p = sale_object(act->s);
	member_text(p, "basket_id", at->basket_id);
	member_text(p, "by", by);
	member_text(p, "profile_ref", who->profile_ref);
	member_text(p, "reason", reason);
	sale_event(act, EVENT_CUSTOMER_DETACHED, at, who);
	sale_news(act->lane);
}

void sale_detach(struct act *act, struct basket *b, const char *by, const char *reason)
{
	struct held *held = b->lane ? &b->lane->held : NULL;
	sale_detached(act, &b->place, &b->person, by, reason);
	b->removed = b->person;
	b->removed_pending = act->e;
	b->person = (struct person){0};
	b->person_pending = NULL;
	b->since = SINCE_NONE;
	if (held && held->on && held->kind == ASK_REPLACE &&
	    !strcmp(held->place.basket_id, b->place.basket_id))
		sale_ask(b->lane, ASK_HELD, NULL);
}

void sale_detach_again(struct act *act, struct basket *b, const char *by, const char *reason)
{
	sale_detached(act, &b->place, &b->removed, by, reason);
	b->removed_pending = act->e;
}

void sale_visit_started(struct act *act, const struct place *at, const char *evidence)
{
	struct buf *b = sale_object(act->s);
	member_text(b, "evidence", evidence);
	member_text(b, "place", "lane");
	sale_event(act, EVENT_VISIT_STARTED, at, NULL);
}

void sale_visit_ended(struct act *act, const struct place *at, const struct person *who,
                      const char *reason)
{
	struct buf *b = sale_object(act->s);
	member_text(b, "place", "lane");
	member_text(b, "reason", reason);
	sale_event(act, EVENT_VISIT_ENDED, at, who);
}

void sale_abandoned(struct act *act, struct basket *b, const char *reason, const char *till_reason)
{
	int64_t value;
	size_t lines = sale_lines(b, &value);
	struct buf *p = sale_object(act->s);
	member_text(p, "basket_id", b->place.basket_id);
	member_integer(p, "lines", (int64_t)lines);
	member_text(p, "reason", reason);
	if (till_reason)
		member_text(p, "till_reason", till_reason);
	sale_money(act->s, "value", value);
	sale_event(act, EVENT_BASKET_ABANDONED, &b->place, &b->person);
}
