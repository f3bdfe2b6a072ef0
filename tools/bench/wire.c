/* Bytes on the wire, and the dictionary that makes them few. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>

#include "base/text.h"
#include "bench/bench.h"
#include "sync/batch.h"
#include "sync/squeeze.h"

#define DICT_BYTES_MAX 65536 /* with its tables */
#define SAMPLES_MAX 200000
#define TRAIN_LEVEL 9

/* Lines that follow each other in one epoch, at most count. */
struct slice {
	char store[EVENT_STORE_SIZE];
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t first;
	uint32_t count;
	const char *lines;
	size_t len;
};

static bool read_name(const char *line, size_t len, struct slice *out)
{
	static const char member[] = "\"messageId\":\"";
	char epoch[EVENT_EPOCH_SIZE];
	const char *p = memmem(line, len, member, sizeof member - 1);
	unsigned long long seq;

	if (!p || sscanf(p + sizeof member - 1, "%32[a-z0-9-]:%16[0-9a-f]:%llu", out->store, epoch,
	                 &seq) != 3)
		return false;
	out->first = seq;
	return text_unhex(epoch, out->epoch, sizeof out->epoch);
}

/* The next slice of exactly `count` lines from *at; false: no more. */
static bool next_slice(const char *text, size_t len, size_t *at, uint32_t count, struct slice *out)
{
	while (*at < len) {
		size_t end = *at;
		struct slice next;
		memset(out, 0, sizeof *out);
		if (!read_name(text + *at, bench_line_end(text, len, *at) - *at, out))
			return false;
		out->lines = text + *at;
		while (out->count < count && end < len) {
			size_t after = bench_line_end(text, len, end);
			if (!read_name(text + end, after - end, &next) ||
			    next.first != out->first + out->count ||
			    memcmp(next.epoch, out->epoch, sizeof next.epoch) != 0)
				break;
			out->count++;
			end = after;
		}
		out->len = end - *at;
		*at = end;
		if (out->count == count)
			return true;
	}
	return false;
}

/* As many keys as the lines name. */
static uint32_t count_keys(const struct slice *s, uint8_t *keys)
{
	const char *p = s->lines, *end = s->lines + s->len, *ids[BATCH_EVENTS_MAX];
	uint32_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), ",\"k\":\"", 6)) != NULL) {
		uint32_t i = 0;
		p += 6;
		while (i < n && memcmp(ids[i], p, 22) != 0)
			i++;
		if (i == n && n < BATCH_EVENTS_MAX)
			ids[n++] = p;
	}
	memset(keys, 7, (size_t)n * 48);
	return n;
}

struct tally {
	uint64_t events, json, wire, keys, random;
	int64_t us;
};

static int measure(const char *text, size_t len, uint32_t count, struct batch_form form,
                   struct tally *t)
{
	static uint8_t keys[BATCH_EVENTS_MAX * 48], hq_pub[32] = {9};
	struct batch_codec *c = batch_codec_new();
	struct buf out = {0};
	struct slice s;
	size_t at = 0;
	int rc = 0;

	memset(t, 0, sizeof *t);
	while (rc == 0 && next_slice(text, len, &at, count, &s)) {
		struct batch b = {.form = form,
		                  .first = s.first,
		                  .count = s.count,
		                  .lines = (const uint8_t *)s.lines,
		                  .lines_len = s.len,
		                  .keys = keys,
		                  .key_count = count_keys(&s, keys)};
		memcpy(b.epoch, s.epoch, sizeof b.epoch);
		buf_reset(&out);
		int64_t begun = bench_now_us();
		rc = batch_encode(c, &b, s.store, hq_pub, &out);
		t->us += bench_now_us() - begun;
		t->events += s.count;
		t->json += s.len;
		t->wire += out.len;
		t->keys += b.key_count ? 69 + 48 * b.key_count : 0;
	}
	buf_free(&out);
	batch_codec_free(c);
	return rc;
}

/* What nothing can make smaller: ids, keys and what was sealed, and the low digits of times. */
static uint64_t random_bytes(const char *text, size_t len, uint32_t count)
{
	struct squeeze *q = squeeze_new();
	const struct buf *form, *raw;
	struct slice s;
	uint64_t n = 0;
	size_t at = 0;

	while (q && next_slice(text, len, &at, count, &s)) {
		const struct squeeze_head head = {s.store, s.epoch, s.first, s.count};
		if (squeeze_pack(q, &head, (const uint8_t *)s.lines, s.len, &form, &raw) == 0)
			n += raw->len;
	}
	squeeze_free(q);
	return n;
}

int bench_bytes(const struct bench_params *p)
{
	static const uint32_t counts[] = {1, 20, 200};
	static const struct batch_form forms[] = {{1, 0}, {3, 0}, {3, 3}};
	size_t len = 0;
	char *text = bench_read_all(p->lines, &len);
	struct tally t;
	const char *comma = "";

	if (!text) {
		perror(p->lines);
		return 1;
	}
	printf("[");
	for (size_t i = 0; i < 3; i++) {
		uint64_t floor = random_bytes(text, len, counts[i]);
		for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++, comma = ",") {
			if (measure(text, len, counts[i], forms[k], &t) != 0 || t.events == 0)
				return 1;
			double n = (double)t.events;
			printf("%s{\"batch\":%u,\"wire\":%u,\"dictionary\":%u,\"events\":%llu,"
			       "\"json\":%.1f,\"bytes\":%.1f,\"keys\":%.1f,\"random\":%.1f,"
			       "\"us\":%.2f}\n",
			       comma, counts[i], forms[k].wire, forms[k].dictionary,
			       (unsigned long long)t.events, (double)t.json / n, (double)t.wire / n,
			       (double)t.keys / n, (double)floor / n, (double)t.us / n);
		}
	}
	printf("]\n");
	free(text);
	return 0;
}

/* ---- the dictionary ---- */

static uint64_t take_number(const uint8_t **p)
{
	uint64_t v = 0;
	for (unsigned shift = 0;; shift += 7) {
		uint8_t c = *(*p)++;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
}

static void put_piece(FILE *f, const void *p, size_t n)
{
	uint32_t len = (uint32_t)n;
	fwrite(&len, sizeof len, 1, f);
	fwrite(p, 1, n, f);
}

/* Of a line alone: what stands in front of its texts, and they as far as they are not a store's
 * own. Of several: their codes. */
static void put_pieces(FILE *f, struct squeeze *q, const struct slice *slice)
{
	const struct squeeze_head head = {slice->store, slice->epoch, slice->first, slice->count};
	const struct buf *form, *raw;

	if (squeeze_pack(q, &head, (const uint8_t *)slice->lines, slice->len, &form, &raw) != 0)
		return;
	const uint8_t *p = form->data;
	uint64_t shapes = take_number(&p), codes = take_number(&p);
	if (slice->count > 1) {
		put_piece(f, p + shapes, codes);
		return;
	}
	size_t front = (size_t)(p - form->data) + shapes + codes;
	const uint8_t *texts = form->data + front, *own = memchr(texts, '?', form->len - front);
	put_piece(f, form->data, front);
	put_piece(f, texts, own ? (size_t)(own - texts) : form->len - front);
}

int bench_pieces(const struct bench_params *p)
{
	struct squeeze *q = squeeze_new();
	size_t len = 0, at = 0, from;
	char *text = bench_read_all(p->lines, &len);
	FILE *f = text && q ? fopen(p->out, "we") : NULL;
	struct slice slice;

	while (f && p->count % 2 && next_slice(text, len, &at, (uint32_t)p->events, &slice))
		put_pieces(f, q, &slice);
	while (f && p->count % 2 == 0 && (from = at) < len) {
		at = bench_line_end(text, len, at);
		put_piece(f, text + from, at - from);
	}
	int rc = f && fclose(f) == 0 ? 0 : 1;
	if (rc)
		perror(p->out);
	squeeze_free(q);
	free(text);
	return rc;
}

struct samples {
	struct buf bytes;
	size_t *sizes;
	unsigned count;
};

static void add_samples(struct samples *out, struct squeeze *q, const char *text, size_t len,
                        uint32_t count)
{
	const struct buf *form, *raw;
	struct slice s;
	size_t at = 0;

	while (out->count < SAMPLES_MAX && next_slice(text, len, &at, count, &s)) {
		const struct squeeze_head head = {s.store, s.epoch, s.first, s.count};
		if (squeeze_pack(q, &head, (const uint8_t *)s.lines, s.len, &form, &raw) != 0)
			continue;
		buf_add(&out->bytes, form->data, form->len);
		out->sizes[out->count++] = form->len;
	}
}

static void add_lines(struct samples *out, const char *text, size_t len, uint32_t count)
{
	for (size_t at = 0; at < len && out->count < SAMPLES_MAX;) {
		size_t from = at;
		for (uint32_t i = 0; i < count && at < len; i++)
			at = bench_line_end(text, len, at);
		buf_add(&out->bytes, text + from, at - from);
		out->sizes[out->count++] = at - from;
	}
}

static int write_all(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "we");
	int rc = f && fwrite(p, 1, n, f) == n ? 0 : -1;

	if (f && fclose(f) != 0)
		rc = -1;
	if (rc)
		perror(path);
	return rc;
}

/* Slices of one line, of a few and of many, so that each is catered for. */
static int read_samples(struct samples *out, const char *path, bool whole)
{
	static const uint32_t slices[] = {1, 7, 60};
	struct squeeze *q = squeeze_new();
	size_t len = 0;
	char *text = path ? bench_read_all(path, &len) : NULL;

	memset(out, 0, sizeof *out);
	out->sizes = calloc(SAMPLES_MAX, sizeof *out->sizes);
	if (text && q && out->sizes) {
		for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
			if (whole)
				add_lines(out, text, len, slices[i]);
			else
				add_samples(out, q, text, len, slices[i]);
		}
	} else {
		perror(path);
	}
	squeeze_free(q);
	free(text);
	return out->count ? 0 : -1;
}

int bench_train(const struct bench_params *p)
{
	static uint8_t dict[DICT_BYTES_MAX];
	ZDICT_params_t params = {.compressionLevel = TRAIN_LEVEL, .dictID = (unsigned)p->count};
	struct samples full;
	size_t len = 0;
	char *content = p->bare ? bench_read_all(p->bare, &len) : NULL;
	int rc = 1;

	if (!content) {
		perror(p->bare);
		return 1;
	}
	if (read_samples(&full, p->lines, p->count % 2 == 0) == 0) {
		size_t n =
		    ZDICT_finalizeDictionary(dict, sizeof dict, content, len, full.bytes.data,
		                             full.sizes, full.count, params);
		if (ZDICT_isError(n))
			fprintf(stderr, "training: %s\n", ZDICT_getErrorName(n));
		else
			rc = write_all(p->out, dict, n) ? 1 : 0;
		printf("{\"samples\":%u,\"bytes\":%zu}\n", full.count, n);
	}
	buf_free(&full.bytes);
	free(full.sizes);
	free(content);
	return rc;
}
