/* The configuration's numbers as identity's rules: the same for a store and for HQ. */
#ifndef LANEWAY_IDENT_CONF_H
#define LANEWAY_IDENT_CONF_H

#include "conf/conf_ident.h"
#include "identity/ident.h"

void ident_conf(const struct conf_ident *conf, const char *region, const char *ruleset,
                struct ident_rules *out);

/* What the configuration alone cannot see: a scheme that would take payment cards for its own, or
 * the numbers of another kind's. 0, or -1 with "FILE:LINE: what" in err. */
int ident_conf_check(const struct conf_ident *conf, const char *path, char *err, size_t err_size);

#endif
