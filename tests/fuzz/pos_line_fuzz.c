/* One line as it comes from a till's socket. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "capture/pos_internal.h"

static void need(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pos_fault fault;
	enum till_type type;
	json_t *body;
	char session[EVENT_SESSION_SIZE];
	uint64_t counter;
	int r = pos_line_read((const char *)data, size, 2, &body, &type, &fault);
	if (r < 0) {
		need(fault.code[0] != '\0' && fault.message[0] != '\0');
		need(text_utf8_ok(fault.field, strlen(fault.field)));
	} else {
		need(type < TILL_TYPE_COUNT && json_is_object(body));
		const char *id = json_string_value(json_object_get(body, "source_message_id"));
		need((id == NULL) == (type == TILL_HELLO || type == TILL_MADE));
		need(id == NULL || pos_check_id(id, session, &counter));
	}
	json_decref(body);
	return 0;
}
