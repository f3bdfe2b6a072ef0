/* One profile on a miss: who has an identifier that a store has met and does not hold.
 *
 * What a store asks is sealed to HQ. So that a stolen box cannot read the customers out number by
 * number, each store may ask so often a minute and no more; beyond that it hears nothing.
 */
#ifndef LANEWAY_HQ_TELL_PROFILE_H
#define LANEWAY_HQ_TELL_PROFILE_H

#include "hq/identity/hq_includes.h"
#include "hq/tell/hq_tell.h"

#define HQ_TELL_ASKS_PER_MINUTE 120

struct hq_tell_profile;
struct hq_tell_profile *hq_tell_profile_new(struct hq_db *db, struct hq_keys *keys,
                                            const struct clock *clock); /* NULL: out of memory */
void hq_tell_profile_free(struct hq_tell_profile *p);

/* Append the lines of those whom the ask names. How many; -1: not to be answered (logged). */
int hq_tell_profile_lines(struct hq_tell_profile *p, const char *store,
                          const struct hq_tell_ask *ask, const struct hq_includes *includes,
                          struct buf *lines);

#endif
