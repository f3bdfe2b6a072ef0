/* A real mosquitto with mutual TLS on a free loopback port, for tests; certificates by the openssl
 * command. Everything lives in one temporary folder and goes with it. */
#ifndef LANEWAY_TESTS_BROKER_H
#define LANEWAY_TESTS_BROKER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"

#define BROKER_PORT_FIRST 10240
#define BROKER_PORTS 22528

struct broker {
	char dir[FOLDER_SIZE];
	int port;
	pid_t pid;
};

static inline void broker_sh(const char *fmt, const char *dir, const char *name, const char *extra)
{
	char command[1024];
	snprintf(command, sizeof(command), fmt, dir, name, extra);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

/* A root in the folder <dir>/<ca>, and a certificate signed by it beside it. */
static inline void broker_root(const char *dir, const char *ca)
{
	broker_sh("mkdir -p %s/%s && cd %1$s/%2$s && openssl req -x509 -newkey ec -pkeyopt "
	          "ec_paramgen_curve:P-256 -nodes -keyout root.key -out ca.crt -days 30 "
	          "-subj '/O=Laneway/CN=%3$s' 2>/dev/null",
	          dir, ca, "Test root");
}

static inline void broker_leaf(const char *dir, const char *ca, const char *name, const char *cn)
{
	char sub[160];
	snprintf(sub, sizeof(sub), "%s/%s", dir, ca);
	broker_sh(
	    "cd %s && printf 'subjectAltName=IP:127.0.0.1\\n' >%2$s.ext && openssl req -newkey ec "
	    "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %2$s.key -out %2$s.csr "
	    "-subj '/O=Laneway/CN=%3$s' 2>/dev/null && openssl x509 -req -in %2$s.csr -CA ca.crt "
	    "-CAkey root.key -CAcreateserial -days 30 -extfile %2$s.ext -out %2$s.crt 2>/dev/null "
	    "&& "
	    "chmod 600 %2$s.key",
	    sub, name, cn);
}

/* A loopback port that stays this process's also while no broker listens there: below those of
 * outgoing connections, and its name is taken. tools/demo/rig.py does the same, side by side. */
static inline int broker_free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int i = 0; i < BROKER_PORTS; i++) {
		int port = BROKER_PORT_FIRST + (getpid() * 37 + i) % BROKER_PORTS, yes = 1;
		struct sockaddr_un name = {.sun_family = AF_UNIX};
		int len =
		    snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "laneway-port-%d", port);
		socklen_t name_len =
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
		int claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		sa.sin_port = htons((uint16_t)port);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		bool free = !bind(claim, (struct sockaddr *)&name, name_len) &&
		            !bind(fd, (struct sockaddr *)&sa, sizeof(sa));
		close(fd);
		if (free)
			return port; /* the claim ends with the process */
		close(claim);
	}
	abort();
}

static inline void broker_exec(const struct broker *b, int log_fd)
{
	char conf[128];
	snprintf(conf, sizeof(conf), "%s/mosquitto.conf", b->dir);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log_fd, 2);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	execlp("mosquitto", "mosquitto", "-c", conf, (char *)NULL);
	_exit(127);
}

/* Returns once it listens. */
static inline void broker_start(struct broker *b)
{
	int fds[2];
	if (pipe(fds) || (b->pid = fork()) < 0)
		abort();
	if (b->pid == 0)
		broker_exec(b, fds[1]);
	close(fds[1]);
	char text[4096];
	size_t n = 0;
	while (n < sizeof(text) - 1) {
		ssize_t got = read(fds[0], text + n, sizeof(text) - 1 - n);
		if (got <= 0) {
			fprintf(stderr, "mosquitto did not start: %.*s\n", (int)n, text);
			abort();
		}
		n += (size_t)got;
		text[n] = 0;
		if (strstr(text, " running"))
			break;
	}
	close(fds[0]); /* mosquitto ignores SIGPIPE */
}

static inline void broker_kill(struct broker *b)
{
	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
	}
	b->pid = 0;
}

/* Certificates (right/tls.*: CN s1, right/hq.*: CN laneway.hq, other/tls.*: another root) and a
 * running broker that lets a store use its own topics only. */
static inline void broker_new(struct broker *b)
{
	folder_make(b->dir, "broker");
	broker_root(b->dir, "right");
	broker_leaf(b->dir, "right", "broker", "broker");
	broker_leaf(b->dir, "right", "tls", "s1");
	broker_leaf(b->dir, "right", "hq", "laneway.hq");
	broker_root(b->dir, "other");
	broker_leaf(b->dir, "other", "tls", "s1");
	b->port = broker_free_port();
	char path[128];
	snprintf(path, sizeof(path), "%s/acl", b->dir);
	FILE *f = fopen(path, "w");
	fprintf(f, "user laneway.hq\ntopic readwrite #\npattern readwrite laneway/1/%%u/#\n");
	fclose(f);
	chmod(path, 0700);
	snprintf(path, sizeof(path), "%s/mosquitto.conf", b->dir);
	f = fopen(path, "w");
	fprintf(f,
	        "user root\nset_tcp_nodelay true\npersistence false\nlog_dest stderr\nlistener %d "
	        "127.0.0.1\n"
	        "cafile %s/right/ca.crt\ncertfile %s/right/broker.crt\n"
	        "keyfile %s/right/broker.key\nrequire_certificate true\n"
	        "use_identity_as_username true\nacl_file %s/acl\nmax_queued_messages 100000\n",
	        b->port, b->dir, b->dir, b->dir, b->dir);
	fclose(f);
	broker_start(b);
}

static inline void broker_free(struct broker *b)
{
	broker_kill(b);
	folder_drop(b->dir);
}

#endif
