#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/shard_internal.h"

static int fault(char *err, size_t err_size, const char *member, const char *expected)
{
	snprintf(err, err_size, "%s: expected %s", member, expected);
	return -1;
}

/* Text of 1 to size - 1 bytes without control characters. */
static bool read_exact(const json_t *object, const char *member, char *out, size_t size)
{
	const json_t *value = json_object_get(object, member);
	size_t n = json_string_length(value);

	if (!json_is_string(value) || n == 0 || n >= size ||
	    text_has_control(json_string_value(value), n))
		return false;
	memcpy(out, json_string_value(value), n + 1);
	return true;
}

/* Absent and null are the same; an integer where text is due is not. */
static bool read_display(const json_t *root, const char *member, char *out, size_t size)
{
	const json_t *value = json_object_get(root, member);
	size_t n = json_string_length(value);

	out[0] = '\0';
	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_string(value))
		return false;
	if (n >= size)
		n = size - 1;
	while (n > 0 && n < json_string_length(value) &&
	       ((unsigned char)json_string_value(value)[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, json_string_value(value), n);
	out[n] = '\0';
	return true;
}

/* A state that this release does not know earns and is asked about, but joins nobody: shared. */
static bool read_ident_state(struct shard_ident *out, const json_t *object)
{
	const json_t *state = json_object_get(object, "state");

	out->blocked = json_is_string(state) && strcmp(json_string_value(state), "blocked") == 0;
	out->shared = json_string_length(state) > 0 && !out->blocked;
	return state == NULL || json_is_null(state) || json_is_string(state);
}

static int read_ident(struct shard_ident *out, const json_t *object, char *err, size_t err_size)
{
	const json_t *ref = json_object_get(object, "ref");
	const json_t *verified = json_object_get(object, "verified");

	if (!read_exact(object, "kind", out->kind, sizeof(out->kind)) ||
	    strchr(out->kind, '|') != NULL)
		return fault(err, err_size, "identifiers[].kind",
		             "1 to 32 bytes of text without '|'");
	if (!read_exact(object, "value", out->value, sizeof(out->value)))
		return fault(err, err_size, "identifiers[].value", "1 to 320 bytes of text");
	if (!json_is_string(ref) ||
	    text_unb64(json_string_value(ref), json_string_length(ref), out->ref,
	               sizeof(out->ref)) != (ssize_t)sizeof(out->ref))
		return fault(err, err_size, "identifiers[].ref", "16 bytes in base64url");
	if (verified != NULL && !json_is_boolean(verified))
		return fault(err, err_size, "identifiers[].verified", "true or false");
	out->verified = json_is_true(verified);
	if (!read_ident_state(out, object))
		return fault(err, err_size, "identifiers[].state", "text");
	return read_display(object, "seen", out->seen, sizeof(out->seen))
	           ? 0
	           : fault(err, err_size, "identifiers[].seen", "text");
}

static int read_idents(struct shard_line *out, const json_t *root, char *err, size_t err_size)
{
	const json_t *idents = json_object_get(root, "identifiers");

	out->ident_count = 0;
	if (idents == NULL)
		return 0;
	if (!json_is_array(idents) || json_array_size(idents) > SHARD_IDENTS_MAX)
		return fault(err, err_size, "identifiers", "an array of at most 32");
	for (size_t i = 0; i < json_array_size(idents); i++) {
		if (read_ident(&out->idents[i], json_array_get(idents, i), err, err_size) != 0)
			return -1;
		out->ident_count++;
	}
	return 0;
}

static bool read_count(const json_t *root, const char *member, uint64_t *out)
{
	const json_t *value = json_object_get(root, member);

	*out = 0;
	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_points(const json_t *root, struct profile *out)
{
	const json_t *points = json_object_get(root, "points");

	out->has_points = json_is_integer(points);
	out->points = json_integer_value(points);
	return points == NULL || json_is_null(points) || out->has_points;
}

/* A state that this release does not know hides the person, which is never wrong for long. */
static bool read_state(const json_t *root, struct profile *out)
{
	char state[33];

	if (!read_display(root, "state", state, sizeof(state)))
		return false;
	out->restricted = strcmp(state, "restricted") == 0;
	out->confidential = !out->restricted && state[0] != '\0' && strcmp(state, "active") != 0;
	return true;
}

/* NULL, or the member that is wrong. */
static const char *read_profile(struct profile *out, const json_t *root)
{
	const struct {
		const char *member;
		char *out;
		size_t size;
	} texts[] = {
	    {"first_name", out->first_name, sizeof(out->first_name)},
	    {"name", out->name, sizeof(out->name)},
	    {"tier", out->tier, sizeof(out->tier)},
	    {"points_as_of", out->points_as_of, sizeof(out->points_as_of)},
	    {"language", out->language, sizeof(out->language)},
	    {"last_seen", out->last_seen, sizeof(out->last_seen)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!read_display(root, texts[i].member, texts[i].out, texts[i].size))
			return texts[i].member;
	}
	if (!read_count(root, "visits", &out->visits))
		return "visits";
	if (!read_points(root, out))
		return "points";
	return read_state(root, out) ? NULL : "state";
}

static int read_line(struct shard_line *out, const json_t *root, char *err, size_t err_size)
{
	const json_t *deleted = json_object_get(root, "deleted");
	const char *wrong;

	memset(&out->profile, 0, sizeof(out->profile));
	if (!read_exact(root, "customer_id", out->profile.customer_id,
	                sizeof(out->profile.customer_id)))
		return fault(err, err_size, "customer_id", "1 to 32 bytes of text");
	if (!json_is_integer(json_object_get(root, "version")) ||
	    !read_count(root, "version", &out->profile.version))
		return fault(err, err_size, "version", "an integer from 0");
	if (deleted != NULL && !json_is_boolean(deleted))
		return fault(err, err_size, "deleted", "true or false");
	out->deleted = json_is_true(deleted);
	wrong = read_profile(&out->profile, root);
	if (wrong == NULL && !read_count(root, "shortfall", &out->shortfall))
		wrong = "shortfall";
	if (wrong != NULL)
		return fault(err, err_size, wrong, "the type that a profile has there");
	return read_idents(out, root, err, err_size);
}

int shard_line_parse(struct shard_line *out, const char *line, size_t len, char *err,
                     size_t err_size)
{
	json_t *root;
	int rc;

	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return fault(err, err_size, "line", "a JSON object");
	}
	rc = read_line(out, root, err, err_size);
	json_decref(root);
	return rc;
}

int shard_line_read(struct shard_line *out, const char *line, size_t len, char *err,
                    size_t err_size)
{
	if (len > SHARD_PROFILE_MAX)
		return fault(err, err_size, "line", "at most 16384 bytes");
	if (!shard_line_quick(out, line, len) &&
	    shard_line_parse(out, line, len, err, err_size) != 0)
		return -1;
	shard_line_fold(out);
	return 0;
}
