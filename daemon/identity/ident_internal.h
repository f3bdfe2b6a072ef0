/* What the sources of ident.h share. Each function: IDENT_OK with the normal form in out, or why
 * there is none, and out is as it was. */
#ifndef LANEWAY_IDENTITY_IDENT_INTERNAL_H
#define LANEWAY_IDENTITY_IDENT_INTERNAL_H

#include "identity/ident.h"

/* A number of one of these schemes, spaces and hyphens left out. */
enum ident_reason ident_number(const struct ident_scheme *schemes, int count, const char *value,
                               char out[IDENT_VALUE_SIZE]);

bool ident_check_ok(enum ident_check check, const char *digits);

#endif
