/* References and times in JSON, read strictly and written canonically: the parts that facts and
 * choices have in common. */
#ifndef LANEWAY_IDENTITY_JSON_PART_H
#define LANEWAY_IDENTITY_JSON_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/ref.h"

struct json_t;

/* Exactly 16 bytes in base64url, and not all zero. */
bool json_part_ref(const struct json_t *value, struct ref *out);
/* A list of one time, or of two that do not fall, as clock_iso8601 writes them. */
bool json_part_at(const struct json_t *value, int64_t *from_us, int64_t *to_us);
/* Text of at most max bytes without control characters. NULL: it is none. */
const char *json_part_text(const struct json_t *value, size_t max);
/* A number from 0 to max. */
bool json_part_number(const struct json_t *value, int max, int *out);

/* `"key":"<reference>"`. */
void json_part_put_ref(struct buf *out, const char *key, const struct ref *r);
/* `"at":[...]`. Milliseconds: an interval is rounded outward, never made narrower. */
void json_part_put_at(struct buf *out, int64_t from_us, int64_t to_us);
/* `"key":"<time>"`, rounded up or down to the millisecond. */
void json_part_put_time(struct buf *out, const char *key, int64_t us, bool up);

#endif
