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

enum phone_result {
	PHONE_OK,
	PHONE_EMPTY,
	PHONE_LETTERS,   /* letters or signs that no phone number has */
	PHONE_EXTENSION, /* who answers there is not named by the number alone */
	PHONE_REGION,    /* no country code, and no region to take it from */
	PHONE_INVALID,   /* no number that its country gives out */
};

struct phone {
	char e164[PHONE_E164_SIZE];
	char region[4]; /* whose it is: ISO 3166, "001" for those of no country */
	/* It came without '+' or an international prefix and is not the default region's, or could
	 * as well be another country's: "44 7911 123456" typed in Germany. */
	bool foreign;
};

/* The number in E.164 when the library calls it valid. region: ISO 3166 code for numbers without
 * '+', empty for none. A tel: URI is taken apart; digits may be full-width or Arabic. A number
 * without '+' that is none of the default region's is tried as one with its country code. */
enum phone_result phone_read(const char *text, const char *region, struct phone *out);

/* Is this E.164 number one that its country's numbering plan gives as an example: of a landline, a
 * mobile or any other kind of number. */
bool phone_is_example(const char *e164);

/* The example of a region, a landline or a mobile; false: it has none. */
bool phone_example(const char *region, bool mobile, char out[PHONE_E164_SIZE]);

/* Make the next phone_read as fast as the others. */
void phone_prepare(const char *region);

#ifdef __cplusplus
}
#endif

#endif
