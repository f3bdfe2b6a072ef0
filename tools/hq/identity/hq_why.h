/* Why a customer is as HQ says: every value, every identifier, every match and every consent in a
 * line, with what makes it so. */
#ifndef LANEWAY_HQ_WHY_H
#define LANEWAY_HQ_WHY_H

#include "base/buf.h"
#include "hq/base/hq_scope.h"

struct sqlite3;

/* Read through any connection. 1; 0: not known; -1: it could not be read (logged). Each line ends
 * with a newline; identifiers are masked. */
int hq_why(struct sqlite3 *db, const struct hq_scope *scope, const char *customer_id,
           struct buf *out);

#endif
