#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#define US_PER_S 1000000
#define US_PER_MS INT64_C(1000)
#define WALL_US_MIN (-62135596800LL * US_PER_S)                /* 0001-01-01T00:00:00.000Z */
#define WALL_US_MAX (253402300799LL * US_PER_S + US_PER_S - 1) /* 9999-12-31T23:59:59.999Z */

static int64_t now_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static int64_t system_mono_us(void *ctx)
{
	(void)ctx;
	return now_us(CLOCK_BOOTTIME);
}

static int64_t system_wall_us(void *ctx)
{
	(void)ctx;
	return now_us(CLOCK_REALTIME);
}

static enum clock_trust system_trust(void *ctx)
{
	(void)ctx;
	struct timex state = {0};
	int r = adjtimex(&state);
	return r < 0 || r == TIME_ERROR || (state.status & STA_UNSYNC) ? CLOCK_NONE : CLOCK_KERNEL;
}

const struct clock *clock_system(void)
{
	static const struct clock system = {
	    .mono_us = system_mono_us, .wall_us = system_wall_us, .trust = system_trust};
	return &system;
}

int64_t clock_mono_us(const struct clock *c)
{
	return c->mono_us(c->ctx);
}

int64_t clock_wall_us(const struct clock *c)
{
	return c->wall_us(c->ctx);
}

enum clock_trust clock_trusted(const struct clock *c)
{
	return c->trust(c->ctx);
}

void clock_read(const struct clock *c, struct clock_now *out)
{
	if (c->now) {
		c->now(c->ctx, out);
		return;
	}
	*out = (struct clock_now){clock_mono_us(c), clock_wall_us(c), clock_trusted(c)};
}

int64_t clock_least_us(const struct clock *c)
{
	return c->least_us ? c->least_us(c->ctx) : clock_wall_us(c);
}

int64_t clock_date_us(const struct clock *c)
{
	return c->date_us ? c->date_us(c->ctx) : clock_wall_us(c);
}

static const char *const trust_names[] = {
    [CLOCK_NONE] = "none", [CLOCK_KERNEL] = "kernel", [CLOCK_RTC] = "rtc", [CLOCK_HQ] = "hq"};

const char *clock_trust_name(enum clock_trust trust)
{
	return trust_names[trust];
}

enum clock_trust clock_trust_of(const char *name)
{
	for (int i = CLOCK_KERNEL; i <= CLOCK_HQ; i++) {
		if (strcmp(name, trust_names[i]) == 0)
			return (enum clock_trust)i;
	}
	return CLOCK_NONE;
}

void clock_boot_id(char out[CLOCK_BOOT_ID_SIZE])
{
	memset(out, '0', CLOCK_BOOT_ID_SIZE - 1);
	out[CLOCK_BOOT_ID_SIZE - 1] = 0;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!f)
		return;
	char text[64] = "", id[CLOCK_BOOT_ID_SIZE];
	size_t n = 0;
	if (fgets(text, sizeof text, f))
		for (const char *p = text; *p && n < sizeof id - 1; p++)
			if (isxdigit((unsigned char)*p))
				id[n++] = (char)tolower((unsigned char)*p);
	fclose(f);
	if (n == sizeof id - 1)
		memcpy(out, id, n);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

/* Fixed width by hand: the years are clamped, and printf cannot prove it. */
static void put_digits(char *at, int width, int64_t v)
{
	while (width-- > 0) {
		at[width] = (char)('0' + v % 10);
		v /= 10;
	}
}

static void put_date(const struct tm *tm, char *out)
{
	memcpy(out, "0000-00-00", CLOCK_DATE_SIZE);
	put_digits(out, 4, tm->tm_year + 1900);
	put_digits(out + 5, 2, tm->tm_mon + 1);
	put_digits(out + 8, 2, tm->tm_mday);
}

static int64_t clamped(int64_t wall_us)
{
	if (wall_us < WALL_US_MIN)
		return WALL_US_MIN;
	return wall_us > WALL_US_MAX ? WALL_US_MAX : wall_us;
}

/* The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin in March (H.
 * Hinnant, "chrono-compatible low-level date algorithms"): gmtime_r takes a lock of the whole
 * process each time. */
static void civil_date(int64_t day, struct tm *tm)
{
	const int64_t era_days = 146097, to_march_0000 = 719468;
	int64_t z = day + to_march_0000, era = floor_div(z, era_days);
	int64_t doe = z - era * era_days;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t month = (5 * doy + 2) / 153;

	tm->tm_mday = (int)(doy - (153 * month + 2) / 5 + 1);
	tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	tm->tm_year = (int)(yoe + era * 400 + (tm->tm_mon < 2)) - 1900;
}

void clock_iso8601(int64_t wall_us, char out[CLOCK_ISO8601_SIZE])
{
	wall_us = clamped(wall_us);
	int64_t s = floor_div(wall_us, US_PER_S), day = floor_div(s, 86400);
	int of_day = (int)(s - day * 86400);
	struct tm tm;
	civil_date(day, &tm);
	memcpy(out, "0000-00-00T00:00:00.000Z", CLOCK_ISO8601_SIZE);
	put_date(&tm, out);
	out[10] = 'T';
	put_digits(out + 11, 2, of_day / 3600);
	put_digits(out + 14, 2, of_day / 60 % 60);
	put_digits(out + 17, 2, of_day % 60);
	put_digits(out + 20, 3, (wall_us - s * US_PER_S) / 1000);
}

int64_t clock_whole_ms(int64_t us, bool up)
{
	if (us > INT64_MAX - US_PER_MS || us < INT64_MIN + US_PER_MS)
		return us;
	return floor_div(us + (up ? US_PER_MS - 1 : 0), US_PER_MS) * US_PER_MS;
}

/* Digits where the pattern has '0', the very same byte elsewhere. */
static bool has_shape(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++)
		if (*pattern == '0' ? !isdigit((unsigned char)*text) : *text != *pattern)
			return false;
	return *text == 0;
}

static int digits(const char *at, int width)
{
	int v = 0;
	while (width-- > 0)
		v = v * 10 + (*at++ - '0');
	return v;
}

int clock_parse_iso8601(const char *text, int64_t *wall_us)
{
	bool with_ms = has_shape(text, "0000-00-00T00:00:00.000Z");
	if (!with_ms && !has_shape(text, "0000-00-00T00:00:00Z"))
		goto err;
	struct tm tm = {.tm_year = digits(text, 4) - 1900,
	                .tm_mon = digits(text + 5, 2) - 1,
	                .tm_mday = digits(text + 8, 2),
	                .tm_hour = digits(text + 11, 2),
	                .tm_min = digits(text + 14, 2),
	                .tm_sec = digits(text + 17, 2)};
	struct tm given = tm;
	time_t t = timegm(&tm);
	/* timegm carries the 31st of February over into March: what comes back must be what came.
	 */
	if (given.tm_year < 1 - 1900 || tm.tm_year != given.tm_year || tm.tm_mon != given.tm_mon ||
	    tm.tm_mday != given.tm_mday || tm.tm_hour != given.tm_hour ||
	    tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
		goto err;
	*wall_us = (int64_t)t * US_PER_S + (with_ms ? digits(text + 20, 3) * 1000 : 0);
	return 0;
err:
	errno = EINVAL;
	return -1;
}

static void local_time(int64_t wall_us, struct tm *tm)
{
	time_t t = (time_t)floor_div(wall_us, US_PER_S);
	localtime_r(&t, tm);
}

static void put_day_before(const struct tm *tm, char out[CLOCK_DATE_SIZE])
{
	struct tm noon = {
	    .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday, .tm_hour = 12};
	civil_date(floor_div((int64_t)timegm(&noon), 86400) - 1, &noon);
	put_date(&noon, out);
}

/* In the hour that comes twice the clock stands before the cut again, after it has passed it: has
 * the cut's first coming on this date been? */
static bool cut_was_passed(int64_t wall_us, const struct tm *now, int cut_min)
{
	struct tm cut = {.tm_year = now->tm_year,
	                 .tm_mon = now->tm_mon,
	                 .tm_mday = now->tm_mday,
	                 .tm_hour = cut_min / 60,
	                 .tm_min = cut_min % 60,
	                 .tm_isdst = 1};
	time_t first = mktime(&cut);
	return cut.tm_hour * 60 + cut.tm_min == cut_min && cut.tm_mday == now->tm_mday &&
	       floor_div(wall_us, US_PER_S) >= (int64_t)first;
}

void clock_business_date(int64_t wall_us, int cut_min, char out[CLOCK_DATE_SIZE])
{
	struct tm tm;
	/* Inside the edges: offset and cut may not leave the four-digit years either. */
	int64_t day = 86400LL * US_PER_S;
	if (wall_us < WALL_US_MIN + 2 * day)
		wall_us = WALL_US_MIN + 2 * day;
	if (wall_us > WALL_US_MAX - day)
		wall_us = WALL_US_MAX - day;
	local_time(wall_us, &tm);
	if (tm.tm_hour * 60 + tm.tm_min >= cut_min || cut_was_passed(wall_us, &tm, cut_min))
		put_date(&tm, out);
	else
		put_day_before(&tm, out);
}

int clock_utc_offset_min(int64_t wall_us)
{
	struct tm tm;
	local_time(clamped(wall_us), &tm);
	return (int)(tm.tm_gmtoff / 60);
}
