/* A small world to fold: units and operations by name, in the order in which they are said. */
#ifndef TESTS_FOLD_WORLD_H
#define TESTS_FOLD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/fold.h"

#define FOLD_WORLD_MAX 4096

struct fold_world {
	struct rule_set rules;
	struct fold_unit unit[FOLD_WORLD_MAX];
	size_t unit_count;
	struct fold_op op[FOLD_WORLD_MAX];
	size_t op_count;
	struct fold *f; /* of the last fold_world_run */
};

/* A name as a reference, spread over all of it. */
static inline struct ref named(const char *name)
{
	struct ref r;
	uint64_t h = 1469598103934665603U;
	for (size_t i = 0; i < sizeof r.byte; i++) {
		for (const char *c = name; *c; c++)
			h = (h ^ (uint8_t)*c) * 1099511628211U;
		h ^= h >> 29;
		r.byte[i] = (uint8_t)(h >> 11);
	}
	return r;
}

static inline struct ref numbered(char what, size_t n)
{
	char name[32];
	(void)snprintf(name, sizeof name, "%c%zu", what, n);
	return named(name);
}

static inline int fold_world_start(void **state)
{
	struct fold_world *w = calloc(1, sizeof *w);
	if (!w)
		return -1;
	struct rule_set *r = &w->rules;
	r->rule[0] = (struct rule){
	    .kind = IDENT_LOYALTY, .limit = 3, .unique = true, .join = RULE_JOIN_VERIFIED};
	r->rule[1] = (struct rule){.kind = IDENT_PHONE, .limit = 2, .join = RULE_JOIN_NAMED};
	r->rule[2] = (struct rule){.kind = IDENT_EMAIL, .limit = 2, .join = RULE_JOIN_VERIFIED};
	r->rule_count = 3;
	r->guard.persons_max = 3;
	r->guard.offline_days = 7;
	*state = w;
	return 0;
}

static inline int fold_world_stop(void **state)
{
	struct fold_world *w = *state;
	fold_free(w->f);
	free(w);
	return 0;
}

/* An enrolment of a store of its own, all at the same moment; first may be NULL. */
static inline struct fold_unit *enrol(struct fold_world *w, const char *name, const char *first)
{
	struct fold_unit *u = &w->unit[w->unit_count++];
	u->ref = named(name);
	(void)snprintf(u->first_name, sizeof u->first_name, "%s", first ? first : "");
	u->made.store = (uint32_t)w->unit_count;
	return u;
}

#define DAY_US INT64_C(86400000000)

/* Of this store, between these days. */
static inline struct fold_unit *enrol_at(struct fold_world *w, const char *name, uint32_t store,
                                         int64_t from_day, int64_t to_day)
{
	struct fold_unit *u = enrol(w, name, NULL);
	u->made = (struct fold_made){store, from_day * DAY_US, to_day * DAY_US};
	return u;
}

/* A row of HQ's, confirmed. */
static inline struct fold_unit *customer(struct fold_world *w, const char *name, uint32_t number)
{
	struct fold_unit *u = enrol(w, name, NULL);
	u->number = number;
	u->confirmed = true;
	u->made.store = 0;
	return u;
}

static inline struct fold_op *say(struct fold_world *w, enum fold_kind kind, const char *left,
                                  const char *right)
{
	struct fold_op *op = &w->op[w->op_count];
	*op = (struct fold_op){.kind = kind, .id = numbered('#', w->op_count), .left = named(left)};
	if (right)
		op->right = named(right);
	w->op_count++;
	return op;
}

static inline struct fold_op *claim(struct fold_world *w, const char *unit, enum ident_kind kind,
                                    const char *ident, bool verified)
{
	struct fold_op *op = say(w, FOLD_CLAIM, unit, ident);
	op->ident = kind;
	op->verified = verified;
	return op;
}

static inline struct fold_op *typed(struct fold_world *w, const char *unit, const char *phone)
{
	return claim(w, unit, IDENT_PHONE, phone, false);
}

static inline struct fold_op *scanned(struct fold_world *w, const char *unit, const char *card)
{
	return claim(w, unit, IDENT_LOYALTY, card, true);
}

static inline struct fold_op *link_two(struct fold_world *w, const char *a, const char *b)
{
	struct fold_op *op = say(w, FOLD_LINK, a, b);
	op->by_person = true;
	return op;
}

static inline void undo(struct fold_world *w, const struct fold_op *what)
{
	struct ref id = what->id;
	say(w, FOLD_UNDO, "", NULL)->left = id;
}

static inline void undo_join(struct fold_world *w, const struct fold_op *a, const struct fold_op *b)
{
	struct ref id;
	for (size_t i = 0; i < sizeof id.byte; i++)
		id.byte[i] = a->id.byte[i] ^ b->id.byte[i];
	say(w, FOLD_UNDO, "", NULL)->left = id;
}

static inline const struct fold *fold_world_run(struct fold_world *w)
{
	const struct fold_input in = {.rules = &w->rules,
	                              .unit = w->unit,
	                              .unit_count = w->unit_count,
	                              .op = w->op,
	                              .op_count = w->op_count};
	fold_free(w->f);
	w->f = fold_run(&in);
	assert_non_null(w->f);
	return w->f;
}

static inline size_t place_of(const struct fold_world *w, const char *unit)
{
	struct ref r = named(unit);
	size_t i = 0;
	while (i < w->unit_count && !ref_same(&w->unit[i].ref, &r))
		i++;
	assert_true(i < w->unit_count);
	return i;
}

/* Folds. */
static inline bool one_person(struct fold_world *w, const char *a, const char *b)
{
	const struct fold *f = fold_world_run(w);
	size_t p = f->person[place_of(w, a)];
	return p != FOLD_NOBODY && p == f->person[place_of(w, b)];
}

/* What was decided of an operation, by the last fold. */
static inline struct fold_verdict verdict_of(const struct fold_world *w, const struct fold_op *op)
{
	return w->f->verdict[op - w->op];
}

/* Of the only join of the last fold. */
static inline struct fold_verdict the_join(const struct fold_world *w)
{
	assert_int_equal(w->f->join_count, 1);
	return w->f->join[0].verdict;
}

static inline const struct fold_ident *ident_of(const struct fold_world *w, const char *ident)
{
	struct ref r = named(ident);
	for (size_t i = 0; i < w->f->ident_count; i++)
		if (ref_same(&w->f->ident[i].ident, &r))
			return &w->f->ident[i];
	return NULL;
}

#define assert_refused(verdict, why)                                                               \
	do {                                                                                       \
		assert_int_equal((verdict).fate, FOLD_REFUSED);                                    \
		assert_string_equal(fold_reason_name((verdict).reason), fold_reason_name(why));    \
	} while (0)
#define assert_holds(verdict)                                                                      \
	do {                                                                                       \
		assert_string_equal(fold_reason_name((verdict).reason), "none");                   \
		assert_int_equal((verdict).fate, FOLD_HOLDS);                                      \
	} while (0)

#endif
