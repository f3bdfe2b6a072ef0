#include "store/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "store/statement.h"

#define PATH_SIZE 400
#define NAME_SIZE 96
#define HEARD_BYTES_MAX 256
#define DOC_BYTES_MAX (1024 * 1024) /* a page's own bound */

struct ledger {
	char dir[PATH_SIZE];
	struct ledger_heard heard;
	pthread_mutex_t lock;                             /* for what follows */
	struct ledger_entry entry[LEDGER_STATEMENTS_MAX]; /* in the order of their dates */
	size_t count;
};

/* ---- entries ---- */

static bool same(const struct ledger_entry *a, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to)
{
	return a->to == to && memcmp(a->epoch, epoch, EVENT_EPOCH_BYTES) == 0;
}

static struct ledger_entry *find(struct ledger *l, const uint8_t epoch[EVENT_EPOCH_BYTES],
                                 uint64_t to)
{
	for (size_t i = l->count; i-- > 0;) {
		if (same(&l->entry[i], epoch, to))
			return &l->entry[i];
	}
	return NULL;
}

/* Under the lock. The oldest makes room. */
static void note(struct ledger *l, const struct ledger_entry *e)
{
	struct ledger_entry *known = find(l, e->epoch, e->to);
	size_t at = l->count;

	if (known) {
		if (e->version >= known->version)
			*known = *e;
		return;
	}
	while (at > 0 && strcmp(l->entry[at - 1].business_date, e->business_date) > 0)
		at--;
	if (l->count == LEDGER_STATEMENTS_MAX) {
		if (at == 0)
			return;
		memmove(l->entry, l->entry + 1, (--at) * sizeof *e);
	} else {
		memmove(l->entry + at + 1, l->entry + at, (l->count++ - at) * sizeof *e);
	}
	l->entry[at] = *e;
}

static void note_locked(struct ledger *l, const struct ledger_entry *e)
{
	pthread_mutex_lock(&l->lock);
	note(l, e);
	pthread_mutex_unlock(&l->lock);
}

void ledger_waiting(struct ledger *l, const struct ledger_entry *e)
{
	note_locked(l, e);
}

size_t ledger_list(struct ledger *l, struct ledger_entry *out, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&l->lock);
	for (; n < max && n < l->count; n++)
		out[n] = l->entry[l->count - 1 - n];
	pthread_mutex_unlock(&l->lock);
	return n;
}

bool ledger_find(struct ledger *l, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to,
                 struct ledger_entry *out)
{
	pthread_mutex_lock(&l->lock);
	const struct ledger_entry *known = find(l, epoch, to);
	if (known)
		*out = *known;
	pthread_mutex_unlock(&l->lock);
	return known != NULL;
}

/* ---- files ---- */

static int fault(const char *path)
{
	log_error("statements: %s: %s", path, strerror(errno));
	return -1;
}

static int write_whole(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* Written aside, synced, then given its name: whole or not there. */
static int put_file(struct ledger *l, const char *name, const void *p, size_t len)
{
	char path[PATH_SIZE + NAME_SIZE], aside[PATH_SIZE + NAME_SIZE + 8];
	int fd, rc;

	snprintf(path, sizeof path, "%s/%s", l->dir, name);
	snprintf(aside, sizeof aside, "%s.new", path);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault(aside);
	rc = write_whole(fd, p, len);
	if (close(fd) != 0 || rc != 0 || rename(aside, path) != 0 || sync_folder(l->dir) != 0) {
		rc = fault(path);
		unlink(aside);
	}
	return rc;
}

static json_t *read_json(struct ledger *l, const char *name, size_t bytes_max)
{
	char path[PATH_SIZE + NAME_SIZE];
	struct stat st;
	json_t *root = NULL;

	snprintf(path, sizeof path, "%s/%s", l->dir, name);
	FILE *f = fopen(path, "re");
	if (f && fstat(fileno(f), &st) == 0 && st.st_size <= (off_t)bytes_max)
		root = json_loadf(f, JSON_REJECT_DUPLICATES, NULL);
	if (f)
		fclose(f);
	return root;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static const char *state_of(const json_t *doc)
{
	const char *state = text_of(json_object_get(doc, "findings"), "state");

	if (strcmp(state, "complete") == 0)
		return "countersigned";
	return strcmp(state, "incomplete") == 0 ? "lost" : "disputed";
}

static void read_doc(const json_t *doc, struct ledger_entry *e)
{
	text_copy(e->state, sizeof e->state, state_of(doc));
	text_copy(e->made, sizeof e->made, text_of(doc, "made"));
	e->missing = 0;
}

int ledger_put(struct ledger *l, const struct ledger_entry *e, const void *doc, size_t len)
{
	char name[NAME_SIZE], path[PATH_SIZE + NAME_SIZE], epoch[EVENT_EPOCH_SIZE];
	struct ledger_entry known = *e;
	json_t *root = json_loadb(doc, len, JSON_REJECT_DUPLICATES, NULL);

	text_hex(e->epoch, sizeof e->epoch, epoch);
	snprintf(name, sizeof name, "%s-%s-%" PRIu64 ".v%" PRIu64 ".json", e->business_date, epoch,
	         e->to, e->version);
	snprintf(path, sizeof path, "%s/%s", l->dir, name);
	read_doc(root, &known);
	json_decref(root);
	if (access(path, F_OK) != 0 && put_file(l, name, doc, len) != 0)
		return -1;
	note_locked(l, &known);
	return 0;
}

int ledger_set_heard(struct ledger *l, const struct ledger_heard *heard)
{
	char text[HEARD_BYTES_MAX];
	int n = snprintf(text, sizeof text, "{\"generation\":\"%s\",\"since\":%" PRIu64 "}\n",
	                 heard->generation, heard->since);

	if (memcmp(heard, &l->heard, sizeof *heard) == 0)
		return 0;
	if (put_file(l, "heard", text, (size_t)n) != 0)
		return -1;
	l->heard = *heard;
	return 0;
}

void ledger_heard(const struct ledger *l, struct ledger_heard *out)
{
	*out = l->heard;
}

/* ---- at start ---- */

/* "2026-11-21-<16 hex>-<seq>.v<version>.json" */
static bool read_name(const char *name, struct ledger_entry *e)
{
	char text[3][25];
	int end = 0;

	memset(e, 0, sizeof *e);
	if (sscanf(name, "%10[0-9-]-%16[0-9a-f]-%20[0-9].v%20[0-9].json%n", e->business_date,
	           text[0], text[1], text[2], &end) != 4 ||
	    end == 0 || name[end])
		return false;
	return statement_date_ok(e->business_date) &&
	       text_unhex(text[0], e->epoch, sizeof e->epoch) &&
	       num_u64(text[1], 1, INT64_MAX, &e->to) &&
	       num_u64(text[2], 1, INT64_MAX, &e->version);
}

static void read_heard(struct ledger *l)
{
	json_t *root = read_json(l, "heard", HEARD_BYTES_MAX);
	json_int_t since = json_integer_value(json_object_get(root, "since"));

	if (since > 0 &&
	    text_copy(l->heard.generation, sizeof l->heard.generation, text_of(root, "generation")))
		l->heard.since = (uint64_t)since;
	json_decref(root);
}

/* The newest version of each by its name, then its state out of the file. */
static void read_folder(struct ledger *l, DIR *d)
{
	struct ledger_entry e;
	char name[NAME_SIZE], epoch[EVENT_EPOCH_SIZE];

	for (const struct dirent *f; (f = readdir(d)) != NULL;) {
		if (read_name(f->d_name, &e))
			note(l, &e);
	}
	for (size_t i = 0; i < l->count; i++) {
		struct ledger_entry *k = &l->entry[i];
		text_hex(k->epoch, sizeof k->epoch, epoch);
		snprintf(name, sizeof name, "%s-%s-%" PRIu64 ".v%" PRIu64 ".json", k->business_date,
		         epoch, k->to, k->version);
		json_t *doc = read_json(l, name, DOC_BYTES_MAX);
		read_doc(doc, k);
		json_decref(doc);
	}
}

int ledger_open(struct ledger **out, const char *dir, char *err, size_t err_size)
{
	struct ledger *l = calloc(1, sizeof *l);
	DIR *d;

	if (!l || !text_copy(l->dir, sizeof l->dir, dir)) {
		snprintf(err, err_size, "statements: %s",
		         l ? "the path is too long" : "out of memory");
		free(l);
		return -1;
	}
	pthread_mutex_init(&l->lock, NULL);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		goto err_free;
	d = opendir(dir);
	if (!d)
		goto err_free;
	read_heard(l);
	read_folder(l, d);
	closedir(d);
	*out = l;
	return 0;
err_free:
	snprintf(err, err_size, "statements: %s: %s", dir, strerror(errno));
	ledger_free(l);
	return -1;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}
