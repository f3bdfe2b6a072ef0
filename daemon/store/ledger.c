#include "store/ledger.h"

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
#include "base/text.h"
#include "event/member.h"
#include "store/statement.h"

#define PATH_SIZE 400
#define NAME_SIZE 96
#define INDEX "index.json"
#define INDEX_BYTES_MAX (256 * 1024) /* 400 entries of 200 bytes, and room to spare */

struct ledger {
	char dir[PATH_SIZE];
	struct ledger_heard heard;
	bool changed;         /* an entry is another than in the index */
	pthread_mutex_t lock; /* for what follows */
	struct ledger_entry entry[LEDGER_STATEMENTS_MAX]; /* in the order of their dates */
	size_t count;
	uint8_t expected[EVENT_EPOCH_BYTES];
	uint64_t expected_to, turn; /* turn 0: none */
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
	l->changed = true;
}

void ledger_waiting(struct ledger *l, const struct ledger_entry *e)
{
	note_locked(l, e);
}

void ledger_expect(struct ledger *l, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t to)
{
	pthread_mutex_lock(&l->lock);
	memcpy(l->expected, epoch, EVENT_EPOCH_BYTES);
	l->expected_to = to;
	l->turn++;
	pthread_mutex_unlock(&l->lock);
}

bool ledger_waits(struct ledger *l, uint64_t *turn)
{
	pthread_mutex_lock(&l->lock);
	const struct ledger_entry *e = find(l, l->expected, l->expected_to);
	bool waits = l->turn > 0 && (!e || e->version == 0);
	*turn = l->turn;
	pthread_mutex_unlock(&l->lock);
	return waits;
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

static void write_entry(const struct ledger_entry *e, struct buf *out)
{
	char epoch[EVENT_EPOCH_SIZE];

	text_hex(e->epoch, sizeof e->epoch, epoch);
	member_next(out);
	buf_byte(out, '{');
	member_text(out, "business_date", e->business_date);
	member_text(out, "epoch", epoch);
	member_text(out, "made", e->made);
	member_count(out, "missing", e->missing);
	member_text(out, "state", e->state);
	member_count(out, "to", e->to);
	member_count(out, "version", e->version);
	buf_byte(out, '}');
}

int ledger_set_heard(struct ledger *l, const struct ledger_heard *heard)
{
	struct buf out = {0};
	int rc;

	if (!l->changed && heard->since == l->heard.since &&
	    strcmp(heard->generation, l->heard.generation) == 0)
		return 0;
	buf_byte(&out, '{');
	member_text(&out, "generation", heard->generation);
	member_count(&out, "since", heard->since);
	member_key(&out, "statements");
	buf_byte(&out, '[');
	for (size_t i = 0; i < l->count; i++) /* this thread alone changes them */
		write_entry(&l->entry[i], &out);
	buf_str(&out, "]}\n");
	rc = out.failed ? -1 : put_file(l, INDEX, out.data, out.len);
	buf_free(&out);
	if (rc != 0)
		return -1;
	l->heard = *heard;
	l->changed = false;
	return 0;
}

void ledger_heard(const struct ledger *l, struct ledger_heard *out)
{
	*out = l->heard;
}

/* ---- at start ---- */

static bool read_entry(const json_t *o, struct ledger_entry *e)
{
	const json_t *to = json_object_get(o, "to"), *version = json_object_get(o, "version"),
	             *missing = json_object_get(o, "missing");

	memset(e, 0, sizeof *e);
	if (json_integer_value(to) < 1 || json_integer_value(version) < 0 ||
	    json_integer_value(missing) < 0)
		return false;
	e->to = (uint64_t)json_integer_value(to);
	e->version = (uint64_t)json_integer_value(version);
	e->missing = (uint64_t)json_integer_value(missing);
	return text_copy(e->business_date, sizeof e->business_date, text_of(o, "business_date")) &&
	       statement_date_ok(e->business_date) &&
	       text_unhex(text_of(o, "epoch"), e->epoch, sizeof e->epoch) &&
	       text_copy(e->state, sizeof e->state, text_of(o, "state")) &&
	       text_copy(e->made, sizeof e->made, text_of(o, "made"));
}

/* An index that cannot be read is as good as none: everything is told again. */
static void read_index(struct ledger *l)
{
	json_t *root = read_json(l, INDEX, INDEX_BYTES_MAX);
	const json_t *list = json_object_get(root, "statements");
	json_int_t since = json_integer_value(json_object_get(root, "since"));
	struct ledger_entry e;

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (read_entry(json_array_get(list, i), &e))
			note(l, &e);
	}
	if (since > 0 &&
	    text_copy(l->heard.generation, sizeof l->heard.generation, text_of(root, "generation")))
		l->heard.since = (uint64_t)since;
	json_decref(root);
}

int ledger_open(struct ledger **out, const char *dir, char *err, size_t err_size)
{
	struct ledger *l = calloc(1, sizeof *l);

	if (!l || !text_copy(l->dir, sizeof l->dir, dir)) {
		snprintf(err, err_size, "statements: %s",
		         l ? "the path is too long" : "out of memory");
		free(l);
		return -1;
	}
	pthread_mutex_init(&l->lock, NULL);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		goto err_free;
	read_index(l);
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
