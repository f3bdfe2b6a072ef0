/* Power cuts: the main program of cut_store and cut_hq.
 *
 *   cut_store [--seed N] [--cuts N] [--per-run N] [--calls N] [--restore] [--spoil] [--unknown]
 * [--until-wrong]
 * [--jobs N] [-v]
 *
 * A run begins with an empty disk and a seed; in it the power goes --per-run times, each time at
 * one of the first --calls writes, syncs, truncations and folder changes of a start, chosen evenly,
 * and the program starts on what is left. Prints how many cuts fell where, and how a run that went
 * wrong is played again; exits 1 if one did.
 *
 *   --restore      once in each run the disk is put back to what it was some cuts before
 *   --spoil        at some of the cuts and stops the journal's file is damaged
 *   --unknown      at times writes or syncs fail, in three starts in a row: commits end unknown
 *   --until-wrong  end at the first thing that is wrong, and say how long it took to find it
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"

#define KILL_PERCENT 10 /* of the cuts only the process ends */
#define LASTING 1000000
#define UNKNOWN_PERCENT 15
#define UNKNOWN_CALLS 120 /* of a start, in which the disk fails */
#define UNKNOWN_KEPT 3    /* exits, and then nothing is kept */
#define UNKNOWN_WITHIN_US INT64_C(600000000)
#define SPOIL_PERCENT 15 /* of the cuts and stops, the journal's file is damaged behind it */
#define JOBS_MAX 64
#define SAID_MAX 3 /* runs that went wrong, of one worker */

static struct {
	uint64_t seed, cuts;
	unsigned jobs, per_run, calls;
	bool verbose, restore, spoil, unknown, until_wrong;
} options = {.seed = 1, .cuts = 300, .jobs = 4, .calls = 420};

/* In memory that the workers share with the parent: each its own. */
struct tally {
	uint64_t cuts, kills, runs, starts, stops, events, messages, resent, calls;
	uint64_t at[DISK_PHASES];
	struct disk_toll toll;
	uint64_t unknown, not_begun, told_no; /* of the starts on a disk that fails; kept nothing */
	uint64_t spoilt, salvaging;           /* damaged; cuts while that was being brought back */
	uint64_t wrong, refused;
};

/* Somebody else has found what all were looking for. */
static struct shared {
	struct tally tally[JOBS_MAX];
	bool found;
	char what[700];
} * shared;

static bool is_over(void)
{
	return options.until_wrong && __atomic_load_n(&shared->found, __ATOMIC_SEQ_CST);
}

static void say_wrong(const struct base *r, uint64_t seed, uint64_t generation, const char *what)
{
	printf("WRONG: seed %" PRIu64 ", start %" PRIu64 ": %s\n", seed, generation, what);
	printf("  again: build/tests/fault/%s --seed %" PRIu64 " --cuts %u --per-run %u "
	       "--calls %u%s%s%s --jobs 1 -v\n",
	       subject.program, seed, options.per_run, options.per_run, options.calls,
	       options.restore ? " --restore" : "", options.spoil ? " --spoil" : "",
	       options.unknown ? " --unknown" : "");
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
	if (t->wrong++ < SAID_MAX && !options.until_wrong)
		say_wrong(r, seed, generation, what);
	if (options.until_wrong && !__atomic_exchange_n(&shared->found, true, __ATOMIC_SEQ_CST))
		snprintf(shared->what, sizeof shared->what,
		         "seed %" PRIu64 ", start %" PRIu64 ": %s", seed, generation, what);
	return false;
}

/* ---- a disk that fails ---- */

/* Commits that ended unknown, as a start has to know of them. */
struct spell {
	unsigned left; /* starts whose disk fails, one after the other */
	int64_t at_us[UNKNOWN_KEPT];
	unsigned count; /* since the last power cut: it may take what was written down of them */
	bool unsure;    /* the disk failed on and on: perhaps it was not written down */
};

/* false: this start's disk does not fail. */
static bool plan_failure(struct base *r, struct spell *s, uint64_t *luck)
{
	if (!options.unknown || r->last)
		return false;
	if (s->left == 0 && dice_below(luck, 100) < UNKNOWN_PERCENT)
		s->left = UNKNOWN_KEPT + 1;
	if (s->left == 0 || --s->left == 0)
		return false;
	bool lasting = dice_below(luck, 4) == 0;
	disk_plan(r->disk, DISK_EIO, 1 + (uint32_t)dice_below(luck, UNKNOWN_CALLS),
	          lasting ? LASTING : 1, dice(luck));
	s->unsure = s->unsure || lasting;
	return true;
}

/* Three exits within ten minutes, and nothing must be kept for ten minutes. */
static bool must_tell_no(const struct base *r, const struct spell *s)
{
	return s->count >= UNKNOWN_KEPT && !s->unsure &&
	       r->wall_us - s->at_us[(s->count - UNKNOWN_KEPT) % UNKNOWN_KEPT] <= UNKNOWN_WITHIN_US;
}

/* true: it ended as it may. */
static bool take_failure(struct base *r, struct tally *t, struct spell *s, int status)
{
	if (!WIFEXITED(status))
		return false;
	if (WEXITSTATUS(status) == subject.exit_unknown) {
		t->unknown++;
		s->at_us[s->count++ % UNKNOWN_KEPT] = r->wall_us;
		return true;
	}
	t->not_begun += WEXITSTATUS(status) == 1 && !r->ready;
	return WEXITSTATUS(status) == 1 && !r->ready;
}

/* ---- a run ---- */

/* A backup, and back to it, at two of the cuts of a run. */
struct backup {
	unsigned save_at, restore_at; /* after so many cuts; 0: never */
};

static void back_up(struct base *r, const struct backup *b, unsigned cuts)
{
	if (cuts == b->save_at)
		subject.save(r);
	if (cuts == b->restore_at)
		subject.restore(r);
}

/* The machine is off then. */
static void spoil(struct base *r, struct tally *t, uint64_t *luck)
{
	if (!options.spoil || r->last || dice_below(luck, 100) >= SPOIL_PERCENT)
		return;
	disk_reboot(r->disk, dice(luck));
	subject.spoil(r);
	t->spoilt++;
}

static void run(struct base *r, struct tally *t, uint64_t seed)
{
	uint64_t luck = seed * 7919 + 13;
	struct backup backup = {0};
	struct spell spell = {0};
	unsigned cuts = 0;
	bool fine = true;

	subject.begin(r, seed);
	if (options.restore && subject.save) {
		backup.save_at = 1 + (unsigned)dice_below(&luck, options.per_run / 2);
		backup.restore_at = backup.save_at + 1 + (unsigned)dice_below(&luck, 4);
	}
	for (uint64_t generation = 1; fine && !r->last && !is_over(); generation++) {
		bool kill = dice_below(&luck, 100) < KILL_PERCENT;
		uint32_t at = 1 + (uint32_t)dice_below(&luck, options.calls);

		r->last = cuts == options.per_run;
		bool fails = plan_failure(r, &spell, &luck);
		if (!fails)
			disk_plan(r->disk,
			          r->last ? DISK_NONE
			          : kill  ? DISK_KILL
			                  : DISK_CUT,
			          at, 1, dice(&luck));
		r->may_refuse = fails;
		r->must_refuse = must_tell_no(r, &spell);
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
		t->told_no += r->told_no;
		if (fails && take_failure(r, t, &spell, status))
			continue;
		fine = take_end(r, t, seed, generation, status);
		if (fails || !disk_struck(r->disk)) {
			spoil(r, t, &luck);
			continue;
		}
		t->salvaging += r->salvages;
		cuts++;
		t->cuts += !kill;
		t->kills += kill;
		/* A backup is of what is certain, so the machine is off then. */
		if (!kill || cuts == backup.save_at || cuts == backup.restore_at) {
			disk_reboot(r->disk, dice(&luck));
			spell = (struct spell){0};
		}
		back_up(r, &backup, cuts);
		spoil(r, t, &luck);
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
	for (uint64_t i = job; i < runs && !is_over(); i += options.jobs)
		run(r, t, options.seed + i);
	t->toll = disk_toll(r->disk);
	subject.free(r);
}

static void print(const struct tally *t, double seconds)
{
	uint64_t cuts = t->cuts + t->kills, in_phases = 0;

	if (options.until_wrong) {
		printf("%s after %" PRIu64 " runs, %" PRIu64 " cuts, %.1f s: %s\n",
		       shared->found ? "caught" : "NOT CAUGHT", t->runs, cuts, seconds,
		       shared->what);
		return;
	}
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
	if (options.unknown)
		printf("  the disk failed: %" PRIu64 " commits ended unknown, %" PRIu64
		       " starts did not begin; %" PRIu64
		       " starts kept nothing, for there were three in ten minutes\n",
		       t->unknown, t->not_begun, t->told_no);
	if (options.spoil)
		printf("  the journal's file was damaged %" PRIu64 " times; %" PRIu64
		       " cuts while it was being brought back\n",
		       t->spoilt, t->salvaging);
	printf("  starts refused: %" PRIu64 "; runs with something lost, doubled or wrong: %" PRIu64
	       " of %" PRIu64 " cuts\n",
	       t->refused, t->wrong, cuts);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
	    {"seed", required_argument, NULL, 's'},  {"cuts", required_argument, NULL, 'c'},
	    {"jobs", required_argument, NULL, 'j'},  {"per-run", required_argument, NULL, 'p'},
	    {"calls", required_argument, NULL, 'n'}, {"restore", no_argument, NULL, 'r'},
	    {"until-wrong", no_argument, NULL, 'u'}, {"spoil", no_argument, NULL, 'd'},
	    {"unknown", no_argument, NULL, 'k'},     {0}};
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
		case 'r':
			options.restore = true;
			break;
		case 'd':
			options.spoil = true;
			break;
		case 'k':
			options.unknown = true;
			break;
		case 'u':
			options.until_wrong = true;
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
	struct tally sum = {0};
	struct timespec begun, ended;

	options.per_run = subject.per_run;
	parse(argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	shared = base_memory(sizeof *shared);
	fflush(NULL);
	for (unsigned i = 0; i < options.jobs; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(i, &shared->tally[i]);
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
		const uint64_t *from = (const uint64_t *)&shared->tally[i];
		uint64_t *to = (uint64_t *)&sum;
		for (size_t k = 0; k < sizeof sum / sizeof *to; k++)
			to[k] += from[k];
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	print(&sum, (double)(ended.tv_sec - begun.tv_sec) +
	                (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	return sum.wrong || broken ? 1 : 0;
}
