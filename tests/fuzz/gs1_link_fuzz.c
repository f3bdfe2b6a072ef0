/* Arbitrary bytes as a Digital Link. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "identity/gs1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ident_rules rules = {.domains = {"a.example"}, .domain_count = 1};
	static const struct ident_rules nobody = {.domain_count = 0};
	char *text = malloc(size + 1), gsrn[GS1_GSRN_SIZE] = "untouched", own[GS1_GSRN_SIZE];
	memcpy(text, data, size);
	text[size] = 0;
	enum ident_reason reason = gs1_link_read(&rules, text, gsrn);
	if (reason == IDENT_OK ? !gs1_gsrn_ok(gsrn) || !gs1_link(text)
	                       : strcmp(gsrn, "untouched") != 0)
		abort();
	/* A domain only ever makes a customer of what was none. */
	enum ident_reason without = gs1_link_read(&nobody, text, own);
	if (without != reason && !(reason == IDENT_OK && without == IDENT_LINK))
		abort();
	free(text);
	return 0;
}
