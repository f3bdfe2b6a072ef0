#include <string.h>

#include "sale/sale_internal.h"

static void view_person(struct lane_view *v, const struct profile *p, const char *profile_ref,
                        bool provisional)
{
	v->person = PERSON_KNOWN;
	v->profile = *p;
	v->person_provisional = provisional;
	memcpy(v->profile_ref, profile_ref, sizeof v->profile_ref);
	if (!p->confidential)
		return;
	memset(v->profile.name, 0, sizeof v->profile.name);
	text_copy(v->profile.first_name, sizeof v->profile.first_name, sale_first_name(p));
}

/* Who is attached, or waits. */
static void view_who(struct lane_view *v, const struct person *who, bool provisional)
{
	if (!who->profile_ref[0])
		return;
	view_person(v, &who->profile, who->profile_ref, provisional);
	v->person_shared = sale_shared(who);
	v->person_scanned = who->scanned;
	v->person_staff = who->staff;
}

static void view_lines(struct sale *s, const struct basket *b, struct lane_view *v)
{
	v->line_count = 0;
	for (size_t i = 0; i < b->line_count; i++)
		if (!b->lines[i].gone)
			s->shown[v->line_count++] = b->lines[i].shown;
	v->lines = s->shown;
	sale_lines(b, &v->value);
}

static void view_basket(struct sale *s, const struct basket *b, struct lane_view *v)
{
	v->state = b->stage == STAGE_TENDER ? LANE_TENDER : LANE_BASKET;
	v->restored = b->restored;
	v->restored_wall_us = b->restored_wall_us;
	memcpy(v->basket_id, b->place.basket_id, sizeof v->basket_id);
	memcpy(v->till, b->till, sizeof v->till);
	memcpy(v->till_basket, b->name, sizeof v->till_basket);
	view_lines(s, b, v);
	view_who(v, &b->person, b->person_pending);
	const struct word *word = sale_word_of(b);
	if (!word)
		return;
	memcpy(v->change_id, word->id, sizeof v->change_id);
	memcpy(v->change_text, word->heard.text, sizeof v->change_text);
}

static void view_done(struct sale *s, const struct lane *lane, struct lane_view *v)
{
	const struct last *last = &lane->last;
	const struct basket *closing = sale_basket_by_id(s, last->place.basket_id);
	v->state = LANE_DONE;
	view_who(v, &last->person, closing || last->pending);
}

static void view_question(const struct held *held, struct lane_view *v)
{
	static const struct {
		const char *kind;
		struct lane_choice choices[2];
	} questions[] = {
	    [ASK_REPLACE] = {"replace", {{"replace", "Replace"}, {"keep", "Keep"}}},
	    [ASK_HELD] = {"held", {{"this", "This customer"}, {"next", "Next customer"}}},
	    [ASK_LAST] = {"last", {{"last", "Last customer"}, {"next", "Next customer"}}},
	};
	memcpy(v->question_id, held->question_id, sizeof v->question_id);
	text_copy(v->question_kind, sizeof v->question_kind, questions[held->kind].kind);
	memcpy(v->question_text, held->text, sizeof v->question_text);
	memcpy(v->choices, questions[held->kind].choices, sizeof questions[held->kind].choices);
	v->choice_count = 2;
}

/* A staff card that is no customer's, in the basket or waiting for one. */
static void view_staff(const struct staff_card *card, struct lane_view *out)
{
	if (!card->on)
		return;
	out->person_staff = true;
	if (out->person == PERSON_NONE)
		out->person = PERSON_STAFF;
}

/* front: the basket that is looked at, or NULL; alone: nobody else is served on this lane. */
static void view_lane(struct sale *s, const struct lane *lane, const struct basket *front,
                      bool alone, struct lane_view *out)
{
	*out = (struct lane_view){.rev = lane->rev, .state = LANE_IDLE};
	memcpy(out->lane, lane->name, sizeof out->lane);
	memcpy(out->notice, lane->notice, sizeof out->notice);
	if (front)
		view_basket(s, front, out);
	else if (alone && lane->last.shown)
		view_done(s, lane, out);
	else if (alone && lane->wait.on)
		view_who(out, &lane->wait.person, lane->wait.pending);
	if (out->person == PERSON_NONE && alone && lane->struck_ref[0]) {
		view_person(out, &lane->struck, lane->struck_ref, false);
		out->person_struck = true;
	} else if (out->person == PERSON_NONE && alone) {
		out->person = lane->presented;
		out->asking = lane->asking_until_us != 0;
	}
	/* What waits for the next sale says nothing of who has just paid. */
	if (front || (alone && out->state != LANE_DONE))
		view_staff(front ? &front->staff : &lane->staff, out);
	if (alone && lane->held.on)
		view_question(&lane->held, out);
	else if (front && lane->pick.on && !strcmp(lane->pick.basket_id, front->place.basket_id))
		sale_pick_view(&lane->pick, out);
}

/* Who was scanned last and is not tied yet; never in the place of somebody who is. */
static void view_early(const struct sale *s, const struct lane *lane, struct lane_view *out)
{
	static const char nobody_yet[EVENT_ID_SIZE];
	const struct early *early = NULL;
	for (size_t i = 0; i < s->early_count; i++)
		if (s->early[i].lane == lane)
			early = &s->early[i];
	if (!early)
		return;
	if (!out->notice[0] && !early->pending)
		text_copy(out->notice, sizeof out->notice, "Card kept: waiting for the till");
	if (out->person != PERSON_NONE || !early->known)
		return;
	view_person(out, &early->profile, nobody_yet, true);
	out->person_early = true;
}

bool sale_view(struct sale *s, const char *name, struct lane_view *out)
{
	const struct lane *lane = sale_lane(s, name);
	if (!lane)
		return false;
	view_lane(s, lane, sale_front(s, lane), true, out);
	view_early(s, lane, out);
	return true;
}

bool sale_view_till(struct sale *s, const char *name, const char *till, struct lane_view *out)
{
	const struct lane *lane = sale_lane(s, name);
	const struct basket *own = NULL, *front = lane ? sale_front(s, lane) : NULL;
	if (!lane)
		return false;
	for (const struct basket *b = s->first; b; b = b->next)
		if (b->lane == lane && b->stage != STAGE_CLOSING && !strcmp(b->till, till))
			own = b;
	bool others = front && front != own;
	if (!front && lane->last.shown)
		others = strcmp(lane->last.till, till) != 0;
	view_lane(s, lane, own, !others, out);
	if (others && lane->held.on && own &&
	    !strcmp(lane->held.place.basket_id, own->place.basket_id))
		view_question(&lane->held, out);
	return true;
}
