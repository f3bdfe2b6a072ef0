#include "sync/generation.h"

#include <string.h>

#include "base/text.h"

#define SEEN_KEPT_US                                                                               \
	60000000ll /* how old the journal's copy may be: a store that starts anew still proves it  \
	            */

void generation_load(struct generation *g, struct journal_reader *reader)
{
	memset(g, 0, sizeof(*g));
	journal_reader_text(reader, "generation", g->now, sizeof(g->now));
	journal_reader_text(reader, "over", g->over, sizeof(g->over));
	journal_reader_text(reader, "seen", g->seen, sizeof(g->seen));
}

static bool is_over(const struct generation *g, const char *heard)
{
	for (const char *p = g->over; *p; p += GENERATION_LEN)
		if (strncmp(p, heard, GENERATION_LEN) == 0)
			return true;
	return false;
}

enum generation_word generation_note(struct generation *g, const char *heard)
{
	if (strcmp(g->now, heard) == 0)
		return GENERATION_SAME;
	if (is_over(g, heard))
		return GENERATION_OVER;
	bool first = !g->now[0];
	if (!first) {
		memmove(g->over + GENERATION_LEN, g->over, sizeof(g->over) - 1 - GENERATION_LEN);
		memcpy(g->over, g->now, GENERATION_LEN);
	}
	text_copy(g->now, sizeof(g->now), heard);
	return first ? GENERATION_FIRST : GENERATION_OTHER;
}

bool generation_see(struct generation *g, const char *seen, const struct clock *clock,
                    struct journal *journal)
{
	int64_t now = clock_mono_us(clock);
	if (confirm_seen_turn(seen) <= confirm_seen_turn(g->seen))
		return false;
	text_copy(g->seen, sizeof(g->seen), seen);
	if (!g->seen_kept_us || now - g->seen_kept_us >= SEEN_KEPT_US) {
		g->seen_kept_us = now;
		journal_seen(journal, seen);
	}
	return true;
}
