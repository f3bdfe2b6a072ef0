/* The default SQLite file layer with faults at will: the disk as it is when it fails. */
#ifndef LANEWAY_TESTS_FAULT_VFS_H
#define LANEWAY_TESTS_FAULT_VFS_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Set by the test, read by whichever thread writes. */
struct fault {
	atomic_bool log_sync_fails, file_sync_fails; /* SQLITE_IOERR_FSYNC */
	atomic_bool log_write_full;                  /* SQLITE_FULL, as ENOSPC gives */
	atomic_bool log_write_fails;                 /* SQLITE_IOERR_WRITE */
	atomic_bool log_room_fails; /* SQLITE_IOERR_WRITE when zeros are written to its end */
	atomic_bool log_open_fails; /* SQLITE_CANTOPEN */
	atomic_int log_syncs;
	atomic_int file_writes_left; /* of the file itself, until on_file_write is called once */
	void (*on_file_write)(void);
	void (*on_log_sync)(void);
	void (*on_log_write)(void); /* before each */
};
static struct fault fault;

struct fault_file {
	sqlite3_file base;
	bool is_log;
	sqlite3_file *real; /* behind this struct */
};
static sqlite3_vfs fault_vfs;
static sqlite3_vfs *fault_below;

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct fault_file *)f)->real;
}

static bool is_log(sqlite3_file *f)
{
	return ((struct fault_file *)f)->is_log;
}

static bool all_zero(const void *p, int n)
{
	const char *bytes = p;
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)n - 1) == 0;
}

static int fault_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (is_log(f) && fault.on_log_write)
		fault.on_log_write();
	if (is_log(f) && atomic_load(&fault.log_write_full))
		return SQLITE_FULL;
	if (is_log(f) && (atomic_load(&fault.log_write_fails) ||
	                  (atomic_load(&fault.log_room_fails) && all_zero(p, n))))
		return SQLITE_IOERR_WRITE;
	if (!is_log(f) && fault.on_file_write && atomic_fetch_sub(&fault.file_writes_left, 1) == 1)
		fault.on_file_write();
	return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int fault_sync(sqlite3_file *f, int flags)
{
	if (is_log(f))
		atomic_fetch_add(&fault.log_syncs, 1);
	if (is_log(f) && fault.on_log_sync)
		fault.on_log_sync();
	if (atomic_load(is_log(f) ? &fault.log_sync_fails : &fault.file_sync_fails))
		return SQLITE_IOERR_FSYNC;
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

#define PASS(name, params, args)                                                                   \
	static int fault_##name params                                                             \
	{                                                                                          \
		return real_of(f)->pMethods->name args;                                            \
	}
PASS(xClose, (sqlite3_file * f), (real_of(f)))
PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at))
PASS(xTruncate, (sqlite3_file * f, sqlite3_int64 n), (real_of(f), n))
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *n), (real_of(f), n))
PASS(xLock, (sqlite3_file * f, int l), (real_of(f), l))
PASS(xUnlock, (sqlite3_file * f, int l), (real_of(f), l))
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), (real_of(f), out))
PASS(xFileControl, (sqlite3_file * f, int op, void *arg), (real_of(f), op, arg))
PASS(xSectorSize, (sqlite3_file * f), (real_of(f)))
PASS(xDeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS(xShmMap, (sqlite3_file * f, int i, int n, int e, void volatile **pp),
     (real_of(f), i, n, e, pp))
PASS(xShmLock, (sqlite3_file * f, int at, int n, int flags), (real_of(f), at, n, flags))
PASS(xShmUnmap, (sqlite3_file * f, int del), (real_of(f), del))
PASS(xFetch, (sqlite3_file * f, sqlite3_int64 at, int n, void **pp), (real_of(f), at, n, pp))
PASS(xUnfetch, (sqlite3_file * f, sqlite3_int64 at, void *p), (real_of(f), at, p))
#undef PASS

static void fault_xShmBarrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static const sqlite3_io_methods fault_methods = {3,
                                                 fault_xClose,
                                                 fault_xRead,
                                                 fault_write,
                                                 fault_xTruncate,
                                                 fault_sync,
                                                 fault_xFileSize,
                                                 fault_xLock,
                                                 fault_xUnlock,
                                                 fault_xCheckReservedLock,
                                                 fault_xFileControl,
                                                 fault_xSectorSize,
                                                 fault_xDeviceCharacteristics,
                                                 fault_xShmMap,
                                                 fault_xShmLock,
                                                 fault_xShmBarrier,
                                                 fault_xShmUnmap,
                                                 fault_xFetch,
                                                 fault_xUnfetch};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct fault_file *ff = (struct fault_file *)f;
	(void)vfs;
	memset(ff, 0, sizeof(*ff));
	ff->real = (sqlite3_file *)(ff + 1);
	ff->is_log = (flags & SQLITE_OPEN_WAL) != 0;
	if (ff->is_log && atomic_load(&fault.log_open_fails))
		return SQLITE_CANTOPEN;
	int rc = fault_below->xOpen(fault_below, name, ff->real, flags, out);
	if (ff->real->pMethods)
		ff->base.pMethods = &fault_methods;
	return rc;
}

static void fault_install(void)
{
	fault_below = sqlite3_vfs_find(NULL);
	fault_vfs = *fault_below;
	fault_vfs.zName = "fault";
	fault_vfs.pNext = NULL;
	fault_vfs.szOsFile = (int)sizeof(struct fault_file) + fault_below->szOsFile;
	fault_vfs.xOpen = fault_open;
	sqlite3_vfs_register(&fault_vfs, 1);
}

#endif
