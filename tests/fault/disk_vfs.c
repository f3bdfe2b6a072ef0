/* SQLite's way to the disk: its own file layer does the work, the disk is asked and told. */
#include <sqlite3.h>
#include <string.h>

#include "base.h"
#include "disk_internal.h"
#include "disk_vfs.h"

struct vfs_file {
	sqlite3_file base;
	int file;     /* -1: not of the disk (SQLite's temporary files) */
	bool is_main; /* a database's main file, not its log */
	bool
	    sync_folder; /* the next sync also makes the name certain, as SQLite's own layer does */
	sqlite3_file *below; /* behind this struct */
};
static sqlite3_vfs disk_vfs;
static sqlite3_vfs *below_vfs;

static sqlite3_file *below(sqlite3_file *f)
{
	return ((struct vfs_file *)f)->below;
}

/* SQLITE_OK: the call is to go on; *after: the power goes behind it. */
static int ask(const struct vfs_file *v, enum disk_call call, bool *after)
{
	*after = false;
	if (!disk_mine || v->file < 0)
		return SQLITE_OK;
	switch (disk_ask(disk_mine, v->is_main ? call | CALL_ON_MAIN : call)) {
	case GO:
		return SQLITE_OK;
	case GO_THEN_CUT:
		*after = true;
		return SQLITE_OK;
	case FAIL_FULL:
		return SQLITE_FULL;
	case FAIL_IO:
		break;
	}
	return call == CALL_SYNC    ? SQLITE_IOERR_FSYNC
	       : call == CALL_WRITE ? SQLITE_IOERR_WRITE
	       : call == CALL_NAMES ? SQLITE_IOERR_DELETE
	                            : SQLITE_IOERR_TRUNCATE;
}

static void end(bool after)
{
	if (after)
		disk_cut(disk_mine);
	disk_unlock();
}

static int vfs_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int file = ((struct vfs_file *)f)->file;
	bool after;

	disk_lock();
	int rc = ask((struct vfs_file *)f, CALL_WRITE, &after);
	if (rc == SQLITE_OK)
		rc = below(f)->pMethods->xWrite(below(f), p, n, at);
	if (rc == SQLITE_OK && file >= 0)
		disk_did_write(disk_mine, file, p, (size_t)n, at);
	end(after);
	return rc;
}

static int vfs_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int file = ((struct vfs_file *)f)->file;
	bool after;

	disk_lock();
	int rc = ask((struct vfs_file *)f, CALL_TRUNCATE, &after);
	if (rc == SQLITE_OK)
		rc = below(f)->pMethods->xTruncate(below(f), size);
	if (rc == SQLITE_OK && file >= 0)
		disk_did_truncate(disk_mine, file, size);
	end(after);
	return rc;
}

static int sync_folder(struct vfs_file *v)
{
	bool after;
	int rc = v->sync_folder ? ask(v, CALL_NAMES, &after) : SQLITE_OK;

	if (!v->sync_folder || rc != SQLITE_OK)
		return rc == SQLITE_OK ? rc : SQLITE_IOERR_DIR_FSYNC;
	disk_did_sync_folder(disk_mine);
	v->sync_folder = false;
	if (after)
		disk_cut(disk_mine);
	return SQLITE_OK;
}

static int vfs_sync(sqlite3_file *f, int flags)
{
	struct vfs_file *v = (struct vfs_file *)f;
	bool after;

	(void)flags; /* the folder is in memory: nothing to wait for */
	disk_lock();
	int rc = ask(v, CALL_SYNC, &after);
	if (v->file >= 0 && rc == SQLITE_OK)
		disk_did_sync(disk_mine, v->file);
	else if (v->file >= 0)
		disk_failed_sync(disk_mine, v->file);
	if (after)
		disk_cut(disk_mine);
	if (v->file >= 0 && rc == SQLITE_OK)
		rc = sync_folder(v);
	disk_unlock();
	return rc;
}

#define PASS(name, params, args)                                                                   \
	static int vfs_##name params                                                               \
	{                                                                                          \
		return below(f)->pMethods->name args;                                              \
	}
PASS(xClose, (sqlite3_file * f), (below(f)))
PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (below(f), p, n, at))
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *n), (below(f), n))
PASS(xLock, (sqlite3_file * f, int l), (below(f), l))
PASS(xUnlock, (sqlite3_file * f, int l), (below(f), l))
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), (below(f), out))
PASS(xFileControl, (sqlite3_file * f, int op, void *arg), (below(f), op, arg))
PASS(xSectorSize, (sqlite3_file * f), (below(f)))
PASS(xDeviceCharacteristics, (sqlite3_file * f), (below(f)))
PASS(xShmMap, (sqlite3_file * f, int i, int n, int e, void volatile **pp), (below(f), i, n, e, pp))
PASS(xShmLock, (sqlite3_file * f, int at, int n, int flags), (below(f), at, n, flags))
PASS(xShmUnmap, (sqlite3_file * f, int del), (below(f), del))
PASS(xFetch, (sqlite3_file * f, sqlite3_int64 at, int n, void **pp), (below(f), at, n, pp))
PASS(xUnfetch, (sqlite3_file * f, sqlite3_int64 at, void *p), (below(f), at, p))
#undef PASS

static void vfs_xShmBarrier(sqlite3_file *f)
{
	below(f)->pMethods->xShmBarrier(below(f));
}

static const sqlite3_io_methods vfs_methods = {3,
                                               vfs_xClose,
                                               vfs_xRead,
                                               vfs_write,
                                               vfs_truncate,
                                               vfs_sync,
                                               vfs_xFileSize,
                                               vfs_xLock,
                                               vfs_xUnlock,
                                               vfs_xCheckReservedLock,
                                               vfs_xFileControl,
                                               vfs_xSectorSize,
                                               vfs_xDeviceCharacteristics,
                                               vfs_xShmMap,
                                               vfs_xShmLock,
                                               vfs_xShmBarrier,
                                               vfs_xShmUnmap,
                                               vfs_xFetch,
                                               vfs_xUnfetch};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct vfs_file *v = (struct vfs_file *)f;
	const char *name = disk_mine && path ? disk_name_of(disk_mine, path) : NULL;
	const int logs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;

	(void)vfs;
	memset(v, 0, sizeof *v);
	v->below = (sqlite3_file *)(v + 1);
	v->file = -1;
	disk_lock();
	int rc = below_vfs->xOpen(below_vfs, path, v->below, flags, out);
	if (rc == SQLITE_OK && name) {
		v->file = disk_live(disk_mine, name);
		if (v->file < 0)
			v->file = disk_make(disk_mine, name);
		v->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
		v->sync_folder = (flags & logs) != 0 && (flags & SQLITE_OPEN_CREATE) != 0;
	}
	disk_unlock();
	if (v->below->pMethods)
		v->base.pMethods = &vfs_methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	const char *name = disk_mine ? disk_name_of(disk_mine, path) : NULL;
	bool after;

	(void)vfs;
	disk_lock();
	int rc = ask(&(struct vfs_file){.file = name ? 0 : -1}, CALL_NAMES, &after);
	if (rc == SQLITE_OK)
		rc = below_vfs->xDelete(below_vfs, path, 0);
	if (rc == SQLITE_OK && name)
		disk_did_remove(disk_mine, name);
	if (rc == SQLITE_OK && name && sync && !after)
		disk_did_sync_folder(disk_mine);
	end(after);
	return rc;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	base_random(out, (size_t)n);
	return n;
}

void disk_vfs_register(void)
{
	below_vfs = sqlite3_vfs_find(NULL);
	disk_vfs = *below_vfs;
	disk_vfs.zName = "disk";
	disk_vfs.pNext = NULL;
	disk_vfs.szOsFile = (int)sizeof(struct vfs_file) + below_vfs->szOsFile;
	disk_vfs.xOpen = vfs_open;
	disk_vfs.xDelete = vfs_delete;
	disk_vfs.xRandomness = vfs_random;
	sqlite3_vfs_register(&disk_vfs, 1);
}
