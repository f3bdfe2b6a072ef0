#include "identity/phone.h"

#include <cctype>
#include <cstring>
#include <list>
#include <string>

#include <strings.h>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

/* Of characters outside ASCII those that phone keyboards and address books write: spaces, hyphens,
 * full-width signs, digits of the Arabic scripts. Marks of direction and pictures are none. */
bool is_sign(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned long first, last;
	} ranges[] = {{0xa0, 0xa0},     {0x660, 0x669},   {0x6f0, 0x6f9},   {0x2000, 0x200a},
	              {0x2010, 0x2015}, {0x202f, 0x202f}, {0x2212, 0x2212}, {0x3000, 0x3000},
	              {0xff08, 0xff09}, {0xff0b, 0xff0b}, {0xff0d, 0xff0f}, {0xff10, 0xff19}};
	unsigned long c = n == 2 ? p[0] & 0x1fUL : p[0] & 0x0fUL;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fUL);
	for (const auto &range : ranges)
		if (c >= range.first && c <= range.last)
			return n < 4;
	return false;
}

/* The library would read letters as keys of a phone, and skip what stands in front of a number. */
bool plainly_written(const std::string &text)
{
	for (size_t i = 0; i < text.size();) {
		const auto *p = reinterpret_cast<const unsigned char *>(text.c_str() + i);
		size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		if (n == 1 ? !std::isdigit(*p) && !std::strchr("+-()./ \t", *p)
		           : i + n > text.size() || !is_sign(p, n))
			return false;
		i += n;
	}
	return true;
}

bool begins_with(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, std::strlen(prefix)) == 0;
}

/* RFC 3966: the number without its parameters, with the country code of its context in front. */
std::string without_uri(const char *text, bool *extension)
{
	text += std::strspn(text, " \t");
	if (!begins_with(text, "tel:"))
		return text;
	text += 4;
	size_t n = std::strcspn(text, ";");
	std::string number(text, n), context;
	for (const char *p = text + n; *p == ';'; p += n) {
		p++;
		n = std::strcspn(p, ";");
		if (begins_with(p, "ext="))
			*extension = true;
		else if (begins_with(p, "phone-context=+"))
			context.assign(p + 14, n - 14);
	}
	return number[0] == '+' ? number : context + number;
}

/* "ext. 12", "x12", ";ext=12", "#12" behind a number. */
bool ends_with_extension(const std::string &text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.size(); i++) {
		digits += std::isdigit(static_cast<unsigned char>(text[i])) != 0;
		if (digits < 5)
			continue;
		const char *p = text.c_str() + i + 1;
		bool marked =
		    begins_with(p, "x") || begins_with(p, "ext") || std::strchr("#,;", *p);
		if (*p && marked && std::strpbrk(p, "0123456789"))
			return true;
	}
	return false;
}

bool read_as(const std::string &text, const char *region, PhoneNumber *number)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	return util->ParseAndKeepRawInput(text, region, number) ==
	           PhoneNumberUtil::NO_PARSING_ERROR &&
	       util->IsValidNumber(*number);
}

bool says_its_country(const PhoneNumber &number)
{
	return number.country_code_source() == PhoneNumber::FROM_NUMBER_WITH_PLUS_SIGN ||
	       number.country_code_source() == PhoneNumber::FROM_NUMBER_WITH_IDD;
}

/* Typed as nobody of its country would dial it, and as another country's number would be. */
bool in_doubt(const std::string &text, const PhoneNumber &number, PhoneNumber *other)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	std::string typed = text, dialled;
	if (says_its_country(number))
		return false;
	util->Format(number, PhoneNumberUtil::NATIONAL, &dialled);
	util->NormalizeDigitsOnly(&typed);
	util->NormalizeDigitsOnly(&dialled);
	return typed != dialled && read_as("+" + text, "ZZ", other) && !other->has_extension() &&
	       (other->country_code() != number.country_code() ||
	        other->national_number() != number.national_number());
}

phone_result put(const PhoneNumber &number, const char *region, bool guessed, struct phone *out)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	std::string e164, whose;
	util->Format(number, PhoneNumberUtil::E164, &e164);
	util->GetRegionCodeForNumber(number, &whose);
	if (e164.size() >= sizeof out->e164 || whose.size() >= sizeof out->region)
		return PHONE_INVALID;
	std::memcpy(out->e164, e164.c_str(), e164.size() + 1);
	std::memcpy(out->region, whose.c_str(), whose.size() + 1);
	out->foreign = guessed || (!says_its_country(number) && whose != region);
	return PHONE_OK;
}

} // namespace

extern "C" phone_result phone_read(const char *text, const char *region, struct phone *out)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	bool extension = false;
	std::string number = without_uri(text, &extension);
	PhoneNumber parsed, other;
	if (number.find_first_not_of(" \t") == std::string::npos)
		return PHONE_EMPTY;
	if (extension || ends_with_extension(number))
		return PHONE_EXTENSION;
	if (!plainly_written(number))
		return PHONE_LETTERS;
	if (read_as(number, *region ? region : "ZZ", &parsed)) {
		if (parsed.has_extension())
			return PHONE_EXTENSION;
		bool doubt = in_doubt(number, parsed, &other);
		bool mobile = util->GetNumberType(parsed) == PhoneNumberUtil::MOBILE;
		if (!doubt)
			return put(parsed, region, false, out);
		bool home = other.country_code() == util->GetCountryCodeForRegion(region);
		return put(mobile && !home ? parsed : other, region, !home, out);
	}
	if (number.find('+') != std::string::npos ||
	    number.find("\xef\xbc\x8b") != std::string::npos)
		return PHONE_INVALID;
	if (*region && read_as("+" + number, "ZZ", &parsed) && !parsed.has_extension())
		return put(parsed, region, true, out);
	return *region ? PHONE_INVALID : PHONE_REGION;
}

/* Countries share calling codes, and a number alone does not always say which of them it is in. */
extern "C" bool phone_is_example(const char *e164)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	PhoneNumber number, example;
	std::list<std::string> regions;
	if (util->Parse(e164, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	util->GetRegionCodesForCountryCallingCode(number.country_code(), &regions);
	for (const std::string &region : regions) {
		for (int type = 0; type <= PhoneNumberUtil::VOICEMAIL; type++) {
			auto kind = static_cast<PhoneNumberUtil::PhoneNumberType>(type);
			if (util->GetExampleNumberForType(region, kind, &example) &&
			    example.country_code() == number.country_code() &&
			    example.national_number() == number.national_number())
				return true;
		}
	}
	return false;
}

extern "C" bool phone_example(const char *region, bool mobile, char out[PHONE_E164_SIZE])
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	PhoneNumber example;
	std::string e164;
	if (!util->GetExampleNumberForType(
	        region, mobile ? PhoneNumberUtil::MOBILE : PhoneNumberUtil::FIXED_LINE, &example))
		return false;
	util->Format(example, PhoneNumberUtil::E164, &e164);
	if (e164.size() >= PHONE_E164_SIZE)
		return false;
	std::memcpy(out, e164.c_str(), e164.size() + 1);
	return true;
}

extern "C" void phone_prepare(const char *region)
{
	char example[PHONE_E164_SIZE];
	struct phone out;
	if (phone_example(*region ? region : "DE", false, example))
		phone_read(example, region, &out);
}
