#include "hq/base/hq_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void hq_names_add(struct hq_names *set, const char *name)
{
	char *copy;

	if (!name[0])
		return;
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 32;
		char **more = memory_more(set->name, room * sizeof *more);
		if (!more) {
			set->failed = true;
			return;
		}
		set->name = more;
		set->room = room;
	}
	copy = memory_text(name);
	if (copy)
		set->name[set->count++] = copy;
	else
		set->failed = true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void hq_names_settle(struct hq_names *set)
{
	size_t kept = 0;

	if (set->count > 1)
		qsort(set->name, set->count, sizeof *set->name, by_text);
	for (size_t i = 0; i < set->count; i++) {
		if (kept > 0 && strcmp(set->name[kept - 1], set->name[i]) == 0)
			free(set->name[i]);
		else
			set->name[kept++] = set->name[i];
	}
	set->count = kept;
}

void hq_names_free(struct hq_names *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->name[i]);
	free(set->name);
	*set = (struct hq_names){0};
}
