/* A slow card: this program's own fdatasync stands in front of the C library's, for SQLite too, and
 * waits before it returns. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

/* Interposition takes no context: the delay is set once, before any file is open. */
static long delay_us;

void bench_sync_delay(uint64_t us)
{
	delay_us = (long)us;
}

int fdatasync(int fd)
{
	const struct timespec wait = {delay_us / 1000000, delay_us % 1000000 * 1000};
	int rc = (int)syscall(SYS_fdatasync, fd);

	if (delay_us)
		nanosleep(&wait, NULL);
	return rc;
}
