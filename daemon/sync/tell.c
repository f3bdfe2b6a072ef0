#include "sync/tell.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *tell_fault(const json_t *root, struct tell *out)
{
	const char *kind = json_string_value(json_object_get(root, "tell"));
	const char *device = json_string_value(json_object_get(root, "device"));
	const char *id = json_string_value(json_object_get(root, "id"));
	uint8_t bytes[8];

	if (!json_is_object(root))
		return "header: expected a JSON object";
	if (json_integer_value(json_object_get(root, "v")) != 1)
		return "v: expected 1";
	if (!kind || !kind[0] || !text_copy(out->kind, sizeof(out->kind), kind))
		return "tell: expected what it tells";
	if (!device || !device[0] || !text_copy(out->device, sizeof(out->device), device))
		return "device: expected a name";
	if (!id || !text_unhex(id, bytes, sizeof(bytes)))
		return "id: expected 16 hex digits";
	text_hex(bytes, sizeof(bytes), out->id);
	return NULL;
}

int tell_parse(const char *json, size_t len, struct tell *out, char *err, size_t err_size)
{
	memset(out, 0, sizeof(*out));
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const char *fault = tell_fault(root, out);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "the tell's %s", fault);
	return -1;
}
