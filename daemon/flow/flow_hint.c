/* Whom a customer on a lane may be, too: looked for behind the scan, shown on the screen, muted by
 * a tap.
 *
 * Looked for is who was enrolled in a store, whether HQ has taken that by now or not, or of whom
 * this store has something pending; and who is told of by HQ, of whoever has a likely pair. So a
 * scan that finds any other customer of HQ's scores nothing: their line is read, no more. The look
 * itself is a turn of the loop of its own for each lane, after what the lane waits for has been
 * shown and kept.
 *
 * A suggestion is not kept: it follows from persons, weights and what was said of the pair, so a
 * start makes it again. What was said of the pair is kept, as an event. */
#include "flow/flow_hint.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define HITS_MAX 8        /* persons on one identifier: beyond, it is anybody's */
#define CANDIDATES_MAX 12 /* looked at for one suggestion, some 0.2 ms each */
#define TYPED_MAX 256     /* the last enrolments that are compared by name */
#define TOLD_MAX 4        /* pairs of HQ's that are looked at, likeliest first */

static const struct timeval at_once = {0, 0};

struct slot {
	bool on, due;
	char customer_id[33], basket_id[EVENT_ID_SIZE]; /* for whom was looked */
	struct hint hint;
};

struct flow_hints {
	struct score_model *model;
	struct event *event;
	struct slot slot[CONF_LANES_MAX]; /* as the configuration's lanes */
};

struct candidates {
	struct flow *f;
	const struct hint_ask *ask;
	char id[CANDIDATES_MAX][33]; /* customer ids */
	int count;
};

/* ---- who comes into question ---- */

static void add_candidate(struct candidates *c, const char *customer_id)
{
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->id[i], customer_id) == 0)
			return;
	if (c->count < CANDIDATES_MAX && strcmp(customer_id, c->ask->who->profile.customer_id) != 0)
		text_copy(c->id[c->count++], sizeof c->id[0], customer_id);
}

/* Who has this; an identifier that is nobody's, or many people's, says nothing. */
static void add_holders(struct candidates *c, const char *kind, const char *value)
{
	struct shard_hit hits[HITS_MAX];
	struct flow *f = c->f;
	int n = overlay_find(f->overlay, kind, value, hits, HITS_MAX);

	if (n == OVERLAY_UNTOUCHED)
		n = f->shard ? shard_find(f->shard, kind, value, hits, HITS_MAX) : 0;
	for (int i = 0; i < n && n <= HITS_MAX; i++)
		if (!hits[i].blocked)
			add_candidate(c, hits[i].profile.customer_id);
}

/* Who has the same mailbox under another spelling. */
static void add_folded(struct candidates *c, const char *email)
{
	char folded[IDENT_VALUE_SIZE];

	if (!ident_email_uid2(email, folded))
		return;
	if (strcmp(folded, email) != 0)
		add_holders(c, "email", folded);
	add_holders(c, SHARD_FOLDED, folded);
}

static bool add_typed(void *ctx, const struct overlay_typed *e)
{
	struct candidates *c = ctx;
	const struct score_plain plain = {.first_name = e->first_name,
	                                  .last_name = e->last_name,
	                                  .phone = {e->phone},
	                                  .mail = {e->email}};
	char unit[EVENT_ID_SIZE];

	text_b64(e->unit->byte, sizeof e->unit->byte, unit);
	if (hint_alike(c->ask, &plain))
		add_candidate(c, unit);
	return c->count < CANDIDATES_MAX;
}

static void gather(struct candidates *c)
{
	const struct overlay_person *who = c->ask->who;

	for (size_t i = 0; i < who->claim_count; i++) {
		add_holders(c, who->claim[i].kind, who->claim[i].value);
		if (strcmp(who->claim[i].kind, "email") == 0)
			add_folded(c, who->claim[i].value);
	}
	overlay_typed(c->f->overlay, TYPED_MAX, add_typed, c);
}

/* ---- looking ---- */

/* An enrolment's reference, or an id of HQ's. */
static const char *kind_of(const char *customer_id)
{
	return strlen(customer_id) == EVENT_ID_SIZE - 1 ? "unit" : "customer_id";
}

int flow_hint_person(const struct flow *f, const char *customer_id, struct overlay_person *out)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);

	return overlay_person(f->overlay, &hq, kind_of(customer_id), customer_id, out);
}

/* What a line of HQ's says of where to look. */
struct bears {
	bool enrolled, likely;
};

/* The text is looked at, not read: nearly all lines have nothing of it. Within a value the quotes
 * stand escaped, so no name is taken for it. */
static void on_line(void *ctx, const struct profile *p, const char *line, size_t len)
{
	static const char unit[] = "{\"kind\":\"unit\",", likely[] = "\"likely\":[{";
	struct bears *b = ctx;

	(void)p;
	b->enrolled = b->enrolled || memmem(line, len, unit, sizeof unit - 1);
	b->likely = b->likely || memmem(line, len, likely, sizeof likely - 1);
}

static struct bears bears(const struct flow *f, const char *customer_id)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);
	struct bears b = {.enrolled = false};

	hq.lines(hq.ctx, kind_of(customer_id), customer_id, on_line, &b);
	return b;
}

static void look_here(struct flow *f, const struct hint_ask *ask, struct hint *best)
{
	struct candidates c = {.f = f, .ask = ask};
	struct overlay_person other;

	gather(&c);
	for (int i = 0; i < c.count; i++) {
		if (flow_hint_person(f, c.id[i], &other) != 1)
			continue;
		hint_look(ask, &other, best);
		overlay_person_free(&other);
	}
}

/* Of whom the store has no record it says nothing. */
static void look_told(struct flow *f, const struct hint_ask *ask, struct hint *best)
{
	struct overlay_person other;

	for (size_t i = 0; i < ask->who->likely_count && i < TOLD_MAX; i++) {
		const struct overlay_likely *told = &ask->who->likely[i];
		if (flow_hint_person(f, told->customer_id, &other) != 1)
			continue;
		hint_told(ask, told, &other, best);
		overlay_person_free(&other);
	}
}

static void look_for(struct flow *f, const struct overlay_person *who, bool here, struct hint *best)
{
	struct hint_ask ask = {.who = who, .rules = &f->table, .model = f->hints->model};

	if (!hint_may(who, &f->table))
		return;
	counter_add(f->p.counters, COUNTER_HINTS_LOOKED, 1);
	hint_begin(&ask);
	if (here)
		look_here(f, &ask, best);
	look_told(f, &ask, best);
}

static bool has_unit(const struct overlay_person *p, const struct ref *unit)
{
	for (size_t i = 0; i < p->unit_count; i++)
		if (ref_same(&p->unit[i], unit))
			return true;
	return false;
}

/* Whoever got a suggestion keeps it in this sale, also when HQ has taken a correction meanwhile. */
static void look(struct flow *f, struct slot *s, const struct lane_view *v)
{
	const char *id = v->profile.customer_id;
	struct overlay_person who;
	struct profile touched;
	struct hint best = {.mbit = 0};
	bool was_on = s->on;

	s->on = false;
	if (!flow_hint_wanted(v))
		return;
	bool own = overlay_profile(f->overlay, id, &touched) == 1;
	const struct bears hq = bears(f, id);
	if ((!own && !was_on && !hq.enrolled && !hq.likely) || flow_hint_person(f, id, &who) != 1)
		return;
	bool here = own || hq.enrolled || (was_on && has_unit(&who, &s->hint.here));
	if (here || hq.likely)
		look_for(f, &who, here, &best);
	overlay_person_free(&who);
	text_copy(s->customer_id, sizeof s->customer_id, id);
	text_copy(s->basket_id, sizeof s->basket_id, v->basket_id);
	s->hint = best;
	s->on = best.mbit > 0;
}

static void look_at(struct flow *f, int lane)
{
	struct slot *s = &f->hints->slot[lane];
	const struct slot before = *s;
	struct lane_view v;

	s->due = false;
	if (!sale_view(f->sale, f->conf->lanes[lane], &v))
		return;
	look(f, s, &v);
	if (s->on != before.on || (s->on && strcmp(s->hint.text, before.hint.text) != 0) ||
	    !ref_same(&s->hint.other, &before.hint.other))
		flow_publish_lane(f, f->conf->lanes[lane]);
}

/* A lane at a time: the loop serves others in between. */
static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct flow *f = ctx;
	int next = 0;

	(void)fd;
	(void)what;
	while (next < f->conf->lane_count && !f->hints->slot[next].due)
		next++;
	if (!f->overlay || next == f->conf->lane_count)
		return;
	look_at(f, next);
	event_add(f->hints->event, &at_once);
}

static void soon(struct flow *f, struct slot *s)
{
	s->due = true;
	event_add(f->hints->event, &at_once);
}

/* ---- when ---- */

bool flow_hint_wanted(const struct lane_view *v)
{
	return v->basket_id[0] && v->person == PERSON_KNOWN && !v->person_struck &&
	       !v->person_early && !v->profile.confidential;
}

static struct slot *slot_of(const struct flow *f, const char *lane)
{
	for (int i = 0; i < f->conf->lane_count; i++)
		if (strcmp(f->conf->lanes[i], lane) == 0)
			return &f->hints->slot[i];
	return NULL;
}

void flow_hint_met(struct flow *f, const struct lane_view *v)
{
	struct slot *s = slot_of(f, v->lane);

	if (s && flow_hint_wanted(v) &&
	    (strcmp(s->customer_id, v->profile.customer_id) != 0 ||
	     strcmp(s->basket_id, v->basket_id) != 0)) {
		text_copy(s->customer_id, sizeof s->customer_id, v->profile.customer_id);
		text_copy(s->basket_id, sizeof s->basket_id, v->basket_id);
		s->on = false;
		soon(f, s);
	}
}

void flow_hint_due(struct flow *f)
{
	for (int i = 0; f->overlay && i < f->conf->lane_count; i++)
		soon(f, &f->hints->slot[i]);
}

const struct hint *flow_hint_on(const struct flow *f, const struct lane_view *v)
{
	const struct slot *s = slot_of(f, v->lane);

	if (!s || !s->on || !flow_hint_wanted(v) ||
	    strcmp(s->customer_id, v->profile.customer_id) != 0 ||
	    strcmp(s->basket_id, v->basket_id) != 0)
		return NULL;
	return &s->hint;
}

/* ---- making ---- */

void flow_hint_weigh(struct flow *f, struct score_model *model)
{
	score_model_free(f->hints->model);
	f->hints->model = model;
	flow_hint_due(f);
}

int flow_hint_start(struct flow *f)
{
	f->hints = calloc(1, sizeof *f->hints);
	if (!f->hints)
		return -1;
	f->hints->model = score_model_defaults();
	f->hints->event = event_new(f->p.base, -1, 0, on_turn, f);
	return f->hints->model && f->hints->event ? 0 : -1;
}

void flow_hint_free(struct flow *f)
{
	if (!f->hints)
		return;
	if (f->hints->event)
		event_free(f->hints->event);
	score_model_free(f->hints->model);
	free(f->hints);
}
