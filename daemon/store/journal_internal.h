/* What the journal's files share: the writer, and how packs and epochs are found. Not for other
 * rooms.
 *
 * journal.c the calls of the loop and the thread; journal_ahead.c the next batch, written while one
 * is committed; journal_open.c the file at start, journal_aside.c one that cannot be read;
 * journal_format.c its tables and their migrations; journal_write.c from entries to a pack;
 * journal_commit.c the transaction and its failures; journal_mark.c confirmations; journal_retain.c
 * what may go; journal_taken.c messages summed up; journal_seek.c places in the file;
 * journal_read.c, journal_scan.c, journal_ids.c and journal_verify.c the readers.
 *
 * Threads: whatever is not marked otherwise belongs to the journal's thread (to the caller of
 * journal_open before journal_start and after the join).
 */
#ifndef LANEWAY_STORE_JOURNAL_INTERNAL_H
#define LANEWAY_STORE_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "store/journal.h"
#include "store/pack.h"
#include "store/taken.h"

#define JOURNAL_FORMAT 4
#define JOURNAL_EPOCH_BOX_BYTES (VAULT_KEY_BYTES + VAULT_BOX_OVERHEAD) /* its key, to HQ */
#define JOURNAL_RESCUE_BYTES (EVENT_EPOCH_BYTES + VAULT_WRAP_BYTES)
#define JOURNAL_BOX_EVERY_PACKS 128 /* packs that carry the epoch's key to HQ: a byte a pack */
#define JOURNAL_RANGES_MAX 32
#define JOURNAL_PATH_SIZE 1024
#define JOURNAL_ENTRIES_MAX 4096 /* of one commit: what a second of a busy store cannot reach */
#define JOURNAL_EVENTS_MAX 4096  /* of one commit; the last entry may go over it */
#define JOURNAL_LINES_BYTES_MAX (4u * 1024 * 1024) /* of one commit; same */
#define JOURNAL_PAGE_BYTES 4096                    /* as db_open_writer makes files */
/* Pages in the log before it is copied into the file: each is written twice in all, so pages that
 * change often are spared; 8 MiB are still copied in well under a second by a slow card. */
#define JOURNAL_CHECKPOINT_PAGES 2000
#define JOURNAL_READER_PAGES 500 /* more in the log until one that was in the way is waited for */
#define JOURNAL_LOG_BYTES_MAX                                                                      \
	(16u * 1024 * 1024)   /* the log is cut to this when it starts again                       \
	                       */
#define JOURNAL_WORDS_MAX 64  /* waiting to be applied: HQ says them again */
#define JOURNAL_NOTES_MAX 256 /* same */
#define JOURNAL_GENERATION_SIZE 17
#define JOURNAL_SEEN_SIZE 80
#define JOURNAL_KNOWN_KEYS 1024 /* visit keys remembered as stored: the visits of an hour */
/* In meta, a mark's name stands behind this: no mark can take the place of the journal's own rows.
 */
#define JOURNAL_MARK_PREFIX "mark."
#define JOURNAL_KEY_SLOTS 16384 /* at least twice the events of a pack */

/* A pack's id: ids rise with (ordinal, first), so that a pack is found by one look into the table,
 * and a pack of an older epoch finds its place below. In format 1 they were counted from 1. */
#define JOURNAL_ID_SHIFT 40
static inline int64_t journal_pack_id(int64_t ordinal, uint64_t first)
{
	return (ordinal << JOURNAL_ID_SHIFT) + (int64_t)first;
}

/* ---- places in the file: journal_seek.c; used by the writer's and by the readers' connections
 * ---- */

struct journal_place {
	int64_t id, ordinal;
	uint64_t first;
	uint32_t count;
	uint8_t h[EVENT_HASH_BYTES];
};

struct journal_row {
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t through, deleted;
	struct journal_range ranges[JOURNAL_RANGES_MAX];
	uint32_t range_count;
	uint8_t deleted_h[EVENT_HASH_BYTES];
	bool closed, salvaged; /* salvaged: came back from a file that was set aside */
};

struct journal_seek {
	sqlite3 *db;
	sqlite3_stmt *lowest, *holes, *from, *before, *epoch_next, *epoch_id, *epoch_last;
};

/* 0, or -1 (logged). The statements live as long as the connection: journal_seek_close before it.
 */
int journal_seek_open(struct journal_seek *s, sqlite3 *db);
void journal_seek_close(struct journal_seek *s);

/* All return 1 found, 0 not there, -1 error. No statement stays open. */
/* the last pack whose (ordinal, first) is at or below the one asked for; packs rise in both with id
 */
int journal_seek_pack(struct journal_seek *s, int64_t ordinal, uint64_t seq,
                      struct journal_place *out);
/* the first pack with this id or a higher one; the last with a lower one */
int journal_seek_from(struct journal_seek *s, int64_t id, struct journal_place *out);
int journal_seek_before(struct journal_seek *s, int64_t id, struct journal_place *out);
/* the first epoch with this ordinal or a higher one; the one with this id; the newest */
int journal_seek_epoch(struct journal_seek *s, int64_t ordinal, struct journal_row *out);
int journal_seek_epoch_id(struct journal_seek *s, const uint8_t epoch[EVENT_EPOCH_BYTES],
                          struct journal_row *out);
int journal_seek_epoch_last(struct journal_seek *s, struct journal_row *out);
/* seqs of a salvaged epoch that are not there, above `after`: a confirmation's ranges. The number
 * or -1 */
int journal_seek_holes(struct journal_seek *s, int64_t ordinal, uint64_t after,
                       struct journal_range out[JOURNAL_RANGES_MAX]);
/* the end of an epoch's chain: its last pack's, or its anchor when no pack is held. 0 or -1 */
int journal_seek_end(struct journal_seek *s, const struct journal_row *row, uint64_t *last,
                     uint8_t h[EVENT_HASH_BYTES]);

/* ---- marks: journal_mark.c ---- */

/* What a confirmation makes of a row's through and ranges; last: the epoch's last seq, above which
 * nothing can be confirmed. Pure. */
void journal_mark_merge(struct journal_row *row, const struct journal_confirm *c, uint64_t last);
/* The row's ranges as they stand in the file; how many bytes. Pure. */
size_t journal_mark_ranges(const struct journal_row *row, uint8_t out[16 * JOURNAL_RANGES_MAX]);
/* Events still held and confirmed. Pure. */
uint64_t journal_mark_held(const struct journal_row *row, uint64_t last);

/* ---- the writer ---- */

struct journal_slot {
	struct entry *entry;
	size_t at, len; /* its lines in the batch */
};

/* An event that the shard must include before its pack may go. */
struct journal_awaited {
	uint64_t seq;
	enum event_kind kind;
};

/* One commit in the making. Everything is kept from commit to commit, so nothing is allocated per
 * event. */
struct journal_batch {
	struct journal_slot slots[JOURNAL_ENTRIES_MAX];
	size_t slot_count;
	void *answered[JOURNAL_ENTRIES_MAX];
	uint64_t first, next; /* seqs */
	uint8_t h[EVENT_HASH_BYTES];
	struct buf lines, body, ids, key_ids, link;
	struct buf keys;                       /* struct visit_key each, in the order of key_ids */
	struct buf urgent;                     /* uint64_t each */
	struct buf awaited;                    /* struct journal_awaited each */
	struct buf sealed, text;               /* scratch of one event */
	uint16_t key_slots[JOURNAL_KEY_SLOTS]; /* index into keys plus 1, by the id's first bytes */
	struct vault_work *work;
	bool begun; /* first to h are set */
};

/* Entries that were taken from the queue and stand in no batch yet, oldest at `at`. */
struct journal_intake {
	struct entry *entries[JOURNAL_ENTRIES_MAX];
	void *items[JOURNAL_ENTRIES_MAX];
	size_t at, count;
};

/* The thread that writes ahead. Invariants, under lock: (1) it begins to write only while `begun`;
 * (2) while `writing` the intake and `batch` are its own, and the journal's thread touches neither;
 * (3) from journal_ahead_end to journal_ahead_begin neither is set. It reads no field of struct
 * journal that changes while an epoch is open. */
struct journal_ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t turn, rests; /* begun or ending; no longer writing */
	bool started, ending, begun, writing;
	atomic_bool enough; /* the commit is done: hand the batch over */
	struct journal_batch *batch;
	char worst_class;
};

/* What the sync side said: a confirmation, or which of an epoch's events the shard includes. */
struct journal_word {
	struct journal_confirm confirm;
	struct journal_range included; /* last 0: a confirmation */
};

/* What it said beside those. */
struct journal_notes {
	struct journal_note list[JOURNAL_NOTES_MAX];
	size_t count;
	bool rewind;
	char generation[JOURNAL_GENERATION_SIZE]; /* empty: nothing new */
	char seen[JOURNAL_SEEN_SIZE];
};

/* What the second thread wants written: in a transaction of the journal's thread. */
enum journal_job_end { JOURNAL_JOB_WAITS, JOURNAL_JOB_DONE, JOURNAL_JOB_NO_ROOM };
struct journal_job {
	int (*run)(struct journal *j, void *ctx);        /* 0, or -1: the disk is full */
	void (*committed)(struct journal *j, void *ctx); /* may be NULL */
	void *ctx;
	bool adds;  /* only while there is much room */
	bool plain; /* writes nothing: at any time, without a transaction */
	enum journal_job_end end;
};

struct journal_totals {
	uint64_t kept, confirmed;
};

/* The row of `taken` in the making. */
struct journal_taken {
	struct taken *run;
	struct buf ids, sealed;
	int64_t at;          /* packs below are in a row, or in this run */
	int64_t first, last; /* of the run; first 0: it is empty */
	int64_t ordinal;     /* of the run */
	size_t packs, messages;
	uint64_t events;
	bool through, off; /* at the end of the file; given up */
	unsigned packs_seen, packs_step, packs_max;
	int64_t due_us;
};

struct journal {
	char path[JOURNAL_PATH_SIZE], store[EVENT_STORE_SIZE], device[EVENT_NAME_SIZE];
	char boot[CLOCK_BOOT_ID_SIZE];
	struct journal_params params; /* its texts are not used after journal_open */

	sqlite3 *db;
	int lock_fd;
	struct journal_seek seek;
	sqlite3_stmt *begin, *commit, *put_epoch, *put_pack, *put_key, *put_urgent, *put_awaited,
	    *put_mark, *set_marks, *done_urgent, *drop_urgent, *page_count, *close_epoch,
	    *drop_pack, *set_anchor, *drop_epoch, *vacuum, *free_count, *old_packs, *next_known,
	    *get_covered, *first_awaited, *drop_awaited, *hole_end, *put_hole, *drop_holes,
	    *put_salvaged, *put_old_pack, *put_old_key, *put_old_urgent, *put_old_awaited,
	    *put_old_mark, *put_result, *drop_key, *put_taken, *next_taken, *old_ids, *drop_taken;
	struct pack_codec *codec;

	/* the open epoch */
	bool epoch_open;
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES], key[VAULT_KEY_BYTES], rescue_key[VAULT_KEY_BYTES];
	uint8_t hq_box[JOURNAL_EPOCH_BOX_BYTES]; /* key, to HQ */
	unsigned packs;                          /* written in this epoch */
	const char *cause;
	int64_t prev_ordinal;  /* 0: none */
	int64_t first_ordinal; /* of a file without epochs */
	uint8_t prev_epoch[EVENT_EPOCH_BYTES], prev_h[EVENT_HASH_BYTES];
	uint64_t prev_last;
	uint64_t last_seq; /* committed */
	uint8_t h[EVENT_HASH_BYTES];

	struct journal_batch batches[2], *batch; /* the one that is committed next */
	struct journal_intake intake;
	struct journal_ahead ahead;
	uint8_t known_keys[JOURNAL_KNOWN_KEYS][EVENT_ID_BYTES];
	struct journal_totals totals;
	uint64_t file_bytes;    /* file and log, as of a moment ago */
	uint64_t log_bytes;     /* the log, same */
	uint64_t log_bytes_max; /* the longest log seen */
	/* The disk is full: sources are told no until the reserve is whole again. no_room: what was
	 * just tried found none. */
	bool disk_full, no_room, releasing;
	int64_t full_due_us, full_since_us;
	uint64_t full_kept;       /* events, when the disk was found full */
	uint64_t full_free_bytes; /* on the disk, when it was found full */
	bool clean, cannot_keep;
	uint32_t recovered_frames;
	int wal_pages;      /* in the log, as the last commit said */
	int measured_pages; /* wal_pages, when file_bytes was measured */
	int checkpoint_at;  /* pages */
	bool retain_more, taken_more;
	struct journal_taken taken;
	int64_t again_due_us;
	int64_t retain_due_us, retain_ordinal;
	struct journal_held held, holding; /* of the last look at all epochs; of the present one */
	int64_t known_id, known_us; /* a pack whose time is known, and no earlier one from where
	                               retention last looked; 0: none */
	int64_t untimed_from, untimed_to; /* behind the first, none up to the second has a time */
	bool known_more;                  /* what follows is still to be looked at */

	/* between threads */
	struct queue *in, *done;
	size_t out; /* entries put and not yet fetched: loop thread */
	atomic_bool wake_queued, stopping;
	char wake;            /* its address on the queue means: look at the confirmations */
	pthread_mutex_t lock; /* for what follows */
	struct journal_word words[JOURNAL_WORDS_MAX];
	size_t word_count;
	struct journal_notes notes;
	struct journal_state state;

	struct journal_word applying[JOURNAL_WORDS_MAX]; /* the thread's copy */
	size_t applying_count;                           /* stay until they are committed */
	struct journal_notes noting;                     /* same */
	pthread_t thread;
	bool started;

	/* the second thread, and what it wants done (under lock) */
	pthread_t back;
	bool back_started;
	atomic_bool back_stop;
	pthread_cond_t back_wake;
	struct journal_job *job;
	struct buf salvaged; /* members of a JSON object: what is known of set-aside files */
	uint8_t *sweep_live; /* where named visit keys are noted; NULL: nowhere */
};

/* journal.c */
/* There is too little room for some class of events. */
bool journal_is_short(const struct journal *j);
/* What journal_state tells, as of now. */
void journal_publish(struct journal *j);

/* Words of the sync side wait to be applied. */
bool journal_has_words(struct journal *j);
/* Apply the words at hand in the open transaction; totals are what they would become. 0 or
 * -1: disk full. */
int journal_apply(struct journal *j, struct journal_totals *totals);
/* After its commit. */
void journal_applied(struct journal *j, const struct journal_totals *totals);

/* journal_back.c: the second thread */
int journal_back_start(struct journal *j); /* 0, or -1 with errno */
void journal_back_stop(struct journal *j);
/* By the journal's thread, between its own commits. */
void journal_back_serve(struct journal *j);
/* By the second thread: have it done, and wait for that. */
enum journal_job_end journal_back_do(struct journal *j, struct journal_job *job);
/* Wait, or until it is to stop. Both: false when it is to stop. */
bool journal_back_rest(struct journal *j, int64_t ms);
bool journal_back_go_on(void *j);

/* journal_salvage.c */
/* Are there set-aside files beside the journal? */
bool journal_salvage_beside(const struct journal *j);
/* Say whether one of them is still to be brought back; before the second thread starts. */
void journal_salvage_look(struct journal *j);
/* Read what is known of them into j->salvaged. */
void journal_salvage_read(struct journal *j);
/* Bring back what they still hold; second thread. */
void journal_salvage_all(struct journal *j);
/* Something of them is still to come. */
bool journal_salvage_waits(struct journal *j);

/* journal_sweep.c */
/* Check every pack, and drop visit keys that none names; second thread. */
void journal_sweep(struct journal *j);
/* These keys are named by what is being committed. */
void journal_sweep_named(struct journal *j, const uint8_t *ids, size_t len);

/* journal_full.c */
void journal_full_say(struct journal *j, bool full);
/* One step of a disk that is full: confirm, check in, delete; take the reserve for it, and make it
 * again when there is room. */
void journal_full_step(struct journal *j);
/* The disk is not full: see to the reserve. */
void journal_full_watch(struct journal *j);

/* journal_reserve.c: "<path>.reserve" */
/* Is it whole, or could it be made so, with a little room beside it? */
bool journal_reserve_make(struct journal *j);
/* Is there as much of it as the log may still have to write into the file? */
bool journal_reserve_covers(const struct journal *j);
/* Give up a slice of it. false: nothing is left. */
bool journal_reserve_release(struct journal *j);
/* Bytes that are free on the disk; 0: not known. */
uint64_t journal_reserve_room(const struct journal *j);
/* Next to nothing is free on the disk. */
bool journal_reserve_low(const struct journal *j);
/* Let the thread look at what other threads said; any thread. */
void journal_wake(struct journal *j);

/* journal_note.c */
/* With the lock held: from notes to noting, when that is empty. A rewind makes void what an older
 * generation confirmed and is not committed yet. */
void journal_notes_take(struct journal *j);
bool journal_notes_wait(const struct journal_notes *n);
/* Write them, in a transaction of the caller; after its commit they are done. 0 or -1. */
int journal_notes_apply(struct journal *j, struct journal_totals *totals);
void journal_notes_applied(struct journal *j);
/* In a transaction of the caller: HQ spoke of an epoch that has no row any more. 0 or -1. */
int journal_note_heard(struct journal *j, const uint8_t epoch[EVENT_EPOCH_BYTES]);
/* The epoch is deleted through here; or it is drained and its row goes: remember its name and end.
 */
int journal_note_anchor(struct journal *j, int64_t ordinal, uint64_t deleted);
int journal_note_past(struct journal *j, const struct journal_row *row, uint64_t last,
                      const uint8_t h[EVENT_HASH_BYTES]);

/* journal_format.c */
enum journal_opened { JOURNAL_OPENED, JOURNAL_UNREADABLE, JOURNAL_FAILED };
/* What an SQLite error says of the file. */
enum journal_opened journal_format_blame(int rc);
/* Make the tables of a new file, bring an older one up to this format, refuse another store's. */
enum journal_opened journal_format_check(struct journal *j, char *err, size_t err_size);

/* journal_aside.c: both files get another name; -1: they could not (logged). */
int journal_aside_put(struct journal *j, const char *why);
/* A log that stands there without its file, because that was cut short, goes: SQLite would write
 * the new file's log into it, and it has the name of the one that was set aside, too. 0 or -1. */
int journal_aside_finish(struct journal *j);

/* journal_open.c */
/* Nothing was kept because commits ended unknown: ten minutes after the last of them, try again.
 * true: sources can be served. */
bool journal_open_again(struct journal *j);
/* End the epoch in order and close the file. */
void journal_open_end(struct journal *j);
void journal_open_free(struct journal *j);

/* journal_epoch.c */
/* Where the newest epoch of the file ended, and why a new one begins. 0, or -1 (logged). */
int journal_epoch_find_predecessor(struct journal *j, bool set_aside);
/* Write the new epoch's row and its `Epoch Opened`. 0, or -1: the disk is full. */
int journal_epoch_open(struct journal *j);
/* Say that it ended in order. */
void journal_epoch_close(struct journal *j);

/* journal_ahead.c */
/* 0, or -1 with errno. */
int journal_ahead_start(struct journal *j);
void journal_ahead_stop(struct journal *j);
/* Let the other batch be written behind this one, if that is worth a thread's waking; until
 * journal_ahead_end. NULL: not begun. */
struct journal_batch *journal_ahead_begin(struct journal *j, char worst_class);
void journal_ahead_end(struct journal *j);

/* journal_write.c: these take the batch, because two are in the making at times. */
void journal_write_begin(struct journal_batch *b, uint64_t last_seq,
                         const uint8_t h[EVENT_HASH_BYTES]);
/* Take the entry into the batch; refused ones are only listed. false: the batch has enough, keep
 * it. */
bool journal_write_entry(const struct journal *j, struct journal_batch *b, struct entry *e,
                         char worst_class);
/* What waits in the queue into the intake, which is empty. */
void journal_write_take_in(struct journal *j);
/* What waits in the intake, or else in the queue. false: there is more, but the batch is full or
 * `enough` (may be NULL) became true. */
bool journal_write_waiting(struct journal *j, struct journal_batch *b, char worst_class,
                           const atomic_bool *enough);
/* Give every entry of the batch its answer and its lines and put it on the way back. */
void journal_write_answer(struct journal *j, struct journal_batch *b, bool kept);

/* journal_commit.c */
/* Run a statement to its end and reset it. 0, -1: the disk is full. Other errors end the process
 * (J4). */
int journal_commit_run(struct journal *j, sqlite3_stmt *stmt);
int journal_commit_begin(struct journal *j);
/* Make it durable. 0, or -1: disk full, everything since begin is undone. */
int journal_commit_end(struct journal *j);
void journal_commit_undo(struct journal *j);
/* The batch's rows: visit keys, pack, urgent, awaited, marks. Between begin and end. 0 or -1. */
int journal_commit_batch(struct journal *j);
/* A visit key is no longer in the file: put it again when it is met. */
void journal_commit_forget_key(struct journal *j, const uint8_t id[EVENT_ID_BYTES]);
/* After a successful end: the chain moves on, the keys are known. */
void journal_commit_done(struct journal *j);
/* Copy the log into the file when it has grown; not while somebody waits for an answer. */
void journal_commit_checkpoint(struct journal *j);
/* Copy all of it and give its room back to the disk. */
void journal_commit_cut_log(struct journal *j);
/* Does the file say that three exits of this kind happened within ten minutes? */
bool journal_commit_cannot_keep(const struct journal *j);
/* Log, remember, and end the process. */
_Noreturn void journal_commit_unknown(struct journal *j, const char *what, int rc);
/* Let file_bytes be the size of file and log; cheapest inside a transaction. The second one leaves
 * it if hardly a quarter of a MiB was written since. */
void journal_commit_measure(struct journal *j);
void journal_commit_measure_roughly(struct journal *j);
/* Make room at the end of the log, so that the next commits only write into it; between commits. */
void journal_commit_lengthen_log(struct journal *j);

/* journal_mark.c, journal_retain.c: in a transaction of the caller. totals are what they would
 * become. */
int journal_mark_apply(struct journal *j, const struct journal_word *word,
                       struct journal_totals *totals);
int journal_mark_totals(struct journal *j, struct journal_totals *out); /* from the file; 0 or -1 */
/* One small step of retention in a transaction of its own. true: there may be more. */
bool journal_retain_step(struct journal *j);
/* Give free pages of the file back, some in a transaction of its own. true: there may be more. */
bool journal_retain_vacuum(struct journal *j);

/* journal_taken.c */
/* Sum up what a start would have to read, a little. true: there is more. */
bool journal_taken_step(struct journal *j);
/* In a transaction of the caller: packs come into this epoch; or go, those with ids `from` to `to`
 * of one epoch, its first. 0 or -1. */
int journal_taken_void(struct journal *j, int64_t ordinal);
int journal_taken_drop(struct journal *j, int64_t from, int64_t to);
void journal_taken_init(struct journal *j);
void journal_taken_free(struct journal *j);
/* What a row is sealed for; how many bytes. Any thread. */
#define JOURNAL_TAKEN_AD_MAX (6 + EVENT_STORE_SIZE + EVENT_EPOCH_BYTES + 16)
size_t journal_taken_ad(const char *store, const uint8_t epoch[EVENT_EPOCH_BYTES], int64_t id,
                        int64_t last, uint8_t ad[JOURNAL_TAKEN_AD_MAX]);

/* ---- readers ---- */

/* The pack that was opened last, and where reading in it stands. */
struct journal_walk {
	struct journal_place place; /* id 0: none */
	uint8_t epoch[EVENT_EPOCH_BYTES];
	struct buf lines;
	size_t at;                   /* of the next line */
	uint64_t seq;                /* of the next line */
	uint8_t h[EVENT_HASH_BYTES]; /* h(seq-1) */
};

struct journal_reader {
	sqlite3 *db;
	char store[EVENT_STORE_SIZE];
	const struct vault *vault;
	struct pack_codec *codec;
	struct journal_seek seek;
	sqlite3_stmt *begin, *end, *body, *keys, *scan, *ids, *urgent, *key, *pack_count, *tail,
	    *hole, *mark, *marks, *taken, *awaited;
	struct journal_walk walk;
	int64_t key_ordinal; /* whose key is held; 0: none */
	uint8_t key_epoch[EVENT_EPOCH_BYTES], epoch_key[VAULT_KEY_BYTES];
};

/* A snapshot across several reads; end it before returning. 0 or -1. */
int journal_reader_begin(struct journal_reader *r);
void journal_reader_end(struct journal_reader *r);
/* Bytes of an epoch and its key into the reader. 1, 0 unknown ordinal, -1. */
int journal_reader_epoch_key(struct journal_reader *r, int64_t ordinal);
/* Open this pack into the walk; h stays to be set by the caller. 0, or -1 (logged: cannot be
 * opened). */
int journal_reader_load(struct journal_reader *r, const struct journal_place *place);
/* h in front of a pack: its predecessor's, the anchor's, or zeros. 0, or -1: neither fits. */
int journal_reader_h_before(struct journal_reader *r, const struct journal_place *place,
                            uint8_t h[EVENT_HASH_BYTES]);
/* Every pack; with ops.fault faults are told and the check goes on behind them, else it ends. */
struct journal_verify_ops {
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void (*fault)(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES],
	              const struct journal_place *place, const char *what);
	void (*keys)(void *ctx, const uint8_t *ids, size_t len); /* visit keys a pack names */
	void *ctx;
};
int journal_verify_all(struct journal_reader *r, struct journal_verify *out,
                       const struct journal_verify_ops *ops, char *err, size_t err_size);
/* The last packs, at most that many packs or events. 0 whole, -1 with err. */
int journal_verify_tail(struct journal_reader *r, uint32_t packs_max, uint64_t events_max,
                        char *err, size_t err_size);

#endif
