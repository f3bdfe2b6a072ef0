/* The durable, append-only log of events in the store: packs, epochs, leaves and chain.
 *
 * One thread owns the only connection that writes journal.db. The loop puts entries; the thread
 * takes all that is queued, gives seq, seals, writes the canonical lines, chains, packs, and
 * commits once. Only then do the entries come back with ENTRY_KEPT. Invariants:
 *
 *   J1  An entry comes back exactly once, and never as kept before its commit has been synced.
 *   J2  Entries come back in the order in which they were put; seq rises without gaps in an epoch.
 *   J3  All events of an entry stand in one pack.
 *   J4  A commit error other than a full disk leaves the answer unknown: the process exits with
 *       JOURNAL_EXIT_UNKNOWN, nobody is answered, and what the next start finds is the truth. Three
 *       such exits in ten minutes, and the journal opens in "cannot keep": every entry is refused,
 *       until ten minutes have passed since the first of them. The exits stand in
 *       "<path>.unknown".
 *   J5  From the first write that finds the disk full every entry is refused, until the reserve
 *       ("<path>.reserve": the longest log and 8 MiB, in real blocks) is whole again. Meanwhile
 *       confirmations are applied and packs deleted out of the reserve, and the file shrinks. The
 *       epoch goes on, and the same seq is given again.
 *   J6  A pack is deleted only when all of it is confirmed, it is older than the retention, it is
 *       outside the resend window, the shard includes what it changed (events that the catalogue
 *       calls awaited; journal_included), and the statement of the day covers it (the mark
 *       "covered", once there is one, and unless events are refused for want of room). Of each
 * epoch packs go from the first on; its row keeps the last deleted seq and its h.
 *
 * An entry is refused with "disk_full" (the disk, or its class's share of the quota),
 * "cannot_keep", or "too_long" (a line over EVENT_LINE_MAX, or more than 4,096 events or 4 MiB of
 * lines: sending it again does not help).
 *
 * A pack is as old as the clock says, as far as that was trusted. One that was written while it was
 * not (its wall_us is 0) is not older than the next one of a known time; and while nothing is
 * trusted no pack is deleted for its age.
 *
 * The file's tables and the pack format are in WIRE.md.
 */
#ifndef LANEWAY_STORE_JOURNAL_H
#define LANEWAY_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "event/event.h"
#include "store/vault.h"

#define JOURNAL_EXIT_UNKNOWN 75
#define JOURNAL_SLOW_US 2000000 /* a sync this long is a dying card: say so */

struct journal;

struct journal_params {
	const char *path; /* journal.db */
	const char *store, *device;
	const struct vault *vault;
	const struct clock *clock;
	struct counters *counters;
	size_t queue_max;     /* entries between loop and journal */
	uint64_t quota_bytes; /* file size at which classes are refused: C 80 %, B 95 %, A 100 % */
	int64_t retention_us; /* age before a confirmed pack may go */
	int64_t resend_window_us;  /* 72 h: ids of messages are remembered this long */
	int day_cut_min;           /* the store's day, for the journal's own `Epoch Opened` */
	void (*notify)(void *ctx); /* from the journal thread after each commit; may be NULL */
	void *notify_ctx;
};

/* Open or create the file, check the last packs and their chain, open a new epoch and commit its
 * `Epoch Opened`. A file that cannot be read is renamed aside ("journal.db.unreadable-<time>") and
 * a new one starts; *set_aside then says so. 0, or -1 with a sentence in err. */
int journal_open(struct journal **out, const struct journal_params *params, bool *set_aside,
                 char *err, size_t err_size);

/* Start and stop the thread. Stop commits what is queued, then joins, then closes cleanly. */
int journal_start(struct journal *j);
void journal_stop(struct journal *j);
void journal_free(struct journal *j);

/* Hand an entry over. false: the queue is full, the entry still belongs to the caller. Loop thread.
 */
bool journal_put(struct journal *j, struct entry *e);

/* The next answered entry (owned by the caller again) or NULL; fd is readable while there is one.
 */
struct entry *journal_done(struct journal *j);
int journal_done_fd(const struct journal *j);

/* What HQ said: through and ranges of one epoch, which count beside what was confirmed before. Any
 * thread. Takes a copy. */
struct journal_range {
	uint64_t first, last;
};
struct journal_confirm {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t through;
	struct journal_range ranges[32];
	uint32_t range_count;
	bool unheard; /* HQ's generation has more to say of the epoch: journal_reader_unheard */
};
bool journal_confirm(struct journal *j, const struct journal_confirm *c);

/* The shard that is committed includes the effects of these events of the epoch: packs need not be
 * kept for them any longer. Any thread. false: say it again later. */
bool journal_included(struct journal *j, const uint8_t epoch[EVENT_EPOCH_BYTES],
                      const struct journal_range *seqs);
/* HQ's database is of this generation (16 hex digits). rewind: it is another one than before.
 * Nothing counts as confirmed any more, urgent seqs are urgent again, every epoch waits to be heard
 * of; in one transaction with the generation. What was said before this call and is not written
 * yet is forgotten. Any thread; kept until it is written. */
void journal_generation(struct journal *j, const char *generation, bool rewind);

/* What HQ said of seqs beyond confirming them. JOURNAL_NOTE_LOST: they were confirmed once, are
 * deleted here and no longer held at HQ. Any thread; false: say it again later. Stays until it is
 * taken out (`out`), another generation comes (not JOURNAL_NOTE_LOST), or the epoch's last pack
 * goes (same). */
enum journal_note_kind {
	JOURNAL_NOTE_FORKED,
	JOURNAL_NOTE_FOREIGN, /* another copy of this device sent others under these names */
	JOURNAL_NOTE_QUARANTINED,
	JOURNAL_NOTE_UNREADABLE,
	JOURNAL_NOTE_LOST,
	JOURNAL_NOTE_KINDS
};
const char *journal_note_name(enum journal_note_kind kind);
struct journal_note {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	enum journal_note_kind kind;
	uint64_t first, last;
	char reason[33];
	int64_t wall_us;
	bool out; /* these seqs are no longer of this kind, whatever the reason was */
};
bool journal_note(struct journal *j, const struct journal_note *n);

/* How far HQ had come when it last spoke (confirm.h, `seen`): written with the next confirmation.
 */
void journal_seen(struct journal *j, const char *seen);

/* The check of everything in the background: the one that runs, or the last. */
struct journal_check {
	uint64_t packs, total; /* looked at, of how many */
	bool done;             /* once */
	uint64_t faults;       /* packs; the first of them: */
	uint8_t fault_epoch[EVENT_EPOCH_BYTES];
	uint64_t fault_seq;
};

/* Files that were set aside, and what has come back from them since the start. */
struct journal_salvaged {
	bool running;
	uint64_t events;
};

/* Why packs stay that are older than the retention. */
enum journal_held_by {
	JOURNAL_HELD_NOT,
	JOURNAL_HELD_CLOCK,       /* no time is trusted: nothing has an age */
	JOURNAL_HELD_UNCONFIRMED, /* HQ has not confirmed them */
	JOURNAL_HELD_SHARD,       /* HQ's customer data does not include what they changed yet */
	JOURNAL_HELD_STATEMENT,   /* no statement of the day covers them */
};
const char *journal_held_name(enum journal_held_by by); /* NULL: JOURNAL_HELD_NOT */
struct journal_held {
	enum journal_held_by by;
	int64_t since_us; /* when the oldest of them was written; 0: not known */
};

struct journal_state {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	int64_t ordinal;          /* of the open epoch, as in struct journal_epoch */
	uint64_t last_seq;        /* committed in the open epoch */
	uint64_t kept, confirmed; /* all epochs: events in the file, confirmed ones among them */
	uint64_t file_bytes;
	bool cannot_keep, full;
	bool clean; /* the previous epoch was closed by journal_stop, or there was none */
	uint32_t recovered_frames; /* frames that SQLite recovered from the log at open */
	/* The disk's answer to one commit or one copying of the log: the last that took over 2 s
	 * and when it ended (mono time, 0: none since the start); since when the present one is
	 * waited for (0: none is). */
	int64_t slow_us, slow_end_us, busy_since_us;
	struct journal_check check;
	struct journal_salvaged salvage;
	struct journal_held held; /* as of the last look, at most 10 s ago */
	uint64_t
	    epochs_rev; /* rises when epochs or packs of older ones have come: read them anew */
	int64_t progress_us; /* mono time of the thread's last step: for the watchdog */
};
void journal_state(struct journal *j, struct journal_state *out);

/* What came back from files that were set aside: members of a JSON object are appended to out, the
 * file's name each (WIRE.md section 12). Any thread. */
void journal_salvaged_files(struct journal *j, struct buf *out);

/* ---- reading; any thread, one reader each; its own read-only connection ---- */
struct journal_reader;

int journal_reader_open(struct journal_reader **out, const char *path, const char *store,
                        const struct vault *vault, char *err, size_t err_size);
void journal_reader_free(struct journal_reader *r);

struct journal_epoch {
	int64_t ordinal; /* rises in the order of opening on this device */
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t last_seq, confirmed_through, deleted_through;
	uint8_t deleted_h[EVENT_HASH_BYTES];
	struct journal_range confirmed[32]; /* above confirmed_through */
	uint32_t confirmed_count;
	/* Seqs that did not come back from a damaged file: there is nothing to send for them. */
	struct journal_range holes[32];
	uint32_t hole_count;
};
/* Epochs that still have packs, oldest first, at most max. The number, or -1. */
int journal_reader_epochs(struct journal_reader *r, struct journal_epoch *out, int max);

/* The first epoch with this ordinal or a higher one, also when no pack of it is held. 1, 0: there
 * is none, -1 error. */
int journal_reader_epoch(struct journal_reader *r, int64_t ordinal, struct journal_epoch *out);

/* A run of lines of one epoch, starting at seq `first`, as many whole lines as fit (at least one).
 */
struct journal_run {
	uint64_t first;
	uint32_t count;
	uint8_t h_prev[EVENT_HASH_BYTES], h_last[EVENT_HASH_BYTES];
	struct buf
	    lines; /* each ended by '\n'; the reader's caller frees it with journal_run_free */
	struct buf key_ids; /* 16 bytes each: visit keys that these lines' packs name */
};
/* 1 found, 0 nothing at or after `first`, -1 error (then err is logged). Reads at most 64 packs.
 * count_max, bytes_max: bounds of the run; a single longer line is returned alone. */
int journal_reader_run(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES],
                       uint64_t first, uint32_t count_max, size_t bytes_max,
                       struct journal_run *out);
void journal_run_free(struct journal_run *run);

/* Unconfirmed urgent seqs, oldest epoch first. The number written, or -1. */
struct journal_urgent {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
};
int journal_reader_urgent(struct journal_reader *r, struct journal_urgent *out, int max);

/* Every note, by epoch, kind and seq. 0 or -1. */
typedef void journal_note_fn(void *ctx, const struct journal_note *n);
int journal_reader_notes(struct journal_reader *r, journal_note_fn *fn, void *ctx);

/* Epochs of which HQ's present generation has said nothing yet, newest first, those among them
 * whose packs are all gone; gone: deleted through here. The number, at most max, or -1. */
struct journal_unheard {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t gone;
};
int journal_reader_unheard(struct journal_reader *r, struct journal_unheard *out, int max);
/* The same number of one epoch: 1; 0: this journal never had it (gone is 0); -1. */
int journal_reader_gone(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES],
                        uint64_t *gone);

/* "generation" or "seen", as last written. 0, or -1: none yet. */
int journal_reader_text(struct journal_reader *r, const char *name, char *out, size_t size);

/* The value of a mark (entry_mark); out is replaced and stays the caller's. 0, or -1: no committed
 * entry has written one. */
int journal_reader_mark(struct journal_reader *r, const char *name, struct buf *out);
/* Every mark whose name begins so, in the order of names, as length (u32) || value one after the
 * other; out is replaced. 0, or -1: not all could be read. */
int journal_reader_marks(struct journal_reader *r, const char *prefix, struct buf *out);

/* h(seq): the chain after this event; zeros for 0. 0, or -1: the journal does not hold that place
 * of the chain (never written, or deleted and not the anchor). */
int journal_reader_h(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                     uint8_t h[EVENT_HASH_BYTES]);

/* A visit key by its id. 0, or -1 (unknown, or destroyed). */
int journal_reader_key(struct journal_reader *r, const uint8_t id[EVENT_ID_BYTES],
                       struct visit_key *out);

/* Every remembered message id younger than since_wall_us, or of no known time (told as 0), oldest
 * first, until fn returns false. 0, or -1. fn runs with the file open for reading: it must not
 * wait. Of a body's hash the first 8 bytes are told (others may be zeros), of the time the second.
 * A window that is told all ids (since 0) and then expired also knows what is too old, for as
 * long as packs are kept. */
typedef bool journal_id_fn(void *ctx, const struct entry_id *id,
                           const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq, uint32_t count,
                           int64_t wall_us);
int journal_reader_ids(struct journal_reader *r, int64_t since_wall_us, journal_id_fn *fn,
                       void *ctx);

/* Every line younger than since_wall_us, or of no known time, in order of (epoch ordinal, seq);
 * stop when fn returns false. */
typedef bool journal_line_fn(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                             const char *line, size_t len);
int journal_reader_lines(struct journal_reader *r, int64_t since_wall_us, journal_line_fn *fn,
                         void *ctx);

/* The same from a place on, whatever the clock said: from the pack that holds (epoch, seq), or the
 * first one above it. Where `epoch` is NULL, or no epoch of the file: the newest events, at least
 * `newest` of them if there are as many. A pack that cannot be opened is logged and left out; its
 * number is added to *unread. 0, or -1. */
struct journal_from {
	const uint8_t *epoch;
	uint64_t seq, newest;
};
int journal_reader_lines_from(struct journal_reader *r, const struct journal_from *from,
                              journal_line_fn *fn, void *ctx, uint64_t *unread);

/* Every event whose effect HQ's shard does not include yet (the catalogue's AWAITED), in order of
 * (epoch ordinal, seq), until fn returns false. One whose pack cannot be opened is logged and left
 * out; their number is added to *unread. 0, or -1. */
typedef bool journal_awaited_fn(void *ctx, int64_t ordinal, const uint8_t epoch[EVENT_EPOCH_BYTES],
                                uint64_t seq, const char *line, size_t len);
int journal_reader_awaited(struct journal_reader *r, journal_awaited_fn *fn, void *ctx,
                           uint64_t *unread);

/* The oldest epochs that have such events, at most max. The number, or -1. */
int journal_reader_awaited_epochs(struct journal_reader *r, uint8_t (*out)[EVENT_EPOCH_BYTES],
                                  int max);

/* Check every pack: opens, unpacks, leaves, chain, no gap within an epoch, anchors. Counts into
 * out. `progress` (may be NULL) is called now and then with done and total packs; false ends the
 * check. 0 whole; -1 with the first fault in err. */
struct journal_verify {
	uint64_t epochs, packs, events;
};
int journal_reader_verify(struct journal_reader *r, struct journal_verify *out,
                          bool (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                          char *err, size_t err_size);

#endif
