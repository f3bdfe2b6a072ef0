/* `laneway-hq run`: one loop thread with the only writing connection, the webhook's thread, and
 * libmosquitto's own. */
#ifndef LANEWAY_HQ_SERVE_H
#define LANEWAY_HQ_SERVE_H

#include "hq/base/hq_conf.h"

/* Runs until SIGTERM or SIGINT. 0 after an orderly stop; 1 when it could not start (said on
 * standard error through the log). */
int hq_serve(const struct hq_conf *conf);

#endif
