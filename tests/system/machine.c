/* A machine whose clocks a test turns: preloaded into a program, it says what the file MACHINE_FILE
 * says.
 *
 *   wall_us   added to the wall clock
 *   boot_us   added to the time since boot
 *   synced    1: the kernel calls its clock synchronised
 *   boot_id   of this boot, as the kernel writes it
 *
 * The file is mapped, so that a clock jumps under a running program. CLOCK_MONOTONIC, by which
 * libraries wait, is left alone, as a jump leaves it alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct machine {
	int64_t wall_us, boot_us, synced;
	char boot_id[40];
};

static const volatile struct machine *machine(void)
{
	static const struct machine *mapped;
	static const struct machine none;
	if (!mapped) {
		const char *path = getenv("MACHINE_FILE");
		int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		void *p =
		    fd >= 0 ? mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
		mapped = p == MAP_FAILED ? &none : p;
		if (fd >= 0)
			close(fd);
	}
	return mapped;
}

static void add_us(struct timespec *t, int64_t us)
{
	int64_t ns = t->tv_nsec + us % 1000000 * 1000;
	t->tv_sec += us / 1000000;
	if (ns < 0) {
		ns += 1000000000;
		t->tv_sec--;
	}
	t->tv_sec += ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int rc = real(id, t);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		add_us(t, machine()->wall_us);
	if (id == CLOCK_BOOTTIME)
		add_us(t, machine()->boot_us);
	return rc;
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec t;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int adjtimex(struct timex *t)
{
	memset(t, 0, sizeof *t);
	t->maxerror = machine()->synced ? 20000 : 16000000;
	t->status = machine()->synced ? 0 : STA_UNSYNC;
	return machine()->synced ? TIME_OK : TIME_ERROR;
}

FILE *fopen(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	if (!real)
		real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
	if (strcmp(path, BOOT_ID) == 0 && machine()->boot_id[0])
		return fmemopen((void *)machine()->boot_id, strlen((char *)machine()->boot_id),
		                "r");
	return real(path, mode);
}
