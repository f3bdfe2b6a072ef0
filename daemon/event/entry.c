/* The entry's arena is a list of chunks, newest first: what was handed out never moves. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

#define CHUNK_BYTES                                                                                \
	4096 /* holds a scan's events whole; a bigger text gets a chunk of its own size */

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
		a = malloc(sizeof *a + size);
		if (!a)
			return NULL;
		*a = (struct entry_arena){.older = e->arena, .size = size};
		e->arena = a;
		at = 0;
	}
	a->used = at + n;
	return a->data + at;
}

struct entry *entry_new(void)
{
	return calloc(1, sizeof(struct entry));
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	for (struct entry_arena *a = e->arena, *older; a; a = older) {
		older = a->older;
		/* Persons and visit keys in plain: a core dump must not hold those of yesterday. */
		explicit_bzero(a->data, a->used);
		free(a);
	}
	buf_free(&e->lines);
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
