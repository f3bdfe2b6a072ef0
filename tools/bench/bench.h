/* laneway-bench: the parts of `make bench` that must be C. Each prints one JSON object. */
#ifndef LANEWAY_BENCH_H
#define LANEWAY_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench_params {
	const char *lines;   /* file of canonical lines, one a line */
	const char *keys;    /* a device's folder */
	const char *dir;     /* where files are written */
	const char *batches; /* file of batch sizes: written by journal, read by raw */
	const char *link;    /* symbolic link to make for the pseudo-terminal */
	const char *cards;   /* file of card numbers */
	const char *bare;    /* file of what a dictionary holds; of a device's public key */
	const char *out;     /* file to write */
	const char *store;   /* of the journal */
	const char *lane, *token;
	uint64_t events, flight, port, count, rate, seconds;
	uint64_t seed;  /* of a month */
	uint64_t ids;   /* 1: each entry has a source's id */
	uint64_t delay; /* added to each fdatasync, microseconds */
};

/* Put the events into a journal: `flight` on their way at a time, or `rate` a second; with ids of a
 * source if `ids`. */
int bench_journal(const struct bench_params *p);
/* Open the journal that is there, until its first commit. */
int bench_open(const struct bench_params *p);
/* The same lines into Redis at the socket `link`, over `count` connections. */
int bench_redis(const struct bench_params *p);
/* Append the same lines to a preallocated file in the same batches, fdatasync after each. */
int bench_raw(const struct bench_params *p);
/* write() into a pseudo-terminal to bytes read from the lane's stream by another process;
 * microseconds. */
int bench_screen(const struct bench_params *p);
/* A till that adds lines at a steady rate. */
int bench_load(const struct bench_params *p);

/* Bytes on the wire per event, in batches of 1, 20 and 200, in every form. */
int bench_bytes(const struct bench_params *p);
/* A dictionary for number `count`: odd ones for the texts of squeezed batches, even ones for whole
 * lines. pieces: what it may hold, of batches of `events` of `lines`, into `out` (u32 length,
 * bytes). train: made of the content in `bare`, with the frequency of bytes from `lines`, into
 * `out`. */
int bench_pieces(const struct bench_params *p);
int bench_train(const struct bench_params *p);

/* Fill a shard with `count` made-up profiles, then change one in a hundred. bare: the public key
 * that pages are boxed to, when they are to come through box and zstd. */
int bench_shard_fill(const struct bench_params *p);
/* Look them up, `events` rounds: the shard, the limit, Redis at the socket `link`. */
int bench_shard_find(const struct bench_params *p);
uint64_t bench_anonymous_kib(void);

/* Events like those on the lines; how many, 0: none can be read. */
struct bench_template;
size_t bench_templates(const char *path, struct bench_template **out);
struct entry;
struct entry *bench_entry(const struct bench_template *list, size_t n, uint64_t i);

/* The share of presented identifiers that a store knew without asking, day by day over 28 days:
 * `events` customers of ten stores, each of which has room for `count` percent of them; next to
 * what other ways of choosing reach. */
int bench_month(const struct bench_params *p);

int64_t bench_now_us(void);
/* Bytes that this process made the disk write, as the kernel counts them. */
uint64_t bench_written_bytes(void);
/* The whole file with NUL, or NULL. Where the line that starts at `at` ends, behind its newline. */
char *bench_read_all(const char *path, size_t *len);
size_t bench_line_end(const char *text, size_t len, size_t at);

/* Every fdatasync of this process takes this much longer. */
void bench_sync_delay(uint64_t us);

#endif
