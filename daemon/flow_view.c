/* What screens, tills and tools are told: lane view, customer, status, profile (WIRE.md). */
#include "flow_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "base/text.h"
#include "base/version.h"

#define MINUTE_US (60LL * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* ---- JSON, in the order of the document ---- */

static void member(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "\"%s\":", key);
	if (text && text[0])
		lw_event_json_string(out, text);
	else
		buf_str(out, "null");
}

static void member_bool(struct buf *out, const char *key, bool v)
{
	buf_printf(out, "\"%s\":%s", key, v ? "true" : "false");
}

static void member_money(struct buf *out, const char *key, int64_t minor, int digits)
{
	char text[NUM_MONEY_SIZE];

	num_money_text(minor, digits, text);
	buf_printf(out, "\"%s\":\"%s\"", key, text);
}

static void clock_text(int64_t wall_us, char out[6])
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(out, 6, "%H:%M", &tm);
}

/* ---- how old the shard is ---- */

enum freshness {
	FRESH_NOW,
	FRESH_AS_OF,
	FRESH_AMBER,
	FRESH_NO_PROMPTS,
	FRESH_NO_POINTS,
	FRESH_LOCKED
};

struct freshness_view {
	enum freshness level;
	int64_t age_us; /* -1: never synced */
	char as_of[6];
	char text[64];
};

/* The age of the data by its bounds (DESIGN.md, "Age of the data"). The lease is 90 days: what
 * would shorten it, a box that no paired tablet has used, needs pairing first. */
static enum freshness level_of(int64_t age_us)
{
	static const struct {
		int64_t below_us;
		enum freshness level;
	} bounds[] = {
	    {15 * MINUTE_US, FRESH_NOW},    {DAY_US, FRESH_AS_OF},
	    {7 * DAY_US, FRESH_AMBER},      {14 * DAY_US, FRESH_NO_PROMPTS},
	    {90 * DAY_US, FRESH_NO_POINTS},
	};

	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		if (age_us < bounds[i].below_us)
			return bounds[i].level;
	}
	return FRESH_LOCKED;
}

static int64_t shard_age_us(const struct flow *f, const struct sync_state *s)
{
	int64_t now_mono = clock_mono_us(f->p.clock);

	if (s->synced_mono_us)
		return now_mono - s->synced_mono_us;
	if (!s->synced_wall_us)
		return -1;
	int64_t age = clock_wall_us(f->p.clock) - s->synced_wall_us;
	if (clock_trusted(f->p.clock) != CLOCK_NONE)
		return age > 0 ? age : 0;
	/* The clock may be far behind: at least the time since boot has passed, and a day is
	 * assumed, so that the screen never calls data of unknown age fresh. */
	if (age < now_mono)
		age = now_mono;
	return age > DAY_US ? age : DAY_US;
}

static void freshness(const struct flow *f, const struct sync_state *s, struct freshness_view *v)
{
	memset(v, 0, sizeof *v);
	v->age_us = shard_age_us(f, s);
	if (v->age_us < 0) {
		v->level = FRESH_NO_PROMPTS;
		text_copy(v->text, sizeof v->text, "no customer data yet");
		return;
	}
	v->level = level_of(v->age_us);
	clock_text(clock_wall_us(f->p.clock) - v->age_us, v->as_of);
	int days = (int)(v->age_us / DAY_US);
	switch (v->level) {
	case FRESH_AS_OF:
		snprintf(v->text, sizeof v->text, "as of %s", v->as_of);
		break;
	case FRESH_AMBER:
		snprintf(v->text, sizeof v->text, "as of %s, %d d ago", v->as_of, days);
		break;
	case FRESH_NO_PROMPTS:
	case FRESH_NO_POINTS:
		snprintf(v->text, sizeof v->text, "data %d days old", days);
		break;
	case FRESH_LOCKED:
		text_copy(v->text, sizeof v->text, "data too old: names are locked");
		break;
	case FRESH_NOW:
		break;
	}
}

static const char *freshness_name(enum freshness level)
{
	static const char *const names[] = {
	    [FRESH_NOW] = "now",
	    [FRESH_AS_OF] = "as_of",
	    [FRESH_AMBER] = "amber",
	    [FRESH_NO_PROMPTS] = "no_prompts",
	    [FRESH_NO_POINTS] = "no_points",
	    [FRESH_LOCKED] = "locked",
	};

	return names[level];
}

static void add_fresh(struct buf *out, const struct freshness_view *v)
{
	buf_str(out, "\"fresh\":{");
	member(out, "level", freshness_name(v->level));
	if (v->age_us < 0)
		buf_str(out, ",\"age_s\":null,");
	else
		buf_printf(out, ",\"age_s\":%" PRId64 ",", v->age_us / 1000000);
	member(out, "as_of", v->as_of);
	buf_byte(out, ',');
	buf_str(out, "\"text\":");
	lw_event_json_string(out, v->text);
	buf_str(out, "},");
}

static void add_hq(const struct flow *f, struct buf *out, const struct sync_state *s)
{
	char since[6] = "";

	if (s->hq_heard_mono_us)
		clock_text(clock_wall_us(f->p.clock) -
		               (clock_mono_us(f->p.clock) - s->hq_heard_mono_us),
		           since);
	buf_str(out, "\"hq\":{");
	member_bool(out, "reachable", s->connected && s->hq_heard);
	buf_byte(out, ',');
	member(out, "since", since);
	buf_str(out, "},");
}

static enum freshness level_now(const struct flow *f)
{
	struct sync_state s = {0};
	struct freshness_view v;

	if (f->p.sync)
		sync_state(f->p.sync, &s);
	freshness(f, &s, &v);
	return v.level;
}

/* ---- the lane ---- */

static const char *person_name(enum person_state p)
{
	static const char *const names[] = {
	    [PERSON_NONE] = "none",         [PERSON_KNOWN] = "known",
	    [PERSON_UNKNOWN] = "unknown",   [PERSON_CARD_REFUSED] = "refused_card",
	    [PERSON_CONFLICT] = "conflict",
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
	if (v->state != LANE_IDLE || !name[0]) {
		text_copy(out, 72, name);
		return;
	}
	while (((unsigned char)name[letter] & 0xc0) == 0x80)
		letter++;
	snprintf(out, 72, "%.*s\u2026", (int)letter, name);
}

static void add_person(struct buf *out, const struct lane_view *v, enum freshness level)
{
	const struct profile *p = &v->profile;
	bool known = v->person == PERSON_KNOWN, locked = level == FRESH_LOCKED;
	bool points = known && p->has_points && level < FRESH_NO_POINTS;
	char name[72] = "";

	if (known)
		shown_name(v, locked, name);

	buf_str(out, "\"person\":{");
	member(out, "state", person_name(v->person));
	buf_byte(out, ',');
	member(out, "first_name", name);
	buf_byte(out, ',');
	member(out, "tier", known && !locked && !p->confidential ? p->tier : "");
	if (points)
		buf_printf(out, ",\"points\":%" PRId64 ",", p->points);
	else
		buf_str(out, ",\"points\":null,");
	member(out, "points_as_of", points ? p->points_as_of : "");
	buf_byte(out, ',');
	member_bool(out, "provisional", v->person_provisional);
	buf_byte(out, ',');
	member_bool(out, "struck", v->person_struck);
	buf_byte(out, ',');
	member_bool(out, "masked", known && strcmp(name, p->first_name) != 0);
	buf_str(out, "},");
}

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
	if (!v->question_id[0]) {
		buf_str(out, "\"question\":null,");
		return;
	}
	buf_str(out, "\"question\":{");
	member(out, "id", v->question_id);
	buf_byte(out, ',');
	member(out, "kind", v->question_kind);
	buf_byte(out, ',');
	member(out, "text", question_text(v, locked));
	buf_str(out, ",\"choices\":[");
	for (int i = 0; i < 2; i++) {
		buf_str(out, i ? ",{" : "{");
		member(out, "key", v->choices[i].key);
		buf_byte(out, ',');
		member(out, "label", v->choices[i].label);
		buf_byte(out, '}');
	}
	buf_str(out, "]},");
}

static void add_basket(const struct flow *f, struct buf *out, const struct lane_view *v)
{
	int digits = num_currency_digits(f->conf->currency);

	if (!v->basket_id[0]) {
		buf_str(out, "\"basket\":null,");
		return;
	}
	buf_str(out, "\"basket\":{");
	member(out, "till", v->till);
	buf_str(out, ",\"lines\":[");
	for (size_t i = 0; i < v->line_count; i++) {
		const struct lane_line *l = &v->lines[i];
		buf_str(out, i ? ",{" : "{");
		member(out, "line_id", l->line_id);
		buf_byte(out, ',');
		member(out, "name", l->name);
		buf_byte(out, ',');
		member(out, "quantity", l->quantity);
		buf_byte(out, ',');
		member(out, "unit", l->unit);
		buf_byte(out, ',');
		member_money(out, "price", l->price, digits);
		buf_byte(out, ',');
		member_money(out, "total", l->total, digits);
		buf_byte(out, ',');
		member_bool(out, "provisional", l->provisional);
		buf_byte(out, '}');
	}
	buf_str(out, "],");
	member_money(out, "value", v->value, digits);
	buf_byte(out, ',');
	member(out, "currency", f->conf->currency);
	buf_str(out, "},");
}

/* The one service prompt by state; nothing personal is prompted from data that is too old. */
static const char *prompt_of(const struct flow *f, const struct lane_view *v, enum freshness level)
{
	if (v->state == LANE_DONE || v->question_id[0])
		return "";
	/* Until a basket is open the name is masked: nobody can be greeted by it. */
	if (v->person == PERSON_KNOWN)
		return level < FRESH_NO_PROMPTS && v->state != LANE_IDLE ? f->conf->prompt_greet
		                                                         : "";
	return v->person == PERSON_NONE ? f->conf->prompt_ask : "";
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
	struct sync_state s = {0};
	struct freshness_view fresh;
	char restored[6] = "", at[CLOCK_ISO8601_SIZE];

	if (!sale_view(f->sale, lane, &v))
		return false;
	if (f->p.sync)
		sync_state(f->p.sync, &s);
	freshness(f, &s, &fresh);
	if (v.restored)
		clock_text(v.restored_wall_us, restored);
	buf_byte(out, '{');
	member(out, "lane", v.lane);
	buf_printf(out, ",\"rev\":%" PRIu64 ",", v.rev);
	member(out, "state", states[v.state]);
	buf_byte(out, ',');
	add_person(out, &v, fresh.level);
	add_question(out, &v, fresh.level == FRESH_LOCKED);
	member(out, "notice", v.notice);
	buf_byte(out, ',');
	buf_str(out, "\"prompt\":");
	lw_event_json_string(out, prompt_of(f, &v, fresh.level));
	buf_byte(out, ',');
	member(out, "restored", restored);
	buf_byte(out, ',');
	add_basket(f, out, &v);
	add_fresh(out, &fresh);
	add_hq(f, out, &s);
	clock_iso8601(clock_wall_us(f->p.clock), at);
	member(out, "at", at);
	buf_byte(out, '}');
	return true;
}

void flow_customer_json(const struct flow *f, const struct lane_view *v, struct buf *out)
{
	const struct profile *p = &v->profile;
	enum freshness level = level_now(f);
	bool known = v->person == PERSON_KNOWN, locked = level == FRESH_LOCKED;
	bool points = known && p->has_points && level < FRESH_NO_POINTS;
	char name[72] = "";

	if (known)
		shown_name(v, locked, name);
	buf_str(out, "{\"type\":\"customer\",");
	member(out, "basket", v->till_basket);
	buf_byte(out, ',');
	member(out, "state", v->question_id[0] ? "held" : person_name(v->person));
	buf_byte(out, ',');
	member(out, "first_name", name);
	buf_byte(out, ',');
	member(out, "tier", known && !locked && !p->confidential ? p->tier : "");
	if (points)
		buf_printf(out, ",\"points\":%" PRId64 ",", p->points);
	else
		buf_str(out, ",\"points\":null,");
	member(out, "points_as_of", points ? p->points_as_of : "");
	buf_byte(out, ',');
	member(out, "profile_ref", v->profile_ref);
	buf_byte(out, ',');
	member_bool(out, "provisional", v->person_provisional);
	buf_byte(out, '}');
}

/* ---- status ---- */

static void add_journal(struct flow *f, struct buf *out)
{
	struct journal_state j;
	char epoch[EVENT_EPOCH_SIZE];

	journal_state(f->p.journal, &j);
	text_hex(j.epoch, EVENT_EPOCH_BYTES, epoch);
	buf_printf(out, "\"epoch\":\"%s\",\"seq\":%" PRIu64 ",\"journal\":{", epoch, j.last_seq);
	buf_printf(out, "\"events\":%" PRIu64 ",\"confirmed\":%" PRIu64 ",\"bytes\":%" PRIu64 ",",
	           j.kept, j.confirmed, j.file_bytes);
	member_bool(out, "cannot_keep", j.cannot_keep);
	buf_byte(out, ',');
	member_bool(out, "full", j.full);
	buf_str(out, "},");
}

static void add_sync(struct flow *f, struct buf *out)
{
	struct sync_state s = {0};
	char synced[CLOCK_ISO8601_SIZE] = "";

	if (f->p.sync)
		sync_state(f->p.sync, &s);
	if (s.synced_wall_us)
		clock_iso8601(s.synced_wall_us, synced);
	buf_str(out, "\"sync\":{");
	member_bool(out, "configured", f->p.sync != NULL);
	buf_byte(out, ',');
	member_bool(out, "connected", s.connected);
	buf_byte(out, ',');
	member_bool(out, "reachable", s.connected && s.hq_heard);
	buf_printf(out,
	           ",\"unsent\":%" PRIu64 ",\"outstanding_bytes\":%" PRIu64 ",\"credit\":%" PRIu64,
	           s.unsent, s.outstanding_bytes, s.credit);
	buf_printf(out, ",\"quarantined\":%" PRIu64 ",\"forked\":%" PRIu64 ",", s.quarantined,
	           s.forked);
	member(out, "generation", s.generation);
	buf_printf(out, ",\"shard_version\":%" PRIu64 ",\"profiles\":%" PRIu64 ",", s.shard_version,
	           shard_count(f->shard));
	member(out, "synced", synced);
	buf_str(out, "},");
}

static void add_sources(struct flow *f, struct buf *out)
{
	buf_str(out, "\"sources\":[");
	for (int i = 0; i < f->scanner_count; i++) {
		const struct scanner_params *p = scanner_params(f->scanners[i]);
		buf_str(out, i ? ",{" : "{");
		member(out, "name", p->name);
		buf_byte(out, ',');
		member(out, "lane", p->lane);
		buf_str(out, ",\"kind\":\"scanner\",");
		member_bool(out, "up", scanner_is_up(f->scanners[i]));
		buf_byte(out, '}');
	}
	buf_str(out, "],\"tills\":[");
	bool first = true;
	for (int i = 0; i < f->conf->lane_count; i++) {
		const struct flow_lane *l = &f->lanes[i];
		if (!l->till[0])
			continue;
		buf_str(out, first ? "{" : ",{");
		first = false;
		member(out, "till", l->till);
		buf_byte(out, ',');
		member(out, "lane", l->lane);
		buf_byte(out, ',');
		member_bool(out, "up", l->link != 0);
		buf_byte(out, '}');
	}
	buf_str(out, "],");
}

void flow_status_json(struct flow *f, struct buf *out)
{
	char boot[CLOCK_BOOT_ID_SIZE];

	clock_boot_id(boot);
	buf_byte(out, '{');
	member(out, "store", f->conf->store);
	buf_byte(out, ',');
	member(out, "device", f->conf->device);
	buf_byte(out, ',');
	member(out, "version", version_text());
	buf_byte(out, ',');
	member(out, "boot", boot);
	buf_printf(out, ",\"uptime_s\":%" PRId64 ",\"pos_port\":%d,",
	           (clock_mono_us(f->p.clock) - f->started_mono_us) / 1000000,
	           f->pos ? pos_port(f->pos) : 0);
	add_journal(f, out);
	add_sync(f, out);
	add_sources(f, out);
	buf_str(out, "\"counters\":{");
	for (int i = 0; i < COUNTER_COUNT; i++)
		buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "", counter_name((enum counter_id)i),
		           counter_get(f->p.counters, (enum counter_id)i));
	buf_str(out, "}}");
}

int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out)
{
	struct profile p;

	return shard_get(f->shard, customer_id, &p, out);
}
