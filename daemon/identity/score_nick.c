#include <string.h>

#include "identity/score_internal.h"

static const struct nick {
	const char *form;
	int group;
} nicks[] = {
#define SCORE_NICK(form, group) {form, group},
#include "identity/score_nick.def"
};
#define NICK_COUNT ((int)(sizeof nicks / sizeof nicks[0]))

/* The first one of this form; NICK_COUNT: there is none. */
static int first_of(const char *form)
{
	int from = 0, to = NICK_COUNT;

	while (from < to) {
		int mid = (from + to) / 2;
		if (strcmp(nicks[mid].form, form) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < NICK_COUNT && strcmp(nicks[from].form, form) == 0 ? from : NICK_COUNT;
}

bool score_nick_same(const char *a, const char *b)
{
	int from_b = first_of(b);

	if (from_b == NICK_COUNT)
		return false;
	for (int i = first_of(a); i < NICK_COUNT && strcmp(nicks[i].form, a) == 0; i++) {
		for (int k = from_b; k < NICK_COUNT && strcmp(nicks[k].form, b) == 0; k++) {
			if (nicks[i].group == nicks[k].group)
				return true;
		}
	}
	return false;
}
