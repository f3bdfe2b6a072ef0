#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_TEXT_BYTES_MAX 1000 /* of one message; a longer one is cut */
#define LOG_HEAD_BYTES_MAX 128  /* level, time and program name in front of it */

struct level {
	const char *name, *colour;
	int syslog;
};

static const struct level levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "\033[31m", 3},
    [LOG_LEVEL_WARN] = {"warning", "\033[33m", 4},
    [LOG_LEVEL_INFO] = {"info", "\033[32m", 6},
    [LOG_LEVEL_DEBUG] = {"debug", "\033[2m", 7},
};

/* The logger is the one mutable global of the house. Atomic, because a reload may change the level.
 */
static _Atomic(const char *) log_prog;
static atomic_int log_most = LOG_LEVEL_INFO;

enum log_level log_level_named(const char *name)
{
	static const char *const names[] = {
	    [LOG_LEVEL_ERROR] = "error",
	    [LOG_LEVEL_WARN] = "warn",
	    [LOG_LEVEL_INFO] = "info",
	    [LOG_LEVEL_DEBUG] = "debug",
	};

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	}
	return LOG_LEVEL_INFO;
}

void log_open(const char *prog, enum log_level most)
{
	atomic_store(&log_prog, prog);
	atomic_store(&log_most, (int)most);
}

static int head(char *out, size_t size, const struct level *level)
{
	const char *prog = atomic_load(&log_prog);
	const char *sep = prog ? ": " : "";
	if (!prog)
		prog = "";
	if (getenv("JOURNAL_STREAM"))
		return snprintf(out, size, "<%d>%.64s%s", level->syslog, prog, sep);
	if (isatty(STDERR_FILENO))
		return snprintf(out, size, "%.64s%s%s%s:\033[0m ", prog, sep, level->colour,
		                level->name);
	char now[CLOCK_ISO8601_SIZE];
	clock_iso8601(clock_wall_us(clock_system()), now);
	return snprintf(out, size, "%s %.64s%s%s: ", now, prog, sep, level->name);
}

/* One message stays one line, whatever was in its arguments; a cut never splits a UTF-8 character.
 */
static size_t tidy(char *text, size_t len)
{
	if (len > LOG_TEXT_BYTES_MAX) {
		len = LOG_TEXT_BYTES_MAX;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	return len;
}

static void write_line(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to complain */
		line += n;
		len -= (size_t)n;
	}
}

__attribute__((format(printf, 2, 0))) static void log_at(enum log_level at, const char *fmt,
                                                         va_list ap)
{
	if ((int)at > atomic_load(&log_most))
		return;
	int saved_errno = errno;
	char line[LOG_HEAD_BYTES_MAX + LOG_TEXT_BYTES_MAX + 2];
	int lead = head(line, LOG_HEAD_BYTES_MAX, &levels[at]);
	int n = vsnprintf(line + lead, LOG_TEXT_BYTES_MAX + 2, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	if (len > LOG_TEXT_BYTES_MAX + 1)
		len = LOG_TEXT_BYTES_MAX + 1;
	len = (size_t)lead + tidy(line + lead, len);
	line[len] = '\n';
	write_line(line, len + 1);
	errno = saved_errno;
}

void log_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_at(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_at(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_at(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_at(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
