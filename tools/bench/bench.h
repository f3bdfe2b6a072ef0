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
	const char *bare;    /* file of lines without what is a store's own */
	const char *out;     /* file to write */
	const char *lane, *token;
	uint64_t events, flight, port, count, rate, seconds;
	uint64_t delay; /* added to each fdatasync, microseconds */
};

/* Put the events into a journal, `flight` at most on their way at a time. */
int bench_journal(const struct bench_params *p);
/* Append the same lines to a preallocated file in the same batches, fdatasync after each. */
int bench_raw(const struct bench_params *p);
/* write() into a pseudo-terminal to bytes read from the lane's stream by another process;
 * microseconds. */
int bench_screen(const struct bench_params *p);
/* A till that adds lines at a steady rate. */
int bench_load(const struct bench_params *p);

/* Bytes on the wire per event, in batches of 1, 20 and 200, in every form. */
int bench_bytes(const struct bench_params *p);
/* Train a dictionary (number `count`) into `out`: its texts from `bare`, the frequency of bytes
 * from `lines`. */
int bench_train(const struct bench_params *p);

int64_t bench_now_us(void);
/* The whole file with NUL, or NULL. Where the line that starts at `at` ends, behind its newline. */
char *bench_read_all(const char *path, size_t *len);
size_t bench_line_end(const char *text, size_t len, size_t at);

/* Every fdatasync of this process takes this much longer. */
void bench_sync_delay(uint64_t us);

#endif
