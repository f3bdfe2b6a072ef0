/* Calls to the running HQ over its control socket, for commands that find hq.db held by it. */
#ifndef LANEWAY_HQ_CALL_H
#define LANEWAY_HQ_CALL_H

#include <stddef.h>

struct json_t;
struct hq_call;

/* What stands behind the "?", name by name; a row without a value is left out, one without a name
 * ends the list. */
struct hq_call_param {
	const char *name, *value;
};

/* The socket's path must live on. NULL: out of memory. */
struct hq_call *hq_call_open(const char *socket);
/* POST the body to this path. The answer, an object to be dropped; or NULL with HQ's own words in
 * err, or with why there are none. */
struct json_t *hq_call_post(struct hq_call *call, const char *path,
                            const struct hq_call_param *params, const void *body, size_t len,
                            char *err, size_t err_size);
void hq_call_close(struct hq_call *call);

/* One such call, with a JSON object as its body. */
struct json_t *hq_call_ask(const char *socket, const char *path, const struct json_t *ask,
                           char *err, size_t err_size);

#endif
