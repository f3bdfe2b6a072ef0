/* An identifier that may mean one of several people, or somebody else by now: the cashier asks, and
 * says who it is. Nobody is guessed. */
#include <stdio.h>
#include <string.h>

#include "sale/sale_internal.h"

static const char *notice_of(enum outcome outcome)
{
	if (outcome == OUTCOME_STALE)
		return "Not used for a long time";
	return outcome == OUTCOME_SHARED ? "Several people use this"
	                                 : "More than one customer has this";
}

void sale_pick_offer(struct act *act, struct basket *b, const struct scanned *id,
                     const struct answer *a)
{
	struct pick *pick = &act->lane->pick;
	bool free = b && b->stage == STAGE_OPEN && !b->person.profile_ref[0] && !act->lane->held.on;
	if (!free || !a->candidate_count)
		return;
	*pick = (struct pick){.on = true, .id = *id, .count = a->candidate_count};
	memcpy(pick->basket_id, b->place.basket_id, sizeof pick->basket_id);
	memcpy(pick->who, a->candidate, sizeof pick->who);
	text_copy(pick->rule, sizeof pick->rule, a->rule);
	text_copy(pick->ruleset, sizeof pick->ruleset, a->ruleset);
	text_copy(pick->confidence, sizeof pick->confidence,
	          a->outcome == OUTCOME_SHARED ? "shared" : "probable");
	pick->staff = a->staff;
	sale_id(pick->question_id);
	sale_notice(act->lane, act->now, notice_of(a->outcome));
	act->lane->notice_until_us = NEVER_US; /* it stands as long as the question */
}

static bool same_name(const struct pick *pick, int i)
{
	for (int k = 0; k < pick->count; k++)
		if (k != i && !strcmp(sale_first_name(&pick->who[k].profile),
		                      sale_first_name(&pick->who[i].profile)))
			return true;
	return false;
}

/* Of two who have one first name: the first letter of the last name, or else the tier. */
static void add_more(const struct profile *p, char out[15])
{
	const char *space = strrchr(p->name, ' '), *last = space ? space + 1 : "";
	char tier[13];
	int n = *last && strcmp(p->name, p->first_name) != 0;

	while (n && ((unsigned char)last[n] & 0xc0) == 0x80)
		n++;
	text_fit(tier, sizeof tier, p->tier);
	if (n && n <= 4)
		snprintf(out, 15, " %.*s.", n, last);
	else if (tier[0])
		snprintf(out, 15, ", %s", tier);
}

void sale_pick_view(const struct pick *pick, struct lane_view *v)
{
	memcpy(v->question_id, pick->question_id, sizeof v->question_id);
	text_copy(v->question_kind, sizeof v->question_kind, "which");
	text_copy(v->question_text, sizeof v->question_text, "Ask for the first name");
	for (int i = 0; i < pick->count; i++) {
		const struct profile *p = &pick->who[i].profile;
		struct lane_choice *choice = &v->choices[v->choice_count++];
		char name[31], more[15] = "";
		text_fit(name, sizeof name, sale_first_name(p));
		if (same_name(pick, i) && !p->confidential)
			add_more(p, more);
		snprintf(choice->key, sizeof choice->key, "%d", i + 1);
		snprintf(choice->label, sizeof choice->label, "%s%s", name, more);
	}
	v->choices[v->choice_count++] = (struct lane_choice){"none", "Somebody else"};
}

int sale_pick_choose(struct act *act, const char *choice)
{
	const struct pick pick = act->lane->pick;
	int i = choice[0] - '1';
	struct answer a = {.outcome = OUTCOME_MATCHED, .staff = pick.staff};
	struct person who;
	bool none = !strcmp(choice, "none");
	if (!none && (choice[1] || i < 0 || i >= pick.count))
		return -1;
	act->lane->pick.on = false;
	if (none) {
		sale_presented(act, &act->basket->place, &pick.id, NULL, OUTCOME_DROPPED);
		sale_news(act->lane);
		return 0;
	}
	a.hit = pick.who[i];
	text_copy(a.rule, sizeof a.rule, pick.rule);
	text_copy(a.ruleset, sizeof a.ruleset, pick.ruleset);
	text_copy(a.confidence, sizeof a.confidence, pick.confidence);
	sale_person(&act->basket->place, &a, &who);
	sale_attach(act, act->basket, &who, "cashier", "chosen");
	return 0;
}
