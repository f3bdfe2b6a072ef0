/* Numbers out of text and back: bounded, whole, never a binary float. */
#ifndef LANEWAY_BASE_NUM_H
#define LANEWAY_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUM_MONEY_SIZE 24

/* Decimal digits only (no sign, space or leading plus), min <= value <= max. false: *out untouched.
 */
bool num_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Decimal digits with an optional leading '-'. */
bool num_i64(const char *text, int64_t min, int64_t max, int64_t *out);

/* Digits after the point for an ISO 4217 currency code ("EUR" 2, "JPY" 0, "KWD" 3); -1: unknown. */
int num_currency_digits(const char *code);

/* "12.10" with exactly `digits` digits after the point (no point when 0) into minor units. An
 * optional leading '-' is read; callers that want amounts check the sign. At most 15 digits in all.
 * An amount has one text: no zeros in front ("01.00"), no minus zero. */
bool num_money(const char *text, int digits, int64_t *minor);
void num_money_text(int64_t minor, int digits, char out[NUM_MONEY_SIZE]);

/* A quantity: 1 to 9 digits, optionally a point and 1 to 3 digits ("1", "0.420"); not zero.
 * *milli is the quantity in thousandths. */
bool num_quantity(const char *text, int64_t *milli);

#endif
