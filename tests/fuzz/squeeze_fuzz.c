/* Arbitrary bytes as lines: what is packed is unpacked the same. Arbitrary bytes as a packed form:
 * it stays within its bounds, and what it unpacks to can be packed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/squeeze.h"

#define LINES_MAX 65536

static const uint8_t epoch[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void there_and_back(struct squeeze *s, struct squeeze_head *head, const uint8_t *lines,
                           size_t n)
{
	const struct buf *text, *raw;
	struct buf form = {0}, out = {0};
	head->count = 0;
	for (size_t i = 0; i < n; i++)
		head->count += lines[i] == '\n';
	if (squeeze_pack(s, head, lines, n, &text, &raw) == 0) {
		buf_add(&form, text->data, text->len);
		buf_add(&form, raw->data, raw->len);
		struct squeeze_form f = {form.data, form.data + text->len, text->len, raw->len};
		if (squeeze_unpack(s, head, &f, n, &out) || out.len != n ||
		    memcmp(out.data, lines, n) != 0)
			abort();
	}
	buf_free(&form);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct squeeze *s = squeeze_new();
	struct squeeze_head head = {.store = "s1", .epoch = epoch, .first = 7};
	struct buf lines = {0};
	buf_add(&lines, data, size);
	buf_byte(&lines, '\n');
	there_and_back(s, &head, lines.data, lines.len);
	if (size >= 3) {
		size_t raw = data[1] < size - 2 ? data[1] : size - 2;
		struct squeeze_form form = {data + 2 + raw, data + 2, size - 2 - raw, raw};
		head.count = data[0];
		buf_reset(&lines);
		if (squeeze_unpack(s, &head, &form, LINES_MAX, &lines) == 0) {
			if (lines.len > LINES_MAX)
				abort();
			there_and_back(s, &head, lines.data, lines.len);
		}
	}
	buf_free(&lines);
	squeeze_free(s);
	return 0;
}
