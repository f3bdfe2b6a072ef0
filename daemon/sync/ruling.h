/* Asks HQ for a text of the chain's that has a version: the rule table (WIRE.md, section 17), the
 * weights of suggestions (section 10).
 *
 * Sync thread only, but for ruling_next and ruling_stand. Asked, from when it is known which one is
 * in force, at each new connection, by ruling_again and ruling_poke, when another one is in force,
 * and every quarter of an hour. Each ask says which that is.
 */
#ifndef LANEWAY_SYNC_RULING_H
#define LANEWAY_SYNC_RULING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sync/downlink.h"

struct ruling;

/* The params are the downlink's (shard is not used) and are pointed to from then on. word: what is
 * asked for, "rules" or "weights"; static text. NULL: out of
 * memory (then HQ is not asked in this run); every other function does nothing then. */
struct ruling *ruling_new(const struct downlink_params *params, const char *word);
void ruling_free(struct ruling *r);

void ruling_up(struct ruling *r);
void ruling_down(struct ruling *r);
/* HQ has poked, and this may be what is new: ask at once. */
void ruling_again(struct ruling *r);
/* The same where the poke names, under the word, a version that was neither heard in this run nor
 * is in force, and no ask is on its way. */
void ruling_poke(struct ruling *r, const void *poke, size_t len);
/* A tell of that for this device. 0; -1 with a sentence in err. */
int ruling_tell(struct ruling *r, const struct frame *frame, char *err, size_t err_size);
/* Ask if it is time; *news: a text lies ready. The mono time at which it wants to be called again
 * (INT64_MAX: when connected). */
int64_t ruling_step(struct ruling *r, bool *news);

/* HQ's text as it came, in JSON and not yet looked at. false: nothing new. Any thread. */
bool ruling_next(struct ruling *r, struct buf *out);

/* Which of HQ's tables is in force (version; empty: none), and which one that HQ told is not taken
 * and why (both empty: none). Any thread. */
#define RULING_WHY_SIZE 201
void ruling_stand(struct ruling *r, const char *version, const char *refused, const char *why);

#endif
