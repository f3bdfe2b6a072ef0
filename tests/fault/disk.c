#include "disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk *disk_mine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void disk_lock(void)
{
	pthread_mutex_lock(&lock);
}

void disk_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

uint64_t dice(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t dice_below(uint64_t *state, uint64_t n)
{
	return n ? dice(state) % n : 0;
}

const char *disk_phase_name(enum disk_phase phase)
{
	static const char *const names[DISK_PHASES] = {
	    [DISK_OPEN] = "start-up",
	    [DISK_COMMIT] = "commit, before its first write",
	    [DISK_WRITTEN] = "commit, between first write and sync",
	    [DISK_SYNCED] = "commit, after its sync",
	    [DISK_CHECKPOINT] = "checkpoint",
	    [DISK_RETENTION] = "retention",
	    [DISK_SALVAGE] = "salvage",
	    [DISK_CHECK] = "check in the background",
	    [DISK_FOLD] = "HQ's fold",
	    [DISK_CLOSE] = "orderly stop",
	};
	return names[phase];
}

/* ---- making ---- */

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
	               -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

struct disk *disk_new(const char *dir)
{
	struct disk *d = map(sizeof *d);

	if (!d)
		return NULL;
	d->data = map((size_t)DISK_FILES_MAX * DISK_FILE_BYTES);
	d->log = map(DISK_LOG_BYTES);
	snprintf(d->dir, sizeof d->dir, "%s", dir);
	mkdir(dir, 0700);
	if (!d->data || !d->log)
		return NULL;
	disk_wipe(d);
	return d;
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	disk_wipe(d);
	rmdir(d->dir);
	munmap(d->data, (size_t)DISK_FILES_MAX * DISK_FILE_BYTES);
	munmap(d->log, DISK_LOG_BYTES);
	munmap(d, sizeof *d);
}

void disk_wipe(struct disk *d)
{
	memset(d->files, 0, sizeof d->files);
	for (int i = 0; i < DISK_FILES_MAX; i++) {
		d->live[i] = d->certain[i] = (struct disk_name){.file = -1};
	}
	d->op_count = 0;
	d->log_used = 0;
	d->calls = d->at = 0;
	disk_reboot(d, 0);
}

uint8_t *disk_bytes(const struct disk *d, int file)
{
	return d->data + (size_t)file * DISK_FILE_BYTES;
}

/* ---- names ---- */

const char *disk_name_of(const struct disk *d, const char *path)
{
	size_t n = strlen(d->dir);
	return d && path && strncmp(path, d->dir, n) == 0 && path[n] == '/' &&
	               !strchr(path + n + 1, '/')
	           ? path + n + 1
	           : NULL;
}

static struct disk_name *find(struct disk_name *names, const char *name)
{
	for (int i = 0; i < DISK_FILES_MAX; i++) {
		if (names[i].file >= 0 && strcmp(names[i].name, name) == 0)
			return &names[i];
	}
	return NULL;
}

int disk_live(const struct disk *d, const char *name)
{
	const struct disk_name *n = find((struct disk_name *)d->live, name);
	return n ? n->file : -1;
}

void disk_apply_name(struct disk_name *names, const struct disk_op *op)
{
	struct disk_name *n = find(names, op->kind == OP_RENAME ? op->to : op->name);
	struct disk_name *from = op->kind == OP_RENAME ? find(names, op->name) : NULL;
	int file = op->kind == OP_NAME ? op->file : from ? from->file : -1;

	if (op->kind == OP_RENAME && !from)
		return; /* what was to be renamed never came to be */
	if (from)
		from->file = -1;
	for (int i = 0; !n && i < DISK_FILES_MAX; i++) {
		if (names[i].file < 0)
			n = &names[i];
	}
	if (!n)
		abort();
	snprintf(n->name, sizeof n->name, "%s", op->kind == OP_RENAME ? op->to : op->name);
	n->file = op->kind == OP_UNNAME ? -1 : file;
}

static struct disk_op *add(struct disk *d, enum disk_kind kind)
{
	if (d->op_count == DISK_OPS_MAX)
		disk_compact(d);
	if (d->op_count == DISK_OPS_MAX) {
		fprintf(stderr, "disk: too many calls without a sync\n");
		abort();
	}
	struct disk_op *op = &d->ops[d->op_count++];
	memset(op, 0, sizeof *op);
	op->kind = kind;
	return op;
}

/* Files that no name, certain or possible, leads to any more. */
static bool in_use(const struct disk *d, int file)
{
	for (int i = 0; i < DISK_FILES_MAX; i++) {
		if (d->live[i].file == file || d->certain[i].file == file)
			return true;
	}
	for (uint32_t i = 0; i < d->op_count; i++) {
		if (d->ops[i].kind == OP_NAME && d->ops[i].file == file)
			return true;
	}
	return false;
}

int disk_make(struct disk *d, const char *name)
{
	int file = -1;

	for (int i = 0; i < DISK_FILES_MAX && file < 0; i++) {
		if (!d->files[i].used || !in_use(d, i))
			file = i;
	}
	if (file < 0)
		abort();
	for (uint32_t i = 0; i < d->op_count; i++) {
		if (d->ops[i].file == file && d->ops[i].kind <= OP_TRUNCATE)
			d->ops[i].kind = OP_NONE;
	}
	d->files[file] = (struct disk_file){.used = true};
	struct disk_op *op = add(d, OP_NAME);
	op->file = file;
	snprintf(op->name, sizeof op->name, "%s", name);
	disk_apply_name(d->live, op);
	return file;
}

void disk_did_link(struct disk *d, const char *from, const char *to)
{
	struct disk_op *op = add(d, OP_NAME);
	op->file = disk_live(d, from);
	snprintf(op->name, sizeof op->name, "%s", to);
	disk_apply_name(d->live, op);
}

void disk_did_remove(struct disk *d, const char *name)
{
	if (disk_live(d, name) < 0)
		return;
	struct disk_op *op = add(d, OP_UNNAME);
	snprintf(op->name, sizeof op->name, "%s", name);
	disk_apply_name(d->live, op);
}

void disk_did_rename(struct disk *d, const char *from, const char *to)
{
	if (disk_live(d, from) < 0)
		return;
	struct disk_op *op = add(d, OP_RENAME);
	snprintf(op->name, sizeof op->name, "%s", from);
	snprintf(op->to, sizeof op->to, "%s", to);
	disk_apply_name(d->live, op);
}

/* ---- bytes ---- */

void disk_did_write(struct disk *d, int file, const void *p, size_t n, int64_t at)
{
	if (d->log_used + n > DISK_LOG_BYTES)
		disk_compact(d);
	if (d->log_used + n > DISK_LOG_BYTES || (uint64_t)at + n > DISK_FILE_BYTES) {
		fprintf(stderr, "disk: more bytes than this disk was made for\n");
		abort();
	}
	struct disk_op *op = add(d, OP_WRITE);
	op->file = file;
	op->at = at;
	op->len = (uint32_t)n;
	op->data = d->log_used;
	memcpy(d->log + d->log_used, p, n);
	d->log_used += n;
}

void disk_did_truncate(struct disk *d, int file, int64_t size)
{
	struct disk_op *op = add(d, OP_TRUNCATE);
	op->file = file;
	op->at = size;
}

static void resize(struct disk *d, int file, int64_t size)
{
	struct disk_file *f = &d->files[file];
	f->size = size;
	if (f->filled > size)
		f->filled = size;
}

/* Bytes from..to of a write, or a whole truncation. */
void disk_apply(struct disk *d, const struct disk_op *op, uint32_t from, uint32_t to)
{
	struct disk_file *f = &d->files[op->file];
	int64_t first = op->at + from, end = op->at + to;
	uint8_t *bytes = disk_bytes(d, op->file);

	if (op->kind == OP_TRUNCATE) {
		resize(d, op->file, op->at);
		return;
	}
	if (first > f->filled)
		memset(bytes + f->filled, 0, (size_t)(first - f->filled));
	memcpy(bytes + first, d->log + op->data + from, to - from);
	if (end > f->filled)
		f->filled = end;
	if (end > f->size)
		f->size = end;
}

/* What is written over is not coming back. */
static void bury(struct disk *d, const struct disk_op *by)
{
	for (struct disk_op *op = d->ops; op < by; op++) {
		if (op->lost && op->file == by->file && op->kind == OP_WRITE &&
		    op->at < by->at + by->len && by->at < op->at + op->len)
			op->kind = OP_NONE;
	}
}

static bool is_of(const struct disk_op *op, int file)
{
	return (op->kind == OP_WRITE || op->kind == OP_TRUNCATE) && op->file == file;
}

void disk_did_sync(struct disk *d, int file)
{
	for (uint32_t i = 0; i < d->op_count; i++) {
		struct disk_op *op = &d->ops[i];
		if (!is_of(op, file) || op->lost)
			continue;
		disk_apply(d, op, 0, op->len);
		if (op->kind == OP_WRITE)
			bury(d, op);
		op->kind = OP_NONE;
	}
	disk_compact(d);
}

/* Its size is not data: it is certain with the next sync that does not fail. */
void disk_failed_sync(struct disk *d, int file)
{
	for (uint32_t i = 0; i < d->op_count; i++) {
		if (is_of(&d->ops[i], file) && d->ops[i].kind == OP_WRITE)
			d->ops[i].lost = true;
	}
}

void disk_did_sync_folder(struct disk *d)
{
	for (uint32_t i = 0; i < d->op_count; i++) {
		if (d->ops[i].kind < OP_NAME)
			continue;
		disk_apply_name(d->certain, &d->ops[i]);
		d->ops[i].kind = OP_NONE;
	}
	disk_compact(d);
}

void disk_compact(struct disk *d)
{
	uint32_t n = 0;
	uint64_t used = 0;

	for (uint32_t i = 0; i < d->op_count; i++) {
		struct disk_op op = d->ops[i];
		if (op.kind == OP_NONE)
			continue;
		if (op.kind == OP_WRITE) {
			memmove(d->log + used, d->log + op.data, op.len);
			op.data = used;
			used += op.len;
		}
		d->ops[n++] = op;
	}
	d->op_count = n;
	d->log_used = used;
}

/* ---- the plan ---- */

void disk_install(struct disk *d)
{
	disk_mine = d;
}

void disk_plan(struct disk *d, enum disk_fault fault, uint32_t at, uint32_t times, uint64_t seed)
{
	d->fault = fault;
	d->at = at;
	d->times = times;
	d->calls = 0;
	d->dice = seed;
	d->strikes = 0;
	d->phase = DISK_OPEN;
	d->written = false;
}

/* A commit's own steps are found here; for the other phases somebody has to say when they are. */
static enum disk_phase phase_now(const struct disk *d, enum disk_call call)
{
	if (call & CALL_ON_MAIN)
		return DISK_CHECKPOINT; /* with a log, only checkpoints touch the file itself */
	return d->phase == DISK_COMMIT && d->written ? DISK_WRITTEN : d->phase;
}

void disk_set_phase(struct disk *d, enum disk_phase phase)
{
	d->phase = phase;
	d->written = false;
}

enum disk_phase disk_phase(const struct disk *d)
{
	return d->phase;
}

_Noreturn void disk_cut(struct disk *d)
{
	(void)d;
	_exit(DISK_EXIT_CUT);
}

static bool strikes(const struct disk *d, enum disk_call call)
{
	if (d->fault == DISK_NONE || d->calls < d->at || d->strikes == d->times)
		return false;
	return d->fault != DISK_ENOSPC || call == CALL_WRITE;
}

enum disk_verdict disk_ask(struct disk *d, enum disk_call call)
{
	const enum disk_call what = call & (CALL_ON_MAIN - 1);
	bool strike;

	d->calls++;
	strike = strikes(d, what);
	if (strike) {
		d->cut_phase = phase_now(d, call);
		d->strikes++;
	}
	if (what == CALL_WRITE)
		d->written = true;
	if (strike && (d->fault == DISK_EIO || d->fault == DISK_ENOSPC))
		return d->fault == DISK_EIO ? FAIL_IO : FAIL_FULL;
	if (!strike) {
		if (what == CALL_SYNC)
			d->written = false;
		return GO;
	}
	/* In the middle of a write is not before it; just after a sync is not in front of it. */
	if (dice_below(&d->dice, 2) == 0)
		disk_cut(d);
	if (what == CALL_WRITE)
		d->cut_phase = phase_now(d, call);
	if (what == CALL_SYNC && d->cut_phase == DISK_WRITTEN)
		d->cut_phase = DISK_SYNCED;
	return GO_THEN_CUT;
}

uint32_t disk_calls(const struct disk *d)
{
	return d->calls;
}

bool disk_struck(const struct disk *d)
{
	return d->strikes > 0;
}

enum disk_phase disk_cut_phase(const struct disk *d)
{
	return d->cut_phase;
}

struct disk_toll disk_toll(const struct disk *d)
{
	return d->toll;
}
