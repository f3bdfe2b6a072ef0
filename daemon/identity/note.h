/* Notes for the staff: what a customer needs, out of a list that every cashier may choose from; and
 * one text, which is a manager's and is over after a while.
 *
 * A person may have several. A fact of FIELD_NOTE is "assistance" (a code of the list), "text:rings
 * twice" (the text), and with nothing behind the colon, "assistance:", that there is none any more.
 */
#ifndef LANEWAY_IDENTITY_NOTE_H
#define LANEWAY_IDENTITY_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/field.h"

#define NOTE_TEXT "text:"
#define NOTE_CHARS_MAX 200
#define NOTE_US (90 * 86400 * INT64_C(1000000)) /* a text is over then */

/* Is it of the list? */
bool note_listed(const char *code);
/* Its codes in order; NULL behind the last. */
const char *note_code(size_t i);
/* What a note says to the staff: a code's words, or a manager's own. Of another release's code the
 * code. Points into the value, or is static. */
const char *note_words(const char *value);
/* How many bytes of the value say what it is about: two facts with the same are about one thing. */
size_t note_subject(const char *value);
/* Does it say that there is none? */
bool note_taken_back(const char *value);
/* Is it a text, and not of the list? */
bool note_is_text(const char *value);
/* Is it a text that is over? now_us 0: not known, then nothing is. */
bool note_over(const struct field_fact *f, int64_t now_us);

#endif
