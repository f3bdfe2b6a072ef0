/* The folder of HQ's word on this device's statements: one file per version, written once and never
 * changed (`<business date>-<epoch>-<seq>.v<version>.json`, the version's bytes as HQ signed them;
 * epoch and seq of the last event that the statement covers), and `index.json`: the newest state of
 * each, and how far HQ was heard.
 *
 * The folder may be deleted: everything is told again. Sync thread only, but for what says
 * otherwise; ledger_list and ledger_find may be asked by any thread.
 */
#ifndef LANEWAY_STORE_LEDGER_H
#define LANEWAY_STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "event/event.h"

#define LEDGER_STATEMENTS_MAX 400 /* as many as the journal's mark remembers */

struct ledger;

/* One statement as HQ sees it. */
struct ledger_entry {
	char business_date[CLOCK_DATE_SIZE];
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t to;
	uint64_t version;              /* the newest that is here; 0: not countersigned */
	char state[17];                /* "countersigned", "incomplete", "lost", "disputed" */
	uint64_t missing;              /* events that HQ still waits for */
	char made[CLOCK_ISO8601_SIZE]; /* of the newest version; else empty */
};

struct ledger_heard {
	char generation[17]; /* HQ's; empty: never heard */
	uint64_t since;
};

/* Make the folder if it is missing and read its index. 0, or -1 with a sentence in err. */
int ledger_open(struct ledger **out, const char *dir, char *err, size_t err_size);
void ledger_free(struct ledger *l);

void ledger_heard(const struct ledger *l, struct ledger_heard *out);
/* Write the index: HQ was heard so far, after the versions before it. 0 or -1 (logged). */
int ledger_set_heard(struct ledger *l, const struct ledger_heard *heard);

/* Keep a version: e names the statement and carries its state; doc: its bytes. A version that is
 * here already stays as it is. 0 or -1 (logged). */
int ledger_put(struct ledger *l, const struct ledger_entry *e, const void *doc, size_t len);
/* What is not countersigned, as HQ told it. */
void ledger_waiting(struct ledger *l, const struct ledger_entry *e);

/* The newest statement that this device has journaled; loop thread. */
void ledger_expect(struct ledger *l, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to);
/* Is there one that HQ has not countersigned? *turn rises with each ledger_expect. */
bool ledger_waits(struct ledger *l, uint64_t *turn);

/* The entries, newest first; the number written. */
size_t ledger_list(struct ledger *l, struct ledger_entry *out, size_t max);
/* false: nothing is known of it. */
bool ledger_find(struct ledger *l, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to,
                 struct ledger_entry *out);

#endif
