/* laneway's commands against a daemon that says what a test wants. */
#ifndef LANEWAY_TESTS_CLI_WORLD_H
#define LANEWAY_TESTS_CLI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "laneway/cli.h"

struct server {
	char dir[FOLDER_SIZE], path[96];
	int listener;
	pthread_t thread;
	const char *answer;
	char asked[2000];
	bool stays; /* does not hang up by itself: until the client does */
	/* called when the answer has been sent */
	void (*then)(void *ctx);
	void *ctx;
};

static inline void *serve_one(void *arg)
{
	struct server *s = arg;
	size_t len = 0;
	ssize_t n;
	char rest;
	int fd = accept(s->listener, NULL, NULL);

	while (!strstr(s->asked, "\r\n\r\n") &&
	       (n = recv(fd, s->asked + len, sizeof(s->asked) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		s->asked[len] = '\0';
	}
	/* in small pieces: a line may come in two */
	for (const char *p = s->answer; *p; p += n) {
		n = send(fd, p, strlen(p) < 7 ? strlen(p) : 7, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	if (s->then)
		s->then(s->ctx);
	while (s->stays && recv(fd, &rest, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

static inline void start(struct server *s, const char *answer)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	s->answer = answer;
	folder_make(s->dir, "cli");
	snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	strcpy(un.sun_path, s->path);
	s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	pthread_create(&s->thread, NULL, serve_one, s);
}

static inline void stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	folder_drop(s->dir);
}

struct said {
	struct cli cli;
	char *out, *err;
	size_t out_len, err_len;
};

static inline void listen_to(struct said *w, const char *socket)
{
	memset(w, 0, sizeof(*w));
	w->cli.socket = socket;
	w->cli.out = tmpfile();
	w->cli.err = open_memstream(&w->err, &w->err_len);
}

static inline void heard(struct said *w)
{
	w->out_len = (size_t)ftell(w->cli.out);
	w->out = calloc(1, w->out_len + 1);
	rewind(w->cli.out);
	w->out_len = fread(w->out, 1, w->out_len, w->cli.out);
	fclose(w->cli.out);
	fclose(w->cli.err);
}

static inline void forget(struct said *w)
{
	free(w->out);
	free(w->err);
}

/* Run a command against an answer. */
static inline int ask(struct said *w, int (*run)(struct cli *, char **), bool json, char *arg,
                      const char *answer)
{
	struct server s = {0};
	char *args[] = {arg, NULL};
	int rc;

	start(&s, answer);
	listen_to(w, s.path);
	w->cli.json = json;
	rc = run(&w->cli, args);
	heard(w);
	stop(&s);
	return rc;
}

#define UNTIL_CLOSE "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

#endif
