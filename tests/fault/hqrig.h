/* The HQ rig: laneway-hq's own `run`, started again and again on a disk that forgets.
 *
 * In place of the MQTT connection stand stores whose journals were written down before the first
 * start: their batches come in any order, often more than once, and now and then from a clone whose
 * history differs. What HQ confirms is written down; after each cut HQ must hold it.
 */
#ifndef LANEWAY_TESTS_HQRIG_H
#define LANEWAY_TESTS_HQRIG_H

#include "base.h"

#define HQRIG_STORES 2
#define HQRIG_EPOCHS 6 /* of both */
#define HQRIG_LINES_MAX 1200
#define HQRIG_CLONES_MAX 512
#define HQRIG_CUSTOMERS 4

/* A clone's batch that HQ has taken in. */
struct hqrig_clone {
	uint8_t epoch;
	uint16_t first, count;
	bool taken; /* HQ has answered: from then on it must be there */
};

struct hqrig {
	struct base b;
	uint8_t confirmed[HQRIG_EPOCHS][HQRIG_LINES_MAX / 8 + 1];
	struct hqrig_clone clones[HQRIG_CLONES_MAX];
	uint32_t clone_count;
	char generation[17]; /* HQ's, as first heard */
};

struct store;
/* The journals of this run: one object per epoch, with the lines by seq; and the clones'. */
struct hqrig_journals {
	struct store *real[HQRIG_EPOCHS], *clone[HQRIG_EPOCHS];
};
extern struct hqrig_journals hqrig_journals;

struct hqrig *hqrig_mine(void);

/* hqrig_journals.c, in the parent */
const char *hqrig_keys(void); /* the folder of HQ's keys; made once */
void hqrig_write_journals(uint64_t seed);
void hqrig_forget_keys(void);
uint64_t hqrig_last(int epoch, bool clone);
const uint8_t *hqrig_sign_pub(void);
/* A payload for `up`; to be freed. */
uint8_t *hqrig_batch(int epoch, bool clone, uint64_t first, uint64_t last, size_t *len);
const char *hqrig_store(int epoch);
const uint8_t *hqrig_epoch_id(int epoch);
const char *hqrig_line(int epoch, bool clone, uint64_t seq);
/* What the lines say, for the model: kind 'a' attached, 'd' detached, 'o' order, 'e' enrolled,
 * else nothing. */
struct hqrig_fact {
	char kind;
	int basket, customer; /* numbers; customer from 1 */
	int64_t total;        /* minor units */
};
const struct hqrig_fact *hqrig_fact(int epoch, uint64_t seq);

/* hqrig_check.c, in the child, with HQ's database open: what HQ confirmed it holds, every line as
 * it was sent; when `folded`, sales and profiles are what the held lines give. */
struct hq_db;
void hqrig_check(struct hqrig *h, struct hq_db *db, bool folded);

/* hqrig_digest.c, in the child, when HQ has folded all that the stores have. */
uint64_t hqrig_digest(struct hq_db *db);

#endif
