/* HQ's word on people who stand on a lane. In an open basket it is shown and changes nothing until
 * the cashier takes it over; everywhere else it counts at once. */
#include <string.h>

#include "sale/sale_internal.h"

/* The same person goes on under the id that HQ gave. */
static void rename_seen(struct place *at, const char *from, const char *to)
{
	for (unsigned i = 0; i < SEEN_MAX; i++)
		if (at->seen[i].profile_ref[0] && !strcmp(at->seen[i].customer_id, from))
			text_copy(at->seen[i].customer_id, sizeof at->seen[i].customer_id, to);
}

static void take(struct person *who, struct place *at, const struct profile *p)
{
	rename_seen(at, who->profile.customer_id, p->customer_id);
	who->profile = *p;
}

static void heard_basket(struct basket *b, sale_heard_fn *fn, void *ctx)
{
	struct sale_heard word = {0};
	enum sale_word what = b->person.profile_ref[0]
	                          ? fn(ctx, b->person.profile.customer_id, &word)
	                          : SALE_WORD_NONE;
	if (what == SALE_WORD_SAME) {
		take(&b->person, &b->place, &word.profile);
		sale_touch(b->lane);
		return;
	}
	if (what != SALE_WORD_OTHER || (b->word.id[0] && !strcmp(b->word.heard.text, word.text) &&
	                                !strcmp(b->word.of, b->person.profile.customer_id)))
		return;
	b->word.heard = word;
	text_copy(b->word.of, sizeof b->word.of, b->person.profile.customer_id);
	sale_id(b->word.id);
	sale_touch(b->lane);
}

/* Whom no basket holds: what HQ says is so. */
static void heard_person(struct person *who, struct place *at, struct lane *lane, sale_heard_fn *fn,
                         void *ctx)
{
	struct sale_heard word = {0};
	if (!who->profile_ref[0] || fn(ctx, who->profile.customer_id, &word) == SALE_WORD_NONE ||
	    word.gone)
		return;
	take(who, at, &word.profile);
	sale_touch(lane);
}

void sale_heard(struct sale *s, sale_heard_fn *fn, void *ctx)
{
	for (struct basket *b = s->first; b; b = b->next)
		if (b->stage != STAGE_CLOSING)
			heard_basket(b, fn, ctx);
	for (size_t i = 0; i < s->lane_count; i++) {
		struct lane *lane = &s->lanes[i];
		if (lane->wait.on)
			heard_person(&lane->wait.person, &lane->wait.place, lane, fn, ctx);
		if (lane->held.on)
			heard_person(&lane->held.person, &lane->held.place, lane, fn, ctx);
		if (lane->last.on)
			heard_person(&lane->last.person, &lane->last.place, lane, fn, ctx);
	}
}

const struct word *sale_word_of(const struct basket *b)
{
	bool here = b && b->word.id[0] && b->person.profile_ref[0] &&
	            !strcmp(b->word.of, b->person.profile.customer_id);
	return here ? &b->word : NULL;
}

int sale_take_over(struct sale *s, struct entry *e, const struct sale_now *now,
                   const char *lane_name, const char *change, struct sale_error *err)
{
	struct lane *lane = sale_lane(s, lane_name);
	struct basket *b = lane ? sale_front(s, lane) : NULL;
	const struct word *word = sale_word_of(b);
	struct act act = {.s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = b};
	if (!word || strcmp(word->id, change) != 0)
		return sale_fail(err, "change_gone", "change", "this is no longer so");
	const struct sale_heard heard = word->heard;
	sale_begin(&act);
	if (heard.gone) {
		sale_detach(&act, b, "cashier", "hq");
	} else {
		struct person from = b->person, who;
		from.profile = heard.profile;
		sale_person_move(&b->place, &from, &who);
		sale_attach(&act, b, &who, "cashier", "hq");
	}
	b->word = (struct word){0};
	if (sale_end(&act))
		return sale_fail(err, "no_memory", "", "out of memory: do it again");
	return 0;
}

/* ---- a value that HQ kept ---- */

bool sale_tell(struct sale *s, const struct sale_now *now, const char *customer_id,
               const char *text)
{
	bool told = false;
	for (size_t i = 0; i < s->lane_count; i++) {
		const struct basket *front = sale_front(s, &s->lanes[i]);
		if (!front || strcmp(front->person.profile.customer_id, customer_id) != 0)
			continue;
		if (!front->person.profile.confidential)
			sale_notice(front->lane, now, text);
		told = true;
	}
	return told;
}
