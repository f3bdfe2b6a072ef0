/* The store rig: the daemon's own main, started again and again on a disk that forgets.
 *
 * The parent keeps this record in memory that outlives its children. A child runs lanewayd's real
 * main: configuration, vault, journal, the event path and its rebuilding. In place of the event
 * loop's waiting stands the load (rig_load.c): tills and scanners that speak through the same calls
 * as connections do, an HQ that confirms, a clock that is turned. In place of the sockets stands
 * the record. The journal's thread runs in lockstep with the load, so that the same seed gives the
 * same calls; a child that dies at the chosen call leaves the record as it was when the power went.
 */
#ifndef LANEWAY_TESTS_RIG_H
#define LANEWAY_TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

#define RIG_TILLS 3
#define RIG_MESSAGES_MAX 8192
#define RIG_TEXT_SIZE 768
#define RIG_EPOCHS_MAX 256
#define RIG_SEQS_MAX 2048 /* of one epoch */
#define RIG_EVENTS_MAX 65536
#define RIG_HASH_BYTES 16

/* A till's message, kept outside the daemon: this is the log of what was sent. */
struct rig_message {
	uint8_t till;
	uint8_t type; /* enum till_type */
	bool acked;
	bool given_up; /* nobody waits for its answer any more */
	uint64_t counter, epoch, seq;
	uint32_t count;
	int64_t sent_wall_us;
	char text[RIG_TEXT_SIZE];
};

struct rig_till {
	uint64_t counter;
	uint32_t basket, line; /* numbers; line 0: no basket is open */
	bool open, tendered;
};

/* An event that somebody has been shown: from then on it must stay. */
struct rig_event {
	uint64_t epoch, seq;
	int64_t wall_us;
	uint8_t hash[RIG_HASH_BYTES];
	bool in_wreck; /* it stood in a file that was spoilt: salvage has to bring it back */
};

/* An epoch as the world outside knows it: it forgets nothing, whatever the store is put back to. */
struct rig_epoch {
	uint64_t epoch, last;        /* last: the highest seq that was seen */
	uint64_t name[RIG_SEQS_MAX]; /* of each seq: the beginning of its hash; 0: not seen */
	uint8_t confirmed[RIG_SEQS_MAX / 8];
};

struct rig {
	struct base b;
	struct rig_till tills[RIG_TILLS];
	struct rig_message messages[RIG_MESSAGES_MAX];
	uint32_t message_count;
	struct rig_event events[RIG_EVENTS_MAX];
	uint32_t event_count;
	struct rig_epoch epochs[RIG_EPOCHS_MAX];
	uint32_t epoch_count;
	char conf[176];
	/* A start kept nothing for a while: then a basket may have ended whose till was not heard.
	 */
	bool unheard;
	bool spoilt;                /* the journal's file, since the last start that came through */
	uint32_t spoils, set_aside; /* how often */
	struct rig *saved;          /* the parent's own */
	struct disk *copy;
};

/* In the parent: files that do not change (keys, configuration, a shard with a customer). */
struct rig *rig_new(const char *folder);
void rig_free(struct rig *r);
/* An empty store, from this seed. */
void rig_begin(struct rig *r, uint64_t seed);
/* A backup of the store, and back to it. */
void rig_save(struct rig *r);
void rig_restore(struct rig *r);
/* The machine is off; the beginning of the journal's file is not what it was. */
void rig_spoil(struct rig *r);
/* One start of the daemon in a child, up to its stop or its end. What waitpid says. */
int rig_start(struct rig *r);

/* In the child, for the parts of the rig. */
struct rig *rig_mine(void);

struct flow;
struct journal;
/* rig_run.c: let the journal's threads take what is queued, and pass their answers on. */
void rig_step(void);
void rig_turn_journal(void);
/* What a set-aside file still has is being brought back. */
bool rig_salvages(void);
/* rig_back.c: let the background thread run until it hands something to the journal's, rests or is
 * through; and when that has been done, wait until it stands again. */
void rig_back_turn(void);
void rig_back_settle(void);
struct flow *rig_flow(void);
struct journal *rig_journal(void);

/* rig_load.c: until the power goes, or an orderly stop is due. */
void rig_load(struct rig *r);
/* Send this message (again); its answer comes by rig_answered. */
void rig_send(struct rig *r, struct rig_message *m);
struct entry;
void rig_told(struct rig *r, const struct entry *e);
void rig_answered(struct rig *r, uint8_t till, const char *json, size_t len);
void rig_kept(struct rig *r, const char *lines, size_t len);
/* Its basket has ended without it: a person begins anew. */
void rig_give_up(struct rig *r, uint8_t till, const char *id);
/* Say again what was not answered, and some of what was, when this start knows all of it: what
 * stood in a set-aside file it does only when it came back before. */
void rig_resend(struct rig *r, bool knows);

/* rig_check.c: is everything there that somebody was told, once, and with its bytes? */
void rig_check(struct rig *r);
struct rig_epoch *rig_epoch(struct rig *r, uint64_t epoch);
/* An event's place and hash from its canonical line. */
void rig_line(const char *line, size_t len, struct rig_event *out);
void rig_know(struct rig *r, const struct rig_event *e);

#endif
