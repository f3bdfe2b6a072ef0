/* The disk's parts: disk.c what is certain and what is not, disk_reboot.c what a cut leaves,
 * disk_vfs.c SQLite's way in, disk_plain.c our own programs' way in. */
#ifndef LANEWAY_TESTS_DISK_INTERNAL_H
#define LANEWAY_TESTS_DISK_INTERNAL_H

#include <pthread.h>

#include "disk.h"

#define DISK_FILES_MAX 48
#define DISK_FILE_BYTES (24u << 20) /* of one file; address space, not memory */
#define DISK_OPS_MAX 65536
#define DISK_LOG_BYTES (96u << 20)
#define DISK_SECTOR 512

struct disk_file {
	bool used;
	int64_t size;   /* certain */
	int64_t filled; /* from here on to the size there are only zeros, and they stand nowhere */
};

struct disk_name {
	char name[DISK_NAME_SIZE];
	int file; /* -1: free */
};

enum disk_kind { OP_NONE, OP_WRITE, OP_TRUNCATE, OP_NAME, OP_UNNAME, OP_RENAME };

struct disk_op {
	enum disk_kind kind;
	bool lost;  /* a sync of it failed: only dice can bring it back */
	int file;   /* of writes, truncations and OP_NAME */
	int64_t at; /* or the size */
	uint32_t len;
	uint64_t data; /* in the log */
	char name[DISK_NAME_SIZE], to[DISK_NAME_SIZE];
};

struct disk {
	char dir[160];
	struct disk_file files[DISK_FILES_MAX];
	struct disk_name live[DISK_FILES_MAX], certain[DISK_FILES_MAX];
	struct disk_op ops[DISK_OPS_MAX];
	uint32_t op_count;
	uint64_t log_used;
	/* the plan */
	enum disk_fault fault;
	uint32_t at, times, calls, strikes;
	uint64_t dice;
	enum disk_phase phase, cut_phase;
	bool written; /* since the last sync of this phase */
	struct disk_toll toll;
	uint8_t *data, *log; /* DISK_FILES_MAX files; the bytes of writes */
};

enum disk_call {
	CALL_WRITE,
	CALL_TRUNCATE,
	CALL_SYNC,
	CALL_NAMES,
	CALL_ON_MAIN = 8, /* with one of the others: on a database's main file */
};
enum disk_verdict {
	GO,
	GO_THEN_CUT, /* do it, then disk_cut */
	FAIL_IO,
	FAIL_FULL,
};

/* Each call asks first; does not return when the power goes before it. With the lock held. */
enum disk_verdict disk_ask(struct disk *d, enum disk_call call);
_Noreturn void disk_cut(struct disk *d);

void disk_lock(void);
void disk_unlock(void);

/* What was done; names are without the folder. With the lock held. */
int disk_live(const struct disk *d, const char *name); /* its file, or -1 */
int disk_make(struct disk *d, const char *name);       /* a new file under this name */
void disk_did_write(struct disk *d, int file, const void *p, size_t n, int64_t at);
void disk_did_truncate(struct disk *d, int file, int64_t size);
void disk_did_remove(struct disk *d, const char *name);
void disk_did_link(struct disk *d, const char *from, const char *to);
void disk_did_rename(struct disk *d, const char *from, const char *to);
void disk_did_sync(struct disk *d, int file);
void disk_failed_sync(struct disk *d, int file);
void disk_did_sync_folder(struct disk *d);

/* The name of a path in the disk's folder, or NULL: not of this disk. */
const char *disk_name_of(const struct disk *d, const char *path);
extern struct disk *disk_mine; /* the one that was installed; NULL: none */

/* Putting things together; used by disk.c and disk_reboot.c. */
uint8_t *disk_bytes(const struct disk *d, int file);
void disk_apply(struct disk *d, const struct disk_op *op, uint32_t from, uint32_t to);
void disk_apply_name(struct disk_name *names, const struct disk_op *op);
void disk_compact(struct disk *d);

#endif
