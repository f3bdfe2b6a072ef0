/* A CSV file, piece by piece, into hq.db: directly, or through the running HQ when that holds the
 * file. */
#ifndef LANEWAY_HQ_IMPORT_FILE_H
#define LANEWAY_HQ_IMPORT_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "hq/base/hq_conf.h"

struct hq_import_sums {
	unsigned made, changed, same, bad;
};

/* Bad rows go to `out`, a line each, as they are found. 0; -1 with err: the pieces before the one
 * that failed are kept (running it again changes nothing of them). */
int hq_import_file(const struct hq_conf *conf, const char *path, FILE *out,
                   struct hq_import_sums *sums, char *err, size_t err_size);

#endif
