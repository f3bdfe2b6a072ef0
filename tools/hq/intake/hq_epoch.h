/* Stores and their epochs: who follows whom, and what cannot be true. */
#ifndef LANEWAY_HQ_EPOCH_H
#define LANEWAY_HQ_EPOCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_line.h"

/* Rows, made when they are new; -1 on a database error. */
int64_t hq_epoch_store(struct hq_db *db, const char *store);
int64_t hq_epoch_row(struct hq_db *db, int64_t store, const uint8_t epoch[EVENT_EPOCH_BYTES]);

/* Something that a person has to look at; each (store, kind, detail) once, and logged once. */
struct hq_alarm {
	int64_t store;
	const char *store_name, *kind, *detail;
	int64_t wall_us;
};
void hq_epoch_alarm(struct hq_db *db, const struct hq_alarm *alarm);

/* Keep what the epoch's first event says of its predecessor. */
void hq_epoch_opened(struct hq_db *db, int64_t epoch, const struct hq_line_opened *opened);

/* Check an epoch against its predecessor and its successors as far as they are known: two
 * successors of one epoch, a successor that ends below what is held, or with another h than what is
 * held. */
void hq_epoch_check(struct hq_db *db, const char *store, int64_t epoch, int64_t wall_us);

/* The order of a store's epochs: by predecessor within a device, then by device. An epoch whose
 * predecessor is not known, and successors of one epoch among each other, stand in order of
 * arrival; an epoch whose device is not known yet stands last. 0, or -1 (out of memory: nothing
 * moved). */
struct hq_epoch_node {
	int64_t id; /* rises in order of arrival */
	uint8_t epoch[EVENT_EPOCH_BYTES], prev[EVENT_EPOCH_BYTES];
	bool has_prev;
	char device[EVENT_STORE_SIZE]; /* "": not known */
	int64_t rank; /* out: place in the order, from 1; in: the one before, 0 none */
	int64_t root; /* scratch: id of the first known epoch of its line */
	size_t depth;
};
int hq_epoch_sort(struct hq_epoch_node *nodes, size_t n);

/* Give all epochs of a store their rank anew. true: epochs that had one have changed places, so
 * what was folded over several epochs is to be folded again. */
bool hq_epoch_rank(struct hq_db *db, int64_t store);

#endif
