#include "identity/phone.h"

#include <cctype>
#include <cstring>
#include <list>
#include <string>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

/* The library would read letters as keys of a phone, and skip what stands in front of a number. */
bool plainly_written(const char *text)
{
	for (; *text; text++) {
		unsigned char c = static_cast<unsigned char>(*text);
		if (c < 0x80 && !std::isdigit(c) && !std::strchr("+-()./ \t", c))
			return false;
	}
	return true;
}

} // namespace

extern "C" bool phone_e164(const char *text, const char *region, char out[PHONE_E164_SIZE])
{
	if (!plainly_written(text))
		return false;
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	PhoneNumber number;
	if (util->Parse(text, *region ? region : "ZZ", &number) !=
	    PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	if (number.has_extension() || !util->IsValidNumber(number))
		return false;
	std::string e164;
	util->Format(number, PhoneNumberUtil::E164, &e164);
	if (e164.size() >= PHONE_E164_SIZE)
		return false;
	std::memcpy(out, e164.c_str(), e164.size() + 1);
	return true;
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
	char out[PHONE_E164_SIZE];
	if (phone_example(*region ? region : "DE", false, out))
		phone_e164(out, region, out);
}
