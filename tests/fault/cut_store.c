/* Power cuts at the store: see cut.c for the options. */
#include "rig.h"

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

const struct subject subject = {"store", "cut_store", 25, make, end, begin, start, save, restore};
