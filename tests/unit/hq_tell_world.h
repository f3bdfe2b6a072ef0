/* HQ's answers as a device opens them. */
#ifndef LANEWAY_TESTS_HQ_TELL_WORLD_H
#define LANEWAY_TESTS_HQ_TELL_WORLD_H

#include "hq_world.h"

#include <jansson.h>

#include "hq/identity/hq_profile.h"
#include "hq/tell/hq_tell.h"
#include "sync/inquiry.h"

struct telling {
	struct world *w;
	struct key_pair device;
	struct hq_tell *tell;
	json_t *header;
	char *lines; /* of the last page */
};

static inline int telling_set_up(void **state)
{
	struct telling *t = calloc(1, sizeof *t);
	char path[160];

	t->w = world_new();
	t->device = key_pair(EVP_PKEY_X25519, 33);
	snprintf(path, sizeof path, "%s/stores", t->w->dir);
	mkdir(path, 0700);
	strcat(path, "/s1");
	mkdir(path, 0700);
	strcat(path, "/d1");
	mkdir(path, 0700);
	world_write_public(t->w, "stores/s1/d1/device-box.pub", EVP_PKEY_X25519, t->device.pub);
	t->tell = hq_tell_new(t->w->db, t->w->keys, &t->w->clock);
	*state = t;
	return 0;
}

static inline int telling_tear_down(void **state)
{
	struct telling *t = *state;

	json_decref(t->header);
	free(t->lines);
	hq_tell_free(t->tell);
	world_free(t->w);
	free(t);
	return 0;
}

/* Ask as device d1 of store s1 and open the answer as that device does. */
static inline void ask_with(struct telling *t, const char *text)
{
	char err[200];
	struct buf out = {0};
	struct frame frame;
	const uint8_t *lines;
	size_t len;

	assert_int_equal(hq_tell_answer(t->tell, "s1", text, strlen(text), &out), 0);
	if (frame_decode("LNWT", "s1", out.data, out.len, t->w->sign.pub, &frame, err,
	                 sizeof err) != 0)
		fail_msg("%s", err);
	json_decref(t->header);
	t->header = json_loadb(frame.header, frame.header_len, 0, NULL);
	assert_non_null(t->header);
	if (page_decode(t->w->codec, "s1", "d1", t->device.priv, frame.body, frame.body_len, &lines,
	                &len, err, sizeof err) != 0)
		fail_msg("%s", err);
	free(t->lines);
	t->lines = strndup((const char *)lines, len);
	buf_free(&out);
}

static inline void ask(struct telling *t, const char *generation, uint64_t since)
{
	char text[256];

	snprintf(text, sizeof text,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	         "\"generation\":\"%s\","
	         "\"since\":%" PRIu64 "}",
	         generation, since);
	ask_with(t, text);
}

/* What was told to d1: header and lines. */
static inline void take_told(struct telling *t, const struct buf *told)
{
	struct frame frame;
	const uint8_t *lines;
	size_t len;
	char err[200];

	assert_int_equal(frame_decode("LNWT", "s1", told->data, told->len, t->w->sign.pub, &frame,
	                              err, sizeof err),
	                 0);
	json_decref(t->header);
	t->header = json_loadb(frame.header, frame.header_len, 0, NULL);
	assert_int_equal(page_decode(t->w->codec, "s1", "d1", t->device.priv, frame.body,
	                             frame.body_len, &lines, &len, err, sizeof err),
	                 0);
	free(t->lines);
	t->lines = strndup((const char *)lines, len);
}

/* Ask for one profile, sealed to HQ. 0 with its lines, or -1: not answered. */
static inline int ask_one(struct telling *t, const char *device, const char *value)
{
	uint8_t box[INQUIRY_PLAIN_BYTES + VAULT_BOX_OVERHEAD];
	char plain[INQUIRY_PLAIN_BYTES], context[INQUIRY_CONTEXT_MAX];
	char b64[TEXT_B64_SIZE(sizeof box)], text[1200];
	struct buf out = {0};
	size_t n = inquiry_context("s1", "d1", "0123456789abcdef", context);
	int rc;

	memset(plain, ' ', sizeof plain);
	snprintf(text, sizeof text, "{\"kind\":\"email\",\"value\":\"%s\"}", value);
	memcpy(plain, text, strlen(text));
	assert_int_equal(
	    vault_box(t->w->work, t->w->box.pub, "ask", context, n, plain, sizeof plain, box), 0);
	text_b64(box, sizeof box, b64);
	snprintf(text, sizeof text,
	         "{\"v\":1,\"device\":\"%s\",\"id\":\"0123456789abcdef\",\"ask\":\"profile\","
	         "\"box\":\"%s\"}",
	         device, b64);
	rc = hq_tell_answer(t->tell, "s1", text, strlen(text), &out);
	if (rc == 0)
		take_told(t, &out);
	buf_free(&out);
	return rc;
}

#endif
