/* What the parts of the property of two stores have in common. */
#ifndef LANEWAY_PROPERTY_TWO_STORES_H
#define LANEWAY_PROPERTY_TWO_STORES_H

#include "shop.h"

#define UNITS_MAX 120
#define BLOCKS_MAX 100
#define HOLDERS_MAX 64
#define IDENTS 9

struct said_ident {
	const char *kind, *value;
};
extern const struct said_ident idents[IDENTS];

enum cause {
	CAUSE_HQ_PARTED,
	CAUSE_HQ_JOINED,
	CAUSE_STORE_PARTED,
	CAUSE_NEW_JOINED,
	CAUSE_NEW_REFUSED,
	CAUSE_MARK_UNKNOWN,
	CAUSE_MARK_GONE,
	CAUSE_HOLDERS,
	CAUSE_COUNT
};

struct bench {
	struct property_random r;
	struct world *w;
	struct shop shop[2];
	struct ref unit[UNITS_MAX];
	size_t unit_count;
	struct ref claim[UNITS_MAX * 3], claim_unit[UNITS_MAX * 3];
	size_t claim_count;
	struct said_block {
		const struct shop *by;
		struct ref ref;
		size_t ident;
		bool shared, lifted, told_lifted; /* with the value */
	} block[BLOCKS_MAX];
	size_t block_count;
	bool steward_blocked[IDENTS];
	uint64_t at, compared, other_persons, other_idents, events, cause[CAUSE_COUNT];
	char what[800]; /* the last step */
	bool told;      /* each step */
};

unsigned below(struct bench *b, unsigned n);
struct ref a_ref(struct bench *b);
const char *text_of(const struct ref *ref);
/* A store says something, or HQ's steward does. false: what it took back is not taken back at once.
 */
bool say(struct bench *b, struct shop *s);
void steward_says(struct bench *b);
void steward_does(struct bench *b);
/* One of the units that this store knows, with its person; false: none. */
bool known_person(struct bench *b, struct shop *s, struct ref *unit, struct overlay_person *p);

/* ---- two_stores_links.c ---- */
void say_link(struct bench *b, struct shop *s);
bool say_unlink(struct bench *b, struct shop *s);
void say_block(struct bench *b, struct shop *s);
bool say_unblock(struct bench *b, struct shop *s);

/* ---- two_stores_view.c ---- */

struct shown {
	const char *first_name, *name, *language;
	int64_t points;
};

/* Of each unit whose it is and what is known of them, of each identifier who has it: as the same
 * words whatever anybody is called, and whoever says it. */
struct view {
	size_t units;
	bool is[UNITS_MAX][UNITS_MAX + 1], has[UNITS_MAX][IDENTS];
	int64_t points[UNITS_MAX];
	bool no_points[UNITS_MAX]; /* there is no figure */
	struct buf unit[UNITS_MAX], claims[UNITS_MAX], ident[IDENTS];
};
struct view *view_of(struct bench *b, struct shop *s);
struct view *view_of_hq(struct bench *b);
void view_free(struct view *v);
bool view_same_person(const struct view *a, const struct view *b, size_t unit);
bool view_same_refs(const struct view *a, const struct view *b, size_t unit);
bool view_same_claims(const struct view *a, const struct view *b, size_t unit);
bool view_same_words(const struct view *a, const struct view *b, size_t unit);
bool view_same_ident(const struct view *a, const struct view *b, size_t ident);
bool view_is_large(const struct view *hq, size_t unit);
/* ---- two_stores_cause.c ---- */
/* before: as HQ told; was: with what the store said; is: as HQ told then. */
void cause_count(struct bench *b, const struct view *before, const struct view *was,
                 const struct view *is);
void cause_print(const struct bench *b);

/* The number of HQ's that names whoever has this unit; -1: it does not know it. */
int64_t person_of(struct bench *b, const struct ref *unit);

#endif
