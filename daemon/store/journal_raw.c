/* Pages: those of the file, and in front of them those of the log that were committed. */
#include "store/journal_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal_raw_internal.h"

#define LOG_HEAD_BYTES 32
#define FRAME_HEAD_BYTES 24
#define FRAME_BYTES (FRAME_HEAD_BYTES + RAW_PAGE_BYTES)
#define MAGIC_LITTLE 0x377f0682u /* the words of its check sums are little-endian; plus 1: big */
#define FRAMES_MAX (1u << 20)    /* 4 GiB of log: more was never written */
#define PATH_SIZE 1100

/* ---- bytes ---- */

/* As many as are there; never more than n. */
static size_t read_some(const struct raw_source *s, void *out, size_t n, uint64_t at, bool *failed)
{
	size_t got = 0;
	if (s->memory) {
		if (at >= s->len)
			return 0;
		got = s->len - at < n ? (size_t)(s->len - at) : n;
		memcpy(out, s->memory + at, got);
		return got;
	}
	while (got < n) {
		ssize_t k = pread(s->fd, (uint8_t *)out + got, n - got, (off_t)(at + got));
		if (k < 0 && errno == EINTR)
			continue;
		*failed = *failed || k < 0;
		if (k <= 0)
			break;
		got += (size_t)k;
	}
	return got;
}

/* ---- the log ---- */

static uint32_t word(const uint8_t *p, bool big)
{
	return big ? buf_get32(p)
	           : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	                 (uint32_t)p[3] << 24;
}

struct check {
	uint32_t a, b;
};

static struct check check_add(struct check c, const uint8_t *p, size_t n, bool big)
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		c.a += word(p + i, big) + c.b;
		c.b += word(p + i + 4, big) + c.a;
	}
	return c;
}

static struct check check_get(const uint8_t *p)
{
	return (struct check){buf_get32(p), buf_get32(p + 4)};
}

static bool same(struct check a, struct check b)
{
	return a.a == b.a && a.b == b.b;
}

struct log_walk {
	bool big, started;
	uint8_t salts[8];
	struct check before; /* the sum that stands in the frame in front */
	size_t committed;    /* entries of the list that a finished transaction covers */
};

static void take_head(struct log_walk *w, const uint8_t head[LOG_HEAD_BYTES])
{
	uint32_t magic = buf_get32(head);
	w->big = magic == MAGIC_LITTLE + 1;
	w->before = check_get(head + 24);
	if ((magic & ~1u) != MAGIC_LITTLE)
		return;
	if (!same(check_add((struct check){0}, head, 24, w->big), w->before))
		return;
	memcpy(w->salts, head + 16, sizeof(w->salts));
	w->started = true;
}

/* A frame is good if its sum follows from the one that stands in the frame in front of it: so one
 * that is damaged costs itself, and the next if the sum was hit too. */
static void take_frame(struct journal_raw *r, struct log_walk *w, const uint8_t *frame,
                       uint32_t index)
{
	struct raw_frame entry = {.page = buf_get32(frame), .index = index};
	struct check sum = check_get(frame + 16);
	/* Without the log's head its first frame says which salts are those of today. */
	if (!w->started) {
		memcpy(w->salts, frame + 8, sizeof(w->salts));
		w->started = true;
	}
	struct check want = check_add(check_add(w->before, frame, 8, w->big),
	                              frame + FRAME_HEAD_BYTES, RAW_PAGE_BYTES, w->big);
	bool good = entry.page != 0 && memcmp(w->salts, frame + 8, sizeof(w->salts)) == 0 &&
	            same(sum, want);
	w->before = sum;
	if (!good) {
		r->count.bad_frames++;
		return;
	}
	buf_add(&r->frames, &entry, sizeof(entry));
	if (buf_get32(frame + 4) != 0) /* the last of its transaction */
		w->committed = r->frames.len;
}

static int by_page(const void *a, const void *b)
{
	const struct raw_frame *x = a, *y = b;
	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void keep_newest(struct journal_raw *r)
{
	struct raw_frame *f = (struct raw_frame *)(void *)r->frames.data;
	size_t n = r->frames.len / sizeof(*f), kept = 0;
	if (n == 0)
		return;
	qsort(f, n, sizeof(*f), by_page);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && f[i + 1].page == f[i].page)
			continue;
		f[kept++] = f[i];
	}
	r->frames.len = kept * sizeof(*f);
	r->count.frames = kept;
}

static void read_log(struct journal_raw *r)
{
	uint8_t head[LOG_HEAD_BYTES], frame[FRAME_BYTES];
	struct log_walk w = {0};
	bool failed = false;

	if (read_some(&r->log, head, sizeof(head), 0, &failed) == sizeof(head))
		take_head(&w, head);
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		uint64_t at = LOG_HEAD_BYTES + (uint64_t)i * FRAME_BYTES;
		failed = false;
		size_t n = read_some(&r->log, frame, sizeof(frame), at, &failed);
		if (n == sizeof(frame))
			take_frame(r, &w, frame, i);
		else if (!failed || at >= r->log.len)
			break;
	}
	r->count.bad_frames += (r->frames.len - w.committed) / sizeof(struct raw_frame);
	r->frames.len = w.committed;
	keep_newest(r);
}

static const struct raw_frame *frame_of(const struct journal_raw *r, uint32_t page)
{
	const struct raw_frame *f = (const struct raw_frame *)(const void *)r->frames.data;
	size_t lo = 0, hi = r->frames.len / sizeof(*f);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (f[mid].page < page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->frames.len / sizeof(*f) && f[lo].page == page ? &f[lo] : NULL;
}

int journal_raw_page(struct journal_raw *r, uint32_t page, uint8_t out[RAW_PAGE_BYTES])
{
	const struct raw_frame *f = frame_of(r, page);
	bool failed = false;
	size_t n = 0;
	if (page == 0 || page > r->count.pages)
		return -1;
	if (f)
		n = read_some(&r->log, out, RAW_PAGE_BYTES,
		              LOG_HEAD_BYTES + (uint64_t)f->index * FRAME_BYTES + FRAME_HEAD_BYTES,
		              &failed);
	if (n != RAW_PAGE_BYTES)
		n = read_some(&r->file, out, RAW_PAGE_BYTES, (uint64_t)(page - 1) * RAW_PAGE_BYTES,
		              &failed);
	return n == RAW_PAGE_BYTES ? 0 : -1;
}

/* ---- opening ---- */

static int open_source(struct raw_source *s, const char *path)
{
	struct stat st;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return -1;
	s->len = (uint64_t)st.st_size;
	return 0;
}

static struct journal_raw *make(void)
{
	struct journal_raw *r = calloc(1, sizeof(*r));
	if (r)
		r->file.fd = r->log.fd = -1;
	return r;
}

static void begin(struct journal_raw *r)
{
	read_log(r);
	uint64_t pages = r->file.len / RAW_PAGE_BYTES;
	size_t n = r->frames.len / sizeof(struct raw_frame);
	const struct raw_frame *frames = (const struct raw_frame *)(const void *)r->frames.data;
	if (n && frames[n - 1].page > pages)
		pages = frames[n - 1].page;
	r->count.pages = pages < UINT32_MAX ? pages : UINT32_MAX - 1;
}

int journal_raw_open(struct journal_raw **out, const char *path, char *err, size_t err_size)
{
	char log[PATH_SIZE];
	struct journal_raw *r = make();
	if (!r) {
		snprintf(err, err_size, "%s: out of memory", path);
		return -1;
	}
	snprintf(log, sizeof(log), "%s-wal", path);
	if (open_source(&r->file, path) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		goto err_free;
	}
	if (open_source(&r->log, log) != 0 && errno != ENOENT) {
		snprintf(err, err_size, "%s: %s", log, strerror(errno));
		goto err_free;
	}
	begin(r);
	if (r->frames.failed) {
		snprintf(err, err_size, "%s: out of memory", log);
		goto err_free;
	}
	*out = r;
	return 0;
err_free:
	journal_raw_free(r);
	return -1;
}

struct journal_raw *journal_raw_over(const void *file, size_t file_len, const void *log,
                                     size_t log_len)
{
	struct journal_raw *r = make();
	if (!r)
		return NULL;
	r->file = (struct raw_source){.fd = -1, .memory = file, .len = file ? file_len : 0};
	r->log = (struct raw_source){.fd = -1, .memory = log, .len = log ? log_len : 0};
	begin(r);
	return r;
}

void journal_raw_free(struct journal_raw *r)
{
	if (!r)
		return;
	if (r->file.fd >= 0)
		close(r->file.fd);
	if (r->log.fd >= 0)
		close(r->log.fd);
	buf_free(&r->frames);
	buf_free(&r->payload);
	free(r);
}

void journal_raw_counts(const struct journal_raw *r, struct journal_raw_count *out)
{
	*out = r->count;
}
