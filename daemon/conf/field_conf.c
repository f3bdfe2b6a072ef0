#include "conf/field_conf.h"

#include <stdio.h>

_Static_assert(CONF_TRUST_SOURCES == FIELD_SOURCE_COUNT, "a source has an option");

static int take_field(const struct conf_trust *t, const char *path, struct field_trust *out,
                      char *err, size_t err_size)
{
	enum field f = field_named(t->field);

	if (f == FIELD_COUNT) {
		snprintf(err, err_size,
		         "%s:%d: trust \"%s\": no such field, expected one such as \"first_name\", "
		         "\"city\" or \"contact\"",
		         path, t->line, t->field);
		return -1;
	}
	for (int i = 0; i < CONF_TRUST_SOURCES; i++) {
		const struct conf_trust_source *said = &t->source[i];
		enum field_source s = field_source_named(said->name);
		if (said->trust == CONF_TRUST_NOT_SAID)
			continue;
		const char *wrong = field_trust_fault(f, s, said->trust);
		if (wrong) {
			snprintf(err, err_size, "%s:%d: trust \"%s\": %s is %d, %s", path,
			         said->line, t->field, said->name, said->trust, wrong);
			return -1;
		}
		out->trust[f][s] = (uint8_t)said->trust;
	}
	return 0;
}

int field_conf(const struct conf_trusts *conf, const char *path, struct field_trust *out, char *err,
               size_t err_size)
{
	field_trust_defaults(out);
	for (int i = 0; i < conf->count; i++) {
		if (take_field(&conf->field[i], path, out, err, err_size) < 0)
			return -1;
	}
	return 0;
}
