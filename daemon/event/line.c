/* The canonical line (WIRE.md, section 1), written by hand: keys stand here in the order of their
 * bytes. */
#include <string.h>

#include "base/text.h"
#include "event/event.h"

static void json_escape(struct buf *out, unsigned char c)
{
	static const char short_forms[0x20] = {
	    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	if (c >= 0x20 || short_forms[c]) {
		buf_byte(out, '\\');
		buf_byte(out, c >= 0x20 ? c : (uint8_t)short_forms[c]);
	} else {
		buf_printf(out, "\\u%04X", c);
	}
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* One reservation for the usual text, which needs no escape: a line has some thirty of these, and
 * the journal's thread writes every line of the store. */
void lw_event_json_string(struct buf *out, const char *s)
{
	size_t n = strlen(s), at = 0;
	uint8_t *to = buf_room(out, n + 2);
	if (!to)
		return;
	while (at < n && is_plain(s[at]))
		at++;
	to[0] = '"';
	memcpy(to + 1, s, at);
	out->len += at + 1;
	for (; at < n; at++) {
		if (is_plain(s[at]))
			buf_byte(out, (uint8_t)s[at]);
		else
			json_escape(out, (unsigned char)s[at]);
	}
	buf_byte(out, '"');
}

/* A key as it stands behind another member; the first of an object goes without the comma. */
#define KEY(name) ",\"" name "\":"

static void put_key(struct buf *out, const char *key)
{
	bool first = out->len > 0 && out->data[out->len - 1] == '{';
	buf_str(out, key + first);
}

/* Digits by hand: printf is a fifth of a line's time. */
static void put_digits(struct buf *out, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(out, text + at, sizeof(text) - at);
}

static void put_text(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(out, key);
	lw_event_json_string(out, value);
}

static void put_int(struct buf *out, const char *key, int64_t value)
{
	put_key(out, key);
	if (value < 0)
		buf_byte(out, '-');
	put_digits(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void put_identity(struct buf *out, const struct lw_event_identity *id)
{
	if (!id->profile_ref)
		return;
	put_key(out, KEY("identity"));
	buf_byte(out, '{');
	put_text(out, KEY("as_of"), id->as_of);
	put_text(out, KEY("confidence"), id->confidence);
	put_text(out, KEY("profile_ref"), id->profile_ref);
	put_text(out, KEY("rule"), id->rule);
	put_text(out, KEY("ruleset"), id->ruleset);
	put_text(out, KEY("status"), id->status);
	buf_byte(out, '}');
}

static void put_sealed(struct buf *out, const struct lw_event_stamp *stamp)
{
	if (!stamp->sealed_k)
		return;
	put_key(out, KEY("sealed"));
	buf_byte(out, '{');
	put_text(out, KEY("c"), stamp->sealed_c);
	put_text(out, KEY("k"), stamp->sealed_k);
	put_text(out, KEY("n"), stamp->sealed_n);
	buf_byte(out, '}');
}

static void put_source_message_id(struct buf *out, const struct entry_id *id)
{
	if (!id)
		return;
	put_key(out, KEY("source_message_id"));
	lw_event_json_string(out, id->session);
	out->len -= !out->failed; /* the counter goes in front of the closing quote */
	buf_byte(out, ':');
	put_digits(out, id->counter);
	buf_byte(out, '"');
}

static void put_laneway(struct buf *out, const struct lw_event *ev,
                        const struct lw_event_stamp *stamp, const char *epoch)
{
	put_key(out, KEY("laneway"));
	buf_byte(out, '{');
	put_text(out, KEY("basket_id"), ev->basket_id);
	put_text(out, KEY("boot"), stamp->boot);
	put_text(out, KEY("business_date"), ev->business_date);
	put_text(out, KEY("clock"), clock_trust_name(ev->trust));
	put_text(out, KEY("epoch"), epoch);
	put_identity(out, &ev->identity);
	put_text(out, KEY("lane"), ev->lane);
	put_int(out, KEY("mono_us"), ev->mono_us);
	put_int(out, KEY("schema"), lw_event_schema(ev->kind));
	put_sealed(out, stamp);
	put_key(out, KEY("seq"));
	put_digits(out, stamp->seq);
	put_text(out, KEY("source"), ev->source);
	put_source_message_id(out, stamp->id);
	put_text(out, KEY("staff_ref"), ev->staff_ref);
	put_text(out, KEY("store"), stamp->store);
	put_key(out, KEY("training"));
	buf_str(out, ev->training ? "true" : "false");
	put_int(out, KEY("utc_offset_min"), ev->utc_offset_min);
	put_text(out, KEY("visit_id"), ev->visit_id);
	buf_byte(out, '}');
}

int lw_event_line(struct buf *out, const struct lw_event *ev, const struct lw_event_stamp *stamp)
{
	size_t start = out->len;
	char epoch[EVENT_EPOCH_SIZE], at[CLOCK_ISO8601_SIZE];
	text_hex(stamp->epoch, EVENT_EPOCH_BYTES, epoch);
	clock_iso8601(ev->wall_us, at);

	buf_byte(out, '{');
	put_text(out, KEY("anonymousId"), ev->visit_id);
	put_key(out, KEY("context"));
	buf_byte(out, '{');
	put_laneway(out, ev, stamp, epoch);
	buf_byte(out, '}');
	put_text(out, KEY("event"), lw_event_name(ev->kind));
	put_key(out, KEY("messageId"));
	buf_byte(out, '"');
	buf_str(out, stamp->store);
	buf_byte(out, ':');
	buf_str(out, epoch);
	buf_byte(out, ':');
	put_digits(out, stamp->seq);
	buf_byte(out, '"');
	put_text(out, KEY("originalTimestamp"), at);
	put_key(out, KEY("properties"));
	buf_str(out, ev->properties ? ev->properties : "{}");
	buf_byte(out, '}');

	if (out->failed || out->len - start > EVENT_LINE_MAX) {
		out->len = start;
		return -1;
	}
	return 0;
}
