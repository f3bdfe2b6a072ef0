/* Durable events per second: the journal against a bare append of the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "store/journal.h"

#define TEMPLATES_MAX 20000

struct template
{
	enum event_kind kind;
	char *lane, *source, *visit_id, *basket_id, *date, *properties, *person;
	char *profile_ref, *rule, *ruleset, *confidence, *status;
	struct visit_key key;
};

int64_t bench_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? strdup(s) : NULL;
}

/* An event like the one on this line, with something of the same size to seal. */
static int read_template(struct template *t, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	json_t *c = json_object_get(json_object_get(event, "context"), "laneway");
	json_t *sealed = json_object_get(c, "sealed"), *who = json_object_get(c, "identity");
	const char *name = json_string_value(json_object_get(event, "event"));

	memset(t, 0, sizeof *t);
	t->kind = name ? lw_event_kind_of(name) : EVENT_KIND_COUNT;
	if (t->kind == EVENT_KIND_COUNT || t->kind == EVENT_EPOCH_OPENED) {
		json_decref(event);
		return -1;
	}
	t->lane = text_of(c, "lane");
	t->source = text_of(c, "source");
	t->visit_id = text_of(c, "visit_id");
	t->basket_id = text_of(c, "basket_id");
	t->date = text_of(c, "business_date");
	t->profile_ref = text_of(who, "profile_ref");
	t->rule = text_of(who, "rule");
	t->ruleset = text_of(who, "ruleset");
	t->confidence = text_of(who, "confidence");
	t->status = text_of(who, "status");
	t->properties =
	    json_dumps(json_object_get(event, "properties"), JSON_SORT_KEYS | JSON_COMPACT);
	if (sealed) {
		size_t n = json_string_length(json_object_get(sealed, "c")) * 3 / 4;
		n = n > 32 ? n - 16 : 16;
		t->person = malloc(n + 32);
		snprintf(t->person, n + 32, "{\"value\":\"%0*d\"}", (int)n - 12, 7);
		vault_random(&t->key, sizeof t->key);
	}
	json_decref(event);
	return 0;
}

static size_t read_templates(const char *path, struct template *list)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, n = 0;

	if (!f) {
		perror(path);
		return 0;
	}
	while (n < TEMPLATES_MAX && getline(&line, &room, f) > 0) {
		if (read_template(&list[n], line) == 0)
			n++;
	}
	free(line);
	fclose(f);
	return n;
}

static struct entry *make_entry(const struct template *t)
{
	struct entry *e = entry_new();
	struct lw_event *ev = entry_add(e, t->kind);

	ev->mono_us = clock_mono_us(clock_system());
	ev->wall_us = clock_wall_us(clock_system());
	ev->business_date = t->date;
	ev->utc_offset_min = 60;
	ev->source = t->source;
	ev->lane = t->lane;
	ev->visit_id = t->visit_id;
	ev->basket_id = t->basket_id;
	ev->identity = (struct lw_event_identity){t->profile_ref, t->rule,   t->ruleset,
	                                          t->confidence,  t->status, NULL};
	ev->properties = t->properties;
	ev->person = t->person;
	ev->key = t->key;
	return e;
}

/* Keep `flight` events on their way until `total` are kept. The bytes of their lines, or -1. */
static int64_t pump(struct journal *j, const struct template *list, size_t n, uint64_t total,
                    uint64_t flight)
{
	struct pollfd wait = {.fd = journal_done_fd(j), .events = POLLIN};
	uint64_t put = 0, kept = 0;
	int64_t bytes = 0;

	while (kept < total) {
		while (put < total && put - kept < flight) {
			struct entry *e = make_entry(&list[put % n]);
			if (!journal_put(j, e)) {
				entry_free(e);
				break;
			}
			put++;
		}
		poll(&wait, 1, 5000);
		for (struct entry *e = journal_done(j); e; e = journal_done(j)) {
			if (e->status != ENTRY_KEPT)
				return -1;
			kept++;
			bytes += (int64_t)e->lines_len;
			entry_free(e);
		}
	}
	return bytes;
}

int bench_journal(const struct bench_params *p)
{
	static struct template list[TEMPLATES_MAX];
	static struct counters counters;
	char path[300], err[300];
	bool aside;
	struct vault *vault;
	struct journal *j;
	size_t n = read_templates(p->lines, list);

	if (n == 0 || vault_open(&vault, p->keys, true, err, sizeof err) < 0) {
		fprintf(stderr, "%s\n", n ? err : "no lines");
		return 1;
	}
	snprintf(path, sizeof path, "%s/journal.db", p->dir);
	const struct journal_params params = {
	    .path = path,
	    .store = "bench",
	    .device = "box-1",
	    .vault = vault,
	    .clock = clock_system(),
	    .counters = &counters,
	    .queue_max = 4096,
	    .quota_bytes = 8ULL << 30,
	    .retention_us = 7LL * 86400 * 1000000,
	    .resend_window_us = 72LL * 3600 * 1000000,
	};
	if (journal_open(&j, &params, &aside, err, sizeof err) < 0 || journal_start(j) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	int64_t begun = bench_now_us(), bytes = pump(j, list, n, p->events, p->flight);
	double seconds = (double)(bench_now_us() - begun) / 1e6;
	uint64_t packs = counter_get(&counters, COUNTER_PACKS);
	journal_stop(j);
	journal_free(j);
	vault_free(vault);
	if (bytes < 0)
		return 1;
	printf("{\"events\":%llu,\"seconds\":%.6f,\"line_bytes\":%lld,\"packs\":%llu}\n",
	       (unsigned long long)p->events, seconds, (long long)bytes, (unsigned long long)packs);
	return 0;
}

/* The lines as the journal wrote them, so that both sides write the same bytes. */
char *bench_read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;

	if (!f || fseek(f, 0, SEEK_END) < 0)
		return NULL;
	*len = (size_t)ftell(f);
	rewind(f);
	text = malloc(*len + 1);
	if (text && fread(text, 1, *len, f) != *len)
		*len = 0;
	if (text)
		text[*len] = '\0';
	fclose(f);
	return text;
}

size_t bench_line_end(const char *text, size_t len, size_t at)
{
	const char *nl = memchr(text + at, '\n', len - at);

	return nl ? (size_t)(nl - text) + 1 : len;
}

int bench_raw(const struct bench_params *p)
{
	char path[300];
	size_t len = 0, at = 0;
	char *text = bench_read_all(p->lines, &len);
	FILE *batches = fopen(p->batches, "re");
	unsigned count;
	uint64_t events = 0;
	int64_t bytes = 0;

	snprintf(path, sizeof path, "%s/raw.log", p->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!text || len == 0 || !batches || fd < 0 || posix_fallocate(fd, 0, 1LL << 30) != 0) {
		perror("raw append");
		return 1;
	}
	char *batch = malloc(64 << 20);
	int rc = 1;
	int64_t begun = bench_now_us();
	while (fscanf(batches, "%u", &count) == 1) {
		size_t n = 0;
		for (unsigned i = 0; i < count; i++) {
			if (at >= len)
				at = 0;
			size_t end = bench_line_end(text, len, at);
			memcpy(batch + n, text + at, end - at);
			n += end - at;
			at = end;
		}
		if (write(fd, batch, n) != (ssize_t)n || fdatasync(fd) < 0) {
			perror(path);
			goto free_all;
		}
		events += count;
		bytes += (int64_t)n;
	}
	double seconds = (double)(bench_now_us() - begun) / 1e6;
	printf("{\"events\":%llu,\"seconds\":%.6f,\"line_bytes\":%lld}\n",
	       (unsigned long long)events, seconds, (long long)bytes);
	rc = 0;
free_all:
	unlink(path);
	free(batch);
	free(text);
	fclose(batches);
	close(fd);
	return rc;
}
