/* Card issuers' ranges, for whoever hands out numbers of their own. pan_find and pan_mask stand in
 * identity/ident.h.
 */
#ifndef LANEWAY_IDENTITY_PAN_H
#define LANEWAY_IDENTITY_PAN_H

#include <stdbool.h>

/* Can a number of this many digits that starts with `prefix` (digits, may be empty) lie in an
 * issuer's range at one of the issuer's lengths? */
bool pan_prefix_clash(const char *prefix, int length);

#endif
