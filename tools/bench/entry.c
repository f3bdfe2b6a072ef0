/* Entries like those of a simulated day. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "event/event.h"
#include "store/vault.h"

#define TEMPLATES_MAX 20000

struct bench_template {
	enum event_kind kind;
	char *lane, *source, *visit_id, *basket_id, *date, *properties, *person;
	char *profile_ref, *rule, *ruleset, *confidence, *status;
	struct visit_key key;
};

int64_t bench_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? strdup(s) : NULL;
}

/* An event like the one on this line, with something of the same size to seal. */
static int read_template(struct bench_template *t, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	json_t *c = json_object_get(json_object_get(event, "context"), "laneway");
	json_t *sealed = json_object_get(c, "sealed"), *who = json_object_get(c, "identity");
	const char *name = json_string_value(json_object_get(event, "event"));

	memset(t, 0, sizeof *t);
	t->kind = name ? lw_event_kind_of(name) : EVENT_KIND_COUNT;
	if (t->kind == EVENT_KIND_COUNT || t->kind == EVENT_EPOCH_OPENED) {
		json_decref(event);
		return -1;
	}
	t->lane = text_of(c, "lane");
	t->source = text_of(c, "source");
	t->visit_id = text_of(c, "visit_id");
	t->basket_id = text_of(c, "basket_id");
	t->date = text_of(c, "business_date");
	t->profile_ref = text_of(who, "profile_ref");
	t->rule = text_of(who, "rule");
	t->ruleset = text_of(who, "ruleset");
	t->confidence = text_of(who, "confidence");
	t->status = text_of(who, "status");
	t->properties =
	    json_dumps(json_object_get(event, "properties"), JSON_SORT_KEYS | JSON_COMPACT);
	if (sealed) {
		size_t n = json_string_length(json_object_get(sealed, "c")) * 3 / 4;
		n = n > 32 ? n - 16 : 16;
		t->person = malloc(n + 32);
		snprintf(t->person, n + 32, "{\"value\":\"%0*d\"}", (int)n - 12, 7);
		vault_random(&t->key, sizeof t->key);
	}
	json_decref(event);
	return 0;
}

size_t bench_templates(const char *path, struct bench_template **out)
{
	FILE *f = fopen(path, "re");
	struct bench_template *list;
	char *line = NULL;
	size_t room = 0, n = 0;

	if (!f) {
		perror(path);
		return 0;
	}
	*out = list = calloc(TEMPLATES_MAX, sizeof *list);
	while (list && n < TEMPLATES_MAX && getline(&line, &room, f) > 0) {
		if (read_template(&list[n], line) == 0)
			n++;
	}
	free(line);
	fclose(f);
	return n;
}

struct entry *bench_entry(const struct bench_template *list, size_t n, uint64_t i)
{
	const struct bench_template *t = &list[i % n];
	struct entry *e = entry_new();
	struct lw_event *ev = entry_add(e, t->kind);

	ev->mono_us = clock_mono_us(clock_system());
	ev->wall_us = clock_wall_us(clock_system());
	ev->business_date = t->date;
	ev->utc_offset_min = 60;
	ev->source = t->source;
	ev->lane = t->lane;
	ev->visit_id = t->visit_id;
	ev->basket_id = t->basket_id;
	ev->identity = (struct lw_event_identity){t->profile_ref, t->rule,   t->ruleset,
	                                          t->confidence,  t->status, NULL};
	ev->properties = t->properties;
	ev->person = t->person;
	ev->key = t->key;
	return e;
}
