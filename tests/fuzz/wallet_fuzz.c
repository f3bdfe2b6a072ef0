/* Arbitrary bytes as a wallet's code, a payment account reference and a VAT number. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/ident_internal.h"

static const struct ident_rules rules = {
    .wallets = {{.prefix = "LWM:", .length = 14, .check = IDENT_CHECK_LUHN},
                {.prefix = "lw-", .length = 25},
                {.prefix = "89", .length = 15, .check = IDENT_CHECK_EAN},
                {.prefix = "LWR:", .rotating = true}},
    .wallet_count = 4};

typedef enum ident_reason read_fn(const char *value, char out[IDENT_VALUE_SIZE]);

static enum ident_reason wallet(const char *value, char out[IDENT_VALUE_SIZE])
{
	return ident_wallet(&rules, value, out);
}

static void check(read_fn *read, const char *text)
{
	char nf[IDENT_VALUE_SIZE] = "untouched", again[IDENT_VALUE_SIZE];
	enum ident_reason reason = read(text, nf);
	if (reason != IDENT_OK) {
		if (strcmp(nf, "untouched") != 0)
			abort();
		return;
	}
	if (text_has_control(nf, strlen(nf)) || strncmp(nf, "LWR:", 4) == 0)
		abort();
	if (read(nf, again) != IDENT_OK || strcmp(nf, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = 0;
	check(wallet, text);
	check(ident_par, text);
	check(ident_vat, text);
	free(text);
	return 0;
}
