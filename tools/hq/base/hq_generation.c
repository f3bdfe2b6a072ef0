#include "hq/base/hq_generation.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/log.h"

#define HQ_GENERATION_ASK_MAX 16384 /* bytes: the longest ask */

/* Only what HQ itself sealed for this store counts: a store cannot make HQ begin anew by a lie. */
static uint64_t turn_seen(const struct hq_generation *g, const char *store, const void *payload,
                          size_t len)
{
	json_t *root = len <= HQ_GENERATION_ASK_MAX ? json_loadb(payload, len, 0, NULL) : NULL;
	const char *seen = json_string_value(json_object_get(root, "seen"));
	uint64_t turn = seen ? hq_keys_seen_open(g->keys, g->work, store, seen) : 0;

	json_decref(root);
	return turn;
}

bool hq_generation_ask(const struct hq_generation *g, const char *store, const void *payload,
                       size_t len)
{
	char detail[200];
	struct hq_db_restored why = {.cause = "store", .detail = detail, .wall_us = g->wall_us};

	why.turn = turn_seen(g, store, payload, len);
	if (why.turn <= hq_db_turn(g->db))
		return false;
	snprintf(detail, sizeof detail,
	         "it is an older copy: store %s was told of turn %" PRIu64
	         ", this file stands at %" PRIu64,
	         store, why.turn, hq_db_turn(g->db));
	if (hq_db_renew(g->db, &why) == 0)
		return true;
	log_error("hq.db was restored, and the new generation could not be written");
	return false;
}

int hq_generation_restored(struct hq_db *db, int64_t wall_us)
{
	const struct hq_db_restored why = {
	    .cause = "command", .detail = "a person said that it was restored", .wall_us = wall_us};

	return hq_db_renew(db, &why);
}
