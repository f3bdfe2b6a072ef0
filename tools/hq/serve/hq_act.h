/* What a person at HQ can do about a restore, forks and quarantine. Each is one call with the
 * answer as JSON: by the running HQ for its control socket, or by the command line when none runs.
 */
#ifndef LANEWAY_HQ_ACT_H
#define LANEWAY_HQ_ACT_H

#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"

struct json_t;

struct hq_act {
	struct hq_db *db;
	const struct hq_keys *keys;
	int64_t wall_us;
};

/* action: "restored"; "settle" (store, and epoch as 16 hex digits): all forked seqs of the epoch
 * that are there now have been looked at; "retry" (store, or NULL: all): read the quarantine again
 * with this release's decoder. A new object, or NULL with a sentence in err. Not within a
 * transaction. */
struct json_t *hq_act_do(const struct hq_act *act, const char *action, const char *store,
                         const char *epoch, char *err, size_t err_size);

/* The same through the control socket of a running HQ, or here when none runs. */
struct hq_conf;
struct json_t *hq_act_call(const struct hq_conf *conf, const char *action, const char *store,
                           const char *epoch, char *err, size_t err_size);

#endif
