/* What `--why` says, in store and HQ: a line for each value. */
#ifndef LANEWAY_TESTS_WHY_LINE_H
#define LANEWAY_TESTS_WHY_LINE_H

#include <stdio.h>
#include <string.h>

/* The line of this value, without its end; "" when there is none. */
static inline const char *line_of(const char *text, const char *name)
{
	static char line[1000];
	char start[64];
	const char *at;

	snprintf(start, sizeof start, "\n%s: ", name);
	at = strstr(text, start);
	snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at + 1, "\n") : 0, at ? at + 1 : "");
	return line;
}

#endif
