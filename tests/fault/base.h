/* What the rigs of store and HQ have in common: a record that outlives their children. */
#ifndef LANEWAY_TESTS_FAULT_BASE_H
#define LANEWAY_TESTS_FAULT_BASE_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"

#define BASE_EXIT_WRONG 78 /* of a child that found something wrong */

/* The first member of a rig's own record. */
struct base {
	struct disk *disk;
	uint64_t dice;                         /* the load's */
	int64_t mono_us, wall_us;              /* the clock */
	bool ready;                            /* the start-up is through */
	bool last;                             /* of this run: say everything again, then stop */
	bool must_refuse;                      /* it has to begin by keeping nothing */
	bool told_no;                          /* it began by keeping nothing */
	bool salvages;                         /* a damaged file is being brought back */
	bool may_refuse;                       /* the disk or the memory fails: answers may be no */
	uint32_t actions;                      /* of the load until an orderly stop; 0: by dice */
	uint64_t allocations, fail_allocation; /* counted; which of them fails, 0: none */
	uint64_t refused;           /* messages told no, or batches not confirmed in their round */
	uint64_t sent, again, kept; /* messages or batches, those said again, events */
	uint64_t digest;            /* of what the last start has made of it all; 0: of nothing */
	char wrong[512];            /* what was found; empty: nothing */
	char folder[160], log[176];
};

/* A rig, as the power cuts need it. */
struct subject {
	const char *name, *program;
	unsigned per_run; /* cuts in one run, unless said otherwise */
	/* In a folder of its own, which is made. */
	struct base *(*make)(const char *folder);
	void (*free)(struct base *b);
	void (*begin)(struct base *b, uint64_t seed);
	uint32_t actions; /* of the day on which the n-th call fails */
	bool no_memory;   /* the n-th allocation fails too */
	int exit_unknown; /* how it may end when the disk fails in a commit; 0: in no way of its own
	                   */
	int (*start)(struct base *b); /* one start in a child; what waitpid says */
	/* A backup, and back to it: what was shown since then is away, but its names stay taken.
	 * NULL: this rig has none. */
	void (*save)(struct base *b);
	void (*restore)(struct base *b);
	/* Damage that a start gets over. NULL: this rig has none. */
	void (*spoil)(struct base *b);
};
extern const struct subject subject;

extern struct base *base_mine; /* the child's; NULL in the parent */

/* Write down what is wrong and end. In the child. */
_Noreturn void base_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Memory that parent and children share; zeros. */
void *base_memory(size_t n);
void base_begin(struct base *b, uint64_t seed);
/* Fork: the child gets its log, its randomness and its disk, and runs; what waitpid says. */
int base_start(struct base *b, void (*child)(struct base *b));
/* The folder and all in it. */
void base_clear(struct base *b);
void base_put(const struct base *b, const char *name, const char *text);
void base_say_log(const struct base *b);

/* The wrapped clock_system's. */
int64_t base_mono_us(void *ctx);
int64_t base_wall_us(void *ctx);

/* Randomness that is the same from the same seed, for whoever asks in this process: the programs'
 * own ids and keys as well, so that a run can be played again. */
void base_random_seed(uint64_t seed);
void base_random(void *out, size_t n);
void base_random_openssl(void); /* in the parent, before any key is made */

#endif
