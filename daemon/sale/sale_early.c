/* Scans that are kept before it is known whose basket they mean: while the box starts, and while a
 * lane's till has not said yet what it was not answered. */
#include <stdlib.h>
#include <string.h>

#include "sale/sale_internal.h"

static const struct place nowhere;

/* NULL: as many as there can be, or out of memory. */
struct early *sale_early_new(struct sale *s)
{
	if (!s->early)
		s->early = calloc(SALE_EARLY_MAX, sizeof *s->early);
	if (!s->early || s->early_count == SALE_EARLY_MAX)
		return NULL;
	struct early *early = &s->early[s->early_count++];
	*early = (struct early){0};
	return early;
}

void sale_early_remove(struct sale *s, struct early *early)
{
	size_t after = s->early_count - (size_t)(early - s->early) - 1;
	sale_touch(early->lane);
	memmove(early, early + 1, after * sizeof *early);
	explicit_bzero(&s->early[--s->early_count], sizeof *early);
}

void sale_early_free(struct sale *s)
{
	if (s->early)
		explicit_bzero(s->early, SALE_EARLY_MAX * sizeof *s->early);
	free(s->early);
}

static const char *front_id(const struct sale *s, const struct lane *lane)
{
	const struct basket *front = sale_front(s, lane);
	return front ? front->place.basket_id : "";
}

void sale_early_front(const struct sale *s, struct early *early)
{
	text_copy(early->basket_id, sizeof early->basket_id, front_id(s, early->lane));
}

static void remember(struct act *act, const struct scanned *id, const struct visit_key *key)
{
	struct early *early = sale_early_new(act->s);
	if (!early) {
		act->s->early_lost++;
		return;
	}
	early->lane = act->lane;
	text_copy(early->source, sizeof early->source, act->source);
	early->id = *id;
	early->mono_us = act->now->mono_us;
	early->wall_us = act->now->wall_us;
	early->key = *key;
	early->pending = act->e;
	sale_early_front(act->s, early);
}

/* What the screen says of it meanwhile. */
static void early_named(struct early *early, const struct sale_now *now, const struct answer *a)
{
	early->known = answer_is_somebody(a);
	sale_news(early->lane);
	if (early->known)
		early->profile = a->hit.profile;
	else if (a->outcome != OUTCOME_HELD)
		sale_unmatched_shown(early->lane, now, &early->id, a->outcome);
}

int sale_early(struct sale *s, struct entry *e, const struct sale_now *now, const char *lane_name,
               const char *source, const char *method, const char *symbology,
               const struct answer *a)
{
	struct lane *lane = sale_lane(s, lane_name);
	bool refused = a->outcome == OUTCOME_REFUSED_PAN || a->outcome == OUTCOME_REFUSED;
	struct person nobody = {0};
	struct scanned id;
	size_t count = s->early_count;
	if (!lane)
		return -1;
	struct act act = {.s = s, .e = e, .now = now, .source = source, .lane = lane};
	sale_begin(&act);
	sale_scanned(&id, method, symbology, a);
	sale_id(id.ident_ref); /* of this telling alone: it says of nobody who it was */
	sale_key(&nobody.key);
	sale_presented(&act, &nowhere, &id, &nobody, refused ? a->outcome : OUTCOME_HELD);
	if (sale_end(&act))
		return -1;
	if (refused)
		sale_unmatched_shown(lane, now, &id, a->outcome);
	else
		remember(&act, &id, &nobody.key);
	if (s->early_count > count)
		early_named(&s->early[count], now, a);
	return 0;
}

void sale_await(struct sale *s, const char *lane_name, bool awaits)
{
	struct lane *lane = sale_lane(s, lane_name);
	if (lane)
		lane->awaits = awaits;
}

size_t sale_early_count(const struct sale *s, const char *lane)
{
	size_t n = 0;
	for (size_t i = 0; i < s->early_count; i++)
		n += !s->early[i].pending && !strcmp(s->early[i].lane->name, lane);
	return n;
}

uint64_t sale_early_lost(const struct sale *s)
{
	return s->early_lost;
}

bool sale_early_next(struct sale *s, const char *lane, int64_t before_us, struct sale_early *out)
{
	for (size_t i = 0; i < s->early_count; i++) {
		struct early *early = &s->early[i];
		if (strcmp(early->lane->name, lane) != 0 || early->mono_us >= before_us)
			continue;
		*out = (struct sale_early){
		    .kind = early->id.kind, .mono_us = early->mono_us, .wall_us = early->wall_us};
		text_copy(out->lane, sizeof out->lane, lane);
		text_copy(out->source, sizeof out->source, early->source);
		text_copy(out->basket_id, sizeof out->basket_id, early->basket_id);
		text_copy(out->method, sizeof out->method, early->id.method);
		text_copy(out->symbology, sizeof out->symbology, early->id.symbology);
		text_copy(out->value, sizeof out->value, early->id.value);
		sale_early_remove(s, early);
		return true;
	}
	return false;
}

/* ---- the room that the journal brought back takes over from that of the start ---- */

void sale_early_take(struct sale *s, struct sale *from, const struct sale_now *now,
                     sale_resolve_fn *who, void *ctx)
{
	struct answer a;
	s->early_lost += from->early_lost;
	for (size_t i = 0; i < from->early_count; i++) {
		struct early *early = sale_early_new(s);
		if (!early) {
			s->early_lost += from->early_count - i;
			break;
		}
		*early = from->early[i];
		early->spot.nth = s->epochs; /* both rooms are of this run */
		early->lane = sale_lane(s, from->early[i].lane->name);
		sale_early_front(s, early);
	}
	for (size_t i = 0; i < s->early_count; i++) {
		struct early *early = &s->early[i];
		who(ctx, early->id.kind, early->id.value, &a);
		early_named(early, now, &a);
	}
}

/* ---- the end without a place ---- */

void sale_early_drop(struct act *act, struct early *early)
{
	const struct person nobody = {.key = early->key};
	sale_presented(act, &nowhere, &early->id, &nobody, OUTCOME_DROPPED);
}

int sale_early_drop_all(struct act *act)
{
	struct sale *s = act->s;
	int n = 0;
	sale_begin(act);
	for (size_t i = 0; i < s->early_count; i++) {
		if (s->early[i].lane != act->lane)
			continue;
		sale_early_drop(act, &s->early[i]);
		n++;
	}
	if (sale_end(act))
		return -1;
	for (size_t i = s->early_count; i > 0; i--)
		if (s->early[i - 1].lane == act->lane)
			sale_early_remove(s, &s->early[i - 1]);
	return n;
}

int64_t sale_early_tick(struct act *act)
{
	struct sale *s = act->s;
	int64_t now = act->now->mono_us, next = NEVER_US;
	for (size_t i = s->early_count; i > 0; i--) {
		struct early *early = &s->early[i - 1];
		int64_t end = early->mono_us + CONFIRM_US;
		if (end > now) {
			next = end < next ? end : next;
			continue;
		}
		sale_act_of_box(act, early->lane, NULL);
		sale_early_drop(act, early);
		if (sale_end(act))
			return now + RETRY_US;
		sale_early_remove(s, early);
	}
	return next;
}

void sale_early_answered(struct sale *s, const struct entry *e)
{
	for (size_t i = s->early_count; i > 0; i--) {
		struct early *early = &s->early[i - 1];
		if (early->pending != e)
			continue;
		early->pending = NULL;
		if (e->status != ENTRY_KEPT) {
			sale_early_remove(s, early);
			continue;
		}
		early->spot.nth = s->epochs;
		memcpy(early->spot.at.epoch, e->epoch, sizeof early->spot.at.epoch);
		early->spot.at.seq = e->seq;
		sale_touch(early->lane);
	}
}
