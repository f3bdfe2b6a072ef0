/* A serial port as a descriptor: the only user of libserialport.
 *
 * Pseudo-terminals (which libserialport refuses) are opened with termios. ENOTTY on modem lines means
 * "no modem lines". */
#ifndef LANEWAY_CAPTURE_PORT_H
#define LANEWAY_CAPTURE_PORT_H

#include <stddef.h>

struct port;
/* Raw 8N1, non-blocking, exclusive. 0, or -1 with the system's reason in err (path not included). */
int port_open(struct port **out, const char *path, int baud, char *err, size_t err_size);
int port_fd(const struct port *p);
void port_close(struct port *p); /* NULL is allowed */

#endif
