/* Time as the rest of the house sees it: one struct of functions, so that tests turn the clock.
 *
 * mono_us is CLOCK_BOOTTIME in microseconds (it counts through suspend), wall_us is microseconds
 * since 1970-01-01 UTC. Order never comes from the wall clock.
 */
#ifndef LANEWAY_BASE_CLOCK_H
#define LANEWAY_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why the wall clock may be believed. CLOCK_NONE: not at all. */
enum clock_trust { CLOCK_NONE, CLOCK_KERNEL, CLOCK_RTC, CLOCK_HQ };

/* One moment, all of one reading. */
struct clock_now {
	int64_t mono_us, wall_us;
	enum clock_trust trust;
};

struct clock {
	int64_t (*mono_us)(void *ctx);
	int64_t (*wall_us)(void *ctx);
	enum clock_trust (*trust)(void *ctx);
	void *ctx;
	/* May be NULL: then the three above are asked one by one, and the wall clock stands in. */
	void (*now)(void *ctx, struct clock_now *out);
	int64_t (*least_us)(void *ctx);
	int64_t (*date_us)(void *ctx);
};

#define CLOCK_BOOT_ID_SIZE 33 /* 32 hex digits and NUL */
#define CLOCK_ISO8601_SIZE 25 /* "2026-11-21T17:02:03.123Z" and NUL */
#define CLOCK_DATE_SIZE 11    /* "2026-11-21" and NUL */

/* The machine's own clock. Trust is the kernel's synchronisation state (adjtimex). */
const struct clock *clock_system(void);

int64_t clock_mono_us(const struct clock *c);
int64_t clock_wall_us(const struct clock *c);
enum clock_trust clock_trusted(const struct clock *c);
void clock_read(const struct clock *c, struct clock_now *out);

/* It is not earlier than this, whatever the wall clock says: the last trusted time, of this boot or
 * an earlier one, and the time that has run since. */
int64_t clock_least_us(const struct clock *c);

/* The moment to take a calendar date from. As the wall clock, but where that is not trusted and
 * cannot be right (before clock_least_us, or a month after it): clock_least_us. */
int64_t clock_date_us(const struct clock *c);

/* "none", "kernel", "rtc", "hq": the word that stands in an event's context.laneway.clock. */
const char *clock_trust_name(enum clock_trust trust);
/* CLOCK_NONE also for a word that is none of them. */
enum clock_trust clock_trust_of(const char *name);

/* The kernel's boot id as 32 lower-case hex digits; all zeros if the kernel does not tell. */
void clock_boot_id(char out[CLOCK_BOOT_ID_SIZE]);

/* UTC, milliseconds. Times outside the years 0001 to 9999 are clamped to them. */
void clock_iso8601(int64_t wall_us, char out[CLOCK_ISO8601_SIZE]);

/* The whole millisecond at or before a moment, or at or after it: what is told of it elsewhere. The
 * ends of time, which mean "not known", stay as they are. */
int64_t clock_whole_ms(int64_t us, bool up);

/* Read what clock_iso8601 writes (milliseconds optional, 'Z' required). 0, or -1 with errno EINVAL.
 */
int clock_parse_iso8601(const char *text, int64_t *wall_us);

/* The store's business date: the local calendar date (process time zone, set by TZ), and before the
 * local clock first shows cut_min (minutes after midnight, 0 to 1439) the date before it. A day is
 * 23 or 25 hours long when the clocks are changed. */
void clock_business_date(int64_t wall_us, int cut_min, char out[CLOCK_DATE_SIZE]);

/* The local offset from UTC at wall_us, in minutes, -720 to 840. */
int clock_utc_offset_min(int64_t wall_us);

#endif
