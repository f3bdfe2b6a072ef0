/* Phone numbers by libphonenumber, callable from C. The only place that knows the library.
 *
 * Allocates (the library does), never throws. The first call builds the library's tables and takes
 * some milliseconds: phone_prepare does that at start.
 */
#ifndef LANEWAY_IDENTITY_PHONE_H
#define LANEWAY_IDENTITY_PHONE_H

#include <stdbool.h>

#define PHONE_E164_SIZE 17 /* '+', at most 15 digits, NUL */

#ifdef __cplusplus
extern "C" {
#endif

/* The number in E.164 when the library calls it valid. region: ISO 3166 code for numbers without
 * '+', empty for none. Refused: letters (vanity numbers and "ext" alike), extensions (whoever
 * answers there is not named by the number alone), more than 15 digits. */
bool phone_e164(const char *text, const char *region, char out[PHONE_E164_SIZE]);

/* Is this E.164 number one that its country's numbering plan gives as an example: of a landline, a
 * mobile or any other kind of number. */
bool phone_is_example(const char *e164);

/* The example of a region, a landline or a mobile; false: it has none. */
bool phone_example(const char *region, bool mobile, char out[PHONE_E164_SIZE]);

/* Make the next phone_e164 as fast as the others. */
void phone_prepare(const char *region);

#ifdef __cplusplus
}
#endif

#endif
