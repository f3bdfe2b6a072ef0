#include "event/member.h"

#include <inttypes.h>

#include "event/event.h"

void member_next(struct buf *b)
{
	/* A value never ends in an opening bracket: lists and objects are closed when they are
	 * done. */
	if (b->len && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
		buf_byte(b, ',');
}

void member_key(struct buf *b, const char *key)
{
	member_next(b);
	buf_printf(b, "\"%s\":", key);
}

void member_text(struct buf *b, const char *key, const char *value)
{
	member_key(b, key);
	if (value)
		lw_event_json_string(b, value);
	else
		buf_str(b, "null");
}

void member_integer(struct buf *b, const char *key, int64_t value)
{
	member_key(b, key);
	buf_printf(b, "%" PRId64, value);
}

void member_count(struct buf *b, const char *key, uint64_t value)
{
	member_key(b, key);
	buf_printf(b, "%" PRIu64, value);
}

void member_bool(struct buf *b, const char *key, bool value)
{
	member_key(b, key);
	buf_str(b, value ? "true" : "false");
}
