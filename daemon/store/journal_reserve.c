#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "store/journal_internal.h"

#define RESERVE_SUFFIX ".reserve"
#define WORK_BYTES (8u * 1024 * 1024)  /* beside the log: what deleting and vacuum write */
#define SLICE_BYTES (2u * 1024 * 1024) /* given up at a time: others fill what is free */
#define SLACK_BYTES (1024u * 1024)     /* to be free beside the reserve before it is made */
#define GROW_BYTES (4u * 1024 * 1024)  /* a log that grew longer makes it longer in such steps */
#define SHARE_OF_DISK 8                /* on a small file system it takes one in so many */

static void path_of(const struct journal *j, char out[JOURNAL_PATH_SIZE + 16])
{
	snprintf(out, JOURNAL_PATH_SIZE + 16, "%s" RESERVE_SUFFIX, j->path);
}

static uint64_t allocated(const char *path, uint64_t *length)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		*length = 0;
		return 0;
	}
	*length = (uint64_t)st.st_size;
	return (uint64_t)st.st_blocks * 512;
}

/* 0, or -1: not known. */
static int room(const struct journal *j, uint64_t *free_bytes, uint64_t *all_bytes)
{
	char dir[JOURNAL_PATH_SIZE];
	struct statvfs vfs;
	memcpy(dir, j->path, sizeof(dir));
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (statvfs(slash ? dir : ".", &vfs) != 0)
		return -1;
	/* Root may take what a file system holds back from others. */
	*free_bytes = (uint64_t)(geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail) * vfs.f_frsize;
	*all_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	return 0;
}

/* The longest log seen, and what is written beside it. */
static uint64_t wanted(const struct journal *j, uint64_t all_bytes)
{
	uint64_t log_bytes = JOURNAL_LOG_BYTES_MAX;
	while (log_bytes < j->log_bytes_max)
		log_bytes += GROW_BYTES;
	uint64_t bytes = log_bytes + WORK_BYTES;
	return all_bytes && bytes > all_bytes / SHARE_OF_DISK
	           ? all_bytes / SHARE_OF_DISK / SLICE_BYTES * SLICE_BYTES
	           : bytes;
}

static bool take(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	int rc = posix_fallocate(fd, 0, (off_t)bytes);
	close(fd);
	if (rc == 0)
		return true;
	/* What it has taken it keeps for the next try, but for a full disk: there it is in the way.
	 */
	if (rc == ENOSPC)
		unlink(path);
	return false;
}

bool journal_reserve_make(struct journal *j)
{
	char path[JOURNAL_PATH_SIZE + 16];
	uint64_t free_bytes, all_bytes, length, have;

	path_of(j, path);
	if (room(j, &free_bytes, &all_bytes) != 0)
		return false;
	uint64_t want = wanted(j, all_bytes);
	have = allocated(path, &length);
	uint64_t missing = want > have ? want - have : 0;
	if (free_bytes < missing + SLACK_BYTES)
		return false;
	j->releasing = false;
	return (length >= want && missing == 0) || take(path, want);
}

bool journal_reserve_covers(const struct journal *j)
{
	char path[JOURNAL_PATH_SIZE + 16];
	uint64_t length;

	path_of(j, path);
	return allocated(path, &length) >= (uint64_t)j->wal_pages * JOURNAL_PAGE_BYTES;
}

bool journal_reserve_release(struct journal *j)
{
	char path[JOURNAL_PATH_SIZE + 16];
	uint64_t length;

	path_of(j, path);
	allocated(path, &length);
	if (length == 0)
		return false;
	if (!j->releasing)
		log_warn("journal: the reserve is released, so that what HQ has confirmed can go");
	j->releasing = true;
	if (length > SLICE_BYTES)
		return truncate(path, (off_t)(length - SLICE_BYTES)) == 0;
	return unlink(path) == 0;
}

uint64_t journal_reserve_room(const struct journal *j)
{
	uint64_t free_bytes, all_bytes;
	return room(j, &free_bytes, &all_bytes) == 0 ? free_bytes : 0;
}

bool journal_reserve_low(const struct journal *j)
{
	uint64_t free_bytes, all_bytes;
	return room(j, &free_bytes, &all_bytes) == 0 && free_bytes < SLACK_BYTES;
}
