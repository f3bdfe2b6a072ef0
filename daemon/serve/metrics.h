/* Counters and the state of the box in the Prometheus text format. */
#ifndef LANEWAY_SERVE_METRICS_H
#define LANEWAY_SERVE_METRICS_H

#include "base/buf.h"
#include "base/counter.h"

/* `status` is the status object of WIRE.md as text; what it lacks is left out. */
void metrics_write(struct buf *out, const struct counters *counters, const char *status,
                   size_t len);

#endif
