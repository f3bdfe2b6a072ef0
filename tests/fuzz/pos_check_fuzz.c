/* Any JSON value at all, also what a connection would not let through, against the table of
 * messages. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "capture/pos.h"

static void need(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pos_fault fault;
	enum till_type type = TILL_TYPE_COUNT;
	if (size < 1)
		return 0;
	int digits = data[0] % 5;
	json_t *body =
	    json_loadb((const char *)data + 1, size - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (body == NULL)
		return 0;
	int r = pos_check(body, digits, &type, &fault);
	if (r == 0) {
		need(type < TILL_TYPE_COUNT);
	} else {
		need(fault.code[0] != '\0' && fault.message[0] != '\0');
		need(text_utf8_ok(fault.field, strlen(fault.field)));
		need(text_utf8_ok(fault.message, strlen(fault.message)));
	}
	json_decref(body);
	return 0;
}
