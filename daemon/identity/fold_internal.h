/* What the files of the fold share: the work of one fold_run.
 *
 * Units, operations and identifiers are named by their places (32 bits) in the input and in the
 * sorted list of identifiers. One allocation holds all of it.
 *
 * Invariants
 *   1. `parent` leads to the root of a unit's person; only the root's `cluster` means something.
 *   2. A cluster's list of held claims names each identifier once, by its earliest claim in the
 *      list, and `held` counts them by kind.
 *   3. A group's entries are claims that hold, in the order of the operations. Several entries may
 *      be of one person only since the last `fold_group_persons`.
 */
#ifndef LANEWAY_IDENTITY_FOLD_INTERNAL_H
#define LANEWAY_IDENTITY_FOLD_INTERNAL_H

#include "identity/fold.h"

#define FOLD_NONE UINT32_MAX
#define FOLD_MIXED (UINT32_MAX - 1)

/* A reference as two big-endian words, so that it is compared fast and in the order of its bytes.
 */
struct fold_key {
	uint64_t high, low;
	uint32_t at;
};

/* A person in the making, at its root unit. */
struct fold_cluster {
	uint32_t size;
	uint32_t born; /* the one birth date, 0, or FOLD_MIXED */
	/* a unit with the one first or last name, FOLD_NONE, or FOLD_MIXED */
	uint32_t first_name, last_name;
	struct fold_made
	    made; /* of all units; store: FOLD_MIXED: several, 0: of one it is not known */
	bool confirmed, company;
	uint32_t held_first, held_last; /* claims */
	uint32_t held[IDENT_KIND_COUNT];
};

/* An identifier, with the claims that hold on it. */
struct fold_group {
	uint32_t claim; /* the first on it, whether it holds or not */
	uint32_t claim_count;
	uint32_t key;                  /* claim_key: where its claims begin */
	uint32_t first, last;          /* entries: places of claims */
	uint32_t persons, unions_then; /* when they were last counted */
	uint32_t stamp;
	bool blocked, shared;
};

struct fold_work {
	const struct fold_input *in;
	const struct rule *rule[IDENT_KIND_COUNT];
	struct fold *out;
	uint32_t unions; /* so far */
	uint32_t stamp;

	struct fold_key *unit_key, *claim_key, *undo_key, *sort_room;
	uint32_t claim_count, undo_count, group_count;
	struct fold_group *group;

	/* Per unit. */
	uint32_t *parent, *member_next, *apart_first, *stamp_of, *entry_of;
	struct fold_cluster *cluster;
	bool *erased;

	/* Per operation: places of what it names (of a claim: unit and group), FOLD_NONE: not here.
	 * Of an entry: the next one, and the first verified claim of its person on the identifier.
	 * Of a held claim: the next one. Of an apart: the next ones of its left and right unit. */
	uint32_t *left, *right, *entry_next, *entry_verified, *held_next;
	uint32_t (*apart_next)[2];
};

/* fold_index.c */
void fold_index_units(struct fold_work *w);
void fold_index_undone(struct fold_work *w);
void fold_index_claims(struct fold_work *w); /* makes the groups */
uint32_t fold_index_unit(const struct fold_work *w, const struct ref *unit);
uint32_t fold_index_group(const struct fold_work *w, const struct ref *ident);
bool fold_index_is_undone(const struct fold_work *w, const struct ref *id);

/* fold_cluster.c */
void fold_cluster_begin(struct fold_work *w);
uint32_t fold_cluster_root(const struct fold_work *w, uint32_t unit);
bool fold_cluster_holds(const struct fold_work *w, uint32_t root, uint32_t group);
void fold_cluster_hold(struct fold_work *w, uint32_t root, uint32_t claim);
void fold_cluster_unite(struct fold_work *w, uint32_t p, uint32_t q);
/* What stands against these two being one person, whoever says so. */
enum fold_reason fold_cluster_never(const struct fold_work *w, uint32_t p, uint32_t q);
/* ... when a rule says so. */
enum fold_names { FOLD_NAMES_NONE, FOLD_NAMES_FIRST, FOLD_NAMES_BOTH }; /* that may not differ */
enum fold_reason fold_cluster_conflict(struct fold_work *w, uint32_t p, uint32_t q,
                                       enum fold_names names);
/* Do both say one first name, or one birth date? */
bool fold_cluster_alike(const struct fold_work *w, uint32_t p, uint32_t q);
/* Could neither be known where the other was made? */
bool fold_cluster_offline(const struct fold_work *w, uint32_t p, uint32_t q);

/* fold_join.c */
void fold_join_propose(struct fold_work *w, uint32_t claim);
/* How many persons have it; entries of one person become one. */
uint32_t fold_group_persons(struct fold_work *w, struct fold_group *g);

static inline enum ident_kind fold_kind_of(const struct fold_work *w, uint32_t claim)
{
	enum ident_kind kind = w->in->op[claim].ident;
	return (unsigned)kind < IDENT_KIND_COUNT ? kind : IDENT_NONE;
}

#endif
