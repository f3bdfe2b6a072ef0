/* What ward.c (rows and counting) and ward_save.c (over a restart) share.
 *
 * Rows lie in sets of eight, found by the key itself, which is as good as random: a look costs
 * eight comparisons, and no set of a store ever holds eight that are shared or blocked. */
#ifndef LANEWAY_IDENTITY_WARD_INTERNAL_H
#define LANEWAY_IDENTITY_WARD_INTERNAL_H

#include "identity/ward.h"

#define WARD_WAYS (WARD_ROWS_MAX / WARD_SETS)

struct ward {
	struct ward_row row[WARD_ROWS_MAX];
	bool unsaved[WARD_SETS]; /* changed since it was saved */
};

bool ward_is_free(const struct ward_row *row);
size_t ward_set_of(const uint8_t *key);
/* A place for a new row: a free one, or that of one that binds nobody. NULL: all eight are shared
 * or blocked. */
struct ward_row *ward_room(struct ward *g, const uint8_t *key);

#endif
