/* Small worlds of units, operations, facts, choices and points, whose changes arrive in any order
 * while what they say stands in the canonical one.
 *
 * After each change only the components that it can influence (identity/fold.h) are folded anew,
 * each by itself; the state of each unit's person is kept as a hash of its text.
 */
#ifndef TESTS_PROPERTY_WORLD_H
#define TESTS_PROPERTY_WORLD_H

#include <stdio.h>

#include "person.h"

/* Where an operation stands, whenever it arrives. Store 0 is HQ. */
struct place {
	uint32_t store, epoch, seq, at;
};

struct said {
	struct fold_op op;
	struct place place;
};

/* Holds its value itself; fact.value is set when it is looked at. */
struct saying {
	struct field_fact fact;
	bool no_value;
	char value[40];
};

struct pool_ident {
	struct ref ref;
	enum ident_kind kind;
};

/* state 0: nobody. Arrays grow; counts of elements stand beside them. */
struct pool {
	const struct rule_set *rules;
	uint32_t number, big;
	struct pool_ident *ident;
	size_t ident_count;
	struct fold_unit *unit;
	uint64_t *state;
	size_t unit_count;
	struct said *said;
	size_t said_count;
	struct saying *fact;
	size_t fact_count;
	struct consent_choice *choice;
	size_t choice_count;
	struct person_points *points;
	size_t points_count;
	struct ref *promised; /* ids of operations that were undone before they came */
	size_t promised_count;
};

enum change_kind {
	CHANGE_UNIT,  /* a unit comes */
	CHANGE_AMEND, /* what a unit says of itself is another thing now; `at` */
	CHANGE_SAID,
	CHANGE_FACT,
	CHANGE_UNSAY, /* the fact at `at` is taken away */
	CHANGE_CHOICE,
	CHANGE_POINTS,
};

struct change {
	enum change_kind kind;
	size_t at;
	struct fold_unit unit;
	struct said said;
	struct saying fact;
	struct consent_choice choice; /* its covers are the pool's from then on */
	struct person_points points;
};

/* What the last change touched, and what was seen on the way. */
struct touched {
	uint8_t *unit; /* per unit: 1 if it was folded anew */
	size_t cap;
	size_t largest; /* units of one person */
};

void pool_free(struct pool *p);
/* Ends the program when memory runs out, as all of these do. */
void *pool_more(void *array, size_t count, size_t size);

/* Take a change in, and fold what it touches. */
void pool_apply(struct pool *p, const struct change *c, struct touched *t);
/* The last change of that kind never came: a CHANGE_UNIT, SAID, FACT, CHOICE or POINTS. States stay
 * as they are. */
void pool_pop(struct pool *p, enum change_kind kind);
/* Fold all of it at once and put the states into out. */
void pool_fold(const struct pool *p, uint64_t *out);
/* Per unit the place of the unit that names its person, or FOLD_NOBODY, by a fold of all. */
void pool_persons(const struct pool *p, size_t *out);
/* Per operation, in order of arrival, what a fold of all decides. */
void pool_verdicts(const struct pool *p, struct fold_verdict *out);
/* FOLD_IDENT_...; -1: nobody ever claimed it. */
int pool_ident_state(const struct pool *p, const struct ref *ident);
/* The text of a unit's person, by a fold of all. */
void pool_text(const struct pool *p, size_t unit, struct buf *out);

/* One line of JSON. */
void world_put_change(FILE *f, const struct pool *p, const struct change *c);
void world_put_rules(FILE *f, const struct rule_set *rules);

/* ---- generate.c ---- */

struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *r);
size_t chance_below(struct chance *r, size_t n);
bool chance_in(struct chance *r, unsigned percent);
struct ref chance_ref(struct chance *r);

#define RULES_COUNT 4
/* Tables with tight limits, of which the first is the one that is delivered. */
void generate_rules(struct rule_set out[RULES_COUNT]);
void generate_pool(struct chance *r, const struct rule_set *rules, uint32_t number, bool big,
                   struct pool *out);
void generate_change(struct chance *r, struct pool *p, struct change *out);
void generate_unit(struct chance *r, struct fold_unit *out);
/* Where and when it was made. */
void generate_made(struct chance *r, struct fold_unit *u);
/* An operation on units of p, or of `more` behind them. */
void generate_said(struct chance *r, struct pool *p, struct said *out);

#endif
