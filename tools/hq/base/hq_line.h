/* An event's line as it came from a store: its envelope read, the rest left as it is. Pure. */
#ifndef LANEWAY_HQ_LINE_H
#define LANEWAY_HQ_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct json_t;

/* Where the line stands: what its messageId has to say. */
struct hq_line_at {
	const char *store;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
};

struct hq_line {
	struct json_t *root; /* owns all that follows */
	const char *event;
	struct json_t *laneway, *properties;
	int64_t time_us;            /* originalTimestamp */
	const char *visit, *basket; /* "" when there is none */
	bool training;
};

/* NULL: the line can be used, and *out is to be freed. Else the reason why it is quarantined,
 * static: "not_json", "no_envelope", "wrong_message_id"; *out then holds nothing. */
const char *hq_line_read(const struct hq_line_at *at, const char *line, size_t len,
                         struct hq_line *out);
void hq_line_free(struct hq_line *line);

/* Which boot of the device the event is of, as 32 hex digits; "" when it does not say. And why its
 * time could be believed. */
const char *hq_line_boot(const struct hq_line *line);
enum clock_trust hq_line_trust(const struct hq_line *line);

/* A whole number of an object. false: there is none. */
bool hq_line_number(const struct json_t *object, const char *key, int64_t *out);

/* A text property; "" when it is missing, null or no text. */
const char *hq_line_text(const struct hq_line *line, const char *key);

/* What an `Epoch Opened` says. false: the line is none, or lacks what it needs. */
struct hq_line_opened {
	bool has_prev;
	uint8_t prev_epoch[EVENT_EPOCH_BYTES], prev_h[EVENT_HASH_BYTES];
	uint64_t prev_last_seq;
	char device[EVENT_STORE_SIZE];
};
bool hq_line_epoch_opened(const struct hq_line *line, struct hq_line_opened *out);

/* The parts of `sealed`, decoded. false: there is none, or it is not one. */
#define HQ_LINE_PERSON_MAX 4096 /* bytes; what names a person is short */
struct hq_line_sealed {
	uint8_t key_id[EVENT_ID_BYTES];
	size_t len;
	uint8_t seal[HQ_LINE_PERSON_MAX]; /* nonce || ciphertext || tag */
};
bool hq_line_sealed(const struct hq_line *line, struct hq_line_sealed *out);

#endif
