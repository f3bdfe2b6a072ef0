#include "store/statement.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define VERSION_MAX 1000000 /* of one day: each is a change that somebody caused */
#define COUNT_MAX (INT64_C(1) << 53)
#define SIGNATURE_TEXT_SIZE 87 /* 64 bytes as base64url with NUL */
#define DAY_S 86400
#define DEVICE_HEAD "laneway statement v1"
#define HQ_HEAD "laneway countersign v1"

/* ---- counts ---- */

/* Where the name stands, or would stand. */
static int place_of(const struct statement_counts *c, const char *event, size_t len, bool *found)
{
	int lo = 0, hi = c->kinds;

	*found = false;
	while (lo < hi) {
		int mid = (lo + hi) / 2, order = strncmp(c->kind[mid].event, event, len);
		if (order == 0 && c->kind[mid].event[len])
			order = 1;
		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool add(struct statement_counts *c, const char *event, size_t len, uint64_t n)
{
	bool found;
	int at = place_of(c, event, len, &found);

	if (!found) {
		if (len == 0 || len >= STATEMENT_KIND_SIZE || c->kinds == STATEMENT_KINDS_MAX)
			return false;
		memmove(&c->kind[at + 1], &c->kind[at],
		        (size_t)(c->kinds - at) * sizeof c->kind[0]);
		memset(&c->kind[at], 0, sizeof c->kind[at]);
		memcpy(c->kind[at].event, event, len);
		c->kinds++;
	}
	c->kind[at].n += n;
	c->total += n;
	return true;
}

bool statement_count(struct statement_counts *c, const char *event, size_t len)
{
	return add(c, event, len, 1);
}

bool statement_counts_equal(const struct statement_counts *a, const struct statement_counts *b)
{
	if (a->kinds != b->kinds)
		return false;
	for (int i = 0; i < a->kinds; i++) {
		if (a->kind[i].n != b->kind[i].n || strcmp(a->kind[i].event, b->kind[i].event) != 0)
			return false;
	}
	return true;
}

void statement_counts_write(const struct statement_counts *c, struct buf *out)
{
	buf_byte(out, '{');
	for (int i = 0; i < c->kinds; i++) {
		if (i > 0)
			buf_byte(out, ',');
		lw_event_json_string(out, c->kind[i].event);
		buf_printf(out, ":%" PRIu64, c->kind[i].n);
	}
	buf_byte(out, '}');
}

/* ---- dates ---- */

static bool day_of(const char *date, int64_t *day)
{
	char text[CLOCK_ISO8601_SIZE];
	int64_t wall_us;

	if (strlen(date) != CLOCK_DATE_SIZE - 1)
		return false;
	snprintf(text, sizeof text, "%.10sT00:00:00Z", date);
	if (clock_parse_iso8601(text, &wall_us) != 0)
		return false;
	*day = wall_us / 1000000 / DAY_S;
	return true;
}

bool statement_date_ok(const char *date)
{
	int64_t day;

	return day_of(date, &day);
}

void statement_date_move(const char *date, int days, char out[CLOCK_DATE_SIZE])
{
	char text[CLOCK_ISO8601_SIZE];
	int64_t day;

	out[0] = '\0';
	if (!day_of(date, &day))
		return;
	clock_iso8601((day + days) * DAY_S * 1000000, text);
	memcpy(out, text, CLOCK_DATE_SIZE - 1);
	out[CLOCK_DATE_SIZE - 1] = '\0';
}

/* ---- writing ---- */

static void write_ranges(const struct statement *s, struct buf *out)
{
	char epoch[EVENT_EPOCH_SIZE], h[TEXT_HEX_SIZE(EVENT_HASH_BYTES)],
	    prev[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];

	buf_byte(out, '[');
	for (int i = 0; i < s->ranges; i++) {
		const struct statement_range *r = &s->range[i];
		text_hex(r->epoch, sizeof r->epoch, epoch);
		text_hex(r->h, sizeof r->h, h);
		text_hex(r->h_prev, sizeof r->h_prev, prev);
		buf_printf(out,
		           "%s{\"epoch\":\"%s\",\"from\":%" PRIu64
		           ",\"h\":\"%s\",\"h_prev\":\"%s\",\"to\":%" PRIu64 "}",
		           i > 0 ? "," : "", epoch, r->from, h, prev, r->to);
	}
	buf_byte(out, ']');
}

void statement_write(const struct statement *s, bool with_signature, struct buf *out)
{
	char signature[SIGNATURE_TEXT_SIZE];

	buf_printf(out, "{\"business_date\":\"%s\",\"counts\":", s->business_date);
	statement_counts_write(&s->counts, out);
	buf_str(out, ",\"device\":");
	lw_event_json_string(out, s->device);
	buf_printf(out, ",\"first_date\":\"%s\",\"more\":%s,\"ranges\":", s->first_date,
	           s->more ? "true" : "false");
	write_ranges(s, out);
	if (with_signature) {
		text_b64(s->signature, sizeof s->signature, signature);
		buf_printf(out, ",\"signature\":\"%s\"", signature);
	}
	buf_str(out, ",\"training\":");
	statement_counts_write(&s->training, out);
	buf_printf(out, ",\"version\":%" PRId64 "}", s->version);
}

/* ---- reading ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool number_of(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > COUNT_MAX)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static bool read_counts(const json_t *o, struct statement_counts *out)
{
	const char *event;
	json_t *n;

	if (!json_is_object(o))
		return false;
	json_object_foreach((json_t *)(uintptr_t)o, event, n)
	{
		if (!json_is_integer(n) || json_integer_value(n) < 1 ||
		    json_integer_value(n) > COUNT_MAX ||
		    !add(out, event, strlen(event), (uint64_t)json_integer_value(n)))
			return false;
	}
	return true;
}

static bool read_range(const json_t *o, struct statement_range *out)
{
	return text_unhex(text_of(o, "epoch"), out->epoch, sizeof out->epoch) &&
	       text_unhex(text_of(o, "h"), out->h, sizeof out->h) &&
	       text_unhex(text_of(o, "h_prev"), out->h_prev, sizeof out->h_prev) &&
	       number_of(o, "from", &out->from) && number_of(o, "to", &out->to) && out->from >= 1 &&
	       out->to >= out->from;
}

static bool read_ranges(const json_t *list, struct statement *out)
{
	if (!json_is_array(list) || json_array_size(list) > STATEMENT_RANGES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!read_range(json_array_get(list, i), &out->range[i]))
			return false;
		for (size_t k = 0; k < i; k++) {
			if (memcmp(out->range[k].epoch, out->range[i].epoch, EVENT_EPOCH_BYTES) ==
			        0 &&
			    out->range[i].from <= out->range[k].to)
				return false;
		}
	}
	out->ranges = (int)json_array_size(list);
	return true;
}

static bool read_dates(const json_t *o, struct statement *out)
{
	return text_copy(out->first_date, sizeof out->first_date, text_of(o, "first_date")) &&
	       text_copy(out->business_date, sizeof out->business_date,
	                 text_of(o, "business_date")) &&
	       statement_date_ok(out->first_date) && statement_date_ok(out->business_date) &&
	       strcmp(out->first_date, out->business_date) <= 0;
}

static const char *fault_of(const json_t *o, struct statement *out)
{
	const char *signature = text_of(o, "signature");
	uint64_t version;

	if (!json_is_object(o))
		return "the properties are no object";
	if (!read_dates(o, out))
		return "first_date and business_date: expected two dates, the first not later";
	if (!text_copy(out->device, sizeof out->device, text_of(o, "device")) || !out->device[0])
		return "device: expected a name";
	if (!number_of(o, "version", &version) || version < 1 || version > VERSION_MAX)
		return "version: expected a number from 1";
	out->version = (int64_t)version;
	out->more = json_is_true(json_object_get(o, "more"));
	if (!read_counts(json_object_get(o, "counts"), &out->counts) ||
	    !read_counts(json_object_get(o, "training"), &out->training))
		return "counts, training: expected numbers of events by their names";
	if (!read_ranges(json_object_get(o, "ranges"), out))
		return "ranges: expected epoch, from, to, h and h_prev, each seq once";
	if (text_unb64(signature, strlen(signature), out->signature, sizeof out->signature) !=
	    VAULT_SIGNATURE_BYTES)
		return "signature: expected 64 bytes as base64url";
	return NULL;
}

int statement_read(const json_t *properties, struct statement *out, char *err, size_t err_size)
{
	memset(out, 0, sizeof *out);
	const char *fault = fault_of(properties, out);

	if (!fault)
		return 0;
	snprintf(err, err_size, "%s", fault);
	return -1;
}

/* ---- the signature ---- */

static void signed_head(const char *name, const char *store, struct buf *out)
{
	buf_add(out, name, strlen(name) + 1);
	buf_add(out, store, strlen(store) + 1);
}

/* An object without its signature, as it was signed: canonical JSON. */
static int signed_object(const char *name, const char *store, const json_t *object, struct buf *out)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)object);
	char *text;

	json_object_del(copy, "signature");
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	signed_head(name, store, out);
	if (text)
		buf_str(out, text);
	bool ok = text && !out->failed;
	free(text);
	return ok ? 0 : -1;
}

int statement_signed_bytes(const char *store, const json_t *properties, struct buf *out)
{
	return signed_object(DEVICE_HEAD, store, properties, out);
}

int statement_version_bytes(const char *store, const json_t *doc, struct buf *out)
{
	return signed_object(HQ_HEAD, store, doc, out);
}

bool statement_version_good(const char *store, const json_t *doc, const uint8_t pub[32])
{
	const char *text = text_of(doc, "signature");
	uint8_t signature[VAULT_SIGNATURE_BYTES];
	struct buf bytes = {0};
	bool good =
	    text_unb64(text, strlen(text), signature, sizeof signature) == VAULT_SIGNATURE_BYTES &&
	    statement_version_bytes(store, doc, &bytes) == 0 &&
	    vault_verify(pub, bytes.data, bytes.len, signature);

	buf_free(&bytes);
	return good;
}

int statement_sign(struct statement *s, const char *store, const uint8_t priv[32])
{
	struct buf bytes = {0};
	int rc = -1;

	signed_head(DEVICE_HEAD, store, &bytes);
	statement_write(s, false, &bytes);
	if (!bytes.failed)
		rc = vault_sign(priv, bytes.data, bytes.len, s->signature);
	buf_free(&bytes);
	return rc;
}
