#include "sync/confirm.h"

#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define UNREADABLE_MAX (sizeof(((struct confirm *)0)->unreadable) / EVENT_HASH_BYTES)

struct parse {
	struct confirm *out;
	char *err;
	size_t err_size;
};

static int fail(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parse *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p->err, p->err_size, fmt, ap);
	va_end(ap);
	return -1;
}

/* A whole number of at least min; -1: missing, of another type, or smaller. */
static int64_t whole(const json_t *v, int64_t min)
{
	return json_is_integer(v) && json_integer_value(v) >= min ? json_integer_value(v) : -1;
}

/* Reasons stand in log lines: nothing but what WIRE.md allows may pass. */
static bool reason_ok(const char *s)
{
	size_t n = strlen(s);
	return n >= 1 && n < sizeof(((struct confirm_seq *)0)->reason) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static bool parse_h(const json_t *v, bool *has, uint8_t h[EVENT_HASH_BYTES])
{
	*has = v != NULL;
	return !v || (json_is_string(v) && text_unhex(json_string_value(v), h, EVENT_HASH_BYTES));
}

static int parse_seqs(struct parse *p, const json_t *list, const char *name,
                      struct confirm_seq *out, int *count)
{
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CONFIRM_SEQS_MAX)
		return fail(p, "%s: expected a list of at most %d", name, CONFIRM_SEQS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		int64_t seq = whole(json_object_get(item, "seq"), 1), last = seq;
		const char *reason = json_string_value(json_object_get(item, "reason"));
		if (json_object_get(item, "last"))
			last = whole(json_object_get(item, "last"), seq);
		if (seq < 1 || last < seq || !reason || !reason_ok(reason) ||
		    !parse_h(json_object_get(item, "h"), &out[i].has_h, out[i].h))
			return fail(
			    p,
			    "%s: expected {seq, last, reason, h} with a reason of [a-z0-9_]{1,32}",
			    name);
		out[i].seq = (uint64_t)seq;
		out[i].last = (uint64_t)last;
		text_copy(out[i].reason, sizeof(out[i].reason), reason);
	}
	*count = (int)json_array_size(list);
	return 0;
}

/* An older store expects pairs in `ranges`: their h stand beside them. */
static int parse_range_h(struct parse *p, const json_t *list, struct confirm_epoch *e)
{
	if (list && (!json_is_array(list) || json_array_size(list) != (size_t)e->range_count))
		return fail(p, "range_h: expected one for each range");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!parse_h(json_array_get(list, i), &e->ranges[i].has_h, e->ranges[i].h))
			return fail(p, "range_h: expected 64 hex digits");
	return 0;
}

static int parse_range(struct parse *p, const json_t *item, const char *name,
                       struct confirm_range *out)
{
	int64_t first = whole(json_array_get(item, 0), 1);
	int64_t last = whole(json_array_get(item, 1), 1);
	if (json_array_size(item) < 2 || json_array_size(item) > 3 || first < 1 || last < first ||
	    !parse_h(json_array_get(item, 2), &out->has_h, out->h))
		return fail(p, "%s: expected [first, last, h]", name);
	out->first = (uint64_t)first;
	out->last = (uint64_t)last;
	return 0;
}

struct range_list {
	const char *name;
	struct confirm_range *out;
	int *count, max;
};

static int parse_ranges(struct parse *p, const json_t *object, const struct range_list *into)
{
	const json_t *list = json_object_get(object, into->name);
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > (size_t)into->max)
		return fail(p, "%s: expected a list of at most %d", into->name, into->max);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (parse_range(p, json_array_get(list, i), into->name, &into->out[i]))
			return -1;
	*into->count = (int)json_array_size(list);
	return 0;
}

static int parse_held(struct parse *p, const json_t *list, struct confirm_epoch *e)
{
	size_t n = json_array_size(list);
	int64_t first = whole(json_array_get(list, 0), 1), last = INT64_MAX;
	if (!list)
		return 0;
	if (n > 1)
		last = whole(json_array_get(list, 1), first);
	if (n < 1 || n > 2 || first < 1 || last < first)
		return fail(p, "held: expected [first, last] or [first]");
	e->held_first = (uint64_t)first;
	e->held_last = n > 1 ? (uint64_t)last : UINT64_MAX;
	return 0;
}

static int check_rising(struct parse *p, const struct confirm_epoch *e)
{
	uint64_t below = e->through;
	for (int i = 0; i < e->range_count; i++) {
		if (e->ranges[i].first <= below)
			return fail(p, "ranges: expected [first, last, h] rising above through");
		below = e->ranges[i].last;
	}
	return 0;
}

static int parse_epoch(struct parse *p, const json_t *item, struct confirm_epoch *e)
{
	const struct range_list lists[] = {
	    {"ranges", e->ranges, &e->range_count, CONFIRM_RANGES_MAX},
	    {"same", e->same, &e->same_count, CONFIRM_SEQS_MAX},
	    {"settled", e->settled, &e->settled_count, CONFIRM_SEQS_MAX},
	};
	const char *hex = json_string_value(json_object_get(item, "epoch"));
	if (!hex || !text_unhex(hex, e->epoch, sizeof(e->epoch)))
		return fail(p, "epoch: expected 16 hex digits");
	int64_t through = whole(json_object_get(item, "through"), 0);
	if (through < 0)
		return fail(p, "through: expected a whole number from 0");
	e->through = (uint64_t)through;
	if (!parse_h(json_object_get(item, "h"), &e->has_h, e->h))
		return fail(p, "h: expected 64 hex digits");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (parse_ranges(p, item, &lists[i]))
			return -1;
	if (parse_range_h(p, json_object_get(item, "range_h"), e) || check_rising(p, e) ||
	    parse_held(p, json_object_get(item, "held"), e) ||
	    parse_seqs(p, json_object_get(item, "quarantined"), "quarantined", e->quarantined,
	               &e->quarantined_count))
		return -1;
	return parse_seqs(p, json_object_get(item, "forked"), "forked", e->forked,
	                  &e->forked_count);
}

static int parse_epochs(struct parse *p, const json_t *list)
{
	if (!json_is_array(list) || json_array_size(list) > CONFIRM_EPOCHS_MAX)
		return fail(p, "epochs: expected a list of at most %d", CONFIRM_EPOCHS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (parse_epoch(p, json_array_get(list, i), &p->out->epochs[i]))
			return -1;
	p->out->epoch_count = (int)json_array_size(list);
	return 0;
}

static int parse_unreadable(struct parse *p, const json_t *list)
{
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > UNREADABLE_MAX)
		return fail(p, "unreadable: expected a list of at most %zu", UNREADABLE_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *hex = json_string_value(json_array_get(list, i));
		if (!hex || !text_unhex(hex, p->out->unreadable[i], EVENT_HASH_BYTES))
			return fail(p, "unreadable: expected 64 hex digits");
	}
	p->out->unreadable_count = (int)json_array_size(list);
	return 0;
}

uint64_t confirm_seen_turn(const char *seen)
{
	size_t digits = strspn(seen, "0123456789");
	char number[24] = "";
	uint64_t turn = 0;
	if (digits < 1 || digits > 19 || seen[digits] != '.' ||
	    strlen(seen) + 1 > CONFIRM_SEEN_SIZE ||
	    seen[digits + 1 +
	         strspn(seen + digits + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
	                                   "pqrstuvwxyz0123456789-_")])
		return 0;
	memcpy(number, seen, digits);
	return num_u64(number, 1, INT64_MAX, &turn) ? turn : 0;
}

/* Numbers above 63 are of a time that this program does not know: skipped. */
static int parse_bits(struct parse *p, const json_t *list, const char *name, uint64_t *out)
{
	uint64_t bits = 0;
	if (!list)
		return 0;
	if (!json_is_array(list))
		return fail(p, "accepts: expected a list of numbers as %s", name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int64_t n = whole(json_array_get(list, i), 0);
		if (n < 0)
			return fail(p, "accepts: expected whole numbers from 0 in %s", name);
		bits |= n < 64 ? 1ull << n : 0;
	}
	*out = bits;
	return 0;
}

static int parse_accepts(struct parse *p, const json_t *accepts)
{
	struct batch_accepts *out = &p->out->accepts;
	*out = (struct batch_accepts){.wires = 1 << 1, .dictionaries = 1, .schemas = 1};
	if (!accepts)
		return 0;
	if (!json_is_object(accepts))
		return fail(p, "accepts: expected {wire, schemas, dictionaries}");
	const json_t *schemas = json_object_get(accepts, "schemas");
	int64_t newest = schemas ? whole(schemas, 0) : 1;
	if (newest < 0)
		return fail(p, "accepts: expected a whole number from 0 as schemas");
	out->schemas = newest < INT_MAX ? (int)newest : INT_MAX;
	if (parse_bits(p, json_object_get(accepts, "wire"), "wire", &out->wires))
		return -1;
	return parse_bits(p, json_object_get(accepts, "dictionaries"), "dictionaries",
	                  &out->dictionaries);
}

static int parse_root(struct parse *p, const json_t *root)
{
	if (!json_is_object(root))
		return fail(p, "expected a JSON object");
	if (json_integer_value(json_object_get(root, "v")) != 1)
		return fail(p, "v: expected 1");
	const char *generation = json_string_value(json_object_get(root, "generation"));
	uint8_t bytes[8];
	if (!generation || !text_unhex(generation, bytes, sizeof(bytes)))
		return fail(p, "generation: expected 16 hex digits");
	text_hex(bytes, sizeof(bytes), p->out->generation);
	const char *seen = json_string_value(json_object_get(root, "seen"));
	if (seen &&
	    (!confirm_seen_turn(seen) || !text_copy(p->out->seen, sizeof(p->out->seen), seen)))
		return fail(p, "seen: expected a number, a dot and 48 characters");
	int64_t credit = whole(json_object_get(root, "credit"), 0);
	if (credit < 0)
		return fail(p, "credit: expected a whole number from 0");
	p->out->credit = (uint64_t)credit;
	if (parse_accepts(p, json_object_get(root, "accepts")) ||
	    parse_epochs(p, json_object_get(root, "epochs")))
		return -1;
	return parse_unreadable(p, json_object_get(root, "unreadable"));
}

int confirm_parse(const char *json, size_t len, struct confirm *out, char *err, size_t err_size)
{
	memset(out, 0, sizeof(*out));
	struct parse p = {.out = out, .err = err, .err_size = err_size};
	json_error_t fault;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &fault);
	int rc = root ? parse_root(&p, root)
	              : fail(&p, "not JSON at byte %d", fault.position > 0 ? fault.position : 0);
	json_decref(root);
	return rc;
}

static void write_h(const uint8_t h[EVENT_HASH_BYTES], const char *before, struct buf *out)
{
	char hex[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
	text_hex(h, EVENT_HASH_BYTES, hex);
	buf_printf(out, "%s\"%s\"", before, hex);
}

static void write_seqs(const char *name, const struct confirm_seq *seqs, int count, struct buf *out)
{
	if (!count)
		return;
	buf_printf(out, ",\"%s\":[", name);
	for (int i = 0; i < count; i++) {
		buf_printf(out, "%s{\"seq\":%llu", i ? "," : "", (unsigned long long)seqs[i].seq);
		if (seqs[i].last > seqs[i].seq)
			buf_printf(out, ",\"last\":%llu", (unsigned long long)seqs[i].last);
		buf_printf(out, ",\"reason\":\"%s\"", seqs[i].reason);
		if (seqs[i].has_h)
			write_h(seqs[i].h, ",\"h\":", out);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void write_ranges(const char *name, const struct confirm_range *ranges, int count,
                         struct buf *out)
{
	if (!count)
		return;
	buf_printf(out, ",\"%s\":[", name);
	for (int i = 0; i < count; i++) {
		buf_printf(out, "%s[%llu,%llu", i ? "," : "", (unsigned long long)ranges[i].first,
		           (unsigned long long)ranges[i].last);
		if (ranges[i].has_h)
			write_h(ranges[i].h, ",", out);
		buf_byte(out, ']');
	}
	buf_byte(out, ']');
}

static void write_range_h(const struct confirm_epoch *e, struct buf *out)
{
	bool all = e->range_count > 0;
	for (int i = 0; i < e->range_count; i++)
		all = all && e->ranges[i].has_h;
	for (int i = 0; all && i < e->range_count; i++)
		write_h(e->ranges[i].h, i ? "," : ",\"range_h\":[", out);
	if (all)
		buf_byte(out, ']');
}

static void write_epoch(const struct confirm_epoch *e, struct buf *out)
{
	char hex[EVENT_EPOCH_SIZE];
	text_hex(e->epoch, sizeof(e->epoch), hex);
	buf_printf(out, "{\"epoch\":\"%s\",\"through\":%llu", hex, (unsigned long long)e->through);
	if (e->has_h)
		write_h(e->h, ",\"h\":", out);
	buf_str(out, ",\"ranges\":[");
	for (int i = 0; i < e->range_count; i++)
		buf_printf(out, "%s[%llu,%llu]", i ? "," : "",
		           (unsigned long long)e->ranges[i].first,
		           (unsigned long long)e->ranges[i].last);
	buf_byte(out, ']');
	write_range_h(e, out);
	write_ranges("same", e->same, e->same_count, out);
	write_ranges("settled", e->settled, e->settled_count, out);
	write_seqs("quarantined", e->quarantined, e->quarantined_count, out);
	write_seqs("forked", e->forked, e->forked_count, out);
	if (e->held_first)
		buf_printf(out, ",\"held\":[%llu", (unsigned long long)e->held_first);
	if (e->held_first && e->held_last != UINT64_MAX)
		buf_printf(out, ",%llu", (unsigned long long)e->held_last);
	buf_str(out, e->held_first ? "]}" : "}");
}

static void write_bits(const char *name, uint64_t bits, struct buf *out)
{
	const char *comma = "";
	buf_printf(out, "\"%s\":[", name);
	for (int i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		buf_printf(out, "%s%d", comma, i);
		comma = ",";
	}
	buf_byte(out, ']');
}

int confirm_write(const struct confirm *c, struct buf *out)
{
	buf_printf(out, "{\"v\":1,\"generation\":\"%s\",\"credit\":%llu", c->generation,
	           (unsigned long long)c->credit);
	if (c->seen[0])
		buf_printf(out, ",\"seen\":\"%s\"", c->seen);
	buf_str(out, ",\"accepts\":{");
	write_bits("wire", c->accepts.wires, out);
	buf_printf(out, ",\"schemas\":%d,", c->accepts.schemas);
	write_bits("dictionaries", c->accepts.dictionaries, out);
	buf_str(out, "},\"epochs\":[");
	for (int i = 0; i < c->epoch_count; i++) {
		if (i)
			buf_byte(out, ',');
		write_epoch(&c->epochs[i], out);
	}
	buf_byte(out, ']');
	for (int i = 0; i < c->unreadable_count; i++) {
		char hex[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];
		text_hex(c->unreadable[i], EVENT_HASH_BYTES, hex);
		buf_printf(out, "%s\"%s\"", i ? "," : ",\"unreadable\":[", hex);
	}
	if (c->unreadable_count)
		buf_byte(out, ']');
	buf_byte(out, '}');
	return out->failed ? -1 : 0;
}
