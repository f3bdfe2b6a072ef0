#include "identity/json_part.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/member.h"

bool json_part_ref(const struct json_t *value, struct ref *out)
{
	if (!json_is_string(value) ||
	    text_unb64(json_string_value(value), json_string_length(value), out->byte,
	               sizeof out->byte) != (ssize_t)sizeof out->byte)
		return false;
	return !ref_none(out);
}

static bool read_time(const json_t *value, int64_t *us)
{
	return json_is_string(value) && clock_parse_iso8601(json_string_value(value), us) == 0;
}

bool json_part_at(const struct json_t *value, int64_t *from_us, int64_t *to_us)
{
	size_t n = json_array_size(value);

	if (n < 1 || n > 2)
		return false;
	return read_time(json_array_get(value, 0), from_us) &&
	       read_time(json_array_get(value, n - 1), to_us) && *from_us <= *to_us;
}

const char *json_part_text(const struct json_t *value, size_t max)
{
	size_t n = json_string_length(value);

	if (!json_is_string(value) || n > max || text_has_control(json_string_value(value), n))
		return NULL;
	return json_string_value(value);
}

bool json_part_number(const struct json_t *value, int max, int *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return false;
	*out = (int)json_integer_value(value);
	return true;
}

void json_part_put_ref(struct buf *out, const char *key, const struct ref *r)
{
	char text[EVENT_ID_SIZE];

	text_b64(r->byte, sizeof r->byte, text);
	member_text(out, key, text);
}

void json_part_put_time(struct buf *out, const char *key, int64_t us, bool up)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_iso8601(clock_whole_ms(us, up), text);
	member_text(out, key, text);
}

void json_part_put_at(struct buf *out, int64_t from_us, int64_t to_us)
{
	char text[CLOCK_ISO8601_SIZE];
	int64_t from = clock_whole_ms(from_us, false), to = clock_whole_ms(to_us, true);

	member_key(out, "at");
	clock_iso8601(from, text);
	buf_printf(out, "[\"%s\"", text);
	if (to != from) {
		clock_iso8601(to, text);
		buf_printf(out, ",\"%s\"", text);
	}
	buf_byte(out, ']');
}
