#include "hq/base/hq_intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/score_text.h"

#define ROOM_FIRST 1024

const char *hq_intern_text(const struct hq_intern *in, uint32_t number)
{
	return in->text + in->at[number];
}

static uint32_t *slot_of(const struct hq_intern *in, const char *text)
{
	uint32_t mask = in->room * 2 - 1;
	uint32_t i = (uint32_t)score_text_hash(text) & mask;

	while (in->slot[i] && strcmp(hq_intern_text(in, in->slot[i] - 1), text) != 0)
		i = (i + 1) & mask;
	return &in->slot[i];
}

static int grow(struct hq_intern *in)
{
	uint32_t room = in->room ? in->room * 2 : ROOM_FIRST;
	uint32_t *at = memory_more(in->at, room * sizeof *at), *uses, *slot;

	if (!at)
		return -1;
	in->at = at;
	uses = memory_more(in->uses, room * sizeof *uses);
	if (!uses)
		return -1;
	in->uses = uses;
	slot = memory_zeroed((size_t)room * 2, sizeof *slot);
	if (!slot)
		return -1;
	free(in->slot);
	in->slot = slot;
	in->room = room;
	for (uint32_t i = 0; i < in->count; i++)
		*slot_of(in, hq_intern_text(in, i)) = i + 1;
	return 0;
}

static int room_for(struct hq_intern *in, size_t n)
{
	size_t room = in->text_room ? in->text_room * 2 : ROOM_FIRST * 8;
	char *text;

	if (in->text_len + n <= in->text_room)
		return 0;
	while (room < in->text_len + n)
		room *= 2;
	text = room > UINT32_MAX ? NULL : memory_more(in->text, room);
	if (!text)
		return -1;
	in->text = text;
	in->text_room = room;
	return 0;
}

static uint32_t add(struct hq_intern *in, const char *text)
{
	size_t n = strlen(text) + 1;
	uint32_t *slot;

	if ((in->count == in->room && grow(in) != 0) || room_for(in, n) != 0)
		return HQ_INTERN_NONE;
	slot = slot_of(in, text);
	if (!*slot) {
		memcpy(in->text + in->text_len, text, n);
		in->at[in->count] = (uint32_t)in->text_len;
		in->uses[in->count] = 0;
		in->text_len += n;
		*slot = ++in->count;
	}
	in->uses[*slot - 1]++;
	return *slot - 1;
}

uint32_t hq_intern_add(struct hq_intern *in, const char *text)
{
	if (in->count == 0 && add(in, "") == HQ_INTERN_NONE)
		return HQ_INTERN_NONE;
	return add(in, text);
}

void hq_intern_free(struct hq_intern *in)
{
	free(in->text);
	free(in->at);
	free(in->uses);
	free(in->slot);
	*in = (struct hq_intern){0};
}
