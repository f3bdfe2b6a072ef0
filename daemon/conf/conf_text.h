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

/* The file's text with NUL, to be freed; NULL with one line in err. */
char *conf_text_read(const char *path, char *err, size_t err_size);

#endif
