/* What the sources of ident.h share. Each function: IDENT_OK with the normal form in out, or why
 * there is none, and out is as it was. */
#ifndef LANEWAY_IDENTITY_IDENT_INTERNAL_H
#define LANEWAY_IDENTITY_IDENT_INTERNAL_H

#include "identity/ident.h"

/* A number of one of these schemes, spaces and hyphens left out. */
enum ident_reason ident_number(const struct ident_scheme *schemes, int count, const char *value,
                               char out[IDENT_VALUE_SIZE]);

/* The same for the tokens of wallets: IDENT_ROTATING for one that changes. */
enum ident_reason ident_wallet(const struct ident_rules *rules, const char *value,
                               char out[IDENT_VALUE_SIZE]);

enum ident_reason ident_vat(const char *value, char out[IDENT_VALUE_SIZE]);
enum ident_reason ident_par(const char *value, char out[IDENT_VALUE_SIZE]);

enum ident_reason ident_gsrn(const char *value, char out[IDENT_VALUE_SIZE]);

/* As out->kind, IDENT_NONE: as whatever fits. Trimmed text, shorter than IDENT_VALUE_SIZE, without
 * a card number. Sets all of out but reason. */
enum ident_reason ident_as_kind(const struct ident_rules *rules, const char *value,
                                struct ident_form *out);
/* The same for the symbol of goods: only a scheme of the chain's own can make more of it. */
enum ident_reason ident_in_ean(const struct ident_rules *rules, const char *value,
                               struct ident_form *out);

bool ident_check_ok(enum ident_check check, const char *digits);

#endif
