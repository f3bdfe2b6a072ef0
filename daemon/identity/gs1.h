/* GS1 element strings and Digital Links: is there a customer in this code?
 *
 * A customer is who has a GSRN as recipient (AI 8018). 8017 is the number of a provider of the
 * service (a nurse, a cashier): never a customer's. What an item is called (01, 21, ...), where it
 * is or what it costs says nothing of a person. 8019 numbers the visit and is left out.
 *
 * Every value is looked at for card numbers, whatever its AI; a key with its right GS1 check digit
 * in the place of such a key is none. Pure; allocates nothing.
 */
#ifndef LANEWAY_IDENTITY_GS1_H
#define LANEWAY_IDENTITY_GS1_H

#include <stdbool.h>
#include <stddef.h>

#include "identity/ident.h"

#define GS1_SEPARATOR 0x1d /* FNC1 in the middle, as scanners send it */
#define GS1_GSRN_SIZE 19   /* 18 digits and NUL */
#define GS1_AIS_MAX 64     /* elements in one code */
#define GS1_VALUE_BYTES_MAX 90

/* Is this AIM identifier one of a symbol that holds an element string? NULL is none. */
bool gs1_symbology(const char *aim);

/* Does a value of nobody knows what symbol say itself that it is an element string: "(8018)...",
 * one with separators, or one that begins with a GSRN? */
bool gs1_text(const char *value);

/* An element string, with separators or with its AIs in brackets. IDENT_OK: the customer's GSRN is
 * in gsrn; else why there is none (product, provider, gs1_other, gs1_form, check_digit,
 * card_number). */
enum ident_reason gs1_read(const char *value, char gsrn[GS1_GSRN_SIZE]);

/* 18 digits with their check digit? */
bool gs1_gsrn_ok(const char *value);

/* An http or https URI, of whatever meaning. */
bool gs1_link(const char *value);

/* A Digital Link. Only id.gs1.org's and those of the chain's own domains name customers. The same
 * reasons, and `link`. */
enum ident_reason gs1_link_read(const struct ident_rules *rules, const char *uri,
                                char gsrn[GS1_GSRN_SIZE]);

#endif
