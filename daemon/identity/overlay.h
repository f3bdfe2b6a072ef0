/* The store's own changes that HQ's shard does not include yet: enrolments, corrections, links,
 * blocks, consent and points that this store journaled. What a lane is told of a person is HQ's
 * word with these laid over it, so that a customer enrolled on one lane is known on the next, with
 * no network, and after a restart.
 *
 * Pure: no file, no clock. It is fed with kept events, the same way when they are committed and
 * when the journal is read back, and asks for HQ's persons by overlay_hq. Who is one person is
 * fold_run's word, over HQ's persons that are touched and the pending operations in (epoch order,
 * seq); which value a field has, field_choose's.
 *
 * An event goes when HQ says that it includes it; from then on HQ's values stand. Where those
 * differ from what was said here, overlay_kept_next tells it once.
 *
 * Persons are made when something changes, not when they are asked for: asking is one probe of a
 * hash table and allocates nothing. One thread at a time.
 */
#ifndef LANEWAY_IDENTITY_OVERLAY_H
#define LANEWAY_IDENTITY_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "identity/consent.h"
#include "identity/field.h"
#include "identity/ref.h"
#include "identity/rule.h"
#include "store/shard.h"

#define OVERLAY_EVENTS_MAX 20000 /* pending at once: some 40 MB. 30 days of 600 a day */
#define OVERLAY_UNTOUCHED (-2)
#define OVERLAY_EVIDENCE_SIZE 200

struct overlay;

/* HQ's word: tell the persons who have this identifier, each with its page line (WIRE.md,
 * section 10). kind "customer_id": this customer; "unit": whoever has the unit of this reference.
 * The number told, or -1: it could not be read. */
typedef void overlay_line_fn(void *ctx, const struct profile *p, const char *line, size_t len);
struct overlay_hq {
	int (*lines)(void *ctx, const char *kind, const char *value, overlay_line_fn *fn,
	             void *fn_ctx);
	void *ctx;
};

/* Rules, and whom to believe what (NULL: as delivered), are used as long as the overlay lives.
 * NULL: out of memory. */
struct overlay *overlay_new(const struct rule_set *rules, const struct field_trust *trust);
void overlay_free(struct overlay *o);
/* Other rules from now on; who is made already stays until overlay_stale. */
void overlay_rules(struct overlay *o, const struct rule_set *rules,
                   const struct field_trust *trust);

/* A kept event: its line, and what its `sealed` field says (NULL: nothing is sealed, or the key is
 * gone). ordinal: of its epoch in the journal, rising. */
struct overlay_event {
	int64_t ordinal;
	const uint8_t *epoch; /* EVENT_EPOCH_BYTES */
	uint64_t seq;
	const char *line, *sealed;
	size_t line_len, sealed_len;
};
/* 1: it is pending now (or was before); 0: nothing that concerns persons, or nothing that can be
 * read; -1: out of memory. */
int overlay_take(struct overlay *o, const struct overlay_hq *hq, const struct overlay_event *ev);
/* Nothing more should be journaled that would be pending: the bound is reached. */
bool overlay_full(const struct overlay *o);

/* ---- asking ---- */

/* Like shard_find, for what is touched; OVERLAY_UNTOUCHED: ask the shard. -1: not known, memory was
 * short when this person was made. */
int overlay_find(const struct overlay *o, const char *kind, const char *nf, struct shard_hit *out,
                 int max);

/* Whoever has this customer id, which is an enrolment's reference until HQ gives one; or, with
 * kind "unit", this unit. units: of the person, its name first; the caller's until
 * overlay_person_free. */
struct overlay_person {
	struct profile profile;
	bool provisional; /* HQ has confirmed none of its units */
	bool touched;     /* something pending bears on it */
	struct ref *unit;
	size_t unit_count;
	struct overlay_claim {
		char kind[17], value[IDENT_VALUE_SIZE];
		struct ref ref, unit;
		struct ref ident; /* as the choices' addresses name it */
		bool verified;
	} * claim;
	size_t claim_count;
	struct overlay_match { /* why two of its units are one person */
		struct ref id, left, right;
		uint32_t left_number, right_number; /* HQ's; 0: none yet */
		enum ident_kind kind;               /* what both have; NONE: a person said so */
		char rules[33]; /* HQ's, by which it holds; empty: not told, or pending */
		bool pending;   /* HQ does not include it */
	} * match;
	size_t match_count;
	struct consent_choice *choice; /* their covers are in one piece of memory with them */
	size_t choice_count;
	struct field_fact *fact; /* same, with their texts */
	size_t fact_count;
	struct overlay_pair {
		struct ref unit, other; /* of the person; somebody else's */
		bool apart;             /* kept apart for ever; else a steward is to decide */
	} * pair;                       /* of whom a person has said what the two are */
	size_t pair_count;
	struct overlay_source { /* HQ's lines of the person */
		char customer_id[33], points_as_of[25];
		uint64_t version;
		bool has_points;
		int64_t points;
	} * source;
	size_t source_count;
	struct overlay_entry { /* points that HQ does not include yet */
		struct ref id;
		int64_t points;
	} * entry;
	size_t entry_count;
	struct overlay_likely { /* whom HQ holds to be the same person, likeliest first */
		struct ref unit, other;
		char customer_id[33]; /* of `other` */
		int mbit;
		char evidence[OVERLAY_EVIDENCE_SIZE]; /* a JSON list of words, never a value */
	} * likely;
	size_t likely_count;
};
/* 1, 0: there is none, -1: out of memory, or HQ's word could not be read. */
int overlay_person(const struct overlay *o, const struct overlay_hq *hq, const char *kind,
                   const char *value, struct overlay_person *out);
void overlay_person_free(struct overlay_person *p);

/* The profile alone, for what is touched: no allocation. 1, or OVERLAY_UNTOUCHED. */
int overlay_profile(const struct overlay *o, const char *customer_id, struct profile *out);
/* Is this customer one that only this store knows so far? */
bool overlay_is_new(const struct overlay *o, const char *customer_id);

/* The last `max` pending enrolments, newest first, as they were typed; false from fn ends it. */
struct overlay_typed {
	const struct ref *unit;
	const char *first_name, *last_name, *phone, *email; /* NULL: not said */
};
typedef bool overlay_typed_fn(void *ctx, const struct overlay_typed *e);
void overlay_typed(const struct overlay *o, size_t max, overlay_typed_fn *fn, void *ctx);

/* ---- giving way ---- */

/* HQ holds these of the events that are pending, as they stand here, and no others: only they give
 * way, whatever a line or overlay_included says of the rest, which may be another copy's of this
 * disk. Before the first call all of them may. */
struct overlay_run {
	const uint8_t *epoch; /* EVENT_EPOCH_BYTES */
	uint64_t first, last;
};
void overlay_held(struct overlay *o, const struct overlay_run *runs, size_t n);
/* HQ's state, as it is committed in the shard, includes these of the epoch's events. */
void overlay_included(struct overlay *o, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t first,
                      uint64_t last);
/* The shard has changed: every person is made anew by overlay_refresh. */
void overlay_stale(struct overlay *o);
/* Make at most max of those anew. 1: some are left, 0: none, -1: memory was short or HQ's word
 * could not be read, try again later. */
int overlay_refresh(struct overlay *o, const struct overlay_hq *hq, int max);

/* A value that was said here, of which HQ kept another: told once. false: nothing to tell. Of a
 * birth date HQ tells no store anything. */
struct overlay_kept {
	char customer_id[33];
	enum field field;
	char ours[65], hqs[65]; /* as much as fits; empty: no value */
};
/* As much of a value as these hold, never half a character. */
void overlay_kept_value(char out[65], const char *value);
bool overlay_kept_next(struct overlay *o, struct overlay_kept *out);

struct overlay_state {
	size_t events, persons; /* pending, and how many persons they bear on */
	uint64_t let_go;        /* that HQ included, since this was made */
	int64_t oldest_wall_us; /* of the oldest pending event; 0: none */
};
void overlay_state(const struct overlay *o, struct overlay_state *out);

#endif
