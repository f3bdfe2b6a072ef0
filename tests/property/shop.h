/* One store of the property of two stores: its journal as HQ gets it, its overlay, and HQ's lines
 * as its shard would hold them. */
#ifndef LANEWAY_PROPERTY_SHOP_H
#define LANEWAY_PROPERTY_SHOP_H

#include "../unit/hq_world.h"
#include "identity/overlay.h"
#include "property.h"
#include "store/shard_internal.h"

#define SHOP_EVENTS_MAX 200
#define SHOP_LINES_MAX 200

struct shop_event {
	char *sealed; /* NULL: nothing is */
	bool sent, folded_in;
	struct ref id;   /* of what it says, for corrections and enrolments */
	struct ref unit; /* whom it is about, likewise */
};
struct shop_line {
	char *text;
	struct shard_line parsed;
};
struct shop {
	struct store *journal;
	struct overlay *o;
	struct rule_set *rules;
	struct field_trust trust;
	struct shop_event event[SHOP_EVENTS_MAX + 1]; /* by seq */
	struct shop_line line[SHOP_LINES_MAX];
	size_t line_count;
	uint64_t version;
	bool more; /* the last page was not the last: who was merged may be on the next one */
	char through[4096], beyond[4096]; /* what HQ said last that it includes; JSON */
};

void shop_open(struct shop *s, struct world *w, const char *name, const uint8_t epoch[8]);
void shop_free(struct shop *s);
struct overlay_hq shop_hq(struct shop *s);

/* Something happens in the store: kept, and taken into the overlay. */
void shop_say(struct shop *s, const char *event, const char *properties, const char *sealed);
/* The process dies and is back: the overlay is made anew from what the journal still awaits. */
void shop_restart(struct shop *s);
/* HQ's next page, of at most `max` lines; the overlay gives way. */
bool shop_page(struct shop *s, int max);
/* All pages, and all persons made anew. */
void shop_sync(struct shop *s);

/* What a lane would be told of who has this identifier: the number, the first ones in out. */
int shop_find(struct shop *s, const char *kind, const char *value, struct shard_hit *out, int max);

#endif
