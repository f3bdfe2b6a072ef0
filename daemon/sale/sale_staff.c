/* Staff sales without a customer: a card of the staff list that is nobody's. The flag is in the
 * journal as the card that was presented, in the basket or before it, so it comes back after a
 * restart. */
#include <string.h>

#include "sale/sale_recall.h"

#define STAFF_CARD "staff_card" /* as answers and events call it */

bool sale_staff_card(const struct scanned *id, enum outcome outcome)
{
	return outcome == OUTCOME_STAFF && !strcmp(id->why, STAFF_CARD);
}

void sale_staff_shown(struct act *act, const struct scanned *id)
{
	struct staff_card *to = act->basket ? &act->basket->staff : &act->lane->staff;
	*to = (struct staff_card){
	    .on = true, .id = *id, .until_us = act->now->mono_us + WAIT_US, .pending = act->e};
}

void sale_staff_opened(struct act *act, struct basket *b)
{
	struct staff_card *waits = &act->lane->staff;
	if (!waits->on)
		return;
	b->staff = *waits;
	b->staff.pending = act->e;
	waits->on = false;
	b->staff.id.again = "early";
	sale_presented(act, &b->place, &b->staff.id, NULL, OUTCOME_STAFF);
	b->staff.id.again = NULL;
}

bool sale_staff_drop(struct act *act)
{
	struct basket *b = act->basket;
	struct staff_card *card = b ? &b->staff : &act->lane->staff;
	static const struct place nowhere;
	if (!card->on)
		return false;
	sale_begin(act);
	sale_presented(act, b ? &b->place : &nowhere, &card->id, NULL, OUTCOME_DROPPED);
	card->on = false;
	sale_news(act->lane);
	return true;
}

bool sale_staff_sale(const struct basket *b)
{
	return b->staff.on || (b->person.profile_ref[0] && b->person.staff);
}

int64_t sale_staff_tick(struct lane *lane, int64_t now_us)
{
	if (!lane->staff.on)
		return NEVER_US;
	if (lane->staff.until_us > now_us)
		return lane->staff.until_us;
	lane->staff.on = false;
	sale_touch(lane);
	return NEVER_US;
}

bool sale_staff_answered(struct lane *lane, struct basket *b, const struct entry *e)
{
	struct staff_card *card = b ? &b->staff : &lane->staff;
	if (card->pending != e)
		return false;
	card->pending = NULL;
	if (e->status == ENTRY_KEPT || !card->on)
		return false;
	card->on = false;
	if (!b || b->opening != e || !lane)
		return true;
	lane->staff = *card; /* it goes on waiting for the basket to be told again */
	lane->staff.on = true;
	return false;
}

/* ---- over a restart ---- */

static bool is_same(const struct staff_card *card, const char *ident_ref)
{
	return card->on && !strcmp(card->id.ident_ref, ident_ref);
}

static void replay_id(const struct replayed *r, struct scanned *id)
{
	const json_t *p = r->properties;
	struct visit_key key;
	json_t *plain = sale_replay_sealed(r, &key);
	id->kind = ident_kind_of(sale_replay_text(p, "kind"));
	text_copy(id->method, sizeof id->method, sale_replay_text(p, "method"));
	text_copy(id->symbology, sizeof id->symbology, sale_replay_text(p, "symbology"));
	text_copy(id->ident_ref, sizeof id->ident_ref, sale_replay_text(p, "ident_ref"));
	text_copy(id->value, sizeof id->value, sale_replay_text(plain, "value"));
	text_copy(id->why, sizeof id->why, STAFF_CARD);
	explicit_bzero(&key, sizeof key);
	json_decref(plain);
}

void sale_staff_replay(const struct replayed *r, struct basket *b)
{
	const char *outcome = sale_replay_text(r->properties, "outcome");
	const char *ident_ref = sale_replay_text(r->properties, "ident_ref");
	struct lane *lane = sale_replay_lane(r);
	struct staff_card *card = b ? &b->staff : lane ? &lane->staff : NULL;
	if (b && lane && is_same(&lane->staff, ident_ref)) /* it waited for this basket */
		lane->staff.on = false;
	if (card && !strcmp(outcome, "dropped") && is_same(card, ident_ref))
		card->on = false;
	if (!card || strcmp(outcome, "staff") != 0 ||
	    strcmp(sale_replay_text(r->properties, "reason"), STAFF_CARD) != 0)
		return;
	*card = (struct staff_card){.on = true};
	replay_id(r, &card->id);
	if (b)
		return;
	card->spot = sale_replay_spot(r);
	sale_recall_moment(r, &sale_recall_of(r->s, lane)->staff);
}
