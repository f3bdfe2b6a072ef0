/* A power cut, for tests: preloaded into a program, it ends it at the Nth sync of one file.
 *
 *   POWERCUT_FILE  the end of the file's name, such as "journal.db-wal"
 *   POWERCUT_AT    which sync of it, counted from 1
 *
 * What was written since the sync before is gone, as after a power cut and unlike after a kill: the
 * file is put back to what it was then. In front of the end stands a pause, so that a word that was
 * given too early gets out.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAUSE_US 200000
#define COPY ".synced"

static int syncs;

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	if (in >= 0 && out >= 0 && fstat(in, &st) == 0)
		while (st.st_size > 0 && sendfile(out, in, NULL, (size_t)st.st_size) > 0)
			continue;
	close(in);
	close(out);
}

static void cut(const char *path, const char *synced)
{
	usleep(PAUSE_US);
	if (access(synced, F_OK) == 0)
		copy(synced, path);
	else
		truncate(path, 0);
	kill(getpid(), SIGKILL);
	pause();
}

/* 1: this file is watched, and its paths. */
static int watched(int fd, char path[PATH_MAX], char synced[PATH_MAX])
{
	const char *end = getenv("POWERCUT_FILE");
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - sizeof COPY);
	if (!end || n < (ssize_t)strlen(end))
		return 0;
	path[n] = '\0';
	snprintf(synced, PATH_MAX, "%s" COPY, path);
	return strcmp(path + n - strlen(end), end) == 0;
}

static int sync_with(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	char path[PATH_MAX], synced[PATH_MAX];
	int rc;

	if (!watched(fd, path, synced))
		return real(fd);
	if (++syncs == atoi(getenv("POWERCUT_AT")))
		cut(path, synced);
	rc = real(fd);
	copy(path, synced);
	return rc;
}

int fsync(int fd)
{
	return sync_with("fsync", fd);
}

int fdatasync(int fd)
{
	return sync_with("fdatasync", fd);
}
