#include "serve/bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128 /* connections that wait in the kernel while the loop does something else */
#define SOCKET_MODE 0660

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

static bool loopback(const char *text, int port, struct address *a)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &a->u.in.sin_addr) == 1) {
		a->u.in.sin_family = AF_INET;
		a->u.in.sin_port = htons((uint16_t)port);
		a->len = sizeof(a->u.in);
		return ntohl(a->u.in.sin_addr.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, text, &a->u.in6.sin6_addr) == 1) {
		a->u.in6.sin6_family = AF_INET6;
		a->u.in6.sin6_port = htons((uint16_t)port);
		a->len = sizeof(a->u.in6);
		return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
	}
	return false;
}

static int port_of(int fd)
{
	struct address a;

	a.len = sizeof(a.u);
	if (getsockname(fd, &a.u.any, &a.len) != 0)
		return -1;
	return ntohs(a.u.any.sa_family == AF_INET ? a.u.in.sin_port : a.u.in6.sin6_port);
}

int bind_loopback(const char *address, int *port, char *err, size_t err_size)
{
	struct address a;
	int fd, on = 1;

	if (!loopback(address, *port, &a)) {
		snprintf(
		    err, err_size,
		    "http listen address \"%s\": expected a loopback address such as 127.0.0.1 "
		    "or ::1, because the screens have no login yet",
		    address);
		return -1;
	}
	fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto err_say;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, &a.u.any, a.len) != 0 || listen(fd, BACKLOG) != 0)
		goto err_close;
	*port = port_of(fd);
	return fd;

err_close:
	close(fd);
err_say:
	snprintf(err, err_size, "cannot listen for screens on %s port %d: %s", address, *port,
	         strerror(errno));
	return -1;
}

/* 0: the path is free now. -1 with a sentence in err. */
static int clear_path(const struct address *a, char *err, size_t err_size)
{
	const char *path = a->u.un.sun_path;
	struct stat st;
	int fd, fault;

	if (lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, err_size, "%s is in the way: expected a socket or nothing", path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fault = fd >= 0 && connect(fd, &a->u.any, a->len) == 0 ? 0 : errno;
	if (fd >= 0)
		close(fd);
	if (fault != ECONNREFUSED) {
		snprintf(err, err_size, "%s is in use: is another lanewayd running?", path);
		return -1;
	}
	if (unlink(path) != 0) {
		snprintf(err, err_size, "cannot remove the stale socket %s: %s", path,
		         strerror(errno));
		return -1;
	}
	return 0;
}

int bind_local(const char *path, char *err, size_t err_size)
{
	struct address a;
	int fd;

	memset(&a, 0, sizeof(a));
	a.u.un.sun_family = AF_UNIX;
	a.len = sizeof(a.u.un);
	if (strlen(path) >= sizeof(a.u.un.sun_path)) {
		snprintf(err, err_size, "socket path %s is too long: at most %zu bytes", path,
		         sizeof(a.u.un.sun_path) - 1);
		return -1;
	}
	strcpy(a.u.un.sun_path, path);
	if (clear_path(&a, err, err_size) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto err_say;
	/* The mode of the unbound socket caps that of the path, so that it is never open to others.
	 */
	if (fchmod(fd, SOCKET_MODE) != 0 || bind(fd, &a.u.any, a.len) != 0 ||
	    chmod(path, SOCKET_MODE) != 0 || listen(fd, BACKLOG) != 0)
		goto err_close;
	return fd;

err_close:
	close(fd);
err_say:
	snprintf(err, err_size, "cannot listen on the socket %s: %s", path, strerror(errno));
	return -1;
}
