/* Who is one person, folded again wherever something was said that may change it.
 *
 * What is dirty (hq_unit.h, hq_op.h) is folded by component; then persons, verdicts, states of
 * identifiers and the steward's list are what fold_run says, and each row is settled (hq_person.h).
 * A pure function of what was said: folding again changes nothing. Within a transaction of the
 * caller.
 */
#ifndef LANEWAY_HQ_PERSONS_H
#define LANEWAY_HQ_PERSONS_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_scope.h"

/* Fold all that is dirty, and at most `later` of what only has to be looked at some time. 1: there
 * is more of that; 0; -1: out of memory. */
int hq_persons_fold(struct hq_db *db, const struct hq_scope *scope, int64_t wall_us, int later);

/* To try out other rules on everybody, in pieces that a transaction each takes back: the next
 * customers after number `after` (at first 0) are folded, for at most HQ_PERSONS_TRY_US, each
 * component in the piece of its lowest number. Only while nothing is dirty; what is left is.
 * 1: `after` has moved, there may be more; 0: those were the last; -1: out of memory. */
#define HQ_PERSONS_TRY_US 100000
int hq_persons_try(struct hq_db *db, const struct hq_scope *scope, int64_t wall_us, int64_t *after);

#endif
