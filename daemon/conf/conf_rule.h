/* What each option of a configuration file may hold: a table of the file's own, checked while the
 * file is read so that a fault can be named with its line. */
#ifndef LANEWAY_CONF_RULE_H
#define LANEWAY_CONF_RULE_H

#include <confuse.h>
#include <stdbool.h>

enum conf_rule_type {
	CONF_RULE_SECTION,
	CONF_RULE_BOOL,
	CONF_RULE_INT,
	CONF_RULE_ID,
	CONF_RULE_NAME,
	CONF_RULE_TEXT,
	CONF_RULE_WORD,
	CONF_RULE_TIME,
	CONF_RULE_CURRENCY,
	CONF_RULE_COUNTRY,
	CONF_RULE_ZONE,
	CONF_RULE_LANE,
	CONF_RULE_ADDRESS,
	CONF_RULE_LOOPBACK,
	CONF_RULE_URL,
	CONF_RULE_DOMAIN,
	CONF_RULE_DIGITS
};

struct conf_rule {
	const char *path; /* "option" or "section|option" */
	enum conf_rule_type type;
	long min, max;     /* of the number, or of the text's bytes */
	const char *words; /* CONF_RULE_WORD: " cr lf " */
	const char *expected;
};

/* Attach the checks of a table that a row without a path ends. It must outlive the parser; one
 * parser per thread at a time. An option or section that may stand once needs a row. */
void conf_rule_attach(cfg_t *cfg, const struct conf_rule *table);
/* A section's title: 1 to 32 bytes of text. */
bool conf_rule_title_ok(const char *title);
/* What an option of this section may hold, in words. */
const char *conf_rule_expected(cfg_t *cfg, const char *option);

#endif
