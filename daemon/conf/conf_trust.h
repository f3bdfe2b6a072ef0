/* The source hierarchy in a configuration file: `trust "FIELD" { source = number }`. The same in
 * lanewayd's file and in laneway-hq's. What is not said is as delivered. */
#ifndef LANEWAY_CONF_TRUST_H
#define LANEWAY_CONF_TRUST_H

#include <confuse.h>
#include <stddef.h>

#define CONF_TRUST_MAX 32    /* sections */
#define CONF_TRUST_SOURCES 7 /* options of one */
#define CONF_TRUST_NOT_SAID -1

struct conf_trust {
	char field[33];
	int line; /* where the section ends */
	struct conf_trust_source {
		const char *name; /* static text */
		int trust;        /* 0 to 100, or CONF_TRUST_NOT_SAID */
		int line;
	} source[CONF_TRUST_SOURCES];
};
struct conf_trusts {
	struct conf_trust field[CONF_TRUST_MAX];
	int count;
};

/* For the table of options, and for the rules of a file. */
extern cfg_opt_t conf_trust_options[];
#define CONF_TRUST_OPTIONS                                                                         \
	CFG_SEC("trust", conf_trust_options, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES)
#define CONF_TRUST_RULE(source)                                                                    \
	{                                                                                          \
		"trust|" source, CONF_RULE_INT, 0, 100, NULL, "0 to 100"                           \
	}
#define CONF_TRUST_RULES                                                                           \
	CONF_TRUST_RULE("steward"), CONF_TRUST_RULE("customer"), CONF_TRUST_RULE("manager"),       \
	    CONF_TRUST_RULE("till"), CONF_TRUST_RULE("hq"), CONF_TRUST_RULE("import"),             \
	    CONF_TRUST_RULE("derived")

/* 0, or -1 with "FILE:LINE: what, expected ..." in err. */
int conf_trust_read(cfg_t *cfg, struct conf_trusts *out, char *err, size_t err_size);

#endif
