/* A disk that forgets: what a power cut leaves of files, as far as they were synced.
 *
 * The files are ordinary ones in a folder, so that whatever reads them reads them as always. Beside
 * them stands, in memory that outlives the process, what the disk holds for certain, and the list
 * of what was done since: writes, truncations, and the making, renaming and removing of names. A
 * sync of a file makes its own writes certain and nobody else's; a name is certain after a sync of
 * the folder. disk_reboot rolls dice over the rest: each may be there, be missing, or be torn at
 * 512 or 4096 bytes, and in any order.
 *
 * One process at a time uses a disk: the parent forks a child, the child works and dies at the call
 * that was chosen, the parent reboots the disk and forks the next. Memory of WAL indexes (-shm) is
 * lost at a cut.
 */
#ifndef LANEWAY_TESTS_DISK_H
#define LANEWAY_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_NAME_SIZE 80
#define DISK_EXIT_CUT 77 /* of a child whose power was cut */

struct disk;

/* What the daemon is doing, for the histogram; set by whoever knows. */
enum disk_phase {
	DISK_OPEN,       /* start-up */
	DISK_COMMIT,     /* a commit: before its first write */
	DISK_WRITTEN,    /* a commit: between its first write and its sync */
	DISK_SYNCED,     /* a commit's sync is done, nothing is answered yet */
	DISK_CHECKPOINT, /* copying the log into the file */
	DISK_RETENTION,  /* old packs go */
	DISK_SALVAGE,    /* what a damaged file still has is put into the new one */
	DISK_CHECK,      /* the check of everything in the background */
	DISK_FOLD,       /* HQ makes orders and profiles of events */
	DISK_CLOSE,      /* an orderly stop */
	DISK_PHASES
};
const char *disk_phase_name(enum disk_phase phase);

/* What happens at the chosen call. */
enum disk_fault {
	DISK_NONE,
	DISK_CUT,  /* the process ends there */
	DISK_KILL, /* the same, but the machine goes on: files stay as they are */
	DISK_EIO,  /* the call fails: a write not done, a sync that lost what it should have kept */
	DISK_ENOSPC, /* a write finds no room */
};

/* A disk whose files stand in `dir`, which is made. NULL: errno says why. */
struct disk *disk_new(const char *dir);
void disk_free(struct disk *d);
/* Everything is gone. */
void disk_wipe(struct disk *d);
/* A file that was always there. */
void disk_put(struct disk *d, const char *name, const void *data, size_t len);
/* Bytes of a file that is there are others from now on, for certain. false: there is none. */
bool disk_spoil(struct disk *d, const char *name, int64_t at, const void *data, size_t len);

/* In the child: SQLite and the wrapped calls of our own programs (disk_plain.c) use this disk. */
void disk_install(struct disk *d);
/* The fault happens at call number `at`, counted from here; times: how often, one call after the
 * other. */
void disk_plan(struct disk *d, enum disk_fault fault, uint32_t at, uint32_t times, uint64_t seed);
void disk_set_phase(struct disk *d, enum disk_phase phase);
enum disk_phase disk_phase(const struct disk *d);

/* After the child's end. */
uint32_t disk_calls(const struct disk *d); /* write and sync calls since disk_plan */
bool disk_struck(const struct disk *d);    /* the fault happened */
enum disk_phase disk_cut_phase(const struct disk *d);
/* What a power cut leaves, by seed; the folder then holds that, for certain. */
void disk_reboot(struct disk *d, uint64_t seed);
/* A copy of what is certain, and back. */
void disk_save(const struct disk *d, struct disk *copy);
/* How many writes were kept, dropped and torn in all reboots. */
struct disk_toll {
	uint64_t kept, dropped, torn;
};
struct disk_toll disk_toll(const struct disk *d);

/* Dice: the same from the same seed. */
uint64_t dice(uint64_t *state);
uint64_t dice_below(uint64_t *state, uint64_t n);

#endif
