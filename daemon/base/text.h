/* Bytes as text: hex, base64url without padding, UTF-8. */
#ifndef LANEWAY_BASE_TEXT_H
#define LANEWAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define TEXT_HEX_SIZE(n) (2 * (n) + 1)
#define TEXT_B64_SIZE(n) (((n)*4 + 2) / 3 + 1)

/* Lower-case hex with NUL; out has TEXT_HEX_SIZE(n). */
void text_hex(const void *bytes, size_t n, char *out);

/* Exactly 2*n hex digits of either case and nothing after them. */
bool text_unhex(const char *hex, void *out, size_t n);

/* base64url (RFC 4648 section 5), no padding, with NUL; out has TEXT_B64_SIZE(n). */
void text_b64(const void *bytes, size_t n, char *out);

/* Decode len characters into at most max bytes; the count, or -1 (bad character, bad length, too
 * long). */
ssize_t text_unb64(const char *b64, size_t len, void *out, size_t max);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool text_utf8_ok(const char *s, size_t n);

/* Has a control character (below 0x20, or 0x7f). */
bool text_has_control(const char *s, size_t n);

/* Has something that does not show as what it is: a control character, of C1 too, an end of line,
 * or a mark that turns the direction of the text around it (embedding, override, isolate). The
 * marks that single letters need are none of these. s is UTF-8. */
bool text_has_hidden(const char *s, size_t n);

/* Copy as much of src as fits with NUL, never half a character. The bytes without NUL. size > 0. */
size_t text_fit(char *dst, size_t size, const char *src);

/* Copy src with NUL if it fits into size, else leave dst empty and return false. */
bool text_copy(char *dst, size_t size, const char *src);

/* The one line that a stream has, without its end: its bytes, 0 for an empty one; -1: there is more
 * than a line, it is too long, or has a NUL. Behind the line of a terminal nothing is waited for.
 */
ssize_t text_one_line(FILE *in, char *out, size_t size);

#endif
