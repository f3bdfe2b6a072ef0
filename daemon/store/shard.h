/* The cached subset of profiles: may always be deleted and fetched again from HQ.
 *
 * shard.db holds identifiers only as a keyed blind index and profiles only as blobs, each state of
 * one sealed under a key of its own. The sync thread owns the writer; the
 * loop has a read-only connection. Looking up allocates nothing of its own but the JSON that is
 * asked for.
 */
#ifndef LANEWAY_STORE_SHARD_H
#define LANEWAY_STORE_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "store/vault.h"

#define SHARD_PROFILE_MAX (16 * 1024) /* bytes of one profile's JSON */

/* What a lane may know of a customer. Text is UTF-8 with NUL; empty: not known. */
struct profile {
	char customer_id[33]; /* HQ's stable id; leaves the box only in `sealed` */
	char first_name[65];
	char name[129];
	char tier[33];
	int64_t points;
	bool has_points, confidential, restricted;
	char points_as_of[25]; /* ISO 8601 */
	char language[9];
	uint64_t version; /* HQ's feed version of this profile */
	uint64_t visits;
	char last_seen[25];
};

/* One hit: the profile and the reference HQ gave this identifier of it. */
struct shard_hit {
	struct profile profile;
	char ident_ref[EVENT_ID_SIZE];
	bool verified;
	bool shared, blocked; /* HQ's word on the identifier: it is several people's, or nobody's */
	char seen[25];        /* when the identifier was last presented, or empty */
};

/* The kind under which a profile is also found by the mailbox of its e-mail addresses, folded as
 * ident_email_uid2 folds them (gmail.com: no dots, nothing after a plus), where that is another
 * text: for hints, never for who somebody is. */
#define SHARD_FOLDED "email_folded"

/* The kind under which, as the value, everybody is found of whom points are missing. */
#define SHARD_SHORTFALL "shortfall"
#define SHARD_SHORTFALL_ALL "points"

/* What the writer and the readers of one process share, so that a reader may keep the file as it
 * was at the last commit from one lookup to the next while nobody writes. Without it a lookup costs
 * more, and sees the same. It is freed after all of them. NULL: out of memory. */
struct shard_gate;
struct shard_gate *shard_gate_new(void);
void shard_gate_free(struct shard_gate *g);

struct shard_reader;
/* The file may be missing (first start): then open succeeds and every lookup misses until it
 * appears. */
int shard_reader_open(struct shard_reader **out, const char *path, const struct vault *vault,
                      char *err, size_t err_size);
void shard_reader_free(struct shard_reader *r);
/* Once, before the first lookup. */
void shard_reader_share(struct shard_reader *r, struct shard_gate *gate);

/* Profiles that have this identifier, at most max; the number found in all, or -1 (logged). */
int shard_find(struct shard_reader *r, const char *kind, const char *nf, struct shard_hit *out,
               int max);

/* The same; the first `max` profiles' whole JSON is added to json[0], json[1], ... */
int shard_find_json(struct shard_reader *r, const char *kind, const char *nf, struct shard_hit *out,
                    struct buf *json, int max);

/* One profile by HQ's customer id. 1, 0 or -1. json (may be NULL) gets its whole JSON. */
int shard_get(struct shard_reader *r, const char *customer_id, struct profile *out,
              struct buf *json);

uint64_t shard_count(struct shard_reader *r);

struct shard;
/* The writing connection. An unreadable file is deleted and made anew (*made says so). */
int shard_open(struct shard **out, const char *path, const struct vault *vault, bool *made,
               char *err, size_t err_size);
void shard_free(struct shard *s);
/* Once, before the first page. Nothing else in this process or another may write the file. */
void shard_share(struct shard *s, struct shard_gate *gate);

/* Where the shard stands: HQ's generation (16 hex digits, empty at first) and feed version, and the
 * wall time of the last completed sync (0: never). */
struct shard_mark {
	char generation[17];
	uint64_t version;
	int64_t synced_wall_us;
	bool more; /* for shard_apply: pages follow at once, and this one may be committed with them
	            */
};
int shard_mark_get(struct shard *s, struct shard_mark *out);

/* Apply one page, whole or not at all: `lines` holds a profile or tombstone per line (WIRE.md,
 * pages). A bad line fails the page, nothing of it stays. mark: where the shard stands after the
 * page (its synced_wall_us is not used). With `fresh` everything held is dropped first, also the
 * time of the last sync. The number of lines applied, or -1 with a sentence in err that has no
 * customer's data. After a failure read the mark again: pages that waited with mark->more to be
 * committed are gone with the bad one, and a file that was found damaged has been made anew. */
int shard_apply(struct shard *s, const char *lines, size_t len, const struct shard_mark *mark,
                bool fresh, char *err, size_t err_size);

/* Commit the pages that wait for more of them: for when none came within a second or two. 0, or -1:
 * they are gone, read the mark again. */
int shard_settle(struct shard *s);

/* A sync round has ended with nothing more to fetch at this wall time. */
int shard_synced(struct shard *s, int64_t wall_us);

#endif
