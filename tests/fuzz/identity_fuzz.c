/* Arbitrary bytes as an identifier of every kind, and as a text that may hold card numbers. The
 * first byte chooses kind and region. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/gs1.h"
#include "identity/ident.h"
#include "identity/pan.h"

static const struct ident_rules base_rules = {
    .schemes = {{.name = "ean", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN},
                {.name = "luhn", .prefix = "90", .length = 10, .check = IDENT_CHECK_LUHN},
                {.name = "word", .prefix = "lw", .length = 8, .check = IDENT_CHECK_NONE}},
    .scheme_count = 3,
    .wallets = {{.name = "token", .prefix = "LWM:", .length = 14, .check = IDENT_CHECK_LUHN},
                {.name = "turning", .prefix = "LWR:", .rotating = true}},
    .wallet_count = 2,
    .accounts = {{.name = "firm", .prefix = "K", .length = 8}},
    .account_count = 1,
    .domains = {"a.example"},
    .domain_count = 1,
    .gs1_prefixes = {"9501101"},
    .gs1_prefix_count = 1,
    .ruleset = "1"};

/* What a scanner says of the symbol means the same in front of the value. */
static void check_aim(const struct ident_rules *rules, const struct ident_given *given)
{
	char joined[600];
	struct ident_form beside, before;
	if (!given->symbology || given->kind != IDENT_NONE || strlen(given->value) > 500)
		return;
	strcpy(joined, given->symbology);
	strcat(joined, given->value);
	const struct ident_given in_front = {.value = joined};
	if (ident_normalise(rules, given, &beside) != ident_normalise(rules, &in_front, &before) ||
	    beside.kind != before.kind)
		abort();
	if (beside.reason == IDENT_OK && strcmp(beside.value, before.value) != 0)
		abort();
}

static void check_normal_form(unsigned choice, const char *text)
{
	static const char *const regions[] = {"DE", "US", "JP", ""};
	struct ident_rules rules = base_rules;
	strcpy(rules.region, regions[choice / IDENT_KIND_COUNT % 4]);
	static const char *const symbols[] = {NULL, "]C1", "]E0", "]Q1"};
	struct ident_given given = {.kind = (enum ident_kind)(choice % IDENT_KIND_COUNT),
	                            .symbology = symbols[choice / IDENT_KIND_COUNT / 4 % 4],
	                            .value = text};
	struct ident_form form, again;
	check_aim(&rules, &given);
	if (ident_normalise(&rules, &given, &form) != IDENT_OK) {
		if (pan_find(form.value, false) ||
		    (!gs1_link(form.value) && pan_grouped(form.value, false)))
			abort();
		return;
	}
	if (!text_utf8_ok(form.value, strlen(form.value)) ||
	    text_has_control(form.value, strlen(form.value)))
		abort();
	given = (struct ident_given){.kind = form.kind, .value = form.value};
	if (ident_normalise(&rules, &given, &again) != IDENT_OK ||
	    strcmp(form.value, again.value) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	check_normal_form(data[0], text);
	bool found = pan_find(text, false);
	size_t before = strlen(text);
	if ((pan_mask(text) > 0) != found || pan_find(text, false) || strlen(text) > before)
		abort();
	free(text);
	return 0;
}
