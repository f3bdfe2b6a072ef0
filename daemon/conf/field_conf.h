/* The configuration's source hierarchy as identity's: the same for a store and for HQ. */
#ifndef LANEWAY_FIELD_CONF_H
#define LANEWAY_FIELD_CONF_H

#include "conf/conf_trust.h"
#include "identity/field.h"

/* The defaults with what the configuration says in their place. 0, or -1 with "FILE:LINE: what,
 * expected ..." in err: a field that is none, or a source that may not have a say on it. */
int field_conf(const struct conf_trusts *conf, const char *path, struct field_trust *out, char *err,
               size_t err_size);

#endif
