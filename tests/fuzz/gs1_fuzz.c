/* Arbitrary bytes as an element string, with separators or brackets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "identity/gs1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), gsrn[GS1_GSRN_SIZE] = "untouched";
	memcpy(text, data, size);
	text[size] = 0;
	enum ident_reason reason = gs1_read(text, gsrn);
	if (reason == IDENT_OK ? !gs1_gsrn_ok(gsrn) || !strstr(text, "8018") || !strstr(text, gsrn)
	                       : strcmp(gsrn, "untouched") != 0)
		abort();
	/* What begins with a customer's number, and is no more than that, is one. */
	if (strncmp(text, "8018", 4) == 0 && gs1_gsrn_ok(text + 4) &&
	    (reason != IDENT_OK || !gs1_text(text)))
		abort();
	if (reason == IDENT_OK) {
		char again[GS1_GSRN_SIZE], bracketed[32] = "(8018)";
		strcat(bracketed, gsrn);
		if (gs1_read(bracketed, again) != IDENT_OK || strcmp(again, gsrn) != 0)
			abort();
	}
	free(text);
	return 0;
}
