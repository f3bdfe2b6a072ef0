/* What a steward does about the rule table: tried out on all customers, and published.
 *
 * A preview is a number of asks, each of which folds some customers by the new table in a
 * transaction that is rolled back, and says what changed: the caller adds that up, and a serving HQ
 * takes messages in between. Publishing is one ask; customers are folded anew behind it, by the
 * running HQ or, when none runs, by asks for how many are left.
 */
#ifndef LANEWAY_HQ_PUBLISH_H
#define LANEWAY_HQ_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/identity/hq_rules.h"

struct json_t;

struct hq_publish {
	struct hq_db *db;
	struct hq_rules *rules; /* in force; another one after publishing */
	int64_t wall_us;
	bool folds; /* nobody else does: an ask for what is left folds some */
};

/* {"action":"preview","table":{...},"after":0}: the customers behind that number. Answers
 * {"after":500,"of":2000,"more":true,"figures":{...}}: hq_watch.h.
 * {"action":"publish","table":{...}}: {"version":5}. A table's `version` is the one that it was
 * made from: it must be in force, or left out.
 * {"action":"left"}: {"left":N} customers wait to be folded anew. That is also the answer to the
 * other two, and nothing else is done, while any do.
 * NULL with a sentence in err. Not within a transaction. */
struct json_t *hq_publish_do(const struct hq_publish *p, const struct json_t *ask, char *err,
                             size_t err_size);

/* The same from the command line: by a running HQ through its control socket, or here. */
struct hq_publish_way;
int hq_publish_open(struct hq_publish_way **out, const struct hq_conf *conf, char *err,
                    size_t err_size);
void hq_publish_close(struct hq_publish_way *way);
/* As hq_publish_do; but waits while customers of the table before this one are folded. */
struct json_t *hq_publish_ask(struct hq_publish_way *way, const struct json_t *ask, char *err,
                              size_t err_size);

#endif
