#include "conf/conf_fault.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/conf_rule.h"

#define MARKS_MAX 1024 /* 64 scanners of 9 options, and the rest */

struct mark {
	const cfg_opt_t *opt;
	int line;
};

static _Thread_local struct {
	const char *path;
	char first[512];
	struct mark marks[MARKS_MAX];
	int mark_count;
} reading;

/* ---- what libconfuse says, and what we say ---- */

/* One of the formats that libconfuse 3.3 calls back with: all take one text, if any. */
struct wording {
	const char *format; /* how libconfuse's begins */
	const char *what;   /* ours, with that text */
	const char *expected;
};

static const struct wording wordings[] = {
    {"no sub-section", "\"%s\" is not an option", "NAME = VALUE"},
    {"found duplicate title", "the name \"%s\" is used twice", "each name once"},
    {"premature end of file", "the file ends in the middle of an option", "NAME = VALUE"},
    {"unexpected token", "\"%s\" is out of place",
     "NAME = VALUE, NAME = {VALUE, ...} or NAME { ... }"},
    {"attempt to append", "%s has one value", "\"=\" instead of \"+=\""},
    {"missing equal sign", "%s is not followed by \"=\"", "NAME = VALUE"},
    {"missing opening brace", "%s is a section and is not followed by \"{\"", "NAME { ... }"},
    {"missing title", "%s is a section and has no name", "NAME \"WHICH\" { ... }"},
    {"invalid octal number", "\"%s\" is no character", "\"\\\\\" for one backslash"},
    {"bad escape sequence", "\"%s\" is no character", "\"\\\\\" for one backslash"},
};

/* Faults of one option, which its rule has words for. */
static const struct wording option_wordings[] = {
    {"invalid integer value", "%s is not a whole number", NULL},
    {"integer value for option", "%s is too long a number", NULL},
    {"invalid boolean value", "%s is neither true nor false", "true or false"},
};

static const struct wording *wording_of(const struct wording *list, size_t n, const char *fmt)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(fmt, list[i].format, strlen(list[i].format)) == 0)
			return &list[i];
	}
	return NULL;
}

static void known_options(const cfg_t *cfg, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (const cfg_opt_t *o = cfg->opts; o->name && len < size; o++) {
		const char *sep = o == cfg->opts ? "" : o[1].name ? ", " : " or ";
		int n = snprintf(out + len, size - len, "%s%s", sep, o->name);
		len += (size_t)n;
	}
}

static void unknown_option(cfg_t *cfg, const char *name, char *out, size_t size)
{
	char known[320];
	bool root = strcmp(cfg_name(cfg), "root") == 0;

	known_options(cfg, known, sizeof known);
	snprintf(out, size, "unknown option \"%.64s\"%s%s, expected %s", name, root ? "" : " in ",
	         root ? "" : cfg_name(cfg), known);
}

/* libconfuse's formats hold one %s or none: what stands for it is the whole of its message for ours
 * to be built on. */
static void reword(cfg_t *cfg, const char *fmt, va_list ap, char *out, size_t size)
{
	char name[65] = "", what[160];
	const struct wording *w = wording_of(wordings, sizeof wordings / sizeof *wordings, fmt);
	const struct wording *o =
	    wording_of(option_wordings, sizeof option_wordings / sizeof *option_wordings, fmt);

	if (!w && !o && strncmp(fmt, "no such option", 14) != 0) {
		vsnprintf(out, size, fmt, ap);
		return;
	}
	if (strstr(fmt, "%s"))
		snprintf(name, sizeof name, "%s", va_arg(ap, const char *));
	if (!w && !o) {
		unknown_option(cfg, name, out, size);
		return;
	}
	snprintf(what, sizeof what, w ? w->what : o->what, name);
	snprintf(out, size, "%s, expected %s", what,
	         w             ? w->expected
	         : o->expected ? o->expected
	                       : conf_rule_expected(cfg, name));
}

/* One line of it: what a value brings along may hold control characters. */
static void flatten(char *text)
{
	for (char *at = text; *at; at++) {
		if (text_has_control(at, 1))
			*at = '?';
	}
}

static void note(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[448];

	if (reading.first[0])
		return;
	reword(cfg, fmt, ap, text, sizeof text);
	snprintf(reading.first, sizeof reading.first, "%s:%d: %s", reading.path, cfg->line, text);
	flatten(reading.first);
}

void conf_fault_begin(cfg_t *cfg, const char *path)
{
	reading.path = path;
	reading.first[0] = '\0';
	reading.mark_count = 0;
	cfg_set_error_function(cfg, note);
}

const char *conf_fault_first(void)
{
	return reading.first;
}

/* ---- where what stood ---- */

static int line_of(const cfg_opt_t *opt)
{
	for (int i = 0; i < reading.mark_count; i++) {
		if (reading.marks[i].opt == opt)
			return reading.marks[i].line;
	}
	return 0;
}

int conf_fault_mark(cfg_t *cfg, const cfg_opt_t *opt)
{
	int line = line_of(opt);

	if (line > 0) {
		cfg_error(cfg, "%s stands twice, expected once: line %d has it", opt->name, line);
		return -1;
	}
	if (reading.mark_count < MARKS_MAX)
		reading.marks[reading.mark_count++] = (struct mark){opt, cfg->line};
	return 0;
}

int conf_fault_line(cfg_t *cfg, const char *option)
{
	return line_of(cfg_getopt(cfg, option));
}

void conf_fault_say(char *err, size_t err_size, int line, const char *what, const char *expected)
{
	char at[16] = "";

	if (line > 0)
		snprintf(at, sizeof at, ":%d", line);
	snprintf(err, err_size, "%s%s: %s%s%s", reading.path, at, what,
	         expected ? ", expected " : "", expected ? expected : "");
	flatten(err);
}

void conf_fault_say_section(char *err, size_t err_size, cfg_t *sec, const char *option,
                            const char *what, const char *expected)
{
	char text[192];
	int line = conf_fault_line(sec, option);

	snprintf(text, sizeof text, "%s \"%.32s\": %s", cfg_name(sec), cfg_title(sec), what);
	conf_fault_say(err, err_size, line > 0 ? line : sec->line, text, expected);
}
