/* Our own programs' way to the disk: the system calls with which they make, rename and sync files
 * that are not SQLite's (keys, the reserve, marks of exits). The linker puts these in front
 * (--wrap); for paths outside the disk's folder they do nothing of their own. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_internal.h"

#define FDS_MAX 1024
#define NOT_OURS 0
#define THE_FOLDER (-1)

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_ftruncate(int fd, off_t size);

static int files[FDS_MAX]; /* of a descriptor: the file plus 1 */

static int file_of(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? files[fd] : NOT_OURS;
}

/* -1 with errno: the call is not made; else *after: the power goes behind it. */
static int ask(enum disk_call call, bool *after)
{
	*after = false;
	switch (disk_ask(disk_mine, call)) {
	case GO_THEN_CUT:
		*after = true;
		return 0;
	case GO:
		return 0;
	case FAIL_IO:
		errno = EIO;
		return -1;
	case FAIL_FULL:
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

static void end(bool after)
{
	if (after)
		disk_cut(disk_mine);
	disk_unlock();
}

static const char *name_of(const char *path)
{
	return disk_mine ? disk_name_of(disk_mine, path) : NULL;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	const char *name = name_of(path);
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	int fd = __real_open(path, flags, mode);
	if (fd >= 0 && fd < FDS_MAX)
		files[fd] = NOT_OURS;
	if (!disk_mine || fd < 0 || fd >= FDS_MAX)
		return fd;
	if (strcmp(path, disk_mine->dir) == 0)
		files[fd] = THE_FOLDER;
	if (!name)
		return fd;
	disk_lock();
	int file = disk_live(disk_mine, name);
	if (file < 0 && (flags & O_CREAT))
		file = disk_make(disk_mine, name);
	else if (file >= 0 && (flags & O_TRUNC))
		disk_did_truncate(disk_mine, file, 0);
	files[fd] = file + 1;
	disk_unlock();
	return fd;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		files[fd] = NOT_OURS;
	return __real_close(fd);
}

static ssize_t write_at(int fd, const void *p, size_t n, off_t at)
{
	bool after;
	ssize_t done = -1;

	disk_lock();
	if (ask(CALL_WRITE, &after) == 0)
		done = __real_pwrite(fd, p, n, at);
	if (done > 0)
		disk_did_write(disk_mine, file_of(fd) - 1, p, (size_t)done, at);
	end(after);
	return done;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	return disk_mine && file_of(fd) > 0 ? write_at(fd, p, n, at) : __real_pwrite(fd, p, n, at);
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	if (!disk_mine || file_of(fd) <= 0)
		return __real_write(fd, p, n);
	ssize_t done = write_at(fd, p, n, lseek(fd, 0, SEEK_CUR));
	if (done > 0)
		lseek(fd, done, SEEK_CUR);
	return done;
}

static int resize(int fd, off_t size, bool only_up)
{
	struct stat st;
	bool after;
	int rc = -1;

	if (fstat(fd, &st) != 0)
		return -1;
	if (only_up && st.st_size >= size)
		return 0;
	disk_lock();
	if (ask(only_up ? CALL_WRITE : CALL_TRUNCATE, &after) == 0)
		rc = __real_ftruncate(fd, size);
	if (rc == 0)
		disk_did_truncate(disk_mine, file_of(fd) - 1, size);
	end(after);
	return rc;
}

int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
	return disk_mine && file_of(fd) > 0 ? resize(fd, size, false) : __real_ftruncate(fd, size);
}

int __real_truncate(const char *path, off_t size);
int __wrap_truncate(const char *path, off_t size);
int __wrap_truncate(const char *path, off_t size)
{
	bool after;
	int rc = -1, file = name_of(path) ? disk_live(disk_mine, name_of(path)) : -1;

	if (file < 0)
		return __real_truncate(path, size);
	disk_lock();
	if (ask(CALL_TRUNCATE, &after) == 0)
		rc = __real_truncate(path, size);
	if (rc == 0)
		disk_did_truncate(disk_mine, file, size);
	end(after);
	return rc;
}

/* Room that was taken is zeros; that the disk gives it is not what is looked at here. */
int __real_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n)
{
	if (!disk_mine || file_of(fd) <= 0)
		return __real_posix_fallocate(fd, at, n);
	return resize(fd, at + n, true) == 0 ? 0 : errno;
}

int __real_fallocate(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n)
{
	if (!disk_mine || file_of(fd) <= 0 || mode != 0)
		return __real_fallocate(fd, mode, at, n);
	return resize(fd, at + n, true);
}

static int sync_fd(int fd)
{
	bool folder = file_of(fd) == THE_FOLDER, after;

	disk_lock();
	int rc = ask(folder ? CALL_NAMES : CALL_SYNC, &after);
	if (rc == 0 && folder)
		disk_did_sync_folder(disk_mine);
	else if (rc == 0)
		disk_did_sync(disk_mine, file_of(fd) - 1);
	else if (!folder)
		disk_failed_sync(disk_mine, file_of(fd) - 1);
	end(after);
	return rc;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return disk_mine && file_of(fd) != NOT_OURS ? sync_fd(fd) : __real_fsync(fd);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return disk_mine && file_of(fd) != NOT_OURS ? sync_fd(fd) : __real_fdatasync(fd);
}

/* ---- names ---- */

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	bool after;
	int rc = -1;

	if (!name_of(from) || !name_of(to))
		return __real_rename(from, to);
	disk_lock();
	if (ask(CALL_NAMES, &after) == 0)
		rc = __real_rename(from, to);
	if (rc == 0)
		disk_did_rename(disk_mine, name_of(from), name_of(to));
	end(after);
	return rc;
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
	bool after;
	int rc = -1;

	if (!name_of(from) || !name_of(to))
		return __real_link(from, to);
	disk_lock();
	if (ask(CALL_NAMES, &after) == 0)
		rc = __real_link(from, to);
	if (rc == 0)
		disk_did_link(disk_mine, name_of(from), name_of(to));
	end(after);
	return rc;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	bool after;
	int rc = -1;

	if (!name_of(path) || disk_live(disk_mine, name_of(path)) < 0)
		return __real_unlink(path);
	disk_lock();
	if (ask(CALL_NAMES, &after) == 0)
		rc = __real_unlink(path);
	if (rc == 0)
		disk_did_remove(disk_mine, name_of(path));
	end(after);
	return rc;
}

/* ---- streams: what was written through one is known when it is closed ---- */

static struct {
	FILE *stream;
	int file;
	char path[320];
} streams[16];

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f = __real_fopen(path, mode);
	const char *name = name_of(path);

	if (!f || !name || mode[0] != 'w')
		return f;
	disk_lock();
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		if (streams[i].stream)
			continue;
		int file = disk_live(disk_mine, name);
		streams[i].stream = f;
		streams[i].file = file >= 0 ? file : disk_make(disk_mine, name);
		snprintf(streams[i].path, sizeof streams[i].path, "%s", path);
		if (file >= 0)
			disk_did_truncate(disk_mine, file, 0);
		break;
	}
	disk_unlock();
	return f;
}

int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f)
{
	static uint8_t bytes[1 << 16];
	int rc;
	bool after = false;
	size_t i = 0;

	while (i < sizeof streams / sizeof *streams && (streams[i].stream != f || !disk_mine))
		i++;
	if (i == sizeof streams / sizeof *streams)
		return __real_fclose(f);
	disk_lock();
	streams[i].stream = NULL;
	int fault = ask(CALL_WRITE, &after);
	rc = __real_fclose(f);
	FILE *again = fault == 0 ? __real_fopen(streams[i].path, "re") : NULL;
	if (again) {
		size_t n = fread(bytes, 1, sizeof bytes, again);
		disk_did_write(disk_mine, streams[i].file, bytes, n, 0);
		__real_fclose(again);
	}
	end(after);
	return fault == 0 ? rc : EOF;
}
