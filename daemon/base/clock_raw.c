/* The machine's own clocks, and what the kernel and its real-time clock say of them. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock_keep.h"

#define RTC_FILES "/sys/class/rtc/rtc*/hctosys"
#define RTC_APART_US 60000000ll /* an RTC counts seconds, and drifts a little while we run */

static int64_t raw_mono_us(void *ctx)
{
	(void)ctx;
	return clock_mono_us(clock_system());
}

static int64_t raw_wall_us(void *ctx)
{
	(void)ctx;
	return clock_wall_us(clock_system());
}

static bool raw_kernel(void *ctx, int64_t *error_us)
{
	struct timex state = {0};
	int r = adjtimex(&state);

	(void)ctx;
	*error_us = state.maxerror;
	return r >= 0 && r != TIME_ERROR && !(state.status & STA_UNSYNC);
}

static int64_t number_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoll(text, NULL, 10) : -1;
}

/* `hctosys` is 1 for the one that the kernel took its time from at boot. One without a battery is
 * not there, cannot be read, or says 1970: then it does not agree with any time after our build. */
static bool raw_rtc(void *ctx, int64_t wall_us)
{
	glob_t found;
	bool agrees = false;

	(void)ctx;
	if (glob(RTC_FILES, 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !agrees; i++) {
		char path[256];
		int dir = (int)(strlen(found.gl_pathv[i]) - strlen("hctosys"));
		snprintf(path, sizeof path, "%.*ssince_epoch", dir, found.gl_pathv[i]);
		int64_t s = number_in(found.gl_pathv[i]) == 1 ? number_in(path) : -1;
		agrees = s > 0 && llabs(s * 1000000 - wall_us) <= RTC_APART_US;
	}
	globfree(&found);
	return agrees;
}

const struct clock_raw *clock_raw_system(void)
{
	static const struct clock_raw system = {
	    .mono_us = raw_mono_us, .wall_us = raw_wall_us, .kernel = raw_kernel, .rtc = raw_rtc};
	return &system;
}
