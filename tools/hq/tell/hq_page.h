/* The lists of a customer's line on a page (WIRE.md, section 10): units, matches, identifiers,
 * facts, choices. Bounded, so that no line is longer than a store takes; what is left out is
 * counted in the line. */
#ifndef LANEWAY_HQ_PAGE_H
#define LANEWAY_HQ_PAGE_H

#include "base/buf.h"
#include "hq/base/hq_db.h"
#include "hq/identity/hq_facts.h"
#include "store/shard.h"

#define HQ_PAGE_IDENTS_MAX 32  /* what a store's shard takes */
#define HQ_PAGE_ENROLLED_MAX 8 /* of those: enrolments, by their references */
#define HQ_PAGE_UNITS_MAX 32
#define HQ_PAGE_BESIDE_MAX 8 /* a person's other claims on one identifier */
#define HQ_PAGE_MARKS_MAX 4  /* blocks or shares of one: of more none is named */
#define HQ_PAGE_CHOICES_MAX 32
#define HQ_PAGE_MATCHES_MAX 8
/* Bytes of each list. Facts get what the others leave, at most these: so no line is longer than
 * SHARD_PROFILE_MAX, which a store refuses with its whole page. */
#define HQ_PAGE_IDENTS_BYTES 4608
#define HQ_PAGE_FACTS_BYTES 4096
#define HQ_PAGE_CHOICES_BYTES 4096
#define HQ_PAGE_PAIRS_BYTES 640  /* some 12; a pair stands in the lines of both */
#define HQ_PAGE_LIKELY_BYTES 480 /* some 3 */
#define HQ_PAGE_LIKELY_MAX 4
#define HQ_PAGE_INCLUDES_BYTES 2560 /* kept free for `beyond`, `includes` and `version` */
#define HQ_PAGE_LEFT_OUT_BYTES 160  /* kept free for `left_out` */

/* For all that is neither kept free nor facts; a person of many units may leave none for those. */
#define HQ_PAGE_LINE_BYTES                                                                         \
	(SHARD_PROFILE_MAX - HQ_PAGE_INCLUDES_BYTES - HQ_PAGE_LEFT_OUT_BYTES - HQ_PAGE_END_BYTES)
#define HQ_PAGE_END_BYTES 64 /* `visits`, and what closes lists */

struct hq_page_person {
	struct hq_db *db;
	int64_t person;
	int unit_count;
	bool told; /* the line goes to a store; what alone is no reason to send it again is in it */
	struct hq_facts facts;
	size_t bytes;     /* of what stands in front of the units, and of choices */
	size_t facts_max; /* bytes that the rest of the line leaves */
	int left_idents, left_facts, left_choices, left_matches, left_units;
};
void hq_page_read(struct hq_page_person *p, struct hq_db *db, int64_t person);
void hq_page_free(struct hq_page_person *p);

/* Append a member, with a comma behind it; nothing where there is nothing to say. */
void hq_page_choices(struct hq_page_person *p, struct buf *out);
void hq_page_facts(struct hq_page_person *p, struct buf *out);
void hq_page_identifiers(struct hq_page_person *p, struct buf *out);
void hq_page_likely(struct hq_page_person *p, struct buf *out);
void hq_page_matches(struct hq_page_person *p, struct buf *out);
void hq_page_pairs(struct hq_page_person *p, struct buf *out);
void hq_page_units(struct hq_page_person *p, struct buf *out);
/* After choices, facts and identifiers; matches and units are counted when the person is read. */
void hq_page_left_out(const struct hq_page_person *p, struct buf *out);

#endif
