#include "base.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/folder.h"
#include "base/clock.h"
#include "disk_vfs.h"

#define HANGS_S 60                              /* no start takes a second */
#define START_WALL_US INT64_C(1795280523000000) /* 2026-11-21 */
#define START_MONO_US INT64_C(5000000000)
#define BOOT_ID "5a5a5a5a000040008000000000000001"
#define LOG_TAIL 800 /* bytes shown of a log */

struct base *base_mine;

_Noreturn void base_wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(base_mine->wrong, sizeof base_mine->wrong, fmt, ap);
	va_end(ap);
	_exit(BASE_EXIT_WRONG);
}

void *base_memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
	               -1, 0);
	if (p == MAP_FAILED) {
		perror("memory");
		abort();
	}
	return p;
}

void base_begin(struct base *b, uint64_t seed)
{
	b->dice = seed;
	b->mono_us = START_MONO_US;
	b->wall_us = START_WALL_US;
	b->last = b->ready = b->may_refuse = b->must_refuse = b->salvages = false;
	b->actions = 0;
	b->fail_allocation = b->refused = 0;
	b->sent = b->again = b->kept = b->digest = 0;
	b->wrong[0] = '\0';
	unlink(b->log);
	disk_wipe(b->disk);
}

int base_start(struct base *b, void (*child)(struct base *b))
{
	int status = 0;
	pid_t pid;

	b->ready = b->told_no = false;
	b->allocations = 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open(b->log, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
		base_random_seed(dice(&b->dice));
		disk_install(b->disk);
		disk_vfs_register();
		sqlite3_randomness(0, NULL); /* what the parent has left of it is forgotten */
		alarm(HANGS_S);
		optind = 0; /* getopt begins anew */
		base_mine = b;
		child(b);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		abort();
	}
	return status;
}

void base_clear(struct base *b)
{
	disk_free(b->disk);
	folder_drop(b->folder);
}

void base_put(const struct base *b, const char *name, const char *text)
{
	folder_put(b->folder, name, text, 0600);
}

void base_say_log(const struct base *b)
{
	char line[300];
	FILE *log = fopen(b->log, "r");

	if (!log)
		return;
	fseek(log, 0, SEEK_END);
	fseek(log, ftell(log) > LOG_TAIL ? ftell(log) - LOG_TAIL : 0, SEEK_SET);
	while (fgets(line, sizeof line, log))
		printf("  | %s", line);
	fclose(log);
}

/* ---- time ---- */

int64_t base_mono_us(void *ctx)
{
	(void)ctx;
	return base_mine ? base_mine->mono_us : START_MONO_US;
}

int64_t base_wall_us(void *ctx)
{
	(void)ctx;
	return base_mine ? base_mine->wall_us : START_WALL_US;
}

static enum clock_trust trust(void *ctx)
{
	(void)ctx;
	return CLOCK_KERNEL;
}

const struct clock *__wrap_clock_system(void);
const struct clock *__wrap_clock_system(void)
{
	static const struct clock clock = {
	    .mono_us = base_mono_us, .wall_us = base_wall_us, .trust = trust};
	return &clock;
}

/* The machine's: another one would be another text in every line. */
void __wrap_clock_boot_id(char out[CLOCK_BOOT_ID_SIZE]);
void __wrap_clock_boot_id(char out[CLOCK_BOOT_ID_SIZE])
{
	snprintf(out, CLOCK_BOOT_ID_SIZE, "%s", BOOT_ID);
}
