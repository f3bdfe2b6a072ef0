/* Power cuts: the main program of cut_store and cut_hq.
 *
 *   cut_store [--seed N] [--cuts N] [--per-run N] [--calls N] [--jobs N] [-v]
 *
 * A run begins with an empty disk and a seed; in it the power goes --per-run times, each time at a
 * write, sync, truncate or folder call that is chosen evenly, and the daemon starts on what is
 * left. Prints how many cuts fell where, and how a run that went wrong is played again; exits 1 if
 * one did.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"

#define KILL_PERCENT 10 /* of the cuts only the process ends */
#define JOBS_MAX 64
#define SAID_MAX 3 /* runs that went wrong, of one worker */

static struct {
	uint64_t seed, cuts;
	unsigned jobs, per_run, calls;
	bool verbose;
} options = {.seed = 1, .cuts = 300, .jobs = 4, .calls = 420};

/* In memory that the workers share with the parent: each its own. */
struct tally {
	uint64_t cuts, kills, runs, starts, stops, events, messages, resent, calls;
	uint64_t at[DISK_PHASES];
	struct disk_toll toll;
	uint64_t wrong, refused;
};

static void say_wrong(const struct base *r, uint64_t seed, uint64_t generation, const char *what)
{
	printf("WRONG: seed %" PRIu64 ", start %" PRIu64 ": %s\n", seed, generation, what);
	printf("  again: build/tests/fault/%s --seed %" PRIu64 " --cuts %u --per-run %u "
	       "--calls %u --jobs 1 -v\n",
	       subject.program, seed, options.per_run, options.per_run, options.calls);
	base_say_log(r);
	fflush(stdout);
}

/* false: the run is over, because something is wrong. */
static bool take_end(struct base *r, struct tally *t, uint64_t seed, uint64_t generation,
                     int status)
{
	char what[600];

	if (WIFEXITED(status) && WEXITSTATUS(status) == DISK_EXIT_CUT) {
		t->at[disk_cut_phase(r->disk)]++;
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		t->stops++;
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == BASE_EXIT_WRONG) {
		snprintf(what, sizeof what, "%s", r->wrong);
	} else {
		t->refused += !r->ready;
		snprintf(what, sizeof what, "%s with %s %d",
		         r->ready ? "the program ended" : "START REFUSED",
		         WIFEXITED(status) ? "status" : "signal",
		         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	}
	if (t->wrong++ < SAID_MAX)
		say_wrong(r, seed, generation, what);
	return false;
}

static void run(struct base *r, struct tally *t, uint64_t seed)
{
	uint64_t luck = seed * 7919 + 13;
	unsigned cuts = 0;
	bool fine = true;

	subject.begin(r, seed);
	for (uint64_t generation = 1; fine && !r->last; generation++) {
		bool kill = dice_below(&luck, 100) < KILL_PERCENT;
		uint32_t at = 1 + (uint32_t)dice_below(&luck, options.calls);

		r->last = cuts == options.per_run;
		disk_plan(r->disk,
		          r->last ? DISK_NONE
		          : kill  ? DISK_KILL
		                  : DISK_CUT,
		          at, 1, dice(&luck));
		t->starts++;
		int status = subject.start(r);
		t->calls += disk_calls(r->disk);
		if (options.verbose)
			printf("start %" PRIu64 ": status %x, %u calls, %s, %s; %" PRIu64
			       " sent, %" PRIu64 " events\n",
			       generation, (unsigned)status, disk_calls(r->disk),
			       disk_struck(r->disk) ? kill ? "killed in" : "cut in" : "stopped",
			       disk_struck(r->disk) ? disk_phase_name(disk_cut_phase(r->disk)) : "",
			       r->sent, r->kept);
		fine = take_end(r, t, seed, generation, status);
		if (!disk_struck(r->disk))
			continue;
		cuts++;
		t->cuts += !kill;
		t->kills += kill;
		if (!kill)
			disk_reboot(r->disk, dice(&luck));
	}
	t->runs++;
	t->events += r->kept;
	t->messages += r->sent;
	t->resent += r->again;
}

static void work(unsigned job, struct tally *t)
{
	uint64_t runs = (options.cuts + options.per_run - 1) / options.per_run;
	char folder[128];
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(folder, sizeof folder, "%s/laneway-cut-%d", base, (int)getpid());
	struct base *r = subject.make(folder);
	for (uint64_t i = job; i < runs; i += options.jobs)
		run(r, t, options.seed + i);
	t->toll = disk_toll(r->disk);
	subject.free(r);
}

static void print(const struct tally *t, double seconds)
{
	uint64_t cuts = t->cuts + t->kills, in_phases = 0;

	for (int i = 0; i < DISK_PHASES; i++)
		in_phases += t->at[i];
	printf("%s: %" PRIu64 " power cuts and %" PRIu64 " kills in %" PRIu64
	       " runs, seeds %" PRIu64 " to %" PRIu64 ", %.1f s\n",
	       subject.name, t->cuts, t->kills, t->runs, options.seed, options.seed + t->runs - 1,
	       seconds);
	for (int i = 0; i < DISK_PHASES && in_phases; i++)
		if (t->at[i])
			printf("  %5.1f %%  %6" PRIu64 "  %s\n",
			       100.0 * (double)t->at[i] / (double)in_phases, t->at[i],
			       disk_phase_name((enum disk_phase)i));
	printf("  %" PRIu64 " starts, %" PRIu64 " orderly stops; %" PRIu64 " sent, %" PRIu64
	       " said again, %" PRIu64 " events kept; %" PRIu64 " calls\n",
	       t->starts, t->stops, t->messages, t->resent, t->events, t->calls);
	printf("  unsynced writes: %" PRIu64 " survived, %" PRIu64 " dropped, %" PRIu64 " torn\n",
	       t->toll.kept, t->toll.dropped, t->toll.torn);
	printf("  starts refused: %" PRIu64 "; runs with something lost, doubled or wrong: %" PRIu64
	       " of %" PRIu64 " cuts\n",
	       t->refused, t->wrong, cuts);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
	    {"seed", required_argument, NULL, 's'},  {"cuts", required_argument, NULL, 'c'},
	    {"jobs", required_argument, NULL, 'j'},  {"per-run", required_argument, NULL, 'p'},
	    {"calls", required_argument, NULL, 'n'}, {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "v", names, NULL)) != -1) {
		uint64_t n = optarg ? strtoull(optarg, NULL, 10) : 0;
		switch (opt) {
		case 's':
			options.seed = n;
			break;
		case 'c':
			options.cuts = n;
			break;
		case 'j':
			options.jobs = n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
			break;
		case 'p':
			options.per_run = (unsigned)n;
			break;
		case 'n':
			options.calls = (unsigned)n;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct tally sum = {0}, *tallies;
	struct timespec begun, ended;

	options.per_run = subject.per_run;
	parse(argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	tallies = mmap(NULL, JOBS_MAX * sizeof *tallies, PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	for (unsigned i = 0; i < options.jobs; i++) {
		if (fork() == 0) {
			work(i, &tallies[i]);
			fflush(NULL);
			_exit(0);
		}
	}
	bool broken = false;
	for (unsigned i = 0; i < options.jobs; i++) {
		int status;
		wait(&status);
		broken = broken || status != 0;
	}
	for (unsigned i = 0; i < options.jobs; i++) {
		const uint64_t *from = (const uint64_t *)&tallies[i];
		uint64_t *to = (uint64_t *)&sum;
		for (size_t k = 0; k < sizeof sum / sizeof *to; k++)
			to[k] += from[k];
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	print(&sum, (double)(ended.tv_sec - begun.tv_sec) +
	                (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	return sum.wrong || broken ? 1 : 0;
}
