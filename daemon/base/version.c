#include "base/version.h"

const char *version_text(void)
{
	return LANEWAY_VERSION;
}

int64_t version_built_us(void)
{
	return LANEWAY_BUILT_S * INT64_C(1000000);
}
