/* The two doors: a loopback TCP port and a local socket. Blocking calls, at start only. */
#ifndef LANEWAY_SERVE_BIND_H
#define LANEWAY_SERVE_BIND_H

#include <stddef.h>

/* Listen on a loopback address ("127.0.0.1", "::1", "localhost"); anything else is refused, because
 * there is no login. *port: 0 picks one; the port in use is written back. The descriptor, or -1
 * with a sentence in err. */
int bind_loopback(const char *address, int *port, char *err, size_t err_size);

/* Listen on a local socket, mode 0660 from its first moment. A socket that nobody listens on any
 * more is replaced; one that answers, or a file that is no socket, is an error. The descriptor, or
 * -1 with a sentence in err. */
int bind_local(const char *path, char *err, size_t err_size);

#endif
