/* The store, for cut_store and fail_store. */
#include "rig.h"
#include "store/journal.h"

static struct base *make(const char *folder)
{
	return &rig_new(folder)->b;
}

static void end(struct base *b)
{
	rig_free((struct rig *)b);
}

static void begin(struct base *b, uint64_t seed)
{
	rig_begin((struct rig *)b, seed);
}

static int start(struct base *b)
{
	return rig_start((struct rig *)b);
}

static void save(struct base *b)
{
	rig_save((struct rig *)b);
}

static void restore(struct base *b)
{
	rig_restore((struct rig *)b);
}

static void spoil(struct base *b)
{
	rig_spoil((struct rig *)b);
}

const struct subject subject = {.name = "store",
                                .program = "cut_store",
                                .per_run = 25,
                                .actions = 60,
                                .no_memory = true,
                                .exit_unknown = JOURNAL_EXIT_UNKNOWN,
                                .make = make,
                                .free = end,
                                .begin = begin,
                                .start = start,
                                .save = save,
                                .restore = restore,
                                .spoil = spoil};
