/* HTTP over a Unix socket, for the command line on the same machine.
 *
 *   GET  /v1/status                  what `laneway-hq status --json` prints
 *   POST /v1/act?action=..           restored, settle (&store=..&epoch=..), retry (&store=..):
 * hq_act.h
 *   POST /v1/links                   what a steward does about links, as JSON: hq_links.h
 *   POST /v1/likely                  pairs that stores may ask about, as JSON: hq_likely.h
 *   POST /v1/rules                   tries out or publishes a rule table, as JSON: hq_publish.h
 *   POST /v1/up?store=..             a batch as a store sends it (laneway-hq salvage); answers {}
 *   POST /v1/import?first_line=N     a piece of CSV (header row first); answers
 *                                    {"new":..,"changed":..,"same":..,"bad":..,"problems":"line
 * ..\n"} Errors are {"error":{"code":"..","message":".."}}. Only the socket's owner can connect
 * (mode 0600). */
#ifndef LANEWAY_HQ_CONTROL_H
#define LANEWAY_HQ_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_rules.h"

#define HQ_CONTROL_BODY_MAX (4 * 1024 * 1024)

struct event_base;
struct hq_control;

struct hq_control_params {
	struct event_base *base;
	struct hq_db *db;
	const struct hq_scope *scope;
	struct hq_rules *rules; /* in force; NULL: nothing is published here */
	/* stores have something to hear, and customers are to be folded in steps */
	void (*again)(void *ctx);
	const char *path;
	void (*changed)(void *ctx); /* profiles have changed */
	/* A new object, or NULL with a sentence in err. store and epoch may be NULL. */
	struct json_t *(*act)(void *ctx, const char *action, const char *store, const char *epoch,
	                      char *err, size_t err_size);
	/* A batch of a store whose name is checked. 0: it is kept. */
	int (*up)(void *ctx, const char *store, const uint8_t *payload, size_t len);
	void *ctx;
};
/* The caller holds hq.db's lock, so a socket file that is there is a left-over. 0, or -1 with err.
 */
int hq_control_open(struct hq_control **out, const struct hq_control_params *params, char *err,
                    size_t err_size);
void hq_control_close(struct hq_control *c);

#endif
