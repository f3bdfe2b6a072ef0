/* Names and addresses as they are compared, and how alike two of them are.
 *
 * A form has lower-case letters without marks, digits, and single spaces: "von der Leyen" ->
 * "von der leyen", "Müller" and "Mueller" -> "muller", "O'Brien" -> "obrien". Two texts with one
 * form are the same to a person who reads them aloud. Forms are for comparing only and are shown to
 * nobody. Letters of other scripts stay as they are. Everything here is pure.
 */
#ifndef LANEWAY_IDENTITY_SCORE_TEXT_H
#define LANEWAY_IDENTITY_SCORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCORE_TEXT_SIZE 72     /* of a form, with NUL; longer ones are cut between characters */
#define SCORE_TEXT_CODE_SIZE 9 /* of a sound, with NUL */

/* The form of a text (UTF-8; what is broken is left out). Empty when nothing is left. */
void score_text_form(const char *text, char out[SCORE_TEXT_SIZE]);

/* A street's form without its number: "Hauptstr.", "Haupt Strasse" and "Hauptstraße" are one, "St",
 * "Rd", "Ave" are written out. house gets the number: "12a", "12-14"; empty when there is none at
 * its end or (as in French and English addresses) at its beginning. */
void score_text_street(const char *text, char street[SCORE_TEXT_SIZE], char house[SCORE_TEXT_SIZE]);

/* A house number or a postcode: its form without spaces. "12 A" -> "12a", "SW1A 1AA" -> "sw1a1aa".
 */
void score_text_code(const char *text, char out[SCORE_TEXT_SIZE]);

/* A birth date as yyyymmdd: "1990-02-28", "28.02.1990", "28/02/1990", "19900228". A day
 * that the month has not is kept as it was typed. 0: it is no date. */
uint32_t score_text_born(const char *text);

/* Jaro's similarity with Winkler's prefix, 0 to 1: how alike two names are to somebody who mistypes
 * or mishears them. Of code points, at most 64. Symmetric; 0 when one of them is empty. */
double score_text_alike(const char *a, const char *b);

/* One insertion, deletion, substitution or exchange of neighbours apart, or the same. */
bool score_text_one_slip(const char *a, const char *b);

/* How a name sounds (Cologne phonetics, of forms): "muller" -> "657", at most 8 digits. */
void score_text_sound(const char *form, char out[SCORE_TEXT_CODE_SIZE]);

/* A well-spread number for a text; never 0. Not secret: for comparing and for tables only. */
uint64_t score_text_hash(const char *text);

#endif
