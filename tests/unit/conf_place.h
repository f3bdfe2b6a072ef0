/* A folder with a configuration in it, and what a test says about it. */
#ifndef LANEWAY_TESTS_CONF_PLACE_H
#define LANEWAY_TESTS_CONF_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "flow/flow.h"
#include "folder.h"

#define NEEDED                                                                                     \
	"store = \"s1\"\ndevice = \"d1\"\ncurrency = \"EUR\"\nregion = \"DE\"\nlanes = "           \
	"{\"1\", \"2\"}\n"
#define TOKEN "0123456789abcdef0123456789abcdef"

/* A folder with a token file; tests write their configuration into it. */
struct place {
	char dir[FOLDER_SIZE], conf[96], token[96], err[512];
	struct conf *c;
};

static inline void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static inline int set_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	folder_make(p->dir, "conf");
	snprintf(p->conf, sizeof p->conf, "%s/store.conf", p->dir);
	snprintf(p->token, sizeof p->token, "%s/pos.token", p->dir);
	put(p->token, TOKEN "\n", 0600);
	*state = p;
	return 0;
}

static inline int tear_down(void **state)
{
	struct place *p = *state;
	conf_free(p->c);
	folder_drop(p->dir);
	free(p);
	return 0;
}

static inline int read_text(struct place *p, const char *text)
{
	conf_free(p->c);
	p->c = NULL;
	put(p->conf, text, 0644);
	return conf_read(p->conf, &p->c, p->err, sizeof p->err);
}

/* What is needed, then `text`, is right. */
static inline const struct conf *right(struct place *p, const char *text)
{
	char all[4096];
	snprintf(all, sizeof all, NEEDED "%s", text);
	if (read_text(p, all) < 0)
		fail_msg("%s\n%s", text, p->err);
	assert_string_equal(p->err, "");
	return p->c;
}

/* All of `text` is refused with exactly this behind the file's name. */
static inline void refused_alone(struct place *p, const char *text, const char *want)
{
	size_t n = strlen(p->conf);
	if (read_text(p, text) == 0)
		fail_msg("taken for right: %s", text);
	assert_null(p->c);
	assert_null(strchr(p->err, '\n'));
	assert_memory_equal(p->err, p->conf, n);
	assert_string_equal(p->err + n, want);
}

static inline void refused(struct place *p, const char *text, const char *want)
{
	char all[8192];
	snprintf(all, sizeof all, NEEDED "%s", text);
	refused_alone(p, all, want);
}

struct fault {
	const char *text, *want;
};

static inline void each_refused(struct place *p, const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++)
		refused(p, faults[i].text, faults[i].want);
}
#define EACH_REFUSED(p, faults) each_refused(p, faults, sizeof faults / sizeof *faults)

#endif
