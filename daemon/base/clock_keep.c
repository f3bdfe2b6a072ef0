#include "base/clock_keep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SECOND_US 1000000ll
#define DAY_US (86400 * SECOND_US)
#define AGREE_US (300 * SECOND_US) /* clocks that differ less are not called wrong */
#define STEP_US 500000ll           /* a jump: no slewing moves a clock this far in a second */
#define DRIFT_PPM 100              /* of an uncorrected crystal, at worst */
#define KERNEL_ERROR_US_MIN 1000ll /* a kernel's word of its own error is not finer than this */
#define RTC_ERROR_US                                                                               \
	(600 * SECOND_US) /* 50 ppm over four months without power; nobody says how long it was */
#define ERROR_US_MAX (900 * SECOND_US) /* an anchor that may be wronger than this is let go */
#define NEWS_US (3600 * SECOND_US)     /* a point an hour bounds 100 ppm to 0.2 s between two */
#define NEWS_EACH_US                                                                               \
	(60 * SECOND_US) /* a clock that is stepped all the time fills no journal: one ... */
#define NEWS_BURST 5     /* ... for each of these, and so many at once when it has been quiet */
#define READ_GAP_US 500  /* both clocks read within this are of one moment */
#define READ_TRIES 5     /* of a loaded machine; the best pair counts */
#define PLAUSIBLE_US (30 * DAY_US) /* an untrusted date this far on may still be right */

struct clock_keep {
	struct clock clock;
	const struct clock_raw *raw;
	struct counters *counters;
	int64_t build_us;
	pthread_mutex_t lock; /* for what follows */
	struct clock_point anchor, hq;
	int64_t raw_offset_us; /* wall minus mono of the machine, as last seen */
	int64_t differs_us;
	bool disputed,
	    stepped; /* stepped: the machine's clock, in this run; an RTC says nothing then */
	int64_t floor_us;
	int64_t hq_mono_us;            /* when HQ was last heard; 0: not in this boot */
	int64_t past_us, past_mono_us; /* it was at least this at that time */
	/* what was last journaled, or the machine's clock at the start */
	int64_t told_offset_us, told_mono_us;
	int64_t news_us; /* earliest time for the next */
	enum clock_trust told_source;
	bool told_ever;
};

/* ---- pure ---- */

static int64_t grown_us(int64_t error_us, int64_t distance_us)
{
	return error_us + llabs(distance_us) / 1000000 * DRIFT_PPM +
	       llabs(distance_us) % 1000000 * DRIFT_PPM / 1000000;
}

static int64_t at(const struct clock_point *p, int64_t mono_us)
{
	return p->wall_us + (mono_us - p->mono_us);
}

static int64_t error_at(const struct clock_point *p, int64_t mono_us)
{
	return grown_us(p->error_us, mono_us - p->mono_us);
}

static bool agree(const struct clock_point *a, const struct clock_point *b)
{
	int64_t apart_us = llabs(b->wall_us - at(a, b->mono_us));
	return apart_us <= AGREE_US + error_at(a, b->mono_us) + b->error_us;
}

/* ---- judging; under the lock ---- */

/* K1 */
static bool credible(const struct clock_keep *k, int64_t wall_us)
{
	return wall_us >= k->build_us && wall_us >= k->floor_us - DAY_US;
}

static void note_step(struct clock_keep *k, int64_t by_us)
{
	k->stepped = true;
	counter_add(k->counters, COUNTER_CLOCK_STEPS, 1);
	log_warn("clock: the machine's clock was set by %+.1f s%s", (double)by_us / 1e6,
	         k->anchor.source ? "; the daemon's own time stays" : "");
}

static void set_differs(struct clock_keep *k, int64_t differs_us)
{
	if (differs_us && !k->differs_us) {
		counter_add(k->counters, COUNTER_CLOCK_DIFFERS, 1);
		log_error("ALARM: clock: the kernel calls its time synchronised, but it is %+.1f s "
		          "from the time that HQ signed; HQ's is used",
		          (double)differs_us / 1e6);
	}
	k->differs_us = differs_us;
}

static void set_disputed(struct clock_keep *k, bool disputed, int64_t by_us)
{
	if (disputed && !k->disputed) {
		counter_add(k->counters, COUNTER_CLOCK_DIFFERS, 1);
		log_error(
		    "ALARM: clock: the kernel's synchronised time has moved by %+.1f s; no time "
		    "is trusted until HQ says which is right",
		    (double)by_us / 1e6);
	}
	k->disputed = disputed;
}

/* K2 and K3 */
static void take_kernel(struct clock_keep *k, const struct clock_point *kernel)
{
	if (k->hq.source) {
		bool same = agree(&k->hq, kernel);
		set_differs(k, same ? 0 : kernel->wall_us - at(&k->hq, kernel->mono_us));
		k->anchor = same ? *kernel : k->hq;
		return;
	}
	bool same = !k->anchor.source || agree(&k->anchor, kernel);
	/* An RTC is no witness against a synchronised kernel. */
	same = same || k->anchor.source == CLOCK_RTC;
	set_disputed(k, !same, kernel->wall_us - at(&k->anchor, kernel->mono_us));
	if (same)
		k->anchor = *kernel;
}

static void take_nothing(struct clock_keep *k, int64_t mono_us, int64_t wall_us)
{
	set_differs(k, 0);
	if (k->anchor.source && error_at(&k->anchor, mono_us) > ERROR_US_MAX)
		k->anchor.source = CLOCK_NONE;
	if (!k->anchor.source && !k->stepped && credible(k, wall_us) &&
	    k->raw->rtc(k->raw->ctx, wall_us))
		k->anchor = (struct clock_point){mono_us, wall_us, RTC_ERROR_US, CLOCK_RTC};
}

static void judge(struct clock_keep *k, int64_t mono_us, int64_t wall_us)
{
	int64_t error_us = 0;
	bool synced = k->raw->kernel(k->raw->ctx, &error_us);

	if (synced && credible(k, wall_us)) {
		if (error_us < KERNEL_ERROR_US_MIN)
			error_us = KERNEL_ERROR_US_MIN;
		const struct clock_point kernel = {mono_us, wall_us, error_us, CLOCK_KERNEL};
		take_kernel(k, &kernel);
	} else {
		take_nothing(k, mono_us, wall_us);
	}
	if (k->anchor.source && !k->disputed) {
		k->past_us = at(&k->anchor, mono_us) - error_at(&k->anchor, mono_us);
		k->past_mono_us = mono_us;
	}
}

/* Both clocks at one moment: who is put aside between the two reads tries again, or the pair would
 * be wrong by that while. */
static void read_pair(const struct clock_raw *raw, int64_t *mono_us, int64_t *wall_us)
{
	int64_t best_us = INT64_MAX;
	for (int i = 0; i < READ_TRIES && best_us > READ_GAP_US; i++) {
		int64_t before_us = raw->mono_us(raw->ctx), read_us = raw->wall_us(raw->ctx);
		int64_t gap_us = raw->mono_us(raw->ctx) - before_us;
		if (gap_us >= best_us)
			continue;
		best_us = gap_us;
		*mono_us = before_us + gap_us / 2;
		*wall_us = read_us;
	}
}

/* A jump of the one clock against the other is judged before anybody is told a time. */
static void read_raw(struct clock_keep *k, int64_t *mono_us, int64_t *wall_us)
{
	read_pair(k->raw, mono_us, wall_us);
	int64_t offset_us = *wall_us - *mono_us, by_us = offset_us - k->raw_offset_us;
	k->raw_offset_us = offset_us;
	if (llabs(by_us) < STEP_US)
		return;
	note_step(k, by_us);
	judge(k, *mono_us, *wall_us);
}

/* A proven lower bound: what was once true, and the time since. */
static int64_t least_us(const struct clock_keep *k, int64_t mono_us)
{
	if (k->anchor.source && !k->disputed)
		return at(&k->anchor, mono_us) - error_at(&k->anchor, mono_us);
	return k->past_us + (mono_us - k->past_mono_us);
}

static int64_t given_us(const struct clock_keep *k, int64_t mono_us, int64_t wall_us)
{
	return k->anchor.source ? at(&k->anchor, mono_us) : wall_us;
}

static enum clock_trust trust_of(const struct clock_keep *k)
{
	return k->disputed ? CLOCK_NONE : k->anchor.source;
}

/* ---- the clock that is given out ---- */

static int64_t keep_mono_us(void *ctx)
{
	const struct clock_keep *k = ctx;
	return k->raw->mono_us(k->raw->ctx);
}

static void keep_now(void *ctx, struct clock_now *out)
{
	struct clock_keep *k = ctx;
	int64_t wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &out->mono_us, &wall_us);
	out->wall_us = given_us(k, out->mono_us, wall_us);
	out->trust = trust_of(k);
	pthread_mutex_unlock(&k->lock);
}

static int64_t keep_wall_us(void *ctx)
{
	struct clock_now now;
	keep_now(ctx, &now);
	return now.wall_us;
}

static enum clock_trust keep_trust(void *ctx)
{
	struct clock_now now;
	keep_now(ctx, &now);
	return now.trust;
}

static int64_t keep_least_us(void *ctx)
{
	struct clock_keep *k = ctx;
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	int64_t least = least_us(k, mono_us);
	pthread_mutex_unlock(&k->lock);
	return least;
}

static int64_t keep_date_us(void *ctx)
{
	struct clock_keep *k = ctx;
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	int64_t least = least_us(k, mono_us);
	bool plausible = wall_us >= least - DAY_US && wall_us <= least + PLAUSIBLE_US;
	if (k->anchor.source || plausible)
		least = given_us(k, mono_us, wall_us);
	pthread_mutex_unlock(&k->lock);
	return least;
}

const struct clock *clock_keep_clock(const struct clock_keep *k)
{
	return &k->clock;
}

/* ---- making and feeding ---- */

struct clock_keep *clock_keep_new(const struct clock_raw *raw, int64_t build_us,
                                  struct counters *counters)
{
	struct clock_keep *k = calloc(1, sizeof(*k));
	int64_t wall_us = 0;
	if (!k)
		return NULL;
	pthread_mutex_init(&k->lock, NULL);
	k->clock = (struct clock){.mono_us = keep_mono_us,
	                          .wall_us = keep_wall_us,
	                          .trust = keep_trust,
	                          .ctx = k,
	                          .now = keep_now,
	                          .least_us = keep_least_us,
	                          .date_us = keep_date_us};
	k->raw = raw;
	k->build_us = build_us;
	k->counters = counters;
	k->past_us = build_us;
	read_pair(raw, &k->past_mono_us, &wall_us);
	k->news_us = k->past_mono_us - NEWS_BURST * NEWS_EACH_US;
	k->raw_offset_us = wall_us - k->past_mono_us;
	k->told_offset_us = k->raw_offset_us;
	judge(k, k->past_mono_us, k->past_mono_us + k->raw_offset_us);
	return k;
}

void clock_keep_free(struct clock_keep *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

void clock_keep_recall(struct clock_keep *k, const struct clock_past *past)
{
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	k->floor_us = past->floor_us;
	const struct clock_point *p = &past->point;
	bool holds = past->same_boot && p->source && p->mono_us <= mono_us &&
	             error_at(p, mono_us) <= ERROR_US_MAX;
	if (holds && p->source == CLOCK_HQ) {
		k->hq = *p;
		k->hq_mono_us = p->mono_us;
	}
	if (p->source && p->wall_us - p->error_us > k->build_us) {
		k->past_us = p->wall_us - p->error_us;
		k->past_mono_us = past->same_boot ? p->mono_us : mono_us;
	}
	k->anchor.source = CLOCK_NONE;
	if (holds)
		k->anchor = *p;
	judge(k, mono_us, wall_us);
	pthread_mutex_unlock(&k->lock);
}

void clock_keep_look(struct clock_keep *k)
{
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	judge(k, mono_us, wall_us);
	pthread_mutex_unlock(&k->lock);
}

void clock_keep_hq(struct clock_keep *k, const struct clock_point *p)
{
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	/* An answer that was long on its way says less than the last one does still, if both can be
	 * true. */
	bool both = k->hq.source && llabs(at(&k->hq, p->mono_us) - p->wall_us) <=
	                                error_at(&k->hq, p->mono_us) + p->error_us;
	if (!both || error_at(&k->hq, p->mono_us) >= p->error_us)
		k->hq = *p;
	k->hq.source = CLOCK_HQ;
	k->hq_mono_us = p->mono_us;
	k->disputed = false;
	/* A floor above what HQ signs was a lie of another clock. */
	if (k->floor_us > at(&k->hq, mono_us) + error_at(&k->hq, mono_us))
		k->floor_us = 0;
	k->anchor = k->hq;
	judge(k, mono_us, wall_us);
	pthread_mutex_unlock(&k->lock);
}

void clock_keep_floor(struct clock_keep *k, int64_t wall_us)
{
	pthread_mutex_lock(&k->lock);
	if (wall_us > k->floor_us)
		k->floor_us = wall_us;
	pthread_mutex_unlock(&k->lock);
}

void clock_keep_state(const struct clock_keep *keep, struct clock_state *out)
{
	struct clock_keep *k = (struct clock_keep *)keep;
	int64_t mono_us, wall_us;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	int64_t given = given_us(k, mono_us, wall_us);
	enum clock_trust trust = trust_of(k);
	bool ever = k->past_us != k->build_us;
	*out = (struct clock_state){.trust = trust,
	                            .wall_us = given,
	                            .error_us = trust ? error_at(&k->anchor, mono_us) : 0,
	                            .ahead_us = wall_us - given,
	                            .floor_us = k->floor_us,
	                            .trusted_us = trust  ? given
	                                          : ever ? k->past_us
	                                                 : 0,
	                            .hq_mono_us = k->hq_mono_us,
	                            .differs_us = k->differs_us,
	                            .disputed = k->disputed};
	pthread_mutex_unlock(&k->lock);
}

/* ---- what is to be journaled ---- */

static const char *reason_now(const struct clock_keep *k, int64_t mono_us, int64_t offset_us)
{
	int64_t since_us = mono_us - k->told_mono_us;
	if (!k->told_ever)
		return "first";
	if (mono_us < k->news_us)
		return NULL;
	if (llabs(offset_us) > grown_us(STEP_US, since_us))
		return "step";
	if (k->anchor.source != k->told_source)
		return "source";
	return since_us >= NEWS_US ? "hourly" : NULL;
}

bool clock_keep_news(struct clock_keep *k, struct clock_news *out)
{
	int64_t mono_us, wall_us;
	bool due = false;
	pthread_mutex_lock(&k->lock);
	read_raw(k, &mono_us, &wall_us);
	if (trust_of(k)) {
		wall_us = given_us(k, mono_us, wall_us);
		out->point = (struct clock_point){mono_us, wall_us, error_at(&k->anchor, mono_us),
		                                  k->anchor.source};
		out->offset_us = wall_us - mono_us - k->told_offset_us;
		out->reason = reason_now(k, mono_us, out->offset_us);
		out->floor_us = k->floor_us;
		due = out->reason != NULL;
	}
	pthread_mutex_unlock(&k->lock);
	return due;
}

void clock_keep_told(struct clock_keep *k, const struct clock_news *news)
{
	pthread_mutex_lock(&k->lock);
	int64_t mono_us = news->point.mono_us, full_us = mono_us - NEWS_BURST * NEWS_EACH_US;
	k->news_us = (k->news_us > full_us ? k->news_us : full_us) + NEWS_EACH_US;
	k->told_ever = true;
	k->told_mono_us = news->point.mono_us;
	k->told_offset_us = news->point.wall_us - news->point.mono_us;
	k->told_source = news->point.source;
	pthread_mutex_unlock(&k->lock);
}
