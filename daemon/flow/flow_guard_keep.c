/* What the guards know, kept with the events that changed it: set by set, so that a basket costs
 * some hundred bytes. What the journal refuses has not been. */
#include "flow/flow_guard_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define MARK_PURPOSE "guards-key" /* a person's reasons stand in it */

void guard_keep_names(struct flow_guard *g)
{
	for (size_t i = 0; i < WARD_SETS; i++)
		snprintf(g->mark[i], sizeof g->mark[i], FLOW_MARK_GUARDS "_%03x",
		         (unsigned)i % 0x1000);
}

/* ---- noting ---- */

static void note_set(struct flow *f, struct entry *e, size_t set)
{
	struct flow_guard *g = f->guard;
	struct buf saved = {0};

	ward_save(g->ward, set, &saved);
	if (saved.len == 1) /* nothing but the version */
		buf_reset(&saved);
	if (saved.failed || flow_mark_put(f, e, g->mark[set], MARK_PURPOSE, &saved) < 0)
		ward_lost(g->ward, set);
	if (saved.data)
		explicit_bzero(saved.data, saved.len);
	buf_free(&saved);
}

void guard_keep_note(struct flow *f, struct entry *e)
{
	struct flow_guard *g = f->guard;

	for (size_t set = 0; ward_unsaved(g->ward, &set); set++)
		note_set(f, e, set);
	if (g->whole && entry_mark(e, FLOW_MARK_GUARDS, "", 0) == 0)
		g->whole = false;
}

/* ---- the journal's answer ---- */

struct guard_owed *guard_owe(struct flow_guard *g, const struct entry *e,
                             const uint8_t key[WARD_KEY_BYTES])
{
	const struct ward_row *row = ward_find(g->ward, key);
	struct guard_owed *owed;

	if (g->owed_count == GUARD_OWED_MAX)
		return NULL;
	owed = &g->owed[g->owed_count++];
	*owed = (struct guard_owed){.e = e};
	if (row)
		owed->was = *row;
	memcpy(owed->was.key, key, WARD_KEY_BYTES);
	return owed;
}

static void take_back(struct flow_guard *g, const struct guard_owed *owed)
{
	if (owed->cleared)
		ward_put_back(g->ward, owed->was.key, &owed->was);
	else if (owed->basket_id[0])
		ward_uncount(g->ward, owed->was.key, owed->basket_id,
		             owed->caused ? &owed->was : NULL);
	else
		ward_uncause(g->ward, owed->was.key, &owed->was);
}

static void lost(struct flow_guard *g, const struct entry *e)
{
	for (const struct entry_mark *m = e->marks; m; m = m->next) {
		if (strcmp(m->name, FLOW_MARK_GUARDS) == 0)
			g->whole = true;
		for (size_t i = 0; i < WARD_SETS; i++) {
			if (m->name == g->mark[i])
				ward_lost(g->ward, i);
		}
	}
}

void flow_guard_answered(struct flow *f, const struct entry *e)
{
	struct flow_guard *g = f->guard;

	if (e->status != ENTRY_KEPT)
		lost(g, e);
	for (size_t i = g->owed_count; i > 0; i--) {
		struct guard_owed *owed = &g->owed[i - 1];
		if (owed->e != e)
			continue;
		if (e->status != ENTRY_KEPT)
			take_back(g, owed);
		memmove(owed, owed + 1, (g->owed_count - i) * sizeof *owed);
		g->owed_count--;
	}
}

/* ---- the start ---- */

/* One mark's value. */
static bool load(struct flow *f, const struct buf *mark)
{
	struct buf plain = {0};
	bool ok = flow_mark_open(f, MARK_PURPOSE, mark, &plain) >= 0 &&
	          (!plain.len || ward_load(f->guard->ward, plain.data, plain.len));

	f->guard->whole |= plain.len && plain.data[0] == 1;
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
	return ok;
}

void flow_guard_begin(struct flow *f, const struct buf *marks)
{
	bool ok = true;

	for (size_t at = 0; at + 4 <= marks->len;) {
		struct buf mark = {.len = buf_get32(marks->data + at)};
		mark.data = marks->data + at + 4;
		at += 4 + mark.len;
		ok = load(f, &mark) && ok;
	}
	if (!ok)
		log_error("what the guards knew could not be read back whole");
}
