/* The chain's own numbers in a configuration file: loyalty cards, wallets, accounts, GS1. The same
 * in lanewayd's file and in laneway-hq's, so that both ends know the same customers. */
#ifndef LANEWAY_CONF_IDENT_H
#define LANEWAY_CONF_IDENT_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>

#define CONF_SCHEMES_MAX 16
#define CONF_DOMAINS_MAX 8
#define CONF_GS1_PREFIXES_MAX 8

struct conf_scheme {
	char name[33], prefix[33], check[9]; /* none, luhn, ean, mod11 */
	int length, line;                    /* line: where its prefix stands in the file */
	bool rotating;
};

struct conf_ident {
	struct conf_scheme loyalty[CONF_SCHEMES_MAX], wallet[CONF_SCHEMES_MAX];
	struct conf_scheme account[CONF_SCHEMES_MAX];
	int loyalty_count, wallet_count, account_count;
	char domains[CONF_DOMAINS_MAX][254], gs1_prefixes[CONF_GS1_PREFIXES_MAX][13];
	int domain_count, gs1_prefix_count;
};

/* For the table of options, and for the rules of a file. */
extern cfg_opt_t conf_ident_number[], conf_ident_wallet[], conf_ident_gs1[];
#define CONF_IDENT_TITLED (CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES)
#define CONF_IDENT_OPTIONS                                                                         \
	CFG_SEC("loyalty", conf_ident_number, CONF_IDENT_TITLED),                                  \
	    CFG_SEC("wallet", conf_ident_wallet, CONF_IDENT_TITLED),                               \
	    CFG_SEC("account", conf_ident_number, CONF_IDENT_TITLED),                              \
	    CFG_SEC("gs1", conf_ident_gs1, CFGF_NONE)
#define CONF_IDENT_CHECKS " none luhn ean mod11 ", "none, luhn, ean or mod11"
#define CONF_IDENT_RULES                                                                           \
	{"loyalty|prefix", CONF_RULE_NAME, 1, 32, NULL, "1 to 32 letters or digits"},              \
	    {"loyalty|length", CONF_RULE_INT, 4, 32, NULL, "4 to 32 characters"},                  \
	    {"loyalty|check", CONF_RULE_WORD, 0, 0, CONF_IDENT_CHECKS},                            \
	    {"wallet|prefix", CONF_RULE_TEXT, 2, 32, NULL, "2 to 32 characters, no spaces"},       \
	    {"wallet|length", CONF_RULE_INT, 4, 128, NULL, "4 to 128 characters"},                 \
	    {"wallet|check", CONF_RULE_WORD, 0, 0, CONF_IDENT_CHECKS},                             \
	    {"wallet|rotating", CONF_RULE_BOOL, 0, 0, NULL, "true or false"},                      \
	    {"account|prefix", CONF_RULE_NAME, 1, 32, NULL, "1 to 32 letters or digits"},          \
	    {"account|length", CONF_RULE_INT, 4, 32, NULL, "4 to 32 characters"},                  \
	    {"account|check", CONF_RULE_WORD, 0, 0, CONF_IDENT_CHECKS},                            \
	    {"gs1", CONF_RULE_SECTION, 0, 0, NULL, ""},                                            \
	    {"gs1|domains",                                                                        \
	     CONF_RULE_DOMAIN,                                                                     \
	     4,                                                                                    \
	     253,                                                                                  \
	     NULL,                                                                                 \
	     "host names such as \"id.example.com\", each once"},                                  \
	{                                                                                          \
		"gs1|prefixes", CONF_RULE_DIGITS, 4, 12, NULL,                                     \
		    "GS1 company prefixes of 4 to 12 digits, each once"                            \
	}

/* 0, or -1 with "FILE:LINE: what, expected ..." in err. */
int conf_ident_read(cfg_t *cfg, struct conf_ident *out, char *err, size_t err_size);

#endif
