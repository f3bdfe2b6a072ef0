/* The time the daemon goes by: an anchor of its own (this much monotonic time is that moment), kept
 * from what can be believed, and run on the monotonic clock in between.
 *
 * The machine's wall clock is only one of the sources. It may be stepped by ten years under us;
 * once there is an anchor nothing follows such a step unless the kernel calls the new time
 * synchronised and it agrees with the anchor, or HQ has signed it. Rules, in this order:
 *
 *   K1  A time before the build of this program, or a day before the floor (below), is believed
 * from nobody but HQ. K2  A synchronised kernel clock within 5 minutes (and both errors) of what HQ
 * signed in this boot is the anchor. Further off, HQ's word is: it is the only one that is signed,
 * with a nonce of ours. K3  Without HQ's word, a synchronised kernel clock within 5 minutes of the
 * anchor becomes the anchor. Further off, nobody is believed (`disputed`) until HQ is heard or the
 * kernel is back. K4  Without any anchor, a real-time clock that the kernel was started from, that
 * still agrees with the wall clock, is one, with a wide error. K5  Without an anchor the wall clock
 * is passed on as it is, as not trusted.
 *
 * The floor is the last time at which the live connection to HQ was checked in full: what TLS holds
 * certificates against while nothing is trusted. A wrong time never becomes the floor, for no chain
 * is valid at it. Any thread.
 */
#ifndef LANEWAY_BASE_CLOCK_KEEP_H
#define LANEWAY_BASE_CLOCK_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"

/* The machine; replaced in tests. */
struct clock_raw {
	int64_t (*mono_us)(void *ctx);
	int64_t (*wall_us)(void *ctx);
	/* Does the kernel call its wall clock synchronised, and how wrong may it be at most? */
	bool (*kernel)(void *ctx, int64_t *error_us);
	/* Was the wall clock set from a real-time clock that still says about wall_us? */
	bool (*rtc)(void *ctx, int64_t wall_us);
	void *ctx;
};
const struct clock_raw *clock_raw_system(void);

/* "This much monotonic time is that moment, so much wrong at most." source CLOCK_NONE: not known.
 */
struct clock_point {
	int64_t mono_us, wall_us, error_us;
	enum clock_trust source;
};

struct clock_keep;

/* build_us: this program was not built later. NULL: out of memory. */
struct clock_keep *clock_keep_new(const struct clock_raw *raw, int64_t build_us,
                                  struct counters *counters);
void clock_keep_free(struct clock_keep *k);

/* The clock that everybody is given; lives as long as k. */
const struct clock *clock_keep_clock(const struct clock_keep *k);

/* What an earlier run left: its last trusted point and floor. In the same boot the point holds on.
 */
struct clock_past {
	struct clock_point point;
	int64_t floor_us; /* 0: none */
	bool same_boot;
};
void clock_keep_recall(struct clock_keep *k, const struct clock_past *past);

/* Look at kernel and RTC; about once a second, and by itself whenever the wall clock has jumped. */
void clock_keep_look(struct clock_keep *k);

/* HQ has signed this point. */
void clock_keep_hq(struct clock_keep *k, const struct clock_point *p);

/* The live connection's certificates are all valid at this time, which is trusted now. */
void clock_keep_floor(struct clock_keep *k, int64_t wall_us);

struct clock_state {
	enum clock_trust trust;
	int64_t wall_us, error_us; /* the time as given out; error_us only when trusted */
	int64_t ahead_us;          /* the machine's wall clock minus the time as given out */
	int64_t floor_us;          /* 0: none yet */
	int64_t trusted_us;        /* last trusted time, of this run or an earlier one; 0: never */
	int64_t hq_mono_us;        /* when HQ was last heard, monotonic; 0: not in this boot */
	int64_t differs_us; /* the synchronised kernel minus HQ while K2 lets HQ win; else 0 */
	bool disputed;      /* K3 */
};
void clock_keep_state(const struct clock_keep *k, struct clock_state *out);

/* Trusted points that ought to be journaled: the first of this run, one an hour, and one at each
 * step or change of source, but after five in a row no more than one a minute. true: *out is one;
 * say clock_keep_told when it has been handed to the journal. */
struct clock_news {
	struct clock_point point; /* of now; the error grown to now */
	int64_t offset_us;        /* point minus what the clock would have said by the last news */
	const char *reason;       /* "first", "hourly", "step", "source" */
	int64_t floor_us;
};
bool clock_keep_news(struct clock_keep *k, struct clock_news *out);
void clock_keep_told(struct clock_keep *k, const struct clock_news *news);

#endif
