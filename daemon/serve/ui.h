/* The pages, carried in the program itself. */
#ifndef LANEWAY_SERVE_UI_H
#define LANEWAY_SERVE_UI_H

#include <stdbool.h>
#include <stddef.h>

#define UI_TAG_SIZE 19 /* a strong ETag with its quotes and NUL */

struct ui_file {
	const char *type; /* media type */
	const char *data; /* static */
	size_t len;
	char tag[UI_TAG_SIZE]; /* changes with the content */
};

/* false: no such file. */
bool ui_find(const char *name, struct ui_file *out);

#endif
