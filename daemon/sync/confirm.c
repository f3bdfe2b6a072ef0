#include "sync/confirm.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

static int parse_seqs(struct parse *p, const json_t *list, const char *name,
                      struct confirm_seq *out, int *count)
{
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CONFIRM_SEQS_MAX)
		return fail(p, "%s: expected a list of at most %d", name, CONFIRM_SEQS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		int64_t seq = whole(json_object_get(item, "seq"), 1);
		const char *reason = json_string_value(json_object_get(item, "reason"));
		if (seq < 1 || !reason || !reason_ok(reason))
			return fail(
			    p, "%s: expected {seq, reason} with a reason of [a-z0-9_]{1,32}", name);
		out[i].seq = (uint64_t)seq;
		text_copy(out[i].reason, sizeof(out[i].reason), reason);
	}
	*count = (int)json_array_size(list);
	return 0;
}

static int parse_ranges(struct parse *p, const json_t *list, struct confirm_epoch *e)
{
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CONFIRM_RANGES_MAX)
		return fail(p, "ranges: expected a list of at most %d", CONFIRM_RANGES_MAX);
	uint64_t below = e->through;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		int64_t first = whole(json_array_get(item, 0), 1);
		int64_t last = whole(json_array_get(item, 1), 1);
		if (json_array_size(item) != 2 || first < 1 || last < first ||
		    (uint64_t)first <= below)
			return fail(p, "ranges: expected [first, last] rising above through");
		e->ranges[i].first = (uint64_t)first;
		e->ranges[i].last = below = (uint64_t)last;
	}
	e->range_count = (int)json_array_size(list);
	return 0;
}

static int parse_epoch(struct parse *p, const json_t *item, struct confirm_epoch *e)
{
	const char *hex = json_string_value(json_object_get(item, "epoch"));
	if (!hex || !text_unhex(hex, e->epoch, sizeof(e->epoch)))
		return fail(p, "epoch: expected 16 hex digits");
	int64_t through = whole(json_object_get(item, "through"), 0);
	if (through < 0)
		return fail(p, "through: expected a whole number from 0");
	e->through = (uint64_t)through;
	if (parse_ranges(p, json_object_get(item, "ranges"), e) ||
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
	int64_t credit = whole(json_object_get(root, "credit"), 0);
	if (credit < 0)
		return fail(p, "credit: expected a whole number from 0");
	p->out->credit = (uint64_t)credit;
	if (parse_epochs(p, json_object_get(root, "epochs")))
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

static void write_seqs(const char *name, const struct confirm_seq *seqs, int count, struct buf *out)
{
	if (!count)
		return;
	buf_printf(out, ",\"%s\":[", name);
	for (int i = 0; i < count; i++)
		buf_printf(out, "%s{\"seq\":%llu,\"reason\":\"%s\"}", i ? "," : "",
		           (unsigned long long)seqs[i].seq, seqs[i].reason);
	buf_byte(out, ']');
}

static void write_epoch(const struct confirm_epoch *e, struct buf *out)
{
	char hex[EVENT_EPOCH_SIZE];
	text_hex(e->epoch, sizeof(e->epoch), hex);
	buf_printf(out, "{\"epoch\":\"%s\",\"through\":%llu", hex, (unsigned long long)e->through);
	buf_str(out, ",\"ranges\":[");
	for (int i = 0; i < e->range_count; i++)
		buf_printf(out, "%s[%llu,%llu]", i ? "," : "",
		           (unsigned long long)e->ranges[i].first,
		           (unsigned long long)e->ranges[i].last);
	buf_byte(out, ']');
	write_seqs("quarantined", e->quarantined, e->quarantined_count, out);
	write_seqs("forked", e->forked, e->forked_count, out);
	buf_byte(out, '}');
}

int confirm_write(const struct confirm *c, struct buf *out)
{
	buf_printf(out, "{\"v\":1,\"generation\":\"%s\",\"credit\":%llu", c->generation,
	           (unsigned long long)c->credit);
	buf_str(out, ",\"accepts\":{\"wire\":[1],\"schemas\":1,\"dictionaries\":[0]},\"epochs\":[");
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
