#include "hq/base/hq_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/sealed.h"

#define HQ_LINE_MESSAGE_ID_SIZE (EVENT_STORE_SIZE + EVENT_EPOCH_SIZE + 24)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool names_this_place(const struct hq_line_at *at, const json_t *root, const json_t *laneway)
{
	char epoch[EVENT_EPOCH_SIZE], id[HQ_LINE_MESSAGE_ID_SIZE];
	const json_t *seq = json_object_get(laneway, "seq");

	text_hex(at->epoch, EVENT_EPOCH_BYTES, epoch);
	snprintf(id, sizeof id, "%s:%s:%" PRIu64, at->store, epoch, at->seq);
	return strcmp(text_of(root, "messageId"), id) == 0 &&
	       strcmp(text_of(laneway, "store"), at->store) == 0 &&
	       strcmp(text_of(laneway, "epoch"), epoch) == 0 && json_is_integer(seq) &&
	       json_integer_value(seq) == (json_int_t)at->seq;
}

const char *hq_line_read(const struct hq_line_at *at, const char *line, size_t len,
                         struct hq_line *out)
{
	const char *reason = "no_envelope";

	memset(out, 0, sizeof *out);
	out->root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!out->root)
		return "not_json";
	out->event = json_string_value(json_object_get(out->root, "event"));
	out->properties = json_object_get(out->root, "properties");
	out->laneway = json_object_get(json_object_get(out->root, "context"), "laneway");
	if (!out->event || !json_is_object(out->properties) || !json_is_object(out->laneway) ||
	    clock_parse_iso8601(text_of(out->root, "originalTimestamp"), &out->time_us) != 0)
		goto err_free;
	reason = "wrong_message_id";
	if (!names_this_place(at, out->root, out->laneway))
		goto err_free;
	out->visit = text_of(out->laneway, "visit_id");
	out->basket = text_of(out->laneway, "basket_id");
	out->training = json_is_true(json_object_get(out->laneway, "training"));
	return NULL;
err_free:
	hq_line_free(out);
	return reason;
}

void hq_line_free(struct hq_line *line)
{
	json_decref(line->root);
	memset(line, 0, sizeof *line);
}

const char *hq_line_boot(const struct hq_line *line)
{
	return text_of(line->laneway, "boot");
}

enum clock_trust hq_line_trust(const struct hq_line *line)
{
	return clock_trust_of(text_of(line->laneway, "clock"));
}

bool hq_line_number(const struct json_t *object, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(object, key);

	*out = json_integer_value(v);
	return json_is_integer(v);
}

const char *hq_line_text(const struct hq_line *line, const char *key)
{
	return text_of(line->properties, key);
}

bool hq_line_epoch_opened(const struct hq_line *line, struct hq_line_opened *out)
{
	const json_t *last = json_object_get(line->properties, "prev_last_seq");
	const char *prev = hq_line_text(line, "prev_epoch");

	memset(out, 0, sizeof *out);
	if (strcmp(line->event, lw_event_name(EVENT_EPOCH_OPENED)) != 0)
		return false;
	if (!text_copy(out->device, sizeof out->device, hq_line_text(line, "device")) ||
	    !json_is_integer(last) || json_integer_value(last) < 0 ||
	    !text_unhex(hq_line_text(line, "prev_h"), out->prev_h, sizeof out->prev_h))
		return false;
	out->prev_last_seq = (uint64_t)json_integer_value(last);
	out->has_prev = text_unhex(prev, out->prev_epoch, sizeof out->prev_epoch);
	return out->has_prev || json_is_null(json_object_get(line->properties, "prev_epoch"));
}

bool hq_line_sealed(const struct hq_line *line, struct hq_line_sealed *out)
{
	const json_t *sealed = json_object_get(line->laneway, "sealed");
	const char *k = text_of(sealed, "k");
	ssize_t got;

	if (text_unb64(k, strlen(k), out->key_id, sizeof out->key_id) != EVENT_ID_BYTES)
		return false;
	got = sealed_bytes(text_of(sealed, "n"), text_of(sealed, "c"), out->seal, sizeof out->seal);
	if (got < 0)
		return false;
	out->len = (size_t)got;
	return true;
}
