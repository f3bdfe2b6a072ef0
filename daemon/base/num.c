#include "base/num.h"

#include <stdio.h>
#include <string.h>

#define MONEY_DIGITS_MAX 15  /* so that sums of thousands of lines stay inside 64 bits */
#define QUANTITY_WHOLE_MAX 9 /* digits in front of the point */
#define QUANTITY_PART_MAX 3  /* digits behind it */

/* As many digits as stand at *at, at most max; how many. *v gets their value. */
static int take_digits(const char **at, int max, int64_t *v)
{
	int n = 0;
	while (n < max && **at >= '0' && **at <= '9') {
		*v = *v * 10 + (*(*at)++ - '0');
		n++;
	}
	return n;
}

bool num_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool num_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = *text == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, magnitude;
	if (!num_u64(text + negative, 0, limit, &magnitude))
		return false;
	int64_t v = (int64_t)(negative ? 0 - magnitude : magnitude);
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

struct currencies {
	int digits;
	const char *codes; /* three letters and a space each */
};

/* ISO 4217, active codes that have a minor unit. */
static const struct currencies iso4217[] = {
    {2,
     "EUR USD GBP CHF AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL "
     "BSD BTN BWP BYN BZD CAD CDF CHE CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB "
     "FJD FKP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT "
     "LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
     "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS "
     "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USN UYU UZS VED VES WST XCD XCG "
     "YER ZAR ZMW ZWG ZWL "},
    {0, "JPY KRW BIF CLP DJF GNF ISK KMF PYG RWF UGX UYI VND VUV XAF XOF XPF "},
    {3, "KWD BHD IQD JOD LYD OMR TND "},
    {4, "CLF UYW "},
};

int num_currency_digits(const char *code)
{
	if (strnlen(code, 4) != 3)
		return -1;
	for (size_t i = 0; i < sizeof iso4217 / sizeof *iso4217; i++)
		for (const char *at = iso4217[i].codes; *at; at += 4)
			if (memcmp(at, code, 3) == 0)
				return iso4217[i].digits;
	return -1;
}

bool num_money(const char *text, int digits, int64_t *minor)
{
	bool negative = *text == '-';
	const char *at = text + negative;
	int64_t v = 0;
	if (digits < 0 || digits >= MONEY_DIGITS_MAX ||
	    (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
		return false;
	if (take_digits(&at, MONEY_DIGITS_MAX - digits, &v) == 0)
		return false;
	if (digits > 0 && (*at++ != '.' || take_digits(&at, digits, &v) != digits))
		return false;
	if (*at || (negative && v == 0))
		return false;
	*minor = negative ? -v : v;
	return true;
}

void num_money_text(int64_t minor, int digits, char out[NUM_MONEY_SIZE])
{
	char all[NUM_MONEY_SIZE];
	uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	/* Zeros in front so that there is always a digit before the point. */
	int n = snprintf(all, sizeof all, "%0*llu", digits + 1, (unsigned long long)magnitude);
	int whole = n - digits;
	snprintf(out, NUM_MONEY_SIZE, "%s%.*s%s%s", minor < 0 ? "-" : "", whole, all,
	         digits > 0 ? "." : "", all + whole);
}

bool num_quantity(const char *text, int64_t *milli)
{
	const char *at = text;
	int64_t v = 0;
	if (take_digits(&at, QUANTITY_WHOLE_MAX, &v) == 0)
		return false;
	int part = 0;
	if (*at == '.') {
		at++;
		part = take_digits(&at, QUANTITY_PART_MAX, &v);
		if (part == 0)
			return false;
	}
	for (; part < QUANTITY_PART_MAX; part++)
		v *= 10;
	if (*at || v == 0)
		return false;
	*milli = v;
	return true;
}
