#include "conf/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define TEXT_BYTES_MAX 262144 /* 64 scanners take about 10 KB */
#define DEPTH_MAX 8           /* a list in a section: 2 */

struct text_fault {
	int line;
	const char *what, *expected;
};

enum place { PLAIN, IN_STRING, IN_LINE_COMMENT, IN_BLOCK_COMMENT };

struct cleaning {
	enum place place;
	char quote;
	int line, opened_line; /* where the string or comment began */
	int brace_line[DEPTH_MAX], depth;
	struct text_fault *fault;
};

static int fault(struct cleaning *c, int line, const char *what, const char *expected)
{
	*c->fault = (struct text_fault){line, what, expected};
	return -1;
}

static int brace(struct cleaning *c, char b)
{
	if (b == '{') {
		if (c->depth == DEPTH_MAX)
			return fault(c, c->line, "too many braces are open",
			             "a section, and a list in it");
		c->brace_line[c->depth++] = c->line;
	} else if (b == '}') {
		if (c->depth == 0)
			return fault(c, c->line, "a \"}\" closes nothing", "a \"{\" before it");
		c->depth--;
	}
	return 0;
}

/* A byte outside of strings and comments. Two bytes that open a block comment count as one step. */
static int plain(struct cleaning *c, char *at, bool starts_word)
{
	c->opened_line = c->line;
	if (*at == '"' || *at == '\'') {
		c->place = IN_STRING;
		c->quote = *at;
	} else if (*at == '#' || (starts_word && at[0] == '/' && at[1] == '/')) {
		c->place = IN_LINE_COMMENT;
		*at = ' ';
	} else if (starts_word && at[0] == '/' && at[1] == '*') {
		c->place = IN_BLOCK_COMMENT;
		at[0] = at[1] = ' ';
	}
	return brace(c, *at);
}

/* How many bytes this step took; 0: a fault. */
static size_t step(struct cleaning *c, char *at, bool starts_word)
{
	if (*at == '\n' && c->place == IN_STRING) {
		fault(c, c->line, "a text is not closed", "a quotation mark on the same line");
		return 0;
	}
	if (c->place == PLAIN)
		return plain(c, at, starts_word) < 0 ? 0 : 1;
	if (c->place == IN_STRING) {
		if (*at == c->quote)
			c->place = PLAIN;
		return at[0] == '\\' && at[1] != '\n' && at[1] != '\0' ? 2 : 1;
	}
	if (c->place == IN_LINE_COMMENT && *at == '\n')
		c->place = PLAIN;
	if (c->place == IN_BLOCK_COMMENT && at[0] == '*' && at[1] == '/') {
		c->place = PLAIN;
		at[1] = ' ';
	}
	if (*at != '\n')
		*at = ' ';
	return 1;
}

static int check_bytes(struct cleaning *c, const char *text, size_t n)
{
	int line = 1;

	for (size_t at = 0; at < n; line++) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		if (!text_utf8_ok(text + at, len))
			return fault(c, line, "the line is not text", "UTF-8");
		for (size_t i = 0; i < len; i++) {
			char b = text[at + i];
			if (b != '\t' && b != '\r' && text_has_control(&b, 1))
				return fault(c, line, "a control character",
				             "text, tabs and line ends only");
		}
		at += len + 1;
	}
	return 0;
}

/* Where a word may start: libconfuse takes "//" inside one for part of it. */
static bool ends_word(char b)
{
	return strchr(" \t\r\n={}()+,\"'", b) != NULL;
}

/* Blank out the comments of text[0..n) in place and check it. */
static int clean(char *text, size_t n, struct text_fault *out)
{
	struct cleaning c = {.line = 1, .fault = out};
	bool starts_word = true;

	if (check_bytes(&c, text, n) < 0)
		return -1;
	for (size_t at = 0; at < n;) {
		size_t took = step(&c, text + at, starts_word);
		if (took == 0)
			return -1;
		if (text[at] == '\n')
			c.line++;
		at += took;
		starts_word = ends_word(text[at - 1]);
	}
	if (c.place == IN_STRING)
		return fault(&c, c.opened_line, "a text is not closed",
		             "a quotation mark on the same line");
	if (c.place == IN_BLOCK_COMMENT)
		return fault(&c, c.opened_line, "a comment is not closed", "\"*/\"");
	if (c.depth > 0)
		return fault(&c, c.brace_line[c.depth - 1], "a \"{\" is not closed",
		             "a \"}\" after it");
	return 0;
}

/* All of fd's bytes with NUL; NULL with errno. */
static char *read_all(int fd, size_t *n)
{
	char *text = malloc(TEXT_BYTES_MAX + 2);
	ssize_t got = 1;

	for (*n = 0; text && got > 0 && *n <= TEXT_BYTES_MAX; *n += got > 0 ? (size_t)got : 0)
		got = read(fd, text + *n, TEXT_BYTES_MAX + 1 - *n);
	if (!text || got < 0) {
		free(text);
		return NULL;
	}
	text[*n] = '\0';
	return text;
}

char *conf_text_read(const char *path, char *err, size_t err_size)
{
	struct text_fault f;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd, &n);

	if (!text)
		snprintf(err, err_size, "%s: %s, expected a configuration file", path,
		         strerror(errno));
	if (fd >= 0)
		close(fd);
	if (!text)
		return NULL;
	if (n > TEXT_BYTES_MAX) {
		snprintf(err, err_size, "%s: the file is too long, expected at most %d bytes", path,
		         TEXT_BYTES_MAX);
	} else if (clean(text, n, &f) < 0) {
		snprintf(err, err_size, "%s:%d: %s, expected %s", path, f.line, f.what, f.expected);
	} else {
		return text;
	}
	free(text);
	return NULL;
}
