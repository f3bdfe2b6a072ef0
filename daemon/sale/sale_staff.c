/* Staff sales without a customer: a card of the staff list that is nobody's. The flag is in the
 * journal as the card that was presented in the basket, so it comes back after a restart. */
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
	*to = (struct staff_card){.on = true, .id = *id, .until_us = act->now->mono_us + WAIT_US};
}

void sale_staff_opened(struct act *act, struct basket *b)
{
	struct staff_card *waits = &act->lane->staff;
	if (!waits->on)
		return;
	b->staff = *waits;
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

void sale_staff_replay(const struct replayed *r, struct basket *b)
{
	const json_t *p = r->properties;
	const char *outcome = sale_replay_text(p, "outcome");
	const char *ident_ref = sale_replay_text(p, "ident_ref");
	struct scanned *id = &b->staff.id;
	if (!strcmp(outcome, "dropped") && !strcmp(ident_ref, id->ident_ref))
		b->staff.on = false;
	if (strcmp(outcome, "staff") != 0 || strcmp(sale_replay_text(p, "reason"), STAFF_CARD) != 0)
		return;
	b->staff = (struct staff_card){.on = true};
	id->kind = ident_kind_of(sale_replay_text(p, "kind"));
	text_copy(id->method, sizeof id->method, sale_replay_text(p, "method"));
	text_copy(id->symbology, sizeof id->symbology, sale_replay_text(p, "symbology"));
	text_copy(id->ident_ref, sizeof id->ident_ref, ident_ref);
	text_copy(id->why, sizeof id->why, STAFF_CARD);
}
