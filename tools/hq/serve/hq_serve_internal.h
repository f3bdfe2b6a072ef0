/* The running HQ, as its files share it. One thread: the loop's. */
#ifndef LANEWAY_HQ_SERVE_INTERNAL_H
#define LANEWAY_HQ_SERVE_INTERNAL_H

#include "hq/identity/hq_rules.h"
#include "hq/intake/hq_credit.h"
#include "hq/intake/hq_ingest.h"
#include "hq/prove/hq_signer.h"
#include "hq/serve/hq_apply.h"
#include "hq/serve/hq_control.h"
#include "hq/serve/hq_deliver.h"
#include "hq/serve/hq_serve.h"
#include "hq/serve/hq_stores.h"
#include "hq/serve/hq_webhook.h"
#include "hq/tell/hq_tell.h"
#include "sync/mqtt.h"

#define HQ_SERVE_ROUND_MAX 64 /* payloads taken into one commit */

struct serve {
	const struct hq_conf *conf;
	struct event_base *base;
	struct hq_db *db;
	struct hq_rules rules; /* in force */
	struct hq_keys *keys;
	struct vault_work *work;
	struct hq_ingest *ingest;
	struct hq_credit *credit;
	struct hq_apply *apply;
	struct hq_signer *signer;
	struct hq_tell *tell;
	struct hq_stores *stores;
	struct hq_webhook *webhook; /* NULL: no URL */
	struct hq_deliver *deliver;
	struct hq_control *control;
	struct ssl_ctx_st *tls;
	struct mqtt *mqtt;
	struct event *on_mqtt, *on_answers, *on_tick, *on_fold, *on_sign, *on_poke, *on_term,
	    *on_int;
	struct buf out, header;
	struct mqtt_item *ask[HQ_SERVE_ROUND_MAX]; /* answered after the commit and the fold */
	int ask_count;
	unsigned ticks;
	char weights[33];  /* those that stores have been told of, by when they were made */
	uint64_t poked;    /* feed version that the stores have been told of */
	bool anew;         /* ... and that nothing was heard which they sent before */
	int64_t oldest_us; /* when the round's oldest batch came in */
	uint64_t die_left; /* commits until the test hook ends the process; 0: never */
};

/* ---- hq_serve.c ---- */
/* What has come in becomes profiles, in steps between which the loop serves others. */
void hq_serve_fold(struct serve *s);

/* ---- hq_serve_in.c ---- */
/* For tests: end after so many commits, before their confirmations (LANEWAY_HQ_DIE). */
void hq_serve_die_hook(struct serve *s);
/* Take what the broker has brought. */
void hq_serve_take(struct serve *s);
/* A steward has settled an epoch's forks: its store is told at once; if it does not hear it, it
 * asks at its next connection. */
void hq_serve_settled(struct serve *s, const char *store, const char *epoch);

/* ---- hq_serve_out.c ---- */
void hq_serve_publish(struct serve *s, const char *store, const char *what,
                      const struct buf *payload);
void hq_serve_confirm(void *ctx, const char *store, const struct confirm *confirm);
/* Every store, at once; or soon, when profiles have changed. */
void hq_serve_poke(struct serve *s);
void hq_serve_changed(void *ctx);
/* Every store, when hq.weights has become another one. */
void hq_serve_weigh(struct serve *s);

#endif
