/* A configuration file's text, looked at before libconfuse sees it.
 *
 * libconfuse takes a section, comment or string that is never closed for a whole one, counts lines
 * wrongly behind block comments, and ends the process on a folder. So the text comes from here,
 * with its comments blanked out (every byte stays on its line) and its strings and braces known to
 * close.
 */
#ifndef LANEWAY_CONF_TEXT_H
#define LANEWAY_CONF_TEXT_H

#include <stddef.h>

struct conf_text_fault {
	int line;
	const char *what, *expected; /* static text */
};

/* The file's text with NUL, to be freed; NULL with one line in err. */
char *conf_text_read(const char *path, char *err, size_t err_size);

/* Blank out the comments of text[0..n) in place and check it. 0, or -1 with the first fault. */
int conf_text_clean(char *text, size_t n, struct conf_text_fault *fault);

#endif
