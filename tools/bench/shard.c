/* The shard on its own: how long a first fill takes, how long a delta, and what they leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/shard.h"
#include "store/shard.h"
#include "sync/batch.h"

#define DELTA_PARTS 100 /* a delta changes one profile in so many */
#define MEMORY_EVERY 20 /* pages between two looks at the memory */

struct fill {
	const struct bench_params *p;
	struct vault *vault;
	struct shard *shard;
	struct batch_codec *codec;
	struct buf lines, body;
	uint64_t version, pages, json_bytes, wire_bytes;
	int64_t apply_us, cpu_us, decode_us, slowest_us;
	uint64_t memory_kib;
};

uint64_t bench_anonymous_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[200];
	unsigned long long n = 0;

	while (f && fgets(line, sizeof line, f))
		sscanf(line, "RssAnon: %llu", &n);
	if (f)
		fclose(f);
	return n;
}

static int fail(const char *err)
{
	fprintf(stderr, "%s\n", err);
	return -1;
}

/* The page as it comes over the wire, opened. */
static int through_the_wire(struct fill *f, const uint8_t **lines, size_t *len)
{
	uint8_t pub[32];
	char err[300];
	int64_t begun;

	f->body.len = 0;
	if (vault_read_public(f->p->bare, pub, err, sizeof err) != 0 ||
	    page_encode(f->codec, "bench", "box-1", pub, f->lines.data, f->lines.len, &f->body) !=
	        0)
		return fail("a page cannot be made");
	f->wire_bytes += f->body.len;
	begun = bench_now_us();
	if (page_decode(f->codec, "bench", "box-1", vault_device_box_priv(f->vault), f->body.data,
	                f->body.len, lines, len, err, sizeof err) != 0)
		return fail(err);
	f->decode_us += bench_now_us() - begun;
	return 0;
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int apply(struct fill *f, bool fresh, bool more)
{
	struct shard_mark mark = {
	    .generation = "00000000000000aa", .version = ++f->version, .more = more};
	char err[300];
	const uint8_t *lines = f->lines.data;
	size_t len = f->lines.len;
	int64_t begun, took, cpu;

	f->json_bytes += len;
	if (f->p->bare && through_the_wire(f, &lines, &len) != 0)
		return -1;
	begun = bench_now_us();
	cpu = cpu_us();
	if (shard_apply(f->shard, (const char *)lines, len, &mark, fresh, err, sizeof err) < 0)
		return fail(err);
	if (!more && shard_synced(f->shard, 1) != 0)
		return fail("the round cannot be ended");
	took = bench_now_us() - begun;
	f->apply_us += took;
	f->cpu_us += cpu_us() - cpu;
	if (took > f->slowest_us)
		f->slowest_us = took;
	if (f->pages++ % MEMORY_EVERY == 0 || !more) {
		uint64_t kib = bench_anonymous_kib();
		f->memory_kib = kib > f->memory_kib ? kib : f->memory_kib;
	}
	return 0;
}

/* `count` profiles out of `of`, all of them or as the dice fall, as pages. */
static int pages(struct fill *f, uint64_t count, uint64_t of, uint64_t turn)
{
	uint64_t in_page = 0;
	bool fresh = turn == 0;

	f->lines.len = 0;
	for (uint64_t i = 0; i < count; i++) {
		bench_profile(&f->lines, count == of ? i : bench_mix(i + turn) % of, turn);
		if (++in_page < BENCH_PAGE_PROFILES && i + 1 < count)
			continue;
		if (f->lines.failed || apply(f, fresh, i + 1 < count) != 0)
			return -1;
		fresh = false;
		in_page = 0;
		f->lines.len = 0;
	}
	return 0;
}

static void print_part(struct fill *f, const char *name, uint64_t profiles)
{
	printf("\"%s\":{\"profiles\":%llu,\"seconds\":%.4f,\"cpu_seconds\":%.4f,\"decode_seconds\":"
	       "%.4f,\"slowest_us\":%"
	       "lld,"
	       "\"json\":%.1f,\"wire\":%.1f,\"memory_kib\":%llu}",
	       name, (unsigned long long)profiles, (double)f->apply_us / 1e6,
	       (double)f->cpu_us / 1e6, (double)f->decode_us / 1e6, (long long)f->slowest_us,
	       (double)f->json_bytes / (double)profiles, (double)f->wire_bytes / (double)profiles,
	       (unsigned long long)f->memory_kib);
	f->apply_us = f->cpu_us = f->decode_us = f->slowest_us = 0;
	f->json_bytes = f->wire_bytes = f->memory_kib = 0;
}

static int open_all(struct fill *f)
{
	char path[300], err[300] = "";
	bool made;

	snprintf(path, sizeof path, "%s/shard.db", f->p->dir);
	f->codec = batch_codec_new();
	if (!f->codec || vault_open(&f->vault, f->p->keys, true, err, sizeof err) != 0 ||
	    shard_open(&f->shard, path, f->vault, &made, err, sizeof err) != 0)
		return fail(err);
	return 0;
}

int bench_shard_fill(const struct bench_params *p)
{
	struct fill f = {.p = p};
	uint64_t delta = p->count / DELTA_PARTS;
	char path[300];
	struct stat st = {0};
	int rc = open_all(&f);

	printf("{\"before_kib\":%llu,", (unsigned long long)bench_anonymous_kib());
	rc = rc ? rc : pages(&f, p->count, p->count, 0);
	print_part(&f, "fill", p->count);
	snprintf(path, sizeof path, "%s/shard.db", p->dir);
	stat(path, &st);
	printf(",\"file\":%lld,", (long long)st.st_size);
	rc = rc ? rc : pages(&f, delta, p->count, 1);
	print_part(&f, "delta", delta);
	printf("}\n");
	shard_free(f.shard);
	batch_codec_free(f.codec);
	vault_free(f.vault);
	buf_free(&f.lines);
	buf_free(&f.body);
	return rc ? 1 : 0;
}
