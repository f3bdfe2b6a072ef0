/* From the scanner's wire to the screen's stream, and a till that keeps the box busy meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bench/bench.h"

#define QUIET_US 25000 /* between two scans: what the last one set off has died down */

/* Shared between the process that scans and the one that reads the stream. */
struct heard {
	atomic_int_fast64_t updates; /* lane views read so far */
	atomic_int_fast64_t at_us;   /* when the newest was read */
	atomic_int_fast64_t armed;   /* the next update's time is wanted */
};

static int dial(uint64_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

/* The reading process: note the moment at which a lane view arrives. */
static void listen_to(const struct bench_params *p, struct heard *h)
{
	char buffer[65536], request[200];
	int fd = dial(p->port);
	ssize_t n =
	    snprintf(request, sizeof request,
	             "GET /api/v1/lanes/%s/stream HTTP/1.1\r\nHost: localhost\r\n\r\n", p->lane);

	if (write(fd, request, (size_t)n) != n)
		_exit(1);
	while ((n = read(fd, buffer, sizeof buffer - 1)) > 0) {
		int64_t now = bench_now_us();
		buffer[n] = '\0';
		if (!strstr(buffer, "event: lane"))
			continue;
		if (atomic_exchange(&h->armed, 0))
			atomic_store(&h->at_us, now);
		atomic_fetch_add(&h->updates, 1);
	}
	_exit(1);
}

static int open_scanner(const char *link)
{
	int master, slave;
	char name[128];
	struct termios raw;

	if (openpty(&master, &slave, name, NULL, NULL) < 0)
		return -1;
	tcgetattr(slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	unlink(link);
	return symlink(name, link) < 0 ? -1 : master;
}

/* The cashier's big key, so that the next scan starts from an empty panel. */
static void wrong_customer(const struct bench_params *p)
{
	char request[300], answer[4096];
	int fd = dial(p->port);
	int n = snprintf(request, sizeof request,
	                 "POST /api/v1/lanes/%s/wrong-customer HTTP/1.1\r\nHost: "
	                 "localhost\r\nConnection: close\r\n"
	                 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	                 p->lane);

	if (write(fd, request, (size_t)n) == n) {
		while (read(fd, answer, sizeof answer) > 0)
			;
	}
	close(fd);
}

/* One scan; its time, or -1 when nothing showed within a second. */
static int64_t one_scan(int master, const char *card, struct heard *h)
{
	int64_t begun, end;

	atomic_store(&h->at_us, 0);
	atomic_store(&h->armed, 1);
	begun = bench_now_us();
	if (write(master, card, strlen(card)) < 0)
		return -1;
	for (end = begun + 1000000; atomic_load(&h->at_us) == 0 && bench_now_us() < end;)
		usleep(200);
	return atomic_load(&h->at_us) ? atomic_load(&h->at_us) - begun : -1;
}

int bench_screen(const struct bench_params *p)
{
	struct heard *h =
	    mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int master = open_scanner(p->link);
	FILE *cards = fopen(p->cards, "re");
	char card[64];
	int64_t us;

	if (h == MAP_FAILED || master < 0 || !cards) {
		perror("screen bench");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	getchar(); /* the caller has started the daemon */
	pid_t child = fork();
	if (child == 0)
		listen_to(p, h);
	while (atomic_load(&h->updates) == 0)
		usleep(1000);
	for (uint64_t i = 0; i < p->count; i++) {
		if (!fgets(card, sizeof card, cards)) {
			rewind(cards);
			continue;
		}
		card[strcspn(card, "\n")] = '\r';
		us = one_scan(master, card, h);
		printf("%lld\n", (long long)us);
		usleep(QUIET_US);
		wrong_customer(p);
		usleep(QUIET_US);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(p->link);
	fclose(cards);
	return 0;
}

int bench_load(const struct bench_params *p)
{
	char line[700], drop[65536];
	int fd = dial(p->port), n;
	uint64_t id = 0;
	int64_t begun = bench_now_us();

	n = snprintf(line, sizeof line,
	             "{\"type\":\"hello\",\"protocol\":1,\"till\":\"T%s\",\"lane\":\"%s\","
	             "\"token\":\"%s\"}\n",
	             p->lane, p->lane, p->token);
	if (write(fd, line, (size_t)n) != n)
		return 1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (uint64_t i = 0; i < p->rate * p->seconds; i++) {
		int64_t due = begun + (int64_t)(i * 1000000 / p->rate), now = bench_now_us();
		if (due > now)
			usleep((useconds_t)(due - now));
		unsigned long long basket = i / 50;
		if (i % 50 == 0)
			n = snprintf(line, sizeof line,
			             "{\"type\":\"basket_opened\",\"basket\":\"B%llu\",\"source_"
			             "message_id\":\"load:%llu\"}\n",
			             basket, (unsigned long long)++id);
		else if (i % 50 == 49)
			n = snprintf(line, sizeof line,
			             "{\"type\":\"basket_voided\",\"basket\":\"B%llu\",\"source_"
			             "message_id\":\"load:%llu\"}\n",
			             basket, (unsigned long long)++id);
		else
			n = snprintf(
			    line, sizeof line,
			    "{\"type\":\"line_added\",\"basket\":\"B%llu\",\"line\":\"%llu\","
			    "\"sku\":\"4006381333931\","
			    "\"name\":\"Highlighter\",\"quantity\":\"1\",\"unit\":\"piece\","
			    "\"price\":\"1.49\","
			    "\"entry_method\":\"scanned\",\"source_message_id\":\"load:%llu\"}\n",
			    basket, (unsigned long long)i, (unsigned long long)++id);
		if (write(fd, line, (size_t)n) != n) {
			perror("load");
			return 1;
		}
		while (read(fd, drop, sizeof drop) > 0)
			;
	}
	return 0;
}
