/* After the last line of the journal: what stands again, and what is let go. */
#include <string.h>

#include "sale/sale_recall.h"

#define UNKNOWN_US (INT64_MAX / 4) /* older than any limit */

struct restart {
	struct sale *s;
	struct entry *e;
	const struct sale_now *now;
	const struct sale_start *start;
};

/* How long ago. Across boots only two clocks that can be believed tell: a box without one starts
 * where it ended, and would take hours for seconds. */
static int64_t age_us(const struct restart *r, const struct moment *m)
{
	int64_t wall_us = r->now->wall_us - m->wall_us;

	if (!strcmp(m->boot, r->start->boot))
		return r->now->mono_us - m->mono_us;
	if (!m->trusted || r->now->trust == CLOCK_NONE || wall_us < 0)
		return UNKNOWN_US;
	return wall_us;
}

static void begin(const struct restart *r, struct act *act, struct lane *lane, struct basket *b)
{
	*act = (struct act){.s = r->s, .e = r->e, .now = r->now};
	sale_act_of_box(act, lane, b);
}

static void last_again(const struct restart *r, struct lane *lane)
{
	struct last *last = &lane->last;
	int64_t age = age_us(r, &sale_recall_of(r->s, lane)->last);

	last->on = last->on && age < UNKNOWN_US;
	last->at_us = r->now->mono_us - age;
}

/* ---- people ---- */

/* Somebody who has a key still: without it they were erased, and no event may be sealed for them.
 */
static bool has_key(const struct visit_key *key)
{
	static const struct visit_key none;

	return memcmp(key->key, none.key, sizeof key->key) != 0;
}

static void held_over(struct act *act)
{
	if (has_key(&act->lane->held.person.key))
		sale_held_drop(act);
	act->lane->held.on = false;
}

static int wait_again(const struct restart *r, struct lane *lane)
{
	struct wait *wait = &lane->wait;
	int64_t age = age_us(r, &sale_recall_of(r->s, lane)->wait);
	struct act act;

	if (!wait->on)
		return 0;
	wait->until_us = r->now->mono_us - age + WAIT_US;
	if (wait->person.profile.customer_id[0] && age <= WAIT_US) {
		sale_seen(&wait->place, &wait->person);
		return 0;
	}
	begin(r, &act, lane, NULL);
	if (lane->held.on && !lane->held.place.basket_id[0])
		held_over(&act);
	if (has_key(&wait->person.key))
		sale_presented(&act, &wait->place, &wait->id, &wait->person, OUTCOME_DROPPED);
	sale_visit_ended(&act, &wait->place, &wait->person, "timeout");
	wait->on = false;
	return sale_end(&act);
}

/* Does the question about who is held still have an object? Then it is asked again. */
static bool ask_again(const struct restart *r, struct lane *lane)
{
	struct held *held = &lane->held;
	struct basket *b = sale_basket_by_id(r->s, held->place.basket_id);
	struct last *last = &lane->last;
	struct place *at = NULL;
	/* The scan, or the order that made the question one of the last customer. */
	int64_t since_us = r->now->mono_us - age_us(r, &sale_recall_of(r->s, lane)->held);
	if (since_us < last->at_us)
		since_us = last->at_us;

	if (!held->person.profile.customer_id[0])
		return false;
	if (b) {
		bool next = b->stage == STAGE_TENDER || !b->person.profile_ref[0];
		at = &b->place;
		sale_ask(lane, next ? ASK_HELD : ASK_REPLACE, &b->person);
	} else if (!held->place.basket_id[0] && lane->wait.on) {
		at = &lane->wait.place;
		sale_ask(lane, ASK_REPLACE, &lane->wait.person);
	} else if (last->on && r->now->mono_us - since_us <= HELD_US &&
	           !strcmp(held->place.basket_id, last->place.basket_id)) {
		at = &last->place;
		sale_ask(lane, ASK_LAST, NULL);
		held->until_us = since_us + HELD_US;
	}
	if (!at)
		return false;
	sale_seen(at, &held->person);
	held->place = *at;
	return true;
}

static int held_again(const struct restart *r, struct lane *lane)
{
	struct act act;

	if (!lane->held.on || ask_again(r, lane))
		return 0;
	begin(r, &act, lane, NULL);
	held_over(&act);
	return sale_end(&act);
}

/* A staff card waits on for what is left of its time. */
static void staff_again(const struct restart *r, struct lane *lane)
{
	struct staff_card *card = &lane->staff;
	int64_t age = age_us(r, &sale_recall_of(r->s, lane)->staff);

	card->on = card->on && age <= WAIT_US && card->id.value[0];
	card->until_us = r->now->mono_us - age + WAIT_US;
	if (card->on)
		sale_touch(lane);
}

/* A scan that nobody could tie before the box was gone waits on; not across boots, where its moment
 * means nothing any more. */
static int early_again(const struct restart *r, struct early *early)
{
	struct act act;

	if (!strcmp(early->boot, r->start->boot) && r->now->mono_us - early->mono_us < CONFIRM_US &&
	    early->id.value[0])
		return 0;
	if (has_key(&early->key)) {
		begin(r, &act, early->lane, NULL);
		sale_early_drop(&act, early);
		if (sale_end(&act))
			return -1;
	}
	sale_early_remove(r->s, early);
	return 0;
}

/* ---- baskets ---- */

static void basket_again(const struct restart *r, struct basket *b)
{
	sale_basket_gone(b, r->start->cause, sale_replay_ended(r->s), r->start->boot,
	                 r->now->mono_us);
	b->ends_us = NEVER_US;
	sale_news(b->lane);
}

/* How long the till may stay silent yet: what has passed of this boot is known, and a basket that
 * waited in several boots for nothing waits no longer. */
void sale_tills_heard(struct sale *s, const struct sale_now *now)
{
	for (struct basket *b = s->first; b; b = b->next) {
		if (b->waits && b->ends_us == NEVER_US)
			b->ends_us = b->boots > CONFIRM_BOOTS_MAX ? now->mono_us
			                                          : b->boot_mono_us + CONFIRM_US;
	}
}

int sale_replayed(struct sale *s, struct entry *e, const struct sale_now *now,
                  const struct sale_start *start)
{
	const struct restart r = {s, e, now, start};
	int open = 0, rc = 0;

	s->epochs++;
	if (!s->recall)
		return 0;
	for (struct basket *b = s->first; b; b = b->next)
		rc |= sale_replay_later(s, b);
	for (size_t i = 0; i < s->lane_count; i++) {
		last_again(&r, &s->lanes[i]);
		staff_again(&r, &s->lanes[i]);
		rc |= wait_again(&r, &s->lanes[i]) | held_again(&r, &s->lanes[i]);
	}
	for (size_t i = s->early_count; i > 0; i--)
		rc |= early_again(&r, &s->early[i - 1]);
	for (struct basket *b = s->first; b; b = b->next, open++)
		basket_again(&r, b);
	sale_recall_free(s);
	return rc ? -1 : open;
}

/* ---- where a rebuild would have to begin ---- */

static bool older(const struct spot *a, const struct spot *b)
{
	return a->nth < b->nth || (a->nth == b->nth && a->at.seq < b->at.seq);
}

static void take_older(const struct spot **oldest, const struct spot *spot)
{
	if (spot->at.seq && (!*oldest || older(spot, *oldest)))
		*oldest = spot;
}

bool sale_oldest(const struct sale *s, struct sale_spot *out)
{
	const struct spot *oldest = NULL;

	for (const struct basket *b = s->first; b; b = b->next)
		take_older(&oldest, &b->spot);
	for (size_t i = 0; i < s->lane_count; i++) {
		const struct lane *lane = &s->lanes[i];
		if (lane->wait.on)
			take_older(&oldest, &lane->wait.spot);
		if (lane->held.on)
			take_older(&oldest, &lane->held.spot);
		if (lane->last.on)
			take_older(&oldest, &lane->last.spot);
		if (lane->staff.on)
			take_older(&oldest, &lane->staff.spot);
	}
	for (size_t i = 0; i < s->early_count; i++)
		take_older(&oldest, &s->early[i].spot);
	if (oldest)
		*out = oldest->at;
	return oldest != NULL;
}
