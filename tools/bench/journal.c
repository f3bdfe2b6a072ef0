/* The journal on its own: durable events per second, how long a commit takes, how long a start. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "flow/flow_rebuild.h"
#include "store/journal.h"

#define QUEUE_MAX 4096
#define SETTLE_US 100000
#define MARK_EVERY 1000

struct run {
	const struct bench_params *p;
	struct bench_template *list;
	size_t n;
	struct vault *vault;
	struct counters counters;
	struct journal *journal;
	int64_t begun_us;
	uint32_t *took_us; /* per event: put to kept */
	int64_t line_bytes;
	uint8_t place[EVENT_EPOCH_BYTES + 8]; /* of the newest kept entry, as the mark says it */
};

static int run_open(struct run *r, const struct bench_params *p)
{
	char path[300], err[300] = "";
	bool aside;

	memset(r, 0, sizeof *r);
	r->p = p;
	r->n = bench_templates(p->lines, &r->list);
	r->took_us = calloc(p->events + 1, sizeof *r->took_us);
	if (r->n == 0 || !r->took_us || vault_open(&r->vault, p->keys, true, err, sizeof err) < 0) {
		fprintf(stderr, "%s\n", err[0] ? err : "no lines");
		return -1;
	}
	snprintf(path, sizeof path, "%s/journal.db", p->dir);
	const struct journal_params params = {
	    .path = path,
	    .store = p->store ? p->store : "bench",
	    .device = "box-1",
	    .vault = r->vault,
	    .clock = clock_system(),
	    .counters = &r->counters,
	    .queue_max = QUEUE_MAX,
	    .quota_bytes = 8ULL << 30,
	    .retention_us = 7LL * 86400 * 1000000,
	    .resend_window_us = 72LL * 3600 * 1000000,
	};
	r->begun_us = bench_now_us();
	if (journal_open(&r->journal, &params, &aside, err, sizeof err) < 0 ||
	    journal_start(r->journal) < 0) {
		fprintf(stderr, "%s\n", err);
		return -1;
	}
	return 0;
}

static void run_close(struct run *r)
{
	if (r->journal)
		journal_stop(r->journal);
	journal_free(r->journal);
	vault_free(r->vault);
	free(r->took_us);
}

/* When entry i is due: at a steady rate, or as soon as there is room for it. */
static int64_t due_us(const struct run *r, uint64_t i)
{
	return r->p->rate ? r->begun_us + (int64_t)(i * 1000000 / r->p->rate) : 0;
}

static bool put(struct run *r, uint64_t i)
{
	struct entry *e = bench_entry(r->list, r->n, i);

	if (r->p->ids) {
		e->has_id = true;
		snprintf(e->id.source, sizeof e->id.source, "till:T%llu",
		         (unsigned long long)(i % 4));
		snprintf(e->id.session, sizeof e->id.session, "bench");
		e->id.counter = i + 1;
	}
	/* As the daemon says now and then from where on there are open baskets. */
	if (r->p->ids && i % MARK_EVERY == 0 && i)
		entry_mark(e, FLOW_MARK_OPEN, r->place, sizeof r->place);
	e->tag = (uint64_t)bench_now_us();
	if (journal_put(r->journal, e))
		return true;
	entry_free(e);
	return false;
}

/* All answers that are there; how many, -1 for a refusal. */
static int64_t take(struct run *r, uint64_t kept)
{
	int64_t n = 0, now = bench_now_us();

	for (struct entry *e = journal_done(r->journal); e; e = journal_done(r->journal)) {
		if (e->status != ENTRY_KEPT)
			return -1;
		r->took_us[kept + (uint64_t)n++] = (uint32_t)(now - (int64_t)e->tag);
		r->line_bytes += (int64_t)e->lines_len;
		memcpy(r->place, e->epoch, EVENT_EPOCH_BYTES);
		for (int i = 0; i < 8; i++)
			r->place[EVENT_EPOCH_BYTES + i] = (uint8_t)(e->seq >> (56 - 8 * i));
		entry_free(e);
	}
	return n;
}

/* Keep `flight` entries on their way, or put them at their rate, until `total` are kept. */
static int pump(struct run *r, uint64_t total)
{
	struct pollfd wait = {.fd = journal_done_fd(r->journal), .events = POLLIN};
	uint64_t made = 0, kept = 0;

	while (kept < total) {
		while (made < total && (r->p->rate || made - kept < r->p->flight) &&
		       due_us(r, made) <= bench_now_us() && put(r, made))
			made++;
		int64_t left_us =
		    made < total && r->p->rate ? due_us(r, made) - bench_now_us() : 5000000;
		const struct timespec until = {left_us > 0 ? left_us / 1000000 : 0,
		                               left_us > 0 ? left_us % 1000000 * 1000 : 0};
		ppoll(&wait, 1, &until, NULL);
		int64_t n = take(r, kept);
		if (n < 0)
			return -1;
		kept += (uint64_t)n;
	}
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_run(struct run *r, int64_t took_us, uint64_t packs, uint64_t written)
{
	uint64_t n = r->p->events;

	qsort(r->took_us, n, sizeof *r->took_us, by_size);
	printf(
	    "{\"events\":%llu,\"seconds\":%.6f,\"line_bytes\":%lld,\"packs\":%llu,\"written\":%llu,"
	    "\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
	    (unsigned long long)n, (double)took_us / 1e6, (long long)r->line_bytes,
	    (unsigned long long)packs, (unsigned long long)written, r->took_us[n / 2],
	    r->took_us[n * 99 / 100], r->took_us[n - 1]);
}

int bench_journal(const struct bench_params *p)
{
	struct run r;

	/* One first: the reserve is made beside the first commits. */
	int rc = run_open(&r, p) || pump(&r, 1);
	if (rc == 0) {
		usleep(SETTLE_US);
		uint64_t packs = counter_get(&r.counters, COUNTER_PACKS);
		uint64_t written = bench_written_bytes();
		r.begun_us = bench_now_us();
		rc = pump(&r, p->events);
		if (rc == 0)
			print_run(&r, bench_now_us() - r.begun_us,
			          counter_get(&r.counters, COUNTER_PACKS) - packs,
			          bench_written_bytes() - written);
	}
	run_close(&r);
	return rc ? 1 : 0;
}

int bench_open(const struct bench_params *p)
{
	struct bench_params one = *p;
	struct run r;

	one.events = one.flight = 1;
	one.rate = 0;
	int rc = run_open(&r, &one);
	int64_t open_us = bench_now_us() - r.begun_us;
	rc = rc || pump(&r, 1);
	if (rc == 0)
		printf("{\"open_us\":%lld,\"first_us\":%lld}\n", (long long)open_us,
		       (long long)(bench_now_us() - r.begun_us));
	run_close(&r);
	return rc ? 1 : 0;
}
