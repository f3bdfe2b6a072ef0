/* A card that reads slowly, preloaded: each read of a database file waits as a cheap SD card does,
 * with the kernel's reading ahead where pages follow each other, and each sync too. The kernel's
 * cache does not help: every read waits; and files are not mapped, or nobody could make them wait.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SEEK_US 500     /* where a read does not go on behind the last one; or SLOWCARD_SEEK_US */
#define BYTES_PER_US 20 /* 20 MB/s */
#define SYNC_US 6000

static int ours(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return strstr(path, "/journal.db") != NULL || strstr(path, "/shard.db") != NULL;
}

static void wait_us(long us)
{
	static pthread_mutex_t card = PTHREAD_MUTEX_INITIALIZER;
	const struct timespec ts = {us / 1000000, us % 1000000 * 1000};

	pthread_mutex_lock(&card); /* one head, whoever asks */
	nanosleep(&ts, NULL);
	pthread_mutex_unlock(&card);
}

static long seek_us(void)
{
	const char *told = getenv("SLOWCARD_SEEK_US");

	return told ? atol(told) : SEEK_US;
}

static ssize_t slow_pread(const char *name, int fd, void *buf, size_t n, off64_t at)
{
	ssize_t (*real)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, name);
	ssize_t got = real(fd, buf, n, at);

	static __thread off64_t next[1024];
	if (got > 0 && fd < 1024 && ours(fd)) {
		wait_us((at == next[fd] ? 0 : seek_us()) + got / BYTES_PER_US);
		next[fd] = at + got;
	}
	return got;
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	return slow_pread("pread", fd, buf, n, at);
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at)
{
	return slow_pread("pread64", fd, buf, n, at);
}

static int slow_sync(const char *name, int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, name);

	if (ours(fd))
		wait_us(SYNC_US);
	return real(fd);
}

int fsync(int fd)
{
	return slow_sync("fsync", fd);
}

int fdatasync(int fd)
{
	return slow_sync("fdatasync", fd);
}

static void *no_map(const char *name, void *at, size_t n, int prot, int flags, int fd, off64_t off)
{
	void *(*real)(void *, size_t, int, int, int, off64_t) = dlsym(RTLD_NEXT, name);

	if (fd >= 0 && !(prot & PROT_WRITE) && ours(fd)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return real(at, n, prot, flags, fd, off);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	return no_map("mmap", at, n, prot, flags, fd, off);
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t off)
{
	return no_map("mmap64", at, n, prot, flags, fd, off);
}
