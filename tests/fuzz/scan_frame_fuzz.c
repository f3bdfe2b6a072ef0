/* A scanner's bytes in pieces, as the port gives them: four bytes of parameters, then the input. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "capture/scanner.h"

#define HEAD_BYTES 4

static void need(bool right)
{
	if (!right)
		abort();
}

static struct scanner_params params_of(const uint8_t head[HEAD_BYTES])
{
	struct scanner_params p = {.terminator = (enum scan_terminator)(head[0] % 5),
	                           .aim = (head[0] & 0x80) != 0,
	                           .length_min = 1 + head[1] % 8,
	                           .length_max = 8 + head[2]};
	if (head[0] & 0x40)
		strcpy(p.prefix, head[0] & 0x20 ? "\n#" : "\x02");
	return p;
}

static void check_scan(const struct scanner_params *p, const struct frame_scan *s,
                       const uint8_t *data, size_t drop)
{
	char text[2 * 264 + 1];
	need((const uint8_t *)s->value >= data &&
	     (const uint8_t *)s->value + s->len <= data + drop);
	need(s->len >= (size_t)p->length_min && s->len <= (size_t)p->length_max);
	need((strlen(s->symbology) == 3) == p->aim);
	size_t n = scan_frame_text(s, text, sizeof(text));
	need(n >= s->len && n <= 2 * s->len && text[n] == '\0' && text_utf8_ok(text, n));
	for (size_t i = 0; i < n; i++)
		need((uint8_t)text[i] >= 0x20 || text[i] == 0x1D);
	need(scan_frame_text(s, text, n) == 0);
}

/* Everything in in[0..n) that is over; what is left stays. */
static size_t consume(const struct scanner_params *p, uint8_t *in, size_t n, bool idle,
                      bool *skipping)
{
	size_t at = 0, drop;
	while (at < n) {
		/* A copy of its own size, so that a read behind the end is seen. */
		size_t left = n - at;
		uint8_t *data = malloc(left);
		need(data != NULL);
		memcpy(data, in + at, left);
		struct frame_scan s = {0};
		enum frame_result r = FRAME_EMPTY;
		if (*skipping)
			*skipping = !scan_frame_skip(p, data, left, &drop);
		else
			r = scan_frame(p, data, left, idle, &s, &drop);
		need(drop <= left && (r != FRAME_NEED_MORE || drop == 0));
		need(r == FRAME_NEED_MORE || r == FRAME_EMPTY || drop > 0);
		if (r == FRAME_SCAN)
			check_scan(p, &s, data, drop);
		if (s.unended)
			*skipping = true;
		free(data);
		at += drop;
		if (drop == 0)
			break;
	}
	memmove(in, in + at, n - at);
	return n - at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD_BYTES)
		return 0;
	struct scanner_params p = params_of(data);
	uint8_t in[1024];
	size_t n = 0, piece = 1 + data[3];
	bool skipping = false;
	for (size_t at = HEAD_BYTES; at < size; at += piece) {
		size_t k = size - at < piece ? size - at : piece;
		need(n + k <= sizeof(in));
		memcpy(in + n, data + at, k);
		n = consume(&p, in, n + k, false, &skipping);
	}
	n = consume(&p, in, n, true, &skipping);
	need(n <= 1 && (n == 0 || skipping));
	return 0;
}
