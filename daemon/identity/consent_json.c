#include "identity/consent_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/json_part.h"

/* One list while it is read: what it owns has room for all that the JSON can hold. */
struct reading {
	struct consent_list *out;
	size_t cover_count, text_len;
	char *err;
	size_t err_size;
};

static int fault(const struct reading *r, const char *member, const char *expected)
{
	snprintf(r->err, r->err_size, "choices: %s: expected %s", member, expected);
	return -1;
}

void consent_list_free(struct consent_list *l)
{
	free(l->choice);
	free(l->covers);
	free(l->text);
	memset(l, 0, sizeof *l);
}

static const char *keep_text(struct reading *r, const char *text)
{
	if (!text || !text[0])
		return NULL;
	char *at = r->out->text + r->text_len;
	size_t n = strlen(text) + 1;
	memcpy(at, text, n);
	r->text_len += n;
	return at;
}

/* Room for `count` choices that cover `covers` units in all. */
static int begin(struct reading *r, size_t count, size_t covers)
{
	struct consent_list *l = r->out;

	memset(l, 0, sizeof *l);
	l->choice = memory_zeroed(count + 1, sizeof *l->choice);
	l->covers = memory_zeroed(covers + 1, sizeof *l->covers);
	l->text = memory_zeroed(count + 1, CONSENT_TEXT_MAX + CONSENT_LANGUAGE_MAX + 2);
	if (l->choice && l->covers && l->text)
		return 0;
	consent_list_free(l);
	snprintf(r->err, r->err_size, "choices: out of memory");
	return -1;
}

static int end(struct reading *r, int rc)
{
	if (rc < 0)
		consent_list_free(r->out);
	return rc;
}

static int read_covers(struct reading *r, const json_t *covers, struct consent_choice *c)
{
	size_t n = json_array_size(covers);

	c->covers = r->out->covers + r->cover_count;
	for (size_t i = 0; i < n; i++) {
		if (!json_part_ref(json_array_get(covers, i), &r->out->covers[r->cover_count++]))
			return fault(r, "covers", "references of units");
	}
	c->cover_count = n;
	return 0;
}

/* false: of something that cannot be asked about. */
static bool read_what(struct consent_choice *c, const char *purpose, const char *channel)
{
	c->purpose = consent_purpose_named(purpose);
	c->channel = consent_channel_named(channel);
	return c->purpose != CONSENT_PURPOSE_COUNT && c->channel != CONSENT_CHANNEL_COUNT;
}

/* false: it says nothing. */
static bool read_said(struct consent_choice *c, const char *value, const char *method)
{
	c->value = consent_value_named(value);
	c->method = consent_method_named(method);
	if (c->value == CONSENT_VALUE_COUNT)
		c->value = CONSENT_WITHDRAWN;
	bool forbids = c->value == CONSENT_REFUSED || c->value == CONSENT_WITHDRAWN;
	if (c->method == CONSENT_METHOD_COUNT) {
		if (!forbids)
			return false;
		c->method = CONSENT_COMPLAINT;
	}
	if (c->method == CONSENT_STOP || c->method == CONSENT_COMPLAINT)
		c->value = CONSENT_WITHDRAWN;
	return forbids || c->value == CONSENT_GRANTED || c->value == CONSENT_WITHDRAWN;
}

static int read_whose(const struct reading *r, const json_t *unit, const json_t *address,
                      struct consent_choice *c)
{
	if (unit && !json_part_ref(unit, &c->unit))
		return fault(r, "unit", "a reference");
	if (address && !json_part_ref(address, &c->address))
		return fault(r, "address", "a reference");
	if (!unit && !address)
		return fault(r, "unit", "a unit or an address");
	return 0;
}

static int read_wording(struct reading *r, const json_t *text, const json_t *language,
                        struct consent_choice *c)
{
	/* A STOP was said in nobody's words. */
	if (text && !json_is_null(text) && !json_part_text(text, CONSENT_TEXT_MAX))
		return fault(r, "text", "text of at most 32 bytes");
	if (language && !json_is_null(language) && !json_part_text(language, CONSENT_LANGUAGE_MAX))
		return fault(r, "language", "text of at most 35 bytes");
	c->text_version = keep_text(r, json_string_value(text));
	c->language = keep_text(r, json_string_value(language));
	c->has_text = c->text_version != NULL;
	return 0;
}

static int read_words(const struct reading *r, const json_t *object, struct consent_choice *c,
                      bool *counts)
{
	static const char *const members[] = {"purpose", "channel", "value", "method"};
	const char *word[4];

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		word[i] = json_part_text(json_object_get(object, members[i]), CONSENT_TEXT_MAX);
		if (!word[i])
			return fault(r, members[i], "a word of at most 32 bytes");
	}
	*counts = read_what(c, word[0], word[1]) && read_said(c, word[2], word[3]);
	return 0;
}

static int read_choice(struct reading *r, const json_t *object)
{
	struct consent_choice c = {.value = CONSENT_NOT_ASKED};
	bool counts;

	if (!json_is_object(object))
		return fault(r, "choice", "an object");
	if (!json_part_ref(json_object_get(object, "id"), &c.id))
		return fault(r, "id", "a reference");
	if (!json_part_at(json_object_get(object, "at"), &c.from_us, &c.to_us))
		return fault(r, "at", "one time, or two that do not fall");
	if (read_words(r, object, &c, &counts) != 0 ||
	    read_whose(r, json_object_get(object, "unit"), json_object_get(object, "address"),
	               &c) != 0 ||
	    read_covers(r, json_object_get(object, "covers"), &c) != 0 ||
	    read_wording(r, json_object_get(object, "text"), json_object_get(object, "language"),
	                 &c) != 0)
		return -1;
	if (counts)
		r->out->choice[r->out->count++] = c;
	return 0;
}

/* How many units all choices cover; -1: more than one may. */
static int count_covers(const json_t *choices, size_t *total)
{
	*total = 0;
	for (size_t i = 0; i < json_array_size(choices); i++) {
		const json_t *covers = json_object_get(json_array_get(choices, i), "covers");
		if ((covers && !json_is_array(covers)) ||
		    json_array_size(covers) > CONSENT_COVERS_MAX)
			return -1;
		*total += json_array_size(covers);
	}
	return 0;
}

int consent_json_read(const struct json_t *choices, struct consent_list *out, char *err,
                      size_t err_size)
{
	struct reading r = {.out = out, .err = err, .err_size = err_size};
	size_t n = json_array_size(choices), covers;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if ((choices && !json_is_array(choices)) || n > CONSENT_CHOICES_MAX)
		return fault(&r, "list", "a list of at most 512");
	if (count_covers(choices, &covers) != 0)
		return fault(&r, "covers", "a list of at most 256");
	if (begin(&r, n, covers) != 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_choice(&r, json_array_get(choices, i));
	return end(&r, rc);
}

static int read_event(struct reading *r, const json_t *p, const json_t *sealed)
{
	struct consent_choice c = {.value = CONSENT_NOT_ASKED};
	json_t *at = json_pack("[O?, O?]", json_object_get(p, "chosen_from"),
	                       json_object_get(p, "chosen_to"));
	bool timed = at && json_part_at(at, &c.from_us, &c.to_us), counts;

	json_decref(at);
	if (!timed)
		return fault(r, "chosen_from, chosen_to", "two times that do not fall");
	if (!json_part_ref(json_object_get(p, "choice_id"), &c.id))
		return fault(r, "choice_id", "a reference");
	if (read_words(r, p, &c, &counts) != 0 ||
	    read_whose(r, json_object_get(sealed, "unit"), json_object_get(p, "ident_ref"), &c) !=
	        0 ||
	    read_covers(r, json_object_get(sealed, "covers"), &c) != 0 ||
	    read_wording(r, json_object_get(p, "text_version"), json_object_get(p, "language"),
	                 &c) != 0)
		return -1;
	if (!counts)
		return fault(r, "purpose, channel, value, method", "words of this release");
	r->out->choice[r->out->count++] = c;
	return 0;
}

int consent_json_event(const struct json_t *properties, const struct json_t *sealed,
                       struct consent_list *out, char *err, size_t err_size)
{
	struct reading r = {.out = out, .err = err, .err_size = err_size};
	const json_t *covers = json_object_get(sealed, "covers");

	memset(out, 0, sizeof *out);
	if ((covers && !json_is_array(covers)) || json_array_size(covers) > CONSENT_COVERS_MAX)
		return fault(&r, "covers", "a list of at most 256");
	if (begin(&r, 1, json_array_size(covers)) != 0)
		return -1;
	return end(&r, read_event(&r, properties, sealed));
}
