/* Members of a JSON object, one after the other: commas are put where they belong.
 *
 * Begin an object with '{' in the buffer, end it with '}'. The buffer remembers when memory ran
 * out.
 */
#ifndef LANEWAY_EVENT_MEMBER_H
#define LANEWAY_EVENT_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* `"key":`, with a comma in front unless it is the object's first; `key` needs no escapes. */
void member_key(struct buf *b, const char *key);
/* The same comma, in front of a list's element. */
void member_next(struct buf *b);

void member_text(struct buf *b, const char *key, const char *value); /* NULL: null */
void member_integer(struct buf *b, const char *key, int64_t value);
void member_count(struct buf *b, const char *key, uint64_t value);
void member_bool(struct buf *b, const char *key, bool value);

#endif
