/* A journal that cannot be read gets another name, with its log: for salvage, and for a person. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "store/journal_internal.h"

#define NAME_SIZE (JOURNAL_PATH_SIZE + 64)
#define SAME_TIME_MAX                                                                              \
	100 /* files of one stamp: a clock that starts at the same moment each time                \
	     */

/* "2026-11-21T17:02:03.123Z" without what does not belong into a file name. */
static void stamp_now(const struct journal *j, char out[CLOCK_ISO8601_SIZE])
{
	char text[CLOCK_ISO8601_SIZE];
	size_t n = 0;
	clock_iso8601(clock_wall_us(j->params.clock), text);
	for (const char *p = text; *p; p++) {
		if (*p != ':' && *p != '-' && *p != '.')
			out[n++] = *p;
	}
	out[n] = '\0';
}

/* A name that no other has: what was set aside before must stay. */
static int choose_name(const struct journal *j, char out[NAME_SIZE])
{
	char stamp[CLOCK_ISO8601_SIZE];
	stamp_now(j, stamp);
	snprintf(out, NAME_SIZE, "%s.unreadable-%s", j->path, stamp);
	for (int i = 2; access(out, F_OK) == 0; i++) {
		if (i > SAME_TIME_MAX)
			return -1;
		snprintf(out, NAME_SIZE, "%s.unreadable-%s-%03d", j->path, stamp, i);
	}
	return 0;
}

static int sync_folder(const struct journal *j)
{
	char dir[JOURNAL_PATH_SIZE];
	text_copy(dir, sizeof(dir), j->path);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int rc = fsync(fd);
	close(fd);
	return rc;
}

static int add_name(const struct journal *j, const char *aside, const char *suffix)
{
	char from[NAME_SIZE], to[NAME_SIZE + 8];
	snprintf(from, sizeof(from), "%s%s", j->path, suffix);
	snprintf(to, sizeof(to), "%s%s", aside, suffix);
	/* A log of this name has lost its file: what it belonged to has another name by now. */
	if (suffix[0] && unlink(to) != 0 && errno != ENOENT)
		return -1;
	return link(from, to) == 0 || (suffix[0] && errno == ENOENT) ? 0 : -1;
}

static int drop_name(const struct journal *j, const char *suffix)
{
	char name[NAME_SIZE];
	snprintf(name, sizeof(name), "%s%s", j->path, suffix);
	return unlink(name) == 0 || errno == ENOENT ? 0 : -1;
}

int journal_aside_finish(struct journal *j)
{
	if (access(j->path, F_OK) == 0 || errno != ENOENT)
		return 0;
	return drop_name(j, "-wal") || drop_name(j, "-shm") || sync_folder(j) ? -1 : 0;
}

int journal_aside_put(struct journal *j, const char *why)
{
	char aside[NAME_SIZE];
	int rc = choose_name(j, aside);

	log_error("journal: %s cannot be read (%s); it is kept as %s and a new one starts", j->path,
	          why, aside);
	/* Renamed one after the other, a power cut between them would leave a log without its file;
	 * SQLite throws that away, and events with it. So both have two names for a moment. Then
	 * the file goes first: without its log it might be taken for a whole one. And the log is
	 * gone before there is a new file, to which it would be applied. */
	rc = rc || add_name(j, aside, "-wal") || add_name(j, aside, "") || sync_folder(j) ||
	     drop_name(j, "") || sync_folder(j) || drop_name(j, "-wal") || drop_name(j, "-shm") ||
	     sync_folder(j);
	if (rc)
		log_error("journal: %s cannot be set aside as %s: %s", j->path, aside,
		          strerror(errno));
	return rc ? -1 : 0;
}
