/* People whom the journal's lines name and no basket has: who waited for a basket, who was held for
 * an answer, and scans that came while an earlier start was not done. */
#include "sale/sale_recall.h"

#include <stdlib.h>
#include <string.h>

struct lane_recall *sale_recall_of(const struct sale *s, const struct lane *lane)
{
	return &s->recall->lanes[lane - s->lanes];
}

void sale_recall_free(struct sale *s)
{
	if (!s->recall)
		return;
	buf_free(&s->recall->before);
	buf_free(&s->recall->thin);
	free(s->recall->lanes);
	explicit_bzero(s->recall, sizeof *s->recall); /* visit keys */
	free(s->recall);
	s->recall = NULL;
}

void sale_recall_moment(const struct replayed *r, struct moment *m)
{
	*m = (struct moment){.mono_us = json_integer_value(json_object_get(r->context, "mono_us"))};
	text_copy(m->boot, sizeof m->boot, sale_replay_text(r->context, "boot"));
	m->trusted =
	    clock_parse_iso8601(sale_replay_text(r->root, "originalTimestamp"), &m->wall_us) == 0 &&
	    strcmp(sale_replay_text(r->context, "clock"), "none") != 0;
}

static const char *again_of(const json_t *properties)
{
	const char *again = sale_replay_text(properties, "again");

	if (!again[0])
		return NULL;
	return strcmp(again, "asked") == 0 ? "asked" : "early";
}

/* What was presented, and by whom. Who cannot be found again has no customer id; whose key is gone
 * has no value either. */
static void presented_by(const struct replayed *r, struct scanned *id, struct person *who)
{
	const json_t *p = r->properties, *identity = json_object_get(r->context, "identity");
	struct answer a;

	*id = (struct scanned){.kind = ident_kind_of(sale_replay_text(p, "kind")),
	                       .again = again_of(p)};
	*who = (struct person){0};
	text_copy(id->method, sizeof id->method, sale_replay_text(p, "method"));
	text_copy(id->symbology, sizeof id->symbology, sale_replay_text(p, "symbology"));
	text_copy(id->ident_ref, sizeof id->ident_ref, sale_replay_text(p, "ident_ref"));
	text_copy(who->profile_ref, sizeof who->profile_ref,
	          sale_replay_text(identity, "profile_ref"));
	text_copy(who->ident_ref, sizeof who->ident_ref, id->ident_ref);
	text_copy(who->rule, sizeof who->rule, sale_replay_text(identity, "rule"));
	text_copy(who->ruleset, sizeof who->ruleset, sale_replay_text(identity, "ruleset"));
	text_copy(who->confidence, sizeof who->confidence,
	          sale_replay_text(identity, "confidence"));
	json_t *plain = sale_replay_sealed(r, &who->key);
	text_copy(id->value, sizeof id->value, sale_replay_text(plain, "value"));
	json_decref(plain);
	if (!id->value[0] || !who->profile_ref[0])
		return;
	r->from->resolve(r->from->ctx, id->kind, id->value, &a);
	if (!answer_is_somebody(&a))
		return;
	who->profile = a.hit.profile;
	who->scanned = a.scanned && strcmp(id->method, "scan") == 0;
	who->staff = a.staff;
}

/* ---- scans that were kept before it was known where they belong ---- */

static void early_add(const struct replayed *r, struct lane *lane)
{
	struct early *early = sale_early_new(r->s);
	struct moment at;
	struct person who;

	if (!early)
		return;
	sale_recall_moment(r, &at);
	early->lane = lane;
	early->mono_us = at.mono_us;
	early->wall_us = at.wall_us;
	text_copy(early->boot, sizeof early->boot, at.boot);
	text_copy(early->source, sizeof early->source, sale_replay_text(r->context, "source"));
	presented_by(r, &early->id, &who);
	early->key = who.key;
	early->spot = sale_replay_spot(r);
	sale_early_front(r->s, early);
}

/* The same scan, told with its visit: it has found its place. Or the end of one that found none. */
static void early_over(const struct replayed *r)
{
	const char *boot = sale_replay_text(r->context, "boot");
	const char *source = sale_replay_text(r->context, "source");
	const char *ident_ref = sale_replay_text(r->properties, "ident_ref");
	int64_t mono_us = json_integer_value(json_object_get(r->context, "mono_us"));

	for (size_t i = r->s->early_count; i > 0; i--) {
		struct early *early = &r->s->early[i - 1];
		bool told = early->mono_us == mono_us && !strcmp(early->source, source) &&
		            !strcmp(early->boot, boot);
		if (told || !strcmp(early->id.ident_ref, ident_ref))
			sale_early_remove(r->s, early);
	}
}

/* ---- who waits, who is held ---- */

static void recall_held(const struct replayed *r, struct lane *lane)
{
	struct held *held = &lane->held;

	*held = (struct held){.on = true, .spot = sale_replay_spot(r)};
	presented_by(r, &held->id, &held->person);
	text_copy(held->place.visit_id, sizeof held->place.visit_id,
	          sale_replay_text(r->context, "visit_id"));
	text_copy(held->place.basket_id, sizeof held->place.basket_id,
	          sale_replay_text(r->context, "basket_id"));
	sale_recall_moment(r, &sale_recall_of(r->s, lane)->held);
}

/* Who was held is who waits now: as sale_wait does it. */
static void held_waits(const struct replayed *r, struct lane *lane)
{
	lane->wait.person = lane->held.person;
	lane->wait.id = lane->held.id;
	lane->held.on = false;
	sale_recall_moment(r, &sale_recall_of(r->s, lane)->wait);
}

static void recall_dropped(const struct replayed *r, struct lane *lane)
{
	const char *ident_ref = sale_replay_text(r->properties, "ident_ref");

	if (lane->held.on && !strcmp(lane->held.id.ident_ref, ident_ref))
		lane->held.on = false;
	else if (lane->wait.on && lane->held.on &&
	         !strcmp(lane->wait.place.visit_id, sale_replay_text(r->context, "visit_id")))
		held_waits(r, lane);
}

void sale_recall_presented(const struct replayed *r)
{
	struct lane *lane = sale_replay_lane(r);
	const char *outcome = sale_replay_text(r->properties, "outcome");
	const char *visit = sale_replay_text(r->context, "visit_id");

	if (!lane)
		return;
	if (!visit[0] && !strcmp(outcome, "held")) {
		early_add(r, lane);
		return;
	}
	early_over(r);
	if (!visit[0])
		return;
	if (!strcmp(outcome, "held")) {
		recall_held(r, lane);
	} else if (!strcmp(outcome, "dropped")) {
		recall_dropped(r, lane);
	} else if ((!strcmp(outcome, "matched") || !strcmp(outcome, "shared")) && lane->wait.on &&
	           !strcmp(lane->wait.place.visit_id, visit)) {
		presented_by(r, &lane->wait.id, &lane->wait.person);
		sale_recall_moment(r, &sale_recall_of(r->s, lane)->wait);
	}
}

void sale_recall_visit_started(const struct replayed *r)
{
	struct lane *lane = sale_replay_lane(r);

	/* One with a basket is the basket's. */
	if (!lane || sale_replay_text(r->context, "basket_id")[0])
		return;
	struct wait *wait = &lane->wait;
	*wait = (struct wait){.on = true, .spot = sale_replay_spot(r)};
	text_copy(wait->place.visit_id, sizeof wait->place.visit_id,
	          sale_replay_text(r->context, "visit_id"));
	sale_recall_moment(r, &sale_recall_of(r->s, lane)->wait);
	if (lane->held.on && !strcmp(sale_replay_text(r->properties, "evidence"), "next")) {
		wait->spot = lane->held.spot;
		held_waits(r, lane);
	}
}

void sale_recall_visit_ended(const struct replayed *r)
{
	struct lane *lane = sale_replay_lane(r);

	if (lane && lane->wait.on &&
	    !strcmp(lane->wait.place.visit_id, sale_replay_text(r->context, "visit_id")))
		lane->wait.on = false;
}

void sale_recall_opened(struct basket *b)
{
	struct lane *lane = b->lane;

	if (!lane || !lane->wait.on || strcmp(lane->wait.place.visit_id, b->place.visit_id) != 0)
		return;
	lane->wait.on = false;
	if (lane->held.on && !lane->held.place.basket_id[0])
		lane->held.place = b->place;
}

void sale_recall_attached(const struct replayed *r, const char *ident_ref)
{
	struct lane *lane = sale_replay_lane(r);

	if (lane && lane->held.on && !strcmp(lane->held.id.ident_ref, ident_ref))
		lane->held.on = false;
}

void sale_recall_first_line(const struct replayed *r, const struct basket *b)
{
	struct lane *lane = sale_replay_lane(r);

	if (lane && strcmp(lane->held.place.basket_id, b->place.basket_id) != 0)
		lane->held.on = false;
}

void sale_recall_claimed(const struct replayed *r)
{
	struct lane *lane = sale_replay_lane(r);

	if (lane)
		lane->held.on = false;
}
