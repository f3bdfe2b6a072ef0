/* The entry's arena is a list of chunks, newest first: what was handed out never moves. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "event/event.h"

/* The first chunk is one piece with its entry and holds most inputs whole, their lines included:
 * one allocation an input. */
#define FIRST_BYTES 3584
#define CHUNK_BYTES 8192 /* a bigger text gets a chunk of its own size */

struct entry_arena {
	struct entry_arena *older;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

static void *arena_take(struct entry *e, size_t n, size_t align)
{
	struct entry_arena *a = e->arena;
	size_t at = a ? (a->used + align - 1) / align * align : 0;
	if (!a || at > a->size || n > a->size - at) {
		size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;
		if (n > SIZE_MAX - sizeof *a)
			return NULL;
		a = memory_alloc(sizeof *a + size);
		if (!a)
			return NULL;
		*a = (struct entry_arena){.older = e->arena, .size = size};
		e->arena = a;
		at = 0;
	}
	a->used = at + n;
	return a->data + at;
}

struct first {
	struct entry entry;
	struct entry_arena arena;
};

struct entry *entry_new(void)
{
	struct first *f = memory_alloc(sizeof *f + FIRST_BYTES);
	if (!f)
		return NULL;
	f->entry = (struct entry){.arena = &f->arena};
	f->arena = (struct entry_arena){.size = FIRST_BYTES};
	return &f->entry;
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	for (struct entry_arena *a = e->arena, *older; a; a = older) {
		older = a->older;
		/* Persons and visit keys in plain: a core dump must not hold those of yesterday. */
		explicit_bzero(a->data, a->used);
		if (older)
			free(a);
	}
	free(e);
}

struct lw_event *entry_add(struct entry *e, enum event_kind kind)
{
	struct lw_event *ev = arena_take(e, sizeof *ev, alignof(struct lw_event));
	if (!ev)
		return NULL;
	*ev = (struct lw_event){.kind = kind};
	if (e->last)
		e->last->next = ev;
	else
		e->first = ev;
	e->last = ev;
	e->count++;
	return ev;
}

const char *entry_text_n(struct entry *e, const char *s, size_t n)
{
	if (!s || n == SIZE_MAX)
		return NULL;
	char *copy = arena_take(e, n + 1, 1);
	if (!copy)
		return NULL;
	memcpy(copy, s, n);
	copy[n] = 0;
	return copy;
}

const char *entry_text(struct entry *e, const char *s)
{
	return s ? entry_text_n(e, s, strlen(s)) : NULL;
}

int entry_mark(struct entry *e, const char *name, const void *value, size_t len)
{
	struct entry_mark *mark = arena_take(e, sizeof *mark, alignof(struct entry_mark));
	void *copy = mark ? arena_take(e, len, 1) : NULL;
	if (!copy)
		return -1;
	if (len)
		memcpy(copy, value, len);
	*mark = (struct entry_mark){.name = name, .value = copy, .len = len};
	if (e->last_mark)
		e->last_mark->next = mark;
	else
		e->marks = mark;
	e->last_mark = mark;
	return 0;
}
