#include "capture/port.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

struct port {
	int fd;
	struct sp_port *sp; /* owns fd; NULL: opened with termios */
};

static void say(char *err, size_t size, int error)
{
	const char *words = strerror(error);
	if (error == ENOENT || error == ENXIO || error == ENODEV)
		words = "no such device";
	else if (error == EBUSY || error == EWOULDBLOCK)
		words = "in use by another program";
	else if (error == ENOTTY)
		words = "not a serial port";
	(void)snprintf(err, size, "%s", words);
}

/* VMIN 1: libserialport leaves 0, and then "nothing there" and "gone" would both read as 0. A break
 * is ignored; a byte with a framing error reads as NUL, so that it spoils its scan instead of going
 * missing. */
static int make_raw(int fd, int baud, bool any_baud)
{
	struct termios t;
	if (tcgetattr(fd, &t) < 0)
		return -1;
	cfmakeraw(&t);
	t.c_iflag = IGNBRK;
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)(CRTSCTS | CSTOPB);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (baud > 0 && cfsetspeed(&t, (speed_t)baud) < 0 && !any_baud)
		return -1;
	return tcsetattr(fd, TCSANOW, &t);
}

static int open_termios(struct port *p, const char *path, int baud, bool any_baud)
{
	p->fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return -1;
	return make_raw(p->fd, baud, any_baud);
}

static int set_up(struct sp_port *sp, int baud)
{
	if (sp_set_baudrate(sp, baud) != SP_OK || sp_set_bits(sp, 8) != SP_OK ||
	    sp_set_parity(sp, SP_PARITY_NONE) != SP_OK || sp_set_stopbits(sp, 1) != SP_OK ||
	    sp_set_flowcontrol(sp, SP_FLOWCONTROL_NONE) != SP_OK)
		return -1;
	return 0;
}

/* sp_close also after a failed sp_open, or a descriptor is lost with each try. */
static void close_handles(struct port *p)
{
	if (p->sp != NULL) {
		(void)sp_close(p->sp);
		sp_free_port(p->sp);
	} else if (p->fd >= 0) {
		(void)close(p->fd);
	}
	p->sp = NULL;
	p->fd = -1;
}

static int open_serial(struct port *p, const char *path, int baud)
{
	errno = 0;
	if (sp_get_port_by_name(path, &p->sp) != SP_OK) {
		p->sp = NULL;
		errno = ENOTTY;
		return -1;
	}
	if (sp_open(p->sp, SP_MODE_READ) == SP_OK && set_up(p->sp, baud) == 0 &&
	    sp_get_port_handle(p->sp, &p->fd) == SP_OK && fcntl(p->fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    make_raw(p->fd, 0, true) == 0)
		return 0;
	int error = errno != 0 ? errno : EINVAL;
	close_handles(p);
	errno = error;
	return -1;
}

static int open_any(struct port *p, const char *path, int baud)
{
	if (strncmp(path, "/dev/pts/", 9) == 0)
		return open_termios(p, path, baud, true);
	if (open_serial(p, path, baud) == 0)
		return 0;
	return errno == ENOTTY ? open_termios(p, path, baud, false) : -1;
}

int port_open(struct port **out, const char *path, int baud, char *err, size_t err_size)
{
	char real[PATH_MAX];
	if (realpath(path, real) == NULL) {
		say(err, err_size, errno);
		return -1;
	}
	struct port *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		say(err, err_size, ENOMEM);
		return -1;
	}
	p->fd = -1;
	/* Not TIOCEXCL: on a pseudo-terminal it outlives this process and would lock out the next
	 * one. */
	if (open_any(p, real, baud) < 0 || flock(p->fd, LOCK_EX | LOCK_NB) < 0) {
		say(err, err_size, errno);
		port_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

int port_fd(const struct port *p)
{
	return p->fd;
}

void port_close(struct port *p)
{
	if (p == NULL)
		return;
	close_handles(p);
	free(p);
}
