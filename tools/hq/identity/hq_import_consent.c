/* Choices in a customer file: a column for each purpose and channel, "consent_marketing_email",
 * with cells such as "granted 2026-01-02 2026-1 paper". */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "hq/identity/hq_import.h"

#define PREFIX "consent_"
#define DAY_US INT64_C(86400000000)
#define HQ_IMPORT_WORDS 4 /* value, day, version of the text, method */

bool hq_import_consent_column(const char *name, struct hq_import_consent *out)
{
	const char *rest = name + strlen(PREFIX), *channel;
	size_t n;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	for (int p = 0; p < CONSENT_PURPOSE_COUNT; p++) {
		const char *purpose = consent_purpose_name((enum consent_purpose)p);
		n = strlen(purpose);
		if (strncmp(rest, purpose, n) != 0 || (rest[n] && rest[n] != '_'))
			continue;
		channel = rest[n] ? rest + n + 1 : consent_channel_name(CONSENT_ANY);
		out->purpose = (enum consent_purpose)p;
		out->channel = consent_channel_named(channel);
		return out->channel != CONSENT_CHANNEL_COUNT;
	}
	return false;
}

/* A day, from its first to its last moment; nothing: from ever to now. Nobody has chosen yet on a
 * day to come: it would win against all that is said until then. */
static bool read_day(const char *day, int64_t now_us, struct hq_person_choice *out)
{
	char text[CLOCK_ISO8601_SIZE];

	out->from_us = 0;
	out->to_us = now_us;
	if (!day)
		return true;
	if (strlen(day) != 10 || snprintf(text, sizeof text, "%sT00:00:00Z", day) < 0 ||
	    clock_parse_iso8601(text, &out->from_us) != 0)
		return false;
	out->to_us = out->from_us + DAY_US - 1;
	return out->from_us <= now_us + DAY_US; /* somewhere it is tomorrow */
}

bool hq_import_consent_cell(const struct hq_import_consent *column, char *cell, int64_t now_us,
                            struct hq_person_choice *out)
{
	char *word[HQ_IMPORT_WORDS + 1] = {NULL}, *rest = cell;
	int n = 0;

	while (n <= HQ_IMPORT_WORDS && (word[n] = strtok_r(rest, " ", &rest)) != NULL)
		n++;
	*out = (struct hq_person_choice){.purpose = column->purpose, .channel = column->channel};
	if (n == 0 || n > HQ_IMPORT_WORDS)
		return false;
	out->value = consent_value_named(word[0]);
	if ((out->value != CONSENT_GRANTED && out->value != CONSENT_REFUSED &&
	     out->value != CONSENT_WITHDRAWN) ||
	    !read_day(word[1], now_us, out))
		return false;
	/* What raises needs all three: when, to which words, and how it was said. */
	if (word[3] && (strlen(word[2]) >= sizeof out->text || strlen(word[3]) >= sizeof out->how))
		return false;
	text_copy(out->text, sizeof out->text, word[3] ? word[2] : "");
	text_copy(out->how, sizeof out->how, word[3] ? word[3] : "");
	return true;
}
