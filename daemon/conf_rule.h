/* What each option of the configuration may hold: one table, checked while the file is read so that
 * a fault can be named with its line. */
#ifndef LANEWAY_CONF_RULE_H
#define LANEWAY_CONF_RULE_H

#include <confuse.h>

/* Attach the checks to a parser made with conf.c's options. */
void conf_rule_attach(cfg_t *cfg);
/* What an option of this section may hold, in words. */
const char *conf_rule_expected(cfg_t *cfg, const char *option);

#endif
