/* The canonical line (WIRE.md, section 1), written by hand: keys stand here in the order of their
 * bytes. */
#include <string.h>

#include "base/text.h"
#include "event/event.h"

/* Room is reserved once for a whole line, not for each of its thirty pieces: the journal's thread
 * writes every line of the store. What does not fit sets `full` and writes nothing more. */
struct pen {
	uint8_t *at, *end;
	bool full;
};

static inline void put(struct pen *pen, const void *p, size_t n)
{
	if ((size_t)(pen->end - pen->at) < n) {
		pen->full = true;
		pen->end = pen->at;
		return;
	}
	memcpy(pen->at, p, n);
	pen->at += n;
}

#define PUT(pen, literal) put(pen, literal, sizeof(literal) - 1)

static void put_str(struct pen *pen, const char *s)
{
	put(pen, s, strlen(s));
}

static void put_escape(struct pen *pen, unsigned char c)
{
	static const char short_forms[0x20] = {
	    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	static const char digits[] = "0123456789ABCDEF";
	char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
	size_t n = 6;
	if (c >= 0x20 || short_forms[c]) {
		text[1] = (char)(c >= 0x20 ? c : (unsigned char)short_forms[c]);
		n = 2;
	}
	put(pen, text, n);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Is there a byte below `limit` (at most 0x80) among these eight? */
static bool any_below(uint64_t x, uint8_t limit)
{
	return ((x - EACH_BYTE * limit) & ~x & EACH_BYTE * 0x80) != 0;
}

/* How many bytes from the beginning need no escape; looked at eight at a time. */
static size_t plain_run(const char *s, size_t n)
{
	size_t at = 0;
	for (uint64_t x; n - at >= sizeof(x); at += sizeof(x)) {
		memcpy(&x, s + at, sizeof(x));
		if (any_below(x, 0x20) || any_below(x ^ EACH_BYTE * '"', 1) ||
		    any_below(x ^ EACH_BYTE * '\\', 1))
			break;
	}
	while (at < n && is_plain(s[at]))
		at++;
	return at;
}

static void put_string(struct pen *pen, const char *s)
{
	size_t n = strlen(s);
	PUT(pen, "\"");
	while (n) {
		size_t run = plain_run(s, n);
		put(pen, s, run);
		if (run < n)
			put_escape(pen, (unsigned char)s[run++]);
		s += run;
		n -= run;
	}
	PUT(pen, "\"");
}

void lw_event_json_string(struct buf *out, const char *s)
{
	size_t bound = 6 * strlen(s) + 2; /* every byte as \u00XX */
	struct pen pen = {.at = buf_room(out, bound)};
	if (!pen.at)
		return;
	pen.end = pen.at + bound;
	put_string(&pen, s);
	out->len = (size_t)(pen.at - out->data);
}

/* A key as it stands behind another member; the first of an object goes without the comma. */
#define KEY(pen, name) put_key(pen, ",\"" name "\":", sizeof(",\"" name "\":") - 1)

static inline void put_key(struct pen *pen, const char *key, size_t n)
{
	bool first = pen->at[-1] == '{';
	put(pen, key + first, n - first);
}

/* Digits by hand: printf is a fifth of a line's time. */
static void put_digits(struct pen *pen, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put(pen, text + at, sizeof(text) - at);
}

static void put_number(struct pen *pen, int64_t value)
{
	if (value < 0)
		PUT(pen, "-");
	put_digits(pen, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* A member that is left out when it has no value. */
#define TEXT(pen, name, value) put_text(pen, ",\"" name "\":", sizeof(",\"" name "\":") - 1, value)

static inline void put_text(struct pen *pen, const char *key, size_t n, const char *value)
{
	if (!value)
		return;
	put_key(pen, key, n);
	put_string(pen, value);
}

static void put_identity(struct pen *pen, const struct lw_event_identity *id)
{
	if (!id->profile_ref)
		return;
	KEY(pen, "identity");
	PUT(pen, "{");
	TEXT(pen, "as_of", id->as_of);
	TEXT(pen, "confidence", id->confidence);
	TEXT(pen, "profile_ref", id->profile_ref);
	TEXT(pen, "rule", id->rule);
	TEXT(pen, "ruleset", id->ruleset);
	TEXT(pen, "status", id->status);
	PUT(pen, "}");
}

static void put_sealed(struct pen *pen, const struct lw_event_stamp *stamp)
{
	if (!stamp->sealed_k)
		return;
	KEY(pen, "sealed");
	PUT(pen, "{");
	TEXT(pen, "c", stamp->sealed_c);
	TEXT(pen, "k", stamp->sealed_k);
	TEXT(pen, "n", stamp->sealed_n);
	PUT(pen, "}");
}

static void put_source_message_id(struct pen *pen, const struct entry_id *id)
{
	if (!id)
		return;
	KEY(pen, "source_message_id");
	PUT(pen, "\"");
	put_str(pen, id->session); /* no character of a session needs an escape */
	PUT(pen, ":");
	put_digits(pen, id->counter);
	PUT(pen, "\"");
}

static void put_laneway(struct pen *pen, const struct lw_event *ev,
                        const struct lw_event_stamp *stamp, const char *epoch)
{
	KEY(pen, "laneway");
	PUT(pen, "{");
	TEXT(pen, "basket_id", ev->basket_id);
	TEXT(pen, "boot", stamp->boot);
	TEXT(pen, "business_date", ev->business_date);
	TEXT(pen, "clock", clock_trust_name(ev->trust));
	TEXT(pen, "epoch", epoch);
	put_identity(pen, &ev->identity);
	TEXT(pen, "lane", ev->lane);
	KEY(pen, "mono_us");
	put_number(pen, ev->mono_us);
	KEY(pen, "schema");
	put_number(pen, lw_event_schema(ev->kind));
	put_sealed(pen, stamp);
	KEY(pen, "seq");
	put_digits(pen, stamp->seq);
	TEXT(pen, "source", ev->source);
	put_source_message_id(pen, stamp->id);
	TEXT(pen, "staff_ref", ev->staff_ref);
	TEXT(pen, "store", stamp->store);
	KEY(pen, "training");
	put_str(pen, ev->training ? "true" : "false");
	KEY(pen, "utc_offset_min");
	put_number(pen, ev->utc_offset_min);
	TEXT(pen, "visit_id", ev->visit_id);
	PUT(pen, "}");
}

static void put_message_id(struct pen *pen, const struct lw_event_stamp *stamp, const char *epoch)
{
	KEY(pen, "messageId");
	PUT(pen, "\"");
	put_str(pen, stamp->store);
	PUT(pen, ":");
	put_str(pen, epoch);
	PUT(pen, ":");
	put_digits(pen, stamp->seq);
	PUT(pen, "\"");
}

int lw_event_line(struct buf *out, const struct lw_event *ev, const struct lw_event_stamp *stamp)
{
	char epoch[EVENT_EPOCH_SIZE], at[CLOCK_ISO8601_SIZE];
	struct pen line = {.at = buf_room(out, EVENT_LINE_MAX)}, *pen = &line;
	if (!line.at)
		return -1;
	line.end = line.at + EVENT_LINE_MAX;
	text_hex(stamp->epoch, EVENT_EPOCH_BYTES, epoch);
	clock_iso8601(ev->wall_us, at);

	PUT(pen, "{");
	TEXT(pen, "anonymousId", ev->visit_id);
	KEY(pen, "context");
	PUT(pen, "{");
	put_laneway(pen, ev, stamp, epoch);
	PUT(pen, "}");
	TEXT(pen, "event", lw_event_name(ev->kind));
	put_message_id(pen, stamp, epoch);
	TEXT(pen, "originalTimestamp", at);
	KEY(pen, "properties");
	put_str(pen, ev->properties ? ev->properties : "{}");
	PUT(pen, "}");

	if (line.full)
		return -1;
	out->len = (size_t)(line.at - out->data);
	return 0;
}
