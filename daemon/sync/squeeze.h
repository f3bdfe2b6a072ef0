/* Lines without what can be worked out: the form in which wire versions 2 and 3 carry them. Pure.
 *
 * A line is taken apart into its shape (the text between its values) and its values. A value that
 * the reader can work out (the epoch, the seq, the same as in an earlier line, one more than there,
 * the time that goes with mono_us) costs one small number; random ids and hex digits go as bytes;
 * everything else goes as text. Any bytes can be packed: a line that has no shape travels whole.
 * What is unpacked is byte for byte what was packed; WIRE.md section 7.
 */
#ifndef LANEWAY_SYNC_SQUEEZE_H
#define LANEWAY_SYNC_SQUEEZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"

#define SQUEEZE_TEXT_MAX (2 * 1024 * 1024) /* bytes of the form, before zstd */
#define SQUEEZE_VALUES_MAX 262144          /* values of all lines of a batch */
#define SQUEEZE_SHAPES_MAX 1024            /* shapes of a batch; further lines travel whole */

struct squeeze;                    /* scratch of one thread */
struct squeeze *squeeze_new(void); /* NULL: out of memory */
void squeeze_free(struct squeeze *s);

/* Whose lines they are: what of them both sides know. */
struct squeeze_head {
	const char *store;
	const uint8_t *epoch;
	uint64_t first;
	uint32_t count;
};

/* `count` lines, each ended by '\n', of which none is longer than EVENT_LINE_MAX. text: what zstd
 * makes small; raw: what it cannot. Both are replaced and hold until the next call. 0, or -1: out
 * of memory, or over the bounds above. */
int squeeze_pack(struct squeeze *s, const struct squeeze_head *head, const uint8_t *lines, size_t n,
                 const struct buf **text, const struct buf **raw);

/* The inverse, safe on any bytes. Appends `count` lines of together at most `max` bytes to out. 0,
 * or -1 (then what was appended means nothing). out must be another buffer than those of s. */
struct squeeze_form {
	const uint8_t *text, *raw;
	size_t text_len, raw_len;
};
int squeeze_unpack(struct squeeze *s, const struct squeeze_head *head,
                   const struct squeeze_form *form, size_t max, struct buf *out);

#endif
