/* The inside of the overlay.
 *
 *   pending  one kept event that HQ does not include yet
 *   node     a unit on which a pending event bears, or that is one person with such a unit
 *   iden     an identifier of such a person: what overlay_find probes
 *   group    the persons that were made together: everything within reach of some pending events
 *
 * A node or iden is in the tables exactly while it has a pending event or a group.
 */
#ifndef LANEWAY_IDENTITY_OVERLAY_INTERNAL_H
#define LANEWAY_IDENTITY_OVERLAY_INTERNAL_H

#include <jansson.h>

#include "identity/consent_json.h"
#include "identity/field_json.h"
#include "identity/fold.h"
#include "identity/json_part.h"
#include "identity/overlay.h"

/* Persons of HQ's in one group: beyond, an identifier is anybody's. */
#define OVERLAY_LINES_MAX 64
#define OVERLAY_UNITS_MAX 128    /* of one of HQ's lines; it names 32 */
#define OVERLAY_MBIT_MAX 1000000 /* of a likely pair: more is no score */
#define OVERLAY_KEPT_MAX 32      /* told to nobody yet: the oldest is forgotten */

/* A growing list of pointers. */
struct overlay_list {
	void **at;
	size_t len, cap;
};
bool overlay_list_push(struct overlay_list *l, void *p);
bool overlay_list_has(const struct overlay_list *l, const void *p);
bool overlay_list_add(struct overlay_list *l, void *p); /* unless it stands there */
void overlay_list_remove(struct overlay_list *l, const void *p);
void overlay_list_free(struct overlay_list *l);

struct pending_claim {
	enum ident_kind kind;
	struct ref ref;
	bool verified;
	char *value;
};
struct pending {
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
	enum event_kind kind;
	int64_t wall_us, from_us, to_us;
	uint32_t store; /* that said it: this one */
	bool included;
	bool held;              /* HQ has it as it stands here */
	bool gathered;          /* while what is within reach is followed */
	struct ref id;          /* enrolment, correction, link, choice, block */
	struct ref unit, other; /* whom it is about; other: of a link */
	struct ref about;       /* `unit` as HQ names it now, for an older HQ named none */
	char customer_id[33];   /* of `unit`, where an older HQ names no units; or empty */
	char source[17];
	bool apart, share, by_person; /* of an unlink; a block; a link */
	bool nameless; /* lifts a block without the value: after a start its identifier is known
	                  only as long as the block is pending, so it lifts nothing of HQ's */
	bool proposed; /* of a link: a steward is to decide, nothing follows yet */
	struct field_list facts;
	struct pending_claim *claim; /* of a block: whose kind and value it is */
	struct ref *drop;
	size_t claim_count, drop_count;
	struct consent_list choices; /* one, or none */
	int64_t points;
};
/* Read a line. 1, 0 or -1 as overlay_take. */
int pending_read(struct pending **out, const struct overlay_event *ev);
void pending_free(struct pending *p);
/* Take it out of every list, and free it. */
void overlay_let_go(struct overlay *o, struct pending *p);

struct group;
struct node {
	struct node *next; /* in its bucket */
	struct ref ref;
	char customer_id[33];
	struct overlay_list pending;
	struct group *group;
	size_t person; /* in its group; FOLD_NOBODY */
};
struct iden_hit {
	size_t person;
	char ref[EVENT_ID_SIZE];
	bool verified, shared, blocked;
	char seen[25];
};
struct iden {
	struct iden *next;
	uint64_t hash;
	char kind[17];
	char *value;
	struct overlay_list pending; /* those that claim or block it */
	struct group *group;
	struct iden_hit *hit;
	size_t hit_count;
};
struct group_person {
	struct profile profile;
	bool provisional;
	bool points_unknown; /* HQ's figure is of more units than these */
};
struct group {
	struct group *prev, *next;
	bool stale;
	struct overlay_list nodes, idens;
	struct group_person *person;
	size_t person_count;
};

struct overlay {
	const struct rule_set *rules;
	const struct field_trust *trust;
	struct node **nodes;
	struct iden **idens;
	struct overlay_list pending;        /* all, in canonical order */
	struct group *groups, *groups_last; /* those to be made anew in front */
	size_t group_count;
	bool asks_held; /* what is not held does not give way */
	bool unmade;    /* a pending event may be without a group: memory was short */
	uint64_t let_go;
	struct overlay_kept kept[OVERLAY_KEPT_MAX];
	size_t kept_first, kept_count;
};

/* ---- overlay.c ---- */
struct node *overlay_node(const struct overlay *o, const struct ref *ref);
struct node *overlay_node_make(struct overlay *o, const struct ref *ref);
struct iden *overlay_iden(const struct overlay *o, const char *kind, const char *value);
struct iden *overlay_iden_make(struct overlay *o, const char *kind, const char *value);
/* Take it out of the table when nothing holds it there. */
void overlay_node_settle(struct overlay *o, struct node *n);
void overlay_iden_settle(struct overlay *o, struct iden *i);

/* ---- overlay_line.c: a page line of HQ's ---- */
struct hq_claim {
	enum ident_kind kind;
	char kind_name[17];
	const char *value; /* in json */
	struct ref ref;
	size_t unit;
	bool verified, shared, blocked;
	const char *seen; /* in json, or NULL */
	const json_t *by; /* whose word blocks or shares it; NULL: HQ names none */
};
struct overlay_known {
	json_t *json;
	struct profile profile;
	struct fold_unit *unit;
	size_t unit_count;
	bool tells_units, tells_facts;
	struct hq_claim *claim; /* all of the person's, of one identifier maybe several */
	size_t claim_count;
	bool whole;              /* its other identifiers are in reach, too */
	struct field_list facts; /* of a line that is told as facts, or made of the plain members */
	struct consent_list choices;
	bool choices_unreadable;
};
/* 0, or -1: out of memory, or no line. */
int overlay_known_read(struct overlay_known *out, const struct profile *p, const char *line,
                       size_t len);
void overlay_known_free(struct overlay_known *l);
/* Does the line say that it includes this event? */
bool overlay_known_includes(const struct overlay_known *l, const uint8_t epoch[EVENT_EPOCH_BYTES],
                            uint64_t seq);
/* The line's nth pair. false: there are not so many. */
bool overlay_known_pair(const struct overlay_known *l, size_t n, struct overlay_pair *out);
/* The line's nth likely pair, its unit the line's first one where it names none. 1; 0: there are
 * not so many; -1: it is none that can be read. */
int overlay_known_likely(const struct overlay_known *l, size_t n, struct overlay_likely *out);
/* Its unit at this place is another line's by now, with all that came with it. */
void overlay_known_drop(struct overlay_known *l, size_t unit);
/* The line's unit of this reference; unit_count: none. */
size_t overlay_known_unit(const struct overlay_known *l, const struct ref *ref);

/* ---- overlay_gather.c: what is within reach ---- */
struct reach_unit {
	struct ref ref;
	char customer_id[33];
};
struct reach_iden {
	char kind[17];
	char *value;
};
struct overlay_index {
	size_t *slot, slots; /* of units: a table of places, one up; 0: free */
	/* once persons are folded; by the place of the unit that names one */
	size_t *place; /* among the persons */
	size_t *first; /* what is pending and about the person: its place; pending.len: nothing */
	size_t *next;  /* by place in pending: the next one, in canonical order */
};
struct gathered {
	const struct overlay *o;
	const struct overlay_hq *hq;
	struct overlay_known line[OVERLAY_LINES_MAX];
	size_t line_count;
	struct reach_unit *units;
	struct reach_iden *idens;
	size_t reach_units, reach_idens, units_cap, idens_cap;
	size_t
	    followed; /* of idens: who has them is known; the rest stands on lines of HQ's only */
	struct overlay_list pending; /* in canonical order once it is done */
	struct overlay_list groups;  /* that were reached */
	bool failed;                 /* out of memory, or HQ's word could not be read */
	bool over;                   /* more than fits: some of HQ's persons were left out */
	bool whole;                  /* of the lines that come now */
	const struct group *renewed; /* what is made anew: not all of it need stay together */
	/* filled by overlay_fold */
	struct fold_unit *unit;
	size_t unit_count, unit_cap;
	struct fold_op *op;
	size_t op_count, op_cap, hq_op_count; /* HQ's stand in front */
	struct fold *fold;
	struct overlay_index index;
	struct field_fact *fact;
	size_t fact_count, fact_cap;
	struct consent_choice *choice;
	size_t choice_count, choice_cap;
};
void gather_begin(struct gathered *g, const struct overlay *o, const struct overlay_hq *hq);
void gather_unit(struct gathered *g, const struct ref *ref, const char *customer_id);
/* Its place; reach_idens when memory ran out. */
size_t gather_iden(struct gathered *g, const char *kind, const char *value);
void gather_hq(struct gathered *g, const char *kind, const char *value, bool whole);
/* Follow everything until nothing new comes. */
void gather_all(struct gathered *g);
void gather_free(struct gathered *g);
/* Room for one more element; NULL, and g->failed, when memory ran out. */
void *gather_room(struct gathered *g, void **array, size_t *len, size_t *cap, size_t size);

/* ---- overlay_index.c ---- */
/* The place of this unit; unit_count: it is not here. */
size_t overlay_fold_unit(const struct gathered *g, const struct ref *ref);
void overlay_index_unit(struct gathered *g, const struct fold_unit *unit); /* unless it is here */
bool overlay_index_persons(struct gathered *g); /* false: out of memory */
void overlay_index_free(struct overlay_index *x);

/* ---- overlay_fold.c: persons out of what was gathered ---- */
/* false: out of memory. */
bool overlay_fold(struct gathered *g);
/* The place in idens that a claim's `right` stands for. */
size_t overlay_iden_place(const struct ref *iden);

/* ---- overlay_describe.c: what units say of themselves, for conflicts ---- */
void overlay_describe(struct gathered *g);

/* ---- overlay_person.c: what is said of a person (its place in the fold) ---- */
void overlay_facts(struct gathered *g, size_t person);
void overlay_choices(struct gathered *g);
void overlay_profile_of(struct gathered *g, size_t person, struct group_person *out);

/* ---- overlay_pair.c ---- */
/* The pairs that this person (its place in the fold) is in. false: out of memory. */
bool overlay_pairs_of(const struct gathered *g, size_t person, struct overlay_person *out);
/* Whom HQ holds to be the same person as this one. false: out of memory. */
bool overlay_likely_of(const struct gathered *g, size_t person, struct overlay_person *out);
/* ---- overlay_kept.c ---- */
/* HQ includes it: what HQ has another value of is to be told. */
void overlay_compare(struct overlay *o, const struct gathered *g, const struct pending *p);

/* ---- overlay_group.c ---- */
/* Make the group of what was just taken, or a stale one anew. -1: out of memory, or HQ's word could
 * not be read: it stays stale. */
int group_make(struct overlay *o, const struct overlay_hq *hq, const struct pending *p);
int group_again(struct overlay *o, const struct overlay_hq *hq, struct group *grp);
void group_free(struct overlay *o, struct group *grp);

#endif
