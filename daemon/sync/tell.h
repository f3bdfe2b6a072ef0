/* What every tell's header has, whatever it tells (WIRE.md section 10). Pure. */
#ifndef LANEWAY_SYNC_TELL_H
#define LANEWAY_SYNC_TELL_H

#include <stddef.h>

#include "event/event.h"

#define TELL_KIND_SIZE 33
#define TELL_ID_SIZE 17 /* 16 hex digits and NUL: the nonce of the ask */

struct tell {
	char kind[TELL_KIND_SIZE]; /* "changes", "time", ...: picks the handler */
	char device[EVENT_STORE_SIZE], id[TELL_ID_SIZE];
};

/* The same of a header that is parsed already (NULL: it was no JSON): NULL, or "MEMBER: what was
 * expected". */
struct json_t;
const char *tell_fault(const struct json_t *root, struct tell *out);

/* Members that are not named here are the handler's. 0, or -1 with a sentence in err. */
int tell_parse(const char *json, size_t len, struct tell *out, char *err, size_t err_size);

#endif
