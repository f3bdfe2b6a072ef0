/* How old the profiles are, in the words of the strip. */
#include "flow/flow_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define MINUTE_US (60LL * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

void flow_clock_text(int64_t wall_us, char out[6])
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(out, 6, "%H:%M", &tm);
}

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
	struct clock_now now;
	clock_read(f->p.clock, &now);
	if (now.trust)
		return now.wall_us > s->synced_wall_us ? now.wall_us - s->synced_wall_us : 0;
	int64_t age = clock_least_us(f->p.clock) - s->synced_wall_us;
	/* The clock may be far behind: at least the time since boot has passed, and a day is
	 * assumed, so that the screen never calls data of unknown age fresh. */
	if (age < now_mono)
		age = now_mono;
	return age > DAY_US ? age : DAY_US;
}

void flow_freshness(const struct flow *f, const struct sync_state *s, struct freshness_view *v)
{
	memset(v, 0, sizeof *v);
	v->age_us = shard_age_us(f, s);
	if (v->age_us < 0) {
		v->level = FRESH_NO_PROMPTS;
		text_copy(v->text, sizeof v->text, "no customer data yet");
		return;
	}
	v->level = level_of(v->age_us);
	struct clock_now now;
	clock_read(f->p.clock, &now);
	flow_clock_text(now.trust ? now.wall_us - v->age_us : s->synced_wall_us, v->as_of);
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

const char *flow_freshness_name(enum freshness level)
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
