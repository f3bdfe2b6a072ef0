/* The physical limit: a bare append of the same bytes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

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

uint64_t bench_written_bytes(void)
{
	FILE *f = fopen("/proc/self/io", "re");
	char line[100];
	unsigned long long n = 0;

	while (f && fgets(line, sizeof line, f))
		sscanf(line, "write_bytes: %llu", &n);
	if (f)
		fclose(f);
	return n;
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
	uint64_t written = bench_written_bytes();
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
	printf("{\"events\":%llu,\"seconds\":%.6f,\"line_bytes\":%lld,\"written\":%llu}\n",
	       (unsigned long long)events, seconds, (long long)bytes,
	       (unsigned long long)(bench_written_bytes() - written));
	rc = 0;
free_all:
	unlink(path);
	free(batch);
	free(text);
	fclose(batches);
	close(fd);
	return rc;
}
