/* Whom HQ believes what: the configured hierarchy stands in hq.db, and persons are folded by what
 * stands there. */
#ifndef LANEWAY_HQ_TRUST_H
#define LANEWAY_HQ_TRUST_H

#include "hq/base/hq_db.h"
#include "identity/field.h"

/* Let this hierarchy be the one in hq.db; not within a transaction. When it is another one than
 * before, every person is marked to be folded again, behind all that is due (logged). 0; -1: it
 * could not be committed. */
int hq_trust_take(struct hq_db *db, const struct field_trust *trust);

#endif
