/* Card issuers' ranges, for whoever hands out numbers of their own, and card numbers where a whole
 * text is one identifier. pan_find and pan_mask, for running text, stand in identity/ident.h.
 */
#ifndef LANEWAY_IDENTITY_PAN_H
#define LANEWAY_IDENTITY_PAN_H

#include <stdbool.h>

/* Can a number of this many digits that starts with `prefix` (digits, may be empty) lie in an
 * issuer's range at one of the issuer's lengths? */
bool pan_prefix_clash(const char *prefix, int length);

#define PAN_GROUPED_BYTES_MAX 8191 /* of a text; what stands behind them is not looked at */

/* As pan_find, but whatever stands between two digits only groups them: dots, slashes, several
 * spaces, what is not seen, everything but letters and a plus. For one identifier by itself: in
 * running text figures and amounts that stand beside each other would make card numbers. */
bool pan_grouped(const char *text, bool product);

/* Every digit but the last four becomes '*'. */
void pan_mask_digits(char *text);

#endif
