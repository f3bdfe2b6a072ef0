/* The statement of a day: what the store's `Day Closed` says, and its bytes (WIRE.md section 16).
 *
 * Pure but for statement_build, which reads a journal. Membership is by seq: a statement covers
 * what was journaled between two places, never what lies between two times. Both ends use this
 * file.
 */
#ifndef LANEWAY_STORE_STATEMENT_H
#define LANEWAY_STORE_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "event/event.h"
#include "store/vault.h"

struct json_t;
struct journal_reader;

#define STATEMENT_RANGES_MAX 800 /* epochs of one statement: its line stays under 256 KiB */
#define STATEMENT_KINDS_MAX 128  /* kinds of event that are counted by name */
#define STATEMENT_KIND_SIZE 48

/* Seqs from to to of one epoch; h_prev is h(from-1), h is h(to). */
struct statement_range {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t from, to;
	uint8_t h_prev[EVENT_HASH_BYTES], h[EVENT_HASH_BYTES];
};

/* Events by their name, in the order of the names' bytes. */
struct statement_counts {
	struct {
		char event[STATEMENT_KIND_SIZE];
		uint64_t n;
	} kind[STATEMENT_KINDS_MAX];
	int kinds;
	uint64_t total;
};

struct statement {
	char device[EVENT_STORE_SIZE];
	char first_date[CLOCK_DATE_SIZE], business_date[CLOCK_DATE_SIZE]; /* the days it spans */
	bool more; /* another statement of the same days follows: too many epochs for one */
	int64_t version;
	struct statement_counts counts, training; /* training: events of training, not in counts */
	struct statement_range range[STATEMENT_RANGES_MAX];
	int ranges;
	uint8_t signature[VAULT_SIGNATURE_BYTES];
};

/* Count one event. false: more kinds, or a longer name, than a statement can hold. */
bool statement_count(struct statement_counts *c, const char *event, size_t len);
bool statement_counts_equal(const struct statement_counts *a, const struct statement_counts *b);
/* {"Basket Opened":3,...} */
void statement_counts_write(const struct statement_counts *c, struct buf *out);

/* "2026-11-21" with a real day in it. */
bool statement_date_ok(const char *date);
/* The date some days after (before, when negative); out is "" when `date` is none. */
void statement_date_move(const char *date, int days, char out[CLOCK_DATE_SIZE]);

/* The properties of `Day Closed` as canonical JSON, with or without the member `signature`. */
void statement_write(const struct statement *s, bool with_signature, struct buf *out);

/* Read the properties. 0, or -1 with a sentence in err. Unknown members are skipped: the signature
 * covers them all the same. */
int statement_read(const struct json_t *properties, struct statement *out, char *err,
                   size_t err_size);

/* The bytes under the device's signature: "laneway statement v1" NUL store NUL and the properties
 * without `signature`. 0, or -1: out of memory. */
int statement_signed_bytes(const char *store, const struct json_t *properties, struct buf *out);
/* The bytes under HQ's signature of a version (WIRE.md section 16), and its check. */
int statement_version_bytes(const char *store, const struct json_t *doc, struct buf *out);
bool statement_version_good(const char *store, const struct json_t *doc, const uint8_t pub[32]);
/* Sign what statement_write would write. 0 or -1. */
int statement_sign(struct statement *s, const char *store, const uint8_t priv[32]);

/* A place in the journal: the last event covered. ordinal 0: none. */
struct statement_place {
	int64_t ordinal;
	uint64_t seq;
};

struct statement_job {
	struct statement_place covered, until; /* what lies after the one, up to the other */
	bool (*go_on)(void *ctx);              /* asked after each piece; false: give up */
	void *ctx;
};

/* Fill ranges and counts (and `more`) from the journal; out is otherwise left as it is. *end is the
 * last place it covers. Reads at most 64 packs at a time. 0; -1 with a sentence in err. */
int statement_build(struct journal_reader *r, const struct statement_job *job,
                    struct statement *out, struct statement_place *end, char *err, size_t err_size);

/* The business date of the first event after `covered` that was stamped by a trusted clock.
 * 1 found, 0 none up to `until`, -1 with err. */
int statement_first_date(struct journal_reader *r, const struct statement_job *job,
                         char out[CLOCK_DATE_SIZE], char *err, size_t err_size);

#endif
