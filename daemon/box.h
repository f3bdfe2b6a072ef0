/* The whole box but its event loop: started in order, stopped in reverse. lanewayd runs one; tests
 * of starts and power cuts run it in their own process.
 *
 * Loop thread only. The process ignores SIGPIPE, and its time zone becomes the configuration's.
 */
#ifndef LANEWAY_BOX_H
#define LANEWAY_BOX_H

#include <stdbool.h>
#include <stddef.h>

struct box;
struct conf;
struct event_base;
struct flow;

/* Start everything: folder, keys, journal, the ways in, sync, screens. `conf` stays the caller's
 * and lives longer than the box. 0, or -1 with a sentence in err: then nothing is left running. */
int box_start(struct box **out, struct event_base *base, const struct conf *conf, char *err,
              size_t err_size);

/* Stop in reverse: what is queued is still kept and answered. NULL is allowed. false: the network
 * thread hangs in a connection; nothing was freed, and the process leaves without it. */
bool box_stop(struct box *b);

/* Read another configuration, already checked against the running one (box_fixed). It must live as
 * long as it is the newest; the one the box was started with lives as long as the box. */
void box_reload(struct box *b, const struct conf *conf);

/* What differs between two configurations that only a restart can change; NULL: nothing. */
const char *box_fixed(const struct conf *was, const struct conf *is);

/* Has every thread moved within its own limit? What does not is logged. */
bool box_moves(struct box *b);

#endif
