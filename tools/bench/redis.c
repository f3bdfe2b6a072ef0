/* The same lines into a Redis stream that is synced on every write: `flight` commands on their way,
 * spread over `count` connections. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/bench.h"

#define CONNECTIONS_MAX 1000

struct feed {
	const char *text;
	size_t len, at;
};

/* One XADD of the next line at the end of out. */
static size_t add_command(struct feed *f, char *out)
{
	size_t end;

	if (f->at >= f->len)
		f->at = 0;
	end = bench_line_end(f->text, f->len, f->at);
	size_t n = end - f->at - 1;
	int head = sprintf(out, "*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\ne\r\n$%zu\r\n", n);
	memcpy(out + head, f->text + f->at, n);
	out[(size_t)head + n] = '\r';
	out[(size_t)head + n + 1] = '\n';
	f->at = end;
	return (size_t)head + n + 2;
}

static int dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? fd : -1;
}

static int send_batch(int fd, struct feed *f, uint64_t commands, char *room)
{
	size_t n = 0, at = 0;

	for (uint64_t i = 0; i < commands; i++)
		n += add_command(f, room + n);
	while (at < n) {
		ssize_t put = write(fd, room + at, n - at);
		if (put <= 0)
			return -1;
		at += (size_t)put;
	}
	return 0;
}

/* An answer is "$len", the id, each ended by "\r\n": two newlines. -1: an error, or the end. */
static int answers(int fd, unsigned *half)
{
	char in[65536];
	ssize_t n = read(fd, in, sizeof in);
	int whole = 0;

	if (n <= 0 || in[0] == '-')
		return -1;
	for (ssize_t i = 0; i < n; i++)
		if (in[i] == '\n' && ++*half % 2 == 0)
			whole++;
	return whole;
}

int bench_redis(const struct bench_params *p)
{
	static struct pollfd all[CONNECTIONS_MAX];
	static unsigned half[CONNECTIONS_MAX];
	static uint64_t waiting[CONNECTIONS_MAX];
	struct feed f = {0};
	uint64_t each = p->flight / p->count, sent = 0, kept = 0;
	f.text = bench_read_all(p->lines, &f.len);
	char *room = malloc(64 << 20);

	for (uint64_t i = 0; i < p->count && i < CONNECTIONS_MAX; i++) {
		all[i] = (struct pollfd){.fd = dial(p->link), .events = POLLIN};
		if (all[i].fd < 0 || !f.text || !room) {
			perror(p->link);
			free(room);
			return 1;
		}
	}
	int64_t begun = bench_now_us();
	int rc = 0;
	while (rc == 0 && kept < p->events) {
		for (uint64_t i = 0; i < p->count; i++) {
			if (waiting[i] || sent >= p->events)
				continue;
			rc |= send_batch(all[i].fd, &f, each, room);
			waiting[i] = each;
			sent += each;
		}
		poll(all, p->count, 5000);
		for (uint64_t i = 0; i < p->count; i++) {
			if (!(all[i].revents & POLLIN))
				continue;
			int n = answers(all[i].fd, &half[i]);
			if (n < 0) {
				rc = 1;
				break;
			}
			waiting[i] -= (uint64_t)n;
			kept += (uint64_t)n;
		}
	}
	printf("{\"events\":%llu,\"seconds\":%.6f}\n", (unsigned long long)kept,
	       (double)(bench_now_us() - begun) / 1e6);
	free(room);
	return rc ? 1 : 0;
}
