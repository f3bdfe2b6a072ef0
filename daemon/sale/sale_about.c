/* What the cashier tells of a customer at a lane: enrolments, corrections, choices. */
#include <string.h>

#include "sale/sale_internal.h"

/* Where it is told: the place of the person, or where somebody new comes in. */
static struct place *place_of(struct lane *lane, struct basket *front, const char *customer_id)
{
	if (front && (!customer_id || !strcmp(front->person.profile.customer_id, customer_id)))
		return &front->place;
	if (lane->wait.on &&
	    (!customer_id || !strcmp(lane->wait.person.profile.customer_id, customer_id)))
		return &lane->wait.place;
	if (customer_id && lane->last.on &&
	    !strcmp(lane->last.person.profile.customer_id, customer_id))
		return &lane->last.place;
	return NULL;
}

/* A JSON object that was written elsewhere, as if since sale_object. */
static void object(struct sale *s, const char *json)
{
	struct buf *b = sale_object(s);
	size_t n = strlen(json);
	if (n > 2)
		buf_add(b, json + 1, n - 2);
}

static void tell(struct act *act, const struct sale_about *about, const struct place *at,
                 const struct person *who)
{
	for (size_t i = 0; i < about->count; i++) {
		const struct sale_told *told = &about->told[i];
		object(act->s, told->properties);
		struct lw_event *ev = sale_event(act, told->kind, at, who);
		if (!told->sealed)
			continue;
		object(act->s, told->sealed);
		sale_seal(act, ev, &who->key);
	}
}

/* Before a basket: whoever is told of waits for it, as after a scan. */
static void wait_for_basket(struct act *act, const struct sale_about *about)
{
	struct person who;
	struct scanned id;
	struct place *at = sale_wait_begin(act, "enrolment");
	sale_scanned(&id, about->who->verified ? "scan" : "typed", NULL, about->who);
	sale_person(at, about->who, &who);
	tell(act, about, at, &who);
	sale_presented(act, at, &id, &who, OUTCOME_MATCHED);
	act->lane->wait.person = who;
	act->lane->wait.id = id;
}

/* Who waits for a basket is masked on the screen, too. */
static int refuse_other(struct sale_error *err, const struct basket *b)
{
	return sale_fail(err, "customer_attached", "lane",
	                 "%s is the customer here: press \"Wrong customer\" first",
	                 b ? sale_first_name(&b->person.profile) : "Somebody else");
}

static int about_new(struct act *act, const struct sale_about *about, struct sale_error *err)
{
	struct lane *lane = act->lane;
	struct basket *b = act->basket;
	const char *id = about->who->hit.profile.customer_id;
	struct person who;
	if (b && b->person.profile_ref[0] && strcmp(b->person.profile.customer_id, id) != 0)
		return refuse_other(err, b);
	if (!b && lane->wait.on && strcmp(lane->wait.person.profile.customer_id, id) != 0)
		return refuse_other(err, NULL);
	sale_begin(act);
	sale_news(lane);
	lane->missed.on = false;
	if (!b && !lane->wait.on) {
		wait_for_basket(act, about);
		return 0;
	}
	struct place *at = b ? &b->place : &lane->wait.place;
	sale_person(at, about->who, &who);
	tell(act, about, at, &who);
	if (!b)
		lane->wait.person = who;
	else if (!sale_same(&b->person, &who))
		sale_attach(act, b, &who, "cashier", about->reason);
	return 0;
}

static int about_known(struct act *act, const struct sale_about *about, struct sale_error *err)
{
	struct person who;
	struct place *at = place_of(act->lane, act->basket, about->who->hit.profile.customer_id);
	if (!at)
		return sale_fail(err, "no_customer", "lane",
		                 "this customer is no longer on lane %s", act->lane->name);
	sale_begin(act);
	sale_person(at, about->who, &who);
	tell(act, about, at, &who);
	sale_touch(act->lane);
	return 0;
}

int sale_about(struct sale *s, struct entry *e, const struct sale_now *now,
               const struct sale_about *about, struct sale_error *err)
{
	struct lane *lane = sale_lane(s, about->lane);
	if (!lane)
		return sale_fail(err, "unknown_lane", "lane", "there is no lane \"%.32s\"",
		                 about->lane);
	struct act act = {.s = s,
	                  .e = e,
	                  .now = now,
	                  .source = "box",
	                  .lane = lane,
	                  .basket = sale_front(s, lane)};
	if ((about->attach ? about_new : about_known)(&act, about, err) < 0)
		return -1;
	if (sale_end(&act))
		return sale_fail(err, "no_memory", "", "out of memory: do it again");
	return 0;
}

/* ---- who was looked at ---- */

struct viewed {
	const char *role, *purpose, *reason_code;
	const char *const *fields;
	size_t count, hits;
};

static struct lw_event *tell_viewed(struct act *act, const struct place *at,
                                    const struct person *who, const struct viewed *v)
{
	struct buf *b = sale_object(act->s);
	if (at->basket_id[0])
		member_text(b, "basket_id", at->basket_id);
	member_key(b, "fields");
	buf_byte(b, '[');
	for (size_t i = 0; i < v->count; i++) {
		member_next(b);
		lw_event_json_string(b, v->fields[i]);
	}
	buf_byte(b, ']');
	member_count(b, "hits", v->hits);
	member_text(b, "purpose", v->purpose);
	if (v->reason_code)
		member_text(b, "reason_code", v->reason_code);
	member_text(b, "role", v->role);
	return sale_event(act, EVENT_PROFILE_VIEWED, at, who);
}

/* The reason is under the key of the value that was asked for: whoever destroys that forgets both.
 */
static void tell_search(struct act *act, const struct place *at, const struct person *asked,
                        const struct sale_search *why)
{
	const struct viewed v = {.role = why->role,
	                         .purpose = "look_up",
	                         .reason_code = why->reason[0] ? "written" : NULL,
	                         .fields = why->fields,
	                         .count = why->count,
	                         .hits = why->hits};
	struct lw_event *ev = tell_viewed(act, at, asked, &v);
	if (!why->reason[0])
		return;
	member_text(sale_object(act->s), "reason", why->reason);
	sale_seal(act, ev, &asked->key);
}

int sale_looked_up(struct sale *s, struct entry *e, const struct sale_now *now,
                   const char *lane_name, const struct answer *a, const struct sale_search *why)
{
	struct lane *lane = sale_lane(s, lane_name);
	struct scanned id;
	struct place nowhere = {0};
	struct person asked = {0}; /* nobody yet: a key alone */
	if (!lane)
		return -1;
	struct basket *front = sale_front(s, lane);
	const struct place *at = front ? &front->place : &nowhere;
	struct act act = {
	    .s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = front};
	sale_id(nowhere.visit_id);
	sale_key(&asked.key);
	sale_scanned(&id, "form", NULL, a);
	sale_begin(&act);
	sale_presented(&act, at, &id, &asked, a->outcome);
	if (why)
		tell_search(&act, at, &asked, why);
	return sale_end(&act);
}

int sale_viewed(struct sale *s, struct entry *e, const struct sale_now *now,
                const struct sale_viewed *what, struct sale_error *err)
{
	struct lane *lane = sale_lane(s, what->lane);
	struct basket *front = lane ? sale_front(s, lane) : NULL;
	const struct viewed v = {.role = what->role,
	                         .purpose = "sale",
	                         .fields = what->fields,
	                         .count = what->count,
	                         .hits = 1};
	if (!front || !front->person.profile_ref[0] ||
	    strcmp(front->person.profile_ref, what->profile_ref) != 0)
		return sale_fail(err, "no_customer", "lane",
		                 "this customer is no longer on lane %.32s", what->lane);
	struct act act = {
	    .s = s, .e = e, .now = now, .source = "box", .lane = lane, .basket = front};
	sale_begin(&act);
	tell_viewed(&act, &front->place, &front->person, &v);
	return sale_end(&act) ? sale_fail(err, "no_memory", "", "out of memory: press again") : 0;
}

/* ---- persons as they are known now ---- */

/* As far as a lane shows it. */
static bool same_profile(const struct profile *a, const struct profile *b)
{
	return !strcmp(a->customer_id, b->customer_id) && !strcmp(a->first_name, b->first_name) &&
	       !strcmp(a->name, b->name) && !strcmp(a->tier, b->tier) &&
	       !strcmp(a->language, b->language) && a->points == b->points &&
	       a->has_points == b->has_points && a->confidential == b->confidential &&
	       a->restricted == b->restricted && !strcmp(a->points_as_of, b->points_as_of);
}

static void refresh(struct person *who, struct lane *lane, sale_profile_fn *profile, void *ctx)
{
	struct profile now;
	if (!who->profile.customer_id[0] || !profile(ctx, who->profile.customer_id, &now) ||
	    same_profile(&now, &who->profile))
		return;
	who->profile = now;
	sale_touch(lane);
}

void sale_refresh(struct sale *s, sale_profile_fn *profile, void *ctx)
{
	for (struct basket *b = s->first; b; b = b->next)
		refresh(&b->person, b->lane, profile, ctx);
	for (size_t i = 0; i < s->lane_count; i++) {
		struct lane *lane = &s->lanes[i];
		if (lane->wait.on)
			refresh(&lane->wait.person, lane, profile, ctx);
		if (lane->held.on)
			refresh(&lane->held.person, lane, profile, ctx);
		if (lane->last.on)
			refresh(&lane->last.person, lane, profile, ctx);
	}
}
