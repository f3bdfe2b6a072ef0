/* A serial port as a descriptor: the only user of libserialport.
 *
 * Pseudo-terminals (which libserialport refuses) are opened with termios, and so is a port without
 * modem lines (ENOTTY). Loop thread only; opening and closing do not wait.
 */
#ifndef LANEWAY_CAPTURE_PORT_H
#define LANEWAY_CAPTURE_PORT_H

#include <stddef.h>

struct port;

/* Open path (or what it links to) for reading: raw 8N1, non-blocking, locked against a second
 * opening by a program that locks too (flock). read() then gives -1 with EAGAIN when nothing is
 * there, and 0 or EIO when the device has gone. A pseudo-terminal takes any baud. 0, or -1 with the
 * reason in err: "no such device", "in use by another program", "not a serial port", or the
 * system's words (path not included). */
int port_open(struct port **out, const char *path, int baud, char *err, size_t err_size);
int port_fd(const struct port *p);
void port_close(struct port *p); /* NULL is allowed */

#endif
