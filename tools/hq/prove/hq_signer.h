/* HQ's word on the statements of stores: looks at each that is due, in small steps between which
 * the loop serves others, and countersigns it when its ranges are complete. A version that was
 * given stays as it is; whatever changes the findings later makes the next one.
 *
 *   C1  The first version is given when every event of the ranges is held, the chain leads to the
 *       signed h and the counts agree; before that the statement is incomplete, or disputed.
 *   C2  A version is written in one transaction with the statement's state.
 *   C3  Nothing that a store sends during a look is overlooked: it leaves the statement due.
 */
#ifndef LANEWAY_HQ_SIGNER_H
#define LANEWAY_HQ_SIGNER_H

#include <stdbool.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"

struct hq_signer;

struct hq_signer *hq_signer_new(struct hq_db *db, struct hq_keys *keys, const struct clock *clock);
void hq_signer_free(struct hq_signer *s);

/* 1: there is more to do, call again soon; 0: nothing is due; -1: database error, try later. */
int hq_signer_step(struct hq_signer *s);
/* Look again at all statements that are incomplete (and disputed): what completes one need not name
 * it. */
void hq_signer_again(struct hq_signer *s, bool disputed);

#endif
