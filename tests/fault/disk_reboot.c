#include "disk_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How this cut treats what was not certain. */
enum manner {
	ALL_GONE,
	ALL_THERE,
	UP_TO_A_POINT, /* in order, the last one torn */
	EACH_WRITE,    /* by dice, in any order */
	EACH_SECTOR,
	MANNERS
};

struct reboot {
	struct disk *d;
	uint64_t dice;
	enum manner manner;
	uint32_t point;   /* UP_TO_A_POINT: this one is torn, those behind it are gone */
	unsigned percent; /* of what is kept */
	uint32_t tear;    /* bytes: what is written at once */
};

static bool heads(struct reboot *r)
{
	return dice_below(&r->dice, 100) < r->percent;
}

static bool keeps(struct reboot *r, uint32_t i)
{
	switch (r->manner) {
	case ALL_GONE:
		return false;
	case ALL_THERE:
		return true;
	case UP_TO_A_POINT:
		return i <= r->point;
	default:
		return heads(r);
	}
}

/* Borders are those of the file, not of the write. */
static void keep_torn(struct reboot *r, const struct disk_op *op, bool sectors)
{
	uint32_t stop = sectors ? op->len : (uint32_t)dice_below(&r->dice, op->len + 1u);
	bool some = false, all = true;

	for (uint32_t from = 0; from < op->len;) {
		uint32_t to = from + r->tear - (uint32_t)((uint64_t)(op->at + from) % r->tear);
		if (to > op->len)
			to = op->len;
		bool keep = sectors ? heads(r) : to <= stop;
		if (keep)
			disk_apply(r->d, op, from, to);
		some = some || keep;
		all = all && keep;
		from = to;
	}
	if (all)
		r->d->toll.kept++;
	else if (some)
		r->d->toll.torn++;
	else
		r->d->toll.dropped++;
}

static void settle_bytes(struct reboot *r, uint32_t i)
{
	const struct disk_op *op = &r->d->ops[i];

	if (op->kind == OP_WRITE && r->manner == EACH_SECTOR) {
		keep_torn(r, op, true);
	} else if (!keeps(r, i)) {
		r->d->toll.dropped++;
	} else if (op->kind == OP_WRITE && r->manner == UP_TO_A_POINT && i == r->point) {
		keep_torn(r, op, false);
	} else {
		disk_apply(r->d, op, 0, op->len);
		r->d->toll.kept++;
	}
}

static void settle(struct reboot *r)
{
	struct disk *d = r->d;

	for (uint32_t i = 0; i < d->op_count; i++) {
		struct disk_op *op = &d->ops[i];
		if (op->kind == OP_WRITE || op->kind == OP_TRUNCATE)
			settle_bytes(r, i);
		else if (op->kind != OP_NONE && keeps(r, i))
			disk_apply_name(d->certain, op);
	}
	d->op_count = 0;
	d->log_used = 0;
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "disk: %s %s: ", what, name);
	perror(NULL);
	abort();
}

static void empty_folder(const struct disk *d)
{
	char path[512];
	struct dirent *e;
	DIR *dir = opendir(d->dir);

	if (!dir)
		die("cannot open", d->dir);
	while ((e = readdir(dir))) {
		snprintf(path, sizeof path, "%s/%s", d->dir, e->d_name);
		/* A folder in it was made and nothing was put there: it is made again. */
		if (e->d_name[0] != '.' && unlink(path) != 0 && rmdir(path) != 0)
			die("cannot remove", path);
	}
	closedir(dir);
}

static void write_file(const struct disk *d, const struct disk_name *n)
{
	char path[512];
	int fd;
	const struct disk_file *f = &d->files[n->file];

	snprintf(path, sizeof path, "%s/%s", d->dir, n->name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, disk_bytes(d, n->file), (size_t)f->filled) != f->filled ||
	    ftruncate(fd, f->size) != 0)
		die("cannot write", path);
	close(fd);
}

static void fill_folder(struct disk *d)
{
	empty_folder(d);
	for (int i = 0; i < DISK_FILES_MAX; i++) {
		d->live[i] = d->certain[i];
		if (d->certain[i].file >= 0)
			write_file(d, &d->certain[i]);
	}
}

void disk_reboot(struct disk *d, uint64_t seed)
{
	static const unsigned percents[] = {10, 50, 90};
	struct reboot r = {.d = d, .dice = seed};

	r.manner = (enum manner)dice_below(&r.dice, MANNERS);
	r.percent = percents[dice_below(&r.dice, 3)];
	r.tear = dice_below(&r.dice, 4) ? DISK_SECTOR : 8 * DISK_SECTOR;
	r.point = (uint32_t)dice_below(&r.dice, d->op_count + 1u);
	settle(&r);
	fill_folder(d);
}

void disk_put(struct disk *d, const char *name, const void *data, size_t len)
{
	disk_lock();
	disk_did_write(d, disk_make(d, name), data, len, 0);
	disk_did_sync(d, disk_live(d, name));
	disk_did_sync_folder(d);
	disk_unlock();
	fill_folder(d);
}

bool disk_spoil(struct disk *d, const char *name, int64_t at, const void *data, size_t len)
{
	int file = disk_live(d, name);

	if (file < 0)
		return false;
	disk_lock();
	disk_did_write(d, file, data, len, at);
	disk_did_sync(d, file);
	disk_unlock();
	fill_folder(d);
	return true;
}

void disk_save(const struct disk *d, struct disk *copy)
{
	disk_wipe(copy);
	for (int i = 0; i < DISK_FILES_MAX; i++) {
		const struct disk_name *n = &d->certain[i];
		if (n->file < 0)
			continue;
		copy->certain[i] = *n;
		copy->files[n->file] = d->files[n->file];
		memcpy(disk_bytes(copy, n->file), disk_bytes(d, n->file),
		       (size_t)d->files[n->file].filled);
	}
	fill_folder(copy);
}
