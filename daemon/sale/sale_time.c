#include <string.h>

#include "sale/sale_internal.h"

void sale_act_of_box(struct act *act, struct lane *lane, struct basket *b)
{
	act->source = "box";
	act->date = NULL;
	act->lane = lane;
	act->basket = b;
	sale_begin(act);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void tick_wait(struct act *act, struct lane *lane)
{
	struct wait *wait = &lane->wait;
	sale_act_of_box(act, lane, NULL);
	if (lane->held.on && !lane->held.place.basket_id[0])
		sale_held_drop(act);
	sale_presented(act, &wait->place, &wait->id, &wait->person, OUTCOME_DROPPED);
	sale_visit_ended(act, &wait->place, &wait->person, "timeout");
	wait->on = false;
	sale_news(lane);
}

static int64_t tick_lane(struct act *act, struct lane *lane)
{
	int64_t now = act->now->mono_us, next = NEVER_US;
	if (lane->notice[0] || lane->presented != PERSON_NONE || lane->struck_ref[0]) {
		if (lane->notice_until_us <= now)
			sale_news(lane);
		else
			next = sooner(next, lane->notice_until_us);
	}
	if (lane->asking_until_us && lane->asking_until_us <= now) {
		lane->asking_until_us = 0;
		sale_touch(lane);
	} else if (lane->asking_until_us) {
		next = sooner(next, lane->asking_until_us);
	}
	if (lane->last.shown) {
		if (lane->last.at_us + DONE_US <= now) {
			lane->last.shown = false;
			sale_news(lane);
		} else {
			next = sooner(next, lane->last.at_us + DONE_US);
		}
	}
	next = sooner(next, sale_staff_tick(lane, now));
	if (lane->awaits)
		return next;
	if (lane->wait.on && lane->wait.until_us <= now) {
		tick_wait(act, lane);
		if (sale_end(act))
			return now + RETRY_US;
	}
	if (lane->held.on && lane->held.until_us <= now) {
		sale_act_of_box(act, lane, NULL);
		sale_held_drop(act);
		if (sale_end(act))
			return now + RETRY_US;
	}
	if (lane->wait.on)
		next = sooner(next, lane->wait.until_us);
	return lane->held.on ? sooner(next, lane->held.until_us) : next;
}

void sale_basket_heard(struct basket *b, const struct sale_now *now)
{
	b->waits = false;
	b->boots = 0;
	b->boot[0] = '\0';
	b->ends_us = now->mono_us + IDLE_US;
}

static int64_t tick_basket(struct act *act, struct basket *b)
{
	if (b->stage == STAGE_CLOSING)
		return NEVER_US;
	if (b->ends_us > act->now->mono_us)
		return b->ends_us;
	if (b->unopened) { /* the journal never heard of it */
		sale_news(b->lane);
		sale_basket_drop(act->s, b);
		return NEVER_US;
	}
	sale_act_of_box(act, b->lane, b);
	sale_held_closed(act, b, false);
	sale_abandoned(act, b, b->waits ? "power" : "idle", NULL);
	sale_visit_ended(act, &b->place, &b->person, "timeout");
	b->stage_before = b->stage;
	b->stage = STAGE_CLOSING;
	b->closing = act->e;
	sale_news(b->lane);
	return sale_end(act) ? act->now->mono_us + RETRY_US : NEVER_US;
}

int64_t sale_tick(struct sale *s, struct entry *e, const struct sale_now *now)
{
	struct act act = {.s = s, .e = e, .now = now};
	struct basket *after;
	int64_t next = NEVER_US;
	for (size_t i = 0; i < s->lane_count; i++)
		next = sooner(next, tick_lane(&act, &s->lanes[i]));
	next = sooner(next, sale_early_tick(&act));
	for (struct basket *b = s->first; b; b = after) {
		after = b->next;
		next = sooner(next, tick_basket(&act, b));
	}
	return next;
}

/* ---- the journal's answer ---- */

struct answered {
	struct sale *s;
	const struct entry *e;
	const struct sale_now *now;
	bool kept;
};

/* Where the entry stands, if this is the first one of what has this spot. */
static void set_spot(const struct answered *a, struct spot *spot)
{
	if (!a->kept || spot->at.seq)
		return;
	spot->nth = a->s->epochs;
	memcpy(spot->at.epoch, a->e->epoch, sizeof spot->at.epoch);
	spot->at.seq = a->e->seq;
}

static void strike(const struct answered *a, struct lane *lane, const struct person *who)
{
	if (!lane)
		return;
	sale_news(lane);
	lane->struck = who->profile;
	memcpy(lane->struck_ref, who->profile_ref, sizeof lane->struck_ref);
	sale_notice(lane, a->now, "Could not be kept: scan again");
}

static void answered_lane(const struct answered *a, struct lane *lane)
{
	struct wait *wait = &lane->wait;
	struct held *held = &lane->held;
	if (wait->pending == a->e) {
		wait->pending = NULL;
		set_spot(a, &wait->spot);
		sale_touch(lane);
		if (wait->on && !a->kept) {
			wait->on = false;
			/* Who was to replace them is let go by the next tick. */
			if (held->on && !held->place.basket_id[0])
				held->until_us = a->now->mono_us;
			strike(a, lane, &wait->person);
		}
	}
	if (held->pending == a->e) {
		held->pending = NULL;
		set_spot(a, &held->spot);
		if (held->on && !a->kept) {
			held->on = false;
			strike(a, lane, &held->person);
		}
	}
}

/* Of this lane or, if b is not NULL, of its basket. */
static void answered_staff(const struct answered *a, struct lane *lane, struct basket *b)
{
	struct staff_card *card = b ? &b->staff : &lane->staff;
	bool mine = card->pending == a->e;
	bool refused = sale_staff_answered(lane, b, a->e);
	if (mine && !b)
		set_spot(a, &card->spot);
	if (!refused || !lane)
		return;
	sale_news(lane);
	sale_notice(lane, a->now, "Could not be kept: scan again");
}

/* A claim or a "wrong customer" after the order. */
static void answered_last(const struct answered *a, struct lane *lane)
{
	struct last *last = &lane->last;
	if (last->pending != a->e)
		return;
	last->pending = NULL;
	sale_touch(lane);
	if (a->kept)
		return;
	if (last->person.profile_ref[0])
		strike(a, lane, &last->person);
	else
		sale_notice(lane, a->now, "Could not be kept: press again");
	last->person = last->before;
}

static void answered_person(const struct answered *a, struct basket *b)
{
	if (b->removed_pending == a->e) {
		b->removed_pending = NULL;
		if (a->kept)
			b->removed = (struct person){0};
		else if (b->lane)
			sale_notice(b->lane, a->now,
			            "Could not be kept: remove the customer again");
	}
	if (b->person_pending != a->e)
		return;
	b->person_pending = NULL;
	sale_touch(b->lane);
	if (a->kept)
		return;
	if (b->opening == a->e)
		b->again = b->person;
	strike(a, b->lane, &b->person);
	b->person = (struct person){0};
	b->since = SINCE_NONE;
}

static void line_back(struct line *line)
{
	if (line->gone) {
		line->gone = false;
	} else if (line->changed) {
		memcpy(line->shown.quantity, line->old_quantity, sizeof line->shown.quantity);
		line->milli = line->old_milli;
		line->shown.price = line->old_price;
		sale_line_total(line->milli, line->shown.price, &line->shown.total);
	} else {
		return; /* added: stays provisional until the till has told it again */
	}
	line->shown.provisional = false;
}

static void answered_lines(const struct answered *a, struct basket *b)
{
	size_t stays = 0;
	bool mine = false;
	b->unsettled = false;
	for (size_t i = 0; i < b->line_count; i++) {
		struct line *line = &b->lines[i];
		bool gone = false;
		if (line->pending == a->e) {
			mine = true;
			line->pending = NULL;
			if (a->kept) {
				gone = line->gone;
				line->shown.provisional = false;
			} else {
				line_back(line);
			}
			line->changed = false;
		}
		b->unsettled |= line->pending != NULL;
		if (!gone && stays++ != i)
			b->lines[stays - 1] = *line;
	}
	b->line_count = stays;
	if (mine)
		sale_touch(b->lane);
}

/* The order or its end was refused: the basket is as it was, and so is the question about it. */
static void reopen(const struct answered *a, struct basket *b)
{
	struct lane *lane = b->lane;
	b->stage = b->stage_before;
	b->ends_us = a->now->mono_us + (b->waits ? CONFIRM_US : IDLE_US);
	if (!lane)
		return;
	if (!strcmp(lane->last.place.basket_id, b->place.basket_id))
		lane->last.on = lane->last.shown = false;
	if (lane->held.on && lane->held.kind == ASK_LAST &&
	    !strcmp(lane->held.place.basket_id, b->place.basket_id))
		sale_ask(lane, ASK_HELD, NULL);
	sale_news(lane);
	sale_notice(lane, a->now, "The sale could not be kept: it is open again");
}

static void answered_basket(const struct answered *a, struct basket *b)
{
	if (b->unsettled)
		answered_lines(a, b);
	answered_person(a, b);
	answered_staff(a, b->lane, b);
	if (b->opening == a->e) {
		b->opening = NULL;
		b->unopened = !a->kept;
		if (b->unopened)
			b->ends_us = a->now->mono_us + CONFIRM_US;
		else
			set_spot(a, &b->spot);
	}
	if (b->closing != a->e)
		return;
	b->closing = NULL;
	sale_touch(b->lane);
	if (a->kept)
		sale_basket_drop(a->s, b);
	else
		reopen(a, b);
}

void sale_answered(struct sale *s, const struct entry *e, const struct sale_now *now)
{
	const struct answered a = {.s = s, .e = e, .now = now, .kept = e->status == ENTRY_KEPT};
	struct basket *after;
	sale_early_answered(s, e);
	for (size_t i = 0; i < s->lane_count; i++) {
		answered_lane(&a, &s->lanes[i]);
		answered_last(&a, &s->lanes[i]);
		answered_staff(&a, &s->lanes[i], NULL);
	}
	for (struct basket *b = s->first; b; b = after) {
		after = b->next;
		answered_basket(&a, b);
	}
}
