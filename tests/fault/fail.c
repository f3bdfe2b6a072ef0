/* The n-th failure: the main program of fail_store and fail_hq.
 *
 *   fail_store [--seed N] [--step N] [--memory N] [--jobs N] [-v]
 *
 * A day's work is run again and again; in it the n-th call fails, n rising by --step from 1, until
 * a whole run passes untouched (of allocations every N-th of --memory). Then the program starts
 * again, by dice on the files as they are or after a power cut, and all that was answered must be
 * there, once. Exits 1 if it is not.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"

#define LASTING 1000000 /* calls: until the process ends */
#define SHORT 25        /* calls: a disk that is full for a while */
#define JOBS_MAX 64
#define SAID_MAX 3 /* runs that went wrong, of one worker */

enum mode {
	WRITE_OR_SYNC_FAILS,
	DISK_FAILS_FOR_GOOD,
	NO_ROOM_ONCE,
	NO_ROOM_FOR_A_WHILE,
	NO_MEMORY,
	MODES
};
static const char *const mode_names[MODES] = {
    [WRITE_OR_SYNC_FAILS] = "the n-th write or sync fails (EIO)",
    [DISK_FAILS_FOR_GOOD] = "all fail from the n-th on (EIO)",
    [NO_ROOM_ONCE] = "the n-th write finds no room (ENOSPC)",
    [NO_ROOM_FOR_A_WHILE] = "25 calls without room from the n-th on",
    [NO_MEMORY] = "the n-th allocation fails",
};

static struct {
	uint64_t seed, step, memory;
	unsigned jobs;
	bool verbose;
} options = {.seed = 1, .step = 1, .memory = 7, .jobs = 4};

struct tally {
	uint64_t runs[MODES], untouched[MODES]; /* untouched: the n that nothing came of */
	uint64_t ended[MODES], not_started[MODES], refused[MODES];
	uint64_t wrong;
	uint64_t digest; /* of a run in which nothing fails */
};

static void plan(struct base *r, enum mode mode, uint32_t n)
{
	static const struct {
		enum disk_fault fault;
		uint32_t times;
	} plans[MODES] = {
	    [WRITE_OR_SYNC_FAILS] = {DISK_EIO, 1}, [DISK_FAILS_FOR_GOOD] = {DISK_EIO, LASTING},
	    [NO_ROOM_ONCE] = {DISK_ENOSPC, 1},     [NO_ROOM_FOR_A_WHILE] = {DISK_ENOSPC, SHORT},
	    [NO_MEMORY] = {DISK_NONE, 0},
	};
	disk_plan(r->disk, plans[mode].fault, n, plans[mode].times, n);
	r->fail_allocation = mode == NO_MEMORY ? n : 0;
}

static void say_wrong(const struct base *r, struct tally *t, enum mode mode, uint32_t n, int status)
{
	if (t->wrong++ >= SAID_MAX)
		return;
	printf("WRONG: %s, n = %u: %s (status %x)\n", mode_names[mode], n,
	       r->wrong[0] ? r->wrong : "the program did not end as it should", (unsigned)status);
	base_say_log(r);
	fflush(stdout);
}

/* How the day of the failure may end: in order, unknown, or not begun. */
static bool may_end(const struct base *r, int status)
{
	if (!WIFEXITED(status))
		return false;
	return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == subject.exit_unknown ||
	       (WEXITSTATUS(status) == 1 && !r->ready);
}

static int day(struct base *r, enum mode mode, uint32_t n)
{
	subject.begin(r, options.seed);
	r->may_refuse = true;
	r->actions = subject.actions;
	plan(r, mode, n);
	return subject.start(r);
}

static int last_start(struct base *r)
{
	r->may_refuse = false;
	r->last = true;
	disk_plan(r->disk, DISK_NONE, 0, 0, 0);
	r->fail_allocation = 0;
	return subject.start(r);
}

/* What comes of it when nothing fails. */
static uint64_t whole(struct base *r)
{
	if (day(r, NO_MEMORY, 0) != 0 || last_start(r) != 0) {
		printf("WRONG: nothing fails, and yet: %s\n", r->wrong);
		base_say_log(r);
		exit(1);
	}
	return r->digest;
}

/* false: the failure did not come any more. */
static bool run(struct base *r, struct tally *t, enum mode mode, uint32_t n)
{
	uint64_t luck = options.seed * 31 + n;
	int status = day(r, mode, n);
	bool struck = mode == NO_MEMORY ? r->allocations >= n : disk_struck(r->disk);
	bool fine = may_end(r, status);
	t->runs[mode] += struck;
	t->ended[mode] += fine && status != 0 && WEXITSTATUS(status) == subject.exit_unknown;
	t->not_started[mode] += fine && WEXITSTATUS(status) == 1;
	t->refused[mode] += r->refused;
	if (fine) {
		if (dice_below(&luck, 2))
			disk_reboot(r->disk, dice(&luck));
		status = last_start(r);
		fine = status == 0;
	}
	if (fine && r->digest != t->digest) {
		snprintf(r->wrong, sizeof r->wrong,
		         "something else was made of it than of a run "
		         "that nothing failed in");
		fine = false;
	}
	if (!fine) {
		say_wrong(r, t, mode, n, status);
	}
	if (!struck)
		t->untouched[mode] = n;
	return struck;
}

static int modes(void)
{
	return subject.no_memory ? MODES : NO_MEMORY;
}

static void work(unsigned job, struct tally *t)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char folder[128];

	snprintf(folder, sizeof folder, "%s/laneway-fail-%d", base, (int)getpid());
	struct base *r = subject.make(folder);
	t->digest = whole(r);
	for (int mode = 0; mode < modes(); mode++) {
		uint64_t step = mode == NO_MEMORY ? options.memory : options.step;
		uint32_t n = 1 + (uint32_t)(job * step);
		while (run(r, t, (enum mode)mode, n))
			n += (uint32_t)(options.jobs * step);
	}
	subject.free(r);
}

static void print(const struct tally *all, double seconds)
{
	uint64_t wrong = 0;

	printf("%s, the n-th failure: seed %" PRIu64 ", every %" PRIu64 ". call", subject.name,
	       options.seed, options.step);
	if (subject.no_memory)
		printf(", every %" PRIu64 ". allocation", options.memory);
	printf(", %.1f s\n", seconds);
	for (int mode = 0; mode < modes(); mode++) {
		uint64_t runs = 0, untouched = UINT64_MAX, ended = 0, not_started = 0, refused = 0;
		for (unsigned i = 0; i < options.jobs; i++) {
			const struct tally *t = &all[i];
			runs += t->runs[mode];
			ended += t->ended[mode];
			not_started += t->not_started[mode];
			refused += t->refused[mode];
			if (t->untouched[mode] < untouched)
				untouched = t->untouched[mode];
		}
		printf("  %6" PRIu64 " runs  %-42s %" PRIu64 " ended unknown, %" PRIu64
		       " did not start, %" PRIu64 " messages told no; untouched at n = %" PRIu64
		       "\n",
		       runs, mode_names[mode], ended, not_started, refused, untouched);
	}
	for (unsigned i = 0; i < options.jobs; i++)
		wrong += all[i].wrong;
	printf("  runs with something lost, doubled or wrong: %" PRIu64 "\n", wrong);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"seed", required_argument, NULL, 's'},
	                                      {"step", required_argument, NULL, 't'},
	                                      {"memory", required_argument, NULL, 'm'},
	                                      {"jobs", required_argument, NULL, 'j'},
	                                      {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "v", names, NULL)) != -1) {
		uint64_t n = optarg ? strtoull(optarg, NULL, 10) : 0;
		if (opt == 's')
			options.seed = n;
		else if (opt == 't')
			options.step = n;
		else if (opt == 'm')
			options.memory = n;
		else if (opt == 'j')
			options.jobs = n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
		else if (opt == 'v')
			options.verbose = true;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct timespec begun, ended;
	uint64_t wrong = 0;

	parse(argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	struct tally *t = mmap(NULL, JOBS_MAX * sizeof *t, PROT_READ | PROT_WRITE,
	                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	for (unsigned i = 0; i < options.jobs; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(i, &t[i]);
			fflush(NULL);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < options.jobs; i++) {
		int status;
		wait(&status);
		wrong += status != 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	print(t, (double)(ended.tv_sec - begun.tv_sec) +
	             (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	for (unsigned i = 0; i < options.jobs; i++)
		wrong += t[i].wrong;
	return wrong ? 1 : 0;
}
