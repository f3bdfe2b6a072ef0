/* What a lane's screen and its tills are told (WIRE.md: "Lane view", "customer"). */
#include "flow/flow_hint.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "event/member.h"

#define DISK_SLOW_US 900000000 /* a slow commit is said so long on the strip: 15 min */
#define STARTING_TEXT "Cards are kept, names in a moment"

/* Nothing to say is null. */
static void add_text(struct buf *out, const char *key, const char *text)
{
	member_text(out, key, text && text[0] ? text : NULL);
}

static void add_money(struct buf *out, const char *key, int64_t minor, int digits)
{
	char text[NUM_MONEY_SIZE];

	num_money_text(minor, digits, text);
	member_text(out, key, text);
}

static void begin(struct buf *out, const char *key)
{
	member_key(out, key);
	buf_byte(out, '{');
}

static void end(struct buf *out)
{
	buf_byte(out, '}');
}

/* ---- age, and HQ ---- */

static void state_of(const struct flow *f, struct sync_state *s, struct freshness_view *fresh)
{
	*s = (struct sync_state){0};
	if (f->sync)
		sync_state(f->sync, s);
	flow_freshness(f, s, fresh);
}

static void add_fresh(struct buf *out, const struct freshness_view *v)
{
	begin(out, "fresh");
	member_text(out, "level", flow_freshness_name(v->level));
	if (v->age_us < 0)
		add_text(out, "age_s", NULL);
	else
		member_integer(out, "age_s", v->age_us / 1000000);
	add_text(out, "as_of", v->as_of);
	member_text(out, "text", v->text);
	end(out);
}

bool flow_disk_slow(const struct flow *f, const struct journal_state *j)
{
	int64_t now_us = clock_mono_us(f->p.clock);

	if (j->busy_since_us && now_us - j->busy_since_us > JOURNAL_SLOW_US)
		return true;
	return j->slow_end_us && now_us - j->slow_end_us < DISK_SLOW_US;
}

/* What the manager should hear of before it gets worse. */
static const char *alarm_text(const struct flow *f)
{
	struct journal_state j;

	journal_state(f->p.journal, &j);
	if (j.cannot_keep)
		return "Nothing can be kept: call for help";
	if (j.full)
		return "The box's disk is full: call for help";
	if (flow_disk_slow(f, &j))
		return "The box's disk is slow and may be failing";
	return f->overlay_late ? "HQ has not confirmed a customer for 30 days: call for help" : "";
}

static void add_hq(const struct flow *f, struct buf *out, const struct sync_state *s)
{
	char since[6] = "";

	if (s->hq_heard_mono_us)
		flow_clock_text(clock_wall_us(f->p.clock) -
		                    (clock_mono_us(f->p.clock) - s->hq_heard_mono_us),
		                since);
	begin(out, "hq");
	member_bool(out, "reachable", s->connected && s->hq_heard);
	add_text(out, "since", since);
	end(out);
}

/* ---- who ---- */

static const char *person_name(enum person_state p)
{
	static const char *const names[] = {
	    [PERSON_NONE] = "none",         [PERSON_KNOWN] = "known",
	    [PERSON_UNKNOWN] = "unknown",   [PERSON_CARD_REFUSED] = "refused_card",
	    [PERSON_CONFLICT] = "conflict", [PERSON_SHARED] = "shared",
	    [PERSON_BLOCKED] = "blocked",   [PERSON_STALE] = "stale",
	    [PERSON_STAFF] = "staff",
	};

	return names[p];
}

/* The name as this lane may show it: "Member" for the confidential and when the data is too old,
 * the first letter alone until a basket is open. */
static void shown_name(const struct lane_view *v, bool locked, char out[72])
{
	const char *name = v->profile.first_name;
	size_t letter = 1;

	if (locked || v->profile.confidential) {
		text_copy(out, 72, "Member");
		return;
	}
	if ((v->state != LANE_IDLE && !v->person_early) || !name[0]) {
		text_copy(out, 72, name);
		return;
	}
	while (((unsigned char)name[letter] & 0xc0) == 0x80)
		letter++;
	snprintf(out, 72, "%.*s\u2026", (int)letter, name);
}

/* What may be told of who is here, to the screen and to the till alike. true: the name is not
 * whole.
 */
static bool add_who(struct buf *out, const struct lane_view *v, enum freshness level)
{
	const struct profile *p = &v->profile;
	bool known = v->person == PERSON_KNOWN, locked = level == FRESH_LOCKED;
	bool points = known && p->has_points && level < FRESH_NO_POINTS;
	char name[72] = "";

	if (known)
		shown_name(v, locked, name);
	add_text(out, "first_name", name);
	add_text(out, "tier", known && !locked && !p->confidential ? p->tier : "");
	if (points)
		member_integer(out, "points", p->points);
	else
		add_text(out, "points", NULL);
	add_text(out, "points_as_of", points ? p->points_as_of : "");
	member_bool(out, "provisional", v->person_provisional);
	member_bool(out, "shared", v->person_shared);
	member_bool(out, "staff", v->person_staff);
	/* What the identification is good for: anybody can type somebody's number. */
	add_text(out, "assurance",
	         !known || v->person_struck               ? ""
	         : v->person_scanned && !v->person_shared ? "scanned"
	                                                  : "typed");
	return known && strcmp(name, p->first_name) != 0;
}

bool flow_view_open(const struct lane_view *v)
{
	return v->state == LANE_BASKET || v->state == LANE_TENDER;
}

enum freshness flow_view_level(const struct flow *f)
{
	struct sync_state s;
	struct freshness_view fresh;

	state_of(f, &s, &fresh);
	return fresh.level;
}

const char *flow_view_details(const struct lane_view *v, enum freshness level)
{
	const struct profile *p = &v->profile;

	if (!flow_view_open(v) || v->person != PERSON_KNOWN || v->person_struck ||
	    v->person_early || !v->profile_ref[0])
		return NULL;
	return p->confidential || p->restricted || level == FRESH_LOCKED ? NULL : v->profile_ref;
}

void flow_view_found(const struct flow *f, const struct profile *p, bool open, bool shared,
                     struct buf *out)
{
	const struct lane_view v = {.state = open ? LANE_BASKET : LANE_IDLE,
	                            .person = PERSON_KNOWN,
	                            .profile = *p,
	                            .person_shared = shared};

	member_bool(out, "masked", add_who(out, &v, flow_view_level(f)));
	member_bool(out, "confidential", p->confidential);
}

static void add_person(struct flow *f, struct buf *out, const struct lane_view *v,
                       enum freshness level)
{
	bool starting = f->stage == FLOW_STARTING;
	bool is_new = v->person == PERSON_KNOWN && f->overlay &&
	              overlay_is_new(f->overlay, v->profile.customer_id);

	flow_hint_met(f, v);
	begin(out, "person");
	member_text(out, "state", person_name(v->person));
	member_bool(out, "asking", v->asking);
	bool masked = add_who(out, v, level);
	member_bool(out, "struck", v->person_struck);
	member_bool(out, "new", is_new);
	member_bool(out, "masked", masked);
	member_bool(out, "confidential", v->person == PERSON_KNOWN && v->profile.confidential);
	add_text(out, "details", starting ? NULL : flow_view_details(v, level));
	end(out);
}

void flow_customer_json(const struct flow *f, const struct lane_view *v, struct buf *out)
{
	struct sync_state s;
	struct freshness_view fresh;
	bool held = v->question_id[0] && strcmp(v->question_kind, "which") != 0;

	state_of(f, &s, &fresh);
	buf_byte(out, '{');
	member_text(out, "type", "customer");
	add_text(out, "basket", v->till_basket);
	member_text(out, "state", held ? "held" : person_name(v->person));
	add_who(out, v, fresh.level);
	add_text(out, "profile_ref", v->profile_ref);
	end(out);
}

/* ---- the question ---- */

/* The question, without the name where the lane may not show it. */
static const char *question_text(const struct lane_view *v, bool locked)
{
	if (!locked && v->state != LANE_IDLE)
		return v->question_text;
	if (strcmp(v->question_kind, "replace") == 0)
		return "Replace the customer?";
	return strcmp(v->question_kind, "last") == 0 ? "Last customer?" : "This customer or next?";
}

static void add_question(struct buf *out, const struct lane_view *v, bool locked)
{
	bool which = strcmp(v->question_kind, "which") == 0; /* its choices are names */
	if (!v->question_id[0] || (which && locked)) {
		add_text(out, "question", NULL);
		return;
	}
	begin(out, "question");
	member_text(out, "id", v->question_id);
	member_text(out, "kind", v->question_kind);
	member_text(out, "text", question_text(v, locked));
	member_key(out, "choices");
	buf_byte(out, '[');
	for (int i = 0; i < v->choice_count; i++) {
		member_next(out);
		buf_byte(out, '{');
		member_text(out, "key", v->choices[i].key);
		member_text(out, "label", v->choices[i].label);
		end(out);
	}
	buf_byte(out, ']');
	end(out);
}

/* HQ's other word on who this is. */
static void add_change(struct buf *out, const struct lane_view *v, bool locked)
{
	if (!v->change_id[0]) {
		add_text(out, "change", NULL);
		return;
	}
	begin(out, "change");
	member_text(out, "id", v->change_id);
	member_text(out, "text", locked ? "HQ knows this customer already" : v->change_text);
	end(out);
}

/* Whom the customer may be, too. A withdrawal may be waiting where the data is too old for prompts;
 * where HQ was never heard it speaks of this store's own enrolments only. */
static void add_suggestion(const struct flow *f, struct buf *out, const struct lane_view *v,
                           const struct freshness_view *fresh)
{
	const struct hint *h = flow_hint_on(f, v);
	char id[EVENT_ID_SIZE];

	if (!h || (fresh->level >= FRESH_NO_PROMPTS && fresh->age_us >= 0)) {
		add_text(out, "suggestion", NULL);
		return;
	}
	text_b64(h->other.byte, sizeof h->other.byte, id);
	begin(out, "suggestion");
	member_text(out, "id", id);
	member_text(out, "text", h->text);
	end(out);
}

/* ---- the basket ---- */

static void add_line(struct buf *out, const struct lane_line *l, int digits)
{
	member_next(out);
	buf_byte(out, '{');
	add_text(out, "line_id", l->line_id);
	add_text(out, "name", l->name);
	add_text(out, "quantity", l->quantity);
	add_text(out, "unit", l->unit);
	add_money(out, "price", l->price, digits);
	add_money(out, "total", l->total, digits);
	member_bool(out, "provisional", l->provisional);
	end(out);
}

static void add_basket(const struct flow *f, struct buf *out, const struct lane_view *v)
{
	int digits = num_currency_digits(f->conf->currency);

	if (!v->basket_id[0]) {
		add_text(out, "basket", NULL);
		return;
	}
	begin(out, "basket");
	member_text(out, "till", v->till);
	member_key(out, "lines");
	buf_byte(out, '[');
	for (size_t i = 0; i < v->line_count; i++)
		add_line(out, &v->lines[i], digits);
	buf_byte(out, ']');
	add_money(out, "value", v->value, digits);
	member_text(out, "currency", f->conf->currency);
	end(out);
}

/* The one service prompt by state; nothing personal is prompted from data that is too old. */
static const char *prompt_of(const struct flow *f, const struct lane_view *v, enum freshness level)
{
	if (v->state == LANE_DONE || v->question_id[0] || v->person_early)
		return "";
	/* Until a basket is open the name is masked: nobody can be greeted by it. */
	bool unnamed = v->person_shared || v->profile.confidential || !v->profile.first_name[0];
	if (v->person == PERSON_KNOWN && !v->person_struck && unnamed)
		return "";
	if (v->person == PERSON_KNOWN && !v->person_struck)
		return level < FRESH_NO_PROMPTS && v->state != LANE_IDLE ? f->conf->prompt_greet
		                                                         : "";
	return v->person == PERSON_NONE || v->person_struck ? f->conf->prompt_ask : "";
}

/* ---- the lane ---- */

bool flow_new_card(const struct flow *f, const char *lane, struct sale_early *scan)
{
	if (!sale_missed(f->sale, lane, scan) || scan->staff || strcmp(scan->method, "scan") != 0)
		return false;
	return scan->kind == IDENT_LOYALTY || scan->kind == IDENT_GSRN ||
	       scan->kind == IDENT_WALLET;
}

static bool new_card(const struct flow *f, const char *lane)
{
	struct sale_early scan;

	return flow_new_card(f, lane, &scan);
}

/* It is not known yet what stands on any lane. */
static void starting_view(const struct flow *f, struct lane_view *v)
{
	if (sale_early_count(f->sale, v->lane))
		text_copy(v->notice, sizeof v->notice, "Card kept");
}

bool flow_lane_json(struct flow *f, const char *lane, struct buf *out)
{
	static const char *const states[] = {
	    [LANE_IDLE] = "idle",
	    [LANE_BASKET] = "basket",
	    [LANE_TENDER] = "tender",
	    [LANE_DONE] = "done",
	};
	struct lane_view v;
	struct sync_state s;
	struct freshness_view fresh;
	char restored[6] = "", at[CLOCK_ISO8601_SIZE];
	bool starting = f->stage == FLOW_STARTING;

	if (!sale_view(f->sale, lane, &v))
		return false;
	if (starting)
		starting_view(f, &v);
	state_of(f, &s, &fresh);
	if (v.restored)
		flow_clock_text(v.restored_wall_us, restored);
	clock_iso8601(clock_wall_us(f->p.clock), at);
	buf_byte(out, '{');
	member_text(out, "lane", v.lane);
	member_count(out, "rev", v.rev);
	member_text(out, "state", starting ? "starting" : states[v.state]);
	add_person(f, out, &v, fresh.level);
	member_bool(out, "new_card", new_card(f, lane));
	add_question(out, &v, fresh.level == FRESH_LOCKED);
	add_change(out, &v, fresh.level == FRESH_LOCKED);
	add_suggestion(f, out, &v, &fresh);
	add_text(out, "notice", v.notice);
	member_text(out, "prompt", starting ? STARTING_TEXT : prompt_of(f, &v, fresh.level));
	add_text(out, "restored", restored);
	add_text(out, "restored_cause", v.restored);
	add_basket(f, out, &v);
	add_fresh(out, &fresh);
	add_hq(f, out, &s);
	add_text(out, "alarm", alarm_text(f));
	member_text(out, "at", at);
	end(out);
	return true;
}
