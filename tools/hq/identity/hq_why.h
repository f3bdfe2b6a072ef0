/* Why a customer is as HQ says: every value, every identifier, every match and every consent in a
 * line, with what makes it so. */
#ifndef LANEWAY_HQ_WHY_H
#define LANEWAY_HQ_WHY_H

#include "base/buf.h"
#include "identity/rule.h"

struct sqlite3;

/* Read through any connection. 1; 0: not known; -1: it could not be read (logged). Each line ends
 * with a newline; identifiers are masked. */
int hq_why(struct sqlite3 *db, const struct rule_set *rules, const char *customer_id,
           struct buf *out);

#endif
