/* The chain's rule tables: hq.db's `rule_table`, to which each one that is published is added and
 * which never loses one. The newest is in force. Version 1 is the table as it is delivered, and
 * stands in no row: it is in force until one is published, and stores are not told of it.
 *
 * Numbers only rise. A database that was put back to an older copy has lost versions that stores
 * may hold: in each new generation they go on above the turn, which no lost version has reached.
 *
 * Persons are folded by the table in force; when that becomes another one, by publishing or by a
 * release that delivers another one, every customer is marked in the same transaction to be folded
 * anew, behind all that is due, so that a process that ends in between changes nothing of it.
 */
#ifndef LANEWAY_HQ_RULES_H
#define LANEWAY_HQ_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_scope.h"

#define HQ_RULES_DELIVERED 1

struct hq_conf;
struct json_t;

struct hq_rules {
	int64_t version;
	struct rule_set table;
	struct hq_scope scope; /* of the configuration's forms and currency, and this table */
};

/* What is in force, read through any connection. The struct stays where it is, and the
 * configuration outlives it; to be freed also after a failure. 0; -1 with a sentence in err. */
int hq_rules_read(struct hq_rules *out, struct sqlite3 *db, const struct hq_conf *conf, char *err,
                  size_t err_size);
/* The same by who writes hq.db: when persons were folded by another table so far, they are marked.
 */
int hq_rules_open(struct hq_rules *out, struct hq_db *db, const struct hq_conf *conf, char *err,
                  size_t err_size);
void hq_rules_free(struct hq_rules *rules);

/* One version's table, which the caller frees; version 0: the newest. The version; 0: there is
 * none; -1 with a sentence in err. */
int64_t hq_rules_table(struct sqlite3 *db, const struct ident_rules *forms, int64_t version,
                       struct rule_set *out, char *err, size_t err_size);

/* The table becomes the next version, and the one in force; its author and reason are set, its
 * values are moved out of it. 0; -1: it
 * could not be committed (logged), all is as before. */
int hq_rules_publish(struct hq_rules *rules, struct hq_db *db, struct rule_set *table,
                     int64_t wall_us);

/* How many customers are still to be folded. */
int64_t hq_rules_left(struct hq_db *db);

#endif
