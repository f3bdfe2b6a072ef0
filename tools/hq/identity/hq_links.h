/* What a steward does about who is one person: links, what takes them back, blocks. Each is one
 * call with the answer as JSON: by the running HQ for its control socket, or by the command line
 * when none runs.
 *
 * Without "yes" nothing is done: it is tried out in a transaction that is rolled back, and the
 * answer says what would change.
 */
#ifndef LANEWAY_HQ_LINKS_H
#define LANEWAY_HQ_LINKS_H

#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_scope.h"

struct json_t;

struct hq_links {
	struct hq_db *db;
	const struct hq_scope *scope;
	int64_t wall_us;
};

/* ask: {"action":"link","first":"C000001","second":"C000002"}, the same with "apart";
 * {"action":"unlink","first":"<reference of a link, join, claim, apart or block>"};
 * {"action":"block","kind":"phone","value":"..."}, the same with "unblock";
 * {"action":"confirm","first":"C000001"}: HQ vouches for this customer;
 * {"action":"settle","first":"17"}: an entry of the steward's list that was looked at.
 * All with "reason", "actor" and, to do it, "yes":true.
 *
 * {"done":false,"id":"<reference>","refused":null,"changes":[{"customer_id":"C000002","was":"C000001",
 * "is":"C000002"}]}: `changes` are records that are part of another customer now; `refused` says
 * why the rules let it have no effect. NULL with a sentence in err. Not within a transaction. */
struct json_t *hq_links_do(const struct hq_links *l, const struct json_t *ask, char *err,
                           size_t err_size);

/* The same through the control socket of a running HQ, or here when none runs. */
struct hq_conf;
struct json_t *hq_links_call(const struct hq_conf *conf, const struct json_t *ask, char *err,
                             size_t err_size);

/* What is known of a customer's links, and the steward's list; read through any connection. New
 * objects, or NULL: not known, or an error (logged). */
struct sqlite3;
struct json_t *hq_links_read(struct sqlite3 *db, const char *customer_id);
struct json_t *hq_links_review(struct sqlite3 *db);

void hq_links_print(const struct json_t *links);
void hq_links_print_review(const struct json_t *review);
void hq_links_print_done(const struct json_t *answer);

#endif
