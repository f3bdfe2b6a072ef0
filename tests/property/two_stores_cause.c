/* Why a store that spoke alone parted people otherwise than HQ did when it heard: counted by cause.
 * A store has of HQ's customers what their lines say, so who of them is one person is HQ's to say.
 */
#include "two_stores.h"

#include <jansson.h>

static const char *const causes[CAUSE_COUNT] = {
    [CAUSE_HQ_PARTED] = "HQ parted a customer of its own",
    [CAUSE_HQ_JOINED] = "HQ made one of two customers of its own",
    [CAUSE_STORE_PARTED] = "the store parted whom HQ did not",
    [CAUSE_NEW_JOINED] = "HQ joined somebody new whom the store did not",
    [CAUSE_NEW_REFUSED] = "the store joined somebody whom HQ did not",
    [CAUSE_MARK_UNKNOWN] = "HQ knew a block or share of what nobody had",
    [CAUSE_MARK_GONE] = "HQ no longer has it blocked or shared",
    [CAUSE_HOLDERS] = "HQ says otherwise who has an identifier",
};

static enum cause cause_of_pair(const struct view *before, const struct view *was, size_t i,
                                size_t j)
{
	bool old = i < before->units && j < before->units;
	if (was->is[i][j] && old && before->is[i][j])
		return CAUSE_HQ_PARTED;
	if (was->is[i][j])
		return CAUSE_NEW_REFUSED;
	if (old && before->is[i][j])
		return CAUSE_STORE_PARTED;
	return old ? CAUSE_HQ_JOINED : CAUSE_NEW_JOINED;
}

static bool marked(const struct view *v, size_t ident)
{
	const char *text = (const char *)v->ident[ident].data;
	return strstr(text, "shared") || strstr(text, "blocked");
}

static bool held(const struct view *v, size_t ident)
{
	return strstr((const char *)v->ident[ident].data, ": 0") == NULL;
}

static enum cause cause_of_ident(const struct view *before, const struct view *was,
                                 const struct view *is, size_t i)
{
	if (marked(was, i) == marked(is, i) && marked(is, i) == false)
		return CAUSE_HOLDERS;
	if (marked(is, i) && !held(before, i))
		return CAUSE_MARK_UNKNOWN;
	return marked(was, i) && !marked(is, i) ? CAUSE_MARK_GONE : CAUSE_HOLDERS;
}

static void tell_pair(const struct bench *b, enum cause c, size_t i, size_t j)
{
	if (b->told)
		(void)printf("  of units %zu and %zu: %s\n", j, i, causes[c]);
}

static void tell_ident(const struct bench *b, enum cause c, const struct view *was,
                       const struct view *is, size_t i)
{
	if (b->told)
		(void)printf("  %s; HQ: %s: %s\n", (const char *)was->ident[i].data,
		             (const char *)is->ident[i].data, causes[c]);
}

/* Of identifiers only where people are the same: otherwise those say it. */
void cause_count(struct bench *b, const struct view *before, const struct view *was,
                 const struct view *is)
{
	bool seen[CAUSE_COUNT] = {false}, persons = false;
	for (size_t i = 0; i < b->unit_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (was->is[i][j] == is->is[i][j])
				continue;
			enum cause c = cause_of_pair(before, was, i, j);
			persons = seen[c] = true;
			tell_pair(b, c, i, j);
		}
	}
	for (size_t i = 0; !persons && i < IDENTS; i++) {
		if (view_same_ident(was, is, i))
			continue;
		enum cause c = cause_of_ident(before, was, is, i);
		seen[c] = true;
		tell_ident(b, c, was, is, i);
	}
	b->compared++;
	b->other_persons += persons;
	for (int c = 0; c < CAUSE_COUNT; c++) {
		b->cause[c] += seen[c];
		b->other_idents += seen[c] && !persons;
	}
}

void cause_print(const struct bench *b)
{
	for (int c = 0; c < CAUSE_COUNT; c++)
		if (b->cause[c])
			(void)printf("  %4" PRIu64 " times %s\n", b->cause[c], causes[c]);
}
